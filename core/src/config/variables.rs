//! Configuration from named variables, usually the environment.

use std::cell::{Cell, RefCell};

use super::check::{check_base, check_values};
use super::{Config, ConfigError, ConfigParts, Endpoints};
use crate::protocol::scope::Scope;
use crate::provider::{ClientAuth, Provider};
use crate::secret::Secret;
use crate::variable_names::{names, variable_of};

/// Where the metadata of a server is that variables name. The host brings it: a file is read, an issuer's document is
/// fetched by the steps of [`metadata_step`](crate::metadata_step).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataSource {
    /// Whose metadata it has to be.
    pub issuer: Option<String>,
    /// The file that it is in; fetched where there is none.
    pub file: Option<String>,
}

impl MetadataSource {
    /// What `WEBEX_ISSUER` and `WEBEX_METADATA` say; `None` where neither is set.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`] where one of the two begins or ends with a single quote.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, ConfigError> {
        let variables = Variables::new(lookup, false);
        let (issuer, file) = (variables.get("issuer")?, variables.get("metadata")?);
        Ok((issuer.is_some() || file.is_some()).then_some(Self { issuer, file }))
    }

    /// The server that the file describes.
    ///
    /// # Errors
    ///
    /// As [`Provider::from_metadata`], where `WEBEX_ISSUER` is set, or [`Provider::from_own_metadata`]; with the variable
    /// that is to blame.
    pub fn read_file(&self, document: &[u8]) -> Result<Provider, ConfigError> {
        let read = match &self.issuer {
            Some(issuer) => Provider::from_metadata(document, issuer),
            None => Provider::from_own_metadata(document),
        };
        read.map_err(named)
    }

    /// What to say where the file could not be read.
    pub fn unreadable(&self, why: &str) -> ConfigError {
        named(ConfigError::invalid("metadata", format!("the file cannot be read: {why}")))
    }
}

impl ConfigParts {
    /// From a map of variables, usually the environment's: `lookup` answers the value of a name.
    ///
    /// `WEBEX_*` goes before `COMMON_IDENTITY_*` before the plain names; with `legacy`, and at the server `ciscospark`,
    /// `CISCOSPARK_*` comes last. Empty values count as absent. A pair of quotes around a value, as the Windows shell leaves
    /// it there, is removed.
    ///
    /// One of `WEBEX_SERVER` (a server with Webex's paths) and `WEBEX_PROVIDER` (`webex`, `fedramp`, `idbroker`,
    /// `ciscospark`; `WEBEX_PROFILE` does as well where it is one of these) names the server; else `IDBROKER_BASE_URL` may
    /// move Webex's identity broker. `WEBEX_AUTHORIZATION_STRING` lies over all that; `HYDRA_SERVICE_URL` moves the REST
    /// API in any case. Where [`MetadataSource::from_variables`] finds something, the host has to get that first and to
    /// call [`ConfigParts::from_variables_at`].
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`] where a value cannot be used (a single quote, another name than a setting has, a URL that is
    /// none), where two variables name the server, or where its metadata has to be fetched first. [`ConfigError::Insecure`]
    /// where a URL is plain http and not on loopback. The error names the variable. That something is missing is told by
    /// [`ConfigParts::build_from_variables`].
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>, legacy: bool) -> Result<Self, ConfigError> {
        match MetadataSource::from_variables(&lookup)? {
            Some(source) => {
                let field = if source.file.is_some() { "metadata" } else { "issuer" };
                Err(named(ConfigError::invalid(field, "has to be fetched before the other variables are read")))
            }
            None => read(&Variables::new(lookup, legacy), None),
        }
    }

    /// The same at a server that is known already: the one whose metadata `WEBEX_ISSUER` or `WEBEX_METADATA` names.
    ///
    /// # Errors
    ///
    /// As [`ConfigParts::from_variables`], but that the metadata is there; [`ConfigError::Invalid`] also where `WEBEX_SERVER`
    /// or `WEBEX_PROVIDER` names one, too, and [`ConfigError::Missing`] where `provider` has an empty endpoint.
    pub fn from_variables_at(
        provider: Provider,
        lookup: impl Fn(&str) -> Option<String>,
        legacy: bool,
    ) -> Result<Self, ConfigError> {
        read(&Variables::new(lookup, legacy), Some(provider))
    }

    /// Checks everything and freezes it, as [`ConfigParts::build`] does. What is missing is named by its variable.
    ///
    /// # Errors
    ///
    /// As [`ConfigParts::build`]; [`ConfigError::Missing`] has the variable that is to be set.
    pub fn build_from_variables(self) -> Result<Config, ConfigError> {
        self.build().map_err(|error| match error {
            ConfigError::Missing { .. } => named(error),
            ConfigError::Invalid { .. } | ConfigError::Insecure { .. } | ConfigError::Unanswered { .. } => error,
        })
    }
}

fn read<F: Fn(&str) -> Option<String>>(
    variables: &Variables<F>,
    provider: Option<Provider>,
) -> Result<ConfigParts, ConfigError> {
    let server = server(variables, provider)?;
    if server.name == Provider::ciscospark().name {
        // Whoever names Webex's former host may have variables of its time.
        variables.legacy.set(true);
    }
    let mut parts = ConfigParts::new(server, "");
    parts.client_id = variables.get("client_id")?.unwrap_or_default();
    parts.client_secret = variables.get("client_secret")?.map(Secret::new);
    parts.redirect_uri = variables.get("redirect_uri")?;
    parts.scope = variables.get("scope")?.map(|text| Scope::parse(&text)).unwrap_or_default();
    parts.access_token = variables.get("access_token")?.map(Secret::new);
    parts.client_auth = variables.get("client_auth")?.map(|text| client_auth(&text)).transpose().map_err(named)?;
    parts.token_hosts = variables.list("token_hosts", &[' ', ','])?;
    parts.resource = variables.list("resource", &[' '])?;
    if let Some(url) = variables.get("authorization_url")? {
        let before = (parts.client_id.clone(), parts.redirect_uri.clone(), parts.scope.clone());
        parts.apply_authorization_url(&url).map_err(|error| variables.blame(error))?;
        let carried = [parts.client_id != before.0, parts.redirect_uri != before.1, parts.scope != before.2];
        for (field, carried) in ["client_id", "redirect_uri", "scope"].into_iter().zip(carried) {
            if carried {
                variables.comes_with(field, "authorization_url");
            }
        }
    } else if let Some(url) = variables.get("authorization_endpoint")? {
        parts.provider.authorization_endpoint = url;
    }
    // No authorization URL says where the REST API is.
    if let Some(base) = variables.base("hydra_service_url")? {
        parts.provider.set_api_base(&base);
    }
    let endpoints = Endpoints::read(&mut parts.provider.clone());
    endpoints.and_then(|_| check_values(&parts)).map_err(|error| variables.blame(error))?;
    Ok(parts)
}

/// The server: two that are named are a mistake, and code and secret would go to the wrong one.
fn server<F: Fn(&str) -> Option<String>>(
    variables: &Variables<F>,
    provider: Option<Provider>,
) -> Result<Provider, ConfigError> {
    let (server, name) = (variables.base("server")?, variables.get("provider")?);
    let field = if server.is_some() { "server" } else { "provider" };
    if usize::from(provider.is_some()) + usize::from(server.is_some()) + usize::from(name.is_some()) > 1 {
        return Err(named(ConfigError::invalid(field, "another variable names the server already; keep one of them")));
    }
    let idbroker = variables.base("idbroker_base_url")?;
    match (provider, server, name) {
        (Some(provider), _, _) => Ok(provider),
        (None, Some(base), _) => Ok(Provider::webex_at(&base)),
        (None, None, Some(name)) => Provider::named(&name).ok_or_else(|| {
            named(ConfigError::invalid("provider", "is none of webex, fedramp, idbroker and ciscospark"))
        }),
        (None, None, None) => {
            // A profile of the command's that has another name is no server.
            let profile = variables.get("profile")?.and_then(|name| Provider::named(&name));
            Ok(profile.or_else(|| idbroker.map(|base| Provider::idbroker_at(&base))).unwrap_or_else(Provider::webex))
        }
    }
}

/// The names of RFC 7591 section 2, and ours.
fn client_auth(text: &str) -> Result<ClientAuth, ConfigError> {
    match text {
        "client_secret_basic" | "basic_form_encoded" => Ok(ClientAuth::BasicFormEncoded),
        "basic_raw" => Ok(ClientAuth::BasicRaw),
        "client_secret_post" | "body" => Ok(ClientAuth::Body),
        "none" => Ok(ClientAuth::None),
        _ => Err(ConfigError::invalid(
            "client_auth",
            "is none of client_secret_basic, client_secret_post, basic_raw and none",
        )),
    }
}

/// The error with the first variable of its field: the one to set.
fn named(error: ConfigError) -> ConfigError {
    let name = variable_of(error.field());
    error.in_variable(name)
}

/// Variables with their rules: first name wins, empty is absent, quotes are removed.
struct Variables<F> {
    lookup: F,
    legacy: Cell<bool>,
    /// Which variable gave which field.
    found: RefCell<Vec<(&'static str, &'static str)>>,
}

impl<F: Fn(&str) -> Option<String>> Variables<F> {
    fn new(lookup: F, legacy: bool) -> Self {
        Self { lookup, legacy: Cell::new(legacy), found: RefCell::default() }
    }

    fn get(&self, field: &'static str) -> Result<Option<String>, ConfigError> {
        for name in names(field).iter().filter(|name| self.legacy.get() || !name.starts_with("CISCOSPARK_")) {
            let Some(value) = (self.lookup)(name) else {
                continue;
            };
            let value = unquote(&value, field).map_err(|error| error.in_variable(Some(name)))?;
            if !value.is_empty() {
                self.found.borrow_mut().push((field, name));
                return Ok(Some(value.to_owned()));
            }
        }
        Ok(None)
    }

    fn list(&self, field: &'static str, between: &[char]) -> Result<Vec<String>, ConfigError> {
        let text = self.get(field)?.unwrap_or_default();
        Ok(text.split(between).filter(|entry| !entry.is_empty()).map(str::to_owned).collect())
    }

    /// The base of a server.
    fn base(&self, field: &'static str) -> Result<Option<String>, ConfigError> {
        let base = self.get(field)?;
        base.as_deref().map_or(Ok(()), |base| check_base(base, field)).map_err(|error| self.blame(error))?;
        Ok(base)
    }

    fn comes_with(&self, field: &'static str, other: &'static str) {
        let found = self.found.borrow().iter().find(|(name, _)| *name == other).map(|(_, variable)| *variable);
        self.found.borrow_mut().retain(|(name, _)| *name != field);
        self.found.borrow_mut().extend(found.map(|variable| (field, variable)));
    }

    /// The error with the variable that its field came from.
    fn blame(&self, error: ConfigError) -> ConfigError {
        let field = error.field();
        let name = self.found.borrow().iter().find(|(name, _)| *name == field).map(|(_, variable)| *variable);
        error.in_variable(name)
    }
}

fn unquote<'a>(value: &'a str, field: &'static str) -> Result<&'a str, ConfigError> {
    let value = value.trim();
    for quote in ['"', '\''] {
        match (value.strip_prefix(quote), value.ends_with(quote)) {
            (Some(inner), true) if !inner.is_empty() => {
                return Ok(inner.strip_suffix(quote).unwrap_or(inner).trim());
            }
            (None, false) => {}
            _ => {
                return Err(ConfigError::invalid(field, "begins or ends with a single quote character"));
            }
        }
    }
    Ok(value)
}
