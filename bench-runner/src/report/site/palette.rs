//! The colours of all pages against WCAG 2.2: text 4.5 to 1, graphics and controls 3 to 1, in both themes and on paper.
//!
//! Read from the style sheets' own variables, so that a new colour cannot slip past.

use std::collections::BTreeMap;

use super::STYLE;
use crate::report::render::Templates;

type Colors = BTreeMap<String, [u8; 3]>;

/// The colour variables of the first block that begins with `start`, on top of `base`.
fn colors(sheet: &str, start: &str, base: &Colors) -> Colors {
    let block = sheet.split(start).nth(1).unwrap_or_else(|| panic!("no block {start}"));
    let block = block.split('}').next().unwrap_or_default();
    let mut found = base.clone();
    for part in block.split(';') {
        let Some((name, value)) = part.split_once(':') else { continue };
        let (Some(name), Some(digits)) = (name.trim().strip_prefix("--"), value.trim().strip_prefix('#'))
        else {
            continue;
        };
        let channel = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        found.insert(name.to_owned(), [channel(0), channel(2), channel(4)]);
    }
    found
}

/// Contrast of two colours, 1 to 21.
///
/// # Reference
///
/// WCAG 2.2, "relative luminance" and "contrast ratio".
fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let luminance = |color: [u8; 3]| {
        let linear = color.map(|channel| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    };
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn contrast_is_that_of_the_standard() {
    assert!((contrast([255; 3], [0; 3]) - 21.0).abs() < 1e-9);
    assert!((contrast([0x77; 3], [255; 3]) - 4.478).abs() < 0.001);
    assert!((contrast([9; 3], [9; 3]) - 1.0).abs() < 1e-9);
}

/// Every theme with its colours: light, dark, and paper for printing.
fn themes() -> Vec<(&'static str, Colors)> {
    let templates = Templates::built_in();
    let page = templates.source("page.css").into_owned();
    let light = colors(&page, ":root {", &Colors::new());
    let after = |sheet: &str, start: &str| sheet.split_once(start).expect("the block is there").1.to_owned();
    let dark = colors(&after(&page, "prefers-color-scheme: dark"), ":root {", &light);
    // Somebody with a dark theme prints as well: what the block for paper does not set stays dark.
    let print = colors(&after(&page, "@media print"), ":root {", &dark);
    let chosen = [("light", &light), ("dark", &dark)].map(|(name, like)| {
        let chosen = colors(STYLE, &format!(":root[data-theme=\"{name}\"] {{"), &Colors::new());
        assert_eq!(&chosen, like, "the theme switch and the system's preference show the same {name}");
        chosen
    });
    let switched = colors(&after(STYLE, "@media print"), ":root[data-theme] {", &dark);
    assert_eq!(switched, print, "a chosen theme prints as any other");
    let [light, dark] = chosen;
    vec![("light", light), ("dark", dark), ("print", print)]
}

#[test]
fn text_and_graphics_stand_out_in_every_theme() {
    let texts = ["ink", "soft", "link", "regressed", "improved", "neutral", "third"];
    let graphics = ["series", "axis", "regressed", "improved", "third", "neutral", "soft", "link"];
    for (theme, colors) in themes() {
        let check = |front: &str, back: &str, least: f64| {
            let found = contrast(colors[front], colors[back]);
            assert!(found >= least, "{theme}: {front} on {back} is {found:.2} to 1, at least {least}");
        };
        for back in ["paper", "sheet"] {
            texts.iter().for_each(|text| check(text, back, 4.5));
            graphics.iter().for_each(|graphic| check(graphic, back, 3.0));
        }
        // Words stand on tints, and names of code on the neutral one.
        for word in ["regressed", "improved", "third"] {
            let tint = format!("{word}-tint");
            [word, "ink", "soft"].iter().for_each(|text| check(text, &tint, 4.5));
        }
        texts.iter().for_each(|text| check(text, "neutral-tint", 4.5));
        // What lies in front of a faint area is still seen: points on the band, marks on the margin.
        for (front, area) in
            [("series", "area"), ("ink", "area"), ("regressed", "band"), ("improved", "band")]
        {
            check(front, area, 3.0);
        }
    }
}

#[test]
fn faint_areas_carry_an_outline() {
    let templates = Templates::built_in();
    let page = templates.source("page.css").into_owned();
    for (class, stroke) in [("k-area", "--series"), ("k-haze", "--series"), ("k-band", "--third")] {
        let rule = page.split(&format!(".{class} {{")).nth(1).and_then(|rest| rest.split('}').next());
        assert!(rule.is_some_and(|rule| rule.contains(&format!("stroke: var({stroke})"))), "{class}");
    }
}
