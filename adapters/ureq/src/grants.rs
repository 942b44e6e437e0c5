//! The transport of grants by itself, for a worker that has its own coordinators.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use webex_oauth::coordinator::Tick;
use webex_oauth::{HttpRequest, HttpResponse, SendFault};

use crate::transport::Transport;

/// Sends the requests of a session as [`Client`](crate::Client) does: each once, over a connection of its own, with rustls
/// and the roots of the operating system, through the proxies of the environment but for hosts on loopback. Blocks. Clones
/// share it.
#[derive(Clone)]
pub struct GrantHttp(Arc<Transport>);

impl GrantHttp {
    /// One for all sessions.
    pub fn new(user_agent: &str) -> Self {
        Self(Arc::new(Transport::new(Some(user_agent))))
    }

    /// Sends it and answers what came, whatever its status, within this time. Nothing goes out later than `not_after`.
    ///
    /// # Errors
    ///
    /// [`SendFault::NotSent`] where the server cannot have seen it, [`SendFault::Lost`] where it may have acted upon it,
    /// [`SendFault::TooLarge`] where the answer is longer than the request's hints allow.
    pub fn send(
        &self,
        request: &HttpRequest,
        within: Duration,
        not_after: Option<Tick>,
    ) -> Result<HttpResponse, SendFault> {
        self.0.send(request, within, not_after)
    }
}

impl fmt::Debug for GrantHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GrantHttp")
    }
}
