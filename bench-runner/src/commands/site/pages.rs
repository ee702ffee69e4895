//! Writes every page in a few threads, each with its own connection to the store: first those of benchmarks and runs, then those
//! that say something about all of them.

mod documents;

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use sha2::{Digest as _, Sha256};

use super::gather::{Known, Newest, PlaceKey};
use super::manifest::{Files, Made};
use crate::analysis::change_points::robust::Robust;
use crate::analysis::site_assembly::{Told, line, marks, summary};
use crate::commands::load;
use crate::commands::threads::parallel;
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code;
use crate::model::history::HistoryPoint;
use crate::model::ids::{BenchmarkId, Digest, RunId};
use crate::model::record::SeriesKey;
use crate::model::site::{BenchmarkPage, LineSummary, Mark, NowAndBefore, Place};
use crate::model::trend::TrendReport;
use crate::model::units::Timestamp;
use crate::report::site::{self, Site};
use crate::report::{Templates, markdown_with};
use crate::store::{LineRow, Store};

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
    /// The page of a benchmark.
    Benchmark(&'a BenchmarkId, &'a Lines),
    /// The pages of a run.
    Run(&'a RunId),
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
    let benchmarks = known.lines.iter().map(|(id, lines)| Task::Benchmark(id, lines));
    let runs = known.pages.iter().filter(|run| known.by_id.contains_key(*run)).map(Task::Run);
    let tasks: Vec<Task<'_>> = benchmarks.chain(runs).collect();
    let present = &*files;
    let made = parallel(config, &tasks, usize::MAX, |store, task| match task {
        Task::Benchmark(id, lines) => work.benchmark(store, present, id, lines),
        Task::Run(run) => Ok((Vec::new(), work.run(store, present, run)?)),
    })?;
    let mut lines = Vec::new();
    for (mine, pages) in made {
        lines.extend(mine);
        files.add(pages);
    }
    let overview = work.overview(lines);
    let pages = documents::pages(&known, &overview);
    let present = &*files;
    let made =
        parallel(config, &pages, usize::MAX, |store, page| work.document(store, present, &overview, *page))?;
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
    ) -> Result<(Vec<LineSummary>, Vec<Made>), CliError> {
        let mut engine = Robust::default();
        let mut places = Vec::new();
        for history in store.histories_at(lines)? {
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
                line: line(&mut engine, history, &self.known.changes, &self.told, budget),
                marks: self.marks.get(&(machine, config)).cloned().unwrap_or_default(),
                elements: current.and_then(|newest| {
                    newest.report.results.iter().find(|result| result.benchmark == *id)?.elements()
                }),
                samples: current.and_then(|newest| samples(newest, id)),
            });
        }
        let summaries = places.iter().map(|place| summary(&place.line)).collect();
        let path = site::benchmark_path(id);
        let input = self.input_of(&places);
        if let Some(current) = files.current(&path, &input) {
            return Ok((summaries, vec![current]));
        }
        let name = id.to_string();
        let measures = self.descriptions.iter().find(|(pattern, _)| pattern.is_match(&name));
        let page = BenchmarkPage {
            benchmark: id.clone(),
            measures: measures.map(|(_, text)| (*text).to_owned()),
            places,
        };
        let text = self.site.html(&site::benchmark(&self.site, &page)?)?;
        Ok((summaries, vec![files.put(&path, &input, &text)?]))
    }

    /// Digest of everything that the page of a benchmark is made from.
    fn input_of(&self, places: &[Place]) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.look.as_bytes());
        // One piece for each point: a hundred small ones cost more than the hashing.
        let mut piece = Vec::new();
        for place in places {
            hasher.update(place.name.as_bytes());
            let mut before = None;
            for point in &place.line.history.points {
                piece.clear();
                self.describe(point, before, &mut piece);
                hasher.update(&piece);
                before = Some(point);
            }
            // The rest is small: written out, so that nothing of it is forgotten.
            let line = &place.line;
            let rest =
                (&line.history.key, &line.steps, &line.moved, &line.budget, line.standing, &line.reason);
            let samples =
                place.samples.as_ref().map(|one| (&one.run, one.before.as_ref().map(|before| &before.0)));
            hasher.update(format!("{rest:?}{samples:?}{:?}{:?}", place.marks, place.elements).as_bytes());
        }
        Digest(hasher.finalize().into()).to_string()
    }

    /// Appends everything that a page shows of a point, texts only where they differ from those of the point before.
    fn describe(&self, point: &HistoryPoint, before: Option<&HistoryPoint>, out: &mut Vec<u8>) {
        out.extend_from_slice(point.run.as_str().as_bytes());
        out.extend_from_slice(&point.started.0.to_le_bytes());
        out.extend_from_slice(&point.value.to_bits().to_le_bytes());
        out.extend_from_slice(&point.log_sd.unwrap_or(f64::NAN).to_bits().to_le_bytes());
        out.extend_from_slice(&point.launches.to_le_bytes());
        let has_page = point.started >= self.oldest && self.known.pages.contains(&point.run);
        out.extend([u8::from(point.is_eligible()), u8::from(has_page)]);
        let texts: [fn(&HistoryPoint) -> Option<&str>; 4] = [
            |point| point.commit.as_deref(),
            |point| Some(point.build.as_str()),
            |point| point.grade.as_deref(),
            |point| point.quarantined.as_deref(),
        ];
        for text in texts {
            let mine = text(point);
            if before.map(text) == Some(mine) {
                out.push(1);
            } else {
                // No text and an empty one look the same.
                let mine = mine.unwrap_or_default();
                out.push(2);
                out.extend_from_slice(&(mine.len() as u64).to_le_bytes());
                out.extend_from_slice(mine.as_bytes());
            }
        }
    }

    /// The pages of one run.
    fn run(&self, store: &Store, files: &Files, run: &RunId) -> Result<Vec<Made>, CliError> {
        let previous = store.previous_comparable(run)?;
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
