//! Signing in, by every way there is.

use std::time::Duration;

use webex_oauth::protocol::device::DevicePrompt;
use webex_oauth::protocol::jwt::{GuestJwt, guest_jwt};
use webex_oauth::{CallbackIgnored, Input, LoginId, LoginOptions, Scope, Secret, WhichLogin};
use webex_oauth_driver::old::{LoginTicket, SignIn, may_be_elsewhere};
use webex_oauth_driver::{ClientError, entropy};

use crate::client::Client;
use crate::inner::{Delivery, Table};

/// A login in the browser that ended well.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SignedIn {
    /// The callback URL without code, token and CSRF value, for the browser's history.
    pub cleaned_url: Option<String>,
    /// The JSON object that was given as `state` when the login began.
    pub state: Option<String>,
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

/// A device login that waits for the user. It goes on when this is dropped.
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

    /// Polls until the user has decided, or the code has ended.
    pub async fn wait(&self) -> Result<(), ClientError> {
        let left = self.prompt.expires_at.millis_since(self.client.crew.inner().now());
        let limit = Duration::from_millis(u64::try_from(left).unwrap_or(0));
        self.client.signed_in(self.ticket, limit.saturating_add(self.client.limits.patience)).await.map(drop)
    }

    /// Gives up: [`DeviceLogin::wait`] ends with [`ClientError::LoginCancelled`].
    pub async fn cancel(&self) -> Result<(), ClientError> {
        let ours = |table: &mut Table, _| table.logins.current() == Some(self.ticket);
        if self.client.crew.inner().with(ours) { self.client.cancel(WhichLogin::UnderWay).await } else { Ok(()) }
    }
}

impl Client {
    /// Begins a login in the browser and answers the URL to bring it to. The pending login is stored before: it may be
    /// completed after a restart. Several may be pending, eight at most: the oldest goes.
    pub async fn begin_login(&self, options: LoginOptions) -> Result<Secret, ClientError> {
        let input = Input::BeginLogin { options, entropy: entropy()? };
        let turn = self.give(input).await?;
        // Whoever fetches it has to come soon: many later inputs push it out.
        self.done(turn).await?.map(|Delivery(url)| url).ok_or(ClientError::LoginSuperseded)
    }

    /// Completes a login with what the browser brought back: the whole URL, its query, its fragment, or the body of a
    /// form post. Waits for the tokens.
    ///
    /// A callback that does not belong to a pending login, here or in the store, is [`ClientError::CallbackIgnored`], and
    /// those that are pending still wait. That of a login that is done already is no error, as long as its session is there.
    pub async fn complete_login(&self, callback: impl Into<Secret>) -> Result<SignedIn, ClientError> {
        let callback = callback.into();
        let id = LoginId::of(callback.expose());
        let mut looked = self.crew.inner().store.is_none();
        loop {
            let mut input = Some(Input::CompleteLogin { callback: callback.clone() });
            let (turn, taken) = self
                .crew
                .until_open(|table, now| {
                    table.when_free(now, &mut input, |table, now, input| table.came_back(now, input, id))
                })
                .await??;
            self.done(turn).await?;
            match taken {
                Ok(ticket) => return self.signed_in(ticket, self.limits.patience).await,
                Err(CallbackIgnored::AlreadyCompleted) => {
                    let Some(ticket) = self.crew.inner().read(|table, _| table.logins.under_way(id)) else {
                        return Ok(SignedIn::default());
                    };
                    return self.signed_in(ticket, self.limits.patience).await;
                }
                Err(reason) if !looked && may_be_elsewhere(reason) => {
                    looked = true;
                    self.look_into_store().await;
                }
                Err(reason) => return Err(ClientError::CallbackIgnored { reason }),
            }
        }
    }

    /// Gives up all logins that are pending or under way. A signed-in session goes on as before.
    pub async fn cancel_login(&self) -> Result<(), ClientError> {
        self.cancel(WhichLogin::All).await
    }

    /// Gives up one login in a browser: that with this URL, or this state. Others go on.
    pub async fn cancel_login_of(&self, url: &Secret) -> Result<(), ClientError> {
        match LoginId::of(url.expose()) {
            Some(id) => self.cancel(WhichLogin::Browser(id)).await,
            None => Ok(()),
        }
    }

    async fn cancel(&self, which: WhichLogin) -> Result<(), ClientError> {
        let turn = self.give(Input::CancelLogin { which }).await?;
        self.crew.inner().with(|table, _| {
            match which {
                WhichLogin::All => table.logins.cancel(),
                WhichLogin::Browser(id) => table.logins.cancel_browser(Some(id)),
                WhichLogin::UnderWay => table.logins.cancel_under_way(),
            }
            table.changed = true;
        });
        self.done(turn).await.map(drop)
    }

    /// Redeems a code whose state the host has checked itself.
    pub async fn redeem_code(&self, code: impl Into<Secret>, verifier: Option<Secret>) -> Result<(), ClientError> {
        let code = code.into();
        let input = Input::RedeemCode { code: code.clone(), verifier };
        self.sign_in(input, SignIn::Code(code)).await
    }

    /// Begins a login on another device (RFC 8628) and waits for what to show to the user.
    pub async fn begin_device_login(&self, scope: Option<Scope>) -> Result<DeviceLogin, ClientError> {
        let (_, ticket) = self.give_login(Input::BeginDeviceLogin { scope }, SignIn::Device).await?;
        let shown = self.crew.until_open(|table, _| match &table.prompt {
            Some((shown, prompt)) if *shown == ticket => Some(Ok(prompt.clone())),
            Some(_) | None => table.logins.result(ticket)?.err().map(Err),
        });
        let prompt = self.in_time("a device code", self.limits.patience, async { shown.await? }).await?;
        Ok(DeviceLogin { client: self.clone(), ticket, prompt })
    }

    /// The whole device login: `show` tells the user where to enter which code, then it waits for the tokens.
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
    pub async fn sign_in_with_jwt(&self, jwt: impl Into<Secret>) -> Result<(), ClientError> {
        let jwt = jwt.into();
        self.sign_in(Input::SignInWithJwt { jwt: jwt.clone() }, SignIn::Jwt(jwt)).await
    }

    /// Webex: makes a guest's JWT, with the clock and the random generator of this machine.
    pub fn guest_jwt(&self, guest: &GuestJwt) -> Result<Secret, ClientError> {
        Ok(guest_jwt(guest, self.crew.inner().now(), &entropy()?)?)
    }

    /// Webex: signs in as a guest through a Service App's token.
    pub async fn sign_in_as_guest(&self, guest: Guest) -> Result<(), ClientError> {
        let Guest { service_token, subject, display_name } = guest;
        let by = SignIn::Guest(service_token.clone(), subject.clone());
        self.sign_in(Input::SignInAsGuest { service_token, subject, display_name }, by).await
    }

    /// Signs in as the client itself (RFC 6749 section 4.4).
    pub async fn sign_in_with_client_credentials(&self, scope: Option<Scope>) -> Result<(), ClientError> {
        let input = Input::SignInWithClientCredentials { scope: scope.clone() };
        self.sign_in(input, SignIn::ClientCredentials(scope)).await
    }

    /// Takes over tokens from elsewhere: a bare token, `Bearer x`, a JSON object, a hand-off query string, or a refresh
    /// token alone.
    pub async fn adopt(&self, tokens: impl Into<Secret>) -> Result<(), ClientError> {
        let tokens = tokens.into();
        let (turn, ticket) = self.give_login(Input::Adopt { tokens: tokens.clone() }, SignIn::Adopt(tokens)).await?;
        self.done(turn).await?;
        // Without an access token there is no event, and nothing to wait for.
        self.crew.inner().with(|table, _| {
            table.logins.cancel_own(ticket);
        });
        Ok(())
    }

    async fn sign_in(&self, input: Input, by: SignIn) -> Result<(), ClientError> {
        let (_, ticket) = self.give_login(input, by).await?;
        self.signed_in(ticket, self.limits.patience).await.map(drop)
    }

    /// Waits for the end of a login.
    async fn signed_in(&self, ticket: LoginTicket, limit: Duration) -> Result<SignedIn, ClientError> {
        let end = self.crew.until_open(|table, _| {
            let result = table.logins.result(ticket)?;
            // Its tokens are on their way to the store: nobody uses them before.
            if result.is_ok() && !table.desk.is_free() {
                return None;
            }
            let landed = table.landed.take_if(|(landed, _)| *landed == ticket);
            Some(result.map(|()| landed.map_or_else(SignedIn::default, |(_, landed)| landed)))
        });
        self.in_time("the login", limit, async { end.await? }).await
    }
}
