"""For httpx: ``httpx.Client(auth=webex_oauth.httpx.Auth(client))``, with one replay after a 401 that helps, and
``webex_oauth.AsyncClient(config, transport=webex_oauth.httpx.Transport())``, whose own requests go through httpx.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING, Any

import httpx

from ._async_client import AsyncClient
from ._client import Client
from ._errors import InvalidArgument
from ._httpx_transport import Transport

if TYPE_CHECKING:
    from ._api import Origin
    from ._core import Access

__all__ = ["Auth", "Transport"]


class Auth(httpx.Auth):
    """Signs the requests of httpx with the token of a client.

    An ``httpx.Client`` takes a :class:`webex_oauth.Client`; an ``httpx.AsyncClient`` takes either, a blocking one waits
    in a thread. A header that the caller set stays, another host never sees the token. After a 401 the token is renewed
    and the request sent once more, unless its body is a stream. Raises what ``client.token()`` raises.
    """

    def __init__(self, client: Client | AsyncClient) -> None:
        if not isinstance(client, (Client, AsyncClient)):
            raise InvalidArgument(
                "client: this is no webex_oauth.Client", argument="client", problem="expected Client or AsyncClient"
            )
        self._client = client

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if isinstance(self._client, AsyncClient):
            raise InvalidArgument(
                "auth: a blocking httpx.Client needs a webex_oauth.Client",
                argument="auth",
                problem="an AsyncClient cannot be waited for by blocking code",
            )
        return _blocking(self._client, request)

    def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        if isinstance(self._client, AsyncClient):
            return _waiting(self._client, request)
        return _threaded(self._client, request)


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


def _blocking(client: Client, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
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


async def _threaded(client: Client, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
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


async def _waiting(client: AsyncClient, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
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
