"""Encryption at rest, in front of any store."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from .._core import Keys, Secret
from .._errors import InvalidArgument
from .._stores import Store, takes_due_at
from ._failures import Place, refused
from ._keys import Key
from ._records import AsyncRecords, Put, Records

__all__ = ["AsyncSealed", "Keys", "Sealed", "SealedUser", "read_key_file"]

_NONCE_LEN = 12
#: No file of keys is longer.
_MAX_KEY_FILE = 64 * 1024


class Sealed(Records):
    """Encrypts what a store keeps: the first of the keys seals, all of them open.

    A record is a JWE (``dir``, ``A256GCM``) under a key of its user's own, derived from the master key: one that was
    moved to another user does not open. A record that does not open is a :class:`webex_oauth.StoreError` of kind
    ``sealed``: never "nobody is signed in", and nothing is saved over it. What is not encrypted is refused.
    """

    def __init__(self, store: Records, keys: Keys) -> None:
        self.store, self.keys = store, _keys(keys)

    def load(self, key: Key) -> Secret | None:
        return _opened(self.keys, key, self.store.load(key))

    def save(self, key: Key, put: Put) -> Secret | None:
        return _opened(self.keys, key, self.store.save(key, _sealed(self.keys, key, put)), is_conflict=True)

    def delete(self, key: Key) -> None:
        self.store.delete(key)

    def delete_expired(self, most: int = 1000) -> int:
        return self.store.delete_expired(most)

    def __repr__(self) -> str:
        return f"{self.store!r}, sealed with key {self.keys.first!r}"


class AsyncSealed(AsyncRecords):
    """:class:`Sealed` for asyncio."""

    def __init__(self, store: AsyncRecords, keys: Keys) -> None:
        self.store, self.keys = store, _keys(keys)

    async def load(self, key: Key) -> Secret | None:
        return _opened(self.keys, key, await self.store.load(key))

    async def save(self, key: Key, put: Put) -> Secret | None:
        return _opened(self.keys, key, await self.store.save(key, _sealed(self.keys, key, put)), is_conflict=True)

    async def delete(self, key: Key) -> None:
        await self.store.delete(key)

    async def delete_expired(self, most: int = 1000) -> int:
        return await self.store.delete_expired(most)

    def __repr__(self) -> str:
        return f"{self.store!r}, sealed with key {self.keys.first!r}"


class SealedUser:
    """:class:`Sealed` in front of a store of one session, a :class:`webex_oauth.FileStore` for one. ``tenant`` and
    ``user`` are whose it is: a record opens under the same names alone, also in a store for many."""

    def __init__(self, store: Store, keys: Keys, *, tenant: str = "", user: str = "") -> None:
        self.store, self.keys, self._key = store, _keys(keys), Key(tenant, user)
        self._takes_due_at = takes_due_at(store.save)

    def load(self) -> Secret | None:
        return _opened(self.keys, self._key, self.store.load())

    def save(self, snapshot: Secret, revision: int, replaces: int, due_at: int | None = None) -> Secret | None:
        put = _sealed(self.keys, self._key, Put(snapshot, revision, replaces, due_at))
        more = {"due_at": due_at} if self._takes_due_at else {}
        found = self.store.save(put.snapshot, revision, replaces, **more)
        return _opened(self.keys, self._key, found, is_conflict=True)

    def delete(self) -> None:
        self.store.delete()

    def __getattr__(self, name: str) -> object:
        # The lock of the store, where it has one.
        if name in ("lock", "lock_domain"):
            return getattr(self.store, name)
        raise AttributeError(name)

    def __repr__(self) -> str:
        return f"{self.store!r}, sealed with key {self.keys.first!r}"


def read_key_file(path: str | os.PathLike[str]) -> Keys:
    """The keys in a file that only its owner may read: ``NAME:BYTES`` a line, the first one seals."""
    place = Place(str(Path(path).expanduser()))
    problem = None
    try:
        descriptor = os.open(place.name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_size > _MAX_KEY_FILE:
                problem = place.refused("not a file of keys")
            elif sys.platform != "win32" and found.st_mode & 0o077:
                problem = place.refused("others may read these keys: chmod 600")
            else:
                return Keys(Secret(os.read(descriptor, _MAX_KEY_FILE).decode()))
        finally:
            os.close(descriptor)
    except UnicodeDecodeError:
        problem = place.refused("not a file of keys")
    except InvalidArgument as error:
        problem = place.refused(error.problem)
    except OSError as error:
        problem = place.refused(f"the keys cannot be read: {error.strerror or type(error).__name__}")
    raise problem


def _keys(keys: Keys) -> Keys:
    if not isinstance(keys, Keys):
        problem = f"expected Keys, got {type(keys).__name__}"
        raise InvalidArgument(f"keys: {problem}", argument="keys", problem=problem)
    return keys


def _sealed(keys: Keys, key: Key, put: Put) -> Put:
    try:
        record = keys.seal(key.tenant, key.user, put.snapshot, os.urandom(_NONCE_LEN))
    except InvalidArgument:
        record = None
    if record is None:
        raise refused("what is to be sealed is not a session")
    return Put(record, put.revision, put.replaces, put.due_at, keys.first, put.client_tag, put.may_go_after)


def _opened(keys: Keys, key: Key, record: Secret | None, *, is_conflict: bool = False) -> Secret | None:
    """A conflict with nothing is an empty text."""
    if record is None or (is_conflict and not record.expose()):
        return record
    return keys.open(key.tenant, key.user, record)
