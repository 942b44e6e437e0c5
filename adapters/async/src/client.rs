//! The client: a handle that is cloned and shared between tasks.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use webex_oauth::{Config, Input, Phase, Secret, Session, SignOutOptions, Status, TokenSet};
use webex_oauth_driver::old::{LoginTicket, SignIn};
use webex_oauth_driver::{ClientError, ClientEvent};

use crate::builder::{ClientBuilder, Limits};
use crate::crew::Crew;
use crate::events::{self, Events};
use crate::inner::{Delivery, Inner, Table};

/// Signs in, keeps the tokens fresh and calls APIs. A handle: clone it, share it between tasks.
///
/// Every future of it may be dropped at any await. What was begun belongs to the client and is carried on by whoever
/// waits for it, by [`Client::run`], or, where nobody is left, by [`AsyncHttp::spawn`](crate::AsyncHttp::spawn).
#[derive(Clone)]
pub struct Client {
    pub(crate) crew: Arc<Crew>,
    events: async_broadcast::InactiveReceiver<ClientEvent>,
    pub(crate) limits: Limits,
}

impl Client {
    /// A client for this configuration, to be completed.
    pub fn builder(config: Config) -> ClientBuilder {
        ClientBuilder::new(config)
    }

    /// With reqwest, the session in memory.
    #[cfg(feature = "reqwest")]
    pub fn new(config: Config) -> Result<Self, ClientError> {
        Self::builder(config).open()
    }

    /// As `WEBEX_*` in the environment say, with the session in the file that `WEBEX_SESSION_FILE` names.
    #[cfg(feature = "reqwest")]
    pub fn from_env() -> Result<Self, ClientError> {
        let builder = Self::builder(webex_oauth_driver::settings::config()?);
        match webex_oauth_driver::settings::store() {
            Some(store) => builder.store(store).open(),
            None => builder.open(),
        }
    }

    pub(crate) fn over(
        inner: Arc<Inner>,
        events: async_broadcast::InactiveReceiver<ClientEvent>,
        limits: Limits,
    ) -> Self {
        Self { crew: Arc::new(Crew::new(inner)), events, limits }
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
    /// Without it the client works all the same, but refreshes only when somebody waits for a token. Where other
    /// processes share the store, and the host has no [`AsyncHttp::spawn`](crate::AsyncHttp::spawn), it is needed: a
    /// refresh that nobody drives any longer locks them out.
    pub async fn run(&self) {
        let _runner = Runner::new(self.crew.inner());
        self.crew.until(|table, _| table.is_closed().then_some(())).await;
    }

    /// How the session stands, for people and user interfaces.
    pub fn status(&self) -> Status {
        self.crew.inner().read(|table, now| table.desk.session().status(now))
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

    /// What happens from now on.
    pub fn events(&self) -> Events {
        events::listen(&self.events)
    }

    /// Signs out: here at once, whatever the network says; then tells the server what was asked for and waits for its
    /// answers. Dropping the future leaves that to the client.
    ///
    /// Answers the URL for the browser where [`LogoutVia::Browser`](webex_oauth::LogoutVia) was asked for.
    ///
    /// Errors: [`ClientError::Store`] where the session is signed out here and the store could not be told: after a
    /// restart the user would be signed in again.
    pub async fn sign_out(&self, options: SignOutOptions) -> Result<Option<Secret>, ClientError> {
        let turn = self.give(Input::SignOut { options }).await?;
        let url = self.done(turn).await?;
        let store_error = self.crew.until(|table, _| (table.busy == 0).then(|| table.store_error())).await;
        match (store_error, url) {
            (Some(error), _) => Err(error.into()),
            (None, delivery) => Ok(delivery.map(|Delivery(url)| url)),
        }
    }

    /// Begins nothing more, finishes what is under way, and stores what could not be stored before. Whoever waits gets
    /// [`ClientError::Closed`], and [`Client::run`] returns. The session stays in its store.
    pub async fn close(&self) {
        self.crew.inner().with(|table, _| {
            table.closing = true;
            table.changed = true;
        });
        self.crew.until(|table, _| (table.busy == 0).then_some(())).await;
        let again = self.crew.inner().with(|table, now| table.save_again(now));
        if let Some(turn) = again {
            self.crew.until(|table, _| (table.busy == 0 && table.is_done(turn)).then_some(())).await;
        }
    }

    fn ask<T>(&self, question: impl FnOnce(&Session) -> T) -> T {
        self.crew.inner().read(|table, _| question(table.desk.session()))
    }

    /// Gives an input when its turn has come. Answers the number of the turn.
    pub(crate) async fn give(&self, input: Input) -> Result<u64, ClientError> {
        let mut input = Some(input);
        self.crew.until_open(|table, now| table.when_free(now, &mut input, Table::give)).await?
    }

    /// The same, for one that begins a login.
    pub(crate) async fn give_login(&self, input: Input, by: SignIn) -> Result<(u64, LoginTicket), ClientError> {
        let mut input = Some(input);
        self.crew
            .until_open(|table, now| {
                table.when_free(now, &mut input, |table, now, input| table.sign_in(now, input, by.clone()))
            })
            .await?
    }

    /// The answer of `wait`, unless it takes longer than `limit`.
    pub(crate) async fn in_time<T>(
        &self,
        what: &'static str,
        limit: Duration,
        wait: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        match select(pin!(wait), self.crew.inner().http.sleep(limit)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(((), _)) => Err(ClientError::Timeout { what, limit }),
        }
    }

    /// Waits until everything that a turn led to is done and stored; answers what it brought for its caller.
    pub(crate) async fn done(&self, turn: u64) -> Result<Option<Delivery>, ClientError> {
        self.crew.until_open(|table, _| table.is_done(turn).then(|| table.take_delivery(turn))).await
    }
}

/// Says that somebody drives the errands for good.
struct Runner<'a>(&'a Inner);

impl<'a> Runner<'a> {
    fn new(inner: &'a Inner) -> Self {
        inner.with(|table, now| {
            table.runners += 1;
            table.changed = true;
            if std::mem::take(&mut table.refresh_soon) {
                table.post(now, Input::EnsureFresh);
            }
        });
        Self(inner)
    }
}

impl Drop for Runner<'_> {
    fn drop(&mut self) {
        self.0.with(|table, _| {
            table.runners -= 1;
            // Those who wait take over.
            table.changed = true;
        });
    }
}

/// Nothing of the tokens.
impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("phase", &self.phase()).finish_non_exhaustive()
    }
}
