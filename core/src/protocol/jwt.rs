//! Webex: guest JWTs (HS256, RFC 7515) as a guest issuer creates them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::protocol::org::decode_base64;
use crate::secret::{Entropy, Secret};
use crate::time::Timestamp;

/// Why no JWT could be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// The issuer is empty.
    #[error("issuer is missing: the guest issuer's id from the developer portal")]
    MissingIssuer,
    /// The secret is empty.
    #[error("the guest issuer's secret is missing")]
    MissingSecret,
    /// The secret is not base64.
    #[error("the guest issuer's secret is not base64")]
    InvalidSecret,
    /// The lifetime cannot be read, or is not positive.
    #[error("the lifetime must be positive: whole seconds, or a number with a unit such as 12h")]
    InvalidLifetime,
}

/// A lifetime as people write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lifetime {
    /// Seconds.
    Seconds(i64),
    /// A number with a unit: `12h`, `90m`, `2 days`, `1y`.
    Text(String),
}

/// What a guest's JWT says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestJwt {
    /// The guest's own identifier; drawn where absent, as `guest-user-<uuid>`.
    pub subject: Option<String>,
    /// The name that other people see; drawn where absent, as `Guest User - <uuid>`.
    pub display_name: Option<String>,
    /// The guest issuer's id.
    pub issuer: String,
    /// The guest issuer's secret, base64 as the portal shows it.
    pub secret: Secret,
    /// How long the JWT, and the token it is exchanged for, may live.
    pub lifetime: Lifetime,
}

/// Makes a guest JWT: header `HS256`, claims `sub`, `name`, `iss`, `iat` and `exp` in seconds.
///
/// # Errors
///
/// [`JwtError::MissingIssuer`], [`JwtError::MissingSecret`], [`JwtError::InvalidSecret`] where the secret is not base64, and
/// what [`lifetime_seconds`] says.
pub fn guest_jwt(guest: &GuestJwt, now: Timestamp, entropy: &Entropy) -> Result<Secret, JwtError> {
    if guest.issuer.trim().is_empty() {
        return Err(JwtError::MissingIssuer);
    }
    let key = key(&guest.secret)?;
    let issued_at = now.as_secs();
    let expires_at = issued_at.saturating_add(lifetime_seconds(&guest.lifetime)?);
    let subject = guest.subject.clone().unwrap_or_else(|| format!("guest-user-{}", uuid(entropy.identifier_bytes())));
    // Each has a name of its own, so that people can tell unnamed guests apart.
    let own_name = || format!("Guest User - {}", uuid(entropy.other_identifier_bytes()));
    let claims = json!({
        "sub": subject,
        "name": guest.display_name.clone().unwrap_or_else(own_name),
        "iss": guest.issuer,
        "iat": issued_at,
        "exp": expires_at,
    });
    Ok(sign(&claims.to_string(), &key))
}

/// Whole seconds of a lifetime. A text needs a unit: the SDK this is modelled on reads bare digits as milliseconds,
/// everybody else means seconds.
///
/// # Errors
///
/// [`JwtError::InvalidLifetime`] where it is not positive, has no unit as a text, or is longer than can be counted.
pub fn lifetime_seconds(lifetime: &Lifetime) -> Result<i64, JwtError> {
    let seconds = match lifetime {
        Lifetime::Seconds(seconds) => *seconds,
        Lifetime::Text(text) => parse_span(text.trim()).ok_or(JwtError::InvalidLifetime)?,
    };
    if seconds > 0 { Ok(seconds) } else { Err(JwtError::InvalidLifetime) }
}

fn key(secret: &Secret) -> Result<Zeroizing<Vec<u8>>, JwtError> {
    if secret.expose().trim().is_empty() {
        return Err(JwtError::MissingSecret);
    }
    let key = decode_base64(secret.expose().trim()).map(Zeroizing::new).ok_or(JwtError::InvalidSecret)?;
    if key.is_empty() { Err(JwtError::MissingSecret) } else { Ok(key) }
}

fn sign(claims: &str, key: &[u8]) -> Secret {
    let header = r#"{"alg":"HS256","typ":"JWT"}"#;
    let signed = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    // HMAC takes a key of any length.
    let signature = Hmac::<Sha256>::new_from_slice(key).map(|mut mac| {
        mac.update(signed.as_bytes());
        Zeroizing::new(URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    });
    Secret::new([&signed, ".", &signature.unwrap_or_default()].concat())
}

/// `12h`, `1.5 hours`: a decimal number and a unit.
fn parse_span(text: &str) -> Option<i64> {
    let split = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(split);
    let number = number.trim_end();
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let millis: i64 = match unit.to_ascii_lowercase().as_str() {
        "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => 1,
        "s" | "sec" | "secs" | "second" | "seconds" => 1000,
        "m" | "min" | "mins" | "minute" | "minutes" => 60_000,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        "w" | "week" | "weeks" => 604_800_000,
        // A year of 365.25 days, as the source system reckons.
        "y" | "yr" | "yrs" | "year" | "years" => 31_557_600_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut total = whole.checked_mul(millis)?;
    let mut unit = millis;
    for digit in fraction.bytes() {
        unit /= 10;
        total = total.checked_add(i64::from(digit.checked_sub(b'0')?).checked_mul(unit)?)?;
    }
    Some(total.div_euclid(1000))
}

/// A random UUID (RFC 9562 section 5.4).
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let value = u128::from_be_bytes(bytes);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        value >> 96,
        (value >> 80) & 0xffff,
        (value >> 64) & 0xffff,
        (value >> 48) & 0xffff,
        value & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_number_and_a_unit() {
        assert_eq!(parse_span("1.5 hours"), Some(5400));
        assert_eq!(parse_span(".5h"), Some(1800));
        for text in ["h", " h", "1,5h", "-1h", "1", "1.5.1h", ""] {
            assert_eq!(parse_span(text), None, "{text}");
        }
    }
}
