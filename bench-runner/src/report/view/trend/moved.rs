//! What moved, as a table of the trend: size, nights, levels, since when, between which commits, and what it is put down to.

use super::super::sparkline::{per_character, sparkline, thinned};
use super::super::table::{Cell, Kind, Table};
use super::super::words::{code, list};
use super::{Telling, short};
use crate::model::decision::ChangeState;
use crate::model::explain::StepCause;
use crate::model::trend::{KnownBy, Moved, TrendChange};
use crate::report::format::{Dialect, Scale, day};

/// Benchmarks of one change that are named in its row; more of them stand below the table.
const NAMED: usize = 2;

impl Telling<'_> {
    /// The table of one list.
    pub(super) fn changes(&self, caption: &str, changes: &[TrendChange]) -> Table {
        let mut table = Table::new(
            caption,
            &[
                // In the order of asking: a narrow terminal loses the last ones first.
                ("benchmark", Kind::Text),
                ("change [95 %]", Kind::Number),
                ("since", Kind::Text),
                ("machine", Kind::Text),
                ("commits", Kind::Text),
                ("level", Kind::Number),
                ("nights", Kind::Text),
                ("runs", Kind::Number),
                ("cause", Kind::Text),
                ("state", Kind::Text),
            ],
        );
        for change in changes {
            let tone = match (change.state, change.ratio > 1.0) {
                (ChangeState::New, true) => "regressed",
                (ChangeState::New, false) => "improved",
                _ => "",
            };
            let Some(lead) = change.members.first() else { continue };
            table.rows.push(vec![
                Cell::plain(self.names(change)),
                Cell::toned(self.size(change), tone),
                Cell::plain(format!("{} ({})", day(change.since), change.first.short())),
                Cell::plain(self.machine(change.machine)),
                Cell::plain(between(&change.commits)),
                Cell::plain(self.levels(lead)),
                Cell::plain(sparkline(&thinned(&lead.values), self.dialect)),
                Cell::plain(change.runs.to_string()),
                Cell::plain(cause(change.cause.as_ref())),
                Cell::plain(state(change)),
            ]);
        }
        if !changes.is_empty() {
            table.note = format!(
                "{}, the newest last, {} where nothing was measured; the height begins at the lowest value, not at 0. Levels are \
                 medians per iteration of the first benchmark named; intervals hold for one change alone.",
                self.each(),
                if self.dialect == Dialect::Ascii { "`.`" } else { "`·`" }
            );
        }
        table
    }

    /// Old and new level in one unit.
    pub(in crate::report) fn levels(&self, one: &Moved) -> String {
        let scale = Scale::metric(self.dialect, &one.metric, [one.before, one.after]);
        let arrow = if self.dialect == Dialect::Ascii { "->" } else { "→" };
        format!("{} {arrow} {}", scale.number(one.before, None), scale.show(one.after, None))
    }

    /// The benchmarks of a change: the first ones by name, the rest counted.
    pub(in crate::report) fn names(&self, change: &TrendChange) -> String {
        let mut names: Vec<String> =
            change.members.iter().take(NAMED).map(|one| code(&one.benchmark.to_string())).collect();
        if change.members.len() > NAMED {
            names.push(format!("{} more", change.members.len() - NAMED));
        }
        list(&names)
    }

    /// What one character of a line of nights stands for.
    fn each(&self) -> String {
        match per_character(self.report.nights as usize) {
            1 => "One character a night".to_owned(),
            nights => format!("One character for {nights} nights, their median"),
        }
    }

    /// Below a table: all names of changes that are too many for their row, and what each change is put down to.
    pub(super) fn lines(&self, changes: &[TrendChange]) -> Vec<String> {
        let names = |change: &TrendChange| -> String {
            let names: Vec<String> =
                change.members.iter().map(|one| code(&one.benchmark.to_string())).collect();
            self.some(&names)
        };
        let many = changes.iter().filter(|change| change.members.len() > NAMED);
        let mut lines: Vec<String> = many
            .map(|change| {
                let count = change.members.len();
                format!("{count} moved together since {}: {}", day(change.since), names(change))
            })
            .collect();
        // Changes for which the same is known share a line.
        let mut known: Vec<(String, Vec<String>)> = Vec::new();
        for change in changes {
            let (Some(cause), Some(lead)) = (&change.cause, change.members.first()) else { continue };
            let runs = cause.runs.as_ref().map_or_else(String::new, |(before, after)| {
                format!(" (runs {} and {})", before.short(), after.short())
            });
            let why = format!("{}: {}{runs}", cause.cause.word(), cause.why);
            let name = format!("{} ({})", code(&lead.name), code(&lead.benchmark.to_string()));
            match known.iter_mut().find(|(known, _)| *known == why) {
                Some((_, names)) => names.push(name),
                None => known.push((why, vec![name])),
            }
        }
        lines.extend(known.into_iter().map(|(why, names)| format!("{}: {why}", self.some(&names))));
        lines
    }
}

/// What a change is put down to.
pub(in crate::report) fn cause(cause: Option<&StepCause>) -> String {
    cause.map_or("not looked at", |cause| cause.cause.word()).to_owned()
}

/// Between which commits something changed: the cause lies after the first and not after the second.
pub(in crate::report) fn between(commits: &(Option<String>, Option<String>)) -> String {
    match (&commits.0, &commits.1) {
        (Some(old), Some(new)) if old == new => format!("the same: {}", short(new)),
        (Some(old), Some(new)) => format!("{}..{}", short(old), short(new)),
        (None, Some(new)) => format!("up to {}", short(new)),
        (Some(old), None) => format!("after {}", short(old)),
        (None, None) => "unknown".to_owned(),
    }
}

/// Where a change stands, and how it is known.
pub(in crate::report) fn state(change: &TrendChange) -> String {
    let word = match change.state {
        ChangeState::New => "new",
        ChangeState::Accepted => "accepted",
        ChangeState::Fixed => "fixed",
        ChangeState::Noise => "noise",
    };
    let known = match (change.drift, change.known_by) {
        (true, _) => "a slow drift",
        (_, KnownBy::Confirmed) => "measured again and confirmed",
        (_, KnownBy::NotTheCode) => "measured again: not the code",
        (_, KnownBy::History) => "seen in history",
    };
    match &change.reason {
        Some(reason) => format!("{word}: {reason}"),
        None => format!("{word}, {known}"),
    }
}
