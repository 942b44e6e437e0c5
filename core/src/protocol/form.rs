//! Writing query strings and form bodies without copies of secrets left behind.

use crate::secret::Secret;

/// A query string or form body in the making. Spaces become `%20`, which every reader of either format understands.
pub(crate) struct Form(String);

impl Form {
    /// Starts with the grant type, as every token request does.
    pub(crate) fn grant(grant_type: &str) -> Self {
        let mut form = Self(String::with_capacity(512));
        form.add("grant_type", grant_type);
        form
    }

    /// Continues `prefix`, a URL for example; the caller has seen to its `?`.
    pub(crate) fn after(prefix: String) -> Self {
        Self(prefix)
    }

    pub(crate) fn add(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() && !self.0.ends_with(['?', '&', '#']) {
            self.0.push('&');
        }
        percent_encode(&mut self.0, name);
        self.0.push('=');
        percent_encode(&mut self.0, value);
    }

    pub(crate) fn add_some(&mut self, name: &str, value: Option<&str>) {
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

/// Everything but the unreserved characters of RFC 3986 section 2.3 is escaped.
pub(crate) fn percent_encode(out: &mut String, text: &str) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for nibble in [byte >> 4, byte & 15] {
                out.push(HEX.get(usize::from(nibble)).copied().unwrap_or('0'));
            }
        }
    }
}

/// As a form writes a value: `+` for a space.
pub(crate) fn form_encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The parameters of a query string or form body, decoded. Malformed escapes stand for themselves.
pub(crate) fn parse(text: &str) -> url::form_urlencoded::Parse<'_> {
    url::form_urlencoded::parse(text.as_bytes())
}
