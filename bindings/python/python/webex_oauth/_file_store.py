"""A store in a file, the same as that of the other languages: the contract is in `adapters/driver/README.md`."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

from ._core import Secret
from ._errors import RestoreError, StoreError
from ._file_lock import FileLock, keep_owner, lock_domain, make_folder
from ._stores import conflict

__all__ = ["SAVE_PATIENCE", "FileStore"]

#: No session is longer; what is longer is not one.
_MAX_BYTES = 4 * 1024 * 1024
#: A save holds its lock for moments; who waits longer has met something broken.
SAVE_PATIENCE = 10.0
#: A pipe would be waited for; on Windows a text would be changed.
_READING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
#: Never a file, a link or a pipe that somebody else has put there.
_WRITING = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class FileStore:
    """Keeps a session in a file that only its owner may read; the same file as that of the Rust drivers.

    The file is replaced as a whole and flushed, so that neither a crash nor a full disk damages what was there. Any
    number of processes, in any of the languages, may use it at once. Folder and file are made by the first save. What
    is no file (a pipe, a device, a folder) is refused.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        #: Where it is. A symbolic link is followed.
        self.path = Path(path).expanduser().resolve()

    def load(self) -> Secret | None:
        try:
            # A socket cannot even be opened.
            if not self._is_there():
                return None
            descriptor = os.open(self.path, _READING)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed(error) from error
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise self._no_file(found.st_mode)
            if found.st_size > _MAX_BYTES:
                raise self._damaged()
            text = _read_text(descriptor, found.st_size)
        except OSError as error:
            raise self._failed(error) from error
        finally:
            os.close(descriptor)
        if text is None:
            raise self._damaged()
        return text if text.expose() else None

    def save(self, snapshot: Secret, revision: int, replaces: int) -> Secret | None:
        try:
            make_folder(self.path.parent)
            with FileLock(self._beside(".lock"), SAVE_PATIENCE, self.path):
                found = self._conflict(snapshot, replaces)
                if found is None:
                    self._replace(snapshot)
                return found
        except OSError as error:
            raise self._failed(error) from error

    def delete(self) -> None:
        draft = self._draft()
        try:
            if not (self._is_there() or os.path.lexists(draft)):
                return
            # A save that is under way would bring everything back.
            with self._lock_to_delete():
                for path in (self.path, draft):
                    with suppress(FileNotFoundError):
                        os.unlink(path)
        except OSError as error:
            raise self._failed(error) from error

    def lock(self, patience: float) -> AbstractContextManager[object]:
        """Held around a request that may change the grant, from before the store is read until the answer is stored."""
        try:
            make_folder(self.path.parent)
            return FileLock(self._beside(".refresh-lock"), patience, self.path)
        except OSError as error:
            raise self._failed(error) from error

    def lock_domain(self) -> str:
        return lock_domain(self.path)

    def _beside(self, ending: str) -> str:
        return f"{self.path}{ending}"

    def _draft(self) -> str:
        """What a save writes before it becomes the file. One name for all: whoever holds the lock takes away what a
        killed process has left."""
        return self._beside(".new")

    def _lock_to_delete(self) -> AbstractContextManager[object]:
        try:
            return FileLock(self._beside(".lock"), SAVE_PATIENCE, self.path)
        except OSError:
            # A lock that does not work is no reason to keep anything.
            return nullcontext()

    def _is_there(self) -> bool:
        try:
            mode = os.stat(self.path).st_mode
        except FileNotFoundError:
            return False
        if not stat.S_ISREG(mode):
            raise self._no_file(mode)
        return True

    def _conflict(self, snapshot: Secret, replaces: int) -> Secret | None:
        try:
            return conflict(self.load(), replaces, snapshot)
        except RestoreError:
            raise self._damaged() from None

    def _replace(self, snapshot: Secret) -> None:
        draft = self._draft()
        with suppress(FileNotFoundError):
            os.unlink(draft)
        try:
            with open(os.open(draft, _WRITING, 0o600), "wb") as file:
                keep_owner(self.path, file.fileno())
                file.write(snapshot.expose().encode())
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self.path)
        except BaseException:
            with suppress(OSError):
                os.unlink(draft)
            raise
        _sync_folder(self.path.parent)

    def _failed(self, error: OSError) -> StoreError:
        return StoreError(f"{self.path}: {error.strerror or type(error).__name__}")

    def _no_file(self, mode: int) -> StoreError:
        kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
        what = kinds.get(stat.S_IFMT(mode), "a device")
        return StoreError(f"{self.path}: {what}, not a file that a session could be kept in", kind="refused")

    def _damaged(self) -> StoreError:
        return StoreError(f"{self.path}: not a stored session, or a damaged one")

    def __repr__(self) -> str:
        return f"FileStore({str(self.path)!r})"


def _read_text(descriptor: int, size: int) -> Secret | None:
    """None where it is no text. No variable holds it: a traceback may show those of every frame."""
    with open(descriptor, "rb", closefd=False) as file:
        try:
            return Secret(file.read(size).decode())
        except UnicodeDecodeError:
            return None


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
