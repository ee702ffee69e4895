//! The text format of Go benchmarks (`benchfmt`), read, and written so that `benchstat` sees each launch as a replicate.
//!
//! The grammar is that of golang.org/x/perf/benchfmt: configuration lines, unit lines, results; anything else is skipped,
//! since it is made to stand in the output of tests.

use std::collections::BTreeMap;

use super::foreign::{
    ForeignError, ForeignRun, Gatherer, IMPORTED, MAX_NAME, MAX_POINTS, MAX_RUNS, check_amount, moment,
    named_with,
};
use super::{input, units};
use crate::model::fact::keys;
use crate::model::ids::BenchmarkId;
use crate::model::measurement::Observation;
use crate::model::units::Metric;

mod write;

pub use write::write;

/// Name of the format in messages.
const FORMAT: &str = "benchfmt";
/// Longest line, as for Go's own reader.
const MAX_LINE: usize = 64 * 1024;
/// Most bytes of configuration over all runs of a file.
const MAX_CONFIG: usize = 64 << 20;
/// Where we note the start of a run: other readers skip the line, so that it does not split their tables.
const STARTED: &str = "# started:";
/// What a line of results begins with.
const RESULT: &str = "Benchmark";

/// Configuration keys that are facts of ours.
const FACTS: [(&str, &str); 6] = [
    ("goos", keys::OS_NAME),
    ("goarch", keys::CPU_ARCH),
    ("cpu", keys::CPU_MODEL),
    ("commit", keys::SOURCE_COMMIT),
    ("branch", keys::SOURCE_BRANCH),
    ("toolchain", keys::TOOLCHAIN_RUSTC),
];

/// One line, as far as the format knows it.
#[derive(Debug, Clone, PartialEq)]
enum Line<'a> {
    /// `key: value`; an empty value takes the key back.
    Config(&'a str, &'a str),
    /// `Unit unit key=value`.
    Unit(&'a str, Vec<(&'a str, &'a str)>),
    /// `BenchmarkName iterations value unit …`, with the name after `Benchmark`.
    Result(&'a str, u64, Vec<(f64, &'a str)>),
    /// Anything else.
    Other,
}

/// What is read so far.
#[derive(Default)]
struct Reader<'a> {
    config: BTreeMap<&'a str, &'a str>,
    bigger: BTreeMap<&'a str, bool>,
    /// The samples of each configuration, in the order of appearance.
    runs: Vec<(Config<'a>, Samples)>,
    /// Where each configuration stands.
    places: BTreeMap<Config<'a>, usize>,
    /// Bytes of all configurations: each run repeats its own.
    config_bytes: usize,
    points: usize,
}

/// A configuration other than the package.
type Config<'a> = BTreeMap<&'a str, &'a str>;

/// The samples of a run by benchmark and metric, in the order of appearance.
#[derive(Default)]
struct Samples {
    order: Vec<(BenchmarkId, Metric)>,
    samples: BTreeMap<(BenchmarkId, Metric), Vec<Observation>>,
}

/// Reads results. Lines of one name are the observations of one benchmark; another configuration is another run.
///
/// # Errors
///
/// [`ForeignError`] with the line: a result without a count, a number or a unit, units whose direction is stated twice and
/// differently, too much of something, or no result.
pub fn parse(content: &[u8]) -> Result<Vec<ForeignRun>, ForeignError> {
    let text = input::text(content)?;
    let mut reader = Reader::default();
    for (index, line) in text.lines().enumerate() {
        let at =
            |reason: String| ForeignError::Value { place: format!("line {} of {FORMAT}", index + 1), reason };
        let limit =
            |what, limit| Err(ForeignError::Limit { place: format!("line {}", index + 1), what, limit });
        if line.len() > MAX_LINE {
            return limit("bytes", MAX_LINE);
        }
        reader.take(parse_line(line).map_err(|reason| at(reason.to_owned()))?).map_err(
            |error| match error {
                Fault::Text(reason) => at(reason),
                Fault::Foreign(error) => error,
            },
        )?;
        if reader.points > MAX_POINTS {
            return limit("observations so far", MAX_POINTS);
        }
        if reader.runs.len() > MAX_RUNS {
            return limit("configurations so far", MAX_RUNS);
        }
        if reader.config_bytes > MAX_CONFIG {
            return limit("bytes of configuration so far", MAX_CONFIG);
        }
    }
    reader.finish()
}

/// Why a line cannot be taken.
enum Fault {
    Text(String),
    Foreign(ForeignError),
}

impl<'a> Reader<'a> {
    fn take(&mut self, line: Line<'a>) -> Result<(), Fault> {
        match line {
            Line::Other => {}
            Line::Config(key, "") => _ = self.config.remove(key),
            Line::Config(key, value) => {
                if key.len() > MAX_NAME || value.len() > MAX_NAME || self.config.len() >= 100 {
                    return Err(Fault::Text(format!(
                        "configuration beyond the limits of 100 keys and {MAX_NAME} bytes"
                    )));
                }
                self.config.insert(key, value);
            }
            Line::Unit(unit, pairs) => {
                let better =
                    pairs.iter().find(|(key, _)| *key == "better").map(|(_, value)| *value == "higher");
                if let Some(bigger) = better
                    && self.bigger.insert(unit, bigger).is_some_and(|before| before != bigger)
                {
                    return Err(Fault::Text("the unit was said to be better the other way round".to_owned()));
                }
            }
            Line::Result(name, iterations, values) => {
                self.result(name, iterations, &values).map_err(Fault::Foreign)?;
            }
        }
        Ok(())
    }

    fn result(&mut self, name: &str, iterations: u64, values: &[(f64, &str)]) -> Result<(), ForeignError> {
        let (name, procs) = split_procs(name);
        let package = self.config.get("pkg").copied().unwrap_or(IMPORTED);
        let benchmark = named_with(package, FORMAT, name, procs)?;
        let others: Config<'a> =
            self.config.iter().filter(|(key, _)| **key != "pkg").map(|(key, value)| (*key, *value)).collect();
        let place = self.places.get(&others).copied().unwrap_or_else(|| {
            self.config_bytes += others.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
            self.places.insert(others.clone(), self.runs.len());
            self.runs.push((others, Samples::default()));
            self.runs.len() - 1
        });
        for (value, unit) in values {
            let bigger = self.bigger.get(unit).copied().unwrap_or_else(|| unit.ends_with("/s"));
            let (metric, factor) = units::metric_of(unit, bigger);
            self.points += 1;
            if let Some((_, samples)) = self.runs.get_mut(place) {
                let key = (benchmark.clone(), metric);
                let sample = samples.samples.entry(key.clone()).or_insert_with(|| {
                    samples.order.push(key);
                    Vec::new()
                });
                sample.push(Observation { iterations, total: total_of(value * factor, iterations) });
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<ForeignRun>, ForeignError> {
        let (mut runs, mut left_out) = (Vec::new(), 0);
        for (config, mut samples) in self.runs {
            let started = config.get("date").or_else(|| config.get("started")).copied().and_then(moment);
            let mut gatherer = Gatherer::new(config.get("suite").copied().unwrap_or(FORMAT), started);
            for (key, value) in &config {
                let ours = FACTS.iter().find(|(name, _)| name == key).map(|(_, ours)| (*ours).to_owned());
                gatherer.fact(&ours.unwrap_or_else(|| format!("import.{key}")), value, FORMAT);
            }
            for key in samples.order {
                let sample = samples.samples.remove(&key).unwrap_or_default();
                let (benchmark, metric) = key;
                gatherer.observe(benchmark, metric, sample);
            }
            match gatherer.finish() {
                Ok(run) => runs.push(run),
                Err(count) => left_out += count,
            }
        }
        check_amount(&runs, left_out)?;
        Ok(runs)
    }
}

/// The total of `iterations` whose quotient is `value`, to the last bit where a total with that quotient exists.
fn total_of(value: f64, iterations: u64) -> f64 {
    let product = {
        #[expect(clippy::cast_precision_loss, reason = "iteration counts stay far below 2^53")]
        let count = iterations as f64;
        value * count
    };
    let exact =
        |total: &f64| Observation { iterations, total: *total }.per_iteration().to_bits() == value.to_bits();
    [product, product.next_up(), product.next_down()].into_iter().find(exact).unwrap_or(product)
}

/// Splits the number of processors off a name: `Sort/n=8-4` ran on four.
fn split_procs(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once('-') {
        Some((before, procs)) if !procs.is_empty() && procs.bytes().all(|byte| byte.is_ascii_digit()) => {
            (before, Some(procs))
        }
        _ => (name, None),
    }
}

/// Reads one line.
fn parse_line(line: &str) -> Result<Line<'_>, &'static str> {
    if let Some(rest) = line.strip_prefix(RESULT) {
        return parse_result(rest);
    }
    if let Some(started) = line.strip_prefix(STARTED) {
        return Ok(Line::Config("started", started.trim()));
    }
    let mut fields = line.split_whitespace();
    if line.starts_with("Unit") && fields.next() == Some("Unit") {
        let unit = fields.next().ok_or("a unit line without a unit")?;
        let pair = |field: &'_ str| field.find('=').filter(|at| *at > 0);
        let pairs = fields
            .map(|field| {
                let at = pair(field).ok_or("a unit line with something other than key=value")?;
                Ok((&field[..at], &field[at + 1..]))
            })
            .collect::<Result<_, &'static str>>()?;
        return Ok(Line::Unit(unit, pairs));
    }
    Ok(parse_config(line).map_or(Line::Other, |(key, value)| Line::Config(key, value)))
}

/// Reads `name iterations value unit …`.
///
/// A line of a name alone is what `go test -v` prints before the result; Go's reader complains, we skip it.
fn parse_result(rest: &str) -> Result<Line<'_>, &'static str> {
    let (name, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let mut fields = rest.split_whitespace();
    let Some(count) = fields.next() else { return Ok(Line::Other) };
    let iterations: u64 = count.parse().map_err(|_| "the number of iterations is no whole number")?;
    let mut values = Vec::new();
    while let Some(value) = fields.next() {
        let value: f64 = value.parse().map_err(|_| "a value is no number")?;
        values.push((value, fields.next().ok_or("a value has no unit")?));
    }
    if values.is_empty() {
        Err("a result without a value")
    } else {
        Ok(Line::Result(name, iterations, values))
    }
}

/// Reads `key: value`: a key begins with a lower-case letter and has neither blanks nor capitals.
fn parse_config(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let legal = key.chars().next().is_some_and(char::is_lowercase)
        && !key.chars().any(|c| c.is_whitespace() || c.is_uppercase());
    // A value is set off by a blank; `http://` is no key.
    let set_off = value.is_empty() || value.starts_with([' ', '\t']);
    (legal && set_off).then(|| (key, value.trim()))
}

/// Whether a text has a result in it.
pub(super) fn looks_like(text: &str) -> bool {
    text.lines().take(100_000).any(|line| matches!(parse_line(line), Ok(Line::Result(..))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the documents of the format, with a failing test's chatter around it.
    const TEXT: &str = "=== RUN\ngoos: linux\ngoarch: amd64\npkg: sort\ncpu: Some CPU @ 2.00GHz\ncommit: abc\n\
        Unit frames better=higher\nBenchmarkSort/n=8-4\nBenchmarkSort/n=8-4  \t1000\t  125.5 ns/op\t 16 B/op\t2 allocs/op\n\
        BenchmarkSort/n=8-4   2000   126.0 ns/op   16 B/op   2 allocs/op\nPASS\nok  \tsort\t1.0s\n\
        http://example.org\ncommit: def\nBenchmarkDraw 10 60 frames 1.5 MB/s\n";

    #[test]
    fn lines_of_one_name_are_one_sample_and_configurations_are_runs() {
        let runs = parse(TEXT.as_bytes()).unwrap();
        assert_eq!(runs.len(), 2);
        let shown: Vec<String> = runs
            .iter()
            .flat_map(|run| &run.measurements)
            .map(|entry| {
                let values: Vec<f64> = entry.sample.iter().map(|sample| sample.per_iteration()).collect();
                format!(
                    "{}/{} {} {} {values:?}",
                    entry.benchmark.package, entry.benchmark, entry.metric.name, entry.metric.unit
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "sort/benchfmt/Sort/n=8/4 time ns [125.5, 126.0]",
                "sort/benchfmt/Sort/n=8/4 bytes B [16.0, 16.0]",
                "sort/benchfmt/Sort/n=8/4 allocations allocs [2.0, 2.0]",
                "sort/benchfmt/Draw score frames [60.0]",
                "sort/benchfmt/Draw rate MB/s [1.5]",
            ]
        );
        let commit = |run: &ForeignRun| crate::model::fact::known(&run.facts, keys::SOURCE_COMMIT);
        assert_eq!((commit(&runs[0]), commit(&runs[1])), (Some("abc".to_owned()), Some("def".to_owned())));
        assert_eq!(runs[0].measurements[0].sample[1].iterations, 2000);
    }

    #[track_caller]
    fn refused(line: &str, expected: &str) {
        let error = parse(format!("pkg: x\n{line}\n").as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(error.hint().is_some());
    }

    #[test]
    fn broken_lines_are_named() {
        refused("BenchmarkX x 1 ns/op", "line 2 of benchfmt: the number of iterations is no whole number");
        refused("BenchmarkX 1", "line 2 of benchfmt: a result without a value");
        refused("BenchmarkX 1 x ns/op", "line 2 of benchfmt: a value is no number");
        refused("BenchmarkX 1 1", "line 2 of benchfmt: a value has no unit");
        refused("Unit", "line 2 of benchfmt: a unit line without a unit");
        refused("Unit ns/op better", "line 2 of benchfmt: a unit line with something other than key=value");
        refused(
            "Unit x better=higher\nUnit x better=lower",
            "line 3 of benchfmt: the unit was said to be better the other way round",
        );
        refused(&"x".repeat(MAX_LINE + 1), "line 2 has more than the limit of 65536 bytes");
        refused("nothing", "there is no result in it");
    }

    #[test]
    fn totals_divide_back() {
        for (value, iterations) in [(0.1, 3), (17.3, 1_000_003), (123.456_789, 999), (1.0, u64::MAX)] {
            let back = Observation { iterations, total: total_of(value, iterations) }.per_iteration();
            assert!((back / value - 1.0).abs() < 4.0 * f64::EPSILON, "{value} {iterations}: {back}");
        }
    }
}
