//! Runs a coordinator: begins its jobs, wakes who waits, reads the clocks. Nothing is decided here.
//!
//! The mutex is held for moments, by whoever changes something or takes out what the coordinator says; never across an await,
//! a job, a waker or a listener. A token that was published is read without it.

mod alarm;
mod clocks;
mod jobs;
mod pool;
mod waiting;

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use webex_oauth::coordinator::{Call, Coordinator, Failure, Fresh, Now, Output, Refused, Reply, Shown, Ticket, WakeAt};
use webex_oauth::{AccessToken, Secret, Timestamp};
use webex_oauth_driver::{AsyncStoreJobs, ClientError, LastError, client_error, client_event};

pub(crate) use self::clocks::Clocks;
use self::pool::Pool;
pub(crate) use self::waiting::Waiting;
use crate::events::{Broadcast, Tap};
use crate::host::Host;
use crate::transport::AsyncHttp;

/// For what a store that answers has said by then.
const MOMENT: Duration = Duration::from_millis(250);

pub(crate) struct Executor {
    pub(crate) http: Arc<dyn AsyncHttp>,
    stores: Option<Arc<AsyncStoreJobs>>,
    host: Arc<Host>,
    clocks: Arc<Clocks>,
    pub(crate) events: Broadcast,
    /// What may be handed out without asking.
    fresh: ArcSwapOption<Fresh>,
    state: Mutex<State>,
    pool: Pool,
}

struct State {
    coordinator: Coordinator,
    last_ticket: u64,
    waiting: BTreeMap<Ticket, Slot>,
    /// Somebody is at what the coordinator says.
    is_draining: bool,
    /// Those who wait have been told to look at the clocks by then.
    alarm: WakeAt,
    /// When the coordinator was last woken.
    woken: Option<Now>,
}

/// What has come for a ticket, and who is to be woken by it.
struct Slot {
    news: VecDeque<News>,
    waker: Option<Waker>,
    who: Who,
}

/// On whose account somebody waits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Caller,
    /// Whoever carries what others have begun.
    Carrier,
}

/// What comes to who waits.
enum News {
    Shown(Shown),
    Reply(Reply),
    /// The client is being closed.
    Closing,
}

impl Executor {
    pub(crate) fn new(
        coordinator: Coordinator,
        stores: Option<Arc<AsyncStoreJobs>>,
        http: Arc<dyn AsyncHttp>,
        host: Arc<Host>,
        clocks: Arc<Clocks>,
        tap: Option<Tap>,
    ) -> Self {
        let state = State {
            coordinator,
            last_ticket: 0,
            waiting: BTreeMap::new(),
            is_draining: false,
            alarm: WakeAt::default(),
            woken: None,
        };
        let (state, fresh) = (Mutex::new(state), ArcSwapOption::empty());
        let (events, pool) = (Broadcast::new(tap), Pool::default());
        Self { http, stores, host, clocks, events, fresh, state, pool }
    }

    pub(crate) fn wall(&self) -> Timestamp {
        self.clocks.wall()
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
        state.coordinator.is_at_rest() && !state.waiting.values().any(|slot| slot.who == Who::Caller)
    }

    /// Looks into the store. While there is a token that is good it waits for a moment only, and the look goes on.
    pub(crate) async fn glance(self: &Arc<Self>) -> Result<(), ClientError> {
        let waiting = self.begin("the store", Call::Look)?;
        if self.published().is_none() {
            return waiting.reply().await.map(drop);
        }
        let (reply, moment) = (std::pin::pin!(waiting.reply()), self.http.sleep(MOMENT));
        futures_util::future::select(reply, moment).await;
        Ok(())
    }

    /// Waits until nothing is under way, and what is newest is stored.
    pub(crate) async fn flush(self: &Arc<Self>) -> Result<(), ClientError> {
        self.call("what is under way", Call::Flush { within: None }).await.map(drop)
    }

    /// Asks the coordinator something.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(&Coordinator) -> T) -> T {
        question(&self.lock().coordinator)
    }

    /// Makes a call and waits for its reply; `what` it is for.
    pub(crate) async fn call(self: &Arc<Self>, what: &'static str, call: Call) -> Result<Reply, ClientError> {
        self.begin(what, call)?.reply().await
    }

    /// Makes a call. It is given up where nobody waits for it any longer.
    pub(crate) fn begin(self: &Arc<Self>, what: &'static str, call: Call) -> Result<Waiting, ClientError> {
        self.begin_for(Who::Caller, what, call)
    }

    fn begin_for(self: &Arc<Self>, who: Who, what: &'static str, call: Call) -> Result<Waiting, ClientError> {
        let waiting = self.wait(who, what);
        let ticket = waiting.ticket();
        match self.turn(|coordinator, now| coordinator.call(now, ticket, call)) {
            Ok(()) => Ok(waiting),
            Err(Refused::Misuse(misuse)) => Err(misuse.into()),
            Err(Refused::TicketInUse) => Err(ClientError::Closed),
        }
    }

    /// Waits without a call: for the end.
    fn wait(self: &Arc<Self>, who: Who, what: &'static str) -> Waiting {
        let mut state = self.lock();
        state.last_ticket += 1;
        let ticket = Ticket(state.last_ticket);
        state.waiting.insert(ticket, Slot { news: VecDeque::new(), waker: None, who });
        Waiting::new(Arc::clone(self), ticket, what)
    }

    /// The token did not go along.
    pub(crate) fn called_without_token(self: &Arc<Self>, url: Secret) -> Result<(), ClientError> {
        Ok(self.turn(|coordinator, now| coordinator.called_without_token(now, url))?)
    }

    /// Works until the client is closed.
    pub(crate) async fn run(self: &Arc<Self>) {
        let waiting = self.wait(Who::Carrier, "the end");
        self.wake();
        if !self.ask(Coordinator::is_closing) {
            waiting.closing().await;
        }
        // Whoever closes it may go before that is done.
        self.close().await;
    }

    pub(crate) async fn close(self: &Arc<Self>) {
        if let Ok(closing) = self.begin("the end", Call::Close { within: None }) {
            let waiting: Vec<Ticket> = self.lock().waiting.keys().copied().collect();
            waiting.into_iter().for_each(|ticket| self.deliver(ticket, News::Closing));
            // It ends in any case.
            let _ = closing.reply().await;
        }
        self.pool.close();
        self.events.close();
    }

    /// Changes the coordinator and does what it says.
    fn turn<T>(self: &Arc<Self>, change: impl FnOnce(&mut Coordinator, Now) -> T) -> T {
        let changed = change(&mut self.lock().coordinator, self.clocks.now());
        self.drain();
        changed
    }

    /// Time has passed: once is enough.
    fn wake(self: &Arc<Self>) {
        let now = self.clocks.now();
        let was_woken = self.lock().woken.replace(now) == Some(now);
        if !was_woken {
            self.turn(Coordinator::wake);
        }
    }

    /// Everything that the coordinator has to say, in order and outside of the lock. Whoever comes meanwhile leaves it to who is at
    /// it.
    fn drain(self: &Arc<Self>) {
        while let Some((output, _draining)) = self.next_output() {
            // What is the host's may panic, and the rest goes on.
            let _ = catch_unwind(AssertUnwindSafe(|| self.act(output)));
        }
    }

    fn next_output(&self) -> Option<(Output, Draining<'_>)> {
        let mut state = self.lock();
        if state.is_draining {
            return None;
        }
        if let Some(output) = state.coordinator.poll() {
            state.is_draining = true;
            return Some((output, Draining(self)));
        }
        let alarm = state.coordinator.wake_at();
        let is_other = std::mem::replace(&mut state.alarm, alarm) != alarm;
        drop(state);
        if is_other {
            self.pool.ring();
        }
        None
    }

    fn act(self: &Arc<Self>, output: Output) {
        match output {
            Output::Do { job, op } => self.begin_job(job, op),
            Output::Stop { job } => self.pool.stop(job),
            Output::Resolve { ticket, reply } => self.deliver(ticket, News::Reply(reply)),
            Output::Show { ticket, what } => self.deliver(ticket, News::Shown(what)),
            Output::Tell { event } => self.events.tell(client_event(event, self.last_error())),
            Output::Publish { fresh } => self.fresh.store(fresh.map(Arc::new)),
        }
    }

    fn deliver(&self, ticket: Ticket, news: News) {
        let waker = self.lock().waiting.get_mut(&ticket).and_then(|slot| {
            slot.news.push_back(news);
            slot.waker.take()
        });
        waker.into_iter().for_each(Waker::wake);
    }

    /// Why a call failed, for its caller.
    pub(crate) fn error(&self, failure: Failure, what: &'static str) -> ClientError {
        client_error(failure, what, self.last_error())
    }

    pub(crate) fn last_error(&self) -> Option<&LastError> {
        self.stores.as_ref().map(|stores| stores.last_error())
    }

    /// A panic elsewhere leaves the coordinator whole: it is not in there that anything of others runs.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes one out of a map that leaves no room when it has become empty: a service has these for each of its users.
fn take_out<K: Ord, V>(map: &mut BTreeMap<K, V>, key: &K) -> Option<V> {
    let taken = map.remove(key);
    if map.is_empty() {
        *map = BTreeMap::new();
    }
    taken
}

/// Lets the next output be taken.
struct Draining<'a>(&'a Executor);

impl Drop for Draining<'_> {
    fn drop(&mut self) {
        self.0.lock().is_draining = false;
    }
}
