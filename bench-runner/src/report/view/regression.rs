//! Linear sampling as a chart: time of each sample over its iterations, and the line through the origin.
//!
//! A report carries times per iteration and not the iterations. Under linear sampling those are d, 2d, 3d …: the slope that was
//! stored with a launch must follow from its times and that ladder, or there is no chart.

use super::family;
use super::table::{Kind, Table};
use super::words::code;
use super::{Context, Figure, real, total};
use crate::model::estimate::BenchmarkResult;
use crate::report::ReportError;
use crate::report::chart::{Words, regression};
use crate::report::format::{self, Dialect, Scale};

/// Stretches of the ladder of which at most three samples each are drawn.
const STRETCHES: usize = 20;
/// Launches in the table at most.
const LISTED: usize = 30;
/// Benchmarks of a page at most, for which there is room for a second chart each.
const MOST: usize = 40;
/// How far a slope may differ from the one that follows from the ladder: nothing but rounding.
const ROUNDING: f64 = 1e-6;

/// The chart of one benchmark; nothing unless every launch was sampled in a linear way.
pub(super) fn regression(
    context: &Context<'_>,
    result: &BenchmarkResult,
    id: String,
) -> Result<Option<Figure>, ReportError> {
    let few = context.report.results.len() <= MOST;
    let Some(found) = family::distribution(context, result).filter(|_| few) else { return Ok(None) };
    let slopes: Option<Vec<f64>> = result.launches.iter().map(|launch| launch.slope).collect();
    let Some(slopes) = slopes.filter(|slopes| slopes.len() == found.launches.len()) else { return Ok(None) };
    let ladder = |(values, slope): (&Vec<f64>, &f64)| values.len() > 2 && climbs(values, *slope);
    if slopes.is_empty() || !found.launches.iter().zip(&slopes).all(ladder) {
        return Ok(None);
    }
    let mut sorted = slopes.clone();
    sorted.sort_by(f64::total_cmp);
    let (least, middle, largest) = (sorted[0], sorted[sorted.len() / 2], sorted[sorted.len() - 1]);
    let scale = family::scale(context, result);
    let samples: Vec<(usize, f64)> = found
        .launches
        .iter()
        .flat_map(|launch| launch.iter().enumerate().map(|(place, value)| (place + 1, *value)))
        .collect();
    let kept = thinned(&samples);
    let name = context.name(&result.benchmark);
    let words = Words {
        id,
        title: format!("Time over iterations of {name}"),
        description: format!(
            "{} of {}; slopes between {}.",
            format::plural(total(samples.len()), "sample"),
            format::plural(total(slopes.len()), "launch"),
            scale.range(least, largest)
        ),
    };
    let spec = regression::Spec {
        dots: kept.iter().map(|(step, value)| (steps(*step), steps(*step) * scale.scaled(*value))).collect(),
        slopes: (scale.scaled(least), scale.scaled(middle), scale.scaled(largest)),
        label: "iterations ÷ those of the first sample".to_owned(),
        unit: format!("{} ÷ iterations of the first sample", scale.unit()),
    };
    Ok(Some(Figure {
        svg: regression::chart(&words, &spec)?,
        caption: format!(
            "{}: time of a sample over its iterations, {} of {} drawn, extremes always. The line is the middle slope of a launch, \
             {}; the wedge reaches from the smallest to the largest. A sample above the line was disturbed; all of them bending \
             away from it means a cost that the iterations do not share.",
            code(&name),
            kept.len(),
            format::plural(total(samples.len()), "sample"),
            scale.show(middle, Some((largest - least) / 2.0)),
        ),
        fold: format!("Table: slopes of {}", format::plural(total(slopes.len()), "launch")),
        table: table(context, &scale, result),
    }))
}

/// What a page with too many benchmarks says in the place of these charts.
pub(super) fn left_out(context: &Context<'_>) -> Option<String> {
    let results = &context.report.results;
    let linear = results.iter().flat_map(|result| &result.launches).any(|launch| launch.slope.is_some());
    (context.dialect == Dialect::Html && linear && results.len() > MOST)
        .then(|| format!("Time over iterations is drawn on pages of at most {MOST} benchmarks."))
}

fn steps(place: usize) -> f64 {
    real(total(place))
}

/// Whether `slope` is that of a line through the origin fitted to samples of d, 2d, 3d … iterations.
fn climbs(values: &[f64], slope: f64) -> bool {
    let (mut up, mut along) = (0.0, 0.0);
    for (place, value) in values.iter().enumerate() {
        let square = steps(place + 1).powi(2);
        up += square * value;
        along += square;
    }
    slope > 0.0 && ((up / along) / slope - 1.0).abs() < ROUNDING
}

/// Of every stretch of the ladder the fastest, the slowest and the middle sample.
fn thinned(samples: &[(usize, f64)]) -> Vec<(usize, f64)> {
    let most = samples.iter().map(|sample| sample.0).max().unwrap_or(1);
    let mut stretches: Vec<Vec<(usize, f64)>> = vec![Vec::new(); STRETCHES.min(most)];
    for sample in samples {
        let place = (sample.0 - 1) * stretches.len() / most;
        stretches[place].push(*sample);
    }
    let mut kept = Vec::new();
    for stretch in &mut stretches {
        stretch.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        let mut places = vec![0, stretch.len() / 2, stretch.len().saturating_sub(1)];
        places.dedup();
        kept.extend(places.into_iter().filter_map(|place| stretch.get(place).copied()));
    }
    kept
}

fn table(context: &Context<'_>, scale: &Scale, result: &BenchmarkResult) -> Table {
    let mut table = Table::new(
        format!("Slopes of {}, per iteration", context.name(&result.benchmark)),
        &[
            ("Launch", Kind::Number),
            ("Samples", Kind::Number),
            ("Slope", Kind::Number),
            ("Median", Kind::Number),
            ("Slope against median", Kind::Number),
        ],
    );
    for launch in result.launches.iter().take(LISTED) {
        let Some(slope) = launch.slope else { continue };
        table.push([
            (launch.launch + 1).to_string(),
            launch.observations.to_string(),
            scale.show(slope, None),
            scale.show(launch.median, None),
            format::change(context.dialect, slope / launch.median - 1.0, None),
        ]);
    }
    let left = result.launches.len().saturating_sub(LISTED);
    table.note =
        "A slope gives long samples more weight than the median does: where they differ, samples of one launch are not alike."
            .to_owned();
    if left > 0 {
        table.note = format!("{} {left} more launches are left out.", table.note);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_ladder_of_iterations_gives_its_slope() {
        // 1 × 10, 2 × 11, 3 × 12 over 1, 2, 3: (10 + 44 + 108) / 14.
        assert!(climbs(&[10.0, 11.0, 12.0], 162.0 / 14.0));
        assert!(!climbs(&[10.0, 11.0, 12.0], 11.0), "the mean is another number");
        assert!(!climbs(&[10.0, 10.0], 0.0) && !climbs(&[], 1.0));
    }

    #[test]
    fn few_samples_stay_whole_and_of_many_the_extremes() {
        let few = [(1, 5.0), (2, 6.0), (3, 4.0)];
        assert_eq!(thinned(&few), few);
        let mut many: Vec<(usize, f64)> =
            (0..50).flat_map(|_| (1..=100).map(|place| (place, 10.0 + steps(place % 7)))).collect();
        many[3210].1 = 99.0;
        many[77].1 = 1.0;
        let kept = thinned(&many);
        assert!(kept.len() <= 3 * STRETCHES, "{}", kept.len());
        assert!(kept.contains(&many[3210]) && kept.contains(&many[77]));
    }
}
