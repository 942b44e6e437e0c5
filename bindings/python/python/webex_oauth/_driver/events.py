"""What the application hears of: the events of the session, and those of its store."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from .._core import Event
from .._errors import StoreError, without_frames
from .io import IO

logger = logging.getLogger("webex_oauth")


class StoreFailed:
    """Event of a client: its store does not do what it should. The session goes on in memory and tries again."""

    __match_args__ = ("error",)
    name = "store:error"

    def __init__(self, error: StoreError) -> None:
        self.error = error

    def __repr__(self) -> str:
        return f"StoreFailed(error={self.error!r})"


class StoreRecovered:
    """Event of a client: what could not be saved is saved now."""

    __match_args__ = ()
    name = "store:ready"

    def __repr__(self) -> str:
        return "StoreRecovered()"


ClientEvent = Event | StoreFailed | StoreRecovered


class Events:
    """Tells a listener what happened, in order."""

    def __init__(self, io: IO, listener: Callable[[ClientEvent], object] | None) -> None:
        self._listener = listener
        self.restart(io)

    def restart(self, io: IO) -> None:
        self._io = io
        self._telling = threading.Lock()
        self._untold: deque[ClientEvent] = deque()

    def note(self, event: ClientEvent) -> None:
        """To be told when whoever notes it holds no lock any longer."""
        self._untold.append(event)

    def note_failure(self, error: Exception, what: str) -> None:
        """The store did not do what it should: it "cannot be read", say."""
        if isinstance(error, StoreError):
            problem = error
        else:
            problem = StoreError(f"the store {what} ({type(error).__name__})")
            problem.__cause__ = without_frames(error)
        logger.warning("%s", problem)
        self.note(StoreFailed(problem))

    def tell(self) -> None:
        """Tells what happened, in order and without a lock: a listener may use the client."""
        if self._untold:
            self._io.tell(self._tell_all())

    async def _tell_all(self) -> None:
        # Whoever holds it also tells what comes meanwhile. A listener may fork: its child has another one after that.
        while self._untold and (telling := self._telling).acquire(blocking=False):
            try:
                while self._untold:
                    await self._tell_one(self._untold.popleft())
            finally:
                telling.release()

    async def _tell_one(self, event: ClientEvent) -> None:
        logger.info("%s: %r", event.name, event)
        if self._listener is None:
            return
        try:
            await self._io.ask(self._listener, event)
        except Exception as error:
            # Its message may quote anything.
            logger.error("the callback for events raised %s at %s", type(error).__name__, event.name)
