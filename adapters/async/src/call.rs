//! Calling APIs with the token.

use http::HeaderValue;
use http::header::{AUTHORIZATION, RETRY_AFTER};
use webex_oauth::{AccessToken, Input, Misuse, TargetUri, TransportHints, Verdict};
use webex_oauth_driver::ClientError;

use crate::client::Client;
use crate::transport::{Request, Response, send_in_time};

/// Why the 401 that [`Client::call`] returned could not be helped, where a refresh was tried and failed.
pub fn refresh_error<T>(answer: &http::Response<T>) -> Option<&ClientError> {
    answer.extensions().get::<RefreshError>().map(|error| &error.0)
}

#[derive(Clone)]
struct RefreshError(ClientError);

impl Client {
    /// Calls an API. Every status is an answer; redirects are not followed.
    ///
    /// The call goes where [`Config::judge_url`](webex_oauth::Config::judge_url) says, or nowhere, if the URL may mean
    /// another host to others. The token goes to the hosts that it allows, and
    /// never in place of an `Authorization` of the caller's own: other requests are sent as they are. With the token,
    ///
    /// - 401 is told to the session, and the call is made once more if that brought another token. If not, the first
    ///   answer is returned, with the reason: [`refresh_error`];
    /// - 429 and 423 are waited out as `Retry-After` says, within
    ///   [`max_wait`](crate::ClientBuilder::max_wait) in all;
    /// - 451 ends the session.
    ///
    /// Errors: those of [`Client::token`], and [`ClientError::Call`] where no complete answer came.
    pub async fn call(&self, mut request: Request) -> Result<Response, ClientError> {
        let judged = self.config().judge_url(&request.uri().to_string())?;
        // What was judged is what is connected to.
        *request.uri_mut() = uri(&judged.target)?;
        if !judged.may_carry_token || request.headers().contains_key(AUTHORIZATION) {
            return self.send(request).await;
        }
        let (token, mut generation) = self.ready(None).await?;
        present(&mut request, &token)?;
        let (mut left, mut may_replay) = (self.limits.max_wait, true);
        loop {
            let mut answer = self.send(request.clone()).await?;
            match self.judge(&answer) {
                Verdict::Pass => return Ok(answer),
                Verdict::Wait { wait } if wait > left => return Ok(answer),
                Verdict::Wait { wait } => {
                    left -= wait;
                    self.crew.inner().http.sleep(wait).await;
                }
                Verdict::Embargoed => {
                    self.give(Input::Embargoed).await?;
                    return Ok(answer);
                }
                Verdict::Rejected => {
                    let turn = self.give(Input::TokenRejected { generation }).await?;
                    if !std::mem::take(&mut may_replay) {
                        return Ok(answer);
                    }
                    self.done(turn).await?;
                    match self.ready(None).await {
                        Ok((_, same)) if same == generation => return Ok(answer),
                        Ok((token, newer)) => {
                            present(&mut request, &token)?;
                            generation = newer;
                        }
                        Err(error) => {
                            answer.extensions_mut().insert(RefreshError(error));
                            return Ok(answer);
                        }
                    }
                }
            }
        }
    }

    /// [`Client::call`] for a plain `GET`.
    pub async fn get(&self, url: &str) -> Result<Response, ClientError> {
        let request = http::Request::get(uri(&self.config().judge_url(url)?.target)?).body(Vec::new());
        self.call(request.map_err(|_| invalid("url", "not a URL"))?).await
    }

    fn judge(&self, response: &Response) -> Verdict {
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let status = response.status().as_u16();
        self.crew.inner().read(|table, now| table.desk.session().judge(now, status, retry_after))
    }

    async fn send(&self, request: Request) -> Result<Response, ClientError> {
        let hints = TransportHints {
            timeout: self.config().parts().request_timeout,
            max_response_bytes: self.limits.max_body,
            follow_redirects: false,
            idempotent: request.method().is_idempotent(),
        };
        let sent = send_in_time(&*self.crew.inner().http, request, hints).await;
        sent.map_err(|error| ClientError::Call { fault: error.fault, problem: error.problem })
    }
}

fn uri(target: &TargetUri) -> Result<http::Uri, ClientError> {
    target.url().parse().map_err(|_| invalid("url", "longer than HTTP takes"))
}

fn present(request: &mut Request, token: &AccessToken) -> Result<(), ClientError> {
    let mut value = HeaderValue::from_str(token.expose_header()).map_err(|_| invalid("token", "fits no header"))?;
    value.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, value);
    Ok(())
}

fn invalid(argument: &'static str, problem: &str) -> ClientError {
    Misuse::InvalidArgument { argument, problem: problem.to_owned() }.into()
}
