//! As much of HTTP/1.1 as a browser needs to hand over a callback.

use std::io::{self, Read as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// No callback is longer.
const MAX_HEAD: usize = 64 * 1024;
const MAX_BODY: usize = 64 * 1024;
/// For the whole request, however slowly it comes.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Request {
    method: Method,
    target: String,
    body: String,
}

#[derive(PartialEq)]
enum Method {
    Get,
    Post,
    Other,
}

impl Request {
    pub(super) fn is_for(&self, path: &str) -> bool {
        self.method != Method::Other && self.target.split('?').next() == Some(path)
    }

    /// What goes to `complete_login`: the whole URL, or the body of a form post.
    pub(super) fn callback(&self, origin: &str) -> String {
        match self.method {
            Method::Post => self.body.clone(),
            Method::Get | Method::Other => format!("{origin}{}", self.target),
        }
    }
}

/// Reads one request; `None` where it is not HTTP or too long.
pub(super) fn read(stream: &mut TcpStream) -> io::Result<Option<Request>> {
    let begun = Instant::now();
    stream.set_nonblocking(false)?;
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if bytes.len() > MAX_HEAD || !more(stream, &mut bytes, begun)? {
            return Ok(None);
        }
    };
    let Some(head) = bytes.get(..end).and_then(|head| std::str::from_utf8(head).ok()) else {
        return Ok(None);
    };
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some("HTTP/1.1" | "HTTP/1.0"), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Ok(None);
    };
    if !target.starts_with('/') || target.contains(|c: char| c.is_control()) {
        return Ok(None);
    }
    let (method, target) = (method.to_owned(), target.to_owned());
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok())
        .unwrap_or(0);
    let method = match method.as_str() {
        "GET" => Method::Get,
        "POST" if length <= MAX_BODY => Method::Post,
        _ => Method::Other,
    };
    let mut body = String::new();
    if method == Method::Post {
        while bytes.len() < end + 4 + length {
            if !more(stream, &mut bytes, begun)? {
                return Ok(None);
            }
        }
        let Some(Ok(text)) = bytes.get(end + 4..end + 4 + length).map(std::str::from_utf8) else {
            return Ok(None);
        };
        text.clone_into(&mut body);
    }
    Ok(Some(Request { method, target, body }))
}

/// Reads what is there; false at the end.
fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>, begun: Instant) -> io::Result<bool> {
    let left = PATIENCE.saturating_sub(begun.elapsed()).max(Duration::from_millis(1));
    if begun.elapsed() >= PATIENCE {
        return Err(io::ErrorKind::TimedOut.into());
    }
    stream.set_read_timeout(Some(left))?;
    let mut buffer = [0; 4096];
    let read = stream.read(&mut buffer)?;
    bytes.extend_from_slice(buffer.get(..read).unwrap_or_default());
    Ok(read > 0)
}
