//! The one parser of token answers (RFC 6749 section 5.1, and what servers make of it).

use std::borrow::Cow;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::error::Fault;
use crate::event::Deviation;
use crate::http::HttpResponse;
use crate::protocol::answer::{self, Context};
use crate::protocol::bytes::all_bytes;
use crate::protocol::members::{self, Member, Members};
use crate::protocol::request::Carried;
use crate::protocol::retry_after::RetryAfterBounds;
use crate::protocol::scope::Scope;
use crate::secret::{AccessToken, Secret};
use crate::time::Timestamp;
use crate::tokens::{Custom, ReadTokens, TokenSet};

/// Reads the answer of a token endpoint, of `jwt/login` or of `guests/token` that arrived at `now`.
///
/// With `strict`, only what RFC 6749 allows passes. Otherwise oddities are understood and listed.
pub fn read_answer(response: &HttpResponse, now: Timestamp, strict: bool) -> Result<ReadTokens, Fault> {
    read(
        response,
        &Context { now, strict, bounds: &RetryAfterBounds::DEFAULT, carried: &Carried::default(), scope: None },
    )
}

pub(crate) fn read(response: &HttpResponse, context: &Context<'_>) -> Result<ReadTokens, Fault> {
    let mut found = Found::default();
    if found.read_answer(response).is_none() {
        let body = answer::object(response);
        if answer::is_error(response.status, body.as_ref()) {
            return Err(answer::fault(response, body.as_ref(), context));
        }
        return Err(answer::malformed(response, "the body is not a JSON object", context));
    }
    let mut deviations = Vec::new();
    if response.status != 200 {
        deviations.push(Deviation::UnusualStatus);
    }
    let tokens = found
        .tokens(context.now, context.scope, &mut deviations)
        .map_err(|what| answer::malformed(response, what, context))?;
    if tokens.access_token.is_none() {
        return Err(answer::malformed(response, "there is no access token in it", context));
    }
    deviations.sort_unstable();
    deviations.dedup();
    if context.strict && !deviations.iter().all(|deviation| *deviation == Deviation::MissingExpiresIn) {
        return Err(answer::malformed(response, "it deviates from RFC 6749 and the provider is strict", context));
    }
    Ok(ReadTokens { tokens, deviations })
}

/// Deviations of an error answer, for the record.
#[cold]
pub(crate) fn error_deviations(response: &HttpResponse) -> Vec<Deviation> {
    let Some(body) = answer::object(response) else {
        return Vec::new();
    };
    let mut deviations = Vec::new();
    if (200..300).contains(&response.status) && answer::is_error(response.status, Some(&body)) {
        deviations.push(Deviation::ErrorWithSuccessStatus);
    }
    if matches!(body.get("error"), Some(Member::Other(Value::Object(_)))) {
        deviations.push(Deviation::ErrorAsObject);
    }
    deviations
}

/// Reads the members of a token object; what is not the protocol's stays in `custom`.
pub(crate) fn read_object(
    body: Members<'_>,
    now: Timestamp,
    deviations: &mut Vec<Deviation>,
) -> Result<TokenSet, &'static str> {
    let mut found = Found::default();
    body.into_iter().for_each(|(name, member)| found.put(name, member));
    found.tokens(now, None, deviations)
}

/// The members of a token object by what they mean. Of a name that occurs twice, the last one counts.
#[derive(Default)]
struct Found<'a> {
    access_token: Option<Member<'a>>,
    token: Option<Member<'a>>,
    access_token_camel: Option<Member<'a>>,
    token_type: Option<Member<'a>>,
    refresh_token: Option<Member<'a>>,
    id_token: Option<Member<'a>>,
    expires: Option<Member<'a>>,
    expires_in: Option<Member<'a>>,
    expires_in_camel: Option<Member<'a>>,
    refresh_token_expires: Option<Member<'a>>,
    refresh_token_expires_in: Option<Member<'a>>,
    scope: Option<Member<'a>>,
    custom: Map<String, Value>,
}

impl<'a> Found<'a> {
    /// `None` where the answer does not succeed, or is no JSON object.
    fn read_answer(&mut self, response: &'a HttpResponse) -> Option<()> {
        if answer::is_error(response.status, None) {
            return None;
        }
        members::parse_each(answer::body(response)?, |name, member| self.put(name, member))?;
        self.custom.get("error").is_none_or(Value::is_null).then_some(())
    }

    fn put(&mut self, name: Cow<'_, str>, member: Member<'a>) {
        match self.place(&name) {
            Some(place) => *place = Some(member),
            None => self.keep(name, member),
        }
    }

    fn tokens(
        &mut self,
        now: Timestamp,
        likely: Option<&Scope>,
        deviations: &mut Vec<Deviation>,
    ) -> Result<TokenSet, &'static str> {
        let access = self.access_token()?;
        let token_type = text(self.token_type.take())?;
        let access_token = match access {
            None => None,
            Some(token) => Some(present(token, token_type, deviations)?),
        };
        let refresh_token = secret(self.refresh_token.take())?;
        let expires_at = end(&self.expires, &[&self.expires_in, &self.expires_in_camel], now, deviations)?;
        let refresh_token_expires_at =
            end(&self.refresh_token_expires, &[&self.refresh_token_expires_in], now, deviations)?;
        if access_token.is_some() && expires_at.is_none() {
            deviations.push(Deviation::MissingExpiresIn);
        }
        let id_token = secret(self.id_token.take())?;
        let scope = scope(self.scope.take(), likely, deviations)?;
        // What is kept is stored, and has to be readable again: JSON readers have a limit, and the snapshot nests it further.
        self.custom.retain(|_, value| !is_deeper(value, MAX_DEPTH));
        Ok(TokenSet {
            access_token,
            refresh_token,
            id_token,
            scope,
            received_at: now,
            expires_at,
            refresh_token_expires_at,
            custom: Custom(std::mem::take(&mut self.custom)),
        })
    }

    fn place(&mut self, name: &str) -> Option<&mut Option<Member<'a>>> {
        Some(match name {
            "access_token" => &mut self.access_token,
            "token" => &mut self.token,
            "accessToken" => &mut self.access_token_camel,
            "token_type" => &mut self.token_type,
            "refresh_token" => &mut self.refresh_token,
            "id_token" => &mut self.id_token,
            "expires" => &mut self.expires,
            "expires_in" => &mut self.expires_in,
            "expiresIn" => &mut self.expires_in_camel,
            "refresh_token_expires" => &mut self.refresh_token_expires,
            "refresh_token_expires_in" => &mut self.refresh_token_expires_in,
            "scope" => &mut self.scope,
            _ => return None,
        })
    }

    fn keep(&mut self, name: Cow<'_, str>, member: Member<'a>) {
        self.custom.insert(name.into_owned(), member.into_value());
    }

    /// The first of its names that says something; what the others say is not the protocol's.
    fn access_token(&mut self) -> Result<Option<Cow<'a, str>>, &'static str> {
        let mut token = text(self.access_token.take())?;
        if token.is_none() {
            token = text(self.token.take())?;
        }
        if token.is_none() {
            token = text(self.access_token_camel.take())?;
        }
        for (name, rest) in [("token", self.token.take()), ("accessToken", self.access_token_camel.take())] {
            if let Some(member) = rest {
                self.keep(name.into(), member);
            }
        }
        Ok(token)
    }
}

/// Members that are nested deeper are not kept.
const MAX_DEPTH: usize = 32;

fn is_deeper(value: &Value, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else {
        return true;
    };
    match value {
        Value::Array(items) => items.iter().any(|item| is_deeper(item, below)),
        Value::Object(members) => members.values().any(|member| is_deeper(member, below)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn present(
    token: Cow<'_, str>,
    token_type: Option<Cow<'_, str>>,
    deviations: &mut Vec<Deviation>,
) -> Result<AccessToken, &'static str> {
    // RFC 6750 section 2.1: a token that cannot stand in a header cannot be used at all.
    if !is_header_text(&token) {
        return Err("the access token has characters that no header can carry");
    }
    let presented = match token_type.as_deref().map(str::trim) {
        None | Some("") => {
            deviations.push(Deviation::MissingTokenType);
            AccessToken::bearer(&token)
        }
        Some(word) if word.eq_ignore_ascii_case("bearer") => AccessToken::bearer(&token),
        Some(word) if is_header_text(word) => {
            deviations.push(Deviation::UnusualTokenType);
            AccessToken::with_type(word, &token)
        }
        Some(_) => return Err("the token type has characters that no header can carry"),
    };
    if let Cow::Owned(token) = token {
        crate::secret::wipe(token);
    }
    Ok(presented)
}

/// Visible ASCII without spaces.
pub(crate) fn is_header_text(text: &str) -> bool {
    !text.is_empty() && all_bytes(text, |byte| byte.is_ascii_graphic())
}

/// A member that is a text; null and "" count as absent.
fn text(member: Option<Member<'_>>) -> Result<Option<Cow<'_, str>>, &'static str> {
    match member {
        None | Some(Member::Other(Value::Null)) => Ok(None),
        Some(Member::Text(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(Member::Other(_)) => Err("a token is not a text"),
    }
}

fn secret(member: Option<Member<'_>>) -> Result<Option<Secret>, &'static str> {
    Ok(text(member)?.map(Cow::into_owned).map(Secret::new))
}

/// An absolute instant in milliseconds goes before a lifetime in seconds.
fn end(
    absolute: &Option<Member<'_>>,
    lifetimes: &[&Option<Member<'_>>],
    now: Timestamp,
    deviations: &mut Vec<Deviation>,
) -> Result<Option<Timestamp>, &'static str> {
    let mut end = None;
    for member in lifetimes.iter().copied().flatten() {
        let seconds = answer::seconds(member, deviations)?;
        let lifetime = seconds.map(|seconds| Duration::from_secs(seconds.unsigned_abs()));
        end = end.or(lifetime.map(|lifetime| now.plus(lifetime)));
    }
    if let Some(member) = absolute {
        end = answer::seconds(member, deviations)?.map(Timestamp::from_millis).or(end);
    }
    Ok(end)
}

fn scope(
    member: Option<Member<'_>>,
    likely: Option<&Scope>,
    deviations: &mut Vec<Deviation>,
) -> Result<Option<Scope>, &'static str> {
    match member {
        None | Some(Member::Other(Value::Null)) => Ok(None),
        Some(Member::Text(text)) => Ok(Some(Scope::parse_as(&text, likely))),
        Some(Member::Other(Value::Array(items))) => {
            deviations.push(Deviation::ScopeAsList);
            let tokens: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            tokens.map(|tokens| Some(Scope::from_tokens(tokens))).ok_or("the scope is not a text")
        }
        Some(Member::Other(_)) => Err("the scope is not a text"),
    }
}
