"""The asyncio client's transport that sends by httpx. Its requests are built by hand, and go past what an
``httpx.AsyncClient`` makes of one: it would read the URL once more, add headers and cookies, and tell its hooks.
"""

from __future__ import annotations

import asyncio
import copy
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Any

import httpx

from ._errors import InvalidArgument, TransportError
from ._httpx_exchange import Exchange, Send, in_time
from ._proxies import Proxy, unusable

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._calls import ApiRequest
    from ._core import HttpRequest, HttpResponse

__all__ = ["Transport"]

#: So many connections are kept, and for so many seconds.
_KEPT = httpx.Limits(max_connections=None, max_keepalive_connections=8, keepalive_expiry=20.0)
_NONE_KEPT = httpx.Limits(max_connections=None, max_keepalive_connections=0)


class Transport:
    """For an ``AsyncClient``: sends by httpx, and keeps what :class:`webex_oauth.HttpTransport` promises.

    Grants go out on an event loop of their own, so that they end with none of the application's. Calls of APIs share
    the connections of the loop that they are made on; a client that is closed there closes those that are idle, and so
    does ``aclose``. The transport can be used again after that. ``tls`` is for private certificate authorities.

    With a ``client`` of the application everything is sent on that one's connections: its own TLS, limits, proxies
    (by httpx's rules, also for this machine) and event loop are what counts, and requests under way end with that
    loop. Its headers, cookies, parameters, authentication, event hooks, timeouts and redirects are not used. It is the
    application that closes it.
    """

    def __init__(self, client: httpx.AsyncClient | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        if not (client is None or isinstance(client, httpx.AsyncClient)):
            raise _unfit("client", f"expected an httpx.AsyncClient, got {type(client).__name__}")
        if client is not None and tls is not None:
            raise _unfit("tls", "a client of the application has its own")
        self._client, self._tls = client, tls
        self._pools: dict[tuple[asyncio.AbstractEventLoop, str, object], _Pool] = {}

    async def __call__(self, request: HttpRequest | ApiRequest) -> HttpResponse:
        return await self._in_time(request, None, self._shared if self._client is None else self._borrowed)

    @property
    def sender(self) -> Callable[[HttpRequest | ApiRequest, int | None], Any]:
        """See ``OwnTransport``."""
        return self._send_apart if self._client is None else self._send_here

    async def _send_here(self, request: HttpRequest | ApiRequest, not_after: int | None) -> HttpResponse:
        return await self._in_time(request, not_after, self._borrowed)

    def _send_apart(self, request: HttpRequest | ApiRequest, not_after: int | None) -> HttpResponse:
        """Waits for the answer in this thread."""

        def send() -> HttpResponse:
            loop = asyncio.new_event_loop()
            try:
                return loop.run_until_complete(self._in_time(request, not_after, self._alone))
            finally:
                # Not as asyncio.run does it, which waits for a name that is still looked up.
                loop.close()

        if asyncio._get_running_loop() is None:
            return send()
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(send).result()

    async def _in_time(
        self, request: HttpRequest | ApiRequest, not_after: int | None, way: Callable[[Exchange], Any]
    ) -> HttpResponse:
        if request.target.scheme == "https" and self._client is None:
            self._context()  # It takes a while to load, before the clock runs.
        return await in_time(Exchange(request, not_after), way)

    # ------------------------------------------------------------------------------------------------ on what it goes

    async def _borrowed(self, exchange: Exchange) -> HttpResponse:
        """The connections of the application's client."""
        client = copy.copy(self._client)
        assert client is not None
        if client.is_closed:
            raise TransportError("the httpx.AsyncClient is closed", fault="not_sent")
        # Only of the copy, which goes after this request: hooks would see tokens, cookies would be kept.
        client.event_hooks, client.cookies = {}, httpx.Cookies()

        async def send(request: httpx.Request) -> httpx.Response:
            return await client.send(request, stream=True, auth=None, follow_redirects=False)

        return await exchange.run(send)

    async def _shared(self, exchange: Exchange) -> HttpResponse:
        """A connection that is kept where there is one, unless the request must not be sent twice."""
        if exchange.request.hints.idempotent:
            try:
                async with self._pool(exchange) as send:
                    return await exchange.run(send)
            except TransportError as error:
                # A connection that the server gave up meanwhile says nothing about the next one.
                if error.fault != "lost" or exchange.has_connected:
                    raise
        return await self._alone(exchange)

    async def _alone(self, exchange: Exchange) -> HttpResponse:
        """A connection of its own."""
        async with self._open(exchange, _NONE_KEPT) as transport:
            return await exchange.run(transport.handle_async_request)

    def _pool(self, exchange: Exchange) -> _Pool:
        loop, proxy = asyncio.get_running_loop(), exchange.find_proxy()
        for known in [key for key in list(self._pools) if key[0].is_closed()]:
            self._pools.pop(known, None)
        key = (loop, exchange.request.target.scheme, proxy and proxy.key)
        if key not in self._pools:
            self._pools[key] = _Pool(self._open(exchange, _KEPT))
        return self._pools[key]

    def _open(self, exchange: Exchange, limits: httpx.Limits) -> httpx.AsyncHTTPTransport:
        """httpx's pool of connections, for one proxy or none."""
        proxy, scheme = exchange.find_proxy(), exchange.request.target.scheme
        speaks_tls = scheme == "https" or (proxy is not None and proxy.scheme == "https")
        # Without TLS one that trusts nobody will do, and does not have to be loaded.
        tls = self._context() if speaks_tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        through = None if proxy is None else _as_httpx(proxy, tls)
        try:
            return httpx.AsyncHTTPTransport(verify=tls, trust_env=False, limits=limits, proxy=through)
        except ImportError:
            problem = f"the {'' if proxy is None else proxy.scheme} proxy of the environment needs the package socksio"
        raise TransportError(problem, fault="not_sent")

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    # ---------------------------------------------------------------------------------------------------------- the end

    async def aclose(self) -> None:
        """Closes the connections that are kept on this event loop, each once its request is over."""
        loop = asyncio.get_running_loop()
        for key in [key for key in list(self._pools) if key[0] is loop]:
            await self._pools.pop(key).retire()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"webex_oauth.httpx.Transport({'' if self._client is None else '<httpx.AsyncClient>'})"


class _Pool:
    """The connections of one event loop. They are closed when nobody uses them any longer."""

    def __init__(self, transport: httpx.AsyncHTTPTransport) -> None:
        self._transport = transport
        self._users = 0
        self._is_retired = False

    async def __aenter__(self) -> Send:
        self._users += 1
        return self._transport.handle_async_request

    async def __aexit__(self, *_: object) -> None:
        self._users -= 1
        await self._close_if_unused()

    async def retire(self) -> None:
        self._is_retired = True
        await self._close_if_unused()

    async def _close_if_unused(self) -> None:
        if self._is_retired and self._users == 0:
            await self._transport.aclose()


def _as_httpx(proxy: Proxy, tls: ssl.SSLContext) -> httpx.Proxy:
    try:
        url = httpx.URL(scheme=proxy.scheme, host=proxy.host, port=proxy.port)
        return httpx.Proxy(url, auth=proxy.userinfo, ssl_context=tls if proxy.scheme == "https" else None)
    except (ValueError, httpx.InvalidURL):
        raise unusable(proxy.variable, "httpx knows proxies of http, https and SOCKS 5") from None


def _unfit(argument: str, problem: str) -> InvalidArgument:
    return InvalidArgument(f"{argument}: {problem}", argument=argument, problem=problem)
