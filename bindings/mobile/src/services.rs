//! Service discovery: the catalog of Webex's services.

use std::sync::Arc;
use std::time::Duration;

use webex_oauth::Timestamp;

use crate::config::Config;
use crate::error::{ConfigError, MisuseError};

/// The services of a server: their addresses by name, and since when they are known. Holds no secret.
#[derive(Debug, uniffi::Object)]
pub struct Services(webex_oauth::Services);

/// Where one service is.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Service {
    /// Its name in the catalog.
    pub name: String,
    /// Its base, in normal form; paths of its API come behind.
    pub url: String,
    /// Hosts that serve the same, the preferred one first.
    pub hosts: Vec<String>,
}

#[uniffi::export]
impl Services {
    /// Reads the answer of `Config.catalog_url`: its status and its body. What cannot be used of it is left out.
    #[uniffi::constructor]
    pub fn read(now: Timestamp, status: u16, body: Vec<u8>) -> Result<Arc<Self>, ConfigError> {
        Ok(Arc::new(Self(webex_oauth::Services::read(now, status, &body)?)))
    }

    /// What `to_json` gave. The addresses are checked again.
    #[uniffi::constructor]
    pub fn restore(json: String) -> Result<Arc<Self>, ConfigError> {
        Ok(Arc::new(Self(webex_oauth::Services::restore(&json)?)))
    }

    /// As JSON, to be kept.
    pub fn to_json(&self) -> String {
        self.0.to_json()
    }

    /// The base of a service; nothing where the catalog does not know it.
    pub fn url(&self, name: String) -> Option<String> {
        self.0.url(&name).map(str::to_owned)
    }

    /// Every service, in the order of their names.
    pub fn all(&self) -> Vec<Service> {
        let service = |(name, service): (&str, &webex_oauth::Service)| {
            let webex_oauth::Service { url, hosts } = service.clone();
            Service { name: name.to_owned(), url, hosts }
        };
        self.0.iter().map(service).collect()
    }

    /// When the catalog was read.
    pub fn read_at(&self) -> Timestamp {
        self.0.read_at()
    }

    /// Whether it was read longer ago than `max_age_ms`; left out: a day.
    pub fn is_old(&self, now: Timestamp, max_age_ms: Option<u64>) -> bool {
        self.0.is_old(now, max_age_ms.map_or(webex_oauth::Services::DEFAULT_MAX_AGE, Duration::from_millis))
    }
}

#[uniffi::export]
impl Config {
    /// Where the server's catalog is: `GET` it with the access token.
    pub fn catalog_url(&self) -> Result<String, MisuseError> {
        Ok(self.core().catalog_url()?)
    }

    /// The same configuration once the server's catalog is known: where the provider trusts it, the token may also go to
    /// the hosts that it names. For judging calls.
    pub fn with_services(&self, services: &Services) -> Arc<Config> {
        Arc::new(Self(self.core().with_services(&services.0)))
    }
}
