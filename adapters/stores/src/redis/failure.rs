//! What Redis says, in the words of a store. Its own texts are not passed on: they name keys.

use std::fmt;

use redis::{ErrorKind, RedisError, ServerErrorKind};
use webex_oauth_driver::StoreError;

/// The address, for errors.
#[derive(Clone)]
pub(super) struct Place(pub(super) String);

impl Place {
    fn unavailable(&self, how: &str) -> StoreError {
        StoreError::Unavailable { what: format!("{self}: {how}"), retry_after: None }
    }

    pub(super) fn refused(&self, why: &str) -> StoreError {
        StoreError::Refused { what: format!("{self}: {why}") }
    }

    pub(super) fn damaged(&self) -> StoreError {
        StoreError::Damaged { what: self.to_string() }
    }

    pub(super) fn failure(&self, error: &RedisError) -> StoreError {
        let what = self.to_string();
        // In scripts older servers have the code within the text.
        let says = |code: &str| {
            error.code() == Some(code) || error.detail().is_some_and(|text| text.contains(&format!(" {code} ")))
        };
        if says("WRONGTYPE") {
            return self.damaged();
        }
        if says("OOM") {
            return StoreError::Full { what: format!("{what}: no memory is left") };
        }
        if says("WRONGPASS") || says("NOAUTH") || error.kind() == ErrorKind::AuthenticationFailed {
            return StoreError::Denied { what: format!("{what}: user or password") };
        }
        if says("MISCONF") {
            return self.unavailable("it cannot write to its disk");
        }
        match error.kind() {
            ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::NoPerm) => StoreError::Denied { what },
            ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::Ask | ServerErrorKind::CrossSlot) => {
                self.refused("it is a node of a cluster")
            }
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => self.damaged(),
            ErrorKind::Io if error.is_timeout() => self.unavailable("no answer in time"),
            ErrorKind::Io => self.unavailable("it cannot be reached"),
            ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown,
            ) => self.unavailable(error.code().unwrap_or_default()),
            _ => StoreError::Other { problem: format!("{what}: {}", error.code().unwrap_or("it failed")) },
        }
    }
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
