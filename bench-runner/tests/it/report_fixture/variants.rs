//! What can become of the measured report: summary only, torn, hostile, large.

use bench_runner::model::comparison::{Comparison, Difference};
use bench_runner::model::estimate::{ConfidenceInterval, Estimate, IntervalMethod, Statistic};
use bench_runner::model::fact::keys;
use bench_runner::model::finding::{Finding, Severity};
use bench_runner::model::gate::GateVerdict;
use bench_runner::model::report::RunReport;
use bench_runner::model::run::{LaunchStatus, RunKind, RunStatus};

use super::{SUITE, curves, description, fact, id, measure, measured, parallel, text};

/// The founding record: estimates without raw samples, two of them without an interval.
pub(crate) fn founding() -> RunReport {
    let mut report = measured();
    report.run.kind = RunKind::Summary;
    report.run.title = Some("ron-kms benchmark summary, 5 November 2025".to_owned());
    report.run.plan = None;
    report.run.launches.clear();
    report.run.executables.clear();
    report.run.finished = None;
    report.run.findings.clear();
    report.run.facts.retain(|fact| fact.key == keys::CPU_MODEL || fact.key == keys::MEMORY_TOTAL);
    for (place, (result, (.., base))) in report.results.iter_mut().zip(SUITE).enumerate() {
        result.launches.clear();
        result.launch_variance_share = None;
        result.estimate = Estimate {
            statistic: Statistic::CriterionTypical,
            value: base,
            interval: (place < 5).then_some(ConfidenceInterval {
                low: base * 0.9987,
                high: base * 1.0014,
                level: 0.95,
                method: IntervalMethod::Stated,
            }),
            launches: 0,
            observations: 0,
        };
    }
    report.batch_curves = curves(&report.results);
    report.parallel = parallel(&report.results);
    report.distributions.clear();
    report.previous = None;
    report.previous_started = None;
    report.gates.clear();
    report
}

/// A run that lost its parallel benchmarks half-way.
pub(crate) fn partial() -> RunReport {
    let mut report = measured();
    report.run.status = RunStatus::Partial;
    report.run.finished = None;
    report.results.truncate(5);
    report.distributions.truncate(5);
    report.parallel.clear();
    report.previous = None;
    report.previous_started = None;
    report.recommendations.clear();
    for gate in &mut report.gates {
        gate.verdict = GateVerdict::NotComparable;
        gate.reason = "the run is partial".to_owned();
    }
    let last = report.run.launches.last_mut().unwrap();
    last.status = LaunchStatus::Partial;
    last.reason = Some("exit code 101 after 1 of 2 benchmarks".to_owned());
    last.exit_code = Some(101);
    report.run.findings.push(Finding {
        code: "benchmark-missing".to_owned(),
        severity: Severity::Blocking,
        subject: "parallel_throughput/parallel_sign_4x".to_owned(),
        evidence: "listed by the inventory, measured in 0 of 12 launches".to_owned(),
        effect: "the run is partial".to_owned(),
        remedy: "see the bench's own output in the store, then run again".to_owned(),
    });
    report
}

/// Names that strangers may write.
pub(crate) const HOSTILE: [&str; 8] = [
    "<script>alert(1)</script>",
    "a|b|c",
    "back`tick``s",
    "two\nlines\r\n# heading",
    "nul\0\u{1b}[31mred",
    "right\u{202e}tfel",
    "crab 🦀 ünïcödé",
    "\" onload=\"alert(1)\" ](javascript:alert(1)) &lt; ]]> --> </style></svg>",
];

/// A complete run whose every text is hostile, with one name of 300 bytes.
pub(crate) fn hostile() -> RunReport {
    let mut report = measured();
    let long = "x".repeat(300);
    for (place, name) in HOSTILE.iter().copied().chain([long.as_str()]).enumerate() {
        let mut benchmark = id(name, name, Some(name));
        benchmark.occurrence = u32::try_from(place).unwrap();
        let (mut result, distribution) = measure(&benchmark, 1, 1234.5, 99);
        result.findings.push(Finding {
            code: name.to_owned(),
            severity: Severity::Warning,
            subject: name.to_owned(),
            evidence: name.to_owned(),
            effect: name.to_owned(),
            remedy: name.to_owned(),
        });
        let run_finding = result.findings[0].clone();
        report.run.findings.push(run_finding);
        report.run.facts.push(fact(name, text(name), name, name));
        let previous = report.previous.as_mut().unwrap();
        previous.missing.push(benchmark.clone());
        previous.differences.push(Difference {
            key: name.to_owned(),
            baseline: name.to_owned(),
            candidate: name.to_owned(),
            splits_series: true,
        });
        let mut row = previous.rows[0].clone();
        row.benchmark = benchmark.clone();
        row.reason = name.to_owned();
        previous.rows.push(row);
        let mut gate = report.gates[0].clone();
        gate.budget.id = name.to_owned();
        gate.reason = name.to_owned();
        report.gates.push(gate);
        let mut knob = report.recommendations[0].clone();
        knob.action = name.to_owned();
        knob.because = name.to_owned();
        knob.how = name.to_owned();
        knob.knob = name.to_owned();
        knob.cost = name.to_owned();
        report.recommendations.push(knob);
        report.results.push(result);
        report.distributions.push(distribution);
        report.run.inventory.push(benchmark);
    }
    report.run.suite = HOSTILE[0].to_owned();
    report.run.identity.label = Some(HOSTILE[7].to_owned());
    report.descriptions.push(description("(", HOSTILE[0], HOSTILE[1], HOSTILE[2]));
    report.descriptions.push(description("onload", HOSTILE[7], HOSTILE[7], HOSTILE[7]));
    report.reproduce = HOSTILE.join("\n");
    report
}

/// A complete run of `count` benchmarks in eight targets, each with history.
pub(crate) fn large(count: u32) -> RunReport {
    let mut report = measured();
    let (results, distributions): (Vec<_>, Vec<_>) = (0..count)
        .map(|place| {
            let target = format!("suite_{}", place % 8);
            let benchmark = id(&target, &format!("group_{}", place % 16), Some(&place.to_string()));
            measure(&benchmark, 1, 1000.0 + 37.0 * f64::from(place), u64::from(place) + 1)
        })
        .unzip();
    let template = report.previous.as_ref().unwrap().rows.clone();
    let rows = results.iter().zip(template.iter().cycle()).map(|(result, row)| Comparison {
        benchmark: result.benchmark.clone(),
        metric: result.metric.clone(),
        baseline_value: result.estimate.value / row.ratio,
        candidate_value: result.estimate.value,
        ..row.clone()
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by_key(|row| row.verdict);
    report.run.inventory = results.iter().map(|result| result.benchmark.clone()).collect();
    report.previous.as_mut().unwrap().rows = rows;
    report.results = results;
    report.distributions = distributions;
    report.batch_curves.clear();
    report.parallel.clear();
    report
}
