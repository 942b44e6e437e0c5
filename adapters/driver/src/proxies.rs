//! Which proxy a request goes through: the variables of the environment, by the rule of docs/operations.md, which is curl's but for
//! the ports in `no_proxy`.

use std::ffi::OsString;
use std::fmt;
use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use url::Url;
use webex_oauth::TargetUri;

const HTTPS: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
/// In capitals it is not read: in a CGI program that is a header of the request.
const HTTP: [&str; 3] = ["http_proxy", "all_proxy", "ALL_PROXY"];
const EXEMPT: [&str; 2] = ["no_proxy", "NO_PROXY"];
/// Where a proxy listens whose port is not named.
const PORT: u16 = 1080;

/// The proxies that the environment names, as it was when this was made. HTTP libraries leave out one that they cannot
/// use, and connect directly: here it is an error, and nothing is sent where nobody wanted it.
#[derive(Clone, Default)]
pub struct Proxies {
    https: Option<Result<Url, String>>,
    http: Option<Result<Url, String>>,
    exempt: Exempt,
}

impl Proxies {
    /// Of the process's environment.
    pub fn of_environment() -> Self {
        Self::of(|name| std::env::var_os(name))
    }

    /// Of variables by their names.
    pub fn of(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let named = |names: &[&str]| {
            let values = names.iter().filter_map(|name| Some((*name, lookup(name)?)));
            let mut set = values.filter(|(_, value)| !value.to_string_lossy().trim().is_empty());
            let (name, value) = set.next()?;
            Some(
                read(&value.to_string_lossy())
                    .map_err(|problem| format!("the variable {name} cannot be used: {problem}")),
            )
        };
        let exempt = EXEMPT.iter().filter_map(|name| lookup(name)).find(|value| !value.is_empty()).unwrap_or_default();
        Self { https: named(&HTTPS), http: named(&HTTP), exempt: Exempt::read(&exempt.to_string_lossy()) }
    }

    /// The proxy for requests to this target; `None` where they go there directly. What is on loopback goes through none:
    /// plain http is allowed there because nobody else sees it.
    ///
    /// # Errors
    ///
    /// A sentence that names the variable whose proxy cannot be used, and not its value, which may hold a password.
    pub fn for_target(&self, target: &TargetUri) -> Result<Option<&Url>, String> {
        let named = if target.is_secure() { &self.https } else { &self.http };
        match named {
            Some(_) if target.is_loopback() || self.exempt.names(target) => Ok(None),
            Some(Ok(proxy)) => Ok(Some(proxy)),
            Some(Err(problem)) => Err(problem.clone()),
            None => Ok(None),
        }
    }
}

/// The addresses of proxies hold passwords.
impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies").finish_non_exhaustive()
    }
}

fn read(text: &str) -> Result<Url, &'static str> {
    let text = text.trim();
    let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let mut url = Url::parse(&text).map_err(|_| "it is not the address of a proxy")?;
    match url.scheme() {
        "http" | "https" => {}
        scheme if scheme.starts_with("socks") => return Err("SOCKS is not built in; a proxy is http or https"),
        _ => return Err("a proxy is http or https"),
    }
    let [user, password] = [url.username(), url.password().unwrap_or_default()].map(percent_decode_str);
    if user.decode_utf8().is_err() || password.decode_utf8().is_err() {
        return Err("its user or password is not UTF-8");
    }
    let authority = text.split('/').nth(2).unwrap_or_default();
    // What is read of an address leaves out the port that its scheme has anyway.
    if url.scheme() == "http" && url.port().is_none() && !authority.ends_with(":80") {
        url.set_port(Some(PORT)).map_err(|()| "it is not the address of a proxy")?;
    }
    Ok(url)
}

/// What goes directly.
#[derive(Clone)]
enum Exempt {
    All,
    Some(Vec<Entry>),
}

impl Default for Exempt {
    fn default() -> Self {
        Self::Some(Vec::new())
    }
}

impl Exempt {
    /// `*` counts where it is alone.
    fn read(text: &str) -> Self {
        if text.trim() == "*" {
            return Self::All;
        }
        let entries = text.split([',', ' ', '\t']).filter(|entry| !entry.is_empty());
        Self::Some(entries.map(Entry::read).collect())
    }

    fn names(&self, target: &TargetUri) -> bool {
        match self {
            Self::All => true,
            Self::Some(entries) => entries.iter().any(|entry| entry.names(target)),
        }
    }
}

/// A host, all hosts below a domain, a network; with a port, of that port alone.
#[derive(Clone)]
struct Entry {
    host: Hosts,
    port: Option<u16>,
}

#[derive(Clone)]
enum Hosts {
    Below(String),
    Network(IpAddr, u8),
}

impl Entry {
    fn read(entry: &str) -> Self {
        let (name, port) = split_port(entry);
        let host = match network(name) {
            Some((address, bits)) => Hosts::Network(address, bits),
            None => Hosts::Below(name.trim_matches('.').to_ascii_lowercase()),
        };
        Self { host, port }
    }

    fn names(&self, target: &TargetUri) -> bool {
        if self.port.is_some_and(|port| port != target.port()) {
            return false;
        }
        let host = target.host().trim_end_matches('.');
        let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        match (&self.host, address) {
            (Hosts::Network(network, bits), Some(address)) => prefix(*network, *bits) == prefix(address, *bits),
            (Hosts::Below(name), None) => {
                !name.is_empty()
                    && host.strip_suffix(name.as_str()).is_some_and(|above| above.is_empty() || above.ends_with('.'))
            }
            (Hosts::Network(..), None) | (Hosts::Below(_), Some(_)) => false,
        }
    }
}

/// `host`, `host:port`, `[address]`, `[address]:port`, `address`.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    if let Some((address, rest)) = entry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (address, rest.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match entry.rsplit_once(':').map(|(name, port)| (name, port.parse())) {
        Some((name, Ok(port))) if !name.contains(':') => (name, Some(port)),
        _ => (entry, None),
    }
}

/// `10.0.0.0/8`, or an address alone.
fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().ok()?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(all), |bits| bits.parse().ok())?;
    (bits <= all).then_some((address, bits))
}

/// The first bits of an address. One of the other family is told apart.
fn prefix(address: IpAddr, bits: u8) -> (bool, u128) {
    let (all, number) = match address {
        IpAddr::V4(address) => (32, u128::from(u32::from(address))),
        IpAddr::V6(address) => (128, u128::from(address)),
    };
    let others = u32::from(u8::saturating_sub(all, bits));
    (address.is_ipv4(), number.checked_shr(others).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Proxies {
        let owned: Vec<_> = variables.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value))).collect();
        Proxies::of(|name| owned.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()))
    }

    fn through(variables: &[(&str, &str)], url: &str) -> Result<Option<String>, String> {
        let target = TargetUri::parse(url).unwrap();
        of(variables)
            .for_target(&target)
            .map(|proxy| proxy.map(|proxy| proxy.as_str().trim_end_matches('/').to_owned()))
    }

    const FAR: &str = "https://api.example.com/x";
    const PLAIN: &str = "http://api.example.com/x";

    #[test]
    fn which_variable_counts() {
        for (variables, url, expected) in [
            (&[][..], FAR, None),
            (&[("https_proxy", "http://p:3128")], FAR, Some("http://p:3128")),
            (&[("HTTPS_PROXY", "http://p:3128")], FAR, Some("http://p:3128")),
            (&[("https_proxy", "http://a:1"), ("HTTPS_PROXY", "http://b:2")], FAR, Some("http://a:1")),
            (&[("http_proxy", "http://p:3128")], PLAIN, Some("http://p:3128")),
            (&[("HTTP_PROXY", "http://p:3128")], PLAIN, None),
            (&[("http_proxy", "http://p:3128")], FAR, None),
            (&[("all_proxy", "http://p:3128")], PLAIN, Some("http://p:3128")),
            (&[("ALL_PROXY", "http://a:1"), ("https_proxy", "http://b:2")], FAR, Some("http://b:2")),
            (&[("https_proxy", ""), ("ALL_PROXY", "http://a:1")], FAR, Some("http://a:1")),
            // As it is often written: the one that cannot be used is not the one that counts.
            (&[("ALL_PROXY", "socks5://s:1"), ("https_proxy", "http://b:2")], FAR, Some("http://b:2")),
            (&[("https_proxy", "p:3128")], FAR, Some("http://p:3128")),
            (&[("https_proxy", "10.0.0.1:3128")], FAR, Some("http://10.0.0.1:3128")),
            (&[("https_proxy", " p ")], FAR, Some("http://p:1080")),
            (&[("https_proxy", "http://p:80")], FAR, Some("http://p")),
            (&[("https_proxy", "https://p")], FAR, Some("https://p")),
            (&[("https_proxy", "http://u:p%40ss@[::1]:8080/")], FAR, Some("http://u:p%40ss@[::1]:8080")),
            (&[("https_proxy", "quic://p"), ("all_proxy", "p")], "https://127.0.0.1/", None),
        ] {
            assert_eq!(through(variables, url), Ok(expected.map(str::to_owned)), "{variables:?}");
        }
    }

    #[test]
    fn one_that_cannot_be_used_is_an_error_that_names_its_variable_alone() {
        for text in [
            "http://u:hu%FFsh@p",
            "ftp://p:1",
            "http://",
            "p:port",
            "http://hush:x@p:99999",
            "socks5://p",
            "quic://p:1",
            "://",
            "p q",
        ] {
            let error = through(&[("HTTPS_PROXY", text)], FAR).unwrap_err();
            assert!(
                error.starts_with("the variable HTTPS_PROXY cannot be used: ") && !error.contains("hush"),
                "{error}"
            );
        }
        assert!(!format!("{:?}", of(&[("https_proxy", "http://u:hush@p")])).contains("hush"));
    }

    #[test]
    fn what_goes_directly() {
        for (exempt, url, is_direct) in [
            ("*", FAR, true),
            ("a.org,*", FAR, false),
            ("*, a.org", FAR, false),
            ("other.org\texample.com", FAR, true),
            ("api.example.com", FAR, true),
            ("example.com", FAR, true),
            (".example.com", FAR, true),
            (".example.com", "https://example.com/", true),
            ("EXAMPLE.com.", FAR, true),
            ("other.org, example.com", FAR, true),
            ("other.org example.com", FAR, true),
            ("example.com:443", FAR, true),
            ("example.com:80", FAR, false),
            ("ample.com", FAR, false),
            ("*.example.com", FAR, false),
            ("example.com", "https://api.example.com.evil.org/", false),
            ("api.example.com.evil.org", FAR, false),
            ("10.0.0.0/8", "https://10.1.2.3/", true),
            ("10.0.0.0/8", "https://11.1.2.3/", false),
            ("10.0.0.0/33", "https://10.0.0.0/", false),
            ("0.0.0.0/0", "https://11.1.2.3/", true),
            ("10.1.2.3", "https://10.1.2.3/", true),
            ("10.1.2.3:8443", "https://10.1.2.3/", false),
            ("fd00::/8", "https://[fd00::1]/", true),
            ("::/0", "https://10.1.2.3/", false),
            ("[fd00::1]:443", "https://[fd00::1]/", true),
            ("10.0.0.0/8", FAR, false),
            ("", FAR, false),
        ] {
            for name in EXEMPT {
                let found = through(&[("https_proxy", "p:1"), (name, exempt)], url).unwrap();
                assert_eq!(found.is_none(), is_direct, "{exempt:?} {url}");
                assert_eq!(
                    through(&[("https_proxy", "quic://p"), (name, exempt)], url).is_ok(),
                    is_direct,
                    "{exempt:?}"
                );
            }
        }
    }
}
