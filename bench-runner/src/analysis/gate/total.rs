//! All that a gate says, put together: findings, one for each cause, and what speaks for which exit code.

use std::collections::BTreeSet;

use super::confirm::NIGHT_ALPHA;
use super::history::{Look, waiver_of};
use super::steps;
use crate::analysis::screen::{self, HISTORY_ONLY};
use crate::analysis::words;
use crate::model::decision::{Decision, Evidence, Sighting};
use crate::model::finding::{Finding, Severity};
use crate::model::gate::{
    Census, GateOutcome, GateReport, GateVerdict, LayoutSpread, MachineShift, NotJudged, SeriesAnswer,
    SeriesOutcome, Signal, Waiver,
};
use crate::model::run::Run;
use crate::model::step::Step;
use crate::model::units::Timestamp;

/// Adjusted probability from which an open suspect counts.
pub const SERIOUS: f64 = 0.05;

/// What a report is made of.
#[derive(Debug)]
pub struct Parts<'a> {
    /// The run.
    pub run: &'a Run,
    /// Why it was put aside, if somebody did.
    pub quarantined: Option<&'a str>,
    /// Budgets judged.
    pub budgets: Vec<GateOutcome>,
    /// Series judged, suspects measured again.
    pub look: Look,
    /// Event of the machine, as measured again.
    pub machine: Option<MachineShift>,
    /// How much was judged.
    pub census: Census,
    /// What rebuilds do.
    pub layout: LayoutSpread,
    /// Decisions, oldest first.
    pub decisions: &'a [Decision],
    /// What time it is.
    pub now: Timestamp,
    /// Change that does not matter, as a fraction.
    pub margin: f64,
}

/// Puts everything together.
#[must_use]
pub fn conclude(parts: Parts<'_>) -> GateReport {
    let mut total = Total {
        now: parts.now,
        margin: parts.margin,
        event: parts.machine.is_some(),
        layout: parts.layout,
        findings: Vec::new(),
        signals: Vec::new(),
    };
    let multiplicity = multiplicity(&parts.look);
    if !parts.run.is_eligible() {
        total.signals.push(Signal::NotComparable);
    }
    total.put_aside(parts.quarantined);
    total.budgets(&parts.budgets, parts.decisions);
    let open = standing_changes(&parts.look);
    total.machine(parts.machine.as_ref(), &open);
    let standing: BTreeSet<usize> = parts
        .look
        .suspects
        .iter()
        .filter(|suspect| suspect.represents)
        .map(|suspect| suspect.place)
        .collect();
    let mut series = parts.look.outcomes;
    for (place, outcome) in series.iter_mut().enumerate() {
        // What stands for the machine and was confirmed with it has the machine's finding: one cause, one finding.
        let told = standing.contains(&place)
            && parts.machine.as_ref().is_some_and(|shift| shift.answer == outcome.answer);
        total.noise_floor(outcome);
        total.series(outcome, told);
        outcome.steps.push(steps::answer(outcome));
    }
    total.open_suspects(&series);
    total.census(&parts.census);
    let judged_budget = parts.budgets.iter().any(|budget| {
        matches!(budget.verdict, GateVerdict::Pass | GateVerdict::Fail | GateVerdict::Inconclusive)
    });
    if !judged_budget && parts.census.judged() == 0 {
        total.signals.push(Signal::NotComparable);
        total.finding(
            "nothing-judged",
            (Severity::Warning, ""),
            "no budget applies and no series has enough history".to_owned(),
            (
                "the gate says nothing about this run",
                "set budgets (`gate init` proposes some), or measure more nights",
            ),
        );
    }
    series.sort_by(|a, b| {
        (a.answer, a.p_value.unwrap_or(1.0))
            .partial_cmp(&(b.answer, b.p_value.unwrap_or(1.0)))
            .unwrap_or(std::cmp::Ordering::Equal)
            .then_with(|| a.series.cmp(&b.series))
    });
    total.signals.sort();
    total.signals.dedup();
    GateReport {
        run: parts.run.id.clone(),
        started: parts.run.started,
        budgets: parts.budgets,
        series,
        machine: parts.machine,
        census: parts.census,
        layout: parts.layout,
        multiplicity,
        findings: total.findings,
        signals: total.signals,
    }
}

/// How many tests were made at once, and how their error is kept.
fn multiplicity(look: &Look) -> String {
    let judged = look.outcomes.len() - look.not_judged.len();
    let (up, down) = look.levels;
    let share = |level: f64| format!("{} %", 100.0 * level);
    if look.levels == (HISTORY_ONLY.up, HISTORY_ONLY.down) {
        return format!(
            "{judged} series screened at {} upwards and {} downwards: {:.2} innocent suspects are to be expected in a night; none of them makes the gate fail",
            share(up),
            share(down),
            judged as f64 * (up + down)
        );
    }
    format!(
        "{judged} series screened at {} upwards and {} downwards; {} of them measured again, with a chance of {} for any false answer among all together",
        share(up),
        share(down),
        look.suspects.len(),
        share(NIGHT_ALPHA)
    )
}

/// What is to be remembered of this night: confirmed and refuted changes, and open ones that count.
#[must_use]
pub fn sightings(
    report: &GateReport,
    look: &[super::history::Suspect],
    margin: f64,
    at: Timestamp,
) -> Vec<Sighting> {
    let seen = report.series.iter().filter_map(|outcome| {
        let change = outcome.change.clone()?;
        let suspect = look.iter().find(|suspect| suspect.change == change)?;
        let evidence = match outcome.answer {
            SeriesAnswer::Regressed | SeriesAnswer::Improved => Evidence::Confirmed,
            SeriesAnswer::Refuted if suspect.open => Evidence::Refuted,
            SeriesAnswer::Inconclusive | SeriesAnswer::Unknown
                if !suspect.open && counts(outcome, margin) =>
            {
                Evidence::Suspect
            }
            _ => return None,
        };
        let measured = outcome.confirmation.as_ref();
        Some(Sighting {
            change,
            series: outcome.series.clone(),
            first_run: suspect.first_run.clone(),
            seen_run: report.run.clone(),
            evidence,
            ratio: measured.and_then(|again| again.ratio).or(outcome.ratio)?,
            experiment: measured.and_then(|again| again.experiment.clone()),
            at,
        })
    });
    seen.collect()
}

/// Whether an open suspect counts: unusual beyond the loose level at which suspects are looked for, confirmed earlier, or
/// measured again to be off by the margin. What is being watched counts while it is off by the margin.
fn counts(outcome: &SeriesOutcome, margin: f64) -> bool {
    let off = |ratio: f64| ratio.ln().abs() >= margin.ln_1p();
    if outcome.answer == SeriesAnswer::Watched {
        return outcome.ratio.is_some_and(off);
    }
    let unusual = outcome.p_value.is_some_and(|p| p <= HISTORY_ONLY.up)
        || outcome.adjusted_p.is_some_and(|p| p <= SERIOUS);
    let again = outcome.confirmation.as_ref().and_then(|again| again.ratio);
    let open = outcome.steps.iter().any(|step| step.name == steps::OPEN);
    outcome.answer == SeriesAnswer::Unknown || unusual || open || again.is_some_and(off)
}

/// Names of the changes that series standing for the machine were confirmed to have.
fn standing_changes(look: &Look) -> Vec<String> {
    let standing = look.suspects.iter().filter(|suspect| suspect.represents);
    standing.filter_map(|suspect| look.outcomes[suspect.place].change.clone()).collect()
}

struct Total {
    now: Timestamp,
    margin: f64,
    /// Whether the whole machine moved tonight: in a small suite all series are then being watched, for that one reason.
    event: bool,
    layout: LayoutSpread,
    findings: Vec<Finding>,
    signals: Vec<Signal>,
}

impl Total {
    fn finding(
        &mut self,
        code: &str,
        (severity, subject): (Severity, &str),
        evidence: String,
        (effect, remedy): (&str, &str),
    ) {
        self.findings.push(Finding {
            code: code.to_owned(),
            severity,
            subject: subject.to_owned(),
            evidence,
            effect: effect.to_owned(),
            remedy: remedy.to_owned(),
        });
    }

    fn counts(&self, outcome: &SeriesOutcome) -> bool {
        let of_event = self.event && outcome.answer == SeriesAnswer::Watched;
        !of_event && counts(outcome, self.margin)
    }

    /// Whether something is waived now; an expired waiver is said.
    fn waived(&mut self, subject: &str, waiver: Option<&Waiver>) -> bool {
        let Some(waiver) = waiver else { return false };
        let active = self.now < waiver.until;
        let evidence = format!("waived: {}", waiver.reason);
        if active {
            let words = ("it does not count for the gate", "decide before the waiver ends");
            self.finding("waived", (Severity::Info, subject), evidence, words);
        } else {
            let words = ("it counts for the gate again", "decide, or waive it anew with `gate waive`");
            self.finding("waiver-expired", (Severity::Warning, subject), evidence, words);
        }
        active
    }

    fn budgets(&mut self, budgets: &[GateOutcome], decisions: &[Decision]) {
        for budget in budgets {
            let signal = match budget.verdict {
                GateVerdict::Fail => Signal::Failed,
                GateVerdict::Missing => Signal::Coverage,
                GateVerdict::NotComparable => Signal::NotComparable,
                GateVerdict::Inconclusive => Signal::Inconclusive,
                GateVerdict::Pass | GateVerdict::NotApplicable => continue,
            };
            let waiver = waiver_of(decisions, &[&budget.budget.id]);
            if !self.waived(&budget.budget.id, waiver.as_ref()) {
                self.signals.push(signal);
            }
        }
    }

    /// A run that somebody put aside is not judged, whatever its budgets say.
    fn put_aside(&mut self, why: Option<&str>) {
        let Some(why) = why else { return };
        self.signals.push(Signal::NotComparable);
        let words = (
            "nothing is concluded from it: its budgets are shown and do not count as kept",
            "judge another run, or take it back with `bench-runner quarantine RUN --release --reason …`",
        );
        self.finding(
            "run-put-aside",
            (Severity::Warning, ""),
            format!("somebody put this run aside: {why}"),
            words,
        );
    }

    /// `open`: changes of the series that stand for the machine, as far as they were confirmed.
    fn machine(&mut self, shift: Option<&MachineShift>, open: &[String]) {
        let Some(shift) = shift else { return };
        let seen =
            format!("all {} series moved by {} together", shift.series, words::change(shift.ratio - 1.0));
        match shift.answer {
            SeriesAnswer::Regressed | SeriesAnswer::Improved => {
                let slower = shift.answer == SeriesAnswer::Regressed;
                self.signals.push(if slower { Signal::Failed } else { Signal::Improved });
                let decide = match open {
                    [] => String::new(),
                    some => {
                        format!(": `bench-runner changes accept|fix|noise {} --reason …`", some.join(" "))
                    }
                };
                self.finding("suite-shift", (Severity::Warning, ""), format!("{seen}; the steadiest of them, measured again in turns with an earlier executable, confirm it"), ("a change of all code at once: compiler, flags, a shared dependency; it stays open until somebody decides", &format!("compare the provenance of both runs, and revert or accept it{decide}")));
            }
            SeriesAnswer::Refuted => self.finding(
                "machine-shift",
                (Severity::Warning, ""),
                format!("{seen}; the steadiest of them do not differ from an earlier executable today"),
                (
                    "the machine moved, not the code: the common factor is taken out of every series",
                    "look at what changed on the machine; `doctor` names what it can see",
                ),
            ),
            _ => {
                self.signals.push(Signal::Inconclusive);
                self.finding("machine-shift", (Severity::Warning, ""), format!("{seen}; whether machine or code moved was not settled by measuring again"), ("the common factor is taken out of every series; a change of all code at once would hide in it", "judge it again with confirmation, or measure an earlier executable today"));
            }
        }
    }

    /// A confirmed change below the noise floor: its size is not to be believed, and on a machine that breaks the promise of the
    /// rule neither is the change.
    fn noise_floor(&mut self, outcome: &SeriesOutcome) {
        let floor = outcome.steps.iter().find(|step| step.name == steps::NOISE_FLOOR);
        let below = |step: &&Step| step.value.zip(step.threshold).is_some_and(|(size, least)| size < least);
        let (Some(step), Some(again)) = (floor.filter(below), &outcome.confirmation) else { return };
        let name = outcome.series.benchmark.to_string();
        let change = again.ratio.map_or_else(String::new, |ratio| words::change(ratio - 1.0));
        let evidence = format!("{change}, {}", step.text);
        if outcome.answer == SeriesAnswer::Inconclusive {
            let words = (
                "equal executables are told apart too often on this machine, so that so small a change is not credible: it is \
                 open instead of confirmed",
                "find out what disturbs the machine (`bench-runner doctor`), calibrate anew, and judge again",
            );
            self.finding("change-not-credible", (Severity::Warning, &name), evidence, words);
        } else {
            let words = (
                "that it changed is confirmed; how much is probably overstated, as of every change that is barely seen",
                "measure it with more blocks before quoting a number: `bench-runner experiment`",
            );
            self.finding("within-noise-floor", (Severity::Info, &name), evidence, words);
        }
    }

    /// `told`: what happened has a finding already.
    fn series(&mut self, outcome: &mut SeriesOutcome, told: bool) {
        let name = outcome.series.benchmark.to_string();
        let waiver = outcome.waiver.clone();
        let waived = outcome.change.is_some() && self.waived(&name, waiver.as_ref());
        let slower = match outcome.answer {
            SeriesAnswer::Regressed => true,
            SeriesAnswer::Improved => false,
            SeriesAnswer::Unknown | SeriesAnswer::Inconclusive | SeriesAnswer::Watched
                if !waived && self.counts(outcome) =>
            {
                self.signals.push(Signal::Inconclusive);
                return;
            }
            _ => return,
        };
        let ratio = outcome.confirmation.as_ref().and_then(|again| again.ratio).or(outcome.ratio);
        if let Some(ratio) = ratio {
            let step = steps::layout(ratio, &self.layout);
            let within = step.value.zip(step.threshold).is_some_and(|(size, limit)| size <= limit);
            if within {
                self.finding(
                    "within-layout-spread",
                    (Severity::Warning, &name),
                    format!("{}, {}", words::change(ratio - 1.0), step.text),
                    (
                        "the difference is real, and its cause may be the layout of the executable alone",
                        "rebuild with another layout, or compare instruction counts",
                    ),
                );
            }
            outcome.steps.push(step);
        }
        if waived {
            return;
        }
        self.signals.push(if slower { Signal::Failed } else { Signal::Improved });
        if told {
            return;
        }
        let id = outcome.change.clone().unwrap_or_default();
        let decide = format!("`bench-runner changes accept|fix|noise {id} --reason …` decides");
        let reason = outcome.reason.clone();
        if slower {
            let words = ("the gate fails", &*format!("mend it, or {decide}"));
            self.finding("regression-confirmed", (Severity::Warning, &name), reason, words);
        } else {
            let words = (
                "nothing fails; a benchmark that does less is fast as well",
                &*format!("see that it still does its work, or {decide}"),
            );
            self.finding("improvement-confirmed", (Severity::Info, &name), reason, words);
        }
    }

    /// One finding for all suspects that stayed open, and one for those that nothing speaks for.
    fn open_suspects(&mut self, series: &[SeriesOutcome]) {
        let now = self.now;
        let open = |outcome: &&SeriesOutcome| {
            let watched = outcome.answer == SeriesAnswer::Watched && self.counts(outcome);
            (watched || matches!(outcome.answer, SeriesAnswer::Inconclusive | SeriesAnswer::Unknown))
                && outcome.waiver.as_ref().is_none_or(|waiver| now >= waiver.until)
        };
        let (serious, loose): (Vec<_>, Vec<_>) =
            series.iter().filter(open).partition(|outcome| self.counts(outcome));
        if !serious.is_empty() {
            let words = (
                "whether they changed is not known: the gate is inconclusive",
                "let the gate measure again (without `--no-confirm`, with a larger `--confirm-budget`), or decide with `changes`",
            );
            self.finding("suspect-open", (Severity::Warning, ""), not_settled(&serious), words);
        }
        if !loose.is_empty() {
            let words = (
                "they are no more unusual than some series are in any night; they do not count",
                "none needed; a larger `--confirm-budget` settles them",
            );
            self.finding("suspect-weak", (Severity::Info, ""), not_settled(&loose), words);
        }
    }

    fn census(&mut self, census: &Census) {
        for row in census.vanished() {
            let name = row.benchmark.to_string();
            if self.waived(&name, row.waiver.as_ref()) {
                continue;
            }
            self.signals.push(Signal::Coverage);
            let before = census.reference.as_ref().map_or_else(String::new, ToString::to_string);
            self.finding(
                "benchmark-vanished",
                (Severity::Warning, &name),
                format!("run {before} has it, and this one does not"),
                (
                    "nobody judges it any more",
                    "bring it back; if it was renamed, `bench-runner alias OLD NEW`",
                ),
            );
        }
        let short = |row: &&crate::model::gate::CensusRow| {
            matches!(
                row.reason,
                Some(NotJudged::New | NotJudged::ShortHistory { .. } | NotJudged::ShortMachine)
            )
        };
        let young = census.rows.iter().filter(short).count();
        if young > 0 {
            self.finding("history-short", (Severity::Info, ""), format!(
                    "{young} of {} benchmarks have fewer than {} comparable earlier runs, or the machine too few residuals",
                    census.rows.len(),
                    screen::WARM_UP
                ), ("they are not judged against history yet", "measure more nights with the same settings"));
        }
    }
}

/// How many suspects, and which.
fn not_settled(outcomes: &[&SeriesOutcome]) -> String {
    let name = |outcome: &&SeriesOutcome| {
        let change =
            outcome.ratio.map_or_else(String::new, |ratio| format!(" ({})", words::change(ratio - 1.0)));
        format!("{}{change}: {}", outcome.series.benchmark, outcome.reason)
    };
    let names: Vec<String> = outcomes.iter().map(name).collect();
    format!("{} not settled: {}", words::count(names.len() as u64, "suspect"), words::list(&names, 3))
}
