//! A session gets another key of its store: at the end of a login it leaves the key that was known while the login was under way,
//! so that whoever knew it has nothing.
//!
//! 1. Both keys are read: a store that is down, or whose record cannot be read, is found before anything is changed.
//! 2. What the session leaves behind is stored under the old key, in exchange for what was read. Of all who do so at once one succeeds.
//! 3. The session is stored under the new key, in place of whatever is there.
//! 4. What was left behind is deleted, unless something else is there by now.
//!
//! It leaves its old key before it is stored anew: where the store fails, or the process ends, in between, the person signs in once
//! more. Two records of one refresh token would sign them out some day.

use super::output::Done;
use crate::config::Config;
use crate::secret::Secret;
use crate::session::Session;
use crate::snapshot::{self, RestoreError};
use crate::time::Timestamp;

/// Each further round has found that another node was faster.
const MOST_ROUNDS: u32 = 8;

/// Which of the two keys a step is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RebindKey {
    /// The one that the session leaves.
    From,
    /// The one that it gets.
    To,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RebindStep {
    /// This, at the store of this key.
    Do {
        /// Where.
        at: RebindKey,
        /// What.
        op: RebindOp,
    },
    /// It is over.
    End(Result<(), RebindFailed>),
}

/// One thing to do at a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RebindOp {
    /// Read what is there: [`Done::Loaded`].
    Load,
    /// Compare and swap, durably: [`Done::Saved`], [`Done::Conflict`].
    Save {
        /// The bytes: the secrets are in there.
        snapshot: Secret,
        /// Their revision.
        revision: u64,
        /// Only if the store holds this revision; 0: only if it holds nothing.
        replaces: u64,
        /// When somebody should open this session next.
        due_at: Option<Timestamp>,
    },
    /// Forget what is there: [`Done::Saved`].
    Delete,
}

/// Why a session did not get its new key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RebindFailed {
    /// Under the old key, or another node was faster. Nothing has changed.
    #[error("nobody is signed in")]
    NobodySignedIn,
    /// Another node renews this session, and stores what comes of that under the old key. Nothing has changed: try again when that is
    /// over.
    #[error("another node renews this session now")]
    BeingRenewed,
    /// A record cannot be read. Nothing has changed, unless it was put under the new key only meanwhile: then the session is
    /// gone.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// Others stored something there again and again. Where that was under the new key, the session is gone.
    #[error("other nodes store this user's session again and again")]
    Contended,
    /// The store failed, in the last step that was reported so. Before the first save nothing has changed; from then on the
    /// session may be gone.
    #[error("the store failed")]
    Store,
}

/// A session on its way from one key to another. Ask for the [step](Self::step), do it, say what it [came to](Self::done), until it ends.
#[derive(Debug)]
pub struct Rebinding {
    config: Config,
    rounds: u32,
    at: At,
}

#[derive(Debug)]
enum At {
    Reading,
    ReadingNew {
        found: Option<Secret>,
    },
    Leaving {
        left: Left,
        replaces: u64,
        new_has: u64,
    },
    /// What is left may be there, or not.
    Unsure {
        left: Left,
        new_has: u64,
    },
    Arriving {
        left: Left,
        new_has: u64,
    },
    /// Looks whether what is there is still ours to delete.
    Looking {
        at: RebindKey,
        revision: u64,
        end: Result<(), RebindFailed>,
    },
    Deleting {
        at: RebindKey,
        end: Result<(), RebindFailed>,
    },
    Over(Result<(), RebindFailed>),
}

/// The session, and what it leaves behind.
#[derive(Debug)]
struct Left {
    session: Box<Session>,
    snapshot: Secret,
    revision: u64,
}

impl Left {
    fn save_what_is_left(&self, replaces: u64) -> RebindOp {
        RebindOp::Save { snapshot: self.snapshot.clone(), revision: self.revision, replaces, due_at: None }
    }

    fn save_the_session(&self, replaces: u64) -> RebindOp {
        let session = &self.session;
        let (snapshot, revision, due_at) = (session.snapshot(), session.revision(), session.due_at());
        RebindOp::Save { snapshot, revision, replaces, due_at }
    }
}

impl Rebinding {
    /// From nothing known.
    pub fn new(config: Config) -> Self {
        Self { config, rounds: 0, at: At::Reading }
    }

    /// What to do now. The same until [`Rebinding::done`].
    pub fn step(&self) -> RebindStep {
        let (at, op) = match &self.at {
            At::Reading => (RebindKey::From, RebindOp::Load),
            At::ReadingNew { .. } => (RebindKey::To, RebindOp::Load),
            At::Leaving { left, replaces, .. } => (RebindKey::From, left.save_what_is_left(*replaces)),
            At::Unsure { .. } => (RebindKey::From, RebindOp::Load),
            At::Arriving { left, new_has } => (RebindKey::To, left.save_the_session(*new_has)),
            At::Looking { at, .. } => (*at, RebindOp::Load),
            At::Deleting { at, .. } => (*at, RebindOp::Delete),
            At::Over(end) => return RebindStep::End(end.clone()),
        };
        RebindStep::Do { at, op }
    }

    /// What the step came to. A result of another kind than was asked for counts as its failure.
    pub fn done(&mut self, done: Done) {
        let at = std::mem::replace(&mut self.at, At::Over(Err(RebindFailed::Store)));
        self.at = self.after(at, done).unwrap_or_else(|failed| At::Over(Err(failed)));
    }

    fn after(&mut self, at: At, done: Done) -> Result<At, RebindFailed> {
        Ok(match (at, done) {
            (At::Reading, Done::Loaded(found)) => At::ReadingNew { found },
            (At::ReadingNew { found }, Done::Loaded(there)) => self.leave(found, revision_of(there.as_ref())?)?,
            (At::Leaving { new_has, .. }, Done::Conflict(found)) => {
                self.count_round()?;
                self.leave(found, new_has)?
            }
            (At::Leaving { left, new_has, .. }, Done::Saved) => {
                self.rounds = 0;
                At::Arriving { left, new_has }
            }
            (At::Arriving { left, .. }, Done::Saved) => {
                At::Looking { at: RebindKey::From, revision: left.revision, end: Ok(()) }
            }
            (At::Arriving { left, .. }, Done::Conflict(there)) => {
                self.count_round()?;
                At::Arriving { left, new_has: revision_of(there.as_ref())? }
            }
            // It may have been stored: nobody is to have a session whose key nobody was given.
            (At::Arriving { left, .. }, _) => {
                At::Looking { at: RebindKey::To, revision: left.session.revision(), end: Err(RebindFailed::Store) }
            }
            // Whether it was stored is to be seen: then there is no way back.
            (At::Leaving { left, new_has, .. }, _) => At::Unsure { left, new_has },
            (At::Unsure { left, new_has }, Done::Loaded(found)) if has(found.as_ref(), left.revision) => {
                At::Arriving { left, new_has }
            }
            (At::Looking { at, revision, end }, Done::Loaded(there)) if has(there.as_ref(), revision) => {
                At::Deleting { at, end }
            }
            // Where it cannot be deleted it stays: there is nobody's session in it.
            (At::Looking { end, .. } | At::Deleting { end, .. } | At::Over(end), _) => At::Over(end),
            (At::Reading | At::ReadingNew { .. } | At::Unsure { .. }, _) => At::Over(Err(RebindFailed::Store)),
        })
    }

    fn leave(&self, found: Option<Secret>, new_has: u64) -> Result<At, RebindFailed> {
        let found = found.ok_or(RebindFailed::NobodySignedIn)?;
        let mut session = Box::new(Session::restore(self.config.clone(), found.expose())?);
        if session.is_being_renewed() {
            return Err(RebindFailed::BeingRenewed);
        }
        let replaces = session.revision();
        let snapshot = session.left_behind().ok_or(RebindFailed::NobodySignedIn)?;
        let revision = snapshot::revision(snapshot.expose())?;
        Ok(At::Leaving { left: Left { session, snapshot, revision }, replaces, new_has })
    }

    fn count_round(&mut self) -> Result<(), RebindFailed> {
        self.rounds += 1;
        if self.rounds < MOST_ROUNDS { Ok(()) } else { Err(RebindFailed::Contended) }
    }
}

/// 0: nothing is there.
fn revision_of(found: Option<&Secret>) -> Result<u64, RestoreError> {
    found.map_or(Ok(0), |found| snapshot::revision(found.expose()))
}

fn has(found: Option<&Secret>, revision: u64) -> bool {
    found.is_some() && revision_of(found) == Ok(revision)
}
