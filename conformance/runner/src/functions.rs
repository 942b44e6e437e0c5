//! The vectors of pure functions: one call each.

use serde_json::{Map, Value};
use webex_oauth::protocol::adopt;
use webex_oauth::protocol::api;
use webex_oauth::protocol::authorize::{self, AuthorizeRequest};
use webex_oauth::protocol::callback::{self, Expected};
use webex_oauth::protocol::clean;
use webex_oauth::protocol::device::webex_qr_url;
use webex_oauth::protocol::jwt::{self, JwtError};
use webex_oauth::protocol::org::{self, OrgIdError};
use webex_oauth::protocol::retry_after::retry_after;
use webex_oauth::protocol::{pkce, state_param, token};
use webex_oauth::{
    Config, ConfigError, ConfigParts, Entropy, EntropyError, MetadataSource, Misuse, Provider, RetryAfterBounds,
    ScopeDelta, Services, Session, TargetUri, Timestamp, metadata_step, snapshot_revision,
};

use crate::print::{self, Out, out};
use crate::read::{self, Object, Read, flag, may, natural, need, scope, text, time};

/// `{"value": ...}`, `{"error": ...}`, or nothing where the function answers that there is nothing.
fn value(value: impl Into<Value>) -> Out {
    out().put("value", value)
}

fn error(error: impl Into<Value>) -> Out {
    out().put("error", error)
}

fn either<T, E>(result: Result<T, E>, good: impl Fn(&T) -> Value, bad: impl Fn(&E) -> Value) -> Out {
    match result {
        Ok(result) => value(good(&result)),
        Err(problem) => error(bad(&problem)),
    }
}

fn some(text: Option<impl Into<Value>>) -> Out {
    out().put_some("value", text)
}

/// Calls the function that the input names. `config` is the group's.
pub(crate) fn call(kind: &str, input: &Value, config: Option<&Value>) -> Read<Out> {
    let (name, fields) = read::variant(input)?;
    let given = read::object(fields)?;
    let texts = |name| need(given, name, text);
    Ok(match (kind, name) {
        ("authorize_url", "authorize_url") => value(authorize_url(given)?),
        ("authorize_url", "email_hash") => value(authorize::email_hash(&texts("email")?)),
        ("authorize_url", "encode_state") => match state_param::encode(&texts("json")?) {
            Ok(encoded) => some(encoded),
            Err(_) => error("not_a_json_object"),
        },
        ("authorize_url", "caller_part") => some(state_param::caller_part(&texts("state")?)),
        ("callback", "read") => read_callback(given)?,
        ("callback", "clean_url") => value(callback::clean_url(&texts("url")?)),
        ("token_response", "read_answer") => either(
            token::read_answer(
                &need(given, "response", read::response)?,
                need(given, "now", time)?,
                may(given, "strict", flag)?.unwrap_or_default(),
            ),
            |read| print::read_tokens(read).into(),
            print::fault,
        ),
        ("pkce", "challenge") => value(pkce::challenge(&texts("verifier")?)),
        ("pkce", "is_verifier") => value(pkce::is_verifier(&texts("verifier")?)),
        ("entropy", "new") => either(Entropy::new(&need(given, "bytes", read::hex)?), |_| "ok".into(), entropy_error),
        ("jwt", "guest_jwt") => either(
            jwt::guest_jwt(
                &need(given, "guest", read::guest)?,
                need(given, "now", time)?,
                &need(given, "entropy", read::entropy)?,
            ),
            |jwt| jwt.expose().into(),
            jwt_error,
        ),
        ("jwt", "lifetime_seconds") => either(
            jwt::lifetime_seconds(&need(given, "lifetime", read::lifetime)?),
            |&seconds| seconds.into(),
            jwt_error,
        ),
        ("scope", _) => scopes(name, given)?,
        ("retry_after", "retry_after") => value(print::ms(retry_after(
            may(given, "header", text)?.as_deref(),
            need(given, "now", time)?,
            &may(given, "bounds", read::bounds)?.unwrap_or(RetryAfterBounds::DEFAULT),
        ))),
        ("snapshot", "restore") => restore(given, config)?,
        ("snapshot", "snapshot_revision") => {
            either(snapshot_revision(&texts("snapshot")?), |&revision| revision.into(), print::restore_error)
        }
        ("config", _) => configs(name, given)?,
        ("org", "org_id_of_token") => {
            either(org::org_id_of_token(&texts("token")?), |id| id.as_str().into(), org_error)
        }
        ("org", "org_id_of_code") => some(org::org_id_of_code(&texts("code")?)),
        ("org", "is_guest") => value(org::is_guest(&texts("token")?)),
        ("org", "claims") => some(org::claims(&texts("jwt")?).map(|claims| Value::Object(claims).to_string())),
        ("adopt", "read") => either(
            adopt::read(&texts("text")?, need(given, "now", time)?),
            |read| print::read_tokens(read).into(),
            |&problem| problem.into(),
        ),
        ("adopt", "to_handoff_json" | "to_handoff_query") => handoff(name, given)?,
        ("device", "webex_qr_url") => {
            value(webex_qr_url(&texts("verification_uri_complete")?, &texts("oauth_helper")?))
        }
        ("device", "shown_url") => some(clean::shown_url(&texts("text")?)),
        ("device", "clean_text") => {
            let secrets = may(given, "secrets", |secrets| read::list(secrets, read::secret))?;
            value(clean::clean_text(&texts("text")?, &secrets.unwrap_or_default()))
        }
        ("api", "judge") => value(print::verdict(&api::judge(
            &group_config(config)?,
            need(given, "status", read::status)?,
            may(given, "retry_after", text)?.as_deref(),
            need(given, "now", time)?,
        ))),
        ("api", "may_carry_token") => value(group_config(config)?.may_carry_token(&texts("url")?)),
        ("api", "judge_url") => either(
            group_config(config)?.judge_url(&texts("url")?),
            |judged| {
                let target = print::target_uri(&judged.target);
                out().put("target", target).put("may_carry_token", judged.may_carry_token).into()
            },
            print::misuse,
        ),
        ("api", "catalog_url") => either(group_config(config)?.catalog_url(), |url| url.as_str().into(), print::misuse),
        ("api", "read_services") => either(services(given)?, print::services, print::config_error),
        ("api", "services_may_carry_token") => {
            let services = services(given)?.map_err(|error| format!("the catalog: {error}"))?;
            value(group_config(config)?.with_services(&services).may_carry_token(&texts("url")?))
        }
        ("api", "target_uri") => either(
            TargetUri::parse(&texts("text")?).map_err(Misuse::from),
            |target| print::target_uri(target).into(),
            print::misuse,
        ),
        (_, _) => return Err(format!("unknown function {name} of kind {kind}")),
    })
}

pub(crate) fn group_config(config: Option<&Value>) -> Read<Config> {
    let config = config.ok_or("the group has no config")?;
    read::config(config)?.map_err(|error| format!("the group's config: {error}"))
}

fn services(given: &Object) -> Read<Result<Services, ConfigError>> {
    let (now, status) =
        (may(given, "now", time)?.unwrap_or_default(), may(given, "status", read::status)?.unwrap_or(200));
    Ok(Services::read(now, status, need(given, "body", text)?.as_bytes()))
}

fn authorize_url(given: &Object) -> Read<String> {
    let texts = |name| may(given, name, text);
    let (scope, state) = (texts("scope")?.unwrap_or_default(), texts("state")?);
    let (challenge, hash) = (texts("code_challenge")?, texts("email_hash")?);
    let options = may(given, "options", read::login_options)?;
    Ok(authorize::authorize_url(&AuthorizeRequest {
        endpoint: &need(given, "endpoint", text)?,
        client_id: &need(given, "client_id", text)?,
        redirect_uri: &need(given, "redirect_uri", text)?,
        scope: &scope,
        resources: &[],
        state: state.as_deref(),
        code_challenge: challenge.as_deref(),
        email_hash: hash.as_deref(),
        options: options.as_ref(),
    }))
}

fn read_callback(given: &Object) -> Read<Out> {
    let expected = need(given, "expected", |expected| read::object(expected).cloned())?;
    let issuer = may(&expected, "issuer", text)?;
    let expected = Expected {
        flow: need(&expected, "flow", read::flow)?,
        redirect_uri: &need(&expected, "redirect_uri", text)?,
        state: &need(&expected, "state", text)?,
        issuer: issuer.as_deref(),
        issuer_required: may(&expected, "issuer_required", flag)?.unwrap_or_default(),
    };
    let read = callback::read(&need(given, "text", text)?, &expected, need(given, "now", time)?);
    Ok(either(read, |read| print::callback(read).into(), |&reason| print::callback_ignored(reason).into()))
}

fn scopes(name: &str, given: &Object) -> Read<Out> {
    let one = |name| need(given, name, scope);
    Ok(match name {
        "parse" => value(one("text")?.as_str()),
        "contains" => value(one("scope")?.contains(&need(given, "token", text)?)),
        "is_subset_of" => value(one("scope")?.is_subset_of(&one("other")?)),
        "minus" => value(one("scope")?.minus(&one("other")?).as_str()),
        "intersection" => value(one("scope")?.intersection(&one("other")?).as_str()),
        "union" => value(one("scope")?.union(&one("other")?).as_str()),
        "between" => value(print::scope_delta(&ScopeDelta::between(&one("requested")?, &one("granted")?))),
        other => return Err(format!("unknown function {other} of kind scope")),
    })
}

/// What the session says of itself after it was restored.
fn restore(given: &Object, config: Option<&Value>) -> Read<Out> {
    let now = need(given, "now", time)?;
    let session = Session::restore(group_config(config)?, &need(given, "snapshot", text)?);
    Ok(either(session, |session| queries(session, now).into(), print::restore_error))
}

/// The questions that every session answers.
pub(crate) fn queries(session: &Session, now: Timestamp) -> Out {
    out()
        .put("phase", print::phase(&session.phase()))
        .put("access", print::access(&session.access(now)))
        .put("status", print::status(&session.status(now)))
        .put_some("wake_at", session.wake_at().map(Timestamp::as_millis))
        .put("revision", session.revision())
        .put_some("tokens", session.tokens().map(print::tokens))
        .put_some("user_scope", session.user_scope().as_ref().map(|scope| scope.as_str()))
        .put("user_tokens", session.user_tokens())
        .put("snapshot", session.snapshot().expose())
}

fn configs(name: &str, given: &Object) -> Read<Out> {
    let printed = |result: Result<Config, ConfigError>| {
        either(result, |config| print::config(config).into(), print::config_error)
    };
    let parts = match name {
        "build" => return Ok(printed(need(given, "config", read::config)?)),
        "from_authorization_url" => ConfigParts::from_authorization_url(&need(given, "text", text)?),
        "apply_authorization_url" => need(given, "config", read::parts)?.and_then(|mut parts| {
            let text = given.get("text").and_then(Value::as_str).unwrap_or_default();
            parts.apply_authorization_url(text).map(|()| parts)
        }),
        "from_variables" => {
            let variables = need(given, "variables", |variables| read::object(variables).cloned())?;
            let variables: Map<String, Value> = variables;
            let legacy = may(given, "legacy", flag)?.unwrap_or_default();
            let lookup = |name: &str| variables.get(name).and_then(Value::as_str).map(str::to_owned);
            match may(given, "metadata", text)? {
                None => ConfigParts::from_variables(lookup, legacy),
                Some(document) => from_metadata_file(&document, lookup, legacy)?,
            }
        }
        "metadata_step" => {
            let (issuer, answers) =
                (need(given, "issuer", text)?, need(given, "answers", |list| read::list(list, read::metadata_answer))?);
            return Ok(either(metadata_step(&issuer, &answers), print::metadata_step, print::config_error));
        }
        "from_metadata" => {
            let (document, issuer) = (need(given, "document", text)?, need(given, "issuer", text)?);
            Provider::from_metadata(document.as_bytes(), &issuer).map(|provider| ConfigParts::new(provider, ""))
        }
        other => return Err(format!("unknown function {other} of kind config")),
    };
    let mut parts = match parts {
        Ok(parts) => parts,
        Err(problem) => return Ok(error(print::config_error(&problem))),
    };
    if let Some(with) = may(given, "with", |with| read::object(with).cloned())? {
        read::lay_over(&mut parts, &with)?;
    }
    let built = if name == "from_variables" { parts.build_from_variables() } else { parts.build() };
    Ok(printed(built))
}

/// What a driver does where variables name a server's metadata.
fn from_metadata_file(
    document: &str,
    lookup: impl Fn(&str) -> Option<String>,
    legacy: bool,
) -> Read<Result<ConfigParts, ConfigError>> {
    let source = match MetadataSource::from_variables(&lookup) {
        Ok(source) => source.ok_or("no variable names metadata")?,
        Err(error) => return Ok(Err(error)),
    };
    let provider = source.read_file(document.as_bytes());
    Ok(provider.and_then(|provider| ConfigParts::from_variables_at(provider, lookup, legacy)))
}

fn handoff(name: &str, given: &Object) -> Read<Out> {
    let read = adopt::read(&need(given, "text", text)?, need(given, "received_at", time)?)?;
    let (now, with_refresh_token) = (need(given, "now", time)?, need(given, "with_refresh_token", flag)?);
    Ok(value(match name {
        "to_handoff_json" => read.tokens.to_handoff_json(now, with_refresh_token).expose().to_owned(),
        _ => read.tokens.to_handoff_query(now, with_refresh_token).expose().to_owned(),
    }))
}

fn entropy_error(error: &EntropyError) -> Value {
    match error {
        EntropyError::Length { found } => out().put("found", *found).of("length"),
        EntropyError::Unfilled => "unfilled".into(),
    }
}

fn jwt_error(error: &JwtError) -> Value {
    match error {
        JwtError::MissingIssuer => "missing_issuer",
        JwtError::MissingSecret => "missing_secret",
        JwtError::InvalidSecret => "invalid_secret",
        JwtError::InvalidLifetime => "invalid_lifetime",
    }
    .into()
}

fn org_error(error: &OrgIdError) -> Value {
    match error {
        OrgIdError::UnreadableJwt => "unreadable_jwt".into(),
        OrgIdError::NoRealm => "no_realm".into(),
        OrgIdError::Sections { sections } => out().put("sections", *sections).of("sections"),
    }
}

/// The revision in a `Reload` or `restore` step that names one.
pub(crate) fn revision(fields: &Object) -> Read<Option<u64>> {
    may(fields, "revision", natural)
}
