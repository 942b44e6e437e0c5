"""Why calls fail. Free of secrets."""

from __future__ import annotations

from datetime import timedelta

from .._core import Fault, SignInReason
from .._errors import Misuse
from ._jobs import StoreFault
from ._plain import Plain


class SignInRequired(Plain):
    """Only the user can help."""

    reason: SignInReason


class Unavailable(Plain):
    """The last attempt failed; the next one is not due."""

    fault: Fault
    retry_at: int


class LoginFailed(Plain):
    """The login ended without tokens."""

    fault: Fault


class CallbackIgnored(Plain):
    """The callback is no pending login's."""

    reason: str


class LoginCancelled(Plain):
    """The login was cancelled, or made pointless by a sign-out."""


class LoginSuperseded(Plain):
    """Another sign-in took its place."""


class Timeout(Plain):
    """The caller's patience ended."""

    limit: timedelta


class Store(Plain):
    """The store can neither be read nor take what a renewal would bring."""

    fault: StoreFault


class ScopeUnknown(Plain):
    """What was granted is not known: name a scope."""


class Misused(Plain):
    """It cannot be done with these tokens."""

    mistake: Misuse


class Closed(Plain):
    """The coordinator is closed."""


class Interrupted(Plain):
    """The process was forked, or the event loop replaced."""


Failure = (
    SignInRequired
    | Unavailable
    | LoginFailed
    | CallbackIgnored
    | LoginCancelled
    | LoginSuperseded
    | Timeout
    | Store
    | ScopeUnknown
    | Misused
    | Closed
    | Interrupted
)
