//! Charts of a page with their captions and tables; empty in every other format.

use super::family::Group;
use super::{Context, Figure};
use crate::model::comparison::RunComparison;

/// Charts of one group.
pub(super) fn family(_context: &Context<'_>, _group: &Group<'_>) -> Vec<Figure> {
    Vec::new()
}

/// The chart of the comparison.
pub(super) fn comparison(_context: &Context<'_>, _previous: &RunComparison) -> Vec<Figure> {
    Vec::new()
}
