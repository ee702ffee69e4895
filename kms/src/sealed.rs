//! A keystore in one file that only a passphrase opens: Argon2id makes the key, XChaCha20-Poly1305 seals the content.
//!
//! The file is replaced as a whole (written beside, synced, renamed) and is readable by its owner only. Putting an older
//! copy in its place is noticed through a counter, if the caller or a second file remembers the counter; who puts back
//! both files together, or the only file where nothing remembers, is **not** noticed.

mod format;

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{AeadInOut as _, KeyInit as _};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::keystore::{Backend, BackendError, Snapshot};
use format::{HEADER, Header};

/// The longest file that is read. Unit: bytes.
pub const MAX_FILE: u64 = 256 * 1024 * 1024;

/// What the passphrase costs whoever tries one.
///
/// # Reference
/// RFC 9106 §4: the default is its second recommended option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KdfCost {
    /// Memory. Unit: KiB, 8 per lane to 1 048 576.
    pub memory: u32,
    /// Passes over the memory, 1 to 16.
    pub passes: u32,
    /// Lanes, 1 to 16.
    pub lanes: u32,
}

impl Default for KdfCost {
    fn default() -> Self {
        Self { memory: 64 * 1024, passes: 3, lanes: 4 }
    }
}

impl KdfCost {
    /// Checks the limits: a crafted file must not make its reader take all memory or hours.
    fn params(self) -> Result<Params, BackendError> {
        let fits = self.memory <= 1024 * 1024 && self.passes <= 16 && (1..=16).contains(&self.lanes);
        if !fits {
            return Err(parameters("too much memory, too many passes or lanes"));
        }
        Params::new(self.memory, self.passes, self.lanes, Some(64)).map_err(parameters)
    }
}

fn parameters(reason: impl fmt::Display) -> BackendError {
    BackendError::Parameters { reason: reason.to_string() }
}

/// A sealed file as the backend of one keystore.
///
/// # Examples
/// ```
/// use kms::clock::SystemClock;
/// use kms::sealed::{KdfCost, SealedFile};
/// use kms::{KeySpec, Keystore, Label};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("keys.sealed");
/// # let cost = KdfCost { memory: 64, passes: 1, lanes: 1 };
/// let file = SealedFile::new(&path, b"correct horse").cost(cost);
/// let keystore = Keystore::open(Box::new(file), SystemClock)?;
/// let id = keystore.create(KeySpec::new(Label::new("acme")?, Label::new("release")?))?;
/// let (counter, signature) = (keystore.counter(), keystore.sign(&id, b"v1.0")?);
/// drop(keystore);
///
/// let file = SealedFile::new(&path, b"correct horse").least_counter(counter);
/// let keystore = Keystore::open(Box::new(file), SystemClock)?;
/// keystore.verify(&id, b"v1.0", &signature)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SealedFile {
    path: PathBuf,
    passphrase: Option<Zeroizing<Vec<u8>>>,
    cost: KdfCost,
    least_counter: u64,
    counter_file: Option<PathBuf>,
    opened: Option<Opened>,
}

/// What is known once the key was derived.
struct Opened {
    salt: [u8; 16],
    cost: KdfCost,
    key: Zeroizing<[u8; 32]>,
    check: [u8; 16],
    /// Held as long as the keystore is open, so that no second one writes the same file.
    _lock: File,
}

impl fmt::Debug for SealedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SealedFile {
    /// Names a file, which need not exist yet, and its passphrase.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, passphrase: &[u8]) -> Self {
        Self {
            path: path.into(),
            passphrase: Some(Zeroizing::new(passphrase.to_vec())),
            cost: KdfCost::default(),
            least_counter: 0,
            counter_file: None,
            opened: None,
        }
    }

    /// Sets what the passphrase costs in a new file; an existing file keeps its own cost.
    #[must_use]
    pub fn cost(self, cost: KdfCost) -> Self {
        Self { cost, ..self }
    }

    /// Refuses a file whose counter is lower: an older copy.
    #[must_use]
    pub fn least_counter(self, counter: u64) -> Self {
        Self { least_counter: counter, ..self }
    }

    /// Remembers the counter in a second file, best on another disk, and refuses a keystore that is older.
    ///
    /// # Edge cases
    /// The keystore is written first. If then the second file cannot be written, the change is reported as failed,
    /// and is there when the keystore is opened again.
    #[must_use]
    pub fn counter_file(self, path: impl Into<PathBuf>) -> Self {
        Self { counter_file: Some(path.into()), ..self }
    }

    /// The least counter that is accepted, from the caller and from the second file.
    fn least(&self) -> Result<u64, BackendError> {
        let Some(path) = &self.counter_file else { return Ok(self.least_counter) };
        let remembered = match read_limited(path, 32)? {
            None => 0,
            Some(text) => std::str::from_utf8(&text)
                .ok()
                .and_then(|text| text.trim_end().parse().ok())
                .ok_or(BackendError::Content { reason: "a number in the counter file" })?,
        };
        Ok(remembered.max(self.least_counter))
    }

    /// Takes the lock that lies beside the file, derives the key and forgets the passphrase.
    fn derive(&mut self, salt: [u8; 16], cost: KdfCost) -> Result<Opened, BackendError> {
        let params = cost.params()?;
        let lock_path = beside(&self.path, ".lock");
        let lock = private(OpenOptions::new().write(true).create(true).truncate(false))
            .open(&lock_path)
            .map_err(|source| io("open", &lock_path, source))?;
        lock.try_lock().map_err(|_| BackendError::Busy { path: self.path.clone() })?;
        let passphrase = self.passphrase.as_ref().ok_or(BackendError::Content { reason: "a passphrase" })?;
        let mut derived: Zeroizing<[u8; 64]> = Zeroizing::new([0; 64]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase, &salt, &mut *derived)
            .map_err(parameters)?;
        let mut key = Zeroizing::new([0; 32]);
        key.copy_from_slice(&derived[..32]);
        // The second half tells a wrong passphrase from changed content, and tells no more than decrypting would.
        let hash = Sha256::new().chain_update(b"kms sealed check v1").chain_update(&derived[32..]).finalize();
        let mut check = [0; 16];
        check.copy_from_slice(&hash[..16]);
        Ok(Opened { salt, cost, key, check, _lock: lock })
    }
}

impl Backend for SealedFile {
    fn persistent(&self) -> bool {
        true
    }

    fn load(&mut self) -> Result<Option<Snapshot>, BackendError> {
        let least = self.least()?;
        let rolled_back = |found| BackendError::RolledBack { path: self.path.clone(), found, least };
        let Some(mut bytes) = read_limited(&self.path, MAX_FILE)? else {
            if least > 0 {
                return Err(rolled_back(0));
            }
            let mut salt = [0; 16];
            random(&mut salt)?;
            self.opened = Some(self.derive(salt, self.cost)?);
            return Ok(None);
        };
        check_owner_only(&self.path)?;
        let header = Header::read(&bytes, &self.path)?;
        // Before the passphrase is asked for anything: the counter is authenticated below, with the rest of the header.
        if header.counter < least {
            return Err(rolled_back(header.counter));
        }
        let opened = self.derive(header.salt, header.cost)?;
        if opened.check != header.check {
            return Err(BackendError::WrongPassphrase { path: self.path.clone() });
        }
        let head = bytes[..HEADER].to_vec();
        let mut body = Zeroizing::new(bytes.split_off(HEADER));
        XChaCha20Poly1305::new((&*opened.key).into())
            .decrypt_in_place(&XNonce::from(header.nonce), &head, &mut *body)
            .map_err(|_| BackendError::Tampered { path: self.path.clone() })?;
        let snapshot = Snapshot::decode(&body)?;
        if snapshot.counter() != header.counter {
            return Err(BackendError::Tampered { path: self.path.clone() });
        }
        self.opened = Some(opened);
        self.passphrase = None;
        Ok(Some(snapshot))
    }

    fn save(&mut self, snapshot: &Snapshot) -> Result<(), BackendError> {
        if self.opened.is_none() {
            let mut salt = [0; 16];
            random(&mut salt)?;
            self.opened = Some(self.derive(salt, self.cost)?);
        }
        let opened = self.opened.as_ref().ok_or(BackendError::Content { reason: "an open file" })?;
        let mut body = snapshot.encode();
        let mut nonce = [0; 24];
        random(&mut nonce)?;
        let header = Header {
            cost: opened.cost,
            salt: opened.salt,
            counter: snapshot.counter(),
            nonce,
            check: opened.check,
        };
        let head = header.write(body.len() + 16);
        // The tag needs 16 bytes more: room is made before, lest a growing vector leave the secrets behind.
        let mut sealed = Zeroizing::new(Vec::with_capacity(body.len() + 16));
        sealed.append(&mut body);
        XChaCha20Poly1305::new((&*opened.key).into())
            .encrypt_in_place(&XNonce::from(nonce), &head, &mut *sealed)
            .map_err(|_| BackendError::Content { reason: "fewer bytes to encrypt" })?;
        replace(&self.path, &[&head, &sealed])?;
        self.passphrase = None;
        if let Some(path) = &self.counter_file {
            replace(path, &[format!("{}\n", snapshot.counter()).as_bytes()])?;
        }
        Ok(())
    }
}

fn io(action: &'static str, path: &Path, source: std::io::Error) -> BackendError {
    BackendError::Io { action, path: path.to_owned(), source }
}

fn random(bytes: &mut [u8]) -> Result<(), BackendError> {
    getrandom::fill(bytes).map_err(|error| BackendError::Entropy { reason: error.to_string() })
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

/// Reads a file up to a limit, or nothing if there is none.
fn read_limited(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, BackendError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(io("open", path, source)),
    };
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|source| io("read", path, source))?;
    if bytes.len() as u64 > limit {
        let found = bytes.len() as u64;
        return Err(BackendError::Length { path: path.to_owned(), found, expected: limit });
    }
    Ok(Some(bytes))
}

/// Puts a file in place as a whole: written beside, synced, renamed, and the folder synced.
fn replace(path: &Path, parts: &[&[u8]]) -> Result<(), BackendError> {
    let new = beside(path, ".new");
    // A rest of an interrupted attempt might have other permissions, which opening would keep.
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io("remove", &new, error)),
        _ => {}
    }
    let mut file = private(OpenOptions::new().write(true).create_new(true))
        .open(&new)
        .map_err(|source| io("create", &new, source))?;
    for part in parts {
        file.write_all(part).map_err(|source| io("write", &new, source))?;
    }
    file.sync_all().map_err(|source| io("sync", &new, source))?;
    std::fs::rename(&new, path).map_err(|source| io("replace", path, source))?;
    sync_folder(path)
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> Result<(), BackendError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| io("sync the folder of", path, source))
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> Result<(), BackendError> {
    Ok(())
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600)
}

/// Elsewhere than on Unix the folder's access rules apply to the new file.
#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
fn check_owner_only(path: &Path) -> Result<(), BackendError> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = std::fs::metadata(path).map_err(|source| io("read", path, source))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(BackendError::Permissions { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn check_owner_only(_: &Path) -> Result<(), BackendError> {
    Ok(())
}
