//! As much of HTTP/1.1 as a browser needs to hand over a callback.

use httparse::{EMPTY_HEADER, Header, ParserConfig, Status};

/// No callback is longer, and no browser sends more: the cookies of everything on this host come along.
const MAX_HEAD: usize = 256 * 1024;
const MAX_BODY: usize = 64 * 1024;
const MAX_HEADERS: usize = 128;

pub(super) struct Request {
    method: Method,
    target: String,
    body: String,
    is_prefetch: bool,
}

#[derive(PartialEq)]
enum Method {
    Get,
    Post,
    Other,
}

/// What has come so far.
pub(super) enum Read {
    /// Not all of it.
    Part,
    /// A request.
    Whole(Request),
    /// Not HTTP, or too long.
    Garbage,
}

impl Request {
    /// Whether a page can be the answer.
    pub(super) fn is_page(&self) -> bool {
        self.method != Method::Other
    }

    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Whether the browser asks ahead of its user.
    pub(super) fn is_prefetch(&self) -> bool {
        self.is_prefetch
    }

    /// What goes to `complete_login`: the whole URL, or the body of a form post.
    pub(super) fn callback(&self, origin: &str) -> String {
        match self.method {
            Method::Post => self.body.clone(),
            Method::Get | Method::Other => format!("{origin}{}", self.target),
        }
    }
}

/// Reads a request. Of its headers two matter; the others may hold any bytes.
pub(super) fn read(bytes: &[u8]) -> Read {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let mut lenient = ParserConfig::default();
    lenient.ignore_invalid_headers_in_requests(true);
    let end = match lenient.parse_request(&mut head, bytes) {
        Ok(Status::Complete(end)) if end <= MAX_HEAD => end,
        Ok(Status::Partial) if bytes.len() <= MAX_HEAD => return Read::Part,
        Ok(_) | Err(_) => return Read::Garbage,
    };
    let (Some(method), Some(target)) = (head.method, head.path.filter(|target| target.starts_with('/'))) else {
        return Read::Garbage;
    };
    let length = match value_of(head.headers, "content-length").map(|value| value.trim().parse::<usize>()) {
        None => 0,
        Some(Ok(length)) => length,
        Some(Err(_)) => return Read::Garbage,
    };
    let method = match method {
        "GET" => Method::Get,
        "POST" if length <= MAX_BODY => Method::Post,
        _ => Method::Other,
    };
    let mut body = "";
    if method == Method::Post {
        match bytes.get(end..end + length).map(std::str::from_utf8) {
            None => return Read::Part,
            Some(Ok(text)) => body = text,
            Some(Err(_)) => return Read::Garbage,
        }
    }
    let is_prefetch = ["sec-purpose", "purpose", "x-moz", "x-purpose"].iter().any(|name| {
        let purpose = value_of(head.headers, name).unwrap_or_default();
        // `Sec-Purpose: prefetch;prerender`; Safari says `preview`.
        purpose.split([';', ',']).any(|word| matches!(word.trim(), "prefetch" | "prerender" | "preview"))
    });
    Read::Whole(Request { method, target: target.to_owned(), body: body.to_owned(), is_prefetch })
}

fn value_of<'a>(headers: &[Header<'a>], name: &str) -> Option<&'a str> {
    let header = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(header.value).ok()
}
