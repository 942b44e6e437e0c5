//! The configuration of a client.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use webex_oauth::{ClientAuth, DownscopeFailure, MetadataSource, Provider, Renewal, Scope, Timestamp};

use crate::access::Verdict;
use crate::error::{ConfigError, MisuseError};
use crate::mirror::mirror;
use crate::ms;
use crate::secret::Secret;
use crate::target_uri::JudgedUrl;

/// When to refresh. Two lines: *soon* asks for a refresh in the background, *must* ends the use of the token.
#[derive(Debug, uniffi::Record)]
pub struct RefreshPolicy {
    /// Soon lies between these thousandths of the lifetime: this one ...
    pub soon_permille_low: u16,
    /// ... and this one.
    pub soon_permille_high: u16,
    /// Must lies so many milliseconds before expiry.
    pub margin_ms: u64,
    /// No two refreshes are closer than this.
    pub min_interval_ms: u64,
    /// First wait after a failure; doubles with each.
    pub backoff_ms: u64,
    /// Longest wait after a failure without `Retry-After`.
    pub max_backoff_ms: u64,
    /// Refresh when soon has come, without anybody asking.
    pub proactive: bool,
    /// Revoke a superseded access token once its successor's successor arrives. Absent: at Webex only.
    pub revoke_superseded: Option<bool>,
    /// Warn so long before the refresh token expires.
    pub warn_before_relogin_ms: u64,
}

impl From<webex_oauth::RefreshPolicy> for RefreshPolicy {
    fn from(policy: webex_oauth::RefreshPolicy) -> Self {
        let webex_oauth::RefreshPolicy {
            soon_permille: (soon_permille_low, soon_permille_high),
            margin,
            min_interval,
            backoff,
            max_backoff,
            proactive,
            revoke_superseded,
            warn_before_relogin,
        } = policy;
        Self {
            soon_permille_low,
            soon_permille_high,
            margin_ms: ms(margin),
            min_interval_ms: ms(min_interval),
            backoff_ms: ms(backoff),
            max_backoff_ms: ms(max_backoff),
            proactive,
            revoke_superseded,
            warn_before_relogin_ms: ms(warn_before_relogin),
        }
    }
}

impl From<RefreshPolicy> for webex_oauth::RefreshPolicy {
    fn from(policy: RefreshPolicy) -> Self {
        Self {
            soon_permille: (policy.soon_permille_low, policy.soon_permille_high),
            margin: Duration::from_millis(policy.margin_ms),
            min_interval: Duration::from_millis(policy.min_interval_ms),
            backoff: Duration::from_millis(policy.backoff_ms),
            max_backoff: Duration::from_millis(policy.max_backoff_ms),
            proactive: policy.proactive,
            revoke_superseded: policy.revoke_superseded,
            warn_before_relogin: Duration::from_millis(policy.warn_before_relogin_ms),
        }
    }
}

mirror! {
    /// Which waits of a server are believed, in milliseconds.
    #[derive(Debug, uniffi::Record)]
    pub struct RetryAfterBounds between webex_oauth::RetryAfterBounds {
        /// Where there is no header, or one that cannot be read.
        pub missing_ms: u64 = missing,
        /// Where the server says zero.
        pub zero_ms: u64 = zero,
        /// At least.
        pub minimum_ms: u64 = minimum,
        /// At most.
        pub maximum_ms: u64 = maximum,
    }
}

/// The waits that are believed unless the configuration says otherwise.
#[uniffi::export]
pub fn retry_after_bounds() -> RetryAfterBounds {
    webex_oauth::RetryAfterBounds::DEFAULT.into()
}

mirror! {
    /// The parts of a configuration, before they are checked. Take them from `config_parts` and change what differs.
    #[derive(Debug, uniffi::Record)]
    pub struct ConfigParts between webex_oauth::ConfigParts {
        /// The authorization server.
        pub provider: Provider,
        /// The client identifier.
        pub client_id: String,
        /// The client secret, for confidential clients.
        pub client_secret: Option<Arc<Secret>>,
        /// Where the browser comes back to.
        pub redirect_uri: Option<String>,
        /// The scope that a login asks for unless it says otherwise.
        pub scope: Scope,
        /// How the client authenticates; absent means the provider's way.
        pub client_auth: Option<ClientAuth>,
        /// Who renews the tokens.
        pub renewal: Renewal,
        /// When to refresh.
        pub refresh: RefreshPolicy,
        /// What happens where a token cannot be downscoped.
        pub downscope_failure: DownscopeFailure,
        /// How long a started login waits for its callback, in milliseconds.
        pub login_lifetime_ms: u64 = login_lifetime,
        /// Given to every request, in milliseconds.
        pub request_timeout_ms: u64 = request_timeout,
        /// Which waits are believed.
        pub retry_after: RetryAfterBounds,
        /// Further hosts that may see the access token.
        pub token_hosts: Vec<String>,
        /// What the tokens are for, as absolute URIs (RFC 8707); their hosts may see the access token.
        pub resource: Vec<String>,
        /// A token to start from, where one was configured. For the driver to adopt.
        pub access_token: Option<Arc<Secret>>,
    }
}

/// The minimum: a server and a client identifier, everything else as the core has it.
#[uniffi::export]
pub fn config_parts(provider: Provider, client_id: String) -> ConfigParts {
    webex_oauth::ConfigParts::new(provider, client_id).into()
}

/// From the authorization URL that the developer portal shows.
#[uniffi::export]
pub fn config_parts_from_authorization_url(text: String) -> Result<ConfigParts, ConfigError> {
    Ok(webex_oauth::ConfigParts::from_authorization_url(&text)?.into())
}

/// Lays an authorization URL over parts: only what it carries is replaced.
#[uniffi::export]
pub fn config_parts_with_authorization_url(parts: ConfigParts, text: String) -> Result<ConfigParts, ConfigError> {
    let mut parts = webex_oauth::ConfigParts::from(parts);
    parts.apply_authorization_url(&text)?;
    Ok(parts.into())
}

/// Reads variables. The platforms put U+FFFD in the place of what is not UTF-8: that is no text, and must not be taken for one.
fn read<T>(
    variables: &HashMap<String, String>,
    read: impl FnOnce(&dyn Fn(&str) -> Option<String>) -> Result<T, webex_oauth::ConfigError>,
) -> Result<T, ConfigError> {
    let unreadable = RefCell::new(None);
    let found = read(&|name| {
        let value = variables.get(name).cloned();
        if value.as_deref().is_some_and(|value| value.contains(char::REPLACEMENT_CHARACTER)) {
            unreadable.borrow_mut().get_or_insert_with(|| name.to_owned());
        }
        value
    });
    match unreadable.into_inner() {
        Some(name) => Err(webex_oauth::ConfigError::invalid("environment", format!("{name} is not UTF-8")).into()),
        None => Ok(found?),
    }
}

/// From named variables, usually the environment's: `WEBEX_*` and their relatives; with `legacy`, `CISCOSPARK_*` too.
#[uniffi::export]
pub fn config_parts_from_variables(
    variables: HashMap<String, String>,
    legacy: bool,
) -> Result<ConfigParts, ConfigError> {
    Ok(read(&variables, |lookup| webex_oauth::ConfigParts::from_variables(lookup, legacy))?.into())
}

/// Where the metadata of a server is that variables name: the host brings it.
#[uniffi::remote(Record)]
pub struct MetadataSource {
    /// Whose metadata it has to be.
    pub issuer: Option<String>,
    /// The file that it is in; fetched by `metadata_step` where there is none.
    pub file: Option<String>,
}

/// What `WEBEX_ISSUER` and `WEBEX_METADATA` say; nothing where neither is set.
#[uniffi::export]
pub fn metadata_source(variables: HashMap<String, String>) -> Result<Option<MetadataSource>, ConfigError> {
    read(&variables, |lookup| MetadataSource::from_variables(lookup))
}

/// The server that the file describes.
#[uniffi::export]
pub fn provider_from_metadata_file(source: MetadataSource, document: Vec<u8>) -> Result<Provider, ConfigError> {
    Ok(source.read_file(&document)?)
}

/// What to say where the file could not be read.
#[uniffi::export]
pub fn unreadable_metadata(source: MetadataSource, why: String) -> ConfigError {
    source.unreadable(&why).into()
}

/// From named variables at a server that is known already: the one whose metadata `metadata_source` found.
#[uniffi::export]
pub fn config_parts_from_variables_at(
    provider: Provider,
    variables: HashMap<String, String>,
    legacy: bool,
) -> Result<ConfigParts, ConfigError> {
    Ok(read(&variables, |lookup| webex_oauth::ConfigParts::from_variables_at(provider, lookup, legacy))?.into())
}

/// A checked configuration.
#[derive(uniffi::Object)]
#[uniffi::export(Display)]
pub struct Config(pub(crate) webex_oauth::Config);

#[uniffi::export]
impl Config {
    /// Checks everything and freezes it.
    #[uniffi::constructor]
    pub fn new(parts: ConfigParts) -> Result<Arc<Self>, ConfigError> {
        Ok(Arc::new(Self(webex_oauth::ConfigParts::from(parts).build()?)))
    }

    /// The same of parts that come from variables: what is missing is named by its variable.
    #[uniffi::constructor]
    pub fn from_variables(parts: ConfigParts) -> Result<Arc<Self>, ConfigError> {
        Ok(Arc::new(Self(webex_oauth::ConfigParts::from(parts).build_from_variables()?)))
    }

    /// The parts it was built from.
    pub fn parts(&self) -> ConfigParts {
        self.0.parts().clone().into()
    }

    /// How the client authenticates.
    pub fn client_auth(&self) -> ClientAuth {
        self.0.client_auth()
    }

    /// Reads the URL of an API call, and says whether the access token may go there: https to one of the token hosts or
    /// its sub-domains, or exactly a configured `host:port`, where plain http passes on loopback.
    ///
    /// An error is a URL that is not to be called at all, since others may read another host in it.
    pub fn judge_url(&self, url: String) -> Result<JudgedUrl, MisuseError> {
        Ok(self.0.judge_url(&url)?.into())
    }

    /// Whether the access token may be sent to `url`: see `judge_url`, which also says where to connect to.
    pub fn may_carry_token(&self, url: String) -> bool {
        self.0.may_carry_token(&url)
    }

    /// What an API's answer means for the token that it was called with.
    pub fn judge(&self, now: Timestamp, status: u16, retry_after: Option<String>) -> Verdict {
        webex_oauth::protocol::api::judge(&self.0, status, retry_after.as_deref(), now).into()
    }
}

impl Config {
    pub(crate) fn core(&self) -> webex_oauth::Config {
        self.0.clone()
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Config({}, {})", self.0.provider().name, self.0.client_id())
    }
}
