"""The blocking client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from . import _errors
from . import coordinator as co
from ._api import call, header_for
from ._calls import ApiRequest, ApiResponse
from ._core import Access, Config, DevicePrompt, HttpRequest, HttpResponse, Scope, Secret, Services, TokenAsk
from ._events import Outbox
from ._facade import Facade
from ._in_time import in_time, no_coroutines
from ._jobs import Jobs
from ._login import login, print_prompt
from ._operations import blocking, run
from ._options import Hidden, conceal, login_options, seconds, secret, tokens_text
from ._services import known_or_found
from ._waiting import ThreadMailbox

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Literal

    from typing_extensions import Self, Unpack

    from ._api import Origin
    from ._clocks import Clock
    from ._events import ClientEvent
    from ._options import LoginSettings
    from ._signed_in import SignedIn
    from ._stores import Store

__all__ = ["Client"]

R = TypeVar("R")


class Client(Facade):
    """Webex authorization for programs that block: log in once, ask for the token whenever one is needed.

    Safe to share between threads: any number of them waiting on one expired token cause one refresh. A caller whose
    token is still valid never waits, and never fails because a refresh did. All times are seconds, or ``timedelta``;
    who names none waits as long as a request may take, and thirty seconds.

    ``store`` keeps the session (:class:`FileStore`, :class:`MemoryStore`, or any object like them; without one it ends
    with the client). ``transport`` is any callable from :class:`HttpRequest` to :class:`HttpResponse`; it must not
    follow redirects. ``on_event`` is called with every :class:`Event`, in order, on a thread of its own.
    ``refresh_callback`` and ``jwt_callback`` answer for ``renewal="host_token"`` and ``"host_jwt"``.

    After a fork the child goes on with a copy. Without a store that both share, a server that rotates refresh tokens
    will take the two for a thief and an owner: give such programs a :class:`FileStore`.

    Raises :class:`StoreError` and :class:`RestoreError` where the store cannot be read.
    """

    def __init__(
        self,
        config: Config,
        *,
        store: Store | None = None,
        transport: Callable[[HttpRequest], HttpResponse] | None = None,
        on_event: Callable[[ClientEvent], object] | None = None,
        refresh_callback: Callable[[TokenAsk], str | Secret | Mapping[str, object]] | None = None,
        jwt_callback: Callable[[], str | Secret] | None = None,
        clock: Clock | None = None,
    ) -> None:
        no_coroutines(transport)
        self._calling = in_time(transport) if transport is not None else None
        self._set_up(
            config,
            Jobs,
            Outbox(on_event),
            ThreadMailbox,
            store=store,
            transport=transport,
            refresh_callback=refresh_callback,
            jwt_callback=jwt_callback,
            clock=clock,
        )
        # A token that the configuration brought along is where an empty session starts from.
        if config.access_token is not None and self.tokens() is None:
            run(self._operations.adopt(config.access_token))
        else:
            self._executor.wake()

    # --------------------------------------------------------------------------------------------------------- tokens

    def token(self, *, timeout: timedelta | float | None = None) -> str:
        """A valid access token, refreshed if need be.

        Raises :class:`SignInRequired` where only the user can help, :class:`RefreshFailed` where no token can be had
        now, :class:`TimedOut`.
        """
        executor, published = self._executor, self._executor.published
        if published is not None and published.begin <= executor.nanoseconds() < published.end:
            return published.text
        return run(self._operations.access(seconds(timeout))).token.expose()

    def authorization_header(self, *, timeout: timedelta | float | None = None) -> str:
        """``Bearer <token>``: the value of the header. Raises as :meth:`token` does."""
        executor, published = self._executor, self._executor.published
        if published is not None and published.begin <= executor.nanoseconds() < published.end:
            return published.header
        return run(self._operations.access(seconds(timeout))).token.expose_header()

    def access(self, *, timeout: timedelta | float | None = None) -> Access.Ready:
        """The token with its generation, for callers that report a 401 with :meth:`rejected`."""
        return run(self._operations.access(seconds(timeout)))

    def rejected(self, generation: int, *, timeout: timedelta | float | None = None) -> Access.Ready | None:
        """An API answered 401 to the token of this generation. Another one to try once, or None."""
        return run(self._operations.rejected(generation, seconds(timeout)))

    def user_token(self, scope: str | Scope | None = None, *, timeout: timedelta | float | None = None) -> str:
        """Webex: a token with less scope, to hand to something that needs no more. Raises :class:`DownscopeFailed`,
        :class:`ScopeNotReducible`, and as :meth:`token` does."""
        return run(self._operations.user_token(scope, seconds(timeout))).token.expose()

    def refresh(self, *, timeout: timedelta | float | None = None) -> None:
        """New tokens whatever the clock says. Raises :class:`RefreshFailed`, :class:`CannotRefresh`."""
        run(self._operations.refresh(seconds(timeout)))

    # --------------------------------------------------------------------------------------------------------- logins

    def login(
        self,
        *,
        open_browser: Callable[[str], object] | None = None,
        timeout: timedelta | float | None = None,
        **options: Unpack[LoginSettings],
    ) -> SignedIn:
        """Signs in through the user's browser, with a listener on the redirect URI, which has to be on loopback.

        ``open_browser`` is called with the URL; :func:`webbrowser.open` otherwise. Waits as long as a login lives
        (``login_lifetime`` of the configuration), or ``timeout``. Raises :class:`LoginFailed`, :class:`TimedOut`.
        """
        from ._loopback import open_in_browser

        conceal(options)
        limit = self.config.login_lifetime.total_seconds() if timeout is None else seconds(timeout)
        opened = open_browser or open_in_browser
        return run(login(self._operations, blocking, blocking, opened, limit or 0.0, options))

    def begin_login(self, **options: Unpack[LoginSettings]) -> str:
        """For web applications: the URL to redirect the user to. :meth:`complete_login` takes what comes back.

        ``state``, a mapping of what JSON has or a text, goes around and comes back with it as it was.
        """
        conceal(options)
        return run(self._operations.begin_login(login_options(**options))).expose()

    def complete_login(self, callback: str | Secret, *, timeout: timedelta | float | None = None) -> SignedIn:
        """The browser came back: the whole URL, its query, its fragment, or the body of a form post.

        Raises :class:`CallbackIgnored` where it does not belong to the pending login (which still waits), and
        :class:`LoginFailed`. Of what is returned, ``state`` is what :meth:`begin_login` was given, ``cleaned_url`` fit
        to be shown.
        """
        callback = secret(callback)
        return run(self._operations.complete_login(callback, seconds(timeout)))

    def cancel_login(self, of: str | Secret | None = None, *, under_way: bool = False) -> None:
        """The user gave up one login in a browser, named by its URL or its state, or all that there are.

        With ``under_way`` the one that is worked on, on a device for one; those that wait for their browser go on.

        A session that was there before goes on."""
        run(self._operations.cancel_login(of, under_way=under_way))

    def redeem_code(
        self, code: str | Secret, verifier: str | Secret | None = None, *, timeout: timedelta | float | None = None
    ) -> SignedIn:
        """Redeems a code whose state this application has verified itself."""
        code, verifier = secret(code), None if verifier is None else secret(verifier)
        return self._sign_in(co.Code(code, verifier), timeout)

    def device_login(
        self,
        scope: str | Scope | None = None,
        *,
        show: Callable[[DevicePrompt], object] | None = None,
        timeout: timedelta | float | None = None,
    ) -> SignedIn:
        """Signs in on another device (RFC 8628): ``show`` gets what the user has to see; it is printed otherwise.

        Who gives up waiting (``timeout``, a cancelled task) leaves the client asking the server until the code ends:
        who confirms it meanwhile is signed in. ``cancel_login(under_way=True)`` ends it.
        """
        shown = show or print_prompt
        return run(self._operations.sign_in(co.Device(scope), seconds(timeout), lambda prompt: blocking(shown, prompt)))

    def guest(self, jwt: str | Secret, *, timeout: timedelta | float | None = None) -> SignedIn:
        """Webex: signs in as the guest that this JWT names; see :func:`guest_jwt`."""
        jwt = secret(jwt)
        return self._sign_in(co.Jwt(jwt), timeout)

    def service_guest(
        self,
        service_token: str | Secret,
        subject: str,
        display_name: str,
        *,
        timeout: timedelta | float | None = None,
    ) -> SignedIn:
        """Webex: signs in as a guest through a Service App's token (scope ``guest-issuer:write``)."""
        service_token = secret(service_token)
        return self._sign_in(co.Guest(service_token, subject, display_name), timeout)

    def client_credentials(
        self, scope: str | Scope | None = None, *, timeout: timedelta | float | None = None
    ) -> SignedIn:
        """Signs in as the client itself (RFC 6749 section 4.4)."""
        return self._sign_in(co.ClientCredentials(scope), timeout)

    def adopt(self, tokens: str | Secret | Mapping[str, object]) -> None:
        """Takes over tokens from elsewhere: a token, ``Bearer x``, a JSON object, a hand-off query string, or
        ``{"refresh_token": ...}`` alone, which is used when a token is first asked for."""
        tokens = tokens_text(tokens)
        run(self._operations.adopt(tokens))

    def _sign_in(self, credential: co.Credential, timeout: timedelta | float | None) -> SignedIn:
        return run(self._operations.sign_in(credential, seconds(timeout)))

    def sign_out(
        self,
        *,
        revoke: bool = True,
        logout: Literal["nothing", "browser", "post"] = "nothing",
        goto: str | None = None,
    ) -> str | None:
        """Forgets the tokens at once, and has them revoked if the server answers within five seconds. With
        ``logout="browser"`` the URL that the browser has to visit is returned."""
        url = run(self._operations.sign_out(co.SignOut(revoke, logout, goto)))
        return None if url is None else url.expose()

    def call(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
        json: object = None,
        timeout: timedelta | float = 60.0,
        max_wait: timedelta | float = 60.0,
    ) -> ApiResponse:
        """Calls an API with the token, through this client's transport; no other package is needed.

        ``json`` is sent as such; an ``Authorization`` in ``headers`` stays, and another host never sees the token. A
        401 is answered by one refresh and one replay; if the refresh fails, the 401 is what is returned, and
        ``refresh_error`` says why. Waits that a 429 asks for are kept, ``max_wait`` seconds in all. Any status is a
        response; raises :class:`CallFailed` where none came, at the latest when the ``request_timeout`` of the
        configuration is over, or ``timeout`` where that is shorter.
        """
        given = Hidden((headers, body, json))
        del headers, body, json
        limit = self.config.request_timeout
        request = ApiRequest(url, method=method, given=given, timeout=seconds(timeout), limit=limit)

        def send(request: ApiRequest) -> Awaitable[HttpResponse]:
            return blocking(self._calling or self._transport, request)

        return run(call(self._operations, send, request, seconds(timeout), seconds(max_wait) or 0.0))

    def services(self, *, max_age: timedelta | float | None = None, timeout: timedelta | float = 60.0) -> Services:
        """Where each of the server's services is, by name, as its catalog says: ``services().url("hydra")``.

        The catalog that is known; where it is older than ``max_age`` (left out: a day), what the server says now. From
        then on the token may go to the hosts that it names, where the provider says so
        (``Provider.catalog_hosts_carry_token``).

        Raises as :meth:`call` does; :class:`ConfigError` where the answer is no catalog; :class:`Misuse` where the
        server has none. What was known before stays known.
        """

        def get(url: str) -> Awaitable[ApiResponse]:
            return blocking(lambda: self.call(url, timeout=timeout))

        operations = self._operations
        return run(known_or_found(operations.known, self._executor.wall, max_age, get, self.config))

    # ---------------------------------------------------------------------------------------------------------- state

    def reload(self) -> None:
        """Takes in what another process stored. The client does so by itself before it refreshes."""
        run(self._operations.look())

    def flush(self) -> None:
        """Saves what could not be saved before. Raises :class:`StoreError`."""
        run(self._operations.flush())

    def close(self, *, timeout: timedelta | float | None = None) -> None:
        """Whoever waits gets :class:`Closed`; a refresh under way is waited for, so that no renewed token is lost.

        Raises :class:`StoreError` where the newest tokens could not be stored: it may be called again.
        """
        run(self._operations.close(seconds(timeout)))
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except _errors.StoreError:
            # It was told by an event; what ended the block says more.
            if error is None:
                raise

    # ------------------------------------------------------------------------------------- -- drop-ins: requests

    def __call__(self, request: R) -> R:
        """``auth=client`` for requests. For httpx: :class:`webex_oauth.httpx.Auth`."""
        from ._requests import authorize

        return authorize(self, request)

    def _header_for(self, url: str, headers: Iterable[str], to: Origin) -> Access.Ready | None:
        return run(header_for(self._operations, url, headers, to=to))

    def _answered(self, generation: int, status: int, retry_after: str | None) -> Access.Ready | None:
        return run(self._operations.answered(generation, status, retry_after))[0]
