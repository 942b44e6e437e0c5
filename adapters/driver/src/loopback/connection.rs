//! The connections of a listener. None of them holds up another, however slow it is, and however many there are.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use super::request::{self, Read, Request};

/// So many at a time; a browser needs two or three. One more, and the one that has been silent for longest goes.
const MOST: usize = 32;
/// So often is one listened to before it is another's turn.
const MOST_READS: usize = 32;
/// For a whole request, however slowly it comes.
const PATIENCE: Duration = Duration::from_secs(10);
/// For a connection that says nothing more.
const SILENCE: Duration = Duration::from_secs(5);
/// For a browser to read its page.
const FAREWELL: Duration = Duration::from_secs(2);

/// What somebody brings.
pub(super) enum Visit {
    Request(Request),
    /// Not HTTP, or too much of it.
    Garbage,
}

/// Answers a visit.
pub(super) type Answer<'a> = dyn FnMut(Visit) -> Vec<u8> + 'a;

/// In order of when they were last heard of, the longest silent first.
#[derive(Default)]
pub(super) struct Connections(VecDeque<Connection>);

impl Connections {
    /// One more, which is listened to at once.
    pub(super) fn take_in(&mut self, stream: TcpStream, answer: &mut Answer<'_>) {
        let Ok(mut connection) = Connection::new(stream) else { return };
        if connection.go_on(answer) == Next::Close {
            return;
        }
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(connection);
    }

    /// Takes in what has come on each.
    pub(super) fn go_on(&mut self, answer: &mut Answer<'_>) {
        let (mut silent, mut heard) = (VecDeque::new(), VecDeque::new());
        for mut connection in self.0.drain(..) {
            match connection.go_on(answer) {
                Next::Close => {}
                Next::Silent => silent.push_back(connection),
                Next::Heard => heard.push_back(connection),
            }
        }
        silent.append(&mut heard);
        self.0 = silent;
    }
}

#[derive(PartialEq)]
enum Next {
    Heard,
    Silent,
    Close,
}

struct Connection {
    stream: TcpStream,
    since: Instant,
    heard: Instant,
    state: State,
}

enum State {
    /// What has come of the request.
    Asking(Vec<u8>),
    /// A close with unread input would reset the connection before the page is read: what still comes is read away.
    Answered,
}

impl Connection {
    fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let now = Instant::now();
        Ok(Self { stream, since: now, heard: now, state: State::Asking(Vec::new()) })
    }

    /// First what has come, then the time: whoever was not listened to is not late.
    fn go_on(&mut self, answer: &mut Answer<'_>) -> Next {
        let mut next = Next::Silent;
        let mut buffer = [0; 4096];
        for _ in 0..MOST_READS {
            match self.stream.read(&mut buffer) {
                Ok(0) => {
                    if matches!(&self.state, State::Asking(bytes) if !bytes.is_empty()) {
                        self.answer(answer(Visit::Garbage));
                    }
                    return Next::Close;
                }
                Ok(read) => {
                    self.heard = Instant::now();
                    next = Next::Heard;
                    self.take(buffer.get(..read).unwrap_or_default(), answer);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return Next::Close,
            }
        }
        if self.is_over() { Next::Close } else { next }
    }

    fn take(&mut self, more: &[u8], answer: &mut Answer<'_>) {
        let State::Asking(bytes) = &mut self.state else { return };
        bytes.extend_from_slice(more);
        let visit = match request::read(bytes) {
            Read::Part => return,
            Read::Whole(request) => Visit::Request(request),
            Read::Garbage => Visit::Garbage,
        };
        self.answer(answer(visit));
    }

    fn answer(&mut self, page: Vec<u8>) {
        self.state = State::Answered;
        // Getting the answer may have taken its time.
        self.since = Instant::now();
        // A browser that has gone away is not our trouble.
        let _ = write(&mut self.stream, &page);
    }

    fn is_over(&self) -> bool {
        match self.state {
            State::Asking(_) => self.since.elapsed() >= PATIENCE || self.heard.elapsed() >= SILENCE,
            State::Answered => self.since.elapsed() >= FAREWELL,
        }
    }
}

/// Writes all of it; what does not get through is the browser's loss. A page is smaller than what a system buffers.
fn write(stream: &mut TcpStream, page: &[u8]) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(page)?;
    stream.flush()?;
    stream.shutdown(Shutdown::Write)?;
    stream.set_nonblocking(true)
}
