"""How a driver waits, starts work, and calls what may block."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol, TypeVar

from .._errors import InvalidArgument

T = TypeVar("T")
Clock = Callable[[], datetime | int]


class Cancellable(Protocol):
    """Something that is to be done later, unless it is cancelled."""

    def cancel(self) -> None: ...


class IO(Protocol):
    """What the blocking client and the asyncio one do differently. The parts of the driver wait through it alone."""

    def lock(self) -> AbstractAsyncContextManager[object]: ...
    async def wait(self, seen: int, limit: float | None) -> None: ...
    async def sleep(self, seconds: float) -> None: ...
    def wake(self) -> None: ...
    @property
    def version(self) -> int: ...
    def later(self, seconds: float, function: Callable[[], None]) -> Cancellable | None: ...
    def spawn(self, work: Coroutine[Any, Any, None], *, background: bool) -> None: ...
    def tell(self, work: Coroutine[Any, Any, None]) -> None: ...
    async def shield(self, work: Coroutine[Any, Any, T]) -> T: ...
    async def call(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Calls what may block: a store, a transport."""

    async def ask(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Calls what the application wrote for this kind of client: listeners, callbacks."""


class Deadline:
    """How long somebody waits, in seconds; None is for ever."""

    def __init__(self, timeout: float | None) -> None:
        self._end = None if timeout is None else time.monotonic() + timeout

    def left(self) -> float | None:
        """What :meth:`IO.wait` takes as its limit."""
        return None if self._end is None else self._end - time.monotonic()


def system_clock() -> int:
    return time.time_ns() // 1_000_000


def milliseconds_of(clock: Clock | None) -> Callable[[], int]:
    """The clock of a client, in milliseconds since 1970."""
    if clock is None:
        return system_clock

    def now() -> int:
        reading = clock()
        if not isinstance(reading, datetime):
            return int(reading)
        if reading.tzinfo is None:
            raise InvalidArgument(
                "clock: returned a datetime without a time zone", argument="clock", problem="a naive datetime"
            )
        return int(reading.timestamp() * 1000)

    return now
