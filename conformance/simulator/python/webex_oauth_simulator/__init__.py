"""A Webex-like authorization server on this machine, for tests.

The fixture ``webex_simulator`` of pytest is a :class:`Simulator`; elsewhere it is a context manager.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["Simulator"]

#: Names another program than the one that was installed with this package.
_PROGRAM = "WEBEX_OAUTH_SIMULATOR"
_NAME = "webex-oauth-simulator"


def program() -> str:
    """Where the program is: as the environment says, beside this Python, or on the path."""
    named = os.environ.get(_PROGRAM)
    if named:
        return named
    beside = Path(sysconfig.get_path("scripts")) / (_NAME + (sysconfig.get_config_var("EXE") or ""))
    found = str(beside) if beside.exists() else shutil.which(_NAME)
    if found is None:
        raise FileNotFoundError(
            f"{_NAME} is neither beside this Python nor on the path; {_PROGRAM} may say where it is"
        )
    return found


class Simulator:
    """Starts the program on a free port, and ends it with :meth:`close`.

    ``arguments`` are its own: ``"--rotate"``, ``"--auto-accept"``, ``"--access-lifetime=5s"``. It ends with this
    process, whatever happens.
    """

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [program(), "--json", "--stop-with-stdin", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{_NAME} did not start (status {self._process.wait()})")
        #: What the program said of itself.
        self.info: dict[str, Any] = json.loads(line)
        #: ``http://127.0.0.1:PORT``
        self.base_url: str = self.info["base_url"]
        #: The environment that brings every ``from_env`` of webex-oauth, and the command, here.
        self.variables: dict[str, str] = self.info["variables"]

    def control(self, path: str, body: object = None, *, method: str | None = None) -> Any:
        """One request of the control API: ``control("/clock", {"advance_ms": 1000})``."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base_url}/_sim{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def reset(self) -> None:
        """As after the start: no sign-ins, no faults, nothing seen."""
        self.control("/release", {})
        self.control("/reset", {})

    def options(self, **options: object) -> None:
        """Changes options: ``options(rotate=True, access_lifetime_ms=5000)``."""
        self.control("/options", options, method="PATCH")

    def fault(self, kind: str, **members: object) -> None:
        """The next request that it is meant for meets it: ``fault("cut", after=True, grant_type="refresh_token")``."""
        self.control("/faults", {"fault": kind, **members})

    def expire(self, *, access: bool = True, refresh: bool = False) -> None:
        """Tokens end now."""
        self.control("/expire", {"access": access, "refresh": refresh})

    def revoke(self, **which: object) -> None:
        """Takes tokens back: ``revoke(token="...")``, ``revoke(all=True)``."""
        self.control("/revoke", which)

    def advance(self, seconds: float) -> None:
        """The server's clock goes on by so much."""
        self.control("/clock", {"advance_ms": round(seconds * 1000)})

    def authorize(self, url: str, *, decision: str = "accept", person: str | None = None) -> str:
        """The person at the browser decides; answers the address where the browser arrives."""
        asked = {"url": url, "decision": decision, **({} if person is None else {"person": person})}
        redirect: str = self.control("/authorize", asked)["redirect"]
        return redirect

    def issue(self, *, scope: str = "spark:all", person: str | None = None) -> dict[str, Any]:
        """A token answer, as if somebody had signed in."""
        asked = {"client_id": self.info["client_id"], "scope": scope, **({} if person is None else {"person": person})}
        issued: dict[str, Any] = self.control("/issue", asked)
        return issued

    def counters(self) -> dict[str, Any]:
        """How often what happened: ``refreshes_succeeded``, ``reuse_detected``, ..."""
        counters: dict[str, Any] = self.control("/counters")
        return counters

    def log(self) -> list[dict[str, Any]]:
        """The requests that were seen, free of secrets."""
        entries: list[dict[str, Any]] = self.control("/log")["entries"]
        return entries

    def close(self) -> None:
        """Ends the program."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=20)

    def __enter__(self) -> Simulator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
