//! The configuration of a client: checked once, then shared and never changed.

mod check;
mod endpoints;
mod error;
mod hosts;
mod policy;
mod token_host;
mod variables;

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use check::{check_https, check_values, token_hosts};
pub(crate) use check::{check_plain_host, check_redirect_uri};
pub(crate) use endpoints::{Endpoints, check_endpoint};
pub use error::ConfigError;
pub use hosts::JudgedUrl;
pub use policy::{DownscopeFailure, RefreshPolicy, Renewal};
pub(crate) use token_host::TokenHost;
pub use variables::MetadataSource;

use crate::protocol::retry_after::RetryAfterBounds;
use crate::protocol::scope::Scope;
use crate::protocol::target::is_same_target;
use crate::provider::{ClientAuth, Leniency, Provider};
use crate::secret::Secret;

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
    /// What the tokens are for, as absolute URIs: sent as `resource` with every request for tokens (RFC 8707). Their hosts
    /// may see the access token.
    pub resource: Vec<String>,
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
            resource: Vec::new(),
            access_token: None,
        }
    }

    /// From the authorization URL that the developer portal shows: `authorizationString`.
    ///
    /// Client id, redirect URI and scope come from its query, the server from its host. A `state` or `response_type`
    /// in it is the portal's example and is ignored.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`] where it is no absolute URL of http or https, or its host is not in ASCII;
    /// [`ConfigError::Insecure`] where it is plain http and not on loopback.
    pub fn from_authorization_url(text: &str) -> Result<Self, ConfigError> {
        let mut parts = Self::new(Provider::webex(), "");
        parts.apply_authorization_url(text)?;
        Ok(parts)
    }

    /// Lays an authorization URL over these parts: only what it carries is replaced.
    ///
    /// The provider stays where the URL is its authorization endpoint. A URL of Webex, or with Webex's paths, brings its
    /// own provider, so that code and secret go to the server that the user sees. Any other URL moves the login page of
    /// a Webex provider and nothing else.
    ///
    /// # Errors
    ///
    /// As [`ConfigParts::from_authorization_url`]; [`ConfigError::Invalid`] also where the provider is not Webex's and this
    /// is not its authorization endpoint. Nothing is replaced then.
    pub fn apply_authorization_url(&mut self, text: &str) -> Result<(), ConfigError> {
        const FIELD: &str = "authorization_url";
        let text = text.trim();
        check_plain_host(text, FIELD)?;
        let url = Url::parse(text).map_err(|_| ConfigError::invalid(FIELD, "not an absolute URL"))?;
        check_https(&url, FIELD)?;
        let endpoint = text.split(['?', '#']).next().unwrap_or(text);
        let own = &mut self.provider.authorization_endpoint;
        if !is_same_target(endpoint, own) {
            if let Some(profile) = Provider::for_authorization_endpoint(endpoint) {
                self.provider = profile;
            } else if Provider::for_authorization_endpoint(own).is_some() {
                endpoint.clone_into(own);
            } else {
                return Err(ConfigError::invalid(FIELD, "not the authorization endpoint of the provider"));
            }
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

    /// Checks everything and freezes it.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Missing`] where the client id, the client secret or an endpoint that is given is empty, the token
    /// endpoint is, or `client_auth` needs a client secret and there is none; [`ConfigError::Insecure`] where an endpoint or
    /// the redirect URI is plain http and not on loopback; [`ConfigError::Invalid`] where a field cannot be used. The first
    /// that is found is told.
    pub fn build(mut self) -> Result<Config, ConfigError> {
        if self.client_id.is_empty() {
            return Err(ConfigError::missing("client_id"));
        }
        if self.client_secret.as_ref().is_some_and(Secret::is_empty) {
            return Err(ConfigError::missing("client_secret"));
        }
        let endpoints = Endpoints::read(&mut self.provider)?;
        check_values(&self)?;
        let client_auth = match (self.client_auth, &self.client_secret) {
            (Some(ClientAuth::None), _) | (None, None) => ClientAuth::None,
            (Some(method), Some(_)) => method,
            (Some(_), None) => return Err(ConfigError::missing("client_secret")),
            (None, Some(_)) => match self.provider.client_auth {
                // A secret was configured: a provider that is used without one elsewhere takes it in the body.
                ClientAuth::None => ClientAuth::Body,
                method => method,
            },
        };
        self.refresh.revoke_superseded.get_or_insert(self.provider.downscope);
        let token_hosts = token_hosts(&self)?;
        Ok(Config(Arc::new(Inner { parts: self, client_auth, endpoints, token_hosts })))
    }
}

/// A checked configuration. Cheap to clone, immutable, and shared by nobody who was not given it.
#[derive(Debug, Clone)]
pub struct Config(Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    parts: ConfigParts,
    client_auth: ClientAuth,
    endpoints: Endpoints,
    token_hosts: Vec<TokenHost>,
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

    /// The name under which a store files this client's sessions: [`snapshot_client_tag`](crate::snapshot_client_tag) of each.
    pub fn client_tag(&self) -> String {
        crate::snapshot::tag(self.client_id(), self.endpoints().token.url())
    }

    /// The scope that a login asks for unless it says otherwise.
    pub fn scope(&self) -> &Scope {
        &self.0.parts.scope
    }

    /// How the client authenticates.
    pub fn client_auth(&self) -> ClientAuth {
        self.0.client_auth
    }

    pub(crate) fn redirect_uri(&self) -> Option<&str> {
        self.0.parts.redirect_uri.as_deref()
    }

    pub(crate) fn client_secret(&self) -> Option<&Secret> {
        self.0.parts.client_secret.as_ref()
    }

    pub(crate) fn endpoints(&self) -> &Endpoints {
        &self.0.endpoints
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
