//! The machines of the window: one place for each machine and configuration, its nights, noise and newest run.

use std::collections::{BTreeMap, BTreeSet};

use super::{FRESH, NIGHT, TonightRun, TrendInput, count};
use crate::model::fact::{keys, known};
use crate::model::ids::{BenchmarkId, RunId};
use crate::model::record::{RunListing, SeriesKey};
use crate::model::run::{Run, RunStatus};
use crate::model::trend::MachineNight;
use crate::model::units::Timestamp;
use crate::stats::order::median;

/// Nights within which a machine that measured is expected to measure tonight.
const ACTIVE: i64 = 7 * NIGHT;

/// A machine in one configuration, with its runs.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    recipe: u32,
    /// Measured runs, oldest first.
    pub(super) runs: Vec<&'a RunListing>,
    pub(super) night: MachineNight,
    active: bool,
}

impl Place<'_> {
    pub(super) fn is_of(&self, key: &SeriesKey) -> bool {
        (&self.night.machine, &self.night.config, self.recipe) == (&key.machine, &key.config, key.recipe)
    }

    pub(super) fn holds(&self, run: &Run) -> bool {
        let who = &run.identity;
        (&self.night.machine, &self.night.config, self.recipe) == (&who.machine, &who.config, who.recipe)
    }

    /// Whether the machine measured lately, and in no configuration tonight.
    pub(super) fn is_missing(&self, all: &[Self]) -> bool {
        let mut same = all.iter().filter(|place| place.night.machine == self.night.machine);
        self.active && !same.any(|place| place.night.fresh)
    }

    /// Place of a run among the runs, the oldest first.
    pub(super) fn ordinal(&self, run: &RunId) -> Option<usize> {
        self.runs.iter().position(|listing| listing.id == *run)
    }
}

/// Names the runs of tonight: of each machine, configuration, suite and set the newest that began within [`FRESH`].
///
/// A run that is not complete counts as well: that the night before was complete says nothing about tonight.
#[must_use]
pub fn tonight(runs: &[RunListing], now: Timestamp) -> Vec<RunId> {
    let mut found: BTreeMap<_, &RunListing> = BTreeMap::new();
    for run in runs.iter().filter(|run| is_fresh(run.started, now) && run.status != RunStatus::Running) {
        let who = &run.identity;
        let key = (&who.machine, &who.config, who.recipe, &run.suite, &run.set);
        let known = found.entry(key).or_insert(run);
        if (run.started, &run.id) > (known.started, &known.id) {
            *known = run;
        }
    }
    found.into_values().map(|run| run.id.clone()).collect()
}

/// The runs of tonight, without those that cannot be judged and were made again: a later one that can be has all of their benchmarks.
pub(super) fn standing<'a>(input: &TrendInput<'a>) -> Vec<&'a TonightRun> {
    let made_again = |one: &TonightRun| {
        let mut later = input.tonight.iter().filter(|later| {
            let (a, b) = (&one.run.identity, &later.run.identity);
            (&a.machine, &a.config, a.recipe) == (&b.machine, &b.config, b.recipe)
                && later.run.started > one.run.started
                && why_unfit(later).is_none()
        });
        later.any(|later| {
            let measured: BTreeSet<&BenchmarkId> = later.run.inventory.iter().collect();
            one.run.inventory.iter().all(|benchmark| measured.contains(benchmark))
        })
    };
    input.tonight.iter().filter(|one| why_unfit(one).is_none() || !made_again(one)).collect()
}

/// Why a run cannot be judged.
fn why_unfit(one: &TonightRun) -> Option<String> {
    match (&one.quarantined, one.run.is_eligible()) {
        (Some(why), _) => Some(format!("was put aside: {why}")),
        (None, true) => None,
        (None, false) if one.run.status == RunStatus::Complete => Some("has a blocking finding".to_owned()),
        (None, false) => Some("is not complete".to_owned()),
    }
}

pub(super) fn is_fresh(at: Timestamp, now: Timestamp) -> bool {
    at <= now && now.0.saturating_sub(at.0) <= FRESH
}

/// All places, those of tonight first, then by name.
pub(super) fn places<'a>(input: &TrendInput<'a>) -> Vec<Place<'a>> {
    let mut runs: BTreeMap<(&String, &String, u32), Vec<&RunListing>> = BTreeMap::new();
    for run in input.runs.iter().filter(|run| run.started <= input.frame.now) {
        let who = &run.identity;
        runs.entry((&who.machine, &who.config, who.recipe)).or_default().push(run);
    }
    let mut noise = noise(input);
    let mut places: Vec<Place<'a>> = runs
        .into_iter()
        .filter_map(|((machine, config, recipe), mut runs)| {
            runs.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
            let noise = noise.remove(&(machine, config, recipe)).unwrap_or_default();
            let newest = *runs.last()?;
            let night = night(input, &runs, newest, &noise);
            let active = input.frame.now.0.saturating_sub(newest.started.0) <= ACTIVE;
            input.night(newest.started).is_some().then_some(Place { recipe, runs, night, active })
        })
        .collect();
    places.sort_by(|a, b| {
        let name = |place: &Place<'_>| {
            let night = &place.night;
            (!night.fresh, night.label.clone(), night.machine.clone(), night.config.clone(), place.recipe)
        };
        name(a).cmp(&name(b))
    });
    places
}

/// Spread of each run: the logarithmic standard deviations of its series.
type Spreads<'a> = BTreeMap<&'a RunId, Vec<f64>>;

fn noise<'a>(input: &TrendInput<'a>) -> BTreeMap<(&'a String, &'a String, u32), Spreads<'a>> {
    let mut found: BTreeMap<_, Spreads<'a>> = BTreeMap::new();
    for line in input.lines {
        let key = &line.history.key;
        let spreads = found.entry((&key.machine, &key.config, key.recipe)).or_default();
        for point in input.points(line) {
            spreads.entry(&point.run).or_default().extend(point.log_sd);
        }
    }
    found
}

fn night(
    input: &TrendInput<'_>,
    runs: &[&RunListing],
    newest: &RunListing,
    spreads: &Spreads<'_>,
) -> MachineNight {
    let who = &newest.identity;
    let mut nights = vec![false; input.frame.nights as usize];
    for place in runs.iter().filter_map(|run| input.night(run.started)) {
        nights[place] = true;
    }
    let missed = nights.iter().skip_while(|measured| !**measured).filter(|measured| !**measured).count();
    let tonight: BTreeSet<&RunId> = input
        .tonight
        .iter()
        .filter(|one| (&one.run.identity.machine, &one.run.identity.config) == (&who.machine, &who.config))
        .map(|one| &one.run.id)
        .collect();
    let of = |run: &RunId| spreads.get(run).and_then(|spread| median(spread));
    let before: Vec<f64> =
        runs.iter().filter(|run| !tonight.contains(&run.id)).filter_map(|run| of(&run.id)).collect();
    let loaded = input.tonight.iter().find(|one| one.run.id == newest.id);
    MachineNight {
        machine: who.machine.clone(),
        label: who.label.clone(),
        hw_class: who.hw_class.clone(),
        config: who.config.clone(),
        recipe: who.recipe,
        run: newest.id.clone(),
        started: newest.started,
        commit: newest.commit.clone(),
        fresh: is_fresh(newest.started, input.frame.now),
        unfit: unfit(input, newest),
        grade: loaded.and_then(|one| known(&one.run.facts, keys::DOCTOR_GRADE)),
        shift: None,
        shift_is_machine: false,
        noise: of(&newest.id),
        usual_noise: median(&before),
        missed: count(missed),
        nights,
        judged: 0,
        benchmarks: 0,
    }
}

/// Why what a machine measured tonight cannot be judged: any of its runs may be the reason, the newest one first.
fn unfit(input: &TrendInput<'_>, newest: &RunListing) -> Option<String> {
    if input.frame.imported || !is_fresh(newest.started, input.frame.now) {
        return None;
    }
    if newest.status == RunStatus::Running {
        return Some("is not finished".to_owned());
    }
    let who = &newest.identity;
    let mut mine: Vec<&TonightRun> = standing(input);
    mine.retain(|one| {
        let of = &one.run.identity;
        (&of.machine, &of.config, of.recipe) == (&who.machine, &who.config, who.recipe)
    });
    mine.sort_by(|a, b| (b.run.started, &b.run.id).cmp(&(a.run.started, &a.run.id)));
    mine.into_iter().find_map(why_unfit)
}
