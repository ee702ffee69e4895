//! Someone's folder of Criterion results as measurements.
//!
//! Such a folder holds the latest result of each benchmark, of one or many days, names neither package nor target nor
//! machine, and may be stale or torn: what fits together is imported, the rest becomes findings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::files::{self, FilesError, Limits};
use super::finding;
use super::inventory::repeated_ids;
use super::launch::{into_measurement, unit_assumed};
use crate::model::finding::{Finding, Severity};
use crate::model::measurement::Measurement;
use crate::model::units::Timestamp;

/// Package and target of imported benchmarks: the files do not tell.
pub const IMPORTED: &str = "imported";
/// Results further apart than this were hardly made in one run.
const ONE_RUN: Duration = Duration::from_secs(6 * 3600);

/// What a folder held.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The measurements by time of writing.
    pub measurements: Vec<Measurement>,
    /// When the first of them was written.
    pub first: Timestamp,
    /// When the last of them was written.
    pub last: Timestamp,
    /// What was left out, and doubts about the rest.
    pub findings: Vec<Finding>,
}

/// Why a folder cannot be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The folder cannot be read.
    #[error("cannot import from {}", path.display())]
    Files {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: FilesError,
    },
    /// There is nothing in it.
    #[error("no complete Criterion result named `{name}` below {} ({torn} torn)", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
        /// Name of the results, `new` by default.
        name: String,
        /// Results that were found but do not fit together.
        torn: usize,
    },
}

impl ImportError {
    /// What the user can do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Files { .. } => Some("give the folder `target/criterion` of a project".to_owned()),
            Self::Empty { torn: 0, .. } => {
                Some("give the folder `target/criterion` of a project after `cargo bench`".to_owned())
            }
            Self::Empty { .. } => Some("run `cargo bench` again to its end".to_owned()),
        }
    }
}

/// Reads the results called `name` (the latest, `new`, by default) below `folder`.
///
/// # Errors
/// When the folder cannot be read or holds no usable result.
pub fn import(folder: &Path, name: Option<&str>) -> Result<Imported, ImportError> {
    let name = name.unwrap_or("new");
    // A copy made with `cp -r` gives each file the moment of its copying, in any order.
    let limits = Limits { skew: Duration::from_secs(10), ..Limits::default() };
    let scan = files::scan(folder, name, &limits)
        .map_err(|source| ImportError::Files { path: folder.to_owned(), source })?;
    let mut findings = scan.findings;
    let times = scan.entries.iter().map(|entry| entry.modified);
    let (Some(first), Some(last)) = (times.clone().min(), times.max()) else {
        let torn = findings.len();
        return Err(ImportError::Empty { path: folder.to_owned(), name: name.to_owned(), torn });
    };
    let span = last.duration_since(first).unwrap_or_default();
    if span > ONE_RUN {
        findings.push(stale(span));
    }
    let assumed = scan.entries.iter().filter(|entry| !entry.unit_known).count();
    if assumed > 0 {
        findings.push(unit_assumed(assumed));
    }
    let mut occurrences = BTreeMap::new();
    let measurement = |entry| into_measurement(entry, IMPORTED, IMPORTED, &mut occurrences);
    let measurements: Vec<Measurement> = scan.entries.into_iter().map(measurement).collect();
    findings.extend(repeated_ids(measurements.iter().map(|measurement| &measurement.benchmark)));
    Ok(Imported { measurements, first: timestamp(first), last: timestamp(last), findings })
}

fn stale(span: Duration) -> Finding {
    let evidence = format!("the results were written over {:.1} h", span.as_secs_f64() / 3600.0);
    let words = (
        "results of several runs, or of benchmarks that no longer exist, stand side by side",
        "delete `target/criterion`, run all benchmarks once and import again",
    );
    finding("import-stale", Severity::Warning, "", evidence, words)
}

fn timestamp(time: SystemTime) -> Timestamp {
    let micros = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    Timestamp(match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => micros(after),
        Err(before) => -micros(before.duration()),
    })
}
