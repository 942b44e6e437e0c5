//! The catalog of services that a client knows, and where its calls may carry the token because of it.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use webex_oauth::{Config, JudgedUrl, Misuse, Services, Timestamp};

/// Empty until a catalog is known. Read without a lock.
#[derive(Debug, Default)]
pub struct KnownServices(ArcSwapOption<(Arc<Services>, Config)>);

impl KnownServices {
    /// The catalog, however old it is.
    pub fn get(&self) -> Option<Arc<Services>> {
        self.0.load().as_ref().map(|known| Arc::clone(&known.0))
    }

    /// The catalog, unless it is older than `max_age`.
    pub fn get_young(&self, now: Timestamp, max_age: Duration) -> Option<Arc<Services>> {
        self.get().filter(|known| !known.is_old(now, max_age))
    }

    /// Makes a catalog known; `config` is the client's own.
    pub fn set(&self, services: Services, config: &Config) -> Arc<Services> {
        let services = Arc::new(services);
        self.0.store(Some(Arc::new((Arc::clone(&services), config.with_services(&services)))));
        services
    }

    /// [`Config::judge_url`] of the configuration that knows the catalog; of the client's own where none is known.
    ///
    /// # Errors
    ///
    /// As [`Config::judge_url`].
    pub fn judge_url(&self, config: impl FnOnce() -> Config, url: &str) -> Result<JudgedUrl, Misuse> {
        self.0.load().as_ref().map_or_else(|| config().judge_url(url), |known| known.1.judge_url(url))
    }
}
