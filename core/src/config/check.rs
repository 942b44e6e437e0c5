//! What URLs and texts a configuration may have.

use url::Url;

use super::ConfigError;

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
        "http" => Err(ConfigError::Insecure { field }),
        _ => Err(ConfigError::invalid(field, "unknown scheme, https is expected")),
    }
}

/// RFC 8252 section 7: https, http on loopback, or an app's own scheme. Never one that a browser runs or reads.
pub(crate) fn check_redirect_uri(text: &str) -> Result<(), ConfigError> {
    const FIELD: &str = "redirect_uri";
    if text.starts_with(['"', '\'']) || text.ends_with(['"', '\'']) {
        return Err(ConfigError::invalid(FIELD, "contains quotes, as a Windows shell leaves them"));
    }
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
