//! Reading any answer: by its body first, by its status second.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::error::{ErrorCode, Fault, FaultKind};
use crate::event::Deviation;
use crate::http::HttpResponse;
use crate::protocol::clean::{clean, clean_tracking_id};
use crate::protocol::members::{Member, Members};
use crate::protocol::request::Carried;
use crate::protocol::retry_after::{RetryAfterBounds, retry_after};
use crate::protocol::scope::Scope;
use crate::time::Timestamp;

/// No token answer is larger.
pub(crate) const MAX_BODY: usize = 1 << 20;

/// What the reading of one answer needs to know.
pub(crate) struct Context<'a> {
    pub(crate) now: Timestamp,
    pub(crate) strict: bool,
    pub(crate) bounds: &'a RetryAfterBounds,
    /// What the request carried: a server may quote it, an error must not.
    pub(crate) carried: &'a Carried,
    /// What the tokens will most likely be good for.
    pub(crate) scope: Option<&'a Scope>,
}

impl Context<'_> {
    /// Cleans the texts of one answer.
    fn cleaner(&self) -> impl Fn(&str) -> String {
        self.with_secrets(clean)
    }

    fn tracking_id_cleaner(&self) -> impl Fn(&str) -> String {
        self.with_secrets(clean_tracking_id)
    }

    fn with_secrets(&self, clean: impl Fn(&str, &[&str]) -> String) -> impl Fn(&str) -> String {
        let secrets = self.carried.secrets();
        move |text| clean(text, &secrets.iter().map(|secret| secret.as_str()).collect::<Vec<_>>())
    }
}

/// The body, unless it is longer than any answer.
pub(crate) fn body(response: &HttpResponse) -> Option<&[u8]> {
    Some(response.body.as_slice()).filter(|body| body.len() <= MAX_BODY)
}

/// The JSON object in the body, if there is one.
pub(crate) fn object(response: &HttpResponse) -> Option<Members<'_>> {
    Members::parse(body(response)?)
}

/// True where the answer says that it failed, by body or by status.
pub(crate) fn is_error(status: u16, body: Option<&Members<'_>>) -> bool {
    !(200..300).contains(&status) || body.is_some_and(|body| body.get("error").is_some_and(|error| !error.is_null()))
}

/// The fault that a failed answer stands for.
#[cold]
pub(crate) fn fault(response: &HttpResponse, body: Option<&Members<'_>>, context: &Context<'_>) -> Fault {
    let empty = Members::default();
    let body = body.unwrap_or(&empty);
    let cleaned = context.cleaner();
    let code = error_code(body).filter(|code| cleaned(code.as_str()) == code.as_str());
    let status = response.status;
    let kind = match (&code, status) {
        // A code that some specification names speaks for itself, whatever the status.
        (Some(ErrorCode::Other(_)) | None, 423 | 429) => FaultKind::RateLimited,
        (Some(ErrorCode::Other(_)) | None, 500..) => FaultKind::Unavailable,
        (None, 401) => FaultKind::Unauthorized,
        (Some(_), _) => FaultKind::Refused,
        (None, 200..300) => FaultKind::Malformed,
        (None, _) => FaultKind::Unexpected,
    };
    Fault {
        kind,
        code,
        description: description(body).map(|text| cleaned(&text)),
        uri: body.text("error_uri").map(&cleaned),
        status: Some(status),
        tracking_id: tracking_id(response, body).map(context.tracking_id_cleaner()),
        retry_after: wait(response, context),
        send: None,
    }
}

/// A success without a usable token.
#[cold]
pub(crate) fn malformed(response: &HttpResponse, what: &str, context: &Context<'_>) -> Fault {
    Fault {
        status: Some(response.status),
        tracking_id: response.header("trackingid").map(context.tracking_id_cleaner()),
        ..Fault::described(FaultKind::Malformed, what)
    }
}

/// The wait that the server asks for: any failed answer may carry the header, a 429 means one without it, too.
fn wait(response: &HttpResponse, context: &Context<'_>) -> Option<Duration> {
    let header = response.header("retry-after");
    (header.is_some() || matches!(response.status, 423 | 429)).then(|| retry_after(header, context.now, context.bounds))
}

/// `error` as a text; in an object as Webex nests it; or a `message` that is itself a code, as at Webex's device
/// endpoint.
fn error_code(body: &Members<'_>) -> Option<ErrorCode> {
    let nested = |object: &Map<String, Value>| {
        ["error", "code", "key", "message"].iter().find_map(|name| text(object, name).and_then(ErrorCode::known))
    };
    match body.get("error") {
        Some(Member::Text(code)) => {
            let fits = (1..=64).contains(&code.len())
                && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte));
            fits.then(|| ErrorCode::parse(code))
        }
        Some(Member::Other(Value::Object(object))) => nested(object),
        _ => body.text("message").and_then(ErrorCode::known),
    }
}

/// The sentence for people. A message that is the code itself says nothing new: then the first of `errors` speaks.
fn description(body: &Members<'_>) -> Option<String> {
    let says_more = |text: &&str| ErrorCode::known(text).is_none();
    if let Some(text) = body.text("error_description").or_else(|| body.text("message").filter(says_more)) {
        return Some(text.to_owned());
    }
    if let Some(Member::Other(Value::Object(error))) = body.get("error") {
        return text(error, "error_description").or_else(|| text(error, "message")).map(str::to_owned);
    }
    let Some(Member::Other(Value::Array(errors))) = body.get("errors") else {
        return None;
    };
    let first = errors.first()?.as_object().and_then(|first| text(first, "description"));
    first.filter(says_more).map(str::to_owned)
}

fn tracking_id<'a>(response: &'a HttpResponse, body: &'a Members<'_>) -> Option<&'a str> {
    body.text("trackingId").or_else(|| response.header("trackingid"))
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

/// A count of seconds as servers write it.
///
/// An integer; a float without fraction; either of them as text. Null is "unknown". Everything else, also a negative
/// number, is an error.
pub(crate) fn seconds(member: &Member<'_>, deviations: &mut Vec<Deviation>) -> Result<Option<i64>, &'static str> {
    const WRONG: &str = "a lifetime is not a number of seconds";
    let read = match member {
        Member::Other(Value::Null) => return Ok(None),
        Member::Other(Value::Number(number)) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(seconds), _, _) => seconds,
            (None, Some(_), _) => i64::MAX,
            (None, None, Some(float)) => {
                deviations.push(Deviation::NumberAsFloat);
                whole(float).ok_or(WRONG)?
            }
            (None, None, None) => return Err(WRONG),
        },
        Member::Text(text) => {
            deviations.push(Deviation::NumberAsText);
            let text = text.trim();
            let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            match text.split_once('.') {
                None if digits(text) => text.parse().unwrap_or(i64::MAX),
                Some((whole, fraction)) if digits(whole) && fraction.bytes().all(|byte| byte == b'0') => {
                    whole.parse().unwrap_or(i64::MAX)
                }
                _ => return Err(WRONG),
            }
        }
        Member::Other(_) => return Err(WRONG),
    };
    if read < 0 { Err("a lifetime is negative") } else { Ok(Some(read)) }
}

/// A float without fraction; beyond the range of `i64` it saturates.
#[allow(clippy::cast_possible_truncation, reason = "saturates, as intended")]
fn whole(float: f64) -> Option<i64> {
    (float.is_finite() && float.fract() == 0.0).then_some(float as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_read_as_servers_write_them() {
        let read = |json: &str| seconds(&serde_json::from_str(json).unwrap(), &mut Vec::new());
        assert_eq!(read("3600"), Ok(Some(3600)));
        assert_eq!(read("3600.0"), Ok(Some(3600)));
        assert_eq!(read("\"3600.0\""), Ok(Some(3600)));
        assert_eq!(read("null"), Ok(None));
        assert_eq!(read("18446744073709551615"), Ok(Some(i64::MAX)));
        for wrong in ["-1", "true", "1.5", "\"1.5\"", "\"abc\"", "\"\"", "[]"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
