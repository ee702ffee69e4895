//! Instructions of one benchmark, counted by Valgrind's callgrind on an unmodified Criterion bench.
//!
//! Only what runs inside of Criterion's `iter` is counted, so set-up of `iter_batched` is, and the first call's laziness too.
//! It says nothing about time: no cache, no latency, no vector width. Counts are a tripwire, never a verdict.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::build::BenchExecutable;
use crate::process::guard::Guarded;
use crate::process::{Cancel, ProcessError, ProcessRequest, ProcessRunner};

/// The program.
const VALGRIND: &str = "valgrind";
/// Functions whose instructions are counted: Criterion's `Bencher::iter` and its kin.
const TOGGLE: &str = "--toggle-collect=*criterion*bencher*Bencher*iter*";
/// Longest header of a callgrind file that is read.
const MOST_HEADER: usize = 64 * 1024;
/// Most files of one count: the bench and short-lived children.
const MOST_FILES: usize = 64;
/// Bytes of what the bench says that are kept.
const TAIL: usize = 16 * 1024;

/// Why nothing was counted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstructionsError {
    /// Valgrind is not there or does not answer.
    #[error("instructions are counted by `valgrind`, which cannot be run")]
    NoValgrind(#[source] Option<ProcessError>),
    /// Something that was started could not be watched.
    #[error("cannot count instructions")]
    Process(#[from] ProcessError),
    /// The bench failed under Valgrind.
    #[error("`{id}` ended with {code} under valgrind: {words}")]
    Failed {
        /// Which benchmark.
        id: String,
        /// How it ended.
        code: String,
        /// The last line that it said.
        words: String,
    },
    /// Nothing was counted.
    #[error("valgrind counted no instruction of `{id}`")]
    Nothing {
        /// Which benchmark.
        id: String,
    },
    /// A file could not be read or written.
    #[error("cannot use `{}` for counting", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl InstructionsError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoValgrind(_) => Some(
                "install Valgrind with its callgrind tool (package `valgrind`); time needs none".to_owned(),
            ),
            Self::Failed { .. } => Some(
                "Valgrind must know every instruction that the bench uses; build without `target-cpu=native`"
                    .to_owned(),
            ),
            Self::Nothing { .. } => Some("the bench needs its symbols: build without `strip`".to_owned()),
            Self::Process(_) | Self::File { .. } => None,
        }
    }
}

/// Which version of Valgrind there is.
///
/// # Errors
/// [`InstructionsError::NoValgrind`].
pub fn version(runner: &dyn ProcessRunner) -> Result<String, InstructionsError> {
    let request = ProcessRequest::new(VALGRIND).arg("--version").timeout(Duration::from_secs(20));
    let output = runner.run(&request).map_err(|error| InstructionsError::NoValgrind(Some(error)))?;
    if output.success() {
        Ok(output.stdout_text().trim().to_owned())
    } else {
        Err(InstructionsError::NoValgrind(None))
    }
}

/// What to count.
#[derive(Debug, Clone, Copy)]
pub struct CountRequest<'a> {
    /// Executable whose `main` serves as guard: bench-runner itself.
    pub guard: &'a Path,
    /// The bench.
    pub bench: &'a BenchExecutable,
    /// Criterion's full id.
    pub full_id: &'a str,
    /// Folder for short-lived files; it must exist.
    pub scratch: &'a Path,
}

/// Counts the instructions of one call of a benchmark, in a process of its own.
///
/// # Errors
/// [`InstructionsError`]; also when it was cancelled.
pub fn count(request: CountRequest<'_>, cancel: &Cancel) -> Result<u64, InstructionsError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| InstructionsError::File { path, source }
    };
    let folder = tempfile::Builder::new()
        .prefix("callgrind-")
        .tempdir_in(request.scratch)
        .map_err(at(request.scratch))?;
    let out = folder.path().join("out.%p");
    let mut asked = ProcessRequest::new(VALGRIND)
        .args(["--tool=callgrind", "--collect-atstart=no", TOGGLE])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(&request.bench.path)
        .args(["--bench", "--test", "--exact", request.full_id])
        .directory(&request.bench.directory)
        .output_limit(TAIL)
        .env("CRITERION_HOME", folder.path())
        .env_remove("CARGO_CRITERION_PORT");
    for (name, value) in &request.bench.environment {
        asked = asked.env(name, value);
    }
    let mut guarded = Guarded::start(request.guard, &asked, || {})?;
    let killer = guarded.killer();
    let hook = cancel.on_cancel(move || killer.kill());
    let ended = guarded.wait()?;
    drop(hook);
    if ended.code != Some(0) {
        let code = ended.code.map_or_else(|| "a signal".to_owned(), |code| format!("code {code}"));
        let words = guarded.tails().1.lines().last().unwrap_or_default().to_owned();
        return Err(InstructionsError::Failed { id: request.full_id.to_owned(), code, words });
    }
    let mut counted = 0;
    for entry in std::fs::read_dir(folder.path()).map_err(at(folder.path()))?.take(MOST_FILES) {
        let path = entry.map_err(at(folder.path()))?.path();
        if path.is_file() {
            // Children that Criterion starts to look for a plotter run nothing of the bench: theirs is 0.
            counted = counted.max(summary(&header(&path).map_err(at(&path))?).unwrap_or(0));
        }
    }
    if counted == 0 {
        return Err(InstructionsError::Nothing { id: request.full_id.to_owned() });
    }
    Ok(counted)
}

/// The beginning of a file.
fn header(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MOST_HEADER as u64).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Instructions that a callgrind file sums up to.
///
/// # Edge cases
/// `None` when it has no summary, or counts something else first than instructions (`Ir`).
///
/// # Reference
/// The callgrind format, `summary:` and `events:` lines; the first event is the first number.
#[must_use]
pub fn summary(text: &str) -> Option<u64> {
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    if value("events:")?.split_whitespace().next()? != "Ir" {
        return None;
    }
    value("summary:")?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::RecordedRunner;

    /// The header of a file that callgrind 3.19.0 wrote about a kms bench, its command left out.
    const RECORDED: &str = "# callgrind format\nversion: 1\ncreator: callgrind-3.19.0\npid: 22882\npart: 1\n\n\n\
        desc: I1 cache: \ndesc: Timerange: Basic block 0 - 219627\ndesc: Trigger: Program termination\n\n\
        positions: line\nevents: Ir\nsummary: 226959\n\n\nob=(3) /usr/lib/libc.so.6\nfn=(1068) __memset\n167 4\n";

    #[test]
    fn the_summary_is_read() {
        let check = |text: &str, expected| assert_eq!(summary(text), expected, "{text}");
        check(RECORDED, Some(226_959));
        check("events: Ir Dr\nsummary: 12 7\n", Some(12));
        check("events: Dr Ir\nsummary: 12 7\n", None);
        check("events: Ir\n", None);
        check("events: Ir\nsummary: many\n", None);
        check("", None);
    }

    #[test]
    fn without_valgrind_it_is_said_what_to_do() {
        let error = version(&RecordedRunner::new()).unwrap_err();
        assert!(
            matches!(error, InstructionsError::NoValgrind(_)) && error.hint().unwrap().contains("install")
        );
        let runner = RecordedRunner::new().with("valgrind --version", 0, "valgrind-3.19.0\n");
        assert_eq!(version(&runner).unwrap(), "valgrind-3.19.0");
        let broken = RecordedRunner::new().with("valgrind --version", 1, "");
        assert!(version(&broken).is_err());
    }
}
