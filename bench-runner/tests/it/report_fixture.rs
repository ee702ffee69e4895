//! Reports built in code: one as a good night leaves it, one as the founding record gives it, one torn, one hostile,
//! one large. Seeded, so that equal calls give equal reports. It measures nothing and reads nothing.

use bench_runner::model::comparison::{Comparison, Difference, RunComparison, Verdict};
use bench_runner::model::curve::{BatchCurve, CurvePoint, ParallelScaling};
use bench_runner::model::estimate::{
    BenchmarkResult, ConfidenceInterval, Estimate, IntervalMethod, Statistic,
};
use bench_runner::model::fact::{Fact, FactStatus, FactValue, Phase, keys};
use bench_runner::model::finding::{Finding, Severity};
use bench_runner::model::gate::{Budget, GateOutcome, GateVerdict, Per};
use bench_runner::model::ids::{BenchmarkId, Digest, Identity, RunId};
use bench_runner::model::knob::{Confidence, Evidence, KnobGroup, KnobState, Recommendation};
use bench_runner::model::measurement::LaunchSummary;
use bench_runner::model::report::{Description, Distribution, RunReport};
use bench_runner::model::run::{Capture, Executable, Launch, LaunchStatus, Run, RunKind, RunPlan, RunStatus};
use bench_runner::model::units::{Metric, Throughput, Timestamp};

/// Launches of the measured fixture.
const LAUNCHES: u32 = 12;
/// Observations per launch.
const OBSERVATIONS: u32 = 50;
/// 2026-11-22T22:14:03Z.
const STARTED: Timestamp = Timestamp(1_795_385_643_000_000);

/// A linear congruential generator (Knuth's MMIX constants): enough to look like noise, equal everywhere.
struct Noise(u64);

impl Noise {
    /// About normal, mean 0, deviation 1: the sum of twelve uniform values less six.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(self.0 >> 33).unwrap()) / f64::from(1_u32 << 31)
    }
}

/// The run id ending in `tail`.
pub(crate) fn run_id(tail: &str) -> RunId {
    format!("{:0<width$}{tail}", "01JD", width = 26 - tail.len()).parse().unwrap()
}

/// A benchmark of package `kms`.
pub(crate) fn id(target: &str, group: &str, value: Option<&str>) -> BenchmarkId {
    BenchmarkId {
        package: "kms".to_owned(),
        target: target.to_owned(),
        group: group.to_owned(),
        function: None,
        value: value.map(str::to_owned),
        occurrence: 0,
    }
}

/// Target, group, value, elements per iteration, time in nanoseconds: the suite with the note's numbers.
const SUITE: [(&str, &str, Option<&str>, u64, f64); 7] = [
    ("sign_bench", "ed25519_sign_128B", None, 1, 17_309.0),
    ("verify_bench", "ed25519_verify_128B", None, 1, 33_659.0),
    ("batch_verify", "verify_batch", Some("8"), 8, 171_240.0),
    ("batch_verify", "verify_batch", Some("32"), 32, 636_040.0),
    ("batch_verify", "verify_batch", Some("64"), 64, 1_242_500.0),
    ("parallel_throughput", "parallel_sign_4x", None, 4000, 20_047_000.0),
    ("parallel_throughput", "parallel_verify_4x", None, 4000, 45_890_000.0),
];

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

fn quantile(values: &[f64], numerator: usize, denominator: usize) -> f64 {
    values[(values.len() - 1) * numerator / denominator]
}

fn launch_summary(launch: u32, values: &[f64]) -> LaunchSummary {
    let sorted = sorted(values);
    let mean = values.iter().sum::<f64>() / f64::from(u32::try_from(values.len()).unwrap());
    LaunchSummary {
        launch,
        observations: u32::try_from(values.len()).unwrap(),
        minimum: sorted[0],
        lower_quartile: quantile(&sorted, 1, 4),
        median: quantile(&sorted, 1, 2),
        upper_quartile: quantile(&sorted, 3, 4),
        maximum: *sorted.last().unwrap(),
        mean,
        slope: Some(mean * 0.999),
    }
}

/// Samples and result of one benchmark around `base`.
fn measure(benchmark: &BenchmarkId, elements: u64, base: f64, seed: u64) -> (BenchmarkResult, Distribution) {
    let mut noise = Noise(seed);
    let launches: Vec<Vec<f64>> = (0..LAUNCHES)
        .map(|_| {
            let center = base * (1.0 + 0.002 * noise.normal());
            (0..OBSERVATIONS)
                .map(|_| {
                    let tail = if noise.uniform() > 0.97 { 0.04 * noise.uniform() } else { 0.0 };
                    center * (1.0 + 0.003 * noise.normal().abs() + tail)
                })
                .collect()
        })
        .collect();
    let summaries: Vec<LaunchSummary> =
        (0..).zip(&launches).map(|(launch, values)| launch_summary(launch, values)).collect();
    let medians = sorted(&summaries.iter().map(|summary| summary.median).collect::<Vec<_>>());
    let value = f64::midpoint(medians[medians.len() / 2 - 1], medians[medians.len() / 2]);
    let half = (medians[medians.len() - 1] - medians[0]) * 0.2;
    let result = BenchmarkResult {
        benchmark: benchmark.clone(),
        metric: Metric::time(),
        throughput: vec![Throughput::Elements(elements)],
        estimate: Estimate {
            statistic: Statistic::MedianOfLaunchMedians,
            value,
            interval: Some(ConfidenceInterval {
                low: value - half,
                high: value + half,
                level: 0.95,
                method: IntervalMethod::LaunchT,
            }),
            launches: LAUNCHES,
            observations: u64::from(LAUNCHES * OBSERVATIONS),
        },
        launches: summaries,
        launch_variance_share: Some(0.83),
        findings: Vec::new(),
    };
    (result, Distribution { benchmark: benchmark.clone(), launches })
}

fn fact(key: &str, value: FactValue, unit: &str, source: &str) -> Fact {
    Fact {
        key: key.to_owned(),
        value: Some(value),
        unit: unit.to_owned(),
        status: FactStatus::Ok,
        source: source.to_owned(),
        phase: Phase::Start,
    }
}

fn missing(key: &str, status: FactStatus, source: &str) -> Fact {
    Fact { value: None, status, ..fact(key, FactValue::Flag(false), "", source) }
}

fn text(value: &str) -> FactValue {
    FactValue::Text(value.to_owned())
}

fn facts() -> Vec<Fact> {
    let cpuinfo = "/proc/cpuinfo";
    vec![
        fact(keys::CPU_MODEL, text("Intel(R) Core(TM) i5-8257U CPU @ 1.40GHz"), "", cpuinfo),
        fact(keys::CPU_ARCH, text("x86_64"), "", "target of the build"),
        fact(keys::CPU_CORES_PHYSICAL, FactValue::Integer(4), "", cpuinfo),
        fact(keys::CPU_CORES_LOGICAL, FactValue::Integer(8), "", cpuinfo),
        fact(keys::CPU_CORES_USABLE, FactValue::Integer(8), "", "available_parallelism"),
        fact(keys::CPU_FREQUENCY, FactValue::Integer(1_400_000_000), "Hz", cpuinfo),
        fact(
            keys::CPU_FEATURES,
            FactValue::List(["adx", "aes", "avx", "avx2", "bmi2"].map(str::to_owned).to_vec()),
            "",
            cpuinfo,
        ),
        missing(keys::FREQ_GOVERNOR, FactStatus::Hidden, "the hypervisor does not expose cpufreq"),
        missing(keys::FREQ_TURBO, FactStatus::Unknown, "no intel_pstate folder"),
        fact(keys::POWER_SOURCE, text("mains"), "", "/sys/class/power_supply"),
        fact(keys::POWER_MODE, text("balanced"), "", "/sys/firmware/acpi/platform_profile"),
        missing(keys::POWER_BATTERY, FactStatus::NotApplicable, "no battery"),
        fact(keys::MEMORY_TOTAL, FactValue::Integer(17_179_869_184), "B", "/proc/meminfo"),
        fact(keys::MEMORY_SWAP, FactValue::Integer(0), "B", "/proc/meminfo"),
        fact(keys::OS_NAME, text("Debian GNU/Linux 13"), "", "/etc/os-release"),
        fact(keys::OS_KERNEL, text("6.12.48"), "", "uname"),
        Fact {
            status: FactStatus::Placeholder,
            ..fact(keys::OS_CLOCKSOURCE, text("kvm-clock"), "", "a constant of the hypervisor")
        },
        fact(keys::VIRT_HYPERVISOR, text("KVM"), "", "CPUID leaf 0x40000000"),
        fact(keys::LOAD_ONE, FactValue::Number(0.34), "", "/proc/loadavg"),
        Fact {
            phase: Phase::End,
            ..fact(keys::POWER_SOURCE, text("battery"), "", "/sys/class/power_supply")
        },
        Fact { phase: Phase::End, ..fact(keys::LOAD_ONE, FactValue::Number(1.02), "", "/proc/loadavg") },
        Fact {
            phase: Phase::Delta,
            ..fact(keys::THERMAL_THROTTLES, FactValue::Integer(3), "", "thermal_throttle counters")
        },
        fact(keys::TOOLCHAIN_RUSTC, text("rustc 1.95.0 (59807616e 2026-04-14)"), "", "rustc -vV"),
        fact(keys::TOOLCHAIN_LLVM, text("22.1.2"), "", "rustc -vV"),
        fact(keys::BUILD_FLAGS, text("--cfg=curve25519_dalek_backend=\"avx512\""), "", "cargo configuration"),
        fact(keys::BUILD_PROFILE, text("bench: opt-level=3 lto=thin codegen-units=1"), "", "Cargo.toml"),
        fact(keys::SOURCE_COMMIT, text("4f2c1a9d0b7e"), "", "git"),
        fact(keys::SOURCE_DIRTY, FactValue::Flag(false), "", "git status"),
        fact(keys::SOURCE_BRANCH, text("main"), "", "git"),
        fact(keys::HARNESS_RUNNER, text("0.1.0"), "", "this program"),
    ]
}

fn run(results: &[BenchmarkResult]) -> Run {
    let targets = ["sign_bench", "verify_bench", "batch_verify", "parallel_throughput"];
    let digest = |byte: u8| Digest([byte; 32]);
    let executables = (1..).zip(targets).map(|(byte, target)| Executable {
        digest: digest(byte),
        bytes: 2_400_000 + u64::from(byte),
        package: "kms".to_owned(),
        target: target.to_owned(),
    });
    let launches = (0..LAUNCHES).flat_map(|round| {
        (0..).zip(targets).map(move |(place, target)| Launch {
            ordinal: round * 4 + place,
            round,
            executable: Digest([u8::try_from(place).unwrap() + 1; 32]),
            package: "kms".to_owned(),
            target: target.to_owned(),
            status: LaunchStatus::Complete,
            capture: Some(Capture::Socket),
            reason: None,
            harness_version: Some("0.8.2".to_owned()),
            started: Timestamp(STARTED.0 + i64::from(round * 4 + place) * 5_000_000),
            elapsed_seconds: 4.9,
            exit_code: Some(0),
        })
    });
    Run {
        id: run_id("M7Q2ZK9T4V"),
        kind: RunKind::Measured,
        status: RunStatus::Complete,
        started: STARTED,
        finished: Some(Timestamp(STARTED.0 + 252_400_000)),
        suite: "kms".to_owned(),
        title: None,
        identity: Identity {
            recipe: 1,
            hw_class: "x86_64/intel-core-i5-8257u/4c8t/16g".to_owned(),
            machine: "9f3c5d2ab1e84470".to_owned(),
            label: Some("mbp13-2019".to_owned()),
            config: "governor=?;power=ac;mode=balanced;turbo=?".to_owned(),
            build: "rustc 1.95.0 x86_64-unknown-linux-gnu".to_owned(),
        },
        plan: Some(RunPlan {
            profile: "standard".to_owned(),
            set: "core".to_owned(),
            launches: LAUNCHES,
            warm_up_seconds: Some(0.5),
            measurement_seconds: Some(1.5),
            sample_size: Some(OBSERVATIONS),
            seed: 42,
            filter: None,
        }),
        inventory: results.iter().map(|result| result.benchmark.clone()).collect(),
        facts: facts(),
        executables: executables.collect(),
        launches: launches.collect(),
        findings: vec![
            Finding {
                code: "power-source-changed".to_owned(),
                severity: Severity::Warning,
                subject: keys::POWER_SOURCE.to_owned(),
                evidence: "on mains at the start, on battery at the end".to_owned(),
                effect: "the last launches may have run at a lower clock".to_owned(),
                remedy: "plug in and run again".to_owned(),
            },
            Finding {
                code: "governor-unknown".to_owned(),
                severity: Severity::Info,
                subject: keys::FREQ_GOVERNOR.to_owned(),
                evidence: "the hypervisor hides the frequency governor".to_owned(),
                effect: "a change of it would go unnoticed".to_owned(),
                remedy: "nothing can be done from within the guest".to_owned(),
            },
        ],
    }
}

fn description(pattern: &str, title: &str, measures: &str, element: &str) -> Description {
    Description {
        pattern: pattern.to_owned(),
        title: title.to_owned(),
        measures: measures.to_owned(),
        element: element.to_owned(),
    }
}

fn descriptions() -> Vec<Description> {
    vec![
        description(
            "^sign_bench/",
            "Single-op signing",
            "Time to produce one Ed25519 signature over a 128-byte message with the in-memory keystore.",
            "signature",
        ),
        description(
            "^verify_bench/",
            "Single-op verify",
            "Time to verify one Ed25519 signature over a 128-byte message.",
            "verification",
        ),
        description(
            "^batch_verify/",
            "Batch verify (amortised)",
            "Wall time to verify N signatures in one batch, in total and per signature.",
            "verification",
        ),
        description(
            "^parallel_throughput/",
            "Parallel throughput (4 threads)",
            "Total time of 4 × 1000 operations on 4 worker threads.",
            "op",
        ),
    ]
}

fn comparison(results: &[BenchmarkResult]) -> RunComparison {
    let baseline = run_id("K3P8XW5R1A");
    let candidate = run_id("M7Q2ZK9T4V");
    let verdicts = [
        (Verdict::Unchanged, 1.002, 0.004),
        (Verdict::Unchanged, 0.998, 0.005),
        (Verdict::Unchanged, 1.004, 0.006),
        (Verdict::Regressed, 1.045, 0.006),
        (Verdict::Inconclusive, 1.012, 0.024),
        (Verdict::Improved, 0.94, 0.011),
        (Verdict::Unchanged, 1.001, 0.009),
    ];
    let mut rows: Vec<Comparison> = results
        .iter()
        .zip(verdicts)
        .map(|(result, (verdict, ratio, half))| Comparison {
            benchmark: result.benchmark.clone(),
            baseline: baseline.clone(),
            candidate: candidate.clone(),
            baseline_value: result.estimate.value / ratio,
            candidate_value: result.estimate.value,
            ratio,
            ratio_interval: Some((ratio - half, ratio + half)),
            level: 0.95,
            margin: 0.01,
            minimum_detectable_effect: Some(half * 1.7),
            verdict,
            reason: match verdict {
                Verdict::Regressed => "the whole interval lies above +1 %".to_owned(),
                Verdict::Improved => "the whole interval lies below -1 %".to_owned(),
                Verdict::Unchanged => "the whole interval lies within ±1 %".to_owned(),
                _ => "the interval of ±2.4 % is wider than the margin; about 40 launches would do".to_owned(),
            },
        })
        .collect();
    rows.sort_by_key(|row| row.verdict);
    RunComparison {
        baseline,
        candidate,
        differences: vec![
            Difference {
                key: keys::SOURCE_COMMIT.to_owned(),
                baseline: "9be0d115c3aa".to_owned(),
                candidate: "4f2c1a9d0b7e".to_owned(),
                splits_series: false,
            },
            Difference {
                key: keys::OS_KERNEL.to_owned(),
                baseline: "6.12.43".to_owned(),
                candidate: "6.12.48".to_owned(),
                splits_series: false,
            },
        ],
        rows,
        missing: vec![id("sign_bench", "ed25519_sign_1KiB", None)],
        new: Vec::new(),
        geometric_mean: Some((0.9998, 7)),
    }
}

fn curves(results: &[BenchmarkResult]) -> Vec<BatchCurve> {
    let points = results.iter().filter(|result| result.benchmark.target == "batch_verify").map(|result| {
        let size = result.elements().unwrap();
        let count = f64::from(u32::try_from(size).unwrap());
        CurvePoint {
            benchmark: result.benchmark.clone(),
            size,
            per_element_ns: result.estimate.value / count,
            interval_ns: result.estimate.interval.map(|it| (it.low / count, it.high / count)),
        }
    });
    let verify = &results[1];
    vec![BatchCurve {
        name: "batch_verify/verify_batch".to_owned(),
        single: Some((verify.benchmark.clone(), verify.estimate.value)),
        points: points.collect(),
    }]
}

fn parallel(results: &[BenchmarkResult]) -> Vec<ParallelScaling> {
    [(5, 0), (6, 1)]
        .map(|(place, single)| {
            let (result, single) = (&results[place], &results[single]);
            let speed_up = 4000.0 * single.estimate.value / result.estimate.value;
            ParallelScaling {
                benchmark: result.benchmark.clone(),
                single: single.benchmark.clone(),
                threads: 4,
                usable_cores: Some(4),
                operations: 4000,
                total_ns: result.estimate.value,
                single_ns: single.estimate.value,
                speed_up,
                efficiency: speed_up / 4.0,
            }
        })
        .to_vec()
}

fn gates(results: &[BenchmarkResult]) -> Vec<GateOutcome> {
    let gate = |name: &str, place: usize, limit: f64, per: Per, verdict: GateVerdict, reason: &str| {
        let result = &results[place];
        let count = match per {
            Per::Iteration => 1.0,
            Per::Element => f64::from(u32::try_from(result.elements().unwrap()).unwrap()),
        };
        let value = result.estimate.value / count;
        let judged = verdict != GateVerdict::NotApplicable;
        GateOutcome {
            budget: Budget {
                id: name.to_owned(),
                benchmark: result.benchmark.to_string(),
                limit_ns: limit,
                per,
                hw_class: "x86_64/intel-core-i5-8257u/4c8t/16g".to_owned(),
                config: None,
            },
            benchmark: Some(result.benchmark.clone()),
            value_ns: judged.then_some(value),
            interval_ns: result
                .estimate
                .interval
                .filter(|_| judged)
                .map(|it| (it.low / count, it.high / count)),
            headroom: judged.then_some(1.0 - value / limit),
            verdict,
            reason: reason.to_owned(),
        }
    };
    vec![
        gate(
            "sign_128B",
            0,
            18_000.0,
            Per::Iteration,
            GateVerdict::Pass,
            "the whole interval lies below the limit",
        ),
        gate(
            "verify_128B",
            1,
            35_000.0,
            Per::Iteration,
            GateVerdict::Pass,
            "the whole interval lies below the limit",
        ),
        gate(
            "verify_batch_32",
            3,
            19_900.0,
            Per::Element,
            GateVerdict::Inconclusive,
            "the interval straddles the limit",
        ),
        gate(
            "sign_128B_ci",
            0,
            12_000.0,
            Per::Iteration,
            GateVerdict::NotApplicable,
            "bound to another machine class",
        ),
    ]
}

fn recommendations(run: &RunId) -> Vec<Recommendation> {
    let evidence = |label: &str, value: &str| Evidence {
        label: label.to_owned(),
        value: value.to_owned(),
        run: run.clone(),
    };
    vec![
        Recommendation {
            knob: "caller.batch-size".to_owned(),
            group: KnobGroup::Caller,
            action: "Verify in batches of 32 to 64 wherever requests arrive together.".to_owned(),
            because: "One verification costs 33.7 µs alone and 19.5 µs in a batch of 64; beyond 32 only 2 % more is \
                      gained"
                .to_owned(),
            evidence: vec![
                evidence("`ed25519_verify_128B`", "33.7 µs"),
                evidence("`verify_batch/64` per op", "19.5 µs"),
            ],
            predicted_change: Some((-0.42, -0.40)),
            confidence: Confidence::High,
            cost: "latency: the first of 64 waits 1.2 ms".to_owned(),
            risk: "one bad signature fails the batch; verify singly to find it".to_owned(),
            how: "for chunk in pending.chunks(64) {\n    keystore.verify_batch(chunk)?;\n}".to_owned(),
            state: KnobState::Candidate,
        },
        Recommendation {
            knob: "measurement.launches".to_owned(),
            group: KnobGroup::Measurement,
            action: "Run 20 launches instead of 12 to see changes of 1 %.".to_owned(),
            because: "83 % of the variance comes from the launch".to_owned(),
            evidence: vec![evidence("half width of `verify_batch/64`", "±0.4 %")],
            predicted_change: None,
            confidence: Confidence::Medium,
            cost: "3 minutes more per run".to_owned(),
            risk: "none".to_owned(),
            how: String::new(),
            state: KnobState::Candidate,
        },
    ]
}

/// A complete run of seven benchmarks with history, gates and knobs.
pub(crate) fn measured() -> RunReport {
    let (results, distributions): (Vec<_>, Vec<_>) = (1..)
        .zip(SUITE)
        .map(|(seed, (target, group, value, elements, base))| {
            measure(&id(target, group, value), elements, base, seed * 7919)
        })
        .unzip();
    let run = run(&results);
    RunReport {
        previous: Some(comparison(&results)),
        previous_started: Some(Timestamp(STARTED.0 - 86_400_000_000)),
        batch_curves: curves(&results),
        parallel: parallel(&results),
        gates: gates(&results),
        recommendations: recommendations(&run.id),
        descriptions: descriptions(),
        reproduce: format!("bench-runner report {}", run.id),
        run,
        results,
        distributions,
    }
}

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
