//! Names of things: parsed once, ordered, and never mistaken for one another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not a valid name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {what}: {reason}")]
pub struct InvalidId {
    /// The kind of name that was expected, for example `run id`.
    pub what: &'static str,
    /// The text as given.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Name of one run: a ULID, 26 characters of Crockford base 32, sortable by start time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

impl RunId {
    /// The 26 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last ten characters, enough to tell runs apart on a page.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[16..]
    }
}

impl FromStr for RunId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let upper = text.to_ascii_uppercase();
        let valid = upper.len() == 26
            && upper.bytes().all(|b| b.is_ascii_digit() || (b.is_ascii_uppercase() && !b"ILOU".contains(&b)));
        if valid {
            Ok(Self(upper))
        } else {
            Err(InvalidId {
                what: "run id",
                text: text.to_owned(),
                reason: "expected 26 characters of Crockford base 32",
            })
        }
    }
}

impl TryFrom<String> for RunId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Identity of one benchmark: where it is built and the structured id that Criterion reports.
///
/// Two benchmarks with equal ids in two targets are two benchmarks. The parts keep their author's spelling,
/// length and characters; only pages and file names use a slug.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BenchmarkId {
    /// Cargo package.
    pub package: String,
    /// Bench target of the package, for example `sign_bench`.
    pub target: String,
    /// Criterion's group.
    pub group: String,
    /// Criterion's function id, if any.
    pub function: Option<String>,
    /// Criterion's parameter text, if any.
    pub value: Option<String>,
    /// 0 for the first benchmark of this id in one launch, 1 for the second, and so on.
    #[serde(default)]
    pub occurrence: u32,
}

impl BenchmarkId {
    /// Criterion's full id: group, function and value joined by `/`.
    #[must_use]
    pub fn full_id(&self) -> String {
        let mut id = self.group.clone();
        for part in [&self.function, &self.value].into_iter().flatten() {
            id.push('/');
            id.push_str(part);
        }
        id
    }

    /// `package/target/full_id`: the name that two packages cannot share.
    #[must_use]
    pub fn long_name(&self) -> String {
        format!("{}/{self}", self.package)
    }
}

/// `target/full_id`, with `#2` appended to the second benchmark of the same id.
impl fmt::Display for BenchmarkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.target, self.full_id())?;
        if self.occurrence > 0 {
            write!(f, "#{}", self.occurrence + 1)?;
        }
        Ok(())
    }
}

/// A SHA-256 digest, shown as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Stands for the digest of a file that nobody has seen, as with imported results: that of empty content, which no
    /// executable has.
    pub const UNKNOWN: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
        0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
    ]);

    /// The first twelve digits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId {
            what: "SHA-256 digest",
            text: text.to_owned(),
            reason: "expected 64 hexadecimal digits",
        };
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(invalid());
        }
        let mut bytes = [0; 32];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| invalid())?;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

/// Who measured, in five parts that change for different reasons.
///
/// Each part is readable text in canonical form (lower case, sorted, `?` for unknown), so that a person can see
/// why two runs do not belong together. The recipe that made them is versioned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// Version of the recipe that derived the keys from facts.
    pub recipe: u32,
    /// Kind of hardware, for example `x86_64/intel-core-i5-8257u/4c8t/16g`.
    pub hw_class: String,
    /// One machine: a keyed hash in hexadecimal, or the owner's label slug. Never a host name.
    pub machine: String,
    /// Label that the owner gave with `--machine NAME`.
    pub label: Option<String>,
    /// Coarse configuration that splits series, for example `governor=?;power=ac;mode=normal;turbo=?`.
    pub config: String,
    /// Toolchain, triple, flags, profile: `rustc 1.95.0 … flags:… profile:…`.
    pub build: String,
}
