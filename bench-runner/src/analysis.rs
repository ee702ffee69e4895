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
    use super::{compare, contamination, estimate, gate, planner, ratio_table, screen};
    use crate::stats::{rank, sequential, sign_flip, signed_rank, tail};

    #[test]
    fn the_statistics_document_states_the_limits_of_gates_plans_and_launches() {
        let document = include_str!("../docs/statistics.md");
        for sentence in [
            format!("the {:.0} % point of the upper ends", gate::propose::QUANTILE * 100.0),
            format!("from {} nights of at least 3 launches", gate::propose::FEWEST_NIGHTS),
            format!("unknown below {} pairs of either kind", gate::layout::FEWEST_PAIRS),
            format!(
                "within {} of it is said to be so, and counts",
                if (gate::layout::LIMIT - 2.0).abs() < 1e-9 { "twice" } else { "?" }
            ),
            format!("more than {} launches are not proposed", planner::MOST_LAUNCHES),
            format!("between {} and those of the run", planner::FEWEST_OBSERVATIONS),
            format!("than the run ({} a block)", planner::LAUNCHES_OF_BLOCK),
            format!("its upper end at most {}", ratio_table::BOUND),
            format!("{:.0} % each, not adjusted", ratio_table::LEVEL * 100.0),
            format!("clock canary below {:.0} % of the session's best", contamination::CLOCK * 100.0),
            format!("throughput canary below {} of its best", contamination::CONTENTION),
            format!("less than {:.0} % of the usual CPU time", contamination::CPU_SHARE * 100.0),
            format!("more than {} involuntary switches", contamination::SWITCHES),
            format!("and {} times the usual", contamination::SWITCHES_FACTOR),
            format!("more than {:.0} % of the machine's time taken", contamination::STEAL * 100.0),
            format!("the median of at least {} earlier launches", contamination::FEWEST_PEERS),
            format!("above {:.0} % the run itself is in doubt", contamination::DOUBTFUL * 100.0),
        ] {
            assert!(document.contains(&sentence), "docs/statistics.md does not say: {sentence}");
        }
    }

    #[test]
    fn the_methodology_states_how_intervals_are_made() {
        let document: String =
            include_str!("../docs/methodology.md").split_whitespace().collect::<Vec<_>>().join(" ");
        for sentence in [
            format!("with {} or more launches by a bootstrap", estimate::BOOTSTRAP_LAUNCHES),
            format!(
                "with {} to {} by Student's t",
                estimate::REPLICATED_LAUNCHES,
                estimate::BOOTSTRAP_LAUNCHES - 1
            ),
        ] {
            assert!(document.contains(&sentence), "docs/methodology.md does not say: {sentence}");
        }
    }

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
