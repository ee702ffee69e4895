//! Criterion's socket protocol as bytes: greetings and CBOR messages.
//!
//! Decoding is lenient on purpose. Criterion calls the protocol private and extends it: a message or field that this
//! version does not know is reported, never an error. No sockets here.
//!
//! Reference: `src/connection.rs` of Criterion 0.5.1 to 0.8.2.

use ciborium::Value;

use crate::model::measurement::{HarnessSettings, SamplingMode};
use crate::model::units::Throughput;

/// What the runner says first: a fixed text and the version of the tool that defined the protocol.
pub const RUNNER_HELLO: &[u8; 18] = b"cargo-criterion\x01\x01\x00";
/// Length of the greeting of a bench: `Criterion`, three version bytes, protocol and format as big-endian `u16`.
pub const BENCH_HELLO_SIZE: usize = 16;
/// Longest frame accepted, in bytes; 100 000 observations take 2 MB.
pub const FRAME_LIMIT: u32 = 64 << 20;

/// Greeting of a bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello {
    /// Criterion's version.
    pub version: [u8; 3],
    /// Protocol number, 1 so far.
    pub protocol: u16,
    /// Format number, 1 for CBOR.
    pub format: u16,
}

impl Hello {
    /// Reads the greeting, or returns `None` when it is not Criterion's.
    #[must_use]
    pub fn parse(bytes: &[u8; BENCH_HELLO_SIZE]) -> Option<Self> {
        let rest = bytes.strip_prefix(b"Criterion")?;
        let version = [rest[0], rest[1], rest[2]];
        let number = |at: usize| u16::from_be_bytes([rest[at], rest[at + 1]]);
        Some(Self { version, protocol: number(3), format: number(5) })
    }

    /// Whether this version of bench-runner can talk to it.
    #[must_use]
    pub fn is_supported(self) -> bool {
        self.protocol == 1 && self.format == 1
    }

    /// Criterion's version as text, for example `0.8.2`.
    #[must_use]
    pub fn version_text(self) -> String {
        self.version.map(|number| number.to_string()).join(".")
    }
}

/// Structured id of a benchmark as the bench sends it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawId {
    /// Criterion's group.
    pub group: String,
    /// Function id, if any.
    pub function: Option<String>,
    /// Parameter text, if any.
    pub value: Option<String>,
    /// Declared work per iteration.
    pub throughput: Vec<Throughput>,
}

/// What a bench says.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// A group begins.
    GroupBegun {
        /// Its name.
        group: String,
    },
    /// A group ends; the bench waits for permission to go on.
    GroupFinished {
        /// Its name.
        group: String,
    },
    /// A benchmark begins.
    Begun(RawId),
    /// A benchmark exists but is filtered out.
    Skipped(RawId),
    /// Warm-up starts.
    Warmup {
        /// Which benchmark.
        id: RawId,
        /// Its planned length in nanoseconds.
        nanoseconds: f64,
    },
    /// Measuring starts.
    Started {
        /// Which benchmark.
        id: RawId,
        /// Observations to come.
        sample_count: u64,
        /// Expected length in nanoseconds.
        estimate_ns: f64,
        /// Iterations of all observations; saturates at the largest `u64`.
        iter_count: u64,
    },
    /// Measuring is done; the bench serves questions about units and waits for permission to go on.
    Completed {
        /// Which benchmark.
        id: RawId,
        /// Iterations per observation.
        iters: Vec<f64>,
        /// Totals per observation in the unit of the measurement.
        times: Vec<f64>,
        /// How the counts were chosen.
        sampling: SamplingMode,
        /// Effective settings.
        settings: Option<HarnessSettings>,
    },
    /// Answer to [`scale_request`].
    Scaled {
        /// The scaled values.
        values: Vec<f64>,
        /// The unit of the scaled values.
        unit: String,
    },
    /// A known kind whose content cannot be used.
    Malformed {
        /// The kind.
        kind: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A kind that this version does not know.
    Unknown {
        /// The kind.
        kind: String,
    },
}

impl Message {
    /// Whether the bench blocks until it gets permission to go on.
    #[must_use]
    pub fn awaits_permission(&self) -> bool {
        match self {
            Self::GroupFinished { .. } | Self::Completed { .. } => true,
            Self::Malformed { kind, .. } => kind == "FinishedBenchmarkGroup" || kind == "MeasurementComplete",
            _ => false,
        }
    }
}

/// The frame that lets a waiting bench go on.
#[must_use]
pub fn continue_request() -> Vec<u8> {
    frame(&Value::Text("Continue".to_owned()))
}

/// The frame that asks for the unit of the measurement: what one raw unit is called and how it scales.
#[must_use]
pub fn scale_request() -> Vec<u8> {
    let values = Value::Array(vec![Value::Float(1.0)]);
    let fields = Value::Map(vec![(Value::Text("values".to_owned()), values)]);
    frame(&Value::Map(vec![(Value::Text("ScaleForMachines".to_owned()), fields)]))
}

/// Length and content of one message.
fn frame(value: &Value) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    // Writing into memory cannot fail; a frame without content would be refused by the bench.
    ciborium::into_writer(value, &mut bytes).ok();
    let length = u32::try_from(bytes.len() - 4).unwrap_or(u32::MAX);
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    bytes
}

/// Decodes the content of one frame.
///
/// # Errors
/// When the bytes are not one CBOR value; everything else is a message of some kind.
pub fn decode(bytes: &[u8]) -> Result<Message, String> {
    let value: Value = ciborium::from_reader(bytes).map_err(|error| format!("not CBOR: {error}"))?;
    let (kind, fields) = match value {
        Value::Text(kind) => (kind, Value::Null),
        Value::Map(entries) if entries.len() == 1 => match entries.into_iter().next() {
            Some((Value::Text(kind), fields)) => (kind, fields),
            _ => (String::new(), Value::Null),
        },
        _ => (String::new(), Value::Null),
    };
    let fields = Fields(&fields);
    let message = match kind.as_str() {
        "BeginningBenchmarkGroup" => fields.text("group").map(|group| Message::GroupBegun { group }),
        "FinishedBenchmarkGroup" => fields.text("group").map(|group| Message::GroupFinished { group }),
        "BeginningBenchmark" => fields.id().map(Message::Begun),
        "SkippingBenchmark" => fields.id().map(Message::Skipped),
        "Warmup" => fields.warmup(),
        "MeasurementStart" => fields.started(),
        "MeasurementComplete" => fields.completed(),
        "ScaledValues" => fields.scaled(),
        _ => return Ok(Message::Unknown { kind: readable(&kind) }),
    };
    Ok(message.unwrap_or_else(|problem| Message::Malformed { kind, problem }))
}

/// A kind as it may be shown: foreign text is cut.
fn readable(kind: &str) -> String {
    let kind: String = kind.chars().filter(|c| !c.is_control()).take(80).collect();
    if kind.is_empty() { "(unnamed)".to_owned() } else { kind }
}

/// The fields of a message.
struct Fields<'a>(&'a Value);

impl<'a> Fields<'a> {
    fn find(&self, name: &str) -> Option<&'a Value> {
        let Value::Map(entries) = self.0 else { return None };
        let (_, value) = entries.iter().find(|(key, _)| key.as_text() == Some(name))?;
        Some(value)
    }

    fn get(&self, name: &str) -> Result<&'a Value, String> {
        self.find(name).ok_or_else(|| format!("the field `{name}` is missing"))
    }

    fn text(&self, name: &str) -> Result<String, String> {
        let text = self.get(name)?.as_text();
        text.map(str::to_owned).ok_or_else(|| format!("the field `{name}` is not a text"))
    }

    fn optional_text(&self, name: &str) -> Option<String> {
        self.find(name)?.as_text().map(str::to_owned)
    }

    fn number(&self, name: &str) -> Result<f64, String> {
        number(self.get(name)?).ok_or_else(|| format!("the field `{name}` is not a number"))
    }

    fn count(&self, name: &str) -> Result<u64, String> {
        count(self.get(name)?).ok_or_else(|| format!("the field `{name}` is not a count"))
    }

    fn numbers(&self, name: &str) -> Result<Vec<f64>, String> {
        let Value::Array(items) = self.get(name)? else {
            return Err(format!("the field `{name}` is not a list"));
        };
        let numbers: Option<Vec<f64>> = items.iter().map(number).collect();
        numbers.ok_or_else(|| format!("the field `{name}` holds something that is not a number"))
    }

    fn id(&self) -> Result<RawId, String> {
        let fields = Fields(self.get("id")?);
        let group = fields.text("group_id")?;
        let throughput = match fields.find("throughput") {
            Some(Value::Array(items)) => items.iter().filter_map(throughput).collect(),
            Some(single) => throughput(single).into_iter().collect(),
            None => Vec::new(),
        };
        let (function, value) = (fields.optional_text("function_id"), fields.optional_text("value_str"));
        Ok(RawId { group, function, value, throughput })
    }

    fn warmup(&self) -> Result<Message, String> {
        Ok(Message::Warmup { id: self.id()?, nanoseconds: self.number("nanos")? })
    }

    fn started(&self) -> Result<Message, String> {
        let (sample_count, iter_count) = (self.count("sample_count")?, self.count("iter_count")?);
        let estimate_ns = self.number("estimate_ns")?;
        Ok(Message::Started { id: self.id()?, sample_count, estimate_ns, iter_count })
    }

    fn completed(&self) -> Result<Message, String> {
        let sampling = match self.optional_text("sampling_method").as_deref() {
            Some("Linear") => SamplingMode::Linear,
            Some("Flat") => SamplingMode::Flat,
            _ => SamplingMode::Other,
        };
        let settings = self.find("benchmark_config").and_then(|value| Fields(value).settings());
        let (iters, times) = (self.numbers("iters")?, self.numbers("times")?);
        Ok(Message::Completed { id: self.id()?, iters, times, sampling, settings })
    }

    fn scaled(&self) -> Result<Message, String> {
        Ok(Message::Scaled { values: self.numbers("scaled_values")?, unit: self.text("unit")? })
    }

    fn settings(&self) -> Option<HarnessSettings> {
        Some(HarnessSettings {
            warm_up_ns: Fields(self.find("warm_up_time")?).duration_ns()?,
            measurement_ns: Fields(self.find("measurement_time")?).duration_ns()?,
            sample_size: count(self.find("sample_size")?)?,
        })
    }

    fn duration_ns(&self) -> Option<f64> {
        Some(number(self.find("secs")?)? * 1e9 + number(self.find("nanos")?)?)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 are compared with a tolerance later")]
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Float(number) => Some(*number),
        Value::Integer(number) => Some(i128::from(*number) as f64),
        _ => None,
    }
}

fn count(value: &Value) -> Option<u64> {
    u64::try_from(i128::from(value.as_integer()?)).ok()
}

/// One declared throughput; a kind that this version does not know is left out.
fn throughput(value: &Value) -> Option<Throughput> {
    let Value::Map(entries) = value else { return None };
    let [(Value::Text(kind), content)] = entries.as_slice() else { return None };
    match kind.as_str() {
        "Bits" => count(content).map(Throughput::Bits),
        "Bytes" => count(content).map(Throughput::Bytes),
        "BytesDecimal" => count(content).map(Throughput::BytesDecimal),
        "Elements" => count(content).map(Throughput::Elements),
        "ElementsAndBytes" => {
            let fields = Fields(content);
            let (elements, bytes) = (fields.count("elements").ok()?, fields.count("bytes").ok()?);
            Some(Throughput::ElementsAndBytes { elements, bytes })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, Value)]) -> Value {
        Value::Map(entries.iter().map(|(key, value)| (Value::from(*key), value.clone())).collect())
    }

    fn id(group: &str) -> Value {
        map(&[
            ("group_id", group.into()),
            ("function_id", Value::Null),
            ("value_str", "64".into()),
            (
                "throughput",
                Value::Array(vec![map(&[("Elements", 64.into())]), map(&[("Furlongs", 1.into())])]),
            ),
        ])
    }

    fn raw(group: &str) -> RawId {
        let throughput = vec![Throughput::Elements(64)];
        RawId { group: group.to_owned(), function: None, value: Some("64".to_owned()), throughput }
    }

    fn check(value: &Value, expected: &Message) {
        let framed = frame(value);
        assert_eq!(decode(&framed[4..]).unwrap(), *expected);
    }

    #[test]
    fn known_messages_are_decoded_and_extra_fields_ignored() {
        check(
            &map(&[("BeginningBenchmarkGroup", map(&[("group", "g".into()), ("colour", 1.into())]))]),
            &Message::GroupBegun { group: "g".to_owned() },
        );
        check(
            &map(&[("BeginningBenchmark", map(&[("id", id("verify_batch"))]))]),
            &Message::Begun(raw("verify_batch")),
        );
        let (iters, times) = (vec![1.0.into(), 2.0.into()], vec![5.0.into(), 11.0.into()]);
        let duration = |secs: u64, nanos: u64| map(&[("secs", secs.into()), ("nanos", nanos.into())]);
        let settings = map(&[
            ("warm_up_time", duration(0, 500)),
            ("measurement_time", duration(2, 7)),
            ("sample_size", 2.into()),
        ]);
        let fields = [
            ("id", id("g")),
            ("iters", Value::Array(iters)),
            ("times", Value::Array(times)),
            ("sampling_method", "Linear".into()),
            ("benchmark_config", settings),
        ];
        let settings =
            Some(HarnessSettings { warm_up_ns: 500.0, measurement_ns: 2_000_000_007.0, sample_size: 2 });
        check(
            &map(&[("MeasurementComplete", map(&fields))]),
            &Message::Completed {
                id: raw("g"),
                iters: vec![1.0, 2.0],
                times: vec![5.0, 11.0],
                sampling: SamplingMode::Linear,
                settings,
            },
        );
    }

    #[test]
    fn saturated_counts_fit() {
        let fields = [
            ("id", id("g")),
            ("sample_count", 10.into()),
            ("estimate_ns", Value::Float(1e9)),
            ("iter_count", u64::MAX.into()),
        ];
        let expected =
            Message::Started { id: raw("g"), sample_count: 10, estimate_ns: 1e9, iter_count: u64::MAX };
        check(&map(&[("MeasurementStart", map(&fields))]), &expected);
    }

    #[test]
    fn strange_messages_are_reported_not_failed() {
        check(
            &map(&[("BenchmarkDreamt", Value::Null)]),
            &Message::Unknown { kind: "BenchmarkDreamt".to_owned() },
        );
        check(&Value::Text("Hello".to_owned()), &Message::Unknown { kind: "Hello".to_owned() });
        check(&Value::Array(vec![1.into()]), &Message::Unknown { kind: "(unnamed)".to_owned() });
        let malformed = Message::Malformed {
            kind: "MeasurementComplete".to_owned(),
            problem: "the field `iters` is missing".to_owned(),
        };
        assert!(malformed.awaits_permission());
        check(&map(&[("MeasurementComplete", map(&[("id", id("g"))]))]), &malformed);
        assert!(decode(&[0xff, 0x00]).unwrap_err().starts_with("not CBOR"));
        // A list that claims 2^60 items must not reserve memory for them.
        assert!(decode(&[0x9b, 0x10, 0, 0, 0, 0, 0, 0, 0]).is_err());
    }

    #[test]
    fn greeting_is_recognised() {
        let hello = Hello::parse(b"Criterion\x00\x08\x02\x00\x01\x00\x01").unwrap();
        assert_eq!((hello.version_text().as_str(), hello.is_supported()), ("0.8.2", true));
        assert!(!Hello::parse(b"Criterion\x01\x00\x00\x00\x02\x00\x01").unwrap().is_supported());
        assert_eq!(Hello::parse(b"GET / HTTP/1.1\r\n"), None);
    }

    #[test]
    fn requests_match_criterion() {
        assert_eq!(continue_request(), b"\x00\x00\x00\x09\x68Continue");
        let scale = scale_request();
        let value: Value = ciborium::from_reader(&scale[4..]).unwrap();
        assert_eq!(value, map(&[("ScaleForMachines", map(&[("values", Value::Array(vec![1.0.into()]))]))]));
    }
}
