"""Faults that the driver before this one had, by their names in the list: each is seen to be gone."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import webex_oauth
from conftest import Clock, Simulator, eventually
from webex_oauth import AsyncClient, Client, MemoryStore

Make = Callable[..., Client]


def test_b9_a_device_is_polled_while_the_host_is_asked_for_a_token(simulator: Simulator, make_client: Make) -> None:
    simulator.options(device_interval_ms=1000)
    asked, forever = threading.Event(), threading.Event()

    def callback(ask: object) -> str:
        asked.set()
        forever.wait(30)
        return ""

    def show(prompt: webex_oauth.DevicePrompt) -> None:
        simulator.control("/device", {"user_code": prompt.user_code.expose()})

    client = make_client(config={"renewal": "host_token"}, refresh_callback=callback)
    client.adopt(simulator.issue())
    with ThreadPoolExecutor(1) as pool:
        refresh = pool.submit(client.refresh, timeout=6)
        assert asked.wait(10)
        try:
            assert client.device_login(show=show, timeout=15).via == "device"
            # The sign-in has taken the place of the session that the host was asked about.
            assert refresh.result(5) is None
            assert not forever.is_set()
        finally:
            forever.set()


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
def test_b9_a_clock_that_raises_once_ends_nothing(simulator: Simulator, kind: str) -> None:
    """The next renewal ahead of time is made all the same, without anybody who asks."""
    ahead, breaks = [0], [False]

    def clock() -> int:
        if breaks[0]:
            raise OSError("no clock")
        return time.time_ns() // 1_000_000 + ahead[0]

    if kind == "blocking":
        with Client(simulator.config(), clock=clock) as client:
            client.adopt(simulator.issue())
            breaks[0] = True
            assert client.status().generation == 1
            breaks[0] = False
            ahead[0] = int(13.5 * 86_400_000)
            assert client.token()
            eventually(lambda: client.status().generation == 2)
        return

    async def main() -> None:
        async with AsyncClient(simulator.config(), clock=clock) as client:
            await client.adopt(simulator.issue())
            breaks[0] = True
            assert client.status().generation == 1
            breaks[0] = False
            ahead[0] = int(13.5 * 86_400_000)
            assert await client.token()
            await asyncio.to_thread(eventually, lambda: client.status().generation == 2)

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
def test_b10_a_good_token_in_the_store_is_found_before_anybody_is_told_unavailable(
    simulator: Simulator, make_client: Make, clock: Clock, kind: str
) -> None:
    store = MemoryStore()
    other = make_client(store=store, clock=clock)
    other.adopt(simulator.issue())

    async def main(client: AsyncClient) -> str:
        async with client:
            with pytest.raises(webex_oauth.RefreshFailed) as caught:
                await client.token()
            assert caught.value.fault.status == 503 and caught.value.retry_at is not None
            other.adopt(simulator.issue())
            return await client.token()

    clock.advance(15 * 86_400)
    simulator.refresh_fault("status", status=503)
    if kind == "asyncio":
        token = asyncio.run(main(AsyncClient(simulator.config(), store=store, clock=clock)))
    else:
        client = make_client(store=store, clock=clock)
        with pytest.raises(webex_oauth.RefreshFailed):
            client.token()
        # It backs off. Another process has another token, which is what counts.
        other.adopt(simulator.issue())
        token = client.token()
    assert token == other.token()
    assert simulator.counters()["refreshes_attempted"] == 1


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
def test_b13_a_refresh_while_a_device_poll_is_out_is_made_and_waited_for(
    simulator: Simulator, make_client: Make, clock: Clock, kind: str
) -> None:
    simulator.options(device_interval_ms=1000)

    def log() -> int:
        return len(simulator.log(endpoint="device_token"))

    async def main(client: AsyncClient) -> None:
        async with client:
            await client.adopt(simulator.issue())
            before = await client.token()
            simulator.fault("hold", endpoint="device_token")
            login = asyncio.ensure_future(client.device_login(show=lambda prompt: None))
            await asyncio.to_thread(eventually, lambda: log() == 1)
            refresh = asyncio.ensure_future(client.refresh())
            await asyncio.sleep(0.2)
            assert not refresh.done()
            simulator.control("/release", {})
            await asyncio.wait_for(refresh, 15)
            assert simulator.counters()["refreshes_succeeded"] == 1
            assert await client.token() != before
            login.cancel()

    if kind == "asyncio":
        asyncio.run(main(AsyncClient(simulator.config(), clock=clock)))
        return
    client = make_client(clock=clock)
    client.adopt(simulator.issue())
    before = client.token()
    simulator.fault("hold", endpoint="device_token")
    with ThreadPoolExecutor(2) as pool:
        login = pool.submit(client.device_login, show=lambda prompt: None)
        eventually(lambda: log() == 1)
        refresh = pool.submit(client.refresh)
        time.sleep(0.2)
        assert not refresh.done()
        simulator.control("/release", {})
        refresh.result(15)
        assert simulator.counters()["refreshes_succeeded"] == 1
        assert client.token() != before
        client.cancel_login(under_way=True)
        with pytest.raises(webex_oauth.LoginCancelled):
            login.result(10)
