//! Machines side by side with this one: measured here, on one core of it, written down long ago, and made up from here.

use std::process::Command;

use super::cli_support::{Answer, World};

/// What is measured, with as many launches as an interval needs.
const WORDS: [&str; 9] =
    ["-p", "suite", "--bench", "normal", "--no-report", "--launches", "3", "--format", "json"];

/// The same command, kept to the first processor.
#[expect(clippy::disallowed_methods, reason = "the program under test is started as a person starts it")]
fn on_one_core(command: &Command) -> Command {
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", "0"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => pinned.env(name, value),
            None => pinned.env_remove(name),
        };
    }
    pinned.current_dir(command.get_current_dir().unwrap());
    pinned
}

fn run_of(answer: &Answer) -> String {
    answer.json()["run"].as_str().unwrap().to_owned()
}

#[test]
#[cfg(target_os = "linux")]
fn this_machine_stands_beside_one_core_of_itself_a_record_and_made_up_ones() {
    let world = World::new();
    let founding = world.with_history();
    let all = run_of(&world.finish(world.measuring(&WORDS), &WORDS).code(0));
    let one = run_of(&world.finish(on_one_core(&world.measuring(&WORDS)), &WORDS).code(0));
    for made in ["slow,0.5,1", "wide,1,0.8"] {
        world.answer(&["bundle", "export", &all, "--made-up", made, "--out", "made.json"]).code(0);
        world.answer(&["bundle", "import", "made.json", "--unsigned"]).code(0);
    }
    let words = ["compare", "--machines", &all, &one, "slow", "wide", &founding];
    let shown = world.answer(&words).code(0);
    let shown = shown.shows(&["What differs", "config:", "cores=1", "*synthetic*", "stated numbers"]);
    assert!(shown.out.find("What differs") < shown.out.find("Geometric mean"), "{}", shown.out);
    let json = world.answer(&[&words[..], &["--format", "json"]].concat()).code(0).json();
    let found = &json["comparison"];
    assert_eq!((found["sides"].as_array().unwrap().len(), found["stated"].as_array().unwrap().len()), (4, 1));
    for row in found["rows"].as_array().unwrap() {
        let cell = |side: usize, key: &str| row["cells"][side][key].as_f64();
        for (side, ratio, cycles) in [(1, 2.0, 1.0), (2, 0.8, 0.8)] {
            assert!((cell(side, "ratio").unwrap() - ratio).abs() < 1e-6, "{row:#}");
            let interval = &row["cells"][side]["ratio_interval"];
            assert!(
                interval[0].as_f64().unwrap() <= ratio && interval[1].as_f64().unwrap() >= ratio,
                "{row:#}"
            );
            // A build without optimisation has no clock that could be believed.
            if let Some(per_cycle) = cell(side, "per_cycle") {
                assert!((per_cycle - cycles).abs() < 1e-6, "{row:#}");
            }
        }
    }
    world
        .answer(&["bundle", "export", &all, "--made-up", "none,0,1"])
        .code(2)
        .says(&["both factors lie between 0.01 and 100"]);
}
