//! `bench-runner doctor`: how far this machine can be trusted right now.

use std::time::{Duration, Instant};

use super::{Session, machine};
use crate::analysis::doctor::{CheckState, Diagnosis, Grade, Inputs, diagnose};
use crate::cli::Format;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::fact::{Fact, Phase};
use crate::model::finding::{Finding, Severity};
use crate::ui::Progress;
use crate::ui::table::{Align, Column, Table};

/// Problems shown without `--all`.
const WORST: usize = 5;

/// Say how far this machine can be trusted right now, and what to do about it
///
/// It reads and advises; it changes nothing on the machine. Ends with 122 when a check says that numbers from this
/// machine must not be used now; with `--wait`, also when the time is up and something that may pass has not passed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Look again until grade A or B, or until only what waiting cannot mend is left, at most this long: 90s, 10m, 1h
    #[arg(long, value_name = "TIME", value_parser = duration)]
    wait: Option<Duration>,
    /// Show every check and every fact, not only the five worst problems
    #[arg(long)]
    all: bool,
}

/// Runs the command.
///
/// # Errors
///
/// When the configuration cannot be read or stdout cannot be written.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    let look = || {
        let mut facts = machine::facts(session, &session.folder, &config.store, Phase::Start);
        facts.extend(machine::source_facts(&session.folder, Phase::Start));
        facts.extend(machine::window(Phase::Start));
        let diagnosis = diagnose(&facts, &Inputs::default());
        (facts, diagnosis)
    };
    let (mut facts, mut diagnosis) = look();
    if let Some(patience) = args.wait {
        let progress = Progress::new(session.style);
        let started = Instant::now();
        while diagnosis.grade > Grade::B && !diagnosis.passing().is_empty() && started.elapsed() < patience {
            let left = patience.saturating_sub(started.elapsed());
            progress.line(&format!(
                "grade {:?}, waiting up to {} s more for: {}",
                diagnosis.grade,
                left.as_secs(),
                diagnosis.passing().join(", ")
            ));
            std::thread::sleep(PAUSE.min(left));
            (facts, diagnosis) = look();
        }
        progress.finish();
    }
    match session.format {
        Format::Json | Format::Jsonl => {
            let object = serde_json::json!({
                "schema": "bench-runner/doctor", "version": 1, "diagnosis": diagnosis, "facts": facts,
            });
            session.answer(&object.to_string())?;
        }
        Format::Text => session.answer(&text(args, session, &diagnosis, &facts))?,
        Format::Markdown => {
            let grade = format!("grade {:?}: {}", diagnosis.grade, meaning(diagnosis.grade));
            session.answer(&format!("{grade}\n\n{}", check_table(&diagnosis).markdown()))?;
        }
        Format::Csv => session.answer(&check_table(&diagnosis).csv())?,
    }
    let late = args.wait.is_some() && diagnosis.grade > Grade::B && !diagnosis.passing().is_empty();
    Ok(if late || diagnosis.grade == Grade::X { exit_code::UNFIT } else { exit_code::DONE })
}

/// Seconds between two looks.
const PAUSE: Duration = Duration::from_secs(5);

/// A whole number with `s`, `m` or `h`.
fn duration(text: &str) -> Result<Duration, String> {
    let factor = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        _ => return Err("a whole number with s, m or h, such as 10m".to_owned()),
    };
    let number =
        text[..text.len() - 1].parse::<u32>().map_err(|_| "not a whole number, such as 10m".to_owned())?;
    Ok(Duration::from_secs(u64::from(number) * factor))
}

fn text(args: &Args, session: &Session, diagnosis: &Diagnosis, facts: &[Fact]) -> String {
    let mut text = format!("grade {:?}: {}\n", diagnosis.grade, meaning(diagnosis.grade));
    let shown = if args.all { diagnosis.findings.len() } else { WORST };
    for finding in diagnosis.findings.iter().take(shown) {
        text.push('\n');
        text.push_str(&problem(finding, session.style.width));
    }
    let hidden = diagnosis.findings.len().saturating_sub(shown);
    let count = |state| diagnosis.checks.iter().filter(|check| check.state == state).count();
    let more = match hidden {
        0 => String::new(),
        1 => "; 1 more finding with --all".to_owned(),
        _ => format!("; {hidden} more findings with --all"),
    };
    let counts = format!(
        "{} checks: {} ok, {} to note, {} warn, {} block, {} unknown, {} not applicable{more}",
        diagnosis.checks.len(),
        count(CheckState::Ok),
        count(CheckState::Note),
        count(CheckState::Warn),
        count(CheckState::Block),
        count(CheckState::Unknown),
        count(CheckState::NotApplicable),
    );
    text.push('\n');
    text.push_str(&wrap(&counts, session.style.width, "  "));
    if args.all {
        text.push('\n');
        text.push_str(&check_table(diagnosis).text(session.style.width));
        text.push('\n');
        text.push_str(&super::facts::text(&facts.iter().collect::<Vec<_>>(), session.style.width));
    }
    text
}

fn meaning(grade: Grade) -> &'static str {
    match grade {
        Grade::A => "real hardware, nothing to complain about",
        Grade::B => "usable; virtual, or something decisive could not be read",
        Grade::C => "usable with doubt: read the warnings",
        Grade::X => "numbers from this machine must not be used for a decision now",
    }
}

/// One finding as a paragraph: what was seen, what it does, what to do.
fn problem(finding: &Finding, width: usize) -> String {
    let mark = match finding.severity {
        Severity::Blocking => "BLOCK",
        Severity::Warning => "warn ",
        Severity::Info => "note ",
    };
    let mut text = String::new();
    for (index, line) in [&finding.evidence, &finding.effect, &finding.remedy].iter().enumerate() {
        let first = if index == 0 { format!("{mark}  {}: ", finding.code) } else { "       ".to_owned() };
        let arrow = if index == 2 { "-> " } else { "" };
        text.push_str(&wrap(&format!("{first}{arrow}{line}"), width, "       "));
    }
    text
}

/// Breaks a line at spaces so that it fits `width`; further lines begin with `indent`.
pub(super) fn wrap(line: &str, width: usize, indent: &str) -> String {
    let leading = line.len() - line.trim_start().len();
    let mut text = line[..leading].to_owned();
    let mut column = leading;
    for (index, word) in line[leading..].split(' ').enumerate() {
        let length = word.chars().count();
        if index > 0 && column + 1 + length > width {
            text.push('\n');
            text.push_str(indent);
            column = indent.len();
        } else if index > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
    }
    text.push('\n');
    text
}

fn check_table(diagnosis: &Diagnosis) -> Table {
    let column = |title, drop_order| Column { title, align: Align::Left, drop_order };
    Table {
        columns: vec![column("check", 0), column("state", 0), column("evidence", 0), column("threshold", 1)],
        rows: diagnosis
            .checks
            .iter()
            .map(|check| {
                let state = match check.state {
                    CheckState::Ok => "ok",
                    CheckState::Note => "note",
                    CheckState::Warn => "WARN",
                    CheckState::Block => "BLOCK",
                    CheckState::Unknown => "unknown",
                    CheckState::NotApplicable => "n/a",
                };
                vec![check.id.clone(), state.to_owned(), check.evidence.clone(), check.threshold.clone()]
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        let check = |text: &str, seconds: Option<u64>| {
            assert_eq!(duration(text).ok(), seconds.map(Duration::from_secs), "{text}");
        };
        check("90s", Some(90));
        check("10m", Some(600));
        check("1h", Some(3600));
        check("0s", Some(0));
        check("10", None);
        check("m", None);
        check("-1s", None);
        check("1.5h", None);
        check("10µ", None);
        check("", None);
    }
}
