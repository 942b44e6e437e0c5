//! The words of others, made fit for a log, a terminal and a page.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use url::Url;
use zeroize::Zeroizing;

use crate::protocol::form::{form_encode, percent_encode};
use crate::secret::Secret;

/// No text is longer.
const LIMIT: usize = 300;

/// What somebody else wrote, as it may be shown: of a server, an API, a user's profile. Without characters that steer a
/// terminal or turn the direction of the text, without `secrets` and whatever looks like one, and 300 characters at most.
pub fn clean_text(text: &str, secrets: &[Secret]) -> String {
    let secrets: Vec<&str> = secrets.iter().map(Secret::expose).collect();
    clean(text, &secrets)
}

/// A tracking id as it may be shown; what has not the form of one is cleaned as any text is.
pub fn clean_tracking_text(text: &str, secrets: &[Secret]) -> String {
    let secrets: Vec<&str> = secrets.iter().map(Secret::expose).collect();
    clean_tracking_id(text, &secrets)
}

/// An address as it may be shown, put into a QR code or opened: http or https, and nothing else. In normal form where the
/// text holds what cannot be seen.
pub fn shown_url(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    Some(if text.chars().any(is_unseen) { url.to_string() } else { text.to_owned() })
}

/// The text without what cannot be seen: what others wrote and people copy, an id or a code, whole otherwise.
pub fn seen(text: &str) -> String {
    text.chars().filter(|&c| !is_unseen(c)).collect()
}

/// Control characters, and those of Unicode's category Cf: they have no width, join, hide or turn what is around them.
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x890..=0x891 | 0x8e2 | 0x180e | 0x200b..=0x200f
            | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xfff9..=0xfffb | 0x110bd | 0x110cd | 0x13430..=0x1343f
            | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe007f)
}

/// Nothing unseen, not long, and nothing that is, or looks like, a secret. A secret may be quoted in any form in which it
/// was sent.
pub(crate) fn clean(text: &str, secrets: &[&str]) -> String {
    let text = without(seen(text), secrets);
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-._~+/=%".contains(c);
    let mut cleaned = String::with_capacity(LIMIT);
    let mut rest = text.as_str();
    while let Some(start) = rest.find(is_word).filter(|_| cleaned.len() <= 4 * LIMIT) {
        let (before, tail) = rest.split_at(start);
        let end = tail.find(|c| !is_word(c)).unwrap_or(tail.len());
        let (word, after) = tail.split_at(end);
        cleaned.push_str(before);
        cleaned.push_str(if looks_random(word) { "…" } else { word });
        rest = after;
    }
    cleaned.push_str(rest);
    match cleaned.char_indices().nth(LIMIT) {
        Some((end, _)) => cleaned.get(..end).unwrap_or_default().to_owned() + "…",
        None => cleaned,
    }
}

/// What people quote to a provider's support: it may look random. Anything but a tracking id is cleaned as any text is.
pub(crate) fn clean_tracking_id(text: &str, secrets: &[&str]) -> String {
    if is_tracking_id(text) { without(text.to_owned(), secrets) } else { clean(text, secrets) }
}

/// `ROUTER_` and a UUID, or the like.
pub(crate) fn is_tracking_id(text: &str) -> bool {
    let is_count_or_name =
        |part: &str| part.len() <= 12 && part.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    text.len() <= 128 && text.split('_').all(|part| is_uuid(part) || is_count_or_name(part))
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// The text without the secrets, in whatever form they are in it.
pub(crate) fn without(mut text: String, secrets: &[&str]) -> String {
    let mut forms: Vec<_> =
        secrets.iter().filter(|secret| !secret.is_empty()).flat_map(|secret| forms(secret)).collect();
    // The longest first, so that no part of it is left.
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    for form in forms {
        if text.contains(form.as_str()) {
            text = text.replace(form.as_str(), "…");
        }
    }
    text
}

/// A secret as it is, percent-encoded, form-encoded, and in base64 at each of the three places where it may start.
fn forms(secret: &str) -> Vec<Zeroizing<String>> {
    let mut percent = String::new();
    percent_encode(&mut percent, secret);
    let mut forms = vec![Zeroizing::new(secret.to_owned()), Zeroizing::new(percent), form_encode(secret)];
    for before in 0..3 {
        let bytes = Zeroizing::new([&[0; 2][..before], secret.as_bytes()].concat());
        // The characters that no neighbour has a part in.
        let (first, last) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let encoded = Zeroizing::new(engine.encode(&*bytes));
            let its_own = encoded.get(first..last).filter(|form| form.len() > 3);
            forms.extend(its_own.map(|form| Zeroizing::new(form.to_owned())));
        }
    }
    forms
}

/// Tokens, codes and verifiers are long and mix digits with letters; words and identifiers of errors do not.
fn looks_random(word: &str) -> bool {
    word.len() >= 24
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && word.bytes().any(|byte| byte.is_ascii_alphabetic())
        && !word.contains("://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_lose_secrets_and_whatever_looks_like_one() {
        let text = "token NWYxMzk0ZjctZjA0Ni00YjI3 of s3cret\u{7} is invalid_grant";
        assert_eq!(clean(text, &["s3cret"]), "token … of … is invalid_grant");
    }

    #[test]
    fn what_turns_hides_or_steers_is_left_out() {
        let text =
            "safe\u{202e}txt.exe\u{202c} \u{2066}a\u{2069}\u{200b}b\u{feff} \u{1b}[2J\u{9b}1m \u{e0041}\u{ad}end";
        assert_eq!(clean_text(text, &[]), "safetxt.exe ab [2J1m end");
        assert_eq!(clean_text("Zoë 山田 مرحبا", &[]), "Zoë 山田 مرحبا");
    }

    #[test]
    fn a_tracking_id_that_is_the_token_is_not_shown() {
        assert_eq!(clean_tracking_text("NA_1", &["NA_1".into()]), "…");
        assert_eq!(clean_tracking_text("NA_\u{202e}1", &[]), "NA_1");
    }

    #[test]
    fn only_addresses_of_the_web_are_shown() {
        assert_eq!(shown_url("https://as.example/device?c=1").as_deref(), Some("https://as.example/device?c=1"));
        assert_eq!(shown_url("https://as.example/\u{202e}x").as_deref(), Some("https://as.example/%E2%80%AEx"));
        for text in ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "app://x", "as.example", ""] {
            assert_eq!(shown_url(text), None, "{text}");
        }
    }

    #[test]
    fn encoded_secrets_are_lost_as_well() {
        for text in ["cm9zZS9sZWFm", "eHJvc2UvbGVhZg", "eHlyb3NlL2xlYWY", "rose%2Fleaf", "rose/leaf"] {
            assert!(clean(&format!("<{text}>"), &["rose/leaf"]).chars().count() < 8, "{text}");
        }
    }

    #[test]
    fn a_cut_leaves_no_part_of_a_secret() {
        let text = "s3cret ".repeat(500);
        assert!(!clean(&text, &["s3cret"]).contains("s3"));
    }

    #[test]
    fn a_secret_within_another_does_not_save_the_other() {
        assert_eq!(clean("of rose-leaf", &["e", "rose-leaf"]), "of …");
    }

    #[test]
    fn words_are_looked_at_as_far_as_people_read() {
        let text = "\u{e9}".repeat(170) + " x NWYxMzk0ZjctZjA0Ni00YjI3 end";
        assert!(clean(&text, &[]).ends_with("\u{e9} x … end"), "{}", clean(&text, &[]));
    }

    #[test]
    fn tracking_ids_have_a_shape() {
        for id in ["NA_0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f", "ROUTER_1234ABCDEF", "NA_1"] {
            assert_eq!(clean_tracking_id(id, &[]), id);
        }
        for id in [
            "ABCDEFGHIJKLMNOPQRSTUVWXY1",
            "abcdefghijklmnopqrstuvwxy1",
            "zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzz1",
            "0a1b2c3d0a1b0a1b0a1b0a1b2c3d4e5f",
        ] {
            assert_eq!(clean_tracking_id(id, &[]), "…");
        }
    }

    #[test]
    fn of_an_encoded_secret_nothing_is_left_but_what_its_neighbours_have_a_part_in() {
        let secret = "rose/leaf?42";
        for before in 0..3 {
            for after in 0..3 {
                let text = "x".repeat(before) + secret + &"y".repeat(after);
                let encoded = STANDARD_NO_PAD.encode(&text);
                let (first, last) = ([0, 2, 3][before], (before + secret.len()) * 4 / 3);
                let expected = format!("{}…{}", &encoded[..first], &encoded[last..]);
                assert_eq!(without(encoded, &[secret]), expected, "{before} {after}");
            }
        }
    }

    #[test]
    fn what_three_characters_say_is_no_secret() {
        assert_eq!(without("FiYw and YWJj".to_owned(), &["abc"]), "FiYw and …");
        assert_eq!(without("abc".to_owned(), &["abc"]), "…");
    }
}
