//! What one step of a line is put down to: the runs on both sides of it are asked in pairs, the nearest first.
//!
//! Many nights show a step; two nights have to show it again before they may say what it comes from. When none of the pairs
//! does, the label is *unknown*, with the reason.

use super::{Question, explain};
use crate::analysis::compare::{CompareSettings, Side};
use crate::analysis::words;
use crate::model::explain::{Cause, StepCause};
use crate::model::ids::{BenchmarkId, RunId};

/// Gives the label of a step of `benchmark` by `ratio` (new level over old), from the first pair that shows it.
///
/// A pair shows a step when the benchmark moved between its runs beyond the margin and beyond doubt, in the direction of the
/// step. Pairs are a run of the old level and one of the new.
///
/// # Edge cases
/// Without a pair, and where no pair shows the step or says what it comes from, the label is *unknown*.
#[must_use]
pub fn around(
    (benchmark, ratio): (&BenchmarkId, f64),
    pairs: &[(Side<'_>, Side<'_>)],
    settings: &CompareSettings,
) -> StepCause {
    let mut open: Option<(bool, StepCause)> = None;
    for (before, after) in pairs {
        let runs = (before.run.id.clone(), after.run.id.clone());
        let found = explain(&Question {
            before: *before,
            after: *after,
            benchmark: Some(benchmark),
            replay: None,
            settings,
        });
        let shift = found.shifts.iter().find(|shift| shift.benchmark == *benchmark);
        let seen = shift.is_some_and(|shift| shift.moved && (shift.ratio > 1.0) == (ratio > 1.0));
        let told = found.evidence.first().cloned().unwrap_or_default();
        if seen && !matches!(found.cause, Cause::Unknown | Cause::NoShift) {
            return StepCause { cause: found.cause, why: told, runs: Some(runs) };
        }
        let why = match shift {
            _ if seen => told,
            Some(shift) => unseen(&runs, shift.ratio, shift.interval),
            None => format!("runs {} and {} do not both have it", runs.0.short(), runs.1.short()),
        };
        // What a pair says that shows the step tells more than that another one does not.
        if open.as_ref().is_none_or(|(shown, _)| seen && !shown) {
            open = Some((seen, StepCause { cause: Cause::Unknown, why, runs: Some(runs) }));
        }
    }
    open.map_or_else(|| StepCause::unknown("no run of both levels can be asked"), |(_, label)| label)
}

fn unseen((before, after): &(RunId, RunId), ratio: f64, interval: Option<(f64, f64)>) -> String {
    let (before, after) = (before.short(), after.short());
    let change = |ratio: f64| words::change(ratio - 1.0);
    match interval {
        Some((low, high)) => format!(
            "many runs show the step, the two around it do not: {} ({} to {}) from run {before} to run {after}",
            change(ratio),
            change(low),
            change(high)
        ),
        None => format!("runs {before} and {after} have too few launches to show the step by themselves"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::compare::STANDARD;
    use crate::analysis::estimate::estimate_run;
    use crate::analysis::examples::{benchmark, fact, measurement, run};
    use crate::model::estimate::BenchmarkResult;
    use crate::model::fact::keys;
    use crate::model::ids::Digest;
    use crate::model::run::{Executable, Run};

    type Night = (Run, Vec<BenchmarkResult>);

    /// A run of six benchmarks of which the first is `factor` times its usual time, built as `digest`.
    fn night(last: char, digest: u8, factor: f64) -> Night {
        let mut made = run(last);
        made.facts = [
            (keys::SOURCE_COMMIT, if digest == 1 { "aaaa" } else { "bbbb" }),
            (keys::SOURCE_DIRTY, "no"),
            (keys::TOOLCHAIN_RUSTC, "rustc 1.95.0"),
            (keys::BUILD_FLAGS, ""),
            (keys::BUILD_PROFILE, "bench"),
            (keys::BUILD_LOCK, "l1"),
            (keys::HARNESS_CRITERION, "0.8.2"),
        ]
        .map(|(key, text)| fact(key, text))
        .to_vec();
        made.executables = vec![Executable {
            digest: Digest([digest; 32]),
            bytes: 1,
            package: "kms".into(),
            target: "t".into(),
        }];
        let data: Vec<_> = (0..5_u32)
            .flat_map(|launch| {
                (0..6).map(move |place| {
                    let base = 1000.0 * f64::from(place + 1) * if place == 0 { factor } else { 1.0 };
                    let value = base * (1.0 + 0.001 * f64::from(launch));
                    (launch, measurement(benchmark("t", &format!("g{place}"), None), &[value; 4]))
                })
            })
            .collect();
        let inventory: Vec<_> = (0..6).map(|place| benchmark("t", &format!("g{place}"), None)).collect();
        let results = estimate_run(&inventory, &data);
        (made, results)
    }

    #[track_caller]
    fn check(ratio: f64, nights: &[(Night, Night)], cause: Cause, word: &str) -> StepCause {
        let pairs: Vec<(Side<'_>, Side<'_>)> = nights
            .iter()
            .map(|(old, new)| (Side { run: &old.0, results: &old.1 }, Side { run: &new.0, results: &new.1 }))
            .collect();
        let label = around((&benchmark("t", "g0", None), ratio), &pairs, &STANDARD);
        assert_eq!(label.cause, cause, "{label:?}");
        assert!(label.why.contains(word), "{label:?}");
        label
    }

    #[test]
    fn the_nearest_pair_that_shows_the_step_gives_the_label() {
        let (old, new) = (night('A', 1, 1.0), night('B', 2, 1.1));
        let label = check(1.1, &[(old.clone(), new.clone())], Cause::Code, "");
        assert_eq!(label.runs, Some((old.0.id.clone(), new.0.id.clone())));
        // Dated one night early: the first pair shows nothing, the second one does.
        let late = night('B', 2, 1.0);
        let label =
            check(1.1, &[(old.clone(), late.clone()), (old.clone(), night('C', 2, 1.1))], Cause::Code, "");
        assert_eq!(label.runs, Some((old.0.id.clone(), night('C', 2, 1.1).0.id)));
        check(1.1, &[(old.clone(), late)], Cause::Unknown, "the two around it do not");
        // A night that moved the other way says nothing about this step.
        check(0.9, &[(old.clone(), new.clone())], Cause::Unknown, "the two around it do not");
        check(1.1, &[], Cause::Unknown, "no run of both levels");
        // An unchanged executable is never code.
        let label = check(1.1, &[(old, night('B', 1, 1.1))], Cause::Environment, "the same executable");
        assert!(label.runs.is_some());
        let mut bare = night('A', 1, 1.0);
        bare.1.clear();
        check(1.1, &[(bare, new)], Cause::Unknown, "do not both have it");
    }
}
