//! Watches over one launch so that nothing waits for ever: the bench, its connection, our own accepting.
//!
//! Sleeps on a condition until a deadline that the launch keeps moving; it never polls, so that it does not disturb
//! the measurement. It ends processes and streams, and says that it did; what that means is decided by `launch`.

use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::process::guard::Killer;

/// How long after its end a bench's connection may stay open.
const GRACE: Duration = Duration::from_secs(1);
/// Longest wait that is ever granted, whatever a bench announces.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The bench runs.
    Running,
    /// The bench ended; its connection may still deliver.
    Ended,
    /// All is read.
    Closed,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// `None` while we ourselves are at work and the bench waits for us.
    deadline: Option<Instant>,
    awaited: String,
    granted: Duration,
    stream: Option<TcpStream>,
    hung: Option<String>,
    held_open: bool,
}

/// The watch over one launch.
#[derive(Debug)]
pub(super) struct Overseer {
    state: Mutex<State>,
    changed: Condvar,
    /// Where our own listener waits, to wake it up; `None` without a socket.
    knock: Option<SocketAddr>,
}

impl Overseer {
    /// Grants the bench `within` until its first sign of life.
    pub(super) fn new(knock: Option<SocketAddr>, within: Duration) -> Self {
        let state = State {
            phase: Phase::Running,
            deadline: Instant::now().checked_add(within.min(LONGEST)),
            awaited: "first sign of life".to_owned(),
            granted: within,
            stream: None,
            hung: None,
            held_open: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::new(), knock }
    }

    /// Grants the bench `within` from now for `awaited`.
    pub(super) fn expect(&self, within: Duration, awaited: impl Into<String>) {
        let mut state = self.lock();
        if state.phase == Phase::Running {
            state.granted = within.min(LONGEST);
            state.deadline = Instant::now().checked_add(state.granted);
            state.awaited = awaited.into();
        }
        self.changed.notify_all();
    }

    /// Stops the clock while the bench waits for us.
    pub(super) fn pause(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Running {
            state.deadline = None;
        }
    }

    /// Output is a sign of life as long as nothing better is known.
    pub(super) fn output_seen(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Running && state.stream.is_none() {
            state.deadline = Instant::now().checked_add(state.granted);
        }
    }

    /// From now on messages are the sign of life.
    pub(super) fn connected(&self, stream: TcpStream) {
        self.lock().stream = Some(stream);
    }

    /// The bench ended: wakes our listener, and gives the connection a moment to deliver what is under way.
    pub(super) fn program_ended(&self) {
        let mut state = self.lock();
        state.phase = Phase::Ended;
        state.deadline = Instant::now().checked_add(GRACE);
        let connected = state.stream.is_some();
        drop(state);
        self.changed.notify_all();
        if !connected {
            self.knock();
        }
    }

    /// Everything is read: the watch ends.
    pub(super) fn close(&self) {
        self.lock().phase = Phase::Closed;
        self.changed.notify_all();
    }

    /// Whether the bench ended.
    pub(super) fn has_ended(&self) -> bool {
        self.lock().phase != Phase::Running
    }

    /// What was awaited in vain when the bench was killed for hanging.
    pub(super) fn hung(&self) -> Option<String> {
        self.lock().hung.clone()
    }

    /// Whether somebody else kept the connection open after the bench ended.
    pub(super) fn held_open(&self) -> bool {
        self.lock().held_open
    }

    /// Watches until [`Self::close`]; runs on a thread of its own.
    pub(super) fn watch(&self, killer: &Killer) {
        let mut state = self.lock();
        while state.phase != Phase::Closed {
            let Some(deadline) = state.deadline else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                let waited = self.changed.wait_timeout(state, left);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            state.deadline = None;
            if state.phase == Phase::Running {
                let seconds = state.granted.as_secs_f64();
                state.hung = Some(format!("{} for {seconds:.1} s", state.awaited));
                killer.kill();
            } else if let Some(stream) = &state.stream {
                // Fails only when the stream is closed already.
                stream.shutdown(Shutdown::Both).ok();
                state.held_open = true;
            } else {
                drop(state);
                self.knock();
                state = self.lock();
            }
        }
    }

    fn knock(&self) {
        if let Some(address) = self.knock {
            // Our listener may be gone already: then nobody needs to be woken.
            drop(TcpStream::connect(address));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
