//! One bench process from start to end, with a socket or without: what it said, how it ended.
//!
//! Draws no conclusion. Waiting is done by blocking threads: one waits for the end of the process, one sleeps until
//! the deadline, the calling thread talks.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::build::BenchExecutable;
use super::launch::{Event, LaunchError, Stop};
use super::overseer::Overseer;
use super::probe::VARIABLE;
use super::session::{Books, End, Session};
use super::socket::{Accepted, Connection, Listener};
use super::wire::Hello;
use crate::process::guard::{Ended, Guarded, Killer};
use crate::process::{Cancel, ProcessRequest};

/// Bytes kept of the end of each output stream.
const TAIL: usize = 16 << 10;

/// One process to start.
#[derive(Debug)]
pub(super) struct Attempt<'a> {
    pub(super) guard: &'a Path,
    pub(super) bench: &'a BenchExecutable,
    pub(super) args: Vec<OsString>,
    /// A fresh, empty folder for Criterion's files.
    pub(super) home: &'a Path,
    /// Whether to offer a socket.
    pub(super) socket: bool,
    /// How long the bench may be silent beyond what it announced.
    pub(super) patience: Duration,
    /// How long it may be silent while it did not connect.
    pub(super) allowance: Duration,
    /// Whether to ask what it is, with the probe's variable.
    pub(super) probe: bool,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Captured {
    pub(super) ended: Ended,
    /// Its greeting, when it connected.
    pub(super) hello: Option<Hello>,
    /// How the conversation ended, when there was one.
    pub(super) end: Option<End>,
    pub(super) books: Books,
    /// What was awaited in vain when it was killed.
    pub(super) hung: Option<String>,
    pub(super) held_open: bool,
    pub(super) cancelled: bool,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Runs the process to its end.
pub(super) fn capture(
    attempt: &Attempt<'_>,
    cancel: &Cancel,
    on_event: &mut dyn FnMut(Event) -> Result<(), Stop>,
) -> Result<Captured, LaunchError> {
    let listener = if attempt.socket {
        Some(Listener::open().map_err(|source| LaunchError::Listen { source })?)
    } else {
        None
    };
    let knock = listener.as_ref().map(Listener::address);
    let overseer = Arc::new(Overseer::new(knock, attempt.allowance));
    let seen = Arc::clone(&overseer);
    let request = request(attempt, knock.map(|address| address.port()));
    let mut guarded = Guarded::start(attempt.guard, &request, move || seen.output_seen())?;
    let killer = guarded.killer();
    let pulled = killer.clone();
    let hook = cancel.on_cancel(move || pulled.kill());
    let names = (attempt.bench.executable.package.as_str(), attempt.bench.executable.target.as_str());
    let books = Books::default();
    let mut session = Session { names, patience: attempt.patience, overseer: &overseer, on_event, books };
    let (ended, hello, end) = thread::scope(|scope| {
        // Kills and closes even when the receiver of events panics: the threads below must come to an end.
        let _ending = Ending { killer: &killer, overseer: &overseer };
        scope.spawn(|| overseer.watch(&killer));
        let waiter = scope.spawn(|| {
            let ended = guarded.wait();
            overseer.program_ended();
            ended
        });
        let (hello, end) =
            listener.as_ref().map(|listener| converse(listener, &mut session)).unwrap_or_default();
        if !matches!(end, None | Some(End::Closed)) || hello.is_some_and(|hello| !hello.is_supported()) {
            killer.kill();
        }
        let ended = waiter.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (ended, hello, end)
    });
    drop(hook);
    let books = session.books;
    let (stdout, stderr) = guarded.tails();
    let (hung, held_open) = (overseer.hung(), overseer.held_open());
    let cancelled = cancel.is_cancelled();
    Ok(Captured { ended: ended?, hello, end, books, hung, held_open, cancelled, stdout, stderr })
}

/// Environment, folder and arguments of the bench.
fn request(attempt: &Attempt<'_>, port: Option<u16>) -> ProcessRequest {
    let mut request = ProcessRequest::new(&attempt.bench.path)
        .args(attempt.args.iter().cloned())
        .directory(&attempt.bench.directory)
        .output_limit(TAIL)
        .processors(&attempt.bench.processors)
        .env("CRITERION_HOME", attempt.home);
    for (name, value) in &attempt.bench.environment {
        request = request.env(name, value);
    }
    request = if attempt.probe { request.env(VARIABLE, "1") } else { request.env_remove(VARIABLE) };
    match port {
        Some(port) => request.env("CARGO_CRITERION_PORT", port.to_string()),
        None => request.env_remove("CARGO_CRITERION_PORT"),
    }
}

/// Waits for the bench to connect, then follows what it says; strangers are sent away.
fn converse(listener: &Listener, session: &mut Session<'_>) -> (Option<Hello>, Option<End>) {
    loop {
        match listener.accept() {
            Ok(Accepted::Bench(mut connection)) => {
                let hello = connection.hello;
                return (Some(hello), Some(talk(&mut connection, session)));
            }
            Ok(Accepted::Unsupported(hello)) => return (Some(hello), None),
            Ok(Accepted::Stranger) | Err(_) if session.overseer.has_ended() => return (None, None),
            Ok(Accepted::Stranger) => {}
            // Out of handles, for example: a moment later there may be one again.
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn talk(connection: &mut Connection, session: &mut Session<'_>) -> End {
    match connection.handle() {
        Ok(handle) => session.overseer.connected(handle),
        Err(error) => return End::Failed(super::socket::SocketError::Broken(error)),
    }
    session.overseer.expect(session.patience, "nothing after the greeting");
    if let Err(stop) = (session.on_event)(Event::Connected { version: connection.hello.version_text() }) {
        return End::Stopped(stop);
    }
    session.follow(connection)
}

struct Ending<'a> {
    killer: &'a Killer,
    overseer: &'a Overseer,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.killer.kill();
        self.overseer.close();
    }
}
