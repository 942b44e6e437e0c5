//! The client: a handle that is cloned and shared between tasks.

use std::sync::Arc;
use std::time::Duration;

use webex_oauth::coordinator::{Call, Coordinator, Of, Reply};
use webex_oauth::{AccessToken, Config, Phase, Scope, Secret, Session, SignOutOptions, Status, TokenSet};
use webex_oauth_driver::{ClientError, KnownServices, StoreError, store_error};

use crate::builder::ClientBuilder;
use crate::events::Events;
use crate::executor::Executor;

/// What [`Client::call`] may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// One request.
    pub(crate) request: Duration,
    /// Waiting in all because an API asks for it.
    pub(crate) wait: Duration,
    /// The bytes of an answer.
    pub(crate) body: usize,
}

/// A token and its generation.
pub(crate) type Ready = (AccessToken, u64);

/// Signs in, keeps the tokens fresh and calls APIs. A handle: clone it, share it between tasks.
///
/// Every future of it may be dropped at any await. What was begun belongs to the client and is carried on by whoever
/// waits for something, by [`Client::run`], and by [`AsyncHttp::spawn`](crate::AsyncHttp::spawn).
#[derive(Clone)]
pub struct Client {
    executor: Arc<Executor>,
    /// The catalog, once it is known, and the configuration that knows it.
    services: Arc<KnownServices>,
    limits: Limits,
}

impl Client {
    /// A client for this configuration, to be completed.
    pub fn builder(config: Config) -> ClientBuilder {
        ClientBuilder::new(config)
    }

    /// With reqwest, the session in memory.
    ///
    /// # Errors
    ///
    /// As [`ClientBuilder::open`].
    #[cfg(feature = "reqwest")]
    pub async fn new(config: Config) -> Result<Self, ClientError> {
        Self::builder(config).open().await
    }

    /// As `WEBEX_*` in the environment say, with the session in the file that `WEBEX_SESSION_FILE` names. The metadata of
    /// `WEBEX_ISSUER` is fetched.
    ///
    /// # Errors
    ///
    /// [`ClientError::Config`] where a variable or the metadata cannot be used, [`ClientError::Store`] also where
    /// `WEBEX_KEY_FILE` is set beside the session file; otherwise as [`ClientBuilder::open`].
    #[cfg(feature = "reqwest")]
    pub async fn from_env() -> Result<Self, ClientError> {
        let builder = crate::builder::from_env().await?;
        builder.open().await
    }

    pub(crate) fn over(executor: Arc<Executor>, limits: Limits) -> Self {
        Self { executor, services: Arc::default(), limits }
    }

    pub(crate) fn executor(&self) -> &Arc<Executor> {
        &self.executor
    }

    pub(crate) fn known(&self) -> &KnownServices {
        &self.services
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Keeps the session going until the client is closed: refreshes ahead of expiry, carries on what others have
    /// dropped, polls for a device login. Spawn it once:
    ///
    /// ```no_run
    /// # async fn f(client: webex_oauth_async::Client) {
    /// tokio::spawn(async move { client.run().await });
    /// # }
    /// ```
    ///
    /// Without it the client works all the same, but refreshes only when somebody asks for a token. Where other
    /// processes share the store, and the host has no [`AsyncHttp::spawn`](crate::AsyncHttp::spawn), it is needed: what
    /// nobody drives any longer keeps them waiting.
    pub async fn run(&self) {
        self.executor.run().await;
    }

    /// The token that was published, or whichever the coordinator has.
    pub(crate) async fn obtain(&self, of: Of) -> Result<Ready, ClientError> {
        if let (Of::Session, Some(published)) = (&of, self.executor.published()) {
            return Ok(published);
        }
        match self.executor.call("a token", Call::Token { of, within: None }).await? {
            Reply::Token { token, generation, .. } => Ok((token, generation)),
            _ => Err(ClientError::Closed),
        }
    }

    /// A valid access token. Returns at once while there is one, and waits for the one refresh that serves everybody
    /// while there is none.
    ///
    /// # Errors
    ///
    /// - [`ClientError::SignInRequired`] where only the user can help.
    /// - [`ClientError::Unavailable`] where the last attempt failed and the next one is not due.
    /// - [`ClientError::Store`] where no attempt was made, since the store cannot be read or could not keep what it brings,
    ///   or another process does not let go of its lock.
    /// - [`ClientError::Timeout`] where patience ended before: what is under way goes on.
    /// - [`ClientError::Closed`].
    pub async fn token(&self) -> Result<AccessToken, ClientError> {
        self.obtain(Of::Session).await.map(|(token, _)| token)
    }

    /// The value of an `Authorization` header: `Bearer <token>`.
    ///
    /// # Errors
    ///
    /// As [`Client::token`].
    pub async fn authorization_header(&self) -> Result<Secret, ClientError> {
        self.token().await.map(|token| Secret::new(token.expose_header()))
    }

    /// Webex: a token with less scope, to hand to somebody who needs no more. Kept, and renewed with the session's own, which is
    /// the answer where `scope` is empty, or all that was granted.
    ///
    /// # Errors
    ///
    /// - As [`Client::token`].
    /// - [`ClientError::SignInRequired`] also where `scope` is not a part of what was granted.
    /// - [`ClientError::Misuse`] where the server reduces no scope, or `scope` is empty and it is not known what was granted.
    /// - [`ClientError::Unavailable`] also where the server did not reduce it, unless the configuration says
    ///   [`DownscopeFailure::UseFullToken`](webex_oauth::DownscopeFailure::UseFullToken).
    pub async fn user_token(&self, scope: &Scope) -> Result<AccessToken, ClientError> {
        self.obtain(Of::User(scope.clone())).await.map(|(token, _)| token)
    }

    /// Renews the tokens now, whatever the clock says, and waits for it. A server's `Retry-After` is still respected.
    ///
    /// # Errors
    ///
    /// - [`ClientError::SignInRequired`] where nobody is signed in, or the server has ended the session.
    /// - [`ClientError::Misuse`] where nothing is there to renew the tokens with.
    /// - [`ClientError::Unavailable`] where it failed, or the wait that the server asked for is not over. The token that is
    ///   there is good as long as it lives.
    /// - [`ClientError::Store`], [`ClientError::Timeout`] and [`ClientError::Closed`] as [`Client::token`].
    pub async fn refresh(&self) -> Result<(), ClientError> {
        self.executor.call("a refresh", Call::Refresh { within: None }).await.map(drop)
    }

    /// How the session stands, for people and user interfaces.
    pub fn status(&self) -> Status {
        let now = self.executor.wall();
        self.ask(|session| session.status(now))
    }

    /// Where the session is.
    pub fn phase(&self) -> Phase {
        self.ask(Session::phase)
    }

    /// The tokens themselves, for hand-off. To call an API, use [`Client::token`] or [`Client::call`].
    pub fn tokens(&self) -> Option<TokenSet> {
        self.ask(|session| session.tokens().cloned())
    }

    /// The configuration.
    pub fn config(&self) -> Config {
        self.ask(|session| session.config().clone())
    }

    /// The bytes of the session as they would be stored: they hold the tokens.
    pub fn snapshot(&self) -> Secret {
        self.ask(Session::snapshot)
    }

    /// Where a browser goes to sign out at the identity provider, without signing out here.
    pub fn logout_url(&self, goto: Option<&str>) -> Option<Secret> {
        self.ask(|session| session.logout_url(goto))
    }

    /// What has happened so far, without secrets, where [`ClientBuilder::record`] asked for it: for a bug report, and to
    /// be played again by [`replay`](webex_oauth::transcript::replay).
    pub fn transcript(&self) -> Option<String> {
        self.ask(|session| session.transcript().map(str::to_owned))
    }

    /// What happens from now on.
    pub fn events(&self) -> Events {
        self.executor.events.listen()
    }

    /// Why the session could not be stored, until it can. It goes on in memory meanwhile, and tries again.
    pub fn store_error(&self) -> Option<StoreError> {
        let fault = self.executor.ask(|coordinator| coordinator.store_fault().cloned())?;
        Some(store_error(&fault, self.executor.last_error()))
    }

    /// Signs out: here at once, whatever the network says; then revokes the tokens as `options` say and waits a few seconds
    /// for that. Dropping the future leaves it to the client.
    ///
    /// Answers the URL for the browser where [`LogoutVia::Browser`](webex_oauth::LogoutVia) was asked for.
    ///
    /// # Errors
    ///
    /// [`ClientError::Store`] where the session is signed out here and the store could not be told: after a restart the user
    /// would be signed in again. [`ClientError::Closed`]: where the client was closed before the call, nobody is signed out.
    pub async fn sign_out(&self, options: SignOutOptions) -> Result<Option<Secret>, ClientError> {
        match self.executor.call("a sign-out", Call::SignOut { options }).await? {
            Reply::Url(url) => Ok(Some(url)),
            _ => Ok(None),
        }
    }

    /// Begins nothing more, finishes a refresh that is under way, and stores what could not be stored before. Whoever waits
    /// gets [`ClientError::Closed`], [`Client::run`] returns, and [`Client::events`] end. The session stays in its store.
    pub async fn close(&self) {
        self.executor.close().await;
    }

    fn ask<T>(&self, question: impl FnOnce(&Session) -> T) -> T {
        self.executor.ask(|coordinator: &Coordinator| question(coordinator.session()))
    }
}

/// Nothing of the tokens.
impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("phase", &self.phase()).finish_non_exhaustive()
    }
}
