//! Turns a decided report into finished texts and flags, section by section.
//!
//! All wording and every threshold lives here and below; templates only place what they are given. Nothing is
//! read, measured or judged: verdicts arrive in the model.

pub(super) mod advice;
mod build;
mod compare;
mod doubts;
mod family;
mod figures;
mod headline;
mod interpret;
mod machine;
pub(super) mod ratio_text;
mod regression;
mod release;
pub mod sheet;
mod sparkline;
pub mod table;
mod trend;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::format::{self, Dialect};
use super::{Recent, ReportError};
use crate::model::comparison::Comparison;
use crate::model::curve::{BatchCurve, ParallelScaling};
use crate::model::ids::{BenchmarkId, RunId};
use crate::model::report::RunReport;
pub use advice::{Gates, Knob, Knobs};
pub use build::Build;
pub use compare::Versus;
pub(super) use compare::counted;
pub use doubts::{Doubt, Doubts};
pub use family::{Family, Tile};
pub use headline::{Banner, Chip, Headline};
pub use machine::Machine;
pub(super) use machine::label as fact_label;
pub use release::release;
pub(super) use sparkline::sparkline;
use table::{Cell, Table};
pub use trend::trend;
pub(super) use trend::{NOTHING, Telling, between, cause, state};

/// A chart with everything that replaces it for those who cannot see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// The finished SVG element.
    pub svg: String,
    /// One or two sentences below it.
    pub caption: String,
    /// Words on the fold that opens the table.
    pub fold: String,
    /// The numbers drawn.
    pub table: Table,
}

/// One run's report, ready to be placed by a template.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Page {
    /// Title of the document.
    pub title: String,
    /// What the run is and whether it may be used.
    pub headline: Headline,
    /// All results in one table.
    pub glance: Table,
    /// The machine.
    pub machine: Machine,
    /// Harness and build.
    pub build: Build,
    /// Sections of results.
    pub families: Vec<Family>,
    /// Against the previous comparable run.
    pub versus: Versus,
    /// The short list.
    pub takeaways: Vec<String>,
    /// What could be turned.
    pub knobs: Knobs,
    /// Budgets.
    pub gates: Gates,
    /// Doubts and limits.
    pub doubts: Doubts,
    /// Commands, one a line.
    pub reproduce: String,
    /// What else it takes to get the same numbers.
    pub reproduce_notes: Vec<String>,
    /// Last lines.
    pub footer: Vec<String>,
}

/// What every section needs.
#[derive(Debug)]
pub(super) struct Context<'a> {
    /// The decided content.
    pub report: &'a RunReport,
    /// Where it will be read.
    pub dialect: Dialect,
    names: BTreeMap<&'a BenchmarkId, String>,
    rows: BTreeMap<&'a BenchmarkId, &'a Comparison>,
}

impl<'a> Context<'a> {
    /// Prepares the look-ups that all sections share.
    pub(super) fn new(report: &'a RunReport, dialect: Dialect) -> Self {
        let measured = report.results.iter().map(|result| &result.benchmark);
        let mut ids: Vec<&BenchmarkId> = measured.chain(&report.run.inventory).collect();
        if let Some(previous) = &report.previous {
            ids.extend(previous.rows.iter().map(|row| &row.benchmark));
            ids.extend(previous.missing.iter().chain(&previous.new));
        }
        ids.sort();
        ids.dedup();
        // Of what was measured: an inventory made of titles knows no structure.
        let mut twins: BTreeMap<String, BTreeSet<&BenchmarkId>> = BTreeMap::new();
        for result in &report.results {
            twins.entry(result.benchmark.long_name()).or_default().insert(&result.benchmark);
        }
        let name = |id: &BenchmarkId| match twins.get(&id.long_name()) {
            Some(alike) if alike.len() > 1 => words::parted(id),
            _ => words::name(id, &ids),
        };
        let names = ids.iter().map(|id| (*id, name(id))).collect();
        let rows = report.previous.iter().flat_map(|previous| &previous.rows);
        Self { report, dialect, names, rows: rows.map(|row| (&row.benchmark, row)).collect() }
    }

    /// Name of a benchmark, as long as it needs to be within this report.
    pub(super) fn name(&self, id: &BenchmarkId) -> String {
        self.names.get(id).cloned().unwrap_or_else(|| id.to_string())
    }

    /// The row of the comparison with the previous run.
    pub(super) fn row(&self, id: &BenchmarkId) -> Option<&'a Comparison> {
        self.rows.get(id).copied()
    }

    /// The change of one row with its interval.
    pub(super) fn change(&self, row: &Comparison) -> String {
        let interval = row.ratio_interval.map(|(low, high)| (low - 1.0, high - 1.0));
        format::change(self.dialect, row.ratio - 1.0, interval)
    }

    /// Cell that says what became of a benchmark since the previous comparable run; empty without one.
    pub(super) fn against_previous(&self, id: &BenchmarkId) -> Cell {
        let Some(previous) = &self.report.previous else { return Cell::plain(String::new()) };
        match self.row(id) {
            Some(row) => Cell::toned(
                format!("{} {}", words::verdict(row.verdict, self.dialect), self.change(row)),
                words::verdict_tone(row.verdict),
            ),
            None if previous.new.contains(id) => Cell::plain("+ new".to_owned()),
            None => Cell::plain(format!("{} not compared", self.dialect.nothing())),
        }
    }

    /// The batch curves whose points belong to `group`.
    fn curves(&self, group: &family::Group<'_>) -> Vec<&'a BatchCurve> {
        let belongs = |id: &BenchmarkId| group.results.iter().any(|result| result.benchmark == *id);
        let curves = self.report.batch_curves.iter();
        curves.filter(|curve| curve.points.first().is_some_and(|point| belongs(&point.benchmark))).collect()
    }

    /// The parallel benchmarks that belong to `group`.
    fn scalings(&self, group: &family::Group<'_>) -> Vec<&'a ParallelScaling> {
        let belongs = |id: &BenchmarkId| group.results.iter().any(|result| result.benchmark == *id);
        self.report.parallel.iter().filter(|scaling| belongs(&scaling.benchmark)).collect()
    }
}

/// What fits on a terminal.
#[derive(Debug)]
pub(super) struct Brief {
    /// Title of the report.
    pub title: String,
    /// Chips and banners.
    pub head: Headline,
    /// One row per result: name, value, half width, value per element, throughput, previous run, newest runs as blocks.
    pub rows: Vec<Vec<Cell>>,
    /// Sentences on the previous run and the budgets.
    pub sentences: Vec<String>,
    /// Whether there is a previous run, so that these sentences are the answer.
    pub compared: bool,
}

/// Writes what fits on a terminal.
pub(super) fn brief(report: &RunReport, recent: &Recent, dialect: Dialect) -> Brief {
    let context = Context::new(report, dialect);
    let groups = family::groups(&context);
    let rows = groups.iter().flat_map(|group| {
        let rows = group.results.iter().map(|result| {
            let mut row = family::glance_row(&context, result, group.element());
            let values = recent.get(&(result.benchmark.clone(), result.metric.clone()));
            row.push(Cell::plain(values.map_or_else(String::new, |values| sparkline(values, dialect))));
            row
        });
        rows.collect::<Vec<_>>()
    });
    Brief {
        title: headline::title(&context),
        head: headline::headline(&context),
        rows: rows.collect(),
        sentences: [Some(headline::against(&context)), headline::gates(&context)]
            .into_iter()
            .flatten()
            .collect(),
        compared: report.previous.is_some(),
    }
}

/// A count as a real number.
#[expect(clippy::cast_precision_loss, reason = "counts of operations stay far below 2^53")]
pub(super) fn real(count: u64) -> f64 {
    count as f64
}

/// A number of items as a count.
pub(super) fn total(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Ends `text` with exactly one full stop, for texts that rules wrote as fragments.
pub(super) fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() || text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

/// The same with a capital where it begins with a word; a name such as `build.lto` keeps its own spelling.
pub(super) fn capital_sentence(text: &str) -> String {
    let text = sentence(text);
    let first = text.split_whitespace().next().unwrap_or_default();
    let is_word = first.trim_end_matches([',', ':']).chars().all(char::is_alphabetic);
    match text.chars().next() {
        Some(letter) if is_word => format!("{}{}", letter.to_uppercase(), &text[letter.len_utf8()..]),
        _ => text,
    }
}

/// Writes all sections.
///
/// # Errors
///
/// Returns [`ReportError::Chart`] when a chart cannot be drawn.
pub(super) fn page(report: &RunReport, dialect: Dialect) -> Result<Page, ReportError> {
    let context = Context::new(report, dialect);
    let groups = family::groups(&context);
    let families = groups.iter().zip(1..).map(|(group, number)| family::family(&context, group, number));
    let families = families.collect::<Result<Vec<Family>, ReportError>>()?;
    Ok(Page {
        title: headline::title(&context),
        headline: headline::headline(&context),
        glance: family::glance(&context, &groups),
        machine: machine::machine(&context),
        build: build::build(&context),
        families,
        versus: compare::versus(&context)?,
        takeaways: advice::takeaways(&context, &groups),
        knobs: advice::knobs(&context),
        gates: advice::gates(&context),
        doubts: doubts::doubts(&context),
        reproduce: report.reproduce.clone(),
        reproduce_notes: build::reproduce_notes(&context),
        footer: footer(&context, &report.run.id),
    })
}

fn footer(context: &Context<'_>, id: &RunId) -> Vec<String> {
    let runner =
        crate::model::fact::known(&context.report.run.facts, crate::model::fact::keys::HARNESS_RUNNER);
    let tool = runner.map_or_else(
        || "bench-runner, version unknown".to_owned(),
        |version| {
            if version.contains("bench-runner") { version } else { format!("bench-runner {version}") }
        },
    );
    let seal = context.report.seal.map_or_else(String::new, |seal| {
        format!(" · statement {} of its chain, {}", seal.position, words::code(&seal.sha256.short()))
    });
    let mut lines = vec![
        format!(
            "Run {} · started {} · {tool}{seal}",
            words::code(id.as_str()),
            format::timestamp(context.report.run.started)
        ),
        "Value: the named statistic of the time per iteration. Interval: what it covers is stated beside each table. \
         Throughput: work per iteration divided by the value. Changes are relative to the older run; above zero is \
         slower."
            .to_owned(),
    ];
    lines.extend(regression::left_out(context));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_begin_with_a_capital_unless_with_a_name() {
        let check = |text: &str, expected: &str| assert_eq!(capital_sentence(text), expected);
        check("each thread repeats it", "Each thread repeats it.");
        check("none, as far as known", "None, as far as known.");
        check("faster: by a tenth", "Faster: by a tenth.");
        check("batch_verify/8 is best", "batch_verify/8 is best.");
        check("11.84 µs per operation!", "11.84 µs per operation!");
        check("", "");
    }
}
