//! Made-up histories for trying things out at scale: levels with steps, drift, spikes, gaps and changes of machines.
//!
//! Seeded and deterministic: a line depends on the seed, its machine and its benchmark only. It claims to look like a
//! history, not to be calibrated on one; `evaluate` has the families that rules are judged on.

use crate::stats::rng::SplitMix64;

/// One night of one benchmark.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MadeUpNight {
    /// Number of the night, from 0.
    pub night: u32,
    /// Median of the launch medians in nanoseconds.
    pub value: f64,
    /// Standard deviation of the logarithms of the launch medians.
    pub log_sd: f64,
}

/// What all lines of one machine share.
#[derive(Debug, Clone, PartialEq)]
pub struct MadeUpMachine {
    /// Which nights were measured, by number.
    pub measured: Vec<bool>,
    /// From which night on it is another box, with another key: one machine in five is replaced.
    pub replaced_at: Option<u32>,
    /// Night and size (natural logarithm) of changes that move all its lines, such as a new firmware.
    pub shifts: Vec<(u32, f64)>,
}

/// Makes a machine: 2 % of its nights are missing, and once in about 500 nights a fortnight is.
#[must_use]
pub fn machine(seed: u64, machine: u32, nights: u32) -> MadeUpMachine {
    let mut rng = SplitMix64::new(seed ^ (u64::from(machine) << 40) ^ 0x6d61_6368);
    let mut measured = Vec::new();
    let mut shifts = Vec::new();
    let mut away = 0;
    for night in 0..nights {
        if rng.unit() < 1.0 / 500.0 {
            away = 10 + rng.below(10);
        }
        measured.push(away == 0 && rng.unit() >= 0.02);
        away = away.saturating_sub(1);
        if rng.unit() < 1.0 / 1000.0 {
            shifts.push((night, 0.03 * rng.normal()));
        }
    }
    let replaced_at = (machine % 5 == 4).then_some(nights / 5 * 3);
    MadeUpMachine { measured, replaced_at, shifts }
}

/// Makes the nights of one benchmark on one machine, in order.
///
/// Levels lie between 10 ns and 10 ms. A step of 1 to 10 % comes once in about 400 nights; one line in twenty drifts by up
/// to 3 % in a thousand nights; noise is 0.3 to 2 %, and one night in a hundred is a spike.
#[must_use]
pub fn line(seed: u64, (number, machine): (u32, &MadeUpMachine), benchmark: u32) -> Vec<MadeUpNight> {
    let mut rng = SplitMix64::new(seed ^ (u64::from(number) << 40) ^ (u64::from(benchmark) << 8) ^ 0x6c69);
    let mut level = (10.0_f64).ln() + rng.unit() * (1e6_f64).ln();
    let noise = 0.003 * (rng.unit() * (0.02_f64 / 0.003).ln()).exp();
    let drift = if rng.unit() < 0.05 { (rng.unit() - 0.5) * 6e-5 } else { 0.0 };
    let mut nights = Vec::new();
    for (night, measured) in (0_u32..).zip(&machine.measured) {
        level += drift;
        if rng.unit() < 1.0 / 400.0 {
            let size = 0.01 + 0.09 * rng.unit();
            level += if rng.unit() < 0.6 { size } else { -size };
        }
        level += machine.shifts.iter().filter(|(at, _)| *at == night).map(|(_, size)| size).sum::<f64>();
        if machine.replaced_at == Some(night) {
            level -= 0.3;
        }
        let spike = if rng.unit() < 0.01 { 0.2 * rng.unit() } else { 0.0 };
        let (here, spread) = (rng.normal(), rng.unit());
        if *measured {
            let value = (level + noise * here + spike).exp();
            nights.push(MadeUpNight { night, value, log_sd: noise * (0.5 + spread) });
        }
    }
    nights
}

/// The commit of a night as 40 hexadecimal digits; on one night in five nothing was new.
#[must_use]
pub fn commit(seed: u64, night: u32) -> String {
    let mut newest = night;
    while newest > 0 && SplitMix64::new(seed ^ u64::from(newest) ^ 0x6e65).unit() < 0.2 {
        newest -= 1;
    }
    let mut rng = SplitMix64::new(seed ^ (u64::from(newest) << 20) ^ 0x636f);
    format!("{:016x}{:016x}{:08x}", rng.next_u64(), rng.next_u64(), rng.next_u64() >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_depend_on_seed_machine_and_benchmark_only() {
        let one = machine(7, 1, 3000);
        assert_eq!(one, machine(7, 1, 3000));
        assert_ne!(one.measured, machine(7, 2, 3000).measured);
        let base = line(7, (1, &one), 3);
        assert_eq!(base, line(7, (1, &one), 3));
        assert_ne!(base, line(7, (1, &one), 4));
        assert_ne!(base, line(8, (1, &one), 3));
        let measured = one.measured.iter().filter(|measured| **measured).count();
        assert_eq!(base.len(), measured);
        assert!((2500..2990).contains(&measured), "{measured} of 3000 nights");
        assert!(base.iter().all(|night| night.value.is_finite() && night.value > 0.1 && night.log_sd > 0.0));
        assert_eq!(machine(7, 4, 100).replaced_at, Some(60));
    }

    #[test]
    fn commits_last_for_a_night_or_more() {
        let commits: Vec<String> = (0..1000).map(|night| commit(7, night)).collect();
        let new = commits.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!((700..900).contains(&new), "{new} of 999");
        assert!(commits.iter().all(|commit| commit.len() == 40));
    }
}
