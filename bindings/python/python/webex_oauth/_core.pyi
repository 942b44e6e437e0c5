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
_IgnoredStore: TypeAlias = Literal["unreadable", "newer_version", "other_config", "sealed"]
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
_SendFault: TypeAlias = Literal["not_sent", "untrusted", "lost", "too_large"]
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
    "Rebinding",
    "Scope",
    "ScopeDelta",
    "AccessToken",
    "Secret",
    "Services",
    "Session",
    "snapshot_client_tag",
    "snapshot_kept_for",
    "snapshot_key_id",
    "snapshot_revision",
    "JudgedUrl",
    "Keys",
    "TargetUri",
    "ReadTokens",
    "TokenSet",
    "ENTROPY_LEN",
    "SNAPSHOT_KEPT_FOR_MS",
    "__version__",
]

ENTROPY_LEN: Final[int]
SNAPSHOT_KEPT_FOR_MS: Final[int]
__version__: Final[str]

@final
class Secret:
    """A text that is never printed: a token, a code, a request body.

    `repr`, `str`, `format` and `logging` show `Secret(redacted)`; it cannot be pickled; `==` takes constant time.
    """

    def __new__(cls, text: _Text, /) -> Secret: ...
    def expose(self) -> str:
        """The text itself. Call it where the value leaves for its destination, nowhere else."""
    def __bool__(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Keys:
    """The keys of a service: the first one seals, all of them open.

    `NAME:BYTES` once or more, with spaces, commas or line ends between them; the bytes are 32, in base64, from a
    random generator: `openssl rand -base64 32` makes one. Raises `InvalidArgument`, and tells nothing of the
    bytes.
    """

    def __new__(cls, text: _Text, /) -> Keys: ...
    @property
    def first(self) -> str:
        """The name of the key that seals."""
    def __contains__(self, name: str, /) -> bool: ...
    def seal(self, tenant: str, user: str, snapshot: _Text, nonce: bytes) -> Secret:
        """Encrypts a snapshot for its owner. `nonce` is 12 bytes, new ones for each record: `os.urandom(12)`."""
    def open(self, tenant: str, user: str, record: _Text) -> Secret:
        """Decrypts a record of its owner. Raises `StoreError` of kind `sealed` where it stays closed, and of kind
        `refused` where it is not sealed.
        """
    def expose_content_key(self, tenant: str, user: str) -> bytes:
        """The 32 bytes that the first key seals this user's records with: any JOSE library opens them (`dir`,
        `A256GCM`).
        """
    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class AccessToken:
    """An access token, together with the `Authorization` header that presents it (RFC 6750 section 2.1)."""

    def expose(self) -> str:
        """The bare token."""
    def expose_header(self) -> str:
        """The whole value of the header, `Bearer <token>`."""
    @property
    def token_type(self) -> str:
        """`Bearer`, nearly always."""
    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Scope:
    """A set of scope tokens: iterable, comparable, `str(scope)` is sorted and separated by single spaces."""

    def __new__(cls, tokens: _ScopeText = ..., /) -> Scope: ...
    def issubset(self, other: _ScopeText) -> bool:
        """True where every token is in `other`."""
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
    """How the granted scope differs from the requested one."""

    __match_args__: Final = (
        "granted",
        "missing",
        "extra",
    )
    @property
    def granted(self) -> Scope:
        """What the tokens may do."""
    @property
    def missing(self) -> Scope:
        """Asked for and not granted."""
    @property
    def extra(self) -> Scope:
        """Granted without being asked for."""
    @staticmethod
    def between(requested: _ScopeText, granted: _ScopeText) -> ScopeDelta:
        """Compares what was asked for with what was granted."""
    def __bool__(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Fault:
    """A failure that is somebody else's: typed, and free of secrets. `str(fault)` is a sentence for people."""

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
    def kind(self) -> _FaultKind:
        """What kind of failure."""
    @property
    def code(self) -> str | None:
        """The OAuth error code as it came, if there is one."""
    @property
    def description(self) -> str | None:
        """`error_description`, or the `message` of a Webex answer. Cut to 300 characters."""
    @property
    def uri(self) -> str | None:
        """`error_uri`."""
    @property
    def status(self) -> int | None:
        """HTTP status, if an answer came."""
    @property
    def tracking_id(self) -> str | None:
        """Webex's `trackingId`: quote it to support."""
    @property
    def retry_after(self) -> timedelta | None:
        """How long the server asks to wait, within bounds."""
    @property
    def send(self) -> _SendFault | None:
        """How sending failed, for kind `network`."""
    @property
    def secret_was_encoded(self) -> bool:
        """The client was refused whose secret had been form-encoded, which changed it: see the advice
        `try_basic_raw`.
        """
    @property
    def blame(self) -> _Blame:
        """Whose fault it is."""
    @property
    def advice(self) -> _Advice:
        """What to do about it."""
    @property
    def ends_grant(self) -> bool:
        """The grant is over and only a new sign-in helps."""
    @property
    def is_transient(self) -> bool:
        """Trying the same thing again may work without anybody changing anything."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@disjoint_base
class SignInReason:
    """Why only the user can help."""

    @final
    class SignedOut(SignInReason):
        """The session is signed out."""

        __match_args__: Final = ("reason",)
        def __new__(cls, reason: _SignedOutReason) -> SignInReason.SignedOut: ...
        @property
        def reason(self) -> _SignedOutReason: ...

    @final
    class LoginPending(SignInReason):
        """A login is under way; its outcome decides."""

        __match_args__: Final = ()
        def __new__(cls) -> SignInReason.LoginPending: ...

    @final
    class Expired(SignInReason):
        """The access token has expired and nothing is there to renew it with."""

        __match_args__: Final = ()
        def __new__(cls) -> SignInReason.Expired: ...

    @final
    class RefreshTokenExpired(SignInReason):
        """The refresh token has expired."""

        __match_args__: Final = ()
        def __new__(cls) -> SignInReason.RefreshTokenExpired: ...

    @final
    class Rejected(SignInReason):
        """An API refuses the token and nothing is there to renew it with."""

        __match_args__: Final = ()
        def __new__(cls) -> SignInReason.Rejected: ...

    @final
    class ScopeNotGranted(SignInReason):
        """The tokens do not cover this scope: sign in with more."""

        __match_args__: Final = ("missing",)
        def __new__(cls, missing: Scope) -> SignInReason.ScopeNotGranted: ...
        @property
        def missing(self) -> Scope: ...

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@disjoint_base
class Access:
    """The answer to "may I have a token now?", with the figures that led to it."""

    @final
    class Ready(Access):
        """Use this token. `generation` goes into `token_rejected` when an API answers 401; with `refresh_soon`, call
        `ensure_fresh` and use the token meanwhile.
        """

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
        """Call `ensure_fresh` (or `downscope`), then ask again."""

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
        """Wait for this request."""

        __match_args__: Final = ("id",)
        def __new__(cls, id: int) -> Access.Refreshing: ...
        @property
        def id(self) -> int: ...

    @final
    class BackingOff(Access):
        """The last attempt failed. Nothing to do before `retry_at`."""

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
        """Only the user can help."""

        __match_args__: Final = ("reason",)
        def __new__(cls, reason: SignInReason) -> Access.SignInRequired: ...
        @property
        def reason(self) -> SignInReason: ...

    @property
    def at_ms(self) -> int | None:
        """`expires_at` or `retry_at` in milliseconds since 1970, exactly, also where no calendar reaches."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@disjoint_base
class Phase:
    """Where a session is."""

    @final
    class SignedOut(Phase):
        """No tokens."""

        __match_args__: Final = ("reason",)
        def __new__(cls, reason: _SignedOutReason) -> Phase.SignedOut: ...
        @property
        def reason(self) -> _SignedOutReason: ...

    @final
    class SigningIn(Phase):
        """A login is under way; `return_to` says where a failed or cancelled one leads back to."""

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
        """Tokens are there. They may be stale: see `Access`."""

        __match_args__: Final = ()
        def __new__(cls) -> Phase.SignedIn: ...

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@disjoint_base
class Verdict:
    """What the answer of an API means for the token that it was called with."""

    @final
    class Pass(Verdict):
        """Nothing to do with authorization."""

        __match_args__: Final = ()
        def __new__(cls) -> Verdict.Pass: ...

    @final
    class Rejected(Verdict):
        """401: tell `token_rejected`, and call once more if the generation has changed then."""

        __match_args__: Final = ()
        def __new__(cls) -> Verdict.Rejected: ...

    @final
    class Wait(Verdict):
        """429 or 423: call again after this wait."""

        __match_args__: Final = ("wait",)
        def __new__(cls, wait: _Span) -> Verdict.Wait: ...
        @property
        def wait(self) -> timedelta: ...

    @final
    class Embargoed(Verdict):
        """451: tell `embargoed`."""

        __match_args__: Final = ()
        def __new__(cls) -> Verdict.Embargoed: ...

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Status:
    """A summary for people and user interfaces, free of secrets."""

    @property
    def phase(self) -> Phase:
        """Where the session is."""
    @property
    def can_authorize(self) -> bool:
        """A token can be had without the user."""
    @property
    def can_refresh(self) -> bool:
        """The tokens can be renewed without the user."""
    @property
    def can_downscope(self) -> bool:
        """User tokens with less scope can be had."""
    @property
    def is_refreshing(self) -> bool:
        """A refresh is under way."""
    @property
    def via(self) -> _Via | None:
        """How the tokens came about."""
    @property
    def generation(self) -> int:
        """The generation of the access token; 0 before the first."""
    @property
    def scope(self) -> Scope | None:
        """What the tokens may do, if known."""
    @property
    def expires_at(self) -> datetime | None:
        """When the access token ends, if known."""
    @property
    def expires_at_ms(self) -> int | None:
        """`expires_at` in milliseconds since 1970, exactly."""
    @property
    def refresh_at(self) -> datetime | None:
        """When the session means to refresh, if it does."""
    @property
    def refresh_at_ms(self) -> int | None:
        """`refresh_at` in milliseconds since 1970, exactly."""
    @property
    def sign_in_again_by(self) -> datetime | None:
        """When the user has to sign in again at the latest, if known: the end of the refresh token."""
    @property
    def sign_in_again_by_ms(self) -> int | None:
        """`sign_in_again_by` in milliseconds since 1970, exactly."""
    @property
    def org_id(self) -> str | None:
        """Webex: the organization of the user, read from the token. A hint, not verified."""
    @property
    def is_guest(self) -> bool:
        """Webex: the token says it is a guest's. A hint, not verified."""
    @property
    def last_fault(self) -> Fault | None:
        """The last failed attempt to renew, until one succeeds."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Rebinding:
    """A session on its way from one key of its store to another. See `webex_oauth.coordinator`."""

    def __new__(cls, config: Config) -> Rebinding: ...
    def step(self) -> tuple[Literal["from", "to"], coordinator.Load | coordinator.Save | coordinator.Delete] | None:
        """What to do at the store of which key, the same until `done`; `None` where the session has its new key.

        Raises SignInRequired where nobody is signed in under the old key, or another node was faster; StoreError
        of kind `busy` where another node renews this session now; RestoreError where a record cannot be read; in
        all of these nothing has changed. A StoreError of kind `other` where others store something again and
        again, or the store failed: then raise the store's own error.
        """
    def done(self, result: coordinator.Done) -> None:
        """What the step came to: Loaded; Saved or Conflict; Saved for what was deleted; StoreFailed for any. A
        result of another kind than was asked for counts as its failure.
        """

@final
class Coordinator:
    """Who waits for what, when to store and when to send: everything above a session, without IO. See
    `webex_oauth.coordinator`.
    """

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
    def call(self, now: tuple[_Time, int], ticket: int, call: coordinator.Call) -> list[coordinator.Output]:
        """Takes a call in, under a ticket of the caller's choice. One that raises has changed nothing."""
    def give_up(self, ticket: int) -> None:
        """The caller went away: its ticket is free."""
    def done(self, now: tuple[_Time, int], job: int, result: coordinator.Done) -> list[coordinator.Output]:
        """A job ended. Unknown, late and repeated reports are ignored."""
    def wake(self, now: tuple[_Time, int]) -> list[coordinator.Output]:
        """Time has passed. Spurious ones do nothing."""
    def restarted(self, now: tuple[_Time, int], seed: bytes) -> list[coordinator.Output]:
        """The process was forked, or the event loop replaced: no job will report. `seed` is a new one."""
    def called_without_token(self, now: tuple[_Time, int], url: _Text) -> list[coordinator.Output]:
        """An API was called without the token, since it may not go there: told to whoever listens, once for each
        host.
        """
    def pause(self, now: tuple[_Time, int]) -> float | None:
        """How long to sleep before `wake`, at most; `None`: nothing waits for time."""
    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is under way but looks that nobody waits for, and all is stored: it may be dropped."""
    @property
    def is_closing(self) -> bool:
        """Whether nothing new is begun any longer."""
    @property
    def session(self) -> Session:
        """A copy of the session as it is now, to ask it questions: what it is given does not come here."""
    @property
    def wake_at(self) -> tuple[int | None, int | None]:
        """When to call `wake`: by the wall clock and by the monotonic one, whichever comes first."""
    @property
    def store_fault(self) -> coordinator.StoreFault | None:
        """Why what is in the session is not in the store, where that is so."""
    def status(self, now: _Time) -> Status:
        """A summary of the session for people."""
    @property
    def tokens(self) -> TokenSet | None:
        """The tokens themselves."""
    @property
    def revision(self) -> int:
        """The revision of the session."""
    def logout_url(self, goto: str | None = None) -> Secret | None:
        """Where a browser goes to sign out at the identity provider, without signing out here."""

@disjoint_base
class Effect:
    """One thing to do. Effects of one output are done in order, each one when the one before is complete."""

    @final
    class Persist(Effect):
        """Store the snapshot durably, if the store still holds revision `replaces` (0: nothing). If it holds another
        one, give that to `reload`, do what that answers, then those of the following effects that `still_wants`
        names.
        """

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
        """Send the request and report with `response` or `send_failed`."""

        __match_args__: Final = ("request",)
        def __new__(cls, request: HttpRequest) -> Effect.Send: ...
        @property
        def request(self) -> HttpRequest: ...

    @final
    class OpenBrowser(Effect):
        """Bring the user's browser to this URL."""

        __match_args__: Final = ("url",)
        def __new__(cls, url: Secret) -> Effect.OpenBrowser: ...
        @property
        def url(self) -> Secret: ...

    @final
    class ShowDeviceCode(Effect):
        """Show the user where to go and which code to enter."""

        __match_args__: Final = ("prompt",)
        def __new__(cls, prompt: DevicePrompt) -> Effect.ShowDeviceCode: ...
        @property
        def prompt(self) -> DevicePrompt: ...

    @final
    class AskForJwt(Effect):
        """Ask the host for a guest JWT; answer with `provide_jwt` or `host_failed`."""

        __match_args__: Final = ("id",)
        def __new__(cls, id: int) -> Effect.AskForJwt: ...
        @property
        def id(self) -> int: ...

    @final
    class AskForToken(Effect):
        """Ask the host for tokens; answer with `provide_token` or `host_failed`."""

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
        """Tell whoever listens."""

        __match_args__: Final = ("event",)
        def __new__(cls, event: Event) -> Effect.Notify: ...
        @property
        def event(self) -> Event: ...

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@disjoint_base
class TokenAsk:
    """What the host is asked to turn into tokens."""

    @final
    class Renew(TokenAsk):
        """Renew: `refreshCallback`. With the current refresh token, if there is one."""

        __match_args__: Final = ("refresh_token",)
        def __new__(cls, refresh_token: Secret | None) -> TokenAsk.Renew: ...
        @property
        def refresh_token(self) -> Secret | None: ...

    @final
    class Redeem(TokenAsk):
        """Redeem a code at the host's backend, which has the client secret."""

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
    """What one call brought about: the effects, to be done in this order, and when to call `tick`."""

    __match_args__: Final = (
        "effects",
        "wake_at",
    )
    @property
    def effects(self) -> tuple[Effect, ...]:
        """To be done in this order."""
    @property
    def wake_at(self) -> datetime | None:
        """Call `tick` then, if nothing else happens before."""
    @property
    def wake_at_ms(self) -> int | None:
        """`wake_at` in milliseconds since 1970, exactly."""

@disjoint_base
class Event:
    """Something worth telling. Free of secrets."""

    @final
    class SignedIn(Event):
        """There are tokens. `login` names the login in a browser that this is the end of; `cleaned_url` is the
        callback without code, token and CSRF value, for the browser's history; `state` the JSON object that the
        caller gave when the login began.
        """

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
        """The tokens were renewed. `unchanged`: the server returned the access token that we have. `rotated`: the
        refresh token is a new one.
        """

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
        """A refresh did not work out; the tokens are kept."""

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
        """A login ended without tokens. The session is what it was before the login."""

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
        """A callback that does not belong to a pending login. Those that are pending still wait."""

        __match_args__: Final = ("reason",)
        def __new__(cls, reason: _IgnoredCallback) -> Event.CallbackIgnored: ...
        @property
        def reason(self) -> _IgnoredCallback: ...

    @final
    class DevicePending(Event):
        """The device login waits for the user."""

        __match_args__: Final = ("next_poll_at",)
        def __new__(cls, next_poll_at: _Time) -> Event.DevicePending: ...
        @property
        def next_poll_at(self) -> datetime: ...

    @final
    class SignInNeeded(Event):
        """Only the user can help: sign in again."""

        __match_args__: Final = ("reason",)
        def __new__(cls, reason: SignInReason) -> Event.SignInNeeded: ...
        @property
        def reason(self) -> SignInReason: ...

    @final
    class ScopeChanged(Event):
        """The scope of the tokens is another one than before, or than asked for."""

        __match_args__: Final = ("scope",)
        def __new__(cls, scope: ScopeDelta) -> Event.ScopeChanged: ...
        @property
        def scope(self) -> ScopeDelta: ...

    @final
    class RefreshTokenExpiresSoon(Event):
        """After this instant the user has to sign in again."""

        __match_args__: Final = ("at",)
        def __new__(cls, at: _Time) -> Event.RefreshTokenExpiresSoon: ...
        @property
        def at(self) -> datetime: ...

    @final
    class Downscoped(Event):
        """A user token with less scope is there."""

        __match_args__: Final = ("scope",)
        def __new__(cls, scope: Scope) -> Event.Downscoped: ...
        @property
        def scope(self) -> Scope: ...

    @final
    class DownscopeFailed(Event):
        """No user token with that scope could be had."""

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
        """A user token was given up for another one: no more scopes than these are kept."""

        __match_args__: Final = ("scope",)
        def __new__(cls, scope: Scope) -> Event.UserTokenDropped: ...
        @property
        def scope(self) -> Scope: ...

    @final
    class SignedOut(Event):
        """The session is over. `fault` is what the server said, where it ended the session."""

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
        """A token could not be revoked. It is forgotten here all the same."""

        __match_args__: Final = ("fault",)
        def __new__(cls, fault: Fault) -> Event.RevokeFailed: ...
        @property
        def fault(self) -> Fault: ...

    @final
    class NotRevoked(Event):
        """Nobody could be asked to revoke the tokens. They are forgotten here, and live on at the server."""

        __match_args__: Final = ("why",)
        def __new__(cls, why: _NotRevokedWhy) -> Event.NotRevoked: ...
        @property
        def why(self) -> _NotRevokedWhy: ...

    @final
    class TokenWithheld(Event):
        """An API was called without the token, because it may not go there. `host` is as `token_hosts` would name
        it. Told once for each host.
        """

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
        """An answer to nothing that is awaited; ignored."""

        __match_args__: Final = ("id",)
        def __new__(cls, id: int) -> Event.StaleResponse: ...
        @property
        def id(self) -> int: ...

    @final
    class LeniencyUsed(Event):
        """The server's answer was not by the book, and was understood all the same."""

        __match_args__: Final = ("deviations",)
        def __new__(cls, deviations: Sequence[_Deviation]) -> Event.LeniencyUsed: ...
        @property
        def deviations(self) -> list[_Deviation]: ...

    @final
    class StoreIgnored(Event):
        """What the store returned cannot be used; the session goes on with what it has."""

        __match_args__: Final = ("reason",)
        def __new__(cls, reason: _IgnoredStore) -> Event.StoreIgnored: ...
        @property
        def reason(self) -> _IgnoredStore: ...

    @property
    def name(self) -> str:
        """The name under which the Webex world knows it: `ready`, `token:refresh`, `auth:error`, `client:logout`,
        ...
        """
    @property
    def at_ms(self) -> int | None:
        """`retry_at`, `next_poll_at` or `at` in milliseconds since 1970, exactly."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class TransportHints:
    """How the driver has to carry a request."""

    __match_args__: Final = (
        "timeout",
        "max_response_bytes",
        "follow_redirects",
        "idempotent",
    )
    @property
    def timeout(self) -> timedelta:
        """Give up after this long and report `lost`."""
    @property
    def max_response_bytes(self) -> int:
        """Read no more of the answer than this; report a longer one as `too_large`."""
    @property
    def follow_redirects(self) -> bool:
        """Always false: a redirect of a token endpoint is an answer, never followed (RFC 9700 section 4.12)."""
    @property
    def idempotent(self) -> bool:
        """Whether the transport may send the request again by itself after a lost connection. False for every grant."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class TargetUri:
    """Where a request goes, in normal form. A URL that may mean another host to others is refused."""

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
    def parse(text: str) -> TargetUri:
        """Reads an absolute URL of http or https. `InvalidArgument` where nothing can be sent there."""
    @property
    def url(self) -> str:
        """The whole of it, without a fragment."""
    @property
    def scheme(self) -> Literal["https", "http"]:
        """`https` or `http`."""
    @property
    def authority(self) -> str:
        """Host and port as they stand in a `Host` header."""
    @property
    def host(self) -> str:
        """The name to look up, or the address to connect to, without brackets."""
    @property
    def port(self) -> int:
        """The port to connect to."""
    @property
    def request_target(self) -> str:
        """Path and query, as they stand in the first line of a request."""
    @property
    def is_loopback(self) -> bool:
        """What is sent there stays on this machine, and is no proxy's business."""
    @property
    def is_secure(self) -> bool:
        """https, or on this machine: good enough for a secret."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class JudgedUrl:
    """A URL that somebody wants to call, judged by `Config.judge_url`."""

    __match_args__: Final = (
        "target",
        "may_carry_token",
    )
    @property
    def target(self) -> TargetUri:
        """Where the call goes: connect to this and nothing else, with the token or without."""
    @property
    def may_carry_token(self) -> bool:
        """Whether the access token may go there."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class HttpRequest:
    """A request to send, complete. All of them are `POST`."""

    __match_args__: Final = (
        "id",
        "purpose",
        "url",
    )
    @property
    def id(self) -> int:
        """Hand it back with the answer."""
    @property
    def purpose(self) -> _Purpose:
        """What it is for."""
    @property
    def is_grant(self) -> bool:
        """It can change the grant itself: a driver with a shared store holds the store's lock around it."""
    @property
    def method(self) -> Literal["POST"]:
        """`POST`."""
    @property
    def url(self) -> str:
        """Absolute URL; never carries a secret."""
    @property
    def target(self) -> TargetUri:
        """Where to send it: connect to this and nothing else."""
    @property
    def header_names(self) -> list[str]:
        """Header names, in lower case."""
    @property
    def body(self) -> Secret:
        """The body, empty where there is none."""
    @property
    def hints(self) -> TransportHints:
        """How to carry it."""
    def expose_headers(self) -> dict[str, str]:
        """The headers as they go on the wire. `authorization` may be among them: for the transport only."""
    def expose_body(self) -> bytes:
        """The body as it goes on the wire: for the transport only."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class HttpResponse:
    """An answer, any status. Hand over every header: `Retry-After` and `trackingid` matter."""

    def __new__(
        cls,
        status: int,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        body: bytes | None = None,
    ) -> HttpResponse: ...
    @property
    def status(self) -> int:
        """HTTP status code."""
    def header(self, name: str) -> str | None:
        """The first value of header `name`, compared without case."""
    def expose_headers(self) -> dict[str, str]:
        """All headers, names in lower case; of one that occurs more than once the values, separated by commas."""
    def expose_body(self) -> bytes:
        """The body as received."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class LoginOptions:
    """What one login asks for. Everything has a default.

    `state` is a JSON object as text, to be found again in the callback; `opaque_state` a text of the caller's own
    in its place (code flow only). `scope` is the scope of this login, the configured one where absent. `email` is
    sent as a hash. `redirect_uri` is another one than the configured: a loopback port that was free. `extra` is
    sent as it is.
    """

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
    """What to show to the user of a device login."""

    __match_args__: Final = (
        "user_code",
        "verification_uri",
        "verification_uri_complete",
        "expires_at",
        "interval",
    )
    @property
    def user_code(self) -> Secret:
        """The code to enter. For the user's eyes, not for logs."""
    @property
    def verification_uri(self) -> str:
        """Where to enter it."""
    @property
    def verification_uri_complete(self) -> Secret | None:
        """The same with the code in it, for a QR code."""
    @property
    def expires_at(self) -> datetime:
        """When the code ends."""
    @property
    def expires_at_ms(self) -> int | None:
        """`expires_at` in milliseconds since 1970, exactly."""
    @property
    def interval(self) -> timedelta:
        """How often the session polls."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class TokenSet:
    """What a server granted, with absolute instants: the "supertoken" of Webex's SDK."""

    __match_args__: Final = (
        "access_token",
        "refresh_token",
        "scope",
        "received_at",
        "expires_at",
        "refresh_token_expires_at",
    )
    @property
    def access_token(self) -> AccessToken | None:
        """The access token. Absent only while a bare refresh token waits for its first use."""
    @property
    def refresh_token(self) -> Secret | None:
        """The refresh token."""
    @property
    def id_token(self) -> Secret | None:
        """An OpenID Connect ID token, passed on and not verified."""
    @property
    def scope(self) -> Scope | None:
        """The granted scope, where the server told it."""
    @property
    def received_at(self) -> datetime:
        """When this set arrived."""
    @property
    def received_at_ms(self) -> int | None:
        """`received_at` in milliseconds since 1970, exactly."""
    @property
    def expires_at(self) -> datetime | None:
        """When the access token ends, if known."""
    @property
    def expires_at_ms(self) -> int | None:
        """`expires_at` in milliseconds since 1970, exactly."""
    @property
    def refresh_token_expires_at(self) -> datetime | None:
        """When the refresh token ends, if known."""
    @property
    def refresh_token_expires_at_ms(self) -> int | None:
        """`refresh_token_expires_at` in milliseconds since 1970, exactly."""
    def expose_custom(self) -> dict[str, object]:
        """Members of the answer that are not the protocol's, as they came. They may hold anything: treat as secret."""
    def to_handoff_json(self, now: _Time, *, with_refresh_token: bool) -> Secret:
        """The JSON object by which a front end takes the tokens over, with lifetimes as of `now`. Without the
        refresh token where that must stay at the server.
        """
    def to_handoff_query(self, now: _Time, *, with_refresh_token: bool) -> Secret:
        """The same as a query string, to follow the `#` of a redirect."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class ReadTokens:
    """A token set fresh from a parser, and what had to be tolerated to read it."""

    __match_args__: Final = (
        "tokens",
        "deviations",
    )
    @property
    def tokens(self) -> TokenSet:
        """The tokens."""
    @property
    def deviations(self) -> list[_Deviation]:
        """What was not by the book, sorted."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Provider:
    """An authorization server, as data. Start from a profile and `replace()` what differs."""

    @property
    def name(self) -> str:
        """For people."""
    @property
    def issuer(self) -> str | None:
        """Expected value of `iss` in the redirect (RFC 9207), if the server sends one."""
    @property
    def issuer_required(self) -> bool:
        """The server promised to send `iss`."""
    @property
    def authorization_endpoint(self) -> str:
        """RFC 6749 section 3.1."""
    @property
    def token_endpoint(self) -> str:
        """RFC 6749 section 3.2."""
    @property
    def device_authorization_endpoint(self) -> str | None:
        """RFC 8628 section 3.1."""
    @property
    def device_token_endpoint(self) -> str | None:
        """Where a device polls; the token endpoint where there is none."""
    @property
    def revocation_endpoint(self) -> str | None:
        """RFC 7009."""
    @property
    def logout_endpoint(self) -> str | None:
        """Where a browser goes to sign out."""
    @property
    def jwt_login_endpoint(self) -> str | None:
        """Webex: exchanges a guest JWT for a token."""
    @property
    def guest_token_endpoint(self) -> str | None:
        """Webex: issues a guest's token to a Service App."""
    @property
    def api_base(self) -> str | None:
        """The REST API's base, without a slash at its end."""
    @property
    def userinfo_endpoint(self) -> str | None:
        """Where the server tells about the user who signed in: the `userinfo_endpoint` of OpenID Connect."""
    @property
    def catalog_endpoint(self) -> str | None:
        """Webex: where the catalog of its services is; see `Services`."""
    @property
    def catalog_hosts_carry_token(self) -> bool:
        """The hosts that the catalog names may see the access token."""
    @property
    def token_hosts(self) -> list[str]:
        """Hosts that may see the access token."""
    @property
    def client_auth(self) -> _ClientAuth:
        """How the client authenticates if the configuration does not say."""
    @property
    def secret_required(self) -> bool:
        """Every token request needs the secret, PKCE or not."""
    @property
    def self_contained_token(self) -> bool:
        """Ask for self-contained tokens."""
    @property
    def redirect_uri_on_refresh(self) -> bool:
        """Send `redirect_uri` with a refresh."""
    @property
    def downscope(self) -> bool:
        """The server knows `urn:cisco:oauth:grant-type:scope-reduction`."""
    @property
    def reserved_scope(self) -> str | None:
        """A scope that is left out of a user token unless asked for."""
    @property
    def logout_service(self) -> str | None:
        """Value of `cisService` at Webex's logout. Where there is none, the logout is OpenID Connect's, which sees
        no token.
        """
    @property
    def jwt_scheme(self) -> _JwtScheme:
        """How `jwt/login` wants its JWT."""
    @property
    def leniency(self) -> _Leniency:
        """What the answer parser lets pass."""
    @staticmethod
    def webex() -> Provider:
        """Webex for integrations: `webexapis.com/v1`, as developer.webex.com documents it."""
    @staticmethod
    def ciscospark() -> Provider:
        """Webex under its former host, `api.ciscospark.com/v1`."""
    @staticmethod
    def webex_fedramp() -> Provider:
        """Webex for government (FedRAMP)."""
    @staticmethod
    def webex_idbroker() -> Provider:
        """The identity broker itself, as first-party clients and the JavaScript SDK use it."""
    @staticmethod
    def idbroker_at(base: str) -> Provider:
        """The identity broker at another base, a region's for example."""
    @staticmethod
    def webex_at(base: str) -> Provider:
        """A server with Webex's paths at another base: a simulator, a proxy, a test double."""
    @staticmethod
    def custom(authorization_endpoint: str, token_endpoint: str) -> Provider:
        """Any RFC 6749 server. Everything beyond the two endpoints starts as absent or strict."""
    @staticmethod
    def named(name: str) -> Provider | None:
        """A profile by its name: `webex`, `fedramp`, `idbroker`, `ciscospark`; `None` where there is no such
        profile.
        """
    @staticmethod
    def from_metadata(document: str | bytes, issuer: str) -> Provider:
        """From the metadata that a server publishes (RFC 8414, OpenID Connect Discovery), fetched from below
        `issuer`.
        """
    def with_api_base(self, base: str) -> Provider:
        """The same with the REST API, and what hangs on it, at another base."""
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
        userinfo_endpoint: str | None = ...,
        catalog_endpoint: str | None = ...,
        catalog_hosts_carry_token: bool = ...,
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
    ) -> Provider:
        """The same with other values for some fields."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class MetadataSource:
    """Where the metadata of a server is that variables name: a `file`, or to be fetched from the `issuer`."""

    @staticmethod
    def from_variables(variables: Mapping[str, str]) -> MetadataSource | None:
        """What `WEBEX_ISSUER` and `WEBEX_METADATA` say; `None` where neither is set."""
    @property
    def issuer(self) -> str | None:
        """Whose metadata it has to be."""
    @property
    def file(self) -> str | None:
        """The file that it is in; `metadata_step` leads to it where there is none."""
    def read_file(self, document: bytes) -> Provider:
        """The server that the file describes."""
    def unreadable(self, why: str) -> NoReturn:
        """Raises what there is to say where the file could not be read."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

def metadata_step(issuer: str, answers: Sequence[tuple[int, bytes] | _SendFault]) -> str | Provider:
    """Leads to the metadata of `issuer`: an address to `GET` with `accept: application/json` and without following
    redirects, or the server. `answers` are those to the addresses before: `(status, body)`, or how sending
    failed.
    """

@final
class RefreshPolicy:
    """When to refresh. Two lines: *soon* asks for a refresh in the background, *must* ends the use of the token.

    `soon_permille` are thousandths of the lifetime, drawn per token between the two. `margin` is how long *must*
    lies before expiry, at most a tenth of the lifetime. No two refreshes are closer than `min_interval`.
    `backoff` is the first wait after a failure, doubling up to `max_backoff`. `proactive`: `tick` refreshes when
    soon has come.
    """

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
    def soon_permille(self) -> tuple[int, int]:
        """Soon lies between these thousandths of the lifetime."""
    @property
    def margin(self) -> timedelta:
        """Must lies this long before expiry."""
    @property
    def min_interval(self) -> timedelta:
        """No two refreshes are closer than this."""
    @property
    def backoff(self) -> timedelta:
        """First wait after a failure."""
    @property
    def max_backoff(self) -> timedelta:
        """Longest wait after a failure without `Retry-After`."""
    @property
    def proactive(self) -> bool:
        """Refresh on `tick` when soon has come."""
    @property
    def revoke_superseded(self) -> bool | None:
        """Revoke a superseded access token once its successor's successor arrives; `None`: at Webex only."""
    @property
    def warn_before_relogin(self) -> timedelta:
        """Warn this long before the refresh token expires."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class RetryAfterBounds:
    """Which waits are believed: `missing` where there is no usable `Retry-After`, `zero` where it asks for none;
    never shorter than `minimum` nor longer than `maximum`.
    """

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
    def missing(self) -> timedelta:
        """Used where the header is missing or cannot be read."""
    @property
    def zero(self) -> timedelta:
        """Used where the header asks for no wait, or one that is over."""
    @property
    def minimum(self) -> timedelta:
        """No wait is shorter."""
    @property
    def maximum(self) -> timedelta:
        """No wait is longer."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Config:
    """A checked configuration: immutable, shared by nobody who was not given it."""

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
    ) -> Config:
        """From the authorization URL that the developer portal shows: client id, redirect URI, scope and server are
        in it.
        """
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
    ) -> Config:
        """From a mapping of variables such as `os.environ`: `WEBEX_*` goes before `COMMON_IDENTITY_*` before the
        plain names, and `WEBEX_AUTHORIZATION_STRING` lies over them. With `legacy`, `CISCOSPARK_*` comes last.
        `server` is the one whose metadata `MetadataSource.from_variables` found.
        """
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
    ) -> Config:
        """The same with other values for some settings: client_id, client_secret, redirect_uri, scope, provider,
        client_auth, renewal, refresh, downscope_failure, login_lifetime, request_timeout, retry_after,
        token_hosts, resource, access_token; authorization_url is laid over those that are named before it.
        """
    def judge_url(self, url: str) -> JudgedUrl:
        """Reads the URL of an API call, and says whether the access token may go there: https to one of the token
        hosts or its sub-domains, or exactly a configured `host:port`, where plain http passes on loopback.

        `InvalidArgument` is for a URL that is not to be called at all, since others may read another host in it.
        """
    def may_carry_token(self, url: str) -> bool:
        """Whether the access token may be sent to `url`: see `judge_url`, which also says where to connect to."""
    def catalog_url(self) -> str:
        """Where the server's catalog of services is: `GET` it with the access token, and give the answer to
        `Services.read`.
        """
    def with_services(self, services: Services) -> Config:
        """The same configuration once the server's catalog is known: where the provider trusts it, the token may
        also go to the hosts that it names. For judging calls.
        """
    @property
    def client_id(self) -> str:
        """The client identifier."""
    @property
    def client_secret(self) -> Secret | None:
        """The client secret, for confidential clients."""
    @property
    def provider(self) -> Provider:
        """The authorization server."""
    @property
    def redirect_uri(self) -> str | None:
        """Where the browser comes back to."""
    @property
    def scope(self) -> Scope:
        """The scope that a login asks for unless it says otherwise."""
    @property
    def client_auth(self) -> _ClientAuth:
        """How the client authenticates."""
    @property
    def renewal(self) -> _Renewal:
        """Who renews the tokens."""
    @property
    def refresh(self) -> RefreshPolicy:
        """When to refresh."""
    @property
    def downscope_failure(self) -> _DownscopeFailure:
        """What happens where a token cannot be downscoped."""
    @property
    def login_lifetime(self) -> timedelta:
        """How long a started login waits for its callback."""
    @property
    def request_timeout(self) -> timedelta:
        """Given to every request."""
    @property
    def retry_after(self) -> RetryAfterBounds:
        """Which waits are believed."""
    @property
    def token_hosts(self) -> list[str]:
        """Further hosts that may see the access token."""
    @property
    def resource(self) -> list[str]:
        """What the tokens are for, as absolute URIs (RFC 8707); their hosts may see the access token."""
    @property
    def access_token(self) -> Secret | None:
        """A token to start from, where one was configured (`WEBEX_ACCESS_TOKEN`)."""

@final
class Services:
    """The services of a server: their addresses by name, and since when they are known. Holds no secret."""

    @staticmethod
    def read(now: _Time, status: int, body: str | bytes) -> Services:
        """Reads the answer of `Config.catalog_url`: its status and its body. What cannot be used of it is left out;
        `ConfigError` for what is no catalog.
        """
    @staticmethod
    def restore(json: str) -> Services:
        """What `to_json` gave. The addresses are checked again."""
    def to_json(self) -> str:
        """As JSON, to be kept."""
    def url(self, name: str) -> str | None:
        """The base of a service, without a slash of ours behind it; `None` where the catalog does not know it."""
    def hosts(self, name: str) -> list[str]:
        """Hosts that serve the same, the preferred one first; empty where the catalog names none."""
    def names(self) -> list[str]:
        """The names of the services, in their order."""
    @property
    def read_at(self) -> datetime:
        """When the catalog was read."""
    @property
    def read_at_ms(self) -> int:
        """The same in milliseconds since the Unix epoch, exactly."""
    def is_old(self, now: _Time, max_age: _Span | None = None) -> bool:
        """Whether it was read longer ago than `max_age`; left out: a day."""
    def __len__(self) -> int: ...
    def __contains__(self, name: str, /) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class Session:
    """One user's authorization, from the first login URL to the last sign-out: no IO, no clock, no thread.

    Each input returns an `Output` whose effects are to be done in order. A call that raises has changed nothing.
    Every `now` is an aware `datetime` or whole milliseconds since 1970.
    """

    def __new__(cls, config: Config, seed: bytes) -> Session: ...
    @staticmethod
    def restore(config: Config, snapshot: _Text) -> Session:
        """A session as it was stored, a pending login included."""
    def begin_login(self, now: _Time, options: LoginOptions, entropy: bytes) -> Output:
        """The user wants to sign in through a browser."""
    def complete_login(self, now: _Time, callback: _Text) -> Output:
        """The browser came back: the whole URL, its query, its fragment, or the body of a form post."""
    def cancel_login(self, now: _Time, of: _Text | None = None, *, under_way: bool = False) -> Output:
        """The user gave up one login in a browser, named by its URL or its state; or the one that is under way,
        while those that wait for their browser go on; or all that there are. A signed-in session continues as
        before.
        """
    def redeem_code(self, now: _Time, code: _Text, verifier: _Text | None = None) -> Output:
        """Redeem a code whose state the host has verified itself."""
    def begin_device_login(self, now: _Time, scope: _ScopeText | None = None) -> Output:
        """Start the device grant (RFC 8628)."""
    def sign_in_with_jwt(self, now: _Time, jwt: _Text) -> Output:
        """Webex: sign in as the guest that this JWT names."""
    def sign_in_as_guest(self, now: _Time, service_token: _Text, subject: str, display_name: str) -> Output:
        """Webex: sign in as a guest through a Service App's token."""
    def sign_in_with_client_credentials(self, now: _Time, scope: _ScopeText | None = None) -> Output:
        """Sign in as the client itself (RFC 6749 section 4.4)."""
    def adopt(self, now: _Time, tokens: _Text) -> Output:
        """Take over tokens from elsewhere: a bare token, `Bearer x`, a JSON object, a hand-off query string, or a
        refresh token alone.
        """
    def reload(self, now: _Time, snapshot: _Text) -> Output:
        """Another process changed the store. The newer of the two states wins; nothing is lost."""
    def ensure_fresh(self, now: _Time) -> Output:
        """Somebody needs a token now: begin a refresh if that is due."""
    def refresh(self, now: _Time) -> Output:
        """The host wants new tokens whatever the clock says."""
    def token_rejected(self, now: _Time, generation: int) -> Output:
        """An API answered 401 to the token of this generation."""
    def embargoed(self, now: _Time) -> Output:
        """An API answered 451: the organization may not be served here any longer. Ends the session."""
    def called_without_token(self, now: _Time, url: str) -> Output:
        """An API was called without the token, since `judge_url` said that it may not go there. Answered by
        `TokenWithheld`, once for each host.
        """
    def downscope(self, now: _Time, scope: _ScopeText) -> Output:
        """Get a user token with less scope."""
    def provide_token(self, now: _Time, id: int, tokens: _Text) -> Output:
        """The answer to `AskForToken`, in the shapes of `adopt`."""
    def provide_jwt(self, now: _Time, id: int, jwt: _Text) -> Output:
        """The answer to `AskForJwt`."""
    def host_failed(self, now: _Time, id: int, reason: str) -> Output:
        """The host could not answer. `reason` is for people; it must not contain a secret."""
    def sign_out(self, now: _Time, *, revoke: bool = True, logout: _LogoutVia = ..., goto: str | None = None) -> Output:
        """The user signs out. Completes at once, whatever the network says."""
    def response(self, now: _Time, id: int, response: HttpResponse) -> Output:
        """An answer to a request, any status."""
    def send_failed(self, now: _Time, id: int, fault: _SendFault) -> Output:
        """A request failed below HTTP."""
    def tick(self, now: _Time) -> Output:
        """Time has passed. Give it at `wake_at` and whenever convenient; a spurious one does nothing."""
    def access(self, now: _Time) -> Access:
        """May I have a token now?"""
    def access_for(self, now: _Time, scope: _ScopeText) -> Access:
        """The same for a user token with less scope; `downscope` asks for one."""
    def ready_header(self, now: _Time | None = None) -> str | None:
        """The `Authorization` header where a token is ready and no refresh is due, else None: then ask `access`.
        Without `now`, the machine's clock is read.
        """
    def user_scope(self) -> Scope | None:
        """Webex: the scope of a user token where none is named."""
    def status(self, now: _Time) -> Status:
        """A summary for people."""
    def snapshot(self) -> Secret:
        """The bytes that the last `Persist` stored, with what has changed since."""
    def awaits(self, id: int) -> bool:
        """Whether the answer to this request is still of use."""
    def still_wants(self, effect: Effect) -> bool:
        """Whether an effect is still to be done after a conflict of the store and a `reload`."""
    def judge(self, now: _Time, status: int, retry_after: str | None = None) -> Verdict:
        """What an API's answer means for the token that it was called with."""
    def logout_url(self, goto: str | None = None) -> Secret | None:
        """Where a browser goes to sign out at the identity provider, without signing out here."""
    def start_recording(self) -> None:
        """Begins a transcript without secrets: a bug report. Call it right after the session was made or restored."""
    def transcript(self) -> str | None:
        """The transcript so far, as JSON lines, where one was begun."""
    @property
    def phase(self) -> Phase:
        """Where the session is."""
    @property
    def wake_at(self) -> datetime | None:
        """When to call `tick` if nothing else happens before."""
    @property
    def wake_at_ms(self) -> int | None:
        """`wake_at` in milliseconds since 1970, exactly."""
    @property
    def tokens(self) -> TokenSet | None:
        """The tokens themselves, also those that a login under way would return to. For hand-off and display."""
    @property
    def revision(self) -> int:
        """The revision of the last `Persist` or `reload`."""
    @property
    def due_at(self) -> int | None:
        """When somebody should open this session next, to renew it ahead of its end: milliseconds since 1970, or
        `None`.
        """
    @property
    def user_tokens(self) -> int:
        """How many user tokens with less scope are at hand."""
    @property
    def config(self) -> Config:
        """The configuration."""

@final
class ReplayStep:
    """One input of a replay: what was recorded, and what it led to now."""

    __match_args__: Final = ("at", "input", "recorded", "replayed", "phase", "is_faithful")
    @property
    def at(self) -> datetime:
        """When, by the recorded clock."""
    @property
    def input(self) -> str:
        """The input's name: `begin_login`, `response`, …"""
    @property
    def recorded(self) -> list[str]:
        """What was recorded."""
    @property
    def replayed(self) -> list[str]:
        """What it led to now."""
    @property
    def phase(self) -> Phase:
        """Where the session is then."""
    @property
    def is_faithful(self) -> bool:
        """True where it came to what was recorded."""

@final
class Callback:
    """What reading a callback answered: exactly one of `ignored`, `code`, `tokens` and `fault` is there."""

    __match_args__: Final = (
        "ignored",
        "code",
        "tokens",
        "fault",
        "cleaned_url",
    )
    @property
    def ignored(self) -> _IgnoredCallback | None:
        """It does not belong to the pending login, and why."""
    @property
    def code(self) -> Secret | None:
        """A code to redeem."""
    @property
    def tokens(self) -> ReadTokens | None:
        """Tokens, in the implicit flow."""
    @property
    def fault(self) -> Fault | None:
        """The server's refusal, or tokens that cannot be used."""
    @property
    def cleaned_url(self) -> str | None:
        """The URL without what is the protocol's, where the callback was a whole URL."""

def snapshot_client_tag(snapshot: _Text, /) -> str | None:
    """The name under which a store files the sessions of a client at a server, as those of a fleet's: 16 hexadecimal
    digits. None where the bytes are encrypted, or no session.
    """

def snapshot_kept_for(snapshot: _Text, /) -> int | None:
    """How many milliseconds a store keeps these bytes, from when it stores them and by its own clock: nobody is
    signed in there, and they may go a week later, or a week after the last login that waits there. None where
    somebody is signed in, or it cannot be told.
    """

def snapshot_key_id(snapshot: _Text, /) -> str | None:
    """The key under which stored bytes are encrypted; None where they are not."""

def snapshot_revision(snapshot: _Text, /) -> int:
    """The revision of stored bytes: the key by which a store compares before it swaps."""

def replay(transcript: str, /) -> list[ReplayStep]:
    """Plays a transcript of `Session.transcript()` again. Needs nothing but the text: no network, no clock, no
    secrets.
    """

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
) -> str:
    """Writes an authorization URL (RFC 6749 section 4.1.1)."""

def email_hash(email: str) -> str:
    """Hex SHA-256 of an address, trimmed and in lower case: Webex's region hint."""

def pkce_challenge(verifier: _Text) -> str:
    """The PKCE challenge that belongs to `verifier` (RFC 7636 section 4.2)."""

def is_pkce_verifier(verifier: _Text) -> bool:
    """True where `verifier` has 43 to 128 characters of `A-Z a-z 0-9 - . _ ~` (RFC 7636 section 4.1)."""

def read_callback(
    callback: _Text,
    now: _Time,
    *,
    redirect_uri: str,
    state: _Text,
    flow: _Flow = ...,
    issuer: str | None = None,
    issuer_required: bool = False,
) -> Callback:
    """Reads a callback (RFC 6749 section 4.1.2): a whole URL, a query, a fragment, or the body of a form post."""

def clean_text(text: str, secrets: Sequence[_Text] = ...) -> str:
    """What somebody else wrote, as it may be shown: without characters that steer a terminal or turn the direction
    of the text, without `secrets` and whatever looks like one, and 300 characters at most.
    """

def shown_url(text: str) -> str | None:
    """The address as it may be shown, put into a QR code or opened: http or https; `None` for every other."""

def clean_url(url: _Text) -> str:
    """Removes what is the protocol's from a URL; of `state`, the caller's own part stays."""

def read_token_response(response: HttpResponse, now: _Time, *, strict: bool = False) -> ReadTokens | Fault:
    """Reads the answer of a token endpoint, of `jwt/login` or of `guests/token`: tokens, or the fault."""

def adopt_tokens(tokens: _Text, now: _Time) -> ReadTokens:
    """Reads tokens from elsewhere, in any of the shapes of `Session.adopt`."""

def retry_after(header: str | None, now: _Time, bounds: RetryAfterBounds | None = None) -> timedelta:
    """How long to wait for an answer with this `Retry-After` that arrived at `now`; always within `bounds`."""

def encode_state(json: str) -> str | None:
    """Encodes a JSON object as `state` carries it, without a CSRF value. None for an empty object."""

def read_state(state: _Text) -> str | None:
    """The caller's own part of a `state`, as JSON text: without the CSRF value. None where nothing else is in it."""

def guest_jwt(
    now: _Time,
    entropy: bytes,
    *,
    issuer: str,
    secret: _Text,
    lifetime: str | int | timedelta,
    subject: str | None = None,
    display_name: str | None = None,
) -> Secret:
    """Webex: makes a guest JWT (HS256). `secret` is base64 as the portal shows it; `lifetime` is in seconds, a
    `timedelta`, or a text such as `12h`; `entropy` is `os.urandom(ENTROPY_LEN)`.
    """

def login_id(of: _Text) -> str | None:
    """Which login in a browser: of its URL, its state or its callback. It may be shown, and events carry it."""

def lifetime_seconds(lifetime: str | int | timedelta) -> int:
    """Whole seconds of a lifetime; a text needs a unit, as in `12h`."""

def org_id_of_token(token: _Text) -> str:
    """Webex: the organization in an access token. A hint, not verified."""

def org_id_of_code(code: _Text) -> str | None:
    """Webex: the organization in an authorization code."""

def is_guest(token: _Text) -> bool:
    """Webex: the token says that its user is an unverified guest."""

def jwt_claims(token: _Text) -> dict[str, object] | None:
    """The claims of a JWT, unverified; None where it is none."""

def webex_qr_url(verification_uri_complete: _Text, oauth_helper: str) -> Secret:
    """Webex: the address for a QR code that opens the Webex app; other addresses stay as they are."""
