"""How the asyncio client waits and works.

What belongs to an event loop ends with it. A grant does not: its answer may hold the only tokens that the server still
takes. So errands travel on threads of their own (:func:`webex_oauth._thread_io.start`), which step the very same
coroutines as the blocking client does, go on when the loop is gone, and are waited for by the interpreter.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from ._driver.io import Cancellable
from ._stores import MemoryStore
from ._thread_io import run, start

__all__ = ["TaskIO", "in_thread", "is_async"]

T = TypeVar("T")

#: How often a thread looks whether the loop that it waits for still runs, in seconds.
_LOOK = 0.2
#: A loop that was stopped in the middle of a turn, and not closed, may go on within this many seconds.
_LOOP_PATIENCE = 10.0


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """The loop of this thread; None in a thread that carries an errand."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class _Turn(asyncio.Task[T]):
    """A task that is carried to its end also where :func:`asyncio.run` cancels whatever is left: it is a matter of
    milliseconds, and what it does is never done by half."""

    def cancel(self, msg: Any = None) -> bool:
        return False


class _Lock:
    """A lock for tasks and threads. Nobody is held up by the task of a loop that is gone."""

    def __init__(self, loop: Callable[[], asyncio.AbstractEventLoop | None]) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_held_by_task = False

    async def __aenter__(self) -> None:
        if _running_loop() is None:
            self._acquire_blocking()
            self._is_held_by_task = False
            return
        while not self._lock.acquire(blocking=False):
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            # It may have been released in between, and nobody is told twice.
            await asyncio.wait((future,), timeout=_LOOK)
        self._is_held_by_task = True

    def _acquire_blocking(self) -> None:
        since = time.monotonic()
        while not self._lock.acquire(timeout=_LOOK):
            loop = self._loop()
            if not self._is_held_by_task or (loop is not None and loop.is_running()):
                since = time.monotonic()
            elif loop is None or loop.is_closed() or time.monotonic() - since > _LOOP_PATIENCE:
                # The task that holds it never goes on.
                return

    async def __aexit__(self, *_: object) -> None:
        with suppress(RuntimeError):
            self._lock.release()
        with suppress(IndexError):
            _tell_loop(self._loop(), _settle, self._waiting.popleft())


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _tell_loop(loop: asyncio.AbstractEventLoop | None, function: Callable[..., object], *arguments: Any) -> bool:
    """Has the loop call something; not so where there is none any longer."""
    if loop is None:
        return False
    try:
        loop.call_soon_threadsafe(function, *arguments)
    except RuntimeError:
        return False
    return True


class TaskIO:
    """Waits by suspending, works in tasks; what blocks, and what must outlive the loop, gets a thread of its own."""

    def __init__(self) -> None:
        self.version = 0
        self._waiting: set[asyncio.Future[None]] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """The loop on which callers wait from now on."""
        self._loop = loop

    def lock(self) -> _Lock:
        return _Lock(lambda: self._loop)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def wait(self, seen: int, limit: float | None) -> None:
        if self.version != seen:
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait((future,), timeout=limit)
        finally:
            self._waiting.discard(future)

    def wake(self) -> None:
        self.version += 1
        if _running_loop() is None:
            _tell_loop(self._loop, self._wake_all)
        else:
            self._wake_all()

    def _wake_all(self) -> None:
        for future in self._waiting:
            _settle(future)

    def later(self, seconds: float, function: Callable[[], None]) -> Cancellable | None:
        loop = self._loop
        if loop is None:
            return None
        if _running_loop() is loop:
            return loop.call_later(seconds, function)
        # From a thread: what is due is looked at on the loop.
        _tell_loop(loop, loop.call_later, seconds, function)
        return None

    def _task(self, work: Coroutine[Any, Any, T], kind: type[asyncio.Task[T]] = asyncio.Task) -> asyncio.Task[T]:
        task = kind(work, loop=asyncio.get_running_loop())
        # The loop itself holds tasks weakly.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def spawn(self, work: Coroutine[Any, Any, None], *, background: bool) -> None:
        if not background:
            start(work, background=False)
        elif _running_loop() is not None:
            self._task(work)
        elif not _tell_loop(self._loop, self._task, work):
            work.close()

    def tell(self, work: Coroutine[Any, Any, None]) -> None:
        if _running_loop() is not None:
            self._task(work)
        elif not _tell_loop(self._loop, self._task, work):
            run(work)

    async def shield(self, work: Coroutine[Any, Any, T]) -> T:
        """A caller that is cancelled does not stop what concerns everybody."""
        if _running_loop() is None:
            return await work
        return await asyncio.shield(self._task(work, _Turn))

    async def call(self, function: Callable[..., Any], *arguments: object) -> Any:
        if _running_loop() is None:
            if is_async(function):
                return self._on_loop(function, *arguments)
            result = function(*arguments)
            return self._on_loop(lambda: result) if inspect.isawaitable(result) else result
        if is_async(function):
            return await function(*arguments)
        if isinstance(getattr(function, "__self__", None), MemoryStore):
            return function(*arguments)
        result = await in_thread(function, *arguments)
        return await result if inspect.isawaitable(result) else result

    async def ask(self, function: Callable[..., Any], *arguments: object) -> Any:
        if _running_loop() is None and self._loop is not None and not self._loop.is_closed():
            return self._on_loop(function, *arguments)
        result = function(*arguments)
        return await result if inspect.isawaitable(result) else result

    def _on_loop(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Calls something on the loop, from a thread that can wait. Raises where the loop ends before."""

        async def work() -> Any:
            result = function(*arguments)
            return await result if inspect.isawaitable(result) else result

        loop, coroutine = self._loop, work()
        if loop is None or loop.is_closed():
            coroutine.close()
            raise RuntimeError("the event loop is gone")
        future = asyncio.run_coroutine_threadsafe(coroutine, loop)
        since = time.monotonic()
        while True:
            try:
                return future.result(_LOOK)
            except concurrent.futures.TimeoutError:
                if future.done():
                    raise
                if loop.is_running():
                    since = time.monotonic()
                elif loop.is_closed() or time.monotonic() - since > _LOOP_PATIENCE:
                    future.cancel()
                    raise RuntimeError("the event loop is gone") from None


def is_async(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))


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
        _tell_loop(loop, settle, result, error)

    threading.Thread(target=work, name="webex-oauth", daemon=True).start()
    return await future
