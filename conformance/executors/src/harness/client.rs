//! What the commands call: an executor, and the answers of its coordinator in words.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use webex_oauth::coordinator::{Call, ClientEvent, Credential, Of, Refused, Reply};
use webex_oauth::{AccessToken, Config, Secret};
use webex_oauth_driver::{ClientError, KnownServices, client_error};

use super::front::Front;

#[derive(Clone)]
pub(super) struct Client<F> {
    pub(super) front: F,
    pub(super) events: Arc<Mutex<Receiver<ClientEvent>>>,
    /// The catalog of services, once it is known.
    pub(super) services: Arc<KnownServices>,
    /// How long a call waits because an API asks for it.
    pub(super) max_wait: Duration,
}

impl<F: Front> Client<F> {
    pub(super) async fn call(&self, call: Call) -> Result<Reply, ClientError> {
        match self.front.call(call).await {
            Ok(Reply::Failed(failure)) => Err(client_error(failure, "the call", None)),
            Ok(reply) => Ok(reply),
            Err(Refused::Misuse(misuse)) => Err(misuse.into()),
            Err(Refused::TicketInUse) => Err(ClientError::Closed),
        }
    }

    /// The token that was published, or whichever the coordinator has.
    pub(super) async fn token(&self, of: Of) -> Result<(AccessToken, u64), ClientError> {
        if let (Of::Session, Some(published)) = (&of, self.front.published()) {
            return Ok(published);
        }
        match self.call(Call::Token { of, within: None }).await? {
            Reply::Token { token, generation, .. } => Ok((token, generation)),
            _ => Err(ClientError::Closed),
        }
    }

    /// Answers the URL to open, where that is what it begins with.
    pub(super) async fn sign_in(&self, credential: Credential) -> Result<Option<Secret>, ClientError> {
        match self.call(Call::SignIn { credential, within: None }).await? {
            Reply::Url(url) => Ok(Some(url)),
            _ => Ok(None),
        }
    }

    pub(super) fn config(&self) -> Config {
        self.front.with(|coordinator, _| coordinator.session().config().clone())
    }
}
