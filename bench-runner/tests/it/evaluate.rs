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
        assert!(item["counts"]["alerts"].as_u64().unwrap() >= 4, "{item}");
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
