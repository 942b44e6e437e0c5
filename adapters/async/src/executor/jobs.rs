//! What jobs are: requests, questions to the host, operations of the store.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::FutureExt as _;
use webex_oauth::SendFault;
use webex_oauth::coordinator::{Done, JobId, Op};
use webex_oauth_driver::host_answer;

use super::Executor;
use crate::grants;
use webex_oauth_driver::BoxFuture;

impl Executor {
    pub(super) fn begin_job(self: &Arc<Self>, id: JobId, op: Op) {
        // Nobody knows how far it came.
        let lost = op.failed(SendFault::Lost, "it panicked");
        let work = AssertUnwindSafe(self.run_job(op)).catch_unwind();
        let job = async move { (id, work.await.unwrap_or(lost)) };
        if self.pool.push(id, Box::pin(job)) {
            self.ask_for_carrier();
        }
    }

    /// The futures own what they need, and nothing of the executor: it owns them.
    fn run_job(&self, op: Op) -> BoxFuture<'static, Done> {
        let (host, http, clocks) = (Arc::clone(&self.host), Arc::clone(&self.http), Arc::clone(&self.clocks));
        match (op, &self.stores) {
            (Op::Send { request, fresh_connection, within, not_after }, _) => Box::pin(async move {
                let in_time = move || not_after.is_none_or(|limit| clocks.mono() <= limit);
                match grants::send(&*http, &request, within, fresh_connection, in_time).await {
                    Ok(response) => Done::Response(response),
                    Err(fault) => Done::SendFailed(fault),
                }
            }),
            (Op::AskForToken { ask, .. }, _) => Box::pin(async move { host_answer(host.token(ask).await) }),
            (Op::AskForJwt { .. }, _) => Box::pin(async move { host_answer(host.jwt().await) }),
            (op, Some(stores)) => stores.run(op),
            (op, None) => Box::pin(std::future::ready(op.failed(SendFault::NotSent, "no store"))),
        }
    }

    /// Reports what has ended.
    pub(super) fn work(self: &Arc<Self>) {
        self.pool.poll(|id, done| self.turn(|coordinator, now| coordinator.done(now, id, done)));
    }

    fn ask_for_carrier(self: &Arc<Self>) {
        let carrier = Carrier(Arc::clone(self));
        let work = Box::pin(async move { carrier.0.carry().await });
        // A host that cannot has dropped it.
        let _ = catch_unwind(AssertUnwindSafe(|| self.http.spawn(work)));
    }
}

/// Is dropped with whoever carries the jobs, wherever that ends.
struct Carrier(Arc<Executor>);

impl Drop for Carrier {
    fn drop(&mut self) {
        self.0.pool.is_left();
    }
}
