//! What is stored: versioned, with absolute instants, the pending login included. The secrets are in here.
//!
//! Stored bytes are for ever. A member that this version does not know is kept and written again; a member that is
//! missing has a default. Version 1 is the only one so far; `tests/snapshots/` holds its frozen examples.

mod write;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};

pub(crate) use self::write::{owner, write};
use crate::access::{SignedOutReason, Via};
use crate::config::Config;
use crate::error::{ErrorCode, Fault, FaultKind};
use crate::intent::{GrantId, Intent, from_hex};
use crate::logins::{EndedLogins, LoginMark};
use crate::protocol::authorize::Flow;
use crate::protocol::scope::Scope;
use crate::protocol::token::is_header_text;
use crate::secret::{AccessToken, Secret};
use crate::state::{Before, BrowserLogin, DeviceLogin, Grant, Phase, Renew, SigningIn, Stage, State};
use crate::target_uri::TargetUri;
use crate::time::Timestamp;
use crate::tokens::{Custom, TokenSet};

/// The version that is written.
const VERSION: u32 = 1;

/// Why stored bytes cannot be used. The bytes themselves are left alone: another version may read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Not a snapshot, or a damaged one.
    #[error("the stored session is damaged or not one")]
    Unreadable,
    /// Written by a newer version of this library.
    #[error("the stored session is of version {found}, this library reads up to {VERSION}")]
    NewerVersion {
        /// The version found.
        found: u32,
    },
    /// Of another client, or for another server.
    #[error("the stored session belongs to another {field}")]
    OtherConfig {
        /// `client_id` or `token_endpoint`.
        field: &'static str,
    },
}

/// The revision of stored bytes: the key by which a store compares before it swaps.
pub fn revision(snapshot: &str) -> Result<u64, RestoreError> {
    #[derive(Deserialize)]
    struct Revision {
        revision: u64,
    }
    serde_json::from_str::<Revision>(snapshot).map(|read| read.revision).map_err(|_| RestoreError::Unreadable)
}

pub(crate) fn read(config: &Config, text: &str) -> Result<State, RestoreError> {
    let record: Record<'_> = serde_json::from_str(text).map_err(|_| newer_or_unreadable(text))?;
    if record.version > VERSION {
        return Err(RestoreError::NewerVersion { found: record.version });
    }
    if record.client_id != config.client_id() {
        return Err(RestoreError::OtherConfig { field: "client_id" });
    }
    let token_endpoint = &config.endpoints().token;
    // It was once stored as the configuration had spelled it.
    if record.token_endpoint != token_endpoint.url()
        && TargetUri::parse(&record.token_endpoint).as_ref() != Ok(&**token_endpoint)
    {
        return Err(RestoreError::OtherConfig { field: "token_endpoint" });
    }
    let reason = record.signed_out.as_deref().map_or(SignedOutReason::NeverSignedIn, signed_out_reason);
    let before = match record.grant {
        Some(grant) => Before::SignedIn(Box::new(read_grant(grant)?)),
        None => Before::SignedOut(reason),
    };
    let phase = match record.login {
        Some(login) => Phase::SigningIn(Box::new(read_login(config, login, before)?)),
        None => before.into(),
    };
    Ok(State {
        revision: record.revision,
        generation: record.generation,
        latest: Timestamp::from_millis(record.saved_at),
        changed_at: Timestamp::from_millis(record.changed_at),
        phase,
        ended_logins: ended_logins(&record.ended_logins),
        intent: record.intent.and_then(read_intent),
        ended_after: record.ended_after,
        extra: record.extra.into_owned(),
        ..State::new(record.seed)
    })
}

/// Damaged, or of a version whose members have other types.
fn newer_or_unreadable(text: &str) -> RestoreError {
    #[derive(Deserialize)]
    struct Version {
        #[serde(rename = "webex_oauth")]
        version: u32,
    }
    match serde_json::from_str::<Version>(text) {
        Ok(read) if read.version > VERSION => RestoreError::NewerVersion { found: read.version },
        Ok(_) | Err(_) => RestoreError::Unreadable,
    }
}

type Extra<'a> = Cow<'a, Map<String, Value>>;
type Text<'a> = Cow<'a, str>;

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(rename = "webex_oauth")]
    version: u32,
    revision: u64,
    #[serde(borrow)]
    client_id: Text<'a>,
    #[serde(borrow)]
    token_endpoint: Text<'a>,
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    generation: u64,
    saved_at: i64,
    #[serde(default)]
    changed_at: i64,
    #[serde(default)]
    signed_out: Option<Text<'a>>,
    #[serde(default, borrow)]
    ended_logins: Text<'a>,
    #[serde(default, borrow)]
    intent: Option<IntentRecord<'a>>,
    #[serde(default)]
    ended_after: Option<u64>,
    #[serde(default, borrow)]
    login: Option<LoginRecord<'a>>,
    #[serde(default, borrow)]
    grant: Option<GrantRecord<'a>>,
    #[serde(flatten)]
    extra: Extra<'a>,
}

/// Who means to renew the tokens. Its numbers are hexadecimal.
#[derive(Deserialize)]
struct IntentRecord<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    grant: Text<'a>,
    generation: u64,
    #[serde(default)]
    domain: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct GrantRecord<'a> {
    #[serde(borrow)]
    via: Text<'a>,
    #[serde(default)]
    grant_id: Option<Text<'a>>,
    #[serde(default)]
    access_token: Option<Text<'a>>,
    #[serde(default)]
    token_type: Option<Text<'a>>,
    #[serde(default)]
    refresh_token: Option<Text<'a>>,
    #[serde(default)]
    id_token: Option<Text<'a>>,
    #[serde(default)]
    scope: Option<Text<'a>>,
    #[serde(default)]
    requested_scope: Option<Text<'a>>,
    received_at: i64,
    #[serde(default)]
    expires_at: Option<i64>,
    #[serde(default)]
    refresh_token_expires_at: Option<i64>,
    #[serde(default)]
    generation: u64,
    #[serde(default)]
    renewals: u64,
    #[serde(default)]
    renewed_at: Option<i64>,
    #[serde(default)]
    superseded_token: Option<Text<'a>>,
    #[serde(default)]
    retry: Option<RetryRecord<'a>>,
    #[serde(default)]
    told_relogin: bool,
    #[serde(default)]
    custom: Extra<'a>,
    #[serde(flatten)]
    extra: Extra<'a>,
}

/// A failed renewal: what is needed to go on waiting, and to say why.
#[derive(Deserialize)]
struct RetryRecord<'a> {
    failures: u32,
    at: i64,
    #[serde(default)]
    by_server: bool,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    code: Option<Text<'a>>,
    #[serde(default)]
    tracking_id: Option<Text<'a>>,
}

/// A login that a browser or a device will finish. Others do not outlive their process: the host begins them again.
#[derive(Deserialize)]
struct LoginRecord<'a> {
    #[serde(default)]
    since: Option<i64>,
    expires_at: i64,
    #[serde(default)]
    requested_scope: Option<Text<'a>>,
    #[serde(default)]
    flow: Option<Text<'a>>,
    #[serde(default)]
    state: Option<Text<'a>>,
    #[serde(default)]
    verifier: Option<Text<'a>>,
    #[serde(default)]
    redirect_uri: Option<Text<'a>>,
    #[serde(default)]
    caller_state: Option<Text<'a>>,
    #[serde(default)]
    device_code: Option<Text<'a>>,
    #[serde(default)]
    interval: Option<i64>,
    #[serde(default)]
    poll_at: Option<i64>,
    #[serde(flatten)]
    extra: Extra<'a>,
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
    let via = via(&record.via).ok_or(RestoreError::Unreadable)?;
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
        fault: record.retry.map(|retry| std::sync::Arc::new(read_fault(retry))),
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

/// `mark:instant`, separated by spaces.
fn ended_logins(text: &str) -> EndedLogins {
    let mut ended = EndedLogins::default();
    for (mark, at) in text.split(' ').filter_map(|entry| entry.split_once(':')) {
        if let (Some(mark), Ok(at)) = (LoginMark::read(mark), at.parse()) {
            ended.add(mark, Timestamp::from_millis(at));
        }
    }
    ended
}

fn read_login(config: &Config, record: LoginRecord<'_>, before: Before) -> Result<SigningIn, RestoreError> {
    let expires_at = Timestamp::from_millis(record.expires_at);
    let flow = match record.flow.as_deref() {
        Some("code") => Some(Flow::Code),
        Some("implicit") => Some(Flow::Implicit),
        Some(_) => return Err(RestoreError::Unreadable),
        None => None,
    };
    let (via, stage) = match (flow, record.state, record.redirect_uri, record.device_code) {
        (Some(flow), Some(state), Some(redirect_uri), None) => {
            let via = if flow == Flow::Code { Via::Code } else { Via::Implicit };
            let browser = BrowserLogin {
                flow,
                state: Secret::new(state.into_owned()),
                verifier: owned(record.verifier),
                redirect_uri: redirect_uri.into(),
                caller_state: record.caller_state.map(Cow::into_owned),
                state_is_ours: false,
            };
            (via, Stage::Browser(browser))
        }
        (None, _, _, Some(device_code)) => {
            let device = DeviceLogin {
                device_code: Secret::new(device_code.into_owned()),
                interval: record.interval.unwrap_or(5000).clamp(1000, 3_600_000),
            };
            (Via::Device, Stage::Device(device))
        }
        (_, _, _, _) => return Err(RestoreError::Unreadable),
    };
    let mark = stage.secret().and_then(LoginMark::of);
    Ok(SigningIn {
        via,
        stage,
        mark,
        since: record.since.map_or_else(|| begun_at(config, expires_at), Timestamp::from_millis),
        for_token: false,
        requested: record.requested_scope.as_deref().map(Scope::parse),
        expires_at,
        tries: 0,
        send_at: record.poll_at.map_or(expires_at, Timestamp::from_millis),
        cleaned_url: None,
        caller_state: None,
        before,
        extra: record.extra.into_owned(),
    })
}

/// When a login was begun, unless a server said how long it lasts.
fn begun_at(config: &Config, expires_at: Timestamp) -> Timestamp {
    expires_at.plus_millis(crate::time::millis(config.parts().login_lifetime).saturating_neg())
}

fn signed_out_reason(text: &str) -> SignedOutReason {
    let known = [SignedOutReason::ByUser, SignedOutReason::GrantEnded, SignedOutReason::Embargoed];
    known.into_iter().find(|reason| reason.as_str() == text).unwrap_or(SignedOutReason::NeverSignedIn)
}

fn via(text: &str) -> Option<Via> {
    let known =
        [Via::Code, Via::Implicit, Via::Device, Via::Jwt, Via::Guest, Via::ClientCredentials, Via::Adopted, Via::Host];
    known.into_iter().find(|via| via.as_str() == text)
}
