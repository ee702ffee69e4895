//! Tonight's run against the history of each of its series: who is a suspect, and against what it is to be measured again.
//!
//! The nights are fed to the screen in their order. It confirms nothing; see `confirm`.

use std::collections::{BTreeMap, BTreeSet};

use super::steps;
use crate::analysis::screen::{self, AcceptedShifts, Answer, Detail, Screen, Settings, Verdict};
use crate::model::decision::{Change, ChangeState, Decision, DecisionKind, change_id};
use crate::model::gate::{NotJudged, SeriesAnswer, SeriesOutcome, Waiver};
use crate::model::history::{HistoryPoint, Line};
use crate::model::ids::{Digest, RunId};
use crate::model::run::Run;
use crate::model::units::Timestamp;
use crate::stats::multiplicity::holm;

/// Nights before tonight from which the baseline of a second measurement is taken, where they are kept: a step that its first
/// nights hid is then still measured against the code before it.
pub const BASELINE_LAG: usize = 3;

/// Series that are measured again when the whole machine moved: the steadiest ones.
pub const REPRESENTATIVES: usize = 3;

/// Everything that is known before tonight's values are judged.
#[derive(Debug, Clone, Copy)]
pub struct Past<'a> {
    /// The run to be judged.
    pub run: &'a Run,
    /// Why it was put aside, if somebody did.
    pub quarantined: Option<&'a str>,
    /// The lines of its machine and configuration, tonight's points included.
    pub lines: &'a [Line],
    /// The runs that it may be judged with, oldest first.
    pub comparable: &'a [RunId],
    /// Changes seen so far.
    pub changes: &'a [Change],
    /// Decisions, oldest first.
    pub decisions: &'a [Decision],
    /// What time it is, for waivers.
    pub now: Timestamp,
}

/// A series to be measured again.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspect {
    /// Place of its outcome.
    pub place: usize,
    /// Name of the change that it may be.
    pub change: String,
    /// First run of the new level.
    pub first_run: RunId,
    /// Whether it was confirmed before and nobody decided about it.
    pub open: bool,
    /// Whether it stands for the whole machine.
    pub represents: bool,
    /// Runs whose executable may be the baseline, the best first, each with the digest of that executable.
    pub baselines: Vec<(RunId, Option<Digest>)>,
    /// The executable of tonight.
    pub executable: Option<Digest>,
}

/// What the screen says about a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// One outcome for each line that the run's machine and configuration have, in their order.
    pub outcomes: Vec<SeriesOutcome>,
    /// Why an outcome is not judged, by its place.
    pub not_judged: BTreeMap<usize, NotJudged>,
    /// What is to be measured again, the most unusual first.
    pub suspects: Vec<Suspect>,
    /// The common factor as a logarithm, when an event of the machine began tonight, and the series that it was seen in.
    pub machine: Option<(f64, u32)>,
    /// Share of innocent values that are suspects, upwards and downwards.
    pub levels: (f64, f64),
}

/// Judges tonight against history.
///
/// # Edge cases
/// A run that is not eligible, or was put aside, has every series *not judged*.
#[must_use]
pub fn look(past: &Past<'_>, settings: Settings) -> Look {
    let values: Vec<BTreeMap<&RunId, &HistoryPoint>> = past.lines.iter().map(usable).collect();
    let eligible = past.run.is_eligible() && past.quarantined.is_none();
    let mut look = Look {
        outcomes: Vec::new(),
        not_judged: BTreeMap::new(),
        suspects: Vec::new(),
        machine: None,
        levels: (settings.up, settings.down),
    };
    let (verdicts, details) = if eligible {
        let (night, details) = replay(past, &values, settings);
        let seen = details.iter().flatten().count();
        look.machine = night.machine.map(|factor| (factor, u32::try_from(seen).unwrap_or(u32::MAX)));
        (night.series, details)
    } else {
        (vec![NOTHING; past.lines.len()], vec![None; past.lines.len()])
    };
    let adjusted = adjusted(&verdicts);
    for (place, line) in past.lines.iter().enumerate() {
        let tonight = Tonight {
            past,
            line,
            point: values[place].get(&past.run.id).copied(),
            earlier: past.comparable.iter().filter_map(|run| values[place].get(run).copied()).collect(),
            verdict: verdicts[place],
            detail: details[place],
            adjusted: adjusted[place],
        };
        let why = tonight.not_judged(eligible);
        look.outcomes.push(tonight.outcome(why.as_ref()));
        if let Some(suspect) = tonight.suspect(place, &mut look.outcomes[place]) {
            look.suspects.push(suspect);
        }
        if let Some(why) = why {
            look.not_judged.insert(place, why);
        }
    }
    if look.machine.is_some() {
        represent(past, &values, &details, &mut look);
    }
    let p = |suspect: &Suspect| look.outcomes[suspect.place].p_value.unwrap_or(1.0);
    let mut order: Vec<(bool, bool, f64, usize)> = look
        .suspects
        .iter()
        .enumerate()
        .map(|(index, suspect)| (!suspect.represents, !suspect.open, p(suspect), index))
        .collect();
    order.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)).then(a.3.cmp(&b.3)));
    look.suspects = order.iter().map(|(.., index)| look.suspects[*index].clone()).collect();
    look
}

const NOTHING: Verdict = Verdict { answer: Answer::NotJudged, p_value: 1.0, change: 0.0 };

/// The points that may be judged with, by run.
fn usable(line: &Line) -> BTreeMap<&RunId, &HistoryPoint> {
    let points = line.history.points.iter();
    points.filter(|point| point.is_eligible()).map(|point| (&point.run, point)).collect()
}

/// Feeds every night to the screen, tonight's last.
fn replay(
    past: &Past<'_>,
    values: &[BTreeMap<&RunId, &HistoryPoint>],
    settings: Settings,
) -> (screen::Night, Vec<Option<Detail>>) {
    let mut screen = Screen::new(settings, AcceptedShifts::default());
    let begins = beginnings(past);
    for run in past.comparable {
        let night: Vec<Option<f64>> = values
            .iter()
            .zip(past.lines)
            .map(|(points, line)| {
                let point = points.get(run)?;
                (!repaired(past.changes, line, point.started)).then_some(point.value)
            })
            .collect();
        screen.night(0, &night);
        for place in begins.get(run).into_iter().flatten() {
            screen.accept(*place);
        }
    }
    let tonight: Vec<Option<f64>> =
        values.iter().map(|points| points.get(&past.run.id).map(|point| point.value)).collect();
    let night = screen.night(0, &tonight);
    let details = (0..values.len()).map(|place| screen.detail(place)).collect();
    (night, details)
}

/// Where new levels begin: accepted changes, and confirmed ones that nobody decided about.
fn beginnings<'a>(past: &Past<'a>) -> BTreeMap<&'a RunId, BTreeSet<usize>> {
    let mut begins: BTreeMap<&RunId, BTreeSet<usize>> = BTreeMap::new();
    for change in past.changes.iter().filter(|change| begins_a_level(change)) {
        for (place, line) in past.lines.iter().enumerate().filter(|(_, line)| belongs(change, line)) {
            if line.history.points.iter().any(|point| point.run == change.first_run) {
                begins.entry(&change.first_run).or_default().insert(place);
            }
        }
    }
    begins
}

fn begins_a_level(change: &Change) -> bool {
    change.state == ChangeState::Accepted || change.is_open()
}

/// Whether a change was seen in this line, perhaps under an earlier name.
#[must_use]
pub fn belongs(change: &Change, line: &Line) -> bool {
    let (key, of) = (&line.history.key, &change.series);
    let name = key.benchmark == of.benchmark || line.earlier_names.contains(&of.benchmark);
    name && (&key.metric, key.recipe, &key.machine, &key.config)
        == (&of.metric, of.recipe, &of.machine, &of.config)
}

/// Whether a night lies between a change and the decision that it was repaired.
fn repaired(changes: &[Change], line: &Line, started: Timestamp) -> bool {
    changes.iter().any(|change| {
        change.state == ChangeState::Fixed
            && belongs(change, line)
            && started >= change.first_started
            && change.decision.as_ref().is_some_and(|decision| started < decision.at)
    })
}

/// Holm's adjustment of the two-sided probabilities over everything that was judged.
fn adjusted(verdicts: &[Verdict]) -> Vec<Option<f64>> {
    let judged = |verdict: &Verdict| !matches!(verdict.answer, Answer::NotJudged | Answer::Watched);
    let raw: Vec<f64> = verdicts
        .iter()
        .filter(|verdict| judged(verdict))
        .map(|verdict| (2.0 * verdict.p_value).min(1.0))
        .collect();
    let mut adjusted = holm(&raw).unwrap_or_default().into_iter();
    verdicts.iter().map(|verdict| if judged(verdict) { adjusted.next() } else { None }).collect()
}

/// The last word on whether something does not count; an expired waiver is one as well.
#[must_use]
pub fn waiver_of(decisions: &[Decision], subjects: &[&str]) -> Option<Waiver> {
    let mut waivers = decisions
        .iter()
        .rev()
        .filter(|decision| decision.kind == DecisionKind::Waive)
        .filter(|decision| subjects.contains(&decision.subject.as_str()));
    let last = waivers.next()?;
    Some(Waiver { reason: last.reason.clone(), until: last.until? })
}

/// One series tonight.
struct Tonight<'a> {
    past: &'a Past<'a>,
    line: &'a Line,
    point: Option<&'a HistoryPoint>,
    earlier: Vec<&'a HistoryPoint>,
    verdict: Verdict,
    detail: Option<Detail>,
    adjusted: Option<f64>,
}

impl Tonight<'_> {
    fn not_judged(&self, eligible: bool) -> Option<NotJudged> {
        let history = self.earlier.len();
        Some(match self.verdict.answer {
            Answer::Quiet | Answer::Watched | Answer::Alert(_) => return None,
            Answer::NotJudged if self.past.quarantined.is_some() => NotJudged::Quarantined,
            Answer::NotJudged if !eligible => NotJudged::NotEligible,
            Answer::NotJudged if self.point.is_none() => NotJudged::NotMeasured,
            Answer::NotJudged if history == 0 && self.has_other_settings() => NotJudged::OtherSettings,
            Answer::NotJudged if history == 0 => NotJudged::New,
            Answer::NotJudged if history < screen::WARM_UP => NotJudged::ShortHistory {
                have: u32::try_from(history).unwrap_or(u32::MAX),
                need: u32::try_from(screen::WARM_UP).unwrap_or(u32::MAX),
            },
            Answer::NotJudged => NotJudged::ShortMachine,
        })
    }

    /// Whether the line has nights before tonight that may not be judged with for their settings.
    fn has_other_settings(&self) -> bool {
        let tonight = self.point.map(|point| (point.started, &point.run));
        self.line
            .history
            .points
            .iter()
            .any(|point| point.is_eligible() && Some((point.started, &point.run)) < tonight)
    }

    fn outcome(&self, why: Option<&NotJudged>) -> SeriesOutcome {
        let judged = why.is_none();
        let detail = self.detail.filter(|_| judged);
        let answer = match self.verdict.answer {
            Answer::NotJudged => SeriesAnswer::NotJudged,
            Answer::Quiet => SeriesAnswer::Quiet,
            Answer::Watched => SeriesAnswer::Watched,
            Answer::Alert(_) => SeriesAnswer::Inconclusive,
        };
        let key = &self.line.history.key;
        SeriesOutcome {
            series: key.clone(),
            earlier_names: self.line.earlier_names.clone(),
            answer,
            value: self.point.map(|point| point.value),
            expected: detail.map(|detail| expected(&detail)),
            ratio: detail.map(|detail| detail.change.exp()),
            p_value: detail.and_then(|detail| detail.p_value),
            adjusted_p: self.adjusted,
            history: u32::try_from(self.earlier.len()).unwrap_or(u32::MAX),
            change: None,
            confirmation: None,
            waiver: None,
            reason: steps::reason(answer, why, detail.as_ref(), self.adjusted),
            steps: match why {
                Some(why) => vec![steps::not_judged(why, self.earlier.len())],
                None => steps::screened(&self.line.history.key.metric, detail.as_ref(), self.adjusted),
            },
        }
    }

    /// What there is to measure again, if anything; notes the change in the outcome.
    fn suspect(&self, place: usize, outcome: &mut SeriesOutcome) -> Option<Suspect> {
        let point = self.point?;
        if !self.past.run.is_eligible() || self.past.quarantined.is_some() {
            return None;
        }
        let open = self.past.changes.iter().rev().find(|change| {
            change.is_open()
                && belongs(change, self.line)
                && change.first_run != self.past.run.id
                && self.past.comparable.contains(&change.first_run)
        });
        let (id, first_run) = match (open, self.verdict.answer) {
            (Some(change), _) => (change.id.clone(), change.first_run.clone()),
            (None, Answer::Alert(_)) => {
                (change_id(&self.line.history.key, &self.past.run.id), self.past.run.id.clone())
            }
            (None, _) => {
                self.elsewhere(outcome);
                return None;
            }
        };
        outcome.change = Some(id.clone());
        let name = outcome.series.benchmark.to_string();
        outcome.waiver = waiver_of(self.past.decisions, &[&id, &name]);
        if let Some(change) = open {
            // A worse night of the same change is no second one.
            outcome.answer = SeriesAnswer::Inconclusive;
            outcome.reason = steps::still_open(change);
            outcome.steps.push(steps::open_step(change));
        }
        if outcome.waiver.as_ref().is_some_and(|waiver| self.past.now < waiver.until) {
            return None;
        }
        Some(Suspect {
            place,
            change: id,
            open: open.is_some(),
            represents: false,
            baselines: self.baselines(&first_run),
            first_run,
            executable: point.executable,
        })
    }

    /// Says of a change that is open, and was confirmed in runs that this one may not be judged with, that nobody knows about it now.
    fn elsewhere(&self, outcome: &mut SeriesOutcome) {
        let open = self.past.changes.iter().rev().find(|change| {
            change.is_open()
                && belongs(change, self.line)
                && change.first_run != self.past.run.id
                && change.first_started <= self.past.run.started
        });
        let Some(change) = open else { return };
        outcome.change = Some(change.id.clone());
        let name = outcome.series.benchmark.to_string();
        outcome.waiver = waiver_of(self.past.decisions, &[&change.id, &name]);
        outcome.answer = SeriesAnswer::Unknown;
        outcome.reason = steps::open_elsewhere(change);
        outcome.steps.push(steps::open_step(change));
    }

    /// Runs of the segment before `first_run`: the one [`BASELINE_LAG`] nights back first, then newer ones, then older ones.
    fn baselines(&self, first_run: &RunId) -> Vec<(RunId, Option<Digest>)> {
        let before: Vec<&HistoryPoint> =
            self.earlier.iter().take_while(|point| point.run != *first_run).copied().collect();
        let begin = self
            .past
            .changes
            .iter()
            .filter(|change| begins_a_level(change) && belongs(change, self.line))
            .filter_map(|change| before.iter().position(|point| point.run == change.first_run))
            .max()
            .unwrap_or(0);
        let segment = &before[begin..];
        let split = segment.len().saturating_sub(BASELINE_LAG);
        segment[split..]
            .iter()
            .chain(segment[..split].iter().rev())
            .map(|point| (point.run.clone(), point.executable))
            .collect()
    }
}

/// Expected value in the unit of the series, tonight's common factor included where it was used.
fn expected(detail: &Detail) -> f64 {
    (detail.expected + if detail.cleaned { detail.common } else { 0.0 }).exp()
}

/// The steadiest series that are no suspects themselves stand for the machine.
fn represent(
    past: &Past<'_>,
    values: &[BTreeMap<&RunId, &HistoryPoint>],
    details: &[Option<Detail>],
    look: &mut Look,
) {
    let taken: BTreeSet<usize> = look.suspects.iter().map(|suspect| suspect.place).collect();
    let mut steadiest: Vec<(f64, usize)> = details
        .iter()
        .enumerate()
        .filter(|(place, _)| !taken.contains(place))
        .filter_map(|(place, detail)| Some((detail.as_ref()?.scale, place)))
        .collect();
    steadiest.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    for (_, place) in steadiest.into_iter().take(REPRESENTATIVES) {
        let line = &past.lines[place];
        let tonight = Tonight {
            past,
            line,
            point: values[place].get(&past.run.id).copied(),
            earlier: past.comparable.iter().filter_map(|run| values[place].get(run).copied()).collect(),
            verdict: NOTHING,
            detail: None,
            adjusted: None,
        };
        look.suspects.push(Suspect {
            place,
            change: change_id(&line.history.key, &past.run.id),
            first_run: past.run.id.clone(),
            open: false,
            represents: true,
            baselines: tonight.baselines(&past.run.id),
            executable: tonight.point.and_then(|point| point.executable),
        });
    }
}
