"""What the clients of many users have in common: threads, connections, the listener, and which of them are kept."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from . import coordinator as co
from ._crew import Crew
from ._errors import RestoreError, StoreError
from ._events import Outbox, StoreFailed
from ._facade import Facade
from ._in_time import in_time
from ._jobs import saved, store_error
from ._stores import as_snapshot
from ._transport import HttpTransport

if TYPE_CHECKING:
    from ._clocks import Clock
    from ._core import Config
    from ._events import ClientEvent
    from .stores import Key

__all__ = ["Ear", "Kept", "Moving", "Shared"]

#: So many of those that were not used for the longest time are looked at for each one that comes.
_LOOKED_AT = 16

C = TypeVar("C", bound=Facade)
logger = logging.getLogger("webex_oauth")


class Shared:
    """One of each for all clients."""

    def __init__(
        self,
        outbox: Callable[[Callable[[Any], Any] | None, Crew], Outbox],
        on_event: Callable[[Key, ClientEvent], Any] | None,
        transport: Callable[..., Any] | None,
        clock: Clock | None,
        threads: int,
    ) -> None:
        # Apart: what is to be stored does not wait for requests that hang.
        self.crew, self.store_crew = Crew(max(threads, 2)), Crew(max(threads, 2))
        listener = None if on_event is None else lambda told: on_event(told.key, told.event)
        self.outbox = outbox(listener, self.store_crew)
        #: For whoever brings none.
        self._own = HttpTransport()
        #: Of one that hangs the end is not waited for.
        self.transport: Callable[..., Any] = in_time(self._own if transport is None else transport)
        self.clock = clock
        self._process = os.getpid()

    def close(self) -> None:
        """Of a transport of the application's it is the application that closes it."""
        self._own.close()

    def restart(self) -> None:
        """After a fork, once: what was not told yet is told by the parent."""
        if self._process != os.getpid():
            self._process = os.getpid()
            self.outbox.restart()


class Moving:
    """A session on its way to another key. Do each step at the store, and say what it came to, until there is none."""

    def __init__(self, config: Config, key: Key, to: Key) -> None:
        self._rebinding, self._keys = co.Rebinding(config), {"from": key, "to": to}
        self._op: co.Load | co.Save | co.Delete | None = None
        self._error: StoreError | None = None

    def step(self) -> tuple[str, tuple[Any, ...]] | None:
        """The method of the store and its arguments."""
        from .stores import Put

        try:
            step = self._rebinding.step()
        except StoreError as error:
            raise error if error.is_busy or self._error is None else self._error from None
        if step is None:
            return None
        at, self._op = step
        key = self._keys[at]
        match self._op:
            case co.Load():
                return "load", (key,)
            case co.Save(snapshot=snapshot, revision=revision, replaces=replaces, due_at=due_at):
                return "save", (key, Put(snapshot, revision, replaces, due_at))
            case co.Delete():
                return "delete", (key,)

    def done(self, answer: Any) -> None:
        match self._op:
            case co.Load():
                self._rebinding.done(co.Loaded(as_snapshot(answer)))
            case co.Save():
                self._rebinding.done(saved(answer))
            case _:
                self._rebinding.done(co.Saved())

    def failed(self, error: Exception) -> None:
        self._error = store_error(error, "failed")
        self._rebinding.done(co.StoreFailed(co.StoreFault("other", str(self._error))))


def is_of_a_record_nobody_can_open(error: RestoreError | StoreError) -> bool:
    """No client of this configuration opens it, and it is not another client's: it is encrypted, damaged, or of a newer
    version. Whoever may delete its user may delete it."""
    if isinstance(error, RestoreError):
        return error.kind != "other_config"
    return error.kind in ("sealed", "damaged")


class Told:
    """An event, and whose it is."""

    __slots__ = ("event", "key")

    def __init__(self, key: Key, event: ClientEvent) -> None:
        self.key, self.event = key, event

    @property
    def name(self) -> str:
        return self.event.name

    def __repr__(self) -> str:
        return f"{self.key!r}: {self.event!r}"


class Ear(Outbox):
    """The outbox of one client: what it is given is told by the one of all."""

    def __init__(self, key: Key, shared: Shared) -> None:
        self._key, self._shared = key, shared

    def put(self, event: ClientEvent) -> None:
        if isinstance(event, StoreFailed):
            logger.warning("%r: %s", self._key, event.error)
        told: Any = Told(self._key, event)
        self._shared.outbox.put(told)

    def rouse(self) -> None:
        self._shared.outbox.rouse()

    def restart(self) -> None:
        self._shared.restart()

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        return getattr(self._shared.outbox, "loop", None)

    @loop.setter
    def loop(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self._shared.outbox.loop = loop  # type: ignore[attr-defined]

    async def wait_until_told(self, limit: float) -> None:
        """A client that ends does not wait for what is told of others."""


class Kept(Generic[C]):
    """The clients that were used last, and when each of them has looked into the store. Who has something under way,
    or could not store what is newest, stays until that is over, even where there is no room."""

    def __init__(self, capacity: int, stale_after: float) -> None:
        self._capacity, self._stale_after = max(capacity, 1), stale_after
        self._clients: OrderedDict[Key, list[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: Key) -> tuple[C | None, bool]:
        """The client of this user, and whether it is to look into the store: the first one to ask is told to."""
        now = time.monotonic()
        with self._lock:
            found = self._clients.get(key)
            if found is None:
                return None, False
            self._clients.move_to_end(key)
            is_stale = now - found[1] >= self._stale_after
            if is_stale:
                found[1] = now
            return found[0], is_stale

    def keep(self, key: Key, client: C) -> C:
        """Whoever was faster is the one that is kept."""
        with self._lock:
            kept: C = self._clients.setdefault(key, [client, time.monotonic()])[0]
            gone = self._excess()
        # Outside of the lock: what they are made of goes with them.
        del gone
        return kept

    def _excess(self) -> list[C]:
        """Under the lock: those that go, now."""
        gone: list[C] = []
        # Not the newest one, which nobody has used yet.
        for _ in range(min(_LOOKED_AT, len(self._clients) - 1)):
            if len(self._clients) <= self._capacity:
                break
            key = next(iter(self._clients))
            if self._clients[key][0]._executor.is_at_rest:
                gone.append(self._clients.pop(key)[0])
            else:
                self._clients.move_to_end(key)
        return gone

    def take(self, key: Key, *, at_rest: bool = False) -> C | None:
        """Takes a client out; with ``at_rest`` only one that has nothing under way."""
        with self._lock:
            found = self._clients.get(key)
            if found is None or (at_rest and not found[0]._executor.is_at_rest):
                return None
            client: C = self._clients.pop(key)[0]
            return client

    def take_all(self) -> list[C]:
        with self._lock:
            clients, self._clients = self._clients, OrderedDict()
        return [client for client, _ in clients.values()]

    def __len__(self) -> int:
        return len(self._clients)
