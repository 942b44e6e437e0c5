"""One tree of exceptions. Everything that this package raises on purpose is a :class:`Error`.

Messages and fields are free of secrets. Two sides are kept apart: :class:`Misuse` is the caller's own mistake and has
changed nothing; what servers, networks, stores and users do is under :class:`AuthError` and its neighbours.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any, Literal

    from ._core import Fault, SignInReason

__all__ = [
    "AuthError",
    "CallFailed",
    "CallbackIgnored",
    "CannotRefresh",
    "Closed",
    "ConfigError",
    "DownscopeFailed",
    "Error",
    "InvalidArgument",
    "LoginCancelled",
    "LoginFailed",
    "LoginSuperseded",
    "Misuse",
    "NotConfigured",
    "NotSignedIn",
    "RefreshFailed",
    "RestoreError",
    "ScopeNotReducible",
    "SignInRequired",
    "StoreError",
    "TimedOut",
    "TransportError",
]


class Error(Exception):
    """Whatever this package raises on purpose."""

    def __init__(self, message: str = "", **fields: object) -> None:
        super().__init__(message)
        for name, value in fields.items():
            setattr(self, name, value)


class Misuse(Error):
    """The caller's own mistake. Nothing has changed, and the same call fails again until it is corrected."""


class InvalidArgument(Misuse, ValueError):
    """An argument cannot be used: a wrong type, a naive datetime, unfilled entropy."""

    #: Which argument.
    argument: str
    #: What is wrong with it.
    problem: str
    #: The same in one word, where there is one: ``unfilled``, ``missing_issuer``, ...
    kind: str | None = None


class NotConfigured(Misuse):
    """The configuration lacks what this call needs."""

    #: The missing piece: ``redirect_uri``, ``client_secret``, ...
    what: str
    #: The call that needs it.
    needed_by: str


class NotSignedIn(Misuse):
    """The call needs a signed-in session."""

    #: The call.
    call: str


class CannotRefresh(Misuse):
    """Nothing is there to renew the tokens with."""

    #: The missing ingredient.
    why: str


class ScopeNotReducible(Misuse):
    """The scope of a downscoped token must be a proper, non-empty part of the granted scope."""

    #: What was asked for.
    requested: str
    #: Why not.
    problem: str


class ConfigError(Misuse):
    """A configuration was refused."""

    #: Which setting.
    field: str
    #: ``missing``, ``invalid`` or ``insecure``. ``unanswered``: the server that it names could not be asked, try again
    #: later.
    kind: str
    #: What is wrong with it.
    problem: str
    #: The variable that it comes from, or that would set it, where the configuration comes from variables.
    variable: str | None = None


class Closed(Misuse):
    """The client has been closed."""


class RestoreError(Error):
    """Stored bytes cannot be used. They are left as they are."""

    #: ``unreadable``, ``newer_version``, ``other_config`` or ``sealed``.
    kind: str
    #: The version found, for ``newer_version``.
    found: int | None = None
    #: What belongs to another configuration, for ``other_config``: ``client_id`` or ``token_endpoint``.
    field: str | None = None
    #: The key that it names, for ``sealed``: it is encrypted, and there is no key.
    key_id: str | None = None


class AuthError(Error):
    """No token, and a :class:`Fault` that says why."""

    #: What happened, typed: ``fault.code``, ``fault.status``, ``fault.tracking_id``, ``fault.advice``, ...
    fault: Fault


class RefreshFailed(AuthError):
    """The tokens could not be renewed now. They are kept; the session tries again."""

    #: Not before this instant. None where the caller need not wait.
    retry_at: datetime | None = None


class LoginFailed(AuthError):
    """A login ended without tokens. The session is what it was before."""

    #: Which way it was tried: ``code``, ``device``, ``jwt``, ...
    via: str
    #: The callback URL without anything secret, for the browser's history.
    cleaned_url: str | None = None
    #: What the caller gave as ``state`` when the login began, as it was given.
    state: Any = None


class DownscopeFailed(AuthError):
    """No token with less scope could be had."""

    #: Not before this instant.
    retry_at: datetime | None = None


class SignInRequired(Error):
    """Only the user can help: sign in."""

    #: Why.
    reason: SignInReason


class LoginSuperseded(Error):
    """Another login was begun, and its result is what counts."""


class LoginCancelled(Error):
    """The login was cancelled, or made pointless by a sign-out."""


class CallFailed(Error):
    """A call of an API did not get through, or no complete answer came back."""


class CallbackIgnored(Error):
    """The callback does not belong to the pending login. That login, if there is one, still waits."""

    #: ``wrong_state``, ``no_login_pending``, ``other_url``, ...
    reason: str


class TimedOut(Error, TimeoutError):
    """The caller's own time limit passed. What was under way goes on."""


class StoreError(Error):
    """The store failed; its own exception is the ``__cause__``. The session keeps everything and tries again."""

    #: How: ``unavailable`` (not there, no answer in time), ``busy`` (another process holds the lock), ``denied``,
    #: ``full``, ``sealed`` (no such key, or another one), ``refused`` (not a store that sessions may be kept in, or not
    #: migrated), ``damaged``, ``other``.
    kind: Literal["unavailable", "busy", "denied", "full", "sealed", "refused", "damaged", "other"] = "other"
    #: For ``sealed``: the key that it names, and why it stays closed.
    key_id: str | None = None
    why: Literal["unknown_key", "refused", "other_revision"] | None = None

    def __init__(self, message: str = "", *, is_busy: bool = False, **fields: object) -> None:
        super().__init__(message, **fields)
        if is_busy:
            self.kind = "busy"

    @property
    def is_busy(self) -> bool:
        """Another process holds the lock and does not let go: it is of kind ``busy``."""
        return self.kind == "busy"


class TransportError(Error):
    """For transports of one's own: the request did not get through.

    ``fault`` is ``not_sent`` only where the server cannot have seen the request, ``untrusted`` where that is so because
    its certificate is not trusted, ``lost`` where it may have acted upon it, ``too_large`` where the answer was beyond
    ``request.hints.max_response_bytes``.
    """

    fault: Literal["not_sent", "untrusted", "lost", "too_large"]

    def __init__(
        self,
        message: str = "the request did not get through",
        *,
        fault: Literal["not_sent", "untrusted", "lost", "too_large"] = "lost",
    ) -> None:
        if fault not in ("not_sent", "untrusted", "lost", "too_large"):
            problem = "not_sent, untrusted, lost or too_large"
            raise InvalidArgument(f"fault: {fault!r} is none", argument="fault", problem=problem)
        super().__init__(message, fault=fault)


# They are shown, and imported, from where everybody finds them.
for _name in __all__:
    globals()[_name].__module__ = "webex_oauth"


def without_frames(error: BaseException) -> BaseException:
    """An exception to chain: without its frames, and those of what led to it, whose variables may hold a secret."""
    left: list[BaseException | None] = [error]
    seen: set[int] = set()
    while left:
        current = left.pop()
        if current is not None and id(current) not in seen:
            seen.add(id(current))
            current.__traceback__ = None
            left += [current.__cause__, current.__context__]
    return error
