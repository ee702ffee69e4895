//! Reading a child's output to its end while keeping a bounded part of it.
//!
//! A pipe that nobody reads blocks the child; a pipe that is kept whole can fill the memory.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Which part of the output is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The first bytes.
    First(usize),
    /// The last bytes.
    Last(usize),
}

#[derive(Debug, Default)]
struct Kept {
    bytes: VecDeque<u8>,
    total: u64,
}

/// A thread that reads a stream to its end.
#[derive(Debug)]
pub struct Drain {
    kept: Arc<Mutex<Kept>>,
    ended: Receiver<()>,
}

impl Drain {
    /// Starts reading `stream` on a thread of its own.
    pub fn start(stream: impl Read + Send + 'static, keep: Keep) -> Self {
        Self::observed(stream, keep, || {})
    }

    /// Starts reading `stream` on a thread of its own, which calls `on_data` whenever something arrived.
    pub fn observed(
        stream: impl Read + Send + 'static,
        keep: Keep,
        on_data: impl Fn() + Send + 'static,
    ) -> Self {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let shared = Arc::clone(&kept);
        let (sender, ended) = channel();
        thread::spawn(move || {
            read_all(stream, keep, &shared, &on_data);
            // The receiver is gone when the caller gave up waiting: then nobody needs to know.
            sender.send(()).ok();
        });
        Self { kept, ended }
    }

    /// Waits until the stream ended, at most `limit`; tells whether it did.
    ///
    /// A stream stays open as long as any descendant of the child holds it.
    #[must_use]
    pub fn wait(&self, limit: Duration) -> bool {
        self.ended.recv_timeout(limit).is_ok()
    }

    /// Takes what was kept so far, and the number of bytes that passed in total.
    #[must_use]
    pub fn take(&self) -> (Vec<u8>, u64) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut kept.bytes).into(), kept.total)
    }
}

fn read_all(mut stream: impl Read, keep: Keep, shared: &Mutex<Kept>, on_data: &dyn Fn()) {
    let mut chunk = vec![0; 64 << 10];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => return,
            Ok(count) => {
                let mut kept = shared.lock().unwrap_or_else(PoisonError::into_inner);
                kept.total += count as u64;
                push(&mut kept.bytes, &chunk[..count], keep);
                drop(kept);
                on_data();
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

fn push(bytes: &mut VecDeque<u8>, chunk: &[u8], keep: Keep) {
    match keep {
        Keep::First(limit) => {
            let room = limit.saturating_sub(bytes.len()).min(chunk.len());
            bytes.extend(&chunk[..room]);
        }
        Keep::Last(limit) => {
            let tail = &chunk[chunk.len().saturating_sub(limit)..];
            let excess = (bytes.len() + tail.len()).saturating_sub(limit);
            bytes.drain(..excess.min(bytes.len()));
            bytes.extend(tail);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(keep: Keep, chunks: &[&str], expected: &str) {
        let mut bytes = VecDeque::new();
        for chunk in chunks {
            push(&mut bytes, chunk.as_bytes(), keep);
        }
        assert_eq!(String::from_utf8(bytes.into()).unwrap(), expected, "{keep:?} {chunks:?}");
    }

    #[test]
    fn keeps_the_asked_part() {
        check(Keep::First(4), &["ab", "cd", "ef"], "abcd");
        check(Keep::First(3), &["abcdef"], "abc");
        check(Keep::First(0), &["abc"], "");
        check(Keep::Last(4), &["ab", "cd", "ef"], "cdef");
        check(Keep::Last(3), &["abcdef"], "def");
        check(Keep::Last(3), &["a", "bcdef", "g"], "efg");
        check(Keep::Last(0), &["abc"], "");
    }

    #[test]
    fn counts_all_bytes_and_keeps_the_last() {
        let input = vec![b'x'; 300_000];
        let drain = Drain::start(std::io::Cursor::new(input), Keep::Last(10));
        assert!(drain.wait(Duration::from_secs(60)));
        let (kept, total) = drain.take();
        assert_eq!((kept.len(), total), (10, 300_000));
    }
}
