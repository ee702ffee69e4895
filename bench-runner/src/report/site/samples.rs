//! Observations of the newest run: beside those of the run before, and in the order of time.

use super::block::{Cell, Chart, Grid};
use crate::report::ReportError;
use crate::report::chart::line::{Point, Spec, chart};
use crate::report::chart::thin::thin;
use crate::report::chart::{Words, frame, pair};
use crate::report::format::{Scale, plural};
use crate::report::view::table::Kind;
use crate::report::view::words::code;
use crate::report::view::{real, total};

/// Points of the samples at most.
const SAMPLES: usize = 260;

/// The median, as `stats` defines it; pages may not import that layer, and these marks are no number of a report.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = if sorted.len().is_multiple_of(2) { sorted[sorted.len() / 2 - 1] } else { upper };
    Some(f64::midpoint(lower, upper))
}

pub(super) fn distributions(
    scale: &Scale,
    (before, now): (&[f64], &[f64]),
    (old, new): (&str, &str),
    number: usize,
) -> Result<Chart, ReportError> {
    let scaled = |values: &[f64]| values.iter().map(|value| scale.scaled(*value)).collect::<Vec<f64>>();
    let middle = (median(before), median(now));
    let words = Words {
        id: format!("pair-{number}"),
        title: "Observations of the newest run and of the one before".to_owned(),
        description: format!(
            "Middle {} before and {} now, on one scale.",
            middle.0.map_or_else(|| "unknown".to_owned(), |value| scale.show(value, None)),
            middle.1.map_or_else(|| "unknown".to_owned(), |value| scale.show(value, None))
        ),
    };
    let label = format!("{} per iteration", scale.unit());
    let drawn = (middle.0.map(|value| scale.scaled(value)), middle.1.map(|value| scale.scaled(value)));
    let (svg, beyond) = pair::chart(&words, (&scaled(before), &scaled(now)), drawn, &label)?;
    let mut grid = Grid::new(
        "Both runs in numbers",
        &[
            ("Run", Kind::Code),
            ("Observations", Kind::Number),
            ("Smallest", Kind::Number),
            ("Middle", Kind::Number),
            ("Largest", Kind::Number),
        ],
    );
    for (name, values) in [(old, before), (new, now)] {
        let end = |pick: fn(f64, f64) -> f64| values.iter().copied().reduce(pick);
        let show =
            |value: Option<f64>| value.map_or_else(|| "unknown".to_owned(), |value| scale.show(value, None));
        grid.rows.push(vec![
            Cell::text(name),
            Cell::text(values.len().to_string()),
            Cell::text(show(end(f64::min))),
            Cell::text(show(median(values))),
            Cell::text(show(end(f64::max))),
        ]);
    }
    let beyond = if beyond == 0 { String::new() } else { format!(" {beyond} lie beyond the right edge.") };
    Ok(Chart {
        svg,
        at: Vec::new(),
        axes: None,
        drawn: String::new(),
        caption: format!(
            "All observations, run {} above, run {} below, the same scale; the mark is the middle.{beyond}",
            code(old),
            code(new)
        ),
        fold: "Both runs in numbers".to_owned(),
        grid,
    })
}

/// A point that stands for itself.
fn dot(x: f64, y: f64) -> Point {
    Point { x, y, interval: None, aside: false, gap: false }
}

/// Observations in the order of time: drift, steps and throttling show here and nowhere else.
pub(super) fn in_order(
    scale: &Scale,
    launches: &[Vec<f64>],
    run: &str,
    number: usize,
) -> Result<Chart, ReportError> {
    let values = launches.concat();
    let kept = thin(&values, SAMPLES);
    let x = |place: usize| real(total(place + 1));
    let mut begins = Vec::new();
    let mut begun = 0;
    for launch in launches {
        begins.push(begun);
        begun += launch.len();
    }
    let launch_of = |place: usize| begins.partition_point(|begin| *begin <= place);
    let spec = Spec {
        points: kept.iter().map(|place| dot(x(*place), scale.scaled(values[*place]))).collect(),
        levels: launches
            .iter()
            .zip(&begins)
            .filter_map(|(launch, begin)| {
                Some((x(*begin), x(begin + launch.len().saturating_sub(1)), scale.scaled(median(launch)?)))
            })
            .collect(),
        limit: None,
        marks: Vec::new(),
        ticks: frame::ticks(1.0, x(values.len()), 6.0),
        label: "observation, in the order of time".to_owned(),
        unit: format!("{} per iteration", scale.unit()),
        joined: false,
    };
    let words = Words {
        id: format!("order-{number}"),
        title: "Observations in the order of time".to_owned(),
        description: format!(
            "{} in {}.",
            plural(total(values.len()), "observation"),
            plural(total(launches.len()), "launch")
        ),
    };
    let made = chart(&words, &spec)?;
    let mut grid = Grid::new(
        "Observations drawn",
        &[("Observation", Kind::Number), ("Launch", Kind::Number), ("Value", Kind::Number)],
    );
    for place in &kept {
        grid.rows.push(vec![
            Cell::text((place + 1).to_string()),
            Cell::text(launch_of(*place).to_string()),
            Cell::text(scale.show(values[*place], None)),
        ]);
    }
    Ok(Chart {
        svg: made.svg,
        at: made.at,
        axes: None,
        drawn: String::new(),
        caption: format!(
            "Samples of run {} in time order; the lines are the middles of its launches. {} of {} drawn, extremes always.",
            code(run),
            kept.len(),
            plural(total(values.len()), "observation")
        ),
        fold: format!("The {} as a table", plural(total(kept.len()), "observation")),
        grid,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_an_even_number_lies_between_the_two() {
        assert_eq!(median(&[4.0, 1.0, 2.0, 9.0]), Some(3.0));
        assert_eq!(median(&[4.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[]), None);
    }
}
