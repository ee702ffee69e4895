//! How busy the machine is right now: two readings of counters with a sleep between them.
//!
//! Averages over 10 s and a minute remember the build that came before; this does not. The caller sleeps, so that
//! nothing here asks for the time.

use super::root::Root;
use super::sheet::{Outcome, Sheet};
use super::{OsKind, linux};
use crate::model::fact::{Fact, FactValue, Phase, keys};

/// Keys of the facts that a window gives.
pub const WINDOW_KEYS: &[&str] = &[keys::LOAD_BUSY_NOW, keys::LOAD_PRESSURE_NOW];

/// One reading of the counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    /// Busy and all ticks of all CPUs.
    pub(super) ticks: Option<(u64, u64)>,
    /// CPUs that are switched on.
    pub(super) cpus: u32,
    /// Microseconds in which some task waited for a core.
    pub(super) waited: Option<u64>,
}

impl Window {
    /// Reads the counters below `root`; a system without them gives an empty reading.
    #[must_use]
    pub fn open(root: &Root, os: OsKind) -> Self {
        match os {
            OsKind::Linux => linux::window(root),
            OsKind::MacOs | OsKind::Windows | OsKind::Other => Self::default(),
        }
    }

    /// The facts about the time between this reading and `later`, `seconds` after it.
    ///
    /// # Units
    /// Cores, and percent of the window.
    ///
    /// # Edge cases
    /// Without counters, or without a tick between the readings, the facts are unknown.
    #[must_use]
    pub fn close(&self, later: &Self, seconds: f64, phase: Phase) -> Vec<Fact> {
        let mut sheet = Sheet::new(phase);
        sheet.put(keys::LOAD_BUSY_NOW, self.busy(later, seconds));
        sheet.put(keys::LOAD_PRESSURE_NOW, self.pressure(later, seconds));
        sheet.into_facts(WINDOW_KEYS, "no window")
    }

    #[expect(clippy::cast_precision_loss, reason = "differences over seconds stay far below 2^53")]
    fn busy(&self, later: &Self, seconds: f64) -> Outcome {
        let (Some(before), Some(after)) = (self.ticks, later.ticks) else {
            return Outcome::unknown("no counters of CPU time on this system");
        };
        let (Some(busy), Some(all)) = (after.0.checked_sub(before.0), after.1.checked_sub(before.1)) else {
            return Outcome::unknown("/proc/stat: the counters fell");
        };
        if all == 0 {
            return Outcome::unknown("/proc/stat: no tick passed during the window");
        }
        let cores = f64::from(later.cpus) * busy as f64 / all as f64;
        let rounded = (cores * 100.0).round() / 100.0;
        Outcome::derived(FactValue::Number(rounded), format!("/proc/stat over {seconds:.1} s of sleep"))
    }

    #[expect(clippy::cast_precision_loss, reason = "differences over seconds stay far below 2^53")]
    fn pressure(&self, later: &Self, seconds: f64) -> Outcome {
        let (Some(before), Some(after)) = (self.waited, later.waited) else {
            return Outcome::unknown("/proc/pressure/cpu is not there");
        };
        match after.checked_sub(before) {
            Some(microseconds) if seconds > 0.0 => {
                let percent = (microseconds as f64 / 1e4 / seconds).min(100.0);
                let rounded = (percent * 10.0).round() / 10.0;
                let source = format!("/proc/pressure/cpu total over {seconds:.1} s of sleep");
                Outcome::derived(FactValue::Number(rounded), source)
            }
            _ => Outcome::unknown("/proc/pressure/cpu: the counter fell"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fact::known;

    #[test]
    fn a_window_counts_cores_and_percent() {
        let before = Window { ticks: Some((100, 1000)), cpus: 2, waited: Some(5_000) };
        let check = |later: Window, busy: Option<&str>, pressure: Option<&str>| {
            let facts = before.close(&later, 0.5, Phase::Start);
            assert_eq!(known(&facts, keys::LOAD_BUSY_NOW).as_deref(), busy, "{later:?}");
            assert_eq!(known(&facts, keys::LOAD_PRESSURE_NOW).as_deref(), pressure, "{later:?}");
        };
        // 100 ticks passed over two CPUs, half of them busy: one core. 50 ms of 500 ms waited.
        let later = |busy, all, waited| Window { ticks: Some((busy, all)), cpus: 2, waited };
        check(later(150, 1100, Some(55_000)), Some("1"), Some("10"));
        check(later(100, 1100, Some(5_000)), Some("0"), Some("0"));
        check(later(103, 1100, None), Some("0.06"), None);
        check(later(100, 1000, Some(4_000)), None, None);
        check(later(99, 1100, Some(9_000_000)), None, Some("100"));
        check(Window::default(), None, None);
    }
}
