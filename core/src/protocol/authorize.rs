//! The authorization request (RFC 6749 sections 4.1.1 and 4.2.1, RFC 7636 section 4.3).

use std::fmt;

use sha2::{Digest, Sha256};

use crate::error::Misuse;
use crate::protocol::form::Form;
use crate::protocol::scope::Scope;
use crate::protocol::state_param::LoginState;

/// Which flow a browser login uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// Authorization code with PKCE.
    #[default]
    Code,
    /// Implicit: the token comes in the fragment. For servers and apps that still need it; no refresh token.
    Implicit,
}

/// How the server hands the answer back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// `query`.
    Query,
    /// `fragment`.
    Fragment,
    /// `form_post`: the browser posts it to the redirect URI.
    FormPost,
}

/// What one login asks for.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct LoginOptions {
    /// Code unless said otherwise.
    pub flow: Flow,
    /// The scope of this login; the configured one where absent. Start small and ask for more later.
    pub scope: Option<Scope>,
    /// What to find again in the callback.
    pub state: LoginState,
    /// `select_account`, `none`, `login`, `consent`.
    pub prompt: Option<String>,
    /// Whom the server should expect. Sent as it is.
    pub login_hint: Option<String>,
    /// Whom Webex should expect, as a hash: the address itself is not sent. Lower case and surrounding space make no
    /// difference.
    pub email: Option<String>,
    /// Another redirect URI than the configured one: a loopback port that was free (RFC 8252 section 7.3).
    pub redirect_uri: Option<String>,
    /// How the answer should come back, where the server lets the client choose.
    pub response_mode: Option<ResponseMode>,
    /// Further parameters, sent as they are. Those that this library sets are refused.
    pub extra: Vec<(String, String)>,
}

/// Of people only that they are named, of further parameters only the names: a hint may be a token.
impl fmt::Debug for LoginOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extra: Vec<&str> = self.extra.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("LoginOptions")
            .field("flow", &self.flow)
            .field("scope", &self.scope)
            .field("state", &self.state)
            .field("prompt", &self.prompt)
            .field("login_hint", &self.login_hint.is_some())
            .field("email", &self.email.is_some())
            .field("redirect_uri", &self.redirect_uri)
            .field("response_mode", &self.response_mode)
            .field("extra", &extra)
            .finish()
    }
}

/// Parameters that are the library's to set.
const RESERVED: [&str; 14] = [
    "client_id",
    "client_secret",
    "redirect_uri",
    "scope",
    "state",
    "response_type",
    "response_mode",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "login_hint",
    "email",
    "emailHash",
    "code_verifier",
];

/// Everything that goes into one authorization URL.
#[derive(Clone, Default)]
pub struct AuthorizeRequest<'a> {
    /// The authorization endpoint; may have a query of its own.
    pub endpoint: &'a str,
    /// The client identifier.
    pub client_id: &'a str,
    /// Where the browser comes back to.
    pub redirect_uri: &'a str,
    /// The scope; left out where empty.
    pub scope: &'a str,
    /// What the tokens are for (RFC 8707 section 2).
    pub resources: &'a [String],
    /// The value of `state`, encoded already.
    pub state: Option<&'a str>,
    /// The PKCE challenge.
    pub code_challenge: Option<&'a str>,
    /// Hex SHA-256 of the user's address.
    pub email_hash: Option<&'a str>,
    /// Flow, prompt, hint, response mode and extras are taken from here.
    pub options: Option<&'a LoginOptions>,
}

/// Without the state.
impl fmt::Debug for AuthorizeRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizeRequest")
            .field("endpoint", &self.endpoint)
            .field("client_id", &self.client_id)
            .field("redirect_uri", &self.redirect_uri)
            .field("scope", &self.scope)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Writes the authorization URL: the login's own parameters first, then the client's, `response_type` last.
pub fn authorize_url(request: &AuthorizeRequest<'_>) -> String {
    let mut query = Form::after(request.endpoint);
    query.add_some("state", request.state);
    let mut response_type = "code";
    if let Some(options) = request.options {
        query.add_some("prompt", options.prompt.as_deref());
        query.add_some("login_hint", options.login_hint.as_deref());
        query.add_some("emailHash", request.email_hash);
        query.add_some("response_mode", options.response_mode.map(response_mode));
        for (name, value) in &options.extra {
            query.add_other(name, value);
        }
        if options.flow == Flow::Implicit {
            response_type = "token";
        }
    }
    if let Some(challenge) = request.code_challenge {
        query.add("code_challenge", challenge);
        query.add("code_challenge_method", "S256");
    }
    query.add("client_id", request.client_id);
    query.add("redirect_uri", request.redirect_uri);
    if !request.scope.is_empty() {
        query.add("scope", request.scope);
    }
    for resource in request.resources {
        query.add("resource", resource);
    }
    query.add("response_type", response_type);
    query.into_string()
}

/// Hex SHA-256 of an address, trimmed and in lower case: Webex's region hint.
pub fn email_hash(email: &str) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(email.trim().to_lowercase().as_bytes());
    digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Refuses parameters that would speak over the library's own.
pub(crate) fn check_options(options: &LoginOptions) -> Result<(), Misuse> {
    for (name, _) in &options.extra {
        if name.is_empty() || RESERVED.contains(&name.as_str()) {
            return Err(invalid("extra", format!("{name:?} is the library's to set")));
        }
    }
    if options.email.as_deref().is_some_and(|email| email.trim().is_empty()) {
        return Err(invalid("email", "is empty".to_owned()));
    }
    match (&options.state, options.flow) {
        (LoginState::Opaque(state), _) if state.is_empty() => Err(invalid("state", "is empty".to_owned())),
        // Without PKCE the state is all that protects the login, so it has to be ours.
        (LoginState::Opaque(_), Flow::Implicit) => {
            Err(invalid("state", "an opaque state cannot protect an implicit login".to_owned()))
        }
        (LoginState::Opaque(_), Flow::Code) | (LoginState::Json(_), _) => Ok(()),
    }
}

pub(crate) fn invalid(argument: &'static str, problem: String) -> Misuse {
    Misuse::InvalidArgument { argument, problem }
}

const fn response_mode(mode: ResponseMode) -> &'static str {
    match mode {
        ResponseMode::Query => "query",
        ResponseMode::Fragment => "fragment",
        ResponseMode::FormPost => "form_post",
    }
}
