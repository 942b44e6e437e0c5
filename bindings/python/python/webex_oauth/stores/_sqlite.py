"""SQLite: many users, one machine."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from .._core import SNAPSHOT_KEPT_FOR_MS, Secret
from .._errors import StoreError
from ._failures import VERSION, Place, attempt, check_put, instant, refused, reused, span
from ._keys import Key
from ._records import AsyncRecords, Put, Records

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["AsyncSqliteStore", "SqliteStore"]

T = TypeVar("T")

#: Tables that say what their columns hold (STRICT), which is what the other languages make.
_OLDEST = (3, 37, 0)

_NOW = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"

#: The columns that every engine has, times in Unix milliseconds.
_TABLES = (
    "CREATE TABLE webex_oauth_schema (version INTEGER NOT NULL)",
    """CREATE TABLE webex_oauth_session (
        tenant TEXT NOT NULL, user_key TEXT NOT NULL,
        revision INTEGER NOT NULL, body TEXT NOT NULL, key_id TEXT NOT NULL, client TEXT NOT NULL,
        due_at INTEGER, expires_at INTEGER, deleted_at INTEGER, updated_at INTEGER NOT NULL,
        PRIMARY KEY (tenant, user_key)) STRICT""",
    """CREATE INDEX webex_oauth_session_due ON webex_oauth_session (client, due_at)
        WHERE due_at IS NOT NULL AND deleted_at IS NULL""",
    "CREATE INDEX webex_oauth_session_key ON webex_oauth_session (key_id)",
    "CREATE INDEX webex_oauth_session_expires ON webex_oauth_session (expires_at) WHERE expires_at IS NOT NULL",
    f"INSERT INTO webex_oauth_schema VALUES ({VERSION})",
)

_LOAD = "SELECT body FROM webex_oauth_session WHERE tenant = :tenant AND user_key = :user AND deleted_at IS NULL"

#: What is not encrypted does not take the place of what is.
_REPLACE = f"""UPDATE webex_oauth_session
    SET revision = :revision, body = :body, key_id = :key_id, client = :client, due_at = :due_at,
        expires_at = {_NOW} + :kept_for, updated_at = {_NOW}
    WHERE tenant = :tenant AND user_key = :user AND revision = :replaces AND deleted_at IS NULL
        AND (key_id = '' OR :key_id <> '')"""

#: Of a revision the upper half is drawn for each session, and the lower one, 24 bits, is counted.
_INSERT = f"""INSERT INTO webex_oauth_session (
        tenant, user_key, revision, body, key_id, client, due_at, expires_at, updated_at)
    VALUES (:tenant, :user, :revision, :body, :key_id, :client, :due_at, {_NOW} + :kept_for, {_NOW})
    ON CONFLICT (tenant, user_key) DO UPDATE
    SET revision = excluded.revision, body = excluded.body, key_id = excluded.key_id, client = excluded.client,
        due_at = excluded.due_at, expires_at = excluded.expires_at, updated_at = excluded.updated_at, deleted_at = NULL
    WHERE deleted_at IS NOT NULL
        AND (excluded.revision > revision OR excluded.revision >> 24 <> revision >> 24)"""

_DELETE = f"""UPDATE webex_oauth_session
    SET body = '', key_id = '', due_at = NULL, deleted_at = {_NOW}, updated_at = {_NOW},
        expires_at = {_NOW} + {SNAPSHOT_KEPT_FOR_MS}
    WHERE tenant = :tenant AND user_key = :user AND deleted_at IS NULL"""

_DELETE_EXPIRED = f"""DELETE FROM webex_oauth_session WHERE rowid IN (
    SELECT rowid FROM webex_oauth_session WHERE expires_at <= {_NOW} AND expires_at IS NOT NULL LIMIT :most)"""


class SqliteStore(Records):
    """Records in a file of SQLite, which any number of processes of one machine may share.

    The file is made where there is none, for its owner only; the tables are made by :meth:`migrate` and by nothing
    else. Saves are on the disk when they answer (WAL, ``synchronous = FULL``), and wait for those of other processes
    for ``patience`` seconds. What was deleted is overwritten. Not for a network share.
    """

    _place = Place("SQLite")

    def __init__(self, path: str | os.PathLike[str], *, patience: float = 5.0) -> None:
        if sqlite3.sqlite_version_info < _OLDEST:
            wanted = ".".join(map(str, _OLDEST[:2]))
            raise refused(f"this Python has SQLite {sqlite3.sqlite_version}: {wanted} or later is needed")
        # Taken from the current folder now, whatever becomes of that.
        self._path = Path(path).absolute()
        self._place = Place(str(self._path))
        self._patience = patience
        self._attempt(self._make_private)
        self._inherited: list[object] = []
        self._begin()
        try:
            self._attempt(lambda: self._place.check_version(_version(self._reader.connection)))
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        self._process = os.getpid()
        # Whoever reads does not wait for a save to be on the disk.
        self._reader, self._writer = self._attempt(lambda: (self._connect(), self._connect()))

    def _connect(self) -> _Guarded:
        # Not as a URI, and used by any thread, one at a time.
        connection = sqlite3.connect(self._path, timeout=self._patience, isolation_level=None, check_same_thread=False)
        try:
            self._use_wal(connection)
            for pragma in ("synchronous = FULL", "secure_delete = ON"):
                connection.execute(f"PRAGMA {pragma}").fetchall()
        except BaseException:
            connection.close()
            raise
        return _Guarded(connection)

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        """For this SQLite does not wait by itself while others open a new file."""
        until = time.monotonic() + self._patience
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL").fetchall()
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(0.005)

    def _make_private(self) -> None:
        """SQLite would make a file that others may read; the ones beside it get the permissions of this one."""
        try:
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            pass

    def migrate(self) -> None:
        """Makes the tables where there are none. What is up to date stays as it is."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            try:
                found = _version(connection)
                self._place.check_version(found)
                for statement in () if found is not None else _TABLES:
                    connection.execute(statement)
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise

        self._use("_writer", work)

    def load(self, key: Key) -> Secret | None:
        names = _names(key)
        # In no variable: a traceback may show those of every frame.
        rows = self._use("_reader", lambda connection: [Secret(body) for (body,) in connection.execute(_LOAD, names)])
        return rows[0] if rows else None

    def save(self, key: Key, put: Put) -> Secret | None:
        check_put(put)
        statement = _INSERT if put.replaces == 0 else _REPLACE
        if self._use("_writer", lambda connection: connection.execute(statement, _values(key, put)).rowcount) == 1:
            return None
        found = self.load(key)
        if found is None and put.replaces == 0:
            raise reused()
        return put.conflict(found)

    def delete(self, key: Key) -> None:
        self._use("_writer", lambda connection: connection.execute(_DELETE, _names(key)))

    def delete_expired(self, most: int = 1000) -> int:
        return self._use("_writer", lambda connection: connection.execute(_DELETE_EXPIRED, {"most": most}).rowcount)

    def close(self) -> None:
        """Closes the file. Calls that come later fail."""
        if self._process != os.getpid():
            # In a child that has not used it: the connections are the parent's, and so is whoever holds their locks.
            return
        for guarded in (self._reader, self._writer):
            with guarded.lock:
                guarded.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _use(self, which: str, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._process != os.getpid():
            # A connection does not go through a fork. Closing the parent's here would do harm, too.
            self._inherited.append((self._reader, self._writer))
            self._begin()
        guarded: _Guarded = getattr(self, which)

        def guarded_work() -> T:
            with guarded.lock:
                return work(guarded.connection)

        return self._attempt(guarded_work)

    def _attempt(self, work: Callable[[], T]) -> T:
        return attempt(work, self._failure)

    def _failure(self, error: Exception) -> StoreError:
        """By SQLite's own sentences, which are the same in all versions and quote no values."""
        if isinstance(error, OSError):
            return _file_failure(self._place, error)
        if isinstance(error, sqlite3.ProgrammingError):
            return self._place.unavailable("it is closed")
        text = str(error)
        for beginning, failure in _SENTENCES.items():
            if text.startswith(beginning):
                return failure(self._place)
        return self._place.other(f"SQLite failed ({type(error).__name__})")

    def __repr__(self) -> str:
        return f"SQLite in {self._place!r}"


class _Guarded:
    """A connection, for one thread at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection, self.lock = connection, threading.Lock()
        self._process = os.getpid()

    def __del__(self, getpid: Callable[[], int] = os.getpid) -> None:
        """Of a store that nobody has closed. A parent's is left alone."""
        if getpid() == self._process:
            with suppress(sqlite3.Error):
                self.connection.close()


class AsyncSqliteStore(AsyncRecords):
    """:class:`SqliteStore` for asyncio: it is opened and used on two threads of its own, and the event loop waits for
    nothing. ``async with`` opens it; so does the first call. Any number of event loops may use it."""

    def __init__(self, path: str | os.PathLike[str], *, patience: float = 5.0) -> None:
        self._open: Callable[[], SqliteStore] = lambda: SqliteStore(path, patience=patience)
        self._path = Path(path).absolute()
        self._store: SqliteStore | None = None
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._opening = threading.Lock()
        # One reads while the other one writes.
        self._threads = ThreadPoolExecutor(2, "webex-oauth-sqlite")

    async def migrate(self) -> None:
        """See :meth:`SqliteStore.migrate`."""
        await self._use(SqliteStore.migrate)

    async def load(self, key: Key) -> Secret | None:
        return await self._use(SqliteStore.load, key)

    async def save(self, key: Key, put: Put) -> Secret | None:
        return await self._use(SqliteStore.save, key, put)

    async def delete(self, key: Key) -> None:
        await self._use(SqliteStore.delete, key)

    async def delete_expired(self, most: int = 1000) -> int:
        return await self._use(SqliteStore.delete_expired, most)

    async def close(self) -> None:
        """Closes the file. Calls that come later fail."""
        await self._use(SqliteStore.close)
        self._threads.shutdown(wait=False)

    async def __aenter__(self) -> Self:
        await self._use(lambda store: None)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _use(self, function: Callable[..., T], *arguments: object) -> T:
        if self._process != os.getpid():
            self._begin()

        def work() -> T:
            with self._opening:
                store = self._store = self._store or self._open()
            return function(store, *arguments)

        try:
            future = self._threads.submit(work)
        except RuntimeError:
            # The interpreter ends, and what is newest is still to be stored; or it is closed, and says so.
            return work()
        return await asyncio.wrap_future(future)

    def __repr__(self) -> str:
        return f"SQLite in {self._path}"


def _names(key: Key) -> dict[str, object]:
    return {"tenant": key.tenant, "user": key.user}


def _values(key: Key, put: Put) -> dict[str, object]:
    return {
        **_names(key),
        "revision": put.revision,
        "replaces": put.replaces,
        "body": put.snapshot.expose(),
        "key_id": put.sealed_with,
        "client": put.client_tag,
        "due_at": instant(put.due_at),
        "kept_for": span(put.may_go_after),
    }


def _version(connection: sqlite3.Connection) -> int | None:
    """Of the tables that are there."""
    try:
        row = connection.execute("SELECT max(version) FROM webex_oauth_schema").fetchone()
    except sqlite3.OperationalError as error:
        if not str(error).startswith("no such table"):
            raise
        return None
    found: int | None = row[0]
    return found


def _file_failure(place: Place, error: OSError) -> StoreError:
    import errno

    match error.errno:
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return place.denied()
        case errno.ENOSPC | errno.EDQUOT:
            return place.full()
        case _:
            return place.other(error.strerror or type(error).__name__)


_SENTENCES: dict[str, Callable[[Place], StoreError]] = {
    "database is locked": Place.busy,
    "database table is locked": Place.busy,
    "database schema is locked": Place.busy,
    "no such table": Place.not_migrated,
    "no such column": lambda place: place.refused("its tables are not those of this library"),
    "attempt to write a readonly database": Place.denied,
    "unable to open database file": Place.denied,
    "access permission denied": Place.denied,
    "database or disk is full": Place.full,
    "file is not a database": Place.damaged,
    "database disk image is malformed": Place.damaged,
    "malformed database schema": Place.damaged,
    "Could not decode to UTF-8": Place.damaged,
}
