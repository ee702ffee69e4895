//! Small files below a root folder: `/` on a real machine, a fixture folder in tests.
//!
//! Three failures are kept apart, because they mean different things: a file that is not there, a file that
//! may not be read, and a file that cannot be understood. Nothing is cached and nothing is ever written.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Largest file that is read whole, in bytes.
const FILE_LIMIT: u64 = 64 * 1024;
/// Most entries of a folder that are listed.
const ENTRY_LIMIT: usize = 4096;

/// What came of reading one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Its text, without white space at either end.
    Text(String),
    /// There is no such file.
    Absent,
    /// The system refused.
    Denied,
    /// It is there, and useless; the words say why.
    Malformed(&'static str),
}

impl Reading {
    /// The text, if there is any.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Absent | Self::Denied | Self::Malformed(_) => None,
        }
    }
}

/// A folder that stands for the root of a machine's file system.
#[derive(Debug, Clone)]
pub struct Root {
    folder: PathBuf,
    refused: BTreeSet<String>,
}

impl Root {
    /// Takes `folder` as the root; it need not exist.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), refused: BTreeSet::new() }
    }

    /// The same root, in which reading `paths` is refused.
    ///
    /// For fixtures: a test that root runs cannot make a file that it may not read.
    #[must_use]
    pub fn refusing(mut self, paths: impl IntoIterator<Item = String>) -> Self {
        self.refused.extend(paths);
        self
    }

    /// Reads the file at `path`, given without a leading slash.
    ///
    /// # Edge cases
    /// A file over 64 KiB or with bytes that are not UTF-8 is malformed, and so is every failure that is
    /// neither "not found" nor "permission denied", such as a switched-off `/proc/pressure`.
    #[must_use]
    pub fn read(&self, path: &str) -> Reading {
        match self.bytes(path, FILE_LIMIT + 1) {
            Err(reading) => reading,
            Ok(bytes) if bytes.len() as u64 > FILE_LIMIT => Reading::Malformed("larger than 64 KiB"),
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Reading::Text(text.trim_matches(is_padding).to_owned()),
                Err(_) => Reading::Malformed("not UTF-8"),
            },
        }
    }

    /// Reads at most `limit` bytes of the file at `path`, cut after the last whole line.
    ///
    /// `/proc/cpuinfo` repeats itself per processor, so that its beginning is enough on the largest server.
    #[must_use]
    pub fn read_beginning(&self, path: &str, limit: u64) -> Reading {
        match self.bytes(path, limit) {
            Err(reading) => reading,
            Ok(mut bytes) => {
                if bytes.len() as u64 == limit {
                    let end = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
                    bytes.truncate(end);
                }
                match String::from_utf8(bytes) {
                    Ok(text) => Reading::Text(text.trim_matches(is_padding).to_owned()),
                    Err(_) => Reading::Malformed("not UTF-8"),
                }
            }
        }
    }

    /// Names of the entries of the folder at `path` in ascending order; empty when it cannot be listed.
    #[must_use]
    pub fn list(&self, path: &str) -> Vec<String> {
        let Some(folder) = self.place(path) else { return Vec::new() };
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .take(ENTRY_LIMIT)
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    /// Whether something is at `path`.
    #[must_use]
    pub fn exists(&self, path: &str) -> bool {
        self.place(path).is_some_and(|place| place.exists())
    }

    fn bytes(&self, path: &str, limit: u64) -> Result<Vec<u8>, Reading> {
        let place = self.place(path).ok_or(Reading::Absent)?;
        if self.refused.contains(path.trim_start_matches('/')) {
            return Err(Reading::Denied);
        }
        let mut bytes = Vec::new();
        fs::File::open(place)
            .and_then(|file| file.take(limit).read_to_end(&mut bytes))
            .map_err(|error| classify(error.kind()))?;
        Ok(bytes)
    }

    /// Joins `path` to the root; a path that would leave the root has no place.
    fn place(&self, path: &str) -> Option<PathBuf> {
        let relative = path.trim_start_matches('/');
        let leaves = relative.split('/').any(|part| part == "..");
        (!leaves && !relative.contains('\0')).then(|| self.folder.join(relative))
    }
}

/// Device-tree strings end in NUL, sysfs lines in a newline.
fn is_padding(character: char) -> bool {
    character.is_whitespace() || character == '\0'
}

/// What an input error says about a file.
fn classify(kind: ErrorKind) -> Reading {
    match kind {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Reading::Absent,
        ErrorKind::PermissionDenied => Reading::Denied,
        ErrorKind::IsADirectory => Reading::Malformed("a folder"),
        _ => Reading::Malformed("not readable"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("good"), "performance\n").unwrap();
        fs::write(folder.path().join("nul"), "Raspberry Pi\0").unwrap();
        fs::write(folder.path().join("binary"), [0xff, 0xfe]).unwrap();
        fs::write(folder.path().join("large"), vec![b'x'; 64 * 1024 + 1]).unwrap();
        fs::write(folder.path().join("limit"), vec![b'x'; 64 * 1024]).unwrap();
        fs::create_dir(folder.path().join("folder")).unwrap();
        let root = Root::new(folder.path()).refusing(["secret".to_owned()]);
        let check = |path: &str, expected: Reading| assert_eq!(root.read(path), expected, "{path}");
        check("good", Reading::Text("performance".to_owned()));
        check("/good", Reading::Text("performance".to_owned()));
        check("nul", Reading::Text("Raspberry Pi".to_owned()));
        check("missing", Reading::Absent);
        check("secret", Reading::Denied);
        check("/secret", Reading::Denied);
        check("good/below-a-file", Reading::Absent);
        check("../outside", Reading::Absent);
        check("binary", Reading::Malformed("not UTF-8"));
        check("large", Reading::Malformed("larger than 64 KiB"));
        check("limit", Reading::Text("x".repeat(64 * 1024)));
        assert!(matches!(root.read("folder"), Reading::Malformed(_)));
        assert_eq!(classify(ErrorKind::PermissionDenied), Reading::Denied);
        assert_eq!(root.list(""), ["binary", "folder", "good", "large", "limit", "nul"]);
        assert!(root.list("missing").is_empty());
    }

    #[test]
    fn a_beginning_ends_at_a_line() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("lines"), "first: 1\nsecond: 2\n").unwrap();
        let root = Root::new(folder.path());
        assert_eq!(root.read_beginning("lines", 12), Reading::Text("first: 1".to_owned()));
        assert_eq!(root.read_beginning("lines", 100), Reading::Text("first: 1\nsecond: 2".to_owned()));
    }
}
