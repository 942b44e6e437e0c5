//! What the host brings along may panic. That is a failure like any other: nobody is wedged by it, and neither `run` nor
//! a caller who only happened to be there ends with it.

mod kit;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kit::{Fake, Tasks, block_on};
use webex_oauth_async::webex_oauth::{Renewal, Secret};
use webex_oauth_async::{Client, ClientError, ClientEvent, MemoryStore, Put, Saved, Store, StoreError, StoreLock};

/// So many polls are more than enough for everything here.
const ENOUGH: usize = 1000;

/// Goes off once.
#[derive(Debug, Clone, Default)]
struct Mine(Arc<AtomicBool>);

impl Mine {
    fn lay(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn step_on(&self) {
        assert!(!self.0.swap(false, Ordering::SeqCst), "as the test wants it");
    }
}

/// Panics once in `save`, `load` or `try_lock`.
#[derive(Debug, Clone, Default)]
struct Mined {
    inner: MemoryStore,
    save: Mine,
    load: Mine,
    lock: Mine,
}

impl Store for Mined {
    fn load(&self) -> Result<Option<Secret>, StoreError> {
        self.load.step_on();
        self.inner.load()
    }

    fn save(&self, put: &Put) -> Result<Saved, StoreError> {
        self.save.step_on();
        self.inner.save(put)
    }

    fn delete(&self) -> Result<(), StoreError> {
        self.inner.delete()
    }

    fn try_lock(&self) -> Result<Option<StoreLock>, StoreError> {
        self.lock.step_on();
        self.inner.try_lock()
    }

    fn lock_domain(&self) -> Option<String> {
        self.inner.lock_domain()
    }
}

/// A token for somebody who has the time: what failed is tried again.
fn token_in_time(fake: &Fake, client: &Client) -> Result<String, ClientError> {
    let client = client.clone();
    let mut tasks = Tasks::new();
    let caller = tasks.spawn(async move { client.token().await.map(|token| token.expose().to_owned()) });
    for _ in 0..200 {
        tasks.run(ENOUGH);
        if let Some(result) = tasks.result(caller) {
            return result.clone();
        }
        fake.advance(Duration::from_millis(25));
    }
    panic!("no token within five seconds");
}

#[test]
fn a_save_that_panics_is_a_failed_save() {
    let fake = Fake::rotating(0);
    let store = Mined::default();
    let client = fake.with_expired(fake.builder().store(store.clone()));
    let mut events = client.events();
    store.save.lay();
    assert_eq!(token_in_time(&fake, &client), Ok("a1".to_owned()));
    let told = std::iter::from_fn(|| events.try_next());
    assert_eq!(told.filter(|event| matches!(event, ClientEvent::StoreFailed(_))).count(), 1);
    assert!(store.inner.load().unwrap().unwrap().expose().contains("r1"), "it was tried again");
}

/// The store shows first that it takes a save: a refresh whose answer is not kept may end the sign-in.
#[test]
fn where_a_save_panics_no_refresh_is_sent_while_the_token_lives() {
    let fake = Fake::rotating(0);
    let store = Mined::default();
    let client = block_on(fake.builder().store(store.clone()).open()).unwrap();
    block_on(client.adopt(r#"{"access_token":"a0","refresh_token":"r0","expires_in":3600}"#)).unwrap();
    fake.advance(Duration::from_secs(60));
    let mut events = client.events();
    store.save.lay();
    let refreshed = block_on(client.refresh());
    assert!(matches!(refreshed, Err(ClientError::Store { .. })), "{refreshed:?}");
    assert_eq!((fake.sends(), block_on(client.token()).unwrap().expose()), (0, "a0"));
    let told = std::iter::from_fn(|| events.try_next());
    assert_eq!(told.filter(|event| matches!(event, ClientEvent::StoreFailed(_))).count(), 1);
    fake.advance(Duration::from_secs(60));
    block_on(client.refresh()).unwrap();
    assert_eq!((fake.sends(), block_on(client.token()).unwrap().expose()), (1, "a1"));
}

#[test]
fn a_load_and_a_lock_that_panic_hold_nobody_up() {
    let fake = Fake::rotating(0);
    let store = Mined::default();
    let client = fake.with_expired(fake.builder().store(store.clone()));
    store.load.lay();
    store.lock.lay();
    assert_eq!(token_in_time(&fake, &client), Ok("a1".to_owned()));
    assert!(store.inner.try_lock().unwrap().is_some(), "the lock is free again");

    let store = Mined::default();
    let client = block_on(fake.builder().store(store.clone()).open()).unwrap();
    store.load.lay();
    // Somebody else may have signed in: nobody can tell.
    assert!(matches!(block_on(client.token()), Err(ClientError::Store(_))));
    assert!(matches!(block_on(client.token()), Err(ClientError::SignInRequired { .. })));
}

#[test]
fn a_callback_that_panics_has_failed() {
    let fake = Fake::rotating(0);
    let mine = Mine::default();
    let mut parts = kit::parts();
    parts.renewal = Renewal::HostToken;
    let asked = mine.clone();
    let builder = fake.builder_with(parts.build().unwrap()).ask_for_token(move |_| {
        let asked = asked.clone();
        async move {
            asked.step_on();
            Ok(Secret::from(r#"{"access_token":"a1","expires_in":3600}"#))
        }
    });
    let client = block_on(builder.open()).unwrap();
    block_on(client.adopt(r#"{"access_token":"a0","expires_in":3600}"#)).unwrap();
    mine.lay();
    let mut tasks = Tasks::new();
    let running = client.clone();
    let run = tasks.spawn(async move { running.run().await });
    fake.advance(Duration::from_secs(3600));
    tasks.run(ENOUGH);
    assert!(matches!(block_on(client.token()), Err(ClientError::Unavailable { .. })));
    // It goes on, and asks again.
    fake.advance(Duration::from_secs(60));
    tasks.run(ENOUGH);
    assert_eq!(block_on(client.token()).unwrap().expose(), "a1");
    block_on(client.close());
    tasks.run(ENOUGH);
    assert!(tasks.result(run).is_some(), "run() has ended by itself");
}

#[test]
fn a_transport_that_panics_has_brought_no_answer() {
    let mine = Mine::default();
    let sent = mine.clone();
    let fake = Fake::new(0, move |_| {
        sent.step_on();
        Ok(kit::tokens("a1", "r1", 3600))
    });
    let store = MemoryStore::new();
    let client = fake.with_expired(fake.builder().store(store.clone()));
    mine.lay();
    assert!(matches!(block_on(client.token()), Err(ClientError::Unavailable { .. })));
    assert!(store.try_lock().unwrap().is_some(), "the lock is free again");
    fake.advance(Duration::from_secs(60));
    assert_eq!(block_on(client.token()).unwrap().expose(), "a1");
}
