//! From two runs to the evidence of the decision table, and the lines that people read.
//!
//! Counts and compares; the label is given elsewhere.

use std::collections::BTreeMap;

use super::changes::{is_protocol, is_visible, number};
use super::decide::{Evidence, Pattern, Replayed};
use super::{FEWEST_SERIES, Question, SPREAD, STAYED, change, common};
use crate::analysis::words;
use crate::model::estimate::BenchmarkResult;
use crate::model::explain::{Cause, Change, Replay, Sameness, Shift};
use crate::model::fact::{Phase, find, keys, known};
use crate::model::ids::{BenchmarkId, Digest};
use crate::model::run::Run;
use crate::stats::interval::welch;
use crate::stats::order::median;

/// How each benchmark that both runs have moved, at a level that holds for all of them together.
pub(super) fn shifts(question: &Question<'_>) -> Vec<Shift> {
    let old: BTreeMap<_, _> =
        question.before.results.iter().map(|result| ((&result.benchmark, &result.metric), result)).collect();
    let pairs: Vec<(&BenchmarkResult, &BenchmarkResult)> = question
        .after
        .results
        .iter()
        .filter_map(|new| Some((*old.get(&(&new.benchmark, &new.metric))?, new)))
        .collect();
    let judged = pairs.iter().filter(|(old, new)| old.launches.len() > 1 && new.launches.len() > 1).count();
    let level = 1.0 - question.settings.family_alpha / judged.max(1) as f64;
    let margin = question.settings.margin.ln_1p();
    pairs
        .into_iter()
        .map(|(old, new)| {
            let logs = |result: &BenchmarkResult| -> Vec<f64> {
                result.launches.iter().map(|launch| launch.median.ln()).collect()
            };
            let t = welch(&logs(old), &logs(new), level, question.settings.session_variance);
            let ratio = t.map_or(new.estimate.value / old.estimate.value, |interval| interval.estimate.exp());
            Shift {
                benchmark: new.benchmark.clone(),
                ratio,
                interval: t.map(|t| (t.low.exp(), t.high.exp())),
                moved: t.is_some_and(|t| (t.low > 0.0 || t.high < 0.0) && t.estimate.abs() >= margin),
                executable: executable(question.before.run, question.after.run, &new.benchmark),
            }
        })
        .collect()
}

/// Whether a benchmark's executable is the same in both runs.
fn executable(before: &Run, after: &Run, id: &BenchmarkId) -> Sameness {
    let digest = |run: &Run| {
        let mut of_target = run
            .executables
            .iter()
            .filter(|executable| executable.package == id.package && executable.target == id.target);
        of_target.next().map(|executable| executable.digest).filter(|digest| *digest != Digest::UNKNOWN)
    };
    same(digest(before), digest(after))
}

fn same<T: PartialEq>(before: Option<T>, after: Option<T>) -> Sameness {
    match (before, after) {
        (Some(before), Some(after)) if before == after => Sameness::Same,
        (Some(_), Some(_)) => Sameness::Different,
        _ => Sameness::Unknown,
    }
}

/// The evidence of the decision table.
pub(super) fn evidence(question: &Question<'_>, shifts: &[Shift], changes: &[Change]) -> Evidence {
    let (before, after) = (question.before.run, question.after.run);
    let asked = |shift: &&Shift| question.benchmark.is_none_or(|id| *id == shift.benchmark);
    let moved: Vec<&Shift> = shifts.iter().filter(asked).filter(|shift| shift.moved).collect();
    let machine = |visible: bool| {
        changes.iter().any(|change| change.cause == Some(Cause::Environment) && is_visible(change) == visible)
    };
    Evidence {
        judged: shifts.iter().filter(asked).any(|shift| shift.interval.is_some()),
        moved: !moved.is_empty(),
        executable: if moved.is_empty() {
            all(shifts.iter().filter(asked).map(|shift| shift.executable))
        } else {
            all(moved.iter().map(|shift| shift.executable))
        },
        code: code(before, after),
        toolchain: toolchain(before, after, changes),
        protocol: protocol(before, after, changes),
        pattern: pattern(shifts, question.settings.margin),
        least: moved.iter().map(|shift| shift.ratio.ln().abs()).min_by(f64::total_cmp).unwrap_or(0.0),
        clock: ratio(before, after, |run| run_canary(run, keys::CANARY_CLOCK)),
        contention: ratio(before, after, |run| run_canary(run, keys::CANARY_CONTENTION)),
        cpu_share: cpu_share(before, after),
        visible: machine(true),
        invisible: machine(false),
        replay: question.replay.and_then(|replay| replayed(replay, question.settings.margin)),
        margin: question.settings.margin,
    }
}

/// `Same` when all are, `Different` when any is.
fn all(each: impl Iterator<Item = Sameness>) -> Sameness {
    each.fold(Sameness::Same, |so_far, one| match (so_far, one) {
        (Sameness::Different, _) | (_, Sameness::Different) => Sameness::Different,
        (Sameness::Unknown, _) | (_, Sameness::Unknown) => Sameness::Unknown,
        _ => Sameness::Same,
    })
}

/// Whether the source is the same: the same commit without changes on top.
fn code(before: &Run, after: &Run) -> Sameness {
    let fact = |run: &Run, key| known(&run.facts, key);
    let commits = same(fact(before, keys::SOURCE_COMMIT), fact(after, keys::SOURCE_COMMIT));
    let clean = [before, after].map(|run| fact(run, keys::SOURCE_DIRTY).map(|dirty| dirty == "no"));
    match (commits, clean) {
        (Sameness::Same, [Some(true), Some(true)]) => Sameness::Same,
        (Sameness::Different, _) | (Sameness::Same, [Some(false), _] | [_, Some(false)]) => {
            Sameness::Different
        }
        _ => Sameness::Unknown,
    }
}

/// Facts without which nobody can say that two builds are alike.
const BUILD: [&str; 4] = [keys::TOOLCHAIN_RUSTC, keys::BUILD_FLAGS, keys::BUILD_PROFILE, keys::BUILD_LOCK];

fn toolchain(before: &Run, after: &Run, changes: &[Change]) -> Sameness {
    let differs = changes.iter().any(|change| change.cause == Some(Cause::Toolchain));
    // Another harness version changes the lock file too: that difference is the protocol's.
    let only_lock = changes
        .iter()
        .filter(|change| change.cause == Some(Cause::Toolchain))
        .all(|change| change.key == keys::BUILD_LOCK);
    let harness = changes
        .iter()
        .any(|change| change.key == keys::HARNESS_CRITERION && change.cause == Some(Cause::Protocol));
    if differs && !(only_lock && harness) {
        return Sameness::Different;
    }
    let unread = |run: &Run| BUILD.iter().any(|key| known(&run.facts, key).is_none());
    if unread(before) || unread(after) { Sameness::Unknown } else { Sameness::Same }
}

fn protocol(before: &Run, after: &Run, changes: &[Change]) -> Sameness {
    let found: Vec<&Change> = changes.iter().filter(|change| is_protocol(&change.key)).collect();
    let unplanned = before.plan.is_none() || after.plan.is_none();
    if found.iter().any(|change| change.cause.is_some()) {
        Sameness::Different
    } else if unplanned || !found.is_empty() {
        Sameness::Unknown
    } else {
        Sameness::Same
    }
}

/// How the series moved together.
fn pattern(shifts: &[Shift], margin: f64) -> Pattern {
    let judged: Vec<&Shift> = shifts.iter().filter(|shift| shift.interval.is_some()).collect();
    let logs: Vec<f64> = judged.iter().map(|shift| shift.ratio.ln()).collect();
    let (Some(middle), true) = (median(&logs), judged.len() >= FEWEST_SERIES) else { return Pattern::Few };
    let margin = margin.ln_1p();
    let stayed = judged.iter().filter(|shift| !shift.moved && shift.ratio.ln().abs() < margin).count();
    if stayed as f64 >= STAYED * judged.len() as f64 {
        return Pattern::Selective;
    }
    let tolerance = margin.max(SPREAD * middle.abs());
    let beyond = |shift: &&&Shift| {
        let own = shift.ratio.ln() - middle;
        let certain = shift.interval.is_some_and(|(low, high)| low.ln() > middle || high.ln() < middle);
        own.abs() > tolerance && certain
    };
    let own = judged.iter().filter(beyond).count();
    if middle.abs() < margin || own as f64 > 0.5 * judged.len() as f64 {
        return Pattern::Scattered;
    }
    Pattern::Common { log: middle, own: u32::try_from(own).unwrap_or(u32::MAX) }
}

fn ratio(before: &Run, after: &Run, of: impl Fn(&Run) -> Option<f64>) -> Option<f64> {
    let ratio = of(after)? / of(before)?;
    (ratio.is_finite() && ratio > 0.0).then_some(ratio)
}

/// A canary of a run: the median over its launches, else the mean of its start and end.
fn run_canary(run: &Run, key: &str) -> Option<f64> {
    let launches: Vec<f64> = run
        .launches
        .iter()
        .filter_map(|launch| {
            let noticed = launch.covariates.as_ref()?;
            if key == keys::CANARY_CLOCK { noticed.clock_ghz } else { noticed.contention }
        })
        .collect();
    if launches.len() >= FEWEST_SERIES {
        return median(&launches);
    }
    let of = |phase| number(find(&run.facts, key, phase));
    match (of(Phase::Start), of(Phase::End)) {
        (Some(start), Some(end)) => Some(f64::midpoint(start, end)),
        (one, other) => one.or(other),
    }
}

/// CPU seconds per wall second, second run over first: the median over the executables of both.
fn cpu_share(before: &Run, after: &Run) -> Option<f64> {
    let shares = |run: &Run| {
        let mut found: BTreeMap<(String, String), Vec<f64>> = BTreeMap::new();
        for launch in run.launches.iter().filter(|launch| launch.counts()) {
            let cpu = launch.covariates.as_ref().and_then(|noticed| noticed.cpu_seconds());
            if let Some(share) = cpu.map(|cpu| cpu / launch.elapsed_seconds).filter(|share| share.is_finite())
            {
                found.entry((launch.package.clone(), launch.target.clone())).or_default().push(share);
            }
        }
        found
    };
    let new = shares(after);
    let ratios: Vec<f64> = shares(before)
        .iter()
        .filter_map(|(target, old)| Some(median(new.get(target)?)? / median(old)?))
        .filter(|ratio| ratio.is_finite() && *ratio > 0.0)
        .collect();
    median(&ratios)
}

/// What a replay says; `None` when an interval is too wide to tell.
fn replayed(replay: &Replay, margin: f64) -> Option<Replayed> {
    let moved = |(ratio, (low, high)): (f64, (f64, f64))| {
        let limit = margin.ln_1p();
        if (low > 1.0 || high < 1.0) && ratio.ln().abs() >= limit {
            Some(true)
        } else {
            // Not moved only when the interval is about as narrow as the margin; otherwise nobody knows.
            (low.ln() > -2.0 * limit && high.ln() < 2.0 * limit).then_some(false)
        }
    };
    let found =
        Replayed { executables: moved(replay.new_over_old)?, machine: moved(replay.today_over_then)? };
    Some(found)
}

/// Least and largest half width of the intervals of all series, as fractions: a slowdown shows once it exceeds the half width of
/// its own series, half of the time. `None` without an interval.
fn hidden(shifts: &[Shift]) -> Option<(f64, f64)> {
    let half = |shift: &Shift| shift.interval.map(|(low, high)| ((high / low).ln() / 2.0).exp_m1());
    let widths = shifts.iter().filter_map(half);
    widths.fold(None, |range, width| {
        let (least, most) = range.unwrap_or((width, width));
        Some((width.min(least), width.max(most)))
    })
}

/// The evidence as lines for people.
pub(super) fn lines(
    question: &Question<'_>,
    evidence: &Evidence,
    shifts: &[Shift],
    changes: &[Change],
) -> Vec<String> {
    let mut lines = Vec::new();
    let moved = shifts.iter().filter(|shift| shift.moved).count();
    let judged = shifts.iter().filter(|shift| shift.interval.is_some()).count();
    lines.push(format!(
        "{moved} of {judged} series moved beyond {} and beyond doubt",
        words::percent(question.settings.margin)
    ));
    if let Some((least, most)) = hidden(shifts).filter(|_| !evidence.moved) {
        lines.push(format!(
            "what would have shown here: {} in the steadiest series, {} in the noisiest",
            words::percent(least),
            words::percent(most)
        ));
    }
    if let Some((mean, (low, high), count)) = common(shifts) {
        lines.push(format!(
            "common factor over {count} series: {} [{}, {}]",
            change(mean),
            change(low),
            change(high)
        ));
    }
    let pattern = match evidence.pattern {
        Pattern::Few => format!("fewer than {FEWEST_SERIES} series: no pattern to read"),
        Pattern::Selective => "a good part of the series stayed where it was".to_owned(),
        Pattern::Common { own: 0, .. } => "all series follow one factor".to_owned(),
        Pattern::Common { own, .. } => {
            format!("most series follow one factor; {own} moved besides")
        }
        Pattern::Scattered => "nearly all series moved, by amounts of their own".to_owned(),
    };
    // Noise has no pattern.
    lines.extend(evidence.moved.then_some(pattern));
    let told = |name: &str, ratio: Option<f64>| match ratio {
        Some(ratio) => format!("{name}: {}", change(ratio)),
        None => format!("{name}: not read in both runs"),
    };
    lines.push(told("clock by the canary", evidence.clock));
    lines.push(told("contention by the canary (lower is more contended)", evidence.contention));
    lines.push(told("CPU seconds per second of the launches", evidence.cpu_share));
    for (name, sameness) in [
        ("executable", evidence.executable),
        ("source", evidence.code),
        ("toolchain and build", evidence.toolchain),
        ("harness settings", evidence.protocol),
    ] {
        let word = match sameness {
            Sameness::Same => "the same",
            Sameness::Different => "different",
            Sameness::Unknown => "not known in both runs",
        };
        lines.push(format!("{name}: {word}"));
    }
    for change in changes.iter().filter(|change| change.cause.is_some()) {
        lines.push(format!("{}: {} -> {} ({})", change.key, change.before, change.after, change.how));
    }
    if let Some(replay) = question.replay {
        let ratio = |(ratio, (low, high)): (f64, (f64, f64))| {
            format!("{} [{}, {}]", change(ratio), change(low), change(high))
        };
        lines.push(format!("replay: new over old executable today {}", ratio(replay.new_over_old)));
        lines.push(format!("replay: old executable today over then {}", ratio(replay.today_over_then)));
    }
    lines
}
