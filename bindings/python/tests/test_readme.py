"""Every snippet of the README runs, in its order, against the simulated Webex."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from conftest import SCOPE, Simulator

README = Path(__file__).parent.parent / "README.md"


def test_every_snippet_runs(simulator: Simulator, tmp_path: Path) -> None:
    simulator.options(auto_decision="accept", allow_any_redirect_uri=True)
    snippets = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(snippets) >= 9
    base = simulator.url("/v1")
    prelude = (
        "import threading, urllib.request, webbrowser\n"
        "def visit(url):\n"
        "    threading.Thread(target=lambda: urllib.request.urlopen(url).read(), daemon=True).start()\n"
        "    return True\n"
        "webbrowser.open = visit\n"
        "import os, webexpythonsdk\n"
        "webexpythonsdk.WebexAPI.__init__.__kwdefaults__ or None\n"
    )
    parts = [f"print('--- {number}')\n{snippet}" for number, snippet in enumerate(snippets)]
    program = (prelude + "\n".join(parts)).replace("https://webexapis.com/v1/people", f"{base}/people")
    program = program.replace(
        "WebexAPI(access_token=client.token())", f"WebexAPI(access_token=client.token(), base_url={base + '/'!r})"
    )
    script = tmp_path / "readme.py"
    script.write_text(program, encoding="utf-8")
    info = simulator.info
    query = (
        f"client_id={info['client_id']}&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&scope={SCOPE.replace(' ', '+')}"
    )
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("WEBEX_", "CLIENT_"))},
        "WEBEX_AUTHORIZATION_STRING": f"{base}/authorize?{query}",
        "WEBEX_CLIENT_SECRET": info["client_secret"],
        "WEBEX_SESSION_FILE": str(tmp_path / "default.session"),
    }
    done = subprocess.run([sys.executable, str(script)], env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Ada Lovelace") == 6
    assert "wrong_state" in done.stdout and "renewed" in done.stdout
