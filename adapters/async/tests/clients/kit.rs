//! Nodes that share a store, and HTTP that waits as the test wants it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use webex_oauth_async::webex_oauth::{ConfigParts, Provider, Scope, Secret, Timestamp, TransportHints};
use webex_oauth_async::{
    AsyncHttp, AsyncStore, BoxFuture, Clients, ClientsBuilder, MemoryStore, Put, Request, Response, Saved, SendError,
    Store as _, StoreError, http,
};
use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Options, Simulator};

pub(crate) const TOKENS: &str = r#"{"access_token":"AT0","refresh_token":"RT0","expires_in":3600}"#;

pub(crate) fn tokens_of(user: &str) -> String {
    format!(r#"{{"access_token":"AT-{user}","refresh_token":"RT-{user}","expires_in":3600}}"#)
}

pub(crate) fn parts(base: &str) -> ConfigParts {
    let mut parts = ConfigParts::new(Provider::webex_at(base), CLIENT_ID);
    parts.client_secret = Some(CLIENT_SECRET.into());
    parts.redirect_uri = Some("http://127.0.0.1/callback".to_owned());
    parts.scope = Scope::parse("spark:people_read");
    parts
}

pub(crate) fn simulator() -> Simulator {
    Simulator::start(Options { rotate: true, ..Options::default() }).unwrap()
}

/// The database of all nodes.
#[derive(Clone, Default)]
pub(crate) struct Nodes {
    rows: Arc<Mutex<HashMap<String, Row>>>,
    /// What every save needs.
    pub(crate) writable: Arc<Writable>,
}

/// Saves wait while it is held.
#[derive(Debug)]
pub(crate) struct Writable {
    permits: Semaphore,
    waiting: AtomicUsize,
}

impl Default for Writable {
    fn default() -> Self {
        Self { permits: Semaphore::new(1), waiting: AtomicUsize::new(0) }
    }
}

impl Writable {
    /// No save is done while this lives.
    pub(crate) async fn hold(&self) -> SemaphorePermit<'_> {
        self.permits.acquire().await.unwrap()
    }

    pub(crate) async fn until_one_waits(&self) {
        until(|| self.waiting.load(Ordering::SeqCst) > 0).await;
    }
}

#[derive(Debug, Clone, Default)]
struct Row {
    store: MemoryStore,
    due_at: Arc<Mutex<Option<Timestamp>>>,
    writable: Arc<Writable>,
}

/// Within 30 s.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    let so = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), so).await.expect("it comes to that");
}

impl Nodes {
    pub(crate) fn builder(&self, parts: ConfigParts) -> ClientsBuilder<String> {
        let nodes = self.clone();
        Clients::builder(parts.build().unwrap()).store(move |key: &String| nodes.row(key))
    }

    fn row(&self, key: &str) -> Row {
        let mut rows = self.rows.lock().unwrap();
        let new = || Row { writable: Arc::clone(&self.writable), ..Row::default() };
        rows.entry(key.to_owned()).or_insert_with(new).clone()
    }

    pub(crate) fn store(&self, key: &str) -> MemoryStore {
        self.row(key).store
    }

    pub(crate) fn due(&self, key: &str) -> Option<Timestamp> {
        *self.row(key).due_at.lock().unwrap()
    }

    /// How many stores were asked for.
    pub(crate) fn opened(&self) -> usize {
        self.rows.lock().unwrap().len()
    }

    /// This user's access token is over.
    pub(crate) async fn expired(&self, clients: &Clients<String>, user: &str) {
        let client = clients.of(user.to_owned()).client().await.unwrap();
        client.adopt(r#"{"access_token":"AT0","refresh_token":"RT0","expires_in":0}"#).await.unwrap();
    }
}

impl AsyncStore for Row {
    fn load(&self) -> BoxFuture<'_, Result<Option<Secret>, StoreError>> {
        Box::pin(async { self.store.load() })
    }

    fn save(&self, put: Put) -> BoxFuture<'_, Result<Saved, StoreError>> {
        Box::pin(async move {
            self.writable.waiting.fetch_add(1, Ordering::SeqCst);
            let _permit = self.writable.hold().await;
            self.writable.waiting.fetch_sub(1, Ordering::SeqCst);
            *self.due_at.lock().unwrap() = put.due_at;
            self.store.save(&put)
        })
    }

    fn delete(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { self.store.delete() })
    }
}

/// Answers every request with new tokens: those that come while it holds, when it is released.
#[derive(Clone, Default)]
pub(crate) struct Waits {
    pub(crate) hold: Arc<AtomicBool>,
    sent: Arc<AtomicUsize>,
    released: Arc<(AtomicBool, Notify)>,
}

impl Waits {
    pub(crate) async fn until_sent(&self, requests: usize) {
        until(|| self.sent.load(Ordering::SeqCst) >= requests).await;
    }

    pub(crate) fn release(&self) {
        self.released.0.store(true, Ordering::SeqCst);
        self.released.1.notify_waiters();
    }
}

impl AsyncHttp for Waits {
    fn send(&self, _: Request, _: TransportHints) -> BoxFuture<'static, Result<Response, SendError>> {
        let waits = self.clone();
        Box::pin(async move {
            let is_held = waits.hold.load(Ordering::SeqCst);
            waits.sent.fetch_add(1, Ordering::SeqCst);
            let released = waits.released.1.notified();
            if is_held && !waits.released.0.load(Ordering::SeqCst) {
                released.await;
            }
            let body = r#"{"access_token":"AT1","refresh_token":"RT1","token_type":"Bearer","expires_in":3600}"#;
            let answer = http::Response::builder().header("content-type", "application/json");
            Ok(answer.body(body.as_bytes().to_vec()).unwrap())
        })
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn spawn(&self, work: BoxFuture<'static, ()>) {
        tokio::spawn(work);
    }
}
