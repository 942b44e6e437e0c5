//! SQLite: two sets of connections to one file.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use webex_oauth_stores::{Records as _, Saved, Sqlite, StoreError, Unblock};

use crate::suite::{Node, Tenant, body, key, put};

fn migrated(path: &Path) -> Sqlite {
    let store = Sqlite::open(path).unwrap();
    store.migrate().unwrap();
    store
}

async fn open() -> (Node, Node, Tenant) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    let nodes = (Arc::new(Unblock::new(migrated(&path))), Arc::new(Unblock::new(migrated(&path))));
    (nodes.0, nodes.1, Tenant::at(folder))
}

engine_contract! { open }

#[test]
fn without_tables_it_says_what_to_do_and_migrating_twice_is_fine() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path().join("s.db")).unwrap();
    let u1 = key("acme", "u1");
    for error in [store.load(&u1).unwrap_err(), store.save(&u1, &put(1, 0)).unwrap_err()] {
        assert!(matches!(error, StoreError::Refused { .. }) && error.to_string().contains("migrate"), "{error}");
    }
    store.migrate().unwrap();
    assert_eq!(store.save(&u1, &put(1, 0)), Ok(Saved::Stored));
    store.migrate().unwrap();
    assert_eq!(store.load(&u1), Ok(Some(body(1))));
}

#[test]
fn tables_of_a_newer_version_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let store = migrated(&path);
    rusqlite::Connection::open(&path).unwrap().execute("INSERT INTO webex_oauth_schema VALUES (99)", []).unwrap();
    for refused in [Sqlite::open(&path).map(drop), store.migrate()] {
        let error = refused.unwrap_err();
        assert!(matches!(error, StoreError::Refused { .. }) && error.to_string().contains("99"), "{error}");
    }
}

#[test]
fn tables_from_before_the_first_release_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let store = Sqlite::open(&path).unwrap();
    let old = "CREATE TABLE webex_oauth_schema (version INTEGER NOT NULL);
        CREATE TABLE webex_oauth_session (tenant TEXT NOT NULL, user_key TEXT NOT NULL, revision INTEGER NOT NULL);
        INSERT INTO webex_oauth_schema VALUES (1)";
    rusqlite::Connection::open(&path).unwrap().execute_batch(old).unwrap();
    for refused in [Sqlite::open(&path).map(drop), store.migrate()] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("version 1, this library reads 2: they are from before the first release"), "{error}");
    }
}

#[test]
fn what_is_no_database_is_damaged_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    std::fs::write(&path, "not a database, but long enough to be looked at".repeat(50)).unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(Sqlite::open(&path).unwrap_err(), StoreError::Damaged { .. }));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_folder_that_is_not_there_is_an_error_with_a_path() {
    let folder = tempfile::tempdir().unwrap();
    let error = Sqlite::open(folder.path().join("none/s.db")).unwrap_err();
    assert!(matches!(&error, StoreError::Io { path, .. } if path.ends_with("none/s.db")), "{error:?}");
}

#[test]
fn a_database_that_another_process_holds_is_busy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    migrated(&path);
    let store = Sqlite::open_with(&path, Duration::from_millis(30)).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let u1 = key("acme", "u1");
    assert!(matches!(store.save(&u1, &put(1, 0)), Err(StoreError::Busy { .. })));
    assert_eq!(store.load(&u1), Ok(None), "reading goes on");
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(store.save(&u1, &put(1, 0)), Ok(Saved::Stored));
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let store = migrated(&path);
    assert_eq!(store.save(&key("acme", "u1"), &put(1, 0)), Ok(Saved::Stored));
    for file in std::fs::read_dir(folder.path()).unwrap().flatten() {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
    }
}

#[test]
fn what_was_deleted_is_not_left_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    {
        let store = migrated(&path);
        assert_eq!(store.save(&key("acme", "u1"), &put(1, 0)), Ok(Saved::Stored));
        store.delete(&key("acme", "u1")).unwrap();
    }
    let bytes = std::fs::read(&path).unwrap();
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("webex_oauth_session") && !has("AT-secret"));
}

/// As workers do that are started together.
#[test]
fn many_may_open_a_file_that_is_new() {
    for _ in 0..40 {
        let folder = tempfile::tempdir().unwrap();
        let (path, start) = (folder.path().join("s.db"), std::sync::Barrier::new(4));
        std::thread::scope(|scope| {
            let opened: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        Sqlite::open(&path).map(drop)
                    })
                })
                .collect();
            for one in opened {
                assert_eq!(one.join().unwrap(), Ok(()));
            }
        });
    }
}
