"""Transports of the application, which may forget the time: nobody waits for them for longer than the request has."""

from __future__ import annotations

import contextvars
import inspect
import queue
import threading
from collections.abc import Callable
from typing import Any

from ._errors import InvalidArgument, TransportError
from ._transport import HttpTransport, is_own

__all__ = ["in_time", "is_async", "no_coroutines"]

#: A transport keeps the time itself if it can, and says more then than that it is over.
_GRACE = 5.0
#: So many requests of one transport may hang, each with its thread; as long as they do no more are sent.
MOST_LEFT = 32


def in_time(transport: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same transport with an end. Ours has one."""
    if isinstance(transport, HttpTransport) or is_own(transport):
        return transport
    return _of_coroutines(transport) if is_async(transport) else _of_threads(transport)


def is_async(function: Callable[..., Any] | None) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))


def no_coroutines(transport: Callable[..., Any] | None) -> None:
    """Raises InvalidArgument for a transport that blocking code cannot wait for."""
    if is_async(transport):
        problem = "coroutine functions are for AsyncClient; webex_oauth.HttpTransport() is a blocking one"
        raise InvalidArgument(f"transport: {problem}", argument="transport", problem=problem)


def _limit(request: Any) -> float:
    seconds: float = request.hints.timeout.total_seconds()
    return seconds + _GRACE


def _too_late() -> TransportError:
    return TransportError("the transport took longer than the request has time", fault="lost")


def _of_coroutines(transport: Callable[[Any], Any]) -> Callable[[Any], Any]:
    async def send(request: Any) -> Any:
        import asyncio

        try:
            return await asyncio.wait_for(transport(request), _limit(request))
        except asyncio.TimeoutError:
            raise _too_late() from None

    return send


def _of_threads(transport: Callable[[Any], Any]) -> Callable[[Any], Any]:
    #: Those that nobody waits for any longer. After a fork they are the parent's, and not alive in the child.
    left: set[threading.Thread] = set()

    def send(request: Any) -> Any:
        left.difference_update([thread for thread in list(left) if not thread.is_alive()])
        if len(left) >= MOST_LEFT:
            raise TransportError("the transport does not answer", fault="not_sent")
        answers: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

        def work() -> None:
            try:
                answers.put((transport(request), None))
            except BaseException as error:
                answers.put((None, error))

        thread = threading.Thread(target=contextvars.copy_context().run, args=(work,), name="webex-oauth", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return transport(request)
        try:
            answer, error = answers.get(timeout=_limit(request))
        except queue.Empty:
            left.add(thread)
            raise _too_late() from None
        if error is not None:
            raise error
        return answer

    return send
