//! A store that ends with its process.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use webex_oauth::Secret;

use super::{Put, Saved, Store, StoreError, StoreLock, conflict, has_revision};
use crate::machine;

/// Keeps a snapshot in memory. Clones share it: for several clients of one process, and for tests.
#[derive(Clone, Default)]
pub struct MemoryStore {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    snapshot: Mutex<Option<Secret>>,
    locked: AtomicBool,
}

impl MemoryStore {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Store for MemoryStore {
    fn load(&self) -> Result<Option<Secret>, StoreError> {
        Ok(self.inner.snapshot.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn save(&self, put: &Put) -> Result<Saved, StoreError> {
        let mut held = self.inner.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        let damaged = || StoreError::Damaged { what: "the store in memory".to_owned() };
        if let Some(conflict) = conflict(held.clone(), put, damaged)? {
            return Ok(conflict);
        }
        *held = Some(put.snapshot.clone());
        Ok(Saved::Stored)
    }

    fn delete(&self) -> Result<(), StoreError> {
        *self.inner.snapshot.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    fn delete_revision(&self, revision: u64) -> Result<bool, StoreError> {
        let mut held = self.inner.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = has_revision(held.as_ref(), revision);
        if is_it {
            *held = None;
        }
        Ok(is_it)
    }

    fn try_lock(&self) -> Result<Option<StoreLock>, StoreError> {
        let was_locked = self.inner.locked.swap(true, Ordering::Acquire);
        Ok((!was_locked).then(|| StoreLock::new(Held(Arc::clone(&self.inner)))))
    }

    fn lock_domain(&self) -> Option<String> {
        let place = Arc::as_ptr(&self.inner).addr().to_ne_bytes();
        Some(machine::lock_domain_here(&place))
    }
}

struct Held(Arc<Inner>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.locked.store(false, Ordering::Release);
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStore")
    }
}
