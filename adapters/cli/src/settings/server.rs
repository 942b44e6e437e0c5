//! Which server the settings name, and what it publishes about itself.

use std::path::Path;

use webex_oauth::{ConfigError, ConfigParts, MetadataSource, Provider};
use webex_oauth_ureq::discover_document;

use super::bounded;
use super::environment::{in_environment, variables_set};
use super::layer::{Layer, Name, Origin};
use crate::failure::{Exit, Failure};
use crate::places::keep;
use crate::words::unquoted;

/// The server that a source of settings names.
#[derive(Debug, Clone)]
pub(super) enum Server {
    /// All about it is known.
    Known(Box<Provider>),
    /// It publishes its metadata; the issuer.
    Publishes(String),
}

impl Server {
    /// The server of the first source that names one; `None` where that is done by its authorization URL, or by nobody.
    pub(super) fn find(layers: &[&Layer]) -> Result<Option<Self>, Failure> {
        Self::source(layers).map_or(Ok(None), Self::named_by)
    }

    /// The first source that names a server, in whatever way.
    pub(super) fn source<'a>(layers: &[&'a Layer]) -> Option<&'a Layer> {
        const NAMES: [Name; 4] = [Name::Server, Name::Issuer, Name::Metadata, Name::AuthorizationUrl];
        layers.iter().find(|layer| NAMES.iter().any(|name| layer.says(*name))).copied()
    }

    fn known(provider: Provider) -> Option<Self> {
        Some(Self::Known(Box::new(provider)))
    }

    fn named_by(layer: &Layer) -> Result<Option<Self>, Failure> {
        if layer.origin() == Origin::Environment
            && let [one, other, ..] = *variables_set(Name::Server)
        {
            let sentence = format!("{one} is set and so is {other}, and each names the server; keep one of them");
            return Err(Failure::new(Exit::Settings, sentence));
        }
        match (layer.get(Name::Server), layer.get(Name::Issuer), layer.path(Name::Metadata)) {
            (None, None, None) => Ok(None),
            (Some(server), None, None) => named(server, layer.origin()).map(Self::known),
            (None, issuer, Some(file)) => {
                let source = MetadataSource {
                    issuer: issuer.map(str::to_owned),
                    file: Some(file.to_string_lossy().into_owned()),
                };
                let document = bounded::read(file).map_err(|error| source.unreadable(&error.kind().to_string()))?;
                Ok(Self::known(source.read_file(&document)?))
            }
            (None, Some(issuer), None) => Ok(Some(Self::Publishes(issuer.to_owned()))),
            (Some(_), _, _) => {
                Err(Failure::new(Exit::Settings, "server is set and so is issuer or metadata; keep one of them"))
            }
        }
    }
}

/// One that is known by its name, or has Webex's paths below a base, which core judges.
fn named(server: &str, origin: Origin) -> Result<Provider, Failure> {
    let setting = match origin {
        Origin::Flags => "--server",
        Origin::Environment => in_environment(Name::Server).map_or("WEBEX_SERVER", |(name, _)| name),
        Origin::File => "the setting server",
    };
    let server = unquoted(server);
    if let Some(url) = web_url(server) {
        let lookup = |name: &str| (name == "WEBEX_SERVER").then(|| url.clone());
        return match ConfigParts::from_variables(lookup, false) {
            Ok(parts) => Ok(parts.provider),
            Err(ConfigError::Invalid { problem, .. }) => {
                Err(Failure::new(Exit::Settings, format!("{setting}: {problem}; correct it")))
            }
            Err(ConfigError::Insecure { .. }) => {
                let sentence = format!("{setting}: plain http is allowed on loopback only; use https");
                Err(Failure::new(Exit::Settings, sentence))
            }
            Err(error @ (ConfigError::Missing { .. } | ConfigError::Unanswered { .. })) => Err(error.into()),
        };
    }
    Provider::named(server).ok_or_else(|| {
        let sentence = format!(
            "{setting}: the server is none of webex, fedramp, idbroker and no URL that begins with https://; correct it"
        );
        Failure::new(Exit::Settings, sentence)
    })
}

/// A URL of http or https. In capitals, scheme and host are the same (RFC 3986 section 6.2.2.1).
fn web_url(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    matches!(&*scheme, "http" | "https").then(|| format!("{scheme}://{}{path}", authority.to_ascii_lowercase()))
}

/// The server of an issuer, by what it said at the last sign-in; it is asked where that is not there.
pub(super) fn remembered(issuer: &str, file: &Path) -> Result<Provider, Failure> {
    let known = bounded::read(file).ok().and_then(|document| Provider::from_metadata(&document, issuer).ok());
    known.map_or_else(|| asked(issuer, file), Ok)
}

/// The server of an issuer, by what it says now. That is remembered, so that tokens can be had while it says nothing.
pub(super) fn asked(issuer: &str, file: &Path) -> Result<Provider, Failure> {
    let (provider, document) = discover_document(issuer)?;
    // Without it the next command asks again.
    let _ = keep(file, &document);
    Ok(provider)
}
