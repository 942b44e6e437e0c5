"""A store in the system's key ring."""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ._core import Secret
from ._errors import StoreError
from ._file_lock import FileLock, lock_domain, make_folder
from ._file_store import SAVE_PATIENCE
from ._stores import conflict

__all__ = ["KeyringStore"]


class KeyringStore:
    """Keeps a session in the system's key ring; needs ``pip install webex-oauth[keyring]``.

    A key ring has no compare-and-swap of its own, so a lock file in the user's own folder for state guards it, the same
    one in every language.
    """

    def __init__(self, name: str = "default", *, service: str = "webex-oauth") -> None:
        try:
            import keyring
        except ModuleNotFoundError as error:
            if error.name != "keyring":
                raise
            problem = "KeyringStore needs keyring: pip install 'webex-oauth[keyring]'"
            raise ModuleNotFoundError(problem, name="keyring") from None

        self._keyring: Any = keyring
        self._service, self._name = service, name
        self._locks = _locks(service, name)

    def load(self) -> Secret | None:
        found = Secret(self._keyring.get_password(self._service, self._name) or "")
        return found if found.expose() else None

    def save(self, snapshot: Secret, revision: int, replaces: int) -> Secret | None:
        with self._lock(".lock", SAVE_PATIENCE):
            found = conflict(self.load(), replaces, snapshot)
            if found is None:
                self._keyring.set_password(self._service, self._name, snapshot.expose())
            return found

    def delete(self) -> None:
        with self._lock(".lock", SAVE_PATIENCE):
            if self.load() is not None:
                self._keyring.delete_password(self._service, self._name)

    def lock(self, patience: float) -> AbstractContextManager[object]:
        return self._lock(".refresh-lock", patience)

    def lock_domain(self) -> str:
        return lock_domain(self._locks)

    def _lock(self, ending: str, patience: float) -> FileLock:
        try:
            make_folder(self._locks.parent)
            return FileLock(f"{self._locks}{ending}", patience)
        except OSError as error:
            raise StoreError(f"{self._locks}{ending}: {error.strerror or type(error).__name__}") from error

    def __repr__(self) -> str:
        return f"KeyringStore({self._name!r}, service={self._service!r})"


def _locks(service: str, name: str) -> Path:
    """Where the lock files of an entry are: the same place as in the other languages, and nobody else's."""
    digest = hashlib.sha256(f"{service}\0{name}".encode()).hexdigest()
    return _state_folder() / "webex-oauth" / "locks" / digest[:32]


def _state_folder() -> Path:
    folder = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_STATE_HOME", "")
    if os.path.isabs(folder):
        return Path(folder)
    try:
        home = Path.home()
    except RuntimeError:
        raise StoreError("there is no home folder for the lock of the key ring") from None
    return home / ("AppData/Local" if sys.platform == "win32" else ".local/state")
