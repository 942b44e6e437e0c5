"""Calls of an API with the token: a client's own, and those of other HTTP libraries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import timedelta

from . import coordinator as co
from ._calls import ApiRequest, ApiResponse
from ._core import Access, HttpResponse
from ._errors import CallFailed, Closed, InvalidArgument, TransportError, without_frames
from ._operations import Operations

__all__ = ["Origin", "call", "header_for"]

#: Scheme, host and port.
Origin = tuple[str, str | None, int | None]


def same_origin(one: Origin, other: Origin) -> bool:
    """Whether both are the same, however libraries write them: brackets, a dot at the end, capitals."""
    return _plain(one) == _plain(other)


def _plain(origin: Origin) -> Origin:
    scheme, host, port = origin
    return scheme, (host or "").strip("[]").rstrip(".").lower(), port or {"http": 80, "https": 443}.get(scheme)


async def header_for(
    operations: Operations, url: str, headers: Iterable[str], within: float | None = None, to: Origin | None = None
) -> Access.Ready | None:
    """The token for a request of somebody else, unless it has a header of its own or goes to another host.

    ``to`` is where the library that sends it will connect to: by its own reading of the URL, not the core's.
    """
    executor = operations.executor
    if executor.coordinator.is_closing:
        raise Closed("the client is closed")
    if any(name.lower() == "authorization" for name in headers):
        return None
    try:
        judged = operations.known.judge_url(url)
    except InvalidArgument:
        return None  # What is no URL to call is the caller's mistake, and told by whoever sends it.
    target = judged.target
    is_there = to is None or same_origin(to, (target.scheme, target.host, target.port))
    if judged.may_carry_token and is_there:
        return await operations.access(within)
    with suppress(InvalidArgument):
        executor.called_without_token(url)
    return None


async def call(
    operations: Operations,
    send: Callable[[ApiRequest], Awaitable[HttpResponse]],
    request: ApiRequest,
    within: float | None,
    max_wait: float,
) -> ApiResponse:
    """Calls an API with the token, and again as long as the answer asks for it."""
    access = await header_for(operations, request.url, request.headers, within)
    spent = co.Spent(limit=timedelta(seconds=max_wait))
    while True:
        response = await _call_once(send, request.signed(access))
        if access is None:
            return response
        again, spent, response.refresh_error = await operations.answered(
            access.generation, response.status, response.header("retry-after"), spent
        )
        if again is None:
            return response
        access = again


async def _call_once(send: Callable[[ApiRequest], Awaitable[HttpResponse]], request: ApiRequest) -> ApiResponse:
    try:
        return ApiResponse.of(await send(request))
    except TransportError as error:
        raise CallFailed(f"the call failed: {error}") from without_frames(error)
    except Exception as error:
        raise CallFailed(f"the call failed ({type(error).__name__})") from without_frames(error)
