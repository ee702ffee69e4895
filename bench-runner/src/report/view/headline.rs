//! The first screen: what this run is, whether it may be used, and what it says in one paragraph.
//!
//! The paragraph is made from the numbers below it and from nothing else.

use crate::report::format::append;
use serde::Serialize;

use super::words::{self, code};
use super::{Context, machine, total};
use crate::model::comparison::{RunComparison, Verdict};
use crate::model::finding::Severity;
use crate::model::gate::GateVerdict;
use crate::model::ids::BenchmarkId;
use crate::model::run::{LaunchStatus, RunKind, RunStatus};
use crate::report::format;

/// One flag of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chip {
    /// Words.
    pub text: String,
    /// Class of the meaning.
    pub tone: &'static str,
}

/// A notice that nobody should miss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Banner {
    /// Class of the meaning.
    pub tone: &'static str,
    /// A few words.
    pub title: String,
    /// What it means, and what to do.
    pub text: String,
}

/// The first screen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Headline {
    /// Where and when, in one line.
    pub line: String,
    /// Flags.
    pub chips: Vec<Chip>,
    /// Notices.
    pub banners: Vec<Banner>,
    /// The run in one paragraph.
    pub summary: String,
}

/// Title of the document.
pub(super) fn title(context: &Context<'_>) -> String {
    let run = &context.report.run;
    let name = run.title.clone().filter(|_| run.kind != RunKind::Measured);
    name.unwrap_or_else(|| format!("{} benchmark report: {}", run.suite, machine::name(context)))
}

/// Writes the first screen.
pub(super) fn headline(context: &Context<'_>) -> Headline {
    let run = &context.report.run;
    let span = run.finished.map(|end| {
        // Microseconds of a span of at most days: exact in a double.
        let seconds = super::real(u64::try_from(end.0 - run.started.0).unwrap_or(0)) / 1e6;
        format!(", took {}", format::seconds(context.dialect, seconds))
    });
    Headline {
        line: format!(
            "{} · {} · run {}{}",
            machine::name(context),
            format::timestamp(run.started),
            code(run.id.as_str()),
            span.unwrap_or_default()
        ),
        chips: chips(context),
        banners: banners(context),
        summary: summary(context),
    }
}

fn chips(context: &Context<'_>) -> Vec<Chip> {
    let run = &context.report.run;
    let mut chips = Vec::new();
    let mut chip = |text: String, tone| chips.push(Chip { text, tone });
    match run.status {
        RunStatus::Complete => chip("✓ complete".to_owned(), "pass"),
        RunStatus::Partial => chip("✗ partial".to_owned(), "fail"),
        RunStatus::Running => chip("… still measuring".to_owned(), "inconclusive"),
    }
    match run.kind {
        RunKind::Measured => {}
        RunKind::Imported => chip("≠ imported".to_owned(), "apart"),
        RunKind::Summary => chip("≠ summary only".to_owned(), "apart"),
    }
    if run.is_eligible() {
        chip("✓ eligible for gates".to_owned(), "pass");
    } else {
        chip("✗ not eligible for gates".to_owned(), "fail");
    }
    if let Some(previous) = &context.report.previous {
        let of = |verdict| previous.rows.iter().filter(|row| row.verdict == verdict).count();
        for verdict in [Verdict::Regressed, Verdict::Improved, Verdict::Unchanged, Verdict::Inconclusive] {
            let count = of(verdict);
            if count > 0 {
                let text = words::verdict(verdict, context.dialect);
                let (glyph, word) = text.split_once(' ').unwrap_or(("", text.as_str()));
                chip(format!("{glyph} {count} {word}"), words::verdict_tone(verdict));
            }
        }
    }
    chips
}

fn banners(context: &Context<'_>) -> Vec<Banner> {
    let run = &context.report.run;
    let mut banners = Vec::new();
    let mut banner = |tone, title: &str, text: String| {
        banners.push(Banner { tone, title: title.to_owned(), text });
    };
    match run.status {
        RunStatus::Partial => banner("fail", "This run is partial", partial(context)),
        RunStatus::Running => banner(
            "inconclusive",
            "This run has no end",
            "It is still measuring, or it was killed: what stands here is what was stored so far.".to_owned(),
        ),
        RunStatus::Complete => {}
    }
    match run.kind {
        RunKind::Summary => banner(
            "apart",
            "These numbers were written down, not measured here",
            "The record states estimates only. There are no raw samples behind them, so there is no distribution, \
             no interval of ours, and no comparison; gates do not judge them."
                .to_owned(),
        ),
        RunKind::Imported => banner(
            "apart",
            "These numbers were imported",
            "They come from one launch whose origin this store cannot verify. Their intervals do not cover the \
             variation from launch to launch; gates do not judge them."
                .to_owned(),
        ),
        RunKind::Measured => {}
    }
    let blocking = run.findings.iter().filter(|finding| finding.severity == Severity::Blocking);
    let blocking: Vec<String> = blocking.map(|finding| super::sentence(&finding.evidence)).collect();
    if !blocking.is_empty() && run.status == RunStatus::Complete {
        banner("fail", "Do not decide anything by this run", blocking.join(" "));
    }
    banners
}

/// Names what is missing.
fn partial(context: &Context<'_>) -> String {
    let report = context.report;
    let missing: Vec<String> = report
        .run
        .inventory
        .iter()
        .filter(|id| !report.results.iter().any(|result| is_same(&result.benchmark, id)))
        .map(|id| code(&context.name(id)))
        .collect();
    let broken: Vec<String> = report
        .run
        .launches
        .iter()
        .filter(|launch| launch.status != LaunchStatus::Complete)
        .map(|launch| {
            let reason = launch.reason.clone().unwrap_or_else(|| "reason unknown".to_owned());
            format!("launch {} of {}: {reason}", launch.ordinal + 1, code(&launch.target))
        })
        .collect();
    let mut text = String::new();
    if !missing.is_empty() {
        let of = report.run.inventory.len();
        append(
            &mut text,
            format_args!("Missing {} of {of} benchmarks: {}. ", missing.len(), words::capped(&missing, 12)),
        );
    }
    if !broken.is_empty() {
        append(&mut text, format_args!("Not complete: {}. ", words::capped(&broken, 6)));
    }
    text.push_str("What was measured is shown; no gate judges it.");
    text
}

/// Whether both name one benchmark. An inventory made of titles does not tell group from function and value: there the
/// text decides.
fn is_same(measured: &BenchmarkId, listed: &BenchmarkId) -> bool {
    measured == listed || (measured.package == listed.package && measured.to_string() == listed.to_string())
}

fn summary(context: &Context<'_>) -> String {
    let report = context.report;
    let run = &report.run;
    let mut text = match run.kind {
        RunKind::Measured => {
            let launches = run.plan.as_ref().map(|plan| {
                let each = format::plural(u64::from(plan.launches), "launch");
                format!(" in {each} each")
            });
            format!(
                "{} of {}, measured on {}{}",
                format::plural(total(report.results.len()), "benchmark"),
                run.suite,
                machine::name(context),
                launches.unwrap_or_default()
            )
        }
        RunKind::Imported => {
            format!("{} imported for {}", format::plural(total(report.results.len()), "benchmark"), run.suite)
        }
        RunKind::Summary => format!(
            "{} of {} as a record states them",
            format::plural(total(report.results.len()), "benchmark"),
            run.suite
        ),
    };
    text.push_str(match (run.status, run.is_eligible()) {
        (RunStatus::Complete, true) => ". The run is complete and eligible for gates.",
        (RunStatus::Complete, false) => ". The record is complete, but not eligible for gates.",
        (RunStatus::Partial, _) => ". The run is partial, so no gate may judge it.",
        (RunStatus::Running, _) => ". The run is not finished.",
    });
    let mut answer = against(context);
    if let Some(gates) = gates(context) {
        append(&mut answer, format_args!(" {gates}"));
    }
    // What moved is what people came for; of a run that is not whole they have to know that first.
    let mut text = if report.previous.is_some() && run.status == RunStatus::Complete {
        format!("{answer} {text}")
    } else {
        format!("{text} {answer}")
    };
    if let Some(first) = report.recommendations.first() {
        append(&mut text, format_args!(" First knob to turn: {}", super::sentence(&first.action)));
    }
    text
}

/// How many benchmarks got which verdict, in words.
pub(super) fn counts(previous: &RunComparison) -> String {
    let of = |verdict| previous.rows.iter().filter(|row| row.verdict == verdict).count();
    let counts: Vec<String> = VERDICTS
        .iter()
        .map(|(verdict, word)| (of(*verdict), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if counts.is_empty() { "no benchmark in common".to_owned() } else { words::list(&counts) }
}

/// All verdicts with their words, in the order of counts.
pub(super) const VERDICTS: [(Verdict, &str); 5] = [
    (Verdict::Regressed, "regressed"),
    (Verdict::Improved, "improved"),
    (Verdict::Unchanged, "unchanged"),
    (Verdict::Inconclusive, "inconclusive"),
    (Verdict::NotComparable, "not comparable"),
];

/// One sentence on the previous comparable run.
pub(super) fn against(context: &Context<'_>) -> String {
    let Some(previous) = &context.report.previous else {
        return match context.report.run.kind {
            RunKind::Measured => "There is no earlier comparable run to set it against.".to_owned(),
            RunKind::Imported | RunKind::Summary => "It is not compared with other runs.".to_owned(),
        };
    };
    let when = context.report.previous_started.map(|at| format!(" of {}", format::timestamp(at)));
    let mut counts = Vec::new();
    for (verdict, word) in VERDICTS {
        let rows: Vec<_> = previous.rows.iter().filter(|row| row.verdict == verdict).collect();
        if rows.is_empty() {
            continue;
        }
        let named = matches!(verdict, Verdict::Regressed | Verdict::Improved) && rows.len() <= 2;
        let detail: Vec<String> = rows
            .iter()
            .filter(|_| named)
            .map(|row| format!("{} {}", code(&context.name(&row.benchmark)), context.change(row)))
            .collect();
        let detail = if detail.is_empty() { String::new() } else { format!(" ({})", words::list(&detail)) };
        counts.push(format!("{} {word}{detail}", rows.len()));
    }
    if counts.is_empty() {
        counts.push("No benchmark in common".to_owned());
    }
    format!(
        "{} against run {}{}, the previous comparable one.",
        words::list(&counts),
        code(previous.baseline.short()),
        when.unwrap_or_default()
    )
}

/// Broken budgets named in the sentence on all of them.
const BROKEN: usize = 4;

/// One sentence on the budgets.
pub(super) fn gates(context: &Context<'_>) -> Option<String> {
    let gates = &context.report.gates;
    let judged: Vec<_> = gates.iter().filter(|gate| gate.verdict != GateVerdict::NotApplicable).collect();
    if judged.is_empty() {
        return (!gates.is_empty())
            .then(|| format!("None of the {} gates is bound to this machine class.", gates.len()));
    }
    let passed = judged.iter().filter(|gate| gate.verdict == GateVerdict::Pass).count();
    let failed = judged.iter().filter(|gate| gate.verdict == GateVerdict::Fail);
    let failed: Vec<String> = failed
        .map(|gate| {
            let over = gate
                .headroom
                .map(|room| format!(" ({} over its limit)", format::percent(context.dialect, -room, 1)));
            format!("{}{}", code(&gate.budget.id), over.unwrap_or_default())
        })
        .collect();
    if !failed.is_empty() {
        let are = if failed.len() == 1 { "is" } else { "are" };
        let named = words::capped(&failed, BROKEN);
        return Some(format!("Gates: {named} {are} broken; {passed} of {} pass.", judged.len()));
    }
    let tightest =
        judged.iter().filter_map(|gate| Some((gate, gate.headroom?))).min_by(|a, b| a.1.total_cmp(&b.1)).map(
            |(gate, headroom)| {
                format!(
                    "; least headroom {} ({})",
                    format::percent(context.dialect, headroom, 1),
                    code(&gate.budget.id)
                )
            },
        );
    Some(format!("Gates: {passed} of {} pass{}.", judged.len(), tightest.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_benchmark_listed_by_its_title_is_not_missing() {
        let id = |package: &str, group: &str, function: Option<&str>, occurrence| BenchmarkId {
            package: package.to_owned(),
            target: "sign".to_owned(),
            group: group.to_owned(),
            function: function.map(str::to_owned),
            value: None,
            occurrence,
        };
        let measured = id("kms", "batch", Some("64"), 0);
        let check = |listed: &BenchmarkId, expected: bool| {
            assert_eq!(is_same(&measured, listed), expected, "{listed:?}");
        };
        check(&measured, true);
        check(&id("kms", "batch/64", None, 0), true);
        check(&id("kms", "batch/64", None, 1), false);
        check(&id("kms", "batch/6", None, 0), false);
        check(&id("other", "batch/64", None, 0), false);
    }
}
