//! Charts of a page with their captions and tables; empty in every other format.
//!
//! Chooses unit and words; drawing is the business of `chart`.

use super::family::{self, Group};
use super::table::{Kind, Table};
use super::words::{self, code};
use super::{Context, Figure, real, regression, total};
use crate::model::comparison::RunComparison;
use crate::model::curve::{BatchCurve, ParallelScaling};
use crate::model::estimate::BenchmarkResult;
use crate::report::ReportError;
use crate::report::chart::{Words, batch, distribution, forest, scaling};
use crate::report::format::append;
use crate::report::format::{self, Dialect, Scale};

/// Charts of one group: curves first, then scaling, then of each benchmark its distribution and, under linear sampling, its
/// regression.
pub(super) fn family(
    context: &Context<'_>,
    group: &Group<'_>,
    slug: &str,
) -> Result<Vec<Figure>, ReportError> {
    let mut figures = Vec::new();
    if context.dialect != Dialect::Html {
        return Ok(figures);
    }
    for curve in context.curves(group) {
        figures.push(batch_curve(context, curve, &format!("{slug}-c{}", figures.len()))?);
    }
    let scalings = context.scalings(group);
    if !scalings.is_empty() {
        figures.push(parallel(context, &scalings, &format!("{slug}-c{}", figures.len()))?);
    }
    for result in &group.results {
        let id = format!("{slug}-c{}", figures.len());
        figures.extend(spread(context, result, id)?);
        let id = format!("{slug}-c{}", figures.len());
        figures.extend(regression::regression(context, result, id)?);
    }
    Ok(figures)
}

fn spread(
    context: &Context<'_>,
    result: &BenchmarkResult,
    id: String,
) -> Result<Option<Figure>, ReportError> {
    let Some(found) = family::distribution(context, result) else { return Ok(None) };
    let scale = family::scale(context, result);
    let name = context.name(&result.benchmark);
    let values: Vec<f64> = found.launches.iter().flatten().map(|value| scale.scaled(*value)).collect();
    let count = values.len();
    let rows = result.launches.iter().map(|launch| distribution::Row {
        lower: scale.scaled(launch.lower_quartile),
        median: scale.scaled(launch.median),
        upper: scale.scaled(launch.upper_quartile),
        minimum: scale.scaled(launch.minimum),
        maximum: scale.scaled(launch.maximum),
    });
    let rows: Vec<_> = rows.collect();
    let hidden = rows.len().saturating_sub(distribution::MOST_LAUNCHES);
    let estimate = family::value(context, result);
    let words = Words {
        id,
        title: format!("Distribution of {name}"),
        description: format!(
            "{count} observations in {}; {} {estimate} {}.",
            format::plural(found.launches.len() as u64, "launch"),
            result.estimate.statistic.words(),
            family::doubt(context, result)
        ),
    };
    let spec = distribution::Spec {
        values,
        rows,
        estimate: scale.scaled(result.estimate.value),
        interval: result.estimate.interval.map(|it| (scale.scaled(it.low), scale.scaled(it.high))),
        label: format!("{} per iteration; the axis does not start at 0", scale.unit()),
    };
    let chart = distribution::chart(&words, &spec)?;
    let mut caption = format!(
        "{}: all observations above, one row per launch below (thick: middle half, tick: median). Dashed: {estimate}; \
         band: its interval.",
        code(&name)
    );
    if chart.beyond > 0 {
        append(
            &mut caption,
            format_args!(
                " {} of {count} observations lie beyond the right edge, up to {}.",
                chart.beyond,
                scale.show(result.launches.iter().map(|launch| launch.maximum).fold(0.0, f64::max), None)
            ),
        );
    }
    if hidden > 0 {
        append(&mut caption, format_args!(" {hidden} more launches stand in the table."));
    }
    Ok(Some(Figure {
        svg: chart.svg,
        caption,
        fold: format!("Table: {} launches of {name}", result.launches.len()),
        table: launches(&scale, &name, result),
    }))
}

fn launches(scale: &Scale, name: &str, result: &BenchmarkResult) -> Table {
    let unit = scale.unit();
    let mut table = Table::new(
        format!("Launches of {name}, in {unit} per iteration"),
        &[
            ("Launch", Kind::Number),
            ("Obs.", Kind::Number),
            ("Minimum", Kind::Number),
            ("Quarter", Kind::Number),
            ("Median", Kind::Number),
            ("Three quarters", Kind::Number),
            ("Maximum", Kind::Number),
            ("Mean", Kind::Number),
        ],
    );
    for launch in &result.launches {
        let show = |value: f64| scale.number(value, None);
        table.push([
            (launch.launch + 1).to_string(),
            launch.observations.to_string(),
            show(launch.minimum),
            show(launch.lower_quartile),
            show(launch.median),
            show(launch.upper_quartile),
            show(launch.maximum),
            show(launch.mean),
        ]);
    }
    table.note = format!("In {unit} per iteration.");
    table
}

fn batch_curve(context: &Context<'_>, curve: &BatchCurve, id: &str) -> Result<Figure, ReportError> {
    let dialect = context.dialect;
    let times = curve.points.iter().map(|point| point.per_element_ns);
    let scale = Scale::time(dialect, times.chain(curve.single.iter().map(|(_, value)| *value)));
    let single = curve
        .single
        .as_ref()
        .map(|(_, value)| (scale.scaled(*value), format!("one at a time: {}", scale.show(*value, None))));
    let points = curve.points.iter().map(|point| batch::Point {
        size: real(point.size),
        value: scale.scaled(point.per_element_ns),
        interval: point.interval_ns.map(|(low, high)| (scale.scaled(low), scale.scaled(high))),
        text: scale.number(point.per_element_ns, None),
    });
    let spec = batch::Spec { points: points.collect(), single, unit: scale.unit() };
    let said: Vec<String> = curve
        .points
        .iter()
        .map(|point| format!("{} at N = {}", scale.show(point.per_element_ns, None), point.size))
        .collect();
    let words = Words {
        id: id.to_owned(),
        title: format!("Time per element over batch size: {}", curve.name),
        description: format!("{}.", words::list(&said)),
    };
    let mut table = Table::new(
        format!("Batch curve {}", curve.name),
        &[
            ("Batch size", Kind::Number),
            ("Per element", Kind::Number),
            ("Interval", Kind::Number),
            ("Against single", Kind::Number),
            ("Whole batch", Kind::Number),
        ],
    );
    for point in &curve.points {
        let whole = point.per_element_ns * real(point.size);
        let against = curve
            .single
            .as_ref()
            .map(|(_, alone)| format::change(dialect, point.per_element_ns / alone - 1.0, None));
        table.push([
            point.size.to_string(),
            scale.show(point.per_element_ns, None),
            point.interval_ns.map_or_else(|| "unknown".to_owned(), |(low, high)| scale.range(low, high)),
            against.unwrap_or_default(),
            Scale::time(dialect, [whole]).show(whole, None),
        ]);
    }
    table.drop_empty_columns();
    Ok(Figure {
        svg: batch::chart(&words, &spec)?,
        caption: format!(
            "{}: time per element, with intervals where they are wide enough to see.",
            code(&curve.name)
        ),
        fold: format!("Table: {} sizes", curve.points.len()),
        table,
    })
}

fn parallel(context: &Context<'_>, rows: &[&ParallelScaling], id: &str) -> Result<Figure, ReportError> {
    let dialect = context.dialect;
    let ideal = |row: &ParallelScaling| row.usable_cores.unwrap_or(row.threads).min(row.threads);
    let bars: Vec<scaling::Bar> = rows
        .iter()
        .map(|row| scaling::Bar {
            name: context.name(&row.benchmark),
            speed_up: row.speed_up,
            ideal: real(ideal(row)),
            text: format!(
                "{} of {} · {}",
                format::multiple(dialect, row.speed_up),
                ideal(row),
                format::percent(dialect, row.efficiency, 0)
            ),
        })
        .collect();
    let said: Vec<String> = bars.iter().map(|bar| format!("{} {}", bar.name, bar.text)).collect();
    let words = Words {
        id: id.to_owned(),
        title: "Speed-up over one thread".to_owned(),
        description: format!("{}.", words::list(&said)),
    };
    let mut table = Table::new(
        "Parallel scaling",
        &[
            ("Benchmark", Kind::Code),
            ("Threads", Kind::Number),
            ("Usable cores", Kind::Number),
            ("Operations", Kind::Number),
            ("Total", Kind::Number),
            ("One operation, one thread", Kind::Number),
            ("Speed-up", Kind::Number),
            ("Efficiency", Kind::Number),
        ],
    );
    for row in rows {
        table.push([
            context.name(&row.benchmark),
            row.threads.to_string(),
            row.usable_cores.map_or_else(|| "unknown".to_owned(), |cores| cores.to_string()),
            format::count(dialect, row.operations),
            Scale::time(dialect, [row.total_ns]).show(row.total_ns, None),
            Scale::time(dialect, [row.single_ns]).show(row.single_ns, None),
            format::multiple(dialect, row.speed_up),
            format::percent(dialect, row.efficiency, 1),
        ]);
    }
    Ok(Figure {
        svg: scaling::chart(&words, &bars)?,
        caption: "Speed-up over one thread doing the same operations. The ideal is the smaller of threads and usable \
                  cores."
            .to_owned(),
        fold: format!("Table: {}", format::plural(total(rows.len()), "benchmark")),
        table,
    })
}

/// The chart of the comparison.
pub(super) fn comparison(
    context: &Context<'_>,
    previous: &RunComparison,
) -> Result<Vec<Figure>, ReportError> {
    if context.dialect != Dialect::Html || previous.rows.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<forest::Row> = previous
        .rows
        .iter()
        .map(|row| forest::Row {
            name: context.name(&row.benchmark),
            change: (row.ratio - 1.0) * 100.0,
            interval: row.ratio_interval.map(|(low, high)| ((low - 1.0) * 100.0, (high - 1.0) * 100.0)),
            margin: row.margin * 100.0,
            verdict: row.verdict,
            text: format::change(context.dialect, row.ratio - 1.0, None),
        })
        .collect();
    let words = Words {
        id: "previous-c0".to_owned(),
        title: format!("Change against run {}", previous.baseline.short()),
        description: format!(
            "{}. Every row with its numbers stands in the tables below.",
            words::unmarked(&super::headline::counts(previous))
        ),
    };
    let chart = forest::chart(&words, &rows)?;
    let mut caption = "Change of the time per iteration with its interval; the band is the margin within which a \
                       change does not matter. ▲ regressed, ▼ improved, ● unchanged, ○ inconclusive, × not comparable."
        .to_owned();
    let hidden = rows.len().saturating_sub(forest::MOST_ROWS);
    if hidden > 0 {
        append(&mut caption, format_args!(" {hidden} more rows stand in the tables."));
    }
    if chart.clipped > 0 {
        append(
            &mut caption,
            format_args!(" {} run off the edge.", format::plural(total(chart.clipped), "interval")),
        );
    }
    Ok(vec![Figure { svg: chart.svg, caption, fold: String::new(), table: Table::new("", &[]) }])
}
