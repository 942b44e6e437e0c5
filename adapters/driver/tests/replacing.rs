//! What takes the place of what is stored, and what may take it away.

use webex_oauth::Secret;
use webex_oauth_driver::{FileStore, MemoryStore, Put, Replaces, Saved, Store};

#[test]
fn a_revision_is_deleted_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let stores: [Box<dyn Store>; 2] = [Box::new(FileStore::new(folder.path().join("s"))), Box::new(MemoryStore::new())];
    for store in stores {
        assert_eq!(store.delete_revision(1), Ok(false), "nothing is there");
        let put = |revision: u64, replaces| {
            let snapshot = format!(r#"{{"webex_oauth":1,"revision":{revision}}}"#);
            Put::of(Secret::new(snapshot), replaces).unwrap()
        };
        assert_eq!(store.save(&put(1, Replaces::Nothing)), Ok(Saved::Stored));
        // Another process has stored something since it was looked at.
        assert_eq!(store.save(&put(2, Replaces::Revision(1))), Ok(Saved::Stored));
        assert_eq!(store.delete_revision(1), Ok(false));
        assert!(store.load().unwrap().is_some(), "{store:?}");
        assert_eq!(store.delete_revision(2), Ok(true));
        assert_eq!(store.load(), Ok(None));
    }
}

/// Root does something for a user, who goes on having the session.
#[cfg(unix)]
#[test]
fn a_file_stays_whose_it_was() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let store = FileStore::new(&path);
    let put = |revision: u64, replaces| {
        Put::of(Secret::new(format!(r#"{{"webex_oauth":1,"revision":{revision}}}"#)), replaces).unwrap()
    };
    assert_eq!(store.save(&put(1, Replaces::Nothing)), Ok(Saved::Stored));
    // Where we are not root it is ours, before and after.
    let _ = chown(&path, Some(12345), Some(54321));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let before = std::fs::metadata(&path).unwrap();
    assert_eq!(store.save(&put(2, Replaces::Revision(1))), Ok(Saved::Stored));
    let after = std::fs::metadata(&path).unwrap();
    assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
    assert_eq!(after.mode() & 0o777, 0o600);
}
