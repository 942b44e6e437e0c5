//! The session, behind a lock that is held for moments: nothing in the core waits for anything.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use webex_oauth::{Phase, RequestId, Scope, Timestamp};

use crate::access::{Access, FreshToken, Status};
use crate::config::Config;
use crate::count;
use crate::effect::{Output, Task};
use crate::error::{EntropyError, MisuseError, RestoreError};
use crate::input::Input;
use crate::mirror::TryIntoCore;
use crate::secret::{AccessToken, Entropy, Secret};
use crate::tokens::TokenSet;

/// One user's authorization, from the first login URL to the last sign-out. Every `now` is the wall clock's reading in
/// milliseconds.
#[derive(uniffi::Object)]
#[uniffi::export(Display)]
pub struct Session(Mutex<webex_oauth::Session>);

impl Session {
    fn session(&self) -> MutexGuard<'_, webex_oauth::Session> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[uniffi::export]
impl Session {
    /// A signed-out session.
    #[uniffi::constructor]
    pub fn new(config: &Config, seed: &Entropy) -> Result<Arc<Self>, EntropyError> {
        let seed = seed.take().ok_or(EntropyError::Used)?;
        Ok(Arc::new(Self(Mutex::new(webex_oauth::Session::new(config.core(), seed)))))
    }

    /// A session as it was stored, a pending login included.
    #[uniffi::constructor]
    pub fn restore(config: &Config, snapshot: &Secret) -> Result<Arc<Self>, RestoreError> {
        let session = webex_oauth::Session::restore(config.core(), snapshot.core().expose())?;
        Ok(Arc::new(Self(Mutex::new(session))))
    }

    /// Takes in one input. An error means that the call itself was a mistake; the session is unchanged then.
    pub fn handle(&self, now: Timestamp, input: Input) -> Result<Output, MisuseError> {
        let input = input.try_into_core()?;
        Ok(self.session().handle(now, input)?.into())
    }

    /// May I have a token now?
    pub fn access(&self, now: Timestamp) -> Access {
        self.session().access(now).into()
    }

    /// The same for a user token with less scope; `Downscope` asks for one.
    pub fn access_for(&self, now: Timestamp, scope: Scope) -> Access {
        self.session().access_for(now, &scope).into()
    }

    /// The token, if it needs no refresh yet, and how long it can be used without asking again.
    pub fn fresh(&self, now: Timestamp) -> Option<FreshToken> {
        fresh(&self.session(), now)
    }

    /// Webex: the scope of a user token where none is named.
    pub fn user_scope(&self) -> Option<Scope> {
        self.session().user_scope()
    }

    /// Where the session is.
    pub fn phase(&self) -> Phase {
        self.session().phase()
    }

    /// A summary for people.
    pub fn status(&self, now: Timestamp) -> Status {
        self.session().status(now).into()
    }

    /// When to give `Tick` if nothing else happens before.
    pub fn wake_at(&self) -> Option<Timestamp> {
        self.session().wake_at()
    }

    /// The tokens themselves. For hand-off and display; to call an API, use `access`.
    pub fn tokens(&self) -> Option<Arc<TokenSet>> {
        self.session().tokens().cloned().map(TokenSet::of)
    }

    /// The bytes to store.
    pub fn snapshot(&self) -> Arc<Secret> {
        Secret::of(self.session().snapshot())
    }

    /// The revision of the last `Persist` or `Reload`.
    pub fn revision(&self) -> u64 {
        self.session().revision()
    }

    /// Whether the answer to this request is still of use.
    pub fn awaits(&self, id: RequestId) -> bool {
        self.session().awaits(id)
    }

    /// Whether a task is still to be done although the store turned out to hold another state, reloaded since.
    pub fn still_wants(&self, task: &Task) -> bool {
        self.session().still_wants(task.core())
    }

    /// Begins a transcript, without secrets.
    pub fn start_recording(&self) {
        self.session().start_recording();
    }

    /// The transcript so far, as JSON lines, where one was begun.
    pub fn transcript(&self) -> Option<String> {
        self.session().transcript().map(str::to_owned)
    }

    /// Where a browser goes to sign out at the identity provider, without signing out here.
    pub fn logout_url(&self, goto: Option<String>) -> Option<Arc<Secret>> {
        self.session().logout_url(goto.as_deref()).map(Secret::of)
    }

    /// How many user tokens with less scope are at hand.
    pub fn user_tokens(&self) -> u64 {
        count(self.session().user_tokens())
    }
}

/// Asks `access` at later and later instants, so that the lines of expiry remain the core's alone.
fn fresh(session: &webex_oauth::Session, now: Timestamp) -> Option<FreshToken> {
    let ready = |at: i64| match session.access(Timestamp::from_millis(at)) {
        webex_oauth::Access::Ready { token, generation, expires_at, refresh_soon: false } => {
            Some((token, generation, expires_at))
        }
        webex_oauth::Access::Ready { refresh_soon: true, .. }
        | webex_oauth::Access::Stale { .. }
        | webex_oauth::Access::Refreshing { .. }
        | webex_oauth::Access::BackingOff { .. }
        | webex_oauth::Access::SignInRequired { .. } => None,
    };
    let (token, generation, expires_at) = ready(now.as_millis())?;
    // The last instant known to be fresh, the first one known not to be.
    let (mut fresh, mut over) = (now.as_millis(), i64::MAX);
    if ready(over).is_none() {
        while over.saturating_sub(fresh) > 1 {
            let between = fresh + (over - fresh) / 2;
            match ready(between) {
                Some(_) => fresh = between,
                None => over = between,
            }
        }
    }
    let token = AccessToken::of(&token);
    Some(FreshToken { token, generation, expires_at, until: Timestamp::from_millis(over) })
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.session().fmt(f)
    }
}

/// In a few words: see [`Task`].
impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.session().phase() {
            Phase::SignedOut { .. } => "Session(signed out)",
            Phase::SigningIn { .. } => "Session(signing in)",
            Phase::SignedIn => "Session(signed in)",
        })
    }
}
