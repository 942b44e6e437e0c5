//! Where the access token may go, as the configuration names it.

use url::{Host, Url};

use super::ConfigError;
use crate::target_uri::TargetUri;

/// One entry of the hosts that may see the access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenHost {
    /// A domain and everything below it, over https.
    Domain(String),
    /// Exactly this host and port, where plain http passes on loopback.
    Exact(String, u16),
}

impl TokenHost {
    /// Reads `example.org` or `host:port`. The problem says what to write instead.
    pub(crate) fn parse(text: &str, field: &'static str) -> Result<Self, ConfigError> {
        let invalid = |problem: String| Err(ConfigError::invalid(field, problem));
        let entry = text.trim();
        if entry.is_empty() {
            return invalid("an entry is empty".to_owned());
        }
        if !entry.is_ascii() {
            return invalid("an entry is not in ASCII: write the host in its xn-- form".to_owned());
        }
        if entry.contains("://") {
            let host = Url::parse(entry).ok().and_then(|url| Some((url.host_str()?.to_owned(), url.port())));
            return match host {
                Some((host, None)) => invalid(format!("takes hosts, not URLs: write {host}")),
                Some((host, Some(port))) => invalid(format!("takes hosts, not URLs: write {host}:{port}")),
                None => invalid("takes hosts, not URLs".to_owned()),
            };
        }
        if let Some(domain) = entry.strip_prefix("*.").and_then(|domain| Host::parse(domain).ok()) {
            return invalid(format!("needs no wildcard: {domain} covers what is below it; write it without *."));
        }
        let (name, port) = match entry.rsplit_once(':') {
            Some((name, port)) if !entry.ends_with(']') => (name, Some(port)),
            _ => (entry, None),
        };
        let not_a_host = || ConfigError::invalid(field, "an entry is neither a host nor host:port");
        let name = Some(name.trim_end_matches('.')).filter(|name| !name.contains('*')).ok_or_else(not_a_host)?;
        let host = Host::parse(name).map_err(|_| not_a_host())?;
        match port.map(|port| port.parse::<u16>().ok().filter(|&number| number > 0 && !port.starts_with('+'))) {
            Some(Some(port)) => Ok(Self::Exact(host.to_string().trim_matches(['[', ']']).to_owned(), port)),
            Some(None) => Err(not_a_host()),
            // Of a name without a dot every domain below it would be meant, as of `com`.
            None => match host {
                Host::Domain(domain) if domain.contains('.') => Ok(Self::Domain(domain)),
                host => invalid(format!("{host} needs its port: write {host}:443")),
            },
        }
    }

    /// The host of a URL and its port, and nothing below it.
    pub(crate) fn of_url(text: &str) -> Option<Self> {
        Some(Self::exactly(&TargetUri::parse(text).ok()?))
    }

    /// Where this is, and nothing below it.
    pub(crate) fn exactly(target: &TargetUri) -> Self {
        Self::Exact(target.host().to_owned(), target.port())
    }

    /// Whether this is where the target is.
    pub(crate) fn covers(&self, target: &TargetUri) -> bool {
        let host = target.host();
        match self {
            Self::Exact(name, port) => name == host && *port == target.port(),
            Self::Domain(domain) => {
                let front = host.strip_suffix(domain.as_str()).filter(|_| target.scheme() == "https");
                front.is_some_and(|front| front.is_empty() || front.ends_with('.'))
            }
        }
    }
}

impl std::fmt::Display for TokenHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Domain(domain) => f.write_str(domain),
            Self::Exact(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Exact(host, port) => write!(f, "{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        TokenHost::parse(text, "token_hosts").map(|host| host.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_host_is_kept_in_normal_form() {
        assert_eq!(read(" API.Example.com. ").as_deref(), Ok("api.example.com"));
        assert_eq!(read("127.0.0.1:8080").as_deref(), Ok("127.0.0.1:8080"));
        assert_eq!(read("[::1]:8080").as_deref(), Ok("[::1]:8080"));
        assert_eq!(read("xn--bcher-kva.example").as_deref(), Ok("xn--bcher-kva.example"));
        assert_eq!(read("localhost:80").as_deref(), Ok("localhost:80"));
    }

    #[test]
    fn an_entry_that_could_never_match_says_what_to_write() {
        for (text, what) in [
            ("https://api.example.com", "takes hosts, not URLs: write api.example.com"),
            ("https://api.example.com:8443/v1", "takes hosts, not URLs: write api.example.com:8443"),
            ("*.example.org", "needs no wildcard: example.org covers what is below it; write it without *."),
            ("com", "com needs its port: write com:443"),
            ("localhost", "localhost needs its port: write localhost:443"),
            ("10.0.0.1", "10.0.0.1 needs its port: write 10.0.0.1:443"),
            ("[::1]", "[::1] needs its port: write [::1]:443"),
            ("", "an entry is empty"),
            ("a b", "an entry is neither a host nor host:port"),
            ("api.example.com/v1", "an entry is neither a host nor host:port"),
            ("u@api.example.com", "an entry is neither a host nor host:port"),
            ("api.example.com:0", "an entry is neither a host nor host:port"),
            ("api.example.com:99999", "an entry is neither a host nor host:port"),
            ("api.example.com:", "an entry is neither a host nor host:port"),
            (":443", "an entry is neither a host nor host:port"),
            ("a.*.example", "an entry is neither a host nor host:port"),
        ] {
            assert_eq!(read(text), Err(format!("token_hosts: {what}")), "{text}");
        }
    }

    #[test]
    fn below_is_not_beside() {
        let host = TokenHost::parse("example.org", "token_hosts").unwrap();
        let covers = |url| host.covers(&TargetUri::parse(url).unwrap());
        assert!(covers("https://example.org/") && covers("https://a.example.org:8443/"));
        assert!(!covers("https://badexample.org/") && !covers("http://example.org/"));
    }
}
