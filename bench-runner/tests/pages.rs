//! The HTML report in a real browser: no request, no console message, no page-wide scroll, both colour schemes.
//!
//! Without Chromium every test is reported as ignored with the reason; with `BENCH_RUNNER_REQUIRE_BROWSER=1` it fails
//! instead. A planted bad page proves that the checks see what they are meant to see.

#[path = "pages/browser.rs"]
mod browser;
#[path = "it/report_fixture.rs"]
mod report_fixture;
#[path = "pages/site.rs"]
mod site;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use bench_runner::model::report::RunReport;
use browser::{Browser, Failure, View};
use libtest_mimic::{Arguments, Trial};
use serde_json::Value;

/// What is asked of every page, as one expression.
const MEASURE: &str = r"(() => {
  const all = [...document.querySelectorAll('*')];
  const ids = all.filter(e => e.id).map(e => e.id);
  const wide = all.filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll, pre'));
  const named = svg => (svg.getAttribute('aria-labelledby') || '').split(' ')
    .every(id => id && document.getElementById(id)?.textContent);
  return {
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    wide: wide.slice(0, 5).map(e => e.tagName + '.' + e.className),
    active: document.querySelectorAll('script, [onload], [onerror], [style], iframe, object, embed, form').length,
    outside: document.querySelectorAll('a[href]:not([href^=\x22#\x22])').length,
    duplicates: ids.length - new Set(ids).size,
    charts: document.querySelectorAll('svg').length,
    unnamed: [...document.querySelectorAll('svg')].filter(svg => svg.getAttribute('role') !== 'img' || !named(svg)).length,
    headings: document.querySelectorAll('h1').length,
    paper: getComputedStyle(document.body).backgroundColor,
    folded: [...document.querySelectorAll('details td')].filter(cell => !cell.checkVisibility()).length,
    invented: document.querySelectorAll('main b, main i, main img, main style').length,
  };
})()";

type Shared = Arc<Mutex<Option<Browser>>>;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let program = browser::find(std::env::var_os("CHROMIUM").as_deref());
    let required = std::env::var_os("BENCH_RUNNER_REQUIRE_BROWSER").is_some_and(|value| value == "1");
    let shared: Shared = Arc::default();
    let mut trials = Vec::new();
    let mut add = |name: String, test: fn(&mut Browser, &str) -> Result<(), Failure>, case: String| {
        let (shared, program) = (Arc::clone(&shared), program.clone());
        let ignored = program.is_none() && !required;
        let trial = Trial::test(name, move || {
            with_browser(&shared, program.as_deref(), |browser| test(browser, &case))
                .map_err(|error| error.to_string().into())
        });
        let reason = if ignored { "no Chromium found; set CHROMIUM" } else { "" };
        trials.push(trial.with_ignored_flag(ignored).with_kind(reason));
    };
    for (page, _) in PAGES {
        for width in [390, 1280] {
            for scheme in ["light", "dark"] {
                let case = format!("{page} {width} {scheme}");
                add(format!("{page} at {width} px, {scheme}"), page_is_calm, case);
            }
        }
    }
    add("a bad page is caught".to_owned(), bad_page_is_caught, String::new());
    add("a broken policy is caught".to_owned(), broken_policy_is_caught, String::new());
    add("printing opens the folds".to_owned(), printing_opens_folds, String::new());
    for (test, case) in site::tests() {
        add(format!("site: {case}"), test, case);
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    // Statics are not dropped; the browser has to be, or it would outlive the tests.
    drop(shared.lock().map(|mut browser| browser.take()));
    conclusion.exit_code()
}

/// A name and how to make its report.
type Page = (&'static str, fn() -> RunReport);

const PAGES: [Page; 5] = [
    ("measured", report_fixture::measured),
    ("founding", report_fixture::founding),
    ("partial", report_fixture::partial),
    ("hostile", report_fixture::hostile),
    ("large", || report_fixture::large(112)),
];

/// Runs `test` with the one browser, started by whoever comes first.
fn with_browser(
    shared: &Shared,
    program: Option<&Path>,
    test: impl FnOnce(&mut Browser) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let program = program.ok_or("no Chromium found, and BENCH_RUNNER_REQUIRE_BROWSER is set")?;
    let mut slot = shared.lock().map_err(|_| "another page test panicked")?;
    let browser = match slot.as_mut() {
        Some(browser) => browser,
        None => slot.insert(Browser::start(program)?),
    };
    test(browser)
}

/// Folder for pages and pictures.
fn folder() -> Result<PathBuf, Failure> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn written(name: &str, text: &str) -> Result<PathBuf, Failure> {
    let file = folder()?.join(format!("{name}.html"));
    std::fs::write(&file, text)?;
    Ok(file)
}

fn page_is_calm(browser: &mut Browser, case: &str) -> Result<(), Failure> {
    let parts: Vec<&str> = case.split(' ').collect();
    let [name, width, scheme] = parts[..] else { return Err(format!("bad case `{case}`").into()) };
    let (_, report) = PAGES.iter().find(|(page, _)| *page == name).ok_or("no such page")?;
    let file = written(name, &bench_runner::report::html(&report())?)?;
    let view = View { width: width.parse()?, dark: scheme == "dark", print: false, scripts: true };
    // The long pages say nothing more to the eye, and their pictures take longer than all the rest.
    let long = matches!(name, "large" | "hostile");
    let picture = folder()?.join(format!("{name}-{width}-{scheme}.png"));
    let visit = browser.visit(&file, view, MEASURE, (!long).then_some(picture.as_path()))?;
    let mut faults = faults(&visit.measured, view);
    faults.extend(visit.requests.iter().map(|request| format!("request: {request}")));
    faults.extend(visit.messages.iter().map(|message| format!("console: {message}")));
    if name != "founding" && visit.measured["charts"].as_u64().unwrap_or(0) < 5 {
        faults.push("fewer than five charts".to_owned());
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n").into()) }
}

/// Everything wrong with what was measured.
fn faults(measured: &Value, view: View) -> Vec<String> {
    let mut faults = Vec::new();
    for count in ["overflow", "active", "outside", "duplicates", "unnamed", "invented"] {
        if measured[count] != 0 {
            faults.push(format!("{count}: {} {}", measured[count], measured["wide"]));
        }
    }
    if measured["headings"] != 1 {
        faults.push(format!("{} first headings", measured["headings"]));
    }
    let paper = measured["paper"].as_str().unwrap_or_default();
    let expected = if view.dark { "rgb(13, 17, 23)" } else { "rgb(255, 255, 255)" };
    if paper != expected {
        faults.push(format!("the background is {paper}, not {expected}"));
    }
    faults
}

/// The control: a page that asks for a file, complains, and is too wide must fail on all three counts.
fn bad_page_is_caught(browser: &mut Browser, _: &str) -> Result<(), Failure> {
    let text = "<!doctype html><title>bad</title><h1>bad</h1><img src=\"http://127.0.0.1:9/picture.png\">\
                <div style=\"width:2000px\">wide</div><script>console.error('planted')</script>";
    let view = View { width: 390, dark: false, print: false, scripts: true };
    let visit = browser.visit(&written("bad", text)?, view, MEASURE, None)?;
    if !visit.requests.iter().any(|request| request.contains("127.0.0.1:9")) {
        return Err(format!("the request went unseen: {:?}", visit.requests).into());
    }
    if !visit.messages.iter().any(|message| message.contains("planted")) {
        return Err(format!("the console message went unseen: {:?}", visit.messages).into());
    }
    let faults = faults(&visit.measured, view).join("\n");
    for count in ["overflow", "active"] {
        if !faults.contains(count) {
            return Err(format!("{count} went unseen: {faults}").into());
        }
    }
    Ok(())
}

/// The control of the content policy: a style that its hash does not cover must be reported.
fn broken_policy_is_caught(browser: &mut Browser, _: &str) -> Result<(), Failure> {
    let good = bench_runner::report::html(&report_fixture::founding())?;
    let text = good.replace("<style>", "<style>/* altered */");
    let view = View { width: 1280, dark: false, print: false, scripts: true };
    let visit = browser.visit(&written("altered", &text)?, view, MEASURE, None)?;
    if visit.messages.iter().any(|message| message.contains("Content Security Policy")) {
        return Ok(());
    }
    Err(format!("the violation went unseen: {:?}", visit.messages).into())
}

fn printing_opens_folds(browser: &mut Browser, _: &str) -> Result<(), Failure> {
    let file = written("print", &bench_runner::report::html(&report_fixture::measured())?)?;
    let screen =
        browser.visit(&file, View { width: 800, dark: false, print: false, scripts: true }, MEASURE, None)?;
    let picture = folder()?.join("print.png");
    let print = browser.visit(
        &file,
        View { width: 800, dark: true, print: true, scripts: true },
        MEASURE,
        Some(&picture),
    )?;
    if screen.measured["folded"] == 0 {
        return Err("nothing is folded on the screen, so this test shows nothing".into());
    }
    if print.measured["folded"] != 0 {
        return Err(format!("{} cells stay folded on paper", print.measured["folded"]).into());
    }
    if print.measured["paper"] != "rgb(255, 255, 255)" {
        return Err(format!("paper is printed {}", print.measured["paper"]).into());
    }
    Ok(())
}
