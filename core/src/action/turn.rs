//! One call of the machine: what it knows, and the effects it collects in the order that is promised.

use std::time::Duration;

use crate::config::Config;
use crate::effect::{Effect, TokenAsk};
use crate::error::Misuse;
use crate::event::{Deviation, Event};
use crate::http::{HttpRequest, RequestId};
use crate::protocol::answer::Context;
use crate::protocol::client_auth;
use crate::protocol::device::DevicePrompt;
use crate::protocol::request::{Carried, GRACE};
use crate::schedule;
use crate::secret::Secret;
use crate::snapshot;
use crate::state::{Flight, FlightKind, Side, SideKind, State};
use crate::time::Timestamp;

/// The result of an action: done, or the caller's mistake and nothing has changed.
pub(crate) type Done = Result<(), Misuse>;

pub(crate) struct Turn<'a> {
    pub(crate) config: &'a Config,
    pub(crate) now: Timestamp,
    persist: bool,
    /// In the order in which they come about; `finish` sorts them.
    effects: Vec<Effect>,
}

impl<'a> Turn<'a> {
    pub(crate) fn new(config: &'a Config, now: Timestamp) -> Self {
        Self { config, now, persist: false, effects: Vec::new() }
    }

    fn add(&mut self, effect: Effect) {
        if self.effects.capacity() == 0 {
            // At once for all that a turn nearly always brings about.
            self.effects = Vec::with_capacity(4);
        }
        self.effects.push(effect);
    }

    /// What is stored has changed.
    pub(crate) fn persist(&mut self) {
        self.persist = true;
    }

    pub(crate) fn notify(&mut self, event: Event) {
        self.add(Effect::Notify { event });
    }

    pub(crate) fn lenient(&mut self, deviations: Vec<Deviation>) {
        if !deviations.is_empty() {
            self.notify(Event::LeniencyUsed { deviations });
        }
    }

    pub(crate) fn open_browser(&mut self, url: Secret) {
        self.add(Effect::OpenBrowser { url });
    }

    /// Whether a person is to be led to a login.
    pub(crate) fn shows_login(&self) -> bool {
        self.effects.iter().any(|effect| matches!(effect, Effect::OpenBrowser { .. } | Effect::ShowDeviceCode { .. }))
    }

    pub(crate) fn show_device_code(&mut self, prompt: DevicePrompt) {
        self.add(Effect::ShowDeviceCode { prompt });
    }

    /// Sends a grant request: from now on it is the one that is outstanding.
    pub(crate) fn depart(&mut self, state: &mut State, request: HttpRequest, kind: FlightKind) {
        self.take_off(state, request.id, kind, GRACE, Some(&request));
        self.add(Effect::Send { request });
    }

    /// Asks the host for tokens in place of a request. People may be involved, so it may take its time.
    pub(crate) fn ask_for_token(&mut self, state: &mut State, ask: TokenAsk, kind: FlightKind) {
        let id = state.new_id();
        self.take_off(state, id, kind, HOST_GRACE, None);
        self.add(Effect::AskForToken { id, ask });
    }

    /// Asks the host for a JWT.
    pub(crate) fn ask_for_jwt(&mut self, state: &mut State, kind: FlightKind) {
        let id = state.new_id();
        self.take_off(state, id, kind, HOST_GRACE, None);
        self.add(Effect::AskForJwt { id });
    }

    fn take_off(
        &mut self,
        state: &mut State,
        id: RequestId,
        kind: FlightKind,
        grace: Duration,
        request: Option<&HttpRequest>,
    ) {
        state.flight = Some(Box::new(Flight {
            id,
            kind,
            deadline: schedule::deadline(self.config, self.now, grace),
            attempt: state.attempt,
            epoch: state.epoch,
            version: state.version,
            unwanted: false,
            asks_host: request.is_none(),
            carried: request.map(Carried::by).unwrap_or_default(),
            spent: None,
            under: None,
        }));
    }

    /// Sends a request beside the grant.
    pub(crate) fn send_beside(&mut self, state: &mut State, request: HttpRequest, kind: SideKind) {
        /// So many are remembered; a server that never answers must not fill the memory.
        const MOST: usize = 32;
        if state.side.len() >= MOST {
            state.side.remove(0);
        }
        let deadline = schedule::deadline(self.config, self.now, GRACE);
        state.side.push(Side { id: request.id, kind, deadline, carried: Carried::by(&request) });
        self.add(Effect::Send { request });
    }

    /// For reading the answer to a request.
    pub(crate) fn context<'b>(&'b self, carried: &'b Carried) -> Context<'b> {
        let (strict, bounds) = (self.config.is_strict(), &self.config.parts().retry_after);
        let encodes_secret = client_auth::is_encoded(self.config);
        Context { now: self.now, strict, bounds, carried, scope: None, encodes_secret }
    }

    /// Persist first, then what was collected, then the events.
    pub(crate) fn finish(self, state: &mut State) -> Vec<Effect> {
        let mut effects = self.effects;
        if self.persist {
            let replaces = state.revision;
            state.count_revision();
            let snapshot = snapshot::write(self.config, state);
            effects.insert(0, Effect::Persist { snapshot, revision: state.revision, replaces });
        }
        let place = |effect: &Effect| match effect {
            Effect::Persist { .. } => 0,
            Effect::Notify { .. } => 2,
            Effect::Send { .. }
            | Effect::OpenBrowser { .. }
            | Effect::ShowDeviceCode { .. }
            | Effect::AskForJwt { .. }
            | Effect::AskForToken { .. } => 1,
        };
        // Nearly always they have come in this order.
        if !effects.is_sorted_by_key(place) {
            effects.sort_by_key(place);
        }
        effects
    }
}

const HOST_GRACE: Duration = Duration::from_secs(300);
