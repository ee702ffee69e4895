//! Cost of writing a report of 112 benchmarks: the budget is 50 ms for the page.

#[path = "../tests/it/report_fixture.rs"]
#[expect(unused_imports, reason = "shared with the tests, which use all of it")]
mod report_fixture;

use bench_runner::report;
use criterion::{Criterion, criterion_group, criterion_main};

fn large_report(criterion: &mut Criterion) {
    let made = report_fixture::large(112);
    let mut group = criterion.benchmark_group("report_112");
    group.bench_function("html", |bencher| bencher.iter(|| report::html(&made)));
    group.bench_function("markdown", |bencher| bencher.iter(|| report::markdown(&made)));
    group.bench_function("json", |bencher| bencher.iter(|| report::json(&made)));
    group.finish();
}

criterion_group!(benches, large_report);
criterion_main!(benches);
