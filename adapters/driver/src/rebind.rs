//! A session under another key of its store, as [`Rebinding`] decides it.

use webex_oauth::coordinator::{Done, RebindFailed, RebindKey, RebindOp, RebindStep, Rebinding};
use webex_oauth::{Config, SignInReason, SignedOutReason};

use crate::error::ClientError;
use crate::jobs::{LastError, saved};
use crate::store::{AsyncStore, Put, Store, StoreError};

/// Brings what is stored at `from` to `to`, where it takes the place of what is there. Of all nodes that do so at once one
/// succeeds, and the others find nobody signed in.
///
/// It leaves its old key before it is stored anew: where the store fails, or this process ends, in between, the person signs in
/// once more. Two records of one refresh token would sign them out some day.
///
/// # Errors
///
/// - [`ClientError::SignInRequired`] where nobody is signed in at `from`, or another node was faster. Nothing has changed.
/// - [`StoreError::Busy`] while another node renews the session. Nothing has changed: try again.
/// - [`ClientError::Restore`] where a record cannot be read. Nothing has changed, unless it was put at `to` only meanwhile: then
///   the session is gone.
/// - Other errors of the stores. While the keys are read nothing has changed; later the session may be gone.
pub fn rebind(config: &Config, from: &dyn Store, to: &dyn Store) -> Result<(), ClientError> {
    let (mut rebinding, last) = (Rebinding::new(config.clone()), LastError::default());
    loop {
        match rebinding.step() {
            RebindStep::Do { at: RebindKey::From, op } => rebinding.done(last.done(at_store(from, op))),
            RebindStep::Do { at: RebindKey::To, op } => rebinding.done(last.done(at_store(to, op))),
            RebindStep::End(end) => return end.map_err(|failed| in_our_words(failed, last)),
        }
    }
}

fn at_store(store: &dyn Store, op: RebindOp) -> Result<Done, StoreError> {
    Ok(match op {
        RebindOp::Save { snapshot, revision, replaces, due_at } => {
            saved(store.save(&Put::of_job(&snapshot, revision, replaces, due_at))?)
        }
        RebindOp::Delete => store.delete().map(|()| Done::Saved)?,
        RebindOp::Load => Done::Loaded(store.load()?),
    })
}

/// [`rebind`] for stores whose calls are awaited.
///
/// # Errors
///
/// As [`rebind`].
pub async fn rebind_async(config: &Config, from: &dyn AsyncStore, to: &dyn AsyncStore) -> Result<(), ClientError> {
    let (mut rebinding, last) = (Rebinding::new(config.clone()), LastError::default());
    loop {
        match rebinding.step() {
            RebindStep::Do { at: RebindKey::From, op } => rebinding.done(last.done(at_async_store(from, op).await)),
            RebindStep::Do { at: RebindKey::To, op } => rebinding.done(last.done(at_async_store(to, op).await)),
            RebindStep::End(end) => return end.map_err(|failed| in_our_words(failed, last)),
        }
    }
}

async fn at_async_store(store: &dyn AsyncStore, op: RebindOp) -> Result<Done, StoreError> {
    Ok(match op {
        RebindOp::Save { snapshot, revision, replaces, due_at } => {
            saved(store.save(Put::of_job(&snapshot, revision, replaces, due_at)).await?)
        }
        RebindOp::Delete => store.delete().await.map(|()| Done::Saved)?,
        RebindOp::Load => Done::Loaded(store.load().await?),
    })
}

fn in_our_words(failed: RebindFailed, last: LastError) -> ClientError {
    let problem = failed.to_string();
    match failed {
        RebindFailed::NobodySignedIn => {
            let reason = SignInReason::SignedOut(SignedOutReason::NeverSignedIn);
            ClientError::SignInRequired { reason }
        }
        RebindFailed::BeingRenewed => {
            StoreError::Busy { what: "a session that another node renews now".to_owned() }.into()
        }
        RebindFailed::Restore(error) => error.into(),
        RebindFailed::Store => last.take().unwrap_or(StoreError::Other { problem }).into(),
        _ => StoreError::Other { problem }.into(),
    }
}
