//! Every token that was ever issued, and what became of it.
//!
//! A sign-in starts a *family*; each refresh that mints a new access token is the next
//! *generation* of that family. Revoking a family ends all its tokens.

mod endings;

use std::collections::{BTreeMap, HashMap};

use crate::account::Account;
use crate::options::Options;
use crate::residents::Bot;
use crate::token_ref::{TokenKind, TokenRef, TokenState};
use crate::tokens::fingerprint;

pub(crate) struct Family {
    pub(crate) id: u64,
    pub(crate) client_id: String,
    pub(crate) account: Account,
    pub(crate) scope: String,
    pub(crate) created_ms: u64,
    pub(crate) generation: u32,
}

struct Token {
    kind: TokenKind,
    family: u64,
    generation: u32,
    scope: String,
    issued_ms: u64,
    expires_ms: u64,
    revoked: bool,
    rotated_ms: Option<u64>,
}

impl Token {
    fn state(&self, now: u64) -> TokenState {
        if self.revoked {
            TokenState::Revoked
        } else if self.rotated_ms.is_some() {
            TokenState::Rotated
        } else if self.expires_ms <= now {
            TokenState::Expired
        } else {
            TokenState::Live
        }
    }
}

/// Whom and what an accepted access token speaks for.
pub(crate) struct Bearer {
    pub(crate) token: TokenRef,
    pub(crate) account: Account,
    pub(crate) client_id: String,
    pub(crate) scope: String,
    pub(crate) expires_ms: u64,
}

impl Bearer {
    /// A bot's token is none of the ledger's: it neither began with a sign-in nor ends.
    pub(crate) fn bot(bot: &Bot) -> Self {
        let token = TokenRef {
            fingerprint: fingerprint(&bot.token),
            kind: TokenKind::Access,
            family: 0,
            generation: 0,
            state: TokenState::Live,
        };
        let (client_id, scope) = (bot.id.clone(), "spark:all".into());
        Self { token, account: Account::bot(bot), client_id, scope, expires_ms: u64::MAX }
    }
}

/// What a token answer is written from.
pub(crate) struct Issued {
    pub(crate) access: String,
    pub(crate) access_expires_ms: u64,
    pub(crate) refresh: Option<(String, u64)>,
    pub(crate) scope: String,
    pub(crate) refs: Vec<TokenRef>,
}

/// New token strings, drawn before the ledger is asked whether it wants them.
pub(crate) struct Fresh {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// What the ledger counts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) access_issued: u64,
    pub(crate) refresh_issued: u64,
    pub(crate) revoked: u64,
    pub(crate) reuse_detected: u64,
    pub(crate) code_replays: u64,
}

#[derive(Default)]
pub(crate) struct Ledger {
    families: BTreeMap<u64, Family>,
    tokens: HashMap<String, Token>,
    pub(crate) tally: Tally,
}

impl Ledger {
    /// A new sign-in.
    pub(crate) fn open(&mut self, client_id: &str, account: Account, scope: &str, now: u64) -> u64 {
        let id = self.families.len() as u64 + 1;
        let family =
            Family { id, client_id: client_id.into(), account, scope: scope.into(), created_ms: now, generation: 0 };
        self.families.insert(id, family);
        id
    }

    /// The next generation of a family: an access token that lives for `life`, and a refresh token
    /// that lives until `refresh_until`, where one is due.
    pub(crate) fn issue(
        &mut self,
        family: u64,
        fresh: Fresh,
        now: u64,
        life: u64,
        refresh_until: Option<u64>,
    ) -> Option<Issued> {
        let entry = self.families.get_mut(&family)?;
        entry.generation += 1;
        let (generation, scope) = (entry.generation, entry.scope.clone());
        let access_expires_ms = now.saturating_add(life);
        let mut add = |text: &str, kind, expires_ms| {
            let token = Token {
                kind,
                family,
                generation,
                scope: scope.clone(),
                issued_ms: now,
                expires_ms,
                revoked: false,
                rotated_ms: None,
            };
            self.tokens.insert(text.into(), token);
        };
        add(&fresh.access, TokenKind::Access, access_expires_ms);
        self.tally.access_issued += 1;
        let refresh = refresh_until.map(|until| {
            add(&fresh.refresh, TokenKind::Refresh, until);
            (fresh.refresh, until)
        });
        self.tally.refresh_issued += u64::from(refresh.is_some());
        let mut refs = vec![self.name(&fresh.access, now)];
        refs.extend(refresh.iter().map(|(text, _)| self.name(text, now)));
        Some(Issued { access: fresh.access, access_expires_ms, refresh, scope, refs })
    }

    /// The refresh grant. `Err` says in a sentence why it is an `invalid_grant`.
    pub(crate) fn refresh(
        &mut self,
        text: &str,
        client_id: &str,
        fresh: Fresh,
        now: u64,
        options: &Options,
    ) -> Result<Issued, &'static str> {
        const UNKNOWN: &str = "The refresh token is not known.";
        let token = self.tokens.get(text).filter(|token| token.kind == TokenKind::Refresh);
        let token = token.ok_or(UNKNOWN)?;
        let (family, until, state) = (token.family, token.expires_ms, token.state(now));
        let rotated = token.rotated_ms;
        if self.families.get(&family).is_none_or(|family| family.client_id != client_id) {
            return Err("The refresh token was issued to another client.");
        }
        match (state, rotated) {
            (TokenState::Revoked, _) => return Err("The refresh token was revoked."),
            (TokenState::Expired, _) => return Err("The refresh token is expired."),
            (_, Some(at)) if now.saturating_sub(at) >= options.reuse_grace_ms => {
                self.tally.reuse_detected += 1;
                self.revoke_family(family, now);
                return Err("The refresh token was used before; its sign-in is revoked.");
            }
            _ => {}
        }
        if let Some(same) = self.unchanged(family, text, now, options) {
            return Ok(same);
        }
        if options.revoke_access_on_refresh {
            self.revoke_where(now, |token| token.family == family && token.kind != TokenKind::Refresh);
        }
        let until =
            if options.extend_refresh_lifetime { now.saturating_add(options.refresh_lifetime_ms) } else { until };
        let due = options.rotate.then_some(until);
        let mut issued = self.issue(family, fresh, now, options.access_lifetime_ms, due).ok_or(UNKNOWN)?;
        if let Some(token) = self.tokens.get_mut(text) {
            token.expires_ms = until;
            if options.rotate {
                token.rotated_ms.get_or_insert(now);
            }
        }
        if !options.rotate && !options.omit_unchanged_refresh_token {
            issued.refresh = Some((text.into(), until));
        }
        Ok(issued)
    }

    /// The youngest access token again, where the options say so and it is young enough.
    fn unchanged(&self, family: u64, text: &str, now: u64, options: &Options) -> Option<Issued> {
        let until = self.tokens.get(text)?.expires_ms;
        let (access, token) = self
            .tokens
            .iter()
            .filter(|(_, token)| token.family == family && token.kind == TokenKind::Access)
            .max_by_key(|(_, token)| token.generation)?;
        let young = now.saturating_sub(token.issued_ms) < options.same_token_within_ms;
        (young && token.state(now) == TokenState::Live).then(|| Issued {
            access: access.clone(),
            access_expires_ms: token.expires_ms,
            refresh: Some((text.into(), until)),
            scope: token.scope.clone(),
            refs: vec![self.name(access, now)],
        })
    }

    /// A token with less scope, from a live access token; it dies with it.
    pub(crate) fn downscope(&mut self, parent: &str, scope: &str, access: String, now: u64) -> Option<Issued> {
        let token = self.tokens.get(parent)?;
        let (family, generation, expires_ms) = (token.family, token.generation, token.expires_ms);
        let child = Token {
            kind: TokenKind::Downscoped,
            family,
            generation,
            scope: scope.into(),
            issued_ms: now,
            expires_ms,
            revoked: false,
            rotated_ms: None,
        };
        self.tokens.insert(access.clone(), child);
        self.tally.access_issued += 1;
        let refs = vec![self.name(&access, now)];
        Some(Issued { access, access_expires_ms: expires_ms, refresh: None, scope: scope.into(), refs })
    }

    /// Whom the access token speaks for, or how the log names the token that is refused.
    pub(crate) fn bearer(&self, text: &str, now: u64) -> Result<Bearer, TokenRef> {
        let name = self.name(text, now);
        let usable = name.state == TokenState::Live && name.kind != TokenKind::Refresh;
        let found = self.tokens.get(text).zip(self.families.get(&name.family));
        match found {
            Some((token, family)) if usable => Ok(Bearer {
                token: name,
                account: family.account.clone(),
                client_id: family.client_id.clone(),
                scope: token.scope.clone(),
                expires_ms: token.expires_ms,
            }),
            _ => Err(name),
        }
    }

    pub(crate) fn name(&self, text: &str, now: u64) -> TokenRef {
        let token = self.tokens.get(text);
        TokenRef {
            fingerprint: fingerprint(text),
            kind: token.map_or(TokenKind::Unknown, |token| token.kind),
            family: token.map_or(0, |token| token.family),
            generation: token.map_or(0, |token| token.generation),
            state: token.map_or(TokenState::Unknown, |token| token.state(now)),
        }
    }

    /// Every token that is still accepted, oldest sign-in first.
    pub(crate) fn live(&self, now: u64) -> Vec<TokenRef> {
        let mut live: Vec<_> = self
            .tokens
            .iter()
            .filter(|(_, token)| token.state(now) == TokenState::Live)
            .map(|(text, _)| self.name(text, now))
            .collect();
        live.sort_by_key(|token| (token.family, token.generation, token.kind as u8, token.fingerprint.clone()));
        live
    }

    /// Sign-ins with at least one live token.
    pub(crate) fn live_families(&self, now: u64) -> Vec<&Family> {
        self.families
            .values()
            .filter(|family| {
                self.tokens.values().any(|token| token.family == family.id && token.state(now) == TokenState::Live)
            })
            .collect()
    }

    /// The family of a token, whatever its state.
    pub(crate) fn family_of(&self, text: &str) -> Option<&Family> {
        self.families.get(&self.tokens.get(text)?.family)
    }
}
