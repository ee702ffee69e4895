//! One table, three plain forms: terminal text that fits the width, Markdown, and comma-separated values.
//!
//! The cells are finished strings; what they say was decided elsewhere.

use unicode_width::UnicodeWidthStr;

/// Columns below which wrapping makes a cell unreadable.
const NARROWEST: usize = 20;

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
    /// names them. When that is not enough, the widest column of words breaks its cells at spaces.
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
        let widths = self.fitted_widths(&shown, width);
        let mut text = self.line(&shown, &widths, |column| self.columns[column].title.to_owned());
        for row in &self.rows {
            let cells: Vec<Vec<String>> = shown
                .iter()
                .zip(&widths)
                .map(|(&column, &width)| wrapped(&printable(&row[column]), width))
                .collect();
            for depth in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
                let mut lines = cells.iter().map(|lines| lines.get(depth).cloned().unwrap_or_default());
                text.push_str(&self.line(&shown, &widths, |_| lines.next().unwrap_or_default()));
            }
        }
        if !dropped.is_empty() {
            dropped.reverse();
            for line in wrapped(&format!("(narrow terminal: without {})", dropped.join(", ")), width) {
                text.push_str(&line);
                text.push('\n');
            }
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

    /// Widths of the shown columns; the widest column of words gives up what the line has too much.
    fn fitted_widths(&self, shown: &[usize], width: usize) -> Vec<usize> {
        let mut widths: Vec<usize> = shown.iter().map(|&column| self.column_width(column)).collect();
        let excess = self.total_width(shown).saturating_sub(width);
        let of_words = (0..shown.len()).filter(|&place| self.columns[shown[place]].align == Align::Left);
        if let Some(widest) = of_words.max_by_key(|&place| widths[place]) {
            widths[widest] = widths[widest].saturating_sub(excess).max(NARROWEST.min(widths[widest]));
        }
        widths
    }

    fn line(&self, shown: &[usize], widths: &[usize], mut cell: impl FnMut(usize) -> String) -> String {
        let mut line = String::new();
        for (place, &column) in shown.iter().enumerate() {
            let content = cell(column);
            let padding = " ".repeat(widths[place].saturating_sub(content.width()));
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

/// Breaks a cell at spaces into lines of at most `width` columns; a longer word stays whole, so that it can be copied.
pub(crate) fn wrapped(cell: &str, width: usize) -> Vec<String> {
    if cell.width() <= width {
        return vec![cell.to_owned()];
    }
    let mut lines = vec![String::new()];
    for word in cell.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn rule(align: Align) -> String {
    match align {
        Align::Left => "---".to_owned(),
        Align::Right => "---:".to_owned(),
    }
}

/// Control characters of a hostile name must not reach the terminal.
pub(crate) fn printable(cell: &str) -> String {
    let inert = |c: char| {
        c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    cell.chars().map(|c| if inert(c) { '\u{fffd}' } else { c }).collect()
}

pub(crate) fn escape_markdown(cell: &str) -> String {
    let mut escaped = String::new();
    for c in printable(cell).chars() {
        if matches!(c, '|' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// One field of comma-separated values, quoted where it has to be (RFC 4180).
pub(crate) fn quote_csv(cell: &str) -> String {
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
        assert!(text.ends_with("(narrow terminal:\nwithout remark)\n"), "{text}");
        assert!(!text.contains("comma"));
    }

    #[test]
    fn long_cells_break_at_spaces_when_nothing_can_be_left_out() {
        let mut table = table();
        table.columns[2].drop_order = 0;
        table.rows.truncate(1);
        table.rows[0][2] = "words without end and averyveryverylongwordinbetween too".to_owned();
        assert_eq!(
            table.text(36),
            "name  value  remark\n\
             a|b     1.5  words without end and\n             averyveryverylongwordinbetween\n             too\n"
        );
    }

    #[test]
    fn markdown_and_csv_escape() {
        assert!(table().markdown().contains("| a\\|b | 1.5 | with, comma |"));
        assert!(table().csv().ends_with("\u{1b}[31mred,12.5,\"said \"\"so\"\"\"\n"));
    }
}
