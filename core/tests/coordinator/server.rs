//! A rotating authorization server: families of refresh tokens, one for each sign-in.

mod codes;
mod devices;

use std::collections::BTreeMap;

use self::codes::Page;
use self::devices::Device;

/// What the server makes of a refresh token that was used before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    /// It ends the whole family.
    Strict,
    /// The same successor again, as long as that was not used itself.
    Grace,
}

#[derive(Debug, Clone, Default)]
struct Token {
    family: u32,
    successor: Option<u32>,
    revoked: bool,
    /// Whose request with it may still be, or has been, acted upon.
    spent_by: Option<usize>,
}

#[derive(Debug, Clone)]
pub(crate) struct Server {
    policy: Policy,
    tokens: BTreeMap<u32, Token>,
    dead: Vec<u32>,
    last: u32,
    families: u32,
    pages: Vec<Page>,
    devices: Vec<Device>,
    /// Something happened that may cost a session at a strict server, and has to be named.
    pub(crate) excuse: Vec<&'static str>,
    pub(crate) rotations: u64,
    pub(crate) reuses: u64,
}

impl Server {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            policy,
            tokens: BTreeMap::new(),
            dead: Vec::new(),
            last: 0,
            families: 0,
            pages: Vec::new(),
            devices: Vec::new(),
            excuse: Vec::new(),
            rotations: 0,
            reuses: 0,
        }
    }

    fn issue(&mut self, family: u32) -> u32 {
        self.last += 1;
        self.tokens.insert(self.last, Token { family, ..Token::default() });
        self.last
    }

    /// A sign-in: the answer as JSON.
    pub(crate) fn sign_in(&mut self) -> String {
        self.families += 1;
        let refresh = self.issue(self.families);
        answer(refresh)
    }

    pub(crate) fn excuse(&mut self, why: &'static str) {
        if !self.excuse.contains(&why) {
            self.excuse.push(why);
        }
    }

    /// A request goes out. Two at once with one token are what the intent is there to prevent.
    pub(crate) fn note_sent(&mut self, refresh: u32, node: usize, row: Option<u32>) -> Result<(), String> {
        let Some(token) = self.tokens.get_mut(&refresh) else {
            return Err(format!("RT{refresh} was never issued"));
        };
        let excused = !self.excuse.is_empty();
        if let Some(other) = token.spent_by.filter(|_| !excused) {
            return Err(format!("RT{refresh} is spent by node {node}, and by node {other} before"));
        }
        token.spent_by = Some(node);
        if !excused && row.is_some() && row == token.successor {
            return Err(format!("RT{refresh} is spent although the store holds its successor"));
        }
        Ok(())
    }

    /// It is certain that the server has not acted upon it.
    pub(crate) fn not_spent(&mut self, refresh: u32) {
        if let Some(token) = self.tokens.get_mut(&refresh) {
            token.spent_by = None;
        }
    }

    /// The status and the body that a refresh is answered with.
    pub(crate) fn refresh(&mut self, refresh: u32) -> Result<(u16, String), String> {
        let Some(token) = self.tokens.get(&refresh).cloned() else {
            return Err(format!("RT{refresh} was never issued"));
        };
        let over = Ok((400, r#"{"error":"invalid_grant"}"#.to_owned()));
        if token.revoked || self.dead.contains(&token.family) {
            self.not_spent(refresh);
            return over;
        }
        if let Some(successor) = token.successor {
            let next = self.tokens.get(&successor).cloned().unwrap_or_default();
            if self.policy == Policy::Grace && next.successor.is_none() && !next.revoked {
                return Ok((200, answer(successor)));
            }
            self.reuses += 1;
            self.dead.push(token.family);
            if self.excuse.is_empty() {
                return Err(format!("RT{refresh} is used twice, its family is ended, and nothing had happened"));
            }
            return over;
        }
        let successor = self.issue(token.family);
        self.rotations += 1;
        if let Some(token) = self.tokens.get_mut(&refresh) {
            token.successor = Some(successor);
        }
        Ok((200, answer(successor)))
    }

    pub(crate) fn revoke(&mut self, refresh: u32) {
        if let Some(token) = self.tokens.get_mut(&refresh).filter(|token| token.successor.is_none()) {
            token.revoked = true;
        }
    }

    /// Somebody has asked it to forget a token.
    pub(crate) fn has_revoked(&self) -> bool {
        self.tokens.values().any(|token| token.revoked)
    }

    /// Whether a refresh with it would be answered with tokens.
    pub(crate) fn honours(&self, refresh: u32) -> bool {
        self.tokens.get(&refresh).is_some_and(|token| {
            let used_up = token.successor.is_some_and(|next| {
                let next = self.tokens.get(&next).cloned().unwrap_or_default();
                self.policy == Policy::Strict || next.successor.is_some() || next.revoked
            });
            !token.revoked && !self.dead.contains(&token.family) && !used_up
        })
    }

    pub(crate) fn family(&self, refresh: u32) -> Option<u32> {
        self.tokens.get(&refresh).map(|token| token.family)
    }
}

fn answer(refresh: u32) -> String {
    format!(
        r#"{{"access_token":"AT{refresh}","token_type":"Bearer","expires_in":3600,"refresh_token":"RT{refresh}","scope":"a b"}}"#
    )
}

/// The number in a text like `..RT7..`.
pub(crate) fn number_after(text: &str, mark: &str) -> Option<u32> {
    let rest = text.split_once(mark)?.1;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
