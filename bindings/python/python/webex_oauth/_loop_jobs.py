"""The jobs of an asyncio client: what blocks has a thread, and what is a coroutine function runs on the event loop.

The thread belongs to no loop. So a grant goes on when the loop is gone, unless its transport is a coroutine function of
the application's: then it ends with the loop, and is reported as lost. The one that sends by httpx gives each grant a
loop of its own, in that thread.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

from . import coordinator as co
from ._core import Secret
from ._errors import TransportError
from ._in_time import is_async
from ._jobs import Jobs, saved
from ._loop_tasks import begin_task
from ._stores import as_snapshot
from ._timer import Later, call_later

__all__ = ["LoopJobs", "in_thread"]

T = TypeVar("T")

#: How often a thread looks whether the loop that it waits for still runs, in seconds.
_LOOK = 0.2
#: The same of what nobody waits for, where it has been out for long.
_SELDOM = 5.0
#: A loop that was stopped in the middle of something, and not closed, may go on within this many seconds.
_PATIENCE = 10.0


class LoopJobs(Jobs):
    """``loop`` is the one on which the client is used."""

    loop: asyncio.AbstractEventLoop | None = None

    def restart(self) -> None:
        super().restart()
        #: The loop keeps no hold of its tasks.
        self._lent: set[_Lent] = set()

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

    def lend(self, op: co.Op, report: Callable[[co.Done], None]) -> bool:
        """A store of coroutines is used by a task of the loop, as long as there is one."""
        loop = self.loop
        if loop is None or not loop.is_running() or not (isinstance(op, (co.Load, co.Save)) and self.has_async_store):
            return False

        def settle(task: asyncio.Task[co.Done] | None) -> None:
            everything.discard(lent)
            report(self._result_of(op, task))

        lent, everything = _Lent(loop, lambda: self._on_this_loop(op), settle), self._lent
        everything.add(lent)
        try:
            loop.call_soon_threadsafe(lent.begin)
        except RuntimeError:
            everything.discard(lent)
            return False
        lent.watch()
        return True

    def look(self) -> None:
        """What was lent to a loop that is closed is lost: nobody waits for that on the next one."""
        for lent in list(self._lent):
            lent.look()

    async def _on_this_loop(self, op: co.Load | co.Save) -> co.Done:
        assert self._store is not None
        what = "cannot be read" if isinstance(op, co.Load) else "cannot save"
        try:
            if isinstance(op, co.Load):
                load: Callable[[], Any] = self._store.load
                return co.Loaded(as_snapshot(await load()))
            return saved(await self.saving(op)())
        except Exception as error:
            return self.store_failed(error, what)

    def _result_of(self, op: co.Op, task: asyncio.Task[co.Done] | None) -> co.Done:
        if task is None or task.cancelled() or task.exception() is not None:
            return self.failed(op, "lost", "the event loop is gone")
        return task.result()

    def at_store(self, function: Callable[..., Any], *arguments: object) -> Any:
        """What is to be stored when the loop has ended is stored all the same, on a loop for the purpose."""
        loop = self.loop
        if is_async(function) and (loop is None or loop.is_closed()):
            return asyncio.run(function(*arguments))
        return self.call(function, *arguments)

    def ask(self, function: Callable[..., Any], *arguments: object, within: timedelta) -> Any:
        return self._on_loop(within, function, *arguments)

    def _on_loop(self, within: timedelta | None, function: Callable[..., Any], *arguments: object) -> Any:
        """Calls something on the loop, for a thread that waits. Raises where the loop ends before."""
        errand = _Errand(function, arguments, None if within is None else within.total_seconds())
        loop = self.loop
        try:
            if loop is None:
                raise RuntimeError
            loop.call_soon_threadsafe(errand.begin)
        except RuntimeError:
            raise TransportError("there is no event loop", fault="not_sent") from None
        since = time.monotonic()
        while True:
            try:
                return errand.outcome.result(_LOOK)
            except concurrent.futures.TimeoutError:
                if errand.outcome.done():
                    raise
                if loop.is_running():
                    since = time.monotonic()
                elif loop.is_closed() or time.monotonic() - since > _PATIENCE:
                    errand.give_up()
                    raise RuntimeError("the event loop is gone") from None


class _Lent:
    """A job that a loop does in a task, which ends, or is lost with the loop: one that is closed in the middle of it
    tells nobody."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        work: Callable[[], Coroutine[Any, Any, co.Done]],
        settle: Callable[[asyncio.Task[co.Done] | None], None],
    ) -> None:
        self._loop, self._work, self._settle = loop, work, settle
        self._task: asyncio.Task[co.Done] | None = None
        self._alarm: Later | None = None
        #: It doubles: thousands of them that wait for one store would keep the timer busy.
        self._pause = _LOOK
        self._is_over = False

    def begin(self) -> None:
        """On the loop."""
        self._task = begin_task(self._loop, self._work)
        # Also of one that was cancelled before it began, as at the end of the loop.
        self._task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[co.Done] | None) -> None:
        if not self._is_over:
            self._is_over = True
            if self._alarm is not None:
                self._alarm.cancel()
            self._settle(task)

    def watch(self) -> None:
        """Looks from time to time, in case that nobody comes with another loop."""
        with suppress(RuntimeError):  # No thread: who waits has an end.
            self._alarm = call_later(self._pause, self._look_again)
        self._pause = min(2 * self._pause, _SELDOM)
        if self._is_over and self._alarm is not None:
            self._alarm.cancel()

    def _look_again(self) -> None:
        self.look()
        if not self._is_over:
            self.watch()

    def look(self) -> None:
        if self._loop.is_closed():
            self._end(None)


class _Errand:
    """Something to be done on a loop for a thread."""

    def __init__(self, function: Callable[..., Any], arguments: tuple[object, ...], within: float | None) -> None:
        self.outcome: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self._function, self._arguments, self._within = function, arguments, within
        self._task: asyncio.Task[Any] | None = None

    def begin(self) -> None:
        """On the loop."""
        if not self.outcome.done():
            self._task = begin_task(asyncio.get_running_loop(), self._in_time)
            self._task.add_done_callback(self._settle)

    async def _in_time(self) -> Any:
        return await asyncio.wait_for(begin_task(asyncio.get_running_loop(), self._work), self._within)

    async def _work(self) -> Any:
        result = self._function(*self._arguments)
        return await result if inspect.isawaitable(result) else result

    def _settle(self, task: asyncio.Task[Any]) -> None:
        if task.cancelled():
            error: BaseException | None = concurrent.futures.CancelledError()
        else:
            error = task.exception()
        with suppress(concurrent.futures.InvalidStateError):
            if error is None:
                self.outcome.set_result(task.result())
            else:
                self.outcome.set_exception(error)

    def give_up(self) -> None:
        """Nobody waits for it any longer."""
        self.outcome.cancel()
        if (task := self._task) is not None:
            with suppress(RuntimeError):  # The loop is closed, and ended it.
                task.get_loop().call_soon_threadsafe(task.cancel)


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
