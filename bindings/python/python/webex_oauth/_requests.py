"""``auth=client`` for requests: the header, and one replay after a 401 that a refresh can help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ._errors import InvalidArgument

if TYPE_CHECKING:
    from ._api import Origin
    from ._client import Client

R = TypeVar("R")


def authorize(client: Client, request: R) -> R:
    """Signs a ``requests.PreparedRequest``. A header that the caller set stays, another host never sees the token."""
    prepared: Any = request
    if not hasattr(prepared, "register_hook"):
        raise InvalidArgument(
            "auth: this is not a request of the requests package; for httpx use webex_oauth.httpx.Auth(client)",
            argument="request",
            problem="expected requests.PreparedRequest",
        )
    access = client._header_for(prepared.url, prepared.headers, _origin(prepared.url))
    if access is None:
        return request
    prepared.headers["Authorization"] = access.token.expose_header()
    start = _position(prepared.body)
    generation = access.generation

    def answered(response: Any, **kwargs: Any) -> Any:
        # After a redirect to another host it is a request without the token: its answer says nothing about it.
        if response.request.headers.get("Authorization") != access.token.expose_header():
            return response
        again = client._answered(generation, response.status_code, response.headers.get("Retry-After"))
        sent = response.request.body
        if again is None or (start is None and not isinstance(sent, (str, bytes, type(None)))):
            return response
        if start is not None and not _rewound(sent, start):
            return response
        # Frees the connection for the second attempt.
        _ = response.content
        response.close()
        second = response.request.copy()
        second.headers["Authorization"] = again.token.expose_header()
        second.deregister_hook("response", answered)
        result = response.connection.send(second, **kwargs)
        result.history.append(response)
        result.request = second
        return result

    prepared.register_hook("response", answered)
    return request


def _origin(url: str) -> Origin:
    """Where requests connects to: by the reading of its urllib3."""
    from urllib3.util import parse_url

    parts = parse_url(url)
    return parts.scheme or "", parts.host, parts.port


def _position(body: Any) -> int | None:
    """Where a body begins that can be read again: a file can, a pipe and a generator cannot."""
    try:
        position: int = body.tell()
        body.seek(position)
    except (AttributeError, OSError, ValueError):
        return None
    return position


def _rewound(body: Any, start: int) -> bool:
    try:
        body.seek(start)
    except (AttributeError, OSError, ValueError):
        return False
    return True
