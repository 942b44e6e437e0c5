//! Settings: flags go before `WEBEX_*` variables, those before the configuration file's profile, that before its top.

mod bounded;
pub(crate) mod edit;
mod environment;
mod file;
mod layer;
mod server;

use std::path::PathBuf;

use webex_oauth::sealed::Keys;
use webex_oauth::{Config, ConfigError, ConfigParts, Provider, Secret};
use webex_oauth_stores::read_key_file;

use crate::args::{Global, StoreKind};
use crate::failure::{Exit, Failure};
use crate::places::{DEFAULT_PROFILE, Places, Profile};
use crate::terminal::Terminal;
use crate::words::{LONGEST_PATIENCE, unquoted};
pub(crate) use environment::{in_environment, session_file};
use file::ConfigFile;
pub(crate) use file::Missing;
use layer::Layer;
pub(crate) use layer::{Name, read_secret};
use server::Server;

/// Everything that is settled before a command begins.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) profile: Profile,
    pub(crate) places: Places,
    pub(crate) store: StoreKind,
    /// The URL of a database, which may have a password in it, where that is what `store` says.
    pub(crate) database: Option<Secret>,
    pub(crate) session_file: Option<PathBuf>,
    /// The keys that the tokens are encrypted with.
    pub(crate) key_file: Option<PathBuf>,
    /// Where the configuration file is, or would be.
    pub(crate) config_file: PathBuf,
    /// The profiles that it speaks of.
    in_file: Vec<String>,
    pub(crate) guest_issuer: Option<String>,
    pub(crate) guest_issuer_secret: Option<Secret>,
    /// What flags and variables say of the server, and nobody is asked for.
    pub(crate) said_of_the_server: Vec<(Name, Secret)>,
    parts: ConfigParts,
    /// Of the server where that publishes all about itself; `parts` have another one's until then.
    issuer: Option<String>,
}

fn is_database(store: &str) -> bool {
    store.contains("://") || store.split_once(':').is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("sqlite"))
}

/// As it is to be written down: of a path, the whole one.
fn said_of_the_server(layers: &[&Layer]) -> Vec<(Name, Secret)> {
    let source = Server::source(layers);
    let server = [Name::Server, Name::Issuer].into_iter().filter_map(|name| Some((name, source?.get(name)?)));
    let more = [Name::ClientAuth, Name::TokenHosts, Name::Resource].into_iter();
    let more = more.filter_map(|name| Some((name, layers.iter().find_map(|layer| layer.get(name))?)));
    let mut said: Vec<_> = server.chain(more).map(|(name, text)| (name, unquoted(text).into())).collect();
    let metadata = source.and_then(|source| std::path::absolute(source.path(Name::Metadata)?).ok());
    said.extend(metadata.as_ref().and_then(|path| path.to_str()).map(|path| (Name::Metadata, path.into())));
    said
}

impl Settings {
    /// The keys in the key file, where one is named.
    pub(crate) fn keys(&self) -> Result<Option<Keys>, Failure> {
        Ok(self.key_file.as_ref().map(read_key_file).transpose()?)
    }

    /// All that is said by flags, variables and the configuration file. What people should know about it is told.
    pub(crate) fn read(global: &Global, terminal: Terminal) -> Result<Self, Failure> {
        Self::read_or_begin(global, terminal, Missing::IsRefused)
    }

    /// The same for a command that writes the configuration file, and may make it.
    pub(crate) fn read_or_begin(global: &Global, terminal: Terminal, missing: Missing) -> Result<Self, Failure> {
        let places = Places::find()?;
        let (flags, env) = (Layer::of_flags(global)?, Layer::of_environment()?);
        let named = flags.path(Name::Config).or(env.path(Name::Config));
        let file = ConfigFile::read(named, &places, missing)?;
        for notice in file.notices.iter().chain(&environment::notices(global)) {
            terminal.notice(notice);
        }

        let profile = flags.get(Name::Profile).or(env.get(Name::Profile)).or(file.top.get(Name::Profile));
        let profile = Profile::parse(profile.unwrap_or(DEFAULT_PROFILE))?;
        let layers = [&flags, &env, file.profile(&profile), &file.top];
        let first = |name: Name| layers.iter().find_map(|layer| layer.get(name));

        let mut parts = ConfigParts::new(Provider::webex(), "");
        for layer in layers.iter().rev() {
            layer.lay_over(&mut parts)?;
        }
        let issuer = match Server::find(&layers)? {
            Some(Server::Publishes(issuer)) => Some(issuer),
            Some(Server::Known(provider)) => {
                parts.provider = *provider;
                None
            }
            None => None,
        };
        parts.login_lifetime = LONGEST_PATIENCE;
        let said_of_the_server = said_of_the_server(&[&flags, &env]);
        Ok(Self {
            database: first(Name::Store).filter(|text| is_database(text)).map(Secret::from),
            store: match first(Name::Store).filter(|text| !is_database(text)) {
                None => StoreKind::Auto,
                Some(text) => clap::ValueEnum::from_str(text, true).map_err(|_| {
                    Failure::new(
                        Exit::Settings,
                        "store is none of auto, keyring, file and the URL of a database; correct that setting",
                    )
                })?,
            },
            session_file: session_file(global),
            key_file: layers.iter().find_map(|layer| layer.path(Name::KeyFile)).map(PathBuf::from),
            guest_issuer: first(Name::GuestIssuer).map(str::to_owned),
            guest_issuer_secret: first(Name::GuestIssuerSecret).map(Secret::from),
            in_file: file.names().map(str::to_owned).collect(),
            config_file: file.path,
            profile,
            places,
            said_of_the_server,
            parts,
            issuer,
        })
    }

    /// The configuration, where what a sign-in of this client needs is there.
    pub(crate) fn config_for_sign_in(&self) -> Result<Config, Failure> {
        let mut parts = self.parts.clone();
        if let Some(issuer) = &self.issuer {
            parts.provider = server::asked(issuer, &self.places.metadata_file(&self.profile))?;
        }
        let config = parts.build()?;
        if config.provider().secret_required && config.parts().client_secret.is_none() {
            return Err(ConfigError::missing("client_secret").into());
        }
        Ok(config)
    }

    /// The configuration; `stand_in` is the client's id where none is set.
    pub(crate) fn config_or_of(&self, stand_in: &str) -> Result<Config, Failure> {
        let mut parts = self.parts.clone();
        if let Some(issuer) = &self.issuer {
            parts.provider = server::remembered(issuer, &self.places.metadata_file(&self.profile))?;
        }
        if parts.client_id.is_empty() {
            stand_in.clone_into(&mut parts.client_id);
        }
        Ok(parts.build()?)
    }

    /// The profiles that there are: of the file, those that have left something, and the current one.
    pub(crate) fn profiles(&self) -> Result<Vec<Profile>, Failure> {
        let mut names = self.places.profiles();
        names.extend(self.in_file.iter().cloned());
        names.extend([DEFAULT_PROFILE.to_owned(), self.profile.as_str().to_owned()]);
        names.sort();
        names.dedup();
        names.iter().map(|name| Profile::parse(name)).collect()
    }

    /// A setting of a client as it is now.
    pub(crate) fn known(&self, name: Name) -> Option<Secret> {
        let text = match name {
            Name::ClientId => Some(self.parts.client_id.as_str()),
            Name::ClientSecret => self.parts.client_secret.as_ref().map(Secret::expose),
            Name::RedirectUri => self.parts.redirect_uri.as_deref(),
            Name::Scope => Some(self.parts.scope.as_str()),
            _ => None,
        };
        text.filter(|text| !text.is_empty()).map(Secret::from)
    }

    /// Whether a client could be made of these.
    pub(crate) fn check(&self, answers: &[(Name, Secret)]) -> Result<(), ConfigError> {
        let mut parts = self.parts.clone();
        let mut layer = Layer::default();
        for (name, answer) in answers {
            layer.set(*name, Some(answer.expose().to_owned()));
        }
        layer.lay_over(&mut parts)?;
        parts.build().map(drop)
    }

    /// What is wrong with the last of these, whatever is with the others.
    pub(crate) fn problem_of_the_last(&self, answers: &[(Name, Secret)]) -> Option<ConfigError> {
        let (name, _) = answers.last()?;
        self.check(answers).err().filter(|error| error.field() == name.key())
    }

    pub(crate) fn has_no_client(&self) -> bool {
        self.parts.client_id.is_empty()
    }

    /// Where the browser comes back to. A server on this machine takes any loopback address (RFC 8252 section 7.3), so
    /// that none has to be set; others want the one that is registered.
    pub(crate) fn redirect_uri(&self, server: &Provider) -> Result<&str, Failure> {
        let endpoint = &server.authorization_endpoint;
        let is_local =
            ["http://127.0.0.1", "http://localhost", "http://[::1]"].iter().any(|host| endpoint.starts_with(host));
        match &self.parts.redirect_uri {
            Some(uri) => Ok(uri),
            None if is_local => Ok("http://127.0.0.1/callback"),
            None => Err(ConfigError::missing("redirect_uri").into()),
        }
    }
}
