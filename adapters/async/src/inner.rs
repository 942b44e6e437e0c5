//! What a client and its errands share: the desk behind one short lock, and the bells that ring when anything changed.
//!
//! The lock is held while the state machine thinks, never across an await, a request or a store.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;

use crate::bell::Bell;
use webex_oauth::protocol::device::DevicePrompt;
use webex_oauth::{
    CallbackIgnored, Effect, Event, Fault, HttpRequest, Input, LoginId, Phase, RequestId, Secret, Timestamp,
};
use webex_oauth_driver::old::{Desk, LoginTicket, Logins, SignIn};
use webex_oauth_driver::{ClientError, ClientEvent, Saved, Store, StoreError};

use crate::host::Host;
use crate::login::SignedIn;
use crate::transport::AsyncHttp;

/// Something to be done outside of the lock.
#[derive(Debug)]
pub(crate) enum Errand {
    Save {
        snapshot: Secret,
        replaces: u64,
    },
    Send(HttpRequest),
    AskForJwt(RequestId),
    AskForToken(RequestId, webex_oauth::TokenAsk),
    /// Look whether another process stored something.
    Look,
}

impl Errand {
    /// What is lost, or locks others out, as long as it is not carried out.
    pub(crate) fn is_waited_for(&self) -> bool {
        matches!(self, Self::Save { .. } | Self::Send(_))
    }
}

/// What an input led to and only its caller wants to know: the URL to open.
pub(crate) struct Delivery(pub(crate) Secret);

/// So many deliveries are kept for callers who have not come for them yet.
const KEPT: usize = 64;

pub(crate) struct Inner {
    pub(crate) http: Arc<dyn AsyncHttp>,
    pub(crate) store: Option<Arc<dyn Store>>,
    pub(crate) host: Host,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    table: Mutex<Table>,
    /// Rings for those who do errands: when one can go on, and with the other bell.
    pub(crate) bell: Bell,
    /// Rings when the table changed. Code within an errand listens to this one alone: what wakes an errand rings the
    /// other, so that it would wake itself for ever.
    pub(crate) news: Bell,
}

/// Everything behind the lock.
pub(crate) struct Table {
    pub(crate) desk: Desk,
    pub(crate) logins: Logins,
    /// How many calls of `run` are at work.
    pub(crate) runners: usize,
    /// A caller got a token that should be renewed soon, and nobody was there to do it.
    pub(crate) refresh_soon: bool,
    /// Nothing new is begun.
    pub(crate) closing: bool,
    /// Requests and saves that are not finished.
    pub(crate) busy: usize,
    /// How often tokens came by a refresh, and the last failure with its number.
    pub(crate) refreshed: u64,
    pub(crate) refresh_failed: (u64, Option<(Arc<Fault>, Timestamp)>),
    pub(crate) prompt: Option<(LoginTicket, DevicePrompt)>,
    pub(crate) landed: Option<(LoginTicket, SignedIn)>,
    /// Why the last save that failed did.
    store_error: Option<StoreError>,
    /// How many looks into the store were asked for, and how many are done.
    looks: u64,
    pub(crate) looks_done: u64,
    /// Something is other than when those who wait last looked.
    pub(crate) changed: bool,
    has_store: bool,
    /// Counts inputs. The next one is given when everything that the last one led to is done and stored.
    turn: u64,
    inbox: VecDeque<Input>,
    errands: Vec<Errand>,
    delivered: VecDeque<(u64, Delivery)>,
    events: async_broadcast::Sender<ClientEvent>,
}

impl Inner {
    pub(crate) fn new(
        desk: Desk,
        http: Arc<dyn AsyncHttp>,
        store: Option<Arc<dyn Store>>,
        host: Host,
        clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
        events: async_broadcast::Sender<ClientEvent>,
    ) -> Self {
        let table = Table {
            desk,
            logins: Logins::default(),
            runners: 0,
            refresh_soon: false,
            closing: false,
            busy: 0,
            refreshed: 0,
            refresh_failed: (0, None),
            prompt: None,
            landed: None,
            store_error: None,
            looks: 0,
            looks_done: 0,
            changed: false,
            has_store: store.is_some(),
            turn: 0,
            inbox: VecDeque::new(),
            errands: Vec::new(),
            delivered: VecDeque::new(),
            events,
        };
        Self { http, store, host, clock, table: Mutex::new(table), bell: Bell::default(), news: Bell::default() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A look at the table.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Table, Timestamp) -> T) -> T {
        let now = self.now();
        look(&self.lock(), now)
    }

    /// A look that may change something: then whoever waits looks again.
    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut Table, Timestamp) -> T) -> T {
        let now = self.now();
        let (result, changed) = {
            let mut table = self.lock();
            (change(&mut table, now), std::mem::take(&mut table.changed))
        };
        if changed {
            self.news.ring();
            self.bell.ring();
        }
        result
    }

    /// Tells the session what an errand brought. Answers the turn that it will be.
    pub(crate) fn report(&self, input: Input) -> u64 {
        self.with(|table, now| table.post(now, input))
    }

    /// Waits within an errand until everything that the input of this turn led to is done and stored.
    pub(crate) async fn settled(&self, turn: u64) {
        loop {
            let listener = self.news.listen();
            if self.read(|table, _| table.is_done(turn)) {
                return;
            }
            listener.await;
        }
    }

    /// Runs what blocks for moments where the host wants it. `None` where it was not carried out, or panicked.
    pub(crate) async fn unblock<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let slot = Arc::new(Mutex::new(None));
        let filled = Arc::clone(&slot);
        let work = move || {
            let result = catch_unwind(AssertUnwindSafe(work));
            *filled.lock().unwrap_or_else(PoisonError::into_inner) = result.ok();
        };
        self.http.unblock(Box::new(work)).await;
        slot.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The waker of all errands: whoever waits gets up, and one of them works.
impl Wake for Inner {
    fn wake(self: Arc<Self>) {
        self.bell.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.bell.ring();
    }
}

impl Table {
    /// Gives a caller's input. Only while the desk is free; answers the number of the turn.
    pub(crate) fn give(&mut self, now: Timestamp, input: Input) -> Result<u64, ClientError> {
        self.turn += 1;
        self.desk.input(now, input)?;
        self.pump(now);
        Ok(self.turn)
    }

    /// The same, for an input that begins a login.
    pub(crate) fn sign_in(
        &mut self,
        now: Timestamp,
        input: Input,
        by: SignIn,
    ) -> Result<(u64, LoginTicket), ClientError> {
        self.turn += 1;
        self.desk.input(now, input)?;
        let ticket = self.logins.begin(by);
        self.pump(now);
        Ok((self.turn, ticket))
    }

    /// The same, for a callback. The ticket is that of the login that it belongs to.
    pub(crate) fn came_back(
        &mut self,
        now: Timestamp,
        input: Input,
        id: Option<LoginId>,
    ) -> Result<(u64, Result<LoginTicket, CallbackIgnored>), ClientError> {
        self.turn += 1;
        self.desk.input(now, input)?;
        let taken = self.desk.ignored().map_or_else(|| Ok(self.logins.came_back(id)), Err);
        self.pump(now);
        Ok((self.turn, taken))
    }

    /// Gives what is left in `input` once the desk is free; `None` until then.
    pub(crate) fn when_free<T>(
        &mut self,
        now: Timestamp,
        input: &mut Option<Input>,
        give: impl FnOnce(&mut Self, Timestamp, Input) -> T,
    ) -> Option<T> {
        if !self.desk.is_free() {
            return None;
        }
        input.take().map(|input| give(self, now, input))
    }

    /// Gives an input as soon as the desk is free. Not for one that may be the caller's mistake.
    pub(crate) fn post(&mut self, now: Timestamp, input: Input) -> u64 {
        self.inbox.push_back(input);
        let turn = self.turn + u64::try_from(self.inbox.len()).unwrap_or(u64::MAX);
        self.pump(now);
        turn
    }

    /// How a save ended.
    pub(crate) fn saved(&mut self, now: Timestamp, result: Result<Saved, StoreError>) {
        match self.desk.saved(now, result) {
            Some(Ok(())) => self.tell(ClientEvent::StoreRecovered),
            Some(Err(error)) => {
                self.store_error = Some(error.clone());
                self.tell(ClientEvent::StoreFailed(error));
            }
            None => {}
        }
        self.pump(now);
    }

    /// Why what is in the session is not in the store.
    pub(crate) fn store_error(&self) -> Option<StoreError> {
        self.store_error.clone().filter(|_| self.desk.is_unsaved())
    }

    /// Everything that the input of this turn led to is done and stored.
    pub(crate) fn is_done(&self, turn: u64) -> bool {
        self.turn > turn || (self.turn == turn && self.desk.is_free())
    }

    pub(crate) fn take_errands(&mut self) -> Vec<Errand> {
        std::mem::take(&mut self.errands)
    }

    pub(crate) fn has_errands(&self) -> bool {
        !self.errands.is_empty()
    }

    /// What the input of this turn led to, for its caller.
    pub(crate) fn take_delivery(&mut self, turn: u64) -> Option<Delivery> {
        let at = self.delivered.iter().position(|(number, _)| *number == turn)?;
        self.delivered.remove(at).map(|(_, delivery)| delivery)
    }

    /// Has the store looked into. It is done when `looks_done` has reached the answer.
    pub(crate) fn look_into_store(&mut self) -> u64 {
        self.looks += 1;
        self.errands.push(Errand::Look);
        self.changed = true;
        self.looks
    }

    /// What could not be stored before is tried once more.
    pub(crate) fn save_again(&mut self, now: Timestamp) -> Option<u64> {
        // Any input does it, and this one does nothing else while nothing is due.
        self.desk.is_unsaved().then(|| self.post(now, Input::Tick))
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closing && self.busy == 0
    }

    pub(crate) fn is_signing_in(&self) -> bool {
        matches!(self.desk.session().phase(), Phase::SigningIn { .. })
    }

    pub(crate) fn tell(&self, event: ClientEvent) {
        // Nobody listens, or the channel is closed: nothing is lost that anybody wanted.
        let _ = self.events.try_broadcast(event);
    }

    /// Does what there is to do, then gives the next input that waits.
    fn pump(&mut self, now: Timestamp) {
        self.changed = true;
        loop {
            while let Some(effect) = self.desk.next(now) {
                self.act(now, effect);
            }
            if !self.desk.is_free() {
                return;
            }
            let Some(input) = self.inbox.pop_front() else {
                return;
            };
            self.turn += 1;
            let asked = match &input {
                Input::ProvideJwt { id, .. } => Some(*id),
                _ => None,
            };
            if let (Err(misuse), Some(id)) = (self.desk.input(now, input), asked) {
                // What the host brought cannot be used here: the question must not stay open.
                let _ = self.desk.input(now, Input::HostFailed { id, reason: misuse.to_string() });
            }
        }
    }

    fn act(&mut self, now: Timestamp, effect: Effect) {
        match effect {
            Effect::Persist { snapshot, replaces, .. } if self.has_store => {
                self.busy += 1;
                self.errands.push(Errand::Save { snapshot, replaces });
            }
            Effect::Persist { .. } => {
                let _ = self.desk.saved(now, Ok(Saved::Stored));
            }
            Effect::Send { request } => {
                self.busy += 1;
                self.errands.push(Errand::Send(request));
            }
            Effect::AskForJwt { id } => self.errands.push(Errand::AskForJwt(id)),
            Effect::AskForToken { id, ask } => self.errands.push(Errand::AskForToken(id, ask)),
            Effect::OpenBrowser { url } => self.deliver(Delivery(url)),
            Effect::ShowDeviceCode { prompt } => {
                self.prompt = self.logins.current().map(|ticket| (ticket, prompt));
            }
            Effect::Notify { event } => self.notify(event),
        }
    }

    fn notify(&mut self, event: Event) {
        let signing_in = self.is_signing_in();
        match &event {
            Event::TokensRefreshed { .. } => self.refreshed += 1,
            Event::RefreshFailed { fault, retry_at } => {
                self.refresh_failed = (self.refresh_failed.0 + 1, Some((Arc::clone(fault), *retry_at)));
            }
            Event::SignedIn { cleaned_url, state, .. } if cleaned_url.is_some() || state.is_some() => {
                let landed = SignedIn { cleaned_url: cleaned_url.clone(), state: state.clone() };
                self.landed = self.logins.current().map(|ticket| (ticket, landed));
            }
            _ => {}
        }
        self.logins.note(&event, signing_in);
        self.tell(ClientEvent::Session(event));
    }

    fn deliver(&mut self, delivery: Delivery) {
        if self.delivered.len() >= KEPT {
            self.delivered.pop_front();
        }
        self.delivered.push_back((self.turn, delivery));
    }
}
