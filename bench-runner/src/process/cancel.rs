//! Stopping what is under way: one handle that a signal handler can pull.
//!
//! Nothing polls the handle while a benchmark is measured: whoever blocks registers a hook that unblocks it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Hook = Box<dyn Fn() + Send>;

#[derive(Default)]
struct State {
    cancelled: bool,
    next: u64,
    hooks: BTreeMap<u64, Hook>,
}

/// A handle that stops running programs at once; clones share it.
#[derive(Clone, Default)]
pub struct Cancel {
    state: Arc<Mutex<State>>,
}

impl Cancel {
    /// A handle that was not pulled yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Pulls the handle: all registered hooks run on this thread, later ones run as they register.
    pub fn cancel(&self) {
        let mut state = self.lock();
        state.cancelled = true;
        state.hooks.values().for_each(|hook| hook());
    }

    /// Whether the handle was pulled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.lock().cancelled
    }

    /// Registers what to do when the handle is pulled, until the returned value is dropped.
    ///
    /// # Edge cases
    /// When the handle was pulled already, the hook runs at once. A hook must not use this handle.
    pub fn on_cancel(&self, hook: impl Fn() + Send + 'static) -> CancelHook {
        let mut state = self.lock();
        if state.cancelled {
            hook();
        }
        let key = state.next;
        state.next += 1;
        state.hooks.insert(key, Box::new(hook));
        CancelHook { cancel: self.clone(), key }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancel").field("cancelled", &self.is_cancelled()).finish_non_exhaustive()
    }
}

/// Keeps a hook registered as long as it lives.
#[derive(Debug)]
#[must_use = "the hook is removed when this is dropped"]
pub struct CancelHook {
    cancel: Cancel,
    key: u64,
}

impl Drop for CancelHook {
    fn drop(&mut self) {
        self.cancel.lock().hooks.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn hooks_run_once_pulled_and_not_after_their_end() {
        let cancel = Cancel::new();
        let calls = Arc::new(AtomicU32::new(0));
        let counting = |calls: &Arc<AtomicU32>| {
            let calls = Arc::clone(calls);
            move || {
                calls.fetch_add(1, Ordering::SeqCst);
            }
        };
        let dropped = cancel.on_cancel(counting(&calls));
        drop(dropped);
        let kept = cancel.on_cancel(counting(&calls));
        assert!(!cancel.is_cancelled());
        cancel.clone().cancel();
        assert!(cancel.is_cancelled());
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        let late = cancel.on_cancel(counting(&calls));
        assert_eq!(calls.load(Ordering::SeqCst), 2);
        drop((kept, late));
    }
}
