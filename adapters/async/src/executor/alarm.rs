//! The timer of somebody who waits. Each has one of its own: it belongs to the runtime in which it was set, and that may end.

use std::sync::Arc;
use std::task::{Context, Poll};

use webex_oauth::coordinator::{Coordinator, WakeAt};

use super::Executor;
use webex_oauth_driver::BoxFuture;

#[derive(Default)]
pub(super) struct Alarm {
    at: WakeAt,
    sleep: Option<BoxFuture<'static, ()>>,
}

impl Alarm {
    /// Wakes the coordinator if its time has come, and the task when it will come.
    pub(super) fn poll(&mut self, executor: &Arc<Executor>, cx: &mut Context<'_>) {
        loop {
            let at = executor.ask(Coordinator::wake_at);
            if at != self.at {
                self.sleep = None;
            }
            self.at = at;
            let pause = || {
                let now = executor.clocks.now();
                executor.http.sleep(executor.ask(|coordinator| coordinator.pause(&now)))
            };
            match self.sleep.get_or_insert_with(pause).as_mut().poll(cx) {
                Poll::Pending => return,
                Poll::Ready(()) => {
                    self.sleep = None;
                    executor.wake();
                }
            }
        }
    }
}
