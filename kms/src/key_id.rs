//! The name of a key: who it belongs to, what it is for, which key set, which version.
//!
//! A [`KeyId`] is a plain value without heap memory, so that a lookup by it never allocates.
//! It names no host and no path, and it says nothing about the key's state.

use std::fmt;
use std::str::FromStr;

use crate::error::KeyIdError;

/// The longest label. Unit: bytes.
pub const MAX_LABEL: usize = 32;

/// The algorithm's name inside a key identity.
const ALGORITHM: &str = "ed25519";

/// A short name of a tenant or a purpose.
///
/// 1 to 32 of the characters `a-z 0-9 . _ -`: nothing that a path, a log line or a shell would read differently.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    bytes: [u8; MAX_LABEL],
    length: u8,
}

impl Label {
    /// Checks and takes a label.
    ///
    /// # Errors
    /// [`KeyIdError::Label`] when it is empty, longer than [`MAX_LABEL`], or has another character.
    pub fn new(text: &str) -> Result<Self, KeyIdError> {
        Self::named(text, "label")
    }

    fn named(text: &str, part: &'static str) -> Result<Self, KeyIdError> {
        let allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
        if !text.bytes().all(allowed) {
            return Err(KeyIdError::Label { part });
        }
        let length = u8::try_from(text.len()).map_err(|_| KeyIdError::Label { part })?;
        let mut bytes = [0; MAX_LABEL];
        match bytes.get_mut(..text.len()) {
            Some(room) if length > 0 => room.copy_from_slice(text.as_bytes()),
            _ => return Err(KeyIdError::Label { part }),
        }
        Ok(Self { bytes, length })
    }

    /// Gives the label as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII was let in, so the fallback is never taken.
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// The name of one version of one key set: `tenant/purpose/ed25519/<32 hexadecimal digits>#v<version>`.
///
/// # Examples
/// ```
/// let text = "acme/passport/ed25519/000102030405060708090a0b0c0d0e0f#v2";
/// let id: kms::KeyId = text.parse()?;
/// assert_eq!(id.version(), 2);
/// assert_eq!(id.to_string(), text);
/// # Ok::<(), kms::error::KeyIdError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId {
    tenant: Label,
    purpose: Label,
    set: [u8; 16],
    version: u32,
}

impl KeyId {
    /// Puts an identity together.
    ///
    /// # Edge cases
    /// Version 0 does not exist and becomes 1.
    #[must_use]
    pub fn new(tenant: Label, purpose: Label, set: [u8; 16], version: u32) -> Self {
        Self { tenant, purpose, set, version: version.max(1) }
    }

    /// Gives the tenant's label.
    #[must_use]
    pub fn tenant(&self) -> &Label {
        &self.tenant
    }

    /// Gives the purpose's label.
    #[must_use]
    pub fn purpose(&self) -> &Label {
        &self.purpose
    }

    /// Gives the random number that all versions of one key set share.
    #[must_use]
    pub fn set(&self) -> &[u8; 16] {
        &self.set
    }

    /// Gives the version, from 1.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Gives the identity of another version of the same key set.
    #[must_use]
    pub fn with_version(&self, version: u32) -> Self {
        Self { version: version.max(1), ..*self }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{ALGORITHM}/", self.tenant, self.purpose)?;
        for byte in self.set {
            write!(f, "{byte:02x}")?;
        }
        write!(f, "#v{}", self.version)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, version) = text.rsplit_once("#v").ok_or(KeyIdError::Form)?;
        let mut parts = name.split('/');
        let mut next = || parts.next().ok_or(KeyIdError::Form);
        let (tenant, purpose, algorithm, hex) = (next()?, next()?, next()?, next()?);
        if parts.next().is_some() {
            return Err(KeyIdError::Form);
        }
        if algorithm != ALGORITHM {
            return Err(KeyIdError::Algorithm);
        }
        Ok(Self {
            tenant: Label::named(tenant, "tenant")?,
            purpose: Label::named(purpose, "purpose")?,
            set: parse_hex(hex)?,
            version: parse_version(version)?,
        })
    }
}

fn parse_hex(text: &str) -> Result<[u8; 16], KeyIdError> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Ok(b - b'0'),
        b'a'..=b'f' => Ok(b - b'a' + 10),
        _ => Err(KeyIdError::Hex),
    };
    let bytes: &[u8; 32] = text.as_bytes().try_into().map_err(|_| KeyIdError::Hex)?;
    let mut set = [0; 16];
    for (place, pair) in set.iter_mut().zip(bytes.chunks_exact(2)) {
        *place = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(set)
}

fn parse_version(text: &str) -> Result<u32, KeyIdError> {
    // `u32::from_str` would also take `+1` and `01`: two texts for one identity.
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    if plain { text.parse().map_err(|_| KeyIdError::Version) } else { Err(KeyIdError::Version) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "00112233445566778899aabbccddeeff";

    fn check(text: &str, expected: Result<u32, KeyIdError>) {
        let got = text.parse::<KeyId>();
        assert_eq!(got.as_ref().map(KeyId::version).map_err(Clone::clone), expected, "{text}");
        if let Ok(id) = got {
            assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn a_text_is_an_identity_or_says_which_part_is_wrong() {
        let long = "a".repeat(MAX_LABEL);
        check(&format!("t/p/ed25519/{HEX}#v1"), Ok(1));
        check(&format!("{long}/a.b_c-9/ed25519/{HEX}#v4294967295"), Ok(u32::MAX));
        check(&format!("{long}a/p/ed25519/{HEX}#v1"), Err(KeyIdError::Label { part: "tenant" }));
        check(&format!("/p/ed25519/{HEX}#v1"), Err(KeyIdError::Label { part: "tenant" }));
        check(&format!("t/P/ed25519/{HEX}#v1"), Err(KeyIdError::Label { part: "purpose" }));
        check(&format!("t/é/ed25519/{HEX}#v1"), Err(KeyIdError::Label { part: "purpose" }));
        check(&format!("t/p/ed448/{HEX}#v1"), Err(KeyIdError::Algorithm));
        check(&format!("t/p/ed25519/{}#v1", HEX.to_uppercase()), Err(KeyIdError::Hex));
        check(&format!("t/p/ed25519/{HEX}0#v1"), Err(KeyIdError::Hex));
        for version in ["0", "01", "+1", "", "4294967296", "1 "] {
            check(&format!("t/p/ed25519/{HEX}#v{version}"), Err(KeyIdError::Version));
        }
        for text in ["", "t/p/ed25519", "#v1", "t/p#v1", &format!("t/p/ed25519/{HEX}/x#v1")] {
            check(text, Err(KeyIdError::Form));
        }
    }
}
