//! Calibrations of made-up launches whose noise is known.

use super::super::examples::run;
use super::super::experiment::Sequencer;
use super::*;
use crate::model::experiment::{Arm, ExperimentLaunch, Purpose, Variant};

fn benchmark(name: &str) -> BenchmarkId {
    BenchmarkId {
        package: "p".to_owned(),
        target: "t".to_owned(),
        group: name.to_owned(),
        function: None,
        value: None,
        occurrence: 0,
    }
}

/// Blocks of launches of two equal arms, each launch off by `launch_sd`, with 20 observations and 1 % among them.
fn simulated(blocks: u32, launch_sd: f64, seed: u64) -> (Experiment, Vec<LaunchSample>) {
    let mut rng = SplitMix64::new(seed);
    let mut sequencer = Sequencer::new(seed, 2, 0);
    let (mut launches, mut samples, mut ordinals) = (Vec::new(), Vec::new(), [0_u32; 2]);
    for block in 0..blocks {
        let order = sequencer.next_block();
        for slot in order.slots {
            let launch = ordinals[slot.arm as usize];
            ordinals[slot.arm as usize] += 1;
            launches.push(ExperimentLaunch {
                position: u32::try_from(launches.len()).unwrap(),
                block,
                arm: slot.arm,
                side: slot.side,
                role: order.role,
                launch,
                contaminated: None,
            });
            let level = 100.0 * (launch_sd * rng.normal()).exp();
            samples.push(LaunchSample {
                arm: slot.arm,
                launch,
                benchmark: benchmark("b"),
                metric: Metric::time(),
                values: (0..20).map(|_| level * (0.01 * rng.normal()).exp()).collect(),
            });
        }
    }
    let arm = |name: &str, id: &str| Arm {
        variant: Variant { name: name.to_owned(), ..Variant::default() },
        run: id.parse().unwrap(),
    };
    let experiment = Experiment {
        id: "01ARZ3NDEKTSV4RRFFQ69G5FAX".parse().unwrap(),
        purpose: Purpose::Calibrate,
        started: Timestamp(0),
        finished: Some(Timestamp(7)),
        seed,
        arms: vec![arm("a", "01ARZ3NDEKTSV4RRFFQ69G5FAV"), arm("b", "01ARZ3NDEKTSV4RRFFQ69G5FAW")],
        launches,
    };
    (experiment, samples)
}

fn calibrated(blocks: u32, launch_sd: f64) -> Option<Calibration> {
    let (experiment, samples) = simulated(blocks, launch_sd, 5);
    let run = run('A');
    calibrate(CalibrationInput { experiment: &experiment, run: &run, samples: &samples, sessions: &[] })
}

#[test]
fn launches_that_differ_fool_criterion_and_not_the_rule() {
    let found = calibrated(100, 0.04).unwrap();
    assert_eq!(found.rates.rule_5.comparisons, 10);
    assert!(found.rates.rule_5.alarms <= 2 && found.rates.student_5.alarms <= 3, "{:?}", found.rates);
    let ranks = found.rates.rank_5.as_ref().unwrap();
    assert!(ranks.comparisons == 10 && ranks.alarms <= 3, "{ranks:?}");
    // Launches differ by 4 %, observations by 1 %: nearly each pair looks changed.
    assert_eq!(found.rates.criterion.comparisons, 100);
    assert!(found.rates.criterion.rate().unwrap() > 0.5, "{:?}", found.rates.criterion);
    let noise = &found.benchmarks[0];
    assert!(
        (noise.block_sd / 0.04 - 1.0).abs() < 0.25 && (noise.launch_sd / 0.04 - 1.0).abs() < 0.25,
        "{noise:?}"
    );
    let smallest = found.smallest_change.unwrap();
    // (t₀.₉₇₅ + t₀.₉) · sd ÷ √20 with 19 degrees: 3.42 · 0.04 ÷ 4.47.
    assert!((smallest / 0.0306 - 1.0).abs() < 0.3, "{smallest}");
    assert_eq!(found.locations.len(), 4);
    assert_eq!((found.machine.as_str(), found.at), (run('A').identity.machine.as_str(), Timestamp(7)));
}

#[test]
fn steady_launches_fool_nobody() {
    let found = calibrated(20, 0.0).unwrap();
    assert!(found.rates.criterion.rate().unwrap() < 0.3, "{:?}", found.rates.criterion);
    // Observations scatter independently: the minimum is the worst of the four.
    assert_ne!(found.best, Location::Minimum, "{:?}", found.locations);
}

#[test]
fn few_blocks_make_no_comparison_and_none_no_calibration() {
    let few = calibrated(5, 0.01).unwrap();
    assert_eq!((few.comparisons.len(), few.rates.rule_5.interval), (0, None));
    assert!(few.smallest_change.is_some());
    assert_eq!(calibrated(8, 0.01).unwrap().comparisons.len(), 1);
    assert_eq!(calibrated(1, 0.01), None);
}

#[test]
fn sessions_spread_beyond_their_launches() {
    let level = |digest: u8, level: f64, variance: f64| SessionLevel {
        benchmark: benchmark("b"),
        executable: Digest([digest; 32]),
        night: false,
        level,
        variance,
    };
    let check = |levels: &[SessionLevel], expected: Option<(f64, u32)>| {
        let levels: Vec<&SessionLevel> = levels.iter().collect();
        let found = session_spread(&levels);
        assert_eq!(found.map(|spread| spread.degrees), expected.map(|(_, degrees)| degrees));
        if let (Some(found), Some((variance, _))) = (found, expected) {
            assert!((found.variance - variance).abs() < 1e-12, "{found:?}");
        }
    };
    // S² of 0 and 0.02 is 2e-4.
    check(&[level(1, 0.0, 1e-5), level(1, 0.02, 1e-5)], Some((1.9e-4, 1)));
    check(&[level(1, 0.0, 1e-3), level(1, 0.02, 1e-3)], Some((0.0, 1)));
    check(&[level(1, 0.0, 0.0), level(2, 0.5, 0.0)], None);
    check(&[], None);
    let night = SessionLevel { night: true, ..level(1, 0.5, 0.0) };
    check(&[level(1, 0.0, 0.0), night], None);
}

#[test]
fn a_calibration_grows_old_and_belongs_to_one_configuration() {
    let found = calibrated(10, 0.01).unwrap();
    let day = 86_400_000_000;
    let same = (found.machine.as_str(), found.config.as_str());
    let check = |identity, days: i64, expected: Option<&str>| {
        let why = staleness(&found, identity, Timestamp(7 + days * day));
        assert_eq!(why.is_some(), expected.is_some(), "{why:?}");
        assert!(expected.is_none_or(|word| why.unwrap().contains(word)));
    };
    check(same, 0, None);
    check(same, STALE_AFTER_DAYS, None);
    check(same, STALE_AFTER_DAYS + 1, Some("31 days"));
    check((same.0, "governor=powersave"), 0, Some("configuration"));
    check(("elsewhere", same.1), 0, Some("another machine"));
    assert_eq!(note(&found, None).alarms, found.rates.rule_5);
}

/// Constants that prose repeats.
#[test]
fn the_documents_state_the_constants() {
    use crate::stats::criterion_rule::{NOISE, SIGNIFICANCE};
    let statistics = include_str!("../../../docs/statistics.md");
    let methodology = include_str!("../../../docs/methodology.md");
    for (document, sentence) in [
        (
            statistics,
            format!(
                "Each {BLOCKS_PER_COMPARISON} consecutive blocks of a benchmark (at least {FEWEST_BLOCKS_PER_COMPARISON})"
            ),
        ),
        (statistics, format!("p < {SIGNIFICANCE} and the 95 % interval")),
        (statistics, format!("beyond ±{:.0} %", NOISE * 100.0)),
        (statistics, format!("with {CRITERION_RESAMPLES} resamples")),
        (statistics, format!("what an experiment of {PLANNED_BLOCKS} blocks")),
        (
            statistics,
            format!("in random order with {:.0} % of standard deviation", simulate::BLOCK_SD * 100.0),
        ),
        (statistics, format!("after each of {} blocks", simulate::MOST_BLOCKS)),
        (statistics, format!("the signed-rank interval and Student's after {}", simulate::FIXED_BLOCKS)),
        (statistics, format!("for {STALE_AFTER_DAYS} days")),
        (methodology, format!("for {STALE_AFTER_DAYS} days")),
    ] {
        assert!(document.contains(&sentence), "not said: {sentence}");
    }
}
