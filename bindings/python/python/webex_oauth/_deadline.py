"""The end of one exchange, enforced from outside: whatever a server drips, at that moment its connection is shut."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

from ._errors import TransportError
from ._timer import call_later

__all__ = ["Deadline"]


class Deadline:
    """A context in which one exchange happens. Limits of single reads would not do: each byte would begin anew."""

    def __init__(self, seconds: float) -> None:
        self._seconds = max(seconds, 0.0)
        self._end = time.monotonic() + self._seconds
        self._lock = threading.Lock()
        self._line: socket.socket | None = None
        #: The time is over. What has arrived until then can still be read.
        self.is_over = False

    def __enter__(self) -> Deadline:
        try:
            self._later = call_later(self._seconds, self._finish)
        except RuntimeError:
            raise TransportError("the system gives no thread", fault="not_sent") from None
        return self

    def __exit__(self, *_: object) -> None:
        self._later.cancel()
        with self._lock:
            # From now on the connection may be somebody else's.
            self._line = None

    def left(self) -> float:
        """Seconds until then."""
        return max(self._end - time.monotonic(), 0.0)

    def watch(self, line: socket.socket) -> None:
        """The connection that is used, by a descriptor of its own: TLS takes the other one along."""
        with self._lock:
            self._line = line
            if self.is_over:
                _shut(line)

    def _finish(self) -> None:
        with self._lock:
            self.is_over = True
            if self._line is not None:
                _shut(self._line)

    def connect(self, connect: Callable[[], socket.socket]) -> socket.socket:
        """Opens a connection on a thread that is left behind when the time is over: nothing else ends the search for
        the address of a name."""
        attempt = _Attempt(connect)
        try:
            threading.Thread(target=attempt.run, name="webex-oauth-connect", daemon=True).start()
        except RuntimeError:
            return connect()
        return attempt.result(self.left())


def _shut(line: socket.socket) -> None:
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # It is closed already.


class _Attempt:
    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._found: socket.socket | BaseException | None = None
        self._is_left = False

    def run(self) -> None:
        found: socket.socket | BaseException
        try:
            found = self._connect()
        except BaseException as error:
            found = error.with_traceback(None)
        with self._lock:
            self._found = found
            is_left = self._is_left
        if is_left and isinstance(found, socket.socket):
            found.close()
        self._done.set()

    def result(self, seconds: float) -> socket.socket:
        self._done.wait(seconds)
        with self._lock:
            self._is_left = self._found is None
            found, self._found = self._found, None
        if found is None:
            raise TimeoutError
        if isinstance(found, BaseException):
            raise found
        return found
