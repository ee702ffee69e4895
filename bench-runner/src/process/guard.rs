//! A guard between us and a bench: no bench outlives the runner, however the runner dies.
//!
//! The runner starts *itself* as guard in a process group of its own and holds the writing end of the guard's
//! standard input. The guard starts the bench in the same group and waits. When that pipe ends, because the runner
//! closed it or was killed, the guard kills the whole group; when the guard dies, the runner does. The guard only
//! blocks: it costs the measurement nothing. A bench that leaves its group on purpose (`setsid`) escapes.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ExitCode, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::drain::{Drain, Keep};
use super::system::{command, kill_group, own_group, signal};
use super::usage::{Sums, Usage};
use super::{ProcessError, ProcessRequest};

/// First argument that turns the executable into a guard: `bench-runner __guard -- PROGRAM ARGS…`.
pub const GUARD_WORD: &str = "__guard";
/// Argument before a list of processors, as `0,2`, to which the program is bound.
const PROCESSORS: &str = "--processors";
/// How long the end of the output is awaited after the bench ended and its group was killed.
const GRACE: Duration = Duration::from_millis(500);
/// Exit code of a guard that could not start its program, as shells use it.
const CANNOT_START: u8 = 127;

/// Ends a guarded program at once; clones share it.
#[derive(Debug, Clone)]
pub struct Killer {
    group: Arc<Mutex<Option<u32>>>,
}

impl Killer {
    /// Kills the bench, its guard and its descendants; does nothing once they ended.
    pub fn kill(&self) {
        if let Some(group) = *self.lock() {
            kill_group(group);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<u32>> {
        self.group.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a guarded program ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Signal that ended it, on Unix.
    pub signal: Option<i32>,
    /// Wall-clock time from start to end.
    pub elapsed: Duration,
    /// Whether it left processes behind in its group; they were killed.
    pub left_processes: bool,
    /// What it used, its guard included; `None` where the system does not tell.
    pub usage: Option<Usage>,
}

/// A program running behind its guard.
#[derive(Debug)]
pub struct Guarded {
    child: Child,
    lifeline: Option<ChildStdin>,
    killer: Killer,
    started: Instant,
    name: String,
    /// The last part of standard output.
    pub stdout: Option<Drain>,
    /// The last part of standard error.
    pub stderr: Option<Drain>,
}

impl Guarded {
    /// Starts `request` behind a guard and keeps the last part of its output, as long as `output_limit` says.
    ///
    /// `guard` is the executable whose `main` calls [`guard_main`]. The time limit of the request does not apply.
    /// `on_output` is called, on another thread, whenever output arrived.
    ///
    /// # Errors
    /// When the guard cannot be started. A program that the guard cannot start ends with code 127.
    pub fn start(
        guard: &Path,
        request: &ProcessRequest,
        on_output: impl Fn() + Clone + Send + 'static,
    ) -> Result<Self, ProcessError> {
        let name = request.name();
        let keep = Keep::Last(request.output_limit);
        let request = behind(guard, request);
        let mut command = command(&request);
        command.stdin(std::process::Stdio::piped());
        own_group(&mut command);
        let started = Instant::now();
        let mut child = command.spawn().map_err(|source| ProcessError::starting(&request, source))?;
        let lifeline = child.stdin.take();
        let stdout = child.stdout.take().map(|pipe| Drain::observed(pipe, keep, on_output.clone()));
        let stderr = child.stderr.take().map(|pipe| Drain::observed(pipe, keep, on_output));
        let killer = Killer { group: Arc::new(Mutex::new(Some(child.id()))) };
        Ok(Self { child, lifeline, killer, started, name, stdout, stderr })
    }

    /// The means to end it from another thread.
    #[must_use]
    pub fn killer(&self) -> Killer {
        self.killer.clone()
    }

    /// Process number of the guard, which is also the number of the group.
    #[must_use]
    pub fn group(&self) -> u32 {
        self.child.id()
    }

    /// Blocks until the program ended, then ends what it left behind in its group.
    ///
    /// # Errors
    /// When the system does not let us wait for our own child.
    pub fn wait(&mut self) -> Result<Ended, ProcessError> {
        let watch = |source| ProcessError::Watch { program: self.name.clone(), source };
        block_until_ended(&self.child).map_err(watch)?;
        let elapsed = self.started.elapsed();
        // From here on the number may be given to another process: nobody may kill by it any more.
        let group = self.killer.lock().take();
        // The end was awaited above: this only collects it, so that no other child can slip in between.
        let sums = Sums::now();
        let status = self.child.wait().map_err(watch)?;
        let usage = sums.until_now();
        let left_processes = group.is_some_and(group_exists);
        if let (true, Some(group)) = (left_processes, group) {
            kill_group(group);
        }
        drop(self.lifeline.take());
        Ok(Ended { code: status.code(), signal: signal(status), elapsed, left_processes, usage })
    }

    /// The last part of standard output and of standard error, as text; call it after [`Self::wait`].
    ///
    /// A descendant that left the group may hold the pipes open: then it is not waited for.
    #[must_use]
    pub fn tails(&self) -> (String, String) {
        let text = |drain: &Option<Drain>| {
            let Some(drain) = drain else { return String::new() };
            let _ended: bool = drain.wait(GRACE);
            String::from_utf8_lossy(&drain.take().0).into_owned()
        };
        (text(&self.stdout), text(&self.stderr))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.killer.kill();
        // Fails only when it was waited for already.
        self.child.wait().ok();
    }
}

/// The request that starts the guard, which starts `request`.
#[cfg(unix)]
fn behind(guard: &Path, request: &ProcessRequest) -> ProcessRequest {
    let mut args = vec![OsString::from(GUARD_WORD)];
    if !request.processors.is_empty() {
        let list: Vec<String> = request.processors.iter().map(ToString::to_string).collect();
        args.extend([OsString::from(PROCESSORS), OsString::from(list.join(","))]);
    }
    args.extend([OsString::from("--"), request.program.clone()]);
    args.extend(request.args.iter().cloned());
    ProcessRequest { program: guard.into(), args, ..request.clone() }
}

/// Without process groups the program is started directly and may outlive us. Never run on those systems.
#[cfg(not(unix))]
fn behind(_guard: &Path, request: &ProcessRequest) -> ProcessRequest {
    request.clone()
}

/// Waits for the end of `child` but leaves it unreaped, so that its number stays its own.
#[cfg(unix)]
fn block_until_ended(child: &Child) -> io::Result<()> {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::other("the process number is out of range"))?;
    loop {
        match waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// There is nothing to keep unreaped here.
#[cfg(not(unix))]
fn block_until_ended(_child: &Child) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn group_exists(group: u32) -> bool {
    let leader = i32::try_from(group).ok().and_then(rustix::process::Pid::from_raw);
    leader.is_some_and(|leader| rustix::process::test_kill_process_group(leader).is_ok())
}

#[cfg(not(unix))]
fn group_exists(_group: u32) -> bool {
    false
}

/// The whole life of a guard; `args` is what follows [`GUARD_WORD`] on the command line.
///
/// Ends with the exit code of the program, or dies of the signal that ended the program.
#[must_use]
pub fn guard_main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args = args.into_iter().peekable();
    if args.next_if(|arg| arg == PROCESSORS).is_some() {
        let list = args.next().unwrap_or_default();
        // Before the program starts, which inherits it; the guard itself only waits.
        if let Err(reason) = bind(&list.to_string_lossy()) {
            return refuse(&reason);
        }
    }
    let mut args = args.skip_while(|arg| arg == "--");
    let Some(program) = args.next() else {
        return refuse("no program was given");
    };
    let request = ProcessRequest::new(program).args(args);
    let mut command = command(&request);
    command.stdout(std::process::Stdio::inherit()).stderr(std::process::Stdio::inherit());
    if !leads_group() {
        return refuse("it must lead a process group; it is started by bench-runner, not by hand");
    }
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return refuse(&format!("cannot start {}: {error}", request.name())),
    };
    thread::spawn(|| {
        wait_for_end(&mut io::stdin().lock());
        kill_group(std::process::id());
    });
    match child.wait() {
        Ok(status) => pass_on(status),
        Err(error) => refuse(&format!("lost track of {}: {error}", request.name())),
    }
}

/// Binds this process and what it starts to the processors of a list such as `0,2`.
#[cfg(target_os = "linux")]
fn bind(list: &str) -> Result<(), String> {
    use rustix::thread::{CpuSet, sched_setaffinity};
    let mut set = CpuSet::new();
    for word in list.split(',') {
        match word.parse::<usize>() {
            Ok(number) if number < CpuSet::MAX_CPU => set.set(number),
            _ => return Err(format!("`{word}` is not the number of a processor")),
        }
    }
    sched_setaffinity(None, &set).map_err(|error| format!("cannot bind to the processors {list}: {error}"))
}

/// Only Linux lets a process be bound.
#[cfg(not(target_os = "linux"))]
fn bind(list: &str) -> Result<(), String> {
    Err(format!("cannot bind to the processors {list}: this system does not allow it"))
}

fn refuse(reason: &str) -> ExitCode {
    // Nobody is left to tell when standard error is closed.
    writeln!(io::stderr(), "bench-runner guard: {reason}").ok();
    ExitCode::from(CANNOT_START)
}

/// Reads until the other side is gone; what it says does not matter.
fn wait_for_end(lifeline: &mut dyn Read) {
    let mut byte = [0];
    loop {
        match lifeline.read(&mut byte) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

#[cfg(unix)]
fn leads_group() -> bool {
    rustix::process::getpgrp() == rustix::process::getpid()
}

#[cfg(not(unix))]
fn leads_group() -> bool {
    true
}

/// Ends the way `status` says: by code, or by the same signal so that the runner can tell them apart.
fn pass_on(status: ExitStatus) -> ExitCode {
    if let Some(number) = signal(status) {
        raise(number);
        return ExitCode::from(u8::try_from(128 + number).unwrap_or(u8::MAX));
    }
    ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
}

#[cfg(unix)]
fn raise(number: i32) {
    use rustix::process::{Resource, Rlimit, Signal, getpid, kill_process, setrlimit};
    // One core file per crash is enough: the bench left its own.
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).ok();
    // The first SIGSEGV or SIGBUS only removes the handler that Rust installs against stack overflows.
    for _attempt in 0..2 {
        if let Some(signal) = Signal::from_named_raw(number) {
            kill_process(getpid(), signal).ok();
        }
    }
    // Where another thread takes the signal, dying takes a moment.
    thread::sleep(Duration::from_millis(50));
}

#[cfg(not(unix))]
fn raise(_number: i32) {}
