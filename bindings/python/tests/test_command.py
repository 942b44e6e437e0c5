"""`python -m webex_oauth`, and the first import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from conftest import SCOPE, Simulator


def command(simulator: Simulator, session: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {
        **os.environ,
        "WEBEX_AUTHORIZATION_STRING": f"{simulator.base}/v1/authorize?client_id={simulator.info['client_id']}",
        "WEBEX_CLIENT_SECRET": simulator.info["client_secret"],
        "WEBEX_REDIRECT_URI": "http://localhost/oauth",
        "WEBEX_SCOPE": SCOPE,
        "WEBEX_SESSION_FILE": str(session),
    }
    return subprocess.run(
        [sys.executable, "-m", "webex_oauth", *arguments], env=environ, capture_output=True, text=True, timeout=60
    )


def test_a_session_from_login_to_logout(simulator: Simulator, tmp_path: Path) -> None:
    session = tmp_path / "s"
    assert command(simulator, session, "token").returncode == 3
    simulator.options(device_interval_ms=1000, auto_decision="accept")
    done = command(simulator, session, "login", "--device")
    assert done.returncode == 0, done.stderr
    token = command(simulator, session, "token")
    assert token.returncode == 0 and len(token.stdout.strip()) > 20
    status = json.loads(command(simulator, session, "status", "--json").stdout)
    assert status["phase"] == "SignedIn" and status["via"] == "device"
    assert token.stdout.strip() not in command(simulator, session, "status").stdout
    assert command(simulator, session, "logout").returncode == 0
    assert simulator.counters()["live_refresh_tokens"] == 0
    assert command(simulator, session, "token").returncode == 3


def test_importing_loads_next_to_nothing() -> None:
    program = (
        "import sys; before = set(sys.modules); import webex_oauth; "
        "print(sorted(name for name in set(sys.modules) - before if not name.startswith('webex_oauth')))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    for heavy in ("asyncio", "ssl", "urllib", "http", "logging", "typing", "dataclasses", "email", "json"):
        assert f"'{heavy}'" not in loaded, loaded
