"""How callers come by a token."""

from __future__ import annotations

import logging
from collections.abc import Callable

from .._core import Access, Scope
from .._errors import DownscopeFailed, Error, RefreshFailed, SignInRequired, TimedOut
from .desk import Desk, Input
from .errands import Errands
from .io import Deadline

logger = logging.getLogger("webex_oauth")

#: So often a caller asks for a renewal; tokens that are stale on arrival must not be asked for endlessly.
MOST_ASKED = 3


class Tokens:
    """Gives out the token, and has it renewed for those who wait for one."""

    def __init__(self, desk: Desk, errands: Errands) -> None:
        self._desk = desk
        self._errands = errands
        self.restart()

    def restart(self) -> None:
        self._nudged = False

    async def ready(self, timeout: float | None = None) -> Access.Ready:
        """The token, as soon as there is one."""
        desk = self._desk
        desk.check_open()
        access = desk.access()
        if isinstance(access, Access.Ready):
            if access.refresh_soon:
                self._nudge()
            return access
        return await self._when_ready(desk.access, lambda session, now: session.ensure_fresh(now), timeout)

    async def ready_for(self, scope: str | Scope | None, timeout: float | None = None) -> Access.Ready:
        """A user token with less scope."""
        desk = self._desk
        await self.ready(timeout)
        wanted = Scope(scope) if scope is not None else desk.session.user_scope() or Scope("")

        def access() -> Access | None:
            found = desk.session.access_for(desk.now(), wanted)
            return None if desk.held is not None else found

        first = access()
        if isinstance(first, Access.Ready):
            return first
        return await self._when_ready(
            access, lambda session, now: session.downscope(now, wanted), timeout, failure=DownscopeFailed
        )

    async def _when_ready(
        self,
        query: Callable[[], Access | None],
        ask: Input,
        timeout: float | None,
        failure: type[RefreshFailed | DownscopeFailed] = RefreshFailed,
    ) -> Access.Ready:
        desk, deadline = self._desk, Deadline(timeout)
        looked, asked = not desk.is_shared, 0
        while True:
            desk.check_open()
            seen = desk.io.version
            access = query()
            match access:
                case Access.Ready():
                    return access
                case Access.Stale() if asked < MOST_ASKED:
                    asked += 1
                    await desk.give(ask, when=lambda: isinstance(query(), Access.Stale))
                    continue
                case Access.BackingOff(fault=fault, retry_at=retry_at):
                    raise failure(str(fault), fault=fault, retry_at=retry_at) from self._errands.cause
                case Access.SignInRequired(reason=reason):
                    if looked:
                        raise SignInRequired(f"sign in: {reason}", reason=reason)
                    looked = True
                    # Somebody may have signed in through another process.
                    await desk.look_at_store()
                    continue
                case _:
                    pass
            limit = deadline.left()
            if limit is not None and limit <= 0:
                raise TimedOut(f"a token took longer than {timeout:g} s")
            await desk.io.wait(seen, limit)

    def _nudge(self) -> None:
        """A refresh in the background: the caller has a token and does not wait."""
        if not self._nudged:
            self._nudged = True
            self._desk.io.spawn(self._refresh_soon(), background=True)

    async def _refresh_soon(self) -> None:
        try:
            await self._desk.give(lambda session, now: session.ensure_fresh(now))
        finally:
            self._nudged = False

    async def rejected(self, generation: int, timeout: float | None = None) -> tuple[Access.Ready | None, Error | None]:
        """An API answered 401. Another token to try once; or none, and why: then the 401 is the answer."""
        try:
            await self._desk.give(lambda session, now: session.token_rejected(now, generation))
            access = await self.ready(timeout)
        except Error as error:
            logger.info("401, and no other token: %s", type(error).__name__)
            return None, error
        return (access, None) if access.generation != generation else (None, None)

    async def refresh(self, timeout: float | None = None) -> None:
        """New tokens, whatever the clock says."""
        desk = self._desk
        desk.check_open()
        await desk.give(lambda session, now: session.refresh(now))
        await desk.until(
            lambda: True if not desk.session.status(desk.now()).is_refreshing else None, timeout, "the refresh"
        )
        await self.ready(timeout)
        fault = desk.session.status(desk.now()).last_fault
        if fault is not None:
            raise RefreshFailed(str(fault), fault=fault, retry_at=None) from self._errands.cause
