//! Signing out, where the store does not play along.

mod kit;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kit::{Fake, Tasks, block_on};
use webex_oauth_async::webex_oauth::{Secret, SignOutOptions};
use webex_oauth_async::{ClientError, MemoryStore, Put, Saved, Store, StoreError, StoreLock};

/// Full whenever the test says so.
#[derive(Debug, Clone, Default)]
struct Disk {
    inner: MemoryStore,
    is_full: Arc<AtomicBool>,
}

impl Store for Disk {
    fn load(&self) -> Result<Option<Secret>, StoreError> {
        self.inner.load()
    }

    fn save(&self, put: &Put) -> Result<Saved, StoreError> {
        if self.is_full.load(Ordering::SeqCst) {
            return Err(StoreError::Full { what: "session".into() });
        }
        self.inner.save(put)
    }

    fn delete(&self) -> Result<(), StoreError> {
        self.inner.delete()
    }

    fn try_lock(&self) -> Result<Option<StoreLock>, StoreError> {
        self.inner.try_lock()
    }
}

#[test]
fn a_sign_out_that_is_not_stored_is_told() {
    let fake = Fake::rotating(1);
    let disk = Disk::default();
    let client = fake.with_expired(fake.builder().store(disk.clone()));
    disk.is_full.store(true, Ordering::SeqCst);
    let told = block_on(client.sign_out(SignOutOptions::default()));
    assert!(matches!(told, Err(ClientError::Store(StoreError::Full { .. }))), "{told:?}");
    assert!(client.tokens().is_none(), "here it is over");
    // Once there is room again, whoever runs the client has it stored.
    disk.is_full.store(false, Ordering::SeqCst);
    let mut tasks = Tasks::new();
    let running = client.clone();
    tasks.spawn(async move { running.run().await });
    fake.advance(Duration::from_millis(50));
    tasks.run(100);
    block_on(client.sign_out(SignOutOptions::default())).unwrap();
    drop((client, tasks));
    assert!(block_on(fake.builder().store(disk).open()).unwrap().tokens().is_none(), "after a restart, too");
}
