//! Places the views' texts in templates: escaping, tables, the content policy of the page.
//!
//! Templates see finished strings and flags; there is no loader, so a template cannot read a file.

mod tables;

use crate::report::format::append;
use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::view::Page;
use super::view::words::{Piece, may_be_rich, rich};
use super::{ReportError, escape};

/// Names of the templates that can be replaced.
pub const TEMPLATE_NAMES: [&str; 5] = ["note.md", "note.html", "page.css", "sheet.md", "sheet.html"];

const BUILT_IN: [(&str, &str); 5] = [
    ("note.md", include_str!("../../../templates/note.md")),
    ("note.html", include_str!("../../../templates/note.html")),
    ("page.css", include_str!("../../../templates/page.css")),
    ("sheet.md", include_str!("../../../templates/sheet.md")),
    ("sheet.html", include_str!("../../../templates/sheet.html")),
];

/// The templates of one rendering: the built-in ones, some of them replaced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Templates {
    replaced: BTreeMap<String, String>,
}

impl Templates {
    /// The built-in templates.
    #[must_use]
    pub fn built_in() -> Self {
        Self::default()
    }

    /// Replaces some of the built-in templates by the texts in `sources`, keyed by file name.
    ///
    /// # Errors
    ///
    /// Returns [`ReportError::UnknownTemplate`] for a name that is not in [`TEMPLATE_NAMES`], and
    /// [`ReportError::Template`] for a text that does not parse.
    pub fn replacing(sources: BTreeMap<String, String>) -> Result<Self, ReportError> {
        for (name, source) in &sources {
            if !TEMPLATE_NAMES.contains(&name.as_str()) {
                return Err(ReportError::UnknownTemplate { name: name.clone() });
            }
            if !is_stylesheet(name) {
                environment(name)?.template_from_named_str(name, source).map_err(failed(name))?;
            }
        }
        Ok(Self { replaced: sources })
    }

    pub(super) fn source(&self, name: &str) -> Cow<'_, str> {
        if let Some(source) = self.replaced.get(name) {
            return Cow::Borrowed(source);
        }
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name).map_or("", |(_, source)| source);
        Cow::Borrowed(built_in)
    }
}

fn is_stylesheet(name: &str) -> bool {
    name.ends_with("css")
}

pub(super) fn failed(name: &str) -> impl Fn(minijinja::Error) -> ReportError {
    let name = name.to_owned();
    move |error| ReportError::Template {
        // An error within an included or inherited template names that one.
        name: error.name().unwrap_or(&name).to_owned(),
        line: error.line(),
        reason: match error.detail() {
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        },
        source: Box::new(error),
    }
}

/// An engine that fails on a value the view does not have, and escapes every text.
pub(super) fn environment<'a>(name: &str) -> Result<Environment<'a>, ReportError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()
        .map_err(failed(name))?;
    environment.set_syntax(syntax);
    environment.set_formatter(escape::write);
    Ok(environment)
}

/// Writes the page as Markdown.
pub(super) fn markdown(templates: &Templates, page: &Page) -> Result<String, ReportError> {
    markdown_of(templates, "note.md", page)
}

/// Writes any page as Markdown, with the template of that name.
pub(super) fn markdown_of<T: Serialize>(
    templates: &Templates,
    name: &str,
    page: &T,
) -> Result<String, ReportError> {
    let source = templates.source(name);
    let mut environment = environment(name)?;
    environment.set_auto_escape_callback(|_| AutoEscape::Custom(escape::MARKDOWN.into()));
    environment.add_filter("rich", |text: &str| safe(rich_markdown(text, false)));
    environment.add_filter("code", |text: &str| safe(escape::markdown_code(text, false)));
    environment.add_filter("fence", |text: &str| safe(escape::markdown_fence(text)));
    environment.add_filter("table", |table: Value| tables::markdown(&table).map(safe));
    environment.add_template(name, &source).map_err(failed(name))?;
    let template = environment.get_template(name).map_err(failed(name))?;
    let text = template.render(context! { page => Value::from(Serde(page)) }).map_err(failed(name))?;
    Ok(tidy(&text))
}

/// What surrounds a report that is a page of a site; a report by itself has none of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Surroundings {
    /// The bar that leads to the other pages, and what belongs to it.
    pub navigation: String,
    /// Style on top of that of the page.
    pub style: String,
    /// The script of the site.
    pub script: String,
    /// The command that says the same on a terminal: copied tables end with it.
    pub command: String,
}

/// Writes the page as HTML with its own content policy.
pub(super) fn html(templates: &Templates, page: &Page) -> Result<String, ReportError> {
    html_of(templates, "note.html", page)
}

/// Writes any page as HTML with its own content policy, with the template of that name.
pub(super) fn html_of<T: Serialize>(
    templates: &Templates,
    name: &str,
    page: &T,
) -> Result<String, ReportError> {
    html_within(templates, name, page, &Surroundings::default())
}

/// Writes a page as HTML within a site.
pub(super) fn html_within<T: Serialize>(
    templates: &Templates,
    name: &str,
    page: &T,
    around: &Surroundings,
) -> Result<String, ReportError> {
    let source = templates.source(name);
    let mut style = templates.source("page.css").into_owned();
    style.push_str(&around.style);
    if style.to_ascii_lowercase().contains("</style") {
        return Err(ReportError::Stylesheet);
    }
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style.as_bytes()));
    let script = if around.script.is_empty() {
        String::new()
    } else {
        let digest =
            base64::engine::general_purpose::STANDARD.encode(Sha256::digest(around.script.as_bytes()));
        format!(" script-src 'sha256-{digest}';")
    };
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}';{script} img-src data:; base-uri 'none'; form-action 'none'"
    );
    let mut environment = environment(name)?;
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_filter("rich", |text: &str| safe(rich_html(text)));
    environment.add_filter("table", |table: Value| tables::html(&table).map(safe));
    environment.add_template(name, &source).map_err(failed(name))?;
    let template = environment.get_template(name).map_err(failed(name))?;
    let values = context! {
        page => Value::from(Serde(page)),
        // Built by us from a digest: nothing in it needs escaping, and `'` must stay as it is for readers' sake.
        policy => safe(policy),
        style => safe(style),
        navigation => safe(around.navigation.clone()),
        script => safe(around.script.clone()),
        command => around.command.as_str(),
    };
    template.render(values).map_err(failed(name))
}

pub(super) fn safe(text: String) -> Value {
    Value::from_safe_string(text)
}

/// A sentence with its names as code, for Markdown; `table` for a cell, where blocks cannot begin.
pub(super) fn rich_markdown(text: &str, table: bool) -> String {
    let mut out = String::new();
    for piece in rich(text) {
        let start = out.is_empty() && !table;
        match piece {
            Piece::Plain(text) => out.push_str(&around(text, escape::markdown(text, start))),
            Piece::Code(text) => out.push_str(&escape::markdown_code(text, table)),
            Piece::Strong(text) => append(&mut out, format_args!("**{}**", escape::markdown(text, false))),
        }
    }
    out
}

/// Restores the spaces at both ends of a piece, which escaping trims.
fn around(text: &str, escaped: String) -> String {
    let edge = |is: bool| if is { " " } else { "" };
    if escaped.is_empty() {
        return edge(!text.is_empty()).to_owned();
    }
    format!(
        "{}{escaped}{}",
        edge(text.starts_with(char::is_whitespace)),
        edge(text.ends_with(char::is_whitespace))
    )
}

/// A sentence with its names as code, for HTML.
pub(super) fn rich_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    rich_html_into(&mut out, text);
    out
}

/// Appends a sentence as [`rich_html`] returns it.
pub(super) fn rich_html_into(out: &mut String, text: &str) {
    if !may_be_rich(text) {
        escape::html_into(out, text);
        return;
    }
    for piece in rich(text) {
        let (open, text, close) = match piece {
            Piece::Plain(text) => ("", text, ""),
            Piece::Code(text) => ("<code>", text, "</code>"),
            Piece::Strong(text) => ("<strong>", text, "</strong>"),
        };
        out.push_str(open);
        escape::html_into(out, text);
        out.push_str(close);
    }
}

/// Removes trailing spaces and runs of empty lines, so that conditional sections leave no holes.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.lines().map(str::trim_end) {
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty < 2 && !(line.is_empty() && out.is_empty()) {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}
