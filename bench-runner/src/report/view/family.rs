//! Sections of results: which benchmarks belong together, and their numbers as text.
//!
//! Groups by the owner's descriptions first and by bench target otherwise. It draws no conclusion: sentences are
//! made by `interpret`.

use crate::report::format::append;
use regex::Regex;
use serde::Serialize;

use super::table::{Cell, Kind, Table};
use super::words::{self, code, strong};
use super::{Context, Figure, figures, interpret};
use crate::model::estimate::{BenchmarkResult, IntervalMethod};
use crate::model::finding::Severity;
use crate::model::report::{Description, Distribution};
use crate::model::units::Throughput;
use crate::report::ReportError;
use crate::report::format::{self, Scale};

/// Families with at most this many benchmarks show each as a tile and a sentence; larger ones show a table.
const TILES: usize = 4;

/// Column of the interval's bounds in the full table.
const BOUNDS: usize = 3;
/// Column of the value per element in the full table.
const PER_ELEMENT: usize = 4;
/// Column of the number of launches in the full table.
const LAUNCHES: usize = 6;

/// One section of results.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Family {
    /// Fragment of its link.
    pub slug: String,
    /// Heading.
    pub title: String,
    /// Names of its benchmarks, marked as code.
    pub names: String,
    /// What it measures; says so when nobody wrote it.
    pub measures: String,
    /// One tile per benchmark, or none when there are too many.
    pub tiles: Vec<Tile>,
    /// All numbers.
    pub table: Table,
    /// Sentences that rules made from the numbers.
    pub interpretation: Vec<String>,
    /// Charts, in pages only.
    pub figures: Vec<Figure>,
    /// Whether one chart stands beside the sentences rather than several below them.
    pub pair: bool,
    /// Doubts about single benchmarks.
    pub doubts: Vec<String>,
}

/// The main numbers of one benchmark.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tile {
    /// Name.
    pub name: String,
    /// The value with its unit: per element where an iteration does several.
    pub value: String,
    /// What the value counts, for example `per signature`.
    pub of: String,
    /// Half width of the interval, or why there is none.
    pub doubt: String,
    /// Rate.
    pub rate: String,
    /// The same as one sentence.
    pub sentence: String,
}

/// Results that share a section.
#[derive(Debug)]
pub(super) struct Group<'a> {
    /// The owner's words, if a pattern matched.
    pub description: Option<&'a Description>,
    /// Heading.
    pub title: String,
    /// Results in inventory order.
    pub results: Vec<&'a BenchmarkResult>,
}

impl Group<'_> {
    /// What one element is called.
    pub(super) fn element(&self) -> &str {
        self.description.map(|words| words.element.as_str()).filter(|word| !word.is_empty()).unwrap_or("op")
    }
}

/// Splits the results into groups, in the order in which each group first appears.
pub(super) fn groups<'a>(context: &Context<'a>) -> Vec<Group<'a>> {
    let patterns: Vec<(Option<Regex>, &Description)> = context
        .report
        .descriptions
        .iter()
        .map(|description| (Regex::new(&description.pattern).ok(), description))
        .collect();
    let mut groups: Vec<Group<'a>> = Vec::new();
    for result in &context.report.results {
        let id = result.benchmark.to_string();
        let description = patterns
            .iter()
            .find(|(pattern, _)| pattern.as_ref().is_some_and(|pattern| pattern.is_match(&id)))
            .map(|(_, description)| *description);
        let title = description.map_or_else(|| default_title(result), |words| words.title.clone());
        match groups.iter_mut().find(|group| group.title == title) {
            Some(group) => group.results.push(result),
            None => groups.push(Group { description, title, results: vec![result] }),
        }
    }
    groups
}

/// The target, and the group when it is more than the benchmark itself.
fn default_title(result: &BenchmarkResult) -> String {
    let id = &result.benchmark;
    if id.function.is_none() && id.value.is_none() {
        id.target.clone()
    } else {
        format!("{} / {}", id.target, id.group)
    }
}

/// Benchmarks named at the top of a section; the rest is counted.
const NAMED: usize = 7;
/// Characters of evidence that a section still shows beside its numbers.
const LONG_EVIDENCE: usize = 200;

/// Writes one group as a section.
pub(super) fn family(context: &Context<'_>, group: &Group<'_>, number: usize) -> Result<Family, ReportError> {
    let slug = format!("family-{number}");
    let tiles = if group.results.len() <= TILES {
        group.results.iter().map(|result| tile(context, group, result)).collect()
    } else {
        Vec::new()
    };
    let names: Vec<String> = group.results.iter().map(|result| code(&result.benchmark.to_string())).collect();
    let shown = words::capped(&names, NAMED);
    let measures = group.description.map(|words| words.measures.clone()).filter(|words| !words.is_empty());
    // What merely helps to read a number stands once, at the end of the report; here stands what may mislead.
    let serious = group.results.iter().flat_map(|result| {
        let serious = result.findings.iter().filter(|finding| finding.severity > Severity::Info);
        serious.map(|finding| (finding, context.name(&result.benchmark)))
    });
    let doubts = super::doubts::grouped(serious.collect()).into_iter().map(|doubt| {
        // What was seen, then what it does. A wall of numbers is not read: where it gets long, it stands in the section of doubts.
        let said = if doubt.evidence.chars().count() > LONG_EVIDENCE {
            format!("{} What was seen stands under doubts and limits.", doubt.effect)
        } else {
            format!("{} {}", doubt.evidence, doubt.effect)
        };
        format!("{} {} ({}): {said}", doubt.severity, code(&doubt.code), doubt.subject)
    });
    let figures = figures::family(context, group, &slug)?;
    Ok(Family {
        pair: figures.len() == 1,
        figures,
        slug,
        title: group.title.clone(),
        names: shown,
        measures: measures
            .unwrap_or_else(|| "The configuration has no description of these benchmarks.".to_owned()),
        tiles,
        table: table(context, group),
        interpretation: interpret::sentences(context, group),
        doubts: doubts.collect(),
    })
}

/// The first letter as a capital.
pub(super) fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + characters.as_str())
}

/// Half of the interval's width in the metric's unit.
pub(super) fn half_width(result: &BenchmarkResult) -> Option<f64> {
    result.estimate.interval.map(|interval| (interval.high - interval.low) / 2.0)
}

/// The unit of a row: value and bounds share it.
pub(super) fn scale(context: &Context<'_>, result: &BenchmarkResult) -> Scale {
    let interval = result.estimate.interval;
    let bounds = interval.into_iter().flat_map(|interval| [interval.low, interval.high]);
    Scale::metric(context.dialect, &result.metric, bounds.chain([result.estimate.value]))
}

/// The value with its unit.
pub(super) fn value(context: &Context<'_>, result: &BenchmarkResult) -> String {
    scale(context, result).show(result.estimate.value, half_width(result))
}

/// `±0.14 %`, or why there is none.
pub(super) fn doubt(context: &Context<'_>, result: &BenchmarkResult) -> String {
    let relative = result.estimate.interval.and_then(|it| it.relative_half_width(result.estimate.value));
    relative.map_or_else(
        || "unknown (no interval stated)".to_owned(),
        |relative| format::half_width(context.dialect, relative),
    )
}

/// Value per element, if one iteration does several.
pub(super) fn per_element(context: &Context<'_>, result: &BenchmarkResult, element: &str) -> Option<String> {
    let elements = result.elements().filter(|elements| *elements > 1)?;
    let count = super::real(elements);
    let width = half_width(result).map(|width| width / count);
    let each = result.estimate.value / count;
    Some(format!("{}/{element}", Scale::metric(context.dialect, &result.metric, [each]).show(each, width)))
}

/// Rate of the declared work, or of iterations when nothing was declared; `None` unless time is counted.
pub(super) fn rate(context: &Context<'_>, result: &BenchmarkResult, element: &str) -> Option<String> {
    if !result.metric.is_time() || result.estimate.value <= 0.0 {
        return None;
    }
    let per_second = 1e9 / result.estimate.value;
    let dialect = context.dialect;
    if let Some(elements) = result.elements() {
        let noun = if element == "op" { "op".to_owned() } else { format!("{element}s") };
        return Some(format::rate(dialect, super::real(elements) * per_second, &noun));
    }
    let declared = result.throughput.first().map(|throughput| match *throughput {
        Throughput::Bytes(bytes) => {
            format!("{}/s", format::bytes(dialect, super::real(bytes) * per_second))
        }
        Throughput::BytesDecimal(bytes) => format::rate(dialect, super::real(bytes) * per_second, "B"),
        Throughput::Bits(bits) => format::rate(dialect, super::real(bits) * per_second, "bit"),
        Throughput::Elements(n) | Throughput::ElementsAndBytes { elements: n, .. } => {
            format::rate(dialect, super::real(n) * per_second, "op")
        }
    });
    Some(declared.unwrap_or_else(|| format::rate(dialect, per_second, "iterations")))
}

/// What the number is and what it rests on: `95 % CI, median of launch medians, 10 launches`.
pub(super) fn basis(context: &Context<'_>, result: &BenchmarkResult) -> String {
    let estimate = &result.estimate;
    let mut parts = Vec::new();
    if let Some(interval) = estimate.interval {
        parts.push(format!("{} CI", format::percent(context.dialect, interval.level, 0)));
    }
    parts.push(estimate.statistic.words().to_owned());
    match (estimate.launches, estimate.observations) {
        (0, _) => parts.push("no raw samples stored".to_owned()),
        (1, observations) => parts.push(format!("1 launch, {observations} observations")),
        (launches, _) => parts.push(format::plural(u64::from(launches), "launch")),
    }
    parts.join(", ")
}

/// What an interval covers, in words.
pub(super) fn method_words(method: IntervalMethod) -> &'static str {
    match method {
        IntervalMethod::LaunchT => {
            "Student's t on the logarithms of the launch medians: covers the variation from launch to launch"
        }
        IntervalMethod::HierarchicalBootstrap => {
            "bootstrap over launches, then over the observations within: covers both"
        }
        IntervalMethod::WithinLaunchBootstrap => {
            "bootstrap of one launch's observations: says nothing about other launches"
        }
        IntervalMethod::Stated => "as the record states it",
    }
}

fn tile(context: &Context<'_>, group: &Group<'_>, result: &BenchmarkResult) -> Tile {
    let name = context.name(&result.benchmark);
    let element = group.element();
    let total = value(context, result);
    let doubt = doubt(context, result);
    let each = per_element(context, result, element);
    let rate = rate(context, result, element);
    let bounds = result.estimate.interval.map(|it| scale(context, result).range(it.low, it.high));
    let mut inside = bounds.into_iter().collect::<Vec<_>>();
    inside.push(basis(context, result));
    let width = if result.estimate.interval.is_some() { format!(" {doubt}") } else { String::new() };
    if width.is_empty() {
        inside.insert(0, "interval unknown: none stated".to_owned());
    }
    let mut sentence = format!("{}: {}{width} ({})", code(&name), strong(&total), inside.join(", "));
    if let Some(each) = &each {
        append(&mut sentence, format_args!(" → {}", strong(each)));
    }
    if let Some(rate) = &rate {
        append(&mut sentence, format_args!(" → {}", strong(rate)));
    }
    let (value, of) = match each.as_deref().and_then(|each| each.rsplit_once('/')) {
        Some((number, _)) => (number.to_owned(), format!("per {element}; {total} per iteration")),
        None => (total, "per iteration".to_owned()),
    };
    Tile { name, value, of, doubt, rate: rate.unwrap_or_default(), sentence }
}

/// The full table of one group.
fn table(context: &Context<'_>, group: &Group<'_>) -> Table {
    let element = group.element();
    let per = format!("Per {element}");
    let mut table = Table::new(
        format!("Results: {}", words::unmarked(&group.title)),
        &[
            ("Benchmark", Kind::Code),
            ("Value", Kind::Number),
            ("±", Kind::Number),
            ("Interval", Kind::Number),
            (&per, Kind::Number),
            ("Throughput", Kind::Number),
            ("Launches", Kind::Number),
            ("Against previous", Kind::Number),
        ],
    );
    for result in &group.results {
        let mut cells = row(context, result, element);
        // The head says per what.
        if let Some(cell) = cells.get_mut(PER_ELEMENT)
            && let Some((number, _)) = cell.text.rsplit_once('/')
        {
            cell.text = number.to_owned();
        }
        table.rows.push(cells);
    }
    table.note = note(context, &group.results);
    fold_launches(context, &mut table, &group.results);
    table.drop_empty_columns();
    table
}

/// Says the number of launches once, below the table, when all rows share it.
fn fold_launches(context: &Context<'_>, table: &mut Table, results: &[&BenchmarkResult]) {
    let Some((first, rest)) = results.split_first() else { return };
    let counts = |result: &BenchmarkResult| (result.estimate.launches, result.estimate.observations);
    let (launches, observations) = counts(first);
    if launches == 0 || rest.iter().any(|result| counts(result) != (launches, observations)) {
        return;
    }
    for row in &mut table.rows {
        if let Some(cell) = row.get_mut(LAUNCHES) {
            cell.text.clear();
        }
    }
    let word = if launches == 1 { "launch" } else { "launches" };
    append(
        &mut table.note,
        format_args!(
            " Each from {launches} {word}, {} observations.",
            format::count(context.dialect, observations)
        ),
    );
}

/// The same columns for every result of the run: the table at the top.
pub(super) fn glance(context: &Context<'_>, groups: &[Group<'_>]) -> Table {
    let mut table = Table::new(
        "All results of this run",
        &[
            ("Benchmark", Kind::Code),
            ("Value", Kind::Number),
            ("±", Kind::Number),
            ("Per element", Kind::Number),
            ("Throughput", Kind::Number),
            ("Against previous", Kind::Number),
        ],
    );
    for group in groups {
        for result in &group.results {
            table.rows.push(glance_row(context, result, group.element()));
        }
    }
    table.drop_empty_columns();
    let all: Vec<_> = groups.iter().flat_map(|group| group.results.iter().copied()).collect();
    table.note = note(context, &all);
    table
}

/// A row without bounds and launches.
pub(super) fn glance_row(context: &Context<'_>, result: &BenchmarkResult, element: &str) -> Vec<Cell> {
    let mut cells = row(context, result, element);
    cells.remove(LAUNCHES);
    cells.remove(BOUNDS);
    cells
}

fn row(context: &Context<'_>, result: &BenchmarkResult, element: &str) -> Vec<Cell> {
    let estimate = &result.estimate;
    let bounds = estimate.interval.map(|it| scale(context, result).range(it.low, it.high));
    let launches = match (estimate.launches, estimate.observations) {
        (0, _) => "none stored".to_owned(),
        (launches, observations) => {
            format!("{launches} ({} obs.)", format::count(context.dialect, observations))
        }
    };
    let relative = estimate.interval.and_then(|it| it.relative_half_width(estimate.value));
    let doubt = relative
        .map_or_else(|| "unknown".to_owned(), |relative| format::half_width(context.dialect, relative));
    vec![
        Cell::plain(context.name(&result.benchmark)),
        Cell::plain(value(context, result)),
        Cell::plain(doubt),
        Cell::plain(bounds.unwrap_or_else(|| "unknown (none stated)".to_owned())),
        Cell::plain(per_element(context, result, element).unwrap_or_default()),
        Cell::plain(rate(context, result, element).unwrap_or_default()),
        Cell::plain(launches),
        context.against_previous(&result.benchmark),
    ]
}

/// Names the statistics and what the intervals cover, once for the table.
fn note(context: &Context<'_>, results: &[&BenchmarkResult]) -> String {
    let mut statistics: Vec<String> = Vec::new();
    let mut methods: Vec<String> = Vec::new();
    for result in results {
        let statistic = result.estimate.statistic.words().to_owned();
        if !statistics.contains(&statistic) {
            statistics.push(statistic);
        }
        let Some(interval) = result.estimate.interval else { continue };
        let level = format::percent(context.dialect, interval.level, 0);
        let method = format!("{level} interval: {}", method_words(interval.method));
        if !methods.contains(&method) {
            methods.push(method);
        }
    }
    if statistics.is_empty() {
        return String::new();
    }
    let mut note = format!("Value: {} per iteration.", statistics.join("; "));
    for method in methods {
        append(&mut note, format_args!(" {method}."));
    }
    note
}

/// The raw values of one benchmark, if the run keeps them.
pub(super) fn distribution<'a>(context: &Context<'a>, result: &BenchmarkResult) -> Option<&'a Distribution> {
    context
        .report
        .distributions
        .iter()
        .find(|distribution| distribution.benchmark == result.benchmark)
        .filter(|distribution| distribution.launches.iter().any(|launch| !launch.is_empty()))
}
