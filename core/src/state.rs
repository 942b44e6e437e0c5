//! What a session remembers. Plain data: the table in `step.rs` decides, the actions change it.

mod clock;
mod grant;
mod login;
mod requests;

use std::sync::Arc;

use serde_json::{Map, Value};

pub(crate) use self::grant::{Child, ChildState, Grant, Renew};
pub(crate) use self::login::{Before, BrowserLogin, DeviceLogin, SigningIn, Stage};
pub(crate) use self::requests::{Flight, FlightKind, RenewBy, Revocation, Side, SideKind};
use crate::access::SignedOutReason;
use crate::error::Fault;
use crate::http::RequestId;
use crate::intent::Intent;
use crate::logins::{End, EndedLogins, LoginId, LoginMark};
use crate::secret::Secret;
use crate::time::Timestamp;

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
    pub(crate) flight: Option<Box<Flight>>,
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
}
