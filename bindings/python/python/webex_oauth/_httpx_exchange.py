"""One request and its answer, by whatever carries the requests of httpx."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import anyio.lowlevel
import httpcore
import httpx

from ._answers import Body, headers_of, incomplete, too_late, unreachable, unwritable
from ._clocks import tick
from ._core import HttpResponse
from ._errors import TransportError
from ._loop_tasks import begin_task
from ._proxies import Proxy, proxy_to

if TYPE_CHECKING:
    from ._calls import ApiRequest
    from ._core import HttpRequest

__all__ = ["Exchange", "Send", "in_time"]

Send = Callable[[httpx.Request], Awaitable[httpx.Response]]

#: What arrived before the deadline is read after it, within so many seconds; on a machine that is busy in so many turns
#: of the loop, each of which may be long, but in no more seconds than these.
_LAST_SECONDS, _LAST_TURNS, _MOST_SECONDS = 0.1, 30, 0.7
#: An answer with more headers is none, as by the standard library.
_MOST_HEADERS = 100


async def in_time(exchange: Exchange, way: Callable[[Exchange], Any]) -> HttpResponse:
    """Sends it that way. The whole exchange ends with its time, whatever a server drips."""
    # What httpx loads by its first request is loaded before the clock runs.
    await anyio.lowlevel.checkpoint()
    task: asyncio.Task[HttpResponse] = begin_task(asyncio.get_running_loop(), lambda: way(exchange))
    try:
        await asyncio.wait([task], timeout=exchange.request.hints.timeout.total_seconds())
        over, turns = time.monotonic(), 0
        while not task.done():
            late, turns = time.monotonic() - over, turns + 1
            if late > _MOST_SECONDS or (late > _LAST_SECONDS and turns > _LAST_TURNS):
                break
            await asyncio.sleep(0)
        else:
            return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=_MOST_SECONDS)
        elif not task.cancelled():
            task.exception()  # Whoever was cancelled has no use for it.
    raise exchange.failure(TimeoutError(), is_over=True)


class Exchange:
    """``proxy`` is the one that it goes through, for what is said about it."""

    def __init__(self, request: HttpRequest | ApiRequest, not_after: int | None) -> None:
        self.request = request
        self.proxy: Proxy | None = None
        self.has_connected = False
        self._not_after = not_after
        #: Whether httpx tells what it does, which transports of an application may not, and whether it begins to send.
        self._is_told = self._has_begun = False
        #: The newest connection, which httpx forgets when it fails before it can be used.
        self._line: Any = None
        #: Whether TLS is, or was, spoken with the server, and not with a proxy.
        self._is_at_server = False

    def find_proxy(self) -> Proxy | None:
        """The one of the environment that it goes through."""
        self.proxy = proxy_to(self.request.target)
        return self.proxy

    async def run(self, send: Send) -> HttpResponse:
        """Sends it once."""
        self.has_connected = self._is_told = self._has_begun = False
        self._is_at_server = self.proxy is None
        failure: TransportError
        try:
            return await self._answer(await send(self._built()))
        except TransportError as error:
            failure = error
        except Exception as error:
            failure = self.failure(error)
        finally:
            if self._line is not None and not self._has_begun:
                await self._line.aclose()
            self._line = None
        # Out here it has no context: the exceptions of libraries keep parts of the answer, and tokens may be in them.
        raise failure

    def _built(self) -> httpx.Request:
        """The request for the address that the core has read. What httpx would write down otherwise is not sent."""
        request, target = self.request, self.request.target
        path = target.request_target.encode()
        url = httpx.URL(scheme=target.scheme, host=target.host, port=target.port, raw_path=path)
        if (url.raw_path, url.raw_host.decode()) != (path, target.host):
            raise TransportError("httpx reads this URL in another way", fault="not_sent")
        headers = [(name.encode(), value.strip().encode("latin-1")) for name, value in headers_of(request).items()]
        body = request.expose_body() or None
        # No limits of single steps: a client of the application has some, for requests that bring none.
        extensions = {"trace": self._watch, "timeout": httpx.Timeout(None).as_dict()}
        return httpx.Request(request.method, url, headers=headers, content=body, extensions=extensions)

    async def _watch(self, event: str, info: dict[str, Any]) -> None:
        """Is told by httpx what it does."""
        self._is_told = True
        if event.endswith("connect_tcp.complete"):
            self.has_connected, self._line = True, info["return_value"]
        elif event in ("proxy.start_tls.started", "socks.start_tls.started"):
            self._is_at_server = True
        elif event.endswith("send_request_headers.started") and info["request"].method == self.request.method.encode():
            if self._not_after is not None and tick() > self._not_after:
                raise too_late()
            self._has_begun = True
        elif event == "http11.send_request_headers.failed" and isinstance(
            info["exception"], httpcore.LocalProtocolError
        ):
            self._has_begun = False  # HTTP/1.1 is written down as a whole, or not at all.

    async def _answer(self, response: httpx.Response) -> HttpResponse:
        try:
            headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw]
            if len(headers) > _MOST_HEADERS:
                raise httpx.RemoteProtocolError("too many headers")
            body = Body(self.request.hints.max_response_bytes)
            async for chunk in response.aiter_raw():
                body.add(chunk)
            return HttpResponse(
                response.status_code, headers, body.unpacked(response.headers.get("content-encoding", ""))
            )
        finally:
            await response.aclose()

    def failure(self, error: Exception, *, is_over: bool = False) -> TransportError:
        """Why there is no answer."""
        if self._has_begun or not (self._is_told or isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout))):
            return incomplete(error, is_over)
        if isinstance(error, httpx.LocalProtocolError):
            return unwritable(error)
        return unreachable(self.request.target, self.proxy, _cause(error) if self._is_at_server else error)


def _cause(error: BaseException) -> BaseException:
    """A certificate that is not trusted, where httpx's own error was made from that."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return error
