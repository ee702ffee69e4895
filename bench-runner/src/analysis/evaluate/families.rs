//! Noise of which the truth is known: nothing changed, except where a step was put in.
//!
//! Each family breaks one assumption that a rule may have made. They are seeded, so that every number can be had again.

use crate::stats::order::median;
use crate::stats::rng::SplitMix64;

/// Standard deviation of one night, of logarithms: 1 %.
pub const NIGHT_SD: f64 = 0.01;

/// Share of nights with a spike.
const SPIKE_SHARE: f64 = 0.03;

/// Nights between two shifts of the whole machine.
pub const SHIFT_EVERY: u64 = 60;

/// Size of a shift of the whole machine: 3 %.
pub const SHIFT: f64 = 0.03;

/// A kind of noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Independent normal nights.
    Normal,
    /// First-order autoregression, coefficient 0.3, normal innovations.
    Ar03,
    /// First-order autoregression, coefficient 0.6, normal innovations.
    Ar06,
    /// Independent Student's t with 4 degrees of freedom, scaled to the same standard deviation.
    HeavyTails,
    /// Normal, and in 3 % of the nights of a series 5 to 15 standard deviations slower.
    Spikes,
    /// Two modes, drawn anew each night, about 2 standard deviations apart and 12 times the noise around each.
    Bimodal,
    /// Normal around a level that wanders by 0.1 standard deviations a night.
    Drift,
    /// Normal, and every 60 nights all series move by 3 % together, up and down by turns.
    MachineShift,
}

impl Family {
    /// Every family, in the order of the tables.
    pub const ALL: [Self; 8] = [
        Self::Normal,
        Self::Ar03,
        Self::Ar06,
        Self::HeavyTails,
        Self::Spikes,
        Self::Bimodal,
        Self::Drift,
        Self::MachineShift,
    ];

    /// Name on the command line and in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Ar03 => "ar-0.3",
            Self::Ar06 => "ar-0.6",
            Self::HeavyTails => "heavy-tails",
            Self::Spikes => "spikes",
            Self::Bimodal => "bimodal",
            Self::Drift => "drift",
            Self::MachineShift => "machine-shift",
        }
    }

    /// One disturbance with mean about 0 and the standard deviation 1, without memory: what one more launch would show.
    pub(super) fn shock(self, rng: &mut SplitMix64) -> f64 {
        match self {
            Self::Normal | Self::Ar03 | Self::Ar06 | Self::Drift | Self::MachineShift => rng.normal(),
            Self::HeavyTails => {
                let chi: f64 = (0..4).map(|_| rng.normal().powi(2)).sum();
                // The variance of t with 4 degrees of freedom is 2.
                rng.normal() / (chi / 4.0).sqrt() / std::f64::consts::SQRT_2
            }
            Self::Spikes => {
                let spike = if rng.unit() < SPIKE_SHARE { 5.0 + 10.0 * rng.unit() } else { 0.0 };
                rng.normal() + spike
            }
            Self::Bimodal => {
                let side = if rng.unit() < 0.5 { -1.5 } else { 1.5 };
                // Variance 1.5² + 0.25², brought back to 1.
                (side + 0.25 * rng.normal()) / (1.5_f64.powi(2) + 0.25_f64.powi(2)).sqrt()
            }
        }
    }

    fn coefficient(self) -> f64 {
        match self {
            Self::Ar03 => 0.3,
            Self::Ar06 => 0.6,
            _ => 0.0,
        }
    }
}

/// Makes the nights of one suite on one machine.
#[derive(Debug, Clone)]
pub struct Generator {
    family: Family,
    rng: SplitMix64,
    base: Vec<f64>,
    state: Vec<f64>,
    level: Vec<f64>,
    night: u64,
    launches: u32,
}

impl Generator {
    /// Starts a suite of `series` series.
    #[must_use]
    pub fn new(family: Family, series: usize, seed: u64) -> Self {
        let mut rng = SplitMix64::new(seed);
        // Between 100 ns and 100 µs, so that no rule can depend on the size.
        let base = (0..series).map(|_| 100.0 * (6.9 * rng.unit()).exp()).collect();
        // Autoregressions start in their stationary state.
        let state = (0..series).map(|_| rng.normal()).collect();
        Self { family, rng, base, state, level: vec![0.0; series], night: 0, launches: 1 }
    }

    /// The same suite, each value of a night being the median of so many launches, each with the noise that a night has otherwise.
    #[must_use]
    pub fn of_launches(self, launches: u32) -> Self {
        Self { launches: launches.max(1), ..self }
    }

    /// Whether the machine moves in the night that comes next.
    #[must_use]
    pub fn shifts_next(&self) -> bool {
        self.family == Family::MachineShift && self.night > 0 && self.night.is_multiple_of(SHIFT_EVERY)
    }

    /// The disturbance of one series and night.
    fn shock(&mut self) -> f64 {
        if self.launches == 1 {
            return self.family.shock(&mut self.rng);
        }
        let launches: Vec<f64> = (0..self.launches).map(|_| self.family.shock(&mut self.rng)).collect();
        median(&launches).unwrap_or(0.0)
    }

    /// The next night, in nanoseconds, one value a series.
    pub fn night(&mut self) -> Vec<f64> {
        let rho = self.family.coefficient();
        let machine = if self.family == Family::MachineShift && self.night / SHIFT_EVERY % 2 == 1 {
            SHIFT
        } else {
            0.0
        };
        self.night += 1;
        (0..self.base.len())
            .map(|index| {
                let shock = self.shock();
                self.state[index] = rho * self.state[index] + (1.0 - rho * rho).sqrt() * shock;
                if self.family == Family::Drift {
                    self.level[index] += 0.1 * self.rng.normal();
                }
                let noise = NIGHT_SD * (self.state[index] + self.level[index]);
                self.base[index] * (noise + machine.ln_1p()).exp()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::moments;

    #[test]
    fn shocks_have_unit_variance_except_where_spikes_are_added() {
        for family in Family::ALL {
            let mut rng = SplitMix64::new(4);
            let shocks: Vec<f64> = (0..40_000).map(|_| family.shock(&mut rng)).collect();
            let sd = moments::standard_deviation(&shocks).unwrap();
            // The spikes: 3 % with the mean square 100 + 100/12.
            let expected =
                if family == Family::Spikes { (1.0 + 0.03 * 108.3 - 0.09_f64).sqrt() } else { 1.0 };
            assert!((sd / expected - 1.0).abs() < 0.06, "{}: {sd}", family.name());
        }
    }

    #[test]
    fn autoregressions_remember_as_much_as_they_say() {
        for (family, rho) in [(Family::Normal, 0.0), (Family::Ar03, 0.3), (Family::Ar06, 0.6)] {
            let mut generator = Generator::new(family, 1, 7);
            let values: Vec<f64> = (0..20_000).map(|_| generator.night()[0].ln()).collect();
            let found = moments::lag_one_autocorrelation(&values).unwrap();
            let sd = moments::standard_deviation(&values).unwrap();
            assert!((found - rho).abs() < 0.03 && (sd / NIGHT_SD - 1.0).abs() < 0.05, "{found} {sd}");
        }
    }

    #[test]
    fn the_machine_moves_all_series_at_once() {
        let mut generator = Generator::new(Family::MachineShift, 200, 1);
        let nights: Vec<Vec<f64>> = (0..=SHIFT_EVERY).map(|_| generator.night()).collect();
        let ratio = |a: &[f64], b: &[f64]| {
            moments::mean(&a.iter().zip(b).map(|(a, b)| (b / a).ln()).collect::<Vec<_>>())
        };
        assert!((ratio(&nights[59], &nights[60]).unwrap() - SHIFT.ln_1p()).abs() < 0.004);
        assert!(ratio(&nights[58], &nights[59]).unwrap().abs() < 0.004);
    }

    #[test]
    fn equal_seeds_make_equal_nights() {
        let night = |seed| Generator::new(Family::Spikes, 5, seed).night();
        assert_eq!(night(1), night(1));
        assert_ne!(night(1), night(2));
    }
}
