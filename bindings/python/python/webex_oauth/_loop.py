"""Waiting and telling on an event loop."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from typing import Any

from ._events import ClientEvent, Outbox
from ._loop_tasks import begin_task
from ._waiting import News

__all__ = ["LoopMailbox", "LoopOutbox"]

logger = logging.getLogger("webex_oauth")


class LoopMailbox:
    """For a task of the running loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[News] = asyncio.Queue()

    def put(self, news: News) -> None:
        try:
            self._loop.call_soon_threadsafe(self._queue.put_nowait, news)
        except RuntimeError:
            pass  # The loop is closed, and who waited is gone.

    async def get(self, limit: float | None) -> News | None:
        if limit is None:
            return await self._queue.get()
        # What is there already, or just arriving.
        await asyncio.sleep(0)
        if not self._queue.empty():
            return self._queue.get_nowait()
        try:
            return await asyncio.wait_for(self._queue.get(), limit)
        except asyncio.TimeoutError:
            return None


class LoopOutbox(Outbox):
    """The same in a task on the event loop. Without a loop events wait for the next one."""

    def __init__(self, listener: Callable[[ClientEvent], Any] | None) -> None:
        super().__init__(listener)
        self.loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def rouse(self) -> None:
        if self._waiting and self.loop is not None:
            try:
                self.loop.call_soon_threadsafe(self._begin)
            except RuntimeError:
                pass  # The loop is closed.

    def _begin(self) -> None:
        """On the loop."""
        task = self._task
        if self._waiting and (task is None or task.done() or task.get_loop() is not self.loop):
            self._task = begin_task(asyncio.get_running_loop(), self._tell_all_there)

    async def _tell_all_there(self) -> None:
        while (event := self.next()) is not None:
            logger.info("%s: %r", event.name, event)
            if self._listener is None:
                continue
            try:
                result = self._listener(event)
                if inspect.isawaitable(result):
                    await result
            except Exception as error:
                self.raised(event, error)

    async def wait_until_told(self, limit: float) -> None:
        self.rouse()
        await asyncio.sleep(0)
        task = self._task
        if task is not None and task is not asyncio.current_task() and not task.done():
            await asyncio.wait((task,), timeout=limit)
