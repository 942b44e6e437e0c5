"""Transports of this package, and the one of a client that brings none. What they are made of is loaded by the first
request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from typing import TypeGuard

    from ._calls import ApiRequest
    from ._connections import Kept
    from ._core import HttpRequest, HttpResponse

__all__ = ["HttpTransport", "OwnTransport", "is_own", "release"]


class OwnTransport(Protocol):
    """One of this package: it keeps the time by itself."""

    def __call__(self, request: Any) -> Any: ...

    @property
    def sender(self) -> Callable[[Any, int | None], Any]:
        """Sends a request, unless the monotonic clock reads later right before the first byte: then it is
        ``not_sent``. A coroutine function where requests belong to the application's event loop."""


def is_own(transport: object) -> TypeGuard[OwnTransport]:
    """Whether it is one, and none made from it, which may send in another way."""
    return "sender" in vars(type(transport))


async def release(transport: object) -> None:
    """Closes what it keeps on this event loop, where it does."""
    if is_own(transport) and (aclose := getattr(transport, "aclose", None)) is not None:
        await aclose()


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

    @property
    def sender(self) -> Callable[[HttpRequest | ApiRequest, int | None], HttpResponse]:
        """See :class:`OwnTransport`."""
        return self.send_by

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
