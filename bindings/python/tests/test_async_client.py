"""`AsyncClient` against the simulated Webex: the same promises, on an event loop."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
import webex_oauth
from conftest import Clock, Simulator
from webex_oauth import AsyncClient, HttpRequest, HttpResponse

T = TypeVar("T")


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


def test_cancelling_waiters_leaves_the_refresh_running(simulator: Simulator, clock: Clock) -> None:
    async def main() -> None:
        client = await signed_in(simulator, clock=clock)
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


def test_a_client_moves_to_another_event_loop(simulator: Simulator, clock: Clock) -> None:
    client = run(signed_in(simulator, clock=clock))
    clock.advance(15 * 86_400)
    assert run(client.token())
    assert run(client.token()) == run(client.token())
    assert simulator.counters()["refreshes_succeeded"] == 1


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
