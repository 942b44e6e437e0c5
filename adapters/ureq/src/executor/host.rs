//! What the host is asked for: its own callbacks for tokens and JWTs.

use std::panic::{AssertUnwindSafe, catch_unwind};

use webex_oauth::coordinator::Done;
use webex_oauth::{Secret, TokenAsk};
use webex_oauth_driver::host_answer;

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
    pub(crate) fn ask_for_token(&self, ask: &TokenAsk) -> Done {
        host_answer(match &self.token {
            Some(callback) => guarded(|| callback(ask)),
            None => Err("no callback for tokens is set".to_owned()),
        })
    }

    pub(crate) fn ask_for_jwt(&self) -> Done {
        host_answer(match &self.jwt {
            Some(callback) => guarded(callback),
            None => Err("no callback for JWTs is set".to_owned()),
        })
    }
}

fn guarded(callback: impl FnOnce() -> Answer) -> Answer {
    catch_unwind(AssertUnwindSafe(callback)).unwrap_or_else(|_| Err("the callback panicked".to_owned()))
}
