//! `bench-runner db measure`: how long opening a store and reading lines of history take, and the memory that it took.
//!
//! A development command: each line is timed alone, which Criterion's averages cannot say anything about.

use std::time::Instant;

use crate::cli::Format;
use crate::commands::{Session, load};
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::stats::rng::SplitMix64;
use crate::store::HistoryFilter;

/// Opens the store, reads `lines` lines at random one by one, then every line of the machine with the most in one pass.
pub(super) fn run(session: &Session, config: &Config, lines: u32) -> Result<ExitCode, CliError> {
    let begun = Instant::now();
    let store = load::open_to_read(config)?;
    let opening = begun.elapsed();
    let keys = store.series(None)?;
    if keys.is_empty() {
        return Err(CliError::new(exit_code::NOTHING, "the store has no lines"));
    }
    let mut rng = SplitMix64::new(1);
    let mut times = Vec::new();
    let mut points = 0_usize;
    for _ in 0..lines {
        let key = &keys[rng.below(keys.len())];
        let begun = Instant::now();
        points += store.history(key)?.points.len();
        times.push(begun.elapsed());
    }
    let first = times[0];
    times.sort();
    let rank = |share: usize| times[(times.len() * share).div_ceil(100).saturating_sub(1)];
    let begun = Instant::now();
    let mut all = 0_usize;
    let filter = HistoryFilter { machine: Some(keys[0].machine.clone()), ..HistoryFilter::default() };
    store.histories(&filter, |history| all += history.points.len())?;
    let pass = begun.elapsed();
    let bytes = std::fs::metadata(&config.store)?.len();
    let memory = peak_memory();
    let ms = |time: std::time::Duration| time.as_secs_f64() * 1e3;
    let object = serde_json::json!({
        "schema": "bench-runner/db-measure", "version": 1, "bytes": bytes, "series": keys.len(),
        "opening_ms": ms(opening), "lines": lines, "points_of_lines": points,
        "line_ms": {"first": ms(first), "p50": ms(rank(50)), "p99": ms(rank(99)), "max": ms(rank(100))},
        "pass": {"points": all, "seconds": pass.as_secs_f64()}, "peak_memory_bytes": memory,
    });
    session.answer(&match session.format {
        Format::Json | Format::Jsonl => object.to_string(),
        Format::Text | Format::Markdown | Format::Csv => format!(
            "file {bytes} B, {} lines\nopening {:.2} ms\none line: first {:.2} ms, p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms\n\
             every line of one machine: {all} points in {:.2} s\npeak memory {}",
            keys.len(),
            ms(opening),
            ms(first),
            ms(rank(50)),
            ms(rank(99)),
            ms(rank(100)),
            pass.as_secs_f64(),
            memory.map_or_else(|| "unknown".to_owned(), |bytes| format!("{bytes} B")),
        ),
    })?;
    Ok(exit_code::DONE)
}

/// The most memory that this process had at once, in bytes; `None` where the system does not tell.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
