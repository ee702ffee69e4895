//! `bench-runner doctor`: how far this machine can be trusted right now.

use super::{Session, machine};
use crate::analysis::doctor::{CheckState, Diagnosis, Grade, Inputs, diagnose};
use crate::cli::Format;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::fact::{Fact, Phase};
use crate::model::finding::{Finding, Severity};
use crate::ui::table::{Align, Column, Table};

/// Problems shown without `--all`.
const WORST: usize = 5;

/// Say how far this machine can be trusted right now, and what to do about it
///
/// It reads and advises; it changes nothing on the machine. Ends with 122 when a check says that numbers from this
/// machine must not be used now.
#[derive(Debug, clap::Args)]
pub struct Args {
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
    let mut facts = machine::facts(session, &session.folder, &config.store, Phase::Start);
    facts.extend(machine::source_facts(&session.folder, Phase::Start));
    let diagnosis = diagnose(&facts, &Inputs::default());
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
    Ok(if diagnosis.grade == Grade::X { exit_code::UNFIT } else { exit_code::DONE })
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
        text.push_str(
            &super::machines::fact_table(&facts.iter().collect::<Vec<_>>()).text(session.style.width),
        );
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
fn wrap(line: &str, width: usize, indent: &str) -> String {
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
