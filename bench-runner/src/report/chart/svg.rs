//! A plotters backend that writes compact SVG: classes instead of colours, tenths of a unit, merged lines.
//!
//! plotters' own backend writes fixed colours and whole units; a page with a dark style and a policy against
//! inline styles needs neither. Colours never leave this file: an [`Ink`] becomes a class.

use std::fmt::{self, Write as _};

use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{RGBColor, ShapeStyle};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};

use super::Words;
use crate::report::escape;

/// Steps per unit: plotters has whole coordinates only.
pub(in crate::report) const STEPS: i32 = 10;

/// What a stroke or area stands for; the style sheet gives it a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Ink {
    Text,
    Name,
    Axis,
    Grid,
    Series,
    Area,
    Reference,
    Band,
    Regressed,
    Improved,
    Neutral,
    Unsure,
    Haze,
    Dots,
}

const INKS: [(Ink, &str); 14] = [
    (Ink::Text, "k-text"),
    (Ink::Name, "k-name"),
    (Ink::Axis, "k-axis"),
    (Ink::Grid, "k-grid"),
    (Ink::Series, "k-series"),
    (Ink::Area, "k-area"),
    (Ink::Reference, "k-ref"),
    (Ink::Band, "k-band"),
    (Ink::Regressed, "k-reg"),
    (Ink::Improved, "k-imp"),
    (Ink::Neutral, "k-same"),
    (Ink::Unsure, "k-unsure"),
    (Ink::Haze, "k-haze"),
    (Ink::Dots, "k-dots"),
];

/// Red channel that marks a colour as one of ours.
const MARK: u8 = 0x0a;

impl Ink {
    /// The colour that carries this ink through plotters.
    pub(super) fn color(self) -> RGBColor {
        let place = INKS.iter().position(|(ink, _)| *ink == self).unwrap_or(0);
        RGBColor(MARK, 0, u8::try_from(place).unwrap_or(0))
    }

    /// A line of this ink, `width` tenths of a unit wide.
    pub(super) fn line(self, width: u32) -> ShapeStyle {
        ShapeStyle { color: self.color().into(), filled: false, stroke_width: width }
    }

    /// An area of this ink.
    pub(super) fn area(self) -> ShapeStyle {
        ShapeStyle { color: self.color().into(), filled: true, stroke_width: 0 }
    }
}

fn class(color: BackendColor) -> &'static str {
    let (mark, _, place) = color.rgb;
    if mark != MARK {
        return "k-text";
    }
    INKS.get(usize::from(place)).map_or("k-text", |(_, class)| class)
}

/// Everything drawn so far.
#[derive(Debug, Default)]
pub(super) struct Drawing {
    body: String,
    /// Class, width and path data of lines not yet written: neighbours of one kind become one element.
    pending: Option<(&'static str, u32, String)>,
}

impl Drawing {
    fn flush(&mut self) {
        if let Some((class, width, data)) = self.pending.take() {
            self.add(format_args!(
                "<path class=\"s {class}\" stroke-width=\"{}\" d=\"{data}\"/>",
                Tenths(i64::from(width))
            ));
        }
    }

    fn add(&mut self, element: fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        self.body.write_fmt(element).unwrap_or_default();
    }

    /// Closes the element of `width` × `height` units.
    pub(super) fn finish(mut self, words: &Words, width: u32, height: u32) -> String {
        self.flush();
        let (id, title, description) =
            (&words.id, escape::html(&words.title), escape::html(&words.description));
        format!(
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
             <title id=\"{id}-t\">{title}</title><desc id=\"{id}-d\">{description}</desc>{}</svg>",
            self.body
        )
    }
}

/// A coordinate in tenths, written as short as possible.
struct Tenths(i64);

impl fmt::Display for Tenths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = i64::from(STEPS);
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, part) = (self.0.abs() / steps, self.0.abs() % steps);
        if part == 0 { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{part}") }
    }
}

impl Tenths {
    /// Appends it: a drawing has thousands.
    fn push_to(&self, out: &mut String) {
        let steps = u64::from(STEPS.unsigned_abs());
        let (whole, part) = (self.0.unsigned_abs() / steps, self.0.unsigned_abs() % steps);
        if self.0 < 0 {
            out.push('-');
        }
        push_number(out, whole);
        if part > 0 {
            out.push('.');
            push_number(out, part);
        }
    }
}

/// Appends a whole number.
fn push_number(out: &mut String, number: u64) {
    if number >= 10 {
        push_number(out, number / 10);
    }
    out.push(char::from(b'0' + u8::try_from(number % 10).unwrap_or(0)));
}

fn at(value: i32) -> Tenths {
    Tenths(i64::from(value))
}

/// The backend: writes into a [`Drawing`].
#[derive(Debug)]
pub(super) struct Pen<'a> {
    drawing: &'a mut Drawing,
    size: (u32, u32),
}

impl<'a> Pen<'a> {
    /// A pen on a sheet of `width` × `height` units.
    pub(super) fn new(drawing: &'a mut Drawing, width: u32, height: u32) -> Self {
        let steps = STEPS.unsigned_abs();
        Self { drawing, size: (width * steps, height * steps) }
    }
}

type Drawn = Result<(), DrawingErrorKind<fmt::Error>>;

impl DrawingBackend for Pen<'_> {
    type ErrorType = fmt::Error;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Drawn {
        self.draw_rect(point, (point.0 + STEPS, point.1 + STEPS), &color, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        self.drawing.flush();
        self.drawing.add(format_args!(
            "<rect class=\"{} {}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
            if fill { "f" } else { "s" },
            class(style.color()),
            at(upper_left.0.min(bottom_right.0)),
            at(upper_left.1.min(bottom_right.1)),
            at((bottom_right.0 - upper_left.0).abs()),
            at((bottom_right.1 - upper_left.1).abs())
        ));
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let (class, width) = (class(style.color()), style.stroke_width());
        if self.drawing.pending.as_ref().is_none_or(|(other, wide, _)| (*other, *wide) != (class, width)) {
            self.drawing.flush();
            self.drawing.pending = Some((class, width, String::new()));
        }
        if let Some((_, _, data)) = &mut self.drawing.pending {
            append(data, path);
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        self.drawing.flush();
        self.drawing.add(format_args!(
            "<circle class=\"{} {}\" cx=\"{}\" cy=\"{}\" r=\"{}\"{}/>",
            if fill { "f" } else { "s" },
            class(style.color()),
            at(center.0),
            at(center.1),
            Tenths(i64::from(radius)),
            if fill {
                String::new()
            } else {
                format!(" stroke-width=\"{}\"", Tenths(i64::from(style.stroke_width())))
            }
        ));
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        vert: I,
        style: &S,
    ) -> Drawn {
        self.drawing.flush();
        let mut data = String::new();
        append(&mut data, vert);
        self.drawing.add(format_args!("<path class=\"f {}\" d=\"{data}Z\"/>", class(style.color())));
        Ok(())
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, pos: BackendCoord) -> Drawn {
        self.drawing.flush();
        let anchor = match style.anchor().h_pos {
            HPos::Left => "",
            HPos::Center => " text-anchor=\"middle\"",
            HPos::Right => " text-anchor=\"end\"",
        };
        // Shares of the em that put the middle or the top of a line of digits on the point.
        let drop = match style.anchor().v_pos {
            VPos::Top => 0.76,
            VPos::Center => 0.36,
            VPos::Bottom => -0.2,
        };
        #[expect(clippy::cast_possible_truncation, reason = "font sizes are small")]
        let (drop, size) = ((style.size() * drop).round() as i32, style.size().round() as i32);
        self.drawing.add(format_args!(
            "<text class=\"{}\" x=\"{}\" y=\"{}\" font-size=\"{}\"{anchor}>{}</text>",
            class(style.color()),
            at(pos.0),
            at(pos.1 + drop),
            at(size),
            escape::html(&escape::visible(text, false))
        ));
        Ok(())
    }

    fn estimate_text_size<T: BackendTextStyle>(
        &self,
        text: &str,
        style: &T,
    ) -> Result<(u32, u32), DrawingErrorKind<fmt::Error>> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "labels are short and font sizes small and positive"
        )]
        // plotters guesses from bytes, so `µ` counts twice; 0.56 em a character fits usual interface fonts.
        let size = ((text.chars().count() as f64 * style.size() * 0.56) as u32, style.size() as u32);
        Ok(size)
    }
}

/// Appends the path in absolute commands; a path of fewer than two points draws nothing.
fn append(data: &mut String, path: impl IntoIterator<Item = BackendCoord>) {
    let mut command = 'M';
    for (x, y) in path {
        data.push(command);
        at(x).push_to(data);
        data.push(' ');
        at(y).push_to(data);
        command = 'L';
    }
}

#[cfg(test)]
mod tests {
    use plotters::prelude::{IntoDrawingArea, PathElement};

    use super::*;

    #[test]
    fn neighbouring_lines_become_one_element_and_names_stay_inert() {
        let mut drawing = Drawing::default();
        {
            let root = Pen::new(&mut drawing, 100, 50).into_drawing_area();
            for y in [10, 25] {
                root.draw(&PathElement::new([(0, y), (105, y)], Ink::Grid.line(10))).unwrap();
            }
            root.draw(&PathElement::new([(0, 0), (5, 5)], Ink::Axis.line(10))).unwrap();
        }
        let words = Words { id: "c1".to_owned(), title: "<b>".to_owned(), description: "a & b".to_owned() };
        assert_eq!(
            drawing.finish(&words, 100, 50),
            "<svg viewBox=\"0 0 100 50\" role=\"img\" aria-labelledby=\"c1-t c1-d\"><title id=\"c1-t\">&lt;b&gt;</title>\
             <desc id=\"c1-d\">a &amp; b</desc><path class=\"s k-grid\" stroke-width=\"1\" d=\"M0 1L10.5 1M0 2.5L10.5 2.5\"/>\
             <path class=\"s k-axis\" stroke-width=\"1\" d=\"M0 0L0.5 0.5\"/></svg>"
        );
    }

    #[test]
    fn tenths_are_short() {
        let check = |value: i64, expected: &str| {
            assert_eq!(Tenths(value).to_string(), expected);
            let mut pushed = String::new();
            Tenths(value).push_to(&mut pushed);
            assert_eq!(pushed, expected);
        };
        check(0, "0");
        check(10, "1");
        check(-5, "-0.5");
        check(-123, "-12.3");
        check(-120, "-12");
        check(10_205, "1020.5");
    }
}
