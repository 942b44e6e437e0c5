//! What is handed to a store to keep.

use std::time::Duration;

use webex_oauth::{
    RestoreError, SealedHeader, Secret, Timestamp, snapshot_client_tag, snapshot_kept_for, snapshot_revision,
};

use super::{Saved, StoreError};

/// A snapshot to be stored, with what a store may want to know of it: it does not look into the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Put {
    /// What is stored.
    pub snapshot: Secret,
    /// Its revision, of up to 48 bits.
    pub revision: u64,
    /// What it takes the place of.
    pub replaces: Replaces,
    /// When somebody should open this session next, to renew it ahead of its end. For a store that is searched for what is
    /// due; `None`: there is nothing to be done.
    pub due_at: Option<Timestamp>,
    /// The key under which the snapshot is encrypted, where whoever has encrypted it says so: [`Put::sealed_with`].
    pub key_id: Option<String>,
    /// The client whose session it is, where whoever has encrypted it says so: [`Put::client_tag`].
    pub client: Option<String>,
    /// How long after this save the store may delete it, where whoever has encrypted it says so: [`Put::may_go_after`].
    pub kept_for: Option<Duration>,
}

impl Put {
    /// Nothing is due.
    pub fn new(snapshot: Secret, revision: u64, replaces: Replaces) -> Self {
        Self { snapshot, revision, replaces, due_at: None, key_id: None, client: None, kept_for: None }
    }

    /// As a job has it.
    pub(crate) fn of_job(snapshot: &Secret, revision: u64, replaces: u64, due_at: Option<Timestamp>) -> Self {
        Self { due_at, ..Self::new(snapshot.clone(), revision, replaces.into()) }
    }

    /// The same, with the revision that stands in the snapshot.
    ///
    /// # Errors
    ///
    /// [`RestoreError::Unreadable`] where there is none.
    pub fn of(snapshot: Secret, replaces: Replaces) -> Result<Self, RestoreError> {
        let revision = snapshot_revision(snapshot.expose())?;
        Ok(Self::new(snapshot, revision, replaces))
    }

    /// The key under which the snapshot is encrypted; `None` where it is not.
    pub fn sealed_with(&self) -> Option<String> {
        self.key_id.clone().or_else(|| key_of(&self.snapshot))
    }

    /// The client whose session it is, as [`snapshot_client_tag`] names it; `None` where the snapshot does not say it. For a store
    /// that is searched for what is due.
    pub fn client_tag(&self) -> Option<String> {
        self.client.clone().or_else(|| snapshot_client_tag(self.snapshot.expose()))
    }

    /// How long after this save, by its own clock, the store may delete it, as [`snapshot_kept_for`] says; `None`: it stays, as
    /// somebody is signed in.
    pub fn may_go_after(&self) -> Option<Duration> {
        self.kept_for.or_else(|| snapshot_kept_for(self.snapshot.expose()))
    }

    /// What became of this save where the store holds something else than is to be replaced. What is encrypted is nothing that
    /// a session without a key could take in, nor may it take its place.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sealed`] where the store holds something encrypted and this is not: whoever saves has no key.
    pub fn conflict(&self, found: Option<Secret>) -> Result<Saved, StoreError> {
        match found.as_ref().and_then(key_of) {
            Some(key_id) if self.sealed_with().is_none() => {
                Err(StoreError::Sealed { key_id, why: "no key was given".to_owned() })
            }
            Some(_) | None => Ok(Saved::Conflict { found }),
        }
    }
}

fn key_of(snapshot: &Secret) -> Option<String> {
    SealedHeader::read(snapshot.expose()).map(|header| header.key_id)
}

/// What a save takes the place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store has to know every one")]
pub enum Replaces {
    /// The store is empty.
    Nothing,
    /// The store holds this revision.
    Revision(u64),
}

/// As jobs say it: 0 is nothing.
impl From<u64> for Replaces {
    fn from(revision: u64) -> Self {
        if revision == 0 { Self::Nothing } else { Self::Revision(revision) }
    }
}

/// Whether a save may go on where the store holds `found`; otherwise what became of it.
///
/// # Errors
///
/// What `damaged` makes, where what the store holds has no revision that can be read; and as [`Put::conflict`]. Then the
/// store changes nothing.
pub fn conflict(
    found: Option<Secret>,
    put: &Put,
    damaged: impl FnOnce() -> StoreError,
) -> Result<Option<Saved>, StoreError> {
    let holds = match &found {
        None => Replaces::Nothing,
        Some(found) => Replaces::Revision(snapshot_revision(found.expose()).map_err(|_| damaged())?),
    };
    let conflict = put.conflict(found)?;
    Ok((holds != put.replaces).then_some(conflict))
}

/// Whether a store holds just this revision. What cannot be read has none.
pub fn has_revision(found: Option<&Secret>, revision: u64) -> bool {
    found.is_some_and(|found| snapshot_revision(found.expose()) == Ok(revision))
}
