//! Logins under way. The browser keeps each of them, sealed, and brings it to whichever node: however many visitors never come
//! back, nothing of them is kept here. Only one that came back is in the store, so that a callback that comes twice is used
//! once, also where it comes to two nodes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use webex_oauth_async::webex_oauth::protocol::callback::{self, Expected, Outcome};
use webex_oauth_async::webex_oauth::{CallbackIgnored, Config, Flow, LoginOptions, Secret};
use webex_oauth_async::{Client, ClientError, Reqwest};

use crate::sessions::{KEY_LEN, Sessions, random_key};

/// For so long a login that came back is remembered: longer than the browser keeps it.
const REMEMBERED: Duration = Duration::from_secs(16 * 60);
/// For so long the same callback again leads to the same session: a person who clicked twice.
const TWICE: Duration = Duration::from_secs(60);
/// So many are remembered at once; beyond that the oldest go.
const MOST: usize = 10_000;

pub(crate) struct Logins {
    config: Config,
    http: Reqwest,
    back: Mutex<HashMap<String, Back>>,
}

/// A login that came back. Who holds its end decides about it; others wait.
struct Back {
    at: Instant,
    end: Arc<tokio::sync::Mutex<End>>,
}

#[derive(Default)]
enum End {
    #[default]
    Open,
    SignedIn {
        callback: Secret,
        session: String,
        to_front: bool,
    },
    Spent,
}

/// What the browser keeps of a login.
struct Login<'a> {
    id: &'a str,
    flow: Flow,
    state: &'a str,
    snapshot: &'a str,
}

impl<'a> Login<'a> {
    fn read(kept: &'a str) -> Option<Self> {
        let (id, rest) = kept.split_at_checked(KEY_LEN)?;
        let (flow, rest) = rest.split_at_checked(1)?;
        let (state, snapshot) = rest.split_once(' ')?;
        Some(Self { id, flow: if flow == "i" { Flow::Implicit } else { Flow::Code }, state, snapshot })
    }
}

/// The state that goes to the server and comes back.
fn state_of(url: &str) -> String {
    let url = url::Url::parse(url);
    let state = url.iter().flat_map(|url| url.query_pairs()).find(|(name, _)| name == "state");
    state.map(|(_, state)| state.into_owned()).unwrap_or_default()
}

impl End {
    /// A callback that is not the login's leaves it waiting.
    fn ended_by(&mut self, error: &ClientError) {
        if !matches!(error, ClientError::CallbackIgnored { .. }) {
            *self = Self::Spent;
        }
    }
}

/// A login that worked out.
pub(crate) struct Ended {
    /// The key of the new session. It is new: nobody could know it before.
    pub(crate) session: String,
    pub(crate) client: Client,
    pub(crate) to_front: bool,
}

impl Logins {
    pub(crate) fn new(config: Config, http: Reqwest) -> Self {
        Self { config, http, back: Mutex::default() }
    }

    /// The URL to bring the browser to, and what it has to keep until it comes back.
    pub(crate) async fn begin(&self, options: LoginOptions) -> Result<(Secret, String), ClientError> {
        let (id, is_implicit) = (random_key()?, options.flow == Flow::Implicit);
        let client = Client::builder(self.config.clone()).http(self.http.clone()).open().await?;
        let url = client.begin_login(options).await?;
        let flow = if is_implicit { 'i' } else { 'c' };
        let kept = format!("{id}{flow}{} {}", state_of(url.expose()), client.snapshot().expose());
        Ok((url, kept))
    }

    /// Completes the login that the browser kept. The tokens go into a session of their own.
    pub(crate) async fn complete(
        &self,
        sessions: &Sessions,
        login: &str,
        callback: String,
    ) -> Result<Ended, ClientError> {
        let ignored = |reason| ClientError::CallbackIgnored { reason };
        let none = || ignored(CallbackIgnored::NoLoginPending);
        let login = Login::read(login).ok_or_else(none)?;
        let (at, end) = self.back(login.id);
        let mut end = end.lock().await;
        match &*end {
            End::Open => {}
            End::SignedIn { callback: first, session, to_front }
                if *first.expose() == *callback && at.elapsed() < TWICE =>
            {
                let (session, to_front) = (session.clone(), *to_front);
                let client = sessions.get(&session).await?.ok_or_else(none)?;
                return Ok(Ended { session, client, to_front });
            }
            End::SignedIn { .. } | End::Spent => return Err(none()),
        }
        self.check(&login, &callback).inspect_err(|error| end.ended_by(error))?;
        let completed = sessions.complete(login.id, login.snapshot.into(), callback.clone().into()).await;
        let completed = completed.inspect_err(|error| end.ended_by(error))?;
        *end = End::Spent;
        let (session, done) = completed.ok_or_else(none)?;
        let state: Value = done.state.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let to_front = state["to"] == "front";
        let client = sessions.get(&session).await?.ok_or_else(none)?;
        *end = End::SignedIn { callback: callback.into(), session: session.clone(), to_front };
        Ok(Ended { session, client, to_front })
    }

    /// A callback that brings nothing to redeem, or is another login's, leaves nothing in the store.
    fn check(&self, login: &Login<'_>, callback: &str) -> Result<(), ClientError> {
        let (provider, parts) = (self.config.provider(), self.config.parts());
        let expected = Expected {
            flow: login.flow,
            redirect_uri: parts.redirect_uri.as_deref().unwrap_or_default(),
            state: login.state,
            issuer: provider.issuer.as_deref(),
            issuer_required: provider.issuer_required,
        };
        let read = callback::read(callback, &expected, webex_oauth_driver::now());
        match read.map_err(|reason| ClientError::CallbackIgnored { reason })?.outcome {
            Outcome::Code(_) | Outcome::Tokens(_) => Ok(()),
            Outcome::Failed(fault) => Err(ClientError::LoginFailed { fault: Arc::new(fault) }),
        }
    }

    /// Forgets those that came back long ago.
    pub(crate) fn sweep(&self) {
        self.lock().retain(|_, back| back.at.elapsed() < REMEMBERED);
    }

    fn back(&self, id: &str) -> (Instant, Arc<tokio::sync::Mutex<End>>) {
        let mut back = self.lock();
        if back.len() >= MOST && !back.contains_key(id) {
            let oldest = back.iter().min_by_key(|(_, back)| back.at).map(|(id, _)| id.clone());
            oldest.and_then(|id| back.remove(&id));
        }
        let login = back.entry(id.to_owned()).or_insert_with(|| Back { at: Instant::now(), end: Arc::default() });
        (login.at, Arc::clone(&login.end))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Back>> {
        self.back.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
