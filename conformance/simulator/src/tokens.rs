//! Token strings: how they are made, how they are named in the log, how JWTs are signed.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Padding as it comes: secrets are pasted from portals with and without it.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The name of a token in the log: 12 hexadecimal digits of its SHA-256.
#[must_use]
pub fn fingerprint(token: &str) -> String {
    hex(Sha256::digest(token.as_bytes()).get(..6).unwrap_or_default())
}

/// A stream of unguessable bytes, seeded once by the operating system.
pub(crate) struct Dice {
    seed: [u8; 32],
    drawn: u64,
}

impl Dice {
    pub(crate) fn from_os() -> std::io::Result<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(std::io::Error::other)?;
        Ok(Self { seed, drawn: 0 })
    }

    pub(crate) fn bytes(&mut self) -> [u8; 32] {
        self.drawn += 1;
        Sha256::new().chain_update(self.seed).chain_update(self.drawn.to_be_bytes()).finalize().into()
    }

    pub(crate) fn text(&mut self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes())
    }

    pub(crate) fn hex(&mut self, digits: usize) -> String {
        let mut text = hex(&self.bytes());
        text.truncate(digits);
        text
    }

    /// A tracking id as the Webex routers write it: `ROUTER_` and a UUID.
    pub(crate) fn tracking_id(&mut self) -> String {
        let digits = self.hex(32).to_uppercase();
        let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| digits.get(part).unwrap_or_default());
        format!("ROUTER_{}", parts.join("-"))
    }

    /// Six decimal digits, as a person types them.
    pub(crate) fn digits(&mut self) -> String {
        let number = self.bytes().iter().take(4).fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
        format!("{:06}", number % 1_000_000)
    }

    /// `<base64url>_PF84_<organisation>`, the shape of Webex codes and opaque tokens.
    pub(crate) fn opaque(&mut self, org: &str) -> String {
        // An underscore in the first section would make a fourth one.
        format!("{}_PF84_{org}", self.text().replace('_', "-"))
    }

    /// A key that only this run knows.
    pub(crate) fn key(&self) -> [u8; 32] {
        Sha256::new().chain_update(self.seed).chain_update(b"jwt").finalize().into()
    }
}

/// The S256 code challenge of a verifier (RFC 7636, 4.2).
pub(crate) fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

/// A compact JWS with HS256.
pub(crate) fn sign(key: &[u8], claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = part(&serde_json::json!({"alg": "HS256", "typ": "JWT"}));
    let signed = format!("{head}.{}", part(claims));
    let tag = mac(key, &signed).map(|mac| URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())).unwrap_or_default();
    format!("{signed}.{tag}")
}

/// The header and the claims of a compact JWS, not verified.
pub(crate) fn peek(jwt: &str) -> Option<(Value, Value)> {
    let mut parts = jwt.split('.');
    let mut part = || {
        let bytes = URL_SAFE_NO_PAD.decode(parts.next()?.trim_end_matches('=')).ok()?;
        serde_json::from_slice(&bytes).ok()
    };
    let (head, claims) = (part()?, part()?);
    (parts.count() == 1).then_some((head, claims))
}

/// Whether the HS256 signature was made with the base64 key.
pub(crate) fn verify(jwt: &str, base64_key: &str) -> bool {
    let checked = || {
        let (signed, tag) = jwt.rsplit_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag.trim_end_matches('=')).ok()?;
        let key = decode_key(base64_key)?;
        mac(&key, signed)?.verify_slice(&tag).ok()
    };
    checked().is_some()
}

/// Standard or URL-safe alphabet, padded or not.
pub(crate) fn decode_key(text: &str) -> Option<Vec<u8>> {
    let text = text.trim().replace('-', "+").replace('_', "/");
    LENIENT.decode(text).ok().filter(|key| !key.is_empty())
}

fn mac(key: &[u8], text: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(text.as_bytes());
    Some(mac)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_opaque_token_has_three_sections() {
        let mut dice = Dice::from_os().unwrap();
        for _ in 0..64 {
            assert_eq!(dice.opaque("org").split('_').count(), 3);
        }
    }

    #[test]
    fn the_challenge_is_that_of_rfc_7636_appendix_b() {
        assert_eq!(s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_signed_jwt_verifies_with_its_key_only() {
        let jwt = sign(b"keys", &json!({"sub": "x"}));
        assert!(verify(&jwt, "a2V5cw"));
        assert!(verify(&jwt, "a2V5cw=="));
        assert!(!verify(&jwt, "b3RoZXI="));
        assert!(!verify("no.jwt", "a2V5"));
        assert_eq!(peek(&jwt).unwrap().1["sub"], "x");
    }

    #[test]
    fn a_fingerprint_does_not_hold_the_token() {
        assert_eq!(fingerprint("abc"), "ba7816bf8f01");
    }
}
