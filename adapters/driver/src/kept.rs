//! Which clients of many users are kept in memory.

use std::fmt;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashlink::LinkedHashMap;
use webex_oauth::coordinator::Tick;

/// So many of those that were not used for longest are looked at for each one that comes.
const LOOKED_AT: usize = 16;

/// A client that is kept as long as there is room.
pub trait Keepable: Clone {
    /// Nothing is under way, nobody waits, and what is newest is stored: it may go.
    fn is_at_rest(&self) -> bool;
}

/// The clients of those users that came last, and when each of them has looked into the store.
///
/// One that has something under way, or could not store what is newest, stays until that is over, even where there is no room.
pub struct Kept<K, C> {
    capacity: usize,
    stale_after: Duration,
    /// Who was not used for longest is the first.
    clients: Mutex<LinkedHashMap<K, Entry<C>>>,
}

struct Entry<C> {
    client: C,
    looked: Tick,
}

impl<K: Clone + Eq + Hash, C: Keepable> Kept<K, C> {
    /// Room for so many, one at least; each is to look again after so long.
    pub fn new(capacity: usize, stale_after: Duration) -> Self {
        Self { capacity: capacity.max(1), stale_after, clients: Mutex::new(LinkedHashMap::new()) }
    }

    /// The client of this user, and whether it is to look into the store: of those who ask at once, one is told to.
    pub fn find(&self, key: &K, now: Tick) -> Option<(C, bool)> {
        let mut clients = self.lock();
        let entry = clients.to_back(key)?;
        let is_stale = now.since(entry.looked) >= self.stale_after;
        if is_stale {
            entry.looked = now;
        }
        Some((entry.client.clone(), is_stale))
    }

    /// Keeps a client that has just looked. Whoever was faster is the one that is kept, and answered.
    pub fn keep(&self, key: K, client: C, now: Tick) -> C {
        let mut clients = self.lock();
        let kept = clients.entry(key).or_insert_with(|| Entry { client, looked: now }).client.clone();
        let gone = self.excess(&mut clients);
        drop(clients);
        // Outside of the lock: what they are made of goes with them.
        drop(gone);
        kept
    }

    /// Takes one of them out.
    pub fn take(&self, key: &K) -> Option<C> {
        self.lock().remove(key).map(|entry| entry.client)
    }

    /// The same, where it may go.
    pub fn take_at_rest(&self, key: &K) -> Option<C> {
        let mut clients = self.lock();
        clients.get(key).filter(|entry| entry.client.is_at_rest())?;
        clients.remove(key).map(|entry| entry.client)
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Not the newest one, which nobody has used yet.
    fn excess(&self, clients: &mut LinkedHashMap<K, Entry<C>>) -> Vec<C> {
        let mut gone = Vec::new();
        for _ in 0..LOOKED_AT.min(clients.len().saturating_sub(1)) {
            if clients.len() <= self.capacity {
                break;
            }
            let Some((key, entry)) = clients.front() else { break };
            if entry.client.is_at_rest() {
                gone.extend(clients.pop_front().map(|(_, entry)| entry.client));
            } else {
                let key = key.clone();
                clients.to_back(&key);
            }
        }
        gone
    }
}

impl<K, C> Kept<K, C> {
    /// Takes out all of them.
    pub fn take_all(&self) -> Vec<C> {
        let all = std::mem::take(&mut *self.lock());
        all.into_iter().map(|(_, entry)| entry.client).collect()
    }

    fn lock(&self) -> MutexGuard<'_, LinkedHashMap<K, Entry<C>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many, and nothing of whom.
impl<K, C> fmt::Debug for Kept<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[derive(Clone, Default)]
    struct Fake {
        is_busy: Arc<AtomicBool>,
    }

    impl Keepable for Fake {
        fn is_at_rest(&self) -> bool {
            !self.is_busy.load(Ordering::SeqCst)
        }
    }

    fn busy() -> Fake {
        Fake { is_busy: Arc::new(AtomicBool::new(true)) }
    }

    const NOW: Tick = Tick::from_millis(0);

    #[test]
    fn whoever_was_not_used_for_longest_makes_room() {
        let kept = Kept::new(2, Duration::ZERO);
        for user in ["a", "b"] {
            kept.keep(user, Fake::default(), NOW);
        }
        assert!(kept.find(&"a", NOW).is_some());
        kept.keep("c", Fake::default(), NOW);
        assert_eq!(kept.len(), 2);
        assert!(kept.find(&"b", NOW).is_none() && kept.find(&"a", NOW).is_some() && kept.find(&"c", NOW).is_some());
    }

    #[test]
    fn who_has_something_under_way_stays_and_goes_when_it_is_over() {
        let kept = Kept::new(1, Duration::ZERO);
        let (first, second) = (busy(), busy());
        kept.keep("a", first.clone(), NOW);
        kept.keep("b", second, NOW);
        assert_eq!(kept.len(), 2);
        first.is_busy.store(false, Ordering::SeqCst);
        kept.keep("c", Fake::default(), NOW);
        assert!(kept.find(&"a", NOW).is_none() && kept.find(&"b", NOW).is_some());
    }

    #[test]
    fn one_of_those_who_ask_at_once_is_told_to_look() {
        let at = Tick::from_millis;
        let kept = Kept::new(2, Duration::from_secs(5));
        kept.keep("a", Fake::default(), at(0));
        let is_stale = |now| kept.find(&"a", now).unwrap().1;
        assert_eq!([4_999, 5_000, 5_001, 9_999, 10_000].map(|ms| is_stale(at(ms))), [false, true, false, false, true]);
    }

    #[test]
    fn whoever_was_faster_is_kept() {
        let kept = Kept::new(2, Duration::ZERO);
        let (first, second) = (busy(), Fake::default());
        kept.keep("a", first, NOW);
        assert!(!kept.keep("a", second, NOW).is_at_rest());
        assert_eq!((kept.len(), kept.take_all().len(), kept.is_empty()), (1, 1, true));
    }
}
