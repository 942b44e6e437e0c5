"""Signing in and out: each login is waited for by whoever began it."""

from __future__ import annotations

import os

from .._core import (
    ENTROPY_LEN,
    DevicePrompt,
    Effect,
    Event,
    LoginOptions,
    Output,
    Scope,
    ScopeDelta,
    Secret,
    Session,
    login_id,
)
from .._errors import CallbackIgnored, Error, LoginCancelled, LoginFailed, StoreError
from .desk import Desk, Input, Turn
from .errands import Flights
from .logins import Login, Logins

#: How long signing out and closing wait for the revocation of tokens, in seconds.
FAREWELL = 5.0


class SigningIn:
    """Logins of every kind."""

    def __init__(self, desk: Desk, logins: Logins, flights: Flights) -> None:
        self._desk = desk
        self._logins = logins
        self._flights = flights

    async def _begin(self, login: Login, give: Input) -> Turn:
        # Not before the session took it: a mistake leaves the login under way alone.
        return await self._desk.give(give, then=lambda: self._logins.begin(login))

    async def result(self, login: Login, timeout: float | None) -> Event.SignedIn:
        def ended() -> Event.SignedIn | Error | None:
            return login.result

        result: Event.SignedIn | Error = await self._desk.until(ended, timeout, "the login")
        if isinstance(result, Error):
            raise result
        return result

    # -------------------------------------------------------------------------------------------------------- browser

    async def begin_login(self, options: LoginOptions) -> tuple[Login, Secret]:
        self._desk.check_open()
        login, entropy = Login(object()), os.urandom(ENTROPY_LEN)
        turn = await self._desk.give(lambda session, now: session.begin_login(now, options, entropy))
        assert turn.url is not None  # The core answers BeginLogin with OpenBrowser.
        self._logins.begin_browser(login, login_id(turn.url))
        return login, turn.url

    async def complete_login(self, callback: Secret, timeout: float | None) -> Event.SignedIn:
        self._desk.check_open()
        id, looked = login_id(callback), not self._desk.is_shared
        while True:
            taken = await self._take_callback(callback, id)
            if isinstance(taken, Login):
                return await self.result(taken, timeout)
            if taken == "already_completed":
                under_way = self._logins.under_way(id)
                return self._signed_in(id) if under_way is None else await self.result(under_way, timeout)
            # Another process may have begun the login: the store knows.
            if looked or taken not in ("no_login_pending", "wrong_state", "other_url"):
                raise CallbackIgnored(f"not the callback of a pending login: {taken}", reason=taken)
            looked = True
            await self._desk.look_at_store()

    async def _take_callback(self, callback: Secret, id: str | None) -> Login | str:
        """The login whose callback it is, or why it is nobody's."""
        taken: Login | str = "no_login_pending"

        def give(session: Session, now: int) -> Output:
            nonlocal taken
            output = session.complete_login(now, callback)
            taken = ignored(output) or ""
            return output

        def then() -> None:
            nonlocal taken
            if not taken:
                taken = self._logins.came_back(id)

        await self._desk.give(give, then=then)
        return taken

    def _signed_in(self, id: str | None) -> Event.SignedIn:
        """What there is to say of a login that is done."""
        status = self._desk.session.status(self._desk.now())
        scope = status.scope or Scope()
        via = status.via or "code"
        return Event.SignedIn(via, status.generation, ScopeDelta.between(scope, scope), id, None, None)

    async def complete_any(self, text: Secret, timeout: float) -> str:
        """A callback of the browser, and in a word how it ended: what the page shows."""
        try:
            await self.complete_login(text, timeout)
        except CallbackIgnored:
            return "ignored"
        except LoginFailed as error:
            return "declined" if error.fault.blame == "user" else "failed"
        except Error:
            return "failed"
        return "signed_in"

    async def cancel_login(self, of: str | Secret | None = None, *, under_way: bool = False) -> None:
        self._desk.check_open()
        await self._desk.give(lambda session, now: session.cancel_login(now, of, under_way=under_way))
        if under_way:
            self._logins.end(LoginCancelled("the login was cancelled"))
        elif of is None:
            self._logins.cancel("the login was cancelled")
        else:
            self._logins.cancel_browser(login_id(of), "the login was cancelled")
        self._desk.io.wake()

    # --------------------------------------------------------------------------------------------------------- others

    async def sign_in(self, key: object, give: Input, timeout: float | None) -> Event.SignedIn:
        """A login without a browser. The same again joins the one that is under way."""
        self._desk.check_open()
        pending = self._logins.pending
        if pending is not None and pending.key == key:
            return await self.result(pending, timeout)
        login = Login(key)
        await self._begin(login, give)
        return await self.result(login, timeout)

    async def begin_device_login(self, scope: str | Scope | None, timeout: float | None) -> tuple[Login, DevicePrompt]:
        self._desk.check_open()
        login = Login(object())
        await self._begin(login, lambda session, now: session.begin_device_login(now, scope))

        def prompted() -> DevicePrompt | None:
            if isinstance(login.result, Error):
                raise login.result
            return login.prompt

        return login, await self._desk.until(prompted, timeout, "the device login")

    async def sign_out(self, give: Input) -> Secret | None:
        self._desk.check_open()
        turn = await self._desk.give(give)
        # It is over here in any case; the server hears of it if it listens.
        await self._flights.landing(self._desk.io, False, FAREWELL)
        if not self._desk.is_saved:
            raise StoreError("the store failed: signed out in memory only")
        return turn.url


def ignored(output: Output) -> str | None:
    """Why a callback is nobody's, where it is."""
    for effect in output.effects:
        if isinstance(effect, Effect.Notify) and isinstance(effect.event, Event.CallbackIgnored):
            return effect.event.reason
    return None
