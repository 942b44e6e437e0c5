//! Two signed cookies: who is signed in, and which login is under way. A login that fails leaves the first one alone.

use axum_extra::extract::cookie::{Cookie, Key, SameSite, SignedCookieJar};
use time::Duration;

/// The user who is signed in.
pub(crate) const SESSION: &str = "session";
/// The login under way.
pub(crate) const LOGIN: &str = "login";

/// The value of a cookie that we signed; anything else counts as none.
pub(crate) fn read(jar: &SignedCookieJar, name: &str) -> Option<String> {
    jar.get(name).map(|cookie| cookie.value().to_owned())
}

pub(crate) fn with(jar: SignedCookieJar, name: &'static str, value: String, secure: bool) -> SignedCookieJar {
    let (path, lifetime) = if name == LOGIN { ("/oauth", Duration::minutes(15)) } else { ("/", Duration::days(90)) };
    let cookie = Cookie::build((name, value))
        .path(path)
        .http_only(true)
        .secure(secure)
        // Lax: the browser brings it along when the authorization server sends it back to us.
        .same_site(SameSite::Lax)
        .max_age(lifetime);
    jar.add(cookie)
}

pub(crate) fn without(jar: SignedCookieJar, name: &'static str) -> SignedCookieJar {
    let path = if name == LOGIN { "/oauth" } else { "/" };
    jar.remove(Cookie::build(name).path(path))
}

/// The key that cookies are signed with: kept beside the sessions where those are kept.
pub(crate) fn key(folder: Option<&std::path::Path>) -> std::io::Result<Key> {
    let fresh = || Key::try_generate().ok_or_else(|| std::io::Error::other("no randomness"));
    let Some(folder) = folder else {
        return fresh();
    };
    let path = folder.join("cookie.key");
    match std::fs::read(&path) {
        Ok(bytes) => Key::try_from(bytes.as_slice()).map_err(std::io::Error::other),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = fresh()?;
            std::fs::create_dir_all(folder)?;
            write_private(&path, key.master())?;
            Ok(key)
        }
        Err(error) => Err(error),
    }
}

fn write_private(path: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    std::io::Write::write_all(&mut options.open(path)?, bytes)
}
