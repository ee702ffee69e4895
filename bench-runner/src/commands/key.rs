//! `bench-runner key`: the signing key of this user, and whose signatures count.

use std::path::PathBuf;

use super::{Session, load};
use crate::attest::{Key, Trust, TrustedKey};
use crate::clock;
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code::{self, ExitCode};
use crate::model::units::Timestamp;
use crate::report::format::timestamp;
use crate::ui::table::{Align, Column, Table};

/// Look after the signing key and the trusted keys
///
/// The key is made when something is stored for the first time, in a file that its owner alone may read.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show the trusted keys; the one that signs is marked
    Show,
    /// Make the signing key and trust it from now on
    New,
    /// Replace the signing key; what the old one signed until now still counts
    Rotate,
    /// Trust a public key
    Trust {
        /// 64 hexadecimal digits, as `key show` prints them
        #[arg(value_name = "PUBLIC")]
        public: String,
        /// First day of which its signatures count, as YYYY-MM-DD, instead of today
        #[arg(long, value_name = "DATE", value_parser = moment)]
        since: Option<Timestamp>,
        /// First day of which they do not count any more
        #[arg(long, value_name = "DATE", value_parser = moment)]
        until: Option<Timestamp>,
    },
    /// Trust a key no longer, as a whole or from a day on
    Distrust {
        /// Its name, as `key show` prints it
        #[arg(value_name = "KEY")]
        id: String,
        /// First day of which its signatures do not count any more; without it none counts
        #[arg(long, value_name = "DATE", value_parser = moment)]
        until: Option<Timestamp>,
    },
}

/// Reads a day as the moment at which it begins in UTC.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    let date: jiff::civil::Date = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    let begins =
        jiff::tz::TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).map_err(|error| error.to_string())?;
    Ok(Timestamp(begins.as_microsecond()))
}

/// Runs the command.
///
/// # Errors
///
/// When a key or the list cannot be read or written.
pub fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let config = session.config()?;
    let (key_file, trust_file) = places(&config)?;
    let mut trust = load::trust(&config)?;
    match &args.action {
        Action::Show => {}
        Action::New => {
            let key = Key::create(&key_file, false)?;
            trust.trust(&key.public(), clock::now(), None)?;
            trust.save(&trust_file)?;
        }
        Action::Rotate => {
            let old = Key::load(&key_file)?;
            let now = clock::now();
            let key = Key::create(&key_file, true)?;
            if let Some(old) =
                old.filter(|old| trust.keys().any(|key| key.id == old.id() && key.until.is_none()))
            {
                trust.distrust(old.id(), Some(now))?;
            }
            trust.trust(&key.public(), now, None)?;
            trust.save(&trust_file)?;
        }
        Action::Trust { public, since, until } => {
            trust.trust(public, since.unwrap_or_else(clock::now), *until)?;
            trust.save(&trust_file)?;
        }
        Action::Distrust { id, until } => {
            trust.distrust(id, *until)?;
            trust.save(&trust_file)?;
        }
    }
    show(session, &trust, Key::load(&key_file)?.as_ref())?;
    Ok(exit_code::DONE)
}

/// Where key and list are.
fn places(config: &Config) -> Result<(PathBuf, PathBuf), CliError> {
    config.integrity.key.clone().zip(config.integrity.trusted.clone()).ok_or_else(|| {
        CliError::new(exit_code::CONFIGURATION, "there is no folder for keys")
            .hinted(Some("set `key` and `trusted` under `[integrity]` in bench-runner.toml".to_owned()))
    })
}

fn show(session: &Session, trust: &Trust, own: Option<&Key>) -> Result<(), CliError> {
    let column = |title, align, drop_order| Column { title, align, drop_order };
    let signs = |key: &TrustedKey| own.is_some_and(|own| own.id() == key.id);
    let table = Table {
        columns: vec![
            column("key", Align::Left, 0),
            column("signs", Align::Left, 0),
            column("since", Align::Left, 2),
            column("until", Align::Left, 2),
            column("public", Align::Left, 1),
        ],
        rows: trust
            .keys()
            .map(|key| {
                vec![
                    key.id.clone(),
                    if signs(key) { "yes" } else { "no" }.to_owned(),
                    timestamp(key.since),
                    key.until.map_or_else(|| "-".to_owned(), timestamp),
                    key.public.to_string(),
                ]
            })
            .collect(),
    };
    let items = trust
        .keys()
        .map(|key| {
            let mut item = load::json_of(key)?;
            item["signs"] = signs(key).into();
            Ok(item)
        })
        .collect::<Result<Vec<_>, CliError>>()?;
    load::show(session, &table, "bench-runner/keys", &items)
}
