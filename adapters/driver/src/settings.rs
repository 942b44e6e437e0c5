//! Settings from the environment of the process. The names and their precedence are the core's:
//! [`ConfigParts::from_variables`].

use std::cell::RefCell;
use std::env::VarError;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use webex_oauth::{
    Config, ConfigError, ConfigParts, MetadataAnswer, MetadataSource, MetadataStep, Provider, metadata_step,
};

use crate::store::{FileStore, StoreError};

/// The file in which the session is kept, shared by every driver of every language on this machine.
pub const SESSION_FILE: &str = "WEBEX_SESSION_FILE";
/// The keys that the session is encrypted with: the command and Python read them, and the drivers of Rust do not.
pub const KEY_FILE: &str = "WEBEX_KEY_FILE";
/// A file, whose path may be any bytes.
const METADATA: &str = "WEBEX_METADATA";
/// For one document of a server's metadata; there are three places at most.
pub const METADATA_PATIENCE: Duration = Duration::from_secs(30);
/// No server says more about itself, in bytes.
pub const METADATA_MOST_BYTES: usize = 1024 * 1024;

/// The configuration that `WEBEX_*` and its relatives describe, not yet checked. With `legacy`, `CISCOSPARK_*` counts
/// as well.
///
/// `WEBEX_METADATA` is read from its file. `WEBEX_ISSUER` needs a driver that fetches: [`parts_with`].
///
/// # Errors
///
/// As [`parts_at`] and [`metadata_file`]; [`ConfigError::Invalid`] also where `WEBEX_ISSUER` is set without a file.
pub fn parts(legacy: bool) -> Result<ConfigParts, ConfigError> {
    parts_at(legacy, metadata_file()?)
}

/// The same with the metadata of `WEBEX_ISSUER`, which `fetch` gets as [`MetadataStep::Fetch`] says.
///
/// # Errors
///
/// As [`parts_at`], [`metadata_file`] and [`discover`].
pub fn parts_with(legacy: bool, fetch: impl FnMut(&str) -> MetadataAnswer) -> Result<ConfigParts, ConfigError> {
    let server = match (metadata_file()?, issuer()?) {
        (Some(provider), _) => Some(provider),
        (None, Some(issuer)) => Some(discover(&issuer, fetch)?),
        (None, None) => None,
    };
    parts_at(legacy, server)
}

/// The same at a server that is known already, if it is: for a driver that fetches by other means.
///
/// # Errors
///
/// As [`parts_of`]; [`ConfigError::Invalid`] also where a variable that is read is not UTF-8: it is named.
pub fn parts_at(legacy: bool, server: Option<Provider>) -> Result<ConfigParts, ConfigError> {
    of_environment(|lookup| parts_of(lookup, legacy, server))
}

/// The configuration of variables at a server that is known already, if it is.
///
/// # Errors
///
/// As [`ConfigParts::from_variables`], or with a server as [`ConfigParts::from_variables_at`].
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
///
/// # Errors
///
/// As [`parts`] and [`ConfigParts::build_from_variables`].
pub fn config() -> Result<Config, ConfigError> {
    parts(false)?.build_from_variables()
}

/// The server that the file of `WEBEX_METADATA` describes; `None` where it is not set.
///
/// # Errors
///
/// As [`read_metadata`] and [`issuer`].
pub fn metadata_file() -> Result<Option<Provider>, ConfigError> {
    let Some(source) = metadata_source()? else { return Ok(None) };
    match set(METADATA).filter(|path| path.to_str().is_none()) {
        Some(path) => read_metadata_at(&source, path.into()),
        None => read_metadata(&source),
    }
}

/// The server that the source's file describes; `None` where it has none.
///
/// # Errors
///
/// [`ConfigError::Invalid`] where the file cannot be read, and as [`MetadataSource::read_file`].
pub fn read_metadata(source: &MetadataSource) -> Result<Option<Provider>, ConfigError> {
    source.file.as_ref().map_or(Ok(None), |path| read_metadata_at(source, path.into()))
}

fn read_metadata_at(source: &MetadataSource, path: PathBuf) -> Result<Option<Provider>, ConfigError> {
    let document = std::fs::read(path_of(path)).map_err(|error| source.unreadable(&error.kind().to_string()))?;
    source.read_file(&document).map(Some)
}

/// The issuer whose metadata is to be fetched; `None` where there is none, or a file has it.
///
/// # Errors
///
/// [`ConfigError::Invalid`] where one of the two variables begins or ends with a single quote, or the issuer is not UTF-8.
pub fn issuer() -> Result<Option<String>, ConfigError> {
    Ok(metadata_source()?.filter(|source| source.file.is_none()).and_then(|source| source.issuer))
}

/// The server whose issuer this is, by the metadata that it publishes.
///
/// # Errors
///
/// As [`metadata_step`].
pub fn discover(issuer: &str, fetch: impl FnMut(&str) -> MetadataAnswer) -> Result<Provider, ConfigError> {
    Ok(discover_document(issuer, fetch)?.0)
}

/// The same with the document, which [`Provider::from_metadata`] reads again: for whoever keeps it to work offline.
///
/// # Errors
///
/// As [`metadata_step`].
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
///
/// Nothing here encrypts: whoever wants that gives a client a store that does (`Sealed::user` of webex-oauth-stores).
///
/// # Errors
///
/// [`StoreError::Refused`] where [`KEY_FILE`] is set beside it. The file is not looked at: that is for the first load.
pub fn store() -> Result<Option<FileStore>, StoreError> {
    let Some(path) = set(SESSION_FILE) else { return Ok(None) };
    if set(KEY_FILE).is_some() {
        let what = format!(
            "{KEY_FILE} is set, and nothing here encrypts {SESSION_FILE}: give the client a store that does, \
             Sealed::user of webex-oauth-stores, or unset one of the two"
        );
        return Err(StoreError::Refused { what });
    }
    Ok(Some(FileStore::new(path_of(path))))
}

/// The path that a setting names. A `~/` at its beginning is the home folder: a shell puts that there in a command line, and in
/// many a place where variables come from nobody does.
pub fn path_of(named: impl Into<PathBuf>) -> PathBuf {
    let named = named.into();
    match (named.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        (_, _) => named,
    }
}

fn set(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn metadata_source() -> Result<Option<MetadataSource>, ConfigError> {
    of_environment(|lookup| {
        MetadataSource::from_variables(|name| match name {
            METADATA => set(name).map(|path| path.to_string_lossy().into_owned()),
            name => lookup(name),
        })
    })
}

/// Reads the environment. What is not Unicode is no text, and what it says must not seem to be unsaid.
fn of_environment<T>(
    read: impl FnOnce(&dyn Fn(&str) -> Option<String>) -> Result<T, ConfigError>,
) -> Result<T, ConfigError> {
    let unreadable = RefCell::new(None);
    let found = read(&|name| match std::env::var(name) {
        Ok(value) => Some(value),
        Err(VarError::NotPresent) => None,
        Err(VarError::NotUnicode(_)) => {
            unreadable.borrow_mut().get_or_insert_with(|| name.to_owned());
            None
        }
    });
    match unreadable.into_inner() {
        Some(name) => Err(ConfigError::invalid("environment", format!("{name} is not UTF-8"))),
        None => found,
    }
}
