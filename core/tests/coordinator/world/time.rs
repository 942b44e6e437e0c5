//! Time: it passes only where nothing is out that must not wait.

use super::*;

impl World {
    /// The next moment at which anybody wants to be woken, unless something does not let time pass.
    pub(crate) fn next_moment(&self) -> Option<u64> {
        let mut next: Option<u64> = None;
        let mut at_most = u64::MAX;
        for (n, node) in self.nodes.iter().enumerate() {
            let Some(node) = node else { continue };
            for out in node.jobs.values() {
                // No request is processed later than T after it was sent.
                if out.spends() && out.mail.is_none() {
                    at_most = at_most.min(out.since + 30_000);
                }
                // A node that lives reads what has come, and stores it, without delay.
                let prompt = out.mail.is_some() || matches!(out.op, Op::Save { .. }) && !self.down;
                if prompt && !node.suspended {
                    return None;
                }
            }
            if node.suspended {
                continue;
            }
            let wake = node.coordinator.wake_at();
            let wall = wake.wall.map(|at| {
                let ahead = at.millis_since(self.clock(n).wall).max(1);
                self.now + u64::try_from(ahead).unwrap()
            });
            let mono = wake.mono.map(|at| at.as_millis().saturating_sub(1000 * n as u64).max(self.now));
            next = [next, wall, mono].into_iter().flatten().min();
        }
        next.filter(|next| *next <= at_most)
    }

    /// Nothing is out that time must not pass over.
    pub(super) fn is_quiet(&self) -> bool {
        let busy = |out: &Out| out.spends() || matches!(out.op, Op::Save { .. });
        self.nodes.iter().flatten().all(|node| !node.jobs.values().any(busy))
    }

    /// The wall clocks differ by up to an hour each way.
    pub(crate) fn spread_clocks(&mut self) {
        for (n, node) in (0_i64..).zip(&mut self.nodes) {
            if let Some(node) = node {
                node.skew = n * 997_000 % 7_200_000 - 3_600_000;
            }
        }
    }

    pub(super) fn pass(&mut self) -> Checked {
        match self.next_moment() {
            Some(next) => self.advance(next.saturating_sub(self.now).max(1)),
            None => Ok(()),
        }
    }

    pub(super) fn advance(&mut self, millis: u64) -> Checked {
        self.now += millis;
        for n in 0..self.nodes.len() {
            let Some(node) = &mut self.nodes[n] else { continue };
            if node.suspended {
                let at_stake = node.jobs.values().any(|out| out.refresh.is_some() || matches!(out.op, Op::Save { .. }));
                node.slept += millis;
                if at_stake && node.slept >= 1_000 {
                    self.server.excuse("suspended beyond the margin");
                }
                continue;
            }
            let before = self.nodes[n].as_ref().map(|node| node.coordinator.wake_at());
            self.wake(n)?;
            let now = self.clock(n);
            let after = self.nodes[n].as_ref().map(|node| node.coordinator.wake_at());
            if before == after && after.is_some_and(|at| at.mono.is_some_and(|at| at <= now.mono)) {
                return Err(format!(
                    "node {n} wants to be woken again and again: {after:?} {:?}",
                    self.nodes[n].as_ref().unwrap().coordinator.waits_for()
                ));
            }
        }
        Ok(())
    }
}
