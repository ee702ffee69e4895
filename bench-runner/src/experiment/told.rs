//! What is said about an experiment beside its numbers.

use crate::model::finding::{Finding, Severity};

/// The time was not enough; `left` says what was not done.
pub(super) fn budget_used(budget: f64, left: &str) -> Finding {
    Finding::of_whole(
        "experiment-budget-used",
        Severity::Info,
        format!("the budget of {budget:.0} s was used up {left}"),
        "they are inconclusive; their intervals hold all the same",
        "allow more time with `--budget`, or select fewer benchmarks",
    )
}

/// Disturbed blocks that could not be repeated any more.
pub(super) fn overlooked(blocks: u32, all: u32) -> Finding {
    Finding::of_whole(
        "disturbed-blocks-counted",
        Severity::Warning,
        format!("{blocks} of {all} blocks were disturbed and count all the same"),
        "as many as allowed had been repeated already: intervals are wider, or further off, than they need be",
        "let nothing else run while measuring",
    )
}

/// A launch that did not end well.
pub(super) fn launch_partial(name: &str, reason: &str) -> Finding {
    Finding {
        code: "launch-partial".to_owned(),
        severity: Severity::Blocking,
        subject: name.to_owned(),
        evidence: format!("a launch of {name}: {reason}"),
        effect: "its block does not count".to_owned(),
        remedy: "mend the bench and measure again".to_owned(),
    }
}

/// A bench target that failed again and again.
pub(super) fn abandoned(name: &str, blocks: u32) -> Finding {
    Finding {
        code: "executable-abandoned".to_owned(),
        severity: Severity::Blocking,
        subject: name.to_owned(),
        evidence: format!("{blocks} blocks of {name} failed one after the other"),
        effect: "it was not launched again".to_owned(),
        remedy: "mend the bench and measure again".to_owned(),
    }
}
