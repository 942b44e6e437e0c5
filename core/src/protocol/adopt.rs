//! Tokens from elsewhere, in whatever shape people have them.

use serde_json::{Map, Value};

use crate::event::Deviation;
use crate::protocol::answer;
use crate::protocol::form;
use crate::protocol::members::Members;
use crate::protocol::shapes;
use crate::protocol::token::{is_header_text, read_object};
use crate::secret::AccessToken;
use crate::time::Timestamp;
use crate::tokens::{ReadTokens, TokenSet};

/// Reads tokens: a bare access token, `Bearer <token>`, a JSON object (also wrapped in `credentials`, `authorization`
/// or `supertoken`, where a bare text may stand for the token), or a query string or fragment.
///
/// The objects of other libraries are read as they mean them: an absolute instant goes before a lifetime, and one that
/// has passed means expired.
///
/// # Errors
///
/// What is wrong, for people, where no access token and no refresh token is in it, or one that no header can carry, or it is
/// longer than 1 MiB. The text is never quoted.
pub fn read(text: &str, now: Timestamp) -> Result<ReadTokens, &'static str> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.len() > answer::MAX_BODY {
        return Err("longer than any token");
    }
    let mut read = if text.starts_with('{') {
        let members = Members::parse(text.as_bytes()).ok_or("neither a token nor a JSON object")?;
        let odd = answer::deviations(&members);
        let mut read = from_value(Value::Object(members.into_map()), now, 0)?;
        read.deviations.extend(odd);
        read
    } else if text.starts_with('"') {
        let inner: String = serde_json::from_str(text).map_err(|_| "neither a token nor a JSON object")?;
        bare(&inner, now)?
    } else if let Some(form) = form_in(text) {
        from_form(form, now)?
    } else {
        bare(text, now)?
    };
    if read.tokens.access_token.is_none() && read.tokens.refresh_token.is_none() {
        return Err("neither an access token nor a refresh token is in it");
    }
    read.deviations.sort_unstable();
    read.deviations.dedup();
    Ok(read)
}

fn from_value(value: Value, now: Timestamp, depth: usize) -> Result<ReadTokens, &'static str> {
    let object = match value {
        Value::String(text) => return bare(&text, now),
        Value::Object(object) => object,
        _ => return Err("neither a token nor a JSON object"),
    };
    match shapes::unwrap(object, depth)? {
        shapes::Unwrapped::Wrapped(inner) => from_value(inner, now, depth + 1),
        shapes::Unwrapped::Tokens(object) => from_object(object, now),
    }
}

fn from_object(mut object: Map<String, Value>, now: Timestamp) -> Result<ReadTokens, &'static str> {
    let mut deviations = Vec::new();
    let ends = shapes::ends(&mut object, now, &mut deviations);
    // `access_token: "Bearer x"` means token `x` of the type Bearer.
    if let Some(Value::String(text)) = object.get_mut("access_token")
        && !text.is_empty()
    {
        let token = without_scheme(text)?.to_owned();
        let had_scheme = text.trim() != token;
        *text = token;
        if had_scheme && !object.contains_key("token_type") {
            object.insert("token_type".to_owned(), "Bearer".into());
        }
    }
    let mut tokens = read_object(object.into(), now, &mut deviations)?;
    if ends.access.is_some() {
        tokens.expires_at = ends.access;
        deviations.retain(|deviation| *deviation != Deviation::MissingExpiresIn);
    }
    tokens.refresh_token_expires_at = ends.refresh.or(tokens.refresh_token_expires_at);
    Ok(ReadTokens { tokens, deviations })
}

fn bare(text: &str, now: Timestamp) -> Result<ReadTokens, &'static str> {
    let access_token = Some(AccessToken::bearer(without_scheme(text)?));
    let tokens = TokenSet { access_token, received_at: now, ..TokenSet::default() };
    Ok(ReadTokens { tokens, deviations: Vec::new() })
}

/// `Bearer x`, `bearer  x`, `Bearerx` and `x` are all the token `x`.
fn without_scheme(text: &str) -> Result<&str, &'static str> {
    let text = text.trim();
    let token = match text.split_at_checked("Bearer".len()) {
        Some(("Bearer", rest)) => rest.trim_start(),
        Some((word, rest)) if word.eq_ignore_ascii_case("bearer") && rest.starts_with(char::is_whitespace) => {
            rest.trim_start()
        }
        Some(_) | None => text,
    };
    if text.is_empty() {
        Err("is empty")
    } else if token.is_empty() || token.eq_ignore_ascii_case("bearer") {
        Err("is the word Bearer without a token")
    } else if token.contains(char::is_whitespace) {
        Err("has white space within the token: it was wrapped, or it is not of the scheme Bearer")
    } else if token.contains("://") {
        Err("is a URL without a token in it")
    } else if !is_header_text(token) {
        Err("has characters that no header can carry")
    } else if token.contains(['<', '>', '{', '}', '"', '`']) {
        Err("is neither a token nor a JSON object")
    } else {
        Ok(token)
    }
}

/// The part with tokens of a query string, a fragment, or a URL that has either. The fragment goes first; one of a
/// page's router may have a query of its own.
pub(crate) fn form_in(text: &str) -> Option<&str> {
    let (rest, fragment) = text.split_once('#').map_or((text, None), |(rest, fragment)| (rest, Some(fragment)));
    let behind = |part: &'_ str| part.rfind('?').map(|at| at + 1);
    let routed = fragment.and_then(|part| part.get(behind(part)?..));
    let query = rest.get(behind(rest).unwrap_or(0)..);
    let has_tokens = |part: &&str| form::parse(part).any(|(name, _)| name == "access_token" || name == "refresh_token");
    [routed, fragment, query].into_iter().flatten().find(has_tokens)
}

fn from_form(text: &str, now: Timestamp) -> Result<ReadTokens, &'static str> {
    let mut object = Map::new();
    for (name, value) in form::parse(text).filter(|(name, _)| name != "state") {
        if object.insert(name.into_owned(), Value::String(value.into_owned())).is_some() {
            return Err("has a parameter twice");
        }
    }
    let mut read = from_object(object, now)?;
    // In a form everything is text.
    read.deviations.retain(|deviation| *deviation != Deviation::NumberAsText);
    Ok(read)
}
