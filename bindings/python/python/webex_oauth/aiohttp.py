"""For aiohttp (3.12 or later): a middleware that signs requests, with one replay after a 401 that a refresh can help.

async with aiohttp.ClientSession(middlewares=(webex_oauth.aiohttp.middleware(client),)) as session:
    ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import aiohttp

    from ._async_client import AsyncClient

__all__ = ["middleware"]


def middleware(client: AsyncClient) -> aiohttp.ClientMiddlewareType:
    """A client middleware for ``aiohttp.ClientSession(middlewares=...)`` or for one request.

    A header that the caller set stays; another host never sees the token.
    """

    async def authorize(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        url = request.url
        access = await client._header_for(str(url), request.headers.keys(), (url.scheme, url.raw_host, url.port))
        if access is None:
            return await handler(request)
        request.headers["Authorization"] = access.token.expose_header()
        response = await handler(request)
        again = await client._answered(access.generation, response.status, response.headers.get("Retry-After"))
        body: Any = request.body
        if again is None or getattr(body, "consumed", False):
            return response
        response.release()
        request.headers["Authorization"] = again.token.expose_header()
        return await handler(request)

    return authorize
