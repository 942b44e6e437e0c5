//! Calling an API with the token.

use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, RETRY_AFTER};
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use webex_oauth::{AccessToken, Input, TargetUri, Verdict};
use webex_oauth_driver::ClientError;

use crate::client::{Client, obtain};
use crate::shared::Shared;

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
    /// own: such requests are sent as they are. With the token,
    ///
    /// - 401 is told to the session, and the call is made once more if that brought another token. If not, the first
    ///   answer is returned, with the reason: [`refresh_error`];
    /// - 429 and 423 are waited out as `Retry-After` says, within [`max_wait`](crate::ClientBuilder::max_wait) in all;
    /// - 451 ends the session.
    ///
    /// A URL that may mean another host to others ([`Config::judge_url`](webex_oauth::Config::judge_url)) is not called at
    /// all, and a call goes where it was judged to go.
    ///
    /// Errors: those of [`Client::token`], and [`ClientError::Call`] where no complete answer came.
    pub fn call(&self, mut request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, ClientError> {
        let shared = self.shared();
        shared.check_open()?;
        let judged = self.config().judge_url(&request.uri().to_string())?;
        // What was judged is what is connected to.
        *request.uri_mut() = uri(&judged.target)?;
        if !judged.may_carry_token || request.headers().contains_key(AUTHORIZATION) {
            return send(shared, &request, &judged.target);
        }
        call_with_token(shared, request, &judged.target)
    }

    /// [`Client::call`] with a plain `GET`.
    pub fn get(&self, url: &str) -> Result<Response<Vec<u8>>, ClientError> {
        let request = Request::get(uri(&self.config().judge_url(url)?.target)?).body(Vec::new());
        self.call(request.map_err(|_| unusable("url", "is not a URL"))?)
    }
}

fn uri(target: &TargetUri) -> Result<Uri, ClientError> {
    target.url().parse().map_err(|_| unusable("url", "is longer than HTTP takes"))
}

fn call_with_token(
    shared: &Arc<Shared>,
    mut request: Request<Vec<u8>>,
    target: &TargetUri,
) -> Result<Response<Vec<u8>>, ClientError> {
    let (token, mut generation) = obtain(shared, None)?;
    present(&mut request, &token)?;
    let mut left = shared.settings.max_wait;
    let mut may_replay = true;
    loop {
        let mut answer = send(shared, &request, target)?;
        match judge(shared, &answer) {
            Verdict::Pass => return Ok(answer),
            Verdict::Wait { wait } => {
                if wait > left {
                    return Ok(answer);
                }
                left -= wait;
                pause(shared, wait)?;
            }
            Verdict::Embargoed => {
                shared.drive(Input::Embargoed)?;
                return Ok(answer);
            }
            // A token that is refused as soon as it came: that is the API's answer, not the token's fault.
            Verdict::Rejected if !std::mem::take(&mut may_replay) => return Ok(answer),
            Verdict::Rejected => {
                let told = shared.begin(Input::TokenRejected { generation });
                match told.and_then(|_| obtain(shared, None)) {
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

fn send(shared: &Shared, request: &Request<Vec<u8>>, target: &TargetUri) -> Result<Response<Vec<u8>>, ClientError> {
    let timeout = shared.lock().desk.session().config().parts().request_timeout;
    let answer = shared.transport.call(request, target, timeout, shared.settings.max_body);
    answer.map_err(|failure| ClientError::Call { fault: failure.fault, problem: failure.problem })
}

fn judge(shared: &Shared, answer: &Response<Vec<u8>>) -> Verdict {
    if answer.status() == StatusCode::OK {
        return Verdict::Pass;
    }
    let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    shared.lock().desk.session().judge(shared.now(), answer.status().as_u16(), retry_after)
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

/// Waits, unless the client is closed meanwhile.
fn pause(shared: &Shared, wait: Duration) -> Result<(), ClientError> {
    match shared.wait_until("the API", wait, |_| None::<()>) {
        Err(ClientError::Timeout { .. }) | Ok(()) => Ok(()),
        Err(error) => Err(error),
    }
}

fn unusable(argument: &'static str, problem: &str) -> ClientError {
    webex_oauth::Misuse::InvalidArgument { argument, problem: problem.to_owned() }.into()
}
