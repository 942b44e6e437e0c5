"""Exceptions: they travel between processes, and none of them, nor any frame they came through, shows a secret."""

from __future__ import annotations

import copy
import datetime
import json
import pickle
import socket
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import pytest
import webex_oauth
from conftest import Clock, Simulator
from webex_oauth import (
    Client,
    Config,
    Error,
    Fault,
    FileStore,
    HttpRequest,
    HttpResponse,
    MemoryStore,
    Scope,
    Secret,
    SignInReason,
    TransportError,
    _errors,
)

Make = Callable[..., Client]

FAULT = Fault(
    "refused", "invalid_grant", "it is over", "https://e.example/", 400, "ROUTER_1", datetime.timedelta(seconds=3), None
)
NOW = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)
REASONS = [
    SignInReason.SignedOut("grant_ended"),
    SignInReason.LoginPending(),
    SignInReason.Expired(),
    SignInReason.RefreshTokenExpired(),
    SignInReason.Rejected(),
    SignInReason.ScopeNotGranted(Scope("b a")),
]
FIELDS: dict[str, dict[str, Any]] = {
    "InvalidArgument": {"argument": "tokens", "problem": "none", "kind": "missing"},
    "NotConfigured": {"what": "redirect_uri", "needed_by": "login"},
    "NotSignedIn": {"call": "refresh"},
    "CannotRefresh": {"why": "nothing there"},
    "ScopeNotReducible": {"requested": "a", "problem": "all of it"},
    "ConfigError": {"field": "scope", "kind": "invalid", "problem": "none"},
    "RestoreError": {"kind": "newer_version", "found": 9},
    "AuthError": {"fault": FAULT},
    "RefreshFailed": {"fault": FAULT, "retry_at": NOW},
    "DownscopeFailed": {"fault": Fault("network", send="lost"), "retry_at": None},
    "LoginFailed": {"fault": FAULT, "via": "code", "cleaned_url": None, "state": "{}"},
    "CallbackIgnored": {"reason": "wrong_state"},
    "StoreError": {"kind": "busy"},
    "TransportError": {"fault": "not_sent"},
}


@pytest.mark.parametrize("name", _errors.__all__)
@pytest.mark.parametrize("travel", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
def test_every_exception_travels(name: str, travel: Callable[[Error], Error]) -> None:
    kind: type[Error] = getattr(webex_oauth, name)
    fields = FIELDS.get(name, {})
    error = travel(kind("what happened", **fields))
    assert type(error) is kind and str(error) == "what happened"
    assert vars(error) == fields


@pytest.mark.parametrize("reason", REASONS, ids=repr)
def test_the_reason_to_sign_in_travels(reason: SignInReason) -> None:
    error = pickle.loads(pickle.dumps(webex_oauth.SignInRequired("sign in", reason=reason)))
    assert error.reason == reason and type(error.reason) is type(reason)


def test_what_a_client_raises_travels(simulator: Simulator, signed_in: Make, clock: Clock) -> None:
    client = signed_in(clock=clock)
    simulator.refresh_fault("status", status=503, retry_after="30")
    clock.advance(15 * 86_400)
    with pytest.raises(webex_oauth.RefreshFailed) as caught:
        client.token()
    there = pickle.loads(pickle.dumps(caught.value))
    assert there.fault == caught.value.fault and there.retry_at == caught.value.retry_at


# ------------------------------------------------------------------------------------------------- frames and secrets

MARK = "MARKED-SECRET"


def shown(error: BaseException) -> Iterator[tuple[str, str]]:
    """What tools print that print the variables of every frame of ours; chained exceptions as well."""
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        current = left.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        left += [current.__cause__, current.__context__]
        yield "exception", f"{current!r} {vars(current)!r}"
        trace: TracebackType | None = current.__traceback__
        while trace is not None:
            frame = trace.tb_frame
            if is_ours_or_behind_it(frame):
                for name, value in frame.f_locals.items():
                    yield f"{frame.f_code.co_name}: {name}", deep(value)
            trace = trace.tb_next


def is_ours_or_behind_it(frame: FrameType | None) -> bool:
    """Ours, or of whatever we have called."""
    while frame is not None:
        if "webex_oauth" in Path(frame.f_code.co_filename).parts:
            return True
        frame = frame.f_back
    return False


def deep(value: object) -> str:
    """Its `repr`, and what plain containers and objects of ours hold."""
    text = repr(value)
    if type(value).__module__.startswith("webex_oauth") and hasattr(value, "__dict__"):
        text += " ".join(repr(member) for member in vars(value).values())
    return text


NAMES = [
    "file that is no text", "file that is no session", "save over it", "unreadable store", "from_env",
    "from_authorization_url", "guest_jwt", "guest_jwt of bytes", "adopt bytes", "adopt an object", "adopt, closed",
    "complete_login", "complete_login, closed", "redeem_code", "redeem_code, quoted", "guest", "service_guest",
    "begin_login", "call", "call, quoted", "call with a header that cannot be sent",
    "call with a body that cannot be sent", "call of no URL", "refresh",
]  # fmt: skip


def broken_transport(request: HttpRequest) -> HttpResponse:
    raise TransportError("no", fault="lost")


def quoting_transport(request: HttpRequest) -> HttpResponse:
    body, headers = request.expose_body(), request.expose_headers()
    raise RuntimeError(f"{len(body)} and {len(headers)}")


class Broken(MemoryStore):
    def load(self) -> Secret | None:
        raise OSError("no")


def failing(tmp_path: Path) -> dict[str, Callable[[], object]]:
    config = Config("C1", client_secret=MARK, redirect_uri="http://127.0.0.1/cb", scope="a", request_timeout=5)
    bad = tmp_path / "bad"
    bad.write_bytes(json.dumps({"webex_oauth": 1, "tokens": MARK}).encode() + b"\xff")
    damaged = tmp_path / "damaged"
    damaged.write_text(json.dumps({"webex_oauth": 1, "revision": MARK}))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    client = Client(config, transport=broken_transport)
    quoting = Client(config, transport=quoting_transport)
    done = Client(config)
    done.close()
    refreshing = Client(config, transport=quoting_transport)
    refreshing.adopt({"refresh_token": MARK})
    own = Client(config)
    headers = {"Authorization": f"Bearer {MARK}"}
    circular: list[object] = []
    circular.append(circular)
    environ = {"WEBEX_CLIENT_SECRET": MARK, "WEBEX_ACCESS_TOKEN": MARK}
    return {
        "file that is no text": lambda: FileStore(bad).load(),
        "file that is no session": lambda: Client(config, store=FileStore(damaged)),
        "save over it": lambda: FileStore(damaged).save(Secret(MARK), 1, 0),
        "unreadable store": lambda: Client(config, store=Broken()),
        "from_env": lambda: Client.from_env(environ),
        "from_authorization_url": lambda: Client.from_authorization_url("x", client_secret=MARK),
        "guest_jwt": lambda: webex_oauth.guest_jwt(issuer="", secret=MARK),
        "guest_jwt of bytes": lambda: webex_oauth.guest_jwt(issuer="i", secret=MARK.encode(), lifetime="x"),  # type: ignore[arg-type]
        "adopt bytes": lambda: client.adopt(f"{MARK} {MARK}\n{MARK}".encode()),  # type: ignore[arg-type]
        "adopt an object": lambda: client.adopt({"token": MARK, "at": circular, "x": {MARK}}),
        "adopt, closed": lambda: done.adopt(MARK),
        "complete_login": lambda: client.complete_login(f"http://127.0.0.1/cb?code={MARK}&state=x"),
        "complete_login, closed": lambda: done.complete_login(f"http://127.0.0.1/cb?code={MARK}&state=x"),
        "redeem_code": lambda: client.redeem_code(MARK, MARK, timeout=5),
        "redeem_code, quoted": lambda: quoting.redeem_code(MARK, MARK, timeout=5),
        "guest": lambda: client.guest(MARK, timeout=5),
        "service_guest": lambda: client.service_guest(MARK, "s", "n", timeout=5),
        "begin_login": lambda: client.begin_login(opaque_state=MARK, email=5),  # type: ignore[arg-type]
        "call": lambda: own.call(nowhere, headers=headers, body=MARK),
        "call, quoted": lambda: quoting.call(nowhere, headers=headers, json={"x": MARK}),
        "call with a header that cannot be sent": lambda: own.call(nowhere, headers={"X": MARK + "\n"}),
        "call with a body that cannot be sent": lambda: own.call(nowhere, json={MARK: object()}),
        "call of no URL": lambda: own.call("no url", headers=headers),
        "refresh": lambda: refreshing.token(timeout=5),
    }


@pytest.mark.parametrize("name", NAMES)
def test_no_frame_of_ours_shows_a_secret(tmp_path: Path, name: str) -> None:
    with pytest.raises(Exception) as caught:
        failing(tmp_path)[name]()
    for where, text in shown(caught.value):
        assert MARK not in text, f"{where}: {text}\n{''.join(traceback.format_exception(caught.value))}"


def test_a_client_whose_making_failed_can_be_shown(simulator: Simulator) -> None:
    class Kept(Client):
        def __init__(self, *arguments: Any, **settings: Any) -> None:
            made.append(self)
            super().__init__(*arguments, **settings)

    made: list[Client] = []
    with pytest.raises(webex_oauth.StoreError):
        Kept(simulator.config(), store=Broken())
    assert "not made" in repr(made[0])
    assert "not made" in repr(webex_oauth.AsyncClient.__new__(webex_oauth.AsyncClient))
