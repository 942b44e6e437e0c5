//! Jobs that are out: what each is for, its limit, and what becomes of its result.

use std::collections::BTreeMap;
use std::time::Duration;

use super::clock::Tick;
use super::output::{Done, JobId, Op, Output, StoreFault, StoreFaultKind};
use super::rules::Rule;
use super::{Coordinator, Ticket};
use crate::action::guarded::Guarded;
use crate::effect::TokenAsk;
use crate::error::SendFault;
use crate::http::{HttpRequest, RequestId};
use crate::input::Input;

/// So many requests are remembered whose limit has passed and whose answer may still come.
const MOST_LATE: usize = 16;

#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Jobs {
    last: u64,
    open: BTreeMap<JobId, Job>,
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Job {
    kind: Kind,
    /// Then it counts as failed. A request of the session may still be answered.
    limit: Tick,
    is_late: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Load,
    Save,
    TryLock,
    /// The lock is not wanted any longer: should it come, it is given back.
    UnwantedLock,
    Unlock,
    Send {
        id: RequestId,
        is_grant: bool,
        by_guard: bool,
        for_caller: Option<Ticket>,
    },
    AskToken {
        id: RequestId,
        by_guard: bool,
    },
    AskJwt {
        id: RequestId,
        by_guard: bool,
    },
}

impl Kind {
    fn is_by_guard(&self) -> bool {
        match self {
            Self::Send { by_guard, .. } | Self::AskToken { by_guard, .. } | Self::AskJwt { by_guard, .. } => *by_guard,
            Self::Load | Self::Save | Self::TryLock | Self::UnwantedLock | Self::Unlock => false,
        }
    }

    fn is_question(&self) -> bool {
        matches!(self, Self::AskToken { .. } | Self::AskJwt { .. })
    }
}

impl Jobs {
    pub(super) fn begun(&self) -> u64 {
        self.last
    }

    /// A map that has become empty keeps room for more.
    pub(super) fn leave_no_room(&mut self) {
        if self.open.is_empty() {
            self.open = BTreeMap::new();
        }
    }

    pub(super) fn wake_at(&self) -> Option<Tick> {
        self.open.values().filter(|job| !job.is_late).map(|job| job.limit).min()
    }

    fn any(&self, is: impl Fn(&Kind) -> bool) -> bool {
        self.open.values().any(|job| !job.is_late && is(&job.kind))
    }

    /// A grant request that was sent: its answer may be the only refresh token that still counts.
    pub(super) fn has_grant(&self) -> bool {
        self.any(|kind| matches!(kind, Kind::Send { is_grant: true, .. }))
    }

    pub(super) fn has_guards(&self) -> bool {
        self.any(Kind::is_by_guard)
    }

    /// The question that a renewal is waiting for.
    pub(super) fn guards_question(&self) -> Option<(JobId, RequestId)> {
        self.open.iter().find_map(|(job, Job { kind, .. })| match kind {
            Kind::AskToken { id, by_guard: true } | Kind::AskJwt { id, by_guard: true } => Some((*job, *id)),
            _ => None,
        })
    }

    pub(super) fn has_other_than_loads(&self) -> bool {
        self.any(|kind| !matches!(kind, Kind::Load))
    }

    pub(super) fn has_requests(&self) -> bool {
        self.any(|kind| matches!(kind, Kind::Send { .. }))
    }

    pub(super) fn has_requests_of(&self, ticket: Ticket) -> bool {
        self.any(|kind| matches!(kind, Kind::Send { for_caller: Some(caller), .. } if *caller == ticket))
    }

    pub(super) fn has_unlock(&self) -> bool {
        self.any(|kind| matches!(kind, Kind::Unlock))
    }

    /// Nothing reports any longer. What the session has to be told.
    pub(super) fn restart(&mut self) -> Vec<Input> {
        let open = std::mem::take(&mut self.open);
        open.into_values().filter_map(|job| lost(&job.kind)).collect()
    }
}

/// What the session is told of a job that brought nothing.
fn lost(kind: &Kind) -> Option<Input> {
    match kind {
        Kind::Send { id, .. } => Some(Input::SendFailed { id: *id, fault: SendFault::Lost }),
        Kind::AskToken { id, .. } | Kind::AskJwt { id, .. } => {
            Some(Input::HostFailed { id: *id, reason: "it took too long".to_owned() })
        }
        Kind::Load | Kind::Save | Kind::TryLock | Kind::UnwantedLock | Kind::Unlock => None,
    }
}

impl Coordinator {
    pub(super) fn begin_job(&mut self, kind: Kind, op: Op, limit: Duration) -> JobId {
        self.jobs.last = self.jobs.last.saturating_add(1);
        let job = JobId(self.jobs.last);
        let limit = self.now.mono.plus(limit);
        self.jobs.open.insert(job, Job { kind, limit, is_late: false });
        self.out.push_back(Output::Do { job, op });
        job
    }

    /// The limit of an operation of the store.
    pub(super) fn store_limit(&self) -> Duration {
        self.options.times.request
    }

    pub(super) fn begin_send(&mut self, request: HttpRequest, by_guard: bool, for_caller: Option<Ticket>) {
        let (times, id, is_grant) = (self.options.times, request.id, request.purpose.is_grant());
        let not_after = self.guard.send_by().filter(|_| by_guard);
        let kind = Kind::Send { id, is_grant, by_guard, for_caller };
        let within = request.hints.timeout;
        let op = Op::Send { request, fresh_connection: is_grant, within, not_after };
        self.begin_job(kind, op, within.saturating_add(times.margin));
    }

    pub(super) fn begin_ask(&mut self, id: RequestId, ask: Option<TokenAsk>, by_guard: bool) {
        let within = self.options.host_limit;
        match ask {
            Some(ask) => self.begin_job(Kind::AskToken { id, by_guard }, Op::AskForToken { ask, within }, within),
            None => self.begin_job(Kind::AskJwt { id, by_guard }, Op::AskForJwt { within }, within),
        };
    }

    /// A job that nobody needs any longer.
    pub(super) fn stop_job(&mut self, job: JobId) {
        if let Some(mut open) = self.jobs.open.remove(&job) {
            self.out.push_back(Output::Stop { job });
            // It may have been got all the same.
            if matches!(open.kind, Kind::TryLock) && self.obeys(Rule::LateLockIsGivenBack) {
                open.kind = Kind::UnwantedLock;
                open.is_late = true;
                self.jobs.open.insert(job, open);
            }
        }
    }

    /// Questions to people are not waited for at the end.
    pub(super) fn stop_questions(&mut self) {
        let asked = self.jobs.open.iter().filter(|(_, job)| job.kind.is_question()).map(|(job, _)| *job);
        for job in asked.collect::<Vec<_>>() {
            self.stop_job(job);
        }
    }

    pub(super) fn job_ended(&mut self, job: JobId, result: Done) {
        let Some(Job { kind, is_late, .. }) = self.jobs.open.remove(&job) else {
            return;
        };
        match (kind, result) {
            (Kind::Load, Done::Loaded(found)) => self.loaded(job, Ok(found)),
            (Kind::Load, result) => self.loaded(job, Err(store_fault(result))),
            (Kind::Save, Done::Saved) if is_late => self.saved_late(job),
            (Kind::Save, _) if is_late => {}
            (Kind::Save, Done::Saved) => self.saved(),
            (Kind::Save, Done::Conflict(found)) => self.save_conflicts(found),
            (Kind::Save, result) => self.save_failed(store_fault(result)),
            (Kind::TryLock, Done::Locked) => self.guard_locked(job),
            (Kind::TryLock, result) => self.guard_not_locked(job, result),
            (Kind::UnwantedLock, Done::Locked) => self.unlock(),
            (Kind::UnwantedLock | Kind::Unlock, _) => {}
            (Kind::Send { id, by_guard, for_caller, .. }, result) => {
                // What follows, the next revocation of a sign-out, is on the same account.
                self.caller = for_caller;
                match result {
                    Done::Response(response) => self.give_from(Input::Response { id, response }, by_guard),
                    result => {
                        let fault = if let Done::SendFailed(fault) = result { fault } else { SendFault::Lost };
                        if by_guard && fault.is_unsent() && !is_late {
                            self.guard_not_sent(id, fault);
                        } else {
                            self.give_from(Input::SendFailed { id, fault }, by_guard);
                        }
                    }
                }
                self.caller = None;
            }
            (Kind::AskToken { id, by_guard }, Done::Answer(tokens)) => {
                self.give_from(Input::ProvideToken { id, tokens }, by_guard);
            }
            (Kind::AskJwt { id, by_guard }, Done::Answer(jwt)) => {
                if self.try_give(Input::ProvideJwt { id, jwt }, by_guard).is_err() {
                    let reason = "it brought a JWT, and the configuration has no use for one".to_owned();
                    self.give_from(Input::HostFailed { id, reason }, by_guard);
                }
            }
            (Kind::AskToken { id, by_guard } | Kind::AskJwt { id, by_guard }, result) => {
                let reason = if let Done::HostFailed(reason) = result { reason } else { "it brought nothing".into() };
                // The session takes no longer text.
                let reason = reason.chars().take(200).collect();
                self.give_from(Input::HostFailed { id, reason }, by_guard);
            }
        }
    }

    /// Jobs whose limit has passed have failed. Answers to requests may still come, and are taken in then.
    pub(super) fn expire_jobs(&mut self) {
        if !self.obeys(Rule::JobsHaveLimits) {
            return;
        }
        let now = self.now.mono;
        let over = |job: &Job| !job.is_late && job.limit <= now;
        while let Some((&id, _)) = self.jobs.open.iter().find(|(_, job)| over(job)) {
            let Some(job) = self.jobs.open.remove(&id) else { return };
            self.changed = true;
            let fault = StoreFault { kind: StoreFaultKind::Unavailable, problem: "it did not answer in time".into() };
            match &job.kind {
                Kind::Load => {
                    self.out.push_back(Output::Stop { job: id });
                    self.loaded(id, Err(fault));
                }
                Kind::Save => {
                    // It may get through all the same, and say so.
                    self.jobs.open.insert(id, Job { is_late: true, ..job });
                    self.forget_oldest_late();
                    self.save_is_late(fault);
                }
                Kind::TryLock => {
                    self.jobs.open.insert(id, job);
                    self.stop_job(id);
                    self.guard_not_locked(id, Done::LockBusy);
                }
                Kind::UnwantedLock | Kind::Unlock => {}
                Kind::Send { id: request, .. } => {
                    let request = *request;
                    self.jobs.open.insert(id, Job { is_late: true, ..job });
                    self.forget_oldest_late();
                    self.act(Guarded::Lose { id: request }, false);
                }
                Kind::AskToken { .. } | Kind::AskJwt { .. } => {
                    self.out.push_back(Output::Stop { job: id });
                    if let Some(input) = lost(&job.kind) {
                        self.give_from(input, job.kind.is_by_guard());
                    }
                }
            }
        }
    }

    fn forget_oldest_late(&mut self) {
        let late: Vec<JobId> = self.jobs.open.iter().filter(|(_, job)| job.is_late).map(|(id, _)| *id).collect();
        if let Some(oldest) = late.first().filter(|_| late.len() > MOST_LATE) {
            self.jobs.open.remove(oldest);
        }
    }
}

fn store_fault(result: Done) -> StoreFault {
    match result {
        Done::StoreFailed(fault) => fault,
        _ => StoreFault { kind: StoreFaultKind::Other, problem: "it answered something else than was asked".into() },
    }
}
