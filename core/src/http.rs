//! HTTP messages as data. The driver sends them; the core never touches a socket.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroize;

use crate::secret::Secret;
use crate::target_uri::TargetUri;

/// Names a request, so that its answer finds its way back. Unique within a session's life in one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// What a request is for. Drivers use it for logging and for the store's lock (see [`Purpose::is_grant`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Redeems an authorization code (RFC 6749 section 4.1.3).
    RedeemCode,
    /// Uses the refresh token (RFC 6749 section 6).
    Refresh,
    /// Client credentials grant (RFC 6749 section 4.4).
    ClientCredentials,
    /// Webex: exchanges a guest JWT at `jwt/login`.
    JwtLogin,
    /// Webex: asks `guests/token` for a guest's token with a Service App's token.
    GuestToken,
    /// Device authorization request (RFC 8628 section 3.1).
    DeviceAuthorization,
    /// Device access token request (RFC 8628 section 3.4).
    DeviceToken,
    /// Webex: scope reduction.
    Downscope,
    /// Token revocation (RFC 7009).
    Revoke,
    /// Webex: tells the identity broker that the user signed out.
    Logout,
}

impl Purpose {
    /// True for requests that can change the grant itself: at most one of these is outstanding at a time, and a
    /// driver with a shared store holds its lock around them.
    pub const fn is_grant(self) -> bool {
        match self {
            Self::RedeemCode
            | Self::Refresh
            | Self::ClientCredentials
            | Self::JwtLogin
            | Self::GuestToken
            | Self::DeviceAuthorization
            | Self::DeviceToken => true,
            Self::Downscope | Self::Revoke | Self::Logout => false,
        }
    }

    /// The stable name, as in vectors and logs: `redeem_code`, `refresh`, …
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RedeemCode => "redeem_code",
            Self::Refresh => "refresh",
            Self::ClientCredentials => "client_credentials",
            Self::JwtLogin => "jwt_login",
            Self::GuestToken => "guest_token",
            Self::DeviceAuthorization => "device_authorization",
            Self::DeviceToken => "device_token",
            Self::Downscope => "downscope",
            Self::Revoke => "revoke",
            Self::Logout => "logout",
        }
    }
}

/// The value of a request header: a constant, or a secret such as `Authorization`.
#[derive(Clone, PartialEq, Eq)]
pub enum HeaderValue {
    /// A value without any secret.
    Plain(&'static str),
    /// A value to keep out of logs.
    Secret(Secret),
}

impl HeaderValue {
    /// The value as it goes on the wire.
    pub fn expose(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Secret(secret) => secret.expose(),
        }
    }
}

impl fmt::Debug for HeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(text) => fmt::Debug::fmt(text, f),
            Self::Secret(secret) => fmt::Debug::fmt(secret, f),
        }
    }
}

/// How the driver has to carry a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransportHints {
    /// Give up after this long and report [`SendFault::Lost`](crate::SendFault::Lost).
    pub timeout: Duration,
    /// Read no more of the answer than this; report a longer one as [`SendFault::TooLarge`](crate::SendFault::TooLarge).
    pub max_response_bytes: usize,
    /// Always false: a redirect of a token endpoint is an answer, never followed (RFC 9700 section 4.12).
    pub follow_redirects: bool,
    /// Whether the transport may send the request again by itself after a lost connection. False for every grant.
    pub idempotent: bool,
}

/// A request to send, complete. All of them are `POST`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// Hand it back with the answer.
    pub id: RequestId,
    /// What it is for.
    pub purpose: Purpose,
    /// Where to send it: connect to this and nothing else. Never carries a secret.
    pub target: Arc<TargetUri>,
    /// Header names are lower case.
    pub headers: Vec<(&'static str, HeaderValue)>,
    /// The body, empty where there is none. The session looks at the same bytes until the answer is read.
    pub body: Arc<Secret>,
    /// How to carry it.
    pub hints: TransportHints,
}

impl HttpRequest {
    /// The method of every request that the core makes.
    pub const METHOD: &'static str = "POST";

    /// The absolute URL, for logs and for libraries that take nothing else: [`TargetUri::url`].
    pub fn url(&self) -> &str {
        self.target.url()
    }

    /// The value of header `name` (lower case), if it is sent.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.expose())
    }
}

/// An answer, any status. Hand over every header: `Retry-After` and `trackingid` matter.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// HTTP status code.
    pub status: u16,
    /// Header names in any case.
    pub headers: Vec<(String, String)>,
    /// The body as received, decompressed.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// The first value of header `name`, compared without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Bodies hold tokens and headers may hold cookies, so only the outline is printed.
impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .field("headers", &self.headers.len())
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

impl Drop for HttpResponse {
    fn drop(&mut self) {
        self.body.zeroize();
    }
}
