//! Histories of other tools as comma-separated values: `suite,benchmark,unit,date_ms,value`.
//!
//! They are read to evaluate rules on them and are never stored: their machines are unknown.

use std::path::Path;

use crate::files::{self, FilesError};

/// Largest file that is read, in bytes.
pub const MAX_BYTES: u64 = 32 << 20;

/// Columns that the header must name; others are ignored.
const COLUMNS: [&str; 5] = ["suite", "benchmark", "unit", "date_ms", "value"];

/// One value of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryRow {
    /// What was measured together.
    pub suite: String,
    /// Name of the benchmark within it.
    pub benchmark: String,
    /// Unit as written; may be empty.
    pub unit: String,
    /// Time in milliseconds since 1970.
    pub date_ms: i64,
    /// The value.
    pub value: f64,
}

/// Why a history cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] FilesError),
    /// The file is not UTF-8.
    #[error("the history is not UTF-8 text")]
    Encoding {
        /// Where it stops being so.
        source: std::str::Utf8Error,
    },
    /// The first line lacks a column.
    #[error("the first line of the history does not name the column `{column}`")]
    Column {
        /// The missing column.
        column: &'static str,
    },
    /// A record cannot be understood.
    #[error("record {record} of the history: {reason}")]
    Record {
        /// Number of the record, the header being 1.
        record: usize,
        /// What is wrong.
        reason: &'static str,
    },
}

impl HistoryError {
    /// Returns what to do about it, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Encoding { .. } => Some("save the file as UTF-8".to_owned()),
            Self::Column { .. } | Self::Record { .. } => {
                Some(format!("a header `{}` and one value a line are expected", COLUMNS.join(",")))
            }
        }
    }
}

/// Reads a history.
///
/// # Errors
///
/// When the file is too large, no UTF-8, lacks a column, or a record has the wrong number of fields or no number where one
/// belongs. Values that are not finite are refused.
pub fn read(path: &Path) -> Result<Vec<HistoryRow>, HistoryError> {
    let content = files::read(path, MAX_BYTES)?;
    parse(std::str::from_utf8(&content).map_err(|source| HistoryError::Encoding { source })?)
}

/// Reads a history from text.
///
/// # Errors
///
/// As [`read`], without those of the file.
pub fn parse(text: &str) -> Result<Vec<HistoryRow>, HistoryError> {
    let mut rest = text.trim_start_matches('\u{feff}');
    let header = next_record(&mut rest, 1)?.unwrap_or_default();
    let mut places = [0; COLUMNS.len()];
    for (place, column) in places.iter_mut().zip(COLUMNS) {
        let found = header.iter().position(|name| name.trim() == column);
        *place = found.ok_or(HistoryError::Column { column })?;
    }
    let mut rows = Vec::new();
    let mut record = 2;
    while let Some(fields) = next_record(&mut rest, record)? {
        let fail = |reason| HistoryError::Record { record, reason };
        // An empty line at the end is no record.
        if fields.iter().any(|field| !field.is_empty()) {
            if fields.len() != header.len() {
                return Err(fail("it has another number of fields than the first line"));
            }
            let [suite, benchmark, unit, date_ms, value] = places.map(|place| fields[place].trim());
            let value: f64 = value.parse().map_err(|_| fail("the value is not a number"))?;
            if !value.is_finite() {
                return Err(fail("the value is not finite"));
            }
            rows.push(HistoryRow {
                suite: suite.to_owned(),
                benchmark: benchmark.to_owned(),
                unit: unit.to_owned(),
                date_ms: date_ms
                    .parse()
                    .map_err(|_| fail("the time is not a whole number of milliseconds"))?,
                value,
            });
        }
        record += 1;
    }
    Ok(rows)
}

/// Takes one RFC 4180 record off `rest`: fields by commas, quotes around what holds commas, quotes or line ends.
fn next_record(rest: &mut &str, record: usize) -> Result<Option<Vec<String>>, HistoryError> {
    if rest.is_empty() {
        return Ok(None);
    }
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = rest.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' if quoted && letters.next_if(|(_, next)| *next == '"').is_some() => field.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                *rest = &rest[at + 1..];
                return Ok(Some(finish(fields, field)));
            }
            other => field.push(other),
        }
    }
    if quoted {
        return Err(HistoryError::Record { record, reason: "a quote is not closed" });
    }
    *rest = "";
    Ok(Some(finish(fields, field)))
}

fn finish(mut fields: Vec<String>, last: String) -> Vec<String> {
    fields.push(last.trim_end_matches('\r').to_owned());
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_fields_other_orders_and_line_ends_are_read() {
        let rows = parse(
            "date_ms,unit,suite,benchmark,value,more\r\n5,ns,\"a, \"\"b\"\"\",x,1.5,?\r\n\r\n6,,a,y,2e3,\n",
        )
        .unwrap();
        let row = |suite: &str, benchmark: &str, unit: &str, date_ms, value| HistoryRow {
            suite: suite.to_owned(),
            benchmark: benchmark.to_owned(),
            unit: unit.to_owned(),
            date_ms,
            value,
        };
        assert_eq!(rows, [row("a, \"b\"", "x", "ns", 5, 1.5), row("a", "y", "", 6, 2000.0)]);
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let error = parse(text).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.hint().is_some());
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        let header = "suite,benchmark,unit,date_ms,value\n";
        check("", "column `suite`");
        check("suite,benchmark,unit,value\n", "column `date_ms`");
        check(&format!("{header}a,b,,1\n"), "record 2 of the history: it has another number of fields");
        check(&format!("{header}a,b,,1,2\na,b,,x,2\n"), "record 3 of the history: the time");
        check(&format!("{header}a,b,,1,inf\n"), "not finite");
        check(&format!("{header}a,b,,1,\"2\n"), "a quote is not closed");
    }
}
