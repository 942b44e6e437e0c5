//! Authorization servers as data.

use webex_oauth::{ClientAuth, JwtScheme, Leniency, MetadataStep, Provider, SendFault};

use crate::error::ConfigError;

/// An authorization server. Start from a profile and change what differs.
#[uniffi::remote(Record)]
pub struct Provider {
    /// For people.
    pub name: String,
    /// Expected value of `iss` in the redirect, if the server sends one.
    pub issuer: Option<String>,
    /// A redirect without `iss` is not the server's.
    pub issuer_required: bool,
    /// RFC 6749 section 3.1.
    pub authorization_endpoint: String,
    /// RFC 6749 section 3.2.
    pub token_endpoint: String,
    /// RFC 8628 section 3.1.
    pub device_authorization_endpoint: Option<String>,
    /// Where a device polls; the token endpoint where there is none.
    pub device_token_endpoint: Option<String>,
    /// RFC 7009.
    pub revocation_endpoint: Option<String>,
    /// Where a browser goes to sign out.
    pub logout_endpoint: Option<String>,
    /// Webex: exchanges a guest JWT for a token.
    pub jwt_login_endpoint: Option<String>,
    /// Webex: issues a guest's token to a Service App.
    pub guest_token_endpoint: Option<String>,
    /// The REST API's base, without a slash at its end.
    pub api_base: Option<String>,
    /// Where the server tells about the user who signed in: the `userinfo_endpoint` of OpenID Connect.
    pub userinfo_endpoint: Option<String>,
    /// Webex: where the catalog of its services is; see `Services`.
    pub catalog_endpoint: Option<String>,
    /// The hosts that the catalog names may see the access token.
    pub catalog_hosts_carry_token: bool,
    /// Hosts that may see the access token.
    pub token_hosts: Vec<String>,
    /// How the client authenticates if the configuration does not say.
    pub client_auth: ClientAuth,
    /// Every token request needs the secret, PKCE or not.
    pub secret_required: bool,
    /// Ask for self-contained tokens.
    pub self_contained_token: bool,
    /// Send `redirect_uri` with a refresh.
    pub redirect_uri_on_refresh: bool,
    /// The server can reduce the scope of a token.
    pub downscope: bool,
    /// A scope that is left out of a user token unless asked for.
    pub reserved_scope: Option<String>,
    /// Value of `cisService` at Webex's logout. Where there is none, the logout is OpenID Connect's, which sees no token.
    pub logout_service: Option<String>,
    /// How `jwt/login` wants its JWT.
    pub jwt_scheme: JwtScheme,
    /// What the answer parser lets pass.
    pub leniency: Leniency,
}

/// Webex for integrations.
#[uniffi::export]
pub fn provider_webex() -> Provider {
    Provider::webex()
}

/// Webex under its former host.
#[uniffi::export]
pub fn provider_ciscospark() -> Provider {
    Provider::ciscospark()
}

/// Webex for government.
#[uniffi::export]
pub fn provider_webex_fedramp() -> Provider {
    Provider::webex_fedramp()
}

/// The identity broker itself.
#[uniffi::export]
pub fn provider_webex_idbroker() -> Provider {
    Provider::webex_idbroker()
}

/// The identity broker at another base.
#[uniffi::export]
pub fn provider_idbroker_at(base: String) -> Provider {
    Provider::idbroker_at(&base)
}

/// A server with Webex's paths at another base: a simulator, a proxy.
#[uniffi::export]
pub fn provider_webex_at(base: String) -> Provider {
    Provider::webex_at(&base)
}

/// Any RFC 6749 server.
#[uniffi::export]
pub fn provider_custom(authorization_endpoint: String, token_endpoint: String) -> Provider {
    Provider::custom(&authorization_endpoint, &token_endpoint)
}

/// From the metadata that a server publishes (RFC 8414), fetched from below `issuer`.
#[uniffi::export]
pub fn provider_from_metadata(document: Vec<u8>, issuer: String) -> Result<Provider, ConfigError> {
    Ok(Provider::from_metadata(&document, &issuer)?)
}

/// What came of fetching one address of `metadata_step`.
#[derive(Debug, uniffi::Enum)]
pub enum MetadataAnswer {
    /// An answer, any status.
    Response {
        /// HTTP status code.
        status: u16,
        /// The body, decompressed.
        body: Vec<u8>,
    },
    /// None.
    Failed {
        /// How it failed.
        fault: SendFault,
    },
}

impl From<MetadataAnswer> for webex_oauth::MetadataAnswer {
    fn from(answer: MetadataAnswer) -> Self {
        match answer {
            MetadataAnswer::Response { status, body } => {
                Self::Response(webex_oauth::HttpResponse { status, headers: Vec::new(), body })
            }
            MetadataAnswer::Failed { fault } => Self::Failed(fault),
        }
    }
}

/// What comes next on the way to a server's metadata.
#[uniffi::remote(Enum)]
pub enum MetadataStep {
    /// `GET` this with `accept: application/json`, without following redirects, and add the answer.
    Fetch {
        /// Absolute URL.
        url: String,
    },
    /// This is the server.
    Found {
        /// As its metadata describes it.
        provider: Box<Provider>,
    },
}

/// Leads to the metadata of `issuer`; `answers` are those to the addresses of the steps before.
#[uniffi::export]
pub fn metadata_step(issuer: String, answers: Vec<MetadataAnswer>) -> Result<MetadataStep, ConfigError> {
    let answers: Vec<webex_oauth::MetadataAnswer> = answers.into_iter().map(Into::into).collect();
    Ok(webex_oauth::metadata_step(&issuer, &answers)?)
}

/// The same provider, its REST API and what hangs on it at another base.
#[uniffi::export]
pub fn provider_with_api_base(provider: Provider, base: String) -> Provider {
    let mut provider = provider;
    provider.set_api_base(&base);
    provider
}
