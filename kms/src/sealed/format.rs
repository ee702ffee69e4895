//! The header of a sealed file: 102 bytes, little-endian, all of it authenticated together with the content.
//!
//! | from | bytes | what |
//! |---|---|---|
//! | 0 | 8 | `KMSSEAL` and a line feed |
//! | 8 | 2 | format, 1 |
//! | 10 | 12 | Argon2id: KiB of memory, passes, lanes |
//! | 22 | 16 | salt |
//! | 38 | 8 | counter |
//! | 46 | 24 | nonce |
//! | 70 | 16 | check of the passphrase |
//! | 86 | 8 | length of what follows the header |
//! | 94 | 8 | the first bytes of SHA-256 over all before: finds accidents, and protects from nobody |

use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::KdfCost;
use crate::keystore::BackendError;

/// The length of the header. Unit: bytes.
pub(super) const HEADER: usize = 102;
const MAGIC: &[u8; 8] = b"KMSSEAL\n";
const FORMAT: u16 = 1;

/// What the header says, without what follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) cost: KdfCost,
    pub(super) salt: [u8; 16],
    pub(super) counter: u64,
    pub(super) nonce: [u8; 24],
    pub(super) check: [u8; 16],
}

impl Header {
    pub(super) fn write(&self, body: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER);
        out.extend(MAGIC);
        out.extend(FORMAT.to_le_bytes());
        for number in [self.cost.memory, self.cost.passes, self.cost.lanes] {
            out.extend(number.to_le_bytes());
        }
        out.extend(self.salt);
        out.extend(self.counter.to_le_bytes());
        out.extend(self.nonce);
        out.extend(self.check);
        out.extend((body as u64).to_le_bytes());
        let checksum = checksum(&out);
        out.extend(checksum);
        out
    }

    /// Reads the header of a whole file and checks that the file is as long as it says.
    pub(super) fn read(file: &[u8], path: &Path) -> Result<Self, BackendError> {
        let path = || path.to_owned();
        let found = file.len() as u64;
        let known = file.len().min(MAGIC.len());
        if file[..known] != MAGIC[..known] {
            return Err(BackendError::NotSealed { path: path() });
        }
        let short = || BackendError::Length { path: path(), found, expected: HEADER as u64 };
        // The format decides what the rest means, so it is asked first.
        let format = u16::from_le_bytes(field::<2>(file, 8).ok_or_else(short)?);
        if format != FORMAT {
            return Err(BackendError::NewerFormat { path: path(), found: format, known: FORMAT });
        }
        let read = |from: usize| field::<4>(file, from).map(u32::from_le_bytes);
        let parsed = || {
            let header = Self {
                cost: KdfCost { memory: read(10)?, passes: read(14)?, lanes: read(18)? },
                salt: field(file, 22)?,
                counter: u64::from_le_bytes(field(file, 38)?),
                nonce: field(file, 46)?,
                check: field(file, 70)?,
            };
            Some((header, u64::from_le_bytes(field(file, 86)?), field::<8>(file, 94)?))
        };
        let (header, body, stored) = parsed().ok_or_else(short)?;
        if stored != checksum(&file[..94]) {
            return Err(BackendError::Damaged { path: path() });
        }
        let expected = body.saturating_add(HEADER as u64);
        if found == expected {
            Ok(header)
        } else {
            Err(BackendError::Length { path: path(), found, expected })
        }
    }
}

fn field<const N: usize>(file: &[u8], from: usize) -> Option<[u8; N]> {
    file.get(from..)?.first_chunk().copied()
}

fn checksum(bytes: &[u8]) -> [u8; 8] {
    let mut short = [0; 8];
    short.copy_from_slice(&Sha256::digest(bytes)[..8]);
    short
}
