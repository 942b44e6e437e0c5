//! What a store has of a session.

use super::Session;
use crate::action::sign_out;
use crate::schedule;
use crate::secret::Secret;
use crate::snapshot;
use crate::time::Timestamp;

impl Session {
    /// The bytes that the last `Persist` stored, with what has changed since: for a store that failed, to try again.
    pub fn snapshot(&self) -> Secret {
        snapshot::write(&self.config, &self.state)
    }

    /// The revision of the last `Persist` or `reload`.
    pub fn revision(&self) -> u64 {
        self.state.revision
    }

    /// When somebody should open this session next, to renew it ahead of its end; after an attempt that failed, when the next one is
    /// due. `None` where there is nothing to be done. For a store that is searched for what is due.
    pub fn due_at(&self) -> Option<Timestamp> {
        schedule::due_at(&self.config, &self.state)
    }

    /// What the store is to hold under the key that this session leaves, in place of it: nobody is signed in there any longer, and
    /// the next login under that key finds room. `None` where nobody is signed in.
    ///
    /// It is stored under the old key first, in exchange for the [revision](Self::revision) that this session had before the call.
    /// Of all who want to take the session elsewhere one succeeds in that, and stores it under its new key, with the revision that
    /// it has now: higher than any under the old key, to which it may return. Not while it [is being
    /// renewed](Self::is_being_renewed).
    pub(crate) fn left_behind(&mut self) -> Option<Secret> {
        let left = sign_out::left_behind(&self.state)?;
        self.state.revision = left.revision;
        self.state.count_revision();
        Some(snapshot::write(&self.config, &left))
    }

    /// Whether somebody has said in the store that this session's tokens are about to be renewed. What comes of that goes to the
    /// key under which it was begun. Of a session that is due it is an attempt whose end nobody has stored: its process is no more.
    pub fn is_being_renewed(&self) -> bool {
        self.lease().is_some()
    }
}
