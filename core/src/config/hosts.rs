//! Where the access token may go.

use std::sync::Arc;

use super::{Config, TokenHost};
use crate::error::Misuse;
use crate::target_uri::TargetUri;

/// A URL that somebody wants to call, judged by [`Config::judge_url`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedUrl {
    /// Where the call goes: connect to this and nothing else, with the token or without.
    pub target: TargetUri,
    /// Whether the access token may go there.
    pub may_carry_token: bool,
}

impl JudgedUrl {
    /// The host as an entry of `token_hosts` that covers it: a domain, or `host:port` where nothing less will do.
    pub(crate) fn host_entry(&self) -> String {
        let exact = TokenHost::exactly(&self.target).to_string();
        let is_plain = self.target.scheme() == "https" && self.target.port() == 443;
        let domain = Some(self.target.host()).filter(|_| is_plain);
        domain.filter(|host| TokenHost::parse(host, "token_hosts").is_ok()).map_or(exact, str::to_owned)
    }
}

impl Config {
    /// Reads the URL of an API call, and says whether the access token may go there: https to one of the token hosts or
    /// its sub-domains, or exactly a configured `host:port`, where plain http passes on loopback.
    ///
    /// # Errors
    ///
    /// [`Misuse::InvalidArgument`] where it is no absolute URL of http or https, or others may read another host in it. It is
    /// not to be called at all then, with the token or without.
    pub fn judge_url(&self, url: &str) -> Result<JudgedUrl, Misuse> {
        let target = TargetUri::parse(url)?;
        let may_carry_token = target.is_secure() && self.is_token_host(&target);
        Ok(JudgedUrl { target, may_carry_token })
    }

    /// Whether the access token may be sent to `url`: see [`Config::judge_url`], which also says where to connect to.
    pub fn may_carry_token(&self, url: &str) -> bool {
        self.judge_url(url).is_ok_and(|judged| judged.may_carry_token)
    }

    /// The same with further hosts that may see the token.
    pub(crate) fn with_token_hosts(&self, hosts: impl Iterator<Item = TokenHost>) -> Self {
        let mut inner = (*self.0).clone();
        inner.token_hosts.extend(hosts);
        Self(Arc::new(inner))
    }

    fn is_token_host(&self, target: &TargetUri) -> bool {
        self.0.token_hosts.iter().any(|entry| entry.covers(target))
    }
}
