//! From the state to the members of a snapshot.

use std::borrow::Cow;

use super::VERSION;
use super::record::{GrantRecord, IntentRecord, LoginRecord, Record, RetryRecord, Text};
use crate::access::SignedOutReason;
use crate::config::Config;
use crate::error::SendFault;
use crate::intent::{Intent, hex};
use crate::logins::{End, EndedLogins, LoginMark};
use crate::protocol::authorize::Flow;
use crate::protocol::scope::Scope;
use crate::secret::{AccessToken, Secret};
use crate::state::{Before, BrowserLogin, Grant, Phase, Renew, SigningIn, Stage, State};
use crate::time::Timestamp;

pub(super) fn record<'a>(config: &'a Config, state: &'a State) -> Record<'a> {
    let login = match &state.phase {
        Phase::SigningIn(login) => device_record(login),
        Phase::SignedOut(_) | Phase::SignedIn(_) => None,
    };
    Record {
        version: VERSION,
        revision: state.revision,
        client_id: config.client_id().into(),
        token_endpoint: config.endpoints().token.url().into(),
        seed: state.seed,
        generation: state.generation,
        saved_at: state.latest.as_millis(),
        changed_at: state.changed_at.as_millis(),
        signed_out: signed_out(&state.phase).map(|reason| reason.as_str().into()),
        ended_logins: ended_text(&state.ended_logins).into(),
        intent: state.intent.as_ref().map(intent_record),
        ended_after: state.ended_after,
        rotates: state.rotates,
        logins: state.pending.iter().map(browser_record).collect(),
        login,
        grant: state.grant().map(grant_record),
        extra: Cow::Borrowed(&state.extra),
    }
}

fn intent_record(intent: &Intent) -> IntentRecord<'_> {
    IntentRecord {
        id: hex(intent.id).into(),
        grant: hex(intent.grant.0).into(),
        generation: intent.generation,
        domain: intent.domain.as_deref().map(Cow::Borrowed),
    }
}

fn signed_out(phase: &Phase) -> Option<SignedOutReason> {
    match phase {
        Phase::SignedOut(reason) => Some(*reason),
        Phase::SigningIn(login) => match &login.before {
            Before::SignedOut(reason) => Some(*reason),
            Before::SignedIn(_) => None,
        },
        Phase::SignedIn(_) => None,
    }
}

/// `mark:instant`, separated by spaces.
fn ended_text(ended: &EndedLogins) -> String {
    let entry = |(mark, end): (LoginMark, End)| match end.by {
        0 => format!("{}:{}", mark.as_str(), end.at.as_millis()),
        by => format!("{}:{}:{by:x}", mark.as_str(), end.at.as_millis()),
    };
    ended.iter().map(entry).collect::<Vec<_>>().join(" ")
}

fn browser_record(login: &BrowserLogin) -> LoginRecord<'_> {
    LoginRecord {
        since: Some(login.since.as_millis()),
        expires_at: login.expires_at.as_millis(),
        requested_scope: scope_text(login.requested.as_ref()),
        flow: Some(if login.flow == Flow::Code { "code" } else { "implicit" }.into()),
        state: Some(login.state.expose().into()),
        verifier: secret_text(login.verifier.as_ref()),
        redirect_uri: Some((&*login.redirect_uri).into()),
        caller_state: login.caller_state.as_deref().map(Cow::Borrowed),
        left_open: login.left_open,
        device_code: None,
        interval: None,
        poll_at: None,
        extra: Cow::Borrowed(&login.extra),
    }
}

/// Only what a device will finish: other logins under way do not outlive their process.
fn device_record(login: &SigningIn) -> Option<LoginRecord<'_>> {
    let Stage::Device(device) = &login.stage else {
        return None;
    };
    Some(LoginRecord {
        since: Some(login.since.as_millis()),
        expires_at: login.expires_at.as_millis(),
        requested_scope: scope_text(login.requested.as_ref()),
        flow: None,
        state: None,
        verifier: None,
        redirect_uri: None,
        caller_state: None,
        left_open: false,
        device_code: Some(device.device_code.expose().into()),
        interval: Some(device.interval),
        poll_at: Some(login.send_at.as_millis()),
        extra: Cow::Borrowed(&login.extra),
    })
}

fn grant_record(grant: &Grant) -> GrantRecord<'_> {
    let tokens = &grant.tokens;
    let access = tokens.access_token.as_ref();
    GrantRecord {
        via: grant.via.as_str().into(),
        grant_id: grant.grant_id.map(|id| hex(id.0).into()),
        access_token: access.map(|token| token.expose().into()),
        token_type: access.map(AccessToken::token_type).filter(|word| *word != "Bearer").map(Cow::Borrowed),
        refresh_token: secret_text(tokens.refresh_token.as_ref()),
        id_token: secret_text(tokens.id_token.as_ref()),
        scope: scope_text(tokens.scope.as_ref()),
        requested_scope: scope_text(grant.requested.as_ref()),
        received_at: tokens.received_at.as_millis(),
        expires_at: tokens.expires_at.map(Timestamp::as_millis),
        refresh_token_expires_at: tokens.refresh_token_expires_at.map(Timestamp::as_millis),
        generation: grant.generation,
        login: grant.login.map(|login| login.to_string().into()),
        renewals: grant.renewals,
        renewed_at: grant.renew.last.map(Timestamp::as_millis),
        superseded_token: grant.previous.as_ref().map(|token| token.expose().into()),
        retry: grant.renew.retry_at.filter(|_| !was_not_sent(&grant.renew)).map(|at| retry_record(&grant.renew, at)),
        told_relogin: grant.told_relogin,
        custom: Cow::Borrowed(&tokens.custom.0),
        extra: Cow::Borrowed(&grant.extra),
    }
}

/// What was not sent is not a failure.
fn was_not_sent(renew: &Renew) -> bool {
    renew.fault.as_deref().is_some_and(|fault| fault.send.is_some_and(SendFault::is_unsent))
}

fn retry_record(renew: &Renew, at: Timestamp) -> RetryRecord<'_> {
    let fault = renew.fault.as_deref();
    RetryRecord {
        failures: renew.failures,
        at: at.as_millis(),
        by_server: renew.retry_is_servers,
        status: fault.and_then(|fault| fault.status),
        code: fault.and_then(|fault| fault.code.as_ref()).map(|code| code.as_str().into()),
        tracking_id: fault.and_then(|fault| fault.tracking_id.as_deref()).map(Cow::Borrowed),
    }
}

fn secret_text(secret: Option<&Secret>) -> Option<Text<'_>> {
    secret.map(|secret| secret.expose().into())
}

fn scope_text(scope: Option<&Scope>) -> Option<Text<'_>> {
    scope.map(|scope| scope.as_str().into())
}
