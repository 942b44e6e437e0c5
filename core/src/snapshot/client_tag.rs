//! Whose sessions these are: a name for client and server that a store can search by.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Of the hash, as hexadecimal digits: short enough for an index, and of a service's few clients no two are alike.
const BYTES: usize = 8;

/// The name under which a store files the sessions of a client: 16 hexadecimal digits, the beginning of SHA-256 over client id and
/// token endpoint. No secret is in it. `None` where the bytes are encrypted, or no snapshot.
pub fn client_tag(snapshot: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Client<'a> {
        #[serde(borrow)]
        client_id: Cow<'a, str>,
        #[serde(borrow)]
        token_endpoint: Cow<'a, str>,
    }
    let read: Client<'_> = serde_json::from_str(snapshot).ok()?;
    Some(tag(&read.client_id, &read.token_endpoint))
}

pub(crate) fn tag(client_id: &str, token_endpoint: &str) -> String {
    // A URL has no line break in it: where the id ends is clear.
    let hash = Sha256::new().chain_update(client_id).chain_update("\n").chain_update(token_endpoint).finalize();
    hash.iter().take(BYTES).fold(String::with_capacity(2 * BYTES), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_every_version() {
        // `printf 'C1\nhttps://h/token' | sha256sum`: other languages and databases compute the same.
        assert_eq!(tag("C1", "https://h/token"), "5e08321fa971f8f6");
        let snapshot = r#"{"webex_oauth":2,"client_id":"C1","token_endpoint":"https://h/token","more":{"x":[1]}}"#;
        assert_eq!(client_tag(snapshot).as_deref(), Some("5e08321fa971f8f6"));
    }

    #[test]
    fn another_id_or_server_is_another_client() {
        let one = tag("C1", "https://h/token");
        for (client_id, token_endpoint) in
            [("C2", "https://h/token"), ("C1", "https://h/tokens"), ("", "C1\nhttps://h/token")]
        {
            assert_ne!(tag(client_id, token_endpoint), one);
        }
    }

    #[test]
    fn what_is_no_snapshot_has_none() {
        for text in ["", "{}", "[]", r#"{"client_id":"C1"}"#, "eyJhbGciOiJkaXIifQ..a.b.c"] {
            assert_eq!(client_tag(text), None, "{text}");
        }
    }
}
