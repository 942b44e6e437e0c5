"""Sessions of many users, in one database that all processes of a service share.

A store keeps one record for each tenant and user: load, save by compare-and-swap, delete. The tables and keys are those
of the Rust crate ``webex-oauth-stores``: programs of both languages share one database. ``store.user(tenant, user)`` is
the session of one user, as :class:`webex_oauth.Client` takes it; that of a store whose name begins with ``Async`` is
for :class:`webex_oauth.AsyncClient`.

No lock is held while a token is renewed: the intent that a client saves before it spends a refresh token is the lease,
on any of these stores.
"""

from __future__ import annotations

from importlib.util import find_spec

from ._keys import Key
from ._records import AsyncRecords, AsyncUserStore, Put, Records, UserStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._async_postgres import AsyncPostgresStore
    from ._async_redis import AsyncRedisStore
    from ._postgres import PostgresStore
    from ._redis import RedisStore
    from ._sealed import AsyncSealed, Keys, Sealed, SealedUser, read_key_file
    from ._sqlite import AsyncSqliteStore, SqliteStore

#: What is loaded when it is first used, and where it lives: each engine needs another package.
_LATER = {
    "AsyncPostgresStore": "_async_postgres",
    "AsyncRedisStore": "_async_redis",
    "AsyncSealed": "_sealed",
    "AsyncSqliteStore": "_sqlite",
    "Keys": "_sealed",
    "PostgresStore": "_postgres",
    "RedisStore": "_redis",
    "Sealed": "_sealed",
    "SealedUser": "_sealed",
    "SqliteStore": "_sqlite",
    "read_key_file": "_sealed",
}
#: What has to be installed beside this package, and its extra that does.
_EXTRAS = {"psycopg": "postgres", "psycopg_pool": "postgres", "redis": "redis"}
#: Which of them a module imports.
_NEEDS = {
    "_async_postgres": ("psycopg", "psycopg_pool"),
    "_async_redis": ("redis",),
    "_postgres": ("psycopg", "psycopg_pool"),
    "_redis": ("redis",),
}

__all__ = [
    "AsyncPostgresStore",
    "AsyncRecords",
    "AsyncRedisStore",
    "AsyncSealed",
    "AsyncSqliteStore",
    "AsyncUserStore",
    "Key",
    "Keys",
    "PostgresStore",
    "Put",
    "Records",
    "RedisStore",
    "Sealed",
    "SealedUser",
    "SqliteStore",
    "UserStore",
    "read_key_file",
]


def _leave_out_what_cannot_be_imported(names: list[str]) -> None:
    """``import *`` takes each of these names: it is not to fail over a package that a program does without."""
    names[:] = [name for name in names if all(find_spec(needed) for needed in _NEEDS.get(_LATER.get(name, ""), ()))]


_leave_out_what_cannot_be_imported(__all__)


def __getattr__(name: str) -> object:
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        found = import_module(f".{module}", __name__)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing not in _EXTRAS:
            raise
        problem = f"{name} needs {missing}: pip install 'webex-oauth[{_EXTRAS[missing]}]'"
        raise ModuleNotFoundError(problem, name=missing) from None
    value: object = getattr(found, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
