//! `baseline`: names of runs, given, moved and listed.

use super::cli_support::World;

#[test]
fn names_are_listed_with_what_they_stand_for() {
    let world = World::new();
    world.answer(&["baseline", "list"]).code(4).says(&["there is no store at"]);
    world.with_history();
    let [one, other] = world.with_twins();
    // Empty, it says how to make one; for programs it is an empty list.
    world
        .answer(&["baseline", "list"])
        .code(0)
        .shows(&["no run has a name yet", "bench-runner baseline NAME"]);
    let empty = world.answer(&["baseline", "list", "--format", "json"]).code(0).json();
    assert_eq!(
        (&empty["schema"], &empty["items"]),
        (&"bench-runner/baselines".into(), &serde_json::json!([]))
    );
    world
        .answer(&["baseline", "list", "--format", "csv"])
        .code(0)
        .shows(&["name,run,measured,machine,commit,note,given"]);
    world.answer(&["baseline", "v1.0", one]).code(0);
    world.answer(&["baseline", "before", one, "--note", "before the rewrite, on mains"]).code(0);
    world.answer(&["baseline", "v1.0", other, "--note", "the tagged release"]).code(0);
    // The newest first, each name once; text, Markdown and programs alike.
    let items = world.answer(&["baseline", "list", "--format", "json"]).code(0).json()["items"].clone();
    let said: Vec<[&str; 3]> = items
        .as_array()
        .unwrap()
        .iter()
        .map(|item| ["name", "run", "note"].map(|key| item[key].as_str().unwrap()))
        .collect();
    assert_eq!(
        said,
        [["v1.0", other, "the tagged release"], ["before", one, "before the rewrite, on mains"]]
    );
    assert!(items[0]["started"].as_str().unwrap().starts_with("2025-"), "{items}");
    assert!(items[0]["machine"].is_string() && items[0]["put_aside"].is_null(), "{items}");
    world.answer(&["baseline", "list"]).code(0).shows(&["v1.0", other, "the tagged release"]);
    let page = world.answer(&["baseline", "list", "--format", "markdown"]).code(0);
    page.shows(&["| name", "| --- ", "| before |", "the tagged release"]);
    // A run that was put aside says so where its name is.
    world.answer(&["quarantine", other, "--reason", "the fan broke"]).code(0);
    world.answer(&["baseline", "list"]).code(0).shows(&["put aside: the", "fan broke"]);
    world.answer(&["compare", "before", "v1.0"]).code(121);
}

#[test]
fn words_that_mean_something_else_are_no_names() {
    let world = World::new();
    world.with_history();
    for name in ["latest", " ", "a\tb", "help"] {
        let answer = world.answer(&["baseline", name]);
        // `help` is answered by the help of the command.
        assert_eq!(answer.code, Some(if name == "help" { 0 } else { 2 }), "{name}: {}", answer.err);
    }
    world.answer(&["baseline", "--", "list"]).code(2).says(&["cannot be the name", "`list`"]);
    world.answer(&["baseline"]).code(2).says(&["NAME"]);
    world.answer(&["baseline", "x", "--note", "two\nlines"]).code(2).says(&["one line"]);
    world.answer(&["baseline", "x", "zzzz"]).code(4);
}
