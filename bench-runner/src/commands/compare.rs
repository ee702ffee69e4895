//! `bench-runner compare A B`: two stored runs side by side, what differs first; or machines, one run each.

mod machines;

use std::fmt::Write as _;

use super::{Session, load, machine, steps};
use crate::analysis::compare::explain;
use crate::analysis::identity;
use crate::cli::Format;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::comparison::{Comparison, RunComparison, Verdict};
use crate::model::fact::{keys, known};
use crate::model::ids::RunId;
use crate::model::run::{RunKind, RunStatus};
use crate::process::SystemRunner;
use crate::report::format::{Dialect, Scale, change, percent, plural};
use crate::report::{Recent, counted, markdown_code as code, sparkline};
use crate::store::{RunFilter, Store, StoreError};
use crate::ui::table::{Align, Column, Table};
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
    let mut table = table(&comparison);
    if matches!(session.format, Format::Text | Format::Markdown) {
        draw(&mut table, &comparison, &load::recent(&store, &store.run(&b)?)?, session);
    }
    let text = match session.format {
        Format::Csv => table.csv(),
        Format::Json | Format::Jsonl => {
            let mut object = load::json_of(&comparison)?;
            if args.explain {
                let steps: Vec<_> = comparison.rows.iter().map(explain).collect();
                object["steps"] = load::json_of(&steps)?;
            }
            serde_json::json!({"schema": "bench-runner/compare", "version": 1, "comparison": object})
                .to_string()
        }
        Format::Markdown => markdown(&comparison, &table.markdown()),
        Format::Text => framed(&comparison, &table.text(session.style.width)),
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

/// Differences above the table; what only one side has, and the geometric mean, below it.
fn framed(comparison: &RunComparison, table: &str) -> String {
    let mut text = format!(
        "{}\n\nA  {}\nB  {}\n\n",
        counted(&comparison.rows, Dialect::Ascii),
        comparison.baseline,
        comparison.candidate
    );
    if comparison.differences.is_empty() {
        text.push_str("Nothing that was recorded differs between them.\n");
    } else {
        text.push_str("What differs:\n\n");
        for difference in &comparison.differences {
            let mark = if difference.splits_series { "  (not comparable)" } else { "" };
            _ = writeln!(
                text,
                "  {}: {} -> {}{mark}",
                difference.key, difference.baseline, difference.candidate
            );
        }
    }
    _ = write!(text, "\n{table}");
    for (word, ids) in [("only in A", &comparison.missing), ("only in B", &comparison.new)] {
        if !ids.is_empty() {
            let names: Vec<String> = ids.iter().map(ToString::to_string).collect();
            _ = writeln!(text, "\n{word}: {}", names.join(", "));
        }
    }
    if let Some(mean) = mean(comparison) {
        _ = writeln!(text, "\ngeometric mean of {mean}");
    }
    text
}

/// The same for a pull request or a chat: the answer first, names as code, and the command that makes it again.
fn markdown(comparison: &RunComparison, table: &str) -> String {
    let (a, b) = (&comparison.baseline, &comparison.candidate);
    let mut text = format!(
        "# Run {} against {}\n\n**{}**\n\n- A, the older side: {}\n- B, under judgement: {}\n\n",
        code(b.short()),
        code(a.short()),
        counted(&comparison.rows, Dialect::Markdown),
        code(a.as_str()),
        code(b.as_str())
    );
    if comparison.differences.is_empty() {
        text.push_str("Nothing that was recorded differs between them.\n");
    } else {
        text.push_str("What differs:\n\n");
        for difference in &comparison.differences {
            let mark = if difference.splits_series { " **(not comparable)**" } else { "" };
            let [key, old, new] =
                [&difference.key, &difference.baseline, &difference.candidate].map(|text| code(text));
            _ = writeln!(text, "- {key}: {old} -> {new}{mark}");
        }
    }
    _ = write!(text, "\n{table}");
    for (word, ids) in [("Only in A", &comparison.missing), ("Only in B", &comparison.new)] {
        if !ids.is_empty() {
            let names: Vec<String> = ids.iter().map(|id| code(&id.to_string())).collect();
            _ = writeln!(text, "\n{word}: {}", names.join(", "));
        }
    }
    if let Some(mean) = mean(comparison) {
        _ = writeln!(text, "\nGeometric mean of {mean}");
    }
    _ = writeln!(text, "\nMade by {}", code(&format!("bench-runner compare {a} {b}")));
    text
}

/// `13 comparable rows: +0.7 % (without an interval)`.
fn mean(comparison: &RunComparison) -> Option<String> {
    let (mean, count) = comparison.geometric_mean?;
    let mean = change(Dialect::Ascii, mean - 1.0, None);
    Some(format!("{}: {mean} (without an interval)", plural(count.into(), "comparable row")))
}

fn table(comparison: &RunComparison) -> Table {
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
        rows: comparison.rows.iter().map(row).collect(),
    }
}

/// Adds the newest runs up to B as a line of blocks, behind the change.
fn draw(table: &mut Table, comparison: &RunComparison, recent: &Recent, session: &Session) {
    if recent.is_empty() {
        return;
    }
    let dialect = if session.style.ascii { Dialect::Ascii } else { Dialect::Terminal };
    table.columns.insert(5, Column { title: "newest runs", align: Align::Left, drop_order: 5 });
    for (cells, row) in table.rows.iter_mut().zip(&comparison.rows) {
        let values = recent.get(&(row.benchmark.clone(), row.metric.clone()));
        cells.insert(5, values.map_or_else(String::new, |values| sparkline(values, dialect)));
    }
}

fn row(row: &Comparison) -> Vec<String> {
    let verdict = match row.verdict {
        Verdict::Regressed => "[R] regressed",
        Verdict::Improved => "[I] improved",
        Verdict::Unchanged => "[=] unchanged",
        Verdict::Inconclusive => "[?] inconclusive",
        Verdict::NotComparable => "[!] not comparable",
    };
    let scale = Scale::metric(Dialect::Ascii, &row.metric, [row.baseline_value, row.candidate_value]);
    let changed = match row.verdict {
        // A number beside "not comparable" would be read as a comparison.
        Verdict::NotComparable => "-".to_owned(),
        _ => {
            let interval = row.ratio_interval.map(|(low, high)| (low - 1.0, high - 1.0));
            change(Dialect::Ascii, row.ratio - 1.0, interval)
        }
    };
    let visible = row.minimum_detectable_effect.map(|effect| percent(Dialect::Ascii, effect, 1));
    vec![
        verdict.to_owned(),
        row.benchmark.to_string(),
        scale.show(row.baseline_value, None),
        scale.show(row.candidate_value, None),
        changed,
        visible.unwrap_or_else(|| "-".to_owned()),
        row.reason.clone(),
    ]
}
