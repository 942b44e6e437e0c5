"""Where a session survives a restart, and where several processes meet.

A store is any object with ``load``, ``save`` and ``delete``; one that several processes share also has ``lock``.
"""

from __future__ import annotations

import os
import struct
import sys
import tempfile
import threading
import time
import weakref
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ._core import Secret, snapshot_revision
from ._errors import RestoreError, StoreError, without_frames

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["FileStore", "KeyringStore", "MemoryStore", "Store"]

#: No session is longer; what is longer is not one.
_MAX_BYTES = 4 * 1024 * 1024
#: A save holds its lock for moments; who waits longer has met something broken.
_SAVE_PATIENCE = 10.0


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


def lock_of(store: Store, patience: float) -> AbstractContextManager[object]:
    """The lock that is held around grant requests; none for a store that nobody shares."""
    lock = getattr(store, "lock", None)
    return nullcontext() if lock is None else lock(patience)


#: What a fork copies although it belongs to the parent: descriptors of lock files, and locks in memory.
_held: set[int] = set()
_memories: weakref.WeakSet[MemoryStore] = weakref.WeakSet()


def _after_fork() -> None:
    """A child that kept the parent's descriptor would keep the parent's lock, long after the parent let go of it."""
    for descriptor in list(_held):
        _held.discard(descriptor)
        os.close(descriptor)
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


class FileStore:
    """Keeps a session in a file that only its owner may read; the same file as that of the Rust drivers.

    The file is replaced as a whole and flushed, so that neither a crash nor a full disk damages what was there. Any
    number of processes, in any of the languages, may use it at once. Folder and file are made by the first save.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        #: Where it is. A symbolic link is followed.
        self.path = Path(path).expanduser().resolve()

    def load(self) -> Secret | None:
        try:
            with open(self.path, "rb") as file:
                content = file.read(_MAX_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed(error) from error
        if not content:
            return None
        if len(content) > _MAX_BYTES:
            raise self._damaged()
        try:
            return Secret(content.decode())
        except UnicodeDecodeError:
            # Not chained: its message and its object hold the bytes.
            raise self._damaged() from None

    def save(self, snapshot: Secret, revision: int, replaces: int) -> Secret | None:
        try:
            self._make_folder()
            with _FileLock(self._beside(".lock"), _SAVE_PATIENCE):
                found = self.load()
                if found is not None and self._revision(found) != replaces:
                    return found
                self._replace(snapshot)
                return None
        except OSError as error:
            raise self._failed(error) from error

    def delete(self) -> None:
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise self._failed(error) from error

    def lock(self, patience: float) -> AbstractContextManager[object]:
        """Held around a request that may change the grant, from before the store is read until the answer is stored."""
        try:
            self._make_folder()
            return _FileLock(self._beside(".refresh-lock"), patience)
        except OSError as error:
            raise self._failed(error) from error

    def _make_folder(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _beside(self, ending: str) -> str:
        return f"{self.path}{ending}"

    def _revision(self, found: Secret) -> int:
        try:
            return snapshot_revision(found)
        except RestoreError:
            raise self._damaged() from None

    def _replace(self, snapshot: Secret) -> None:
        # mkstemp makes it readable by its owner only.
        descriptor, name = tempfile.mkstemp(prefix=".webex-oauth-", dir=self.path.parent)
        try:
            with open(descriptor, "wb") as file:
                file.write(snapshot.expose().encode())
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self.path)
        except BaseException:
            os.unlink(name)
            raise
        _sync_folder(self.path.parent)

    def _failed(self, error: OSError) -> StoreError:
        return StoreError(f"{self.path}: {error.strerror or type(error).__name__}")

    def _damaged(self) -> StoreError:
        return StoreError(f"{self.path}: not a stored session, or a damaged one")

    def __repr__(self) -> str:
        return f"FileStore({str(self.path)!r})"


def _sync_folder(folder: Path) -> None:
    """The rename itself is durable only once the folder is flushed."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # Some file systems cannot flush a folder: they have nothing to flush then.
    finally:
        os.close(descriptor)


class _FileLock:
    """An exclusive lock on a lock file, taken at once and freed by the system when the process ends."""

    def __init__(self, path: str, patience: float) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        _held.add(self._descriptor)
        try:
            self._wait(path, patience)
        except BaseException:
            self._close()
            raise

    def _wait(self, path: str, patience: float) -> None:
        end, pause = time.monotonic() + patience, 0.001
        while not _try_lock(self._descriptor):
            if time.monotonic() >= end:
                raise StoreError(f"{path}: locked by another process", is_busy=True)
            time.sleep(pause)
            pause = min(pause * 2, 0.04)

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        # After a fork the child's copy is closed already, and the number may be somebody else's.
        if self._descriptor in _held:
            _held.discard(self._descriptor)
            os.close(self._descriptor)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    #: A record lock of the open file, where the system has one: an ordinary one is shared by all threads of a process
    #: and lost when any of them closes the file. The two kinds exclude each other.
    _SETLK = getattr(fcntl, "F_OFD_SETLK", fcntl.F_SETLK)

    def _whole_file() -> bytes:
        """``struct flock``: type, whence, start, length, process."""
        if sys.platform.startswith("linux"):
            return struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        return struct.pack("qqihh", 0, 0, 0, fcntl.F_WRLCK, os.SEEK_SET)  # macOS and the BSDs

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.fcntl(descriptor, _SETLK, _whole_file())
        except (BlockingIOError, PermissionError):
            return False
        return True


class KeyringStore:
    """Keeps a session in the system's key ring; needs ``pip install webex-oauth[keyring]``.

    A key ring has no compare-and-swap of its own, so a lock file in the system's folder for temporary files guards it.
    """

    def __init__(self, name: str = "default", *, service: str = "webex-oauth") -> None:
        import keyring

        self._keyring: Any = keyring
        self._service, self._name = service, name
        safe = "".join(c if c.isalnum() else "-" for c in f"{service}-{name}")
        user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
        self._locks = os.path.join(tempfile.gettempdir(), f"webex-oauth-keyring-{user}-{safe}")

    def load(self) -> Secret | None:
        text = self._keyring.get_password(self._service, self._name)
        return Secret(text) if text else None

    def save(self, snapshot: Secret, revision: int, replaces: int) -> Secret | None:
        with _FileLock(f"{self._locks}.lock", _SAVE_PATIENCE):
            found = self.load()
            if found is not None and snapshot_revision(found) != replaces:
                return found
            self._keyring.set_password(self._service, self._name, snapshot.expose())
            return None

    def delete(self) -> None:
        with _FileLock(f"{self._locks}.lock", _SAVE_PATIENCE):
            if self._keyring.get_password(self._service, self._name) is not None:
                self._keyring.delete_password(self._service, self._name)

    def lock(self, patience: float) -> AbstractContextManager[object]:
        return _FileLock(f"{self._locks}.refresh-lock", patience)

    def __repr__(self) -> str:
        return f"KeyringStore({self._name!r}, service={self._service!r})"
