//! Blocks as Markdown, fit for a pull request or a chat: folds become their tables; charts are left to the page unless they can be
//! drawn with characters, and so are lists that only lead to other pages.

use std::fmt::Write as _;

use super::block::{Block, Document, Grid};
use super::escape;
use crate::report::render::rich_markdown;
use crate::report::view::table::Kind;

/// A whole page.
pub(super) fn document(document: &Document) -> String {
    let mut out = format!("# {}\n\n", escape::markdown(&document.title, false));
    if !document.line.is_empty() {
        _ = write!(out, "{}\n\n", rich_markdown(&document.line, false));
    }
    for section in &document.sections {
        // What only leads to other pages leads nowhere in a chat.
        let mut said = section.blocks.iter().filter(|block| !only_leads(block)).peekable();
        if said.peek().is_none() {
            continue;
        }
        _ = write!(out, "## {}\n\n", escape::markdown(&section.title, false));
        said.for_each(|block| self::block(&mut out, block));
    }
    if !document.command.is_empty() {
        _ = write!(out, "Made by {}\n\n", escape::markdown_code(&document.command, false));
    }
    for line in &document.footer {
        _ = write!(out, "{}\n\n", rich_markdown(line, false));
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

/// Whether a block is a list of links and nothing else.
fn only_leads(block: &Block) -> bool {
    matches!(block, Block::List(items) if items.iter().all(|item| item.link.is_some()))
}

fn block(out: &mut String, block: &Block) {
    match block {
        Block::Heading(text) => _ = write!(out, "### {}\n\n", rich_markdown(text, false)),
        Block::Text(text) | Block::Quiet(text) => _ = write!(out, "{}\n\n", rich_markdown(text, false)),
        Block::Banner(_, title, text) => {
            _ = write!(out, "> **{}** {}\n\n", rich_markdown(title, true), rich_markdown(text, true));
        }
        Block::Tiles(tiles) => {
            for tile in tiles {
                let parts = [&tile.name, &tile.value, &tile.below].map(|text| rich_markdown(text, true));
                _ = writeln!(out, "- {}: **{}** {}", parts[0], parts[1], parts[2]);
            }
            out.push('\n');
        }
        Block::Table(table) => grid(out, table),
        Block::Fold(words, table) => {
            _ = write!(out, "{}\n\n", rich_markdown(words, false));
            grid(out, table);
        }
        // The caption speaks of what cannot be seen here, and the table of a chart is long and on the page.
        Block::Chart(chart) if chart.drawn.is_empty() => {}
        Block::Chart(chart) => _ = write!(out, "{}\n\n", escape::markdown_fence(&chart.drawn).trim_end()),
        Block::List(items) => {
            for item in items {
                _ = writeln!(out, "- {}", rich_markdown(&item.text, true));
            }
            out.push('\n');
        }
        Block::Code(text) => _ = write!(out, "{}\n\n", escape::markdown_fence(text).trim_end()),
        Block::Facts(facts) => {
            for (term, text) in facts {
                _ = writeln!(out, "- {}: {}", rich_markdown(term, true), rich_markdown(text, true));
            }
            out.push('\n');
        }
    }
}

fn grid(out: &mut String, grid: &Grid) {
    if !grid.twin.is_empty() {
        for line in &grid.twin {
            _ = writeln!(out, "- {}", rich_markdown(line, true));
        }
        out.push('\n');
        return;
    }
    // A column in which nothing stands takes room and says nothing.
    let said = |place: &usize| {
        let cells = || grid.rows.iter().filter_map(|row| row.get(*place));
        cells().any(|cell| !cell.text.is_empty() || cell.drawing.is_some())
    };
    let columns: Vec<usize> = (0..grid.columns.len()).filter(said).collect();
    if columns.is_empty() {
        return;
    }
    for place in &columns {
        _ = write!(out, "| {} ", escape::markdown(&grid.columns[*place].0, false));
    }
    out.push_str("|\n");
    for place in &columns {
        out.push_str(if grid.columns[*place].1 == Kind::Number { "|---:" } else { "|---" });
    }
    out.push_str("|\n");
    for row in &grid.rows {
        for (cell, (_, kind)) in
            columns.iter().filter_map(|place| row.get(*place).zip(grid.columns.get(*place)))
        {
            let drawn = cell.drawing.as_ref().map_or("", |(_, words)| words.as_str());
            let text = match kind {
                Kind::Code if !cell.text.is_empty() => escape::markdown_code(&cell.text, true),
                Kind::Code | Kind::Text | Kind::Number => rich_markdown(&cell.text, true),
            };
            let gap = if drawn.is_empty() || text.is_empty() { "" } else { " " };
            _ = write!(out, "| {drawn}{gap}{text} ");
        }
        out.push_str("|\n");
    }
    out.push('\n');
    if !grid.note.is_empty() {
        _ = write!(out, "{}\n\n", rich_markdown(&grid.note, false));
    }
}

#[cfg(test)]
mod tests {
    use super::super::block::Cell;
    use super::*;

    fn said(grid: &Grid) -> String {
        let mut out = String::new();
        super::grid(&mut out, grid);
        out
    }

    #[test]
    fn columns_in_which_nothing_stands_are_left_out() {
        let mut grid = Grid::new("t", &[("a", Kind::Text), ("b", Kind::Number), ("c", Kind::Text)]);
        grid.rows = vec![vec![Cell::text("1"), Cell::text(""), Cell::text("3")]];
        grid.note = "Note.".to_owned();
        assert_eq!(said(&grid), "| a | c |\n|---|---|\n| 1 | 3 |\n\nNote.\n\n");
        grid.rows = vec![vec![Cell::text(""), Cell::text(""), Cell::text("")]];
        assert_eq!(said(&grid), "");
    }

    #[test]
    fn a_twin_stands_for_its_table() {
        let mut grid = Grid::new("t", &[("a", Kind::Text)]);
        grid.rows = vec![vec![Cell::text("row")]; 3];
        grid.twin = vec!["3 benchmarks: all say row".to_owned()];
        assert_eq!(said(&grid), "- 3 benchmarks: all say row\n\n");
    }
}
