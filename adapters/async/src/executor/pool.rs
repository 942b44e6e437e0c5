//! The jobs that are out, and who polls them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, ThreadId};

use futures_util::StreamExt as _;
use futures_util::future::{AbortHandle, Abortable};
use futures_util::stream::FuturesUnordered;
use webex_oauth::coordinator::{Done, JobId, Ticket};

use super::take_out;
use webex_oauth_driver::BoxFuture;

type Job = BoxFuture<'static, (JobId, Done)>;
type Running = FuturesUnordered<Abortable<Job>>;

pub(super) struct Pool {
    bell: Arc<Bell>,
    /// Of all jobs.
    waker: Waker,
    jobs: Mutex<Jobs>,
}

struct Jobs {
    /// `None` where there are none, and while somebody polls them.
    running: Option<Running>,
    /// Who polls them.
    by: Option<ThreadId>,
    /// Another task came meanwhile and went to sleep.
    missed: bool,
    /// Begun meanwhile.
    begun: Vec<Abortable<Job>>,
    open: BTreeMap<JobId, AbortHandle>,
    /// The host was asked to spawn who carries them to their end, and has not dropped him.
    is_carried: bool,
    is_closed: bool,
}

impl Default for Pool {
    fn default() -> Self {
        let bell = Arc::<Bell>::default();
        let waker = Waker::from(Arc::clone(&bell));
        let (begun, open) = (Vec::new(), BTreeMap::new());
        let jobs = Jobs { running: None, by: None, missed: false, begun, open, is_carried: false, is_closed: false };
        Self { bell, waker, jobs: Mutex::new(jobs) }
    }
}

impl Pool {
    /// A new job. Answers whether somebody has to be asked to carry it.
    pub(super) fn push(&self, id: JobId, job: Job) -> bool {
        let (handle, registration) = AbortHandle::new_pair();
        let mut jobs = self.lock();
        if jobs.is_closed {
            return false;
        }
        jobs.open.insert(id, handle);
        jobs.begun.push(Abortable::new(job, registration));
        let was_carried = std::mem::replace(&mut jobs.is_carried, true);
        drop(jobs);
        self.ring();
        !was_carried
    }

    /// A job that is not wanted any longer.
    pub(super) fn stop(&self, id: JobId) {
        let handle = take_out(&mut self.lock().open, &id);
        handle.into_iter().for_each(|handle| handle.abort());
    }

    /// All of them are not.
    pub(super) fn close(&self) {
        let mut jobs = self.lock();
        jobs.is_closed = true;
        let (running, begun) = (jobs.running.take(), std::mem::take(&mut jobs.begun));
        jobs.open.clear();
        drop(jobs);
        drop((running, begun));
        self.ring();
    }

    /// Whoever carries them has gone, before their end perhaps.
    pub(super) fn is_left(&self) {
        self.lock().is_carried = false;
        self.ring();
    }

    /// Whether there is nothing more to carry. Then the next job asks for somebody anew.
    pub(super) fn is_carried_to_its_end(&self) -> bool {
        let mut jobs = self.lock();
        let is_over = jobs.open.is_empty();
        jobs.is_carried &= !is_over;
        is_over
    }

    /// Whether this very thread is polling them: then it is within a job.
    pub(super) fn is_polled_here(&self) -> bool {
        self.lock().by == Some(thread::current().id())
    }

    /// Polls them, unless somebody does; `report` gets each that has ended.
    pub(super) fn poll(&self, report: impl Fn(JobId, Done)) {
        let Some(mut shift) = self.begin() else { return };
        let mut cx = Context::from_waker(&self.waker);
        loop {
            shift.running.extend(std::mem::take(&mut self.lock().begun));
            match shift.running.poll_next_unpin(&mut cx) {
                Poll::Ready(Some(Ok((id, done)))) => {
                    take_out(&mut self.lock().open, &id);
                    report(id, done);
                }
                Poll::Ready(Some(Err(_aborted))) => {}
                Poll::Ready(None) | Poll::Pending if self.lock().begun.is_empty() => return,
                Poll::Ready(None) | Poll::Pending => {}
            }
        }
    }

    fn begin(&self) -> Option<Shift<'_>> {
        let mut jobs = self.lock();
        if jobs.by.is_some() {
            jobs.missed = true;
            return None;
        }
        jobs.by = Some(thread::current().id());
        Some(Shift { pool: self, running: jobs.running.take().unwrap_or_default() })
    }

    /// Wakes this task when a job can go on, or the clocks have to be looked at.
    pub(super) fn listen(&self, ticket: Ticket, waker: &Waker) {
        let replaced = self.bell.lock().insert(ticket, waker.clone());
        drop(replaced);
    }

    pub(super) fn leave(&self, ticket: Ticket) {
        let left = take_out(&mut self.bell.lock(), &ticket);
        drop(left);
    }

    pub(super) fn ring(&self) {
        self.bell.ring();
    }

    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the jobs back, also where one of them panics.
struct Shift<'a> {
    pool: &'a Pool,
    running: Running,
}

impl Drop for Shift<'_> {
    fn drop(&mut self) {
        let running = std::mem::take(&mut self.running);
        let mut jobs = self.pool.lock();
        jobs.by = None;
        let is_kept = !jobs.is_closed && !running.is_empty();
        let (kept, dropped) = if is_kept { (Some(running), None) } else { (None, Some(running)) };
        jobs.running = kept;
        let missed = std::mem::take(&mut jobs.missed);
        drop(jobs);
        drop(dropped);
        if missed {
            self.pool.ring();
        }
    }
}

/// Those who listen. They are woken outside of the lock: to wake one may mean to listen again.
#[derive(Default)]
struct Bell(Mutex<BTreeMap<Ticket, Waker>>);

impl Bell {
    fn ring(&self) {
        let listening = std::mem::take(&mut *self.lock());
        listening.into_values().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Ticket, Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}
