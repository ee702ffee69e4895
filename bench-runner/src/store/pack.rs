//! Observations as bytes and back, without loss: about two and a half bytes for a time instead of sixteen.
//!
//! The iteration counts of Criterion form an arithmetic progression, so that two numbers describe them all. A total is
//! predicted from its iteration count and one rate for the whole sample; what is stored is the difference, in a Rice code
//! whose parameter fits the sample. Totals that are not whole numbers are stored as they are. It knows no database.
//!
//! Layout, version 1: version, mode, number of observations; iterations; totals. Numbers are LEB128 varints.

use crate::model::measurement::Observation;

/// Version of the layout, the first byte.
const VERSION: u8 = 1;
/// Mode bit: the iterations are stored one by one as differences.
const MODE_LISTED_ITERATIONS: u8 = 1;
/// Mode bit: the totals are stored as the bits of floating-point numbers.
const MODE_RAW_TOTALS: u8 = 2;
/// Most observations in one sample; a thousand times what Criterion is ever asked for.
pub const MAX_OBSERVATIONS: usize = 1_000_000;
/// Whole numbers below this are exact as floating-point numbers.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// The same bound as an integer.
const EXACT_INTEGER: u64 = 1 << 53;
/// Quotients of the Rice code from here on are written in full instead of in unary.
const ESCAPE: u32 = 24;

/// Why a packed sample cannot be read or a sample cannot be packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// Nothing is left where something should be.
    #[error("the packed observations end too early")]
    Truncated,
    /// Something is left after the last observation.
    #[error("the packed observations have {0} bytes too many")]
    Trailing(usize),
    /// A layout that this version does not know.
    #[error("the packed observations have layout version {0}, this program knows 1")]
    Version(u8),
    /// A mode that this version does not know.
    #[error("the packed observations have the unknown mode {0}")]
    Mode(u8),
    /// More observations than are plausible.
    #[error("{0} observations are more than the limit of 1000000")]
    TooMany(u64),
    /// A number outside its range.
    #[error("observation {0} has no iterations, or a total that is not a finite number of at least zero")]
    Value(usize),
    /// A variable-length number or code that no writer makes.
    #[error("the packed observations hold a malformed number")]
    Malformed,
}

/// Packs `sample`.
///
/// # Errors
///
/// [`PackError::Value`] for an observation without iterations or with a total that is negative or not finite,
/// [`PackError::TooMany`].
pub fn pack(sample: &[Observation]) -> Result<Vec<u8>, PackError> {
    if sample.len() > MAX_OBSERVATIONS {
        return Err(PackError::TooMany(sample.len() as u64));
    }
    if let Some(index) = sample.iter().position(|o| !is_valid(*o)) {
        return Err(PackError::Value(index));
    }
    let step = progression(sample);
    let totals = integers(sample);
    let mut mode = 0;
    if step.is_none() {
        mode |= MODE_LISTED_ITERATIONS;
    }
    if totals.is_none() {
        mode |= MODE_RAW_TOTALS;
    }
    let mut bytes = vec![VERSION, mode];
    put_varint(&mut bytes, sample.len() as u64);
    let Some(first) = sample.first() else { return Ok(bytes) };
    put_varint(&mut bytes, first.iterations);
    if let Some(step) = step {
        put_varint(&mut bytes, zigzag(step));
    } else {
        for pair in sample.windows(2) {
            put_varint(&mut bytes, zigzag(difference(pair[0].iterations, pair[1].iterations)));
        }
    }
    match totals {
        Some(totals) => put_totals(&mut bytes, sample, &totals),
        None => sample.iter().for_each(|o| bytes.extend_from_slice(&o.total.to_bits().to_le_bytes())),
    }
    Ok(bytes)
}

/// Unpacks what [`pack`] made.
///
/// # Errors
///
/// Anything that `pack` would not have written: a torn end, rests, other versions, impossible values. It never allocates
/// more than the bytes can justify.
pub fn unpack(bytes: &[u8]) -> Result<Vec<Observation>, PackError> {
    let [version, mode, rest @ ..] = bytes else { return Err(PackError::Truncated) };
    if *version != VERSION {
        return Err(PackError::Version(*version));
    }
    if *mode > (MODE_LISTED_ITERATIONS | MODE_RAW_TOTALS) {
        return Err(PackError::Mode(*mode));
    }
    let mut input = rest;
    let count = take_varint(&mut input)?;
    // Each observation takes at least a bit, so that a short blob cannot ask for a large sample.
    let plausible = (input.len() as u64).saturating_mul(8);
    let count = match usize::try_from(count) {
        Ok(count) if count > MAX_OBSERVATIONS => return Err(PackError::TooMany(count as u64)),
        Ok(count) if count as u64 > plausible => return Err(PackError::Truncated),
        Ok(count) => count,
        Err(_) => return Err(PackError::TooMany(count)),
    };
    if count == 0 {
        return if input.is_empty() { Ok(Vec::new()) } else { Err(PackError::Trailing(input.len())) };
    }
    let iterations = take_iterations(&mut input, count, mode & MODE_LISTED_ITERATIONS != 0)?;
    let totals = if mode & MODE_RAW_TOTALS != 0 {
        take_raw_totals(&mut input, count)?
    } else {
        take_totals(&mut input, &iterations)?
    };
    if !input.is_empty() {
        return Err(PackError::Trailing(input.len()));
    }
    let sample: Vec<Observation> = iterations
        .into_iter()
        .zip(totals)
        .map(|(iterations, total)| Observation { iterations, total })
        .collect();
    match sample.iter().position(|o| !is_valid(*o)) {
        Some(index) => Err(PackError::Value(index)),
        None => Ok(sample),
    }
}

/// Whether an observation may be stored.
fn is_valid(observation: Observation) -> bool {
    observation.iterations > 0 && observation.total.is_finite() && observation.total >= 0.0
}

/// Returns the common difference of the iteration counts, if there is one.
fn progression(sample: &[Observation]) -> Option<i64> {
    let [first, second, ..] = sample else { return Some(0) };
    let step = difference(first.iterations, second.iterations);
    sample.windows(2).all(|pair| difference(pair[0].iterations, pair[1].iterations) == step).then_some(step)
}

/// Returns `to − from` modulo 2^64 as a signed number, which loses nothing.
fn difference(from: u64, to: u64) -> i64 {
    to.wrapping_sub(from).cast_signed()
}

/// Returns the totals as whole numbers, if all of them are and nothing is lost (zero must not be negative).
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked first")]
fn integers(sample: &[Observation]) -> Option<Vec<u64>> {
    sample
        .iter()
        .map(|o| {
            let whole =
                o.total < EXACT && o.total.trunc().total_cmp(&o.total).is_eq() && o.total.is_sign_positive();
            whole.then_some(o.total as u64)
        })
        .collect()
}

/// Writes the totals as differences from what the rate of the middle observation predicts.
fn put_totals(bytes: &mut Vec<u8>, sample: &[Observation], totals: &[u64]) {
    let mut order: Vec<usize> = (0..totals.len()).collect();
    order.sort_by(|&a, &b| sample[a].per_iteration().total_cmp(&sample[b].per_iteration()).then(a.cmp(&b)));
    let middle = order[order.len() / 2];
    let rate = (totals[middle], sample[middle].iterations);
    let residuals: Vec<u64> = sample
        .iter()
        .zip(totals)
        .map(|(o, &total)| zigzag(difference(predict(rate, o.iterations), total)))
        .collect();
    let cost = |k: u32| residuals.iter().map(|&v| code_length(v, k)).sum::<u64>();
    let parameter = (0..=53).min_by_key(|&k| cost(k)).unwrap_or(0);
    put_varint(bytes, rate.0);
    put_varint(bytes, rate.1);
    bytes.push(u8::try_from(parameter).unwrap_or(0));
    let mut writer = BitWriter { bytes, used: 8 };
    for value in residuals {
        writer.put_rice(value, parameter);
    }
}

/// Predicts the total of `iterations` from the `rate` (total, iterations) of another observation.
///
/// Integer arithmetic, so that every machine predicts the same.
fn predict(rate: (u64, u64), iterations: u64) -> u64 {
    let predicted = u128::from(iterations) * u128::from(rate.0) / u128::from(rate.1.max(1));
    u64::try_from(predicted).unwrap_or(EXACT_INTEGER).min(EXACT_INTEGER)
}

/// Returns the number of bits of `value` in the Rice code with parameter `k`.
fn code_length(value: u64, k: u32) -> u64 {
    let quotient = value >> k;
    if quotient < u64::from(ESCAPE) { quotient + 1 + u64::from(k) } else { u64::from(ESCAPE) + 64 }
}

/// Reads iteration counts in either form.
fn take_iterations(input: &mut &[u8], count: usize, listed: bool) -> Result<Vec<u64>, PackError> {
    let first = take_varint(input)?;
    let mut iterations = Vec::with_capacity(count);
    iterations.push(first);
    let mut current = first;
    if listed {
        for _ in 1..count {
            current = current.wrapping_add_signed(unzigzag(take_varint(input)?));
            iterations.push(current);
        }
    } else {
        let step = unzigzag(take_varint(input)?);
        for _ in 1..count {
            current = current.wrapping_add_signed(step);
            iterations.push(current);
        }
    }
    Ok(iterations)
}

/// Reads totals stored as bits of floating-point numbers.
fn take_raw_totals(input: &mut &[u8], count: usize) -> Result<Vec<f64>, PackError> {
    if input.len() / 8 < count {
        return Err(PackError::Truncated);
    }
    let (totals, rest) = input.split_at(8 * count);
    *input = rest;
    let (chunks, _) = totals.as_chunks::<8>();
    Ok(chunks.iter().map(|chunk| f64::from_bits(u64::from_le_bytes(*chunk))).collect())
}

/// Reads totals stored as differences from a prediction.
#[expect(clippy::cast_precision_loss, reason = "values are checked to be below 2^53")]
fn take_totals(input: &mut &[u8], iterations: &[u64]) -> Result<Vec<f64>, PackError> {
    let rate = (take_varint(input)?, take_varint(input)?);
    let (&parameter, rest) = input.split_first().ok_or(PackError::Truncated)?;
    if rate.1 == 0 || parameter > 53 {
        return Err(PackError::Malformed);
    }
    let mut reader = BitReader { bytes: rest, position: 0 };
    let mut totals = Vec::with_capacity(iterations.len());
    for (index, &count) in iterations.iter().enumerate() {
        let residual = unzigzag(reader.take_rice(u32::from(parameter))?);
        let total = predict(rate, count).wrapping_add_signed(residual);
        if total >= EXACT_INTEGER {
            return Err(PackError::Value(index));
        }
        totals.push(total as f64);
    }
    *input = reader.rest()?;
    Ok(totals)
}

/// Maps small numbers of either sign to small numbers.
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// Undoes [`zigzag`].
fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// Appends a number in LEB128.
#[expect(clippy::cast_possible_truncation, reason = "seven bits are kept on purpose")]
fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Reads a number in LEB128, shortest form only.
fn take_varint(input: &mut &[u8]) -> Result<u64, PackError> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = input.split_first().ok_or(PackError::Truncated)?;
        *input = rest;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 || shift > 0 && byte == 0 {
            return Err(PackError::Malformed);
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(PackError::Malformed)
}

/// Appends bits, the most significant first.
struct BitWriter<'a> {
    bytes: &'a mut Vec<u8>,
    /// Bits used in the last byte; 8 when the next bit begins a new one.
    used: u8,
}

impl BitWriter<'_> {
    fn put(&mut self, bit: bool) {
        if self.used == 8 {
            self.bytes.push(0);
            self.used = 0;
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << (7 - self.used);
        }
        self.used += 1;
    }

    fn put_bits(&mut self, value: u64, width: u32) {
        (0..width).rev().for_each(|i| self.put(value >> i & 1 == 1));
    }

    fn put_rice(&mut self, value: u64, parameter: u32) {
        let quotient = value >> parameter;
        if quotient < u64::from(ESCAPE) {
            (0..quotient).for_each(|_| self.put(true));
            self.put(false);
            self.put_bits(value, parameter);
        } else {
            (0..ESCAPE).for_each(|_| self.put(true));
            self.put_bits(value, 64);
        }
    }
}

/// Reads bits, the most significant first.
struct BitReader<'a> {
    bytes: &'a [u8],
    /// Bits read so far.
    position: usize,
}

impl<'a> BitReader<'a> {
    fn take(&mut self) -> Result<bool, PackError> {
        let byte = self.bytes.get(self.position / 8).ok_or(PackError::Truncated)?;
        let bit = byte >> (7 - self.position % 8) & 1 == 1;
        self.position += 1;
        Ok(bit)
    }

    fn take_bits(&mut self, width: u32) -> Result<u64, PackError> {
        let mut value = 0;
        for _ in 0..width {
            value = value << 1 | u64::from(self.take()?);
        }
        Ok(value)
    }

    fn take_rice(&mut self, parameter: u32) -> Result<u64, PackError> {
        let mut quotient = 0;
        while quotient < ESCAPE && self.take()? {
            quotient += 1;
        }
        if quotient == ESCAPE {
            let value = self.take_bits(64)?;
            // A value that fits the short form was not written by `pack`.
            return if value >> parameter < u64::from(ESCAPE) {
                Err(PackError::Malformed)
            } else {
                Ok(value)
            };
        }
        Ok(u64::from(quotient) << parameter | self.take_bits(parameter)?)
    }

    /// Returns the bytes after the last one used; the unused bits of that one must be zero.
    fn rest(mut self) -> Result<&'a [u8], PackError> {
        while !self.position.is_multiple_of(8) {
            if self.take()? {
                return Err(PackError::Malformed);
            }
        }
        Ok(&self.bytes[self.position / 8..])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample(pairs: &[(u64, f64)]) -> Vec<Observation> {
        pairs.iter().map(|&(iterations, total)| Observation { iterations, total }).collect()
    }

    /// Bits, not values: −0.0 and 0.0 are equal but not the same.
    fn bits(sample: &[Observation]) -> Vec<(u64, u64)> {
        sample.iter().map(|o| (o.iterations, o.total.to_bits())).collect()
    }

    fn check(pairs: &[(u64, f64)]) {
        let sample = sample(pairs);
        let packed = pack(&sample).unwrap();
        assert_eq!(bits(&unpack(&packed).unwrap()), bits(&sample), "{pairs:?}");
        for end in 0..packed.len() {
            assert!(unpack(&packed[..end]).is_err(), "a sample cut at {end} was accepted: {pairs:?}");
        }
        let mut longer = packed;
        longer.push(0);
        assert!(unpack(&longer).is_err(), "{pairs:?}");
    }

    #[test]
    fn samples_of_every_shape_survive() {
        check(&[]);
        check(&[(1, 0.0)]);
        check(&[(1, -0.0)]);
        check(&[(1, 17_309.0), (2, 34_700.0), (3, 51_888.0), (4, 70_001.0)]);
        check(&[(7, 100.0), (7, 101.0), (7, 99.0)]);
        check(&[(7, 100.5), (7, 101.0)]);
        check(&[(1, 1.0), (100, 2.0), (3, 9e15), (u64::MAX, 9_007_199_254_740_991.0)]);
        check(&[(u64::MAX, 1.0), (1, 9e15), (u64::MAX / 2, f64::MAX), (5, f64::MIN_POSITIVE)]);
        check(&[(1, 9_007_199_254_740_992.0), (2, 1e300)]);
    }

    #[test]
    fn impossible_observations_are_refused() {
        for pair in [(0, 1.0), (1, -1.0), (1, f64::NAN), (1, f64::INFINITY)] {
            assert_eq!(pack(&sample(&[(1, 1.0), pair])), Err(PackError::Value(1)));
        }
    }

    #[test]
    fn impossible_bytes_are_refused() {
        assert_eq!(unpack(&[]), Err(PackError::Truncated));
        assert_eq!(unpack(&[2, 0, 0]), Err(PackError::Version(2)));
        assert_eq!(unpack(&[1, 4, 0]), Err(PackError::Mode(4)));
        // A million observations announced in twenty bytes.
        assert_eq!(unpack(&[&[1, 0, 0xc0, 0x84, 0x3d][..], &[0; 20]].concat()), Err(PackError::Truncated));
        assert_eq!(unpack(&[1, 0, 0xff, 0xff, 0xff, 0xff, 0x7f]), Err(PackError::TooMany(0x7_ffff_ffff)));
        // The number 0 in two bytes.
        assert_eq!(unpack(&[1, 0, 0x80, 0x00]), Err(PackError::Malformed));
    }

    /// Samples as Criterion makes them, with 1 % of noise from a fixed generator.
    pub(in crate::store) fn realistic(count: u64, step: u64, per_iteration: f64) -> Vec<Observation> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut unit = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f64::from(u32::try_from(state >> 32).unwrap()) / f64::from(u32::MAX)
        };
        (1..=count)
            .map(|i| {
                // The sum of four uniform numbers is close to normal: a spread of 1 %, and one spike of 30 % in fifty.
                let noise: f64 = (0..4).map(|_| unit() - 0.5).sum::<f64>() * 0.0173;
                let spike = if unit() < 0.02 { 0.3 } else { 0.0 };
                let iterations = i * step;
                let total =
                    f64::from(u32::try_from(iterations).unwrap()) * per_iteration * (1.0 + noise + spike);
                Observation { iterations, total: total.round() }
            })
            .collect()
    }

    #[test]
    fn realistic_samples_stay_within_the_budget() {
        // 5 s of linear sampling of a 17.3 µs operation, and the note's 15 s and 300 observations.
        let small = pack(&realistic(100, 57, 17_309.0)).unwrap().len();
        let large = pack(&realistic(300, 19, 17_309.0)).unwrap().len();
        // 200 benchmarks: 80 kB and 300 kB with the rows around them leave 300 and 1300 bytes.
        assert!(small <= 300, "{small} bytes for 100 observations");
        assert!(large <= 900, "{large} bytes for 300 observations");
    }

    proptest! {
        #[test]
        fn any_sample_survives(pairs in prop::collection::vec((1..=u64::MAX, prop_oneof![
            0.0..1e18_f64, (0..1_u64 << 53).prop_map(|v| v as f64), any::<f64>().prop_map(f64::abs).prop_filter("finite", |v| v.is_finite())
        ]), 0..40)) {
            let sample = sample(&pairs);
            prop_assert_eq!(bits(&unpack(&pack(&sample).unwrap()).unwrap()), bits(&sample));
        }

        #[test]
        fn any_whole_sample_survives(pairs in prop::collection::vec((1..100_000_u64, (0..1_u64 << 53).prop_map(|v| v as f64)), 0..40)) {
            let sample = sample(&pairs);
            prop_assert_eq!(bits(&unpack(&pack(&sample).unwrap()).unwrap()), bits(&sample));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), mode in 0..4_u8) {
            let framed: Vec<u8> = [1, mode].into_iter().chain(bytes).collect();
            if let Ok(sample) = unpack(&framed) {
                prop_assert_eq!(bits(&unpack(&pack(&sample).unwrap()).unwrap()), bits(&sample));
            }
        }
    }
}
