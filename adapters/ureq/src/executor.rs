//! Runs a coordinator: begins its jobs, wakes who waits, reads the clocks. Nothing is decided here.
//!
//! The mutex is held for moments, by whoever changes something, and never while a job runs. A token that was published is
//! read without it.

mod events;
mod host;
mod keeper;
mod timer;

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use webex_oauth::coordinator::{
    Call, Coordinator, Done, Failure, Fresh, JobId, Now, Op, Output, Refused, Reply, Shown, Ticket, WakeAt,
};
use webex_oauth::{AccessToken, Secret, SendFault, Timestamp};
use webex_oauth_driver::{ClientError, LastError, StoreJobs, client_error, client_event, now, tick};

pub(crate) use self::events::{Events, Tap};
pub(crate) use self::host::Host;
pub(crate) use self::keeper::Keeper;
use crate::transport::Transport;

pub(crate) type Clock = Box<dyn Fn() -> Timestamp + Send + Sync>;

pub(crate) struct Executor {
    pub(crate) stores: Option<StoreJobs>,
    pub(crate) transport: Transport,
    pub(crate) host: Host,
    pub(crate) events: Events,
    clock: Option<Clock>,
    /// Of one of many clients: they have one timer, and threads in common.
    keeper: Option<Arc<Keeper>>,
    /// What may be handed out without asking.
    fresh: ArcSwapOption<Fresh>,
    state: Mutex<State>,
    /// The timer has to look at its clocks again.
    sooner: Condvar,
}

struct State {
    coordinator: Coordinator,
    last_ticket: u64,
    waiting: HashMap<Ticket, Sender<News>>,
    /// What the timer sleeps towards.
    alarm: WakeAt,
    is_over: bool,
}

/// What comes to who waits.
enum News {
    Shown(Shown),
    Reply(Reply),
}

/// Jobs that are not begun yet.
type Jobs = VecDeque<(JobId, Op)>;

impl Executor {
    pub(crate) fn new(
        coordinator: Coordinator,
        stores: Option<StoreJobs>,
        transport: Transport,
        host: Host,
        clock: Option<Clock>,
    ) -> Self {
        let waiting = HashMap::new();
        let state = State { coordinator, last_ticket: 0, waiting, alarm: WakeAt::default(), is_over: false };
        let (events, fresh) = (Events::default(), ArcSwapOption::empty());
        let (state, sooner) = (Mutex::new(state), Condvar::new());
        Self { stores, transport, host, events, clock, keeper: None, fresh, state, sooner }
    }

    /// One of many.
    pub(crate) fn member(
        coordinator: Coordinator,
        stores: Option<StoreJobs>,
        transport: Transport,
        keeper: Arc<Keeper>,
        tap: Option<Tap>,
    ) -> Self {
        let alone = Self::new(coordinator, stores, transport, Host::default(), None);
        Self { keeper: Some(keeper), events: Events::tapped(tap), ..alone }
    }

    /// The wall clock. One of the caller's that panics is as good as none.
    pub(crate) fn wall(&self) -> Timestamp {
        match &self.clock {
            None => now(),
            Some(clock) => catch_unwind(AssertUnwindSafe(clock)).unwrap_or_else(|_| now()),
        }
    }

    fn now(&self) -> Now {
        Now { wall: self.wall(), mono: tick() }
    }

    /// The token that was published, while it may be handed out: its generation goes with it.
    pub(crate) fn published(&self) -> Option<(AccessToken, u64)> {
        let fresh = self.fresh.load();
        let fresh = fresh.as_ref()?;
        fresh.may_be_handed_out(self.wall()).then(|| (fresh.token.clone(), fresh.generation))
    }

    /// Nothing is under way, nobody waits, and what is newest is stored.
    pub(crate) fn is_at_rest(&self) -> bool {
        let state = self.lock();
        state.waiting.is_empty() && state.coordinator.is_at_rest()
    }

    /// Looks into the store. While there is a token that is good it waits for a moment only, and the look goes on.
    pub(crate) fn glance(self: &Arc<Self>) -> Result<(), ClientError> {
        /// For what a store that answers has said by then.
        const MOMENT: Duration = Duration::from_millis(250);
        let waiting = self.begin("the store", Call::Look)?;
        if self.published().is_none() {
            return waiting.wait().map(drop);
        }
        let _still_looking = waiting.reply_within(MOMENT);
        Ok(())
    }

    /// Waits until nothing is under way, and what is newest is stored.
    pub(crate) fn flush(self: &Arc<Self>) -> Result<(), ClientError> {
        self.call("what is under way", Call::Flush { within: None }).map(drop)
    }

    /// Asks the coordinator something.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(&Coordinator) -> T) -> T {
        question(&self.lock().coordinator)
    }

    /// Makes a call and waits for its reply; `what` it is for.
    pub(crate) fn call(self: &Arc<Self>, what: &'static str, call: Call) -> Result<Reply, ClientError> {
        self.begin(what, call)?.wait()
    }

    /// Makes a call. It is given up where nobody waits for it any longer.
    pub(crate) fn begin(self: &Arc<Self>, what: &'static str, call: Call) -> Result<Waiting, ClientError> {
        let (sender, news) = channel();
        let ticket = self.turn(|state, now| {
            state.last_ticket += 1;
            let ticket = Ticket(state.last_ticket);
            state.waiting.insert(ticket, sender);
            let accepted = state.coordinator.call(now, ticket, call);
            accepted.map(|()| ticket).inspect_err(|_| drop(state.waiting.remove(&ticket)))
        });
        match ticket {
            Ok(ticket) => Ok(Waiting { executor: Arc::clone(self), ticket, news, what }),
            Err(Refused::Misuse(misuse)) => Err(misuse.into()),
            Err(Refused::TicketInUse) => Err(ClientError::Closed),
        }
    }

    /// The token did not go along.
    pub(crate) fn called_without_token(self: &Arc<Self>, url: Secret) -> Result<(), ClientError> {
        Ok(self.turn(|state, now| state.coordinator.called_without_token(now, url))?)
    }

    /// Changes the coordinator and does what it says.
    fn turn<T>(self: &Arc<Self>, change: impl FnOnce(&mut State, Now) -> T) -> T {
        let mut state = self.lock();
        let changed = change(&mut state, self.now());
        let mut jobs = self.drain(&mut state);
        // By the wall clock alone nobody is woken: that is for when the user comes.
        let is_waiting = self.keeper.as_ref().filter(|_| state.coordinator.wake_at().mono.is_some());
        let pause = is_waiting.map(|keeper| (keeper, state.coordinator.pause(&self.now())));
        drop(state);
        if let Some((keeper, pause)) = pause {
            keeper.wake_at(self, pause);
        }
        while let Some((job, op)) = jobs.pop_front() {
            jobs.extend(self.begin_job(job, op));
        }
        changed
    }

    /// Everything that the coordinator has to say. What has an order is done in it, and under the lock: none of it waits.
    fn drain(&self, state: &mut State) -> Jobs {
        let mut jobs = Jobs::new();
        while let Some(output) = state.coordinator.poll() {
            match output {
                Output::Do { job, op } => jobs.push_back((job, op)),
                // A thread cannot be taken away from what it does, and its report is ignored.
                Output::Stop { .. } => {}
                Output::Resolve { ticket, reply } => {
                    if let Some(waiting) = state.waiting.remove(&ticket) {
                        let _ = waiting.send(News::Reply(reply));
                    }
                }
                Output::Show { ticket, what } => {
                    if let Some(waiting) = state.waiting.get(&ticket) {
                        let _ = waiting.send(News::Shown(what));
                    }
                }
                Output::Tell { event } => self.events.tell(&client_event(event, self.last_error())),
                Output::Publish { fresh } => self.fresh.store(fresh.map(Arc::new)),
            }
        }
        if state.coordinator.wake_at() != state.alarm {
            self.sooner.notify_one();
        }
        jobs
    }

    /// A thread for each job, as long as the system has one; what follows where it has none.
    fn begin_job(self: &Arc<Self>, job: JobId, op: Op) -> Jobs {
        let executor = Arc::clone(self);
        let not_begun = op.failed(SendFault::NotSent, "no thread can be started");
        let work = move || {
            let lost = op.failed(SendFault::Lost, "it panicked");
            let done = catch_unwind(AssertUnwindSafe(|| executor.run(op))).unwrap_or(lost);
            executor.turn(|state, now| state.coordinator.done(now, job, done));
        };
        if self.keeper.is_some() {
            Keeper::run(work);
            return Jobs::new();
        }
        let thread = thread::Builder::new().name("webex-oauth-job".to_owned());
        if thread.spawn(work).is_ok() {
            return Jobs::new();
        }
        let mut state = self.lock();
        state.coordinator.done(self.now(), job, not_begun);
        self.drain(&mut state)
    }

    fn run(&self, op: Op) -> Done {
        match (&op, &self.stores) {
            (Op::Send { request, within, not_after, .. }, _) => match self.transport.send(request, *within, *not_after)
            {
                Ok(response) => Done::Response(response),
                Err(fault) => Done::SendFailed(fault),
            },
            (Op::AskForToken { ask, .. }, _) => self.host.ask_for_token(ask),
            (Op::AskForJwt { .. }, _) => self.host.ask_for_jwt(),
            (Op::Load | Op::Save { .. } | Op::TryLock | Op::Unlock, Some(stores)) => stores.run(&op),
            (Op::Load | Op::Save { .. } | Op::TryLock | Op::Unlock, None) => op.failed(SendFault::NotSent, "no store"),
        }
    }

    /// Why a call failed, for its caller.
    pub(crate) fn error(&self, failure: Failure, what: &'static str) -> ClientError {
        client_error(failure, what, self.last_error())
    }

    pub(crate) fn last_error(&self) -> Option<&LastError> {
        self.stores.as_ref().map(StoreJobs::last_error)
    }

    /// A panic elsewhere leaves the coordinator whole: it is not in there that anything of others runs.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that was made.
pub(crate) struct Waiting {
    executor: Arc<Executor>,
    ticket: Ticket,
    news: Receiver<News>,
    what: &'static str,
}

impl Waiting {
    pub(crate) fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Waits for the reply.
    pub(crate) fn wait(&self) -> Result<Reply, ClientError> {
        loop {
            if let News::Reply(reply) = self.next() {
                return self.read(reply);
            }
        }
    }

    /// Waits for what is shown to the user, or for the reply where that comes first.
    pub(crate) fn wait_for_shown(&self) -> Result<Option<Shown>, ClientError> {
        match self.next() {
            News::Shown(shown) => Ok(Some(shown)),
            News::Reply(reply) => self.read(reply).map(|_| None),
        }
    }

    /// The reply, if it is there within so long.
    pub(crate) fn reply_within(&self, limit: Duration) -> Option<Result<Reply, ClientError>> {
        match self.news.recv_timeout(limit) {
            Ok(News::Reply(reply)) => Some(self.read(reply)),
            Ok(News::Shown(_)) | Err(_) => None,
        }
    }

    fn next(&self) -> News {
        // Every ticket is resolved; one that was taken from here is none.
        self.news.recv().unwrap_or(News::Reply(Reply::Failed(Failure::Closed)))
    }

    fn read(&self, reply: Reply) -> Result<Reply, ClientError> {
        match reply {
            Reply::Failed(failure) => Err(self.executor.error(failure, self.what)),
            reply => Ok(reply),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let ticket = self.ticket;
        self.executor.turn(|state, _| {
            if state.waiting.remove(&ticket).is_some() {
                state.coordinator.give_up(ticket);
            }
        });
    }
}
