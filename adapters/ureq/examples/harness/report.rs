//! From results to lines.

use serde_json::{Value, json};
use webex_oauth_ureq::webex_oauth::{CallbackIgnored, Phase, SendFault, Services, Status};
use webex_oauth_ureq::{ClientError, ClientEvent};

use crate::Harness;

pub(crate) fn error(harness: &Harness, error: &ClientError) -> Value {
    let text = error.to_string();
    let kind = match error {
        ClientError::SignInRequired { .. } => "sign_in_required",
        ClientError::Unavailable { retry_at, .. } => {
            let retry_in = retry_at.as_millis() - harness.now();
            return json!({ "kind": "unavailable", "text": text, "retry_in": retry_in });
        }
        ClientError::LoginFailed { fault } => {
            let code = fault.code.as_ref().map(|code| code.as_str());
            return json!({ "kind": "login_failed", "text": text, "code": code });
        }
        ClientError::CallbackIgnored { reason } => {
            return json!({ "kind": "callback_ignored", "text": text, "reason": ignored(*reason) });
        }
        ClientError::LoginCancelled => "login_cancelled",
        ClientError::LoginSuperseded => "login_superseded",
        ClientError::Timeout { .. } => "timeout",
        ClientError::Closed => "closed",
        ClientError::Misuse(_) => "misuse",
        ClientError::Config(_) => "config",
        ClientError::Store(_) | ClientError::Restore(_) => "store",
        ClientError::Call { fault, .. } => {
            let fault = match fault {
                SendFault::NotSent => "not_sent",
                SendFault::Lost => "lost",
                SendFault::TooLarge => "too_large",
                SendFault::Untrusted => "untrusted",
            };
            return json!({ "kind": "call", "text": text, "fault": fault });
        }
        _ => "other",
    };
    json!({ "kind": kind, "text": text })
}

fn ignored(reason: CallbackIgnored) -> &'static str {
    match reason {
        CallbackIgnored::NoLoginPending => "no_login_pending",
        CallbackIgnored::AlreadyCompleted => "already_completed",
        CallbackIgnored::OtherUrl => "other_url",
        CallbackIgnored::NotACallback => "not_a_callback",
        CallbackIgnored::WrongState => "wrong_state",
        CallbackIgnored::DuplicateParameter => "duplicate_parameter",
        CallbackIgnored::WrongIssuer => "wrong_issuer",
        CallbackIgnored::Incomplete => "incomplete",
        CallbackIgnored::TooLong => "too_long",
    }
}

pub(crate) fn status(status: &Status) -> Value {
    let phase = match status.phase {
        Phase::SignedOut { .. } => "signed_out",
        Phase::SigningIn { .. } => "signing_in",
        Phase::SignedIn => "signed_in",
    };
    json!({
        "phase": phase,
        "can_authorize": status.can_authorize,
        "can_refresh": status.can_refresh,
        "generation": status.generation,
    })
}

pub(crate) fn services(services: &Services) -> Value {
    let urls: serde_json::Map<_, _> = services.iter().map(|(name, at)| (name.to_owned(), json!(at.url))).collect();
    json!({ "services": urls })
}

pub(crate) fn event(event: &ClientEvent) -> Value {
    json!({ "name": event.name(), "text": format!("{event:?}") })
}
