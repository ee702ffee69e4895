//! The files of a site and the manifest beside them: what was written, from what, and what may be removed.
//!
//! The manifest is a file like any other: it may be missing, older, cut off or edited. Then it counts for nothing but what may be
//! removed, every page is made anew, and those that differ are written. Times of files are never looked at.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use crate::commands::load;
use crate::error::CliError;
use crate::exit_code;
use crate::files;

/// Name of the manifest.
const NAME: &str = "site.json";
/// Upper limit of its size in bytes.
const MAX_BYTES: u64 = 64 << 20;
/// What it says about itself.
const SCHEMA: &str = "bench-runner/site-manifest";

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
    /// Digest of all that the pages were made from besides the store.
    #[serde(default)]
    program: String,
    /// Digest of the store that they were made from; empty where it does not tell all.
    #[serde(default)]
    store: String,
    pages: BTreeMap<String, Record>,
    /// Digest of everything above.
    #[serde(default)]
    check: String,
}

impl Manifest {
    /// A manifest without pages.
    fn new(program: String, store: String) -> Self {
        let (pages, check) = (BTreeMap::new(), String::new());
        Self { schema: SCHEMA.to_owned(), version: 1, program, store, pages, check }
    }

    /// Reads what was written before; what cannot be read counts as none.
    fn read(path: &Path) -> Option<Self> {
        let text = path.is_file().then(|| files::read(path, MAX_BYTES).ok())??;
        let found: Self = serde_json::from_slice(&text).ok()?;
        (found.schema == SCHEMA && found.version == 1).then_some(found)
    }

    /// The digest of everything but itself.
    fn checked(&self) -> String {
        let mut all = Vec::new();
        for part in [&self.schema, &self.program, &self.store] {
            all.extend_from_slice(part.as_bytes());
            all.push(0);
        }
        for (path, record) in &self.pages {
            for part in [path, &record.input, &record.sha256] {
                all.extend_from_slice(part.as_bytes());
                all.push(0);
            }
            all.extend_from_slice(&record.bytes.to_le_bytes());
        }
        files::sha256(&all).to_string()
    }
}

/// A file of the site as it is on the disk now.
#[derive(Debug)]
pub(super) struct Made {
    path: String,
    record: Record,
    written: bool,
}

/// The files of a site while it is written.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    old: Manifest,
    /// Whether the old manifest is as it was written, by this program with these settings.
    holds: bool,
    new: Manifest,
    written: u32,
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

/// Writes a file whole or not at all. It can be made again, so that nothing waits for the disk.
fn write(target: &Path, content: &str) -> Result<(), CliError> {
    let named = |error: std::io::Error| CliError::from(error).about(&target.display().to_string());
    let mut beside = target.as_os_str().to_owned();
    beside.push(".writing");
    if std::fs::write(&beside, content).is_err() {
        // Mostly the folder is there.
        std::fs::create_dir_all(files::folder_of(target)).map_err(named)?;
        std::fs::write(&beside, content).map_err(named)?;
    }
    std::fs::rename(&beside, target).map_err(named)
}

/// Whether a path of the manifest stays within the folder.
fn is_inside(path: &str) -> bool {
    Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

impl Files {
    /// Reads what was written before. `program` is the digest of all that pages are made from besides the store, `store` that of
    /// the store, if it tells all.
    pub(super) fn open(folder: &Path, program: String, store: Option<String>) -> Self {
        let new = Manifest::new(program, store.unwrap_or_default());
        let old = Manifest::read(&folder.join(NAME));
        let old = old.unwrap_or_else(|| Manifest::new(String::new(), String::new()));
        let holds = old.check == old.checked() && old.program == new.program;
        Self { folder: folder.to_owned(), old, holds, new, written: 0 }
    }

    /// What there is to say when nothing is to be done: the same program made these pages from the same store with the same
    /// settings, and each of them is still there, byte for byte.
    pub(super) fn unchanged(&self) -> Option<Written> {
        let same = self.holds && !self.new.store.is_empty() && self.new.store == self.old.store;
        if !same || self.old.pages.is_empty() {
            return None;
        }
        let pages: Vec<(&String, &Record)> = self.old.pages.iter().collect();
        let (next, intact) = (AtomicUsize::new(0), AtomicBool::new(true));
        let look = || {
            while intact.load(Ordering::Relaxed) {
                let Some((path, record)) = pages.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
                if !self.is_there(path, record) {
                    intact.store(false, Ordering::Relaxed);
                }
            }
        };
        std::thread::scope(|scope| {
            (1..load::threads().get().min(pages.len())).for_each(|_| drop(scope.spawn(look)));
            look();
        });
        let bytes = self.old.pages.values().map(|record| record.bytes).fold(0, u64::saturating_add);
        intact.into_inner().then_some(Written { pages: pages.len(), written: 0, removed: 0, bytes })
    }

    /// The page at `path`, if it was made from the same input and is still there as it was written.
    pub(super) fn current(&self, path: &str, input: &str) -> Option<Made> {
        let record = self.old.pages.get(path).filter(|record| self.holds && record.input == input)?;
        let made = || Made { path: path.to_owned(), record: record.clone(), written: false };
        self.is_there(path, record).then(made)
    }

    /// All files of the run whose pages begin with `start`, if all of them are current.
    pub(super) fn current_run(&self, start: &str, input: &str) -> Option<Vec<Made>> {
        let all = self.old.pages.range(start.to_owned()..).take_while(|(path, _)| path.starts_with(start));
        let mine = all.filter(|(path, _)| path[start.len()..].starts_with(['.', '-']));
        let made: Option<Vec<Made>> = mine.map(|(path, _)| self.current(path, input)).collect();
        made.filter(|made| !made.is_empty())
    }

    /// Whether a file is as the record says.
    fn is_there(&self, path: &str, record: &Record) -> bool {
        let target = self.folder.join(path);
        is_inside(path)
            && std::fs::metadata(&target).is_ok_and(|found| found.is_file() && found.len() == record.bytes)
            && files::sha256_file(&target).is_ok_and(|(digest, _)| digest.to_string() == record.sha256)
    }

    /// Writes a file unless it is there with the same content.
    pub(super) fn put(&self, path: &str, input: &str, content: &str) -> Result<Made, CliError> {
        let target = self.folder.join(path);
        let length = content.len() as u64;
        let same = std::fs::metadata(&target).is_ok_and(|found| found.is_file() && found.len() == length)
            && files::read(&target, length).is_ok_and(|found| found == content.as_bytes());
        if !same {
            write(&target, content)?;
        }
        let sha256 = files::sha256(content.as_bytes()).to_string();
        let record = Record { input: input.to_owned(), sha256, bytes: length };
        Ok(Made { path: path.to_owned(), record, written: !same })
    }

    /// Takes files into the manifest.
    pub(super) fn add(&mut self, made: impl IntoIterator<Item = Made>) {
        for Made { path, record, written } in made {
            self.written += u32::from(written);
            self.new.pages.insert(path, record);
        }
    }

    /// Removes what was written once and is no page any more, and writes the manifest. `settled` says that the pages follow from
    /// the store alone.
    pub(super) fn finish(mut self, settled: bool) -> Result<Written, CliError> {
        let mut removed = 0;
        for path in self.old.pages.keys().filter(|path| !self.new.pages.contains_key(*path)) {
            // A path that leaves the folder was not ours.
            if is_inside(path) && std::fs::remove_file(self.folder.join(path)).is_ok() {
                removed += 1;
            }
        }
        if !settled {
            self.new.store.clear();
        }
        self.new.check = self.new.checked();
        if self.new != self.old {
            let mut text = serde_json::to_string_pretty(&self.new)
                .map_err(|error| CliError::from_error(exit_code::FAILURE, &error))?;
            text.push('\n');
            // Half a manifest after a crash counts as none, so that this file too can be made again.
            write(&self.folder.join(NAME), &text)?;
        }
        let bytes = self.new.pages.values().map(|record| record.bytes).sum();
        Ok(Written { pages: self.new.pages.len(), written: self.written, removed, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(folder: &Path, program: &str, store: &str) -> Files {
        Files::open(folder, program.to_owned(), Some(store.to_owned()))
    }

    /// A site of three files.
    fn made(folder: &Path) {
        let mut files = opened(folder, "program", "store");
        for path in ["index.html", "run/A.html", "run/A-1.html"] {
            let one = files.put(path, "input", path).unwrap();
            files.add([one]);
        }
        let written = files.finish(true).unwrap();
        assert_eq!((written.pages, written.written, written.removed), (3, 3, 0));
    }

    fn is_unchanged(folder: &Path) -> bool {
        opened(folder, "program", "store").unchanged().is_some()
    }

    #[test]
    fn nothing_is_done_for_the_same_store_program_and_pages_and_for_nothing_less() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert!(!is_unchanged(folder), "nothing is there");
        made(folder);
        let written = opened(folder, "program", "store").unchanged().unwrap();
        assert_eq!((written.pages, written.written, written.bytes), (3, 0, 32));
        assert!(opened(folder, "other", "store").unchanged().is_none());
        assert!(opened(folder, "program", "other").unchanged().is_none());
        assert!(Files::open(folder, "program".to_owned(), None).unchanged().is_none());
        // The same size, the same name, and another content; then none.
        std::fs::write(folder.join("run/A.html"), "run/B.html").unwrap();
        assert!(!is_unchanged(folder));
        std::fs::remove_file(folder.join("run/A.html")).unwrap();
        assert!(!is_unchanged(folder));
        std::fs::create_dir(folder.join("run/A.html")).unwrap();
        assert!(!is_unchanged(folder), "a folder is no page");
        std::fs::remove_dir(folder.join("run/A.html")).unwrap();
        std::fs::write(folder.join("run/A.html"), "run/A.html").unwrap();
        assert!(is_unchanged(folder));
    }

    #[test]
    fn a_page_is_current_only_as_it_was_written_and_with_all_that_belong_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        made(folder);
        let files = opened(folder, "program", "another store");
        assert!(files.current("index.html", "input").is_some());
        assert!(files.current("index.html", "another input").is_none());
        assert!(files.current("none.html", "input").is_none());
        assert!(opened(folder, "other", "store").current("index.html", "input").is_none());
        assert_eq!(files.current_run("run/A", "input").map(|made| made.len()), Some(2));
        assert!(files.current_run("run/", "input").is_none(), "the beginning of a name is none");
        std::fs::write(folder.join("run/A-1.html"), "run/A-2.html").unwrap();
        assert!(files.current_run("run/A", "input").is_none());
        let again = files.put("run/A-1.html", "input", "run/A-1.html").unwrap();
        assert!(again.written && files.current_run("run/A", "input").is_some());
        assert!(!files.put("run/A-1.html", "input", "run/A-1.html").unwrap().written);
    }

    #[test]
    fn a_manifest_that_is_not_as_it_was_written_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        made(folder);
        let path = folder.join(NAME);
        let good = std::fs::read_to_string(&path).unwrap();
        let check = |what: &str, text: &[u8]| {
            std::fs::write(&path, text).unwrap();
            let files = opened(folder, "program", "store");
            assert!(files.unchanged().is_none(), "{what}");
            assert!(files.current("index.html", "input").is_none(), "{what}");
        };
        check("nothing", b"");
        check("no text", &[0xff, 0, 0xfe]);
        check("another text", b"{\"schema\": \"bench-runner/other\", \"version\": 1, \"pages\": {}}");
        check("the deep end", "[".repeat(100_000).as_bytes());
        for length in (0..good.len() - 2).step_by(37) {
            check("cut off", &good.as_bytes()[..length]);
        }
        check("a page less", good.replacen("index.html", "index.htm", 1).as_bytes());
        check("another input", good.replacen("input\": \"input", "input\": \"inpux", 1).as_bytes());
        check("huge", good.replacen("\"bytes\": 10", "\"bytes\": 18446744073709551615", 1).as_bytes());
        check("another version", good.replacen("\"version\": 1", "\"version\": 2", 1).as_bytes());
        check("from before there was a check", good.replacen("\"check\"", "\"chuck\"", 1).as_bytes());
        std::fs::write(&path, &good).unwrap();
        assert!(is_unchanged(folder));
    }

    #[test]
    fn pages_that_depend_on_more_than_the_store_are_looked_at_again() {
        let folder = tempfile::tempdir().unwrap();
        made(folder.path());
        let mut files = opened(folder.path(), "program", "store");
        let kept = files.current("index.html", "input").unwrap();
        files.add([kept]);
        let written = files.finish(false).unwrap();
        assert_eq!((written.pages, written.written, written.removed), (1, 0, 2));
        assert!(!is_unchanged(folder.path()));
        assert!(opened(folder.path(), "program", "").unchanged().is_none(), "nothing is no store");
    }
}
