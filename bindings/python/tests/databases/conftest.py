"""Servers that `scripts/databases` has started, and what goes wrong between them and us."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from store_contract import U1, Loop, Node, body, fails, put
from webex_oauth import StoreError

NEEDS = "scripts/databases sets it"
_number = itertools.count()


def setting(name: str) -> str:
    found = os.environ.get(name)
    assert found, f"{name} is not set: {NEEDS}"
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.stop()


@pytest.fixture
def schema() -> str:
    """The URL of a schema that is empty."""
    url, name = setting("WEBEX_OAUTH_POSTGRES"), f"p{os.getpid()}_{next(_number)}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE SCHEMA {name}")
    return f"{url}?options=-c%20search_path%3D{name}"


class Redis:
    """A server of its own for each test."""

    SAFE = ("--appendonly", "yes", "--appendfsync", "always")

    def __init__(self, folder: Path, settings: tuple[str, ...]) -> None:
        self.folder, self.port, self.settings = folder, free_port(), settings
        self.start()

    def start(self) -> None:
        command = [setting("WEBEX_OAUTH_REDIS_SERVER"), "--bind", "127.0.0.1", "--port", str(self.port), "--save", ""]
        self._process = subprocess.Popen(
            [*command, "--dir", str(self.folder), *self.settings], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        for _ in range(200):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.05)
        raise AssertionError("redis-server does not start")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Callable[..., Redis]]:
    servers: list[Redis] = []

    def start(*settings: str) -> Redis:
        folder = tmp_path / f"redis{len(servers)}"
        folder.mkdir()
        servers.append(Redis(folder, settings or Redis.SAFE))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


class Proxy:
    """A connection that can be cut, or be made to hang, between a store and its server: `line` is up, down or hangs."""

    def __init__(self, host: str, port: int) -> None:
        self._to, self._line = (host, port), "up"
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def set(self, line: str) -> None:
        self._line = line
        if line == "down":
            for end in self._sockets:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.set("down")
        self._listener.close()
        for end in self._sockets:
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._line == "down":
                client.close()
                continue
            server = socket.create_connection(self._to)
            self._sockets += [client, server]
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self._forward, args=(one, other), daemon=True).start()

    def _forward(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                while self._line == "hangs":
                    time.sleep(0.01)
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy() -> Iterator[Callable[[str, int], Proxy]]:
    proxies: list[Proxy] = []

    def start(host: str, port: int) -> Proxy:
        proxies.append(Proxy(host, port))
        return proxies[-1]

    yield start
    for one in proxies:
        one.close()


def told_and_back(node: Node, line: Proxy, *, told_within: float, back_within: float) -> None:
    """A line that goes down, and one that hangs: told in time, and used again as soon as it is up. ``U1`` is stored."""
    for state in ("down", "hangs"):
        line.set(state)
        for _ in range(2):
            begun = time.monotonic()
            fails("unavailable", lambda: node.save(U1, put(2, 1)))
            assert time.monotonic() - begun < told_within
        line.set("up")
        end = time.monotonic() + back_within
        while True:
            try:
                # What hung may have got through: the answer is either.
                assert node.load(U1) in (body(1), body(2))
                break
            except StoreError:
                assert time.monotonic() < end, state
