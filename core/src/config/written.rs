//! What logins and requests have in common, written once when the configuration is built.

use std::sync::Arc;

use super::ConfigParts;
use crate::http::HeaderValue;
use crate::protocol::{authorize, client_auth, request};
use crate::provider::ClientAuth;
use crate::secret::Secret;

#[derive(Debug, Clone)]
pub(super) struct Written {
    /// The client's part of a login URL, where there is a redirect URI.
    pub(super) login_parameters: Option<String>,
    pub(super) redirect_uri: Option<Arc<str>>,
    /// What the tokens are for, as parameters (RFC 8707 section 2); empty where nothing is named.
    pub(super) resources: String,
    /// The same as a parameter.
    pub(super) redirect_parameter: Option<String>,
    /// Client authentication: in a header, or in the body.
    pub(super) basic: Option<HeaderValue>,
    /// Form-encoding changes the client's id or secret.
    pub(super) encodes_secret: bool,
    pub(super) in_body: Option<Secret>,
}

impl Written {
    pub(super) fn of(parts: &ConfigParts, client_auth: ClientAuth) -> Self {
        let ConfigParts { client_id, scope, .. } = parts;
        let (redirect_uri, secret) = (parts.redirect_uri.as_deref(), parts.client_secret.as_ref());
        let resources = request::resource_parameters(&parts.resource);
        let login_parameters =
            redirect_uri.map(|uri| authorize::client_parameters(client_id, uri, scope.as_str(), &resources));
        Self {
            login_parameters,
            resources,
            redirect_uri: redirect_uri.map(Arc::from),
            redirect_parameter: redirect_uri.map(request::redirect_parameter),
            basic: secret.and_then(|secret| client_auth::basic(client_auth, client_id, secret)),
            encodes_secret: secret.is_some_and(|secret| client_auth::is_encoded(client_auth, client_id, secret)),
            in_body: client_auth::in_body(client_auth, client_id, secret),
        }
    }
}
