//! Covariates of launches: written once with the end of a launch, read with it.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::Fault;
use super::text::{exactly, json_of, narrow};
use crate::model::covariates::Covariates;

/// Columns in the order in which [`read`] reads them.
pub(super) const COLUMNS: &str = "taints_json, repeated, cpu_user_seconds, cpu_system_seconds, voluntary_switches,
    involuntary_switches, major_faults, peak_memory_bytes, steal_ticks, all_ticks, quota_stops, clock_ghz, contention";

/// Stores the covariates of the launch `ordinal` of the run in `run`.
pub(super) fn insert(
    connection: &Connection,
    run: i64,
    ordinal: u32,
    covariates: &Covariates,
) -> Result<(), Fault> {
    let what = || format!("the covariates of launch {ordinal}");
    let real = [
        covariates.cpu_user_seconds,
        covariates.cpu_system_seconds,
        covariates.clock_ghz,
        covariates.contention,
    ];
    if real.into_iter().flatten().any(|number| !number.is_finite()) {
        return Err(Fault::invalid(what(), "a number is not finite"));
    }
    let launch: i64 = connection
        .prepare_cached("SELECT launch_id FROM launch WHERE run_id = ?1 AND ordinal = ?2")?
        .query_row((run, ordinal), |row| row.get(0))
        .optional()?
        .ok_or_else(|| Fault::invalid(what(), "there is no such launch"))?;
    let whole = |number: Option<u64>| {
        number.map(i64::try_from).transpose().map_err(|error| Fault::invalid(what(), error))
    };
    connection
        .prepare_cached(&format!(
            "INSERT INTO launch_covariates (launch_id, {COLUMNS})
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
        ))?
        .execute(params![
            launch,
            json_of("taints", &covariates.taints)?,
            covariates.repeated,
            real[0],
            real[1],
            whole(covariates.voluntary_switches)?,
            whole(covariates.involuntary_switches)?,
            whole(covariates.major_faults)?,
            whole(covariates.peak_memory_bytes)?,
            whole(covariates.steal_ticks)?,
            whole(covariates.all_ticks)?,
            whole(covariates.quota_stops)?,
            real[2],
            real[3],
        ])?;
    Ok(())
}

/// Reads covariates from columns that begin at `first`; `None` when the launch has no row of them.
pub(super) fn read(row: &Row<'_>, first: usize) -> Result<Option<Covariates>, Fault> {
    let Some(taints) = row.get::<_, Option<String>>(first)? else { return Ok(None) };
    let whole = |place: usize| -> Result<Option<u64>, Fault> {
        row.get::<_, Option<i64>>(first + place)?.map(|value| narrow("a covariate", value)).transpose()
    };
    Ok(Some(Covariates {
        taints: exactly("taints", &taints)?,
        repeated: row.get(first + 1)?,
        cpu_user_seconds: row.get(first + 2)?,
        cpu_system_seconds: row.get(first + 3)?,
        voluntary_switches: whole(4)?,
        involuntary_switches: whole(5)?,
        major_faults: whole(6)?,
        peak_memory_bytes: whole(7)?,
        steal_ticks: whole(8)?,
        all_ticks: whole(9)?,
        quota_stops: whole(10)?,
        clock_ghz: row.get(first + 11)?,
        contention: row.get(first + 12)?,
    }))
}
