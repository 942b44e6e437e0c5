//! Scopes are sets of words (RFC 6749, 3.3).

use std::collections::BTreeSet;

use crate::residents::Client;

pub(crate) fn words(scope: &str) -> BTreeSet<&str> {
    scope.split_ascii_whitespace().collect()
}

pub(crate) fn is_within(asked: &str, granted: &str) -> bool {
    words(asked).is_subset(&words(granted))
}

/// Whether the client may ask for it.
pub(crate) fn allowed(asked: &str, client: &Client) -> bool {
    client.scopes.is_empty() || is_within(asked, &client.scopes.join(" "))
}
