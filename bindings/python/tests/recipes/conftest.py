"""A recipe on four workers, a database, and browsers that use it."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from http.cookies import Morsel, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from conftest import Simulator
from databases.conftest import free_port, schema, setting
from webex_oauth.stores import PostgresStore, SqliteStore

from recipes.workers import HEADER

__all__ = ["schema"]
WORKERS = 4
HERE = Path(__file__).parent


class Page:
    def __init__(self, status: int, text: str, goes_to: str | None, worker: str) -> None:
        self.status, self.text, self.goes_to, self.worker = status, text, goes_to, worker


class Browser:
    """One cookie jar, which keeps to itself what is for another site."""

    def __init__(self, service: Service, cookie: str | None = None) -> None:
        self._service, self.cookie = service, cookie
        self.given: Morsel[str] | None = None

    def open(self, path: str, method: str = "GET") -> Page:
        connection = http.client.HTTPConnection("127.0.0.1", self._service.port, timeout=30)
        headers = {} if self.cookie is None else {"Cookie": f"session={self.cookie}"}
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        for line in answer.headers.get_all("Set-Cookie", []):
            self.given = SimpleCookie(line)["session"]
            self.cookie = self.given.value or None
        connection.close()
        worker = answer.headers[HEADER]
        assert worker is not None
        return Page(answer.status, text, answer.headers.get("Location"), worker)

    def begin(self, person: str = "ada@example.com", decision: str = "accept") -> tuple[str, str]:
        """To Webex, and through it. Answers the callback's path, and who began the login."""
        page = self.open("/login")
        assert page.status in (302, 303) and page.goes_to is not None
        body = {"url": page.goes_to, "decision": decision, "person": person}
        back = urlsplit(self._service.simulator.control("/authorize", body)["redirect"])
        return f"{back.path}?{back.query}", page.worker

    def sign_in(self, person: str = "ada@example.com") -> tuple[str, str]:
        """Answers which worker began the login, and which one completed it."""
        callback, began = self.begin(person)
        page = self.open(callback)
        assert (page.status in (302, 303), page.goes_to) == (True, "/"), page.text
        return began, page.worker

    def home(self) -> str:
        page = self.open("/")
        assert page.status == 200, page.text
        return page.text

    def everywhere(self) -> set[str]:
        """The start page of every worker. Many at once: one worker alone would take what comes one after the other."""
        seen: dict[str, str] = {}
        end = time.monotonic() + 30
        with ThreadPoolExecutor(2 * WORKERS) as pool:
            while len(seen) < WORKERS:
                assert time.monotonic() < end, f"only {len(seen)} workers answer"
                for page in pool.map(lambda _: self.open("/"), range(2 * WORKERS)):
                    assert page.status == 200, page.text
                    seen[page.worker] = page.text
        return set(seen.values())


class Service:
    """A recipe that runs."""

    def __init__(self, simulator: Simulator, store: Any, port: int, redirect_uri: str) -> None:
        self.simulator, self.store, self.port, self.redirect_uri = simulator, store, port, redirect_uri

    def browser(self, cookie: str | None = None) -> Browser:
        return Browser(self, cookie)


def command(recipe: str, port: int) -> list[str]:
    python, workers = [sys.executable, "-m"], ["--workers", str(WORKERS)]
    if recipe == "fastapi":
        return [
            *python,
            "uvicorn",
            *workers,
            "--port",
            str(port),
            "--log-level",
            "warning",
            "--factory",
            "workers:fastapi",
        ]
    bind = ["--bind", f"127.0.0.1:{port}", "--log-level", "warning"]
    return [*python, "gunicorn", *workers, *bind, f"workers:{recipe}()"]


@pytest.fixture(params=["sqlite", "postgres"])
def start(
    request: pytest.FixtureRequest, simulator: Simulator, schema: str, tmp_path: Path
) -> Iterator[Callable[[str], Service]]:
    """Starts a recipe. On PostgreSQL it is behind a proxy that does TLS, as services are."""
    sources = setting("WEBEX_OAUTH_SOURCES")
    simulator.options(rotate=True, allow_any_redirect_uri=True)
    with ExitStack() as stack:

        def run(recipe: str) -> Service:
            port, is_sqlite = free_port(), request.param == "sqlite"
            scheme = "http" if is_sqlite else "https"
            database = str(tmp_path / "sessions.db") if is_sqlite else schema
            environ = {name: value for name, value in os.environ.items() if not name.startswith("WEBEX_")}
            environ |= {
                "DATABASE_URL": database,
                "PYTHONPATH": os.pathsep.join([str(HERE), f"{sources}/bindings/python/examples/web"]),
                "WEBEX_CLIENT_ID": simulator.info["client_id"],
                "WEBEX_CLIENT_SECRET": simulator.info["client_secret"],
                "WEBEX_REDIRECT_URI": f"{scheme}://127.0.0.1:{port}/callback",
                "WEBEX_SCOPE": "spark:people_read",
                "WEBEX_SERVER": simulator.base,
            }
            process = subprocess.Popen(command(recipe, port), env=environ, cwd=tmp_path)
            stack.callback(stop, process)
            service = Service(simulator, None, port, environ["WEBEX_REDIRECT_URI"])
            wait(service, process)
            service.store = SqliteStore(database) if is_sqlite else PostgresStore(database)
            stack.callback(service.store.close)
            return service

        yield run


def wait(service: Service, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while True:
        with suppress(OSError):
            assert service.browser().home()
            return
        assert process.poll() is None and time.monotonic() < end, "it does not start"
        time.sleep(0.05)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    assert process.wait(30) == 0
