//! The same work on many items in a few threads, each with its own connection to the store.

use std::sync::Mutex;

use super::load;
use crate::config::Config;
use crate::error::CliError;
use crate::exit_code;
use crate::store::Store;

/// Splits `items` over as many threads as there are processors, but no more than `most`, each with its own connection; answers
/// come in the order of the items, and so does the error of the first thread that failed.
pub(super) fn parallel<T: Sync, R: Send>(
    config: &Config,
    items: &[T],
    most: usize,
    work: impl Fn(&Store, &T) -> Result<R, CliError> + Sync,
) -> Result<Vec<R>, CliError> {
    let threads = load::threads().get().min(most).min(items.len());
    let next = Mutex::new(0..items.len());
    let take = || next.lock().ok().and_then(|mut next| next.next());
    let mut found: Vec<(usize, R)> = std::thread::scope(|scope| {
        let worker = || -> Result<Vec<(usize, R)>, CliError> {
            let store = load::open_to_read(config)?;
            let mut mine = Vec::new();
            while let Some(index) = take() {
                mine.push((index, work(&store, &items[index])?));
            }
            Ok(mine)
        };
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        let mut all = Vec::new();
        for handle in handles {
            let mine = handle
                .join()
                .map_err(|_| CliError::new(exit_code::FAILURE, "a thread that reads the store panicked"))?;
            all.extend(mine?);
        }
        Ok::<_, CliError>(all)
    })?;
    found.sort_by_key(|(index, _)| *index);
    Ok(found.into_iter().map(|(_, answer)| answer).collect())
}
