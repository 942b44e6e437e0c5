//! The endpoints of a provider, read once.

use std::sync::Arc;

use super::ConfigError;
use crate::provider::Provider;
use crate::target_uri::TargetUri;

/// Where the session's requests go.
#[derive(Debug, Clone)]
pub(crate) struct Endpoints {
    pub(crate) token: Arc<TargetUri>,
    /// Where a device polls: the token endpoint where there is no other.
    pub(crate) device_token: Arc<TargetUri>,
    pub(crate) device_authorization: Option<Arc<TargetUri>>,
    pub(crate) revocation: Option<Arc<TargetUri>>,
    pub(crate) logout: Option<Arc<TargetUri>>,
    pub(crate) jwt_login: Option<Arc<TargetUri>>,
    pub(crate) guest_token: Option<Arc<TargetUri>>,
}

impl Endpoints {
    /// Checks those of `provider`, and leaves them there in normal form.
    pub(super) fn read(provider: &mut Provider) -> Result<Self, ConfigError> {
        // Servers for devices and services have none.
        if !provider.authorization_endpoint.is_empty() {
            read(&mut provider.authorization_endpoint, "authorization_endpoint")?;
        }
        let token = read(&mut provider.token_endpoint, "token_endpoint")?;
        let device_token = read_some(&mut provider.device_token_endpoint, "device_token_endpoint")?;
        read_some(&mut provider.api_base, "api_base")?;
        read_some(&mut provider.userinfo_endpoint, "userinfo_endpoint")?;
        read_some(&mut provider.catalog_endpoint, "catalog_endpoint")?;
        if let Some(base) = &mut provider.api_base {
            base.truncate(base.trim_end_matches('/').len());
        }
        Ok(Self {
            device_token: device_token.unwrap_or_else(|| Arc::clone(&token)),
            token,
            device_authorization: read_some(
                &mut provider.device_authorization_endpoint,
                "device_authorization_endpoint",
            )?,
            revocation: read_some(&mut provider.revocation_endpoint, "revocation_endpoint")?,
            logout: read_some(&mut provider.logout_endpoint, "logout_endpoint")?,
            jwt_login: read_some(&mut provider.jwt_login_endpoint, "jwt_login_endpoint")?,
            guest_token: read_some(&mut provider.guest_token_endpoint, "guest_token_endpoint")?,
        })
    }
}

/// Whether a text is the address of an endpoint.
pub(crate) fn check_endpoint(text: &str, field: &'static str) -> Result<(), ConfigError> {
    read(&mut text.to_owned(), field).map(drop)
}

fn read_some(text: &mut Option<String>, field: &'static str) -> Result<Option<Arc<TargetUri>>, ConfigError> {
    text.as_mut().map(|text| read(text, field)).transpose()
}

fn read(text: &mut String, field: &'static str) -> Result<Arc<TargetUri>, ConfigError> {
    if text.is_empty() {
        return Err(ConfigError::missing(field));
    }
    let target = TargetUri::parse(text).map_err(|error| ConfigError::invalid(field, error.problem()))?;
    if !target.is_secure() {
        return Err(ConfigError::insecure(field));
    }
    if text.contains('#') {
        return Err(ConfigError::invalid(field, "must not have a fragment"));
    }
    target.url().clone_into(text);
    Ok(Arc::new(target))
}
