//! What was noticed about one launch beside its observations: what it used, what disturbed it, how fast the core was.
//!
//! Numbers only, and what was done because of them. Whether they taint a launch is decided by analysis.

use serde::{Deserialize, Serialize};

/// Everything beside the observations of one launch. What could not be read is `None`, never 0.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Covariates {
    /// CPU seconds in user mode, of the bench and the children it waited for.
    pub cpu_user_seconds: Option<f64>,
    /// CPU seconds in the kernel, of the same.
    pub cpu_system_seconds: Option<f64>,
    /// Times it gave the CPU away to wait.
    pub voluntary_switches: Option<u64>,
    /// Times the CPU was taken from it.
    pub involuntary_switches: Option<u64>,
    /// Page faults that needed a disk.
    pub major_faults: Option<u64>,
    /// Largest resident memory in bytes; known only where it exceeds that of every program started before.
    pub peak_memory_bytes: Option<u64>,
    /// Clock ticks that the hypervisor took from the machine meanwhile.
    pub steal_ticks: Option<u64>,
    /// All clock ticks of all CPUs meanwhile: what steal is a share of.
    pub all_ticks: Option<u64>,
    /// Periods in which the control group was stopped for its quota meanwhile.
    pub quota_stops: Option<u64>,
    /// Clock of the core before the launch, in GHz, measured.
    pub clock_ghz: Option<f64>,
    /// Best time of the throughput canary over its median before the launch: 1 is undisturbed.
    pub contention: Option<f64>,
    /// Why this launch is tainted, as judged when it ended; empty when it is not.
    pub taints: Vec<String>,
    /// Whether another launch was made in its stead. Then it is kept and shown, and no estimate uses it.
    pub repeated: bool,
}

impl Covariates {
    /// CPU seconds in user mode and in the kernel together.
    #[must_use]
    pub fn cpu_seconds(&self) -> Option<f64> {
        Some(self.cpu_user_seconds? + self.cpu_system_seconds?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_known_only_when_both_parts_are() {
        let both =
            Covariates { cpu_user_seconds: Some(1.5), cpu_system_seconds: Some(0.5), ..Default::default() };
        assert_eq!(both.cpu_seconds(), Some(2.0));
        assert_eq!(Covariates { cpu_system_seconds: None, ..both }.cpu_seconds(), None);
    }
}
