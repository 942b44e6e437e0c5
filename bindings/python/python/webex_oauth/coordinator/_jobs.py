"""What a coordinator has its executor do, and how that ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from .._core import HttpRequest, HttpResponse, Secret, TokenAsk
from ._plain import Plain

_Text = str | Secret


class Load(Plain):
    """Read what the store holds: :class:`Loaded`."""


class Save(Plain):
    """Compare and swap, durably: :class:`Saved` or :class:`Conflict`. ``replaces`` 0: the store must hold nothing."""

    snapshot: Secret
    revision: int
    replaces: int
    due_at: int | None


class Delete(Plain):
    """Forget what is there: :class:`Saved`. Only a :class:`Rebinding` asks for it."""


class TryLock(Plain):
    """Try the store's lock, without waiting: :class:`Locked` or :class:`LockBusy`."""


class Unlock(Plain):
    """Let go of it: :class:`Unlocked`."""


class Send(Plain):
    """Send: :class:`Response` or :class:`SendFailed`. Later than ``not_after`` (monotonic) it is ``not_sent``."""

    request: HttpRequest
    fresh_connection: bool
    within: timedelta
    not_after: int | None


class AskForToken(Plain):
    """Ask the host for tokens: :class:`Answer` or :class:`HostFailed`."""

    ask: TokenAsk
    within: timedelta


class AskForJwt(Plain):
    """Ask the host for a guest JWT: likewise."""

    within: timedelta


Op = Load | Save | TryLock | Unlock | Send | AskForToken | AskForJwt


class StoreFault(Plain):
    """How a store failed."""

    kind: Literal["unavailable", "denied", "full", "damaged", "other"]
    problem: str


class Loaded(Plain):
    """What the store holds."""

    snapshot: _Text | None = None


class Saved(Plain):
    """It is stored."""


class Conflict(Plain):
    """The store holds something else, or nothing."""

    snapshot: _Text | None = None


class StoreFailed(Plain):
    """The store failed. A save may have happened all the same. Also an event: told once, until it works."""

    fault: StoreFault


class Locked(Plain):
    """The lock is ours."""


class LockBusy(Plain):
    """Another holds the lock."""


class Unlocked(Plain):
    """The lock is free."""


class Response(Plain):
    """An answer, any status."""

    response: HttpResponse


class SendFailed(Plain):
    """The request failed below HTTP."""

    fault: Literal["not_sent", "untrusted", "lost", "too_large"]


class Answer(Plain):
    """What the host brought: tokens, or a JWT."""

    secret: _Text


class HostFailed(Plain):
    """The host could not; for people, without secrets."""

    reason: str


Done = (
    Loaded | Saved | Conflict | StoreFailed | Locked | LockBusy | Unlocked | Response | SendFailed | Answer | HostFailed
)
