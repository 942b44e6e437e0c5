//! The protocol's pure functions.

use std::sync::Arc;

use serde_json::Value;
use webex_oauth::protocol::{
    adopt, authorize, callback, clean, device, jwt, org, pkce, retry_after, state_param, token,
};
use webex_oauth::{CallbackIgnored, Flow, Scope, ScopeDelta, Timestamp};

use crate::config::RetryAfterBounds;
use crate::error::{AdoptError, Fault, JwtError, OrgIdError, RestoreError, StateError};
use crate::http::HttpResponse;
use crate::input::LoginOptions;
use crate::mirror::mirror;
use crate::ms;
use crate::secret::{Entropy, Secret};
use crate::tokens::ReadTokens;

/// Scope tokens, sorted, each one once.
#[uniffi::export]
pub fn scope_parse(text: String) -> Scope {
    Scope::parse(&text)
}

/// Whether `token` is in `scope`.
#[uniffi::export]
pub fn scope_contains(scope: Scope, token: String) -> bool {
    scope.contains(&token)
}

/// Whether all of `scope` is in `other`.
#[uniffi::export]
pub fn scope_is_subset(scope: Scope, other: Scope) -> bool {
    scope.is_subset_of(&other)
}

/// What is in `scope` and not in `other`.
#[uniffi::export]
pub fn scope_minus(scope: Scope, other: Scope) -> Scope {
    scope.minus(&other)
}

/// What is in both.
#[uniffi::export]
pub fn scope_intersection(scope: Scope, other: Scope) -> Scope {
    scope.intersection(&other)
}

/// What is in either.
#[uniffi::export]
pub fn scope_union(scope: Scope, other: Scope) -> Scope {
    scope.union(&other)
}

/// What a server granted beside what was asked for.
#[uniffi::export]
pub fn scope_delta(requested: Scope, granted: Scope) -> ScopeDelta {
    ScopeDelta::between(&requested, &granted)
}

/// What an authorization URL is made of.
#[derive(Debug, uniffi::Record)]
pub struct AuthorizeRequest {
    /// The authorization endpoint.
    pub endpoint: String,
    /// The client identifier.
    pub client_id: String,
    /// Where the browser comes back to.
    pub redirect_uri: String,
    /// The scope to ask for.
    pub scope: String,
    /// The value of `state`, encoded already.
    pub state: Option<String>,
    /// The PKCE challenge.
    pub code_challenge: Option<String>,
    /// Hex SHA-256 of the user's address.
    pub email_hash: Option<String>,
    /// Flow, prompt, hint, response mode and extras are taken from here.
    pub options: Option<LoginOptions>,
}

/// Writes an authorization URL. A session does it all by itself with `BeginLogin`.
#[uniffi::export]
pub fn authorize_url(request: AuthorizeRequest) -> String {
    let options = request.options.map(webex_oauth::LoginOptions::from);
    authorize::authorize_url(&authorize::AuthorizeRequest {
        endpoint: &request.endpoint,
        client_id: &request.client_id,
        redirect_uri: &request.redirect_uri,
        scope: &request.scope,
        resources: &[],
        state: request.state.as_deref(),
        code_challenge: request.code_challenge.as_deref(),
        email_hash: request.email_hash.as_deref(),
        options: options.as_ref(),
    })
}

/// What somebody else wrote, as it may be shown: without characters that steer a terminal or turn the direction of the
/// text, without `secrets` and whatever looks like one, and 300 characters at most.
#[uniffi::export]
pub fn clean_text(text: String, secrets: Vec<Arc<Secret>>) -> String {
    let secrets: Vec<webex_oauth::Secret> = secrets.iter().map(|secret| secret.core()).collect();
    clean::clean_text(&text, &secrets)
}

/// The address as it may be shown, put into a QR code or opened: http or https; nothing for every other.
#[uniffi::export]
pub fn shown_url(text: String) -> Option<String> {
    clean::shown_url(&text)
}

/// Webex: the hash by which an address travels.
#[uniffi::export]
pub fn email_hash(email: String) -> String {
    authorize::email_hash(&email)
}

/// Encodes the caller's JSON object as `state` would carry it; nothing for an empty one.
#[uniffi::export]
pub fn encode_state(json: String) -> Result<Option<String>, StateError> {
    state_param::encode(&json).map_err(|_| StateError::NotAJsonObject)
}

/// The caller's part of a `state`.
#[uniffi::export]
pub fn caller_part(state: String) -> Option<String> {
    state_param::caller_part(&state)
}

/// What a callback is checked against.
#[derive(Debug, uniffi::Record)]
pub struct ExpectedCallback {
    /// The flow that was begun.
    pub flow: Flow,
    /// The redirect URI that was sent.
    pub redirect_uri: String,
    /// The value of `state` that was sent.
    pub state: Arc<Secret>,
    /// The issuer, if it is known.
    pub issuer: Option<String>,
    /// The server promised to name itself.
    pub issuer_required: bool,
}

mirror! {
    /// What a callback brought.
    #[derive(Debug, uniffi::Enum)]
    pub enum CallbackOutcome from callback::Outcome {
        /// A code to redeem.
        Code {
            /// The code.
            code: Arc<Secret> = 0,
        },
        /// Tokens, of the implicit flow.
        Tokens {
            /// The tokens.
            tokens: ReadTokens = 0,
        },
        /// The server or the user said no.
        Failed {
            /// Why.
            fault: Fault = 0,
        },
    }
}

/// A callback, read.
#[derive(Debug, uniffi::Record)]
pub struct Callback {
    /// What it brought; absent where it was ignored.
    pub outcome: Option<CallbackOutcome>,
    /// Why it was ignored, if it was.
    pub ignored: Option<CallbackIgnored>,
    /// The URL without code, token and CSRF value.
    pub cleaned_url: Option<String>,
}

/// Reads a callback. A session does it all by itself with `CompleteLogin`.
#[uniffi::export]
pub fn read_callback(text: String, expected: ExpectedCallback, now: Timestamp) -> Callback {
    let state = expected.state.core();
    let expected = callback::Expected {
        flow: expected.flow,
        redirect_uri: &expected.redirect_uri,
        state: state.expose(),
        issuer: expected.issuer.as_deref(),
        issuer_required: expected.issuer_required,
    };
    match callback::read(&text, &expected, now) {
        Ok(callback::Callback { outcome, cleaned_url }) => {
            Callback { outcome: Some(outcome.into()), ignored: None, cleaned_url }
        }
        Err(reason) => Callback { outcome: None, ignored: Some(reason), cleaned_url: None },
    }
}

/// A URL without code, token and CSRF value.
#[uniffi::export]
pub fn clean_url(url: String) -> String {
    callback::clean_url(&url)
}

/// The answer of a token endpoint, read.
#[derive(Debug, uniffi::Enum)]
pub enum TokenAnswer {
    /// Tokens.
    Granted {
        /// The tokens.
        read: ReadTokens,
    },
    /// None.
    Refused {
        /// Why.
        fault: Fault,
    },
}

/// Reads the answer of a token endpoint. A session does it all by itself with `Response`.
#[uniffi::export]
pub fn read_answer(response: &HttpResponse, now: Timestamp, strict: bool) -> TokenAnswer {
    match token::read_answer(response.core(), now, strict) {
        Ok(read) => TokenAnswer::Granted { read: read.into() },
        Err(fault) => TokenAnswer::Refused { fault: fault.into() },
    }
}

/// Reads tokens in any of the shapes that `Adopt` takes.
#[uniffi::export]
pub fn read_tokens(text: String, now: Timestamp) -> Result<ReadTokens, AdoptError> {
    let read = adopt::read(&text, now).map_err(|problem| AdoptError::NoTokens { problem: problem.to_owned() })?;
    Ok(read.into())
}

/// The PKCE challenge (S256) of a verifier.
#[uniffi::export]
pub fn pkce_challenge(verifier: String) -> String {
    pkce::challenge(&verifier)
}

/// Whether a text may be a PKCE verifier (RFC 7636 section 4.1).
#[uniffi::export]
pub fn pkce_is_verifier(verifier: String) -> bool {
    pkce::is_verifier(&verifier)
}

mirror! {
    /// A lifetime as people write it.
    #[derive(Debug, uniffi::Enum)]
    pub enum Lifetime into jwt::Lifetime {
        /// Seconds.
        Seconds {
            /// How many.
            seconds: i64 = 0,
        },
        /// A number with a unit: `12h`, `90m`, `2 days`.
        Text {
            /// As written.
            text: String = 0,
        },
    }
}

mirror! {
    /// What a guest's JWT says.
    #[derive(Debug, uniffi::Record)]
    pub struct GuestJwt into jwt::GuestJwt {
        /// The guest's own identifier; drawn where absent.
        pub subject: Option<String>,
        /// The name that other people see.
        pub display_name: Option<String>,
        /// The guest issuer's id.
        pub issuer: String,
        /// The guest issuer's secret, base64 as the portal shows it.
        pub secret: Arc<Secret>,
        /// How long the JWT, and the token it is exchanged for, may live.
        pub lifetime: Lifetime,
    }
}

/// Makes a guest JWT. For back ends and tests: an app that is given to people must not contain the issuer's secret.
#[uniffi::export]
pub fn guest_jwt(guest: GuestJwt, now: Timestamp, entropy: &Entropy) -> Result<Arc<Secret>, JwtError> {
    let entropy = entropy.take().ok_or(JwtError::UsedEntropy)?;
    Ok(Secret::of(jwt::guest_jwt(&guest.into(), now, &entropy)?))
}

/// A lifetime in whole seconds.
#[uniffi::export]
pub fn lifetime_seconds(lifetime: Lifetime) -> Result<i64, JwtError> {
    Ok(jwt::lifetime_seconds(&lifetime.into())?)
}

/// A wait from a `Retry-After` header, in milliseconds and within bounds.
#[uniffi::export]
pub fn retry_after_ms(header: Option<String>, now: Timestamp, bounds: RetryAfterBounds) -> u64 {
    ms(retry_after::retry_after(header.as_deref(), now, &bounds.into()))
}

/// The revision of stored bytes: the key by which a store compares before it swaps.
#[uniffi::export]
pub fn snapshot_revision(snapshot: &Secret) -> Result<u64, RestoreError> {
    Ok(webex_oauth::snapshot_revision(snapshot.core().expose())?)
}

/// Which login in a browser: of its URL, its state or its callback. It may be shown, and events carry it.
#[uniffi::export]
pub fn login_id(of: &Secret) -> Option<String> {
    webex_oauth::LoginId::of(of.core().expose()).map(|id| id.to_string())
}

/// Webex: the organization in an access token. A hint, not verified.
#[uniffi::export]
pub fn org_id_of_token(token: String) -> Result<String, OrgIdError> {
    Ok(org::org_id_of_token(&token)?)
}

/// Webex: the organization in an authorization code.
#[uniffi::export]
pub fn org_id_of_code(code: String) -> Option<String> {
    org::org_id_of_code(&code)
}

/// Webex: whether the token says that its user is an unverified guest.
#[uniffi::export]
pub fn is_guest_token(token: String) -> bool {
    org::is_guest(&token)
}

/// The claims of a JWT as a JSON object, unverified.
#[uniffi::export]
pub fn jwt_claims(jwt: String) -> Option<String> {
    org::claims(&jwt).map(|claims| Value::Object(claims).to_string())
}

/// Webex: the URL for the QR code of a device login.
#[uniffi::export]
pub fn webex_qr_url(verification_uri_complete: String, oauth_helper: String) -> String {
    device::webex_qr_url(&verification_uri_complete, &oauth_helper)
}
