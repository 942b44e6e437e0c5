//! A coordinator's jobs at a store.

use std::sync::{Arc, Mutex};

use webex_oauth::coordinator::{Call, Credential, Now, Op, Output, Tick, Ticket};
use webex_oauth::{ConfigParts, Provider, Secret, Timestamp, snapshot_revision};
use webex_oauth_driver::{MemoryStore, Put, Replaces, Saved, Store, StoreError, StoreLock, open};

/// Keeps what it is handed.
#[derive(Debug, Clone, Default)]
struct Recorder {
    inner: MemoryStore,
    puts: Arc<Mutex<Vec<Put>>>,
}

impl Store for Recorder {
    fn load(&self) -> Result<Option<Secret>, StoreError> {
        self.inner.load()
    }

    fn save(&self, put: &Put) -> Result<Saved, StoreError> {
        self.puts.lock().unwrap().push(put.clone());
        self.inner.save(put)
    }

    fn delete(&self) -> Result<(), StoreError> {
        self.inner.delete()
    }

    fn try_lock(&self) -> Result<Option<StoreLock>, StoreError> {
        self.inner.try_lock()
    }
}

/// A database looks for what is due, and compares revisions, without reading snapshots.
#[test]
fn a_store_is_told_the_revision_what_it_replaces_and_when_somebody_should_come_again() {
    let recorder = Recorder::default();
    let mut parts = ConfigParts::new(Provider::webex(), "client");
    parts.client_secret = Some("secret".into());
    let (mut coordinator, jobs) = open(parts.build().unwrap(), Some(Box::new(recorder.clone())), None, false).unwrap();
    let jobs = jobs.unwrap();
    let start = Timestamp::from_secs(1_700_000_000);
    let now = Now { wall: start, mono: Tick::default() };
    for (ticket, access) in [(1, "A1"), (2, "A2")] {
        let tokens = format!(r#"{{"access_token":"{access}","refresh_token":"R","expires_in":1000}}"#);
        let call = Call::SignIn { credential: Credential::Tokens { tokens: tokens.into() }, within: None };
        coordinator.call(now, Ticket(ticket), call).unwrap();
        while let Some(output) = coordinator.poll() {
            if let Output::Do { job, op } = output {
                assert!(matches!(op, Op::Save { .. } | Op::Load), "{op:?}");
                coordinator.done(now, job, jobs.run(&op));
            }
        }
    }
    let puts = recorder.puts.lock().unwrap();
    let [first, second] = puts.as_slice() else { panic!("{puts:?}") };
    assert_eq!(first.replaces, Replaces::Nothing);
    assert_eq!(second.replaces, Replaces::Revision(first.revision));
    for put in [first, second] {
        assert_eq!(Ok(put.revision), snapshot_revision(put.snapshot.expose()));
        let due = put.due_at.expect("it can be renewed").millis_since(start);
        assert!((600_000..=900_000).contains(&due), "within 60 to 90 % of its life: {due}");
    }
}
