//! Edge: which source code was measured, by asking `git`.
//!
//! Commit, whether the work tree differs from it, branch, description and commit time. Remote addresses, names and
//! e-mail addresses are never asked for. Nothing is written: optional locks are switched off.

use std::path::Path;

use crate::model::fact::{Fact, FactStatus, FactValue, Phase, keys};
use crate::process::{ProcessError, ProcessOutput, ProcessRequest, ProcessRunner};

/// Every key that [`capture`] states, in the order of the page.
pub const SOURCE_KEYS: &[&str] = &[
    keys::SOURCE_COMMIT,
    keys::SOURCE_DIRTY,
    keys::SOURCE_BRANCH,
    keys::SOURCE_DESCRIBE,
    keys::SOURCE_COMMIT_TIME,
];

/// Variables by which a surrounding git process, such as a hook, would point us to its own repository.
const POINTERS: &[&str] = &["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"];

/// Reads the facts of [`SOURCE_KEYS`] about the repository around `folder` with the program `git`.
///
/// # Edge cases
/// Total: without git or when it refuses, the facts are unknown; outside a repository, without a commit, without a
/// tag or with a detached head, the facts concerned are not applicable. The source of each says which.
#[must_use]
pub fn capture(folder: &Path, git: &str, runner: &dyn ProcessRunner, phase: Phase) -> Vec<Fact> {
    let repository = Repository { folder, git, runner };
    match repository.ask(&["rev-parse", "--is-inside-work-tree"]) {
        Answer::Words(word) if word == "true" => repository.facts(phase),
        Answer::Words(_) => all(phase, FactStatus::NotApplicable, "a repository without a work tree"),
        Answer::Refused(message) if message.contains("not a git repository") => {
            all(phase, FactStatus::NotApplicable, "not a git repository")
        }
        Answer::Refused(message) if message.contains("dubious ownership") => {
            all(phase, FactStatus::Denied, "git: the repository belongs to another user (safe.directory)")
        }
        Answer::Refused(_) => all(phase, FactStatus::Unknown, "git refused to look at the folder"),
        Answer::Failed(why) => all(phase, FactStatus::Unknown, why),
    }
}

/// What came of asking git.
enum Answer {
    /// Exit code 0: its output without white space at either end.
    Words(String),
    /// Another exit code: what it complained about.
    Refused(String),
    /// It did not run to its end.
    Failed(&'static str),
}

struct Repository<'a> {
    folder: &'a Path,
    git: &'a str,
    runner: &'a dyn ProcessRunner,
}

impl Repository<'_> {
    fn ask(&self, args: &[&str]) -> Answer {
        let request = ProcessRequest::new(self.git)
            .args(args)
            .directory(self.folder)
            .env("LC_ALL", "C")
            .env("GIT_OPTIONAL_LOCKS", "0");
        let request = POINTERS.iter().fold(request, |request, name| request.env_remove(*name));
        match self.runner.run(&request) {
            Ok(output) if output.success() => Answer::Words(output.stdout_text().trim().to_owned()),
            Ok(ProcessOutput { stderr, .. }) => {
                Answer::Refused(String::from_utf8_lossy(&stderr).into_owned())
            }
            Err(ProcessError::NotFound { .. }) => Answer::Failed("git is not installed"),
            Err(ProcessError::TimedOut { .. }) => Answer::Failed("git did not answer in time"),
            Err(_) => Answer::Failed("git could not be run"),
        }
    }

    fn facts(&self, phase: Phase) -> Vec<Fact> {
        let refused = |status, why: &str| (status, why.to_owned());
        let absent = |why| refused(FactStatus::NotApplicable, why);
        let commit = self.ask(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]);
        let time = self.ask(&["-c", "log.showSignature=false", "show", "--no-patch", "--format=%cI", "HEAD"]);
        let branch = self.ask(&["symbolic-ref", "--quiet", "--short", "HEAD"]);
        let describe = self.ask(&["describe", "--tags", "HEAD"]);
        let dirty = match self.ask(&["status", "--porcelain"]) {
            Answer::Words(changes) => {
                ok(phase, keys::SOURCE_DIRTY, FactValue::Flag(!changes.is_empty()), "git status --porcelain")
            }
            Answer::Refused(_) => {
                missing(phase, keys::SOURCE_DIRTY, FactStatus::Unknown, "git status refused to answer")
            }
            Answer::Failed(why) => missing(phase, keys::SOURCE_DIRTY, FactStatus::Unknown, why),
        };
        vec![
            words(phase, keys::SOURCE_COMMIT, commit, is_commit, &absent("no commit yet")),
            dirty,
            words(phase, keys::SOURCE_BRANCH, branch, is_name, &absent("detached head: no branch")),
            words(phase, keys::SOURCE_DESCRIBE, describe, is_name, &absent("no tag describes the commit")),
            words(phase, keys::SOURCE_COMMIT_TIME, time, is_time, &absent("no commit yet")),
        ]
    }
}

/// The fact of an answer in words, which must pass `valid`; a refusal means what `refused` says.
fn words(
    phase: Phase,
    key: &'static str,
    answer: Answer,
    valid: fn(&str) -> bool,
    refused: &(FactStatus, String),
) -> Fact {
    match answer {
        Answer::Words(words) if valid(&words) => ok(phase, key, FactValue::Text(words), "git"),
        Answer::Words(_) => missing(phase, key, FactStatus::Unknown, "git gave an answer that is not known"),
        Answer::Refused(_) => missing(phase, key, refused.0, &refused.1),
        Answer::Failed(why) => missing(phase, key, FactStatus::Unknown, why),
    }
}

/// 40 hexadecimal digits, or 64 in a repository with SHA-256.
fn is_commit(words: &str) -> bool {
    matches!(words.len(), 40 | 64) && words.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_name(words: &str) -> bool {
    !words.is_empty() && words.len() <= 255 && !words.chars().any(char::is_control)
}

/// `2026-11-05T19:37:00-06:00`: digits and the signs of RFC 3339.
fn is_time(words: &str) -> bool {
    (20..=25).contains(&words.len())
        && words.bytes().all(|byte| byte.is_ascii_digit() || b"-+:TZ".contains(&byte))
}

fn ok(phase: Phase, key: &str, value: FactValue, source: &str) -> Fact {
    Fact {
        key: key.to_owned(),
        value: Some(value),
        unit: String::new(),
        status: FactStatus::Ok,
        source: source.to_owned(),
        phase,
    }
}

fn missing(phase: Phase, key: &str, status: FactStatus, source: &str) -> Fact {
    Fact { key: key.to_owned(), value: None, unit: String::new(), status, source: source.to_owned(), phase }
}

fn all(phase: Phase, status: FactStatus, source: &str) -> Vec<Fact> {
    SOURCE_KEYS.iter().map(|key| missing(phase, key, status, source)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{RecordedRunner, SystemRunner};

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn recorded() -> RecordedRunner {
        RecordedRunner::new()
            .with("git rev-parse --is-inside-work-tree", 0, "true\n")
            .with("git rev-parse --verify --quiet HEAD^{commit}", 0, &format!("{COMMIT}\n"))
            .with("git status --porcelain", 0, "")
            .with("git symbolic-ref --quiet --short HEAD", 0, "main\n")
            .with("git describe --tags HEAD", 0, "v1.2.0-3-g0123456\n")
            .with(
                "git -c log.showSignature=false show --no-patch --format=%cI HEAD",
                0,
                "2026-11-05T19:37:00-06:00\n",
            )
    }

    /// Status and text of the five facts in their order.
    fn shown(runner: &dyn ProcessRunner) -> Vec<(FactStatus, Option<String>)> {
        let facts = capture(Path::new("."), "git", runner, Phase::Start);
        let keys: Vec<&str> = facts.iter().map(|fact| fact.key.as_str()).collect();
        assert_eq!(keys, SOURCE_KEYS);
        facts.iter().map(|fact| (fact.status, fact.known_text())).collect()
    }

    #[test]
    fn a_clean_tree_is_described() {
        let expected: Vec<_> = [COMMIT, "no", "main", "v1.2.0-3-g0123456", "2026-11-05T19:37:00-06:00"]
            .map(|words| (FactStatus::Ok, Some(words.to_owned())))
            .into();
        assert_eq!(shown(&recorded()), expected);
    }

    #[test]
    fn what_is_missing_says_why() {
        let refusal = |stderr: &str| ProcessOutput {
            code: Some(128),
            stderr: stderr.into(),
            ..ProcessOutput::default()
        };
        let check =
            |line: &str, output: ProcessOutput, place: usize, expected: FactStatus, known: Option<&str>| {
                let facts = shown(&recorded().with_output(line, output));
                assert_eq!(facts[place], (expected, known.map(str::to_owned)), "{line}");
            };
        let first = "git rev-parse --is-inside-work-tree";
        check(first, refusal("fatal: not a git repository"), 1, FactStatus::NotApplicable, None);
        check(first, refusal("fatal: detected dubious ownership in"), 0, FactStatus::Denied, None);
        check(first, refusal("fatal: something else"), 4, FactStatus::Unknown, None);
        check("git symbolic-ref --quiet --short HEAD", refusal(""), 2, FactStatus::NotApplicable, None);
        check("git describe --tags HEAD", refusal("No names found"), 3, FactStatus::NotApplicable, None);
        check("git status --porcelain", refusal("broken"), 1, FactStatus::Unknown, None);
        let changed =
            ProcessOutput { code: Some(0), stdout: b" M src/lib.rs\n".to_vec(), ..ProcessOutput::default() };
        check("git status --porcelain", changed.clone(), 1, FactStatus::Ok, Some("yes"));
        check("git rev-parse --verify --quiet HEAD^{commit}", changed, 0, FactStatus::Unknown, None);
    }

    #[test]
    fn without_git_everything_is_unknown() {
        let facts = shown(&RecordedRunner::new());
        assert!(facts.iter().all(|(status, text)| *status == FactStatus::Unknown && text.is_none()));
    }

    #[test]
    fn a_folder_outside_any_repository_is_not_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let facts = capture(folder.path(), "git", &SystemRunner, Phase::Start);
        assert_eq!(facts.len(), SOURCE_KEYS.len());
        assert!(facts.iter().all(|fact| !fact.status.is_known()), "{facts:?}");
    }
}
