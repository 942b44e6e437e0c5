//! One source of settings, as names and values.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use webex_oauth::{ConfigError, ConfigParts, Secret};
use webex_oauth_driver::settings::path_of;

use super::environment::in_environment;
use crate::args::Global;
use crate::failure::{Exit, Failure};

/// The settings. Each is a key of the configuration file and a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    Config,
    Profile,
    Store,
    KeyFile,
    Server,
    Issuer,
    Metadata,
    AuthorizationUrl,
    ClientId,
    ClientSecret,
    ClientAuth,
    RedirectUri,
    Scope,
    TokenHosts,
    Resource,
    GuestIssuer,
    GuestIssuerSecret,
}

impl Name {
    pub(super) const ALL: [Self; 17] = [
        Self::Config,
        Self::Profile,
        Self::Store,
        Self::KeyFile,
        Self::Server,
        Self::Issuer,
        Self::Metadata,
        Self::AuthorizationUrl,
        Self::ClientId,
        Self::ClientSecret,
        Self::ClientAuth,
        Self::RedirectUri,
        Self::Scope,
        Self::TokenHosts,
        Self::Resource,
        Self::GuestIssuer,
        Self::GuestIssuerSecret,
    ];

    /// In the configuration file.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Profile => "profile",
            Self::Store => "store",
            Self::KeyFile => "key_file",
            Self::Server => "server",
            Self::Issuer => "issuer",
            Self::Metadata => "metadata",
            Self::AuthorizationUrl => "authorization_url",
            Self::ClientId => "client_id",
            Self::ClientSecret => "client_secret",
            Self::ClientAuth => "client_auth",
            Self::RedirectUri => "redirect_uri",
            Self::Scope => "scope",
            Self::TokenHosts => "token_hosts",
            Self::Resource => "resource",
            Self::GuestIssuer => "guest_issuer",
            Self::GuestIssuerSecret => "guest_issuer_secret",
        }
    }

    /// A place in the file system, which may be any bytes.
    const fn is_path(self) -> bool {
        matches!(self, Self::Config | Self::KeyFile | Self::Metadata)
    }

    /// In the environment; those of the core's names that the whole project knows.
    pub(super) const fn variables(self) -> &'static [&'static str] {
        match self {
            Self::Config => &["WEBEX_CONFIG"],
            Self::Profile => &["WEBEX_PROFILE"],
            Self::Store => &["WEBEX_STORE"],
            Self::KeyFile => &["WEBEX_KEY_FILE"],
            Self::Server => &["WEBEX_SERVER", "WEBEX_PROVIDER"],
            Self::Issuer => &["WEBEX_ISSUER"],
            Self::Metadata => &["WEBEX_METADATA"],
            Self::AuthorizationUrl => &["WEBEX_AUTHORIZATION_STRING"],
            Self::ClientId => &["WEBEX_CLIENT_ID"],
            Self::ClientSecret => &["WEBEX_CLIENT_SECRET"],
            Self::ClientAuth => &["WEBEX_CLIENT_AUTH"],
            Self::RedirectUri => &["WEBEX_REDIRECT_URI"],
            Self::Scope => &["WEBEX_SCOPE", "WEBEX_SCOPES"],
            Self::TokenHosts => &["WEBEX_TOKEN_HOSTS"],
            Self::Resource => &["WEBEX_RESOURCE"],
            Self::GuestIssuer => &["WEBEX_GUEST_ISSUER"],
            Self::GuestIssuerSecret => &["WEBEX_GUEST_ISSUER_SECRET"],
        }
    }
}

/// What one source says. There are secrets in it: no `Debug` beyond the names.
#[derive(Default)]
pub(crate) struct Layer {
    texts: BTreeMap<Name, Secret>,
    paths: BTreeMap<Name, PathBuf>,
    origin: Origin,
}

/// Which source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Origin {
    Flags,
    Environment,
    #[default]
    File,
}

impl Layer {
    /// What is not Unicode is no text, and what it says must not seem to be unsaid.
    pub(super) fn of_environment() -> Result<Self, Failure> {
        let mut layer = Self { origin: Origin::Environment, ..Self::default() };
        for name in Name::ALL {
            match in_environment(name) {
                None => {}
                Some((_, value)) if name.is_path() => layer.set_path(name, Some(value.into())),
                Some((variable, value)) => {
                    let not_text = |_| Failure::new(Exit::Settings, format!("{variable} is not UTF-8; correct it"));
                    layer.set(name, Some(value.into_string().map_err(not_text)?));
                }
            }
        }
        Ok(layer)
    }

    pub(super) fn of_flags(global: &Global) -> Result<Self, Failure> {
        let mut layer = Self { origin: Origin::Flags, ..Self::default() };
        layer.set(Name::Store, global.store.clone());
        layer.set_path(Name::Config, global.config.clone());
        layer.set_path(Name::KeyFile, global.key_file.clone());
        layer.set(Name::Profile, global.profile.clone());
        layer.set(Name::Server, global.server.clone());
        layer.set(Name::Issuer, global.issuer.clone());
        layer.set_path(Name::Metadata, global.metadata.clone());
        layer.set(Name::AuthorizationUrl, global.authorization_url.clone());
        layer.set(Name::ClientId, global.client_id.clone());
        layer.set(Name::ClientAuth, global.client_auth.clone());
        layer.set(Name::RedirectUri, global.redirect_uri.clone());
        layer.set(Name::Scope, global.scope.clone());
        layer.set(Name::TokenHosts, global.token_hosts.clone());
        layer.set(Name::Resource, global.resource.clone());
        if let Some(path) = &global.client_secret_file {
            layer.texts.insert(Name::ClientSecret, read_secret(path, "the client secret")?);
        }
        Ok(layer)
    }

    pub(super) fn set(&mut self, name: Name, value: Option<String>) {
        match value {
            Some(value) if name.is_path() => self.set_path(name, Some(value.into())),
            Some(value) => drop(self.texts.insert(name, value.into())),
            None => {}
        }
    }

    fn set_path(&mut self, name: Name, value: Option<PathBuf>) {
        if let Some(value) = value {
            self.paths.insert(name, path_of(value));
        }
    }

    /// What it says of a setting that is a text.
    pub(super) fn get(&self, name: Name) -> Option<&str> {
        self.texts.get(&name).map(Secret::expose)
    }

    /// What it says of a setting that is a place in the file system.
    pub(super) fn path(&self, name: Name) -> Option<&Path> {
        self.paths.get(&name).map(PathBuf::as_path)
    }

    pub(super) fn says(&self, name: Name) -> bool {
        self.texts.contains_key(&name) || self.paths.contains_key(&name)
    }

    pub(super) fn origin(&self) -> Origin {
        self.origin
    }

    /// Replaces what this source speaks of. The core reads the values, so that they mean the same everywhere: pasted
    /// URLs, quotes that a shell has left.
    pub(super) fn lay_over(&self, parts: &mut ConfigParts) -> Result<(), ConfigError> {
        let lookup = |name: &str| match name {
            "WEBEX_AUTHORIZATION_STRING" => self.get(Name::AuthorizationUrl),
            "WEBEX_CLIENT_ID" => self.get(Name::ClientId),
            "WEBEX_CLIENT_SECRET" => self.get(Name::ClientSecret),
            "WEBEX_REDIRECT_URI" => self.get(Name::RedirectUri),
            "WEBEX_SCOPE" => self.get(Name::Scope),
            "WEBEX_CLIENT_AUTH" => self.get(Name::ClientAuth),
            "WEBEX_TOKEN_HOSTS" => self.get(Name::TokenHosts),
            "WEBEX_RESOURCE" => self.get(Name::Resource),
            _ => None,
        };
        let read = ConfigParts::from_variables(|name| lookup(name).map(str::to_owned), false)?;
        if self.get(Name::AuthorizationUrl).is_some() {
            parts.provider = read.provider;
        }
        if !read.client_id.is_empty() && read.client_id != parts.client_id {
            parts.client_id = read.client_id;
            // It was another client's.
            parts.client_secret = None;
        }
        if read.client_secret.is_some() {
            parts.client_secret = read.client_secret;
        }
        if read.redirect_uri.is_some() {
            parts.redirect_uri = read.redirect_uri;
        }
        if !read.scope.is_empty() {
            parts.scope = read.scope;
        }
        if read.client_auth.is_some() {
            parts.client_auth = read.client_auth;
        }
        if !read.token_hosts.is_empty() {
            parts.token_hosts = read.token_hosts;
        }
        if !read.resource.is_empty() {
            parts.resource = read.resource;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.texts.keys()).entries(&self.paths).finish()
    }
}

/// A secret from a file, or from standard input for `-`. Line ends around it are not part of it.
pub(crate) fn read_secret(path: &Path, what: &str) -> Result<Secret, Failure> {
    const MOST: u64 = 64 * 1024;
    let path = &*path_of(path);
    let unreadable = |kind| {
        Failure::new(
            Exit::Settings,
            format!("{what} cannot be read from {} ({kind}); give another file", path.display()),
        )
    };
    let mut text = String::with_capacity(4096);
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(MOST).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MOST).read_to_string(&mut text))
    };
    read.map_err(|error| unreadable(error.kind()))?;
    let secret = Secret::from(text.trim());
    drop(Secret::new(text));
    if secret.is_empty() {
        return Err(Failure::new(Exit::Settings, format!("{what} is empty in {}; give another file", path.display())));
    }
    Ok(secret)
}
