//! One session in a coordinator, until that has nothing more to do. It decides; this only executes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use webex_oauth::coordinator::{
    Call, ClientEvent, Coordinator, Done, JobId, Now, Op, Output, StoreFault, Tick, Ticket,
};
use webex_oauth::protocol::retry_after::{RetryAfterBounds, retry_after};
use webex_oauth::{Event, HttpRequest, Phase, SendFault};
use webex_oauth_driver::{AsyncStoreJobs, ClientError, StoreError, now, store_error, tick};

use super::Shared;
use crate::{Key, UserStore};

/// How a session left the worker.
#[derive(Debug)]
pub(super) enum Ended {
    Renewed,
    SignedOut,
    Left,
    NotBegun,
    NotOurs,
    StoreFailed(StoreError),
}

const CLOSING: Ticket = Ticket(1);

fn clocks() -> Now {
    Now { wall: now(), mono: tick() }
}

pub(super) async fn run(shared: &Arc<Shared>, key: Key, stop: &mut watch::Receiver<bool>) -> Ended {
    let store = Arc::new(UserStore::new(Arc::clone(&shared.records), key));
    let (coordinator, store) = match AsyncStoreJobs::open(shared.config.clone(), Some(store), None, false).await {
        Ok((coordinator, Some(store))) => (coordinator, store),
        Err(ClientError::Store(error)) => return Ended::StoreFailed(error),
        Err(ClientError::Restore(_)) => return Ended::NotOurs,
        Ok((_, None)) | Err(_) => return Ended::Left,
    };
    let mut run = Run { shared: Arc::clone(shared), store, coordinator, jobs: JoinSet::new(), seen: Seen::default() };
    run.coordinator.wake(clocks());
    run.until_idle(stop).await;
    run.ended()
}

struct Run {
    shared: Arc<Shared>,
    store: Arc<AsyncStoreJobs>,
    coordinator: Coordinator,
    jobs: JoinSet<(JobId, Done)>,
    seen: Seen,
}

/// What was told on the way.
#[derive(Default)]
struct Seen {
    renewed: bool,
    is_closed: bool,
    store_fault: Option<StoreFault>,
}

impl Run {
    /// Idle is who waits neither for a job nor for the monotonic clock: what is left is the next renewal, some day.
    async fn until_idle(&mut self, stop: &mut watch::Receiver<bool>) {
        let mut is_closing = false;
        loop {
            self.drain();
            if self.seen.is_closed || (self.jobs.is_empty() && self.coordinator.wake_at().mono.is_none()) {
                return;
            }
            tokio::select! {
                Some(done) = self.jobs.join_next() => {
                    // One that has panicked is given up by its limit.
                    if let Ok((job, done)) = done {
                        self.coordinator.done(clocks(), job, done);
                    }
                }
                () = tokio::time::sleep(self.coordinator.pause(&clocks())) => self.coordinator.wake(clocks()),
                _ = stop.wait_for(|stop| *stop), if !is_closing => {
                    is_closing = true;
                    // What was sent is awaited and stored, what was not is given up.
                    let close = self.coordinator.call(clocks(), CLOSING, Call::Close { within: None });
                    self.seen.is_closed = close.is_err();
                }
            }
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.coordinator.poll() {
            match output {
                Output::Do { job, op } => {
                    let (shared, store) = (Arc::clone(&self.shared), Arc::clone(&self.store));
                    self.jobs.spawn(async move { (job, execute(&shared, store, op).await) });
                }
                Output::Tell { event } => self.see(event),
                Output::Resolve { ticket, .. } => self.seen.is_closed |= ticket == CLOSING,
                // Late results are ignored, nobody is shown anything, and nobody asks for a token here.
                Output::Stop { .. } | Output::Show { .. } | Output::Publish { .. } => {}
            }
        }
    }

    fn see(&mut self, event: ClientEvent) {
        match event {
            ClientEvent::Session(Event::TokensRefreshed { .. }) => {
                self.seen.renewed = true;
                self.shared.pace.went_well();
            }
            ClientEvent::Session(_) => {}
            ClientEvent::StoreFailed(fault) => self.seen.store_fault = Some(fault),
            ClientEvent::StoreRecovered => self.seen.store_fault = None,
        }
    }

    fn ended(self) -> Ended {
        let fault = self.coordinator.store_fault().cloned().or(self.seen.store_fault);
        match fault {
            Some(fault) => Ended::StoreFailed(store_error(&fault, Some(self.store.last_error()))),
            None if self.seen.renewed => Ended::Renewed,
            None if matches!(self.coordinator.session().phase(), Phase::SignedOut { .. }) => Ended::SignedOut,
            None => Ended::Left,
        }
    }
}

async fn execute(shared: &Shared, store: Arc<AsyncStoreJobs>, op: Op) -> Done {
    match op {
        Op::Send { request, within, not_after, .. } => {
            // An intent that is older is no lease any longer.
            if not_after.is_some_and(|limit| tick() > limit) {
                return Done::SendFailed(SendFault::NotSent);
            }
            send(shared, request, within, not_after).await
        }
        Op::Load | Op::Save { .. } | Op::TryLock | Op::Unlock => store.run(op).await,
        Op::AskForToken { .. } | Op::AskForJwt { .. } => op.failed(SendFault::NotSent, "nobody is here to be asked"),
    }
}

async fn send(shared: &Shared, request: HttpRequest, within: Duration, not_after: Option<Tick>) -> Done {
    const TOO_MANY_REQUESTS: u16 = 429;
    match timeout(within, shared.http.send(request, not_after)).await {
        Ok(Ok(response)) => {
            if response.status == TOO_MANY_REQUESTS {
                let pause = retry_after(response.header("retry-after"), now(), &RetryAfterBounds::DEFAULT);
                shared.pace.too_fast(pause);
            }
            Done::Response(response)
        }
        Ok(Err(fault)) => Done::SendFailed(fault),
        Err(_) => Done::SendFailed(SendFault::Lost),
    }
}
