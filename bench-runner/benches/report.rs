//! Cost of writing reports: 112 benchmarks (the budget is 50 ms for the page), and the small ones that people read.

#[path = "../tests/it/report_fixture.rs"]
mod report_fixture;

use bench_runner::model::report::RunReport;
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

fn small_reports(criterion: &mut Criterion) {
    let pages: [(&str, RunReport); 4] = [
        ("measured", report_fixture::measured()),
        ("founding", report_fixture::founding()),
        ("partial", report_fixture::partial()),
        ("hostile", report_fixture::hostile()),
    ];
    let mut group = criterion.benchmark_group("report_html");
    for (name, made) in &pages {
        group.bench_function(*name, |bencher| bencher.iter(|| report::html(made)));
    }
    group.finish();
}

criterion_group!(benches, large_report, small_reports);
criterion_main!(benches);
