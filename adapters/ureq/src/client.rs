//! The client: tokens when they are needed, and what goes with them.

use std::fmt;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use webex_oauth::{
    Access, AccessToken, Config, Fault, FaultKind, Input, Misuse, Scope, Secret, SignInReason, SignOutOptions, Status,
    TokenSet,
};
use webex_oauth_driver::{ClientError, ClientEvent, StoreError, settings};

use crate::builder::ClientBuilder;
use crate::courier::LOCK_PATIENCE;
use crate::discover::fetch;
use crate::shared::{Inner, Shared};
use crate::transport::Transport;

/// So long a sign-out, or the end of a client, waits for revocations that are under way.
const FAREWELL: Duration = Duration::from_secs(5);
/// What a token is asked for so often without coming closer will not come.
const MOST_ASKED: u32 = 4;

/// One user's sign-in, ready to use from any thread.
///
/// Clones are handles to the same session. When the last one goes, the client is closed as by [`Client::close`].
#[derive(Clone)]
pub struct Client {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    keeper: Mutex<Option<JoinHandle<()>>>,
}

impl Client {
    /// A client for `config`, to be opened with [`ClientBuilder::open`].
    pub fn builder(config: Config) -> ClientBuilder {
        ClientBuilder::new(config)
    }

    /// A client as the environment describes it: `WEBEX_CLIENT_ID` and its relatives for the configuration,
    /// `WEBEX_SESSION_FILE` for the store; without that, the session ends with the process. The metadata of `WEBEX_ISSUER`
    /// is fetched.
    pub fn from_env() -> Result<Self, ClientError> {
        let transport = Transport::new(None);
        let parts = settings::parts_with(false, |url| fetch(&transport, url))?;
        let builder = Self::builder(parts.build_from_variables()?);
        match settings::store() {
            Some(store) => builder.store(store).open(),
            None => builder.open(),
        }
    }

    pub(crate) fn new(shared: Arc<Shared>, keeper: JoinHandle<()>) -> Self {
        Self { handle: Arc::new(Handle { shared, keeper: Mutex::new(Some(keeper)) }) }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    /// An access token that is good now. Waits for a refresh only where there is none: while the current token lives,
    /// the refresh ahead of its expiry is done behind the scenes, and its failure is nobody's trouble.
    ///
    /// Errors: [`ClientError::SignInRequired`] where only the user can help, [`ClientError::Unavailable`] where the last
    /// attempt failed and the next one is not due, [`ClientError::Store`] where that was not made because another process
    /// does not let go of the store's lock, [`ClientError::Timeout`], [`ClientError::Closed`].
    pub fn token(&self) -> Result<AccessToken, ClientError> {
        obtain(self.shared(), None).map(|(token, _)| token)
    }

    /// The value of the `Authorization` header that presents [`Client::token`]. Errors as there.
    pub fn authorization_header(&self) -> Result<Secret, ClientError> {
        Ok(Secret::new(self.token()?.expose_header()))
    }

    /// Webex: a token with less scope, to hand to somebody who needs no more. Kept, and renewed with the session's own.
    ///
    /// Errors as for [`Client::token`], and [`ClientError::Misuse`] where `scope` is not a part of the granted one.
    pub fn user_token(&self, scope: &Scope) -> Result<AccessToken, ClientError> {
        obtain(self.shared(), Some(scope)).map(|(token, _)| token)
    }

    /// Renews the tokens now, whatever the clock says, and waits for it. A server's `Retry-After` is still respected.
    pub fn refresh(&self) -> Result<(), ClientError> {
        let shared = self.shared();
        shared.check_open()?;
        let (mut renewed, mut not_renewed) = (0, 0);
        let turn = shared.drive_with(|inner| {
            (renewed, not_renewed) = (inner.renewed, inner.not_renewed);
            Ok(inner.unless_closed(Input::Refresh))
        });
        match turn {
            Err(Misuse::NotSignedIn { .. }) => return Err(sign_in_reason(shared)),
            other => other?.ok_or(ClientError::Closed)?,
        };
        shared.wait_until("a refresh", shared.settings.patience, |inner| {
            if inner.renewed > renewed {
                return Some(Ok(()));
            }
            let session = inner.desk.session();
            let status = session.status(shared.now());
            let retry_at = inner.desk.wake_at().unwrap_or_else(|| shared.now());
            if session.tokens().is_none() {
                let reason = match session.access(shared.now()) {
                    Access::SignInRequired { reason } => reason,
                    _ => SignInReason::Expired,
                };
                return Some(Err(ClientError::SignInRequired { reason }));
            }
            let over = inner.not_renewed > not_renewed || !(status.is_refreshing || inner.is_busy());
            over.then(|| Err(inner.unavailable(fault_of(&status), retry_at)))
        })?
    }

    /// How the session stands, for people and user interfaces.
    pub fn status(&self) -> Status {
        let shared = self.shared();
        shared.lock().desk.session().status(shared.now())
    }

    /// The tokens themselves, for a hand-off. To call an API, use [`Client::token`].
    pub fn tokens(&self) -> Option<TokenSet> {
        self.shared().lock().desk.session().tokens().cloned()
    }

    /// The configuration in force.
    pub fn config(&self) -> Config {
        self.shared().lock().desk.session().config().clone()
    }

    /// What has happened so far, without secrets, where [`ClientBuilder::record`] asked for it: for a bug report, and to
    /// be played again by [`replay`](webex_oauth::transcript::replay).
    pub fn transcript(&self) -> Option<String> {
        self.shared().lock().desk.session().transcript().map(str::to_owned)
    }

    /// Events from now on. Any number of listeners may be there; each gets all of them, in order.
    pub fn events(&self) -> Receiver<ClientEvent> {
        self.shared().events.listen()
    }

    /// Why the session could not be stored, until it can. It goes on in memory meanwhile, and tries again.
    pub fn store_error(&self) -> Option<StoreError> {
        self.shared().lock().store_error.clone()
    }

    /// Signs out: forgets the tokens at once, whatever the network says, then revokes them as `options` say and waits a
    /// few seconds for that. Returns the URL to bring the browser to, where `options` ask for one.
    ///
    /// Errors: [`ClientError::Store`] where the session is signed out here and the store could not be told.
    pub fn sign_out(&self, options: SignOutOptions) -> Result<Option<Secret>, ClientError> {
        let shared = self.shared();
        shared.check_open()?;
        let turn = shared.begin(Input::SignOut { options })?;
        let answered = |inner: &mut Inner| (*inner.count(false) == 0).then_some(());
        // It is over here in any case.
        let _ = shared.wait_until("revocation", FAREWELL, answered);
        match self.store_error() {
            Some(error) => Err(error.into()),
            None => Ok(turn.url),
        }
    }

    /// Ends the client; the session stays in its store. Who waits gets [`ClientError::Closed`]. Waits for a refresh that
    /// is under way, because its answer may carry the only refresh token that still counts.
    pub fn close(&self) {
        self.handle.close();
    }
}

impl Handle {
    fn close(&self) {
        let shared = &self.shared;
        let limit = {
            let mut inner = shared.lock();
            inner.closed = true;
            let request_timeout = inner.desk.session().config().parts().request_timeout;
            request_timeout.saturating_add(LOCK_PATIENCE).saturating_add(FAREWELL)
        };
        shared.wake_all();
        let begun = Instant::now();
        loop {
            let mut inner = shared.lock();
            let grants = *inner.count(true) > 0 || inner.is_busy();
            let others = *inner.count(false) > 0 && begun.elapsed() < FAREWELL;
            if !(grants || others) || begun.elapsed() >= limit {
                break;
            }
            drop(shared.wait(inner, Duration::from_millis(200)));
        }
        if shared.lock().desk.is_unsaved() {
            // The last chance of a store that failed.
            let _ = shared.drive(Input::Tick);
        }
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(keeper) = keeper.filter(|keeper| keeper.thread().id() != std::thread::current().id()) {
            // It ends by itself, and a panic of it has been printed.
            let _ = keeper.join();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

/// Nothing of the tokens, nothing of the configuration's secret.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("session", self.shared().lock().desk.session()).finish_non_exhaustive()
    }
}

enum Step {
    Ready(AccessToken, u64),
    Ask,
    SignIn(SignInReason),
}

/// A token and its generation, asked for and waited for as it takes.
pub(crate) fn obtain(shared: &Arc<Shared>, scope: Option<&Scope>) -> Result<(AccessToken, u64), ClientError> {
    let begun = Instant::now();
    let access = |inner: &Inner| match scope {
        None => inner.desk.access(shared.now()),
        Some(scope) => inner.desk.access_for(shared.now(), scope),
    };
    let (mut asked, mut looked) = (0, shared.store.is_none());
    loop {
        let left = shared.settings.patience.saturating_sub(begun.elapsed());
        let step = shared.wait_until("a token", left, |inner| match access(inner)? {
            _ if inner.closed => Some(Err(ClientError::Closed)),
            Access::Ready { token, generation, refresh_soon, .. } => {
                if refresh_soon && !inner.refresh_soon {
                    inner.refresh_soon = true;
                    shared.wake_all();
                }
                Some(Ok(Step::Ready(token, generation)))
            }
            Access::Refreshing { .. } => None,
            Access::Stale { .. } => Some(Ok(Step::Ask)),
            Access::BackingOff { fault, retry_at } => Some(Err(inner.unavailable(fault, retry_at))),
            Access::SignInRequired { reason } => Some(Ok(Step::SignIn(reason))),
        })??;
        match step {
            Step::Ready(token, generation) => return Ok((token, generation)),
            Step::Ask if asked < MOST_ASKED => {
                asked += 1;
                let ask = || match scope {
                    None => Input::EnsureFresh,
                    Some(scope) => Input::Downscope { scope: scope.clone() },
                };
                // Somebody else may have asked meanwhile.
                shared.drive_with(|inner| {
                    let stale = matches!(access(inner), Some(Access::Stale { .. }));
                    Ok(stale.then(ask).and_then(|input| inner.unless_closed(input)))
                })?;
            }
            Step::Ask => {
                let fault = Arc::new(Fault::new(FaultKind::Expired));
                return Err(ClientError::Unavailable { fault, retry_at: shared.now().plus_millis(1000) });
            }
            // Another process may have signed in.
            Step::SignIn(_) if !looked => {
                looked = true;
                shared.look_at_store();
            }
            Step::SignIn(reason) => return Err(ClientError::SignInRequired { reason }),
        }
    }
}

fn sign_in_reason(shared: &Shared) -> ClientError {
    match shared.lock().desk.session().access(shared.now()) {
        Access::SignInRequired { reason } => ClientError::SignInRequired { reason },
        _ => ClientError::Misuse(Misuse::NotSignedIn { call: "refresh" }),
    }
}

fn fault_of(status: &Status) -> Arc<Fault> {
    status.last_fault.clone().unwrap_or_else(|| Arc::new(Fault::new(FaultKind::Unavailable)))
}
