//! One machine against another as lines of characters: the ratio of each benchmark with its interval, and the ratio of cycles.
//!
//! The same as `chart::ratio`, for a terminal or a block of text; the axis is logarithmic, too.

use unicode_width::UnicodeWidthStr;

use super::{real, total};
use crate::model::machines::{MachineCell, MachineComparison};
use crate::report::chart::ratio::{MOST_ROWS, ticks};
use crate::report::escape;
use crate::report::format::{Dialect, change};

/// Characters of a name.
const NAME: usize = 28;
/// Characters of the plot, at least and at most.
const PLOT: (usize, usize) = (20, 60);

/// The characters of the drawing.
struct Signs {
    line: char,
    ends: (char, char),
    time: char,
    cycles: char,
    one: char,
}

const UNICODE: Signs = Signs { line: '─', ends: ('├', '┤'), time: '●', cycles: '○', one: '│' };
const ASCII: Signs = Signs { line: '-', ends: ('[', ']'), time: 'o', cycles: 'x', one: ':' };

/// Where a ratio stands in the plot.
#[derive(Debug, Clone, Copy)]
struct Axis {
    low: f64,
    high: f64,
    width: usize,
}

impl Axis {
    fn place(self, ratio: f64) -> usize {
        let share = (ratio.log2() - self.low.log2()) / (self.high.log2() - self.low.log2());
        let most = real(total(self.width.saturating_sub(1)));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place among sixty")]
        let place = (share * most).round().clamp(0.0, most) as usize;
        place
    }
}

/// Draws the machine at `place` among the sides against the first one; empty when they share no benchmark.
#[must_use]
pub(in crate::report) fn ratio_text(
    found: &MachineComparison,
    place: usize,
    width: usize,
    dialect: Dialect,
) -> String {
    let rows: Vec<(String, &MachineCell)> = found
        .rows
        .iter()
        .filter_map(|row| {
            let cell = row.cells.get(place.checked_sub(1)?)?.as_ref()?;
            let name = escape::shorten_start(&escape::visible(&row.benchmark.to_string(), false), NAME);
            let name = if dialect == Dialect::Ascii { name.replace('…', "...") } else { name };
            (cell.ratio.is_finite() && cell.ratio > 0.0).then_some((name, cell))
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let drawn = &rows[..rows.len().min(MOST_ROWS)];
    let names = drawn.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
    let values: Vec<String> = drawn.iter().map(|(_, cell)| change(dialect, cell.ratio - 1.0, None)).collect();
    let said = values.iter().map(|value| value.width()).max().unwrap_or(0);
    let (low, high) = bounds(drawn);
    let axis = Axis { low, high, width: width.saturating_sub(names + said + 4).clamp(PLOT.0, PLOT.1) };
    let signs = if dialect == Dialect::Ascii { ASCII } else { UNICODE };
    let mut lines = Vec::with_capacity(drawn.len() + 3);
    for ((name, cell), value) in drawn.iter().zip(&values) {
        let pad = " ".repeat(names - name.width());
        let before = " ".repeat(said - value.width());
        let plot: String = row(cell, axis, &signs).into_iter().collect();
        lines.push(format!("{name}{pad}  {plot}  {before}{value}"));
    }
    lines.push(format!("{}  {}", " ".repeat(names), scale(axis)));
    let rest = rows.len() - drawn.len();
    let rest = if rest == 0 { String::new() } else { format!("; {rest} more are in the table") };
    lines.push(format!(
        "{} time with its interval, {} cycles: change in %, on a logarithmic axis{rest}",
        signs.time, signs.cycles
    ));
    lines.iter().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

/// Smallest and largest of everything drawn, and of equal; never the same.
fn bounds(rows: &[(String, &MachineCell)]) -> (f64, f64) {
    let ends = rows.iter().flat_map(|(_, cell)| {
        let interval = cell.ratio_interval.map_or([cell.ratio; 2], |(low, high)| [low, high]);
        interval.into_iter().chain([cell.ratio]).chain(cell.per_cycle)
    });
    let known = ends.filter(|ratio| ratio.is_finite() && *ratio > 0.0);
    let (low, high) =
        known.fold((1.0, 1.0), |(low, high): (f64, f64), ratio| (low.min(ratio), high.max(ratio)));
    (low / 1.005, high * 1.005)
}

fn row(cell: &MachineCell, axis: Axis, signs: &Signs) -> Vec<char> {
    let mut plot = vec![' '; axis.width];
    plot[axis.place(1.0)] = signs.one;
    if let Some((low, high)) = cell.ratio_interval.filter(|(low, high)| *low > 0.0 && high.is_finite()) {
        let (from, to) = (axis.place(low), axis.place(high));
        plot[from..=to].fill(signs.line);
        if to > from {
            (plot[from], plot[to]) = signs.ends;
        }
    }
    if let Some(cycles) = cell.per_cycle.filter(|cycles| cycles.is_finite() && *cycles > 0.0) {
        plot[axis.place(cycles)] = signs.cycles;
    }
    plot[axis.place(cell.ratio)] = signs.time;
    plot
}

/// The numbers below the plot; one that would touch its neighbor is left out, and that of equal never is.
fn scale(axis: Axis) -> String {
    let mut plot = vec![' '; axis.width];
    let mut wanted = ticks(axis.low, axis.high);
    wanted.sort_by(|a, b| (a.0 - 1.0).abs().total_cmp(&(b.0 - 1.0).abs()));
    for (ratio, text) in wanted {
        let text: Vec<char> = text.chars().collect();
        let start =
            axis.place(ratio).saturating_sub(text.len() / 2).min(axis.width.saturating_sub(text.len()));
        let free = plot.iter().skip(start.saturating_sub(1)).take(text.len() + 2).all(|sign| *sign == ' ');
        if free {
            for (place, sign) in (start..).zip(text) {
                plot[place] = sign;
            }
        }
    }
    plot.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::BenchmarkId;
    use crate::model::machines::MachineRow;
    use crate::model::units::Metric;

    /// Name, ratio, its interval, ratio of cycles.
    type Row<'a> = (&'a str, f64, (f64, f64), Option<f64>);

    fn comparison(rows: &[Row<'_>]) -> MachineComparison {
        let rows = rows.iter().map(|(name, ratio, interval, cycles)| MachineRow {
            benchmark: BenchmarkId {
                package: "p".to_owned(),
                target: "t".to_owned(),
                group: (*name).to_owned(),
                function: None,
                value: None,
                occurrence: 0,
            },
            metric: Metric::time(),
            reference: 10.0,
            cells: vec![Some(MachineCell {
                value: 10.0 * ratio,
                ratio: *ratio,
                ratio_interval: Some(*interval),
                per_cycle: *cycles,
                per_cycle_interval: None,
            })],
        });
        MachineComparison {
            commit: String::new(),
            sides: Vec::new(),
            differences: Vec::new(),
            level: 0.95,
            rows: rows.collect(),
            means: Vec::new(),
            stated: Vec::new(),
        }
    }

    #[test]
    fn half_equal_and_twice_stand_at_equal_distances() {
        let found = comparison(&[
            ("half", 0.5, (0.48, 0.52), None),
            ("equal\u{1b}", 1.0, (0.9, 1.1), Some(1.0)),
            ("twice", 2.0, (1.6, 2.0), Some(1.0)),
        ]);
        let text = ratio_text(&found, 1, 50, Dialect::Ascii);
        let lines: Vec<&str> = text.lines().collect();
        let at = |line: &str, sign: char| line.chars().skip(9).position(|found| found == sign).unwrap();
        let (half, one, twice) = (at(lines[0], 'o'), at(lines[1], 'o'), at(lines[2], 'o'));
        assert!((one - half).abs_diff(twice - one) <= 1, "{text}");
        assert_eq!(at(lines[2], 'x'), one, "{text}");
        assert!(
            lines[3].split_whitespace().eq(["-50", "0", "+100"])
                && lines.iter().all(|line| line.width() <= 100),
            "{text}"
        );
        assert_eq!(lines.len(), 5);
    }

    #[test]
    fn odd_numbers_still_draw() {
        assert_eq!(ratio_text(&comparison(&[]), 1, 80, Dialect::Terminal), "");
        let odd = comparison(&[
            ("a", f64::NAN, (1.0, 1.0), None),
            ("b", 1.0, (0.0, f64::INFINITY), Some(f64::NAN)),
        ]);
        let text = ratio_text(&odd, 1, 10, Dialect::Terminal);
        assert!(text.contains('●') && !text.contains("NaN"), "{text}");
        assert_eq!(ratio_text(&odd, 0, 80, Dialect::Terminal), "");
        assert_eq!(ratio_text(&odd, 9, 80, Dialect::Terminal), "");
    }
}
