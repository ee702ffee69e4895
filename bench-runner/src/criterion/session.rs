//! What one bench process says over its socket, followed message by message.
//!
//! Keeps the books that the proof of completeness needs, and hands on each measurement *before* the bench is allowed
//! to go on. Knows no processes and starts no threads.

use std::collections::BTreeMap;
use std::time::Duration;

use super::finding;
use super::launch::{Event, Stop};
use super::overseer::Overseer;
use super::socket::{Connection, SocketError};
use super::wire::{self, Message, RawId};
use crate::model::finding::{Finding, Severity};
use crate::model::ids::BenchmarkId;
use crate::model::measurement::{HarnessSettings, Measurement, Observation, SamplingMode};
use crate::model::units::{Metric, Throughput};

/// Largest integer up to which `f64` counts exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// How the conversation ended.
#[derive(Debug)]
pub(super) enum End {
    /// The bench closed the stream between two messages.
    Closed,
    /// The stream broke or carried nonsense.
    Failed(SocketError),
    /// The receiver of events wanted no more.
    Stopped(Stop),
}

/// The benchmark under way.
#[derive(Debug)]
struct Current {
    id: BenchmarkId,
    plan: Option<(u64, u64)>,
}

/// The books of one bench process.
#[derive(Debug, Default)]
pub(super) struct Books {
    occurrences: BTreeMap<BenchmarkId, u32>,
    current: Option<Current>,
    /// The group that began and did not end.
    pub(super) open_group: Option<String>,
    /// Benchmarks that exist but were filtered out, in order.
    pub(super) skipped: Vec<BenchmarkId>,
    /// Benchmarks whose measurement was handed on, in order.
    pub(super) measured: Vec<BenchmarkId>,
    /// Benchmarks whose measurement was refused, and why.
    pub(super) refused: BTreeMap<BenchmarkId, String>,
    /// Doubts so far.
    pub(super) findings: Vec<Finding>,
}

impl Books {
    /// The benchmark that began and was not completed.
    pub(super) fn unfinished(&self) -> Option<&BenchmarkId> {
        self.current.as_ref().map(|current| &current.id)
    }
}

/// One conversation.
pub(super) struct Session<'a> {
    /// Cargo package and bench target.
    pub(super) names: (&'a str, &'a str),
    /// How long the bench may be silent beyond what it announced.
    pub(super) patience: Duration,
    pub(super) overseer: &'a Overseer,
    pub(super) on_event: &'a mut dyn FnMut(Event) -> Result<(), Stop>,
    pub(super) books: Books,
}

impl Session<'_> {
    /// Follows the conversation to its end.
    pub(super) fn follow(&mut self, connection: &mut Connection) -> End {
        loop {
            let message = match connection.receive() {
                Ok(Some(message)) => message,
                Ok(None) => return End::Closed,
                Err(error) => return End::Failed(error),
            };
            if let Err(end) = self.handle(message, connection) {
                return end;
            }
        }
    }

    fn handle(&mut self, message: Message, connection: &mut Connection) -> Result<(), End> {
        let waits = message.awaits_permission();
        match message {
            Message::GroupBegun { group } => {
                self.overseer.expect(self.patience, "nothing after a group began");
                self.books.open_group = Some(group);
            }
            Message::GroupFinished { .. } => self.books.open_group = None,
            Message::Begun(id) => {
                let id = self.register(&id);
                self.overseer.expect(self.patience, format!("no warm-up of {id}"));
                self.books.current = Some(Current { id, plan: None });
            }
            Message::Skipped(id) => {
                self.overseer.expect(self.patience, "nothing after a skipped benchmark");
                let id = self.register(&id);
                self.books.skipped.push(id);
            }
            Message::Warmup { nanoseconds, .. } => self.warm_up(nanoseconds)?,
            Message::Started { sample_count, estimate_ns, iter_count, .. } => {
                self.started(sample_count, iter_count, estimate_ns)?;
            }
            Message::Completed { id, iters, times, sampling, settings } => {
                let unit = self.ask_unit(connection)?;
                self.completed(&id, Sample { iters, times, sampling, settings, unit })?;
            }
            Message::Scaled { .. } => {}
            Message::Malformed { kind, problem } => self.note_malformed(&kind, &problem),
            Message::Unknown { kind } => self.note_unknown(&kind),
        }
        if waits {
            self.overseer.expect(self.patience, "nothing after permission to go on");
            connection.send(&wire::continue_request()).map_err(End::Failed)?;
        }
        Ok(())
    }

    /// Gives a benchmark its name; equal ids are numbered in order of appearance.
    fn register(&mut self, raw: &RawId) -> BenchmarkId {
        let mut id = self.name(raw);
        let count = self.books.occurrences.entry(id.clone()).or_insert(0);
        id.occurrence = *count;
        *count += 1;
        id
    }

    fn name(&self, raw: &RawId) -> BenchmarkId {
        BenchmarkId {
            package: self.names.0.to_owned(),
            target: self.names.1.to_owned(),
            group: raw.group.clone(),
            function: raw.function.clone(),
            value: raw.value.clone(),
            occurrence: 0,
        }
    }

    fn warm_up(&mut self, nanoseconds: f64) -> Result<(), End> {
        let Some(current) = &self.books.current else { return Ok(()) };
        // Warm-up doubles its iterations until the time is over: the last round can take as long again.
        let within = self.patience.saturating_add(announced(2.0 * nanoseconds));
        self.overseer.expect(within, format!("warm-up of {} lasted", current.id));
        let event = Event::Warmup { id: current.id.clone(), ns: nanoseconds };
        (self.on_event)(event).map_err(End::Stopped)
    }

    fn started(&mut self, sample_count: u64, iter_count: u64, estimate_ns: f64) -> Result<(), End> {
        let Some(current) = &mut self.books.current else { return Ok(()) };
        current.plan = Some((sample_count, iter_count));
        let within = self.patience.saturating_add(announced(2.0 * estimate_ns));
        self.overseer.expect(within, format!("measuring {} lasted", current.id));
        let event = Event::Measuring { id: current.id.clone(), estimate_ns, sample_count };
        (self.on_event)(event).map_err(End::Stopped)
    }

    /// Asks what one raw unit of the measurement is called and how it scales.
    fn ask_unit(&mut self, connection: &mut Connection) -> Result<Option<(String, f64)>, End> {
        self.overseer.expect(self.patience, "no answer about the unit");
        connection.send(&wire::scale_request()).map_err(End::Failed)?;
        loop {
            match connection.receive().map_err(End::Failed)? {
                Some(Message::Scaled { values, unit }) => {
                    let factor = values.first().copied().filter(|factor| factor.is_finite() && *factor > 0.0);
                    return Ok(factor.map(|factor| (unit, factor)));
                }
                Some(Message::Malformed { kind, problem }) if kind == "ScaledValues" => {
                    self.note_malformed(&kind, &problem);
                    return Ok(None);
                }
                Some(Message::Unknown { kind }) => self.note_unknown(&kind),
                Some(_) => {}
                None => return Err(End::Failed(SocketError::Truncated)),
            }
        }
    }

    fn completed(&mut self, raw: &RawId, sample: Sample) -> Result<(), End> {
        let current = self.books.current.take().filter(|current| {
            let base = BenchmarkId { occurrence: 0, ..current.id.clone() };
            base == self.name(raw)
        });
        let Some(current) = current else {
            let id = self.name(raw);
            self.refuse(id, "it was completed without having begun");
            return Ok(());
        };
        if sample.unit.is_none() {
            let words =
                ("its numbers have no unit", "none known: the custom measurement gives an unusable scale");
            let evidence = "the bench did not name the unit of its measurement";
            let subject = current.id.to_string();
            self.books.findings.push(finding("unit-unknown", Severity::Warning, subject, evidence, words));
        }
        match sample.into_measurement(&current, &raw.throughput) {
            Ok(measurement) => {
                self.overseer.pause();
                (self.on_event)(Event::Measured(Box::new(measurement))).map_err(End::Stopped)?;
                self.books.measured.push(current.id);
            }
            Err(problem) => self.refuse(current.id, &problem),
        }
        Ok(())
    }

    fn refuse(&mut self, id: BenchmarkId, problem: &str) {
        self.books.findings.push(refused(&id, problem));
        self.books.refused.insert(id, problem.to_owned());
    }

    fn note_unknown(&mut self, kind: &str) {
        let evidence = format!("the bench sent a message of the unknown kind `{kind}`");
        let words = ("none known: it was ignored", "check for a newer bench-runner");
        let new = finding("message-unknown", Severity::Info, "", evidence, words);
        if !self.books.findings.contains(&new) {
            self.books.findings.push(new);
        }
    }

    fn note_malformed(&mut self, kind: &str, problem: &str) {
        let evidence = format!("a message `{kind}` was unusable: {problem}");
        let words = ("what it announced is missing", "use a released Criterion version between 0.5 and 0.8");
        self.books.findings.push(finding("message-malformed", Severity::Warning, "", evidence, words));
    }
}

/// The finding about a measurement that was not handed on.
pub(super) fn refused(id: &BenchmarkId, problem: &str) -> Finding {
    let words = (
        "the measurement was not stored, the launch is partial",
        "check the benchmark; with `iter_custom` or a custom measurement, that it returns the measured total",
    );
    finding("sample-invalid", Severity::Blocking, id.to_string(), problem, words)
}

/// Nanoseconds that a bench announced as a duration; nonsense is no time at all.
fn announced(nanoseconds: f64) -> Duration {
    Duration::try_from_secs_f64((nanoseconds / 1e9).clamp(0.0, 1e7)).unwrap_or_default()
}

/// A sample as it arrived.
struct Sample {
    iters: Vec<f64>,
    times: Vec<f64>,
    sampling: SamplingMode,
    settings: Option<HarnessSettings>,
    unit: Option<(String, f64)>,
}

impl Sample {
    /// Checks the sample against what was announced.
    fn into_measurement(self, current: &Current, throughput: &[Throughput]) -> Result<Measurement, String> {
        let Some((sample_count, iter_count)) = current.plan else {
            return Err("its start was never announced".to_owned());
        };
        if self.iters.len() as u64 != sample_count {
            return Err(format!("{sample_count} observations were announced, {} arrived", self.iters.len()));
        }
        let (unit, factor) = self.unit.unwrap_or_else(|| ("?".to_owned(), 1.0));
        let sample = observations(&self.iters, &self.times, factor)?;
        check_total(&self.iters, iter_count)?;
        let metric = if unit == "ns" { Metric::time() } else { Metric { name: "custom".to_owned(), unit } };
        Ok(Measurement {
            benchmark: current.id.clone(),
            metric,
            throughput: throughput.to_vec(),
            sampling: self.sampling,
            settings: self.settings,
            sample,
        })
    }
}

/// Pairs iterations and totals and checks each: whole counts from 1 on, finite totals above zero.
pub(super) fn observations(iters: &[f64], times: &[f64], factor: f64) -> Result<Vec<Observation>, String> {
    if iters.len() != times.len() {
        return Err(format!("{} iteration counts but {} totals", iters.len(), times.len()));
    }
    if iters.is_empty() {
        return Err("it holds no observation".to_owned());
    }
    let pairs = iters.iter().zip(times).enumerate();
    pairs.map(|(index, (&count, &time))| observation(index, count, time * factor)).collect()
}

fn observation(index: usize, count: f64, total: f64) -> Result<Observation, String> {
    // 2^64 itself is where a saturated count lands after its way through `f64`.
    if !((1.0..=2.0 * EXACT * 1024.0).contains(&count) && count.fract().abs() < f64::EPSILON) {
        return Err(format!("observation {index} has {count} iterations"));
    }
    if !(total.is_finite() && total > 0.0) {
        return Err(format!("observation {index} took {total} for {count} iterations"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked above; saturates at 2^64"
    )]
    let iterations = count as u64;
    Ok(Observation { iterations, total })
}

/// Compares the sum of iterations with the announced one.
#[expect(clippy::cast_precision_loss, reason = "compared with a tolerance beyond 2^53")]
fn check_total(iters: &[f64], announced: u64) -> Result<(), String> {
    let sum: f64 = iters.iter().sum();
    let tolerance = if sum < EXACT { 0.5 } else { sum * 1e-9 };
    let saturated = announced == u64::MAX && sum >= announced as f64 * (1.0 - 1e-9);
    if (sum - announced as f64).abs() <= tolerance || saturated {
        Ok(())
    } else {
        Err(format!("{announced} iterations were announced, {sum} arrived"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(iters: &[f64], times: &[f64], expected: Result<usize, &str>) {
        let result = observations(iters, times, 1.0).map(|sample| sample.len());
        assert_eq!(result, expected.map_err(str::to_owned), "{iters:?} {times:?}");
    }

    #[test]
    fn observations_are_whole_finite_and_above_zero() {
        check(&[1.0, 2.0], &[5.0, 11.0], Ok(2));
        check(&[1.0], &[5.0, 11.0], Err("1 iteration counts but 2 totals"));
        check(&[], &[], Err("it holds no observation"));
        check(&[1.0, 1.0], &[5.0, 0.0], Err("observation 1 took 0 for 1 iterations"));
        check(&[1.0], &[f64::NAN], Err("observation 0 took NaN for 1 iterations"));
        check(&[1.0], &[f64::INFINITY], Err("observation 0 took inf for 1 iterations"));
        check(&[1.0], &[-3.0], Err("observation 0 took -3 for 1 iterations"));
        check(&[0.0], &[1.0], Err("observation 0 has 0 iterations"));
        check(&[1.5], &[1.0], Err("observation 0 has 1.5 iterations"));
        check(&[f64::NAN], &[1.0], Err("observation 0 has NaN iterations"));
        check(&[18_446_744_073_709_551_615.0], &[1.0], Ok(1));
    }

    #[test]
    fn totals_are_compared_exactly_where_f64_counts_exactly() {
        assert_eq!(check_total(&[10.0, 20.0], 30), Ok(()));
        assert_eq!(
            check_total(&[10.0, 20.0], 31),
            Err("31 iterations were announced, 30 arrived".to_owned())
        );
        assert_eq!(check_total(&[1e19, 1e19], u64::MAX), Ok(()));
        assert!(check_total(&[1e18], u64::MAX).is_err());
    }

    #[test]
    fn factor_turns_raw_units_into_the_named_one() {
        let sample = observations(&[2.0], &[3000.0], 0.001).unwrap();
        assert!((sample[0].per_iteration() - 1.5).abs() < 1e-12);
    }

    #[test]
    fn announced_times_are_bounded() {
        assert_eq!(announced(2e9), Duration::from_secs(2));
        assert_eq!(announced(f64::NAN), Duration::ZERO);
        assert_eq!(announced(-1.0), Duration::ZERO);
        assert_eq!(announced(f64::INFINITY), Duration::from_secs(10_000_000));
    }
}
