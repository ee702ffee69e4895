//! What stays open: shifts of all code, alerts on watch, changes of other settings.

use super::*;

/// All series 5 % slower in night 59 and since; the changes noted in that night, and tonight is night 60.
fn all_slower() -> (Run, Vec<Line>, Vec<Sighting>) {
    let nights = history(60, |_| 1.05);
    let (report, seen) = judge(&nights, Some(&mut told(SeriesAnswer::Regressed, 1.05)), &[], &[]);
    let shifts = codes(&report).iter().filter(|code| **code == "suite-shift").count();
    assert_eq!(shifts, 1, "{:?}", report.findings);
    let (tonight, mut lines) = history(61, |_| 1.05);
    lines.iter_mut().for_each(|line| line.history.points[59].value *= 1.05);
    (tonight, lines, seen)
}

#[test]
fn a_confirmed_shift_of_all_code_is_no_night_only() {
    let (tonight, lines, seen) = all_slower();
    let standing: Vec<&Sighting> = seen.iter().filter(|one| one.evidence == Evidence::Confirmed).collect();
    assert!(standing.len() >= super::super::history::REPRESENTATIVES, "{seen:?}");
    let changes: Vec<Change> = standing.iter().map(|one| change(one, ChangeState::New)).collect();
    let nights = (tonight, lines);
    let (report, again) = judge(&nights, Some(&mut told(SeriesAnswer::Regressed, 1.05)), &changes, &[]);
    assert!(report.signals.contains(&Signal::Failed), "{:?}", report.findings);
    assert!(changes.iter().all(|open| again.iter().any(|one| one.change == open.id)), "{again:?}");
    // Accepted, it is over.
    let accepted: Vec<Change> =
        changes.iter().map(|open| Change { state: ChangeState::Accepted, ..open.clone() }).collect();
    let (report, _) = judge(&nights, Some(&mut told(SeriesAnswer::Refuted, 1.0)), &accepted, &[]);
    assert!(!report.signals.contains(&Signal::Failed), "{:?}", report.findings);
}

#[test]
fn one_of_the_steadiest_that_changed_by_itself_is_not_outvoted() {
    let nights = history(60, |_| 1.05);
    let mut told = told(SeriesAnswer::Refuted, 1.0);
    told.first = vec![SeriesAnswer::Refuted, SeriesAnswer::Regressed];
    let (report, seen) = judge(&nights, Some(&mut told), &[], &[]);
    assert_eq!(report.machine.as_ref().map(|shift| shift.answer), Some(SeriesAnswer::Refuted));
    assert_eq!(report.signals, [Signal::Failed], "{:?}", report.findings);
    let found = codes(&report);
    assert!(found.contains(&"machine-shift") && found.contains(&"regression-confirmed"), "{found:?}");
    let name = &told.asked[1].benchmark;
    assert!(seen.iter().any(|one| one.series.benchmark == *name && one.evidence == Evidence::Confirmed));
}

#[test]
fn what_is_being_watched_counts_while_it_is_off() {
    let nights = |value: f64| {
        let (tonight, mut lines) = history(60, |_| 1.0);
        lines[3].history.points[58].value *= 1.1;
        lines[3].history.points[59].value *= value;
        judge(&(tonight, lines), None, &[], &[]).0
    };
    let still = nights(1.1);
    assert_eq!(still.signals, [Signal::Inconclusive], "{:?}", still.findings);
    assert_eq!(codes(&still), ["suspect-open"]);
    let back = nights(1.0);
    assert!(back.signals.is_empty() && codes(&back).is_empty(), "{:?}", back.findings);
}

#[test]
fn an_open_change_of_other_settings_is_not_forgotten() {
    let (tonight, mut lines, open) = stayed();
    // The new level goes on, and nobody knows against what.
    let comparable: Vec<RunId> =
        lines[0].history.points[60..69].iter().map(|point| point.run.clone()).collect();
    let judged = |changes: &[Change], decisions: &[Decision], lines: &[Line]| {
        let past = Past {
            run: &tonight,
            quarantined: None,
            lines,
            comparable: &comparable,
            changes,
            decisions,
            now: NOW,
        };
        let look = look(&past, SUSPECTS);
        look.outcomes[3].clone()
    };
    let found = judged(std::slice::from_ref(&open), &[], &lines);
    assert_eq!(
        (found.answer, found.change.as_ref()),
        (SeriesAnswer::Unknown, Some(&open.id)),
        "{}",
        found.reason
    );
    let accepted = Change { state: ChangeState::Accepted, ..open.clone() };
    assert_eq!(judged(&[accepted], &[], &lines).answer, SeriesAnswer::NotJudged);
    lines[3].history.key.benchmark.group = "another".to_owned();
    assert_eq!(judged(&[open], &[], &lines).answer, SeriesAnswer::NotJudged);
}
