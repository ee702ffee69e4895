//! The probe: what a bench executable says of itself when asked, before anything is measured.
//!
//! Criterion gives a declared throughput to groups only, and no harness tells which code path a library chose at run
//! time. An executable started with `BENCH_RUNNER_PROBE=1` may answer with one line of JSON:
//! `{"schema":"bench-runner/probe","version":1,"curve_backend":"…","workloads":[{"id":"…","elements":8}]}`.
//! One that knows nothing of this lists its benchmarks and ends: it is started with Criterion's `--list`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::process::{ProcessRequest, ProcessRunner};

/// The variable that asks.
pub const VARIABLE: &str = "BENCH_RUNNER_PROBE";
/// Name of the answer's form.
const SCHEMA: &str = "bench-runner/probe";
/// How long an executable may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What an executable said of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probe {
    /// Code path that the library chose on this machine, for example `avx512-ifma`.
    pub backend: Option<String>,
    /// Elements per iteration by Criterion's full id.
    pub elements: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct Answer {
    schema: String,
    version: u32,
    curve_backend: Option<String>,
    #[serde(default)]
    workloads: Vec<Workload>,
}

#[derive(Deserialize)]
struct Workload {
    id: String,
    elements: u64,
}

/// Asks `executable`; anything but a well-formed answer is an empty probe, since most executables know nothing of it.
#[must_use]
pub fn ask(runner: &dyn ProcessRunner, executable: &Path, folder: &Path) -> Probe {
    let request = ProcessRequest::new(executable)
        .args(["--bench", "--list", "--format", "terse"])
        .directory(folder)
        .env(VARIABLE, "1")
        .timeout(PATIENCE)
        .output_limit(1 << 20);
    runner.run(&request).map(|output| parse(&output.stdout_text())).unwrap_or_default()
}

/// Reads the first line that is an answer.
fn parse(text: &str) -> Probe {
    let answers = text.lines().filter_map(|line| serde_json::from_str::<Answer>(line).ok());
    let known = answers.filter(|answer| answer.schema == SCHEMA && answer.version == 1);
    known
        .map(|answer| Probe {
            backend: answer.curve_backend,
            elements: answer
                .workloads
                .into_iter()
                .filter(|workload| workload.elements > 0)
                .map(|workload| (workload.id, workload.elements))
                .collect(),
        })
        .next()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_and_everything_else_is_no_answer() {
        let line = r#"{"schema":"bench-runner/probe","version":1,"curve_backend":"avx2","more":1,
            "workloads":[{"id":"a/8","elements":8,"set":"core"},{"id":"b","elements":0}]}"#
            .replace('\n', " ");
        let probe = parse(&format!("a/8: benchmark\n{line}\n"));
        assert_eq!(probe.backend.as_deref(), Some("avx2"));
        assert_eq!(probe.elements, BTreeMap::from([("a/8".to_owned(), 8)]));
        for foreign in
            ["", "a: benchmark", "{}", r#"{"schema":"other","version":1}"#, &line.replace(":1,", ":2,")]
        {
            assert_eq!(parse(foreign), Probe::default(), "{foreign}");
        }
    }
}
