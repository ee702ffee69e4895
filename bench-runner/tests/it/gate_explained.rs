//! `--explain` as a person reads it: each printed verdict is followed by steps with numbers and what they were held against.

use super::cli_support::World;
use super::gate_history::{Nights, names};

/// The verdicts of an explained answer with their steps, cut out of the text.
fn blocks(text: &str) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    let mut lines = text.lines().peekable();
    let mut before = "";
    while let Some(line) = lines.next() {
        // Findings begin with a word and a code in brackets, and may go on below.
        let begins = before.is_empty() && !line.starts_with(' ') && !line.is_empty() && !line.contains(" [");
        if begins && lines.peek().is_some_and(|next| next.starts_with("  ") && next.contains(": ")) {
            let mut steps = Vec::new();
            while let Some(step) = lines.peek().filter(|next| next.starts_with("  ")) {
                steps.push(step.trim().to_owned());
                lines.next();
            }
            found.push((line.to_owned(), steps));
            before = "x";
            continue;
        }
        before = line;
    }
    found
}

/// Checks a block: the last step is the answer, and something is held against something where it was judged.
#[track_caller]
fn check(blocks: &[(String, Vec<String>)], name: &str, held: bool, parts: &[&str]) {
    let (head, steps) = blocks
        .iter()
        .find(|(head, _)| head.starts_with(name))
        .unwrap_or_else(|| panic!("no `{name}` in {blocks:#?}"));
    assert!(steps.last().is_some_and(|step| step.starts_with("answer: ")), "{head}: {steps:#?}");
    let against = steps.iter().any(|step| step.contains(" against "));
    assert_eq!(against, held, "{head}: {steps:#?}");
    for part in parts {
        assert!(steps.iter().any(|step| step.contains(part)), "`{part}` is not in {head}: {steps:#?}");
    }
}

fn budget(id: &str, benchmark: &str, limit: &str, class: &str) -> String {
    format!(
        "\n[[budget]]\nid = \"{id}\"\nbenchmark = \"{benchmark}\"\nlimit = \"{limit}\"\nhw_class = \"{class}\"\n"
    )
}

#[test]
fn every_verdict_of_a_gate_is_explained() {
    let class = "x86_64/test/2c2t/4g";
    let budgets = [
        budget("passes", "t/g01", "2 us", class),
        budget("fails", "t/g01", "1 ns", class),
        budget("missing", "t/absent", "2 us", class),
        budget("elsewhere", "t/g01", "2 us", "z80/one/1c1t/1g"),
    ];
    let mut nights = Nights::new(45, &budgets.concat());
    // A step up, a step down, one that is gone, one that is new.
    let mut tonight = names();
    tonight[7] = "fresh".to_owned();
    nights.add_named(1, &tonight, |name| match name {
        "g03" => 1.1,
        "g05" => 0.9,
        _ => 1.0,
    });
    let words = ["gate", "--no-confirm", "--explain"];
    let answer = nights.world.answer(&words).code(100);
    let found = blocks(&answer.out);
    check(
        &found,
        "budget passes",
        true,
        &["value: ", "upper end of the interval: ", "within the limit: passes"],
    );
    check(&found, "budget fails", true, &["lower end of the interval: ", "above the limit: fails"]);
    check(&found, "budget missing", false, &["limit: 2000 ns", "was not measured in this run"]);
    check(&found, "budget elsewhere", false, &["set on z80/one/1c1t/1g"]);
    for name in ["t/g03: inconclusive", "t/g05: inconclusive"] {
        let parts =
            ["tail probability: ", "own residuals as far out: ", "at or below the level", "expected value: "];
        check(&found, name, true, &parts);
    }
    check(&found, "t/g01: quiet", true, &["above the level: nothing unusual"]);
    check(&found, "t/fresh: not judged", false, &["earlier values: 0", "new: no earlier run has it"]);
    check(
        &found,
        "the gate as a whole",
        true,
        &[
            "benchmarks judged: 11 against 13: ",
            "tests at once: ",
            "speaks for exit code: 100",
            "speaks for exit code: 117",
            "speaks for exit code: 120",
            "is outweighed",
        ],
    );
    // One block for each budget and each series, and one for the whole.
    assert_eq!(found.len(), 4 + 12 + 1, "{found:#?}");
    // The same in the other forms.
    let page = nights.world.answer(&[&words[..], &["--format", "markdown"]].concat()).code(100);
    page.shows(&["- the gate as a whole\n  - benchmarks judged", "  - answer: "]);
    let json = nights.world.answer(&[&words[..], &["--format", "json"]].concat()).code(100).json();
    let report = &json["report"];
    assert_eq!(report["budget_steps"].as_array().unwrap().len(), 4);
    assert_eq!(report["whole_steps"].as_array().unwrap().last().unwrap()["value"], 100.0);
    for one in report["series"].as_array().unwrap() {
        assert_eq!(one["steps"].as_array().unwrap().last().unwrap()["name"], "answer", "{one}");
    }
    let plain = nights.world.answer(&["gate", "--no-confirm", "--format", "json"]).code(100).json();
    assert!(plain["report"]["whole_steps"].is_null(), "only where it was asked for");
}

#[test]
fn every_verdict_of_a_comparison_is_explained() {
    let mut nights = Nights::new(1, "");
    nights.add(1, |name| match name {
        "g03" => 1.5,
        "g05" => 0.5,
        _ => 1.0,
    });
    let ids = [format!("01K9B{:021}", 0), nights.latest()];
    let answer = nights.world.answer(&["compare", &ids[0], &ids[1], "--explain"]).code(0);
    let found = blocks(&answer.out);
    for name in ["t/g03", "t/g05", "t/g01"] {
        let parts = ["lower bound of the change: ", "upper bound of the change: ", "effect: ", "level: "];
        check(&found, name, true, &parts);
    }
    assert_eq!(found.iter().filter(|(head, _)| head.starts_with("t/g")).count(), 12, "{found:#?}");
}

/// A run that has just been measured explains itself as a stored one does.
#[test]
fn a_run_with_a_gate_explains_itself() {
    let world = World::configured(&budget("elsewhere", "normal/same", "1 s", "z80/one/1c1t/1g"));
    let words =
        ["-p", "suite", "--bench", "normal", "--filter", "same", "--no-report", "--gate", "--explain"];
    let answer = world.measure(&words).code(121);
    let found = blocks(&answer.out);
    check(&found, "budget elsewhere", false, &["limit: ", "set on z80/one/1c1t/1g"]);
    check(&found, "normal/same: not judged", false, &["earlier values: 0"]);
    check(&found, "the gate as a whole", true, &["speaks for exit code: 121"]);
    let json = world.measure(&[&words[..], &["--format", "json"]].concat()).code(121).json();
    assert_eq!(json["gate"]["report"]["budget_steps"].as_array().unwrap().len(), 1, "{json}");
    world.measure(&["--explain"]).code(2).says(&["--gate"]);
}
