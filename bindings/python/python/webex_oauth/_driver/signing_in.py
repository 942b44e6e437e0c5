"""Signing in and out: each login is waited for by whoever began it."""

from __future__ import annotations

import os

from .._core import ENTROPY_LEN, DevicePrompt, Event, LoginOptions, Scope, Secret
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
        turn = await self._begin(login, lambda session, now: session.begin_login(now, options, entropy))
        assert turn.url is not None  # The core answers BeginLogin with OpenBrowser.
        return login, turn.url

    async def complete_login(self, callback: Secret, timeout: float | None) -> Event.SignedIn:
        self._desk.check_open()
        login = self._logins.current()
        turn = await self._desk.give(lambda session, now: session.complete_login(now, callback))
        for event in turn.events:
            if isinstance(event, Event.CallbackIgnored):
                raise CallbackIgnored(f"not the callback of the pending login: {event.reason}", reason=event.reason)
        return await self.result(login, timeout)

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

    async def cancel_login(self) -> None:
        self._desk.check_open()
        await self._desk.give(lambda session, now: session.cancel_login(now))
        self._logins.end(LoginCancelled("the login was cancelled"))
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
