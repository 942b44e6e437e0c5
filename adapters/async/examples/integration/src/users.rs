//! One session per user: each has a client of its own, with a store of its own, under a key that nobody can guess.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use webex_oauth_async::webex_oauth::Config;
use webex_oauth_async::{Client, ClientError, FileStore, MemoryStore, Reqwest, Store as _};

/// A login that nobody finishes is forgotten after so long.
const UNFINISHED: Duration = Duration::from_secs(15 * 60);
/// A user who does not come back leaves memory after so long.
const IDLE: Duration = Duration::from_secs(12 * 3600);
/// So many at once; whoever begins a login beyond that takes the place of the oldest unfinished one.
const MOST: usize = 20_000;

/// Everybody who is here, or on the way.
pub(crate) struct Users {
    config: Config,
    http: Reqwest,
    folder: Option<PathBuf>,
    here: Mutex<HashMap<String, Here>>,
    debug: bool,
}

struct Here {
    client: Client,
    seen: Instant,
    running: tokio::task::JoinHandle<()>,
}

impl Users {
    pub(crate) fn new(config: Config, http: Reqwest, folder: Option<PathBuf>, debug: bool) -> Self {
        Self { config, http, folder, here: Mutex::default(), debug }
    }

    /// Room for somebody new: the key, and a client that nobody has used.
    pub(crate) fn create(&self) -> Result<(String, Client), ClientError> {
        let key = random_key()?;
        let client = self.open(&key)?;
        self.make_room();
        self.insert(key.clone(), client.clone());
        Ok((key, client))
    }

    /// Who has this key. After a restart that is read from the folder.
    pub(crate) fn get(&self, key: &str) -> Option<Client> {
        if let Some(here) = self.lock().get_mut(key) {
            here.seen = Instant::now();
            return Some(here.client.clone());
        }
        // Two requests may come here at once; the second one to arrive takes what the first one has opened.
        let stored = self.file(key)?.load().ok()?;
        stored.as_ref()?;
        let client = self.open(key).ok()?;
        Some(self.insert(key.to_owned(), client))
    }

    /// This user is gone, here and in the folder.
    pub(crate) fn forget(&self, key: &str) {
        if let Some(here) = self.lock().remove(key) {
            tokio::spawn(here.end());
        }
        if let Some(file) = self.file(key) {
            // Nothing in it is valid any longer; what cannot be deleted is no more than untidy.
            let _ = file.delete();
        }
    }

    /// Forgets who never finished a login, and takes those out of memory who have not been seen for long.
    pub(crate) fn sweep(&self) {
        let gone: Vec<Here> = {
            let mut here = self.lock();
            let over = |user: &Here| {
                let limit = if is_signed_in(&user.client) { IDLE } else { UNFINISHED };
                user.seen.elapsed() > limit
            };
            let keys: Vec<String> = here.iter().filter(|(_, user)| over(user)).map(|(key, _)| key.clone()).collect();
            keys.iter().filter_map(|key| here.remove(key)).collect()
        };
        for here in gone {
            tokio::spawn(here.end());
        }
    }

    /// Finishes what is under way for everybody.
    pub(crate) async fn close(&self) {
        let everybody: Vec<Here> = self.lock().drain().map(|(_, here)| here).collect();
        for here in everybody {
            here.end().await;
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    fn open(&self, key: &str) -> Result<Client, ClientError> {
        let builder = Client::builder(self.config.clone()).http(self.http.clone());
        match self.file(key) {
            Some(file) => builder.store(file).open(),
            None => builder.store(MemoryStore::new()).open(),
        }
    }

    fn file(&self, key: &str) -> Option<FileStore> {
        // Keys come from a signed cookie; all the same, only what can be a key becomes a path.
        let is_key = key.len() == KEY_LEN && key.bytes().all(|byte| byte.is_ascii_hexdigit());
        let folder = self.folder.as_ref().filter(|_| is_key)?;
        Some(FileStore::new(folder.join(format!("{key}.json"))))
    }

    fn insert(&self, key: String, client: Client) -> Client {
        let mut here = self.lock();
        let user = here.entry(key).or_insert_with(|| {
            let running = client.clone();
            let mut events = self.debug.then(|| client.events());
            let running = tokio::spawn(async move {
                if let Some(mut events) = events.take() {
                    tokio::spawn(async move {
                        while let Some(event) = events.next().await {
                            eprintln!("oauth: {}", event.name());
                        }
                    });
                }
                running.run().await;
            });
            Here { client, seen: Instant::now(), running }
        });
        user.client.clone()
    }

    /// Where there are too many, the oldest of those who are not signed in goes.
    fn make_room(&self) {
        let mut here = self.lock();
        if here.len() < MOST {
            return;
        }
        let unfinished = here.iter().filter(|(_, user)| !is_signed_in(&user.client));
        let oldest = unfinished.min_by_key(|(_, user)| user.seen).map(|(key, _)| key.clone());
        if let Some(here) = oldest.and_then(|key| here.remove(&key)) {
            tokio::spawn(here.end());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Here>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Here {
    async fn end(self) {
        self.client.close().await;
        self.running.abort();
    }
}

pub(crate) fn is_signed_in(client: &Client) -> bool {
    client.tokens().is_some()
}

const KEY_LEN: usize = 32;

fn random_key() -> Result<String, ClientError> {
    let mut bytes = [0_u8; KEY_LEN / 2];
    getrandom::fill(&mut bytes).map_err(|_| ClientError::Randomness)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
