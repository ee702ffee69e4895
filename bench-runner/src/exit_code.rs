//! Exit codes: part of the interface, listed in `--help` and the README, held together by a table test.
//!
//! The family is cargo-nextest's where a kin exists. Codes never change their meaning.

/// One documented exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitCode {
    /// The number the process ends with.
    pub code: u8,
    /// What it means, one line.
    pub meaning: &'static str,
}

macro_rules! exit_codes {
    ($($name:ident = $code:literal, $meaning:literal;)*) => {
        $(
            #[doc = $meaning]
            pub const $name: ExitCode = ExitCode { code: $code, meaning: $meaning };
        )*
        /// Every code, in ascending order.
        pub const ALL: &[ExitCode] = &[$($name),*];
    };
}

exit_codes! {
    DONE = 0, "done; gates, if asked for, pass";
    FAILURE = 1, "unexpected failure: a bug or an input/output error";
    USAGE = 2, "wrong usage of the command line";
    NOTHING = 4, "nothing selected, zero benchmarks found, or neither a budget nor history to judge by";
    CONFIGURATION = 96, "configuration or template is wrong";
    STORE = 97, "store unusable: written by a newer version, not a store, read-only, or out of space";
    GATE_FAILED = 100, "a gate failed: a budget is broken, or a regression was confirmed";
    BUILD_FAILED = 101, "cargo build failed";
    METADATA_FAILED = 102, "cargo metadata failed";
    COVERAGE = 117, "coverage incomplete: a benchmark vanished, or one that a gate names was not measured";
    IMPROVED = 118, "improvement found (only where it was asked for)";
    BENCH_FAILED = 119, "a bench crashed, hung or ended early: the run is partial";
    INCONCLUSIVE = 120, "inconclusive: an interval straddles a limit, or a suspect was not settled";
    NOT_COMPARABLE = 121, "not comparable: other machine class or configuration, a partial run, or no budget that applies";
    UNFIT = 122, "machine unfit, or busy with another measurement";
    INTEGRITY = 123, "a digest, a signature or a chain does not match: the data was changed";
    INTERRUPTED = 130, "interrupted; what was measured is stored and marked partial";
}

/// Precedence where several apply at once, strongest first.
const PRECEDENCE: &[ExitCode] =
    &[INTEGRITY, GATE_FAILED, BENCH_FAILED, COVERAGE, NOT_COMPARABLE, INCONCLUSIVE, IMPROVED];

/// Returns the code that wins when several outcomes apply at once; [`DONE`] for none.
///
/// # Edge cases
///
/// A code outside the precedence list (a failure that ends the command at once) wins over all that are in it.
#[must_use]
pub fn strongest(codes: &[ExitCode]) -> ExitCode {
    let outside = codes.iter().find(|code| **code != DONE && !PRECEDENCE.contains(code));
    let listed = PRECEDENCE.iter().find(|code| codes.contains(code));
    outside.or(listed).copied().unwrap_or(DONE)
}

/// The table for `--help`, one paragraph a code, no line longer than 80 columns.
#[must_use]
pub fn table() -> String {
    let mut text = String::new();
    for exit in ALL {
        let mut line = format!("{:>5} ", exit.code);
        for word in exit.meaning.split(' ') {
            if line.len() + 1 + word.len() > 80 {
                text.push_str(&line);
                text.push('\n');
                line = " ".repeat(6);
            }
            line.push(' ');
            line.push_str(word);
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// The same as a Markdown table, for the README.
#[must_use]
pub fn markdown() -> String {
    let rows: String = ALL.iter().map(|exit| format!("| {} | {} |\n", exit.code, exit.meaning)).collect();
    format!("| code | meaning |\n|---:|---|\n{rows}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_ascending() {
        assert!(ALL.windows(2).all(|pair| pair[0].code < pair[1].code));
    }

    #[test]
    fn the_table_fits_a_narrow_terminal() {
        let text = table();
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        assert!(text.starts_with("    0  done; gates, if asked for, pass\n"), "{text}");
        assert!(text.contains("\n       "), "nothing had to be continued:\n{text}");
        assert_eq!(markdown().lines().count(), ALL.len() + 2);
    }

    #[test]
    fn precedence_is_the_documented_one() {
        let check = |codes: &[ExitCode], expected| assert_eq!(strongest(codes), expected, "{codes:?}");
        check(&[], DONE);
        check(&[INCONCLUSIVE, GATE_FAILED], GATE_FAILED);
        check(&[GATE_FAILED, INTEGRITY], INTEGRITY);
        check(&[COVERAGE, NOT_COMPARABLE], COVERAGE);
        check(&[BENCH_FAILED, COVERAGE], BENCH_FAILED);
        check(&[IMPROVED, INCONCLUSIVE], INCONCLUSIVE);
        check(&[DONE, IMPROVED], IMPROVED);
        check(&[GATE_FAILED, STORE], STORE);
    }
}
