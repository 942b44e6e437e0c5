"""Cisco Webex authorization, and that of any OAuth 2.0 server: login, tokens that stay fresh, drop-in auth.

Start with :class:`Client` (or :class:`AsyncClient`); :class:`Session` is the sans-IO machine below them, for
applications with a stack of their own. Importing this package costs a few milliseconds: the clients, and what they
need of the standard library, are loaded when they are first used.
"""

from __future__ import annotations

from ._core import (
    ENTROPY_LEN,
    Access,
    AccessToken,
    Callback,
    Config,
    DevicePrompt,
    Effect,
    Event,
    Fault,
    HttpRequest,
    HttpResponse,
    JudgedUrl,
    LoginOptions,
    Output,
    Phase,
    Provider,
    ReadTokens,
    RefreshPolicy,
    ReplayStep,
    RetryAfterBounds,
    Scope,
    ScopeDelta,
    Secret,
    Services,
    Session,
    SignInReason,
    Status,
    TargetUri,
    TokenAsk,
    TokenSet,
    TransportHints,
    Verdict,
    __version__,
    replay,
    snapshot_client_tag,
    snapshot_kept_for,
    snapshot_key_id,
    snapshot_revision,
)
from ._errors import (
    AuthError,
    CallbackIgnored,
    CallFailed,
    CannotRefresh,
    Closed,
    ConfigError,
    DownscopeFailed,
    Error,
    InvalidArgument,
    LoginCancelled,
    LoginFailed,
    LoginSuperseded,
    Misuse,
    NotConfigured,
    NotSignedIn,
    RefreshFailed,
    RestoreError,
    ScopeNotReducible,
    SignInRequired,
    StoreError,
    TimedOut,
    TransportError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._async_client import AsyncClient
    from ._async_clients import AsyncClients, AsyncUser
    from ._calls import ApiResponse
    from ._client import Client
    from ._clients import Clients, User
    from ._discover import discover_provider
    from ._events import ClientEvent, StoreFailed, StoreRecovered
    from ._file_store import FileStore
    from ._guest import guest_jwt
    from ._keyring_store import KeyringStore
    from ._signed_in import SignedIn
    from ._stores import AsyncStore, MemoryStore, Store
    from ._transport import HttpTransport

#: What is loaded when it is first used, and where it lives.
_LATER = {
    "ApiResponse": "_calls",
    "AsyncClient": "_async_client",
    "AsyncClients": "_async_clients",
    "AsyncStore": "_stores",
    "AsyncUser": "_async_clients",
    "Client": "_client",
    "ClientEvent": "_events",
    "Clients": "_clients",
    "FileStore": "_file_store",
    "KeyringStore": "_keyring_store",
    "MemoryStore": "_stores",
    "SignedIn": "_signed_in",
    "HttpTransport": "_transport",
    "Store": "_stores",
    "StoreFailed": "_events",
    "StoreRecovered": "_events",
    "User": "_clients",
    "discover_provider": "_discover",
    "guest_jwt": "_guest",
}

__all__ = [
    "ENTROPY_LEN",
    "Access",
    "AccessToken",
    "ApiResponse",
    "AsyncClient",
    "AsyncClients",
    "AsyncStore",
    "AsyncUser",
    "AuthError",
    "CallFailed",
    "Callback",
    "CallbackIgnored",
    "CannotRefresh",
    "Client",
    "ClientEvent",
    "Clients",
    "Closed",
    "Config",
    "ConfigError",
    "DevicePrompt",
    "DownscopeFailed",
    "Effect",
    "Error",
    "Event",
    "Fault",
    "FileStore",
    "HttpRequest",
    "HttpResponse",
    "InvalidArgument",
    "JudgedUrl",
    "KeyringStore",
    "LoginCancelled",
    "LoginFailed",
    "LoginOptions",
    "LoginSuperseded",
    "MemoryStore",
    "Misuse",
    "NotConfigured",
    "NotSignedIn",
    "Output",
    "Phase",
    "Provider",
    "ReadTokens",
    "RefreshFailed",
    "RefreshPolicy",
    "ReplayStep",
    "RestoreError",
    "RetryAfterBounds",
    "Scope",
    "ScopeDelta",
    "ScopeNotReducible",
    "Secret",
    "Services",
    "Session",
    "SignInReason",
    "SignInRequired",
    "SignedIn",
    "Status",
    "HttpTransport",
    "Store",
    "StoreError",
    "StoreFailed",
    "StoreRecovered",
    "TargetUri",
    "TimedOut",
    "TokenAsk",
    "TokenSet",
    "TransportError",
    "TransportHints",
    "User",
    "Verdict",
    "__version__",
    "discover_provider",
    "guest_jwt",
    "replay",
    "snapshot_client_tag",
    "snapshot_kept_for",
    "snapshot_key_id",
    "snapshot_revision",
]


def __getattr__(name: str) -> object:
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f".{module}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
