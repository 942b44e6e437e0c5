//! Encryption keeps every promise of the store behind it, and what is stored opens for its owner alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use webex_oauth::sealed::Keys;
use webex_oauth::{SealedHeader, Secret, Timestamp};
use webex_oauth_driver::FileStore;
use webex_oauth_stores::{
    Claim, Claimed, Cursor, Key, Memory, Put, Records, Replaces, Reseal, ResealFailed, Resealed, Saved, Scan, Scanned,
    Sealed, Sqlite, Store as _, StoreError, Unblock,
};

use crate::suite::{Node, Tenant, body, claim, key, put};

const K1: &str = "k1:uwfbCQ1BTdJOgfP6C8F4AHzmHRXBbEFUWCzcmHIl0xs";
const K2: &str = "k2:MDEyMzQ1Njc4OTo7PD0-P0BBQkNERUZHSElKS0xNTk8";
/// Another one of the same name.
const OTHER_K1: &str = "k1:MDEyMzQ1Njc4OTo7PD0-P0BBQkNERUZHSElKS0xNTk8";

fn keys(texts: &[&str]) -> Keys {
    Keys::read(&texts.join(" ")).unwrap()
}

fn migrated(path: &std::path::Path) -> Sqlite {
    let store = Sqlite::open(path).unwrap();
    store.migrate().unwrap();
    store
}

async fn open() -> (Node, Node, Tenant) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    // One node encrypts the async face, the other one the blocking one.
    let a = Sealed::new(Unblock::new(migrated(&path)), keys(&[K1, K2]));
    let b = Unblock::new(Sealed::new(migrated(&path), keys(&[K2, K1])));
    (Arc::new(a), Arc::new(b), Tenant::at(folder))
}

contract! { open }

fn memory() -> (Arc<Memory>, Sealed<Arc<Memory>>) {
    let plain = Arc::new(Memory::new());
    (plain.clone(), Sealed::new(plain, keys(&[K1])))
}

#[test]
fn what_is_stored_is_sealed_with_the_first_key_and_names_the_revision() {
    let (plain, store) = memory();
    assert_eq!(store.save(&key("acme", "u1"), &put(7, 0)), Ok(Saved::Stored));
    let record = plain.load(&key("acme", "u1")).unwrap().unwrap();
    assert!(!record.expose().contains("AT-secret"));
    assert_eq!(SealedHeader::read(record.expose()), Some(SealedHeader { key_id: "k1".into(), revision: 7 }));
    // The same session again is another text: nothing shows that it is the same.
    assert_eq!(store.save(&key("acme", "u1"), &put(7, 7)), Ok(Saved::Stored));
    assert_ne!(plain.load(&key("acme", "u1")).unwrap().unwrap(), record);
}

#[test]
fn the_key_is_in_its_column() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let store = Sealed::new(migrated(&path), keys(&[K2, K1]));
    assert_eq!(store.save(&key("acme", "u1"), &put(7, 0)), Ok(Saved::Stored));
    let connection = rusqlite::Connection::open(&path).unwrap();
    let found: String = connection.query_row("SELECT key_id FROM webex_oauth_session", [], |row| row.get(0)).unwrap();
    assert_eq!(found, "k2");
}

#[test]
fn a_wrong_or_missing_key_is_told_as_such_and_nothing_is_saved_over() {
    let (plain, store) = memory();
    let u1 = key("acme", "u1");
    assert_eq!(store.save(&u1, &put(7, 0)), Ok(Saved::Stored));
    let record = plain.load(&u1).unwrap();
    for wrong in [K2, OTHER_K1] {
        let other = Sealed::new(plain.clone(), keys(&[wrong]));
        let error = other.load(&u1).unwrap_err();
        assert!(matches!(&error, StoreError::Sealed { key_id, .. } if key_id == "k1"), "{error:?}");
        assert_eq!(other.save(&u1, &put(9, 0)), Err(error.clone()), "nobody signed in is what it does not say");
        assert_eq!(other.save(&u1, &put(9, 8)), Err(error));
        assert_eq!(plain.load(&u1).unwrap(), record);
    }
}

#[test]
fn a_record_of_another_user_does_not_open() {
    let (plain, store) = memory();
    let (u1, u2) = (key("acme", "u1"), key("acme", "u2"));
    assert_eq!(store.save(&u2, &put(7, 0)), Ok(Saved::Stored));
    let moved = Put::new(plain.load(&u2).unwrap().unwrap(), 7, Replaces::Nothing);
    assert_eq!(plain.save(&u1, &moved), Ok(Saved::Stored));
    assert!(matches!(store.load(&u1), Err(StoreError::Sealed { .. })));
}

#[test]
fn what_is_not_sealed_is_refused() {
    let (plain, store) = memory();
    let u1 = key("acme", "u1");
    assert_eq!(plain.save(&u1, &put(7, 0)), Ok(Saved::Stored));
    assert!(matches!(store.load(&u1), Err(StoreError::Refused { .. })));
    assert_eq!(
        store.save(&key("acme", "u2"), &Put::new(Secret::new("hello"), 1, Replaces::Nothing)).map_err(drop),
        Err(())
    );
}

#[test]
fn one_that_does_not_open_holds_up_no_other() {
    let (plain, store) = memory();
    let other = Sealed::new(plain, keys(&[K2]));
    let due = |revision| {
        let mut put = put(revision, 0);
        put.due_at = Some(Timestamp::from_millis(5));
        put
    };
    assert_eq!(other.save(&key("acme", "u1"), &due(1)), Ok(Saved::Stored));
    assert_eq!(store.save(&key("acme", "u2"), &due(2)), Ok(Saved::Stored));
    let claimed = store.claim_due(claim(9, 99, 5)).unwrap();
    let of = |user: &str| claimed.iter().find(|one| one.key.user() == user).unwrap().snapshot.clone();
    assert!(matches!(of("u1"), Err(StoreError::Sealed { .. })));
    assert_eq!(of("u2"), Ok(body(2)));
}

/// A store that fails after so many calls.
#[derive(Debug)]
struct Failing {
    store: Arc<Memory>,
    left: AtomicU32,
}

impl Failing {
    fn called(&self) -> Result<(), StoreError> {
        let left = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| StoreError::Unavailable { what: "the store".to_owned(), retry_after: None })
    }
}

impl Records for Failing {
    fn load(&self, key: &Key) -> Result<Option<Secret>, StoreError> {
        self.store.load(key)
    }

    fn save(&self, key: &Key, put: &Put) -> Result<Saved, StoreError> {
        self.store.save(key, put)
    }

    fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.store.delete(key)
    }

    fn claim_due(&self, claim: Claim) -> Result<Vec<Claimed>, StoreError> {
        self.store.claim_due(claim)
    }

    fn scan(&self, scan: &Scan) -> Result<Scanned, StoreError> {
        self.called()?;
        self.store.scan(scan)
    }

    fn rewrite(&self, key: &Key, put: &Put) -> Result<Saved, StoreError> {
        self.called()?;
        self.store.rewrite(key, put)
    }
}

#[tokio::test]
async fn a_store_that_fails_in_the_middle_takes_nothing_from_what_was_told() {
    for calls in 0..30 {
        let (plain, store) = memory();
        for number in 0..10 {
            assert_eq!(store.save(&key("acme", &format!("u{number}")), &put(7, 0)), Ok(Saved::Stored));
        }
        let reseal = Reseal::new(keys(&[K2, K1])).batch(3);
        let failing = Arc::new(Failing { store: plain.clone(), left: AtomicU32::new(calls) });
        let (done, error) = match calls % 2 {
            0 => split(reseal.run_blocking(&failing)),
            _ => split(reseal.run(&Unblock::new(failing.clone())).await),
        };
        let is_done = |number| {
            let record = plain.load(&key("acme", &format!("u{number}"))).unwrap().unwrap();
            SealedHeader::read(record.expose()).unwrap().key_id == "k2"
        };
        let count = (0..10).filter(|number| is_done(*number)).count();
        let (reached, begins) = reached(calls);
        assert_eq!((count, done.resealed, done.left), (reached, reached as u64, 0), "{calls}: {error:?}");
        assert_eq!(error.is_some(), begins.is_some(), "{calls}");
        assert_eq!(
            done.next,
            begins.and_then(|at| cursor(&plain, at)),
            "{calls}: where the batch begins that has failed"
        );
        // It goes on where it has failed, or from the beginning.
        let rest = split(reseal.step_blocking(&plain, done.next)).0;
        let (from, to) = (begins.unwrap_or(0), (begins.unwrap_or(0) + 3).min(10));
        let next = if to - from == 3 { cursor(&plain, to - 1) } else { None };
        assert_eq!((rest.resealed, rest.next), (to.saturating_sub(count) as u64, next), "{calls}");
        assert_eq!(done.resealed + rest.resealed + split(reseal.run_blocking(&plain)).0.resealed, 10, "{calls}");
    }
}

/// How far batches of three out of ten come with so many calls: a scan and as many as there are records to be done, of which the
/// first one was the last of the batch before. What is done, and where the batch begins that has failed.
fn reached(mut calls: u32) -> (usize, Option<usize>) {
    let (mut done, mut begins) = (0, 0);
    loop {
        let (ends, had) = ((begins + 3).min(10), calls as usize);
        let needs = 1 + ends - done;
        if had < needs {
            return (done + had.saturating_sub(1), Some(begins));
        }
        calls -= u32::try_from(needs).unwrap();
        done = ends;
        if ends - begins < 3 {
            return (done, None);
        }
        begins = ends - 1;
    }
}

/// The one of the record with this number; none for the beginning.
fn cursor(store: &Memory, at: usize) -> Option<Cursor> {
    let most = u32::try_from(at + 1).unwrap();
    (at > 0).then(|| store.scan(&Scan { after: None, most, but_sealed_with: None }).unwrap().next.unwrap())
}

fn split(ran: Result<Resealed, ResealFailed>) -> (Resealed, Option<StoreError>) {
    match ran {
        Ok(done) => (done, None),
        Err(failed) => {
            assert!(failed.to_string().contains(&failed.done.resealed.to_string()), "{failed}");
            (*failed.done, Some(failed.error))
        }
    }
}

#[test]
fn a_file_is_sealed_too_and_saved_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session");
    let sealed = |texts: &[&str]| Sealed::user(FileStore::new(&path), keys(texts), key("", "me"));
    let store = sealed(&[K1]);
    assert_eq!(store.save(&put(1, 0)), Ok(Saved::Stored));
    assert_eq!(store.save(&put(2, 1)), Ok(Saved::Stored));
    assert_eq!(store.save(&put(9, 1)), Ok(Saved::Conflict { found: Some(body(2)) }));
    // A new key: it opens what is there, and seals with its own from now on.
    assert_eq!(sealed(&[K2, K1]).load(), Ok(Some(body(2))));
    assert_eq!(sealed(&[K2, K1]).save(&put(3, 2)), Ok(Saved::Stored));
    assert!(matches!(store.load(), Err(StoreError::Sealed { key_id, .. }) if key_id == "k2"));
    assert!(!std::fs::read_to_string(&path).unwrap().contains("AT-secret"));
}

#[test]
fn nothing_that_is_printed_has_a_key_or_a_user() {
    let (_, store) = memory();
    let printed = format!("{store:?} {:?}", Sealed::user(FileStore::new("/s"), keys(&[K2]), key("acme", "zoe")));
    for secret in ["uwfbCQ1", "MDEyMzQ1", "acme", "zoe"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
