"""Keeps the session going beside the callers: deadlines, polls, refreshes ahead of expiry, failed saves."""

from __future__ import annotations

import logging
import weakref

from .desk import Desk
from .errands import LOCK_PATIENCE, Flights
from .io import IO

logger = logging.getLogger("webex_oauth")

#: A machine that slept does not notice: look at the clock this often at least.
LONGEST_NAP = 30.0
#: An instant that stays past although it was told is not told again at once.
SHORTEST_NAP = 0.02


class Keeper:
    """Wakes the session when it wants to be woken."""

    def __init__(self, flights: Flights) -> None:
        self._flights = flights
        self.restart()

    def restart(self) -> None:
        self._keeping = False

    def keep(self, desk: Desk) -> None:
        """Begins where there is something to keep."""
        if not self._keeping and not desk.closed and desk.wake_at is not None:
            self._keeping = True
            desk.io.spawn(self._work(weakref.ref(desk), desk.io), background=True)

    async def _work(self, desk: weakref.ref[Desk], io: IO) -> None:
        """Runs as long as there is something to keep, and no longer than the client lives."""
        seen = io.version
        while True:
            this = desk()
            nap = None if this is None else self._nap(this)
            if this is None or nap is None:
                return
            if nap > 0:
                del this
                await io.wait(seen, nap)
                seen = io.version
                continue
            try:
                await tick(this)
            except Exception as error:
                logger.error("the session cannot be kept: %s", type(error).__name__)
                return
            if self._nap(this) == 0:
                # Not done by one tick, or not ours to do: do not spin.
                del this
                await io.wait(io.version, SHORTEST_NAP)
            seen = io.version

    def _nap(self, desk: Desk) -> float | None:
        """Seconds until the session wants to be woken; None where there is nothing to keep."""
        wake_at = desk.wake_at
        if wake_at is None or desk.closed:
            self._keeping = False
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
