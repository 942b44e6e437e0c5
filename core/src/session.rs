//! The session: the machine with its state, one method per input.

mod inputs;
mod stored;

use std::fmt;

use crate::access::{Access, Phase, ReturnTo, Status, Verdict};
use crate::action::guarded::Guarded;
use crate::action::reload::return_to;
use crate::config::Config;
use crate::effect::{Effect, Output};
use crate::error::Misuse;
use crate::event::Event;
use crate::http::RequestId;
use crate::input::Input;
use crate::protocol::logout::logout_url;
use crate::protocol::scope::Scope;
use crate::protocol::{api, org};
use crate::schedule;
use crate::secret::{AccessToken, Entropy, Secret};
use crate::snapshot::{self, RestoreError};
use crate::state::{self, ChildState, FlightKind, SideKind, State};
use crate::step::{act, step};
use crate::time::Timestamp;
use crate::tokens::TokenSet;
use crate::transcript::Recorder;

/// One user's authorization, from the first login URL to the last sign-out.
///
/// `Send`, and not `Clone`: two copies would be two refreshes. Every method that takes `now` wants the wall clock's
/// reading. A method that returns `Err` has changed nothing; what a server or a browser sends never makes one do so, it
/// becomes an [`Event`](crate::Event).
pub struct Session {
    pub(crate) config: Config,
    pub(crate) state: State,
    recorder: Option<Box<Recorder>>,
}

impl Session {
    /// A signed-out session. `seed` spreads its refreshes among those of other clients.
    pub fn new(config: Config, seed: Entropy) -> Self {
        Self { config, state: State::new(seed.into_seed()), recorder: None }
    }

    /// A session as it was stored, a pending login included. Requests that were under way are not: their outcome is
    /// unknown, and what is due begins anew.
    ///
    /// # Errors
    ///
    /// [`RestoreError::Sealed`] where it is encrypted, [`RestoreError::NewerVersion`] where a newer version of this library
    /// wrote it, [`RestoreError::OtherConfig`] where it is another client's or another server's, [`RestoreError::Unreadable`]
    /// where it is damaged or something else. Leave it where it is: somebody may read it.
    pub fn restore(config: Config, snapshot: &str) -> Result<Self, RestoreError> {
        let state = snapshot::read(&config, snapshot)?;
        Ok(Self { config, state, recorder: None })
    }

    /// Takes in one input.
    ///
    /// # Errors
    ///
    /// [`Misuse`] where the call itself was a mistake: the method of that input says when. The session is unchanged then; a
    /// transcript has the call.
    pub fn handle(&mut self, now: Timestamp, input: Input) -> Result<Output, Misuse> {
        if let Some(recorder) = &mut self.recorder {
            recorder.input(now, &input);
        }
        let result = step(&self.config, &mut self.state, now, &input)
            .map(|effects| Output { effects, wake_at: schedule::wake_at(&self.config, &self.state) });
        if let Some(recorder) = &mut self.recorder {
            recorder.output(result.as_ref());
        }
        result
    }

    /// The same for what only the coordinator may ask for.
    pub(crate) fn act(&mut self, now: Timestamp, action: &Guarded) -> Output {
        if let Some(recorder) = &mut self.recorder {
            recorder.action(now, action);
        }
        let effects = act(&self.config, &mut self.state, now, action);
        let output = Output { effects, wake_at: schedule::wake_at(&self.config, &self.state) };
        if let Some(recorder) = &mut self.recorder {
            recorder.output(Ok(&output));
        }
        output
    }

    // -------------------------------------------------------------------- queries: asking changes nothing

    /// May I have a token now? The decision, with the figures that led to it. Allocates nothing where a token is ready.
    pub fn access(&self, now: Timestamp) -> Access {
        schedule::access(&self.config, &self.state, now)
    }

    /// The same for a user token with less scope; `downscope` asks for one.
    pub fn access_for(&self, now: Timestamp, scope: &Scope) -> Access {
        schedule::access_for(&self.config, &self.state, now, scope)
    }

    /// Webex: the scope of a user token where none is named: what was granted, less the reserved one (`spark:kms`).
    pub fn user_scope(&self) -> Option<Scope> {
        let granted = self.state.grant()?.tokens.scope.as_ref()?;
        let reserved = self.config.provider().reserved_scope.as_deref().map(Scope::parse).unwrap_or_default();
        Some(granted.minus(&reserved))
    }

    /// Where the session is. A login that is under way counts before one that waits for its browser; and one that was left
    /// open while another sign-in came about does not count, though it can still be completed.
    pub fn phase(&self) -> Phase {
        let waits = self.state.awaited_browser().map(state::BrowserLogin::via);
        match (&self.state.phase, waits) {
            (state::Phase::SigningIn(login), _) => {
                Phase::SigningIn { via: login.via, return_to: return_to(&login.before) }
            }
            (state::Phase::SignedOut(_), Some(via)) => Phase::SigningIn { via, return_to: ReturnTo::SignedOut },
            (state::Phase::SignedIn(_), Some(via)) => Phase::SigningIn { via, return_to: ReturnTo::SignedIn },
            (state::Phase::SignedOut(reason), None) => Phase::SignedOut { reason: *reason },
            (state::Phase::SignedIn(_), None) => Phase::SignedIn,
        }
    }

    /// A summary for people.
    pub fn status(&self, now: Timestamp) -> Status {
        let (config, state) = (&self.config, &self.state);
        let grant = state.grant();
        let renewal = grant.map(|grant| schedule::renewal(config, grant, now));
        let can_refresh = matches!(renewal, Some(Ok(_)));
        let access = self.access(now);
        let ready = matches!(access, Access::Ready { .. });
        let token = grant.and_then(|grant| grant.tokens.access_token.as_ref()).map(AccessToken::expose);
        Status {
            phase: self.phase(),
            can_authorize: !matches!(access, Access::SignInRequired { .. }),
            can_refresh,
            can_downscope: ready && config.provider().downscope,
            is_refreshing: schedule::is_renewing(state),
            via: grant.map(|grant| grant.via),
            generation: grant.map_or(0, |grant| grant.generation),
            scope: grant.and_then(|grant| grant.tokens.scope.clone()),
            expires_at: grant.and_then(|grant| grant.tokens.expires_at),
            refresh_at: grant.filter(|_| can_refresh).and_then(|grant| schedule::soon_at(config, state.seed, grant)),
            sign_in_again_by: grant.and_then(|grant| grant.tokens.refresh_token_expires_at),
            org_id: token.and_then(|token| org::org_id_of_token(token).ok()),
            is_guest: token.is_some_and(org::is_guest),
            last_fault: grant.and_then(|grant| grant.renew.fault.clone()),
        }
    }

    /// When to call [`Session::tick`] if nothing else happens before. An absolute instant, possibly past.
    pub fn wake_at(&self) -> Option<Timestamp> {
        schedule::wake_at(&self.config, &self.state)
    }

    /// The same, of what comes after this instant.
    pub(crate) fn wake_after(&self, now: Timestamp) -> Option<Timestamp> {
        schedule::wake_after(&self.config, &self.state, Some(now))
    }

    /// The tokens themselves, also those that a login under way would return to. For hand-off and display; to call an
    /// API, use [`Session::access`].
    pub fn tokens(&self) -> Option<&TokenSet> {
        self.state.grant().map(|grant| &grant.tokens)
    }

    /// Whether the answer to this request is still of use. A driver that shares a store asks before it sends: another
    /// process may have renewed the tokens meanwhile. If not, it reports [`SendFault::NotSent`](crate::SendFault::NotSent).
    pub fn awaits(&self, id: RequestId) -> bool {
        let state = &self.state;
        let flight = state.flight.as_ref().filter(|flight| flight.id == id && !flight.unwanted);
        flight.is_some_and(|flight| match flight.kind {
            FlightKind::Renew { .. } => flight.version == state.version && flight.epoch == state.epoch,
            // A login goes on, whatever becomes of the session beside it.
            FlightKind::SignIn { .. } | FlightKind::DeviceStart | FlightKind::DevicePoll { .. } => {
                flight.attempt == state.attempt
            }
        }) || state.side.iter().any(|side| side.id == id && side.kind != SideKind::Unwanted)
    }

    /// Whether an effect is still to be done although the store turned out to hold another state, which has been
    /// reloaded since: see [`Effect::Persist`].
    pub fn still_wants(&self, effect: &Effect) -> bool {
        match effect {
            // The output of the reload has its own.
            Effect::Persist { .. } => false,
            Effect::Send { request } => self.awaits(request.id),
            Effect::AskForJwt { id } | Effect::AskForToken { id, .. } => self.awaits(*id),
            Effect::OpenBrowser { .. } | Effect::ShowDeviceCode { .. } => true,
            Effect::Notify { event: Event::SignedOut { .. } } => self.state.grant().is_none(),
            Effect::Notify {
                event: Event::SignedIn { generation, .. } | Event::TokensRefreshed { generation, .. },
            } => self.state.grant().is_some_and(|grant| grant.generation == *generation),
            Effect::Notify { .. } => true,
        }
    }

    /// Begins a transcript: from here on every input and what it leads to is written down, without secrets. Call it
    /// right after [`Session::new`] or [`Session::restore`].
    pub fn start_recording(&mut self) {
        self.recorder = Some(Box::new(Recorder::new(
            &self.config,
            &self.snapshot(),
            self.state.guarded.then_some(self.state.name),
        )));
    }

    /// The transcript so far, as JSON lines, where one was begun; see [`transcript`](crate::transcript).
    pub fn transcript(&self) -> Option<&str> {
        self.recorder.as_deref().map(Recorder::text)
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What an API's answer means for the token that it was called with.
    pub fn judge(&self, now: Timestamp, status: u16, retry_after: Option<&str>) -> Verdict {
        api::judge(&self.config, status, retry_after, now)
    }

    /// Where a browser goes to sign out at the identity provider, without signing out here.
    pub fn logout_url(&self, goto: Option<&str>) -> Option<Secret> {
        let tokens = self.tokens();
        let token = tokens.and_then(|tokens| {
            let refresh = tokens.refresh_token.as_ref().map(Secret::expose);
            refresh.or(tokens.access_token.as_ref().map(AccessToken::expose))
        });
        logout_url(&self.config, token, goto)
    }

    /// How many user tokens with less scope are at hand.
    pub fn user_tokens(&self) -> usize {
        let ready = |child: &&state::Child| matches!(child.state, ChildState::Ready { .. });
        self.state.grant().map_or(0, |grant| grant.children.iter().filter(ready).count())
    }
}

/// For the simulation alone, which tries all that may follow from one state.
#[cfg(test)]
impl Clone for Session {
    fn clone(&self) -> Self {
        Self { config: self.config.clone(), state: self.state.clone(), recorder: None }
    }
}

/// Nothing of the tokens, nothing of the configuration's secret.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (phase, revision) = (self.phase(), self.revision());
        f.debug_struct("Session").field("phase", &phase).field("revision", &revision).finish_non_exhaustive()
    }
}
