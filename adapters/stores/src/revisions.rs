//! Revisions of a key are never reused, not even after a delete.
//!
//! The core draws the upper half of the 48 bits for each session, and counts in the lower one. So a record that follows a
//! deleted one has another upper half, or the session goes on and its revision is higher. Anything else may be a number that
//! the deleted record has had, and that somebody still has in memory.

use webex_oauth_driver::StoreError;

/// Bits that are counted.
pub(crate) const COUNT_BITS: u32 = 24;

/// Whether a record of this revision may follow a deleted one.
pub(crate) fn may_follow(revision: u64, deleted: u64) -> bool {
    revision > deleted || revision >> COUNT_BITS != deleted >> COUNT_BITS
}

pub(crate) fn reused() -> StoreError {
    StoreError::Refused { what: "this revision may have been that of the session that was deleted".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_deleted_record_cannot_have_had_follows_it() {
        let begun = |draw: u64| draw << COUNT_BITS;
        assert!(may_follow(begun(5) + 8, begun(5) + 7));
        assert!(!may_follow(begun(5) + 7, begun(5) + 7));
        assert!(!may_follow(begun(5) + 1, begun(5) + 7));
        assert!(may_follow(begun(4) + 1, begun(5) + 7));
        assert!(may_follow(begun(6) + 1, begun(5) + 7));
    }
}
