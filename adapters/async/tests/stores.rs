//! Stores: nothing of theirs blocks the executor, and they may be async themselves.

mod kit;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kit::{Fake, Tasks, block_on};
use webex_oauth_async::webex_oauth::Secret;
use webex_oauth_async::{AsyncStore, BoxFuture, Client, MemoryStore, Put, Saved, Store, StoreError, StoreLock};
use webex_oauth_simulator::{CLIENT_ID, CLIENT_SECRET, Options, Simulator};

/// A database as seen from here: each call goes away and comes back.
#[derive(Debug, Clone, Default)]
struct Database {
    rows: MemoryStore,
    saves: Arc<AtomicUsize>,
}

impl AsyncStore for Database {
    fn load(&self) -> BoxFuture<'_, Result<Option<Secret>, StoreError>> {
        Box::pin(async {
            kit::Yield::times(3).await;
            self.rows.load()
        })
    }

    fn save(&self, put: Put) -> BoxFuture<'_, Result<Saved, StoreError>> {
        Box::pin(async move {
            kit::Yield::times(3).await;
            self.saves.fetch_add(1, Ordering::SeqCst);
            self.rows.save(&put)
        })
    }

    fn delete(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { self.rows.delete() })
    }
}

#[test]
fn a_store_may_be_async_itself() {
    let fake = Fake::rotating(1);
    let database = Database::default();
    let client = fake.with_expired(fake.builder().async_store(database.clone()));
    assert_eq!(block_on(client.token()).unwrap().expose(), "a1");
    assert!(database.rows.load().unwrap().unwrap().expose().contains("r1"));
    assert_eq!(database.saves.load(Ordering::SeqCst), 3, "the sign-in, the intent, the result");
    // After a restart.
    let again = block_on(fake.builder().async_store(database).open()).unwrap();
    assert_eq!(block_on(again.token()).unwrap().expose(), "a1");
}

#[test]
fn two_clients_on_one_async_store_renew_once() {
    let fake = Fake::rotating(2);
    let database = Database::default();
    let first = fake.with_expired(fake.builder().async_store(database.clone()));
    let second = block_on(fake.builder().async_store(database).open()).unwrap();
    let mut tasks = Tasks::new();
    for client in [first, second] {
        tasks.spawn(async move { client.token().await.map(|token| token.expose().to_owned()) });
    }
    for _ in 0..200 {
        tasks.run(1000);
        fake.advance(Duration::from_millis(25));
    }
    assert_eq!([tasks.result(0), tasks.result(1)], [Some(&Ok("a1".to_owned())); 2]);
    assert_eq!(fake.sends(), 1);
}

/// Each of its calls blocks for so long.
#[derive(Debug, Clone, Default)]
struct Slow(MemoryStore);

const SLOW: Duration = Duration::from_millis(300);

impl Store for Slow {
    fn load(&self) -> Result<Option<Secret>, StoreError> {
        std::thread::sleep(SLOW);
        self.0.load()
    }

    fn save(&self, put: &Put) -> Result<Saved, StoreError> {
        std::thread::sleep(SLOW);
        self.0.save(put)
    }

    fn delete(&self) -> Result<(), StoreError> {
        self.0.delete()
    }

    fn try_lock(&self) -> Result<Option<StoreLock>, StoreError> {
        std::thread::sleep(SLOW);
        self.0.try_lock()
    }

    fn lock_domain(&self) -> Option<String> {
        std::thread::sleep(SLOW);
        self.0.lock_domain()
    }
}

/// On one thread: whatever blocks is seen by the timer beside it.
#[tokio::test]
async fn a_slow_store_blocks_nobody_else_not_even_while_the_client_is_opened() {
    let simulator = Simulator::start(Options { rotate: true, ..Options::default() }).unwrap();
    let late = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&late);
    let ticking = tokio::spawn(async move {
        loop {
            let begun = Instant::now();
            tokio::time::sleep(Duration::from_millis(1)).await;
            let millis = u64::try_from(begun.elapsed().as_millis()).unwrap();
            seen.fetch_max(millis, Ordering::SeqCst);
        }
    });
    let mut parts = kit::parts_at(simulator.base_url(), CLIENT_ID);
    parts.client_secret = Some(CLIENT_SECRET.into());
    let config = parts.build().unwrap();
    let begun = Instant::now();
    let client = Client::builder(config).store(Slow::default()).open().await.unwrap();
    assert!(begun.elapsed() >= SLOW * 2, "it was loaded, and its lock named");
    let issued = simulator.issue(CLIENT_ID, "spark:people_read").unwrap();
    let tokens = format!(
        r#"{{"access_token":"{}","refresh_token":"{}","expires_in":0}}"#,
        issued.access_token, issued.refresh_token
    );
    client.adopt(tokens).await.unwrap();
    client.token().await.unwrap();
    client.close().await;
    ticking.abort();
    let late = late.load(Ordering::SeqCst);
    assert!(late < 200, "a timer of one millisecond took {late}");
}
