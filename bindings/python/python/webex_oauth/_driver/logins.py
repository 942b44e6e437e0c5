"""Which login a caller waits for, and how it ended."""

from __future__ import annotations

from .._core import DevicePrompt, Event
from .._errors import Error, LoginCancelled, LoginFailed, LoginSuperseded


class Login:
    """A login that somebody waits for. Nobody gets the result of somebody else's."""

    def __init__(self, key: object) -> None:
        self.key = key
        self.result: Event.SignedIn | Error | None = None
        self.prompt: DevicePrompt | None = None


class Logins:
    """Keeps account of logins: there is one at a time."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.pending: Login | None = None

    def begin(self, login: Login) -> None:
        """A login begins; one that is under way is superseded."""
        self.end(LoginSuperseded("another login was begun"))
        self.pending = login

    def current(self) -> Login:
        """The login that is under way. A restored one, or one that another client of this store began, has nobody yet
        who waits for it."""
        login = self.pending
        if login is None:
            login = self.pending = Login(object())
        return login

    def show(self, prompt: DevicePrompt) -> None:
        if self.pending is not None:
            self.pending.prompt = prompt

    def note(self, event: Event, signing_in: bool, cause: BaseException | None) -> None:
        """Takes note of what the session says. ``signing_in``: a login is still under way."""
        match event:
            # Somebody else's sign-in leaves our login alone.
            case Event.SignedIn() if not signing_in:
                self.end(event)
            case Event.LoginFailed(via=via, fault=fault, cleaned_url=cleaned_url, state=state):
                error = LoginFailed(
                    f"the login failed: {fault}", fault=fault, via=via, cleaned_url=cleaned_url, state=state
                )
                error.__cause__ = cause
                self.end(error)
            case Event.SignedOut() if not signing_in:
                self.end(LoginCancelled("the user signed out"))
            case _:
                pass

    def end(self, result: Event.SignedIn | Error) -> None:
        login, self.pending = self.pending, None
        if login is not None:
            login.result = result
