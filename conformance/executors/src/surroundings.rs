//! What an executor finds where it runs: a store, two clocks, and the application's own answers.

use std::fmt;

use webex_oauth::coordinator::{Done, Now, Op};
use webex_oauth::{Secret, SendFault, Timestamp};
use webex_oauth_driver::{StoreJobs, host_answer, tick};

/// The same for both executors.
pub struct Surroundings {
    /// Compares and swaps; `None` where the session lives in memory alone.
    pub stores: Option<StoreJobs>,
    /// The wall clock.
    pub wall: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// Brings tokens, or a JWT, where the configuration says that the application renews.
    pub ask: Box<dyn Fn() -> Result<Secret, String> + Send + Sync>,
}

impl Surroundings {
    /// What both clocks read; the monotonic one counts sleep.
    pub fn now(&self) -> Now {
        Now { wall: (self.wall)(), mono: tick() }
    }

    /// Does a job that is no request. It blocks.
    pub fn run(&self, op: &Op) -> Done {
        match (op, &self.stores) {
            (Op::AskForToken { .. } | Op::AskForJwt { .. }, _) => host_answer((self.ask)()),
            (_, Some(stores)) => stores.run(op),
            (_, None) => op.failed(SendFault::NotSent, "there is no store"),
        }
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").field("stores", &self.stores).finish_non_exhaustive()
    }
}
