"""What only an executor can get wrong: no threads, the end of the interpreter, listeners that call back."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import webex_oauth
from conftest import Clock, Simulator, eventually
from webex_oauth import AsyncClient, Client, Event, FileStore, MemoryStore, Secret

Make = Callable[..., Client]


def jwt(simulator: Simulator, subject: str = "guest-1") -> Secret:
    issuer = simulator.info["guest_issuers"][0]
    return webex_oauth.guest_jwt(issuer=issuer["id"], secret=issuer["secret"], subject=subject)


def test_where_no_thread_can_be_had_nothing_is_sent_and_nobody_waits_for_ever(
    simulator: Simulator, signed_in: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    client = signed_in(clock=clock, store=MemoryStore())
    clock.advance(15 * 86_400)
    with monkeypatch.context() as system:
        system.setattr(threading.Thread, "start", start)
        with pytest.raises(webex_oauth.Error):
            client.token(timeout=0.5)
    assert simulator.counters()["refreshes_attempted"] == 0
    clock.advance(60)
    assert client.token(timeout=10)
    assert simulator.counters()["refreshes_attempted"] == 1


def test_a_listener_may_renew_the_tokens(simulator: Simulator, make_client: Make) -> None:
    told: list[str] = []

    def listen(event: webex_oauth.ClientEvent) -> None:
        told.append(event.name)
        if isinstance(event, Event.SignedIn):
            client.refresh(timeout=10)

    client = make_client(on_event=listen, store=MemoryStore())
    client.adopt(simulator.issue())
    eventually(lambda: "token:refresh" in told)
    client.close()


def test_adopting_supersedes_the_login_under_way(simulator: Simulator, make_client: Make) -> None:
    simulator.fault("hold", endpoint="jwt_login")
    client = make_client()
    with ThreadPoolExecutor(1) as pool:
        login = pool.submit(client.guest, jwt(simulator))
        eventually(lambda: simulator.log(endpoint="jwt_login"))
        client.adopt(simulator.issue())
        with pytest.raises(webex_oauth.LoginSuperseded):
            login.result(10)
        simulator.control("/release", {})


def test_six_of_the_same_sign_in_are_one(simulator: Simulator) -> None:
    async def main() -> None:
        async with AsyncClient(simulator.config()) as client:
            token = jwt(simulator)
            simulator.fault("hold", endpoint="jwt_login")
            logins = [asyncio.ensure_future(client.guest(token)) for _ in range(6)]
            while not simulator.log(endpoint="jwt_login"):
                await asyncio.sleep(0.01)
            simulator.control("/release", {})
            assert {(await login).via for login in logins} == {"jwt"}

    asyncio.run(main())
    assert len(simulator.log(endpoint="jwt_login")) == 1


class Rows:
    """A store of coroutines."""

    def __init__(self) -> None:
        self.row: Secret | None = None

    async def load(self) -> Secret | None:
        await asyncio.sleep(0)
        return self.row

    async def save(self, snapshot: Secret, revision: int, replaces: int) -> Secret | None:
        await asyncio.sleep(0)
        known = 0 if self.row is None else webex_oauth.snapshot_revision(self.row)
        if known != replaces:
            return self.row or Secret("")
        self.row = snapshot
        return None

    async def delete(self) -> None:
        self.row = None


def test_an_asyncio_store_may_be_of_coroutines(simulator: Simulator, clock: Clock) -> None:
    store: Any = Rows()

    async def first() -> str:
        async with AsyncClient(simulator.config(), store=store, clock=clock) as client:
            await client.adopt(simulator.issue())
            return await client.token()

    async def second() -> str:
        async with AsyncClient(simulator.config(), store=store, clock=clock) as client:
            return await client.token()

    token = asyncio.run(first())
    assert asyncio.run(second()) == token
    clock.advance(15 * 86_400)
    assert asyncio.run(second()) != token
    assert simulator.counters()["refreshes_attempted"] == 1


def test_one_client_on_two_event_loops(simulator: Simulator, clock: Clock) -> None:
    async def transport(request: webex_oauth.HttpRequest) -> webex_oauth.HttpResponse:
        loops.append(asyncio.get_running_loop())
        return await asyncio.to_thread(http, request)

    http, loops = webex_oauth.HttpTransport(), list[object]()
    client = AsyncClient(simulator.config(), clock=clock, transport=transport)

    async def main() -> str:
        await client.refresh()
        return await client.token()

    asyncio.run(client.adopt(simulator.issue()))
    one, two = asyncio.run(main()), asyncio.run(main())
    assert one != two and len(set(loops)) == 2


LEAVING = """
import json, sys, time, urllib.request
from webex_oauth import Client, Config, FileStore, Provider

base, client_id, secret, path = sys.argv[1:]
ahead = 0
config = Config(client_id, client_secret=secret, provider=Provider.webex_at(base))
client = Client(config, store=FileStore(path), clock=lambda: time.time_ns() // 1_000_000 + ahead)
before = client.token()
ahead = int(13.5 * 86_400_000)
assert client.token() == before
while not json.load(urllib.request.urlopen(base + "/_sim/counters"))["refreshes_attempted"]:
    time.sleep(0.005)
"""


def test_the_interpreter_ends_when_the_renewal_under_way_is_stored(
    simulator: Simulator, make_client: Make, clock: Clock, store_path: Path
) -> None:
    store = FileStore(store_path)
    simulator.options(rotate=True)
    with make_client(store=store, config={"redirect_uri": None}) as first:
        first.adopt(simulator.issue())
        before = first.token()
    simulator.refresh_fault("slow", ms=1000)
    info = simulator.info
    command = [sys.executable, "-W", "error", "-c", LEAVING, simulator.base, info["client_id"], info["client_secret"]]
    done = subprocess.run([*command, str(store_path)], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert simulator.counters()["refreshes_succeeded"] == 1
    clock.advance(13.5 * 86_400)
    with make_client(store=store, clock=clock, config={"redirect_uri": None}) as last:
        assert last.token() != before
    with store.lock(0.1):
        pass
