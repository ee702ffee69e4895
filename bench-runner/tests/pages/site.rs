//! The site in a real browser: calm at three widths and in both themes, whole without scripts, usable by keyboard, printable,
//! and without serious findings of axe-core.

use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::Value;

use super::browser::{Browser, Failure, View};

#[path = "site_choices.rs"]
mod choices;
#[path = "made_up.rs"]
mod made_up;

/// Kinds of pages: word, where to find one.
const PAGES: [(&str, &str); 16] = [
    ("index", "index.html"),
    ("benchmarks", "benchmarks.html"),
    ("changes", "changes.html"),
    ("machines", "machines.html"),
    ("compare", "compare.html"),
    ("gates", "gates.html"),
    ("releases", "releases.html"),
    ("knobs", "knobs.html"),
    ("data", "data.html"),
    ("method", "method.html"),
    ("benchmark", "benchmark/kms-batch-verify-verify-batch-32-"),
    ("hostile", "benchmark/kms-hostile-script-alert"),
    ("machine", "machine/0123456789abcdef"),
    ("stranger", "machine/b-machine-b"),
    ("comparison", "compare/"),
    ("run", "run/"),
];

type Test = fn(&mut Browser, &str) -> Result<(), Failure>;

/// All tests with their cases.
pub(crate) fn tests() -> Vec<(Test, String)> {
    let mut tests: Vec<(Test, String)> = Vec::new();
    for (page, _) in PAGES {
        for (width, scheme) in [(390, "light"), (768, "dark"), (1280, "light"), (1280, "dark")] {
            tests.push((is_calm, format!("{page} at {width} px, {scheme}")));
        }
        tests.push((is_accessible, format!("{page} has no serious finding of axe, light")));
        tests.push((is_accessible, format!("{page} has no serious finding of axe, dark")));
        tests.push((is_whole_without_scripts, format!("{page} without scripts")));
        for width in [390, 768, 1280] {
            tests.push((choices::shows_every_column, format!("{page} shows every column at {width} px")));
        }
    }
    tests.push((is_accessible, "index has no serious finding of axe, narrow".to_owned()));
    tests.push((choices::is_seen_otherwise, "benchmark from zero and over its newest runs".to_owned()));
    tests.push((choices::leads_on_by_keys, "hostile leads to the one beside it by keys".to_owned()));
    tests.push((choices::leads_on_by_keys, "run leads to the one before by keys".to_owned()));
    tests.push((choices::has_a_regression, "run has the regression of linear sampling".to_owned()));
    for page in ["benchmark", "hostile", "machine"] {
        tests.push((has_every_point_by_keyboard, format!("{page} by keyboard")));
    }
    tests.push((prints, "benchmark on paper".to_owned()));
    tests.push((prints, "index on paper".to_owned()));
    tests.push((sorts_filters_and_keeps_state, "index keeps its state in the address".to_owned()));
    tests.push((axe_sees_a_planted_fault, "axe sees a planted fault".to_owned()));
    for (task, ..) in TASKS {
        tests.push((is_two_clicks_away, task.to_owned()));
    }
    for width in [390, 768, 1280] {
        tests.push((can_be_read, format!("benchmark at {width} px has labels that can be read")));
    }
    tests.push((copies_with_its_command, "index copies with the command".to_owned()));
    tests.push((says_its_age, "index says its age".to_owned()));
    tests
}

/// Where the site is; written by whoever comes first.
fn folder() -> Result<PathBuf, Failure> {
    static SITE: OnceLock<PathBuf> = OnceLock::new();
    let made = SITE.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pages-site");
        // What an earlier test run left belongs to an earlier program.
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).expect("the build folder can be written");
        std::fs::write(folder.join("bench-runner.toml"), made_up::CONFIG)
            .expect("the build folder can be written");
        made_up::store(&folder.join("observatory.sqlite"));
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_bench-runner"));
        command.current_dir(&folder).arg("site").assert().success();
        folder.join("site")
    });
    Ok(made.clone())
}

/// The file of a kind of page: that of the name, or the last one that begins so.
fn file(case: &str) -> Result<PathBuf, Failure> {
    let word = case.split(' ').next().unwrap_or_default();
    let (_, start) = PAGES.iter().find(|(page, _)| *page == word).ok_or("no such page")?;
    let site = folder()?;
    let (below, start) = start.rsplit_once('/').unwrap_or(("", start));
    let mut found: Vec<PathBuf> = std::fs::read_dir(site.join(below))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(start) && name.ends_with(".html")
        })
        .collect();
    found.sort();
    // The first machine's newest run, which has everything, comes before those of the others.
    if word == "run" {
        found
            .retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("01K9B1")));
    }
    found.pop().ok_or_else(|| format!("the site has no page {below}/{start}").into())
}

fn view(case: &str, width: u32) -> View {
    View { width, dark: case.ends_with("dark"), print: false, scripts: true }
}

/// What is asked of every page.
const MEASURE: &str = r"(() => {
  const all = [...document.querySelectorAll('*')];
  const ids = all.filter(e => e.id).map(e => e.id);
  const named = svg => (svg.getAttribute('aria-labelledby') || '').split(' ')
    .every(id => id && document.getElementById(id)?.textContent);
  const svgs = [...document.querySelectorAll('svg')];
  const wide = all.filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll, pre, .skip'));
  return {
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    wide: wide.slice(0, 5).map(e => e.tagName + '.' + e.className),
    active: document.querySelectorAll('[onload], [onerror], [style], iframe, object, embed, form').length,
    scripts: document.querySelectorAll('script').length,
    duplicates: ids.length - new Set(ids).size,
    unnamed: svgs.filter(svg => svg.getAttribute('role') !== 'img' || !named(svg)).length,
    headings: document.querySelectorAll('h1').length,
    invented: document.querySelectorAll('main b, main i, main u, main img, main style').length,
    paper: getComputedStyle(document.body).backgroundColor,
    tools: document.querySelectorAll('.tools button').length,
  };
})()";

fn is_calm(browser: &mut Browser, case: &str) -> Result<(), Failure> {
    let width = case.split(' ').nth(2).and_then(|width| width.parse().ok()).ok_or("no width")?;
    let view = view(case, width);
    let picture = folder()?.join(format!("../{}.png", case.replace([' ', ','], "-")));
    let visit = browser.visit(&file(case)?, view, MEASURE, Some(&picture))?;
    let measured = &visit.measured;
    let mut faults: Vec<String> = Vec::new();
    for count in ["overflow", "active", "duplicates", "unnamed", "invented"] {
        if measured[count] != 0 {
            faults.push(format!("{count}: {} {}", measured[count], measured["wide"]));
        }
    }
    for (count, expected) in [("headings", 1), ("scripts", 1), ("tools", 2)] {
        if measured[count] != expected {
            faults.push(format!("{count}: {}", measured[count]));
        }
    }
    let paper = if view.dark { "rgb(13, 17, 23)" } else { "rgb(255, 255, 255)" };
    if measured["paper"] != paper {
        faults.push(format!("the background is {}", measured["paper"]));
    }
    faults.extend(visit.requests.iter().map(|request| format!("request: {request}")));
    faults.extend(visit.messages.iter().map(|message| format!("console: {message}")));
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n").into()) }
}

/// Serious and critical findings of axe-core as one text each.
fn axe() -> String {
    format!(
        "{};document.querySelectorAll('details').forEach(fold => {{ fold.open = true; }});\
         axe.run(document, {{ resultTypes: ['violations'] }}).then(result => result.violations\
         .filter(found => ['serious', 'critical'].includes(found.impact))\
         .map(found => found.id + ': ' + found.nodes.slice(0, 3).map(node => node.html + ' ' + node.failureSummary).join(' | ')))",
        include_str!("../fixtures/axe/axe.min.js")
    )
}

fn is_accessible(browser: &mut Browser, case: &str) -> Result<(), Failure> {
    let width = if case.ends_with("narrow") { 390 } else { 1280 };
    let visit = browser.visit(&file(case)?, view(case, width), &axe(), None)?;
    let found = visit.measured.as_array().ok_or("axe gave no list")?;
    if found.is_empty() {
        Ok(())
    } else {
        Err(found.iter().map(Value::to_string).collect::<Vec<_>>().join("\n").into())
    }
}

/// The control: a picture without a text, a field without a label and a faint text must be seen.
fn axe_sees_a_planted_fault(browser: &mut Browser, _: &str) -> Result<(), Failure> {
    let text = "<!doctype html><html lang=en><title>bad</title><main><h1>bad</h1><img src=\"data:,\"><input>\
                <p style=\"color:#ccc;background:#fff\">faint</p></main>";
    let file = folder()?.join("../bad.html");
    std::fs::write(&file, text)?;
    let found = browser.visit(&file, view("light", 1280), &axe(), None)?.measured.to_string();
    let unseen = ["image-alt", "label", "color-contrast"].into_iter().find(|id| !found.contains(id));
    unseen.map_or(Ok(()), |id| Err(format!("{id} went unseen: {found}").into()))
}

fn is_whole_without_scripts(browser: &mut Browser, case: &str) -> Result<(), Failure> {
    let count = "({ rows: document.querySelectorAll('main tbody tr').length, svgs: document.querySelectorAll('main svg').length, \
                 words: document.querySelector('main').textContent.length, tools: document.querySelectorAll('.tools').length, \
                 text: document.querySelector('main').innerText.length })";
    let with = browser.visit(&file(case)?, view("light", 1280), count, None)?.measured;
    let off = View { scripts: false, ..view("light", 1280) };
    let without = browser.visit(&file(case)?, off, count, None)?.measured;
    if with["tools"] != 1 || without["tools"] != 0 {
        return Err(format!("scripts were not off: {without}").into());
    }
    for same in ["rows", "svgs"] {
        if with[same] != without[same] {
            return Err(format!("{same}: {} with scripts, {} without", with[same], without[same]).into());
        }
    }
    if without["text"].as_u64().unwrap_or(0) < 200 {
        return Err(format!("little to read without scripts: {without}").into());
    }
    Ok(())
}

/// What people come for: the question, the words of the links to click, one after the other, and what the last page must show.
///
/// A link is found as a person finds it: by words in it or in its row.
const TASKS: [(&str, &[&str], &str); 6] = [
    (
        "which benchmark got slower last night, and since which commit?",
        &["batch_verify/verify_batch/32 ▲"],
        r"Change\s+\+6\.\d % \[[\s\S]*since 2026-11-1\d[\s\S]*commits [0-9a-f]{10}\.\.[0-9a-f]{10}",
    ),
    ("is this machine fit?", &["laptop grade B"], r"fit: yes: grade B[\s\S]*Noise over time"),
    (
        "how does the laptop compare with the server?",
        &["how do machines compare?"],
        r"laptop against server: dots|server against laptop: dots",
    ),
    (
        "what may I write in the release notes?",
        &["release notes?"],
        r"v1\.4\.0 → v1\.5\.0 on server[\s\S]*YOU MAY WRITE[\s\S]*got slower: \+6",
    ),
    (
        "which knob should I turn first, and what did it gain?",
        &["Which knob first"],
        r"First: [\s\S]*Tried: [\s\S]*[-−]1[12]\.\d[\s\S]*VERIFIED",
    ),
    (
        "what was that run?",
        &["batch_verify/verify_batch/32 ▲", "2026-11-18"],
        r"kms benchmark report[\s\S]*Hardware[\s\S]*How to reproduce",
    ),
];

/// Walks from the first page, at most two clicks, and reads the answer.
fn is_two_clicks_away(browser: &mut Browser, case: &str) -> Result<(), Failure> {
    let (_, clicks, answer) = TASKS.iter().find(|(task, ..)| *task == case).ok_or("no such task")?;
    if clicks.len() > 2 {
        return Err("more than two clicks".into());
    }
    let mut at = folder()?.join("index.html");
    for words in *clicks {
        // Folds are open: opening one is no click on a link, and everything on the page counts.
        let find = format!(
            "(() => {{ document.querySelectorAll('details').forEach(fold => {{ fold.open = true; }}); \
             const words = {}.split(' '); const seen = text => words.every(word => text.includes(word)); \
             const links = [...document.querySelectorAll('main a[href]')]; \
             const link = links.find(a => seen(a.innerText)) ?? links.find(a => seen(a.closest('tr, li')?.innerText ?? '')); \
             return link ? decodeURI(link.pathname) : null; }})()",
            Value::from(*words)
        );
        let found = browser.visit(&at, view("light", 390), &find, None)?.measured;
        at =
            PathBuf::from(found.as_str().ok_or_else(|| format!("no link says {words} on {}", at.display()))?);
    }
    let read = "document.body.innerText";
    let text = browser.visit(&at, view("light", 390), read, None)?.measured;
    let text = text.as_str().unwrap_or_default().replace('\u{a0}', " ");
    let wanted = regex::Regex::new(answer)?;
    if wanted.is_match(&text) {
        return Ok(());
    }
    let start: String = text.chars().take(3000).collect();
    Err(format!("{} does not answer with {answer}:\n{start}", at.display()).into())
}

/// Labels of charts are at least 9.5 pixels high at every width.
fn can_be_read(browser: &mut Browser, case: &str) -> Result<(), Failure> {
    let width = case.split(' ').nth(2).and_then(|width| width.parse().ok()).ok_or("no width")?;
    let measure = r"(() => {
      const texts = [...document.querySelectorAll('figure svg text')];
      const size = text => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a;
      return { count: texts.length, least: Math.min(...texts.map(size)) };
    })()";
    let measured = browser.visit(&file(case)?, view("light", width), measure, None)?.measured;
    let least = measured["least"].as_f64().unwrap_or(0.0);
    if least < 9.5 || measured["count"].as_u64().unwrap_or(0) < 10 {
        return Err(measured.to_string().into());
    }
    Ok(())
}

/// Each form of a copied table has its rows and ends with the command that makes it again.
fn copies_with_its_command(browser: &mut Browser, case: &str) -> Result<(), Failure> {
    let act = r"(async () => {
      const copied = {};
      const holder = document.querySelector('#machines .scroll');
      const rows = holder.querySelectorAll('tbody tr').length;
      for (const button of holder.previousElementSibling.querySelectorAll('button')) {
        let text = null;
        Object.defineProperty(navigator, 'clipboard', { configurable: true, value: { writeText: async said => { text = said; } } });
        const word = button.textContent;
        button.click();
        await new Promise(done => setTimeout(done, 20));
        copied[word] = text;
      }
      return { rows, copied };
    })()";
    let measured = browser.visit(&file(case)?, view("light", 1280), act, None)?.measured;
    let text = |form: &str| measured["copied"][form].as_str().unwrap_or_default().to_owned();
    let rows = usize::try_from(measured["rows"].as_u64().unwrap_or(0))?;
    let (markdown, csv) = (text("Markdown"), text("CSV"));
    let json: Value = serde_json::from_str(&text("JSON"))?;
    let command = "bench-runner trend --nights 30 --now ";
    let whole = rows >= 3
        && markdown.lines().filter(|line| line.starts_with("| ")).count() == rows + 1
        && markdown.trim_end().lines().last().is_some_and(|line| line.starts_with(&format!("`{command}")))
        && csv.trim_end().lines().count() == rows + 2
        && csv.contains(&format!("# {command}"))
        && json["items"].as_array().map(Vec::len) == Some(rows)
        && json["command"].as_str().is_some_and(|said| said.starts_with(command));
    if whole { Ok(()) } else { Err(measured.to_string().into()) }
}

/// The page has no clock; the reader's says how old it is.
fn says_its_age(browser: &mut Browser, case: &str) -> Result<(), Failure> {
    let measure = "({ age: document.querySelector('.age')?.textContent ?? '', \
                   days: (Date.now() - Date.parse(document.querySelector('[data-newest]').dataset.newest)) / 864e5 })";
    let measured = browser.visit(&file(case)?, view("light", 1280), measure, None)?.measured;
    let old = measured["days"].as_f64().ok_or("no date")? > 1.5;
    let said = measured["age"].as_str().unwrap_or_default().contains("nothing newer than");
    if old == said { Ok(()) } else { Err(measured.to_string().into()) }
}

/// Each chart is a stop of the Tab key, and the arrow keys reach each of its points, which are told in words.
fn has_every_point_by_keyboard(browser: &mut Browser, case: &str) -> Result<(), Failure> {
    let walk = r"(() => {
      const faults = [];
      let points = 0;
      for (const figure of document.querySelectorAll('figure[data-at]')) {
        const plot = figure.querySelector('.plot');
        const told = figure.querySelector('.told');
        const rows = [...figure.querySelectorAll('tbody tr')];
        const at = figure.dataset.at.split(' ');
        if (!plot || plot.tabIndex !== 0) { faults.push('no stop of the Tab key'); continue; }
        if (rows.length !== at.length) faults.push(rows.length + ' rows, ' + at.length + ' points');
        plot.focus();
        if (document.activeElement !== plot) faults.push('cannot be focused');
        const press = key => plot.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
        const seen = new Set();
        press('Home');
        for (let place = 0; place < at.length; place += 1) {
          seen.add(figure.dataset.point);
          if (!told.textContent.includes(rows[place].cells[0].textContent.trim())) faults.push('point ' + place + ' is not told');
          press('ArrowRight');
        }
        if (seen.size !== at.length) faults.push(seen.size + ' of ' + at.length + ' points reached');
        press('End');
        if (Number(figure.dataset.point) !== at.length - 1) faults.push('End is not the last point');
        press('Escape');
        if (figure.dataset.point !== '-1') faults.push('Escape does not leave');
        if (told.getAttribute('aria-live') !== 'polite') faults.push('points are not announced');
        points += at.length;
      }
      return { faults, points };
    })()";
    let measured = browser.visit(&file(case)?, view("light", 1280), walk, None)?.measured;
    if measured["points"].as_u64().unwrap_or(0) < 5 || measured["faults"] != serde_json::json!([]) {
        return Err(measured.to_string().into());
    }
    Ok(())
}

fn prints(browser: &mut Browser, case: &str) -> Result<(), Failure> {
    let paper = "getComputedStyle(document.body).backgroundColor + ' ' + getComputedStyle(document.querySelector('.bar')).display";
    let print = View { print: true, ..view("dark", 800) };
    let visit = browser.visit(&file(case)?, print, paper, None)?;
    if visit.measured != "rgb(255, 255, 255) none" || visit.pdf < 10_000 {
        return Err(format!("{} with a PDF of {} characters", visit.measured, visit.pdf).into());
    }
    Ok(())
}

/// Sorting and filtering change the rows and the address, and the address brings them back.
fn sorts_filters_and_keeps_state(browser: &mut Browser, case: &str) -> Result<(), Failure> {
    let act = r"(() => {
      const field = [...document.querySelectorAll('.acts input')].find(field => field.checkVisibility());
      const holder = field.parentElement.nextElementSibling;
      const body = holder.querySelector('tbody');
      const before = body.rows[0].textContent;
      const button = holder.querySelector('th button');
      button.click();
      button.click();
      const sorted = body.rows[0].textContent !== before || body.rows.length === 1;
      const word = body.rows[3].cells[0].innerText.trim();
      field.value = word;
      field.dispatchEvent(new Event('input'));
      const left = [...body.rows].filter(row => !row.classList.contains('hidden')).length;
      return { sorted, left, all: body.rows.length, hash: location.hash, word,
        order: holder.querySelector('th').getAttribute('aria-sort') };
    })()";
    let measured = browser.visit(&file(case)?, view("light", 1280), act, None)?.measured;
    let hash = measured["hash"].as_str().unwrap_or_default();
    let fewer = measured["left"].as_u64() < measured["all"].as_u64() && measured["left"].as_u64() > Some(0);
    if !fewer || measured["order"] != "descending" || !hash.contains("q.t") || !hash.starts_with("#~") {
        return Err(measured.to_string().into());
    }
    Ok(())
}
