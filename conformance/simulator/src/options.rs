//! How the simulated server behaves: lifetimes, rotation, token shapes, who exists.

use serde::{Deserialize, Serialize};

/// The id of the confidential client that exists unless [`Options::clients`] says otherwise.
pub const CLIENT_ID: &str = "simulated-integration";
/// The secret of [`CLIENT_ID`].
pub const CLIENT_SECRET: &str = "simulated-secret";
/// The id of the client without a secret (a mobile or desktop app).
pub const PUBLIC_CLIENT_ID: &str = "simulated-native-app";
/// The id of the client that may ask for guest tokens and uses client credentials.
pub const SERVICE_APP_ID: &str = "simulated-service-app";
/// The secret of [`SERVICE_APP_ID`].
pub const SERVICE_APP_SECRET: &str = "simulated-service-secret";
/// The guest issuer that exists unless [`Options::guest_issuers`] says otherwise.
pub const GUEST_ISSUER_ID: &str = "simulated-guest-issuer";
/// The secret of [`GUEST_ISSUER_ID`], base64 as Webex hands it out.
pub const GUEST_ISSUER_SECRET: &str = "c2ltdWxhdGVkLWd1ZXN0LWlzc3Vlci1zZWNyZXQtMzI=";
/// The organisation of everybody in the simulator.
pub const ORG_ID: &str = "5a5a5a5a-0000-4000-8000-00000000c0de";

/// Everything that can be chosen. All of it, except [`port`](Options::port), may change while the
/// simulator runs. Every duration is in milliseconds of the simulator's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The loopback port, 0 for a free one. Read at the start only.
    pub port: u16,
    /// Who may ask for tokens.
    pub clients: Vec<Client>,
    /// Who may sign in. The first one does unless another is chosen.
    pub people: Vec<Person>,
    /// Whose guest JWTs `/v1/jwt/login` believes.
    pub guest_issuers: Vec<GuestIssuer>,
    /// The life of an access token. Webex: 14 days.
    pub access_lifetime_ms: u64,
    /// The life of a refresh token. Webex: 90 days.
    pub refresh_lifetime_ms: u64,
    /// The life of an authorization code, and of a page that waits for a decision.
    pub code_lifetime_ms: u64,
    /// The life of the token that `/v1/jwt/login` answers.
    pub jwt_login_lifetime_ms: u64,
    /// The life of the token that `/v1/guests/token` answers.
    pub guest_lifetime_ms: u64,
    /// The life of a device code.
    pub device_lifetime_ms: u64,
    /// How long a device has to wait between two polls.
    pub device_interval_ms: u64,
    /// Each refresh answers a new refresh token and retires the one it was asked with. A retired
    /// token that comes back revokes every token of its sign-in.
    pub rotate: bool,
    /// For how long after its rotation a retired refresh token is still taken.
    pub reuse_grace_ms: u64,
    /// A refresh starts the refresh token's life anew. Off: it counts down from the sign-in.
    pub extend_refresh_lifetime: bool,
    /// A refresh answers without `refresh_token` when it did not rotate.
    pub omit_unchanged_refresh_token: bool,
    /// A refresh retires the access tokens that were issued before it.
    pub revoke_access_on_refresh: bool,
    /// A refresh within this time of the last issue answers the same access token again, as Webex
    /// does within a day. 0: never.
    pub same_token_within_ms: u64,
    /// What tokens look like when the request does not say.
    pub token_style: TokenStyle,
    /// What errors look like.
    pub error_style: ErrorStyle,
    /// Token answers come without `token_type`.
    pub omit_token_type: bool,
    /// Authorization requests without a code challenge are refused.
    pub require_pkce: bool,
    /// Authorization answers carry `iss` (RFC 9207).
    pub send_issuer: bool,
    /// Any redirect URI is accepted, registered or not.
    pub allow_any_redirect_uri: bool,
    /// Nobody is asked: every authorization page and device code is decided so at once.
    pub auto_decision: Option<Decision>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            clients: Client::defaults(),
            people: Person::defaults(),
            guest_issuers: vec![GuestIssuer { id: GUEST_ISSUER_ID.into(), secret: GUEST_ISSUER_SECRET.into() }],
            access_lifetime_ms: 1_209_599_000,
            refresh_lifetime_ms: 7_775_999_000,
            code_lifetime_ms: 600_000,
            jwt_login_lifetime_ms: 21_599_000,
            guest_lifetime_ms: 64_799_000,
            device_lifetime_ms: 300_000,
            device_interval_ms: 2_000,
            rotate: false,
            reuse_grace_ms: 0,
            extend_refresh_lifetime: false,
            omit_unchanged_refresh_token: false,
            revoke_access_on_refresh: false,
            same_token_within_ms: 0,
            token_style: TokenStyle::Opaque,
            error_style: ErrorStyle::ByPath,
            omit_token_type: false,
            require_pkce: false,
            send_issuer: false,
            allow_any_redirect_uri: false,
            auto_decision: None,
        }
    }
}

impl Options {
    pub(crate) fn client(&self, id: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.id == id)
    }

    /// The person with this id or e-mail address.
    pub(crate) fn person(&self, hint: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.id == hint || person.email.eq_ignore_ascii_case(hint))
    }
}

/// An application that is registered with the simulated server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// `client_secret`. Without one the client is public and names itself by its id only.
    #[serde(default)]
    pub secret: Option<String>,
    /// What the authorization page calls it.
    #[serde(default)]
    pub name: String,
    /// Where answers may go. A loopback URI without a port stands for every port (RFC 8252, 7.3).
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// The most that may be asked for. Empty: anything.
    #[serde(default)]
    pub scopes: Vec<String>,
}

impl Client {
    fn defaults() -> Vec<Self> {
        let redirect_uris: Vec<String> = [
            "http://127.0.0.1/callback",
            "http://localhost/callback",
            "http://[::1]/callback",
            "http://127.0.0.1/oauth",
            "http://localhost/oauth",
            "http://127.0.0.1/",
            "http://localhost/",
            "webex-oauth://callback",
            "com.example.app:/callback",
        ]
        .map(String::from)
        .into();
        let scopes = |list: &[&str]| list.iter().map(|scope| (*scope).to_owned()).collect();
        let usual = [
            "spark:all",
            "spark:kms",
            "spark:people_read",
            "spark:rooms_read",
            "spark:rooms_write",
            "spark:messages_read",
            "spark:messages_write",
            "meeting:schedules_read",
        ];
        vec![
            Self {
                id: CLIENT_ID.into(),
                secret: Some(CLIENT_SECRET.into()),
                name: "Simulated Integration".into(),
                redirect_uris: redirect_uris.clone(),
                scopes: scopes(&usual),
            },
            Self {
                id: PUBLIC_CLIENT_ID.into(),
                secret: None,
                name: "Simulated Native App".into(),
                redirect_uris,
                scopes: scopes(&usual),
            },
            Self {
                id: SERVICE_APP_ID.into(),
                secret: Some(SERVICE_APP_SECRET.into()),
                name: "Simulated Service App".into(),
                redirect_uris: Vec::new(),
                scopes: scopes(&["guest-issuer:read", "guest-issuer:write", "spark:people_read", "webexsquare:admin"]),
            },
        ]
    }
}

/// Somebody who can sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The id that `/v1/people/me` answers.
    pub id: String,
    /// The e-mail address, also taken as `login_hint`.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
}

impl Person {
    fn defaults() -> Vec<Self> {
        [("Ada", "Lovelace"), ("Grace", "Hopper"), ("Alan", "Turing"), ("Jürgen", "Groß")]
            .iter()
            .zip(["ada", "grace", "alan", "jurgen"])
            .map(|((first, last), login)| Self {
                id: format!("person-{login}"),
                email: format!("{login}@example.com"),
                first_name: (*first).into(),
                last_name: (*last).into(),
            })
            .collect()
    }

    /// First and last name.
    #[must_use]
    pub fn display_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }
}

/// A guest issuer application: whoever knows its secret can write guest JWTs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuestIssuer {
    /// The `iss` claim.
    pub id: String,
    /// The HS256 key, base64.
    pub secret: String,
}

/// The shape of access tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenStyle {
    /// `<base64url>_PF84_<organisation>`, unless the request says `self_contained_token=true`.
    Opaque,
    /// Always a JWT with the claims Webex puts there.
    Jwt,
}

/// The shape of error bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorStyle {
    /// Webex bodies below `/v1`, OAuth bodies below `/idb`.
    ByPath,
    /// `{message, errors, trackingId}` with the OAuth code as message.
    Webex,
    /// `{message, errors, trackingId}` with sentences only, no OAuth code anywhere.
    WebexProse,
    /// `{error, error_description}`.
    Oauth,
}

/// What the person does with a request for authorization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Grants it.
    Accept,
    /// Refuses it: `access_denied`.
    Decline,
}

impl Decision {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "accept" => Some(Self::Accept),
            "decline" => Some(Self::Decline),
            _ => None,
        }
    }
}
