//! Reading any answer: by its body first, by its status second.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::error::{ErrorCode, Fault, FaultKind};
use crate::event::Deviation;
use crate::http::HttpResponse;
use crate::protocol::clean::{clean, clean_tracking_id, shown_url};
use crate::protocol::form;
use crate::protocol::members::{Member, Members, Written};
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
    /// Basic authentication shows another secret than the client's own: form-encoding changes it.
    pub(crate) encodes_secret: bool,
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

/// The members of the body: of a JSON object, or of a form as some servers write it.
pub(crate) fn object(response: &HttpResponse) -> Option<Members<'_>> {
    let body = body(response)?;
    Members::parse(body).or_else(|| form_body(str::from_utf8(body).ok()?))
}

/// A page that has an equals sign in it is none: nothing in a form stands between the parameters.
fn form_body(text: &str) -> Option<Members<'_>> {
    let text = text.trim();
    let is_of_form = |c: char| c.is_ascii_graphic() && !"<>\"{}".contains(c);
    let members = Members::from_texts(form::parse(text).filter(|_| text.chars().all(is_of_form)));
    let says_something = ["access_token", "refresh_token", "error"].iter().any(|name| members.text(name).is_some());
    says_something.then_some(members)
}

/// What had to be done to find members at all.
pub(crate) fn deviations(body: &Members<'_>) -> Vec<Deviation> {
    match body.written() {
        Written::Json => Vec::new(),
        Written::OddJson => vec![Deviation::OddJson],
        Written::Form => vec![Deviation::FormEncoded],
    }
}

/// True where the answer says that it failed, by body or by status. An `error` that is no code is a member like others
/// beside a token.
pub(crate) fn is_error(status: u16, body: Option<&Members<'_>>) -> bool {
    const GRANTED: [&str; 4] = ["access_token", "token", "accessToken", "device_code"];
    let says_error = |body: &Members<'_>| {
        body.get("error").is_some_and(|error| !error.is_null())
            && (error_code(body).is_some_and(|code| !matches!(code, ErrorCode::Other(_)))
                || GRANTED.iter().all(|name| body.text(name).is_none_or(str::is_empty)))
    };
    !(200..300).contains(&status) || body.is_some_and(says_error)
}

/// The fault that a failed answer stands for.
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
    // The client was refused.
    let is_refused = kind == FaultKind::Unauthorized || code == Some(ErrorCode::InvalidClient);
    Fault {
        kind,
        code,
        secret_was_encoded: is_refused && context.encodes_secret && context.carried.has_basic(),
        description: description(body).map(|text| cleaned(&text)),
        uri: body.text("error_uri").and_then(shown_url).map(|url| cleaned(&url)),
        status: Some(status),
        tracking_id: tracking_id(response, body).map(context.tracking_id_cleaner()),
        retry_after: wait(response, context),
        send: None,
    }
}

/// A success without a usable token.
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
/// An integer; a float without fraction; either of them as text. Null is "unknown". So is everything else, also a
/// negative number, and that is told.
pub(crate) fn seconds(member: &Member<'_>, deviations: &mut Vec<Deviation>) -> Option<i64> {
    let (read, how) = match member {
        Member::Other(Value::Null) => return None,
        Member::Other(Value::Number(number)) if number.is_f64() => {
            (number.as_f64().and_then(whole), Some(Deviation::NumberAsFloat))
        }
        Member::Other(Value::Number(number)) => (number.as_i64().or(Some(i64::MAX)), None),
        Member::Text(text) => (digits(text.trim()), Some(Deviation::NumberAsText)),
        Member::Other(_) | Member::Unreadable => (None, None),
    };
    let read = read.filter(|seconds| *seconds >= 0);
    match (read, how) {
        (None, _) => deviations.push(Deviation::UnreadableMember),
        (Some(_), how) => deviations.extend(how),
    }
    read
}

/// Digits, with a fraction of zeros if any; more of them than an `i64` holds saturate.
fn digits(text: &str) -> Option<i64> {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    (is_digits(whole) && fraction.bytes().all(|byte| byte == b'0')).then(|| whole.parse().unwrap_or(i64::MAX))
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
        let read = |json: &str| {
            let mut deviations = Vec::new();
            let seconds = seconds(&serde_json::from_str(json).unwrap(), &mut deviations);
            (seconds, deviations.contains(&Deviation::UnreadableMember))
        };
        assert_eq!(read("3600"), (Some(3600), false));
        assert_eq!(read("3600.0"), (Some(3600), false));
        assert_eq!(read("\"3600.0\""), (Some(3600), false));
        assert_eq!(read("null"), (None, false));
        assert_eq!(read("18446744073709551615"), (Some(i64::MAX), false));
        for unknown in ["-1", "-1.0", "true", "1.5", "\"1.5\"", "\"abc\"", "\"\"", "\"-1\"", "[]"] {
            assert_eq!(read(unknown), (None, true), "{unknown}");
        }
    }

    #[test]
    fn a_form_is_one_from_end_to_end() {
        for text in ["access_token=A&x=1", "error=bad", " refresh_token=R\n"] {
            assert!(form_body(text).is_some(), "{text}");
        }
        for text in ["", "a=b", "<a href='?&error=1&'>", "please log in: &error=1", "{\"a\":1}&error=x"] {
            assert!(form_body(text).is_none(), "{text}");
        }
    }
}
