//! JSON as it should not be, read as far as it goes: what one member got wrong must not cost the others.
//!
//! A byte order mark, bytes of another encoding, control characters in a text and `NaN` are mended; a number that no
//! type holds, half a surrogate pair and a nesting without end spoil their own member alone.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::protocol::members::{Member, each_member};

/// Stands in a text for what could not be read. No token has it.
pub(crate) const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// What Python and JavaScript write for numbers that JSON has no words for.
const NO_NUMBERS: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

/// Hands over the members of an object as they come. `None` where even so there is none.
pub(crate) fn each(json: &[u8], mut take: impl FnMut(String, Member<'static>)) -> Option<()> {
    let text = mended(json);
    let mut deserializer = serde_json::Deserializer::from_str(&text);
    each_member(&mut deserializer, |LossyText(name), value: &RawValue| take(name, read(value))).ok()?;
    deserializer.end().ok()
}

fn read(value: &RawValue) -> Member<'static> {
    if let Ok(value) = serde_json::from_str::<Value>(value.get()) {
        return Member::from(value);
    }
    match serde_json::from_str(value.get()) {
        Ok(LossyText(text)) => Member::Text(text.into()),
        Err(_) => Member::Unreadable,
    }
}

fn mended(json: &[u8]) -> Zeroizing<String> {
    let text = String::from_utf8_lossy(json);
    let mut rest = text.trim_start_matches('\u{feff}');
    let mut mended = Zeroizing::new(String::with_capacity(text.len() * 3));
    let (mut in_text, mut escaped) = (false, false);
    while let Some(next) = rest.chars().next() {
        if let Some(behind) = NO_NUMBERS.iter().find_map(|word| rest.strip_prefix(word)).filter(|_| !in_text) {
            mended.push_str("null");
            rest = behind;
            continue;
        }
        mended.push(if in_text && next < ' ' { REPLACEMENT } else { next });
        (in_text, escaped) = match next {
            '"' if !escaped => (!in_text, false),
            '\\' => (in_text, in_text && !escaped),
            _ => (in_text, false),
        };
        rest = rest.get(next.len_utf8()..).unwrap_or_default();
    }
    mended
}

/// A text in which half a surrogate pair is replaced: serde_json refuses it as a text, and hands it over as bytes.
struct LossyText(String);

impl<'de> Deserialize<'de> for LossyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = LossyText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<LossyText, E> {
                Ok(LossyText(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_cannot_be_read_costs_no_other() {
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        let odd: [(&[u8], Option<&str>); 9] = [
            (b"1e400", None),
            (b"-1e400", None),
            (deep.as_bytes(), None),
            (br#"["\ud800"]"#, None),
            (br#""\ud800x""#, Some("\u{fffd}\u{fffd}\u{fffd}x")),
            (b"\"Zo\xeb\"", Some("Zo\u{fffd}")),
            (b"\"a\nb\\\"\"", Some("a\u{fffd}b\"")),
            (br#""\\""#, Some("\\")),
            (b"NaN", None),
        ];
        for (value, text) in odd {
            let json = [b"\xef\xbb\xbf{\"\\udc00\":".as_slice(), value, b",\"access_token\":\"A\"}"].concat();
            let mut members = Vec::new();
            assert_eq!(each(&json, |name, member| members.push((name, member))), Some(()), "{value:?}");
            let [(_, Member::Text(odd)), (name, Member::Text(token))] = members.as_slice() else {
                assert!(text.is_none() && members.len() == 2, "{value:?}");
                continue;
            };
            assert_eq!((Some(odd.as_ref()), name.as_str(), token.as_ref()), (text, "access_token", "A"));
        }
        for json in [b"".as_slice(), b"[]", b"{", b"{\"a\":1", b"<html>", b"{} {}"] {
            assert_eq!(each(json, |_, _| ()), None);
        }
    }
}
