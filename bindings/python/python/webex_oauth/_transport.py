"""The transport of a client that brings none: the standard library's HTTP, without redirects, retries or cookies."""

from __future__ import annotations

import base64
import http.client
import ssl
import time
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from ._core import HttpRequest, HttpResponse
from ._errors import TransportError

__all__ = ["StdlibTransport"]

_CHUNK = 64 * 1024


class StdlibTransport:
    """Sends one request per call. Proxies are taken from the environment (``https_proxy``, ``no_proxy``); what stays on
    this machine goes through none.

    ``tls`` is for private certificate authorities; certificates and host names are always checked by default.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls

    def __call__(self, request: HttpRequest) -> HttpResponse:
        timeout = request.hints.timeout.total_seconds()
        end = time.monotonic() + timeout
        connection, target, extra = self._connect(request.url, timeout)
        try:
            return self._exchange(connection, target, extra, request, end)
        except TransportError:
            raise
        except (OSError, http.client.HTTPException) as error:
            # Not chained: an incomplete answer is kept in the exception, and tokens may be in it.
            raise TransportError(f"no complete answer ({type(error).__name__})", fault="lost") from None
        finally:
            connection.close()

    def _connect(self, url: str, timeout: float) -> tuple[http.client.HTTPConnection, str, dict[str, str]]:
        """Opens the connection; whatever fails here, the server cannot have seen the request."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        target = parts.path or "/"
        if parts.query:
            target += f"?{parts.query}"
        proxy = urlsplit("" if _is_loopback(host) or proxy_bypass(host) else getproxies().get(parts.scheme, ""))
        extra: dict[str, str] = {}
        auth: dict[str, str] = {}
        if proxy.username is not None:
            userinfo = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
            auth["Proxy-Authorization"] = "Basic " + base64.b64encode(userinfo.encode()).decode()
        address = (proxy.hostname, proxy.port) if proxy.hostname else (host, parts.port)
        connection: http.client.HTTPConnection
        try:
            if parts.scheme == "https":
                tls = self._tls or ssl.create_default_context()
                connection = http.client.HTTPSConnection(address[0], address[1], timeout=timeout, context=tls)
                if proxy.hostname:
                    connection.set_tunnel(host, parts.port or 443, auth)
            else:
                connection = http.client.HTTPConnection(address[0], address[1], timeout=timeout)
                if proxy.hostname:
                    target, extra = url, {**auth, "Host": parts.netloc}
            connection.connect()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise TransportError(f"{host} cannot be reached ({type(error).__name__})", fault="not_sent") from None
        return connection, target, extra

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        target: str,
        extra: dict[str, str],
        request: HttpRequest,
        end: float,
    ) -> HttpResponse:
        connection.request(
            request.method,
            target,
            body=request.expose_body(),
            headers={"User-Agent": "webex-oauth-python", **request.expose_headers(), **extra},
        )
        response = connection.getresponse()
        most = request.hints.max_response_bytes
        body = bytearray()
        while chunk := response.read(min(_CHUNK, most + 1 - len(body))):
            body += chunk
            if len(body) > most:
                raise TransportError("the answer is too large", fault="too_large")
            if time.monotonic() > end:
                raise TransportError("no complete answer in time", fault="lost")
        if response.length:
            raise TransportError("the answer was cut short", fault="lost")
        return HttpResponse(response.status, response.getheaders(), bytes(body))

    def __repr__(self) -> str:
        return "StdlibTransport()"


def _is_loopback(host: str) -> bool:
    """Plain http is allowed there because nobody else sees it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
