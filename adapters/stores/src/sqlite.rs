//! SQLite: many users, one machine.

mod failure;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior, named_params, params};
use webex_oauth::{SNAPSHOT_KEPT_FOR, Secret, Timestamp};
use webex_oauth_driver::{Put, Replaces, Saved, StoreError};

use self::failure::{Place, check_version, is_busy, not_migrated};
use crate::limits::{check_body, millis, signed, span};
use crate::revisions::{COUNT_BITS, reused};
use crate::{Claim, Claimed, Key, Records, Scan, Scanned};

/// The columns that every engine has, times in Unix milliseconds.
const TABLES: &str = "
    CREATE TABLE webex_oauth_schema (version INTEGER NOT NULL);
    CREATE TABLE webex_oauth_session (
        tenant TEXT NOT NULL, user_key TEXT NOT NULL,
        revision INTEGER NOT NULL, body TEXT NOT NULL, key_id TEXT NOT NULL, client TEXT NOT NULL,
        due_at INTEGER, expires_at INTEGER, deleted_at INTEGER, updated_at INTEGER NOT NULL,
        PRIMARY KEY (tenant, user_key)) STRICT;
    CREATE INDEX webex_oauth_session_due ON webex_oauth_session (client, due_at)
        WHERE due_at IS NOT NULL AND deleted_at IS NULL;
    CREATE INDEX webex_oauth_session_key ON webex_oauth_session (key_id);
    CREATE INDEX webex_oauth_session_expires ON webex_oauth_session (expires_at) WHERE expires_at IS NOT NULL;
    INSERT INTO webex_oauth_schema VALUES (2);
";

const LOAD: &str = "SELECT body FROM webex_oauth_session WHERE tenant = ?1 AND user_key = ?2 AND deleted_at IS NULL";

/// What is not encrypted does not take the place of what is.
const REPLACE: &str = "UPDATE webex_oauth_session
    SET revision = :revision, body = :body, key_id = :key_id, client = :client, due_at = :due_at,
        expires_at = CAST(unixepoch('subsec') * 1000 AS INTEGER) + :kept_for,
        updated_at = CAST(unixepoch('subsec') * 1000 AS INTEGER)
    WHERE tenant = :tenant AND user_key = :user AND revision = :replaces AND deleted_at IS NULL
        AND (key_id = '' OR :key_id <> '')";

const INSERT: &str =
    "INSERT INTO webex_oauth_session (tenant, user_key, revision, body, key_id, client, due_at, expires_at, updated_at)
    VALUES (:tenant, :user, :revision, :body, :key_id, :client, :due_at,
        CAST(unixepoch('subsec') * 1000 AS INTEGER) + :kept_for, CAST(unixepoch('subsec') * 1000 AS INTEGER))
    ON CONFLICT (tenant, user_key) DO UPDATE
    SET revision = excluded.revision, body = excluded.body, key_id = excluded.key_id, client = excluded.client,
        due_at = excluded.due_at, expires_at = excluded.expires_at, updated_at = excluded.updated_at, deleted_at = NULL
    WHERE deleted_at IS NOT NULL
        AND (excluded.revision > revision OR excluded.revision >> :bits <> revision >> :bits)";

const DELETE: &str = "UPDATE webex_oauth_session
    SET body = '', key_id = '', due_at = NULL, deleted_at = CAST(unixepoch('subsec') * 1000 AS INTEGER),
        expires_at = CAST(unixepoch('subsec') * 1000 AS INTEGER) + ?3, updated_at = CAST(unixepoch('subsec') * 1000 AS INTEGER)
    WHERE tenant = ?1 AND user_key = ?2 AND deleted_at IS NULL";

/// The same session in other bytes: it is due when it was.
const REWRITE: &str = "UPDATE webex_oauth_session
    SET revision = :revision, body = :body, key_id = :key_id, updated_at = CAST(unixepoch('subsec') * 1000 AS INTEGER)
    WHERE tenant = :tenant AND user_key = :user AND revision = :replaces AND deleted_at IS NULL
        AND (key_id = '' OR :key_id <> '')";

/// In the order of the primary key, so that a batch looks at so many rows and no more. No key comes before the empty one, and
/// a batch that begins with the one where the last has ended repeats that.
const SCAN: &str = "SELECT tenant, user_key, CASE WHEN deleted_at IS NULL AND key_id IS NOT ?3 THEN body END
    FROM webex_oauth_session WHERE (tenant, user_key) >= (?1, ?2) ORDER BY tenant, user_key LIMIT ?4";

const DELETE_EXPIRED: &str = "DELETE FROM webex_oauth_session WHERE rowid IN (
    SELECT rowid FROM webex_oauth_session
    WHERE expires_at <= CAST(unixepoch('subsec') * 1000 AS INTEGER) AND expires_at IS NOT NULL LIMIT ?1)";

const OLDEST_DUE: &str = "SELECT due_at FROM webex_oauth_session
    WHERE client = ?1 AND due_at IS NOT NULL AND deleted_at IS NULL ORDER BY due_at LIMIT 1";

const CLAIM: &str = "UPDATE webex_oauth_session SET due_at = :until
    WHERE rowid IN (
        SELECT rowid FROM webex_oauth_session
        WHERE client = :client AND due_at <= :now AND due_at IS NOT NULL AND deleted_at IS NULL ORDER BY due_at LIMIT :most)
    RETURNING tenant, user_key, body";

/// Records in a file of SQLite, which any number of processes of one machine may share. Clones share the connections.
///
/// Saves are on the disk when they answer (`synchronous = FULL`, WAL). A file on a network share is not for this.
#[derive(Clone)]
pub struct Sqlite {
    inner: Arc<Inner>,
}

struct Inner {
    place: Place,
    /// Whoever reads does not wait for a save to be on the disk.
    reader: Mutex<Connection>,
    writer: Mutex<Connection>,
}

impl Sqlite {
    /// How long a save waits for those of other processes, unless said otherwise.
    pub const PATIENCE: Duration = Duration::from_secs(5);

    /// Opens the file, or makes one that only its owner may read. The tables are made by [`Sqlite::migrate`] and by nothing
    /// else.
    ///
    /// # Errors
    ///
    /// [`StoreError::Denied`], [`StoreError::Full`] or [`StoreError::Io`] where the file cannot be opened or made,
    /// [`StoreError::Damaged`] where it is no database, [`StoreError::Refused`] where its tables are of another version,
    /// [`StoreError::Busy`] where another process does not let go of it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, Self::PATIENCE)
    }

    /// The same, waiting so long for other processes.
    ///
    /// # Errors
    ///
    /// As [`Sqlite::open`].
    pub fn open_with(path: impl AsRef<Path>, patience: Duration) -> Result<Self, StoreError> {
        // Taken from the current folder now, whatever becomes of that.
        let path = std::path::absolute(path.as_ref()).unwrap_or_else(|_| path.as_ref().to_owned());
        let place = Place::new(path);
        make_private(place.path()).map_err(|error| place.io(&error))?;
        let open = || -> Result<Connection, rusqlite::Error> {
            // Not as a URI, and not shared by threads: that is what the locks here are for.
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(place.path(), flags)?;
            connection.busy_timeout(patience)?;
            use_wal(&connection, patience)?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            // What was deleted is not left in the file.
            connection.pragma_update(None, "secure_delete", "ON")?;
            Ok(connection)
        };
        let failed = |error| place.failure(&error);
        let (reader, writer) = (open().map_err(failed)?, open().map_err(failed)?);
        let store = Self { inner: Arc::new(Inner { place, reader: reader.into(), writer: writer.into() }) };
        store.version()?;
        Ok(store)
    }

    /// Makes the tables where there are none. What is up to date stays as it is.
    ///
    /// # Errors
    ///
    /// [`StoreError::Refused`] where the tables are of another version; otherwise as [`Sqlite::open`]. Tables are made in one
    /// transaction: all of them, or none.
    pub fn migrate(&self) -> Result<(), StoreError> {
        let mut writer = lock(&self.inner.writer);
        let failed = |error| self.inner.place.failure(&error);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        match version_in(&transaction).map_err(failed)? {
            None => transaction.execute_batch(TABLES).map_err(failed)?,
            Some(found) => check_version(&self.inner.place, found)?,
        }
        transaction.commit().map_err(failed)
    }

    fn version(&self) -> Result<(), StoreError> {
        match version_in(&lock(&self.inner.reader)).map_err(|error| self.inner.place.failure(&error))? {
            Some(found) => check_version(&self.inner.place, found),
            None => Ok(()),
        }
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        work(&lock(&self.inner.reader)).map_err(|error| self.failure(&error))
    }

    fn write<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        work(&lock(&self.inner.writer)).map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &rusqlite::Error) -> StoreError {
        match failure::is_missing_table(error) {
            true => not_migrated(&self.inner.place),
            false => self.inner.place.failure(error),
        }
    }

    /// Why an insert has changed nothing.
    fn not_inserted(&self, key: &Key, put: &Put) -> Result<Saved, StoreError> {
        match self.load(key)? {
            Some(found) => put.conflict(Some(found)),
            None => Err(reused()),
        }
    }
}

impl Records for Sqlite {
    fn load(&self, key: &Key) -> Result<Option<Secret>, StoreError> {
        let found = self.read(|connection| {
            let mut statement = connection.prepare_cached(LOAD)?;
            statement.query_row(params![key.tenant(), key.user()], |row| row.get::<_, String>(0)).optional()
        })?;
        Ok(found.map(Secret::new))
    }

    fn save(&self, key: &Key, put: &Put) -> Result<Saved, StoreError> {
        check_body(put.snapshot.expose())?;
        let (revision, due_at, kept_for) = (signed(put.revision)?, millis(put.due_at), put.may_go_after().map(span));
        let key_id = put.sealed_with().unwrap_or_default();
        let body = put.snapshot.expose();
        let (tenant, user, client) = (key.tenant(), key.user(), put.client_tag().unwrap_or_default());
        match put.replaces {
            Replaces::Nothing => {
                let stored = self.write(|connection| {
                    connection.prepare_cached(INSERT)?.execute(named_params! {
                        ":tenant": tenant, ":user": user, ":revision": revision, ":body": body, ":key_id": key_id,
                        ":client": client, ":due_at": due_at, ":kept_for": kept_for, ":bits": COUNT_BITS,
                    })
                })?;
                if stored == 1 { Ok(Saved::Stored) } else { self.not_inserted(key, put) }
            }
            Replaces::Revision(replaces) => {
                let replaces = signed(replaces)?;
                let stored = self.write(|connection| {
                    connection.prepare_cached(REPLACE)?.execute(named_params! {
                        ":tenant": tenant, ":user": user, ":revision": revision, ":body": body, ":key_id": key_id,
                        ":client": client, ":due_at": due_at, ":kept_for": kept_for, ":replaces": replaces,
                    })
                })?;
                if stored == 1 { Ok(Saved::Stored) } else { put.conflict(self.load(key)?) }
            }
        }
    }

    fn delete(&self, key: &Key) -> Result<(), StoreError> {
        let names = params![key.tenant(), key.user(), span(SNAPSHOT_KEPT_FOR)];
        self.write(|connection| connection.prepare_cached(DELETE)?.execute(names)).map(drop)
    }

    fn claim_due(&self, claim: Claim) -> Result<Vec<Claimed>, StoreError> {
        let rows = self.write(|connection| {
            let mut statement = connection.prepare_cached(CLAIM)?;
            let parameters = named_params! {
                ":client": claim.client, ":until": claim.until.as_millis(), ":now": claim.now.as_millis(),
                ":most": claim.most,
            };
            let rows = statement.query_map(parameters, |row| {
                // What is no text is damaged.
                let text = |at| row.get::<_, String>(at).ok();
                Ok([text(0), text(1), text(2)])
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let damaged = || self.inner.place.damaged();
        Claimed::usable(rows.into_iter().map(|[tenant, user, body]| {
            let (tenant, user) = (tenant.ok_or_else(damaged)?, user.ok_or_else(damaged)?);
            Ok(Claimed { key: Key::new(tenant, user)?, snapshot: body.map(Secret::new).ok_or_else(damaged) })
        }))
    }

    fn delete_expired(&self, most: u32) -> Result<u64, StoreError> {
        let deleted = self.write(|connection| connection.prepare_cached(DELETE_EXPIRED)?.execute([most]))?;
        Ok(u64::try_from(deleted).unwrap_or(u64::MAX))
    }

    fn oldest_due(&self, client: &str) -> Result<Option<Timestamp>, StoreError> {
        let millis = self.read(|connection| {
            connection.prepare_cached(OLDEST_DUE)?.query_row([client], |row| row.get(0)).optional()
        })?;
        Ok(millis.map(Timestamp::from_millis))
    }

    fn scan(&self, scan: &Scan) -> Result<Scanned, StoreError> {
        let (from, most) = (scan.from()?, scan.most.max(2));
        let rows = self.read(|connection| {
            let mut statement = connection.prepare_cached(SCAN)?;
            let rows = statement.query_map(params![from.tenant(), from.user(), scan.but_sealed_with, most], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, Option<String>>(2)?))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        Scanned::of_rows(rows, most)
    }

    fn rewrite(&self, key: &Key, put: &Put) -> Result<Saved, StoreError> {
        check_body(put.snapshot.expose())?;
        let Replaces::Revision(replaces) = put.replaces else { return put.conflict(self.load(key)?) };
        let (revision, replaces, key_id) = (signed(put.revision)?, signed(replaces)?, put.sealed_with());
        let stored = self.write(|connection| {
            connection.prepare_cached(REWRITE)?.execute(named_params! {
                ":tenant": key.tenant(), ":user": key.user(), ":revision": revision, ":body": put.snapshot.expose(),
                ":key_id": key_id.unwrap_or_default(), ":replaces": replaces,
            })
        })?;
        if stored == 1 { Ok(Saved::Stored) } else { put.conflict(self.load(key)?) }
    }
}

/// For this SQLite does not wait by itself while others open a new file.
fn use_wal(connection: &Connection, patience: Duration) -> rusqlite::Result<()> {
    let begun = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error) if is_busy(&error) && begun.elapsed() < patience => thread::sleep(Duration::from_millis(5)),
            done => return done,
        }
    }
}

/// The path alone.
impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SQLite in {}", self.inner.place.path().display())
    }
}

fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

fn version_in(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let found = connection.query_row("SELECT max(version) FROM webex_oauth_schema", [], |row| row.get(0));
    match found {
        Err(error) if failure::is_missing_table(&error) => Ok(None),
        found => found,
    }
}

/// SQLite would make a file that others may read; the ones beside it get the permissions of this one.
fn make_private(path: &PathBuf) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}
