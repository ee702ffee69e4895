//! `/proc/cpuinfo`: the first processor's fields and what differs between processors.
//!
//! Only fields on a list are kept, because boards print their serial number in the same file.

use std::collections::{BTreeMap, BTreeSet};

/// The fields that are kept.
const FIELDS: &[&str] = &[
    "vendor_id",
    "cpu family",
    "model",
    "model name",
    "stepping",
    "microcode",
    "cpu MHz",
    "flags",
    "Features",
    "CPU implementer",
    "CPU part",
    "CPU variant",
    "CPU revision",
];

/// Extensions that matter to the arithmetic of cryptography and to memory copies, x86-64 and Arm.
const EXTENSIONS: &[&str] = &[
    "adx",
    "aes",
    "asimd",
    "avx",
    "avx2",
    "avx512_vbmi2",
    "avx512_vnni",
    "avx512bw",
    "avx512cd",
    "avx512dq",
    "avx512f",
    "avx512ifma",
    "avx512vbmi",
    "avx512vl",
    "avx_ifma",
    "bmi1",
    "bmi2",
    "crc32",
    "erms",
    "fma",
    "fsrm",
    "gfni",
    "neon",
    "pclmulqdq",
    "pmull",
    "sha1",
    "sha2",
    "sha3",
    "sha512",
    "sha_ni",
    "sse4_1",
    "sse4_2",
    "ssse3",
    "sve",
    "sve2",
    "vaes",
    "vpclmulqdq",
];

/// What `/proc/cpuinfo` says.
#[derive(Debug, Default)]
pub(super) struct CpuInfo {
    first: BTreeMap<String, String>,
    /// Distinct Arm cores as (implementer, part, variant, revision): two or more on hybrid systems.
    arm_cores: BTreeSet<(u32, u32, u32, u32)>,
    processors: u32,
}

impl CpuInfo {
    /// Reads the text; unknown lines are skipped.
    pub(super) fn parse(text: &str) -> Self {
        let mut info = Self::default();
        let mut block = BTreeMap::new();
        for line in text.lines().chain([""]) {
            match line.split_once(':') {
                Some((name, value)) => {
                    let (name, value) = (name.trim(), value.trim());
                    if name == "processor" && value.parse::<u32>().is_ok() {
                        info.processors = info.processors.saturating_add(1);
                    } else if FIELDS.contains(&name) {
                        block.insert(name.to_owned(), value.to_owned());
                    }
                }
                None if line.trim().is_empty() => info.finish_block(&mut block),
                None => {}
            }
        }
        info
    }

    fn finish_block(&mut self, block: &mut BTreeMap<String, String>) {
        let number = |name: &str| block.get(name).and_then(|value| parse_number(value));
        if let (Some(implementer), Some(part)) = (number("CPU implementer"), number("CPU part")) {
            let variant = number("CPU variant").unwrap_or(0);
            let revision = number("CPU revision").unwrap_or(0);
            self.arm_cores.insert((implementer, part, variant, revision));
        }
        for (name, value) in std::mem::take(block) {
            self.first.entry(name).or_insert(value);
        }
    }

    /// A field of the first processor that has it.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.first.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Processors listed, which are those online.
    pub(super) fn processors(&self) -> u32 {
        self.processors
    }

    /// Whether the file is of the x86 kind, the only one that has `flags`.
    pub(super) fn is_x86(&self) -> bool {
        self.field("flags").is_some()
    }

    /// Whether the processor says that it runs under a hypervisor.
    pub(super) fn has_hypervisor_flag(&self) -> bool {
        self.has_flag("hypervisor")
    }

    /// Whether the processor lists the flag `name`.
    pub(super) fn has_flag(&self, name: &str) -> bool {
        self.field("flags").is_some_and(|flags| flags.split_whitespace().any(|flag| flag == name))
    }

    /// Whether the file is of the Arm kind.
    pub(super) fn is_arm(&self) -> bool {
        !self.arm_cores.is_empty()
    }

    /// Extensions of [`EXTENSIONS`] that the processor has, sorted; `None` when it lists none at all.
    pub(super) fn extensions(&self) -> Option<Vec<String>> {
        let flags = self.field("flags").or_else(|| self.field("Features"))?;
        let mut found: Vec<String> =
            flags.split_whitespace().filter(|flag| EXTENSIONS.contains(flag)).map(str::to_owned).collect();
        found.sort();
        found.dedup();
        Some(found)
    }

    /// `family/model/stepping` on x86, `implementer/part/revision` of each kind of core on Arm.
    pub(super) fn signature(&self) -> Option<String> {
        if let (Some(family), Some(model)) = (self.field("cpu family"), self.field("model")) {
            return Some(format!("{family}/{model}/{}", self.field("stepping").unwrap_or("?")));
        }
        let cores: Vec<String> = self
            .arm_cores
            .iter()
            .map(|(implementer, part, variant, revision)| {
                format!("0x{implementer:02x}/0x{part:03x}/r{variant}p{revision}")
            })
            .collect();
        (!cores.is_empty()).then(|| cores.join("+"))
    }

    /// Marketing names of the Arm cores, where the table has all of them.
    pub(super) fn arm_names(&self) -> Option<String> {
        let names: Option<BTreeSet<&str>> =
            self.arm_cores.iter().map(|(implementer, part, ..)| arm_name(*implementer, *part)).collect();
        let names: Vec<&str> = names?.into_iter().collect();
        (!names.is_empty()).then(|| names.join(" + "))
    }

    /// Vendor: as x86 processors state it, or from the Arm implementer code.
    pub(super) fn vendor(&self) -> Option<String> {
        if let Some(vendor) = self.field("vendor_id") {
            return Some(vendor.to_owned());
        }
        let (implementer, ..) = self.arm_cores.first()?;
        Some(match implementer {
            0x41 => "ARM".to_owned(),
            0x51 => "Qualcomm".to_owned(),
            0x61 => "Apple".to_owned(),
            0xc0 => "Ampere".to_owned(),
            other => format!("implementer 0x{other:02x}"),
        })
    }
}

/// A decimal or `0x` number.
fn parse_number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Arm part numbers as the technical reference manuals of the cores list them (register `MIDR_EL1`).
fn arm_name(implementer: u32, part: u32) -> Option<&'static str> {
    Some(match (implementer, part) {
        (0x41, 0xd03) => "Cortex-A53",
        (0x41, 0xd04) => "Cortex-A35",
        (0x41, 0xd05) => "Cortex-A55",
        (0x41, 0xd07) => "Cortex-A57",
        (0x41, 0xd08) => "Cortex-A72",
        (0x41, 0xd09) => "Cortex-A73",
        (0x41, 0xd0a) => "Cortex-A75",
        (0x41, 0xd0b) => "Cortex-A76",
        (0x41, 0xd0c) => "Neoverse-N1",
        (0x41, 0xd40) => "Neoverse-V1",
        (0x41, 0xd49) => "Neoverse-N2",
        (0x41, 0xd4f) => "Neoverse-V2",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arm_cores_are_named_and_serials_dropped() {
        let text = "processor\t: 0\nFeatures\t: fp asimd aes pmull sha1 sha2 crc32\nCPU implementer\t: 0x41\n\
                    CPU variant\t: 0x0\nCPU part\t: 0xd08\nCPU revision\t: 3\n\nHardware\t: BCM2835\n\
                    Serial\t\t: 10000000deadbeef\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n";
        let info = CpuInfo::parse(text);
        assert_eq!(info.signature().as_deref(), Some("0x41/0xd08/r0p3"));
        assert_eq!(info.arm_names().as_deref(), Some("Cortex-A72"));
        assert_eq!(info.vendor().as_deref(), Some("ARM"));
        assert_eq!(info.processors(), 1);
        assert!(!info.is_x86());
        assert!(!format!("{info:?}").contains("deadbeef"));
    }

    #[test]
    fn two_kinds_of_cores_are_both_named() {
        let core = |index: u32, part: &str| {
            format!(
                "processor : {index}\nCPU implementer : 0x41\nCPU variant : 0x1\nCPU part : {part}\nCPU revision : 0\n\n"
            )
        };
        let info = CpuInfo::parse(&[core(0, "0xd05"), core(1, "0xd05"), core(2, "0xd0b")].concat());
        assert_eq!(info.arm_names().as_deref(), Some("Cortex-A55 + Cortex-A76"));
        assert_eq!(info.signature().as_deref(), Some("0x41/0xd05/r1p0+0x41/0xd0b/r1p0"));
    }

    #[test]
    fn nonsense_gives_nothing() {
        let info = CpuInfo::parse("\u{0}\n:::\nprocessor: x\nmodel name\nflags:\n");
        assert_eq!((info.processors(), info.signature(), info.extensions()), (0, None, None));
        assert_eq!(info.vendor(), None);
    }
}
