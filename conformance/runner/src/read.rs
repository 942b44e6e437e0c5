//! From the JSON of a vector to the values of the API. Regular: see the README of the suite.

mod config;
mod coordinator;

use serde_json::{Map, Value};
use webex_oauth::protocol::jwt::{GuestJwt, Lifetime};
use webex_oauth::{
    Entropy, Flow, HttpResponse, Input, LoginId, LoginOptions, LoginState, LogoutVia, RequestId, ResponseMode, Scope,
    Secret, SendFault, SignOutOptions, Timestamp, WhichLogin,
};

pub(crate) use config::{bounds, config, lay_over, metadata_answer, parts};
pub(crate) use coordinator::{call, done, now, options};

/// The problem says what could not be read.
pub(crate) type Read<T> = Result<T, String>;
pub(crate) type Object = Map<String, Value>;

pub(crate) fn object(value: &Value) -> Read<&Object> {
    value.as_object().ok_or_else(|| format!("not an object: {value}"))
}

/// A member that has to be there.
pub(crate) fn need<T>(object: &Object, name: &str, read: impl Fn(&Value) -> Read<T>) -> Read<T> {
    may(object, name, read)?.ok_or_else(|| format!("{name} is missing"))
}

/// A member that may be absent.
pub(crate) fn may<T>(object: &Object, name: &str, read: impl Fn(&Value) -> Read<T>) -> Read<Option<T>> {
    object.get(name).map(|value| read(value).map_err(|problem| format!("{name}: {problem}"))).transpose()
}

/// A variant of an enum: its name, and its fields where it has some.
pub(crate) fn variant(value: &Value) -> Read<(&str, &Value)> {
    let fields = value.as_object().filter(|object| object.len() == 1);
    match (value, fields.and_then(|object| object.iter().next())) {
        (Value::String(name), _) => Ok((name, &Value::Null)),
        (_, Some((name, fields))) => Ok((name, fields)),
        _ => Err(format!("not a variant: {value}")),
    }
}

/// A text, or `{"repeat": {"text", "times", "before", "after"}}` for a long one.
pub(crate) fn text(value: &Value) -> Read<String> {
    if let Value::String(text) = value {
        return Ok(text.clone());
    }
    let repeat = need(object(value)?, "repeat", |repeat| object(repeat).cloned())?;
    let times = usize::try_from(need(&repeat, "times", natural)?).map_err(|error| error.to_string())?;
    let part = |name| may(&repeat, name, text).map(Option::unwrap_or_default);
    Ok(part("before")? + &part("text")?.repeat(times) + &part("after")?)
}

pub(crate) fn secret(value: &Value) -> Read<Secret> {
    text(value).map(Secret::new)
}

pub(crate) fn natural(value: &Value) -> Read<u64> {
    value.as_u64().ok_or_else(|| format!("not a natural number: {value}"))
}

fn small<T: TryFrom<u64>>(value: &Value) -> Read<T> {
    T::try_from(natural(value)?).map_err(|_| format!("too large: {value}"))
}

pub(crate) fn status(value: &Value) -> Read<u16> {
    small(value)
}

pub(crate) fn flag(value: &Value) -> Read<bool> {
    value.as_bool().ok_or_else(|| format!("neither true nor false: {value}"))
}

pub(crate) fn time(value: &Value) -> Read<Timestamp> {
    value.as_i64().map(Timestamp::from_millis).ok_or_else(|| format!("not an instant: {value}"))
}

pub(crate) fn scope(value: &Value) -> Read<Scope> {
    text(value).map(|text| Scope::parse(&text))
}

pub(crate) fn id(value: &Value) -> Read<RequestId> {
    natural(value).map(RequestId)
}

pub(crate) fn list<T>(value: &Value, read: impl Fn(&Value) -> Read<T>) -> Read<Vec<T>> {
    value.as_array().ok_or_else(|| format!("not a list: {value}"))?.iter().map(read).collect()
}

pub(crate) fn hex(value: &Value) -> Read<Vec<u8>> {
    let text = text(value)?;
    let digit = |byte: &u8| char::from(*byte).to_digit(16).ok_or_else(|| format!("not hexadecimal: {text}"));
    let digits: Vec<u32> = text.as_bytes().iter().map(digit).collect::<Read<_>>()?;
    digits
        .chunks(2)
        .map(|pair| u8::try_from(pair.iter().fold(0, |byte, digit| byte * 16 + digit)).map_err(|e| e.to_string()))
        .collect()
}

/// The bytes in hexadecimal, or a number `n` for the bytes n, n+1, n+2, ... modulo 256.
pub(crate) fn entropy(value: &Value) -> Read<Entropy> {
    from_bytes(bytes(value)?)
}

/// The same, with zeros at the end where it is a number: then revisions begin with 1.
pub(crate) fn seed(value: &Value) -> Read<Entropy> {
    let mut bytes = bytes(value)?;
    if value.is_u64() {
        bytes.iter_mut().skip(60).for_each(|byte| *byte = 0);
    }
    from_bytes(bytes)
}

fn bytes(value: &Value) -> Read<Vec<u8>> {
    match value.as_u64() {
        Some(fill) => Ok((0..64).map(|at| u8::try_from((fill + at) % 256).unwrap_or_default()).collect()),
        None => hex(value),
    }
}

fn from_bytes(bytes: Vec<u8>) -> Read<Entropy> {
    Entropy::new(&bytes).map_err(|error| error.to_string())
}

pub(crate) fn response(value: &Value) -> Read<HttpResponse> {
    let fields = object(value)?;
    let headers = may(fields, "headers", |headers| {
        object(headers)?.iter().map(|(name, value)| Ok((name.clone(), text(value)?))).collect()
    })?;
    let body = may(fields, "body", |body| match body.get("hex") {
        Some(bytes) => hex(bytes),
        None => text(body).map(String::into_bytes),
    })?;
    Ok(HttpResponse {
        status: need(fields, "status", status)?,
        headers: headers.unwrap_or_default(),
        body: body.unwrap_or_default(),
    })
}

pub(crate) fn flow(value: &Value) -> Read<Flow> {
    match variant(value)?.0 {
        "code" => Ok(Flow::Code),
        "implicit" => Ok(Flow::Implicit),
        other => Err(format!("unknown flow {other}")),
    }
}

pub(crate) fn login_options(value: &Value) -> Read<LoginOptions> {
    let fields = object(value)?;
    let state = |value: &Value| match variant(value)? {
        ("json", json) => text(json).map(LoginState::Json),
        ("opaque", opaque) => secret(opaque).map(LoginState::Opaque),
        (other, _) => Err(format!("unknown state {other}")),
    };
    let mode = |value: &Value| match variant(value)?.0 {
        "query" => Ok(ResponseMode::Query),
        "fragment" => Ok(ResponseMode::Fragment),
        "form_post" => Ok(ResponseMode::FormPost),
        other => Err(format!("unknown response_mode {other}")),
    };
    let pair = |value: &Value| match list(value, text)?.as_slice() {
        [name, value] => Ok((name.clone(), value.clone())),
        _ => Err("not a pair".to_owned()),
    };
    Ok(LoginOptions {
        flow: may(fields, "flow", flow)?.unwrap_or_default(),
        scope: may(fields, "scope", scope)?,
        state: may(fields, "state", state)?.unwrap_or_default(),
        prompt: may(fields, "prompt", text)?,
        login_hint: may(fields, "login_hint", text)?,
        email: may(fields, "email", text)?,
        redirect_uri: may(fields, "redirect_uri", text)?,
        response_mode: may(fields, "response_mode", mode)?,
        extra: may(fields, "extra", |extra| list(extra, pair))?.unwrap_or_default(),
    })
}

pub(crate) fn guest(value: &Value) -> Read<GuestJwt> {
    let fields = object(value)?;
    Ok(GuestJwt {
        subject: may(fields, "subject", text)?,
        display_name: may(fields, "display_name", text)?,
        issuer: need(fields, "issuer", text)?,
        secret: need(fields, "secret", secret)?,
        lifetime: need(fields, "lifetime", lifetime)?,
    })
}

pub(crate) fn lifetime(value: &Value) -> Read<Lifetime> {
    match variant(value)? {
        ("seconds", seconds) => seconds.as_i64().map(Lifetime::Seconds).ok_or_else(|| "not a whole number".to_owned()),
        ("text", words) => text(words).map(Lifetime::Text),
        (other, _) => Err(format!("unknown lifetime {other}")),
    }
}

/// An input of the session, snapshots excepted: those may come from the store of the test.
pub(crate) fn input(value: &Value, snapshot: impl Fn(&Value) -> Read<Secret>) -> Read<Input> {
    let (name, value) = variant(value)?;
    let empty = Object::new();
    let fields = if value.is_null() { &empty } else { object(value)? };
    Ok(match name {
        "begin_login" => Input::BeginLogin {
            options: may(fields, "options", login_options)?.unwrap_or_default(),
            entropy: need(fields, "entropy", entropy)?,
        },
        "complete_login" => Input::CompleteLogin { callback: need(fields, "callback", secret)? },
        "cancel_login" => Input::CancelLogin {
            which: match (may(fields, "of", text)?.and_then(|of| LoginId::of(&of)), may(fields, "under_way", flag)?) {
                (Some(of), _) => WhichLogin::Browser(of),
                (None, Some(true)) => WhichLogin::UnderWay,
                (None, Some(false) | None) => WhichLogin::All,
            },
        },
        "redeem_code" => {
            Input::RedeemCode { code: need(fields, "code", secret)?, verifier: may(fields, "verifier", secret)? }
        }
        "begin_device_login" => Input::BeginDeviceLogin { scope: may(fields, "scope", scope)? },
        "sign_in_with_jwt" => Input::SignInWithJwt { jwt: need(fields, "jwt", secret)? },
        "sign_in_as_guest" => Input::SignInAsGuest {
            service_token: need(fields, "service_token", secret)?,
            subject: need(fields, "subject", text)?,
            display_name: need(fields, "display_name", text)?,
        },
        "sign_in_with_client_credentials" => Input::SignInWithClientCredentials { scope: may(fields, "scope", scope)? },
        "adopt" => Input::Adopt { tokens: need(fields, "tokens", secret)? },
        "reload" => Input::Reload { snapshot: need(fields, "snapshot", snapshot)? },
        "ensure_fresh" => Input::EnsureFresh,
        "refresh" => Input::Refresh,
        "token_rejected" => Input::TokenRejected { generation: need(fields, "generation", natural)? },
        "embargoed" => Input::Embargoed,
        "called_without_token" => Input::CalledWithoutToken { url: need(fields, "url", secret)? },
        "downscope" => Input::Downscope { scope: need(fields, "scope", scope)? },
        "provide_token" => Input::ProvideToken { id: need(fields, "id", id)?, tokens: need(fields, "tokens", secret)? },
        "provide_jwt" => Input::ProvideJwt { id: need(fields, "id", id)?, jwt: need(fields, "jwt", secret)? },
        "host_failed" => Input::HostFailed { id: need(fields, "id", id)?, reason: need(fields, "reason", text)? },
        "sign_out" => Input::SignOut { options: may(fields, "options", sign_out_options)?.unwrap_or_default() },
        "response" => Input::Response { id: need(fields, "id", id)?, response: need(fields, "response", response)? },
        "send_failed" => Input::SendFailed { id: need(fields, "id", id)?, fault: need(fields, "fault", send_fault)? },
        "tick" => Input::Tick,
        other => return Err(format!("unknown input {other}")),
    })
}

fn send_fault(value: &Value) -> Read<SendFault> {
    match variant(value)?.0 {
        "not_sent" => Ok(SendFault::NotSent),
        "untrusted" => Ok(SendFault::Untrusted),
        "lost" => Ok(SendFault::Lost),
        "too_large" => Ok(SendFault::TooLarge),
        other => Err(format!("unknown fault {other}")),
    }
}

fn sign_out_options(value: &Value) -> Read<SignOutOptions> {
    let fields = object(value)?;
    let default = SignOutOptions::default();
    let via = |value: &Value| match variant(value)?.0 {
        "nothing" => Ok(LogoutVia::Nothing),
        "browser" => Ok(LogoutVia::Browser),
        "post" => Ok(LogoutVia::Post),
        other => Err(format!("unknown logout {other}")),
    };
    Ok(SignOutOptions {
        revoke: may(fields, "revoke", flag)?.unwrap_or(default.revoke),
        logout: may(fields, "logout", via)?.unwrap_or(default.logout),
        goto: may(fields, "goto", text)?,
    })
}
