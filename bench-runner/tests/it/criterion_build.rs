//! Building real workspaces: what is found, what is left out, which flags arrive.
use bench_runner::criterion::build::{BuildError, Features};
use bench_runner::criterion::import::{ImportError, import};
use bench_runner::process::{ProcessRequest, ProcessRunner, SystemRunner};

use super::criterion_support::{bench, built, request, scratch, variables};

#[test]
fn benches_are_described() {
    let normal = bench("normal");
    assert_eq!(normal.executable.package, "suite");
    assert_eq!(normal.criterion_version.as_deref(), Some("0.8.2"));
    assert!(normal.directory.ends_with("suites/current/suite"));
    assert_eq!(normal.executable.bytes, normal.path.metadata().unwrap().len());
    let variable = |name: &str| normal.environment.get(std::ffi::OsStr::new(name)).unwrap().to_string_lossy();
    assert_eq!(variable("CARGO_PKG_NAME"), "suite");
    assert_eq!(bench("older").criterion_version.as_deref(), Some("0.5.1"));
}

#[test]
fn profile_and_lock_are_reported() {
    let build = built(&request("flags", &[])).unwrap();
    assert_eq!((build.profile.name.as_str(), build.profile.opt_level.as_str()), ("bench", "3"));
    assert!(!build.profile.debug_assertions && !build.profile.overflow_checks);
    assert!(build.lock.is_some());
    assert_eq!(build.findings, []);
}

#[test]
fn targets_that_lack_features_are_left_out_until_these_are_on() {
    let mut asked = request("current", &["suite"]);
    asked.benches = vec!["optional".to_owned()];
    let error = built(&asked).unwrap_err();
    assert!(error.to_string().contains("suite/optional: it requires the features extra"), "{error}");
    asked.features = Features { names: vec!["extra".to_owned()], ..Features::default() };
    let build = built(&asked).unwrap();
    assert_eq!(build.executables.len(), 1);
}

#[test]
fn nothing_to_measure_is_explained() {
    let check = |package: &str, message: &str, hint: &str| {
        let error = built(&request("current", &[package])).unwrap_err();
        assert!(matches!(error, BuildError::NoBenches { .. }), "{error}");
        assert_eq!(error.to_string(), message);
        assert_eq!(error.hint().unwrap(), hint);
    };
    check(
        "empty",
        "no Criterion bench found in empty",
        "add a `[[bench]]` target with `harness = false` that calls `criterion_main!`",
    );
    check(
        "forgotten",
        "no Criterion bench found in forgotten; forgotten/declared: `harness = false` is missing; \
         forgotten/discovered: `harness = false` is missing",
        "add `harness = false` to the `[[bench]]` entries of forgotten/declared, forgotten/discovered",
    );
}

#[test]
fn forgotten_harness_line_is_a_finding_beside_other_benches() {
    let build = built(&request("current", &["plain", "forgotten"])).unwrap();
    let targets: Vec<_> = build.executables.iter().map(|bench| bench.executable.target.as_str()).collect();
    assert_eq!(targets, ["fake", "mute"]);
    let findings: Vec<_> = build.findings.iter().map(|f| (f.code.as_str(), f.subject.as_str())).collect();
    assert_eq!(
        findings,
        [("bench-harness-missing", "forgotten/declared"), ("bench-harness-missing", "forgotten/discovered")]
    );
}

#[test]
fn compiler_errors_are_shown() {
    let error = built(&request("current", &["broken"])).unwrap_err();
    let BuildError::Compile { diagnostics } = &error else { panic!("{error}") };
    assert!(diagnostics.contains("mismatched types"), "{diagnostics}");
}

#[test]
fn unknown_names_and_workspaces_are_told() {
    let error = built(&request("current", &["sweet"])).unwrap_err();
    let expected = "there is no package named `sweet`; there is: broken, empty, forgotten, plain, suite";
    let BuildError::Unknown { known, .. } = &error else { panic!("{error}") };
    assert_eq!(known.split(", ").count(), 5, "{error}");
    assert!(expected.starts_with(&error.to_string()[..45]), "{error}");
    let mut asked = request("current", &[]);
    asked.benches = vec!["norml".to_owned()];
    let message = built(&asked).unwrap_err().to_string();
    assert_eq!(message, "there is no bench target named `norml`; there is: faults, normal, optional");
    let nowhere = request("no-such-suite", &[]);
    assert!(built(&nowhere).is_err());
    let folder = tempfile::tempdir().unwrap();
    let error = built(&bench_runner::criterion::build::BuildRequest::new(folder.path())).unwrap_err();
    assert!(matches!(error, BuildError::Metadata { .. }), "{error}");
}

/// Builds the suite `flags` under `environment` with `extra` flags and returns what its executable says.
fn told(environment: &[(&str, &str)], extra: &[&str]) -> String {
    let mut asked = request("flags", &[]);
    asked.environment = variables(environment);
    asked.extra_flags = extra.iter().map(|&flag| flag.to_owned()).collect();
    let build = built(&asked).unwrap();
    let bench = &build.executables[0];
    let mut run = ProcessRequest::new(&bench.path);
    for (name, value) in &bench.environment {
        run = run.env(name, value);
    }
    assert!(build.flags.effective().contains(&"--cfg=backend=\"configured\"".to_owned()));
    SystemRunner.run(&run).unwrap().stdout_text().trim().replace('\n', " ")
}

#[test]
fn configured_flags_survive_those_of_the_environment() {
    let plain = told(&[], &[]);
    assert_eq!(plain, "configured=true environment=false extra=false variable=yes");
    let merged = told(&[("RUSTFLAGS", "--cfg from_environment")], &["--cfg=from_extra"]);
    assert_eq!(merged, "configured=true environment=true extra=true variable=yes");
}

#[test]
fn other_flags_get_a_place_of_their_own() {
    let mut asked = request("flags", &[]);
    let folder = tempfile::tempdir_in(scratch()).unwrap();
    asked.target_directory = None;
    asked.extra_flags = vec!["--cfg=from_extra".to_owned()];
    // The workspace's own place, moved so that the fixture's folder stays clean.
    asked.cargo = "cargo".into();
    asked.directory = copy_of_flags(folder.path());
    let build = built(&asked).unwrap();
    let place = build.target_directory.unwrap();
    assert!(place.to_string_lossy().contains("target/bench-runner/"), "{}", place.display());
    asked.extra_flags = Vec::new();
    assert_eq!(built(&asked).unwrap().target_directory, None);
}

fn copy_of_flags(to: &std::path::Path) -> std::path::PathBuf {
    let from = request("flags", &[]).directory;
    for file in ["Cargo.toml", "Cargo.lock", "lib.rs", "benches/flags.rs", ".cargo/config.toml"] {
        let target = to.join(file);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(from.join(file), target).unwrap();
    }
    to.to_owned()
}

#[test]
fn real_result_folders_are_imported() {
    let home = tempfile::tempdir_in(scratch()).unwrap();
    let normal = bench("normal");
    let run = |filter: &str| {
        let request = ProcessRequest::new(&normal.path)
            .args(["--bench", "--noplot", "--warm-up-time", "0.01", "--measurement-time", "0.02"])
            .args(["--sample-size", "10", filter])
            .env("CRITERION_HOME", home.path())
            .env_remove("CARGO_CRITERION_PORT");
        assert!(SystemRunner.run(&request).unwrap().success());
    };
    run("");
    // A second run fills `base` and `change`, which must not be taken for results.
    run("same");
    let imported = import(home.path(), None).unwrap();
    let mut names: Vec<_> = imported.measurements.iter().map(|m| m.benchmark.full_id()).collect();
    names.sort();
    assert_eq!(names, ["counted", "same", "sum/pair", "sum/slice/64", "sum/slice/8"]);
    assert!(imported.first < imported.last);
    assert!(imported.measurements.iter().all(|m| m.benchmark.package == "imported" && m.sample.len() == 10));
    let codes: Vec<_> = imported.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["unit-assumed"]);
    assert_eq!(import(home.path(), Some("base")).unwrap().measurements.len(), 5);

    std::fs::write(home.path().join("counted/new/sample.json"), "{\"iters\":[1.0]").unwrap();
    let torn = import(home.path(), None).unwrap();
    assert_eq!((torn.measurements.len(), torn.findings[0].code.as_str()), (4, "result-torn"));
    assert_eq!(torn.findings[0].subject, "counted/new");
    let error = import(home.path(), Some("nightly")).unwrap_err();
    assert!(matches!(error, ImportError::Empty { torn: 0, .. }), "{error}");
    assert!(matches!(import(&home.path().join("absent"), None), Err(ImportError::Files { .. })));
}
