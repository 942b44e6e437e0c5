//! A store in a file, shared by processes and by drivers in other languages. The contract is in the README.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use webex_oauth::Secret;

use super::{Put, Saved, Store, StoreError, StoreLock, conflict, has_revision, lock, wait_for};
use crate::machine;

/// No session is longer; what is longer is not one.
const MAX_LEN: u64 = 4 * 1024 * 1024;
/// A save holds its lock for moments; who waits longer has met something broken.
const SAVE_PATIENCE: Duration = Duration::from_secs(10);

/// Keeps a snapshot in a file that only its owner may read.
///
/// The file is replaced as a whole and flushed, so that neither a crash nor a full disk damages what was there. Any
/// number of processes may use the same file.
#[derive(Clone, PartialEq, Eq)]
pub struct FileStore {
    path: PathBuf,
}

impl FileStore {
    /// A store in the file at `path`, which is taken from the current folder now. Nothing is touched yet: folder and file
    /// are made by the first save, readable by their owner only. A symbolic link is followed.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: resolve(path.into()) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(ending);
        name.into()
    }

    fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    fn make_folder(&self) -> Result<(), StoreError> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(self.folder()).map_err(|error| StoreError::of(self.folder(), &error))
    }

    fn try_lock_at(&self, ending: &str) -> Result<Option<File>, StoreError> {
        let path = self.beside(ending);
        lock::try_lock(&path, &self.path).map_err(|error| StoreError::lock(&path, &error))
    }

    /// The lock of the compare-and-swap, for a store that borrows the locks of a file: it is not taken twice.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] where another holds it all the while; [`StoreError::Lock`] where the file system has no locks;
    /// [`StoreError::Denied`], [`StoreError::Full`] or [`StoreError::Io`] where folder or lock file cannot be made.
    pub fn lock_saves(&self, patience: Duration) -> Result<StoreLock, StoreError> {
        self.make_folder()?;
        let lock = wait_for(patience, || self.try_lock_at(".lock"))?;
        lock.map(StoreLock::new).ok_or_else(|| StoreError::Busy { what: self.name() })
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// A pipe would be waited for, and a device be replaced by a file of tokens.
    fn is_there(&self) -> Result<bool, StoreError> {
        match fs::metadata(&self.path) {
            Ok(found) if found.is_file() => Ok(true),
            Ok(found) => {
                let what = format!("{}: {}, not a file that a session could be kept in", self.name(), kind_of(&found));
                Err(StoreError::Refused { what })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(StoreError::of(&self.path, &error)),
        }
    }

    fn damaged(&self) -> StoreError {
        StoreError::Damaged { what: self.name() }
    }

    /// What a save writes before it becomes the file. One name for all: whoever holds the lock takes away what a killed
    /// process has left.
    fn draft(&self) -> PathBuf {
        self.beside(".new")
    }

    /// Call it with the lock held.
    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let draft = self.draft();
        remove(&draft)?;
        let written = self.write(&draft, bytes).and_then(|()| fs::rename(&draft, &self.path));
        if let Err(error) = written {
            // The first failure is the one to tell.
            let _ = remove(&draft);
            return Err(error);
        }
        sync_folder(self.folder())
    }
}

impl FileStore {
    /// A new file, for the owner only of what it is to replace, on the disk when this returns.
    fn write(&self, draft: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut options = OpenOptions::new();
        // Never a file, a link or a pipe that somebody else has put there.
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(draft)?;
        keep_owner(&self.path, &file);
        file.write_all(bytes)?;
        file.sync_all()
    }

    /// Call it with the lock of the saves held.
    fn remove(&self) -> Result<(), StoreError> {
        let draft = self.draft();
        for path in [&self.path, &draft] {
            remove(path).map_err(|error| StoreError::of(path, &error))?;
        }
        Ok(())
    }
}

impl Store for FileStore {
    fn load(&self) -> Result<Option<Secret>, StoreError> {
        if !self.is_there()? {
            return Ok(None);
        }
        let failed = |error: &io::Error| StoreError::of(&self.path, error);
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&error)),
        };
        let len = file.metadata().map_err(|error| failed(&error))?.len();
        if len > MAX_LEN {
            return Err(self.damaged());
        }
        // Room for all of it at once: a text that grows leaves copies of itself behind.
        let mut text = String::with_capacity(usize::try_from(len).unwrap_or_default() + 1);
        match file.take(MAX_LEN).read_to_string(&mut text) {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(Secret::new(text))),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(self.damaged()),
            Err(error) => Err(failed(&error)),
        }
    }

    fn save(&self, put: &Put) -> Result<Saved, StoreError> {
        let _lock = self.lock_saves(SAVE_PATIENCE)?;
        if let Some(conflict) = conflict(self.load()?, put, || self.damaged())? {
            return Ok(conflict);
        }
        self.replace(put.snapshot.expose().as_bytes()).map_err(|error| StoreError::of(&self.path, &error))?;
        Ok(Saved::Stored)
    }

    fn delete(&self) -> Result<(), StoreError> {
        let draft = self.draft();
        if !self.is_there()? && fs::symlink_metadata(&draft).is_err() {
            return Ok(());
        }
        // A save that is under way would bring everything back. A lock that does not work is no reason to keep anything.
        let _lock = match self.lock_saves(SAVE_PATIENCE) {
            Err(error @ StoreError::Busy { .. }) => return Err(error),
            other => other.ok(),
        };
        self.remove()
    }

    fn delete_revision(&self, revision: u64) -> Result<bool, StoreError> {
        let _lock = self.lock_saves(SAVE_PATIENCE)?;
        let is_it = has_revision(self.load()?.as_ref(), revision);
        if is_it {
            self.remove()?;
        }
        Ok(is_it)
    }

    fn try_lock(&self) -> Result<Option<StoreLock>, StoreError> {
        self.make_folder()?;
        Ok(self.try_lock_at(".refresh-lock")?.map(StoreLock::new))
    }

    fn lock_domain(&self) -> Option<String> {
        let folder = canonical(self.folder());
        let file = self.path.file_name().map_or_else(|| folder.clone(), |name| folder.join(name));
        Some(machine::lock_domain(file.as_os_str().as_encoded_bytes()))
    }
}

/// The one name of a folder, by whatever way it is reached, and also before it is there: of what is there already, links are
/// followed.
fn canonical(folder: &Path) -> PathBuf {
    let known = folder.ancestors().find_map(|ancestor| {
        let rest = folder.strip_prefix(ancestor).ok()?;
        Some(rest.iter().fold(fs::canonicalize(ancestor).ok()?, |path, name| path.join(name)))
    });
    known.unwrap_or_else(|| folder.to_owned())
}

/// Where the file is, or will be: a path that means the same wherever the program goes, and no link, which would be
/// replaced.
fn resolve(path: PathBuf) -> PathBuf {
    const MOST_LINKS: usize = 40;
    let mut path = std::path::absolute(&path).unwrap_or(path);
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            // An absolute target replaces the folder.
            Ok(target) => path = path.parent().unwrap_or(Path::new("/")).join(target),
            Err(_) => break,
        }
    }
    fs::canonicalize(&path).unwrap_or(path)
}

/// What stands where a file should.
fn kind_of(found: &fs::Metadata) -> &'static str {
    if found.is_dir() {
        return "a folder";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        let kind = found.file_type();
        if kind.is_fifo() {
            return "a pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
    }
    "a device"
}

/// Nothing there is a success.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// The path alone.
impl std::fmt::Debug for FileStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileStore({})", self.path.display())
    }
}

/// Gives a new file to whom the file at `path` belongs, which it is to replace: root may do something for a user, who goes on
/// having the file. Where there is none, or the system does not allow it, the new file stays as it is.
#[cfg(unix)]
pub fn keep_owner(path: &Path, file: &File) {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let (Ok(old), Ok(new)) = (fs::metadata(path), file.metadata()) else { return };
    if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
        // Only root may: everybody else keeps what is theirs.
        let _ = fchown(file, Some(old.uid()), Some(old.gid()));
    }
}

/// As elsewhere; here files have no owner that would be told.
#[cfg(not(unix))]
pub fn keep_owner(_path: &Path, _file: &File) {}

/// A file that was made or renamed in this folder is durable only once the folder is flushed.
///
/// # Errors
///
/// Those of the system. That a folder cannot be flushed there (Windows, some file systems) is none.
#[cfg(unix)]
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Some file systems cannot flush a folder: they have nothing to flush then.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        result => result,
    }
}

/// As elsewhere; here folders cannot be flushed, and nothing is to be done.
///
/// # Errors
///
/// None.
#[cfg(not(unix))]
pub fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
