//! The host's HTTP stack.

use webex_oauth::coordinator::Tick;
use webex_oauth::{HttpRequest, HttpResponse, SendFault};

use crate::BoxFuture;

/// Sends the requests of a fleet.
///
/// One request is one attempt: no redirect is followed, and nothing is sent again by itself. A client that keeps connections
/// and sends again when a kept one turns out to be closed would spend a refresh token twice: keep none.
pub trait FleetHttp: Send + Sync + 'static {
    /// Sends a request and answers what came, whatever its status, within `request.hints.timeout`; later it is taken for lost.
    ///
    /// [`SendFault::NotSent`] only where not a byte has left. Later than `not_after` of [`webex_oauth_driver::tick`] none may:
    /// the lease is over then. A client that cannot look right before it sends may leave that to the margin of the lease.
    ///
    /// # Errors
    ///
    /// [`SendFault::NotSent`] where not a byte has left, [`SendFault::Lost`] where the server may have acted upon it,
    /// [`SendFault::TooLarge`] where the answer is longer than `request.hints` allow.
    fn send(
        &self,
        request: HttpRequest,
        not_after: Option<Tick>,
    ) -> BoxFuture<'static, Result<HttpResponse, SendFault>>;
}
