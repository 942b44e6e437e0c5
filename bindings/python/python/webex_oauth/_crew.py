"""Threads for jobs: one for each, or a few that many clients share."""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable

__all__ = ["Crew", "start_thread"]

#: A thread of a crew ends when it has had nothing to do for so long, in seconds.
_IDLE = 0.5


def start_thread(work: Callable[[], object]) -> None:
    """Has ``work`` done by a thread of its own. Raises RuntimeError where the system gives none."""
    threading.Thread(target=work, name="webex-oauth-job", daemon=True).start()


#: Whose threads a fork does not copy.
_crews: weakref.WeakSet[Crew] = weakref.WeakSet()


def _after_fork() -> None:
    for crew in list(_crews):
        crew.restart()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Crew:
    """So many threads at most, and only as long as there is something to do. What finds all of them busy waits."""

    def __init__(self, most: int) -> None:
        self._most = max(most, 1)
        self.restart()
        _crews.add(self)

    def restart(self) -> None:
        """After a fork: the threads are the parent's, and so is what they were to do."""
        self._changed = threading.Condition()
        self._work: deque[Callable[[], object]] = deque()
        self._count = self._idle = 0
        #: Those that have just ended, or nearly.
        self._leaving: list[threading.Thread] = []

    def start(self, work: Callable[[], object]) -> None:
        """Has ``work`` done soon. Raises RuntimeError where the system gives no thread at all."""
        with self._changed:
            self._work.append(work)
            if self._idle >= len(self._work):
                self._changed.notify()
                return
            if self._count >= self._most:
                return
            self._count += 1
            leaving, self._leaving = self._leaving, []
        for thread in leaving:
            # There are never more than that, not even for a moment.
            thread.join()
        try:
            threading.Thread(target=self._run, name="webex-oauth-crew", daemon=True).start()
        except RuntimeError:
            with self._changed:
                self._count -= 1
                if self._count == 0 and work in self._work:
                    self._work.remove(work)
                    raise

    def _run(self) -> None:
        while (work := self._next()) is not None:
            work()

    def _next(self) -> Callable[[], object] | None:
        with self._changed:
            while not self._work:
                self._idle += 1
                came = self._changed.wait(_IDLE)
                self._idle -= 1
                if not came and not self._work:
                    self._count -= 1
                    self._leaving.append(threading.current_thread())
                    return None
            return self._work.popleft()
