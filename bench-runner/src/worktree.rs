//! Edge: revisions of the source, and clean worktrees of them, by asking `git`.
//!
//! A worktree is a folder of its own; the user's working tree, index and branches are never touched, and hooks are off.
//! Submodules are not fetched. What is built there is somebody else's business.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::process::{ProcessError, ProcessRequest, ProcessRunner};

/// Longest time for one answer of git; checking out a large tree takes a while.
const PATIENCE: Duration = Duration::from_secs(300);
/// Variables by which a surrounding git process, such as a hook, would point us to its own repository.
const POINTERS: &[&str] = &["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"];

/// Why git could not help.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorktreeError {
    /// Git did not run to its end.
    #[error("git did not run to its end")]
    Process(#[from] ProcessError),
    /// The folder is in no repository.
    #[error("`{}` is not in a git repository", folder.display())]
    NoRepository {
        /// The folder.
        folder: PathBuf,
    },
    /// A revision does not name a commit.
    #[error("`{rev}` does not name a commit")]
    NoCommit {
        /// As given.
        rev: String,
    },
    /// Git refused.
    #[error("git cannot {doing}: {said}")]
    Refused {
        /// What was asked for.
        doing: &'static str,
        /// What git said.
        said: String,
    },
    /// A folder could not be made.
    #[error("cannot make a folder for a worktree")]
    Folder {
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl WorktreeError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Process(error) => error.hint(),
            Self::NoRepository { .. } => Some("run it inside of the repository of the project".to_owned()),
            Self::NoCommit { .. } => {
                Some("`git log --oneline` shows commits; a shallow clone lacks the older ones".to_owned())
            }
            Self::Refused { .. } | Self::Folder { .. } => None,
        }
    }
}

/// A repository, seen from one folder in it.
#[derive(Clone, Copy)]
pub struct Repository<'a> {
    folder: &'a Path,
    runner: &'a dyn ProcessRunner,
}

/// A clean checkout of one commit; it is removed when this is dropped, unless it is kept.
#[derive(Debug)]
pub struct Worktree {
    /// Full name of the commit.
    pub commit: String,
    /// The folder in it that corresponds to the one the repository was seen from.
    pub folder: PathBuf,
    root: tempfile::TempDir,
}

impl Worktree {
    /// Leaves the folder where it is and returns its path; `git worktree remove` ends it.
    #[must_use]
    pub fn keep(self) -> PathBuf {
        self.root.keep()
    }
}

impl<'a> Repository<'a> {
    /// Finds the repository around `folder`.
    ///
    /// # Errors
    ///
    /// [`WorktreeError::NoRepository`], or when git cannot be run.
    pub fn open(folder: &'a Path, runner: &'a dyn ProcessRunner) -> Result<Self, WorktreeError> {
        let repository = Self { folder, runner };
        match repository.ask(&["rev-parse", "--is-inside-work-tree"])? {
            Ok(word) if word == "true" => Ok(repository),
            _ => Err(WorktreeError::NoRepository { folder: folder.to_owned() }),
        }
    }

    /// The full name of the commit that `rev` names.
    ///
    /// # Errors
    ///
    /// [`WorktreeError::NoCommit`], or when git cannot be run.
    pub fn commit(&self, rev: &str) -> Result<String, WorktreeError> {
        let wanted = format!("{rev}^{{commit}}");
        let said = self.ask(&["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted])?;
        said.ok().filter(|name| is_name(name)).ok_or_else(|| WorktreeError::NoCommit { rev: rev.to_owned() })
    }

    /// The commits after `from` up to and with `to`, oldest first, along first parents.
    ///
    /// # Errors
    ///
    /// When a side names no commit, or git refuses.
    pub fn between(&self, from: &str, to: &str) -> Result<Vec<String>, WorktreeError> {
        let range = format!("{}..{}", self.commit(from)?, self.commit(to)?);
        let said = self.ask(&["rev-list", "--first-parent", "--reverse", &range])?;
        let said = said.map_err(|said| WorktreeError::Refused { doing: "list commits", said })?;
        Ok(said.lines().map(str::to_owned).collect())
    }

    /// First line of a commit's message, for people.
    ///
    /// # Errors
    ///
    /// When git cannot be run.
    pub fn subject(&self, commit: &str) -> Result<String, WorktreeError> {
        let said =
            self.ask(&["-c", "log.showSignature=false", "show", "--no-patch", "--format=%s", commit])?;
        Ok(said.unwrap_or_default())
    }

    /// Whether anything differs from the last commit, files that git does not know included.
    ///
    /// # Errors
    ///
    /// When git cannot be run or refuses.
    pub fn is_dirty(&self) -> Result<bool, WorktreeError> {
        let said = self.ask(&["status", "--porcelain"])?;
        let said = said.map_err(|said| WorktreeError::Refused { doing: "look at the working tree", said })?;
        Ok(!said.is_empty())
    }

    /// Checks a commit out into a new folder below the system's temporary one.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made or git refuses.
    pub fn check_out(&self, commit: &str) -> Result<Worktree, WorktreeError> {
        let root = tempfile::Builder::new()
            .prefix("bench-runner-worktree-")
            .tempdir()
            .map_err(|source| WorktreeError::Folder { source })?;
        // Forgets worktrees whose folder is gone, as that of a killed experiment is some day.
        drop(self.ask(&["worktree", "prune"])?);
        let tree = root.path().join("tree");
        let place = tree.to_string_lossy().into_owned();
        let words =
            ["-c", "core.hooksPath=/dev/null", "worktree", "add", "--detach", "--force", &place, commit];
        if let Err(said) = self.ask(&words)? {
            return Err(WorktreeError::Refused { doing: "check out a worktree", said });
        }
        let inside = self.ask(&["rev-parse", "--show-prefix"])?.unwrap_or_default();
        Ok(Worktree { commit: commit.to_owned(), folder: tree.join(inside), root })
    }

    /// Removes a worktree and what git remembers of it.
    ///
    /// # Errors
    ///
    /// When git cannot be run.
    pub fn remove(&self, worktree: Worktree) -> Result<(), WorktreeError> {
        let tree = worktree.root.path().join("tree").to_string_lossy().into_owned();
        // What git refuses to remove goes with the folder, and the next prune forgets it.
        drop(self.ask(&["worktree", "remove", "--force", &tree])?);
        drop(worktree);
        Ok(())
    }

    /// Asks git; a refusal is an answer of its own.
    fn ask(&self, args: &[&str]) -> Result<Result<String, String>, WorktreeError> {
        let request = ProcessRequest::new("git")
            .args(args)
            .directory(self.folder)
            .timeout(PATIENCE)
            .output_limit(64 << 20)
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0");
        let request = POINTERS.iter().fold(request, |request, name| request.env_remove(*name));
        let output = self.runner.run(&request)?;
        Ok(if output.success() {
            Ok(output.stdout_text().trim().to_owned())
        } else {
            Err(output.stderr_text().trim().to_owned())
        })
    }
}

impl std::fmt::Debug for Repository<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// 40 hexadecimal digits, or 64 in a repository with SHA-256.
fn is_name(words: &str) -> bool {
    matches!(words.len(), 40 | 64) && words.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::SystemRunner;

    /// A repository with three commits of one file, in a folder `inner`.
    fn repository(folder: &Path) {
        let git = |args: &[&str]| {
            let identity = ["-c", "user.name=Alice", "-c", "user.email=alice@example.org"];
            let request = ProcessRequest::new("git").args(identity).args(args).directory(folder);
            let output = SystemRunner.run(&request).unwrap();
            assert!(output.success(), "{args:?}: {}", output.stderr_text());
        };
        git(&["init", "-q", "-b", "main"]);
        std::fs::create_dir(folder.join("inner")).unwrap();
        for content in ["one", "two", "three"] {
            std::fs::write(folder.join("inner/file"), content).unwrap();
            git(&["add", "."]);
            git(&["commit", "-q", "-m", content]);
        }
        git(&["tag", "v1", "HEAD~2"]);
    }

    #[test]
    fn commits_are_found_and_checked_out_beside_the_working_tree() {
        let folder = tempfile::tempdir().unwrap();
        repository(folder.path());
        let inner = folder.path().join("inner");
        let repository = Repository::open(&inner, &SystemRunner).unwrap();
        let first = repository.commit("v1").unwrap();
        let between = repository.between("v1", "main").unwrap();
        assert_eq!(between.len(), 2);
        assert_eq!(between[1], repository.commit("HEAD").unwrap());
        assert_eq!(repository.subject(&between[0]).unwrap(), "two");
        std::fs::write(inner.join("file"), "being edited").unwrap();
        assert!(repository.is_dirty().unwrap());
        let tree = repository.check_out(&first).unwrap();
        assert_eq!(std::fs::read_to_string(tree.folder.join("file")).unwrap(), "one");
        assert_eq!(std::fs::read_to_string(inner.join("file")).unwrap(), "being edited");
        let place = tree.folder.clone();
        repository.remove(tree).unwrap();
        assert!(!place.exists());
        assert_eq!(repository.ask(&["worktree", "list"]).unwrap().unwrap().lines().count(), 1);
    }

    #[test]
    fn what_is_no_commit_and_where_is_no_repository_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let error = Repository::open(folder.path(), &SystemRunner).unwrap_err();
        assert!(matches!(error, WorktreeError::NoRepository { .. }), "{error}");
        repository(folder.path());
        let repository = Repository::open(folder.path(), &SystemRunner).unwrap();
        for rev in ["nowhere", "--all", "", "HEAD:inner"] {
            let error = repository.commit(rev).unwrap_err();
            assert!(matches!(error, WorktreeError::NoCommit { .. }), "{rev}: {error}");
        }
    }
}
