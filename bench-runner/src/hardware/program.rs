//! Asking a program one question: its output, or the reason why there is none.
//!
//! Half a second per question, because a fact is never worth more; the compiler gets longer, since runs without its version
//! cannot be told apart, and a busy machine makes it slow.

use std::time::Duration;

use super::World;
use crate::process::{ProcessOutput, ProcessRequest};

/// Longest wait for one answer.
const TIMEOUT: Duration = Duration::from_millis(500);
/// The same for compiler and cargo.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs `program` in the world's folder and returns its standard output when it ends with 0.
///
/// The error is a fragment for the source of a fact; it holds the program's name and never its path.
pub(super) fn ask(world: &World<'_>, program: &str, args: &[&str]) -> Result<String, String> {
    succeeded(run(world, program, args, TIMEOUT)?, program, args)
}

/// Like [`ask`], but waits longer.
pub(super) fn ask_patiently(world: &World<'_>, program: &str, args: &[&str]) -> Result<String, String> {
    succeeded(run(world, program, args, PATIENCE)?, program, args)
}

fn succeeded(output: ProcessOutput, program: &str, args: &[&str]) -> Result<String, String> {
    if output.success() { Ok(output.stdout_text()) } else { Err(format!("`{}` failed", line(program, args))) }
}

/// Like [`ask`], but takes the output of a program that ended with an error, because `sysctl` answers the names
/// it knows and fails for the others.
pub(super) fn ask_partly(world: &World<'_>, program: &str, args: &[&str]) -> Result<String, String> {
    run(world, program, args, TIMEOUT).map(|output| output.stdout_text())
}

fn run(world: &World<'_>, program: &str, args: &[&str], patience: Duration) -> Result<ProcessOutput, String> {
    let request = ProcessRequest::new(program)
        .args(args)
        .env("LC_ALL", "C")
        .directory(world.folder)
        .timeout(patience)
        .output_limit(64 * 1024);
    world.runner.run(&request).map_err(|_| format!("`{}` could not be run", line(program, args)))
}

/// The program's file name and its first arguments.
fn line(program: &str, args: &[&str]) -> String {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    let mut words = vec![name];
    words.extend(args.iter().take(2));
    words.join(" ")
}
