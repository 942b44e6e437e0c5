//! A request as the endpoints read it.

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::endpoint::Endpoint;
use crate::log::ClientAuth;

pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) endpoint: Endpoint,
    pub(crate) query: Params,
    pub(crate) form: Params,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) tracking_id: String,
}

/// Decoded names and values in the order they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(pub(crate) Vec<(String, String)>);

impl Params {
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(text).into_owned().collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name)?;
        Some(&found.1)
    }

    /// A value that is there and not empty.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// The first name that came twice: a request like that is malformed (RFC 6749, 3.1).
    pub(crate) fn repeated(&self) -> Option<&str> {
        let mut names: Vec<_> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.windows(2).find(|pair| pair.first() == pair.last())?.first().copied()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.clone()).collect()
    }
}

impl Call {
    pub(crate) fn new(parts: &Parts, body: Bytes, tracking_id: String) -> Self {
        let is_form = header_text(&parts.headers, header::CONTENT_TYPE)
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        Self {
            method: parts.method.clone(),
            path: parts.uri.path().into(),
            endpoint: Endpoint::of(parts.uri.path()),
            query: Params::parse(parts.uri.query().unwrap_or_default().as_bytes()),
            form: if is_form { Params::parse(&body) } else { Params::default() },
            headers: parts.headers.clone(),
            body,
            tracking_id,
        }
    }

    pub(crate) fn header(&self, name: impl axum::http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The token of `Authorization: Bearer`.
    pub(crate) fn bearer(&self) -> Option<&str> {
        scheme(self.header(header::AUTHORIZATION)?, "bearer")
    }

    /// The id and the secret of `Authorization: Basic`, as they came.
    pub(crate) fn basic(&self) -> Option<(String, String)> {
        let encoded = scheme(self.header(header::AUTHORIZATION)?, "basic")?;
        let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        let (id, secret) = text.split_once(':')?;
        Some((id.into(), secret.into()))
    }

    pub(crate) fn client_auth(&self) -> ClientAuth {
        let body = self.form.get("client_secret").is_some();
        match (self.basic().is_some(), body) {
            (true, true) => ClientAuth::Both,
            (true, false) => ClientAuth::Basic,
            (false, true) => ClientAuth::Body,
            (false, false) if self.form.get("client_id").is_some() => ClientAuth::Id,
            (false, false) if self.bearer().is_some() => ClientAuth::Bearer,
            (false, false) => ClientAuth::None,
        }
    }

    /// The client that the request names, however it does.
    pub(crate) fn client_id(&self) -> Option<String> {
        self.basic()
            .map(|(id, _)| decode(&id))
            .or_else(|| self.form.get("client_id").map(Into::into))
            .or_else(|| self.query.get("client_id").map(Into::into))
    }
}

fn header_text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn scheme<'a>(value: &'a str, wanted: &str) -> Option<&'a str> {
    let (scheme, rest) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case(wanted).then(|| rest.trim())
}

/// One form-encoded value, as RFC 6749 section 2.3.1 wants the parts of Basic.
pub(crate) fn decode(text: &str) -> String {
    let whole = format!("v={}", text.replace('&', "%26"));
    let first = url::form_urlencoded::parse(whole.as_bytes()).next();
    first.map(|(_, value)| value.into_owned()).unwrap_or_default()
}
