"""PostgreSQL for asyncio: many nodes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
import psycopg_pool

from .._core import Secret
from ._failures import Place, attempt_async, check_put, reused
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
from ._records import AsyncRecords, Put

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    _Connection = psycopg.AsyncConnection[Any]

__all__ = ["AsyncPostgresStore"]

T = TypeVar("T")


class AsyncPostgresStore(AsyncRecords):
    """:class:`PostgresStore` for asyncio, with the same options. Nothing is connected before the first call, or
    ``async with``.

    The pool belongs to the event loop that uses it first. A call from another one, to store what was under way when a
    loop ended, has a connection of its own.
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
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = -1
        self._pool: psycopg_pool.AsyncConnectionPool[_Connection]
        self._is_looked_at = False

    async def _begin(self) -> psycopg_pool.AsyncConnectionPool[_Connection] | None:
        """The pool; None where it is another loop's."""
        loop, this = asyncio.get_running_loop(), os.getpid()
        if self._process == this and self._loop is not loop and self._loop is not None and not self._loop.is_closed():
            return None
        if self._process != this or self._loop is not loop:
            if self._process not in (-1, this):
                # A connection does not go through a fork. Closing the parent's here would do harm, too.
                self._inherited.append(self._pool)
            self._pool = psycopg_pool.AsyncConnectionPool(
                self._options.conninfo.expose(), check=_check, open=False, **self._options.pool
            )
            self._loop, self._process = loop, this
            self._opening, self._is_open = asyncio.Lock(), False
        if not self._is_open:
            async with self._opening:
                if not self._is_open:
                    await self._look()
                    await self._pool.open()
                    self._is_open = True
        return self._pool

    async def _look(self) -> None:
        """Once, without the pool, which keeps to itself why it cannot connect."""
        if not self._is_looked_at:
            async with self._single() as connection:
                self._place.check_version(await _version(connection))
            self._is_looked_at = True

    async def migrate(self) -> None:
        """See :meth:`PostgresStore.migrate`."""

        async def work(connection: _Connection) -> None:
            found = await _version(connection)
            self._place.check_version(found)
            if found is None:
                async with connection.transaction():
                    await connection.execute(ONE_AT_A_TIME)
                    # Another node may have been faster.
                    if await _version(connection) is None:
                        await connection.execute(TABLES)

        await self._use(work)

    async def load(self, key: Key) -> Secret | None:
        async def work(connection: _Connection) -> Secret | None:
            row = await (await connection.execute(LOAD, names(key))).fetchone()
            return None if row is None else Secret(row[0])

        return await self._use(work)

    async def save(self, key: Key, put: Put) -> Secret | None:
        check_put(put)
        statement = INSERT if put.replaces == 0 else REPLACE

        async def work(connection: _Connection) -> int:
            return (await connection.execute(statement, values(key, put))).rowcount

        if await self._use(work) == 1:
            return None
        found = await self.load(key)
        if found is None and put.replaces == 0:
            raise reused()
        return put.conflict(found)

    async def delete(self, key: Key) -> None:
        async def work(connection: _Connection) -> None:
            await connection.execute(DELETE, names(key))

        await self._use(work)

    async def delete_expired(self, most: int = 1000) -> int:
        async def work(connection: _Connection) -> int:
            return (await connection.execute(DELETE_EXPIRED, {"most": most})).rowcount

        return await self._use(work)

    async def close(self) -> None:
        """Closes the connections. Calls that come later fail."""
        if self._loop is asyncio.get_running_loop():
            self._is_open = True
            await self._pool.close()

    async def __aenter__(self) -> Self:
        await self._use(_nothing)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @asynccontextmanager
    async def _single(self) -> AsyncIterator[_Connection]:
        connection = await psycopg.AsyncConnection.connect(self._options.conninfo.expose(), autocommit=True)
        async with connection:
            with HungUp(connection, self._options.limit, self._place):
                yield connection

    async def _use(self, work: Callable[[_Connection], Awaitable[T]]) -> T:
        limit = self._options.limit

        async def on_a_connection() -> T:
            pool = await self._begin()
            if pool is None:
                async with self._single() as connection:
                    return await work(connection)
            async with pool.connection() as connection:
                with HungUp(connection, limit, self._place):
                    return await work(connection)

        # The line is cut off when the time is over; this is for whatever else hangs.
        return await attempt_async(on_a_connection(), self._options.failure, 2 * limit + 1.0, self._place)

    def __repr__(self) -> str:
        return repr(self._place)


async def _nothing(connection: _Connection) -> None:
    pass


async def _check(connection: _Connection) -> None:
    """Before it is handed out: whether the server has ended it."""
    if has_news(connection):
        await connection.execute("")


async def _version(connection: _Connection) -> int | None:
    """Of the tables that are there."""
    is_there = await (await connection.execute(IS_THERE)).fetchone()
    if is_there is None or not is_there[0]:
        return None
    row = await (await connection.execute(MAX_VERSION)).fetchone()
    return None if row is None else row[0]
