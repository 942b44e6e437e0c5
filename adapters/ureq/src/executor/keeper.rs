//! What the executors of many users have in common: one thread that wakes them, and the threads of their jobs.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use webex_oauth_driver::ClientError;

use super::Executor;

/// Wakes those who wait for the monotonic clock. A renewal ahead of expiry begins when its user comes.
#[derive(Default)]
pub(crate) struct Keeper {
    times: Mutex<Times>,
    sooner: Condvar,
}

#[derive(Default)]
struct Times {
    /// Each once for every change that it waits after: to be woken too often does nothing.
    waiting: BTreeMap<(Instant, u64), Weak<Executor>>,
    number: u64,
    is_over: bool,
}

impl Keeper {
    pub(crate) fn start() -> Result<Arc<Self>, ClientError> {
        let keeper = Arc::<Self>::default();
        let running = Arc::clone(&keeper);
        let thread = thread::Builder::new().name("webex-oauth-timer".to_owned());
        thread.spawn(move || running.keep_time()).map_err(|error| ClientError::Thread { kind: error.kind() })?;
        Ok(keeper)
    }

    /// Does a job on a thread that others use after it; where all are held up there is another one.
    pub(super) fn run(job: impl FnOnce() + Send + 'static) {
        blocking::unblock(job).detach();
    }

    pub(super) fn wake_at(&self, executor: &Arc<Executor>, pause: Duration) {
        let mut times = self.lock();
        let number = times.number;
        times.number += 1;
        times.waiting.insert((Instant::now() + pause, number), Arc::downgrade(executor));
        self.sooner.notify_one();
    }

    fn keep_time(&self) {
        let mut times = self.lock();
        while !times.is_over {
            let now = Instant::now();
            let first = times.waiting.first_key_value().map(|((at, _), _)| *at);
            if first.is_none_or(|at| at > now) {
                let pause = first.map_or(Duration::from_secs(3600), |at| at - now);
                times = self.sooner.wait_timeout(times, pause).unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            let due = times.waiting.pop_first();
            drop(times);
            if let Some(executor) = due.and_then(|(_, executor)| executor.upgrade()) {
                executor.wake();
                // The last one to hold it closes it, which may take its time.
                Self::run(move || drop(executor));
            }
            times = self.lock();
        }
    }

    /// Nobody is woken any longer.
    pub(crate) fn end(&self) {
        self.lock().is_over = true;
        self.sooner.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
