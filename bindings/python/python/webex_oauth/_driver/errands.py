"""Errands: requests, and questions to the host. Each one reports to the session when it is done."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from .._core import Access, HttpRequest, HttpResponse, Output, Secret, Session, TokenAsk
from .._errors import Error, NotConfigured, StoreError, TransportError, without_frames
from .._options import tokens_text
from .._stores import lock_of, prove
from .desk import Desk, Input
from .events import Events
from .io import IO, Deadline

logger = logging.getLogger("webex_oauth")

#: How long another process may hold the store's lock, in seconds: a little less than the grace of a request.
LOCK_PATIENCE = 12.0


class Flights:
    """The errands that are under way."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        #: True for requests that change the grant. What the host was asked is its own to finish.
        self._under_way: dict[int, bool] = {}
        self._begun = 0.0

    def depart(self, id: int, is_grant: bool) -> None:
        self._under_way[id] = is_grant
        self._begun = time.monotonic()

    def land(self, id: int) -> None:
        self._under_way.pop(id, None)

    def age(self) -> float | None:
        """Seconds since the last departure; None where nothing is under way."""
        return time.monotonic() - self._begun if self._under_way else None

    @property
    def has_grants(self) -> bool:
        return True in list(self._under_way.values())

    async def landing(self, io: IO, grants: bool, timeout: float | None) -> None:
        """Waits for the errands of one kind that are under way."""
        deadline = Deadline(timeout)
        while True:
            seen, limit = io.version, deadline.left()
            if grants not in list(self._under_way.values()) or (limit is not None and limit <= 0):
                return
            await io.wait(seen, limit)


class Errands:
    """Sends somebody off, and is none the wiser about the protocol."""

    def __init__(
        self,
        flights: Flights,
        events: Events,
        *,
        transport: Callable[[Any], HttpResponse | Awaitable[HttpResponse]],
        refresh_callback: Callable[[TokenAsk], object] | None,
        jwt_callback: Callable[[], object] | None,
    ) -> None:
        self._flights = flights
        self._events = events
        self._transport = transport
        self._refresh_callback = refresh_callback
        self._jwt_callback = jwt_callback
        self.restart()

    def restart(self) -> None:
        #: What the last errand failed with: the cause of what callers are told.
        self.cause: BaseException | None = None

    def send(self, desk: Desk, request: HttpRequest) -> None:
        self._flights.depart(request.id, request.is_grant)
        desk.io.spawn(self._deliver(desk, request), background=False)

    def ask_for_jwt(self, desk: Desk, id: int) -> None:
        def provide(session: Session, now: int, jwt: Secret) -> Output:
            return session.provide_jwt(now, id, jwt)

        self._flights.depart(id, False)
        desk.io.spawn(self._ask(desk, id, self._jwt_callback, (), provide), background=True)

    def ask_for_token(self, desk: Desk, id: int, ask: TokenAsk) -> None:
        def provide(session: Session, now: int, tokens: Secret) -> Output:
            return session.provide_token(now, id, tokens)

        self._flights.depart(id, False)
        desk.io.spawn(self._ask(desk, id, self._refresh_callback, (ask,), provide), background=True)

    def _landed(self, desk: Desk, id: int) -> None:
        self._flights.land(id)
        desk.rouse()

    # ------------------------------------------------------------------------------------------------------- requests

    async def _deliver(self, desk: Desk, request: HttpRequest) -> None:
        """Carries a request and gives its answer to the session."""
        try:
            if request.is_grant and desk.is_shared:
                await self._deliver_guarded(desk, request)
            else:
                await desk.give(await self._carry(desk, request))
        finally:
            self._landed(desk, request.id)

    async def _deliver_guarded(self, desk: Desk, request: HttpRequest) -> None:
        """Under the store's lock: only one process may use a refresh token. Held until the answer is stored."""

        def not_sent(session: Session, now: int) -> Output:
            return session.send_failed(now, request.id, "not_sent")

        guard: AbstractContextManager[object] | None = None
        try:
            guard = await desk.io.call(lock_of, desk.store, LOCK_PATIENCE)
        except Exception as error:
            self._events.note_failure(error, "cannot be locked")
            self._events.tell()
            if isinstance(error, StoreError) and error.is_busy:
                await desk.give(not_sent)
                return
        with guard or nullcontext():
            await desk.look_at_store()
            if not desk.session.awaits(request.id):
                await desk.give(not_sent)
                return
            if not await self._can_keep(desk, request):
                await desk.give(not_sent)
                return
            answer = await self._carry(desk, request)
            if guard is None:
                # Unguarded: a refusal may mean that another process was faster.
                await desk.look_at_store()
            await desk.give(answer)

    async def _can_keep(self, desk: Desk, request: HttpRequest) -> bool:
        """Whether the store takes what this request brings. It is asked only where nobody has to go without if nothing
        is sent: while the access token lives."""
        if request.purpose != "refresh" or not isinstance(desk.session.access(desk.now()), Access.Ready):
            return True
        try:
            await desk.io.call(prove, desk.store)
        except Exception as error:
            self._events.note_failure(error, "cannot save")
            self._events.tell()
            return False
        return True

    async def _carry(self, desk: Desk, request: HttpRequest) -> Input:
        id = request.id
        begun = time.monotonic()
        try:
            response = await desk.io.call(self._transport, request)
            if not isinstance(response, HttpResponse):
                raise TransportError(f"the transport returned {type(response).__name__}, not an HttpResponse")
        except Exception as error:
            fault = error.fault if isinstance(error, TransportError) else "lost"
            self.cause = without_frames(error)
            # Only what we made ourselves is known to be free of secrets.
            why = error if isinstance(error, Error) else type(error).__name__
            logger.info("%s: %s (%s)", request.purpose, fault, why)
            return lambda session, now: session.send_failed(now, id, fault)
        self.cause = None
        logger.debug("%s: HTTP %d in %.3f s", request.purpose, response.status, time.monotonic() - begun)
        return lambda session, now: session.response(now, id, response)

    # ------------------------------------------------------------------------------------------------------ questions

    async def _ask(
        self,
        desk: Desk,
        id: int,
        callback: Callable[..., object] | None,
        arguments: tuple[object, ...],
        provide: Callable[[Session, int, Secret], Output],
    ) -> None:
        """Asks the host and gives its answer to the session."""
        try:
            try:
                if callback is None:
                    raise NotConfigured(
                        "no callback is set", what="refresh_callback or jwt_callback", needed_by="renewal"
                    )
                answer = tokens_text(await desk.io.ask(callback, *arguments))
            except Exception as error:
                self.cause = without_frames(error)
                reason = "no callback is set" if callback is None else f"the callback raised {type(error).__name__}"
                await desk.give(lambda session, now: session.host_failed(now, id, reason))
            else:
                await desk.give(lambda session, now: provide(session, now, answer))
        finally:
            self._landed(desk, id)
