//! What the host is asked for: its own callbacks for tokens and JWTs.

use std::panic::{AssertUnwindSafe, catch_unwind};

use webex_oauth::{Input, RequestId, Secret, TokenAsk};

type Answer = Result<Secret, String>;
type AskToken = Box<dyn Fn(&TokenAsk) -> Answer + Send + Sync>;
type AskJwt = Box<dyn Fn() -> Answer + Send + Sync>;

/// The callbacks of [`ClientBuilder`](crate::ClientBuilder).
#[derive(Default)]
pub(crate) struct Host {
    pub(crate) token: Option<AskToken>,
    pub(crate) jwt: Option<AskJwt>,
}

impl Host {
    /// Asks for tokens; the result is the input that answers the session.
    pub(crate) fn ask_for_token(&self, id: RequestId, ask: &TokenAsk) -> Input {
        let Some(callback) = &self.token else {
            return failed(id, "no callback for tokens is set");
        };
        match guarded(|| callback(ask)) {
            Ok(tokens) => Input::ProvideToken { id, tokens },
            Err(reason) => failed(id, &reason),
        }
    }

    /// The same for a guest JWT.
    pub(crate) fn ask_for_jwt(&self, id: RequestId) -> Input {
        let Some(callback) = &self.jwt else {
            return failed(id, "no callback for JWTs is set");
        };
        match guarded(callback) {
            Ok(jwt) => Input::ProvideJwt { id, jwt },
            Err(reason) => failed(id, &reason),
        }
    }
}

fn guarded(callback: impl FnOnce() -> Answer) -> Answer {
    catch_unwind(AssertUnwindSafe(callback)).unwrap_or_else(|_| Err("the callback panicked".to_owned()))
}

fn failed(id: RequestId, reason: &str) -> Input {
    // The session takes no longer text.
    Input::HostFailed { id, reason: reason.chars().take(200).collect() }
}
