//! Failures and mistakes.

use serde_json::Value;
use webex_oauth::{Advice, Blame, Fault, FaultKind, Misuse, RestoreError, SendFault};

use super::{ms, out};

/// The fields, then what the methods of a fault say of it.
pub(crate) fn fault(fault: &Fault) -> Value {
    let kind = match fault.kind {
        FaultKind::Refused => "refused",
        FaultKind::Unauthorized => "unauthorized",
        FaultKind::RateLimited => "rate_limited",
        FaultKind::Unavailable => "unavailable",
        FaultKind::Unexpected => "unexpected",
        FaultKind::Malformed => "malformed",
        FaultKind::Network => "network",
        FaultKind::Expired => "expired",
        FaultKind::Host => "host",
    };
    let send = fault.send.map(|send| match send {
        SendFault::NotSent => "not_sent",
        SendFault::Untrusted => "untrusted",
        SendFault::Lost => "lost",
        SendFault::TooLarge => "too_large",
    });
    let blame = match fault.blame() {
        Blame::Integration => "integration",
        Blame::User => "user",
        Blame::Server => "server",
        Blame::Network => "network",
        Blame::Grant => "grant",
        Blame::Host => "host",
    };
    let advice = match fault.advice() {
        Advice::WaitAndRetry => "wait_and_retry",
        Advice::SignInAgain => "sign_in_again",
        Advice::FixConfiguration => "fix_configuration",
        Advice::TryBasicRaw => "try_basic_raw",
        Advice::WaitOrSignIn => "wait_or_sign_in",
    };
    out()
        .put("kind", kind)
        .put_some("code", fault.code.as_ref().map(|code| code.as_str()))
        .put_some("description", fault.description.as_deref())
        .put_some("uri", fault.uri.as_deref())
        .put_some("status", fault.status)
        .put_some("tracking_id", fault.tracking_id.as_deref())
        .put_some("retry_after", fault.retry_after.map(ms))
        .put_some("send", send)
        .put("blame", blame)
        .put("advice", advice)
        .put("ends_grant", fault.ends_grant())
        .put("is_transient", fault.is_transient())
        .into()
}

pub(crate) fn misuse(misuse: &Misuse) -> Value {
    match misuse {
        Misuse::NotConfigured { what, needed_by } => {
            out().put("what", *what).put("needed_by", *needed_by).of("not_configured")
        }
        Misuse::InvalidArgument { argument, problem } => {
            out().put("argument", *argument).put("problem", problem.as_str()).of("invalid_argument")
        }
        Misuse::NotSignedIn { call } => out().put("call", *call).of("not_signed_in"),
        Misuse::CannotRefresh { why } => out().put("why", *why).of("cannot_refresh"),
        Misuse::ScopeNotReducible { requested, problem } => {
            out().put("requested", requested.as_str()).put("problem", *problem).of("scope_not_reducible")
        }
    }
}

pub(crate) fn restore_error(error: &RestoreError) -> Value {
    match error {
        RestoreError::Unreadable => "unreadable".into(),
        RestoreError::NewerVersion { found } => out().put("found", *found).of("newer_version"),
        RestoreError::OtherConfig { field } => out().put("field", *field).of("other_config"),
        RestoreError::Sealed { key_id } => out().put("key_id", key_id.as_str()).of("sealed"),
    }
}
