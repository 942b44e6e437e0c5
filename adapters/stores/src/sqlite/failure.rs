//! What SQLite says, in the words of a store. Nothing of a statement's values is quoted.

use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;
use webex_oauth_driver::StoreError;

use crate::limits::check_tables;

/// Which database.
#[derive(Debug, Clone)]
pub(super) struct Place(PathBuf);

impl Place {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(super) fn path(&self) -> &PathBuf {
        &self.0
    }

    fn name(&self) -> String {
        self.0.display().to_string()
    }

    pub(super) fn io(&self, error: &io::Error) -> StoreError {
        let what = self.name();
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => StoreError::Denied { what },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { what },
            kind => StoreError::Io { path: self.0.clone(), kind },
        }
    }

    pub(super) fn damaged(&self) -> StoreError {
        StoreError::Damaged { what: self.name() }
    }

    pub(super) fn failure(&self, error: &rusqlite::Error) -> StoreError {
        let what = self.name();
        let Some(code) = error.sqlite_error_code() else {
            // A value of another type than the column has.
            return self.damaged();
        };
        match code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy { what },
            ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::AuthorizationForStatementDenied => StoreError::Denied { what },
            ErrorCode::DiskFull => StoreError::Full { what },
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => self.damaged(),
            _ => StoreError::Other { problem: format!("{what}: SQLite says {code:?}") },
        }
    }
}

pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

pub(super) fn is_missing_table(error: &rusqlite::Error) -> bool {
    // There is no code of its own for it.
    matches!(error, rusqlite::Error::SqliteFailure(_, Some(text)) if text.starts_with("no such table"))
        || matches!(error, rusqlite::Error::SqlInputError { msg, .. } if msg.starts_with("no such table"))
}

pub(super) fn not_migrated(place: &Place) -> StoreError {
    StoreError::Refused { what: format!("{}: there are no tables for sessions: call migrate once", place.name()) }
}

pub(super) fn check_version(place: &Place, found: i64) -> Result<(), StoreError> {
    check_tables(found).map_err(|why| StoreError::Refused { what: format!("{}: {why}", place.name()) })
}
