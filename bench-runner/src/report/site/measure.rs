//! Numbers and small words that several pages share.

use std::fmt::Write as _;

use super::Site;
use super::block::Cell;
use crate::model::decision::{ChangeState, Evidence};
use crate::model::ids::BenchmarkId;
use crate::model::site::{LineSummary, Moved, Standing};
use crate::model::units::{Metric, Timestamp};
use crate::report::format::{self, Dialect, Scale};
use crate::report::view::words::code;

/// Everything on pages and in their twins is written in this dialect.
pub(super) const PAGE: Dialect = Dialect::Html;

/// Width and height of a sparkline in its own units.
const SPARK: (f64, f64) = (110.0, 20.0);

/// Glyph, word and tone of a standing.
pub(super) fn standing(value: Standing) -> (&'static str, &'static str) {
    match value {
        Standing::Slower => ("▲ got slower", "regressed"),
        Standing::Faster => ("▼ got faster", "improved"),
        Standing::CannotTell => ("? cannot tell", "inconclusive"),
        Standing::NotRun => ("– not run", "apart"),
        Standing::Quiet => ("= nothing found", "unchanged"),
    }
}

/// Word and tone of the state of a change.
pub(super) fn state(value: ChangeState) -> (&'static str, &'static str) {
    match value {
        ChangeState::New => ("new", "inconclusive"),
        ChangeState::Accepted => ("accepted", "unchanged"),
        ChangeState::Fixed => ("fixed", "improved"),
        ChangeState::Noise => ("noise", "unchanged"),
    }
}

/// Word of the evidence of a change.
pub(super) fn evidence(value: Evidence) -> &'static str {
    match value {
        Evidence::Suspect => "suspect: not measured again, or without an answer",
        Evidence::Confirmed => "confirmed: measured again and there",
        Evidence::Refuted => "gone: measured again and not there",
    }
}

/// A value with its relative half width: `17.31 µs ±0.14 %`; without an interval it says so.
pub(super) fn value(metric: &Metric, value: f64, interval: Option<(f64, f64)>) -> String {
    let width = interval.map(|(low, high)| (high - low) / 2.0);
    let shown = Scale::metric(PAGE, metric, [value]).show(value, width);
    match width {
        Some(width) if value != 0.0 => format!("{shown} {}", format::half_width(PAGE, width / value.abs())),
        _ => format!("{shown} (no interval)"),
    }
}

/// Old and new level in one unit: `636.0 → 664.4 µs`.
pub(super) fn levels(metric: &Metric, before: f64, after: f64) -> String {
    let scale = Scale::metric(PAGE, metric, [before, after]);
    format!("{} → {}", scale.number(before, None), scale.show(after, None))
}

/// A ratio as a signed change with its interval.
pub(super) fn change(ratio: f64, interval: Option<(f64, f64)>) -> String {
    let shown = format::change(PAGE, ratio - 1.0, interval.map(|(low, high)| (low - 1.0, high - 1.0)));
    if interval.is_none() { format!("{shown} (no interval)") } else { shown }
}

/// Between which commits something changed.
pub(super) fn commits(commits: &(Option<String>, Option<String>)) -> String {
    let short =
        |commit: &Option<String>| commit.as_ref().map(|text| code(&text.chars().take(9).collect::<String>()));
    match (short(&commits.0), short(&commits.1)) {
        (Some(old), Some(new)) if old == new => format!("at {new}, no commit between"),
        (Some(old), Some(new)) => format!("{old} → {new}"),
        (None, Some(new)) => format!("unknown → {new}"),
        (Some(old), None) => format!("{old} → unknown"),
        (None, None) => "commits unknown".to_owned(),
    }
}

/// Day and minute of a moment, in UTC.
pub(super) fn minute(time: Timestamp) -> String {
    let text = format::timestamp(time);
    format!("{} {} UTC", text.get(..10).unwrap_or_default(), text.get(11..16).unwrap_or_default())
}

/// Name of a benchmark on pages that show all of them.
pub(super) fn name(id: &BenchmarkId) -> String {
    id.to_string()
}

/// The name of a line's benchmark, leading to its page.
pub(super) fn benchmark_cell(site: &Site, id: &BenchmarkId) -> Cell {
    Cell::text(code(&crate::report::escape::shorten(&name(id), 90))).to(site.link(super::benchmark_path(id)))
}

/// The name of a machine, leading to its page.
pub(super) fn machine_cell(site: &Site, key: &str) -> Cell {
    Cell::text(code(&crate::report::escape::shorten(&site.machine_name(key), 40)))
        .to(site.link(super::machine_path(key)))
}

/// The newest values as a small drawing; its words are for those who cannot see it.
pub(super) fn spark(line: &LineSummary, id: &str) -> Option<(String, String)> {
    let known: Vec<f64> = line.recent.iter().flatten().copied().collect();
    let (low, high) = known.iter().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    if known.len() < 2 {
        return None;
    }
    let middle = f64::midpoint(low, high);
    // Less than one percent from end to end is drawn as calm, not blown up to the height of the line.
    let span = (high - low).max(middle.abs() * 0.01).max(f64::MIN_POSITIVE);
    let last = line.recent.len().saturating_sub(1).max(1);
    let mut path = String::new();
    let mut open = false;
    let mut dot = String::new();
    for (place, value) in line.recent.iter().enumerate() {
        let Some(value) = value else {
            open = false;
            continue;
        };
        let x = 3.0
            + (SPARK.0 - 6.0) * super::super::view::real(super::super::view::total(place))
                / super::super::view::real(super::super::view::total(last));
        let y = SPARK.1 / 2.0 - (value - middle) / span * (SPARK.1 - 6.0);
        _ = write!(path, "{}{x:.1} {y:.1}", if open { 'L' } else { 'M' });
        open = true;
        dot = format!("<circle class=\"f k-name\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.2\"/>");
    }
    let scale = Scale::metric(PAGE, &line.metric, [low, high]);
    let words = format!("{} newest runs between {}", known.len(), scale.range(low, high));
    let (title, drawn) = ("Newest runs", crate::report::escape::html(&words));
    let svg = format!(
        "<svg class=\"spark\" viewBox=\"0 0 110 20\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{title}\
         </title><desc id=\"{id}-d\">{drawn}</desc><path class=\"s k-series\" d=\"{path}\"/>{dot}</svg>"
    );
    Some((svg, blocks(&line.recent, low, span)))
}

/// The same as block characters, for Markdown; a gap is a space.
fn blocks(values: &[Option<f64>], low: f64, span: f64) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let height = |value: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0 to 7")]
        let place = (((value - low) / span * 8.0).floor().clamp(0.0, 7.0)) as usize;
        HEIGHTS[place]
    };
    values.iter().map(|value| value.map_or(' ', height)).collect()
}

/// The change of a line with everything that belongs to it, for lists: size, since when, between which commits.
pub(super) fn since(moved: &Moved) -> String {
    if moved.runs <= 1 {
        return format!("{}, the newest run", format::day(moved.started));
    }
    format!("{}, {} at this level", format::day(moved.started), format::plural(u64::from(moved.runs), "run"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_characters_follow_the_values() {
        let values = [Some(1.0), None, Some(1.5), Some(2.0)];
        assert_eq!(blocks(&values, 1.0, 1.0), "▁ ▅█");
    }

    #[test]
    fn commits_say_what_is_not_known() {
        let check = |old: Option<&str>, new: Option<&str>, expected: &str| {
            let text = commits(&(old.map(str::to_owned), new.map(str::to_owned)));
            assert_eq!(crate::report::view::words::unmarked(&text), expected);
        };
        check(Some("0123456789abcdef"), Some("fedcba98765"), "012345678 → fedcba987");
        check(Some("0123456789abcdef"), Some("0123456789abcdef"), "at 012345678, no commit between");
        check(None, Some("ab"), "unknown → ab");
        check(None, None, "commits unknown");
    }
}
