//! Finding a change that only the trend knows: in the nights that are always read, then in all of them, then in what was imported.
//!
//! Nothing is decided or written here.

use std::collections::VecDeque;

use super::super::trend::{self, MOST_NIGHTS, Wish};
use super::SHORTEST;
use crate::analysis::trend::FEWEST_NIGHTS;
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code;
use crate::model::trend::{Moved, TrendChange, TrendReport};
use crate::store::Store;

/// What to do when no trend shows a change: where a step begins, and so its name, depends a little on how many nights are looked at.
pub(super) const NOT_FOUND: &str =
    "what `bench-runner trend --nights N` showed is found with `--nights N` here as well";

/// A change that a trend lists, and the benchmark of it that was asked for.
pub(super) struct Hit {
    /// Whether it is one of imported numbers.
    pub(super) imported: bool,
    /// The change.
    pub(super) change: TrendChange,
    /// The benchmark.
    pub(super) moved: Moved,
}

/// Trends, each made when the ones before it do not list what is looked for.
pub(super) struct Search<'a> {
    config: &'a Config,
    store: &'a Store,
    wishes: VecDeque<Wish<'static>>,
    /// Those that were made.
    pub(super) reports: Vec<TrendReport>,
}

impl<'a> Search<'a> {
    /// Looks back as many nights as are given, otherwise as far as it takes.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub(super) fn new(config: &'a Config, store: &'a Store, nights: Option<u32>) -> Result<Self, CliError> {
        let now = Some(trend::newest_night(store)?);
        let spans = nights.map_or_else(|| vec![FEWEST_NIGHTS, MOST_NIGHTS], |nights| vec![nights]);
        let mut wishes: VecDeque<Wish<'static>> =
            spans.into_iter().map(|nights| Wish { nights: Some(nights), now, ..Wish::default() }).collect();
        wishes.push_back(Wish { nights, imported: true, ..Wish::default() });
        Ok(Self { config, store, wishes, reports: Vec::new() })
    }

    /// The one change whose name begins so.
    ///
    /// # Errors
    ///
    /// When several do, or the store cannot be read.
    pub(super) fn find(&mut self, id: &str) -> Result<Option<Hit>, CliError> {
        let mut place = 0;
        loop {
            if place == self.reports.len() {
                let Some(wish) = self.wishes.pop_front() else { return Ok(None) };
                self.reports.push(trend::report_of(&wish, self.config, self.store)?);
            }
            let report = &self.reports[place];
            if let Some((change, moved)) = found(report, id)? {
                let (change, moved) = (change.clone(), moved.clone());
                return Ok(Some(Hit { imported: report.imported, change, moved }));
            }
            place += 1;
        }
    }
}

/// Everything that a trend lists.
pub(super) fn changes(report: &TrendReport) -> impl Iterator<Item = &TrendChange> {
    report.slower.iter().chain(&report.faster).chain(&report.decided)
}

/// The one change of a trend whose name begins so, and the benchmark of it that has the name.
fn found<'a>(report: &'a TrendReport, id: &str) -> Result<Option<(&'a TrendChange, &'a Moved)>, CliError> {
    let mut matching: Vec<(&TrendChange, &Moved)> = changes(report)
        .flat_map(|change| change.members.iter().map(move |moved| (change, moved)))
        .filter(|(_, moved)| moved.name == id || id.len() >= SHORTEST && moved.name.starts_with(id))
        .collect();
    if let [_, _, ..] = matching.as_slice() {
        let names: Vec<&str> = matching.iter().map(|(_, moved)| moved.name.as_str()).collect();
        return Err(CliError::new(exit_code::USAGE, format!("`{id}` means several changes"))
            .hinted(Some(format!("write one of: {}", names.join(", ")))));
    }
    Ok(matching.pop())
}
