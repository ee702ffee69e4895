//! Edge: kept executables, by SHA-256, so that what was measured once can be launched again without building it.
//!
//! Beside each file lies a note of what it is and which machine built it. Only files with a note of this machine, whose
//! content still has its digest, are ever handed out: nothing that came from elsewhere is run. What was pruned is gone,
//! which is an answer and no error.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files::{self, Access, FilesError};
use crate::model::ids::Digest;
use crate::model::run::Executable;
use crate::model::units::Timestamp;

/// Name of the note's form.
const SCHEMA: &str = "bench-runner/kept-executable";
/// Longest note in bytes.
const NOTE_LIMIT: u64 = 1 << 20;

/// Why executables could not be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeepError {
    /// A file could not be written, read or removed.
    #[error("cannot {doing} `{}`", path.display())]
    File {
        /// What was attempted.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A note could not be written or read.
    #[error("cannot keep an executable")]
    Note(#[from] FilesError),
}

impl KeepError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Note(error) => error.hint(),
            Self::File { .. } => Some("check space and permissions of the folder under `[keep]`".to_owned()),
        }
    }
}

/// What is known of a kept executable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Digest, size, package and target.
    pub executable: Executable,
    /// Root of its package, relative to the root of the workspace, with `/`.
    pub directory: String,
    /// Variables that it is started with and that name no path.
    pub environment: BTreeMap<String, String>,
    /// Version of Criterion that its package is locked to.
    pub criterion_version: Option<String>,
    /// Key of the machine that built it.
    pub machine: String,
    /// When it was kept, or kept again.
    pub kept: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    schema: String,
    version: u32,
    #[serde(flatten)]
    note: Note,
}

/// A kept executable that may be launched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The file.
    pub path: PathBuf,
    /// What is known of it.
    pub note: Note,
}

/// The folder of kept executables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keep {
    folder: PathBuf,
    machine: String,
}

impl Keep {
    /// The folder, as the machine of that key sees it.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, machine: impl Into<String>) -> Self {
        let folder = folder.into();
        // Benches run in folders of their own.
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        Self { folder, machine: machine.into() }
    }

    /// Copies the file at `path`, which has the digest of the note, and writes the note; the machine becomes this one.
    ///
    /// # Errors
    ///
    /// When a file cannot be written, or changed while it was copied.
    pub fn keep(&self, path: &Path, note: &Note) -> Result<Kept, KeepError> {
        let target = self.path(note.executable.digest);
        let note = Note { machine: self.machine.clone(), ..note.clone() };
        if !self.is_whole(note.executable.digest) {
            self.copy(path, &target)?;
            if !self.is_whole(note.executable.digest) {
                remove(&target)?;
                let source = io::Error::other("it changed while it was copied");
                return Err(KeepError::File { doing: "keep", path: path.to_owned(), source });
            }
        }
        let wire = Wire { schema: SCHEMA.to_owned(), version: 1, note };
        let text = serde_json::to_vec_pretty(&wire).map_err(|error| KeepError::File {
            doing: "describe",
            path: target.clone(),
            source: error.into(),
        })?;
        files::write(&self.note_path(wire.note.executable.digest), &text, Access::Default)?;
        Ok(Kept { path: target, note: wire.note })
    }

    /// The executable of that digest, read again and found whole.
    ///
    /// # Edge cases
    ///
    /// `None` when it was pruned or never kept, when another machine built it, and when its content has another digest.
    #[must_use]
    pub fn find(&self, digest: Digest) -> Option<Kept> {
        let note = self.note(digest).filter(|note| note.machine == self.machine)?;
        self.is_whole(digest).then(|| Kept { path: self.path(digest), note })
    }

    /// All notes, the one kept longest ago first.
    #[must_use]
    pub fn list(&self) -> Vec<Note> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let digests = names.filter_map(|name| name.strip_suffix(".json")?.parse::<Digest>().ok());
        let mut notes: Vec<Note> = digests.filter_map(|digest| self.note(digest)).collect();
        notes.sort_by_key(|note| (note.kept, note.executable.digest));
        notes
    }

    /// Removes what was kept longest ago until the rest takes at most `cap` bytes; `pinned` ones stay whatever they take.
    /// Returns what was removed.
    ///
    /// # Errors
    ///
    /// When a file cannot be removed.
    pub fn prune(&self, cap: u64, pinned: &BTreeSet<Digest>) -> Result<Vec<Note>, KeepError> {
        let notes = self.list();
        let mut size: u64 = notes.iter().map(|note| note.executable.bytes).sum();
        let mut removed = Vec::new();
        for note in notes {
            if size <= cap {
                break;
            }
            if !pinned.contains(&note.executable.digest) {
                // The note goes last: without its file it is found out to be gone.
                remove(&self.path(note.executable.digest))?;
                remove(&self.note_path(note.executable.digest))?;
                size = size.saturating_sub(note.executable.bytes);
                removed.push(note);
            }
        }
        Ok(removed)
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.folder.join(digest.to_string())
    }

    fn note_path(&self, digest: Digest) -> PathBuf {
        self.folder.join(format!("{digest}.json"))
    }

    fn is_whole(&self, digest: Digest) -> bool {
        let path = self.path(digest);
        path.symlink_metadata().is_ok_and(|found| found.is_file())
            && files::sha256_file(&path).is_ok_and(|(found, _)| found == digest)
    }

    fn note(&self, digest: Digest) -> Option<Note> {
        let text = files::read(&self.note_path(digest), NOTE_LIMIT).ok()?;
        let wire: Wire = serde_json::from_slice(&text).ok()?;
        let ours = wire.schema == SCHEMA && wire.version == 1 && wire.note.executable.digest == digest;
        // A directory that leads elsewhere is no directory of a workspace.
        let inside = Path::new(&wire.note.directory)
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir));
        (ours && inside).then_some(wire.note)
    }

    /// Copies under a name of its own, then renames: nobody sees half a file. Cargo's own file is never linked to, since
    /// linkers may write into it again.
    fn copy(&self, from: &Path, to: &Path) -> Result<(), KeepError> {
        let fail =
            |source| KeepError::File { doing: "keep an executable in", path: self.folder.clone(), source };
        std::fs::create_dir_all(&self.folder).map_err(fail)?;
        let unfinished = tempfile::Builder::new()
            .prefix(".keeping-")
            .tempfile_in(&self.folder)
            .map_err(fail)?
            .into_temp_path();
        std::fs::copy(from, &unfinished).map_err(fail)?;
        let mut access = std::fs::metadata(&unfinished).map_err(fail)?.permissions();
        access.set_readonly(true);
        std::fs::set_permissions(&unfinished, access).map_err(fail)?;
        unfinished.persist(to).map_err(|error| fail(error.error))
    }
}

/// Removes a file; one that is gone is fine.
fn remove(path: &Path) -> Result<(), KeepError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(KeepError::File { doing: "remove", path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(content: &[u8], at: i64) -> Note {
        Note {
            executable: Executable {
                digest: files::sha256(content),
                bytes: content.len() as u64,
                package: "p".to_owned(),
                target: "t".to_owned(),
            },
            directory: "p".to_owned(),
            environment: BTreeMap::new(),
            criterion_version: None,
            machine: String::new(),
            kept: Timestamp(at),
        }
    }

    /// A keep with files of those contents, kept one after the other.
    fn filled(folder: &Path, contents: &[&[u8]]) -> Keep {
        let keep = Keep::new(folder.join("kept"), "m1");
        for (at, content) in (0..).zip(contents) {
            let built = folder.join("built");
            std::fs::write(&built, content).unwrap();
            let kept = keep.keep(&built, &note(content, at)).unwrap();
            assert_eq!(kept.note.machine, "m1");
        }
        keep
    }

    #[test]
    fn what_is_kept_is_found_whole_and_read_only() {
        let folder = tempfile::tempdir().unwrap();
        let keep = filled(folder.path(), &[b"one", b"one", b"two"]);
        assert_eq!(keep.list().len(), 2);
        let kept = keep.find(files::sha256(b"one")).unwrap();
        assert_eq!(std::fs::read(&kept.path).unwrap(), b"one");
        assert!(std::fs::metadata(&kept.path).unwrap().permissions().readonly());
        assert_eq!(keep.find(files::sha256(b"three")), None);
    }

    #[test]
    fn what_another_machine_built_or_somebody_changed_is_never_handed_out() {
        let folder = tempfile::tempdir().unwrap();
        let keep = filled(folder.path(), &[b"one"]);
        let digest = files::sha256(b"one");
        assert_eq!(Keep::new(folder.path().join("kept"), "m2").find(digest), None);
        let path = keep.find(digest).unwrap().path;
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, b"other").unwrap();
        assert_eq!(keep.find(digest), None);
        // A file without a note is not ours.
        std::fs::write(folder.path().join("kept").join(files::sha256(b"x").to_string()), b"x").unwrap();
        assert_eq!(keep.find(files::sha256(b"x")), None);
    }

    #[test]
    fn a_note_that_leads_out_of_the_workspace_is_no_note() {
        let folder = tempfile::tempdir().unwrap();
        let keep = Keep::new(folder.path().join("kept"), "m1");
        let built = folder.path().join("built");
        std::fs::write(&built, b"one").unwrap();
        for directory in ["../elsewhere", "/tmp"] {
            keep.keep(&built, &Note { directory: directory.to_owned(), ..note(b"one", 0) }).unwrap();
            assert_eq!(keep.find(files::sha256(b"one")), None, "{directory}");
        }
    }

    #[test]
    fn the_oldest_go_first_and_pinned_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let keep = filled(folder.path(), &[b"aaaa", b"bbbb", b"cccc"]);
        let pinned = BTreeSet::from([files::sha256(b"aaaa")]);
        assert_eq!(keep.prune(12, &pinned).unwrap(), []);
        let removed = keep.prune(8, &pinned).unwrap();
        assert_eq!(removed.len(), 1);
        assert_eq!(removed[0].executable.digest, files::sha256(b"bbbb"));
        assert_eq!(keep.find(files::sha256(b"bbbb")), None);
        keep.prune(0, &pinned).unwrap();
        assert_eq!(keep.list().len(), 1);
        assert!(keep.find(files::sha256(b"aaaa")).is_some());
    }
}
