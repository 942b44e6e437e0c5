//! Where an authorization answer goes, and in which part of the URL.

use url::{Host, Url};

use crate::answer::Answer;
use crate::pages;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Query,
    Fragment,
    FormPost,
}

/// An answer on its way back to the client.
#[derive(Clone, Debug)]
pub(crate) struct Landing {
    target: String,
    mode: Mode,
    state: Option<String>,
    issuer: Option<String>,
    error: Option<String>,
    params: Vec<(String, String)>,
}

impl Landing {
    pub(crate) fn new(target: String, mode: Mode, state: Option<&str>, issuer: Option<String>) -> Self {
        Self { target, mode, state: state.map(Into::into), issuer, error: None, params: Vec::new() }
    }

    pub(crate) fn add(&mut self, name: &str, value: &str) {
        self.params.push((name.into(), value.into()));
    }

    pub(crate) fn fail(&mut self, code: &str, why: &str) {
        self.error = Some(code.into());
        self.add("error", code);
        self.add("error_description", why);
        self.finish();
    }

    /// `state` and `iss` come with every answer.
    pub(crate) fn finish(&mut self) {
        if let Some(state) = self.state.take() {
            self.add("state", &state);
        }
        if let Some(issuer) = self.issuer.take() {
            self.add("iss", &issuer);
        }
    }

    pub(crate) fn is_error(&self) -> bool {
        self.error.is_some()
    }

    /// The URL the browser ends up at. The form of a form post is written as its query.
    pub(crate) fn url(&self) -> String {
        let params = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.params).finish();
        let mark = match self.mode {
            Mode::Fragment => '#',
            Mode::Query | Mode::FormPost if self.target.contains('?') => '&',
            Mode::Query | Mode::FormPost => '?',
        };
        format!("{}{mark}{params}", self.target)
    }

    pub(crate) fn answer(&self, nonce: &str) -> Answer {
        let answer = match self.mode {
            Mode::FormPost => pages::form_post(nonce, &self.target, &self.params),
            Mode::Query | Mode::Fragment => Answer::redirect(&self.url()),
        };
        match &self.error {
            Some(code) => answer.outcome(code),
            None => answer,
        }
    }
}

/// Whether answers may go to this URI.
pub(crate) fn is_registered(uri: &str, registered: &[String], any: bool) -> bool {
    let Ok(url) = Url::parse(uri) else {
        return false;
    };
    let clean = uri.is_ascii() && !uri.bytes().any(|byte| byte.is_ascii_control()) && url.fragment().is_none();
    clean && (any || registered.iter().any(|known| known == uri || is_loopback_twin(&url, known)))
}

/// RFC 8252, 7.3: an app cannot know which loopback port will be free.
fn is_loopback_twin(url: &Url, registered: &str) -> bool {
    Url::parse(registered).is_ok_and(|known| {
        is_loopback(&known)
            && known.port().is_none()
            && (known.scheme(), known.host(), known.path(), known.query())
                == (url.scheme(), url.host(), url.path(), url.query())
            && url.username().is_empty()
    })
}

/// Plain http to this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    url.scheme() == "http"
        && match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_uri_without_a_port_stands_for_every_port_and_for_nothing_else() {
        let known = ["http://127.0.0.1/callback".to_owned()];
        assert!(is_registered("http://127.0.0.1:5000/callback", &known, false));
        assert!(!is_registered("http://127.0.0.1:5000/other", &known, false));
        assert!(!is_registered("http://evil.example:5000/callback", &known, false));
        assert!(!is_registered("http://127.0.0.1:5000/callback#x", &known, false));
        assert!(is_registered("https://any.example/", &known, true));
    }
}
