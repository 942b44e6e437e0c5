//! How the simulated server behaves: lifetimes, rotation, token shapes, who exists.

use serde::{Deserialize, Serialize};

use crate::residents::{Bot, Client, GuestIssuer, Person, Space};

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
    /// Who may call the API with a token that never ends.
    pub bots: Vec<Bot>,
    /// The spaces that there are, and who is in them at the start.
    pub spaces: Vec<Space>,
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
            guest_issuers: GuestIssuer::defaults(),
            bots: Bot::defaults(),
            spaces: Space::defaults(),
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
