//! The configuration of a client: checked once, then shared and never changed.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::http::HeaderValue;
use crate::protocol::client_auth;
use crate::protocol::retry_after::RetryAfterBounds;
use crate::protocol::scope::Scope;
use crate::provider::{ClientAuth, Leniency, Provider};
use crate::secret::Secret;

/// A configuration that was refused; names the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A field that is needed is absent or empty.
    #[error("{field} is missing")]
    Missing {
        /// Which field.
        field: &'static str,
    },
    /// A field cannot be used. The problem never quotes a secret.
    #[error("{field}: {problem}")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Plain http is for loopback only (RFC 8252 section 7.3).
    #[error("{field}: plain http is allowed on loopback only, use https")]
    Insecure {
        /// Which field.
        field: &'static str,
    },
}

impl ConfigError {
    pub(crate) fn invalid(field: &'static str, problem: &'static str) -> Self {
        Self::Invalid { field, problem }
    }

    /// The field that was refused.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Missing { field } | Self::Invalid { field, .. } | Self::Insecure { field } => {
                field
            }
        }
    }
}

/// Who renews the tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Renewal {
    /// The session itself, by refresh token or client credentials.
    Grant,
    /// The host, asked by [`Effect::AskForToken`](crate::Effect::AskForToken): the `refreshCallback` of a front end.
    HostToken,
    /// The host supplies guest JWTs, asked by [`Effect::AskForJwt`](crate::Effect::AskForJwt): `jwtRefreshCallback`.
    HostJwt,
}

/// What a caller gets whose downscoped token could not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DownscopeFailure {
    /// No token: least privilege is kept.
    Refuse,
    /// The token with the full scope, as Webex's SDK does.
    UseFullToken,
}

/// When to refresh. Two lines: *soon* asks for a refresh in the background, *must* ends the use of the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshPolicy {
    /// Soon lies between these thousandths of the lifetime, drawn per token so that many clients spread out.
    pub soon_permille: (u16, u16),
    /// Must lies this long before expiry, but never more than a tenth of the lifetime.
    pub margin: Duration,
    /// No two refreshes are closer than this, but half the lifetime is always enough.
    pub min_interval: Duration,
    /// First wait after a failure; doubles with each.
    pub backoff: Duration,
    /// Longest wait after a failure without `Retry-After`.
    pub max_backoff: Duration,
    /// Refresh on [`Input::Tick`](crate::Input::Tick) when soon has come, without anybody asking.
    pub proactive: bool,
    /// Revoke a superseded access token once its successor's successor arrives. Webex allows 750 live ones per user.
    pub revoke_superseded: bool,
    /// Warn this long before the refresh token expires.
    pub warn_before_relogin: Duration,
}

impl Default for RefreshPolicy {
    fn default() -> Self {
        Self {
            soon_permille: (600, 900),
            margin: Duration::from_secs(60),
            min_interval: Duration::from_secs(30),
            backoff: Duration::from_secs(2),
            max_backoff: Duration::from_secs(300),
            proactive: true,
            revoke_superseded: true,
            warn_before_relogin: Duration::from_secs(7 * 24 * 3600),
        }
    }
}

/// The parts of a configuration, before they are checked by [`ConfigParts::build`].
#[derive(Debug, Clone)]
pub struct ConfigParts {
    /// The authorization server.
    pub provider: Provider,
    /// The client identifier.
    pub client_id: String,
    /// The client secret, for confidential clients.
    pub client_secret: Option<Secret>,
    /// Where the browser comes back to. Needed for code and implicit logins.
    pub redirect_uri: Option<String>,
    /// The scope that a login asks for unless it says otherwise.
    pub scope: Scope,
    /// How the client authenticates; `None` means the provider's way, or as a public client where there is no secret.
    pub client_auth: Option<ClientAuth>,
    /// Who renews the tokens.
    pub renewal: Renewal,
    /// When to refresh.
    pub refresh: RefreshPolicy,
    /// What happens where a token cannot be downscoped.
    pub downscope_failure: DownscopeFailure,
    /// How long a started login waits for its callback.
    pub login_lifetime: Duration,
    /// Given to every request.
    pub request_timeout: Duration,
    /// Which waits are believed.
    pub retry_after: RetryAfterBounds,
    /// Further hosts that may see the access token; see [`Provider::token_hosts`].
    pub token_hosts: Vec<String>,
    /// A token to start from, where one was configured (`WEBEX_ACCESS_TOKEN`). For the adapter to adopt.
    pub access_token: Option<Secret>,
}

impl ConfigParts {
    /// The minimum: a server and a client identifier.
    pub fn new(provider: Provider, client_id: impl Into<String>) -> Self {
        Self {
            provider,
            client_id: client_id.into(),
            client_secret: None,
            redirect_uri: None,
            scope: Scope::default(),
            client_auth: None,
            renewal: Renewal::Grant,
            refresh: RefreshPolicy::default(),
            downscope_failure: DownscopeFailure::Refuse,
            login_lifetime: Duration::from_secs(600),
            request_timeout: Duration::from_secs(30),
            retry_after: RetryAfterBounds::DEFAULT,
            token_hosts: Vec::new(),
            access_token: None,
        }
    }

    /// From the authorization URL that the developer portal shows: `authorizationString`.
    ///
    /// Client id, redirect URI and scope come from its query, the server from its host. A `state` or `response_type`
    /// in it is the portal's example and is ignored.
    pub fn from_authorization_url(text: &str) -> Result<Self, ConfigError> {
        let mut parts = Self::new(Provider::webex(), "");
        parts.apply_authorization_url(text)?;
        Ok(parts)
    }

    /// Lays an authorization URL over these parts: only what it carries is replaced.
    pub fn apply_authorization_url(&mut self, text: &str) -> Result<(), ConfigError> {
        const FIELD: &str = "authorization_url";
        let text = text.trim();
        let url =
            Url::parse(text).map_err(|_| ConfigError::invalid(FIELD, "not an absolute URL"))?;
        check_https(&url, FIELD)?;
        let endpoint = text.split(['?', '#']).next().unwrap_or(text);
        let token_hosts = std::mem::take(&mut self.provider.token_hosts);
        self.provider = Provider::for_authorization_endpoint(endpoint);
        if self.provider.token_hosts.is_empty() {
            self.provider.token_hosts = token_hosts;
        }
        for (name, value) in url.query_pairs() {
            match &*name {
                "client_id" => self.client_id = value.into_owned(),
                "redirect_uri" => self.redirect_uri = Some(value.into_owned()),
                "scope" => self.scope = Scope::parse(&value),
                _ => {}
            }
        }
        Ok(())
    }

    /// From a map of variables, usually the environment's: `lookup` answers the value of a name.
    ///
    /// `WEBEX_*` goes before `COMMON_IDENTITY_*` before the plain names; `WEBEX_AUTHORIZATION_STRING` lies over them.
    /// With `legacy`, `CISCOSPARK_*` comes last. Empty values count as absent. A pair of quotes around a value, as the
    /// Windows shell leaves it there, is removed; a single one is an error.
    pub fn from_variables(
        lookup: impl Fn(&str) -> Option<String>,
        legacy: bool,
    ) -> Result<Self, ConfigError> {
        let variables = Variables { lookup, legacy };
        let mut parts = Self::new(Provider::webex(), "");
        if let Some(base) = variables.first("idbroker_base_url", &["IDBROKER_BASE_URL"])? {
            parts.provider = Provider::idbroker_at(&base);
        }
        if let Some(base) = variables.first("hydra_service_url", &["HYDRA_SERVICE_URL"])? {
            parts.provider.set_api_base(&base);
        }
        let client_id = [
            "WEBEX_CLIENT_ID",
            "COMMON_IDENTITY_CLIENT_ID",
            "CLIENT_ID",
            "CISCOSPARK_CLIENT_ID",
        ];
        parts.client_id = variables
            .first("client_id", &client_id)?
            .unwrap_or_default();
        parts.client_secret = variables
            .first(
                "client_secret",
                &[
                    "WEBEX_CLIENT_SECRET",
                    "COMMON_IDENTITY_CLIENT_SECRET",
                    "CLIENT_SECRET",
                    "CISCOSPARK_CLIENT_SECRET",
                ],
            )?
            .map(Secret::new);
        parts.redirect_uri = variables.first(
            "redirect_uri",
            &[
                "WEBEX_REDIRECT_URI",
                "COMMON_IDENTITY_REDIRECT_URI",
                "REDIRECT_URI",
                "CISCOSPARK_REDIRECT_URI",
            ],
        )?;
        let scope = [
            "WEBEX_SCOPE",
            "WEBEX_SCOPES",
            "COMMON_IDENTITY_SCOPE",
            "SCOPE",
            "SCOPES",
            "CISCOSPARK_SCOPE",
        ];
        parts.scope = variables
            .first("scope", &scope)?
            .map(|text| Scope::parse(&text))
            .unwrap_or_default();
        parts.access_token = variables
            .first("access_token", &["WEBEX_ACCESS_TOKEN"])?
            .map(Secret::new);
        if let Some(url) = variables.first(
            "authorization_url",
            &["WEBEX_AUTHORIZATION_STRING", "AUTHORIZATION_STRING"],
        )? {
            parts.apply_authorization_url(&url)?;
        } else if let Some(url) =
            variables.first("authorization_endpoint", &["WEBEX_AUTHORIZE_URL"])?
        {
            parts.provider.authorization_endpoint = url;
        }
        Ok(parts)
    }

    /// Checks everything and freezes it.
    pub fn build(self) -> Result<Config, ConfigError> {
        if self.client_id.is_empty() {
            return Err(ConfigError::Missing { field: "client_id" });
        }
        check_text(&self.client_id, "client_id")?;
        if self.client_secret.as_ref().is_some_and(Secret::is_empty) {
            return Err(ConfigError::Missing {
                field: "client_secret",
            });
        }
        if let Some(secret) = &self.client_secret {
            check_text(secret.expose(), "client_secret")?;
        }
        let (low, high) = self.refresh.soon_permille;
        if low > high || high > 1000 {
            return Err(ConfigError::invalid(
                "refresh.soon_permille",
                "not a range within 0 to 1000",
            ));
        }
        check_endpoints(&self.provider)?;
        if let Some(uri) = &self.redirect_uri {
            check_redirect_uri(uri)?;
        }
        let client_auth = match (self.client_auth, &self.client_secret) {
            (Some(ClientAuth::None), _) | (None, None) => ClientAuth::None,
            (Some(method), Some(_)) => method,
            (Some(_), None) => {
                return Err(ConfigError::Missing {
                    field: "client_secret",
                });
            }
            (None, Some(_)) => match self.provider.client_auth {
                // A secret was configured: a provider that is used without one elsewhere takes it in the body.
                ClientAuth::None => ClientAuth::Body,
                method => method,
            },
        };
        let basic = self
            .client_secret
            .as_ref()
            .and_then(|secret| client_auth::basic(client_auth, &self.client_id, secret));
        Ok(Config(Arc::new(Inner {
            token_endpoint: self.provider.token_endpoint.as_str().into(),
            device_token_endpoint: self
                .provider
                .device_token_endpoint
                .as_deref()
                .unwrap_or(&self.provider.token_endpoint)
                .into(),
            client_auth,
            basic,
            parts: self,
        })))
    }
}

/// A checked configuration. Cheap to clone, immutable, and shared by nobody who was not given it.
#[derive(Debug, Clone)]
pub struct Config(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: ConfigParts,
    client_auth: ClientAuth,
    basic: Option<HeaderValue>,
    token_endpoint: Arc<str>,
    device_token_endpoint: Arc<str>,
}

impl Config {
    /// The parts it was built from.
    pub fn parts(&self) -> &ConfigParts {
        &self.0.parts
    }

    /// The authorization server.
    pub fn provider(&self) -> &Provider {
        &self.0.parts.provider
    }

    /// The client identifier.
    pub fn client_id(&self) -> &str {
        &self.0.parts.client_id
    }

    /// The scope that a login asks for unless it says otherwise.
    pub fn scope(&self) -> &Scope {
        &self.0.parts.scope
    }

    /// How the client authenticates.
    pub fn client_auth(&self) -> ClientAuth {
        self.0.client_auth
    }

    /// Whether the access token may be sent to `url`: https to one of the token hosts or its sub-domains, or exactly a
    /// configured `host:port`, where plain http passes on loopback.
    pub fn may_carry_token(&self, url: &str) -> bool {
        let Ok(url) = Url::parse(url) else {
            return false;
        };
        let Some(host) = url.host_str() else {
            return false;
        };
        let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
        if !secure || !url.username().is_empty() || url.password().is_some() {
            return false;
        }
        let port = url.port_or_known_default();
        let host = host.trim_end_matches('.');
        self.0
            .parts
            .token_hosts
            .iter()
            .chain(&self.provider().token_hosts)
            .any(|entry| {
                match entry
                    .rsplit_once(':')
                    .and_then(|(name, number)| Some((name, number.parse::<u16>().ok()?)))
                {
                    Some((name, number)) => name.eq_ignore_ascii_case(host) && Some(number) == port,
                    None => url.scheme() == "https" && is_domain_or_below(host, entry),
                }
            })
    }

    pub(crate) fn basic(&self) -> Option<&HeaderValue> {
        self.0.basic.as_ref()
    }

    pub(crate) fn client_secret(&self) -> Option<&Secret> {
        self.0.parts.client_secret.as_ref()
    }

    pub(crate) fn token_endpoint(&self) -> &Arc<str> {
        &self.0.token_endpoint
    }

    pub(crate) fn device_token_endpoint(&self) -> &Arc<str> {
        &self.0.device_token_endpoint
    }

    pub(crate) fn policy(&self) -> &RefreshPolicy {
        &self.0.parts.refresh
    }

    pub(crate) fn is_strict(&self) -> bool {
        self.provider().leniency == Leniency::Strict
    }

    /// Whether this client can make a grant request at the token endpoint.
    pub(crate) fn can_authenticate(&self) -> bool {
        self.client_secret().is_some() || !self.provider().secret_required
    }
}

/// Variables with their rules: first name wins, empty is absent, quotes are removed.
struct Variables<F> {
    lookup: F,
    legacy: bool,
}

impl<F: Fn(&str) -> Option<String>> Variables<F> {
    fn first(&self, field: &'static str, names: &[&str]) -> Result<Option<String>, ConfigError> {
        for name in names
            .iter()
            .filter(|name| self.legacy || !name.starts_with("CISCOSPARK_"))
        {
            let Some(value) = (self.lookup)(name) else {
                continue;
            };
            let value = unquote(&value, field)?;
            if !value.is_empty() {
                return Ok(Some(value.to_owned()));
            }
        }
        Ok(None)
    }
}

fn unquote<'a>(value: &'a str, field: &'static str) -> Result<&'a str, ConfigError> {
    let value = value.trim();
    for quote in ['"', '\''] {
        match (value.strip_prefix(quote), value.ends_with(quote)) {
            (Some(inner), true) if !inner.is_empty() => {
                return Ok(inner.strip_suffix(quote).unwrap_or(inner).trim());
            }
            (None, false) => {}
            _ => {
                return Err(ConfigError::invalid(
                    field,
                    "begins or ends with a single quote character",
                ));
            }
        }
    }
    Ok(value)
}

fn check_text(text: &str, field: &'static str) -> Result<(), ConfigError> {
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(ConfigError::invalid(
            field,
            "contains white space or control characters",
        ));
    }
    if text.starts_with(['"', '\'']) || text.ends_with(['"', '\'']) {
        return Err(ConfigError::invalid(
            field,
            "contains quotes, as a Windows shell leaves them",
        ));
    }
    Ok(())
}

fn check_endpoints(provider: &Provider) -> Result<(), ConfigError> {
    check_endpoint(&provider.authorization_endpoint, "authorization_endpoint")?;
    check_endpoint(&provider.token_endpoint, "token_endpoint")?;
    let optional = [
        (
            "device_authorization_endpoint",
            &provider.device_authorization_endpoint,
        ),
        ("device_token_endpoint", &provider.device_token_endpoint),
        ("revocation_endpoint", &provider.revocation_endpoint),
        ("logout_endpoint", &provider.logout_endpoint),
        ("jwt_login_endpoint", &provider.jwt_login_endpoint),
        ("guest_token_endpoint", &provider.guest_token_endpoint),
        ("api_base", &provider.api_base),
    ];
    for (field, endpoint) in optional {
        endpoint
            .as_deref()
            .map_or(Ok(()), |text| check_endpoint(text, field))?;
    }
    Ok(())
}

fn check_endpoint(text: &str, field: &'static str) -> Result<(), ConfigError> {
    if text.is_empty() {
        return Err(ConfigError::Missing { field });
    }
    let url = Url::parse(text).map_err(|_| ConfigError::invalid(field, "not an absolute URL"))?;
    check_https(&url, field)?;
    if url.fragment().is_some() {
        return Err(ConfigError::invalid(field, "must not have a fragment"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ConfigError::invalid(field, "must not carry credentials"));
    }
    Ok(())
}

fn check_https(url: &Url, field: &'static str) -> Result<(), ConfigError> {
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        "http" => Err(ConfigError::Insecure { field }),
        _ => Err(ConfigError::invalid(
            field,
            "unknown scheme, https is expected",
        )),
    }
}

/// RFC 8252 section 7: https, http on loopback, or an app's own scheme. Never one that a browser runs or reads.
pub(crate) fn check_redirect_uri(text: &str) -> Result<(), ConfigError> {
    const FIELD: &str = "redirect_uri";
    if text.starts_with(['"', '\'']) || text.ends_with(['"', '\'']) {
        return Err(ConfigError::invalid(
            FIELD,
            "contains quotes, as a Windows shell leaves them",
        ));
    }
    let url = Url::parse(text).map_err(|_| ConfigError::invalid(FIELD, "not an absolute URI"))?;
    if url.fragment().is_some() {
        return Err(ConfigError::invalid(
            FIELD,
            "must not have a fragment (RFC 6749 section 3.1.2)",
        ));
    }
    match url.scheme() {
        "http" | "https" => check_https(&url, FIELD),
        "javascript" | "data" | "file" | "blob" | "about" | "vbscript" | "ws" | "wss" | "ftp" => {
            Err(ConfigError::invalid(
                FIELD,
                "a scheme that cannot be a redirect target",
            ))
        }
        _ => Ok(()),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn is_domain_or_below(host: &str, domain: &str) -> bool {
    let Some(at) = host.len().checked_sub(domain.len()) else {
        return false;
    };
    let (front, back) = (
        host.get(..at).unwrap_or_default(),
        host.get(at..).unwrap_or_default(),
    );
    !domain.is_empty()
        && back.eq_ignore_ascii_case(domain)
        && (front.is_empty() || front.ends_with('.'))
}
