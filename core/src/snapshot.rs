//! What is stored: versioned, with absolute instants, the pending login included. The secrets are in here.
//!
//! Stored bytes are for ever. A member that this version does not know is kept and written again; a member that is
//! missing has a default. Version 1 is the only one so far; `tests/snapshots/` holds its frozen examples.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::access::{SignedOutReason, Via};
use crate::config::Config;
use crate::error::{ErrorCode, Fault, FaultKind};
use crate::protocol::authorize::Flow;
use crate::protocol::scope::Scope;
use crate::secret::{AccessToken, Secret};
use crate::state::{Before, BrowserLogin, DeviceLogin, Grant, Phase, Renew, SigningIn, Stage, State};
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

pub(crate) fn write(config: &Config, state: &State) -> Secret {
    let (signed_out, login) = match &state.phase {
        Phase::SignedOut(reason) => (Some(*reason), None),
        Phase::SigningIn(login) => {
            let reason = match &login.before {
                Before::SignedOut(reason) => Some(*reason),
                Before::SignedIn(_) => None,
            };
            (reason, login_record(login))
        }
        Phase::SignedIn(_) => (None, None),
    };
    let record = Record {
        version: VERSION,
        revision: state.revision,
        client_id: Cow::Borrowed(config.client_id()),
        token_endpoint: Cow::Borrowed(&config.provider().token_endpoint),
        seed: state.seed,
        generation: state.generation,
        saved_at: state.latest.as_millis(),
        changed_at: state.changed_at.as_millis(),
        signed_out: signed_out.map(|reason| Cow::Borrowed(reason.as_str())),
        login,
        grant: state.grant().map(grant_record),
        extra: Cow::Borrowed(&state.extra),
    };
    let mut text = Vec::with_capacity(1024);
    // Strings, numbers and maps with string keys always serialize.
    let _ = serde_json::to_writer(&mut text, &record);
    Secret::new(String::from_utf8(text).unwrap_or_default())
}

pub(crate) fn read(config: &Config, text: &str) -> Result<State, RestoreError> {
    let record: Record<'_> = serde_json::from_str(text).map_err(|_| newer_or_unreadable(text))?;
    if record.version > VERSION {
        return Err(RestoreError::NewerVersion { found: record.version });
    }
    if record.client_id != config.client_id() {
        return Err(RestoreError::OtherConfig { field: "client_id" });
    }
    if record.token_endpoint != config.provider().token_endpoint {
        return Err(RestoreError::OtherConfig { field: "token_endpoint" });
    }
    let reason = record.signed_out.as_deref().map_or(SignedOutReason::NeverSignedIn, signed_out_reason);
    let before = match record.grant {
        Some(grant) => Before::SignedIn(Box::new(read_grant(grant)?)),
        None => Before::SignedOut(reason),
    };
    let phase = match (record.login, before) {
        (Some(login), before) => Phase::SigningIn(Box::new(read_login(login, before)?)),
        (None, Before::SignedIn(grant)) => Phase::SignedIn(grant),
        (None, Before::SignedOut(reason)) => Phase::SignedOut(reason),
    };
    Ok(State {
        revision: record.revision,
        generation: record.generation,
        latest: Timestamp::from_millis(record.saved_at),
        changed_at: Timestamp::from_millis(record.changed_at),
        phase,
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

#[derive(Serialize, Deserialize)]
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
    #[serde(skip_serializing_if = "Option::is_none", default)]
    signed_out: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", default, borrow)]
    login: Option<LoginRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", default, borrow)]
    grant: Option<GrantRecord<'a>>,
    #[serde(flatten)]
    extra: Extra<'a>,
}

#[derive(Serialize, Deserialize)]
struct GrantRecord<'a> {
    #[serde(borrow)]
    via: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    access_token: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    token_type: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    refresh_token: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    id_token: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    scope: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    requested_scope: Option<Text<'a>>,
    received_at: i64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    expires_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    refresh_token_expires_at: Option<i64>,
    #[serde(default)]
    generation: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    renewed_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    superseded_token: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    retry: Option<RetryRecord<'a>>,
    #[serde(skip_serializing_if = "is_false", default)]
    told_relogin: bool,
    #[serde(skip_serializing_if = "is_empty", default)]
    custom: Extra<'a>,
    #[serde(flatten)]
    extra: Extra<'a>,
}

/// A failed renewal: what is needed to go on waiting, and to say why.
#[derive(Serialize, Deserialize)]
struct RetryRecord<'a> {
    failures: u32,
    at: i64,
    #[serde(default)]
    by_server: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    code: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    tracking_id: Option<Text<'a>>,
}

/// A login that a browser or a device will finish. Others do not outlive their process: the host begins them again.
#[derive(Serialize, Deserialize)]
struct LoginRecord<'a> {
    expires_at: i64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    requested_scope: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    flow: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    state: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    verifier: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    redirect_uri: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    caller_state: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    device_code: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    interval: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    poll_at: Option<i64>,
    #[serde(flatten)]
    extra: Extra<'a>,
}

fn is_empty(map: &Extra<'_>) -> bool {
    map.is_empty()
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

fn borrowed(secret: Option<&Secret>) -> Option<Text<'_>> {
    secret.map(|secret| Cow::Borrowed(secret.expose()))
}

fn owned(text: Option<Text<'_>>) -> Option<Secret> {
    text.map(|text| Secret::new(text.into_owned()))
}

fn scope_text(scope: Option<&Scope>) -> Option<Text<'_>> {
    scope.map(|scope| Cow::Borrowed(scope.as_str()))
}

fn grant_record(grant: &Grant) -> GrantRecord<'_> {
    let tokens = &grant.tokens;
    let access = tokens.access_token.as_ref();
    let unusual_type = access.map(AccessToken::token_type).filter(|word| *word != "Bearer");
    GrantRecord {
        via: Cow::Borrowed(grant.via.as_str()),
        access_token: access.map(|token| Cow::Borrowed(token.expose())),
        token_type: unusual_type.map(Cow::Borrowed),
        refresh_token: borrowed(tokens.refresh_token.as_ref()),
        id_token: borrowed(tokens.id_token.as_ref()),
        scope: scope_text(tokens.scope.as_ref()),
        requested_scope: scope_text(grant.requested.as_ref()),
        received_at: tokens.received_at.as_millis(),
        expires_at: tokens.expires_at.map(Timestamp::as_millis),
        refresh_token_expires_at: tokens.refresh_token_expires_at.map(Timestamp::as_millis),
        generation: grant.generation,
        renewed_at: grant.renew.last.map(Timestamp::as_millis),
        superseded_token: grant.previous.as_ref().map(|token| Cow::Borrowed(token.expose())),
        retry: retry_record(&grant.renew),
        told_relogin: grant.told_relogin,
        custom: Cow::Borrowed(&tokens.custom.0),
        extra: Cow::Borrowed(&grant.extra),
    }
}

fn retry_record(renew: &Renew) -> Option<RetryRecord<'_>> {
    let fault = renew.fault.as_deref();
    Some(RetryRecord {
        failures: renew.failures,
        at: renew.retry_at?.as_millis(),
        by_server: renew.retry_is_servers,
        status: fault.and_then(|fault| fault.status),
        code: fault.and_then(|fault| fault.code.as_ref()).map(|code| Cow::Borrowed(code.as_str())),
        tracking_id: fault.and_then(|fault| fault.tracking_id.as_deref()).map(Cow::Borrowed),
    })
}

fn read_grant(record: GrantRecord<'_>) -> Result<Grant, RestoreError> {
    let via = via(&record.via).ok_or(RestoreError::Unreadable)?;
    let token_type = record.token_type.as_deref().unwrap_or("Bearer");
    let access_token = record.access_token.map(|token| AccessToken::with_type(token_type, &token));
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
        from_request: 0,
        previous: record.superseded_token.map(|token| AccessToken::bearer(&token)),
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

fn login_record(login: &SigningIn) -> Option<LoginRecord<'_>> {
    let mut record = LoginRecord {
        expires_at: login.expires_at.as_millis(),
        requested_scope: scope_text(login.requested.as_ref()),
        flow: None,
        state: None,
        verifier: None,
        redirect_uri: None,
        caller_state: None,
        device_code: None,
        interval: None,
        poll_at: None,
        extra: Cow::Borrowed(&login.extra),
    };
    match &login.stage {
        Stage::Browser(browser) => {
            record.flow = Some(Cow::Borrowed(match browser.flow {
                Flow::Code => "code",
                Flow::Implicit => "implicit",
            }));
            record.state = borrowed(Some(&browser.state));
            record.verifier = borrowed(browser.verifier.as_ref());
            record.redirect_uri = Some(Cow::Borrowed(&browser.redirect_uri));
            record.caller_state = browser.caller_state.as_deref().map(Cow::Borrowed);
        }
        Stage::Device(device) => {
            record.device_code = borrowed(Some(&device.device_code));
            record.interval = Some(device.interval);
            record.poll_at = Some(login.send_at.as_millis());
        }
        Stage::Redeem { .. }
        | Stage::DeviceStart
        | Stage::Jwt { .. }
        | Stage::Guest { .. }
        | Stage::ClientCredentials
        | Stage::AskJwt
        | Stage::AskToken => return None,
    }
    Some(record)
}

fn read_login(record: LoginRecord<'_>, before: Before) -> Result<SigningIn, RestoreError> {
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
                redirect_uri: redirect_uri.into_owned(),
                caller_state: record.caller_state.map(Cow::into_owned),
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
    Ok(SigningIn {
        via,
        stage,
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

fn signed_out_reason(text: &str) -> SignedOutReason {
    let known = [SignedOutReason::ByUser, SignedOutReason::GrantEnded, SignedOutReason::Embargoed];
    known.into_iter().find(|reason| reason.as_str() == text).unwrap_or(SignedOutReason::NeverSignedIn)
}

fn via(text: &str) -> Option<Via> {
    let known =
        [Via::Code, Via::Implicit, Via::Device, Via::Jwt, Via::Guest, Via::ClientCredentials, Via::Adopted, Via::Host];
    known.into_iter().find(|via| via.as_str() == text)
}
