//! The outer shape of an untrusted file: size, encoding, nesting and number of values, checked before anything is built.
//!
//! It knows JSON's punctuation and nothing of what a file means.

use std::io::Read;
use std::path::Path;

use serde::de::DeserializeOwned;

use super::foreign::ForeignError;
use crate::files::{self, FilesError};

/// Largest file that is read, in bytes.
pub(super) const MAX_BYTES: u64 = 256 << 20;
/// Deepest nesting of objects and arrays; real files have five to seven levels.
pub(super) const MAX_DEPTH: usize = 64;
/// Most values in all arrays and objects of a file.
const MAX_VALUES: usize = 20_000_000;

/// Reads a file of at most [`MAX_BYTES`]; a longer one is refused by its length.
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, ForeignError> {
    let fail = |source| FilesError::Read { path: path.to_owned(), source };
    let metadata = std::fs::metadata(path).map_err(fail)?;
    if metadata.is_file() && metadata.len() > MAX_BYTES {
        return Err(ForeignError::TooLarge { bytes: Some(metadata.len()) });
    }
    match files::read(path, MAX_BYTES) {
        Err(FilesError::TooLarge { .. }) => Err(ForeignError::TooLarge { bytes: None }),
        other => Ok(other?),
    }
}

/// Reads a stream of at most [`MAX_BYTES`]; nothing beyond that is read.
pub(super) fn read_stream(stream: impl Read) -> Result<Vec<u8>, ForeignError> {
    let mut content = Vec::new();
    stream.take(MAX_BYTES + 1).read_to_end(&mut content).map_err(|source| ForeignError::Stream { source })?;
    if content.len() as u64 > MAX_BYTES { Err(ForeignError::TooLarge { bytes: None }) } else { Ok(content) }
}

/// Returns the content as text without a byte order mark.
pub(super) fn text(content: &[u8]) -> Result<&str, ForeignError> {
    let text = std::str::from_utf8(content).map_err(|error| {
        let before = content.get(..error.valid_up_to()).unwrap_or_default();
        ForeignError::Encoding { line: line_of(before) }
    })?;
    Ok(text.trim_start_matches('\u{feff}'))
}

/// Number of the line that follows `before`, from 1.
fn line_of(before: &[u8]) -> usize {
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// Parses JSON of at most [`MAX_DEPTH`] levels, [`MAX_VALUES`] values and `objects` objects.
pub(super) fn json<T: DeserializeOwned>(
    text: &str,
    format: &'static str,
    objects: usize,
) -> Result<T, ForeignError> {
    check_shape(text.as_bytes(), objects)?;
    serde_json::from_str(text).map_err(|source| ForeignError::Malformed { format, source })
}

/// Walks over JSON once: brackets and commas outside of strings are counted, nothing is built.
fn check_shape(bytes: &[u8], objects: usize) -> Result<(), ForeignError> {
    let (mut depth, mut values, mut found) = (0_usize, 0_usize, 0_usize);
    let mut place = bytes.iter().enumerate();
    while let Some((at, byte)) = place.next() {
        match byte {
            b'"' => {
                while let Some((_, inner)) = place.next() {
                    match inner {
                        b'"' => break,
                        b'\\' => _ = place.next(),
                        _ => {}
                    }
                }
            }
            b'{' | b'[' => {
                depth += 1;
                values += 1;
                found += usize::from(*byte == b'{');
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
        let limit = |what, limit| {
            let line = line_of(bytes.get(..at).unwrap_or_default());
            Err(ForeignError::Limit { place: format!("line {line}"), what, limit })
        };
        if depth > MAX_DEPTH {
            return limit("levels of nesting", MAX_DEPTH);
        }
        if values > MAX_VALUES {
            return limit("values", MAX_VALUES);
        }
        if found > objects {
            return limit("objects", objects);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let error = check_shape(text.as_bytes(), 3).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), expected, "{}", text.get(..40).unwrap_or(text));
    }

    #[test]
    fn nesting_and_counts_are_limited_and_strings_are_skipped() {
        check(&format!("{}{}", "[".repeat(64), "]".repeat(64)), None);
        check(&"[".repeat(65), Some("line 1 has more than the limit of 64 levels of nesting"));
        check(
            &format!("\n\n{}", "[".repeat(1_000_000)),
            Some("line 3 has more than the limit of 64 levels of nesting"),
        );
        check(&format!("\"{}\\\"{}\"", "[".repeat(99), "{".repeat(99)), None);
        check("{}{}{}", None);
        check("{}{}\n{}{}", Some("line 2 has more than the limit of 3 objects"));
        check("\"never closed [[[[ \\", None);
    }

    #[test]
    fn encodings_other_than_utf_8_are_refused_with_their_line() {
        assert_eq!(text(b"\xef\xbb\xbfa").unwrap(), "a");
        let error = text(b"a\nb\n\xff").unwrap_err();
        assert!(matches!(error, ForeignError::Encoding { line: 3 }), "{error}");
    }

    #[test]
    fn a_file_beyond_the_limit_is_refused_by_its_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge.json");
        // Sparse: the file has a length and no content.
        std::fs::File::create(&path).unwrap().set_len(1 << 30).unwrap();
        let error = read_file(&path).unwrap_err();
        assert!(
            matches!(error, ForeignError::TooLarge { bytes: Some(bytes) } if bytes == 1 << 30),
            "{error}"
        );
        let error = read_stream(std::io::repeat(b'[')).unwrap_err();
        assert!(matches!(error, ForeignError::TooLarge { bytes: None }), "{error}");
    }
}
