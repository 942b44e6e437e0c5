//! The end of a schedule: nothing fails any more, and everything comes to rest.

use super::*;

impl World {
    /// From here on nothing fails any more: everybody is answered, and the session is still there.
    pub(crate) fn come_to_rest(&mut self) -> Checked {
        self.down = false;
        self.delayed.clear();
        for n in 0..self.nodes.len() {
            if self.nodes[n].as_ref().is_some_and(|node| node.suspended) {
                self.step(Step::Resume(n))?;
            }
        }
        let begun = self.now;
        for _ in 0..2000 * self.nodes.len() {
            (0..self.server.devices()).for_each(|k| self.server.person_says(k, k % 2 == 0));
            let mut moved = false;
            for n in 0..self.nodes.len() {
                if self.jobs(n) > 0 {
                    self.end_job(n, 0, How::Ok)?;
                    moved = true;
                }
            }
            if moved {
                continue;
            }
            if (0..self.nodes.len()).all(|n| self.waiting(n) == 0) && self.lock.is_none() && self.all_stored() {
                break;
            }
            if self.next_moment().is_none() {
                break;
            }
            self.pass()?;
        }
        for n in 0..self.nodes.len() {
            if let Some((ticket, waiting)) = self.nodes[n].as_ref().and_then(|node| node.tickets.first_key_value()) {
                return Err(format!("node {n} never answers {ticket} ({:?})", waiting.call));
            }
        }
        if self.now - begun > 300_000 {
            return Err(format!("it takes {} ms until all are answered", self.now - begun));
        }
        self.check_the_codes()?;
        self.check_the_devices()?;
        self.check_the_end()
    }

    pub(super) fn all_stored(&self) -> bool {
        self.nodes.iter().flatten().all(|node| node.coordinator.store_fault().is_none())
    }

    pub(super) fn check_the_end(&self) -> Checked {
        if self.lock.is_some_and(|owner| self.nodes[owner].is_some()) {
            return Err("a lock is never given back".into());
        }
        let Some(refresh) = self.row_refresh() else {
            let ended = self.row.as_ref().is_some_and(|row| row.expose().contains("grant_ended"));
            // Who signs out has the server end it, and somebody may have deleted what says so.
            return if ended && self.server.excuse.is_empty() && !self.server.has_revoked() {
                Err("the session has ended, and nothing had happened".into())
            } else {
                Ok(())
            };
        };
        let alive = self.nodes.iter().flatten().any(|node| node.closing.is_none());
        if alive && self.server.excuse.is_empty() && !self.server.honours(refresh) {
            return Err(format!(
                "the store holds RT{refresh}, which the server does not honour, and nothing had happened"
            ));
        }
        Ok(())
    }
}
