//! The compiler and cargo, as they answer in the folder of the suite.
//!
//! Reads versions only; flags and profile belong to the build and are captured where cargo is called.

use super::World;
use super::program::ask_patiently;
use super::sheet::{Outcome, Sheet, text};
use crate::model::fact::keys;

/// Writes the `toolchain.*` facts.
pub(super) fn collect(world: &World<'_>, sheet: &mut Sheet) {
    match ask_patiently(world, world.rustc, &["-vV"]) {
        Ok(output) => rustc(&output, sheet),
        Err(reason) => {
            for key in
                [keys::TOOLCHAIN_RUSTC, keys::TOOLCHAIN_COMMIT, keys::TOOLCHAIN_LLVM, keys::TOOLCHAIN_HOST]
            {
                sheet.put(key, Outcome::unknown(reason.clone()));
            }
        }
    }
    let cargo = match ask_patiently(world, world.cargo, &["-V"]) {
        Ok(output) => line_with(&output, "cargo ").map_or_else(
            || Outcome::unknown("`cargo -V`: no version line"),
            |rest| Outcome::ok(text(format!("cargo {rest}")), "`cargo -V`"),
        ),
        Err(reason) => Outcome::unknown(reason),
    };
    sheet.put(keys::TOOLCHAIN_CARGO, cargo);
}

fn rustc(output: &str, sheet: &mut Sheet) {
    let found = |prefix: &str, shown: &str| {
        line_with(output, prefix).map_or_else(
            || Outcome::unknown(format!("`rustc -vV`: no line `{}`", prefix.trim())),
            |rest| Outcome::ok(text(format!("{shown}{rest}")), "`rustc -vV`"),
        )
    };
    sheet.put(keys::TOOLCHAIN_RUSTC, found("rustc ", "rustc "));
    let commit = match line_with(output, "commit-hash: ") {
        // A compiler that somebody built from an archive has none.
        Some("unknown") => Outcome::not_applicable("`rustc -vV`: built without its repository"),
        _ => found("commit-hash: ", ""),
    };
    sheet.put(keys::TOOLCHAIN_COMMIT, commit);
    sheet.put(keys::TOOLCHAIN_LLVM, found("LLVM version: ", ""));
    sheet.put(keys::TOOLCHAIN_HOST, found("host: ", ""));
}

/// What follows `prefix` on the first line that starts with it.
fn line_with<'a>(output: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = output.lines().find_map(|line| line.strip_prefix(prefix))?.trim();
    (!rest.is_empty() && rest.len() <= 200).then_some(rest)
}
