//! The requests that a session makes, complete with authentication and transport hints.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use zeroize::Zeroizing;

use crate::config::Config;
use crate::http::{HeaderValue, HttpRequest, Purpose, RequestId, TransportHints};
use crate::protocol::answer::MAX_BODY;
use crate::protocol::client_auth;
use crate::protocol::form::{self, Form};
use crate::protocol::members::Members;
use crate::protocol::org::decode_base64;
use crate::provider::{ClientAuth, JwtScheme};
use crate::secret::{AccessToken, Secret};
use crate::target_uri::TargetUri;

const SCOPE_REDUCTION: &str = "urn:cisco:oauth:grant-type:scope-reduction";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Access token request of the code grant (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
pub(crate) fn redeem_code(
    config: &Config,
    id: RequestId,
    code: &Secret,
    redirect_uri: Option<&str>,
    verifier: Option<&Secret>,
) -> HttpRequest {
    let mut form = Form::grant("authorization_code");
    client_auth::add_to_body(config, &mut form);
    form.add_some("redirect_uri", redirect_uri);
    form.add("code", code.expose());
    add_self_contained(config, &mut form);
    form.add_some("code_verifier", verifier.map(Secret::expose));
    add_resources(config, &mut form);
    token_request(config, id, Purpose::RedeemCode, form)
}

/// Refresh (RFC 6749 section 6). No scope is sent: servers refuse it, and the granted one is meant.
pub(crate) fn refresh(config: &Config, id: RequestId, refresh_token: &Secret) -> HttpRequest {
    let mut form = Form::grant("refresh_token");
    client_auth::add_to_body(config, &mut form);
    if config.provider().redirect_uri_on_refresh {
        form.add_some("redirect_uri", config.parts().redirect_uri.as_deref());
    }
    form.add("refresh_token", refresh_token.expose());
    add_resources(config, &mut form);
    token_request(config, id, Purpose::Refresh, form)
}

/// Client credentials (RFC 6749 section 4.4.2).
pub(crate) fn client_credentials(config: &Config, id: RequestId, scope: &str) -> HttpRequest {
    let mut form = Form::grant("client_credentials");
    client_auth::add_to_body(config, &mut form);
    if !scope.is_empty() {
        form.add("scope", scope);
    }
    add_self_contained(config, &mut form);
    add_resources(config, &mut form);
    token_request(config, id, Purpose::ClientCredentials, form)
}

/// Webex's scope reduction. The token itself authenticates; there is no client authentication.
pub(crate) fn downscope(config: &Config, id: RequestId, token: &AccessToken, scope: &str) -> HttpRequest {
    let mut form = Form::grant(SCOPE_REDUCTION);
    form.add("token", token.expose());
    form.add("scope", scope);
    form.add("client_id", config.client_id());
    form.add("self_contained_token", "true");
    form_request(config, id, Purpose::Downscope, &config.endpoints().token, None, form)
}

/// Webex's `jwt/login`.
pub(crate) fn jwt_login(config: &Config, id: RequestId, target: &Arc<TargetUri>, jwt: &Secret) -> HttpRequest {
    let authorization = match config.provider().jwt_scheme {
        JwtScheme::Raw => HeaderValue::Secret(jwt.clone()),
        JwtScheme::Bearer => HeaderValue::Secret(Secret::new(format!("Bearer {}", jwt.expose()))),
    };
    request(config, id, Purpose::JwtLogin, target, vec![("authorization", authorization)], Secret::new(""))
}

/// Webex's `guests/token`.
pub(crate) fn guest_token(
    config: &Config,
    id: RequestId,
    target: &Arc<TargetUri>,
    service_token: &Secret,
    subject: &str,
    display_name: &str,
) -> HttpRequest {
    let bearer = HeaderValue::Secret(Secret::new(format!("Bearer {}", service_token.expose())));
    let headers = vec![("authorization", bearer), ("content-type", HeaderValue::Plain("application/json"))];
    let body = json!({ "subject": subject, "displayName": display_name }).to_string();
    request(config, id, Purpose::GuestToken, target, headers, Secret::new(body))
}

/// Device authorization request (RFC 8628 section 3.1): the client authenticates as at the token endpoint. Webex's own
/// grant, which polls elsewhere, takes the client's id alone.
pub(crate) fn device_authorization(
    config: &Config,
    id: RequestId,
    target: &Arc<TargetUri>,
    scope: &str,
) -> HttpRequest {
    let mut form = Form::new();
    let authenticates = config.provider().device_token_endpoint.is_none();
    form.add("client_id", config.client_id());
    if authenticates && config.client_auth() == ClientAuth::Body {
        form.add_some("client_secret", config.client_secret().map(Secret::expose));
    }
    if !scope.is_empty() {
        form.add("scope", scope);
    }
    add_resources(config, &mut form);
    let basic = client_auth::header(config).filter(|_| authenticates);
    form_request(config, id, Purpose::DeviceAuthorization, target, basic, form)
}

/// Device access token request (RFC 8628 section 3.4). Webex wants Basic here, whatever it takes elsewhere.
pub(crate) fn device_token(config: &Config, id: RequestId, device_code: &Secret) -> HttpRequest {
    let mut form = Form::grant(DEVICE_CODE);
    form.add("device_code", device_code.expose());
    let secret = config.client_secret().filter(|_| config.client_auth() != ClientAuth::None);
    let basic = match (client_auth::header(config), secret) {
        (Some(basic), _) => Some(basic),
        (None, Some(secret)) if config.provider().device_token_endpoint.is_some() => {
            client_auth::basic(ClientAuth::BasicRaw, config.client_id(), secret)
        }
        (None, Some(secret)) => {
            form.add("client_secret", secret.expose());
            None
        }
        (None, None) => None,
    };
    form.add("client_id", config.client_id());
    add_resources(config, &mut form);
    form_request(config, id, Purpose::DeviceToken, &config.endpoints().device_token, basic, form)
}

/// Revocation (RFC 7009 section 2.1).
pub(crate) fn revoke(
    config: &Config,
    id: RequestId,
    target: &Arc<TargetUri>,
    token: &str,
    hint: &'static str,
) -> HttpRequest {
    let mut form = Form::new();
    form.add("token", token);
    form.add("token_type_hint", hint);
    client_auth::add_to_body(config, &mut form);
    form_request(config, id, Purpose::Revoke, target, client_auth::header(config), form)
}

/// Webex: a server tells the identity broker that its user signed out.
pub(crate) fn logout(
    config: &Config,
    id: RequestId,
    target: &Arc<TargetUri>,
    service: &str,
    token: &str,
) -> HttpRequest {
    let body = json!({ "token": token, "cisService": service }).to_string();
    let headers = vec![("content-type", HeaderValue::Plain("application/json"))];
    request(config, id, Purpose::Logout, target, headers, Secret::new(body))
}

fn add_resources(config: &Config, form: &mut Form) {
    for resource in &config.parts().resource {
        form.add("resource", resource);
    }
}

fn add_self_contained(config: &Config, form: &mut Form) {
    if config.provider().self_contained_token {
        form.add("self_contained_token", "true");
    }
}

fn token_request(config: &Config, id: RequestId, purpose: Purpose, form: Form) -> HttpRequest {
    form_request(config, id, purpose, &config.endpoints().token, client_auth::header(config), form)
}

fn form_request(
    config: &Config,
    id: RequestId,
    purpose: Purpose,
    target: &Arc<TargetUri>,
    authorization: Option<HeaderValue>,
    form: Form,
) -> HttpRequest {
    let mut headers = Vec::with_capacity(3);
    headers.extend(authorization.map(|value| ("authorization", value)));
    headers.push(("content-type", HeaderValue::Plain("application/x-www-form-urlencoded")));
    request(config, id, purpose, target, headers, form.into_secret())
}

fn request(
    config: &Config,
    id: RequestId,
    purpose: Purpose,
    target: &Arc<TargetUri>,
    mut headers: Vec<(&'static str, HeaderValue)>,
    body: Secret,
) -> HttpRequest {
    headers.push(("accept", HeaderValue::Plain("application/json")));
    let hints = TransportHints {
        timeout: config.parts().request_timeout,
        max_response_bytes: MAX_BODY,
        follow_redirects: false,
        idempotent: matches!(purpose, Purpose::Revoke),
    };
    HttpRequest { id, purpose, target: Arc::clone(target), headers, body: Arc::new(body), hints }
}

/// The secrets in a request. Shares the request's bytes, and takes them apart only where an answer failed.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Carried {
    body: Option<Arc<Secret>>,
    authorization: Option<Secret>,
}

impl Carried {
    pub(crate) fn by(request: &HttpRequest) -> Self {
        let authorization = request.headers.iter().find_map(|(_, value)| match value {
            HeaderValue::Secret(secret) => Some(secret.clone()),
            HeaderValue::Plain(_) => None,
        });
        Self { body: Some(Arc::clone(&request.body)), authorization }
    }

    /// Whether the client showed who it is by HTTP Basic.
    pub(crate) fn has_basic(&self) -> bool {
        self.authorization.as_ref().is_some_and(|header| header.expose().starts_with("Basic "))
    }

    pub(crate) fn secrets(&self) -> Vec<Zeroizing<String>> {
        let mut secrets = Vec::new();
        if let Some(body) = &self.body {
            match Members::parse(body.expose().as_bytes()) {
                Some(members) => secrets.extend(members.text("token").map(str::to_owned)),
                None => {
                    let parameters = form::parse(body.expose()).filter(|(name, _)| !PUBLIC.contains(&&**name));
                    secrets.extend(parameters.map(|(_, value)| value.into_owned()));
                }
            }
        }
        if let Some(header) = &self.authorization {
            let value = header.expose().split_once(' ').map_or(header.expose(), |(_, value)| value);
            secrets.push(value.to_owned());
            let pair = decode_base64(value).and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
            if let Some((_, secret)) = pair.split_once(':') {
                secrets.extend(form::parse(secret).next().map(|(decoded, _)| decoded.into_owned()));
                secrets.push(secret.to_owned());
            }
        }
        secrets.into_iter().map(Zeroizing::new).collect()
    }
}

/// Parameters that anybody may read.
const PUBLIC: [&str; 7] =
    ["grant_type", "client_id", "redirect_uri", "scope", "resource", "token_type_hint", "self_contained_token"];

/// How long after its timeout a request is taken for lost, in case the driver does not say so.
pub(crate) const GRACE: Duration = Duration::from_secs(15);
