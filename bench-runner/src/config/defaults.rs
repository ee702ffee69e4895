//! The defaults: every setting that a missing file or a missing line stands for.

use std::collections::BTreeMap;

use super::Profile;

/// The store, relative to the configuration.
pub(super) const STORE: &str = "data/observatory.sqlite";
/// The folder of kept executables, relative to the configuration.
pub(super) const EXECUTABLES: &str = "data/executables";
/// Most that kept executables take, in MiB: some hundred builds of a suite of a few targets.
pub(super) const EXECUTABLES_CAP_MIB: u32 = 2048;
/// The folder of reports, relative to the configuration.
pub(super) const REPORTS: &str = "reports";
/// The profile used when none is named.
pub(super) const PROFILE: &str = "standard";
/// Seconds of silence, beyond what a bench announced, before it counts as hung.
pub(super) const WATCHDOG_SECONDS: f64 = 60.0;
/// Changes within 2 % are not worth anybody's attention unless a project says otherwise.
pub(super) const MARGIN: f64 = 0.02;
/// 1 minus the probability of any false alarm in one comparison of two runs.
pub(super) const COMPARISON_LEVEL: f64 = 0.95;

/// The four built-in profiles.
///
/// One process fixes code, heap and stack placement for all of its observations, so precision is bought with
/// launches rather than with long windows; `note` is the exception, which repeats the founding note to the letter.
pub(super) fn profiles() -> BTreeMap<String, Profile> {
    let profile = |set: &str, launches, warm_up, measurement, sample_size| Profile {
        set: set.to_owned(),
        launches,
        warm_up_seconds: Some(warm_up),
        measurement_seconds: Some(measurement),
        sample_size: Some(sample_size),
    };
    BTreeMap::from([
        ("quick".to_owned(), profile("core", 3, 0.2, 0.6, 10)),
        ("standard".to_owned(), profile("core", 12, 0.3, 1.0, 20)),
        ("note".to_owned(), profile("core", 1, 8.0, 15.0, 300)),
        ("nightly".to_owned(), profile("full", 6, 0.3, 1.0, 20)),
    ])
}
