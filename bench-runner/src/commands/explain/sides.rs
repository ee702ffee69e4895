//! Which two runs are explained: the two that the command line names, or those between which a stored change stands.

use super::super::changes;
use super::Args;
use crate::error::CliError;
use crate::exit_code;
use crate::model::decision::Change;
use crate::model::ids::{BenchmarkId, RunId};
use crate::store::Store;

/// The two sides, and what is already asked about them.
#[derive(Debug)]
pub(super) struct Sides {
    pub(super) before: RunId,
    pub(super) after: RunId,
    /// The benchmark whose move a change is.
    pub(super) benchmark: Option<BenchmarkId>,
    /// The change, when one was named.
    pub(super) change: Option<Change>,
}

/// Finds the sides. A change comes before a run, whose names are written in capitals.
///
/// # Errors
///
/// When nothing is called so, when a change is named beside a second run, or when nothing was measured before it.
pub(super) fn sides(args: &Args, store: &Store) -> Result<Sides, CliError> {
    let known = store.changes()?;
    if !known.iter().any(|change| changes::is_called(change, &args.before)) {
        let after = args.after.as_deref().unwrap_or("latest");
        let (before, after) = (store.resolve(&args.before)?, store.resolve(after)?);
        if before == after {
            return Err(CliError::new(exit_code::USAGE, format!("both sides are run {before}"))
                .hinted(Some("`bench-runner list` shows what there is".to_owned())));
        }
        return Ok(Sides { before, after, benchmark: None, change: None });
    }
    let change = changes::find(&known, &args.before)?.clone();
    if let Some(run) = &args.after {
        let what = format!("`{run}` beside the change {}: it stands between two runs of its own", change.id);
        return Err(CliError::new(exit_code::USAGE, what)
            .hinted(Some(format!("`bench-runner explain {}`", change.id))));
    }
    Ok(Sides {
        before: last_before(&change, store)?,
        after: change.first_run.clone(),
        benchmark: Some(change.series.benchmark.clone()),
        change: Some(change),
    })
}

/// The last run of the old level: of the change's own line, and one that may be judged with.
fn last_before(change: &Change, store: &Store) -> Result<RunId, CliError> {
    let points = store.line(&change.series)?.history.points;
    let first = points.iter().position(|point| point.run == change.first_run).unwrap_or(0);
    let last = points[..first].iter().rfind(|point| point.is_eligible());
    last.map(|point| point.run.clone()).ok_or_else(|| {
        let what = format!("nothing that may be judged with was measured before the change {}", change.id);
        CliError::new(exit_code::NOT_COMPARABLE, what)
            .hinted(Some("name two runs instead: `bench-runner explain RUN_A RUN_B`".to_owned()))
    })
}
