//! Criterion's result files: `benchmark.json` next to `sample.json`.
//!
//! The format is private to Criterion, written without atomicity, and names neither unit, package nor settings.
//! Everything is read leniently and within limits, and checked against what Criterion derived from it; a directory
//! that does not fit together becomes a finding and is left out.
//!
//! Reference: `src/analysis/mod.rs`, `src/report.rs` and `src/stats/univariate/outliers/tukey.rs` of Criterion 0.8.2.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::{finding, session::observations};
use crate::model::finding::{Finding, Severity};
use crate::model::measurement::{Observation, SamplingMode};
use crate::model::units::{Metric, Throughput};

/// Folders below the root that are followed at most: group, function, value, baseline, and some above them.
const DEPTH_LIMIT: usize = 8;
/// Relative difference that two computations of one number may show.
const TOLERANCE: f64 = 1e-6;

/// How much is read at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Folders visited.
    pub folders: usize,
    /// How much older than its neighbours `benchmark.json` may be; copying a folder changes times a little.
    pub skew: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file_bytes: 64 << 20, folders: 200_000, skew: Duration::ZERO }
    }
}

/// Why a folder of results cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// A folder cannot be listed.
    #[error("cannot read the folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// There are more folders than any suite has.
    #[error("{} holds more than {limit} folders", path.display())]
    TooMany {
        /// The root.
        path: PathBuf,
        /// The limit.
        limit: usize,
    },
}

/// One benchmark as its files tell it.
#[derive(Debug, Clone, PartialEq)]
pub struct FileEntry {
    /// Folder below the root, with `/` between its parts.
    pub folder: String,
    /// Criterion's group.
    pub group: String,
    /// Function id, if any.
    pub function: Option<String>,
    /// Parameter text, if any.
    pub value: Option<String>,
    /// Declared work per iteration.
    pub throughput: Vec<Throughput>,
    /// Linear or flat.
    pub sampling: SamplingMode,
    /// What is counted; time unless `raw.csv` says otherwise.
    pub metric: Metric,
    /// Whether the unit was read and not assumed.
    pub unit_known: bool,
    /// All observations in time order.
    pub sample: Vec<Observation>,
    /// When `benchmark.json` was written.
    pub modified: SystemTime,
}

/// Everything found below one root.
#[derive(Debug, Default)]
pub struct Scan {
    /// What could be read, by time of writing and then by folder.
    pub entries: Vec<FileEntry>,
    /// What could not, and why.
    pub findings: Vec<Finding>,
}

/// Reads all results below `root` in folders called `name` (`new` is the latest of each benchmark).
///
/// Symbolic links are not followed.
///
/// # Errors
/// When the root cannot be listed or is too large. Trouble below it becomes findings.
pub fn scan(root: &Path, name: &str, limits: &Limits) -> Result<Scan, FilesError> {
    let mut scan = Scan::default();
    let mut pending = vec![(root.to_owned(), 0)];
    let mut visited = 0;
    while let Some((folder, depth)) = pending.pop() {
        visited += 1;
        if visited > limits.folders {
            return Err(FilesError::TooMany { path: root.to_owned(), limit: limits.folders });
        }
        let listing = match list(&folder) {
            Ok(listing) => listing,
            Err(source) if depth == 0 => return Err(FilesError::Folder { path: folder, source }),
            Err(source) => {
                scan.findings.push(torn(&below(root, &folder), &format!("it cannot be listed: {source}")));
                continue;
            }
        };
        if folder.file_name().is_some_and(|last| last == name) && depth > 0 {
            match read_entry(root, &folder, limits) {
                Ok(Some(entry)) => scan.entries.push(entry),
                Ok(None) => {}
                Err(problem) => scan.findings.push(torn(&below(root, &folder), &problem)),
            }
        } else if depth < DEPTH_LIMIT {
            pending.extend(listing.into_iter().map(|child| (child, depth + 1)));
        }
    }
    scan.entries.sort_by(|a, b| (a.modified, &a.folder).cmp(&(b.modified, &b.folder)));
    scan.findings.sort();
    Ok(scan)
}

fn torn(folder: &str, problem: &str) -> Finding {
    let words = ("this result was left out", "run the benchmark again, undisturbed to its end");
    finding("result-torn", Severity::Blocking, folder, problem, words)
}

/// The sub-folders of `folder`, sorted.
fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut children = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            children.push(entry.path());
        }
    }
    children.sort();
    Ok(children)
}

fn below(root: &Path, folder: &Path) -> String {
    let relative = folder.strip_prefix(root).unwrap_or(Path::new("?"));
    let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

/// Reads one result; `None` when the folder holds no result at all.
fn read_entry(root: &Path, folder: &Path, limits: &Limits) -> Result<Option<FileEntry>, String> {
    let names = ["sample.json", "estimates.json", "tukey.json"];
    let present: Vec<_> = names.iter().filter(|name| folder.join(name).is_file()).collect();
    let marker = folder.join("benchmark.json");
    if !marker.is_file() {
        return if present.is_empty() {
            Ok(None)
        } else {
            Err("`benchmark.json`, which is written last, is missing".to_owned())
        };
    }
    let modified = modified(&marker)?;
    for name in present {
        if self::modified(&folder.join(name))? > modified + limits.skew {
            return Err(format!("`{name}` is newer than `benchmark.json`, which is written last"));
        }
    }
    let benchmark = read_json(&marker, limits)?;
    let sample = read_json(&folder.join("sample.json"), limits)?;
    let (iters, times) = (numbers(&sample, "iters")?, numbers(&sample, "times")?);
    let observations = observations(&iters, &times, 1.0)?;
    check_derived(folder, &observations, limits)?;
    let unit = csv_unit(folder, limits);
    let group = benchmark.get("group_id").and_then(Value::as_str).ok_or("`group_id` is missing")?;
    let text = |name: &str| benchmark.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(Some(FileEntry {
        folder: below(root, folder.parent().unwrap_or(folder)),
        group: group.to_owned(),
        function: text("function_id"),
        value: text("value_str"),
        throughput: benchmark.get("throughput").and_then(throughput).into_iter().collect(),
        sampling: match sample.get("sampling_mode").and_then(Value::as_str) {
            Some("Linear") => SamplingMode::Linear,
            Some("Flat") => SamplingMode::Flat,
            _ => SamplingMode::Other,
        },
        unit_known: unit.is_some(),
        metric: match unit {
            Some(unit) if unit != "ns" => Metric { name: "custom".to_owned(), unit },
            _ => Metric::time(),
        },
        sample: observations,
        modified,
    }))
}

fn modified(path: &Path) -> Result<SystemTime, String> {
    let time = path.metadata().and_then(|data| data.modified());
    time.map_err(|error| format!("the time of {} is unknown: {error}", file_name(path)))
}

fn file_name(path: &Path) -> String {
    format!("`{}`", path.file_name().unwrap_or_default().to_string_lossy())
}

fn read_limited(path: &Path, limits: &Limits) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("{} is missing", file_name(path)),
        _ => format!("{} cannot be opened: {error}", file_name(path)),
    })?;
    let read = file.take(limits.file_bytes + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("{} cannot be read: {error}", file_name(path)))?;
    if bytes.len() as u64 > limits.file_bytes {
        return Err(format!("{} is longer than {} bytes", file_name(path), limits.file_bytes));
    }
    Ok(bytes)
}

fn read_json(path: &Path, limits: &Limits) -> Result<Value, String> {
    let bytes = read_limited(path, limits)?;
    serde_json::from_slice(&bytes).map_err(|error| format!("{} is not JSON: {error}", file_name(path)))
}

fn numbers(value: &Value, name: &str) -> Result<Vec<f64>, String> {
    let items = value.get(name).and_then(Value::as_array).ok_or_else(|| format!("`{name}` is missing"))?;
    let numbers: Option<Vec<f64>> = items.iter().map(Value::as_f64).collect();
    numbers.ok_or_else(|| format!("`{name}` holds something that is not a number"))
}

/// One declared throughput; an unknown kind is left out.
fn throughput(value: &Value) -> Option<Throughput> {
    let (kind, content) = value.as_object()?.iter().next()?;
    match kind.as_str() {
        "Bits" => content.as_u64().map(Throughput::Bits),
        "Bytes" => content.as_u64().map(Throughput::Bytes),
        "BytesDecimal" => content.as_u64().map(Throughput::BytesDecimal),
        "Elements" => content.as_u64().map(Throughput::Elements),
        "ElementsAndBytes" => Some(Throughput::ElementsAndBytes {
            elements: content.get("elements")?.as_u64()?,
            bytes: content.get("bytes")?.as_u64()?,
        }),
        _ => None,
    }
}

/// The unit that `raw.csv` names in its last column but one, if the bench was built to write that file.
fn csv_unit(folder: &Path, limits: &Limits) -> Option<String> {
    let bytes = read_limited(&folder.join("raw.csv"), limits).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.lines();
    let column = |line: &str| line.rsplit(',').nth(1).map(str::to_owned);
    if column(lines.next()?)? != "unit" {
        return None;
    }
    lines.next().and_then(column)
}

/// Compares the sample with what Criterion derived from it: files of two runs do not fit together.
fn check_derived(folder: &Path, sample: &[Observation], limits: &Limits) -> Result<(), String> {
    let mut times: Vec<f64> = sample.iter().map(|observation| observation.per_iteration()).collect();
    #[expect(clippy::cast_precision_loss, reason = "sample sizes stay far below 2^53")]
    let mean = times.iter().sum::<f64>() / times.len() as f64;
    let estimates = folder.join("estimates.json");
    if estimates.is_file() {
        let value = read_json(&estimates, limits)?;
        let stated = value.pointer("/mean/point_estimate").and_then(Value::as_f64);
        if stated.is_some_and(|stated| !close(stated, mean, mean)) {
            return Err("`estimates.json` belongs to another sample: the means differ".to_owned());
        }
    }
    let fences = folder.join("tukey.json");
    if fences.is_file() {
        let value = read_json(&fences, limits)?;
        let stated: Option<Vec<f64>> =
            value.as_array().and_then(|items| items.iter().map(Value::as_f64).collect());
        times.sort_by(f64::total_cmp);
        let same = |stated: &Vec<f64>| {
            stated.len() == 4 && stated.iter().zip(tukey(&times)).all(|(a, b)| close(*a, b, mean))
        };
        if stated.is_some_and(|stated| !same(&stated)) {
            return Err("`tukey.json` belongs to another sample: the fences differ".to_owned());
        }
    }
    Ok(())
}

fn close(a: f64, b: f64, scale: f64) -> bool {
    (a - b).abs() <= TOLERANCE * scale.abs()
}

/// Tukey's fences of sorted numbers: quartiles minus and plus 3 and 1.5 times their distance.
fn tukey(sorted: &[f64]) -> [f64; 4] {
    let (lower, upper) = (quantile(sorted, 0.25), quantile(sorted, 0.75));
    let distance = upper - lower;
    [lower - 3.0 * distance, lower - 1.5 * distance, upper + 1.5 * distance, upper + 3.0 * distance]
}

/// Linear interpolation between order statistics at rank p·(n−1), as Criterion's `Percentiles::at`.
#[expect(clippy::cast_precision_loss, reason = "sample sizes stay far below 2^53")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank within the slice")]
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let rank = p * (sorted.len() - 1) as f64;
    let low = rank.floor() as usize;
    let high = (low + 1).min(sorted.len() - 1);
    sorted[low] + (sorted[high] - sorted[low]) * rank.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_match_criterion() {
        // Quartiles of 1..=5 by linear interpolation are 2 and 4.
        let expected = [-4.0, -1.0, 7.0, 10.0];
        let fences = tukey(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert!(fences.iter().zip(expected).all(|(a, b)| close(*a, b, 1.0)), "{fences:?}");
        // Rank 0.25·3 = 0.75 lies between the first two of four.
        assert!(close(quantile(&[10.0, 20.0, 40.0, 80.0], 0.25), 17.5, 1.0));
        assert!(close(quantile(&[7.0], 0.75), 7.0, 1.0));
    }

    /// Writes one result and tells what the scan makes of it.
    fn check(files: &[(&str, &str)], expected: Result<&str, &str>) {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("group/new");
        fs::create_dir_all(&folder).unwrap();
        for (name, content) in files {
            fs::write(folder.join(name), content).unwrap();
        }
        let limits = Limits { file_bytes: 200, skew: Duration::from_secs(60), ..Limits::default() };
        let scan = scan(root.path(), "new", &limits).unwrap();
        let found = match (scan.entries.as_slice(), scan.findings.as_slice()) {
            ([entry], []) => Ok(format!("{} {}", entry.folder, entry.metric.unit)),
            ([], [finding]) => Err(finding.evidence.clone()),
            ([], []) => Err(String::new()),
            other => panic!("{other:?}"),
        };
        assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{files:?}");
    }

    #[test]
    fn results_are_read_only_when_they_fit_together() {
        let benchmark = ("benchmark.json", r#"{"group_id":"g","function_id":null,"value_str":7,"future":1}"#);
        let sample = ("sample.json", r#"{"sampling_mode":"Cubic","iters":[1.0,2.0],"times":[5.0,14.0]}"#);
        check(&[benchmark, sample], Ok("group ns"));
        check(&[], Err(""));
        check(&[sample], Err("`benchmark.json`, which is written last, is missing"));
        check(&[benchmark], Err("`sample.json` is missing"));
        let csv = "group,function,value,throughput_num,throughput_type,sample_measured_value,unit,iteration_count\n\
             \"a,b\",,,,,5.0,cycles,1\n";
        check(&[benchmark, sample, ("raw.csv", csv)], Ok("group cycles"));
        let estimates = |mean: &str| format!(r#"{{"mean":{{"point_estimate":{mean}}}}}"#);
        check(&[benchmark, sample, ("estimates.json", &estimates("6.0"))], Ok("group ns"));
        check(
            &[benchmark, sample, ("estimates.json", &estimates("6.1"))],
            Err("`estimates.json` belongs to another sample: the means differ"),
        );
        check(
            &[benchmark, ("sample.json", r#"{"iters":[1.0],"times":[0.0]}"#)],
            Err("observation 0 took 0 for 1 iterations"),
        );
        check(&[benchmark, ("sample.json", &" ".repeat(201))], Err("`sample.json` is longer than 200 bytes"));
        check(&[("benchmark.json", "{}"), sample], Err("`group_id` is missing"));
    }

    #[test]
    fn endless_folders_are_refused() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/b/c/d")).unwrap();
        let limits = Limits { folders: 3, ..Limits::default() };
        assert!(matches!(scan(root.path(), "new", &limits), Err(FilesError::TooMany { limit: 3, .. })));
    }
}
