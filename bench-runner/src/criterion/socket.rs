//! The runner's end of Criterion's socket: accept one bench, exchange frames.
//!
//! Reads block; whoever wants to end them shuts the stream down (see `overseer`). No meaning is given to messages.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::wire::{self, BENCH_HELLO_SIZE, FRAME_LIMIT, Hello, Message, RUNNER_HELLO};

/// How long a connected program may take to greet.
const GREETING_LIMIT: Duration = Duration::from_secs(10);

/// Why no further message can be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SocketError {
    /// The stream ended inside a message.
    #[error("the connection ended inside a message")]
    Truncated,
    /// A message claims to be longer than anything Criterion sends.
    #[error("a message of {length} bytes was announced, more than {FRAME_LIMIT}")]
    TooLong {
        /// The announced length in bytes.
        length: u32,
    },
    /// A message is not CBOR.
    #[error("a message cannot be read: {problem}")]
    Unreadable {
        /// What is wrong with it.
        problem: String,
    },
    /// The stream broke.
    #[error("the connection broke")]
    Broken(#[source] io::Error),
}

/// What a program that connected turned out to be.
#[derive(Debug)]
pub enum Accepted {
    /// A Criterion bench that we can talk to.
    Bench(Connection),
    /// A Criterion bench of a protocol that we do not know.
    Unsupported(Hello),
    /// Something else, or nothing but a knock.
    Stranger,
}

/// A listening socket on the loopback interface.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Listens on a free port.
    ///
    /// # Errors
    /// When the system has no free port or forbids listening.
    pub fn open() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Address and port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the next connection and exchanges greetings.
    ///
    /// # Errors
    /// When the system fails to accept.
    pub fn accept(&self) -> io::Result<Accepted> {
        let (stream, _) = self.listener.accept()?;
        Ok(greet(stream).unwrap_or(Accepted::Stranger))
    }
}

fn greet(mut stream: TcpStream) -> io::Result<Accepted> {
    // Small messages go back and forth: waiting to fill packets would only cost time.
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(GREETING_LIMIT))?;
    stream.write_all(RUNNER_HELLO)?;
    let mut greeting = [0; BENCH_HELLO_SIZE];
    stream.read_exact(&mut greeting)?;
    stream.set_read_timeout(None)?;
    Ok(match Hello::parse(&greeting) {
        Some(hello) if hello.is_supported() => Accepted::Bench(Connection { stream, hello }),
        Some(hello) => Accepted::Unsupported(hello),
        None => Accepted::Stranger,
    })
}

/// A connected bench.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// How it greeted.
    pub hello: Hello,
}

impl Connection {
    /// A second handle to the stream, to shut it down from another thread.
    ///
    /// # Errors
    /// When the system has no handle left.
    pub fn handle(&self) -> io::Result<TcpStream> {
        self.stream.try_clone()
    }

    /// Blocks until the next message; `None` at the proper end of the stream.
    ///
    /// # Errors
    /// When the stream breaks, ends inside a message, or carries something that is no message.
    pub fn receive(&mut self) -> Result<Option<Message>, SocketError> {
        let mut length = [0; 4];
        acknowledge_at_once(&self.stream);
        if !read_or_end(&mut self.stream, &mut length)? {
            return Ok(None);
        }
        let length = u32::from_be_bytes(length);
        if length > FRAME_LIMIT {
            return Err(SocketError::TooLong { length });
        }
        acknowledge_at_once(&self.stream);
        // Memory grows with what really arrives, not with what was announced.
        let mut content = Vec::new();
        let read = Read::by_ref(&mut self.stream).take(u64::from(length)).read_to_end(&mut content);
        match read {
            Ok(count) if count as u64 == u64::from(length) => {}
            Ok(_) => return Err(SocketError::Truncated),
            Err(error) => return Err(broken(error)),
        }
        wire::decode(&content).map(Some).map_err(|problem| SocketError::Unreadable { problem })
    }

    /// Sends one frame.
    ///
    /// # Errors
    /// When the stream broke.
    pub fn send(&mut self, frame: &[u8]) -> Result<(), SocketError> {
        self.stream.write_all(frame).map_err(broken)
    }
}

/// Makes the kernel acknowledge what arrives next without waiting for company.
///
/// Criterion writes length and content separately, and its kernel holds the content back until the length is
/// acknowledged. With the usual delay each message would take 40 ms, and would arrive *inside* the measuring that it
/// announces. The wish lasts for one reception only.
#[cfg(target_os = "linux")]
fn acknowledge_at_once(stream: &TcpStream) {
    // Without it everything works, slower.
    rustix::net::sockopt::set_tcp_quickack(stream, true).ok();
}

/// Other systems have no such wish, or a shorter delay.
#[cfg(not(target_os = "linux"))]
fn acknowledge_at_once(_stream: &TcpStream) {}

/// A bench that is killed resets the stream: that is an end inside a message like any other.
fn broken(error: io::Error) -> SocketError {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            SocketError::Truncated
        }
        _ => SocketError::Broken(error),
    }
}

/// Fills `buffer`; `false` when the stream ended before its first byte.
fn read_or_end(stream: &mut impl Read, buffer: &mut [u8]) -> Result<bool, SocketError> {
    let mut filled = 0;
    while filled < buffer.len() {
        match stream.read(&mut buffer[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(SocketError::Truncated),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(broken(error)),
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Lets a stranger send `bytes` and tells what the listener makes of them.
    fn check(bytes: &'static [u8], expected: impl Fn(Accepted) -> bool) {
        let listener = Listener::open().unwrap();
        let address = listener.address();
        let client = thread::spawn(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(bytes).unwrap();
            // The listener may have hung up already.
            stream.shutdown(std::net::Shutdown::Write).ok();
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).ok();
        });
        assert!(expected(listener.accept().unwrap()), "{bytes:?}");
        client.join().unwrap();
    }

    fn receives(bytes: &'static [u8], expected: fn(&Result<Option<Message>, SocketError>) -> bool) {
        check(bytes, |accepted| match accepted {
            Accepted::Bench(mut connection) => {
                let received = connection.receive();
                assert!(expected(&received), "{bytes:?}: {received:?}");
                true
            }
            _ => false,
        });
    }

    #[test]
    fn strangers_and_future_versions_are_told_apart() {
        check(b"", |accepted| matches!(accepted, Accepted::Stranger));
        check(b"Crit", |accepted| matches!(accepted, Accepted::Stranger));
        check(b"GET / HTTP/1.1\r\n\r\n", |accepted| matches!(accepted, Accepted::Stranger));
        check(
            b"Criterion\x09\x00\x00\x00\x02\x00\x01",
            |accepted| matches!(accepted, Accepted::Unsupported(hello) if hello.protocol == 2),
        );
    }

    #[test]
    fn ends_and_broken_frames_are_told_apart() {
        receives(b"Criterion\x00\x08\x02\x00\x01\x00\x01", |received| matches!(received, Ok(None)));
        receives(b"Criterion\x00\x08\x02\x00\x01\x00\x01\x00\x00", |received| {
            matches!(received, Err(SocketError::Truncated))
        });
        receives(b"Criterion\x00\x08\x02\x00\x01\x00\x01\x00\x00\x00\x05\x60", |received| {
            matches!(received, Err(SocketError::Truncated))
        });
        receives(b"Criterion\x00\x08\x02\x00\x01\x00\x01\xff\xff\xff\xff", |received| {
            matches!(received, Err(SocketError::TooLong { length: u32::MAX }))
        });
        receives(b"Criterion\x00\x08\x02\x00\x01\x00\x01\x00\x00\x00\x01\xff", |received| {
            matches!(received, Err(SocketError::Unreadable { .. }))
        });
    }
}
