//! Which login a caller waits for, and how it ended.

use std::collections::VecDeque;

use webex_oauth::{Event, Scope, Secret};

use crate::error::ClientError;

/// So many results are kept for those who have not come for them yet.
const KEPT: usize = 32;

/// What a caller signs in with: the same again joins the login that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignIn {
    /// Through a browser; two are never the same.
    Browser,
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
    pending: Option<(u64, SignIn)>,
    results: VecDeque<(u64, Result<(), ClientError>)>,
}

impl Logins {
    /// A login begins; one that is under way is superseded, unless it is the same one.
    pub fn begin(&mut self, by: SignIn) -> LoginTicket {
        match &self.pending {
            Some((ticket, other)) if *other == by && !matches!(by, SignIn::Browser | SignIn::Device) => {
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

    /// The login that is under way, whoever began it; a restored one counts as well.
    pub fn current(&mut self) -> LoginTicket {
        match &self.pending {
            Some((ticket, _)) => LoginTicket(*ticket),
            None => self.begin(SignIn::Browser),
        }
    }

    /// Takes note of what the session says. `signing_in`: a login is still under way.
    pub fn note(&mut self, event: &Event, signing_in: bool) {
        match event {
            // Somebody else's sign-in leaves our login alone.
            Event::SignedIn { .. } if !signing_in => self.end(Ok(())),
            Event::LoginFailed { fault, .. } => self.end(Err(ClientError::LoginFailed { fault: fault.clone() })),
            Event::SignedOut { .. } if !signing_in => self.cancel(),
            _ => {}
        }
    }

    /// The login is over without a result.
    pub fn cancel(&mut self) {
        self.end(Err(ClientError::LoginCancelled));
    }

    /// This login is over without a result, unless another one has taken its place.
    pub fn cancel_own(&mut self, ticket: LoginTicket) {
        if matches!(&self.pending, Some((pending, _)) if *pending == ticket.0) {
            self.cancel();
        }
    }

    /// How the login ended, if it has.
    pub fn result(&self, ticket: LoginTicket) -> Option<Result<(), ClientError>> {
        self.results.iter().find(|(number, _)| *number == ticket.0).map(|(_, result)| result.clone())
    }

    fn end(&mut self, result: Result<(), ClientError>) {
        if let Some((ticket, _)) = self.pending.take() {
            if self.results.len() >= KEPT {
                self.results.pop_front();
            }
            self.results.push_back((ticket, result));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed_in() -> Event {
        let via = webex_oauth::Via::Jwt;
        Event::SignedIn { via, generation: 1, scope: Default::default(), cleaned_url: None, state: None }
    }

    #[test]
    fn the_second_login_supersedes_the_first() {
        let mut logins = Logins::default();
        let first = logins.begin(SignIn::Jwt("a".into()));
        let second = logins.begin(SignIn::Jwt("b".into()));
        assert_eq!(logins.result(first), Some(Err(ClientError::LoginSuperseded)));
        logins.note(&signed_in(), false);
        assert_eq!(logins.result(second), Some(Ok(())));
        assert_eq!(logins.result(first), Some(Err(ClientError::LoginSuperseded)));
    }

    #[test]
    fn the_same_login_is_joined() {
        let mut logins = Logins::default();
        let first = logins.begin(SignIn::Jwt("a".into()));
        assert_eq!(logins.begin(SignIn::Jwt("a".into())), first);
        assert_ne!(logins.begin(SignIn::Browser), logins.begin(SignIn::Browser));
    }

    #[test]
    fn who_cancels_his_own_login_leaves_the_next_one_alone() {
        let mut logins = Logins::default();
        let first = logins.begin(SignIn::Adopt("a".into()));
        let second = logins.begin(SignIn::Browser);
        logins.cancel_own(first);
        assert_eq!(logins.result(second), None);
        logins.cancel_own(second);
        assert_eq!(logins.result(second), Some(Err(ClientError::LoginCancelled)));
    }

    #[test]
    fn a_sign_in_elsewhere_does_not_end_our_login() {
        let mut logins = Logins::default();
        let ticket = logins.begin(SignIn::Browser);
        logins.note(&signed_in(), true);
        assert_eq!(logins.result(ticket), None);
        logins.cancel();
        assert_eq!(logins.result(ticket), Some(Err(ClientError::LoginCancelled)));
    }
}
