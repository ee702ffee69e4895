//! Writes every page in a few threads, each with its own connection to the store: first those of benchmarks and runs, then those
//! that say something about all of them.

mod documents;
mod input;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use regex::Regex;
use sha2::{Digest as _, Sha256};

use super::gather::{Known, Newest, PlaceKey};
use super::manifest::{Files, Made};
use crate::analysis::machines::profile;
use crate::analysis::site_assembly::{Memory, Told, line, marks, summary};
use crate::commands::load;
use crate::commands::threads::parallel;
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code;
use crate::model::ids::{BenchmarkId, Digest, RunId};
use crate::model::machines::MachineProfile;
use crate::model::record::{MachineListing, SeriesKey};
use crate::model::site::{BenchmarkPage, LineSummary, Mark, NowAndBefore, Overview, Place};
use crate::model::trend::TrendReport;
use crate::model::units::Timestamp;
use crate::report::site::{self, Causes, Site};
use crate::report::{Templates, markdown_with};
use crate::store::{HistoryFilter, LineRow, Store};

/// Pages with a Markdown twin, besides comparisons and runs.
const TWINS: [&str; 7] = [
    "index.html",
    "changes.html",
    "machines.html",
    "compare.html",
    "gates.html",
    "releases.html",
    "knobs.html",
];

/// The lines of a benchmark in the order of machines.
type Lines = [(SeriesKey, LineRow)];

/// What is made by itself: each needs the store, and none another.
enum Task<'a> {
    /// What a machine was over time.
    Machine(&'a MachineListing),
    /// The page of a benchmark.
    Benchmark(&'a BenchmarkId, &'a Lines),
    /// The pages of a run.
    Run(&'a RunId),
}

/// What came of a task.
enum Done {
    Machine(MachineProfile),
    Benchmark(Vec<LineSummary>, Made),
    Run(Vec<Made>),
}

/// What pages about everything say.
struct Said {
    overview: Overview,
    /// What each machine was over time, in the order of machines.
    profiles: Vec<MachineProfile>,
}

/// Everything that rendering needs.
struct Work<'a> {
    config: &'a Config,
    templates: &'a Templates,
    known: &'a Known,
    trend: &'a TrendReport,
    told: Told<'a>,
    /// What happened on each machine in each configuration.
    marks: BTreeMap<(String, String), Vec<Mark>>,
    site: Site,
    look: String,
    /// Digest of trials and calibrations, by which every report of a run may change.
    learned: String,
    descriptions: Vec<(Regex, &'a str)>,
    /// Start of the oldest run that has a page: nearly all points are older, and need not be looked for.
    oldest: Timestamp,
    /// What pages show of the runs of each place, as digests.
    runs: input::Runs,
    /// Working memory that no thread uses now.
    memories: Mutex<Vec<Memory>>,
    /// Bytes of a Markdown twin at most.
    most: Option<usize>,
}

/// Writes all pages.
pub(super) fn write(
    config: &Config,
    templates: &Templates,
    (known, trend): (Known, TrendReport),
    most: Option<usize>,
    files: &mut Files,
) -> Result<(), CliError> {
    let work = Work::new(config, templates, (&known, &trend), most)?;
    let machines = known.machines.iter().map(Task::Machine);
    let benchmarks = known.lines.iter().map(|(id, lines)| Task::Benchmark(id, lines));
    let runs = known.pages.iter().filter(|run| known.by_id.contains_key(*run)).map(Task::Run);
    let tasks: Vec<Task<'_>> = machines.chain(benchmarks).chain(runs).collect();
    let present = &*files;
    let done = parallel(config, &tasks, usize::MAX, |store, task| match task {
        Task::Machine(machine) => Ok(Done::Machine(work.profile(store, machine)?)),
        Task::Benchmark(id, lines) => work.benchmark(store, present, id, lines),
        Task::Run(run) => Ok(Done::Run(work.run(store, present, run)?)),
    })?;
    let (mut profiles, mut lines) = (Vec::new(), Vec::new());
    for one in done {
        match one {
            Done::Machine(profile) => profiles.push(profile),
            Done::Benchmark(mine, page) => {
                lines.extend(mine);
                files.add([page]);
            }
            Done::Run(pages) => files.add(pages),
        }
    }
    let said = Said { overview: work.overview(lines), profiles };
    let pages = documents::pages(&known, &said.overview);
    let present = &*files;
    let made =
        parallel(config, &pages, usize::MAX, |store, page| work.document(store, present, &said, *page))?;
    made.into_iter().for_each(|pages| files.add(pages));
    Ok(())
}

/// The Markdown twin of a page that has one.
fn twin(path: &str) -> Option<String> {
    let has = TWINS.contains(&path) || path.starts_with("compare/");
    has.then(|| format!("{}.md", path.trim_end_matches(".html")))
}

fn digest(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    Digest(hasher.finalize().into()).to_string()
}

/// The pages that the site has.
fn paths(known: &Known) -> Vec<String> {
    let fixed = [
        "index.html",
        "benchmarks.html",
        "changes.html",
        "changes.atom",
        "machines.html",
        "compare.html",
        "gates.html",
        "releases.html",
        "knobs.html",
        "data.html",
        "method.html",
        "badge.svg",
    ];
    let mut paths: Vec<String> = fixed.iter().map(|path| (*path).to_owned()).collect();
    paths.extend(TWINS.iter().filter_map(|path| twin(path)));
    paths.extend(known.lines.keys().map(site::benchmark_path));
    paths.extend(known.pages.iter().filter(|run| known.by_id.contains_key(*run)).map(site::run_path));
    paths.extend(known.machines.iter().map(|machine| site::machine_path(&machine.machine)));
    for one in &known.comparisons {
        let path = site::comparison_path(&one.comparison.baseline, &one.comparison.candidate);
        paths.extend(twin(&path));
        paths.push(path);
    }
    paths
}

/// The marks of every machine and configuration.
fn all_marks(known: &Known) -> BTreeMap<(String, String), Vec<Mark>> {
    let mut found = BTreeMap::new();
    for (machine, runs) in &known.facts {
        let configs: BTreeSet<&String> = runs.iter().map(|run| &run.identity.config).collect();
        for config in configs {
            found.insert((machine.clone(), config.clone()), marks(runs, config));
        }
    }
    found
}

impl<'a> Work<'a> {
    fn new(
        config: &'a Config,
        templates: &'a Templates,
        (known, trend): (&'a Known, &'a TrendReport),
        most: Option<usize>,
    ) -> Result<Self, CliError> {
        let site = Site::new(templates, paths(known), &known.machines)?;
        let described = config.descriptions.iter();
        let descriptions =
            described.filter_map(|one| Some((Regex::new(&one.pattern).ok()?, one.measures.as_str())));
        let with_page = known.pages.iter().filter_map(|run| known.by_id.get(run));
        let oldest = with_page.filter_map(|place| Some(known.runs.get(*place)?.started)).min();
        // Only what pages depend on: paths of this machine are no part of them.
        let chosen = (
            config.margin,
            config.comparison_level,
            &config.descriptions,
            &config.curves,
            &config.budgets,
            most,
        );
        let look = format!("{}/{}", site.look(), digest(&[&format!("{chosen:?}")]));
        Ok(Self {
            config,
            templates,
            known,
            trend,
            told: Told::new(trend),
            marks: all_marks(known),
            site,
            look,
            learned: digest(&[&known.learned]),
            descriptions: descriptions.collect(),
            oldest: oldest.unwrap_or(Timestamp(i64::MAX)),
            runs: input::Runs::default(),
            memories: Mutex::default(),
            most,
        })
    }

    fn newest(&self, key: &SeriesKey) -> Option<&Newest> {
        let place: PlaceKey = (key.machine.clone(), key.config.clone(), key.recipe);
        self.known.newest.get(&place)
    }

    /// One benchmark: its lines, and its page.
    fn benchmark(
        &self,
        store: &Store,
        files: &Files,
        id: &BenchmarkId,
        lines: &Lines,
    ) -> Result<Done, CliError> {
        let spare = self.memories.lock().ok().and_then(|mut spare| spare.pop());
        let mut memory = spare.unwrap_or_default();
        let mut places = Vec::new();
        let histories = store.histories_at(lines)?;
        let state = store.line_state();
        for history in histories {
            if history.points.is_empty() {
                continue;
            }
            let (machine, config) = (history.key.machine.clone(), history.key.config.clone());
            let newest = self.newest(&history.key);
            let last = history.points.last().map(|point| &point.run);
            let current = newest.filter(|newest| Some(&newest.report.run.id) == last);
            let budget = current.and_then(|newest| {
                newest.report.gates.iter().find(|gate| gate.benchmark.as_ref() == Some(id))
            });
            places.push(Place {
                name: self.site.machine_name(&machine),
                line: line(&mut memory, history, &self.known.changes, &self.told, budget),
                marks: self.marks.get(&(machine, config)).cloned().unwrap_or_default(),
                elements: current.and_then(|newest| {
                    newest.report.results.iter().find(|result| result.benchmark == *id)?.elements()
                }),
                samples: current.and_then(|newest| samples(newest, id)),
            });
        }
        if let Ok(mut spare) = self.memories.lock() {
            spare.push(memory);
        }
        let summaries = places.iter().map(|place| summary(&place.line)).collect();
        let name = id.to_string();
        let measures = self.descriptions.iter().find(|(pattern, _)| pattern.is_match(&name));
        let page = BenchmarkPage {
            benchmark: id.clone(),
            measures: measures.map(|(_, text)| (*text).to_owned()),
            places,
        };
        let path = site::benchmark_path(id);
        let causes: Vec<Causes> = page.places.iter().map(|place| self.told.causes(&place.line)).collect();
        let input = self.input_of(&page.places, &causes);
        let made = match files.current(&path, &input) {
            Some(current) => current,
            None => {
                let document = site::benchmark(&self.site, &page, &causes)?;
                files.put(&path, &input, &self.site.html(&document)?)?
            }
        };
        page.places.into_iter().for_each(|place| store.take_back(state, place.line.history));
        Ok(Done::Benchmark(summaries, made))
    }

    /// What a machine was over time.
    fn profile(&self, store: &Store, machine: &MachineListing) -> Result<MachineProfile, CliError> {
        let runs = self.known.facts.get(&machine.machine).map(Vec::as_slice).unwrap_or_default();
        let since = runs.first().map(|run| run.started);
        let filter = HistoryFilter { machine: Some(machine.machine.clone()), config: None, since };
        let mut histories = Vec::new();
        store.histories(&filter, |history| histories.push(history))?;
        let state = store.line_state();
        let profile = profile(machine, runs, &histories);
        histories.into_iter().for_each(|history| store.take_back(state, history));
        Ok(profile)
    }

    /// The pages of one run.
    fn run(&self, store: &Store, files: &Files, run: &RunId) -> Result<Vec<Made>, CliError> {
        let previous = self.known.before.get(run).cloned().flatten();
        let seal = load::seal_of(store, run)?;
        let input = digest(&[
            &self.look,
            &self.learned,
            run.as_str(),
            &format!("{previous:?}{seal:?}{:?}", site::neighbors(&self.site, run, previous.as_ref())),
        ]);
        if let Some(current) = files.current_run(&format!("run/{run}"), &input) {
            return Ok(current);
        }
        let report = match load::report_with(self.config, store, &self.known.trials, run) {
            Ok(report) => report,
            Err(error) if error.exit == exit_code::NOTHING => {
                let text = self.site.html(&self.site.pruned(run))?;
                return Ok(vec![files.put(&site::run_path(run), &input, &text)?]);
            }
            Err(error) => return Err(error),
        };
        let mut made = Vec::new();
        for (path, text) in site::run(&self.site, self.templates, &report)? {
            made.push(files.put(&path, &input, &text)?);
        }
        let twin = site::cut(&markdown_with(self.templates, &report)?, self.most);
        made.push(files.put(&format!("run/{run}.md"), &input, &twin)?);
        Ok(made)
    }
}

/// Observations of the newest run and of the one before.
fn samples(newest: &Newest, id: &BenchmarkId) -> Option<NowAndBefore> {
    let now = newest.report.distributions.iter().find(|one| one.benchmark == *id)?;
    let before = newest.report.previous.as_ref().map(|previous| &previous.baseline);
    Some(NowAndBefore {
        run: newest.report.run.id.clone(),
        now: now.clone(),
        before: before.and_then(|run| Some((run.clone(), newest.before.get(id)?.clone()))),
    })
}
