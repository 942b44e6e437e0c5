"""Keeps the session going beside the callers: deadlines, polls, refreshes ahead of expiry, failed saves."""

from __future__ import annotations

import logging
import weakref

from .desk import Desk
from .errands import LOCK_PATIENCE, Flights
from .io import Cancellable

logger = logging.getLogger("webex_oauth")

#: A machine that slept does not notice: look at the clock this often at least.
LONGEST_NAP = 30.0
#: An instant that stays past although it was told is not told again at once.
SHORTEST_NAP = 0.02
#: A tick that takes longer, or never began, is looked after.
SECOND_ALARM = 1.0


class Keeper:
    """Wakes the session when it wants to be woken. Between that there is no thread and no task, and nothing that would
    keep a client alive."""

    def __init__(self, flights: Flights) -> None:
        self._flights = flights
        self.restart()

    def restart(self) -> None:
        self._alarm: Cancellable | None = None
        self._is_ticking = False

    def keep(self, desk: Desk) -> None:
        """After everything that may have changed when the session wants to be woken."""
        if not self._is_ticking:
            self._set_alarm(desk, 0.0)

    def _set_alarm(self, desk: Desk, at_least: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        nap = self._nap(desk)
        this = weakref.ref(desk)

        def ring() -> None:
            desk = this()
            if desk is not None:
                self._ring(desk)

        self._alarm = None if nap is None else desk.io.later(max(nap, at_least), ring)

    def _ring(self, desk: Desk) -> None:
        is_due = not self._is_ticking and self._nap(desk) == 0
        # In case nothing comes of it.
        self._set_alarm(desk, SECOND_ALARM if is_due or self._is_ticking else 0.0)
        if is_due:
            desk.io.spawn(self._tick(desk), background=True)

    async def _tick(self, desk: Desk) -> None:
        self._is_ticking = True
        try:
            await tick(desk)
        except Exception as error:
            logger.error("the session cannot be kept: %s", type(error).__name__)
        finally:
            self._is_ticking = False
            # Not done by one tick, or not ours to do: do not spin.
            self._set_alarm(desk, SHORTEST_NAP)

    def _nap(self, desk: Desk) -> float | None:
        """Seconds until the session wants to be woken; None where there is nothing to keep."""
        wake_at = desk.wake_at
        if wake_at is None or desk.closed:
            return None
        now = desk.now()
        left = 0.0 if desk.is_due(now) else (wake_at - now) / 1000
        if left <= 0 and (age := self._flights.age()) is not None:
            # What is under way reports by itself, by a clock that nobody sets: its deadline is for drivers that died.
            patience = desk.config.request_timeout.total_seconds() + LOCK_PATIENCE
            left = min(patience - age, 1.0)
        return min(max(left, 0.0), LONGEST_NAP)


async def tick(desk: Desk) -> None:
    await desk.give(lambda session, now: session.tick(now))
