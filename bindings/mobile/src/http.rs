//! HTTP messages as data.

use std::fmt;
use std::sync::Arc;

use webex_oauth::{Purpose, RequestId};

use crate::secret::Secret;
use crate::target_uri::TargetUri;
use crate::{count, ms};

/// A header of a request. Its value may be a credential.
#[derive(Debug, uniffi::Record)]
pub struct HttpHeader {
    /// In lower case.
    pub name: String,
    /// The value.
    pub value: Arc<Secret>,
}

/// A request to send, complete.
#[derive(Debug, uniffi::Record)]
pub struct HttpRequest {
    /// Hand it back with the answer.
    pub id: RequestId,
    /// What it is for.
    pub purpose: Purpose,
    /// It may change the grant: hold the store's lock around it.
    pub is_grant: bool,
    /// `POST`.
    pub method: String,
    /// Absolute URL; never carries a secret.
    pub url: String,
    /// Where to send it: connect to this and nothing else.
    pub target: TargetUri,
    /// All of them.
    pub headers: Vec<HttpHeader>,
    /// Empty where there is none.
    pub body: Arc<Secret>,
    /// Give up after so many milliseconds and report `Lost`.
    pub timeout_ms: u64,
    /// Read no more of the answer than this; report a longer one as `TooLarge`.
    pub max_response_bytes: u64,
    /// Always false: a redirect is an answer.
    pub follow_redirects: bool,
    /// Whether the transport may send it again by itself.
    pub idempotent: bool,
}

impl From<webex_oauth::HttpRequest> for HttpRequest {
    fn from(request: webex_oauth::HttpRequest) -> Self {
        let webex_oauth::HttpRequest { id, purpose, target, headers, body, hints } = request;
        let webex_oauth::TransportHints { timeout, max_response_bytes, follow_redirects, idempotent } = hints;
        let header = |(name, value): &(&'static str, webex_oauth::HeaderValue)| HttpHeader {
            name: (*name).to_owned(),
            value: Secret::of(value.expose()),
        };
        Self {
            id,
            purpose,
            is_grant: purpose.is_grant(),
            method: webex_oauth::HttpRequest::METHOD.to_owned(),
            url: target.url().to_owned(),
            target: target.as_ref().into(),
            headers: headers.iter().map(header).collect(),
            body: Secret::of(Arc::unwrap_or_clone(body)),
            timeout_ms: ms(timeout),
            max_response_bytes: count(max_response_bytes),
            follow_redirects,
            idempotent,
        }
    }
}

/// A header of an answer.
#[derive(uniffi::Record)]
pub struct ResponseHeader {
    /// In any case.
    pub name: String,
    /// The value.
    pub value: String,
}

/// An answer, any status. Never printed: bodies hold tokens, headers may hold cookies.
#[derive(uniffi::Object)]
#[uniffi::export(Display)]
pub struct HttpResponse(webex_oauth::HttpResponse);

#[uniffi::export]
impl HttpResponse {
    /// Status, every header, and the body as received, decompressed.
    #[uniffi::constructor]
    pub fn new(status: u16, headers: Vec<ResponseHeader>, body: Vec<u8>) -> Arc<Self> {
        let headers = headers.into_iter().map(|header| (header.name, header.value)).collect();
        Arc::new(Self(webex_oauth::HttpResponse { status, headers, body }))
    }
}

impl HttpResponse {
    pub(crate) fn core(&self) -> &webex_oauth::HttpResponse {
        &self.0
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
