//! Which login a caller waits for, and how it ended.

use std::collections::VecDeque;

use webex_oauth::{Event, LoginId, Scope, Secret};

use crate::error::ClientError;

/// So many results are kept for those who have not come for them yet.
const KEPT: usize = 32;

/// What a caller signs in with: the same again joins the login that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignIn {
    /// Through a browser, which has come back.
    Browser(Option<LoginId>),
    /// On a device; two are never the same.
    Device,
    /// With a code that the host has checked.
    Code(Secret),
    /// As a guest, with a JWT.
    Jwt(Secret),
    /// As a guest, by a Service App: token and subject.
    Guest(Secret, String),
    /// As the client itself.
    ClientCredentials(Option<Scope>),
    /// With tokens from elsewhere.
    Adopt(Secret),
}

/// A login that somebody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginTicket(u64);

/// Keeps account of logins, so that nobody gets the result of somebody else's.
#[derive(Debug, Default)]
pub struct Logins {
    last: u64,
    /// The one under way.
    pending: Option<(u64, SignIn)>,
    /// Those whose browser somebody waits for.
    browsers: Vec<(u64, LoginId)>,
    results: VecDeque<(u64, Result<(), ClientError>)>,
}

impl Logins {
    /// A login begins; one that is under way is superseded, unless it is the same one.
    pub fn begin(&mut self, by: SignIn) -> LoginTicket {
        match &self.pending {
            Some((ticket, other)) if *other == by && !matches!(by, SignIn::Browser(_) | SignIn::Device) => {
                LoginTicket(*ticket)
            }
            Some(_) | None => {
                self.end(Err(ClientError::LoginSuperseded));
                self.last += 1;
                self.pending = Some((self.last, by));
                LoginTicket(self.last)
            }
        }
    }

    /// A login in a browser begins, and somebody waits for it. Others go on.
    pub fn begin_browser(&mut self, id: LoginId) -> LoginTicket {
        self.last += 1;
        self.browsers.push((self.last, id));
        LoginTicket(self.last)
    }

    /// The browser came back: the login is under way now, and supersedes one that is.
    pub fn came_back(&mut self, id: Option<LoginId>) -> LoginTicket {
        let waiting = self.take_browser(id);
        self.end(Err(ClientError::LoginSuperseded));
        let ticket = waiting.unwrap_or_else(|| {
            self.last += 1;
            self.last
        });
        self.pending = Some((ticket, SignIn::Browser(id)));
        LoginTicket(ticket)
    }

    /// The login that is under way.
    pub fn current(&self) -> Option<LoginTicket> {
        self.pending.as_ref().map(|(ticket, _)| LoginTicket(*ticket))
    }

    /// This login in a browser, if it is under way.
    pub fn under_way(&self, id: Option<LoginId>) -> Option<LoginTicket> {
        self.current().filter(|_| self.is_pending(id) && id.is_some())
    }

    fn is_pending(&self, login: Option<LoginId>) -> bool {
        match &self.pending {
            Some((_, SignIn::Browser(id))) => *id == login,
            Some(_) | None => login.is_none(),
        }
    }

    /// Takes note of what the session says. `signing_in`: a login is still under way, or waits for its browser.
    pub fn note(&mut self, event: &Event, signing_in: bool) {
        match event {
            Event::SignedIn { login, .. } => {
                // Completed elsewhere.
                self.end_browser(*login, Ok(()));
                // Somebody else's sign-in leaves our login alone.
                if !signing_in || login.is_some() && self.is_pending(*login) {
                    self.end(Ok(()));
                }
            }
            Event::LoginFailed { fault, login, .. } => {
                let failed = || Err(ClientError::LoginFailed { fault: fault.clone() });
                self.end_browser(*login, failed());
                if self.is_pending(*login) {
                    self.end(failed());
                }
            }
            Event::SignedOut { .. } if !signing_in => self.cancel(),
            _ => {}
        }
    }

    /// All logins are over without a result.
    pub fn cancel(&mut self) {
        for (ticket, _) in std::mem::take(&mut self.browsers) {
            self.keep(ticket, Err(ClientError::LoginCancelled));
        }
        self.end(Err(ClientError::LoginCancelled));
    }

    /// The same of the one that is under way.
    pub fn cancel_under_way(&mut self) {
        self.end(Err(ClientError::LoginCancelled));
    }

    /// The same of one login in a browser.
    pub fn cancel_browser(&mut self, id: Option<LoginId>) {
        self.end_browser(id, Err(ClientError::LoginCancelled));
        if id.is_some() && self.is_pending(id) {
            self.end(Err(ClientError::LoginCancelled));
        }
    }

    /// This login is over without a result, unless another one has taken its place.
    pub fn cancel_own(&mut self, ticket: LoginTicket) {
        if self.current() == Some(ticket) {
            self.end(Err(ClientError::LoginCancelled));
        }
    }

    /// How the login ended, if it has.
    pub fn result(&self, ticket: LoginTicket) -> Option<Result<(), ClientError>> {
        self.results.iter().find(|(number, _)| *number == ticket.0).map(|(_, result)| result.clone())
    }

    fn end(&mut self, result: Result<(), ClientError>) {
        if let Some((ticket, _)) = self.pending.take() {
            self.keep(ticket, result);
        }
    }

    fn take_browser(&mut self, id: Option<LoginId>) -> Option<u64> {
        let at = self.browsers.iter().position(|(_, own)| Some(*own) == id)?;
        Some(self.browsers.remove(at).0)
    }

    fn end_browser(&mut self, id: Option<LoginId>, result: Result<(), ClientError>) {
        if let Some(ticket) = self.take_browser(id) {
            self.keep(ticket, result);
        }
    }

    fn keep(&mut self, ticket: u64, result: Result<(), ClientError>) {
        if self.results.len() >= KEPT {
            self.results.pop_front();
        }
        self.results.push_back((ticket, result));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use webex_oauth::{Fault, FaultKind, Via};

    fn signed_in(login: Option<LoginId>) -> Event {
        Event::SignedIn {
            via: Via::Jwt,
            generation: 1,
            scope: Default::default(),
            login,
            cleaned_url: None,
            state: None,
        }
    }

    fn failed(login: Option<LoginId>) -> Event {
        let fault = Fault::new(FaultKind::Expired).into();
        Event::LoginFailed { via: Via::Code, fault, login, cleaned_url: None, state: None }
    }

    #[test]
    fn the_second_login_supersedes_the_first() {
        let mut logins = Logins::default();
        let first = logins.begin(SignIn::Jwt("a".into()));
        let second = logins.begin(SignIn::Jwt("b".into()));
        assert_eq!(logins.result(first), Some(Err(ClientError::LoginSuperseded)));
        logins.note(&signed_in(None), false);
        assert_eq!(logins.result(second), Some(Ok(())));
        assert_eq!(logins.result(first), Some(Err(ClientError::LoginSuperseded)));
    }

    #[test]
    fn the_same_login_is_joined() {
        let mut logins = Logins::default();
        let first = logins.begin(SignIn::Jwt("a".into()));
        assert_eq!(logins.begin(SignIn::Jwt("a".into())), first);
        assert_ne!(logins.begin(SignIn::Device), logins.begin(SignIn::Device));
    }

    #[test]
    fn logins_in_browsers_wait_side_by_side_and_each_gets_its_own_end() {
        let (one, two) = (LoginId::of("one"), LoginId::of("two"));
        let mut logins = Logins::default();
        let jwt = logins.begin(SignIn::Jwt("a".into()));
        let [first, second] = [one, two].map(|id| logins.begin_browser(id.unwrap()));
        logins.note(&failed(one), true);
        assert!(matches!(logins.result(first), Some(Err(ClientError::LoginFailed { .. }))));
        assert_eq!((logins.result(second), logins.result(jwt)), (None, None));
        assert_eq!(logins.came_back(two), second);
        assert_eq!(logins.result(jwt), Some(Err(ClientError::LoginSuperseded)));
        assert_eq!((logins.under_way(two), logins.under_way(one)), (Some(second), None));
        logins.note(&failed(one), true);
        assert_eq!(logins.result(second), None, "another one's");
        logins.note(&signed_in(two), true);
        assert_eq!(logins.result(second), Some(Ok(())));
    }

    #[test]
    fn a_login_that_was_completed_elsewhere_is_done_and_one_that_was_given_up_is_cancelled() {
        let (one, two) = (LoginId::of("one"), LoginId::of("two"));
        let mut logins = Logins::default();
        let [first, second] = [one, two].map(|id| logins.begin_browser(id.unwrap()));
        logins.note(&signed_in(one), true);
        assert_eq!((logins.result(first), logins.result(second)), (Some(Ok(())), None));
        logins.cancel_browser(two);
        assert_eq!(logins.result(second), Some(Err(ClientError::LoginCancelled)));
    }

    #[test]
    fn the_one_under_way_is_cancelled_and_those_in_browsers_wait_on() {
        let mut logins = Logins::default();
        let browser = logins.begin_browser(LoginId::of("one").unwrap());
        let device = logins.begin(SignIn::Device);
        logins.cancel_under_way();
        assert_eq!(logins.result(device), Some(Err(ClientError::LoginCancelled)));
        assert_eq!(logins.result(browser), None);
    }

    #[test]
    fn who_cancels_his_own_login_leaves_the_next_one_alone() {
        let mut logins = Logins::default();
        let first = logins.begin(SignIn::Adopt("a".into()));
        let second = logins.begin(SignIn::Device);
        logins.cancel_own(first);
        assert_eq!(logins.result(second), None);
        logins.cancel_own(second);
        assert_eq!(logins.result(second), Some(Err(ClientError::LoginCancelled)));
    }

    #[test]
    fn a_sign_in_elsewhere_does_not_end_our_login() {
        let mut logins = Logins::default();
        let ticket = logins.begin(SignIn::Device);
        logins.note(&signed_in(None), true);
        assert_eq!(logins.result(ticket), None);
        logins.cancel();
        assert_eq!(logins.result(ticket), Some(Err(ClientError::LoginCancelled)));
    }
}
