//! Numbers and small words that several pages share.

use std::fmt::Write as _;

use super::Site;
use super::block::Cell;
use crate::model::decision::{ChangeState, Evidence};
use crate::model::ids::BenchmarkId;
use crate::model::site::{Moved, Standing};
use crate::model::units::{Metric, Timestamp};
use crate::report::format::{self, Dialect, Scale};
use crate::report::view::words::code;
use crate::report::view::{real, total};

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
        Standing::Quiet => ("= as before", "unchanged"),
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
    let mut shown = Scale::metric(PAGE, metric, [value]).show(value, width);
    match width {
        Some(width) if value != 0.0 => {
            shown.push(' ');
            shown.push_str(&format::half_width(PAGE, width / value.abs()));
        }
        _ => shown.push_str(" (no interval)"),
    }
    shown
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

/// Between which commits something changed, as `git log` wants it.
pub(super) fn commits(commits: &(Option<String>, Option<String>)) -> String {
    let text = crate::report::view::between(commits);
    if text == "unknown" { text } else { code(&text) }
}

/// Day and minute of a moment, in UTC.
pub(super) fn minute(time: Timestamp) -> String {
    let text = format::timestamp(time);
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    [part(0..10), " ", part(11..16), " UTC"].concat()
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

/// A recorded value, short enough for a table: of a digest its beginning.
pub(super) fn recorded(text: &str, most: usize) -> String {
    let digest = text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    crate::report::escape::shorten(text, if digest { 13 } else { most })
}

/// The newest values as a small drawing; its words are for those who cannot see it.
pub(super) fn spark((metric, values): (&Metric, &[Option<f64>]), id: &str) -> Option<(String, String)> {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    let (low, high) = known.iter().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    if known.len() < 2 {
        return None;
    }
    let middle = f64::midpoint(low, high);
    // Less than one percent from end to end is drawn as calm, not blown up to the height of the line.
    let span = (high - low).max(middle.abs() * 0.01).max(f64::MIN_POSITIVE);
    let last = real(total(values.len().saturating_sub(1).max(1)));
    let (mut path, mut dots) = (String::new(), String::new());
    let mut open = false;
    let newest = values.iter().rposition(Option::is_some);
    for (place, value) in values.iter().enumerate() {
        let Some(value) = value else {
            open = false;
            continue;
        };
        let x = 3.0 + (SPARK.0 - 6.0) * real(total(place)) / last;
        let y = SPARK.1 / 2.0 - (value - middle) / span * (SPARK.1 - 6.0);
        let followed = values.get(place + 1).is_some_and(Option::is_some);
        if open || followed {
            _ = write!(path, "{}{x:.1} {y:.1}", if open { 'L' } else { 'M' });
        }
        // A value between two gaps is no line.
        if Some(place) == newest {
            _ = write!(dots, "<circle class=\"f k-name\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.2\"/>");
        } else if !open && !followed {
            _ = write!(dots, "<circle class=\"f k-series\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"1.2\"/>");
        }
        open = true;
    }
    let scale = Scale::metric(PAGE, metric, [low, high]);
    let words = format!("{} values, the newest last, between {}", known.len(), scale.range(low, high));
    let body = format!("<path class=\"s k-series\" d=\"{path}\"/>{dots}");
    Some((small("Newest values", &words, id, &body), blocks(values, low, span)))
}

/// A row of bars, one for each of `there`, and a thin mark for each of `missed`.
pub(super) fn bars(there: &[usize], missed: &[usize], words: &str, id: &str) -> String {
    let all = real(total(there.len() + missed.len()).max(1));
    let pitch = (SPARK.0 - 2.0) / all;
    let x = |place: usize| 1.0 + pitch * (real(total(place)) + 0.5);
    let path = |places: &[usize], rise: f64| {
        places.iter().fold(String::new(), |mut path, place| {
            _ = write!(path, "M{:.1} {}v-{rise}", x(*place), SPARK.1 - 3.0);
            path
        })
    };
    let body = format!(
        "<path class=\"s k-series\" stroke-width=\"{:.1}\" d=\"{}\"/><path class=\"s k-unsure\" stroke-width=\"1\" d=\"{}\"/>",
        pitch * 0.7,
        path(there, 14.0),
        path(missed, 3.0)
    );
    small("Nights with a run", words, id, &body)
}

/// A drawing of the size of a line of text.
fn small(title: &str, words: &str, id: &str, body: &str) -> String {
    let words = crate::report::escape::html(words);
    format!(
        "<svg class=\"spark\" viewBox=\"0 0 110 20\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{title}\
         </title><desc id=\"{id}-d\">{words}</desc>{body}</svg>"
    )
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
    fn digests_are_recognized_by_their_beginning() {
        let check = |text: &str, expected: &str| assert_eq!(recorded(text, 20), expected);
        check("35ecdd3686c8c6edea6b7cf6ad7435a43314468b", "35ecdd3686c8…");
        check("rustc 1.95.0", "rustc 1.95.0");
        check("an uncommonly long value of a fact", "an uncommonly long …");
        check("0123456789abcdef", "0123456789abcdef");
    }

    #[test]
    fn commits_say_what_is_not_known() {
        let check = |old: Option<&str>, new: Option<&str>, expected: &str| {
            let text = commits(&(old.map(str::to_owned), new.map(str::to_owned)));
            assert_eq!(crate::report::view::words::unmarked(&text), expected);
        };
        check(Some("0123456789abcdef"), Some("fedcba98765"), "0123456789..fedcba9876");
        check(Some("0123456789abcdef"), Some("0123456789abcdef"), "the same: 0123456789");
        check(None, Some("ab"), "up to ab");
        check(None, None, "unknown");
    }
}
