//! From the members of a snapshot to the state.

use std::borrow::Cow;
use std::sync::Arc;

use super::RestoreError;
use super::record::{GrantRecord, IntentRecord, LoginRecord, Record, RetryRecord, Text};
use crate::access::{SignedOutReason, Via};
use crate::config::Config;
use crate::error::{ErrorCode, Fault, FaultKind};
use crate::intent::{GrantId, Intent, from_hex};
use crate::logins::{End, EndedLogins, LoginId, LoginMark, MOST_PENDING};
use crate::protocol::authorize::Flow;
use crate::protocol::scope::Scope;
use crate::protocol::token::is_header_text;
use crate::secret::{AccessToken, Secret};
use crate::state::{Before, BrowserLogin, DeviceLogin, Grant, Renew, SigningIn, Stage, State};
use crate::time::Timestamp;
use crate::tokens::{Custom, TokenSet};

pub(super) fn state(config: &Config, record: Record<'_>) -> Result<State, RestoreError> {
    let reason = record.signed_out.as_deref().map_or(SignedOutReason::NeverSignedIn, signed_out_reason);
    let before = match record.grant {
        Some(grant) => Before::SignedIn(Box::new(read_grant(grant)?)),
        None => Before::SignedOut(reason),
    };
    let mut state = State {
        revision: record.revision,
        generation: record.generation,
        latest: Timestamp::from_millis(record.saved_at),
        changed_at: Timestamp::from_millis(record.changed_at),
        phase: before.into(),
        ended_logins: ended_logins(&record.ended_logins),
        intent: record.intent.and_then(read_intent),
        ended_after: record.ended_after,
        rotates: record.rotates,
        extra: record.extra.into_owned(),
        ..State::new(record.seed)
    };
    let saved_at = state.latest;
    for login in record.logins.into_iter().chain(record.login) {
        match read_login(config, login, saved_at)? {
            Login::Browser(login) => state.pending.push(login),
            Login::Device(login) => state.resume_login(login),
        }
    }
    state.pending.drain(..state.pending.len().saturating_sub(MOST_PENDING));
    Ok(state)
}

fn owned(text: Option<Text<'_>>) -> Option<Secret> {
    text.map(|text| Secret::new(text.into_owned()))
}

fn read_intent(record: IntentRecord<'_>) -> Option<Intent> {
    let (id, grant) = (from_hex(&record.id)?, from_hex(&record.grant)?);
    let domain = record.domain.map(Cow::into_owned);
    Some(Intent { id, grant: GrantId(grant), generation: record.generation, domain })
}

fn read_grant(record: GrantRecord<'_>) -> Result<Grant, RestoreError> {
    let via = Via::named(&record.via).ok_or(RestoreError::Unreadable)?;
    // What would be sent as a header is checked here, too: a token that no header can carry is none, and the refresh token
    // brings another one.
    let is_bearer = record.token_type.is_none_or(|word| word.eq_ignore_ascii_case("bearer"));
    let usable = |token: &Text<'_>| is_header_text(token);
    let access_token =
        record.access_token.filter(|token| is_bearer && usable(token)).map(|token| AccessToken::bearer(&token));
    if access_token.is_none() && record.refresh_token.is_none() {
        return Err(RestoreError::Unreadable);
    }
    let instant = |millis: Option<i64>| millis.map(Timestamp::from_millis);
    let renew = Renew {
        wanted: access_token.is_none(),
        last: instant(record.renewed_at),
        failures: record.retry.as_ref().map_or(0, |retry| retry.failures),
        retry_at: record.retry.as_ref().map(|retry| Timestamp::from_millis(retry.at)),
        retry_is_servers: record.retry.as_ref().is_some_and(|retry| retry.by_server),
        fault: record.retry.map(|retry| Arc::new(read_fault(retry))),
        ..Renew::default()
    };
    Ok(Grant {
        via,
        grant_id: record.grant_id.as_deref().and_then(from_hex).map(GrantId),
        tokens: TokenSet {
            access_token,
            refresh_token: owned(record.refresh_token),
            id_token: owned(record.id_token),
            scope: record.scope.as_deref().map(Scope::parse),
            received_at: Timestamp::from_millis(record.received_at),
            expires_at: instant(record.expires_at),
            refresh_token_expires_at: instant(record.refresh_token_expires_at),
            custom: Custom(record.custom.into_owned()),
        },
        requested: record.requested_scope.as_deref().map(Scope::parse),
        generation: record.generation,
        login: record.login.as_deref().and_then(LoginId::read),
        renewals: record.renewals,
        from_request: 0,
        previous: record.superseded_token.filter(usable).map(|token| AccessToken::bearer(&token)),
        renew,
        children: Vec::new(),
        told_sign_in: false,
        told_relogin: record.told_relogin,
        extra: record.extra.into_owned(),
    })
}

fn read_fault(record: RetryRecord<'_>) -> Fault {
    let kind = match (&record.code, record.status) {
        (None, None) => FaultKind::Network,
        (None, Some(423 | 429)) => FaultKind::RateLimited,
        (None, Some(401)) => FaultKind::Unauthorized,
        (None, Some(500..)) => FaultKind::Unavailable,
        (None, Some(200..300)) => FaultKind::Malformed,
        (None, Some(_)) => FaultKind::Unexpected,
        (Some(_), _) => FaultKind::Refused,
    };
    Fault {
        code: record.code.as_deref().map(ErrorCode::parse),
        status: record.status,
        tracking_id: record.tracking_id.map(Cow::into_owned),
        ..Fault::new(kind)
    }
}

fn ended_logins(text: &str) -> EndedLogins {
    let mut ended = EndedLogins::default();
    for (mark, end) in text.split(' ').filter_map(|entry| entry.split_once(':')) {
        let (at, by) = end.split_once(':').unwrap_or((end, "0"));
        if let (Some(mark), Ok(at), Ok(by)) = (LoginMark::read(mark), at.parse(), u32::from_str_radix(by, 16)) {
            ended.add(mark, End { at: Timestamp::from_millis(at), by });
        }
    }
    ended
}

enum Login {
    Browser(BrowserLogin),
    Device(SigningIn),
}

fn read_login(config: &Config, record: LoginRecord<'_>, saved_at: Timestamp) -> Result<Login, RestoreError> {
    let expires_at = Timestamp::from_millis(record.expires_at);
    let since = record.since.map_or_else(|| begun_at(config, expires_at).min(saved_at), Timestamp::from_millis);
    let requested = record.requested_scope.as_deref().map(Scope::parse);
    let extra = record.extra.into_owned();
    let flow = match record.flow.as_deref() {
        Some("code") => Some(Flow::Code),
        Some("implicit") => Some(Flow::Implicit),
        Some(_) => return Err(RestoreError::Unreadable),
        None => None,
    };
    match (flow, record.state, record.redirect_uri, record.device_code) {
        (Some(flow), Some(state), Some(redirect_uri), None) => {
            let (state, verifier) = (Secret::new(state.into_owned()), owned(record.verifier));
            Ok(Login::Browser(BrowserLogin {
                id: LoginId::of_state(state.expose()),
                mark: BrowserLogin::mark_of(&state, verifier.as_ref()),
                flow,
                state,
                verifier,
                redirect_uri: redirect_uri.into(),
                requested,
                since,
                expires_at,
                caller_state: record.caller_state.map(Cow::into_owned),
                state_is_ours: false,
                left_open: record.left_open,
                extra,
            }))
        }
        (None, _, _, Some(device_code)) => {
            let device = DeviceLogin {
                device_code: Secret::new(device_code.into_owned()),
                interval: record.interval.unwrap_or(5000).clamp(1000, 3_600_000),
            };
            Ok(Login::Device(SigningIn {
                via: Via::Device,
                mark: LoginMark::of(device.device_code.expose()),
                id: None,
                stage: Stage::Device(device),
                since,
                for_token: false,
                requested,
                expires_at,
                tries: 0,
                fault: None,
                send_at: record.poll_at.map_or(expires_at, Timestamp::from_millis),
                cleaned_url: None,
                caller_state: None,
                before: Before::SignedOut(SignedOutReason::NeverSignedIn),
                extra,
            }))
        }
        (_, _, _, _) => Err(RestoreError::Unreadable),
    }
}

/// When a login of version 1 was begun, as far as that can be told: this configuration need not have the lifetime that the
/// writer's had.
fn begun_at(config: &Config, expires_at: Timestamp) -> Timestamp {
    expires_at.plus_millis(crate::time::millis(config.parts().login_lifetime).saturating_neg())
}

fn signed_out_reason(text: &str) -> SignedOutReason {
    let known = [SignedOutReason::ByUser, SignedOutReason::GrantEnded, SignedOutReason::Embargoed];
    known.into_iter().find(|reason| reason.as_str() == text).unwrap_or(SignedOutReason::NeverSignedIn)
}
