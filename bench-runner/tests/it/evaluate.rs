//! `evaluate` from the outside: forms, failures, and that equal seeds give equal answers.

use assert_cmd::Command;

fn bench_runner(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_bench-runner"))
        .args(arguments)
        .env_remove("CI")
        .output()
        .expect("the program starts")
}

fn json(arguments: &[&str]) -> serde_json::Value {
    let output = bench_runner(&[arguments, &["--format", "json"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn noise_is_reproducible_and_every_rule_has_its_row() {
    let arguments =
        ["evaluate", "--family", "spikes", "--series", "10", "--nights", "5", "--steps", "1", "--seed", "7"];
    let answer = json(&arguments);
    let items = answer["items"].as_array().unwrap();
    let rules: Vec<&str> = items.iter().map(|item| item["rule"].as_str().unwrap()).collect();
    assert_eq!(
        rules,
        ["ours, confirmed", "ours, history only", "rustc-perf", "t-test 0.99", "z = 5", "+-10 %", "200 %"]
    );
    for item in items {
        assert_eq!((item["family"].as_str(), item["counts"]["judged"].as_u64()), (Some("spikes"), Some(50)));
        assert_eq!(item["power"].as_array().unwrap().len(), 5);
        assert!(item["alerts_per_1000"][2].as_f64().unwrap() > 0.0);
    }
    assert_eq!(answer, json(&arguments));
}

#[test]
fn a_history_is_replayed_and_a_short_one_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.csv");
    let write = |nights: i64| {
        let rows = (0..nights).flat_map(|night| {
            (0..4).map(move |series| {
                let value = if night == 59 { 500 } else { 100 + (night * 7 + series * 3) % 5 };
                format!("suite,bench{series},ns,{night},{value}\n")
            })
        });
        let text: String =
            std::iter::once("suite,benchmark,unit,date_ms,value\n".to_owned()).chain(rows).collect();
        std::fs::write(&file, text).unwrap();
    };
    let arguments = ["evaluate", "--history", file.to_str().unwrap()];
    write(60);
    for item in json(&arguments)["items"].as_array().unwrap() {
        assert_eq!(item["series"], 4);
        // Four series that move as one are four alerts, or one event of the machine.
        let (alerts, events) = (&item["counts"]["alerts"], &item["counts"]["machine_events"]);
        assert!(alerts.as_u64().unwrap() >= 4 || *events == 1, "{item}");
    }
    let text = bench_runner(&[&arguments[..], &["--format", "markdown"]].concat());
    assert!(String::from_utf8_lossy(&text.stdout).starts_with("| rule | judged |"));
    write(10);
    assert_eq!(bench_runner(&arguments).status.code(), Some(4));
    std::fs::write(&file, "name,value\n").unwrap();
    let failed = bench_runner(&arguments);
    assert_eq!(failed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&failed.stderr).contains("does not name the column `suite`"));
}

#[test]
fn change_points_are_scored_beside_otava_and_reproducibly() {
    let arguments = ["evaluate", "--change-points", "--cases", "12", "--seed", "9"];
    let answer = json(&arguments);
    let items = answer["items"].as_array().unwrap();
    let engines = items.iter().filter(|item| item["table"] == "steps" && item["noise"] == "all");
    let names: Vec<&str> = engines.map(|item| item["engine"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 7);
    assert_eq!(&names[..3], ["ours", "ours, above 2 %", "Otava default (50, 1e-3, 0)"]);
    assert!(names[6].starts_with("Otava best of as few false steps"), "{names:?}");
    assert_eq!(items.iter().filter(|item| item["table"] == "nothing").count(), 7);
    assert!(items.iter().all(|item| item["noise"] != "real"), "there is no history to draw from");
    assert_eq!(answer, json(&arguments));
}

#[test]
fn residuals_of_a_history_are_noise_and_the_thresholds_can_be_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.csv");
    let rows = (0..8).flat_map(|series| {
        (0..60).map(move |night| {
            format!("suite,bench{series},ns,{night},{}\n", 100 + (night * 7 + series * 3) % 5)
        })
    });
    let text: String =
        std::iter::once("suite,benchmark,unit,date_ms,value\n".to_owned()).chain(rows).collect();
    std::fs::write(&file, text).unwrap();
    let path = file.to_str().unwrap();
    let scored = json(&[
        "evaluate",
        "--change-points",
        "--history",
        path,
        "--half",
        "all",
        "--cases",
        "5",
        "--seed",
        "9",
    ]);
    let real = scored["items"].as_array().unwrap().iter().filter(|item| item["noise"] == "real").count();
    assert_eq!(real, 7);
    let rows = json(&["evaluate", "--calibrate-change-points", "--cases", "20"]);
    assert_eq!(rows["items"].as_array().unwrap().len(), 12);
    std::fs::write(&file, "suite,benchmark,unit,date_ms,value\na,b,ns,1,2\n").unwrap();
    let none = bench_runner(&["evaluate", "--change-points", "--history", path, "--half", "all"]);
    assert_eq!(none.status.code(), Some(4));
}
