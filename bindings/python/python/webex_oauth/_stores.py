"""Where a session survives a restart, and where several processes meet.

A store is any object with ``load``, ``save`` and ``delete``.
"""

from __future__ import annotations

import inspect
import os
import threading
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ._core import Secret, snapshot_key_id, snapshot_revision
from ._errors import StoreError

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["AsyncStore", "MemoryStore", "Store", "as_snapshot", "conflict", "takes_due_at"]


@runtime_checkable
class Store(Protocol):
    """Keeps one snapshot. Calls may block for milliseconds, each ends after a time; they may raise whatever they like.
    An :class:`AsyncClient` takes an :class:`AsyncStore` as well.

    A store may also have ``lock(patience)``, the context of a lock that the system frees when its holder dies, or a
    StoreError of kind ``busy``, and ``lock_domain()``, the name of that lock: whoever sees the same name waits for the
    same lock, on one machine. It makes waiting shorter; what is safe does not rest on it.

    ``save`` may take ``due_at=`` as well: when somebody should open this session next, in milliseconds since 1970, or
    None. Stores of :mod:`webex_oauth.stores` keep it beside the record, for a worker that renews what is due.
    """

    def load(self) -> Secret | None:
        """What is stored, or None where there is nothing yet."""

    def save(self, snapshot: Secret, revision: int, replaces: int) -> Secret | None:
        """Stores ``snapshot`` durably and returns None, if the store holds revision ``replaces``, or nothing where that
        is 0.

        Otherwise it changes nothing and returns what it holds, an empty ``Secret("")`` where it holds nothing any
        longer: what was deleted is not brought back. Comparing and storing is one step;
        :func:`webex_oauth.snapshot_revision` reads the revision of stored bytes.
        """

    def delete(self) -> None:
        """Forgets what is stored. Nothing there is a success."""


@runtime_checkable
class AsyncStore(Protocol):
    """:class:`Store` for an :class:`AsyncClient`, with coroutine functions. They run on the client's event loop; what
    is still to be stored when that has ended, on one for the purpose."""

    async def load(self) -> Secret | None:
        """See :meth:`Store.load`."""

    async def save(self, snapshot: Secret, revision: int, replaces: int) -> Secret | None:
        """See :meth:`Store.save`."""

    async def delete(self) -> None:
        """See :meth:`Store.delete`."""


def takes_due_at(save: Callable[..., object]) -> bool:
    """Whether a store wants to know when a session is due."""
    try:
        parameters = inspect.signature(save).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(one.name == "due_at" or one.kind is one.VAR_KEYWORD for one in parameters)


def as_snapshot(found: object) -> Secret | None:
    """What a store holds, from what it has returned."""
    if found is None:
        return None
    if isinstance(found, (Secret, str)):
        snapshot = found if isinstance(found, Secret) else Secret(found)
        return snapshot if snapshot.expose() else None
    raise StoreError(f"the store returned {type(found).__name__} in place of a snapshot")


def conflict(found: Secret | None, replaces: int, snapshot: Secret) -> Secret | None:
    """What :meth:`Store.save` returns where it must not store. Raises RestoreError where nobody can tell, StoreError
    where what is there is encrypted and what is to take its place is not."""
    if found is None:
        return None if replaces == 0 else Secret("")
    key_id = snapshot_key_id(found)
    if key_id is not None and snapshot_key_id(snapshot) is None:
        raise StoreError(
            f'the stored session is sealed with key "{key_id}", and no key was given', kind="sealed", key_id=key_id
        )
    revision = snapshot_revision(found)
    return None if replaces != 0 and revision == replaces else found


#: Locks in memory, which a fork copies although they belong to the parent.
_memories: weakref.WeakSet[MemoryStore] = weakref.WeakSet()


def _after_fork() -> None:
    for store in list(_memories):
        store._begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class MemoryStore:
    """A store that ends with its process. Several clients of one process may share it."""

    def __init__(self) -> None:
        self._snapshot: Secret | None = None
        self._begin()
        _memories.add(self)

    def _begin(self) -> None:
        self._mutex = threading.Lock()
        self._refreshing = threading.Lock()
        self._name = os.urandom(12).hex()

    def load(self) -> Secret | None:
        return self._snapshot

    def save(self, snapshot: Secret, revision: int, replaces: int) -> Secret | None:
        with self._mutex:
            found = conflict(self._snapshot, replaces, snapshot)
            if found is None:
                self._snapshot = snapshot
            return found

    def delete(self) -> None:
        with self._mutex:
            self._snapshot = None

    def lock_domain(self) -> str:
        return self._name

    def lock(self, patience: float) -> AbstractContextManager[object]:
        if not self._refreshing.acquire(timeout=patience):
            raise StoreError("the store in memory is locked by another client", kind="busy")
        return _Release(self._refreshing)

    def __repr__(self) -> str:
        return "MemoryStore()"


class _Release:
    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()
