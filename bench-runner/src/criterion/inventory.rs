//! What a bench contains, asked without running it.
//!
//! Over the socket, `--ignored` makes Criterion name every benchmark with its structured id. A bench that does not
//! connect is asked with `--list`, which prints titles only: cut after 100 bytes and numbered when they repeat.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::build::BenchExecutable;
use super::capture::{Attempt, Captured, capture};
use super::finding;
use super::launch::LaunchError;
use crate::model::finding::{Finding, Severity};
use crate::model::ids::BenchmarkId;
use crate::process::Cancel;

/// Length in bytes after which Criterion cuts titles.
const TITLE_LIMIT: usize = 100;
/// A filter that no id matches, for versions of Criterion without `--ignored`.
const MATCHES_NOTHING: &str = r"[^\s\S]";

/// How the benchmarks of an inventory are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// By structured ids.
    Ids,
    /// By titles: the group of each id holds the title, the other parts are empty.
    Titles,
}

/// The benchmarks of one executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// In the order of the bench.
    pub ids: Vec<BenchmarkId>,
    /// What the ids hold.
    pub naming: Naming,
    /// Criterion's version as the bench greeted.
    pub harness_version: Option<String>,
    /// Whether the bench named everything and ended well.
    pub complete: bool,
    /// Whether it ended well, whatever it named.
    pub ended_well: bool,
    /// Doubts.
    pub findings: Vec<Finding>,
    /// End of standard error, for people; it may name paths and must not be stored.
    pub stderr_tail: String,
}

/// How to ask.
#[derive(Debug, Clone, Copy)]
pub struct InventoryRequest<'a> {
    /// Executable whose `main` serves as guard: bench-runner itself.
    pub guard: &'a Path,
    /// The bench.
    pub bench: &'a BenchExecutable,
    /// How long the bench may be silent; it prepares its inputs even when it only lists.
    pub patience: Duration,
    /// Folder for short-lived files; it must exist.
    pub scratch: &'a Path,
}

/// Asks a bench what it contains.
///
/// # Errors
/// When the bench could not be started. A bench that fails is an incomplete inventory with a finding.
pub fn inventory(request: InventoryRequest<'_>, cancel: &Cancel) -> Result<Inventory, LaunchError> {
    let asked = ask(request, &["--bench", "--ignored"], true, cancel)?;
    if asked.hello.is_some_and(|hello| hello.is_supported()) {
        let refused_flag = asked.ended.code.is_some_and(|code| code != 0) && asked.books.skipped.is_empty();
        let asked = if refused_flag && !asked.cancelled {
            ask(request, &["--bench", MATCHES_NOTHING], true, cancel)?
        } else {
            asked
        };
        return Ok(from_socket(request, asked));
    }
    if let (Some(_), _) | (_, true) = (&asked.hung, asked.cancelled) {
        return Ok(from_titles(request, &asked, false));
    }
    let listed = ask(request, &["--bench", "--list", "--format", "terse"], false, cancel)?;
    Ok(from_titles(request, &listed, true))
}

fn ask(
    request: InventoryRequest<'_>,
    args: &[&str],
    socket: bool,
    cancel: &Cancel,
) -> Result<Captured, LaunchError> {
    let scratch = |source| LaunchError::Scratch { path: request.scratch.to_owned(), source };
    let home = tempfile::Builder::new().prefix("criterion-").tempdir_in(request.scratch).map_err(scratch)?;
    let attempt = Attempt {
        guard: request.guard,
        bench: request.bench,
        args: args.iter().map(OsString::from).collect(),
        home: home.path(),
        socket,
        patience: request.patience,
        allowance: request.patience,
        probe: false,
    };
    capture(&attempt, cancel, &mut |_| Ok(()))
}

fn from_socket(request: InventoryRequest<'_>, asked: Captured) -> Inventory {
    let mut findings = asked.books.findings.clone();
    findings.extend(repeated_ids(asked.books.skipped.iter()));
    let well = ended_well(&asked);
    let complete = well && asked.books.open_group.is_none() && asked.books.unfinished().is_none();
    if !complete {
        findings.push(incomplete(request, &asked));
    }
    Inventory {
        ids: asked.books.skipped,
        naming: Naming::Ids,
        harness_version: asked.hello.map(|hello| hello.version_text()),
        complete,
        ended_well: well,
        findings,
        stderr_tail: asked.stderr,
    }
}

fn from_titles(request: InventoryRequest<'_>, listed: &Captured, listing: bool) -> Inventory {
    let titles: Vec<&str> = if listing {
        listed.stdout.lines().filter_map(|line| line.strip_suffix(": benchmark")).collect()
    } else {
        Vec::new()
    };
    let id = |title: &&str| BenchmarkId {
        package: request.bench.executable.package.clone(),
        target: request.bench.executable.target.clone(),
        group: (*title).to_owned(),
        function: None,
        value: None,
        occurrence: 0,
    };
    let ids: Vec<BenchmarkId> = titles.iter().map(id).collect();
    let complete = ended_well(listed) && !ids.is_empty();
    let findings = if complete { Vec::new() } else { vec![incomplete(request, listed)] };
    let stderr_tail = listed.stderr.clone();
    let ended_well = ended_well(listed);
    Inventory {
        ids,
        naming: Naming::Titles,
        harness_version: None,
        complete,
        ended_well,
        findings,
        stderr_tail,
    }
}

/// Findings about ids that occur more than once.
pub(super) fn repeated_ids<'a>(ids: impl Iterator<Item = &'a BenchmarkId>) -> Vec<Finding> {
    let words = (
        "they are told apart by their order alone: a change of the order exchanges their histories",
        "give each benchmark an id of its own",
    );
    let evidence = |id: &BenchmarkId| format!("the id occurs again: occurrence {}", id.occurrence + 1);
    let again = ids.filter(|id| id.occurrence > 0);
    again.map(|id| finding("id-repeated", Severity::Warning, id.to_string(), evidence(id), words)).collect()
}

fn ended_well(asked: &Captured) -> bool {
    asked.ended.code == Some(0) && asked.hung.is_none() && !asked.cancelled
}

fn incomplete(request: InventoryRequest<'_>, asked: &Captured) -> Finding {
    let subject = format!("{}/{}", request.bench.executable.package, request.bench.executable.target);
    let evidence = match (&asked.hung, asked.cancelled, asked.ended.code, asked.ended.signal) {
        (_, true, ..) => "cancelled while it was asked what it contains".to_owned(),
        (Some(hung), ..) => format!("it hung when asked what it contains: {hung}"),
        (_, _, Some(0), _) => {
            "it ended well but named no benchmark: it may not be a Criterion bench".to_owned()
        }
        (_, _, Some(code), _) => format!("exit code {code} when asked what it contains"),
        (_, _, None, signal) => {
            format!("killed by signal {} when asked what it contains", signal.unwrap_or(0))
        }
    };
    let words = (
        "nobody can say whether everything was measured: its launches are partial",
        "run the bench with `--list`; use Criterion 0.5 or newer with `criterion_main!`",
    );
    finding("inventory-incomplete", Severity::Blocking, subject, evidence, words)
}

impl Inventory {
    /// The regular expression that makes Criterion run exactly `selected`; `None` when that is everything.
    ///
    /// # Edge cases
    /// Criterion filters by full id: benchmarks with equal full ids are run together.
    #[must_use]
    pub fn filter(&self, selected: &[BenchmarkId]) -> Option<String> {
        let wanted: BTreeSet<String> = selected.iter().map(BenchmarkId::full_id).collect();
        if wanted.is_empty() {
            return Some(MATCHES_NOTHING.to_owned());
        }
        if self.ids.iter().all(|id| wanted.contains(&id.full_id())) {
            return None;
        }
        let whole = |name: &String| format!("{}$", regex::escape(name));
        let parts: Vec<String> = wanted
            .iter()
            .map(|name| match (self.naming, name.strip_suffix("...")) {
                // A cut title is the beginning of the id.
                (Naming::Titles, Some(beginning)) => regex::escape(beginning),
                _ => whole(name),
            })
            .collect();
        Some(format!("^(?:{})", parts.join("|")))
    }

    /// What of `selected` is not among `measured`.
    pub(super) fn missing(&self, selected: &[BenchmarkId], measured: &[BenchmarkId]) -> Vec<BenchmarkId> {
        let mut have: Vec<String> = measured.iter().map(|id| self.name_of(id)).collect();
        let mut missing = Vec::new();
        for id in selected {
            let name = self.own_name(id);
            match have.iter().position(|other| *other == name) {
                Some(at) => drop(have.swap_remove(at)),
                None => missing.push(id.clone()),
            }
        }
        missing
    }

    /// The names of everything in it, comparable with [`Self::name_of`].
    pub(super) fn names(&self) -> BTreeSet<String> {
        self.ids.iter().map(|id| self.own_name(id)).collect()
    }

    /// The name of a benchmark of this inventory: titles are cut and numbered already.
    fn own_name(&self, id: &BenchmarkId) -> String {
        match self.naming {
            Naming::Ids => self.name_of(id),
            Naming::Titles => id.group.clone(),
        }
    }

    /// The name by which this inventory knows a measured benchmark.
    pub(super) fn name_of(&self, id: &BenchmarkId) -> String {
        match self.naming {
            // Equal full ids of different structure are different benchmarks.
            Naming::Ids => format!("{:?}", (&id.group, &id.function, &id.value, id.occurrence)),
            Naming::Titles => title(&id.full_id(), id.occurrence),
        }
    }
}

/// The title that Criterion gives to a full id.
///
/// # Reference
/// `BenchmarkId::new` and `ensure_title_unique` in `src/report.rs` of Criterion 0.8.2.
fn title(full_id: &str, occurrence: u32) -> String {
    let mut title = full_id[..full_id.floor_char_boundary(TITLE_LIMIT)].to_owned();
    if title.len() < full_id.len() {
        title.push_str("...");
    }
    if occurrence > 0 { format!("{title} #{}", occurrence + 1) } else { title }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(group: &str, function: Option<&str>, occurrence: u32) -> BenchmarkId {
        BenchmarkId {
            package: "p".to_owned(),
            target: "t".to_owned(),
            group: group.to_owned(),
            function: function.map(str::to_owned),
            value: None,
            occurrence,
        }
    }

    fn inventory_of(ids: Vec<BenchmarkId>, naming: Naming) -> Inventory {
        Inventory {
            ids,
            naming,
            harness_version: None,
            complete: true,
            findings: Vec::new(),
            ended_well: true,
            stderr_tail: String::new(),
        }
    }

    #[test]
    fn filter_matches_exactly_the_selection() {
        let ids = vec![
            id("a", None, 0),
            id("a", Some("b"), 0),
            id("a.b", None, 0),
            id("größe (1+1)", Some("x|y"), 0),
        ];
        let inventory = inventory_of(ids.clone(), Naming::Ids);
        assert_eq!(inventory.filter(&ids), None);
        for chosen in &ids {
            let filter = regex::Regex::new(&inventory.filter(std::slice::from_ref(chosen)).unwrap()).unwrap();
            let matched: Vec<_> = ids.iter().filter(|id| filter.is_match(&id.full_id())).collect();
            assert_eq!(matched, [chosen]);
        }
    }

    #[test]
    fn missing_counts_occurrences() {
        let ids = vec![id("a", None, 0), id("a", None, 1), id("a", Some("b"), 0)];
        let inventory = inventory_of(ids.clone(), Naming::Ids);
        assert_eq!(inventory.missing(&ids, &ids), []);
        assert_eq!(inventory.missing(&ids, &ids[..1]), &ids[1..]);
        assert_eq!(inventory.missing(&ids, &[id("a/b", None, 0)]), ids);
    }

    #[test]
    fn titles_are_cut_like_criterion_cuts_them() {
        assert_eq!(title("short", 0), "short");
        assert_eq!(title("short", 1), "short #2");
        let long = "x".repeat(99) + "äbc";
        let cut = title(&long, 0);
        assert_eq!(cut, "x".repeat(99) + "...");
        let exact = "y".repeat(100);
        assert_eq!(title(&exact, 0), exact);
        let listed = inventory_of(vec![id(&title(&"z".repeat(300), 0), None, 0)], Naming::Titles);
        assert_eq!(listed.missing(&listed.ids, &[id(&"z".repeat(300), None, 0)]), []);
        let filter = regex::Regex::new(&listed.filter(&[]).unwrap()).unwrap();
        assert!(!filter.is_match("anything") && !filter.is_match(""));
    }
}
