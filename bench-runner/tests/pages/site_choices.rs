//! What a reader may choose or press on the pages of the site, and that no table loses a column for want of room.

use std::path::PathBuf;

use super::{Browser, Failure, file, folder, view};

/// No table loses a column at its right edge: one that is too wide becomes a list of its rows, which names every column. Tables
/// of charts and very long ones may be scrolled.
pub(super) fn shows_every_column(browser: &mut Browser, case: &str) -> Result<(), Failure> {
    let width = case.split(' ').rev().nth(1).and_then(|width| width.parse().ok()).ok_or("no width")?;
    let measure = r"(async () => {
      document.querySelectorAll('details').forEach(fold => { fold.open = true; });
      await new Promise(done => setTimeout(done, 100));
      const holders = [...document.querySelectorAll('.scroll')].filter(holder => !holder.closest('figure'));
      const cut = holders.filter(holder => holder.scrollWidth > holder.clientWidth + 1 && holder.querySelectorAll('tbody tr').length <= 400);
      const unnamed = [...document.querySelectorAll('.asrows tbody td:not(:first-child)')].filter(cell =>
        !cell.dataset.h || ['none', 'normal'].includes(getComputedStyle(cell, '::before').content));
      return { cut: cut.map(holder => holder.getAttribute('aria-label')), unnamed: unnamed.length,
        tables: holders.length, listed: document.querySelectorAll('.asrows').length };
    })()";
    let measured = browser.visit(&file(case)?, view("light", width), measure, None)?.measured;
    if measured["cut"] != serde_json::json!([]) || measured["unnamed"] != 0 {
        return Err(measured.to_string().into());
    }
    Ok(())
}

/// The two choices of a trend: what is drawn moves, the numbers of the axis follow, hidden points are no stops, the address keeps
/// the choice, and the first look comes back as it was.
pub(super) fn is_seen_otherwise(browser: &mut Browser, case: &str) -> Result<(), Failure> {
    let act = r"(() => {
      const faults = [];
      const figure = document.querySelector('figure.main');
      const svg = figure.querySelector('svg');
      const list = key => figure.querySelector('select[data-key=' + key + ']');
      const choose = (key, value) => { const one = list(key); one.value = value; one.dispatchEvent(new Event('change')); };
      const seen = name => [...svg.querySelectorAll(name)].filter(one => one.getAttribute('visibility') !== 'hidden');
      const numbers = () => seen('text').filter(one => one.getAttribute('text-anchor') === 'end').map(one => parseFloat(one.textContent)).filter(Number.isFinite);
      const drawn = () => [...svg.querySelectorAll('path, circle')].filter(one => !one.matches('.cursor')).map(one => one.outerHTML).join();
      const first = drawn();
      const zoomed = Math.min(...numbers());
      if (!(zoomed > 0)) faults.push('the first look begins at ' + zoomed);
      for (const one of figure.querySelectorAll('select')) if (!one.labels.length) faults.push('a choice without a label');
      choose('y', '0');
      if (Math.min(...numbers()) !== 0) faults.push('from zero begins at ' + Math.min(...numbers()));
      if (drawn() === first) faults.push('nothing moved');
      if (!location.hash.includes('y=0')) faults.push('the address does not say y: ' + location.hash);
      choose('n', '30');
      if (!location.hash.includes('n=30')) faults.push('the address does not say n: ' + location.hash);
      const plot = figure.querySelector('.plot');
      const all = figure.dataset.at.split(' ').length;
      const press = key => plot.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
      plot.focus();
      press('Home');
      if (Number(figure.dataset.point) !== all - 30) faults.push('Home leads to point ' + figure.dataset.point + ' of ' + all);
      press('ArrowLeft');
      if (Number(figure.dataset.point) !== all - 30) faults.push('a hidden point is a stop');
      if (!plot.getAttribute('aria-label').includes('30 points, from zero')) faults.push(plot.getAttribute('aria-label'));
      const ring = svg.querySelector('.cursor');
      const [left, right] = figure.dataset.axes.split(' ').map(Number);
      const x = Number(ring.getAttribute('cx'));
      if (!(x >= left && x <= left + (right - left) * 0.1)) faults.push('the first of thirty stands at ' + x);
      press('Escape');
      choose('y', '');
      if (!(Math.min(...numbers()) > 0)) faults.push('zoomed again begins at zero');
      choose('n', '');
      if (drawn() !== first) faults.push('the first look does not come back');
      if (/[&~](y|n)=/.test(location.hash)) faults.push('the address keeps ' + location.hash);
      return faults;
    })()";
    let page = file(case)?;
    let measured = browser.visit(&page, view("light", 1280), act, None)?.measured;
    if measured != serde_json::json!([]) {
        return Err(measured.to_string().into());
    }
    // The address brings the choice back, on every trend of the page.
    let chosen = PathBuf::from(format!("{}#~y=0&n=30", page.display()));
    let picture = folder()?.join("../benchmark-from-zero.png");
    let read = "[...document.querySelectorAll('figure.main select')].map(one => one.dataset.key + one.value).join(' ')";
    let measured = browser.visit(&chosen, view("light", 1280), read, Some(&picture))?.measured;
    let said = measured.as_str().unwrap_or_default();
    if said.starts_with("y0 n30") { Ok(()) } else { Err(format!("chosen: {said}").into()) }
}

/// `[` and `]` follow the links to the pages beside this one, and `?` lists them.
pub(super) fn leads_on_by_keys(browser: &mut Browser, case: &str) -> Result<(), Failure> {
    let act = r"(() => {
      const led = {};
      for (const key of ['[', ']']) {
        const catcher = event => { const link = event.target.closest('a'); if (link) { led[key] = link.getAttribute('href'); event.preventDefault(); } };
        document.addEventListener('click', catcher);
        document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
        document.removeEventListener('click', catcher);
      }
      const keys = [...document.querySelectorAll('dialog kbd')].map(one => one.textContent);
      return { led, listed: keys.includes('[ ]') };
    })()";
    let page = file(case)?;
    let measured = browser.visit(&page, view("light", 1280), act, None)?.measured;
    let wanted: &[&str] = if case.starts_with("run") { &["["] } else { &["[", "]"] };
    for key in wanted {
        let target = measured["led"][key].as_str().unwrap_or_default();
        let there = page.parent().is_some_and(|folder| folder.join(target).is_file());
        if target.is_empty() || !there || measured["listed"] != true {
            return Err(format!("{key} leads to `{target}`: {measured}").into());
        }
    }
    Ok(())
}

/// Where samples took d, 2d, 3d … iterations, a run shows time over iterations, and nowhere else.
pub(super) fn has_a_regression(browser: &mut Browser, case: &str) -> Result<(), Failure> {
    let read = "[...document.querySelectorAll('figure')].filter(one => one.querySelector('title')?.textContent\
                .startsWith('Time over iterations')).map(one => [one.querySelector('title').textContent, \
                one.querySelectorAll('tbody tr').length, one.querySelector('.k-dots')?.getTotalLength() ?? -1])";
    let measured = browser.visit(&file(case)?, view("light", 1280), read, None)?.measured;
    let one = measured.as_array().filter(|found| found.len() == 1).and_then(|found| found.first());
    let whole = one.is_some_and(|one| {
        one[0] == "Time over iterations of ed25519_sign_128B" && one[1] == 5 && one[2].as_f64() >= Some(0.0)
    });
    if whole { Ok(()) } else { Err(measured.to_string().into()) }
}
