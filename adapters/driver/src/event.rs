//! What a client has to say while it runs.

use webex_oauth::Event;

use crate::store::StoreError;

/// Something worth telling. Free of secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientEvent {
    /// What the session says.
    Session(Event),
    /// The store does not do what it should. The session goes on in memory and tries again.
    StoreFailed(StoreError),
    /// The store works again: what could not be saved is saved now.
    StoreRecovered,
}

impl ClientEvent {
    /// The name: the session's own ([`Event::name`]), `store:error` or `store:ready`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Session(event) => event.name(),
            Self::StoreFailed(_) => "store:error",
            Self::StoreRecovered => "store:ready",
        }
    }
}
