//! The one parser of token answers (RFC 6749 section 5.1, and what servers make of it).

use std::borrow::Cow;
use std::time::Duration;

use serde_json::{Map, Value};
use zeroize::Zeroize;

use crate::error::Fault;
use crate::event::Deviation;
use crate::http::HttpResponse;
use crate::protocol::answer::{self, Context};
use crate::protocol::instant;
use crate::protocol::members::{Member, Members, Written};
use crate::protocol::odd_json::REPLACEMENT;
use crate::protocol::request::Carried;
use crate::protocol::retry_after::RetryAfterBounds;
use crate::protocol::scope::Scope;
use crate::secret::{AccessToken, Secret};
use crate::time::Timestamp;
use crate::tokens::{Custom, ReadTokens, TokenSet};

/// Reads the answer of a token endpoint, of `jwt/login` or of `guests/token` that arrived at `now`.
///
/// With `strict`, only what RFC 6749 allows passes. Otherwise oddities are understood and listed.
///
/// # Errors
///
/// A [`Fault`] as the server's error answer has it; of the kind [`FaultKind::Malformed`](crate::FaultKind::Malformed) where a
/// success has no access token that can be used or, with `strict`, deviates from RFC 6749. What else such an answer brought,
/// a refresh token too, is not returned.
pub fn read_answer(response: &HttpResponse, now: Timestamp, strict: bool) -> Result<ReadTokens, Fault> {
    let (bounds, carried) = (&RetryAfterBounds::DEFAULT, &Carried::default());
    read(response, &Context { now, strict, bounds, carried, scope: None, encodes_secret: false })
        .map_err(|unusable| *unusable.fault)
}

/// An answer without an access token to use.
pub(crate) struct Unusable {
    pub(crate) fault: Box<Fault>,
    /// What else a success brought: a rotated refresh token must not be lost with it.
    pub(crate) rest: Option<Box<TokenSet>>,
}

impl From<Fault> for Unusable {
    fn from(fault: Fault) -> Self {
        Self { fault: Box::new(fault), rest: None }
    }
}

pub(crate) fn read(response: &HttpResponse, context: &Context<'_>) -> Result<ReadTokens, Unusable> {
    let body = answer::object(response);
    if answer::is_error(response.status, body.as_ref()) {
        return Err(answer::fault(response, body.as_ref(), context).into());
    }
    let Some(body) = body else {
        return Err(answer::malformed(response, "the body is not a JSON object", context).into());
    };
    let mut deviations = answer::deviations(&body);
    if response.status != 200 {
        deviations.push(Deviation::UnusualStatus);
    }
    let is_form = body.written() == Written::Form;
    let mut found = Found::of(body);
    let mut tokens = found.tokens(context.now, context.scope, &mut deviations);
    let mut problem = None;
    match found.access_token(&mut deviations) {
        Ok(Some(token)) => tokens.access_token = Some(token),
        Ok(None) => problem = Some("there is no access token in it"),
        Err(what) => problem = Some(what),
    }
    found.finish(&mut tokens, &mut deviations, is_form);
    if context.strict && !deviations.iter().all(|deviation| *deviation == Deviation::MissingExpiresIn) {
        problem = problem.or(Some("it deviates from RFC 6749 and the provider is strict"));
    }
    match problem {
        None => Ok(ReadTokens { tokens, deviations }),
        Some(what) => {
            let fault = answer::malformed(response, what, context);
            Err(Unusable { fault: Box::new(fault), rest: Some(Box::new(TokenSet { access_token: None, ..tokens })) })
        }
    }
}

/// Deviations of an error answer, for the record.
pub(crate) fn error_deviations(response: &HttpResponse) -> Vec<Deviation> {
    let Some(body) = answer::object(response) else {
        return Vec::new();
    };
    let mut deviations = answer::deviations(&body);
    if (200..300).contains(&response.status) && answer::is_error(response.status, Some(&body)) {
        deviations.push(Deviation::ErrorWithSuccessStatus);
    }
    if matches!(body.get("error"), Some(Member::Other(Value::Object(_)))) {
        deviations.push(Deviation::ErrorAsObject);
    }
    deviations
}

/// Reads the members of a token object; what is not the protocol's stays in `custom`. Only an access token that cannot
/// be used is an error.
pub(crate) fn read_object(
    body: Members<'_>,
    now: Timestamp,
    deviations: &mut Vec<Deviation>,
) -> Result<TokenSet, &'static str> {
    let is_form = body.written() == Written::Form;
    let mut found = Found::of(body);
    let mut tokens = found.tokens(now, None, deviations);
    tokens.access_token = found.access_token(deviations)?;
    found.finish(&mut tokens, deviations, is_form);
    Ok(tokens)
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
    error: Option<Member<'a>>,
    custom: Map<String, Value>,
}

impl<'a> Found<'a> {
    fn of(body: Members<'a>) -> Self {
        let mut found = Self::default();
        for (name, member) in body {
            match found.place(&name) {
                Some(place) => *place = Some(member),
                None => found.keep(name, member),
            }
        }
        found
    }

    /// Everything but the access token.
    fn tokens(&mut self, now: Timestamp, likely: Option<&Scope>, deviations: &mut Vec<Deviation>) -> TokenSet {
        let lifetimes = [self.expires_in.take(), self.expires_in_camel.take()];
        // Keycloak says 0 for a refresh token without an end.
        let is_end = |member: &Member<'_>| answer::seconds(member, &mut Vec::new()) != Some(0);
        let refresh_lifetime = [self.refresh_token_expires_in.take().filter(is_end)];
        let refresh_end = self.refresh_token_expires.take().filter(is_end);
        if self.error.take().is_some_and(|error| !error.is_null()) {
            deviations.push(Deviation::UnreadableMember);
        }
        TokenSet {
            access_token: None,
            refresh_token: token_text(self.refresh_token.take(), deviations).map(Secret::new),
            id_token: token_text(self.id_token.take(), deviations).map(Secret::new),
            scope: scope(self.scope.take(), likely, deviations),
            received_at: now,
            expires_at: end(self.expires.take(), &lifetimes, now, deviations),
            refresh_token_expires_at: end(refresh_end, &refresh_lifetime, now, deviations),
            custom: Custom::default(),
        }
    }

    /// Its type is a part of it: both are sent as one header (RFC 6750 section 2.1).
    fn access_token(&mut self, deviations: &mut Vec<Deviation>) -> Result<Option<AccessToken>, &'static str> {
        let Some(token) = self.access_token_text()? else {
            return Ok(None);
        };
        if !is_header_text(&token) {
            return Err("the access token has characters that no header can carry");
        }
        match self.token_type.take() {
            Some(Member::Text(word)) if word.trim().eq_ignore_ascii_case("bearer") => {}
            Some(Member::Text(word)) if !word.trim().is_empty() => {
                return Err("the token is of a type that cannot be presented, only Bearer can");
            }
            None | Some(Member::Text(_) | Member::Other(Value::Null)) => deviations.push(Deviation::MissingTokenType),
            Some(Member::Other(_) | Member::Unreadable) => deviations.push(Deviation::UnreadableMember),
        }
        let presented = AccessToken::bearer(&token);
        if let Cow::Owned(mut token) = token {
            token.zeroize();
        }
        Ok(Some(presented))
    }

    fn finish(self, tokens: &mut TokenSet, deviations: &mut Vec<Deviation>, is_form: bool) {
        if tokens.access_token.is_some() && tokens.expires_at.is_none() {
            deviations.push(Deviation::MissingExpiresIn);
        }
        // In a form everything is text.
        deviations.retain(|deviation| !is_form || *deviation != Deviation::NumberAsText);
        deviations.sort_unstable();
        deviations.dedup();
        tokens.custom = Custom(self.custom);
        // What is kept is stored, and has to be readable again: JSON readers have a limit, and the snapshot nests it further.
        tokens.custom.0.retain(|_, value| !is_deeper(value, MAX_DEPTH));
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
            "error" => &mut self.error,
            _ => return None,
        })
    }

    fn keep(&mut self, name: Cow<'_, str>, member: Member<'a>) {
        match member {
            Member::Unreadable => {}
            Member::Text(_) | Member::Other(_) => {
                self.custom.insert(name.into_owned(), member.into_value());
            }
        }
    }

    /// The first of its names that says something; what the others say is not the protocol's.
    fn access_token_text(&mut self) -> Result<Option<Cow<'a, str>>, &'static str> {
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

/// Visible ASCII without spaces.
pub(crate) fn is_header_text(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A member that has to be a text; null and "" count as absent.
fn text(member: Option<Member<'_>>) -> Result<Option<Cow<'_, str>>, &'static str> {
    match member {
        None | Some(Member::Other(Value::Null)) => Ok(None),
        Some(Member::Text(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(Member::Other(_) | Member::Unreadable) => Err("a token is not a text"),
    }
}

/// A token that an answer need not have. One that came damaged is not known: sent like that, it would be another one.
fn token_text(member: Option<Member<'_>>, deviations: &mut Vec<Deviation>) -> Option<String> {
    match text(member) {
        Ok(text) if !text.as_ref().is_some_and(|text| text.contains(REPLACEMENT)) => text.map(Cow::into_owned),
        Ok(_) | Err(_) => {
            deviations.push(Deviation::UnreadableMember);
            None
        }
    }
}

/// An absolute instant in milliseconds goes before a lifetime; one in seconds does not, as it says less than that.
fn end(
    absolute: Option<Member<'_>>,
    lifetimes: &[Option<Member<'_>>],
    now: Timestamp,
    deviations: &mut Vec<Deviation>,
) -> Option<Timestamp> {
    let mut lifetime = None;
    for member in lifetimes.iter().flatten() {
        lifetime = lifetime.or(answer::seconds(member, deviations));
    }
    let lifetime = lifetime.map(|seconds| now.plus(Duration::from_secs(seconds.unsigned_abs())));
    let absolute = absolute.and_then(|member| answer::seconds(&member, deviations));
    match absolute {
        Some(number) if lifetime.is_none() || instant::is_in_millis(number, now) => Some(instant::of(number, now)),
        Some(_) | None => lifetime,
    }
}

fn scope(member: Option<Member<'_>>, likely: Option<&Scope>, deviations: &mut Vec<Deviation>) -> Option<Scope> {
    match member {
        None | Some(Member::Other(Value::Null)) => return None,
        // GitHub's way: a space would be between them otherwise.
        Some(Member::Text(text)) if text.contains(',') && !text.contains(|c: char| c.is_ascii_whitespace()) => {
            deviations.push(Deviation::ScopeWithCommas);
            return Some(Scope::from_tokens(text.split(',')));
        }
        Some(Member::Text(text)) => return Some(Scope::parse_as(&text, likely)),
        Some(Member::Other(Value::Array(items))) => {
            let tokens: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            if let Some(tokens) = tokens {
                deviations.push(Deviation::ScopeAsList);
                return Some(Scope::from_tokens(tokens));
            }
        }
        Some(Member::Other(_) | Member::Unreadable) => {}
    }
    deviations.push(Deviation::UnreadableMember);
    None
}
