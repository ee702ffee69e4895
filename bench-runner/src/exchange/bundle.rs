//! One run as one file: canonical JSON with the digest of each part, to carry a run from one store to another.
//!
//! The same run and statements always give the same bytes. Digests show damage; the DSSE envelopes, if there are any, show who
//! made it. Whether their keys are trusted is decided by the reader.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::files::{self, Access, FilesError};
use crate::model::ids::{Digest, RunId};
use crate::model::record::{LaunchMeasurement, RunRecord, StatedEstimate};
use crate::model::run::{Run, RunStatus};
use crate::model::seal::{PAYLOAD_TYPE, Signed};

/// Name of the format.
pub const SCHEMA: &str = "bench-runner/bundle";
/// Version of the format that is written, and the only one that is read.
pub const VERSION: u32 = 1;
/// Largest file that is read, in bytes.
pub const MAX_BYTES: u64 = 256 << 20;

/// Why a bundle cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The file could not be read or written.
    #[error(transparent)]
    File(#[from] FilesError),
    /// The content is larger than a bundle may be.
    #[error("the bundle has {bytes} bytes, more than the limit of {MAX_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// The content is not JSON of the right shape.
    #[error("the bundle is malformed at line {}, column {}", source.line(), source.column())]
    Malformed {
        /// What the parser said.
        source: serde_json::Error,
    },
    /// The file is something else.
    #[error("this is not a bundle: its schema is `{found}`, expected `{SCHEMA}`")]
    NotABundle {
        /// What it says it is.
        found: String,
    },
    /// The file has another version.
    #[error("the bundle has version {found}, this program reads version {VERSION}")]
    Version {
        /// Version of the file.
        found: u64,
    },
    /// The content does not match its digests.
    #[error("the part `{part}` of the bundle does not match its SHA-256")]
    Digest {
        /// The first part that differs.
        part: String,
    },
    /// An envelope that is none.
    #[error("an envelope of the bundle is malformed: {reason}")]
    Envelope {
        /// What is wrong.
        reason: String,
    },
    /// A run that is still being measured.
    #[error("run {id} is still running")]
    Running {
        /// The run.
        id: RunId,
    },
    /// A number that JSON cannot carry.
    #[error("the run cannot be written as JSON without loss")]
    Unwritable {
        /// What the writer said, if it said anything.
        source: Option<serde_json::Error>,
    },
}

impl BundleError {
    /// Returns what to do about it, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::File(error) => return error.hint(),
            Self::TooLarge { .. } | Self::NotABundle { .. } => {
                "check that this is a file made by `bench-runner bundle export`"
            }
            Self::Malformed { .. } | Self::Digest { .. } | Self::Envelope { .. } => {
                "the file was changed or cut off; copy or export it again. Nothing was imported"
            }
            Self::Version { found } if *found > u64::from(VERSION) => "update bench-runner and import again",
            Self::Version { .. } => "export the run again with a current version",
            Self::Running { .. } => "wait until the run has ended",
            Self::Unwritable { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

/// The file as it is written.
#[derive(Serialize)]
struct Written<'a> {
    schema: &'static str,
    version: u32,
    digests: BTreeMap<String, Digest>,
    run: &'a Run,
    measurements: &'a [LaunchMeasurement],
    stated: &'a [StatedEstimate],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    envelopes: Vec<Envelope>,
}

/// A DSSE envelope.
///
/// # Reference
///
/// <https://github.com/secure-systems-lab/dsse/blob/master/envelope.md>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct EnvelopeSignature {
    #[serde(default)]
    keyid: String,
    sig: String,
}

impl Envelope {
    /// Wraps a signed statement.
    #[must_use]
    pub fn new(signed: &Signed) -> Self {
        let signature =
            EnvelopeSignature { keyid: signed.key_id.clone(), sig: STANDARD.encode(signed.signature) };
        Self {
            payload: STANDARD.encode(&signed.payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: vec![signature],
        }
    }

    /// Takes the statement out, once for each signature; nothing is verified.
    ///
    /// # Errors
    ///
    /// [`BundleError::Envelope`] for another type of payload or malformed base 64.
    pub fn open(&self) -> Result<Vec<Signed>, BundleError> {
        let wrong = |reason: &str| BundleError::Envelope { reason: reason.to_owned() };
        if self.payload_type != PAYLOAD_TYPE {
            return Err(wrong("its payload has another type"));
        }
        let payload = STANDARD.decode(&self.payload).map_err(|_| wrong("its payload is not base 64"))?;
        let open = |signature: &EnvelopeSignature| {
            let bytes = STANDARD.decode(&signature.sig).map_err(|_| wrong("a signature is not base 64"))?;
            let signature_bytes =
                bytes.try_into().map_err(|_| wrong("a signature does not have 64 bytes"))?;
            Ok(Signed {
                payload: payload.clone(),
                key_id: signature.keyid.clone(),
                signature: signature_bytes,
            })
        };
        self.signatures.iter().take(MAX_SIGNATURES).map(open).collect()
    }
}

/// Most envelopes of a bundle, and most signatures of an envelope, that are read.
const MAX_SIGNATURES: usize = 64;

/// A run and what was signed about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    /// The run.
    pub record: RunRecord,
    /// Statements about it, none of them verified.
    pub statements: Vec<Signed>,
}

/// The file as it is read.
#[derive(Deserialize)]
struct Parsed {
    digests: BTreeMap<String, Digest>,
    run: Run,
    measurements: Vec<LaunchMeasurement>,
    stated: Vec<StatedEstimate>,
    #[serde(default)]
    envelopes: Vec<Envelope>,
}

/// What any file of ours begins with.
#[derive(Deserialize)]
struct Header {
    schema: String,
    version: u64,
}

/// Writes a run as the bytes of a bundle without envelopes.
///
/// # Errors
///
/// As [`to_signed_bytes`].
pub fn to_bytes(record: &RunRecord) -> Result<Vec<u8>, BundleError> {
    to_signed_bytes(record, &[])
}

/// Writes a run and what was signed about it as the bytes of a bundle.
///
/// # Errors
///
/// [`BundleError::Running`], [`BundleError::TooLarge`], [`BundleError::Unwritable`].
pub fn to_signed_bytes(record: &RunRecord, statements: &[Signed]) -> Result<Vec<u8>, BundleError> {
    if record.run.status == RunStatus::Running {
        return Err(BundleError::Running { id: record.run.id.clone() });
    }
    // JSON has no word for these, and the writer would put `null` without saying so.
    let mut totals = record.measurements.iter().flat_map(|entry| &entry.measurement.sample);
    if totals.any(|observation| !observation.total.is_finite()) {
        return Err(BundleError::Unwritable { source: None });
    }
    let unwritable = |source| BundleError::Unwritable { source: Some(source) };
    let file = Written {
        schema: SCHEMA,
        version: VERSION,
        digests: record.digests().map_err(unwritable)?,
        run: &record.run,
        measurements: &record.measurements,
        stated: &record.stated,
        envelopes: statements.iter().map(Envelope::new).collect(),
    };
    let mut bytes = serde_json::to_vec(&file).map_err(unwritable)?;
    bytes.push(b'\n');
    let length = bytes.len() as u64;
    if length > MAX_BYTES { Err(BundleError::TooLarge { bytes: length }) } else { Ok(bytes) }
}

/// Reads a run from the bytes of a bundle and checks every digest.
///
/// # Errors
///
/// [`BundleError`]; nothing of a bundle that differs from its digests is returned. Fields that this version does not know
/// are ignored, nesting deeper than 128 is refused.
pub fn from_bytes(bytes: &[u8]) -> Result<RunRecord, BundleError> {
    Ok(parse(bytes)?.record)
}

/// Reads a run and its envelopes from the bytes of a bundle and checks every digest, and no signature.
///
/// # Errors
///
/// As [`from_bytes`].
pub fn parse(bytes: &[u8]) -> Result<Bundle, BundleError> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(BundleError::TooLarge { bytes: bytes.len() as u64 });
    }
    let malformed = |source| BundleError::Malformed { source };
    let header: Header = serde_json::from_slice(bytes).map_err(malformed)?;
    if header.schema != SCHEMA {
        return Err(BundleError::NotABundle { found: header.schema.chars().take(80).collect() });
    }
    if header.version != u64::from(VERSION) {
        return Err(BundleError::Version { found: header.version });
    }
    let Parsed { digests: stated_digests, run, measurements, stated, envelopes } =
        serde_json::from_slice(bytes).map_err(malformed)?;
    if run.status == RunStatus::Running {
        return Err(BundleError::Running { id: run.id });
    }
    let record = RunRecord { run, measurements, stated };
    let digests = record.digests().map_err(|source| BundleError::Unwritable { source: Some(source) })?;
    let differs = |part: &&String| stated_digests.get(*part) != digests.get(*part);
    match digests.keys().chain(stated_digests.keys()).find(differs) {
        Some(part) => Err(BundleError::Digest { part: part.clone() }),
        None => {
            let opened = envelopes.iter().take(MAX_SIGNATURES).map(Envelope::open);
            let statements = opened.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
            Ok(Bundle { record, statements })
        }
    }
}

/// Writes a run to `path` as a bundle, whole or not at all.
///
/// # Errors
///
/// [`BundleError`].
pub fn write(path: &Path, record: &RunRecord) -> Result<(), BundleError> {
    Ok(files::write(path, &to_bytes(record)?, Access::Default)?)
}

/// Reads a bundle from `path` and checks every digest.
///
/// # Errors
///
/// [`BundleError`].
pub fn read(path: &Path) -> Result<RunRecord, BundleError> {
    from_bytes(&files::read(path, MAX_BYTES)?)
}

/// Returns the usual file name of a run's bundle.
#[must_use]
pub fn file_name(run: &RunId) -> PathBuf {
    PathBuf::from(format!("{run}.bundle.json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fact::{Fact, FactStatus, FactValue, Phase};
    use crate::model::ids::{BenchmarkId, Identity};
    use crate::model::measurement::{Measurement, Observation, SamplingMode};
    use crate::model::run::RunKind;
    use crate::model::units::{Metric, Timestamp};

    fn record() -> RunRecord {
        let benchmark = BenchmarkId {
            package: "kms".to_owned(),
            target: "sign_bench".to_owned(),
            group: "a \"quoted\" name/ü".to_owned(),
            function: None,
            value: Some(String::new()),
            occurrence: 1,
        };
        let fact = |value| Fact {
            key: "cpu.frequency".to_owned(),
            value: Some(value),
            unit: "Hz".to_owned(),
            status: FactStatus::Ok,
            source: "read".to_owned(),
            phase: Phase::Start,
        };
        let sample = [17_309.0, 0.1, 1e300, 9_007_199_254_740_993.0]
            .map(|total| Observation { iterations: u64::MAX, total })
            .to_vec();
        RunRecord {
            run: Run {
                id: "01K9BWV7G00000000000000001".parse().unwrap(),
                kind: RunKind::Measured,
                status: RunStatus::Partial,
                started: Timestamp(1_762_393_020_000_000),
                finished: None,
                suite: "kms".to_owned(),
                title: None,
                identity: Identity {
                    recipe: 1,
                    hw_class: "?".to_owned(),
                    machine: "m".to_owned(),
                    label: None,
                    config: "c".to_owned(),
                    build: "b".to_owned(),
                },
                plan: None,
                inventory: vec![benchmark.clone()],
                facts: vec![fact(FactValue::Number(2.0)), fact(FactValue::Integer(2))],
                executables: Vec::new(),
                launches: Vec::new(),
                findings: Vec::new(),
            },
            measurements: vec![LaunchMeasurement {
                launch: 0,
                measurement: Measurement {
                    benchmark,
                    metric: Metric::time(),
                    throughput: Vec::new(),
                    sampling: SamplingMode::Flat,
                    settings: None,
                    sample,
                },
            }],
            stated: Vec::new(),
        }
    }

    #[test]
    fn bundles_come_back_and_are_the_same_bytes() {
        let bytes = to_bytes(&record()).unwrap();
        let read = from_bytes(&bytes).unwrap();
        assert_eq!(read, record());
        assert_eq!(to_bytes(&read).unwrap(), bytes);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file_name(&read.run.id));
        write(&path, &read).unwrap();
        assert_eq!(self::read(&path).unwrap(), record());
    }

    /// Replaces `from` by `to` in a good bundle and returns the error.
    fn spoiled(from: &str, to: &str) -> BundleError {
        let text = String::from_utf8(to_bytes(&record()).unwrap()).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        from_bytes(text.replacen(from, to, 1).as_bytes()).unwrap_err()
    }

    #[test]
    fn every_change_is_found_and_named() {
        let check = |from: &str, to: &str, expected: &str| match spoiled(from, to) {
            BundleError::Digest { part } => assert_eq!(part, expected, "{from}"),
            other => panic!("{from}: {other}"),
        };
        check("17309.0", "17308.0", "measurement/0000/0000");
        check("\"suite\":\"kms\"", "\"suite\":\"kmt\"", "run");
        check("\"value\":2.0", "\"value\":2", "facts");
        check("\"occurrence\":1", "\"occurrence\":2", "inventory");
        check("\"stated\":\"", "\"stateb\":\"", "stated");
    }

    #[test]
    fn other_files_are_refused_by_what_they_are() {
        let malformed = |error| matches!(error, BundleError::Malformed { .. });
        assert!(malformed(from_bytes(b"").unwrap_err()));
        assert!(malformed(from_bytes(b"{\"schema\": 3}").unwrap_err()));
        assert!(malformed(spoiled("\"iterations\":18446744073709551615", "\"iterations\":-1")));
        assert!(malformed(from_bytes(&[b'['; 1_000_000]).unwrap_err()));
        let error = spoiled("bench-runner/bundle", "hyperfine");
        assert!(matches!(&error, BundleError::NotABundle { found } if found == "hyperfine"), "{error}");
        let newer = spoiled("\"version\":1", "\"version\":2");
        assert!(
            matches!(newer, BundleError::Version { found: 2 }) && newer.hint().unwrap().contains("update")
        );
        let running = spoiled("\"status\":\"partial\"", "\"status\":\"running\"");
        assert!(matches!(running, BundleError::Running { .. }), "{running}");
        let text = String::from_utf8(to_bytes(&record()).unwrap()).unwrap();
        for end in [1, 40, text.len() / 2, text.len() - 3] {
            let cut = text.as_bytes().get(..end).unwrap();
            assert!(malformed(from_bytes(cut).unwrap_err()), "cut at {end}");
        }
    }

    #[test]
    fn what_json_cannot_carry_is_not_written_in_silence() {
        let mut lossy = record();
        lossy.measurements[0].measurement.sample[0].total = f64::NAN;
        assert!(matches!(to_bytes(&lossy), Err(BundleError::Unwritable { .. })));
        let mut running = record();
        running.run.status = RunStatus::Running;
        assert!(matches!(to_bytes(&running), Err(BundleError::Running { .. })));
    }
}
