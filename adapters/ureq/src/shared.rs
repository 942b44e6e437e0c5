//! The heart of a client: one session, used by many threads. The mutex is held for moments, never across HTTP or a save.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use webex_oauth::protocol::device::DevicePrompt;
use webex_oauth::{Effect, Event, Fault, Input, Misuse, Phase, Secret, Timestamp};
use webex_oauth_driver::{ClientError, ClientEvent, Desk, Logins, Saved, Store, StoreError, now};

use crate::events::Events;
use crate::host::Host;
use crate::transport::Transport;

pub(crate) struct Shared {
    pub(crate) store: Option<Box<dyn Store>>,
    pub(crate) transport: Transport,
    pub(crate) host: Host,
    pub(crate) events: Events,
    pub(crate) settings: Settings,
    inner: Mutex<Inner>,
    changed: Condvar,
}

/// What a client may be told beyond its configuration.
pub(crate) struct Settings {
    pub(crate) clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// How long a call waits for a token, or for the end of a login's request.
    pub(crate) patience: Duration,
    /// How long a call waits in all because an API asks it to.
    pub(crate) max_wait: Duration,
    pub(crate) max_body: usize,
}

pub(crate) struct Inner {
    pub(crate) desk: Desk,
    pub(crate) logins: Logins,
    /// What a device login shows, until it is over.
    pub(crate) prompt: Option<DevicePrompt>,
    /// Somebody is doing the effects of an input.
    busy: bool,
    /// Somebody got a token that should be renewed soon.
    pub(crate) refresh_soon: bool,
    pub(crate) closed: bool,
    /// Requests under way: those that may change the grant, and others.
    grants: usize,
    others: usize,
    /// How renewals went, for those who wait for one.
    pub(crate) renewed: u64,
    pub(crate) not_renewed: u64,
    /// Why the last save failed, until one succeeds.
    pub(crate) store_error: Option<StoreError>,
    /// Why the last request of the grant was not made: another process holds the store's lock.
    pub(crate) lock_error: Option<StoreError>,
}

impl Inner {
    pub(crate) fn count(&mut self, is_grant: bool) -> &mut usize {
        if is_grant { &mut self.grants } else { &mut self.others }
    }

    /// Whether the effects of an input are still being done.
    pub(crate) fn is_busy(&self) -> bool {
        self.busy
    }

    /// Who ends the process when `close` has returned must not lose the answer to what was begun later.
    pub(crate) fn unless_closed(&self, input: Input) -> Option<Input> {
        (!self.closed).then_some(input)
    }

    /// No token can be had now: where it was not even asked for, the fault says less than the store does.
    pub(crate) fn unavailable(&self, fault: Arc<Fault>, retry_at: Timestamp) -> ClientError {
        self.lock_error.clone().map_or(ClientError::Unavailable { fault, retry_at }, ClientError::Store)
    }

    pub(crate) fn is_signing_in(&self) -> bool {
        matches!(self.desk.session().phase(), Phase::SigningIn { .. })
    }

    fn note(&mut self, event: &Event) {
        let signing_in = self.is_signing_in();
        self.logins.note(event, signing_in);
        match event {
            Event::TokensRefreshed { .. } => self.renewed += 1,
            Event::RefreshFailed { .. } => self.not_renewed += 1,
            _ => {}
        }
    }
}

/// What one input brought for the one who gave it.
#[derive(Default)]
pub(crate) struct Turn {
    pub(crate) url: Option<Secret>,
    pub(crate) events: Vec<Event>,
}

impl Shared {
    pub(crate) fn new(
        desk: Desk,
        store: Option<Box<dyn Store>>,
        transport: Transport,
        host: Host,
        settings: Settings,
    ) -> Self {
        let inner = Inner {
            desk,
            logins: Logins::default(),
            prompt: None,
            busy: false,
            refresh_soon: false,
            closed: false,
            grants: 0,
            others: 0,
            renewed: 0,
            not_renewed: 0,
            store_error: None,
            lock_error: None,
        };
        let events = Events::default();
        Self { store, transport, host, events, settings, inner: Mutex::new(inner), changed: Condvar::new() }
    }

    /// A clock that panics must not leave an input half done: the machine has one, too.
    pub(crate) fn now(&self) -> Timestamp {
        catch_unwind(AssertUnwindSafe(|| (self.settings.clock)())).unwrap_or_else(|_| now())
    }

    /// A panic elsewhere leaves the session whole: its methods change nothing halfway.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps until something changes, `limit` at most.
    pub(crate) fn wait<'a>(&self, inner: MutexGuard<'a, Inner>, limit: Duration) -> MutexGuard<'a, Inner> {
        self.changed.wait_timeout(inner, limit).unwrap_or_else(PoisonError::into_inner).0
    }

    pub(crate) fn wake_all(&self) {
        self.changed.notify_all();
    }

    /// Gives the session an input and does what follows, in order. Inputs are taken one at a time.
    pub(crate) fn drive(self: &Arc<Self>, input: Input) -> Result<Turn, Misuse> {
        self.drive_with(|_| Ok(Some(input))).map(Option::unwrap_or_default)
    }

    /// The same for an input that may begin something, which a closed client does not.
    pub(crate) fn begin(self: &Arc<Self>, input: Input) -> Result<Turn, ClientError> {
        self.drive_with(|inner| Ok(inner.unless_closed(input)))?.ok_or(ClientError::Closed)
    }

    /// The same, with an input that is chosen when its turn has come; `None` does nothing.
    pub(crate) fn drive_with(
        self: &Arc<Self>,
        choose: impl FnOnce(&mut Inner) -> Result<Option<Input>, Misuse>,
    ) -> Result<Option<Turn>, Misuse> {
        self.drive_then(choose, |_| {})
    }

    /// The same; `accepted` is called once the session has taken the input, and before anything follows from it.
    pub(crate) fn drive_then(
        self: &Arc<Self>,
        choose: impl FnOnce(&mut Inner) -> Result<Option<Input>, Misuse>,
        accepted: impl FnOnce(&mut Inner),
    ) -> Result<Option<Turn>, Misuse> {
        let mut inner = self.lock();
        while inner.busy {
            inner = self.wait(inner, Duration::from_secs(1));
        }
        let Some(input) = choose(&mut inner)? else {
            return Ok(None);
        };
        inner.desk.input(self.now(), input)?;
        accepted(&mut inner);
        inner.busy = true;
        Ok(Some(self.work(inner)))
    }

    fn work<'a>(self: &'a Arc<Self>, mut inner: MutexGuard<'a, Inner>) -> Turn {
        let mut turn = Turn::default();
        while let Some(effect) = inner.desk.next(self.now()) {
            match effect {
                Effect::Persist { snapshot, replaces, .. } => inner = self.save(inner, &snapshot, replaces),
                Effect::Send { request } => self.dispatch(&mut inner, request),
                Effect::OpenBrowser { url } => turn.url = Some(url),
                Effect::ShowDeviceCode { prompt } => inner.prompt = Some(prompt),
                Effect::AskForJwt { id } => self.ask(&mut inner, move |host| host.ask_for_jwt(id)),
                Effect::AskForToken { id, ask } => self.ask(&mut inner, move |host| host.ask_for_token(id, &ask)),
                Effect::Notify { event } => {
                    inner.note(&event);
                    self.events.tell(&ClientEvent::Session(event.clone()));
                    turn.events.push(event);
                }
            }
        }
        inner.busy = false;
        drop(inner);
        self.wake_all();
        turn
    }

    fn save<'a>(&'a self, inner: MutexGuard<'a, Inner>, snapshot: &Secret, replaces: u64) -> MutexGuard<'a, Inner> {
        drop(inner);
        let result = match &self.store {
            None => Ok(Saved::Stored),
            Some(store) => catch_unwind(AssertUnwindSafe(|| store.save(snapshot, replaces)))
                .unwrap_or_else(|_| Err(StoreError::Other { problem: "the store panicked".to_owned() })),
        };
        let mut inner = self.lock();
        match inner.desk.saved(self.now(), result) {
            None => {}
            Some(Ok(())) => {
                inner.store_error = None;
                self.events.tell(&ClientEvent::StoreRecovered);
            }
            Some(Err(error)) => {
                inner.store_error = Some(error.clone());
                self.events.tell(&ClientEvent::StoreFailed(error));
            }
        }
        self.wake_all();
        inner
    }

    /// Takes in what another process stored, if it is news.
    pub(crate) fn look_at_store(self: &Arc<Self>) {
        let Some(store) = &self.store else {
            return;
        };
        let found = match store.load() {
            Ok(Some(found)) => found,
            Ok(None) => return,
            Err(error) => return self.events.tell(&ClientEvent::StoreFailed(error)),
        };
        // Not a mistake of anybody's: what cannot be read is ignored by the session, with an event.
        let _ = self.drive_with(|inner| {
            let news = inner.desk.is_news(&found).unwrap_or(true);
            Ok(news.then_some(Input::Reload { snapshot: found }))
        });
    }

    /// Waits until `done` has an answer, `limit` at most.
    pub(crate) fn wait_until<T>(
        &self,
        what: &'static str,
        limit: Duration,
        mut done: impl FnMut(&mut Inner) -> Option<T>,
    ) -> Result<T, ClientError> {
        let begun = Instant::now();
        let mut inner = self.lock();
        loop {
            if let Some(answer) = done(&mut inner) {
                return Ok(answer);
            }
            if inner.closed {
                return Err(ClientError::Closed);
            }
            let left = limit.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err(ClientError::Timeout { what, limit });
            }
            inner = self.wait(inner, left);
        }
    }

    /// An error where the client is closed.
    pub(crate) fn check_open(&self) -> Result<(), ClientError> {
        if self.lock().closed { Err(ClientError::Closed) } else { Ok(()) }
    }
}
