//! Prepared comparisons of two runs: what differs first, then verdicts, regressions on top.

use super::Site;
use super::block::{Block, Cell, Chart, Document, Grid, Item};
use super::measure::{self, PAGE, benchmark_cell, machine_cell, minute};
use super::run_path;
use crate::model::comparison::{Comparison, Verdict};
use crate::model::fact::keys;
use crate::model::ids::{BenchmarkId, RunId};
use crate::model::site::PreparedComparison;
use crate::report::ReportError;
use crate::report::chart::{Words, forest};
use crate::report::format::{self, Scale, plural};
use crate::report::view::table::Kind;
use crate::report::view::words::{self, code};
use crate::report::view::{capital_sentence, counted, total};

/// Benchmarks named in a sentence; more stand behind a fold.
const NAMED: usize = 6;

/// Path of the page of a comparison.
#[must_use]
pub fn comparison_path(baseline: &RunId, candidate: &RunId) -> String {
    format!("compare/{baseline}-{candidate}.html")
}

fn count(found: &PreparedComparison, verdict: Verdict) -> usize {
    found.comparison.rows.iter().filter(|row| row.verdict == verdict).count()
}

/// The verdicts with their counts.
pub(super) fn counts(found: &PreparedComparison) -> Vec<(String, &'static str)> {
    let all = [
        Verdict::Regressed,
        Verdict::Improved,
        Verdict::Inconclusive,
        Verdict::NotComparable,
        Verdict::Unchanged,
    ];
    all.into_iter()
        .filter(|verdict| count(found, *verdict) > 0)
        .map(|verdict| {
            let text = words::verdict(verdict, PAGE);
            let (glyph, word) = text.split_once(' ').unwrap_or(("", &text));
            (format!("{glyph} {} {word}", count(found, verdict)), words::verdict_tone(verdict))
        })
        .collect()
}

/// Writes the list of prepared comparisons.
#[must_use]
pub fn comparisons(site: &Site, found: &[PreparedComparison]) -> Document {
    let mut page = Document::new("compare.html", "Benchmark observatory", "Compare");
    page.line =
        format!("{} prepared; any other pair is one command away.", plural(total(found.len()), "comparison"));
    page.command = "bench-runner compare RUN_A RUN_B".to_owned();
    let mut grid = Grid::new(
        "Prepared comparisons",
        &[
            ("Comparison", Kind::Text),
            ("Machine", Kind::Text),
            ("Older", Kind::Text),
            ("Newer", Kind::Text),
            ("▲", Kind::Number),
            ("▼", Kind::Number),
            ("?", Kind::Number),
            ("≠", Kind::Number),
            ("=", Kind::Number),
        ],
    );
    for one in found {
        let pair = &one.comparison;
        let mut row = vec![
            Cell::text(one.label.clone()).to(site.link(comparison_path(&pair.baseline, &pair.candidate))),
            machine_cell(site, &one.identity.machine),
            Cell::text(minute(one.started.0)).to(site.link(run_path(&pair.baseline))),
            Cell::text(minute(one.started.1)).to(site.link(run_path(&pair.candidate))),
        ];
        for (verdict, tone) in [
            (Verdict::Regressed, "regressed"),
            (Verdict::Improved, "improved"),
            (Verdict::Inconclusive, "inconclusive"),
            (Verdict::NotComparable, "apart"),
            (Verdict::Unchanged, ""),
        ] {
            let number = count(one, verdict);
            row.push(Cell::toned(number.to_string(), if number > 0 { tone } else { "" }));
        }
        grid.rows.push(row);
    }
    page.section(
        "prepared",
        "Prepared",
        if found.is_empty() { Vec::new() } else { vec![Block::Table(grid)] },
    );
    let items = vec![
        Block::Code("bench-runner compare RUN_A RUN_B\nbench-runner compare RUN_A RUN_B --format markdown\nbench-runner explain RUN_A RUN_B\nbench-runner list".to_owned()),
        Block::Quiet("A run is named by four or more characters of the beginning or end of its id, or by `latest`. Runs of unlike machines, configurations or settings are not compared; machines are compared on their own page.".to_owned()),
        Block::List(
            site.link("machines.html".to_owned())
                .map(|link| Item { text: "Machines side by side".to_owned(), link: Some(link) })
                .into_iter()
                .collect(),
        ),
    ];
    page.section("others", "Any other pair", items);
    page
}

/// Writes one comparison.
///
/// # Errors
///
/// [`ReportError::Chart`] when a chart cannot be drawn.
pub fn comparison(site: &Site, found: &PreparedComparison) -> Result<Document, ReportError> {
    let pair = &found.comparison;
    let title = format!("{} on {}", found.label, site.machine_name(&found.identity.machine));
    let mut page = Document::new(
        comparison_path(&pair.baseline, &pair.candidate),
        "Comparison",
        crate::report::escape::visible(&title, false),
    );
    page.line = format!(
        "{} The run of {} against that of {} on {}.",
        capital_sentence(&counted(&pair.rows, PAGE)),
        minute(found.started.1),
        minute(found.started.0),
        code(&site.machine_name(&found.identity.machine))
    );
    page.chips = counts(found);
    page.command = format!("bench-runner compare {} {}", pair.baseline, pair.candidate);
    page.section("differs", "What differs", vec![differences(found)]);
    let mut blocks = Vec::new();
    let (unchanged, others): (Vec<&Comparison>, Vec<&Comparison>) =
        pair.rows.iter().partition(|row| row.verdict == Verdict::Unchanged);
    if !pair.rows.is_empty() {
        blocks.push(Block::Chart(chart(site, pair.rows.iter().collect::<Vec<_>>().as_slice())?));
    }
    if !others.is_empty() {
        blocks.push(Block::Table(rows(site, "Changed, or without an answer", &others)));
    }
    if !unchanged.is_empty() {
        let fold = format!("= {} unchanged within the margin", unchanged.len());
        blocks.push(Block::Fold(fold, rows(site, "Unchanged", &unchanged)));
    }
    if pair.rows.is_empty() {
        blocks.push(Block::Text("The two runs share no benchmark.".to_owned()));
    }
    if let Some((mean, rows)) = pair.geometric_mean {
        blocks.push(Block::Quiet(format!(
            "Geometric mean of {}: {}, without an interval.",
            plural(u64::from(rows), "comparable row"),
            format::change(PAGE, mean - 1.0, None)
        )));
    }
    page.section("verdicts", "Verdicts", blocks);
    let lists = [("Missing in the newer run", &pair.missing), ("New in it", &pair.new)];
    let lists = lists.iter().filter(|(_, ids)| !ids.is_empty());
    page.section("coverage", "Coverage", lists.map(|(words, ids)| coverage(site, words, ids)).collect());
    let commands = format!("{}\nbench-runner explain {} {}", page.command, pair.baseline, pair.candidate);
    page.section("reproduce", "Reproduce", vec![Block::Code(commands)]);
    Ok(page)
}

/// Benchmarks that only one of the two runs has: a few as a sentence, many behind a fold.
fn coverage(site: &Site, words: &str, ids: &[BenchmarkId]) -> Block {
    if ids.len() <= NAMED {
        let names: Vec<String> = ids.iter().map(|id| code(&measure::name(id))).collect();
        return Block::Text(format!("{words}: {}.", names.join(", ")));
    }
    let mut grid = Grid::new(words, &[("Benchmark", Kind::Text)]);
    grid.rows = ids.iter().map(|id| vec![benchmark_cell(site, id)]).collect();
    Block::Fold(format!("{words}: {}", plural(total(ids.len()), "benchmark")), grid)
}

fn differences(found: &PreparedComparison) -> Block {
    if found.comparison.differences.is_empty() {
        return Block::Text("Nothing that was recorded differs between the two runs.".to_owned());
    }
    let mut grid = Grid::new(
        "What differs",
        &[("What", Kind::Code), ("Older", Kind::Code), ("Newer", Kind::Code), ("Effect", Kind::Text)],
    );
    for difference in &found.comparison.differences {
        grid.rows.push(vec![
            Cell::text(difference.key.clone()),
            Cell::text(measure::recorded(&difference.baseline, 120)),
            Cell::text(measure::recorded(&difference.candidate, 120)),
            if difference.splits_series {
                Cell::toned("≠ makes the runs incomparable", "apart")
            } else if difference.key == keys::SOURCE_COMMIT {
                Cell::text("the change under test")
            } else {
                Cell::text("may explain a change")
            },
        ]);
    }
    Block::Table(grid)
}

/// Verdicts of both runs.
pub(super) fn rows(site: &Site, caption: &str, rows: &[&Comparison]) -> Grid {
    let mut grid = Grid::new(
        caption,
        &[
            ("Verdict", Kind::Text),
            ("Benchmark", Kind::Text),
            ("Older", Kind::Number),
            ("Newer", Kind::Number),
            ("Change", Kind::Number),
            ("Would show", Kind::Number),
            ("Why", Kind::Text),
        ],
    );
    let (reasons, together) = words::shared(&rows.iter().map(|row| row.reason.as_str()).collect::<Vec<_>>());
    grid.note = words::together((&reasons, &together));
    for (row, reason) in rows.iter().zip(reasons) {
        let scale = Scale::metric(PAGE, &row.metric, [row.baseline_value, row.candidate_value]);
        let would = row
            .minimum_detectable_effect
            .map_or_else(|| "unknown".to_owned(), |effect| format!("≥ {}", format::percent(PAGE, effect, 1)));
        grid.rows.push(vec![
            Cell::toned(words::verdict(row.verdict, PAGE), words::verdict_tone(row.verdict)),
            benchmark_cell(site, &row.benchmark),
            Cell::text(scale.show(row.baseline_value, None)).by(row.baseline_value),
            Cell::text(scale.show(row.candidate_value, None)).by(row.candidate_value),
            Cell::text(measure::change(row.ratio, row.ratio_interval)).by(row.ratio),
            Cell::text(would),
            Cell::text(reason),
        ]);
    }
    if grid.rows.iter().all(|row| row.last().is_some_and(|why| why.text.is_empty())) {
        // The remark below says it for all of them.
        grid.columns.pop();
        grid.rows.iter_mut().for_each(|row| drop(row.pop()));
    }
    grid
}

fn chart(site: &Site, rows: &[&Comparison]) -> Result<Chart, ReportError> {
    let drawn: Vec<&Comparison> = rows.iter().take(forest::MOST_ROWS).copied().collect();
    let marks: Vec<forest::Row> = drawn
        .iter()
        .map(|row| forest::Row {
            name: row.benchmark.full_id(),
            change: (row.ratio - 1.0) * 100.0,
            interval: row.ratio_interval.map(|(low, high)| ((low - 1.0) * 100.0, (high - 1.0) * 100.0)),
            margin: row.margin * 100.0,
            verdict: row.verdict,
            text: format::change(PAGE, row.ratio - 1.0, None),
        })
        .collect();
    let words = Words {
        id: "forest".to_owned(),
        title: "Changes with their intervals".to_owned(),
        description: format!("{} of {}.", drawn.len(), plural(total(rows.len()), "benchmark")),
    };
    let made = forest::chart(&words, &marks)?;
    let clipped = if made.clipped == 0 { String::new() } else { format!(" Off an edge: {}.", made.clipped) };
    Ok(Chart {
        svg: made.svg,
        at: Vec::new(),
        axes: None,
        drawn: String::new(),
        caption: format!(
            "Change of each benchmark with its interval; within the shaded margin a change does not matter.{clipped}"
        ),
        fold: format!("The {} drawn as a table", plural(total(drawn.len()), "row")),
        grid: self::rows(site, "Rows drawn", &drawn),
    })
}
