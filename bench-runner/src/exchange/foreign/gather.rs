//! Gathering the numbers of a foreign file: names cleaned, limits kept, what cannot be used counted.

use std::collections::BTreeMap;

use super::{ForeignError, ForeignRun, IMPORTED, MAX_NAME, MAX_POINTS, MAX_RESULTS, MAX_RUNS, finding};
use crate::model::estimate::{ConfidenceInterval, Estimate, IntervalMethod, Statistic};
use crate::model::fact::{Fact, FactStatus, FactValue, Phase};
use crate::model::finding::{Finding, Severity};
use crate::model::ids::BenchmarkId;
use crate::model::measurement::{Measurement, Observation, SamplingMode};
use crate::model::record::StatedEstimate;
use crate::model::units::{Metric, Throughput, Timestamp};

/// Gathers the numbers of one foreign run and keeps count of what cannot be used.
#[derive(Debug, Default)]
pub(in crate::exchange) struct Gatherer {
    run: ForeignRun,
    /// How often each name and metric occurred.
    seen: BTreeMap<(BenchmarkId, Metric), u32>,
    /// Values that are zero, negative or not finite.
    unusable: usize,
    first_unusable: Option<String>,
    /// Whether something did not fit any more.
    overflow: bool,
}

impl Gatherer {
    /// Starts a run of a suite.
    pub(in crate::exchange) fn new(suite: &str, started: Option<Timestamp>) -> Self {
        let run = ForeignRun { suite: suite.to_owned(), started, ..ForeignRun::default() };
        Self { run, ..Self::default() }
    }

    /// Adds a fact that the file states.
    pub(in crate::exchange) fn fact(&mut self, key: &str, value: &str, source: &str) {
        if !value.is_empty() && value.len() <= MAX_NAME {
            self.run.facts.push(Fact {
                key: key.to_owned(),
                value: Some(FactValue::Text(without_homes(value))),
                unit: String::new(),
                status: FactStatus::Ok,
                source: source.to_owned(),
                phase: Phase::Start,
            });
        }
    }

    /// Adds a doubt.
    pub(in crate::exchange) fn finding(&mut self, finding: Finding) {
        self.run.findings.push(finding);
    }

    /// Adds a stated number and returns whether it was taken; one that is not above zero is counted and left out.
    pub(in crate::exchange) fn state(
        &mut self,
        benchmark: BenchmarkId,
        metric: Metric,
        (statistic, value): (Statistic, f64),
        interval: Option<(f64, f64, f64)>,
    ) -> bool {
        if !usable(value) {
            self.leave_out(&benchmark);
            return false;
        }
        if self.is_full() {
            self.overflow = true;
            return false;
        }
        let holds = |&(low, high, level): &(f64, f64, f64)| {
            low.is_finite() && high.is_finite() && low <= value && value <= high && level > 0.0 && level < 1.0
        };
        let interval = interval.filter(holds).map(|(low, high, level)| ConfidenceInterval {
            low,
            high,
            level,
            method: IntervalMethod::Stated,
        });
        let estimate = Estimate { statistic, value, interval, launches: 0, observations: 0 };
        let benchmark = self.distinct(benchmark, &metric);
        self.run.stated.push(StatedEstimate { benchmark, metric, throughput: Vec::new(), estimate });
        true
    }

    /// Adds what the number stated last declares as work per iteration.
    pub(in crate::exchange) fn declare(&mut self, throughput: Vec<Throughput>) {
        if let Some(last) = self.run.stated.last_mut() {
            last.throughput = throughput;
        }
    }

    /// Adds raw observations; those that are not above zero are counted and left out.
    pub(in crate::exchange) fn observe(
        &mut self,
        benchmark: BenchmarkId,
        metric: Metric,
        sample: Vec<Observation>,
    ) {
        let (sample, bad): (Vec<_>, Vec<_>) =
            sample.into_iter().partition(|entry| entry.iterations > 0 && usable(entry.total));
        bad.iter().for_each(|_| self.leave_out(&benchmark));
        if !sample.is_empty() && self.is_full() {
            self.overflow = true;
        } else if !sample.is_empty() {
            let benchmark = self.distinct(benchmark, &metric);
            self.run.measurements.push(Measurement {
                benchmark,
                metric,
                throughput: Vec::new(),
                sampling: SamplingMode::Flat,
                settings: None,
                sample,
            });
        }
    }

    /// Ends the run; without anything usable in it, the number of what was left out.
    fn finish(mut self) -> Result<ForeignRun, usize> {
        if let (Some(first), count) = (self.first_unusable, self.unusable) {
            self.run.findings.push(finding(
                "import-values-left-out",
                Severity::Warning,
                &first,
                format!("{count} values are zero, negative or no numbers, the first of {first}"),
                ("they are missing in this run", "look at the tool that wrote the file"),
            ));
        }
        if self.run.stated.is_empty() && self.run.measurements.is_empty() {
            return Err(self.unusable);
        }
        Ok(self.run)
    }

    /// Whether the run has as many results as a run may have; more are not gathered.
    fn is_full(&self) -> bool {
        self.run.stated.len() + self.run.measurements.len() >= MAX_RESULTS
    }

    fn leave_out(&mut self, benchmark: &BenchmarkId) {
        self.unusable += 1;
        self.first_unusable.get_or_insert_with(|| benchmark.to_string());
    }

    /// Tells benchmarks of the same name apart by their order.
    fn distinct(&mut self, mut benchmark: BenchmarkId, metric: &Metric) -> BenchmarkId {
        let count = self.seen.entry((benchmark.clone(), metric.clone())).or_insert(0);
        benchmark.occurrence = *count;
        *count += 1;
        benchmark
    }
}

/// Whether a number can be a benchmark's value: ratios need it above zero.
fn usable(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

/// A benchmark that a file names by one text; names of home folders are taken out of it.
pub(in crate::exchange) fn named(target: &str, name: &str) -> Result<BenchmarkId, ForeignError> {
    named_with(IMPORTED, target, name, None)
}

/// A benchmark with package and value.
pub(in crate::exchange) fn named_with(
    package: &str,
    target: &str,
    name: &str,
    value: Option<&str>,
) -> Result<BenchmarkId, ForeignError> {
    for text in [package, target, name, value.unwrap_or_default()] {
        if text.len() > MAX_NAME {
            let start: String = text.chars().take(40).collect();
            let place = format!("the name `{start}…`");
            return Err(ForeignError::Limit { place, what: "bytes", limit: MAX_NAME });
        }
    }
    Ok(BenchmarkId {
        package: without_homes(package),
        target: without_homes(target),
        group: without_homes(name),
        function: None,
        value: value.map(without_homes),
        occurrence: 0,
    })
}

/// Takes home folders out of a text: nothing stored names a person.
pub(in crate::exchange) fn without_homes(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    let starts = ["/home/", "/Users/", "\\Users\\"];
    while let Some((at, start)) =
        starts.iter().filter_map(|start| rest.find(start).map(|at| (at, start))).min()
    {
        let (before, from) = rest.split_at(at);
        // A drive letter belongs to the folder.
        let cut = if start.starts_with('\\') && before.ends_with(':') {
            before.len().saturating_sub(2)
        } else {
            at
        };
        shown.push_str(before.get(..cut).unwrap_or(before));
        shown.push('~');
        let inner = from.get(start.len()..).unwrap_or_default();
        let end = inner.find(|c: char| "/\\ \t\"':,;".contains(c)).unwrap_or(inner.len());
        rest = inner.get(end..).unwrap_or_default();
    }
    shown.push_str(rest);
    shown
}

/// The moment that `text` names, as RFC 3339 or as a date and time with an offset.
pub(in crate::exchange) fn moment(text: &str) -> Option<Timestamp> {
    text.trim().parse::<jiff::Timestamp>().ok().map(|stamp| Timestamp(stamp.as_microsecond()))
}

/// The moment that a number of milliseconds since 1970 names; `None` outside the years 1970 to 9999.
pub(in crate::exchange) fn moment_of_millis(millis: i64) -> Option<Timestamp> {
    let known = jiff::Timestamp::from_millisecond(millis).is_ok() && millis >= 0;
    known.then_some(())?;
    millis.checked_mul(1000).map(Timestamp)
}

/// Gathers the runs of a file within its limits.
#[derive(Debug, Default)]
pub(in crate::exchange) struct Harvest {
    runs: Vec<ForeignRun>,
    points: usize,
    left_out: usize,
}

impl Harvest {
    /// Adds what was gathered for one run; an empty one is only counted.
    pub(in crate::exchange) fn add(&mut self, gatherer: Gatherer) -> Result<(), ForeignError> {
        let limit =
            |place: &str, what, limit| Err(ForeignError::Limit { place: place.to_owned(), what, limit });
        if gatherer.overflow {
            return limit("a run in the file", "results", MAX_RESULTS);
        }
        match gatherer.finish() {
            Ok(run) => {
                self.points += run.points();
                self.runs.push(run);
            }
            Err(left_out) => self.left_out += left_out,
        }
        if self.points > MAX_POINTS {
            return limit("the file", "observations and estimates", MAX_POINTS);
        }
        if self.runs.len() > MAX_RUNS {
            return limit("the file", "runs", MAX_RUNS);
        }
        Ok(())
    }

    /// Returns the runs, of which there is at least one.
    pub(in crate::exchange) fn finish(self) -> Result<Vec<ForeignRun>, ForeignError> {
        if self.runs.is_empty() {
            return Err(ForeignError::Empty { left_out: self.left_out });
        }
        Ok(self.runs)
    }

    /// Returns the one run of a file that has one.
    pub(in crate::exchange) fn single(gatherer: Gatherer) -> Result<Vec<ForeignRun>, ForeignError> {
        let mut harvest = Self::default();
        harvest.add(gatherer)?;
        harvest.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(values: &[f64]) -> Result<ForeignRun, usize> {
        let mut gatherer = Gatherer::new("s", None);
        for value in values {
            gatherer.state(named("t", "b").unwrap(), Metric::time(), (Statistic::Stated, *value), None);
        }
        gatherer.finish()
    }

    #[test]
    fn homes_are_taken_out_of_names() {
        let check = |text: &str, expected: &str| assert_eq!(without_homes(text), expected);
        check("run /home/alice/bin/x --in /Users/alice", "run ~/bin/x --in ~");
        check("C:\\Users\\alice\\x.exe a", "~\\x.exe a");
        check("GET /api/users/7", "GET /api/users/7");
        check("/home/", "~");
    }

    #[test]
    fn results_of_a_run_are_limited() {
        let harvest = |count: usize| {
            let mut gatherer = Gatherer::new("s", None);
            for number in 0..count {
                let name = named("t", &number.to_string()).unwrap();
                gatherer.state(name, Metric::time(), (Statistic::Stated, 1.0), None);
            }
            Harvest::single(gatherer)
        };
        assert!(harvest(MAX_RESULTS).is_ok());
        assert!(matches!(harvest(MAX_RESULTS + 1), Err(ForeignError::Limit { limit: MAX_RESULTS, .. })));
    }

    #[test]
    fn names_are_limited() {
        assert!(named("t", &"x".repeat(MAX_NAME)).is_ok());
        assert!(matches!(
            named("t", &"x".repeat(MAX_NAME + 1)),
            Err(ForeignError::Limit { limit: MAX_NAME, .. })
        ));
    }

    #[test]
    fn moments_are_read_in_their_range() {
        assert_eq!(moment("2025-11-05T19:37:00-06:00"), Some(Timestamp(1_762_393_020_000_000)));
        assert_eq!(moment("yesterday"), None);
        assert_eq!(moment_of_millis(1_762_393_020_000), Some(Timestamp(1_762_393_020_000_000)));
        assert_eq!((moment_of_millis(i64::MAX), moment_of_millis(-1)), (None, None));
    }

    #[test]
    fn values_that_cannot_be_used_are_counted() {
        let run = gathered(&[1.0, 0.0, -1.0, f64::NAN, 2.0]).unwrap();
        assert_eq!(run.stated.len(), 2);
        assert_eq!(run.stated[1].benchmark.occurrence, 1);
        assert!(run.findings[0].evidence.starts_with("3 values are zero"), "{:?}", run.findings);
        assert_eq!(gathered(&[0.0]), Err(1));
    }
}
