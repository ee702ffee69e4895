//! What documents are made of. Texts may carry the marks of `view::words` for names and numbers.

use crate::model::units::Timestamp;
use crate::report::view::table::Kind;

/// One page.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Path below the root of the site, with `/`.
    pub path: String,
    /// Small words above the title.
    pub kicker: String,
    /// Title.
    pub title: String,
    /// The answer in one line.
    pub line: String,
    /// Start of the newest run, on pages that say how tonight is: readers are told when that is long ago.
    pub dated: Option<Timestamp>,
    /// Small facts below the title: text, tone.
    pub chips: Vec<(String, &'static str)>,
    /// The content.
    pub sections: Vec<Section>,
    /// The command that shows the same on a terminal; empty for none.
    pub command: String,
    /// Last lines.
    pub footer: Vec<String>,
}

/// A part of a page with a heading.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Fragment.
    pub id: String,
    /// Heading.
    pub title: String,
    /// Content.
    pub blocks: Vec<Block>,
}

/// A piece of content.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A heading below that of the section.
    Heading(String),
    /// A paragraph.
    Text(String),
    /// A remark.
    Quiet(String),
    /// A boxed remark: tone, title, text.
    Banner(&'static str, String, String),
    /// Large numbers.
    Tiles(Vec<Tile>),
    /// A table.
    Table(Grid),
    /// A table behind a fold with its words.
    Fold(String, Grid),
    /// A chart with its table.
    Chart(Chart),
    /// A list.
    List(Vec<Item>),
    /// Commands.
    Code(String),
    /// Terms with their texts.
    Facts(Vec<(String, String)>),
}

/// A large number.
#[derive(Debug, Clone, PartialEq)]
pub struct Tile {
    /// What it is.
    pub name: String,
    /// The number.
    pub value: String,
    /// What stands below it.
    pub below: String,
    /// Tone.
    pub tone: &'static str,
}

/// A line of a list, perhaps a link.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Words.
    pub text: String,
    /// Target below the root.
    pub link: Option<String>,
}

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// What it shows.
    pub caption: String,
    /// Heads.
    pub columns: Vec<(String, Kind)>,
    /// Rows.
    pub rows: Vec<Vec<Cell>>,
    /// A remark below.
    pub note: String,
    /// The command that shows the same; the page's own when empty.
    pub command: String,
    /// What Markdown lists in place of the table, for many rows that say the same; empty for the table itself.
    pub twin: Vec<String>,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cell {
    /// The finished text.
    pub text: String,
    /// Tone.
    pub tone: &'static str,
    /// Target below the root.
    pub link: Option<String>,
    /// What it sorts by when that is not its text.
    pub key: Option<f64>,
    /// A finished drawing before the text; Markdown has a text in its place.
    pub drawing: Option<(String, String)>,
}

/// A chart with what replaces it.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// The SVG element.
    pub svg: String,
    /// Where its points are, in its own units, in the order of the rows of `grid`; empty for a chart without points.
    pub at: Vec<(f64, f64)>,
    /// What its axes reach, for a script that draws it over another range: left, right, top and bottom of the plot in its own
    /// units, what left, right, bottom and top stand for, and the moment at which the horizontal axis is 0, in milliseconds since
    /// 1970. `None` for a chart that stays as it is.
    pub axes: Option<String>,
    /// What Markdown shows in its place, lines of characters; empty for a chart whose numbers stand in a table anyway.
    pub drawn: String,
    /// Words below.
    pub caption: String,
    /// Words on the fold.
    pub fold: String,
    /// The numbers drawn.
    pub grid: Grid,
}

impl Document {
    /// A page without content.
    pub(crate) fn new(path: impl Into<String>, kicker: &str, title: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            kicker: kicker.to_owned(),
            title: title.into(),
            line: String::new(),
            dated: None,
            chips: Vec::new(),
            sections: Vec::new(),
            command: String::new(),
            footer: Vec::new(),
        }
    }

    /// Adds a section unless it has no content.
    pub(crate) fn section(&mut self, id: &str, title: &str, blocks: Vec<Block>) {
        if !blocks.is_empty() {
            self.sections.push(Section { id: id.to_owned(), title: title.to_owned(), blocks });
        }
    }
}

impl Grid {
    /// A table without rows.
    pub(crate) fn new(caption: impl Into<String>, columns: &[(&str, Kind)]) -> Self {
        let columns = columns.iter().map(|(title, kind)| ((*title).to_owned(), *kind));
        Self {
            caption: caption.into(),
            columns: columns.collect(),
            rows: Vec::new(),
            note: String::new(),
            command: String::new(),
            twin: Vec::new(),
        }
    }
}

impl Cell {
    /// A plain text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// A text with a tone.
    pub(crate) fn toned(text: impl Into<String>, tone: &'static str) -> Self {
        Self { text: text.into(), tone, ..Self::default() }
    }

    /// The same, leading somewhere.
    pub(crate) fn to(mut self, link: Option<String>) -> Self {
        self.link = link;
        self
    }

    /// The same, sorted by `key`.
    pub(crate) fn by(mut self, key: f64) -> Self {
        self.key = key.is_finite().then_some(key);
        self
    }
}
