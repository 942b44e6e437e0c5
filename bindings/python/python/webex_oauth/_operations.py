"""What both clients do, written once: each operation makes calls to the coordinator and reads the answers.

The coroutines wait only for a :class:`Waiting`, through which a blocking client never suspends: it steps each of them
once (:func:`run`).
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal, TypeVar

from . import coordinator as co
from ._core import ENTROPY_LEN, Access, DevicePrompt, Event, LoginOptions, Scope, ScopeDelta, Secret, login_id
from ._errors import Closed, DownscopeFailed, Error, RefreshFailed, StoreError, TimedOut
from ._executor import Executor
from ._failures import exception
from ._services import KnownServices
from ._signed_in import SignedIn, read_state
from ._waiting import News, Waiting

__all__ = ["LOGIN", "Operations", "blocking", "run"]

T = TypeVar("T")
Show = Callable[[DevicePrompt], Awaitable[object]]

A_TOKEN, LOGIN = "a token", "the login"
#: For what is waited for where nothing depends on it, in seconds.
FAREWELL = 5.0
#: For what a store that answers has said by then.
MOMENT = 0.25


def run(work: Coroutine[Any, Any, T]) -> T:
    """Steps a coroutine that waits by blocking."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise AssertionError("a blocking client must not suspend")


async def blocking(function: Callable[..., T], *arguments: Any) -> T:
    """Calls something on this thread."""
    return function(*arguments)


class Operations:
    """The calls of a client, for whoever awaits them."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.known = KnownServices(executor.config)
        #: Logins that somebody waits for.
        self._logins: set[int] = set()

    # ---------------------------------------------------------------------------------------------------------- calls

    async def call(
        self, call: co.Call, what: str, unavailable: type[RefreshFailed | DownscopeFailed] = RefreshFailed
    ) -> News:
        """Makes a call and waits for what comes of it; a failure is raised."""
        with self.executor.begin(call) as waiting:
            return self.read(await waiting.reply(), what, unavailable)

    def read(self, news: News, what: str, unavailable: type[RefreshFailed | DownscopeFailed] = RefreshFailed) -> News:
        if isinstance(news.what, co.Failed):
            raise exception(news.what.failure, what, self.executor.jobs, news.told, unavailable)
        return news

    # --------------------------------------------------------------------------------------------------------- tokens

    async def access(self, within: float | None) -> Access.Ready:
        """The token, as soon as there is one."""
        published = self.executor.published
        if published is not None and published.begin <= self.executor.nanoseconds() < published.end:
            return Access.Ready(published.token, published.generation, published.expires_at, False)
        return self._ready((await self.call(co.Token(within=within), A_TOKEN)).what)

    async def user_token(self, scope: str | Scope | None, within: float | None) -> Access.Ready:
        """One with less scope."""
        of: Literal["user_default"] | Scope = "user_default" if scope is None else Scope(scope)
        return self._ready((await self.call(co.Token(of, within), A_TOKEN, DownscopeFailed)).what)

    def _ready(self, reply: object) -> Access.Ready:
        match reply:
            case co.Ready(token=token, generation=generation, expires_at=at):
                return Access.Ready(token, generation, at, False)
            case co.Again(token=token, generation=generation):
                published = self.executor.published
                is_same = published is not None and published.generation == generation
                return Access.Ready(token, generation, published.expires_at if published and is_same else None, False)
            case _:
                raise Closed("the client is closed")

    async def answered(
        self, generation: int, status: int, retry_after: str | None, spent: co.Spent | None = None
    ) -> tuple[Access.Ready | None, co.Spent, Error | None]:
        """What an API's answer means: another token to call it with again; or none, and why."""
        spent = spent or co.Spent()
        what = (await self.call(co.Answered(generation, status, retry_after, spent), A_TOKEN)).what
        match what:
            case co.Again(spent=so_far):
                return self._ready(what), so_far, None
            case co.Return(why=why) if why is not None:
                return None, spent, exception(why, A_TOKEN, self.executor.jobs)
            case _:
                return None, spent, None

    async def rejected(self, generation: int, within: float | None) -> Access.Ready | None:
        """An API answered 401 to the token of this generation. Another one to try once, or None."""
        with self.executor.begin(co.Answered(generation, 401)) as waiting:
            news = await waiting.news_within(within)
            return self._ready(news.what) if news is not None and isinstance(news.what, co.Again) else None

    async def refresh(self, within: float | None) -> None:
        await self.call(co.Refresh(within), "the refresh")

    # --------------------------------------------------------------------------------------------------------- logins

    async def _log_in(self, call: co.Call, show: Show | None = None) -> News:
        with self.executor.begin(call) as waiting:
            self._logins.add(waiting.ticket)
            try:
                while isinstance((news := await waiting.news()).what, DevicePrompt):
                    if show is not None:
                        await show(news.what)
                return self.read(news, LOGIN)
            finally:
                self._logins.discard(waiting.ticket)

    async def sign_in(self, credential: co.Credential, within: float | None, show: Show | None = None) -> SignedIn:
        """``show`` gets what the user has to see."""
        return self.signed_in(await self._log_in(co.SignIn(credential, within), show))

    def signed_in(self, news: News, of: Secret | None = None) -> SignedIn:
        """The event's; where it was told before, what there is to say of a login that is done."""
        for event in news.told:
            if isinstance(event, Event.SignedIn):
                return SignedIn.of(event)
        status = self.executor.coordinator.status(self.executor.wall())
        scope = status.scope or Scope()
        done = news.what
        cleaned_url, state = (done.cleaned_url, done.state) if isinstance(done, co.SignedIn) else (None, None)
        login, delta = None if of is None else login_id(of), ScopeDelta.between(scope, scope)
        return SignedIn(status.via or "code", status.generation, delta, login, cleaned_url, read_state(state))

    async def begin_login(self, options: LoginOptions) -> Secret:
        news = await self.call(co.SignIn(co.Browser(os.urandom(ENTROPY_LEN), options)), LOGIN)
        assert isinstance(news.what, co.Url)  # The core answers a login in a browser with where to go.
        return news.what.url

    def await_login(self, url: Secret, within: float) -> Waiting:
        """Ends with that login, whoever completes it. Who waits has an end of its own, a little earlier."""
        return self.executor.begin(co.AwaitLogin(url, within + FAREWELL))

    async def complete_login(self, callback: Secret, within: float | None) -> SignedIn:
        return self.signed_in(await self._log_in(co.CompleteLogin(callback, within)), callback)

    async def cancel_login(self, of: str | Secret | None = None, *, under_way: bool = False) -> None:
        calls = [co.CancelLogin(ticket) for ticket in list(self._logins)] if under_way else [co.CancelLogin(login=of)]
        for call in calls:
            await self.call(call, "the end of the login")

    async def sign_out(self, call: co.SignOut) -> Secret | None:
        done = (await self.call(call, "the sign-out")).what
        return done.url if isinstance(done, co.Url) else None

    # ---------------------------------------------------------------------------------------------------------- state

    async def adopt(self, tokens: Secret) -> None:
        await self.call(co.SignIn(co.Tokens(tokens)), "the store")

    async def look(self) -> None:
        await self.call(co.Look(), "the store")

    async def glance(self) -> None:
        """The same, and not for longer than a moment while there is a token that is good: the look goes on."""
        if not self.executor.has_good_token:
            return await self.look()
        with self.executor.begin(co.Look()) as waiting:
            await waiting.news_within(MOMENT)

    async def flush(self) -> None:
        try:
            await self.call(co.Flush(FAREWELL), "the store")
        except TimedOut:
            self._check_stored("the session is in memory only")
            raise

    async def close(self, within: float | None) -> None:
        await self.call(co.Close(within), "the end")
        await self.executor.outbox.wait_until_told(FAREWELL if within is None else min(within, FAREWELL))
        self._check_stored("what is newest was not stored, and ends with this client")
        self.executor.end()

    def _check_stored(self, problem: str) -> None:
        fault = self.executor.coordinator.store_fault
        if fault is not None:
            cause = self.executor.jobs.store_error(fault)
            raise StoreError(f"{cause}; {problem}", kind=cause.kind) from cause
