//! What a program used, as the kernel adds it up when its parent waits for it.
//!
//! The kernel keeps one sum over all children that were waited for. The difference around a single wait is what that
//! child, and the children that it had waited for itself, used. Nothing is sampled while the program runs.

/// CPU time, switches, faults and memory of a program that ended.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Usage {
    /// CPU seconds in user mode.
    pub user_seconds: f64,
    /// CPU seconds in the kernel.
    pub system_seconds: f64,
    /// Times it gave the CPU away.
    pub voluntary_switches: u64,
    /// Times the CPU was taken from it.
    pub involuntary_switches: u64,
    /// Page faults that needed a disk.
    pub major_faults: u64,
    /// Largest resident memory in bytes. The kernel keeps the largest of all children so far: it is known only for a
    /// program that exceeded them all.
    pub peak_memory_bytes: Option<u64>,
}

/// The sums over all children that were waited for, at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sums(Option<Usage>);

impl Sums {
    /// Reads the sums.
    pub(super) fn now() -> Self {
        Self(read())
    }

    /// What was added since `self`; `None` where the system keeps no such sums.
    pub(super) fn until_now(self) -> Option<Usage> {
        difference(self.0?, read()?)
    }
}

fn difference(before: Usage, after: Usage) -> Option<Usage> {
    let peak = (after.peak_memory_bytes > before.peak_memory_bytes).then_some(after.peak_memory_bytes);
    Some(Usage {
        user_seconds: (after.user_seconds - before.user_seconds).max(0.0),
        system_seconds: (after.system_seconds - before.system_seconds).max(0.0),
        voluntary_switches: after.voluntary_switches.checked_sub(before.voluntary_switches)?,
        involuntary_switches: after.involuntary_switches.checked_sub(before.involuntary_switches)?,
        major_faults: after.major_faults.checked_sub(before.major_faults)?,
        peak_memory_bytes: peak.flatten(),
    })
}

#[cfg(unix)]
fn read() -> Option<Usage> {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::{TimeVal, TimeValLike as _};
    #[expect(clippy::cast_precision_loss, reason = "microseconds of CPU time stay below 2^53")]
    let seconds = |time: TimeVal| time.num_microseconds() as f64 / 1e6;
    // Linux counts in KiB, macOS in bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).ok()?;
    Some(Usage {
        user_seconds: seconds(usage.user_time()),
        system_seconds: seconds(usage.system_time()),
        voluntary_switches: u64::try_from(usage.voluntary_context_switches()).ok()?,
        involuntary_switches: u64::try_from(usage.involuntary_context_switches()).ok()?,
        major_faults: u64::try_from(usage.major_page_faults()).ok()?,
        peak_memory_bytes: u64::try_from(usage.max_rss()).ok().map(|size| size.saturating_mul(unit)),
    })
}

/// Not asked for on this system.
#[cfg(not(unix))]
fn read() -> Option<Usage> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_what_one_child_added() {
        let sums = |user: f64, switches: u64, peak: u64| Usage {
            user_seconds: user,
            involuntary_switches: switches,
            peak_memory_bytes: Some(peak),
            ..Usage::default()
        };
        let used = difference(sums(1.0, 3, 500), sums(3.5, 10, 500)).unwrap();
        assert_eq!((used.user_seconds, used.involuntary_switches, used.peak_memory_bytes), (2.5, 7, None));
        let larger = difference(sums(1.0, 3, 500), sums(1.0, 3, 700)).unwrap();
        assert_eq!(larger.peak_memory_bytes, Some(700));
        assert_eq!(difference(sums(1.0, 3, 500), sums(1.0, 2, 500)), None);
    }

    #[cfg(unix)]
    #[test]
    fn the_cpu_time_of_a_busy_child_is_seen() {
        use crate::process::{ProcessRequest, ProcessRunner, SystemRunner};
        let before = Sums::now();
        let busy = ProcessRequest::new("sh").args(["-c", "i=0; while [ $i -lt 40000 ]; do i=$((i+1)); done"]);
        assert!(SystemRunner.run(&busy).unwrap().success());
        let used = before.until_now().unwrap();
        assert!(used.user_seconds + used.system_seconds > 0.0, "{used:?}");
    }
}
