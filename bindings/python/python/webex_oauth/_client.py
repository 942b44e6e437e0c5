"""The blocking client."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from . import _errors
from ._calls import ApiRequest, ApiResponse
from ._core import (
    Access,
    Config,
    DevicePrompt,
    Event,
    HttpRequest,
    HttpResponse,
    Scope,
    Secret,
    Session,
    Status,
    TokenAsk,
    TokenSet,
)
from ._driver import ClientEvent, Clock, Driver
from ._in_time import in_time
from ._options import Hidden, conceal, describe, from_env, login_options, seconds, secret, tokens_text
from ._stores import Store
from ._thread_io import ThreadIO, run
from ._transport import HttpTransport

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Literal

    import httpx
    from typing_extensions import Self, Unpack

    from ._driver.calls import Origin
    from ._options import ConfigSettings, LoginSettings, Settings

__all__ = ["Client"]

T = TypeVar("T")
R = TypeVar("R")


_clients: weakref.WeakSet[Client] = weakref.WeakSet()


def _after_fork() -> None:
    """Threads, and the locks that they held, are the parent's: a child starts anew from what it knows."""
    for client in list(_clients):
        client._driver.restart(ThreadIO())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Client:
    """Webex authorization for programs that block: log in once, ask for the token whenever one is needed.

    Safe to share between threads: any number of them waiting on one expired token cause one refresh. A caller whose
    token is still valid never waits, and never fails because a refresh did. All times are seconds, or ``timedelta``.

    ``store`` keeps the session (:class:`FileStore`, :class:`MemoryStore`, or any object like them; without one it ends
    with the client). ``transport`` is any callable from :class:`HttpRequest` to :class:`HttpResponse`; it must not
    follow redirects. ``on_event`` is called with every :class:`Event`, from whichever thread it happens on.
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
        #: For whoever brings none.
        self._transport = HttpTransport()
        self._driver = Driver(
            config,
            ThreadIO(),
            store=store,
            transport=self._transport if transport is None else in_time(transport),
            on_event=on_event,
            refresh_callback=refresh_callback,
            jwt_callback=jwt_callback,
            clock=clock,
        )
        self._has_clock = clock is not None
        _clients.add(self)
        self._start()

    def _start(self) -> None:
        """A token that the configuration brought along is where an empty session starts from."""
        token = self.config.access_token
        if token is not None and self._driver.desk.session.tokens is None:
            run(self._driver.desk.give(lambda session, now: session.adopt(now, token)))
        else:
            self._driver.keep()

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        store: Store | None = None,
        legacy: bool = False,
        **settings: Unpack[Settings],
    ) -> Self:
        """From ``WEBEX_CLIENT_ID``, ``WEBEX_CLIENT_SECRET``, ``WEBEX_REDIRECT_URI``, ``WEBEX_SCOPE``, or
        ``WEBEX_AUTHORIZATION_STRING`` and its relatives; ``WEBEX_ACCESS_TOKEN`` alone will do.

        The session is kept in the file that ``WEBEX_SESSION_FILE`` names, unless a store is given.
        """
        environ = Hidden(environ)  # type: ignore[assignment]
        config, named = from_env(environ, legacy=legacy)  # type: ignore[arg-type]
        return cls(config, store=named if store is None else store, **settings)

    @classmethod
    def from_authorization_url(
        cls,
        url: str,
        *,
        client_secret: str | Secret | None = None,
        store: Store | None = None,
        config: ConfigSettings | None = None,
        **settings: Unpack[Settings],
    ) -> Self:
        """From the authorization URL that the developer portal shows."""
        client_secret = None if client_secret is None else secret(client_secret)
        built = Config.from_authorization_url(url, client_secret=client_secret, **(config or {}))
        return cls(built, store=store, **settings)

    # --------------------------------------------------------------------------------------------------------- tokens

    def token(self, *, timeout: timedelta | float | None = None) -> str:
        """A valid access token, refreshed if need be.

        Raises :class:`SignInRequired` where only the user can help, :class:`RefreshFailed` where no token can be had
        now, :class:`TimedOut`.
        """
        return run(self._driver.tokens.ready(seconds(timeout))).token.expose()

    def authorization_header(self, *, timeout: timedelta | float | None = None) -> str:
        """``Bearer <token>``: the value of the header. Raises as :meth:`token` does."""
        desk = self._driver.desk
        if not self._has_clock:
            header = desk.session.ready_header()
            # Looked at afterwards: see Desk.access.
            if header is not None and desk.held is None and not desk.closed:
                return header
        return run(self._driver.tokens.ready(seconds(timeout))).token.expose_header()

    def access(self, *, timeout: timedelta | float | None = None) -> Access.Ready:
        """The token with its generation, for callers that report a 401 with :meth:`rejected`."""
        return run(self._driver.tokens.ready(seconds(timeout)))

    def rejected(self, generation: int, *, timeout: timedelta | float | None = None) -> Access.Ready | None:
        """An API answered 401 to the token of this generation. Another one to try once, or None."""
        return run(self._driver.tokens.rejected(generation, seconds(timeout)))[0]

    def user_token(self, scope: str | Scope | None = None, *, timeout: timedelta | float | None = None) -> str:
        """Webex: a token with less scope, to hand to something that needs no more. Raises :class:`DownscopeFailed`,
        :class:`ScopeNotReducible`, and as :meth:`token` does."""
        return run(self._driver.tokens.ready_for(scope, seconds(timeout))).token.expose()

    def refresh(self, *, timeout: timedelta | float | None = None) -> None:
        """New tokens whatever the clock says. Raises :class:`RefreshFailed`, :class:`CannotRefresh`."""
        run(self._driver.tokens.refresh(seconds(timeout)))

    # --------------------------------------------------------------------------------------------------------- logins

    def login(
        self,
        *,
        open_browser: Callable[[str], object] | None = None,
        timeout: timedelta | float | None = None,
        **options: Unpack[LoginSettings],
    ) -> Event.SignedIn:
        """Signs in through the user's browser, with a listener on the redirect URI, which has to be on loopback.

        ``open_browser`` is called with the URL; :func:`webbrowser.open` otherwise. Waits as long as a login lives
        (``login_lifetime`` of the configuration), or ``timeout``. Raises :class:`LoginFailed`, :class:`TimedOut`.
        """
        from ._loopback import Loopback, open_in_browser

        conceal(options)
        limit = self.config.login_lifetime.total_seconds() if timeout is None else seconds(timeout)
        end = time.monotonic() + (limit or 0)
        with Loopback(options.get("redirect_uri") or self.config.redirect_uri) as loopback:
            options["redirect_uri"] = loopback.redirect_uri
            wanted = login_options(**options)
            login, url = run(self._driver.signing_in.begin_login(wanted))
            (open_browser or open_in_browser)(url.expose())
            while login.result is None and (left := end - time.monotonic()) > 0:
                callback = loopback.receive(min(0.5, left))
                if callback is not None:
                    with callback:
                        callback.outcome = run(self._driver.signing_in.complete_any(callback.text, left))
            if login.result is None:
                run(self._driver.signing_in.cancel_login(url))
                raise _errors.TimedOut("nobody finished the login in the browser")
        return run(self._driver.signing_in.result(login, 0))

    def begin_login(self, **options: Unpack[LoginSettings]) -> str:
        """For web applications: the URL to redirect the user to. :meth:`complete_login` takes what comes back."""
        conceal(options)
        return run(self._driver.signing_in.begin_login(login_options(**options)))[1].expose()

    def complete_login(self, callback: str | Secret, *, timeout: timedelta | float | None = None) -> Event.SignedIn:
        """The browser came back: the whole URL, its query, its fragment, or the body of a form post.

        Raises :class:`CallbackIgnored` where it does not belong to the pending login (which still waits), and
        :class:`LoginFailed`. Of the event, ``state`` is the JSON that was given, ``cleaned_url`` fit to be shown.
        """
        callback = secret(callback)
        return run(self._driver.signing_in.complete_login(callback, seconds(timeout)))

    def cancel_login(self, of: str | Secret | None = None, *, under_way: bool = False) -> None:
        """The user gave up one login in a browser, named by its URL or its state, or all that there are.

        With ``under_way`` the one that is worked on, on a device for one; those that wait for their browser go on.

        A session that was there before goes on."""
        run(self._driver.signing_in.cancel_login(of, under_way=under_way))

    def redeem_code(
        self, code: str | Secret, verifier: str | Secret | None = None, *, timeout: timedelta | float | None = None
    ) -> Event.SignedIn:
        """Redeems a code whose state this application has verified itself."""
        code, verifier = secret(code), None if verifier is None else secret(verifier)
        return self._sign_in(("code", code), lambda session, now: session.redeem_code(now, code, verifier), timeout)

    def device_login(
        self,
        scope: str | Scope | None = None,
        *,
        show: Callable[[DevicePrompt], object] | None = None,
        timeout: timedelta | float | None = None,
    ) -> Event.SignedIn:
        """Signs in on another device (RFC 8628): ``show`` gets what the user has to see; it is printed otherwise."""
        limit = seconds(timeout)
        login, prompt = run(self._driver.signing_in.begin_device_login(scope, limit))
        (show or print_prompt)(prompt)
        return run(self._driver.signing_in.result(login, limit))

    def guest(self, jwt: str | Secret, *, timeout: timedelta | float | None = None) -> Event.SignedIn:
        """Webex: signs in as the guest that this JWT names; see :func:`guest_jwt`."""
        jwt = secret(jwt)
        return self._sign_in(("jwt", jwt), lambda session, now: session.sign_in_with_jwt(now, jwt), timeout)

    def service_guest(
        self,
        service_token: str | Secret,
        subject: str,
        display_name: str,
        *,
        timeout: timedelta | float | None = None,
    ) -> Event.SignedIn:
        """Webex: signs in as a guest through a Service App's token (scope ``guest-issuer:write``)."""
        service_token = secret(service_token)
        return self._sign_in(
            ("guest", service_token, subject),
            lambda session, now: session.sign_in_as_guest(now, service_token, subject, display_name),
            timeout,
        )

    def client_credentials(
        self, scope: str | Scope | None = None, *, timeout: timedelta | float | None = None
    ) -> Event.SignedIn:
        """Signs in as the client itself (RFC 6749 section 4.4)."""
        return self._sign_in(
            ("client_credentials", None if scope is None else Scope(scope)),
            lambda session, now: session.sign_in_with_client_credentials(now, scope),
            timeout,
        )

    def adopt(self, tokens: str | Secret | Mapping[str, object]) -> None:
        """Takes over tokens from elsewhere: a token, ``Bearer x``, a JSON object, a hand-off query string, or
        ``{"refresh_token": ...}`` alone, which is used when a token is first asked for."""
        tokens = tokens_text(tokens)
        self._driver.desk.check_open()
        run(self._driver.desk.give(lambda session, now: session.adopt(now, tokens)))

    def _sign_in(
        self, key: object, give: Callable[[Session, int], Any], timeout: timedelta | float | None
    ) -> Event.SignedIn:
        return run(self._driver.signing_in.sign_in(key, give, seconds(timeout)))

    def sign_out(
        self,
        *,
        revoke: bool = True,
        logout: Literal["nothing", "browser", "post"] = "nothing",
        goto: str | None = None,
    ) -> str | None:
        """Forgets the tokens at once, and has them revoked if the server answers within five seconds. With
        ``logout="browser"`` the URL that the browser has to visit is returned."""
        url = run(
            self._driver.signing_in.sign_out(
                lambda session, now: session.sign_out(now, revoke=revoke, logout=logout, goto=goto)
            )
        )
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
        return run(self._driver.calls.call(request, seconds(timeout), seconds(max_wait) or 0))

    # ---------------------------------------------------------------------------------------------------------- state

    @property
    def config(self) -> Config:
        """The configuration."""
        return self._driver.desk.config

    @property
    def session(self) -> Session:
        """The session, to ask it questions. Inputs are the client's to give."""
        return self._driver.desk.session

    def status(self) -> Status:
        """A summary for people and user interfaces."""
        return self._driver.desk.session.status(self._driver.desk.now())

    def tokens(self) -> TokenSet | None:
        """The tokens themselves, for hand-off and display."""
        return self._driver.desk.session.tokens

    def reload(self) -> None:
        """Takes in what another process stored. The client does so by itself before it refreshes."""
        self._driver.desk.check_open()
        run(self._driver.desk.look_at_store())

    def flush(self) -> None:
        """Saves what could not be saved before. Raises :class:`StoreError`."""
        run(self._driver.flush())

    def close(self, *, timeout: timedelta | float | None = None) -> None:
        """Whoever waits gets :class:`Closed`; a refresh under way is waited for, so that no renewed token is lost.

        Raises :class:`StoreError` where the newest tokens could not be stored: it may be called again.
        """
        run(self._driver.close(seconds(timeout)))
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

    def __repr__(self) -> str:
        return describe(self)

    def __reduce__(self) -> str:
        """Not to be pickled."""
        raise TypeError("a Client cannot be pickled: give each process one of its own, with a store that they share")

    # ------------------------------------------------------------------------------------- drop-ins: requests, httpx

    def __call__(self, request: R) -> R:
        """``auth=client`` for requests."""
        from ._requests import authorize

        return authorize(self, request)

    if not TYPE_CHECKING:

        @property
        def __class__(self):
            """``auth=client`` for httpx wants an ``httpx.Auth``; this is one as soon as httpx is there."""
            from ._httpx import class_of

            return class_of(type(self))

    requires_request_body = False
    requires_response_body = False

    def sync_auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:
        """For ``httpx.Client(auth=client)``."""
        from ._httpx import sync_auth_flow

        return sync_auth_flow(self, request)

    def async_auth_flow(self, request: httpx.Request) -> Any:
        """For ``httpx.AsyncClient(auth=client)``: waits in a thread. An :class:`AsyncClient` needs none."""
        from ._httpx import threaded_auth_flow

        return threaded_auth_flow(self, request)

    def _header_for(self, url: str, headers: Iterable[str], to: Origin) -> Access.Ready | None:
        return run(self._driver.calls.header_for(url, headers, to=to))

    def _answered(self, generation: int, status: int, retry_after: str | None) -> Access.Ready | None:
        return run(self._driver.calls.answered(generation, status, retry_after))


def print_prompt(prompt: DevicePrompt) -> None:
    print(f"Open {prompt.verification_uri} and enter {prompt.user_code.expose()}", flush=True)
