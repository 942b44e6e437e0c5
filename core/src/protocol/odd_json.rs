//! JSON as it should not be, read as far as it goes: what one member got wrong must not cost the others.
//!
//! A byte order mark, bytes of another encoding, control characters and escapes that none are in a text, commas too many,
//! `NaN`, `None` and `True` are mended. A number that no type holds, half a surrogate pair, a nesting without end, a value
//! that none is or that is missing spoil their own member alone.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::protocol::members::{Member, each_member};

/// Stands in a text for what could not be read. No token has it.
pub(crate) const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// Stands for a value that none is: a number that no type holds.
const UNREADABLE: &str = "1e999";

/// What Python, JavaScript and others write for values that JSON writes otherwise, or has no word for.
const WORDS: [(&str, &str); 9] = [
    ("NaN", "null"),
    ("Infinity", "null"),
    ("-Infinity", "null"),
    ("undefined", "null"),
    ("None", "null"),
    ("nil", "null"),
    ("null", "null"),
    ("true", "true"),
    ("false", "false"),
];

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
    // The last character outside of texts that was no space.
    let mut last = ' ';
    while let Some(next) = rest.chars().next() {
        let end = match next {
            '"' => end_of_text(rest),
            ',' | '}' | ']' | '{' | '[' | ':' => 1,
            next if next.is_whitespace() => next.len_utf8(),
            _ => rest.find([',', '}', ']']).unwrap_or(rest.len()),
        };
        let (taken, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        match next {
            '"' => push_text(&mut mended, taken),
            ',' | '}' | ']' if last == ':' => {
                mended.push_str(UNREADABLE);
                mended.push_str(taken);
            }
            ',' | '}' | ']' if last == ',' => {
                let before = mended.trim_end().len().saturating_sub(1);
                mended.truncate(before);
                mended.push_str(taken);
            }
            ',' | '}' | ']' | '{' | '[' | ':' => mended.push_str(taken),
            next if next.is_whitespace() => mended.push(' '),
            _ => mended.push_str(value_of(taken.trim_end())),
        }
        if !next.is_whitespace() {
            last = next;
        }
        rest = behind;
    }
    mended
}

/// Behind the quote that ends the text with which `rest` begins.
fn end_of_text(rest: &str) -> usize {
    let mut is_escaped = false;
    let end = rest.char_indices().skip(1).find(|&(_, next)| {
        let ends = next == '"' && !is_escaped;
        is_escaped = next == '\\' && !is_escaped;
        ends
    });
    end.map_or(rest.len(), |(at, _)| at + 1)
}

/// A text with its quotes; what may not stand in one is replaced.
fn push_text(mended: &mut String, text: &str) {
    let mut rest = text.chars();
    while let Some(next) = rest.next() {
        match next {
            '\\' if !is_escape(rest.as_str()) => mended.push(REPLACEMENT),
            '\\' => {
                mended.push(next);
                mended.extend(rest.next());
            }
            next if next < ' ' => mended.push(REPLACEMENT),
            next => mended.push(next),
        }
    }
}

/// Whether a backslash before it makes an escape (RFC 8259 section 7).
fn is_escape(rest: &str) -> bool {
    match rest.strip_prefix('u') {
        Some(digits) => digits.get(..4).is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit())),
        None => rest.starts_with(['"', '\\', '/', 'b', 'f', 'n', 'r', 't']),
    }
}

/// What a value is that is neither a text nor a list nor an object.
fn value_of(word: &str) -> &str {
    if serde_json::from_str::<&RawValue>(word).is_ok() {
        return word;
    }
    let known = WORDS.iter().find(|(own, _)| own.eq_ignore_ascii_case(word));
    known.map_or(UNREADABLE, |(_, value)| *value)
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
        let odd: [(&[u8], Option<&str>); 26] = [
            (b"1e400", None),
            (b"-1e400", None),
            (deep.as_bytes(), None),
            (br#"["\ud800"]"#, None),
            (br#""\ud800x""#, Some("\u{fffd}\u{fffd}\u{fffd}x")),
            (b"\"Zo\xeb\"", Some("Zo\u{fffd}")),
            (b"\"a\nb\\\"\"", Some("a\u{fffd}b\"")),
            (br#""\\""#, Some("\\")),
            (b"NaN", None),
            (b"None", None),
            (b"-", None),
            (b"01", None),
            (b"+1", None),
            (b".5", None),
            (b"1.", None),
            (b"0x10", None),
            (b"not a value", None),
            (b"12:30:00", None),
            (b"<b>", None),
            (b"\xff", None),
            (b"", None),
            (b" ", None),
            (b"[-,01,nil,]", None),
            (b"{\"a\":,}", None),
            (b"null,", None),
            (br#""\x41\u12""#, Some("\u{fffd}x41\u{fffd}u12")),
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
        let words = [("True", Some(true)), ("false", Some(false)), ("TRUE", Some(true)), ("None", None)];
        for (word, expected) in words {
            let json = format!("{{\"a\":{word} ,}}");
            let mut flag = Some(false);
            each(json.as_bytes(), |_, member| flag = member.into_value().as_bool());
            assert_eq!(flag, expected, "{word}");
        }
        for json in [b"".as_slice(), b"[]", b"{", b"{\"a\":1", b"<html>", b"{} {}", b"{a:1}", b"{\"a\"}", b"{\"a\":\"}"]
        {
            assert_eq!(each(json, |_, _| ()), None);
        }
    }
}
