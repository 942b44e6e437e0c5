//! A whole executor that awaits: a task of tokio for each job, one for the time, whoever calls awaits a channel.

mod connection;

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;
use webex_oauth::coordinator::{
    Call, ClientEvent, Coordinator, Done, Failure, Fresh, JobId, Now, Op, Output, Refused, Reply, Shown, Ticket,
};
use webex_oauth::{AccessToken, SendFault};

pub use self::connection::exchange;
use crate::http1::{Exchange, of_core};
use crate::surroundings::Surroundings;

/// Runs one coordinator.
pub struct Executor {
    surroundings: Arc<Surroundings>,
    /// May be handed out without asking.
    fresh: ArcSwapOption<Fresh>,
    state: Mutex<State>,
    /// The timer has to look at its clocks again.
    sooner: Notify,
    /// Where the tasks run, wherever the coordinator is called from.
    runtime: Handle,
}

/// Never locked across an await.
struct State {
    coordinator: Coordinator,
    last_ticket: u64,
    waiting: HashMap<Ticket, UnboundedSender<News>>,
    running: HashMap<JobId, AbortHandle>,
    /// `None`: it is over.
    listener: Option<SyncSender<ClientEvent>>,
}

enum News {
    Shown(Shown),
    Reply(Reply),
}

impl Executor {
    /// Starts the timer, on the runtime that this is called in. What the receiver does not take is kept for it, up to a thousand
    /// events.
    pub fn start(coordinator: Coordinator, surroundings: Surroundings) -> (Arc<Self>, Receiver<ClientEvent>) {
        let (listener, told) = sync_channel(1000);
        let (waiting, running) = (HashMap::new(), HashMap::new());
        let state = State { coordinator, last_ticket: 0, waiting, running, listener: Some(listener) };
        let (fresh, state, sooner) = (ArcSwapOption::empty(), Mutex::new(state), Notify::new());
        let (surroundings, runtime) = (Arc::new(surroundings), Handle::current());
        let executor = Arc::new(Self { surroundings, fresh, state, sooner, runtime });
        let timer = Arc::clone(&executor);
        executor.runtime.spawn(async move { timer.keep_time().await });
        (executor, told)
    }

    /// The token that was published, with its generation. This is the way that is taken a thousand times a second.
    pub fn published(&self) -> Option<(AccessToken, u64)> {
        let fresh = self.fresh.load();
        let fresh = fresh.as_ref().filter(|fresh| fresh.may_be_handed_out((self.surroundings.wall)()))?;
        Some((fresh.token.clone(), fresh.generation))
    }

    /// Makes a call and awaits its reply. It is given up where this future is dropped, and nothing else is.
    pub async fn call(self: &Arc<Self>, call: Call, mut show: impl FnMut(Shown)) -> Result<Reply, Refused> {
        let (sender, mut news) = unbounded_channel();
        let ticket = self.turn(|state, now| {
            state.last_ticket += 1;
            let ticket = Ticket(state.last_ticket);
            state.waiting.insert(ticket, sender);
            let accepted = state.coordinator.call(now, ticket, call);
            accepted.map(|()| ticket).inspect_err(|_| drop(state.waiting.remove(&ticket)))
        })?;
        let _waiting = Waiting { executor: self, ticket };
        loop {
            // Every ticket is resolved.
            match news.recv().await.unwrap_or(News::Reply(Reply::Failed(Failure::Closed))) {
                News::Shown(shown) => show(shown),
                News::Reply(reply) => return Ok(reply),
            }
        }
    }

    /// Finishes what is under way. It ends in any case, and so does the timer then.
    pub async fn close(self: &Arc<Self>) {
        let _ = self.call(Call::Close { within: None }, |_| {}).await;
        self.lock().listener = None;
        self.sooner.notify_one();
    }

    /// Changes the coordinator, or asks it something, and does what it says.
    pub fn with<T>(self: &Arc<Self>, change: impl FnOnce(&mut Coordinator, Now) -> T) -> T {
        self.turn(|state, now| change(&mut state.coordinator, now))
    }

    fn turn<T>(self: &Arc<Self>, change: impl FnOnce(&mut State, Now) -> T) -> T {
        let mut state = self.lock();
        let changed = change(&mut state, self.surroundings.now());
        self.drain(&mut state);
        drop(state);
        self.sooner.notify_one();
        changed
    }

    /// All that the coordinator has to say, in its order. Nothing of it waits for anybody, nor runs in here.
    fn drain(self: &Arc<Self>, state: &mut State) {
        while let Some(output) = state.coordinator.poll() {
            match output {
                Output::Do { job, op } => {
                    // A store goes on whoever waits, and a lock that it gets has to be reported.
                    let may_end = matches!(op, Op::Send { .. } | Op::AskForToken { .. } | Op::AskForJwt { .. });
                    let handle = self.begin(job, op);
                    state.running.extend(may_end.then_some((job, handle)));
                }
                Output::Stop { job } => {
                    if let Some(work) = state.running.remove(&job) {
                        work.abort();
                    }
                }
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
                Output::Tell { event } => {
                    if let Some(listener) = &state.listener {
                        let _ = listener.try_send(event);
                    }
                }
                Output::Publish { fresh } => self.fresh.store(fresh.map(Arc::new)),
            }
        }
    }

    /// A task for each job, and one that reports it, however it ends.
    fn begin(self: &Arc<Self>, job: JobId, op: Op) -> AbortHandle {
        let lost = op.failed(SendFault::Lost, "it panicked, or was stopped");
        let work = self.runtime.spawn(run(Arc::clone(&self.surroundings), op));
        let (executor, handle) = (Arc::clone(self), work.abort_handle());
        self.runtime.spawn(async move {
            let done = work.await.unwrap_or(lost);
            executor.turn(|state, now| {
                state.running.remove(&job);
                state.coordinator.done(now, job, done);
            });
        });
        handle
    }

    async fn keep_time(self: &Arc<Self>) {
        while let Some(pause) = self.pause() {
            tokio::select! {
                () = tokio::time::sleep(pause) => self.with(Coordinator::wake),
                () = self.sooner.notified() => {}
            }
        }
    }

    fn pause(&self) -> Option<Duration> {
        let state = self.lock();
        state.listener.is_some().then(|| state.coordinator.pause(&self.surroundings.now()))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn run(surroundings: Arc<Surroundings>, op: Op) -> Done {
    let lost = op.failed(SendFault::Lost, "it panicked");
    let Op::Send { request, within, not_after, .. } = op else {
        // What blocks has a thread.
        return tokio::task::spawn_blocking(move || surroundings.run(&op)).await.unwrap_or(lost);
    };
    let send = async {
        let cap = request.hints.max_response_bytes;
        let whole = Exchange::new(of_core(&request)?, &request.target, cap)?;
        exchange(&request.target, whole, within, not_after).await
    };
    send.await.map_or_else(Done::SendFailed, Done::Response)
}

/// Somebody who waits, and may go away.
struct Waiting<'a> {
    executor: &'a Arc<Executor>,
    ticket: Ticket,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.executor.turn(|state, _| {
            if state.waiting.remove(&self.ticket).is_some() {
                state.coordinator.give_up(self.ticket);
            }
        });
    }
}
