//! Calling an API with the token.

use http::header::{AUTHORIZATION, RETRY_AFTER};
use http::{HeaderValue, Request, Response, Uri};
use webex_oauth::coordinator::{Call, Coordinator, Next, Of, Reply, Spent};
use webex_oauth::{AccessToken, JudgedUrl, TargetUri};
use webex_oauth_driver::ClientError;

use crate::client::Client;

/// Why the token of a 401 could not be replaced; travels with the answer. See [`refresh_error`].
#[derive(Debug, Clone)]
struct RefreshError(ClientError);

/// Why the 401 that [`Client::call`] returned could not be helped, where a refresh was tried and failed.
pub fn refresh_error<T>(answer: &Response<T>) -> Option<&ClientError> {
    answer.extensions().get::<RefreshError>().map(|error| &error.0)
}

impl Client {
    /// Calls an API. Every status is an answer; redirects are not followed.
    ///
    /// The token goes to the hosts of the configuration only, and never in place of an `Authorization` of the caller's
    /// own: such requests are sent as they are. That it does not go to a host is told once, by an event. With the token,
    ///
    /// - 401 is told to the session, and the call is made once more if that brought another token. If not, the first
    ///   answer is returned, with the reason: [`refresh_error`];
    /// - 429 and 423 are waited out as `Retry-After` says, within [`max_wait`](crate::ClientBuilder::max_wait) in all;
    /// - 451 ends the session.
    ///
    /// A URL that may mean another host to others ([`Config::judge_url`](webex_oauth::Config::judge_url)) is not called at
    /// all, and a call goes where it was judged to go.
    ///
    /// # Errors
    ///
    /// - [`ClientError::Misuse`] where the URL is not to be called. Nothing was sent.
    /// - Those of [`Client::token`], where the call is one with the token. Nothing was sent.
    /// - [`ClientError::Call`] where no complete answer came; its `fault` says whether the API may have acted.
    /// - [`ClientError::Closed`]. One that is closed while a `Retry-After` is waited out returns the answer that asked for it.
    pub fn call(&self, mut request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, ClientError> {
        if self.executor().ask(Coordinator::is_closing) {
            return Err(ClientError::Closed);
        }
        let judged = self.judge_url(&request.uri().to_string())?;
        // What was judged is what is connected to.
        *request.uri_mut() = uri(&judged.target)?;
        if request.headers().contains_key(AUTHORIZATION) {
            return self.send(&request, &judged.target);
        }
        if !judged.may_carry_token {
            self.executor().called_without_token(judged.target.url().into())?;
            return self.send(&request, &judged.target);
        }
        self.call_with_token(request, &judged.target)
    }

    /// [`Client::call`] with a plain `GET`.
    ///
    /// # Errors
    ///
    /// As [`Client::call`].
    pub fn get(&self, url: &str) -> Result<Response<Vec<u8>>, ClientError> {
        let request = Request::get(uri(&self.judge_url(url)?.target)?).body(Vec::new());
        self.call(request.map_err(|_| unusable("url", "is not a URL"))?)
    }

    /// By the configuration, and by the catalog of services where one is known.
    fn judge_url(&self, url: &str) -> Result<JudgedUrl, ClientError> {
        Ok(self.known().judge_url(|| self.config(), url)?)
    }

    fn call_with_token(
        &self,
        mut request: Request<Vec<u8>>,
        target: &TargetUri,
    ) -> Result<Response<Vec<u8>>, ClientError> {
        let (token, mut generation) = self.obtain(Of::Session)?;
        let mut spent = Spent { limit: self.limits().wait, ..Spent::default() };
        present(&mut request, &token)?;
        loop {
            let mut answer = self.send(&request, target)?;
            let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            let (status, retry_after) = (answer.status().as_u16(), retry_after.map(str::to_owned));
            let call = Call::Answered { generation, status, retry_after, spent };
            match self.executor().call("a token", call)? {
                Reply::Api(Next::Again { token, generation: newer, spent: so_far }) => {
                    present(&mut request, &token)?;
                    (generation, spent) = (newer, so_far);
                }
                Reply::Api(Next::Return { why: Some(why) }) => {
                    let why = self.executor().error(why, "a token");
                    answer.extensions_mut().insert(RefreshError(why));
                    return Ok(answer);
                }
                _ => return Ok(answer),
            }
        }
    }

    fn send(&self, request: &Request<Vec<u8>>, target: &TargetUri) -> Result<Response<Vec<u8>>, ClientError> {
        let limits = self.limits();
        let answer = self.executor().transport.call(request, target, limits.request, limits.body);
        answer.map_err(|failure| ClientError::Call { fault: failure.fault, problem: failure.problem })
    }
}

fn uri(target: &TargetUri) -> Result<Uri, ClientError> {
    target.url().parse().map_err(|_| unusable("url", "is longer than HTTP takes"))
}

fn present(request: &mut Request<Vec<u8>>, token: &AccessToken) -> Result<(), ClientError> {
    let mut value = HeaderValue::from_str(token.expose_header());
    if let Ok(value) = &mut value {
        value.set_sensitive(true);
    }
    let value = value.map_err(|_| unusable("token", "cannot be sent in a header"))?;
    request.headers_mut().insert(AUTHORIZATION, value);
    Ok(())
}

fn unusable(argument: &'static str, problem: &str) -> ClientError {
    webex_oauth::Misuse::InvalidArgument { argument, problem: problem.to_owned() }.into()
}
