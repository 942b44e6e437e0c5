"""What is wrong with a database, in one way for all of them. No text of a driver is passed on: they quote values."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from .._errors import StoreError

if TYPE_CHECKING:
    from ._records import Put

__all__ = [
    "VERSION", "Place", "attempt", "attempt_async", "check_put", "instant", "refused", "reused", "span",
]  # fmt: skip

T = TypeVar("T")

#: The version of the tables and records that this library reads and writes. There was one before the first release.
VERSION = 2
#: No session is longer; what is longer is not one.
_MAX_BODY = 4 * 1024 * 1024
_MOST_MILLIS = 8_640_000_000_000_000


def refused(what: str) -> StoreError:
    """The store is not one that sessions may be kept in, or may not be used like this."""
    return StoreError(what, kind="refused")


def reused() -> StoreError:
    return refused("this revision may have been that of the session that was deleted")


def check_put(put: Put) -> None:
    """What a store may be asked to keep."""
    if len(put.snapshot.expose().encode()) > _MAX_BODY:
        raise refused(f"a session has {_MAX_BODY} bytes at most")
    if not (0 <= put.revision < 1 << 63 and 0 <= put.replaces < 1 << 63):
        raise refused("a revision has 48 bits")


def instant(at: int | None) -> int | None:
    """As every database can keep it: from antiquity on, for some 270,000 years."""
    return None if at is None else max(-_MOST_MILLIS // 100, min(at, _MOST_MILLIS))


def span(milliseconds: int | None) -> int | None:
    """So long that every database can add it to what time it is."""
    return None if milliseconds is None else max(0, min(milliseconds, _MOST_MILLIS))


class Place:
    """Which database, for errors: without user and password."""

    def __init__(self, name: str) -> None:
        self.name = name

    def unavailable(self, how: str) -> StoreError:
        return StoreError(f"{self.name}: {how}", kind="unavailable")

    def late(self) -> StoreError:
        return self.unavailable("no answer in time")

    def busy(self) -> StoreError:
        return StoreError(f"{self.name}: locked by another process", kind="busy")

    def denied(self, why: str = "no permission, or read-only") -> StoreError:
        return StoreError(f"{self.name}: {why}", kind="denied")

    def full(self, why: str = "the disk is full") -> StoreError:
        return StoreError(f"{self.name}: {why}", kind="full")

    def refused(self, why: str) -> StoreError:
        return refused(f"{self.name}: {why}")

    def damaged(self) -> StoreError:
        return StoreError(f"{self.name}: not a stored session, or a damaged one", kind="damaged")

    def other(self, what: str) -> StoreError:
        return StoreError(f"{self.name}: {what}", kind="other")

    def not_migrated(self) -> StoreError:
        return self.refused("there are no tables for sessions: call migrate once")

    def check_version(
        self, found: int | None, what: str = "tables", names: str = "webex_oauth_session and webex_oauth_schema"
    ) -> None:
        """Whether what is there is of the version that is known here; None: there is nothing."""
        if found is None or found == VERSION:
            return
        problem = f"its {what} are of version {found}, this library reads {VERSION}"
        if found < VERSION:
            problem += f": they are from before the first release; drop {names}, or leave them to that version"
        raise self.refused(problem)

    def check_roots(self, roots: str | os.PathLike[str] | None) -> None:
        """Certificates that are believed, in PEM; None: those of the system."""
        try:
            ssl.create_default_context(cafile=None if roots is None else os.fspath(roots))
            return
        except (OSError, ValueError):
            problem = self.refused("TLS cannot be set up: the roots are no file of certificates in PEM")
        raise problem

    def __repr__(self) -> str:
        return self.name


def attempt(work: Callable[[], T], failure: Callable[[Exception], StoreError]) -> T:
    """What ``work`` returns. What it raises is told in our words, and nothing of it is kept: the frames of a driver
    hold passwords and sessions."""
    try:
        return work()
    except Exception as error:
        problem = error if isinstance(error, StoreError) else failure(error)
    problem.__traceback__ = problem.__context__ = None
    raise problem


async def attempt_async(
    work: Awaitable[T], failure: Callable[[Exception], StoreError], limit: float, place: Place
) -> T:
    """The same for what is awaited, and ends after so many seconds."""
    try:
        return await asyncio.wait_for(work, limit)
    except (TimeoutError, asyncio.TimeoutError):
        problem = place.late()
    except Exception as error:
        problem = error if isinstance(error, StoreError) else failure(error)
    problem.__traceback__ = problem.__context__ = None
    raise problem
