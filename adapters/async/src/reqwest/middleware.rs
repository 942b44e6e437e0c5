//! The token on the requests of a reqwest client that somebody else has made.

use ::reqwest::{Body, Request, Response};
use async_trait::async_trait;
use reqwest_middleware::{Error, Middleware, Next, Result};
use webex_oauth_driver::ClientError;

use crate::client::Client;

/// Puts the token of a [`Client`] on the requests of a `reqwest_middleware::ClientWithMiddleware`.
///
/// It does what [`Client::call`] does, and leaves the sending to that client, with its time limits and its proxies: the token goes to
/// the hosts that the configuration allows, never in place of an `Authorization` that is there; 401 is answered by one replay with a
/// new token, 429 and 423 by the wait they ask for, 451 by the end of the session. A request whose body is a stream is sent once. The
/// middleware that follows sees each replay; what it leaves in the extensions stays with that one. reqwest takes the token off a
/// request that a redirect leads to another host.
///
/// # Errors
///
/// Those of the client, and as `reqwest_middleware::Error::Middleware` the [`ClientError`]s of [`Client::call`] but `Call`:
/// `error.downcast_ref::<ClientError>()` tells which. Why a 401 could not be helped is in the answer's extensions:
/// [`refused_why`].
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use reqwest_middleware::ClientBuilder;
/// use webex_oauth_async::{AuthorizationMiddleware, Client, webex_oauth::{ConfigParts, Provider}};
///
/// let client = Client::new(ConfigParts::new(Provider::webex(), "C1").build()?).await?;
/// let http = ClientBuilder::new(reqwest::Client::new()).with(AuthorizationMiddleware::new(client)).build();
/// let me = http.get("https://webexapis.com/v1/people/me").send().await?;
/// # Ok(()) }) }
/// ```
#[derive(Debug, Clone)]
pub struct AuthorizationMiddleware {
    client: Client,
}

impl AuthorizationMiddleware {
    /// With the token of this client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

/// Why the 401 that a client with [`AuthorizationMiddleware`] returned could not be helped, where a refresh was tried and failed.
pub fn refused_why(answer: &Response) -> Option<&ClientError> {
    crate::call::refresh_error_in(answer.extensions())
}

/// Either error, as that crate has it.
struct Failed(Error);

impl From<ClientError> for Failed {
    fn from(error: ClientError) -> Self {
        Self(Error::middleware(error))
    }
}

#[async_trait]
impl Middleware for AuthorizationMiddleware {
    async fn handle(&self, request: Request, extensions: &mut http::Extensions, next: Next<'_>) -> Result<Response> {
        let (request, extensions) = (http::Request::try_from(request)?, &*extensions);
        let send = |request: http::Request<Body>| {
            let (next, mut extensions) = (next.clone(), extensions.clone());
            async move {
                let request = Request::try_from(request).map_err(|error| Failed(error.into()))?;
                next.run(request, &mut extensions).await.map(outline).map_err(Failed)
            }
        };
        let answer = self.client.authorized(request, again, send).await.map_err(|Failed(error)| error)?;
        let (parts, mut response) = answer.into_parts();
        response.extensions_mut().extend(parts.extensions);
        Ok(response)
    }
}

/// A stream is there once.
fn again(request: &http::Request<Body>) -> Option<http::Request<Body>> {
    let mut copy = http::Request::new(Body::from(request.body().as_bytes()?.to_vec()));
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    *copy.extensions_mut() = request.extensions().clone();
    Some(copy)
}

/// What an answer is judged by, and the answer itself.
fn outline(response: Response) -> http::Response<Response> {
    let (status, headers) = (response.status(), response.headers().clone());
    let mut outline = http::Response::new(response);
    (*outline.status_mut(), *outline.headers_mut()) = (status, headers);
    outline
}
