"""What the tests have in common: a simulated Webex, clients of it, and a way to wait."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import webex_oauth
from transports import TRANSPORTS, Caller
from webex_oauth import Client, Config, Provider

SIMULATOR = os.environ.get("WEBEX_OAUTH_SIMULATOR", "webex-oauth-simulator")
SCOPE = "spark:people_read spark:rooms_read"


class Simulator:
    """The simulated authorization server, with its control API."""

    def __init__(self, info: dict[str, Any]) -> None:
        self.info = info
        self.base: str = info["base_url"]
        self.provider = Provider.webex_at(self.base)

    def control(self, path: str, body: object = None, *, method: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}/_sim{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def reset(self) -> None:
        self.control("/release", {})
        self.control("/reset", {})

    def options(self, **options: object) -> None:
        self.control("/options", options)

    def fault(self, fault: str, **members: object) -> None:
        self.control("/faults", {"fault": fault, **members})

    def refresh_fault(self, fault: str, **members: object) -> None:
        self.fault(fault, grant_type="refresh_token", **members)

    def expire(self) -> None:
        """Access tokens end now, by the server's clock."""
        self.control("/expire", {"access": True})

    def counters(self) -> dict[str, Any]:
        counters: dict[str, Any] = self.control("/counters")
        return counters

    def log(self, **wanted: object) -> list[dict[str, Any]]:
        entries = self.control("/log")["entries"]
        return [entry for entry in entries if all(entry[name] == value for name, value in wanted.items())]

    def approve(self, url: str, decision: str = "accept") -> str:
        """The person at the browser: answers the redirect."""
        redirect: str = self.control("/authorize", {"url": url, "decision": decision})["redirect"]
        return redirect

    def issue(self, scope: str = SCOPE) -> dict[str, Any]:
        issued: dict[str, Any] = self.control("/issue", {"client_id": self.info["client_id"], "scope": scope})
        return issued

    def config(self, **settings: Any) -> Config:
        defaults: dict[str, Any] = {
            "client_secret": self.info["client_secret"],
            "redirect_uri": "http://127.0.0.1/callback",
            "scope": SCOPE,
            "provider": self.provider,
        }
        return Config(self.info["client_id"], **{**defaults, **settings})

    def url(self, path: str = "/v1/people/me") -> str:
        return self.base + path


@pytest.fixture(scope="session")
def _simulator() -> Iterator[Simulator]:
    command = [SIMULATOR, "--json", "--stop-with-stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdin is not None
        yield Simulator(json.loads(process.stdout.readline()))
        process.stdin.close()


@pytest.fixture
def simulator(_simulator: Simulator) -> Simulator:
    _simulator.reset()
    return _simulator


@pytest.fixture(params=TRANSPORTS)
def caller(request: pytest.FixtureRequest) -> type[Caller]:
    """A client on each of the transports."""
    return TRANSPORTS[request.param]


class Clock:
    """A clock that a test moves: milliseconds since 1970."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead

    def advance(self, seconds: float) -> None:
        self.ahead += int(seconds * 1000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_client(simulator: Simulator) -> Iterator[Callable[..., Client]]:
    """Clients that are closed when the test ends."""
    clients = []

    def make(*, config: dict[str, Any] | None = None, **settings: Any) -> Client:
        client = Client(simulator.config(**(config or {})), **settings)
        clients.append(client)
        return client

    yield make
    simulator.control("/release", {})
    for client in clients:
        with suppress(webex_oauth.StoreError):  # Of a test about stores that fail.
            client.close(timeout=5)


def sign_in(simulator: Simulator, client: Client, **options: Any) -> webex_oauth.SignedIn:
    return client.complete_login(simulator.approve(client.begin_login(**options)))


@pytest.fixture
def signed_in(simulator: Simulator, make_client: Callable[..., Client]) -> Callable[..., Client]:
    """Clients that have signed in by the code grant."""

    def make(**settings: Any) -> Client:
        client = make_client(**settings)
        sign_in(simulator, client)
        return client

    return make


def eventually(done: Callable[[], object], within: float = 10.0) -> None:
    """Waits until something is so."""
    end = time.monotonic() + within
    while not done():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.005)


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    return tmp_path / "sessions" / "default.session"
