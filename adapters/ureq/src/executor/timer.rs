//! The thread that wakes a coordinator when its time has come.

use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};

use webex_oauth_driver::ClientError;

use super::Executor;

impl Executor {
    /// Runs until [`Self::end`].
    pub(crate) fn start_timer(self: &Arc<Self>) -> Result<JoinHandle<()>, ClientError> {
        let executor = Arc::clone(self);
        let thread = thread::Builder::new().name("webex-oauth-timer".to_owned());
        thread.spawn(move || executor.keep_time()).map_err(|error| ClientError::Thread { kind: error.kind() })
    }

    fn keep_time(self: &Arc<Self>) {
        loop {
            let mut state = self.lock();
            if state.is_over {
                return;
            }
            state.alarm = state.coordinator.wake_at();
            let pause = state.coordinator.pause(&self.now());
            let (state, slept) = self.sooner.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner);
            let is_over = state.is_over;
            drop(state);
            if slept.timed_out() && !is_over {
                self.turn(|state, now| state.coordinator.wake(now));
            }
        }
    }

    /// Its time has come, as its keeper says.
    pub(crate) fn wake(self: &Arc<Self>) {
        self.turn(|state, now| state.coordinator.wake(now));
    }

    /// Nothing more is told, and nobody is woken any longer.
    pub(crate) fn end(&self) {
        self.lock().is_over = true;
        self.sooner.notify_one();
        self.events.end();
    }
}
