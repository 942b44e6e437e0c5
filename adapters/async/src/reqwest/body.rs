//! The body of a grant: it goes out in time, or not at all.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::transport::GrantRequest;

/// Has the body asked for right before it goes out: to look a name up and to connect takes its time. A server that got a head
/// alone has nothing to spend.
pub(super) fn guard(request: &mut ::reqwest::Request, grant: GrantRequest) {
    let bytes = request.body().and_then(::reqwest::Body::as_bytes).map(Bytes::copy_from_slice);
    if let Some(bytes) = bytes {
        *request.body_mut() = Some(::reqwest::Body::wrap(Guarded { bytes: Some(bytes), grant }));
    }
}

/// Whether the body did not go out.
pub(super) fn was_held_back(error: &::reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<TooLate>() {
            return true;
        }
        cause = inner.source();
    }
    false
}

#[derive(Debug, thiserror::Error)]
#[error("too late to send it")]
struct TooLate;

struct Guarded {
    bytes: Option<Bytes>,
    grant: GrantRequest,
}

impl Body for Guarded {
    type Data = Bytes;
    type Error = TooLate;

    fn poll_frame(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, TooLate>>> {
        Poll::Ready(match self.bytes.take() {
            Some(_) if !self.grant.is_in_time() => Some(Err(TooLate)),
            Some(bytes) => Some(Ok(Frame::data(bytes))),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, Bytes::len).try_into().unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::Duration;

    use webex_oauth::{SendFault, TransportHints};

    use super::*;
    use crate::{AsyncHttp as _, Reqwest};

    /// Answers what the server saw of a grant whose time is over at the second question about it: the body's.
    fn sent(in_time: impl Fn() -> bool + Send + Sync + 'static) -> (Result<u16, SendFault>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
            let mut seen = Vec::new();
            let _ = stream.read_to_end(&mut seen);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
            String::from_utf8(seen).unwrap()
        });
        let mut request = http::Request::post(url).body(b"grant_type=refresh_token".to_vec()).unwrap();
        request.extensions_mut().insert(GrantRequest::new(in_time));
        let hints = TransportHints {
            timeout: Duration::from_secs(30),
            max_response_bytes: 1000,
            follow_redirects: false,
            idempotent: false,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = runtime.block_on(Reqwest::new().unwrap().send(request, hints));
        let answer = answer.map(|answer| answer.status().as_u16()).map_err(|error| error.fault);
        (answer, server.join().unwrap())
    }

    #[test]
    fn a_grant_whose_time_is_over_when_the_connection_is_there_is_not_sent() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let (answer, seen) = sent(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            false
        });
        assert_eq!(answer, Err(SendFault::NotSent));
        assert!(!seen.contains("refresh_token"), "{seen}");
        assert_eq!(asked.load(Ordering::SeqCst), 1, "right before the body");
    }

    #[test]
    fn one_in_time_is_sent_whole_with_its_length() {
        let (answer, seen) = sent(|| true);
        assert_eq!(answer, Ok(200));
        assert!(seen.to_lowercase().contains("content-length: 24\r\n"), "{seen}");
        assert!(seen.ends_with("grant_type=refresh_token"), "{seen}");
    }
}
