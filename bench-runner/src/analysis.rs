//! Layer 1: from observations to conclusions.
//!
//! Pure functions over `model` and `stats`: no file, no clock, no environment, no unseeded randomness, no words about
//! layout. What is decided here is shown by `report` and stored by nobody: it can always be computed again.

pub mod calibrate;
pub mod census;
pub mod change_points;
pub mod compare;
pub mod contamination;
pub mod curve;
pub mod doctor;
pub mod estimate;
pub mod evaluate;
pub mod experiment;
pub mod explain;
pub mod gate;
pub mod identity;
pub mod knobs;
pub mod machines;
pub mod made_up;
pub mod planner;
pub mod ratio_table;
pub mod release;
pub mod report_assembly;
pub mod screen;
pub mod site_assembly;
pub mod trend;
pub(crate) mod words;

#[cfg(test)]
pub(crate) mod examples;

#[cfg(test)]
mod tests {
    use super::change_points::{group, robust, stream, threshold};
    use super::evaluate::{simulate, steps};
    use super::{compare, estimate, screen};
    use crate::stats::{rank, sequential, sign_flip, signed_rank, tail};

    /// Constants that prose repeats: the document and the code must not drift apart.
    #[test]
    fn the_statistics_document_states_the_constants_of_the_code() {
        let document = include_str!("../docs/statistics.md");
        for sentence in [
            format!("### Intervals (level {:.0} %)", estimate::LEVEL * 100.0),
            format!(
                "| {} or more | hierarchical bootstrap, {} resamples",
                estimate::BOOTSTRAP_LAUNCHES,
                estimate::RESAMPLES
            ),
            format!(
                "| {} to {} | Student's t",
                estimate::REPLICATED_LAUNCHES,
                estimate::BOOTSTRAP_LAUNCHES - 1
            ),
            format!("Fewer than {} launches are inconclusive", estimate::REPLICATED_LAUNCHES),
            format!("1 − {:.0} % ÷ rows", compare::STANDARD.family_alpha * 100.0),
            format!("**Verdict**, margin {:.0} %", compare::STANDARD.margin * 100.0),
            format!("with {:.0} % probability", compare::POWER * 100.0),
            format!("exact up to {} values", rank::EXACT_LIMIT),
            format!("all patterns up to {} differences", sign_flip::EXACT_LIMIT),
            format!("counted exactly up to {} values", signed_rank::EXACT_LIMIT),
            format!(
                "*suspects* (to be measured again) {:.0} % upwards, {:.0} % downwards; *history only* {:.2} % in each",
                screen::SUSPECTS.up * 100.0,
                screen::SUSPECTS.down * 100.0,
                screen::HISTORY_ONLY.up * 100.0
            ),
            format!("within the last {} residuals", screen::POOL),
            format!("at most {} × the level of the series' own last {}", screen::OWN_SLACK, screen::OWN),
            format!("With {} or more series in one night", screen::FEWEST_COMMON),
            format!("Beyond {} robust standard", screen::MACHINE_EVENT),
            format!("Judging starts after {} values", screen::WARM_UP),
            format!("{} residuals of the machine", screen::FEWEST_RESIDUALS),
            format!("by lasting {} nights", screen::WATCHED),
            format!(
                "at most {}, sharing an error of {} % a night",
                simulate::MOST_PAIRS,
                simulate::CONFIRM_ALPHA * 100.0
            ),
            format!("({} values, a new window every {};", robust::WINDOW, robust::STRIDE),
            format!(
                "between two steps lasts at least {} values, one at an end at least {}",
                robust::SHORTEST_LEVEL,
                robust::SHORTEST_END
            ),
            format!("together must bring {} more", robust::MIXTURE),
            format!("The gains are the {:.1} % points", 100.0 * (1.0 - threshold::FALSE_SHARE)),
            format!("At least {} values are needed", robust::FEWEST),
            format!("values beyond {} scales", robust::SPIKE),
            format!("lie more than {} ", robust::DRIFT),
            format!("after {} values, after {} values that", stream::EVERY, stream::SURPRISES),
            format!("within {} boundaries of runs", group::NEAR),
            format!("within {} standard errors (at least {} %)", group::ALIKE, group::RESOLUTION * 100.0),
            format!("Series of {} values", steps::LENGTH),
            format!("hit within {} values", steps::TOLERANCE),
            format!("20 to {} values", tail::MOST),
            format!("τ ∈ {{{}}}", sequential::WIDTHS.map(|width| format!("{width}")).join(", ")),
        ] {
            assert!(document.contains(&sentence), "docs/statistics.md does not say: {sentence}");
        }
    }
}
