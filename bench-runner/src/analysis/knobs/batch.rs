//! Rules about batches: how large, how far the sweep must go, when not to batch, and batches on several threads.

use super::super::curve::CurveKind;
use super::super::words;
use super::{Fired, KnobInput, Needs, Rule};
use crate::model::curve::{BatchCurve, CurvePoint, ParallelScaling};
use crate::model::knob::{Confidence, KnobGroup, KnobState};
use crate::model::run::RunKind;
use crate::stats::moments::line_with_intercept;

/// The package whose interface we know.
pub(super) const KMS: &str = "kms";
/// A size counts as good when its time per operation is at most this factor of the best.
pub(super) const NEAR_BEST: f64 = 1.03;
/// Batching is worth mentioning when it saves at least this share of the single operation.
const WORTHWHILE: f64 = 0.03;
/// Batches are worth combining with threads below this share of the single operation.
pub(super) const COMBINE_BELOW: f64 = 0.8;
/// Share of a chunk's time that its fixed cost may take.
pub(super) const CHUNK_OVERHEAD: f64 = 0.03;

pub(super) static RULES: [Rule; 5] = [
    Rule {
        id: "caller.batch-size",
        group: KnobGroup::Caller,
        question: "Which is the smallest batch within 3 % of the best, when the sweep contains its optimum?",
        needs: Needs::Estimates,
        state: KnobState::Candidate,
        cost: "latency of collecting a batch, memory for its items",
        risk: "one invalid item fails its whole batch, which must then be checked singly",
        security: "",
        see: "",
        set: "",
        trial: Some(super::suite::BATCH_SIZE),
        typical: None,
        evidence: batch_size,
    },
    Rule {
        id: "caller.batch-sweep",
        group: KnobGroup::Caller,
        question: "Is the largest tested batch the best one, or does a known change of algorithm lie near the end of the sweep?",
        needs: Needs::Estimates,
        state: KnobState::Candidate,
        cost: "a few more benchmarks in the suite",
        risk: "the best size may be one that no caller ever has: advice stops at what callers collect",
        security: "",
        see: "",
        set: "",
        trial: None,
        typical: None,
        evidence: batch_sweep,
    },
    Rule {
        id: "caller.batch-crossover",
        group: KnobGroup::Caller,
        question: "Do small batches cost more per operation than the single operation?",
        needs: Needs::Estimates,
        state: KnobState::Candidate,
        cost: "a branch on the number of items",
        risk: "two paths to test instead of one",
        security: "",
        see: "",
        set: "",
        trial: Some(super::suite::SMALL_BATCHES),
        typical: None,
        evidence: batch_crossover,
    },
    Rule {
        id: "caller.batch-per-thread",
        group: KnobGroup::Caller,
        question: "Do threads repeat a single operation although a batch costs at most 80 % of it?",
        needs: Needs::Estimates,
        state: KnobState::Candidate,
        cost: "splitting the work into one chunk per thread",
        risk: "oversubscription when callers are parallel already",
        security: "",
        see: "",
        set: "",
        trial: Some(super::suite::BATCH_PER_THREAD),
        typical: None,
        evidence: batch_per_thread,
    },
    Rule {
        id: "caller.chunk-per-thread",
        group: KnobGroup::Caller,
        question: "Does the fixed cost of a batch take more than 3 % of the chunk that each thread works on?",
        needs: Needs::Estimates,
        state: KnobState::Candidate,
        cost: "fewer, larger chunks: the last one to finish is waited for longer",
        risk: "uneven chunks when there are few items",
        security: "",
        see: "",
        set: "",
        trial: None,
        typical: None,
        evidence: chunk_per_thread,
    },
];

fn best(curve: &BatchCurve) -> Option<&CurvePoint> {
    curve.points.iter().min_by(|a, b| a.per_element_ns.total_cmp(&b.per_element_ns))
}

/// The smallest size within 3 % of the best.
fn sweet_spot(curve: &BatchCurve) -> Option<&CurvePoint> {
    let limit = NEAR_BEST * best(curve)?.per_element_ns;
    curve.points.iter().find(|point| point.per_element_ns <= limit)
}

fn point_evidence(point: &CurvePoint) -> (String, String) {
    (format!("{} per operation", point.benchmark), words::time(point.per_element_ns))
}

/// Code to start from: against the interface of `kms`, and in words for every other package.
fn in_batches(package: &str, name: &str, size: u64) -> String {
    match package {
        KMS => format!(
            "use kms::Rule;\nfor batch in items.chunks({size}) {{\n    verdicts.extend(kms::Zip215::verify_many(batch));\n}}"
        ),
        _ => format!("for batch in items.chunks({size}) {{ /* one call of {name} */ }}"),
    }
}

/// The same for batches inside threads.
fn in_threads(package: &str, name: &str, size: u64) -> String {
    match package {
        KMS => "use kms::parallel::{Scoped, verify_many};\n\
                verify_many::<kms::Zip215>(&items, &mut verdicts, &Scoped::available())?;"
            .to_owned(),
        _ => format!("one thread per core, each calling {name} on chunks of {size}"),
    }
}

/// Whether the single operation and the batch give the same answers, so that a batch may be advised.
///
/// A family with a caution says that they need not: then only the first of its named single operations counts. A record
/// measured one operation only, and its caution is shown.
fn is_like_for_like(input: &KnobInput<'_>, curve: &BatchCurve) -> bool {
    let Some((single, _)) = &curve.single else { return false };
    let hint = curve.points.first().and_then(|point| input.hints.of(&point.benchmark));
    hint.is_none_or(|hint| hint.caution.is_empty() || hint.singles.first() == Some(&single.to_string()))
        || input.run.kind == RunKind::Summary
}

fn caution(input: &KnobInput<'_>, curve: &BatchCurve) -> String {
    curve
        .points
        .first()
        .and_then(|point| input.hints.of(&point.benchmark))
        .map_or(String::new(), |hint| hint.caution.clone())
}

fn batch_size(input: &KnobInput<'_>) -> Vec<Fired> {
    let found = input.curves.iter().filter_map(|curve| {
        let (single_id, single_ns) = curve.single.as_ref()?;
        let (best, sweet) = (best(curve)?, sweet_spot(curve)?);
        let gain = sweet.per_element_ns / single_ns - 1.0;
        let optimum_inside = best.size < curve.points.last()?.size && is_like_for_like(input, curve);
        (optimum_inside && gain <= -WORTHWHILE).then(|| {
            let mut evidence: Vec<(String, String)> = curve.points.iter().map(point_evidence).collect();
            evidence.push((single_id.to_string(), words::time(*single_ns)));
            let bounds = sweet.interval_ns.map(|(low, high)| (low / single_ns - 1.0, high / single_ns - 1.0));
            Fired {
                predicted_change: Some(bounds.unwrap_or((gain, gain))),
                confidence: if bounds.is_some() { Confidence::High } else { Confidence::Medium },
                caution: caution(input, curve),
                how: in_batches(&sweet.benchmark.package, &curve.name, sweet.size),
                ..Fired::new(
                    format!("Batch {} operations of {} where callers have them", sweet.size, curve.name),
                    format!(
                        "{} per operation in batches of {} against {} singly ({}); {} is the smallest size within 3 % of the best, {}",
                        words::time(sweet.per_element_ns),
                        sweet.size,
                        words::time(*single_ns),
                        words::change(gain),
                        sweet.size,
                        best.size
                    ),
                    evidence,
                )
            }
        })
    });
    found.collect()
}

fn batch_sweep(input: &KnobInput<'_>) -> Vec<Fired> {
    input.curves.iter().filter_map(|curve| sweep(input, curve)).collect()
}

fn sweep(input: &KnobInput<'_>, curve: &BatchCurve) -> Option<Fired> {
    let (best, sweet, largest) = (best(curve)?, sweet_spot(curve)?, curve.points.last()?);
    let measured = |size: u64| curve.points.iter().any(|point| point.size == size);
    let steps: Vec<u64> = match input.hints.of(&largest.benchmark).map(|hint| &hint.kind) {
        Some(CurveKind::Batch { steps }) => steps
            .iter()
            .copied()
            .filter(|&step| largest.size / 2 < step && step < 2 * largest.size)
            .filter(|&step| !(measured(step) && measured(step.saturating_sub(1))))
            .collect(),
        _ => Vec::new(),
    };
    let open_end = best.size == largest.size;
    if !open_end && steps.is_empty() {
        return None;
    }
    let mut sizes: Vec<u64> = steps.iter().flat_map(|step| [step.saturating_sub(1), *step]).collect();
    sizes.extend([2 * largest.size, 4 * largest.size]);
    sizes.retain(|size| *size > 0 && !measured(*size));
    sizes.sort_unstable();
    let mut because = Vec::new();
    if open_end {
        because.push(format!(
            "the largest size tested, {}, is the best so far ({} per operation), so the optimum is not known",
            largest.size,
            words::time(best.per_element_ns)
        ));
    }
    because.extend(
        steps.iter().map(|step| format!("the code under test changes its algorithm at {step} items")),
    );
    if open_end && sweet.size < best.size {
        because.push(format!(
            "until then {} is enough: within {} of the best",
            sweet.size,
            words::percent(sweet.per_element_ns / best.per_element_ns - 1.0)
        ));
    }
    let sizes = sizes.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    Some(Fired {
        how: format!("sizes to add to {}: {sizes}", curve.name),
        ..Fired::new(
            format!("Extend the sweep of {} beyond {}", curve.name, largest.size),
            because.join("; "),
            curve.points.iter().map(point_evidence).collect(),
        )
    })
}

fn batch_crossover(input: &KnobInput<'_>) -> Vec<Fired> {
    let found = input.curves.iter().filter_map(|curve| {
        let (single_id, single_ns) = curve.single.as_ref()?;
        let worse: Vec<&CurvePoint> =
            curve.points.iter().take_while(|point| point.per_element_ns > *single_ns).collect();
        let worst = worse.last()?;
        let next = curve.points.get(worse.len());
        let gain = single_ns / worst.per_element_ns - 1.0;
        let action = match next {
            Some(next) => format!(
                "Do not use {} for up to {} items; from {} on it pays",
                curve.name, worst.size, next.size
            ),
            None => format!("Do not use {}: no tested size pays", curve.name),
        };
        let mut evidence: Vec<(String, String)> = worse.iter().map(|point| point_evidence(point)).collect();
        evidence.push((single_id.to_string(), words::time(*single_ns)));
        Some(Fired {
            predicted_change: Some((gain, gain)),
            ..Fired::new(
                action,
                format!(
                    "{} per operation in batches of {}, {} singly",
                    words::time(worst.per_element_ns),
                    worst.size,
                    words::time(*single_ns)
                ),
                evidence,
            )
        })
    });
    found.collect()
}

/// Whether the benchmark's threads work in batches already.
fn batched(input: &KnobInput<'_>, id: &crate::model::ids::BenchmarkId) -> bool {
    input.hints.of(id).is_some_and(|hint| matches!(hint.kind, CurveKind::Parallel { batched: true, .. }))
}

fn batch_per_thread(input: &KnobInput<'_>) -> Vec<Fired> {
    let singly = input.parallel.iter().filter(|parallel| !batched(input, &parallel.benchmark));
    singly
        .flat_map(|parallel| input.curves.iter().filter_map(|curve| combined(input, parallel, curve)))
        .collect()
}

/// Operations per second over all threads.
fn throughput(parallel: &ParallelScaling) -> f64 {
    parallel.operations as f64 / parallel.total_ns * 1e9
}

fn combined(input: &KnobInput<'_>, parallel: &ParallelScaling, curve: &BatchCurve) -> Option<Fired> {
    let hint = input.hints.of(&curve.points.first()?.benchmark)?;
    let sweet = sweet_spot(curve)?;
    let of_single = sweet.per_element_ns / parallel.single_ns;
    if !hint.singles.contains(&parallel.single.to_string()) || of_single > COMBINE_BELOW {
        return None;
    }
    let now = throughput(parallel);
    let measured = input.parallel.iter().find(|other| {
        let in_batches = batched(input, &other.benchmark);
        in_batches && curve.points.iter().any(|point| point.benchmark == other.single)
    });
    let reached = measured.map_or(now / of_single, throughput);
    if reached < now * (1.0 + WORTHWHILE) {
        return None;
    }
    // When the batch replaces another single operation than the threads repeat, switching changes what is accepted.
    if curve.single.as_ref().is_none_or(|(single, _)| *single != parallel.single)
        || !is_like_for_like(input, curve)
    {
        return None;
    }
    let reaches = match measured {
        Some(other) => format!("measured in {}: {}", other.benchmark, words::rate(reached)),
        None => format!(
            "predicted {} × {} × {:.3} ≈ {}",
            parallel.usable_cores.unwrap_or(parallel.threads),
            words::rate(1e9 / sweet.per_element_ns),
            parallel.efficiency,
            words::rate(reached)
        ),
    };
    let change = now / reached - 1.0;
    let because = format!(
        "each thread repeats {}, while batches of {} cost {} of it; {reaches} ({} time per operation)",
        parallel.single,
        sweet.size,
        words::share(of_single),
        words::change(change),
    );
    // A measured change is what it is; of a prediction at least half is expected to come true.
    let gain = if measured.is_some() { (change, change) } else { (change, change / 2.0) };
    Some(Fired {
        predicted_change: Some(gain),
        confidence: if measured.is_some() { Confidence::High } else { Confidence::Medium },
        how: in_threads(&sweet.benchmark.package, &curve.name, sweet.size),
        caution: hint.caution.clone(),
        ..Fired::new(
            format!(
                "Combine threads and batches: give each thread of {} chunks of {}",
                parallel.benchmark, sweet.size
            ),
            because,
            vec![
                (parallel.benchmark.to_string(), words::rate(now)),
                (parallel.single.to_string(), words::time(parallel.single_ns)),
                point_evidence(sweet),
            ],
        )
    })
}

fn chunk_per_thread(input: &KnobInput<'_>) -> Vec<Fired> {
    let found = input.parallel.iter().filter(|parallel| batched(input, &parallel.benchmark)).filter_map(|parallel| {
        let curve = input
            .curves
            .iter()
            .find(|curve| curve.points.iter().any(|point| point.benchmark == parallel.single))?;
        // The largest chunk a thread can have; when the code splits further, the fixed part is larger still.
        let chunk = parallel.operations as f64 / parallel.threads as f64;
        let sizes: Vec<f64> = curve.points.iter().map(|point| point.size as f64).collect();
        let totals: Vec<f64> =
            curve.points.iter().map(|point| point.size as f64 * point.per_element_ns).collect();
        let (fixed, per_item) = line_with_intercept(&sizes, &totals)?;
        let overhead = fixed / (fixed + per_item * chunk);
        if fixed <= 0.0 || per_item <= 0.0 || overhead <= CHUNK_OVERHEAD {
            return None;
        }
        let wanted = crate::stats::ceil_to_count(fixed / per_item * (1.0 - CHUNK_OVERHEAD) / CHUNK_OVERHEAD);
        let gain = (per_item + fixed / wanted as f64) / (per_item + fixed / chunk) - 1.0;
        Some(Fired {
            predicted_change: Some((gain, 0.0)),
            confidence: Confidence::Low,
            ..Fired::new(
                format!("Give each thread of {} chunks of at least {wanted}", parallel.benchmark),
                format!(
                    "a batch costs {} once and {} per item, so the {chunk} items of each thread spend at least {} on the fixed part",
                    words::time(fixed),
                    words::time(per_item),
                    words::percent(overhead)
                ),
                curve.points.iter().map(point_evidence).collect(),
            )
        })
    });
    found.collect()
}
