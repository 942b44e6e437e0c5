"""The native part of webex_oauth: the types of the core and the session."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Final, Literal, NoReturn, TypeAlias, final

from typing_extensions import disjoint_base

from . import coordinator

_Via: TypeAlias = Literal["code", "implicit", "device", "jwt", "guest", "client_credentials", "adopted", "host"]
_SignedOutReason: TypeAlias = Literal["never_signed_in", "by_user", "grant_ended", "embargoed"]
_StaleWhy: TypeAlias = Literal["no_access_token", "expired", "rejected", "clock_went_back", "not_asked_yet"]
_ReturnTo: TypeAlias = Literal["signed_out", "signed_in"]
_IgnoredCallback: TypeAlias = Literal[
    "no_login_pending",
    "already_completed",
    "other_url",
    "not_a_callback",
    "wrong_state",
    "duplicate_parameter",
    "wrong_issuer",
    "incomplete",
    "too_long",
]
_IgnoredStore: TypeAlias = Literal["unreadable", "newer_version", "other_config"]
_NotRevokedWhy: TypeAlias = Literal["no_endpoint", "no_secret"]
_WithheldWhy: TypeAlias = Literal["not_in_token_hosts", "not_https"]
_Deviation: TypeAlias = Literal[
    "missing_token_type",
    "missing_expires_in",
    "number_as_text",
    "number_as_float",
    "unusual_status",
    "error_with_success_status",
    "error_as_object",
    "scope_as_list",
    "scope_with_commas",
    "form_encoded",
    "odd_json",
    "unreadable_member",
]
_Purpose: TypeAlias = Literal[
    "redeem_code",
    "refresh",
    "client_credentials",
    "jwt_login",
    "guest_token",
    "device_authorization",
    "device_token",
    "downscope",
    "revoke",
    "logout",
]
_FaultKind: TypeAlias = Literal[
    "refused",
    "unauthorized",
    "rate_limited",
    "unavailable",
    "unexpected",
    "malformed",
    "network",
    "expired",
    "host",
]
_Blame: TypeAlias = Literal["integration", "user", "server", "network", "grant", "host"]
_Advice: TypeAlias = Literal["wait_and_retry", "sign_in_again", "fix_configuration", "try_basic_raw", "wait_or_sign_in"]
_SendFault: TypeAlias = Literal["not_sent", "lost", "too_large"]
_LogoutVia: TypeAlias = Literal["nothing", "browser", "post"]
_Flow: TypeAlias = Literal["code", "implicit"]
_ResponseMode: TypeAlias = Literal["query", "fragment", "form_post"]
_Renewal: TypeAlias = Literal["grant", "host_token", "host_jwt"]
_DownscopeFailure: TypeAlias = Literal["refuse", "use_full_token"]
_ClientAuth: TypeAlias = Literal["basic_form_encoded", "basic_raw", "body", "none"]
_Leniency: TypeAlias = Literal["lenient", "strict"]
_JwtScheme: TypeAlias = Literal["bearer", "raw"]

#: An aware datetime, or whole milliseconds since 1970.
_Time: TypeAlias = datetime | int
#: A timedelta, or seconds.
_Span: TypeAlias = timedelta | float
_Text: TypeAlias = str | Secret
_ScopeText: TypeAlias = str | Scope | Iterable[str]

__all__ = [
    "Access",
    "Phase",
    "SignInReason",
    "Status",
    "Verdict",
    "Config",
    "Coordinator",
    "MetadataSource",
    "metadata_step",
    "RefreshPolicy",
    "ReplayStep",
    "RetryAfterBounds",
    "Effect",
    "Output",
    "TokenAsk",
    "Fault",
    "Event",
    "HttpRequest",
    "HttpResponse",
    "TransportHints",
    "DevicePrompt",
    "LoginOptions",
    "Callback",
    "adopt_tokens",
    "authorize_url",
    "clean_text",
    "clean_url",
    "email_hash",
    "encode_state",
    "guest_jwt",
    "is_guest",
    "is_pkce_verifier",
    "jwt_claims",
    "lifetime_seconds",
    "login_id",
    "org_id_of_code",
    "org_id_of_token",
    "pkce_challenge",
    "read_callback",
    "read_state",
    "read_token_response",
    "replay",
    "retry_after",
    "shown_url",
    "webex_qr_url",
    "Provider",
    "Scope",
    "ScopeDelta",
    "AccessToken",
    "Secret",
    "Session",
    "snapshot_revision",
    "JudgedUrl",
    "TargetUri",
    "ReadTokens",
    "TokenSet",
    "ENTROPY_LEN",
    "__version__",
]

ENTROPY_LEN: Final[int]
__version__: Final[str]

@final
class Secret:
    def __new__(cls, text: _Text, /) -> Secret: ...
    def expose(self) -> str: ...
    def __bool__(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class AccessToken:
    def expose(self) -> str: ...
    def expose_header(self) -> str: ...
    @property
    def token_type(self) -> str: ...
    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Scope:
    def __new__(cls, tokens: _ScopeText = ..., /) -> Scope: ...
    def issubset(self, other: _ScopeText) -> bool: ...
    def __len__(self) -> int: ...
    def __contains__(self, token: str, /) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...
    def __le__(self, other: _ScopeText, /) -> bool: ...
    def __ge__(self, other: _ScopeText, /) -> bool: ...
    def __sub__(self, other: _ScopeText, /) -> Scope: ...
    def __rsub__(self, other: object, /) -> Scope: ...
    def __and__(self, other: _ScopeText, /) -> Scope: ...
    def __rand__(self, other: object, /) -> Scope: ...
    def __or__(self, other: _ScopeText, /) -> Scope: ...
    def __ror__(self, other: object, /) -> Scope: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class ScopeDelta:
    __match_args__: Final = (
        "granted",
        "missing",
        "extra",
    )
    @property
    def granted(self) -> Scope: ...
    @property
    def missing(self) -> Scope: ...
    @property
    def extra(self) -> Scope: ...
    @staticmethod
    def between(requested: _ScopeText, granted: _ScopeText) -> ScopeDelta: ...
    def __bool__(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Fault:
    __match_args__: Final = (
        "kind",
        "code",
        "description",
        "status",
        "tracking_id",
    )
    def __new__(
        cls,
        kind: _FaultKind,
        code: str | None = None,
        description: str | None = None,
        uri: str | None = None,
        status: int | None = None,
        tracking_id: str | None = None,
        retry_after: _Span | None = None,
        send: _SendFault | None = None,
        secret_was_encoded: bool = False,
    ) -> Fault: ...
    @property
    def kind(self) -> _FaultKind: ...
    @property
    def code(self) -> str | None: ...
    @property
    def description(self) -> str | None: ...
    @property
    def uri(self) -> str | None: ...
    @property
    def status(self) -> int | None: ...
    @property
    def tracking_id(self) -> str | None: ...
    @property
    def retry_after(self) -> timedelta | None: ...
    @property
    def send(self) -> _SendFault | None: ...
    @property
    def secret_was_encoded(self) -> bool: ...
    @property
    def blame(self) -> _Blame: ...
    @property
    def advice(self) -> _Advice: ...
    @property
    def ends_grant(self) -> bool: ...
    @property
    def is_transient(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@disjoint_base
class SignInReason:
    @final
    class SignedOut(SignInReason):
        __match_args__: Final = ("reason",)
        def __new__(cls, reason: _SignedOutReason) -> SignInReason.SignedOut: ...
        @property
        def reason(self) -> _SignedOutReason: ...

    @final
    class LoginPending(SignInReason):
        __match_args__: Final = ()
        def __new__(cls) -> SignInReason.LoginPending: ...

    @final
    class Expired(SignInReason):
        __match_args__: Final = ()
        def __new__(cls) -> SignInReason.Expired: ...

    @final
    class RefreshTokenExpired(SignInReason):
        __match_args__: Final = ()
        def __new__(cls) -> SignInReason.RefreshTokenExpired: ...

    @final
    class Rejected(SignInReason):
        __match_args__: Final = ()
        def __new__(cls) -> SignInReason.Rejected: ...

    @final
    class ScopeNotGranted(SignInReason):
        __match_args__: Final = ("missing",)
        def __new__(cls, missing: Scope) -> SignInReason.ScopeNotGranted: ...
        @property
        def missing(self) -> Scope: ...

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@disjoint_base
class Access:
    @final
    class Ready(Access):
        __match_args__: Final = (
            "token",
            "generation",
            "expires_at",
            "refresh_soon",
        )
        def __new__(
            cls, token: AccessToken, generation: int, expires_at: _Time | None, refresh_soon: bool
        ) -> Access.Ready: ...
        @property
        def token(self) -> AccessToken: ...
        @property
        def generation(self) -> int: ...
        @property
        def expires_at(self) -> datetime | None: ...
        @property
        def refresh_soon(self) -> bool: ...

    @final
    class Stale(Access):
        __match_args__: Final = (
            "why",
            "expires_at",
        )
        def __new__(cls, why: _StaleWhy, expires_at: _Time | None) -> Access.Stale: ...
        @property
        def why(self) -> _StaleWhy: ...
        @property
        def expires_at(self) -> datetime | None: ...

    @final
    class Refreshing(Access):
        __match_args__: Final = ("id",)
        def __new__(cls, id: int) -> Access.Refreshing: ...
        @property
        def id(self) -> int: ...

    @final
    class BackingOff(Access):
        __match_args__: Final = (
            "fault",
            "retry_at",
        )
        def __new__(cls, fault: Fault, retry_at: _Time) -> Access.BackingOff: ...
        @property
        def fault(self) -> Fault: ...
        @property
        def retry_at(self) -> datetime: ...

    @final
    class SignInRequired(Access):
        __match_args__: Final = ("reason",)
        def __new__(cls, reason: SignInReason) -> Access.SignInRequired: ...
        @property
        def reason(self) -> SignInReason: ...

    @property
    def at_ms(self) -> int | None: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@disjoint_base
class Phase:
    @final
    class SignedOut(Phase):
        __match_args__: Final = ("reason",)
        def __new__(cls, reason: _SignedOutReason) -> Phase.SignedOut: ...
        @property
        def reason(self) -> _SignedOutReason: ...

    @final
    class SigningIn(Phase):
        __match_args__: Final = (
            "via",
            "return_to",
        )
        def __new__(cls, via: _Via, return_to: _ReturnTo) -> Phase.SigningIn: ...
        @property
        def via(self) -> _Via: ...
        @property
        def return_to(self) -> _ReturnTo: ...

    @final
    class SignedIn(Phase):
        __match_args__: Final = ()
        def __new__(cls) -> Phase.SignedIn: ...

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@disjoint_base
class Verdict:
    @final
    class Pass(Verdict):
        __match_args__: Final = ()
        def __new__(cls) -> Verdict.Pass: ...

    @final
    class Rejected(Verdict):
        __match_args__: Final = ()
        def __new__(cls) -> Verdict.Rejected: ...

    @final
    class Wait(Verdict):
        __match_args__: Final = ("wait",)
        def __new__(cls, wait: _Span) -> Verdict.Wait: ...
        @property
        def wait(self) -> timedelta: ...

    @final
    class Embargoed(Verdict):
        __match_args__: Final = ()
        def __new__(cls) -> Verdict.Embargoed: ...

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Status:
    @property
    def phase(self) -> Phase: ...
    @property
    def can_authorize(self) -> bool: ...
    @property
    def can_refresh(self) -> bool: ...
    @property
    def can_downscope(self) -> bool: ...
    @property
    def is_refreshing(self) -> bool: ...
    @property
    def via(self) -> _Via | None: ...
    @property
    def generation(self) -> int: ...
    @property
    def scope(self) -> Scope | None: ...
    @property
    def expires_at(self) -> datetime | None: ...
    @property
    def expires_at_ms(self) -> int | None: ...
    @property
    def refresh_at(self) -> datetime | None: ...
    @property
    def refresh_at_ms(self) -> int | None: ...
    @property
    def sign_in_again_by(self) -> datetime | None: ...
    @property
    def sign_in_again_by_ms(self) -> int | None: ...
    @property
    def org_id(self) -> str | None: ...
    @property
    def is_guest(self) -> bool: ...
    @property
    def last_fault(self) -> Fault | None: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Coordinator:
    def __new__(
        cls,
        config: Config,
        seed: bytes,
        stored: _Text | None = None,
        *,
        store: bool = False,
        lock_domain: str | None = None,
        rotates: bool | None = None,
        patience: _Span | None = None,
        host_limit: _Span | None = None,
        farewell: _Span | None = None,
        times: tuple[_Span, _Span, _Span, _Span] | None = None,
    ) -> Coordinator: ...
    def call(self, now: tuple[_Time, int], ticket: int, call: coordinator.Call) -> list[coordinator.Output]: ...
    def give_up(self, ticket: int) -> None: ...
    def done(self, now: tuple[_Time, int], job: int, result: coordinator.Done) -> list[coordinator.Output]: ...
    def wake(self, now: tuple[_Time, int]) -> list[coordinator.Output]: ...
    def restarted(self, now: tuple[_Time, int], seed: bytes) -> list[coordinator.Output]: ...
    @property
    def wake_at(self) -> tuple[int | None, int | None]: ...
    @property
    def store_fault(self) -> coordinator.StoreFault | None: ...
    def status(self, now: _Time) -> Status: ...
    @property
    def tokens(self) -> TokenSet | None: ...
    @property
    def revision(self) -> int: ...
    def logout_url(self, goto: str | None = None) -> Secret | None: ...

@disjoint_base
class Effect:
    @final
    class Persist(Effect):
        __match_args__: Final = (
            "snapshot",
            "revision",
            "replaces",
        )
        def __new__(cls, snapshot: Secret, revision: int, replaces: int) -> Effect.Persist: ...
        @property
        def snapshot(self) -> Secret: ...
        @property
        def revision(self) -> int: ...
        @property
        def replaces(self) -> int: ...

    @final
    class Send(Effect):
        __match_args__: Final = ("request",)
        def __new__(cls, request: HttpRequest) -> Effect.Send: ...
        @property
        def request(self) -> HttpRequest: ...

    @final
    class OpenBrowser(Effect):
        __match_args__: Final = ("url",)
        def __new__(cls, url: Secret) -> Effect.OpenBrowser: ...
        @property
        def url(self) -> Secret: ...

    @final
    class ShowDeviceCode(Effect):
        __match_args__: Final = ("prompt",)
        def __new__(cls, prompt: DevicePrompt) -> Effect.ShowDeviceCode: ...
        @property
        def prompt(self) -> DevicePrompt: ...

    @final
    class AskForJwt(Effect):
        __match_args__: Final = ("id",)
        def __new__(cls, id: int) -> Effect.AskForJwt: ...
        @property
        def id(self) -> int: ...

    @final
    class AskForToken(Effect):
        __match_args__: Final = (
            "id",
            "ask",
        )
        def __new__(cls, id: int, ask: TokenAsk) -> Effect.AskForToken: ...
        @property
        def id(self) -> int: ...
        @property
        def ask(self) -> TokenAsk: ...

    @final
    class Notify(Effect):
        __match_args__: Final = ("event",)
        def __new__(cls, event: Event) -> Effect.Notify: ...
        @property
        def event(self) -> Event: ...

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@disjoint_base
class TokenAsk:
    @final
    class Renew(TokenAsk):
        __match_args__: Final = ("refresh_token",)
        def __new__(cls, refresh_token: Secret | None) -> TokenAsk.Renew: ...
        @property
        def refresh_token(self) -> Secret | None: ...

    @final
    class Redeem(TokenAsk):
        __match_args__: Final = (
            "code",
            "verifier",
            "redirect_uri",
        )
        def __new__(cls, code: Secret, verifier: Secret, redirect_uri: str) -> TokenAsk.Redeem: ...
        @property
        def code(self) -> Secret: ...
        @property
        def verifier(self) -> Secret: ...
        @property
        def redirect_uri(self) -> str: ...

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Output:
    __match_args__: Final = (
        "effects",
        "wake_at",
    )
    @property
    def effects(self) -> tuple[Effect, ...]: ...
    @property
    def wake_at(self) -> datetime | None: ...
    @property
    def wake_at_ms(self) -> int | None: ...

@disjoint_base
class Event:
    @final
    class SignedIn(Event):
        __match_args__: Final = (
            "via",
            "generation",
            "scope",
            "login",
            "cleaned_url",
            "state",
        )
        def __new__(
            cls,
            via: _Via,
            generation: int,
            scope: ScopeDelta,
            login: str | None,
            cleaned_url: str | None,
            state: str | None,
        ) -> Event.SignedIn: ...
        @property
        def via(self) -> _Via: ...
        @property
        def generation(self) -> int: ...
        @property
        def scope(self) -> ScopeDelta: ...
        @property
        def login(self) -> str | None: ...
        @property
        def cleaned_url(self) -> str | None: ...
        @property
        def state(self) -> str | None: ...

    @final
    class TokensRefreshed(Event):
        __match_args__: Final = (
            "generation",
            "unchanged",
            "rotated",
        )
        def __new__(cls, generation: int, unchanged: bool, rotated: bool) -> Event.TokensRefreshed: ...
        @property
        def generation(self) -> int: ...
        @property
        def unchanged(self) -> bool: ...
        @property
        def rotated(self) -> bool: ...

    @final
    class RefreshFailed(Event):
        __match_args__: Final = (
            "fault",
            "retry_at",
        )
        def __new__(cls, fault: Fault, retry_at: _Time) -> Event.RefreshFailed: ...
        @property
        def fault(self) -> Fault: ...
        @property
        def retry_at(self) -> datetime: ...

    @final
    class LoginFailed(Event):
        __match_args__: Final = (
            "via",
            "fault",
            "login",
            "cleaned_url",
            "state",
        )
        def __new__(
            cls, via: _Via, fault: Fault, login: str | None, cleaned_url: str | None, state: str | None
        ) -> Event.LoginFailed: ...
        @property
        def via(self) -> _Via: ...
        @property
        def fault(self) -> Fault: ...
        @property
        def login(self) -> str | None: ...
        @property
        def cleaned_url(self) -> str | None: ...
        @property
        def state(self) -> str | None: ...

    @final
    class CallbackIgnored(Event):
        __match_args__: Final = ("reason",)
        def __new__(cls, reason: _IgnoredCallback) -> Event.CallbackIgnored: ...
        @property
        def reason(self) -> _IgnoredCallback: ...

    @final
    class DevicePending(Event):
        __match_args__: Final = ("next_poll_at",)
        def __new__(cls, next_poll_at: _Time) -> Event.DevicePending: ...
        @property
        def next_poll_at(self) -> datetime: ...

    @final
    class SignInNeeded(Event):
        __match_args__: Final = ("reason",)
        def __new__(cls, reason: SignInReason) -> Event.SignInNeeded: ...
        @property
        def reason(self) -> SignInReason: ...

    @final
    class ScopeChanged(Event):
        __match_args__: Final = ("scope",)
        def __new__(cls, scope: ScopeDelta) -> Event.ScopeChanged: ...
        @property
        def scope(self) -> ScopeDelta: ...

    @final
    class RefreshTokenExpiresSoon(Event):
        __match_args__: Final = ("at",)
        def __new__(cls, at: _Time) -> Event.RefreshTokenExpiresSoon: ...
        @property
        def at(self) -> datetime: ...

    @final
    class Downscoped(Event):
        __match_args__: Final = ("scope",)
        def __new__(cls, scope: Scope) -> Event.Downscoped: ...
        @property
        def scope(self) -> Scope: ...

    @final
    class DownscopeFailed(Event):
        __match_args__: Final = (
            "scope",
            "fault",
        )
        def __new__(cls, scope: Scope, fault: Fault) -> Event.DownscopeFailed: ...
        @property
        def scope(self) -> Scope: ...
        @property
        def fault(self) -> Fault: ...

    @final
    class UserTokenDropped(Event):
        __match_args__: Final = ("scope",)
        def __new__(cls, scope: Scope) -> Event.UserTokenDropped: ...
        @property
        def scope(self) -> Scope: ...

    @final
    class SignedOut(Event):
        __match_args__: Final = (
            "reason",
            "fault",
        )
        def __new__(cls, reason: _SignedOutReason, fault: Fault | None) -> Event.SignedOut: ...
        @property
        def reason(self) -> _SignedOutReason: ...
        @property
        def fault(self) -> Fault | None: ...

    @final
    class RevokeFailed(Event):
        __match_args__: Final = ("fault",)
        def __new__(cls, fault: Fault) -> Event.RevokeFailed: ...
        @property
        def fault(self) -> Fault: ...

    @final
    class NotRevoked(Event):
        __match_args__: Final = ("why",)
        def __new__(cls, why: _NotRevokedWhy) -> Event.NotRevoked: ...
        @property
        def why(self) -> _NotRevokedWhy: ...

    @final
    class TokenWithheld(Event):
        __match_args__: Final = (
            "host",
            "why",
        )
        def __new__(cls, host: str, why: _WithheldWhy) -> Event.TokenWithheld: ...
        @property
        def host(self) -> str: ...
        @property
        def why(self) -> _WithheldWhy: ...

    @final
    class StaleResponse(Event):
        __match_args__: Final = ("id",)
        def __new__(cls, id: int) -> Event.StaleResponse: ...
        @property
        def id(self) -> int: ...

    @final
    class LeniencyUsed(Event):
        __match_args__: Final = ("deviations",)
        def __new__(cls, deviations: Sequence[_Deviation]) -> Event.LeniencyUsed: ...
        @property
        def deviations(self) -> list[_Deviation]: ...

    @final
    class StoreIgnored(Event):
        __match_args__: Final = ("reason",)
        def __new__(cls, reason: _IgnoredStore) -> Event.StoreIgnored: ...
        @property
        def reason(self) -> _IgnoredStore: ...

    @property
    def name(self) -> str: ...
    @property
    def at_ms(self) -> int | None: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class TransportHints:
    __match_args__: Final = (
        "timeout",
        "max_response_bytes",
        "follow_redirects",
        "idempotent",
    )
    @property
    def timeout(self) -> timedelta: ...
    @property
    def max_response_bytes(self) -> int: ...
    @property
    def follow_redirects(self) -> bool: ...
    @property
    def idempotent(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class TargetUri:
    __match_args__: Final = (
        "url",
        "scheme",
        "authority",
        "host",
        "port",
        "request_target",
        "is_loopback",
        "is_secure",
    )
    @staticmethod
    def parse(text: str) -> TargetUri: ...
    @property
    def url(self) -> str: ...
    @property
    def scheme(self) -> Literal["https", "http"]: ...
    @property
    def authority(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def request_target(self) -> str: ...
    @property
    def is_loopback(self) -> bool: ...
    @property
    def is_secure(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class JudgedUrl:
    __match_args__: Final = (
        "target",
        "may_carry_token",
    )
    @property
    def target(self) -> TargetUri: ...
    @property
    def may_carry_token(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class HttpRequest:
    __match_args__: Final = (
        "id",
        "purpose",
        "url",
    )
    @property
    def id(self) -> int: ...
    @property
    def purpose(self) -> _Purpose: ...
    @property
    def is_grant(self) -> bool: ...
    @property
    def method(self) -> Literal["POST"]: ...
    @property
    def url(self) -> str: ...
    @property
    def target(self) -> TargetUri: ...
    @property
    def header_names(self) -> list[str]: ...
    @property
    def body(self) -> Secret: ...
    @property
    def hints(self) -> TransportHints: ...
    def expose_headers(self) -> dict[str, str]: ...
    def expose_body(self) -> bytes: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class HttpResponse:
    def __new__(
        cls,
        status: int,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        body: bytes | None = None,
    ) -> HttpResponse: ...
    @property
    def status(self) -> int: ...
    def header(self, name: str) -> str | None: ...
    def expose_headers(self) -> dict[str, str]: ...
    def expose_body(self) -> bytes: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class LoginOptions:
    def __new__(
        cls,
        *,
        flow: _Flow = ...,
        scope: _ScopeText | None = None,
        state: str | None = None,
        opaque_state: _Text | None = None,
        prompt: str | None = None,
        login_hint: str | None = None,
        email: str | None = None,
        redirect_uri: str | None = None,
        response_mode: _ResponseMode | None = None,
        extra: Sequence[tuple[str, str]] | None = None,
    ) -> LoginOptions: ...

@final
class DevicePrompt:
    __match_args__: Final = (
        "user_code",
        "verification_uri",
        "verification_uri_complete",
        "expires_at",
        "interval",
    )
    @property
    def user_code(self) -> Secret: ...
    @property
    def verification_uri(self) -> str: ...
    @property
    def verification_uri_complete(self) -> Secret | None: ...
    @property
    def expires_at(self) -> datetime: ...
    @property
    def expires_at_ms(self) -> int | None: ...
    @property
    def interval(self) -> timedelta: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class TokenSet:
    __match_args__: Final = (
        "access_token",
        "refresh_token",
        "scope",
        "received_at",
        "expires_at",
        "refresh_token_expires_at",
    )
    @property
    def access_token(self) -> AccessToken | None: ...
    @property
    def refresh_token(self) -> Secret | None: ...
    @property
    def id_token(self) -> Secret | None: ...
    @property
    def scope(self) -> Scope | None: ...
    @property
    def received_at(self) -> datetime: ...
    @property
    def received_at_ms(self) -> int | None: ...
    @property
    def expires_at(self) -> datetime | None: ...
    @property
    def expires_at_ms(self) -> int | None: ...
    @property
    def refresh_token_expires_at(self) -> datetime | None: ...
    @property
    def refresh_token_expires_at_ms(self) -> int | None: ...
    def expose_custom(self) -> dict[str, object]: ...
    def to_handoff_json(self, now: _Time, *, with_refresh_token: bool) -> Secret: ...
    def to_handoff_query(self, now: _Time, *, with_refresh_token: bool) -> Secret: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class ReadTokens:
    __match_args__: Final = (
        "tokens",
        "deviations",
    )
    @property
    def tokens(self) -> TokenSet: ...
    @property
    def deviations(self) -> list[_Deviation]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Provider:
    @property
    def name(self) -> str: ...
    @property
    def issuer(self) -> str | None: ...
    @property
    def issuer_required(self) -> bool: ...
    @property
    def authorization_endpoint(self) -> str: ...
    @property
    def token_endpoint(self) -> str: ...
    @property
    def device_authorization_endpoint(self) -> str | None: ...
    @property
    def device_token_endpoint(self) -> str | None: ...
    @property
    def revocation_endpoint(self) -> str | None: ...
    @property
    def logout_endpoint(self) -> str | None: ...
    @property
    def jwt_login_endpoint(self) -> str | None: ...
    @property
    def guest_token_endpoint(self) -> str | None: ...
    @property
    def api_base(self) -> str | None: ...
    @property
    def token_hosts(self) -> list[str]: ...
    @property
    def client_auth(self) -> _ClientAuth: ...
    @property
    def secret_required(self) -> bool: ...
    @property
    def self_contained_token(self) -> bool: ...
    @property
    def redirect_uri_on_refresh(self) -> bool: ...
    @property
    def downscope(self) -> bool: ...
    @property
    def reserved_scope(self) -> str | None: ...
    @property
    def logout_service(self) -> str | None: ...
    @property
    def jwt_scheme(self) -> _JwtScheme: ...
    @property
    def leniency(self) -> _Leniency: ...
    @staticmethod
    def webex() -> Provider: ...
    @staticmethod
    def ciscospark() -> Provider: ...
    @staticmethod
    def webex_fedramp() -> Provider: ...
    @staticmethod
    def webex_idbroker() -> Provider: ...
    @staticmethod
    def idbroker_at(base: str) -> Provider: ...
    @staticmethod
    def webex_at(base: str) -> Provider: ...
    @staticmethod
    def custom(authorization_endpoint: str, token_endpoint: str) -> Provider: ...
    @staticmethod
    def named(name: str) -> Provider | None: ...
    @staticmethod
    def from_metadata(document: str | bytes, issuer: str) -> Provider: ...
    def with_api_base(self, base: str) -> Provider: ...
    def replace(
        self,
        *,
        name: str = ...,
        issuer: str | None = ...,
        issuer_required: bool = ...,
        authorization_endpoint: str = ...,
        token_endpoint: str = ...,
        device_authorization_endpoint: str | None = ...,
        device_token_endpoint: str | None = ...,
        revocation_endpoint: str | None = ...,
        logout_endpoint: str | None = ...,
        jwt_login_endpoint: str | None = ...,
        guest_token_endpoint: str | None = ...,
        api_base: str | None = ...,
        token_hosts: Sequence[str] = ...,
        client_auth: _ClientAuth = ...,
        secret_required: bool = ...,
        self_contained_token: bool = ...,
        redirect_uri_on_refresh: bool = ...,
        downscope: bool = ...,
        reserved_scope: str | None = ...,
        logout_service: str | None = ...,
        jwt_scheme: _JwtScheme = ...,
        leniency: _Leniency = ...,
    ) -> Provider: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class MetadataSource:
    @staticmethod
    def from_variables(variables: Mapping[str, str]) -> MetadataSource | None: ...
    @property
    def issuer(self) -> str | None: ...
    @property
    def file(self) -> str | None: ...
    def read_file(self, document: bytes) -> Provider: ...
    def unreadable(self, why: str) -> NoReturn: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

def metadata_step(issuer: str, answers: Sequence[tuple[int, bytes] | _SendFault]) -> str | Provider: ...

@final
class RefreshPolicy:
    __match_args__: Final = (
        "soon_permille",
        "margin",
        "min_interval",
        "backoff",
        "max_backoff",
        "proactive",
        "revoke_superseded",
        "warn_before_relogin",
    )
    def __new__(
        cls,
        *,
        soon_permille: tuple[int, int] | None = None,
        margin: _Span | None = None,
        min_interval: _Span | None = None,
        backoff: _Span | None = None,
        max_backoff: _Span | None = None,
        proactive: bool | None = None,
        revoke_superseded: bool | None = None,
        warn_before_relogin: _Span | None = None,
    ) -> RefreshPolicy: ...
    @property
    def soon_permille(self) -> tuple[int, int]: ...
    @property
    def margin(self) -> timedelta: ...
    @property
    def min_interval(self) -> timedelta: ...
    @property
    def backoff(self) -> timedelta: ...
    @property
    def max_backoff(self) -> timedelta: ...
    @property
    def proactive(self) -> bool: ...
    @property
    def revoke_superseded(self) -> bool | None: ...
    @property
    def warn_before_relogin(self) -> timedelta: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class RetryAfterBounds:
    __match_args__: Final = (
        "missing",
        "zero",
        "minimum",
        "maximum",
    )
    def __new__(
        cls,
        *,
        missing: _Span | None = None,
        zero: _Span | None = None,
        minimum: _Span | None = None,
        maximum: _Span | None = None,
    ) -> RetryAfterBounds: ...
    @property
    def missing(self) -> timedelta: ...
    @property
    def zero(self) -> timedelta: ...
    @property
    def minimum(self) -> timedelta: ...
    @property
    def maximum(self) -> timedelta: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Config:
    def __new__(
        cls,
        client_id: str,
        *,
        client_secret: _Text | None = ...,
        redirect_uri: str | None = ...,
        scope: _ScopeText = ...,
        provider: Provider = ...,
        client_auth: _ClientAuth | None = ...,
        renewal: _Renewal = ...,
        refresh: RefreshPolicy = ...,
        downscope_failure: _DownscopeFailure = ...,
        login_lifetime: _Span = ...,
        request_timeout: _Span = ...,
        retry_after: RetryAfterBounds = ...,
        token_hosts: Sequence[str] = ...,
        resource: str | Sequence[str] = ...,
        access_token: _Text | None = ...,
        authorization_url: str = ...,
    ) -> Config: ...
    @staticmethod
    def from_authorization_url(
        url: str,
        *,
        client_id: str = ...,
        client_secret: _Text | None = ...,
        redirect_uri: str | None = ...,
        scope: _ScopeText = ...,
        provider: Provider = ...,
        client_auth: _ClientAuth | None = ...,
        renewal: _Renewal = ...,
        refresh: RefreshPolicy = ...,
        downscope_failure: _DownscopeFailure = ...,
        login_lifetime: _Span = ...,
        request_timeout: _Span = ...,
        retry_after: RetryAfterBounds = ...,
        token_hosts: Sequence[str] = ...,
        resource: str | Sequence[str] = ...,
        access_token: _Text | None = ...,
        authorization_url: str = ...,
    ) -> Config: ...
    @staticmethod
    def from_variables(
        variables: Mapping[str, str],
        *,
        legacy: bool = False,
        server: Provider | None = None,
        client_id: str = ...,
        client_secret: _Text | None = ...,
        redirect_uri: str | None = ...,
        scope: _ScopeText = ...,
        provider: Provider = ...,
        client_auth: _ClientAuth | None = ...,
        renewal: _Renewal = ...,
        refresh: RefreshPolicy = ...,
        downscope_failure: _DownscopeFailure = ...,
        login_lifetime: _Span = ...,
        request_timeout: _Span = ...,
        retry_after: RetryAfterBounds = ...,
        token_hosts: Sequence[str] = ...,
        resource: str | Sequence[str] = ...,
        access_token: _Text | None = ...,
        authorization_url: str = ...,
    ) -> Config: ...
    def replace(
        self,
        *,
        client_id: str = ...,
        client_secret: _Text | None = ...,
        redirect_uri: str | None = ...,
        scope: _ScopeText = ...,
        provider: Provider = ...,
        client_auth: _ClientAuth | None = ...,
        renewal: _Renewal = ...,
        refresh: RefreshPolicy = ...,
        downscope_failure: _DownscopeFailure = ...,
        login_lifetime: _Span = ...,
        request_timeout: _Span = ...,
        retry_after: RetryAfterBounds = ...,
        token_hosts: Sequence[str] = ...,
        resource: str | Sequence[str] = ...,
        access_token: _Text | None = ...,
        authorization_url: str = ...,
    ) -> Config: ...
    def judge_url(self, url: str) -> JudgedUrl: ...
    def may_carry_token(self, url: str) -> bool: ...
    @property
    def client_id(self) -> str: ...
    @property
    def client_secret(self) -> Secret | None: ...
    @property
    def provider(self) -> Provider: ...
    @property
    def redirect_uri(self) -> str | None: ...
    @property
    def scope(self) -> Scope: ...
    @property
    def client_auth(self) -> _ClientAuth: ...
    @property
    def renewal(self) -> _Renewal: ...
    @property
    def refresh(self) -> RefreshPolicy: ...
    @property
    def downscope_failure(self) -> _DownscopeFailure: ...
    @property
    def login_lifetime(self) -> timedelta: ...
    @property
    def request_timeout(self) -> timedelta: ...
    @property
    def retry_after(self) -> RetryAfterBounds: ...
    @property
    def token_hosts(self) -> list[str]: ...
    @property
    def resource(self) -> list[str]: ...
    @property
    def access_token(self) -> Secret | None: ...

@final
class Session:
    def __new__(cls, config: Config, seed: bytes) -> Session: ...
    @staticmethod
    def restore(config: Config, snapshot: _Text) -> Session: ...
    def begin_login(self, now: _Time, options: LoginOptions, entropy: bytes) -> Output: ...
    def complete_login(self, now: _Time, callback: _Text) -> Output: ...
    def cancel_login(self, now: _Time, of: _Text | None = None, *, under_way: bool = False) -> Output: ...
    def redeem_code(self, now: _Time, code: _Text, verifier: _Text | None = None) -> Output: ...
    def begin_device_login(self, now: _Time, scope: _ScopeText | None = None) -> Output: ...
    def sign_in_with_jwt(self, now: _Time, jwt: _Text) -> Output: ...
    def sign_in_as_guest(self, now: _Time, service_token: _Text, subject: str, display_name: str) -> Output: ...
    def sign_in_with_client_credentials(self, now: _Time, scope: _ScopeText | None = None) -> Output: ...
    def adopt(self, now: _Time, tokens: _Text) -> Output: ...
    def reload(self, now: _Time, snapshot: _Text) -> Output: ...
    def ensure_fresh(self, now: _Time) -> Output: ...
    def refresh(self, now: _Time) -> Output: ...
    def token_rejected(self, now: _Time, generation: int) -> Output: ...
    def embargoed(self, now: _Time) -> Output: ...
    def called_without_token(self, now: _Time, url: str) -> Output: ...
    def downscope(self, now: _Time, scope: _ScopeText) -> Output: ...
    def provide_token(self, now: _Time, id: int, tokens: _Text) -> Output: ...
    def provide_jwt(self, now: _Time, id: int, jwt: _Text) -> Output: ...
    def host_failed(self, now: _Time, id: int, reason: str) -> Output: ...
    def sign_out(
        self, now: _Time, *, revoke: bool = True, logout: _LogoutVia = ..., goto: str | None = None
    ) -> Output: ...
    def response(self, now: _Time, id: int, response: HttpResponse) -> Output: ...
    def send_failed(self, now: _Time, id: int, fault: _SendFault) -> Output: ...
    def tick(self, now: _Time) -> Output: ...
    def access(self, now: _Time) -> Access: ...
    def access_for(self, now: _Time, scope: _ScopeText) -> Access: ...
    def ready_header(self, now: _Time | None = None) -> str | None: ...
    def user_scope(self) -> Scope | None: ...
    def status(self, now: _Time) -> Status: ...
    def snapshot(self) -> Secret: ...
    def awaits(self, id: int) -> bool: ...
    def still_wants(self, effect: Effect) -> bool: ...
    def judge(self, now: _Time, status: int, retry_after: str | None = None) -> Verdict: ...
    def logout_url(self, goto: str | None = None) -> Secret | None: ...
    def start_recording(self) -> None: ...
    def transcript(self) -> str | None: ...
    @property
    def phase(self) -> Phase: ...
    @property
    def wake_at(self) -> datetime | None: ...
    @property
    def wake_at_ms(self) -> int | None: ...
    @property
    def tokens(self) -> TokenSet | None: ...
    @property
    def revision(self) -> int: ...
    @property
    def user_tokens(self) -> int: ...
    @property
    def config(self) -> Config: ...

@final
class ReplayStep:
    __match_args__: Final = ("at", "input", "recorded", "replayed", "phase", "is_faithful")
    @property
    def at(self) -> datetime: ...
    @property
    def input(self) -> str: ...
    @property
    def recorded(self) -> list[str]: ...
    @property
    def replayed(self) -> list[str]: ...
    @property
    def phase(self) -> Phase: ...
    @property
    def is_faithful(self) -> bool: ...

@final
class Callback:
    __match_args__: Final = (
        "ignored",
        "code",
        "tokens",
        "fault",
        "cleaned_url",
    )
    @property
    def ignored(self) -> _IgnoredCallback | None: ...
    @property
    def code(self) -> Secret | None: ...
    @property
    def tokens(self) -> ReadTokens | None: ...
    @property
    def fault(self) -> Fault | None: ...
    @property
    def cleaned_url(self) -> str | None: ...

def snapshot_revision(snapshot: _Text, /) -> int: ...
def replay(transcript: str, /) -> list[ReplayStep]: ...
def authorize_url(
    endpoint: str,
    *,
    client_id: str,
    redirect_uri: str,
    scope: _ScopeText | None = None,
    state: str | None = None,
    code_challenge: str | None = None,
    email_hash: str | None = None,
    options: LoginOptions | None = None,
) -> str: ...
def email_hash(email: str) -> str: ...
def pkce_challenge(verifier: _Text) -> str: ...
def is_pkce_verifier(verifier: _Text) -> bool: ...
def read_callback(
    callback: _Text,
    now: _Time,
    *,
    redirect_uri: str,
    state: _Text,
    flow: _Flow = ...,
    issuer: str | None = None,
    issuer_required: bool = False,
) -> Callback: ...
def clean_text(text: str, secrets: Sequence[_Text] = ...) -> str: ...
def shown_url(text: str) -> str | None: ...
def clean_url(url: _Text) -> str: ...
def read_token_response(response: HttpResponse, now: _Time, *, strict: bool = False) -> ReadTokens | Fault: ...
def adopt_tokens(tokens: _Text, now: _Time) -> ReadTokens: ...
def retry_after(header: str | None, now: _Time, bounds: RetryAfterBounds | None = None) -> timedelta: ...
def encode_state(json: str) -> str | None: ...
def read_state(state: _Text) -> str | None: ...
def guest_jwt(
    now: _Time,
    entropy: bytes,
    *,
    issuer: str,
    secret: _Text,
    lifetime: str | int | timedelta,
    subject: str | None = None,
    display_name: str | None = None,
) -> Secret: ...
def login_id(of: _Text) -> str | None: ...
def lifetime_seconds(lifetime: str | int | timedelta) -> int: ...
def org_id_of_token(token: _Text) -> str: ...
def org_id_of_code(code: _Text) -> str | None: ...
def is_guest(token: _Text) -> bool: ...
def jwt_claims(token: _Text) -> dict[str, object] | None: ...
def webex_qr_url(verification_uri_complete: _Text, oauth_helper: str) -> Secret: ...
