"""The asyncio client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from . import _errors
from ._calls import ApiRequest, ApiResponse
from ._client import print_prompt
from ._core import (
    Access,
    Config,
    DevicePrompt,
    Event,
    HttpRequest,
    HttpResponse,
    Output,
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
from ._task_io import TaskIO, in_thread
from ._transport import HttpTransport

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Literal

    import httpx
    from typing_extensions import Self, Unpack

    from ._driver.calls import Origin
    from ._options import ConfigSettings, LoginSettings, Settings

__all__ = ["AsyncClient"]

T = TypeVar("T")
R = TypeVar("R")
Tokens = str | Secret | Mapping[str, object]


class AsyncClient:
    """Webex authorization for asyncio: :class:`Client` with the same names, to be awaited.

    Any number of tasks waiting on one expired token cause one refresh, and cancelling any of them leaves it running.
    ``transport`` may be a coroutine function; a blocking one, and the one that comes with it, run in threads. Callbacks
    may be coroutine functions, and are called on the event loop.

    A client belongs to one event loop at a time. On another one (a second ``asyncio.run``) it starts anew from what
    it knows.
    """

    def __init__(
        self,
        config: Config,
        *,
        store: Store | None = None,
        transport: Callable[[HttpRequest], HttpResponse | Awaitable[HttpResponse]] | None = None,
        on_event: Callable[[ClientEvent], object] | None = None,
        refresh_callback: Callable[[TokenAsk], Tokens | Awaitable[Tokens]] | None = None,
        jwt_callback: Callable[[], str | Secret | Awaitable[str | Secret]] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._io = TaskIO()
        #: For whoever brings none.
        self._transport = HttpTransport()
        self._driver = Driver(
            config,
            self._io,
            store=store,
            transport=self._transport if transport is None else in_time(transport),
            on_event=on_event,
            refresh_callback=refresh_callback,
            jwt_callback=jwt_callback,
            clock=clock,
        )

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        store: Store | None = None,
        legacy: bool = False,
        **settings: Unpack[Settings],
    ) -> Self:
        """As :meth:`Client.from_env`."""
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

    async def _enter(self) -> Driver:
        """The driver, at home on this event loop."""
        driver, loop = self._driver, asyncio.get_running_loop()
        if loop is not self._loop:
            await self._move(loop)
        return driver

    async def _move(self, loop: asyncio.AbstractEventLoop) -> None:
        driver, before = self._driver, self._loop
        while before is not None and driver.is_carrying:
            # A grant that outlives the loop on which it began: its answer belongs to the session as it is.
            await asyncio.sleep(0.01)
        if self._loop is not before:
            return  # Another task was faster.
        io = self._io
        if before is not None:
            io = self._io = TaskIO()
            driver.restart(io)
        io.bind(loop)
        self._loop = loop
        token = self.config.access_token
        if token is not None and driver.desk.session.tokens is None:
            await driver.desk.give(lambda session, now: session.adopt(now, token))
        else:
            driver.keep()

    # --------------------------------------------------------------------------------------------------------- tokens

    async def token(self, *, timeout: timedelta | float | None = None) -> str:
        """A valid access token, refreshed if need be. Raises as :meth:`Client.token` does."""
        return (await (await self._enter()).tokens.ready(seconds(timeout))).token.expose()

    async def authorization_header(self, *, timeout: timedelta | float | None = None) -> str:
        """``Bearer <token>``: the value of the header."""
        return (await (await self._enter()).tokens.ready(seconds(timeout))).token.expose_header()

    async def access(self, *, timeout: timedelta | float | None = None) -> Access.Ready:
        """The token with its generation, for callers that report a 401 with :meth:`rejected`."""
        return await (await self._enter()).tokens.ready(seconds(timeout))

    async def rejected(self, generation: int, *, timeout: timedelta | float | None = None) -> Access.Ready | None:
        """An API answered 401 to the token of this generation. Another one to try once, or None."""
        return (await (await self._enter()).tokens.rejected(generation, seconds(timeout)))[0]

    async def user_token(self, scope: str | Scope | None = None, *, timeout: timedelta | float | None = None) -> str:
        """Webex: a token with less scope."""
        return (await (await self._enter()).tokens.ready_for(scope, seconds(timeout))).token.expose()

    async def refresh(self, *, timeout: timedelta | float | None = None) -> None:
        """New tokens whatever the clock says."""
        await (await self._enter()).tokens.refresh(seconds(timeout))

    # --------------------------------------------------------------------------------------------------------- logins

    async def login(
        self,
        *,
        open_browser: Callable[[str], object] | None = None,
        timeout: timedelta | float | None = None,
        **options: Unpack[LoginSettings],
    ) -> Event.SignedIn:
        """Signs in through the user's browser, with a listener on the redirect URI, which has to be on loopback."""
        from ._loopback import Loopback, open_in_browser

        conceal(options)
        driver = await self._enter()
        limit = self.config.login_lifetime.total_seconds() if timeout is None else seconds(timeout)
        end = time.monotonic() + (limit or 0)
        with Loopback(options.get("redirect_uri") or self.config.redirect_uri) as loopback:
            options["redirect_uri"] = loopback.redirect_uri
            wanted = login_options(**options)
            login, url = await driver.signing_in.begin_login(wanted)
            await driver.desk.io.ask(open_browser or open_in_browser, url.expose())
            while login.result is None and (left := end - time.monotonic()) > 0:
                callback = await in_thread(loopback.receive, min(0.5, left))
                if callback is not None:
                    with callback:
                        callback.outcome = await driver.signing_in.complete_any(callback.text, left)
            if login.result is None:
                await driver.signing_in.cancel_login(url)
                raise _errors.TimedOut("nobody finished the login in the browser")
        return await driver.signing_in.result(login, 0)

    async def begin_login(self, **options: Unpack[LoginSettings]) -> str:
        """For web applications: the URL to redirect the user to."""
        conceal(options)
        driver = await self._enter()
        return (await driver.signing_in.begin_login(login_options(**options)))[1].expose()

    async def complete_login(
        self, callback: str | Secret, *, timeout: timedelta | float | None = None
    ) -> Event.SignedIn:
        """The browser came back. Raises as :meth:`Client.complete_login` does."""
        callback = secret(callback)
        return await (await self._enter()).signing_in.complete_login(callback, seconds(timeout))

    async def cancel_login(self, of: str | Secret | None = None, *, under_way: bool = False) -> None:
        """The user gave up one login in a browser, named by its URL or its state, or all that there are.

        With ``under_way`` the one that is worked on, on a device for one; those that wait for their browser go on.

        A session that was there before goes on."""
        await (await self._enter()).signing_in.cancel_login(of, under_way=under_way)

    async def redeem_code(
        self, code: str | Secret, verifier: str | Secret | None = None, *, timeout: timedelta | float | None = None
    ) -> Event.SignedIn:
        """Redeems a code whose state this application has verified itself."""
        code, verifier = secret(code), None if verifier is None else secret(verifier)
        return await self._sign_in(
            ("code", code), lambda session, now: session.redeem_code(now, code, verifier), timeout
        )

    async def device_login(
        self,
        scope: str | Scope | None = None,
        *,
        show: Callable[[DevicePrompt], object] | None = None,
        timeout: timedelta | float | None = None,
    ) -> Event.SignedIn:
        """Signs in on another device (RFC 8628)."""
        driver, limit = await self._enter(), seconds(timeout)
        login, prompt = await driver.signing_in.begin_device_login(scope, limit)
        await driver.desk.io.ask(show or print_prompt, prompt)
        return await driver.signing_in.result(login, limit)

    async def guest(self, jwt: str | Secret, *, timeout: timedelta | float | None = None) -> Event.SignedIn:
        """Webex: signs in as the guest that this JWT names."""
        jwt = secret(jwt)
        return await self._sign_in(("jwt", jwt), lambda session, now: session.sign_in_with_jwt(now, jwt), timeout)

    async def service_guest(
        self,
        service_token: str | Secret,
        subject: str,
        display_name: str,
        *,
        timeout: timedelta | float | None = None,
    ) -> Event.SignedIn:
        """Webex: signs in as a guest through a Service App's token."""
        service_token = secret(service_token)
        return await self._sign_in(
            ("guest", service_token, subject),
            lambda session, now: session.sign_in_as_guest(now, service_token, subject, display_name),
            timeout,
        )

    async def client_credentials(
        self, scope: str | Scope | None = None, *, timeout: timedelta | float | None = None
    ) -> Event.SignedIn:
        """Signs in as the client itself (RFC 6749 section 4.4)."""
        return await self._sign_in(
            ("client_credentials", None if scope is None else Scope(scope)),
            lambda session, now: session.sign_in_with_client_credentials(now, scope),
            timeout,
        )

    async def adopt(self, tokens: Tokens) -> None:
        """Takes over tokens from elsewhere; see :meth:`Client.adopt`."""
        tokens = tokens_text(tokens)
        driver = await self._enter()
        driver.desk.check_open()
        await driver.desk.give(lambda session, now: session.adopt(now, tokens))

    async def _sign_in(
        self, key: object, give: Callable[[Session, int], Output], timeout: timedelta | float | None
    ) -> Event.SignedIn:
        return await (await self._enter()).signing_in.sign_in(key, give, seconds(timeout))

    async def sign_out(
        self,
        *,
        revoke: bool = True,
        logout: Literal["nothing", "browser", "post"] = "nothing",
        goto: str | None = None,
    ) -> str | None:
        """Forgets the tokens at once, and has them revoked if the server answers within five seconds."""
        driver = await self._enter()
        url = await driver.signing_in.sign_out(
            lambda session, now: session.sign_out(now, revoke=revoke, logout=logout, goto=goto)
        )
        return None if url is None else url.expose()

    async def call(
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
        """Calls an API with the token; see :meth:`Client.call`."""
        given = Hidden((headers, body, json))
        del headers, body, json
        limit = self.config.request_timeout
        request = ApiRequest(url, method=method, given=given, timeout=seconds(timeout), limit=limit)
        return await (await self._enter()).calls.call(request, seconds(timeout), seconds(max_wait) or 0)

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

    async def reload(self) -> None:
        """Takes in what another process stored. The client does so by itself before it refreshes."""
        driver = await self._enter()
        driver.desk.check_open()
        await driver.desk.look_at_store()

    async def flush(self) -> None:
        """Saves what could not be saved before. Raises :class:`StoreError`."""
        await (await self._enter()).flush()

    async def close(self, *, timeout: timedelta | float | None = None) -> None:
        """Whoever waits gets :class:`Closed`; a refresh under way is waited for, so that no renewed token is lost.

        Raises :class:`StoreError` where the newest tokens could not be stored: it may be called again.
        """
        await (await self._enter()).close(seconds(timeout))
        self._transport.close()

    aclose = close

    async def __aenter__(self) -> Self:
        await self._enter()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.close()
        except _errors.StoreError:
            # It was told by an event; what ended the block says more.
            if error is None:
                raise

    def __repr__(self) -> str:
        return describe(self)

    def __reduce__(self) -> str:
        """Not to be pickled."""
        raise TypeError("an AsyncClient cannot be pickled: give each process one of its own")

    # --------------------------------------------------------------------------------------- drop-ins: httpx, aiohttp

    if not TYPE_CHECKING:

        @property
        def __class__(self):
            """``auth=client`` for httpx wants an ``httpx.Auth``; this is one as soon as httpx is there."""
            from ._httpx import class_of

            return class_of(type(self))

    def __call__(self, request: R) -> R:
        """Blocking code cannot wait for this client; httpx takes it by :meth:`async_auth_flow`."""
        raise _errors.InvalidArgument(
            "auth: requests needs a webex_oauth.Client",
            argument="auth",
            problem="an AsyncClient cannot be waited for by blocking code",
        )

    requires_request_body = False
    requires_response_body = False

    def sync_auth_flow(self, request: httpx.Request) -> Any:
        """An ``httpx.Client`` cannot wait for this client."""
        raise _errors.InvalidArgument(
            "auth: a blocking httpx.Client needs a webex_oauth.Client",
            argument="auth",
            problem="an AsyncClient cannot be waited for by blocking code",
        )

    def async_auth_flow(self, request: httpx.Request) -> Any:
        """For ``httpx.AsyncClient(auth=client)``."""
        from ._httpx import async_auth_flow

        return async_auth_flow(self, request)

    async def _header_for(self, url: str, headers: Iterable[str], to: Origin) -> Access.Ready | None:
        return await (await self._enter()).calls.header_for(url, headers, to=to)

    async def _answered(self, generation: int, status: int, retry_after: str | None) -> Access.Ready | None:
        return await (await self._enter()).calls.answered(generation, status, retry_after)
