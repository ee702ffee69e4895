//! A sheet for a terminal: titles, wrapped sentences, tables whose last columns go on below their rows until the rest fits.
//!
//! Layout alone; no row and no column is dropped.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::escape::visible;
use super::view::sheet::Sheet;
use super::view::table::{Kind, Table};
use super::view::words::unmarked;

/// What begins a line that goes on with the cells of the row above it.
const BELOW: &str = "    ";
/// Columns of a table that always stay.
const STAY: usize = 2;

/// Writes `sheet` for a terminal of `width` columns.
pub(super) fn text(sheet: &Sheet, width: usize) -> String {
    let mut out = String::new();
    wrap(&mut out, "", &sheet.line, width);
    for note in &sheet.notes {
        wrap(&mut out, "", note, width);
    }
    for section in &sheet.sections {
        _ = writeln!(out, "\n{}\n", clean(&section.title));
        for paragraph in &section.paragraphs {
            wrap(&mut out, "", paragraph, width);
        }
        if !section.table.rows.is_empty() {
            table(&mut out, &section.table, width);
        }
        for line in &section.lines {
            wrap(&mut out, "- ", line, width);
        }
    }
    _ = writeln!(out, "\n{}", clean(&sheet.command));
    out
}

fn clean(text: &str) -> String {
    visible(&unmarked(text).replace('`', ""), false)
}

fn wrap(out: &mut String, bullet: &str, text: &str, width: usize) {
    let mut line = bullet.to_owned();
    for word in clean(text).split_whitespace() {
        if line.width() > bullet.len() && line.width() + 1 + word.width() > width {
            _ = writeln!(out, "{line}");
            line = " ".repeat(bullet.len());
        }
        if !(line.is_empty() || line.ends_with(' ')) {
            line.push(' ');
        }
        line.push_str(word);
    }
    _ = writeln!(out, "{}", line.trim_end());
}

fn table(out: &mut String, table: &Table, width: usize) {
    let heads: Vec<String> = table.columns.iter().map(|column| clean(&column.title)).collect();
    let rows: Vec<Vec<String>> =
        table.rows.iter().map(|row| row.iter().map(|cell| clean(&cell.text)).collect()).collect();
    let widths: Vec<usize> = heads
        .iter()
        .enumerate()
        .map(|(column, head)| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.width())
                .fold(head.width(), usize::max)
        })
        .collect();
    let mut shown = widths.len();
    while shown > STAY && widths[..shown].iter().sum::<usize>() + 2 * (shown - 1) > width {
        shown -= 1;
    }
    for (number, row) in std::iter::once(&heads).chain(&rows).enumerate() {
        let mut line = String::new();
        for (place, cell) in row.iter().take(shown).enumerate() {
            let pad = " ".repeat(widths[place] - cell.width());
            let right = table.columns[place].kind == Kind::Number;
            let gap = if place > 0 { "  " } else { "" };
            _ = if right { write!(line, "{gap}{pad}{cell}") } else { write!(line, "{gap}{cell}{pad}") };
        }
        _ = writeln!(out, "{}", line.trim_end());
        // What the line has no room for goes on below it, with the words of its heads.
        let rest = row.iter().zip(&heads).skip(shown).filter(|(cell, _)| number > 0 && !cell.is_empty());
        let rest: Vec<String> = rest.map(|(cell, head)| format!("{head} {cell}")).collect();
        if !rest.is_empty() {
            wrap(out, BELOW, &rest.join("; "), width);
        }
    }
    if !table.note.is_empty() {
        wrap(out, "", &table.note, width);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::view::sheet::Section;

    #[test]
    fn what_a_row_has_no_room_for_goes_on_below_it() {
        let mut table =
            Table::new("t", &[("name", Kind::Code), ("size", Kind::Number), ("long", Kind::Text)]);
        table.push(["a".to_owned(), "+10.0 %".to_owned(), "x ".repeat(30)]);
        table.push(["bb".to_owned(), "-1.0 %".to_owned(), String::new()]);
        let sheet = Sheet {
            kicker: String::new(),
            title: "t".to_owned(),
            line: "one two three four five six seven eight nine ten".to_owned(),
            notes: Vec::new(),
            sections: vec![Section::new("s", "Title", table)],
            command: "bench-runner trend".to_owned(),
        };
        let narrow = text(&sheet, 40);
        assert!(narrow.lines().all(|line| line.width() <= 40), "{narrow}");
        assert!(narrow.contains("a     +10.0 %\n    long x x x "), "{narrow}");
        assert!(narrow.contains("x\nbb     -1.0 %\n") && narrow.matches("long").count() == 1, "{narrow}");
        assert!(text(&sheet, 120).contains(&"x ".repeat(29)));
    }
}
