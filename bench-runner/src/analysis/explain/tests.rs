//! Single rules by hand, and generated cases with a known cause whose labels are counted in a confusion table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::*;
use crate::analysis::compare::STANDARD;
use crate::analysis::estimate::estimate_run;
use crate::analysis::examples::{benchmark, fact, measurement, run};
use crate::model::covariates::Covariates;
use crate::model::estimate::BenchmarkResult;
use crate::model::explain::{Cause, Sameness};
use crate::model::fact::{Fact, FactStatus, FactValue, Phase, keys};
use crate::model::ids::Digest;
use crate::model::run::{Executable, Launch, LaunchStatus, Run};
use crate::model::units::Timestamp;
use crate::stats::rng::SplitMix64;

/// A run as the generator makes it: what the machine did, and what was recorded of it.
#[derive(Debug, Clone)]
struct Night {
    run: Run,
    /// Time of each series.
    times: Vec<f64>,
    ghz: f64,
    contention: f64,
    cpu_share: f64,
}

const LAUNCHES: u32 = 8;

fn night(last: char, series: usize) -> Night {
    let mut made = run(last);
    made.facts = [
        (keys::SOURCE_COMMIT, "aaaa"),
        (keys::SOURCE_DIRTY, "no"),
        (keys::TOOLCHAIN_RUSTC, "rustc 1.95.0"),
        (keys::TOOLCHAIN_LLVM, "20.1"),
        (keys::BUILD_FLAGS, ""),
        (keys::BUILD_PROFILE, "bench"),
        (keys::BUILD_LOCK, "l1"),
        (keys::HARNESS_CRITERION, "0.8.2"),
        (keys::OS_KERNEL, "6.1.0"),
        (keys::POWER_MODE, "normal"),
        (keys::FREQ_GOVERNOR, "performance"),
    ]
    .map(|(key, text)| fact(key, text))
    .to_vec();
    made.executables =
        vec![Executable { digest: Digest([1; 32]), bytes: 1, package: "kms".into(), target: "t".into() }];
    let times = (0..series).map(|index| 1e4 * 1.7_f64.powi(i32::try_from(index % 12).unwrap())).collect();
    Night { run: made, times, ghz: 3.7, contention: 0.98, cpu_share: 0.99 }
}

impl Night {
    fn set(&mut self, key: &str, text: &str) {
        self.run.facts.retain(|fact| fact.key != key);
        self.run.facts.push(fact(key, text));
    }

    fn end_number(&mut self, key: &str, value: f64) {
        self.run.facts.push(Fact {
            value: Some(FactValue::Number(value)),
            status: FactStatus::Ok,
            phase: Phase::End,
            ..fact(key, "")
        });
    }

    fn rebuilt(&mut self, digest: u8) {
        self.run.executables[0].digest = Digest([digest; 32]);
    }

    /// Measures: launches with covariates, and the results computed from them.
    fn measure(&mut self, noise: f64, rng: &mut SplitMix64) -> Vec<BenchmarkResult> {
        let mut data = Vec::new();
        for launch in 0..LAUNCHES {
            let shared = 0.3 * noise * rng.normal();
            self.run.launches.push(Launch {
                ordinal: launch,
                round: launch,
                executable: self.run.executables.first().map_or(Digest::UNKNOWN, |file| file.digest),
                package: "kms".to_owned(),
                target: "t".to_owned(),
                status: LaunchStatus::Complete,
                capture: None,
                reason: None,
                harness_version: None,
                started: Timestamp(0),
                elapsed_seconds: 2.0,
                exit_code: Some(0),
                covariates: Some(Covariates {
                    cpu_user_seconds: Some(2.0 * self.cpu_share * (0.003 * rng.normal()).exp()),
                    cpu_system_seconds: Some(0.0),
                    clock_ghz: Some(self.ghz * (0.002 * rng.normal()).exp()),
                    contention: Some((self.contention * (0.01 * rng.normal()).exp()).min(1.0)),
                    ..Covariates::default()
                }),
            });
            for (index, time) in self.times.iter().enumerate() {
                let value = time * (shared + noise * rng.normal()).exp();
                data.push((launch, measurement(benchmark("t", &format!("b{index}"), None), &[value, value])));
            }
        }
        estimate_run(&[], &data)
    }
}

fn ask(before: &mut Night, after: &mut Night, noise: f64, replay: Option<&Replay>, seed: u64) -> Explanation {
    let mut rng = SplitMix64::new(seed);
    let (old, new) = (before.measure(noise, &mut rng), after.measure(noise, &mut rng));
    explain(&Question {
        before: Side { run: &before.run, results: &old },
        after: Side { run: &after.run, results: &new },
        benchmark: None,
        replay,
        settings: &STANDARD,
    })
}

/// The label when the second of two nights was changed by `change`.
#[track_caller]
fn check(expected: Cause, rule: u32, change: impl Fn(&mut Night)) {
    let (mut before, mut after) = (night('A', 8), night('B', 8));
    change(&mut after);
    let found = ask(&mut before, &mut after, 0.004, None, 7);
    assert_eq!((found.cause, found.rule), (expected, rule), "{:#?}", found.evidence);
}

fn all(night: &mut Night, factor: f64) {
    night.times.iter_mut().for_each(|time| *time *= factor);
}

#[test]
fn what_could_hide_is_said_where_nothing_moved() {
    let would_have_shown = |change: f64, noise: f64| {
        let (mut before, mut after) = (night('A', 8), night('B', 8));
        all(&mut after, change);
        let found = ask(&mut before, &mut after, noise, None, 7);
        found.evidence.into_iter().find(|line| line.starts_with("what would have shown here"))
    };
    let (quiet, noisy) = (would_have_shown(1.0, 0.001), would_have_shown(1.0, 0.1));
    assert!(quiet.is_some() && noisy.is_some() && quiet != noisy, "{quiet:?} {noisy:?}");
    assert_eq!(would_have_shown(1.2, 0.001), None);
}

#[test]
fn each_rule_has_its_case() {
    check(Cause::NoShift, 2, |night| night.rebuilt(2));
    check(Cause::Environment, 8, |night| all(night, 1.2));
    check(Cause::Protocol, 7, |night| {
        all(night, 1.1);
        night.run.plan.as_mut().unwrap().measurement_seconds = Some(5.0);
    });
    check(Cause::Mixed, 6, |night| {
        all(night, 1.1);
        night.ghz = 3.4;
        night.run.plan.as_mut().unwrap().measurement_seconds = Some(5.0);
    });
    let new_commit = |night: &mut Night| {
        night.rebuilt(2);
        night.set(keys::SOURCE_COMMIT, "bbbb");
    };
    check(Cause::Environment, 9, |night| {
        new_commit(night);
        night.ghz = 3.7 / 1.4;
        all(night, 1.4);
    });
    check(Cause::Mixed, 10, |night| {
        new_commit(night);
        night.ghz = 3.7 / 1.4;
        all(night, 1.4);
        night.times[3] *= 1.6;
    });
    check(Cause::Code, 12, |night| {
        new_commit(night);
        night.times[2] *= 1.1;
    });
    check(Cause::Code, 12, |night| {
        new_commit(night);
        all(night, 1.1);
    });
    check(Cause::Toolchain, 12, |night| {
        night.rebuilt(2);
        night.set(keys::TOOLCHAIN_RUSTC, "rustc 1.96.0");
        all(night, 1.05);
    });
    check(Cause::Mixed, 13, |night| {
        new_commit(night);
        night.set(keys::BUILD_FLAGS, "-C target-cpu=native");
        all(night, 0.8);
    });
    check(Cause::Unknown, 14, |night| {
        night.rebuilt(2);
        all(night, 1.1);
    });
    check(Cause::Mixed, 15, |night| {
        new_commit(night);
        night.set(keys::OS_KERNEL, "6.2.0");
        all(night, 1.1);
    });
    check(Cause::Unknown, 11, |night| {
        new_commit(night);
        night.run.executables.clear();
        night.times[2] *= 1.1;
    });
}

#[test]
fn neighbours_do_not_double_a_time() {
    // They took 6 %: what doubled is not theirs. Had it moved by 10 %, nobody could tell.
    for (factor, cause, rule) in [(2.0, Cause::Code, 12), (1.1, Cause::Mixed, 15)] {
        check(cause, rule, |night| {
            recommitted(night);
            night.contention /= 1.06;
            let own = night.times.iter_mut().enumerate();
            own.for_each(|(index, time)| *time *= factor * (1.0 + index as f64));
        });
    }
}

#[test]
fn without_launches_nothing_is_said() {
    let (before, after) = (run('A'), run('B'));
    let question = Question {
        before: Side { run: &before, results: &[] },
        after: Side { run: &after, results: &[] },
        benchmark: None,
        replay: None,
        settings: &STANDARD,
    };
    let found = explain(&question);
    assert_eq!((found.cause, found.rule), (Cause::Unknown, 1));
}

#[test]
fn a_replay_decides_what_the_records_cannot() {
    let check = |new_over_old: f64, today_over_then: f64, expected: Cause, rule: u32| {
        let around = |ratio: f64| (ratio, (ratio * 0.995, ratio * 1.005));
        let replay = Replay {
            experiment: None,
            new_over_old: around(new_over_old),
            today_over_then: around(today_over_then),
        };
        let (mut before, mut after) = (night('A', 8), night('B', 8));
        after.rebuilt(2);
        after.set(keys::SOURCE_COMMIT, "bbbb");
        after.set(keys::OS_KERNEL, "6.2.0");
        all(&mut after, 1.1);
        let found = ask(&mut before, &mut after, 0.004, Some(&replay), 7);
        assert_eq!((found.cause, found.rule), (expected, rule), "{:#?}", found.evidence);
    };
    check(1.1, 1.0, Cause::Code, 5);
    check(1.0, 1.1, Cause::Environment, 4);
    check(1.05, 1.05, Cause::Mixed, 3);
    check(1.0, 1.0, Cause::Mixed, 15);
}

/// Kinds of generated cases: their cause, and how they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Nothing,
    CodeInSome,
    CodeEverywhere,
    Toolchain,
    Flags,
    Clock,
    Neighbours,
    HogOnTheSameCore,
    Kernel,
    Settings,
    CodeAndClock,
    CodeAndToolchain,
}

const SOURCES: [(Source, Cause); 12] = [
    (Source::Nothing, Cause::NoShift),
    (Source::CodeInSome, Cause::Code),
    (Source::CodeEverywhere, Cause::Code),
    (Source::Toolchain, Cause::Toolchain),
    (Source::Flags, Cause::Toolchain),
    (Source::Clock, Cause::Environment),
    (Source::Neighbours, Cause::Environment),
    (Source::HogOnTheSameCore, Cause::Environment),
    (Source::Kernel, Cause::Environment),
    (Source::Settings, Cause::Protocol),
    (Source::CodeAndClock, Cause::Mixed),
    (Source::CodeAndToolchain, Cause::Mixed),
];

fn between(rng: &mut SplitMix64, low: f64, high: f64) -> f64 {
    low + (high - low) * rng.unit()
}

fn recommitted(night: &mut Night) {
    night.rebuilt(2);
    night.set(keys::SOURCE_COMMIT, "bbbb");
}

/// Moves a third to two thirds of the series by 5 to 30 %, at least one.
fn move_some(night: &mut Night, rng: &mut SplitMix64) {
    let share = between(rng, 0.33, 0.66);
    let factor = between(rng, 1.05, 1.3);
    let up = rng.unit() < 0.7;
    let mut moved = 0;
    for index in 0..night.times.len() {
        if rng.unit() < share || (index + 1 == night.times.len() && moved == 0) {
            let own = factor * between(rng, 0.98, 1.02);
            night.times[index] *= if up { own } else { 1.0 / own };
            moved += 1;
        }
    }
}

/// The clock changes by 5 to 40 %; what waits for memory follows only in part.
fn change_clock(night: &mut Night, rng: &mut SplitMix64) {
    let ratio = between(rng, 1.05, 1.4);
    let ratio = if rng.unit() < 0.7 { ratio } else { 1.0 / ratio };
    night.ghz /= ratio;
    for time in &mut night.times {
        *time *= ratio.powf(if rng.unit() < 0.15 { between(rng, 0.8, 1.0) } else { 1.0 });
    }
    if rng.unit() < 0.5 {
        night.set(keys::POWER_MODE, "low");
    }
}

fn apply(source: Source, night: &mut Night, rng: &mut SplitMix64) {
    // Most nights measure a new commit; it need not have anything to do with a shift.
    let new_commit = rng.unit() < 0.6;
    match source {
        Source::Nothing => {}
        Source::CodeInSome => move_some(night, rng),
        Source::CodeEverywhere => {
            let factor = between(rng, 1.05, 1.3);
            for time in &mut night.times {
                *time *= factor * between(rng, 0.98, 1.02);
            }
        }
        Source::Toolchain | Source::Flags => {
            if source == Source::Toolchain {
                night.set(keys::TOOLCHAIN_RUSTC, "rustc 1.96.0");
                night.set(keys::TOOLCHAIN_LLVM, "21.0");
            } else {
                night.set(keys::BUILD_FLAGS, "-C target-cpu=native");
            }
            night.rebuilt(3);
            for time in &mut night.times {
                *time *= between(rng, 0.75, 1.1);
            }
        }
        Source::Clock => change_clock(night, rng),
        Source::Neighbours => {
            let slower = between(rng, 1.08, 1.4);
            night.contention /= slower.powf(between(rng, 0.8, 1.2));
            for time in &mut night.times {
                *time *= slower.powf(between(rng, 0.85, 1.15));
            }
        }
        Source::HogOnTheSameCore => {
            let slower = between(rng, 1.1, 1.9);
            night.cpu_share /= slower;
            night.end_number(keys::LOAD_ONE, 2.2);
            for time in &mut night.times {
                *time *= slower * between(rng, 0.97, 1.03);
            }
        }
        Source::Kernel => {
            night.set(keys::OS_KERNEL, "6.2.0");
            for time in &mut night.times {
                *time *= between(rng, 1.03, 1.1);
            }
        }
        Source::Settings => {
            night.run.plan.as_mut().unwrap().measurement_seconds = Some(3.0);
            for time in &mut night.times {
                *time *= between(rng, 0.93, 0.97);
            }
        }
        Source::CodeAndClock => {
            change_clock(night, rng);
            move_some(night, rng);
        }
        Source::CodeAndToolchain => {
            night.set(keys::TOOLCHAIN_RUSTC, "rustc 1.96.0");
            night.rebuilt(3);
            for time in &mut night.times {
                *time *= between(rng, 0.75, 1.1);
            }
            move_some(night, rng);
        }
    }
    let code = [Source::CodeInSome, Source::CodeEverywhere, Source::CodeAndClock, Source::CodeAndToolchain];
    let machine = [Source::Nothing, Source::Clock, Source::Neighbours, Source::HogOnTheSameCore];
    if code.contains(&source) || (machine.contains(&source) && new_commit) {
        recommitted(night);
    }
}

/// What was lost of the records; then *unknown* is right too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lost {
    Nothing,
    Canaries,
    Executables,
    Source,
    Build,
}

fn lose(lost: Lost, night: &mut Night) {
    match lost {
        Lost::Nothing => {}
        Lost::Canaries => {
            for launch in &mut night.run.launches {
                launch.covariates = None;
            }
        }
        Lost::Executables => night.run.executables.clear(),
        Lost::Source => night.run.facts.retain(|fact| !fact.key.starts_with("source.")),
        Lost::Build => night
            .run
            .facts
            .retain(|fact| !fact.key.starts_with("build.") && !fact.key.starts_with("toolchain.")),
    }
}

struct Case {
    truth: Cause,
    lost: Lost,
    label: Cause,
    executable: Sameness,
    source: Source,
}

fn generated(index: usize) -> Case {
    let mut rng = SplitMix64::new(1000 + index as u64);
    let (source, truth) = SOURCES[index % SOURCES.len()];
    let series = 4 + rng.below(16);
    let noise = between(&mut rng, 0.002, 0.01);
    let (mut before, mut after) = (night('A', series), night('B', series));
    apply(source, &mut after, &mut rng);
    let (old, new) = (before.measure(noise, &mut rng), after.measure(noise, &mut rng));
    let lost = if rng.unit() < 0.75 {
        Lost::Nothing
    } else {
        [Lost::Canaries, Lost::Executables, Lost::Source, Lost::Build][rng.below(4)]
    };
    lose(lost, &mut before);
    lose(lost, &mut after);
    let found = explain(&Question {
        before: Side { run: &before.run, results: &old },
        after: Side { run: &after.run, results: &new },
        benchmark: None,
        replay: None,
        settings: &STANDARD,
    });
    let digest = |night: &Night| night.run.executables.first().map(|file| file.digest);
    let executable = match (digest(&before), digest(&after)) {
        (Some(old), Some(new)) if old == new => Sameness::Same,
        (Some(_), Some(_)) => Sameness::Different,
        _ => Sameness::Unknown,
    };
    Case { truth, lost, label: found.cause, executable, source }
}

/// 360 cases; the table is in `docs/explain.md`.
#[test]
fn generated_shifts_get_their_label() {
    let cases: Vec<Case> = (0..360).map(generated).collect();
    let right = |case: &&Case| {
        case.label == case.truth || (case.lost != Lost::Nothing && case.label == Cause::Unknown)
    };
    let mut table: BTreeMap<(Cause, Cause), u32> = BTreeMap::new();
    for case in &cases {
        *table.entry((case.truth, case.label)).or_insert(0) += 1;
    }
    let mut text = format!("{:<12}", "truth");
    for label in Cause::ALL {
        _ = write!(text, "{:>12}", label.word());
    }
    for truth in Cause::ALL.into_iter().filter(|truth| *truth != Cause::Unknown) {
        _ = write!(text, "\n{:<12}", truth.word());
        for label in Cause::ALL {
            _ = write!(text, "{:>12}", table.get(&(truth, label)).copied().unwrap_or(0));
        }
    }
    for case in cases.iter().filter(|case| !right(case)) {
        _ = write!(text, "\nwrong: {:?} ({:?} lost): {}", case.source, case.lost, case.label.word());
    }
    let share = cases.iter().filter(right).count() as f64 / cases.len() as f64;
    assert!(share >= 0.95, "{:.1} % right\n{text}", share * 100.0);
    let whole = cases.iter().filter(|case| case.lost == Lost::Nothing);
    let (all, known) =
        whole.fold((0, 0), |(all, known), case| (all + 1, known + i32::from(case.label != Cause::Unknown)));
    assert!(all >= 100 && known == all, "{known} of {all} cases with all evidence have an answer");
    let document = include_str!("../../../docs/explain.md");
    assert!(document.contains(&text), "docs/explain.md does not have this table:\n{text}");
    // Never "code" with an unchanged executable.
    assert!(cases.iter().all(|case| case.executable != Sameness::Same || case.label != Cause::Code));
}
