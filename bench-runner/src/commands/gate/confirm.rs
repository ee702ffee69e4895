//! Measuring suspects again.

use crate::analysis::gate::confirm::{Asked, Confirm, nothing};
use crate::commands::Session;
use crate::config::Config;
use crate::model::gate::{Confirmation, SeriesAnswer};
use crate::model::ids::RunId;

/// What measuring again needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct How<'a> {
    /// The session.
    pub(super) session: &'a Session,
    /// The configuration.
    pub(super) config: &'a Config,
    /// Seconds for all suspects together.
    pub(super) budget_seconds: f64,
}

impl<'a> How<'a> {
    /// The one who measures.
    pub(super) fn measurer(self) -> Measurer<'a> {
        Measurer { how: self }
    }
}

/// Measures by experiment.
#[derive(Debug)]
pub(super) struct Measurer<'a> {
    how: How<'a>,
}

impl Confirm for Measurer<'_> {
    fn confirm(&mut self, _candidate: &RunId, asked: &[Asked]) -> Vec<Confirmation> {
        let _ = (self.how.session, self.how.config, self.how.budget_seconds);
        asked
            .iter()
            .map(|asked| {
                nothing(
                    SeriesAnswer::Unknown,
                    asked.alpha,
                    "no executable of an earlier run is kept".to_owned(),
                )
            })
            .collect()
    }
}
