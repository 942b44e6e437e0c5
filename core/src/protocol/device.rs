//! The device grant (RFC 8628), and Webex's way of it.

use std::time::Duration;

use crate::error::{ErrorCode, Fault, FaultKind};
use crate::event::Deviation;
use crate::http::HttpResponse;
use crate::protocol::answer::{self, Context};
use crate::protocol::clean::{seen, shown_url};
use crate::protocol::form::percent_encode;
use crate::secret::Secret;
use crate::time::Timestamp;

/// RFC 8628 section 3.2: where the server names no interval.
const DEFAULT_INTERVAL: i64 = 5;
/// Where the server names no lifetime: Webex's.
const DEFAULT_LIFETIME: i64 = 300;
/// RFC 8628 section 3.5: `slow_down` adds this for good.
pub(crate) const SLOW_DOWN: Duration = Duration::from_secs(5);
/// Bounds of what a server may ask for.
const MAX_INTERVAL: i64 = 3600;

/// What to show to the user. The user code is for the user's eyes, not for logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevicePrompt {
    /// The code to enter.
    pub user_code: Secret,
    /// Where to enter it.
    pub verification_uri: String,
    /// The same with the code in it, for a QR code.
    pub verification_uri_complete: Option<Secret>,
    /// When the code ends.
    pub expires_at: Timestamp,
    /// How often the session polls.
    pub interval: Duration,
}

/// The answer to a device authorization request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceAuthorization {
    /// What the session polls with.
    pub device_code: Secret,
    /// What the user sees.
    pub prompt: DevicePrompt,
}

/// Reads the answer to a device authorization request (RFC 8628 section 3.2).
pub(crate) fn read_authorization(
    response: &HttpResponse,
    context: &Context<'_>,
) -> Result<(DeviceAuthorization, Vec<Deviation>), Fault> {
    let body = answer::object(response);
    if answer::is_error(response.status, body.as_ref()) {
        return Err(answer::fault(response, body.as_ref(), context));
    }
    let malformed = |what| answer::malformed(response, what, context);
    let body = body.ok_or_else(|| malformed("the body is not a JSON object"))?;
    let text = |name: &str| body.text(name).filter(|text| !text.is_empty());
    let mut deviations = answer::deviations(&body);
    let mut seconds = |name: &str, default: i64| {
        body.get(name).and_then(|value| answer::seconds(value, &mut deviations)).unwrap_or(default)
    };
    let interval = seconds("interval", DEFAULT_INTERVAL).clamp(1, MAX_INTERVAL);
    let lifetime = seconds("expires_in", DEFAULT_LIFETIME);
    deviations.sort_unstable();
    deviations.dedup();
    // `verification_url` is the draft's name, still in use.
    let verification_uri = text("verification_uri").or_else(|| text("verification_url"));
    let (Some(device_code), Some(user_code), Some(verification_uri)) =
        (text("device_code"), text("user_code"), verification_uri)
    else {
        return Err(malformed("device_code, user_code or verification_uri is missing"));
    };
    // Nobody can sign in there, and what a browser would run or read is not to be shown.
    let verification_uri =
        shown_url(verification_uri).ok_or_else(|| malformed("verification_uri is not an address of the web"))?;
    let authorization = DeviceAuthorization {
        device_code: device_code.into(),
        prompt: DevicePrompt {
            user_code: seen(user_code).into(),
            verification_uri,
            verification_uri_complete: text("verification_uri_complete").and_then(shown_url).map(Secret::from),
            expires_at: context.now.plus(Duration::from_secs(lifetime.unsigned_abs())),
            interval: Duration::from_secs(interval.unsigned_abs()),
        },
    };
    Ok((authorization, deviations))
}

/// What a failed poll means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Poll {
    /// The user has not decided yet.
    Pending,
    /// The same, and poll less often from now on.
    SlowDown,
    /// The poll failed, which says nothing about the user: poll again.
    Again,
    /// The login is over.
    Over,
}

/// RFC 8628 section 3.5; Webex says 428 for pending.
pub(crate) fn judge_poll(fault: &Fault) -> Poll {
    match (&fault.code, fault.kind, fault.status) {
        (Some(ErrorCode::SlowDown), _, _) => Poll::SlowDown,
        (Some(ErrorCode::AuthorizationPending), _, _) | (None | Some(ErrorCode::Other(_)), _, Some(428)) => {
            Poll::Pending
        }
        (_, FaultKind::RateLimited | FaultKind::Unavailable | FaultKind::Network | FaultKind::Malformed, _) => {
            Poll::Again
        }
        (Some(ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable), _, _) => Poll::Again,
        // No word of the server's but a proxy's or a portal's; 400 alone says that the next request is wrong as well.
        (None, FaultKind::Unexpected, status) if status != Some(400) => Poll::Again,
        (_, _, _) => Poll::Over,
    }
}

/// Webex: the address for a QR code that opens the Webex app; other addresses stay as they are.
pub fn webex_qr_url(verification_uri_complete: &str, oauth_helper: &str) -> String {
    let code = url::Url::parse(verification_uri_complete)
        .ok()
        .and_then(|url| url.query_pairs().find(|(name, _)| name == "userCode").map(|(_, code)| code.into_owned()));
    let Some(code) = code else {
        return verification_uri_complete.to_owned();
    };
    let mut url = String::from("https://web.webex.com/deviceAuth?usercode=");
    percent_encode(&mut url, &code);
    url.push_str("&oauthhelper=");
    percent_encode(&mut url, oauth_helper);
    url
}
