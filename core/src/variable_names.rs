//! The variables that give a configuration, by field.

/// The variables of a field, in the order in which they count.
const NAMES: [(&str, &[&str]); 17] = [
    ("client_id", &["WEBEX_CLIENT_ID", "COMMON_IDENTITY_CLIENT_ID", "CLIENT_ID", "CISCOSPARK_CLIENT_ID"]),
    (
        "client_secret",
        &["WEBEX_CLIENT_SECRET", "COMMON_IDENTITY_CLIENT_SECRET", "CLIENT_SECRET", "CISCOSPARK_CLIENT_SECRET"],
    ),
    (
        "redirect_uri",
        &["WEBEX_REDIRECT_URI", "COMMON_IDENTITY_REDIRECT_URI", "REDIRECT_URI", "CISCOSPARK_REDIRECT_URI"],
    ),
    ("scope", &["WEBEX_SCOPE", "WEBEX_SCOPES", "COMMON_IDENTITY_SCOPE", "SCOPE", "SCOPES", "CISCOSPARK_SCOPE"]),
    ("access_token", &["WEBEX_ACCESS_TOKEN"]),
    ("authorization_url", &["WEBEX_AUTHORIZATION_STRING", "AUTHORIZATION_STRING"]),
    ("authorization_endpoint", &["WEBEX_AUTHORIZE_URL"]),
    ("metadata", &["WEBEX_METADATA"]),
    ("issuer", &["WEBEX_ISSUER"]),
    ("server", &["WEBEX_SERVER"]),
    ("provider", &["WEBEX_PROVIDER"]),
    ("profile", &["WEBEX_PROFILE"]),
    ("idbroker_base_url", &["IDBROKER_BASE_URL"]),
    ("hydra_service_url", &["HYDRA_SERVICE_URL"]),
    ("client_auth", &["WEBEX_CLIENT_AUTH"]),
    ("token_hosts", &["WEBEX_TOKEN_HOSTS"]),
    ("resource", &["WEBEX_RESOURCE"]),
];

/// All names that a field's variable may have.
pub(crate) fn names(field: &str) -> &'static [&'static str] {
    NAMES.iter().find(|(name, _)| *name == field).map_or(&[], |(_, names)| names)
}

/// The variable that gives this field of a configuration, as people are told; `None` where none does.
pub fn variable_of(field: &str) -> Option<&'static str> {
    names(field).first().copied()
}
