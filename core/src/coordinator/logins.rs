//! Sign-ins: who joins whom, who supersedes whom, and how each ended for those who wait.

use std::collections::VecDeque;

use super::call::{Credential, Which};
use super::looks::Seen;
use super::output::{Failure, Reply};
use super::rules::Rule;
use super::waiters::Want;
use super::{Coordinator, Ticket};
use crate::action::guarded::Guarded;
use crate::effect::Effect;
use crate::error::Misuse;
use crate::event::{CallbackIgnored, Event};
use crate::input::Input;
use crate::logins::{LoginId, LoginMark, WhichLogin};
use crate::secret::Secret;

/// So many results are kept: those who wait for one are looked at in the same breath.
const KEPT: usize = 16;

#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Logins {
    /// The one that is being worked on.
    current: Option<UnderWay>,
    ended: VecDeque<Ended>,
    /// How a login that is gone now has ended, unless the session says so itself.
    gone: Option<Box<Failure>>,
    /// What the store holds is being taken in: what ends by that was ended elsewhere.
    is_reading: bool,
    /// The browser that has just come back.
    came_back: Option<LoginId>,
    /// How its login ended, if it ended as it came.
    at_once: Option<Box<Reply>>,
    /// Whose logins wait for their browser, and which ones these are.
    browsers: VecDeque<(Ticket, LoginId)>,
    /// The one that has just been begun.
    begun: Option<LoginId>,
}

#[derive(Debug, Clone, Copy)]
struct UnderWay {
    /// The session's own count.
    attempt: u64,
    /// Of one whose browser came back.
    id: Option<LoginId>,
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Ended {
    /// It was worked on here.
    attempt: Option<u64>,
    /// Of one in a browser.
    id: Option<LoginId>,
    reply: Reply,
    /// The change that has to be stored before anybody is told.
    change: u64,
}

impl Coordinator {
    /// The session decides whether it is the same sign-in: then its attempt stays what it was.
    pub(super) fn sign_in(&mut self, ticket: Ticket, credential: Credential) -> Result<Want, Misuse> {
        let is_browser = matches!(credential, Credential::Browser { .. });
        let is_code = matches!(credential, Credential::Code { .. });
        let adopts = matches!(credential, Credential::Tokens { .. });
        let input = match credential {
            Credential::Browser { options, entropy } => Input::BeginLogin { options, entropy },
            Credential::Code { code, verifier } => Input::RedeemCode { code, verifier },
            Credential::Device { scope } => Input::BeginDeviceLogin { scope },
            Credential::Jwt { jwt } => Input::SignInWithJwt { jwt },
            Credential::Guest { service_token, subject, display_name } => {
                Input::SignInAsGuest { service_token, subject, display_name }
            }
            Credential::Client { scope } => Input::SignInWithClientCredentials { scope },
            Credential::Tokens { tokens } => Input::Adopt { tokens },
        };
        if !self.obeys(Rule::SameSignInJoins) {
            self.give_up_logins(WhichLogin::All);
        }
        self.logins.gone =
            Some(Box::new(Failure::LoginSuperseded)).filter(|_| !adopts || self.obeys(Rule::AdoptSupersedes));
        let before = self.session.login_attempt();
        let begun = self.try_give(input, false);
        self.logins.gone = None;
        begun?;
        if is_code && self.session.login_attempt() != before {
            // A code is spent like a refresh token: the store shows first that it can take what comes of it.
            self.act(Guarded::Touch, false);
        }
        if is_browser {
            if let Some(id) = self.logins.begun.take() {
                if self.logins.browsers.len() >= KEPT {
                    self.logins.browsers.pop_front();
                }
                self.logins.browsers.push_back((ticket, id));
            }
            return Ok(Want::Url);
        }
        match self.session.login_attempt() {
            Some(attempt) if !adopts => Ok(Want::Login { attempt }),
            Some(_) | None => {
                let signed_in = Reply::SignedIn { cleaned_url: None, state: None };
                Ok(Want::Settled { change: self.saving.changes(), reply: signed_in })
            }
        }
    }

    /// A browser came back. A callback that is not ours may be that of a login which another process began: the store knows.
    pub(super) fn complete_login(&mut self, callback: &Secret, looked: Seen) -> Want {
        let id = LoginId::of(callback.expose());
        let input = Input::CompleteLogin { callback: callback.clone() };
        // A callback is never the caller's mistake.
        let Ok(output) = self.session.handle(self.now.wall, input) else {
            return Want::Settled { change: 0, reply: Reply::Failed(Failure::LoginCancelled) };
        };
        if let Some(reason) = ignored(&output.effects) {
            let may_be_elsewhere = matches!(
                reason,
                CallbackIgnored::NoLoginPending | CallbackIgnored::WrongState | CallbackIgnored::OtherUrl
            );
            if may_be_elsewhere && self.has_looked(looked).is_none() {
                return Want::Callback { callback: callback.clone(), looked };
            }
            self.take_effects(output.effects, false);
            let reply = match (reason, self.logins.current) {
                // What the first one brought is on its way, or there: then another one may be under way.
                (CallbackIgnored::AlreadyCompleted, Some(current)) if current.id == id => {
                    return Want::Login { attempt: current.attempt };
                }
                (CallbackIgnored::AlreadyCompleted, _) => Reply::SignedIn { cleaned_url: None, state: None },
                (reason, _) => Reply::Failed(Failure::CallbackIgnored { reason }),
            };
            return Want::Settled { change: self.saving.changes(), reply };
        }
        (self.logins.came_back, self.logins.at_once) = (id, None);
        self.take_effects(output.effects, false);
        self.logins.came_back = None;
        match (self.logins.current.filter(|current| current.id == id), self.logins.at_once.take()) {
            (Some(current), _) => Want::Login { attempt: current.attempt },
            (None, reply) => {
                let reply = reply.map_or(Reply::Failed(Failure::LoginCancelled), |reply| *reply);
                Want::Settled { change: self.saving.changes(), reply }
            }
        }
    }

    /// What is meant, and no other.
    pub(super) fn cancel(&mut self, of: Which) {
        let is_current = |ticket| match self.waiters.want(ticket) {
            Some(Want::Login { attempt }) => Some(*attempt) == self.current_login(),
            Some(_) | None => false,
        };
        let of_browser = |ticket| self.logins.browsers.iter().find(|(own, _)| *own == ticket).map(|(_, id)| *id);
        let which = match of {
            Which::All => Some(WhichLogin::All),
            Which::Browser(id) => Some(WhichLogin::Browser(id)),
            Which::Ticket(_) if !self.obeys(Rule::CancelIsForOne) => Some(WhichLogin::All),
            Which::Ticket(ticket) => {
                of_browser(ticket).map(WhichLogin::Browser).or(is_current(ticket).then_some(WhichLogin::UnderWay))
            }
        };
        if let Some(which) = which {
            self.give_up_logins(which);
        }
    }

    fn give_up_logins(&mut self, which: WhichLogin) {
        self.logins.gone = Some(Box::new(Failure::LoginCancelled));
        self.give(Input::CancelLogin { which });
        self.logins.gone = None;
    }

    /// The same of those that the store had.
    pub(super) fn give_up_logins_of(&mut self, marks: Vec<LoginMark>) {
        self.logins.gone = Some(Box::new(Failure::LoginCancelled));
        self.act(Guarded::EndLogins { marks }, false);
        self.logins.gone = None;
    }

    /// Takes in what the store holds.
    pub(super) fn logins_meet(&mut self, read: impl FnOnce(&mut Self)) {
        self.logins.is_reading = true;
        read(self);
        self.logins.is_reading = false;
    }

    pub(super) fn logins_end_by_sign_out(&mut self, options: crate::SignOutOptions) {
        self.logins.gone = Some(Box::new(Failure::LoginCancelled));
        self.give(Input::SignOut { options });
        self.logins.gone = None;
    }

    /// Begins the request of a login whose turn has come. A code is spent like a refresh token: the store has just shown
    /// that it takes what follows, or has said that it fails.
    pub(super) fn begin_logins(&mut self) {
        if self.is_closing() || self.session.next_grant(self.now.wall) != Some(crate::intent::NextGrant::Login) {
            return;
        }
        // One that is tried again, too: the store may have told of a failure before, and be about to take it now.
        let is_on_its_way = !self.saving.is_stored() && self.saving.failing().is_none();
        if !self.saving.is_all_settled() || is_on_its_way {
            return;
        }
        self.act(Guarded::BeginGrant, false);
    }

    /// How the login ended that is no longer worked on.
    pub(super) fn note_logins(&mut self, effects: &[Effect]) {
        if self.session.tokens().is_none() {
            self.forget_what_was_not_stored();
        }
        let ends = |of| effects.iter().find_map(|effect| end(effect).filter(|(login, _)| *login == of));
        self.logins.begun = effects.iter().find_map(|effect| match effect {
            Effect::OpenBrowser { url } => LoginId::of(url.expose()),
            _ => None,
        });
        if let Some(came_back) = self.logins.came_back
            && let Some((_, reply)) = ends(Some(came_back))
        {
            self.logins.at_once = Some(Box::new(reply));
        }
        let attempt = self.session.login_attempt();
        let gone = self.logins.current.filter(|current| attempt != Some(current.attempt));
        self.logins.current = attempt.map(|attempt| UnderWay { attempt, id: self.session.login_under_way() });
        let of_gone = gone.and_then(|gone| gone.id);
        let others = effects.iter().filter_map(end).filter(|(id, _)| id.is_some() && *id != of_gone);
        let others: Vec<_> = others.map(|(id, reply)| (None, id, reply)).collect();
        let gone = gone.map(|gone| {
            let reply = match (&self.logins.gone, ends(gone.id)) {
                (Some(failure), _) => Reply::Failed((**failure).clone()),
                // Another process completes it, has ended it, or has begun another one.
                (None, Some((_, Reply::Failed(_)))) if self.logins.is_reading => {
                    Reply::Failed(Failure::LoginSuperseded)
                }
                (None, Some((_, reply))) => reply,
                // Of two that sign in the one who came first is superseded, and that somebody signed in elsewhere is as good.
                (None, None) if self.logins.came_back.is_some() => Reply::Failed(Failure::LoginSuperseded),
                (None, None) => signed_in_otherwise(effects).unwrap_or(Reply::Failed(Failure::LoginSuperseded)),
            };
            (Some(gone.attempt), gone.id, reply)
        });
        let persists = matches!(effects.first(), Some(Effect::Persist { .. }));
        let change = self.saving.changes().saturating_add(u64::from(persists));
        for (attempt, id, reply) in gone.into_iter().chain(others) {
            self.changed = true;
            self.logins.ended.push_back(Ended { attempt, id, reply, change });
            if self.logins.ended.len() > KEPT {
                self.logins.ended.pop_front();
            }
        }
    }

    /// The result of a login, once it is stored.
    pub(super) fn login_result(&self, attempt: u64) -> Option<Reply> {
        let goes_on = self.current_login() == Some(attempt);
        self.result_of(|ended| ended.attempt == Some(attempt), goes_on, Failure::LoginSuperseded)
    }

    /// The same of one in a browser, whoever completes it.
    pub(super) fn browser_result(&self, id: LoginId) -> Option<Reply> {
        self.result_of(|ended| ended.id == Some(id), self.session.awaits_login(id), Failure::LoginCancelled)
    }

    fn result_of(&self, is_it: impl Fn(&Ended) -> bool, goes_on: bool, otherwise: Failure) -> Option<Reply> {
        match self.logins.ended.iter().rev().find(|ended| is_it(ended)) {
            Some(ended) if self.saving.is_settled(ended.change) || !self.obeys(Rule::StoredBeforeUsed) => {
                Some(ended.reply.clone())
            }
            Some(_) => None,
            None if goes_on => None,
            None => Some(Reply::Failed(otherwise)),
        }
    }

    /// Somebody signed out, or deleted the session, before the store had what a login brought: nothing is left of that.
    fn forget_what_was_not_stored(&mut self) {
        for ended in self.logins.ended.iter_mut().filter(|ended| !self.saving.has(ended.change)) {
            if matches!(ended.reply, Reply::SignedIn { .. }) {
                ended.reply = Reply::Failed(Failure::LoginCancelled);
            }
        }
        self.waiters.forget_sign_ins(|change| !self.saving.has(change));
    }

    /// The same for who waits for tokens of their own to be stored, as far as nobody has signed in anew.
    pub(super) fn as_it_is_now(&self, reply: Reply) -> Reply {
        match reply {
            Reply::SignedIn { .. } if self.session.tokens().is_none() => Reply::Failed(Failure::LoginCancelled),
            reply => reply,
        }
    }

    pub(super) fn current_login(&self) -> Option<u64> {
        self.logins.current.map(|current| current.attempt)
    }
}

fn ignored(effects: &[Effect]) -> Option<CallbackIgnored> {
    effects.iter().find_map(|effect| match effect {
        Effect::Notify { event: Event::CallbackIgnored { reason } } => Some(*reason),
        _ => None,
    })
}

/// Of which login this is the end.
fn end(effect: &Effect) -> Option<(Option<LoginId>, Reply)> {
    let Effect::Notify { event } = effect else {
        return None;
    };
    match event {
        Event::SignedIn { login, cleaned_url, state, .. } => {
            Some((*login, Reply::SignedIn { cleaned_url: cleaned_url.clone(), state: state.clone() }))
        }
        Event::LoginFailed { login, fault, .. } => {
            Some((*login, Reply::Failed(Failure::LoginFailed { fault: fault.clone() })))
        }
        _ => None,
    }
}

fn signed_in_otherwise(effects: &[Effect]) -> Option<Reply> {
    let is_sign_in = |reply: &Reply| matches!(reply, Reply::SignedIn { .. });
    effects.iter().find_map(|effect| end(effect).map(|(_, reply)| reply).filter(is_sign_in))
}
