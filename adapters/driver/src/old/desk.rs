//! A session and its store's side of the story: in which order effects are done, and what a conflict or a failed save
//! means. No IO: the driver does what [`Desk::next`] says and reports back.

use std::collections::VecDeque;
use std::fmt;

use webex_oauth::{
    Access, CallbackIgnored, Config, Effect, Event, HttpRequest, Input, Misuse, Purpose, RestoreError, Scope, Secret,
    SendFault, Session, Timestamp, snapshot_revision,
};

use crate::error::ClientError;
use crate::machine;
use crate::store::{Saved, StoreError};

/// A failed save is tried again after so many milliseconds, if nothing happens before.
const SAVE_AGAIN: i64 = 10_000;

/// A session, the effects that are still to be done, and what is known of the store.
///
/// One input at a time: give the next one when [`Desk::is_free`]. Two inputs whose snapshots are both on their way
/// could not be told apart by the store's revision.
pub struct Desk {
    session: Session,
    effects: VecDeque<Effect>,
    /// Given to the session when the effects are done.
    inputs: VecDeque<Input>,
    /// The revision that the store holds, as far as known.
    stored: u64,
    /// The revision of a save that is under way.
    saving: Option<u64>,
    /// What callers get while a save is under way.
    held: Option<Access>,
    /// The last save failed: then again.
    save_at: Option<Timestamp>,
    /// What the clock read at the last input.
    latest: Option<Timestamp>,
}

impl Desk {
    /// A session as the store holds it, or a fresh one.
    pub fn open(config: Config, stored: Option<&Secret>) -> Result<Self, ClientError> {
        let session = match stored {
            Some(snapshot) => Session::restore(config, snapshot.expose())?,
            None => Session::new(config, machine::entropy()?),
        };
        Ok(Self {
            stored: session.revision(),
            session,
            effects: VecDeque::new(),
            inputs: VecDeque::new(),
            saving: None,
            held: None,
            save_at: None,
            latest: None,
        })
    }

    /// Begins a transcript, before the first input; it is in [`Session::transcript`].
    pub fn start_recording(&mut self) {
        self.session.start_recording();
    }

    /// Whether an input may be given.
    pub fn is_free(&self) -> bool {
        self.saving.is_none() && self.effects.is_empty() && self.inputs.is_empty()
    }

    /// Gives the session an input. What follows from it comes out of [`Desk::next`].
    pub fn input(&mut self, now: Timestamp, input: Input) -> Result<(), Misuse> {
        let before = self.session.access(now);
        let found = if let Input::Reload { snapshot } = &input { self.revision_of(snapshot).ok() } else { None };
        let output = self.session.handle(now, input)?;
        self.latest = Some(now);
        self.stored = found.unwrap_or(self.stored);
        // A store that was put back, or begun anew.
        let is_behind = self.session.revision() > self.stored;
        let saves = output.effects.iter().any(|effect| matches!(effect, Effect::Persist { .. }));
        if (self.save_at.is_some() || is_behind) && !saves {
            self.effects.push_back(self.save_now());
        }
        self.effects.extend(output.effects);
        if matches!(self.effects.front(), Some(Effect::Persist { .. })) {
            self.held = Some(before);
        }
        Ok(())
    }

    /// Why the callback that was just given is nobody's, where it is.
    pub fn ignored(&self) -> Option<CallbackIgnored> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Notify { event: Event::CallbackIgnored { reason } } => Some(*reason),
            _ => None,
        })
    }

    /// What to do next; `None` while a save is under way, and when all is done. `Persist` is to be reported with
    /// [`Desk::saved`]; everything else is done when it is begun.
    #[allow(clippy::should_implement_trait, reason = "what comes next depends on what is reported in between")]
    pub fn next(&mut self, now: Timestamp) -> Option<Effect> {
        loop {
            if self.saving.is_some() {
                return None;
            }
            match self.effects.pop_front() {
                Some(Effect::Persist { snapshot, revision, .. }) => {
                    self.saving = Some(revision);
                    // What failed to be saved before is in this snapshot as well.
                    return Some(Effect::Persist { snapshot, revision, replaces: self.stored });
                }
                Some(effect) => return Some(effect),
                None => {
                    let input = self.inputs.pop_front()?;
                    // Reports that a request was not sent: never a mistake.
                    let _ = self.input(now, input);
                }
            }
        }
    }

    /// How a save ended. `Some` where there is something to tell: the failure, or that the store works again.
    pub fn saved(&mut self, now: Timestamp, result: Result<Saved, StoreError>) -> Option<Result<(), StoreError>> {
        let revision = self.saving.take()?;
        let told = match result {
            Ok(Saved::Stored) => {
                self.stored = revision;
                self.save_at.take().map(|_| Ok(()))
            }
            // Somebody has emptied the store.
            Ok(Saved::Conflict { found: None }) if self.stored != 0 => {
                self.stored = 0;
                self.effects.push_front(self.save_now());
                None
            }
            Ok(Saved::Conflict { found: None }) => {
                Some(Err(self.not_saved(now, StoreError::Damaged { what: "what the store says it holds".into() })))
            }
            Ok(Saved::Conflict { found: Some(found) }) => match self.revision_of(&found) {
                Ok(theirs) if theirs != self.stored => {
                    let was_unsaved = self.is_unsaved();
                    self.conflict(now, theirs, found);
                    (was_unsaved && !self.is_unsaved()).then_some(Ok(()))
                }
                // It holds what nobody can read, or just what was to be replaced: to go on would be for ever.
                Ok(_) | Err(RestoreError::Unreadable) => {
                    Some(Err(self.not_saved(now, StoreError::Damaged { what: "what the store says it holds".into() })))
                }
                // Somebody else can read it: it is left alone.
                Err(error) => Some(Err(self.not_saved(now, StoreError::Other { problem: error.to_string() }))),
            },
            Err(error) => Some(Err(self.not_saved(now, error))),
        };
        if !matches!(self.effects.front(), Some(Effect::Persist { .. })) {
            self.held = None;
        }
        told
    }

    /// May a caller have a token now? `None` while the new state is on its way to the store and the old one has nothing
    /// to give: ask again when it is saved.
    pub fn access(&self, now: Timestamp) -> Option<Access> {
        match &self.held {
            None => Some(self.session.access(now)),
            Some(Access::Ready { token, generation, expires_at, .. })
                if expires_at.is_none_or(|expires_at| now < expires_at) =>
            {
                let (token, generation, expires_at) = (token.clone(), *generation, *expires_at);
                Some(Access::Ready { token, generation, expires_at, refresh_soon: false })
            }
            Some(_) => None,
        }
    }

    /// The same for a user token with less scope.
    pub fn access_for(&self, now: Timestamp, scope: &Scope) -> Option<Access> {
        self.held.is_none().then(|| self.session.access_for(now, scope))
    }

    /// When to give a `Tick`, if nothing else happens before.
    pub fn wake_at(&self) -> Option<Timestamp> {
        self.session.wake_at().into_iter().chain(self.save_at).min()
    }

    /// Whether to give a `Tick`: its time has come, or the clock reads earlier than before. Everything that is waited
    /// for moves along with such a clock, once the session has seen it.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.wake_at().is_some_and(|at| at <= now || self.latest.is_some_and(|latest| now < latest))
    }

    /// The session, to ask it questions.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Whether what the store holds is something else than what is known to be there: then give it as
    /// [`Input::Reload`]. A store that was begun anew counts from another number.
    pub fn is_news(&self, found: &Secret) -> Result<bool, RestoreError> {
        let revision = snapshot_revision(found.expose())?;
        Ok(revision != self.stored)
    }

    /// Whether the store has to show first that it takes a save: the request spends the refresh token, and the access
    /// token lives, so that nobody has to go without if it is not sent.
    pub fn asks_for_proof(&self, now: Timestamp, request: &HttpRequest) -> bool {
        request.purpose == Purpose::Refresh && matches!(self.session.access(now), Access::Ready { .. })
    }

    /// What is in the session and not in the store, after a save has failed.
    pub fn is_unsaved(&self) -> bool {
        self.save_at.is_some()
    }

    /// The revision of what the store holds, where that can be taken in: it may be of another version or client.
    fn revision_of(&self, found: &Secret) -> Result<u64, RestoreError> {
        Session::restore(self.session.config().clone(), found.expose()).map(|theirs| theirs.revision())
    }

    fn save_now(&self) -> Effect {
        let (snapshot, revision) = (self.session.snapshot(), self.session.revision());
        Effect::Persist { snapshot, revision, replaces: self.stored }
    }

    fn not_saved(&mut self, now: Timestamp, error: StoreError) -> StoreError {
        self.save_at = Some(now.plus_millis(SAVE_AGAIN));
        error
    }

    /// Another process was faster. Its state is taken in; what follows is done as far as it is still wanted.
    fn conflict(&mut self, now: Timestamp, theirs: u64, found: Secret) {
        self.stored = theirs;
        let rest = std::mem::take(&mut self.effects);
        // A snapshot is never the caller's mistake.
        let reloaded = self.session.reload(now, found).unwrap_or_default().effects;
        self.effects.extend(reloaded);
        let saves = matches!(self.effects.front(), Some(Effect::Persist { .. }));
        if !saves && self.session.revision() > self.stored {
            // Theirs brought nothing new: ours still has to get there.
            self.effects.push_front(self.save_now());
        } else if !saves {
            self.save_at = None;
        }
        for effect in rest {
            if self.session.still_wants(&effect) {
                self.effects.push_back(effect);
            } else if let Some(input) = undone(&effect) {
                self.inputs.push_back(input);
            }
        }
    }
}

/// A request that will not be sent must not be waited for.
fn undone(effect: &Effect) -> Option<Input> {
    match effect {
        Effect::Send { request } => Some(Input::SendFailed { id: request.id, fault: SendFault::NotSent }),
        Effect::AskForJwt { id } | Effect::AskForToken { id, .. } => {
            Some(Input::HostFailed { id: *id, reason: "superseded".to_owned() })
        }
        Effect::Persist { .. } | Effect::OpenBrowser { .. } | Effect::ShowDeviceCode { .. } | Effect::Notify { .. } => {
            None
        }
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("session", &self.session).field("stored", &self.stored).finish_non_exhaustive()
    }
}
