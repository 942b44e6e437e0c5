//! Settings from the environment of the process. The names and their precedence are the core's:
//! [`ConfigParts::from_variables`].

use std::path::PathBuf;
use std::time::Duration;

use webex_oauth::{
    Config, ConfigError, ConfigParts, MetadataAnswer, MetadataSource, MetadataStep, Provider, metadata_step,
};

use crate::store::FileStore;

/// The file in which the session is kept, shared by every driver of every language on this machine.
pub const SESSION_FILE: &str = "WEBEX_SESSION_FILE";
/// For one document of a server's metadata; there are three places at most.
pub const METADATA_PATIENCE: Duration = Duration::from_secs(30);
/// No server says more about itself, in bytes.
pub const METADATA_MOST_BYTES: usize = 1024 * 1024;

/// The configuration that `WEBEX_*` and its relatives describe, not yet checked. With `legacy`, `CISCOSPARK_*` counts
/// as well. A value that is not Unicode counts as absent.
///
/// `WEBEX_METADATA` is read from its file. `WEBEX_ISSUER` needs a driver that fetches: [`parts_with`].
pub fn parts(legacy: bool) -> Result<ConfigParts, ConfigError> {
    parts_of(variable, legacy, metadata_file()?)
}

/// The same with the metadata of `WEBEX_ISSUER`, which `fetch` gets as [`MetadataStep::Fetch`] says.
pub fn parts_with(legacy: bool, fetch: impl FnMut(&str) -> MetadataAnswer) -> Result<ConfigParts, ConfigError> {
    let server = match (metadata_file()?, issuer()?) {
        (Some(provider), _) => Some(provider),
        (None, Some(issuer)) => Some(discover(&issuer, fetch)?),
        (None, None) => None,
    };
    parts_of(variable, legacy, server)
}

/// The same at a server that is known already, if it is: for a driver that fetches by other means.
pub fn parts_at(legacy: bool, server: Option<Provider>) -> Result<ConfigParts, ConfigError> {
    parts_of(variable, legacy, server)
}

/// The configuration of variables at a server that is known already, if it is.
pub fn parts_of(
    lookup: impl Fn(&str) -> Option<String>,
    legacy: bool,
    server: Option<Provider>,
) -> Result<ConfigParts, ConfigError> {
    match server {
        Some(provider) => ConfigParts::from_variables_at(provider, lookup, legacy),
        None => ConfigParts::from_variables(lookup, legacy),
    }
}

/// The environment's configuration, checked.
pub fn config() -> Result<Config, ConfigError> {
    parts(false)?.build_from_variables()
}

/// The server that the file of `WEBEX_METADATA` describes; `None` where it is not set.
pub fn metadata_file() -> Result<Option<Provider>, ConfigError> {
    MetadataSource::from_variables(variable)?.map_or(Ok(None), |source| read_metadata(&source))
}

/// The server that the source's file describes; `None` where it has none.
pub fn read_metadata(source: &MetadataSource) -> Result<Option<Provider>, ConfigError> {
    let Some(path) = &source.file else { return Ok(None) };
    let document = std::fs::read(path).map_err(|error| source.unreadable(&error.kind().to_string()))?;
    source.read_file(&document).map(Some)
}

/// The issuer whose metadata is to be fetched; `None` where there is none, or a file has it.
pub fn issuer() -> Result<Option<String>, ConfigError> {
    let source = MetadataSource::from_variables(variable)?;
    Ok(source.filter(|source| source.file.is_none()).and_then(|source| source.issuer))
}

/// The server whose issuer this is, by the metadata that it publishes.
pub fn discover(issuer: &str, fetch: impl FnMut(&str) -> MetadataAnswer) -> Result<Provider, ConfigError> {
    Ok(discover_document(issuer, fetch)?.0)
}

/// The same with the document, which [`Provider::from_metadata`] reads again: for whoever keeps it to work offline.
pub fn discover_document(
    issuer: &str,
    mut fetch: impl FnMut(&str) -> MetadataAnswer,
) -> Result<(Provider, Vec<u8>), ConfigError> {
    let mut answers = Vec::new();
    loop {
        match metadata_step(issuer, &answers)? {
            MetadataStep::Fetch { url } => answers.push(fetch(&url)),
            MetadataStep::Found { provider } => {
                // It is the last answer that led there.
                let document = match answers.last() {
                    Some(MetadataAnswer::Response(response)) => response.body.clone(),
                    Some(MetadataAnswer::Failed(_)) | None => Vec::new(),
                };
                return Ok((*provider, document));
            }
        }
    }
}

/// The store that [`SESSION_FILE`] names; `None` where it is not set or empty.
pub fn store() -> Option<FileStore> {
    let path = std::env::var_os(SESSION_FILE).filter(|path| !path.is_empty())?;
    Some(FileStore::new(PathBuf::from(path)))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
