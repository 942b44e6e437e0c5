"""A lock file: locked by whoever can, freed by the system when its holder ends."""

from __future__ import annotations

import os
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ._errors import StoreError

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["FileLock", "keep_owner", "lock_domain", "make_folder"]

#: Where the system does not tell which machine it is, only this process comes to the same names.
_PROCESS = os.urandom(16)

#: What a fork copies although it belongs to the parent.
_held: set[int] = set()


def _after_fork() -> None:
    """A child that kept the parent's descriptor would keep the parent's lock, long after the parent let go of it."""
    for descriptor in list(_held):
        _held.discard(descriptor)
        os.close(descriptor)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def make_folder(folder: Path) -> None:
    """Makes what is missing of it, for its owner only: where others can write, anybody could hold a lock for ever."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def lock_domain(path: Path) -> str:
    """A name for the lock of a file that all processes of this machine come to, and no other machine; the same as in
    the other languages."""
    import hashlib

    try:
        machine = Path("/proc/sys/kernel/random/boot_id").read_bytes() or _PROCESS
    except OSError:
        machine = _PROCESS
    place = os.fsencode(os.path.join(os.path.realpath(path.parent), path.name))
    return hashlib.sha256(machine + b"\0" + place).hexdigest()[:24]


class FileLock:
    """An exclusive lock on a lock file, taken at once and freed by the system when the process ends."""

    def __init__(self, path: str, patience: float, guarded: Path | None = None) -> None:
        self._descriptor = _open(path, guarded)
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
                raise StoreError(f"{path}: locked by another process", kind="busy")
            time.sleep(pause)
            pause = min(pause * 2, 0.04)

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def __del__(self) -> None:
        if hasattr(self, "_descriptor"):
            self._close()

    def _close(self) -> None:
        # After a fork the child's copy is closed already, and the number may be somebody else's.
        if self._descriptor in _held:
            _held.discard(self._descriptor)
            os.close(self._descriptor)


def _open(path: str, guarded: Path | None) -> int:
    """A lock file that is made here belongs to whom the guarded file does. One that is found stays as it is: it may be
    a link of the user's to somebody else's file, for root to change."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if guarded is not None:
        keep_owner(guarded, descriptor)
    return descriptor


def keep_owner(path: Path, descriptor: int) -> None:
    """Root may do something for a user, who goes on having what is theirs."""
    if sys.platform == "win32":
        return
    with suppress(OSError):
        old, new = os.stat(path), os.fstat(descriptor)
        if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
            os.fchown(descriptor, old.st_uid, old.st_gid)


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
