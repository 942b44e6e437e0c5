"""What `Client` and `AsyncClient` have in common: one driver, written once.

The driver gives the session its inputs and does the effects in order. It decides nothing about the protocol. Its
coroutines wait only through an :class:`IO`: the asyncio one suspends, the blocking one blocks and never suspends, so
that a blocking client runs the very same code by stepping each coroutine once (:func:`webex_oauth._client.run`).

Promises it keeps:

* One input at a time, its effects in order; what is persisted is durable before anything else happens, and before any
  caller gets a token that is in it.
* No lock is held across HTTP. Requests travel on their own thread or task; a caller that goes away changes nothing.
* Around a request that may change the grant the store's lock is held, and the store is looked at first.
* A store that fails loses nothing: the session goes on in memory, and saving is tried again.

Each file of this package is a part with one purpose, called as in the drivers of the other languages.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from .._core import Config, HttpResponse, TokenAsk
from .._errors import Closed, InvalidArgument, StoreError
from .._stores import Store
from .calls import Calls
from .desk import Desk
from .effects import Effects
from .errands import Errands, Flights
from .events import ClientEvent, Events, StoreFailed, StoreRecovered
from .io import IO, Clock
from .keeper import Keeper, tick
from .logins import Logins
from .signing_in import FAREWELL, SigningIn
from .tokens import Tokens

__all__ = ["ClientEvent", "Clock", "Driver", "StoreFailed", "StoreRecovered"]


class Driver:
    """Puts the parts together. Each one knows those that it is made of, and none of them the driver."""

    def __init__(
        self,
        config: Config,
        io: IO,
        *,
        store: Store | None,
        transport: Callable[[Any], HttpResponse | Awaitable[HttpResponse]],
        on_event: Callable[[ClientEvent], object] | None,
        refresh_callback: Callable[[TokenAsk], object] | None,
        jwt_callback: Callable[[], object] | None,
        clock: Clock | None,
    ) -> None:
        if not isinstance(config, Config):
            raise InvalidArgument(
                "config: expected a Config",
                argument="config",
                problem=f"expected a Config, got {type(config).__name__}",
            )
        self._flights = Flights()
        self._logins = Logins()
        self._events = Events(io, on_event)
        self._errands = Errands(
            self._flights,
            self._events,
            transport=transport,
            refresh_callback=refresh_callback,
            jwt_callback=jwt_callback,
        )
        self._keeper = Keeper(self._flights)
        self.desk = Desk(
            config,
            io,
            self._events,
            store=store,
            clock=clock,
            do=Effects(self._errands, self._events, self._logins).do,
            keep=self._keeper.keep,
        )
        self.tokens = Tokens(self.desk, self._errands)
        self.calls = Calls(self.desk, self.tokens, transport)
        self.signing_in = SigningIn(self.desk, self._logins, self._flights)

    def restart(self, io: IO) -> None:
        """After a fork, or on another event loop: requests that were under way are somebody else's, or lost.

        The parts stay who they are, for those who are in the middle of a call, and forget what does not outlive a
        process or an event loop.
        """
        self._flights.restart()
        self._logins.restart()
        self._events.restart(io)
        self._errands.restart()
        self._keeper.restart()
        self.tokens.restart()
        self.desk.restart(io)

    @property
    def is_carrying(self) -> bool:
        """Whether a request that changes the grant is under way."""
        return self._flights.has_grants

    def keep(self) -> None:
        """Keeps the session going, as from the first input on."""
        self._keeper.keep(self.desk)

    async def flush(self) -> None:
        """Saves what could not be saved before."""
        if not self.desk.is_saved:
            await tick(self.desk)
        if not self.desk.is_saved:
            raise StoreError("the store still fails; the session is in memory only")

    async def close(self, timeout: float | None) -> None:
        """Whoever waits is told; requests that are under way are waited for, so that no renewed token is lost."""
        desk = self.desk
        desk.closed = True
        self._logins.close(Closed("the client is closed"))
        desk.io.wake()
        await self._flights.landing(desk.io, True, timeout)
        await self._flights.landing(desk.io, False, FAREWELL if timeout is None else min(timeout, FAREWELL))
        if not desk.is_saved:
            # The last chance of a store that failed.
            await tick(desk)
        if not desk.is_saved:
            raise StoreError("the store failed, and what is newest was not stored: it ends with this client")
