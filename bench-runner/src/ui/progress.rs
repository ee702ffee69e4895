//! Progress of a run: one live line on a terminal, plain lines elsewhere.
//!
//! It draws only when something happened between observations; no timer ticks while a benchmark is measured.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Style, note};

/// The progress of one run.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
    width: usize,
    done_seconds: f64,
    total_seconds: f64,
}

impl Progress {
    /// Starts silent: the first line comes with the first phase.
    #[must_use]
    pub fn new(style: Style) -> Self {
        let bar = (style.live && !style.quiet).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(form) = ProgressStyle::with_template("{msg}") {
                bar.set_style(form);
            }
            bar
        });
        Self { bar, quiet: style.quiet, width: style.width, done_seconds: 0.0, total_seconds: 0.0 }
    }

    /// Something that replaces the live line; not shown where there is none.
    pub fn detail(&self, text: &str) {
        if let Some(bar) = &self.bar {
            let fits: String = text.chars().take(self.width.saturating_sub(1)).collect();
            bar.set_message(fits);
            bar.tick();
        }
    }

    /// A line that stays.
    pub fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| note(text)),
            None if !self.quiet => note(text),
            None => {}
        }
    }

    /// Sets the seconds of measuring that the plan needs.
    pub fn expect(&mut self, seconds: f64) {
        self.total_seconds = seconds;
        self.done_seconds = 0.0;
    }

    /// Counts seconds of the plan as done.
    pub fn advance(&mut self, seconds: f64) {
        self.done_seconds = (self.done_seconds + seconds).min(self.total_seconds);
    }

    /// Words for the time left, for example `about 3 min left`.
    #[must_use]
    pub fn left(&self) -> String {
        time_left(self.total_seconds - self.done_seconds)
    }

    /// Removes the live line.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Rounds a number of seconds to words that do not pretend to be exact.
#[must_use]
fn time_left(seconds: f64) -> String {
    match seconds {
        s if !s.is_finite() || s < 0.0 => "time left unknown".to_owned(),
        s if s < 10.0 => "a few seconds left".to_owned(),
        s if s < 90.0 => format!("about {:.0} s left", (s / 10.0).ceil() * 10.0),
        s if s < 5400.0 => format!("about {:.0} min left", (s / 60.0).ceil()),
        s => format!("about {:.1} h left", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_rounded_up() {
        let check = |seconds, words| assert_eq!(time_left(seconds), words);
        check(3.0, "a few seconds left");
        check(42.0, "about 50 s left");
        check(130.0, "about 3 min left");
        check(7200.0, "about 2.0 h left");
        check(f64::NAN, "time left unknown");
    }
}
