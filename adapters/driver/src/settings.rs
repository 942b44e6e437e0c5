//! Settings from the environment of the process. The names and their precedence are the core's:
//! [`ConfigParts::from_variables`].

use std::path::PathBuf;

use webex_oauth::{Config, ConfigError, ConfigParts};

use crate::store::FileStore;

/// The file in which the session is kept, shared by every driver of every language on this machine.
pub const SESSION_FILE: &str = "WEBEX_SESSION_FILE";

/// The configuration that `WEBEX_*` and its relatives describe, not yet checked. With `legacy`, `CISCOSPARK_*` counts
/// as well. A value that is not Unicode counts as absent.
pub fn parts(legacy: bool) -> Result<ConfigParts, ConfigError> {
    ConfigParts::from_variables(|name| std::env::var(name).ok(), legacy)
}

/// The same, checked.
pub fn config() -> Result<Config, ConfigError> {
    parts(false)?.build()
}

/// The store that [`SESSION_FILE`] names; `None` where it is not set or empty.
pub fn store() -> Option<FileStore> {
    let path = std::env::var_os(SESSION_FILE).filter(|path| !path.is_empty())?;
    Some(FileStore::new(PathBuf::from(path)))
}
