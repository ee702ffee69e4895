//! Rules about sampling: launches, windows, and plans that do not fit their window.

use super::super::estimate::REPLICATED_LAUNCHES;
use super::super::words;
use super::{Fired, KnobInput, Needs, Rule};
use crate::model::estimate::{BenchmarkResult, IntervalMethod};
use crate::model::knob::{KnobGroup, KnobState};
use crate::model::measurement::HarnessSettings;
use crate::stats::criterion_plan::{Mode, Plan, plan};
use crate::stats::distributions::t_quantile;
use crate::stats::moments::standard_deviation;

/// Relative half width of an interval that a run should reach.
const WANTED_HALF_WIDTH: f64 = 0.01;
/// Predicted over planned time from which on a plan overruns.
const OVERRUN: f64 = 1.25;
/// Longest window of a launch that a recommendation may ask for, in nanoseconds.
const LONGEST_WINDOW_NS: f64 = 30e9;
/// Most launches that a recommendation may ask for.
const LAUNCH_LIMIT: u32 = 100;
/// Names listed in one sentence.
const NAMED: usize = 4;

pub(super) static RULES: [Rule; 5] = [
    Rule {
        id: "measure.launches",
        group: KnobGroup::Measurement,
        question: "Does a number rest on a single process?",
        needs: Needs::Estimates,
        state: KnobState::Candidate,
        cost: "time, which shorter windows per launch give back",
        risk: "intervals become wider, because they become true",
        security: "",
        see: "",
        set: "",
        trial: None,
        typical: None,
        evidence: single_launch,
    },
    Rule {
        id: "measure.launch-count",
        group: KnobGroup::Measurement,
        question: "How many launches would bring every interval to ±1 %, where launches dominate the noise?",
        needs: Needs::Samples,
        state: KnobState::Candidate,
        cost: "four times the measuring time for half the interval",
        risk: "a longer run meets more changes of the machine",
        security: "",
        see: "",
        set: "",
        trial: None,
        typical: None,
        evidence: launch_count,
    },
    Rule {
        id: "measure.window",
        group: KnobGroup::Measurement,
        question: "How long a window would bring every interval to ±1 %, where noise within a launch dominates?",
        needs: Needs::Samples,
        state: KnobState::Candidate,
        cost: "measuring time grows with the square of the precision",
        risk: "beyond the point where launches dominate, longer windows change nothing",
        security: "",
        see: "",
        set: "",
        trial: None,
        typical: None,
        evidence: window,
    },
    Rule {
        id: "measure.sampling-plan",
        group: KnobGroup::Measurement,
        question: "Will Criterion need more than 125 % of the asked time, or start at one iteration per observation?",
        needs: Needs::Estimates,
        state: KnobState::Candidate,
        cost: "one line per group, or a smaller sample size",
        risk: "flat sampling fits no slope; use the median",
        security: "",
        see: "",
        set: "",
        trial: None,
        typical: None,
        evidence: sampling_plan,
    },
    Rule {
        id: "measure.short-observations",
        group: KnobGroup::Measurement,
        question: "Do observations take so little time that the clock shows in them?",
        needs: Needs::Samples,
        state: KnobState::Candidate,
        cost: "a longer window or a smaller sample size",
        risk: "a longer run, and no narrower interval where launches dominate",
        security: "",
        see: "",
        set: "",
        trial: None,
        typical: None,
        evidence: short_observations,
    },
];

fn single_launch(input: &KnobInput<'_>) -> Vec<Fired> {
    let alone: Vec<&BenchmarkResult> =
        input.results.iter().filter(|result| result.estimate.launches <= 1).collect();
    let Some(first) = alone.first() else { return Vec::new() };
    let stated = first.estimate.launches == 0;
    let because = if stated {
        "the record states one interval per benchmark and no launches: its intervals come from inside one process, \
         and on a shared machine 90 % and more of the variance of a mean lay between processes"
    } else {
        "the interval of a single process covers its own noise only; another launch gets another memory layout, core \
         and clock"
    };
    let names: Vec<String> = alone.iter().map(|result| result.benchmark.to_string()).collect();
    let evidence = alone.iter().take(NAMED).filter_map(|result| {
        let half = result.estimate.interval?.relative_half_width(result.estimate.value)?;
        Some((format!("{} within one process", result.benchmark), format!("±{}", words::percent(half))))
    });
    vec![Fired {
        how: "bench-runner run --profile standard".to_owned(),
        ..Fired::new(
            "Measure several launches of each executable, with shorter windows".to_owned(),
            format!("{because}; concerns {}", words::list(&names, NAMED)),
            evidence.collect(),
        )
    }]
}

/// Results whose interval is wider than wanted, with their relative half width; replicated ones only.
fn wide<'a>(
    input: &'a KnobInput<'_>,
    launches_dominate: bool,
) -> impl Iterator<Item = (&'a BenchmarkResult, f64)> {
    input.results.iter().filter_map(move |result| {
        let interval = result.estimate.interval?;
        let replicated = result.launches.len() >= REPLICATED_LAUNCHES
            && interval.method != IntervalMethod::WithinLaunchBootstrap;
        let half = interval.relative_half_width(result.estimate.value)?;
        let dominated = result.launch_variance_share.is_none_or(|share| share >= 0.5);
        (replicated && half > WANTED_HALF_WIDTH && dominated == launches_dominate).then_some((result, half))
    })
}

/// Launches for a half width of ±1 %, from the spread of the logarithms of the launch medians.
fn launches_needed(result: &BenchmarkResult) -> Option<u32> {
    let logs: Vec<f64> = result.launches.iter().map(|launch| launch.median.ln()).collect();
    let deviation = standard_deviation(&logs)?;
    (2..=LAUNCH_LIMIT).find(|n| {
        let count = f64::from(*n);
        t_quantile(0.975, count - 1.0).is_some_and(|t| t * deviation / count.sqrt() <= WANTED_HALF_WIDTH)
    })
}

fn launch_count(input: &KnobInput<'_>) -> Vec<Fired> {
    let mut wide: Vec<_> =
        wide(input, true).map(|(result, half)| (result, half, launches_needed(result))).collect();
    wide.sort_by(|a, b| b.1.total_cmp(&a.1));
    let Some((worst, half, _)) = wide.first() else { return Vec::new() };
    let hopeless: Vec<String> = wide
        .iter()
        .filter(|(_, _, needed)| needed.is_none())
        .map(|(result, _, _)| result.benchmark.to_string())
        .collect();
    let reachable = wide.iter().filter_map(|(_, _, needed)| *needed).max();
    // Launches are asked for where they help most of what is wide; else asking for them would cost hours and change little.
    let mended = wide.len() - hopeless.len();
    let reachable = reachable.filter(|_| mended >= hopeless.len());
    let action = match reachable {
        Some(launches) if hopeless.is_empty() => {
            format!("Ask for {launches} launches to bring the intervals to ±1 %")
        }
        Some(launches) => {
            format!(
                "Ask for {launches} launches: they bring {mended} of {} wide intervals to ±1 %",
                wide.len()
            )
        }
        None => "Look for a calmer machine: launches alone will not bring most intervals to ±1 %".to_owned(),
    };
    let mut because = format!(
        "{} of {} have wider intervals, {} the widest with ±{}; noise between launches dominates",
        wide.len(),
        words::count(input.results.len() as u64, "benchmark"),
        worst.benchmark,
        words::percent(*half)
    );
    let now = wide.iter().map(|(result, _, _)| result.launches.len()).max().unwrap_or(1).max(1);
    if let Some(launches) = reachable {
        because = format!(
            "{because}; that is {:.1} times as long as this run took",
            f64::from(launches) / now as f64
        );
    }
    if !hopeless.is_empty() {
        because = format!(
            "{because}; more than {LAUNCH_LIMIT} launches would be needed for {}",
            words::list(&hopeless, NAMED)
        );
    }
    let evidence = wide.iter().take(NAMED).map(|(result, half, needed)| {
        let needed = needed.map_or(format!("more than {LAUNCH_LIMIT}"), |n| n.to_string());
        let text =
            format!("±{} from {} launches; {needed} needed", words::percent(*half), result.launches.len());
        (result.benchmark.to_string(), text)
    });
    let evidence = evidence.collect();
    let how = reachable.map_or_else(
        || "bench-runner doctor   # what disturbs this one".to_owned(),
        |n| format!("bench-runner run --launches {n}"),
    );
    vec![Fired { how, ..Fired::new(action, because, evidence) }]
}

fn window(input: &KnobInput<'_>) -> Vec<Fired> {
    let mut wide: Vec<(&BenchmarkResult, f64, f64)> = wide(input, false)
        .filter_map(|(result, half)| {
            let now = input.settings_of(&result.benchmark)?.measurement_ns;
            Some((result, half, now * (half / WANTED_HALF_WIDTH).powi(2)))
        })
        .collect();
    // What no window of a bearable length mends is no question of the window.
    wide.retain(|(_, _, needed)| *needed <= LONGEST_WINDOW_NS);
    wide.sort_by(|a, b| b.2.total_cmp(&a.2));
    let Some((worst, half, needed)) = wide.first() else { return Vec::new() };
    vec![Fired {
        how: format!("measurement_seconds = {:.1}   # of the profile in bench-runner.toml", needed / 1e9),
        ..Fired::new(
            format!("Measure each launch for {}", words::seconds(*needed)),
            format!(
                "noise within the launches dominates; {} has ±{} and the half width falls with the square root of the time",
                worst.benchmark,
                words::percent(*half)
            ),
            wide.iter()
                .take(NAMED)
                .map(|(result, half, _)| {
                    (result.benchmark.to_string(), format!("±{}", words::percent(*half)))
                })
                .collect(),
        )
    }]
}

fn sampling_plan(input: &KnobInput<'_>) -> Vec<Fired> {
    let mut found: Vec<(&BenchmarkResult, HarnessSettings, Plan)> = input
        .timed()
        .filter_map(|result| {
            let settings = input.settings_of(&result.benchmark)?;
            let plan = predicted(result, &settings, Mode::Auto, 1.0)?;
            // Criterion takes at least ten observations: below that there is nothing left to change.
            let least = !plan.linear && settings.sample_size <= 10;
            let bad = !least
                && ((plan.linear && plan.warns) || plan.predicted_ns > OVERRUN * settings.measurement_ns);
            bad.then_some((result, settings, plan))
        })
        .collect();
    // Plans that make Criterion warn come first, then the longest overruns.
    found.sort_by(|a, b| {
        let excess =
            |(_, settings, plan): &(_, HarnessSettings, Plan)| plan.predicted_ns / settings.measurement_ns;
        b.2.warns.cmp(&a.2.warns).then_with(|| excess(b).total_cmp(&excess(a)))
    });
    let Some((worst, settings, plan)) = found.first() else { return Vec::new() };
    let evidence = found.iter().take(NAMED).map(|(result, settings, plan)| {
        let mode = if plan.linear { "linear" } else { "flat" };
        let text = format!(
            "{mode}, {} first: {} predicted for {} asked",
            words::count(plan.step, "iteration"),
            duration(plan.predicted_ns),
            duration(settings.measurement_ns)
        );
        (result.benchmark.to_string(), text)
    });
    let (advice, how) = remedy(worst, settings, plan);
    vec![Fired {
        how,
        ..Fired::new(
            format!("Change the sampling plan of {}", worst.benchmark),
            format!(
                "{} observations of {} need {} where {} were asked{}",
                settings.sample_size,
                words::time(worst.estimate.value),
                duration(plan.predicted_ns),
                duration(settings.measurement_ns),
                advice
            ),
            evidence.collect(),
        )
    }]
}

fn predicted(result: &BenchmarkResult, settings: &HarnessSettings, mode: Mode, factor: f64) -> Option<Plan> {
    plan(mode, result.estimate.value, settings.sample_size, settings.measurement_ns * factor)
}

/// What would help, in words and as a line to paste.
fn remedy(result: &BenchmarkResult, settings: &HarnessSettings, present: &Plan) -> (String, String) {
    if !present.linear {
        // Whole iterations per observation overshoot: as many observations as fit into the window.
        let fitting = settings.measurement_ns / (present.step as f64 * result.estimate.value);
        let size = (crate::stats::floor_to_index(fitting) / 10 * 10).max(10);
        let text = format!("; a sample size of {size} comes closer");
        return (text, format!("group.sample_size({size});"));
    }
    let longer =
        predicted(result, settings, Mode::Auto, 4.0 / 3.0).filter(|longer| longer.step == present.step);
    // The option takes whole seconds: of shorter windows there is nothing to say.
    let longer = longer.filter(|_| settings.measurement_ns >= 1e9);
    let useless = longer.map_or(String::new(), |longer| {
        format!(
            "; --measurement-time {:.0} would not help: {} again",
            settings.measurement_ns * 4.0 / 3.0 / 1e9,
            duration(longer.predicted_ns)
        )
    });
    let flat = predicted(result, settings, Mode::Flat, 1.0)
        .map_or(String::new(), |flat| format!("; flat sampling takes {}", duration(flat.predicted_ns)));
    (format!("{useless}{flat}"), "group.sampling_mode(SamplingMode::Flat);".to_owned())
}

/// Whole times with one decimal; below a second, where one decimal says little, with four digits.
fn duration(nanoseconds: f64) -> String {
    if nanoseconds < 1e9 { words::time(nanoseconds) } else { words::seconds(nanoseconds) }
}

fn short_observations(input: &KnobInput<'_>) -> Vec<Fired> {
    let short = super::judging::with_finding(input, "short-observations");
    if short.is_empty() {
        return Vec::new();
    }
    let names: Vec<String> = short.iter().map(|(name, _)| name.clone()).collect();
    vec![Fired::new(
        "Let each observation iterate more often".to_owned(),
        format!("reading the clock shows in the observations of {}", words::list(&names, NAMED)),
        short,
    )]
}
