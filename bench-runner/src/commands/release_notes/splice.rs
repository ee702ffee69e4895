//! A note between two markers of a file; everything around them stays byte for byte.

use std::path::{Path, PathBuf};

use crate::error::CliError;
use crate::exit_code;
use crate::files::{self, Access};

/// Largest file that is spliced into, in bytes.
const MOST: u64 = 16 << 20;

/// Where a note belongs.
pub(super) struct Place {
    file: PathBuf,
    /// Text up to and with the line of the first marker.
    before: String,
    /// Text from the second marker on.
    after: String,
}

impl Place {
    /// Finds the markers of `tag`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is not UTF-8, or does not have each marker once, in order.
    pub(super) fn find(file: &Path, tag: &str) -> Result<Self, CliError> {
        let (begin, end) =
            (format!("<!-- bench-runner:{tag}:begin -->"), format!("<!-- bench-runner:{tag}:end -->"));
        let bytes = files::read(file, MOST)?;
        let text =
            String::from_utf8(bytes).map_err(|error| CliError::from_error(exit_code::USAGE, &error))?;
        let once = |marker: &str| {
            let mut places = text.match_indices(marker).map(|(place, _)| place);
            places.next().filter(|_| places.next().is_none())
        };
        match (once(&begin), once(&end)) {
            (Some(from), Some(to)) if from + begin.len() <= to => Ok(Self {
                file: file.to_owned(),
                before: text[..from + begin.len()].to_owned(),
                after: text[to..].to_owned(),
            }),
            _ => Err(CliError::new(
                exit_code::USAGE,
                format!("`{}` does not have both markers of {tag} once, in order", file.display()),
            )
            .hinted(Some(format!("put these two lines where the note belongs:\n{begin}\n{end}")))),
        }
    }

    /// Writes the file with `note` between the markers, its headings two levels deeper.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub(super) fn write(&self, note: &str) -> Result<(), CliError> {
        let text = format!("{}\n{}\n{}", self.before, deeper(note), self.after);
        Ok(files::write(&self.file, text.as_bytes(), Access::Default)?)
    }
}

/// Headings two levels deeper; lines within a fence stay.
fn deeper(note: &str) -> String {
    let mut fenced = false;
    let lines = note.trim_end().lines().map(|line| {
        fenced ^= line.starts_with("```");
        if line.starts_with('#') && !fenced { format!("##{line}\n") } else { format!("{line}\n") }
    });
    lines.collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_replaced_and_nothing_around_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("CHANGELOG.md");
        let text = "# Changes\r\n\n<!-- bench-runner:v2:begin -->old<!-- bench-runner:v2:end -->\nrest";
        std::fs::write(&file, text).unwrap();
        Place::find(&file, "v2").unwrap().write("# Title\n\n```text\n# code\n```\n").unwrap();
        let expected = "# Changes\r\n\n<!-- bench-runner:v2:begin -->\n### Title\n\n```text\n# code\n```\n\
                        <!-- bench-runner:v2:end -->\nrest";
        assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);
        Place::find(&file, "v2").unwrap().write("# Title\n\n```text\n# code\n```\n").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), expected, "twice is as once");
        assert!(Place::find(&file, "v3").is_err());
        std::fs::write(&file, "<!-- bench-runner:v2:end --><!-- bench-runner:v2:begin -->").unwrap();
        assert!(Place::find(&file, "v2").is_err());
    }
}
