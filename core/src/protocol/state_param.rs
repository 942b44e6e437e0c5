//! The `state` parameter: base64url of a JSON object that holds the caller's keys and a CSRF value.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

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

/// As an object, and a CSRF value behind its members.
struct Object<'a> {
    members: &'a Members,
    csrf: Option<&'a str>,
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &self.members.0 {
            map.serialize_entry(name, value)?;
        }
        if let Some(csrf) = self.csrf {
            map.serialize_entry(CSRF_KEY, csrf)?;
        }
        map.end()
    }
}

impl Members {
    /// The object of the members that are there, if any.
    fn without_csrf(&self) -> Option<String> {
        if self.0.is_empty() { None } else { Some(self.to_json(None)) }
    }

    fn to_json(&self, csrf: Option<&str>) -> String {
        // Texts, and values that were read as JSON, always serialize.
        serde_json::to_string(&Object { members: self, csrf }).unwrap_or_default()
    }
}

/// Encodes the caller's object, without CSRF value, as `state` would carry it. `None` for an empty object.
///
/// # Errors
///
/// What serde_json says where `json` is not a JSON object.
pub fn encode(json: &str) -> Result<Option<String>, serde_json::Error> {
    let members = serde_json::from_str::<Members>(json)?;
    Ok(members.without_csrf().map(|json| URL_SAFE_NO_PAD.encode(json)))
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
    let csrf = Zeroizing::new(URL_SAFE_NO_PAD.encode(entropy.identifier_bytes()));
    let json = Zeroizing::new(members.to_json(Some(&csrf)));
    Ok((Secret::new(URL_SAFE_NO_PAD.encode(&*json)), given))
}

/// The caller's own part of a state: the JSON object without the CSRF value. `None` where nothing else is in it, or it
/// is not of this form.
pub fn caller_part(state: &str) -> Option<String> {
    let bytes = super::org::decode_base64(state)?;
    let mut members: Members = serde_json::from_str(str::from_utf8(&bytes).ok()?).ok()?;
    members.0.retain(|(name, _)| name != CSRF_KEY);
    members.without_csrf()
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
        let state = Entropy::new(&bytes).ok().and_then(|entropy| for_login("", None, &entropy).ok());
        assert!(state.is_some_and(|(state, own)| caller_part(state.expose()).is_none() && own.is_none()));
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
