//! The report as text: sections, honesty of partial and summary-only runs, inert names, equal bytes.

#![expect(clippy::unwrap_used, reason = "unwrapping is the assertion")]

use std::collections::BTreeMap;

use bench_runner::model::comparison::Verdict;
use bench_runner::model::gate::GateVerdict;
use bench_runner::model::ids::BenchmarkId;
use bench_runner::model::report::RunReport;
use bench_runner::model::trend::{Checked, NotRun, Tonight, TrendReport, Undecided};
use bench_runner::model::units::Timestamp;
use bench_runner::report::format::Dialect;
use bench_runner::report::{self, ReportError, Templates, counted};

use crate::report_fixture as fixture;

fn markdown(made: &RunReport) -> String {
    report::markdown(made).unwrap()
}

fn html(made: &RunReport) -> String {
    report::html(made).unwrap()
}

/// Asserts that every text of `expected` stands in `text`.
fn check(text: &str, expected: &[&str]) {
    for wanted in expected {
        assert!(text.contains(wanted), "`{wanted}` is missing in:\n{text}");
    }
}

#[test]
fn a_measured_run_reads_like_a_note() {
    insta::assert_snapshot!("measured.md", markdown(&fixture::measured()));
}

#[test]
fn a_summary_only_record_says_so() {
    insta::assert_snapshot!("founding.md", markdown(&fixture::founding()));
}

#[test]
fn a_partial_run_names_what_is_missing() {
    insta::assert_snapshot!("partial.md", markdown(&fixture::partial()));
}

#[test]
fn the_page_has_every_section_and_its_own_policy() {
    let page = html(&fixture::measured());
    check(
        &page,
        &[
            "default-src &#39;none&#39;; style-src &#39;sha256-".replace("&#39;", "'").as_str(),
            "id=\"summary\"",
            "id=\"hardware\"",
            "id=\"build\"",
            "id=\"family-1\"",
            "id=\"family-4\"",
            "id=\"previous\"",
            "id=\"takeaways\"",
            "id=\"knobs\"",
            "id=\"gates\"",
            "id=\"doubts\"",
            "id=\"reproduce\"",
            "▲ regressed +4.5\u{a0}%",
            "\u{2212}6.0\u{a0}%",
        ],
    );
    // Seven distributions and as many regressions, one batch curve, one scaling chart, one comparison.
    assert_eq!(page.matches("<svg ").count(), 17);
    assert!(
        !page.contains("http:") && !page.contains("https:") && !page.contains("url("),
        "the page refers outside"
    );
}

#[test]
fn equal_reports_give_equal_bytes() {
    for made in
        [fixture::measured as fn() -> RunReport, fixture::founding, fixture::partial, fixture::hostile]
    {
        assert_eq!(html(&made()), html(&made()));
        assert_eq!(markdown(&made()), markdown(&made()));
        assert_eq!(report::json(&made()).unwrap(), report::json(&made()).unwrap());
    }
}

#[test]
fn hostile_names_are_inert_in_a_page() {
    let page = html(&fixture::hostile());
    for acting in ["<script", "<b>", "\u{202e}", "\0", "\u{1b}", "</style></svg>", " onload=\"alert"] {
        assert!(!page.contains(acting), "{acting:?} survived");
    }
    check(&page, &["&lt;script&gt;alert(1)&lt;/script&gt;", "crab 🦀 ünïcödé", &"x".repeat(300)]);
    assert_eq!(page.matches("</style>").count(), 1);
}

#[test]
fn hostile_names_are_inert_in_markdown() {
    let text = markdown(&fixture::hostile());
    for acting in ['\0', '\u{1b}', '\u{202e}', '\r'] {
        assert!(!text.contains(acting), "{acting:?} survived");
    }
    let rendered = rendered(&text);
    // Whatever a name contains, the reader sees only elements that our own template asks for.
    let ours = [
        "h1",
        "h2",
        "h3",
        "p",
        "ul",
        "li",
        "strong",
        "em",
        "code",
        "pre",
        "blockquote",
        "hr",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    ];
    for tag in rendered.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap().trim_matches('/').trim();
        let (name, rest) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(ours.contains(&name), "<{tag}> came alive");
        let known =
            rest.is_empty() || rest.starts_with("style=\"text-align:") || rest == "class=\"language-text\"";
        assert!(known || rest == "/", "<{tag}> has an attribute of its own");
    }
    check(&rendered, &["&lt;script&gt;alert(1)&lt;/script&gt;", "crab 🦀 ünïcödé"]);
    // One heading of the first level: no name became a second one.
    assert_eq!(rendered.matches("<h1>").count(), 1);
}

/// Every table keeps its shape: a pipe in a name must not add a column.
#[test]
fn hostile_names_do_not_split_table_rows() {
    let text = markdown(&fixture::hostile());
    let lines: Vec<&str> = text.lines().collect();
    let cells = |line: &str| {
        let bare = line.replace("\\\\", "").replace("\\|", "");
        bare.matches('|').count()
    };
    let mut tables = 0;
    for (place, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("|--")) {
        tables += 1;
        assert_eq!(cells(lines[place - 1]), cells(line), "head of {line}");
        for row in lines[place + 1..].iter().take_while(|row| row.starts_with('|')) {
            assert_eq!(cells(row), cells(line), "{row}");
        }
    }
    assert!(tables >= 5, "only {tables} tables found");
}

/// What a Markdown reader makes of the text.
fn rendered(text: &str) -> String {
    let mut options = pulldown_cmark::Options::empty();
    options.insert(pulldown_cmark::Options::ENABLE_TABLES);
    options.insert(pulldown_cmark::Options::ENABLE_STRIKETHROUGH);
    options.insert(pulldown_cmark::Options::ENABLE_FOOTNOTES);
    let mut page = String::new();
    pulldown_cmark::html::push_html(&mut page, pulldown_cmark::Parser::new_ext(text, options));
    page
}

#[test]
fn json_is_versioned_and_complete() {
    let made = fixture::measured();
    let value: serde_json::Value = serde_json::from_str(&report::json(&made).unwrap()).unwrap();
    assert_eq!(value["schema"], "bench-runner/report");
    assert_eq!(value["version"], 1);
    let back: RunReport = serde_json::from_value(value).unwrap();
    assert_eq!(back, made);
}

#[test]
fn terminal_rows_fit_and_are_never_wrapped() {
    use unicode_width::UnicodeWidthStr;
    for (name, made) in [
        ("measured", fixture::measured()),
        ("founding", fixture::founding()),
        ("partial", fixture::partial()),
        ("hostile", fixture::hostile()),
    ] {
        for width in [40, 60, 80, 100, 200] {
            let text = report::terminal_summary(&made, width, false, false);
            for line in text.lines() {
                assert!(line.width() <= width, "{name} at {width}: {line}");
            }
            let ascii = report::terminal_summary(&made, width, false, true);
            assert!(ascii.is_ascii(), "{name} at {width}: {ascii}");
            assert!(!text.contains('\u{1b}'), "{name}: escape sequence without colour");
        }
    }
    insta::assert_snapshot!(
        "measured.terminal",
        report::terminal_summary(&fixture::measured(), 80, false, false)
    );
    assert!(report::terminal_summary(&fixture::measured(), 120, true, false).contains("\u{1b}["));
}

#[test]
fn own_templates_replace_the_built_in_ones() {
    let sources = BTreeMap::from([("note.md".to_owned(), "only {{ page.title }}\n".to_owned())]);
    let templates = Templates::replacing(sources).unwrap();
    let text = report::markdown_with(&templates, &fixture::measured()).unwrap();
    assert_eq!(text, "only kms benchmark report: mbp13-2019\n");
}

#[test]
fn template_errors_name_file_line_and_remedy() {
    let fails = |name: &str, source: &str| {
        let sources = BTreeMap::from([(name.to_owned(), source.to_owned())]);
        let error = Templates::replacing(sources).and_then(|templates| {
            report::markdown_with(&templates, &fixture::measured())?;
            report::html_with(&templates, &fixture::measured())
        });
        let error = error.unwrap_err();
        assert!(error.hint().is_some(), "{error} has no hint");
        error
    };
    let line = |error: &ReportError| match error {
        ReportError::Template { name, line, .. } => (name.clone(), *line),
        other => panic!("{other:?}"),
    };
    assert_eq!(line(&fails("note.md", "one\n{% if %}\n")), ("note.md".to_owned(), Some(2)));
    assert_eq!(line(&fails("note.md", "one\ntwo\n{{ page.nothing }}\n")), ("note.md".to_owned(), Some(3)));
    assert_eq!(line(&fails("note.html", "{{ page.title|unheard_of }}")), ("note.html".to_owned(), Some(1)));
    assert!(matches!(fails("page.css", "</STYLE><script>"), ReportError::Stylesheet));
    assert!(matches!(fails("other.md", ""), ReportError::UnknownTemplate { .. }));
}

/// Samples of d, 2d, 3d … iterations are drawn with their line; a slope that does not follow from them draws nothing.
#[test]
fn linear_sampling_is_drawn_and_nothing_is_made_up() {
    let mut made = fixture::measured();
    let drawn = |made: &RunReport| html(made).matches("<title").count();
    let titles = drawn(&made);
    let linear = html(&made).matches("Time over iterations of").count();
    assert_eq!(linear, made.distributions.len(), "each benchmark of the fixture is sampled so");
    let first = made.results.iter_mut().find(|result| !result.launches.is_empty()).unwrap();
    first.launches[0].slope = first.launches[0].slope.map(|slope| slope * 1.0001);
    assert_eq!(drawn(&made), titles - 1, "a slope that does not follow from the samples");
    for launch in made.results.iter_mut().flat_map(|result| &mut result.launches) {
        launch.slope = None;
    }
    assert_eq!(drawn(&made), titles - linear, "flat sampling has no slope");
    let many = html(&fixture::large(41));
    assert!(!many.contains("Time over iterations of") && many.contains("pages of at most 40 benchmarks"));
    assert_eq!(html(&fixture::large(40)).matches("Time over iterations of").count(), 40);
}

#[test]
fn verdicts_are_counted_with_their_reach() {
    let mut rows = fixture::measured().previous.unwrap().rows;
    let all = rows.len();
    for (row, ratio) in rows.iter_mut().zip([1.05, 1.2, 1.1, 0.9]) {
        row.ratio = ratio;
        row.verdict = if ratio > 1.0 { Verdict::Regressed } else { Verdict::Improved };
    }
    rows.truncate(4);
    assert!(all >= 4, "{all}");
    assert_eq!(
        counted(&rows, Dialect::Ascii),
        "4 benchmarks on both sides: 3 regressed (+5.0 % to +20.0 %), 1 improved (-10.0 %)"
    );
    assert_eq!(counted(&[], Dialect::Ascii), "no benchmark is on both sides");
}

#[test]
fn a_broken_budget_is_named_in_the_first_paragraph() {
    let mut made = fixture::measured();
    let gate = made.gates.iter_mut().find(|gate| gate.budget.id == "sign_128B").unwrap();
    (gate.verdict, gate.headroom) = (GateVerdict::Fail, Some(-0.04));
    check(&markdown(&made), &["Gates: `sign_128B` (4.0 % over its limit) is broken; 1 of 3 pass."]);
}

#[test]
fn the_answer_comes_first() {
    let first = |made: &RunReport| {
        report::terminal_summary(made, 200, false, false).lines().next().unwrap().to_owned()
    };
    let line = first(&fixture::measured());
    assert!(line.starts_with("1 regressed (verify_batch/32 +4.5 %"), "{line}");
    let line = first(&fixture::partial());
    assert!(line.starts_with("This run is partial: Missing 2 of 7 benchmarks"), "{line}");
    let paragraph = |made: &RunReport| markdown(made).split("\n\n").nth(1).unwrap().to_owned();
    assert!(paragraph(&fixture::measured()).starts_with("**In short.** 1 regressed ("));
    assert!(paragraph(&fixture::partial()).starts_with("> **This run is partial.**"));
}

#[test]
fn a_trend_tells_alike_benchmarks_together_and_counts_the_rest() {
    let benchmark = |number: u32| BenchmarkId {
        package: "p".to_owned(),
        target: "t".to_owned(),
        group: format!("g{number:02}"),
        function: None,
        value: None,
        occurrence: 0,
    };
    let reason = |number: u32| if number == 5 { "new" } else { "too short a history" };
    let undecided = |number: u32| Undecided {
        machine: 0,
        benchmark: benchmark(number),
        ratio: None,
        suspect: false,
        reason: reason(number).to_owned(),
    };
    let last = |number: u32| format!("01K9B{:021}", number % 2).parse().unwrap();
    let not_run = |number: u32| NotRun {
        machine: 0,
        benchmark: benchmark(number),
        last: last(number),
        at: Timestamp(0),
    };
    let made = TrendReport {
        now: Timestamp(3_600_000_000),
        nights: 30,
        imported: false,
        margin: 0.02,
        tonight: Tonight::CannotTell,
        newest: Some(Timestamp(0)),
        machines: Vec::new(),
        slower: Vec::new(),
        faster: Vec::new(),
        decided: Vec::new(),
        undecided: (0..12).map(undecided).collect(),
        not_run: (0..30).map(not_run).collect(),
        checked: Checked::default(),
    };
    let text = report::sheet_text(&report::trend_sheet(&made, "c", Dialect::Terminal), 200);
    let some = "t/g00, t/g01, t/g02, t/g03, t/g04, t/g06, t/g07, t/g08 and 3 more";
    check(
        &text,
        &[
            &format!("- 11 benchmarks on unknown: too short a history ({some})\n"),
            "- 1 benchmark on unknown: new (t/g05)\n",
            "- 15 benchmarks on unknown: last measured 1970-01-01, 1 hour ago, by run 0000000000 (t/g00, t/g02,",
            " and 7 more)\n",
        ],
    );
    // A page has room for all of them.
    let page = report::trend_sheet(&made, "c", Dialect::Html);
    let lines =
        |slug: &str| page.sections.iter().find(|section| section.slug == slug).unwrap().lines.join("\n");
    assert!(lines("undecided").contains("t/g11") && lines("not-run").contains("t/g29"));
}

/// Contrast of the palette, both schemes: 4.5 to 1 for text (WCAG 2.2, success criterion 1.4.3).
#[test]
fn text_colours_have_contrast() {
    let style = include_str!("../../../templates/page.css");
    let schemes: Vec<BTreeMap<&str, &str>> = style
        .split(":root {")
        .skip(1)
        .map(|block| {
            let block = block.split('}').next().unwrap();
            block.split(';').filter_map(|pair| pair.trim().rsplit_once(": ")).collect()
        })
        .collect();
    assert_eq!(schemes.len(), 3, "light, dark and print");
    for (scheme, colors) in ["light", "dark", "print"].iter().zip(&schemes) {
        for text in ["--ink", "--soft", "--link", "--regressed", "--improved", "--neutral", "--third"] {
            for paper in ["--paper", "--sheet"] {
                let ratio = contrast(colors[text], colors[paper]);
                assert!(ratio >= 4.5, "{scheme}: {text} on {paper} is {ratio:.2} to 1");
            }
        }
        for tint in ["--regressed", "--improved", "--third"] {
            let paper = colors.get(format!("{tint}-tint").as_str());
            // Print keeps the light tints behind banners, whose text is ink there.
            if let Some(paper) = paper {
                let ratio = contrast(colors[tint], paper);
                assert!(ratio >= 4.5, "{scheme}: {tint} on its tint is {ratio:.2} to 1");
            }
        }
    }
}

/// Contrast ratio as WCAG 2.2 defines it, from relative luminances.
fn contrast(one: &str, other: &str) -> f64 {
    let luminance = |color: &str| {
        let channel = |from: usize| {
            let value = f64::from(u8::from_str_radix(&color[from..from + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    };
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn pages_of_many_benchmarks_stay_small() {
    let page = html(&fixture::large(112));
    assert!(page.len() < 700_000, "{} bytes", page.len());
}
