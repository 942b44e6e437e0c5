//! The table: what comes over the wire, and what has to become of it.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::raw::{Answer, Step};

/// The answer to everything: tokens for a grant, some JSON for a call.
pub(super) const BODY: &str =
    r#"{"access_token":"at-wire","token_type":"Bearer","expires_in":3600,"refresh_token":"rt-wire"}"#;
pub(super) const TOKEN: &str = "at-wire";
/// An answer as it should be.
pub(super) const GOOD: fn() -> Vec<Step> = || vec![Step::Send(with_length(BODY.len(), BODY))];

/// What a transport makes of an answer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome {
    /// 200 with the body, all of it and no more.
    Whole,
    /// This status.
    Status(u16),
    /// No complete answer, and nobody knows what the server did.
    Lost,
    /// More than the client reads.
    TooLarge,
    /// Parsers may differ about whether this is an answer; half of one it never is.
    WholeOrLost,
}

pub(super) struct Row {
    pub(super) id: &'static str,
    pub(super) about: &'static str,
    /// Is told where another server is.
    pub(super) answer: fn(&str) -> Answer,
    pub(super) call: Outcome,
    /// Of a refresh: `Whole` brings the tokens, everything else is a failure that keeps the old ones.
    pub(super) grant: Outcome,
}

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";

fn with_length(length: usize, body: &str) -> Vec<u8> {
    format!("{HEAD}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}

/// With these header lines, the body and its length.
fn with_headers(lines: &[u8]) -> Answer {
    let tail = format!("Content-Length: {}\r\n\r\n{BODY}", BODY.len());
    send([HEAD.as_bytes(), lines, tail.as_bytes()].concat())
}

fn send(bytes: impl Into<Vec<u8>>) -> Answer {
    Answer::Steps(vec![Step::Send(bytes.into())])
}

fn after(bytes: impl Into<Vec<u8>>, step: Step) -> Answer {
    Answer::Steps(vec![Step::Send(bytes.into()), step])
}

fn before_good(bytes: &str) -> Answer {
    let mut steps = vec![Step::Send(bytes.into())];
    steps.extend(GOOD());
    Answer::Steps(steps)
}

fn chunked(rest: &str) -> Vec<u8> {
    format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{rest}").into_bytes()
}

fn one_chunk() -> String {
    format!("{:x}\r\n{BODY}\r\n", BODY.len())
}

const fn row(id: &'static str, about: &'static str, answer: fn(&str) -> Answer, outcome: Outcome) -> Row {
    Row { id, about, answer, call: outcome, grant: outcome }
}

/// An answer that is one, and no tokens.
const fn answered(id: &'static str, about: &'static str, answer: fn(&str) -> Answer, status: u16) -> Row {
    Row { id, about, answer, call: Outcome::Status(status), grant: Outcome::Lost }
}

use Outcome::{Lost, TooLarge, Whole, WholeOrLost};

pub(super) const ROWS: &[Row] = &[
    row("wire-plain", "an answer as it should be", |_| Answer::Steps(GOOD()), Whole),
    row("wire-cut-status", "cut within the status line", |_| send("HTTP/1.1 20"), Lost),
    row("wire-cut-header", "cut within a header", |_| send(format!("{HEAD}Content-Len")), Lost),
    row(
        "wire-cut-head",
        "cut between two headers",
        |_| send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", BODY.len())),
        Lost,
    ),
    row("wire-cut-before-body", "cut between head and body", |_| send(with_length(BODY.len(), "")), Lost),
    row("wire-cut-body", "cut within the body", |_| send(with_length(BODY.len() + 1, BODY)), Lost),
    row(
        "wire-long-body",
        "more than was announced",
        |_| send(with_length(BODY.len(), &format!("{BODY}, more"))),
        Whole,
    ),
    row("wire-no-length", "the end of the connection ends the body", |_| send(format!("{HEAD}\r\n{BODY}")), Whole),
    row("wire-chunked", "chunks", |_| send(chunked(&format!("{}0\r\n\r\n", one_chunk()))), Whole),
    row(
        "wire-chunk-extension",
        "chunks with an extension and a trailer",
        |_| send(chunked(&format!("{:x};a=b\r\n{BODY}\r\n0\r\nX-Sum: 1\r\n\r\n", BODY.len()))),
        Whole,
    ),
    row("wire-chunk-cut", "cut after the last chunk but one", |_| send(chunked(&one_chunk())), Lost),
    row("wire-chunk-cut-within", "cut within a chunk", |_| send(chunked(&format!("ff\r\n{BODY}"))), Lost),
    row(
        "wire-chunk-no-number",
        "a size that is no number",
        |_| send(chunked(&format!("zz\r\n{BODY}\r\n0\r\n\r\n"))),
        Lost,
    ),
    row(
        "wire-chunk-overflow",
        "a size beyond 64 bits",
        |_| send(chunked(&format!("1000000000000000f\r\n{BODY}\r\n0\r\n\r\n"))),
        Lost,
    ),
    row("wire-chunk-negative", "a negative size", |_| send(chunked(&format!("-5\r\n{BODY}\r\n0\r\n\r\n"))), Lost),
    row(
        "wire-endless-body",
        "a body without end",
        |_| after(format!("{HEAD}\r\n"), Step::Flood(vec![b' '; 65536])),
        TooLarge,
    ),
    row(
        "wire-endless-chunks",
        "chunks without end",
        |_| after(chunked(""), Step::Flood([b"10000\r\n".as_slice(), &[b' '; 65536], b"\r\n"].concat())),
        TooLarge,
    ),
    row(
        "wire-endless-trailer",
        "a trailer without end",
        |_| after(chunked(&format!("{}0\r\n", one_chunk())), Step::Flood(b"X-A: b\r\n".repeat(4096))),
        Lost,
    ),
    row("wire-endless-head", "a head without end", |_| after(HEAD, Step::Flood(b"X-A: b\r\n".repeat(4096))), Lost),
    row(
        "wire-endless-1xx",
        "preliminary answers without end",
        |_| after("", Step::Flood(b"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1024))),
        Lost,
    ),
    row("wire-100", "100 goes before the answer", |_| before_good("HTTP/1.1 100 Continue\r\n\r\n"), Whole),
    row("wire-102", "102 goes before the answer", |_| before_good("HTTP/1.1 102 Processing\r\n\r\n"), Whole),
    row(
        "wire-103",
        "103 with headers goes before the answer, twice",
        |_| before_good(&"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nContent-Length: 3\r\n\r\n".repeat(2)),
        Whole,
    ),
    row("wire-silent", "no answer at all", |_| Answer::Steps(vec![Step::Drip(Vec::new()), SLEEP]), Lost),
    row("wire-drip-head", "a head of one byte a second", |_| Answer::Steps(vec![Step::Drip(HEAD.into())]), Lost),
    row(
        "wire-drip-body",
        "a body of one byte a second",
        |_| after(with_length(BODY.len(), ""), Step::Drip(BODY.into())),
        Lost,
    ),
    row(
        "wire-drip-chunks",
        "chunks of one byte a second",
        |_| after(chunked(""), Step::Drip(one_chunk().into())),
        Lost,
    ),
    row(
        "wire-drip-trailer",
        "a trailer of one byte a second",
        |_| after(chunked(&format!("{}0\r\n", one_chunk())), Step::Drip(b"X-A: b\r\n".repeat(9))),
        Lost,
    ),
    row(
        "wire-drip-1xx",
        "preliminary answers of one byte a second",
        |_| Answer::Steps(vec![Step::Drip(b"HTTP/1.1 100 Continue\r\n\r\n".repeat(2))]),
        Lost,
    ),
    row(
        "wire-huge-header",
        "a header of 8 MiB",
        |_| with_headers(format!("X-A: {}\r\n", "a".repeat(8 << 20)).as_bytes()),
        Lost,
    ),
    row("wire-no-colon", "a header without a colon", |_| with_headers(b"garbage\r\n"), WholeOrLost),
    row("wire-latin-1", "a header in Latin-1", |_| with_headers(b"X-Name: caf\xe9\r\n"), Whole),
    row("wire-nul", "a NUL in a header", |_| with_headers(b"X-A: a\0b\r\n"), WholeOrLost),
    row("wire-folded", "a header that goes on in the next line", |_| with_headers(b"X-A: a\r\n b\r\n"), WholeOrLost),
    row("wire-http-1-0", "HTTP/1.0", |_| send(format!("HTTP/1.0 200 OK\r\n\r\n{BODY}")), Whole),
    row("wire-http-0-9", "HTTP/0.9: a body and nothing else", |_| send(BODY), Lost),
    row("wire-other-protocol", "another protocol", |_| send(format!("ICY 200 OK\r\n\r\n{BODY}")), Lost),
    row("wire-status-text", "a status that is no number", |_| send(format!("HTTP/1.1 OK 200\r\n\r\n{BODY}")), Lost),
    row("wire-two-lengths", "two lengths that differ", |_| with_headers(b"Content-Length: 5\r\n"), Lost),
    row("wire-length-negative", "a negative length", |_| send(format!("{HEAD}Content-Length: -1\r\n\r\n{BODY}")), Lost),
    row(
        "wire-length-and-chunks",
        "a length and chunks",
        |_| send(format!("{HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", one_chunk())),
        WholeOrLost,
    ),
    answered(
        "wire-bom",
        "a mark before the body",
        |_| send(with_length(BODY.len() + 3, &format!("\u{feff}{BODY}"))),
        200,
    )
    .whose_grant(WholeOrLost),
    answered("wire-empty", "nothing in it", |_| send(with_length(0, "")), 200),
    answered("wire-204", "no content", |_| send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"), 204),
    answered("wire-302", "302 to another server", |other| redirect(302, other), 302),
    answered("wire-307", "307 to another server", |other| redirect(307, other), 307),
    answered("wire-308", "308 to another server", |other| redirect(308, other), 308),
    row("wire-gzip", "compressed, asked for or not", |_| send(gzipped(&gzip(BODY.as_bytes()))), Whole),
    row("wire-gzip-cut", "compressed, and cut", |_| send(gzipped(cut(&gzip(BODY.as_bytes())))), Lost),
    row("wire-gzip-no-gzip", "said to be compressed, and is not", |_| send(gzipped(BODY.as_bytes())), Lost),
    row("wire-gzip-bomb", "little that unpacks to 256 MiB", |_| send(gzipped(&gzip(&vec![b' '; 256 << 20]))), TooLarge),
    row("wire-closed", "closed without an answer", |_| Answer::Steps(Vec::new()), Lost),
    row("wire-reset", "reset", |_| Answer::Reset, Lost),
];

const SLEEP: Step = Step::Wait(std::time::Duration::from_secs(12));

impl Row {
    const fn whose_grant(mut self, grant: Outcome) -> Self {
        self.grant = grant;
        self
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).and_then(|()| packed.finish()).unwrap_or_default()
}

/// Without its last quarter.
fn cut(packed: &[u8]) -> &[u8] {
    &packed[..packed.len() * 3 / 4]
}

fn gzipped(packed: &[u8]) -> Vec<u8> {
    let head = format!("{HEAD}Content-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", packed.len());
    [head.as_bytes(), packed].concat()
}

fn redirect(status: u16, other: &str) -> Answer {
    send(format!(
        "HTTP/1.1 {status} X\r\nLocation: {other}/v1/access_token\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ))
}
