//! The `state` parameter: base64url of a JSON object that holds the caller's keys and a CSRF value.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::protocol::base64url;
use crate::protocol::members::each_member;
use crate::secret::{Entropy, Secret};

/// The key of the CSRF value.
pub const CSRF_KEY: &str = "csrf_token";

/// What the caller wants to find again in the callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginState {
    /// A JSON object, as text. The CSRF value is added to it; the order of its keys is kept.
    Json(String),
    /// A text of the caller's own, sent as it is. Code flow only: there PKCE protects the login.
    Opaque(Secret),
}

impl Default for LoginState {
    fn default() -> Self {
        Self::Json(String::new())
    }
}

/// The members of a JSON object in their order, their values untouched.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = Vec::new();
        each_member(deserializer, |name, value| members.push((name, value)))?;
        Ok(Self(members))
    }
}

impl Members {
    /// The object of the members that are there, if any.
    fn without_csrf(&self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let mut json = String::from("{");
        self.write(&mut json);
        json.push('}');
        Some(json)
    }

    fn write(&self, out: &mut String) {
        for (name, value) in &self.0 {
            if !out.ends_with('{') {
                out.push(',');
            }
            // A string always serializes.
            out.push_str(&serde_json::to_string(name).unwrap_or_default());
            out.push(':');
            out.push_str(value.get());
        }
    }
}

/// Encodes the caller's object, without CSRF value, as `state` would carry it. `None` for an empty object.
///
/// # Errors
///
/// What serde_json says where `json` is not a JSON object.
pub fn encode(json: &str) -> Result<Option<String>, serde_json::Error> {
    let members = serde_json::from_str::<Members>(json)?;
    if members.0.is_empty() {
        return Ok(None);
    }
    Ok(Some(encode_members(&members, None)))
}

/// The `state` of a login: the caller's members, further ones of ours, then the CSRF value. And the caller's alone, which is no secret.
pub(crate) fn for_login(
    json: &str,
    email_hash: Option<&str>,
    entropy: &Entropy,
) -> Result<(Secret, Option<String>), &'static str> {
    let mut members = match json.trim() {
        "" => Members(Vec::new()),
        text => serde_json::from_str(text).map_err(|_| "not a JSON object")?,
    };
    if members.0.iter().any(|(name, _)| name == CSRF_KEY) {
        return Err("has a csrf_token, which is the library's to set");
    }
    let given = members.without_csrf();
    if let Some(hash) = email_hash {
        let value = RawValue::from_string(format!("\"{hash}\"")).map_err(|_| "not a JSON object")?;
        members.0.push(("emailhash".to_owned(), value));
    }
    if members.0.is_empty() {
        return Ok((Secret::new(encode_csrf_alone(entropy)), None));
    }
    Ok((Secret::new(encode_members(&members, Some(entropy))), given))
}

/// Of members, of which there are some.
fn encode_members(members: &Members, entropy: Option<&Entropy>) -> String {
    let mut json = String::with_capacity(64);
    json.push('{');
    members.write(&mut json);
    if let Some(entropy) = entropy {
        json.push_str(",\"csrf_token\":\"");
        base64url::push(&mut json, &entropy.identifier_bytes());
        json.push('"');
    }
    json.push('}');
    let encoded = base64url::encode(json.as_bytes());
    crate::secret::wipe(json);
    encoded
}

/// The state of a login whose caller has no part in it, as most are, is `{"csrf_token":"`, which is whole groups of three
/// bytes, and these twenty-four: the value and `"}`.
const CSRF_ALONE: &str = "eyJjc3JmX3Rva2VuIjoi";
const CSRF_VALUE: usize = 22;
const CSRF_REST: usize = CSRF_VALUE + 2;

fn encode_csrf_alone(entropy: &Entropy) -> String {
    let mut rest = *b"......................\"}";
    base64url::fill(&mut rest[..CSRF_VALUE], &entropy.identifier_bytes());
    let mut state = String::with_capacity(CSRF_ALONE.len() + CSRF_REST / 3 * 4);
    state.push_str(CSRF_ALONE);
    base64url::push(&mut state, &rest);
    crate::secret::wipe_slice(&mut rest);
    state
}

/// The caller's own part of a state: the JSON object without the CSRF value. `None` where nothing else is in it, or it
/// is not of this form.
pub fn caller_part(state: &str) -> Option<String> {
    if is_csrf_alone(state) {
        return None;
    }
    let bytes = super::org::decode_base64(state)?;
    let mut members: Members = serde_json::from_str(str::from_utf8(&bytes).ok()?).ok()?;
    members.0.retain(|(name, _)| name != CSRF_KEY);
    members.without_csrf()
}

/// Read without a copy.
fn is_csrf_alone(state: &str) -> bool {
    let mut rest = [0; CSRF_REST];
    let is_filled = |encoded| URL_SAFE_NO_PAD.decode_slice(encoded, &mut rest).is_ok_and(|len| len == CSRF_REST);
    state.strip_prefix(CSRF_ALONE).is_some_and(is_filled)
        && rest.strip_suffix(br#""}"#).is_some_and(|value| !value.iter().any(|byte| matches!(byte, b'"' | b'\\')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_keys_keep_their_order_and_come_back() {
        assert_eq!(encode(r#"{"b":1,"a":"é"}"#).ok().flatten().as_deref(), Some("eyJiIjoxLCJhIjoiw6kifQ"));
        assert_eq!(encode("{}").ok().flatten(), None);
        let bytes: Vec<u8> = (0..64).collect();
        let state = Entropy::new(&bytes).ok().and_then(|entropy| for_login(r#"{"b":1,"a":2}"#, None, &entropy).ok());
        let (state, own) = state.unwrap();
        assert_eq!(own.as_deref(), Some(r#"{"b":1,"a":2}"#));
        assert_eq!(caller_part(state.expose()), own);
        assert!(!is_csrf_alone(state.expose()));
        assert!(!is_csrf_alone(&"x".repeat(52)) && !is_csrf_alone("eyJjc3JmX3Rva2VuIjoi"));
        let state = Entropy::new(&bytes).ok().and_then(|entropy| for_login("", None, &entropy).ok());
        assert!(state.is_some_and(|(state, own)| is_csrf_alone(state.expose()) && own.is_none()));
        // As long, and with a member more.
        let other = base64url::encode(br#"{"csrf_token":"x","a":"12345678901234"}"#);
        assert!(other.len() == 52 && !is_csrf_alone(&other));
        assert_eq!(caller_part(&other).as_deref(), Some(r#"{"a":"12345678901234"}"#));
    }

    #[test]
    fn what_is_added_is_not_the_callers() {
        let bytes: Vec<u8> = (0..64).collect();
        let with_email = |json| for_login(json, Some("abc"), &Entropy::new(&bytes).ok()?).ok();
        let (state, own) = with_email(r#"{"page":7}"#).unwrap();
        assert_eq!(own.as_deref(), Some(r#"{"page":7}"#));
        assert_eq!(caller_part(state.expose()).as_deref(), Some(r#"{"page":7,"emailhash":"abc"}"#));
        assert_eq!(with_email("").unwrap().1, None);
    }

    #[test]
    fn opaque_states_have_no_part_of_the_caller() {
        assert_eq!(caller_part("CiscoDevNet"), None);
        assert_eq!(caller_part(""), None);
    }
}
