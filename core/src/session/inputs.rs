//! One method per input, each one line over [`Session::handle`]: the bindings export them.

use super::Session;
use crate::effect::Output;
use crate::error::{Misuse, SendFault};
use crate::http::{HttpResponse, RequestId};
use crate::input::{Input, SignOutOptions};
use crate::logins::WhichLogin;
use crate::protocol::authorize::LoginOptions;
use crate::protocol::scope::Scope;
use crate::secret::{Entropy, Secret};
use crate::time::Timestamp;

impl Session {
    /// [`Input::BeginLogin`].
    ///
    /// # Errors
    ///
    /// [`Misuse::NotConfigured`] where there is no `redirect_uri`, no `authorization_endpoint`, or no `client_secret` and the
    /// code flow needs one. [`Misuse::InvalidArgument`] where the options cannot be used: a redirect URI or a state that is
    /// none, an opaque state in an implicit login, an empty address in `email`, a name in `extra` that is the library's to
    /// set, more than 64 KiB in all. The logins that are pending stay.
    pub fn begin_login(&mut self, now: Timestamp, options: LoginOptions, entropy: Entropy) -> Result<Output, Misuse> {
        self.handle(now, Input::BeginLogin { options, entropy })
    }

    /// [`Input::CompleteLogin`].
    ///
    /// # Errors
    ///
    /// None: what cannot be used is told by [`Event::CallbackIgnored`](crate::Event::CallbackIgnored), and that the server
    /// declined by [`Event::LoginFailed`](crate::Event::LoginFailed).
    pub fn complete_login(&mut self, now: Timestamp, callback: impl Into<Secret>) -> Result<Output, Misuse> {
        self.handle(now, Input::CompleteLogin { callback: callback.into() })
    }

    /// [`Input::CancelLogin`].
    ///
    /// # Errors
    ///
    /// None: to cancel what is not there does nothing.
    pub fn cancel_login(&mut self, now: Timestamp, which: WhichLogin) -> Result<Output, Misuse> {
        self.handle(now, Input::CancelLogin { which })
    }

    /// [`Input::RedeemCode`].
    ///
    /// # Errors
    ///
    /// [`Misuse::InvalidArgument`] where the code is empty, [`Misuse::NotConfigured`] where there is no `client_secret` and
    /// the provider needs one. A login that is under way goes on.
    pub fn redeem_code(
        &mut self,
        now: Timestamp,
        code: impl Into<Secret>,
        verifier: Option<Secret>,
    ) -> Result<Output, Misuse> {
        self.handle(now, Input::RedeemCode { code: code.into(), verifier })
    }

    /// [`Input::BeginDeviceLogin`].
    ///
    /// # Errors
    ///
    /// [`Misuse::NotConfigured`] where there is no `device_authorization_endpoint`, or no `client_secret` and the provider
    /// needs one. A login that is under way goes on.
    pub fn begin_device_login(&mut self, now: Timestamp, scope: Option<Scope>) -> Result<Output, Misuse> {
        self.handle(now, Input::BeginDeviceLogin { scope })
    }

    /// [`Input::SignInWithJwt`].
    ///
    /// # Errors
    ///
    /// [`Misuse::NotConfigured`] where there is no `jwt_login_endpoint`, [`Misuse::InvalidArgument`] where it is no JWT. A
    /// login that is under way goes on.
    pub fn sign_in_with_jwt(&mut self, now: Timestamp, jwt: impl Into<Secret>) -> Result<Output, Misuse> {
        self.handle(now, Input::SignInWithJwt { jwt: jwt.into() })
    }

    /// [`Input::SignInAsGuest`].
    ///
    /// # Errors
    ///
    /// [`Misuse::NotConfigured`] where there is no `guest_token_endpoint`, [`Misuse::InvalidArgument`] where no header can
    /// carry the token, or one of the names is empty. A login that is under way goes on.
    pub fn sign_in_as_guest(
        &mut self,
        now: Timestamp,
        service_token: impl Into<Secret>,
        subject: &str,
        display_name: &str,
    ) -> Result<Output, Misuse> {
        let (subject, display_name) = (subject.to_owned(), display_name.to_owned());
        self.handle(now, Input::SignInAsGuest { service_token: service_token.into(), subject, display_name })
    }

    /// [`Input::SignInWithClientCredentials`].
    ///
    /// # Errors
    ///
    /// [`Misuse::NotConfigured`] where there is no `client_secret`. A login that is under way goes on.
    pub fn sign_in_with_client_credentials(&mut self, now: Timestamp, scope: Option<Scope>) -> Result<Output, Misuse> {
        self.handle(now, Input::SignInWithClientCredentials { scope })
    }

    /// [`Input::Adopt`].
    ///
    /// # Errors
    ///
    /// [`Misuse::InvalidArgument`] where [`adopt::read`](crate::protocol::adopt::read) finds no tokens in it,
    /// [`Misuse::NotConfigured`] where it is a refresh token alone and there is no `client_secret` to use it with. The tokens
    /// that were there stay.
    pub fn adopt(&mut self, now: Timestamp, tokens: impl Into<Secret>) -> Result<Output, Misuse> {
        self.handle(now, Input::Adopt { tokens: tokens.into() })
    }

    /// [`Input::Reload`].
    ///
    /// # Errors
    ///
    /// None: what cannot be used is told by [`Event::StoreIgnored`](crate::Event::StoreIgnored).
    pub fn reload(&mut self, now: Timestamp, snapshot: impl Into<Secret>) -> Result<Output, Misuse> {
        self.handle(now, Input::Reload { snapshot: snapshot.into() })
    }

    /// [`Input::EnsureFresh`].
    ///
    /// # Errors
    ///
    /// None: where no refresh can be begun, [`Session::access`] says why.
    pub fn ensure_fresh(&mut self, now: Timestamp) -> Result<Output, Misuse> {
        self.handle(now, Input::EnsureFresh)
    }

    /// [`Input::Refresh`].
    ///
    /// # Errors
    ///
    /// [`Misuse::NotSignedIn`] where there are no tokens, [`Misuse::CannotRefresh`] where nothing is there to renew them
    /// with: they stay as they are.
    pub fn refresh(&mut self, now: Timestamp) -> Result<Output, Misuse> {
        self.handle(now, Input::Refresh)
    }

    /// [`Input::TokenRejected`].
    ///
    /// # Errors
    ///
    /// None: an older generation, or nobody signed in, does nothing.
    pub fn token_rejected(&mut self, now: Timestamp, generation: u64) -> Result<Output, Misuse> {
        self.handle(now, Input::TokenRejected { generation })
    }

    /// [`Input::Embargoed`].
    ///
    /// # Errors
    ///
    /// None: where nobody is signed in it does nothing.
    pub fn embargoed(&mut self, now: Timestamp) -> Result<Output, Misuse> {
        self.handle(now, Input::Embargoed)
    }

    /// [`Input::CalledWithoutToken`].
    ///
    /// # Errors
    ///
    /// [`Misuse::InvalidArgument`] where [`Config::judge_url`](crate::Config::judge_url) refuses the URL: nobody is told.
    pub fn called_without_token(&mut self, now: Timestamp, url: impl Into<Secret>) -> Result<Output, Misuse> {
        self.handle(now, Input::CalledWithoutToken { url: url.into() })
    }

    /// [`Input::Downscope`].
    ///
    /// # Errors
    ///
    /// [`Misuse::NotSignedIn`] where there are no tokens, [`Misuse::NotConfigured`] where the provider reduces no scope,
    /// [`Misuse::ScopeNotReducible`] where `scope` is empty, or no proper part of the granted one. Nothing is asked for then.
    pub fn downscope(&mut self, now: Timestamp, scope: Scope) -> Result<Output, Misuse> {
        self.handle(now, Input::Downscope { scope })
    }

    /// [`Input::ProvideToken`].
    ///
    /// # Errors
    ///
    /// None: an id that nobody waits for is told by [`Event::StaleResponse`](crate::Event::StaleResponse), and tokens that
    /// cannot be used count as a failure of the host's.
    pub fn provide_token(
        &mut self,
        now: Timestamp,
        id: RequestId,
        tokens: impl Into<Secret>,
    ) -> Result<Output, Misuse> {
        self.handle(now, Input::ProvideToken { id, tokens: tokens.into() })
    }

    /// [`Input::ProvideJwt`].
    ///
    /// # Errors
    ///
    /// [`Misuse::NotConfigured`] where there is no `jwt_login_endpoint`: the question stays open. What is no JWT counts as a
    /// failure of the host's.
    pub fn provide_jwt(&mut self, now: Timestamp, id: RequestId, jwt: impl Into<Secret>) -> Result<Output, Misuse> {
        self.handle(now, Input::ProvideJwt { id, jwt: jwt.into() })
    }

    /// [`Input::HostFailed`].
    ///
    /// # Errors
    ///
    /// [`Misuse::InvalidArgument`] where the reason is longer than 1000 bytes: the question stays open.
    pub fn host_failed(&mut self, now: Timestamp, id: RequestId, reason: &str) -> Result<Output, Misuse> {
        self.handle(now, Input::HostFailed { id, reason: reason.to_owned() })
    }

    /// [`Input::SignOut`].
    ///
    /// # Errors
    ///
    /// None: it completes here, whatever there is.
    pub fn sign_out(&mut self, now: Timestamp, options: SignOutOptions) -> Result<Output, Misuse> {
        self.handle(now, Input::SignOut { options })
    }

    /// [`Input::Response`].
    ///
    /// # Errors
    ///
    /// None: what the server answers is never the caller's mistake, and an unknown id is told by
    /// [`Event::StaleResponse`](crate::Event::StaleResponse).
    pub fn response(&mut self, now: Timestamp, id: RequestId, response: HttpResponse) -> Result<Output, Misuse> {
        self.handle(now, Input::Response { id, response })
    }

    /// [`Input::SendFailed`].
    ///
    /// # Errors
    ///
    /// None: an unknown id is told by [`Event::StaleResponse`](crate::Event::StaleResponse).
    pub fn send_failed(&mut self, now: Timestamp, id: RequestId, fault: SendFault) -> Result<Output, Misuse> {
        self.handle(now, Input::SendFailed { id, fault })
    }

    /// [`Input::Tick`].
    ///
    /// # Errors
    ///
    /// None: one that nobody needed does nothing.
    pub fn tick(&mut self, now: Timestamp) -> Result<Output, Misuse> {
        self.handle(now, Input::Tick)
    }
}
