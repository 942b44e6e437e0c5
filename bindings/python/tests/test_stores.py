"""Stores: several clients and several processes."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import webex_oauth
from conftest import Clock, Simulator, eventually, sign_in
from webex_oauth import Client, FileStore, MemoryStore

Make = Callable[..., Client]


def test_a_session_survives_in_a_file_that_only_its_owner_reads(
    simulator: Simulator, signed_in: Make, make_client: Make, store_path: Path
) -> None:
    token = signed_in(store=FileStore(store_path)).token()
    assert stat.S_IMODE(store_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store_path.parent.stat().st_mode) == 0o700
    assert make_client(store=FileStore(store_path)).token() == token
    assert simulator.counters()["refreshes_attempted"] == 0


def test_a_login_that_another_process_began_can_be_completed(
    simulator: Simulator, make_client: Make, store_path: Path
) -> None:
    url = make_client(store=FileStore(store_path)).begin_login(state={"n": 1})
    assert make_client(store=FileStore(store_path)).complete_login(simulator.approve(url)).state == {"n": 1}


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_clients_that_share_a_store_refresh_once(
    simulator: Simulator, make_client: Make, clock: Clock, store_path: Path, kind: str
) -> None:
    memory = MemoryStore()
    simulator.options(rotate=True)
    clients = []
    for _ in range(4):
        clients.append(make_client(store=memory if kind == "memory" else FileStore(store_path), clock=clock))
        if len(clients) == 1:
            sign_in(simulator, clients[0])
    clock.advance(15 * 86_400)
    with ThreadPoolExecutor(16) as pool:
        tokens = set(pool.map(lambda at: clients[at % 4].token(), range(16)))
    assert len(tokens) == 1
    assert simulator.counters()["refreshes_attempted"] == 1
    assert simulator.counters()["reuse_detected"] == 0


def test_a_sign_in_elsewhere_is_found(simulator: Simulator, make_client: Make, store_path: Path) -> None:
    early = make_client(store=FileStore(store_path))
    with pytest.raises(webex_oauth.SignInRequired):
        early.token()
    late = make_client(store=FileStore(store_path))
    sign_in(simulator, late)
    assert early.token() == late.token()


WORKER = """
import os, signal, sys
import webex_oauth
from webex_oauth import *

base, client_id, secret, path, boundary, ahead = sys.argv[1:]
config = Config(client_id, client_secret=secret, provider=Provider.webex_at(base))
class Dying(FileStore):
    def save(self, *arguments):
        if boundary == "before_persist":
            os.kill(os.getpid(), signal.SIGKILL)
        found = super().save(*arguments)
        if boundary == "after_persist":
            os.kill(os.getpid(), signal.SIGKILL)
        return found
class Transport(HttpTransport):
    def __call__(self, request):
        if boundary == "before_send":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = super().__call__(request)
        if boundary == "after_send":
            os.kill(os.getpid(), signal.SIGKILL)
        return answer
def told(event):
    if boundary == "notify":
        os.kill(os.getpid(), signal.SIGKILL)
import time
clock = lambda: time.time_ns() // 1_000_000 + int(ahead)
Client(config, store=Dying(path), transport=Transport(), on_event=told, clock=clock).token()
time.sleep(5)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("boundary", ["before_send", "after_send", "before_persist", "after_persist", "notify"])
def test_killed_at_any_boundary_of_a_refresh_a_second_process_goes_on(
    simulator: Simulator, signed_in: Make, make_client: Make, store_path: Path, clock: Clock, boundary: str
) -> None:
    simulator.options(rotate=True, reuse_grace_ms=60_000)
    signed_in(store=FileStore(store_path)).close()
    ahead = 15 * 86_400_000
    info = simulator.info
    command = [
        sys.executable, "-c", WORKER,
        simulator.base, info["client_id"], info["client_secret"], str(store_path), boundary, str(ahead),
    ]  # fmt: skip
    assert subprocess.run(command, timeout=30).returncode == -signal.SIGKILL
    clock.advance(ahead / 1000)
    client = make_client(store=FileStore(store_path), clock=clock, config={"redirect_uri": None})
    assert client.token()
    assert client.call(simulator.url()).status == 200
    assert simulator.counters()["reuse_detected"] == 0


def token_after_all(client: Client) -> str:
    """A token, as soon as one can be had again."""
    end = time.monotonic() + 10
    while True:
        try:
            return client.token(timeout=10)
        except webex_oauth.RefreshFailed:
            assert time.monotonic() < end
            time.sleep(0.1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_goes_on_by_itself(
    simulator: Simulator, signed_in: Make, clock: Clock, store_path: Path
) -> None:
    simulator.options(rotate=True)
    client = signed_in(store=FileStore(store_path), clock=clock)
    clock.advance(15 * 86_400)
    simulator.refresh_fault("slow", ms=300)
    waiting = threading.Thread(target=client.token)
    waiting.start()
    eventually(lambda: simulator.counters()["refreshes_attempted"] == 1)
    child = os.fork()
    if child == 0:
        # What came of the parent's request is not known here, until the new tokens are in the store.
        status = 1
        try:
            status = 0 if token_after_all(client) else 2
        finally:
            os._exit(status)
    waiting.join()
    assert os.waitpid(child, 0)[1] == 0
    assert simulator.counters()["refreshes_attempted"] == 1
    assert simulator.counters()["reuse_detected"] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_listener_may_fork(simulator: Simulator, make_client: Make) -> None:
    children: list[int] = []

    def listener(event: webex_oauth.ClientEvent) -> None:
        if children:
            return
        child = os.fork()
        if child != 0:
            children.append(child)
            return
        status = 1
        try:
            status = 0 if client.token() else 2
        finally:
            os._exit(status)

    client = make_client(on_event=listener)
    client.adopt(simulator.issue())
    eventually(lambda: children)
    assert client.token()
    assert os.waitpid(children[0], 0)[1] == 0


def test_what_is_not_installed_is_left_out_of_a_star_and_named_with_its_extra() -> None:
    program = """
import sys
sys.modules.update(dict.fromkeys(["psycopg", "redis", "keyring"]))  # none of them can be imported
from webex_oauth.stores import *
import webex_oauth, webex_oauth.stores
assert SqliteStore and "PostgresStore" not in globals() and "RedisStore" not in globals()
for use in [lambda: webex_oauth.stores.PostgresStore, lambda: webex_oauth.stores.RedisStore, webex_oauth.KeyringStore]:
    try:
        use()
    except ModuleNotFoundError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    for extra in ["postgres", "redis", "keyring"]:
        assert f"pip install 'webex-oauth[{extra}]'" in done.stdout
