//! What only a real executor can get wrong: threads, stores and callbacks that never return, listeners that do not listen.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use webex_oauth_simulator::Fault;
use webex_oauth_ureq::webex_oauth::{Renewal, Secret};
use webex_oauth_ureq::{Client, ClientError, MemoryStore, Put, Saved, Store, StoreError, StoreLock};

use crate::kit::{Clock, builder, handoff, is_refreshed, issue, parts, prepare, signed_in, simulator, wait_for};

const SHORT: Duration = Duration::from_millis(300);

/// Lets nobody through until it is opened.
#[derive(Debug, Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        drop(self.0.1.wait_while(self.0.0.lock().unwrap(), |open| !*open).unwrap());
    }
}

/// A store that does not answer any longer, from a certain moment on.
#[derive(Debug, Clone, Default)]
struct Hanging {
    inner: MemoryStore,
    hangs: Arc<AtomicBool>,
    gate: Gate,
}

impl Hanging {
    fn wait(&self) {
        if self.hangs.load(Ordering::SeqCst) {
            self.gate.pass();
        }
    }
}

impl Store for Hanging {
    fn load(&self) -> Result<Option<Secret>, StoreError> {
        self.wait();
        self.inner.load()
    }

    fn save(&self, put: &Put) -> Result<Saved, StoreError> {
        self.wait();
        self.inner.save(put)
    }

    fn delete(&self) -> Result<(), StoreError> {
        self.inner.delete()
    }

    fn try_lock(&self) -> Result<Option<StoreLock>, StoreError> {
        self.wait();
        self.inner.try_lock()
    }

    fn lock_domain(&self) -> Option<String> {
        self.inner.lock_domain()
    }
}

#[test]
fn a_store_that_never_answers_keeps_nobody_beyond_patience_and_not_at_the_end() {
    let simulator = simulator();
    let store = Hanging::default();
    prepare(&simulator, store.clone());
    let mut parts = parts(&simulator);
    (parts.request_timeout, parts.refresh.proactive) = (Duration::from_secs(1), false);
    let client = Client::builder(parts.build().unwrap()).store(store.clone()).patience(SHORT).open().unwrap();
    store.hangs.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    assert!(matches!(client.token(), Err(ClientError::Timeout { .. })));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    client.close();
    // A request's limit, the margin, and the farewell.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    store.gate.open();
    assert_eq!(simulator.counters().refreshes_attempted, 0);
}

#[test]
fn a_callback_that_never_answers_keeps_nobody_beyond_patience_and_not_at_the_end() {
    let simulator = simulator();
    let mut parts = parts(&simulator);
    parts.renewal = Renewal::HostToken;
    let (gate, asked) = (Gate::default(), Arc::new(AtomicBool::new(false)));
    let (inside, is_asked) = (gate.clone(), Arc::clone(&asked));
    let client = Client::builder(parts.build().unwrap()).patience(SHORT).ask_for_token(move |_| {
        is_asked.store(true, Ordering::SeqCst);
        inside.pass();
        Err("too late".to_owned())
    });
    let client = client.open().unwrap();
    let begun = Instant::now();
    assert!(matches!(client.token(), Err(ClientError::Timeout { .. })));
    assert!(asked.load(Ordering::SeqCst));
    client.close();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    gate.open();
}

/// The threads of this test's clients, by the number of a listener's channel that only they keep open.
#[test]
fn when_the_last_handle_goes_its_threads_end_and_tell_so() {
    let simulator = simulator();
    let (sender, ended) = channel::<()>();
    let client = builder(&simulator).on_event(move |_| sender.send(()).unwrap()).open().unwrap();
    let events = client.events();
    client.adopt(handoff(&issue(&simulator), 3600)).unwrap();
    let (clone, begun) = (client.clone(), Instant::now());
    drop(client);
    clone.token().unwrap();
    drop(clone);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let names: Vec<_> = events.iter().map(|event| event.name()).collect();
    assert_eq!(names.iter().filter(|name| **name == "ready").count(), 1, "the channel ends: {names:?}");
    // The callback is gone with its thread.
    while ended.recv_timeout(Duration::from_secs(5)).is_ok() {}
    assert!(matches!(ended.try_recv(), Err(std::sync::mpsc::TryRecvError::Disconnected)));
}

#[test]
fn a_listener_that_does_not_listen_costs_no_more_than_its_channel() {
    let simulator = simulator();
    let client = builder(&simulator).open().unwrap();
    let events = client.events();
    let tokens = handoff(&issue(&simulator), 3600);
    for _ in 0..1100 {
        client.adopt(tokens.as_str()).unwrap();
    }
    client.close();
    assert_eq!(events.iter().count(), 1024);
}

#[test]
fn a_listener_may_use_the_client() {
    let simulator = simulator();
    let handle: Arc<Mutex<Option<Client>>> = Arc::default();
    let (sender, tokens) = channel();
    let inside = Arc::clone(&handle);
    let client = builder(&simulator).on_event(move |event| {
        let client = inside.lock().unwrap().clone();
        if let Some(client) = client.filter(|_| is_refreshed(&event)) {
            drop(sender.send((client.token(), client.status().generation)));
        }
    });
    let client = client.open().unwrap();
    *handle.lock().unwrap() = Some(client.clone());
    client.adopt(handoff(&issue(&simulator), 3600)).unwrap();
    client.refresh().unwrap();
    let (token, generation) = tokens.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!((token.unwrap(), generation), (client.token().unwrap(), 2));
    handle.lock().unwrap().take();
}

/// The save hangs, the token lives: it is handed out without the store, and without whoever waits for it.
#[test]
fn a_token_that_is_good_is_handed_out_while_the_store_hangs() {
    let simulator = simulator();
    let store = Hanging::default();
    let clock = Clock::default();
    let opened = builder(&simulator).store(store.clone()).clock(clock.read()).patience(SHORT);
    let client = signed_in(&simulator, opened, 1000);
    let token = client.token().unwrap();
    store.hangs.store(true, Ordering::SeqCst);
    clock.advance(910);
    let begun = Instant::now();
    for _ in 0..100 {
        assert_eq!(client.token().unwrap(), token);
    }
    assert!(begun.elapsed() < SHORT, "{:?}", begun.elapsed());
    let events = client.events();
    store.hangs.store(false, Ordering::SeqCst);
    store.gate.open();
    wait_for(&events, is_refreshed);
    assert_ne!(client.token().unwrap(), token);
}

#[test]
fn six_threads_that_sign_in_alike_are_one_sign_in() {
    let simulator = simulator();
    let client = builder(&simulator).open().unwrap();
    simulator.fault(Fault::slow(200));
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(|| client.sign_in_with_client_credentials(None))).collect();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap() == Ok(())));
    });
    assert_eq!(simulator.counters().grants_attempted, 1);
}

#[test]
fn tokens_from_elsewhere_take_the_place_of_a_login_on_a_device() {
    let simulator = simulator();
    let client = builder(&simulator).open().unwrap();
    let login = client.begin_device_login(None).unwrap();
    client.adopt(handoff(&issue(&simulator), 3600)).unwrap();
    assert_eq!(login.wait(), Err(ClientError::LoginSuperseded));
    assert_eq!(login.wait(), Err(ClientError::LoginSuperseded), "and for whoever asks again");
    client.token().unwrap();
}
