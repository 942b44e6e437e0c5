//! How things are called there. What a script touches is in one shard, whose number is the hash tag: it is on one node of a
//! cluster.

use webex_oauth::Timestamp;

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
    prefix(shard(key)) + &key.to_text()
}

/// The key of a record by its name.
pub(super) fn key_of(record: &str) -> Option<Key> {
    let (_, rest) = record.strip_prefix("webex_oauth:{")?.split_once("}:session:")?;
    Key::of_text(rest)
}

/// All records, as a pattern.
pub(super) const ALL: &str = "webex_oauth:{??}:session:*";

/// What is in front of the names of what is due in a shard.
pub(super) fn due_prefix(shard: u8) -> String {
    format!("webex_oauth:{{{shard:02x}}}:due:")
}

/// What is due of a client in a shard: a sorted set of members, by Unix milliseconds.
pub(super) fn due(shard: u8, client: &str) -> String {
    due_prefix(shard) + client
}

/// When something is due, by its score.
#[allow(clippy::cast_possible_truncation, reason = "milliseconds, which a double has to the last one")]
pub(super) fn instant(score: f64) -> Timestamp {
    Timestamp::from_millis(score as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_in_the_shard_of_its_key() {
        for (tenant, user) in [("acme", "u1"), ("", ""), ("a:b", "{1}:c"), ("ü", "ü"), ("acm", "eu1")] {
            let key = Key::new(tenant, user).unwrap();
            assert!(record(&key).starts_with(&prefix(shard(&key))));
            assert_eq!(key_of(&record(&key)), Some(key));
        }
        for nonsense in ["", "webex_oauth:schema", "webex_oauth:{00}:due:1", "webex_oauth:{00}:session:x:acme"] {
            assert_eq!(key_of(nonsense), None, "{nonsense}");
        }
    }
}
