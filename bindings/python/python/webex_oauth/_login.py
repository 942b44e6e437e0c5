"""A login through the user's browser and a listener on loopback, for both clients."""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ._core import DevicePrompt, Secret
from ._errors import CallbackIgnored, Error, LoginFailed, TimedOut
from ._operations import LOGIN, Operations
from ._options import login_options
from ._waiting import News, Waiting

if TYPE_CHECKING:
    from ._loopback import Loopback
    from ._options import LoginSettings
    from ._signed_in import SignedIn

__all__ = ["login", "print_prompt"]

#: How long the listener is waited for between two looks at the login, in seconds.
_LOOK = 0.5

Call = Callable[..., Awaitable[Any]]


async def login(
    operations: Operations,
    listen: Call,
    ask: Call,
    open_browser: Callable[[str], object],
    limit: float,
    options: LoginSettings,
) -> SignedIn:
    """``listen`` waits for the listener, ``ask`` calls what the application has brought along."""
    from ._loopback import Loopback

    end = time.monotonic() + limit
    with Loopback(options.get("redirect_uri") or operations.executor.config.redirect_uri) as loopback:
        options["redirect_uri"] = loopback.redirect_uri
        url = await operations.begin_login(login_options(**options))
        with operations.await_login(url, limit) as waiting:
            await ask(open_browser, url.expose())
            ended = await _serve(operations, listen, loopback, waiting, end)
        if ended is None:
            await operations.cancel_login(url)
            raise TimedOut("nobody finished the login in the browser")
    return operations.signed_in(operations.read(ended, LOGIN), url)


async def _serve(operations: Operations, listen: Call, loopback: Loopback, waiting: Waiting, end: float) -> News | None:
    """Answers callbacks until the login has ended; None where nobody has finished it in time."""
    while (left := end - time.monotonic()) > 0:
        callback = await listen(loopback.receive, min(_LOOK, left))
        if callback is not None:
            with callback:
                callback.outcome = await _outcome(operations, callback.text, left)
        if (ended := await waiting.news_within(0.0)) is not None:
            return ended
    return None


async def _outcome(operations: Operations, callback: Secret, left: float) -> str:
    """How it ended, in a word: what the page shows."""
    try:
        await operations.complete_login(callback, left)
    except CallbackIgnored:
        return "ignored"
    except LoginFailed as error:
        return "declined" if error.fault.blame == "user" else "failed"
    except Error:
        return "failed"
    return "signed_in" if operations.executor.coordinator.store_fault is None else "not_stored"


def print_prompt(prompt: DevicePrompt) -> None:
    print(f"Open {prompt.verification_uri} and enter {prompt.user_code.expose()}", file=sys.stderr, flush=True)
