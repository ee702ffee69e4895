//! The processor that code is made for: `target-cpu` of the flags in effect, as the compiler resolves it.
//!
//! `native` means another processor on the next machine, and no flag means the target's default, so that both are looked
//! up in `rustc --print target-cpus`. What that does not tell is unknown; nothing is guessed.

use std::ffi::OsStr;
use std::path::Path;

use super::flags::Flags;
use crate::model::fact::{Fact, FactStatus, FactValue, Phase, keys};
use crate::process::{ProcessRequest, ProcessRunner};

/// How `rustc --print target-cpus` marks the processor that it runs on.
const NATIVE: &str = "native";
/// How it marks the one that it makes code for when nobody asks for another.
const DEFAULT: &str = "default target CPU for the current build target";

/// States [`keys::BUILD_TARGET_CPU`] for code built with `flags` by `rustc` in the folder `root`.
///
/// # Edge cases
/// Total: a compiler that cannot be asked, an unknown form of answer, several targets or a value that is no name give
/// `unknown`, with the reason.
#[must_use]
pub fn fact(flags: &Flags, rustc: &OsStr, root: &Path, runner: &dyn ProcessRunner) -> Fact {
    let asked = asked(&flags.effective());
    let found = match asked.as_deref() {
        Some(name) if name != NATIVE => match is_name(name) {
            true => Ok((name.to_owned(), "target-cpu in the flags in effect")),
            false => Err("target-cpu in the flags in effect is no name of a processor"),
        },
        _ => list(flags, rustc, root, runner).and_then(|listing| {
            if asked.is_some() {
                let name = native(&listing).ok_or("rustc --print target-cpus does not say what native is")?;
                Ok((name, "target-cpu=native, resolved by rustc --print target-cpus"))
            } else {
                let name = default(&listing).ok_or("rustc --print target-cpus names no default")?;
                Ok((name, "the target's default, by rustc --print target-cpus"))
            }
        }),
    };
    let (value, status, source) = match found {
        Ok((name, source)) => (Some(FactValue::Text(name)), FactStatus::Ok, source),
        Err(why) => (None, FactStatus::Unknown, why),
    };
    Fact {
        key: keys::BUILD_TARGET_CPU.to_owned(),
        value,
        unit: String::new(),
        status,
        source: source.to_owned(),
        phase: Phase::Start,
    }
}

/// The last `target-cpu` among the flags, which is the one that counts.
fn asked(flags: &[String]) -> Option<String> {
    let mut words = flags.iter().map(String::as_str);
    let mut found = None;
    while let Some(word) = words.next() {
        let option = match word {
            "-C" | "--codegen" => words.next(),
            _ => word.strip_prefix("-C").or_else(|| word.strip_prefix("--codegen=")),
        };
        let setting = option.and_then(|option| option.split_once('='));
        if let Some(("target-cpu" | "target_cpu", name)) = setting {
            found = Some(name.to_owned());
        }
    }
    found
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}

/// The compiler's list of processors.
fn list(
    flags: &Flags,
    rustc: &OsStr,
    root: &Path,
    runner: &dyn ProcessRunner,
) -> Result<String, &'static str> {
    let mut asking = ProcessRequest::new(rustc).args(["--print", "target-cpus"]).directory(root);
    match flags.targets.as_slice() {
        [] => {}
        [target] => asking = asking.arg("--target").arg(target),
        _ => return Err("there are several targets"),
    }
    match runner.run(&asking) {
        Ok(answer) if answer.success() => Ok(answer.stdout_text()),
        _ => Err("rustc --print target-cpus could not be asked"),
    }
}

/// `    native  - Select the CPU of the current host (currently znver4).`
fn native(listing: &str) -> Option<String> {
    let mut lines = listing.lines().map(str::trim_start);
    let line = lines.find(|line| line.split_whitespace().next() == Some(NATIVE))?;
    let (_, rest) = line.split_once("(currently ")?;
    let (name, _) = rest.split_once(')')?;
    is_name(name).then(|| name.to_owned())
}

/// `    x86-64  - This is the default target CPU for the current build target (currently x86_64-unknown-linux-gnu).`
fn default(listing: &str) -> Option<String> {
    let line = listing.lines().find(|line| line.contains(DEFAULT))?;
    line.split_whitespace().next().filter(|name| is_name(name)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::RecordedRunner;

    const LISTING: &str = "Available CPUs for this target:
    native                  - Select the CPU of the current host (currently znver4).
    alderlake
    x86-64                  - This is the default target CPU for the current build target (currently x86_64-unknown-linux-gnu).
    x86-64-v2
";

    fn stated(flags: &[&str], targets: &[&str], listing: Option<&str>) -> (FactStatus, Option<String>) {
        let own = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let flags = Flags { configured: own(flags), targets: own(targets), ..Flags::default() };
        let runner = RecordedRunner::new();
        let runner = match (listing, targets) {
            (None, _) => runner.with("rustc --print target-cpus", 1, ""),
            (Some(listing), []) => runner.with("rustc --print target-cpus", 0, listing),
            (Some(listing), _) => {
                runner.with(&format!("rustc --print target-cpus --target {}", targets[0]), 0, listing)
            }
        };
        let found = fact(&flags, OsStr::new("rustc"), Path::new("."), &runner);
        assert!(!found.source.is_empty() && found.value.is_some() == (found.status == FactStatus::Ok));
        (found.status, found.known_text())
    }

    #[test]
    fn the_last_flag_counts_and_the_compiler_resolves_the_rest() {
        let check = |flags: &[&str], expected: &str| {
            assert_eq!(
                stated(flags, &[], Some(LISTING)),
                (FactStatus::Ok, Some(expected.to_owned())),
                "{flags:?}"
            );
        };
        check(&[], "x86-64");
        check(&["--cfg=a", "-Copt-level=3"], "x86-64");
        check(&["-Ctarget-cpu=native"], "znver4");
        check(&["-C", "target-cpu=native"], "znver4");
        check(&["--codegen=target-cpu=x86-64-v3"], "x86-64-v3");
        check(&["--codegen", "target_cpu=haswell"], "haswell");
        check(&["-Ctarget-cpu=native", "-Ctarget-cpu=x86-64-v2"], "x86-64-v2");
        check(&["-Ctarget-cpu=x86-64-v2", "-C", "target-cpu=native"], "znver4");
        assert_eq!(stated(&[], &["t"], Some(LISTING)).1.as_deref(), Some("x86-64"));
    }

    #[test]
    fn what_the_compiler_does_not_say_is_unknown() {
        let check = |flags: &[&str], targets: &[&str], listing: Option<&str>| {
            assert_eq!(stated(flags, targets, listing), (FactStatus::Unknown, None), "{flags:?} {listing:?}");
        };
        check(&[], &[], None);
        check(&[], &[], Some(""));
        check(&[], &["one", "two"], Some(LISTING));
        check(&["-Ctarget-cpu=native"], &[], Some("    native - Select the CPU of the current host."));
        check(&["-Ctarget-cpu=native"], &[], Some("    native (currently /home/x)"));
        check(&["-Ctarget-cpu=/home/x"], &[], Some(LISTING));
        check(&["-Ctarget-cpu="], &[], Some(LISTING));
    }
}
