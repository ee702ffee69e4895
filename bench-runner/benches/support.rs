//! What the bench targets share: the one table of benchmarks, and the body of every `main`.
//!
//! An id is spelled here and in `docs/budgets.md`; `tests/it/budgets.rs` compares the two. Nothing here is timed.

use criterion::{Bencher, BenchmarkId, Criterion, Throughput};

/// One benchmark.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Benchmark {
    /// The bench target, `[[bench]] name`.
    pub(crate) target: &'static str,
    /// The Criterion group.
    pub(crate) group: &'static str,
    /// The name inside the group.
    pub(crate) name: &'static str,
    /// What one iteration gets through: benchmarks, observations, points, facts, or 1 for a thing as a whole.
    pub(crate) elements: u64,
}

impl Benchmark {
    /// Criterion's full id.
    pub(crate) fn id(&self) -> String {
        format!("{}/{}", self.group, self.name)
    }

    /// `target/full_id`, as `--filter` and `[[budget]]` want it.
    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.target, self.id())
    }
}

const fn row(target: &'static str, group: &'static str, name: &'static str, elements: u64) -> Benchmark {
    Benchmark { target, group, name, elements }
}

/// Every benchmark of this crate. A renamed id loses its history.
pub(crate) const BENCHMARKS: &[Benchmark] = &[
    row("store", "store_run", "200x100", 200),
    row("store", "store_run", "200x300", 200),
    row("store", "import_run", "200x100", 200),
    row("store", "import_run", "200x300", 200),
    row("store", "read_run", "200x100", 200),
    row("store", "read_run", "200x300", 200),
    row("store", "series_points", "50_of_10000", 50),
    row("store", "history", "50_of_10000", 50),
    row("store", "pack", "100", 100),
    row("store", "pack", "300", 300),
    row("store", "unpack", "100", 100),
    row("store", "unpack", "300", 300),
    row("attest", "verify", "10000_runs", 10_000),
    row("attest", "sign", "statement", 1),
    row("hardware", "capture", "files", 1),
    row("hardware", "capture", "files_and_programs", 1),
    row("report", "one_run_112", "assemble", 112),
    row("report", "one_run_112", "assemble_and_write", 112),
    row("report", "one_run_112", "from_store", 112),
    row("report", "report_112", "html", 112),
    row("report", "report_112", "markdown", 112),
    row("report", "report_112", "json", 112),
    row("report", "report_html", "measured", 1),
    row("report", "report_html", "founding", 1),
    row("report", "report_html", "partial", 1),
    row("report", "report_html", "hostile", 1),
    row("stats", "analysis_112x5", "estimate_run", 112),
    row("stats", "analysis_112x5", "compare", 112),
    row("stats", "estimate_one", "1", 1),
    row("stats", "estimate_one", "5", 1),
    row("stats", "estimate_one", "20", 1),
    row("stats", "statistics", "sort_300", 300),
    row("stats", "statistics", "bootstrap_median_300x2000", 2000),
    row("stats", "statistics", "t_quantile", 1),
    row("stats", "statistics", "mann_whitney_20_20", 40),
    row("stats", "statistics", "sign_flip_20", 20),
    row("change_points", "robust", "200", 200),
    row("change_points", "robust", "4000", 4000),
    row("change_points", "otava_compat", "200", 200),
    row("change_points", "otava_compat", "4000", 4000),
    row("change_points", "append_100", "1000", 100),
    row("change_points", "append_100", "100000", 100),
];

/// Runs one bench executable: every benchmark of `target` in the order of the table; `bench` gets the full id.
pub(crate) fn run(target: &str, mut bench: impl FnMut(&mut Bencher<'_>, &str)) {
    let mut criterion = Criterion::default().configure_from_args();
    for benchmark in BENCHMARKS.iter().filter(|benchmark| benchmark.target == target) {
        let mut group = criterion.benchmark_group(benchmark.group);
        group.throughput(Throughput::Elements(benchmark.elements));
        let id = benchmark.id();
        // A size is a parameter, not a function: the observatory draws a curve over it.
        if benchmark.name.parse::<u64>().is_ok() {
            group.bench_function(BenchmarkId::from_parameter(benchmark.name), |bencher| bench(bencher, &id));
        } else {
            group.bench_function(benchmark.name, |bencher| bench(bencher, &id));
        }
        group.finish();
    }
    criterion.final_summary();
}
