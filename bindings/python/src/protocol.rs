//! The pure functions of the protocol, for people with a stack of their own and for the conformance vectors.

use pyo3::prelude::*;
use pyo3::types::PyInt;
use webex_oauth::Entropy;
use webex_oauth::protocol::callback::{Expected, Outcome};
use webex_oauth::protocol::{adopt, authorize, callback, clean, device, jwt, org, pkce, state_param, token};

use crate::config::RetryAfterBounds;
use crate::convert::{Span, Time, described};
use crate::errors::{Fault, Raise, invalid};
use crate::http::HttpResponse;
use crate::login::LoginOptions;
use crate::scope::ScopeText;
use crate::secret::{Secret, SecretText};
use crate::tokens::ReadTokens;
use crate::words::{Flow, IgnoredCallback};

/// Writes an authorization URL (RFC 6749 section 4.1.1).
#[pyfunction]
#[pyo3(signature = (
    endpoint, *, client_id, redirect_uri, scope = None, state = None, code_challenge = None, email_hash = None,
    options = None,
))]
#[allow(clippy::too_many_arguments, reason = "keywords in Python")]
pub(crate) fn authorize_url(
    endpoint: &str,
    client_id: &str,
    redirect_uri: &str,
    scope: Option<ScopeText>,
    state: Option<&str>,
    code_challenge: Option<&str>,
    email_hash: Option<&str>,
    options: Option<LoginOptions>,
) -> String {
    authorize::authorize_url(&authorize::AuthorizeRequest {
        endpoint,
        client_id,
        redirect_uri,
        scope: scope.unwrap_or_default().0.as_str(),
        resources: &[],
        state,
        code_challenge,
        email_hash,
        options: options.as_ref().map(|options| &options.0),
    })
}

/// What somebody else wrote, as it may be shown: without characters that steer a terminal or turn the direction of the
/// text, without `secrets` and whatever looks like one, and 300 characters at most.
#[pyfunction]
#[pyo3(signature = (text, secrets = Vec::new()))]
pub(crate) fn clean_text(text: &str, secrets: Vec<SecretText>) -> String {
    clean::clean_text(text, &secrets.into_iter().map(|secret| secret.0).collect::<Vec<_>>())
}

/// The address as it may be shown, put into a QR code or opened: http or https; `None` for every other.
#[pyfunction]
pub(crate) fn shown_url(text: &str) -> Option<String> {
    clean::shown_url(text)
}

/// Hex SHA-256 of an address, trimmed and in lower case: Webex's region hint.
#[pyfunction]
pub(crate) fn email_hash(email: &str) -> String {
    authorize::email_hash(email)
}

/// The PKCE challenge that belongs to `verifier` (RFC 7636 section 4.2).
#[pyfunction]
pub(crate) fn pkce_challenge(verifier: SecretText) -> String {
    pkce::challenge(verifier.0.expose())
}

/// True where `verifier` has 43 to 128 characters of `A-Z a-z 0-9 - . _ ~` (RFC 7636 section 4.1).
#[pyfunction]
pub(crate) fn is_pkce_verifier(verifier: SecretText) -> bool {
    pkce::is_verifier(verifier.0.expose())
}

/// What reading a callback answered: exactly one of `ignored`, `code`, `tokens` and `fault` is there.
#[pyclass(frozen, get_all, module = "webex_oauth")]
pub(crate) struct Callback {
    /// It does not belong to the pending login, and why.
    ignored: Option<IgnoredCallback>,
    /// A code to redeem.
    code: Option<Secret>,
    /// Tokens, in the implicit flow.
    tokens: Option<ReadTokens>,
    /// The server's refusal, or tokens that cannot be used.
    fault: Option<Fault>,
    /// The URL without what is the protocol's, where the callback was a whole URL.
    cleaned_url: Option<String>,
}

/// Reads a callback (RFC 6749 section 4.1.2): a whole URL, a query, a fragment, or the body of a form post.
#[pyfunction]
#[pyo3(signature = (
    callback, now, *, redirect_uri, state, flow = Flow(webex_oauth::Flow::Code), issuer = None, issuer_required = false,
))]
pub(crate) fn read_callback(
    callback: SecretText,
    now: Time,
    redirect_uri: &str,
    state: SecretText,
    flow: Flow,
    issuer: Option<&str>,
    issuer_required: bool,
) -> Callback {
    let expected = Expected { flow: flow.0, redirect_uri, state: state.0.expose(), issuer, issuer_required };
    let mut read = Callback { ignored: None, code: None, tokens: None, fault: None, cleaned_url: None };
    match callback::read(callback.0.expose(), &expected, now.0) {
        Err(reason) => read.ignored = Some(reason.into()),
        Ok(callback) => {
            read.cleaned_url = callback.cleaned_url;
            match callback.outcome {
                Outcome::Code(code) => read.code = Some(Secret(code)),
                Outcome::Tokens(tokens) => read.tokens = Some((*tokens).into()),
                Outcome::Failed(fault) => read.fault = Some(fault.into()),
            }
        }
    }
    read
}

/// Removes what is the protocol's from a URL; of `state`, the caller's own part stays.
#[pyfunction]
pub(crate) fn clean_url(url: SecretText) -> String {
    callback::clean_url(url.0.expose())
}

/// Reads the answer of a token endpoint, of `jwt/login` or of `guests/token`: tokens, or the fault.
#[pyfunction]
#[pyo3(signature = (response, now, *, strict = false))]
pub(crate) fn read_token_response(
    py: Python<'_>,
    response: HttpResponse,
    now: Time,
    strict: bool,
) -> PyResult<Py<PyAny>> {
    match token::read_answer(&response.0, now.0, strict) {
        Ok(read) => Ok(ReadTokens::from(read).into_pyobject(py)?.into_any().unbind()),
        Err(fault) => Ok(Fault::from(fault).into_pyobject(py)?.into_any().unbind()),
    }
}

/// Reads tokens from elsewhere, in any of the shapes of `Session.adopt`.
#[pyfunction]
pub(crate) fn adopt_tokens(py: Python<'_>, tokens: SecretText, now: Time) -> PyResult<ReadTokens> {
    let read = adopt::read(tokens.0.expose(), now.0);
    read.map(ReadTokens::from).map_err(|problem| invalid(py, "tokens", problem))
}

/// How long to wait for an answer with this `Retry-After` that arrived at `now`; always within `bounds`.
#[pyfunction]
#[pyo3(signature = (header, now, bounds = None))]
pub(crate) fn retry_after(header: Option<&str>, now: Time, bounds: Option<RetryAfterBounds>) -> Span {
    let bounds = bounds.map_or(webex_oauth::RetryAfterBounds::DEFAULT, |bounds| bounds.0);
    Span(webex_oauth::protocol::retry_after::retry_after(header, now.0, &bounds))
}

/// Encodes a JSON object as `state` carries it, without a CSRF value. None for an empty object.
#[pyfunction]
pub(crate) fn encode_state(py: Python<'_>, json: &str) -> PyResult<Option<String>> {
    state_param::encode(json).map_err(|_| invalid(py, "state", "not a JSON object"))
}

/// The caller's own part of a `state`, as JSON text: without the CSRF value. None where nothing else is in it.
#[pyfunction]
pub(crate) fn read_state(state: SecretText) -> Option<String> {
    state_param::caller_part(state.0.expose())
}

/// Whole seconds, or a text with a unit.
pub(crate) struct Lifetime(jwt::Lifetime);

impl FromPyObject<'_, '_> for Lifetime {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let wrong = || invalid(object.py(), "lifetime", "expected seconds, a timedelta, or a text such as 12h");
        if let Ok(text) = object.extract::<String>() {
            return Ok(Self(jwt::Lifetime::Text(text)));
        }
        if object.is_instance_of::<PyInt>() {
            return object.extract().map(|seconds| Self(jwt::Lifetime::Seconds(seconds))).map_err(|_| wrong());
        }
        let span: Span = object.extract().map_err(|_| wrong())?;
        Ok(Self(jwt::Lifetime::Seconds(i64::try_from(span.0.as_secs()).unwrap_or(i64::MAX))))
    }
}

/// Webex: makes a guest JWT (HS256). `secret` is base64 as the portal shows it; `lifetime` is in seconds, a
/// `timedelta`, or a text such as `12h`; `entropy` is `os.urandom(ENTROPY_LEN)`.
#[pyfunction]
#[pyo3(signature = (now, entropy, *, issuer, secret, lifetime, subject = None, display_name = None))]
#[allow(clippy::too_many_arguments, reason = "keywords in Python")]
pub(crate) fn guest_jwt(
    py: Python<'_>,
    now: Time,
    entropy: &[u8],
    issuer: String,
    secret: SecretText,
    lifetime: Lifetime,
    subject: Option<String>,
    display_name: Option<String>,
) -> PyResult<Secret> {
    let entropy = Entropy::new(entropy).map_err(|error| error.raise(py))?;
    let guest = jwt::GuestJwt { subject, display_name, issuer, secret: secret.0, lifetime: lifetime.0 };
    jwt::guest_jwt(&guest, now.0, &entropy).map(Secret).map_err(|error| error.raise(py))
}

/// Whole seconds of a lifetime; a text needs a unit, as in `12h`.
#[pyfunction]
pub(crate) fn lifetime_seconds(py: Python<'_>, lifetime: Lifetime) -> PyResult<i64> {
    jwt::lifetime_seconds(&lifetime.0).map_err(|error| error.raise(py))
}

/// Webex: the organization in an access token. A hint, not verified.
#[pyfunction]
pub(crate) fn org_id_of_token(py: Python<'_>, token: SecretText) -> PyResult<String> {
    org::org_id_of_token(token.0.expose()).map_err(|error| error.raise(py))
}

/// Webex: the organization in an authorization code.
#[pyfunction]
pub(crate) fn org_id_of_code(code: SecretText) -> Option<String> {
    org::org_id_of_code(code.0.expose())
}

/// Which login in a browser: of its URL, its state or its callback. It may be shown, and events carry it.
#[pyfunction]
pub(crate) fn login_id(of: SecretText) -> Option<String> {
    webex_oauth::LoginId::of(of.0.expose()).map(|id| id.to_string())
}

/// Webex: the token says that its user is an unverified guest.
#[pyfunction]
pub(crate) fn is_guest(token: SecretText) -> bool {
    org::is_guest(token.0.expose())
}

/// The claims of a JWT, unverified; None where it is none.
#[pyfunction]
pub(crate) fn jwt_claims<'py>(py: Python<'py>, token: SecretText) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(claims) = org::claims(token.0.expose()) else {
        return Ok(None);
    };
    let text = serde_json::to_string(&claims).unwrap_or_default();
    py.import("json")?.call_method1("loads", (text,)).map(Some)
}

/// Webex: the address for a QR code that opens the Webex app; other addresses stay as they are.
#[pyfunction]
pub(crate) fn webex_qr_url(verification_uri_complete: SecretText, oauth_helper: &str) -> Secret {
    Secret(device::webex_qr_url(verification_uri_complete.0.expose(), oauth_helper).into())
}

described!(Callback: ignored, code, tokens, fault, cleaned_url);
