//! How tokens end before their time.

use super::{Ledger, Token};
use crate::token_ref::{TokenKind, TokenState};
use crate::tokens::fingerprint;

impl Ledger {
    /// RFC 7009: an access token ends alone, a refresh token takes its family along.
    pub(crate) fn revoke(&mut self, text: &str, now: u64) -> u64 {
        match self.tokens.get(text).map(|token| (token.kind, token.family)) {
            Some((TokenKind::Refresh, family)) => self.revoke_family(family, now),
            Some(_) => self.revoke_named(&fingerprint(text), now),
            None => 0,
        }
    }

    pub(crate) fn revoke_named(&mut self, name: &str, now: u64) -> u64 {
        let text = self.tokens.keys().find(|text| fingerprint(text) == name).cloned();
        if let Some(token) = text.and_then(|text| self.tokens.get_mut(&text)) {
            let lives = token.state(now) == TokenState::Live;
            token.revoked = true;
            self.tally.revoked += u64::from(lives);
            return u64::from(lives);
        }
        0
    }

    pub(crate) fn revoke_family(&mut self, family: u64, now: u64) -> u64 {
        self.revoke_where(now, |token| token.family == family)
    }

    pub(crate) fn revoke_all(&mut self, now: u64) -> u64 {
        self.revoke_where(now, |_| true)
    }

    pub(super) fn revoke_where(&mut self, now: u64, which: impl Fn(&Token) -> bool) -> u64 {
        let mut count = 0;
        for token in self.tokens.values_mut().filter(|token| which(token)) {
            count += u64::from(token.state(now) == TokenState::Live);
            token.revoked = true;
        }
        self.tally.revoked += count;
        count
    }

    /// Ends the lives of tokens now, without revoking them. Answers how many were live.
    pub(crate) fn expire(&mut self, refresh_too: bool, access_too: bool, now: u64) -> u64 {
        let mut count = 0;
        for token in self.tokens.values_mut() {
            let meant = if token.kind == TokenKind::Refresh { refresh_too } else { access_too };
            if meant && token.state(now) == TokenState::Live {
                token.expires_ms = now;
                count += 1;
            }
        }
        count
    }
}
