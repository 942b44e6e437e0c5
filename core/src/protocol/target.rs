//! Whether two URLs name the same place.

use url::Url;

use crate::protocol::form::is_unreserved;

/// Scheme, user, host, port and path agree, however they are spelled (RFC 3986 section 6.2.2). The query and the fragment
/// are not looked at.
pub(crate) fn is_same_target(one: &str, other: &str) -> bool {
    // As it nearly always is.
    if one == other {
        return true;
    }
    let (one, other) = (without_query(one), without_query(other));
    if one == other {
        return true;
    }
    let (Ok(one), Ok(other)) = (Url::parse(one), Url::parse(other)) else {
        return false;
    };
    one.scheme() == other.scheme()
        && (one.username(), one.password()) == (other.username(), other.password())
        && is_same_host(one.host_str(), other.host_str())
        && one.port_or_known_default() == other.port_or_known_default()
        && plain(one.path()) == plain(other.path())
}

/// Of an app's own scheme they are texts of any case.
fn is_same_host(one: Option<&str>, other: Option<&str>) -> bool {
    one.unwrap_or_default().eq_ignore_ascii_case(other.unwrap_or_default())
}

/// A path in which nothing is escaped that need not be, and `/` where there is none, as after an app's own scheme.
fn plain(path: &str) -> String {
    let mut plain = String::with_capacity(path.len().max(1));
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        let (before, escape) = rest.split_at(at);
        plain.push_str(before);
        let byte = escape.get(1..3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = match byte {
            Some(byte) if is_unreserved(byte) => {
                plain.push(char::from(byte));
                escape.get(3..).unwrap_or_default()
            }
            Some(byte) => {
                plain.push_str(&format!("%{byte:02X}"));
                escape.get(3..).unwrap_or_default()
            }
            None => {
                plain.push('%');
                escape.get(1..).unwrap_or_default()
            }
        };
    }
    plain.push_str(rest);
    if plain.is_empty() { "/".to_owned() } else { plain }
}

/// Whether `path` is what a server may see of `url`: its path, or the end of it where a proxy or a router has taken away
/// the beginning. `/` is what a router may leave of any path.
pub(crate) fn is_path_of(path: &str, url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    // For one spelling of both.
    let mut seen = url.clone();
    seen.set_path(path);
    path == "/" || plain(url.path()).ends_with(&plain(seen.path()))
}

fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}
