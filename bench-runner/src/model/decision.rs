//! Shifts that a gate found in a series, and what people decided about them. Both are only ever added to.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::ids::RunId;
use super::record::SeriesKey;
use super::units::Timestamp;

/// How sure a sighting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The screen found it unusual; it was not measured again, or that ended inconclusive.
    Suspect,
    /// It was measured again and is there.
    Confirmed,
    /// It was measured again and is not there any more.
    Refuted,
}

/// One night in which a change was seen, or looked for again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sighting {
    /// Name of the change, from [`change_id`].
    pub change: String,
    /// Which line.
    pub series: SeriesKey,
    /// First run of the new level.
    pub first_run: RunId,
    /// The run that was judged.
    pub seen_run: RunId,
    /// How sure it is.
    pub evidence: Evidence,
    /// New level over old; above 1 is larger, of a time slower.
    pub ratio: f64,
    /// The experiment that measured it again, if one did.
    pub experiment: Option<RunId>,
    /// When it was noted.
    pub at: Timestamp,
}

/// What somebody decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionKind {
    /// The new level is meant: a new segment begins with it.
    Accept,
    /// The cause was repaired: the nights between are no part of the noise.
    Fix,
    /// Nothing changed: the sighting was noise.
    Noise,
    /// It does not count until a date.
    Waive,
}

/// One decision with its reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Decision {
    /// What it is about: the name of a change, of a budget, or of a benchmark (`target/full_id`).
    pub subject: String,
    /// What was decided.
    pub kind: DecisionKind,
    /// Why.
    pub reason: String,
    /// First moment at which a waiver does not count any more; `None` for the others.
    pub until: Option<Timestamp>,
    /// When it was decided.
    pub at: Timestamp,
}

/// Where a change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeState {
    /// Nobody decided yet.
    New,
    /// The new level is meant.
    Accepted,
    /// The cause was repaired.
    Fixed,
    /// It was noise.
    Noise,
}

/// A shift of one series: all that was seen of it, and the last word on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Stable name: made from the series and the first run of the new level.
    pub id: String,
    /// Which line.
    pub series: SeriesKey,
    /// First run of the new level.
    pub first_run: RunId,
    /// Start of that run.
    pub first_started: Timestamp,
    /// New level over old, as last seen.
    pub ratio: f64,
    /// How sure the last sighting is.
    pub evidence: Evidence,
    /// The last experiment about it, if there was one.
    pub experiment: Option<RunId>,
    /// When it was first noted.
    pub found: Timestamp,
    /// Nights in which it was seen or looked for.
    pub sightings: u32,
    /// Where it stands.
    pub state: ChangeState,
    /// The last decision that set the state.
    pub decision: Option<Decision>,
}

impl Change {
    /// Whether it is there beyond doubt and nobody decided about it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == ChangeState::New && self.evidence == Evidence::Confirmed
    }
}

/// Makes the stable name of a change: `c` and eleven hexadecimal digits of SHA-256 over series and first run.
#[must_use]
pub fn change_id(series: &SeriesKey, first_run: &RunId) -> String {
    let id = &series.benchmark;
    let mut hasher = Sha256::new();
    let occurrence = id.occurrence.to_string();
    let recipe = series.recipe.to_string();
    // A missing part and an empty one are two things: each optional part says whether it is there.
    let flag = |part: &Option<String>| if part.is_some() { "1" } else { "0" };
    for part in [
        id.package.as_str(),
        &id.target,
        &id.group,
        flag(&id.function),
        id.function.as_deref().unwrap_or_default(),
        flag(&id.value),
        id.value.as_deref().unwrap_or_default(),
        &occurrence,
        &series.metric.name,
        &series.metric.unit,
        &recipe,
        &series.machine,
        &series.config,
        first_run.as_str(),
    ] {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    let mut name = "c".to_owned();
    for byte in hasher.finalize().iter().take(6) {
        _ = write!(name, "{byte:02x}");
    }
    name.truncate(12);
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::BenchmarkId;
    use crate::model::units::Metric;

    fn key(function: Option<&str>) -> SeriesKey {
        SeriesKey {
            benchmark: BenchmarkId {
                package: "kms".to_owned(),
                target: "t".to_owned(),
                group: "g".to_owned(),
                function: function.map(str::to_owned),
                value: None,
                occurrence: 0,
            },
            metric: Metric::time(),
            recipe: 1,
            machine: "m".to_owned(),
            config: "c".to_owned(),
        }
    }

    #[test]
    fn names_of_changes_depend_on_series_and_run_only() {
        let run: RunId = "01K9BWV7G0000000000000000A".parse().unwrap();
        let other: RunId = "01K9BWV7G0000000000000000B".parse().unwrap();
        let id = change_id(&key(None), &run);
        assert!(id.len() == 12 && id.starts_with('c'), "{id}");
        assert_eq!(id, change_id(&key(None), &run));
        assert_ne!(id, change_id(&key(None), &other));
        assert_ne!(id, change_id(&key(Some("")), &run), "a missing part is not an empty one");
    }
}
