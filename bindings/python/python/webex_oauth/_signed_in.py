"""A sign-in that ended well, and the ``state`` that went around with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._core import Event, ScopeDelta
from ._errors import InvalidArgument
from .coordinator._plain import Plain

if TYPE_CHECKING:
    from typing import Literal

__all__ = ["SignedIn", "read_state", "written_state"]

#: A state is a JSON object. Text goes around as its only member.
_TEXT = "webex_oauth_text"


class SignedIn(Plain):
    """A sign-in that ended well."""

    #: Which way.
    via: Literal["code", "implicit", "device", "jwt", "guest", "client_credentials", "adopted", "host"]
    #: Counts the tokens of a session.
    generation: int
    #: What was granted, beside what was asked for.
    scope: ScopeDelta
    #: Names the login in a browser that this is the end of.
    login: str | None = None
    #: The callback without code, token and CSRF value, for the browser's history.
    cleaned_url: str | None = None
    #: What :meth:`Client.begin_login` was given as ``state``: the mapping as a ``dict``, the text as this text. None
    #: where there was none or an empty mapping, and where this callback had been completed before.
    state: Any = None

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._names() if name != "state")
        return f"SignedIn({shown})"

    @classmethod
    def of(cls, event: Event.SignedIn) -> SignedIn:
        """What a client returns of the event that the session told."""
        state = read_state(event.state)
        return cls(event.via, event.generation, event.scope, event.login, event.cleaned_url, state)


def written_state(state: str | Mapping[str, object] | None) -> str | None:
    """The JSON object in which a caller's state goes around."""
    if state is None:
        return None
    if isinstance(state, str):
        return json.dumps({_TEXT: state})
    try:
        members = dict(state)
        text = json.dumps(members)
    except (TypeError, ValueError, RecursionError):
        raise InvalidArgument("state: not a JSON object", argument="state", problem="not a JSON object") from None
    if _TEXT in members:
        problem = f"has a {_TEXT}, which is the library's to set"
        raise InvalidArgument(f"state: {problem}", argument="state", problem=problem)
    return text


def read_state(text: str | None) -> Any:
    """What was given to :func:`written_state`, here or in another process.

    Of a login that was begun in another language it is the JSON object.
    """
    if text is None:
        return None
    try:
        state = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return state[_TEXT] if isinstance(state, dict) and state.keys() == {_TEXT} else state
