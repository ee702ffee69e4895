//! Tables of a view as aligned Markdown and as HTML in a scrolling box.
//!
//! Layout alone: the cells arrive as finished texts.

use crate::report::format::append;
use minijinja::value::Value;
use minijinja::{Error, ErrorKind};
use unicode_width::UnicodeWidthStr;

use crate::report::escape;

/// A table as templates hand it over: heads with their kind, rows of texts with their tone.
struct Parts {
    caption: String,
    heads: Vec<(String, Kind)>,
    rows: Vec<Vec<(String, String)>>,
    note: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Code,
}

fn text(value: &Value, name: &str) -> Result<String, Error> {
    let found = value.get_attr(name)?;
    found.as_str().map(str::to_owned).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidOperation,
            format!("`table` was given something without a text `{name}`"),
        )
    })
}

fn parts(table: &Value) -> Result<Parts, Error> {
    let heads = table.get_attr("columns")?.try_iter()?.map(|column| {
        let kind = match text(&column, "kind")?.as_str() {
            "number" => Kind::Number,
            "code" => Kind::Code,
            _ => Kind::Text,
        };
        Ok((text(&column, "title")?, kind))
    });
    let heads = heads.collect::<Result<Vec<_>, Error>>()?;
    let rows = table
        .get_attr("rows")?
        .try_iter()?
        .map(|row| row.try_iter()?.map(|cell| Ok((text(&cell, "text")?, text(&cell, "tone")?))).collect());
    let rows = rows.collect::<Result<Vec<Vec<_>>, Error>>()?;
    Ok(Parts { caption: text(table, "caption")?, heads, rows, note: text(table, "note")? })
}

/// Writes `table` as a Markdown table whose columns line up in plain text.
pub(super) fn markdown(table: &Value) -> Result<String, Error> {
    let parts = parts(table)?;
    let mut grid =
        vec![parts.heads.iter().map(|(title, _)| escape::markdown(title, false)).collect::<Vec<_>>()];
    for row in &parts.rows {
        let cells = row.iter().zip(&parts.heads).map(|((text, _), (_, kind))| match kind {
            Kind::Code => escape::markdown_code(text, true),
            Kind::Text | Kind::Number => super::rich_markdown(text, true),
        });
        grid.push(cells.collect());
    }
    let widths: Vec<usize> = (0..parts.heads.len())
        .map(|column| {
            grid.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0)
        })
        .map(|width| width.clamp(3, 80))
        .collect();
    let mut out = String::new();
    for (place, row) in grid.iter().enumerate() {
        for ((cell, width), (_, kind)) in row.iter().zip(&widths).zip(&parts.heads) {
            let pad = " ".repeat(width.saturating_sub(cell.width()));
            let padded = if *kind == Kind::Number { format!("{pad}{cell}") } else { format!("{cell}{pad}") };
            out.push_str("| ");
            out.push_str(&padded);
            out.push(' ');
        }
        out.push_str("|\n");
        if place == 0 {
            for (width, (_, kind)) in widths.iter().zip(&parts.heads) {
                let dashes = "-".repeat(*width + 1);
                let rule = if *kind == Kind::Number { format!("|{dashes}:") } else { format!("|{dashes}-") };
                out.push_str(&rule);
            }
            out.push_str("|\n");
        }
    }
    if !parts.note.is_empty() {
        out.push('\n');
        out.push_str(&super::rich_markdown(&parts.note, false));
        out.push('\n');
    }
    Ok(out)
}

/// Writes `table` as HTML in a box that scrolls by itself and can be reached by keyboard.
///
/// End tags that HTML lets one omit are omitted: a page of a hundred benchmarks has thousands of cells.
pub(super) fn html(table: &Value) -> Result<String, Error> {
    let parts = parts(table)?;
    let caption = escape::html(&parts.caption);
    let numbers = parts.heads.iter().all(|(_, kind)| *kind == Kind::Number);
    let mut out = format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\"><table{}><thead><tr>",
        if numbers { " class=\"numbers\"" } else { "" }
    );
    for (title, kind) in &parts.heads {
        let right = *kind == Kind::Number && !numbers;
        out.push_str(if right { "<th scope=\"col\" class=\"n\">" } else { "<th scope=\"col\">" });
        out.push_str(&escape::html(title));
    }
    out.push_str("<tbody>\n");
    for row in &parts.rows {
        out.push_str("<tr>");
        for ((text, tone), (_, kind)) in row.iter().zip(&parts.heads) {
            cell(&mut out, (text, tone), *kind, numbers);
        }
        out.push('\n');
    }
    out.push_str("</table></div>");
    if !parts.note.is_empty() {
        append(&mut out, format_args!("<p class=\"note\">{}</p>", super::rich_html(&parts.note)));
    }
    Ok(out)
}

fn cell(out: &mut String, (text, tone): (&str, &str), kind: Kind, numbers: bool) {
    let right = if kind == Kind::Number && !numbers { "n" } else { "" };
    match (right, tone) {
        ("", "") => out.push_str("<td>"),
        (one, "") | ("", one) => append(out, format_args!("<td class=\"{one}\">")),
        (one, two) => append(out, format_args!("<td class=\"{one} {two}\">")),
    }
    match kind {
        Kind::Code if !text.is_empty() => append(out, format_args!("<code>{}</code>", escape::html(text))),
        Kind::Code => {}
        Kind::Text | Kind::Number => out.push_str(&super::rich_html(text)),
    }
}
