//! Saves of processes that are killed. A program of its own: while a process is started, it holds the locks of who starts
//! it, and tests of locks beside these would see that.
#![cfg(target_os = "linux")]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use webex_oauth::Secret;
use webex_oauth_driver::{FileStore, Put, Replaces, Saved, Store as _};

fn snapshot(revision: u64) -> Secret {
    Secret::new(format!(r#"{{"webex_oauth":1,"revision":{revision}}}"#))
}

fn put(revision: u64, replaces: u64) -> Put {
    Put::new(snapshot(revision), revision, replaces.into())
}

/// A killed save may leave its tokens behind once, not once each time; and the next one takes them away.
#[test]
fn killed_saves_leave_nothing_that_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.json");
    let store = FileStore::new(&path);
    store.save(&put(1, 0)).map(|_| ()).unwrap();
    let names = || {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    // Written when: what a killed save has left is not mistaken for the next one's.
    let draft = || std::fs::metadata(folder.path().join("session.json.new")).and_then(|draft| draft.modified()).ok();
    let mut left = 0;
    for round in 0..60 {
        let before = draft();
        let mut saver = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "saves_until_it_is_killed", "--ignored", "--nocapture"])
            .env("KILLED_SAVES", &path)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // In the middle of a save, however slow the machine is.
        let patience = Instant::now() + Duration::from_secs(20);
        while draft().is_none_or(|draft| Some(draft) == before) && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(round % 7));
        saver.kill().unwrap();
        saver.wait().unwrap();
        left += usize::from(names().contains(&"session.json.new".to_owned()));
        assert!(names().len() <= 3, "{:?}", names());
        let found = store.load().unwrap().expect("what was there stays");
        assert!(webex_oauth::snapshot_revision(found.expose()).is_ok(), "and is whole");
    }
    assert!(left > 0, "none was killed in the middle: nothing is shown");
    let found = webex_oauth::snapshot_revision(store.load().unwrap().unwrap().expose()).unwrap();
    std::fs::write(folder.path().join("session.json.new"), "half of a session").unwrap();
    assert_eq!(store.save(&put(found + 1, found)), Ok(Saved::Stored));
    assert_eq!(names(), ["session.json", "session.json.lock"]);
    std::fs::write(folder.path().join("session.json.new"), "half of a session").unwrap();
    assert_eq!(store.delete(), Ok(()));
    assert_eq!(names(), ["session.json.lock"]);
    // Also where the very first save was killed.
    std::fs::write(folder.path().join("session.json.new"), "half of a session").unwrap();
    assert_eq!(store.delete(), Ok(()));
    assert_eq!(names(), ["session.json.lock"]);
}

#[test]
#[ignore = "runs in a process of its own, started by the test before"]
fn saves_until_it_is_killed() {
    let store = FileStore::new(std::env::var_os("KILLED_SAVES").unwrap());
    let filler = "x".repeat(2 * 1024 * 1024);
    loop {
        let found = store.load().unwrap().unwrap();
        let revision = webex_oauth::snapshot_revision(found.expose()).unwrap();
        let next = format!(r#"{{"webex_oauth":1,"revision":{},"filler":"{filler}"}}"#, revision + 1);
        let put = Put::new(Secret::new(next), revision + 1, Replaces::Revision(revision));
        store.save(&put).map(|_| ()).unwrap();
    }
}
