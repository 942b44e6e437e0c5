//! Configurations.

use std::time::Duration;

use serde_json::Value;
use webex_oauth::{
    ClientAuth, Config, ConfigError, ConfigParts, DownscopeFailure, JwtScheme, Leniency, MetadataAnswer, Provider,
    RefreshPolicy, Renewal, RetryAfterBounds,
};

use super::{Object, Read, flag, list, may, natural, need, object, scope, secret, status, text, variant};

/// The inner error is the API's own, and a result to print.
pub(crate) fn config(value: &Value) -> Read<Result<Config, ConfigError>> {
    Ok(parts(value)?.and_then(ConfigParts::build))
}

pub(crate) fn parts(value: &Value) -> Read<Result<ConfigParts, ConfigError>> {
    let fields = object(value)?;
    let provider = match need(fields, "provider", provider)? {
        Ok(provider) => provider,
        Err(error) => return Ok(Err(error)),
    };
    let mut parts = ConfigParts::new(provider, may(fields, "client_id", text)?.unwrap_or_default());
    lay_over(&mut parts, fields)?;
    Ok(Ok(parts))
}

/// Sets the parts that are given.
pub(crate) fn lay_over(parts: &mut ConfigParts, fields: &Object) -> Read<()> {
    set(&mut parts.client_id, may(fields, "client_id", text)?);
    set_some(&mut parts.client_secret, may(fields, "client_secret", secret)?);
    set_some(&mut parts.redirect_uri, may(fields, "redirect_uri", text)?);
    set(&mut parts.scope, may(fields, "scope", scope)?);
    set_some(&mut parts.client_auth, may(fields, "client_auth", client_auth)?);
    set(&mut parts.renewal, may(fields, "renewal", renewal)?);
    if let Some(policy) = may(fields, "refresh", |policy| object(policy).cloned())? {
        refresh_policy(&mut parts.refresh, &policy)?;
    }
    set(&mut parts.downscope_failure, may(fields, "downscope_failure", downscope_failure)?);
    set(&mut parts.login_lifetime, may(fields, "login_lifetime", duration)?);
    set(&mut parts.request_timeout, may(fields, "request_timeout", duration)?);
    set(&mut parts.retry_after, may(fields, "retry_after", bounds)?);
    set(&mut parts.token_hosts, may(fields, "token_hosts", |hosts| list(hosts, text))?);
    set(&mut parts.resource, may(fields, "resource", |resources| list(resources, text))?);
    set_some(&mut parts.access_token, may(fields, "access_token", secret)?);
    if let Some(fields) = may(fields, "provider_fields", |fields| object(fields).cloned())? {
        provider_fields(&mut parts.provider, &fields)?;
    }
    Ok(())
}

pub(super) fn set<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

fn set_some<T>(target: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *target = value;
    }
}

fn refresh_policy(policy: &mut RefreshPolicy, fields: &Object) -> Read<()> {
    let range = |value: &Value| match list(value, status)?.as_slice() {
        [low, high] => Ok((*low, *high)),
        _ => Err("not a pair".to_owned()),
    };
    set(&mut policy.soon_permille, may(fields, "soon_permille", range)?);
    set(&mut policy.margin, may(fields, "margin", duration)?);
    set(&mut policy.min_interval, may(fields, "min_interval", duration)?);
    set(&mut policy.backoff, may(fields, "backoff", duration)?);
    set(&mut policy.max_backoff, may(fields, "max_backoff", duration)?);
    set(&mut policy.proactive, may(fields, "proactive", flag)?);
    set(&mut policy.revoke_superseded, may(fields, "revoke_superseded", flag)?.map(Some));
    set(&mut policy.warn_before_relogin, may(fields, "warn_before_relogin", duration)?);
    Ok(())
}

pub(crate) fn bounds(value: &Value) -> Read<RetryAfterBounds> {
    let fields = object(value)?;
    let mut bounds = RetryAfterBounds::DEFAULT;
    set(&mut bounds.missing, may(fields, "missing", duration)?);
    set(&mut bounds.zero, may(fields, "zero", duration)?);
    set(&mut bounds.minimum, may(fields, "minimum", duration)?);
    set(&mut bounds.maximum, may(fields, "maximum", duration)?);
    Ok(bounds)
}

fn provider(value: &Value) -> Read<Result<Provider, ConfigError>> {
    let (name, fields) = variant(value)?;
    let field = |name| object(fields).and_then(|fields| need(fields, name, text));
    Ok(Ok(match name {
        "webex" => Provider::webex(),
        "ciscospark" => Provider::ciscospark(),
        "webex_fedramp" => Provider::webex_fedramp(),
        "webex_idbroker" => Provider::webex_idbroker(),
        "idbroker_at" => Provider::idbroker_at(&field("base")?),
        "webex_at" => Provider::webex_at(&field("base")?),
        "custom" => Provider::custom(&field("authorization_endpoint")?, &field("token_endpoint")?),
        "from_metadata" => return Ok(Provider::from_metadata(field("document")?.as_bytes(), &field("issuer")?)),
        other => return Err(format!("unknown provider {other}")),
    }))
}

pub(crate) fn metadata_answer(value: &Value) -> Read<MetadataAnswer> {
    match variant(value)? {
        ("response", response) => super::response(response).map(MetadataAnswer::Response),
        ("failed", fault) => super::send_fault(fault).map(MetadataAnswer::Failed),
        (other, _) => Err(format!("unknown answer {other}")),
    }
}

fn provider_fields(provider: &mut Provider, fields: &Object) -> Read<()> {
    let leniency = |value: &Value| match variant(value)?.0 {
        "lenient" => Ok(Leniency::Lenient),
        "strict" => Ok(Leniency::Strict),
        other => Err(format!("unknown leniency {other}")),
    };
    let scheme = |value: &Value| match variant(value)?.0 {
        "bearer" => Ok(JwtScheme::Bearer),
        "raw" => Ok(JwtScheme::Raw),
        other => Err(format!("unknown jwt_scheme {other}")),
    };
    set(&mut provider.name, may(fields, "name", text)?);
    set_some(&mut provider.issuer, may(fields, "issuer", text)?);
    set(&mut provider.issuer_required, may(fields, "issuer_required", flag)?);
    set(&mut provider.authorization_endpoint, may(fields, "authorization_endpoint", text)?);
    set(&mut provider.token_endpoint, may(fields, "token_endpoint", text)?);
    for (name, endpoint) in [
        ("device_authorization_endpoint", &mut provider.device_authorization_endpoint),
        ("device_token_endpoint", &mut provider.device_token_endpoint),
        ("revocation_endpoint", &mut provider.revocation_endpoint),
        ("logout_endpoint", &mut provider.logout_endpoint),
        ("jwt_login_endpoint", &mut provider.jwt_login_endpoint),
        ("guest_token_endpoint", &mut provider.guest_token_endpoint),
        ("api_base", &mut provider.api_base),
        ("userinfo_endpoint", &mut provider.userinfo_endpoint),
        ("catalog_endpoint", &mut provider.catalog_endpoint),
        ("reserved_scope", &mut provider.reserved_scope),
        ("logout_service", &mut provider.logout_service),
    ] {
        set_some(endpoint, may(fields, name, text)?);
    }
    set(&mut provider.catalog_hosts_carry_token, may(fields, "catalog_hosts_carry_token", flag)?);
    set(&mut provider.token_hosts, may(fields, "token_hosts", |hosts| list(hosts, text))?);
    set(&mut provider.client_auth, may(fields, "client_auth", client_auth)?);
    set(&mut provider.secret_required, may(fields, "secret_required", flag)?);
    set(&mut provider.self_contained_token, may(fields, "self_contained_token", flag)?);
    set(&mut provider.redirect_uri_on_refresh, may(fields, "redirect_uri_on_refresh", flag)?);
    set(&mut provider.downscope, may(fields, "downscope", flag)?);
    set(&mut provider.jwt_scheme, may(fields, "jwt_scheme", scheme)?);
    set(&mut provider.leniency, may(fields, "leniency", leniency)?);
    Ok(())
}

fn client_auth(value: &Value) -> Read<ClientAuth> {
    match variant(value)?.0 {
        "basic_form_encoded" => Ok(ClientAuth::BasicFormEncoded),
        "basic_raw" => Ok(ClientAuth::BasicRaw),
        "body" => Ok(ClientAuth::Body),
        "none" => Ok(ClientAuth::None),
        other => Err(format!("unknown client_auth {other}")),
    }
}

fn renewal(value: &Value) -> Read<Renewal> {
    match variant(value)?.0 {
        "grant" => Ok(Renewal::Grant),
        "host_token" => Ok(Renewal::HostToken),
        "host_jwt" => Ok(Renewal::HostJwt),
        other => Err(format!("unknown renewal {other}")),
    }
}

fn downscope_failure(value: &Value) -> Read<DownscopeFailure> {
    match variant(value)?.0 {
        "refuse" => Ok(DownscopeFailure::Refuse),
        "use_full_token" => Ok(DownscopeFailure::UseFullToken),
        other => Err(format!("unknown downscope_failure {other}")),
    }
}

pub(super) fn duration(value: &Value) -> Read<Duration> {
    natural(value).map(Duration::from_millis)
}
