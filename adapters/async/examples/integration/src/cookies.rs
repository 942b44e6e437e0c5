//! Encrypted cookies: who is signed in, which login is under way, and what is to be said about one that ended. The name
//! of a cookie is part of what its seal covers, so that none passes for another.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponseParts, ResponseParts};
use axum_extra::extract::cookie::{Cookie, Key, PrivateCookieJar, SameSite};
use std::convert::Infallible;
use time::Duration;

use crate::app::Shared;

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// The key of the user who is signed in.
    Session,
    /// The login under way: the browser keeps all of it, so that nothing is kept here for who never comes back.
    Login,
    /// How a login ended, for the page that says so.
    Outcome,
}

impl Kind {
    /// With https a name that the browser takes from this host alone, for all of it, over https.
    fn name(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Session, false) => "session",
            (Self::Session, true) => "__Host-session",
            (Self::Login, false) => "login",
            (Self::Login, true) => "__Host-login",
            (Self::Outcome, false) => "outcome",
            (Self::Outcome, true) => "__Host-outcome",
        }
    }

    fn lifetime(self) -> Duration {
        match self {
            Self::Session => Duration::days(90),
            Self::Login => Duration::minutes(15),
            Self::Outcome => Duration::minutes(5),
        }
    }
}

/// The cookies of one request, and those of its answer.
pub(crate) struct Cookies {
    jar: PrivateCookieJar,
    secure: bool,
}

impl Cookies {
    /// What we sealed under this name; anything else counts as none.
    pub(crate) fn get(&self, kind: Kind) -> Option<String> {
        self.jar.get(kind.name(self.secure)).map(|cookie| cookie.value().to_owned())
    }

    pub(crate) fn set(self, kind: Kind, value: String) -> Self {
        let cookie = Cookie::build((kind.name(self.secure), value))
            .path("/")
            .http_only(true)
            .secure(self.secure)
            // Lax: the browser brings it along when the authorization server sends it back to us.
            .same_site(SameSite::Lax)
            .max_age(kind.lifetime());
        Self { jar: self.jar.add(cookie), ..self }
    }

    pub(crate) fn clear(self, kind: Kind) -> Self {
        let gone = Cookie::build(kind.name(self.secure)).path("/").secure(self.secure);
        Self { jar: self.jar.remove(gone), ..self }
    }
}

impl FromRequestParts<Shared> for Cookies {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Infallible> {
        let jar = PrivateCookieJar::from_headers(&parts.headers, shared.key.clone());
        Ok(Self { jar, secure: shared.secure })
    }
}

impl IntoResponseParts for Cookies {
    type Error = Infallible;

    fn into_response_parts(self, response: ResponseParts) -> Result<ResponseParts, Infallible> {
        self.jar.into_response_parts(response)
    }
}

/// The key that cookies are sealed with, from this file; the first one makes it. Without a file it ends with the process.
pub(crate) fn key(path: Option<&std::path::Path>) -> std::io::Result<Key> {
    let fresh = || Key::try_generate().ok_or_else(|| std::io::Error::other("no randomness"));
    let Some(path) = path else {
        return fresh();
    };
    let read = || Key::try_from(std::fs::read(path)?.as_slice()).map_err(std::io::Error::other);
    match read() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let key = fresh()?;
            match write_private(path, key.master()) {
                // Another node was faster.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => read(),
                written => written.map(|()| key),
            }
        }
        read => read,
    }
}

/// Whole, or not at all: another node may be reading it.
fn write_private(path: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let part = path.with_file_name(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    std::io::Write::write_all(&mut options.open(&part)?, bytes)?;
    // Unlike a rename, a link takes the place of nothing.
    let linked = std::fs::hard_link(&part, path);
    std::fs::remove_file(&part)?;
    linked
}
