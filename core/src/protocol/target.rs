//! Whether two URLs name the same place.

use url::Url;

/// Scheme, user, host, port and path agree. The query and the fragment are not looked at.
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
        && one.host_str() == other.host_str()
        && one.port_or_known_default() == other.port_or_known_default()
        && one.path() == other.path()
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
    path == "/" || url.path().ends_with(seen.path())
}

fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}
