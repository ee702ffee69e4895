//! Calibration, known doses and plans, by the real executable on a suite whose work is known.
//!
//! Numbers of a busy machine prove nothing, so only what must hold on any machine is looked at.

use std::path::Path;

use super::cli_support::{Answer, World, repository};

/// A world in which the suite with the known dose is built.
struct Doses(World);

impl Doses {
    fn answer(&self, words: &[&str]) -> Answer {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixture-suites/dose");
        let mut command = self.0.command(words);
        command.env("CARGO_TARGET_DIR", target);
        self.0.finish(command, words)
    }
}

#[test]
fn a_machine_is_calibrated_and_says_so() {
    let suite = repository().join("bench-runner/tests/fixtures/suites/dose/Cargo.toml");
    let manifest = suite.to_str().unwrap();
    let doses = Doses(World::new());
    doses.answer(&["calibrate", "--all"]).code(4).says(&["there is no store"]);
    calibrating(&doses, manifest);
    known_doses(&doses, manifest);
    planning(&doses, manifest);
    counting(&doses, manifest);
}

fn calibrating(doses: &Doses, manifest: &str) {
    let short = ["--manifest-path", manifest, "--locked", "--warm-up", "0.01", "--measuring", "0.02"];
    let calibrate = [&["calibrate", "--blocks", "8", "--format", "json"], &short[..]].concat();
    let first = doses.answer(&calibrate).code(0).json();
    let found = &first["calibration"];
    assert_eq!(found["comparisons"].as_array().unwrap().len(), 1, "{found:#}");
    assert_eq!(found["rates"]["rule_5"]["comparisons"], 1);
    assert_eq!(found["rates"]["criterion"]["comparisons"], 8, "one pair of launches a block");
    assert_eq!(found["locations"].as_array().unwrap().len(), 4);
    assert!(found["smallest_change"].as_f64().unwrap() > 0.0);
    assert!(found["session"].is_null(), "a single session");
    // A second one of the same executables is a second session.
    let second = doses.answer(&calibrate).code(0).json();
    assert_eq!(second["calibration"]["session"]["degrees"], 1, "{second:#}");
    let pooled = doses.answer(&["calibrate", "--all", "--format", "json"]).code(0).json();
    assert_eq!((&pooled["calibrations"], &pooled["rates"]["rule_1"]["comparisons"]), (&2.into(), &2.into()));
    let csv = doses.answer(&["calibrate", "--all", "--format", "csv"]).code(0).out;
    assert_eq!(csv.lines().count(), 3, "{csv}");
    doses.answer(&["calibrate", "--all"]).code(0).shows(&["2 calibrations", "Criterion's own rule"]);
    doses.answer(&["list", "--experiments"]).code(0).shows(&["calibrate"]);
    let none = [&["calibrate", "--filter", "nothing-of-this-name"], &short[..]].concat();
    doses.answer(&none).code(4).says(&["select none"]);
}

fn known_doses(doses: &Doses, manifest: &str) {
    doses.answer(&["evaluate", "--known-doses"]).code(4).says(&["scripts/known-dose.sh"]);
    let words = [
        "experiment",
        "--manifest-path",
        manifest,
        "--locked",
        "--variant",
        "short:env.BENCH_DOSE_PERCENT=0",
        "--variant",
        "long:env.BENCH_DOSE_PERCENT=100",
        "--blocks",
        "8",
        "--control-every",
        "0",
        "--measure-equal",
        "--warm-up",
        "0.01",
        "--measuring",
        "0.02",
        "--samples",
        "10",
    ];
    doses.answer(&words).code(0);
    let items = doses.answer(&["evaluate", "--known-doses", "--format", "json"]).code(0).json();
    let trial = &items["items"][0];
    assert_eq!((&trial["dose"], &trial["blocks"]), (&100.0.into(), &8.into()), "{items:#}");
    // Twice the rounds: busy or not, it is nearer to twice than to once or four times the time.
    assert!((1.4..2.8).contains(&trial["ratio"].as_f64().unwrap()), "{trial:#}");
    doses.answer(&["evaluate", "--known-doses"]).code(0).shows(&["100 %", "all"]);
    let csv = doses.answer(&["evaluate", "--known-doses", "--format", "csv"]).code(0).out;
    assert!(csv.starts_with("experiment,dose_percent,") && csv.lines().count() == 2, "{csv}");
}

fn planning(doses: &Doses, manifest: &str) {
    let run = ["run", "--manifest-path", manifest, "--locked", "--launches", "3", "--format", "json"];
    let run = doses.answer(&run).code(0).json();
    let markdown = doses.0.read(run["markdown"].as_str().unwrap());
    assert!(markdown.contains("**Calibration:** calibrated on"), "{markdown}");
    assert!(markdown.contains("A/A false alarms"), "{markdown}");
    let plan = |words: &[&str]| {
        let all = [&["plan", "--format", "json"], words].concat();
        doses.answer(&all).code(0).json()["plan"].clone()
    };
    let (coarse, fine) = (plan(&["--precision", "10%"]), plan(&["--precision", "1%"]));
    let launches = |plan: &serde_json::Value| plan["launches"].as_u64().unwrap();
    assert!(launches(&fine) >= launches(&coarse) && launches(&coarse) >= 2, "{coarse:#} {fine:#}");
    // Two calibrations of 8 blocks: 32 launches know more than three.
    let row = &fine["rows"][0];
    assert_eq!(
        (&row["spread_from"], row["seen_launches"].as_u64()),
        (&"calibration".into(), Some(32)),
        "{fine:#}"
    );
    assert!(row["run_between_sd"].is_f64(), "{fine:#}");
    doses.answer(&["plan"]).code(0).shows(&[
        "the spread of launches is that of the calibration of",
        "  `bench-runner run --launches ",
        "  `sample_size = ",
    ]);
    let criterion = &fine["rows"][0]["criterion"];
    assert!(criterion["iterations"].as_u64().unwrap() >= 10, "{fine:#}");
    doses.answer(&["plan", "--budget", "1m"]).code(0).shows(&["launches of", "dose/loop"]);
    doses.answer(&["plan", "--precision", "0"]).code(2);
}

/// Instructions, where Valgrind is installed; elsewhere it is said that it is not.
fn counting(doses: &Doses, manifest: &str) {
    let words =
        ["run", "--metric", "instructions", "--manifest-path", manifest, "--locked", "--format", "json"];
    let there = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder| folder.join("valgrind").is_file());
    if !there {
        doses.answer(&words).code(122).says(&["valgrind", "hint: install"]);
        return;
    }
    let run = doses.answer(&words).code(0).json();
    let store = doses.0.store();
    let found = store.measurements(&run["run"].as_str().unwrap().parse().unwrap()).unwrap();
    assert_eq!(found.len(), 2, "counted twice");
    assert!(found.iter().all(|entry| entry.measurement.metric.name == "instructions"));
    let counts: Vec<f64> = found.iter().map(|entry| entry.measurement.sample[0].total).collect();
    // At least a multiplication and an addition in each of 20 000 rounds, and the same both times.
    assert!(counts[0] > 40_000.0 && (counts[0] - counts[1]).abs() < 1.0, "{counts:?}");
    doses.answer(&["run", "--metric", "instructions", "--gate"]).code(2);
}

#[test]
fn rules_are_judged_on_made_up_launches() {
    let world = World::new();
    let words = ["evaluate", "--calibrate", "--cases", "200", "--family", "normal", "--format", "json"];
    let item = world.answer(&words).code(0).json()["items"][0].clone();
    assert_eq!((&item["family"], &item["null"]["comparisons"]), (&"normal".into(), &200.into()), "{item:#}");
    // 5 % of 200 with four standard errors.
    assert!(item["student_5"]["alarms"].as_u64().unwrap() <= 22, "{item:#}");
    assert!(item["rank_5"]["alarms"].as_u64().unwrap() <= 20, "{item:#}");
    assert_eq!(item["doses"].as_array().unwrap().len(), 4);
    assert!(item["doses"][2]["detected"].as_u64().unwrap() >= 180, "5 %: {item:#}");
    world.answer(&words[..6]).code(0).shows(&["ranks cover", "none", "10 %"]);
}
