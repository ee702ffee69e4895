//! A folder with a configuration, a store and a lock of its own, and the real executable run in it.
//!
//! Not a test itself. Suites are the fixture workspaces; their executables are shared with the tests of `criterion_*`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bench_runner::clock;
use bench_runner::exchange::summary;
use bench_runner::store::{OpenMode, Store};
use tempfile::TempDir;

/// Launches and windows as short as Criterion allows.
const CONFIG: &str = r#"store = "store.sqlite"
reports = "reports"
default_profile = "tiny"

[profiles.tiny]
set = "full"
launches = 1
warm_up_seconds = 0.01
measurement_seconds = 0.05
sample_size = 10
"#;

/// Variables that would make an answer depend on who runs the tests.
const CLEARED: [&str; 10] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_CRITERION_PORT",
    "CRITERION_HOME",
    "SCENARIO",
    "NO_COLOR",
    "CLICOLOR_FORCE",
    "TERM",
    "CI",
    "CARGO_BUILD_TARGET",
];

/// The executable under test.
pub(crate) fn executable() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_bench-runner"))
}

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The founding record.
pub(crate) fn founding() -> String {
    repository().join("data/founding/november-5.json").to_str().unwrap().to_owned()
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    words: String,
}

impl Answer {
    /// Checks the exit code; everything that was said is in the failure.
    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, Some(expected), "`{}`\n{}\n{}", self.words, self.out, self.err);
        self
    }

    /// Checks that an error says what failed, and what to do; each part must be there, in any order.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err.contains(part), "`{}` does not say {part:?}:\n{}", self.words, self.err);
        }
        self
    }

    /// Checks parts of the answer.
    #[track_caller]
    pub(crate) fn shows(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.out.contains(part), "`{}` does not show {part:?}:\n{}", self.words, self.out);
        }
        self
    }

    /// The answer as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("`{}`: {error}\n{}", self.words, self.out))
    }
}

/// A folder of its own.
pub(crate) struct World {
    folder: TempDir,
}

impl World {
    /// A world with the shortest profile and no store yet.
    pub(crate) fn new() -> Self {
        Self::configured("")
    }

    /// A world whose configuration has more lines.
    pub(crate) fn configured(more: &str) -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        world.configure(more);
        world
    }

    /// Writes the configuration anew, with more lines at its end.
    pub(crate) fn configure(&self, more: &str) {
        self.write("bench-runner.toml", &format!("{CONFIG}{more}"));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The executable with `words`, ready to be started in this world.
    #[expect(clippy::disallowed_methods, reason = "the program under test is started as a person starts it")]
    pub(crate) fn command(&self, words: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(executable());
        for name in CLEARED {
            command.env_remove(name);
        }
        command
            .args(words)
            .current_dir(self.folder.path())
            .env("BENCH_RUNNER_LOCK", self.path("measuring.lock"))
            .env("BENCH_RUNNER_KEYS", self.path("keys"))
            .env("COLUMNS", "80");
        command
    }

    /// Runs `words` and waits.
    pub(crate) fn answer(&self, words: &[&str]) -> Answer {
        self.finish(self.command(words), words)
    }

    /// Runs a prepared command and waits; a command that hangs by mistake is killed after a minute or two.
    pub(crate) fn finish(&self, command: std::process::Command, words: &[&str]) -> Answer {
        let mut command = assert_cmd::Command::from_std(command);
        let output = command.timeout(Duration::from_secs(300)).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Answer {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
            words: words.join(" "),
        }
    }

    /// `run` on the fixture suite, prepared.
    pub(crate) fn measuring(&self, words: &[&str]) -> std::process::Command {
        let suite = repository().join("bench-runner/tests/fixtures/suites/current/Cargo.toml");
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixture-suites/current");
        let mut command =
            self.command(&["run", "--config", "bench-runner.toml", "--locked", "--manifest-path"]);
        command.arg(suite).args(words).env("CARGO_TARGET_DIR", target);
        command
    }

    /// `run` on the fixture suite.
    pub(crate) fn measure(&self, words: &[&str]) -> Answer {
        self.finish(self.measuring(words), words)
    }

    /// `run` on the bench that misbehaves as `scenario` says.
    pub(crate) fn misbehave(&self, scenario: &str, words: &[&str]) -> Answer {
        let mut command = self.measuring(&["-p", "suite", "--bench", "faults", "--no-report"]);
        command.args(words).env("SCENARIO", scenario);
        self.finish(command, &[&[scenario], words].concat())
    }

    /// The store, opened for reading.
    pub(crate) fn store(&self) -> Store {
        Store::open(&self.path("store.sqlite"), OpenMode::ReadOnly, clock::now()).unwrap().0
    }

    /// Imports the founding record, and returns its id: a run that must survive whatever comes.
    pub(crate) fn with_history(&self) -> String {
        let answer = self.answer(&["import", "summary", &founding(), "--format", "json"]).code(0);
        answer.json()["run"].as_str().unwrap().to_owned()
    }

    /// The history again under two more ids, which begin alike.
    pub(crate) fn with_twins(&self) -> [&'static str; 2] {
        let ids = ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAW"];
        let mut record = summary::read(founding().as_ref()).unwrap().record;
        let mut store = Store::open(&self.path("store.sqlite"), OpenMode::ReadWrite, clock::now()).unwrap().0;
        for id in ids {
            record.run.id = id.parse().unwrap();
            store.import_run(&record).unwrap();
        }
        ids
    }

    /// Checks that the run `id` is there, whole.
    #[track_caller]
    pub(crate) fn keeps(&self, id: &str) {
        assert_eq!(self.store().verify(&id.parse().unwrap()).unwrap(), [""; 0]);
    }
}
