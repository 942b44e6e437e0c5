"""The jobs of an asyncio client: what blocks has a thread, and what is a coroutine function runs on the event loop.

The thread belongs to no loop. So a grant goes on when the loop is gone, unless its transport is a coroutine function:
then it ends with the loop, and is reported as lost.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from ._core import Secret
from ._errors import TransportError
from ._jobs import Jobs

__all__ = ["LoopJobs", "in_thread", "is_async"]

T = TypeVar("T")

#: How often a thread looks whether the loop that it waits for still runs, in seconds.
_LOOK = 0.2
#: A loop that was stopped in the middle of something, and not closed, may go on within this many seconds.
_PATIENCE = 10.0


def is_async(function: Callable[..., Any] | None) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))


class LoopJobs(Jobs):
    """``loop`` is the one on which the client is used."""

    loop: asyncio.AbstractEventLoop | None = None

    @property
    def has_async_store(self) -> bool:
        """Whether the store is read only when a loop runs."""
        return self._store is not None and is_async(self._store.load)

    def stored(self) -> Secret | None:
        return None if self.has_async_store else super().stored()

    def call(self, function: Callable[..., Any], *arguments: object, within: timedelta | None = None) -> Any:
        if is_async(function):
            return self._on_loop(within, function, *arguments)
        result = function(*arguments)
        return self._on_loop(within, lambda: result) if inspect.isawaitable(result) else result

    def ask(self, function: Callable[..., Any], *arguments: object, within: timedelta) -> Any:
        return self._on_loop(within, function, *arguments)

    def _on_loop(self, within: timedelta | None, function: Callable[..., Any], *arguments: object) -> Any:
        """Calls something on the loop, for a thread that waits. Raises where the loop ends before."""

        async def work() -> Any:
            result = function(*arguments)
            return await result if inspect.isawaitable(result) else result

        loop = self.loop
        coroutine = asyncio.wait_for(work(), None if within is None else within.total_seconds())
        try:
            if loop is None:
                raise RuntimeError
            future = asyncio.run_coroutine_threadsafe(coroutine, loop)
        except RuntimeError:
            coroutine.close()
            raise TransportError("there is no event loop", fault="not_sent") from None
        since = time.monotonic()
        while True:
            try:
                return future.result(_LOOK)
            except concurrent.futures.TimeoutError:
                if future.done():
                    raise
                if loop.is_running():
                    since = time.monotonic()
                elif loop.is_closed() or time.monotonic() - since > _PATIENCE:
                    future.cancel()
                    raise RuntimeError("the event loop is gone") from None


async def in_thread(function: Callable[..., T], *arguments: object) -> T:
    """Not the loop's own pool: threads that wait for a lock there could keep out the one that would free it."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result: T | None = None
        error: BaseException | None = None
        try:
            result = function(*arguments)
        except BaseException as raised:
            error = raised
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:
            pass  # The loop is closed.

    threading.Thread(target=work, name="webex-oauth", daemon=True).start()
    return await future
