//! A folder of Criterion results as a run with one launch.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::{Session, load, machine};
use crate::analysis::identity::identify;
use crate::clock;
use crate::criterion::import as criterion;
use crate::error::CliError;
use crate::exit_code;
use crate::model::fact::{Fact, Phase};
use crate::model::finding::{Finding, Severity};
use crate::model::ids::{Digest, Identity, RunId};
use crate::model::record::{LaunchMeasurement, RunRecord, list_digest, measurement_digest};
use crate::model::run::{Capture, Launch, LaunchStatus, Run, RunKind, RunStatus};
use crate::store::Imported;

/// Stores the results below `folder`; `here` files them under this machine, described as it is now.
pub(super) fn store(
    session: &Session,
    folder: &Path,
    baseline: Option<&str>,
    here: bool,
) -> Result<(RunId, Imported), CliError> {
    let config = session.config()?;
    let read = criterion::import(&session.folder.join(folder), baseline)?;
    let facts =
        if here { machine::facts(session, &session.folder, &config.store, Phase::Start) } else { Vec::new() };
    let identity =
        if here { identify(&facts, &machine::machine_id(&config.store), None) } else { unknown_identity() };
    let record = record(read, identity, facts)?;
    let mut store = load::open_to_write(&config)?;
    // Facts that are read again differ; the measurements, of which the id is made, do not.
    let outcome = match store.contains(&record.run.id)? {
        true => Imported::AlreadyThere,
        false => store.import_run(&record)?,
    };
    Ok((record.run.id, outcome))
}

/// Results whose machine nobody wrote down belong to no known machine.
fn unknown_identity() -> Identity {
    Identity {
        recipe: crate::analysis::identity::recipe(&[]),
        hw_class: "?".to_owned(),
        machine: "imported".to_owned(),
        label: None,
        config: "?".to_owned(),
        build: "?".to_owned(),
    }
}

/// One folder of results as a run with one launch; `facts` are those of this machine, read now.
fn record(read: criterion::Imported, identity: Identity, facts: Vec<Fact>) -> Result<RunRecord, CliError> {
    let id = run_id(&read, &identity)?;
    let mut inventory: Vec<_> =
        read.measurements.iter().map(|measurement| measurement.benchmark.clone()).collect();
    inventory.sort();
    let elapsed = (read.last.0 - read.first.0).max(0);
    let torn = read.findings.iter().filter(|finding| finding.code == "result-torn").count();
    let launch = Launch {
        ordinal: 0,
        round: 0,
        executable: Digest::UNKNOWN,
        package: criterion::IMPORTED.to_owned(),
        target: criterion::IMPORTED.to_owned(),
        status: if torn == 0 { LaunchStatus::Complete } else { LaunchStatus::Partial },
        capture: Some(Capture::Files),
        reason: (torn > 0).then(|| format!("torn results were left out: {torn}")),
        harness_version: None,
        started: read.first,
        #[expect(clippy::cast_precision_loss, reason = "microseconds within one session")]
        elapsed_seconds: elapsed as f64 / 1e6,
        exit_code: None,
        covariates: None,
    };
    let mut findings = read.findings;
    if !facts.is_empty() {
        findings.push(read_later());
    }
    let run = Run {
        id,
        kind: RunKind::Imported,
        status: if torn == 0 { RunStatus::Complete } else { RunStatus::Partial },
        started: read.first,
        finished: Some(read.last),
        suite: criterion::IMPORTED.to_owned(),
        title: Some("imported from a folder of Criterion results".to_owned()),
        identity,
        plan: None,
        inventory,
        facts,
        executables: Vec::new(),
        launches: vec![launch],
        findings,
    };
    let measurements = read
        .measurements
        .into_iter()
        .map(|measurement| LaunchMeasurement { launch: 0, measurement })
        .collect();
    Ok(RunRecord { run, measurements, stated: Vec::new() })
}

/// The id of a folder's content filed under a machine: importing it again gives the same run.
fn run_id(read: &criterion::Imported, identity: &Identity) -> Result<RunId, CliError> {
    let mut parts = BTreeMap::from([(format!("machine {}", identity.machine), Digest::UNKNOWN)]);
    for (position, measurement) in read.measurements.iter().enumerate() {
        let digest = measurement_digest(0, measurement)
            .map_err(|error| CliError::from_error(exit_code::FAILURE, &error))?;
        parts.insert(format!("measurement {position:06}"), digest);
    }
    for (position, finding) in read.findings.iter().enumerate() {
        // What was left out is content as well: the folder may be mended and imported again.
        let text = format!("finding {position:06} {} {}", finding.code, finding.subject);
        parts.insert(text, Digest::UNKNOWN);
    }
    Ok(clock::run_id_of(read.first, list_digest(&parts)))
}

/// Says that the facts are not those of the measurement.
fn read_later() -> Finding {
    Finding {
        code: "facts-read-later".to_owned(),
        severity: Severity::Info,
        subject: String::new(),
        evidence: "the machine was described when the results were imported, not when they were measured"
            .to_owned(),
        effect: "load, power source and versions may have been others while it measured".to_owned(),
        remedy: "measure with `bench-runner run`, which describes the machine before and after".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::BenchmarkId;
    use crate::model::measurement::{Measurement, Observation, SamplingMode};
    use crate::model::units::{Metric, Timestamp};

    fn folder(total: f64, torn: bool) -> criterion::Imported {
        let benchmark = BenchmarkId {
            package: criterion::IMPORTED.to_owned(),
            target: criterion::IMPORTED.to_owned(),
            group: "g".to_owned(),
            function: None,
            value: None,
            occurrence: 0,
        };
        let measurement = Measurement {
            benchmark,
            metric: Metric::time(),
            throughput: Vec::new(),
            sampling: SamplingMode::Flat,
            settings: None,
            sample: vec![Observation { iterations: 1, total }],
        };
        let finding = Finding { code: "result-torn".to_owned(), ..read_later() };
        criterion::Imported {
            measurements: vec![measurement],
            first: Timestamp(5_000_000),
            last: Timestamp(6_000_000),
            findings: if torn { vec![finding] } else { Vec::new() },
        }
    }

    #[test]
    fn the_id_depends_on_content_and_machine_only() {
        let id = |total, torn, machine: &str| {
            let identity = Identity { machine: machine.to_owned(), ..unknown_identity() };
            run_id(&folder(total, torn), &identity).unwrap()
        };
        assert_eq!(id(1.0, false, "a"), id(1.0, false, "a"));
        for other in [id(2.0, false, "a"), id(1.0, true, "a"), id(1.0, false, "b")] {
            assert_ne!(id(1.0, false, "a"), other);
        }
    }

    #[test]
    fn the_unknown_digest_is_that_of_nothing() {
        assert_eq!(Digest::UNKNOWN, crate::files::sha256(b""));
    }

    #[test]
    fn what_is_missing_or_unknown_is_said() {
        let whole = record(folder(1.0, false), unknown_identity(), Vec::new()).unwrap().run;
        assert_eq!((whole.status, whole.launches[0].status), (RunStatus::Complete, LaunchStatus::Complete));
        assert_eq!((whole.launches[0].executable, whole.findings.len()), (Digest::UNKNOWN, 0));
        let torn = record(folder(1.0, true), unknown_identity(), Vec::new()).unwrap().run;
        assert_eq!((torn.status, torn.launches[0].status), (RunStatus::Partial, LaunchStatus::Partial));
        assert_eq!(torn.launches[0].reason.as_deref(), Some("torn results were left out: 1"));
        let fact = Fact {
            key: "cpu.brand".to_owned(),
            value: None,
            unit: String::new(),
            status: crate::model::fact::FactStatus::Hidden,
            source: "test".to_owned(),
            phase: Phase::Start,
        };
        let here = record(folder(1.0, false), unknown_identity(), vec![fact]).unwrap().run;
        assert_eq!((here.facts.len(), here.findings), (1, vec![read_later()]));
    }
}
