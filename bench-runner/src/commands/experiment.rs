//! `bench-runner experiment`: two or more variants, measured in turns on this machine until they are decided.

mod present;

use super::stage::{self, BuildArgs, Stage, StageWishes, WhatArgs, build_request, fresh_seed, named_profile};
use super::{Session, load};
use crate::analysis::experiment::{CONTROL_EVERY, FEWEST_BLOCKS, Rules, Stopping};
use crate::config::Config;
use crate::criterion::launch::LaunchSettings;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::experiment::{Outcome, Recipe, Request, Selection, measure, parse_variant, prepare, recompute};
use crate::model::comparison::Verdict;
use crate::model::experiment::{Purpose, Variant};
use crate::model::finding::Severity;
use crate::store::Store;

/// Settings of a launch, unless a profile or flag says otherwise: short, since precision is bought with launches.
pub(super) const LAUNCH: LaunchSettings =
    LaunchSettings { warm_up_seconds: Some(0.1), measurement_seconds: Some(0.4), sample_size: Some(20) };
/// Blocks of a bench target at most.
pub(super) const MOST_BLOCKS: u32 = 60;

/// Measure two or more variants in turns, and say how they differ
///
/// `A..B` or `REV` (against the working tree) are built in clean git worktrees, `RUN_A RUN_B` launches the kept executables
/// of two stored runs, `--variant` changes anything else. Launches go in random order and back again, with control blocks
/// of the baseline against itself among them, until every benchmark is decided or the budget is used. Equal executables
/// are found out without measuring. Ends with 0 whatever was found, unless `--gate` is given.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// `A..B`, one revision (against the working tree), or two stored runs
    #[arg(value_name = "WHAT", num_args = 0..=2)]
    words: Vec<String>,
    /// NAME:KEY=VALUE,…: an arm of its own, the first is the baseline; keys are rev, run, rustflags, cfg, features,
    /// profile, profile.SETTING, env.NAME and affinity; values with commas stand in double quotes
    #[arg(long, value_name = "VARIANT", conflicts_with = "words")]
    variant: Vec<String>,
    /// Show a stored experiment again, concluded anew from its observations
    #[arg(long, value_name = "EXPERIMENT", conflicts_with_all = ["words", "variant"])]
    show: Option<String>,
    /// What to measure
    #[command(flatten)]
    what: WhatArgs,
    /// How to measure
    #[command(flatten)]
    how: How,
    /// How to build
    #[command(flatten)]
    build: BuildArgs,
    /// What to do around measuring
    #[command(flatten)]
    around: Around,
}

/// How to measure.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "How to measure")]
struct How {
    /// Most time for measuring, for example `90s`, `5m`, `1h30m`
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = seconds)]
    budget: f64,
    /// Blocks of each bench target at most
    #[arg(long, value_name = "N", default_value_t = MOST_BLOCKS, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    max_blocks: u32,
    /// So many blocks, whatever they say and however long they take
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000), conflicts_with_all = ["budget", "max_blocks"])]
    blocks: Option<u32>,
    /// One block in so many is a control, 0 for none
    #[arg(long, value_name = "N", default_value_t = CONTROL_EVERY)]
    control_every: u32,
    /// Take set, warm-up, measuring time and observations from a profile
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Seconds of warm-up of each launch and benchmark [default: 0.1]
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    warm_up: Option<f64>,
    /// Seconds of measuring of each launch and benchmark [default: 0.4]
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    measuring: Option<f64>,
    /// Observations of each launch and benchmark [default: 20]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(10..=100_000))]
    samples: Option<u32>,
    /// Seed of the order, to repeat it
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Measure although all executables are equal
    #[arg(long)]
    measure_equal: bool,
    /// Seconds of silence, beyond what a bench announced, after which it is killed
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    watchdog: Option<u32>,
}

/// What to do around measuring.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Around the experiment")]
struct Around {
    /// End with 100 for a regression, 117 for a benchmark that is gone, 120 when something is undecided
    #[arg(long)]
    gate: bool,
    /// Print each step of each verdict, with its number and threshold
    #[arg(long)]
    explain: bool,
    /// Leave the worktrees where they are
    #[arg(long)]
    keep: bool,
    /// Label for this machine instead of its key
    #[arg(long, value_name = "NAME")]
    machine: Option<String>,
    /// End with 122 instead of waiting when another measurement is running
    #[arg(long)]
    no_wait: bool,
}

/// Runs the command.
///
/// # Errors
///
/// Whatever stops it before the first launch, and failures of the store; what was measured until then is stored.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = stage::config(args.what.manifest_path.as_ref(), session)?;
    if let Some(text) = &args.show {
        let store = load::open_to_read(&config)?;
        let outcome = recompute(&store, &store.resolve_experiment(text)?, rules(&config))?;
        present::answer(&outcome, &store, session, args.around.explain)?;
        return Ok(code(args, &outcome));
    }
    if args.words.is_empty() && args.variant.len() < 2 {
        return Err(CliError::new(exit_code::USAGE, "an experiment needs two arms or more").hinted(Some(
            "give `A..B`, one revision, two stored runs, or `--variant` twice or more".to_owned(),
        )));
    }
    let (settings, set) = settings(args, &config)?;
    stage::check_selection(&set, args.what.filter.as_deref(), &config)?;
    let wishes = StageWishes {
        no_wait: args.around.no_wait,
        label: args.around.machine.clone(),
        watchdog: args.how.watchdog,
    };
    let mut stage = Stage::open(session, config, &wishes, &mut |_| Ok(()))?;
    let variants = variants(args, &stage.store)?;
    let recipe = Recipe {
        request: build_request(&args.what, &args.build, session, &stage.config),
        selection: Selection { set, filter: args.what.filter.clone() },
        keep_worktrees: args.around.keep,
    };
    let request = request(args, settings, rules(&stage.config));
    let mut world = stage.world();
    let arms = prepare(&variants, &recipe, &mut world)?;
    let measured = measure(&request, &arms.arms, &mut world);
    let closed = arms.close(&world);
    let outcome = measured?;
    closed?;
    stage.progress.finish();
    present::answer(&outcome, &stage.store, session, args.around.explain)?;
    Ok(code(args, &outcome))
}

/// How strictly an experiment is judged.
fn rules(config: &Config) -> Rules {
    Rules { margin: config.margin, family_alpha: 1.0 - config.comparison_level }
}

/// Settings of each launch and the set of benchmarks.
fn settings(args: &Args, config: &Config) -> Result<(LaunchSettings, String), CliError> {
    let how = &args.how;
    let (base, set) = match &how.profile {
        Some(name) => (of_profile(name, config)?, named_profile(Some(name), config)?.1.set.clone()),
        None => (LAUNCH, named_profile(None, config)?.1.set.clone()),
    };
    let settings = LaunchSettings {
        warm_up_seconds: how.warm_up.or(base.warm_up_seconds),
        measurement_seconds: how.measuring.or(base.measurement_seconds),
        sample_size: how.samples.or(base.sample_size),
    };
    Ok((settings, args.what.set.clone().unwrap_or(set)))
}

/// Settings of a launch as a profile has them.
pub(super) fn of_profile(name: &str, config: &Config) -> Result<LaunchSettings, CliError> {
    let (_, profile) = named_profile(Some(name), config)?;
    Ok(LaunchSettings {
        warm_up_seconds: profile.warm_up_seconds,
        measurement_seconds: profile.measurement_seconds,
        sample_size: profile.sample_size,
    })
}

fn request(args: &Args, settings: LaunchSettings, rules: Rules) -> Request {
    let how = &args.how;
    let stopping = match how.blocks {
        Some(blocks) => Stopping::Fixed { blocks },
        None => Stopping::Sequential {
            fewest: FEWEST_BLOCKS.min(how.max_blocks),
            most: how.max_blocks,
            budget_seconds: Some(how.budget),
        },
    };
    Request {
        purpose: Purpose::Compare,
        settings,
        stopping,
        control_every: how.control_every,
        rules,
        seed: how.seed.unwrap_or_else(fresh_seed),
        measure_equal: how.measure_equal,
    }
}

/// The arms that the words or the variants mean.
fn variants(args: &Args, store: &Store) -> Result<Vec<Variant>, CliError> {
    let of_rev = |rev: &str| Variant {
        // The full name of a commit is stored with the arm; its beginning is what people read.
        name: if rev.len() == 40 { rev.get(..10).unwrap_or(rev) } else { rev }.to_owned(),
        rev: Some(rev.to_owned()),
        ..Variant::default()
    };
    let variants = match args.words.as_slice() {
        [] => {
            let resolve = |text: &str| Ok(store.resolve(text)?);
            args.variant.iter().map(|text| parse_variant(text, &resolve)).collect::<Result<_, _>>()?
        }
        [range] if range.contains("..") => {
            let (from, to) = range.split_once("..").unwrap_or((range, ""));
            // As git does: a side that is left out is HEAD.
            let side = |rev: &str| of_rev(if rev.is_empty() { "HEAD" } else { rev });
            vec![side(from), side(to.trim_start_matches('.'))]
        }
        [rev] => vec![of_rev(rev), Variant { name: "working tree".to_owned(), ..Variant::default() }],
        runs => {
            let of_run = |text: &String| -> Result<Variant, CliError> {
                Ok(Variant { name: text.clone(), run: Some(store.resolve(text)?), ..Variant::default() })
            };
            runs.iter().map(of_run).collect::<Result<Vec<_>, _>>()?
        }
    };
    let mut names: Vec<&str> = variants.iter().map(|variant| variant.name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(CliError::new(exit_code::USAGE, format!("two arms are called `{}`", pair[0]))),
        None => Ok(variants),
    }
}

/// The exit code of an outcome.
fn code(args: &Args, outcome: &Outcome) -> ExitCode {
    if outcome.interrupted {
        return exit_code::INTERRUPTED;
    }
    let mut codes = Vec::new();
    if outcome.result.findings.iter().any(|finding| finding.severity == Severity::Blocking) {
        codes.push(exit_code::BENCH_FAILED);
    }
    if args.around.gate {
        let has = |verdict| {
            outcome
                .result
                .contrasts
                .iter()
                .flat_map(|contrast| &contrast.rows)
                .any(|row| row.verdict == verdict)
        };
        let baseline = outcome.experiment.arms.first().map_or("", |arm| arm.variant.name.as_str());
        let gone = format!("`{baseline}` has it");
        let is_gone = |finding: &crate::model::finding::Finding| {
            finding.code == "benchmark-one-sided" && finding.evidence.starts_with(&gone)
        };
        if has(Verdict::Regressed) {
            codes.push(exit_code::GATE_FAILED);
        }
        if outcome.result.findings.iter().any(is_gone) {
            codes.push(exit_code::COVERAGE);
        }
        let nothing =
            !outcome.equal && outcome.result.contrasts.iter().all(|contrast| contrast.rows.is_empty());
        if has(Verdict::Inconclusive) || nothing {
            codes.push(exit_code::INCONCLUSIVE);
        }
    }
    exit_code::strongest(&codes)
}

/// `90s`, `5m`, `1h30m`, or a bare number of seconds.
pub(super) fn seconds(text: &str) -> Result<f64, String> {
    let wrong = || format!("`{text}` is not a time such as `90s`, `5m` or `1h30m`");
    let (mut total, mut number) = (0.0, String::new());
    for letter in text.chars() {
        let unit = match letter {
            '0'..='9' | '.' => {
                number.push(letter);
                continue;
            }
            's' => 1.0,
            'm' => 60.0,
            'h' => 3600.0,
            _ => return Err(wrong()),
        };
        total += unit * std::mem::take(&mut number).parse::<f64>().map_err(|_| wrong())?;
    }
    if !number.is_empty() {
        total += number.parse::<f64>().map_err(|_| wrong())?;
    }
    if total > 0.0 && total.is_finite() { Ok(total) } else { Err(wrong()) }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= 3600.0 => Ok(seconds),
        _ => Err("a number of seconds above 0 and at most 3600 is needed".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Constants that prose repeats.
    #[test]
    fn the_document_states_how_long_a_launch_is() {
        let document = include_str!("../../docs/methodology.md");
        let (warm_up, measuring) = (LAUNCH.warm_up_seconds.unwrap(), LAUNCH.measurement_seconds.unwrap());
        let launch = format!(
            "({warm_up} s of warm-up, {measuring} s and {} observations",
            LAUNCH.sample_size.unwrap()
        );
        assert!(document.contains(&launch), "docs/methodology.md does not say: {launch}");
    }

    #[test]
    fn times_are_read() {
        let check = |text: &str, expected: Option<f64>| {
            assert_eq!(seconds(text).ok().map(f64::to_bits), expected.map(f64::to_bits), "{text}");
        };
        check("90s", Some(90.0));
        check("5m", Some(300.0));
        check("1h30m", Some(5400.0));
        check("45", Some(45.0));
        check("0.5m", Some(30.0));
        check("", None);
        check("0s", None);
        check("5 m", None);
        check("m", None);
    }
}
