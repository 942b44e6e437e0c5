"""The transports of this package, each behind a client whose calls block: what holds for one holds for all."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import webex_oauth.httpx
from webex_oauth import ApiResponse, AsyncClient, Client, Config, HttpTransport

__all__ = ["TRANSPORTS", "Caller"]

T = TypeVar("T")


class Caller:
    """A client that calls APIs."""

    def __init__(self, config: Config, *, tls: ssl.SSLContext | None = None) -> None:
        raise NotImplementedError

    def call(self, url: str, **more: Any) -> ApiResponse:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Urllib3(Caller):
    def __init__(self, config: Config, *, tls: ssl.SSLContext | None = None) -> None:
        self._client = Client(config, transport=None if tls is None else HttpTransport(tls=tls))

    def call(self, url: str, **more: Any) -> ApiResponse:
        return self._client.call(url, **more)

    def close(self) -> None:
        self._client.close()


class _Httpx(Caller):
    def __init__(self, config: Config, *, tls: ssl.SSLContext | None = None) -> None:
        self._loop = asyncio.new_event_loop()
        self._client = AsyncClient(config, transport=webex_oauth.httpx.Transport(tls=tls))

    def call(self, url: str, **more: Any) -> ApiResponse:
        return self._run(lambda: self._client.call(url, **more))

    def close(self) -> None:
        self._run(self._client.close)
        self._loop.close()

    def _run(self, work: Callable[[], Awaitable[T]]) -> T:
        async def main() -> T:
            return await work()

        return self._loop.run_until_complete(main())


TRANSPORTS: dict[str, type[Caller]] = {"urllib3": _Urllib3, "httpx": _Httpx}
