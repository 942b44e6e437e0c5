//! Profiles and the files that belong to them.

use std::path::{Path, PathBuf};

use etcetera::app_strategy::{AppStrategy, AppStrategyArgs, choose_app_strategy};

use crate::failure::{Exit, Failure};

/// The profile where none is named.
pub(crate) const DEFAULT_PROFILE: &str = "default";

/// Where this platform wants configuration and data.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    config: PathBuf,
    data: PathBuf,
}

impl Places {
    pub(crate) fn find() -> Result<Self, Failure> {
        let args = AppStrategyArgs {
            top_level_domain: "org".to_owned(),
            author: "webex-oauth".to_owned(),
            app_name: "webex-oauth".to_owned(),
        };
        let strategy = choose_app_strategy(args).map_err(|_| {
            Failure::new(Exit::Settings, "there is no home folder; set HOME, or WEBEX_CONFIG and WEBEX_SESSION_FILE")
        })?;
        Ok(Self { config: strategy.config_dir(), data: strategy.data_dir() })
    }

    pub(crate) fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// The profiles that have left tokens, or the mark that there are some in the key ring.
    pub(crate) fn profiles(&self) -> Vec<String> {
        let files = std::fs::read_dir(&self.data).into_iter().flatten().flatten();
        let names = files.filter_map(|file| file.file_name().into_string().ok());
        let profile = |name: &str| {
            ["session", "keyring"].iter().find_map(|end| Some(name.strip_suffix(end)?.strip_suffix('.')?.to_owned()))
        };
        names.filter_map(|name| profile(&name)).filter(|name| Profile::parse(name).is_ok()).collect()
    }

    /// The file of a profile's tokens, where they are kept in a file.
    pub(crate) fn session_file(&self, profile: &Profile) -> PathBuf {
        self.data.join(format!("{profile}.session"))
    }

    /// What the server of a profile said about itself at the last sign-in. There is no secret in it.
    pub(crate) fn metadata_file(&self, profile: &Profile) -> PathBuf {
        self.data.join(format!("{profile}.metadata.json"))
    }

    /// What the catalog of a profile's server said last. There is no secret in it.
    pub(crate) fn services_file(&self, profile: &Profile) -> PathBuf {
        self.data.join(format!("{profile}.services.json"))
    }

    /// Beside this name are the files that go with the tokens in a key ring. There is no secret in them.
    pub(crate) fn keyring_file(&self, profile: &Profile) -> PathBuf {
        self.data.join(format!("{profile}.keyring"))
    }
}

/// Keeps what a server said, so that it need not be asked. Whoever reads half of it asks again.
pub(crate) fn keep(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, bytes)
}

/// The name of a profile: safe as the name of a file and of an entry in a key ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile(String);

impl Profile {
    pub(crate) fn parse(name: &str) -> Result<Self, Failure> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.bytes().all(plain) {
            return Err(Failure::new(
                Exit::Usage,
                "this is no name for a profile; use letters, digits, dots, hyphens and underscores, 64 at most",
            ));
        }
        Ok(Self(name.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_default(&self) -> bool {
        self.0 == DEFAULT_PROFILE
    }
}

impl std::fmt::Display for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_no_path() {
        assert!(Profile::parse("work-2.test").is_ok());
        for name in ["", ".", "..", "../x", "a/b", "a\\b", "a b", "ü", ".hidden"] {
            assert!(Profile::parse(name).is_err(), "{name}");
        }
        assert!(Profile::parse(&"x".repeat(65)).is_err());
    }
}
