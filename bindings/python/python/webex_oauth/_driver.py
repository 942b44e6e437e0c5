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
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from . import _errors
from ._calls import ApiRequest, ApiResponse
from ._core import (
    ENTROPY_LEN,
    Access,
    Config,
    DevicePrompt,
    Effect,
    Event,
    HttpRequest,
    HttpResponse,
    LoginOptions,
    Output,
    Phase,
    Scope,
    Secret,
    Session,
    TokenAsk,
    Verdict,
    snapshot_revision,
)
from ._stores import MemoryStore, Store, lock_of

logger = logging.getLogger("webex_oauth")

T = TypeVar("T")
Input = Callable[[Session, int], Output]
Clock = Callable[[], datetime | int]

#: How long another process may hold the store's lock, in seconds: a little less than the grace of a request.
LOCK_PATIENCE = 12.0
#: How long signing out and closing wait for the revocation of tokens, in seconds.
FAREWELL = 5.0
#: A failed save is tried again after so many milliseconds, if nothing happens before.
SAVE_AGAIN = 10_000
#: A machine that slept does not notice: look at the clock this often at least.
LONGEST_NAP = 30.0
#: An instant that stays past although it was told is not told again at once.
SHORTEST_NAP = 0.02


class StoreFailed:
    """Event of a client: its store does not do what it should. The session goes on in memory and tries again."""

    __match_args__ = ("error",)
    name = "store:error"

    def __init__(self, error: _errors.StoreError) -> None:
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


class IO(Protocol):
    """How a driver waits, starts work, and calls what may block."""

    def lock(self) -> AbstractAsyncContextManager[object]: ...
    async def wait(self, seen: int, limit: float | None) -> None: ...
    async def sleep(self, seconds: float) -> None: ...
    def wake(self) -> None: ...
    @property
    def version(self) -> int: ...
    def spawn(self, work: Coroutine[Any, Any, None], *, background: bool) -> None: ...
    def tell(self, work: Coroutine[Any, Any, None]) -> None: ...
    async def shield(self, work: Coroutine[Any, Any, T]) -> T: ...
    async def call(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Calls what may block: a store, a transport."""

    async def ask(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Calls what the application wrote for this kind of client: listeners, callbacks."""


class Turn:
    """What one input brought for the one who gave it."""

    def __init__(self) -> None:
        self.url: Secret | None = None
        self.events: list[Event] = []


class Login:
    """A login that somebody waits for. Nobody gets the result of somebody else's."""

    def __init__(self, key: object) -> None:
        self.key = key
        self.result: Event.SignedIn | _errors.Error | None = None
        self.prompt: DevicePrompt | None = None


def describe(error: BaseException) -> BaseException:
    """An exception to chain: without its frames, whose variables may hold a secret."""
    return error.with_traceback(None)


def read_store(store: Store) -> Secret | None:
    """Loads; whatever the store raises is a StoreError."""
    try:
        found = store.load()
    except _errors.StoreError:
        raise
    except Exception as error:
        raise _errors.StoreError(f"the store cannot be read ({type(error).__name__})") from describe(error)
    if found is None or isinstance(found, Secret):
        return found
    if isinstance(found, str):
        return Secret(found)
    raise _errors.StoreError(f"the store returned {type(found).__name__} in place of a snapshot")


def secret(text: str | Secret) -> Secret:
    """Out of sight as soon as it arrives: tracebacks may show the variables of every frame."""
    return text if isinstance(text, Secret) else Secret(text)


def tokens_text(tokens: str | Secret | Mapping[str, object]) -> Secret:
    """Tokens in any shape that `Session.adopt` reads; a mapping becomes JSON."""
    if isinstance(tokens, (str, Secret)):
        return secret(tokens)
    try:
        return Secret(json.dumps(dict(tokens)))
    except (TypeError, ValueError):
        raise _errors.InvalidArgument(
            "tokens: expected str, Secret or a JSON object", argument="tokens", problem="expected a JSON object"
        ) from None


class Driver:
    """A session, its store, and everybody who waits for something."""

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
            raise _errors.InvalidArgument(
                "config: expected a Config",
                argument="config",
                problem=f"expected a Config, got {type(config).__name__}",
            )
        self.config = config
        self.io = io
        self.store: Store = MemoryStore() if store is None else store
        self._is_shared = store is not None
        self._transport = transport
        self._on_event = on_event
        self._refresh_callback = refresh_callback
        self._jwt_callback = jwt_callback
        self._clock = clock
        stored = read_store(self.store)
        if stored is None:
            self.session = Session(config, os.urandom(ENTROPY_LEN))
        else:
            self.session = Session.restore(config, stored)
        self._stored = self.session.revision
        self._begin()

    def _begin(self) -> None:
        """What does not outlive a process or an event loop."""
        self.turns = self.io.lock()
        #: What callers get while a save is under way.
        self.held: Access | None = None
        self.closed = False
        self._save_at: int | None = None
        self._login: Login | None = None
        self._nudged = False
        self._keeping = False
        self._telling = threading.Lock()
        self._untold: deque[ClientEvent] = deque()
        #: The requests and questions that are under way; true for those that change the grant.
        self._flights: dict[int, bool] = {}
        self._begun = 0.0
        self._cause: BaseException | None = None

    def restart(self, io: IO) -> None:
        """After a fork, or on another event loop: requests that were under way are somebody else's, or lost."""
        closed, revision = self.closed, self._stored
        self.io = io
        self.session = Session.restore(self.config, self.session.snapshot())
        self._begin()
        self.closed = closed
        if self.session.revision != revision:
            self._save_at = self.now()

    def now(self) -> int:
        """Milliseconds since 1970."""
        if self._clock is None:
            return time.time_ns() // 1_000_000
        reading = self._clock()
        if isinstance(reading, datetime):
            if reading.tzinfo is None:
                raise _errors.InvalidArgument(
                    "clock: returned a datetime without a time zone", argument="clock", problem="a naive datetime"
                )
            return int(reading.timestamp() * 1000)
        return int(reading)

    # ------------------------------------------------------------------------------------------------ inputs, effects

    async def give(self, give: Input, *, when: Callable[[], bool] | None = None, login: Login | None = None) -> Turn:
        """Gives the session an input and does what follows, in order. A caller that goes away does not stop it."""
        turn = await self.io.shield(self._give(give, when, login))
        self._keep()
        return turn

    async def _give(self, give: Input, when: Callable[[], bool] | None, login: Login | None) -> Turn:
        turn = Turn()
        async with self.turns:
            if when is not None and not when():
                return turn
            try:
                await self._work(give, turn, login)
            finally:
                self.io.wake()
        self._tell()
        return turn

    async def _work(self, give: Input, turn: Turn, login: Login | None) -> None:
        now = self.now()
        # Before the session moves on, so that nobody gets a token that is not stored yet.
        self.held = self.session.access(now)
        try:
            effects = deque(give(self.session, now).effects)
            if login is not None:
                # Not before the session took it: a mistake leaves the login under way alone.
                self._end_login(_errors.LoginSuperseded("another login was begun"))
                self._login = login
            if self._save_at is not None and not any(isinstance(effect, Effect.Persist) for effect in effects):
                effects.appendleft(self._save_now())
            while effects:
                if not any(isinstance(effect, Effect.Persist) for effect in effects):
                    self.held = None
                effects = await self._do(effects.popleft(), effects, turn)
        finally:
            self.held = None

    async def _do(self, effect: Effect, rest: deque[Effect], turn: Turn) -> deque[Effect]:
        match effect:
            case Effect.Persist(snapshot=snapshot, revision=revision):
                return await self._save(snapshot, revision, rest)
            case Effect.Send(request=request):
                self._depart(request.id, request.is_grant)
                self.io.spawn(self._deliver(request), background=False)
            case Effect.OpenBrowser(url=url):
                turn.url = url
            case Effect.ShowDeviceCode(prompt=prompt):
                if self._login is not None:
                    self._login.prompt = prompt
            case Effect.AskForJwt(id=id):
                self._depart(id, True)
                self.io.spawn(self._ask_for_jwt(id), background=False)
            case Effect.AskForToken(id=id, ask=ask):
                self._depart(id, True)
                self.io.spawn(self._ask_for_token(id, ask), background=False)
            case Effect.Notify(event=event):
                self._note(event)
                turn.events.append(event)
                self._untold.append(event)
            case _:
                raise AssertionError(f"an effect that this driver does not know: {type(effect).__qualname__}")
        return rest

    def _save_now(self) -> Effect:
        return Effect.Persist(self.session.snapshot(), self.session.revision, self._stored)

    async def _save(self, snapshot: Secret, revision: int, rest: deque[Effect]) -> deque[Effect]:
        try:
            # What failed to be saved before is in this snapshot as well.
            found = await self.io.call(self.store.save, snapshot, revision, self._stored)
            if found is not None and not isinstance(found, (Secret, str)):
                raise _errors.StoreError(f"the store returned {type(found).__name__} in place of a snapshot")
        except Exception as error:
            self._store_failed(error, "cannot save")
            self._save_at = self.now() + SAVE_AGAIN
            return rest
        if found is None:
            self._stored = revision
            if self._save_at is not None:
                self._save_at = None
                self._untold.append(StoreRecovered())
            return rest
        return self._conflict(found, rest)

    def _conflict(self, found: Secret | str, rest: deque[Effect]) -> deque[Effect]:
        """Another process was faster. Its state is taken in; what follows is done as far as it is still wanted."""
        try:
            theirs = snapshot_revision(found)
            if theirs == self._stored:
                raise _errors.StoreError("the store reports a conflict with what was to be replaced")
        except (_errors.RestoreError, _errors.StoreError) as error:
            # To go on would be for ever.
            self._store_failed(error, "holds something else than a session")
            self._save_at = self.now() + SAVE_AGAIN
            return rest
        self._stored = theirs
        reloaded = deque(self.session.reload(self.now(), found).effects)
        saves = any(isinstance(effect, Effect.Persist) for effect in reloaded)
        if not saves and self.session.revision > self._stored:
            # Theirs brought nothing new: ours still has to get there.
            reloaded.appendleft(self._save_now())
        elif not saves:
            self._save_at = None
        for effect in rest:
            if self.session.still_wants(effect):
                reloaded.append(effect)
            else:
                self._undo(effect)
        return reloaded

    def _undo(self, effect: Effect) -> None:
        """A request that will not be sent must not be waited for."""
        match effect:
            case Effect.Send(request=request):
                self._later(lambda session, now: session.send_failed(now, request.id, "not_sent"))
            case Effect.AskForJwt(id=id) | Effect.AskForToken(id=id):
                self._later(lambda session, now: session.host_failed(now, id, "superseded"))
            case _:
                pass

    def _later(self, give: Input) -> None:
        async def work() -> None:
            await self.give(give)

        self.io.spawn(work(), background=False)

    def _store_failed(self, error: Exception, what: str) -> None:
        if isinstance(error, _errors.StoreError):
            problem = error
        else:
            problem = _errors.StoreError(f"the store {what} ({type(error).__name__})")
            problem.__cause__ = describe(error)
        logger.warning("%s", problem)
        self._untold.append(StoreFailed(problem))

    # ------------------------------------------------------------------------------------------------------- carrying

    async def _deliver(self, request: HttpRequest) -> None:
        """Carries a request and gives its answer to the session."""
        try:
            if request.is_grant and self._is_shared:
                await self._deliver_guarded(request)
            else:
                await self.give(await self._carry(request))
        finally:
            self._landed(request.id)

    async def _deliver_guarded(self, request: HttpRequest) -> None:
        """Under the store's lock: only one process may use a refresh token. Held until the answer is stored."""

        def not_sent(session: Session, now: int) -> Output:
            return session.send_failed(now, request.id, "not_sent")

        guard: AbstractContextManager[object] | None = None
        try:
            guard = await self.io.call(lock_of, self.store, LOCK_PATIENCE)
        except Exception as error:
            self._store_failed(error, "cannot be locked")
            self._tell()
            if isinstance(error, _errors.StoreError) and error.is_busy:
                await self.give(not_sent)
                return
        with guard or nullcontext():
            await self.look_at_store()
            if not self.session.awaits(request.id):
                await self.give(not_sent)
                return
            answer = await self._carry(request)
            if guard is None:
                # Unguarded: a refusal may mean that another process was faster.
                await self.look_at_store()
            await self.give(answer)

    async def _carry(self, request: HttpRequest) -> Input:
        id = request.id
        begun = time.monotonic()
        try:
            response = await self.io.call(self._transport, request)
            if not isinstance(response, HttpResponse):
                raise _errors.TransportError(f"the transport returned {type(response).__name__}, not an HttpResponse")
        except Exception as error:
            fault = error.fault if isinstance(error, _errors.TransportError) else "lost"
            self._cause = describe(error)
            # Only what we made ourselves is known to be free of secrets.
            why = error if isinstance(error, _errors.Error) else type(error).__name__
            logger.info("%s: %s (%s)", request.purpose, fault, why)
            return lambda session, now: session.send_failed(now, id, fault)
        self._cause = None
        logger.debug("%s: HTTP %d in %.3f s", request.purpose, response.status, time.monotonic() - begun)
        return lambda session, now: session.response(now, id, response)

    def _depart(self, id: int, is_grant: bool) -> None:
        self._flights[id] = is_grant
        self._begun = time.monotonic()

    def _landed(self, id: int) -> None:
        self._flights.pop(id, None)
        self.io.wake()

    async def _ask_for_jwt(self, id: int) -> None:
        await self._ask(id, self._jwt_callback, (), lambda session, now, jwt: session.provide_jwt(now, id, jwt))

    async def _ask_for_token(self, id: int, ask: TokenAsk) -> None:
        def provide(session: Session, now: int, tokens: str | Secret) -> Output:
            return session.provide_token(now, id, tokens)

        await self._ask(id, self._refresh_callback, (ask,), provide)

    async def _ask(
        self,
        id: int,
        callback: Callable[..., object] | None,
        arguments: tuple[object, ...],
        provide: Callable[[Session, int, str | Secret], Output],
    ) -> None:
        """Asks the host and gives its answer to the session."""
        try:
            try:
                if callback is None:
                    raise _errors.NotConfigured(
                        "no callback is set", what="refresh_callback or jwt_callback", needed_by="renewal"
                    )
                answer = tokens_text(await self.io.ask(callback, *arguments))
            except Exception as error:
                self._cause = describe(error)
                reason = "no callback is set" if callback is None else f"the callback raised {type(error).__name__}"
                await self.give(lambda session, now: session.host_failed(now, id, reason))
            else:
                await self.give(lambda session, now: provide(session, now, answer))
        finally:
            self._landed(id)

    async def look_at_store(self) -> None:
        """Takes in what another process stored, if it is news."""
        try:
            found = await self.io.call(read_store, self.store)
        except _errors.StoreError as error:
            self._store_failed(error, "cannot be read")
            self._tell()
            return
        if found is not None:
            await self.give(lambda session, now: session.reload(now, found), when=lambda: self._is_news(found))

    def _is_news(self, found: Secret) -> bool:
        try:
            revision = snapshot_revision(found)
        except _errors.RestoreError:
            return True  # The session says so in an event.
        return revision > self.session.revision

    # --------------------------------------------------------------------------------------------------------- events

    def _tell(self) -> None:
        """Tells what happened, in order and without a lock: a listener may use the client."""
        if self._untold:
            self.io.tell(self._tell_all())

    async def _tell_all(self) -> None:
        # Whoever holds it also tells what comes meanwhile.
        while self._untold and self._telling.acquire(blocking=False):
            try:
                while self._untold:
                    await self._tell_one(self._untold.popleft())
            finally:
                self._telling.release()

    async def _tell_one(self, event: ClientEvent) -> None:
        logger.info("%s: %r", event.name, event)
        if self._on_event is None:
            return
        try:
            await self.io.ask(self._on_event, event)
        except Exception as error:
            # Its message may quote anything.
            logger.error("the callback for events raised %s at %s", type(error).__name__, event.name)

    # -------------------------------------------------------------------------------------------------------- callers

    def check_open(self) -> None:
        if self.closed:
            raise _errors.Closed("the client is closed")

    async def until(self, done: Callable[[], T | None], timeout: float | None, what: str) -> T:
        """Waits until ``done`` has an answer."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            seen = self.io.version
            answer = done()
            if answer is not None:
                return answer
            self.check_open()
            limit = None if end is None else end - time.monotonic()
            if limit is not None and limit <= 0:
                raise _errors.TimedOut(f"{what} took longer than {timeout:g} s")
            await self.io.wait(seen, limit)

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

    async def ready(self, timeout: float | None = None) -> Access.Ready:
        """The token, as soon as there is one."""
        self.check_open()
        access = self.access()
        if isinstance(access, Access.Ready):
            if access.refresh_soon:
                self._nudge()
            return access
        return await self._when_ready(self.access, lambda session, now: session.ensure_fresh(now), timeout)

    async def ready_for(self, scope: str | Scope | None, timeout: float | None = None) -> Access.Ready:
        """A user token with less scope."""
        await self.ready(timeout)
        wanted = Scope(scope) if scope is not None else self.session.user_scope() or Scope("")

        def access() -> Access | None:
            found = self.session.access_for(self.now(), wanted)
            return None if self.held is not None else found

        first = access()
        if isinstance(first, Access.Ready):
            return first
        return await self._when_ready(
            access, lambda session, now: session.downscope(now, wanted), timeout, failure=_errors.DownscopeFailed
        )

    async def _when_ready(
        self,
        query: Callable[[], Access | None],
        ask: Input,
        timeout: float | None,
        failure: type[_errors.RefreshFailed | _errors.DownscopeFailed] = _errors.RefreshFailed,
    ) -> Access.Ready:
        end = None if timeout is None else time.monotonic() + timeout
        looked, asked = not self._is_shared, 0
        while True:
            self.check_open()
            seen = self.io.version
            access = query()
            match access:
                case Access.Ready():
                    return access
                case Access.Stale() if asked < 3:
                    asked += 1
                    await self.give(ask, when=lambda: isinstance(query(), Access.Stale))
                    continue
                case Access.BackingOff(fault=fault, retry_at=retry_at):
                    raise failure(str(fault), fault=fault, retry_at=retry_at) from self._cause
                case Access.SignInRequired(reason=reason):
                    if looked:
                        raise _errors.SignInRequired(f"sign in: {reason}", reason=reason)
                    looked = True
                    # Somebody may have signed in through another process.
                    await self.look_at_store()
                    continue
                case _:
                    pass
            limit = None if end is None else end - time.monotonic()
            if limit is not None and limit <= 0:
                raise _errors.TimedOut(f"a token took longer than {timeout:g} s")
            await self.io.wait(seen, limit)

    def _nudge(self) -> None:
        """A refresh in the background: the caller has a token and does not wait."""
        if not self._nudged:
            self._nudged = True
            self.io.spawn(self._refresh_soon(), background=True)

    async def _refresh_soon(self) -> None:
        try:
            await self.give(lambda session, now: session.ensure_fresh(now))
        finally:
            self._nudged = False

    async def rejected(
        self, generation: int, timeout: float | None = None
    ) -> tuple[Access.Ready | None, _errors.Error | None]:
        """An API answered 401. Another token to try once; or none, and why: then the 401 is the answer."""
        try:
            await self.give(lambda session, now: session.token_rejected(now, generation))
            access = await self.ready(timeout)
        except _errors.Error as error:
            logger.info("401, and no other token: %s", type(error).__name__)
            return None, error
        return (access, None) if access.generation != generation else (None, None)

    async def header_for(self, url: str, headers: Iterable[str], timeout: float | None = None) -> Access.Ready | None:
        """The token for a request of somebody else, unless it has a header of its own or goes to another host."""
        if any(name.lower() == "authorization" for name in headers) or not self.config.may_carry_token(url):
            return None
        return await self.ready(timeout)

    async def answered(self, generation: int, status: int, retry_after: str | None) -> Access.Ready | None:
        """What an API's answer means; another token to try once, if it means that."""
        match self.session.judge(self.now(), status, retry_after):
            case Verdict.Rejected():
                return (await self.rejected(generation))[0]
            case Verdict.Embargoed():
                await self.give(lambda session, now: session.embargoed(now))
            case _:
                pass
        return None

    async def call(self, request: ApiRequest, timeout: float | None, max_wait: float) -> ApiResponse:
        """Calls an API with the token: one replay after a 401, waits of a 429 as far as the caller has the time."""
        access = await self.header_for(request.url, request.headers, timeout)
        replayed = False
        while True:
            response = await self._call_once(request, access)
            if access is None:
                return response
            match self.session.judge(self.now(), response.status, response.header("retry-after")):
                case Verdict.Rejected() if not replayed:
                    replayed = True
                    again, response.refresh_error = await self.rejected(access.generation, timeout)
                    if again is None:
                        return response
                    access = again
                case Verdict.Wait(wait=wait) if wait.total_seconds() <= max_wait:
                    max_wait -= wait.total_seconds()
                    await self.io.sleep(wait.total_seconds())
                    access = await self.ready(timeout)
                case Verdict.Embargoed():
                    await self.give(lambda session, now: session.embargoed(now))
                    return response
                case _:
                    return response

    async def _call_once(self, request: ApiRequest, access: Access.Ready | None) -> ApiResponse:
        try:
            return ApiResponse.of(await self.io.call(self._transport, request.signed(access)))
        except _errors.TransportError as error:
            raise _errors.CallFailed(f"the call failed: {error}") from describe(error)
        except Exception as error:
            raise _errors.CallFailed(f"the call failed ({type(error).__name__})") from describe(error)

    async def refresh(self, timeout: float | None = None) -> None:
        """New tokens, whatever the clock says."""
        self.check_open()
        turn = await self.give(lambda session, now: session.refresh(now))
        await self._until_renewed(turn, timeout)

    async def _until_renewed(self, turn: Turn, timeout: float | None) -> None:
        await self.until(
            lambda: True if not self.session.status(self.now()).is_refreshing else None, timeout, "the refresh"
        )
        access = await self.ready(timeout)
        fault = self.session.status(self.now()).last_fault
        if fault is not None:
            raise _errors.RefreshFailed(str(fault), fault=fault, retry_at=None) from self._cause
        del access

    # --------------------------------------------------------------------------------------------------------- logins

    def _note(self, event: Event) -> None:
        signing_in = isinstance(self.session.phase, Phase.SigningIn)
        match event:
            case Event.SignedIn() if not signing_in:
                self._end_login(event)
            case Event.LoginFailed(via=via, fault=fault, cleaned_url=cleaned_url, state=state):
                error = _errors.LoginFailed(
                    f"the login failed: {fault}", fault=fault, via=via, cleaned_url=cleaned_url, state=state
                )
                error.__cause__ = self._cause
                self._end_login(error)
            case Event.SignedOut() if not signing_in:
                self._end_login(_errors.LoginCancelled("the user signed out"))
            case _:
                pass

    def _end_login(self, result: Event.SignedIn | _errors.Error) -> None:
        login, self._login = self._login, None
        if login is not None:
            login.result = result

    async def begin_login(self, options: LoginOptions) -> tuple[Login, Secret]:
        self.check_open()
        login, entropy = Login(object()), os.urandom(ENTROPY_LEN)
        turn = await self.give(lambda session, now: session.begin_login(now, options, entropy), login=login)
        assert turn.url is not None  # The core answers BeginLogin with OpenBrowser.
        return login, turn.url

    async def complete_login(self, callback: Secret, timeout: float | None) -> Event.SignedIn:
        self.check_open()
        # A restored login, or one that another client of this store began, has nobody yet who waits for it.
        login = self._login
        if login is None:
            login = self._login = Login(object())
        turn = await self.give(lambda session, now: session.complete_login(now, callback))
        for event in turn.events:
            if isinstance(event, Event.CallbackIgnored):
                raise _errors.CallbackIgnored(
                    f"not the callback of the pending login: {event.reason}", reason=event.reason
                )
        return await self.login_result(login, timeout)

    async def sign_in(self, key: object, give: Input, timeout: float | None) -> Event.SignedIn:
        """A login without a browser. The same again joins the one that is under way."""
        self.check_open()
        pending = self._login
        if pending is not None and pending.key == key:
            return await self.login_result(pending, timeout)
        login = Login(key)
        await self.give(give, login=login)
        return await self.login_result(login, timeout)

    async def complete_any(self, text: Secret, timeout: float) -> str:
        """A callback of the browser, and in a word how it ended: what the page shows."""
        try:
            await self.complete_login(text, timeout)
        except _errors.CallbackIgnored:
            return "ignored"
        except _errors.LoginFailed as error:
            return "declined" if error.fault.blame == "user" else "failed"
        except _errors.Error:
            return "failed"
        return "signed_in"

    async def begin_device_login(self, scope: str | Scope | None, timeout: float | None) -> tuple[Login, DevicePrompt]:
        self.check_open()
        login = Login(object())
        await self.give(lambda session, now: session.begin_device_login(now, scope), login=login)

        def prompted() -> DevicePrompt | None:
            if isinstance(login.result, _errors.Error):
                raise login.result
            return login.prompt

        return login, await self.until(prompted, timeout, "the device login")

    async def login_result(self, login: Login, timeout: float | None) -> Event.SignedIn:
        def ended() -> Event.SignedIn | _errors.Error | None:
            return login.result

        result: Event.SignedIn | _errors.Error = await self.until(ended, timeout, "the login")
        if isinstance(result, _errors.Error):
            raise result
        return result

    async def cancel_login(self) -> None:
        self.check_open()
        await self.give(lambda session, now: session.cancel_login(now))
        self._end_login(_errors.LoginCancelled("the login was cancelled"))
        self.io.wake()

    async def sign_out(self, give: Input) -> Secret | None:
        self.check_open()
        turn = await self.give(give)
        # It is over here in any case; the server hears of it if it listens.
        await self._landing(False, FAREWELL)
        if self._save_at is not None:
            raise _errors.StoreError("the store failed: signed out in memory only")
        return turn.url

    # --------------------------------------------------------------------------------------------------------- keeping

    def _keep(self) -> None:
        """Keeps the session going beside the callers: deadlines, polls, refreshes ahead of expiry, failed saves."""
        if not self._keeping and not self.closed and self._wake_at() is not None:
            self._keeping = True
            self.io.spawn(keep(weakref.ref(self), self.io), background=True)

    def _wake_at(self) -> int | None:
        wake_at = self.session.wake_at_ms
        if self._save_at is None:
            return wake_at
        return self._save_at if wake_at is None else min(wake_at, self._save_at)

    def nap(self) -> float | None:
        """Seconds until the session wants to be woken; None where there is nothing to keep."""
        wake_at = self._wake_at()
        if wake_at is None or self.closed:
            self._keeping = False
            return None
        left = (wake_at - self.now()) / 1000
        if left <= 0 and self._flights:
            # What is under way reports by itself, by a clock that nobody sets: its deadline is for drivers that died.
            patience = self.config.request_timeout.total_seconds() + LOCK_PATIENCE
            left = min(self._begun + patience - time.monotonic(), 1.0)
        return min(max(left, 0.0), LONGEST_NAP)

    async def tick(self) -> None:
        await self.give(lambda session, now: session.tick(now))

    async def flush(self) -> None:
        """Saves what could not be saved before."""
        if self._save_at is not None:
            await self.tick()
        if self._save_at is not None:
            raise _errors.StoreError("the store still fails; the session is in memory only")

    async def close(self, timeout: float | None) -> None:
        """Whoever waits is told; requests that are under way are waited for, so that no renewed token is lost."""
        self.closed = True
        self._end_login(_errors.Closed("the client is closed"))
        self.io.wake()
        await self._landing(True, timeout)
        await self._landing(False, FAREWELL if timeout is None else min(timeout, FAREWELL))
        if self._save_at is not None:
            # The last chance of a store that failed.
            await self.tick()

    async def _landing(self, grants: bool, timeout: float | None) -> None:
        """Waits for the requests of one kind that are under way."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            seen = self.io.version
            limit = None if end is None else end - time.monotonic()
            if grants not in list(self._flights.values()) or (limit is not None and limit <= 0):
                return
            await self.io.wait(seen, limit)

    @property
    def is_saved(self) -> bool:
        return self._save_at is None


async def keep(driver: weakref.ref[Driver], io: IO) -> None:
    """Runs as long as there is something to keep, and no longer than the client lives."""
    seen = io.version
    while True:
        this = driver()
        nap = None if this is None else this.nap()
        if this is None or nap is None:
            return
        if nap > 0:
            del this
            await io.wait(seen, nap)
            seen = io.version
            continue
        try:
            await this.tick()
        except Exception as error:
            logger.error("the session cannot be kept: %s", type(error).__name__)
            return
        if this.nap() == 0:
            # Not done by one tick, or not ours to do: do not spin.
            del this
            await io.wait(io.version, SHORTEST_NAP)
        seen = io.version


def seconds(value: timedelta | float | None) -> float | None:
    """A time limit of a caller in seconds."""
    return value.total_seconds() if isinstance(value, timedelta) else value
