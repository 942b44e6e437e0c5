//! The token on the requests of another service.

use std::future::poll_fn;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;
use webex_oauth_driver::BoxFuture;

use crate::client::Client;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A layer that puts the token of a [`Client`] on the requests of the service below it: hyper's client, or a stack of your own.
///
/// It does what [`Client::call`] does, and leaves the sending to that service: the token goes to the hosts that the configuration
/// allows, never in place of an `Authorization` that is there; 401 is answered by one replay with a new token, 429 and 423 by the
/// wait they ask for, 451 by the end of the session. The service below is not to follow redirects, which would take the token
/// along, and it has its own time limits.
///
/// # Errors
///
/// Those of the service below, and the [`ClientError`](crate::ClientError)s of [`Client::call`] but `Call`, both boxed:
/// `error.downcast_ref::<ClientError>()` tells which.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use tower::{ServiceBuilder, ServiceExt as _, service_fn};
/// use webex_oauth_async::{AuthorizationLayer, Client, http, webex_oauth::{ConfigParts, Provider}};
///
/// let client = Client::new(ConfigParts::new(Provider::webex(), "C1").build()?).await?;
/// client.adopt("a-token").await?;
/// // In place of this one: hyper_util::client::legacy::Client.
/// let below = service_fn(async |request: http::Request<String>| {
///     Ok::<_, std::io::Error>(http::Response::new(format!("{:?}", request.headers().get("authorization"))))
/// });
/// let service = ServiceBuilder::new().layer(AuthorizationLayer::new(client)).service(below);
/// let request = http::Request::get("https://webexapis.com/v1/people/me").body(String::new())?;
/// assert_eq!(service.oneshot(request).await.unwrap().body(), "Some(Sensitive)");
/// # Ok(()) }) }
/// ```
#[derive(Debug, Clone)]
pub struct AuthorizationLayer<C = Cloned> {
    client: Client,
    copies: C,
}

impl AuthorizationLayer {
    /// For requests whose bodies can be cloned: a replay sends the same once more.
    pub fn new(client: Client) -> Self {
        Self { client, copies: Cloned }
    }
}

impl AuthorizationLayer<Once> {
    /// For bodies that are there once, as those that come from elsewhere: nothing is sent again. After a 401 the tokens are renewed
    /// all the same, for the next request.
    pub fn once(client: Client) -> Self {
        Self { client, copies: Once }
    }
}

impl<S, C: Clone> Layer<S> for AuthorizationLayer<C> {
    type Service = Authorized<S, C>;

    fn layer(&self, below: S) -> Self::Service {
        Authorized { below, client: self.client.clone(), copies: self.copies.clone() }
    }
}

/// A service with an [`AuthorizationLayer`] around it.
#[derive(Debug, Clone)]
pub struct Authorized<S, C = Cloned> {
    below: S,
    client: Client,
    copies: C,
}

/// How a request is made once more, for a replay.
pub trait Copies<B>: Clone + Send + Sync + 'static {
    /// The same request; `None` where its body is there once.
    fn copy(&self, request: &http::Request<B>) -> Option<http::Request<B>>;
}

/// Requests are cloned.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Cloned;

/// Requests are sent once.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Once;

impl<B: Clone> Copies<B> for Cloned {
    fn copy(&self, request: &http::Request<B>) -> Option<http::Request<B>> {
        Some(request.clone())
    }
}

impl<B> Copies<B> for Once {
    fn copy(&self, _: &http::Request<B>) -> Option<http::Request<B>> {
        None
    }
}

impl<S, C, B, A> Service<http::Request<B>> for Authorized<S, C>
where
    S: Service<http::Request<B>, Response = http::Response<A>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    C: Copies<B>,
    B: Send + 'static,
    A: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.below.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        // The one that is ready sends first, a clone of it whatever comes after.
        let spare = self.below.clone();
        let mut ready = Some(std::mem::replace(&mut self.below, spare.clone()));
        let (client, copies) = (self.client.clone(), self.copies.clone());
        Box::pin(async move {
            let send = move |request| {
                let mut below = ready.take().unwrap_or_else(|| spare.clone());
                async move {
                    poll_fn(|context| below.poll_ready(context)).await.map_err(Into::into)?;
                    below.call(request).await.map_err(Into::into)
                }
            };
            client.authorized(request, move |request| copies.copy(request), send).await
        })
    }
}
