//! From the differences of blocks to one of the five answers, each step with its number.
//!
//! One pure function decides; the interval that it decides by is the one that is printed, so that the two never
//! contradict one another.

use super::super::compare::POWER;
use super::super::words;
use crate::model::comparison::Verdict;
use crate::model::step::Step;
use crate::stats::betting::confidence_sequence;
use crate::stats::distributions::t_quantile;
use crate::stats::interval::one_sample;
use crate::stats::rank::hodges_lehmann;
use crate::stats::signed_rank::signed_rank_interval;

/// How strictly an experiment is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Change that does not matter, as a fraction.
    pub margin: f64,
    /// Chance that any interval of the experiment misses its truth, whenever it is stopped.
    pub family_alpha: f64,
}

/// What the differences of one benchmark say.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Hodges–Lehmann center of the differences, as a ratio; `None` without any.
    pub ratio: Option<f64>,
    /// Interval of the ratio that holds whenever one stops.
    pub interval: Option<(f64, f64)>,
    /// Its level.
    pub level: f64,
    /// Student's interval, for a number of blocks fixed beforehand.
    pub t_interval: Option<(f64, f64)>,
    /// Signed-rank interval, for a number of blocks fixed beforehand.
    pub rank_interval: Option<(f64, f64)>,
    /// Smallest change that this data would have shown with 90 % probability, as a fraction.
    pub minimum_detectable_effect: Option<f64>,
    /// The answer.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// Each step with its number and threshold.
    pub steps: Vec<Step>,
}

/// The answer to an effect (a natural logarithm of a ratio), its interval and a margin (a fraction).
///
/// *Unchanged*: the whole interval lies within the margin. *Regressed*, *improved*: the whole interval lies on one side of
/// no change and the effect is at least the margin. Else *inconclusive*, as without an interval.
#[must_use]
pub fn verdict(effect: f64, interval: Option<(f64, f64)>, margin: f64) -> Verdict {
    let margin = margin.ln_1p();
    match interval {
        Some((low, high)) if low > -margin && high < margin => Verdict::Unchanged,
        Some((low, _)) if low > 0.0 && effect >= margin => Verdict::Regressed,
        Some((_, high)) if high < 0.0 && effect <= -margin => Verdict::Improved,
        _ => Verdict::Inconclusive,
    }
}

/// Judges the differences of one of `rows` rows, at the level `1 − family_alpha ÷ rows` (Bonferroni).
///
/// # Edge cases
/// Differences that are not finite are left out. Without enough blocks to refute anything there is no interval, and the
/// answer is *inconclusive*.
#[must_use]
pub fn judge(differences: &[f64], rules: &Rules, rows: usize) -> Judged {
    let differences: Vec<f64> = differences.iter().copied().filter(|d| d.is_finite()).collect();
    let alpha = rules.family_alpha / rows.max(1) as f64;
    let effect = hodges_lehmann(&differences);
    let interval = confidence_sequence(&differences, alpha)
        .zip(effect)
        .map(|((low, high), effect)| (low.min(effect), high.max(effect)));
    let verdict = verdict(effect.unwrap_or(0.0), interval, rules.margin);
    let student = one_sample(&differences, 1.0 - alpha);
    let ranks = signed_rank_interval(&differences, 1.0 - alpha).map(|found| (found.low, found.high));
    let smallest = interval.zip(student).and_then(|((low, high), student)| {
        // The estimate must come out beyond half the interval and beyond the margin: so far, and the luck of one run in ten
        // further.
        let luck = t_quantile(POWER, student.degrees)? * student.standard_error;
        Some(((0.5 * (high - low)).max(rules.margin.ln_1p()) + luck).exp_m1())
    });
    let ratio = |(low, high): (f64, f64)| (low.exp(), high.exp());
    let facts = Facts { effect, interval, alpha, blocks: differences.len(), rows, margin: rules.margin };
    Judged {
        ratio: effect.map(f64::exp),
        interval: interval.map(ratio),
        level: 1.0 - alpha,
        t_interval: student.map(|t| ratio((t.low, t.high))),
        rank_interval: ranks.map(ratio),
        minimum_detectable_effect: smallest,
        verdict,
        reason: facts.reason(verdict, smallest),
        steps: facts.steps([
            ("Student's interval", student.map(|t| (t.low, t.high))),
            ("signed-rank interval", ranks),
        ]),
    }
}

/// What a verdict is made of.
struct Facts {
    effect: Option<f64>,
    interval: Option<(f64, f64)>,
    alpha: f64,
    blocks: usize,
    rows: usize,
    margin: f64,
}

impl Facts {
    /// Blocks without which nothing can be refuted on either side.
    fn needed(&self) -> u64 {
        crate::stats::ceil_to_count((2.0 / self.alpha).log2())
    }

    fn reason(&self, verdict: Verdict, smallest: Option<f64>) -> String {
        let margin = words::percent(self.margin);
        let size = words::change(self.effect.unwrap_or(0.0).exp_m1());
        let beyond = |word: &str| {
            format!(
                "{size}, {word}: the whole interval is beyond no change, and the change beyond the margin of {margin}"
            )
        };
        let what = match (verdict, self.interval) {
            (Verdict::Unchanged, _) => format!("the whole interval lies within ±{margin}"),
            (Verdict::Regressed, _) => beyond("slower"),
            (Verdict::Improved, _) => beyond("faster"),
            (_, None) => {
                let needed = words::count(self.needed(), "block");
                format!("at this level nothing can be said before {needed}")
            }
            (_, Some((low, high))) if low > 0.0 || high < 0.0 => {
                format!("a change, but it may be smaller than the margin of {margin}")
            }
            _ => {
                let smallest = smallest.map_or("unknown".to_owned(), words::percent);
                format!("this data would show changes from {smallest} on")
            }
        };
        let blocks = words::count(self.blocks as u64, "block");
        let level = (1.0 - self.alpha) * 100.0;
        format!("{what}; {blocks}; level {level:.2} % over {} judged rows", self.rows)
    }

    /// `fixed` are intervals of logarithms that hold for a number of blocks fixed beforehand.
    fn steps(&self, fixed: [(&str, Option<(f64, f64)>); 2]) -> Vec<Step> {
        let percent = |log: f64| log.exp_m1() * 100.0;
        let either = |holds: bool, yes: &str, no: &str| if holds { yes.to_owned() } else { no.to_owned() };
        #[expect(clippy::cast_precision_loss, reason = "an experiment has far fewer than 2^52 blocks")]
        let (blocks, needed) = (self.blocks as f64, self.needed() as f64);
        let enough =
            either(blocks >= needed, "enough that something can be refuted", "nothing can be refuted yet");
        let mut steps = vec![Step::held("blocks", blocks, needed, "", enough)];
        let (Some(effect), Some((low, high))) = (self.effect, self.interval) else { return steps };
        let margin = self.margin.ln_1p();
        let (least, most) = (percent(-margin), percent(margin));
        let level = format!("1 − α ÷ {} rows, of the interval that holds whenever one stops", self.rows);
        steps.push(Step::told("level", Some((1.0 - self.alpha) * 100.0), "%", level));
        let inside = |holds| either(holds, "within the margin", "beyond the margin");
        steps.push(Step::held("lower bound of the change", percent(low), least, "%", inside(low > -margin)));
        steps.push(Step::held("upper bound of the change", percent(high), most, "%", inside(high < margin)));
        let name = "bound nearest to no change";
        steps.push(if low > 0.0 || high < 0.0 {
            let nearest = if low > 0.0 { low } else { high };
            Step::held(name, percent(nearest), 0.0, "%", "no change is refuted")
        } else {
            Step::told(name, None, "", "no change lies between the bounds: it is still possible")
        });
        let size = either(effect.abs() >= margin, "at least the margin", "smaller than the margin");
        let limit = if effect < 0.0 { least } else { most };
        steps.push(Step::held("effect", percent(effect), limit, "%", size));
        for (name, interval) in fixed {
            let Some((low, high)) = interval else { continue };
            let words = format!(
                "{:+.2} % to {:+.2} %, as if the number of blocks had been fixed; for comparison, not used",
                percent(low),
                percent(high)
            );
            steps.push(Step::told(name, None, "", words));
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::examples::answer_of;
    use crate::stats::rng::SplitMix64;

    const RULES: Rules = Rules { margin: 0.02, family_alpha: 0.05 };

    fn noisy(blocks: usize, center: f64, sd: f64, seed: u64) -> Vec<f64> {
        let mut rng = SplitMix64::new(seed);
        (0..blocks).map(|_| center + sd * rng.normal()).collect()
    }

    #[track_caller]
    fn check(blocks: usize, center: f64, sd: f64, expected: Verdict) {
        let judged = judge(&noisy(blocks, center, sd, 11), &RULES, 4);
        assert_eq!(judged.verdict, expected, "{judged:?}");
    }

    #[test]
    fn the_answers() {
        check(16, 0.10, 0.01, Verdict::Regressed);
        check(16, -0.10, 0.01, Verdict::Improved);
        check(20, 0.0, 0.005, Verdict::Unchanged);
        check(16, 0.0, 0.10, Verdict::Inconclusive);
        // Real, and smaller than the margin: still unchanged, as the margin means.
        check(30, 0.008, 0.003, Verdict::Unchanged);
        // Four blocks can refute nothing, whatever they say.
        check(4, 0.5, 0.001, Verdict::Inconclusive);
    }

    #[test]
    fn one_function_decides() {
        let check = |effect: f64, interval, expected| {
            assert_eq!(verdict(effect, interval, 0.02), expected, "{effect} {interval:?}");
        };
        check(0.03, Some((0.001, 0.06)), Verdict::Regressed);
        check(0.03, Some((-0.001, 0.06)), Verdict::Inconclusive);
        check(0.015, Some((0.001, 0.03)), Verdict::Inconclusive);
        check(0.005, Some((0.001, 0.01)), Verdict::Unchanged);
        check(-0.03, Some((-0.06, -0.001)), Verdict::Improved);
        check(0.5, None, Verdict::Inconclusive);
    }

    #[test]
    fn every_answer_can_be_found_again_from_its_steps() {
        let mut seen = std::collections::BTreeSet::new();
        for (place, blocks) in (0_u64..).zip([0, 4, 8, 12, 16, 30, 60]) {
            for center in [-0.1, -0.03, -0.012, 0.0, 0.008, 0.02, 0.03, 0.1] {
                for (sd, rows) in [(0.002, 1), (0.01, 4), (0.03, 40)] {
                    let judged = judge(&noisy(blocks, center, sd, place), &RULES, rows);
                    assert_eq!(
                        answer_of(&judged.steps).unwrap_or(Verdict::Inconclusive),
                        judged.verdict,
                        "{judged:?}"
                    );
                    let blocks_step = &judged.steps[0];
                    assert!(blocks_step.value.is_some() && blocks_step.threshold.is_some(), "{judged:?}");
                    assert!(judged.steps.iter().all(|step| !step.text.is_empty()), "{judged:?}");
                    seen.insert(format!("{:?}", judged.verdict));
                }
            }
        }
        assert_eq!(
            seen.into_iter().collect::<Vec<_>>(),
            ["Improved", "Inconclusive", "Regressed", "Unchanged"]
        );
    }

    #[test]
    fn more_rows_ask_for_more() {
        let data = noisy(14, 0.05, 0.01, 5);
        let (one, many) = (judge(&data, &RULES, 1), judge(&data, &RULES, 40));
        let width = |judged: &Judged| judged.interval.map(|(low, high)| high - low).unwrap();
        assert!(width(&many) > width(&one));
        assert!(many.level > one.level);
        let smallest = one.minimum_detectable_effect.unwrap();
        assert!(smallest > 0.5 * width(&one) * 0.9 && smallest < width(&one) * 2.0, "{smallest}");
        // What is within the margin is never called a change, however little the data scatter.
        let still = judge(&noisy(60, 0.0, 0.0001, 5), &RULES, 1).minimum_detectable_effect.unwrap();
        assert!((0.02..0.021).contains(&still), "{still}");
        let names: Vec<&str> = one.steps.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names[0], "blocks");
        assert_eq!(names[5..], ["effect", "Student's interval", "signed-rank interval"]);
        let (low, high) = one.interval.unwrap();
        let (lower, upper) = (&one.steps[2], &one.steps[3]);
        assert!((lower.value.unwrap() - (low - 1.0) * 100.0).abs() < 1e-9, "{lower:?}");
        assert!((upper.value.unwrap() - (high - 1.0) * 100.0).abs() < 1e-9, "{upper:?}");
        assert!((upper.threshold.unwrap() - 2.0).abs() < 1e-9, "{upper:?}");
        assert_eq!(judge(&[], &RULES, 1).steps.len(), 1);
    }
}
