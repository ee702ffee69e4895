//! Whether something disturbed a launch: thresholds on what was noticed beside its observations.
//!
//! The times of the benchmark are not looked at: dropping launches or samples by their result would be choosing the
//! answer. What happens to a tainted launch is decided by the caller, within [`extra_launches`].

use super::words;
use crate::model::covariates::Covariates;
use crate::model::finding::{Finding, Severity};
use crate::model::run::Launch;
use crate::stats::order::median;

/// Clock before the launch against the best of the session, below which the launch is tainted.
pub const CLOCK: f64 = 0.97;
/// Contention before the launch (best over median of the throughput loop), below which it is tainted.
pub const CONTENTION: f64 = 0.85;
/// CPU time over wall time against the median of the executable's launches, below which it is tainted.
pub const CPU_SHARE: f64 = 0.95;
/// Share of the machine's time that the hypervisor took, above which it is tainted.
pub const STEAL: f64 = 0.01;
/// Involuntary switches per CPU second above which it is tainted, if that is also [`SWITCHES_FACTOR`] times the usual.
pub const SWITCHES: f64 = 100.0;
/// See [`SWITCHES`].
pub const SWITCHES_FACTOR: f64 = 3.0;
/// Launches of the same executable that have to exist before one is compared with them.
pub const FEWEST_PEERS: usize = 3;
/// Share of tainted launches above which the run itself is in doubt.
pub const DOUBTFUL: f64 = 0.3;

/// Why a launch is tainted; empty when nothing was noticed.
///
/// `earlier` are the launches of the run before it. What could not be read taints nothing: unknown is not "disturbed".
#[must_use]
pub fn taints(launch: &Launch, noticed: &Covariates, earlier: &[Launch]) -> Vec<String> {
    let all = || earlier.iter().filter_map(|other| other.covariates.as_ref());
    let peers: Vec<&Launch> =
        earlier.iter().filter(|other| other.executable == launch.executable && other.counts()).collect();
    let usual = |of: &dyn Fn(&Launch, &Covariates) -> Option<f64>| {
        let values: Vec<f64> = peers.iter().filter_map(|peer| of(peer, peer.covariates.as_ref()?)).collect();
        (values.len() >= FEWEST_PEERS).then(|| median(&values)).flatten()
    };
    let mut found = Vec::new();
    let best = all().filter_map(|other| other.clock_ghz).fold(f64::NEG_INFINITY, f64::max);
    if let Some(clock) = noticed.clock_ghz.filter(|clock| *clock < CLOCK * best) {
        found.push(format!("clock {clock:.3} GHz, {:.0} % of the session's best", 100.0 * clock / best));
    }
    if let Some(contention) = noticed.contention.filter(|contention| *contention < CONTENTION) {
        found.push(format!("contended before it began: canary at {contention:.2}, threshold {CONTENTION}"));
    }
    if let (Some(own), Some(usual)) = (cpu_share(launch, noticed), usual(&cpu_share))
        && own < CPU_SHARE * usual
    {
        found.push(format!("{own:.2} CPU seconds per second, usually {usual:.2}"));
    }
    if let (Some(own), Some(usual)) = (switches(launch, noticed), usual(&switches))
        && own > SWITCHES
        && own > SWITCHES_FACTOR * usual
    {
        found.push(format!("preempted {own:.0} times per CPU second, usually {usual:.0}"));
    }
    if let (Some(steal), Some(ticks)) = (noticed.steal_ticks, noticed.all_ticks)
        && ticks > 0
        && number(steal) / number(ticks) > STEAL
    {
        found.push(format!("the hypervisor took {:.1} % of the time", 100.0 * number(steal) / number(ticks)));
    }
    if let Some(stops) = noticed.quota_stops.filter(|stops| *stops > 0) {
        found.push(format!("stopped {stops} times for the CPU quota"));
    }
    found
}

/// How many launches a run may repeat: a tenth of those planned, rounded down.
#[must_use]
pub fn extra_launches(planned: u32) -> u32 {
    planned / 10
}

/// What a run says about its disturbed launches; `None` when there were none.
#[must_use]
pub fn finding(launches: &[Launch]) -> Option<Finding> {
    let tainted: Vec<(&Launch, &Covariates)> = launches
        .iter()
        .filter_map(|launch| Some((launch, launch.covariates.as_ref()?)))
        .filter(|(_, noticed)| !noticed.taints.is_empty())
        .collect();
    let (first, _) = tainted.first()?;
    let repeated = tainted.iter().filter(|(_, noticed)| noticed.repeated).count();
    let share = tainted.len() as f64 / launches.len() as f64;
    let names: Vec<String> = tainted
        .iter()
        .map(|(launch, noticed)| format!("launch {} ({})", launch.ordinal + 1, noticed.taints.join("; ")))
        .collect();
    Some(Finding {
        code: "launch-disturbed".to_owned(),
        severity: if share > DOUBTFUL { Severity::Warning } else { Severity::Info },
        subject: if tainted.len() == 1 { format!("launch {}", first.ordinal + 1) } else { String::new() },
        evidence: format!(
            "{} of {} launches were disturbed ({}): {}",
            tainted.len(),
            launches.len(),
            words::share(share),
            words::list(&names, 3)
        ),
        effect: format!("{repeated} were made again and count no longer; the others count as they are"),
        remedy: "none for single launches; for many, see `bench-runner doctor`".to_owned(),
    })
}

/// CPU seconds per wall second.
fn cpu_share(launch: &Launch, noticed: &Covariates) -> Option<f64> {
    let share = noticed.cpu_seconds()? / launch.elapsed_seconds;
    share.is_finite().then_some(share)
}

/// Involuntary switches per CPU second.
fn switches(_launch: &Launch, noticed: &Covariates) -> Option<f64> {
    let rate = number(noticed.involuntary_switches?) / noticed.cpu_seconds()?;
    rate.is_finite().then_some(rate)
}

#[expect(clippy::cast_precision_loss, reason = "counts of one launch stay far below 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::Digest;
    use crate::model::run::LaunchStatus;
    use crate::model::units::Timestamp;

    fn quiet() -> Covariates {
        Covariates {
            cpu_user_seconds: Some(1.9),
            cpu_system_seconds: Some(0.02),
            involuntary_switches: Some(40),
            steal_ticks: Some(0),
            all_ticks: Some(400),
            quota_stops: Some(0),
            clock_ghz: Some(3.7),
            contention: Some(0.98),
            ..Covariates::default()
        }
    }

    fn launch(ordinal: u32, noticed: Option<Covariates>) -> Launch {
        Launch {
            ordinal,
            round: ordinal,
            executable: Digest([1; 32]),
            package: "kms".to_owned(),
            target: "t".to_owned(),
            status: LaunchStatus::Complete,
            capture: None,
            reason: None,
            harness_version: None,
            started: Timestamp(0),
            elapsed_seconds: 2.0,
            exit_code: Some(0),
            covariates: noticed,
        }
    }

    /// The taints of a launch with `noticed` after four quiet ones, by their first word.
    #[track_caller]
    fn check(noticed: Covariates, expected: &[&str]) {
        let earlier: Vec<Launch> = (0..4).map(|ordinal| launch(ordinal, Some(quiet()))).collect();
        let found = taints(&launch(4, None), &noticed, &earlier);
        let words: Vec<&str> = found.iter().filter_map(|taint| taint.split(' ').next()).collect();
        assert_eq!(words, expected, "{found:?}");
    }

    #[test]
    fn each_disturbance_has_its_reason_and_quiet_launches_have_none() {
        check(quiet(), &[]);
        check(Covariates::default(), &[]);
        check(Covariates { clock_ghz: Some(3.5), ..quiet() }, &["clock"]);
        check(Covariates { clock_ghz: Some(3.6), ..quiet() }, &[]);
        check(Covariates { contention: Some(0.7), ..quiet() }, &["contended"]);
        check(Covariates { cpu_user_seconds: Some(1.5), ..quiet() }, &["0.76"]);
        check(Covariates { involuntary_switches: Some(900), ..quiet() }, &["preempted"]);
        check(Covariates { steal_ticks: Some(9), ..quiet() }, &["the"]);
        check(Covariates { quota_stops: Some(2), ..quiet() }, &["stopped"]);
        let both = Covariates { clock_ghz: Some(3.0), quota_stops: Some(1), ..quiet() };
        check(both, &["clock", "stopped"]);
    }

    #[test]
    fn a_launch_is_compared_only_with_enough_of_its_own_executable() {
        let slow = Covariates { cpu_user_seconds: Some(1.0), ..quiet() };
        let of = |earlier: &[Launch]| taints(&launch(4, None), &slow, earlier).len();
        let peers: Vec<Launch> = (0..3).map(|ordinal| launch(ordinal, Some(quiet()))).collect();
        assert_eq!((of(&peers), of(&peers[..2])), (1, 0));
        let others: Vec<Launch> =
            peers.iter().map(|peer| Launch { executable: Digest([2; 32]), ..peer.clone() }).collect();
        assert_eq!(of(&others), 0);
    }

    #[test]
    fn the_share_is_printed_and_many_are_a_warning() {
        let tainted = |repeated| Covariates { taints: vec!["x".to_owned()], repeated, ..quiet() };
        let mut launches: Vec<Launch> = (0..9).map(|ordinal| launch(ordinal, Some(quiet()))).collect();
        assert_eq!(finding(&launches), None);
        launches.push(launch(9, Some(tainted(true))));
        let one = finding(&launches).unwrap();
        assert_eq!((one.severity, one.subject.as_str()), (Severity::Info, "launch 10"));
        assert!(one.evidence.contains("1 of 10 launches were disturbed (10 %): launch 10 (x)"), "{one:?}");
        assert!(one.effect.starts_with("1 were made again"), "{one:?}");
        launches[0].covariates = Some(tainted(false));
        launches[1].covariates = Some(tainted(false));
        launches[2].covariates = Some(tainted(false));
        assert_eq!(finding(&launches).unwrap().severity, Severity::Warning);
    }

    #[test]
    fn a_tenth_may_be_repeated() {
        assert_eq!([0, 9, 10, 39, 100].map(extra_launches), [0, 0, 1, 3, 10]);
    }
}
