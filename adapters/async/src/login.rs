//! Signing in, by every way there is.

use std::sync::OnceLock;

use futures_util::lock::Mutex;
use webex_oauth::coordinator::{Call, Credential, Reply, Shown, Ticket, Which};
use webex_oauth::protocol::device::DevicePrompt;
use webex_oauth::protocol::jwt::{GuestJwt, guest_jwt};
use webex_oauth::{LoginId, LoginOptions, Scope, Secret};
use webex_oauth_driver::{ClientError, SignedIn, entropy};

use crate::client::Client;
use crate::executor::Waiting;

const LOGIN: &str = "the login";
const END: &str = "the end of the login";

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

/// A device login that waits for the user. It goes on when this is dropped.
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

    /// Polls until the user has decided, or the code has ended.
    ///
    /// # Errors
    ///
    /// [`ClientError::LoginFailed`] where the user declined, the server refused or the code has ended: whoever was signed in
    /// before still is. [`ClientError::LoginCancelled`], also by a sign-out; [`ClientError::LoginSuperseded`] by another
    /// sign-in. [`ClientError::Closed`]. Asked again, it says the same.
    pub async fn wait(&self) -> Result<(), ClientError> {
        let waiting = self.waiting.lock().await;
        if let Some(ended) = self.ended.get() {
            return ended.clone();
        }
        let ended = waiting.reply().await.map(drop);
        self.ended.get_or_init(|| ended).clone()
    }

    /// Gives up: [`DeviceLogin::wait`] ends with [`ClientError::LoginCancelled`].
    ///
    /// # Errors
    ///
    /// As [`Client::cancel_login`].
    pub async fn cancel(&self) -> Result<(), ClientError> {
        self.client.cancel(Which::Ticket(self.ticket)).await
    }
}

impl std::fmt::Debug for DeviceLogin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceLogin")
            .field("client", &self.client)
            .field("prompt", &self.prompt)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Begins a login in the browser and answers the URL to bring it to. The pending login is stored before: it may be
    /// completed after a restart. Several may be pending, eight at most: the oldest goes.
    ///
    /// # Errors
    ///
    /// [`ClientError::Misuse`] as [`Session::begin_login`](webex_oauth::Session::begin_login), [`ClientError::Randomness`],
    /// [`ClientError::Timeout`] where the store does not answer, [`ClientError::Closed`].
    pub async fn begin_login(&self, options: LoginOptions) -> Result<Secret, ClientError> {
        match self.sign_in(Credential::Browser { options, entropy: entropy()? }).await? {
            Reply::Url(url) => Ok(url),
            _ => Err(ClientError::LoginSuperseded),
        }
    }

    /// Completes a login with what the browser brought back: the whole URL, its query, its fragment, or the body of a
    /// form post. Waits for the tokens.
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
    pub async fn complete_login(&self, callback: impl Into<Secret>) -> Result<SignedIn, ClientError> {
        let call = Call::CompleteLogin { callback: callback.into(), within: None };
        self.executor().call(LOGIN, call).await.map(SignedIn::from)
    }

    /// Gives up all logins that are pending or under way. A signed-in session goes on as before.
    ///
    /// # Errors
    ///
    /// [`ClientError::Timeout`] where the store does not answer: they are given up all the same. [`ClientError::Closed`].
    pub async fn cancel_login(&self) -> Result<(), ClientError> {
        self.cancel(Which::All).await
    }

    /// Gives up one login in a browser: that with this URL, or this state. Others go on.
    ///
    /// # Errors
    ///
    /// As [`Client::cancel_login`]. A login that is not known, or a text that names none, does nothing.
    pub async fn cancel_login_of(&self, url: &Secret) -> Result<(), ClientError> {
        match LoginId::of(url.expose()) {
            Some(id) => self.cancel(Which::Browser(id)).await,
            None => Ok(()),
        }
    }

    async fn cancel(&self, of: Which) -> Result<(), ClientError> {
        self.executor().call(END, Call::CancelLogin { of }).await.map(drop)
    }

    /// Redeems a code whose state the host has checked itself.
    ///
    /// # Errors
    ///
    /// - [`ClientError::Misuse`] as [`Session::redeem_code`](webex_oauth::Session::redeem_code). Nothing was sent.
    /// - [`ClientError::LoginFailed`] where the server refused, or no answer came. Whoever was signed in before still is.
    /// - [`ClientError::LoginCancelled`], also by a sign-out; [`ClientError::LoginSuperseded`] by another sign-in.
    /// - [`ClientError::Timeout`] where patience ended before: the login goes on.
    /// - [`ClientError::Closed`].
    pub async fn redeem_code(&self, code: impl Into<Secret>, verifier: Option<Secret>) -> Result<(), ClientError> {
        self.sign_in(Credential::Code { code: code.into(), verifier }).await.map(drop)
    }

    /// Begins a login on another device (RFC 8628) and waits for what to show to the user.
    ///
    /// # Errors
    ///
    /// [`ClientError::Misuse`] as [`Session::begin_device_login`](webex_oauth::Session::begin_device_login); otherwise as
    /// [`DeviceLogin::wait`].
    pub async fn begin_device_login(&self, scope: Option<Scope>) -> Result<DeviceLogin, ClientError> {
        let call = Call::SignIn { credential: Credential::Device { scope }, within: None };
        let waiting = self.executor().begin(LOGIN, call)?;
        match waiting.shown().await? {
            Some(Shown::DeviceCode(prompt)) => {
                let (client, ticket) = (self.clone(), waiting.ticket());
                Ok(DeviceLogin { client, ticket, prompt, waiting: Mutex::new(waiting), ended: OnceLock::new() })
            }
            None => Err(ClientError::LoginSuperseded),
        }
    }

    /// The whole device login: `show` tells the user where to enter which code, then it waits for the tokens.
    ///
    /// A future that is dropped stops waiting; the client goes on asking the server until the code ends, and who confirms it
    /// meanwhile is signed in. [`Client::begin_device_login`] has a login that can be cancelled.
    ///
    /// # Errors
    ///
    /// As [`Client::begin_device_login`] and [`DeviceLogin::wait`].
    pub async fn device_login(
        &self,
        scope: Option<Scope>,
        show: impl FnOnce(&DevicePrompt),
    ) -> Result<(), ClientError> {
        let login = self.begin_device_login(scope).await?;
        show(login.prompt());
        login.wait().await
    }

    /// Webex: signs in as the guest that this JWT names.
    ///
    /// # Errors
    ///
    /// [`ClientError::Misuse`] as [`Session::sign_in_with_jwt`](webex_oauth::Session::sign_in_with_jwt); otherwise as
    /// [`Client::redeem_code`].
    pub async fn sign_in_with_jwt(&self, jwt: impl Into<Secret>) -> Result<(), ClientError> {
        self.sign_in(Credential::Jwt { jwt: jwt.into() }).await.map(drop)
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
    pub async fn sign_in_as_guest(&self, guest: Guest) -> Result<(), ClientError> {
        let Guest { service_token, subject, display_name } = guest;
        self.sign_in(Credential::Guest { service_token, subject, display_name }).await.map(drop)
    }

    /// Signs in as the client itself (RFC 6749 section 4.4).
    ///
    /// # Errors
    ///
    /// [`ClientError::Misuse`] as
    /// [`Session::sign_in_with_client_credentials`](webex_oauth::Session::sign_in_with_client_credentials); otherwise as
    /// [`Client::redeem_code`].
    pub async fn sign_in_with_client_credentials(&self, scope: Option<Scope>) -> Result<(), ClientError> {
        self.sign_in(Credential::Client { scope }).await.map(drop)
    }

    /// Takes over tokens from elsewhere: a bare token, `Bearer x`, a JSON object, a hand-off query string, or a refresh
    /// token alone.
    ///
    /// # Errors
    ///
    /// [`ClientError::Misuse`] as [`Session::adopt`](webex_oauth::Session::adopt): the tokens that were there stay.
    /// [`ClientError::Timeout`] where the store does not answer, and [`ClientError::Closed`].
    pub async fn adopt(&self, tokens: impl Into<Secret>) -> Result<(), ClientError> {
        self.sign_in(Credential::Tokens { tokens: tokens.into() }).await.map(drop)
    }

    async fn sign_in(&self, credential: Credential) -> Result<Reply, ClientError> {
        self.executor().call(LOGIN, Call::SignIn { credential, within: None }).await
    }
}
