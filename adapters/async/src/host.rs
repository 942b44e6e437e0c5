//! The host's own callbacks: where tokens or JWTs come from when the session cannot get them itself.

use webex_oauth::{Secret, TokenAsk};

use webex_oauth_driver::BoxFuture;

type Answer = BoxFuture<'static, Result<Secret, String>>;

/// What the host brought along. Webex: `refreshCallback` and `jwtRefreshCallback`.
#[derive(Default)]
pub(crate) struct Host {
    token: Option<Box<dyn Fn(TokenAsk) -> Answer + Send + Sync>>,
    jwt: Option<Box<dyn Fn() -> Answer + Send + Sync>>,
}

/// `Send`, except in a browser.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod bounds {
    /// A future that may be boxed.
    pub trait Asked: std::future::Future<Output = Result<super::Secret, String>> + Send + 'static {}
    impl<F: std::future::Future<Output = Result<super::Secret, String>> + Send + 'static> Asked for F {}
}
#[cfg(target_arch = "wasm32")]
pub(crate) mod bounds {
    /// A future that may be boxed.
    pub trait Asked: std::future::Future<Output = Result<super::Secret, String>> + 'static {}
    impl<F: std::future::Future<Output = Result<super::Secret, String>> + 'static> Asked for F {}
}

impl Host {
    pub(crate) fn set_token<F: bounds::Asked>(&mut self, ask: impl Fn(TokenAsk) -> F + Send + Sync + 'static) {
        self.token = Some(Box::new(move |question| Box::pin(ask(question))));
    }

    pub(crate) fn set_jwt<F: bounds::Asked>(&mut self, ask: impl Fn() -> F + Send + Sync + 'static) {
        self.jwt = Some(Box::new(move || Box::pin(ask())));
    }

    pub(crate) async fn token(&self, ask: TokenAsk) -> Result<Secret, String> {
        match &self.token {
            Some(callback) => callback(ask).await,
            None => Err("no callback for tokens was set".to_owned()),
        }
    }

    pub(crate) async fn jwt(&self) -> Result<Secret, String> {
        match &self.jwt {
            Some(callback) => callback().await,
            None => Err("no callback for JWTs was set".to_owned()),
        }
    }
}
