//! Calls of an API: judged, sent, and what their answer means asked of the coordinator.

use std::time::Duration;

use http::header::AUTHORIZATION;
use webex_oauth::coordinator::{Call, Coordinator, Next, Of, Reply, Spent};
use webex_oauth::{AccessToken, HttpResponse, Misuse, SendFault, Services, TargetUri, Timestamp};
use webex_oauth_driver::{ClientError, client_error};

use super::client::Client;
use super::front::Front;
use crate::http1::Exchange;

/// An answer of an API that is longer is none.
const MOST_BODY: usize = 16 * 1024 * 1024;

type Request = http::Request<Vec<u8>>;
/// The answer, and why a token that it refused could not be replaced.
type Answer = (HttpResponse, Option<ClientError>);

impl<F: Front> Client<F> {
    /// Goes where it was judged to go, with the token where it may go there.
    pub(super) async fn call_api(&self, mut request: Request) -> Result<Answer, ClientError> {
        if self.front.with(|coordinator, _| Coordinator::is_closing(coordinator)) {
            return Err(ClientError::Closed);
        }
        let judged = self.services.judge_url(|| self.config(), &request.uri().to_string())?;
        *request.uri_mut() = judged.target.url().parse().map_err(|_| unusable("url"))?;
        if request.headers().contains_key(AUTHORIZATION) {
            return Ok((self.send(&request, &judged.target).await?, None));
        }
        if !judged.may_carry_token {
            let url = judged.target.url().into();
            self.front.with(|coordinator, now| coordinator.called_without_token(now, url))?;
            return Ok((self.send(&request, &judged.target).await?, None));
        }
        self.call_with_token(request, &judged.target).await
    }

    async fn call_with_token(&self, mut request: Request, target: &TargetUri) -> Result<Answer, ClientError> {
        let (token, mut generation) = self.token(Of::Session).await?;
        let mut spent = Spent { limit: self.max_wait, ..Spent::default() };
        present(&mut request, &token)?;
        loop {
            let answer = self.send(&request, target).await?;
            let retry_after = answer.header("retry-after").map(str::to_owned);
            match self.call(Call::Answered { generation, status: answer.status, retry_after, spent }).await? {
                Reply::Api(Next::Again { token, generation: newer, spent: so_far }) => {
                    present(&mut request, &token)?;
                    (generation, spent) = (newer, so_far);
                }
                Reply::Api(Next::Return { why }) => {
                    return Ok((answer, why.map(|why| client_error(why, "the call", None))));
                }
                _ => return Ok((answer, None)),
            }
        }
    }

    async fn send(&self, request: &Request, target: &TargetUri) -> Result<HttpResponse, ClientError> {
        let within = self.config().parts().request_timeout;
        let sent = match Exchange::new(request.clone(), target, MOST_BODY) {
            Ok(exchange) => self.front.send(target.clone(), exchange, within).await,
            Err(fault) => Err(fault),
        };
        let problem = |fault| match fault {
            SendFault::NotSent => "no connection came about",
            SendFault::Lost => "no whole answer came",
            SendFault::TooLarge => "the answer is too large",
            SendFault::Untrusted => "the certificate is not trusted",
        };
        sent.map_err(|fault| ClientError::Call { fault, problem: problem(fault).to_owned() })
    }

    /// The catalog that is known and not older, or a new one.
    pub(super) async fn services(&self, now: Timestamp, max_age: Duration) -> Result<Services, ClientError> {
        if let Some(young) = self.services.get_young(now, max_age) {
            return Ok(young.as_ref().clone());
        }
        let config = self.config();
        let request = http::Request::get(config.catalog_url()?).body(Vec::new()).map_err(|_| unusable("url"))?;
        let (answer, _) = self.call_api(request).await?;
        let found = Services::read(now, answer.status, &answer.body)?;
        Ok(self.services.set(found, &config).as_ref().clone())
    }
}

fn present(request: &mut Request, token: &AccessToken) -> Result<(), ClientError> {
    let value = token.expose_header().parse().map_err(|_| unusable("token"))?;
    request.headers_mut().insert(AUTHORIZATION, value);
    Ok(())
}

fn unusable(argument: &'static str) -> ClientError {
    Misuse::InvalidArgument { argument, problem: "cannot be sent".to_owned() }.into()
}
