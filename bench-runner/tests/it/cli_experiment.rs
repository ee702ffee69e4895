//! Experiments, revisions and searches on a real git repository whose commits change one loop.
//!
//! One repository and one test for all that builds: the builds share a target folder, and each takes a while. Doses are
//! large (six times the loop), since tests run on machines that do other things as well.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use bench_runner::analysis::experiment::Rules;
use bench_runner::experiment::recompute;
use bench_runner::model::run::RunStatus;
use bench_runner::process::{ProcessRequest, ProcessRunner, SystemRunner};
use bench_runner::store::RunFilter;
use serde_json::Value;

use super::cli_support::{Answer, World, repository};

/// How strictly results are read again.
const RULES: Rules = Rules { margin: 0.02, family_alpha: 0.05 };

/// A world that is a git repository of the suite `spin`.
struct Project {
    world: World,
    /// Commits, oldest first: as it is, a document, one that does not compile, repaired, six times slower, a little more.
    commits: Vec<String>,
}

impl Project {
    fn new() -> Self {
        let world = World::new();
        let suite = repository().join("bench-runner/tests/fixtures/suites/spin");
        for name in ["Cargo.toml", "Cargo.lock", "suite/Cargo.toml", "suite/lib.rs", "suite/benches/spin.rs"]
        {
            world.write(name, &std::fs::read_to_string(suite.join(name)).unwrap());
        }
        world.write(".gitignore", "/target\n/data\n/reports\nstore.sqlite*\n*.lock\n!Cargo.lock\n");
        let mut project = Self { world, commits: Vec::new() };
        project.git(&["init", "-q", "-b", "main"]);
        project.commit("as it is");
        project.world.write("README.md", "A document.\n");
        project.commit("a document");
        let library = project.world.read("suite/lib.rs");
        project.world.write("suite/lib.rs", "this does not compile\n");
        project.commit("broken");
        project.world.write("suite/lib.rs", &library);
        project.commit("repaired");
        let bench = project.world.read("suite/benches/spin.rs");
        let more =
            "    c.bench_function(\"added\", |b| b.iter(|| spin(black_box(10))));\n}\n\ncriterion_group";
        project.world.write("suite/benches/spin.rs", &bench.replace("}\n\ncriterion_group", more));
        project.world.write("suite/lib.rs", &library.replace("300", "1800"));
        project.commit("six times slower");
        project.world.write("suite/lib.rs", &library.replace("300", "1830"));
        project.commit("a little more");
        project
    }

    fn git(&self, args: &[&str]) -> String {
        let who =
            ["-c", "user.name=Alice", "-c", "user.email=alice@example.org", "-c", "commit.gpgsign=false"];
        let request = ProcessRequest::new("git").args(who).args(args).directory(self.world.path(""));
        let output = SystemRunner.run(&request).unwrap();
        assert!(output.success(), "{args:?}: {}", output.stderr_text());
        output.stdout_text().trim().to_owned()
    }

    fn commit(&mut self, message: &str) {
        self.git(&["add", "."]);
        self.git(&["commit", "-q", "-m", message]);
        self.commits.push(self.git(&["rev-parse", "HEAD"]));
    }

    fn command(&self, words: &[&str]) -> std::process::Command {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixture-suites/spin");
        let mut command = self.world.command(words);
        command.env("CARGO_TARGET_DIR", target);
        command
    }

    fn answer(&self, words: &[&str]) -> Answer {
        self.world.finish(self.command(words), words)
    }

    /// `experiment` with the shortest launches, as JSON.
    fn experiment(&self, words: &[&str]) -> Value {
        let all = [&["experiment", "--profile", "tiny", "--locked", "--format", "json"], words].concat();
        self.answer(&all).code(0).json()
    }

    fn range(&self, from: usize, to: usize) -> String {
        format!("{}..{}", self.commits[from], self.commits[to])
    }
}

/// The row of a benchmark in the first contrast.
#[track_caller]
fn row<'a>(answer: &'a Value, function: &str) -> &'a Value {
    let rows = answer["result"]["contrasts"][0]["rows"].as_array().unwrap();
    rows.iter().find(|row| row["benchmark"]["group"] == function).unwrap_or_else(|| panic!("{answer:#}"))
}

/// Arms, sides and roles in the order of launching.
fn order(answer: &Value) -> Vec<(u64, u64, String)> {
    let launches = answer["experiment"]["launches"].as_array().unwrap();
    launches
        .iter()
        .map(|launch| {
            let number = |key: &str| launch[key].as_u64().unwrap();
            (number("arm"), number("side"), launch["role"].as_str().unwrap().to_owned())
        })
        .collect()
}

#[test]
fn experiments_runs_and_searches_on_a_repository() {
    let project = Project::new();
    equal_executables_are_not_measured(&project);
    a_slower_commit_is_found(&project);
    what_cannot_be_built_is_said(&project);
    kept_executables_are_launched_again(&project);
    a_killed_experiment_is_partial_and_readable(&project);
    earlier_commits_are_measured_once(&project);
    the_culprit_is_found(&project);
    let trees = project.git(&["worktree", "list", "--porcelain"]);
    let left = trees.lines().filter(|line| line.starts_with("worktree ")).count();
    // The killed experiment could not tidy up; its folder is in the system's temporary one.
    assert!(left <= 3, "{trees}");
}

fn equal_executables_are_not_measured(project: &Project) {
    let answer = project.experiment(&[&project.range(0, 1)]);
    assert_eq!(answer["equal_executables"], true, "{answer:#}");
    assert_eq!(answer["experiment"]["launches"], serde_json::json!([]));
    assert_eq!(answer["result"]["findings"][0]["code"], "executables-equal");
    let text = project.answer(&["experiment", "--show", "latest"]).code(0);
    text.shows(&["No effect possible: equal executables", "source.commit: "]);
}

fn a_slower_commit_is_found(project: &Project) {
    let range = project.range(1, 4);
    let answer = project.experiment(&[&range, "--blocks", "9", "--seed", "7"]);
    let varied = row(&answer, "varied");
    let ratio = varied["ratio"].as_f64().unwrap();
    assert!((3.0..12.0).contains(&ratio), "{varied:#}");
    assert_eq!(varied["verdict"], "regressed", "{varied:#}");
    let findings = answer["result"]["findings"].as_array().unwrap();
    let added = findings.iter().find(|finding| finding["code"] == "benchmark-one-sided").unwrap();
    assert_eq!(added["subject"], "spin/added");
    assert!(answer["result"]["control"]["rows"].as_array().is_some_and(|rows| rows.len() == 2));
    // Equal seeds begin alike; what was disturbed and repeated may part them later.
    let again = project.experiment(&[&range, "--blocks", "2", "--seed", "7", "--filter", "fixed"]);
    let (long, short) = (order(&answer), order(&again));
    assert_eq!(long[0], short[0]);
    // Arms are runs with every observation, and no nights of a history.
    let store = project.world.store();
    assert_eq!(store.runs(&RunFilter::default(), 99).unwrap(), []);
    let arms = store.runs(&RunFilter { arms: true, ..RunFilter::default() }, 99).unwrap();
    assert_eq!(arms.len(), 6);
    for arm in &arms {
        assert_eq!(store.verify(&arm.id).unwrap(), [""; 0]);
    }
    assert_eq!(store.experiments(9).unwrap().len(), 3);
    project.answer(&["list", "--experiments"]).code(0).shows(&[&project.commits[4][..10]]);
    // What was concluded can be concluded again.
    let id = answer["experiment"]["id"].as_str().unwrap().parse().unwrap();
    let read = recompute(&store, &id, RULES).unwrap();
    assert_eq!(serde_json::to_value(&read.result.contrasts).unwrap(), answer["result"]["contrasts"]);
    drop(store);
    let gate =
        ["experiment", "--profile", "tiny", "--locked", &range, "--filter", "varied", "--gate", "--explain"];
    let said = project.answer(&gate).code(100);
    said.shows(&["▲ regressed", "the interval that holds whenever one stops", "Geometric mean of 1 row"]);
}

fn what_cannot_be_built_is_said(project: &Project) {
    let broken = project.range(0, 2);
    project.answer(&["experiment", "--locked", &broken]).code(101).says(&["variant `", "do not compile"]);
    project.answer(&["experiment", "nowhere..main"]).code(2).says(&["`nowhere` does not name a commit"]);
    project.answer(&["experiment"]).code(2).says(&["two arms or more", "hint: give `A..B`"]);
    let twice = ["experiment", "--variant", "a:rev=HEAD", "--variant", "a:rev=main"];
    project.answer(&twice).code(2).says(&["two arms are called `a`"]);
}

fn kept_executables_are_launched_again(project: &Project) {
    let run = ["run", "--rev", &project.commits[0], "--locked", "--no-report", "--format", "json"];
    let run = project.answer(&run).code(0).json()["run"].as_str().unwrap().to_owned();
    let stored = project.world.store().runs(&RunFilter::default(), 9).unwrap();
    assert_eq!(stored[0].commit.as_ref(), Some(&project.commits[0]));
    let processors = if cfg!(target_os = "linux") { ",affinity=0" } else { "" };
    let (a, b) = (format!("plain:run={run}"), format!("more:run={run},env.SPIN_FACTOR=6{processors}"));
    let answer =
        project.experiment(&["--variant", &a, "--variant", &b, "--blocks", "4", "--control-every", "0"]);
    let ratio = row(&answer, "varied")["ratio"].as_f64().unwrap();
    assert!((3.0..12.0).contains(&ratio), "{answer:#}");
    assert!(answer["result"]["control"].is_null());
    let keys: Vec<&str> =
        answer["differences"][0][1].as_array().unwrap().iter().map(|d| d["key"].as_str().unwrap()).collect();
    assert!(keys.contains(&"environment"), "{keys:?}");
    // Once they are gone nothing is known, which is said and is no success.
    let kept = project.world.path("data/executables");
    let aside = project.world.path("data/aside");
    std::fs::rename(&kept, &aside).unwrap();
    let gone = ["experiment", "--variant", &a, "--variant", &b];
    project.answer(&gone).code(121).says(&["not kept on this machine", "hint: "]);
    std::fs::rename(&aside, &kept).unwrap();
}

fn a_killed_experiment_is_partial_and_readable(project: &Project) {
    let range = project.range(1, 4);
    let before = project.world.store().experiments(99).unwrap().len();
    let words = ["experiment", "--profile", "tiny", "--locked", &range, "--blocks", "500"];
    let mut child = project.command(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(200);
    loop {
        let store = project.world.store();
        let known = store.experiments(99).unwrap();
        if known.len() > before && known[0].launches >= 5 {
            break;
        }
        assert!(Instant::now() < deadline, "it never began");
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let answer = project.answer(&["experiment", "--show", "latest", "--format", "json"]).code(130).json();
    assert_eq!(answer["interrupted"], true);
    assert!(order(&answer).len() >= 5);
    // The next writer marks its runs.
    project.experiment(&[&project.range(0, 1)]);
    let store = project.world.store();
    for arm in answer["experiment"]["arms"].as_array().unwrap() {
        let run = store.run(&arm["run"].as_str().unwrap().parse().unwrap()).unwrap();
        assert_eq!(run.status, RunStatus::Partial);
        assert_eq!(store.verify(&run.id).unwrap(), [""; 0]);
    }
}

fn earlier_commits_are_measured_once(project: &Project) {
    let range = project.range(0, 4);
    let outcomes = |answer: &Answer| -> Vec<String> {
        let items = answer.json()["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["outcome"].as_str().unwrap().to_owned()).collect()
    };
    let words = ["backfill", &range, "--every", "2", "--locked", "--format", "json"];
    let first = project.answer(&words).code(0);
    assert_eq!(outcomes(&first), ["does not build", "complete"]);
    // The commit that does not build is tried again, and would stand behind the one that was measured.
    let second = project.answer(&words).code(0).says(&["newer than", "quarantine"]);
    assert_eq!(outcomes(&second), ["does not build", "measured already"]);
    // Runs can be named by their commit, by whatever git calls it, and by a baseline. A busy machine may refuse the comparison.
    let compared = |a: &str, b: &str| {
        let words = ["compare", a, b, "--format", "json"];
        let comparison = project.answer(&words).json()["comparison"].clone();
        (comparison["baseline"].clone(), comparison["candidate"].clone())
    };
    let (first, last) = (project.commits[0].as_str(), project.commits[4].as_str());
    project.git(&["tag", "slow", last]);
    let by_commit = compared(&first[..12], "slow");
    assert!(by_commit.0.is_string() && by_commit.0 != by_commit.1, "{by_commit:?}");
    project
        .answer(&["baseline", "before", by_commit.0.as_str().unwrap()])
        .code(0)
        .shows(&["`before` is run"]);
    assert_eq!(compared("before", last), by_commit);
    project.answer(&["baseline", "latest"]).code(2).says(&["cannot be the name"]);
    project
        .answer(&["compare", "main", "slow"])
        .code(4)
        .says(&["no complete run measured `main`", "run --rev"]);
    project.answer(&["compare", "nobody", "slow"]).code(4).says(&["bench-runner list"]);
    project.answer(&["backfill", "main"]).code(2).says(&["`main` is not a range"]);
}

fn the_culprit_is_found(project: &Project) {
    let good = project.commits[0].as_str();
    let words =
        ["bisect", "spin/varied", "--good", good, "--profile", "tiny", "--locked", "--format", "json"];
    let answer = project.answer(&words).code(0).json();
    assert_eq!(answer["culprit"], project.commits[4].as_str(), "{answer:#}");
    let steps = answer["steps"].as_array().unwrap();
    assert!(steps.iter().any(|step| step["why"].as_str().unwrap().contains("passed over")), "{answer:#}");
    project
        .answer(&["bisect", "spin/varied", "--good", "HEAD", "--bad", good])
        .code(2)
        .says(&["not an ancestor"]);
}
