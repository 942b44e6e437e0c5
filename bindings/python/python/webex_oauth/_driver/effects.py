"""What is done with each effect of the session that is no save."""

from __future__ import annotations

from .._core import Effect, Phase
from .desk import Desk, Turn
from .errands import Errands
from .events import Events
from .logins import Logins


class Effects:
    """Passes effects on to the parts that they concern. None of them is waited for."""

    def __init__(self, errands: Errands, events: Events, logins: Logins) -> None:
        self._errands = errands
        self._events = events
        self._logins = logins

    def do(self, desk: Desk, effect: Effect, turn: Turn) -> None:
        match effect:
            case Effect.Send(request=request):
                self._errands.send(desk, request)
            case Effect.OpenBrowser(url=url):
                turn.url = url
            case Effect.ShowDeviceCode(prompt=prompt):
                self._logins.show(prompt)
            case Effect.AskForJwt(id=id):
                self._errands.ask_for_jwt(desk, id)
            case Effect.AskForToken(id=id, ask=ask):
                self._errands.ask_for_token(desk, id, ask)
            case Effect.Notify(event=event):
                signing_in = isinstance(desk.session.phase, Phase.SigningIn)
                self._logins.note(event, signing_in, self._errands.cause)
                turn.events.append(event)
                self._events.note(event)
            case _:
                raise AssertionError(f"an effect that this driver does not know: {type(effect).__qualname__}")
