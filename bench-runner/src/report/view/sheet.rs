//! A page of titled sections, each with sentences, a table and a list: what nightly trends and release notes are made of.
//!
//! Holds finished texts only; the same sheet becomes Markdown, HTML or terminal text.

use serde::Serialize;

use super::table::Table;

/// One section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Anchor in the page.
    pub slug: String,
    /// Heading.
    pub title: String,
    /// Sentences before the table.
    pub paragraphs: Vec<String>,
    /// The table; without rows it is not shown.
    pub table: Table,
    /// List after the table.
    pub lines: Vec<String>,
}

impl Section {
    /// A section with a table.
    #[must_use]
    pub fn new(slug: &str, title: impl Into<String>, table: Table) -> Self {
        let title = title.into();
        Self { slug: slug.to_owned(), title, paragraphs: Vec::new(), table, lines: Vec::new() }
    }

    /// A section without a table.
    #[must_use]
    pub fn words(slug: &str, title: impl Into<String>) -> Self {
        Self::new(slug, title, Table::new("", &[]))
    }
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sheet {
    /// Kind of page, above the title.
    pub kicker: String,
    /// Title.
    pub title: String,
    /// The answer, in one sentence.
    pub line: String,
    /// Sentences below it.
    pub notes: Vec<String>,
    /// Sections in reading order.
    pub sections: Vec<Section>,
    /// The command that makes this page.
    pub command: String,
}
