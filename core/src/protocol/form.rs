//! Writing query strings and form bodies without copies of secrets left behind.

use std::borrow::Cow;

use crate::protocol::bytes::all_bytes;
use crate::secret::Secret;

/// A query string or form body in the making. Spaces become `%20`, which every reader of either format understands.
pub(crate) struct Form(String);

impl Form {
    /// Starts with the grant type, as every token request does: the whole parameter, as it goes.
    pub(crate) fn grant(grant_type: &'static str) -> Self {
        let mut form = Self(String::with_capacity(512));
        form.add_written(grant_type);
        form
    }

    /// Continues `prefix`, a URL for example; the caller has seen to its `?`.
    pub(crate) fn after(prefix: String) -> Self {
        Self(prefix)
    }

    /// A name of ours has nothing to escape.
    pub(crate) fn add(&mut self, name: &'static str, value: &str) {
        self.name(name);
        percent_encode(&mut self.0, value);
    }

    /// A name that is the caller's.
    pub(crate) fn add_extra(&mut self, name: &str, value: &str) {
        self.separate();
        percent_encode(&mut self.0, name);
        self.0.push('=');
        percent_encode(&mut self.0, value);
    }

    /// Parameters as they go: written before, or constants.
    pub(crate) fn add_written(&mut self, parameters: &str) {
        self.separate();
        self.0.push_str(parameters);
    }

    fn name(&mut self, name: &'static str) {
        self.separate();
        self.0.push_str(name);
        self.0.push('=');
    }

    fn separate(&mut self) {
        if !matches!(self.0.as_bytes().last(), None | Some(b'?' | b'&' | b'#')) {
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

/// Everything but the unreserved characters of RFC 3986 section 2.3 is escaped.
pub(crate) fn percent_encode(out: &mut String, text: &str) {
    // As in tokens, codes and secrets.
    if all_bytes(text, is_unreserved) {
        return out.push_str(text);
    }
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !is_unreserved(byte)) {
        let (plain, tail) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = tail.chars();
        for byte in chars.next().unwrap_or_default().encode_utf8(&mut [0; 4]).bytes() {
            out.push('%');
            out.push(hex(byte >> 4));
            out.push(hex(byte & 15));
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
}

fn hex(nibble: u8) -> char {
    char::from(if nibble < 10 { b'0' + nibble } else { b'A' - 10 + nibble })
}

/// RFC 3986 section 2.3.
pub(crate) fn is_unreserved(byte: u8) -> bool {
    let is_letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    let is_digit = byte.wrapping_sub(b'0') < 10;
    let is_dash_or_dot = byte.wrapping_sub(b'-') < 2;
    is_letter | is_digit | is_dash_or_dot | (byte == b'_') | (byte == b'~')
}

/// As a form writes a value: `+` for a space.
pub(crate) fn form_encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The parameters of a query string or form body, decoded. Malformed escapes stand for themselves.
pub(crate) fn parse(text: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    text.split('&').filter_map(parse_one)
}

/// One of them; `None` where there is nothing.
#[inline]
pub(crate) fn parse_one(pair: &str) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    let is_plain = all_bytes(pair, |byte| (byte != b'%') & (byte != b'+'));
    if !is_plain || pair.is_empty() {
        return decode(pair);
    }
    let at = pair.bytes().position(|byte| byte == b'=').unwrap_or(pair.len());
    let (name, value) = (pair.get(..at)?, pair.get(at + 1..).unwrap_or_default());
    Some((Cow::Borrowed(name), Cow::Borrowed(value)))
}

#[cold]
fn decode(pair: &str) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    url::form_urlencoded::parse(pair.as_bytes()).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_as_the_url_standard_has_it() {
        for text in ["", "&", "a=b&c", "=x&&y=", "a=b=c&a=%41+%zz", "%ff=\u{e4}&+=+", "a%3Db=c%26d&\u{e4}=\u{20ac}"] {
            assert!(parse(text).eq(url::form_urlencoded::parse(text.as_bytes())), "{text}");
        }
    }

    #[test]
    fn everything_that_is_not_unreserved_is_escaped() {
        let mut out = String::new();
        percent_encode(&mut out, "aZ09-._~ \u{e4}/?&=+%@[`{");
        assert_eq!(out, "aZ09-._~%20%C3%A4%2F%3F%26%3D%2B%25%40%5B%60%7B");
    }
}
