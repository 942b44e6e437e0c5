//! Wakes those who sleep until it rings. They are woken outside of the lock: to wake one may mean to ring again.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

#[derive(Default)]
pub(crate) struct Bell {
    sleepers: Mutex<Sleepers>,
}

#[derive(Default)]
struct Sleepers {
    rung: u64,
    next: u64,
    wakers: BTreeMap<u64, Waker>,
}

impl Bell {
    /// Wakes everybody who listens.
    pub(crate) fn ring(&self) {
        let wakers = {
            let mut sleepers = self.lock();
            sleepers.rung = sleepers.rung.wrapping_add(1);
            std::mem::take(&mut sleepers.wakers)
        };
        wakers.into_values().for_each(Waker::wake);
    }

    /// Ready when it rings for the first time after this call.
    pub(crate) fn listen(&self) -> Listener<'_> {
        Listener { bell: self, rung: self.lock().rung, key: None }
    }

    fn lock(&self) -> MutexGuard<'_, Sleepers> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct Listener<'a> {
    bell: &'a Bell,
    rung: u64,
    key: Option<u64>,
}

impl Future for Listener<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut sleepers = self.bell.lock();
        if sleepers.rung != self.rung {
            return Poll::Ready(());
        }
        let key = self.key.unwrap_or_else(|| {
            sleepers.next = sleepers.next.wrapping_add(1);
            sleepers.next
        });
        let replaced = sleepers.wakers.insert(key, cx.waker().clone());
        drop(sleepers);
        drop(replaced);
        self.key = Some(key);
        Poll::Pending
    }
}

impl Drop for Listener<'_> {
    fn drop(&mut self) {
        let waker = self.key.and_then(|key| self.bell.lock().wakers.remove(&key));
        drop(waker);
    }
}
