"""Tasks of an event loop that may end at any moment, also before they have begun."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from types import TracebackType
from typing import Any, TypeVar

__all__ = ["begin_task"]

T = TypeVar("T")


def begin_task(loop: asyncio.AbstractEventLoop, work: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
    """Has ``work`` done by a task. Whoever calls this notices the end of the loop, and does not need to be told by the
    garbage collector that a task was pending then."""
    task = loop.create_task(_Begun(work))
    task._log_destroy_pending = False  # type: ignore[attr-defined] # As asyncio says it of those that gather() waits for.
    return task


class _Begun(Coroutine[Any, Any, T]):
    """A coroutine that exists from its first step on: one that no loop comes to was never created."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._work = work
        self._coroutine: Coroutine[Any, Any, T] | None = None

    def send(self, value: Any) -> Any:
        if self._coroutine is None:
            self._coroutine = self._work()
        return self._coroutine.send(value)

    def throw(
        self,
        kind: type[BaseException] | BaseException,
        value: BaseException | object = None,
        traceback: TracebackType | None = None,
    ) -> Any:
        """Cancelled before its first step, it never takes it."""
        error = kind if isinstance(kind, BaseException) else value if isinstance(value, BaseException) else kind()
        if self._coroutine is None:
            raise error
        return self._coroutine.throw(error)

    def close(self) -> None:
        if self._coroutine is not None:
            self._coroutine.close()

    def __await__(self) -> Generator[Any, None, T]:
        return self._work().__await__()
