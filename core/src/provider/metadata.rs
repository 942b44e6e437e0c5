//! The metadata that a server publishes (RFC 8414, OpenID Connect Discovery): where it is, and what it says.

use serde_json::Value;
use url::Url;

use super::{ClientAuth, Provider};
use crate::config::{ConfigError, TokenHost, check_endpoint, check_plain_host};
use crate::error::SendFault;
use crate::http::HttpResponse;
use crate::protocol::members::{Member, Members};

/// What came of fetching one address of [`metadata_step`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetadataAnswer {
    /// An answer, any status.
    Response(HttpResponse),
    /// None.
    Failed(SendFault),
}

/// What comes next on the way to a server's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetadataStep {
    /// `GET` this with `accept: application/json`, without following redirects, and add the answer.
    Fetch {
        /// Absolute URL.
        url: String,
    },
    /// This is the server.
    Found {
        /// As its metadata describes it.
        provider: Box<Provider>,
    },
}

/// Leads to the metadata of `issuer`: `answers` are those to the addresses of the steps before, in their order.
///
/// Three places are tried: after RFC 8414 section 3.1 (also with OpenID's name), and as OpenID Connect Discovery 1.0
/// section 4 has it. A document of another issuer is never used (RFC 8414 section 3.3).
///
/// # Errors
///
/// Of the field `issuer`: [`ConfigError::Missing`] where it is empty, [`ConfigError::Insecure`] where it is plain http and
/// not on loopback, [`ConfigError::Invalid`] where it cannot be an issuer. After the last answer [`ConfigError::Invalid`]
/// where the first document was refused, and why. Where there was none both say what was found at each address:
/// [`ConfigError::Unanswered`] where one of them gave no complete answer, HTTP 429, or a failure of the server, and
/// [`ConfigError::Invalid`] where none is there.
pub fn metadata_step(issuer: &str, answers: &[MetadataAnswer]) -> Result<MetadataStep, ConfigError> {
    let urls = metadata_urls(issuer)?;
    let (mut refused, mut may_come) = (None, false);
    let mut tried = String::new();
    for (url, answer) in urls.iter().zip(answers) {
        match answer {
            MetadataAnswer::Response(response) if response.status == 200 => {
                match Provider::from_metadata(&response.body, issuer) {
                    Ok(provider) => return Ok(MetadataStep::Found { provider: Box::new(provider) }),
                    Err(error) => refused = refused.or(Some(error)),
                }
            }
            MetadataAnswer::Response(response) => {
                may_come |= response.status == 429 || response.status >= 500;
                tried.push_str(&format!("; {url}: HTTP {}", response.status));
            }
            MetadataAnswer::Failed(fault) => {
                may_come |= *fault != SendFault::TooLarge;
                let problem = match fault {
                    SendFault::NotSent => "could not be reached",
                    SendFault::Untrusted => "its certificate is not trusted",
                    SendFault::Lost => "no complete answer",
                    SendFault::TooLarge => "the answer is too large",
                };
                tried.push_str(&format!("; {url}: {problem}"));
            }
        }
    }
    match (urls.into_iter().nth(answers.len()), refused) {
        (Some(url), _) => Ok(MetadataStep::Fetch { url }),
        (None, Some(error)) => Err(error),
        (None, None) if may_come => {
            let problem = format!("has not said how it is set up{tried}").into();
            Err(ConfigError::Unanswered { field: "issuer", variable: None, problem })
        }
        (None, None) => Err(ConfigError::invalid("issuer", format!("publishes no metadata{tried}"))),
    }
}

/// Where the metadata of an issuer may be, in the order in which to try.
fn metadata_urls(issuer: &str) -> Result<Vec<String>, ConfigError> {
    const FIELD: &str = "issuer";
    crate::config::check_endpoint(issuer, FIELD)?;
    check_plain_host(issuer, FIELD)?;
    let mut url = Url::parse(issuer).map_err(|_| ConfigError::invalid(FIELD, "not an absolute URL"))?;
    if url.query().is_some() {
        return Err(ConfigError::invalid(FIELD, "must not have a query (RFC 8414 section 2)"));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    let mut at = |path: String| {
        url.set_path(&path);
        url.to_string()
    };
    let mut urls = vec![
        at(format!("/.well-known/oauth-authorization-server{path}")),
        at(format!("{path}/.well-known/openid-configuration")),
        at(format!("/.well-known/openid-configuration{path}")),
    ];
    urls.dedup();
    Ok(urls)
}

impl Provider {
    /// From the metadata that a server publishes (RFC 8414, OpenID Connect Discovery).
    ///
    /// The host has fetched the document from below `issuer`; pass that issuer, it has to be the document's own
    /// (RFC 8414 section 3.3). The access token may go back to its issuer, and to the `userinfo_endpoint`; other APIs are
    /// named by `token_hosts` or `resource`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`]: of the field `issuer` where the document is that of another one, and as
    /// [`Provider::from_own_metadata`].
    pub fn from_metadata(document: &[u8], issuer: &str) -> Result<Self, ConfigError> {
        let metadata = Metadata::read(document)?;
        if metadata.issuer != issuer {
            let found = crate::protocol::clean::clean(&metadata.issuer, &[]);
            let problem = format!("the metadata is that of {found}, and {issuer} was asked for");
            return Err(ConfigError::invalid("issuer", problem));
        }
        metadata.provider()
    }

    /// The same of a document that the user vouches for, whoever its issuer is: a file of their own.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`] of the field `metadata` where the document is no JSON object, has no `issuer` or no
    /// `token_endpoint`, or the server offers no PKCE with S256, or no way to authenticate that is known here. Its URLs are
    /// checked by [`ConfigParts::build`](crate::ConfigParts::build).
    pub fn from_own_metadata(document: &[u8]) -> Result<Self, ConfigError> {
        Metadata::read(document)?.provider()
    }
}
/// The members of RFC 8414 that matter here. Of what need not be there only what can be read counts.
struct Metadata {
    issuer: String,
    /// Servers for devices and services have none.
    authorization_endpoint: String,
    token_endpoint: String,
    device_authorization_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    end_session_endpoint: Option<String>,
    userinfo_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    fn read(document: &[u8]) -> Result<Self, ConfigError> {
        let not_json = || ConfigError::invalid("metadata", "not a JSON object (RFC 8414 section 3.2)");
        let members = Members::parse(document).ok_or_else(not_json)?;
        // Some write down what they do not have, as nothing.
        let text = |name: &str| members.text(name).filter(|text| !text.trim().is_empty()).map(str::to_owned);
        let list = |name: &str| match members.get(name)? {
            Member::Other(Value::Array(list)) => {
                let texts: Vec<String> = list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                (!texts.is_empty()).then_some(texts)
            }
            Member::Text(_) | Member::Other(_) | Member::Unreadable => None,
        };
        let missing = |name| ConfigError::invalid("metadata", format!("has no {name}, which has to be there"));
        Ok(Self {
            issuer: text("issuer").ok_or_else(|| missing("issuer"))?,
            token_endpoint: text("token_endpoint").ok_or_else(|| missing("token_endpoint"))?,
            authorization_endpoint: text("authorization_endpoint").unwrap_or_default(),
            device_authorization_endpoint: text("device_authorization_endpoint"),
            revocation_endpoint: text("revocation_endpoint"),
            end_session_endpoint: text("end_session_endpoint"),
            userinfo_endpoint: text("userinfo_endpoint"),
            token_endpoint_auth_methods_supported: list("token_endpoint_auth_methods_supported"),
            code_challenge_methods_supported: list("code_challenge_methods_supported"),
            authorization_response_iss_parameter_supported: matches!(
                members.get("authorization_response_iss_parameter_supported"),
                Some(Member::Other(Value::Bool(true)))
            ),
        })
    }

    fn provider(mut self) -> Result<Provider, ConfigError> {
        // What cannot be called is no place for a token either.
        self.userinfo_endpoint = self.userinfo_endpoint.filter(|url| check_endpoint(url, "userinfo_endpoint").is_ok());
        let mut provider = Provider::custom(&self.authorization_endpoint, &self.token_endpoint);
        provider.client_auth = self.client_auth()?;
        let hosts = [Some(&self.issuer), self.userinfo_endpoint.as_ref()].into_iter().flatten();
        provider.token_hosts = hosts.filter_map(|url| TokenHost::of_url(url)).map(|host| host.to_string()).collect();
        provider.token_hosts.dedup();
        provider.name.clone_from(&self.issuer);
        provider.issuer_required = self.authorization_response_iss_parameter_supported;
        provider.issuer = Some(self.issuer);
        provider.device_authorization_endpoint = self.device_authorization_endpoint;
        provider.revocation_endpoint = self.revocation_endpoint;
        provider.logout_endpoint = self.end_session_endpoint;
        provider.userinfo_endpoint = self.userinfo_endpoint;
        Ok(provider)
    }

    /// The first method that we speak, in the order of safety; Basic where the server names none.
    fn client_auth(&self) -> Result<ClientAuth, ConfigError> {
        if self.code_challenge_methods_supported.as_ref().is_some_and(|methods| !methods.iter().any(|m| m == "S256")) {
            return Err(ConfigError::invalid("metadata", "the server does not support PKCE with S256"));
        }
        let Some(methods) = &self.token_endpoint_auth_methods_supported else {
            return Ok(ClientAuth::BasicFormEncoded);
        };
        let offered = |name: &str| methods.iter().any(|method| method == name);
        if offered("client_secret_basic") {
            Ok(ClientAuth::BasicFormEncoded)
        } else if offered("client_secret_post") {
            Ok(ClientAuth::Body)
        } else if offered("none") {
            Ok(ClientAuth::None)
        } else {
            Err(ConfigError::invalid("metadata", "no client authentication method in common"))
        }
    }
}
