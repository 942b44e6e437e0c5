//! What URLs and texts a configuration may have.

use std::time::Duration;

use url::Url;

use super::{ConfigError, ConfigParts, Renewal, TokenHost, check_endpoint};
use crate::secret::Secret;
use crate::target_uri::plain_host;

/// Everything that is there, whatever is missing.
pub(super) fn check_values(parts: &ConfigParts) -> Result<(), ConfigError> {
    check_text(&parts.client_id, "client_id")?;
    check_text(parts.client_secret.as_ref().map_or("", Secret::expose), "client_secret")?;
    parts.redirect_uri.as_deref().map_or(Ok(()), check_redirect_uri)?;
    if parts.scope.as_str().contains(|c: char| c.is_control() || matches!(c, '"' | '\\')) {
        return Err(ConfigError::invalid("scope", "has characters that no scope has (RFC 6749 section 3.3)"));
    }
    parts.resource.iter().try_for_each(|resource| check_resource(resource))?;
    check_timing(parts)?;
    if parts.renewal == Renewal::HostJwt && parts.provider.jwt_login_endpoint.is_none() {
        return Err(ConfigError::invalid("renewal", "host_jwt needs a provider with a jwt_login_endpoint"));
    }
    token_hosts(parts).map(drop)
}

/// The hosts that may see the token: those of the configuration, of the provider, and of the resources that it is for.
pub(super) fn token_hosts(parts: &ConfigParts) -> Result<Vec<TokenHost>, ConfigError> {
    let own = parts.token_hosts.iter().map(|entry| TokenHost::parse(entry, "token_hosts"));
    let provided = parts.provider.token_hosts.iter().map(|entry| TokenHost::parse(entry, "provider.token_hosts"));
    let resources = parts.resource.iter().filter_map(|resource| TokenHost::of_url(resource)).map(Ok);
    own.chain(provided).chain(resources).collect()
}

/// RFC 8707 section 2: an absolute URI without a fragment.
fn check_resource(text: &str) -> Result<(), ConfigError> {
    const FIELD: &str = "resource";
    check_text(text, FIELD)?;
    check_plain_host(text, FIELD)?;
    let url = Url::parse(text).map_err(|_| ConfigError::invalid(FIELD, "not an absolute URI (RFC 8707 section 2)"))?;
    if url.fragment().is_some() {
        return Err(ConfigError::invalid(FIELD, "must not have a fragment (RFC 8707 section 2)"));
    }
    Ok(())
}

/// No wait of nothing, and none that overflows a clock.
fn check_timing(parts: &ConfigParts) -> Result<(), ConfigError> {
    const SHORTEST: Duration = Duration::from_millis(1);
    const HOUR: Duration = Duration::from_secs(3600);
    const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);
    let (refresh, retry_after) = (&parts.refresh, &parts.retry_after);
    for (field, duration, longest, problem) in [
        ("request_timeout", parts.request_timeout, HOUR, "is not between a millisecond and an hour"),
        ("login_lifetime", parts.login_lifetime, YEAR, "is not between a millisecond and a year"),
        ("refresh.backoff", refresh.backoff, YEAR, "is not between a millisecond and a year"),
        ("refresh.max_backoff", refresh.max_backoff, YEAR, "is not between a millisecond and a year"),
        ("retry_after.maximum", retry_after.maximum, YEAR, "is not between a millisecond and a year"),
    ] {
        if duration < SHORTEST || duration > longest {
            return Err(ConfigError::invalid(field, problem));
        }
    }
    let (low, high) = refresh.soon_permille;
    if low > high || high > 1000 {
        return Err(ConfigError::invalid("refresh.soon_permille", "not a range within 0 to 1000"));
    }
    if refresh.backoff > refresh.max_backoff {
        return Err(ConfigError::invalid("refresh.max_backoff", "is shorter than refresh.backoff"));
    }
    for (field, duration) in [
        ("retry_after.minimum", retry_after.minimum),
        ("retry_after.zero", retry_after.zero),
        ("retry_after.missing", retry_after.missing),
    ] {
        if duration > retry_after.maximum {
            return Err(ConfigError::invalid(field, "is longer than retry_after.maximum"));
        }
    }
    Ok(())
}

/// A host in other letters than ASCII has another form, and that is the one to write.
pub(crate) fn check_plain_host(url: &str, field: &'static str) -> Result<(), ConfigError> {
    plain_host(url).map_err(|error| ConfigError::invalid(field, error.problem()))
}

/// The base of a server, below which paths of Webex are.
pub(super) fn check_base(text: &str, field: &'static str) -> Result<(), ConfigError> {
    check_endpoint(text, field)?;
    if text.contains('?') {
        return Err(ConfigError::invalid(field, "must not have a query"));
    }
    Ok(())
}

pub(super) fn check_text(text: &str, field: &'static str) -> Result<(), ConfigError> {
    if text.trim() != text || text.chars().any(char::is_control) {
        return Err(ConfigError::invalid(field, "has space around it, or control characters"));
    }
    if text.starts_with(['"', '\'']) || text.ends_with(['"', '\'']) {
        return Err(ConfigError::invalid(field, "contains quotes, as a Windows shell leaves them"));
    }
    Ok(())
}

pub(super) fn check_https(url: &Url, field: &'static str) -> Result<(), ConfigError> {
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        "http" => Err(ConfigError::insecure(field)),
        _ => Err(ConfigError::invalid(field, "unknown scheme, https is expected")),
    }
}

/// RFC 8252 section 7: https, http on loopback, or an app's own scheme. Never one that a browser runs or reads.
pub(crate) fn check_redirect_uri(text: &str) -> Result<(), ConfigError> {
    const FIELD: &str = "redirect_uri";
    if text.starts_with(['"', '\'']) || text.ends_with(['"', '\'']) {
        return Err(ConfigError::invalid(FIELD, "contains quotes, as a Windows shell leaves them"));
    }
    check_plain_host(text, FIELD)?;
    let url = Url::parse(text).map_err(|_| ConfigError::invalid(FIELD, "not an absolute URI"))?;
    if url.fragment().is_some() {
        return Err(ConfigError::invalid(FIELD, "must not have a fragment (RFC 6749 section 3.1.2)"));
    }
    match url.scheme() {
        "http" | "https" => check_https(&url, FIELD),
        "javascript" | "data" | "file" | "blob" | "about" | "vbscript" | "ws" | "wss" | "ftp" => {
            Err(ConfigError::invalid(FIELD, "a scheme that cannot be a redirect target"))
        }
        _ => Ok(()),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
