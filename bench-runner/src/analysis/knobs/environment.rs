//! Rules about build and machine, from facts.
//!
//! Only facts that were really read count: a hidden or unknown one fires nothing. The machine itself is never changed.

use super::{Fired, KnobInput, Needs, Recipe, Rule, Setting, Trial};
use crate::model::fact::keys;
use crate::model::knob::{Confidence, KnobGroup, KnobState};

/// The vector backend of curve25519-dalek that newer processors have, against the one that it takes when nothing is set.
const BACKEND: Trial = Trial {
    recipe: Recipe::Arms { from: backend(&[]), to: backend(&["--cfg=curve25519_dalek_backend=\"avx512\""]) },
    action: "Let verification use the AVX-512 IFMA backend",
    unmoved: "",
    lines: "# .cargo/config.toml\n[target.'cfg(target_arch = \"x86_64\")']\nrustflags = ['--cfg=curve25519_dalek_backend=\"avx512\"']",
    library: "",
};

const fn backend(flags: &'static [&'static str]) -> Setting {
    Setting { without: &["--cfg=curve25519_dalek_backend"], rustflags: flags, ..Setting::AS_IS }
}

pub(super) static RULES: [Rule; 5] = [
    Rule {
        id: "build.curve-backend",
        group: KnobGroup::Build,
        question: "Does the code run a slower arithmetic backend than the processor offers?",
        needs: Needs::Samples,
        state: KnobState::Candidate,
        cost: "one line of configuration; at run time a processor without the instructions still gets the older backend",
        risk: "a policy that asks for a formally verified backend may forbid it; some older processors lower their clock for wide vectors",
        security: "all backends compute the same signatures; check the policy that chose the present one",
        see: "",
        set: "",
        trial: Some(BACKEND),
        typical: None,
        evidence: curve_backend,
    },
    Rule {
        id: "build.target-cpu",
        group: KnobGroup::Build,
        question: "Was the code built for the measuring machine alone?",
        needs: Needs::Samples,
        state: KnobState::Information,
        cost: "one more build, to be measured beside the present one",
        risk: "the present build ends with an illegal instruction on older processors; portable numbers are another line of history",
        security: "",
        see: "",
        set: "",
        trial: None,
        typical: None,
        evidence: target_cpu,
    },
    Rule {
        id: "machine.power-mode",
        group: KnobGroup::Machine,
        question: "Does the machine save power while it measures?",
        needs: Needs::Samples,
        state: KnobState::Candidate,
        cost: "heat, the noise of the fan, and battery where there is no mains",
        risk: "a laptop that gets hot throttles instead, and slows down over minutes; another power mode is another line of history",
        security: "none: it changes how fast code runs, not which",
        see: "powerprofilesctl get    # Linux\ncat /sys/class/power_supply/*/online\npmset -g | grep -i powermode    # macOS\npowercfg /getactivescheme    # Windows",
        set: "powerprofilesctl set performance    # Linux\nsudo pmset -a lowpowermode 0    # macOS\npowercfg /setactive SCHEME_MIN    # Windows: high performance",
        trial: None,
        typical: None,
        evidence: power_mode,
    },
    Rule {
        id: "machine.governor",
        group: KnobGroup::Machine,
        question: "Does the frequency policy prefer saving power?",
        needs: Needs::Samples,
        state: KnobState::Candidate,
        cost: "power and heat, between benchmarks as well",
        risk: "at the strongest preference some machines reach their limit of power sooner and run slower: compare before keeping it",
        security: "none; setting it takes an administrator, measuring does not",
        see: "grep . /sys/devices/system/cpu/cpu0/cpufreq/scaling_driver \\\n  /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor \\\n  /sys/devices/system/cpu/cpu0/cpufreq/energy_performance_preference",
        set: "sudo cpupower frequency-set --governor performance\nsudo cpupower set --epp performance    # pstate drivers",
        trial: None,
        typical: None,
        evidence: governor,
    },
    Rule {
        id: "machine.quota",
        group: KnobGroup::Machine,
        question: "May the process use fewer cores than its benchmarks have threads?",
        needs: Needs::Samples,
        state: KnobState::Candidate,
        cost: "a larger runner, or fewer threads in the benchmarks",
        risk: "a quota larger than what the node has to give moves the waiting elsewhere: look at the throttled periods again",
        security: "a quota is also what contains a job that runs away: raise it for the bench job alone",
        see: "cat /sys/fs/cgroup/cpu.max    # quota and period\ngrep throttled /sys/fs/cgroup/cpu.stat",
        set: "docker run --cpus 4 IMAGE    # or limits.cpu of the pod",
        trial: None,
        typical: None,
        evidence: quota,
    },
];

fn words_of(text: &str) -> Vec<String> {
    text.to_ascii_lowercase()
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn fact_evidence(input: &KnobInput<'_>, keys: &[&str]) -> Vec<(String, String)> {
    keys.iter().filter_map(|key| input.fact(key).map(|text| ((*key).to_owned(), text))).collect()
}

fn curve_backend(input: &KnobInput<'_>) -> Vec<Fired> {
    let (Some(backend), Some(features)) = (input.fact(keys::PROBE_BACKEND), input.fact(keys::CPU_FEATURES))
    else {
        return Vec::new();
    };
    let backend = backend.to_ascii_lowercase();
    let features = words_of(&features);
    let has = |name: &str| features.iter().any(|feature| feature.replace('_', "") == name);
    let forced = "# .cargo/config.toml: leave out what forces the portable backend\n\
                  # --cfg=curve25519_dalek_backend=\"serial\"";
    let (better, predicted, how) =
        if has("avx512ifma") && !backend.contains("avx512") && !backend.contains("ifma") {
            // curve25519-dalek 5 on one server processor: AVX2 30.9 → 17.6 µs, portable 52.4 → 17.6 µs per verification.
            ("AVX-512 IFMA", if backend.contains("avx2") { (-0.45, -0.2) } else { (-0.65, -0.3) }, "")
        } else if has("avx2") && backend.contains("serial") {
            ("AVX2", (-0.42, -0.2), forced)
        } else {
            return Vec::new();
        };
    vec![Fired {
        predicted_change: Some(predicted),
        confidence: Confidence::Low,
        how: how.to_owned(),
        ..Fired::new(
            format!("Let verification use the {better} backend"),
            format!("the benches report the backend {backend}, while the processor offers {better}"),
            fact_evidence(input, &[keys::PROBE_BACKEND]),
        )
    }]
}

fn target_cpu(input: &KnobInput<'_>) -> Vec<Fired> {
    let flags = input.fact(keys::BUILD_FLAGS).filter(|flags| flags.contains("target-cpu=native"));
    if flags.is_none() {
        return Vec::new();
    }
    vec![Fired {
        how: "cargo build without -C target-cpu=native, measured beside the present build".to_owned(),
        ..Fired::new(
            "Compare with a portable build before keeping target-cpu=native".to_owned(),
            "crypto code chooses its vector backend at run time anyway, so native mostly changes the rest: on one server \
             processor it left verification as fast as the run-time choice did and slowed signing by up to 4 %"
                .to_owned(),
            fact_evidence(input, &[keys::BUILD_FLAGS, keys::BUILD_TARGET_CPU]),
        )
    }]
}

fn power_mode(input: &KnobInput<'_>) -> Vec<Fired> {
    let on_battery = input.fact(keys::POWER_SOURCE).is_some_and(|source| source == "battery");
    let saving = input.fact(keys::POWER_MODE).is_some_and(|mode| {
        let mode = mode.to_ascii_lowercase();
        ["low", "saver", "save", "quiet"].iter().any(|word| mode.contains(word))
    });
    if !on_battery && !saving {
        return Vec::new();
    }
    vec![Fired {
        predicted_change: Some((-0.45, 0.0)),
        confidence: Confidence::Low,
        ..Fired::new(
            "Plug in, and leave the power-saving mode for measuring".to_owned(),
            "on the laptop of the founding record leaving Low Power Mode cut signing latency by 43 to 45 %"
                .to_owned(),
            fact_evidence(input, &[keys::POWER_SOURCE, keys::POWER_MODE]),
        )
    }]
}

fn governor(input: &KnobInput<'_>) -> Vec<Fired> {
    let driver = input.fact(keys::FREQ_DRIVER).unwrap_or_default();
    // Under the pstate drivers `powersave` is the normal, dynamic governor; the preference decides there.
    let dynamic = driver.contains("pstate");
    let slow = input.fact(keys::FREQ_GOVERNOR).is_some_and(|governor| governor == "powersave" && !dynamic);
    let saving = input.fact(keys::FREQ_EPP).is_some_and(|epp| epp == "power" || epp == "balance_power");
    if !slow && !saving {
        return Vec::new();
    }
    vec![Fired {
        predicted_change: Some((-0.4, 0.0)),
        confidence: Confidence::Low,
        ..Fired::new(
            "Try the performance policy of the frequency driver, and compare".to_owned(),
            "the present policy favours low power; short bursts then run before the clock has risen"
                .to_owned(),
            fact_evidence(input, &[keys::FREQ_DRIVER, keys::FREQ_GOVERNOR, keys::FREQ_EPP]),
        )
    }]
}

fn quota(input: &KnobInput<'_>) -> Vec<Fired> {
    let quota: Option<f64> = input.fact(keys::VIRT_CPU_QUOTA).and_then(|text| text.parse().ok());
    let threads = input.parallel.iter().map(|parallel| parallel.threads).max();
    let (Some(quota), Some(threads)) = (quota, threads) else { return Vec::new() };
    if quota >= threads as f64 {
        return Vec::new();
    }
    vec![Fired::new(
        "Run parallel benchmarks on a runner with a larger CPU quota, or with fewer threads".to_owned(),
        format!("{threads} threads under a quota of {quota} cores are stopped in every accounting period"),
        fact_evidence(input, &[keys::VIRT_CPU_QUOTA]),
    )]
}
