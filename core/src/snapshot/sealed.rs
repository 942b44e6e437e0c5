//! The header of an encrypted snapshot, which is read without a key: a store compares revisions, and an error names the key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// `typ` of the header: what tells these records from other JWEs.
const TYPE: &str = "webex-oauth";
/// No header is longer.
const MAX_LEN: usize = 512;

/// What an encrypted record says of itself. It is authentic once the record was opened, and a claim before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedHeader {
    /// The key under which it is sealed.
    pub key_id: String,
    /// The revision of the snapshot inside.
    pub revision: u64,
}

/// The protected header as it stands there (RFC 7516 section 4.1). Another member could change what the record means.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Protected<'a> {
    alg: &'a str,
    enc: &'a str,
    kid: &'a str,
    typ: &'a str,
    rev: u64,
}

impl SealedHeader {
    /// The header of `record`, where it is an encrypted one: JWE in its compact form, of the kind that is written here.
    pub fn read(record: &str) -> Option<Self> {
        let (header, rest) = record.split_once('.').filter(|(header, _)| header.len() <= MAX_LEN)?;
        let bytes = URL_SAFE_NO_PAD.decode(header).ok()?;
        let read: Protected<'_> = serde_json::from_str(str::from_utf8(&bytes).ok()?).ok()?;
        let is_ours = read.alg == "dir" && read.enc == "A256GCM" && read.typ == TYPE && is_key_id(read.kid);
        (is_ours && rest.split('.').count() == 4).then(|| Self { key_id: read.kid.to_owned(), revision: read.rev })
    }

    /// As the first part of the record.
    #[cfg(feature = "sealed")]
    pub(crate) fn encode(&self) -> String {
        let header = Protected { alg: "dir", enc: "A256GCM", kid: &self.key_id, typ: TYPE, rev: self.revision };
        // Writing to memory cannot fail, and what is written here always serializes.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header).unwrap_or_default())
    }
}

/// 1 to 64 letters, digits, `.`, `_` and `-`: it stands in headers, columns, variables and errors.
pub(crate) fn is_key_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(header: &str) -> String {
        format!("{}..AAAAAAAAAAAAAAAA.AA.AAAAAAAAAAAAAAAAAAAAAA", URL_SAFE_NO_PAD.encode(header))
    }

    #[test]
    fn key_and_revision_are_read_without_a_key() {
        let text = record(r#"{"alg":"dir","enc":"A256GCM","kid":"k.1","typ":"webex-oauth","rev":281474976710655}"#);
        let header = SealedHeader { key_id: "k.1".into(), revision: 281_474_976_710_655 };
        assert_eq!(SealedHeader::read(&text), Some(header));
    }

    #[test]
    fn what_is_not_of_this_kind_is_not_one() {
        for header in [
            r#"{"alg":"dir","enc":"A128GCM","kid":"k","typ":"webex-oauth","rev":1}"#,
            r#"{"alg":"A256KW","enc":"A256GCM","kid":"k","typ":"webex-oauth","rev":1}"#,
            r#"{"alg":"dir","enc":"A256GCM","kid":"k","typ":"JWT","rev":1}"#,
            r#"{"alg":"dir","enc":"A256GCM","kid":"k","typ":"webex-oauth","rev":1,"zip":"DEF"}"#,
            r#"{"alg":"dir","enc":"A256GCM","kid":"k","typ":"webex-oauth","rev":1,"rev":2}"#,
            r#"{"alg":"dir","enc":"A256GCM","kid":"a b","typ":"webex-oauth","rev":1}"#,
            r#"{"alg":"dir","enc":"A256GCM","kid":"","typ":"webex-oauth","rev":1}"#,
            r#"{"alg":"dir","enc":"A256GCM","kid":"k","typ":"webex-oauth","rev":-1}"#,
            r#"{"alg":"dir","enc":"A256GCM","kid":"k","typ":"webex-oauth"}"#,
            "",
        ] {
            assert_eq!(SealedHeader::read(&record(header)), None, "{header}");
        }
        let good = record(r#"{"alg":"dir","enc":"A256GCM","kid":"k","typ":"webex-oauth","rev":1}"#);
        assert!(SealedHeader::read(&good).is_some());
        for text in [format!("{good}."), good.replacen("..", ".", 1), format!(" {good}"), String::new()] {
            assert_eq!(SealedHeader::read(&text), None, "{text}");
        }
    }
}
