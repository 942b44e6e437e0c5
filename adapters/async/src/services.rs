//! Service discovery: where each of Webex's services is.

use std::sync::Arc;
use std::time::Duration;

use webex_oauth::Services;
use webex_oauth_driver::ClientError;

use crate::client::Client;

impl Client {
    /// The services of the server by name, as its catalog says: the one that is known, or, where that is older than
    /// `max_age` ([`Services::DEFAULT_MAX_AGE`] is a day), what the server says now. From then on the token may go to the
    /// hosts that it names, where the provider says so
    /// ([`Provider::catalog_hosts_carry_token`](webex_oauth::Provider::catalog_hosts_carry_token)).
    ///
    /// # Errors
    ///
    /// As [`Client::call`]; [`ClientError::Config`] where the answer is no catalog, and [`ClientError::Misuse`] where the
    /// server has none. What was known before stays known.
    pub async fn services(&self, max_age: Duration) -> Result<Arc<Services>, ClientError> {
        if let Some(young) = self.known().get_young(self.executor().wall(), max_age) {
            return Ok(young);
        }
        let answer = self.get(&self.config().catalog_url()?).await?;
        let found = Services::read(self.executor().wall(), answer.status().as_u16(), answer.body())?;
        Ok(self.use_services(found))
    }

    /// The catalog that is known, however old it is.
    pub fn known_services(&self) -> Option<Arc<Services>> {
        self.known().get()
    }

    /// Makes a catalog known that was kept ([`Services::to_json`], [`Services::restore`]).
    pub fn use_services(&self, services: Services) -> Arc<Services> {
        self.known().set(services, &self.config())
    }
}
