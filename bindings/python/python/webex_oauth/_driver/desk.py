"""The session and its store: one input at a time, its effects in order, what is persisted first of all."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from .._core import ENTROPY_LEN, Access, Config, Effect, Event, Output, Secret, Session, snapshot_revision
from .._errors import Closed, RestoreError, StoreError, TimedOut
from .._stores import MemoryStore, Store, read_store
from .events import Events, StoreRecovered
from .io import IO, Clock, Deadline, milliseconds_of

T = TypeVar("T")
Input = Callable[[Session, int], Output]

#: A failed save is tried again after so many milliseconds, if nothing happens before.
SAVE_AGAIN = 10_000


class Turn:
    """What one input brought for the one who gave it."""

    def __init__(self) -> None:
        self.url: Secret | None = None
        self.events: list[Event] = []


class Desk:
    """Where inputs are given. ``do`` does the effects that are no saves, ``keep`` is called after every turn.

    They get the desk with each call and do not keep it: a client that nobody uses any longer is gone at once.
    """

    def __init__(
        self,
        config: Config,
        io: IO,
        events: Events,
        *,
        store: Store | None,
        clock: Clock | None,
        do: Callable[[Desk, Effect, Turn], None],
        keep: Callable[[Desk], None],
    ) -> None:
        self.config = config
        self.store: Store = MemoryStore() if store is None else store
        self.is_shared = store is not None
        #: Milliseconds since 1970.
        self.now = milliseconds_of(clock)
        self._events = events
        self._do = do
        self._keep = keep
        stored = read_store(self.store)
        if stored is None:
            self.session = Session(config, os.urandom(ENTROPY_LEN))
        else:
            self.session = Session.restore(config, stored)
        self._stored = self.session.revision
        self.closed = False
        self._begin(io)

    def _begin(self, io: IO) -> None:
        self.io = io
        self._turns = io.lock()
        #: What callers get while a save is under way.
        self.held: Access | None = None
        self._save_at: int | None = None
        #: What the clock read at the last input.
        self._latest: int | None = None

    def restart(self, io: IO) -> None:
        """The session starts anew from what it knows; what was not saved yet is saved soon."""
        self.session = Session.restore(self.config, self.session.snapshot())
        self._begin(io)
        if self.session.revision != self._stored:
            self._save_at = self.now()

    # ---------------------------------------------------------------------------------------------------------- turns

    async def give(
        self, give: Input, *, when: Callable[[], bool] | None = None, then: Callable[[], None] | None = None
    ) -> Turn:
        """Gives the session an input and does what follows, in order. A caller that goes away does not stop it.

        Nothing is given unless ``when`` still says so; ``then`` is called between the input and its effects.
        """
        turn = await self.io.shield(self._give(give, when, then))
        self._keep(self)
        return turn

    async def _give(self, give: Input, when: Callable[[], bool] | None, then: Callable[[], None] | None) -> Turn:
        turn = Turn()
        async with self._turns:
            if when is not None and not when():
                return turn
            try:
                await self._work(give, turn, then)
            finally:
                self.io.wake()
        self._events.tell()
        return turn

    async def _work(self, give: Input, turn: Turn, then: Callable[[], None] | None) -> None:
        now = self.now()
        # Before the session moves on, so that nobody gets a token that is not stored yet.
        self.held = self.session.access(now)
        try:
            effects = deque(give(self.session, now).effects)
            self._latest = now
            if then is not None:
                then()
            # The store failed, or was put back, or begun anew.
            is_behind = self._save_at is not None or self.session.revision > self._stored
            if is_behind and not saves(effects):
                effects.appendleft(self._save_now())
            while effects:
                if not saves(effects):
                    self.held = None
                effect = effects.popleft()
                if isinstance(effect, Effect.Persist):
                    effects = await self._save(effect, effects)
                else:
                    self._do(self, effect, turn)
        finally:
            self.held = None

    def rouse(self) -> None:
        """Something that was under way is over: whoever waits looks again, and the keeper at the clock."""
        self.io.wake()
        self._keep(self)

    # ---------------------------------------------------------------------------------------------------------- store

    def _save_now(self) -> Effect:
        return Effect.Persist(self.session.snapshot(), self.session.revision, self._stored)

    async def _save(self, effect: Effect.Persist, rest: deque[Effect]) -> deque[Effect]:
        try:
            # What failed to be saved before is in this snapshot as well.
            found = await self.io.call(self.store.save, effect.snapshot, effect.revision, self._stored)
            if found is not None and not isinstance(found, (Secret, str)):
                raise StoreError(f"the store returned {type(found).__name__} in place of a snapshot")
        except Exception as error:
            self._not_saved(error, "cannot save")
            return rest
        if found is None:
            self._stored = effect.revision
            if self._save_at is not None:
                self._save_at = None
                self._events.note(StoreRecovered())
            return rest
        return self._conflict(found, rest)

    def _conflict(self, found: Secret | str, rest: deque[Effect]) -> deque[Effect]:
        """Another process was faster. Its state is taken in; what follows is done as far as it is still wanted."""
        try:
            # What another version or client has stored is left alone.
            theirs = self._revision_of(found)
            if theirs == self._stored:
                raise StoreError("the store reports a conflict with what was to be replaced")
        except (RestoreError, StoreError) as error:
            # To go on would be for ever.
            self._not_saved(error, "holds something else than a session")
            return rest
        self._stored = theirs
        reloaded = deque(self.session.reload(self.now(), found).effects)
        if not saves(reloaded):
            if self.session.revision > self._stored:
                # Theirs brought nothing new: ours still has to get there.
                reloaded.appendleft(self._save_now())
            elif self._save_at is not None:
                self._save_at = None
                self._events.note(StoreRecovered())
        for effect in rest:
            if self.session.still_wants(effect):
                reloaded.append(effect)
            elif (input := undone(effect)) is not None:
                self.io.spawn(self._give_later(input), background=False)
        return reloaded

    def _not_saved(self, error: Exception, what: str) -> None:
        self._events.note_failure(error, what)
        self._save_at = self.now() + SAVE_AGAIN

    async def _give_later(self, give: Input) -> None:
        await self.give(give)

    async def look_at_store(self) -> None:
        """Takes in what another process stored, if it is news."""
        try:
            found = await self.io.call(read_store, self.store)
        except StoreError as error:
            self._events.note_failure(error, "cannot be read")
            self._events.tell()
            return
        if found is not None:
            await self.give(
                lambda session, now: session.reload(now, found),
                when=lambda: self._is_news(found),
                then=lambda: self._learn(found),
            )

    def _is_news(self, found: Secret) -> bool:
        """Whether it is something else than what is known to be there: a store that was begun anew counts anew."""
        try:
            return snapshot_revision(found) != self._stored
        except RestoreError:
            return True  # The session says so in an event.

    def _learn(self, found: Secret) -> None:
        with suppress(RestoreError):
            self._stored = self._revision_of(found)

    def _revision_of(self, found: Secret | str) -> int:
        """The revision of what the store holds, where that can be taken in: it may be of another version or client."""
        return Session.restore(self.config, found).revision

    @property
    def is_saved(self) -> bool:
        return self._save_at is None

    # -------------------------------------------------------------------------------------------------------- answers

    @property
    def wake_at(self) -> int | None:
        """When to give a tick, if nothing else happens before."""
        wake_at = self.session.wake_at_ms
        if self._save_at is None:
            return wake_at
        return self._save_at if wake_at is None else min(wake_at, self._save_at)

    def is_due(self, now: int) -> bool:
        """Whether to give a tick: its time has come, or the clock reads earlier than before.

        Everything that is waited for moves along with such a clock, once the session has seen it.
        """
        wake_at = self.wake_at
        return wake_at is not None and (wake_at <= now or (self._latest is not None and now < self._latest))

    def access(self) -> Access | None:
        """May a caller have a token now? None while the new state is on its way to the store: ask again then."""
        access = self.session.access(self.now())
        # Looked at afterwards: it is set before the session moves on, and cleared when the new state is stored.
        held = self.held
        if held is None:
            return access
        if isinstance(held, Access.Ready) and (held.at_ms is None or self.now() < held.at_ms):
            return Access.Ready(held.token, held.generation, held.expires_at, False)
        return None

    def check_open(self) -> None:
        if self.closed:
            raise Closed("the client is closed")

    async def until(self, done: Callable[[], T | None], timeout: float | None, what: str) -> T:
        """Waits until ``done`` has an answer."""
        deadline = Deadline(timeout)
        while True:
            seen = self.io.version
            answer = done()
            if answer is not None:
                return answer
            self.check_open()
            limit = deadline.left()
            if limit is not None and limit <= 0:
                raise TimedOut(f"{what} took longer than {timeout:g} s")
            await self.io.wait(seen, limit)


def saves(effects: deque[Effect]) -> bool:
    return any(isinstance(effect, Effect.Persist) for effect in effects)


def undone(effect: Effect) -> Input | None:
    """A request that will not be sent must not be waited for."""
    match effect:
        case Effect.Send(request=request):
            return lambda session, now: session.send_failed(now, request.id, "not_sent")
        case Effect.AskForJwt(id=id) | Effect.AskForToken(id=id):
            return lambda session, now: session.host_failed(now, id, "superseded")
        case _:
            return None
