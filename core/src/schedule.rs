//! When things are due. Pure questions about the state; the answers are absolute instants.

use std::sync::Arc;
use std::time::Duration;

use crate::access::{Access, SignInReason, SignedOutReason, StaleWhy, Via};
use crate::config::{Config, DownscopeFailure, Renewal};
use crate::error::{Advice, Fault, FaultKind};
use crate::protocol::scope::Scope;
use crate::state::{ChildState, FlightKind, Grant, Phase, RenewBy, SigningIn, Stage, State};
use crate::time::{Timestamp, millis};
use crate::tokens::TokenSet;

/// A clock that is set back by no more than this is ordinary drift: queries answer as of the latest reading.
const DRIFT: i64 = 60_000;
/// So many tokens in a row may be refused right after they came until the minimum interval applies.
const MAX_REJECTIONS: u32 = 2;

/// What the tokens are renewed with, or why only the user can help.
pub(crate) fn renewal(config: &Config, grant: &Grant, now: Timestamp) -> Result<RenewBy, SignInReason> {
    match config.parts().renewal {
        Renewal::HostToken => return Ok(RenewBy::HostToken),
        Renewal::HostJwt if grant.via == Via::Jwt || grant.tokens.refresh_token.is_none() => {
            return Ok(RenewBy::HostJwt);
        }
        Renewal::HostJwt | Renewal::Grant => {}
    }
    if grant.via == Via::ClientCredentials {
        return Ok(RenewBy::ClientCredentials);
    }
    if grant.tokens.refresh_token.is_none() || !config.can_authenticate() {
        return Err(SignInReason::Expired);
    }
    if grant.tokens.refresh_token_expires_at.is_some_and(|end| end <= now) {
        return Err(SignInReason::RefreshTokenExpired);
    }
    Ok(RenewBy::RefreshToken)
}

/// Whether a session without tokens can ask its host for some.
pub(crate) fn can_ask_host(config: &Config, reason: SignedOutReason) -> bool {
    let host = match config.parts().renewal {
        Renewal::Grant => false,
        Renewal::HostToken | Renewal::HostJwt => true,
    };
    host && matches!(reason, SignedOutReason::NeverSignedIn | SignedOutReason::GrantEnded)
}

fn lifetime(tokens: &TokenSet) -> Option<i64> {
    tokens.expires_at.map(|end| end.millis_since(tokens.received_at).max(0))
}

/// The first line: from here on a refresh in the background is welcome.
pub(crate) fn soon_at(config: &Config, seed: u64, grant: &Grant) -> Option<Timestamp> {
    let lifetime = lifetime(&grant.tokens)?;
    let (low, high) = config.policy().soon_permille;
    let draw = mix(seed ^ grant.generation.wrapping_mul(0x9e37_79b9_7f4a_7c15)) % (u64::from(high - low) + 1);
    let permille = i64::from(low).saturating_add(i64::try_from(draw).unwrap_or(0));
    let delay = lifetime / 1000 * permille + lifetime % 1000 * permille / 1000;
    let (received_at, soon) = (grant.tokens.received_at, grant.tokens.received_at.plus_millis(delay));
    // A refresh token that ends before that is used while it can be.
    let last = grant.tokens.refresh_token_expires_at.map(|end| {
        let margin = millis(config.policy().margin).min(end.millis_since(received_at).max(0) / 10);
        end.plus_millis(-margin).max(received_at)
    });
    Some(last.map_or(soon, |last| last.min(soon)))
}

/// The second line: from here on the token is not used.
pub(crate) fn must_at(config: &Config, tokens: &TokenSet) -> Option<Timestamp> {
    let end = tokens.expires_at?;
    let margin = millis(config.policy().margin).min(lifetime(tokens)? / 10);
    Some(end.plus_millis(-margin))
}

/// No renewal before this: the server's wait, our backoff, the minimum interval.
pub(crate) fn may_renew_at(config: &Config, grant: &Grant) -> Option<Timestamp> {
    let renew = &grant.renew;
    let retry_at = renew.retry_at.filter(|_| !renew.forced || renew.retry_is_servers);
    let interval = match lifetime(&grant.tokens) {
        Some(lifetime) if lifetime > 0 => millis(config.policy().min_interval).min(lifetime / 2),
        Some(_) | None => millis(config.policy().min_interval),
    };
    let unhurried = !(renew.forced || renew.rejected && renew.rejections <= MAX_REJECTIONS);
    let interval_over = renew.last.filter(|_| unhurried).map(|last| last.plus_millis(interval));
    retry_at.max(interval_over)
}

/// When somebody has to look after the tokens next, although nobody asks for them.
pub(crate) fn due_at(config: &Config, state: &State) -> Option<Timestamp> {
    let grant = state.grant()?;
    renewal(config, grant, state.latest).ok()?;
    let soon = soon_at(config, state.seed, grant).or_else(|| must_at(config, &grant.tokens));
    match may_renew_at(config, grant) {
        // An attempt has failed, or is to be made: not at the line that it is late for.
        Some(retry_at) if grant.renew.wanted => Some(retry_at),
        may => soon.map(|soon| may.map_or(soon, |may| may.max(soon))),
    }
}

/// Whether an API that refuses the current token has a point, or has refused too many fresh ones in a row.
pub(crate) fn counts_as_rejected(config: &Config, grant: &Grant, now: Timestamp) -> bool {
    let fresh = grant.renew.last.is_some_and(|last| now < last.plus(config.policy().min_interval));
    !fresh || grant.renew.rejections < MAX_REJECTIONS
}

/// How long to wait after the `failures`-th failure in a row.
pub(crate) fn backoff(config: &Config, seed: u64, failures: u32, fault: &Fault) -> i64 {
    if let Some(wait) = fault.retry_after {
        return millis(wait);
    }
    let policy = config.policy();
    let ceiling = millis(policy.max_backoff).max(1);
    if fault.advice() == Advice::FixConfiguration {
        return ceiling;
    }
    let doubled = millis(policy.backoff).saturating_mul(1 << failures.saturating_sub(1).min(20)).min(ceiling);
    // Between half and all of it, so that many clients do not come back at once.
    let half = doubled / 2;
    let draw = mix(seed ^ u64::from(failures)) % (half.unsigned_abs() + 1);
    half.saturating_add(i64::try_from(draw).unwrap_or(0)).max(1)
}

/// The decision function: may a caller have a token now?
pub(crate) fn access(config: &Config, state: &State, now: Timestamp) -> Access {
    let grant = match (&state.phase, state.grant()) {
        (_, Some(grant)) => grant,
        (Phase::SignedOut(_), None) if state.awaited_browser().is_some() => {
            return Access::SignInRequired { reason: SignInReason::LoginPending };
        }
        (Phase::SignedOut(reason), None) => return signed_out(config, state, *reason, now),
        (Phase::SigningIn(login), None) => return signing_in(state, login, now),
        (Phase::SignedIn(_), None) => {
            return Access::SignInRequired { reason: SignInReason::Expired };
        }
    };
    let expires_at = grant.tokens.expires_at;
    if went_back(state, now) {
        return Access::Stale { why: StaleWhy::ClockWentBack, expires_at };
    }
    let now = now.max(state.latest);
    let why = match &grant.tokens.access_token {
        None => StaleWhy::NoAccessToken,
        Some(_) if grant.renew.rejected => StaleWhy::Rejected,
        Some(token) if must_at(config, &grant.tokens).is_none_or(|must| now < must) => {
            return Access::Ready {
                token: token.clone(),
                generation: grant.generation,
                expires_at,
                refresh_soon: is_refresh_due(config, state, grant, now),
            };
        }
        Some(_) => StaleWhy::Expired,
    };
    if let Some(flight) = &state.flight {
        return Access::Refreshing { id: flight.id };
    }
    if let Err(reason) = renewal(config, grant, now) {
        return Access::SignInRequired { reason };
    }
    match may_renew_at(config, grant) {
        Some(retry_at) if now < retry_at => Access::BackingOff { fault: last_fault(grant), retry_at },
        Some(_) | None => Access::Stale { why, expires_at },
    }
}

/// The same for a user token with less scope.
pub(crate) fn access_for(config: &Config, state: &State, now: Timestamp, scope: &Scope) -> Access {
    let full = access(config, state, now);
    let (Access::Ready { .. }, Some(grant)) = (&full, state.grant()) else {
        return full;
    };
    let now = now.max(state.latest);
    if let Some(granted) = &grant.tokens.scope {
        if scope == granted || scope.is_empty() {
            return full;
        }
        if !scope.is_subset_of(granted) {
            return Access::SignInRequired { reason: SignInReason::ScopeNotGranted { missing: scope.minus(granted) } };
        }
    }
    let not_asked = Access::Stale { why: StaleWhy::NotAskedYet, expires_at: None };
    let Some(child) = grant.children.iter().find(|child| child.scope == *scope) else {
        return not_asked;
    };
    match &child.state {
        ChildState::Asked { id } => Access::Refreshing { id: *id },
        ChildState::Ready { token, generation, received_at, expires_at } => {
            let tokens = TokenSet { received_at: *received_at, expires_at: *expires_at, ..TokenSet::default() };
            if must_at(config, &tokens).is_some_and(|must| now >= must) {
                return Access::Stale { why: StaleWhy::Expired, expires_at: *expires_at };
            }
            Access::Ready {
                token: token.clone(),
                generation: *generation,
                expires_at: *expires_at,
                refresh_soon: false,
            }
        }
        ChildState::Failed { retry_at, .. } if now >= *retry_at => not_asked,
        ChildState::Failed { fault, retry_at } => match config.parts().downscope_failure {
            DownscopeFailure::UseFullToken => full,
            DownscopeFailure::Refuse => Access::BackingOff { fault: Arc::clone(fault), retry_at: *retry_at },
        },
    }
}

/// Whether a refresh in the background should begin now.
pub(crate) fn is_refresh_due(config: &Config, state: &State, grant: &Grant, now: Timestamp) -> bool {
    soon_at(config, state.seed, grant).is_some_and(|soon| soon <= now)
        && state.flight.is_none()
        && may_renew_at(config, grant).is_none_or(|at| at <= now)
        && renewal(config, grant, now).is_ok()
}

/// The next instant at which time alone changes something.
pub(crate) fn wake_at(config: &Config, state: &State) -> Option<Timestamp> {
    wake_after(config, state, None)
}

/// The same, of what comes after this instant: what was due before it waits for something else.
pub(crate) fn wake_after(config: &Config, state: &State, after: Option<Timestamp>) -> Option<Timestamp> {
    let mut wake: Option<Timestamp> = None;
    let mut consider = |at: Timestamp| {
        if after.is_none_or(|after| at > after) {
            wake = Some(wake.map_or(at, |earlier| earlier.min(at)));
        }
    };
    if let Some(flight) = &state.flight {
        consider(flight.deadline);
    }
    state.side.iter().for_each(|side| consider(side.deadline));
    state.pending.iter().for_each(|login| consider(login.expires_at));
    if let Phase::SigningIn(login) = &state.phase {
        consider(login.expires_at);
        if state.flight.is_none() {
            consider(login.send_at);
        }
    }
    let Some(grant) = state.grant() else {
        return wake;
    };
    let now = state.latest;
    match renewal(config, grant, now) {
        // While a request is out, its deadline or its answer comes first.
        Ok(_) if state.flight.is_some() => {}
        Ok(_) if grant.renew.wanted => consider(may_renew_at(config, grant).unwrap_or(now)),
        Ok(_) if config.policy().proactive => {
            if let Some(soon) = soon_at(config, state.seed, grant) {
                consider(may_renew_at(config, grant).map_or(soon, |at| at.max(soon)));
            }
        }
        Ok(_) => {}
        Err(_) => {}
    }
    if let Some(at) = sign_in_needed_at(config, grant, now).filter(|_| !grant.told_sign_in) {
        consider(at);
    }
    if let Some(at) = relogin_warning_at(config, grant).filter(|_| !grant.told_relogin) {
        consider(at);
    }
    wake
}

/// When only the user can help, if nothing else happens before: neither the access token nor what renews it is good then.
fn sign_in_needed_at(config: &Config, grant: &Grant, now: Timestamp) -> Option<Timestamp> {
    let must = match &grant.tokens.access_token {
        Some(_) => Some(must_at(config, &grant.tokens)?),
        None => None,
    };
    match renewal(config, grant, now) {
        Ok(RenewBy::RefreshToken) => Some(grant.tokens.refresh_token_expires_at?).max(must),
        Ok(RenewBy::ClientCredentials | RenewBy::HostToken | RenewBy::HostJwt) => None,
        Err(_) => must,
    }
}

/// When to warn that the refresh token ends.
pub(crate) fn relogin_warning_at(config: &Config, grant: &Grant) -> Option<Timestamp> {
    let end = grant.tokens.refresh_token_expires_at?;
    Some(end.plus_millis(-millis(config.policy().warn_before_relogin)))
}

/// What was reckoned with the latest reading does not hold for this one.
pub(crate) fn went_back(state: &State, now: Timestamp) -> bool {
    state.latest.millis_since(now) > DRIFT
}

fn signed_out(config: &Config, state: &State, reason: SignedOutReason, now: Timestamp) -> Access {
    if !can_ask_host(config, reason) {
        return Access::SignInRequired { reason: SignInReason::SignedOut(reason) };
    }
    let stale = |why| Access::Stale { why, expires_at: None };
    match &state.host_failed {
        Some(_) if went_back(state, now) => stale(StaleWhy::ClockWentBack),
        Some(failed) if now.max(state.latest) < failed.retry_at => {
            Access::BackingOff { fault: Arc::clone(&failed.fault), retry_at: failed.retry_at }
        }
        Some(_) | None => stale(StaleWhy::NotAskedYet),
    }
}

/// A login that needs nobody is waited for like a refresh.
fn signing_in(state: &State, login: &SigningIn, now: Timestamp) -> Access {
    match &login.stage {
        Stage::DeviceStart | Stage::Device(_) => {
            return Access::SignInRequired { reason: SignInReason::LoginPending };
        }
        Stage::Jwt { .. }
        | Stage::Guest { .. }
        | Stage::ClientCredentials
        | Stage::AskJwt
        | Stage::AskToken
        | Stage::Redeem { .. } => {}
    }
    if let Some(flight) = &state.flight {
        return Access::Refreshing { id: flight.id };
    }
    match &login.fault {
        _ if went_back(state, now) => Access::Stale { why: StaleWhy::ClockWentBack, expires_at: None },
        Some(fault) if now.max(state.latest) < login.send_at => {
            Access::BackingOff { fault: Arc::clone(fault), retry_at: login.send_at }
        }
        Some(_) | None => Access::Stale { why: StaleWhy::NotAskedYet, expires_at: None },
    }
}

pub(crate) fn last_fault(grant: &Grant) -> Arc<Fault> {
    grant.renew.fault.clone().unwrap_or_else(|| {
        Arc::new(Fault::described(FaultKind::Unexpected, "the token that came a moment ago is of no use any more"))
    })
}

/// How long a request may take before it is taken for lost.
pub(crate) fn deadline(config: &Config, now: Timestamp, grace: Duration) -> Timestamp {
    now.plus(config.parts().request_timeout).plus(grace)
}

/// Whether a login has a request to send now.
pub(crate) fn login_is_due(state: &State, now: Timestamp) -> bool {
    match &state.phase {
        Phase::SigningIn(login) => login.send_at <= now,
        Phase::SignedOut(_) | Phase::SignedIn(_) => false,
    }
}

/// Whether a login is more than a browser that is still to come back.
pub(crate) fn works_on_login(state: &State) -> bool {
    matches!(&state.phase, Phase::SigningIn(_))
}

/// Whether a flight renews tokens, for the status.
pub(crate) fn is_renewing(state: &State) -> bool {
    state.flight.as_ref().is_some_and(|flight| matches!(flight.kind, FlightKind::Renew { .. }) && !flight.unwanted)
}

/// SplitMix64's finalizer: spreads the bits of a seed.
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::mix;

    #[test]
    fn bits_are_mixed_as_splitmix64_mixes_them() {
        assert_eq!([mix(0), mix(1)], [0xe220_a839_7b1d_cdaf, 0x910a_2dec_8902_5cc1]);
    }
}
