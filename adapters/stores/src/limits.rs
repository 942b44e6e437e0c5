//! Numbers as databases have them.

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "redis"))]
use std::cmp::Ordering;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "redis"))]
use std::time::Duration;

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "redis"))]
use webex_oauth::Timestamp;
use webex_oauth_driver::StoreError;

/// No session is longer; what is longer is not one.
pub(crate) const MAX_BODY: usize = 4 * 1024 * 1024;

/// A revision as a database has it: signed, of 64 bits.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) fn signed(revision: u64) -> Result<i64, StoreError> {
    i64::try_from(revision).map_err(|_| StoreError::Refused { what: "a revision has 48 bits".to_owned() })
}

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "redis"))]
const MOST_MILLIS: i64 = 8_640_000_000_000_000;

/// An instant as every database can keep it: from antiquity on, for some 270,000 years.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "redis"))]
pub(crate) fn millis(at: Option<Timestamp>) -> Option<i64> {
    at.map(|at| at.as_millis().clamp(-MOST_MILLIS / 100, MOST_MILLIS))
}

/// A span that every database can add to what time it is, in milliseconds.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "redis"))]
pub(crate) fn span(kept_for: Duration) -> i64 {
    i64::try_from(kept_for.as_millis()).map_or(MOST_MILLIS, |millis| millis.min(MOST_MILLIS))
}

/// The version of the tables and records that this library reads and writes. There was one before the first release.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "redis"))]
pub(crate) const VERSION: u32 = 2;

/// Whether this version of `what` is the one that is known here, and why not. `names` are theirs.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "redis"))]
pub(crate) fn check_version(found: i64, what: &str, names: &str) -> Result<(), String> {
    let other = format!("its {what} are of version {found}, this library reads {VERSION}");
    match found.cmp(&i64::from(VERSION)) {
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(other),
        Ordering::Less => {
            Err(format!("{other}: they are from before the first release; drop {names}, or leave them to that version"))
        }
    }
}

/// Those of a database.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) fn check_tables(found: i64) -> Result<(), String> {
    check_version(found, "tables", "webex_oauth_session and webex_oauth_schema")
}

/// What a store may be asked to keep.
pub(crate) fn check_body(body: &str) -> Result<(), StoreError> {
    if body.len() > MAX_BODY {
        return Err(StoreError::Refused { what: format!("a session has {MAX_BODY} bytes at most") });
    }
    Ok(())
}
