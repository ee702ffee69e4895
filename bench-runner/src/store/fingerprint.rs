//! What the file of a store holds, in one digest: two equal ones belong to equal stores, and no question has to be asked.
//!
//! Bytes are compared, not their meaning: a store that was written anew without a change may get another digest. Locks and the
//! shared index beside the store say nothing about its content and are left out.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Mutex;

use sha2::{Digest as _, Sha256};

use super::{Store, StoreError};
use crate::model::ids::Digest;

/// Bytes of the store that are hashed in one go by one thread.
const PIECE: u64 = 8 << 20;

/// Bytes read at a time.
const BUFFER: usize = 1 << 18;

/// Endings of the files that hold what is not yet, or no longer, part of the file itself.
const LOGS: [&str; 2] = ["-wal", "-journal"];

/// Returns a digest over the bytes of the store at `path` and of its logs, computed in up to `threads` threads.
///
/// Nothing is locked. Whatever is written meanwhile gives a digest that no resting store has, or that of the store before or
/// after it: a digest that was taken *before* a store was read never promises more than what was read.
///
/// # Errors
///
/// [`StoreError::Beside`] when a file cannot be read, the store itself being missing included.
pub fn fingerprint(path: &Path, threads: NonZeroUsize) -> Result<Digest, StoreError> {
    let beside = |path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::Beside { path, doing: "read", source }
    };
    let mut whole = Sha256::new();
    // The logs come first: what moves from them into the store between the two looks is then seen twice rather than never.
    for ending in LOGS {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        let name = Path::new(&name);
        // A log that is not there and an empty one say the same.
        let found = match File::open(name) {
            Ok(file) => hashed(file, u64::MAX).map_err(beside(name))?,
            Err(error) if error.kind() == ErrorKind::NotFound => Sha256::digest([]).into(),
            Err(error) => return Err(beside(name)(error)),
        };
        whole.update(found);
    }
    let length = std::fs::metadata(path).map_err(beside(path))?.len();
    whole.update(length.to_le_bytes());
    for piece in pieces(path, length, threads).map_err(beside(path))? {
        whole.update(piece);
    }
    Ok(Digest(whole.finalize().into()))
}

/// The digest of each piece of the file, in order.
fn pieces(path: &Path, length: u64, threads: NonZeroUsize) -> std::io::Result<Vec<[u8; 32]>> {
    let count = length.div_ceil(PIECE);
    let next = Mutex::new(0..count);
    let worker = || -> std::io::Result<Vec<(u64, [u8; 32])>> {
        let mut found = Vec::new();
        while let Some(number) = next.lock().ok().and_then(|mut next| next.next()) {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(number * PIECE))?;
            found.push((number, hashed(file, PIECE)?));
        }
        Ok(found)
    };
    let more = (threads.get() as u64).min(count).saturating_sub(1);
    let mut found = std::thread::scope(|scope| {
        let others: Vec<_> = (0..more).map(|_| scope.spawn(worker)).collect();
        let mut found = worker()?;
        for other in others {
            let panicked = |_| std::io::Error::other("a thread that reads the store panicked");
            found.extend(other.join().map_err(panicked)??);
        }
        Ok::<_, std::io::Error>(found)
    })?;
    found.sort_unstable();
    Ok(found.into_iter().map(|(_, digest)| digest).collect())
}

/// The digest of at most `most` bytes of what is left of the file.
fn hashed(file: File, most: u64) -> std::io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    let mut file = file.take(most);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize().into()),
            Ok(length) => hasher.update(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

impl Store {
    /// Whether a run has no end in the store yet: one that is being measured, or whose process died and that nobody has closed.
    ///
    /// What is read of such a run depends on its process too, and not on the store alone.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    pub fn has_unfinished_runs(&self) -> Result<bool, StoreError> {
        self.read("looking for unfinished runs", |connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM run WHERE status = 'running')";
            Ok(connection.query_row(sql, [], |row| row.get(0))?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &Path, threads: usize) -> Digest {
        fingerprint(path, NonZeroUsize::new(threads).unwrap()).unwrap()
    }

    #[test]
    fn every_byte_of_the_store_and_of_its_logs_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let length = usize::try_from(2 * PIECE + 17).unwrap();
        let content: Vec<u8> = (0..length).map(|place| u8::try_from(place % 251).unwrap()).collect();
        std::fs::write(&path, &content).unwrap();
        let whole = of(&path, 1);
        assert_eq!(of(&path, 3), whole, "the number of threads does not matter");
        let copy = folder.path().join("copy");
        std::fs::copy(&path, &copy).unwrap();
        assert_eq!(of(&copy, 2), whole, "nor does the name");
        for place in [0, length / 2, length - 1] {
            let mut other = content.clone();
            other[place] ^= 1;
            std::fs::write(&path, &other).unwrap();
            assert_ne!(of(&path, 2), whole, "byte {place}");
        }
        std::fs::write(&path, &content[..length - 1]).unwrap();
        assert_ne!(of(&path, 2), whole, "cut off");
        std::fs::write(&path, &content).unwrap();
        assert_eq!(of(&path, 2), whole);
        for log in ["store-wal", "store-journal"] {
            let log = folder.path().join(log);
            std::fs::write(&log, []).unwrap();
            assert_eq!(of(&path, 2), whole, "an empty log holds nothing");
            std::fs::write(&log, [0]).unwrap();
            assert_ne!(of(&path, 2), whole, "{}", log.display());
            std::fs::remove_file(&log).unwrap();
        }
    }

    #[test]
    fn a_store_that_is_not_there_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let error = fingerprint(&folder.path().join("none"), NonZeroUsize::MIN).unwrap_err();
        assert!(matches!(error, StoreError::Beside { .. }), "{error:?}");
        // Nothing to hash, and no piece to share.
        let empty = folder.path().join("empty");
        std::fs::write(&empty, []).unwrap();
        assert_eq!(of(&empty, 4), of(&empty, 1));
    }
}
