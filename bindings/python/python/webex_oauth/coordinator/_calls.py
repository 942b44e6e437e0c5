"""What callers ask of a coordinator."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from .._core import LoginOptions, Scope, Secret
from ._plain import Plain

_Text = str | Secret
_Within = timedelta | float | None


class Browser(Plain):
    """A browser: answered with the URL to open, completed by :class:`CompleteLogin`."""

    entropy: bytes
    options: LoginOptions = LoginOptions()

    def __repr__(self) -> str:
        """Without the randomness, from which secrets are made."""
        return f"Browser(options={self.options!r})"


class Code(Plain):
    """A code whose state the host has checked itself."""

    code: _Text
    verifier: _Text | None = None


class Device(Plain):
    """Another device (RFC 8628)."""

    scope: Scope | str | None = None


class Jwt(Plain):
    """Webex: the guest that this JWT names."""

    jwt: _Text


class Guest(Plain):
    """Webex: a guest of a Service App."""

    service_token: _Text
    subject: str
    display_name: str


class ClientCredentials(Plain):
    """The client itself (RFC 6749 section 4.4)."""

    scope: Scope | str | None = None


class Tokens(Plain):
    """Tokens from elsewhere."""

    tokens: _Text


Credential = Browser | Code | Device | Jwt | Guest | ClientCredentials | Tokens


class Token(Plain):
    """An access token that is good now: the session's, or a Webex user token with less scope."""

    of: Literal["session", "user_default"] | Scope = "session"
    within: _Within = None


class Refresh(Plain):
    """New tokens, whatever the clock says: ends with the first renewal that begins at or after the call."""

    within: _Within = None


class Spent(Plain):
    """What a call of an API has cost so far."""

    replays: int = 0
    waited: timedelta = timedelta()
    limit: timedelta = timedelta()


class Answered(Plain):
    """An API answered: the reply says what to do with the answer."""

    generation: int
    status: int
    retry_after: str | None = None
    spent: Spent = Spent()


class SignIn(Plain):
    """Sign in. The same sign-in again joins the one under way."""

    credential: Credential
    within: _Within = None


class CompleteLogin(Plain):
    """A browser came back."""

    callback: _Text
    within: _Within = None


class AwaitLogin(Plain):
    """Ends with the login in a browser that this URL or state names, whoever completes it."""

    of: _Text
    within: _Within = None


class CancelLogin(Plain):
    """Give logins up: that of a ticket, the one in a browser that a URL or state names, or all."""

    of: int | None = None
    login: _Text | None = None


class SignOut(Plain):
    """Sign out: here at once, then in the store, then at the server."""

    revoke: bool = True
    logout: Literal["nothing", "browser", "post"] = "nothing"
    goto: str | None = None


class Look(Plain):
    """Take in what another process may have stored."""


class Flush(Plain):
    """Ends when everything is stored and no grant request is out."""

    within: _Within = None


class Close(Plain):
    """Begin nothing more, finish what is under way, store it."""

    within: _Within = None


Call = Token | Refresh | Answered | SignIn | CompleteLogin | AwaitLogin | CancelLogin | SignOut | Look | Flush | Close
