//! Changes of level that were seen, and what was decided about them. Rows are added and never changed.
//!
//! Nothing here judges: which sightings are worth storing is the caller's decision.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::Store;
use super::dictionary::intern_series;
use super::error::{Fault, StoreError};
use super::text::{BENCHMARK_COLUMNS, benchmark, name_of, named, narrow, run_id};
use super::write::require;
use crate::model::decision::{Change, ChangeState, Decision, DecisionKind, Sighting};
use crate::model::ids::Identity;
use crate::model::record::SeriesKey;
use crate::model::units::{Metric, Timestamp};

impl Store {
    /// Notes that changes were seen, or looked for again. The same sighting again changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchRun`], or [`StoreError`] when it cannot be written.
    pub fn add_sightings(&mut self, sightings: &[Sighting]) -> Result<(), StoreError> {
        self.write("noting a change", |tx| {
            for sighting in sightings {
                add(tx, sighting)?;
            }
            Ok(())
        })
    }

    /// Returns every change with the last word on it, in the order in which they were first noted.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub fn changes(&self) -> Result<Vec<Change>, StoreError> {
        self.read("reading changes", |connection| {
            let decisions = decisions(connection)?;
            let mut changes: Vec<Change> = Vec::new();
            let mut places: BTreeMap<String, usize> = BTreeMap::new();
            for (sighting, started) in sightings(connection)? {
                let place = *places.entry(sighting.change.clone()).or_insert_with(|| {
                    changes.push(begun(&sighting, started));
                    changes.len() - 1
                });
                let change = &mut changes[place];
                change.ratio = sighting.ratio;
                change.evidence = sighting.evidence;
                change.experiment = sighting.experiment.or(change.experiment.take());
                change.sightings += 1;
            }
            for decision in decisions {
                let Some(state) = state(decision.kind) else { continue };
                if let Some(place) = places.get(&decision.subject) {
                    changes[*place].state = state;
                    changes[*place].decision = Some(decision);
                }
            }
            Ok(changes)
        })
    }

    /// Stores a decision; the last one about a subject counts.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] without a reason, for a waiver without an end, or [`StoreError`] when it cannot be written.
    pub fn decide(&mut self, decision: &Decision) -> Result<(), StoreError> {
        self.write("storing a decision", |tx| {
            if decision.reason.trim().is_empty() {
                return Err(Fault::invalid("a decision", "it has no reason"));
            }
            if (decision.kind == DecisionKind::Waive) != decision.until.is_some() {
                return Err(Fault::invalid("a decision", "a waiver has an end, and nothing else has one"));
            }
            tx.execute(
                "INSERT INTO decision (subject, kind, reason, until_us, at_us) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    decision.subject,
                    name_of("a decision", decision.kind)?,
                    decision.reason,
                    decision.until.map(|until| until.0),
                    decision.at.0
                ],
            )?;
            Ok(())
        })
    }

    /// Returns every decision in the order in which they were made.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub fn decisions(&self) -> Result<Vec<Decision>, StoreError> {
        self.read("reading decisions", decisions)
    }
}

/// The state that a decision sets; a waiver sets none.
fn state(kind: DecisionKind) -> Option<ChangeState> {
    match kind {
        DecisionKind::Accept => Some(ChangeState::Accepted),
        DecisionKind::Fix => Some(ChangeState::Fixed),
        DecisionKind::Noise => Some(ChangeState::Noise),
        DecisionKind::Waive => None,
    }
}

fn begun(sighting: &Sighting, first_started: Timestamp) -> Change {
    Change {
        id: sighting.change.clone(),
        series: sighting.series.clone(),
        first_run: sighting.first_run.clone(),
        first_started,
        ratio: sighting.ratio,
        evidence: sighting.evidence,
        experiment: None,
        found: sighting.at,
        sightings: 0,
        state: ChangeState::New,
        decision: None,
    }
}

fn add(tx: &Connection, sighting: &Sighting) -> Result<(), Fault> {
    let key = &sighting.series;
    let identity = Identity {
        recipe: key.recipe,
        hw_class: String::new(),
        machine: key.machine.clone(),
        label: None,
        config: key.config.clone(),
        build: String::new(),
    };
    let series = intern_series(tx, &identity, &key.benchmark, &key.metric)?;
    let (first, seen) = (require(tx, &sighting.first_run)?, require(tx, &sighting.seen_run)?);
    let evidence = name_of("the evidence of a change", sighting.evidence)?;
    let experiment = sighting.experiment.as_ref().map(ToString::to_string);
    tx.prepare_cached(
        "INSERT INTO sighting (change_id, series_id, first_run_id, seen_run_id, evidence, ratio, experiment, at_us)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
         WHERE NOT EXISTS (SELECT 1 FROM sighting
                           WHERE change_id = ?1 AND seen_run_id = ?4 AND evidence = ?5 AND experiment IS ?7)",
    )?
    .execute(params![sighting.change, series, first, seen, evidence, sighting.ratio, experiment, sighting.at.0])?;
    Ok(())
}

fn sightings(connection: &Connection) -> Result<Vec<(Sighting, Timestamp)>, Fault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {BENCHMARK_COLUMNS}, metric.name, metric.unit, series.recipe, series.machine, series.config,
                change_id, first_run.id, first_run.started_us, seen_run.id, evidence, ratio, experiment, at_us
         FROM sighting JOIN series USING (series_id) JOIN benchmark USING (benchmark_id) JOIN metric USING (metric_id)
              JOIN run AS first_run ON first_run.run_id = first_run_id
              JOIN run AS seen_run ON seen_run.run_id = seen_run_id
         ORDER BY sighting_id"
    ))?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let series = SeriesKey {
            benchmark: benchmark(row, 0)?,
            metric: Metric { name: row.get(6)?, unit: row.get(7)? },
            recipe: narrow("the recipe of a series", row.get(8)?)?,
            machine: row.get(9)?,
            config: row.get(10)?,
        };
        let experiment: Option<String> = row.get(17)?;
        let sighting = Sighting {
            change: row.get(11)?,
            series,
            first_run: run_id(&row.get::<_, String>(12)?)?,
            seen_run: run_id(&row.get::<_, String>(14)?)?,
            evidence: named("the evidence of a change", row.get(15)?)?,
            ratio: row.get(16)?,
            experiment: experiment.as_deref().map(run_id).transpose()?,
            at: Timestamp(row.get(18)?),
        };
        found.push((sighting, Timestamp(row.get(13)?)));
    }
    Ok(found)
}

fn decisions(connection: &Connection) -> Result<Vec<Decision>, Fault> {
    let mut statement = connection
        .prepare_cached("SELECT subject, kind, reason, until_us, at_us FROM decision ORDER BY decision_id")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Decision {
            subject: row.get(0)?,
            kind: named("a decision", row.get(1)?)?,
            reason: row.get(2)?,
            until: row.get::<_, Option<i64>>(3)?.map(Timestamp),
            at: Timestamp(row.get(4)?),
        });
    }
    Ok(found)
}
