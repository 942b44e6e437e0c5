"""Callers that wait. Each has a mailbox, into which whatever comes for its ticket is put from any thread."""

from __future__ import annotations

import queue
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from . import coordinator as co
from ._core import DevicePrompt, Event

if TYPE_CHECKING:
    from types import TracebackType

    from ._executor import Executor

__all__ = ["Mailbox", "News", "Nobody", "ThreadMailbox", "Waiting"]


class News(NamedTuple):
    """What comes to who waits: the answer, or what the user has to see."""

    what: co.Reply | DevicePrompt
    #: The events of the same step, in order.
    told: Sequence[Event] = ()


class Mailbox(Protocol):
    """Takes news from any thread, without waiting, and gives them to one who waits."""

    def put(self, news: News) -> None: ...
    async def get(self, limit: float | None) -> News | None:
        """The next one; None where none came within so many seconds."""


class ThreadMailbox:
    """For a thread: its coroutine never suspends."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[News] = queue.SimpleQueue()
        self.put = self._queue.put

    async def get(self, limit: float | None) -> News | None:
        try:
            return self._queue.get(timeout=limit)
        except queue.Empty:
            return None


class Nobody:
    """For answers that nobody waits for."""

    def put(self, news: News) -> None:
        pass

    async def get(self, limit: float | None) -> News | None:
        return None


class Waiting:
    """A call that was made. Who leaves the block before the answer gives it up."""

    def __init__(self, executor: Executor, ticket: int, mailbox: Mailbox) -> None:
        self._executor, self.ticket, self._mailbox = executor, ticket, mailbox

    def __enter__(self) -> Waiting:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.give_up(self.ticket)

    async def news(self) -> News:
        """What comes next."""
        while (news := await self.news_within(None)) is None:
            pass
        return news

    async def news_within(self, limit: float | None) -> News | None:
        """The same; None where nothing comes within so many seconds."""
        end = None if limit is None else time.monotonic() + limit
        while True:
            left, nap = (None if end is None else max(end - time.monotonic(), 0.0)), self._executor.nap()
            naps = nap is not None and (left is None or nap < left)
            news = await self._mailbox.get(nap if naps else left)
            if news is not None or not naps:
                return news
            self._executor.wake()

    async def reply(self) -> News:
        """The answer."""
        while isinstance((news := await self.news()).what, DevicePrompt):
            pass
        return news
