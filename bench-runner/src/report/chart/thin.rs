//! Fewer points without losing an extreme: per bucket the smallest and the largest value stay.

/// Returns the indices that stay of `values`, in order: all of them up to `most`, else the first, the last, and of every
/// bucket its smallest and its largest value.
///
/// # Edge cases
///
/// Values that are not numbers are left out. `most` below 4 counts as 4.
pub(in crate::report) fn thin(values: &[f64], most: usize) -> Vec<usize> {
    let numbers = values.iter().enumerate().filter(|(_, value)| value.is_finite());
    let all: Vec<usize> = numbers.map(|(index, _)| index).collect();
    let most = most.max(4);
    if all.len() <= most {
        return all;
    }
    let buckets = (most - 2) / 2;
    let mut kept = vec![all[0], all[all.len() - 1]];
    for bucket in 0..buckets {
        let members = &all[bucket * all.len() / buckets..(bucket + 1) * all.len() / buckets];
        kept.extend(members.iter().copied().min_by(|a, b| values[*a].total_cmp(&values[*b])));
        kept.extend(members.iter().copied().max_by(|a, b| values[*a].total_cmp(&values[*b])));
    }
    kept.sort_unstable();
    kept.dedup();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_lists_stay_whole_and_long_ones_keep_their_extremes() {
        assert_eq!(thin(&[1.0, f64::NAN, 3.0], 10), [0, 2]);
        assert_eq!(thin(&[], 10), [0_usize; 0]);
        // Known answer: ten values in two buckets; 0 1 2 9 4 | 5 -7 6 7 8.
        assert_eq!(thin(&[0.0, 1.0, 2.0, 9.0, 4.0, 5.0, -7.0, 6.0, 7.0, 8.0], 6), [0, 3, 6, 9]);
        let mut values: Vec<f64> = (0..100_000).map(|i| f64::from(i % 97)).collect();
        values[54_321] = 1e9;
        values[12_345] = -1e9;
        let kept = thin(&values, 400);
        assert!(kept.len() <= 400, "{}", kept.len());
        assert!(kept.contains(&54_321) && kept.contains(&12_345));
        assert_eq!((kept[0], kept[kept.len() - 1]), (0, 99_999));
    }
}
