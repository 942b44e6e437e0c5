"""The two clocks: the wall's, by which tokens live, and one that only goes forward, for patience."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from ._errors import InvalidArgument

__all__ = ["Clock", "instant", "nanoseconds", "tick"]

#: What an application may bring in place of the machine's: aware datetimes, or milliseconds since 1970.
Clock = Callable[[], "datetime | int"]

#: One that goes on while the machine sleeps, as Apple's ordinary one and that of Windows do.
_FORWARD: int | None = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def tick() -> int:
    """Milliseconds of the clock that only goes forward."""
    read = time.monotonic_ns() if _FORWARD is None else time.clock_gettime_ns(_FORWARD)
    return read // 1_000_000


def nanoseconds(clock: Clock | None) -> Callable[[], int]:
    """The wall clock of a client, in nanoseconds since 1970."""
    if clock is None:
        return time.time_ns

    def now() -> int:
        reading = clock()
        if not isinstance(reading, datetime):
            return int(reading) * 1_000_000
        if reading.tzinfo is None:
            raise InvalidArgument(
                "clock: returned a datetime without a time zone", argument="clock", problem="a naive datetime"
            )
        return (reading - _EPOCH) // timedelta(milliseconds=1) * 1_000_000

    return now


def instant(milliseconds: int | None) -> datetime | None:
    """In Python's own words; what lies beyond the calendar becomes its last or first instant."""
    if milliseconds is None:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return (datetime.max if milliseconds > 0 else datetime.min).replace(tzinfo=timezone.utc)
