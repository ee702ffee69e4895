//! The decision table: from evidence to a label. Pure, small, and the only place where labels are given.
//!
//! The rules are numbered as in `docs/explain.md` and tried in that order; the first that applies decides.

use crate::model::explain::{Cause, Sameness};

/// How the series moved together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pattern {
    /// Too few series to tell.
    Few,
    /// Some moved, a good part stayed: nothing that acts on the whole machine.
    Selective,
    /// All moved by about one factor; `own` of them moved besides by an amount of their own.
    Common {
        /// Natural logarithm of the factor.
        log: f64,
        /// Series that moved beyond it.
        own: u32,
    },
    /// Nearly all moved, by amounts that have nothing in common.
    Scattered,
}

/// What a replay says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replayed {
    /// Old and new executable differ today.
    pub executables: bool,
    /// The old executable is not what it was.
    pub machine: bool,
}

/// Everything that the decision rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// Whether any series could be judged.
    pub judged: bool,
    /// Whether any series that is asked about moved.
    pub moved: bool,
    /// Whether the executables of those that moved are the same: `Same` only if all are.
    pub executable: Sameness,
    /// Whether the source is the same.
    pub code: Sameness,
    /// Whether compiler, flags, profile, features and locked dependencies are the same.
    pub toolchain: Sameness,
    /// Whether it was measured in the same way.
    pub protocol: Sameness,
    /// How the series moved together.
    pub pattern: Pattern,
    /// Least absolute natural logarithm of the ratios of the series that moved; 0 when none did.
    pub least: f64,
    /// Clock by the canary, second run over first.
    pub clock: Option<f64>,
    /// Contention by the canary, second over first; below 1 is more contended.
    pub contention: Option<f64>,
    /// CPU seconds per wall second of the launches, second over first.
    pub cpu_share: Option<f64>,
    /// Facts of the machine changed that clock, contention or CPU share would show.
    pub visible: bool,
    /// Facts of the machine changed that nothing of ours would show.
    pub invisible: bool,
    /// What a replay says; `None` without one, or when it could not tell.
    pub replay: Option<Replayed>,
    /// Change that does not matter, as a fraction.
    pub margin: f64,
}

/// The outcome of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// The label.
    pub cause: Cause,
    /// Which rule gave it.
    pub rule: u32,
    /// Why, in one line.
    pub why: String,
    /// What would settle it; empty when nothing is open.
    pub next: &'static str,
}

const REPLAY: &str = "`explain --replay` measures the kept old executable beside the new one";
const MEASURE: &str = "measure again: `run`, then `explain` with the new run";

fn ruling(rule: u32, cause: Cause, why: &str, next: &'static str) -> Ruling {
    Ruling { cause, rule, why: why.to_owned(), next }
}

/// Gives the label.
#[must_use]
pub fn decide(evidence: &Evidence) -> Ruling {
    if !evidence.judged {
        return ruling(1, Cause::Unknown, "no series has two launches on each side to judge by", MEASURE);
    }
    if !evidence.moved {
        return ruling(2, Cause::NoShift, "nothing moved beyond the margin and beyond doubt", "");
    }
    if let Some(replayed) = evidence.replay.filter(|_| evidence.executable != Sameness::Same)
        && let Some(found) = by_replay(evidence, replayed)
    {
        return found;
    }
    if evidence.executable == Sameness::Same {
        return same_executable(evidence);
    }
    let machine = machine(evidence);
    match (machine, evidence.pattern) {
        (Machine::Explains, Pattern::Common { own: 0, .. }) if evidence.protocol != Sameness::Different => {
            ruling(
                9,
                Cause::Environment,
                "all series moved by one factor, and the machine explains it: the new executable does not",
                "",
            )
        }
        (Machine::Explains, _) => ruling(
            10,
            Cause::Mixed,
            "the machine changed and moved everything, and some series moved by an amount of their own",
            REPLAY,
        ),
        (Machine::Excluded, _) => by_difference(evidence),
        (Machine::Possible, _) => possible(evidence),
        (Machine::Unread, _) => ruling(
            16,
            Cause::Unknown,
            "all that moved could be the machine as well as the code: clock or neighbours were not read in both runs",
            REPLAY,
        ),
    }
}

/// Rules 3 to 5: the old executable was measured beside the new one.
fn by_replay(evidence: &Evidence, replayed: Replayed) -> Option<Ruling> {
    match (replayed.executables, replayed.machine) {
        (true, true) => Some(ruling(
            3,
            Cause::Mixed,
            "replay: the executables differ today, and the old one is not what it was either",
            "",
        )),
        (false, true) => Some(ruling(
            4,
            Cause::Environment,
            "replay: the old executable moved too, and today both are alike",
            "",
        )),
        (true, false) => {
            let cause = match (evidence.code, evidence.toolchain) {
                (Sameness::Different, Sameness::Different) => Cause::Mixed,
                (Sameness::Same, Sameness::Different) => Cause::Toolchain,
                (Sameness::Unknown, Sameness::Different) | (_, Sameness::Unknown) => Cause::Unknown,
                (_, Sameness::Same) => Cause::Code,
            };
            let why = "replay: the old executable is what it was, and the new one differs from it today";
            Some(ruling(5, cause, why, if cause == Cause::Mixed { REBUILD } else { "" }))
        }
        (false, false) => None,
    }
}

const REBUILD: &str = "build the old source with the new toolchain and compare, to tell the two apart";

/// Rules 6 to 8: the code did not change, so that it cannot be the cause.
fn same_executable(evidence: &Evidence) -> Ruling {
    let machine = evidence.visible || evidence.invisible || canaries_moved(evidence);
    match (evidence.protocol, machine) {
        (Sameness::Different, true) => ruling(
            6,
            Cause::Mixed,
            "the same executable, measured otherwise and on a changed machine",
            "measure again with the old settings",
        ),
        (Sameness::Different, false) => {
            ruling(7, Cause::Protocol, "the same executable on the same machine, measured otherwise", "")
        }
        (_, true) => {
            ruling(8, Cause::Environment, "the same executable, measured alike on a changed machine", "")
        }
        (Sameness::Unknown, false) => ruling(
            16,
            Cause::Unknown,
            "the same executable, but how it was measured is not known for both runs",
            MEASURE,
        ),
        (Sameness::Same, false) => ruling(
            8,
            Cause::Environment,
            "the same executable, measured alike: the machine is what is left, though no fact of it changed",
            MEASURE,
        ),
    }
}

/// What the machine has to do with it, when the executable changed or is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Machine {
    /// Its change fits the shift in kind and size.
    Explains,
    /// It did not change, or the pattern rules it out.
    Excluded,
    /// It changed, and may have to do with it.
    Possible,
    /// Nobody looked.
    Unread,
}

fn machine(evidence: &Evidence) -> Machine {
    let all_read = evidence.clock.is_some() && evidence.contention.is_some();
    let quiet = all_read && !canaries_moved(evidence);
    match evidence.pattern {
        Pattern::Selective => Machine::Excluded,
        _ if all_read && !evidence.invisible && dwarfed(evidence) => Machine::Excluded,
        Pattern::Common { log, .. } if fits(evidence, log) || (evidence.visible && !all_read) => {
            Machine::Explains
        }
        _ if canaries_moved(evidence) || evidence.invisible => Machine::Possible,
        _ if quiet => Machine::Excluded,
        _ if evidence.visible => Machine::Possible,
        _ => Machine::Unread,
    }
}

/// Whether all that moved moved by far more than the machine can account for: all its changes together are less than a quarter
/// of the least shift. A doubled time is not the work of neighbours who take 6 %.
fn dwarfed(evidence: &Evidence) -> bool {
    let size = |ratio: Option<f64>| ratio.map_or(0.0, |ratio| ratio.ln().abs());
    let reach = size(evidence.clock) + size(evidence.contention) + size(evidence.cpu_share);
    evidence.moved && reach < super::SPREAD * evidence.least
}

/// Whether clock, contention or CPU share changed.
fn canaries_moved(evidence: &Evidence) -> bool {
    let beyond =
        |ratio: Option<f64>, limit: f64| ratio.is_some_and(|ratio| ratio.ln().abs() >= limit.ln_1p());
    beyond(evidence.clock, super::CLOCK)
        || beyond(evidence.contention, super::CONTENTION)
        || beyond(evidence.cpu_share, super::CONTENTION)
}

/// Whether what the canaries show fits a common factor: the clock in size, neighbours in direction.
fn fits(evidence: &Evidence, log: f64) -> bool {
    let tolerance = (super::SPREAD * log.abs()).max(evidence.margin);
    let clock = evidence.clock.map_or(0.0, |ratio| -ratio.ln());
    let by_clock = clock.abs() >= super::CLOCK.ln_1p() && (log - clock).abs() <= tolerance;
    let pushes = |ratio: Option<f64>| {
        // What the clock does not explain must have the sign of what neighbours do.
        ratio.is_some_and(|ratio| {
            ratio.ln().abs() >= super::CONTENTION.ln_1p() && (log - clock) * -ratio.ln() > 0.0
        })
    };
    by_clock || pushes(evidence.contention) || pushes(evidence.cpu_share)
}

/// Rules 11 to 14: the machine is out; what else differs?
fn by_difference(evidence: &Evidence) -> Ruling {
    let differs = |sameness| sameness == Sameness::Different;
    if evidence.executable == Sameness::Unknown {
        return ruling(
            11,
            Cause::Unknown,
            "the machine did not do it, but the executables are not known in both runs",
            MEASURE,
        );
    }
    let mut causes = Vec::new();
    for (sameness, cause) in [
        (evidence.code, Cause::Code),
        (evidence.toolchain, Cause::Toolchain),
        (evidence.protocol, Cause::Protocol),
    ] {
        if differs(sameness) {
            causes.push(cause);
        }
    }
    let unread = [evidence.code, evidence.toolchain, evidence.protocol].contains(&Sameness::Unknown);
    match causes.as_slice() {
        [one] if !unread => ruling(
            12,
            *one,
            "the executable changed, the machine did not or by far too little, and this is what differs",
            "",
        ),
        [_, _, ..] => ruling(
            13,
            Cause::Mixed,
            "the executable changed, the machine did not or by far too little, and more than one thing differs",
            REBUILD,
        ),
        [] if evidence.code == Sameness::Unknown
            && evidence.toolchain == Sameness::Same
            && evidence.protocol == Sameness::Same =>
        {
            ruling(12, Cause::Code, "the executable changed with the same toolchain: the source differs", "")
        }
        _ => ruling(
            14,
            Cause::Unknown,
            "the executables differ, and the records of source and build do not say why",
            "build both commits from clean trees",
        ),
    }
}

/// Rules 15: the machine changed in a way that may or may not have to do with it.
fn possible(evidence: &Evidence) -> Ruling {
    let differs = [evidence.code, evidence.toolchain, evidence.protocol].contains(&Sameness::Different);
    if evidence.executable == Sameness::Unknown && !differs {
        return ruling(
            16,
            Cause::Unknown,
            "the machine changed, and the executables are not known in both runs",
            REPLAY,
        );
    }
    ruling(
        15,
        Cause::Mixed,
        "the executable and the machine both changed, and the pattern does not tell which moved what",
        REPLAY,
    )
}
