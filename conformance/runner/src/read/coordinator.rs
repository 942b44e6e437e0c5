//! What a coordinator is given: calls, results of jobs, options.

use serde_json::Value;
use webex_oauth::coordinator::{
    Call, Credential, Done, Now, Of, Options, Spent, StoreFault, StoreFaultKind, StoreTraits, Tick, Ticket, Times,
    Which,
};
use webex_oauth::{Config, LoginId, Secret};

use super::{
    Object, Read, entropy, flag, login_options, may, natural, need, object, response, scope, secret, send_fault,
    sign_out_options, small, status, text, time, variant,
};
use crate::read::config::{duration, set};

pub(crate) fn now(value: &Value) -> Read<Now> {
    let fields = object(value)?;
    Ok(Now { wall: need(fields, "wall", time)?, mono: Tick::from_millis(need(fields, "mono", natural)?) })
}

/// Where `store` is absent, there is none.
pub(crate) fn options(config: &Config, fields: &Object) -> Read<Options> {
    let traits = |value: &Value| Ok(StoreTraits { lock_domain: may(object(value)?, "lock_domain", text)? });
    let mut options = Options::new(config, may(fields, "store", traits)?);
    set(&mut options.rotates, may(fields, "rotates", flag)?);
    set(&mut options.patience, may(fields, "patience", duration)?);
    set(&mut options.host_limit, may(fields, "host_limit", duration)?);
    set(&mut options.farewell, may(fields, "farewell", duration)?);
    set(&mut options.times, may(fields, "times", times)?);
    Ok(options)
}

fn times(value: &Value) -> Read<Times> {
    let fields = object(value)?;
    let span = |name| need(fields, name, duration);
    Ok(Times {
        request: span("request")?,
        margin: span("margin")?,
        poll_gap: span("poll_gap")?,
        resave: span("resave")?,
    })
}

pub(crate) fn call(value: &Value) -> Read<Call> {
    let (name, value) = variant(value)?;
    let empty = Object::new();
    let fields = if value.is_null() { &empty } else { object(value)? };
    let within = may(fields, "within", duration)?;
    Ok(match name {
        "token" => Call::Token { of: need(fields, "of", of)?, within },
        "refresh" => Call::Refresh { within },
        "answered" => Call::Answered {
            generation: need(fields, "generation", natural)?,
            status: need(fields, "status", status)?,
            retry_after: may(fields, "retry_after", text)?,
            spent: may(fields, "spent", spent)?.unwrap_or_default(),
        },
        "sign_in" => Call::SignIn { credential: need(fields, "credential", credential)?, within },
        "complete_login" => Call::CompleteLogin { callback: need(fields, "callback", secret)?, within },
        "await_login" => Call::AwaitLogin { of: need(fields, "of", login)?, within },
        "cancel_login" => Call::CancelLogin { of: which(fields)? },
        "sign_out" => Call::SignOut { options: may(fields, "options", sign_out_options)?.unwrap_or_default() },
        "look" => Call::Look,
        "flush" => Call::Flush { within },
        "close" => Call::Close { within },
        other => return Err(format!("unknown call {other}")),
    })
}

fn login(value: &Value) -> Read<LoginId> {
    LoginId::of(&text(value)?).ok_or_else(|| format!("no login: {value}"))
}

fn which(fields: &Object) -> Read<Which> {
    let browser = may(fields, "login", login)?.map(Which::Browser);
    let ticket = may(fields, "of", natural)?.map(|ticket| Which::Ticket(Ticket(ticket)));
    Ok(browser.or(ticket).unwrap_or(Which::All))
}

fn of(value: &Value) -> Read<Of> {
    match variant(value)? {
        ("session", _) => Ok(Of::Session),
        ("user", of) => scope(of).map(Of::User),
        ("user_default", _) => Ok(Of::UserDefault),
        (other, _) => Err(format!("unknown token {other}")),
    }
}

fn spent(value: &Value) -> Read<Spent> {
    let fields = object(value)?;
    Ok(Spent {
        replays: may(fields, "replays", small)?.unwrap_or_default(),
        waited: may(fields, "waited", duration)?.unwrap_or_default(),
        limit: may(fields, "limit", duration)?.unwrap_or_default(),
    })
}

fn credential(value: &Value) -> Read<Credential> {
    let (name, value) = variant(value)?;
    let empty = Object::new();
    let fields = if value.is_null() { &empty } else { object(value)? };
    Ok(match name {
        "browser" => Credential::Browser {
            options: may(fields, "options", login_options)?.unwrap_or_default(),
            entropy: need(fields, "entropy", entropy)?,
        },
        "code" => Credential::Code { code: need(fields, "code", secret)?, verifier: may(fields, "verifier", secret)? },
        "device" => Credential::Device { scope: may(fields, "scope", scope)? },
        "jwt" => Credential::Jwt { jwt: need(fields, "jwt", secret)? },
        "guest" => Credential::Guest {
            service_token: need(fields, "service_token", secret)?,
            subject: need(fields, "subject", text)?,
            display_name: need(fields, "display_name", text)?,
        },
        "client" => Credential::Client { scope: may(fields, "scope", scope)? },
        "tokens" => Credential::Tokens { tokens: need(fields, "tokens", secret)? },
        other => return Err(format!("unknown credential {other}")),
    })
}

/// How a job ended; snapshots may be those that a coordinator of the test asked to save.
pub(crate) fn done(value: &Value, snapshot: impl Fn(&Value) -> Read<Secret>) -> Read<Done> {
    let (name, value) = variant(value)?;
    let found = || if value.is_null() { Ok(None) } else { snapshot(value).map(Some) };
    Ok(match name {
        "loaded" => Done::Loaded(found()?),
        "saved" => Done::Saved,
        "conflict" => Done::Conflict(found()?),
        "store_failed" => Done::StoreFailed(store_fault(value)?),
        "locked" => Done::Locked,
        "lock_busy" => Done::LockBusy,
        "unlocked" => Done::Unlocked,
        "response" => Done::Response(response(value)?),
        "send_failed" => Done::SendFailed(send_fault(value)?),
        "answer" => Done::Answer(secret(value)?),
        "host_failed" => Done::HostFailed(text(value)?),
        other => return Err(format!("unknown result {other}")),
    })
}

fn store_fault(value: &Value) -> Read<StoreFault> {
    let fields = object(value)?;
    let kind = |value: &Value| match variant(value)?.0 {
        "unavailable" => Ok(StoreFaultKind::Unavailable),
        "denied" => Ok(StoreFaultKind::Denied),
        "full" => Ok(StoreFaultKind::Full),
        "damaged" => Ok(StoreFaultKind::Damaged),
        "other" => Ok(StoreFaultKind::Other),
        other => Err(format!("unknown kind {other}")),
    };
    Ok(StoreFault { kind: need(fields, "kind", kind)?, problem: need(fields, "problem", text)? })
}
