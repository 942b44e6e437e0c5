//! Ways to sign in.

use std::cell::RefCell;
use std::fmt;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use webex_oauth::coordinator::{Call, Credential, Reply, Shown, Ticket, Which};
use webex_oauth::protocol::device::DevicePrompt;
use webex_oauth::protocol::jwt::{GuestJwt, guest_jwt};
use webex_oauth::{ErrorCode, Flow, LoginId, LoginOptions, Misuse, ResponseMode, Scope, Secret};
use webex_oauth_driver::{ClientError, Loopback, Page, SignedIn, entropy, open_browser};

use crate::client::Client;
use crate::executor::{Executor, Waiting};

const LOGIN: &str = "the login";
const IN_BROWSER: &str = "the login in the browser";

/// How [`Client::login_with_browser`] goes about it.
#[expect(clippy::exhaustive_structs, reason = "made with `..BrowserLogin::default()`")]
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
#[expect(clippy::exhaustive_structs, reason = "made by its users, all of it")]
pub struct Guest {
    /// The Service App's access token, with `guest-issuer:write`.
    pub service_token: Secret,
    /// The guest's own identifier: the same subject is the same guest.
    pub subject: String,
    /// The name that other people see.
    pub display_name: String,
}

/// A device login that waits for the user.
pub struct DeviceLogin {
    client: Client,
    ticket: Ticket,
    prompt: DevicePrompt,
    waiting: Mutex<Waiting>,
    ended: OnceLock<Result<(), ClientError>>,
}

impl DeviceLogin {
    /// What to show to the user.
    pub fn prompt(&self) -> &DevicePrompt {
        &self.prompt
    }

    /// Waits until the user has decided, or the code has ended.
    ///
    /// # Errors
    ///
    /// [`ClientError::LoginFailed`] where the user declined, the server refused or the code has ended: whoever was signed in
    /// before still is. [`ClientError::LoginCancelled`], also by a sign-out; [`ClientError::LoginSuperseded`] by another
    /// sign-in. [`ClientError::Closed`]. Asked again, it says the same.
    pub fn wait(&self) -> Result<(), ClientError> {
        let wait = || self.waiting.lock().unwrap_or_else(PoisonError::into_inner).wait().map(drop);
        self.ended.get_or_init(wait).clone()
    }

    /// Gives up: [`DeviceLogin::wait`] ends with [`ClientError::LoginCancelled`].
    pub fn cancel(&self) {
        cancel(self.client.executor(), Which::Ticket(self.ticket));
    }
}

impl fmt::Debug for DeviceLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceLogin")
            .field("client", &self.client)
            .field("prompt", &self.prompt)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Begins a login in a browser and returns the URL to open. [`Client::complete_login`] ends it, here or, with a
    /// store, in another process. Several may be pending, eight at most: the oldest goes.
    ///
    /// # Errors
    ///
    /// [`ClientError::Misuse`] as [`Session::begin_login`](webex_oauth::Session::begin_login), [`ClientError::Randomness`],
    /// [`ClientError::Timeout`] where the store does not answer, [`ClientError::Closed`].
    pub fn begin_login(&self, options: LoginOptions) -> Result<Secret, ClientError> {
        match self.sign_in(Credential::Browser { options, entropy: entropy()? })? {
            Reply::Url(url) => Ok(url),
            _ => Err(no_page().into()),
        }
    }

    /// The browser came back: `callback` is the whole URL, its query, its fragment, or the body of a form post. Redeems
    /// the code and waits for the tokens.
    ///
    /// The callback of a login that is done already is no error, as long as its session is there. One that is not known here
    /// is looked for in the store.
    ///
    /// # Errors
    ///
    /// - [`ClientError::CallbackIgnored`] where it is no pending login's, here or in the store. Those that are pending still
    ///   wait.
    /// - [`ClientError::LoginFailed`] where the user or the server declined, or no answer came. Whoever was signed in before
    ///   still is.
    /// - [`ClientError::LoginCancelled`], also by a sign-out; [`ClientError::LoginSuperseded`] by another sign-in.
    /// - [`ClientError::Timeout`] where patience ended before: the login goes on.
    /// - [`ClientError::Closed`].
    pub fn complete_login(&self, callback: impl Into<Secret>) -> Result<SignedIn, ClientError> {
        complete(self.executor(), callback.into())
    }

    /// Gives up all logins that are pending or under way. A session that was there before goes on.
    ///
    /// # Errors
    ///
    /// [`ClientError::Timeout`] where the store does not answer: they are given up all the same. [`ClientError::Closed`].
    pub fn cancel_login(&self) -> Result<(), ClientError> {
        self.executor().call("the end of the login", Call::CancelLogin { of: Which::All }).map(drop)
    }

    /// Gives up one login in a browser: that with this URL, or this state. Others go on.
    ///
    /// # Errors
    ///
    /// As [`Client::cancel_login`]. A login that is not known, or a text that names none, does nothing.
    pub fn cancel_login_of(&self, url: &Secret) -> Result<(), ClientError> {
        let Some(id) = LoginId::of(url.expose()) else { return Ok(()) };
        self.executor().call("the end of the login", Call::CancelLogin { of: Which::Browser(id) }).map(drop)
    }

    /// Signs in through the user's browser: listens on loopback (RFC 8252), opens the authorization page, answers the
    /// callback with a small page and returns when the tokens are there.
    ///
    /// The configured redirect URI has to be `http://127.0.0.1...` or `http://localhost...`; with a port, that one has to
    /// be free.
    ///
    /// # Errors
    ///
    /// - [`ClientError::Listen`] where the redirect URI is not on loopback, or its port is taken; [`ClientError::Misuse`] where
    ///   there is none, and for an implicit login whose answer would be a fragment. No login is begun.
    /// - Those of [`Client::begin_login`]; [`ClientError::Thread`].
    /// - [`ClientError::Timeout`] where nobody came back within [`BrowserLogin::limit`]: the login is given up.
    /// - [`ClientError::LoginFailed`] where the user or the server declined, or no answer came. Whoever was signed in before
    ///   still is.
    /// - [`ClientError::LoginCancelled`], also by a sign-out; [`ClientError::LoginSuperseded`] by another sign-in.
    /// - [`ClientError::Closed`].
    pub fn login_with_browser(&self, login: BrowserLogin) -> Result<(), ClientError> {
        let BrowserLogin { mut options, limit, open } = login;
        if options.flow == Flow::Implicit && options.response_mode != Some(ResponseMode::FormPost) {
            // A fragment does not reach a server.
            let problem = "the implicit flow needs response_mode=form_post to come back to a listener".to_owned();
            return Err(Misuse::InvalidArgument { argument: "flow", problem }.into());
        }
        let config = self.config();
        let redirect_uri = options.redirect_uri.as_deref().or(config.parts().redirect_uri.as_deref());
        // A free port of ours is nowhere registered: the server would show its error in the browser, and nobody come back.
        let lacking = Misuse::NotConfigured { what: "redirect_uri", needed_by: "login_with_browser" };
        let loopback = Loopback::open(Some(redirect_uri.ok_or(lacking)?))?;
        options.redirect_uri = Some(loopback.redirect_uri().to_owned());
        let url = self.begin_login(options)?;
        let id = LoginId::of(url.expose()).ok_or_else(no_page)?;
        let executor = self.executor();
        let waiting = executor.begin(IN_BROWSER, Call::AwaitLogin { of: id, within: Some(limit) })?;
        let begun = Instant::now();
        // A browser in the terminal comes back to the listener before whoever started it goes on.
        let opener = std::thread::Builder::new().name("webex-oauth-browser".to_owned());
        let (opening, opened) = channel::<()>();
        let opener = opener.spawn(move || {
            let _opening = opening;
            open(&url);
        });
        if let Err(error) = opener {
            cancel(executor, Which::Browser(id));
            return Err(ClientError::Thread { kind: error.kind() });
        }
        let reply = RefCell::new(None);
        let goes_on = || {
            let mut reply = reply.borrow_mut();
            *reply = reply.take().or_else(|| waiting.reply_within(Duration::ZERO));
            reply.is_none()
        };
        loopback.wait(limit, goes_on, |callback| {
            let result = complete(executor, callback.into());
            let is_stored = executor.ask(|coordinator| coordinator.store_fault().is_none());
            page(result, is_stored)
        });
        match reply.into_inner().unwrap_or_else(|| waiting.wait()) {
            Err(error @ (ClientError::Timeout { .. } | ClientError::Closed)) => {
                cancel(executor, Which::Browser(id));
                Err(error)
            }
            result => {
                // That browser still shows the page: the terminal is its user's.
                let _ = opened.recv_timeout(limit.saturating_sub(begun.elapsed()));
                result.map(drop)
            }
        }
    }

    /// Redeems a code whose state the host has checked itself, and waits for the tokens.
    ///
    /// # Errors
    ///
    /// - [`ClientError::Misuse`] as [`Session::redeem_code`](webex_oauth::Session::redeem_code). Nothing was sent.
    /// - [`ClientError::LoginFailed`] where the server refused, or no answer came. Whoever was signed in before still is.
    /// - [`ClientError::LoginCancelled`], also by a sign-out; [`ClientError::LoginSuperseded`] by another sign-in.
    /// - [`ClientError::Timeout`] where patience ended before: the login goes on.
    /// - [`ClientError::Closed`].
    pub fn redeem_code(&self, code: impl Into<Secret>, verifier: Option<Secret>) -> Result<(), ClientError> {
        self.sign_in(Credential::Code { code: code.into(), verifier }).map(drop)
    }

    /// Begins a login on another device (RFC 8628) and waits for what to show to the user.
    ///
    /// # Errors
    ///
    /// [`ClientError::Misuse`] as [`Session::begin_device_login`](webex_oauth::Session::begin_device_login); otherwise as
    /// [`DeviceLogin::wait`].
    pub fn begin_device_login(&self, scope: Option<Scope>) -> Result<DeviceLogin, ClientError> {
        let call = Call::SignIn { credential: Credential::Device { scope }, within: None };
        let waiting = self.executor().begin(LOGIN, call)?;
        match waiting.wait_for_shown()? {
            Some(Shown::DeviceCode(prompt)) => {
                let (client, ticket) = (self.clone(), waiting.ticket());
                Ok(DeviceLogin { client, ticket, prompt, waiting: Mutex::new(waiting), ended: OnceLock::new() })
            }
            None => Err(ClientError::LoginSuperseded),
        }
    }

    /// The whole device login: `show` tells the user where to enter which code, then it waits for the tokens, until the code
    /// ends. [`Client::begin_device_login`] has a login that can be cancelled.
    ///
    /// # Errors
    ///
    /// As [`Client::begin_device_login`] and [`DeviceLogin::wait`].
    pub fn device_login(&self, scope: Option<Scope>, show: impl FnOnce(&DevicePrompt)) -> Result<(), ClientError> {
        let login = self.begin_device_login(scope)?;
        show(login.prompt());
        login.wait()
    }

    /// Webex: signs in as the guest that this JWT names.
    ///
    /// # Errors
    ///
    /// [`ClientError::Misuse`] as [`Session::sign_in_with_jwt`](webex_oauth::Session::sign_in_with_jwt); otherwise as
    /// [`Client::redeem_code`].
    pub fn sign_in_with_jwt(&self, jwt: impl Into<Secret>) -> Result<(), ClientError> {
        self.sign_in(Credential::Jwt { jwt: jwt.into() }).map(drop)
    }

    /// Webex: makes a guest's JWT, with the clock and the random generator of this machine.
    ///
    /// # Errors
    ///
    /// [`ClientError::Jwt`] as [`guest_jwt`], [`ClientError::Randomness`].
    pub fn guest_jwt(&self, guest: &GuestJwt) -> Result<Secret, ClientError> {
        Ok(guest_jwt(guest, self.executor().wall(), &entropy()?)?)
    }

    /// Webex: signs in as a guest through a Service App's token.
    ///
    /// # Errors
    ///
    /// [`ClientError::Misuse`] as [`Session::sign_in_as_guest`](webex_oauth::Session::sign_in_as_guest); otherwise as
    /// [`Client::redeem_code`].
    pub fn sign_in_as_guest(&self, guest: Guest) -> Result<(), ClientError> {
        let Guest { service_token, subject, display_name } = guest;
        self.sign_in(Credential::Guest { service_token, subject, display_name }).map(drop)
    }

    /// Signs in as the client itself (RFC 6749 section 4.4). `None` asks for the configured scope.
    ///
    /// # Errors
    ///
    /// [`ClientError::Misuse`] as
    /// [`Session::sign_in_with_client_credentials`](webex_oauth::Session::sign_in_with_client_credentials); otherwise as
    /// [`Client::redeem_code`].
    pub fn sign_in_with_client_credentials(&self, scope: Option<Scope>) -> Result<(), ClientError> {
        self.sign_in(Credential::Client { scope }).map(drop)
    }

    /// Takes over tokens from elsewhere: a bare token, `Bearer x`, a JSON object, a hand-off query string. A refresh
    /// token alone is used by the next [`Client::token`].
    ///
    /// # Errors
    ///
    /// [`ClientError::Misuse`] as [`Session::adopt`](webex_oauth::Session::adopt): the tokens that were there stay.
    /// [`ClientError::Timeout`] where the store does not answer, and [`ClientError::Closed`].
    pub fn adopt(&self, tokens: impl Into<Secret>) -> Result<(), ClientError> {
        self.sign_in(Credential::Tokens { tokens: tokens.into() }).map(drop)
    }

    fn sign_in(&self, credential: Credential) -> Result<Reply, ClientError> {
        self.executor().call(LOGIN, Call::SignIn { credential, within: None })
    }
}

fn complete(executor: &Arc<Executor>, callback: Secret) -> Result<SignedIn, ClientError> {
    executor.call(LOGIN, Call::CompleteLogin { callback, within: None }).map(SignedIn::from)
}

/// Where nobody waits for it, and nothing can go wrong that anybody could help.
fn cancel(executor: &Arc<Executor>, of: Which) {
    let _ = executor.call("the end of the login", Call::CancelLogin { of });
}

fn no_page() -> Misuse {
    Misuse::NotConfigured { what: "authorization_endpoint", needed_by: "begin_login" }
}

/// What the browser shows.
fn page(result: Result<SignedIn, ClientError>, is_stored: bool) -> Page {
    match result {
        Ok(_) if is_stored => Page::SignedIn,
        Ok(_) => Page::NotStored,
        Err(ClientError::LoginFailed { fault }) if fault.code == Some(ErrorCode::AccessDenied) => Page::Declined,
        Err(error @ ClientError::CallbackIgnored { .. }) => Page::NotOurs { problem: error.to_string() },
        Err(error) => Page::Failed { problem: error.to_string() },
    }
}
