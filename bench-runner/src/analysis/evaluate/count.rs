//! Counting the answers of a rule.

use crate::analysis::screen::{Answer, Direction, Night};
use crate::stats::proportion::clopper_pearson;

/// What a rule answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Counts {
    /// Values judged; those of a series whose alert is being watched count, since a second alert was possible.
    pub judged: u64,
    /// Alerts in either direction.
    pub alerts: u64,
    /// Alerts of a series whose judged value before gave none.
    pub episodes: u64,
    /// Nights in which something was judged.
    pub nights: u64,
    /// Nights with an alert upwards.
    pub red_nights: u64,
    /// Nights in which the whole machine moved.
    pub machine_events: u64,
    /// Suspects that were measured again.
    pub suspects: u64,
    /// Pairs that those measurements took.
    pub pairs: u64,
    /// Nights in which the whole machine was made to move.
    pub shifts: u64,
    /// Those of them that gave exactly one finding: an event of the machine, and no alert.
    pub shifts_as_one: u64,
}

impl Counts {
    /// Alerts per 1000 values, with the exact 95 % interval; `None` when nothing was judged.
    #[must_use]
    pub fn alerts_per_1000(&self) -> Option<(f64, f64, f64)> {
        share(self.alerts, self.judged, 1000.0)
    }

    /// Nights with an alert upwards per 100, with the exact 95 % interval; `None` when nothing was judged.
    #[must_use]
    pub fn red_nights_percent(&self) -> Option<(f64, f64, f64)> {
        share(self.red_nights, self.nights, 100.0)
    }
}

/// A count per `unit` with its exact 95 % interval.
#[must_use]
pub fn share(count: u64, all: u64, unit: f64) -> Option<(f64, f64, f64)> {
    let (low, high) = clopper_pearson(count, all, 0.95)?;
    Some((unit * count as f64 / all as f64, unit * low, unit * high))
}

/// Counts night after night.
#[derive(Debug, Clone, Default)]
pub(super) struct Counter {
    pub(super) counts: Counts,
    alerting: Vec<bool>,
}

impl Counter {
    pub(super) fn night(&mut self, night: &Night) {
        self.alerting.resize(self.alerting.len().max(night.series.len()), false);
        let (mut judged, mut red) = (0, false);
        for (verdict, alerting) in night.series.iter().zip(&mut self.alerting) {
            if verdict.answer == Answer::NotJudged {
                continue;
            }
            judged += 1;
            let alert = matches!(verdict.answer, Answer::Alert(_));
            self.counts.alerts += u64::from(alert);
            self.counts.episodes += u64::from(alert && !*alerting);
            red |= verdict.answer == Answer::Alert(Direction::Up);
            *alerting = alert;
        }
        self.counts.judged += judged;
        self.counts.nights += u64::from(judged > 0);
        self.counts.red_nights += u64::from(red);
        self.counts.machine_events += u64::from(night.machine.is_some());
    }

    /// Notes a night in which the whole machine was made to move.
    pub(super) fn shift(&mut self, night: &Night) {
        let alert = night.series.iter().any(|verdict| matches!(verdict.answer, Answer::Alert(_)));
        self.counts.shifts += 1;
        self.counts.shifts_as_one += u64::from(night.machine.is_some() && !alert);
    }

    pub(super) fn confirmation(&mut self, suspects: u64, pairs: u64) {
        self.counts.suspects += suspects;
        self.counts.pairs += pairs;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::screen::Verdict;

    fn night(answers: &[Answer]) -> Night {
        let series = answers.iter().map(|answer| Verdict { answer: *answer, p_value: 1.0, change: 0.0 });
        Night { series: series.collect(), machine: None, lasting: None }
    }

    #[test]
    fn alerts_episodes_and_red_nights_are_told_apart() {
        let (up, down) = (Answer::Alert(Direction::Up), Answer::Alert(Direction::Down));
        let mut counter = Counter::default();
        counter.night(&night(&[Answer::NotJudged, Answer::NotJudged]));
        counter.night(&night(&[up, Answer::Quiet]));
        counter.night(&night(&[up, down]));
        counter.night(&night(&[Answer::Watched, Answer::Quiet]));
        counter.night(&night(&[down, Answer::NotJudged]));
        let expected =
            Counts { judged: 7, alerts: 4, episodes: 3, nights: 4, red_nights: 2, ..Counts::default() };
        assert_eq!(counter.counts, expected);
        let (rate, low, high) = counter.counts.alerts_per_1000().unwrap();
        assert!((rate - 4000.0 / 7.0).abs() < 1e-9 && low < rate && rate < high);
        assert_eq!(Counts::default().red_nights_percent(), None);
    }
}
