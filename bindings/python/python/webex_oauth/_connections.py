"""Connections as urllib3 makes them: through a proxy where there is one, and kept for the next call.

Loaded by the first request: this module imports urllib3.
"""

from __future__ import annotations

import base64
import http.client
import os
import re
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection, ProxyConfig
from urllib3.util.response import assert_header_parsing

from ._deadline import Deadline
from ._errors import TransportError
from ._proxies import Proxy

if TYPE_CHECKING:
    from ._core import TargetUri

__all__ = ["Connection", "Kept", "open_connection", "proxy_headers"]

#: So many connections are kept, and for so many seconds.
_MOST_KEPT, _KEPT_FOR = 8, 20.0

#: RFC 9110 section 8.6, also where intermediaries have joined two of them: whether they differ is urllib3's to say.
_LENGTH = re.compile(r"[0-9]+(\s*,\s*[0-9]+)*")


class _Answer(http.client.HTTPResponse):
    """An answer whose head has to be whole, and may come after any number of interim ones (RFC 9110 section 15.2)."""

    def begin(self) -> None:
        self.fp: Any = _Lines(self.fp)
        super().begin()
        # A line that is no header would hide those after it, the length of the answer too.
        assert_header_parsing(self.msg)
        if any(not _LENGTH.fullmatch(length) for length in self.msg.get_all("Content-Length", [])):
            raise http.client.HTTPException("Content-Length")

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            found: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
            if not 100 <= found[1] < 200 or found[1] == http.client.SWITCHING_PROTOCOLS:
                return found
            http.client.parse_headers(self.fp)


class _Lines:
    """A file whose end ends no line, no head and no trailer: ``http.client`` takes it for that."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def readline(self, limit: int = -1) -> bytes:
        line: bytes = self._file.readline(limit)
        if not line.endswith(b"\n") and len(line) != limit:
            raise http.client.IncompleteRead(b"")
        return line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class _Watched(HTTPConnection):
    """A connection that the end of the exchange shuts down."""

    response_class = _Answer
    deadline: Deadline
    _line: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        self.timeout = self.deadline.left()
        sock = self.deadline.connect(super()._new_conn)
        # From here on the deadline ends what takes too long, and reads what has arrived until then.
        sock.settimeout(None)
        self.timeout = None
        self._line = sock.dup()
        self.deadline.watch(self._line)
        return sock

    def use(self, deadline: Deadline) -> None:
        """For one exchange."""
        self.deadline = deadline
        if self._line is not None:
            deadline.watch(self._line)

    @property
    def is_usable(self) -> bool:
        """After a whole answer: whether another request may follow."""
        return self.sock is not None

    def hang_up(self) -> None:
        """Closes it for good. ``close`` is also called in the middle, by ``http.client``."""
        self.close()
        if self._line is not None:
            self._line.close()
            self._line = None


class _Plain(_Watched):
    pass


class _Tls(_Watched, HTTPSConnection):
    pass


Connection = _Plain | _Tls


def open_connection(
    target: TargetUri, proxy: Proxy | None, tls: Callable[[], ssl.SSLContext], deadline: Deadline
) -> Connection:
    """Connects. Whatever fails here, the server cannot have seen a request."""
    is_tls = target.scheme == "https"
    kind: type[Connection] = _Tls if is_tls else _Plain
    settings: dict[str, Any] = {"ssl_context": tls()} if is_tls else {}
    host, port = target.host, target.port
    if proxy is not None and proxy.is_socks:
        kind, options = _socks(proxy, is_tls)
        settings["_socks_options"] = options
    elif proxy is not None:
        host, port = proxy.host, proxy.port
        settings["proxy"] = urllib3.util.Url(scheme=proxy.scheme, host=host, port=port)
        settings["proxy_config"] = ProxyConfig(tls() if proxy.scheme == "https" else None, False, None, None)
        if proxy.scheme == "https" and not is_tls:
            kind, settings["ssl_context"] = _Tls, tls()
    connection = kind(host=host, port=port, **settings)
    connection.use(deadline)
    try:
        if "proxy" in settings and is_tls:
            connection.set_tunnel(target.host, target.port, proxy_headers(proxy), scheme=settings["proxy"].scheme)
        connection.connect()
        if deadline.is_over:
            raise TimeoutError
    except BaseException:
        connection.hang_up()
        raise
    return connection


def proxy_headers(proxy: Proxy | None) -> dict[str, str]:
    """What a proxy for http wants to know."""
    if proxy is None or proxy.userinfo is None:
        return {}
    credentials = ":".join(proxy.userinfo).encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(credentials).decode()}"}


def _socks(proxy: Proxy, is_tls: bool) -> tuple[type[Connection], dict[str, Any]]:
    try:
        import socks  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        problem = f"the {proxy.scheme} proxy of the environment needs the package PySocks"
        raise TransportError(problem, fault="not_sent") from None
    from urllib3.contrib.socks import SOCKSConnection, SOCKSHTTPSConnection

    user, password = proxy.userinfo or (None, None)
    options = {
        "socks_version": socks.SOCKS5 if proxy.scheme.startswith("socks5") else socks.SOCKS4,
        "proxy_host": proxy.host,
        "proxy_port": proxy.port,
        "username": user,
        "password": password,
        "rdns": proxy.scheme in ("socks5h", "socks4a"),
    }
    return type("_Socks", (_Watched, SOCKSHTTPSConnection if is_tls else SOCKSConnection), {}), options


class _Idle:
    def __init__(self, since: float, key: tuple[object, ...], connection: Connection) -> None:
        self.since, self.key, self.connection = since, key, connection


class Kept:
    """Connections that may be used again. A child after a fork begins without any: those are its parent's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: Always the same list: whoever ends this one has it.
        self._idle: list[_Idle] = []
        # Before what is in there ends, also where all of it is a part of a circle: an open socket complains.
        weakref.finalize(self, _hang_up_all, self._idle).atexit = False
        _all_kept.add(self)

    def take(self, key: tuple[object, ...]) -> Connection | None:
        """One to there that still works."""
        while (connection := self._pop(key)) is not None:
            if connection.is_connected:
                return connection
            connection.hang_up()
        return None

    def _pop(self, key: tuple[object, ...]) -> Connection | None:
        oldest = time.monotonic() - _KEPT_FOR
        with self._lock:
            useless = [idle for idle in self._idle if idle.since < oldest]
            self._idle[:] = [idle for idle in self._idle if idle.since >= oldest]
            found = next((idle for idle in reversed(self._idle) if idle.key == key), None)
            if found is not None:
                self._idle.remove(found)
        for idle in useless:
            idle.connection.hang_up()
        return None if found is None else found.connection

    def keep(self, key: tuple[object, ...], connection: Connection) -> None:
        with self._lock:
            self._idle.append(_Idle(time.monotonic(), key, connection))
            useless = self._idle[:-_MOST_KEPT]
            del self._idle[:-_MOST_KEPT]
        for idle in useless:
            idle.connection.hang_up()

    def close(self) -> None:
        with self._lock:
            useless = self._idle[:]
            self._idle.clear()
        _hang_up_all(useless)

    def restart(self) -> None:
        self._lock = threading.Lock()
        self.close()


def _hang_up_all(idle: list[_Idle]) -> None:
    while idle:
        idle.pop().connection.hang_up()


_all_kept: weakref.WeakSet[Kept] = weakref.WeakSet()


def _after_fork() -> None:
    for kept in list(_all_kept):
        kept.restart()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
