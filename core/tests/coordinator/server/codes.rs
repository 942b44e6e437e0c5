//! Authorization codes. A person who agrees on a login's page gets one: it is bound to the login, and redeemed once.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::{Server, answer};

/// The page of a login, as a browser has opened it. Its place in the list is the number of its code.
#[derive(Debug, Clone)]
pub(super) struct Page {
    url: String,
    /// Whose requests with its code may still be, or have been, acted upon.
    spent_by: BTreeSet<usize>,
    /// Somebody sent its code whose store could not be told of it.
    unsaved: bool,
    /// The refresh token that it brought.
    brought: Option<u32>,
    /// Whoever redeemed it may be gone with what it brought.
    lost: bool,
}

impl Page {
    fn parameter(&self, name: &str) -> &str {
        value(&self.url, name).unwrap_or_default()
    }
}

/// A parameter as it is written.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split(['?', '&']).find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

impl Server {
    pub(crate) fn open_page(&mut self, url: &str) {
        let url = url.to_owned();
        self.pages.push(Page { url, spent_by: BTreeSet::new(), unsaved: false, brought: None, lost: false });
    }

    pub(crate) fn pages(&self) -> usize {
        self.pages.len()
    }

    pub(crate) fn page(&self, at: usize) -> &str {
        &self.pages[at].url
    }

    pub(crate) fn state_of(&self, at: usize) -> &str {
        self.pages[at].parameter("state")
    }

    /// Where the browser is sent: the same at every time.
    pub(crate) fn callback(&self, at: usize, agrees: bool) -> String {
        let state = self.state_of(at);
        let says = if agrees { format!("code=CODE{at}") } else { "error=access_denied".to_owned() };
        format!("https://app.example/cb?{says}&state={state}")
    }

    /// A code goes out. Two requests with one are what the login's mark in the store is there to prevent: whoever sends one without
    /// having stored that, and whoever had it from a store that lost it, may be the second.
    pub(crate) fn note_code_sent(
        &mut self,
        at: usize,
        node: usize,
        unsaved: bool,
        excused: bool,
    ) -> Result<(), String> {
        let Some(page) = self.pages.get_mut(at) else { return Err(format!("CODE{at} was never issued")) };
        page.unsaved |= unsaved || excused;
        if let Some(other) = page.spent_by.first().filter(|_| !page.unsaved) {
            return Err(format!("CODE{at} is sent by node {node}, and by node {other} before"));
        }
        page.spent_by.insert(node);
        Ok(())
    }

    /// It is certain that the server has not acted upon it.
    pub(crate) fn code_not_spent(&mut self, at: usize, node: usize) {
        self.pages[at].spent_by.remove(&node);
    }

    /// The status and the body that a code is answered with.
    pub(crate) fn redeem(&mut self, at: usize, body: &str) -> Result<(u16, String), String> {
        let page = &self.pages[at];
        let challenge = value(body, "code_verifier").map(|verifier| URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)));
        if challenge.as_deref() != Some(page.parameter("code_challenge")) {
            return Err(format!("CODE{at} is redeemed with another login's verifier"));
        }
        if value(body, "redirect_uri") != Some(page.parameter("redirect_uri")) {
            return Err(format!("CODE{at} is redeemed for another redirect URI"));
        }
        if let Some(refresh) = page.brought {
            // RFC 6749 section 4.1.2: it may have been stolen.
            if !page.unsaved {
                return Err(format!("CODE{at} is redeemed twice, and nothing had happened"));
            }
            self.dead.extend(self.family(refresh));
            self.excuse("a code was redeemed twice");
            return Ok((400, r#"{"error":"invalid_grant"}"#.to_owned()));
        }
        self.families += 1;
        let refresh = self.issue(self.families);
        self.pages[at].brought = Some(refresh);
        Ok((200, answer(refresh)))
    }

    /// Nobody gets the answer.
    pub(crate) fn lose_code(&mut self, at: usize) {
        self.pages[at].lost = true;
    }

    /// Whoever this was is gone, with what its codes have brought.
    pub(crate) fn lose_codes_of(&mut self, node: usize) {
        self.lose_devices_of(node);
        self.pages.iter_mut().filter(|page| page.spent_by.contains(&node)).for_each(|page| page.lost = true);
    }

    /// Its user has signed in anew where it was: the session before is left alone.
    pub(crate) fn replace(&mut self, family: u32) {
        let of: Vec<_> = (0..self.pages.len()).filter(|at| self.family_of_code(*at) == Some(family)).collect();
        of.into_iter().for_each(|at| self.lose_code(at));
        let of: Vec<_> = (0..self.devices.len()).filter(|at| self.family_of_device(*at) == Some(family)).collect();
        of.into_iter().for_each(|at| self.lose_device(at));
    }

    /// The sign-in that this login led to.
    pub(crate) fn family_of_code(&self, at: usize) -> Option<u32> {
        self.family(self.pages[at].brought?)
    }

    /// A login that has brought tokens which live on, and whose sign-in is none of these.
    pub(crate) fn forgotten_code(&self, is_kept: impl Fn(u32) -> bool) -> Option<usize> {
        self.pages.iter().position(|page| {
            let lives = page.brought.filter(|refresh| !page.lost && self.honours(*refresh));
            lives.and_then(|refresh| self.family(refresh)).is_some_and(|family| !is_kept(family))
        })
    }
}
