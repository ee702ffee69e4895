//! What the arms have in common: benchmarks, and sometimes the whole executable.

use crate::experiment::arms::PreparedArm;
use crate::experiment::suite::Bench;
use crate::model::finding::{Finding, Severity};
use crate::model::ids::BenchmarkId;

/// A bench target that every arm has, with the benchmarks that every arm has.
#[derive(Debug)]
pub(super) struct Target<'a> {
    /// The bench of each arm.
    pub(super) benches: Vec<&'a Bench>,
    /// In the order of the baseline.
    pub(super) common: Vec<BenchmarkId>,
    /// Whether all arms would launch the same file in the same way.
    pub(super) equal: bool,
}

/// The common targets, and what only some arms have.
pub(super) fn targets(arms: &[PreparedArm]) -> (Vec<Target<'_>>, Vec<Finding>) {
    let Some((baseline, others)) = arms.split_first() else { return (Vec::new(), Vec::new()) };
    let (mut targets, mut findings) = (Vec::new(), Vec::new());
    for bench in &baseline.suite.benches {
        let partners: Vec<Option<&Bench>> = others.iter().map(|arm| partner(arm, bench)).collect();
        let has = |other: &Option<&Bench>, id| other.is_some_and(|other| other.selected.contains(id));
        for (arm, other) in others.iter().zip(&partners) {
            let gone = bench.selected.iter().filter(|id| !has(other, id));
            findings.extend(gone.map(|id| one_sided(id, &baseline.variant.name, &arm.variant.name)));
        }
        let common: Vec<BenchmarkId> =
            bench.selected.iter().filter(|id| partners.iter().all(|other| has(other, id))).cloned().collect();
        if common.is_empty() {
            continue;
        }
        let benches: Vec<&Bench> = std::iter::once(bench).chain(partners.into_iter().flatten()).collect();
        let equal = others.iter().all(|arm| {
            arm.variant.environment == baseline.variant.environment
                && arm.variant.affinity == baseline.variant.affinity
        }) && benches
            .iter()
            .all(|other| other.executable.executable.digest == bench.executable.executable.digest);
        targets.push(Target { benches, common, equal });
    }
    for arm in others {
        for bench in &arm.suite.benches {
            let known = partner(baseline, bench);
            let new =
                bench.selected.iter().filter(|id| known.is_none_or(|known| !known.selected.contains(id)));
            findings.extend(new.map(|id| one_sided(id, &arm.variant.name, &baseline.variant.name)));
        }
    }
    (targets, findings)
}

/// The bench of another arm that has the same package and target.
fn partner<'a>(arm: &'a PreparedArm, bench: &Bench) -> Option<&'a Bench> {
    let key = |bench: &Bench| {
        (bench.executable.executable.package.clone(), bench.executable.executable.target.clone())
    };
    arm.suite.benches.iter().find(|other| key(other) == key(bench))
}

fn one_sided(id: &BenchmarkId, has: &str, lacks: &str) -> Finding {
    Finding {
        code: "benchmark-one-sided".to_owned(),
        severity: Severity::Info,
        subject: id.to_string(),
        evidence: format!("`{has}` has it and `{lacks}` does not"),
        effect: "it cannot be compared".to_owned(),
        remedy: "none, if it was added, removed or renamed between them".to_owned(),
    }
}

/// Says that a target was not measured because nothing can differ.
pub(super) fn no_effect(target: &Target<'_>) -> Finding {
    let executable = &target.benches[0].executable.executable;
    Finding {
        code: "executables-equal".to_owned(),
        severity: Severity::Info,
        subject: format!("{}/{}", executable.package, executable.target),
        evidence: format!(
            "all arms have the same executable (SHA-256 {}), environment and processors",
            executable.digest.short()
        ),
        effect: "no effect is possible; it was not measured".to_owned(),
        remedy: "none; to see what the machine makes of equal executables, use `calibrate`".to_owned(),
    }
}
