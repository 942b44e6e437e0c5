"""Redis, Valkey for asyncio."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import redis.asyncio
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from .._core import Secret
from ._failures import VERSION, Place, attempt_async, check_put
from ._keys import Key
from ._records import AsyncRecords, Put
from ._redis_words import DELETE, SAVE, SCHEMA, Options, delete_arguments, read_saved, record, save_arguments

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["AsyncRedisStore"]

T = TypeVar("T")


class AsyncRedisStore(AsyncRecords):
    """:class:`RedisStore` for asyncio, with the same options. Nothing is connected before the first call, or
    ``async with``.

    The connections belong to the event loop that uses it first. A call from another one, to store what was under way
    when a loop ended, has a connection of its own.
    """

    #: For tracebacks, which show one that could not be opened.
    _place = Place("Redis")

    def __init__(
        self,
        url: str | Secret,
        *,
        pool_size: int = 10,
        time_limit: float = 5.0,
        roots: str | os.PathLike[str] | None = None,
        accept_loss: bool = False,
    ) -> None:
        url = Secret(url) if isinstance(url, str) else url
        self._options = Options(url, pool_size, time_limit, roots, accept_loss)
        self._place = self._options.place
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = -1
        self._is_looked_at = False

    def _connect(self, size: int) -> Any:
        options = self._options
        kind = UnixDomainSocketConnection if options.is_socket else SSLConnection if options.is_tls else Connection
        # Nothing is sent twice: what has become of a save whose answer was lost is for the client to find out.
        pool = redis.asyncio.BlockingConnectionPool(
            max_connections=size,
            timeout=options.limit,
            connection_class=kind,
            retry=Retry(NoBackoff(), 0),
            **options.settings.expose(),
        )
        return redis.asyncio.Redis(connection_pool=pool)

    async def migrate(self) -> None:
        """See :meth:`RedisStore.migrate`."""

        async def work(client: Any) -> None:
            self._options.check_version(await client.get(SCHEMA))
            await client.set(SCHEMA, VERSION)

        await self._use(work)

    async def load(self, key: Key) -> Secret | None:
        async def work(client: Any) -> Secret:
            return Secret(await client.hget(record(key), "body") or "")

        found = await self._use(work)
        return found if found.expose() else None

    async def save(self, key: Key, put: Put) -> Secret | None:
        check_put(put)

        async def work(client: Any) -> Secret | None:
            script = client.register_script(SAVE)
            return read_saved(await script(*save_arguments(key, put)), put, self._place)

        return await self._use(work)

    async def delete(self, key: Key) -> None:
        async def work(client: Any) -> None:
            await client.register_script(DELETE)(*delete_arguments(key))

        await self._use(work)

    async def close(self) -> None:
        """Closes the connections."""
        if self._loop is asyncio.get_running_loop():
            await self._redis.connection_pool.disconnect()

    async def __aenter__(self) -> Self:
        async def work(client: Any) -> None:
            pass

        await self._use(work)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _look(self, client: Any) -> None:
        if not self._is_looked_at:
            self._options.check_server(await client.info())
            self._options.check_version(await client.get(SCHEMA))
            self._is_looked_at = True

    async def _use(self, work: Callable[[Any], Awaitable[T]]) -> T:
        loop, this = asyncio.get_running_loop(), os.getpid()
        is_other = self._process == this and self._loop not in (None, loop)
        if is_other and self._loop is not None and not self._loop.is_closed():
            client, is_single = self._connect(1), True
        else:
            if is_other or self._process != this:
                self._redis, self._loop, self._process = self._connect(self._options.pool_size), loop, this
            client, is_single = self._redis, False

        async def with_client() -> T:
            try:
                await self._look(client)
                return await work(client)
            finally:
                if is_single:
                    await client.aclose(close_connection_pool=True)

        return await attempt_async(with_client(), self._options.failure, self._options.limit, self._place)

    def __repr__(self) -> str:
        return repr(self._place)
