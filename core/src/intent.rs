//! The intent: "generation 4 is being renewed, by this coordinator". A member of the snapshot, stored before a refresh token
//! is spent. It is the lease of whoever spends it: see the coordinator's guard.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::access::Access;
use crate::error::Fault;
use crate::logins::{LoginId, LoginMark};
use crate::schedule;
use crate::secret::Secret;
use crate::session::Session;
use crate::state::{Flight, Grant, Phase, RenewBy, State};
use crate::time::Timestamp;
use crate::tokens::TokenSet;

/// Of one sign-in, new at every one. The tokens of a sign-in are its own, and so is this hash of the first of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct GrantId(pub(crate) u64);

impl GrantId {
    pub(crate) fn of(tokens: &TokenSet) -> Option<Self> {
        let access = tokens.access_token.as_ref().map(|token| token.expose());
        Self::of_token(tokens.refresh_token.as_ref().map(Secret::expose).or(access)?)
    }

    pub(crate) fn of_token(token: &str) -> Option<Self> {
        let hash = Sha256::digest(token.as_bytes());
        hash.first_chunk().map(|bytes| Self(u64::from_be_bytes(*bytes)))
    }
}

/// Who means to renew what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Intent {
    /// Drawn for each intent, never used again.
    pub(crate) id: u64,
    pub(crate) grant: GrantId,
    /// The renewals that the session has had: an intent for another number than the row's is no lease.
    pub(crate) generation: u64,
    /// Which lock of the operating system its holder can see: a machine and a file.
    pub(crate) domain: Option<String>,
}

/// A number of 64 bits as a text, so that no language rounds it.
pub(crate) fn hex(number: u64) -> String {
    format!("{number:016x}")
}

pub(crate) fn from_hex(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

/// The request that a session means to begin, where it leaves that to its coordinator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NextGrant {
    /// Of a login.
    Login,
    /// It spends the refresh token: under an intent only.
    Refresh,
    /// Of the client's own credentials, or a question to the host.
    OtherRenewal,
}

impl Grant {
    /// Its id; of a sign-in that was stored without one, a number that all who read it agree upon.
    pub(crate) fn id(&self, state: &State) -> GrantId {
        self.grant_id.unwrap_or(GrantId(state.changed_at.as_millis().cast_unsigned()))
    }
}

impl State {
    /// The intent, where it is the lease of what there is now.
    pub(crate) fn lease(&self) -> Option<&Intent> {
        let grant = self.grant()?;
        self.intent.as_ref().filter(|intent| intent.generation == grant.renewals && intent.grant == grant.id(self))
    }

    /// Whether a success that was paid with this refresh token is still the next one.
    pub(crate) fn still_holds(&self, flight: &Flight) -> bool {
        let held = self.grant().and_then(|grant| grant.tokens.refresh_token.as_ref());
        flight.spent.as_ref().is_none_or(|spent| held == Some(spent))
    }
}

/// What the coordinator asks of its session beyond what everybody may.
impl Session {
    /// From now on the session begins no grant request by itself: the coordinator does, when the store has the intent.
    /// `name` is drawn for each start of one.
    pub(crate) fn leave_beginning(&mut self, name: u32) {
        (self.state.guarded, self.state.name) = (true, name);
    }

    /// At the start of a program: what the server has refused may be what was corrected since. Then nobody waits for the end of that.
    pub(crate) fn try_settings_anew(&mut self) {
        let Some(grant) = self.state.grant_mut() else { return };
        if !grant.renew.retry_is_servers && grant.renew.fault.as_ref().is_some_and(|fault| fault.refuses_client()) {
            grant.renew.retry_at = None;
        }
    }

    /// Whether the server replaces refresh tokens, as far as has been seen.
    pub(crate) fn has_seen_rotation(&self) -> bool {
        self.state.rotates
    }

    /// Logins that are in the snapshot, or are being worked on and were.
    pub(crate) fn login_marks(&self) -> Vec<LoginMark> {
        let pending = self.state.pending.iter().filter_map(|login| login.mark);
        let under_way = match &self.state.phase {
            Phase::SigningIn(login) => login.mark,
            Phase::SignedOut(_) | Phase::SignedIn(_) => None,
        };
        pending.chain(under_way).collect()
    }

    /// What it would begin now.
    pub(crate) fn next_grant(&self, now: Timestamp) -> Option<NextGrant> {
        let state = &self.state;
        if state.flight.is_some() {
            return None;
        }
        if schedule::login_is_due(state, now) {
            return Some(NextGrant::Login);
        }
        let grant = state.grant().filter(|grant| grant.renew.wanted)?;
        if schedule::may_renew_at(&self.config, grant).is_some_and(|at| now < at) {
            return None;
        }
        match schedule::renewal(&self.config, grant, now).ok()? {
            RenewBy::RefreshToken => Some(NextGrant::Refresh),
            RenewBy::ClientCredentials | RenewBy::HostToken | RenewBy::HostJwt => Some(NextGrant::OtherRenewal),
        }
    }

    /// The intent in the snapshot, where it is a lease.
    pub(crate) fn lease(&self) -> Option<&Intent> {
        self.state.lease()
    }

    /// Until when nothing is renewed although it is wanted, and why.
    pub(crate) fn pause(&self, now: Timestamp) -> Option<(Arc<Fault>, Timestamp)> {
        let grant = self.state.grant()?;
        let at = schedule::may_renew_at(&self.config, grant).filter(|at| now < *at)?;
        Some((schedule::last_fault(grant), at))
    }

    /// How long the tokens live from when they came.
    pub(crate) fn lifetime(&self) -> Option<Duration> {
        let tokens = self.tokens()?;
        let millis = tokens.expires_at?.millis_since(tokens.received_at);
        Some(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
    }

    /// Which sign-in, and how many renewals it has had.
    pub(crate) fn place(&self) -> Option<(GrantId, u64)> {
        self.state.grant().map(|grant| (grant.id(&self.state), grant.renewals))
    }

    /// The sign-in alone.
    pub(crate) fn grant_id(&self) -> Option<GrantId> {
        self.place().map(|(grant, _)| grant)
    }

    /// Of the login that is being worked on, a browser's once it has come back.
    pub(crate) fn login_attempt(&self) -> Option<u64> {
        schedule::works_on_login(&self.state).then_some(self.state.attempt)
    }

    /// Whether a login waits for its browser, or is being worked on.
    pub(crate) fn has_logins(&self) -> bool {
        !self.state.pending.is_empty() || matches!(self.state.phase, Phase::SigningIn(_))
    }

    /// Which login in a browser is being worked on.
    pub(crate) fn login_under_way(&self) -> Option<LoginId> {
        match &self.state.phase {
            Phase::SigningIn(login) => login.id,
            Phase::SignedOut(_) | Phase::SignedIn(_) => None,
        }
    }

    /// Whether this login in a browser may still bring something.
    pub(crate) fn awaits_login(&self, id: LoginId) -> bool {
        let pending = self.state.pending.iter().any(|login| login.id == Some(id));
        pending || self.login_under_way() == Some(id)
    }

    /// Until when the token that is ready may be handed out without asking, and until when at all.
    pub(crate) fn token_lines(&self) -> Option<(Option<Timestamp>, Option<Timestamp>)> {
        let grant = self.state.grant()?;
        let soon = schedule::soon_at(&self.config, self.state.seed, grant);
        let renews = schedule::renewal(&self.config, grant, self.state.latest).is_ok() && !grant.renew.wanted;
        let soon = soon
            .filter(|_| renews)
            .map(|soon| schedule::may_renew_at(&self.config, grant).map_or(soon, |at| at.max(soon)));
        Some((soon, schedule::must_at(&self.config, &grant.tokens)))
    }

    /// Whether a renewal of an expired or refused token is what stands between a caller and a token.
    pub(crate) fn is_stale(&self, now: Timestamp) -> bool {
        matches!(self.access(now), Access::Stale { .. })
    }
}
