//! Whose session it is.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use webex_oauth_driver::StoreError;

/// The names of one session: tenant and user, as the host calls them. They are the caller's own: nothing is read into them. Clones
/// share them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<Names>);

#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Names {
    tenant: String,
    user: String,
}

impl Key {
    /// Bytes that each of the names may have: an index of PostgreSQL takes both.
    pub const MAX_LEN: usize = 1024;

    /// A key, of a tenant (the empty one for a host that has none) and a user.
    ///
    /// # Errors
    ///
    /// [`StoreError::Refused`] where a name is longer than [`Key::MAX_LEN`] or has a NUL in it, as not every database could
    /// keep it.
    pub fn new(tenant: impl Into<String>, user: impl Into<String>) -> Result<Self, StoreError> {
        let names = Names { tenant: tenant.into(), user: user.into() };
        let refused = |what: String| Err(StoreError::Refused { what });
        for (name, text) in [("tenant", &names.tenant), ("user", &names.user)] {
            if text.len() > Self::MAX_LEN {
                return refused(format!("the name of the {name} has more than {} bytes", Self::MAX_LEN));
            }
            if text.contains('\0') {
                return refused(format!("the name of the {name} has a NUL in it"));
            }
        }
        Ok(Self(Arc::new(names)))
    }

    /// The tenant.
    pub fn tenant(&self) -> &str {
        &self.0.tenant
    }

    /// The user.
    pub fn user(&self) -> &str {
        &self.0.user
    }

    /// As one text: the length of the tenant says where it ends.
    pub(crate) fn to_text(&self) -> String {
        format!("{}:{}{}", self.tenant().len(), self.tenant(), self.user())
    }

    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let (length, names) = text.split_once(':')?;
        let (tenant, user) = names.split_at_checked(length.parse().ok()?)?;
        Self::new(tenant, user).ok()
    }

    /// SHA-256 of both, each with its length: for logs, and to spread the keys over shards.
    pub(crate) fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for name in [self.tenant(), self.user()] {
            hash.update(u64::try_from(name.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(name);
        }
        hash.finalize().into()
    }
}

/// A hash: names may be those of people.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(")?;
        self.hash().iter().take(6).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_database_could_not_keep_is_refused_and_not_quoted() {
        for (tenant, user) in [("acme".to_owned(), "u".repeat(10_000)), ("a\0cme".to_owned(), "u1".to_owned())] {
            let error = Key::new(tenant, user).unwrap_err();
            assert!(matches!(error, StoreError::Refused { .. }));
            assert!(!error.to_string().contains("uuu") && !error.to_string().contains("cme"), "{error}");
        }
        assert!(Key::new("", "").is_ok());
        assert!(Key::new("t".repeat(1024), "ü".repeat(512)).is_ok());
    }

    #[test]
    fn a_key_is_printed_as_its_hash_and_names_do_not_run_into_one_another() {
        let key = |tenant: &str, user: &str| format!("{:?}", Key::new(tenant, user).unwrap());
        assert_eq!(key("acme", "u1").len(), "Key(0123456789ab)".len());
        assert!(!key("acme", "u1").contains("u1)"));
        assert_ne!(key("acme", "u1"), key("acmeu", "1"));
    }

    #[test]
    fn a_text_is_read_again_and_stands_for_one_key() {
        for (tenant, user) in [("acme", "u1"), ("", ""), ("a:b", "{1}:c"), ("ü", "ü"), ("acm", "eu1")] {
            let key = Key::new(tenant, user).unwrap();
            assert_eq!(Key::of_text(&key.to_text()), Some(key));
        }
        for nonsense in ["", "x:acme", "9:acme", "1:ü", "acme"] {
            assert_eq!(Key::of_text(nonsense), None, "{nonsense}");
        }
    }
}
