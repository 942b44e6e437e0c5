//! A session under another key of its store: at the end of a login it leaves the key that was known while the login was under
//! way, so that whoever knew it has nothing.

use webex_oauth::{Config, Secret, Session, SignInReason, SignedOutReason, snapshot_revision};

use crate::error::ClientError;
use crate::store::{AsyncStore, Put, Replaces, Saved, Store, StoreError, has_revision};

/// Each further round has found that another node was faster.
const MOST: u32 = 8;

/// Brings what is stored at `from` to `to`, where it takes the place of what is there. Of all nodes that do so at once one succeeds,
/// and the others find nobody signed in.
///
/// It leaves its old key before it is stored anew: where the store fails, or this process ends, in between, the person signs in
/// once more. Two records of one refresh token would sign them out some day.
pub fn rebind(config: &Config, from: &dyn Store, to: &dyn Store) -> Result<(), ClientError> {
    let mut found = from.load()?;
    // A store that is down, or whose record cannot be read, is found before anything is changed.
    let replaces = replaced(to.load()?)?;
    for _ in 0..MOST {
        let move_ = Move::of(config, found)?;
        match from.save(&move_.leaves)? {
            Saved::Conflict { found: theirs } => found = theirs,
            Saved::Stored => {
                arrive(&move_, to, replaces)?;
                clear(from, move_.leaves.revision);
                return Ok(());
            }
        }
    }
    Err(contended())
}

fn arrive(move_: &Move, to: &dyn Store, mut replaces: Replaces) -> Result<(), ClientError> {
    for _ in 0..MOST {
        let arrives = move_.arrives(replaces)?;
        // It may have been stored: nobody is to have a session whose key nobody was given.
        match to.save(&arrives).inspect_err(|_| clear(to, arrives.revision))? {
            Saved::Stored => return Ok(()),
            Saved::Conflict { found } => replaces = replaced(found)?,
        }
    }
    Err(contended())
}

/// [`rebind`] for stores whose calls are awaited.
pub async fn rebind_async(config: &Config, from: &dyn AsyncStore, to: &dyn AsyncStore) -> Result<(), ClientError> {
    let mut found = from.load().await?;
    let replaces = replaced(to.load().await?)?;
    for _ in 0..MOST {
        let move_ = Move::of(config, found)?;
        match from.save(move_.leaves.clone()).await? {
            Saved::Conflict { found: theirs } => found = theirs,
            Saved::Stored => {
                arrive_async(&move_, to, replaces).await?;
                clear_async(from, move_.leaves.revision).await;
                return Ok(());
            }
        }
    }
    Err(contended())
}

async fn arrive_async(move_: &Move, to: &dyn AsyncStore, mut replaces: Replaces) -> Result<(), ClientError> {
    for _ in 0..MOST {
        let arrives = move_.arrives(replaces)?;
        let revision = arrives.revision;
        let saved = to.save(arrives).await;
        if saved.is_err() {
            clear_async(to, revision).await;
        }
        match saved? {
            Saved::Stored => return Ok(()),
            Saved::Conflict { found } => replaces = replaced(found)?,
        }
    }
    Err(contended())
}

/// Deletes what was stored here, unless it is another's by now. Where that fails it stays: there is nobody's session in it.
fn clear(store: &dyn Store, revision: u64) {
    if store.load().is_ok_and(|found| has_revision(found.as_ref(), revision)) {
        let _stays = store.delete();
    }
}

async fn clear_async(store: &dyn AsyncStore, revision: u64) {
    if store.load().await.is_ok_and(|found| has_revision(found.as_ref(), revision)) {
        let _stays = store.delete().await;
    }
}

/// A session on its way.
struct Move {
    session: Session,
    /// What is stored in its old place.
    leaves: Put,
}

impl Move {
    fn of(config: &Config, found: Option<Secret>) -> Result<Self, ClientError> {
        let mut session = Session::restore(config.clone(), found.ok_or_else(nobody)?.expose())?;
        if session.is_being_renewed() {
            return Err(StoreError::Busy { what: "a session that another node renews now".to_owned() }.into());
        }
        let replaces = Replaces::Revision(session.revision());
        let leaves = Put::of(session.left_behind().ok_or_else(nobody)?, replaces)?;
        Ok(Self { session, leaves })
    }

    fn arrives(&self, replaces: Replaces) -> Result<Put, ClientError> {
        let mut put = Put::of(self.session.snapshot(), replaces)?;
        put.due_at = self.session.due_at();
        Ok(put)
    }
}

fn replaced(found: Option<Secret>) -> Result<Replaces, ClientError> {
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
