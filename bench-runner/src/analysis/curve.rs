//! Families of benchmarks: batch sizes that amortise one operation, and threads that repeat one.
//!
//! Batch families are recognised by their declared element counts; what a thread repeats cannot be seen from outside, so
//! parallel benchmarks are named by [`CurveHints`]. Nothing is guessed from a name alone.

use std::collections::BTreeMap;

use regex::Regex;

use crate::model::curve::{BatchCurve, CurvePoint, ParallelScaling};
use crate::model::estimate::BenchmarkResult;
use crate::model::fact::{Fact, keys, known};
use crate::model::ids::BenchmarkId;

/// What a hint says about the benchmarks it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CurveKind {
    /// A batch size: the benchmark's value is the number of operations in one batch.
    Batch {
        /// Sizes at which the code under test is known to change its algorithm.
        steps: Vec<u64>,
    },
    /// Several threads that repeat an operation.
    Parallel {
        /// Threads; `None` takes the number from the first capture group of the pattern.
        threads: Option<u64>,
        /// Whether each thread already works in batches.
        batched: bool,
    },
}

/// Words of the owner about a family of benchmarks.
#[derive(Debug, Clone)]
pub struct CurveHint {
    /// Matched against `target/full_id`.
    pub pattern: Regex,
    /// `target/full_id` of the single operation; the first that the run has is taken.
    pub singles: Vec<String>,
    /// Batch or parallel.
    pub kind: CurveKind,
    /// What a caller must know before preferring this family to the single operation; empty for nothing.
    pub caution: String,
}

/// All hints; the first that matches counts.
#[derive(Debug, Clone, Default)]
pub struct CurveHints(pub Vec<CurveHint>);

/// Single verification benches of `kms`: the one with the batch's own equation first.
const KMS_VERIFY: [&str; 2] = ["verify_bench/ed25519_verify_zip215_128B", "verify_bench/ed25519_verify_128B"];

/// What `kms` says about its batches.
const KMS_CAUTION: &str = "batch verification uses the cofactored equation: it accepts some crafted signatures that strict \
     single verification refuses, so only callers whose protocol allows the cofactored rule may switch";

impl CurveHints {
    /// The hints for the benches of `kms`, used when the configuration has none.
    #[must_use]
    pub fn kms() -> Self {
        // The patterns are constants; a test sees that all of them compile.
        let hint = |pattern: &str, singles: &[&str], kind: CurveKind, caution: &str| {
            Some(CurveHint {
                pattern: Regex::new(pattern).ok()?,
                singles: singles.iter().map(|single| (*single).to_owned()).collect(),
                kind,
                caution: caution.to_owned(),
            })
        };
        // curve25519-dalek changes from Straus to Pippenger at 190 points; a batch of n signatures has 2n + 1.
        let batch = CurveKind::Batch { steps: vec![95] };
        let parallel = CurveKind::Parallel { threads: None, batched: false };
        let hints = [
            hint(r"^batch_verify/verify_batch/\d+$", &KMS_VERIFY, batch, KMS_CAUTION),
            hint(
                r"^parallel_throughput/parallel_sign_(\d+)x$",
                &["sign_bench/ed25519_sign_128B"],
                parallel.clone(),
                "",
            ),
            hint(
                r"^parallel_throughput/parallel_verify_(\d+)x$",
                &["verify_bench/ed25519_verify_128B"],
                parallel,
                "",
            ),
            hint(
                r"^parallel_throughput/parallel_verify_batch_(\d+)x$",
                &["batch_verify/verify_batch/64"],
                CurveKind::Parallel { threads: None, batched: true },
                KMS_CAUTION,
            ),
        ];
        Self(hints.into_iter().flatten().collect())
    }

    /// The first hint whose pattern matches the benchmark.
    #[must_use]
    pub fn of(&self, id: &BenchmarkId) -> Option<&CurveHint> {
        let name = id.to_string();
        self.0.iter().find(|hint| hint.pattern.is_match(&name))
    }
}

fn single<'a>(hint: &CurveHint, results: &'a [BenchmarkResult]) -> Option<&'a BenchmarkResult> {
    hint.singles
        .iter()
        .find_map(|name| results.iter().find(|r| r.metric.is_time() && r.benchmark.to_string() == *name))
}

/// Time of one element, and its interval.
fn per_element(result: &BenchmarkResult, elements: u64) -> (f64, Option<(f64, f64)>) {
    let divisor = elements as f64;
    let interval = result.estimate.interval.map(|i| (i.low / divisor, i.high / divisor));
    (result.estimate.value / divisor, interval)
}

/// Batch curves: benchmarks that share target, group and function and whose value is a whole number.
///
/// The value must equal the declared elements, or a batch hint must name the family (it then stands in for benches
/// that declare nothing). Families keep the order of the results, points ascend by size.
///
/// # Edge cases
/// Families with one size and metrics other than time give no curve.
#[must_use]
pub fn batch_curves(results: &[BenchmarkResult], hints: &CurveHints) -> Vec<BatchCurve> {
    let mut families: Vec<(BenchmarkId, BTreeMap<u64, CurvePoint>)> = Vec::new();
    for result in results.iter().filter(|result| result.metric.is_time()) {
        let Some(size) = batch_size(result, hints) else { continue };
        let family = BenchmarkId { value: None, ..result.benchmark.clone() };
        let (per_element_ns, interval_ns) = per_element(result, size);
        let point = CurvePoint { benchmark: result.benchmark.clone(), size, per_element_ns, interval_ns };
        match families.iter_mut().find(|(id, _)| *id == family) {
            Some((_, points)) => {
                points.insert(size, point);
            }
            None => families.push((family, BTreeMap::from([(size, point)]))),
        }
    }
    families
        .into_iter()
        .filter(|(_, points)| points.len() > 1)
        .map(|(family, points)| {
            let points: Vec<CurvePoint> = points.into_values().collect();
            let hint = hints.of(&points[0].benchmark);
            let single = hint.and_then(|hint| single(hint, results)).map(|single| {
                (single.benchmark.clone(), per_element(single, single.elements().unwrap_or(1)).0)
            });
            BatchCurve { name: family.to_string(), single, points }
        })
        .collect()
}

fn batch_size(result: &BenchmarkResult, hints: &CurveHints) -> Option<u64> {
    let size: u64 = result.benchmark.value.as_ref()?.parse().ok().filter(|size| *size > 0)?;
    let hinted =
        || hints.of(&result.benchmark).is_some_and(|hint| matches!(hint.kind, CurveKind::Batch { .. }));
    match result.elements() {
        Some(elements) => (elements == size).then_some(size),
        None => hinted().then_some(size),
    }
}

/// Parallel benchmarks named by a hint, against their single operation, in the order of the results.
///
/// # Edge cases
/// Left out: benchmarks whose single operation was not measured, that declare no elements, or whose number of threads is
/// not known.
#[must_use]
pub fn parallel_scaling(
    results: &[BenchmarkResult],
    facts: &[Fact],
    hints: &CurveHints,
) -> Vec<ParallelScaling> {
    let usable: Option<u64> = known(facts, keys::CPU_CORES_USABLE)
        .or_else(|| known(facts, keys::CPU_CORES_LOGICAL))
        .and_then(|text| text.parse().ok());
    results.iter().filter_map(|result| scaling(result, results, usable, hints)).collect()
}

fn scaling(
    result: &BenchmarkResult,
    results: &[BenchmarkResult],
    usable: Option<u64>,
    hints: &CurveHints,
) -> Option<ParallelScaling> {
    let hint = hints.of(&result.benchmark)?;
    let CurveKind::Parallel { threads, .. } = hint.kind else { return None };
    let threads = threads.or_else(|| {
        let name = result.benchmark.to_string();
        hint.pattern.captures(&name)?.get(1)?.as_str().parse().ok()
    })?;
    let operations = result.elements()?;
    let single = single(hint, results)?;
    if !result.metric.is_time() || threads == 0 || operations == 0 {
        return None;
    }
    let single_ns = per_element(single, single.elements().filter(|e| *e > 0).unwrap_or(1)).0;
    let total_ns = result.estimate.value;
    let speed_up = operations as f64 * single_ns / total_ns;
    let usable_cores = usable.map(|usable| usable.min(threads));
    Some(ParallelScaling {
        benchmark: result.benchmark.clone(),
        single: single.benchmark.clone(),
        threads,
        usable_cores,
        operations,
        total_ns,
        single_ns,
        speed_up,
        efficiency: speed_up / usable_cores.unwrap_or(threads).max(1) as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::super::examples::{benchmark, fact, founding, stated};
    use super::*;

    #[test]
    fn the_founding_record_has_one_curve_and_two_parallel_benchmarks() {
        let (run, results, _) = founding();
        let curves = batch_curves(&results, &CurveHints::kms());
        assert_eq!(curves.len(), 1);
        assert_eq!(curves[0].name, "batch_verify/verify_batch");
        let per: Vec<(u64, String)> =
            curves[0].points.iter().map(|p| (p.size, format!("{:.1}", p.per_element_ns / 1000.0))).collect();
        assert_eq!(per, [(8, "21.4".to_owned()), (32, "19.9".to_owned()), (64, "19.4".to_owned())]);
        assert_eq!(curves[0].single.as_ref().unwrap().0.to_string(), "verify_bench/ed25519_verify_128B");
        let parallel = parallel_scaling(&results, &run.facts, &CurveHints::kms());
        let efficiency: Vec<String> = parallel.iter().map(|p| format!("{:.2}", p.efficiency)).collect();
        assert_eq!(efficiency, ["0.86", "0.73"]);
        assert_eq!((parallel[0].threads, parallel[0].usable_cores), (4, Some(4)));
    }

    #[test]
    fn every_constant_pattern_compiles_and_the_first_match_counts() {
        let hints = CurveHints::kms();
        assert_eq!(hints.0.len(), 4);
        let batched = hints.of(&benchmark("parallel_throughput", "parallel_verify_batch_4x", None)).unwrap();
        assert_eq!(batched.kind, CurveKind::Parallel { threads: None, batched: true });
        assert!(hints.of(&benchmark("batch_verify", "verify_batch_one_key", Some("64"))).is_none());
    }

    #[test]
    fn the_single_operation_with_the_same_equation_is_preferred() {
        let (_, mut results, _) = founding();
        let zip215 = benchmark("verify_bench", "ed25519_verify_zip215_128B", None);
        results.push(stated(zip215.clone(), 1, 30_000.0, None));
        assert_eq!(batch_curves(&results, &CurveHints::kms())[0].single.as_ref().unwrap().0, zip215);
    }

    #[track_caller]
    fn check(results: &[BenchmarkResult], hints: &CurveHints, expected: usize) {
        assert_eq!(batch_curves(results, hints).len(), expected);
    }

    #[test]
    fn a_number_in_a_name_is_not_yet_a_batch() {
        let id = |value| benchmark("t", "hash", Some(value));
        let bytes = [stated(id("64"), 1, 10.0, None), stated(id("1024"), 1, 90.0, None)];
        check(&bytes, &CurveHints::default(), 0);
        let declared = [stated(id("64"), 64, 10.0, None), stated(id("1024"), 1024, 90.0, None)];
        check(&declared, &CurveHints::default(), 1);
        check(&declared[..1], &CurveHints::default(), 0);
        let mut silent = bytes;
        for result in &mut silent {
            result.throughput.clear();
        }
        check(&silent, &CurveHints::default(), 0);
        let hints = CurveHints(vec![CurveHint {
            pattern: Regex::new("^t/hash/").unwrap(),
            singles: Vec::new(),
            kind: CurveKind::Batch { steps: Vec::new() },
            caution: String::new(),
        }]);
        check(&silent, &hints, 1);
    }

    #[test]
    fn unknown_cores_fall_back_to_the_threads_and_fewer_cores_raise_the_efficiency() {
        let (_, results, _) = founding();
        let unknown = parallel_scaling(&results, &[], &CurveHints::kms()).remove(1);
        assert_eq!(unknown.usable_cores, None);
        assert!((unknown.efficiency - 0.7335).abs() < 1e-3);
        let two = [fact(keys::CPU_CORES_USABLE, "2")];
        let two = parallel_scaling(&results, &two, &CurveHints::kms()).remove(1);
        assert_eq!(two.usable_cores, Some(2));
        assert!((two.efficiency - 1.467).abs() < 1e-3);
    }

    #[test]
    fn without_its_single_operation_a_parallel_benchmark_is_left_out() {
        let (run, results, _) = founding();
        assert_eq!(parallel_scaling(&results[2..], &run.facts, &CurveHints::kms()), []);
    }
}
