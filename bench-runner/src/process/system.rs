//! Real programs of this machine.
//!
//! Each program gets a process group of its own, so that a time limit ends its descendants too.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use super::{Cancel, Drain, Keep, ProcessError, ProcessOutput, ProcessRequest, ProcessRunner};

/// How long the end of the output is awaited after a program ended.
const GRACE: Duration = Duration::from_millis(500);
/// Longest line handed on by [`stream`]; compiler messages with a rendered macro expansion can be long.
const LINE_LIMIT: u64 = 16 << 20;

/// Starts programs of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRunner;

impl ProcessRunner for SystemRunner {
    fn run(&self, request: &ProcessRequest) -> Result<ProcessOutput, ProcessError> {
        let mut child = spawn(request)?;
        let keep = Keep::First(request.output_limit);
        let stdout = child.stdout.take().map(|pipe| Drain::start(pipe, keep));
        let stderr = child.stderr.take().map(|pipe| Drain::start(pipe, keep));
        let deadline = Instant::now() + request.timeout;
        for drain in [&stdout, &stderr].into_iter().flatten() {
            // The answer does not matter here: the status below decides.
            let _ended: bool = drain.wait(deadline.saturating_duration_since(Instant::now()));
        }
        let status = wait(&mut child, deadline).map_err(|source| watching(request, source))?;
        let Some(status) = status else {
            kill(&mut child);
            let seconds = request.timeout.as_secs();
            return Err(ProcessError::TimedOut { program: request.name(), seconds });
        };
        let (stdout, stdout_total) = stdout.map(|drain| drain.take()).unwrap_or_default();
        let (stderr, stderr_total) = stderr.map(|drain| drain.take()).unwrap_or_default();
        let truncated = stdout_total.max(stderr_total) > request.output_limit as u64;
        Ok(ProcessOutput { code: status.code(), signal: signal(status), stdout, stderr, truncated })
    }
}

/// Runs a program and hands on its output line by line while it runs: `sink(is_error, line)`.
///
/// Made for long builds: the request's time limit and output limit do not apply, the handle `cancel` does.
///
/// # Errors
/// When the program cannot be started or was cancelled.
pub fn stream(
    request: &ProcessRequest,
    cancel: &Cancel,
    sink: &mut dyn FnMut(bool, &str),
) -> Result<ProcessOutput, ProcessError> {
    let mut child = spawn(request)?;
    let id = child.id();
    let hook = cancel.on_cancel(move || kill_group(id));
    let (sender, lines) = channel();
    if let Some(pipe) = child.stdout.take() {
        let sender = sender.clone();
        thread::spawn(move || each_line(pipe, &mut |line| sender.send((false, line)).is_ok()));
    }
    if let Some(pipe) = child.stderr.take() {
        thread::spawn(move || each_line(pipe, &mut |line| sender.send((true, line)).is_ok()));
    }
    for (is_error, line) in lines {
        sink(is_error, &line);
    }
    // The hook must be gone before the child is reaped: afterwards its number may belong to someone else.
    let cancelled = cancel.is_cancelled();
    drop(hook);
    if cancelled {
        kill(&mut child);
        return Err(ProcessError::Cancelled { program: request.name() });
    }
    let status = child.wait().map_err(|source| watching(request, source))?;
    Ok(ProcessOutput { code: status.code(), signal: signal(status), ..ProcessOutput::default() })
}

fn each_line(pipe: impl Read, sink: &mut dyn FnMut(String) -> bool) {
    let mut reader = BufReader::new(pipe);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.by_ref().take(LINE_LIMIT).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                if !sink(text.trim_end_matches(['\n', '\r']).to_owned()) {
                    return;
                }
            }
        }
    }
}

/// Builds the command with closed input and piped output; the caller may change that before starting it.
#[expect(clippy::disallowed_methods, reason = "this module is the one place that starts programs")]
pub(super) fn command(request: &ProcessRequest) -> Command {
    let mut command = Command::new(&request.program);
    command.args(&request.args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(directory) = &request.directory {
        command.current_dir(directory);
    }
    for (name, value) in &request.environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

fn spawn(request: &ProcessRequest) -> Result<Child, ProcessError> {
    let mut command = command(request);
    own_group(&mut command);
    command.spawn().map_err(|source| ProcessError::starting(request, source))
}

/// Waits for the end of `child` until `deadline`.
///
/// Its output has ended already in all but odd cases, so that the short sleeps are rarely reached.
fn wait(child: &mut Child, deadline: Instant) -> std::io::Result<Option<ExitStatus>> {
    let latest = deadline.max(Instant::now() + GRACE.min(Duration::from_millis(50)));
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= latest {
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn kill(child: &mut Child) {
    kill_group(child.id());
    // Both fail only when the child is gone already, which is what is wanted.
    child.kill().ok();
    child.wait().ok();
}

fn watching(request: &ProcessRequest, source: std::io::Error) -> ProcessError {
    ProcessError::Watch { program: request.name(), source }
}

/// Makes the child the leader of a new process group: signals of the terminal do not reach it, ours do.
#[cfg(unix)]
pub(super) fn own_group(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

/// Process groups are a Unix notion; elsewhere only the child itself can be ended. Never run on those systems.
#[cfg(not(unix))]
pub(super) fn own_group(_command: &mut Command) {}

/// Kills the process group led by the process `id`; a group that is gone is fine.
#[cfg(unix)]
pub(super) fn kill_group(id: u32) {
    let leader = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(leader) = leader {
        rustix::process::kill_process_group(leader, rustix::process::Signal::KILL).ok();
    }
}

/// Does nothing: see [`own_group`].
#[cfg(not(unix))]
pub(super) fn kill_group(_id: u32) {}

/// The signal that ended a program.
#[cfg(unix)]
pub(super) fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

/// There are no signals here.
#[cfg(not(unix))]
pub(super) fn signal(_status: ExitStatus) -> Option<i32> {
    None
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn shell(script: &str) -> ProcessRequest {
        ProcessRequest::new("sh").args(["-c", script])
    }

    fn check(script: &str, code: Option<i32>, signal: Option<i32>, stdout: &str, stderr: &str) {
        let output = SystemRunner.run(&shell(script)).unwrap();
        assert_eq!((output.code, output.signal), (code, signal), "{script}");
        assert_eq!(
            (output.stdout_text().as_str(), output.stderr_text().as_str()),
            (stdout, stderr),
            "{script}"
        );
    }

    #[test]
    fn status_and_output_are_told_apart() {
        check("echo out; echo err >&2", Some(0), None, "out\n", "err\n");
        check("exit 7", Some(7), None, "", "");
        check("kill -9 $$", None, Some(9), "", "");
    }

    #[test]
    fn environment_directory_and_limit_are_obeyed() {
        let directory = tempfile::tempdir().unwrap();
        let request = shell("printf '%s' \"$WORD\"; pwd").env("WORD", "set").directory(directory.path());
        let text = SystemRunner.run(&request).unwrap().stdout_text();
        assert!(text.starts_with("set/"), "{text}");
        let limited = SystemRunner.run(&shell("yes | head -c 100000").output_limit(10)).unwrap();
        assert_eq!((limited.stdout.len(), limited.truncated), (10, true));
    }

    #[test]
    fn time_limit_ends_the_descendants_too() {
        let request = shell("sleep 300 & sleep 300").timeout(Duration::from_millis(200));
        let error = SystemRunner.run(&request).unwrap_err();
        assert!(matches!(error, ProcessError::TimedOut { .. }), "{error}");
    }

    #[test]
    fn missing_program_is_named() {
        let error = SystemRunner.run(&ProcessRequest::new("no-such-program-here")).unwrap_err();
        assert_eq!(error.to_string(), "cannot find the program `no-such-program-here`");
        let nowhere = shell("true").directory("/no/such/folder");
        assert!(matches!(SystemRunner.run(&nowhere).unwrap_err(), ProcessError::Start { .. }));
    }

    #[test]
    fn stream_hands_on_lines_and_obeys_cancel() {
        let mut lines = Vec::new();
        let request = shell("echo one; echo two >&2; exit 3");
        let output =
            stream(&request, &Cancel::new(), &mut |is_error, line| lines.push((is_error, line.to_owned())));
        lines.sort();
        assert_eq!(output.unwrap().code, Some(3));
        assert_eq!(lines, [(false, "one".to_owned()), (true, "two".to_owned())]);
        let cancel = Cancel::new();
        let puller = cancel.clone();
        let error = stream(&shell("echo go; sleep 300"), &cancel, &mut |_, _| puller.cancel()).unwrap_err();
        assert!(matches!(error, ProcessError::Cancelled { .. }), "{error}");
    }
}
