//! How a database of PostgreSQL is reached.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;
use webex_oauth_driver::StoreError;

use super::failure::Place;
use super::saves::Saves;
use super::{Inner, Postgres};
use crate::tls::{Tls, client_config};

/// Options of a [`Postgres`]: [`Postgres::options`].
#[derive(Clone)]
pub struct PostgresOptions {
    config: Config,
    pool_size: usize,
    limit: Duration,
    tls: Tls,
}

impl PostgresOptions {
    pub(super) fn new(url: &str) -> Result<Self, StoreError> {
        // What is wrong with it is not quoted: the password is in there.
        if is_misread(url) {
            let what = "the URL of the PostgreSQL database has a character that is to be escaped: in user and password, \
                        @ is %40, / is %2F, ? is %3F";
            return Err(StoreError::Refused { what: what.to_owned() });
        }
        let refused = |_| StoreError::Refused { what: "this is no URL of a PostgreSQL database".to_owned() };
        let mut config: Config = url.parse().map_err(refused)?;
        if config.get_application_name().is_none() {
            config.application_name("webex-oauth");
        }
        Ok(Self { config, pool_size: 10, limit: Duration::from_secs(5), tls: Tls::default() })
    }

    /// So many connections at most, 10 unless said otherwise. One serves many callers: each operation takes a millisecond.
    #[must_use]
    pub fn pool_size(mut self, connections: usize) -> Self {
        self.pool_size = connections.max(1);
        self
    }

    /// How long an operation may take, with the wait for a connection in it; five seconds unless said otherwise.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Whose certificates are believed. Connections to other machines are encrypted unless the URL says `sslmode=disable`,
    /// those that stay on this one where it says `sslmode=require`.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// Connects once, to see that it can be done. Tables need not be there yet ([`Postgres::migrate`]).
    ///
    /// # Errors
    ///
    /// - [`StoreError::Unavailable`] where it is not reached within the time limit, or its certificate is not believed.
    /// - [`StoreError::Denied`] where it does not take user and password.
    /// - [`StoreError::Refused`] where there is no such database, its tables are of another version, or [`Tls::Roots`] are no
    ///   certificates.
    pub async fn connect(self) -> Result<Postgres, StoreError> {
        let place = Place(place(&self.config));
        let mut config = self.config;
        if config.get_ssl_mode() == SslMode::Prefer {
            // `prefer` would go on in the clear where somebody in between says that the server has no TLS; and a server for
            // this machine alone has a certificate that nobody has signed.
            config.ssl_mode(if is_here(&config) { SslMode::Disable } else { SslMode::Require });
        }
        config.connect_timeout(self.limit);
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(config, MakeRustlsConnect::new(client_config(&self.tls)?), manager);
        let pool = Pool::builder(manager)
            .max_size(self.pool_size)
            .wait_timeout(Some(self.limit))
            .create_timeout(Some(self.limit))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|_| StoreError::Other { problem: "no pool can be made".to_owned() })?;
        // The pool has its limits; this one is for the whole, and a little longer, so that the pool can say what it was.
        let limit = self.limit.saturating_add(Duration::from_millis(50));
        let store = Postgres { inner: Arc::new(Inner { place, pool, limit, saves: Saves::new() }) };
        store.check_version().await?;
        Ok(store)
    }
}

/// Part of a password would be taken for the host, and be told.
fn is_misread(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let mut parts = rest.split('@');
    let user = parts.next().unwrap_or_default();
    match parts.next() {
        Some(_) => parts.next().is_some() || user.contains(['/', '?', '#']),
        None => false,
    }
}

/// Where it goes, without user and password.
fn place(config: &Config) -> String {
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => format!("{name}:{port}"),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        None => config.get_hostaddrs().first().map_or_else(|| "nowhere".to_owned(), |ip| format!("{ip}:{port}")),
    };
    format!("PostgreSQL at {host}/{}", config.get_dbname().unwrap_or_default())
}

/// All of it stays on this machine.
fn is_here(config: &Config) -> bool {
    let is_loopback = |name: &str| name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => is_loopback(name),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }) && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

/// Nothing of user and password.
impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("place", &place(&self.config))
            .field("pool_size", &self.pool_size)
            .field("time_limit", &self.limit)
            .field("tls", &self.tls)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_url_is_refused_and_nothing_of_it_is_told() {
        for url in ["", "mysql://zoe:hunter2@h/db", "postgres://zoe:hunter2@h:port/db", "host='hunter2"] {
            match PostgresOptions::new(url) {
                // The empty text is the defaults of libpq, and those name no host.
                Ok(options) => assert!(url.is_empty() && options.config.get_hosts().is_empty(), "{url}"),
                Err(error) => assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}"),
            }
        }
        let options = PostgresOptions::new("postgres://zoe:hunter2@db.example/sessions").unwrap();
        let printed = format!("{options:?}");
        assert!(printed.contains("db.example:5432/sessions"), "{printed}");
        assert!(!printed.contains("zoe") && !printed.contains("hunter2"), "{printed}");
    }

    #[test]
    fn only_what_stays_on_this_machine_may_be_in_the_clear() {
        let is_here = |url: &str| is_here(&url.parse().unwrap());
        assert!(
            is_here("postgres://u@localhost/db") && is_here("postgres://u@127.0.0.1/db") && is_here("host=/run/pg")
        );
        assert!(!is_here("postgres://u@db.example/db") && !is_here("postgres://u@localhost,db.example/db"));
        assert!(!is_here("host=localhost hostaddr=10.0.0.1"));
    }

    #[test]
    fn a_password_that_is_not_escaped_is_refused_and_not_told() {
        for password in ["a@SECRET", "12/SECRET", "a?SECRET", "a#SECRET"] {
            let error = PostgresOptions::new(&format!("postgres://webex:{password}@localhost:9/x")).unwrap_err();
            assert!(error.to_string().contains("@ is %40") && !error.to_string().contains("SECRET"), "{error}");
        }
        for url in [
            "postgres://webex:a%40b@localhost/x?application_name=a",
            "postgres:///x?host=/run/postgresql",
            "host=/run dbname=x",
        ] {
            assert!(PostgresOptions::new(url).is_ok(), "{url}");
        }
    }
}
