//! Which server the settings name, and what it publishes about itself.

use std::path::Path;

use webex_oauth::{MetadataSource, Provider};
use webex_oauth_driver::settings::read_metadata;
use webex_oauth_ureq::discover_document;

use super::layer::{Layer, Name};
use crate::failure::{Exit, Failure};
use crate::places::keep;

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
        const NAMES: [Name; 4] = [Name::Server, Name::Issuer, Name::Metadata, Name::AuthorizationUrl];
        let first = layers.iter().find(|layer| NAMES.iter().any(|name| layer.get(*name).is_some()));
        first.map_or(Ok(None), |layer| Self::named_by(layer))
    }

    fn known(provider: Provider) -> Option<Self> {
        Some(Self::Known(Box::new(provider)))
    }

    fn named_by(layer: &Layer) -> Result<Option<Self>, Failure> {
        let (issuer, file) = (layer.get(Name::Issuer), layer.get(Name::Metadata));
        match (layer.get(Name::Server), issuer, file) {
            (None, None, None) => Ok(None),
            (Some(server), None, None) => named(server).map(Self::known),
            (None, issuer, Some(file)) => {
                let source = MetadataSource { issuer: issuer.map(str::to_owned), file: Some(file.to_owned()) };
                Ok(read_metadata(&source)?.and_then(Self::known))
            }
            (None, Some(issuer), None) => Ok(Some(Self::Publishes(issuer.to_owned()))),
            (Some(_), _, _) => {
                Err(Failure::new(Exit::Settings, "server is set and so is issuer or metadata; keep one of them"))
            }
        }
    }
}

fn named(server: &str) -> Result<Provider, Failure> {
    match server.trim() {
        base if base.starts_with("http://") || base.starts_with("https://") => Ok(Provider::webex_at(base)),
        name => Provider::named(name).ok_or_else(|| {
            Failure::new(
                Exit::Settings,
                "server is none of webex, fedramp, idbroker and no URL that begins with https://; correct that setting",
            )
        }),
    }
}

/// The server of an issuer, by what it said at the last sign-in; it is asked where that is not there.
pub(super) fn remembered(issuer: &str, file: &Path) -> Result<Provider, Failure> {
    let known = std::fs::read(file).ok().and_then(|document| Provider::from_metadata(&document, issuer).ok());
    known.map_or_else(|| asked(issuer, file), Ok)
}

/// The server of an issuer, by what it says now. That is remembered, so that tokens can be had while it says nothing.
pub(super) fn asked(issuer: &str, file: &Path) -> Result<Provider, Failure> {
    let (provider, document) = discover_document(issuer)?;
    // Without it the next command asks again.
    let _ = keep(file, &document);
    Ok(provider)
}
