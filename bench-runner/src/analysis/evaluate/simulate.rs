//! Rules on made-up noise: how often they cry wolf, and how often they see a step.
//!
//! The simulated confirmation knows the truth that a second measurement would show, with noise of its own.

use super::count::{Counter, Counts};
use super::families::{Family, Generator, NIGHT_SD};
use super::rules::{HistoryRule, Judge, WARM_UP};
use crate::analysis::screen::{Answer, Direction, Night};
use crate::stats::rng::SplitMix64;
use crate::stats::sequential::{Decision, SequentialTest, Tolerance};

/// Standard deviation of the logarithm of one interleaved pair: half of a night's.
pub const PAIR_SD: f64 = NIGHT_SD / 2.0;

/// Seconds of one pair with the nightly profile: two launches with 0.3 s of warm-up, 1 s of measuring and 0.05 s around them.
pub const PAIR_SECONDS: f64 = 2.7;

/// Chance of a false confirmation that one night may have, shared by its suspects.
pub const CONFIRM_ALPHA: f64 = 0.005;

/// Pairs after which a suspect stays inconclusive.
pub const MOST_PAIRS: u32 = 40;

/// Changes below 1 % are certified as not worth a red night; saying so wrongly costs a night and may happen more often.
pub const CONFIRM_TOLERANCE: Tolerance = Tolerance { size: 0.01, alpha: 0.05 };

/// Nights that a history has before a step is put in: long enough for every window in use.
pub const BEFORE_STEP: usize = 80;

/// One in so many series gets the step, so that it does not look like the machine.
const STEPPED: usize = 10;

/// How much to simulate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Series of the suite.
    pub series: usize,
    /// Nights judged, after the warm-up.
    pub nights: usize,
    /// Seed of everything.
    pub seed: u64,
    /// Launches of which a night's value is the median, each with 1 % of noise, pairs being of single launches; 1 gives the night
    /// itself 1 %, and pairs half of it.
    pub launches: u32,
}

/// How often a step of one size was seen.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Power {
    /// Size of the step, for example 0.03 for 3 % slower.
    pub step: f64,
    /// Steps tried.
    pub trials: u64,
    /// Seen as slower in the same night.
    pub same_night: u64,
    /// Seen as slower in that night or the next.
    pub within_two: u64,
}

/// Runs a rule over nights in which nothing changed.
#[must_use]
pub fn false_alarms(rule: &dyn HistoryRule, family: Family, plan: Plan) -> Counts {
    let mut generator = Generator::new(family, plan.series, plan.seed).of_launches(plan.launches);
    let mut bench = Bench::new(rule, family, plan.seed, plan.launches);
    let mut counter = Counter::default();
    for night in 0..WARM_UP + EXTRA_WARM_UP + plan.nights {
        let shifts = generator.shifts_next();
        let values: Vec<Option<f64>> = generator.night().into_iter().map(Some).collect();
        let judged = bench.night(&values, &[]);
        if night >= WARM_UP + EXTRA_WARM_UP {
            if shifts {
                counter.shift(&judged.night);
            }
            counter.night(&judged.night);
            counter.confirmation(judged.suspects, judged.pairs);
        }
    }
    counter.counts
}

/// Nights beyond the warm-up of one series, in which a machine gathers its residuals.
const EXTRA_WARM_UP: usize = 20;

/// Puts steps of the given sizes into otherwise equal histories, until each was tried at least `trials` times.
#[must_use]
pub fn power(rule: &dyn HistoryRule, family: Family, plan: Plan, steps: &[f64], trials: u64) -> Vec<Power> {
    let mut found: Vec<Power> =
        steps.iter().map(|step| Power { step: *step, trials: 0, same_night: 0, within_two: 0 }).collect();
    let mut seed = SplitMix64::new(plan.seed ^ 0x7077_6572);
    while !found.is_empty() && found[0].trials < trials {
        let seed = seed.next_u64();
        let mut generator = Generator::new(family, plan.series, seed).of_launches(plan.launches);
        let mut bench = Bench::new(rule, family, seed, plan.launches);
        for _ in 0..BEFORE_STEP {
            let values: Vec<Option<f64>> = generator.night().into_iter().map(Some).collect();
            bench.night(&values, &[]);
        }
        let next = [generator.night(), generator.night()];
        for power in &mut found {
            one_suite(&mut bench.duplicate(), &next, power);
        }
    }
    found
}

/// Two nights after a step in every tenth series.
fn one_suite(bench: &mut Bench, next: &[Vec<f64>; 2], power: &mut Power) {
    let series = next[0].len();
    let steps: Vec<f64> =
        (0..series).map(|i| if i % STEPPED == 0 { power.step.ln_1p() } else { 0.0 }).collect();
    let mut seen = vec![false; series];
    for (night, values) in next.iter().enumerate() {
        let values: Vec<Option<f64>> =
            values.iter().zip(&steps).map(|(v, step)| Some(v * step.exp())).collect();
        let judged = bench.night(&values, &steps);
        for index in (0..series).step_by(STEPPED) {
            seen[index] |= judged.night.series[index].answer == Answer::Alert(Direction::Up);
        }
        let count = seen.iter().filter(|seen| **seen).count() as u64;
        if night == 0 {
            power.same_night += count;
        } else {
            power.within_two += count;
        }
    }
    power.trials += series.div_ceil(STEPPED) as u64;
}

/// A rule with the confirmation that belongs to it, if one does.
struct Bench {
    judge: Box<dyn Judge>,
    confirms: bool,
    family: Family,
    rng: SplitMix64,
    accepted: Vec<f64>,
    /// Standard deviation of the logarithm of one pair.
    pair_sd: f64,
}

/// A night with its confirmations done.
struct Judged {
    night: Night,
    suspects: u64,
    pairs: u64,
}

impl Bench {
    fn new(rule: &dyn HistoryRule, family: Family, seed: u64, launches: u32) -> Self {
        let pair_sd = if launches > 1 { NIGHT_SD * std::f64::consts::SQRT_2 } else { PAIR_SD };
        let rng = SplitMix64::new(seed ^ 0x636f_6e66);
        Self { judge: rule.start(), confirms: rule.confirms(), family, rng, accepted: Vec::new(), pair_sd }
    }

    fn duplicate(&self) -> Self {
        Self {
            judge: self.judge.duplicate(),
            rng: self.rng.clone(),
            accepted: self.accepted.clone(),
            ..*self
        }
    }

    /// Judges a night in which the code of each series differs from its origin by `truth`; no entry means no difference.
    fn night(&mut self, values: &[Option<f64>], truth: &[f64]) -> Judged {
        let mut night = self.judge.night(0, values);
        let alerts = |night: &Night| -> Vec<usize> {
            let answers = night.series.iter().enumerate();
            answers.filter(|(_, v)| matches!(v.answer, Answer::Alert(_))).map(|(index, _)| index).collect()
        };
        let suspects = if self.confirms { alerts(&night) } else { Vec::new() };
        self.accepted.resize(values.len(), 0.0);
        let mut pairs = 0;
        for &index in &suspects {
            let truth = truth.get(index).copied().unwrap_or(0.0);
            let (decision, used) = self.confirm(truth - self.accepted[index], suspects.len());
            pairs += u64::from(used);
            night.series[index].answer = match decision {
                Decision::Above => Answer::Alert(Direction::Up),
                Decision::Below => Answer::Alert(Direction::Down),
                Decision::Open | Decision::Within => Answer::Quiet,
            };
            if matches!(decision, Decision::Above | Decision::Below) {
                self.judge.accept(index);
                self.accepted[index] = truth;
            }
        }
        Judged { night, suspects: suspects.len() as u64, pairs }
    }

    /// Interleaved pairs of the stored executable and tonight's, until something is known.
    fn confirm(&mut self, difference: f64, suspects: usize) -> (Decision, u32) {
        let alpha = CONFIRM_ALPHA / suspects as f64;
        let Some(mut test) = SequentialTest::new(alpha, Some(CONFIRM_TOLERANCE)) else {
            return (Decision::Open, 0);
        };
        for pair in 1..=MOST_PAIRS {
            let noise = self.family.shock(&mut self.rng) - self.family.shock(&mut self.rng);
            let decision = test.push(difference + self.pair_sd * noise / std::f64::consts::SQRT_2);
            if decision != Decision::Open {
                return (decision, pair);
            }
        }
        (Decision::Open, MOST_PAIRS)
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules;
    use super::*;

    const PLAN: Plan = Plan { series: 40, nights: 60, seed: 1, launches: 1 };

    fn rule(name: &str) -> Box<dyn HistoryRule> {
        rules::all().into_iter().find(|rule| rule.name() == name).unwrap()
    }

    #[test]
    fn the_t_test_errs_at_its_nominal_rate_on_the_noise_it_was_made_for() {
        let counts = false_alarms(&*rule("t-test 0.99"), Family::Normal, PLAN);
        assert_eq!((counts.judged, counts.nights), (40 * 60, 60));
        let share = counts.alerts as f64 / counts.judged as f64;
        assert!(share > 0.01 && share < 0.03, "{share}: two sides of 1 %");
        assert!(counts.red_nights > 10, "{}", counts.red_nights);
    }

    #[test]
    fn a_machine_that_shifts_is_one_event_and_no_alert() {
        let plan = Plan { nights: 2 * 60, ..PLAN };
        let counts = false_alarms(&*rule("ours, history only"), Family::MachineShift, plan);
        assert_eq!(counts.machine_events, 2, "{counts:?}");
        assert_eq!((counts.shifts, counts.shifts_as_one), (2, 2), "each shift is one finding");
        assert!(counts.alerts <= 12, "{counts:?}");
    }

    #[test]
    fn confirmation_sees_three_percent_and_reddens_no_innocent_night() {
        let confirmed = rule("ours, confirmed");
        let counts = false_alarms(&*confirmed, Family::Normal, PLAN);
        assert_eq!(counts.red_nights, 0);
        assert!(counts.suspects > 60 && counts.pairs > counts.suspects, "{counts:?}");
        let power = power(&*confirmed, Family::Normal, PLAN, &[0.03], 80);
        assert!(power[0].trials >= 80 && power[0].same_night * 10 >= power[0].trials * 8, "{power:?}");
        assert!(power[0].within_two >= power[0].same_night);
    }

    #[test]
    fn more_launches_in_a_night_see_more() {
        let confirmed = rule("ours, confirmed");
        let seen = |launches: u32| {
            let power = power(&*confirmed, Family::Normal, Plan { launches, ..PLAN }, &[0.03], 80);
            power[0].same_night as f64 / power[0].trials as f64
        };
        let (one, five) = (seen(1), seen(5));
        assert!(five >= one && five >= 0.95, "{one} {five}");
    }

    #[test]
    fn equal_seeds_give_equal_answers() {
        let ours = rule("ours, confirmed");
        let counts = || false_alarms(&*ours, Family::Spikes, Plan { nights: 10, ..PLAN });
        assert_eq!(counts(), counts());
    }
}
