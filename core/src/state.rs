//! What a session remembers. Plain data: the table in `step.rs` decides, the actions change it.

mod login;

use std::sync::Arc;

use serde_json::{Map, Value};

pub(crate) use self::login::{Before, BrowserLogin, DeviceLogin, SigningIn, Stage};
use crate::access::{SignedOutReason, Via};
use crate::error::Fault;
use crate::http::RequestId;
use crate::intent::{GrantId, Intent};
use crate::logins::{End, EndedLogins, LoginId, LoginMark};
use crate::protocol::request::Carried;
use crate::protocol::scope::{Scope, ScopeDelta};
use crate::secret::{AccessToken, Secret};
use crate::time::Timestamp;
use crate::tokens::TokenSet;

/// So many bits of a revision count, those above tell apart sessions that began apart.
pub(crate) const COUNT_BITS: u32 = 24;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct State {
    /// Of the last snapshot that was emitted or loaded.
    pub(crate) revision: u64,
    /// Spreads the refreshes of many clients.
    pub(crate) seed: u64,
    /// Of the newest token that was handed out, user tokens included. Grows for ever.
    pub(crate) generation: u64,
    /// The newest reading of the host's clock.
    pub(crate) latest: Timestamp,
    /// The last sign-in or sign-out: of two snapshots, the one with the later one wins.
    pub(crate) changed_at: Timestamp,
    pub(crate) phase: Phase,
    /// Logins that wait for their browser, the oldest first.
    pub(crate) pending: Vec<BrowserLogin>,
    /// The one grant request that is outstanding.
    pub(crate) flight: Option<Flight>,
    /// Grant requests whose deadline has passed and whose answer may still come.
    pub(crate) late: Vec<Flight>,
    /// Requests beside: user tokens, revocations.
    pub(crate) side: Vec<Side>,
    /// Tokens that were left without being revoked, as long as a request is out that may bring them once more.
    pub(crate) spared: Vec<Secret>,
    /// Hosts of which it was told that the token does not go there.
    pub(crate) withheld: Vec<String>,
    /// Tokens that wait to be revoked, behind the one that is being revoked.
    pub(crate) revocations: Vec<Revocation>,
    /// Logins that nobody may complete any longer, whoever still remembers them.
    pub(crate) ended_logins: EndedLogins,
    /// The device login under way came about by the last input: another process cannot have read of it.
    pub(crate) login_is_new: bool,
    /// The user signed out and had the tokens revoked.
    pub(crate) revokes: bool,
    /// The host could not bring first tokens.
    pub(crate) host_failed: Option<HostFailed>,
    /// Counts requests.
    pub(crate) next_id: u64,
    /// Counts logins: an answer to an earlier one is not the answer to this one.
    pub(crate) attempt: u64,
    /// Counts sign-ins and sign-outs in this process.
    pub(crate) epoch: u64,
    /// Counts changes of the tokens in this process.
    pub(crate) version: u64,
    /// Somebody means to renew the tokens: as it is stored, or about to be.
    pub(crate) intent: Option<Intent>,
    /// Of a session that the server called over: how many renewals it had had.
    pub(crate) ended_after: Option<u64>,
    /// The intent under which the server said so to us: as long as the store holds that, nobody knows better.
    pub(crate) ended_under: Option<u64>,
    /// A coordinator begins the grant requests.
    pub(crate) guarded: bool,
    /// Of that coordinator, drawn at its start: tells its own endings of logins from those of others.
    pub(crate) name: u32,
    /// The server has once replaced a refresh token, whatever its profile says.
    pub(crate) rotates: bool,
    /// Members of the stored snapshot that a later version wrote.
    pub(crate) extra: Map<String, Value>,
}

/// How the questions to the host went that a session without tokens asked, until somebody signs in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HostFailed {
    /// In a row.
    pub(crate) failures: u32,
    pub(crate) retry_at: Timestamp,
    pub(crate) fault: Arc<Fault>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Phase {
    SignedOut(SignedOutReason),
    SigningIn(Box<SigningIn>),
    SignedIn(Box<Grant>),
}

/// Tokens and what is known of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Grant {
    pub(crate) via: Via,
    /// Of the sign-in, where a coordinator was told of it.
    pub(crate) grant_id: Option<GrantId>,
    pub(crate) tokens: TokenSet,
    pub(crate) requested: Option<Scope>,
    /// Of the access token.
    pub(crate) generation: u64,
    /// The login in a browser that brought it.
    pub(crate) login: Option<LoginId>,
    /// Counts the renewals since the sign-in, in all processes together.
    pub(crate) renewals: u64,
    /// The request that brought these tokens: the answer to an earlier one is superseded.
    pub(crate) from_request: u64,
    /// The predecessor of the access token, to be revoked when the successor arrives.
    pub(crate) previous: Option<AccessToken>,
    pub(crate) renew: Renew,
    /// User tokens with less scope.
    pub(crate) children: Vec<Child>,
    /// The user was told that only a sign-in helps.
    pub(crate) told_sign_in: bool,
    /// The user was told that the refresh token ends soon.
    pub(crate) told_relogin: bool,
    pub(crate) extra: Map<String, Value>,
}

/// How the renewal of a grant stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Renew {
    /// Somebody waits for it.
    pub(crate) wanted: bool,
    /// The host insists: no minimum interval, no backoff of our own.
    pub(crate) forced: bool,
    /// An API refused the current token.
    pub(crate) rejected: bool,
    /// How many tokens in a row were refused soon after they came.
    pub(crate) rejections: u32,
    /// The last success.
    pub(crate) last: Option<Timestamp>,
    pub(crate) failures: u32,
    pub(crate) retry_at: Option<Timestamp>,
    /// The server itself named `retry_at`.
    pub(crate) retry_is_servers: bool,
    pub(crate) fault: Option<Arc<Fault>>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Child {
    pub(crate) scope: Scope,
    pub(crate) state: ChildState,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ChildState {
    Ready { token: AccessToken, generation: u64, received_at: Timestamp, expires_at: Option<Timestamp> },
    Asked { id: RequestId },
    Failed { fault: Arc<Fault>, retry_at: Timestamp },
}

/// A grant request that is outstanding.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Flight {
    pub(crate) id: RequestId,
    pub(crate) kind: FlightKind,
    /// Then it is taken for lost.
    pub(crate) deadline: Timestamp,
    /// Counters at departure.
    pub(crate) attempt: u64,
    pub(crate) epoch: u64,
    pub(crate) version: u64,
    /// Nobody wants the tokens any longer: revoke what arrives.
    pub(crate) unwanted: bool,
    /// A question to the host, not a request: people may be involved, and a login does not wait for it.
    pub(crate) asks_host: bool,
    /// No error quotes it.
    pub(crate) carried: Carried,
    /// The refresh token that it spends: a success is the next one only of that.
    pub(crate) spent: Option<Secret>,
    /// The intent under which it was sent.
    pub(crate) under: Option<u64>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FlightKind {
    SignIn { via: Via, requested: Option<Scope> },
    DeviceStart,
    DevicePoll { requested: Option<Scope> },
    Renew { by: RenewBy },
}

/// What a grant is renewed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RenewBy {
    RefreshToken,
    ClientCredentials,
    HostToken,
    HostJwt,
}

/// A request beside the grant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Side {
    pub(crate) id: RequestId,
    pub(crate) kind: SideKind,
    pub(crate) deadline: Timestamp,
    /// No error quotes it.
    pub(crate) carried: Carried,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SideKind {
    Downscope {
        scope: Scope,
    },
    /// A user token that nobody wants any longer: revoke what arrives.
    Unwanted,
    Revoke(Revocation),
    /// The identity broker hears of a sign-out.
    Logout,
}

/// A token to revoke.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Revocation {
    pub(crate) token: Secret,
    /// RFC 7009 section 2.1.
    pub(crate) hint: &'static str,
    /// It was tried before.
    pub(crate) is_retry: bool,
}

impl Grant {
    /// Every token of the session, and how RFC 7009 section 2.1 calls it. The refresh token first: it carries the others.
    pub(crate) fn all_tokens(&self) -> Vec<(Secret, &'static str)> {
        self.tokens_of(|_| true)
    }

    /// The same of those that are not known to have ended. The predecessor of the access token ends no later than that.
    pub(crate) fn living_tokens(&self, now: Timestamp) -> Vec<(Secret, &'static str)> {
        self.tokens_of(|end| end.is_none_or(|end| now < end))
    }

    /// Those whose end is as wanted.
    fn tokens_of(&self, fits: impl Fn(Option<Timestamp>) -> bool) -> Vec<(Secret, &'static str)> {
        let children = self.children.iter().filter_map(|child| match &child.state {
            ChildState::Ready { token, expires_at, .. } => Some((token, *expires_at)),
            ChildState::Asked { .. } | ChildState::Failed { .. } => None,
        });
        let tokens = &self.tokens;
        let own = tokens.access_token.iter().chain(&self.previous).map(|token| (token, tokens.expires_at));
        let access = own.chain(children).filter(|(_, end)| fits(*end));
        let refresh = tokens.refresh_token.clone().filter(|_| fits(tokens.refresh_token_expires_at));
        let refresh = refresh.map(|token| (token, "refresh_token"));
        refresh.into_iter().chain(access.map(|(token, _)| (token.expose().into(), "access_token"))).collect()
    }

    /// What was granted of what was asked for.
    pub(crate) fn scope_delta(&self) -> ScopeDelta {
        let nothing = Scope::default();
        let granted = self.tokens.scope.as_ref().unwrap_or(&nothing);
        ScopeDelta::between(self.requested.as_ref().unwrap_or(granted), granted)
    }
}

impl State {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            revision: 0,
            seed,
            generation: 0,
            latest: Timestamp::from_millis(i64::MIN),
            changed_at: Timestamp::from_millis(i64::MIN),
            phase: Phase::SignedOut(SignedOutReason::NeverSignedIn),
            pending: Vec::new(),
            ended_logins: EndedLogins::default(),
            login_is_new: false,
            revokes: false,
            flight: None,
            late: Vec::new(),
            side: Vec::new(),
            spared: Vec::new(),
            withheld: Vec::new(),
            revocations: Vec::new(),
            host_failed: None,
            next_id: 0,
            attempt: 0,
            epoch: 0,
            version: 0,
            intent: None,
            ended_after: None,
            ended_under: None,
            guarded: false,
            name: 0,
            rotates: false,
            extra: Map::new(),
        }
    }

    /// Another session begins or ends. Of two changes the one with the later mark counts, whatever the clock did.
    pub(crate) fn mark_change(&mut self, now: Timestamp) {
        self.epoch = self.epoch.saturating_add(1);
        self.version = self.version.saturating_add(1);
        self.changed_at = now.max(self.changed_at.plus_millis(1));
    }

    /// The newest login that waits for its browser and that somebody is about.
    pub(crate) fn awaited_browser(&self) -> Option<&BrowserLogin> {
        let is_signed_in = self.grant().is_some();
        self.pending.iter().rfind(|login| !(is_signed_in && login.left_open))
    }

    /// The login under way is given up, superseded or over.
    pub(crate) fn end_login(&mut self, now: Timestamp) {
        if let Phase::SigningIn(login) = &self.phase
            && let Some(mark) = login.mark
        {
            self.end_mark(mark, now);
        }
    }

    /// A login that waited for its browser is used up, given up or superseded.
    pub(crate) fn end_pending(&mut self, login: &BrowserLogin, now: Timestamp) {
        if let Some(mark) = login.mark {
            self.end_mark(mark, now);
        }
    }

    /// Nobody may complete this login any longer.
    pub(crate) fn end_mark(&mut self, mark: LoginMark, now: Timestamp) {
        self.ended_logins.end(mark, End { at: now, by: self.name });
    }

    /// Whether what this login brought is there, or on its way.
    pub(crate) fn has_completed(&self, login: Option<LoginId>) -> bool {
        let under_way = match &self.phase {
            Phase::SigningIn(login) => login.id,
            Phase::SignedOut(_) | Phase::SignedIn(_) => None,
        };
        login.is_some() && (login == under_way || login == self.grant().and_then(|grant| grant.login))
    }

    /// Counts from a number that is drawn from the seed: nobody takes a store that was begun anew for the one that was there
    /// before. It is so small that no language rounds it.
    pub(crate) fn count_revision(&mut self) {
        let before = if self.revision == 0 { self.seed >> 40 << COUNT_BITS } else { self.revision };
        self.revision = before.saturating_add(1);
    }

    pub(crate) fn new_id(&mut self) -> RequestId {
        self.next_id = self.next_id.saturating_add(1);
        RequestId(self.next_id)
    }

    /// The tokens, also those that a login under way would return to.
    pub(crate) fn grant(&self) -> Option<&Grant> {
        match &self.phase {
            Phase::SignedOut(_) => None,
            Phase::SigningIn(login) => match &login.before {
                Before::SignedOut(_) => None,
                Before::SignedIn(grant) => Some(grant),
            },
            Phase::SignedIn(grant) => Some(grant),
        }
    }

    pub(crate) fn grant_mut(&mut self) -> Option<&mut Grant> {
        match &mut self.phase {
            Phase::SignedOut(_) => None,
            Phase::SigningIn(login) => match &mut login.before {
                Before::SignedOut(_) => None,
                Before::SignedIn(grant) => Some(grant),
            },
            Phase::SignedIn(grant) => Some(grant),
        }
    }

    /// Whether a token lives on: the session has it, or it was left without being revoked.
    pub(crate) fn keeps(&self, token: &str) -> bool {
        let is_of = |grant: &Grant| grant.all_tokens().iter().any(|(own, _)| own.expose() == token);
        self.spared.iter().any(|spared| spared.expose() == token) || self.grant().is_some_and(is_of)
    }

    /// Takes the phase apart into what a new login has to lead back to.
    pub(crate) fn take_before(&mut self) -> Before {
        match std::mem::replace(&mut self.phase, Phase::SignedOut(SignedOutReason::NeverSignedIn)) {
            Phase::SignedOut(reason) => Before::SignedOut(reason),
            Phase::SigningIn(login) => login.before,
            Phase::SignedIn(grant) => Before::SignedIn(grant),
        }
    }

    /// Takes the login out that is under way, and leaves what it leads back to.
    pub(crate) fn take_login(&mut self) -> Option<Box<SigningIn>> {
        match std::mem::replace(&mut self.phase, Phase::SignedOut(SignedOutReason::NeverSignedIn)) {
            Phase::SigningIn(mut login) => {
                let nothing = Before::SignedOut(SignedOutReason::NeverSignedIn);
                self.phase = std::mem::replace(&mut login.before, nothing).into();
                Some(login)
            }
            phase @ (Phase::SignedOut(_) | Phase::SignedIn(_)) => {
                self.phase = phase;
                None
            }
        }
    }

    /// The login goes on, over what is there now.
    pub(crate) fn resume_login(&mut self, login: SigningIn) {
        let before = self.take_before();
        self.phase = Phase::SigningIn(Box::new(SigningIn { before, ..login }));
    }

    /// Ends a login: back to where it came from.
    pub(crate) fn return_to_before(&mut self) {
        self.phase = self.take_before().into();
    }

    /// Takes note of the clock. Where it was set back, everything that was reckoned with the earlier reading moves
    /// along: a token's remaining life stays what it was and never grows.
    pub(crate) fn observe(&mut self, now: Timestamp) {
        let before = std::mem::replace(&mut self.latest, now);
        if now < before {
            self.move_along(before, now);
        }
    }

    #[cold]
    fn move_along(&mut self, before: Timestamp, now: Timestamp) {
        let shift = |at: &mut Timestamp| *at = at.moved_along(before, now);
        for flight in self.flight.iter_mut().chain(&mut self.late) {
            shift(&mut flight.deadline);
        }
        for side in &mut self.side {
            shift(&mut side.deadline);
        }
        if let Some(failed) = &mut self.host_failed {
            shift(&mut failed.retry_at);
        }
        for login in &mut self.pending {
            shift(&mut login.since);
            shift(&mut login.expires_at);
        }
        if let Phase::SigningIn(login) = &mut self.phase {
            shift(&mut login.since);
            shift(&mut login.expires_at);
            shift(&mut login.send_at);
        }
        if let Some(grant) = self.grant_mut() {
            grant.tokens.shift(before, now);
            grant.renew.last.as_mut().map(shift);
            grant.renew.retry_at.as_mut().map(shift);
            for child in &mut grant.children {
                match &mut child.state {
                    ChildState::Ready { received_at, expires_at, .. } => {
                        shift(received_at);
                        expires_at.as_mut().map(shift);
                    }
                    ChildState::Failed { retry_at, .. } => shift(retry_at),
                    ChildState::Asked { .. } => {}
                }
            }
        }
    }
}
