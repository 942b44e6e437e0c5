//! Looks into the store: one load at a time, and one for all who wait. A "no" is told only after a load that began after the call.

use super::Coordinator;
use super::output::{JobId, StoreFault};
use super::rules::Rule;
use crate::secret::Secret;

#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Looks {
    /// Loads that have begun, and the last one that has ended.
    begun: u64,
    ended: u64,
    /// Somebody needs a load with this number or a later one.
    needed: u64,
    /// How the last one went.
    fault: Option<Box<StoreFault>>,
    load: Option<Load>,
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Load {
    job: JobId,
    /// When it began, in saves: across one it brings nothing of use.
    mark: u64,
    for_guard: bool,
}

/// What a caller has to see before it may be told "no".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Seen {
    /// Loads that had begun.
    loads: u64,
    /// Saves that had begun.
    saves: u64,
}

impl Looks {
    pub(super) fn asked(&self) -> u64 {
        self.needed
    }

    pub(super) fn restart(&mut self) {
        self.load = None;
    }

    /// Before all who wait are looked at: those who still need a load say so again.
    pub(super) fn ask_anew(&mut self) {
        self.needed = 0;
    }
}

impl Coordinator {
    /// As of now: only a load or a save that begins later will do.
    pub(super) fn seen(&self) -> Seen {
        Seen { loads: self.looks.begun, saves: self.saving.begun() }
    }

    /// Whether the store has failed to take something since; if it was not tried, that is done at once.
    pub(super) fn has_tried_to_save(&mut self, since: Seen) -> Option<StoreFault> {
        let fault = self.saving.failed_after(since.saves).cloned();
        if fault.is_none() {
            self.saving.try_at_once(self.now.mono);
        }
        fault
    }

    /// Whether the store was looked into since; if not, that is asked for.
    pub(super) fn has_looked(&mut self, since: Seen) -> Option<Result<(), StoreFault>> {
        if self.options.store.is_none() || !self.obeys(Rule::LookBeforeNo) {
            return Some(Ok(()));
        }
        if self.looks.ended > since.loads {
            return Some(self.looks.fault.clone().map_or(Ok(()), |fault| Err(*fault)));
        }
        self.looks.needed = self.looks.needed.max(since.loads.saturating_add(1));
        None
    }

    /// Begins the load that somebody waits for.
    pub(super) fn begin_looks(&mut self) {
        if self.looks.needed > self.looks.begun && self.looks.load.is_none() && !self.is_closing() {
            self.look(false);
        }
    }

    /// A load for the guard: the one that is out may have begun too early.
    pub(super) fn look_for_guard(&mut self) {
        match &mut self.looks.load {
            Some(load) => load.for_guard = true,
            None => self.look(true),
        }
    }

    fn look(&mut self, for_guard: bool) {
        let job = self.begin_load();
        self.looks.begun = self.looks.begun.saturating_add(1);
        self.looks.load = Some(Load { job, mark: self.saving.mark(), for_guard });
    }

    /// At the end nobody looks any longer.
    pub(super) fn stop_looking(&mut self) {
        if let Some(load) = self.looks.load.take() {
            self.stop_job(load.job);
        }
    }

    pub(super) fn loaded(&mut self, job: JobId, result: Result<Option<Secret>, StoreFault>) {
        let Some(load) = self.looks.load.take_if(|load| load.job == job) else {
            return;
        };
        if load.mark != self.saving.mark() && result.is_ok() {
            // Something was saved meanwhile: what was read may be older than what is known.
            return self.look(load.for_guard);
        }
        let result = result.and_then(|found| self.found(found));
        self.looks.ended = self.looks.begun;
        self.looks.fault = result.clone().err().map(Box::new);
        if load.for_guard {
            self.guard_loaded(result);
        }
    }
}
