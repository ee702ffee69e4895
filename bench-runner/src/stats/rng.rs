//! A small, seeded, documented generator of random numbers.
//!
//! It exists so that equal data give equal intervals on every machine. It is not for secrets.

/// SplitMix64: a counter through a mixing function.
///
/// # Reference
/// Steele, Lea, Flood, *Fast splittable pseudorandom number generators*, OOPSLA 2014; the reference C code of
/// Vigna (public domain). Seed 0 starts with `0xE220A8397B1DCDAF`.
#[derive(Debug, Clone)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// Starts at `seed`; every seed is good.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.state)
    }

    /// A number in [0, 1): the upper 53 bits times 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// An index below `bound`: the upper half of the 128-bit product of 64 random bits and `bound`.
    ///
    /// # Edge cases
    /// A bound of 0 gives 0. The bias is below `bound ÷ 2⁶⁴`, far under what a resampling could show.
    pub fn below(&mut self, bound: usize) -> usize {
        let product = u128::from(self.next_u64()) * bound as u128;
        usize::try_from(product >> 64).unwrap_or(0)
    }

    /// A standard normal number by Marsaglia's polar method, one of the pair.
    pub fn normal(&mut self) -> f64 {
        loop {
            let (u, v) = (2.0 * self.unit() - 1.0, 2.0 * self.unit() - 1.0);
            let s = u * u + v * v;
            if s > 0.0 && s < 1.0 {
                return u * (-2.0 * s.ln() / s).sqrt();
            }
        }
    }
}

/// The finalizer of SplitMix64.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A seed from data: the bits of every number, in order, folded through the mixing function.
///
/// Equal data give equal seeds, so an interval changes only when its data do.
#[must_use]
pub fn seed_of<'a>(values: impl IntoIterator<Item = &'a f64>) -> u64 {
    values.into_iter().fold(0x6265_6E63_685F_7275, |seed, value| {
        mix(seed.wrapping_add(0x9E37_79B9_7F4A_7C15) ^ value.to_bits())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_sequence_comes_out() {
        let mut rng = SplitMix64::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| rng.next_u64()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
        assert_eq!(SplitMix64::new(0).next_u64(), 0xE220_A839_7B1D_CDAF);
    }

    #[test]
    fn indices_stay_below_the_bound_and_reach_both_ends() {
        let mut rng = SplitMix64::new(9);
        let drawn: Vec<usize> = (0..1000).map(|_| rng.below(7)).collect();
        assert!(drawn.iter().all(|index| *index < 7));
        assert!(drawn.contains(&0) && drawn.contains(&6));
        assert_eq!(rng.below(0), 0);
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_variance_one() {
        let mut rng = SplitMix64::new(11);
        let drawn: Vec<f64> = (0..20_000).map(|_| rng.normal()).collect();
        let mean = super::super::moments::mean(&drawn).unwrap();
        let variance = super::super::moments::variance(&drawn).unwrap();
        assert!(mean.abs() < 0.03, "{mean}");
        assert!((variance - 1.0).abs() < 0.05, "{variance}");
    }

    #[test]
    fn the_seed_depends_on_every_bit_and_on_the_order() {
        assert_eq!(seed_of(&[1.0, 2.0]), seed_of(&[1.0, 2.0]));
        assert_ne!(seed_of(&[1.0, 2.0]), seed_of(&[2.0, 1.0]));
        assert_ne!(seed_of(&[1.0]), seed_of(&[1.0_f64.next_up()]));
    }
}
