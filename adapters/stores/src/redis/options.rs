//! How a Redis is reached.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, TlsCertificates};
use webex_oauth_driver::StoreError;

use super::failure::Place;
use super::scripts::Scripts;
use super::{Inner, Redis, check};
use crate::tls::Tls;
use crate::unblock::within;

/// Options of a [`Redis`]: [`Redis::options`].
#[derive(Clone)]
pub struct RedisOptions {
    info: ConnectionInfo,
    limit: Duration,
    tls: Tls,
    accepts_loss: bool,
}

impl RedisOptions {
    pub(super) fn new(url: &str) -> Result<Self, StoreError> {
        // What is wrong with it is not quoted: the password is in there.
        let refused = |_| StoreError::Refused { what: "this is no URL of a Redis".to_owned() };
        let info = url.into_connection_info().map_err(refused)?;
        Ok(Self { info, limit: Duration::from_secs(5), tls: Tls::default(), accepts_loss: false })
    }

    /// How long an operation may take; five seconds unless said otherwise.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Whose certificates are believed, for `rediss://`.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// Takes a server that may throw sessions away (`maxmemory-policy allkeys-*`) or keeps nothing on disk (`appendonly no`).
    /// Users are then signed out, now and then, or all of them at once.
    #[must_use]
    pub fn accept_loss(mut self) -> Self {
        self.accepts_loss = true;
        self
    }

    /// Connects, and looks whether sessions may be kept there.
    ///
    /// # Errors
    ///
    /// - [`StoreError::Unavailable`] where it is not reached within the time limit.
    /// - [`StoreError::Denied`] where it does not take user and password.
    /// - [`StoreError::Refused`] where it is a node of a cluster, its records are of another version or, without
    ///   [`RedisOptions::accept_loss`], it may throw sessions away or keeps nothing on disk.
    pub async fn connect(self) -> Result<Redis, StoreError> {
        let place = Place(place(self.info.addr()));
        let failed = |error: redis::RedisError| place.failure(&error);
        let client = match (self.info.addr(), &self.tls) {
            (ConnectionAddr::TcpTls { .. }, tls) => {
                // The client takes the one of the process, and cannot choose where there are several.
                let _ = rustls::crypto::ring::default_provider().install_default();
                let root_cert = match tls {
                    Tls::Platform => None,
                    Tls::Roots(pem) => Some(pem.clone()),
                };
                Client::build_with_tls(self.info.clone(), TlsCertificates { client_tls: None, root_cert })
            }
            (_, _) => Client::open(self.info.clone()),
        };
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(self.limit))
            .set_response_timeout(Some(self.limit))
            .set_number_of_retries(2)
            .set_min_delay(Duration::from_millis(20));
        let manager = ConnectionManager::new_lazy_with_config(client.map_err(failed)?, config).map_err(failed)?;
        let mut connection = manager.clone();
        let checks = async {
            check::keeps_what_it_is_given(&place, &mut connection, self.accepts_loss).await?;
            check::version(&place, &mut connection).await
        };
        within(self.limit, &place, checks).await?;
        let limit = self.limit;
        Ok(Redis { inner: Arc::new(Inner { place, connection: manager, scripts: Scripts::new(), limit }) })
    }
}

/// Where it goes, without user and password.
fn place(address: &ConnectionAddr) -> String {
    match address {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
            format!("Redis at {host}:{port}")
        }
        ConnectionAddr::Unix(path) => format!("Redis at {}", path.display()),
        _ => "Redis".to_owned(),
    }
}

/// Nothing of user and password.
impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("place", &place(self.info.addr()))
            .field("time_limit", &self.limit)
            .field("tls", &self.tls)
            .field("accepts_loss", &self.accepts_loss)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_url_is_refused_and_nothing_of_it_is_told() {
        for url in ["", "http://zoe:hunter2@h/", "redis://zoe:hunter2@h:port"] {
            let error = RedisOptions::new(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
        let printed = format!("{:?}", RedisOptions::new("rediss://zoe:hunter2@cache.example:6380/1").unwrap());
        assert!(printed.contains("cache.example:6380"), "{printed}");
        assert!(!printed.contains("zoe") && !printed.contains("hunter2"), "{printed}");
    }
}
