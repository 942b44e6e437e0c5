"""Calls of an API through a client's own transport."""

from __future__ import annotations

import json as jsonlib
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ._core import HttpResponse, TargetUri
from ._errors import InvalidArgument, TransportError
from ._options import Hidden

if TYPE_CHECKING:
    from ._core import Access
    from ._errors import Error

__all__ = ["ApiRequest", "ApiResponse", "CallHints"]

#: No answer of an API that goes through a client is larger.
MAX_BYTES = 64 * 1024 * 1024


#: RFC 9110 section 9.2.2.
_IDEMPOTENT = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}


#: RFC 9110 sections 5.5 and 5.6.2. Where a request ends, and where it goes, is the transport's to say.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER = re.compile(rf"(?!(?:host|connection|content-length|transfer-encoding)$){_TOKEN.pattern}", re.IGNORECASE)
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def _checked(method: str, given: Hidden) -> tuple[Hidden, Hidden]:
    """Headers and body of a call, of what the caller gave: headers, body, JSON. Nothing of it is in a variable here."""
    if not isinstance(method, str) or not _TOKEN.fullmatch(method):
        raise _unfit("method")
    if not _are_fit(given.expose()[0] or {}):
        raise _unfit("headers")
    body = Hidden(_bytes_of(*given.expose()[1:]))
    if body.expose() is None:
        raise InvalidArgument("body: expected bytes or str, or JSON", argument="body", problem="cannot be sent")
    headers = Hidden(dict(given.expose()[0] or {}))
    if given.expose()[2] is not None:
        headers.expose().setdefault("Content-Type", "application/json")
    return headers, body


def _are_fit(headers: Mapping[str, str]) -> bool:
    texts = all(isinstance(name, str) and isinstance(value, str) for name, value in headers.items())
    return texts and all(_HEADER.fullmatch(name) and _VALUE.fullmatch(value) for name, value in headers.items())


def _bytes_of(body: bytes | str | None, json: object) -> bytes | None:
    try:
        text = jsonlib.dumps(json) if json is not None else body or b""
        return text.encode() if isinstance(text, str) else bytes(memoryview(text))
    except (TypeError, ValueError, RecursionError):
        return None


def _unfit(argument: str) -> InvalidArgument:
    problem = "has characters in it that cannot be sent, or is not the caller's to set"
    return InvalidArgument(f"{argument}: {problem}", argument=argument, problem=problem)


class CallHints:
    """As `TransportHints`, of a call."""

    follow_redirects = False
    max_response_bytes = MAX_BYTES

    def __init__(self, timeout: float | None, limit: timedelta, method: str) -> None:
        self.idempotent = method in _IDEMPOTENT
        self.timeout = limit if timeout is None else min(timedelta(seconds=timeout), limit)


class ApiRequest:
    """A call of an API, to a transport the same as an `HttpRequest`."""

    id = 0
    is_grant = False
    purpose = "call"
    url = method = ""

    def __init__(
        self, url: str, *, method: str = "GET", given: Hidden, timeout: float | None, limit: timedelta
    ) -> None:
        #: Where it goes, as the core reads it: nobody else does.
        self.target = TargetUri.parse(url)
        self.url, self.method = self.target.url, method
        self.hints = CallHints(timeout, limit, method)
        self._access: Access.Ready | None = None
        self._headers, self._body = _checked(method, given)

    @property
    def headers(self) -> dict[str, str]:
        """Those of the caller."""
        headers: dict[str, str] = self._headers.expose()
        return headers

    def signed(self, access: Access.Ready | None) -> ApiRequest:
        """The same with this token."""
        other = ApiRequest.__new__(ApiRequest)
        other.__dict__.update(self.__dict__)
        other._access = access
        return other

    def expose_headers(self) -> dict[str, str]:
        """The headers as they go on the wire."""
        if self._access is None:
            return dict(self.headers)
        return {**self.headers, "Authorization": self._access.token.expose_header()}

    def expose_body(self) -> bytes:
        """The body as it goes on the wire."""
        body: bytes = self._body.expose()
        return body

    def __repr__(self) -> str:
        return f"ApiRequest({self.method} {self.url.partition('?')[0]!r})"


class ApiResponse:
    """An answer of an API, any status."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        #: HTTP status.
        self.status = status
        #: Header names in lower case.
        self.headers = dict(headers)
        #: As received.
        self.body = body
        #: Why the token was not renewed, where a 401 is all there is.
        self.refresh_error: Error | None = None

    @classmethod
    def of(cls, response: object) -> ApiResponse:
        """From what a transport returned."""
        if not isinstance(response, HttpResponse):
            raise TransportError(f"the transport returned {type(response).__name__}, not an HttpResponse")
        return cls(response.status, response.expose_headers(), response.expose_body())

    def header(self, name: str) -> str | None:
        """The value of a header, its name in any case."""
        return self.headers.get(name.lower())

    @property
    def text(self) -> str:
        """The body as UTF-8."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """The body read as JSON. Raises ValueError where it is none."""
        return jsonlib.loads(self.body)

    def __repr__(self) -> str:
        return f"ApiResponse(status={self.status}, body_bytes={len(self.body)})"
