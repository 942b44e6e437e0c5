//! Faults below HTTP: an answer that ends within its head, that drips, that is announced by others.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use crate::fault_kind::Part;

/// How the bytes of one answer are sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wire {
    /// What is sent before the answer.
    before: Vec<u8>,
    cut: Option<(Part, u64)>,
    drip: Option<Drip>,
}

#[derive(Clone, Copy, Debug)]
struct Drip {
    part: Part,
    bytes: usize,
    every: Duration,
}

impl Wire {
    /// The connection is closed after so many bytes of the part.
    pub(crate) fn cut(part: Part, bytes: u64) -> Self {
        Self { cut: Some((part, bytes)), ..Self::default() }
    }

    /// So many bytes of the part at once.
    pub(crate) fn drip(part: Part, bytes: u64, every_ms: u64) -> Self {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).max(1);
        Self { drip: Some(Drip { part, bytes, every: Duration::from_millis(every_ms) }), ..Self::default() }
    }

    /// These statuses before the answer's own.
    pub(crate) fn interim(statuses: &[u16]) -> Self {
        let answer = |status: &u16| {
            let (reason, header) = match status {
                100 => ("Continue", ""),
                103 => ("Early Hints", "link: </style.css>; rel=preload; as=style\r\n"),
                _ => ("Informational", ""),
            };
            format!("HTTP/1.1 {status} {reason}\r\n{header}\r\n").into_bytes()
        };
        Self { before: statuses.iter().flat_map(answer).collect(), ..Self::default() }
    }
}

/// Where the service of a connection puts down how its next answer is sent.
#[derive(Clone, Default)]
pub(crate) struct Next(Arc<Mutex<Option<Wire>>>);

impl Next {
    pub(crate) fn set(&self, wire: Wire) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(wire);
    }

    fn take(&self) -> Option<Wire> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A connection whose answers suffer as they are told to.
pub(crate) struct Wired<S> {
    stream: S,
    next: Next,
    wire: Wire,
    /// How much of `wire.before`, of the head and of the body is sent.
    sent: [u64; 3],
    /// So many bytes of the empty line that ends the head were seen.
    blank: usize,
    pause: Option<Pin<Box<Sleep>>>,
}

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

impl<S> Wired<S> {
    pub(crate) fn new(stream: S, next: Next) -> Self {
        Self { stream, next, wire: Wire::default(), sent: [0; 3], blank: 0, pause: None }
    }

    fn part(&self) -> Part {
        if self.blank < END_OF_HEAD.len() { Part::Head } else { Part::Body }
    }

    /// So much of `bytes` belongs to the part that is being sent.
    fn within_part(&self, bytes: &[u8]) -> usize {
        let mut blank = self.blank;
        if self.part() == Part::Body {
            return bytes.len();
        }
        let end = bytes.iter().position(|byte| {
            blank = follow(blank, *byte);
            blank == END_OF_HEAD.len()
        });
        end.map_or(bytes.len(), |end| end + 1)
    }

    /// So much may be sent at once; nothing where the connection ends here.
    fn allowed(&self, bytes: &[u8]) -> Option<usize> {
        let part = self.part();
        let mut allowed = self.within_part(bytes);
        match self.wire.cut {
            Some((Part::Head, _)) if part == Part::Body => return None,
            Some((cut, after)) if cut == part => {
                let left = after.saturating_sub(if part == Part::Head { self.sent[1] } else { self.sent[2] });
                allowed = allowed.min(usize::try_from(left).unwrap_or(usize::MAX));
            }
            _ => {}
        }
        if let Some(drip) = self.dripping() {
            allowed = allowed.min(drip.bytes);
        }
        (allowed > 0).then_some(allowed)
    }

    fn dripping(&self) -> Option<Drip> {
        self.wire.drip.filter(|drip| drip.part == Part::Whole || drip.part == self.part())
    }

    fn note(&mut self, bytes: &[u8]) {
        if let Some(drip) = self.dripping() {
            self.pause = Some(Box::pin(tokio::time::sleep(drip.every)));
        }
        let part = usize::from(self.part() == Part::Body) + 1;
        if let Some(sent) = self.sent.get_mut(part) {
            *sent += bytes.len() as u64;
        }
        if part == 1 {
            self.blank = bytes.iter().fold(self.blank, |blank, byte| follow(blank, *byte));
        }
    }
}

/// The next byte, where so many of the empty line were seen before it.
fn follow(blank: usize, byte: u8) -> usize {
    match END_OF_HEAD.get(blank) {
        None => blank,
        Some(expected) if *expected == byte => blank + 1,
        Some(_) => usize::from(byte == b'\r'),
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wired<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wired<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if let Some(wire) = this.next.take() {
            (this.wire, this.sent, this.blank, this.pause) = (wire, [0; 3], 0, None);
        }
        while let Some(rest) = usize::try_from(this.sent[0]).ok().and_then(|sent| this.wire.before.get(sent..)) {
            if rest.is_empty() {
                break;
            }
            this.sent[0] += ready!(Pin::new(&mut this.stream).poll_write(context, rest))? as u64;
        }
        if let Some(pause) = &mut this.pause {
            ready!(pause.as_mut().poll(context));
            this.pause = None;
        }
        let Some(piece) = this.allowed(bytes).and_then(|allowed| bytes.get(..allowed)) else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let written = ready!(Pin::new(&mut this.stream).poll_write(context, piece))?;
        this.note(piece.get(..written).unwrap_or_default());
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
