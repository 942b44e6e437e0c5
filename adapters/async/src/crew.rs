//! Who does the errands: whoever waits.
//!
//! Errands belong to the client, not to the task that caused them. Each task that waits for something polls them, and
//! all who wait are woken when any of them can go on. So it does not matter which of the tasks is dropped, nor at which
//! await, nor that one of them is alive and not polled: the others, or `run`, carry on where it was. Where the last one
//! goes, the host is asked to carry on.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use webex_oauth::{Input, Timestamp};
use webex_oauth_driver::ClientError;

use crate::errand;
use crate::inner::{Inner, Table};
use crate::transport::BoxFuture;

/// Clocks are set and machines sleep: no timer is trusted for longer.
const LONGEST_SLEEP: i64 = 60_000;
/// Where the time has come and nothing came of it, the next look is so much later.
const NOTHING_CAME: i64 = 1000;

pub(crate) struct Crew {
    inner: Arc<Inner>,
    waker: Waker,
    at_work: Mutex<AtWork>,
}

/// The errands, or who is polling them right now.
struct AtWork {
    errands: Option<Errands>,
    /// How many tasks wait, those that are never polled again included.
    waiting: usize,
    by: Option<ThreadId>,
    /// Another task came meanwhile and went to sleep.
    missed: bool,
}

#[derive(Default)]
struct Errands {
    running: FuturesUnordered<BoxFuture<'static, ()>>,
    alarm: Option<Alarm>,
}

struct Alarm {
    at: Timestamp,
    sleep: BoxFuture<'static, ()>,
}

impl Crew {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        let waker = Waker::from(Arc::clone(&inner));
        let at_work = AtWork { errands: Some(Errands::default()), waiting: 0, by: None, missed: false };
        Self { inner, waker, at_work: Mutex::new(at_work) }
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    /// Waits until `ready` has an answer, and does errands meanwhile. Dropping it at any point changes nothing for
    /// anybody else.
    pub(crate) async fn until<T>(self: &Arc<Self>, mut ready: impl FnMut(&mut Table, Timestamp) -> Option<T>) -> T {
        let _present = Present::new(self);
        loop {
            let is_within = self.is_within_errand();
            // Listening comes first: what happens between here and the await wakes it.
            let listener = if is_within { self.inner.news.listen() } else { self.inner.bell.listen() };
            let progress = !is_within && self.work();
            if let Some(answer) = self.inner.with(&mut ready) {
                return answer;
            }
            if !progress {
                listener.await;
            }
        }
    }

    /// The same, until the client is closed.
    pub(crate) async fn until_open<T>(
        self: &Arc<Self>,
        mut ready: impl FnMut(&mut Table, Timestamp) -> Option<T>,
    ) -> Result<T, ClientError> {
        self.until(|table, now| if table.closing { Some(Err(ClientError::Closed)) } else { ready(table, now).map(Ok) })
            .await
    }

    /// A callback of the host that asks the client is polled by its errand, and does no errands itself.
    fn is_within_errand(&self) -> bool {
        self.lock().by == Some(thread::current().id())
    }

    /// Polls the errands once. Answers whether anything was finished.
    fn work(&self) -> bool {
        let Some(mut shift) = self.begin() else {
            return false;
        };
        let Some(errands) = shift.errands.as_mut() else {
            return false;
        };
        let mut cx = Context::from_waker(&self.waker);
        let mut progress = false;
        loop {
            for errand in self.inner.with(|table, _| table.take_errands()) {
                errands.running.push(Box::pin(errand::run(Arc::clone(&self.inner), errand)));
            }
            while let Poll::Ready(Some(())) = errands.running.poll_next_unpin(&mut cx) {
                progress = true;
            }
            progress |= errands.ring(&self.inner, &mut cx);
            if !self.inner.read(|table, _| table.has_errands()) {
                return progress;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, AtWork> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the errands, unless somebody has them in hand.
    fn begin(&self) -> Option<Shift<'_>> {
        let mut at_work = self.lock();
        match at_work.errands.take() {
            Some(errands) => {
                at_work.by = Some(thread::current().id());
                Some(Shift { crew: self, errands: Some(errands) })
            }
            None => {
                at_work.missed = true;
                None
            }
        }
    }
}

/// A task that waits.
struct Present<'a>(&'a Arc<Crew>);

impl<'a> Present<'a> {
    fn new(crew: &'a Arc<Crew>) -> Self {
        crew.lock().waiting += 1;
        Self(crew)
    }
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        let crew = self.0;
        let alarm = {
            let mut at_work = crew.lock();
            at_work.waiting -= 1;
            if at_work.waiting > 0 {
                return;
            }
            // It wakes nobody, and the next to come may be in another runtime.
            at_work.errands.as_mut().and_then(|errands| errands.alarm.take())
        };
        drop(alarm);
        if crew.inner.read(|table, _| table.busy > 0) {
            // Half a request holds the lock of the store, and its answer may carry the only refresh token that counts.
            let crew = Arc::clone(crew);
            let inner = Arc::clone(&crew.inner);
            inner.http.spawn(Box::pin(async move { crew.until(|table, _| (table.busy == 0).then_some(())).await }));
        }
    }
}

/// Gives the errands back, also when one of them panics.
struct Shift<'a> {
    crew: &'a Crew,
    errands: Option<Errands>,
}

impl Drop for Shift<'_> {
    fn drop(&mut self) {
        let missed = {
            let mut at_work = self.crew.lock();
            at_work.errands = self.errands.take();
            at_work.by = None;
            std::mem::take(&mut at_work.missed)
        };
        if missed {
            self.crew.inner.bell.ring();
        }
    }
}

impl Errands {
    /// Tells the session that its time has come. Only while somebody drives what follows from it: a background task,
    /// or a task that waits for errands or for a login.
    fn ring(&mut self, inner: &Inner, cx: &mut Context<'_>) -> bool {
        let busy = !self.running.is_empty();
        let (at, due, now) = inner.read(|table, now| {
            let driven = table.runners > 0 || busy || table.is_signing_in() || table.desk.is_unsaved();
            (table.desk.wake_at().filter(|_| driven), table.desk.is_due(now), now)
        });
        let Some(at) = at else {
            self.alarm = None;
            return false;
        };
        if self.alarm.as_ref().is_none_or(|alarm| alarm.at != at) {
            self.set(inner, at, now, false);
        }
        let mut may_break = true;
        while let Some(mut alarm) = self.alarm.take() {
            match catch_unwind(AssertUnwindSafe(|| alarm.sleep.as_mut().poll(cx))) {
                Ok(Poll::Pending) => {
                    self.alarm = Some(alarm);
                    return false;
                }
                Ok(Poll::Ready(())) => {
                    if due {
                        inner.report(Input::Tick);
                    }
                    self.set(inner, at, now, due);
                    if due {
                        return true;
                    }
                }
                // The timer of a runtime that has ended.
                Err(_) if std::mem::take(&mut may_break) => self.set(inner, at, now, false),
                Err(panic) => resume_unwind(panic),
            }
        }
        false
    }

    fn set(&mut self, inner: &Inner, at: Timestamp, now: Timestamp, rang: bool) {
        let least = if rang { NOTHING_CAME } else { 0 };
        let millis = at.millis_since(now).clamp(least, LONGEST_SLEEP);
        let sleep = match u64::try_from(millis) {
            Ok(0) | Err(_) => Box::pin(std::future::ready(())) as BoxFuture<'static, ()>,
            Ok(millis) => inner.http.sleep(Duration::from_millis(millis)),
        };
        self.alarm = Some(Alarm { at, sleep });
    }
}
