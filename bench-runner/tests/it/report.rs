//! The report as text: sections, honesty of partial and summary-only runs, inert names, equal bytes.

use crate::report_fixture as fixture;
use bench_runner::report;

#[test]
fn dump() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    for (name, made) in [
        ("measured", fixture::measured()),
        ("founding", fixture::founding()),
        ("partial", fixture::partial()),
        ("hostile", fixture::hostile()),
        ("large", fixture::large(112)),
    ] {
        std::fs::write(folder.join(format!("{name}.md")), report::markdown(&made).unwrap()).unwrap();
        std::fs::write(folder.join(format!("{name}.html")), report::html(&made).unwrap()).unwrap();
    }
}
