//! A table with finished texts, printed alike by every format.
//!
//! Holds no numbers: what stands in a cell is what is read.

use serde::Serialize;

/// What a cell holds; decides alignment and typeface, never meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Words.
    Text,
    /// A number with its unit, right-aligned.
    Number,
    /// A name from outside or a digest, in the code face.
    Code,
}

/// A column head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Words of the head.
    pub title: String,
    /// What its cells hold.
    pub kind: Kind,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// The finished text.
    pub text: String,
    /// Class of the meaning (`regressed`, `warning` …), empty for most; never the only carrier of it.
    pub tone: &'static str,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    /// What the table shows; the accessible name of its scrolling box.
    pub caption: String,
    /// Heads.
    pub columns: Vec<Column>,
    /// Rows, each as long as `columns`.
    pub rows: Vec<Vec<Cell>>,
    /// A remark below the table; empty for none.
    pub note: String,
}

impl Table {
    /// Creates a table without rows.
    #[must_use]
    pub fn new(caption: impl Into<String>, columns: &[(&str, Kind)]) -> Self {
        let columns = columns.iter().map(|(title, kind)| Column { title: (*title).to_owned(), kind: *kind });
        Self { caption: caption.into(), columns: columns.collect(), rows: Vec::new(), note: String::new() }
    }

    /// Adds a row of plain cells.
    pub fn push<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into_iter().map(Cell::plain).collect());
    }

    /// Drops the columns in which every cell is empty.
    pub fn drop_empty_columns(&mut self) {
        let keep: Vec<bool> = (0..self.columns.len())
            .map(|column| {
                self.rows.iter().any(|row| row.get(column).is_some_and(|cell| !cell.text.is_empty()))
            })
            .collect();
        let mut flags = keep.iter();
        self.columns.retain(|_| *flags.next().unwrap_or(&true));
        for row in &mut self.rows {
            let mut flags = keep.iter();
            row.retain(|_| *flags.next().unwrap_or(&true));
        }
    }
}

impl Cell {
    /// A cell without a tone.
    #[must_use]
    pub fn plain(text: String) -> Self {
        Self { text, tone: "" }
    }

    /// A cell with a tone.
    #[must_use]
    pub fn toned(text: impl Into<String>, tone: &'static str) -> Self {
        Self { text: text.into(), tone }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_without_content_go() {
        let mut table = Table::new("t", &[("a", Kind::Text), ("b", Kind::Number), ("c", Kind::Text)]);
        table.push(["1".to_owned(), String::new(), "3".to_owned()]);
        table.push([String::new(), String::new(), "4".to_owned()]);
        table.drop_empty_columns();
        let heads: Vec<_> = table.columns.iter().map(|column| column.title.as_str()).collect();
        assert_eq!(heads, ["a", "c"]);
        assert_eq!(table.rows[0][1].text, "3");
    }
}
