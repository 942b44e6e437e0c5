//! Tokens from elsewhere, in whatever shape people have them, and the shapes in which a front end gets them.

use serde_json::{Map, Value};

use crate::protocol::answer;
use crate::protocol::form::{self, Form};
use crate::protocol::token::{is_header_text, read_object};
use crate::secret::{AccessToken, Secret};
use crate::time::Timestamp;
use crate::tokens::{ReadTokens, TokenSet};

/// Where tokens hide in the objects that Webex's SDK accepts.
const WRAPPERS: [&str; 3] = ["credentials", "authorization", "supertoken"];

/// Reads tokens: a bare access token, `Bearer <token>`, a JSON object (also wrapped in `credentials`, `authorization`
/// or `supertoken`, where a bare text may stand for the token), or a query string or fragment.
///
/// The problem that is returned never quotes the text.
pub fn read(text: &str, now: Timestamp) -> Result<ReadTokens, &'static str> {
    let text = text.trim();
    if text.len() > answer::MAX_BODY {
        return Err("longer than any token");
    }
    let mut read = if text.starts_with('{') || text.starts_with('"') {
        let value = serde_json::from_str(text).map_err(|_| "neither a token nor a JSON object")?;
        from_value(value, now, 0)?
    } else if let Some(form) = as_form(text) {
        from_form(form, now)?
    } else {
        ReadTokens { tokens: bare(text, now)?, deviations: Vec::new() }
    };
    if read.tokens.access_token.is_none() && read.tokens.refresh_token.is_none() {
        return Err("neither an access token nor a refresh token is in it");
    }
    read.deviations.sort_unstable();
    read.deviations.dedup();
    Ok(read)
}

impl TokenSet {
    /// The members by which a front end takes the tokens over: those of the server's answer and the absolute instants
    /// in milliseconds. Custom fields are left out. Without `refresh_token` where it must stay at the server.
    pub fn to_handoff_json(&self, now: Timestamp, with_refresh_token: bool) -> Secret {
        let members = self.handoff(now, with_refresh_token).into_iter().map(|(name, value)| {
            let value = value
                .parse::<i64>()
                .ok()
                .filter(|_| name.contains("expires"))
                .map_or_else(|| Value::String(value.clone()), Value::from);
            (name.to_owned(), value)
        });
        Secret::new(Value::Object(members.collect()).to_string())
    }

    /// The same as a query string, to follow the `#` of a redirect.
    pub fn to_handoff_query(&self, now: Timestamp, with_refresh_token: bool) -> Secret {
        let mut form = Form::after(String::with_capacity(512));
        for (name, value) in self.handoff(now, with_refresh_token) {
            form.add(name, &value);
        }
        form.into_secret()
    }

    fn handoff(&self, now: Timestamp, with_refresh_token: bool) -> Vec<(&'static str, String)> {
        let mut members = Vec::with_capacity(8);
        let lifetime = |end: Timestamp| (end.millis_since(now) / 1000).max(0).to_string();
        if let Some(token) = &self.access_token {
            members.push(("access_token", token.expose().to_owned()));
            members.push(("token_type", token.token_type().to_owned()));
        }
        if let Some(end) = self.expires_at {
            members.push(("expires_in", lifetime(end)));
            members.push(("expires", end.as_millis().to_string()));
        }
        if let Some(token) = self.refresh_token.as_ref().filter(|_| with_refresh_token) {
            members.push(("refresh_token", token.expose().to_owned()));
            if let Some(end) = self.refresh_token_expires_at {
                members.push(("refresh_token_expires_in", lifetime(end)));
                members.push(("refresh_token_expires", end.as_millis().to_string()));
            }
        }
        if let Some(scope) = &self.scope {
            members.push(("scope", scope.as_str().to_owned()));
        }
        members
    }
}

fn from_value(value: Value, now: Timestamp, depth: usize) -> Result<ReadTokens, &'static str> {
    let mut object = match value {
        Value::String(text) => {
            return Ok(ReadTokens { tokens: bare(&text, now)?, deviations: Vec::new() });
        }
        Value::Object(object) => object,
        _ => return Err("neither a token nor a JSON object"),
    };
    if !object.contains_key("access_token")
        && depth < WRAPPERS.len()
        && let Some(inner) = WRAPPERS.iter().find_map(|name| object.remove(*name))
    {
        return from_value(inner, now, depth + 1);
    }
    repair(&mut object)?;
    let mut deviations = Vec::new();
    let tokens = read_object(object.into(), now, &mut deviations)?;
    Ok(ReadTokens { tokens, deviations })
}

/// `access_token: "Bearer x"` without a type of its own means token `x` of type Bearer.
fn repair(object: &mut Map<String, Value>) -> Result<(), &'static str> {
    let Some(Value::String(text)) = object.get("access_token") else {
        return Ok(());
    };
    if !text.is_empty() {
        let (scheme, token) = split_scheme(text)?;
        let (scheme, token) = (scheme.map(str::to_owned), token.to_owned());
        object.insert("access_token".to_owned(), Value::String(token));
        if let (Some(scheme), None) = (scheme, object.get("token_type")) {
            object.insert("token_type".to_owned(), Value::String(scheme));
        }
    }
    Ok(())
}

fn bare(text: &str, now: Timestamp) -> Result<TokenSet, &'static str> {
    let (scheme, token) = split_scheme(text)?;
    let access_token = match scheme {
        None => AccessToken::bearer(token),
        Some(scheme) => AccessToken::with_type(scheme, token),
    };
    Ok(TokenSet { access_token: Some(access_token), received_at: now, ..TokenSet::default() })
}

/// `Bearer x`, `bearer  x`, `Bearerx` and `x` are all the token `x`; another scheme is kept.
fn split_scheme(text: &str) -> Result<(Option<&str>, &str), &'static str> {
    let text = text.trim();
    let mut words = text.split_ascii_whitespace();
    let (scheme, token) = match (words.next(), words.next(), words.next()) {
        (Some(token), None, _) => match token.get(..6) {
            Some("Bearer") if token.len() > 6 => (Some("Bearer"), token.get(6..).unwrap_or_default()),
            _ => (None, token),
        },
        (Some(scheme), Some(token), None) if scheme.eq_ignore_ascii_case("bearer") => (Some("Bearer"), token),
        (Some(scheme), Some(token), None) => (Some(scheme), token),
        (Some(_), Some(_), Some(_)) => return Err("has more than a scheme and a token"),
        (None, _, _) => return Err("is empty"),
    };
    let usable = is_header_text(token) && scheme.is_none_or(is_header_text);
    if usable { Ok((scheme, token)) } else { Err("has characters that no header can carry") }
}

/// A query string, a fragment, or a URL that has one of them with tokens in it.
fn as_form(text: &str) -> Option<&str> {
    let tail = text.rsplit(['#', '?']).next().unwrap_or(text);
    form::parse(tail).any(|(name, _)| name == "access_token" || name == "refresh_token").then_some(tail)
}

fn from_form(text: &str, now: Timestamp) -> Result<ReadTokens, &'static str> {
    let mut object = Map::new();
    for (name, value) in form::parse(text).filter(|(name, _)| name != "state") {
        if object.insert(name.into_owned(), Value::String(value.into_owned())).is_some() {
            return Err("has a parameter twice");
        }
    }
    let mut read = from_value(Value::Object(object), now, WRAPPERS.len())?;
    // In a form everything is text.
    read.deviations.retain(|deviation| *deviation != crate::event::Deviation::NumberAsText);
    Ok(read)
}
