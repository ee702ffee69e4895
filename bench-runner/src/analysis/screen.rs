//! A cheap look at tonight's results against history: which series are worth a second measurement?
//!
//! The error rate comes from the machine's own past residuals, not from a table of a distribution that the noise does
//! not follow. Nights are taken in one by one; nothing later than tonight can be used. It confirms nothing.

mod detail;
mod forecast;
mod segment;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

pub use detail::Detail;
pub use segment::{AcceptedShifts, Segmenter};

use crate::stats::tail::UpperTail;
use forecast::{Allowed, Choice, FORECASTERS, Forecast, LeaveOneOut, Memory, forecasts, scale_of};

/// Values that a series needs before it is judged.
pub const WARM_UP: usize = 30;

/// Residuals that the machine's pool needs before anything is judged.
pub const FEWEST_RESIDUALS: usize = 100;

/// Residuals of all series that the pool keeps, latest first.
pub const POOL: usize = 8000;

/// Own residuals kept for each series.
pub const OWN: usize = 200;

/// A series may alert only when at most this many times the level of its own residuals lie as far out: it protects a series
/// that is wilder than its neighbors.
pub const OWN_SLACK: f64 = 3.0;

/// Series that a night must have for a common factor to be taken out.
pub const FEWEST_COMMON: usize = 5;

/// Robust standard deviations at which the common factor is an event of the machine.
pub const MACHINE_EVENT: f64 = 5.0;

/// Nights that an alert, or an event of the machine, is watched before it is believed or closed.
pub const WATCHED: usize = 3;

/// Which way a value went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Larger than expected; of a time, slower.
    Up,
    /// Smaller than expected.
    Down,
}

/// The answer for one series and night.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Too little history, no value tonight, or a value that has no logarithm.
    NotJudged,
    /// Nothing unusual.
    Quiet,
    /// An earlier alert is being watched; no second one is given. Or all series of a small suite moved as one, which is one event of
    /// the machine.
    Watched,
    /// Unusual at the level asked for.
    Alert(Direction),
}

/// Everything said about one series and night.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// The answer.
    pub answer: Answer,
    /// One-sided probability of a residual this far out, from the pool; 1 when not judged.
    pub p_value: f64,
    /// Natural logarithm of the value over what was expected, the common factor taken out where it was used.
    pub change: f64,
}

/// Everything said about one night.
#[derive(Debug, Clone, PartialEq)]
pub struct Night {
    /// One verdict a series, in the order given.
    pub series: Vec<Verdict>,
    /// The common factor, as a logarithm, when the whole machine moved tonight: one event, however many series it moved.
    pub machine: Option<f64>,
    /// While an event of the machine lasts, the night that it began among them: tonight's common factor, as a logarithm, and how many
    /// nights of it were seen, tonight included. In suites too small for a common factor there is none.
    pub lasting: Option<(f64, usize)>,
}

/// What becomes of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// Nothing by itself: a confirmation or a person calls [`Screen::accept`].
    ByHand,
    /// It is watched for [`WATCHED`] nights. When the median of those is nearer to the alert than to what had been expected, a new
    /// level begins with the alert; otherwise it was an outlier and belongs to the noise.
    Persisting,
}

/// What the screen is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Share of innocent values that may alert upwards.
    pub up: f64,
    /// Share of innocent values that may alert downwards.
    pub down: f64,
    /// What becomes of an alert.
    pub acceptance: Acceptance,
}

/// The screen before a confirmation: loose upwards, because a suspect costs seconds and a miss costs a night.
pub const SUSPECTS: Settings = Settings { up: 0.1, down: 0.01, acceptance: Acceptance::ByHand };

/// The screen where nothing can be measured again: one innocent value in a thousand alerts, both directions together.
pub const HISTORY_ONLY: Settings = Settings { up: 5e-4, down: 5e-4, acceptance: Acceptance::Persisting };

/// The screen of one machine.
#[derive(Debug, Clone)]
pub struct Screen<S> {
    settings: Settings,
    segmenter: S,
    series: Vec<Series>,
    groups: BTreeMap<usize, Group>,
    pool: Pool,
    pending: Vec<(usize, f64)>,
    details: Vec<Option<Detail>>,
}

/// What is kept of one series.
#[derive(Debug, Clone, Default)]
struct Series {
    values: Vec<f64>,
    memory: Memory,
    own: VecDeque<f64>,
    watched: Option<Watched>,
}

/// An alert that waits for its next nights.
#[derive(Debug, Clone, Copy)]
struct Watched {
    index: usize,
    expected: f64,
    residual: f64,
}

/// What is kept of the series that are measured together.
#[derive(Debug, Clone, Default)]
struct Group {
    factors: VecDeque<f64>,
    offset: f64,
    event: Option<Vec<f64>>,
}

/// The machine's residuals.
#[derive(Debug, Clone, Default)]
struct Pool {
    recent: VecDeque<f64>,
    new: usize,
    tails: Option<(UpperTail, UpperTail)>,
}

/// One series tonight, before it is judged.
struct Tonight {
    index: usize,
    value: f64,
    forecasts: [Forecast; FORECASTERS],
    common: f64,
    choice: Option<Choice>,
}

impl<S: Segmenter> Screen<S> {
    /// Starts without history.
    #[must_use]
    pub fn new(settings: Settings, segmenter: S) -> Self {
        Self {
            settings,
            segmenter,
            series: Vec::new(),
            groups: BTreeMap::new(),
            pool: Pool::default(),
            pending: Vec::new(),
            details: Vec::new(),
        }
    }

    /// Takes one night: a value, or none, for each series, in an order that stays; `group` names what is measured together and
    /// may share a common factor.
    ///
    /// # Edge cases
    /// Values that are not above zero or not finite are not judged and not kept.
    pub fn night(&mut self, group: usize, values: &[Option<f64>]) -> Night {
        self.settle();
        self.series.resize_with(self.series.len().max(values.len()), Series::default);
        let mut state = self.groups.remove(&group).unwrap_or_default();
        let mut tonight = self.expect(values, state.offset);
        let seen_before = state.event.as_ref().map_or(0, Vec::len);
        let event = self.take_out_common(&mut state, &mut tonight);
        let seen = state.event.as_ref().filter(|event| event.len() > seen_before);
        let lasting = seen.and_then(|event| Some((*event.last()?, event.len())));
        let mut verdicts =
            vec![Verdict { answer: Answer::NotJudged, p_value: 1.0, change: 0.0 }; values.len()];
        self.details = vec![None; values.len()];
        for one in &tonight {
            verdicts[one.index] = self.judge(one);
        }
        let machine = event.or_else(|| self.moved_as_one(&tonight, &mut verdicts));
        for one in &tonight {
            // While the whole machine is off, its factor is not part of any series' level.
            let kept = if state.event.is_some() { one.value - one.common } else { one.value };
            let start = self.segmenter.start(one.index, &self.series[one.index].values);
            let series = &mut self.series[one.index];
            series.memory.learn(one.value, one.common, &one.forecasts);
            series.values.push(kept);
            series.memory.refresh(&series.values[start.min(series.values.len())..]);
        }
        self.begin(values, &tonight, state.offset);
        state.close_when_seen_enough();
        self.groups.insert(group, state);
        self.watch(&verdicts);
        Night { series: verdicts, machine, lasting }
    }

    /// Notes that tonight's value of `series` begins a new level, which is then no alert again and no part of the noise.
    pub fn accept(&mut self, series: usize) {
        if let Some(last) = self.series.get(series).and_then(|series| series.values.len().checked_sub(1)) {
            self.segmenter.accept(series, last);
            self.series[series].watched = None;
            self.pending.retain(|(owner, _)| *owner != series);
        }
    }

    /// How the verdict on `series` of the last night came about; none without a forecast.
    #[must_use]
    pub fn detail(&self, series: usize) -> Option<Detail> {
        self.details.get(series).copied().flatten()
    }

    /// What was left open last night and was not accepted since belongs to the noise.
    fn settle(&mut self) {
        for (series, residual) in std::mem::take(&mut self.pending) {
            self.learn_residual(series, residual);
        }
        self.pool.refit();
    }

    fn learn_residual(&mut self, series: usize, residual: f64) {
        self.pool.push(residual);
        let own = &mut self.series[series].own;
        if own.len() == OWN {
            own.pop_front();
        }
        own.push_back(residual);
    }

    /// The forecasts of every series that has a value tonight and a past.
    fn expect(&self, values: &[Option<f64>], offset: f64) -> Vec<Tonight> {
        let present =
            values.iter().enumerate().filter_map(|(index, value)| Some((index, logarithm(*value)? - offset)));
        present
            .filter_map(|(index, value)| {
                let series = &self.series[index];
                let start = self.segmenter.start(index, &series.values);
                let forecasts = forecasts(&series.values[start..], series.memory.coefficient())?;
                Some(Tonight {
                    index,
                    value,
                    forecasts,
                    common: 0.0,
                    choice: series.memory.choose(Allowed::Plain),
                })
            })
            .collect()
    }

    /// The first value of a series has nothing to be compared with.
    fn begin(&mut self, values: &[Option<f64>], tonight: &[Tonight], offset: f64) {
        let mut seen = tonight.iter().map(|one| one.index).peekable();
        for (index, value) in values.iter().enumerate() {
            if seen.next_if_eq(&index).is_none()
                && let Some(value) = logarithm(*value)
            {
                self.series[index].values.push(value - offset);
            }
        }
    }

    /// Finds what all series share tonight, each without its own contribution, and whether the machine moved.
    fn take_out_common(&self, group: &mut Group, tonight: &mut [Tonight]) -> Option<f64> {
        let mut residuals: Vec<(f64, f64, usize)> = tonight
            .iter()
            .filter_map(|one| {
                let choice = one.choice?;
                let residual = one.value - one.forecasts[choice.forecaster].value;
                Some((residual, 1.0 / choice.scale, one.index))
            })
            .collect();
        if residuals.len() < FEWEST_COMMON {
            return None;
        }
        residuals.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let medians = LeaveOneOut::new(&residuals);
        let mut places = vec![None; self.series.len()];
        for (place, (.., owner)) in residuals.iter().enumerate() {
            places[*owner] = Some(place);
        }
        for one in tonight.iter_mut() {
            let common = places[one.index].map_or_else(|| medians.whole(), |place| medians.without(place));
            one.common = common.unwrap_or(0.0);
        }
        let started = group.learn(medians.whole()?);
        let allowed = if group.event.is_some() { Allowed::Cleaned } else { Allowed::Both };
        for one in tonight.iter_mut() {
            one.choice = self.series[one.index].memory.choose(allowed);
        }
        started
    }

    fn judge(&mut self, one: &Tonight) -> Verdict {
        let quiet = Verdict { answer: Answer::NotJudged, p_value: 1.0, change: 0.0 };
        let Some(choice) = one.choice else { return quiet };
        let forecast = one.forecasts[choice.forecaster];
        let common = if choice.cleaned { one.common } else { 0.0 };
        let series = &self.series[one.index];
        let watched = series.watched.is_some();
        // The forecasts follow the watched level; what was expected before it tells whether it is still there.
        let expected = series.watched.map_or(forecast.value, |watched| watched.expected);
        let change = one.value - common - expected;
        let residual = change / (choice.scale * forecast.inflation);
        let judged =
            (!watched && series.values.len() >= WARM_UP).then(|| self.pool.p_value(residual)).flatten();
        let (direction, level) = if change > 0.0 {
            (Direction::Up, self.settings.up)
        } else {
            (Direction::Down, self.settings.down)
        };
        let own = as_far_out(&series.own, residual);
        let allowed = OWN_SLACK * level * series.own.len() as f64;
        let alert = judged.is_some_and(|p| p <= level) && own as f64 <= allowed;
        self.details[one.index] = Some(Detail {
            expected,
            forecaster: forecast::name(choice.forecaster),
            history: series.values.len(),
            segment: series.values.len() - self.segmenter.start(one.index, &series.values),
            common: one.common,
            cleaned: choice.cleaned,
            change,
            scale: choice.scale * forecast.inflation,
            residual,
            p_value: judged,
            level,
            own,
            allowed,
            pool: self.pool.recent.len(),
        });
        if watched {
            return Verdict { answer: Answer::Watched, change, ..quiet };
        }
        if alert && self.settings.acceptance == Acceptance::Persisting {
            let watched = Watched { index: series.values.len(), expected: forecast.value, residual };
            self.series[one.index].watched = Some(watched);
        } else {
            self.pending.push((one.index, residual));
        }
        let answer = match (alert, judged) {
            (true, _) => Answer::Alert(direction),
            (false, Some(_)) => Answer::Quiet,
            (false, None) => Answer::NotJudged,
        };
        Verdict { answer, p_value: judged.unwrap_or(1.0), change }
    }

    /// In a suite too small for a common factor: when every series gives an alert in the same direction, that has one cause and is one
    /// event, with the median of their changes. Where suspects are measured again, each is worth its measurement.
    fn moved_as_one(&self, tonight: &[Tonight], verdicts: &mut [Verdict]) -> Option<f64> {
        let small = (2..FEWEST_COMMON).contains(&tonight.len());
        let first = verdicts[tonight.first()?.index].answer;
        let one = matches!(first, Answer::Alert(_))
            && tonight.iter().all(|series| verdicts[series.index].answer == first);
        if !small || !one || self.settings.acceptance != Acceptance::Persisting {
            return None;
        }
        for series in tonight {
            verdicts[series.index].answer = Answer::Watched;
        }
        let changes: Vec<f64> = tonight.iter().map(|series| verdicts[series.index].change).collect();
        crate::stats::order::median(&changes)
    }

    /// Believes or closes the alerts that were watched long enough.
    fn watch(&mut self, verdicts: &[Verdict]) {
        for index in (0..verdicts.len()).filter(|index| verdicts[*index].answer == Answer::Watched) {
            let series = &mut self.series[index];
            let Some(watched) = series.watched else { continue };
            let later = &series.values[watched.index + 1..];
            if later.len() < WATCHED {
                continue;
            }
            series.watched = None;
            let now = crate::stats::order::median(later).unwrap_or(watched.expected);
            let alert = series.values[watched.index];
            if (now - alert).abs() < (now - watched.expected).abs() {
                self.segmenter.accept(index, watched.index);
            } else {
                self.learn_residual(index, watched.residual);
            }
        }
    }
}

/// How many of the series' own residuals lie as far out in the same direction.
fn as_far_out(own: &VecDeque<f64>, residual: f64) -> usize {
    own.iter().filter(|past| if residual > 0.0 { **past >= residual } else { **past <= residual }).count()
}

fn logarithm(value: Option<f64>) -> Option<f64> {
    value.filter(|value| *value > 0.0 && value.is_finite()).map(f64::ln)
}

impl Group {
    /// Notes tonight's factor, and returns it when an event of the machine starts with it.
    fn learn(&mut self, factor: f64) -> Option<f64> {
        if let Some(event) = &mut self.event {
            event.push(factor);
            return None;
        }
        let enough = self.factors.len() >= WARM_UP;
        let scale = scale_of(&self.factors).unwrap_or(0.0).max(1e-4);
        if enough && factor.abs() > MACHINE_EVENT * scale {
            self.event = Some(vec![factor]);
            return Some(factor);
        }
        if self.factors.len() == forecast::ERRORS_KEPT {
            self.factors.pop_front();
        }
        self.factors.push_back(factor);
        None
    }

    /// An event that lasts moves the level of the whole group; one that passed leaves no trace.
    fn close_when_seen_enough(&mut self) {
        let Some(event) = self.event.take_if(|event| event.len() > WATCHED) else { return };
        let (first, later) = (event[0], crate::stats::order::median(&event[1..]).unwrap_or(0.0));
        if (later - first).abs() < later.abs() {
            self.offset += crate::stats::order::median(&event).unwrap_or(0.0);
        }
    }
}

impl Pool {
    fn push(&mut self, residual: f64) {
        if self.recent.len() == POOL {
            self.recent.pop_front();
        }
        self.recent.push_back(residual);
        self.new += 1;
    }

    /// Fits the tails anew when the pool grew by a tenth.
    fn refit(&mut self) {
        if self.recent.len() < FEWEST_RESIDUALS || self.new * 10 < self.recent.len() {
            return;
        }
        let up: Vec<f64> = self.recent.iter().copied().collect();
        let down: Vec<f64> = up.iter().map(|residual| -residual).collect();
        self.tails = UpperTail::new(&up).zip(UpperTail::new(&down));
        self.new = 0;
    }

    fn p_value(&self, residual: f64) -> Option<f64> {
        let (up, down) = self.tails.as_ref()?;
        Some(if residual > 0.0 { up.p_value(residual) } else { down.p_value(-residual) })
    }
}
