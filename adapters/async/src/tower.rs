//! The client as a service of tower, and as a layer around other services.

mod layer;

use std::task::{Context, Poll};

pub use layer::{AuthorizationLayer, Authorized, Cloned, Copies, Once};
use tower_service::Service;
use webex_oauth_driver::{BoxFuture, ClientError};

use crate::client::Client;
use crate::transport::{Request, Response};

/// [`Client::call`], with the errors of it. Layers go around it: limits, tracing, a deadline.
impl Service<Request> for Client {
    type Response = Response;
    type Error = ClientError;
    type Future = BoxFuture<'static, Result<Response, ClientError>>;

    /// Always ready: what waits, waits in the call.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let client = self.clone();
        Box::pin(async move { Client::call(&client, request).await })
    }
}
