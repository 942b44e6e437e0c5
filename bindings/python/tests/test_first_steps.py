"""What somebody meets who has not set everything up: a sentence that names what to do."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import webex_oauth
from conftest import Simulator
from test_readme import README, SOURCES
from webex_oauth import Fault
from webex_oauth.__main__ import advice

#: What the pages tell to set.
NAMES = ("WEBEX_CLIENT_ID", "WEBEX_CLIENT_SECRET", "WEBEX_REDIRECT_URI", "WEBEX_SCOPE")


def readme_program() -> str:
    """The one on the first page."""
    page = (SOURCES / "README.md").read_text(encoding="utf-8")
    [program] = re.findall(r"```python\n(# hello\.py\n.*?)```", page, re.DOTALL)
    return str(program)


def first_snippet() -> str:
    """Of the page about Python. It catches nothing: Python shows where, and the sentence last."""
    return str(re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[0])


PROGRAMS = {
    "hello": ["-c", readme_program()],
    "snippet": ["-c", first_snippet()],
    "whoami": [str(SOURCES / "bindings" / "python" / "examples" / "whoami.py")],
    "command": ["-m", "webex_oauth", "login"],
}


class Newcomer:
    """Somebody with the variables of the simulator, and a terminal without a browser."""

    def __init__(self, simulator: Simulator, home: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port: int = listener.getsockname()[1]
        tools = {"PATH", "PYTHONPATH", "SYSTEMROOT", "LD_LIBRARY_PATH"}
        self.environ = {name: value for name, value in os.environ.items() if name in tools} | {
            "HOME": str(home),
            "XDG_DATA_HOME": str(home),
            "PATH": str(home),
            "WEBEX_SERVER": simulator.base,
            "WEBEX_CLIENT_ID": simulator.info["client_id"],
            "WEBEX_CLIENT_SECRET": simulator.info["client_secret"],
            "WEBEX_REDIRECT_URI": f"http://localhost:{self.port}/oauth",
            "WEBEX_SCOPE": "spark:people_read",
        }
        self.home = home

    def start(self, name: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *PROGRAMS[name]],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def sentence(self, name: str) -> str:
        """The only line that it says when it fails."""
        with self.start(name) as program:
            out, err = program.communicate(timeout=30)
        assert program.returncode == 1 and out == "", (out, err)
        lines = [line for line in err.splitlines() if not line.startswith(("Open this page", "http"))]
        if name == "snippet":
            assert lines[0].startswith("Traceback")
            return lines[-1].removeprefix("webex_oauth.").partition(": ")[2]
        assert len(lines) == 1, err
        return lines[0]


@pytest.fixture
def newcomer(simulator: Simulator, tmp_path: Path) -> Newcomer:
    return Newcomer(simulator, tmp_path)


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("missing", NAMES[:3])
def test_a_variable_that_is_missing_is_named(newcomer: Newcomer, name: str, missing: str) -> None:
    del newcomer.environ[missing]
    assert missing in newcomer.sentence(name)


@pytest.mark.skipif(sys.platform == "win32", reason="a browser of Unix")
def test_a_scope_that_is_missing_is_named(newcomer: Newcomer, simulator: Simulator) -> None:
    simulator.options(auto_decision="accept")
    browser = newcomer.home / "browser"
    visit = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()"
    browser.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{visit}" "$1"\n', encoding="utf-8")
    browser.chmod(0o755)
    newcomer.environ["BROWSER"] = str(browser)
    del newcomer.environ["WEBEX_SCOPE"]
    assert "WEBEX_SCOPE" in newcomer.sentence("command")


@pytest.mark.parametrize(
    ("kind", "code", "told"),
    [
        ("refused", "invalid_client", "WEBEX_CLIENT_SECRET"),
        ("refused", "invalid_scope", "WEBEX_SCOPE"),
        ("network", None, "check the network"),
        ("refused", "access_denied", ""),
    ],
)
def test_the_command_says_what_to_do_about_a_server(kind: Any, code: str | None, told: str) -> None:
    fault = Fault(kind, code, None, None, None, None, None, None)
    assert told in advice(webex_oauth.LoginFailed("the login failed", fault=fault, via="code"))


@pytest.fixture
def taken(newcomer: Newcomer) -> Iterator[Newcomer]:
    with socket.create_server(("127.0.0.1", newcomer.port)):
        yield newcomer


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_port_that_is_taken_is_named_with_what_to_do(taken: Newcomer, name: str) -> None:
    sentence = taken.sentence(name)
    assert f"http://localhost:{taken.port}/oauth" in sentence
    assert "in use; stop the program that has it, or" in sentence


@pytest.mark.parametrize("name", PROGRAMS)
def test_without_a_browser_the_address_is_shown_and_the_login_waits(newcomer: Newcomer, name: str) -> None:
    with newcomer.start(name) as program:
        assert program.stderr is not None
        said = [program.stderr.readline() for _ in range(2)]
        assert said[0].startswith("Open this page in a browser") and said[1].startswith("http"), said
        with socket.create_connection(("127.0.0.1", newcomer.port), timeout=10):
            assert program.poll() is None
        program.kill()
        rest = program.communicate(timeout=10)
    assert rest == ("", ""), rest
