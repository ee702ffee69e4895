//! The probe: what a bench executable says of itself when asked, before anything is measured.
//!
//! Criterion gives a declared throughput to groups only, and no harness tells which code path a library chose at run
//! time. An executable started with `BENCH_RUNNER_PROBE=1` may answer with one line of JSON:
//! `{"schema":"bench-runner/probe","version":1,"curve_backend":"…","signing_backend":"…","workloads":[{"id":"…","elements":8}]}`.
//! One that knows nothing of this lists its benchmarks and ends: it is started with Criterion's `--list`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::capture::{Attempt, capture};
use super::inventory::InventoryRequest;
use super::launch::LaunchError;
use crate::process::Cancel;

/// The variable that asks.
pub const VARIABLE: &str = "BENCH_RUNNER_PROBE";
/// Name of the answer's form.
const SCHEMA: &str = "bench-runner/probe";
/// How long an executable may be silent before it is taken for one that knows nothing of the question.
const PATIENCE: Duration = Duration::from_secs(10);

/// What an executable said of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probe {
    /// Code path that the library chose on this machine, for example `avx512-ifma`.
    pub backend: Option<String>,
    /// What makes its signatures, where it says so apart, for example `graviola`.
    pub signing_backend: Option<String>,
    /// Elements per iteration by Criterion's full id.
    pub elements: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct Answer {
    schema: String,
    version: u32,
    curve_backend: Option<String>,
    signing_backend: Option<String>,
    #[serde(default)]
    workloads: Vec<Workload>,
}

#[derive(Deserialize)]
struct Workload {
    id: String,
    elements: u64,
}

/// Asks a bench, behind its guard like every start of it; anything but a well-formed answer is an empty probe, since
/// most benches know nothing of it.
///
/// # Errors
/// When the bench could not be started.
pub fn ask(request: InventoryRequest<'_>, cancel: &Cancel) -> Result<Probe, LaunchError> {
    let scratch = |source| LaunchError::Scratch { path: request.scratch.to_owned(), source };
    let home = tempfile::Builder::new().prefix("criterion-").tempdir_in(request.scratch).map_err(scratch)?;
    let attempt = Attempt {
        guard: request.guard,
        bench: request.bench,
        args: ["--bench", "--list", "--format", "terse"].map(Into::into).into(),
        home: home.path(),
        socket: false,
        patience: PATIENCE,
        allowance: PATIENCE,
        probe: true,
    };
    Ok(parse(&capture(&attempt, cancel, &mut |_| Ok(()))?.stdout))
}

/// Reads the first line that is an answer.
fn parse(text: &str) -> Probe {
    let answers = text.lines().filter_map(|line| serde_json::from_str::<Answer>(line).ok());
    let known = answers.filter(|answer| answer.schema == SCHEMA && answer.version == 1);
    known
        .map(|answer| Probe {
            backend: answer.curve_backend,
            signing_backend: answer.signing_backend,
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
        let line =
            r#"{"schema":"bench-runner/probe","version":1,"curve_backend":"avx2","signing_backend":"dalek",
            "more":1,"workloads":[{"id":"a/8","elements":8,"set":"core"},{"id":"b","elements":0}]}"#
                .replace('\n', " ");
        let probe = parse(&format!("a/8: benchmark\n{line}\n"));
        assert_eq!(probe.backend.as_deref(), Some("avx2"));
        assert_eq!(probe.signing_backend.as_deref(), Some("dalek"));
        let silent = line.replace(r#""signing_backend":"dalek","#, "");
        assert_eq!(parse(&silent), Probe { signing_backend: None, ..probe.clone() });
        assert_eq!(probe.elements, BTreeMap::from([("a/8".to_owned(), 8)]));
        for foreign in
            ["", "a: benchmark", "{}", r#"{"schema":"other","version":1}"#, &line.replace(":1,", ":2,")]
        {
            assert_eq!(parse(foreign), Probe::default(), "{foreign}");
        }
    }
}
