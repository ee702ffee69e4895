//! Sums, means and standard deviations in the order of additions that NumPy uses.
//!
//! Only for results that must agree with a NumPy program to the last bit; elsewhere `moments` is the better choice.

/// Values up to which eight running sums are kept instead of halving.
const BLOCK: usize = 128;

/// Sum of `values`: sequential below eight values, in eight running sums up to 128, by halves beyond.
///
/// # Reference
/// Higham, *The accuracy of floating point summation* (1993), pairwise summation, with NumPy's block of 128 and eight lanes.
#[must_use]
pub fn sum(values: &[f64]) -> f64 {
    let n = values.len();
    if n < 8 {
        return values.iter().fold(0.0, |sum, value| sum + value);
    }
    if n > BLOCK {
        let half = n / 2;
        let (left, right) = values.split_at(half - half % 8);
        return sum(left) + sum(right);
    }
    let (blocks, rest) = values.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for block in blocks {
        for (lane, value) in lanes.iter_mut().zip(block) {
            *lane += value;
        }
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    rest.iter().fold(((a + b) + (c + d)) + ((e + f) + (g + h)), |sum, value| sum + value)
}

/// Mean and population standard deviation (divisor n) of `values`; zeros when empty.
#[must_use]
pub fn mean_and_deviation(values: &[f64], scratch: &mut Vec<f64>) -> (f64, f64) {
    if values.is_empty() {
        return (0.0, 0.0);
    }
    let n = values.len() as f64;
    let mean = sum(values) / n;
    scratch.clear();
    scratch.extend(values.iter().map(|value| {
        let distance = value - mean;
        distance * distance
    }));
    (mean, (sum(scratch) / n).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_additions_is_numpys() {
        // numpy.sum of 0.1, 0.2, …, 0.1·n (each i·0.1), NumPy 2.2.
        let values: Vec<f64> = (1..=1000).map(|i| f64::from(i) * 0.1).collect();
        for (n, expected) in
            [(7, 2.8000000000000003), (100, 505.0), (300, 4515.0), (1000, 50050.0), (0, 0.0), (13, 9.1)]
        {
            assert_eq!(sum(&values[..n]).to_bits(), f64::to_bits(expected), "{n}");
        }
    }

    #[test]
    fn deviation_has_the_divisor_n() {
        let (mean, deviation) = mean_and_deviation(&[1.0, 3.0], &mut Vec::new());
        assert!((mean - 2.0).abs() < 1e-15 && (deviation - 1.0).abs() < 1e-15);
        assert_eq!(mean_and_deviation(&[], &mut Vec::new()), (0.0, 0.0));
    }
}
