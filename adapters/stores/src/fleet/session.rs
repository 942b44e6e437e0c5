//! One session in a coordinator, until that has nothing more to do. It decides; this only executes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use webex_oauth::coordinator::{Call, ClientEvent, Coordinator, Done, JobId, Now, Op, Output, Tick, Ticket, Times};
use webex_oauth::protocol::retry_after::{RetryAfterBounds, retry_after};
use webex_oauth::{Event, HttpRequest, Phase, RestoreError, Secret, SendFault};
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
/// So long a session may take at most: one that does not end, as its store fails or its row is nonsense, makes room for others.
const LEASES: u32 = 4;

fn clocks() -> Now {
    Now { wall: now(), mono: tick() }
}

/// `found`: what was claimed. Whether it is still there is seen when the intent takes its place.
pub(super) async fn run(shared: &Arc<Shared>, key: Key, found: &Secret, stop: &mut watch::Receiver<bool>) -> Ended {
    let store = Arc::new(UserStore::new(Arc::clone(&shared.records), key));
    let (coordinator, store) = match AsyncStoreJobs::of_found(shared.config.clone(), store, found) {
        Ok(opened) => opened,
        Err(ClientError::Restore(RestoreError::OtherConfig { .. } | RestoreError::NewerVersion { .. })) => {
            return Ended::NotOurs;
        }
        Err(ClientError::Restore(RestoreError::Sealed { key_id })) => {
            let why = "no key was given".to_owned();
            return Ended::StoreFailed(StoreError::Sealed { key_id, why });
        }
        Err(ClientError::Restore(RestoreError::Unreadable)) => {
            return Ended::StoreFailed(StoreError::Damaged { what: format!("a session of {:?}", shared.records) });
        }
        Err(_) => return Ended::Left,
    };
    let was_abandoned = coordinator.session().is_being_renewed();
    let mut run = Run { shared: Arc::clone(shared), store, coordinator, jobs: JoinSet::new(), seen: Seen::default() };
    run.coordinator.wake(clocks());
    run.until_idle(stop).await;
    let ended = run.ended();
    if was_abandoned {
        let mut report = shared.report();
        report.abandoned += 1;
        report.lost += u64::from(matches!(ended, Ended::SignedOut));
    }
    ended
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
}

impl Run {
    /// Idle is who waits neither for a job nor for the monotonic clock: what is left is the next renewal, some day.
    async fn until_idle(&mut self, stop: &mut watch::Receiver<bool>) {
        let mut is_closing = false;
        let longest = LEASES * Times::of(self.shared.config.parts().request_timeout).lease();
        let limit = tokio::time::sleep(longest);
        tokio::pin!(limit);
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
                () = async { tokio::select! { _ = stop.wait_for(|stop| *stop) => {}, () = &mut limit => {} } }, if !is_closing => {
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
            ClientEvent::Session(Event::RefreshFailed { fault, .. }) => self.shared.report().attempt_failed(fault),
            ClientEvent::Session(_) => {}
            ClientEvent::StoreFailed(fault) => {
                let error = store_error(&fault, Some(self.store.last_error()));
                self.shared.report().store_failed(error);
            }
            ClientEvent::StoreRecovered => {}
        }
    }

    fn ended(self) -> Ended {
        if self.coordinator.store_fault().is_some() {
            // That was told when it began.
            return Ended::Left;
        }
        match self.coordinator.session().phase() {
            _ if self.seen.renewed => Ended::Renewed,
            Phase::SignedOut { .. } => Ended::SignedOut,
            _ => Ended::Left,
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
