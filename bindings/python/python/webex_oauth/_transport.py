"""The transport of a client that brings none. What it is made of is loaded by the first request."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

    from ._calls import ApiRequest
    from ._connections import Kept
    from ._core import HttpRequest, HttpResponse

__all__ = ["HttpTransport"]


class HttpTransport:
    """Sends one request per call by urllib3, to the address that the core has read out of its URL.

    The whole exchange ends at ``request.hints.timeout``, whatever the server drips. Proxies are taken from the
    environment (``https_proxy``, ``http_proxy``, ``all_proxy``, ``no_proxy``: docs/operations.md has the rule); what
    stays on this machine goes through none. Redirects are answers, nothing is sent twice that must not be, and such a
    request gets a connection of its own.

    ``tls`` is for private certificate authorities; certificates and host names are always checked by default.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._kept: Kept | None = None

    def __call__(self, request: HttpRequest | ApiRequest) -> HttpResponse:
        return self.send_by(request, None)

    def send_by(self, request: HttpRequest | ApiRequest, not_after: int | None) -> HttpResponse:
        """The same, unless the monotonic clock reads later right before the first byte: then it is ``not_sent``."""
        from ._connections import Kept
        from ._exchange import exchange

        if self._kept is None:
            self._kept = Kept()
        return exchange(request, self._context, self._kept, not_after)

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            import ssl

            self._tls = ssl.create_default_context()
        return self._tls

    def close(self) -> None:
        """Closes the connections that are kept. The transport can be used again."""
        if self._kept is not None:
            self._kept.close()

    def __repr__(self) -> str:
        return "HttpTransport()"
