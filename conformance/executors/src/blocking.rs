//! A whole executor that blocks: a thread for each job, one for the time, whoever calls waits on a channel.

mod connection;

use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::{io, thread};

use arc_swap::ArcSwapOption;
use webex_oauth::coordinator::{
    Call, ClientEvent, Coordinator, Done, Failure, Fresh, JobId, Now, Op, Output, Refused, Reply, Shown, Ticket,
};
use webex_oauth::{AccessToken, SendFault};

pub use self::connection::Connection;
use crate::http1::{Exchange, of_core};
use crate::surroundings::Surroundings;

/// Runs one coordinator.
pub struct Executor {
    surroundings: Surroundings,
    /// May be handed out without asking.
    fresh: ArcSwapOption<Fresh>,
    state: Mutex<State>,
    /// The timer has to look at its clocks again.
    sooner: Condvar,
}

/// Never locked while a job runs.
struct State {
    coordinator: Coordinator,
    last_ticket: u64,
    waiting: HashMap<Ticket, Sender<News>>,
    /// Of requests that are out.
    connections: HashMap<JobId, TcpStream>,
    /// `None`: it is over.
    listener: Option<SyncSender<ClientEvent>>,
}

enum News {
    Shown(Shown),
    Reply(Reply),
}

impl Executor {
    /// Starts the timer. What the receiver does not take is kept for it, up to a thousand events.
    pub fn start(
        coordinator: Coordinator,
        surroundings: Surroundings,
    ) -> io::Result<(Arc<Self>, Receiver<ClientEvent>)> {
        let (listener, told) = sync_channel(1000);
        let (waiting, connections) = (HashMap::new(), HashMap::new());
        let state = State { coordinator, last_ticket: 0, waiting, connections, listener: Some(listener) };
        let (fresh, state, sooner) = (ArcSwapOption::empty(), Mutex::new(state), Condvar::new());
        let executor = Arc::new(Self { surroundings, fresh, state, sooner });
        let timer = Arc::clone(&executor);
        thread::Builder::new().spawn(move || timer.keep_time())?;
        Ok((executor, told))
    }

    /// The token that was published, with its generation. This is the way that is taken a thousand times a second.
    pub fn published(&self) -> Option<(AccessToken, u64)> {
        let fresh = self.fresh.load();
        let fresh = fresh.as_ref().filter(|fresh| fresh.may_be_handed_out((self.surroundings.wall)()))?;
        Some((fresh.token.clone(), fresh.generation))
    }

    /// Makes a call and waits for its reply.
    pub fn call(self: &Arc<Self>, call: Call, mut show: impl FnMut(Shown)) -> Result<Reply, Refused> {
        let (sender, news) = channel();
        self.turn(|state, now| {
            state.last_ticket += 1;
            let ticket = Ticket(state.last_ticket);
            state.waiting.insert(ticket, sender);
            state.coordinator.call(now, ticket, call).inspect_err(|_| drop(state.waiting.remove(&ticket)))
        })?;
        loop {
            // Every ticket is resolved.
            match news.recv().unwrap_or(News::Reply(Reply::Failed(Failure::Closed))) {
                News::Shown(shown) => show(shown),
                News::Reply(reply) => return Ok(reply),
            }
        }
    }

    /// Finishes what is under way. It ends in any case, and so does the timer then.
    pub fn close(self: &Arc<Self>) {
        let _ = self.call(Call::Close { within: None }, |_| {});
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
        let jobs = self.drain(&mut state);
        drop(state);
        self.sooner.notify_one();
        for (job, op) in jobs {
            self.begin(job, op);
        }
        changed
    }

    /// All that the coordinator has to say, in its order. Nothing of it waits for anybody; jobs are begun without the lock.
    fn drain(&self, state: &mut State) -> Vec<(JobId, Op)> {
        let mut jobs = Vec::new();
        while let Some(output) = state.coordinator.poll() {
            match output {
                Output::Do { job, op } => jobs.push((job, op)),
                Output::Stop { job } => {
                    // A thread cannot be taken away from what it does; its connection can.
                    if let Some(connection) = state.connections.remove(&job) {
                        let _ = connection.shutdown(Shutdown::Both);
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
        jobs
    }

    /// A thread for each job, which reports it, however it ends.
    fn begin(self: &Arc<Self>, job: JobId, op: Op) {
        let executor = Arc::clone(self);
        let not_begun = op.failed(SendFault::NotSent, "no thread can be started");
        let work = move || {
            let lost = op.failed(SendFault::Lost, "it panicked");
            let done = catch_unwind(AssertUnwindSafe(|| executor.run(job, &op))).unwrap_or(lost);
            executor.report(job, done);
        };
        if thread::Builder::new().spawn(work).is_err() {
            self.report(job, not_begun);
        }
    }

    fn report(self: &Arc<Self>, job: JobId, done: Done) {
        self.turn(|state, now| {
            state.connections.remove(&job);
            state.coordinator.done(now, job, done);
        });
    }

    fn run(&self, job: JobId, op: &Op) -> Done {
        let Op::Send { request, within, not_after, .. } = op else { return self.surroundings.run(op) };
        let send = || {
            let cap = request.hints.max_response_bytes;
            let exchange = Exchange::new(of_core(request)?, &request.target, cap)?;
            let connection = Connection::open(&request.target, *within)?;
            self.lock().connections.extend(connection.handle().map(|handle| (job, handle)));
            connection.run(exchange, *not_after)
        };
        send().map_or_else(Done::SendFailed, Done::Response)
    }

    fn keep_time(self: &Arc<Self>) {
        let mut state = self.lock();
        while state.listener.is_some() {
            let pause = state.coordinator.pause(&self.surroundings.now());
            let (woken, slept) = self.sooner.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner);
            drop(woken);
            if slept.timed_out() {
                self.with(Coordinator::wake);
            }
            state = self.lock();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
