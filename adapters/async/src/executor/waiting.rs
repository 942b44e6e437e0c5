//! Somebody who waits, and works meanwhile.
//!
//! Jobs belong to the client, not to the task that caused them. Everybody who waits polls them, and so does a task that the
//! host is asked to spawn when there are any. So it does not matter which of the tasks is dropped, nor at which await, nor that
//! one of them is alive and not polled.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use webex_oauth::coordinator::{Call, Failure, Reply, Shown, Ticket};
use webex_oauth_driver::ClientError;

use super::alarm::Alarm;
use super::{Executor, News, Who, take_out};

pub(crate) struct Waiting {
    executor: Arc<Executor>,
    ticket: Ticket,
    what: &'static str,
}

impl Waiting {
    pub(super) fn new(executor: Arc<Executor>, ticket: Ticket, what: &'static str) -> Self {
        Self { executor, ticket, what }
    }

    pub(crate) fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Waits for the reply.
    pub(crate) async fn reply(&self) -> Result<Reply, ClientError> {
        loop {
            if let News::Reply(reply) = self.next().await {
                return self.read(reply);
            }
        }
    }

    /// Waits for what is shown to the user, or for the reply where that comes first.
    pub(crate) async fn shown(&self) -> Result<Option<Shown>, ClientError> {
        loop {
            match self.next().await {
                News::Shown(shown) => return Ok(Some(shown)),
                News::Reply(reply) => return self.read(reply).map(|_| None),
                News::Closing => {}
            }
        }
    }

    /// Waits until somebody closes the client.
    pub(super) async fn closing(&self) {
        while !matches!(self.next().await, News::Closing) {}
    }

    fn read(&self, reply: Reply) -> Result<Reply, ClientError> {
        match reply {
            Reply::Failed(failure) => Err(self.executor.error(failure, self.what)),
            reply => Ok(reply),
        }
    }

    async fn next(&self) -> News {
        self.until(|waker| {
            let mut state = self.executor.lock();
            // Every ticket is resolved; one that was taken from here is none.
            let Some(slot) = state.waiting.get_mut(&self.ticket) else {
                return Some(News::Reply(Reply::Failed(Failure::Closed)));
            };
            let news = slot.news.pop_front();
            let replaced = if news.is_none() { slot.waker.replace(waker.clone()) } else { None };
            drop(state);
            drop(replaced);
            news
        })
        .await
    }

    /// Works until `ready` has an answer.
    async fn until<T>(&self, mut ready: impl FnMut(&Waker) -> Option<T>) -> T {
        let (executor, mut alarm) = (&self.executor, Alarm::default());
        poll_fn(|cx| {
            if let Some(answer) = ready(cx.waker()) {
                return Poll::Ready(answer);
            }
            // A callback of the host that asks the client is a job itself: it is polled by who works, and does not work.
            if !executor.pool.is_polled_here() {
                // Listening comes first: what happens from here on wakes this task.
                executor.pool.listen(self.ticket, cx.waker());
                executor.work();
                alarm.poll(executor, cx);
            }
            ready(cx.waker()).map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

impl Executor {
    /// Works until nothing is under way: what callers have begun is carried to its end, also where all of them are gone.
    pub(super) async fn carry(self: &Arc<Self>) {
        // Where the store fails for longer than anybody's patience, the next caller goes on with it.
        let flush = Call::Flush { within: None };
        if let Ok(waiting) = self.begin_for(Who::Carrier, "what is under way", flush) {
            let _ = waiting.reply().await;
        }
        let waiting = self.wait(Who::Carrier, "what is under way");
        waiting.until(|_| self.pool.is_carried_to_its_end().then_some(())).await;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut state = self.executor.lock();
        let slot = take_out(&mut state.waiting, &self.ticket);
        state.coordinator.give_up(self.ticket);
        drop(state);
        drop(slot);
        self.executor.pool.leave(self.ticket);
    }
}
