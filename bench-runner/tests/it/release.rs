//! `release-notes` between real tags of a real repository: measured in turns, and from planted runs that must be refused.

use std::path::Path;

use bench_runner::clock;
use bench_runner::model::experiment::{
    Arm, Experiment, ExperimentLaunch, ExperimentResult, LaunchRole, Purpose, Variant,
};
use bench_runner::model::fact::{Fact, FactStatus, FactValue, Phase, keys};
use bench_runner::model::ids::RunId;
use bench_runner::model::record::RunRecord;
use bench_runner::model::run::{Run, RunStatus};
use bench_runner::process::{ProcessRequest, ProcessRunner, SystemRunner};
use bench_runner::store::{OpenMode, RunEnd, Store};
use serde_json::Value;

use super::cli_support::{Answer, World, repository};
use super::gate_history::night;

const TAGS: [&str; 4] = ["release-notes", "--from", "v1.0.0", "--to"];

fn git(world: &World, args: &[&str]) -> String {
    let who = ["-c", "user.name=Alice", "-c", "user.email=alice@example.org", "-c", "commit.gpgsign=false"];
    let request = ProcessRequest::new("git").args(who).args(args).directory(world.path(""));
    let output = SystemRunner.run(&request).unwrap();
    assert!(output.success(), "{args:?}: {}", output.stderr_text());
    output.stdout_text().trim().to_owned()
}

fn tag(world: &World, name: &str) -> String {
    git(world, &["add", "."]);
    git(world, &["commit", "-q", "--allow-empty", "-m", name]);
    git(world, &["tag", name]);
    git(world, &["rev-parse", "HEAD"])
}

/// The suite `spin` in two releases: one loop six times longer, one five times shorter, one as it was, one gone, one new.
fn project() -> World {
    let world = World::new();
    let suite = repository().join("bench-runner/tests/fixtures/suites/spin");
    for name in ["Cargo.toml", "Cargo.lock", "suite/Cargo.toml", "suite/lib.rs", "suite/benches/spin.rs"] {
        world.write(name, &std::fs::read_to_string(suite.join(name)).unwrap());
    }
    world.write(".gitignore", "/target\n/data\n/reports\nstore.sqlite*\n*.lock\n!Cargo.lock\n");
    git(&world, &["init", "-q", "-b", "main"]);
    let bench = world.read("suite/benches/spin.rs");
    let with = |more: &str| {
        let steady = "    c.bench_function(\"steady\", |b| b.iter(|| spin(black_box(200))));\n";
        let end = "}\n\ncriterion_group";
        let more =
            format!("{steady}    c.bench_function(\"{more}\", |b| b.iter(|| spin(black_box(9))));\n{end}");
        bench.replace(end, &more)
    };
    world.write("suite/benches/spin.rs", &with("gone"));
    tag(&world, "v1.0.0");
    world.write("suite/benches/spin.rs", &with("added").replace("black_box(300)", "black_box(60)"));
    let library = world.read("suite/lib.rs").replace("300", "1800");
    world.write("suite/lib.rs", &library);
    tag(&world, "v2.0.0");
    world.write("suite/lib.rs", "this does not compile\n");
    tag(&world, "v3.0.0");
    world.write("suite/lib.rs", &library);
    world
}

fn answer(world: &World, words: &[&str]) -> Answer {
    let mut command = world.command(words);
    command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixture-suites/release"));
    world.finish(command, words)
}

fn names(ids: &Value) -> Vec<&str> {
    ids.as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect()
}

/// Every claim rests on an interval without 1, in its own direction.
#[track_caller]
fn claims_are_supported(section: &Value) {
    for row in section["rows"].as_array().unwrap() {
        let bound = |place: usize| row["comparison"]["ratio_interval"][place].as_f64();
        match row["claim"].as_str().unwrap() {
            "slower" => assert!(bound(0).unwrap() > 1.0, "{row}"),
            "faster" => assert!(bound(1).unwrap() < 1.0, "{row}"),
            "unchanged" => assert!(bound(0).is_some(), "{row}"),
            other => assert_eq!(other, "none", "{row}"),
        }
    }
}

#[test]
fn two_releases_measured_in_turns_say_what_changed() {
    let world = project();
    let words = [&TAGS[..], &["v2.0.0", "--format", "json"]].concat();
    answer(&world, &words).code(4);
    world.write(
        "NEWS.md",
        "# News\n\n<!-- bench-runner:v2.0.0:begin -->\n<!-- bench-runner:v2.0.0:end -->\n\nend\n",
    );
    let measuring = ["--measure", "--blocks", "12", "--profile", "tiny", "--locked", "--splice", "NEWS.md"];
    let notes = answer(&world, &[&words[..], &measuring].concat()).code(0).json()["notes"].clone();
    let section = &notes["sections"][0];
    assert_eq!((names(&section["new"]), names(&section["removed"])), (vec!["spin/added"], vec!["spin/gone"]));
    let rows = section["rows"].as_array().unwrap();
    let row = |name: &str| rows.iter().find(|row| row["comparison"]["benchmark"]["group"] == name).unwrap();
    assert_eq!((&row("varied")["claim"], &row("fixed")["claim"]), (&"slower".into(), &"faster".into()));
    assert_eq!(rows.len(), 3, "{section}");
    assert_eq!(rows[0]["comparison"]["benchmark"]["group"], "varied", "slower comes first");
    let ratio = row("varied")["comparison"]["ratio"].as_f64().unwrap();
    assert!((3.0..12.0).contains(&ratio), "{ratio}");
    claims_are_supported(section);
    assert!(notes["not_measured"].is_null());
    // The note in the file is that of the command it names, and says where each number is from.
    let news = world.read("NEWS.md");
    assert!(
        news.starts_with("# News\n\n<!-- bench-runner:v2.0.0:begin -->\n### Performance in v2.0.0\n"),
        "{news}"
    );
    assert!(news.ends_with("<!-- bench-runner:v2.0.0:end -->\n\nend\n"), "{news}");
    let runs = ["runs", "runs"].map(|key| section[key].clone());
    for part in [
        runs[0][0].as_str().unwrap(),
        runs[1][1].as_str().unwrap(),
        "1 slower (`spin/varied` +",
        "New: `spin/added`",
    ] {
        assert!(news.contains(part), "{part:?} is not in {news}");
    }
    let command = notes["command"].as_str().unwrap();
    assert!(news.contains(command));
    let again: Vec<&str> = command.split(' ').skip(1).chain(["--splice", "NEWS.md"]).collect();
    answer(&world, &again).code(0);
    assert_eq!(world.read("NEWS.md"), news);
    // A release that does not build falls back to stored runs, of which there are none.
    let broken =
        [&TAGS[..], &["v3.0.0", "--measure", "--blocks", "1", "--profile", "tiny", "--locked"]].concat();
    answer(&world, &broken).code(4).says(&["stored runs are used instead", "no stored run measured"]);
}

/// A world with two tags and no suite; runs are planted.
struct Planted {
    world: World,
    commits: [String; 2],
    count: u32,
}

impl Planted {
    fn new() -> Self {
        let world = World::new();
        git(&world, &["init", "-q", "-b", "main"]);
        let commits = ["v1.0.0", "v2.0.0"].map(|name| tag(&world, name));
        Self { world, commits, count: 0 }
    }

    /// A run of a release with three benchmarks, changed before it is stored.
    fn plant(&mut self, release: usize, values: [f64; 3], change: impl Fn(&mut RunRecord)) {
        let values: Vec<(String, f64)> = ["a", "b", "c"].map(str::to_owned).into_iter().zip(values).collect();
        let mut record = night(self.count, &values);
        self.count += 1;
        record.run.facts.push(fact(keys::SOURCE_COMMIT, &self.commits[release]));
        change(&mut record);
        let mut store =
            Store::open(&self.world.path("store.sqlite"), OpenMode::ReadWrite, clock::now()).unwrap().0;
        store.import_run(&record).unwrap();
    }

    fn notes(&self, code: i32) -> Value {
        let words = [&TAGS[..], &["v2.0.0", "--format", "json"]].concat();
        self.world.answer(&words).code(code).json()["notes"].clone()
    }
}

pub(crate) fn fact(key: &str, value: &str) -> Fact {
    Fact {
        key: key.to_owned(),
        value: Some(FactValue::Text(value.to_owned())),
        unit: String::new(),
        status: FactStatus::Ok,
        source: "planted".to_owned(),
        phase: Phase::Start,
    }
}

#[test]
fn stored_runs_of_one_place_are_compared_and_nothing_else_is_claimed() {
    let mut planted = Planted::new();
    planted.plant(0, [1000.0, 1000.0, 1000.0], |_| {});
    // Launches lie 0.1 % apart: a tenth is far beyond doubt, and 0.05 % is not.
    planted.plant(1, [1100.0, 900.0, 1000.5], |_| {});
    let notes = planted.notes(0);
    let section = &notes["sections"][0];
    let claims: Vec<&str> =
        section["rows"].as_array().unwrap().iter().map(|row| row["claim"].as_str().unwrap()).collect();
    assert_eq!(claims, ["slower", "faster", "unchanged"]);
    claims_are_supported(section);
    assert_eq!(section["source"]["history"]["days"], 1);
    let words = [&TAGS[..], &["v2.0.0", "--format", "markdown"]].concat();
    planted.world.answer(&words).code(0).shows(&[
        "Of 3 benchmarks on 01234567, 1 slower (`t/a` +10.0 %",
        "governor=performance",
        "what the machine did between the two runs is not in the intervals",
        "interval is Welch's",
        "01K9B000000000000000000000",
        "01K9B000000000000000000001",
    ]);
    planted.world.answer(&["release-notes", "--from", "v1.0.0", "--to", "v1.0.0"]).code(2);
}

#[test]
fn among_planted_runs_only_those_of_one_place_are_compared() {
    let mut planted = Planted::new();
    planted.plant(0, [1000.0; 3], |_| {});
    planted.plant(1, [1100.0, 900.0, 1000.5], |_| {});
    // Newer runs of the same release that must not be used: another machine, and the same one on battery.
    planted.plant(1, [500.0; 3], |record| record.run.identity.machine = "fedcba9876543210".to_owned());
    planted.plant(1, [2000.0; 3], |record| {
        record.run.identity.config = "governor=performance;power-source=battery".to_owned();
    });
    let notes = planted.notes(0);
    let sections = notes["sections"].as_array().unwrap();
    assert_eq!(sections.len(), 1, "{notes}");
    let runs = &sections[0]["runs"];
    assert_eq!((&runs[0], &runs[1]), (&format!("01K9B{:021}", 0).into(), &format!("01K9B{:021}", 1).into()));
    let claims: Vec<&str> =
        sections[0]["rows"].as_array().unwrap().iter().map(|row| row["claim"].as_str().unwrap()).collect();
    assert_eq!(claims, ["slower", "faster", "unchanged"]);
    let refused: Vec<String> = notes["refused"].as_array().unwrap().iter().map(Value::to_string).collect();
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(refused.iter().any(|one| one.contains("machine: ")), "{refused:?}");
    assert!(refused.iter().any(|one| one.contains("power-source=battery")), "{refused:?}");
}

/// What an experiment with two planted releases is like.
type Planting = dyn Fn(&mut [Variant; 2], &mut [RunRecord; 2]);

impl Planted {
    /// Stores an experiment whose arms are the two releases, changed before it is stored; returns its id.
    fn experiment(&mut self, change: &Planting) -> String {
        let mut variants =
            ["v1.0.0", "v2.0.0"].map(|name| Variant { name: name.to_owned(), ..Variant::default() });
        let mut records = [1000.0, 1100.0].map(|value| {
            self.count += 1;
            night(self.count, &[("a".to_owned(), value)])
        });
        for (place, commit) in self.commits.iter().enumerate() {
            variants[place].rev = Some(commit.clone());
            records[place].run.facts.push(fact(keys::SOURCE_COMMIT, commit));
            records[place].run.facts.push(fact(keys::OS_KERNEL, "6.1"));
        }
        change(&mut variants, &mut records);
        let path = self.world.path("store.sqlite");
        let mut store = Store::open(&path, OpenMode::ReadWrite, clock::now()).unwrap().0;
        let id: RunId = format!("01K9E{:021}", self.count).parse().unwrap();
        let runs = records.each_ref().map(|record| Run {
            status: RunStatus::Running,
            finished: None,
            ..record.run.clone()
        });
        let arms = variants.into_iter().zip(&runs);
        let experiment = Experiment {
            id: id.clone(),
            purpose: Purpose::Release,
            started: runs[0].started,
            finished: None,
            seed: 1,
            arms: arms.map(|(variant, run)| Arm { variant, run: run.id.clone() }).collect(),
            launches: Vec::new(),
        };
        store.begin_experiment(&experiment, &runs).unwrap();
        let launches = u32::try_from(runs[0].launches.len()).unwrap();
        for position in 0..2 * launches {
            let launch = ExperimentLaunch {
                position,
                block: position / 2,
                arm: position % 2,
                side: position % 2,
                role: LaunchRole::Test,
                launch: position / 2,
                contaminated: None,
            };
            store.add_experiment_launch(&id, &launch).unwrap();
        }
        for record in &records {
            for entry in &record.measurements {
                store.insert_measurement(&record.run.id, entry.launch, &entry.measurement).unwrap();
            }
            let end = RunEnd {
                status: RunStatus::Complete,
                finished: record.run.finished,
                facts: Vec::new(),
                findings: Vec::new(),
            };
            store.finish_run(&record.run.id, &end).unwrap();
        }
        let (contrasts, findings) = (Vec::new(), Vec::new());
        let result = ExperimentResult { contrasts, control: None, blocks: launches, repeated: 0, findings };
        store.finish_experiment(&id, runs[0].started, &result).unwrap();
        id.to_string()
    }
}

fn native(variant: &mut Variant) {
    variant.rustflags = vec!["-Ctarget-cpu=native".to_owned()];
}

#[test]
fn arms_that_differ_in_more_than_the_release_are_no_releases() {
    let notes = |change: &Planting, code: i32| {
        let mut planted = Planted::new();
        let id = planted.experiment(change);
        let words = [&TAGS[..], &["v2.0.0", "--experiment", &id, "--format", "json"]].concat();
        let notes = planted.world.answer(&words).code(code).json()["notes"].clone();
        let words = [&TAGS[..], &["v2.0.0", "--experiment", &id, "--format", "markdown"]].concat();
        (notes, planted.world.answer(&words).code(code).out)
    };
    let (made, text) = notes(&|_, _| {}, 0);
    assert_eq!(made["refused"], Value::Array(Vec::new()));
    assert!(text.contains("Hodges–Lehmann") && !text.contains("Welch"), "{text}");
    // The same on both sides is said and forbids nothing.
    let (_, text) = notes(&|variants, _| variants.iter_mut().for_each(native), 0);
    assert!(text.contains("otherwise than the project says: compiler flags -Ctarget-cpu=native"), "{text}");
    let refused = |change: &Planting, word: &str| {
        let (made, text) = notes(change, 121);
        assert_eq!(made["sections"], Value::Array(Vec::new()), "{word}");
        assert!(made["refused"][0]["reasons"].to_string().contains(word), "{word}: {made}");
        assert!(!text.contains('%'), "{text}");
    };
    refused(&|variants, _| native(&mut variants[1]), "compiler flags");
    refused(&|variants, _| variants[0].affinity = vec![0], "processors");
    refused(&|_, records| records[1].run.identity.config = "governor=powersave".to_owned(), "config");
    refused(
        &|_, records| {
            records[1].run.facts.retain(|known| known.key != keys::OS_KERNEL);
            records[1].run.facts.push(fact(keys::OS_KERNEL, "6.2"));
        },
        keys::OS_KERNEL,
    );
}

#[test]
fn no_claim_is_made_where_the_interval_contains_no_change() {
    let mut planted = Planted::new();
    planted.plant(0, [1000.0, 1000.0, 1000.0], |_| {});
    // One launch of each benchmark is far off: the means differ by 10 %, and the intervals contain 1.
    planted.plant(1, [1000.0, 1000.0, 1000.0], |record| {
        for entry in record.measurements.iter_mut().filter(|entry| entry.launch > 0) {
            entry
                .measurement
                .sample
                .iter_mut()
                .for_each(|one| one.total *= 1.1 + 0.05 * f64::from(entry.launch));
        }
    });
    let notes = planted.notes(0);
    for row in notes["sections"][0]["rows"].as_array().unwrap() {
        let interval = &row["comparison"]["ratio_interval"];
        assert!(interval[0].as_f64().unwrap() < 1.0 && interval[1].as_f64().unwrap() > 1.0, "{row}");
        assert_eq!(row["claim"], "none", "{row}");
    }
}

#[test]
fn numbers_whose_environments_differ_are_refused() {
    let check = |word: &str, change: &dyn Fn(&mut RunRecord)| {
        let mut planted = Planted::new();
        planted.plant(0, [1000.0; 3], |record| record.run.facts.push(fact(keys::OS_KERNEL, "6.1")));
        planted.plant(1, [2000.0; 3], |record| {
            record.run.facts.push(fact(keys::OS_KERNEL, "6.1"));
            change(record);
        });
        let notes = planted.notes(121);
        assert_eq!(notes["sections"], Value::Array(Vec::new()), "{word}");
        let reasons = notes["refused"][0]["reasons"].to_string();
        assert!(reasons.contains(word), "{word}: {reasons}");
        // Nothing that looks like a result is shown, and no file is touched.
        planted.world.write("NEWS.md", "<!-- bench-runner:v2.0.0:begin --><!-- bench-runner:v2.0.0:end -->");
        let words = [&TAGS[..], &["v2.0.0", "--splice", "NEWS.md"]].concat();
        let shown = planted.world.answer(&words).code(121).out;
        assert!(shown.starts_with("No number of v2.0.0 can be compared") && !shown.contains('%'), "{shown}");
        assert!(!planted.world.read("NEWS.md").contains('\n'));
    };
    check("machine", &|record| record.run.identity.machine = "fedcba9876543210".to_owned());
    check("config", &|record| record.run.identity.config = "governor=powersave".to_owned());
    check("hw_class", &|record| record.run.identity.hw_class = "x86_64/other/8c8t/16g".to_owned());
    check(keys::OS_KERNEL, &|record| {
        record.run.facts.retain(|known| known.key != keys::OS_KERNEL);
        record.run.facts.push(fact(keys::OS_KERNEL, "6.2"));
    });
    check("is not complete", &|record| record.run.status = RunStatus::Partial);
}
