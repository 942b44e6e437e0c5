//! Authorization servers as data: where their endpoints are and how they deviate from the book.

mod metadata;

pub use metadata::{MetadataAnswer, MetadataStep, metadata_step};

use crate::config::TokenHost;
use crate::target_uri::TargetUri;

/// How the client proves who it is at the token endpoint. Never probed: a wrong guess burns the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// HTTP Basic, id and secret form-encoded first, as RFC 6749 section 2.3.1 demands.
    BasicFormEncoded,
    /// HTTP Basic of the bare id and secret, as many servers expect it.
    BasicRaw,
    /// `client_id` and `client_secret` in the body.
    Body,
    /// A public client: `client_id` in the body, no secret.
    None,
}

/// What a parser lets pass. Everything tolerated is reported as a [`Deviation`](crate::Deviation).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leniency {
    /// Webex's answers and other common oddities pass.
    Lenient,
    /// Only what RFC 6749 section 5.1 allows passes.
    Strict,
}

/// How the guest JWT is presented at `jwt/login`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JwtScheme {
    /// `Authorization: Bearer <jwt>`, as documented.
    Bearer,
    /// `Authorization: <jwt>`, as the JavaScript SDK sends it.
    Raw,
}

/// An authorization server, as data. Start from a profile and change what differs.
///
/// All endpoints are absolute URLs; they are checked when a [`Config`](crate::Config) is built.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Provider {
    /// For people.
    pub name: String,
    /// Expected value of `iss` in the redirect (RFC 9207), if the server sends one.
    pub issuer: Option<String>,
    /// The server promised to send `iss`: a redirect without it is not the server's (RFC 9207 section 2.4).
    pub issuer_required: bool,
    /// RFC 6749 section 3.1.
    pub authorization_endpoint: String,
    /// RFC 6749 section 3.2.
    pub token_endpoint: String,
    /// RFC 8628 section 3.1.
    pub device_authorization_endpoint: Option<String>,
    /// Webex: where a device polls, the only place where its grant authenticates the client; the token endpoint where there
    /// is none.
    pub device_token_endpoint: Option<String>,
    /// RFC 7009.
    pub revocation_endpoint: Option<String>,
    /// Where a browser goes to sign out: Webex's page, or the `end_session_endpoint` of OpenID Connect.
    pub logout_endpoint: Option<String>,
    /// Webex: exchanges a guest JWT for a token.
    pub jwt_login_endpoint: Option<String>,
    /// Webex: issues a guest's token to a Service App.
    pub guest_token_endpoint: Option<String>,
    /// The REST API's base, without a slash at its end: `{api_base}/people/me`.
    pub api_base: Option<String>,
    /// Where the server tells about the user who signed in: the `userinfo_endpoint` of OpenID Connect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_endpoint: Option<String>,
    /// Webex: where the catalog of its services is. See [`Services`](crate::Services).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog_endpoint: Option<String>,
    /// The hosts that the catalog names may see the access token.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub catalog_hosts_carry_token: bool,
    /// Hosts that may see the access token: a domain and its sub-domains over https, or `host:port` exactly, where
    /// plain http passes on loopback.
    pub token_hosts: Vec<String>,
    /// How the client authenticates if the configuration does not say.
    pub client_auth: ClientAuth,
    /// Every token request needs the secret, PKCE or not.
    pub secret_required: bool,
    /// Ask for self-contained tokens on code, client credentials and downscope requests.
    pub self_contained_token: bool,
    /// Send `redirect_uri` with a refresh, as the identity broker's own clients do.
    pub redirect_uri_on_refresh: bool,
    /// The server knows `urn:cisco:oauth:grant-type:scope-reduction`.
    pub downscope: bool,
    /// A scope that is left out of a user token unless asked for (`spark:kms`).
    pub reserved_scope: Option<String>,
    /// Value of `cisService` at Webex's logout. Where there is none, the logout is OpenID Connect's, which sees no token.
    pub logout_service: Option<String>,
    /// How `jwt/login` wants its JWT.
    pub jwt_scheme: JwtScheme,
    /// What the answer parser lets pass.
    pub leniency: Leniency,
}

/// Hosts that Webex's own SDK hands its token to.
const WEBEX_HOSTS: [&str; 8] = [
    "wbx2.com",
    "ciscospark.com",
    "webex.com",
    "webexapis.com",
    "broadcloudpbx.com",
    "broadcloudpbx.net",
    "broadcloud.eu",
    "broadcloud.com.au",
];

impl Provider {
    /// Webex for integrations: `webexapis.com/v1`, as developer.webex.com documents it.
    pub fn webex() -> Self {
        Self::webex_with("webex", "https://webexapis.com/v1", "https://idbroker.webex.com")
    }

    /// Webex under its former host, `api.ciscospark.com/v1`: authorization URLs of that age still circulate.
    pub fn ciscospark() -> Self {
        Self::webex_with("ciscospark", "https://api.ciscospark.com/v1", "https://idbroker.webex.com")
    }

    /// Webex for government (FedRAMP).
    pub fn webex_fedramp() -> Self {
        let mut provider =
            Self::webex_with("webex_fedramp", "https://api-usgov.webex.com/v1", "https://idbroker-f.webex.com");
        provider.catalog_endpoint = Some("https://u2c.gov.ciscospark.com/u2c/api/v1/catalog".to_owned());
        provider
    }

    /// The identity broker itself, as first-party clients and the JavaScript SDK use it.
    pub fn webex_idbroker() -> Self {
        Self::idbroker_at("https://idbroker.webex.com")
    }

    /// The identity broker at another base, a region's for example.
    pub fn idbroker_at(base: &str) -> Self {
        let base = base.trim_end_matches('/');
        let mut provider = Self::webex_with("webex_idbroker", "https://webexapis.com/v1", base);
        provider.authorization_endpoint = format!("{base}/idb/oauth2/v1/authorize");
        provider.token_endpoint = format!("{base}/idb/oauth2/v1/access_token");
        provider.client_auth = ClientAuth::BasicRaw;
        provider.self_contained_token = true;
        provider.redirect_uri_on_refresh = true;
        provider.jwt_scheme = JwtScheme::Raw;
        provider
    }

    /// A server with Webex's paths at another base: a simulator, a proxy, a test double. The `/v1` at the end of the REST
    /// API's own address makes no difference. At one of Webex's own it is that profile, which has more than one base.
    pub fn webex_at(base: &str) -> Self {
        let base = base.trim_end_matches('/');
        let base = base.strip_suffix("/v1").unwrap_or(base).trim_end_matches('/');
        if let Some(provider) = Self::webex_itself_at(base) {
            return provider;
        }
        let mut provider = Self::webex_with("webex", &format!("{base}/v1"), base);
        provider.token_hosts = TokenHost::of_url(base).iter().map(TokenHost::to_string).collect();
        provider.catalog_endpoint = Some(format!("{base}/u2c/api/v1/catalog"));
        provider
    }

    fn webex_itself_at(base: &str) -> Option<Self> {
        let normal = TargetUri::parse(base).ok()?;
        let api = format!("{}/v1", normal.url().trim_end_matches('/'));
        let profiles = [Self::webex(), Self::ciscospark(), Self::webex_fedramp()];
        profiles.into_iter().find(|profile| profile.api_base.as_ref() == Some(&api))
    }

    /// Any RFC 6749 server. Everything beyond the two endpoints starts as absent or strict.
    pub fn custom(authorization_endpoint: &str, token_endpoint: &str) -> Self {
        Self {
            name: "custom".to_owned(),
            issuer: None,
            issuer_required: false,
            authorization_endpoint: authorization_endpoint.to_owned(),
            token_endpoint: token_endpoint.to_owned(),
            device_authorization_endpoint: None,
            device_token_endpoint: None,
            revocation_endpoint: None,
            logout_endpoint: None,
            jwt_login_endpoint: None,
            guest_token_endpoint: None,
            api_base: None,
            userinfo_endpoint: None,
            catalog_endpoint: None,
            catalog_hosts_carry_token: false,
            token_hosts: Vec::new(),
            client_auth: ClientAuth::BasicFormEncoded,
            secret_required: false,
            self_contained_token: false,
            redirect_uri_on_refresh: false,
            downscope: false,
            reserved_scope: None,
            logout_service: None,
            jwt_scheme: JwtScheme::Bearer,
            leniency: Leniency::Lenient,
        }
    }

    /// A profile by its name, in any case: `webex`, `fedramp`, `idbroker`, `ciscospark`, or in full as [`Provider::name`] has it.
    pub fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "webex" => Some(Self::webex()),
            "fedramp" | "webex_fedramp" => Some(Self::webex_fedramp()),
            "idbroker" | "webex_idbroker" => Some(Self::webex_idbroker()),
            "ciscospark" => Some(Self::ciscospark()),
            _ => None,
        }
    }

    /// The profile that an authorization URL belongs to, by its host or its path; its endpoint is kept as pasted.
    pub(crate) fn for_authorization_endpoint(endpoint: &str) -> Option<Self> {
        let origin = origin(endpoint);
        let mut provider = match host(endpoint) {
            "webexapis.com" => Self::webex(),
            "api.ciscospark.com" => Self::ciscospark(),
            "api-usgov.webex.com" => Self::webex_fedramp(),
            _ if endpoint.ends_with("/idb/oauth2/v1/authorize") => Self::idbroker_at(origin),
            _ if endpoint == format!("{origin}/v1/authorize") => Self::webex_at(origin),
            _ => return None,
        };
        endpoint.clone_into(&mut provider.authorization_endpoint);
        Some(provider)
    }

    /// Moves the REST API, and what hangs on it, to another base, whose host may then see the token. A slash at the end
    /// makes no difference.
    pub fn set_api_base(&mut self, base: &str) {
        let base = base.trim_end_matches('/');
        if let Some(host) = TokenHost::of_url(base).map(|host| host.to_string())
            && !self.token_hosts.contains(&host)
        {
            self.token_hosts.push(host);
        }
        self.jwt_login_endpoint = Some(format!("{base}/jwt/login"));
        self.guest_token_endpoint = Some(format!("{base}/guests/token"));
        self.api_base = Some(base.to_owned());
    }

    fn webex_with(name: &str, api: &str, idbroker: &str) -> Self {
        let mut provider = Self::custom(&format!("{api}/authorize"), &format!("{api}/access_token"));
        provider.name = name.to_owned();
        provider.set_api_base(api);
        provider.device_authorization_endpoint = Some(format!("{api}/device/authorize"));
        provider.device_token_endpoint = Some(format!("{api}/device/token"));
        provider.revocation_endpoint = Some(format!("{idbroker}/idb/oauth2/v1/revoke"));
        provider.logout_endpoint = Some(format!("{idbroker}/idb/oauth2/v1/logout"));
        provider.token_hosts = WEBEX_HOSTS.iter().map(|&host| host.to_owned()).collect();
        provider.catalog_endpoint = Some("https://u2c.wbx2.com/u2c/api/v1/catalog".to_owned());
        provider.catalog_hosts_carry_token = true;
        provider.client_auth = ClientAuth::Body;
        provider.secret_required = true;
        provider.downscope = true;
        provider.reserved_scope = Some("spark:kms".to_owned());
        provider.logout_service = Some("webex".to_owned());
        provider
    }
}

/// `scheme://host:port` of a URL text.
fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(start..).and_then(|rest| rest.find(['/', '?', '#'])).map_or(url.len(), |at| start + at);
    url.get(..end).unwrap_or(url)
}

fn host(url: &str) -> &str {
    origin(url).split_once("://").map_or("", |(_, authority)| authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_follows_the_host_of_the_pasted_url() {
        let of = |url: &str| Provider::for_authorization_endpoint(url).unwrap().token_endpoint;
        assert_eq!(of("https://webexapis.com/v1/authorize"), "https://webexapis.com/v1/access_token");
        assert_eq!(of("https://api.ciscospark.com/v1/authorize"), "https://api.ciscospark.com/v1/access_token");
        assert_eq!(of("http://127.0.0.1:9/v1/authorize"), "http://127.0.0.1:9/v1/access_token");
        assert_eq!(
            of("https://idbroker-b-us.webex.com/idb/oauth2/v1/authorize"),
            "https://idbroker-b-us.webex.com/idb/oauth2/v1/access_token"
        );
        assert_eq!(Provider::for_authorization_endpoint("https://as.example/a"), None);
    }

    #[test]
    fn a_base_is_webex_itself_only_where_that_is_all_it_says() {
        for base in ["https://webexapis.com", "https://webexapis.com:443/v1//", "https://WebexAPIs.com/v1"] {
            assert_eq!(Provider::webex_at(base), Provider::webex(), "{base}");
        }
        assert_eq!(Provider::webex_at("https://api-usgov.webex.com/v1"), Provider::webex_fedramp());
        for base in ["https://webexapis.com/proxy", "https://webexapis.com:8443", "https://webexapis.com.example"] {
            let provider = Provider::webex_at(base);
            assert_eq!(provider.token_endpoint, format!("{base}/v1/access_token"));
            assert_eq!(provider.token_hosts.len(), 1, "{base}");
        }
    }

    #[test]
    fn metadata_of_another_issuer_is_refused() {
        let document = br#"{"issuer":"https://evil.example","authorization_endpoint":"https://a.example/a",
            "token_endpoint":"https://a.example/t"}"#;
        assert!(Provider::from_metadata(document, "https://a.example").is_err());
        assert!(Provider::from_metadata(document, "https://evil.example").is_ok());
    }
}
