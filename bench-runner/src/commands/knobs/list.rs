//! The catalogue, ordered by what pays most: gain times the share of the calls that it concerns.

use std::ffi::OsStr;
use std::path::Path;

use regex::Regex;

use super::super::{Session, load as stored};
use super::stack::gain;
use super::{ListArgs, ShowArgs, load, present};
use crate::analysis::knobs::{Rule, rule, rules, standing};
use crate::cli::Format;
use crate::clock;
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::files;
use crate::model::comparison::Verdict;
use crate::model::knob::{KnobGroup, KnobState, KnobVerdict, Proof, Recommendation};
use crate::model::run::Run;
use crate::report::format::{Dialect, change, percent};
use crate::ui::table::{Align, Column, Table};

/// Largest file of a mix, in bytes.
const MIX_LIMIT: u64 = 64 << 10;
/// Most lines of a mix.
const MIX_LINES: usize = 1000;

/// What is known about knobs here.
struct Known {
    advice: Vec<Recommendation>,
    proofs: Vec<Proof>,
}

impl Known {
    /// Evidence of a run and all proofs; without a store there is neither.
    fn of(config: &Config, run: &str) -> Result<Self, CliError> {
        if !config.store.exists() {
            return Ok(Self { advice: Vec::new(), proofs: Vec::new() });
        }
        let store = stored::open_to_read(config)?;
        let now: Option<Run> = load::newest(&store)?;
        let trials = load::Trials::of(&store, config, now.as_ref().map(|run| run.suite.as_str()))?;
        let proofs = trials.at(now.as_ref().map(|run| (run, clock::now())));
        let advice = match store.resolve(run) {
            Ok(id) => load::candidates(config, &store, &id)?,
            Err(_) if run == "latest" => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        Ok(Self { advice, proofs })
    }

    fn advice(&self, id: &str) -> Option<&Recommendation> {
        self.advice.iter().find(|advice| advice.knob == id)
    }

    fn proof(&self, id: &str) -> Option<&Proof> {
        standing(&self.proofs, id)
    }
}

/// The calls that the code really makes: patterns and shares, which add up to 1.
struct Mix(Vec<(Regex, f64)>);

impl Mix {
    fn read(path: &Path) -> Result<Self, CliError> {
        let wrong = |what: String| {
            CliError::new(exit_code::USAGE, format!("mix `{}`: {what}", path.display()))
                .hinted(Some("write lines such as `\"^verify_bench/\" = 0.8`".to_owned()))
        };
        let bytes = files::read(path, MIX_LIMIT)?;
        let text = String::from_utf8(bytes).map_err(|_| wrong("it is not text".to_owned()))?;
        let table: toml::Table =
            text.parse().map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
        if table.is_empty() || table.len() > MIX_LINES {
            return Err(wrong(format!("1 to {MIX_LINES} lines are needed")));
        }
        let mut found = Vec::new();
        for (pattern, share) in &table {
            #[expect(clippy::cast_precision_loss, reason = "a share is a small number")]
            let share = share.as_float().or_else(|| share.as_integer().map(|share| share as f64));
            let share = share.filter(|share| share.is_finite() && *share >= 0.0);
            let share = share.ok_or_else(|| wrong(format!("`{pattern}` has no share")))?;
            let pattern =
                Regex::new(pattern).map_err(|_| wrong(format!("`{pattern}` is no regular expression")))?;
            found.push((pattern, share));
        }
        let total: f64 = found.iter().map(|(_, share)| share).sum();
        if total <= 0.0 {
            return Err(wrong("the shares add up to nothing".to_owned()));
        }
        found.iter_mut().for_each(|(_, share)| *share /= total);
        Ok(Self(found))
    }

    /// Share of the calls that benchmarks stand for; all of them when none is named.
    fn share(&self, benchmarks: &[String]) -> f64 {
        if benchmarks.is_empty() {
            return 1.0;
        }
        let hit = |pattern: &Regex| benchmarks.iter().any(|name| pattern.is_match(name));
        self.0.iter().filter(|(pattern, _)| hit(pattern)).map(|(_, share)| share).sum()
    }
}

/// One line of the list.
struct Line {
    rule: &'static Rule,
    /// Expected change of time: proven, else predicted, else what others report.
    gain: Option<f64>,
    basis: &'static str,
    share: f64,
    fired: bool,
    tried: String,
}

/// What a trial that holds showed: the strongest change that is beyond doubt, in the direction of the verdict, and what it is.
fn shown(rule: &Rule, proof: &Proof) -> Option<(Option<f64>, &'static str)> {
    let worst = || {
        let decided = proof.rows.iter().filter(|row| row.verdict == Verdict::Regressed);
        decided.map(|row| row.change).fold(0.0, f64::max)
    };
    match proof.verdict {
        KnobVerdict::Verified => Some((Some(gain(proof)), "proven")),
        KnobVerdict::Harmful if rule.state == KnobState::Information => {
            Some((Some(worst()), "measured price"))
        }
        KnobVerdict::Harmful => Some((Some(worst()), "proven harm")),
        // Within the margin: no number stands for it.
        KnobVerdict::NoEffect => Some((None, "no effect")),
        KnobVerdict::Inconclusive => None,
    }
}

fn line(rule: &'static Rule, known: &Known, mix: Option<&Mix>) -> Line {
    let (advice, proof) = (known.advice(rule.id), known.proof(rule.id));
    let fresh = proof.filter(|proof| proof.stale.is_empty());
    let middle = |(low, high): (f64, f64)| f64::midpoint(low, high);
    let predicted = advice.and_then(|advice| advice.predicted_change).map(middle);
    let (gain, basis) =
        fresh.and_then(|proof| shown(rule, proof)).unwrap_or(match (predicted, rule.typical) {
            (Some(gain), _) => (Some(gain), "predicted"),
            (None, Some(typical)) => (Some(middle(typical)), "typical"),
            (None, None) => (None, "unknown"),
        });
    let first = |label: &str| label.split(' ').next().unwrap_or_default().to_owned();
    let labels =
        advice.into_iter().flat_map(|advice| advice.evidence.iter().map(|found| first(&found.label)));
    let names: Vec<String> = labels.filter(|label| label.contains('/')).collect();
    Line {
        rule,
        gain,
        basis,
        share: mix.map_or(1.0, |mix| mix.share(&names)),
        fired: advice.is_some(),
        tried: proof.map_or_else(|| "-".to_owned(), present::verdict),
    }
}

/// Runs `knobs list`.
pub(super) fn list(args: &ListArgs, session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    let mix = args.mix.as_ref().map(|path| Mix::read(&session.folder.join(path))).transpose()?;
    let known = Known::of(&config, &args.run)?;
    let mut lines: Vec<Line> = rules()
        .filter(|rule| !args.tryable || rule.trial.is_some())
        .map(|rule| line(rule, &known, mix.as_ref()))
        .collect();
    let worth = |line: &Line| line.gain.unwrap_or(0.0) * line.share;
    // What has evidence comes before what has none; then what pays most.
    lines.sort_by(|a, b| b.fired.cmp(&a.fired).then_with(|| worth(a).total_cmp(&worth(b))));
    let items: Vec<serde_json::Value> = lines
        .iter()
        .map(|line| {
            serde_json::json!({
                "knob": line.rule.id, "group": group(line.rule.group), "question": line.rule.question,
                "expected_change": line.gain, "basis": line.basis, "share": line.share, "evidence": line.fired,
                "tryable": line.rule.trial.is_some(), "tried": line.tried,
                "information": line.rule.state == KnobState::Information, "needs": line.rule.requires(),
            })
        })
        .collect();
    stored::show(session, &table(&lines), "bench-runner/knobs-list", &items)?;
    Ok(exit_code::DONE)
}

pub(super) fn group(group: KnobGroup) -> &'static str {
    match group {
        KnobGroup::Caller => "caller",
        KnobGroup::Build => "build",
        KnobGroup::Machine => "machine",
        KnobGroup::Measurement => "measurement",
    }
}

fn table(lines: &[Line]) -> Table {
    let column = |title, align, drop_order| Column { title, align, drop_order };
    let yes = |yes: bool| if yes { "yes" } else { "-" }.to_owned();
    let cells = |line: &Line| {
        vec![
            line.rule.id.to_owned(),
            line.gain.map_or_else(|| "-".to_owned(), |gain| change(Dialect::Ascii, gain, None)),
            line.basis.to_owned(),
            percent(Dialect::Ascii, line.share, 0),
            yes(line.fired),
            yes(line.rule.trial.is_some()),
            line.tried.clone(),
            line.rule.requires().to_owned(),
            line.rule.question.to_owned(),
        ]
    };
    Table {
        columns: vec![
            column("knob", Align::Left, 0),
            column("change", Align::Right, 0),
            column("basis", Align::Left, 2),
            column("share", Align::Right, 4),
            column("evidence", Align::Left, 3),
            column("tryable", Align::Left, 1),
            column("tried here", Align::Left, 0),
            column("needs", Align::Left, 6),
            column("question", Align::Left, 5),
        ],
        rows: lines.iter().map(cells).collect(),
    }
}

/// Whether the program that a rule is about is in one of the folders of `PATH`; `None` for a rule about none.
fn installed(rule: &Rule, session: &Session) -> Option<bool> {
    let program = rule.program()?;
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    let path = session.environment.get(OsStr::new("PATH")).cloned().unwrap_or_default();
    Some(std::env::split_paths(&path).any(|folder| folder.join(&file).is_file()))
}

/// Runs `knobs show`.
pub(super) fn show(args: &ShowArgs, session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    let found = rule(&args.knob).ok_or_else(|| {
        CliError::new(exit_code::NOTHING, format!("no knob is called `{}`", args.knob))
            .hinted(Some("`bench-runner knobs list` names them".to_owned()))
    })?;
    let known = Known::of(&config, &args.run)?;
    let (advice, proof) = (known.advice(found.id), known.proof(found.id));
    let text = match session.format {
        Format::Json | Format::Jsonl => serde_json::json!({
            "schema": "bench-runner/knob", "version": 1, "knob": found.id, "question": found.question,
            "group": group(found.group), "cost": found.cost, "risk": found.risk, "security": found.security,
            "see": found.see, "set": found.set, "needs": found.requires(), "installed": installed(found, session),
            "tryable": found.trial.is_some(), "typical_change": found.typical,
            "advice": stored::json_of(&advice)?, "proof": stored::json_of(&proof)?,
        })
        .to_string(),
        Format::Csv => table(&[line(found, &known, None)]).csv(),
        Format::Text | Format::Markdown => {
            let card = present::Card::of(Some(found), advice, proof);
            let card = card.map(|card| match installed(found, session) {
                Some(there) => card.with_program(found, there),
                None => card,
            });
            card.map_or_else(String::new, |card| match session.format {
                Format::Markdown => card.markdown(),
                _ => card.text(session.style.width),
            })
        }
    };
    session.answer(&text)?;
    Ok(exit_code::DONE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::knob::ProofRow;
    use crate::model::units::Timestamp;

    #[test]
    fn the_list_shows_what_is_beyond_doubt() {
        let check = |id: &str, verdict: KnobVerdict, expected: Option<(Option<f64>, &str)>| {
            let row = |change: f64, verdict: Verdict| ProofRow {
                subject: "t/f".to_owned(),
                change,
                interval: None,
                level: 0.95,
                pairs: 1,
                visible_from: None,
                verdict,
            };
            let proof = Proof {
                experiment: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
                knob: id.to_owned(),
                tried: Timestamp(0),
                hw_class: String::new(),
                verdict,
                reason: String::new(),
                // What is not decided is larger in both directions, and counts for nothing.
                rows: vec![
                    row(-0.1, Verdict::Improved),
                    row(0.2, Verdict::Regressed),
                    row(-0.4, Verdict::Inconclusive),
                    row(0.5, Verdict::Inconclusive),
                ],
                stale: Vec::new(),
                times: 1,
                again: String::new(),
            };
            assert_eq!(shown(rule(id).unwrap(), &proof), expected, "{id} {verdict:?}");
        };
        check("build.lto-fat", KnobVerdict::Verified, Some((Some(-0.1), "proven")));
        check("build.lto-fat", KnobVerdict::Harmful, Some((Some(0.2), "proven harm")));
        check("build.overflow-checks", KnobVerdict::Harmful, Some((Some(0.2), "measured price")));
        check("build.lto-fat", KnobVerdict::NoEffect, Some((None, "no effect")));
        check("build.lto-fat", KnobVerdict::Inconclusive, None);
    }
}
