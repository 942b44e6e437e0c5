//! Ways to sign in.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use webex_oauth::protocol::device::DevicePrompt;
use webex_oauth::protocol::jwt::{GuestJwt, guest_jwt};
use webex_oauth::{
    CallbackIgnored, ErrorCode, Flow, Input, LoginId, LoginOptions, Misuse, ResponseMode, Scope, Secret, WhichLogin,
};
use webex_oauth_driver::{ClientError, LoginTicket, Loopback, Page, SignIn, entropy, may_be_elsewhere, open_browser};

use crate::client::Client;
use crate::shared::{Shared, Turn};

/// How [`Client::login_with_browser`] goes about it.
pub struct BrowserLogin {
    /// Scope, state, hints. `redirect_uri` may name another loopback address than the configuration.
    pub options: LoginOptions,
    /// How long the user may take. Five minutes unless said otherwise.
    pub limit: Duration,
    /// Brings the user to the URL, on a thread of its own; a login that has its end waits for it, within `limit`. Unless
    /// said otherwise it opens the browser, and prints the URL on standard error where there is none.
    pub open: Box<dyn FnOnce(&Secret) + Send>,
}

impl Default for BrowserLogin {
    fn default() -> Self {
        let open = |url: &Secret| {
            if !open_browser(url) {
                eprintln!("Open this page in a browser to sign in:\n{}", url.expose());
            }
        };
        Self { options: LoginOptions::default(), limit: Duration::from_secs(300), open: Box::new(open) }
    }
}

/// A guest of a Service App, for [`Client::sign_in_as_guest`].
#[derive(Debug, Clone)]
pub struct Guest {
    /// The Service App's access token, with `guest-issuer:write`.
    pub service_token: Secret,
    /// The guest's own identifier: the same subject is the same guest.
    pub subject: String,
    /// The name that other people see.
    pub display_name: String,
}

/// A device login that waits for the user.
#[derive(Debug)]
pub struct DeviceLogin {
    client: Client,
    ticket: LoginTicket,
    prompt: DevicePrompt,
}

impl DeviceLogin {
    /// What to show to the user.
    pub fn prompt(&self) -> &DevicePrompt {
        &self.prompt
    }

    /// Waits until the user has decided, or the code has ended.
    pub fn wait(&self) -> Result<(), ClientError> {
        let shared = self.client.shared();
        let left = self.prompt.expires_at.millis_since(shared.now());
        let limit = Duration::from_millis(u64::try_from(left).unwrap_or(0)).saturating_add(shared.settings.patience);
        outcome(shared, self.ticket, limit)
    }

    /// Gives up: [`DeviceLogin::wait`] ends with [`ClientError::LoginCancelled`].
    pub fn cancel(&self) {
        cancel(self.client.shared(), self.ticket);
    }
}

impl Client {
    /// Begins a login in a browser and returns the URL to open. [`Client::complete_login`] ends it, here or, with a
    /// store, in another process. Several may be pending, eight at most: the oldest goes.
    pub fn begin_login(&self, options: LoginOptions) -> Result<Secret, ClientError> {
        let input = Input::BeginLogin { options, entropy: entropy()? };
        let turn = self.shared().begin(input)?;
        let missing = Misuse::NotConfigured { what: "authorization_endpoint", needed_by: "begin_login" };
        Ok(turn.url.ok_or(missing)?)
    }

    /// The browser came back: `callback` is the whole URL, its query, its fragment, or the body of a form post. Redeems
    /// the code and waits for the tokens.
    ///
    /// The callback of a login that is done already is no error, as long as its session is there. One that is not known here
    /// is looked for in the store. Errors: [`ClientError::CallbackIgnored`] where it is no pending login's; those still wait
    /// then. [`ClientError::LoginFailed`] where the user or the server declined.
    pub fn complete_login(&self, callback: impl Into<Secret>) -> Result<(), ClientError> {
        complete(self.shared(), callback.into())
    }

    /// Gives up all logins that are pending or under way. A session that was there before goes on.
    pub fn cancel_login(&self) -> Result<(), ClientError> {
        let shared = self.shared();
        shared.drive_with(|inner| {
            inner.logins.cancel();
            Ok(Some(Input::CancelLogin { which: WhichLogin::All }))
        })?;
        shared.wake_all();
        Ok(())
    }

    /// Gives up one login in a browser: that with this URL, or this state. Others go on.
    pub fn cancel_login_of(&self, url: &Secret) -> Result<(), ClientError> {
        let Some(id) = LoginId::of(url.expose()) else { return Ok(()) };
        cancel_browser(self.shared(), id);
        Ok(())
    }

    /// Signs in through the user's browser: listens on loopback (RFC 8252), opens the authorization page, answers the
    /// callback with a small page and returns when the tokens are there.
    ///
    /// The configured redirect URI has to be `http://127.0.0.1...` or `http://localhost...`; with a port, that one has to
    /// be free. Errors: [`ClientError::Listen`], [`ClientError::Timeout`] where nobody came back,
    /// [`ClientError::LoginFailed`].
    pub fn login_with_browser(&self, login: BrowserLogin) -> Result<(), ClientError> {
        let BrowserLogin { mut options, limit, open } = login;
        if options.flow == Flow::Implicit && options.response_mode != Some(ResponseMode::FormPost) {
            // A fragment does not reach a server.
            let problem = "the implicit flow needs response_mode=form_post to come back to a listener".to_owned();
            return Err(Misuse::InvalidArgument { argument: "flow", problem }.into());
        }
        let config = self.config();
        let redirect_uri = options.redirect_uri.as_deref().or(config.parts().redirect_uri.as_deref());
        let loopback = Loopback::open(redirect_uri)?;
        options.redirect_uri = Some(loopback.redirect_uri().to_owned());
        let url = self.begin_login(options)?;
        let missing = Misuse::NotConfigured { what: "authorization_endpoint", needed_by: "begin_login" };
        let login = LoginId::of(url.expose()).ok_or(missing)?;
        let ticket = self.shared().lock().logins.begin_browser(login);
        let begun = Instant::now();
        // A browser in the terminal comes back to the listener before whoever started it goes on.
        let opener = std::thread::Builder::new().name("webex-oauth-browser".to_owned());
        let (opening, opened) = channel::<()>();
        let opener = opener.spawn(move || {
            let _opening = opening;
            open(&url);
        });
        let shared = self.shared();
        if let Err(error) = opener {
            cancel_browser(shared, login);
            return Err(ClientError::Thread { kind: error.kind() });
        }
        let goes_on = || {
            let inner = shared.lock();
            !inner.closed && inner.logins.result(ticket).is_none()
        };
        loopback.wait(limit, goes_on, |callback| page(complete(shared, callback.into())));
        let result = shared.lock().logins.result(ticket);
        if result.is_some() {
            // That browser still shows the page: the terminal is its user's.
            let _ = opened.recv_timeout(limit.saturating_sub(begun.elapsed()));
        }
        result.unwrap_or_else(|| {
            cancel_browser(shared, login);
            shared.check_open()?;
            Err(ClientError::Timeout { what: "the login in the browser", limit })
        })
    }

    /// Redeems a code whose state the host has checked itself, and waits for the tokens.
    pub fn redeem_code(&self, code: impl Into<Secret>, verifier: Option<Secret>) -> Result<(), ClientError> {
        let code = code.into();
        self.sign_in(SignIn::Code(code.clone()), Input::RedeemCode { code, verifier })
    }

    /// Begins a login on another device (RFC 8628) and waits for what to show to the user.
    pub fn begin_device_login(&self, scope: Option<Scope>) -> Result<DeviceLogin, ClientError> {
        let shared = self.shared();
        let (_, ticket) = begin(shared, SignIn::Device, Input::BeginDeviceLogin { scope })?;
        let prompt = shared.wait_until("a device code", shared.settings.patience, |inner| {
            let failed = inner.logins.result(ticket).and_then(Result::err);
            failed.map(Err).or_else(|| inner.prompt.clone().map(Ok))
        })??;
        Ok(DeviceLogin { client: self.clone(), ticket, prompt })
    }

    /// The whole device login: `show` tells the user where to enter which code, then it waits for the tokens.
    pub fn device_login(&self, scope: Option<Scope>, show: impl FnOnce(&DevicePrompt)) -> Result<(), ClientError> {
        let login = self.begin_device_login(scope)?;
        show(login.prompt());
        login.wait()
    }

    /// Webex: signs in as the guest that this JWT names.
    pub fn sign_in_with_jwt(&self, jwt: impl Into<Secret>) -> Result<(), ClientError> {
        let jwt = jwt.into();
        self.sign_in(SignIn::Jwt(jwt.clone()), Input::SignInWithJwt { jwt })
    }

    /// Webex: makes a guest's JWT, with the clock and the random generator of this machine.
    pub fn guest_jwt(&self, guest: &GuestJwt) -> Result<Secret, ClientError> {
        Ok(guest_jwt(guest, self.shared().now(), &entropy()?)?)
    }

    /// Webex: signs in as a guest through a Service App's token.
    pub fn sign_in_as_guest(&self, guest: Guest) -> Result<(), ClientError> {
        let Guest { service_token, subject, display_name } = guest;
        let by = SignIn::Guest(service_token.clone(), subject.clone());
        self.sign_in(by, Input::SignInAsGuest { service_token, subject, display_name })
    }

    /// Signs in as the client itself (RFC 6749 section 4.4). `None` asks for the configured scope.
    pub fn sign_in_with_client_credentials(&self, scope: Option<Scope>) -> Result<(), ClientError> {
        self.sign_in(SignIn::ClientCredentials(scope.clone()), Input::SignInWithClientCredentials { scope })
    }

    /// Takes over tokens from elsewhere: a bare token, `Bearer x`, a JSON object, a hand-off query string. A refresh
    /// token alone is used by the next [`Client::token`].
    pub fn adopt(&self, tokens: impl Into<Secret>) -> Result<(), ClientError> {
        let tokens = tokens.into();
        let (_, ticket) = begin(self.shared(), SignIn::Adopt(tokens.clone()), Input::Adopt { tokens })?;
        // Without an access token there is no event, and nothing to wait for.
        self.shared().lock().logins.cancel_own(ticket);
        Ok(())
    }

    fn sign_in(&self, by: SignIn, input: Input) -> Result<(), ClientError> {
        let shared = self.shared();
        let (_, ticket) = begin(shared, by, input)?;
        outcome(shared, ticket, shared.settings.patience)
    }
}

fn begin(shared: &Arc<Shared>, by: SignIn, input: Input) -> Result<(Turn, LoginTicket), ClientError> {
    let mut ticket = None;
    // A mistake leaves a login that is under way alone.
    let turn = shared.drive_then(
        |inner| Ok(inner.unless_closed(input)),
        |inner| {
            inner.prompt = None;
            ticket = Some(inner.logins.begin(by));
        },
    )?;
    Ok((turn.unwrap_or_default(), ticket.ok_or(ClientError::Closed)?))
}

fn complete(shared: &Arc<Shared>, callback: Secret) -> Result<(), ClientError> {
    let id = LoginId::of(callback.expose());
    let mut looked = shared.store.is_none();
    loop {
        let mut taken = Err(CallbackIgnored::NoLoginPending);
        let input = Input::CompleteLogin { callback: callback.clone() };
        let turn = shared.drive_then(
            |inner| Ok(inner.unless_closed(input)),
            |inner| taken = inner.desk.ignored().map_or_else(|| Ok(inner.logins.came_back(id)), Err),
        )?;
        turn.ok_or(ClientError::Closed)?;
        match taken {
            Ok(ticket) => return outcome(shared, ticket, shared.settings.patience),
            Err(CallbackIgnored::AlreadyCompleted) => {
                let under_way = shared.lock().logins.under_way(id);
                return under_way.map_or(Ok(()), |ticket| outcome(shared, ticket, shared.settings.patience));
            }
            Err(reason) if !looked && may_be_elsewhere(reason) => {
                looked = true;
                shared.look_at_store();
            }
            Err(reason) => return Err(ClientError::CallbackIgnored { reason }),
        }
    }
}

fn outcome(shared: &Arc<Shared>, ticket: LoginTicket, limit: Duration) -> Result<(), ClientError> {
    shared.wait_until("the login", limit, |inner| inner.logins.result(ticket))?
}

/// Gives up a login, unless another one has taken its place.
fn cancel(shared: &Arc<Shared>, ticket: LoginTicket) {
    let cancelled = shared.drive_with(|inner| {
        let ours = inner.logins.current() == Some(ticket);
        inner.logins.cancel_own(ticket);
        // What waits for its browser is somebody else's.
        Ok(ours.then_some(Input::CancelLogin { which: WhichLogin::UnderWay }))
    });
    // Cancelling is never a mistake.
    drop(cancelled);
    shared.wake_all();
}

fn cancel_browser(shared: &Arc<Shared>, id: LoginId) {
    let cancelled = shared.drive_with(|inner| {
        inner.logins.cancel_browser(Some(id));
        Ok(Some(Input::CancelLogin { which: WhichLogin::Browser(id) }))
    });
    // Cancelling is never a mistake.
    drop(cancelled);
    shared.wake_all();
}

/// What the browser shows.
fn page(result: Result<(), ClientError>) -> Page {
    match result {
        Ok(()) => Page::SignedIn,
        Err(ClientError::LoginFailed { fault }) if fault.code == Some(ErrorCode::AccessDenied) => Page::Declined,
        Err(error @ ClientError::CallbackIgnored { .. }) => Page::NotOurs { problem: error.to_string() },
        Err(error) => Page::Failed { problem: error.to_string() },
    }
}
