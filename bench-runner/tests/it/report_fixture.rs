//! Reports built in code: one as a good night leaves it, one as the founding record gives it, one torn, one hostile,
//! one large. Seeded, so that equal calls give equal reports. It measures nothing and reads nothing.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be built is a failed test")]

#[path = "report_fixture/judged.rs"]
mod judged;
#[path = "report_fixture/variants.rs"]
mod variants;

use bench_runner::model::estimate::{
    BenchmarkResult, ConfidenceInterval, Estimate, IntervalMethod, Statistic,
};
use bench_runner::model::fact::{Fact, FactStatus, FactValue, Phase, keys};
use bench_runner::model::finding::{Finding, Severity};
use bench_runner::model::ids::{BenchmarkId, Digest, Identity, RunId};
use bench_runner::model::measurement::LaunchSummary;
use bench_runner::model::report::{Description, Distribution, RunReport};
use bench_runner::model::run::{Capture, Executable, Launch, LaunchStatus, Run, RunKind, RunPlan, RunStatus};
use bench_runner::model::units::{Metric, Throughput, Timestamp};
use judged::{comparison, curves, gates, parallel, recommendations};
pub(crate) use variants::{founding, hostile, large, partial};

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

/// The line through the origin under Criterion's linear sampling: samples of d, 2d, 3d … iterations.
fn slope(values: &[f64]) -> f64 {
    let squares: Vec<f64> = (1_u32..).zip(values).map(|(step, _)| f64::from(step).powi(2)).collect();
    let weighed: f64 = squares.iter().zip(values).map(|(square, value)| square * value).sum();
    weighed / squares.iter().sum::<f64>()
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
        slope: Some(slope(values)),
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

/// Bench targets of the suite.
const TARGETS: [&str; 4] = ["sign_bench", "verify_bench", "batch_verify", "parallel_throughput"];

fn executables() -> Vec<Executable> {
    let executables = (1_u8..).zip(TARGETS).map(|(byte, target)| Executable {
        digest: Digest([byte; 32]),
        bytes: 2_400_000 + u64::from(byte),
        package: "kms".to_owned(),
        target: target.to_owned(),
    });
    executables.collect()
}

fn launches() -> Vec<Launch> {
    let launches = (0..LAUNCHES).flat_map(|round| {
        (0_u8..).zip(TARGETS).map(move |(place, target)| {
            let ordinal = round * 4 + u32::from(place);
            Launch {
                ordinal,
                round,
                executable: Digest([place + 1; 32]),
                package: "kms".to_owned(),
                target: target.to_owned(),
                status: LaunchStatus::Complete,
                capture: Some(Capture::Socket),
                reason: None,
                harness_version: Some("0.8.2".to_owned()),
                started: Timestamp(STARTED.0 + i64::from(ordinal) * 5_000_000),
                elapsed_seconds: 4.9,
                exit_code: Some(0),
                covariates: None,
            }
        })
    });
    launches.collect()
}

fn run(results: &[BenchmarkResult]) -> Run {
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
        executables: executables(),
        launches: launches(),
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
        seal: None,
        calibration: None,
        run,
        results,
        distributions,
    }
}
