//! `bench-runner canary`: the machine timed by workloads of our own, again and again, beside what the system claims.

use super::{Session, machine};
use crate::canary::{self, Clock, Effort, Readings};
use crate::cli::Format;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::fact::{Fact, FactValue, Phase, find, keys};
use crate::report::format::{Dialect, percent};
use crate::ui::table::{Align, Column, Table};

/// Agreement of two readings that is asked for, as a fraction.
const AGREEMENT: f64 = 0.01;

/// Time the machine itself: clock, neighbours, memory, timer
///
/// A hypervisor can hide frequency and neighbours; it cannot hide how long a chain of dependent instructions takes. Each
/// pair is two readings back to back; on a quiet machine their clocks agree within 1 %. What the system claims stands
/// beside it: in a guest it is often the rate of the time-stamp counter.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Pairs of readings
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pairs: u32,
    /// Short readings of 2 ms, as before each launch, instead of those of 100 ms around a run
    #[arg(long)]
    quick: bool,
}

/// Two readings, one right after the other.
struct Pair {
    first: Readings,
    second: Readings,
}

impl Pair {
    /// Second clock over first; `None` when either is not believed.
    fn ratio(&self) -> Option<f64> {
        Some(clock(&self.second)? / clock(&self.first)?)
    }
}

fn clock(readings: &Readings) -> Option<f64> {
    readings.clock.and_then(Clock::believed)
}

/// Runs the command.
///
/// # Errors
///
/// When stdout cannot be written.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let effort = if args.quick { Effort::Quick } else { Effort::Full };
    let pairs: Vec<Pair> = (0..args.pairs)
        .map(|_| {
            let first = canary::read(effort);
            Pair { first, second: canary::read(effort) }
        })
        .collect();
    let claim = claim(session)?;
    let agreeing = pairs.iter().filter(|pair| agrees(pair)).count();
    let table = table(&pairs);
    let summary = format!(
        "{agreeing} of {} pairs agree within {}; the system claims {claim}",
        pairs.len(),
        percent(Dialect::Ascii, AGREEMENT, 0)
    );
    let text = match session.format {
        Format::Csv => table.csv(),
        Format::Text => format!("{}\n{summary}\n", table.text(session.style.width)),
        Format::Markdown => format!("{}\n{summary}\n", table.markdown()),
        Format::Json | Format::Jsonl => {
            let items: Vec<_> = pairs
                .iter()
                .map(|pair| {
                    let facts = |readings| canary::facts(readings, Phase::Start);
                    serde_json::json!({
                        "first": facts(&pair.first), "second": facts(&pair.second),
                        "clock_ratio": pair.ratio(), "agrees": agrees(pair),
                    })
                })
                .collect();
            serde_json::json!({
                "schema": "bench-runner/canary", "version": 1, "pairs": items, "agreeing": agreeing,
                "claimed_frequency": claim,
            })
            .to_string()
        }
    };
    session.answer(&text)?;
    Ok(exit_code::DONE)
}

fn agrees(pair: &Pair) -> bool {
    pair.ratio().is_some_and(|ratio| (ratio - 1.0).abs() <= AGREEMENT)
}

/// What the operating system says the frequency is, with its status where that is not `ok`.
fn claim(session: &Session) -> Result<String, CliError> {
    let store = session.config()?.store;
    let facts = machine::facts(session, &session.folder, &store, Phase::Start);
    let Some(fact) = find(&facts, keys::CPU_FREQUENCY, Phase::Start) else {
        return Ok("nothing".to_owned());
    };
    let status = serde_json::to_value(fact.status).ok();
    let status = status.as_ref().and_then(|value| value.as_str()).unwrap_or("unknown");
    Ok(hertz(fact).map_or_else(|| format!("nothing ({status})"), |ghz| format!("{ghz:.3} GHz ({status})")))
}

#[expect(clippy::cast_precision_loss, reason = "frequencies stay far below 2^53")]
fn hertz(fact: &Fact) -> Option<f64> {
    match fact.value {
        Some(FactValue::Integer(hertz)) => Some(hertz as f64 / 1e9),
        Some(FactValue::Number(hertz)) => Some(hertz / 1e9),
        _ => None,
    }
}

fn table(pairs: &[Pair]) -> Table {
    let column = |title, drop_order| Column { title, align: Align::Right, drop_order };
    let number = |value: Option<f64>, places: usize| {
        value.map_or_else(|| "unknown".to_owned(), |value| format!("{value:.places$}"))
    };
    Table {
        columns: vec![
            column("pair", 0),
            column("clock GHz", 0),
            column("again", 0),
            column("difference", 0),
            column("multiply cycles", 4),
            column("contention", 1),
            column("again ", 1),
            column("op/ns", 3),
            column("memory ns", 2),
            column("timer ns", 2),
        ],
        rows: (1_u32..)
            .zip(pairs)
            .map(|(index, pair)| {
                let difference = pair.ratio().map(|ratio| 100.0 * (ratio - 1.0));
                vec![
                    index.to_string(),
                    number(clock(&pair.first), 3),
                    number(clock(&pair.second), 3),
                    difference.map_or_else(|| "-".to_owned(), |percent| format!("{percent:+.2} %")),
                    number(pair.first.clock.map(|clock| clock.multiply_cycles), 2),
                    number(pair.first.contention, 3),
                    number(pair.second.contention, 3),
                    number(pair.first.throughput, 2),
                    number(pair.first.memory_ns, 1),
                    number(pair.first.timer_ns, 1),
                ]
            })
            .collect(),
    }
}
