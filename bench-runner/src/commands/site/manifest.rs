//! The files of a site and the manifest beside them: what was written, from what, and what may be removed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::CliError;
use crate::exit_code;
use crate::files::{self, Access};

/// Name of the manifest.
const NAME: &str = "site.json";
/// Upper limit of its size in bytes.
const MAX_BYTES: u64 = 64 << 20;

/// What is known about one written file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    /// Digest of everything that the page was made from; the digest of its content where nothing shorter is known.
    input: String,
    /// SHA-256 of its content.
    sha256: String,
    /// Its size.
    bytes: u64,
}

/// The manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    schema: String,
    version: u32,
    pages: BTreeMap<String, Record>,
}

impl Default for Manifest {
    fn default() -> Self {
        Self { schema: "bench-runner/site-manifest".to_owned(), version: 1, pages: BTreeMap::new() }
    }
}

/// The files of a site while it is written.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    old: Manifest,
    new: Manifest,
    written: u32,
}

/// Writes a page whole or not at all. It can be made again, so that nothing waits for the disk.
fn write(target: &Path, content: &str) -> Result<(), CliError> {
    let named = |error: std::io::Error| CliError::from(error).about(&target.display().to_string());
    std::fs::create_dir_all(files::folder_of(target)).map_err(named)?;
    let mut beside = target.as_os_str().to_owned();
    beside.push(".writing");
    std::fs::write(&beside, content).map_err(named)?;
    std::fs::rename(&beside, target).map_err(named)
}

/// What became of the files.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    /// Files of the site.
    pub pages: usize,
    /// Those that were written now.
    pub written: u32,
    /// Those that were removed.
    pub removed: u32,
    /// Bytes of all files.
    pub bytes: u64,
}

impl Files {
    /// Reads what was written before. A manifest that cannot be read counts as none: nothing is removed then.
    pub(super) fn open(folder: &Path) -> Result<Self, CliError> {
        let path = folder.join(NAME);
        let old = if path.is_file() {
            serde_json::from_slice::<Manifest>(&files::read(&path, MAX_BYTES)?).unwrap_or_default()
        } else {
            Manifest::default()
        };
        let usable = old.schema == Manifest::default().schema && old.version == 1;
        let old = if usable { old } else { Manifest::default() };
        Ok(Self { folder: folder.to_owned(), old, new: Manifest::default(), written: 0 })
    }

    /// Whether the page at `path` was made from the same input and is still there.
    pub(super) fn is_current(&self, path: &str, input: &str) -> bool {
        self.old.pages.get(path).is_some_and(|record| record.input == input && self.is_there(path, record))
    }

    fn is_there(&self, path: &str, record: &Record) -> bool {
        std::fs::metadata(self.folder.join(path))
            .is_ok_and(|found| found.is_file() && found.len() == record.bytes)
    }

    /// Keeps every file whose path begins with `start` as it is.
    pub(super) fn keep(&mut self, start: &str) {
        let kept = self.old.pages.range(start.to_owned()..).take_while(|(path, _)| path.starts_with(start));
        self.new.pages.extend(kept.map(|(path, record)| (path.clone(), record.clone())));
    }

    /// Writes a file unless it is there with the same content.
    pub(super) fn put(&mut self, path: &str, input: &str, content: &str) -> Result<(), CliError> {
        let record = Record {
            input: input.to_owned(),
            sha256: files::sha256(content.as_bytes()).to_string(),
            bytes: content.len() as u64,
        };
        let same = self.old.pages.get(path).is_some_and(|old| old.sha256 == record.sha256);
        if !(same && self.is_there(path, &record)) {
            let target = self.folder.join(path);
            write(&target, content)?;
            self.written += 1;
        }
        self.new.pages.insert(path.to_owned(), record);
        Ok(())
    }

    /// Removes what was written once and is no page any more, and writes the manifest.
    pub(super) fn finish(self) -> Result<Written, CliError> {
        let mut removed = 0;
        for path in self.old.pages.keys().filter(|path| !self.new.pages.contains_key(*path)) {
            // The manifest is a file like any other: a path that leaves the folder was not ours.
            let inside =
                Path::new(path).components().all(|part| matches!(part, std::path::Component::Normal(_)));
            if inside && std::fs::remove_file(self.folder.join(path)).is_ok() {
                removed += 1;
            }
        }
        let mut text = serde_json::to_string_pretty(&self.new)
            .map_err(|error| CliError::from_error(exit_code::FAILURE, &error))?;
        text.push('\n');
        if self.new != self.old || !self.folder.join(NAME).is_file() {
            files::write(&self.folder.join(NAME), text.as_bytes(), Access::Default)?;
        }
        let bytes = self.new.pages.values().map(|record| record.bytes).sum();
        Ok(Written { pages: self.new.pages.len(), written: self.written, removed, bytes })
    }
}
