//! The steps of verdicts in words, for `--explain`.

use std::fmt::Write as _;

use crate::cli::Format;
use crate::model::step::Step;
use crate::ui::table::escape_markdown;

/// Every verdict with its steps: the number, what it was held against, and what follows.
pub(super) fn explained(verdicts: impl Iterator<Item = (String, Vec<Step>)>, format: Format) -> String {
    let mut text = String::new();
    for (name, steps) in verdicts {
        if format == Format::Markdown {
            _ = writeln!(text, "\n- {}", escape_markdown(&name));
        } else {
            _ = writeln!(text, "\n{}", crate::ui::table::printable(&name));
        }
        for step in steps {
            let line = line(&step);
            if format == Format::Markdown {
                _ = writeln!(text, "  - {}", escape_markdown(&line));
            } else {
                _ = writeln!(text, "  {}", crate::ui::table::printable(&line));
            }
        }
    }
    text
}

fn line(step: &Step) -> String {
    let unit = if step.unit.is_empty() { String::new() } else { format!(" {}", step.unit) };
    let numbers = match (step.value, step.threshold) {
        (Some(value), Some(threshold)) => {
            format!("{}{unit} against {}{unit}: ", number(value), number(threshold))
        }
        (Some(value), None) => format!("{}{unit}: ", number(value)),
        (None, _) => String::new(),
    };
    format!("{}: {numbers}{}", step.name, step.text)
}

/// Four significant digits; very small and very large numbers with an exponent.
fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    if !(1e-3..1e9).contains(&size) {
        return format!("{value:.2e}");
    }
    if value.fract() == 0.0 {
        return format!("{value:.0}");
    }
    let decimals = [1.0, 10.0, 100.0, 1000.0].iter().filter(|power| size < **power).count();
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_show_their_number_and_what_it_was_held_against() {
        let held = Step::held("tail probability", 0.000_41, 0.1, "", "far out");
        assert_eq!(line(&held), "tail probability: 4.10e-4 against 0.1000: far out");
        let told = Step::told("expected value", Some(1234.56), "ns", "the last value");
        assert_eq!(line(&told), "expected value: 1235 ns: the last value");
        assert_eq!(line(&Step::told("answer", None, "", "quiet")), "answer: quiet");
        assert_eq!(number(30.0), "30");
    }
}
