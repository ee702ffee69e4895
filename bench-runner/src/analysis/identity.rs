//! Who measured: readable keys made from facts, so that a person can see why two runs do not belong together.
//!
//! Recipe version 2, which adds the CPU quota to the configuration. Where there is none, the keys are those of recipe
//! 1 and are marked so: earlier runs of such machines stay in their series. Frequency, kernel, disk, network and names
//! never take part: a reboot or an update must not make a new machine. Only facts read at the start of a run count.
//! Placeholders and unknowns are written `?`: machine and class stay when a fact becomes known, but a settable fact
//! that becomes known gives another configuration, because nobody can say that the setting was the same before.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::model::fact::{self, Fact, FactValue, Phase, keys};
use crate::model::ids::Identity;

/// Version of the recipe below; it changes whenever equal facts would give another key.
pub const RECIPE: u32 = 2;
/// Version of keys without what recipe 2 added: they are the same in both.
const RECIPE_WITHOUT_QUOTA: u32 = 1;

/// What the machine id is hashed with, so that the hash cannot be joined with those of other programs.
const APPLICATION: &[u8] = b"bench-runner machine identity, version 1";

/// Totals of memory in GiB that machines are sold or rented with.
///
/// The system shows less than is fitted, and how much less changes with the kernel: the shown total is rounded up.
const PLAUSIBLE_GIB: &[u64] = &[
    1, 2, 3, 4, 6, 8, 12, 16, 18, 20, 24, 32, 36, 40, 48, 64, 72, 80, 96, 128, 144, 160, 192, 256, 288, 320,
    384, 512, 576, 640, 768, 1024, 1152, 1280, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384, 24576,
    32768,
];

/// Derives the identity from the facts at the start of a run.
///
/// `machine_id` is the operating system's id of the installation, or a random id that the store keeps; it is only
/// hashed. `label` is the owner's name for the machine and takes the hash's place.
///
/// # Edge cases
/// Total: whatever is missing is written `?`. A label without a single letter or digit counts as none.
#[must_use]
pub fn identify(facts: &[Fact], machine_id: &[u8], label: Option<&str>) -> Identity {
    Identity {
        recipe: recipe(facts),
        hw_class: hardware_class(facts),
        machine: machine(machine_id, label),
        label: label.map(str::to_owned),
        config: configuration(facts),
        build: build(facts),
    }
}

/// The oldest recipe that gives these facts the keys that the current one gives them.
#[must_use]
pub fn recipe(facts: &[Fact]) -> u32 {
    if quota(facts).is_some() { RECIPE } else { RECIPE_WITHOUT_QUOTA }
}

/// `arch/brand or signature/cores and threads/memory`, then the hypervisor if there is one.
///
/// # Examples
/// `x86_64/intel-core-i5-8257u/4c8t/16g`, `x86_64/amd-25-17-1/2c2t/24g/kvm`.
#[must_use]
pub fn hardware_class(facts: &[Fact]) -> String {
    let word = |key| fact::known(facts, key).unwrap_or_else(|| "?".to_owned());
    let threads = format!("{}c{}t", word(keys::CPU_CORES_PHYSICAL), word(keys::CPU_CORES_LOGICAL));
    let memory = match number(facts, keys::MEMORY_TOTAL) {
        Some(bytes) => memory_class(bytes),
        None => "?".to_owned(),
    };
    let arch = slug(&word(keys::CPU_ARCH), "_").unwrap_or_else(|| "?".to_owned());
    let mut class = [arch, processor(facts), threads, memory].join("/");
    // Unknown is left out: on real hardware the fact may become known with the next version of a reader.
    if let Some(name) = fact::known(facts, keys::VIRT_HYPERVISOR).filter(|name| name != "none") {
        class.push('/');
        class.push_str(&slug(&name, "").unwrap_or_else(|| "unnamed".to_owned()));
    }
    class
}

/// The brand where it names a model, otherwise vendor and signature.
fn processor(facts: &[Fact]) -> String {
    if let Some(brand) = fact::known(facts, keys::CPU_MODEL).and_then(|brand| brand_slug(&brand)) {
        return brand;
    }
    let Some(signature) = fact::known(facts, keys::CPU_SIGNATURE).and_then(|words| slug(&words, "")) else {
        return "?".to_owned();
    };
    match fact::known(facts, keys::CPU_VENDOR).as_deref() {
        Some("GenuineIntel") => format!("intel-{signature}"),
        Some("AuthenticAMD") => format!("amd-{signature}"),
        Some(vendor) => {
            slug(vendor, "").map_or_else(|| signature.clone(), |vendor| format!("{vendor}-{signature}"))
        }
        None => signature,
    }
}

/// `Intel(R) Core(TM) i5-8257U CPU @ 1.40GHz` as `intel-core-i5-8257u`: no marks, no clock, no filler.
fn brand_slug(brand: &str) -> Option<String> {
    let lower = brand.to_lowercase();
    let model = lower.split(" @ ").next()?.split(" with ").next()?.split(" w/ ").next()?;
    let model = ["(r)", "(tm)", "®", "™"].iter().fold(model.to_owned(), |text, mark| text.replace(mark, " "));
    let words: Vec<&str> = model.split_whitespace().collect();
    let is_filler = |index: usize, word: &str| {
        matches!(word, "cpu" | "processor" | "gen")
            || word.ends_with("-core")
            // "13th Gen" of Intel is in the model number already.
            || words.get(index + 1).is_some_and(|next| *next == "gen")
    };
    let kept: Vec<&str> = words
        .iter()
        .enumerate()
        .filter(|(index, word)| !is_filler(*index, word))
        .map(|(_, word)| *word)
        .collect();
    slug(&kept.join(" "), "")
}

/// Lower-case letters and digits, everything else as single hyphens, except for the characters in `also`.
fn slug(words: &str, also: &str) -> Option<String> {
    let mut slug = String::new();
    for character in words.to_lowercase().chars() {
        if character.is_ascii_alphanumeric() || also.contains(character) {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    (!slug.is_empty()).then(|| slug.chars().take(64).collect())
}

/// The next plausible total, for example `16g`; below half a GiB in MiB.
fn memory_class(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    if bytes <= 512 * MIB {
        let mebibytes = bytes.div_ceil(MIB).next_power_of_two();
        return format!("{mebibytes}m");
    }
    let gibibytes = bytes.div_ceil(1024 * MIB);
    let total = PLAUSIBLE_GIB.iter().find(|total| **total >= gibibytes).unwrap_or(&gibibytes);
    format!("{total}g")
}

/// The owner's label as `label:slug`, otherwise 16 hexadecimal digits of a keyed hash.
///
/// # Reference
/// HMAC-SHA-256 with the machine id as key and an application constant as message, as `machine-id(5)` recommends.
#[must_use]
pub fn machine(machine_id: &[u8], label: Option<&str>) -> String {
    if let Some(slug) = label.and_then(|label| slug(label, "_.")) {
        return format!("label:{slug}");
    }
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(machine_id) else {
        return "?".to_owned();
    };
    mac.update(APPLICATION);
    mac.finalize().into_bytes().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The coarse settable facts, sorted, `?` where unknown: what splits the series of one machine.
///
/// # Examples
/// `cores=8;epp=?;governor=?;power-mode=normal;power-source=mains;smt=yes;thp=?;turbo=?`; in a control group with a
/// quota, `;quota=2.5` stands at its end.
#[must_use]
pub fn configuration(facts: &[Fact]) -> String {
    let parts = [
        ("cores", keys::CPU_CORES_USABLE),
        ("epp", keys::FREQ_EPP),
        ("governor", keys::FREQ_GOVERNOR),
        ("power-mode", keys::POWER_MODE),
        ("power-source", keys::POWER_SOURCE),
        ("smt", keys::CPU_SMT),
        ("thp", keys::MEMORY_THP),
        ("turbo", keys::FREQ_TURBO),
    ];
    let part = |(name, key): (&str, &str)| {
        let value = fact::known(facts, key).and_then(|words| slug(&words, "_+"));
        format!("{name}={}", value.unwrap_or_else(|| "?".to_owned()))
    };
    let mut key = parts.map(part).join(";");
    if let Some(cores) = quota(facts) {
        key.push_str(";quota=");
        key.push_str(&cores);
    }
    key
}

/// The quota in cores, where there certainly is one.
fn quota(facts: &[Fact]) -> Option<String> {
    match fact::find(facts, keys::VIRT_CPU_QUOTA, Phase::Start)? {
        Fact { value: Some(FactValue::Number(cores)), status, .. } if status.is_known() => {
            Some(cores.to_string())
        }
        _ => None,
    }
}

/// Toolchain, triple, flags, profile and features, sorted, `?` where unknown.
#[must_use]
pub fn build(facts: &[Fact]) -> String {
    let parts = [
        ("features", keys::BUILD_FEATURES),
        ("flags", keys::BUILD_FLAGS),
        ("host", keys::TOOLCHAIN_HOST),
        ("llvm", keys::TOOLCHAIN_LLVM),
        ("profile", keys::BUILD_PROFILE),
        ("rustc", keys::TOOLCHAIN_RUSTC),
        ("target-cpu", keys::BUILD_TARGET_CPU),
    ];
    let part = |(name, key): (&str, &str)| {
        // Flags keep their case, because `-C` and `-c` differ; the separator must not occur in a value.
        let value = fact::known(facts, key).map(|words| words.trim().replace([';', '\n'], ","));
        format!("{name}={}", value.unwrap_or_else(|| "?".to_owned()))
    };
    parts.map(part).join(";")
}

fn number(facts: &[Fact], key: &str) -> Option<u64> {
    match fact::find(facts, key, Phase::Start) {
        Some(Fact { value: Some(FactValue::Integer(number)), status, .. }) if status.is_known() => {
            u64::try_from(*number).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fact::FactStatus;

    fn fact(key: &str, value: FactValue) -> Fact {
        Fact {
            key: key.to_owned(),
            value: Some(value),
            unit: String::new(),
            status: FactStatus::Ok,
            source: String::new(),
            phase: Phase::Start,
        }
    }

    fn words(key: &str, words: &str) -> Fact {
        fact(key, FactValue::Text(words.to_owned()))
    }

    fn founding() -> Vec<Fact> {
        vec![
            words(keys::CPU_ARCH, "x86_64"),
            words(keys::CPU_MODEL, "Intel(R) Core(TM) i5-8257U CPU @ 1.40GHz"),
            fact(keys::CPU_CORES_PHYSICAL, FactValue::Integer(4)),
            fact(keys::CPU_CORES_LOGICAL, FactValue::Integer(8)),
            fact(keys::MEMORY_TOTAL, FactValue::Integer(16 << 30)),
            words(keys::POWER_MODE, "normal"),
            words(keys::POWER_SOURCE, "mains"),
        ]
    }

    #[test]
    fn the_founding_record_has_its_class() {
        let identity = identify(&founding(), b"id", None);
        assert_eq!(identity.hw_class, "x86_64/intel-core-i5-8257u/4c8t/16g");
        assert_eq!(
            identity.config,
            "cores=?;epp=?;governor=?;power-mode=normal;power-source=mains;smt=?;thp=?;turbo=?"
        );
        assert_eq!(identity.recipe, 1);
    }

    #[test]
    fn brands_lose_what_is_not_the_model() {
        let check = |brand: &str, expected: &str| assert_eq!(brand_slug(brand).as_deref(), Some(expected));
        check("Intel(R) Core(TM) i5-8257U CPU @ 1.40GHz", "intel-core-i5-8257u");
        check("13th Gen Intel(R) Core(TM) i7-1365U", "intel-core-i7-1365u");
        check("AMD Ryzen 7 5800X 8-Core Processor", "amd-ryzen-7-5800x");
        check("AMD Ryzen 7 PRO 7840U w/ Radeon 780M Graphics", "amd-ryzen-7-pro-7840u");
        check("AMD Ryzen 5 3500U with Radeon Vega Mobile Gfx", "amd-ryzen-5-3500u");
        check("Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", "intel-xeon-platinum-8375c");
        check("Apple M1 Pro", "apple-m1-pro");
        check("Cortex-A55 + Cortex-A76", "cortex-a55-cortex-a76");
        assert_eq!(brand_slug("(R) ®"), None);
    }

    #[test]
    fn memory_is_rounded_up_to_what_is_sold() {
        const MIB: u64 = 1 << 20;
        let check = |bytes: u64, expected: &str| assert_eq!(memory_class(bytes), expected, "{bytes} B");
        check(16 << 30, "16g");
        check(15_900 * MIB, "16g");
        check(24_684_084 * 1024, "24g");
        check(7_812 * MIB, "8g");
        check(948_304 * 1024, "1g");
        check(430 * MIB, "512m");
        check(1_007 << 30, "1024g");
        check(40_000 << 30, "40000g");
    }

    #[test]
    fn the_hash_is_keyed_and_known() {
        // printf 'bench-runner machine identity, version 1' |
        //   openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
        assert_eq!(machine(b"0123456789abcdef0123456789abcdef", None), "7fec62aabe3ff37f");
        assert_ne!(machine(b"a", None), machine(b"b", None));
        let check = |label: &str, expected: &str| assert_eq!(machine(b"id", Some(label)), expected);
        check("Build Box #2", "label:build-box-2");
        check("ci_runner.eu", "label:ci_runner.eu");
        assert_eq!(machine(b"id", Some(" ☃ ")), machine(b"id", None));
    }

    #[test]
    fn updates_and_frequency_change_nothing_and_power_changes_the_configuration_only() {
        let before = identify(&founding(), b"id", None);
        let mut facts = founding();
        facts.push(words(keys::OS_KERNEL, "25.1.0"));
        facts.push(words(keys::OS_NAME, "macOS 26.1"));
        facts.push(fact(keys::CPU_FREQUENCY, FactValue::Integer(1_400_000_000)));
        facts.push(words(keys::CPU_MICROCODE, "0xf6"));
        assert_eq!(identify(&facts, b"id", None), before);
        for (key, value) in [(keys::POWER_MODE, "low-power"), (keys::POWER_SOURCE, "battery")] {
            let mut facts = founding();
            facts.retain(|fact| fact.key != key);
            facts.push(words(key, value));
            let after = identify(&facts, b"id", None);
            assert_eq!((&after.hw_class, &after.machine), (&before.hw_class, &before.machine));
            assert_ne!(after.config, before.config);
        }
    }

    #[test]
    fn a_quota_is_part_of_the_key_and_its_absence_keeps_the_old_one() {
        let old = identify(&founding(), b"id", None);
        let with = |value: FactValue| {
            let mut facts = founding();
            facts.push(fact(keys::VIRT_CPU_QUOTA, value));
            identify(&facts, b"id", None)
        };
        assert_eq!(with(FactValue::Text("none".to_owned())), old);
        let limited = with(FactValue::Number(1.5));
        assert_eq!((limited.recipe, limited.config), (RECIPE, format!("{};quota=1.5", old.config)));
    }

    #[test]
    fn doubtful_facts_are_written_as_unknown() {
        let mut facts = founding();
        facts[1].status = FactStatus::Placeholder;
        facts.push(words(keys::CPU_SIGNATURE, "25/17/1"));
        facts.push(words(keys::CPU_VENDOR, "AuthenticAMD"));
        facts.push(words(keys::VIRT_HYPERVISOR, "kvm"));
        assert_eq!(hardware_class(&facts), "x86_64/amd-25-17-1/4c8t/16g/kvm");
        assert_eq!(hardware_class(&[]), "?/?/?c?t/?");
        assert_eq!(
            build(&[words(keys::TOOLCHAIN_RUSTC, "rustc 1.95.0"), words(keys::BUILD_FLAGS, "-C a=1;b")]),
            "features=?;flags=-C a=1,b;host=?;llvm=?;profile=?;rustc=rustc 1.95.0;target-cpu=?"
        );
    }
}
