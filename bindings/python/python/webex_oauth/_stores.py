"""Where a session survives a restart, and where several processes meet.

A store is any object with ``load``, ``save`` and ``delete``; one that several processes share also has ``lock``.
"""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ._core import Secret, snapshot_revision
from ._errors import RestoreError, StoreError, without_frames

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["MemoryStore", "Store", "lock_of", "prove", "read_store"]


@runtime_checkable
class Store(Protocol):
    """Keeps one snapshot. Calls may block for milliseconds; they may raise whatever they like."""

    def load(self) -> Secret | None:
        """What is stored, or None where there is nothing yet."""

    def save(self, snapshot: Secret, revision: int, replaces: int) -> Secret | None:
        """Stores ``snapshot`` durably if the store holds revision ``replaces`` or nothing, and returns None.

        Otherwise it changes nothing and returns what it holds. Comparing and storing is one step;
        :func:`webex_oauth.snapshot_revision` reads the revision of stored bytes.
        """

    def delete(self) -> None:
        """Forgets what is stored. Nothing there is a success."""


def read_store(store: Store) -> Secret | None:
    """Loads; whatever the store raises is a StoreError."""
    try:
        found = store.load()
    except StoreError:
        raise
    except Exception as error:
        raise StoreError(f"the store cannot be read ({type(error).__name__})") from without_frames(error)
    if found is None or isinstance(found, Secret):
        return found
    if isinstance(found, str):
        return Secret(found)
    raise StoreError(f"the store returned {type(found).__name__} in place of a snapshot")


def prove(store: Store) -> None:
    """Saves once more what the store holds: shows that it would take what a request brings. A refresh token is spent
    only where its successor can be kept."""
    found = read_store(store)
    if found is None:
        return
    try:
        revision = snapshot_revision(found)
    except RestoreError:
        return  # It is not ours to touch, which is told when there is something to save.
    # In conflict with a save that worked just now.
    store.save(found, revision, revision)


def lock_of(store: Store, patience: float) -> AbstractContextManager[object]:
    """The lock that is held around grant requests; none for a store that nobody shares."""
    lock = getattr(store, "lock", None)
    return nullcontext() if lock is None else lock(patience)


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

    def load(self) -> Secret | None:
        return self._snapshot

    def save(self, snapshot: Secret, revision: int, replaces: int) -> Secret | None:
        with self._mutex:
            found = self._snapshot
            if found is not None and snapshot_revision(found) != replaces:
                return found
            self._snapshot = snapshot
            return None

    def delete(self) -> None:
        with self._mutex:
            self._snapshot = None

    def lock(self, patience: float) -> AbstractContextManager[object]:
        if not self._refreshing.acquire(timeout=patience):
            raise StoreError("the store in memory is locked by another client", is_busy=True)
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
