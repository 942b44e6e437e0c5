//! One session per user: each has a client of its own, with a store of its own, under a key that nobody can guess.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use webex_oauth_async::webex_oauth::{Config, Secret};
use webex_oauth_async::{Client, ClientError, FileStore, MemoryStore, Put, Replaces, Reqwest, Store as _};

/// A user who does not come back leaves memory after so long.
const IDLE: Duration = Duration::from_secs(12 * 3600);
/// A file that was not written for so long belongs to nobody: the cookie that names it is gone, too.
const ABANDONED: Duration = Duration::from_secs(91 * 24 * 3600);
/// So many in memory at once; beyond that, whoever was not seen for longest has to be read from the folder again, and
/// where there is none, has to sign in again.
const MOST: usize = 20_000;

/// Everybody who is signed in.
pub(crate) struct Sessions {
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

impl Sessions {
    pub(crate) fn new(config: Config, http: Reqwest, folder: Option<PathBuf>, debug: bool) -> Self {
        Self { config, http, folder, here: Mutex::default(), debug }
    }

    /// A session for somebody who has just signed in, under a new key.
    pub(crate) async fn create(&self, snapshot: &Secret) -> Result<(String, Client), ClientError> {
        // Under a new key there is nothing that could be in the way.
        let (key, put) = (random_key()?, Put::of(snapshot.clone(), Replaces::Nothing)?);
        let client = match self.file(&key) {
            Some(file) => {
                let _ = file.save(&put)?;
                self.builder().store(file).open().await
            }
            None => {
                let store = MemoryStore::new();
                let _ = store.save(&put)?;
                self.builder().store(store).open().await
            }
        }?;
        let client = self.insert(key.clone(), client);
        Ok((key, client))
    }

    /// Who has this key. After a restart that is read from the folder.
    pub(crate) async fn get(&self, key: &str) -> Option<Client> {
        if let Some(here) = self.lock().get_mut(key) {
            here.seen = Instant::now();
            return Some(here.client.clone());
        }
        // Two requests may come here at once; the second one to arrive takes what the first one has opened.
        let file = self.file(key)?;
        file.load().ok()??;
        let client = self.builder().store(file).open().await.ok()?;
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

    /// Takes those out of memory who have not been seen for long, and forgets those who are not signed in any longer.
    pub(crate) fn sweep(&self) {
        let over: Vec<(String, bool)> = {
            let here = self.lock();
            let over = here.iter().filter_map(|(key, user)| {
                let ended = !is_signed_in(&user.client);
                (ended || user.seen.elapsed() > IDLE).then(|| (key.clone(), ended))
            });
            over.collect()
        };
        for (key, ended) in over {
            if ended {
                self.forget(&key);
            } else if let Some(here) = self.lock().remove(&key) {
                tokio::spawn(here.end());
            }
        }
    }

    /// Deletes the files of sessions that nobody can come back to.
    pub(crate) fn sweep_folder(&self) {
        let files = self.folder.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        for file in files {
            let written = file.metadata().and_then(|file| file.modified());
            let age = written.ok().and_then(|at| SystemTime::now().duration_since(at).ok()).unwrap_or_default();
            let is_session = file.file_name().to_str().and_then(|name| name.get(..KEY_LEN)).is_some_and(is_key);
            if is_session && age > ABANDONED {
                // What cannot be deleted is no more than untidy.
                let _ = std::fs::remove_file(file.path());
            }
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

    fn builder(&self) -> webex_oauth_async::ClientBuilder {
        Client::builder(self.config.clone()).http(self.http.clone())
    }

    fn file(&self, key: &str) -> Option<FileStore> {
        // Keys come from a sealed cookie; all the same, only what can be a key becomes a path.
        let folder = self.folder.as_ref().filter(|_| key.len() == KEY_LEN && is_key(key))?;
        Some(FileStore::new(folder.join(format!("{key}.json"))))
    }

    fn insert(&self, key: String, client: Client) -> Client {
        let mut here = self.lock();
        if here.len() >= MOST && !here.contains_key(&key) {
            let oldest = here.iter().min_by_key(|(_, user)| user.seen).map(|(key, _)| key.clone());
            if let Some(here) = oldest.and_then(|key| here.remove(&key)) {
                tokio::spawn(here.end());
            }
        }
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

pub(crate) const KEY_LEN: usize = 32;

fn is_key(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

pub(crate) fn random_key() -> Result<String, ClientError> {
    let mut bytes = [0_u8; KEY_LEN / 2];
    getrandom::fill(&mut bytes).map_err(|_| ClientError::Randomness)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
