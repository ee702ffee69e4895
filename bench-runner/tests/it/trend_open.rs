//! `trend` does not say *fine* without evidence: nights that broke, alerts and shifts that are still there, runs that must not be
//! compared, and small steps that add up. Nights are written into a store: nothing is timed.

use bench_runner::analysis::screen::HISTORY_ONLY;
use bench_runner::model::decision::{Evidence, Sighting, change_id};
use bench_runner::model::ids::RunId;
use bench_runner::model::record::{RunRecord, SeriesKey};
use bench_runner::model::run::{RunKind, RunStatus};
use bench_runner::model::units::{Metric, Timestamp};
use bench_runner::report::format::timestamp;
use bench_runner::stats::rng::SplitMix64;
use bench_runner::store::{OpenMode, Store};
use serde_json::Value;

use super::cli_support::{Answer, World};
use super::gate_history::{DAY, Nights, names, night};

/// What the trend says two hours after the newest night.
fn answer(nights: &Nights, more: &[&str]) -> Answer {
    let now = 1_700_000_000_000_000 + i64::from(nights.count - 1) * DAY + DAY / 12;
    nights.world.answer(&[&["trend", "--now", &timestamp(Timestamp(now))], more].concat())
}

#[track_caller]
fn json(nights: &Nights) -> Value {
    answer(nights, &["--format", "json"]).code(0).json()["trend"].clone()
}

/// The page, as it is written into a file.
#[track_caller]
fn page(nights: &Nights) -> Answer {
    answer(nights, &["--format", "markdown"]).code(0)
}

/// The benchmarks of a list; of what could not be told, those that speak against *fine*.
fn listed(report: &Value, list: &str) -> Vec<String> {
    let group = |one: &Value| one["benchmark"]["group"].as_str().unwrap().to_owned();
    let all = report[list].as_array().unwrap();
    match list {
        "undecided" => all.iter().filter(|one| one["suspect"] == true).map(group).collect(),
        _ => all.iter().flat_map(|one| one["members"].as_array().unwrap()).map(group).collect(),
    }
}

fn step(name: &str) -> f64 {
    if name == "g03" { 1.1 } else { 1.0 }
}

fn write<T>(world: &World, work: impl FnOnce(&mut Store) -> T) -> T {
    work(
        &mut Store::open(&world.path("store.sqlite"), OpenMode::ReadWrite, bench_runner::clock::now())
            .unwrap()
            .0,
    )
}

/// A night on the usual levels, as `change` leaves it.
fn put(nights: &mut Nights, change: impl FnOnce(&mut RunRecord)) {
    let values: Vec<(String, f64)> = names().into_iter().map(|name| (name, 1000.0)).collect();
    let mut record = night(nights.count, &values);
    change(&mut record);
    write(&nights.world, |store| store.import_run(&record)).unwrap();
    nights.count += 1;
}

/// Takes one benchmark's numbers away, as when it crashes.
fn broken(record: &mut RunRecord) {
    record.run.status = RunStatus::Partial;
    record.measurements.retain(|entry| entry.measurement.benchmark.group != "g03");
}

#[test]
fn a_night_that_broke_is_not_hidden_by_the_night_before() {
    let mut nights = Nights::new(45, "");
    put(&mut nights, broken);
    let report = json(&nights);
    assert_eq!(
        (&report["tonight"], &report["machines"][0]["unfit"]),
        (&"cannot_tell".into(), &"is not complete".into())
    );
    assert_eq!(report["checked"]["judged"], 0, "what was measured the night before is not of tonight");
    page(&nights).shows(&["Cannot tell: the run of 01234567 is not complete"]);
    // Made again and complete, with all of its benchmarks, the broken one does not count any more.
    let whole = |record: &mut RunRecord| {
        record.run.id = format!("01K9C{:021}", 45).parse().unwrap();
        record.run.started = Timestamp(record.run.started.0 - DAY + DAY / 24);
    };
    put(&mut nights, whole);
    nights.count -= 1;
    let report = json(&nights);
    assert_eq!(
        (&report["tonight"], &report["checked"]["benchmarks"]),
        (&"fine".into(), &12.into()),
        "{report}"
    );
    // Of a later run that lacks a benchmark the broken one still speaks.
    put(&mut nights, broken);
    let part = |record: &mut RunRecord| {
        whole(record);
        record.run.id = format!("01K9C{:021}", 46).parse().unwrap();
        record.run.suite = "another".to_owned();
        record.run.inventory.truncate(2);
        record
            .measurements
            .retain(|entry| ["g00", "g01"].contains(&entry.measurement.benchmark.group.as_str()));
    };
    put(&mut nights, part);
    nights.count -= 1;
    assert_eq!(json(&nights)["tonight"], "cannot_tell");
}

#[test]
fn an_earlier_step_does_not_hide_what_is_unusual_tonight() {
    let mut nights = Nights::new(45, "");
    nights.add(10, |name| if name == "g03" { 0.95 } else { 1.0 });
    let report = json(&nights);
    assert_eq!(
        (&report["tonight"], listed(&report, "faster")),
        (&"fine".into(), vec!["g03".to_owned()]),
        "{report}"
    );
    nights.add(1, |name| if name == "g03" { 1.35 } else { 1.0 });
    let report = json(&nights);
    assert_eq!(
        (&report["tonight"], listed(&report, "undecided")),
        (&"cannot_tell".into(), vec!["g03".to_owned()])
    );
    assert_eq!(listed(&report, "faster"), ["g03"], "the step is still known");
}

#[test]
fn an_alert_stays_open_until_something_answers_it() {
    let mut nights = Nights::new(45, "");
    for number in 1..=6 {
        nights.add(1, step);
        let report = json(&nights);
        let expected = if listed(&report, "slower").is_empty() { "cannot_tell" } else { "slower" };
        assert_eq!(report["tonight"], expected, "night {number}: {report}");
        assert!(number > 1 || expected == "cannot_tell");
    }
    assert_eq!(json(&nights)["tonight"], "slower");
    // What went back is no question any more.
    let mut nights = Nights::new(45, "");
    nights.add(1, step);
    put(&mut nights, |_| {});
    assert_eq!(json(&nights)["tonight"], "fine");
    // A person answers it: it is called noise on its second morning, or waived.
    for words in [&["changes", "noise"][..], &["gate", "waive", "--until", "2199-12-31"]] {
        let mut nights = Nights::new(45, "");
        nights.add(1, step);
        let report = nights.gate(&[], 120);
        let mut series = report["series"].as_array().unwrap().iter();
        let change = series.find_map(|one| one["change"].as_str()).unwrap().to_owned();
        nights.add(1, step);
        assert_eq!(json(&nights)["tonight"], "cannot_tell");
        nights.world.answer(&[words, &[&change, "--reason", "the fan"]].concat()).code(0);
        assert_eq!(json(&nights)["tonight"], "fine", "{words:?}");
    }
}

#[test]
fn a_shift_of_the_machine_is_told_each_night_until_histories_show_it() {
    let mut nights = Nights::new(45, "");
    for number in 1..=8 {
        nights.add(1, |_| 1.2);
        let report = json(&nights);
        let slower = !listed(&report, "slower").is_empty();
        assert_eq!(
            report["tonight"],
            if slower { "slower" } else { "cannot_tell" },
            "night {number}: {report}"
        );
        if number <= 4 {
            let shift = report["machines"][0]["shift"].as_f64();
            assert!(shift.is_some_and(|shift| (shift - 1.2).abs() < 0.02), "night {number}: {report}");
        }
    }
    assert_eq!(listed(&json(&nights), "slower").len(), 12);
    // One that passed is over.
    let mut nights = Nights::new(45, "");
    nights.add(1, |_| 1.2);
    nights.add(1, |_| 1.0);
    let report = json(&nights);
    assert_eq!((&report["tonight"], &report["machines"][0]["shift"]), (&"fine".into(), &Value::Null));
    // A suite too small for a common factor is told as well.
    let two: Vec<String> = names().into_iter().take(2).collect();
    let mut nights = Nights::new(0, "");
    nights.add_named(120, &two, |_| 1.0);
    for number in 1..=3 {
        nights.add_named(1, &two, |_| 1.3);
        assert_ne!(json(&nights)["tonight"], "fine", "night {number}");
    }
}

#[test]
fn nights_that_were_measured_in_another_way_are_not_searched_with_the_others() {
    let mut nights = Nights::new(45, "");
    let longer = |record: &mut RunRecord| record.run.plan.as_mut().unwrap().measurement_seconds = Some(5.0);
    let slower = |record: &mut RunRecord| {
        let mine = record.measurements.iter_mut().filter(|entry| entry.measurement.benchmark.group == "g03");
        mine.flat_map(|entry| &mut entry.measurement.sample).for_each(|one| one.total *= 1.1);
    };
    for _ in 0..10 {
        put(&mut nights, |record| {
            longer(record);
            slower(record);
        });
    }
    let report = json(&nights);
    assert_eq!(listed(&report, "slower"), [""; 0], "{report}");
    assert_eq!((&report["tonight"], &report["checked"]["judged"]), (&"cannot_tell".into(), &0.into()));
    // Measured as before it is a step.
    (0..10).for_each(|_| put(&mut nights, slower));
    assert_eq!(listed(&json(&nights), "slower"), ["g03"]);
    // And a benchmark that tonight leaves out is searched among the nights of its newest run's way.
    put(&mut nights, |record| {
        longer(record);
        record.run.inventory.remove(3);
        record.measurements.retain(|entry| entry.measurement.benchmark.group != "g03");
    });
    assert_eq!(listed(&json(&nights), "slower"), ["g03"]);
}

#[test]
fn what_was_called_noise_is_listed_and_luck_is_counted() {
    let mut nights = Nights::new(45, "");
    nights.add(8, step);
    let name = json(&nights)["slower"][0]["members"][0]["name"].as_str().unwrap().to_owned();
    nights.world.answer(&["changes", "noise", &name, "--reason", "the fan"]).code(0);
    let report = json(&nights);
    assert_eq!((listed(&report, "slower").len(), listed(&report, "decided")), (0, vec!["g03".to_owned()]));
    let expected =
        format!("{:.2} are to be expected to look unusual", 12.0 * (HISTORY_ONLY.up + HISTORY_ONLY.down));
    page(&nights).shows(&["noise: the fan", &expected]);
}

#[test]
fn changes_without_an_interval_have_none_together() {
    let mut nights = Nights::new(45, "");
    nights.add(1, |name| if matches!(name, "g02" | "g05") { 1.1 } else { 1.0 });
    let run: RunId = nights.latest().parse().unwrap();
    let sighting = |group: &str| {
        let benchmark = night(0, &[(group.to_owned(), 1.0)]).run.inventory[0].clone();
        let (metric, recipe) = (Metric::time(), 1);
        let (machine, config) = ("0123456789abcdef".to_owned(), "governor=performance".to_owned());
        let series = SeriesKey { benchmark, metric, recipe, machine, config };
        Sighting {
            change: change_id(&series, &run),
            series,
            first_run: run.clone(),
            seen_run: run.clone(),
            evidence: Evidence::Confirmed,
            ratio: 1.1,
            experiment: None,
            at: Timestamp(0),
        }
    };
    write(&nights.world, |store| store.add_sightings(&[sighting("g02"), sighting("g05")])).unwrap();
    let report = json(&nights);
    assert_eq!(listed(&report, "slower").len(), 2);
    let slower = &report["slower"][0];
    assert_eq!(slower["members"].as_array().unwrap().len(), 2, "{report}");
    assert!(slower["interval"].is_null(), "nothing supports one: {slower}");
}

#[test]
fn runs_without_benchmarks_say_so_and_made_up_ones_have_some() {
    let mut nights = Nights::new(1, "");
    put(&mut nights, |record| {
        record.run.inventory.clear();
        record.measurements.clear();
    });
    page(&nights).shows(&["Cannot tell: what was measured tonight names no benchmark"]);
    let world = World::new();
    world.answer(&["db", "generate", "--machines", "1", "--benchmarks", "12", "--nights", "130"]).code(0);
    let now = timestamp(Timestamp(1_420_076_220_000_000 + 129 * DAY + DAY / 12));
    let report = world.answer(&["trend", "--now", &now, "--format", "json"]).code(0).json()["trend"].clone();
    assert_eq!(
        (&report["checked"]["benchmarks"], &report["checked"]["judged"]),
        (&12.into(), &12.into()),
        "{report}"
    );
}

#[test]
fn small_steps_that_add_up_are_one_change() {
    let mut nights = Nights::new(0, "");
    let mut rng = SplitMix64::new(3);
    let mut climb = |nights: &mut Nights, steps: i32| {
        put(nights, |record| {
            for entry in &mut record.measurements {
                let climbs = entry.measurement.benchmark.group == "g03";
                let factor = if climbs { 1.015_f64.powi(steps) } else { 1.0 };
                let noise = (0.002 * rng.normal()).exp();
                entry.measurement.sample.iter_mut().for_each(|one| one.total *= factor * noise);
            }
        });
    };
    (0..20).for_each(|_| climb(&mut nights, 0));
    (0..20).for_each(|_| climb(&mut nights, 1));
    let report = json(&nights);
    assert_eq!((listed(&report, "slower").len(), &report["checked"]["small"]), (0, &1.into()), "{report}");
    (2..=5).for_each(|steps| (0..20).for_each(|_| climb(&mut nights, steps)));
    let report = json(&nights);
    assert_eq!(
        (&report["tonight"], listed(&report, "slower")),
        (&"slower".into(), vec!["g03".to_owned()]),
        "{report}"
    );
    let slower = &report["slower"][0];
    assert!((slower["ratio"].as_f64().unwrap() - 1.015_f64.powi(5)).abs() < 0.005, "{slower}");
    assert_eq!(slower["reason"], "5 steps, each smaller than the margin, add up to it");
    assert!(slower["interval"].is_null() && slower["first"].as_str().unwrap().ends_with("020"), "{slower}");
    // Meant so far; what is climbed from there on is new again.
    let name = slower["members"][0]["name"].as_str().unwrap().to_owned();
    nights.world.answer(&["changes", "accept", &name, "--reason", "safer"]).code(0);
    let report = json(&nights);
    assert_eq!((listed(&report, "slower").len(), listed(&report, "decided")), (0, vec!["g03".to_owned()]));
}

#[test]
fn whatever_a_trend_shows_can_be_decided_about() {
    let mut nights = Nights::new(30, "");
    nights.add(150, step);
    let far = |nights: &Nights| {
        answer(nights, &["--nights", "365", "--format", "json"]).code(0).json()["trend"].clone()
    };
    let report = far(&nights);
    assert_eq!(listed(&report, "slower"), ["g03"]);
    let name = report["slower"][0]["members"][0]["name"].as_str().unwrap().to_owned();
    nights.world.answer(&["changes", "show", &name]).code(0).shows(&["t/g03"]);
    let accept = ["changes", "accept", &name, "--reason", "long ago"];
    nights.world.answer(&[&accept[..], &["--nights", "120"]].concat()).code(4).says(&["--nights"]);
    nights.world.answer(&accept).code(0).shows(&[&name]);
    assert_eq!(listed(&far(&nights), "decided"), ["g03"]);
}

#[test]
fn steps_of_imported_numbers_can_be_decided_about() {
    let mut nights = Nights::new(0, "");
    for number in 0..60 {
        put(&mut nights, |record| {
            record.run.kind = RunKind::Imported;
            for entry in &mut record.measurements {
                let slower = number >= 40 && entry.measurement.benchmark.group == "g03";
                let factor = if slower { 1.2 } else { 1.0 } * (1.0 + 0.002 * f64::from(number % 7));
                entry.measurement.sample.iter_mut().for_each(|one| one.total *= factor);
            }
        });
    }
    let imported =
        || nights.world.answer(&["trend", "--imported", "--format", "json"]).code(0).json()["trend"].clone();
    let report = imported();
    assert_eq!(listed(&report, "slower"), ["g03"], "{report}");
    let name = report["slower"][0]["members"][0]["name"].as_str().unwrap().to_owned();
    nights.world.answer(&["changes", "show", &name]).code(0).shows(&["t/g03", "imported numbers"]);
    nights.world.answer(&["changes", "accept", &name, "--reason", "another machine"]).code(0);
    assert_eq!(listed(&imported(), "decided"), ["g03"]);
}
