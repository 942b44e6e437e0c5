//! The shapes in which other libraries keep tokens, brought into that of a server's answer.

use serde_json::{Map, Value};

use crate::event::Deviation;
use crate::protocol::answer;
use crate::protocol::instant;
use crate::time::Timestamp;

/// Where tokens hide: in the objects that Webex's SDK accepts, in AppAuth's state, in a stored `token` of authlib.
const WRAPPERS: [&str; 6] =
    ["credentials", "authorization", "supertoken", "lastTokenResponse", "mLastTokenResponse", "token"];
/// No shape nests them deeper.
const MOST_WRAPPERS: usize = 3;

const ACCESS: [&str; 3] = ["access_token", "accessToken", "token"];
const REFRESH: [&str; 2] = ["refresh_token", "refreshToken"];
const SCOPE: [&str; 2] = ["scope", "scopes"];
/// Of requests-oauthlib, authlib and wxc_sdk; Webex's SDK; MSAL; google-auth and Go; AppAuth.
const END: [&str; 7] =
    ["expires_at", "expiresAt", "expires", "expires_on", "expiresOn", "expiry", "accessTokenExpirationDate"];
const REFRESH_END: [&str; 3] = ["refresh_token_expires_at", "refreshTokenExpiresAt", "refresh_token_expires"];
/// Where a lifetime that is kept beside it begins.
const BEGIN: [&str; 3] = ["issued_at", "issuedAt", "created_at"];

pub(crate) enum Unwrapped {
    /// Something in which the tokens are.
    Wrapped(Value),
    /// The tokens, under the names of a server's answer.
    Tokens(Map<String, Value>),
}

/// Takes one layer off.
pub(crate) fn unwrap(mut object: Map<String, Value>, depth: usize) -> Result<Unwrapped, &'static str> {
    if object.get("AccessToken").or(object.get("RefreshToken")).is_some_and(Value::is_object) {
        object = of_msal_cache(&object)?;
    }
    name_msal_entry(&mut object);
    let says = |value: &Value| !value.is_null() && value.as_str() != Some("") && !value.is_object();
    let has_access = ACCESS.iter().any(|name| object.get(*name).is_some_and(says));
    let is_wrapper = |name: &&str| object.get(*name).is_some_and(|value| *name != "token" || value.is_object());
    let wrapper = WRAPPERS.into_iter().find(is_wrapper).filter(|_| !has_access && depth < MOST_WRAPPERS);
    if let Some(mut inner) = wrapper.and_then(|name| object.remove(name)) {
        // AppAuth keeps the newest refresh token beside the answer that may lack one.
        if let Value::Object(tokens) = &mut inner {
            for (name, names) in [("refresh_token", REFRESH), ("scope", SCOPE)] {
                if !names.iter().any(|name| tokens.get(*name).is_some_and(says)) {
                    tokens.extend(take(&mut object, &names).map(|value| (name.to_owned(), value)));
                }
            }
        }
        return Ok(Unwrapped::Wrapped(inner));
    }
    let names: [(&str, &[&str]); 5] = [
        ("access_token", &ACCESS),
        ("refresh_token", &REFRESH),
        ("id_token", &["id_token", "idToken"]),
        ("token_type", &["token_type", "tokenType"]),
        ("scope", &SCOPE),
    ];
    for (name, names) in names {
        if let Some(value) = take(&mut object, names) {
            object.insert(name.to_owned(), value);
        }
    }
    // google-auth keeps it with the token; it has no business in a session.
    object.remove("client_secret");
    Ok(Unwrapped::Tokens(object))
}

/// The first of the names that says something.
fn take(object: &mut Map<String, Value>, names: &[&str]) -> Option<Value> {
    let says = |value: &Value| !value.is_null() && value.as_str() != Some("");
    let name = names.iter().find(|name| object.get(**name).is_some_and(says))?;
    object.remove(*name)
}

/// An entry of MSAL's cache: what its `secret` is, its type says.
fn name_msal_entry(object: &mut Map<String, Value>) {
    let name = match object.get("credential_type").and_then(Value::as_str) {
        Some("AccessToken") => "access_token",
        Some("RefreshToken") => "refresh_token",
        _ => return,
    };
    let names: [(&str, &[&str]); 2] = [(name, &["secret"]), ("scope", &["target"])];
    for (name, names) in names {
        if let Some(value) = take(object, names) {
            object.insert(name.to_owned(), value);
        }
    }
}

/// The whole cache of MSAL, where it is that of one account.
fn of_msal_cache(cache: &Map<String, Value>) -> Result<Map<String, Value>, &'static str> {
    let mut tokens = Map::new();
    for kind in ["RefreshToken", "AccessToken"] {
        let mut entries = cache.get(kind).and_then(Value::as_object).into_iter().flatten();
        if let Some((_, Value::Object(entry))) = entries.next() {
            let mut entry = entry.clone();
            name_msal_entry(&mut entry);
            entry.remove("credential_type");
            tokens.extend(entry);
        }
        if entries.next().is_some() {
            return Err("has the tokens of more than one account");
        }
    }
    Ok(tokens)
}

/// When tokens end, by the word of who kept them.
pub(crate) struct Ends {
    pub(crate) access: Option<Timestamp>,
    pub(crate) refresh: Option<Timestamp>,
}

/// Takes the absolute instants out. A lifetime alone begins where the object says that it began, or now.
pub(crate) fn ends(object: &mut Map<String, Value>, now: Timestamp, deviations: &mut Vec<Deviation>) -> Ends {
    let mut end = |object: &mut Map<String, Value>, names: &[&str]| {
        let mut end = None;
        for value in names.iter().filter_map(|name| object.remove(*name)) {
            match instant::read(&value, now) {
                Ok(read) => end = end.or(read),
                Err(()) => deviations.push(Deviation::UnreadableMember),
            }
        }
        end
    };
    let refresh = end(object, &REFRESH_END);
    let access = end(object, &END).or_else(|| begun(object, now));
    Ends { access, refresh }
}

fn begun(object: &Map<String, Value>, now: Timestamp) -> Option<Timestamp> {
    let begin = BEGIN.iter().find_map(|name| instant::read(object.get(*name)?, now).ok()?)?;
    let lifetime = ["expires_in", "expiresIn"].iter().find_map(|name| object.get(*name))?;
    let seconds = answer::seconds(&lifetime.clone().into(), &mut Vec::new())?;
    Some(begin.plus_millis(seconds.saturating_mul(1000)))
}
