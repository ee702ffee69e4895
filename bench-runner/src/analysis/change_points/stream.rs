//! The default engine on a series that grows by one value at a time.
//!
//! Windows that are full are frozen; only the last one is analyzed again, so that the cost of a value does not grow with
//! the series. After [`Stream::settle`] the answer is that of the whole analysis, to the last bit.

use super::robust::{Analysis, FEWEST, Robust, STRIDE, WINDOW, WindowAnswer, combine};

/// Values after which the last window is analyzed in any case.
pub const EVERY: usize = 8;

/// Values further than [`SURPRISE`] scales from the level that make the analysis due at once.
pub const SURPRISES: usize = 2;

/// Noise scales from the level at the end at which a value is a surprise.
pub const SURPRISE: f64 = 2.0;

/// A series that grows.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    engine: Robust,
    values: usize,
    indices: Vec<usize>,
    logs: Vec<f64>,
    frozen: Vec<(usize, WindowAnswer)>,
    open: Option<(usize, WindowAnswer)>,
    pending: usize,
    surprises: usize,
}

impl Stream {
    /// Adds a value, or a gap, and says whether the last window was analyzed again.
    ///
    /// That happens after [`EVERY`] usable values, or [`SURPRISES`] surprising ones, whichever comes first: until then the answer
    /// is the one before.
    pub fn append(&mut self, value: Option<f64>) -> bool {
        self.values += 1;
        let Some(value) = value.filter(|value| *value > 0.0 && value.is_finite()) else { return false };
        let log = value.ln();
        self.indices.push(self.values - 1);
        self.logs.push(log);
        self.pending += 1;
        let surprising = self
            .open
            .as_ref()
            .is_none_or(|(_, answer)| (log - answer.level).abs() > SURPRISE * answer.noise.scale);
        self.surprises += usize::from(surprising);
        let full = self.logs.len() == self.start() + WINDOW;
        let due = self.pending >= EVERY || self.surprises >= SURPRISES || full;
        if due && self.logs.len() >= FEWEST {
            self.settle();
        }
        due
    }

    /// Brings the answer up to date.
    pub fn settle(&mut self) {
        if self.pending == 0 {
            return;
        }
        (self.pending, self.surprises) = (0, 0);
        let start = self.start();
        let answer = self.engine.window(&self.logs[start..]).map(|answer| (start, answer));
        if self.logs.len() == start + WINDOW {
            self.frozen.extend(answer);
            self.open = None;
        } else {
            self.open = answer;
        }
    }

    /// The answer as of the last analysis, for all values so far.
    #[must_use]
    pub fn analysis(&self) -> Analysis {
        // A window is open only until it is full; then the next one opens with the next value.
        let answers: Vec<&(usize, WindowAnswer)> = self.frozen.iter().chain(&self.open).collect();
        combine(&answers, &self.indices, self.values)
    }

    /// Beginning of the window that is not full yet.
    fn start(&self) -> usize {
        self.frozen.len() * STRIDE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::rng::SplitMix64;

    fn values(n: usize) -> Vec<Option<f64>> {
        let mut rng = SplitMix64::new(31);
        (0..n)
            .map(|i| {
                let level = if (i / 130).is_multiple_of(2) { 100.0 } else { 110.0 };
                (rng.unit() > 0.05).then(|| level * (0.01 * rng.normal()).exp())
            })
            .collect()
    }

    #[test]
    fn the_settled_stream_says_what_the_whole_analysis_says() {
        let values = values(1300);
        let mut stream = Stream::default();
        let mut compared = 0;
        for (index, value) in values.iter().enumerate() {
            stream.append(*value);
            if [5, 9, 150, 399, 421, 422, 423, 424, 640, 1000, 1299].contains(&index) {
                stream.settle();
                assert_eq!(stream.analysis(), Robust::default().analyze(&values[..=index]), "{index}");
                compared += 1;
            }
        }
        assert_eq!(compared, 11);
        assert!(stream.analysis().steps().count() >= 8);
    }

    #[test]
    fn a_large_step_is_seen_within_eight_values() {
        let mut stream = Stream::default();
        let mut rng = SplitMix64::new(4);
        let mut seen = None;
        for index in 0..160 {
            let level = if index < 120 { 100.0 } else { 112.0 };
            stream.append(Some(level * (0.01 * rng.normal()).exp()));
            if seen.is_none() && stream.analysis().steps().count() > 0 {
                seen = Some(index);
            }
        }
        assert!(seen.is_some_and(|index| (120..128).contains(&index)), "{seen:?}");
    }
}
