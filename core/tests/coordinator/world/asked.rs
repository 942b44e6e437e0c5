//! What a world is asked: what is out, who is up, what may come next.

use super::*;

impl World {
    pub(crate) fn jobs(&self, node: usize) -> usize {
        self.nodes[node].as_ref().map_or(0, |node| node.jobs.len())
    }

    pub(crate) fn op(&self, node: usize, at: usize) -> Option<&Op> {
        self.nodes[node].as_ref()?.jobs.values().nth(at).map(|out| &out.op)
    }

    pub(crate) fn has_mail(&self, node: usize, at: usize) -> bool {
        self.nodes[node].as_ref().and_then(|node| node.jobs.values().nth(at)).is_some_and(|out| out.mail.is_some())
    }

    /// Whether a step can be taken as things are.
    pub(crate) fn makes_sense(&self, step: Step) -> bool {
        match step {
            Step::Start(n) => !self.is_up(n),
            Step::Resume(n) => self.is_up(n) && !self.is_awake(n),
            Step::Job(n, at, _) => self.is_awake(n) && at < self.jobs(n),
            Step::Token(n)
            | Step::Refresh(n)
            | Step::Rejected(n)
            | Step::SignIn(n)
            | Step::SignOut(n)
            | Step::Look(n)
            | Step::Close(n)
            | Step::GiveUp(n)
            | Step::Crash(n)
            | Step::Fork(n)
            | Step::Suspend(n)
            | Step::Browser(n, Browser::Begin)
            | Step::Device(n, Device::Begin)
            | Step::SetClock(n, _) => self.is_awake(n),
            Step::Browser(n, Browser::Back(k) | Browser::Denied(k) | Browser::GiveUp(k) | Browser::Await(k)) => {
                self.is_awake(n) && k < self.server.pages()
            }
            Step::Device(_, Device::Agree(k) | Device::Refuse(k)) => k < self.server.devices(),
            Step::Pass
            | Step::Expire
            | Step::Delayed
            | Step::Delete
            | Step::StoreDown
            | Step::StoreUp
            | Step::FailOver => true,
        }
    }

    pub(crate) fn is_up(&self, node: usize) -> bool {
        self.nodes[node].is_some()
    }

    pub(crate) fn is_awake(&self, node: usize) -> bool {
        self.nodes[node].as_ref().is_some_and(|node| !node.suspended)
    }

    pub(crate) fn is_closing(&self, node: usize) -> bool {
        self.nodes[node].as_ref().is_some_and(|node| node.closing.is_some())
    }

    pub(crate) fn waiting(&self, node: usize) -> usize {
        self.nodes[node].as_ref().map_or(0, |node| node.tickets.len())
    }

    pub(crate) fn is_signed_in(&self) -> bool {
        self.row_refresh().is_some()
    }

    pub(crate) fn is_down(&self) -> bool {
        self.down
    }

    pub(crate) fn has_delayed(&self) -> bool {
        !self.delayed.is_empty()
    }

    pub(super) fn clock(&self, node: usize) -> Now {
        let skew = self.nodes[node].as_ref().map_or(0, |node| node.skew);
        let wall = Timestamp::from_millis(1_700_000_000_000 + i64::try_from(self.now).unwrap() + skew);
        Now { wall, mono: Tick::from_millis(self.now + 1000 * node as u64) }
    }

    pub(super) fn row_refresh(&self) -> Option<u32> {
        number_after(self.row.as_ref()?.expose(), RT)
    }
}
