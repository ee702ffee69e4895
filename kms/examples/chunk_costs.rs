//! Measures what one item of a `zip215` combination costs at each length: the table behind the chunks of a batch.
//!
//! `cargo run --release -p kms --example chunk_costs -- 200`
//!
//! The lengths take turns, round after round, and each keeps the median and the least of its times per item. Every round
//! takes other items: over the same ones again and again the processor would learn the branches of short combinations
//! and show them cheaper than they are. First table: items; then nanoseconds per item with different keys, and with one key.
//! Second table: points of one multiplication, half of them with scalars of 128 bits as in a batch with different keys;
//! then nanoseconds per point as it is, and filled up with terms of zero to the 190 points where the library changes
//! from Straus' to Pippenger's algorithm.

use std::hint::black_box;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::time::Instant;

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::VartimeMultiscalarMul as _;
use kms::{Item, Rejected, Seed, Signature, SigningKey, Zip215};
use sha2::{Digest as _, Sha512};

/// Lengths around every step that the arithmetic below has: powers of two, and 190, 500 and 800 points.
const LENGTHS: &[usize] = &[
    1, 2, 3, 4, 6, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60, 62, 63, 64, 65, 66, 72, 80, 88, 94,
    95, 96, 104, 112, 120, 128, 144, 160, 187, 188, 192, 224, 248, 249, 250, 256, 288, 320, 384, 399, 400,
    448, 512, 768, 1024,
];

/// Signed messages with their keys.
fn signed(count: usize, keys: usize) -> Vec<(SigningKey, [u8; 128], Signature)> {
    (0..count)
        .map(|index| {
            let mut seed = [0; 32];
            seed[..8].copy_from_slice(&(index % keys).to_le_bytes());
            let key = SigningKey::from_seed(&Seed::from_bytes(&seed));
            let message = [index.to_le_bytes()[0]; 128];
            let signature = key.sign(&message);
            (key, message, signature)
        })
        .collect()
}

/// Gives the time of verifying all items as one combination. Unit: nanoseconds per item.
fn once(items: &[Item<'_>], verdicts: &mut [kms::Verdict]) -> Result<f64, Box<dyn std::error::Error>> {
    let whole = NonZeroUsize::new(items.len()).ok_or("no items")?;
    let start = Instant::now();
    Zip215::verify_many_in_chunks(black_box(items), verdicts, whole)?;
    let time = start.elapsed();
    if verdicts.iter().any(Result::is_err) {
        return Err("a good signature was refused".into());
    }
    #[expect(clippy::cast_precision_loss, reason = "a thousand items, and times far below 2^53")]
    Ok(time.as_nanos() as f64 / items.len() as f64)
}

/// Points around where filling up begins to pay.
const POINTS: &[usize] =
    &[65, 81, 97, 105, 113, 117, 121, 125, 127, 129, 131, 133, 141, 149, 157, 165, 173, 181, 189];
/// How many signed messages the rounds go through.
const POOL: usize = 4096;

/// Gives median and least of some times, divided by a count. Unit: that of the times.
fn median_and_least(times: &mut [f64], count: usize) -> [f64; 2] {
    times.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "at most a thousand")]
    let count = count as f64;
    [times[times.len() / 2] / count, times[0] / count]
}

/// From so many points on curve25519-dalek takes Pippenger's algorithm.
const STEP: usize = 190;

/// Gives the time of one multiplication. Unit: nanoseconds.
fn multiply(scalars: &[Scalar], points: &[EdwardsPoint]) -> f64 {
    let start = Instant::now();
    black_box(EdwardsPoint::vartime_multiscalar_mul(black_box(scalars), black_box(points)));
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53 nanoseconds")]
    let time = start.elapsed().as_nanos() as f64;
    time
}

/// Measures where filling up pays.
fn filling_up(rounds: usize, out: &mut impl Write) -> io::Result<()> {
    let points: Vec<EdwardsPoint> =
        (1_u64..).take(STEP).map(|number| EdwardsPoint::mul_base(&Scalar::from(number * number))).collect();
    let hash = |index: usize| Scalar::from_bytes_mod_order_wide(&Sha512::digest(index.to_le_bytes()).into());
    let short = |scalar: Scalar| {
        let mut low = [0; 16];
        low.copy_from_slice(&scalar.as_bytes()[..16]);
        Scalar::from(u128::from_le_bytes(low))
    };
    // Other scalars every time: branches that follow from the same digits again and again would be learnt.
    let mut pool: Vec<Scalar> = (0..8192).map(hash).collect();
    pool.iter_mut().step_by(2).for_each(|scalar| *scalar = short(*scalar));
    writeln!(out, "points,as_it_is_ns,its_least,filled_up_ns,its_least")?;
    let mut times = vec![[Vec::new(), Vec::new()]; POINTS.len()];
    for round in 0..rounds {
        for (&count, times) in POINTS.iter().zip(&mut times) {
            for (filled, times) in times.iter_mut().enumerate() {
                let from = (2 * round + filled) * 194 % (pool.len() - STEP);
                let mut scalars = pool[from..from + count].to_vec();
                let mut points = points[..count].to_vec();
                if filled == 1 {
                    scalars.resize(STEP, Scalar::ZERO);
                    points.resize(STEP, EdwardsPoint::default());
                }
                times.push(multiply(&scalars, &points));
            }
        }
    }
    for (&count, times) in POINTS.iter().zip(&mut times) {
        let [[plain, least], [filled, filled_least]] =
            times.each_mut().map(|times| median_and_least(times, count));
        writeln!(out, "{count},{plain:.0},{least:.0},{filled:.0},{filled_least:.0}")?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rounds: usize = std::env::args().nth(1).map_or(Ok(100), |text| text.parse())?.max(1);
    let most = LENGTHS.iter().copied().max().unwrap_or(1);
    let inputs = [signed(POOL, POOL), signed(POOL, 1)];
    let items: Vec<Vec<Item<'_>>> = inputs
        .iter()
        .map(|inputs| {
            let items = inputs.iter();
            items
                .map(|(key, message, signature)| Item { key: key.public_key(), message, signature })
                .collect()
        })
        .collect();
    let mut verdicts = vec![Err(Rejected::NotVerified); most];
    let mut times = vec![[Vec::new(), Vec::new()]; LENGTHS.len()];
    for round in 0..rounds {
        for (length, times) in LENGTHS.iter().zip(&mut times) {
            let from = round * 389 % (POOL - length);
            for (items, times) in items.iter().zip(times) {
                times.push(once(&items[from..from + length], &mut verdicts[..*length])?);
            }
        }
    }
    let mut out = io::stdout().lock();
    writeln!(out, "# {} rounds, curve backend {}", rounds, kms::probe::curve_backend().name())?;
    writeln!(out, "items,different_keys_ns,its_least,one_key_ns,its_least")?;
    for (length, times) in LENGTHS.iter().zip(&mut times) {
        let [[different, least], [one, one_least]] = times.each_mut().map(|times| median_and_least(times, 1));
        writeln!(out, "{length},{different:.0},{least:.0},{one:.0},{one_least:.0}")?;
    }
    filling_up(rounds, &mut out)?;
    Ok(())
}
