"""One request and its answer, by urllib3's connections: its pools would read the URL once more, and send again."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

from ._answers import CHUNK, Body, headers_of, incomplete, too_late, unreachable, unwritable
from ._clocks import tick
from ._connections import Connection, Kept, open_connection, proxy_headers
from ._core import HttpResponse
from ._deadline import Deadline
from ._errors import TransportError
from ._proxies import proxy_to

if TYPE_CHECKING:
    import urllib3

    from ._calls import ApiRequest
    from ._core import HttpRequest

__all__ = ["exchange"]


def exchange(
    request: HttpRequest | ApiRequest, tls: Callable[[], ssl.SSLContext], kept: Kept, not_after: int | None
) -> HttpResponse:
    """Sends a request and reads the answer, all of it before the request's time is over."""
    with Deadline(request.hints.timeout.total_seconds()) as deadline:
        return _Exchange(request, deadline, tls, kept, not_after).run()


class _Exchange:
    def __init__(
        self,
        request: HttpRequest | ApiRequest,
        deadline: Deadline,
        tls: Callable[[], ssl.SSLContext],
        kept: Kept,
        not_after: int | None,
    ) -> None:
        self._request, self._deadline, self._tls, self._kept = request, deadline, tls, kept
        self._not_after = not_after
        self._target = target = request.target
        self._proxy = proxy_to(target)
        self._key = (target.scheme, target.host, target.port, self._proxy and self._proxy.key)

    def run(self) -> HttpResponse:
        if self._request.hints.idempotent and (connection := self._kept.take(self._key)) is not None:
            connection.use(self._deadline)
            try:
                return self._on(connection)
            except TransportError as error:
                # A connection that the server gave up meanwhile says nothing about the next one.
                if error.fault != "lost" or self._deadline.is_over:
                    raise
        return self._on(self._open())

    def _open(self) -> Connection:
        try:
            return open_connection(self._target, self._proxy, self._tls, self._deadline)
        except TransportError:
            raise
        except Exception as error:
            raise unreachable(self._target, self._proxy, error) from None

    def _on(self, connection: Connection) -> HttpResponse:
        is_over = True
        failure: TransportError
        try:
            self._send(connection)
            answer = connection.getresponse()
            body = self._read(answer)
            is_over = self._deadline.is_over or not self._request.hints.idempotent or not connection.is_usable
            return HttpResponse(answer.status, list(answer.headers.iteritems()), body)
        except TransportError as error:
            failure = error
        except Exception as error:
            failure = incomplete(error, self._deadline.is_over)
        finally:
            if is_over:
                connection.hang_up()
            else:
                self._kept.keep(self._key, connection)
        # Out here it has no context: the exceptions of libraries keep parts of the answer, and tokens may be in them.
        raise failure

    def _send(self, connection: Connection) -> None:
        request, target = self._request, self._target
        headers = headers_of(request)
        line = target.request_target
        if self._proxy is not None and target.scheme == "http" and not self._proxy.is_socks:
            line = target.url
            headers |= proxy_headers(self._proxy)
        body = request.expose_body()
        if self._not_after is not None and tick() > self._not_after:
            raise too_late()
        try:
            connection.request(request.method, line, body or None, headers, preload_content=False)
        except ValueError as error:
            # The standard library's own checks, made before anything is sent.
            raise unwritable(error) from None
        except BrokenPipeError:
            pass  # A server may answer before it has read everything.

    def _read(self, answer: urllib3.BaseHTTPResponse) -> bytes:
        body = Body(self._request.hints.max_response_bytes)
        while chunk := answer.read(min(CHUNK, body.room), decode_content=False):
            body.add(chunk)
        if self._deadline.is_over and answer.headers.get("Content-Length") is None and not answer.chunked:
            # It ends where the connection does, and that was us.
            raise incomplete(TimeoutError(), is_over=True)
        return body.unpacked(answer.headers.get("Content-Encoding", ""))
