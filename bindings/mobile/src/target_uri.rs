//! URLs that something is sent to, in normal form.

use crate::error::MisuseError;

/// Where a request goes, in normal form.
#[derive(Debug, Clone, uniffi::Record)]
pub struct TargetUri {
    /// The whole of it, without a fragment.
    pub url: String,
    /// `https` or `http`.
    pub scheme: String,
    /// Host and port as they stand in a `Host` header.
    pub authority: String,
    /// The name to look up, or the address to connect to, without brackets.
    pub host: String,
    /// The port to connect to.
    pub port: u16,
    /// Path and query, as they stand in the first line of a request.
    pub request_target: String,
    /// What is sent there stays on this machine, and is no proxy's business.
    pub is_loopback: bool,
    /// https, or on this machine: good enough for a secret.
    pub is_secure: bool,
}

impl From<&webex_oauth::TargetUri> for TargetUri {
    fn from(target: &webex_oauth::TargetUri) -> Self {
        Self {
            url: target.url().to_owned(),
            scheme: target.scheme().to_owned(),
            authority: target.authority().to_owned(),
            host: target.host().to_owned(),
            port: target.port(),
            request_target: target.request_target().to_owned(),
            is_loopback: target.is_loopback(),
            is_secure: target.is_secure(),
        }
    }
}

/// Reads an absolute URL of http or https. One that may mean another host to others is refused.
#[uniffi::export]
pub fn target_uri(text: String) -> Result<TargetUri, MisuseError> {
    let target = webex_oauth::TargetUri::parse(&text).map_err(webex_oauth::Misuse::from)?;
    Ok((&target).into())
}

/// A URL that somebody wants to call, judged by [`Config::judge_url`](crate::Config::judge_url).
#[derive(Debug, Clone, uniffi::Record)]
pub struct JudgedUrl {
    /// Where the call goes: connect to this and nothing else, with the token or without.
    pub target: TargetUri,
    /// Whether the access token may go there.
    pub may_carry_token: bool,
}

impl From<webex_oauth::JudgedUrl> for JudgedUrl {
    fn from(judged: webex_oauth::JudgedUrl) -> Self {
        let webex_oauth::JudgedUrl { target, may_carry_token } = judged;
        Self { target: (&target).into(), may_carry_token }
    }
}
