//! What both executors have.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use tokio::task::spawn_blocking;
use webex_oauth::coordinator::{Call, ClientEvent, Coordinator, Failure, Now, Refused, Reply};
use webex_oauth::{AccessToken, HttpResponse, SendFault, TargetUri};

use crate::http1::Exchange;
use crate::surroundings::Surroundings;
use crate::{blocking, tasks};

/// An executor, for the harness.
pub trait Front: Clone + Send + Sync + 'static {
    /// The name of the driver.
    const NAME: &'static str;
    /// Whether somebody who waits can be taken away.
    const CANCELS: bool;

    /// Starts it.
    fn start(coordinator: Coordinator, surroundings: Surroundings) -> io::Result<(Self, Receiver<ClientEvent>)>;

    /// The token that was published.
    fn published(&self) -> Option<(AccessToken, u64)>;

    /// Changes the coordinator, or asks it something.
    fn with<T>(&self, change: impl FnOnce(&mut Coordinator, Now) -> T) -> T;

    /// Makes a call and waits for its reply.
    fn call(&self, call: Call) -> impl Future<Output = Result<Reply, Refused>> + Send;

    /// Sends a caller's own request.
    fn send(
        &self,
        target: TargetUri,
        exchange: Exchange,
        within: Duration,
    ) -> impl Future<Output = Result<HttpResponse, SendFault>> + Send;

    /// Ends it.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

/// Whoever calls it has a thread.
impl Front for Arc<blocking::Executor> {
    const NAME: &'static str = "plain";
    const CANCELS: bool = false;

    fn start(coordinator: Coordinator, surroundings: Surroundings) -> io::Result<(Self, Receiver<ClientEvent>)> {
        blocking::Executor::start(coordinator, surroundings)
    }

    fn published(&self) -> Option<(AccessToken, u64)> {
        blocking::Executor::published(self)
    }

    fn with<T>(&self, change: impl FnOnce(&mut Coordinator, Now) -> T) -> T {
        blocking::Executor::with(self, change)
    }

    async fn call(&self, call: Call) -> Result<Reply, Refused> {
        let executor = Arc::clone(self);
        let called = spawn_blocking(move || blocking::Executor::call(&executor, call, |_| {})).await;
        called.unwrap_or(Ok(Reply::Failed(Failure::Interrupted)))
    }

    async fn send(&self, target: TargetUri, exchange: Exchange, within: Duration) -> Result<HttpResponse, SendFault> {
        let send = move || blocking::Connection::open(&target, within)?.run(exchange, None);
        spawn_blocking(send).await.unwrap_or(Err(SendFault::Lost))
    }

    async fn close(&self) {
        let executor = Arc::clone(self);
        let _ = spawn_blocking(move || blocking::Executor::close(&executor)).await;
    }
}

impl Front for Arc<tasks::Executor> {
    const NAME: &'static str = "plain-async";
    const CANCELS: bool = true;

    fn start(coordinator: Coordinator, surroundings: Surroundings) -> io::Result<(Self, Receiver<ClientEvent>)> {
        Ok(tasks::Executor::start(coordinator, surroundings))
    }

    fn published(&self) -> Option<(AccessToken, u64)> {
        tasks::Executor::published(self)
    }

    fn with<T>(&self, change: impl FnOnce(&mut Coordinator, Now) -> T) -> T {
        tasks::Executor::with(self, change)
    }

    async fn call(&self, call: Call) -> Result<Reply, Refused> {
        tasks::Executor::call(self, call, |_| {}).await
    }

    async fn send(&self, target: TargetUri, exchange: Exchange, within: Duration) -> Result<HttpResponse, SendFault> {
        tasks::exchange(&target, exchange, within, None).await
    }

    async fn close(&self) {
        tasks::Executor::close(self).await;
    }
}
