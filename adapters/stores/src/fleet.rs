//! A worker that renews the sessions of a store before they end, on any number of nodes.

mod http;
mod pace;
mod session;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use webex_oauth::coordinator::Times;
use webex_oauth::{Config, Fault, SendFault, Timestamp};
use webex_oauth_driver::{StoreError, now};

pub use self::http::FleetHttp;
use self::pace::Pace;
use self::session::Ended;
use crate::{AsyncRecords, Claim, Claimed};

/// Marks and logins that are over are looked for so often, and so many are deleted at once. Where there are more, others have their
/// turn before the next batch.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
const SWEPT_AT_ONCE: u32 = 1000;

/// Renews what is due: claims sessions of a store, and runs the coordinator of each until it has nothing more to do.
///
/// Any number of workers may run on one store, on any number of nodes, beside the users' own clients: all of them meet on the
/// record and know nothing of each other. The intent that each saves before it spends a refresh token keeps them apart.
/// Once a minute it deletes what nobody needs any longer ([`AsyncRecords::delete_expired`]), a batch at a time.
/// Needs a tokio runtime.
pub struct Fleet {
    shared: Arc<Shared>,
    concurrency: usize,
    poll: Duration,
    is_once: bool,
}

/// What all sessions of a worker share.
struct Shared {
    records: Arc<dyn AsyncRecords>,
    config: Config,
    http: Arc<dyn FleetHttp>,
    pace: Pace,
    report: Mutex<FleetReport>,
}

impl Shared {
    fn report(&self) -> MutexGuard<'_, FleetReport> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fleet {
    /// A worker for sessions of this configuration. Those of other clients in the same store, and of the same one at another server,
    /// are not touched.
    pub fn new(records: impl AsyncRecords + 'static, config: Config, http: impl FleetHttp) -> Self {
        let shared = Shared {
            records: Arc::new(records),
            config,
            http: Arc::new(http),
            pace: Pace::new(100.0),
            report: Mutex::default(),
        };
        Self { shared: Arc::new(shared), concurrency: 32, poll: Duration::from_secs(1), is_once: false }
    }

    /// So many sessions at once at most; 32 unless said otherwise.
    #[must_use]
    pub fn concurrency(mut self, sessions: usize) -> Self {
        self.concurrency = sessions.max(1);
        self
    }

    /// So many sessions a second at most, 100 unless said otherwise. An answer 429 makes it slower, for all sessions of this
    /// worker; it recovers with every renewal.
    #[must_use]
    pub fn per_second(mut self, sessions: f64) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.pace = Pace::new(sessions);
        }
        self
    }

    /// How long it rests where nothing is due; a second unless said otherwise.
    #[must_use]
    pub fn poll(mut self, pause: Duration) -> Self {
        self.poll = pause;
        self
    }

    /// Ends when everything that is due when it begins has been looked at, or the store fails.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.is_once = true;
        self
    }

    /// To see what it has done, while it runs.
    pub fn progress(&self) -> FleetProgress {
        FleetProgress(Arc::clone(&self.shared))
    }

    /// Works until `stop` turns true, or its sender is gone. Then nothing more is claimed, what has been begun is brought to its
    /// end and stored, and the sums are answered.
    ///
    /// A store that fails is tried again and again. A session that has been claimed and not begun is due again after a lease.
    pub async fn run(self, mut stop: watch::Receiver<bool>) -> FleetReport {
        let (begun, mut running, mut ready) = (now(), JoinSet::new(), Ready::default());
        let (at_once, mut sweep_at) = (self.at_once(), Instant::now());
        while !*stop.borrow() {
            if sweep_at <= Instant::now() && !self.sweep().await {
                sweep_at = Instant::now() + SWEEP_EVERY;
            }
            self.shared.report().not_begun += ready.give_up_old();
            if ready.is_empty() && running.len() < at_once {
                let claimed = self.claim(if self.is_once { begun } else { now() }, at_once).await;
                let has_failed = claimed.is_none();
                ready.put(claimed.unwrap_or_default(), self.lease());
                if self.is_once && (has_failed || (ready.is_empty() && running.is_empty())) {
                    break;
                }
            }
            while running.len() < at_once
                && let Some(one) = ready.take()
            {
                running.spawn(run_one(Arc::clone(&self.shared), one, stop.clone()));
            }
            tokio::select! {
                Some(ended) = running.join_next() => {
                    self.shared.report().count(ended.ok());
                    while let Some(ended) = running.try_join_next() {
                        self.shared.report().count(ended.ok());
                    }
                }
                // Something may be due by then.
                () = tokio::time::sleep(self.poll), if running.len() < at_once => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        self.shared.report().not_begun += ready.give_up();
        while let Some(ended) = running.join_next().await {
            self.shared.report().count(ended.ok());
        }
        // Nobody comes after this one in a minute.
        while self.is_once && sweep_at <= Instant::now() && !*stop.borrow() && self.sweep().await {}
        self.shared.report().clone()
    }

    fn lease(&self) -> Duration {
        Times::of(self.shared.config.parts().request_timeout).lease()
    }

    /// So many are worked at, and as many are claimed, so that not every one of them costs a claim. No more than have their turn
    /// within half of a lease, as others take up what has waited for longer.
    fn at_once(&self) -> usize {
        self.concurrency.min(self.shared.pace.turns_within(self.lease() / 4)).max(1)
    }

    /// Deletes a batch of what is over; whether there may be more. A failure is told, and keeps nobody from being renewed.
    async fn sweep(&self) -> bool {
        let deleted = self.shared.records.delete_expired(SWEPT_AT_ONCE).await;
        let mut report = self.shared.report();
        match deleted {
            Ok(count) => {
                report.removed += count;
                count >= u64::from(SWEPT_AT_ONCE)
            }
            Err(error) => {
                report.removal_errors += 1;
                report.last_removal_error = Some(error);
                false
            }
        }
    }

    /// `None`: the store has failed.
    async fn claim(&self, due: Timestamp, most: usize) -> Option<Vec<Claimed>> {
        let until = now().plus(self.lease());
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        let client = self.shared.config.client_tag();
        match self.shared.records.claim_due(Claim { client, now: due, until, most }).await {
            Ok(claimed) => {
                self.shared.report().claimed += claimed.len() as u64;
                Some(claimed)
            }
            Err(error) => {
                self.shared.report().count(Some(Ended::StoreFailed(error)));
                None
            }
        }
    }
}

/// What was claimed and waits for its turn, for half of its lease at most: afterwards it would soon be somebody else's.
#[derive(Default)]
struct Ready {
    claimed: VecDeque<Claimed>,
    until: Option<Instant>,
}

impl Ready {
    fn is_empty(&self) -> bool {
        self.claimed.is_empty()
    }

    fn put(&mut self, claimed: Vec<Claimed>, lease: Duration) {
        self.until = Some(Instant::now() + lease / 2);
        self.claimed.extend(claimed);
    }

    fn take(&mut self) -> Option<Claimed> {
        self.claimed.pop_front()
    }

    fn give_up_old(&mut self) -> u64 {
        if self.until.is_some_and(|until| Instant::now() >= until) { self.give_up() } else { 0 }
    }

    /// How many there were.
    fn give_up(&mut self) -> u64 {
        let count = self.claimed.len() as u64;
        self.claimed.clear();
        count
    }
}

async fn run_one(shared: Arc<Shared>, one: Claimed, mut stop: watch::Receiver<bool>) -> Ended {
    let found = match one.snapshot {
        Ok(found) => found,
        Err(error) => return Ended::StoreFailed(error),
    };
    // Before anything is begun: an intent that waits for its turn would be in everybody's way.
    tokio::select! {
        () = shared.pace.turn() => {}
        _ = stop.wait_for(|stop| *stop) => return Ended::NotBegun,
    }
    session::run(&shared, one.key, &found, &mut stop).await
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet")
            .field("records", &self.shared.records)
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}

/// Shows what a worker has done so far, also when it has ended.
#[derive(Clone)]
pub struct FleetProgress(Arc<Shared>);

impl FleetProgress {
    /// Until now.
    pub fn report(&self) -> FleetReport {
        self.0.report().clone()
    }

    /// How late the session is that has been due longest and that nobody has claimed yet; zero where none is. It is asked of the
    /// store.
    ///
    /// # Errors
    ///
    /// As [`AsyncRecords::oldest_due`].
    pub async fn lag(&self) -> Result<Duration, StoreError> {
        let oldest = self.0.records.oldest_due(&self.0.config.client_tag()).await?;
        let millis = oldest.map_or(0, |oldest| now().millis_since(oldest));
        Ok(Duration::from_millis(u64::try_from(millis).unwrap_or_default()))
    }
}

impl fmt::Debug for FleetProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FleetProgress").field(&self.report()).finish()
    }
}

/// What a worker has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FleetReport {
    /// Sessions that were claimed.
    pub claimed: u64,
    /// Those whose tokens were renewed, and stored.
    pub renewed: u64,
    /// Those whose grant has ended: their users have to sign in again.
    pub ended: u64,
    /// Those that were not renewed now: the server failed, another node was faster, or there was nothing to be done.
    pub left: u64,
    /// Those that were claimed and not begun, for the worker was stopped.
    pub not_begun: u64,
    /// Those of newer versions of this library, which were left alone until a lease is over.
    pub not_ours: u64,
    /// Marks and logins that were over, and are deleted: no sessions.
    pub removed: u64,
    /// How often they could not be deleted: a role of the database that may not do that, for one. It is tried again in a minute.
    pub removal_errors: u64,
    /// The last of these failures.
    pub last_removal_error: Option<StoreError>,
    /// Failures of the store, of claims and of sessions, also those that have passed.
    pub store_errors: u64,
    /// The last of them.
    pub last_store_error: Option<StoreError>,
    /// Attempts that the server refused, or did not answer.
    pub failures: u64,
    /// Those among them to which no complete answer came: the server may have renewed the session.
    pub unanswered: u64,
    /// Sessions that were found with an attempt whose end nobody has stored: the process that made it is no more.
    pub abandoned: u64,
    /// Sessions that were found so and whose grant has ended: the renewed tokens went with that process.
    pub lost: u64,
    /// How the last of them ended.
    pub last_failure: Option<Arc<Fault>>,
}

impl FleetReport {
    /// Whether the server takes nothing from this client: its id or its secret is not right.
    pub fn is_client_refused(&self) -> bool {
        self.last_failure.as_ref().is_some_and(|fault| fault.refuses_client())
    }

    fn attempt_failed(&mut self, fault: Arc<Fault>) {
        self.failures += 1;
        self.unanswered += u64::from(fault.send == Some(SendFault::Lost));
        self.last_failure = Some(fault);
    }

    fn store_failed(&mut self, error: StoreError) {
        self.store_errors += 1;
        self.last_store_error = Some(error);
    }

    /// `None`: what ran the session has panicked.
    fn count(&mut self, ended: Option<Ended>) {
        match ended {
            Some(Ended::Renewed) => self.renewed += 1,
            Some(Ended::SignedOut) => self.ended += 1,
            Some(Ended::Left) | None => self.left += 1,
            Some(Ended::NotBegun) => self.not_begun += 1,
            Some(Ended::NotOurs) => self.not_ours += 1,
            Some(Ended::StoreFailed(error)) => self.store_failed(error),
        }
    }
}
