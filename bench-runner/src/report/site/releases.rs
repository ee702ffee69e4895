//! Releases: what two tagged runs allow one to write, slower things first.

use super::Site;
use super::block::{Block, Document, Item};
use super::compare::{comparison_path, rows};
use super::measure::{self, minute};
use crate::model::comparison::{Comparison, Verdict};
use crate::model::site::ReleaseStep;
use crate::report::view::words::{capped, code, strong};

/// Sentences at most.
const CLAIMS: usize = 40;
/// Machines named in the first line.
const MACHINES: usize = 4;

/// Writes the page.
#[must_use]
pub fn releases(site: &Site, steps: &[ReleaseStep]) -> Document {
    let mut page = Document::new("releases.html", "Benchmark observatory", "Releases");
    page.line = if steps.is_empty() {
        "No two runs of one machine and configuration were measured exactly at tags.".to_owned()
    } else {
        newest(site, steps)
    };
    page.command = "bench-runner release-notes --from TAG --to TAG".to_owned();
    for (place, step) in steps.iter().enumerate() {
        let title = format!(
            "{} → {} on {}",
            step.tags.0,
            step.tags.1,
            site.machine_name(&step.comparison.identity.machine)
        );
        let title = crate::report::escape::visible(&title, false);
        page.section(&format!("release-{}", place + 1), &title, release(site, step));
    }
    page.section(
        "rule",
        "What may be claimed",
        vec![
            Block::Text(
                "A sentence needs two complete runs on one machine in one configuration, an interval that excludes “no change”, \
                 and a change of at least the margin. Everything else is left unsaid. The numbers hold for that machine and \
                 that power mode."
                    .to_owned(),
            ),
            Block::Code("bench-runner release-notes --from TAG --to TAG --measure\nbench-runner release-notes --from TAG --to TAG --splice CHANGELOG.md".to_owned()),
        ],
    );
    page
}

/// What may be claimed about the newest release on each machine, counted.
fn newest(site: &Site, steps: &[ReleaseStep]) -> String {
    let Some(last) = steps.iter().max_by_key(|step| step.comparison.started.1) else { return String::new() };
    let of = |step: &&ReleaseStep| {
        let count =
            |verdict| step.comparison.comparison.rows.iter().filter(|row| row.verdict == verdict).count();
        format!(
            "{} slower, {} faster on {}",
            count(Verdict::Regressed),
            count(Verdict::Improved),
            code(&site.machine_name(&step.comparison.identity.machine))
        )
    };
    let said: Vec<String> =
        steps.iter().filter(|step| step.tags == last.tags).map(|step| of(&step)).collect();
    format!("{} against {}: {}.", last.tags.1, last.tags.0, capped(&said, MACHINES))
}

fn release(site: &Site, step: &ReleaseStep) -> Vec<Block> {
    let pair = &step.comparison.comparison;
    let of = |verdict| pair.rows.iter().filter(|row| row.verdict == verdict).collect::<Vec<&Comparison>>();
    let (slower, faster) = (of(Verdict::Regressed), of(Verdict::Improved));
    let mut blocks = vec![Block::Text(format!(
        "{} compared: {} slower, {} faster, {} without a change, {} without an answer. Run {} of {} against run {} of {}.",
        pair.rows.len(),
        slower.len(),
        faster.len(),
        of(Verdict::Unchanged).len(),
        of(Verdict::Inconclusive).len() + of(Verdict::NotComparable).len(),
        code(pair.candidate.short()),
        minute(step.comparison.started.1),
        code(pair.baseline.short()),
        minute(step.comparison.started.0)
    ))];
    let claim = |row: &Comparison, word: &str| Item {
        text: format!(
            "{} {word}: {}, {}.",
            code(&measure::name(&row.benchmark)),
            strong(&measure::change(row.ratio, row.ratio_interval)),
            measure::levels(&row.metric, row.baseline_value, row.candidate_value)
        ),
        link: None,
    };
    let mut claims: Vec<Item> = slower.iter().map(|row| claim(row, "got slower")).collect();
    claims.extend(faster.iter().map(|row| claim(row, "got faster")));
    let rest = claims.len().saturating_sub(CLAIMS);
    claims.truncate(CLAIMS);
    if rest > 0 {
        claims.push(Item { text: format!("{rest} more are on the page of the comparison."), link: None });
    }
    blocks.push(Block::Heading("You may write".to_owned()));
    if claims.is_empty() {
        blocks.push(Block::Text("Nothing about speed: no interval excludes “no change”.".to_owned()));
    } else {
        blocks.push(Block::List(claims));
    }
    let open: Vec<&Comparison> =
        of(Verdict::Inconclusive).into_iter().chain(of(Verdict::NotComparable)).take(CLAIMS).collect();
    if !open.is_empty() {
        blocks.push(Block::Fold(
            format!("? {} about which nothing may be written", open.len()),
            rows(site, "Without an answer", &open),
        ));
    }
    let link = site.link(comparison_path(&pair.baseline, &pair.candidate));
    if link.is_some() {
        blocks.push(Block::List(vec![Item { text: "The whole comparison".to_owned(), link }]));
    }
    blocks
}
