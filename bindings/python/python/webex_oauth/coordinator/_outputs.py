"""What a coordinator says after each step: jobs, answers, events."""

from __future__ import annotations

from .._core import AccessToken, DevicePrompt, Event, Secret
from ._calls import Spent
from ._failures import Failure
from ._jobs import Op, StoreFailed
from ._plain import Plain


class Ready(Plain):
    """Use this token."""

    token: AccessToken
    generation: int
    expires_at: int | None


class Return(Plain):
    """Hand the API's answer to the caller; why a refused token could not be replaced."""

    why: Failure | None


class Again(Plain):
    """Call the API again with this token."""

    token: AccessToken
    generation: int
    spent: Spent


class SignedIn(Plain):
    """Signed in."""

    cleaned_url: str | None
    state: str | None


class Url(Plain):
    """Bring the browser there."""

    url: Secret


class Finished(Plain):
    """Done."""


class Failed(Plain):
    """It failed."""

    failure: Failure


Reply = Ready | Return | Again | SignedIn | Url | Finished | Failed


class Fresh(Plain):
    """A token that may be handed out without asking, while the wall clock reads between its lines."""

    token: AccessToken
    generation: int
    expires_at: int | None
    from_: int
    until: int | None


class Do(Plain):
    """Begin this job, and report with ``done``."""

    job: int
    op: Op


class Stop(Plain):
    """The job is not wanted any longer."""

    job: int


class Resolve(Plain):
    """The answer to a call."""

    ticket: int
    reply: Reply


class Show(Plain):
    """For the user of this call: where to go on another device, and which code to enter."""

    ticket: int
    prompt: DevicePrompt


class StoreRecovered(Plain):
    """The store works again."""


class Tell(Plain):
    """For whoever listens, in order."""

    event: Event | StoreFailed | StoreRecovered


class Publish(Plain):
    """Replaces the token that may be handed out without asking."""

    fresh: Fresh | None


Output = Do | Stop | Resolve | Show | Tell | Publish
