//! One of many users.

use std::fmt;

use http::{Request, Response};
use webex_oauth::{AccessToken, LoginOptions, Secret, SignOutOptions, Status};
use webex_oauth_driver::{ClientError, SignedIn};

use super::{Clients, UserKey};
use crate::client::Client;

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
    pub fn client(&self) -> Result<Client, ClientError> {
        self.clients.client(&self.key)
    }

    /// See [`Client::token`].
    ///
    /// # Errors
    ///
    /// As [`Clients::client`] and [`Client::token`].
    pub fn token(&self) -> Result<AccessToken, ClientError> {
        self.client()?.token()
    }

    /// See [`Client::authorization_header`].
    ///
    /// # Errors
    ///
    /// As [`Clients::client`] and [`Client::authorization_header`].
    pub fn authorization_header(&self) -> Result<Secret, ClientError> {
        self.client()?.authorization_header()
    }

    /// See [`Client::begin_login`]. Any node completes it.
    ///
    /// # Errors
    ///
    /// As [`Clients::client`] and [`Client::begin_login`].
    pub fn begin_login(&self, options: LoginOptions) -> Result<Secret, ClientError> {
        self.client()?.begin_login(options)
    }

    /// See [`Client::complete_login`]. Any node may have begun it. Then [`User::rebind`].
    ///
    /// # Errors
    ///
    /// As [`Clients::client`] and [`Client::complete_login`].
    pub fn complete_login(&self, callback: impl Into<Secret>) -> Result<SignedIn, ClientError> {
        let callback = callback.into();
        // Another node may have completed it a moment ago, and given the session another key: then its code is spent.
        self.clients.forget(&self.key);
        self.client()?.complete_login(callback)
    }

    /// See [`Clients::rebind`]: from here on the session has this key.
    ///
    /// # Errors
    ///
    /// As [`Clients::rebind`]. The key stays what it was.
    pub fn rebind(&mut self, to: K) -> Result<(), ClientError> {
        self.clients.rebind(&self.key, &to)?;
        self.key = to;
        Ok(())
    }

    /// See [`Client::sign_out`]. The other nodes notice when they look again.
    ///
    /// # Errors
    ///
    /// As [`Clients::client`] and [`Client::sign_out`].
    pub fn sign_out(&self, options: SignOutOptions) -> Result<Option<Secret>, ClientError> {
        self.client()?.sign_out(options)
    }

    /// See [`Clients::delete`]: the user is removed for good.
    ///
    /// # Errors
    ///
    /// As [`Clients::delete`].
    pub fn delete(&self) -> Result<(), ClientError> {
        self.clients.delete(&self.key)
    }

    /// See [`Client::call`].
    ///
    /// # Errors
    ///
    /// As [`Clients::client`] and [`Client::call`].
    pub fn call(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, ClientError> {
        self.client()?.call(request)
    }

    /// See [`Client::get`].
    ///
    /// # Errors
    ///
    /// As [`Clients::client`] and [`Client::get`].
    pub fn get(&self, url: &str) -> Result<Response<Vec<u8>>, ClientError> {
        self.client()?.get(url)
    }

    /// See [`Client::status`].
    ///
    /// # Errors
    ///
    /// As [`Clients::client`].
    pub fn status(&self) -> Result<Status, ClientError> {
        Ok(self.client()?.status())
    }
}

/// Not who.
impl<K> fmt::Debug for User<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").finish_non_exhaustive()
    }
}
