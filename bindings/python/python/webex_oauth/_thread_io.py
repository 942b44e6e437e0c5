"""How the blocking client waits and works."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ._driver.io import Cancellable
from ._timer import call_later

__all__ = ["ThreadIO", "run", "start"]

T = TypeVar("T")

#: No errand takes longer, in seconds: a lock is waited for, and a request is sent.
_CARRIED = 600.0


def run(work: Coroutine[Any, Any, T]) -> T:
    """Steps a coroutine of the driver: with a blocking IO it never suspends."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise AssertionError("a blocking client must not suspend")


def start(work: Coroutine[Any, Any, None], *, background: bool) -> None:
    """A thread. The interpreter waits for those that are not in the background: their answers hold tokens."""
    # An interpreter that waits for this starts no thread any longer: the one with the clock has to run by then.
    alarm = None if background else ThreadIO().later(_CARRIED, lambda: None)
    try:
        threading.Thread(target=_carry, args=(work, alarm), name="webex-oauth", daemon=background).start()
    except RuntimeError:
        # The interpreter is shutting down, or the system gives no thread.
        if background:
            work.close()
        else:
            _carry(work, alarm)


def _carry(work: Coroutine[Any, Any, None], alarm: Cancellable | None) -> None:
    try:
        run(work)
    finally:
        if alarm is not None:
            alarm.cancel()


class _Lock:
    def __init__(self) -> None:
        self._lock = threading.Lock()

    async def __aenter__(self) -> None:
        self._lock.acquire()

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()


class ThreadIO:
    """Waits by blocking, works in threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.version = 0

    def lock(self) -> _Lock:
        return _Lock()

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    async def wait(self, seen: int, limit: float | None) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.version != seen, limit)

    def wake(self) -> None:
        with self._changed:
            self.version += 1
            self._changed.notify_all()

    def later(self, seconds: float, function: Callable[[], None]) -> Cancellable | None:
        try:
            return call_later(seconds, function)
        except RuntimeError:
            return None  # No thread now: the next turn tries again.

    def spawn(self, work: Coroutine[Any, Any, None], *, background: bool) -> None:
        start(work, background=background)

    def tell(self, work: Coroutine[Any, Any, None]) -> None:
        run(work)

    async def shield(self, work: Coroutine[Any, Any, T]) -> T:
        return await work

    async def call(self, function: Callable[..., Any], *arguments: object) -> Any:
        return function(*arguments)

    ask = call
