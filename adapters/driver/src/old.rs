//! What the async client is still made of. It goes as soon as that has an executor of its own.

mod desk;
mod logins;

pub use desk::Desk;
pub use logins::{LoginTicket, Logins, SignIn};
use webex_oauth::{CallbackIgnored, snapshot_revision};

use crate::store::{Put, Store, StoreError};

/// Saves once more what the store holds, under its lock: shows that it would take what a request brings. A refresh token
/// is spent only where its successor can be kept.
pub fn prove(store: &dyn Store) -> Result<(), StoreError> {
    let Some(found) = store.load()? else { return Ok(()) };
    match snapshot_revision(found.expose()) {
        // In conflict with a save that worked just now.
        Ok(revision) => store.save(&Put::new(found, revision, revision.into())).map(drop),
        // It is not ours to touch, which is told when there is something to save.
        Err(_) => Ok(()),
    }
}

/// Whether another process may have begun the login that this callback belongs to: the store knows.
pub fn may_be_elsewhere(reason: CallbackIgnored) -> bool {
    matches!(reason, CallbackIgnored::NoLoginPending | CallbackIgnored::WrongState | CallbackIgnored::OtherUrl)
}
