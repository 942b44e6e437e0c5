"""Threads for jobs: one for each, or a few that many clients share."""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from ._timer import Later, call_later

__all__ = ["Crew", "start_thread"]

#: A thread of a crew ends when it has had nothing to do for so long, in seconds.
_IDLE = 0.5
#: Where no work is begun for so long while some waits, in seconds, the threads hang, and so many more may be begun.
_PATIENCE, _RESERVE = 2.0, 8


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
    """So many threads at most, and only as long as there is something to do. What finds all of them busy waits. Where
    all of them hang, a few more are begun, one after the other."""

    def __init__(self, most: int) -> None:
        self._most = max(most, 1)
        self.restart()
        _crews.add(self)

    def restart(self) -> None:
        """After a fork: the threads are the parent's, and so is what they were to do."""
        self._changed = threading.Condition()
        self._work: deque[Callable[[], object]] = deque()
        self._count = self._idle = 0
        #: How much of the work was begun: where this stands still, all of them hang.
        self._begun = 0
        self._alarm: Later | None = None
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
                self._watch()
                return
            self._count += 1
        try:
            self._add_thread()
        except RuntimeError:
            with self._changed:
                if self._count == 0 and work in self._work:
                    self._work.remove(work)
                    raise

    def _add_thread(self) -> None:
        """One that is counted already. Raises RuntimeError where the system gives none."""
        with self._changed:
            leaving, self._leaving = self._leaving, []
        for thread in leaving:
            # There are never more than that, not even for a moment.
            if thread is not threading.current_thread():
                thread.join()
        try:
            threading.Thread(target=self._run, name="webex-oauth-crew", daemon=True).start()
        except RuntimeError:
            with self._changed:
                self._count -= 1
            raise

    def _watch(self) -> None:
        """Under the lock: looks later whether anything of what waits has been begun."""
        if self._alarm is not None or self._count >= self._most + _RESERVE:
            return
        begun, changed = self._begun, self._changed
        try:
            self._alarm = call_later(_PATIENCE, lambda: self._look(begun, changed))
        except RuntimeError:
            pass  # With the next work.

    def _look(self, begun: int, changed: threading.Condition) -> None:
        with changed:
            if changed is not self._changed:
                return
            self._alarm = None
            if not self._work:
                return
            hang = self._begun == begun and self._idle == 0
            if hang:
                self._count += 1
            self._watch()
        if hang:
            with suppress(RuntimeError):
                self._add_thread()

    def _run(self) -> None:
        # A thread that forks goes on in the child, where it is not one of the crew.
        mine = self._changed
        try:
            while (work := self._next(mine)) is not None:
                work()
                del work
        except BaseException:
            self._lose_one(mine)
            raise

    def _next(self, mine: threading.Condition) -> Callable[[], object] | None:
        with mine:
            while mine is self._changed:
                if self._work:
                    self._begun += 1
                    return self._work.popleft()
                self._idle += 1
                came = mine.wait(_IDLE)
                self._idle -= 1
                if not came and not self._work:
                    self._count -= 1
                    self._leaving.append(threading.current_thread())
                    break
            return None

    def _lose_one(self, mine: threading.Condition) -> None:
        """Something has ended this thread in the middle: another one does what is left."""
        with mine:
            if mine is not self._changed:
                return
            is_left = len(self._work) > self._idle
            self._count -= not is_left
        if is_left:
            with suppress(RuntimeError):
                self._add_thread()
