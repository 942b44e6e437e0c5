//! What is handed to a store to keep.

use webex_oauth::{RestoreError, Secret, Timestamp, snapshot_revision};

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
    /// The key under which the snapshot is encrypted; `None` where it is not.
    pub key_id: Option<String>,
}

impl Put {
    /// Nothing is due.
    pub fn new(snapshot: Secret, revision: u64, replaces: Replaces) -> Self {
        Self { snapshot, revision, replaces, due_at: None, key_id: None }
    }

    /// As a job has it.
    pub(crate) fn of_job(snapshot: &Secret, revision: u64, replaces: u64, due_at: Option<Timestamp>) -> Self {
        Self { due_at, ..Self::new(snapshot.clone(), revision, replaces.into()) }
    }

    /// The same, with the revision that stands in the snapshot. Fails where that is none.
    pub fn of(snapshot: Secret, replaces: Replaces) -> Result<Self, RestoreError> {
        let revision = snapshot_revision(snapshot.expose())?;
        Ok(Self::new(snapshot, revision, replaces))
    }
}

/// What a save takes the place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// Whether a save may go on where the store holds `found`; otherwise what became of it. `damaged` where nobody can tell.
pub fn conflict(
    found: Option<Secret>,
    replaces: Replaces,
    damaged: impl FnOnce() -> StoreError,
) -> Result<Option<Saved>, StoreError> {
    let holds = match &found {
        None => Replaces::Nothing,
        Some(found) => Replaces::Revision(snapshot_revision(found.expose()).map_err(|_| damaged())?),
    };
    Ok((holds != replaces).then_some(Saved::Conflict { found }))
}
