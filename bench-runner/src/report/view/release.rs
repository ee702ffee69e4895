//! Release notes in words: the summary is made from the table, what got slower comes first, and every number says where from.

use super::sheet::{Section, Sheet};
use super::table::{Cell, Kind, Table};
use super::trend::{known_parts, short};
use super::words::{code, list};
use crate::model::release::{Claim, ReleaseNotes, ReleaseRow, ReleaseSection, ReleaseSource};
use crate::report::format::{Dialect, Scale, change, percent, plural};

/// Makes the note.
#[must_use]
pub fn release(notes: &ReleaseNotes, dialect: Dialect) -> Sheet {
    let made = Release { notes, dialect };
    let mut sections = Vec::new();
    for (number, section) in notes.sections.iter().enumerate() {
        sections.push(made.numbers(number, section));
        sections.push(made.method(number, section));
    }
    if !notes.refused.is_empty() {
        sections.push(made.refused());
    }
    let mut page_notes = vec![format!(
        "From {} ({}) to {} ({}).",
        code(&notes.from),
        short(&notes.commits.0),
        code(&notes.to),
        short(&notes.commits.1)
    )];
    page_notes.extend(notes.not_measured.as_ref().map(|why| {
        format!("Both releases could not be measured in turns, so these numbers are from stored runs: {why}.")
    }));
    Sheet {
        kicker: "Release".to_owned(),
        title: format!("Performance in {}", notes.to),
        line: made.line(),
        notes: page_notes,
        sections,
        command: notes.command.clone(),
    }
}

struct Release<'a> {
    notes: &'a ReleaseNotes,
    dialect: Dialect,
}

impl Release<'_> {
    /// The summary: counts and the largest claims, nothing that is not in a table.
    fn line(&self) -> String {
        let notes = self.notes;
        if notes.sections.is_empty() {
            return format!("No number of {} can be compared with {}.", code(&notes.to), code(&notes.from));
        }
        let sentences = notes.sections.iter().map(|section| self.sentence(section));
        sentences.collect::<Vec<_>>().join(" ")
    }

    fn sentence(&self, section: &ReleaseSection) -> String {
        if matches!(section.source, ReleaseSource::EqualExecutables { .. }) {
            return format!("No difference is possible on {}: the executables are equal.", machine(section));
        }
        let of = |claim: Claim| -> Vec<&ReleaseRow> {
            section.rows.iter().filter(|row| row.claim == claim).collect()
        };
        let mut parts = Vec::new();
        for (claim, word) in [(Claim::Slower, "slower"), (Claim::Faster, "faster")] {
            let rows = of(claim);
            parts.push(match rows.first() {
                None => format!("none {word}"),
                Some(first) if rows.len() == 1 => format!("1 {word} ({})", self.claimed(first)),
                Some(first) => format!("{} {word} (most: {})", rows.len(), self.claimed(first)),
            });
        }
        parts.push(format!(
            "{} unchanged within {}",
            of(Claim::Unchanged).len(),
            percent(self.dialect, self.notes.margin, 1)
        ));
        parts.push(format!("{} without a claim", of(Claim::None).len()));
        format!(
            "Of {} on {}, {}.",
            plural(section.rows.len() as u64, "benchmark"),
            machine(section),
            list(&parts)
        )
    }

    fn claimed(&self, row: &ReleaseRow) -> String {
        format!("{} {}", code(&row.comparison.benchmark.to_string()), self.size(row))
    }

    fn size(&self, row: &ReleaseRow) -> String {
        let interval = row.comparison.ratio_interval.map(|(low, high)| (low - 1.0, high - 1.0));
        change(self.dialect, row.comparison.ratio - 1.0, interval)
    }

    fn numbers(&self, number: usize, section: &ReleaseSection) -> Section {
        let level = section.rows.first().map_or(0.95, |row| row.comparison.level);
        let head = format!("change [{}]", percent(self.dialect, level, 2));
        let (before, after) = (format!("{} [95 %]", self.notes.from), format!("{} [95 %]", self.notes.to));
        let mut table = Table::new(
            format!("{} against {}", self.notes.to, self.notes.from),
            &[
                ("claim", Kind::Text),
                ("benchmark", Kind::Code),
                (before.as_str(), Kind::Number),
                (after.as_str(), Kind::Number),
                (head.as_str(), Kind::Number),
            ],
        );
        for row in &section.rows {
            let (word, tone) = match row.claim {
                Claim::Slower => ("slower", "regressed"),
                Claim::Faster => ("faster", "improved"),
                Claim::Unchanged => ("unchanged", "unchanged"),
                Claim::None => ("no claim", "inconclusive"),
            };
            let one = &row.comparison;
            let scale = Scale::metric(self.dialect, &one.metric, [one.baseline_value, one.candidate_value]);
            let value = |value: f64, interval: Option<(f64, f64)>| match interval {
                Some((low, high)) => format!("{} [{}]", scale.show(value, None), scale.range(low, high)),
                None => format!("{} [no interval]", scale.show(value, None)),
            };
            table.rows.push(vec![
                Cell::toned(word, tone),
                Cell::plain(one.benchmark.to_string()),
                Cell::plain(value(one.baseline_value, row.before)),
                Cell::plain(value(one.candidate_value, row.after)),
                Cell::toned(self.size(row), tone),
            ]);
        }
        table.note = format!(
            "All numbers: {} ({}), {}; runs {} and {}. A change is claimed where its whole interval lies beyond no change and it is at \
             least {}; where the interval contains no change, nothing is claimed.",
            machine(section),
            section.identity.hw_class,
            known_parts(&section.identity.config),
            section.runs.0,
            section.runs.1,
            percent(self.dialect, self.notes.margin, 1)
        );
        let mut made = Section::new(&format!("numbers-{number}"), machine(section), table);
        if matches!(section.source, ReleaseSource::EqualExecutables { .. }) {
            made.paragraphs
                .push("The executables are equal: the code of the benchmarks is the same.".to_owned());
        } else if section.rows.is_empty() {
            made.paragraphs.push("The two releases have no benchmark in common.".to_owned());
        }
        let named = |what: &str, ids: &[String]| {
            let names: Vec<String> = ids.iter().map(|id| code(id)).collect();
            (!names.is_empty()).then(|| format!("{what}: {}", list(&names)))
        };
        made.lines.extend(named("New", &section.new));
        made.lines.extend(named("Removed", &section.removed));
        made
    }

    fn method(&self, number: usize, section: &ReleaseSection) -> Section {
        let mut made = Section::words(&format!("method-{number}"), format!("Method on {}", machine(section)));
        let how = match &section.source {
            ReleaseSource::Experiment { id, blocks } => format!(
                "Both releases were built from clean worktrees and measured in turns, in {} (experiment {id}).",
                plural(u64::from(*blocks), "block")
            ),
            ReleaseSource::EqualExecutables { id } => format!(
                "Both releases were built from clean worktrees and gave equal executables, so nothing was measured (experiment {id})."
            ),
            ReleaseSource::History { days } => format!(
                "Two stored runs, {} apart, made on this machine in the same configuration.",
                plural(u64::from(*days), "day")
            ),
        };
        let compilers = match &section.compilers {
            (Some(old), Some(new)) if old == new => format!("Compiler: {old}."),
            (old, new) => {
                let text = |one: &Option<String>| one.clone().unwrap_or_else(|| "unknown".to_owned());
                format!("Compilers: {} and {}.", text(old), text(new))
            }
        };
        made.lines = vec![
            how,
            format!(
                "Criterion {}; {}; {} and {}.{}",
                section.criterion.as_deref().unwrap_or("of unknown version"),
                section.sampling,
                plural(section.launches.0.into(), "launch"),
                plural(section.launches.1.into(), "launch"),
                statistic(&section.source)
            ),
            format!(
                "Machine {} ({}); {}.",
                machine(section),
                section.identity.hw_class,
                known_parts(&section.identity.config)
            ),
            compilers,
            format!("Runs {} and {}.", section.runs.0, section.runs.1),
        ];
        for one in &section.differences {
            made.lines.push(format!(
                "Differs: {}: {} against {}",
                code(&one.key),
                one.baseline,
                one.candidate
            ));
        }
        made.lines.extend(section.limits.iter().map(|limit| format!("Limit: {limit}")));
        made
    }

    fn refused(&self) -> Section {
        let mut made = Section::words("refused", format!("Refused ({})", self.notes.refused.len()));
        made.paragraphs.push(
            "These runs were not compared, because more than the release differs between them.".to_owned(),
        );
        made.lines = self
            .notes
            .refused
            .iter()
            .map(|one| format!("{} against {}: {}", one.from, one.to, list(&one.reasons)))
            .collect();
        made
    }
}

/// What values and ratios are, where there are any.
fn statistic(source: &ReleaseSource) -> &'static str {
    match source {
        ReleaseSource::Experiment { .. } => {
            " A value is the median over the launch medians of its side; a change is the Hodges–Lehmann center of the differences \
             within blocks, not the ratio of the values, and its interval holds whenever one stops."
        }
        ReleaseSource::EqualExecutables { .. } => "",
        ReleaseSource::History { .. } => {
            " A value is the median over launches of the launch medians, a change the ratio of the two values; its interval is Welch's, \
             from the logarithms of the launch medians."
        }
    }
}

fn machine(section: &ReleaseSection) -> String {
    let who = &section.identity;
    who.label.clone().unwrap_or_else(|| who.machine.chars().take(8).collect())
}
