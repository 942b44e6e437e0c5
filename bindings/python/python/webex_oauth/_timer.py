"""One thread per process that does things later: ends of requests, and what clients want to be woken for.

What it does must be over at once: it shuts down a connection, or starts a thread for whatever takes longer.
"""

from __future__ import annotations

import heapq
import logging
import os
import threading
import time
from collections.abc import Callable

__all__ = ["Later", "call_later"]

logger = logging.getLogger("webex_oauth")

#: The thread ends when it has had nothing to do for so long, in seconds.
_IDLE = 5.0


class Later:
    """Something that is to be done, unless it is cancelled before."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[], object]) -> None:
        self._function: Callable[[], object] | None = function

    def cancel(self) -> None:
        # No lock: this may be called by the garbage collector, in the middle of anything.
        self._function = None

    @property
    def is_cancelled(self) -> bool:
        return self._function is None

    def run(self) -> None:
        function, self._function = self._function, None
        if function is not None:
            try:
                function()
            except Exception as error:
                logger.error("what was to be done later raised %s", type(error).__name__)


class _Timer:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heap: list[tuple[float, int, Later]] = []
        self._number = 0
        self._sweep_at = 64
        self._thread: threading.Thread | None = None

    def add(self, seconds: float, function: Callable[[], object]) -> Later:
        later = Later(function)
        with self._changed:
            self._number += 1
            heapq.heappush(self._heap, (time.monotonic() + seconds, self._number, later))
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="webex-oauth-timer", daemon=True)
                thread.start()
                self._thread = thread
            elif self._heap[0][2] is later:
                self._changed.notify()
            if len(self._heap) > self._sweep_at:
                # Most of what is to be done later is cancelled long before its time.
                self._heap = [entry for entry in self._heap if not entry[2].is_cancelled]
                heapq.heapify(self._heap)
                self._sweep_at = max(64, 2 * len(self._heap))
        return later

    def _run(self) -> None:
        while (later := self._next()) is not None:
            later.run()

    def _next(self) -> Later | None:
        """What is due, as soon as something is; None where there was nothing for a while: the thread ends."""
        with self._changed:
            while True:
                while self._heap and self._heap[0][2].is_cancelled:
                    heapq.heappop(self._heap)
                if not self._heap:
                    if not self._changed.wait(_IDLE) and not self._heap:
                        self._thread = None
                        return None
                    continue
                left = self._heap[0][0] - time.monotonic()
                if left <= 0:
                    return heapq.heappop(self._heap)[2]
                self._changed.wait(left)


_timer = _Timer()


def _after_fork() -> None:
    """The thread is the parent's, and so is what it was to do."""
    global _timer
    _timer = _Timer()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def call_later(seconds: float, function: Callable[[], object]) -> Later:
    """Has ``function`` called in so many seconds. Raises RuntimeError where the system gives no thread."""
    return _timer.add(seconds, function)
