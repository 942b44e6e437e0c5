//! One of many users.

use std::fmt;

use webex_oauth::{AccessToken, LoginOptions, Secret, SignOutOptions, Status};
use webex_oauth_driver::{ClientError, SignedIn};

use super::{Clients, UserKey};
use crate::client::Client;
use crate::transport::{Request, Response};

/// One of many users. It costs nothing: make one for each request. What is not here is done by its [`client`](User::client).
pub struct User<K> {
    clients: Clients<K>,
    key: K,
}

impl<K: UserKey> User<K> {
    pub(super) fn new(clients: Clients<K>, key: K) -> Self {
        Self { clients, key }
    }

    /// Whose it is.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// A [`Client`] for the moment. Do not keep it.
    ///
    /// # Errors
    ///
    /// As [`Clients::client`].
    pub async fn client(&self) -> Result<Client, ClientError> {
        self.clients.client(&self.key).await
    }

    /// See [`Client::token`].
    ///
    /// # Errors
    ///
    /// As [`Clients::client`] and [`Client::token`].
    pub async fn token(&self) -> Result<AccessToken, ClientError> {
        self.client().await?.token().await
    }

    /// See [`Client::authorization_header`].
    ///
    /// # Errors
    ///
    /// As [`Clients::client`] and [`Client::authorization_header`].
    pub async fn authorization_header(&self) -> Result<Secret, ClientError> {
        self.client().await?.authorization_header().await
    }

    /// See [`Client::begin_login`]. Any node completes it.
    ///
    /// # Errors
    ///
    /// As [`Clients::client`] and [`Client::begin_login`].
    pub async fn begin_login(&self, options: LoginOptions) -> Result<Secret, ClientError> {
        self.client().await?.begin_login(options).await
    }

    /// See [`Client::complete_login`]. Any node may have begun it. Then [`User::rebind`].
    ///
    /// # Errors
    ///
    /// As [`Clients::client`] and [`Client::complete_login`].
    pub async fn complete_login(&self, callback: impl Into<Secret>) -> Result<SignedIn, ClientError> {
        let callback = callback.into();
        // Another node may have completed it a moment ago, and given the session another key: then its code is spent.
        self.clients.forget(&self.key);
        self.client().await?.complete_login(callback).await
    }

    /// See [`Clients::rebind`]: from here on the session has this key.
    ///
    /// # Errors
    ///
    /// As [`Clients::rebind`]. The key stays what it was.
    pub async fn rebind(&mut self, to: K) -> Result<(), ClientError> {
        self.clients.rebind(&self.key, &to).await?;
        self.key = to;
        Ok(())
    }

    /// See [`Client::sign_out`]. The other nodes notice when they look again.
    ///
    /// # Errors
    ///
    /// As [`Clients::client`] and [`Client::sign_out`].
    pub async fn sign_out(&self, options: SignOutOptions) -> Result<Option<Secret>, ClientError> {
        self.client().await?.sign_out(options).await
    }

    /// See [`Clients::delete`]: the user is removed for good.
    ///
    /// # Errors
    ///
    /// As [`Clients::delete`].
    pub async fn delete(&self) -> Result<(), ClientError> {
        self.clients.delete(&self.key).await
    }

    /// See [`Client::call`].
    ///
    /// # Errors
    ///
    /// As [`Clients::client`] and [`Client::call`].
    pub async fn call(&self, request: Request) -> Result<Response, ClientError> {
        self.client().await?.call(request).await
    }

    /// See [`Client::get`].
    ///
    /// # Errors
    ///
    /// As [`Clients::client`] and [`Client::get`].
    pub async fn get(&self, url: &str) -> Result<Response, ClientError> {
        self.client().await?.get(url).await
    }

    /// See [`Client::status`].
    ///
    /// # Errors
    ///
    /// As [`Clients::client`].
    pub async fn status(&self) -> Result<Status, ClientError> {
        Ok(self.client().await?.status())
    }
}

/// Not who.
impl<K> fmt::Debug for User<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").finish_non_exhaustive()
    }
}
