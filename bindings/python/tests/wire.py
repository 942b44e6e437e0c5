"""A server on loopback that says exactly what a test wants it to say, byte by byte."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

Script = Callable[[socket.socket], None]


class Wire:
    """Runs a script on each connection, after the head of a request was read."""

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None, reads: bool = True) -> None:
        self._script, self._tls, self._reads = script, tls, reads
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        #: The heads that were read.
        self.heads: list[str] = []
        #: How many connections were accepted.
        self.accepted = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self.port}/"

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.accepted += 1
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            if self._reads and not self.read_head(connection):
                return
            self._script(connection)
            connection.close()

    def read_head(self, connection: socket.socket) -> str:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = connection.recv(1)
            if not byte:
                return ""
            head += byte
        self.heads.append(head.decode())
        return self.heads[-1]


def says(*parts: bytes) -> Script:
    """All of it, and the end of the connection."""

    def script(connection: socket.socket) -> None:
        connection.sendall(b"".join(parts))
        # Not a reset: what the client still sends is read.
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass

    return script


def drips(before: bytes, drip: bytes, pause: float = 0.05) -> Script:
    """A beginning, and then the same again and again for ever."""

    def script(connection: socket.socket) -> None:
        connection.sendall(before)
        while True:
            connection.sendall(drip)
            time.sleep(pause)

    return script


def resets(before: bytes = b"") -> Script:
    """The connection is not closed but reset."""

    def script(connection: socket.socket) -> None:
        connection.sendall(before)
        time.sleep(0.05)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    return script


def ok(body: bytes, *headers: bytes) -> Iterator[bytes]:
    """The parts of a plain answer."""
    yield b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(body)
    yield from (header + b"\r\n" for header in headers)
    yield b"\r\n" + body
