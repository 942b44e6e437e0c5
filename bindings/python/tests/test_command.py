"""`python -m webex_oauth`, and the first import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SCOPE, Simulator


def environment(simulator: Simulator, session: Path) -> dict[str, str]:
    return {
        **os.environ,
        "WEBEX_AUTHORIZATION_STRING": f"{simulator.base}/v1/authorize?client_id={simulator.info['client_id']}",
        "WEBEX_CLIENT_SECRET": simulator.info["client_secret"],
        "WEBEX_REDIRECT_URI": "http://localhost/oauth",
        "WEBEX_SCOPE": SCOPE,
        "WEBEX_SESSION_FILE": str(session),
        "WEBEX_SERVER": simulator.base,
    }


def command(simulator: Simulator, session: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "webex_oauth", *arguments]
    return subprocess.run(line, env=environment(simulator, session), capture_output=True, text=True, timeout=60)


def test_a_session_from_login_to_logout(simulator: Simulator, tmp_path: Path) -> None:
    session = tmp_path / "s"
    assert command(simulator, session, "token").returncode == 3
    simulator.options(device_interval_ms=1000, auto_decision="accept")
    done = command(simulator, session, "login", "--device")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "Signed in as Ada Lovelace (ada@example.com).\n"
    assert command(simulator, session, "whoami").stdout == "Ada Lovelace (ada@example.com)\n"
    assert json.loads(command(simulator, session, "whoami", "--json").stdout)["displayName"] == "Ada Lovelace"
    told = json.loads(command(simulator, session, "token", "--json").stdout)
    assert set(told) == {"access_token", "expires_at", "scope"}
    token = command(simulator, session, "token")
    assert token.returncode == 0 and len(token.stdout.strip()) > 20
    status = json.loads(command(simulator, session, "status", "--json").stdout)
    assert status["phase"] == "SignedIn" and status["via"] == "device"
    assert token.stdout.strip() not in command(simulator, session, "status").stdout
    assert command(simulator, session, "logout").returncode == 0
    assert simulator.counters()["live_refresh_tokens"] == 0
    assert command(simulator, session, "token").returncode == 3


@pytest.mark.skipif(sys.platform == "win32", reason="a limit of Unix")
def test_a_logout_that_cannot_change_what_is_stored_says_both(simulator: Simulator, tmp_path: Path) -> None:
    import resource

    session = tmp_path / "s"
    simulator.options(device_interval_ms=1000, auto_decision="accept")
    assert command(simulator, session, "login", "--device").returncode == 0
    done = subprocess.run(
        [sys.executable, "-m", "webex_oauth", "logout"],
        env=environment(simulator, session),
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
    )
    assert done.returncode == 1 and done.stdout == "", done
    assert "asked to take the tokens back" in done.stderr and "delete it by hand" in done.stderr, done
    assert str(session) in done.stderr
    assert simulator.counters()["live_refresh_tokens"] == 0


def test_two_addresses_are_copied_by_hand(simulator: Simulator, tmp_path: Path) -> None:
    line = [sys.executable, "-m", "webex_oauth", "login", "--paste"]
    with subprocess.Popen(
        line,
        env=environment(simulator, tmp_path / "s"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as login:
        assert login.stderr is not None
        login.stderr.readline()
        url = login.stderr.readline().strip()
        out, err = login.communicate(f'"{simulator.approve(url)}"\n', timeout=30)
    assert (login.returncode, out) == (0, "Signed in as Ada Lovelace (ada@example.com).\n"), err


def test_who_shows_no_token_whatever_the_server_says(simulator: Simulator, tmp_path: Path) -> None:
    session = tmp_path / "s"
    simulator.options(device_interval_ms=1000, auto_decision="accept")
    assert command(simulator, session, "login", "--device").returncode == 0
    token = command(simulator, session, "token").stdout.strip()
    simulator.fault(fault="rewrite", set={"displayName": f"Ada \x1b[31m{token}"}, endpoint="people_me")
    shown = command(simulator, session, "whoami").stdout
    assert "Ada" in shown and token not in shown and "\x1b" not in shown
    # An id is no secret, although it looks like one.
    person = {"id": "Y2lzY29zcGFyazovL3VzL1BFT1BMRS9mNWIzNjE4Ny1jOGRkLTQ3MjctOGIyZi1mOWM0NDdmMjkwNDY"}
    simulator.fault(fault="rewrite", set=person, endpoint="people_me")
    asked = json.loads(command(simulator, session, "whoami", "--json").stdout)
    assert {name: asked[name] for name in person} == person
    simulator.fault(fault="rewrite", remove=["id", "displayName"], endpoint="people_me")
    refused = command(simulator, session, "whoami")
    assert refused.returncode == 1 and "not about a person" in refused.stderr


def test_a_session_of_another_server_is_told_with_its_file(simulator: Simulator, tmp_path: Path) -> None:
    session = tmp_path / "s"
    simulator.options(device_interval_ms=1000, auto_decision="accept")
    assert command(simulator, session, "login", "--device").returncode == 0
    session.write_text(session.read_text().replace(simulator.base, "http://127.0.0.1:9"))
    refused = command(simulator, session, "status")
    assert refused.returncode == 1 and str(session) in refused.stderr and "delete that file" in refused.stderr


def test_importing_loads_next_to_nothing() -> None:
    program = (
        "import sys; before = set(sys.modules); import webex_oauth; "
        "print(sorted(name for name in set(sys.modules) - before if not name.startswith('webex_oauth')))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    for heavy in ("asyncio", "ssl", "urllib", "http", "logging", "typing", "dataclasses", "email", "json"):
        assert f"'{heavy}'" not in loaded, loaded
