//! The second sans-IO layer: callers, store and time. The [session](crate::Session) decides about tokens; the coordinator that
//! owns it decides who waits for what, in which order effects are done, what a conflict in the store means, when a refresh
//! token may be spent, what an API's answer means, and how closing and signing out end.
//!
//! A driver has one lock around it. Whoever changed it drains [`Coordinator::poll`] to the end; jobs run outside of the lock
//! and report with [`Coordinator::done`]. There is no clock, no thread and no IO in here, and no result of a job, late,
//! doubled or of another kind than was asked for, is an error or a panic.
//!
//! The modules, from the caller to the store: `waiters` and `tokens` (who waits for what), `answered`, `logins`,
//! `signing_out`, `closing`; `guard` (when a refresh token is spent); `looks` and `saving` (the store); `publishing`; `jobs`. Beside it `rebinding`: a session gets
//! another key.

mod answered;
mod call;
mod clock;
mod closing;
mod effects;
mod guard;
mod jobs;
mod logins;
mod looks;
mod options;
mod output;
mod publishing;
mod rebinding;
mod rules;
mod saving;
mod signing_out;
mod tokens;
mod waiters;

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

pub use call::{Call, Credential, Of, Refused, Spent, Ticket, Which};
pub use clock::{Now, Tick, Times, WakeAt};
pub use options::{Options, StoreTraits};
pub use output::{
    ClientEvent, Done, Failure, Fresh, JobId, Next, Op, Output, Reply, Shown, StoreFault, StoreFaultKind,
};
pub use rebinding::{RebindFailed, RebindKey, RebindOp, RebindStep, Rebinding};

use self::closing::Closing;
use self::guard::Guard;
use self::jobs::Jobs;
use self::logins::Logins;
use self::looks::Looks;
use self::options::Random;
use self::saving::Saving;
use self::waiters::Waiters;
use crate::action::guarded::Guarded;
use crate::config::Config;
use crate::error::Misuse;
use crate::input::Input;
use crate::secret::{Entropy, Secret};
use crate::session::Session;
use crate::snapshot::RestoreError;

/// Everything above the session, for one session.
#[cfg_attr(test, derive(Clone))]
pub struct Coordinator {
    session: Session,
    options: Options,
    random: Random,
    now: Now,
    out: VecDeque<Output>,
    /// What is told at the end of a step.
    tells: Vec<ClientEvent>,
    jobs: Jobs,
    saving: Saving,
    looks: Looks,
    guard: Guard,
    waiters: Waiters,
    logins: Logins,
    published: Option<Fresh>,
    closing: Option<Closing>,
    /// Something is other than when the waiters were last looked at.
    changed: bool,
    /// The call that is being taken in: what only its caller wants to know goes to this ticket.
    caller: Option<Ticket>,
    #[cfg(test)]
    pub(crate) broken: Option<rules::Rule>,
}

impl Coordinator {
    /// A session as the store holds it, or a fresh one. `seed` is new at every start of a program.
    ///
    /// # Errors
    ///
    /// As [`Session::restore`], for what is `stored`. Without that there is none.
    pub fn open(
        config: Config,
        stored: Option<&Secret>,
        seed: Entropy,
        options: Options,
    ) -> Result<Self, RestoreError> {
        let random = Random::of(&seed);
        let mut session = match stored {
            Some(snapshot) => Session::restore(config, snapshot.expose())?,
            None => Session::new(config, seed),
        };
        session.leave_beginning(random.name());
        session.try_settings_anew();
        Ok(Self {
            saving: Saving::new(&session, stored.is_some()),
            session,
            options,
            random,
            now: Now::default(),
            out: VecDeque::new(),
            tells: Vec::new(),
            jobs: Jobs::default(),
            looks: Looks::default(),
            guard: Guard::default(),
            waiters: Waiters::default(),
            logins: Logins::default(),
            published: None,
            closing: None,
            changed: false,
            caller: None,
            #[cfg(test)]
            broken: None,
        })
    }

    /// Begins a transcript, before the first call: [`Session::transcript`].
    pub fn start_recording(&mut self) {
        self.session.start_recording();
    }

    /// Takes a call in. The answer comes as [`Output::Resolve`], perhaps at once.
    ///
    /// # Errors
    ///
    /// [`Refused::TicketInUse`] where the ticket belongs to a call that is still open. [`Refused::Misuse`] where a
    /// [`Call::SignIn`] is a mistake of the caller's, as the method of [`Session`] says. Nothing of the call has happened
    /// then, and nothing resolves its ticket. How a call that was taken in fails is a [`Reply::Failed`].
    pub fn call(&mut self, now: Now, ticket: Ticket, call: Call) -> Result<(), Refused> {
        if self.waiters.has(ticket) || self.closing.as_ref().is_some_and(|closing| closing.has(ticket)) {
            return Err(Refused::TicketInUse);
        }
        self.advance(now);
        self.caller = Some(ticket);
        let accepted = self.accept(ticket, call);
        self.caller = None;
        if accepted.is_ok() {
            self.consider(ticket);
        }
        self.settle();
        accepted.map_err(Refused::Misuse)
    }

    /// An API was called without the token, since [`Config::judge_url`] said that it may not go there: told to whoever
    /// listens, once for each host.
    ///
    /// # Errors
    ///
    /// [`Misuse::InvalidArgument`] where [`Config::judge_url`] refuses the URL: nobody is told.
    pub fn called_without_token(&mut self, now: Now, url: Secret) -> Result<(), Misuse> {
        self.advance(now);
        let given = self.try_give(Input::CalledWithoutToken { url }, false);
        self.settle();
        given
    }

    /// The caller went away: its ticket is free, and nothing else ends.
    pub fn give_up(&mut self, ticket: Ticket) {
        self.waiters.remove(ticket);
        if let Some(closing) = &mut self.closing {
            closing.forget(ticket);
        }
    }

    /// A job ended. Unknown, late and repeated reports are ignored.
    pub fn done(&mut self, now: Now, job: JobId, result: Done) {
        let is_due = self.read_clocks(now);
        // What has come is taken before the clock says that it was late. The store's word has no such moment.
        let has_deadline =
            matches!(result, Done::Response(_) | Done::SendFailed(_) | Done::Answer(_) | Done::HostFailed(_));
        self.tick(is_due && !has_deadline);
        self.job_ended(job, result);
        self.tick(is_due && has_deadline);
        self.changed = true;
        self.settle();
    }

    /// Time has passed. Spurious ones do nothing.
    pub fn wake(&mut self, now: Now) {
        self.advance(now);
        self.changed = true;
        self.settle();
    }

    /// The next thing to do. Drain it to `None` after each of the calls above.
    pub fn poll(&mut self) -> Option<Output> {
        let next = self.out.pop_front();
        if next.is_none() {
            // Most of the time there is nothing to do, and a service has one of these for each of its users.
            self.out = VecDeque::new();
            self.jobs.leave_no_room();
            self.waiters.leave_no_room();
        }
        next
    }

    /// When to [`wake`](Self::wake) it.
    pub fn wake_at(&self) -> WakeAt {
        let wall = self.session.wake_after(self.now.wall);
        WakeAt { wall, mono: self.waits_for().into_iter().flatten().min().map(|at| at.max(self.now.mono)) }
    }

    /// How long to sleep before [`Self::wake`] if nothing else happens before: half a minute at most, a millisecond at least.
    pub fn pause(&self, now: &Now) -> Duration {
        // By a clock that was set back everything is far away, until the session has seen it.
        if now.wall < self.now.wall { clock::SHORTEST } else { self.wake_at().pause(now) }
    }

    /// The process was forked, or the event loop replaced: no job will report, and whoever waited is gone. What was sent has an
    /// unknown outcome. `seed` is new, since the other half of a fork goes on with the old one.
    pub fn restarted(&mut self, now: Now, seed: &Entropy) {
        self.now = now;
        self.random = Random::of(seed);
        self.act(Guarded::Name { name: self.random.name() }, false);
        self.guard = Guard::default();
        self.looks.restart();
        self.saving.restart(now.mono);
        let closing = self.closing.as_mut().map(Closing::take_tickets).unwrap_or_default();
        for ticket in self.waiters.take_all().into_iter().chain(closing) {
            self.resolve(ticket, Reply::Failed(Failure::Interrupted));
        }
        for input in self.jobs.restart() {
            self.give(input);
        }
        self.changed = true;
        self.settle();
    }

    /// Everything that waits for the monotonic clock.
    pub(crate) fn waits_for(&self) -> [Option<Tick>; 5] {
        [
            self.waiters.wake_at(),
            self.guard.wake_at(),
            self.saving.wake_at(),
            self.jobs.wake_at(),
            self.closing.as_ref().and_then(|closing| closing.wake_at(self.now.mono)),
        ]
    }

    /// The session, to ask it questions.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Why what is in the session is not in the store, where that is so.
    pub fn store_fault(&self) -> Option<&StoreFault> {
        self.saving.failing()
    }

    /// Reads the clocks, and gives the session what is due, whatever else is out.
    fn advance(&mut self, now: Now) {
        let is_due = self.read_clocks(now);
        self.tick(is_due);
    }

    /// Whether the session has to see the time.
    fn read_clocks(&mut self, now: Now) -> bool {
        let went_back = now.wall < self.now.wall;
        self.now = Now { wall: now.wall, mono: now.mono.max(self.now.mono) };
        went_back || self.session.wake_at().is_some_and(|at| at <= now.wall)
    }

    fn tick(&mut self, is_due: bool) {
        if is_due {
            self.give(Input::Tick);
        }
    }

    /// Goes on with all that can go on, until nothing more can.
    fn settle(&mut self) {
        /// Each round moves something on; this is far more than any chain of steps.
        const MOST: u32 = 64;
        self.expire_jobs();
        for _ in 0..MOST {
            let before = (self.out.len(), self.progress());
            self.store_what_changed();
            self.begin_logins();
            self.step_guard();
            self.go_on_closing();
            let considers = std::mem::take(&mut self.changed);
            if considers {
                self.consider_all();
            }
            self.begin_looks();
            // What a waiter asked the session for is begun in the next round.
            if before == (self.out.len(), self.progress()) && !considers && !self.changed {
                break;
            }
        }
        self.publish();
        self.out.extend(std::mem::take(&mut self.tells).into_iter().map(|event| Output::Tell { event }));
    }

    /// What tells one moment from the next, for [`Self::settle`].
    fn progress(&self) -> (u64, u64, u64, u64) {
        (self.jobs.begun(), self.saving.changes(), self.guard.steps(), self.looks.asked())
    }

    fn resolve(&mut self, ticket: Ticket, reply: Reply) {
        self.out.push_back(Output::Resolve { ticket, reply });
    }

    /// Whether nothing is under way but looks that nobody waits for, and all is stored: it may be dropped.
    pub fn is_at_rest(&self) -> bool {
        let waits = !self.waiters.is_empty() || !self.guard.is_idle() || self.closing.is_some();
        !waits && !self.jobs.has_other_than_loads() && self.store_fault().is_none()
    }

    /// Whether nothing new is begun any longer.
    pub fn is_closing(&self) -> bool {
        self.closing.is_some()
    }
}

/// Nothing of the tokens.
impl fmt::Debug for Coordinator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coordinator")
            .field("session", &self.session)
            .field("guard", &self.guard)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "../tests/coordinator/simulation.rs"]
#[allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a program that tests the core is not the core"
)]
mod simulation;
