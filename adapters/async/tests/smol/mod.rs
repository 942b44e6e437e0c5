//! A host without tokio: the executor of smol, and ureq on a pool of threads.

use std::future::Future;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use async_executor::Executor;
use async_io::Timer;
use webex_oauth_async::webex_oauth::{SendFault, TransportHints};
use webex_oauth_async::{AsyncHttp, BoxFuture, Request, Response, SendError};

#[derive(Debug, Clone)]
pub(crate) struct Threads(ureq::Agent);

impl Default for Threads {
    fn default() -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
        Self(config.build().new_agent())
    }
}

impl AsyncHttp for Threads {
    fn send(&self, request: Request, hints: TransportHints) -> BoxFuture<'static, Result<Response, SendError>> {
        let agent = self.0.clone();
        Box::pin(blocking::unblock(move || {
            let failed = |error: ureq::Error| match error {
                ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => {
                    SendError::new(SendFault::NotSent, "the server cannot be reached")
                }
                _ => SendError::new(SendFault::Lost, "no complete answer"),
            };
            let (parts, mut body) = agent.run(request).map_err(failed)?.into_parts();
            let most = hints.max_response_bytes;
            let mut bytes = Vec::new();
            let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
            let read = body.as_reader().take(limit).read_to_end(&mut bytes);
            read.map_err(|_| SendError::new(SendFault::Lost, "no complete answer"))?;
            if bytes.len() > most {
                return Err(SendError::new(SendFault::TooLarge, "the answer is too large"));
            }
            Ok(Response::from_parts(parts, bytes))
        }))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            Timer::after(duration).await;
        })
    }

    fn unblock(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        Box::pin(blocking::unblock(work))
    }
}

/// Runs it on two threads.
pub(crate) fn run<T: Send, F: Future<Output = T>>(main: impl FnOnce(Arc<Executor<'static>>) -> F) -> T {
    let executor = Arc::new(Executor::new());
    let (stop, stopped) = async_broadcast::broadcast::<()>(1);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let mut stopped = stopped.clone();
            let executor = Arc::clone(&executor);
            // It ends with the sender.
            scope.spawn(move || async_io::block_on(executor.run(async { stopped.recv().await.is_err() })));
        }
        let result = async_io::block_on(main(Arc::clone(&executor)));
        drop(stop);
        result
    })
}
