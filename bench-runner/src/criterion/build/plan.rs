//! Which bench targets of which packages to build, and what is left out.
//!
//! Decided from manifests alone; nothing is built here.

use std::collections::BTreeSet;

use cargo_metadata::{Metadata, Package};

use super::super::{finding, metadata};
use super::{BuildError, BuildRequest};
use crate::model::finding::{Finding, Severity};

/// Which targets of which packages to build.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) packages: BTreeSet<String>,
    pub(super) targets: BTreeSet<String>,
    pub(super) findings: Vec<Finding>,
}

pub(super) fn plan(request: &BuildRequest, workspace: &Metadata) -> Result<Plan, BuildError> {
    let packages = selected_packages(request, workspace)?;
    let mut known = BTreeSet::new();
    let mut plan = Plan::default();
    let mut without_harness_line = Vec::new();
    for package in &packages {
        let manifest = metadata::read_toml(package.manifest_path.as_std_path()).unwrap_or_default();
        let enabled = metadata::enabled_features(package, &request.features);
        for target in metadata::bench_targets(package) {
            known.insert(target.name.clone());
            if !request.benches.is_empty() && !request.benches.contains(&target.name) {
                continue;
            }
            let subject = format!("{}/{}", package.name, target.name);
            let lacking = metadata::lacking_features(target, &enabled);
            if !metadata::has_own_harness(&manifest, &target.name) {
                plan.findings.push(harness_finding(&subject));
                without_harness_line.push(subject);
            } else if !lacking.is_empty() {
                plan.findings.push(features_finding(&subject, &lacking));
            } else {
                plan.packages.insert(format!("{}@{}", package.name, package.version));
                plan.targets.insert(target.name.clone());
            }
        }
    }
    let listed = || known.iter().cloned().collect::<Vec<_>>().join(", ");
    if let Some(name) = request.benches.iter().find(|name| !known.contains(*name)) {
        return Err(BuildError::Unknown { what: "bench target", name: name.clone(), known: listed() });
    }
    if plan.targets.is_empty() {
        let names: Vec<_> = packages.iter().map(|package| package.name.to_string()).collect();
        let details: String = plan
            .findings
            .iter()
            .map(|finding| format!("; {}: {}", finding.subject, finding.evidence))
            .collect();
        return Err(BuildError::NoBenches { packages: names.join(", "), details, without_harness_line });
    }
    Ok(plan)
}

/// The packages that cargo would choose, or those asked for.
fn selected_packages<'a>(
    request: &BuildRequest,
    workspace: &'a Metadata,
) -> Result<Vec<&'a Package>, BuildError> {
    let members = workspace.workspace_packages();
    let mut selected = Vec::new();
    for name in &request.packages {
        let found = members.iter().find(|package| package.name.as_str() == name);
        let known = || members.iter().map(|package| package.name.to_string()).collect::<Vec<_>>().join(", ");
        let package = found.ok_or_else(|| BuildError::Unknown {
            what: "package",
            name: name.clone(),
            known: known(),
        })?;
        selected.push(*package);
    }
    if !selected.is_empty() {
        return Ok(selected);
    }
    let directory = request.directory.canonicalize().unwrap_or_else(|_| request.directory.clone());
    let nearest =
        || directory.ancestors().map(|folder| folder.join("Cargo.toml")).find(|path| path.is_file());
    let manifest = request.manifest.as_ref().map(|path| directory.join(path)).or_else(nearest);
    let manifest = manifest.and_then(|path| path.canonicalize().ok());
    let own = |package: &&&Package| package.manifest_path.as_std_path().canonicalize().ok() == manifest;
    let root = workspace.workspace_root.join("Cargo.toml");
    if let Some(package) = members.iter().find(own)
        && package.manifest_path != root
    {
        return Ok(vec![*package]);
    }
    // A root manifest stands for its default members; cargo before 1.71 did not name them.
    Ok(if workspace.workspace_default_members.is_available() {
        workspace.workspace_default_packages()
    } else {
        members
    })
}

fn harness_finding(subject: &str) -> Finding {
    let words = (
        "it would run under libtest, which reports success and measures nothing: it was left out",
        "add `harness = false` to its `[[bench]]` entry",
    );
    finding("bench-harness-missing", Severity::Warning, subject, "`harness = false` is missing", words)
}

fn features_finding(subject: &str, lacking: &[String]) -> Finding {
    let evidence = format!("it requires the features {}, which are off", lacking.join(", "));
    let remedy = "turn the features on with `--features`";
    finding("bench-features-missing", Severity::Info, subject, evidence, ("it was left out", remedy))
}
