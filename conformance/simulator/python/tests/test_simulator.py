"""What the README shows, and that a test leaves nothing behind for the next."""

from __future__ import annotations

import re
import urllib.request
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from webex_oauth_simulator import Simulator, program

README = Path(__file__).parent.parent / "README.md"

#: Installed, the fixture is there by itself; from the sources it has to be named.
IS_INSTALLED = any(entry.name == "webex_oauth_simulator" for entry in entry_points(group="pytest11"))
NAMED = [] if IS_INSTALLED else ["webex_oauth_simulator.plugin"]

pytest_plugins = ["pytester", *NAMED]


def test_what_the_readme_shows_runs(pytester: pytest.Pytester) -> None:
    [shown] = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    pytester.makepyfile(shown)
    pytester.makeconftest(f"pytest_plugins = {NAMED!r}")
    pytester.runpytest_subprocess().assert_outcomes(passed=2)


def test_a_world_is_fresh(webex_simulator: Simulator) -> None:
    webex_simulator.issue()
    webex_simulator.options(rotate=True)
    webex_simulator.fault("status", status=503)
    webex_simulator.reset()
    assert webex_simulator.control("/faults") == {"faults": []}
    assert webex_simulator.counters()["live_access_tokens"] == 0


def test_a_person_signs_in_and_tokens_end(webex_simulator: Simulator) -> None:
    client = webex_simulator.info["client_id"]
    url = f"{webex_simulator.base_url}/v1/authorize?response_type=code&client_id={client}&state=s"
    url += "&redirect_uri=http%3A%2F%2Flocalhost%3A8080%2Foauth&scope=spark%3Aall"
    assert "code=" in webex_simulator.authorize(url, person="alan@example.com")
    assert "error=access_denied" in webex_simulator.authorize(url, decision="decline")
    webex_simulator.issue()
    webex_simulator.expire()
    assert webex_simulator.counters()["live_access_tokens"] == 0
    webex_simulator.issue()
    webex_simulator.revoke(all=True)
    assert webex_simulator.counters()["live_refresh_tokens"] == 0


def test_it_ends_with_its_block() -> None:
    with Simulator("--auto-accept") as simulator:
        base = simulator.base_url
        urllib.request.urlopen(base).close()
    with pytest.raises(OSError):
        urllib.request.urlopen(base)


def test_a_missing_program_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEBEX_OAUTH_SIMULATOR", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sysconfig.get_path", lambda name: "/nowhere")
    with pytest.raises(FileNotFoundError, match="WEBEX_OAUTH_SIMULATOR"):
        program()
