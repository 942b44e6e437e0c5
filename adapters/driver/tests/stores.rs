//! What a store promises, for each of them; and what the file looks like to others.

#[cfg(unix)]
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use webex_oauth::Secret;
use webex_oauth_driver::{FileStore, MemoryStore, Put, Saved, Store, StoreError};

fn snapshot(revision: u64) -> Secret {
    Secret::new(format!(r#"{{"webex_oauth":1,"revision":{revision}}}"#))
}

fn put(revision: u64, replaces: u64) -> Put {
    Put::new(snapshot(revision), revision, replaces.into())
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn in_each(test: impl Fn(&dyn Store)) {
    let folder = folder();
    test(&MemoryStore::new());
    test(&FileStore::new(folder.path().join("a/b/session.json")));
}

#[test]
fn what_was_saved_is_loaded() {
    in_each(|store| {
        assert_eq!(store.load(), Ok(None));
        assert_eq!(store.save(&put(1, 0)), Ok(Saved::Stored));
        assert_eq!(store.save(&put(2, 1)), Ok(Saved::Stored));
        assert_eq!(store.load(), Ok(Some(snapshot(2))));
        assert_eq!(store.delete(), Ok(()));
        assert_eq!(store.delete(), Ok(()), "nothing there is a success");
        assert_eq!(store.load(), Ok(None));
    });
}

#[test]
fn who_is_late_is_told_what_is_there() {
    in_each(|store| {
        assert_eq!(store.save(&put(1, 0)), Ok(Saved::Stored));
        assert_eq!(store.save(&put(1, 0)), Ok(Saved::Conflict { found: Some(snapshot(1)) }));
        assert_eq!(store.save(&put(9, 8)), Ok(Saved::Conflict { found: Some(snapshot(1)) }));
        assert_eq!(store.load(), Ok(Some(snapshot(1))), "nothing was changed");
    });
}

/// As somebody with a key has stored it.
fn sealed(revision: u64) -> Secret {
    let header = format!(r#"{{"alg":"dir","enc":"A256GCM","kid":"2026-11","typ":"webex-oauth","rev":{revision}}}"#);
    Secret::new(format!("{}..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA", URL_SAFE_NO_PAD.encode(header)))
}

/// Two programs have had the same session open; one of them has been given a key meanwhile, and has encrypted it.
#[test]
fn what_is_sealed_is_not_replaced_by_what_is_not() {
    in_each(|store| {
        assert_eq!(store.save(&put(7, 0)), Ok(Saved::Stored));
        assert_eq!(store.save(&Put::new(sealed(7), 7, 7.into())), Ok(Saved::Stored));
        for replaces in [0, 6, 7, 8] {
            match store.save(&put(8, replaces)) {
                Err(StoreError::Sealed { key_id, .. }) => assert_eq!(key_id, "2026-11"),
                other => panic!("{replaces}: {other:?}"),
            }
            assert_eq!(store.load(), Ok(Some(sealed(7))), "{replaces}");
        }
        assert_eq!(store.save(&Put::new(sealed(9), 9, 8.into())), Ok(Saved::Conflict { found: Some(sealed(7)) }));
        assert_eq!(store.save(&Put::new(sealed(8), 8, 7.into())), Ok(Saved::Stored), "who has a key goes on");
        assert_eq!(store.delete(), Ok(()), "signing out needs no key");
        assert_eq!(store.save(&put(1, 0)), Ok(Saved::Stored));
    });
}

#[test]
fn what_was_deleted_is_not_brought_back_by_who_has_not_noticed() {
    in_each(|store| {
        assert_eq!(store.save(&put(7, 0)), Ok(Saved::Stored));
        assert_eq!(store.delete(), Ok(()));
        assert_eq!(store.save(&put(8, 7)), Ok(Saved::Conflict { found: None }));
        assert_eq!(store.load(), Ok(None));
        assert_eq!(store.save(&put(9, 0)), Ok(Saved::Stored));
    });
}

#[test]
fn nothing_replaces_what_has_no_number_although_nothing_was_expected() {
    in_each(|store| {
        assert_eq!(store.save(&put(0, 0)), Ok(Saved::Stored));
        assert_eq!(store.save(&put(1, 0)), Ok(Saved::Conflict { found: Some(snapshot(0)) }));
    });
}

#[test]
fn whoever_has_the_same_lock_has_the_same_name_for_it() {
    let folder = folder();
    let (path, other) = (folder.path().join("a/session.json"), folder.path().join("b/session.json"));
    let first = FileStore::new(&path);
    let before = first.lock_domain();
    assert_eq!(first.save(&put(1, 0)), Ok(Saved::Stored));
    assert!(before.is_some());
    assert_eq!(FileStore::new(&path).lock_domain(), before);
    assert_ne!(FileStore::new(&other).lock_domain(), before);
    let (memory, another) = (MemoryStore::new(), MemoryStore::new());
    assert_eq!(memory.clone().lock_domain(), memory.lock_domain());
    assert_ne!(another.lock_domain(), memory.lock_domain());
}

#[cfg(unix)]
#[test]
fn a_lock_has_its_name_before_there_is_a_folder_also_behind_a_link() {
    let folder = folder();
    let link = folder.path().join("link");
    std::fs::create_dir(folder.path().join("real")).unwrap();
    std::os::unix::fs::symlink("real", &link).unwrap();
    let store = FileStore::new(link.join("a/session.json"));
    let before = store.lock_domain();
    assert_eq!(store.save(&put(1, 0)), Ok(Saved::Stored));
    assert_eq!(store.lock_domain(), before);
    assert_eq!(FileStore::new(folder.path().join("real/a/session.json")).lock_domain(), before);
}

#[test]
fn the_lock_is_one_and_is_let_go() {
    in_each(|store| {
        let held = store.try_lock().unwrap().unwrap();
        assert!(store.try_lock().unwrap().is_none());
        assert!(matches!(store.lock(Duration::from_millis(5)), Err(StoreError::Busy { .. })));
        drop(held);
        // A program that another test is about to start has it, too, until it has begun.
        assert!(store.lock(Duration::from_secs(5)).is_ok());
    });
}

#[test]
fn saving_works_while_the_lock_is_held() {
    in_each(|store| {
        let _held = store.try_lock().unwrap().unwrap();
        assert_eq!(store.save(&put(1, 0)), Ok(Saved::Stored));
    });
}

#[test]
fn of_many_writers_each_revision_has_one() {
    let folder = folder();
    let store = FileStore::new(folder.path().join("session.json"));
    store.save(&put(1, 0)).map(|_| ()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut stored = 0;
                while stored < 10 {
                    let found = store.load().unwrap().unwrap();
                    let revision = webex_oauth::snapshot_revision(found.expose()).unwrap();
                    stored += u32::from(store.save(&put(revision + 1, revision)) == Ok(Saved::Stored));
                }
            });
        }
    });
    assert_eq!(store.load(), Ok(Some(snapshot(81))));
}

#[test]
fn what_is_not_a_session_is_left_alone() {
    let folder = folder();
    let path = folder.path().join("session.json");
    for bytes in [&b"{"[..], b"\xff\xfe", b"[]", b"{\"webex_oauth\":1}"] {
        std::fs::write(&path, bytes).unwrap();
        let store = FileStore::new(&path);
        assert!(matches!(store.save(&put(1, 0)), Err(StoreError::Damaged { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
    std::fs::write(&path, b"").unwrap();
    assert_eq!(FileStore::new(&path).load(), Ok(None), "an empty file is an empty store");
}

#[test]
fn a_folder_in_the_way_is_an_error_with_a_path() {
    let folder = folder();
    let path = folder.path().join("session.json");
    std::fs::create_dir(&path).unwrap();
    let store = FileStore::new(&path);
    // Windows does not open a folder at all.
    let is_denied = |error: &StoreError| matches!(error, StoreError::Denied { .. });
    let error = store.load().unwrap_err();
    let is_told = matches!(error, StoreError::Refused { .. });
    assert!(is_told, "{error:?}");

    let path = folder.path().join("other.json");
    std::fs::create_dir(folder.path().join("other.json.lock")).unwrap();
    let error = FileStore::new(&path).save(&put(1, 0)).unwrap_err();
    let is_told = if cfg!(windows) { is_denied(&error) } else { matches!(error, StoreError::Lock { .. }) };
    assert!(is_told, "{error:?}");

    std::fs::write(folder.path().join("file"), b"").unwrap();
    assert!(FileStore::new(folder.path().join("file/session.json")).save(&put(1, 0)).is_err());
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let path = folder.path().join("new/session.json");
    FileStore::new(&path).save(&put(1, 0)).map(|_| ()).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&path.with_file_name("session.json.lock")), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let left: Vec<_> =
        std::fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "no half-written file stays behind: {left:?}");
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let folder = folder();
    let (target, link) = (folder.path().join("real.json"), folder.path().join("link.json"));
    std::os::unix::fs::symlink("real.json", &link).unwrap();
    let (before, there) = (FileStore::new(&link), FileStore::new(&target));
    assert_eq!(before.save(&put(1, 0)), Ok(Saved::Stored), "before there is anything to point to");
    assert_eq!(there.load(), Ok(Some(snapshot(1))));
    let after = FileStore::new(&link);
    assert_eq!(after.save(&put(2, 1)), Ok(Saved::Stored));
    assert_eq!(there.load(), Ok(Some(snapshot(2))));
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    let _held = before.try_lock().unwrap().unwrap();
    assert!(after.try_lock().unwrap().is_none(), "one file, one lock");
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_round_in_circles_is_an_error() {
    let folder = folder();
    let link = folder.path().join("link.json");
    std::os::unix::fs::symlink("link.json", &link).unwrap();
    assert!(FileStore::new(&link).save(&put(1, 0)).is_err());
}

/// The program may go elsewhere before its first save.
#[test]
fn a_path_is_where_it_was_when_the_store_was_made() {
    let here = std::env::current_dir().unwrap();
    assert_eq!(FileStore::new("no-such-folder/session.json").path(), here.join("no-such-folder/session.json"));
}

/// The device that swallows everything. Only root may make one.
#[cfg(target_os = "linux")]
#[test]
fn what_is_no_file_is_neither_read_nor_replaced_nor_deleted() {
    use std::os::unix::fs::FileTypeExt as _;
    let folder = folder();
    let (device, pipe) = (folder.path().join("null"), folder.path().join("pipe"));
    let made = |path: &Path, kind: &[&str]| {
        let made = std::process::Command::new("mknod").arg(path).args(kind).output();
        made.is_ok_and(|made| made.status.success())
    };
    let (socket, inner) = (folder.path().join("socket"), folder.path().join("folder"));
    let nodes = [
        (made(&device, &["c", "1", "3"]), device, "a device"),
        (made(&pipe, &["p"]), pipe, "a pipe"),
        (std::os::unix::net::UnixListener::bind(&socket).is_ok(), socket, "a socket"),
        (std::fs::create_dir(&inner).is_ok(), inner, "a folder"),
    ];
    assert!(nodes[1..].iter().all(|(is_made, ..)| *is_made), "anybody may make these");
    for (_, path, is) in nodes.iter().filter(|(is_made, ..)| *is_made) {
        let link = path.with_extension("link");
        std::os::unix::fs::symlink(path, &link).unwrap();
        assert!(matches!(FileStore::new(&link).load(), Err(StoreError::Refused { .. })), "nor through a link");
        let store = FileStore::new(path);
        let what = format!("{}: {is}, not a file that a session could be kept in", path.display());
        let failed = StoreError::Refused { what };
        assert_eq!(store.load(), Err(failed.clone()));
        assert_eq!(store.save(&put(1, 0)), Err(failed.clone()));
        assert_eq!(store.delete(), Err(failed));
        let kind = std::fs::symlink_metadata(path).unwrap().file_type();
        assert!(!kind.is_file() && (kind.is_char_device() || kind.is_fifo() || kind.is_socket() || kind.is_dir()));
    }
}

/// Root may do something for a user, who goes on locking what is theirs. A link in a lock's place is the user's to set: what
/// it leads to stays whose it is.
#[cfg(unix)]
#[test]
fn a_lock_file_is_whose_the_session_is() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let folder = folder();
    let path = folder.path().join("session.json");
    let store = FileStore::new(&path);
    std::fs::write(&path, "").unwrap();
    let victim = folder.path().join("victim");
    std::fs::write(&victim, "mine").unwrap();
    let before = std::fs::metadata(&victim).unwrap();
    // Where we are not root it is ours, before and after.
    let _ = chown(&path, Some(12345), Some(54321));
    let owner = |path: &Path| std::fs::metadata(path).map(|found| (found.uid(), found.gid())).unwrap();
    drop(store.try_lock().unwrap());
    drop(store.lock_saves(Duration::ZERO).unwrap());
    for lock in ["session.json.refresh-lock", "session.json.lock"] {
        let lock = folder.path().join(lock);
        assert_eq!(owner(&lock), owner(&path), "{lock:?}");
        std::fs::remove_file(&lock).unwrap();
        std::os::unix::fs::symlink(&victim, &lock).unwrap();
    }
    drop(store.try_lock().unwrap());
    drop(store.lock_saves(Duration::ZERO).unwrap());
    assert_eq!(owner(&victim), (before.uid(), before.gid()));
}

/// Somebody may have put a trap where a save writes.
#[cfg(unix)]
#[test]
fn what_lies_where_a_save_writes_is_taken_away_and_not_written_to() {
    let folder = folder();
    let (path, victim) = (folder.path().join("session.json"), folder.path().join("victim"));
    std::fs::write(&victim, "mine").unwrap();
    std::os::unix::fs::symlink(&victim, folder.path().join("session.json.new")).unwrap();
    let store = FileStore::new(&path);
    assert_eq!(store.save(&put(1, 0)), Ok(Saved::Stored));
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "mine");
    assert!(std::fs::symlink_metadata(&path).unwrap().is_file());

    std::fs::create_dir(folder.path().join("session.json.new")).unwrap();
    assert!(matches!(store.save(&put(2, 1)), Err(StoreError::Io { .. })));
    assert_eq!(store.load(), Ok(Some(snapshot(1))), "a save that fails leaves what was there");
}

/// Python's `fcntl.lockf` is the record lock that Java, Kotlin and Swift take as well.
#[cfg(target_os = "linux")]
#[test]
fn other_languages_hold_the_same_lock() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};
    let folder = folder();
    let store = FileStore::new(folder.path().join("session.json"));
    drop(store.try_lock().unwrap());
    let script = "import fcntl, sys\nf = open(sys.argv[1], 'r+')\nfcntl.lockf(f, fcntl.LOCK_EX)\nprint('held', flush=True)\nsys.stdin.read()";
    let Ok(mut python) = Command::new("python3")
        .args(["-c", script])
        .arg(folder.path().join("session.json.refresh-lock"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
    else {
        return eprintln!("no python3 here");
    };
    let mut line = String::new();
    BufReader::new(python.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "held\n");
    assert!(store.try_lock().unwrap().is_none());
    drop(python.stdin.take());
    python.wait().unwrap();
    assert!(store.try_lock().unwrap().is_some());
}

/// Not even root may make files in there.
#[cfg(target_os = "linux")]
#[test]
fn a_read_only_folder_is_told_as_such() {
    let error = FileStore::new("/sys/kernel/session.json").save(&put(1, 0)).unwrap_err();
    assert!(matches!(error, StoreError::Denied { .. }), "{error:?}");
}

/// A process that may not write a single byte more meets what a full disk is.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_what_was_there() {
    let folder = folder();
    let path = folder.path().join("session.json");
    assert_eq!(FileStore::new(&path).save(&put(1, 0)), Ok(Saved::Stored));
    let test = std::env::current_exe().unwrap();
    let status = std::process::Command::new("bash")
        .args(["-c", r#"trap '' XFSZ; ulimit -f 0; exec "$0" --exact on_a_full_disk --ignored --nocapture >/dev/null"#])
        .arg(test)
        .env("FULL_DISK", &path)
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(FileStore::new(&path).load(), Ok(Some(snapshot(1))));
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "no half-written file stays behind: {names:?}");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "runs in a process of its own, started by the test before"]
fn on_a_full_disk() {
    let store = FileStore::new(std::env::var_os("FULL_DISK").unwrap());
    if !matches!(store.save(&put(2, 1)), Err(StoreError::Full { .. })) {
        std::process::exit(1);
    }
}
