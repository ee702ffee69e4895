//! What pages are made from besides the store: this very program, its settings, its templates, and what was asked for.
//!
//! Paths are no part of it: the same store in another folder gives the same pages.

use std::path::PathBuf;
use std::sync::LazyLock;

use crate::commands::load;
use crate::config::{Config, Integrity};
use crate::files;
use crate::model::ids::Digest;
use crate::report::Templates;
use crate::store;

/// The digest of this executable, if it can be read: a version has many builds while it is made.
static EXECUTABLE: LazyLock<Option<Digest>> = LazyLock::new(|| {
    let path = std::env::current_exe().ok()?;
    files::sha256_file(&path).ok().map(|(digest, _)| digest)
});

/// The digest of what pages are made from besides the store, and that of the store; `None` if it cannot be read.
///
/// To be asked before the store is read: what is written meanwhile then makes the digest too old rather than too new.
pub(super) fn of(
    config: &Config,
    templates: &Templates,
    asked: (bool, Option<usize>),
) -> (String, Option<String>) {
    std::thread::scope(|scope| {
        drop(scope.spawn(|| LazyLock::force(&EXECUTABLE)));
        let store = store::fingerprint(&config.store, load::threads()).ok();
        let version = env!("CARGO_PKG_VERSION");
        let told = format!("{:?} {version} {:?} {templates:?} {asked:?}", *EXECUTABLE, settings(config));
        (files::sha256(told.as_bytes()).to_string(), store.map(|digest| digest.to_string()))
    })
}

/// The configuration without its paths.
fn settings(config: &Config) -> Config {
    Config {
        file: None,
        store: PathBuf::new(),
        founding: Vec::new(),
        executables: PathBuf::new(),
        reports: PathBuf::new(),
        templates: None,
        integrity: Integrity { sign: config.integrity.sign, key: None, trusted: None },
        ..config.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn program(config: &Config, templates: &Templates, asked: (bool, Option<usize>)) -> String {
        of(config, templates, asked).0
    }

    #[test]
    fn settings_templates_and_wishes_count_and_folders_do_not() {
        let here = crate::config::load(None, Path::new("/here")).unwrap();
        let there = crate::config::load(None, Path::new("/there")).unwrap();
        let templates = Templates::built_in();
        let first = program(&here, &templates, (false, None));
        assert_eq!(program(&there, &templates, (false, None)), first);
        let stricter = Config { margin: here.margin / 2.0, ..here.clone() };
        let styled = [("page.css".to_owned(), "p {}".to_owned())].into_iter().collect();
        let styled = Templates::replacing(styled).unwrap();
        for (what, other) in [
            ("a setting", program(&stricter, &templates, (false, None))),
            ("a template", program(&here, &styled, (false, None))),
            ("every run", program(&here, &templates, (true, None))),
            ("a limit", program(&here, &templates, (false, Some(3000)))),
        ] {
            assert_ne!(other, first, "{what}");
        }
        assert_eq!(of(&here, &templates, (false, None)).1, None, "there is no store to read");
    }
}
