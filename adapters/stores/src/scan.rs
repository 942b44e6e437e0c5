//! All records, a batch at a time.

use std::fmt;

use webex_oauth::Secret;
use webex_oauth_driver::StoreError;

use crate::Key;

/// What is listed next.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made by whoever scans, all of it")]
pub struct Scan {
    /// Where the batch before has ended; `None`: from the beginning.
    pub after: Option<Cursor>,
    /// So many are looked at, about.
    pub most: u32,
    /// Those that are sealed with this key are passed over.
    pub but_sealed_with: Option<String>,
}

impl Scan {
    /// The key where it begins, for a store that lists its records in the order of their keys.
    pub(crate) fn from(&self) -> Result<Key, StoreError> {
        match &self.after {
            Some(cursor) => Key::of_text(&cursor.0).ok_or_else(Cursor::refused),
            None => Key::new("", ""),
        }
    }
}

/// A batch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made by implementations of `Records`")]
pub struct Scanned {
    /// What was found; what has been deleted is not there.
    pub rows: Vec<(Key, Secret)>,
    /// Where the next batch begins; `None`: there is nothing more.
    pub next: Option<Cursor>,
}

impl Scanned {
    /// Of the rows of a table in the order of their keys: of each tenant, user, and what is wanted of it.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn of_rows(rows: Vec<(String, String, Option<String>)>, most: u32) -> Result<Self, StoreError> {
        let is_full = u32::try_from(rows.len()).is_ok_and(|count| count == most);
        let last = rows.last().filter(|_| is_full);
        let next = last.map(|(tenant, user, _)| Key::new(tenant, user)).transpose()?.as_ref().map(Cursor::at);
        let mut found = Vec::with_capacity(rows.len());
        for (tenant, user, body) in rows {
            if let Some(body) = body {
                found.push((Key::new(tenant, user)?, Secret::new(body)));
            }
        }
        Ok(Self { rows: found, next })
    }
}

/// A place in a store, in its own words. There are names of users in it: it is for nobody else.
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor(pub(crate) String);

impl Cursor {
    pub(crate) fn at(key: &Key) -> Self {
        Self(key.to_text())
    }

    /// It was made by a store of another kind.
    pub(crate) fn refused() -> StoreError {
        StoreError::Refused { what: "this cursor is another store's".to_owned() }
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cursor")
    }
}
