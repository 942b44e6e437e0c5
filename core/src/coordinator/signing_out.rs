//! Signing out: nothing is handed out any longer, then the store is told, then the server.

use super::clock::Tick;
use super::output::{Failure, Reply, StoreFault, StoreFaultKind};
use super::{Coordinator, Ticket};
use crate::input::SignOutOptions;
use crate::secret::Secret;

impl Coordinator {
    pub(super) fn sign_out(&mut self, ticket: Ticket, options: SignOutOptions) {
        self.unpublish();
        self.logins_end_by_sign_out(options);
        self.sign_out_waits_for(ticket, self.saving.changes());
    }

    /// When it is stored and the server has answered, or after a while that nobody has to spend.
    pub(super) fn signed_out(&self, ticket: Ticket, url: Option<&Secret>, change: u64, until: Tick) -> Option<Reply> {
        let is_over = until <= self.now.mono;
        let is_settled = self.saving.is_settled(change);
        if !is_over && (!is_settled || self.jobs.has_requests_of(ticket)) {
            return None;
        }
        if self.saving.has(change) {
            return Some(url.cloned().map_or(Reply::Done, Reply::Url));
        }
        let slow = || StoreFault { kind: StoreFaultKind::Unavailable, problem: "it did not answer in time".into() };
        Some(Reply::Failed(Failure::Store(self.saving.failing().cloned().unwrap_or_else(slow))))
    }
}
