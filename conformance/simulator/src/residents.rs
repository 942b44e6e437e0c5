//! Who there is when the simulator starts: applications, people, guest issuers, bots, spaces.

use serde::{Deserialize, Serialize};

/// The id of the confidential client that exists unless [`Options::clients`](crate::Options::clients) says otherwise.
pub const CLIENT_ID: &str = "simulated-integration";
/// The secret of [`CLIENT_ID`].
pub const CLIENT_SECRET: &str = "simulated-secret";
/// The id of the client without a secret (a mobile or desktop app).
pub const PUBLIC_CLIENT_ID: &str = "simulated-native-app";
/// The id of the client that may ask for guest tokens and uses client credentials.
pub const SERVICE_APP_ID: &str = "simulated-service-app";
/// The secret of [`SERVICE_APP_ID`].
pub const SERVICE_APP_SECRET: &str = "simulated-service-secret";
/// The guest issuer that exists unless [`Options::guest_issuers`](crate::Options::guest_issuers) says otherwise.
pub const GUEST_ISSUER_ID: &str = "simulated-guest-issuer";
/// The secret of [`GUEST_ISSUER_ID`], base64 as Webex hands it out.
pub const GUEST_ISSUER_SECRET: &str = "c2ltdWxhdGVkLWd1ZXN0LWlzc3Vlci1zZWNyZXQtMzI=";
/// The token of the bot that exists unless [`Options::bots`](crate::Options::bots) says otherwise.
pub const BOT_TOKEN: &str = "c2ltdWxhdGVkLWJvdC10b2tlbi0wMDAx_PF84_5a5a5a5a-0000-4000-8000-00000000c0de";
/// The space that exists unless [`Options::spaces`](crate::Options::spaces) says otherwise; the bot is in it.
pub const SPACE_ID: &str = "simulated-space";

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
    pub(crate) fn defaults() -> Vec<Self> {
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
    pub(crate) fn defaults() -> Vec<Self> {
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

impl GuestIssuer {
    pub(crate) fn defaults() -> Vec<Self> {
        vec![Self { id: GUEST_ISSUER_ID.into(), secret: GUEST_ISSUER_SECRET.into() }]
    }
}

/// A bot: an account that is no person, whose token is good until it is taken out of the options.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bot {
    /// The id that `/v1/people/me` answers.
    pub id: String,
    /// Its access token.
    pub token: String,
    /// What it is called.
    pub name: String,
}

impl Bot {
    pub(crate) fn defaults() -> Vec<Self> {
        vec![Self { id: "bot-simulated".into(), token: BOT_TOKEN.into(), name: "Simulated Bot".into() }]
    }
}

/// A space where messages are exchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Space {
    /// `roomId` in the API.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// The ids of the people and bots that are in it at the start.
    #[serde(default)]
    pub members: Vec<String>,
}

impl Space {
    pub(crate) fn defaults() -> Vec<Self> {
        vec![Self {
            id: SPACE_ID.into(),
            title: "Simulated Space".into(),
            members: vec!["bot-simulated".into(), "person-grace".into()],
        }]
    }
}
