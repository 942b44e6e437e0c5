//! Logins under way. The browser keeps each of them, sealed: however many visitors never come back, nothing of them is
//! kept here. Only those that came back are remembered for a while, so that a callback that comes twice is used once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use webex_oauth_async::webex_oauth::{CallbackIgnored, Config, LoginOptions, Secret, SignOutOptions};
use webex_oauth_async::{Client, ClientError, MemoryStore, Put, Replaces, Reqwest, Store as _};

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
        let id = random_key()?;
        let client = self.open(MemoryStore::new()).await?;
        let url = client.begin_login(options).await?;
        Ok((url, id + client.snapshot().expose()))
    }

    /// Completes the login that the browser kept. The tokens go into a session of their own.
    pub(crate) async fn complete(
        &self,
        sessions: &Sessions,
        login: &str,
        callback: String,
    ) -> Result<Ended, ClientError> {
        let none = || ClientError::CallbackIgnored { reason: CallbackIgnored::NoLoginPending };
        let (id, snapshot) = login.split_at_checked(KEY_LEN).ok_or_else(none)?;
        let (at, end) = self.back(id);
        let mut end = end.lock().await;
        match &*end {
            End::Open => {}
            End::SignedIn { callback: first, session, to_front }
                if *first.expose() == *callback && at.elapsed() < TWICE =>
            {
                let (session, to_front) = (session.clone(), *to_front);
                let client = sessions.get(&session).await.ok_or_else(none)?;
                return Ok(Ended { session, client, to_front });
            }
            End::SignedIn { .. } | End::Spent => return Err(none()),
        }
        let store = MemoryStore::new();
        // A new store holds nothing that could be in the way.
        let _ = store.save(&Put::of(snapshot.into(), Replaces::Nothing)?)?;
        let client = self.open(store).await?;
        let done = match client.complete_login(callback.clone()).await {
            Ok(done) => done,
            Err(error) => {
                if !matches!(error, ClientError::CallbackIgnored { .. }) {
                    *end = End::Spent;
                }
                return Err(error);
            }
        };
        *end = End::Spent;
        let state: Value = done.state.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let to_front = state["to"] == "front";
        let (session, client) = match sessions.create(&client.snapshot()).await {
            Ok(created) => created,
            Err(error) => {
                // What cannot be kept must not live on at Webex either.
                let _ = client.sign_out(SignOutOptions::default()).await;
                return Err(error);
            }
        };
        *end = End::SignedIn { callback: callback.into(), session: session.clone(), to_front };
        Ok(Ended { session, client, to_front })
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

    async fn open(&self, store: MemoryStore) -> Result<Client, ClientError> {
        Client::builder(self.config.clone()).http(self.http.clone()).store(store).open().await
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Back>> {
        self.back.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
