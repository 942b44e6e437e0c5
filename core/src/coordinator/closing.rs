//! Closing: nothing new; who waits is told now; what was not sent is given up without a failure; what was sent is awaited as
//! long as its own limit, then stored. It ends in any case.

use std::time::Duration;

use super::clock::Tick;
use super::output::{Output, Reply};
use super::rules::Rule;
use super::{Coordinator, Ticket};

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Closing {
    tickets: Vec<Ticket>,
    /// The end in any case.
    until: Tick,
    /// Revocations are not waited for any longer.
    farewell: Tick,
    /// The last change for which a store that fails was tried once more.
    tried: Option<u64>,
    is_over: bool,
}

impl Closing {
    pub(super) fn has(&self, ticket: Ticket) -> bool {
        self.tickets.contains(&ticket)
    }

    pub(super) fn forget(&mut self, ticket: Ticket) {
        self.tickets.retain(|other| *other != ticket);
    }

    pub(super) fn take_tickets(&mut self) -> Vec<Ticket> {
        std::mem::take(&mut self.tickets)
    }

    pub(super) fn wake_at(&self, now: Tick) -> Option<Tick> {
        let next = if self.farewell > now { self.until.min(self.farewell) } else { self.until };
        (!self.is_over).then_some(next)
    }
}

impl Coordinator {
    pub(super) fn close(&mut self, ticket: Ticket, within: Option<Duration>) {
        let now = self.now.mono;
        let times = self.options.times;
        let longest = times.request.saturating_add(times.margin).saturating_add(self.options.farewell);
        let until = now.plus(within.map_or(longest, |within| within.min(longest)));
        if let Some(closing) = &mut self.closing {
            closing.tickets.push(ticket);
            if !closing.is_over {
                closing.until = closing.until.min(until);
            } else if self.saving.failing().is_some() && !self.saving.is_stored() {
                // Whoever closes again gives a store that failed one more chance.
                (closing.is_over, closing.tried, closing.until) = (false, None, until);
            }
            return;
        }
        let farewell = now.plus(self.options.farewell);
        self.closing = Some(Closing { tickets: vec![ticket], until, farewell, tried: None, is_over: false });
        if self.published.take().is_some() {
            self.out.push_back(Output::Publish { fresh: None });
        }
        self.dismiss_all();
        self.stop_looking();
        self.stop_questions();
        if self.obeys(Rule::CloseGivesUpWhatWasNotSent) {
            self.give_up_guard();
        }
        self.changed = true;
    }

    pub(super) fn go_on_closing(&mut self) {
        let Some(closing) = &mut self.closing else { return };
        let now = self.now.mono;
        if !closing.is_over && closing.until > now {
            let change = self.saving.changes();
            if !self.saving.is_stored() && !self.saving.is_saving() && closing.tried != Some(change) {
                // The last chance of a store that failed.
                closing.tried = Some(change);
                self.saving.try_at_once(now);
                return self.store_what_changed();
            }
            let farewell = closing.farewell > now && self.jobs.has_requests();
            let is_out = self.jobs.has_grant() || self.jobs.has_unlock() || self.saving.is_saving();
            // With a store that fails the guard goes on holding the lock, and nobody waits for that.
            let guards = !self.guard.is_idle() && self.saving.failing().is_none();
            if (farewell || is_out || guards) && self.obeys(Rule::CloseAwaitsWhatWasSent) {
                return;
            }
        }
        let Some(closing) = &mut self.closing else { return };
        closing.is_over = true;
        for ticket in std::mem::take(&mut closing.tickets) {
            self.resolve(ticket, Reply::Done);
        }
    }
}
