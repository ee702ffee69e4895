//! Parts of several machines as one trend: order, answer, and places that keep pointing at their machines.

use super::*;
use crate::analysis::examples::{benchmark, machine_night};
use crate::model::trend::{KnownBy, Moved};

const FRAME: Frame = Frame { now: Timestamp(50 * NIGHT), nights: 30, imported: false, margin: 0.02 };

fn run(last: char) -> RunId {
    format!("01K9BWV7G0000000000000000{last}").parse().unwrap()
}

fn machine(name: &str, fresh: bool) -> MachineNight {
    MachineNight { fresh, ..machine_night(name, run('A'), Timestamp(49 * NIGHT)) }
}

fn change(ratio: f64) -> TrendChange {
    let moved = Moved {
        benchmark: benchmark("t", "g", None),
        metric: Metric::time(),
        before: 1.0,
        after: ratio,
        ratio,
        interval: None,
        first: run('A'),
        name: "c".to_owned(),
        change: None,
        values: Vec::new(),
    };
    TrendChange {
        machine: 0,
        members: vec![moved],
        ratio,
        interval: None,
        drift: false,
        last_before: None,
        first: run('A'),
        since: Timestamp(0),
        runs: 1,
        around: (Vec::new(), Vec::new()),
        commits: (None, None),
        known_by: KnownBy::History,
        state: ChangeState::New,
        reason: None,
        cause: None,
    }
}

fn part(name: &str, fresh: bool, slower: &[f64]) -> Part {
    Part {
        machines: vec![machine(name, fresh)],
        missing: false,
        newest: Some(Timestamp(49 * NIGHT)),
        slower: slower.iter().copied().map(change).collect(),
        faster: Vec::new(),
        decided: Vec::new(),
        undecided: Vec::new(),
        not_run: vec![NotRun {
            machine: 0,
            benchmark: benchmark("t", name, None),
            last: run('A'),
            at: Timestamp(0),
        }],
        checked: Checked { benchmarks: 1, judged: 1, lines: 2, ..Checked::default() },
    }
}

#[track_caller]
fn check(parts: Vec<Part>, expected: Tonight) -> TrendReport {
    let report = trend(FRAME, parts);
    assert_eq!(report.tonight, expected, "{report:?}");
    report
}

#[test]
fn places_of_all_parts_point_at_their_machines() {
    let parts = vec![part("a", false, &[1.1]), part("c", true, &[1.05]), part("b", true, &[1.2])];
    let report = check(parts, Tonight::Slower);
    let names: Vec<&str> = report.machines.iter().map(|machine| machine.machine.as_str()).collect();
    assert_eq!(names, ["b", "c", "a"], "those of tonight first");
    let slower: Vec<(usize, f64)> =
        report.slower.iter().map(|change| (change.machine, change.ratio)).collect();
    assert_eq!(slower, [(0, 1.2), (2, 1.1), (1, 1.05)]);
    for one in &report.not_run {
        assert_eq!(one.benchmark.group, names[one.machine]);
    }
    assert_eq!((report.checked.benchmarks, report.checked.lines), (3, 6));
}

#[test]
fn the_answer_is_that_of_all_machines() {
    check(vec![part("a", true, &[]), part("b", false, &[])], Tonight::Fine);
    check(vec![part("a", true, &[]), Part { missing: true, ..part("b", false, &[]) }], Tonight::CannotTell);
    check(vec![part("a", true, &[]), part("b", false, &[1.1])], Tonight::Slower);
    check(vec![part("a", false, &[1.1]), part("b", false, &[])], Tonight::Nothing);
    check(Vec::new(), Tonight::Nothing);
    let mut shifted = part("a", true, &[]);
    shifted.machines[0].shift = Some(1.06);
    check(vec![shifted.clone()], Tonight::CannotTell);
    shifted.machines[0].shift_is_machine = true;
    check(vec![shifted], Tonight::Fine);
}
