//! A whole run as one value, for storing, exporting and comparing byte for byte, and the small records around runs.
//!
//! The digests made here are the identity of stored content: a store, a bundle and a signature state the same ones.
//! Nothing here knows how a store packs its rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::covariates::Covariates;
use super::estimate::Estimate;
use super::ids::{BenchmarkId, Digest, Identity, RunId};
use super::measurement::{HarnessSettings, Measurement, Observation, SamplingMode};
use super::run::{Launch, Run, RunKind, RunStatus};
use super::units::{Metric, Throughput, Timestamp};

/// One measurement and the launch that made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LaunchMeasurement {
    /// Ordinal of the launch in the run.
    pub launch: u32,
    /// What it recorded.
    pub measurement: Measurement,
}

/// A number that a record states without raw samples behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatedEstimate {
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// What is counted.
    pub metric: Metric,
    /// Work per iteration, as stated.
    pub throughput: Vec<Throughput>,
    /// The number, with `launches` and `observations` 0.
    pub estimate: Estimate,
}

/// Everything that is stored about one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The run.
    pub run: Run,
    /// Its measurements by launch, and within a launch in the order in which they were taken.
    pub measurements: Vec<LaunchMeasurement>,
    /// Its stated estimates; empty unless the run is a summary.
    pub stated: Vec<StatedEstimate>,
}

impl RunRecord {
    /// Returns the SHA-256 of each part of the record under the part's name.
    ///
    /// The parts of a run are `run`, `plan`, `inventory`, `facts`, `executables`, `launches`, `findings`, `stated`, one
    /// `measurement/LLLL/NNNN` per measurement (launch and position, four digits), and `measurements`, which covers the
    /// list of those. A run whose launches have covariates has the part `covariates` too; older runs have none, and their
    /// digests are what they were. Equal digests of all parts mean equal records.
    ///
    /// # Errors
    ///
    /// Fails only if a part cannot be written as JSON.
    pub fn digests(&self) -> Result<BTreeMap<String, Digest>, serde_json::Error> {
        let mut digests = run_digests(&self.run)?;
        digests.insert("stated".to_owned(), stated_digest(&self.stated)?);
        let mut positions: BTreeMap<u32, u32> = BTreeMap::new();
        let mut measured = BTreeMap::new();
        for LaunchMeasurement { launch, measurement } in &self.measurements {
            let position = positions.entry(*launch).or_insert(0);
            measured.insert(measurement_part(*launch, *position), measurement_digest(*launch, measurement)?);
            *position += 1;
        }
        digests.insert("measurements".to_owned(), list_digest(&measured));
        digests.extend(measured);
        Ok(digests)
    }
}

/// Returns the name of the part that holds the measurement at `position` of `launch`.
#[must_use]
pub fn measurement_part(launch: u32, position: u32) -> String {
    format!("measurement/{launch:04}/{position:04}")
}

/// Returns the digests of the parts of `run` that are not measurements or stated estimates.
///
/// # Errors
///
/// Fails only if a part cannot be written as JSON.
pub fn run_digests(run: &Run) -> Result<BTreeMap<String, Digest>, serde_json::Error> {
    /// The run without its lists: they are parts of their own.
    #[derive(Serialize)]
    struct Header<'a> {
        id: &'a RunId,
        kind: RunKind,
        status: RunStatus,
        started: Timestamp,
        finished: Option<Timestamp>,
        suite: &'a str,
        title: Option<&'a str>,
        identity: &'a Identity,
    }
    let header = Header {
        id: &run.id,
        kind: run.kind,
        status: run.status,
        started: run.started,
        finished: run.finished,
        suite: &run.suite,
        title: run.title.as_deref(),
        identity: &run.identity,
    };
    let (launches, covariates) = without_covariates(&run.launches);
    let mut digests = BTreeMap::from([
        ("run".to_owned(), part_digest(&header)?),
        ("plan".to_owned(), part_digest(&run.plan)?),
        ("inventory".to_owned(), part_digest(&run.inventory)?),
        ("facts".to_owned(), part_digest(&run.facts)?),
        ("executables".to_owned(), part_digest(&run.executables)?),
        ("launches".to_owned(), part_digest(&launches)?),
        ("findings".to_owned(), part_digest(&run.findings)?),
    ]);
    if !covariates.is_empty() {
        digests.insert("covariates".to_owned(), part_digest(&covariates)?);
    }
    Ok(digests)
}

/// The launches as they were before there were covariates, and the covariates with the ordinals of their launches.
fn without_covariates(launches: &[Launch]) -> (Vec<Launch>, Vec<(u32, &Covariates)>) {
    let covariates = launches.iter().filter_map(|launch| Some((launch.ordinal, launch.covariates.as_ref()?)));
    let bare = launches.iter().map(|launch| Launch { covariates: None, ..launch.clone() });
    (bare.collect(), covariates.collect())
}

/// Returns the digest of the stated estimates of a run.
///
/// # Errors
///
/// Fails only if an estimate cannot be written as JSON.
pub fn stated_digest(stated: &[StatedEstimate]) -> Result<Digest, serde_json::Error> {
    part_digest(stated)
}

/// Returns the digest of one measurement of `launch`.
///
/// The observations enter through their own digest, so that this one can still be checked against a chain after old
/// samples were pruned.
///
/// # Errors
///
/// Fails only if the measurement cannot be written as JSON.
pub fn measurement_digest(launch: u32, measurement: &Measurement) -> Result<Digest, serde_json::Error> {
    measurement_digest_of(launch, measurement, measurement.sample.len(), sample_digest(&measurement.sample))
}

/// Returns the digest of one measurement whose sample is known only by its length and digest.
///
/// # Errors
///
/// Fails only if the measurement cannot be written as JSON.
pub fn measurement_digest_of(
    launch: u32,
    measurement: &Measurement,
    observations: usize,
    sample: Digest,
) -> Result<Digest, serde_json::Error> {
    /// The measurement with its sample replaced by count and digest.
    #[derive(Serialize)]
    struct Header<'a> {
        launch: u32,
        benchmark: &'a BenchmarkId,
        metric: &'a Metric,
        throughput: &'a [Throughput],
        sampling: SamplingMode,
        settings: Option<&'a HarnessSettings>,
        observations: usize,
        sample_sha256: Digest,
    }
    part_digest(&Header {
        launch,
        benchmark: &measurement.benchmark,
        metric: &measurement.metric,
        throughput: &measurement.throughput,
        sampling: measurement.sampling,
        settings: measurement.settings.as_ref(),
        observations,
        sample_sha256: sample,
    })
}

/// Returns the SHA-256 of a sample: per observation the iterations as 8 bytes and the bits of the total as 8 bytes, both
/// little-endian. It does not depend on how a store packs them.
#[must_use]
pub fn sample_digest(sample: &[Observation]) -> Digest {
    let mut bytes = Vec::with_capacity(16 * sample.len());
    for observation in sample {
        bytes.extend_from_slice(&observation.iterations.to_le_bytes());
        bytes.extend_from_slice(&observation.total.to_bits().to_le_bytes());
    }
    Digest(Sha256::digest(&bytes).into())
}

/// Returns the digest over a list of named digests: each name, a zero byte, and the 32 bytes, in the order of the names.
#[must_use]
pub fn list_digest(list: &BTreeMap<String, Digest>) -> Digest {
    let mut hasher = Sha256::new();
    for (name, digest) in list {
        hasher.update(name.as_bytes());
        hasher.update([0]);
        hasher.update(digest.0);
    }
    Digest(hasher.finalize().into())
}

/// Hashes the JSON of `part`: UTF-8, no white space, keys in the order of the type's fields.
fn part_digest<T: Serialize + ?Sized>(part: &T) -> Result<Digest, serde_json::Error> {
    Ok(Digest(Sha256::digest(serde_json::to_vec(part)?).into()))
}

/// One line of a list of runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunListing {
    /// Its name.
    pub id: RunId,
    /// Measured, imported, summary.
    pub kind: RunKind,
    /// How far it got.
    pub status: RunStatus,
    /// First moment.
    pub started: Timestamp,
    /// Last moment.
    pub finished: Option<Timestamp>,
    /// Name of the suite.
    pub suite: String,
    /// Title or origin of an imported record.
    pub title: Option<String>,
    /// Who measured.
    pub identity: Identity,
    /// Profile of the plan, if there was a plan.
    pub profile: Option<String>,
    /// Set of the plan, if there was a plan.
    pub set: Option<String>,
    /// Commit that was measured, if it is known.
    pub commit: Option<String>,
    /// Benchmarks with at least one measurement or stated estimate.
    pub benchmarks: u32,
    /// Launches, whatever became of them.
    pub launches: u32,
    /// Findings about the run as a whole.
    pub findings: u32,
}

/// One machine that has runs in a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineListing {
    /// Version of the recipe that made the keys.
    pub recipe: u32,
    /// Key of the machine.
    pub machine: String,
    /// Kind of hardware.
    pub hw_class: String,
    /// Owner's label.
    pub label: Option<String>,
    /// Coarse configurations it was measured in, sorted.
    pub configs: Vec<String>,
    /// Runs.
    pub runs: u32,
    /// Start of the first run.
    pub first: Timestamp,
    /// Start of the newest run.
    pub latest: Timestamp,
    /// The newest run.
    pub latest_run: RunId,
}

/// One comparable line of history: the same benchmark on the same machine in the same configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SeriesKey {
    /// Which benchmark.
    pub benchmark: BenchmarkId,
    /// What is counted.
    pub metric: Metric,
    /// Version of the recipe that made machine and configuration.
    pub recipe: u32,
    /// Key of the machine.
    pub machine: String,
    /// Coarse configuration.
    pub config: String,
}

/// What one launch contributes to a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesPoint {
    /// The run.
    pub run: RunId,
    /// Where its numbers come from.
    pub kind: RunKind,
    /// How far the run got.
    pub status: RunStatus,
    /// Start of the run.
    pub started: Timestamp,
    /// Ordinal of the launch in the run.
    pub launch: u32,
    /// Median per iteration in the unit of the metric.
    pub median: f64,
    /// Smallest value per iteration.
    pub minimum: f64,
    /// Number of observations.
    pub observations: u32,
}

/// What a note is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteTarget {
    /// The store as a whole.
    Store,
    /// A run; the id is the run id.
    Run,
    /// A benchmark; the id is `package/target/full_id`.
    Benchmark,
    /// A finding; the id is `run id/code/subject`.
    Finding,
    /// A machine; the id is its key.
    Machine,
}

/// Words added to something already stored. Notes are only ever added.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Annotation {
    /// Kind of thing it is about.
    pub target: NoteTarget,
    /// Which one.
    pub id: String,
    /// What sort of statement, in kebab case, for example `remark`, `accepted`, `quarantine`, `historic`.
    pub kind: String,
    /// The statement.
    pub text: String,
    /// When it was made.
    pub at: Timestamp,
}

/// Another name under which a benchmark is or was known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Alias {
    /// Who uses that name, for example `ron-kms`.
    pub origin: String,
    /// The name there.
    pub name: String,
    /// The benchmark here.
    pub benchmark: BenchmarkId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sample_digest_covers_every_bit_and_the_order() {
        let one = Observation { iterations: 3, total: 30.0 };
        let two = Observation { iterations: 6, total: 61.0 };
        let base = sample_digest(&[one, two]);
        assert_ne!(base, sample_digest(&[two, one]));
        assert_ne!(base, sample_digest(&[one]));
        assert_ne!(
            base,
            sample_digest(&[one, Observation { total: f64::from_bits(61.0_f64.to_bits() + 1), ..two }])
        );
        // Known answer: `python3 -c "import hashlib,struct;print(hashlib.sha256(struct.pack('<QdQd',3,30.0,6,61.0)).hexdigest())"`.
        assert_eq!(base.to_string(), "c4194df7ec8835d1ee79b5f60af97e73cda72bc3b9a9baefee7dcdcfbf5f45e2");
        assert_eq!(
            sample_digest(&[]).to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn list_digest_depends_on_names() {
        let digest = sample_digest(&[]);
        let list = |name: &str| list_digest(&BTreeMap::from([(name.to_owned(), digest)]));
        assert_ne!(list("a"), list("b"));
        assert_ne!(list("a"), list_digest(&BTreeMap::new()));
    }
}
