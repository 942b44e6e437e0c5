"""What every transport of this package makes of a request, of an answer, and of there being none."""

from __future__ import annotations

import ssl
import zlib
from typing import TYPE_CHECKING

from ._errors import TransportError

if TYPE_CHECKING:
    from ._calls import ApiRequest
    from ._core import HttpRequest, TargetUri
    from ._proxies import Proxy

__all__ = ["CHUNK", "Body", "headers_of", "incomplete", "too_late", "unreachable", "unwritable"]

#: So much is read at once.
CHUNK = 64 * 1024


def headers_of(request: HttpRequest | ApiRequest) -> dict[str, str]:
    """Everything that goes before the body, but for what says how long that is."""
    # Unpacked as it comes, up to the limit for what is unpacked.
    headers = {"Accept-Encoding": "gzip", "User-Agent": "webex-oauth-python"}
    given = request.expose_headers()
    own = {name.lower() for name in given}
    headers = {name: value for name, value in headers.items() if name.lower() not in own}
    return headers | {"Host": request.target.authority, **given}


class Body:
    """The body of an answer as it arrives, up to the limit of its request."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._received = bytearray()

    def add(self, chunk: bytes) -> None:
        self._received += chunk
        if len(self._received) > self._most:
            raise _too_large()

    @property
    def room(self) -> int:
        """What may still come: one more than may be kept, so that it is noticed."""
        return self._most + 1 - len(self._received)

    def unpacked(self, encoding: str) -> bytes:
        if encoding.lower() in ("gzip", "x-gzip"):
            return _unpack(bytes(self._received), self._most)
        return bytes(self._received)


def _unpack(packed: bytes, most: int) -> bytes:
    """Unpacks no more than may be kept; what is cut short is an error, which libraries pass over."""
    body = bytearray()
    while packed:
        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        body += member.decompress(packed, most + 1 - len(body))
        if len(body) > most:
            raise _too_large()
        if not member.eof:
            raise EOFError
        packed = member.unused_data
    return bytes(body)


def _too_large() -> TransportError:
    return TransportError("the answer is too large", fault="too_large")


def too_late() -> TransportError:
    return TransportError("it is too late to send this", fault="not_sent")


def unwritable(error: Exception) -> TransportError:
    return TransportError(f"the request cannot be written down ({type(error).__name__})", fault="not_sent")


def incomplete(error: BaseException, is_over: bool) -> TransportError:
    """Nobody knows what the server did."""
    why = "the time was over" if is_over else type(error).__name__
    return TransportError(f"no complete answer ({why})", fault="lost")


def unreachable(target: TargetUri, proxy: Proxy | None, error: BaseException) -> TransportError:
    """Nothing was sent."""
    if isinstance(error, ssl.SSLCertVerificationError):
        problem = f"the certificate of {target.host} is not trusted ({error.verify_message})"
        return TransportError(problem, fault="untrusted")
    through = "" if proxy is None else " through the proxy of the environment"
    problem = f"{target.host} cannot be reached{through} ({type(error).__name__})"
    return TransportError(problem, fault="not_sent")
