"""What the application hears of: the events of the session, and those of its store."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from ._core import Event
from ._crew import start_thread
from ._errors import StoreError
from ._timer import call_later

__all__ = ["ClientEvent", "Outbox", "StoreFailed", "StoreRecovered"]

logger = logging.getLogger("webex_oauth")

#: So many events wait for a listener that does not take them; what comes then is lost to it.
MOST_WAITING = 1024
#: No thread for the listener: another attempt, in seconds.
_AGAIN = 1.0


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


class Outbox:
    """Hands events to the listener in their order, on a thread that there is as long as any wait."""

    def __init__(
        self,
        listener: Callable[[ClientEvent], object] | None,
        start: Callable[[Callable[[], object]], None] = start_thread,
    ) -> None:
        self._listener, self._start = listener, start
        self.restart()

    def restart(self) -> None:
        """After a fork: what was not told yet is told by the parent."""
        self._lock = threading.Lock()
        self._waiting: deque[ClientEvent] = deque()
        #: Stands for whoever tells, as long as somebody does; and that one's thread.
        self._teller: object | None = None
        self._thread: threading.Thread | None = None
        self._is_empty = threading.Event()
        self._is_empty.set()

    def put(self, event: ClientEvent) -> None:
        """Waits for nobody. :meth:`rouse` is called when whoever put it holds no lock any longer."""
        if isinstance(event, StoreFailed):
            logger.warning("%s", event.error)
        if self._listener is None and not logger.isEnabledFor(logging.INFO):
            return
        with self._lock:
            if len(self._waiting) < MOST_WAITING:
                self._waiting.append(event)
                self._is_empty.clear()

    def rouse(self) -> None:
        """Somebody has to tell."""
        if not self._waiting:
            return
        with self._lock:
            if self._teller is not None or not self._waiting:
                return
            self._teller = teller = object()
        try:
            self._start(lambda: self._tell_all(teller))
        except RuntimeError:
            with self._lock:
                self._teller = None
            self._again()

    def _again(self) -> None:
        try:
            call_later(_AGAIN, self.rouse)
        except RuntimeError:
            pass  # With the next event.

    def next(self) -> ClientEvent | None:
        """The next one to tell; None where there is none: then nobody tells any longer."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._teller = None
            self._is_empty.set()
            return None

    def _tell_all(self, teller: object) -> None:
        self._thread = threading.current_thread()
        # A listener may fork: its child has nothing to tell after that.
        while self._teller is teller and (event := self.next()) is not None:
            self._tell(event)

    def _tell(self, event: ClientEvent) -> None:
        logger.info("%s: %r", event.name, event)
        if self._listener is not None:
            try:
                self._listener(event)
            except Exception as error:
                self.raised(event, error)

    def raised(self, event: ClientEvent, error: Exception) -> None:
        # Its message may quote anything.
        logger.error("the callback for events raised %s at %s", type(error).__name__, event.name)

    async def wait_until_told(self, limit: float) -> None:
        """Waits until the listener has heard of everything, unless it is the listener who waits."""
        if self._teller is None or threading.current_thread() is not self._thread:
            self._is_empty.wait(limit)
