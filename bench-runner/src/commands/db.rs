//! `bench-runner db`: checking, copying and pruning the store; and, for development, stores of made-up histories.

mod generate;
mod measure;

use std::path::PathBuf;

use super::{Session, load};
use crate::clock;
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::files;
use crate::model::units::Timestamp;
use crate::store::Pruned;
use crate::ui::table::{Align, Column, Table};

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

/// Check, copy and prune the store
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Read the whole file: SQLite's own check, references, digests, lines of history
    Check,
    /// Copy the store while others may use it
    Backup {
        /// The copy instead of `backups/STORE-TIME.sqlite` beside the store
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Delete old observations; digests and lines of history stay, and chains can still be checked
    Prune {
        /// Delete the observations of runs that are older, for example 180d, 26w or 2y
        #[arg(long, value_name = "AGE", value_parser = age)]
        samples_older_than: i64,
        /// Fold runs that are older still: of each benchmark only its point on its line stays
        #[arg(long, value_name = "AGE", value_parser = age)]
        fold_older_than: Option<i64>,
        /// Say what would be deleted and delete nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Fill a new store with made-up histories, for trying things out at scale
    #[command(hide = true)]
    Generate(generate::Args),
    /// Say how long opening and lines of history take
    #[command(hide = true)]
    Measure {
        /// How many lines to read, at random
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
        lines: u32,
    },
}

/// Reads an age in days, weeks or years of 365 days. Unit: microseconds.
fn age(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is no age such as 180d, 26w or 2y");
    let split = text.len().checked_sub(1).filter(|at| text.is_char_boundary(*at)).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(split);
    let days = match unit {
        "d" => 1,
        "w" => 7,
        "y" => 365,
        _ => return Err(wrong()),
    };
    let number: u32 = number.parse().map_err(|_| wrong())?;
    i64::from(number).checked_mul(days * DAY_US).ok_or_else(wrong)
}

/// Runs the command.
///
/// # Errors
///
/// When the store cannot be read or written.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    match &args.action {
        Action::Check => check(session, &config),
        Action::Backup { file } => {
            let store = load::open_to_read(&config)?;
            let stem = config.store.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let name = format!("backups/{stem}-{}.sqlite", clock::compact_utc(clock::now()));
            let target = file
                .as_ref()
                .map_or_else(|| files::folder_of(&config.store).join(name), |file| session.folder.join(file));
            store.back_up(&target)?;
            load::written(session, &target)?;
            Ok(exit_code::DONE)
        }
        Action::Prune { samples_older_than, fold_older_than, dry_run } => {
            prune(session, &config, (*samples_older_than, *fold_older_than), *dry_run)
        }
        Action::Generate(args) => generate::run(args, session, &config),
        Action::Measure { lines } => measure::run(session, &config, *lines),
    }
}

fn check(session: &Session, config: &Config) -> Result<ExitCode, CliError> {
    let store = load::open_to_read(config)?;
    let found = store.check(|_| {})?;
    let odd = store.odd_histories()?;
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut add = |what: &str, detail: String| rows.push(vec![what.to_owned(), detail]);
    found.file.iter().for_each(|line| add("file", line.clone()));
    found.orphans.iter().for_each(|line| add("reference", line.clone()));
    for (id, parts) in &found.parts {
        add("run", format!("{id}: {} does not match", parts.join(", ")));
    }
    for key in &odd {
        add("line", format!("{} on {}: points do not follow from launches", key.benchmark, key.machine));
    }
    let sound = rows.is_empty();
    if sound {
        rows.push(vec![
            "sound".to_owned(),
            format!("{} runs and {} lines were read again", found.runs, found.series),
        ]);
    }
    table(session, rows, "bench-runner/db-check")?;
    Ok(if sound { exit_code::DONE } else { exit_code::INTEGRITY })
}

fn prune(
    session: &Session,
    config: &Config,
    (samples, fold): (i64, Option<i64>),
    dry: bool,
) -> Result<ExitCode, CliError> {
    if fold.is_some_and(|fold| fold < samples) {
        return Err(CliError::new(
            exit_code::USAGE,
            "runs are folded only after their observations were pruned",
        )
        .hinted(Some("give --fold-older-than a greater age than --samples-older-than".to_owned())));
    }
    // Pruning is no measuring: founding records have no part in it.
    let mut store = load::open_signing(config)?;
    let now = clock::now();
    let pruned = store.prune(Timestamp(now.0 - samples), now, dry)?;
    let folded = match fold {
        Some(fold) => store.fold(Timestamp(now.0 - fold), now, dry)?,
        None => Pruned::default(),
    };
    let freed = if dry || pruned.runs.is_empty() && folded.runs.is_empty() { 0 } else { store.shrink()? };
    let outcome = if dry { "would be pruned" } else { "pruned" };
    let mut rows: Vec<Vec<String>> =
        pruned.runs.iter().map(|id| vec![outcome.to_owned(), id.to_string()]).collect();
    rows.extend(
        folded
            .runs
            .iter()
            .map(|id| vec![if dry { "would be folded" } else { "folded" }.to_owned(), id.to_string()]),
    );
    rows.extend(
        pruned
            .kept
            .iter()
            .chain(&folded.kept)
            .map(|(id, reason)| vec!["kept".to_owned(), format!("{id}: {reason}")]),
    );
    rows.push(vec![
        "total".to_owned(),
        format!(
            "{} runs, {} samples of {} B; the file is {freed} B smaller",
            pruned.runs.len(),
            pruned.samples,
            pruned.bytes
        ),
    ]);
    table(session, rows, "bench-runner/db-prune")?;
    Ok(exit_code::DONE)
}

/// Prints two columns.
fn table(session: &Session, rows: Vec<Vec<String>>, schema: &str) -> Result<(), CliError> {
    let column = |title| Column { title, align: Align::Left, drop_order: 0 };
    let items: Vec<_> =
        rows.iter().map(|row| serde_json::json!({"what": row[0], "detail": row[1]})).collect();
    load::show(session, &Table { columns: vec![column("what"), column("detail")], rows }, schema, &items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_days_weeks_or_years() {
        let check = |text: &str, days: Option<i64>| {
            assert_eq!(age(text).ok(), days.map(|days| days * DAY_US), "{text}");
        };
        check("180d", Some(180));
        check("2w", Some(14));
        check("1y", Some(365));
        for wrong in ["", "d", "5", "5m", "-1d", "1.5d", "5é", "99999999999d"] {
            check(wrong, None);
        }
    }
}
