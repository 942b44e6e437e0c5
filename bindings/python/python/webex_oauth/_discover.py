"""Servers by the metadata that they publish."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, cast

from ._core import MetadataSource, Provider, metadata_step
from ._errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._core import HttpResponse
    from ._options import Hidden

__all__ = ["discover_provider", "server_of"]

#: For one document; there are three places at most.
PATIENCE = timedelta(seconds=30)


def discover_provider(issuer: str, *, transport: Callable[..., Any] | None = None) -> Provider:
    """The server whose issuer this is, by the metadata that it publishes (RFC 8414, OpenID Connect Discovery).

    Raises :class:`ConfigError`, which says where was looked and what was there.
    """
    from ._in_time import no_coroutines
    from ._transport import HttpTransport, is_own

    own = HttpTransport() if transport is None else None
    no_coroutines(transport.sender if is_own(transport) else transport)
    try:
        answers: list[tuple[int, bytes] | Literal["not_sent", "untrusted", "lost", "too_large"]] = []
        while True:
            step = metadata_step(issuer, answers)
            if isinstance(step, Provider):
                return step
            answers.append(_fetch(transport or own, step))
    finally:
        if own is not None:
            own.close()


def _fetch(transport: Any, url: str) -> tuple[int, bytes] | Literal["not_sent", "untrusted", "lost", "too_large"]:
    from ._calls import ApiRequest
    from ._options import Hidden
    from ._transport import is_own

    given = Hidden(({"Accept": "application/json"}, None, None))
    request = ApiRequest(url, given=given, timeout=None, limit=PATIENCE)
    try:
        response = cast("HttpResponse", transport.sender(request, None) if is_own(transport) else transport(request))
    except TransportError as error:
        return error.fault
    return response.status, response.expose_body()


def server_of(variables: Hidden) -> Provider | None:
    """The server whose metadata the variables name, read from its file or fetched; nothing where they name none."""
    source = MetadataSource.from_variables(variables.expose())
    if source is None:
        return None
    if source.file is None:
        return discover_provider(source.issuer or "")
    try:
        with open(os.path.expanduser(_as_given(variables, source.file)), "rb") as file:
            document = file.read()
    except OSError as error:
        source.unreadable(error.strerror or type(error).__name__)
    return source.read_file(document)


def _as_given(variables: Hidden, path: str) -> str:
    """A path may be any bytes, for which Python has lone surrogates; of those no text is left in ``path``."""
    given: str = variables.expose()["WEBEX_METADATA"]
    try:
        given.encode()
    except UnicodeEncodeError:
        return given
    return path
