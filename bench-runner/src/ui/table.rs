//! One table, three plain forms: terminal text that fits the width, Markdown, and comma-separated values.
//!
//! The cells are finished strings; what they say was decided elsewhere.

use unicode_width::UnicodeWidthStr;

/// How a column is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// One column.
#[derive(Debug, Clone)]
pub struct Column {
    /// Heading, also the CSV field name.
    pub title: &'static str,
    /// Alignment.
    pub align: Align,
    /// Columns with the highest number leave first when the terminal is narrow; 0 stays.
    pub drop_order: u8,
}

/// A table of finished strings.
#[derive(Debug, Clone)]
pub struct Table {
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, each with one cell a column.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// Text for a terminal of `width` columns; the least important columns leave until it fits, and a last line
    /// names them.
    #[must_use]
    pub fn text(&self, width: usize) -> String {
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        let mut dropped = Vec::new();
        while self.total_width(&shown) > width {
            let candidate = shown.iter().copied().filter(|&column| self.columns[column].drop_order > 0);
            let Some(least) = candidate.max_by_key(|&column| self.columns[column].drop_order) else { break };
            shown.retain(|&column| column != least);
            dropped.push(self.columns[least].title);
        }
        let mut text = self.line(&shown, |column| self.columns[column].title.to_owned());
        for row in &self.rows {
            text.push_str(&self.line(&shown, |column| printable(&row[column])));
        }
        if !dropped.is_empty() {
            dropped.reverse();
            text.push_str(&format_args!("(narrow terminal: without {})\n", dropped.join(", ")).to_string());
        }
        text
    }

    /// A Markdown table.
    #[must_use]
    pub fn markdown(&self) -> String {
        let join = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut text = join(self.columns.iter().map(|column| column.title.to_owned()).collect());
        text.push_str(&join(self.columns.iter().map(|column| rule(column.align)).collect()));
        for row in &self.rows {
            text.push_str(&join(row.iter().map(|cell| escape_markdown(cell)).collect()));
        }
        text
    }

    /// RFC 4180 comma-separated values with a header.
    #[must_use]
    pub fn csv(&self) -> String {
        let join = |cells: Vec<String>| format!("{}\n", cells.join(","));
        let mut text = join(self.columns.iter().map(|column| quote_csv(column.title)).collect());
        for row in &self.rows {
            text.push_str(&join(row.iter().map(|cell| quote_csv(cell)).collect()));
        }
        text
    }

    fn column_width(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|row| printable(&row[column]).width());
        cells.chain([self.columns[column].title.width()]).max().unwrap_or(0)
    }

    fn total_width(&self, shown: &[usize]) -> usize {
        shown.iter().map(|&column| self.column_width(column)).sum::<usize>()
            + 2 * shown.len().saturating_sub(1)
    }

    fn line(&self, shown: &[usize], cell: impl Fn(usize) -> String) -> String {
        let mut line = String::new();
        for (place, &column) in shown.iter().enumerate() {
            let content = cell(column);
            let padding = " ".repeat(self.column_width(column).saturating_sub(content.width()));
            let gap = if place == 0 { "" } else { "  " };
            line.push_str(gap);
            match self.columns[column].align {
                Align::Left => line.push_str(&format_args!("{content}{padding}").to_string()),
                Align::Right => line.push_str(&format_args!("{padding}{content}").to_string()),
            }
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }
}

fn rule(align: Align) -> String {
    match align {
        Align::Left => "---".to_owned(),
        Align::Right => "---:".to_owned(),
    }
}

/// Control characters of a hostile name must not reach the terminal.
fn printable(cell: &str) -> String {
    let inert = |c: char| {
        c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    cell.chars().map(|c| if inert(c) { '\u{fffd}' } else { c }).collect()
}

fn escape_markdown(cell: &str) -> String {
    let mut escaped = String::new();
    for c in printable(cell).chars() {
        if matches!(c, '|' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

fn quote_csv(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let column = |title, align, drop_order| Column { title, align, drop_order };
        Table {
            columns: vec![
                column("name", Align::Left, 0),
                column("value", Align::Right, 0),
                column("remark", Align::Left, 1),
            ],
            rows: vec![
                vec!["a|b".to_owned(), "1.5".to_owned(), "with, comma".to_owned()],
                vec!["\u{1b}[31mred".to_owned(), "12.5".to_owned(), "said \"so\"".to_owned()],
            ],
        }
    }

    #[test]
    fn text_aligns_and_is_inert() {
        assert_eq!(
            table().text(80),
            "name      value  remark\na|b         1.5  with, comma\n\u{fffd}[31mred   12.5  said \"so\"\n"
        );
    }

    #[test]
    fn narrow_text_says_what_it_leaves_out() {
        let text = table().text(20);
        assert!(text.ends_with("(narrow terminal: without remark)\n"), "{text}");
        assert!(!text.contains("comma"));
    }

    #[test]
    fn markdown_and_csv_escape() {
        assert!(table().markdown().contains("| a\\|b | 1.5 | with, comma |"));
        assert!(table().csv().ends_with("\u{1b}[31mred,12.5,\"said \"\"so\"\"\"\n"));
    }
}
