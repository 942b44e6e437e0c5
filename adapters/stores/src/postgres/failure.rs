//! What PostgreSQL says, in the words of a store. Its own texts quote values, so none of them is passed on.

use std::fmt;

use deadpool_postgres::{PoolError, TimeoutType};
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;
use webex_oauth_driver::StoreError;

use crate::limits::check_tables;

/// Host and database, for errors.
#[derive(Clone)]
pub(super) struct Place(pub(super) String);

impl Place {
    fn unavailable(&self, how: &str) -> StoreError {
        StoreError::Unavailable { what: format!("{self}: {how}"), retry_after: None }
    }

    fn refused(&self, why: &str) -> StoreError {
        StoreError::Refused { what: format!("{self}: {why}") }
    }

    pub(super) fn gone(&self) -> StoreError {
        self.unavailable("the connection is gone")
    }

    /// `None`: there are no tables.
    pub(super) fn check_version(&self, found: Option<i32>) -> Result<(), StoreError> {
        found.map_or(Ok(()), |found| check_tables(found.into())).map_err(|why| self.refused(&why))
    }

    pub(super) fn pool_failure(&self, error: &PoolError) -> StoreError {
        match error {
            PoolError::Backend(error) => self.failure(error),
            PoolError::Timeout(TimeoutType::Wait) => self.unavailable("all connections of the pool are in use"),
            PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle) => self.unavailable("no answer in time"),
            PoolError::Closed | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => self.gone(),
        }
    }

    pub(super) fn failure(&self, error: &Error) -> StoreError {
        let what = self.to_string();
        let Some(state) = error.code() else {
            return self.unavailable(&cause(error));
        };
        // The first two characters are the class (PostgreSQL, appendix A).
        let class = state.code().get(..2).unwrap_or_default();
        match class {
            "28" => StoreError::Denied { what: format!("{what}: user or password") },
            "3D" | "3F" => self.refused("there is no such database or schema"),
            "25" | "42"
                if [&SqlState::READ_ONLY_SQL_TRANSACTION, &SqlState::INSUFFICIENT_PRIVILEGE].contains(&state) =>
            {
                StoreError::Denied { what }
            }
            "42" if *state == SqlState::UNDEFINED_TABLE => {
                self.refused("there are no tables for sessions: call migrate once")
            }
            "42" if *state == SqlState::UNDEFINED_COLUMN => self.refused("its tables are not those of this library"),
            "53" if *state == SqlState::DISK_FULL => StoreError::Full { what },
            // A session that cannot be stored as text, or is damaged there.
            "22" => self.refused("a value cannot be stored there"),
            "XX" => StoreError::Damaged { what },
            "08" | "53" | "55" | "57" | "40" => self.unavailable(&format!("SQLSTATE {}", state.code())),
            _ => StoreError::Other { problem: format!("{what}: SQLSTATE {}", state.code()) },
        }
    }
}

/// How a connection failed: the innermost cause, which is the system's or TLS's.
fn cause(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
