//! Configurations.

use serde_json::Value;
use webex_oauth::{
    ClientAuth, Config, ConfigError, DownscopeFailure, JwtScheme, Leniency, MetadataStep, Provider, Renewal,
    RetryAfterBounds,
};

use super::{Out, ms, out, plain};

/// The parts of a configuration; `client_auth` is the one that applies.
pub(crate) fn config(config: &Config) -> Out {
    let parts = config.parts();
    let renewal = match parts.renewal {
        Renewal::Grant => "grant",
        Renewal::HostToken => "host_token",
        Renewal::HostJwt => "host_jwt",
    };
    let downscope_failure = match parts.downscope_failure {
        DownscopeFailure::Refuse => "refuse",
        DownscopeFailure::UseFullToken => "use_full_token",
    };
    let policy = &parts.refresh;
    let refresh = out()
        .put("soon_permille", vec![policy.soon_permille.0, policy.soon_permille.1])
        .put("margin", ms(policy.margin))
        .put("min_interval", ms(policy.min_interval))
        .put("backoff", ms(policy.backoff))
        .put("max_backoff", ms(policy.max_backoff))
        .put("proactive", policy.proactive)
        .put_some("revoke_superseded", policy.revoke_superseded)
        .put("warn_before_relogin", ms(policy.warn_before_relogin));
    out()
        .put("provider", provider(&parts.provider))
        .put("client_id", parts.client_id.as_str())
        .put_some("client_secret", parts.client_secret.as_ref().map(plain))
        .put_some("redirect_uri", parts.redirect_uri.as_deref())
        .put("scope", parts.scope.as_str())
        .put("client_auth", client_auth(config.client_auth()))
        .put("renewal", renewal)
        .put("refresh", refresh)
        .put("downscope_failure", downscope_failure)
        .put("login_lifetime", ms(parts.login_lifetime))
        .put("request_timeout", ms(parts.request_timeout))
        .put("retry_after", bounds(&parts.retry_after))
        .put("token_hosts", parts.token_hosts.clone())
        .put("resource", parts.resource.clone())
        .put_some("access_token", parts.access_token.as_ref().map(plain))
}

fn bounds(bounds: &RetryAfterBounds) -> Out {
    out()
        .put("missing", ms(bounds.missing))
        .put("zero", ms(bounds.zero))
        .put("minimum", ms(bounds.minimum))
        .put("maximum", ms(bounds.maximum))
}

fn provider(provider: &Provider) -> Out {
    let jwt_scheme = match provider.jwt_scheme {
        JwtScheme::Bearer => "bearer",
        JwtScheme::Raw => "raw",
    };
    let leniency = match provider.leniency {
        Leniency::Lenient => "lenient",
        Leniency::Strict => "strict",
    };
    out()
        .put("name", provider.name.as_str())
        .put_some("issuer", provider.issuer.as_deref())
        .put("issuer_required", provider.issuer_required)
        .put("authorization_endpoint", provider.authorization_endpoint.as_str())
        .put("token_endpoint", provider.token_endpoint.as_str())
        .put_some("device_authorization_endpoint", provider.device_authorization_endpoint.as_deref())
        .put_some("device_token_endpoint", provider.device_token_endpoint.as_deref())
        .put_some("revocation_endpoint", provider.revocation_endpoint.as_deref())
        .put_some("logout_endpoint", provider.logout_endpoint.as_deref())
        .put_some("jwt_login_endpoint", provider.jwt_login_endpoint.as_deref())
        .put_some("guest_token_endpoint", provider.guest_token_endpoint.as_deref())
        .put_some("api_base", provider.api_base.as_deref())
        .put_some("userinfo_endpoint", provider.userinfo_endpoint.as_deref())
        .put_some("catalog_endpoint", provider.catalog_endpoint.as_deref())
        .put("catalog_hosts_carry_token", provider.catalog_hosts_carry_token)
        .put("token_hosts", provider.token_hosts.clone())
        .put("client_auth", client_auth(provider.client_auth))
        .put("secret_required", provider.secret_required)
        .put("self_contained_token", provider.self_contained_token)
        .put("redirect_uri_on_refresh", provider.redirect_uri_on_refresh)
        .put("downscope", provider.downscope)
        .put_some("reserved_scope", provider.reserved_scope.as_deref())
        .put_some("logout_service", provider.logout_service.as_deref())
        .put("jwt_scheme", jwt_scheme)
        .put("leniency", leniency)
}

fn client_auth(method: ClientAuth) -> &'static str {
    match method {
        ClientAuth::BasicFormEncoded => "basic_form_encoded",
        ClientAuth::BasicRaw => "basic_raw",
        ClientAuth::Body => "body",
        ClientAuth::None => "none",
    }
}

pub(crate) fn config_error(error: &ConfigError) -> Value {
    let fields = out().put("field", error.field()).put_some("variable", error.variable());
    match error {
        ConfigError::Missing { .. } => fields.of("missing"),
        ConfigError::Invalid { problem, .. } => fields.put("problem", problem.as_ref()).of("invalid"),
        ConfigError::Insecure { .. } => fields.of("insecure"),
        ConfigError::Unanswered { problem, .. } => fields.put("problem", problem.as_ref()).of("unanswered"),
    }
}

pub(crate) fn metadata_step(step: &MetadataStep) -> Value {
    match step {
        MetadataStep::Fetch { url } => out().put("url", url.as_str()).of("fetch"),
        MetadataStep::Found { provider: found } => out().put("provider", provider(found)).of("found"),
    }
}
