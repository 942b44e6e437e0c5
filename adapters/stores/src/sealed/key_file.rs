//! Keys in a file that only its owner reads: one a line, the first one seals, all of them open.

mod error;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

use webex_oauth::Secret;
use webex_oauth::sealed::{KeyError, Keys, MasterKey};
use webex_oauth_driver::{FileStore, StoreError, keep_owner, sync_folder};

pub use self::error::KeyFileError;

/// No file of keys is longer.
const MAX_LEN: u64 = 64 * 1024;
/// To add a key is a matter of moments.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
/// In the name of a file that is to replace a file of keys, behind its name.
const DRAFT: &str = ".webex-oauth-draft-";

/// The keys in this file, which has to be readable by its owner only.
///
/// # Errors
///
/// [`KeyFileError::Missing`], [`KeyFileError::OpenToOthers`], [`KeyFileError::NoKeys`] where anything in it is no key,
/// [`KeyFileError::Io`] where it cannot be read or is longer than 64 KiB.
pub fn read_key_file(path: impl AsRef<Path>) -> Result<Keys, KeyFileError> {
    let path = path.as_ref();
    let text = read(path)?;
    Keys::read(text.expose()).map_err(|why| KeyFileError::NoKeys { path: path.to_owned(), why })
}

/// Makes a key of this name, in a new file.
///
/// # Errors
///
/// [`KeyFileError::Exists`], [`KeyFileError::NoFolder`], [`KeyFileError::Name`] where no key can be called this,
/// [`KeyFileError::NoRandomness`], [`KeyFileError::Io`]. No new file is left then.
pub fn new_key_file(path: impl AsRef<Path>, name: &str) -> Result<MasterKey, KeyFileError> {
    let path = path.as_ref();
    let key = draw(name)?;
    write_new(path, &format_keys(&key, "")).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => KeyFileError::Exists { path: path.to_owned() },
        io::ErrorKind::NotFound => KeyFileError::NoFolder { path: folder_of(path).to_owned() },
        _ => io_error(path, &error),
    })?;
    Ok(key)
}

/// Makes a key of this name and puts it in front of those that are in this file: it seals from now on, and they go on opening
/// what they have sealed. The file is replaced as a whole and stays whose it was; beside it lies a lock file without content.
///
/// # Errors
///
/// As [`read_key_file`]; [`KeyFileError::Taken`] where a key is called this already, [`KeyFileError::Name`],
/// [`KeyFileError::NoRandomness`], [`KeyFileError::Busy`] while another key is being added. The file is as it was; after
/// [`KeyFileError::Io`] alone the key may be in it.
pub fn add_key(path: impl AsRef<Path>, name: &str) -> Result<MasterKey, KeyFileError> {
    // A link stays one.
    let asked = path.as_ref();
    let path = &fs::canonicalize(asked).map_err(|error| io_error(asked, &error))?;
    let key = draw(name)?;
    // Of two keys that are added at once one would be lost, with all that it has sealed. The lock of a killed process is free.
    let _lock = FileStore::new(path).lock_saves(LOCK_PATIENCE).map_err(|error| match error {
        StoreError::Busy { .. } => KeyFileError::Busy { path: path.clone() },
        StoreError::Io { path, kind } | StoreError::Lock { path, kind } => KeyFileError::Io { path, kind },
        _ => KeyFileError::Io { path: path.clone(), kind: io::ErrorKind::PermissionDenied },
    })?;
    let text = read(path)?;
    let no_keys = |why| KeyFileError::NoKeys { path: path.clone(), why };
    Keys::read(text.expose()).map_err(no_keys)?;
    let text = format_keys(&key, text.expose());
    Keys::read(text.expose()).map_err(|why| match why {
        KeyError::Twice { id } => KeyFileError::Taken { path: path.clone(), name: id },
        why => no_keys(why),
    })?;
    replace(path, &text).map_err(|error| io_error(path, &error))?;
    Ok(key)
}

/// Call it with the lock held: what an interrupted process has left is taken away.
fn replace(path: &Path, text: &Secret) -> io::Result<()> {
    let folder = folder_of(path);
    let mut begin = path.file_name().unwrap_or_default().to_owned();
    begin.push(DRAFT);
    for left in fs::read_dir(folder)?.flatten() {
        if left.file_name().as_encoded_bytes().starts_with(begin.as_encoded_bytes()) {
            // It is in nobody's way.
            let _ = fs::remove_file(left.path());
        }
    }
    let mut draft = tempfile::Builder::new().prefix(&begin).tempfile_in(folder)?;
    keep_owner(path, draft.as_file());
    draft.as_file().set_permissions(fs::metadata(path)?.permissions())?;
    fill(draft.as_file_mut(), text)?;
    draft.persist(path)?;
    sync_folder(folder)
}

fn draw(name: &str) -> Result<MasterKey, KeyFileError> {
    let mut bytes = [0; MasterKey::LEN];
    getrandom::fill(&mut bytes).map_err(|_| KeyFileError::NoRandomness)?;
    let key = MasterKey::new(name, &bytes).map_err(|_| KeyFileError::Name { name: name.to_owned() });
    bytes.fill(0);
    key
}

fn format_keys(key: &MasterKey, others: &str) -> Secret {
    Secret::new(format!("{}\n{others}", key.to_text().expose()))
}

fn read(path: &Path) -> Result<Secret, KeyFileError> {
    let failed = |error: io::Error| io_error(path, &error);
    let file = File::open(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o777;
        if found.is_file() && mode & 0o077 != 0 {
            return Err(KeyFileError::OpenToOthers { path: path.to_owned(), mode });
        }
    }
    if found.is_dir() {
        return Err(KeyFileError::Io { path: path.to_owned(), kind: io::ErrorKind::IsADirectory });
    }
    let mut text = String::with_capacity(usize::try_from(MAX_LEN).unwrap_or_default());
    let read = file.take(MAX_LEN + 1).read_to_string(&mut text);
    let text = Secret::new(text);
    match read {
        // Of half a file the keys that are missing would be missed when something has to be opened.
        Ok(read) if read as u64 > MAX_LEN => {
            Err(KeyFileError::Io { path: path.to_owned(), kind: io::ErrorKind::FileTooLarge })
        }
        Ok(_) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(KeyFileError::NoKeys { path: path.to_owned(), why: KeyError::Name })
        }
        Err(error) => Err(failed(error)),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn fill(file: &mut File, text: &Secret) -> io::Result<()> {
    file.write_all(text.expose().as_bytes()).and_then(|()| file.sync_all())
}

fn write_new(path: &Path, text: &Secret) -> io::Result<()> {
    let mut file = create(path)?;
    // What the key seals in a database outlives a power cut, and so has the key to.
    let written = fill(&mut file, text).and_then(|()| sync_folder(folder_of(path)));
    if written.is_err() {
        // Half a key is none.
        let _ = fs::remove_file(path);
    }
    written
}

fn io_error(path: &Path, error: &io::Error) -> KeyFileError {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound => KeyFileError::Missing { path },
        kind => KeyFileError::Io { path, kind },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[cfg(unix)]
    fn mode(path: &Path) -> u32 {
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o777
    }

    #[test]
    fn a_new_key_is_its_owners_and_is_never_overwritten() {
        let folder = folder();
        let path = folder.path().join("keys");
        let key = new_key_file(&path, "k1").unwrap();
        #[cfg(unix)]
        assert_eq!(mode(&path), 0o600);
        let before = fs::read(&path).unwrap();
        assert_eq!(new_key_file(&path, "k2"), Err(KeyFileError::Exists { path: path.clone() }));
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(read_key_file(&path).unwrap(), Keys::new(key));
        assert_ne!(
            new_key_file(folder.path().join("others"), "k1").unwrap(),
            read_key_file(&path).unwrap().first().clone()
        );
    }

    #[test]
    fn a_key_that_is_added_seals_and_the_others_open() {
        let folder = folder();
        let path = folder.path().join("keys");
        let first = new_key_file(&path, "k1").unwrap();
        let second = add_key(&path, "k2").unwrap();
        let keys = read_key_file(&path).unwrap();
        assert_eq!((keys.first(), keys.find("k1")), (&second, Some(&first)));
        #[cfg(unix)]
        assert_eq!(mode(&path), 0o600);
        let twice = add_key(&path, "k1").unwrap_err();
        assert!(matches!(&twice, KeyFileError::Taken { .. }), "{twice}");
        assert_eq!(read_key_file(&path).unwrap(), keys);
        assert_eq!(left_beside(&path), ["keys", "keys.lock"], "nothing but the lock is left beside it");
    }

    fn left_beside(path: &Path) -> Vec<String> {
        let names = fs::read_dir(path.parent().unwrap()).unwrap();
        let mut names: Vec<String> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn who_was_killed_is_in_nobodys_way() {
        let folder = folder();
        let path = folder.path().join("keys");
        new_key_file(&path, "k1").unwrap();
        // What older versions and this one leave behind, and a file of somebody's.
        for left in ["keys.new", "keys.webex-oauth-draft-a1b2c3", "mine.webex-oauth-draft-a1b2c3"] {
            fs::write(folder.path().join(left), "").unwrap();
        }
        add_key(&path, "k2").unwrap();
        assert_eq!(read_key_file(&path).unwrap().names().count(), 2);
        assert_eq!(left_beside(&path), ["keys", "keys.lock", "keys.new", "mine.webex-oauth-draft-a1b2c3"]);
    }

    #[test]
    fn keys_that_are_added_at_once_are_all_there() {
        let folder = folder();
        let path = folder.path().join("keys");
        new_key_file(&path, "k0").unwrap();
        std::thread::scope(|scope| {
            for number in 1..=8 {
                let path = &path;
                scope.spawn(move || add_key(path, &format!("k{number}")).unwrap());
            }
        });
        assert_eq!(read_key_file(&path).unwrap().names().count(), 9);
        // Whoever holds the lock is waited for.
        let held = FileStore::new(&path).lock_saves(LOCK_PATIENCE).unwrap();
        std::thread::scope(|scope| {
            let added = scope.spawn(|| add_key(&path, "late").unwrap());
            std::thread::sleep(Duration::from_millis(100));
            assert_eq!(read_key_file(&path).unwrap().names().count(), 9);
            drop(held);
            added.join().unwrap();
        });
        assert_eq!(read_key_file(&path).unwrap().names().count(), 10);
    }

    /// Root may add a key to a file of a user's, who goes on using it.
    #[cfg(unix)]
    #[test]
    fn a_file_stays_whose_it_was() {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
        let folder = folder();
        let path = folder.path().join("keys");
        new_key_file(&path, "k1").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        // Where we are not root it is ours, before and after.
        let _ = chown(&path, Some(12345), Some(54321));
        let before = fs::metadata(&path).unwrap();
        add_key(&path, "k2").unwrap();
        let after = fs::metadata(&path).unwrap();
        assert_eq!((after.uid(), after.gid(), after.mode()), (before.uid(), before.gid(), before.mode()));
        assert_ne!(after.ino(), before.ino());
    }

    #[test]
    fn what_is_no_key_file_is_refused_and_nothing_of_it_is_told() {
        const SECRET: &str = "uwfbCQ1BTdJOgfP6C8F4AHzmHRXBbEFUWCzcmHIl0xs";
        let folder = folder();
        let path = folder.path().join("keys");
        let texts = [
            String::new(),
            SECRET.to_owned(),
            // The other way round.
            format!("{SECRET}:2026-11"),
            format!("2026-11:{SECRET} {SECRET}"),
            format!("2026-11:{}", &SECRET[..40]),
            format!("2026-11:{SECRET}AAAA"),
            format!("2026-11={SECRET}"),
            format!("-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----\n"),
            format!("2026-11:{SECRET}\n2026-11:{SECRET}\n"),
        ];
        for text in texts {
            fs::write(&path, &text).unwrap();
            #[cfg(unix)]
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
            let error = read_key_file(&path).unwrap_err();
            assert!(matches!(error, KeyFileError::NoKeys { .. }), "{error}");
            let told = format!("{error} {error:?}");
            assert!(!told.contains(&SECRET[..12]) && !told.contains(&SECRET[20..32]), "{told}");
        }
        let comments = "# comment\n".repeat(7000);
        fs::write(&path, format!("2026-11:{SECRET}\n{comments}2026-12:{SECRET}\n")).unwrap();
        let too_long = read_key_file(&path).unwrap_err();
        assert!(matches!(too_long, KeyFileError::Io { kind: io::ErrorKind::FileTooLarge, .. }), "{too_long}");
        fs::write(&path, [0xff, 0xfe, 0x00]).unwrap();
        assert!(matches!(read_key_file(&path), Err(KeyFileError::NoKeys { .. })));
        let missing = folder.path().join("none");
        assert_eq!(read_key_file(&missing), Err(KeyFileError::Missing { path: missing.clone() }));
        assert_eq!(add_key(&missing, "k"), Err(KeyFileError::Missing { path: missing }));
        assert!(matches!(read_key_file(folder.path()), Err(KeyFileError::Io { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn what_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = folder();
        let path = folder.path().join("keys");
        new_key_file(&path, "k1").unwrap();
        for mode in [0o640, 0o604, 0o660, 0o644, 0o601] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read_key_file(&path), Err(KeyFileError::OpenToOthers { path: path.clone(), mode }));
            assert!(matches!(add_key(&path, "k2"), Err(KeyFileError::OpenToOthers { .. })));
        }
        for mode in [0o400, 0o700] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(read_key_file(&path).is_ok());
        }
    }
}
