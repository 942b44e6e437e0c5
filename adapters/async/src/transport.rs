//! What the client needs of its host: a way to send a request, and a way to wait.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use webex_oauth::{HttpRequest, HttpResponse, SendFault, TransportHints};
use webex_oauth_driver::BoxFuture;

/// A request as it goes on the wire.
pub type Request = http::Request<Vec<u8>>;
/// An answer, any status.
pub type Response = http::Response<Vec<u8>>;

/// HTTP and time of the host: a few short methods on whatever executor and HTTP stack there is.
///
/// The futures own what they need. They may be polled from one task first and from another later, and some time may
/// pass in between.
pub trait AsyncHttp: Send + Sync + 'static {
    /// Sends the request and reads the whole answer, any status. Redirects are answers and are not followed; a body
    /// longer than `hints.max_response_bytes` is [`SendFault::TooLarge`]. The client watches `hints.timeout` itself.
    /// Every header of the answer is handed over, and the body decompressed where it was compressed.
    ///
    /// # Errors
    ///
    /// [`SendError`] where no complete answer came: [`SendFault::NotSent`] only where the server cannot have seen the
    /// request, since it is sent again then; [`SendFault::Lost`] where it may have acted upon it.
    fn send(&self, request: Request, hints: TransportHints) -> BoxFuture<'static, Result<Response, SendError>>;

    /// Ready after this long.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Runs `work`, which blocks for moments (a file is written), where that harms nobody. Started work is carried to
    /// its end even where the future is dropped. As given, it blocks whoever polls.
    fn unblock(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        work();
        Box::pin(std::future::ready(()))
    }

    /// Runs `work` in the background, to its end: what callers have begun, as long as it is under way. Called wherever
    /// a caller is, and not waited for. As given, `work` is dropped, and callers do it while they wait; what is left when the
    /// last one goes waits for the next. Then spawn [`Client::run`](crate::Client::run) where other processes share the
    /// store, and await [`Client::close`](crate::Client::close) before the last handle goes.
    fn spawn(&self, work: BoxFuture<'static, ()>) {
        drop(work);
    }
}

/// Among the extensions of a request that spends something: a refresh token, a code. It goes over a connection of its own,
/// since on a stale one it could be lost without a trace, and is not sent twice.
#[derive(Clone)]
pub struct GrantRequest(Arc<dyn Fn() -> bool + Send + Sync>);

impl GrantRequest {
    pub(crate) fn new(in_time: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(in_time))
    }

    /// Whether it may still go out, to be asked right before its body does: later than that it is [`SendFault::NotSent`], since
    /// another process may take the attempt for abandoned.
    pub fn is_in_time(&self) -> bool {
        (self.0)()
    }
}

impl fmt::Debug for GrantRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GrantRequest")
    }
}

/// A request that brought no complete answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
#[non_exhaustive]
pub struct SendError {
    /// Whether the server may have seen it.
    pub fault: SendFault,
    /// For people. Must not contain a secret, nor a URL's query.
    pub problem: String,
}

impl SendError {
    /// With a text for people.
    pub fn new(fault: SendFault, problem: impl Into<String>) -> Self {
        Self { fault, problem: problem.into() }
    }
}

/// How long what arrived before the deadline may take to be read after it.
const OVERTIME: Duration = Duration::from_millis(250);

/// Sends, and gives up when the time is over.
pub(crate) async fn send_in_time(
    http: &dyn AsyncHttp,
    request: Request,
    hints: TransportHints,
) -> Result<Response, SendError> {
    use futures_util::future::{Either, select};
    let answer = http.send(request, hints);
    let answer = match select(answer, http.sleep(hints.timeout)).await {
        Either::Left((answer, _)) => return answer,
        Either::Right(((), answer)) => answer,
    };
    // A process that slept finds its answer in the socket: what has arrived is read before the deadline counts.
    match select(answer, http.sleep(OVERTIME)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(((), _)) => {
            let problem = format!("no answer within {} s", hints.timeout.as_secs_f32());
            Err(SendError::new(SendFault::Lost, problem))
        }
    }
}

/// The core's request for the wire. Its parts are the core's own and always valid.
pub(crate) fn to_wire(request: &HttpRequest) -> Result<Request, SendError> {
    let unsendable = |_| SendError::new(SendFault::NotSent, "the request cannot be written down");
    let mut builder = http::Request::builder().method(HttpRequest::METHOD).uri(request.url());
    for (name, value) in &request.headers {
        let mut value = http::HeaderValue::from_str(value.expose()).map_err(|error| unsendable(error.into()))?;
        value.set_sensitive(true);
        builder = builder.header(*name, value);
    }
    builder.body(request.body.expose().as_bytes().to_vec()).map_err(unsendable)
}

/// An answer for the core.
pub(crate) fn from_wire(response: Response) -> HttpResponse {
    let (parts, body) = response.into_parts();
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    HttpResponse { status: parts.status.as_u16(), headers, body }
}
