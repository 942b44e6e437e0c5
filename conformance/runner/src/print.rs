//! From the values of the API to JSON. Regular: see the README of the suite. What is absent is left out.

mod config;
mod coordinator;
mod fault;

use std::time::Duration;

use serde_json::{Map, Value, json};
use webex_oauth::protocol::callback::{Callback, Outcome};
use webex_oauth::{
    Access, AccessToken, CallbackIgnored, Deviation, DevicePrompt, Effect, Event, HttpRequest, LoginId, Phase,
    ReadTokens, ReturnTo, Scope, ScopeDelta, Secret, Service, Services, SignInReason, StaleWhy, Status, StoreIgnored,
    TargetUri, Timestamp, TokenAsk, TokenSet, Verdict,
};

pub(crate) use config::{config, config_error, metadata_step};
pub(crate) use coordinator::{coordinator, fresh, output};
pub(crate) use fault::{fault, misuse, restore_error};

/// An object in the making: only what is there.
#[derive(Default)]
pub(crate) struct Out(Map<String, Value>);

impl Out {
    pub(crate) fn put(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn put_some(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.put(name, value),
            None => self,
        }
    }

    /// With the members of another.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// As the fields of variant `name`.
    pub(crate) fn of(self, name: &str) -> Value {
        Self::default().put(name, self.0).into()
    }
}

impl From<Out> for Value {
    fn from(out: Out) -> Self {
        Self::Object(out.0)
    }
}

pub(crate) fn out() -> Out {
    Out::default()
}

pub(crate) fn ms(duration: Duration) -> Value {
    json!(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

fn at(instant: Timestamp) -> i64 {
    instant.as_millis()
}

fn plain(secret: &Secret) -> &str {
    secret.expose()
}

fn token(token: &AccessToken) -> &str {
    token.expose_header()
}

pub(crate) fn effect(effect: &Effect) -> Value {
    match effect {
        Effect::Persist { snapshot, revision, replaces } => {
            out().put("snapshot", plain(snapshot)).put("revision", *revision).put("replaces", *replaces).of("persist")
        }
        Effect::Send { request } => out().put("request", http_request(request)).of("send"),
        Effect::OpenBrowser { url } => out().put("url", plain(url)).of("open_browser"),
        Effect::ShowDeviceCode { prompt } => out().put("prompt", device_prompt(prompt)).of("show_device_code"),
        Effect::AskForJwt { id } => out().put("id", id.0).of("ask_for_jwt"),
        Effect::AskForToken { id, ask } => out().put("id", id.0).put("ask", token_ask(ask)).of("ask_for_token"),
        Effect::Notify { event: what } => out().put("name", what.name()).put("event", event(what)).of("notify"),
    }
}

fn token_ask(ask: &TokenAsk) -> Value {
    match ask {
        TokenAsk::Renew { refresh_token } => {
            out().put_some("refresh_token", refresh_token.as_ref().map(plain)).of("renew")
        }
        TokenAsk::Redeem { code, verifier, redirect_uri } => out()
            .put("code", plain(code))
            .put("verifier", plain(verifier))
            .put("redirect_uri", redirect_uri.as_str())
            .of("redeem"),
    }
}

fn http_request(request: &HttpRequest) -> Out {
    let headers: Map<String, Value> =
        request.headers.iter().map(|(name, value)| ((*name).to_owned(), value.expose().into())).collect();
    let hints = out()
        .put("timeout", ms(request.hints.timeout))
        .put("max_response_bytes", request.hints.max_response_bytes)
        .put("follow_redirects", request.hints.follow_redirects)
        .put("idempotent", request.hints.idempotent);
    out()
        .put("id", request.id.0)
        .put("purpose", request.purpose.as_str())
        .put("is_grant", request.purpose.is_grant())
        .put("method", HttpRequest::METHOD)
        .put("url", request.url())
        .put("target", target_uri(&request.target))
        .put("headers", headers)
        .put("body", plain(&request.body))
        .put("hints", hints)
}

pub(crate) fn target_uri(target: &TargetUri) -> Out {
    out()
        .put("url", target.url())
        .put("scheme", target.scheme())
        .put("authority", target.authority())
        .put("host", target.host())
        .put("port", target.port())
        .put("request_target", target.request_target())
        .put("is_loopback", target.is_loopback())
        .put("is_secure", target.is_secure())
}

pub(crate) fn services(services: &Services) -> Value {
    let service = |(name, service): (&str, &Service)| -> Value {
        out().put("name", name).put("url", service.url.as_str()).put("hosts", service.hosts.clone()).into()
    };
    let all: Vec<Value> = services.iter().map(service).collect();
    out().put("read_at", services.read_at().as_millis()).put("services", all).into()
}

fn device_prompt(prompt: &DevicePrompt) -> Out {
    out()
        .put("user_code", plain(&prompt.user_code))
        .put("verification_uri", prompt.verification_uri.as_str())
        .put_some("verification_uri_complete", prompt.verification_uri_complete.as_ref().map(plain))
        .put("expires_at", at(prompt.expires_at))
        .put("interval", ms(prompt.interval))
}

fn event(event: &Event) -> Value {
    match event {
        Event::SignedIn { via, generation, scope, login, cleaned_url, state } => out()
            .put("via", via.as_str())
            .put("generation", *generation)
            .put("scope", scope_delta(scope))
            .put_some("login", login.as_ref().map(LoginId::as_str))
            .put_some("cleaned_url", cleaned_url.as_deref())
            .put_some("state", state.as_deref())
            .of("signed_in"),
        Event::TokensRefreshed { generation, unchanged, rotated } => out()
            .put("generation", *generation)
            .put("unchanged", *unchanged)
            .put("rotated", *rotated)
            .of("tokens_refreshed"),
        Event::RefreshFailed { fault: why, retry_at } => {
            out().put("fault", fault(why)).put("retry_at", at(*retry_at)).of("refresh_failed")
        }
        Event::LoginFailed { via, fault: why, login, cleaned_url, state } => out()
            .put("via", via.as_str())
            .put("fault", fault(why))
            .put_some("login", login.as_ref().map(LoginId::as_str))
            .put_some("cleaned_url", cleaned_url.as_deref())
            .put_some("state", state.as_deref())
            .of("login_failed"),
        Event::CallbackIgnored { reason } => out().put("reason", callback_ignored(*reason)).of("callback_ignored"),
        Event::DevicePending { next_poll_at } => out().put("next_poll_at", at(*next_poll_at)).of("device_pending"),
        Event::SignInNeeded { reason } => out().put("reason", sign_in_reason(reason)).of("sign_in_needed"),
        Event::ScopeChanged { scope } => out().put("scope", scope_delta(scope)).of("scope_changed"),
        Event::RefreshTokenExpiresSoon { at: end } => out().put("at", at(*end)).of("refresh_token_expires_soon"),
        Event::Downscoped { scope } => out().put("scope", scope.as_str()).of("downscoped"),
        Event::DownscopeFailed { scope, fault: why } => {
            out().put("scope", scope.as_str()).put("fault", fault(why)).of("downscope_failed")
        }
        Event::SignedOut { reason, fault: why } => {
            out().put("reason", reason.as_str()).put_some("fault", why.as_deref().map(fault)).of("signed_out")
        }
        Event::RevokeFailed { fault: why } => out().put("fault", fault(why)).of("revoke_failed"),
        Event::UserTokenDropped { scope } => out().put("scope", scope.as_str()).of("user_token_dropped"),
        Event::NotRevoked { why } => out().put("why", why.as_str()).of("not_revoked"),
        Event::TokenWithheld { host, why } => {
            out().put("host", host.as_str()).put("why", why.as_str()).of("token_withheld")
        }
        Event::StaleResponse { id } => out().put("id", id.0).of("stale_response"),
        Event::LeniencyUsed { deviations: found } => out().put("deviations", deviations(found)).of("leniency_used"),
        Event::StoreIgnored { reason } => out().put("reason", store_ignored(*reason)).of("store_ignored"),
    }
}

pub(crate) fn callback_ignored(reason: CallbackIgnored) -> &'static str {
    match reason {
        CallbackIgnored::NoLoginPending => "no_login_pending",
        CallbackIgnored::AlreadyCompleted => "already_completed",
        CallbackIgnored::OtherUrl => "other_url",
        CallbackIgnored::NotACallback => "not_a_callback",
        CallbackIgnored::WrongState => "wrong_state",
        CallbackIgnored::DuplicateParameter => "duplicate_parameter",
        CallbackIgnored::WrongIssuer => "wrong_issuer",
        CallbackIgnored::Incomplete => "incomplete",
        CallbackIgnored::TooLong => "too_long",
    }
}

fn store_ignored(reason: StoreIgnored) -> &'static str {
    match reason {
        StoreIgnored::Unreadable => "unreadable",
        StoreIgnored::NewerVersion => "newer_version",
        StoreIgnored::OtherConfig => "other_config",
        StoreIgnored::Sealed => "sealed",
    }
}

fn sign_in_reason(reason: &SignInReason) -> Value {
    match reason {
        SignInReason::SignedOut(why) => out().put("signed_out", why.as_str()).into(),
        SignInReason::LoginPending => "login_pending".into(),
        SignInReason::Expired => "expired".into(),
        SignInReason::RefreshTokenExpired => "refresh_token_expired".into(),
        SignInReason::Rejected => "rejected".into(),
        SignInReason::ScopeNotGranted { missing } => out().put("missing", missing.as_str()).of("scope_not_granted"),
    }
}

fn deviations(deviations: &[Deviation]) -> Vec<Value> {
    deviations.iter().map(|deviation| deviation.as_str().into()).collect()
}

pub(crate) fn scope_delta(delta: &ScopeDelta) -> Out {
    out()
        .put("granted", delta.granted.as_str())
        .put("missing", delta.missing.as_str())
        .put("extra", delta.extra.as_str())
}

pub(crate) fn access(access: &Access) -> Value {
    match access {
        Access::Ready { token: handle, generation, expires_at, refresh_soon } => out()
            .put("token", token(handle))
            .put("generation", *generation)
            .put_some("expires_at", expires_at.map(at))
            .put("refresh_soon", *refresh_soon)
            .of("ready"),
        Access::Stale { why, expires_at } => {
            let why = match why {
                StaleWhy::NoAccessToken => "no_access_token",
                StaleWhy::Expired => "expired",
                StaleWhy::Rejected => "rejected",
                StaleWhy::ClockWentBack => "clock_went_back",
                StaleWhy::NotAskedYet => "not_asked_yet",
            };
            out().put("why", why).put_some("expires_at", expires_at.map(at)).of("stale")
        }
        Access::Refreshing { id } => out().put("id", id.0).of("refreshing"),
        Access::BackingOff { fault: why, retry_at } => {
            out().put("fault", fault(why)).put("retry_at", at(*retry_at)).of("backing_off")
        }
        Access::SignInRequired { reason } => out().put("reason", sign_in_reason(reason)).of("sign_in_required"),
    }
}

pub(crate) fn phase(phase: &Phase) -> Value {
    match phase {
        Phase::SignedOut { reason } => out().put("reason", reason.as_str()).of("signed_out"),
        Phase::SigningIn { via, return_to } => {
            let return_to = match return_to {
                ReturnTo::SignedOut => "signed_out",
                ReturnTo::SignedIn => "signed_in",
            };
            out().put("via", via.as_str()).put("return_to", return_to).of("signing_in")
        }
        Phase::SignedIn => "signed_in".into(),
    }
}

pub(crate) fn status(status: &Status) -> Out {
    out()
        .put("phase", phase(&status.phase))
        .put("can_authorize", status.can_authorize)
        .put("can_refresh", status.can_refresh)
        .put("can_downscope", status.can_downscope)
        .put("is_refreshing", status.is_refreshing)
        .put_some("via", status.via.map(|via| via.as_str()))
        .put("generation", status.generation)
        .put_some("scope", status.scope.as_ref().map(Scope::as_str))
        .put_some("expires_at", status.expires_at.map(at))
        .put_some("refresh_at", status.refresh_at.map(at))
        .put_some("sign_in_again_by", status.sign_in_again_by.map(at))
        .put_some("org_id", status.org_id.as_deref())
        .put("is_guest", status.is_guest)
        .put_some("last_fault", status.last_fault.as_deref().map(fault))
}

pub(crate) fn tokens(tokens: &TokenSet) -> Out {
    out()
        .put_some("access_token", tokens.access_token.as_ref().map(token))
        .put_some("refresh_token", tokens.refresh_token.as_ref().map(plain))
        .put_some("id_token", tokens.id_token.as_ref().map(plain))
        .put_some("scope", tokens.scope.as_ref().map(Scope::as_str))
        .put("received_at", at(tokens.received_at))
        .put_some("expires_at", tokens.expires_at.map(at))
        .put_some("refresh_token_expires_at", tokens.refresh_token_expires_at.map(at))
        .put("custom", Value::Object(tokens.custom.0.clone()).to_string())
}

pub(crate) fn read_tokens(read: &ReadTokens) -> Out {
    out().put("tokens", tokens(&read.tokens)).put("deviations", deviations(&read.deviations))
}

pub(crate) fn callback(callback: &Callback) -> Out {
    let outcome = match &callback.outcome {
        Outcome::Code(code) => out().put("code", plain(code)),
        Outcome::Tokens(read) => out().put("tokens", read_tokens(read)),
        Outcome::Failed(why) => out().put("failed", fault(why)),
    };
    out().put("outcome", outcome).put_some("cleaned_url", callback.cleaned_url.as_deref())
}

pub(crate) fn verdict(verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Pass => "pass".into(),
        Verdict::Rejected => "rejected".into(),
        Verdict::Wait { wait } => out().put("wait", ms(*wait)).of("wait"),
        Verdict::Embargoed => "embargoed".into(),
    }
}
