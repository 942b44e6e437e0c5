//! URLs that something is sent to: read once, in normal form.
//!
//! Two parsers that disagree about a URL send a token to a host that nobody judged. So there is one: it refuses what
//! is read in more than one way, and a transport connects to what it says, never to its own reading of the text.

use std::fmt;

use url::{Host, Position, Url};

/// Where a request goes (RFC 9110 section 7.1), in normal form.
///
/// Upper case, a port that the scheme has anyway, dot segments, bytes that a URL may not have: such spelling is
/// normalized. Spelling that is read differently elsewhere is refused: credentials, backslashes, control characters,
/// percent-encoded hosts, IPv4 addresses in any form but `127.0.0.1`, IPv4 in IPv6, hosts that are not in ASCII (their `xn--`
/// form is).
/// The fragment is dropped.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TargetUri {
    url: String,
    scheme: &'static str,
    authority: String,
    host: String,
    port: u16,
    request_target: String,
    is_loopback: bool,
}

/// A URL that nothing can be sent to; says why, without the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UrlError(&'static str);

impl UrlError {
    /// What is wrong with it, for people.
    pub fn problem(self) -> &'static str {
        self.0
    }
}

impl TargetUri {
    /// Reads an absolute URL of http or https.
    ///
    /// # Errors
    ///
    /// [`UrlError`] where it is none, or spelled so that others may read another host in it: see [`TargetUri`].
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.trim() != text || text.chars().any(char::is_control) {
            return Err(UrlError("has space around it, or control characters"));
        }
        let (scheme, default_port, rest) = split_scheme(text).ok_or(UrlError("not an absolute http or https URL"))?;
        if rest.split(['?', '#']).next().is_some_and(|before_query| before_query.contains('\\')) {
            return Err(UrlError("has a backslash in it, which is a slash to some and not to others"));
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(UrlError("must not carry credentials"));
        }
        plain_host(text)?;
        let url = Url::parse(text).map_err(|_| UrlError("its host or port cannot be used"))?;
        let (host, is_loopback) = read_host(url.host(), authority)?;
        let port = url.port().unwrap_or(default_port);
        if port == 0 {
            return Err(UrlError("its host or port cannot be used"));
        }
        let mut authority = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        if port != default_port {
            authority = format!("{authority}:{port}");
        }
        let request_target = legal(&url[Position::BeforePath..Position::AfterQuery]);
        let url = format!("{scheme}://{authority}{request_target}");
        Ok(Self { url, scheme, authority, host, port, request_target, is_loopback })
    }

    /// The whole of it: scheme, authority and request target.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `https` or `http`.
    pub fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// Host and port as they stand in a `Host` header: the port is left out where the scheme has it anyway, an IPv6
    /// address is in brackets.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The name to look up, or the address to connect to; in lower case, without brackets and without a dot at its end.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Path and query, as they stand in the first line of a request (RFC 9112 section 3.2.1).
    pub fn request_target(&self) -> &str {
        &self.request_target
    }

    /// Whether what is sent there stays on this machine: `localhost`, `127.0.0.0/8`, `::1`. Plain http is good enough
    /// for it then, and it is no proxy's business.
    pub fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    /// https, or on this machine: good enough for a secret.
    pub fn is_secure(&self) -> bool {
        self.scheme == "https" || self.is_loopback
    }
}

impl fmt::Display for TargetUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

/// A host is in ASCII: `xn--…` stands for one in the letters of another language (RFC 5890 section 2.3.2.1), so that no table
/// of letters decides where a token goes.
pub(crate) fn plain_host(url: &str) -> Result<(), UrlError> {
    let rest = url.split_once("//").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    if authority.is_ascii() {
        return Ok(());
    }
    Err(UrlError("its host is not in ASCII: write it in its xn-- form"))
}

fn split_scheme(text: &str) -> Option<(&'static str, u16, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let starts_with_host = !rest.starts_with(['/', '?', '#']);
    match scheme {
        _ if !starts_with_host => None,
        _ if scheme.eq_ignore_ascii_case("https") => Some(("https", 443, rest)),
        _ if scheme.eq_ignore_ascii_case("http") => Some(("http", 80, rest)),
        _ => None,
    }
}

/// The host in normal form, and whether it is this machine; refused where `authority`, the same as it was written,
/// may mean another one.
fn read_host(host: Option<Host<&str>>, authority: &str) -> Result<(String, bool), UrlError> {
    match host.ok_or(UrlError("has no host"))? {
        Host::Ipv4(address) => {
            let text = address.to_string();
            if without_port(authority) != text {
                return Err(UrlError("an IPv4 address is four decimal numbers, as in 127.0.0.1"));
            }
            Ok((text, address.is_loopback()))
        }
        Host::Ipv6(address) => {
            if address.to_ipv4_mapped().is_some() {
                return Err(UrlError("an IPv4 address is not written as an IPv6 address"));
            }
            Ok((address.to_string(), address.is_loopback()))
        }
        Host::Domain(name) => {
            let written = without_port(authority);
            let name = name.strip_suffix('.').unwrap_or(name);
            let written = written.strip_suffix('.').unwrap_or(written);
            let (labels, as_written) = (name.split('.'), written.split('.'));
            let as_many = labels.clone().count() == as_written.clone().count();
            if !as_many || !labels.zip(as_written).all(|(label, written)| is_label(label, written)) {
                return Err(UrlError("its host is not a plain name"));
            }
            Ok((name.to_owned(), name == "localhost"))
        }
    }
}

/// Of anything but an IPv6 address.
fn without_port(authority: &str) -> &str {
    authority.split(':').next().unwrap_or_default()
}

/// A label of a domain that was written as what it is.
fn is_label(label: &str, written: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !label.is_empty() && label.bytes().all(is_plain) && label.eq_ignore_ascii_case(written)
}

/// Path and query with nothing in them but what RFC 3986 allows there, and escapes in upper case: what one library
/// would pass and the next one encode is encoded here, so that every transport sends the same bytes.
fn legal(path_and_query: &str) -> String {
    let mut legal = String::with_capacity(path_and_query.len());
    let mut rest = path_and_query.chars();
    while let Some(next) = rest.next() {
        match next {
            '%' => match rest.as_str().get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit())) {
                Some(digits) => {
                    legal.push('%');
                    legal.push_str(&digits.to_ascii_uppercase());
                    rest = rest.as_str().get(2..).unwrap_or_default().chars();
                }
                None => legal.push_str("%25"),
            },
            // All else that is not allowed is escaped by now.
            '"' | '<' | '>' | '[' | '\\' | ']' | '^' | '`' | '{' | '|' | '}' => {
                legal.push_str(&format!("%{:02X}", u32::from(next)));
            }
            _ => legal.push(next),
        }
    }
    legal
}
