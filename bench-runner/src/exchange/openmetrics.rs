//! The newest results as OpenMetrics text, for the folder of a node exporter: few labels, escaped, ended by `# EOF`.
//!
//! Labels are benchmark, suite, machine, configuration and which number it is, never a commit: each would be a new line in
//! a monitoring database. Run and commit stand in one information metric.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::export::{Exported, name_of};
use crate::model::fact::{keys, known};
use crate::model::units::Metric;

/// Nanoseconds in a second, the base unit of times in OpenMetrics.
const SECOND: f64 = 1e9;

/// Gathers samples by family, since a family must stand together.
#[derive(Debug, Default)]
pub struct OpenMetrics {
    /// Family to its unit, its help and its samples.
    families: BTreeMap<String, Family>,
}

/// One family of samples.
#[derive(Debug, Default)]
struct Family {
    kind: &'static str,
    unit: String,
    help: String,
    samples: Vec<String>,
}

impl OpenMetrics {
    /// Adds a run. Of one suite, machine and configuration only one run may be added, or samples would repeat.
    pub fn add(&mut self, exported: &Exported<'_>) {
        let run = &exported.record.run;
        let machine = run.identity.label.as_ref().unwrap_or(&run.identity.machine);
        let about = [("suite", run.suite.as_str()), ("machine", machine), ("config", &run.identity.config)];
        for result in exported.results {
            let (name, unit, factor) = family_of(&result.metric);
            let family = self.families.entry(name.clone()).or_insert_with(|| Family {
                kind: "gauge",
                unit,
                help: format!("{} per iteration, in {}", result.metric.name, result.metric.unit),
                samples: Vec::new(),
            });
            let benchmark = name_of(&result.benchmark);
            let interval = result.estimate.interval;
            let numbers = [
                ("estimate", Some(result.estimate.value)),
                ("low", interval.map(|interval| interval.low)),
                ("high", interval.map(|interval| interval.high)),
            ];
            for (number, value) in numbers {
                let Some(value) = value else { continue };
                let more = [("benchmark", benchmark.as_str()), ("number", number)];
                family.samples.push(format!(
                    "{name}{} {}",
                    labels(&[&about[..], &more].concat()),
                    value / factor
                ));
            }
        }
        let started = labels(&about);
        #[expect(clippy::cast_precision_loss, reason = "microseconds of this era are exact")]
        let seconds = run.started.0 as f64 / 1e6;
        self.single(
            "bench_run_started_seconds",
            "gauge",
            "Start of the newest run.",
            &format!("{started} {seconds}"),
        );
        let commit = known(&run.facts, keys::SOURCE_COMMIT).unwrap_or_default();
        let info = labels(&[&about[..], &[("run", run.id.as_str()), ("commit", commit.as_str())]].concat());
        self.single("bench_run", "info", "The newest run.", &format!("{info} 1"));
    }

    /// Adds a sample of a family of fixed name.
    fn single(&mut self, name: &str, kind: &'static str, help: &str, sample: &str) {
        let family = self.families.entry(name.to_owned()).or_insert_with(|| Family {
            kind,
            unit: if name.ends_with("_seconds") { "seconds".to_owned() } else { String::new() },
            help: help.to_owned(),
            samples: Vec::new(),
        });
        let ending = if kind == "info" { "_info" } else { "" };
        family.samples.push(format!("{name}{ending}{sample}"));
    }

    /// Returns the text.
    #[must_use]
    pub fn finish(self) -> String {
        let mut text = String::new();
        for (name, family) in self.families {
            _ = writeln!(text, "# TYPE {name} {}", family.kind);
            if !family.unit.is_empty() {
                _ = writeln!(text, "# UNIT {name} {}", family.unit);
            }
            _ = writeln!(text, "# HELP {name} {}", escaped(&family.help));
            for sample in family.samples {
                _ = writeln!(text, "{sample}");
            }
        }
        text.push_str("# EOF\n");
        text
    }
}

/// The family of a metric with its unit, and what its values are divided by.
fn family_of(metric: &Metric) -> (String, String, f64) {
    if metric.unit == "ns" {
        return (format!("bench_{}_seconds", word(&metric.name)), "seconds".to_owned(), SECOND);
    }
    let unit = if metric.unit == "B" { "bytes".to_owned() } else { word(&metric.unit) };
    let name = format!("bench_{}", word(&metric.name));
    if unit.is_empty() { (name, unit, 1.0) } else { (format!("{name}_{unit}"), unit, 1.0) }
}

/// A text as part of a name: lower-case letters and digits joined by `_`.
fn word(text: &str) -> String {
    let parts: Vec<String> = text
        .replace('/', " per ")
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|part| !part.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    parts.join("_")
}

/// Labels in braces, values escaped.
fn labels(pairs: &[(&str, &str)]) -> String {
    let shown: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    format!("{{{}}}", shown.join(","))
}

/// Escapes what would end a label or a line.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_labels_are_legal() {
        let check = |name: &str, unit: &str, expected: &str| {
            let metric = Metric { name: name.to_owned(), unit: unit.to_owned() };
            assert_eq!(family_of(&metric).0, expected);
        };
        check("time", "ns", "bench_time_seconds");
        check("user_time", "ns", "bench_user_time_seconds");
        check("peak_memory", "B", "bench_peak_memory_bytes");
        check("rate", "MB/s", "bench_rate_mb_per_s");
        check("custom", "?", "bench_custom");
        assert_eq!(labels(&[("a", "x\"\\\ny")]), "{a=\"x\\\"\\\\\\ny\"}");
        assert_eq!(OpenMetrics::default().finish(), "# EOF\n");
    }
}
