//! What rebuilds that change nothing do to results on this machine, from nights that nobody called a change.
//!
//! Another executable has another layout of code, heap and stack. The scatter between neighboring nights with different
//! executables is that of two nights plus that of two layouts; between nights with one executable it is that of the nights alone.

use std::collections::BTreeSet;

use crate::model::gate::LayoutSpread;
use crate::model::history::Line;
use crate::model::ids::RunId;
use crate::stats::order::median;
use crate::stats::scale::MAD_TO_SD;

/// Pairs of nights of each kind that are needed.
pub const FEWEST_PAIRS: usize = 20;

/// Standard deviations within which a confirmed change is said to be no larger than what rebuilds do.
pub const LIMIT: f64 = 2.0;

/// Estimates the layout spread from the lines of one machine; `breaks` are the first runs of new levels, over which nothing is compared.
///
/// `sd = √(max(0, s²_rebuilt − s²_same))` with `s` = 1.4826 × the median size of the logarithm of the ratio of neighboring nights, pooled
/// over all series.
///
/// # Edge cases
/// Unknown while either kind has fewer than [`FEWEST_PAIRS`] pairs. Small changes of code that nobody noticed count as rebuilds, so
/// that the estimate is rather too large than too small.
#[must_use]
pub fn layout_spread(lines: &[Line], comparable: &[RunId], breaks: &BTreeSet<&RunId>) -> LayoutSpread {
    let allowed: BTreeSet<&RunId> = comparable.iter().collect();
    let (mut rebuilt, mut same) = (Vec::new(), Vec::new());
    for line in lines {
        let points: Vec<_> = line
            .history
            .points
            .iter()
            .filter(|point| point.is_eligible() && point.value > 0.0 && allowed.contains(&point.run))
            .collect();
        for pair in points.windows(2) {
            let (Some(before), Some(after)) = (pair[0].executable, pair[1].executable) else { continue };
            if breaks.contains(&pair[1].run) {
                continue;
            }
            let size = (pair[1].value / pair[0].value).ln().abs();
            if before == after { same.push(size) } else { rebuilt.push(size) }
        }
    }
    let enough = rebuilt.len() >= FEWEST_PAIRS && same.len() >= FEWEST_PAIRS;
    let scale = |sizes: &[f64]| median(sizes).map(|size| MAD_TO_SD * size);
    let sd = if enough {
        scale(&rebuilt)
            .zip(scale(&same))
            .map(|(rebuilt, same)| (rebuilt * rebuilt - same * same).max(0.0).sqrt())
    } else {
        None
    };
    let count = |sizes: &[f64]| u32::try_from(sizes.len()).unwrap_or(u32::MAX);
    LayoutSpread { sd, rebuilt: count(&rebuilt), same: count(&same) }
}

#[cfg(test)]
mod tests {
    use super::super::super::examples::{line, run_id};
    use super::*;
    use crate::stats::rng::SplitMix64;

    /// Nights with 0.5 % of their own; every second night is a rebuild whose layout adds `layout`.
    fn spread(nights: u32, layout: f64) -> LayoutSpread {
        let mut rng = SplitMix64::new(3);
        let mut offset = 0.0;
        let points = (0..nights)
            .map(|night| {
                if night % 2 == 0 {
                    offset = layout * rng.normal();
                }
                (1000.0 * (offset + 0.005 * rng.normal()).exp(), night / 2)
            })
            .collect::<Vec<_>>();
        let runs: Vec<RunId> = (0..nights).map(run_id).collect();
        layout_spread(&[line("g", &points)], &runs, &BTreeSet::new())
    }

    #[test]
    fn the_spread_of_layouts_is_told_from_that_of_nights() {
        // Two layouts differ by √2 times the scatter of one.
        let sd = spread(2000, 0.02).sd.unwrap();
        assert!((sd / (0.02 * 2.0_f64.sqrt()) - 1.0).abs() < 0.15, "{sd}");
        let sd = spread(2000, 0.0).sd.unwrap();
        assert!(sd < 0.003, "{sd}");
        let few = spread(20, 0.02);
        assert!(few.sd.is_none() && few.rebuilt == 9 && few.same == 10, "{few:?}");
    }
}
