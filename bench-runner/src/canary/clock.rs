//! The true clock of the core from two chains of different latency that must agree.
//!
//! A step of the first chain takes two cycles on every 64-bit core that adds and exclusive-ors in one cycle each, which
//! is all of them; a step of the second takes the multiplier's latency and one. The ratio of their times must therefore
//! be (latency + 1) ÷ 2 with a whole latency; where it is not, something else was timed, and nothing is believed. A build
//! without optimisation fails this check, since its values travel through memory.

use std::time::Duration;

use super::chains::{STEPS, add_xor, multiply_xor};
use super::times;

/// Largest deviation of the multiplier's latency from a whole number, in cycles.
pub const CROSS_CHECK: f64 = 0.06;
/// Latencies of a 64-bit multiplication on known cores, in cycles: 2 (Arm Neoverse V2) to 5 (older Atom and Arm).
const LATENCIES: std::ops::RangeInclusive<u32> = 2..=5;
/// Clocks that a core of our time can have, in GHz.
const PLAUSIBLE: std::ops::RangeInclusive<f64> = 0.2..=8.0;

/// A reading of the clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    /// Cycles per nanosecond by the first chain, whether believed or not.
    pub ghz: f64,
    /// Latency of a multiplication by both chains, in cycles.
    pub multiply_cycles: f64,
}

impl Clock {
    /// The clock in GHz, if both chains agree and the number is possible.
    #[must_use]
    pub fn believed(self) -> Option<f64> {
        let nearest = self.multiply_cycles.round();
        let whole = (self.multiply_cycles - nearest).abs() <= CROSS_CHECK;
        let known = LATENCIES.into_iter().any(|latency| (f64::from(latency) - nearest).abs() < 0.5);
        (whole && known && PLAUSIBLE.contains(&self.ghz)).then_some(self.ghz)
    }

    /// Where the number comes from, or why there is none.
    #[must_use]
    pub fn source(self) -> &'static str {
        if self.believed().is_some() {
            "chain of dependent additions, confirmed by a chain of multiplications"
        } else {
            "two chains of dependent instructions disagree: a build without optimisation, or a core that was disturbed"
        }
    }

    /// The clock from the times of [`STEPS`] steps of each chain, in nanoseconds.
    fn of(add_ns: f64, multiply_ns: f64) -> Self {
        Self { ghz: 2.0 * f64::from(STEPS) / add_ns, multiply_cycles: 2.0 * multiply_ns / add_ns - 1.0 }
    }
}

/// Times both chains for `span` each, in turns, and takes the best of each: a disturbance only ever adds time.
pub(super) fn read(span: Duration) -> Clock {
    const TURNS: u32 = 4;
    let mut best = (f64::INFINITY, f64::INFINITY);
    for _ in 0..TURNS {
        best.0 = times(span / TURNS, add_xor)[0].min(best.0);
        best.1 = times(span / TURNS, multiply_xor)[0].min(best.1);
    }
    Clock::of(best.0, best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times of the two chains on a core of `ghz` whose multiplication takes `latency` cycles.
    fn core(ghz: f64, latency: f64) -> Clock {
        let steps = f64::from(STEPS);
        Clock::of(2.0 * steps / ghz, (latency + 1.0) * steps / ghz)
    }

    #[test]
    fn the_clock_is_believed_only_when_the_chains_agree() {
        for latency in [2.0, 3.0, 4.0, 5.0] {
            let believed = core(3.694, latency).believed().unwrap();
            assert!((believed - 3.694).abs() < 1e-9, "{latency}");
        }
        // Between two whole latencies, a multiplication faster than any, impossible clocks.
        for wrong in [core(3.694, 3.4), core(3.694, 1.0), core(80.0, 3.0), core(0.01, 3.0), core(3.7, 9.0)] {
            assert_eq!(wrong.believed(), None, "{wrong:?}");
            assert!(wrong.source().contains("disagree"));
        }
    }

    #[test]
    fn reading_terminates_and_is_finite() {
        let clock = read(Duration::from_micros(400));
        assert!(clock.ghz.is_finite() && clock.ghz > 0.0 && clock.multiply_cycles.is_finite(), "{clock:?}");
    }
}
