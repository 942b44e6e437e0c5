//! The lines of a transcript: inputs and configuration as JSON, free of secrets.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::redact::Redactor;
use crate::action::sign_in::usable_jwt;
use crate::config::{Config, ConfigError, ConfigParts, DownscopeFailure, RefreshPolicy, Renewal};
use crate::error::SendFault;
use crate::http::{HttpResponse, RequestId};
use crate::input::{Input, LogoutVia, SignOutOptions};
use crate::logins::{LoginId, WhichLogin};
use crate::protocol::authorize::{Flow, LoginOptions, ResponseMode};
use crate::protocol::retry_after::RetryAfterBounds;
use crate::protocol::scope::Scope;
use crate::protocol::state_param::LoginState;
use crate::provider::{ClientAuth, Provider};
use crate::secret::{Entropy, Secret};
use crate::target_uri::TargetUri;
use crate::time::millis;

/// Stands for a client secret.
const SECRET: &str = "redacted-client-secret";

#[derive(Serialize, Deserialize)]
pub(super) struct ConfigRecord {
    provider: Provider,
    client_id: String,
    has_secret: bool,
    redirect_uri: Option<String>,
    scope: String,
    client_auth: ClientAuth,
    renewal: Renewal,
    downscope_failure: DownscopeFailure,
    token_hosts: Vec<String>,
    /// All in milliseconds.
    login_lifetime: i64,
    request_timeout: i64,
    retry_after: [i64; 4],
    refresh: RefreshRecord,
}

#[derive(Serialize, Deserialize)]
struct RefreshRecord {
    soon_permille: (u16, u16),
    margin: i64,
    min_interval: i64,
    backoff: i64,
    max_backoff: i64,
    proactive: bool,
    revoke_superseded: Option<bool>,
    warn_before_relogin: i64,
}

impl ConfigRecord {
    pub(super) fn of(config: &Config) -> Self {
        let parts = config.parts();
        let refresh = &parts.refresh;
        let waits = &parts.retry_after;
        // What calls of APIs alone need is no part of a recording.
        let provider = Provider {
            userinfo_endpoint: None,
            catalog_endpoint: None,
            catalog_hosts_carry_token: false,
            ..parts.provider.clone()
        };
        Self {
            provider,
            client_id: parts.client_id.clone(),
            has_secret: parts.client_secret.is_some(),
            redirect_uri: parts.redirect_uri.clone(),
            scope: parts.scope.as_str().to_owned(),
            client_auth: config.client_auth(),
            renewal: parts.renewal,
            downscope_failure: parts.downscope_failure,
            token_hosts: parts.token_hosts.clone(),
            login_lifetime: millis(parts.login_lifetime),
            request_timeout: millis(parts.request_timeout),
            retry_after: [waits.missing, waits.zero, waits.minimum, waits.maximum].map(millis),
            refresh: RefreshRecord {
                soon_permille: refresh.soon_permille,
                margin: millis(refresh.margin),
                min_interval: millis(refresh.min_interval),
                backoff: millis(refresh.backoff),
                max_backoff: millis(refresh.max_backoff),
                proactive: refresh.proactive,
                revoke_superseded: refresh.revoke_superseded,
                warn_before_relogin: millis(refresh.warn_before_relogin),
            },
        }
    }

    pub(super) fn build(self) -> Result<Config, ConfigError> {
        let mut parts = ConfigParts::new(self.provider, self.client_id);
        parts.client_secret = self.has_secret.then(|| Secret::new(SECRET));
        parts.redirect_uri = self.redirect_uri;
        parts.scope = Scope::parse(&self.scope);
        parts.client_auth = Some(self.client_auth);
        parts.renewal = self.renewal;
        parts.downscope_failure = self.downscope_failure;
        parts.token_hosts = self.token_hosts;
        parts.login_lifetime = duration(self.login_lifetime);
        parts.request_timeout = duration(self.request_timeout);
        let [missing, zero, minimum, maximum] = self.retry_after.map(duration);
        parts.retry_after = RetryAfterBounds { missing, zero, minimum, maximum };
        parts.refresh = RefreshPolicy {
            soon_permille: self.refresh.soon_permille,
            margin: duration(self.refresh.margin),
            min_interval: duration(self.refresh.min_interval),
            backoff: duration(self.refresh.backoff),
            max_backoff: duration(self.refresh.max_backoff),
            proactive: self.refresh.proactive,
            revoke_superseded: self.refresh.revoke_superseded,
            warn_before_relogin: duration(self.refresh.warn_before_relogin),
        };
        parts.build()
    }
}

fn duration(millis: i64) -> Duration {
    Duration::from_millis(millis.unsigned_abs())
}

fn redacted() -> String {
    "redacted".to_owned()
}

fn scope_text(redactor: &mut Redactor, scope: Option<&Scope>) -> Option<String> {
    scope.map(|scope| redactor.scope(scope.as_str()))
}

/// One JWT is the same with its scheme and without; what is none stays none.
fn jwt_text(redactor: &mut Redactor, jwt: &Secret) -> String {
    usable_jwt(jwt).map_or_else(|_| "(not a JWT)".to_owned(), |jwt| redactor.secret(jwt.expose()))
}

/// What of a URL decides whether the token goes along.
fn origin(url: &str) -> String {
    TargetUri::parse(url).map_or_else(
        |_| "(not a URL to call)".to_owned(),
        |target| format!("{}://{}/", target.scheme(), target.authority()),
    )
}

/// An input; texts are redacted, entropy is a number that stands for it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum InputRecord {
    BeginLogin(LoginRecord),
    CompleteLogin {
        callback: String,
    },
    CancelLogin,
    CancelOneLogin {
        state: String,
    },
    CancelLoginUnderWay,
    RedeemCode {
        code: String,
        verifier: Option<String>,
    },
    BeginDeviceLogin {
        scope: Option<String>,
    },
    SignInWithJwt {
        jwt: String,
    },
    SignInAsGuest {
        service_token: String,
        #[serde(default = "redacted")]
        subject: String,
        #[serde(default = "redacted")]
        display_name: String,
    },
    SignInWithClientCredentials {
        scope: Option<String>,
    },
    Adopt {
        tokens: String,
    },
    Reload {
        snapshot: String,
    },
    EnsureFresh,
    Refresh,
    TokenRejected {
        generation: u64,
    },
    Embargoed,
    CalledWithoutToken {
        url: String,
    },
    Downscope {
        scope: String,
    },
    ProvideToken {
        id: u64,
        tokens: String,
    },
    ProvideJwt {
        id: u64,
        jwt: String,
    },
    HostFailed {
        id: u64,
    },
    SignOut {
        revoke: bool,
        logout: LogoutVia,
        goto: Option<String>,
    },
    Response {
        id: u64,
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
    SendFailed {
        id: u64,
        fault: SendFault,
    },
    Tick,
}

#[derive(Serialize, Deserialize)]
pub(super) struct LoginRecord {
    flow: Flow,
    scope: Option<String>,
    opaque_state: bool,
    prompt: Option<String>,
    has_login_hint: bool,
    has_email: bool,
    redirect_uri: Option<String>,
    response_mode: Option<ResponseMode>,
    extra: Vec<String>,
}

impl InputRecord {
    pub(super) fn of(input: &Input, redactor: &mut Redactor) -> Self {
        match input {
            Input::BeginLogin { options, .. } => Self::BeginLogin(LoginRecord {
                flow: options.flow,
                scope: scope_text(redactor, options.scope.as_ref()),
                opaque_state: matches!(options.state, LoginState::Opaque(_)),
                prompt: options.prompt.clone(),
                has_login_hint: options.login_hint.is_some(),
                has_email: options.email.is_some(),
                redirect_uri: options.redirect_uri.clone(),
                response_mode: options.response_mode,
                extra: options.extra.iter().map(|(name, _)| name.clone()).collect(),
            }),
            Input::CompleteLogin { callback } => Self::CompleteLogin { callback: redactor.callback(callback.expose()) },
            Input::CancelLogin { which: WhichLogin::All } => Self::CancelLogin,
            Input::CancelLogin { which: WhichLogin::Browser(of) } => {
                Self::CancelOneLogin { state: redactor.state_of(*of) }
            }
            Input::CancelLogin { which: WhichLogin::UnderWay } => Self::CancelLoginUnderWay,
            Input::RedeemCode { code, verifier } => Self::RedeemCode {
                code: redactor.secret(code.expose()),
                verifier: verifier.as_ref().map(|verifier| redactor.secret(verifier.expose())),
            },
            Input::BeginDeviceLogin { scope } => Self::BeginDeviceLogin { scope: scope_text(redactor, scope.as_ref()) },
            Input::SignInWithJwt { jwt } => Self::SignInWithJwt { jwt: jwt_text(redactor, jwt) },
            Input::SignInAsGuest { service_token, subject, display_name } => Self::SignInAsGuest {
                service_token: redactor.secret(service_token.expose()),
                subject: redactor.secret(subject),
                display_name: redactor.secret(display_name),
            },
            Input::SignInWithClientCredentials { scope } => {
                Self::SignInWithClientCredentials { scope: scope_text(redactor, scope.as_ref()) }
            }
            Input::Adopt { tokens } => Self::Adopt { tokens: redactor.tokens(tokens.expose()) },
            Input::Reload { snapshot } => Self::Reload { snapshot: redactor.snapshot(snapshot.expose()) },
            Input::EnsureFresh => Self::EnsureFresh,
            Input::Refresh => Self::Refresh,
            Input::TokenRejected { generation } => Self::TokenRejected { generation: *generation },
            Input::Embargoed => Self::Embargoed,
            Input::CalledWithoutToken { url } => Self::CalledWithoutToken { url: origin(url.expose()) },
            Input::Downscope { scope } => Self::Downscope { scope: redactor.scope(scope.as_str()) },
            Input::ProvideToken { id, tokens } => {
                Self::ProvideToken { id: id.0, tokens: redactor.tokens(tokens.expose()) }
            }
            Input::ProvideJwt { id, jwt } => Self::ProvideJwt { id: id.0, jwt: jwt_text(redactor, jwt) },
            Input::HostFailed { id, .. } => Self::HostFailed { id: id.0 },
            Input::SignOut { options } => {
                Self::SignOut { revoke: options.revoke, logout: options.logout, goto: options.goto.clone() }
            }
            Input::Response { id, response } => Self::Response {
                id: id.0,
                status: response.status,
                headers: ["retry-after", "trackingid"]
                    .into_iter()
                    .filter_map(|name| Some((name.to_owned(), redactor.header(name, response.header(name)?))))
                    .collect(),
                body: redactor.body(response),
            },
            Input::SendFailed { id, fault } => Self::SendFailed { id: id.0, fault: *fault },
            Input::Tick => Self::Tick,
        }
    }

    /// `entropy` is fresh for each login of a replay; `fill_in` puts the replay's own login states in.
    pub(super) fn into_input(self, entropy: Entropy, fill_in: impl Fn(String) -> String) -> Input {
        let scope = |text: Option<String>| text.map(|text| Scope::parse(&text));
        match self {
            Self::BeginLogin(login) => Input::BeginLogin { options: login.into_options(), entropy },
            Self::CompleteLogin { callback } => Input::CompleteLogin { callback: fill_in(callback).into() },
            Self::CancelLogin => Input::CancelLogin { which: WhichLogin::All },
            Self::CancelOneLogin { state } => {
                let of = LoginId::of_state(&fill_in(state));
                Input::CancelLogin { which: of.map_or(WhichLogin::UnderWay, WhichLogin::Browser) }
            }
            Self::CancelLoginUnderWay => Input::CancelLogin { which: WhichLogin::UnderWay },
            Self::RedeemCode { code, verifier } => {
                Input::RedeemCode { code: code.into(), verifier: verifier.map(Secret::new) }
            }
            Self::BeginDeviceLogin { scope: text } => Input::BeginDeviceLogin { scope: scope(text) },
            Self::SignInWithJwt { jwt } => Input::SignInWithJwt { jwt: jwt.into() },
            Self::SignInAsGuest { service_token, subject, display_name } => {
                Input::SignInAsGuest { service_token: service_token.into(), subject, display_name }
            }
            Self::SignInWithClientCredentials { scope: text } => {
                Input::SignInWithClientCredentials { scope: scope(text) }
            }
            Self::Adopt { tokens } => Input::Adopt { tokens: tokens.into() },
            Self::Reload { snapshot } => Input::Reload { snapshot: fill_in(snapshot).into() },
            Self::EnsureFresh => Input::EnsureFresh,
            Self::Refresh => Input::Refresh,
            Self::TokenRejected { generation } => Input::TokenRejected { generation },
            Self::Embargoed => Input::Embargoed,
            Self::CalledWithoutToken { url } => Input::CalledWithoutToken { url: url.into() },
            Self::Downscope { scope } => Input::Downscope { scope: Scope::parse(&scope) },
            Self::ProvideToken { id, tokens } => Input::ProvideToken { id: RequestId(id), tokens: tokens.into() },
            Self::ProvideJwt { id, jwt } => Input::ProvideJwt { id: RequestId(id), jwt: jwt.into() },
            Self::HostFailed { id } => Input::HostFailed { id: RequestId(id), reason: "redacted".to_owned() },
            Self::SignOut { revoke, logout, goto } => {
                Input::SignOut { options: SignOutOptions { revoke, logout, goto } }
            }
            Self::Response { id, status, headers, body } => Input::Response {
                id: RequestId(id),
                response: HttpResponse { status, headers, body: body.into_bytes() },
            },
            Self::SendFailed { id, fault } => Input::SendFailed { id: RequestId(id), fault },
            Self::Tick => Input::Tick,
        }
    }
}

impl LoginRecord {
    fn into_options(self) -> LoginOptions {
        let redacted = |there: bool| there.then(|| "redacted".to_owned());
        LoginOptions {
            flow: self.flow,
            scope: self.scope.map(|text| Scope::parse(&text)),
            state: if self.opaque_state { LoginState::Opaque("redacted-state".into()) } else { LoginState::default() },
            prompt: self.prompt,
            login_hint: redacted(self.has_login_hint),
            email: redacted(self.has_email),
            redirect_uri: self.redirect_uri,
            response_mode: self.response_mode,
            extra: self.extra.into_iter().map(|name| (name, "redacted".to_owned())).collect(),
        }
    }
}
