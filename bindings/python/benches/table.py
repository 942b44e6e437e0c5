"""Measures webex_oauth beside its peers, in one run, and prints a table of ratios.

Import time: fresh interpreters, the best of many. Lifecycle: an authorization URL, the token request, the parsed answer
and a signed API request, without any network. Header: a token that is still valid.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import webex_oauth
from webex_oauth import ENTROPY_LEN, Access, Client, Config, Effect, HttpResponse, LoginOptions, Session

ANSWER = json.dumps(
    {
        "access_token": "A" * 64,
        "expires_in": 1209599,
        "refresh_token": "R" * 64,
        "refresh_token_expires_in": 7775999,
        "token_type": "Bearer",
        "scope": "spark:people_read spark:rooms_read",
    }
)
AUTHORIZE, TOKEN = "https://webexapis.com/v1/authorize", "https://webexapis.com/v1/access_token"
REDIRECT, SCOPE = "https://app.example/oauth", "spark:people_read spark:rooms_read"
NOW = 1_767_225_600_000


def best(function: Callable[[], object], seconds: float = 1.0) -> float:
    """Seconds per call: the best of several rounds."""
    timer = timeit.Timer(function)
    count, _ = timer.autorange()
    rounds = max(5, int(seconds / max(timer.timeit(count), 1e-9)))
    return min(timer.repeat(rounds, count)) / count


def import_time(statement: str) -> float:
    """Milliseconds beyond a bare interpreter: the median of the differences of interleaved starts."""

    def start(program: str) -> float:
        timed = timeit.default_timer()
        subprocess.run([sys.executable, "-I", "-c", program], check=True)
        return (timeit.default_timer() - timed) * 1000

    start(statement)
    return statistics.median(start(statement) - start("pass") for _ in range(21))


def ours() -> Callable[[], object]:
    config = Config("C1", client_secret="secret", redirect_uri=REDIRECT, scope=SCOPE)
    response = HttpResponse(200, {"Content-Type": "application/json"}, ANSWER.encode())
    options = LoginOptions()

    def lifecycle() -> str:
        session = Session(config, os.urandom(ENTROPY_LEN))
        _, opened = session.begin_login(NOW, options, os.urandom(ENTROPY_LEN)).effects
        assert isinstance(opened, Effect.OpenBrowser)
        state = opened.url.expose().partition("state=")[2].partition("&")[0]
        _, send = session.complete_login(NOW, f"{REDIRECT}?code=the-code&state={state}").effects
        assert isinstance(send, Effect.Send)
        send.request.expose_body()
        session.response(NOW, send.request.id, response)
        access = session.access(NOW)
        assert isinstance(access, Access.Ready)
        return access.token.expose_header()

    return lifecycle


def authlib() -> Callable[[], object]:
    from authlib.common.security import generate_token
    from authlib.oauth2.client import OAuth2Client

    class Answer:
        status_code = 200

        def json(self) -> object:
            return json.loads(ANSWER)

    class Http:
        """What an HTTP library does, less the network: the body is written and the client authenticated."""

        auth = None

        def post(self, url: str, data: dict[str, str], headers: dict[str, str], auth: Any, **more: object) -> Answer:
            auth.prepare("POST", url, dict(headers), urlencode(data))
            return Answer()

    def lifecycle() -> str:
        client = OAuth2Client(
            Http(), "C1", "secret", scope=SCOPE, redirect_uri=REDIRECT, token_endpoint=TOKEN,
            code_challenge_method="S256", token_endpoint_auth_method="client_secret_post",
        )  # fmt: skip
        verifier = generate_token(48)
        url, state = client.create_authorization_url(AUTHORIZE, code_verifier=verifier)
        client.fetch_token(
            TOKEN, authorization_response=f"{REDIRECT}?code=the-code&state={state}", state=state,
            code_verifier=verifier,
        )  # fmt: skip
        _, headers, _ = client.token_auth.prepare(AUTHORIZE, {}, None)
        header: str = headers["Authorization"]
        return header

    return lifecycle


def oauthlib() -> Callable[[], object]:
    from oauthlib.common import generate_token
    from oauthlib.oauth2 import WebApplicationClient

    def lifecycle() -> str:
        client: Any = WebApplicationClient("C1")
        verifier, state = client.create_code_verifier(64), generate_token()
        challenge = client.create_code_challenge(verifier, "S256")
        client.prepare_authorization_request(
            AUTHORIZE, state=state, redirect_url=REDIRECT, scope=SCOPE.split(), code_challenge=challenge,
            code_challenge_method="S256",
        )  # fmt: skip
        client.prepare_token_request(
            TOKEN, authorization_response=f"{REDIRECT}?code=the-code&state={state}", redirect_url=REDIRECT,
            state=state, code_verifier=verifier, client_secret="secret",
        )  # fmt: skip
        client.parse_request_body_response(ANSWER, scope=SCOPE.split())
        _, headers, _ = client.add_token(AUTHORIZE, token_placement="auth_header")
        header: str = headers["Authorization"]
        return header

    return lifecycle


def our_header() -> Callable[[], object]:
    client = Client(Config("C1"))
    client.adopt(ANSWER)
    assert client.authorization_header() == "Bearer " + "A" * 64
    return client.authorization_header


def authlib_header() -> Callable[[], object]:
    from authlib.oauth2.auth import TokenAuth
    from authlib.oauth2.rfc6749 import OAuth2Token

    token = OAuth2Token({**json.loads(ANSWER), "expires_at": time.time() + 10_000})
    auth = TokenAuth(token)

    def header() -> str:
        if token.is_expired():
            raise AssertionError
        _, headers, _ = auth.prepare(AUTHORIZE, {}, None)
        value: str = headers["Authorization"]
        return value

    return header


def main() -> None:
    os.environ["OAUTHLIB_RELAX_TOKEN_SCOPE"] = "1"
    rows: list[tuple[str, str, str, str]] = []

    imports = {
        name: import_time(f"import {name}")
        for name in ("webex_oauth", "authlib.integrations.requests_client", "requests_oauthlib", "msal")
    }
    own = imports.pop("webex_oauth")
    rows.append(("import, ms above a bare interpreter", "webex_oauth", f"{own:.2f}", "at most 5"))
    for name, took in imports.items():
        rows.append(("", name, f"{took:.1f}", f"{took / own:.0f} times ours"))

    own = best(ours())
    rows.append(("offline code lifecycle, microseconds", "webex_oauth", f"{own * 1e6:.1f}", ""))
    for name, peer in (("authlib", authlib()), ("oauthlib", oauthlib())):
        took = best(peer)
        rows.append(("", name, f"{took * 1e6:.1f}", f"{took / own:.1f} times ours (at least 8)"))

    own, took = best(our_header()), best(authlib_header())
    rows.append(("header of a valid token, microseconds", "webex_oauth", f"{own * 1e6:.3f}", "under 0.4"))
    rows.append(("", "authlib", f"{took * 1e6:.3f}", f"{took / own:.1f} times ours"))

    if len(sys.argv) > 1:
        size = Path(sys.argv[1]).stat().st_size
        rows.append(("wheel, bytes", "webex_oauth", f"{size}", "under 1000000"))

    python = ".".join(map(str, sys.version_info[:3]))
    print(f"webex_oauth {webex_oauth.__version__} on CPython {python}")
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        name, who, value, note = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(f"{name}  {who}  {value.strip().rjust(widths[2])}  {note}".rstrip())


if __name__ == "__main__":
    main()
