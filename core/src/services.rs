//! Service discovery: where each of Webex's services is, as its catalog (U2C) says in the form `hostmap`.
//!
//! The client asks [`Config::catalog_url`] with its token, reads the answer with [`Services::read`], keeps it beside the
//! session, and asks again when it [is old](Services::is_old).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::{Config, ConfigError, TokenHost};
use crate::error::Misuse;
use crate::protocol::clean::is_unseen;
use crate::protocol::members::{Member, Members};
use crate::target_uri::TargetUri;
use crate::time::{Timestamp, millis};

/// A catalog is believed for a day unless the caller says otherwise.
const DEFAULT_MAX_AGE: Duration = Duration::from_secs(24 * 3600);
/// No catalog has more; what is beyond is left out.
const MOST: usize = 1000;

/// The services of a server: their addresses by name, and since when they are known. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Services {
    services: BTreeMap<String, Service>,
    read_at: Timestamp,
}

/// Where one service is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its base, in normal form, over https, or over http on loopback; paths of its API come behind.
    pub url: String,
    /// Hosts that serve the same, the preferred one first. Empty where the catalog names none.
    #[serde(default)]
    pub hosts: Vec<String>,
}

/// As a host keeps it.
#[derive(Serialize, Deserialize)]
struct Kept {
    read_at: i64,
    services: BTreeMap<String, Service>,
}

impl Services {
    /// How long a catalog is believed unless the caller says otherwise.
    pub const DEFAULT_MAX_AGE: Duration = DEFAULT_MAX_AGE;

    /// Reads the answer of a catalog: its status and its body. Of a member that cannot be used (not a text, not https, a URL
    /// that is read in more than one way) nothing is kept; the others count.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`] of the field `catalog` where the status is not 200, or the body is no JSON object or has no
    /// `serviceLinks`.
    pub fn read(now: Timestamp, status: u16, body: &[u8]) -> Result<Self, ConfigError> {
        if status != 200 {
            return Err(ConfigError::invalid("catalog", format!("answered {status}")));
        }
        let members = Members::parse(body).ok_or_else(|| unusable("not a JSON object"))?;
        let object = |name| match members.get(name) {
            Some(Member::Other(Value::Object(object))) => Some(object),
            Some(Member::Text(_) | Member::Other(_) | Member::Unreadable) | None => None,
        };
        let links = object("serviceLinks").ok_or_else(|| unusable("has no serviceLinks"))?;
        let mut hosts = object("hostCatalog").map(hosts_by_service).unwrap_or_default();
        let services = links.iter().filter_map(|(name, url)| {
            let hosts = hosts.remove(name).into_iter().flatten().map(|(_, host)| host).collect();
            let service = Service { url: usable(url.as_str()?)?, hosts };
            is_name(name).then(|| (name.clone(), service))
        });
        Ok(Self { services: services.take(MOST).collect(), read_at: now })
    }

    /// The base of a service; `None` where the catalog does not know it.
    pub fn url(&self, name: &str) -> Option<&str> {
        self.services.get(name).map(|service| service.url.as_str())
    }

    /// Everything about a service.
    pub fn get(&self, name: &str) -> Option<&Service> {
        self.services.get(name)
    }

    /// The services by name, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Service)> {
        self.services.iter().map(|(name, service)| (name.as_str(), service))
    }

    /// When the catalog was read.
    pub fn read_at(&self) -> Timestamp {
        self.read_at
    }

    /// Whether it was read longer ago than `max_age`, or, where a clock was set back, not yet.
    pub fn is_old(&self, now: Timestamp, max_age: Duration) -> bool {
        let age = now.millis_since(self.read_at);
        age < 0 || age >= millis(max_age)
    }

    /// As JSON, for [`Services::restore`].
    pub fn to_json(&self) -> String {
        let kept = Kept { read_at: self.read_at.as_millis(), services: self.services.clone() };
        serde_json::to_string(&kept).unwrap_or_default()
    }

    /// What [`Services::to_json`] wrote. The addresses are checked again, as those of an answer are.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`] of the field `catalog` where it is something else.
    pub fn restore(json: &str) -> Result<Self, ConfigError> {
        let kept: Kept = serde_json::from_str(json).map_err(|_| unusable("not what was kept of a catalog"))?;
        let services = kept.services.into_iter().filter_map(|(name, service)| {
            let hosts = service.hosts.iter().filter_map(|host| is_host(host)).collect();
            is_name(&name).then_some((name, Service { url: usable(&service.url)?, hosts }))
        });
        Ok(Self { services: services.take(MOST).collect(), read_at: Timestamp::from_millis(kept.read_at) })
    }

    /// Every host that the catalog names, exactly.
    fn token_hosts(&self) -> impl Iterator<Item = TokenHost> + '_ {
        self.services.values().flat_map(|service| {
            let others = service.hosts.iter().filter_map(|host| TokenHost::of_url(&format!("https://{host}")));
            TokenHost::of_url(&service.url).into_iter().chain(others)
        })
    }
}

impl Config {
    /// Where the server's catalog is: `GET` it with the access token.
    ///
    /// # Errors
    ///
    /// [`Misuse::NotConfigured`] where the provider has none.
    pub fn catalog_url(&self) -> Result<String, Misuse> {
        let endpoint = self.provider().catalog_endpoint.as_deref();
        let endpoint = endpoint.ok_or(Misuse::NotConfigured { what: "catalog_endpoint", needed_by: "services" })?;
        let and = if endpoint.contains('?') { '&' } else { '?' };
        Ok(format!("{endpoint}{and}format=hostmap"))
    }

    /// The same configuration once the server's catalog is known: where the provider trusts it
    /// ([`Provider::catalog_hosts_carry_token`](crate::Provider::catalog_hosts_carry_token)), the token may also go to the
    /// hosts that it names, to each exactly. For judging calls; the session keeps the configuration that it has.
    #[must_use]
    pub fn with_services(&self, services: &Services) -> Self {
        if self.provider().catalog_hosts_carry_token {
            self.with_token_hosts(services.token_hosts())
        } else {
            self.clone()
        }
    }
}

fn unusable(problem: &'static str) -> ConfigError {
    ConfigError::invalid("catalog", problem)
}

/// `hostCatalog` names hosts by host; each entry's id ends with the service's name. Each service's, the preferred one first.
fn hosts_by_service(catalog: &Map<String, Value>) -> BTreeMap<String, BTreeSet<(i64, String)>> {
    let mut found: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for entry in catalog.values().filter_map(Value::as_array).flatten() {
        let text = |name| entry.get(name).and_then(Value::as_str);
        let priority = entry.get("priority").and_then(Value::as_i64).unwrap_or(i64::MAX);
        let service = text("id").and_then(|id| id.rsplit(':').next());
        // A priority below zero: not to be used.
        if let (Some(service), Some(host), 0..) = (service, text("host").and_then(is_host), priority) {
            found.entry(service.to_owned()).or_default().insert((priority, host));
        }
    }
    found
}

/// The URL in normal form, where a token could go to it.
fn usable(url: &str) -> Option<String> {
    let target = TargetUri::parse(url).ok().filter(TargetUri::is_secure)?;
    Some(target.url().to_owned())
}

/// A host, or host and port, and nothing else.
fn is_host(text: &str) -> Option<String> {
    let target = TargetUri::parse(&format!("https://{text}")).ok()?;
    (target.authority() == text).then(|| text.to_owned())
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 200 && !name.chars().any(is_unseen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConfigParts, Provider};

    const ANSWER: &[u8] =
        br#"{"serviceLinks": {"conversation": "https://conv-a.example/api/v1", "old": "http://conv.example",
        "odd": 7, "twin": "https://a.example\\@b.example/"},
        "hostCatalog": {"conv-a.example": [
            {"host": "conv-b.example", "ttl": -1, "priority": 10, "id": "urn:TEAM:us:conversation"},
            {"host": "conv-a.example", "ttl": -1, "priority": 5, "id": "urn:TEAM:us:conversation"},
            {"host": "conv-c.example", "ttl": -1, "priority": -1, "id": "urn:TEAM:us:conversation"},
            {"host": "evil.example/x", "ttl": -1, "priority": 1, "id": "urn:TEAM:us:conversation"}]}}"#;

    #[test]
    fn the_token_goes_to_the_hosts_of_a_trusted_catalog_and_to_no_other() {
        let services = Services::read(Timestamp::default(), 200, ANSWER).unwrap();
        let config = ConfigParts::new(Provider::webex_at("https://webex.example"), "C").build();
        let config = config.unwrap();
        let known = config.with_services(&services);
        assert!(!config.may_carry_token("https://conv-a.example/x"));
        for (url, may) in [
            ("https://conv-a.example/x", true),
            ("https://conv-b.example/x", true),
            ("https://sub.conv-a.example/", false),
            ("https://conv-a.example:8443/", false),
            ("http://conv-a.example/", false),
            ("https://conv-c.example/", false),
            ("https://evil.example/", false),
            ("https://conv.example/", false),
        ] {
            assert_eq!(known.may_carry_token(url), may, "{url}");
        }
        let mut parts = config.parts().clone();
        parts.provider.catalog_hosts_carry_token = false;
        assert!(!parts.build().unwrap().with_services(&services).may_carry_token("https://conv-a.example/x"));
    }

    #[test]
    fn what_is_kept_is_checked_when_it_comes_back() {
        let services = Services::read(Timestamp::from_secs(7), 200, ANSWER).unwrap();
        assert_eq!(Services::restore(&services.to_json()), Ok(services));
        let tampered = r#"{"read_at":7000,"services":{"a":{"url":"http://a.example/","hosts":["b.example"]}}}"#;
        assert_eq!(Services::restore(tampered).unwrap().iter().count(), 0);
        assert!(Services::restore("{}").is_err());
    }
}
