//! Writing for github-action-benchmark: one run as its input array, a history as the data of its page.
//!
//! The layout is `customSmallerIsBetter`; numbers of which more is better go to suites of their own on a page.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::export::{Exported, name_of, rfc3339};
use super::PREFIX;
use crate::model::estimate::BenchmarkResult;
use crate::model::estimate::{ConfidenceInterval, Estimate};
use crate::model::fact::{keys, known};

/// One number as the action reads it.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Bench {
    name: String,
    unit: String,
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    extra: String,
}

/// One entry of a page.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    commit: Commit,
    date: i64,
    tool: &'static str,
    benches: Vec<Bench>,
}

/// The commit of an entry; the page shows these fields, and nobody's name is known here.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Commit {
    author: Person,
    committer: Person,
    id: String,
    message: String,
    timestamp: String,
    url: &'static str,
}

/// The person that the page wants to name.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Person {
    name: &'static str,
    username: &'static str,
}

const NOBODY: Person = Person { name: "unknown", username: "unknown" };

/// The data of a page.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    last_update: i64,
    repo_url: &'static str,
    entries: BTreeMap<String, Vec<Entry>>,
}

/// Writes one run as the array that the action takes for the tool `customSmallerIsBetter`, and returns how many results
/// were left out because more of them is better.
///
/// # Errors
///
/// Fails only if a number is not finite, which no stored one is.
pub fn array(run: &Exported<'_>) -> Result<(String, usize), serde_json::Error> {
    let smaller: Vec<Bench> =
        run.results.iter().filter(|result| !result.metric.bigger_is_better()).map(bench).collect();
    let left_out = run.results.len() - smaller.len();
    Ok((format!("{}\n", serde_json::to_string_pretty(&smaller)?), left_out))
}

/// Gathers the data of a page, one run after the other.
#[derive(Debug, Default)]
pub struct PageWriter {
    entries: BTreeMap<String, Vec<Entry>>,
}

/// Starts the data of a page.
#[must_use]
pub fn page() -> PageWriter {
    PageWriter::default()
}

impl PageWriter {
    /// Adds a run; runs must come oldest first.
    pub fn add(&mut self, run: &Exported<'_>) {
        let about = &run.record.run;
        let machine = about.identity.label.as_ref().unwrap_or(&about.identity.machine);
        let title = format!("{} on {machine}", about.suite);
        for (bigger, tool, title) in [
            (false, "customSmallerIsBetter", title.clone()),
            (true, "customBiggerIsBetter", format!("{title} (more is better)")),
        ] {
            let of_this_kind = run.results.iter().filter(|result| result.metric.bigger_is_better() == bigger);
            let benches: Vec<Bench> = of_this_kind.map(bench).collect();
            if !benches.is_empty() {
                let commit = known(&about.facts, keys::SOURCE_COMMIT).unwrap_or_else(|| "unknown".to_owned());
                let timestamp = known(&about.facts, keys::SOURCE_COMMIT_TIME);
                let commit = Commit {
                    author: NOBODY,
                    committer: NOBODY,
                    id: commit,
                    message: format!("run {}", about.id),
                    timestamp: timestamp.unwrap_or_else(|| rfc3339(about.started)),
                    url: "",
                };
                let date = about.started.0.div_euclid(1000);
                self.entries.entry(title).or_default().push(Entry { commit, date, tool, benches });
            }
        }
    }

    /// Returns the content of `data.js`; its last update is that of the newest run.
    ///
    /// # Errors
    ///
    /// Fails only if a number is not finite, which no stored one is.
    pub fn finish(self) -> Result<String, serde_json::Error> {
        let last_update = self.entries.values().flatten().map(|entry| entry.date).max().unwrap_or(0);
        let page = Page { last_update, repo_url: "", entries: self.entries };
        Ok(format!("{PREFIX} = {}\n", serde_json::to_string_pretty(&page)?))
    }
}

/// One result.
fn bench(result: &BenchmarkResult) -> Bench {
    let Estimate { statistic, value, interval, launches, observations } = &result.estimate;
    let half = |interval: &ConfidenceInterval| (interval.high - value).max(value - interval.low);
    let mut extra = statistic.words().to_owned();
    if let Some(interval) = interval {
        extra = format!("{}\n{extra}", interval_words(interval));
    }
    if *launches > 0 {
        extra = format!("{extra}\n{launches} launches, {observations} observations");
    }
    Bench {
        name: name_of(&result.benchmark),
        unit: if result.metric.is_time() { "ns/iter".to_owned() } else { result.metric.unit.clone() },
        value: *value,
        range: interval.as_ref().map(|interval| format!("± {}", half(interval))),
        extra,
    }
}

/// An interval in words that [`read_back`] reads.
fn interval_words(interval: &ConfidenceInterval) -> String {
    format!("confidence interval {} to {} at level {}", interval.low, interval.high, interval.level)
}

/// Reads the interval that we wrote beside a number.
pub(super) fn read_back(extra: &str) -> Option<(f64, f64, f64)> {
    let words = extra.lines().find_map(|line| line.strip_prefix("confidence interval "))?;
    let (low, rest) = words.split_once(" to ")?;
    let (high, level) = rest.split_once(" at level ")?;
    Some((low.parse().ok()?, high.parse().ok()?, level.parse().ok()?))
}
