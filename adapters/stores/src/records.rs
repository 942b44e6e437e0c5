//! What a store is.

use std::fmt;
use std::sync::Arc;

use webex_oauth::{Secret, Timestamp};
use webex_oauth_driver::{BoxFuture, Put, Saved, StoreError};

use crate::{Key, Scan, Scanned};

/// A store of sessions, one record for each key. Its calls block.
///
/// It has no clock, takes no lock and does not look into the bytes. Whoever has the same store open, on this machine or
/// another one, sees the same records.
pub trait Records: Send + Sync + fmt::Debug {
    /// What is stored for this key, or `None`. Exactly the bytes that were saved last.
    ///
    /// # Errors
    ///
    /// Where it cannot be told what is stored: [`StoreError::Unavailable`], [`StoreError::Busy`] or [`StoreError::Denied`]
    /// where the database does not answer that, [`StoreError::Sealed`] where it is encrypted and stays closed,
    /// [`StoreError::Damaged`] where it is no text, [`StoreError::Refused`] where there are no tables yet.
    fn load(&self, key: &Key) -> Result<Option<Secret>, StoreError>;

    /// Stores durably, if the record is what [`Put::replaces`] says; otherwise changes nothing and answers what there is.
    /// Comparing and storing is one step.
    ///
    /// - `Replaces::Revision(n)` never inserts: what was deleted stays deleted.
    /// - `Replaces::Nothing` inserts, also where a record was deleted. A revision that the deleted record may have had is
    ///   refused: whoever still has it in memory would take this record for its own.
    ///
    /// # Errors
    ///
    /// - [`StoreError::Refused`] for a revision that the deleted record may have had, and for what is longer than 4 MiB.
    ///   Nothing has changed.
    /// - [`StoreError::Sealed`] where the record is encrypted and this is not. Nothing has changed.
    /// - Any other one, [`StoreError::Unavailable`] for example: it may be stored all the same. Load, and look.
    fn save(&self, key: &Key, put: &Put) -> Result<Saved, StoreError>;

    /// Deletes the record and leaves a mark in its place, for a week: whoever has the session open finds that it is over. Nothing
    /// there is a success.
    ///
    /// # Errors
    ///
    /// As [`Records::load`]. It may be deleted all the same; to do it again does no harm.
    fn delete(&self, key: &Key) -> Result<(), StoreError>;

    /// Takes those sessions of a client that have been due longest and puts them off, in one step: no two claims get the same. In
    /// any order. A session is that of the client that [`Put::client_tag`] has named when it was saved last.
    ///
    /// # Errors
    ///
    /// As [`Records::load`]. Some may be put off all the same: they are due again at [`Claim::until`]. That one session
    /// cannot be read is no error of the others ([`Claimed::snapshot`]).
    fn claim_due(&self, claim: Claim) -> Result<Vec<Claimed>, StoreError>;

    /// When that session of a client became due that nobody has claimed or saved for longest, or will be; `None`: none will be. By it is
    /// seen how late a fleet is.
    ///
    /// # Errors
    ///
    /// [`StoreError::Refused`] where the store cannot tell; otherwise as [`Records::load`].
    fn oldest_due(&self, client: &str) -> Result<Option<Timestamp>, StoreError> {
        let _ = client;
        Err(no_due_dates(self))
    }

    /// Deletes so many at most of what nobody needs any longer, for good, and answers how many there were: marks of what was deleted a
    /// week ago, and records whose time has come ([`Put::may_go_after`]). Where the database does that by itself it is 0.
    ///
    /// # Errors
    ///
    /// As [`Records::delete`].
    fn delete_expired(&self, most: u32) -> Result<u64, StoreError> {
        let _ = most;
        Ok(0)
    }

    /// All records, a batch at a time. One that is there all the while is seen at least once.
    ///
    /// # Errors
    ///
    /// [`StoreError::Refused`] where the store cannot list its records, or the cursor is another store's; otherwise as
    /// [`Records::load`].
    fn scan(&self, scan: &Scan) -> Result<Scanned, StoreError> {
        let _ = scan;
        Err(no_scans(self))
    }

    /// [`Records::save`] of the same session in other bytes, as another key seals it: when it is due stays as it is, whatever
    /// [`Put::due_at`] says.
    ///
    /// # Errors
    ///
    /// [`StoreError::Refused`] where the store cannot list its records; otherwise as [`Records::save`].
    fn rewrite(&self, key: &Key, put: &Put) -> Result<Saved, StoreError> {
        let _ = (key, put);
        Err(no_scans(self))
    }
}

fn no_due_dates(records: &(impl fmt::Debug + ?Sized)) -> StoreError {
    StoreError::Refused { what: format!("{records:?}: it does not tell what is due") }
}

fn no_scans(records: &(impl fmt::Debug + ?Sized)) -> StoreError {
    StoreError::Refused { what: format!("{records:?}: its records cannot be listed") }
}

/// [`Records`] for async programs: the same promises.
///
/// A future that is dropped may have done its work or not.
pub trait AsyncRecords: Send + Sync + fmt::Debug {
    /// See [`Records::load`].
    ///
    /// # Errors
    ///
    /// As [`Records::load`].
    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Secret>, StoreError>>;

    /// See [`Records::save`].
    ///
    /// # Errors
    ///
    /// As [`Records::save`].
    fn save<'a>(&'a self, key: &'a Key, put: &'a Put) -> BoxFuture<'a, Result<Saved, StoreError>>;

    /// See [`Records::delete`].
    ///
    /// # Errors
    ///
    /// As [`Records::delete`].
    fn delete<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<(), StoreError>>;

    /// See [`Records::claim_due`].
    ///
    /// # Errors
    ///
    /// As [`Records::claim_due`].
    fn claim_due(&self, claim: Claim) -> BoxFuture<'_, Result<Vec<Claimed>, StoreError>>;

    /// See [`Records::oldest_due`].
    ///
    /// # Errors
    ///
    /// As [`Records::oldest_due`].
    fn oldest_due<'a>(&'a self, client: &'a str) -> BoxFuture<'a, Result<Option<Timestamp>, StoreError>> {
        let _ = client;
        Box::pin(std::future::ready(Err(no_due_dates(self))))
    }

    /// See [`Records::delete_expired`].
    ///
    /// # Errors
    ///
    /// As [`Records::delete_expired`].
    fn delete_expired(&self, most: u32) -> BoxFuture<'_, Result<u64, StoreError>> {
        let _ = most;
        Box::pin(std::future::ready(Ok(0)))
    }

    /// See [`Records::scan`].
    ///
    /// # Errors
    ///
    /// As [`Records::scan`].
    fn scan<'a>(&'a self, scan: &'a Scan) -> BoxFuture<'a, Result<Scanned, StoreError>> {
        let _ = scan;
        Box::pin(std::future::ready(Err(no_scans(self))))
    }

    /// See [`Records::rewrite`].
    ///
    /// # Errors
    ///
    /// As [`Records::rewrite`].
    fn rewrite<'a>(&'a self, key: &'a Key, put: &'a Put) -> BoxFuture<'a, Result<Saved, StoreError>> {
        let _ = (key, put);
        Box::pin(std::future::ready(Err(no_scans(self))))
    }
}

/// Which sessions are claimed. The caller has the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made by whoever claims, all of it")]
pub struct Claim {
    /// Those of this client: [`webex_oauth::Config::client_tag`]. The empty name is for what was saved without one.
    pub client: String,
    /// Those that are due now.
    pub now: Timestamp,
    /// They are due again then, unless they are saved before: whoever has claimed them may crash.
    pub until: Timestamp,
    /// So many at most.
    pub most: u32,
}

impl Claim {
    /// Whoever is ahead of everybody else's time would put off what is due for all of them, and what they renew would be due far too
    /// late: on a database with a clock of its own that is refused. Who is behind does no harm.
    #[cfg(any(feature = "postgres", feature = "redis"))]
    pub(crate) fn check_clock(&self, place: &impl fmt::Debug, databases: Timestamp) -> Result<(), StoreError> {
        if databases >= self.least_clock() {
            return Ok(());
        }
        let ahead = self.now.millis_since(databases);
        let what = format!(
            "the clock of this machine is {} seconds ahead of that of {place:?}: set it right, nothing was claimed",
            ahead / 1000
        );
        Err(StoreError::Refused { what })
    }

    /// By a lease behind: a database whose clock says less is that of somebody who is too far ahead.
    #[cfg(any(feature = "postgres", feature = "redis"))]
    pub(crate) fn least_clock(&self) -> Timestamp {
        self.now.plus_millis(-self.until.millis_since(self.now))
    }
}

/// A session that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made by implementations of `Records`")]
pub struct Claimed {
    /// Whose.
    pub key: Key,
    /// What is stored, or why it cannot be read.
    pub snapshot: Result<Secret, StoreError>,
}

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "redis"))]
impl Claimed {
    /// A row that cannot be anybody's session holds up no other: where there is nothing else it is told.
    pub(crate) fn usable(rows: impl IntoIterator<Item = Result<Self, StoreError>>) -> Result<Vec<Self>, StoreError> {
        let (mut claimed, mut unusable) = (Vec::new(), None);
        for row in rows {
            match row {
                Ok(row) => claimed.push(row),
                Err(error) => unusable = Some(error),
            }
        }
        match unusable {
            Some(error) if claimed.is_empty() => Err(error),
            Some(_) | None => Ok(claimed),
        }
    }
}

impl<R: Records + ?Sized> Records for Arc<R> {
    fn load(&self, key: &Key) -> Result<Option<Secret>, StoreError> {
        (**self).load(key)
    }

    fn save(&self, key: &Key, put: &Put) -> Result<Saved, StoreError> {
        (**self).save(key, put)
    }

    fn delete(&self, key: &Key) -> Result<(), StoreError> {
        (**self).delete(key)
    }

    fn claim_due(&self, claim: Claim) -> Result<Vec<Claimed>, StoreError> {
        (**self).claim_due(claim)
    }

    fn oldest_due(&self, client: &str) -> Result<Option<Timestamp>, StoreError> {
        (**self).oldest_due(client)
    }

    fn delete_expired(&self, most: u32) -> Result<u64, StoreError> {
        (**self).delete_expired(most)
    }

    fn scan(&self, scan: &Scan) -> Result<Scanned, StoreError> {
        (**self).scan(scan)
    }

    fn rewrite(&self, key: &Key, put: &Put) -> Result<Saved, StoreError> {
        (**self).rewrite(key, put)
    }
}

impl<R: AsyncRecords + ?Sized> AsyncRecords for Arc<R> {
    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Secret>, StoreError>> {
        (**self).load(key)
    }

    fn save<'a>(&'a self, key: &'a Key, put: &'a Put) -> BoxFuture<'a, Result<Saved, StoreError>> {
        (**self).save(key, put)
    }

    fn delete<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<(), StoreError>> {
        (**self).delete(key)
    }

    fn claim_due(&self, claim: Claim) -> BoxFuture<'_, Result<Vec<Claimed>, StoreError>> {
        (**self).claim_due(claim)
    }

    fn oldest_due<'a>(&'a self, client: &'a str) -> BoxFuture<'a, Result<Option<Timestamp>, StoreError>> {
        (**self).oldest_due(client)
    }

    fn delete_expired(&self, most: u32) -> BoxFuture<'_, Result<u64, StoreError>> {
        (**self).delete_expired(most)
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> BoxFuture<'a, Result<Scanned, StoreError>> {
        (**self).scan(scan)
    }

    fn rewrite<'a>(&'a self, key: &'a Key, put: &'a Put) -> BoxFuture<'a, Result<Saved, StoreError>> {
        (**self).rewrite(key, put)
    }
}
