//! A clock that was set back.

use super::{ChildState, Phase, State};
use crate::time::Timestamp;

impl State {
    /// Takes note of the clock. Where it was set back, everything that was reckoned with the earlier reading moves
    /// along: a token's remaining life stays what it was and never grows.
    pub(crate) fn observe(&mut self, now: Timestamp) {
        let before = std::mem::replace(&mut self.latest, now);
        if now < before {
            self.move_along(before, now);
        }
    }

    fn move_along(&mut self, before: Timestamp, now: Timestamp) {
        let shift = |at: &mut Timestamp| *at = at.moved_along(before, now);
        for flight in self.flight.as_deref_mut().into_iter().chain(&mut self.late) {
            shift(&mut flight.deadline);
        }
        for side in &mut self.side {
            shift(&mut side.deadline);
        }
        if let Some(failed) = &mut self.host_failed {
            shift(&mut failed.retry_at);
        }
        for login in &mut self.pending {
            shift(&mut login.since);
            shift(&mut login.expires_at);
        }
        if let Phase::SigningIn(login) = &mut self.phase {
            shift(&mut login.since);
            shift(&mut login.expires_at);
            shift(&mut login.send_at);
        }
        if let Some(grant) = self.grant_mut() {
            grant.tokens.shift(before, now);
            grant.renew.last.as_mut().map(shift);
            grant.renew.retry_at.as_mut().map(shift);
            for child in &mut grant.children {
                match &mut child.state {
                    ChildState::Ready { received_at, expires_at, .. } => {
                        shift(received_at);
                        expires_at.as_mut().map(shift);
                    }
                    ChildState::Failed { retry_at, .. } => shift(retry_at),
                    ChildState::Asked { .. } => {}
                }
            }
        }
    }
}
