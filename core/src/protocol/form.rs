//! Query strings and form bodies.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// Everything but the unreserved characters of RFC 3986 section 2.3.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A query string or form body in the making. Spaces become `%20`, which every reader of either format understands.
pub(crate) struct Form(String);

impl Form {
    /// With room for what a request is made of: a text that has to move leaves copies of secrets behind.
    pub(crate) fn new() -> Self {
        Self(String::with_capacity(512))
    }

    /// Starts with the grant type, as every token request does.
    pub(crate) fn grant(grant_type: &str) -> Self {
        let mut form = Self::new();
        form.add("grant_type", grant_type);
        form
    }

    /// Continues the query of `url`.
    pub(crate) fn after(url: &str) -> Self {
        let mut form = Self::new();
        form.0.push_str(url);
        if !url.contains('?') {
            form.0.push('?');
        }
        form
    }

    /// A parameter of the protocol: there is nothing to escape in its name.
    pub(crate) fn add(&mut self, name: &'static str, value: &str) {
        self.separate();
        self.0.push_str(name);
        self.0.push('=');
        percent_encode(&mut self.0, value);
    }

    /// One whose name is the caller's or the server's.
    pub(crate) fn add_other(&mut self, name: &str, value: &str) {
        self.separate();
        percent_encode(&mut self.0, name);
        self.0.push('=');
        percent_encode(&mut self.0, value);
    }

    fn separate(&mut self) {
        if !matches!(self.0.as_bytes().last(), None | Some(b'?' | b'&')) {
            self.0.push('&');
        }
    }

    pub(crate) fn add_some(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    pub(crate) fn into_secret(self) -> Secret {
        Secret::new(self.0)
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

/// Everything but the unreserved characters is escaped.
pub(crate) fn percent_encode(out: &mut String, text: &str) {
    out.extend(utf8_percent_encode(text, ESCAPED));
}

/// RFC 3986 section 2.3.
pub(crate) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// As a form writes a value: `+` for a space.
pub(crate) fn form_encode(text: &str) -> Zeroizing<String> {
    Zeroizing::new(form_urlencoded::byte_serialize(text.as_bytes()).collect())
}

/// The parameters of a query string or form body, decoded. Malformed escapes stand for themselves.
pub(crate) fn parse(text: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_not_unreserved_is_escaped() {
        let mut out = String::new();
        percent_encode(&mut out, "aZ09-._~ \u{e4}/?&=+%@[`{");
        assert_eq!(out, "aZ09-._~%20%C3%A4%2F%3F%26%3D%2B%25%40%5B%60%7B");
    }

    #[test]
    fn an_address_may_have_a_query_of_its_own() {
        let after = |url| {
            let mut form = Form::after(url);
            form.add("a", "b");
            form.into_string()
        };
        assert_eq!(after("https://as.example/x"), "https://as.example/x?a=b");
        assert_eq!(after("https://as.example/x?y=1"), "https://as.example/x?y=1&a=b");
        assert_eq!(after("https://as.example/x?y=1&"), "https://as.example/x?y=1&a=b");
    }
}
