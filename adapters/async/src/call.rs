//! Calling APIs with the token.

use std::time::Duration;

use http::HeaderValue;
use http::header::{AUTHORIZATION, RETRY_AFTER};
use webex_oauth::coordinator::{Call, Coordinator, Next, Of, Reply, Spent};
use webex_oauth::{AccessToken, JudgedUrl, Misuse, TargetUri, TransportHints};
use webex_oauth_driver::ClientError;

use crate::client::Client;
use crate::transport::{Request, Response, send_in_time};

/// Why the 401 that [`Client::call`] returned could not be helped, where a refresh was tried and failed.
pub fn refresh_error<T>(answer: &http::Response<T>) -> Option<&ClientError> {
    refresh_error_in(answer.extensions())
}

pub(crate) fn refresh_error_in(extensions: &http::Extensions) -> Option<&ClientError> {
    extensions.get::<RefreshError>().map(|error| &error.0)
}

#[derive(Clone)]
struct RefreshError(ClientError);

impl Client {
    /// Calls an API. Every status is an answer; redirects are not followed.
    ///
    /// The call goes where [`Config::judge_url`](webex_oauth::Config::judge_url) says, or nowhere, if the URL may mean
    /// another host to others. The token goes to the hosts that it allows, and never in place of an `Authorization` of the
    /// caller's own: other requests are sent as they are. That it does not go to a host is told once, by an event. With the
    /// token,
    ///
    /// - 401 is told to the session, and the call is made once more if that brought another token. If not, the first
    ///   answer is returned, with the reason: [`refresh_error`];
    /// - 429 and 423 are waited out as `Retry-After` says, within
    ///   [`max_wait`](crate::ClientBuilder::max_wait) in all;
    /// - 451 ends the session.
    ///
    /// # Errors
    ///
    /// - [`ClientError::Misuse`] where the URL is not to be called. Nothing was sent.
    /// - Those of [`Client::token`], where the call is one with the token. Nothing was sent.
    /// - [`ClientError::Call`] where no complete answer came; its `fault` says whether the API may have acted.
    /// - [`ClientError::Closed`]. One that is closed while a `Retry-After` is waited out returns the answer that asked for it.
    pub async fn call(&self, request: Request) -> Result<Response, ClientError> {
        let again = |request: &Request| Some(request.clone());
        self.authorized(request, again, |request| self.send(request)).await
    }

    /// [`Client::call`] for a plain `GET`.
    ///
    /// # Errors
    ///
    /// As [`Client::call`].
    pub async fn get(&self, url: &str) -> Result<Response, ClientError> {
        let request = http::Request::get(uri(&self.judge_url(url)?.target)?).body(Vec::new());
        self.call(request.map_err(|_| invalid("url", "not a URL"))?).await
    }

    /// By the configuration, and by the catalog of services where one is known.
    fn judge_url(&self, url: &str) -> Result<JudgedUrl, ClientError> {
        Ok(self.known().judge_url(|| self.config(), url)?)
    }

    /// The steps of [`Client::call`], whoever sends. `again` makes the copy that a replay needs, where that can be done.
    pub(crate) async fn authorized<B, A, E, F>(
        &self,
        mut request: http::Request<B>,
        again: impl Fn(&http::Request<B>) -> Option<http::Request<B>>,
        mut send: impl FnMut(http::Request<B>) -> F,
    ) -> Result<http::Response<A>, E>
    where
        E: From<ClientError>,
        F: Future<Output = Result<http::Response<A>, E>>,
    {
        if self.executor().ask(Coordinator::is_closing) {
            return Err(ClientError::Closed.into());
        }
        let judged = self.judge_url(&request.uri().to_string())?;
        // What was judged is what is connected to.
        *request.uri_mut() = uri(&judged.target)?;
        if request.headers().contains_key(AUTHORIZATION) {
            return send(request).await;
        }
        if !judged.may_carry_token {
            self.executor().called_without_token(judged.target.url().into())?;
            return send(request).await;
        }
        let (token, mut generation) = self.obtain(Of::Session).await?;
        present(&mut request, &token)?;
        let mut copy = again(&request);
        // What cannot be sent again has nothing to wait for.
        let limit = if copy.is_some() { self.limits().wait } else { Duration::ZERO };
        let mut spent = Spent { limit, ..Spent::default() };
        loop {
            let mut answer = send(request).await?;
            let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            let (status, retry_after) = (answer.status().as_u16(), retry_after.map(str::to_owned));
            let call = Call::Answered { generation, status, retry_after, spent };
            match (self.executor().call("a token", call).await?, copy) {
                (Reply::Api(Next::Again { token, generation: newer, spent: so_far }), Some(next)) => {
                    request = next;
                    present(&mut request, &token)?;
                    copy = again(&request);
                    (generation, spent) = (newer, so_far);
                }
                (Reply::Api(Next::Return { why: Some(why) }), _) => {
                    let why = self.executor().error(why, "a token");
                    answer.extensions_mut().insert(RefreshError(why));
                    return Ok(answer);
                }
                _ => return Ok(answer),
            }
        }
    }

    async fn send(&self, request: Request) -> Result<Response, ClientError> {
        let limits = self.limits();
        let hints = TransportHints {
            timeout: limits.request,
            max_response_bytes: limits.body,
            follow_redirects: false,
            idempotent: request.method().is_idempotent(),
        };
        let sent = send_in_time(&*self.executor().http, request, hints).await;
        sent.map_err(|error| ClientError::Call { fault: error.fault, problem: error.problem })
    }
}

fn uri(target: &TargetUri) -> Result<http::Uri, ClientError> {
    target.url().parse().map_err(|_| invalid("url", "longer than HTTP takes"))
}

fn present<B>(request: &mut http::Request<B>, token: &AccessToken) -> Result<(), ClientError> {
    let mut value = HeaderValue::from_str(token.expose_header()).map_err(|_| invalid("token", "fits no header"))?;
    value.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, value);
    Ok(())
}

fn invalid(argument: &'static str, problem: &str) -> ClientError {
    Misuse::InvalidArgument { argument, problem: problem.to_owned() }.into()
}
