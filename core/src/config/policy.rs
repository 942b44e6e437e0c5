//! What a configuration lets people choose.

use std::time::Duration;

/// Who renews the tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Renewal {
    /// The session itself, by refresh token or client credentials.
    Grant,
    /// The host, asked by [`Effect::AskForToken`](crate::Effect::AskForToken): the `refreshCallback` of a front end.
    HostToken,
    /// The host supplies guest JWTs, asked by [`Effect::AskForJwt`](crate::Effect::AskForJwt): `jwtRefreshCallback`.
    HostJwt,
}

/// What a caller gets whose downscoped token could not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DownscopeFailure {
    /// No token: least privilege is kept.
    Refuse,
    /// The token with the full scope, as Webex's SDK does.
    UseFullToken,
}

/// When to refresh. Two lines: *soon* asks for a refresh in the background, *must* ends the use of the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshPolicy {
    /// Soon lies between these thousandths of the lifetime, drawn per token so that many clients spread out.
    pub soon_permille: (u16, u16),
    /// Must lies this long before expiry, but never more than a tenth of the lifetime.
    pub margin: Duration,
    /// No two refreshes are closer than this, but half the lifetime is always enough.
    pub min_interval: Duration,
    /// First wait after a failure; doubles with each.
    pub backoff: Duration,
    /// Longest wait after a failure without `Retry-After`.
    pub max_backoff: Duration,
    /// Refresh on [`Input::Tick`](crate::Input::Tick) when soon has come, without anybody asking.
    pub proactive: bool,
    /// Revoke a superseded access token once its successor's successor arrives. Webex allows 750 live ones per user.
    /// `None`: at Webex only, because elsewhere the end of an access token may be the end of its whole grant (RFC 7009
    /// section 2.1). Decided in the policy of a built configuration.
    pub revoke_superseded: Option<bool>,
    /// Warn this long before the refresh token expires.
    pub warn_before_relogin: Duration,
}

impl Default for RefreshPolicy {
    fn default() -> Self {
        Self {
            soon_permille: (600, 900),
            margin: Duration::from_secs(60),
            min_interval: Duration::from_secs(30),
            backoff: Duration::from_secs(2),
            max_backoff: Duration::from_secs(300),
            proactive: true,
            revoke_superseded: None,
            warn_before_relogin: Duration::from_secs(7 * 24 * 3600),
        }
    }
}
