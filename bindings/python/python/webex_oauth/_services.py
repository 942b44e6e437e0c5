"""Service discovery: the catalog that a client knows, and where its calls may carry the token because of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from ._calls import ApiResponse
from ._core import Config, JudgedUrl, Services

__all__ = ["KnownServices", "known_or_found"]


class KnownServices:
    """Empty until a catalog is known. Whoever reads it gets the one before or the one after, never half of one."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._known: tuple[Services, Config] | None = None

    def get(self) -> Services | None:
        """The catalog, however old it is."""
        known = self._known
        return None if known is None else known[0]

    def set(self, services: Services) -> Services:
        """Makes a catalog known."""
        self._known = services, self._config.with_services(services)
        return services

    def judge_url(self, url: str) -> JudgedUrl:
        """By the configuration that knows the catalog; by the client's own where none is known."""
        known = self._known
        return (self._config if known is None else known[1]).judge_url(url)


async def known_or_found(
    known: KnownServices,
    wall: Callable[[], int],
    max_age: timedelta | float | None,
    get: Callable[[str], Awaitable[ApiResponse]],
    config: Config,
) -> Services:
    """The catalog that is known, or, where it is older than ``max_age``, what the server says now."""
    there = known.get()
    if there is not None and not there.is_old(wall(), max_age):
        return there
    answer = await get(config.catalog_url())
    return known.set(Services.read(wall(), answer.status, answer.body))
