//! Webex: hints in tokens and codes. Read, never verified: fit for routing and display, not for decisions.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

/// Both alphabets occur, padded and not; this reads base64url with or without padding.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

/// Why there is no organization to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OrgIdError {
    /// A JWT whose payload cannot be read.
    #[error("the token looks like a JWT but cannot be read")]
    UnreadableJwt,
    /// A JWT without `realm`.
    #[error("the JWT names no organization")]
    NoRealm,
    /// An opaque token in another form than `<token>_<cluster>_<org>`.
    #[error("the token has {sections} sections where three are expected")]
    Sections {
        /// How many there are.
        sections: usize,
    },
}

/// The organization in an access token: the claim `realm` of a JWT, else the third section of an opaque one.
///
/// # Errors
///
/// [`OrgIdError::UnreadableJwt`] and [`OrgIdError::NoRealm`] for a JWT, [`OrgIdError::Sections`] for an opaque token that
/// does not name one.
pub fn org_id_of_token(token: &str) -> Result<String, OrgIdError> {
    if looks_like_jwt(token) {
        let claims = claims(token).ok_or(OrgIdError::UnreadableJwt)?;
        let realm = claims.get("realm").and_then(Value::as_str).filter(|realm| !realm.is_empty());
        return realm.map(str::to_owned).ok_or(OrgIdError::NoRealm);
    }
    third_section(token).map(str::to_owned).ok_or(OrgIdError::Sections { sections: token.split('_').count() })
}

/// The organization in an authorization code, its third section: where to find the user's region.
pub fn org_id_of_code(code: &str) -> Option<String> {
    third_section(code).map(str::to_owned)
}

/// `<token>_<cluster>_<org>`. The token is base64url and may itself contain `_`: then a UUID at the end is the organization.
fn third_section(text: &str) -> Option<&str> {
    let (front, org) = text.rsplit_once('_')?;
    let is_uuid = org.len() == 36 && org.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    match front.split('_').count() {
        2 => Some(org).filter(|org| !org.is_empty()),
        3.. => Some(org).filter(|_| is_uuid),
        _ => None,
    }
}

/// True where the token says that its user is an unverified guest.
pub fn is_guest(token: &str) -> bool {
    let payload = token.split('.').nth(1).and_then(decode_object);
    payload.is_some_and(|claims| claims.get("user_type").and_then(Value::as_str) == Some("guest"))
}

/// The claims of a JWT, unverified: three parts, the last one may be empty.
pub fn claims(jwt: &str) -> Option<Map<String, Value>> {
    let mut parts = jwt.split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    decode_object(payload)
}

fn looks_like_jwt(token: &str) -> bool {
    token.starts_with("eyJ") && token.contains('.') || token.bytes().filter(|byte| *byte == b'.').count() == 2
}

fn decode_object(part: &str) -> Option<Map<String, Value>> {
    let bytes = decode_base64(part)?;
    // From text, as everywhere: the reader of JSON is compiled once.
    serde_json::from_str(str::from_utf8(&bytes).ok()?).ok()
}

/// Either alphabet, with or without padding.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    URL_SAFE.decode(text).or_else(|_| STANDARD.decode(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jwt_is_told_from_an_opaque_token() {
        assert_eq!(org_id_of_token("eyJ_a_org").as_deref(), Ok("org"));
        assert_eq!(org_id_of_token("x.y_a_org").as_deref(), Ok("org"));
        assert_eq!(org_id_of_token("x.y.z_a_org"), Err(OrgIdError::UnreadableJwt));
        assert_eq!(org_id_of_token("eyJ.x_a_org"), Err(OrgIdError::UnreadableJwt));
        assert_eq!(org_id_of_token("a_b"), Err(OrgIdError::Sections { sections: 2 }));
    }

    #[test]
    fn an_organization_at_the_end_is_a_uuid_where_the_token_has_more_sections() {
        let org = "1eb65fdf-9643-417f-9974-ad72cae0e10f";
        assert_eq!(org_id_of_code(&format!("a_b_PF84_{org}")).as_deref(), Some(org));
        assert_eq!(org_id_of_code("a_b_PF84_org"), None);
        assert_eq!(org_id_of_code("a_PF84_"), None);
    }
}
