//! What the page of a benchmark is made from, as one digest.
//!
//! Lines of a place share their runs: what a page shows of a run is hashed once and remembered.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use sha2::{Digest as _, Sha256};

use super::super::gather::PlaceKey;
use super::Work;
use crate::model::history::HistoryPoint;
use crate::model::ids::{Digest, RunId};
use crate::model::site::Place;
use crate::model::units::Timestamp;
use crate::report::site::Causes;

/// Beginning of the digest of what a page shows of a run.
type Brief = [u8; 16];

/// The runs of a place in the order of time.
type InTime = Vec<(Timestamp, RunId, Brief)>;

/// Runs of which the digest is known, by place. They hold for one look at the store: what is said about a run meanwhile shows with
/// the next one.
#[derive(Debug, Default)]
pub(super) struct Runs(Mutex<BTreeMap<PlaceKey, Arc<InTime>>>);

impl Work<'_> {
    /// Digest of everything that the page of a benchmark is made from.
    pub(super) fn input_of(&self, places: &[Place], causes: &[Causes]) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.look.as_bytes());
        let mut piece = Vec::new();
        for place in places {
            hasher.update(place.name.as_bytes());
            // One piece for all points: a thousand small ones cost more than the hashing.
            piece.clear();
            self.points(place, &mut piece);
            hasher.update(&piece);
            // The rest is small: written out, so that nothing of it is forgotten.
            let line = &place.line;
            let rest =
                (&line.history.key, &line.steps, &line.moved, &line.budget, line.standing, &line.reason);
            let samples =
                place.samples.as_ref().map(|one| (&one.run, one.before.as_ref().map(|before| &before.0)));
            hasher.update(format!("{rest:?}{samples:?}{:?}{:?}", place.marks, place.elements).as_bytes());
        }
        hasher.update(format!("{causes:?}").as_bytes());
        Digest(hasher.finalize().into()).to_string()
    }

    /// Appends everything that a page shows of the points of a line.
    fn points(&self, place: &Place, out: &mut Vec<u8>) {
        let points = &place.line.history.points;
        let known = self.known_runs(place);
        let mut next = known.iter().peekable();
        out.extend_from_slice(&(points.len() as u64).to_le_bytes());
        for point in points {
            let mut brief = None;
            while let Some((started, run, known)) = next.peek() {
                match started.cmp(&point.started).then_with(|| run.cmp(&point.run)) {
                    Ordering::Less => _ = next.next(),
                    Ordering::Equal => {
                        brief = Some(*known);
                        break;
                    }
                    Ordering::Greater => break,
                }
            }
            out.extend_from_slice(&brief.unwrap_or_else(|| self.brief(point)));
            out.extend_from_slice(&point.value.to_bits().to_le_bytes());
            out.extend_from_slice(&point.log_sd.unwrap_or(f64::NAN).to_bits().to_le_bytes());
            out.extend_from_slice(&point.launches.to_le_bytes());
        }
    }

    /// The runs that are known of the place of a line: those of the longest line that was looked at.
    fn known_runs(&self, place: &Place) -> Arc<InTime> {
        let key = &place.line.history.key;
        let key: PlaceKey = (key.machine.clone(), key.config.clone(), key.recipe);
        let Ok(mut runs) = self.runs.0.lock() else { return Arc::default() };
        let points = &place.line.history.points;
        let known = runs.entry(key).or_default();
        if known.len() < points.len() {
            let brief = |point: &HistoryPoint| (point.started, point.run.clone(), self.brief(point));
            *known = Arc::new(points.iter().map(brief).collect());
        }
        Arc::clone(known)
    }

    /// What a page shows of the run of a point.
    fn brief(&self, point: &HistoryPoint) -> Brief {
        let mut hasher = Sha256::new();
        hasher.update(point.run.as_str().as_bytes());
        hasher.update(point.started.0.to_le_bytes());
        let has_page = point.started >= self.oldest && self.known.pages.contains(&point.run);
        hasher.update([u8::from(point.is_eligible()), u8::from(has_page)]);
        let texts =
            [Some(&point.build), point.commit.as_ref(), point.grade.as_ref(), point.quarantined.as_ref()];
        for text in texts {
            // No text and an empty one look the same.
            let text = text.map(String::as_str).unwrap_or_default();
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        let whole: [u8; 32] = hasher.finalize().into();
        let mut brief = Brief::default();
        brief.copy_from_slice(&whole[..16]);
        brief
    }
}
