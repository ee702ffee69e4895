//! Families of benchmarks that differ in one number: batch sizes, thread counts.

use serde::{Deserialize, Serialize};

use super::ids::BenchmarkId;

/// One point of a curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// The benchmark behind it.
    pub benchmark: BenchmarkId,
    /// The varied number: batch size or threads.
    pub size: u64,
    /// Nanoseconds per element.
    pub per_element_ns: f64,
    /// Interval of the same, if there is one.
    pub interval_ns: Option<(f64, f64)>,
}

/// Time per element over batch size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchCurve {
    /// Name of the family, for example `batch_verify/verify_batch`.
    pub name: String,
    /// The single operation it amortises, with its time in nanoseconds, if the run has one.
    pub single: Option<(BenchmarkId, f64)>,
    /// Points by ascending size; at least two.
    pub points: Vec<CurvePoint>,
}

/// One parallel benchmark against its single-threaded counterpart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParallelScaling {
    /// The parallel benchmark.
    pub benchmark: BenchmarkId,
    /// The single operation that each thread repeats.
    pub single: BenchmarkId,
    /// Threads it uses.
    pub threads: u64,
    /// Cores the machine could give: the smaller of threads and usable cores; `None` when unknown.
    pub usable_cores: Option<u64>,
    /// Operations per iteration over all threads.
    pub operations: u64,
    /// Nanoseconds for all operations.
    pub total_ns: f64,
    /// Time of one operation single-threaded, in nanoseconds.
    pub single_ns: f64,
    /// Speed-up over one thread: operations × single ÷ total.
    pub speed_up: f64,
    /// Speed-up ÷ min(threads, usable cores), 0 to about 1.
    pub efficiency: f64,
}
