"""One thread per process that does things later: ends of requests, and what clients want to be woken for.

What it does must be over at once: it shuts down a connection, or starts a thread for whatever takes longer.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import queue
import threading
import time
from collections.abc import Callable

__all__ = ["Later", "call_later", "look"]

logger = logging.getLogger("webex_oauth")

#: The thread ends when it has had nothing to do for so long, in seconds.
_IDLE = 0.2


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
        self._lock = threading.Lock()
        self._heap: list[tuple[float, int, Later]] = []
        self._number = itertools.count()
        self._sweep_at = 64
        #: Wakes the thread. It may be put into by the garbage collector, in the middle of anything.
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def add(self, seconds: float, function: Callable[[], object]) -> Later:
        later = Later(function)
        entry = (time.monotonic() + seconds, next(self._number), later)
        with self._lock:
            heapq.heappush(self._heap, entry)
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="webex-oauth-timer", daemon=True)
                thread.start()
                self._thread = thread
            elif self._heap[0] is entry:
                self._bell.put(None)
            if len(self._heap) > self._sweep_at:
                # Most of what is to be done later is cancelled long before its time.
                self._sweep()
                self._sweep_at = max(64, 2 * len(self._heap))
        return later

    def look(self) -> None:
        """Something was cancelled for good: there may be nothing left to wait for."""
        if self._thread is not None:
            self._bell.put(None)

    def _sweep(self) -> None:
        self._heap = [entry for entry in self._heap if not entry[2].is_cancelled]
        heapq.heapify(self._heap)

    def _run(self) -> None:
        is_idle = False
        while True:
            due, pause = self._next(is_idle)
            if pause is None:
                return
            is_idle = due is None and not self._rings(pause)
            if due is not None:
                due.run()

    def _rings(self, within: float) -> bool:
        """Waits for the bell. One look is enough for all who ring."""
        try:
            self._bell.get(timeout=within)
        except queue.Empty:
            return False
        while not self._bell.empty():
            self._bell.get_nowait()
        return True

    def _next(self, is_idle: bool) -> tuple[Later | None, float | None]:
        """What is due, and how long there is nothing to do; not at all any longer: the thread ends."""
        with self._lock:
            while self._heap and self._heap[0][2].is_cancelled:
                heapq.heappop(self._heap)
            if self._heap:
                left = self._heap[0][0] - time.monotonic()
                return (heapq.heappop(self._heap)[2], 0.0) if left <= 0 else (None, left)
            if is_idle:
                self._thread = None
                return None, None
            return None, _IDLE


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


def look() -> None:
    """Some of what was to be done later was cancelled, as its client is gone."""
    _timer.look()
