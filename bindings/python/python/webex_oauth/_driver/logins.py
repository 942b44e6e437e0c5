"""Which login a caller waits for, and how it ended."""

from __future__ import annotations

from .._core import DevicePrompt, Event
from .._errors import Error, LoginCancelled, LoginFailed, LoginSuperseded


class Login:
    """A login that somebody waits for. Nobody gets the result of somebody else's."""

    def __init__(self, key: object) -> None:
        self.key = key
        #: Of a login in a browser: which one.
        self.id: str | None = None
        self.result: Event.SignedIn | Error | None = None
        self.prompt: DevicePrompt | None = None


class Logins:
    """Keeps account of logins: one is under way at a time, and several may wait for their browser."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.pending: Login | None = None
        self._browsers: dict[str | None, Login] = {}

    def begin(self, login: Login) -> None:
        """A login begins; one that is under way is superseded."""
        self.end(LoginSuperseded("another login was begun"))
        self.pending = login

    def begin_browser(self, login: Login, id: str | None) -> None:
        """A login in a browser begins. Others go on."""
        login.id = id
        self._browsers[id] = login

    def came_back(self, id: str | None) -> Login:
        """The browser came back: its login is under way now. A restored one, or one that another client of this store
        began, has nobody yet who waits for it."""
        login = self._browsers.pop(id, None)
        if login is None:
            login = Login(object())
            login.id = id
        self.begin(login)
        return login

    def under_way(self, id: str | None) -> Login | None:
        return self.pending if self.pending is not None and id is not None and self.pending.id == id else None

    def show(self, prompt: DevicePrompt) -> None:
        if self.pending is not None:
            self.pending.prompt = prompt

    def note(self, event: Event, signing_in: bool, cause: BaseException | None) -> None:
        """Takes note of what the session says. ``signing_in``: a login is still under way."""
        match event:
            case Event.SignedIn(login=id):
                # Completed elsewhere.
                self.end_browser(id, event)
                # Somebody else's sign-in leaves our login alone.
                if not signing_in or self.under_way(id) is not None:
                    self.end(event)
            case Event.LoginFailed(via=via, fault=fault, login=id, cleaned_url=cleaned_url, state=state):
                error = LoginFailed(
                    f"the login failed: {fault}", fault=fault, via=via, cleaned_url=cleaned_url, state=state
                )
                error.__cause__ = cause
                self.end_browser(id, error)
                if self.pending is not None and self.pending.id == id:
                    self.end(error)
            case Event.SignedOut() if not signing_in:
                self.cancel("the user signed out")
            case _:
                pass

    def cancel(self, why: str) -> None:
        """All logins are over without a result."""
        self.close(LoginCancelled(why))

    def close(self, result: Error) -> None:
        for id in list(self._browsers):
            self.end_browser(id, result)
        self.end(result)

    def cancel_browser(self, id: str | None, why: str) -> None:
        """One login in a browser is over without a result."""
        self.end_browser(id, LoginCancelled(why))
        if self.under_way(id) is not None:
            self.end(LoginCancelled(why))

    def end_browser(self, id: str | None, result: Event.SignedIn | Error) -> None:
        login = self._browsers.pop(id, None)
        if login is not None:
            login.result = result

    def end(self, result: Event.SignedIn | Error) -> None:
        login, self.pending = self.pending, None
        if login is not None:
            login.result = result
