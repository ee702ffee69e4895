//! The nightly trend in words: the answer first, then what needs a person, then what does not.

mod moved;

use std::collections::BTreeMap;

pub(in crate::report) use moved::{between, cause, state};

use super::sheet::{Section, Sheet};
use super::sparkline::per_character;
use super::table::{Cell, Kind, Table};
use super::words::{capped, code, list};
use crate::model::ids::BenchmarkId;
use crate::model::trend::{MachineNight, Tonight, TrendChange, TrendReport};
use crate::model::units::Timestamp;
use crate::report::escape::shorten;
use crate::report::format::{Dialect, append, change, day, half_width, plural, timestamp};

/// Names in a line before it says how many more.
const NAMED: usize = 8;
/// Characters of such a name.
const NAME: usize = 90;
/// Microseconds of an hour.
const HOUR: i64 = 3_600_000_000;

/// Makes the page; `command` is the one that makes it again.
#[must_use]
pub fn trend(report: &TrendReport, command: &str, dialect: Dialect) -> Sheet {
    let made = Telling { report, dialect };
    let (kicker, title) = if report.imported {
        ("Imported history", format!("Benchmarks from elsewhere up to {}", day(report.now)))
    } else {
        ("Nightly trend", format!("Benchmarks on {}", day(report.now)))
    };
    Sheet {
        kicker: kicker.to_owned(),
        title,
        line: made.line(),
        notes: Vec::new(),
        sections: made.sections(),
        command: command.to_owned(),
    }
}

/// Share of innocent benchmarks that the screen calls unusual in a night, both directions together: `analysis::screen::HISTORY_ONLY`,
/// which this layer does not know; a test holds them together.
const INNOCENT: f64 = 1e-3;

/// What an empty list says: undecided, not run.
pub(in crate::report) const NOTHING: [&str; 2] = [
    "Everything that was measured tonight was judged.",
    "Every benchmark that a machine measured within the window was measured by it tonight, if it measured at all.",
];

/// The words for one trend: the sheet and the first page of the site say the same, because both ask here.
#[derive(Debug, Clone, Copy)]
pub(in crate::report) struct Telling<'a> {
    /// What is told.
    pub report: &'a TrendReport,
    /// Where it will be read.
    pub dialect: Dialect,
}

impl Telling<'_> {
    /// The answer in one line.
    pub(in crate::report) fn line(&self) -> String {
        match self.report.tonight {
            _ if self.report.imported => self.imported(),
            Tonight::Nothing => self.nothing(),
            Tonight::Slower => self.slower(),
            Tonight::CannotTell => format!("Cannot tell: {}.", self.doubts().join("; ")),
            Tonight::Fine => {
                let fresh = self.report.machines.iter().filter(|machine| machine.fresh).count();
                format!(
                    "Fine: {} of {} judged on {}, none slower; measured {}.",
                    self.report.checked.judged,
                    plural(self.report.checked.benchmarks.into(), "benchmark"),
                    plural(fresh as u64, "machine"),
                    self.report.newest.map_or_else(String::new, |at| self.ago(at)),
                )
            }
        }
    }

    fn nothing(&self) -> String {
        let Some(newest) = self.report.newest else {
            return "Nothing was ever measured.".to_owned();
        };
        let mut text = format!("Nothing was measured since {} ({})", timestamp(newest), self.ago(newest));
        let open: usize = self.report.slower.iter().map(|change| change.members.len()).sum();
        if open > 0 {
            let those = plural(open as u64, "benchmark");
            append(&mut text, format_args!("; {those} had got slower before and nobody decided about it"));
        }
        text.push('.');
        text
    }

    /// What the lines from elsewhere show; nothing of them is judged.
    fn imported(&self) -> String {
        let report = self.report;
        let Some(newest) = report.newest else { return "Nothing was imported.".to_owned() };
        let members = |changes: &[TrendChange]| -> u64 {
            changes.iter().map(|change| change.members.len() as u64).sum()
        };
        let moved = |changes: &[TrendChange], word: &str| {
            format!("{} {word} in {}", members(changes), plural(changes.len() as u64, "step"))
        };
        format!(
            "Imported, never judged: of {} over {}, {}, {}; up to {}.",
            plural(report.checked.lines.into(), "line"),
            plural(report.checked.runs.into(), "run"),
            moved(&report.slower, "got worse"),
            moved(&report.faster, "better"),
            day(newest)
        )
    }

    fn slower(&self) -> String {
        let slower = &self.report.slower;
        let number: usize = slower.iter().map(|change| change.members.len()).sum();
        let mut text = format!("{} got slower", plural(number as u64, "benchmark"));
        if slower.len() < number {
            append(&mut text, format_args!(" in {}", plural(slower.len() as u64, "step")));
        }
        if let Some(worst) = slower.first() {
            let name = worst.members.first().map_or_else(String::new, |one| one.benchmark.to_string());
            append(
                &mut text,
                format_args!(
                    "; the worst is {} on {}: {} since {}",
                    code(&name),
                    self.machine(worst.machine),
                    self.size(worst),
                    day(worst.since)
                ),
            );
        }
        let doubts = self.doubts();
        if !doubts.is_empty() {
            append(&mut text, format_args!(". Besides, {}", doubts.join("; ")));
        }
        text.push('.');
        text
    }

    /// What an empty list of `slower` or `faster` benchmarks says: where nothing was judged, nothing is said to be as before.
    pub(in crate::report) fn none(&self, word: &str) -> String {
        let checked = &self.report.checked;
        let found = format!("no history shows anything that got {word} and is still undecided");
        if self.report.imported {
            return format!("No history shows anything that got {word}.");
        }
        match (checked.judged, checked.benchmarks) {
            (0, 0) => format!("Nothing was measured tonight, and {found}."),
            (0, all) => {
                let those = plural(all.into(), "benchmark");
                format!("None of {those} of tonight could be judged; {found}.")
            }
            (judged, _) => {
                format!("None of {} is {word} than before.", plural(judged.into(), "judged benchmark"))
            }
        }
    }

    /// What keeps the answer from being complete.
    fn doubts(&self) -> Vec<String> {
        let report = self.report;
        let mut doubts = Vec::new();
        let suspects = report.undecided.iter().filter(|one| one.suspect).count();
        if suspects > 0 {
            let are = if suspects == 1 { "is" } else { "are" };
            let those = plural(suspects as u64, "benchmark");
            doubts.push(format!("{those} {are} unusual tonight, and measuring again did not settle it"));
        }
        for (place, machine) in report.machines.iter().enumerate().filter(|(_, machine)| machine.fresh) {
            if let Some(shift) = machine.shift.filter(|_| !machine.shift_is_machine) {
                let size = change(self.dialect, shift - 1.0, None);
                doubts.push(format!("all benchmarks of {} moved together by {size}", self.machine(place)));
            }
            if let Some(unfit) = &machine.unfit {
                doubts.push(format!("the run of {} {unfit}", self.machine(place)));
            }
        }
        for (place, machine) in report.machines.iter().enumerate() {
            let elsewhere =
                report.machines.iter().any(|other| other.fresh && other.machine == machine.machine);
            if !machine.fresh && !elsewhere {
                let since = timestamp(machine.started);
                doubts.push(format!("{} measured nothing since {since}", self.machine(place)));
            }
        }
        match (report.checked.judged, report.checked.benchmarks) {
            (0, 0) if report.machines.iter().any(|machine| machine.fresh) => {
                doubts.push("what was measured tonight names no benchmark".to_owned());
            }
            (0, all @ 1..) => {
                doubts.push(format!("none of {} could be judged", plural(all.into(), "benchmark")));
            }
            _ => {}
        }
        doubts
    }

    fn sections(&self) -> Vec<Section> {
        let report = self.report;
        let mut slower = Section::new(
            "slower",
            format!("Needs attention ({})", report.slower.len()),
            self.changes("What got slower", &report.slower),
        );
        if report.slower.is_empty() {
            slower.paragraphs.push(self.none("slower"));
        } else {
            slower.lines = self.lines(&report.slower);
            slower.lines.push(
                "`bench-runner changes accept`, `fix` or `noise` with the name of a change decide about it, `--together` about all that \
                 moved with it; what is decided is listed apart. `bench-runner changes show` tells all about one; `explain` and `bisect` \
                 look further for the cause."
                    .to_owned(),
            );
        }
        let mut faster = Section::new(
            "faster",
            format!("Good news ({})", report.faster.len()),
            self.changes("What got faster", &report.faster),
        );
        if report.faster.is_empty() {
            faster.paragraphs.push(self.none("faster"));
        }
        faster.lines = self.lines(&report.faster);
        let mut sections = vec![slower, faster];
        if !report.imported {
            sections.insert(1, self.undecided());
        }
        if !report.decided.is_empty() {
            let mut decided = Section::new(
                "decided",
                format!("Decided ({})", report.decided.len()),
                self.changes("Changes about which somebody decided", &report.decided),
            );
            decided.lines = self.lines(&report.decided);
            sections.push(decided);
        }
        sections.push(self.machines());
        if !report.imported {
            sections.push(self.not_run());
        }
        sections.push(self.checked());
        sections
    }

    /// By how much, with the interval: new over old like the levels beside it, also where more is better.
    pub(in crate::report) fn size(&self, one: &TrendChange) -> String {
        let turned = one.members.first().is_some_and(|lead| lead.metric.bigger_is_better());
        let (ratio, interval) = if turned {
            (1.0 / one.ratio, one.interval.map(|(low, high)| (1.0 / high, 1.0 / low)))
        } else {
            (one.ratio, one.interval)
        };
        change(self.dialect, ratio - 1.0, interval.map(|(low, high)| (low - 1.0, high - 1.0)))
    }

    fn undecided(&self) -> Section {
        let report = self.report;
        let mut table = Table::new(
            "What could not be told",
            &[
                ("benchmark", Kind::Code),
                ("change", Kind::Number),
                ("why", Kind::Text),
                ("machine", Kind::Text),
            ],
        );
        for one in report.undecided.iter().filter(|one| one.suspect) {
            table.push([
                one.benchmark.to_string(),
                one.ratio.map_or_else(String::new, |ratio| change(self.dialect, ratio - 1.0, None)),
                one.reason.clone(),
                self.machine(one.machine),
            ]);
        }
        let mut section =
            Section::new("undecided", format!("Could not tell ({})", report.undecided.len()), table);
        section.lines = self.not_judged();
        if report.undecided.is_empty() {
            section.paragraphs.push(NOTHING[0].to_owned());
        }
        section
    }

    /// What was not judged tonight: benchmarks with one reason on one machine are one line.
    pub(in crate::report) fn not_judged(&self) -> Vec<String> {
        let open = self.report.undecided.iter().filter(|one| !one.suspect);
        let said =
            open.map(|one| (format!("on {}: {}", self.machine(one.machine), one.reason), &one.benchmark));
        self.grouped(said)
    }

    /// What was measured before and not tonight: benchmarks that one run measured last are one line.
    pub(in crate::report) fn last_measured(&self) -> Vec<String> {
        let said = self.report.not_run.iter().map(|one| {
            let (machine, run) = (self.machine(one.machine), code(one.last.short()));
            let when = format!("{}, {}", day(one.at), self.ago(one.at));
            (format!("on {machine}: last measured {when}, by run {run}"), &one.benchmark)
        });
        self.grouped(said)
    }

    /// One line for all benchmarks of which the same is said, in the order of the first of each.
    fn grouped<'a>(&self, said: impl Iterator<Item = (String, &'a BenchmarkId)>) -> Vec<String> {
        let mut groups: Vec<(String, Vec<String>)> = Vec::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for (what, benchmark) in said {
            let place = *places.entry(what.clone()).or_insert(groups.len());
            if place == groups.len() {
                groups.push((what, Vec::new()));
            }
            groups[place].1.push(code(&shorten(&benchmark.to_string(), NAME)));
        }
        let line = |(what, names): (String, Vec<String>)| {
            format!("{} {what} ({})", plural(names.len() as u64, "benchmark"), self.some(&names))
        };
        groups.into_iter().map(line).collect()
    }

    /// Names of one line: all of them on a page; where lines are read one by one, the first, and the rest counted.
    pub(super) fn some(&self, names: &[String]) -> String {
        if self.dialect == Dialect::Html { list(names) } else { capped(names, NAMED) }
    }

    fn machines(&self) -> Section {
        let mut table = Table::new(
            "Machines",
            &[
                ("machine", Kind::Text),
                ("nights", Kind::Text),
                ("grade", Kind::Text),
                ("missed", Kind::Number),
                ("noise", Kind::Number),
                ("usually", Kind::Number),
                ("measured", Kind::Text),
                ("run", Kind::Text),
                ("commit", Kind::Text),
                ("judged", Kind::Number),
                ("configuration", Kind::Text),
            ],
        );
        let share = |value: Option<f64>| {
            value.map_or_else(|| "unknown".to_owned(), |sd| half_width(self.dialect, sd))
        };
        for (place, machine) in self.report.machines.iter().enumerate() {
            let age = self.ago(machine.started);
            let unfit = machine.unfit.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
            let tone = if machine.fresh && machine.unfit.is_none() { "" } else { "warning" };
            table.rows.push(vec![
                Cell::plain(format!("{} ({})", self.machine(place), machine.hw_class)),
                Cell::plain(self.calendar(machine)),
                Cell::plain(machine.grade.clone().unwrap_or_else(|| "not stored".to_owned())),
                Cell::plain(machine.missed.to_string()),
                Cell::plain(share(machine.noise)),
                Cell::plain(share(machine.usual_noise)),
                Cell::toned(format!("{age}{unfit}"), tone),
                Cell::plain(machine.run.short().to_owned()),
                Cell::plain(machine.commit.as_deref().map_or_else(|| "unknown".to_owned(), short)),
                Cell::plain(format!("{} of {}", machine.judged, machine.benchmarks)),
                Cell::plain(known_parts(&machine.config)),
            ]);
        }
        table.note = "Noise: standard deviation between launches of one run, the median over its benchmarks. Grade: the doctor's, \
                      at the start of the run."
            .to_owned();
        let mut section =
            Section::new("machines", format!("Machines ({})", self.report.machines.len()), table);
        section.lines = self.shifts();
        section
    }

    /// Machines all of whose benchmarks moved together, as measuring again showed.
    pub(in crate::report) fn shifts(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (place, machine) in self.report.machines.iter().enumerate() {
            let Some(shift) = machine.shift.filter(|_| machine.shift_is_machine) else { continue };
            lines.push(format!(
                "All benchmarks of {} moved together by {} tonight; earlier code, measured again, did too: the machine moved.",
                self.machine(place),
                change(self.dialect, shift - 1.0, None)
            ));
        }
        lines
    }

    /// One character for each night of the window, the newest last.
    pub(in crate::report) fn calendar(&self, machine: &MachineNight) -> String {
        let (there, gap) = if self.dialect == Dialect::Ascii { ('#', '.') } else { ('■', '·') };
        let parts = machine.nights.rchunks(per_character(machine.nights.len())).rev();
        parts.map(|nights| if nights.contains(&true) { there } else { gap }).collect()
    }

    fn not_run(&self) -> Section {
        let mut section = Section::words("not-run", format!("Not run ({})", self.report.not_run.len()));
        section.lines = self.last_measured();
        if self.report.not_run.is_empty() {
            section.paragraphs.push(NOTHING[1].to_owned());
        }
        section
    }

    fn checked(&self) -> Section {
        let mut section = Section::words("checked", "What was checked");
        section.lines = self.basis();
        section
    }

    /// What the answer rests on.
    pub(in crate::report) fn basis(&self) -> Vec<String> {
        let report = self.report;
        let checked = &report.checked;
        let lines = plural(checked.lines.into(), "line");
        vec![
            if report.imported {
                format!(
                    "{lines} searched for steps and drift; no imported number is judged, by this page or by a gate."
                )
            } else {
                format!(
                    "{} of {} of tonight judged against their history, of which {:.2} are to be expected to look unusual without cause; \
                     {lines} searched for steps and drift.",
                    checked.judged,
                    plural(checked.benchmarks.into(), "benchmark"),
                    INNOCENT * f64::from(checked.judged)
                )
            },
            format!(
                "{} of the last {}, up to {}; the newest is from {}.",
                plural(checked.runs.into(), "run"),
                plural(report.nights.into(), "night"),
                timestamp(report.now),
                report.newest.map_or_else(
                    || "never".to_owned(),
                    |at| { format!("{} ({})", timestamp(at), self.ago(at)) }
                )
            ),
            format!(
                "Not listed: {} smaller than {}, and {} that went back.",
                plural(checked.small.into(), "change"),
                crate::report::format::percent(self.dialect, report.margin, 1),
                checked.reverted
            ),
        ]
    }

    /// Name of a machine, with its configuration where that is needed to tell two apart.
    pub(in crate::report) fn machine(&self, place: usize) -> String {
        let Some(machine) = self.report.machines.get(place) else { return "unknown".to_owned() };
        let name = machine.label.clone().unwrap_or_else(|| {
            let short: String = machine.machine.chars().take(8).collect();
            let alike = |other: &MachineNight| {
                other.machine != machine.machine && other.label.is_none() && other.machine.starts_with(&short)
            };
            if self.report.machines.iter().any(alike) { machine.machine.clone() } else { short }
        });
        let twins = self.report.machines.iter().filter(|other| other.machine == machine.machine).count();
        if twins > 1 { format!("{name}, {}", known_parts(&machine.config)) } else { name }
    }

    /// How long before the moment of the trend.
    pub(in crate::report) fn ago(&self, at: Timestamp) -> String {
        let hours = self.report.now.0.saturating_sub(at.0).max(0) / HOUR;
        match hours {
            0 => "less than an hour ago".to_owned(),
            1..48 => format!("{} ago", plural(hours.unsigned_abs(), "hour")),
            _ => format!("{} ago", plural((hours / 24).unsigned_abs(), "day")),
        }
    }
}

/// A commit as people write it.
pub(super) fn short(commit: &str) -> String {
    commit.chars().take(10).collect()
}

/// The parts of a configuration that are known.
pub(super) fn known_parts(config: &str) -> String {
    let known: Vec<&str> = config.split(';').filter(|part| !part.ends_with("=?")).collect();
    if known.is_empty() { "unknown".to_owned() } else { known.join(", ") }
}
