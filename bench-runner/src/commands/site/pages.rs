//! Writes every page, benchmarks and runs in a few threads, each with its own connection to the store.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use sha2::{Digest as _, Sha256};

use super::gather::{Known, Newest, PlaceKey, doubts, place};
use super::manifest::Files;
use super::threads::parallel;
use crate::analysis::change_points::robust::{FEWEST, Robust};
use crate::analysis::machines::profile;
use crate::analysis::site_assembly::{
    LEVEL, MachineInput, OverviewInput, Told, feed_of, line, marks, overview, summary,
};
use crate::commands::load;
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code;
use crate::model::fact::keys;
use crate::model::ids::{BenchmarkId, Digest, RunId};
use crate::model::record::SeriesKey;
use crate::model::run::{RunKind, RunStatus};
use crate::model::site::{
    BenchmarkPage, ChangeLog, LineSummary, MachinePage, Mark, NowAndBefore, Overview, Place, Standing,
};
use crate::model::trend::TrendReport;
use crate::report::site::{self, Document, Parameters, Site};
use crate::report::{Templates, markdown_with};
use crate::stats::order::median;
use crate::store::Store;

/// Steps on the page of changes at most.
const STEPS: usize = 400;
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
/// Moved lines on the page of a machine.
const MOVED: usize = 25;

/// What rendering a page gave: path, digest of its input, and its content unless it is current.
type Made = (String, String, Option<String>);

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
}

/// Writes all pages.
pub(super) fn write(
    config: &Config,
    templates: &Templates,
    (known, trend): (Known, TrendReport),
    most: Option<usize>,
    files: &mut Files,
) -> Result<(), CliError> {
    let site = Site::new(templates, paths(&known), &known.machines)?;
    let descriptions = config
        .descriptions
        .iter()
        .filter_map(|one| Some((Regex::new(&one.pattern).ok()?, one.measures.as_str())))
        .collect();
    // Only what pages depend on: paths of this machine are no part of them.
    let chosen =
        (config.margin, config.comparison_level, &config.descriptions, &config.curves, &config.budgets, most);
    let look = format!("{}/{}", site.look(), digest(&[&format!("{chosen:?}")]));
    let (told, marks) = (Told::new(&trend), all_marks(&known));
    let learned = digest(&[&known.learned]);
    let work = Work {
        config,
        templates,
        known: &known,
        trend: &trend,
        told,
        marks,
        site,
        look,
        learned,
        descriptions,
    };
    let lines = benchmarks(&work, files)?;
    runs(&work, most, files)?;
    let overview = work.overview(lines);
    for document in work.documents(&overview)? {
        put(&work.site, files, &document)?;
        if let Some(twin) = twin(&document.path).filter(|twin| work.site.has(twin)) {
            let text = work.site.markdown(&document, most);
            files.put(&twin, &digest(&[&text]), &text)?;
        }
    }
    let log = work.changes(&overview);
    let feed = site::atom(&work.site, &log);
    files.put("changes.atom", &digest(&[&feed]), &feed)?;
    let badge = site::badge(&overview);
    files.put("badge.svg", &digest(&[&badge]), &badge)
}

/// The Markdown twin of a page that has one.
fn twin(path: &str) -> Option<String> {
    let has = TWINS.contains(&path) || path.starts_with("compare/");
    has.then(|| format!("{}.md", path.trim_end_matches(".html")))
}

fn put(site: &Site, files: &mut Files, document: &Document) -> Result<(), CliError> {
    let text = site.html(document)?;
    files.put(&document.path, &digest(&[&text]), &text)
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
    paths.extend(known.series.keys().map(site::benchmark_path));
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

/// Writes the pages of benchmarks and returns what other pages say about their lines.
fn benchmarks(work: &Work<'_>, files: &mut Files) -> Result<Vec<LineSummary>, CliError> {
    let items: Vec<(&BenchmarkId, &Vec<SeriesKey>)> = work.known.series.iter().collect();
    let current = &*files;
    let made = parallel(work.config, &items, |store, (id, keys)| work.benchmark(store, current, id, keys))?;
    let mut lines = Vec::new();
    for (mine, (path, input, text)) in made {
        lines.extend(mine);
        match text {
            Some(text) => files.put(&path, &input, &text)?,
            None => files.keep(&path),
        }
    }
    Ok(lines)
}

/// Writes the pages of runs.
fn runs(work: &Work<'_>, most: Option<usize>, files: &mut Files) -> Result<(), CliError> {
    let items: Vec<&RunId> =
        work.known.pages.iter().filter(|run| work.known.by_id.contains_key(*run)).collect();
    let current = &*files;
    let made = parallel(work.config, &items, |store, run| work.run(store, current, run, most))?;
    for (run, pages) in items.iter().zip(made) {
        match pages {
            Some(pages) => {
                for (path, input, text) in pages {
                    files.put(&path, &input, &text.unwrap_or_default())?;
                }
            }
            None => files.keep(&format!("run/{run}")),
        }
    }
    Ok(())
}

impl Work<'_> {
    fn newest(&self, key: &SeriesKey) -> Option<&Newest> {
        let place: PlaceKey = (key.machine.clone(), key.config.clone(), key.recipe);
        self.known.newest.get(&place)
    }

    /// One benchmark: its lines, and its page unless that is current.
    fn benchmark(
        &self,
        store: &Store,
        files: &Files,
        id: &BenchmarkId,
        keys: &[SeriesKey],
    ) -> Result<(Vec<LineSummary>, Made), CliError> {
        let mut engine = Robust::default();
        let mut places = Vec::new();
        for key in keys {
            let history = store.history(key)?;
            if history.points.is_empty() {
                continue;
            }
            let newest = self.newest(key);
            let last = history.points.last().map(|point| &point.run);
            let current = newest.filter(|newest| Some(&newest.report.run.id) == last);
            let budget = current.and_then(|newest| {
                newest.report.gates.iter().find(|gate| gate.benchmark.as_ref() == Some(id))
            });
            let line = line(&mut engine, history, &self.known.changes, &self.told, budget);
            let marks = self.marks.get(&(key.machine.clone(), key.config.clone()));
            places.push(Place {
                name: self.site.machine_name(&key.machine),
                line,
                marks: marks.cloned().unwrap_or_default(),
                elements: current.and_then(|newest| {
                    newest.report.results.iter().find(|result| result.benchmark == *id)?.elements()
                }),
                samples: current.and_then(|newest| samples(newest, id)),
            });
        }
        let lines = places.iter().map(|place| summary(&place.line)).collect();
        let path = site::benchmark_path(id);
        let input = self.input_of(&places);
        if files.is_current(&path, &input) {
            return Ok((lines, (path, input, None)));
        }
        let name = id.to_string();
        let measures = self.descriptions.iter().find(|(pattern, _)| pattern.is_match(&name));
        let page = BenchmarkPage {
            benchmark: id.clone(),
            measures: measures.map(|(_, text)| (*text).to_owned()),
            places,
        };
        let text = self.site.html(&site::benchmark(&self.site, &page)?)?;
        Ok((lines, (path, input, Some(text))))
    }

    /// Digest of everything that the page of a benchmark is made from.
    fn input_of(&self, places: &[Place]) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.look.as_bytes());
        for place in places {
            hasher.update(place.name.as_bytes());
            for point in &place.line.history.points {
                hasher.update(point.run.as_str().as_bytes());
                hasher.update(point.started.0.to_le_bytes());
                hasher.update(point.value.to_bits().to_le_bytes());
                hasher.update(point.log_sd.unwrap_or(f64::NAN).to_bits().to_le_bytes());
                hasher.update(point.launches.to_le_bytes());
                hasher
                    .update([u8::from(point.is_eligible()), u8::from(self.known.pages.contains(&point.run))]);
                for text in [
                    point.commit.as_deref(),
                    Some(&point.build),
                    point.grade.as_deref(),
                    point.quarantined.as_deref(),
                ] {
                    hasher.update(text.unwrap_or_default().as_bytes());
                    hasher.update([0]);
                }
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

    /// The pages of one run, unless they are current.
    fn run(
        &self,
        store: &Store,
        files: &Files,
        run: &RunId,
        most: Option<usize>,
    ) -> Result<Option<Vec<Made>>, CliError> {
        let previous = store.previous_comparable(run)?;
        let seal = load::seal_of(store, run)?;
        let input = digest(&[
            &self.look,
            &self.learned,
            run.as_str(),
            &format!("{previous:?}{seal:?}{:?}", site::neighbors(&self.site, run, previous.as_ref())),
        ]);
        let path = site::run_path(run);
        if files.is_current(&path, &input) {
            return Ok(None);
        }
        let report = match load::report_of(self.config, store, run) {
            Ok(report) => report,
            Err(error) if error.exit == exit_code::NOTHING => {
                let document = self.site.pruned(run);
                return Ok(Some(vec![(path, input, Some(self.site.html(&document)?))]));
            }
            Err(error) => return Err(error),
        };
        let mut made: Vec<Made> = site::run(&self.site, self.templates, &report)?
            .into_iter()
            .map(|(path, text)| (path, input.clone(), Some(text)))
            .collect();
        let twin = site::cut(&markdown_with(self.templates, &report)?, most);
        made.push((format!("run/{run}.md"), input, Some(twin)));
        Ok(Some(made))
    }

    /// The first page's content.
    fn overview(&self, lines: Vec<LineSummary>) -> Overview {
        let known = self.known;
        let mut machines: Vec<MachineInput> = Vec::new();
        let mut budgets = Vec::new();
        for machine in &known.machines {
            let mine = |run: &&crate::model::record::RunListing| run.identity.machine == machine.machine;
            let measured = known.runs.iter().filter(mine).find(|run| run.kind == RunKind::Measured);
            let Some(latest) = measured.or_else(|| known.runs.iter().find(mine)) else { continue };
            let facts = known
                .facts
                .get(&machine.machine)
                .and_then(|runs| runs.iter().find(|run| run.id == latest.id));
            let newest = known.newest.get(&place(latest)).filter(|newest| newest.report.run.id == latest.id);
            let noise = newest.and_then(|newest| noise(&newest.report.results));
            let grade = facts.and_then(|run| crate::model::fact::known(&run.facts, keys::DOCTOR_GRADE));
            let mut doubtful = facts.map(doubts).unwrap_or_default();
            if latest.status == RunStatus::Partial {
                doubtful.insert(
                    0,
                    "the newest run is partial: something that was planned was not measured".to_owned(),
                );
            }
            machines.push((machine.clone(), latest.clone(), grade, noise, doubtful));
        }
        for (place, newest) in &known.newest {
            budgets.extend(newest.report.gates.iter().map(|gate| (place.0.clone(), gate.clone())));
        }
        let recent =
            known.runs.iter().filter(|run| known.pages.contains(&run.id)).take(30).cloned().collect();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let pages = known.pages.iter().filter(|run| known.by_id.contains_key(*run)).count();
        overview(OverviewInput {
            trend: self.trend.clone(),
            machines,
            lines,
            budgets,
            recent,
            runs: (count(known.runs.len()), count(pages)),
        })
    }

    fn changes(&self, overview: &Overview) -> ChangeLog {
        ChangeLog {
            noted: self.known.changes.clone(),
            found: feed_of(&overview.lines, STEPS),
            decisions: self.known.decisions.clone(),
            newest: overview.newest,
        }
    }

    /// All pages but those of benchmarks and runs.
    fn documents(&self, overview: &Overview) -> Result<Vec<Document>, CliError> {
        let known = self.known;
        let parameters = Parameters {
            margin: self.config.margin,
            comparison_level: self.config.comparison_level,
            level: LEVEL,
            fewest: FEWEST,
            nights: self.trend.nights,
        };
        let mut documents = vec![
            site::index(&self.site, overview),
            site::benchmarks(&self.site, overview),
            site::changes(&self.site, &self.changes(overview)),
            site::machines(&self.site, &overview.machines, &known.side)?,
            site::comparisons(&self.site, &known.comparisons),
            site::gates(&self.site, overview, &known.decisions),
            site::releases(&self.site, &known.releases),
            site::knobs(&super::knobs::board(self.config, &self.site, known)?),
            site::data(&self.site),
            site::method(&self.site, &parameters),
        ];
        for one in &known.comparisons {
            documents.push(site::comparison(&self.site, one)?);
        }
        for standing in &overview.machines {
            documents.push(site::machine(&self.site, &self.machine(standing, overview)?)?);
        }
        Ok(documents)
    }

    fn machine(
        &self,
        standing: &crate::model::site::MachineStanding,
        overview: &Overview,
    ) -> Result<MachinePage, CliError> {
        let key = &standing.machine.machine;
        let runs = self.known.facts.get(key).map(Vec::as_slice).unwrap_or_default();
        let store = load::open_to_read(self.config)?;
        let since = runs.first().map(|run| run.started);
        let mut histories = Vec::new();
        let filter = crate::store::HistoryFilter { machine: Some(key.clone()), config: None, since };
        store.histories(&filter, |history| histories.push(history))?;
        let moved = |line: &&LineSummary| {
            line.machine == *key && matches!(line.standing, Standing::Slower | Standing::Faster)
        };
        Ok(MachinePage {
            standing: standing.clone(),
            profile: profile(&standing.machine, runs, &histories),
            facts: runs.last().map(|run| run.facts.clone()).unwrap_or_default(),
            runs: self
                .known
                .runs
                .iter()
                .filter(|run| run.identity.machine == *key)
                .take(30)
                .cloned()
                .collect(),
            lines: overview.lines.iter().filter(moved).take(MOVED).cloned().collect(),
        })
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

/// Median over benchmarks of the spread of the launch medians, as a standard deviation of logarithms.
fn noise(results: &[crate::model::estimate::BenchmarkResult]) -> Option<f64> {
    let spread = |result: &crate::model::estimate::BenchmarkResult| {
        let logs: Vec<f64> = result.launches.iter().map(|launch| launch.median.ln()).collect();
        crate::stats::moments::standard_deviation(&logs)
    };
    median(&results.iter().filter_map(spread).collect::<Vec<f64>>())
}
