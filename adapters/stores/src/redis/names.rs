//! How things are called there. What a script touches is in one shard, whose number is the hash tag: it is on one node of a
//! cluster.

use crate::Key;

pub(super) const SCHEMA: &str = "webex_oauth:schema";

/// The shard of a key.
pub(super) fn shard(key: &Key) -> u8 {
    key.hash()[0]
}

/// What is in front of the names of the records of a shard.
pub(super) fn prefix(shard: u8) -> String {
    format!("webex_oauth:{{{shard:02x}}}:session:")
}

/// A record: a hash.
pub(super) fn record(key: &Key) -> String {
    prefix(shard(key)) + &member(key)
}

/// What is due in a shard: a sorted set of members, by Unix milliseconds.
pub(super) fn due(shard: u8) -> String {
    format!("webex_oauth:{{{shard:02x}}}:due")
}

/// A key as a text: the length of the tenant says where it ends.
pub(super) fn member(key: &Key) -> String {
    format!("{}:{}{}", key.tenant().len(), key.tenant(), key.user())
}

pub(super) fn key_of(member: &str) -> Option<Key> {
    let (length, names) = member.split_once(':')?;
    let (tenant, user) = names.split_at_checked(length.parse().ok()?)?;
    Key::new(tenant, user).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_read_again_and_stands_for_one_key() {
        for (tenant, user) in [("acme", "u1"), ("", ""), ("a:b", "{1}:c"), ("ü", "ü"), ("acm", "eu1")] {
            let key = Key::new(tenant, user).unwrap();
            assert_eq!(key_of(&member(&key)), Some(key.clone()));
            assert!(record(&key).starts_with(&prefix(shard(&key))));
        }
        for nonsense in ["", "x:acme", "9:acme", "1:ü", "acme"] {
            assert_eq!(key_of(nonsense), None, "{nonsense}");
        }
    }
}
