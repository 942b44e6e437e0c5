//! Scope as a set (RFC 6749 section 3.3).

use std::fmt;
use std::sync::Arc;

use crate::protocol::bytes::all_bytes;

/// A set of scope tokens, kept sorted by code point, without duplicates, separated by one space.
///
/// `b  a b` and `a b` are the same scope. Cheap to clone.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(Option<Arc<str>>);

impl Scope {
    /// Reads a list separated by white space.
    pub fn parse(text: &str) -> Self {
        let tokens: Vec<&str> = text.split_ascii_whitespace().collect();
        if is_canonical(text, &tokens) {
            // The empty scope takes no memory.
            return Self((!text.is_empty()).then(|| text.into()));
        }
        Self::from_tokens(tokens)
    }

    /// The set of the given tokens.
    pub fn from_tokens<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Self {
        let mut tokens: Vec<&str> = tokens.into_iter().filter(|token| !token.is_empty()).collect();
        tokens.sort_unstable();
        tokens.dedup();
        Self((!tokens.is_empty()).then(|| tokens.join(" ").into()))
    }

    /// The canonical text: sorted, one space between tokens.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// True where there is no token at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The tokens in order.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.as_str().split(' ').filter(|token| !token.is_empty())
    }

    /// True where `token` is in the set.
    pub fn contains(&self, token: &str) -> bool {
        self.tokens().any(|own| own == token)
    }

    /// True where every token of `self` is in `other`.
    pub fn is_subset_of(&self, other: &Self) -> bool {
        self.tokens().all(|token| other.contains(token))
    }

    /// What is in `self` and not in `other`.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        Self::from_tokens(self.tokens().filter(|token| !other.contains(token)))
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self::from_tokens(self.tokens().filter(|token| other.contains(token)))
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::from_tokens(self.tokens().chain(other.tokens()))
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({:?})", self.as_str())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<&str> for Scope {
    fn from(text: &str) -> Self {
        Self::parse(text)
    }
}

/// How the granted scope differs from the requested one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeDelta {
    /// What the tokens may do.
    pub granted: Scope,
    /// Asked for and not granted.
    pub missing: Scope,
    /// Granted without being asked for.
    pub extra: Scope,
}

impl ScopeDelta {
    /// Compares what was asked for with what was granted.
    pub fn between(requested: &Scope, granted: &Scope) -> Self {
        if requested == granted {
            return Self { granted: granted.clone(), ..Self::default() };
        }
        Self { granted: granted.clone(), missing: requested.minus(granted), extra: granted.minus(requested) }
    }

    /// True where the server granted just what was asked for.
    pub fn is_none(&self) -> bool {
        self.missing.is_empty() && self.extra.is_empty()
    }
}

/// Sorted, unique, single spaces: then the text can be kept as it is.
fn is_canonical(text: &str, tokens: &[&str]) -> bool {
    let len: usize = tokens.iter().map(|token| token.len()).sum();
    // Between the tokens there is one character each, and none of these is another one than the space.
    (len + tokens.len()).saturating_sub(1) == text.len()
        && tokens.is_sorted_by(|token, next| token < next)
        && all_bytes(text, |byte| byte >= b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_normalised_to_a_sorted_set() {
        assert_eq!(Scope::parse("b  a b\ta ").as_str(), "a b");
        assert_eq!(Scope::parse("a B").as_str(), "B a");
        assert_eq!(Scope::parse("").as_str(), "");
        for (text, scope) in [("a a", "a"), ("a\tb", "a b"), (" a", "a"), ("a ", "a"), ("a b", "a b"), ("\t", "")] {
            assert_eq!(Scope::parse(text).as_str(), scope, "{text:?}");
        }
        assert_eq!(format!("{0} {0:?}", Scope::parse("b a")), "a b Scope(\"a b\")");
    }

    #[test]
    fn the_delta_names_what_is_missing_and_what_is_extra() {
        let delta = ScopeDelta::between(&"a b".into(), &"b c".into());
        assert_eq!((delta.missing.as_str(), delta.extra.as_str()), ("a", "c"));
        assert!(ScopeDelta::between(&"a b".into(), &"b a".into()).is_none());
        assert!(!ScopeDelta::between(&"a b".into(), &"a".into()).is_none());
        assert!(!ScopeDelta::between(&"a".into(), &"a b".into()).is_none());
    }
}
