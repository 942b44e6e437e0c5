//! The coordinator, behind a lock that is held for moments: each call returns everything that it led to, in one crossing.

mod failures;
mod given;
mod outputs;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use webex_oauth::Timestamp;
use webex_oauth::coordinator::{self as core, StoreFault};

pub use self::failures::CallFailure;
pub use self::given::{CoordinatorCall, CoordinatorOptions, Credential, IntentTimes, JobResult, Spent, TokenOf};
pub use self::outputs::{
    CoordinatorEvent, CoordinatorOutput, CoordinatorReply, JobOp, NextStep, PublishedToken, WakeAt,
};
use crate::access::{Access, Status};
use crate::config::Config;
use crate::error::{EntropyError, MisuseError, RestoreError};
use crate::mirror::mirror;
use crate::ms;
use crate::secret::{Entropy, Secret};
use crate::tokens::TokenSet;

mirror! {
    /// Why a call was not accepted: nothing has happened, and its ticket is free.
    #[derive(Debug, thiserror::Error, uniffi::Error)]
    pub enum RefusedError from core::Refused {
        /// The ticket is another call's, which is still open.
        #[error("the ticket belongs to a call that is still open")]
        TicketInUse,
        /// The call itself is a mistake.
        #[error("{mistake}")]
        Misuse {
            /// Which.
            mistake: MisuseError = 0,
        },
    }
}

/// Why a coordinator could not be opened.
#[derive(Debug, thiserror::Error, uniffi::Error)]
pub enum OpenError {
    /// What is stored cannot be used.
    #[error("{why}")]
    Stored {
        /// Why.
        why: RestoreError,
    },
    /// The seed has served already.
    #[error("entropy serves only once")]
    UsedEntropy,
}

mirror! {
    /// What both clocks read.
    #[derive(Debug, Clone, Copy, uniffi::Record)]
    pub struct Clocks into core::Now {
        /// The wall's.
        pub wall: Timestamp,
        /// Milliseconds of one that only goes forward and counts sleep.
        pub mono: u64,
    }
}

/// Reads a clock that only goes forward and counts sleep, in milliseconds.
#[uniffi::export]
pub fn monotonic_ms() -> u64 {
    webex_oauth_driver::tick().as_millis()
}

/// Who waits for what, when to store and when to send: everything above a session, without IO.
#[derive(uniffi::Object)]
#[uniffi::export(Display)]
pub struct Coordinator(Mutex<core::Coordinator>);

impl Coordinator {
    fn lock(&self) -> MutexGuard<'_, core::Coordinator> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn drain(coordinator: &mut core::Coordinator) -> Vec<CoordinatorOutput> {
    std::iter::from_fn(|| coordinator.poll()).map(CoordinatorOutput::from).collect()
}

#[uniffi::export]
impl Coordinator {
    /// A session as the store holds it, or a fresh one.
    #[uniffi::constructor]
    pub fn open(
        config: &Config,
        stored: Option<Arc<Secret>>,
        seed: &Entropy,
        options: CoordinatorOptions,
    ) -> Result<Arc<Self>, OpenError> {
        let seed = seed.take().ok_or(OpenError::UsedEntropy)?;
        let stored = stored.map(|stored| stored.core());
        let config = config.core();
        let options = options.into_core(&config);
        let opened = core::Coordinator::open(config, stored.as_ref(), seed, options);
        Ok(Arc::new(Self(Mutex::new(opened.map_err(|why| OpenError::Stored { why: why.into() })?))))
    }

    /// Takes a call in, under a ticket of the caller's choice. What else was due by the clock is there at the next `wake`.
    pub fn call(
        &self,
        now: Clocks,
        ticket: u64,
        call: CoordinatorCall,
    ) -> Result<Vec<CoordinatorOutput>, RefusedError> {
        let call = call.into_core().map_err(|mistake| RefusedError::Misuse { mistake })?;
        let mut coordinator = self.lock();
        coordinator.call(now.into(), core::Ticket(ticket), call)?;
        Ok(drain(&mut coordinator))
    }

    /// Begins a transcript, before the first call.
    pub fn start_recording(&self) {
        self.lock().start_recording();
    }

    /// The transcript so far, without secrets, as JSON lines, where one was begun.
    pub fn transcript(&self) -> Option<String> {
        self.lock().session().transcript().map(str::to_owned)
    }

    /// An API was called without the token, since `judge_url` said that it may not go there: told once for each host.
    pub fn called_without_token(&self, now: Clocks, url: &Secret) -> Result<Vec<CoordinatorOutput>, MisuseError> {
        let mut coordinator = self.lock();
        coordinator.called_without_token(now.into(), url.core())?;
        Ok(drain(&mut coordinator))
    }

    /// Whether nothing new is begun any longer.
    pub fn is_closing(&self) -> bool {
        self.lock().is_closing()
    }

    /// What is to be done and was not handed out yet: after a call that was refused.
    pub fn drain(&self) -> Vec<CoordinatorOutput> {
        drain(&mut self.lock())
    }

    /// The caller went away: its ticket is free.
    pub fn give_up(&self, ticket: u64) {
        self.lock().give_up(core::Ticket(ticket));
    }

    /// A job ended. Unknown, late and repeated reports are ignored.
    pub fn done(&self, now: Clocks, job: u64, result: JobResult) -> Vec<CoordinatorOutput> {
        let mut coordinator = self.lock();
        coordinator.done(now.into(), core::JobId(job), result.into());
        drain(&mut coordinator)
    }

    /// Time has passed. Spurious ones do nothing.
    pub fn wake(&self, now: Clocks) -> Vec<CoordinatorOutput> {
        let mut coordinator = self.lock();
        coordinator.wake(now.into());
        drain(&mut coordinator)
    }

    /// No job will report, and whoever waited is gone. `seed` is a new one.
    pub fn restarted(&self, now: Clocks, seed: &Entropy) -> Result<Vec<CoordinatorOutput>, EntropyError> {
        let seed = seed.take().ok_or(EntropyError::Used)?;
        let mut coordinator = self.lock();
        coordinator.restarted(now.into(), &seed);
        Ok(drain(&mut coordinator))
    }

    /// When to call `wake` if nothing else happens before: at whichever comes first.
    pub fn wake_at(&self) -> WakeAt {
        self.lock().wake_at().into()
    }

    /// How long to sleep until then, in milliseconds: half a minute at most, since clocks are set.
    pub fn pause(&self, now: Clocks) -> u64 {
        ms(self.lock().pause(&now.into()))
    }

    /// Why what is in the session is not in the store, where that is so.
    pub fn store_fault(&self) -> Option<StoreFault> {
        self.lock().store_fault().cloned()
    }

    /// May the session's token be used now?
    pub fn access(&self, now: Timestamp) -> Access {
        self.lock().session().access(now).into()
    }

    /// A summary of the session for people.
    pub fn status(&self, now: Timestamp) -> Status {
        self.lock().session().status(now).into()
    }

    /// The tokens themselves.
    pub fn tokens(&self) -> Option<Arc<TokenSet>> {
        self.lock().session().tokens().cloned().map(TokenSet::of)
    }

    /// The revision of the session.
    pub fn revision(&self) -> u64 {
        self.lock().session().revision()
    }

    /// Where a browser goes to sign out at the identity provider, without signing out here.
    pub fn logout_url(&self, return_to: Option<String>) -> Option<Arc<Secret>> {
        self.lock().session().logout_url(return_to.as_deref()).map(Secret::of)
    }
}

/// For options that are left out.
fn millis(millis: Option<u64>, default: Duration) -> Duration {
    millis.map_or(default, Duration::from_millis)
}

/// In a few words.
impl fmt::Display for Coordinator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Coordinator")
    }
}
