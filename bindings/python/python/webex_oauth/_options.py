"""What the constructors and methods of both clients take."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from ._core import (
    Config,
    LoginOptions,
    Provider,
    RefreshPolicy,
    RetryAfterBounds,
    Scope,
    Secret,
)
from ._discover import server_of
from ._errors import ConfigError, InvalidArgument
from ._file_store import FileStore
from ._signed_in import written_state

if TYPE_CHECKING:
    from ._clocks import Clock
    from ._events import ClientEvent
    from .stores import SealedUser


class Settings(TypedDict, total=False):
    """Keywords of the clients, beside configuration and store."""

    transport: Callable[..., Any] | None
    on_event: Callable[[ClientEvent], object] | None
    refresh_callback: Callable[..., Any] | None
    jwt_callback: Callable[..., Any] | None
    clock: Clock | None


class ConfigSettings(TypedDict, total=False):
    """Keywords of :class:`Config`."""

    redirect_uri: str | None
    scope: str | Scope | Sequence[str]
    provider: Provider
    client_auth: Literal["basic_form_encoded", "basic_raw", "body", "none"] | None
    renewal: Literal["grant", "host_token", "host_jwt"]
    refresh: RefreshPolicy
    downscope_failure: Literal["refuse", "use_full_token"]
    login_lifetime: timedelta | float
    request_timeout: timedelta | float
    retry_after: RetryAfterBounds
    token_hosts: Sequence[str]
    resource: str | Sequence[str]
    access_token: str | Secret | None


class LoginSettings(TypedDict, total=False):
    """Keywords of a login; see :class:`LoginOptions`."""

    flow: Literal["code", "implicit"]
    scope: str | Scope | Sequence[str] | None
    state: str | Mapping[str, object] | None
    opaque_state: str | Secret | None
    prompt: str | None
    login_hint: str | None
    email: str | None
    redirect_uri: str | None
    response_mode: Literal["query", "fragment", "form_post"] | None
    extra: Mapping[str, str] | None


__all__ = [
    "KEY_FILE",
    "SESSION_FILE",
    "ConfigSettings",
    "Hidden",
    "LoginSettings",
    "Settings",
    "conceal",
    "from_env",
    "login_options",
    "seconds",
    "secret",
    "store_of",
    "tokens_text",
]

#: The file in which the session is kept, shared by the drivers of every language on this machine.
SESSION_FILE = "WEBEX_SESSION_FILE"
#: The file with the keys that the session is encrypted with.
KEY_FILE = "WEBEX_KEY_FILE"


def login_options(
    *, state: str | Mapping[str, object] | None = None, extra: Mapping[str, str] | None = None, **options: Any
) -> LoginOptions:
    """`LoginOptions` with Python's own types for ``state`` and ``extra``."""
    try:
        return LoginOptions(state=written_state(state), extra=None if extra is None else list(extra.items()), **options)
    except (TypeError, AttributeError) as error:
        raise InvalidArgument(f"login options: {error}", argument="options", problem=str(error)) from None


class Hidden:
    """Something with secrets in it, out of sight as soon as it arrives: tracebacks may show the variables of every
    frame."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def expose(self) -> Any:
        return self._value

    def __repr__(self) -> str:
        return "Hidden(...)"


def conceal(options: LoginSettings) -> None:
    """What is secret among the keywords of a login."""
    state = options.get("opaque_state")
    if state is not None:
        options["opaque_state"] = secret(state)


def from_env(environ: Hidden, *, legacy: bool) -> Config:
    """The configuration that variables describe."""
    return Config.from_variables(dict(environ.expose()), legacy=legacy, server=server_of(environ))


def store_of(environ: Hidden, path: str | os.PathLike[str] | None = None) -> FileStore | SealedUser | None:
    """The store in this file, or in the one that a variable names; sealed, where another one names keys.

    It is the command's then: what is sealed has the profile as its user.
    """
    path = path or environ.expose().get(SESSION_FILE)
    if not path:
        return None
    store, keys = FileStore(path), environ.expose().get(KEY_FILE)
    if not keys:
        return store
    from .stores import SealedUser, read_key_file

    return SealedUser(store, read_key_file(keys), user=_profile(environ))


def _profile(environ: Hidden) -> str:
    """Whose session it is. What is no text is named and not told, like the other variables."""
    profile: str = environ.expose().get("WEBEX_PROFILE") or "default"
    try:
        profile.encode()
    except UnicodeEncodeError:
        problem = "WEBEX_PROFILE is not UTF-8"
    else:
        return profile
    raise ConfigError(f"environment: {problem}", field="environment", kind="invalid", problem=problem)


def seconds(value: timedelta | float | None) -> float | None:
    """A time limit of a caller in seconds. A coordinator has neither negative spans nor endless ones."""
    limit = value.total_seconds() if isinstance(value, timedelta) else value
    return None if limit is None else min(max(limit, 0.0), 1e9)


def secret(text: str | Secret) -> Secret:
    """Out of sight as soon as it arrives. It raises for nothing that can hold a secret: whoever calls still has it."""
    if isinstance(text, (bytes, bytearray)):
        return Secret(bytes(text).decode(errors="replace"))
    return text if isinstance(text, Secret) else Secret(text)


#: What would be sent, as others spell it, too.
_TOKENS = ("accesstoken", "refreshtoken", "idtoken")


def tokens_text(tokens: str | Secret | Mapping[str, object]) -> Secret:
    """Tokens in any shape that `Session.adopt` reads; a mapping becomes JSON."""
    if not isinstance(tokens, Mapping):
        return secret(tokens)
    for name, value in tokens.items():
        is_token = str(name).lower().replace("_", "") in _TOKENS
        if is_token and not isinstance(value, (str, bytes, Secret, Mapping, type(None))):
            problem = f"{name} is no text but of the type {type(value).__name__}"
            raise InvalidArgument(f"tokens: {problem}", argument="tokens", problem=problem)
    try:
        return Secret(json.dumps(dict(tokens), default=_plain, skipkeys=True))
    except (TypeError, ValueError, RecursionError):
        return Secret("{}")


def _plain(value: object) -> str:
    """What JSON does not know: an instant, say, or a secret."""
    if isinstance(value, Secret):
        return value.expose()
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value.isoformat() if isinstance(value, datetime) else str(value)
