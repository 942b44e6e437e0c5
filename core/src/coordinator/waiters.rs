//! Calls that wait for their answer. Each is looked at after every change; its patience is its own.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Coordinator;
use super::call::{Call, Credential, Of, Spent, Ticket};
use super::clock::Tick;
use super::looks::Seen;
use super::output::{Failure, Next, Reply};
use super::rules::Rule;
use super::tokens::Asked;
use crate::error::Misuse;
use crate::logins::LoginId;
use crate::secret::Secret;

#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Waiters {
    open: BTreeMap<Ticket, Waiter>,
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Waiter {
    want: Want,
    /// Its patience; `None`: what it waits for ends in any case.
    until: Option<(Tick, Duration)>,
}

/// What a call waits for.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) enum Want {
    Token {
        of: Of,
        looked: Seen,
    },
    Refresh(Asked),
    /// Another token than the one that was refused.
    Again {
        rejected: Option<u64>,
        spent: Spent,
        looked: Seen,
    },
    /// The end of an API's wait, then a token.
    Pause {
        until: Tick,
        spent: Spent,
        looked: Seen,
    },
    /// The end of a login.
    Login {
        attempt: u64,
    },
    /// The end of a login in a browser, whoever completes it.
    Browser {
        id: LoginId,
    },
    /// The URL of a browser login.
    Url,
    /// A look, then another try.
    Callback {
        callback: Secret,
        looked: Seen,
    },
    SignOut {
        url: Option<Secret>,
        change: u64,
        until: Tick,
    },
    Look {
        looked: Seen,
    },
    Flush,
    /// This change is stored; then this reply.
    Settled {
        change: u64,
        reply: Reply,
    },
}

impl Want {
    /// The reply where it came to nothing. An API's refusal that could not be helped is still the answer of the API.
    fn failed(&self, failure: Failure) -> Reply {
        match self {
            Self::Again { .. } | Self::Pause { .. } => Reply::Api(Next::Return { why: Some(failure) }),
            _ => Reply::Failed(failure),
        }
    }
}

impl Waiters {
    pub(super) fn has(&self, ticket: Ticket) -> bool {
        self.open.contains_key(&ticket)
    }

    /// A map that has become empty keeps room for more.
    pub(super) fn leave_no_room(&mut self) {
        if self.open.is_empty() {
            self.open = BTreeMap::new();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn remove(&mut self, ticket: Ticket) {
        self.open.remove(&ticket);
    }

    pub(super) fn want(&self, ticket: Ticket) -> Option<&Want> {
        self.open.get(&ticket).map(|waiter| &waiter.want)
    }

    pub(super) fn take_all(&mut self) -> Vec<Ticket> {
        std::mem::take(&mut self.open).into_keys().collect()
    }

    /// Those of these changes come to nothing: another sign-in that follows is not theirs.
    pub(super) fn forget_sign_ins(&mut self, is_lost: impl Fn(u64) -> bool) {
        for waiter in self.open.values_mut() {
            if let Want::Settled { change, reply: reply @ Reply::SignedIn { .. } } = &mut waiter.want
                && is_lost(*change)
            {
                *reply = Reply::Failed(Failure::LoginCancelled);
            }
        }
    }

    pub(super) fn tickets_of_login(&self, current: Option<u64>) -> Vec<Ticket> {
        let is_of = |want: &Want| matches!(want, Want::Login { attempt } if Some(*attempt) == current);
        self.open.iter().filter(|(_, waiter)| is_of(&waiter.want)).map(|(ticket, _)| *ticket).collect()
    }

    pub(super) fn wake_at(&self) -> Option<Tick> {
        let ends = |waiter: &Waiter| match waiter.want {
            Want::Pause { until, .. } | Want::SignOut { until, .. } => Some(until),
            _ => waiter.until.map(|(until, _)| until),
        };
        self.open.values().filter_map(ends).min()
    }
}

impl Coordinator {
    /// Takes a call in: `Err`, and nothing has happened.
    pub(super) fn accept(&mut self, ticket: Ticket, call: Call) -> Result<(), Misuse> {
        if self.is_closing() && !matches!(call, Call::Close { .. } | Call::Answered { .. }) {
            self.resolve(ticket, Reply::Failed(Failure::Closed));
            return Ok(());
        }
        let patience = self.options.patience;
        let limit = |within: Option<Duration>| Some(within.unwrap_or(patience));
        let looked = self.seen();
        let (want, limit) = match call {
            Call::Token { of, within } => (Want::Token { of, looked }, limit(within)),
            Call::Refresh { within } => (Want::Refresh(self.ask_for_renewal(looked)), limit(within)),
            Call::Answered { generation, status, retry_after, spent } => {
                match self.judge_answer(generation, status, retry_after.as_deref(), spent) {
                    // The API's wait is within a limit of its own.
                    Ok(Want::Pause { until, spent, looked }) => {
                        let pause = until.since(self.now.mono);
                        (Want::Pause { until, spent, looked }, Some(pause.saturating_add(patience)))
                    }
                    Ok(want) => (want, limit(None)),
                    Err(next) => {
                        self.resolve(ticket, Reply::Api(next));
                        return Ok(());
                    }
                }
            }
            Call::SignIn { credential, within } => {
                let ends_by_itself = matches!(credential, Credential::Device { .. });
                // Its URL may be there at once: it has to find somebody who waits.
                self.park(ticket, Want::Url, None);
                let want = self.sign_in(ticket, credential);
                if want.is_err() || !self.waiters.has(ticket) {
                    self.waiters.remove(ticket);
                    return want.map(drop);
                }
                (want?, if ends_by_itself { within } else { limit(within) })
            }
            Call::AwaitLogin { of, within } => (Want::Browser { id: of }, limit(within)),
            Call::CompleteLogin { callback, within } => (self.complete_login(&callback, looked), limit(within)),
            Call::CancelLogin { of } => {
                self.cancel(of);
                (Want::Settled { change: self.saving.changes(), reply: Reply::Done }, limit(None))
            }
            Call::SignOut { options } => {
                let until = self.now.mono.plus(self.options.farewell);
                self.park(ticket, Want::SignOut { url: None, change: u64::MAX, until }, None);
                self.sign_out(ticket, options);
                return Ok(());
            }
            Call::Look => (Want::Look { looked }, limit(None)),
            Call::Flush { within } => (Want::Flush, limit(within)),
            Call::Close { within } => {
                self.close(ticket, within);
                return Ok(());
            }
        };
        self.park(ticket, want, limit);
        Ok(())
    }

    fn park(&mut self, ticket: Ticket, want: Want, limit: Option<Duration>) {
        let until = limit.map(|limit| (self.now.mono.plus(limit), limit));
        self.waiters.open.insert(ticket, Waiter { want, until });
    }

    /// Looks at one call, and answers it if it can be answered.
    pub(super) fn consider(&mut self, ticket: Ticket) {
        let Some(mut waiter) = self.waiters.open.remove(&ticket) else {
            return;
        };
        // What has come is taken before anybody looks at the clock.
        let reply = self.answer(ticket, &mut waiter.want);
        let over = waiter.until.filter(|(until, _)| *until <= self.now.mono);
        let timeout = || over.map(|(_, limit)| waiter.want.failed(Failure::Timeout { limit }));
        match reply.or_else(timeout) {
            Some(reply) => self.resolve(ticket, reply),
            None => {
                self.waiters.open.insert(ticket, waiter);
            }
        }
    }

    pub(super) fn consider_all(&mut self) {
        self.looks.ask_anew();
        let tickets: Vec<Ticket> = self.waiters.open.keys().copied().collect();
        tickets.into_iter().for_each(|ticket| self.consider(ticket));
    }

    fn answer(&mut self, ticket: Ticket, want: &mut Want) -> Option<Reply> {
        match want {
            Want::Token { of, looked } => {
                let (token, generation, expires_at) = match self.token(of, *looked)? {
                    Ok(token) => token,
                    Err(failure) => return Some(Reply::Failed(failure)),
                };
                Some(Reply::Token { token, generation, expires_at })
            }
            Want::Refresh(asked) => self.renewal(asked).map(|ended| ended.map_or_else(Reply::Failed, |()| Reply::Done)),
            Want::Again { rejected, spent, looked } => self.again(*rejected, *spent, *looked).map(Reply::Api),
            Want::Pause { until, spent, looked } => {
                if self.now.mono < *until {
                    return None;
                }
                *want = Want::Again { rejected: None, spent: *spent, looked: *looked };
                self.answer(ticket, want)
            }
            Want::Login { attempt } => self.login_result(*attempt),
            Want::Browser { id } => self.browser_result(*id),
            Want::Url => None,
            Want::Callback { callback, looked } => {
                let _ = self.has_looked(*looked)?;
                let (callback, looked) = (callback.clone(), *looked);
                *want = self.complete_login(&callback, looked);
                self.answer(ticket, want)
            }
            Want::SignOut { url, change, until } => self.signed_out(ticket, url.as_ref(), *change, *until),
            Want::Look { looked } => Some(match self.has_looked(*looked)? {
                Ok(()) => Reply::Done,
                Err(fault) => Reply::Failed(Failure::Store(fault)),
            }),
            Want::Flush => {
                let is_flushed = self.saving.is_stored() && !self.jobs.has_grant() && self.guard.is_idle();
                is_flushed.then_some(Reply::Done)
            }
            Want::Settled { change, reply } => {
                self.saving.is_settled(*change).then(|| self.as_it_is_now(reply.clone()))
            }
        }
    }

    /// The URL that a call led to: a browser login's is its answer, a sign-out's is part of it.
    pub(super) fn url_is_there(&mut self, ticket: Ticket, answer: Reply) {
        match (self.waiters.open.get_mut(&ticket).map(|waiter| &mut waiter.want), answer) {
            (Some(Want::SignOut { url, .. }), Reply::Url(there)) => *url = Some(there),
            (Some(Want::Url), answer) => {
                self.waiters.remove(ticket);
                self.resolve(ticket, answer);
            }
            (Some(_) | None, _) => {}
        }
    }

    pub(super) fn sign_out_waits_for(&mut self, ticket: Ticket, stored: u64) {
        if let Some(Want::SignOut { change, .. }) = self.waiters.open.get_mut(&ticket).map(|waiter| &mut waiter.want) {
            *change = stored;
        }
    }

    /// Closing: whoever waits is told now.
    pub(super) fn dismiss_all(&mut self) {
        let stays = |coordinator: &Self, ticket| {
            let is_pause = matches!(coordinator.waiters.want(ticket), Some(Want::Pause { .. }));
            is_pause && !coordinator.obeys(Rule::ClosingEndsWaits)
        };
        let tickets: Vec<Ticket> = self.waiters.open.keys().copied().collect();
        for ticket in tickets.into_iter().filter(|ticket| !stays(self, *ticket)).collect::<Vec<_>>() {
            if let Some(waiter) = self.waiters.open.remove(&ticket) {
                self.resolve(ticket, waiter.want.failed(Failure::Closed));
            }
        }
    }
}
