//! The places that are called, by what they are for.

use serde::{Deserialize, Serialize};

/// The endpoints, by what they are for. The idbroker twins count as the same endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Endpoint {
    /// `/v1/authorize`, `/idb/oauth2/v1/authorize`
    Authorize,
    /// `/v1/authorize/decision`
    Decision,
    /// `/v1/access_token`, `/idb/oauth2/v1/access_token`
    AccessToken,
    /// `/idb/oauth2/v1/revoke`
    Revoke,
    /// `/idb/oauth2/v1/logout`
    Logout,
    /// `/v1/jwt/login`
    JwtLogin,
    /// `/v1/guests/token`
    GuestsToken,
    /// `/v1/device/authorize`
    DeviceAuthorize,
    /// `/v1/device/token`
    DeviceToken,
    /// `/verify`
    Verify,
    /// `/v1/people/me`
    PeopleMe,
    /// `/v1/echo` and everything below it
    Echo,
    /// `/v1/authorizations` and everything below it
    Authorizations,
    /// `/v1/rooms` and everything below it
    Rooms,
    /// `/v1/memberships`
    Memberships,
    /// `/v1/messages`
    Messages,
    /// `/u2c/api/v1/catalog`, with and without a token
    Catalog,
    /// `/avatars/..`
    Avatar,
    /// `/.well-known/..`
    Metadata,
    /// Anything else: answered 404.
    Other,
}

impl Endpoint {
    pub(crate) fn of(path: &str) -> Self {
        match path {
            "/v1/authorize" | "/idb/oauth2/v1/authorize" => Self::Authorize,
            "/v1/authorize/decision" => Self::Decision,
            "/v1/access_token" | "/idb/oauth2/v1/access_token" => Self::AccessToken,
            "/idb/oauth2/v1/revoke" => Self::Revoke,
            "/idb/oauth2/v1/logout" => Self::Logout,
            "/v1/jwt/login" => Self::JwtLogin,
            "/v1/guests/token" => Self::GuestsToken,
            "/v1/device/authorize" => Self::DeviceAuthorize,
            "/v1/device/token" => Self::DeviceToken,
            "/verify" => Self::Verify,
            "/v1/people/me" => Self::PeopleMe,
            _ if below(path, "/v1/echo") => Self::Echo,
            _ if below(path, "/v1/authorizations") => Self::Authorizations,
            _ if below(path, "/v1/rooms") => Self::Rooms,
            "/v1/memberships" => Self::Memberships,
            "/v1/messages" => Self::Messages,
            _ if below(path, "/u2c/api/v1") => Self::Catalog,
            _ if below(path, "/avatars") => Self::Avatar,
            _ if below(path, "/.well-known") => Self::Metadata,
            _ => Self::Other,
        }
    }

    /// Whether it answers tokens.
    #[must_use]
    pub fn is_grant(self) -> bool {
        matches!(self, Self::AccessToken | Self::JwtLogin | Self::GuestsToken | Self::DeviceToken)
    }

    /// Whether it is called with an access token.
    #[must_use]
    pub fn is_api(self) -> bool {
        matches!(
            self,
            Self::PeopleMe | Self::Echo | Self::Authorizations | Self::Rooms | Self::Memberships | Self::Messages
        )
    }
}

fn below(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
