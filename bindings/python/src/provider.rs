//! Authorization servers as data.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::errors::{Raise, invalid};
use crate::words::{ClientAuth, JwtScheme, Leniency};

/// An authorization server, as data. Start from a profile and `replace()` what differs.
#[pyclass(frozen, eq, from_py_object, module = "webex_oauth")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Provider(pub(crate) webex_oauth::Provider);

/// One list of the fields, for the getters and for `replace`.
macro_rules! fields {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ty, $get:expr, $set:expr;)+) => {
        #[pymethods]
        impl Provider {
            $($(#[doc = $doc])+ #[getter] fn $name(&self) -> $kind {
                let get: fn(&webex_oauth::Provider) -> $kind = $get;
                get(&self.0)
            })+
        }

        fn set(provider: &mut webex_oauth::Provider, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
            match name {
                $(stringify!($name) => {
                    let set: fn(&mut webex_oauth::Provider, $kind) = $set;
                    set(provider, value.extract::<$kind>()?);
                    Ok(())
                })+
                _ => Err(invalid(value.py(), name, "a Provider has no such field")),
            }
        }

        /// A field that the core gets does not compile here before it has a place above.
        #[allow(dead_code, reason = "for the compiler")]
        fn every_field_is_listed(provider: webex_oauth::Provider) {
            let webex_oauth::Provider { $($name: _,)+ } = provider;
        }
    };
}

fields! {
    /// For people.
    name: String, |p| p.name.clone(), |p, v| p.name = v;
    /// Expected value of `iss` in the redirect (RFC 9207), if the server sends one.
    issuer: Option<String>, |p| p.issuer.clone(), |p, v| p.issuer = v;
    /// The server promised to send `iss`.
    issuer_required: bool, |p| p.issuer_required, |p, v| p.issuer_required = v;
    /// RFC 6749 section 3.1.
    authorization_endpoint: String, |p| p.authorization_endpoint.clone(), |p, v| p.authorization_endpoint = v;
    /// RFC 6749 section 3.2.
    token_endpoint: String, |p| p.token_endpoint.clone(), |p, v| p.token_endpoint = v;
    /// RFC 8628 section 3.1.
    device_authorization_endpoint: Option<String>, |p| p.device_authorization_endpoint.clone(), |p, v| p.device_authorization_endpoint = v;
    /// Where a device polls; the token endpoint where there is none.
    device_token_endpoint: Option<String>, |p| p.device_token_endpoint.clone(), |p, v| p.device_token_endpoint = v;
    /// RFC 7009.
    revocation_endpoint: Option<String>, |p| p.revocation_endpoint.clone(), |p, v| p.revocation_endpoint = v;
    /// Where a browser goes to sign out.
    logout_endpoint: Option<String>, |p| p.logout_endpoint.clone(), |p, v| p.logout_endpoint = v;
    /// Webex: exchanges a guest JWT for a token.
    jwt_login_endpoint: Option<String>, |p| p.jwt_login_endpoint.clone(), |p, v| p.jwt_login_endpoint = v;
    /// Webex: issues a guest's token to a Service App.
    guest_token_endpoint: Option<String>, |p| p.guest_token_endpoint.clone(), |p, v| p.guest_token_endpoint = v;
    /// The REST API's base, without a slash at its end.
    api_base: Option<String>, |p| p.api_base.clone(), |p, v| p.api_base = v;
    /// Where the server tells about the user who signed in: the `userinfo_endpoint` of OpenID Connect.
    userinfo_endpoint: Option<String>, |p| p.userinfo_endpoint.clone(), |p, v| p.userinfo_endpoint = v;
    /// Webex: where the catalog of its services is; see `Services`.
    catalog_endpoint: Option<String>, |p| p.catalog_endpoint.clone(), |p, v| p.catalog_endpoint = v;
    /// The hosts that the catalog names may see the access token.
    catalog_hosts_carry_token: bool, |p| p.catalog_hosts_carry_token, |p, v| p.catalog_hosts_carry_token = v;
    /// Hosts that may see the access token.
    token_hosts: Vec<String>, |p| p.token_hosts.clone(), |p, v| p.token_hosts = v;
    /// How the client authenticates if the configuration does not say.
    client_auth: ClientAuth, |p| p.client_auth.into(), |p, v| p.client_auth = v.0;
    /// Every token request needs the secret, PKCE or not.
    secret_required: bool, |p| p.secret_required, |p, v| p.secret_required = v;
    /// Ask for self-contained tokens.
    self_contained_token: bool, |p| p.self_contained_token, |p, v| p.self_contained_token = v;
    /// Send `redirect_uri` with a refresh.
    redirect_uri_on_refresh: bool, |p| p.redirect_uri_on_refresh, |p, v| p.redirect_uri_on_refresh = v;
    /// The server knows `urn:cisco:oauth:grant-type:scope-reduction`.
    downscope: bool, |p| p.downscope, |p, v| p.downscope = v;
    /// A scope that is left out of a user token unless asked for.
    reserved_scope: Option<String>, |p| p.reserved_scope.clone(), |p, v| p.reserved_scope = v;
    /// Value of `cisService` at Webex's logout. Where there is none, the logout is OpenID Connect's, which sees no token.
    logout_service: Option<String>, |p| p.logout_service.clone(), |p, v| p.logout_service = v;
    /// How `jwt/login` wants its JWT.
    jwt_scheme: JwtScheme, |p| p.jwt_scheme.into(), |p, v| p.jwt_scheme = v.0;
    /// What the answer parser lets pass.
    leniency: Leniency, |p| p.leniency.into(), |p, v| p.leniency = v.0;
}

#[pymethods]
impl Provider {
    /// Webex for integrations: `webexapis.com/v1`, as developer.webex.com documents it.
    #[staticmethod]
    fn webex() -> Self {
        Self(webex_oauth::Provider::webex())
    }

    /// Webex under its former host, `api.ciscospark.com/v1`.
    #[staticmethod]
    fn ciscospark() -> Self {
        Self(webex_oauth::Provider::ciscospark())
    }

    /// Webex for government (FedRAMP).
    #[staticmethod]
    fn webex_fedramp() -> Self {
        Self(webex_oauth::Provider::webex_fedramp())
    }

    /// The identity broker itself, as first-party clients and the JavaScript SDK use it.
    #[staticmethod]
    fn webex_idbroker() -> Self {
        Self(webex_oauth::Provider::webex_idbroker())
    }

    /// The identity broker at another base, a region's for example.
    #[staticmethod]
    fn idbroker_at(base: &str) -> Self {
        Self(webex_oauth::Provider::idbroker_at(base))
    }

    /// A server with Webex's paths at another base: a simulator, a proxy, a test double.
    #[staticmethod]
    fn webex_at(base: &str) -> Self {
        Self(webex_oauth::Provider::webex_at(base))
    }

    /// Any RFC 6749 server. Everything beyond the two endpoints starts as absent or strict.
    #[staticmethod]
    fn custom(authorization_endpoint: &str, token_endpoint: &str) -> Self {
        Self(webex_oauth::Provider::custom(authorization_endpoint, token_endpoint))
    }

    /// A profile by its name: `webex`, `fedramp`, `idbroker`, `ciscospark`; `None` where there is no such profile.
    #[staticmethod]
    fn named(name: &str) -> Option<Self> {
        webex_oauth::Provider::named(name).map(Self)
    }

    /// From the metadata that a server publishes (RFC 8414, OpenID Connect Discovery), fetched from below `issuer`.
    #[staticmethod]
    fn from_metadata(py: Python<'_>, document: &Bound<'_, PyAny>, issuer: &str) -> PyResult<Self> {
        let bytes = match document.cast::<PyString>() {
            Ok(text) => text.extract::<String>()?.into_bytes(),
            Err(_) => document.extract().map_err(|_| invalid(py, "document", "expected str or bytes"))?,
        };
        webex_oauth::Provider::from_metadata(&bytes, issuer).map(Self).map_err(|error| error.raise(py))
    }

    /// The same with the REST API, and what hangs on it, at another base.
    fn with_api_base(&self, base: &str) -> Self {
        let mut provider = self.0.clone();
        provider.set_api_base(base);
        Self(provider)
    }

    /// The same with other values for some fields.
    #[pyo3(signature = (**changes))]
    fn replace(&self, changes: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut provider = self.0.clone();
        for (name, value) in changes.into_iter().flatten() {
            set(&mut provider, &name.extract::<String>()?, &value)?;
        }
        Ok(Self(provider))
    }

    fn __repr__(&self) -> String {
        format!("Provider(name={:?}, token_endpoint={:?})", self.0.name, self.0.token_endpoint)
    }
}
