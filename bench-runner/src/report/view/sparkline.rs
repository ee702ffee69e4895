//! A series as one line of characters: a block for each night, a dot where there was none.

use crate::report::format::Dialect;

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII: [char; 8] = ['_', ',', '-', '~', '=', '+', '*', '#'];

/// Smallest span, as a fraction of the lowest value, that the height of the line stands for: below it noise would look large.
const SPAN: f64 = 0.02;

/// Most characters of a line of nights.
const WIDEST: usize = 60;

/// Nights that one character stands for, so that a line of them has at most [`WIDEST`].
#[must_use]
pub(super) fn per_character(nights: usize) -> usize {
    nights.div_ceil(WIDEST).max(1)
}

/// As many values as a line has characters, oldest first: each is the median of its nights. The newest part is whole.
#[must_use]
pub(super) fn thinned(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let middle = |part: &[Option<f64>]| {
        let mut known: Vec<f64> = part.iter().flatten().copied().collect();
        known.sort_by(f64::total_cmp);
        known.get(known.len() / 2).copied()
    };
    values.rchunks(per_character(values.len())).rev().map(middle).collect()
}

/// Draws `values`, oldest first; `None` is a night without a value.
///
/// # Edge cases
/// Values that are not finite are gaps. Equal values are drawn at the bottom.
#[must_use]
pub(in crate::report) fn sparkline(values: &[Option<f64>], dialect: Dialect) -> String {
    let (levels, gap) = if dialect == Dialect::Ascii { (ASCII, '.') } else { (BLOCKS, '·') };
    let known = || values.iter().flatten().copied().filter(|value| value.is_finite());
    let low = known().fold(f64::INFINITY, f64::min);
    let high = known().fold(f64::NEG_INFINITY, f64::max);
    let span = (high - low).max(SPAN * low.abs());
    let draw = |value: &Option<f64>| match value.filter(|value| value.is_finite()) {
        Some(value) if span > 0.0 => {
            // The highest share belongs to the highest level.
            let share = ((value - low) / span * 8.0).floor();
            levels.iter().enumerate().rfind(|(level, _)| *level as f64 <= share).map_or(levels[0], |l| *l.1)
        }
        Some(_) => levels[0],
        None => gap,
    };
    values.iter().map(draw).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[Option<f64>], unicode: &str, ascii: &str) {
        assert_eq!(sparkline(values, Dialect::Terminal), unicode);
        assert_eq!(sparkline(values, Dialect::Ascii), ascii);
    }

    #[test]
    fn heights_follow_values_and_gaps_are_seen() {
        let some = |values: &[f64]| values.iter().map(|value| Some(*value)).collect::<Vec<_>>();
        check(&some(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]), "▁▂▃▄▅▆▇█", "_,-~=+*#");
        check(&[Some(1.0), None, Some(2.0), Some(f64::NAN)], "▁·█·", "_.#.");
        // 0.1 % of noise does not fill the height.
        check(&some(&[1000.0, 1001.0, 1000.0]), "▁▁▁", "___");
        check(&some(&[5.0]), "▁", "_");
        check(&[], "", "");
    }

    #[test]
    fn long_lines_are_thinned_from_their_newest_end() {
        let few: Vec<Option<f64>> = (0..60).map(|night| Some(f64::from(night))).collect();
        assert_eq!((per_character(0), per_character(60), per_character(61)), (1, 1, 2));
        assert_eq!(thinned(&few), few);
        let many: Vec<Option<f64>> =
            (0..150).map(|night| (night % 3 != 2).then_some(f64::from(night))).collect();
        let thin = thinned(&many);
        assert_eq!((thin.len(), thin[0], thin[49]), (50, Some(1.0), Some(148.0)));
        assert_eq!(thinned(&vec![None; 121]), vec![None; 41]);
    }
}
