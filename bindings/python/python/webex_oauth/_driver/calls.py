"""Calls of an API with the token: this driver's own, and those of other HTTP libraries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any

from .._calls import ApiRequest, ApiResponse
from .._core import Access, HttpResponse, Verdict
from .._errors import CallFailed, InvalidArgument, TransportError, without_frames
from .desk import Desk
from .tokens import Tokens

#: Scheme, host and port.
Origin = tuple[str, str | None, int | None]


def same_origin(one: Origin, other: Origin) -> bool:
    """Whether both are the same, however libraries write them: brackets, a dot at the end, capitals."""
    return _plain(one) == _plain(other)


def _plain(origin: Origin) -> Origin:
    scheme, host, port = origin
    return scheme, (host or "").strip("[]").rstrip(".").lower(), port or {"http": 80, "https": 443}.get(scheme)


class Calls:
    """Who may see the token, and what an API's answer means for it."""

    def __init__(
        self, desk: Desk, tokens: Tokens, transport: Callable[[Any], HttpResponse | Awaitable[HttpResponse]]
    ) -> None:
        self._desk = desk
        self._tokens = tokens
        self._transport = transport

    async def header_for(
        self, url: str, headers: Iterable[str], timeout: float | None = None, to: Origin | None = None
    ) -> Access.Ready | None:
        """The token for a request of somebody else, unless it has a header of its own or goes to another host.

        ``to`` is where the library that sends it will connect to: by its own reading of the URL, not the core's.
        """
        if any(name.lower() == "authorization" for name in headers):
            return None
        if not self._may_carry_token(url, to):
            await self._tell_withheld(url)
            return None
        return await self._tokens.ready(timeout)

    async def _tell_withheld(self, url: str) -> None:
        # What is no URL to call is the caller's mistake, and told by whoever sends it.
        with suppress(InvalidArgument):
            if not self._desk.closed:
                await self._desk.give(lambda session, now: session.called_without_token(now, url))

    def _may_carry_token(self, url: str, to: Origin | None) -> bool:
        try:
            judged = self._desk.config.judge_url(url)
        except InvalidArgument:
            return False
        target = judged.target
        is_same = to is None or same_origin(to, (target.scheme, target.host, target.port))
        return judged.may_carry_token and is_same

    async def answered(self, generation: int, status: int, retry_after: str | None) -> Access.Ready | None:
        """What an API's answer means; another token to try once, if it means that."""
        match self._desk.session.judge(self._desk.now(), status, retry_after):
            case Verdict.Rejected():
                return (await self._tokens.rejected(generation))[0]
            case Verdict.Embargoed():
                await self._embargoed()
            case _:
                pass
        return None

    async def call(self, request: ApiRequest, timeout: float | None, max_wait: float) -> ApiResponse:
        """Calls an API with the token: one replay after a 401, waits of a 429 as far as the caller has the time."""
        desk = self._desk
        access = await self.header_for(request.url, request.headers, timeout)
        replayed = False
        while True:
            response = await self._call_once(request, access)
            if access is None:
                return response
            match desk.session.judge(desk.now(), response.status, response.header("retry-after")):
                case Verdict.Rejected() if not replayed:
                    replayed = True
                    again, response.refresh_error = await self._tokens.rejected(access.generation, timeout)
                    if again is None:
                        return response
                    access = again
                case Verdict.Wait(wait=wait) if wait.total_seconds() <= max_wait:
                    max_wait -= wait.total_seconds()
                    await desk.io.sleep(wait.total_seconds())
                    access = await self._tokens.ready(timeout)
                case Verdict.Embargoed():
                    await self._embargoed()
                    return response
                case _:
                    return response

    async def _call_once(self, request: ApiRequest, access: Access.Ready | None) -> ApiResponse:
        try:
            return ApiResponse.of(await self._desk.io.call(self._transport, request.signed(access)))
        except TransportError as error:
            raise CallFailed(f"the call failed: {error}") from without_frames(error)
        except Exception as error:
            raise CallFailed(f"the call failed ({type(error).__name__})") from without_frames(error)

    async def _embargoed(self) -> None:
        await self._desk.give(lambda session, now: session.embargoed(now))
