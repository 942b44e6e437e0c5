//! A session under another key of its store: at the end of a login it leaves the key that was known while the login was under
//! way, so that whoever knew it has nothing.

use webex_oauth::{Secret, SignInReason, SignedOutReason, Timestamp, snapshot_revision};

use crate::error::ClientError;
use crate::store::{AsyncStore, Put, Replaces, Saved, Store, StoreError};

/// Each further round has found that another node was faster.
const MOST: u32 = 8;

/// Brings what is stored at `from` to `to`, where it takes the place of what is there; `due_at` is when it is to be renewed.
///
/// It is deleted before it is stored anew: where the store fails, or this process ends, in between, the person signs in once
/// more. Two records of one refresh token would sign them out some day.
pub fn rebind(from: &dyn Store, to: &dyn Store, due_at: Option<Timestamp>) -> Result<(), ClientError> {
    let session = from.load()?.ok_or_else(nobody)?;
    // A store that is down, or whose record cannot be read, is found before anything is deleted.
    let mut put = put(session, to.load()?, due_at)?;
    from.delete()?;
    for _ in 0..MOST {
        match to.save(&put)? {
            Saved::Stored => return Ok(()),
            Saved::Conflict { found } => put.replaces = replaces(found)?,
        }
    }
    Err(contended())
}

/// [`rebind`] for stores whose calls are awaited.
pub async fn rebind_async(
    from: &dyn AsyncStore,
    to: &dyn AsyncStore,
    due_at: Option<Timestamp>,
) -> Result<(), ClientError> {
    let session = from.load().await?.ok_or_else(nobody)?;
    let mut put = put(session, to.load().await?, due_at)?;
    from.delete().await?;
    for _ in 0..MOST {
        match to.save(put.clone()).await? {
            Saved::Stored => return Ok(()),
            Saved::Conflict { found } => put.replaces = replaces(found)?,
        }
    }
    Err(contended())
}

fn put(session: Secret, found: Option<Secret>, due_at: Option<Timestamp>) -> Result<Put, ClientError> {
    let mut put = Put::of(session, replaces(found)?)?;
    put.due_at = due_at;
    Ok(put)
}

fn replaces(found: Option<Secret>) -> Result<Replaces, ClientError> {
    Ok(match found {
        None => Replaces::Nothing,
        Some(found) => Replaces::Revision(snapshot_revision(found.expose())?),
    })
}

fn nobody() -> ClientError {
    ClientError::SignInRequired { reason: SignInReason::SignedOut(SignedOutReason::NeverSignedIn) }
}

fn contended() -> ClientError {
    ClientError::Store(StoreError::Other {
        problem: "other nodes store this user's session again and again".to_owned(),
    })
}
