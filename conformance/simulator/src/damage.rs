//! How each fault looks on the wire.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Frame;
use serde_json::json;

use crate::answer::{Answer, error_body, status_code, style};
use crate::body::respoken;
use crate::call::Call;
use crate::fault_kind::{FaultKind, Part};
use crate::pipeline::cut;
use crate::wire::Wire;
use crate::world::World;

const HTML: &str = "<!doctype html><html><head><title>Bad Gateway</title></head>\
    <body><h1>Bad Gateway</h1><p>The upstream server did not answer.</p></body></html>";

/// What is answered in place of handling the request. None: it is handled after all.
pub(crate) fn instead(kind: &FaultKind, call: &Call, world: &World) -> Option<Response> {
    Some(match kind {
        FaultKind::Cut { .. } => cut(),
        FaultKind::Status { .. } | FaultKind::Html { .. } => error(kind, call, world),
        FaultKind::Redirect { location } => Answer::redirect(location).into_response(),
        FaultKind::OkWithError { error } => {
            let body = json!({"error": error, "error_description": "The simulator was told to answer so."});
            Answer::json(200, &body).into_response()
        }
        FaultKind::Huge { length, send } => huge(*length, send.unwrap_or(*length)),
        _ => return None,
    })
}

/// What becomes of the answer to a request that was handled.
pub(crate) async fn damage(response: Response, kind: &FaultKind, call: &Call, world: &World) -> Response {
    match kind {
        FaultKind::Cut { .. } => cut(),
        FaultKind::Status { .. } | FaultKind::Html { .. } => error(kind, call, world),
        FaultKind::WithStatus { status } => {
            let mut response = response;
            *response.status_mut() = status_code(*status);
            response
        }
        FaultKind::ContentType { value } => {
            let mut response = response;
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(header::CONTENT_TYPE, value);
            }
            response
        }
        FaultKind::CutHead { bytes } => on_the_wire(response, Wire::cut(Part::Head, *bytes)),
        FaultKind::CutBody { bytes } => on_the_wire(response, Wire::cut(Part::Body, *bytes)),
        FaultKind::Drip { bytes, every_ms, part } => on_the_wire(response, Wire::drip(*part, *bytes, *every_ms)),
        FaultKind::Interim { statuses } => on_the_wire(response, Wire::interim(statuses)),
        kind => respoken(response, kind).await,
    }
}

fn on_the_wire(mut response: Response, wire: Wire) -> Response {
    response.extensions_mut().insert(wire);
    response
}

fn error(kind: &FaultKind, call: &Call, world: &World) -> Response {
    match kind {
        FaultKind::Status { status, retry_after, error, body, .. } => {
            let code = error.as_deref().unwrap_or(match status {
                401 => "unauthorized",
                429 => "too_many_requests",
                503 => "temporarily_unavailable",
                _ => "server_error",
            });
            let why = "The simulator was told to answer so.";
            let style = style(call, &world.state().options);
            let usual = || error_body(style, code, why, &call.tracking_id);
            let mut answer = match (status, error, body) {
                (_, _, Some(body)) => Answer::json(*status, body),
                (401, None, None) if call.endpoint.is_api() => Answer::unauthorized(call),
                _ => Answer::json(*status, &usual()),
            };
            if let Some(Ok(value)) = retry_after.as_ref().map(|value| HeaderValue::from_str(value)) {
                answer.response.headers_mut().insert(header::RETRY_AFTER, value);
            }
            answer.response
        }
        FaultKind::Html { status, .. } => {
            let mut response = Answer::empty(*status).response;
            *response.body_mut() = Body::from(HTML);
            let kind = HeaderValue::from_static("text/html; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        _ => cut(),
    }
}

fn huge(length: u64, send: u64) -> Response {
    let mut response = Answer::empty(200).response;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    *response.body_mut() = Body::new(Blanks { left: send.min(length), flush: false });
    response
}

/// A body of blanks. When it is shorter than announced the connection ends with it.
struct Blanks {
    left: u64,
    /// The last chunk is to be flushed first: hyper drops what it has not sent when a body ends early.
    flush: bool,
}

impl HttpBody for Blanks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        static BLANKS: [u8; 16 * 1024] = [b' '; 16 * 1024];
        if self.flush {
            self.flush = false;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let size = usize::try_from(self.left).unwrap_or(usize::MAX).min(BLANKS.len());
        self.left -= size as u64;
        self.flush = true;
        let chunk = BLANKS.get(..size).filter(|chunk| !chunk.is_empty());
        Poll::Ready(chunk.map(|chunk| Ok(Frame::data(Bytes::from_static(chunk)))))
    }
}
