//! The tokens of a session, how their renewal stands, and the user tokens with less scope.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::access::Via;
use crate::error::Fault;
use crate::http::RequestId;
use crate::intent::GrantId;
use crate::logins::LoginId;
use crate::protocol::scope::{Scope, ScopeDelta};
use crate::secret::{AccessToken, Secret};
use crate::time::Timestamp;
use crate::tokens::TokenSet;

/// Tokens and what is known of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Grant {
    pub(crate) via: Via,
    /// Of the sign-in, where a coordinator was told of it.
    pub(crate) grant_id: Option<GrantId>,
    pub(crate) tokens: TokenSet,
    pub(crate) requested: Option<Scope>,
    /// Of the access token.
    pub(crate) generation: u64,
    /// The login in a browser that brought it.
    pub(crate) login: Option<LoginId>,
    /// Counts the renewals since the sign-in, in all processes together.
    pub(crate) renewals: u64,
    /// The request that brought these tokens: the answer to an earlier one is superseded.
    pub(crate) from_request: u64,
    /// The predecessor of the access token, to be revoked when the successor arrives.
    pub(crate) previous: Option<AccessToken>,
    pub(crate) renew: Renew,
    /// User tokens with less scope.
    pub(crate) children: Vec<Child>,
    /// The user was told that only a sign-in helps.
    pub(crate) told_sign_in: bool,
    /// The user was told that the refresh token ends soon.
    pub(crate) told_relogin: bool,
    pub(crate) extra: Map<String, Value>,
}

/// How the renewal of a grant stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Renew {
    /// Somebody waits for it.
    pub(crate) wanted: bool,
    /// The host insists: no minimum interval, no backoff of our own.
    pub(crate) forced: bool,
    /// An API refused the current token.
    pub(crate) rejected: bool,
    /// How many tokens in a row were refused soon after they came.
    pub(crate) rejections: u32,
    /// The last success.
    pub(crate) last: Option<Timestamp>,
    pub(crate) failures: u32,
    pub(crate) retry_at: Option<Timestamp>,
    /// The server itself named `retry_at`.
    pub(crate) retry_is_servers: bool,
    pub(crate) fault: Option<Arc<Fault>>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Child {
    pub(crate) scope: Scope,
    pub(crate) state: ChildState,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ChildState {
    Ready { token: AccessToken, generation: u64, received_at: Timestamp, expires_at: Option<Timestamp> },
    Asked { id: RequestId },
    Failed { fault: Arc<Fault>, retry_at: Timestamp },
}

impl Grant {
    /// Every token of the session, and how RFC 7009 section 2.1 calls it. The refresh token first: it carries the others.
    pub(crate) fn all_tokens(&self) -> Vec<(Secret, &'static str)> {
        self.tokens_of(|_| true)
    }

    /// The same of those that are not known to have ended. The predecessor of the access token ends no later than that.
    pub(crate) fn living_tokens(&self, now: Timestamp) -> Vec<(Secret, &'static str)> {
        self.tokens_of(|end| end.is_none_or(|end| now < end))
    }

    /// Those whose end is as wanted.
    fn tokens_of(&self, fits: impl Fn(Option<Timestamp>) -> bool) -> Vec<(Secret, &'static str)> {
        let children = self.children.iter().filter_map(|child| match &child.state {
            ChildState::Ready { token, expires_at, .. } => Some((token, *expires_at)),
            ChildState::Asked { .. } | ChildState::Failed { .. } => None,
        });
        let tokens = &self.tokens;
        let own = tokens.access_token.iter().chain(&self.previous).map(|token| (token, tokens.expires_at));
        let access = own.chain(children).filter(|(_, end)| fits(*end));
        let refresh = tokens.refresh_token.clone().filter(|_| fits(tokens.refresh_token_expires_at));
        let refresh = refresh.map(|token| (token, "refresh_token"));
        refresh.into_iter().chain(access.map(|(token, _)| (token.expose().into(), "access_token"))).collect()
    }

    /// What was granted of what was asked for.
    pub(crate) fn scope_delta(&self) -> ScopeDelta {
        let nothing = Scope::default();
        let granted = self.tokens.scope.as_ref().unwrap_or(&nothing);
        ScopeDelta::between(self.requested.as_ref().unwrap_or(granted), granted)
    }
}
