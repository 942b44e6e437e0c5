//! What a login in the browser brings back for whoever began it.

use webex_oauth::coordinator::Reply;

/// A login in the browser that ended well. Of one that had been completed before, both are unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SignedIn {
    /// The callback URL without code, token and CSRF value, for the browser's history.
    pub cleaned_url: Option<String>,
    /// The JSON object that was given as `state` when the login began.
    pub state: Option<String>,
}

impl From<Reply> for SignedIn {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::SignedIn { cleaned_url, state } => Self { cleaned_url, state },
            _ => Self::default(),
        }
    }
}
