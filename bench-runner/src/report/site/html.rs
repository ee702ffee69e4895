//! Blocks as HTML. End tags that HTML lets one omit are omitted: pages have thousands of cells.

use std::fmt::Write as _;

use super::block::{Block, Cell, Chart, Document, Grid, Item, Tile};
use super::escape;
use crate::report::render::{rich_html, rich_html_into};
use crate::report::view::table::Kind;

/// The small facts below the title.
pub(super) fn chips(chips: &[(String, &'static str)]) -> String {
    let mut out = String::new();
    for (text, tone) in chips {
        _ = write!(out, "<li class=\"chip {tone}\">{}", rich_html(text));
    }
    if out.is_empty() { out } else { format!("<ul class=\"chips\">{out}</ul>") }
}

/// The list of sections.
pub(super) fn side(document: &Document) -> String {
    let mut out = String::new();
    for section in &document.sections {
        _ = write!(
            out,
            "<li><a href=\"#{}\">{}</a>",
            escape::html(&section.id),
            escape::html(&section.title)
        );
    }
    out
}

/// The last lines.
pub(super) fn footer(document: &Document) -> String {
    let mut out = String::new();
    if !document.command.is_empty() {
        _ = write!(out, "<p>The same on a terminal: <code>{}</code></p>", escape::html(&document.command));
    }
    for line in &document.footer {
        _ = write!(out, "<p>{}</p>", rich_html(line));
    }
    out
}

/// About as many bytes as blocks take, without writing them: tables and charts are nearly all of it.
pub(super) fn room(blocks: &[Block]) -> usize {
    const BLOCK: usize = 500;
    const POINT: usize = 12;
    let of = |block: &Block| match block {
        Block::Chart(chart) => chart.svg.len() + chart.at.len() * POINT + rows(&chart.grid),
        Block::Table(grid) | Block::Fold(_, grid) => rows(grid),
        Block::Code(text) | Block::Text(text) | Block::Quiet(text) => text.len(),
        _ => 0,
    };
    blocks.iter().map(|block| BLOCK + of(block)).sum()
}

/// About as many bytes as the cells of a table take: of a long one some rows stand for all.
fn rows(grid: &Grid) -> usize {
    const CELL: usize = 9;
    const KEY: usize = 18;
    const LINK: usize = 18;
    const LOOKED_AT: usize = 32;
    let every = (grid.rows.len() / LOOKED_AT).max(1);
    let of = |cell: &Cell| {
        let link = cell.link.as_ref().map_or(0, |link| LINK + link.len());
        let drawing = cell.drawing.as_ref().map_or(0, |(svg, _)| svg.len());
        CELL + cell.text.len() + cell.tone.len() + link + drawing + cell.key.map_or(0, |_| KEY)
    };
    let some: usize = grid.rows.iter().step_by(every).flatten().map(of).sum();
    some * grid.rows.len() / grid.rows.len().div_ceil(every).max(1)
}

/// Appends all sections to `out`.
pub(super) fn sections(mut out: String, document: &Document, up: &str) -> String {
    // A text that grows is copied again and again.
    out.reserve(document.sections.iter().map(|section| room(&section.blocks)).sum());
    let mut writer = Writer { out, up, tables: 0, command: &document.command, charted: false };
    for section in &document.sections {
        let (id, title) = (escape::html(&section.id), escape::html(&section.title));
        _ = writeln!(writer.out, "<section id=\"{id}\"><h2>{title}</h2>");
        let mut charts = false;
        for block in &section.blocks {
            // Charts that follow one another stand side by side where there is room.
            let chart = matches!(block, Block::Chart(_));
            if chart != charts {
                writer.out.push_str(if chart { "<div class=\"figures\">" } else { "</div>" });
                charts = chart;
            }
            writer.block(block);
            writer.out.push('\n');
        }
        writer.out.push_str(if charts { "</div></section>\n" } else { "</section>\n" });
    }
    writer.out
}

struct Writer<'a> {
    out: String,
    up: &'a str,
    tables: u32,
    command: &'a str,
    /// Whether the table is that of a chart: long, behind a fold, and written as short as possible.
    charted: bool,
}

impl Writer<'_> {
    fn block(&mut self, block: &Block) {
        match block {
            Block::Heading(text) => _ = write!(self.out, "<h3>{}</h3>", rich_html(text)),
            Block::Text(text) => _ = write!(self.out, "<p>{}</p>", rich_html(text)),
            Block::Quiet(text) => _ = write!(self.out, "<p class=\"quiet\">{}</p>", rich_html(text)),
            Block::Banner(tone, title, text) => {
                _ = write!(
                    self.out,
                    "<div class=\"banner {tone}\" role=\"note\"><strong>{}</strong> <span>{}</span></div>",
                    rich_html(title),
                    rich_html(text)
                );
            }
            Block::Tiles(tiles) => self.tiles(tiles),
            Block::Table(grid) => self.grid(grid),
            Block::Fold(words, grid) => {
                _ = write!(self.out, "<details><summary>{}</summary>", rich_html(words));
                self.grid(grid);
                self.out.push_str("</details>");
            }
            Block::Chart(chart) => self.chart(chart),
            Block::List(items) => self.list(items),
            Block::Code(text) => _ = write!(self.out, "<pre tabindex=\"0\">{}</pre>", escape::html(text)),
            Block::Facts(facts) => {
                self.out.push_str("<dl class=\"facts\">");
                for (term, text) in facts {
                    let (term, text) = (rich_html(term), rich_html(text));
                    _ = write!(self.out, "<div><dt>{term}</dt><dd>{text}</dd></div>");
                }
                self.out.push_str("</dl>");
            }
        }
    }

    fn tiles(&mut self, tiles: &[Tile]) {
        self.out.push_str("<div class=\"tiles\">");
        for tile in tiles {
            _ = write!(
                self.out,
                "<div class=\"tile\"><p class=\"tile-name\">{}</p><p class=\"tile-value {}\">{}</p>\
                 <p class=\"tile-of\">{}</p></div>",
                rich_html(&tile.name),
                tile.tone,
                rich_html(&tile.value),
                rich_html(&tile.below)
            );
        }
        self.out.push_str("</div>");
    }

    fn list(&mut self, items: &[Item]) {
        self.out.push_str("<ul class=\"prose\">");
        for item in items {
            let text = rich_html(&item.text);
            match &item.link {
                Some(link) => {
                    let (up, link) = (self.up, escape::html(link));
                    _ = write!(self.out, "<li><a href=\"{up}{link}\">{text}</a>");
                }
                None => _ = write!(self.out, "<li>{text}"),
            }
        }
        self.out.push_str("</ul>");
    }

    fn chart(&mut self, chart: &Chart) {
        self.out.push_str("<figure");
        for (place, (x, y)) in chart.at.iter().enumerate() {
            self.out.push_str(if place == 0 { " data-at=\"" } else { " " });
            tenths(&mut self.out, *x);
            self.out.push(',');
            tenths(&mut self.out, *y);
        }
        self.out.push_str(if chart.at.is_empty() { "" } else { "\"" });
        if let Some(axes) = &chart.axes {
            _ = write!(self.out, " class=\"main\" data-axes=\"{axes}\"");
        }
        self.out.push('>');
        self.out.push_str(&chart.svg);
        _ = write!(
            self.out,
            "<figcaption>{}</figcaption><details><summary>{}</summary>",
            rich_html(&chart.caption),
            rich_html(&chart.fold)
        );
        self.charted = true;
        self.grid(&chart.grid);
        self.charted = false;
        self.out.push_str("</details></figure>");
    }

    fn grid(&mut self, grid: &Grid) {
        self.tables += 1;
        let command = if grid.command.is_empty() { self.command } else { &grid.command };
        let caption = escape::html(&grid.caption);
        _ = write!(
            self.out,
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\" id=\"t{}\" data-command=\"{}\">\
             <table><thead><tr>",
            self.tables,
            escape::html(command)
        );
        for (title, kind) in &grid.columns {
            let class = if *kind == Kind::Number { " class=\"n\"" } else { "" };
            _ = write!(self.out, "<th scope=\"col\"{class}>{}", escape::html(title));
        }
        self.out.push_str("<tbody>\n");
        for row in &grid.rows {
            self.out.push_str("<tr>");
            for (cell, (_, kind)) in row.iter().zip(&grid.columns) {
                self.cell(cell, *kind);
            }
            self.out.push('\n');
        }
        self.out.push_str("</table></div>");
        if !grid.note.is_empty() {
            _ = write!(self.out, "<p class=\"note\">{}</p>", rich_html(&grid.note));
        }
    }

    fn cell(&mut self, cell: &Cell, kind: Kind) {
        let right = match kind {
            Kind::Number => "n",
            Kind::Text if cell.text.get(4..5) == Some("-") && cell.text.starts_with("20") => "when",
            Kind::Text if cell.text.len() > 60 && cell.link.is_none() => "long",
            Kind::Text | Kind::Code => "",
        };
        // A page has ten thousand cells: they are written without strings of their own.
        let out = &mut self.out;
        let parts = match (right, cell.tone) {
            ("", "") => ["<td", "", "", "", ""],
            (one, "") | ("", one) => ["<td class=\"", one, "", "", "\""],
            (one, two) => ["<td class=\"", one, " ", two, "\""],
        };
        parts.iter().for_each(|part| out.push_str(part));
        if let Some(key) = cell.key {
            sort_key(out, key);
        }
        out.push('>');
        if let Some((svg, _)) = &cell.drawing {
            out.push_str(svg);
        }
        let link = cell.link.as_ref().filter(|_| !cell.text.is_empty());
        if let Some(link) = link {
            out.push_str("<a href=\"");
            out.push_str(self.up);
            escape::html_into(out, link);
            out.push_str("\">");
        }
        let start = out.len();
        match kind {
            Kind::Code if !cell.text.is_empty() => {
                out.push_str("<code>");
                escape::html_into(out, &cell.text);
                out.push_str("</code>");
            }
            Kind::Code | Kind::Text | Kind::Number => rich_html_into(out, &cell.text),
        }
        if !self.charted {
            let text = out.split_off(start);
            out.push_str(&breakable(&text, right == "when"));
        }
        if link.is_some() {
            out.push_str("</a>");
        }
    }
}

/// Appends what a script sorts a cell by: seven digits, more than any cell shows, where these are enough for a whole number too.
fn sort_key(out: &mut String, key: f64) {
    const WHOLE: f64 = 16_777_216.0;
    if key.abs() < WHOLE {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "digits beyond those of single precision are left out on purpose"
        )]
        let short = key as f32;
        _ = write!(out, " data-k=\"{short}\"");
    } else {
        _ = write!(out, " data-k=\"{key}\"");
    }
}

/// Appends a coordinate with one digit after the point, as `{:.1}` writes it. Charts place points at whole tenths, which need no
/// conversion of a floating-point number.
fn tenths(out: &mut String, value: f64) {
    let all = (value * 10.0).round();
    // Only the very number may be written the short way.
    if value.is_sign_positive() && (0.0..1e9).contains(&all) && (all / 10.0).to_bits() == value.to_bits() {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to a milliard")]
        let all = all as u64;
        _ = write!(out, "{}.{}", all / 10, all % 10);
    } else {
        _ = write!(out, "{value:.1}");
    }
}

/// Finished HTML with places at which a long name may break, behind `/` and `..`; a date at the beginning holds together, since
/// it would break at its hyphens.
fn breakable(html: &str, dated: bool) -> String {
    if let (true, Some((day, rest))) = (dated, html.split_at_checked(10)) {
        return format!("<span class=\"d\">{day}</span>{rest}");
    }
    if !html.contains("<code>") {
        return html.to_owned();
    }
    let mut out = String::with_capacity(html.len() + 16);
    let mut before = ' ';
    for (place, character) in html.char_indices() {
        out.push(character);
        let slash = character == '/' && before != '<';
        // Between two commits.
        let dots = character == '.' && before == '.' && !html[place..].starts_with("..");
        if slash || dots {
            out.push_str("<wbr>");
        }
        before = character;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenths_are_written_as_by_the_library() {
        let check = |value: f64| {
            let mut out = String::new();
            tenths(&mut out, value);
            assert_eq!(out, format!("{value:.1}"), "{value:e}");
        };
        for value in
            [0.0, -0.0, 0.05, 0.15, 0.25, 12.3, -4.5, 1e9, 1e8, 99.95, f64::NAN, f64::INFINITY, 1e300]
        {
            check(value);
        }
        for step in 0..20_000_u32 {
            check(f64::from(step) / 10.0);
            check(f64::from(step) / 20.0);
            check(f64::from(step) * 0.1 + f64::from(step % 97) * 1e-3);
        }
    }

    #[test]
    fn cells_sort_by_numbers_that_are_short_and_in_order() {
        let check = |key: f64, expected: &str| {
            let mut out = String::new();
            sort_key(&mut out, key);
            assert_eq!(out, format!(" data-k=\"{expected}\""));
        };
        check(1_017.342_093_847, "1017.3421");
        check(1.000_123_456_789, "1.0001235");
        check(-0.5, "-0.5");
        check(0.0, "0");
        check(16_777_215.0, "16777215");
        check(20_047_000.25, "20047000.25");
        check(1_792_534_020_000_000.0, "1792534020000000");
    }

    #[test]
    fn long_names_may_break_and_dates_may_not() {
        let check = |html: &str, dated: bool, expected: &str| assert_eq!(breakable(html, dated), expected);
        check("<code>a/b</code>", false, "<code>a/<wbr>b</code>");
        check("<code>0ab..1cd</code>", false, "<code>0ab..<wbr>1cd</code>");
        check("a/b", false, "a/b");
        check("<code>&lt;/b&gt;</code>", false, "<code>&lt;/<wbr>b&gt;</code>");
        check("2026-11-19 22:35 UTC", true, "<span class=\"d\">2026-11-19</span> 22:35 UTC");
        check("short", true, "short");
    }
}
