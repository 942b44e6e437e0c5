//! Scope as a set (RFC 6749 section 3.3).

use std::fmt;
use std::sync::Arc;

/// A set of scope tokens, kept sorted by code point, without duplicates, separated by one space.
///
/// `b  a b` and `a b` are the same scope. Cheap to clone.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(Option<Arc<str>>);

impl Scope {
    /// Reads a list separated by white space.
    pub fn parse(text: &str) -> Self {
        Self::parse_as(text, None)
    }

    /// The same, where it is nearly always this scope, if in an order of its own: then its memory is shared.
    pub(crate) fn parse_as(text: &str, likely: Option<&Self>) -> Self {
        Self::of_set(text.split_ascii_whitespace(), likely)
    }

    /// The set of the given tokens.
    pub fn from_tokens<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Self {
        Self::of_set(tokens.into_iter().filter(|token| !token.is_empty()), None)
    }

    fn of_set<'a>(mut tokens: impl Iterator<Item = &'a str>, likely: Option<&Self>) -> Self {
        // Few tokens are sorted where they take no memory.
        let (mut few, mut many, mut len) = ([""; 8], Vec::new(), 0);
        for (place, token) in few.iter_mut().zip(&mut tokens) {
            *place = token;
            len += 1;
        }
        let sorted = match tokens.next() {
            None => few.get_mut(..len).unwrap_or_default(),
            Some(next) => {
                many.extend(few.into_iter().chain([next]).chain(tokens));
                many.as_mut_slice()
            }
        };
        sorted.sort_unstable();
        if let Some(likely) = likely.filter(|likely| is_list(likely.as_str(), sorted)) {
            return likely.clone();
        }
        let len = sorted.iter().map(|token| token.len() + 1).sum();
        let mut text = String::with_capacity(len);
        for (token, before) in sorted.iter().zip([""].iter().chain(sorted.iter())) {
            if token != before {
                text.push_str(if text.is_empty() { "" } else { " " });
                text.push_str(token);
            }
        }
        // The empty scope takes no memory.
        Self((!text.is_empty()).then(|| text.into()))
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

/// Whether `text` is these tokens, one space between them.
fn is_list<'a>(text: &'a str, tokens: &[&str]) -> bool {
    let len: usize = tokens.iter().map(|token| token.len() + 1).sum();
    let behind = |rest: &'a str, token: &&str| rest.strip_prefix(' ').unwrap_or(rest).strip_prefix(token);
    // As long as with a space between each two, and there is no room for another one.
    len == text.len() + 1 && tokens.iter().try_fold(text, behind) == Some("")
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
        let many: Vec<String> = (0..40).map(|n| format!("t{:02}", n * 7 % 20)).collect();
        let sorted: Vec<String> = (0..20).map(|n| format!("t{n:02}")).collect();
        assert_eq!(Scope::parse(&many.join(" ")).as_str(), sorted.join(" "));
        assert_eq!(format!("{0} {0:?}", Scope::parse("b a")), "a b Scope(\"a b\")");
    }

    #[test]
    fn a_likely_scope_is_shared_and_makes_no_difference_otherwise() {
        let likely = Scope::parse("a b c");
        assert!(std::ptr::eq(Scope::parse_as("c  a b", Some(&likely)).as_str(), likely.as_str()));
        for text in ["a b", "a b c d", "a b c c", "a a b", "", "abc", "c b a"] {
            assert_eq!(Scope::parse_as(text, Some(&likely)), Scope::parse(text), "{text:?}");
        }
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
