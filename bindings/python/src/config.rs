//! The configuration of a client.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use webex_oauth::ConfigParts;

use crate::convert::{Span, described};
use crate::errors::{Raise, invalid};
use crate::provider::Provider;
use crate::scope::{Scope, ScopeText};
use crate::secret::{Secret, SecretText};
use crate::services::Services;
use crate::target_uri::JudgedUrl;
use crate::variables::Variables;
use crate::words::{ClientAuth, DownscopeFailure, Renewal};

/// When to refresh. Two lines: *soon* asks for a refresh in the background, *must* ends the use of the token.
///
/// `soon_permille` are thousandths of the lifetime, drawn per token between the two. `margin` is how long *must* lies
/// before expiry, at most a tenth of the lifetime. No two refreshes are closer than `min_interval`. `backoff` is the
/// first wait after a failure, doubling up to `max_backoff`. `proactive`: `tick` refreshes when soon has come.
#[pyclass(frozen, eq, from_py_object, module = "webex_oauth")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefreshPolicy(webex_oauth::RefreshPolicy);

#[pymethods]
impl RefreshPolicy {
    #[new]
    #[pyo3(signature = (
        *, soon_permille = None, margin = None, min_interval = None, backoff = None, max_backoff = None,
        proactive = None, revoke_superseded = None, warn_before_relogin = None,
    ))]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        soon_permille: Option<(u16, u16)>,
        margin: Option<Span>,
        min_interval: Option<Span>,
        backoff: Option<Span>,
        max_backoff: Option<Span>,
        proactive: Option<bool>,
        revoke_superseded: Option<bool>,
        warn_before_relogin: Option<Span>,
    ) -> Self {
        let default = webex_oauth::RefreshPolicy::default();
        let span = |given: Option<Span>, default| given.map_or(default, |span| span.0);
        Self(webex_oauth::RefreshPolicy {
            soon_permille: soon_permille.unwrap_or(default.soon_permille),
            margin: span(margin, default.margin),
            min_interval: span(min_interval, default.min_interval),
            backoff: span(backoff, default.backoff),
            max_backoff: span(max_backoff, default.max_backoff),
            proactive: proactive.unwrap_or(default.proactive),
            revoke_superseded,
            warn_before_relogin: span(warn_before_relogin, default.warn_before_relogin),
        })
    }

    /// Soon lies between these thousandths of the lifetime.
    #[getter]
    fn soon_permille(&self) -> (u16, u16) {
        self.0.soon_permille
    }

    /// Must lies this long before expiry.
    #[getter]
    fn margin(&self) -> Span {
        Span(self.0.margin)
    }

    /// No two refreshes are closer than this.
    #[getter]
    fn min_interval(&self) -> Span {
        Span(self.0.min_interval)
    }

    /// First wait after a failure.
    #[getter]
    fn backoff(&self) -> Span {
        Span(self.0.backoff)
    }

    /// Longest wait after a failure without `Retry-After`.
    #[getter]
    fn max_backoff(&self) -> Span {
        Span(self.0.max_backoff)
    }

    /// Refresh on `tick` when soon has come.
    #[getter]
    fn proactive(&self) -> bool {
        self.0.proactive
    }

    /// Revoke a superseded access token once its successor's successor arrives; `None`: at Webex only.
    #[getter]
    fn revoke_superseded(&self) -> Option<bool> {
        self.0.revoke_superseded
    }

    /// Warn this long before the refresh token expires.
    #[getter]
    fn warn_before_relogin(&self) -> Span {
        Span(self.0.warn_before_relogin)
    }
}

/// Which waits are believed: `missing` where there is no usable `Retry-After`, `zero` where it asks for none; never
/// shorter than `minimum` nor longer than `maximum`.
#[pyclass(frozen, eq, from_py_object, module = "webex_oauth")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RetryAfterBounds(pub(crate) webex_oauth::RetryAfterBounds);

#[pymethods]
impl RetryAfterBounds {
    #[new]
    #[pyo3(signature = (*, missing = None, zero = None, minimum = None, maximum = None))]
    fn new(missing: Option<Span>, zero: Option<Span>, minimum: Option<Span>, maximum: Option<Span>) -> Self {
        let default = webex_oauth::RetryAfterBounds::DEFAULT;
        let span = |given: Option<Span>, default| given.map_or(default, |span| span.0);
        Self(webex_oauth::RetryAfterBounds {
            missing: span(missing, default.missing),
            zero: span(zero, default.zero),
            minimum: span(minimum, default.minimum),
            maximum: span(maximum, default.maximum),
        })
    }

    /// Used where the header is missing or cannot be read.
    #[getter]
    fn missing(&self) -> Span {
        Span(self.0.missing)
    }

    /// Used where the header asks for no wait, or one that is over.
    #[getter]
    fn zero(&self) -> Span {
        Span(self.0.zero)
    }

    /// No wait is shorter.
    #[getter]
    fn minimum(&self) -> Span {
        Span(self.0.minimum)
    }

    /// No wait is longer.
    #[getter]
    fn maximum(&self) -> Span {
        Span(self.0.maximum)
    }
}

/// A checked configuration: immutable, shared by nobody who was not given it.
#[pyclass(frozen, module = "webex_oauth")]
#[derive(Debug, Clone)]
pub(crate) struct Config(pub(crate) webex_oauth::Config);

#[pymethods]
impl Config {
    /// The client id, and by keyword whatever else is known; see `replace` for the names.
    #[new]
    #[pyo3(signature = (client_id, **settings))]
    fn new(py: Python<'_>, client_id: String, settings: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        build(py, ConfigParts::new(webex_oauth::Provider::webex(), client_id), settings)
    }

    /// From the authorization URL that the developer portal shows: client id, redirect URI, scope and server are in it.
    #[staticmethod]
    #[pyo3(signature = (url, **settings))]
    fn from_authorization_url(py: Python<'_>, url: &str, settings: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let parts = ConfigParts::from_authorization_url(url).map_err(|error| error.raise(py))?;
        build(py, parts, settings)
    }

    /// From a mapping of variables such as `os.environ`: `WEBEX_*` goes before `COMMON_IDENTITY_*` before the plain
    /// names, and `WEBEX_AUTHORIZATION_STRING` lies over them. With `legacy`, `CISCOSPARK_*` comes last. `server` is the
    /// one whose metadata `MetadataSource.from_variables` found.
    #[staticmethod]
    #[pyo3(signature = (variables, *, legacy = false, server = None, **settings))]
    fn from_variables(
        py: Python<'_>,
        variables: &Bound<'_, PyAny>,
        legacy: bool,
        server: Option<Provider>,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let mut parts = Variables::of(variables)?.read(|lookup| match server {
            None => ConfigParts::from_variables(lookup, legacy),
            Some(server) => ConfigParts::from_variables_at(server.0, lookup, legacy),
        })?;
        set_all(&mut parts, settings)?;
        parts.build_from_variables().map(Self).map_err(|error| error.raise(py))
    }

    /// The same with other values for some settings: client_id, client_secret, redirect_uri, scope, provider,
    /// client_auth, renewal, refresh, downscope_failure, login_lifetime, request_timeout, retry_after, token_hosts,
    /// resource, access_token; authorization_url is laid over those that are named before it.
    #[pyo3(signature = (**settings))]
    fn replace(&self, py: Python<'_>, settings: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        build(py, self.0.parts().clone(), settings)
    }

    /// The client secret, for confidential clients.
    #[getter]
    fn client_secret(&self) -> Option<Secret> {
        self.0.parts().client_secret.clone().map(Secret)
    }

    /// What happens where a token cannot be downscoped.
    #[getter]
    fn downscope_failure(&self) -> DownscopeFailure {
        self.0.parts().downscope_failure.into()
    }

    /// Which waits are believed.
    #[getter]
    fn retry_after(&self) -> RetryAfterBounds {
        RetryAfterBounds(self.0.parts().retry_after)
    }

    /// Further hosts that may see the access token.
    #[getter]
    fn token_hosts(&self) -> Vec<String> {
        self.0.parts().token_hosts.clone()
    }

    /// What the tokens are for, as absolute URIs (RFC 8707); their hosts may see the access token.
    #[getter]
    fn resource(&self) -> Vec<String> {
        self.0.parts().resource.clone()
    }

    /// The client identifier.
    #[getter]
    fn client_id(&self) -> &str {
        self.0.client_id()
    }

    /// The authorization server.
    #[getter]
    fn provider(&self) -> Provider {
        Provider(self.0.provider().clone())
    }

    /// Where the browser comes back to.
    #[getter]
    fn redirect_uri(&self) -> Option<&str> {
        self.0.parts().redirect_uri.as_deref()
    }

    /// The scope that a login asks for unless it says otherwise.
    #[getter]
    fn scope(&self) -> Scope {
        Scope(self.0.scope().clone())
    }

    /// How the client authenticates.
    #[getter]
    fn client_auth(&self) -> ClientAuth {
        self.0.client_auth().into()
    }

    /// Who renews the tokens.
    #[getter]
    fn renewal(&self) -> Renewal {
        self.0.parts().renewal.into()
    }

    /// When to refresh.
    #[getter]
    fn refresh(&self) -> RefreshPolicy {
        RefreshPolicy(self.0.parts().refresh.clone())
    }

    /// A token to start from, where one was configured (`WEBEX_ACCESS_TOKEN`).
    #[getter]
    fn access_token(&self) -> Option<Secret> {
        self.0.parts().access_token.clone().map(Secret)
    }

    /// Given to every request.
    #[getter]
    fn request_timeout(&self) -> Span {
        Span(self.0.parts().request_timeout)
    }

    /// How long a started login waits for its callback.
    #[getter]
    fn login_lifetime(&self) -> Span {
        Span(self.0.parts().login_lifetime)
    }

    /// Reads the URL of an API call, and says whether the access token may go there: https to one of the token hosts or
    /// its sub-domains, or exactly a configured `host:port`, where plain http passes on loopback.
    ///
    /// `InvalidArgument` is for a URL that is not to be called at all, since others may read another host in it.
    fn judge_url(&self, py: Python<'_>, url: &str) -> PyResult<JudgedUrl> {
        self.0.judge_url(url).map(JudgedUrl::from).map_err(|error| error.raise(py))
    }

    /// Whether the access token may be sent to `url`: see `judge_url`, which also says where to connect to.
    fn may_carry_token(&self, url: &str) -> bool {
        self.0.may_carry_token(url)
    }

    /// Where the server's catalog of services is: `GET` it with the access token, and give the answer to `Services.read`.
    fn catalog_url(&self, py: Python<'_>) -> PyResult<String> {
        self.0.catalog_url().map_err(|error| error.raise(py))
    }

    /// The same configuration once the server's catalog is known: where the provider trusts it, the token may also go to
    /// the hosts that it names. For judging calls.
    fn with_services(&self, services: &Services) -> Self {
        Self(self.0.with_services(&services.0))
    }

    fn __repr__(&self) -> String {
        format!("Config(client_id={:?}, provider={:?})", self.0.client_id(), self.0.provider().name)
    }
}

fn build(py: Python<'_>, mut parts: ConfigParts, settings: Option<&Bound<'_, PyDict>>) -> PyResult<Config> {
    set_all(&mut parts, settings)?;
    parts.build().map(Config).map_err(|error| error.raise(py))
}

fn set_all(parts: &mut ConfigParts, settings: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
    for (name, value) in settings.into_iter().flatten() {
        set(parts, &name.extract::<String>()?, &value)?;
    }
    Ok(())
}

/// One text, or several.
fn texts(value: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    value.extract::<String>().map(|text| vec![text]).or_else(|_| value.extract())
}

fn set(parts: &mut ConfigParts, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let secret = || value.extract::<Option<SecretText>>().map(|secret| secret.map(|secret| secret.0));
    match name {
        "client_id" => parts.client_id = value.extract()?,
        "client_secret" => parts.client_secret = secret()?,
        "redirect_uri" => parts.redirect_uri = value.extract()?,
        "scope" => parts.scope = value.extract::<ScopeText>()?.0,
        "provider" => parts.provider = value.extract::<Provider>()?.0,
        "client_auth" => parts.client_auth = value.extract::<Option<ClientAuth>>()?.map(|method| method.0),
        "renewal" => parts.renewal = value.extract::<Renewal>()?.0,
        "refresh" => parts.refresh = value.extract::<RefreshPolicy>()?.0,
        "downscope_failure" => parts.downscope_failure = value.extract::<DownscopeFailure>()?.0,
        "login_lifetime" => parts.login_lifetime = value.extract::<Span>()?.0,
        "request_timeout" => parts.request_timeout = value.extract::<Span>()?.0,
        "retry_after" => parts.retry_after = value.extract::<RetryAfterBounds>()?.0,
        "token_hosts" => parts.token_hosts = value.extract()?,
        "resource" => parts.resource = texts(value)?,
        "access_token" => parts.access_token = secret()?,
        "authorization_url" => {
            let url: String = value.extract()?;
            parts.apply_authorization_url(&url).map_err(|error| error.raise(value.py()))?;
        }
        _ => return Err(invalid(value.py(), name, "a Config has no such setting")),
    }
    Ok(())
}

/// A setting that the core gets does not compile here before it has a place above.
#[allow(dead_code, reason = "for the compiler")]
fn every_setting_is_listed(parts: ConfigParts) {
    let ConfigParts {
        provider: _,
        client_id: _,
        client_secret: _,
        redirect_uri: _,
        scope: _,
        client_auth: _,
        renewal: _,
        refresh: _,
        downscope_failure: _,
        login_lifetime: _,
        request_timeout: _,
        retry_after: _,
        token_hosts: _,
        resource: _,
        access_token: _,
    } = parts;
}

described!(RefreshPolicy: soon_permille, margin, min_interval, backoff, max_backoff, proactive, revoke_superseded, warn_before_relogin);
described!(RetryAfterBounds: missing, zero, minimum, maximum);
