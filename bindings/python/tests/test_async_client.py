"""`AsyncClient` against the simulated Webex: the same promises, on an event loop."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from contextlib import nullcontext
from typing import Any, TypeVar

import pytest
import webex_oauth
import webex_oauth.httpx
from conftest import Clock, Simulator
from webex_oauth import AsyncClient, HttpRequest, HttpResponse

T = TypeVar("T")

Over = Callable[[], Any]
#: What holds for the transport that comes with a client holds for the one that sends by httpx.
BOTH = pytest.mark.parametrize("over", [lambda: None, webex_oauth.httpx.Transport], ids=["urllib3", "httpx"])


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, 60))


async def signed_in(simulator: Simulator, **settings: Any) -> AsyncClient:
    client = AsyncClient(simulator.config(), **settings)
    await client.complete_login(simulator.approve(await client.begin_login()))
    return client


async def eventually(done: Any, within: float = 10.0) -> None:
    end = asyncio.get_running_loop().time() + within
    while not done():
        assert asyncio.get_running_loop().time() < end, "it did not come to pass"
        await asyncio.sleep(0.005)


def test_every_grant_ends_in_a_token(simulator: Simulator) -> None:
    async def main() -> None:
        simulator.options(device_interval_ms=1000)
        issuer = simulator.info["guest_issuers"][0]
        jwt = webex_oauth.guest_jwt(issuer=issuer["id"], secret=issuer["secret"], subject="guest-1")

        async def show(prompt: webex_oauth.DevicePrompt) -> None:
            simulator.control("/device", {"user_code": prompt.user_code.expose()})

        def browse(url: str) -> None:
            loop = asyncio.get_running_loop()
            pages.append(loop.run_in_executor(None, lambda: urllib.request.urlopen(simulator.approve(url)).read()))

        pages: list[asyncio.Future[bytes]] = []
        async with AsyncClient(simulator.config()) as client:
            assert (await client.login(open_browser=browse, timeout=20)).via == "code"
            assert b"signed in" in await pages[0]
            assert (await client.device_login(show=show, timeout=20)).via == "device"
            assert (await client.guest(jwt)).via == "jwt"
            assert await client.authorization_header() == f"Bearer {await client.token()}"
            await client.sign_out()

    run(main())


def test_five_hundred_tasks_on_one_expired_token_cause_one_refresh(simulator: Simulator, clock: Clock) -> None:
    async def main() -> None:
        client = await signed_in(simulator, clock=clock)
        simulator.options(rotate=True)
        simulator.refresh_fault("slow", ms=200)
        clock.advance(15 * 86_400)
        tokens = await asyncio.gather(*(client.token() for _ in range(500)))
        assert len(set(tokens)) == 1
        assert simulator.counters()["refreshes_attempted"] == 1
        await client.close()

    run(main())


@BOTH
def test_cancelling_waiters_leaves_the_refresh_running(simulator: Simulator, clock: Clock, over: Over) -> None:
    async def main() -> None:
        client = await signed_in(simulator, clock=clock, transport=over())
        before = await client.token()
        simulator.refresh_fault("hold")
        clock.advance(15 * 86_400)
        tasks = [asyncio.ensure_future(client.token()) for _ in range(10)]
        await eventually(lambda: simulator.counters()["refreshes_attempted"] == 1)
        # The first one began the refresh; it goes away as well.
        for task in tasks[:9]:
            task.cancel()
        simulator.control("/release", {})
        assert await tasks[9] != before
        assert all(task.cancelled() for task in tasks[:9])
        assert simulator.counters()["refreshes_attempted"] == 1
        await client.close()

    run(main())


def test_a_caller_cancelled_at_once_has_stored_nothing_half(simulator: Simulator, clock: Clock, tmp_path: Any) -> None:
    async def main() -> None:
        store = webex_oauth.FileStore(tmp_path / "session")
        client = await signed_in(simulator, clock=clock, store=store)
        for rounds in range(20):
            clock.advance(15 * 86_400)
            task = asyncio.ensure_future(client.token())
            for _ in range(rounds):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert await client.token()
            stored = store.load()
            assert stored is not None
            assert webex_oauth.snapshot_revision(stored) == client.session.revision
        await client.close()

    run(main())


def test_the_transport_may_be_a_coroutine_function(simulator: Simulator) -> None:
    async def main() -> None:
        import httpx

        async def transport(request: HttpRequest) -> HttpResponse:
            seen.append(request.purpose)
            answer = await http.post(request.url, headers=request.expose_headers(), content=request.expose_body())
            return HttpResponse(answer.status_code, answer.headers.multi_items(), answer.content)

        seen: list[str] = []
        async with httpx.AsyncClient() as http:
            client = await signed_in(simulator, transport=transport)
            assert await client.token() and seen == ["redeem_code"]
            await client.close()

    run(main())


@BOTH
def test_a_client_moves_to_another_event_loop(simulator: Simulator, clock: Clock, over: Over) -> None:
    client = run(signed_in(simulator, clock=clock, transport=over()))
    clock.advance(15 * 86_400)
    assert run(client.token())
    assert run(client.token()) == run(client.token())
    assert simulator.counters()["refreshes_succeeded"] == 1


class Slow:
    """A store of coroutines, one of which may never end."""

    def __init__(self) -> None:
        self.kept: Any = None
        self.is_hung = False

    async def load(self) -> Any:
        await asyncio.sleep(3600 if self.is_hung else 0)
        return self.kept

    async def save(self, snapshot: Any, revision: int, replaces: int) -> None:
        self.kept = snapshot

    async def delete(self) -> None:
        self.kept = None


@pytest.fixture
def left_behind() -> Iterator[None]:
    """Tasks that a closed loop has left in the middle complain when they go: here, and not in another test."""
    yield
    gc.collect()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("left_behind")
@pytest.mark.parametrize("pauses", [1, 2, 4, 8])
def test_of_a_loop_that_was_closed_in_the_middle_of_a_load_the_next_one_waits_for_nothing(
    simulator: Simulator, pauses: int
) -> None:
    store: Any = Slow()
    client = AsyncClient(simulator.config(request_timeout=30), store=store)

    async def leave() -> None:
        looking = asyncio.ensure_future(client.reload())
        for _ in range(pauses):
            await asyncio.sleep(0)
        assert not looking.done()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(client.adopt(simulator.issue()))
    store.is_hung = True
    loop.run_until_complete(leave())
    # Nothing is cancelled.
    loop.close()
    store.is_hung = False

    async def go_on() -> str:
        begun = time.monotonic()
        await client.reload()
        assert time.monotonic() - begun < 5
        token = await client.token()
        await client.close()
        return token

    assert asyncio.run(go_on()) in store.kept.expose()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("left_behind")
def test_what_a_closed_loop_was_lent_is_lost_though_no_other_one_comes(simulator: Simulator) -> None:
    store: Any = Slow()
    client = AsyncClient(simulator.config(request_timeout=30), store=store)

    async def leave() -> None:
        looking = asyncio.ensure_future(client.reload())
        await asyncio.sleep(0.05)
        assert not looking.done()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(client.adopt(simulator.issue()))
    store.is_hung = True
    loop.run_until_complete(leave())
    loop.close()
    asyncio.run(eventually(lambda: client._executor.is_at_rest, within=30))


def test_events_are_told_on_the_loop(simulator: Simulator) -> None:
    async def main() -> None:
        async def listen(event: webex_oauth.ClientEvent) -> None:
            await asyncio.sleep(0)
            told.append((event.name, asyncio.get_running_loop()))

        told: list[tuple[str, object]] = []
        client = await signed_in(simulator, on_event=listen)
        await client.refresh()
        await eventually(lambda: [name for name, _ in told] == ["ready", "token:refresh"])
        assert {loop for _, loop in told} == {asyncio.get_running_loop()}
        await client.close()

    run(main())


def test_a_failed_refresh_is_typed(simulator: Simulator, clock: Clock) -> None:
    async def main() -> None:
        client = await signed_in(simulator, clock=clock)
        simulator.refresh_fault("html", status=502)
        clock.advance(15 * 86_400)
        with pytest.raises(webex_oauth.RefreshFailed) as caught:
            await client.token()
        assert caught.value.fault.status == 502
        await client.close()
        with pytest.raises(webex_oauth.Closed):
            await client.token()

    run(main())


LEAVING = """
import asyncio, sys, time
import webex_oauth
import webex_oauth.httpx
from webex_oauth import AsyncClient, Config, FileStore, Provider

base, client_id, secret, path, over, how = sys.argv[1:]
ahead = 0

async def main():
    global ahead
    config = Config(client_id, client_secret=secret, provider=Provider.webex_at(base))
    transport = webex_oauth.httpx.Transport() if over == "httpx" else None
    clock = lambda: time.time_ns() // 1_000_000 + ahead
    client = AsyncClient(config, store=FileStore(path), transport=transport, clock=clock)
    before = await client.token()
    ahead = int(13.5 * 86_400_000)
    assert await client.token() == before  # It is renewed ahead of its end, beside us.
    while how in ("later", "closed") and not client.status().is_refreshing:
        await asyncio.sleep(0.005)
    if how == "closed":
        await asyncio.sleep(0.3)  # Nobody tidies up after the loop: what was not sent by then is not sent.
    return client

if how == "closed":
    loop = asyncio.new_event_loop()
    client = loop.run_until_complete(main())
    loop.close()
else:
    client = asyncio.run(main())
if how == "again":
    print(asyncio.run(client.token()))
print("left")
"""


@pytest.mark.parametrize("how", ["at once", "later", "closed", "again", "locked"])
@pytest.mark.parametrize("over", ["urllib3", "httpx"])
def test_a_renewal_outlives_the_event_loop(
    simulator: Simulator, clock: Clock, tmp_path: Any, over: str, how: str
) -> None:
    path = tmp_path / "session"
    store = webex_oauth.FileStore(path)
    simulator.options(rotate=True)
    with webex_oauth.Client(simulator.config(redirect_uri=None), store=store) as first:
        first.adopt(simulator.issue())
        before = first.token()
    simulator.refresh_fault("slow", ms=700)
    info = simulator.info
    command = [
        sys.executable, "-W", "error", "-c", LEAVING,
        simulator.base, info["client_id"], info["client_secret"], str(path), over, how,
    ]  # fmt: skip
    with store.lock(1) if how == "locked" else nullcontext() as held:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if how == "locked":
            time.sleep(1.5)
    del held
    out, errors = process.communicate(timeout=30)
    assert process.returncode == 0 and "left" in out and not errors, errors
    counters = simulator.counters()
    if how in ("at once", "again", "locked") and counters["refreshes_attempted"] == 0:
        kept = True  # It ended before anything was sent: nothing is lost.
    else:
        assert (counters["refreshes_succeeded"], counters["reuse_detected"]) == (1, 0)
        kept = False
    clock.advance(13.5 * 86_400)
    with webex_oauth.Client(simulator.config(redirect_uri=None), store=store, clock=clock) as last:
        assert (last.token() == before) is kept
        assert last.call(simulator.url()).status == 200
    with store.lock(0.1):
        pass


def test_clients_that_are_dropped_leave_no_task(simulator: Simulator) -> None:
    async def main() -> None:
        tokens, before = simulator.issue(), len(asyncio.all_tasks())
        for _ in range(200):
            await AsyncClient(simulator.config()).adopt(tokens)
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == before

    run(main())


def test_a_coroutine_that_never_ends_is_not_waited_for(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    async def transport(request: HttpRequest) -> HttpResponse:
        await asyncio.sleep(3600)
        raise AssertionError

    async def main() -> None:
        client = AsyncClient(simulator.config(request_timeout=0.3), transport=transport)
        await client.adopt({"refresh_token": simulator.issue()["refresh_token"]})
        with pytest.raises(webex_oauth.RefreshFailed) as caught:
            await client.token(timeout=10)
        assert caught.value.fault.send == "lost"
        await client.close()

    monkeypatch.setattr("webex_oauth._in_time._GRACE", 0.0)
    run(main())
