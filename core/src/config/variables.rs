//! Configuration from named variables, usually the environment.

use super::{ConfigError, ConfigParts};
use crate::protocol::scope::Scope;
use crate::provider::Provider;
use crate::secret::Secret;

impl ConfigParts {
    /// From a map of variables, usually the environment's: `lookup` answers the value of a name.
    ///
    /// `WEBEX_*` goes before `COMMON_IDENTITY_*` before the plain names; `WEBEX_AUTHORIZATION_STRING` lies over them,
    /// and over `IDBROKER_BASE_URL`; `HYDRA_SERVICE_URL` moves the REST API in any case.
    /// With `legacy`, `CISCOSPARK_*` comes last. Empty values count as absent. A pair of quotes around a value, as the
    /// Windows shell leaves it there, is removed; a single one is an error.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>, legacy: bool) -> Result<Self, ConfigError> {
        let variables = Variables { lookup, legacy };
        let mut parts = Self::new(Provider::webex(), "");
        if let Some(base) = variables.first("idbroker_base_url", &["IDBROKER_BASE_URL"])? {
            parts.provider = Provider::idbroker_at(&base);
        }
        let client_id = ["WEBEX_CLIENT_ID", "COMMON_IDENTITY_CLIENT_ID", "CLIENT_ID", "CISCOSPARK_CLIENT_ID"];
        parts.client_id = variables.first("client_id", &client_id)?.unwrap_or_default();
        parts.client_secret = variables
            .first(
                "client_secret",
                &["WEBEX_CLIENT_SECRET", "COMMON_IDENTITY_CLIENT_SECRET", "CLIENT_SECRET", "CISCOSPARK_CLIENT_SECRET"],
            )?
            .map(Secret::new);
        parts.redirect_uri = variables.first(
            "redirect_uri",
            &["WEBEX_REDIRECT_URI", "COMMON_IDENTITY_REDIRECT_URI", "REDIRECT_URI", "CISCOSPARK_REDIRECT_URI"],
        )?;
        let scope = ["WEBEX_SCOPE", "WEBEX_SCOPES", "COMMON_IDENTITY_SCOPE", "SCOPE", "SCOPES", "CISCOSPARK_SCOPE"];
        parts.scope = variables.first("scope", &scope)?.map(|text| Scope::parse(&text)).unwrap_or_default();
        parts.access_token = variables.first("access_token", &["WEBEX_ACCESS_TOKEN"])?.map(Secret::new);
        if let Some(url) =
            variables.first("authorization_url", &["WEBEX_AUTHORIZATION_STRING", "AUTHORIZATION_STRING"])?
        {
            parts.apply_authorization_url(&url)?;
        } else if let Some(url) = variables.first("authorization_endpoint", &["WEBEX_AUTHORIZE_URL"])? {
            parts.provider.authorization_endpoint = url;
        }
        // No authorization URL says where the REST API is.
        if let Some(base) = variables.first("hydra_service_url", &["HYDRA_SERVICE_URL"])? {
            parts.provider.set_api_base(&base);
        }
        Ok(parts)
    }
}

/// Variables with their rules: first name wins, empty is absent, quotes are removed.
struct Variables<F> {
    lookup: F,
    legacy: bool,
}

impl<F: Fn(&str) -> Option<String>> Variables<F> {
    fn first(&self, field: &'static str, names: &[&str]) -> Result<Option<String>, ConfigError> {
        for name in names.iter().filter(|name| self.legacy || !name.starts_with("CISCOSPARK_")) {
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
                return Err(ConfigError::invalid(field, "begins or ends with a single quote character"));
            }
        }
    }
    Ok(value)
}
