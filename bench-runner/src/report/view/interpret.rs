//! Interpretation: sentences that rules make from the numbers of one group.
//!
//! Every adjective has its threshold here, as a named constant; where no rule earns a word, the number stands
//! alone. Nothing is said about why a number is what it is: that is not in the data.

use super::family::{self, Group};
use super::words::{code, list};
use super::{Context, real};
use crate::model::comparison::Verdict;
use crate::model::curve::{BatchCurve, CurvePoint, ParallelScaling};
use crate::model::estimate::BenchmarkResult;
use crate::model::ids::BenchmarkId;
use crate::report::format::{self, Scale};

/// Half widths up to this fraction earn "repeatable".
const REPEATABLE: f64 = 0.005;
/// Half widths from this fraction on earn "noisy".
const NOISY: f64 = 0.02;
/// Share of the variance from which one side is said to dominate.
const DOMINANT_SHARE: f64 = 0.75;
/// Batch sizes within this fraction of the best are as good.
pub(super) const AS_GOOD: f64 = 0.05;
/// Efficiencies from this on earn "near-ideal".
const NEAR_IDEAL: f64 = 0.9;
/// Efficiencies below this are said to leave a quarter of the cores unused.
const LIMITED: f64 = 0.75;
/// Differences of efficiency from this on are worth a sentence.
const EFFICIENCY_GAP: f64 = 0.05;
/// Groups with more benchmarks get counts instead of one clause per benchmark.
const FEW: usize = 4;

/// All sentences about `group`, in the order a reader needs them.
pub(super) fn sentences(context: &Context<'_>, group: &Group<'_>) -> Vec<String> {
    let mut sentences = Vec::new();
    sentences.extend(ratio_to_sign(context, group));
    for curve in context.curves(group) {
        sentences.extend(batch(context, curve, group.element()));
    }
    sentences.extend(scaling(context, &context.scalings(group), group.element()));
    sentences.extend(precision(context, group));
    // Said once, with the build, when it holds for the whole run.
    if launch_share(context, &context.report.results).is_none() {
        sentences.extend(launch_share(context, group.results.iter().copied()));
    }
    sentences.extend(change(context, group));
    if sentences.is_empty() {
        sentences.push("No rule applies to these numbers; they stand for themselves.".to_owned());
    }
    sentences
}

/// Compares a verification with the signature of the same name: ids that differ only in `sign` and `verify`.
fn ratio_to_sign(context: &Context<'_>, group: &Group<'_>) -> Option<String> {
    let (verify, sign) = group.results.iter().find_map(|verify| {
        let id = verify.benchmark.full_id();
        if verify.elements() != Some(1) || !id.contains("verify") {
            return None;
        }
        let wanted = id.replace("verify", "sign");
        let sign = context.report.results.iter().find(|sign| {
            sign.benchmark.full_id() == wanted && sign.elements() == Some(1) && sign.metric == verify.metric
        })?;
        (sign.estimate.value > 0.0).then_some((*verify, sign))
    })?;
    let ratio = verify.estimate.value / sign.estimate.value;
    Some(format!(
        "One verification takes {} of a signature ({} against {}).",
        times_words(context, ratio),
        family::value(context, verify),
        family::value(context, sign),
    ))
}

fn times_words(context: &Context<'_>, ratio: f64) -> String {
    format!("{} the time", format::multiple(context.dialect, ratio))
}

fn precision(context: &Context<'_>, group: &Group<'_>) -> Option<String> {
    let mut widths: Vec<f64> = group
        .results
        .iter()
        .filter_map(|result| result.estimate.interval?.relative_half_width(result.estimate.value))
        .collect();
    widths.sort_by(f64::total_cmp);
    let (narrow, wide) = (*widths.first()?, *widths.last()?);
    let show = |fraction| format::half_width(context.dialect, fraction);
    let range = if widths.len() == 1 {
        format!("the interval is {}", show(wide))
    } else if show(narrow) == show(wide) {
        format!("the intervals are {}", show(wide))
    } else {
        format!("the intervals are {} to {}", show(narrow), show(wide))
    };
    let covers_launches = group.results.iter().all(|result| result.estimate.launches > 1);
    Some(if wide <= REPEATABLE && covers_launches {
        format!("Repeatable from launch to launch: {range}.")
    } else if wide >= NOISY {
        format!(
            "Noisy: {range}. A change below about {} would not show in such a run.",
            format::percent(context.dialect, 2.0 * wide, 0)
        )
    } else {
        family::capitalised(&format!("{range}."))
    })
}

/// Says where the variance comes from, if one side dominates in all of `results`.
pub(super) fn launch_share<'r>(
    context: &Context<'_>,
    results: impl IntoIterator<Item = &'r BenchmarkResult>,
) -> Option<String> {
    let shares: Vec<f64> = results.into_iter().filter_map(|result| result.launch_variance_share).collect();
    if shares.is_empty() {
        return None;
    }
    let high = shares.iter().copied().filter(|share| *share >= DOMINANT_SHARE).count();
    let lowest = shares.iter().copied().min_by(f64::total_cmp)?;
    let highest = shares.iter().copied().max_by(f64::total_cmp)?;
    let show = |share| format::percent(context.dialect, share, 0);
    if high == shares.len() {
        Some(format!(
            "At least {} of the variance comes from the launch itself: more launches would narrow the interval, \
             longer windows would not.",
            show(lowest)
        ))
    } else if highest <= 1.0 - DOMINANT_SHARE {
        Some(format!(
            "At most {} of the variance comes from the launch: longer windows would narrow the interval as well as \
             more launches.",
            show(highest)
        ))
    } else {
        None
    }
}

/// What the previous comparable run says about this group.
fn change(context: &Context<'_>, group: &Group<'_>) -> Option<String> {
    let previous = context.report.previous.as_ref()?;
    let rows: Vec<_> = group.results.iter().filter_map(|result| context.row(&result.benchmark)).collect();
    if rows.is_empty() {
        return None;
    }
    let run = code(previous.baseline.short());
    if rows.len() > FEW {
        let of = |verdict| rows.iter().filter(|row| row.verdict == verdict).count();
        return Some(format!(
            "Against run {run}: {} regressed, {} improved, {} unchanged, {} inconclusive, {} not comparable.",
            of(Verdict::Regressed),
            of(Verdict::Improved),
            of(Verdict::Unchanged),
            of(Verdict::Inconclusive),
            of(Verdict::NotComparable),
        ));
    }
    let clauses: Vec<String> = rows
        .iter()
        .map(|row| {
            let change = context.change(row);
            let word = match row.verdict {
                Verdict::Regressed => "regressed",
                Verdict::Improved => "improved",
                Verdict::Unchanged => "unchanged within the margin",
                Verdict::Inconclusive => "inconclusive",
                Verdict::NotComparable => {
                    return format!("{} not comparable", code(&context.name(&row.benchmark)));
                }
            };
            if rows.len() == 1 {
                format!("{change}, {word}")
            } else {
                format!("{} {change}, {word}", code(&context.name(&row.benchmark)))
            }
        })
        .collect();
    Some(format!("Against run {run}: {}.", clauses.join("; ")))
}

/// The time of a benchmark as its result shows it: with the digits that its interval allows.
fn shown(context: &Context<'_>, id: &BenchmarkId, nanoseconds: f64) -> String {
    let same = |result: &&BenchmarkResult| {
        result.benchmark == *id && (result.estimate.value - nanoseconds).abs() <= 1e-9 * nanoseconds
    };
    context.report.results.iter().find(same).map_or_else(
        || Scale::time(context.dialect, [nanoseconds]).show(nanoseconds, None),
        |result| family::value(context, result),
    )
}

/// Sentences about one batch curve.
fn batch(context: &Context<'_>, curve: &BatchCurve, element: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    let Some(best) = best(curve) else { return sentences };
    let time = |value: f64| Scale::time(context.dialect, [value]).show(value, None);
    if let Some((single, alone)) = &curve.single {
        let saving = 1.0 - best.per_element_ns / alone;
        let others: Vec<String> = curve
            .points
            .iter()
            .filter(|point| point.size != best.size)
            .map(|point| {
                let change = point.per_element_ns / alone - 1.0;
                format!("{} at {}", format::change(context.dialect, change, None), size(context, point.size))
            })
            .collect();
        if saving > 0.0 {
            sentences.push(format!(
                "A batch of {} costs {} per {element} instead of {} alone ({}): {} less. Other sizes against the \
                 single operation: {}.",
                best.size,
                time(best.per_element_ns),
                shown(context, single, *alone),
                code(&context.name(single)),
                format::percent(context.dialect, saving, 1),
                list(&others)
            ));
        } else {
            sentences.push(format!(
                "No measured batch size beats the single operation ({} alone, {} per {element} at best).",
                shown(context, single, *alone),
                time(best.per_element_ns)
            ));
        }
    }
    sentences.extend(sweet_spot(context, curve, best));
    if let Some(last) = curve.points.last() {
        sentences.push(format!(
            "A batch answers when all of it is done: {} at {}.",
            shown(context, &last.benchmark, last.per_element_ns * real(last.size)),
            size(context, last.size)
        ));
    }
    sentences
}

/// `N = 64`, which stays on one line.
pub(super) fn size(context: &Context<'_>, size: u64) -> String {
    let gap = context.dialect.gap();
    format!("N{gap}={gap}{size}")
}

/// The point with the lowest time per element.
pub(super) fn best(curve: &BatchCurve) -> Option<&CurvePoint> {
    curve.points.iter().min_by(|a, b| a.per_element_ns.total_cmp(&b.per_element_ns))
}

/// The smallest size as good as the best.
pub(super) fn smallest_as_good<'a>(curve: &'a BatchCurve, best: &CurvePoint) -> Option<&'a CurvePoint> {
    curve.points.iter().find(|point| point.per_element_ns <= best.per_element_ns * (1.0 + AS_GOOD))
}

fn sweet_spot(context: &Context<'_>, curve: &BatchCurve, best: &CurvePoint) -> Vec<String> {
    let mut sentences = Vec::new();
    let excess = |point: &CurvePoint| {
        format::change(context.dialect, point.per_element_ns / best.per_element_ns - 1.0, None)
    };
    if let Some(enough) = smallest_as_good(curve, best).filter(|point| point.size != best.size) {
        sentences.push(format!(
            "{} is the smallest size within {} of the best, {} ({} per element).",
            size(context, enough.size),
            format::percent(context.dialect, AS_GOOD, 0),
            size(context, best.size),
            excess(enough)
        ));
    }
    let Some(last) = curve.points.last() else { return sentences };
    if last.size == best.size {
        sentences.push(format!(
            "{} is also the largest size measured: larger batches may cost still less, or more.",
            size(context, last.size)
        ));
    } else if last.per_element_ns > best.per_element_ns * (1.0 + AS_GOOD) {
        sentences.push(format!(
            "Beyond the best size the cost rises again: {} costs {} against {}.",
            size(context, last.size),
            excess(last),
            size(context, best.size)
        ));
    }
    sentences
}

/// Sentences about parallel benchmarks.
fn scaling(context: &Context<'_>, parallel: &[&ParallelScaling], element: &str) -> Vec<String> {
    let mut sentences: Vec<String> =
        parallel.iter().map(|scaling| one_scaling(context, scaling, element)).collect();
    let ordered = |a: &&&ParallelScaling, b: &&&ParallelScaling| a.efficiency.total_cmp(&b.efficiency);
    let (worst, best) = (parallel.iter().min_by(ordered), parallel.iter().max_by(ordered));
    if let (Some(worst), Some(best)) = (worst, best)
        && best.efficiency - worst.efficiency >= EFFICIENCY_GAP
    {
        let show = |value| format::percent(context.dialect, value, 0);
        sentences.push(format!(
            "{} uses the cores less well than {}: {} against {}.",
            code(&context.name(&worst.benchmark)),
            code(&context.name(&best.benchmark)),
            show(worst.efficiency),
            show(best.efficiency)
        ));
    }
    sentences
}

fn one_scaling(context: &Context<'_>, scaling: &ParallelScaling, element: &str) -> String {
    let dialect = context.dialect;
    let total = shown(context, &scaling.benchmark, scaling.total_ns);
    let noun = if element == "op" { "op".to_owned() } else { format!("{element}s") };
    let rate = format::rate(dialect, real(scaling.operations) * 1e9 / scaling.total_ns, &noun);
    let cores = match scaling.usable_cores {
        Some(cores) if cores < scaling.threads => {
            format!("{} threads shared {}", scaling.threads, format::plural(cores, "usable core"))
        }
        Some(cores) => format::plural(cores, "core"),
        None => format!("{} threads (usable cores unknown)", scaling.threads),
    };
    let word = if scaling.efficiency > 1.0 {
        "above 100 %, so the single-threaded reference does less per call or ran under worse conditions"
    } else if scaling.efficiency >= NEAR_IDEAL {
        "near-ideal"
    } else if scaling.efficiency < LIMITED {
        "more than a quarter of the cores' time is lost"
    } else {
        ""
    };
    format!(
        "{}: {} operations on {} threads in {total}, {rate}. That is {} one thread, {} of the ideal for {cores}{}{word}.",
        code(&context.name(&scaling.benchmark)),
        format::count(dialect, scaling.operations),
        scaling.threads,
        format::multiple(dialect, scaling.speed_up),
        format::percent(dialect, scaling.efficiency, 1),
        if word.is_empty() { "" } else { ": " },
    )
}

/// Results of single operations: one declared element per iteration.
pub(super) fn singles<'a>(context: &Context<'a>) -> Vec<&'a BenchmarkResult> {
    context.report.results.iter().filter(|result| result.elements() == Some(1)).collect()
}
