"""The asyncio client."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from . import _errors
from . import coordinator as co
from ._api import call, header_for
from ._calls import ApiRequest, ApiResponse
from ._core import Access, Config, DevicePrompt, HttpRequest, HttpResponse, Scope, Secret, Services, TokenAsk
from ._facade import Facade
from ._in_time import in_time, is_async
from ._login import login, print_prompt
from ._loop import LoopMailbox, LoopOutbox
from ._loop_jobs import LoopJobs, in_thread
from ._operations import Operations
from ._options import Hidden, conceal, login_options, seconds, secret, tokens_text
from ._services import known_or_found
from ._transport import release

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Literal

    from typing_extensions import Self, Unpack

    from ._api import Origin
    from ._clocks import Clock
    from ._events import ClientEvent
    from ._options import LoginSettings
    from ._signed_in import SignedIn
    from ._stores import AsyncStore, Store

__all__ = ["AsyncClient"]

T = TypeVar("T")
R = TypeVar("R")
Tokens = str | Secret | Mapping[str, object]


async def ask(function: Callable[..., Any], *arguments: object) -> Any:
    """Calls what the application wrote for this client, on the loop."""
    result = function(*arguments)
    return await result if inspect.isawaitable(result) else result


class AsyncClient(Facade):
    """Webex authorization for asyncio: :class:`Client` with the same names, to be awaited.

    Any number of tasks waiting on one expired token cause one refresh, and cancelling any of them leaves it running.
    ``transport`` may be a coroutine function; a blocking one, and the one that comes with it, run in threads.
    :class:`webex_oauth.httpx.Transport` sends by httpx, which is never chosen because it is installed. Callbacks may be
    coroutine functions, and are called on the event loop.

    A client belongs to one event loop at a time. On another one (a second ``asyncio.run``) it starts anew from what
    it knows.
    """

    def __init__(
        self,
        config: Config,
        *,
        store: Store | AsyncStore | None = None,
        transport: Callable[[HttpRequest], HttpResponse | Awaitable[HttpResponse]] | None = None,
        on_event: Callable[[ClientEvent], object] | None = None,
        refresh_callback: Callable[[TokenAsk], Tokens | Awaitable[Tokens]] | None = None,
        jwt_callback: Callable[[], str | Secret | Awaitable[str | Secret]] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        #: Whether the first visit of an event loop is over, and the task that it is.
        self._has_begun = False
        self._arrival: asyncio.Task[None] | None = None
        self._calling = transport if transport is None else in_time(transport)
        self._outbox = LoopOutbox(on_event)
        self._set_up(
            config,
            LoopJobs,
            self._outbox,
            LoopMailbox,
            store=store,
            transport=transport,
            refresh_callback=refresh_callback,
            jwt_callback=jwt_callback,
            clock=clock,
        )

    async def _enter(self) -> Operations:
        """The operations, on this event loop."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = self._jobs.loop = self._outbox.loop = loop
            self._jobs.look()
            self._outbox.rouse()
            if not self._has_begun:
                self._arrival = loop.create_task(self._begin())
        if self._arrival is not None:
            await asyncio.shield(self._arrival)
        return self._operations

    @property
    def _jobs(self) -> LoopJobs:
        jobs = self._executor.jobs
        assert isinstance(jobs, LoopJobs)
        return jobs

    async def _begin(self) -> None:
        """A store that is read by coroutines is read now; a token that the configuration brought along is where an
        empty session starts from."""
        try:
            if self._jobs.has_async_store:
                await self._operations.look()
            if self.config.access_token is not None and self.tokens() is None:
                await self._operations.adopt(self.config.access_token)
            self._has_begun = True
            self._executor.wake()
        except BaseException:
            self._loop = None
            raise
        finally:
            self._arrival = None

    # --------------------------------------------------------------------------------------------------------- tokens

    async def token(self, *, timeout: timedelta | float | None = None) -> str:
        """A valid access token, refreshed if need be. Raises as :meth:`Client.token` does."""
        executor, published = self._executor, self._executor.published
        if published is not None and published.begin <= executor.nanoseconds() < published.end:
            return published.text
        return (await (await self._enter()).access(seconds(timeout))).token.expose()

    async def authorization_header(self, *, timeout: timedelta | float | None = None) -> str:
        """``Bearer <token>``: the value of the header."""
        executor, published = self._executor, self._executor.published
        if published is not None and published.begin <= executor.nanoseconds() < published.end:
            return published.header
        return (await (await self._enter()).access(seconds(timeout))).token.expose_header()

    async def access(self, *, timeout: timedelta | float | None = None) -> Access.Ready:
        """The token with its generation, for callers that report a 401 with :meth:`rejected`."""
        return await (await self._enter()).access(seconds(timeout))

    async def rejected(self, generation: int, *, timeout: timedelta | float | None = None) -> Access.Ready | None:
        """An API answered 401 to the token of this generation. Another one to try once, or None."""
        return await (await self._enter()).rejected(generation, seconds(timeout))

    async def user_token(self, scope: str | Scope | None = None, *, timeout: timedelta | float | None = None) -> str:
        """Webex: a token with less scope."""
        return (await (await self._enter()).user_token(scope, seconds(timeout))).token.expose()

    async def refresh(self, *, timeout: timedelta | float | None = None) -> None:
        """New tokens whatever the clock says."""
        await (await self._enter()).refresh(seconds(timeout))

    # --------------------------------------------------------------------------------------------------------- logins

    async def login(
        self,
        *,
        open_browser: Callable[[str], object] | None = None,
        timeout: timedelta | float | None = None,
        **options: Unpack[LoginSettings],
    ) -> SignedIn:
        """Signs in through the user's browser, with a listener on the redirect URI, which has to be on loopback."""
        from ._loopback import open_in_browser

        conceal(options)
        limit = self.config.login_lifetime.total_seconds() if timeout is None else seconds(timeout)
        opened = open_browser or open_in_browser
        return await login(await self._enter(), in_thread, ask, opened, limit or 0.0, options)

    async def begin_login(self, **options: Unpack[LoginSettings]) -> str:
        """For web applications: the URL to redirect the user to."""
        conceal(options)
        return (await (await self._enter()).begin_login(login_options(**options))).expose()

    async def complete_login(self, callback: str | Secret, *, timeout: timedelta | float | None = None) -> SignedIn:
        """The browser came back. Raises as :meth:`Client.complete_login` does."""
        callback = secret(callback)
        return await (await self._enter()).complete_login(callback, seconds(timeout))

    async def cancel_login(self, of: str | Secret | None = None, *, under_way: bool = False) -> None:
        """The user gave up one login in a browser, named by its URL or its state, or all that there are.

        With ``under_way`` the one that is worked on, on a device for one; those that wait for their browser go on.

        A session that was there before goes on."""
        await (await self._enter()).cancel_login(of, under_way=under_way)

    async def redeem_code(
        self, code: str | Secret, verifier: str | Secret | None = None, *, timeout: timedelta | float | None = None
    ) -> SignedIn:
        """Redeems a code whose state this application has verified itself."""
        code, verifier = secret(code), None if verifier is None else secret(verifier)
        return await self._sign_in(co.Code(code, verifier), timeout)

    async def device_login(
        self,
        scope: str | Scope | None = None,
        *,
        show: Callable[[DevicePrompt], object] | None = None,
        timeout: timedelta | float | None = None,
    ) -> SignedIn:
        """Signs in on another device (RFC 8628).

        Who gives up waiting leaves the client asking the server until the code ends: :meth:`Client.device_login`."""
        shown = show or print_prompt
        return await (await self._enter()).sign_in(
            co.Device(scope), seconds(timeout), lambda prompt: ask(shown, prompt)
        )

    async def guest(self, jwt: str | Secret, *, timeout: timedelta | float | None = None) -> SignedIn:
        """Webex: signs in as the guest that this JWT names."""
        jwt = secret(jwt)
        return await self._sign_in(co.Jwt(jwt), timeout)

    async def service_guest(
        self,
        service_token: str | Secret,
        subject: str,
        display_name: str,
        *,
        timeout: timedelta | float | None = None,
    ) -> SignedIn:
        """Webex: signs in as a guest through a Service App's token."""
        service_token = secret(service_token)
        return await self._sign_in(co.Guest(service_token, subject, display_name), timeout)

    async def client_credentials(
        self, scope: str | Scope | None = None, *, timeout: timedelta | float | None = None
    ) -> SignedIn:
        """Signs in as the client itself (RFC 6749 section 4.4)."""
        return await self._sign_in(co.ClientCredentials(scope), timeout)

    async def adopt(self, tokens: Tokens) -> None:
        """Takes over tokens from elsewhere; see :meth:`Client.adopt`."""
        tokens = tokens_text(tokens)
        await (await self._enter()).adopt(tokens)

    async def _sign_in(self, credential: co.Credential, timeout: timedelta | float | None) -> SignedIn:
        return await (await self._enter()).sign_in(credential, seconds(timeout))

    async def sign_out(
        self,
        *,
        revoke: bool = True,
        logout: Literal["nothing", "browser", "post"] = "nothing",
        goto: str | None = None,
    ) -> str | None:
        """Forgets the tokens at once, and has them revoked if the server answers within five seconds."""
        url = await (await self._enter()).sign_out(co.SignOut(revoke, logout, goto))
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
        return await call(await self._enter(), self._send, request, seconds(timeout), seconds(max_wait) or 0.0)

    async def services(
        self, *, max_age: timedelta | float | None = None, timeout: timedelta | float = 60.0
    ) -> Services:
        """Where each of the server's services is; see :meth:`Client.services`."""

        def get(url: str) -> Awaitable[ApiResponse]:
            return self.call(url, timeout=timeout)

        operations = await self._enter()
        return await known_or_found(operations.known, self._executor.wall, max_age, get, self.config)

    async def _send(self, request: ApiRequest) -> HttpResponse:
        transport: Callable[..., Any] = self._calling or self._transport
        if is_async(transport):
            return await ask(transport, request)  # type: ignore[no-any-return]
        result: Any = await in_thread(transport, request)
        return await result if inspect.isawaitable(result) else result  # type: ignore[no-any-return]

    # ---------------------------------------------------------------------------------------------------------- state

    async def reload(self) -> None:
        """Takes in what another process stored. The client does so by itself before it refreshes."""
        await (await self._enter()).look()

    async def flush(self) -> None:
        """Saves what could not be saved before. Raises :class:`StoreError`."""
        await (await self._enter()).flush()

    async def close(self, *, timeout: timedelta | float | None = None) -> None:
        """Whoever waits gets :class:`Closed`; a refresh under way is waited for, so that no renewed token is lost.

        Raises :class:`StoreError` where the newest tokens could not be stored: it may be called again.
        """
        await (await self._enter()).close(seconds(timeout))
        self._transport.close()
        await release(self._calling)

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

    # --------------------------------------------------------------------------------------- drop-ins: httpx, aiohttp

    def __call__(self, request: R) -> R:
        """Blocking code cannot wait for this client; for httpx there is :class:`webex_oauth.httpx.Auth`."""
        raise _errors.InvalidArgument(
            "auth: requests needs a webex_oauth.Client, httpx a webex_oauth.httpx.Auth(client)",
            argument="auth",
            problem="an AsyncClient cannot be waited for by blocking code",
        )

    async def _header_for(self, url: str, headers: Iterable[str], to: Origin) -> Access.Ready | None:
        return await header_for(await self._enter(), url, headers, to=to)

    async def _answered(self, generation: int, status: int, retry_after: str | None) -> Access.Ready | None:
        return (await (await self._enter()).answered(generation, status, retry_after))[0]
