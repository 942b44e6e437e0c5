//! Carrying requests and questions, each on a thread of its own, so that no caller waits for what is not his.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use webex_oauth::{HttpRequest, Input, SendFault};
use webex_oauth_driver::{ClientEvent, StoreError, StoreLock, prove};

use crate::host::Host;
use crate::shared::{Inner, Shared};

/// How long another process may hold the store's lock: a little less than a request's grace.
pub(crate) const LOCK_PATIENCE: Duration = Duration::from_secs(12);

impl Shared {
    /// Sends a request and gives its answer to the session.
    pub(crate) fn dispatch(self: &Arc<Self>, inner: &mut Inner, request: HttpRequest) {
        if request.purpose.is_grant() {
            self.spawn(inner, true, move |shared| shared.deliver_grant(&request));
        } else {
            // Answers of servers are never the caller's mistake.
            self.spawn(inner, false, move |shared| drop(shared.drive(shared.carry(&request))));
        }
    }

    /// Asks the host and gives its answer to the session.
    pub(crate) fn ask(self: &Arc<Self>, inner: &mut Inner, ask: impl FnOnce(&Host) -> Input + Send + 'static) {
        // A JWT for which the configuration has no endpoint is refused: the session gives the question up in time.
        self.spawn(inner, false, move |shared| drop(shared.drive(ask(&shared.host))));
    }

    /// Where the system gives no thread, the session takes the request for lost at its deadline, and goes on.
    fn spawn(self: &Arc<Self>, inner: &mut Inner, is_grant: bool, work: impl FnOnce(&Arc<Self>) + Send + 'static) {
        let shared = Arc::clone(self);
        let thread = std::thread::Builder::new().name("webex-oauth-request".to_owned());
        let begun = thread.spawn(move || {
            let underway = Underway { shared: &shared, is_grant };
            work(underway.shared);
        });
        if begun.is_ok() {
            *inner.count(is_grant) += 1;
        }
    }

    fn carry(&self, request: &HttpRequest) -> Input {
        let id = request.id;
        match self.transport.send(request) {
            Ok(response) => Input::Response { id, response },
            Err(fault) => Input::SendFailed { id, fault },
        }
    }

    /// Under the store's lock: another process may have renewed the tokens meanwhile, and only one may use a refresh
    /// token. The lock is held until the answer is stored.
    fn deliver_grant(self: &Arc<Self>, request: &HttpRequest) {
        let id = request.id;
        let not_sent = Input::SendFailed { id, fault: SendFault::NotSent };
        let lock = match self.reserve() {
            Ok(lock) => lock,
            Err(()) => return drop(self.drive(not_sent)),
        };
        if self.lock().closed {
            // Nobody waits for it any longer, and not for its answer either.
            return drop(self.drive(not_sent));
        }
        if self.store.is_some() {
            self.look_at_store();
            if !self.lock().desk.session().awaits(id) {
                return drop(self.drive(not_sent));
            }
        }
        if let Err(error) = self.prove_store(request) {
            self.lock().lock_error = Some(error.clone());
            self.events.tell(&ClientEvent::StoreFailed(error));
            return drop(self.drive(not_sent));
        }
        let input = self.carry(request);
        if lock.is_none() {
            // Unguarded: a refusal may mean that another process was faster.
            self.look_at_store();
        }
        let _ = self.drive(input);
        drop(lock);
    }

    fn prove_store(&self, request: &HttpRequest) -> Result<(), StoreError> {
        let Some(store) = &self.store else { return Ok(()) };
        if !self.lock().desk.asks_for_proof(self.now(), request) {
            return Ok(());
        }
        catch_unwind(AssertUnwindSafe(|| prove(&**store)))
            .unwrap_or_else(|_| Err(StoreError::Other { problem: "the store panicked".to_owned() }))
    }

    /// The store's lock; `None` where there is none to be had, `Err` where another process does not let go of it.
    fn reserve(&self) -> Result<Option<StoreLock>, ()> {
        let Some(store) = &self.store else {
            return Ok(Some(StoreLock::none()));
        };
        let (lock, error) = match store.lock(LOCK_PATIENCE) {
            Ok(lock) => (Some(lock), None),
            Err(error) => (None, Some(error)),
        };
        let busy = error.clone().filter(|error| matches!(error, StoreError::Busy { .. }));
        let is_busy = busy.is_some();
        self.lock().lock_error = busy;
        if let Some(error) = error {
            self.events.tell(&ClientEvent::StoreFailed(error));
        }
        if is_busy { Err(()) } else { Ok(lock) }
    }
}

/// A request on its way, until it is dropped.
struct Underway<'a> {
    shared: &'a Arc<Shared>,
    is_grant: bool,
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        *self.shared.lock().count(self.is_grant) -= 1;
        self.shared.wake_all();
    }
}
