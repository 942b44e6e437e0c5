//! Stores that are shared, that fail, and processes that die.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use webex_oauth_simulator::{Fault, FaultKind, Simulator};
use webex_oauth_ureq::webex_oauth::{Secret, SignOutOptions};
use webex_oauth_ureq::{
    Client, ClientError, ClientEvent, FileStore, MemoryStore, Put, Saved, Store, StoreError, StoreLock,
};

use crate::kit::{Clock, builder, is_refreshed, parts, prepare, rotating, signed_in, simulator, wait_for};

/// A store that can be told to fail, or to end the process.
#[derive(Debug, Clone)]
struct Fragile<S> {
    inner: S,
    fails: Arc<AtomicBool>,
    busy: Arc<AtomicBool>,
    /// How often the lock was asked for.
    asked: Arc<AtomicI64>,
    dies_after: Arc<AtomicI64>,
}

impl<S> Fragile<S> {
    fn new(inner: S) -> Self {
        let dies_after = Arc::new(AtomicI64::new(i64::MAX));
        Self { inner, fails: Arc::default(), busy: Arc::default(), asked: Arc::default(), dies_after }
    }

    fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }
}

impl<S: Store> Store for Fragile<S> {
    fn load(&self) -> Result<Option<Secret>, StoreError> {
        self.inner.load()
    }

    fn save(&self, put: &Put) -> Result<Saved, StoreError> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(StoreError::Full { what: "/full".into() });
        }
        let saved = self.inner.save(put);
        if self.dies_after.fetch_sub(1, Ordering::SeqCst) <= 1 {
            std::process::exit(86);
        }
        saved
    }

    fn delete(&self) -> Result<(), StoreError> {
        self.inner.delete()
    }

    fn try_lock(&self) -> Result<Option<StoreLock>, StoreError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.busy.load(Ordering::SeqCst) { Ok(None) } else { self.inner.try_lock() }
    }

    fn lock_domain(&self) -> Option<String> {
        self.inner.lock_domain()
    }
}

#[test]
fn a_full_disk_loses_no_tokens_and_is_told() {
    let simulator = simulator();
    let store = Fragile::new(MemoryStore::new());
    let clock = Clock::default();
    let client = signed_in(&simulator, builder(&simulator).store(store.clone()).clock(clock.read()), 0);
    let events = client.events();
    store.fail(true);
    client.token().unwrap();
    wait_for(&events, |event| matches!(event, ClientEvent::StoreFailed(StoreError::Full { .. })));
    assert!(client.store_error().is_some());
    store.fail(false);
    clock.advance(11);
    client.refresh().unwrap();
    wait_for(&events, |event| *event == ClientEvent::StoreRecovered);
    assert_eq!(client.store_error(), None);
    let reopened = builder(&simulator).store(store).clock(clock.read()).open().unwrap();
    assert_eq!(reopened.token().unwrap(), client.token().unwrap());
}

/// On a server that rotates, a refresh whose answer is not kept ends the sign-in.
#[test]
fn a_refresh_that_could_not_be_stored_is_not_sent_while_the_token_lives() {
    let simulator = simulator();
    let store = Fragile::new(MemoryStore::new());
    let clock = Clock::default();
    let client = signed_in(&simulator, builder(&simulator).store(store.clone()).clock(clock.read()), 3600);
    let old = client.token().unwrap();
    clock.advance(60);
    store.fail(true);
    assert!(matches!(client.refresh(), Err(ClientError::Store(StoreError::Full { .. }))));
    assert_eq!(client.token().unwrap(), old, "it lives, and is given out");
    assert_eq!(simulator.counters().refreshes_attempted, 0);
    store.fail(false);
    clock.advance(60);
    client.refresh().unwrap();
    assert_ne!(client.token().unwrap(), old);
    assert_eq!(simulator.counters().refreshes_attempted, 1);
}

/// Webex's server is known to leave the refresh token as it is. Another one may not.
#[test]
fn at_a_server_that_rotates_it_is_not_sent_when_the_token_has_ended_either() {
    let simulator = simulator();
    let store = Fragile::new(MemoryStore::new());
    let clock = Clock::default();
    let builder = Client::builder(rotating(&simulator).build().unwrap()).store(store.clone()).clock(clock.read());
    let client = signed_in(&simulator, builder, 3600);
    let old = client.token().unwrap();
    store.fail(true);
    assert!(matches!(client.refresh(), Err(ClientError::Store(StoreError::Full { .. }))));
    assert_eq!(client.token().unwrap(), old, "it lives, and is given out");
    clock.advance(3700);
    assert!(matches!(client.token(), Err(ClientError::Store(StoreError::Full { .. }))));
    assert_eq!(simulator.counters().refreshes_attempted, 0);
    store.fail(false);
    client.refresh().unwrap();
    assert_ne!(client.token().unwrap(), old);
    assert_eq!(simulator.counters().refreshes_attempted, 1);
}

#[test]
fn a_sign_out_that_is_not_stored_is_an_error_and_is_stored_at_the_end() {
    let simulator = simulator();
    let store = Fragile::new(MemoryStore::new());
    let client = signed_in(&simulator, builder(&simulator).store(store.clone()), 3600);
    store.fail(true);
    let options = SignOutOptions { revoke: false, ..SignOutOptions::default() };
    assert!(matches!(client.sign_out(options), Err(ClientError::Store(StoreError::Full { .. }))));
    assert!(client.token().is_err());
    store.fail(false);
    drop(client);
    assert!(store.load().unwrap().unwrap().expose().contains("by_user"));
}

#[test]
fn what_cannot_be_read_is_refused_and_left_alone() {
    let simulator = simulator();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.json");
    for (bytes, wanted) in [
        ("{", "the stored session is damaged or not one"),
        (r#"{"webex_oauth":99,"revision":1}"#, "the stored session is of version 99, this library reads up to 2"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let error = builder(&simulator).store(FileStore::new(&path)).open().unwrap_err();
        assert_eq!(error.to_string(), wanted);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), bytes);
    }
}

#[test]
fn two_clients_on_one_store_refresh_once() {
    let simulator = simulator();
    let store = MemoryStore::new();
    prepare(&simulator, store.clone());
    let one = builder(&simulator).store(store.clone()).open().unwrap();
    let two = builder(&simulator).store(store).open().unwrap();
    std::thread::scope(|scope| {
        let (a, b) = (scope.spawn(|| one.token().unwrap()), scope.spawn(|| two.token().unwrap()));
        assert_eq!(a.join().unwrap(), b.join().unwrap());
    });
    let counters = simulator.counters();
    assert_eq!((counters.refreshes_attempted, counters.reuse_detected), (1, 0));
}

#[test]
fn a_sign_in_elsewhere_is_noticed() {
    let simulator = simulator();
    let store = MemoryStore::new();
    let late = builder(&simulator).store(store.clone()).open().unwrap();
    assert!(late.token().is_err());
    let client = signed_in(&simulator, builder(&simulator).store(store), 3600);
    assert_eq!(late.token().unwrap(), client.token().unwrap());
}

#[test]
fn a_sign_in_to_a_store_that_was_begun_anew_is_noticed() {
    let simulator = simulator();
    let store = MemoryStore::new();
    let clock = Clock::default();
    let one = signed_in(&simulator, builder(&simulator).store(store.clone()).clock(clock.read()), 3600);
    for _ in 0..3 {
        clock.advance(60);
        one.refresh().unwrap();
    }
    one.sign_out(SignOutOptions::default()).unwrap();
    store.delete().unwrap();
    clock.advance(60);
    let other = signed_in(&simulator, builder(&simulator).store(store).clock(clock.read()), 3600);
    assert_eq!(one.token().unwrap(), other.token().unwrap());
}

#[test]
fn a_lock_that_nobody_lets_go_of_blocks_no_token_that_lives() {
    let simulator = simulator();
    let store = MemoryStore::new();
    let clock = Clock::default();
    let client = signed_in(&simulator, builder(&simulator).store(store.clone()).clock(clock.read()), 1000);
    let token = client.token().unwrap();
    let held = store.try_lock().unwrap().unwrap();
    clock.advance(901);
    assert_eq!(client.token().unwrap(), token);
    let events = client.events();
    drop(held);
    wait_for(&events, is_refreshed);
}

/// A lock only makes waiting shorter: who holds it for longer than any request takes is not there any longer.
#[test]
fn a_lock_that_nobody_lets_go_of_holds_up_a_refresh_for_a_lease_and_no_longer() {
    let simulator = simulator();
    let store = Fragile::new(MemoryStore::new());
    let mut parts = parts(&simulator);
    parts.request_timeout = Duration::from_secs(1);
    store.busy.store(true, Ordering::SeqCst);
    let client = signed_in(&simulator, Client::builder(parts.build().unwrap()).store(store.clone()), 0);
    let begun = Instant::now();
    client.token().unwrap();
    let waited = begun.elapsed();
    assert!((Duration::from_secs(5)..Duration::from_secs(9)).contains(&waited), "{waited:?}");
    assert_eq!(simulator.counters().refreshes_attempted, 1);
}

#[test]
fn a_refresh_that_waits_for_the_lock_when_the_client_is_closed_is_not_made() {
    let simulator = simulator();
    let store = Fragile::new(MemoryStore::new());
    prepare(&simulator, store.clone());
    let held = store.inner.try_lock().unwrap().unwrap();
    let asked = Arc::clone(&store.asked);
    let client = builder(&simulator).store(store).open().unwrap();
    let events = client.events();
    std::thread::scope(|scope| {
        let closer = scope.spawn(|| {
            while asked.load(Ordering::SeqCst) == 0 {
                std::thread::yield_now();
            }
            client.close();
        });
        assert_eq!(client.token(), Err(ClientError::Closed));
        drop(held);
        closer.join().unwrap();
    });
    assert_eq!(simulator.counters().refreshes_attempted, 0);
    assert!(!events.try_iter().any(|event| is_refreshed(&event)));
    assert!(!client.status().is_refreshing, "and it is over");
}

/// What [`child`] does in another process.
fn spawn(simulator: &Simulator, path: &Path, dies_after: i64) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "stores::child", "--ignored", "--nocapture"])
        .env("CHILD_BASE", simulator.base_url())
        .env("CHILD_STORE", path)
        .env("CHILD_DIES_AFTER", dies_after.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "runs in a process of its own, started by the others"]
fn child() {
    let var = |name: &str| std::env::var(name).unwrap();
    let mut parts = webex_oauth_ureq::webex_oauth::ConfigParts::new(
        webex_oauth_ureq::webex_oauth::Provider::webex_at(&var("CHILD_BASE")),
        webex_oauth_simulator::CLIENT_ID,
    );
    parts.client_secret = Some(webex_oauth_simulator::CLIENT_SECRET.into());
    let store = Fragile::new(FileStore::new(var("CHILD_STORE")));
    store.dies_after.store(var("CHILD_DIES_AFTER").parse().unwrap(), Ordering::SeqCst);
    let client = Client::builder(parts.build().unwrap()).store(store).open().unwrap();
    client.token().unwrap();
}

#[test]
fn of_four_processes_on_an_expired_token_one_refreshes() {
    let simulator = simulator();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.json");
    prepare(&simulator, FileStore::new(&path));
    simulator.fault(Fault::slow(300).on_grant("refresh_token"));
    let children: Vec<_> = (0..4).map(|_| spawn(&simulator, &path, i64::MAX)).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let counters = simulator.counters();
    assert_eq!((counters.refreshes_attempted, counters.reuse_detected), (1, 0));
}

#[test]
fn a_process_that_dies_after_it_stored_the_tokens_has_lost_nothing() {
    let simulator = simulator();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.json");
    prepare(&simulator, FileStore::new(&path));
    assert_eq!(spawn(&simulator, &path, 1).wait().unwrap().code(), Some(86));
    let client = builder(&simulator).store(FileStore::new(&path)).open().unwrap();
    client.token().unwrap();
    client.refresh().unwrap();
    let counters = simulator.counters();
    assert_eq!((counters.refreshes_attempted, counters.reuse_detected), (2, 0));
}

#[test]
fn a_process_that_dies_in_a_refresh_leaves_no_lock() {
    let simulator = simulator();
    simulator.configure(|options| options.reuse_grace_ms = 60_000);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.json");
    prepare(&simulator, FileStore::new(&path));
    simulator.fault(Fault::new(FaultKind::Hold { after: true }).on_grant("refresh_token"));
    let mut child = spawn(&simulator, &path, i64::MAX);
    assert!(simulator.wait_for(Duration::from_secs(20), |log| !log.is_empty()));
    child.kill().unwrap();
    child.wait().unwrap();
    let client = builder(&simulator).store(FileStore::new(&path)).open().unwrap();
    client.token().unwrap();
    simulator.release();
    assert_eq!(simulator.counters().refreshes_attempted, 2);
}
