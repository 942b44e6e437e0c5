//! Errands: saves, requests, questions to the host. Each one reports to the session when it is done.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use webex_oauth::{HttpRequest, Input, RequestId, Secret, SendFault};
use webex_oauth_driver::old::prove;
use webex_oauth_driver::{ClientEvent, Put, Saved, StoreError, StoreLock};

use crate::inner::{Errand, Inner};
use crate::transport::{from_wire, send_in_time, to_wire};

/// Whoever waits for the store's lock asks again after so long at most.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
/// How long another process may hold the lock: a little less than the session waits for a request beyond its timeout.
const LOCK_PATIENCE: Duration = Duration::from_secs(12);

/// Carries an errand out. What the host brought along may panic: its store, its callbacks, its HTTP stack. That is a
/// failure of the errand, and not the end of whoever happens to poll it.
pub(crate) async fn run(inner: Arc<Inner>, errand: Errand) {
    let _busy = errand.is_waited_for().then(|| Busy(&inner));
    let failure = Failure::of(&errand);
    if AssertUnwindSafe(carry_out(&inner, errand)).catch_unwind().await.is_err() {
        failure.report(&inner);
    }
}

async fn carry_out(inner: &Inner, errand: Errand) {
    match errand {
        Errand::Save { snapshot, replaces } => save(inner, snapshot, replaces).await,
        Errand::Send(request) => send(inner, request).await,
        Errand::AskForJwt(id) => {
            let answer = inner.host.jwt().await;
            report(inner, id, answer, |id, jwt| Input::ProvideJwt { id, jwt });
        }
        Errand::AskForToken(id, ask) => {
            let answer = inner.host.token(ask).await;
            report(inner, id, answer, |id, tokens| Input::ProvideToken { id, tokens });
        }
        Errand::Look => {
            look_into_store(inner).await;
            looked(inner);
        }
    }
}

/// What is reported where the errand came to no end of its own.
enum Failure {
    Save,
    Send(RequestId),
    Ask(RequestId),
    Look,
}

impl Failure {
    fn of(errand: &Errand) -> Self {
        match errand {
            Errand::Save { .. } => Self::Save,
            Errand::Send(request) => Self::Send(request.id),
            Errand::AskForJwt(id) | Errand::AskForToken(id, _) => Self::Ask(*id),
            Errand::Look => Self::Look,
        }
    }

    fn report(self, inner: &Inner) {
        let input = match self {
            Self::Save => return inner.with(|table, now| table.saved(now, Err(gave_up()))),
            Self::Look => return looked(inner),
            // Nobody knows how far it came.
            Self::Send(id) => Input::SendFailed { id, fault: SendFault::Lost },
            Self::Ask(id) => Input::HostFailed { id, reason: "the callback panicked".to_owned() },
        };
        inner.report(input);
    }
}

/// Counts down when an errand that `close` waits for has ended.
struct Busy<'a>(&'a Inner);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.with(|table, _| {
            table.busy = table.busy.saturating_sub(1);
            table.changed = true;
        });
    }
}

async fn save(inner: &Inner, snapshot: Secret, replaces: u64) {
    let result = match inner.store.clone() {
        Some(store) => {
            let revision = webex_oauth::snapshot_revision(snapshot.expose()).unwrap_or_default();
            let put = Put::new(snapshot, revision, replaces.into());
            inner.unblock(move || store.save(&put)).await
        }
        None => Some(Ok(Saved::Stored)),
    };
    let result = result.unwrap_or_else(|| Err(gave_up()));
    inner.with(|table, now| table.saved(now, result));
}

/// The store panicked, or the host ended before its turn came.
fn gave_up() -> StoreError {
    StoreError::Other { problem: "the store gave up".to_owned() }
}

async fn send(inner: &Inner, request: HttpRequest) {
    let id = request.id;
    let not_sent = Input::SendFailed { id, fault: SendFault::NotSent };
    let mut lock = None;
    if request.purpose.is_grant() {
        match take_lock(inner, id).await {
            Ok(taken) => lock = taken,
            Err(NotOurTurn) => {
                inner.report(not_sent);
                return;
            }
        }
        look_into_store(inner).await;
        if !awaits(inner, id) {
            inner.report(not_sent);
            return;
        }
        if let Err(error) = prove_store(inner, &request).await {
            inner.read(|table, _| table.tell(ClientEvent::StoreFailed(error)));
            inner.report(not_sent);
            return;
        }
    }
    let answer = match to_wire(&request) {
        Ok(wire) => send_in_time(&*inner.http, wire, request.hints).await,
        Err(error) => Err(error),
    };
    if request.purpose.is_grant() && lock.is_none() {
        // Unguarded: a refusal may mean that another process was faster.
        look_into_store(inner).await;
    }
    let turn = inner.report(match answer {
        Ok(response) => Input::Response { id, response: from_wire(response) },
        Err(error) => Input::SendFailed { id, fault: error.fault },
    });
    // The next one to hold the lock has to find what this answer led to.
    inner.settled(turn).await;
    drop(lock);
}

async fn prove_store(inner: &Inner, request: &HttpRequest) -> Result<(), StoreError> {
    match inner.store.clone() {
        Some(store) if inner.read(|table, now| table.desk.asks_for_proof(now, request)) => {
            inner.unblock(move || prove(&*store)).await.unwrap_or_else(|| Err(gave_up()))
        }
        Some(_) | None => Ok(()),
    }
}

fn awaits(inner: &Inner, id: RequestId) -> bool {
    inner.read(|table, _| table.desk.session().awaits(id))
}

/// Another process does not let go of the lock, or the request is not awaited any longer.
struct NotOurTurn;

/// The lock that is held around grant requests. `None` where nobody shares the store, and where its lock does not work:
/// better a request without it than none.
async fn take_lock(inner: &Inner, id: RequestId) -> Result<Option<StoreLock>, NotOurTurn> {
    let Some(store) = inner.store.clone() else {
        return Ok(None);
    };
    let (mut pause, mut waited) = (Duration::from_millis(1), Duration::ZERO);
    while awaits(inner, id) {
        let asked = Arc::clone(&store);
        let error = match inner.unblock(move || asked.try_lock()).await {
            Some(Ok(Some(lock))) => return Ok(Some(lock)),
            Some(Ok(None)) if waited < LOCK_PATIENCE => {
                inner.http.sleep(pause).await;
                waited += pause;
                pause = (pause * 2).min(LONGEST_PAUSE);
                continue;
            }
            Some(Ok(None)) => StoreError::Busy { what: format!("{store:?}") },
            Some(Err(error)) => error,
            None => gave_up(),
        };
        let busy = matches!(error, StoreError::Busy { .. });
        inner.read(|table, _| table.tell(ClientEvent::StoreFailed(error)));
        return if busy { Err(NotOurTurn) } else { Ok(None) };
    }
    Err(NotOurTurn)
}

/// Another process may have renewed the tokens, or signed in or out.
async fn look_into_store(inner: &Inner) {
    let Some(store) = inner.store.clone() else {
        return;
    };
    match inner.unblock(move || store.load()).await {
        Some(Ok(Some(found))) => {
            // What cannot be read is no news; the session says so when a save meets it.
            if inner.read(|table, _| table.desk.is_news(&found)).unwrap_or(false) {
                let turn = inner.report(Input::Reload { snapshot: found });
                inner.settled(turn).await;
            }
        }
        Some(Err(error)) => inner.read(|table, _| table.tell(ClientEvent::StoreFailed(error))),
        Some(Ok(None)) | None => {}
    }
}

fn looked(inner: &Inner) {
    inner.with(|table, _| {
        table.looks_done += 1;
        table.changed = true;
    });
}

fn report(inner: &Inner, id: RequestId, answer: Result<Secret, String>, provide: fn(RequestId, Secret) -> Input) {
    inner.report(match answer {
        Ok(secret) => provide(id, secret),
        Err(reason) => Input::HostFailed { id, reason: reason.chars().take(200).collect() },
    });
}
