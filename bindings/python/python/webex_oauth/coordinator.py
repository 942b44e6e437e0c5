"""The layer above a session, without IO: who waits for what, when to store, when to send, how an API's 401 is answered.

For executors: programs that bring threads or an event loop, a store and HTTP, and leave every decision to
:class:`Coordinator`. Each of its methods returns what is to be done, in order: begin jobs (:class:`Do`) outside of any
lock and report each with ``done``, answer callers (:class:`Resolve`), tell listeners. ``now`` is ``(wall, mono)``:
the wall clock, and whole milliseconds of a clock that only goes forward and counts sleep. Instants come as whole
milliseconds since 1970, durations as ``timedelta``. It may be used from any thread. A call that raises has
changed nothing; what was due by the clock all the same is in the exception's ``outputs``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from ._core import (
    AccessToken,
    Coordinator,
    DevicePrompt,
    Event,
    Fault,
    HttpRequest,
    HttpResponse,
    LoginOptions,
    Scope,
    Secret,
    SignInReason,
    TokenAsk,
)
from ._errors import Misuse

_Text = str | Secret
_Within = timedelta | float | None

# ------------------------------------------------------------------------------------------------------------ calls


@dataclass(frozen=True)
class Token:
    """An access token that is good now: the session's, or a Webex user token with less scope."""

    of: Literal["session", "user_default"] | Scope = "session"
    within: _Within = None


@dataclass(frozen=True)
class Refresh:
    """New tokens, whatever the clock says: ends with the first renewal that begins at or after the call."""

    within: _Within = None


@dataclass(frozen=True)
class Spent:
    """What a call of an API has cost so far."""

    replays: int = 0
    waited: timedelta = timedelta()
    limit: timedelta = timedelta()


@dataclass(frozen=True)
class Answered:
    """An API answered: the reply says what to do with the answer."""

    generation: int
    status: int
    retry_after: str | None = None
    spent: Spent = field(default_factory=Spent)


@dataclass(frozen=True)
class SignIn:
    """Sign in. The same sign-in again joins the one under way."""

    credential: Credential
    within: _Within = None


@dataclass(frozen=True)
class CompleteLogin:
    """A browser came back."""

    callback: _Text
    within: _Within = None


@dataclass(frozen=True)
class AwaitLogin:
    """Ends with the login in a browser that this URL or state names, whoever completes it."""

    of: _Text
    within: _Within = None


@dataclass(frozen=True)
class CancelLogin:
    """Give logins up: that of a ticket, the one in a browser that a URL or state names, or all."""

    of: int | None = None
    login: _Text | None = None


@dataclass(frozen=True)
class SignOut:
    """Sign out: here at once, then in the store, then at the server."""

    revoke: bool = True
    logout: Literal["nothing", "browser", "post"] = "nothing"
    goto: str | None = None


@dataclass(frozen=True)
class Look:
    """Take in what another process may have stored."""


@dataclass(frozen=True)
class Flush:
    """Ends when everything is stored and no grant request is out."""

    within: _Within = None


@dataclass(frozen=True)
class Close:
    """Begin nothing more, finish what is under way, store it."""

    within: _Within = None


# ------------------------------------------------------------------------------------------------------ credentials


@dataclass(frozen=True)
class Browser:
    """A browser: answered with the URL to open, completed by :class:`CompleteLogin`."""

    entropy: bytes
    options: LoginOptions = field(default_factory=LoginOptions)


@dataclass(frozen=True)
class Code:
    """A code whose state the host has checked itself."""

    code: _Text
    verifier: _Text | None = None


@dataclass(frozen=True)
class Device:
    """Another device (RFC 8628)."""

    scope: Scope | str | None = None


@dataclass(frozen=True)
class Jwt:
    """Webex: the guest that this JWT names."""

    jwt: _Text


@dataclass(frozen=True)
class Guest:
    """Webex: a guest of a Service App."""

    service_token: _Text
    subject: str
    display_name: str


@dataclass(frozen=True)
class ClientCredentials:
    """The client itself (RFC 6749 section 4.4)."""

    scope: Scope | str | None = None


@dataclass(frozen=True)
class Tokens:
    """Tokens from elsewhere."""

    tokens: _Text


# ----------------------------------------------------------------------------------------------------- ends of jobs


@dataclass(frozen=True)
class StoreFault:
    """How a store failed."""

    kind: Literal["unavailable", "denied", "full", "damaged", "other"]
    problem: str


@dataclass(frozen=True)
class Loaded:
    """What the store holds."""

    snapshot: _Text | None = None


@dataclass(frozen=True)
class Saved:
    """It is stored."""


@dataclass(frozen=True)
class Conflict:
    """The store holds something else, or nothing."""

    snapshot: _Text | None = None


@dataclass(frozen=True)
class StoreFailed:
    """The store failed. A save may have happened all the same. Also an event: told once, until it works."""

    fault: StoreFault


@dataclass(frozen=True)
class Locked:
    """The lock is ours."""


@dataclass(frozen=True)
class LockBusy:
    """Another holds the lock."""


@dataclass(frozen=True)
class Unlocked:
    """The lock is free."""


@dataclass(frozen=True)
class Response:
    """An answer, any status."""

    response: HttpResponse


@dataclass(frozen=True)
class SendFailed:
    """The request failed below HTTP."""

    fault: Literal["not_sent", "lost", "too_large"]


@dataclass(frozen=True)
class Answer:
    """What the host brought: tokens, or a JWT."""

    secret: _Text


@dataclass(frozen=True)
class HostFailed:
    """The host could not; for people, without secrets."""

    reason: str


# ------------------------------------------------------------------------------------------------------------- jobs


@dataclass(frozen=True)
class Load:
    """Read what the store holds: :class:`Loaded`."""


@dataclass(frozen=True)
class Save:
    """Compare and swap, durably: :class:`Saved` or :class:`Conflict`. ``replaces`` 0: the store must hold nothing."""

    snapshot: Secret
    revision: int
    replaces: int
    due_at: int | None


@dataclass(frozen=True)
class TryLock:
    """Try the store's lock, without waiting: :class:`Locked` or :class:`LockBusy`."""


@dataclass(frozen=True)
class Unlock:
    """Let go of it: :class:`Unlocked`."""


@dataclass(frozen=True)
class Send:
    """Send: :class:`Response` or :class:`SendFailed`. Later than ``not_after`` (monotonic) it is ``not_sent``."""

    request: HttpRequest
    fresh_connection: bool
    within: timedelta
    not_after: int | None


@dataclass(frozen=True)
class AskForToken:
    """Ask the host for tokens: :class:`Answer` or :class:`HostFailed`."""

    ask: TokenAsk
    within: timedelta


@dataclass(frozen=True)
class AskForJwt:
    """Ask the host for a guest JWT: likewise."""

    within: timedelta


# ---------------------------------------------------------------------------------------------------------- outputs


@dataclass(frozen=True)
class Fresh:
    """A token that may be handed out without asking, while the wall clock reads between its lines."""

    token: AccessToken
    generation: int
    expires_at: int | None
    from_: int
    until: int | None


@dataclass(frozen=True)
class Do:
    """Begin this job, and report with ``done``."""

    job: int
    op: Op


@dataclass(frozen=True)
class Stop:
    """The job is not wanted any longer."""

    job: int


@dataclass(frozen=True)
class Resolve:
    """The answer to a call."""

    ticket: int
    reply: Reply


@dataclass(frozen=True)
class Show:
    """For the user of this call: where to go on another device, and which code to enter."""

    ticket: int
    prompt: DevicePrompt


@dataclass(frozen=True)
class StoreRecovered:
    """The store works again."""


@dataclass(frozen=True)
class Tell:
    """For whoever listens, in order."""

    event: Event | StoreFailed | StoreRecovered


@dataclass(frozen=True)
class Publish:
    """Replaces the token that may be handed out without asking."""

    fresh: Fresh | None


# ---------------------------------------------------------------------------------------------------------- replies


@dataclass(frozen=True)
class Ready:
    """Use this token."""

    token: AccessToken
    generation: int
    expires_at: int | None


@dataclass(frozen=True)
class Return:
    """Hand the API's answer to the caller; why a refused token could not be replaced."""

    why: Failure | None


@dataclass(frozen=True)
class Again:
    """Call the API again with this token."""

    token: AccessToken
    generation: int
    spent: Spent


@dataclass(frozen=True)
class SignedIn:
    """Signed in."""

    cleaned_url: str | None
    state: str | None


@dataclass(frozen=True)
class Url:
    """Bring the browser there."""

    url: Secret


@dataclass(frozen=True)
class Finished:
    """Done."""


@dataclass(frozen=True)
class Failed:
    """It failed."""

    failure: Failure


# --------------------------------------------------------------------------------------------------------- failures


@dataclass(frozen=True)
class SignInRequired:
    """Only the user can help."""

    reason: SignInReason


@dataclass(frozen=True)
class Unavailable:
    """The last attempt failed; the next one is not due."""

    fault: Fault
    retry_at: int


@dataclass(frozen=True)
class LoginFailed:
    """The login ended without tokens."""

    fault: Fault


@dataclass(frozen=True)
class CallbackIgnored:
    """The callback is no pending login's."""

    reason: str


@dataclass(frozen=True)
class LoginCancelled:
    """The login was cancelled, or made pointless by a sign-out."""


@dataclass(frozen=True)
class LoginSuperseded:
    """Another sign-in took its place."""


@dataclass(frozen=True)
class Timeout:
    """The caller's patience ended."""

    limit: timedelta


@dataclass(frozen=True)
class Store:
    """The store can neither be read nor take what a renewal would bring."""

    fault: StoreFault


@dataclass(frozen=True)
class ScopeUnknown:
    """What was granted is not known: name a scope."""


@dataclass(frozen=True)
class Misused:
    """It cannot be done with these tokens."""

    mistake: Misuse


@dataclass(frozen=True)
class Closed:
    """The coordinator is closed."""


@dataclass(frozen=True)
class Interrupted:
    """The process was forked, or the event loop replaced."""


Call = Token | Refresh | Answered | SignIn | CompleteLogin | AwaitLogin | CancelLogin | SignOut | Look | Flush | Close
Credential = Browser | Code | Device | Jwt | Guest | ClientCredentials | Tokens
Done = (
    Loaded | Saved | Conflict | StoreFailed | Locked | LockBusy | Unlocked | Response | SendFailed | Answer | HostFailed
)
Op = Load | Save | TryLock | Unlock | Send | AskForToken | AskForJwt
Output = Do | Stop | Resolve | Show | Tell | Publish
Reply = Ready | Return | Again | SignedIn | Url | Finished | Failed
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

__all__ = [
    "Again",
    "Answer",
    "Answered",
    "AskForJwt",
    "AskForToken",
    "AwaitLogin",
    "Browser",
    "Call",
    "CallbackIgnored",
    "CancelLogin",
    "ClientCredentials",
    "Close",
    "Closed",
    "Code",
    "CompleteLogin",
    "Conflict",
    "Coordinator",
    "Credential",
    "Device",
    "Do",
    "Done",
    "Failed",
    "Failure",
    "Finished",
    "Flush",
    "Fresh",
    "Guest",
    "HostFailed",
    "Interrupted",
    "Jwt",
    "Load",
    "Loaded",
    "LockBusy",
    "Locked",
    "LoginCancelled",
    "LoginFailed",
    "LoginSuperseded",
    "Look",
    "Misused",
    "Op",
    "Output",
    "Publish",
    "Ready",
    "Refresh",
    "Reply",
    "Resolve",
    "Response",
    "Return",
    "Save",
    "Saved",
    "ScopeUnknown",
    "Send",
    "SendFailed",
    "Show",
    "SignIn",
    "SignInRequired",
    "SignOut",
    "SignedIn",
    "Spent",
    "Stop",
    "Store",
    "StoreFailed",
    "StoreFault",
    "StoreRecovered",
    "Tell",
    "Timeout",
    "Token",
    "Tokens",
    "TryLock",
    "Unavailable",
    "Unlock",
    "Unlocked",
    "Url",
]
