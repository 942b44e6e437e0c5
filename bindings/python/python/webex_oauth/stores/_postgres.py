"""PostgreSQL for programs that block: many nodes."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
import psycopg_pool

from .._core import Secret
from ._failures import Place, attempt, check_put, reused
from ._keys import Key
from ._postgres_words import (
    DELETE,
    DELETE_EXPIRED,
    INSERT,
    IS_THERE,
    LOAD,
    MAX_VERSION,
    ONE_AT_A_TIME,
    REPLACE,
    TABLES,
    HungUp,
    Options,
    has_news,
    names,
    values,
)
from ._records import Put, Records

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    _Connection = psycopg.Connection[Any]

__all__ = ["PostgresStore"]

T = TypeVar("T")


def _end(pool: psycopg_pool.ConnectionPool[_Connection], process: int) -> None:
    """Of a pool that a fork has brought along it is the parent that closes it."""
    if os.getpid() == process:
        pool.close()


class PostgresStore(Records):
    """Records in a database of PostgreSQL that all nodes share; needs ``pip install webex-oauth[postgres]``.

    ``url`` is ``postgres://user:password@host:5432/database``, or the other form of libpq, ``host=... dbname=...``. It
    connects at once, to see that it can be done: a wrong address, a wrong password and tables of another version are
    told now. Tables are made by :meth:`migrate`, in the ``search_path`` of the connection, and by nothing else.

    An operation takes ``time_limit`` seconds at most, with the wait for a connection. Connections to other machines
    are encrypted and the server's certificate is checked, unless the URL says ``sslmode=disable``; ``roots`` is a file
    of certificates in PEM that are believed in place of the system's. Saves are durable when they answer, as far as the
    server's ``synchronous_commit`` goes. Any number of threads may share it; after a fork the child has a pool of its
    own.
    """

    #: For tracebacks, which show one that could not be opened.
    _place = Place("PostgreSQL")

    def __init__(
        self,
        url: str | Secret,
        *,
        pool_size: int = 10,
        time_limit: float = 5.0,
        roots: str | os.PathLike[str] | None = None,
    ) -> None:
        url = Secret(url) if isinstance(url, str) else url
        self._options = Options(url, pool_size, time_limit, roots)
        self._place = self._options.place
        self._inherited: list[object] = []
        self._beginning = threading.Lock()
        self._process = -1
        self._pool: psycopg_pool.ConnectionPool[_Connection]
        attempt(self._look, self._options.failure)

    def _look(self) -> None:
        """Without the pool, which keeps to itself why it cannot connect."""
        options = self._options
        with psycopg.connect(options.conninfo.expose(), autocommit=True) as connection:
            with HungUp(connection, options.limit, self._place):
                self._place.check_version(_version(connection))

    def _begin(self) -> psycopg_pool.ConnectionPool[_Connection]:
        options, this = self._options, os.getpid()
        with self._beginning:
            if self._process != this:
                if self._process != -1:
                    # A connection does not go through a fork. Closing the parent's here would do harm, too.
                    self._inherited.append(self._pool)
                self._pool = psycopg_pool.ConnectionPool(
                    options.conninfo.expose(), check=_check, num_workers=1, open=True, **options.pool
                )
                self._process = this
                # Left to itself, a pool that nobody has closed holds up the end of the process for ten seconds.
                weakref.finalize(self, _end, self._pool, this)
        return self._pool

    def migrate(self) -> None:
        """Makes the tables where there are none. What is up to date stays as it is;
        several nodes may do it at once."""

        def work(connection: _Connection) -> None:
            found = _version(connection)
            self._place.check_version(found)
            if found is None:
                with connection.transaction():
                    connection.execute(ONE_AT_A_TIME)
                    # Another node may have been faster.
                    if _version(connection) is None:
                        connection.execute(TABLES)

        self._use(work)

    def load(self, key: Key) -> Secret | None:
        def work(connection: _Connection) -> Secret | None:
            row = connection.execute(LOAD, names(key)).fetchone()
            return None if row is None else Secret(row[0])

        return self._use(work)

    def save(self, key: Key, put: Put) -> Secret | None:
        check_put(put)
        statement = INSERT if put.replaces == 0 else REPLACE
        if self._use(lambda connection: connection.execute(statement, values(key, put)).rowcount) == 1:
            return None
        found = self.load(key)
        if found is None and put.replaces == 0:
            raise reused()
        return put.conflict(found)

    def delete(self, key: Key) -> None:
        self._use(lambda connection: connection.execute(DELETE, names(key)))

    def delete_expired(self, most: int = 1000) -> int:
        return self._use(lambda connection: connection.execute(DELETE_EXPIRED, {"most": most}).rowcount)

    def close(self) -> None:
        """Closes the connections. Calls that come later fail."""
        self._begin().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _use(self, work: Callable[[_Connection], T]) -> T:
        end = time.monotonic() + self._options.limit

        def on_a_connection() -> T:
            pool = self._pool if self._process == os.getpid() else self._begin()
            with pool.connection() as connection, HungUp(connection, end - time.monotonic(), self._place):
                return work(connection)

        return attempt(on_a_connection, self._options.failure)

    def __repr__(self) -> str:
        return repr(self._place)


def _check(connection: _Connection) -> None:
    """Before it is handed out: whether the server has ended it."""
    if has_news(connection):
        connection.execute("")


def _version(connection: _Connection) -> int | None:
    """Of the tables that are there."""
    is_there = connection.execute(IS_THERE).fetchone()
    if is_there is None or not is_there[0]:
        return None
    row = connection.execute(MAX_VERSION).fetchone()
    return None if row is None else row[0]
