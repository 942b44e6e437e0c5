"""Redis, Valkey for programs that block: many nodes that have it, and sessions that one may lose."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.retry import Retry

from .._core import Secret
from ._failures import VERSION, Place, attempt, check_put
from ._keys import Key
from ._records import Put, Records
from ._redis_words import DELETE, SAVE, SCHEMA, Options, delete_arguments, read_saved, record, save_arguments

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["RedisStore"]

T = TypeVar("T")


class RedisStore(Records):
    """Records in a Redis that all nodes share; needs ``pip install webex-oauth[redis]``.

    ``url`` is ``redis://user:password@host:6379/0``; ``rediss://`` is TLS, whose certificate is always checked, against
    ``roots``, a file in PEM, or those that the system believes. It connects at once, and refuses a server that may
    throw sessions away (``maxmemory-policy allkeys-*``) or writes nothing to its disk (``appendonly no``), unless told
    ``accept_loss=True``; and nodes of a cluster, which is not supported.

    A save is durable when it answers where the server has ``appendfsync always``; with ``everysec`` a machine that
    fails forgets a second, which can sign users out at a server that rotates refresh tokens. An operation takes
    ``time_limit`` seconds at most for each thing that it waits for. Any number of threads may share it.
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
        options = self._options = Options(url, pool_size, time_limit, roots, accept_loss)
        self._place = options.place
        kind = UnixDomainSocketConnection if options.is_socket else SSLConnection if options.is_tls else Connection
        # Nothing is sent twice: what has become of a save whose answer was lost is for the client to find out.
        make: Any = redis.BlockingConnectionPool
        pool = make(
            max_connections=options.pool_size,
            timeout=options.limit,
            connection_class=kind,
            retry=Retry(NoBackoff(), 0),
            **options.settings.expose(),
        )
        self._redis: Any = redis.Redis(connection_pool=pool)
        self._save, self._delete = self._redis.register_script(SAVE), self._redis.register_script(DELETE)
        self._use(lambda: options.check_server(self._redis.info()))
        self._use(lambda: options.check_version(self._redis.get(SCHEMA)))

    def migrate(self) -> None:
        """Notes the version of the records. Records of another version are refused."""
        self._use(lambda: self._options.check_version(self._redis.get(SCHEMA)))
        self._use(lambda: self._redis.set(SCHEMA, VERSION))

    def load(self, key: Key) -> Secret | None:
        found = self._use(lambda: Secret(self._redis.hget(record(key), "body") or ""))
        return found if found.expose() else None

    def save(self, key: Key, put: Put) -> Secret | None:
        check_put(put)
        return self._use(lambda: read_saved(self._save(*save_arguments(key, put)), put, self._place))

    def delete(self, key: Key) -> None:
        self._use(lambda: self._delete(*delete_arguments(key)))

    def close(self) -> None:
        """Closes the connections."""
        self._redis.connection_pool.disconnect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _use(self, work: Callable[[], T]) -> T:
        return attempt(work, self._options.failure)

    def __repr__(self) -> str:
        return repr(self._place)
