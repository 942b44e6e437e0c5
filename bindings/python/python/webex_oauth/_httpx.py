"""``auth=client`` for httpx: its generators of requests, with one replay after a 401 that a refresh can help."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

    from ._api import Origin
    from ._async_client import AsyncClient
    from ._client import Client
    from ._core import Access

_classes: dict[type, type] = {}


def class_of(own: type) -> type:
    """What ``isinstance`` sees: a client is an ``httpx.Auth`` too, which it cannot say before httpx is imported."""
    module = sys.modules.get("httpx")
    auth = getattr(module, "Auth", None)
    if auth is None:
        return own
    if own not in _classes:
        _classes[own] = type(own.__name__, (own, auth), {"__module__": own.__module__})
    return _classes[own]


def _sign(request: httpx.Request, access: Access.Ready) -> None:
    request.headers["Authorization"] = access.token.expose_header()


def _origin(request: httpx.Request) -> Origin:
    """Where httpx connects to."""
    return request.url.scheme, request.url.raw_host.decode("ascii"), request.url.port


def _concerns(response: httpx.Response, access: Access.Ready) -> bool:
    """Not so after a redirect to another host: that request was without the token."""
    return bool(response.request.headers.get("Authorization") == access.token.expose_header())


def _can_replay(request: Any) -> bool:
    """A body that is a stream cannot be sent twice."""
    return hasattr(request, "_content")


def _retry_after(response: httpx.Response) -> str | None:
    value: str | None = response.headers.get("Retry-After")
    return value


def sync_auth_flow(client: Client, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
    access = client._header_for(str(request.url), request.headers.keys(), _origin(request))
    if access is not None:
        _sign(request, access)
    response = yield request
    if access is None or not _concerns(response, access):
        return
    again = client._answered(access.generation, response.status_code, _retry_after(response))
    if again is not None and _can_replay(request):
        _sign(request, again)
        yield request


async def threaded_auth_flow(client: Client, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
    """A blocking client under asyncio: what may wait does so in a thread."""
    access = await asyncio.to_thread(
        client._header_for, str(request.url), list(request.headers.keys()), _origin(request)
    )
    if access is not None:
        _sign(request, access)
    response = yield request
    if access is None or not _concerns(response, access):
        return
    again = await asyncio.to_thread(client._answered, access.generation, response.status_code, _retry_after(response))
    if again is not None and _can_replay(request):
        _sign(request, again)
        yield request


async def async_auth_flow(client: AsyncClient, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
    access = await client._header_for(str(request.url), request.headers.keys(), _origin(request))
    if access is not None:
        _sign(request, access)
    response = yield request
    if access is None or not _concerns(response, access):
        return
    again = await client._answered(access.generation, response.status_code, _retry_after(response))
    if again is not None and _can_replay(request):
        _sign(request, again)
        yield request
