//! The rules that are compared: ours, and the ones that others use or that everybody invents.
//!
//! Foreign rules are written from their public description and judge both directions. Each sees one night at a time.

use std::collections::BTreeMap;

use crate::analysis::screen::{
    AcceptedShifts, Answer, Direction, HISTORY_ONLY, Night, SUSPECTS, Screen, Settings, Verdict,
};
use crate::stats::distributions::t_quantile;
use crate::stats::{Sorted, moments};

/// Values that every rule waits for before its answers count.
pub const WARM_UP: usize = crate::analysis::screen::WARM_UP;

/// A rule that judges the newest value of a history.
pub trait HistoryRule {
    /// Short name for tables.
    fn name(&self) -> &'static str;
    /// The rule in one sentence, with its numbers.
    fn description(&self) -> &'static str;
    /// Whether its alerts are suspects that a second measurement decides.
    fn confirms(&self) -> bool {
        false
    }
    /// Begins with an empty history.
    fn start(&self) -> Box<dyn Judge>;
}

/// A rule at work. It is given each night once, oldest first, so that it cannot look ahead.
pub trait Judge {
    /// Judges and remembers one night; see [`Screen::night`].
    fn night(&mut self, group: usize, values: &[Option<f64>]) -> Night;
    /// Tells that tonight's value of a series was confirmed to be a new level.
    fn accept(&mut self, series: usize);
    /// The same judge with the same memory: for several continuations of one history.
    fn duplicate(&self) -> Box<dyn Judge>;
}

/// Every rule, in the order of the tables.
#[must_use]
pub fn all() -> Vec<Box<dyn HistoryRule>> {
    vec![
        Box::new(Ours { confirms: true }),
        Box::new(Ours { confirms: false }),
        Box::new(Plain { name: "rustc-perf", description: RUSTC_PERF, window: 31, judge: rustc_perf }),
        Box::new(Plain { name: "t-test 0.99", description: T_TEST, window: 64, judge: t_interval }),
        Box::new(Plain {
            name: "z = 5",
            description: "5 standard deviations from the mean of the last 30",
            window: 30,
            judge: z_five,
        }),
        Box::new(Plain {
            name: "+-10 %",
            description: "more than 10 % from the mean of the last 30",
            window: 30,
            judge: ten_percent,
        }),
        Box::new(Plain {
            name: "200 %",
            description: "twice or half of the value before",
            window: 1,
            judge: twofold,
        }),
    ]
}

const RUSTC_PERF: &str =
    "relative change to the value before at least Q3 + 3 IQR of such changes over the last 30";
const T_TEST: &str = "outside of the prediction bounds of Student's t, 0.99 on each side, over the last 64";

struct Ours {
    confirms: bool,
}

impl Ours {
    fn settings(&self) -> Settings {
        if self.confirms { SUSPECTS } else { HISTORY_ONLY }
    }
}

impl HistoryRule for Ours {
    fn name(&self) -> &'static str {
        if self.confirms { "ours, confirmed" } else { "ours, history only" }
    }

    fn description(&self) -> &'static str {
        if self.confirms {
            "screen at 10 % up and 1 % down, then interleaved pairs of the old and the new executable"
        } else {
            "screen at 0.05 % in each direction against the machine's own residuals, nothing measured again"
        }
    }

    fn confirms(&self) -> bool {
        self.confirms
    }

    fn start(&self) -> Box<dyn Judge> {
        Box::new(Screen::new(self.settings(), AcceptedShifts::default()))
    }
}

impl Judge for Screen<AcceptedShifts> {
    fn night(&mut self, group: usize, values: &[Option<f64>]) -> Night {
        Self::night(self, group, values)
    }

    fn accept(&mut self, series: usize) {
        Self::accept(self, series);
    }

    fn duplicate(&self) -> Box<dyn Judge> {
        Box::new(self.clone())
    }
}

/// How a rule of one series decides: the last values, oldest first, and the newest one.
type Decide = fn(&[f64], f64) -> Option<Direction>;

/// A rule that looks at one series alone.
#[derive(Clone, Copy)]
struct Plain {
    name: &'static str,
    description: &'static str,
    window: usize,
    judge: Decide,
}

impl HistoryRule for Plain {
    fn name(&self) -> &'static str {
        self.name
    }

    fn description(&self) -> &'static str {
        self.description
    }

    fn start(&self) -> Box<dyn Judge> {
        Box::new(OneByOne { rule: *self, past: BTreeMap::new() })
    }
}

#[derive(Clone)]
struct OneByOne {
    rule: Plain,
    past: BTreeMap<usize, Vec<f64>>,
}

impl Judge for OneByOne {
    fn night(&mut self, _: usize, values: &[Option<f64>]) -> Night {
        let series = values.iter().enumerate().map(|(index, value)| {
            let none = Verdict { answer: Answer::NotJudged, p_value: 1.0, change: 0.0 };
            let Some(value) = value.filter(|value| *value > 0.0 && value.is_finite()) else { return none };
            let past = self.past.entry(index).or_default();
            let window = &past[past.len().saturating_sub(self.rule.window)..];
            let answer = if past.len() < WARM_UP {
                Answer::NotJudged
            } else {
                (self.rule.judge)(window, value).map_or(Answer::Quiet, Answer::Alert)
            };
            past.push(value);
            Verdict { answer, ..none }
        });
        Night { series: series.collect(), machine: None, lasting: None }
    }

    fn accept(&mut self, _: usize) {}

    fn duplicate(&self) -> Box<dyn Judge> {
        Box::new(self.clone())
    }
}

/// The direction of `value` from `center` when `far` holds.
fn direction(far: bool, value: f64, center: f64) -> Option<Direction> {
    far.then_some(if value > center { Direction::Up } else { Direction::Down })
}

fn rustc_perf(past: &[f64], value: f64) -> Option<Direction> {
    let before = *past.last()?;
    let deltas: Vec<f64> = past.windows(2).map(|pair| (pair[1] / pair[0] - 1.0).abs()).collect();
    let threshold = Sorted::new(&deltas)
        .map_or(0.002, |sorted| sorted.quantile(0.75) + 3.0 * sorted.interquartile_range());
    let change = (value / before - 1.0).abs();
    // Where history never moved, the threshold is zero; no change at all is still no alert.
    direction(change > 0.0 && change >= threshold, value, before)
}

fn t_interval(past: &[f64], value: f64) -> Option<Direction> {
    let (mean, sd) = (moments::mean(past)?, moments::standard_deviation(past)?);
    let n = past.len() as f64;
    let reach = t_quantile(0.99, n - 1.0)? * sd * (1.0 + 1.0 / n).sqrt();
    direction((value - mean).abs() > reach, value, mean)
}

fn z_five(past: &[f64], value: f64) -> Option<Direction> {
    let (mean, sd) = (moments::mean(past)?, moments::standard_deviation(past)?);
    direction((value - mean).abs() > 5.0 * sd, value, mean)
}

fn ten_percent(past: &[f64], value: f64) -> Option<Direction> {
    let mean = moments::mean(past)?;
    direction((value / mean - 1.0).abs() > 0.1, value, mean)
}

fn twofold(past: &[f64], value: f64) -> Option<Direction> {
    let before = *past.last()?;
    direction(value >= 2.0 * before || value <= 0.5 * before, value, before)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 40 values alternating by ± 1 % around 100.
    fn past() -> Vec<f64> {
        (0..40).map(|i| if i % 2 == 0 { 99.0 } else { 101.0 }).collect()
    }

    #[track_caller]
    fn check(name: &str, value: f64, expected: Option<Direction>) {
        let rule = all().into_iter().find(|rule| rule.name() == name).unwrap();
        let mut judge = rule.start();
        for past in past() {
            judge.night(0, &[Some(past)]);
        }
        let answer = judge.night(0, &[Some(value)]).series[0].answer;
        assert_eq!(answer, expected.map_or(Answer::Quiet, Answer::Alert), "{name}, {value}");
    }

    #[test]
    fn foreign_rules_follow_their_thresholds() {
        // All changes are 2 % or 1.98 %, so the range between the quartiles is 0.02 %: about 2.08 % from 101.
        check("rustc-perf", 101.0 * 1.0207, None);
        check("rustc-perf", 101.0 * 1.022, Some(Direction::Up));
        check("rustc-perf", 101.0 * 0.978, Some(Direction::Down));
        // t(0.99, 39) = 2.4258, s = 1.0127, √(1 + 1/40) = 1.0124: ± 2.487.
        check("t-test 0.99", 102.48, None);
        check("t-test 0.99", 102.50, Some(Direction::Up));
        // The last 30 have s = 1.0171.
        check("z = 5", 105.08, None);
        check("z = 5", 94.90, Some(Direction::Down));
        check("+-10 %", 109.9, None);
        check("+-10 %", 89.9, Some(Direction::Down));
        check("200 %", 201.0, None);
        check("200 %", 202.0, Some(Direction::Up));
        check("200 %", 50.5, Some(Direction::Down));
    }

    #[test]
    fn nothing_is_judged_before_the_warm_up() {
        for rule in all() {
            let mut judge = rule.start();
            for value in past().into_iter().take(WARM_UP) {
                assert_eq!(
                    judge.night(0, &[Some(value)]).series[0].answer,
                    Answer::NotJudged,
                    "{}",
                    rule.name()
                );
            }
            assert_eq!(judge.night(0, &[None]).series[0].answer, Answer::NotJudged);
        }
    }
}
