//! `bench-runner compare A B`: two stored runs side by side, what differs first; or machines, one run each.

mod machines;

use std::fmt::Write as _;

use super::{Session, load, machine, sheet, steps};
use crate::analysis::compare::explain;
use crate::analysis::identity;
use crate::cli::Format;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::comparison::{Comparison, RunComparison, Verdict};
use crate::model::fact::{keys, known};
use crate::model::ids::RunId;
use crate::model::run::{Run, RunKind, RunStatus};
use crate::process::SystemRunner;
use crate::report::format::{Dialect, Scale, change, percent, plural, timestamp};
use crate::report::{Recent, capped, counted, markdown_code as code, reasons, sparkline, verdict};
use crate::store::{RunFilter, Store, StoreError};
use crate::ui::table::{Align, Column, Table, printable, wrapped};
use crate::worktree::Repository;

/// Compare two stored runs: B against A
///
/// A side is a run, the name of a baseline, or a commit, tag or branch: then the newest complete run of that commit is meant, on this
/// machine where there is one.
///
/// What differs between them comes first. Each benchmark gets one of five answers: regressed, improved, unchanged,
/// inconclusive, not comparable. Runs of unlike machines, configurations or harness settings are not compared.
/// Ends with 0 whatever was found, and with 121 when nothing could be compared: `gate` is the command that judges.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The older side: `latest`, a run id, four or more characters of its beginning or end, a baseline, or a revision
    #[arg(value_name = "A", required_unless_present = "machines")]
    baseline: Option<String>,
    /// The side under judgement
    #[arg(value_name = "B", default_value = "latest")]
    candidate: String,
    /// Machines side by side on the same code: runs, machine keys or labels, the first being the reference; without any,
    /// the newest run of each machine and configuration that measured the commit of `latest`
    #[arg(long, value_name = "RUN", num_args = 0.., conflicts_with_all = ["baseline", "candidate"])]
    machines: Option<Vec<String>>,
    /// Print how each answer came about, step by step
    #[arg(long)]
    explain: bool,
}

/// Runs the command.
///
/// # Errors
///
/// When the configuration or the store cannot be read, or there is no such run.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    let store = load::open_to_read(&config)?;
    if let Some(wanted) = &args.machines {
        return machines::run(wanted, session, &config, &store);
    }
    let baseline = args.baseline.as_deref().unwrap_or("latest");
    let (a, b) = (side(&store, session, baseline)?, side(&store, session, &args.candidate)?);
    if a == b {
        return Err(CliError::new(exit_code::USAGE, format!("both sides are run {a}"))
            .hinted(Some("`bench-runner list` shows what there is".to_owned())));
    }
    let comparison = load::comparison_of(&config, &store, (&a, &b))?;
    let made = Made { comparison: &comparison, sides: [origin(&store.run(&a)?), origin(&store.run(&b)?)] };
    let text = match session.format {
        Format::Csv => table(&comparison, Dialect::Ascii).csv(),
        Format::Json | Format::Jsonl => {
            let mut object = load::json_of(&comparison)?;
            if args.explain {
                let steps: Vec<_> = comparison.rows.iter().map(explain).collect();
                object["steps"] = load::json_of(&steps)?;
            }
            serde_json::json!({"schema": "bench-runner/compare", "version": 1, "comparison": object})
                .to_string()
        }
        Format::Markdown | Format::Text => {
            let dialect = match session.format {
                Format::Markdown => Dialect::Markdown,
                _ => sheet::dialect(session),
            };
            let recent = load::recent(&store, &store.run(&b)?)?;
            let (table, together) = shown(&comparison, &recent, dialect);
            match dialect {
                Dialect::Markdown => made.markdown(&made.folded(table), &together),
                _ => made.text(&table.text(session.style.width), &together, (session.style.width, dialect)),
            }
        }
    };
    let explained = if args.explain && matches!(session.format, Format::Text | Format::Markdown) {
        explanation(&comparison, session)
    } else {
        String::new()
    };
    session.answer(&format!("{text}{explained}"))?;
    let judged = comparison.rows.iter().any(|row| row.verdict != Verdict::NotComparable);
    Ok(if judged { exit_code::DONE } else { exit_code::NOT_COMPARABLE })
}

/// The run that a word names; a word that names none in the store may be a revision of the source.
fn side(store: &Store, session: &Session, word: &str) -> Result<RunId, CliError> {
    let unknown = match store.resolve(word) {
        Ok(run) => return Ok(run),
        Err(unknown @ StoreError::NoSuchRun { .. }) => unknown,
        Err(error) => return Err(error.into()),
    };
    let commit =
        Repository::open(&session.folder, &SystemRunner).and_then(|repository| repository.commit(word));
    let Ok(commit) = commit else { return Err(unknown.into()) };
    let filter = RunFilter {
        kind: Some(RunKind::Measured),
        status: Some(RunStatus::Complete),
        ..RunFilter::default()
    };
    let here = identity::machine(&machine::machine_id(store.path()), None);
    let mut found = None;
    for listing in store.runs(&filter, u32::MAX)? {
        let own = listing.identity.machine == here;
        // Newest first: the first of this machine, else the first of all.
        if listing.commit.as_ref() != Some(&commit) || (found.is_some() && !own) {
            continue;
        }
        if known(&store.run(&listing.id)?.facts, keys::SOURCE_DIRTY).as_deref() == Some("yes") {
            continue;
        }
        found = Some(listing.id);
        if own {
            break;
        }
    }
    found.ok_or_else(|| {
        let text = format!("no complete run measured `{word}` ({}) as it is committed", &commit[..10]);
        let hint = format!("`bench-runner run --rev {word}` measures it");
        CliError::new(exit_code::NOTHING, text).hinted(Some(hint))
    })
}

/// The steps of every row below the table.
fn explanation(comparison: &RunComparison, session: &Session) -> String {
    let rows = comparison.rows.iter().map(|row| (row.benchmark.to_string(), explain(row)));
    steps::explained(rows, session.format)
}

/// Unchanged rows from which on Markdown folds them.
const FOLDED: usize = 6;
/// Names of benchmarks in one sentence; the rest is counted.
const NAMED: usize = 12;

/// When a run began and what it measured, for people.
fn origin(run: &Run) -> (String, Option<String>) {
    let commit = known(&run.facts, keys::SOURCE_COMMIT).map(|commit| commit.chars().take(10).collect());
    (timestamp(run.started), commit)
}

/// A comparison and where its sides come from.
struct Made<'a> {
    comparison: &'a RunComparison,
    sides: [(String, Option<String>); 2],
}

impl Made<'_> {
    /// The answer, what differs, the table, and what only one side has.
    fn text(&self, table: &str, together: &str, (width, dialect): (usize, Dialect)) -> String {
        let comparison = self.comparison;
        let mut text = String::new();
        let mut say = |indent: &str, words: &str| {
            for (place, line) in wrapped(words, width.saturating_sub(indent.len())).iter().enumerate() {
                let more = if place > 0 && !indent.is_empty() { "  " } else { "" };
                _ = writeln!(text, "{indent}{more}{line}");
            }
        };
        say("", &counted(&comparison.rows, dialect));
        say("", "");
        for ((name, run), (at, commit)) in
            [("A", &comparison.baseline), ("B", &comparison.candidate)].into_iter().zip(&self.sides)
        {
            let commit = commit.as_ref().map_or_else(String::new, |commit| format!("  commit {commit}"));
            say("", &format!("{name}  {run}  {at}{commit}"));
        }
        say("", "");
        if comparison.differences.is_empty() {
            say("", "Nothing that was recorded differs between them.");
        } else {
            say("", "What differs:");
            say("", "");
        }
        for difference in &comparison.differences {
            let mark = if difference.splits_series { "  (not comparable)" } else { "" };
            let (old, new) = (&difference.baseline, &difference.candidate);
            say("  ", &printable(&format!("{}: {old} -> {new}{mark}", difference.key)));
        }
        say("", "");
        let mut text = text + table;
        for sentence in self.below(together, printable, dialect) {
            _ = writeln!(text, "\n{}", wrapped(&sentence, width).join("\n"));
        }
        text
    }

    /// The table as Markdown, with many unchanged rows behind a fold that counts them.
    fn folded(&self, mut table: Table) -> String {
        let rows = std::mem::take(&mut table.rows);
        let mut unchanged = Table { columns: table.columns.clone(), rows: Vec::new() };
        for (cells, row) in rows.into_iter().zip(&self.comparison.rows) {
            let part = if row.verdict == Verdict::Unchanged { &mut unchanged } else { &mut table };
            part.rows.push(cells);
        }
        if unchanged.rows.len() < FOLDED {
            table.rows.append(&mut unchanged.rows);
            return table.markdown();
        }
        let fold = format!("= {} unchanged within the margin", unchanged.rows.len());
        let unchanged = unchanged.markdown();
        let others = if table.rows.is_empty() { String::new() } else { format!("{}\n", table.markdown()) };
        format!("{others}<details><summary>{fold}</summary>\n\n{unchanged}\n</details>\n")
    }

    /// The same for a pull request or a chat: the answer first, names as code, and the command that makes it again.
    fn markdown(&self, table: &str, together: &str) -> String {
        let comparison = self.comparison;
        let (a, b) = (&comparison.baseline, &comparison.candidate);
        let side = |run: &RunId, (at, commit): &(String, Option<String>)| {
            let commit =
                commit.as_ref().map_or_else(String::new, |commit| format!(" at commit {}", code(commit)));
            format!("{} of {at}{commit}", code(run.as_str()))
        };
        let mut text = format!(
            "# Run {} against {}\n\n**{}**\n\n- A, the older side: {}\n- B, under judgement: {}\n\n",
            code(b.short()),
            code(a.short()),
            counted(&comparison.rows, Dialect::Markdown),
            side(a, &self.sides[0]),
            side(b, &self.sides[1])
        );
        if comparison.differences.is_empty() {
            text.push_str("Nothing that was recorded differs between them.\n");
        } else {
            text.push_str("What differs:\n\n");
        }
        for difference in &comparison.differences {
            let mark = if difference.splits_series { " **(not comparable)**" } else { "" };
            let [key, old, new] =
                [&difference.key, &difference.baseline, &difference.candidate].map(|text| code(text));
            _ = writeln!(text, "- {key}: {old} → {new}{mark}");
        }
        _ = write!(text, "\n{table}");
        for sentence in self.below(together, code, Dialect::Markdown) {
            _ = writeln!(text, "\n{sentence}");
        }
        _ = writeln!(text, "\nMade by {}", code(&format!("bench-runner compare {a} {b}")));
        text
    }

    /// Sentences below the table: what all reasons share, what only one side has, and the geometric mean.
    fn below(&self, together: &str, name: impl Fn(&str) -> String, dialect: Dialect) -> Vec<String> {
        let mut sentences = vec![together.to_owned()];
        for (side, ids) in [("A", &self.comparison.missing), ("B", &self.comparison.new)] {
            let names: Vec<String> = ids.iter().map(|id| name(&id.to_string())).collect();
            if !names.is_empty() {
                let number = plural(names.len() as u64, "benchmark");
                sentences.push(format!("Only in {side}, {number}: {}.", capped(&names, NAMED)));
            }
        }
        if let Some((mean, count)) = self.comparison.geometric_mean {
            let mean = change(dialect, mean - 1.0, None);
            let rows = plural(count.into(), "comparable row");
            sentences.push(format!("Geometric mean of {rows}: {mean}, without an interval."));
        }
        sentences.retain(|sentence| !sentence.is_empty());
        sentences
    }
}

fn table(comparison: &RunComparison, dialect: Dialect) -> Table {
    let column = |title, align, drop_order| Column { title, align, drop_order };
    Table {
        columns: vec![
            column("verdict", Align::Left, 0),
            column("benchmark", Align::Left, 0),
            column("A", Align::Right, 2),
            column("B", Align::Right, 2),
            column("change", Align::Right, 0),
            column("visible from", Align::Right, 3),
            column("why", Align::Left, 4),
        ],
        rows: comparison.rows.iter().map(|one| row(one, dialect)).collect(),
    }
}

/// Takes what all reasons share out of the last column of a table with one row for each comparison, and gives the sentence that
/// tells it; a column without anything left goes.
pub(super) fn told_together(table: &mut Table, rows: &[Comparison]) -> String {
    let (left, together) = reasons(rows);
    let none = left.iter().all(String::is_empty);
    for (cells, why) in table.rows.iter_mut().zip(left) {
        cells.pop();
        cells.extend((!none).then_some(why));
    }
    if none {
        table.columns.pop();
    }
    together
}

/// The table for people: reasons without what all of them share, which is the second answer, and the newest runs up to B as a
/// line of blocks behind the change.
fn shown(comparison: &RunComparison, recent: &Recent, dialect: Dialect) -> (Table, String) {
    let mut table = table(comparison, dialect);
    let together = told_together(&mut table, &comparison.rows);
    if !recent.is_empty() {
        table.columns.insert(5, Column { title: "newest runs", align: Align::Left, drop_order: 5 });
        for (cells, row) in table.rows.iter_mut().zip(&comparison.rows) {
            let values = recent.get(&(row.benchmark.clone(), row.metric.clone()));
            cells.insert(5, values.map_or_else(String::new, |values| sparkline(values, dialect)));
        }
    }
    (table, together)
}

fn row(row: &Comparison, dialect: Dialect) -> Vec<String> {
    let scale = Scale::metric(dialect, &row.metric, [row.baseline_value, row.candidate_value]);
    let changed = match row.verdict {
        // A number beside "not comparable" would be read as a comparison.
        Verdict::NotComparable => "-".to_owned(),
        _ => {
            let interval = row.ratio_interval.map(|(low, high)| (low - 1.0, high - 1.0));
            change(dialect, row.ratio - 1.0, interval)
        }
    };
    let visible = row.minimum_detectable_effect.map(|effect| percent(dialect, effect, 1));
    vec![
        verdict(row.verdict, dialect),
        row.benchmark.to_string(),
        scale.show(row.baseline_value, None),
        scale.show(row.candidate_value, None),
        changed,
        visible.unwrap_or_else(|| "-".to_owned()),
        row.reason.clone(),
    ]
}
