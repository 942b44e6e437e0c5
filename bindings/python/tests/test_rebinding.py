"""Requests of one user while another one gives the session another key: none is told that a client is closed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest
from conftest import Clock, Simulator, eventually
from test_clients import Rows
from webex_oauth import (
    AsyncClients,
    Clients,
    SignInRequired,
    StoreError,
)


class Later:
    """What a call on another thread comes to."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call, self.value = call, None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.value = self._call()
        except BaseException as error:
            self.error = error

    def result(self) -> Any:
        self._thread.join(20)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error
        return self.value


class OneLoop:
    """`AsyncClients` from threads."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._clients = AsyncClients(*arguments, **settings)

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def user(self, tenant: str, user: str) -> Any:
        return OfOneLoop(self, self._clients.user(tenant, user))

    def close(self) -> None:
        self.do(self._clients.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()


class OfOneLoop:
    def __init__(self, loop: OneLoop, user: Any) -> None:
        self._loop, self._user = loop, user

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *arguments, **settings: self._loop.do(getattr(self._user, name)(*arguments, **settings))


@pytest.fixture(params=["blocking", "asyncio"])
def service(request: pytest.FixtureRequest, simulator: Simulator, clock: Clock) -> Any:
    simulator.options(rotate=True)
    kind: Any = Clients if request.param == "blocking" else OneLoop
    clients = kind(simulator.config(), Rows(), clock=clock)
    yield clients
    simulator.control("/release", {})
    clients.close()


def held(simulator: Simulator) -> None:
    """The request is out, and waits."""
    eventually(lambda: simulator.control("/faults")["faults"] == [])


def test_a_login_that_is_completed_while_its_key_is_left(simulator: Simulator, service: Any) -> None:
    tabs = [simulator.approve(service.user("", "cookie").begin_login()) for _ in range(2)]
    service.user("", "cookie").complete_login(tabs[0])
    simulator.fault("hold", endpoint="access_token")
    second = Later(lambda: service.user("", "cookie").complete_login(tabs[1], timeout=20))
    held(simulator)
    first = Later(lambda: service.user("", "cookie").rebind("acme", "zoe"))
    time.sleep(0.2)
    simulator.control("/release", {})
    first.result()
    # It is waited for, and it is what moves.
    second.result()
    with pytest.raises(SignInRequired):
        service.user("", "cookie").rebind("acme", "zoe")
    assert service.user("acme", "zoe").token()
    assert simulator.counters()["code_replays"] == 0


def test_a_token_that_somebody_waits_for_while_a_newer_session_takes_the_place(
    simulator: Simulator, service: Any, clock: Clock
) -> None:
    def sign_in() -> Any:
        visitor = service.user("", "cookie")
        visitor.complete_login(simulator.approve(visitor.begin_login()))
        return visitor

    sign_in().rebind("acme", "zoe")
    clock.advance(15 * 86_400)
    again = sign_in()
    simulator.refresh_fault("hold")
    waiting = Later(lambda: service.user("acme", "zoe").token(timeout=20))
    held(simulator)
    rebinding = Later(lambda: again.rebind("acme", "zoe"))
    time.sleep(0.2)
    simulator.control("/release", {})
    rebinding.result()
    assert waiting.result()
    assert service.user("acme", "zoe").token()


def test_a_session_moves_when_the_renewal_of_another_node_is_over(simulator: Simulator, clock: Clock) -> None:
    simulator.options(rotate=True)
    store = Rows()
    with Clients(simulator.config(), store, clock=clock) as a, Clients(simulator.config(), store, clock=clock) as b:
        a.user("", "cookie").client.adopt(simulator.issue())
        simulator.fault("hold", endpoint="access_token")
        refresh = Later(b.user("", "cookie").client.refresh)
        eventually(lambda: len(simulator.log(endpoint="access_token")) == 1)
        rebinding = Later(lambda: a.user("", "cookie").rebind("acme", "zoe"))
        time.sleep(0.3)
        simulator.control("/release", {})
        refresh.result()
        zoe = rebinding.result()
        assert zoe.call(simulator.url()).status == 200
        assert simulator.counters()["refreshes_succeeded"] == 1


def test_a_key_that_is_both_keeps_its_session(simulator: Simulator) -> None:
    with Clients(simulator.config(), Rows()) as clients:
        zoe = clients.user("acme", "zoe")
        zoe.client.adopt(simulator.issue())
        token = zoe.token()
        assert zoe.rebind("acme", "zoe").token() == token


def test_a_sign_out_that_is_under_way_answers_with_its_url(simulator: Simulator, service: Any) -> None:
    service.user("acme", "zoe").complete_login(simulator.approve(service.user("acme", "zoe").begin_login()))
    visitor = service.user("", "cookie")
    visitor.complete_login(simulator.approve(visitor.begin_login()))
    simulator.fault("slow", endpoint="revoke", ms=1000)
    leaving = Later(lambda: service.user("acme", "zoe").sign_out(logout="browser"))
    eventually(lambda: len(simulator.log(endpoint="revoke")) > 0)
    visitor.rebind("acme", "zoe")
    assert leaving.result()
    assert service.user("acme", "zoe").token()


def test_an_api_that_lets_wait_is_called_again(simulator: Simulator, service: Any) -> None:
    visitor = service.user("", "cookie")
    visitor.complete_login(simulator.approve(visitor.begin_login()))
    simulator.fault("status", endpoint="people_me", status=429, retry_after="1")
    calling = Later(lambda: service.user("", "cookie").call(simulator.url()))
    eventually(lambda: len(simulator.log(endpoint="people_me")) > 0)
    visitor.rebind("acme", "zoe")
    assert calling.result().status == 200


class Fails(Rows):
    """Says that it has failed, after it has saved: so often."""

    often = 0

    def save(self, key: Any, put: Any) -> Any:
        answer = super().save(key, put)
        if self.often > 0:
            self.often -= 1
            raise StoreError("no answer", kind="unavailable")
        return answer


def test_where_the_store_says_that_it_has_failed_it_is_looked_at(simulator: Simulator) -> None:
    store = Fails()
    with Clients(simulator.config(), store) as clients:
        clients.user("", "cookie").client.adopt(simulator.issue())
        store.often = 1
        zoe = clients.user("", "cookie").rebind("acme", "zoe")
        assert zoe.token()
        store.often = 0
        # Nobody is to have a session whose key nobody was given.
        real = store.save

        def second(key: Any, put: Any) -> Any:
            answer = real(key, put)
            if key.user == "mallory":
                raise StoreError("no answer", kind="unavailable")
            return answer

        store.save = second  # type: ignore[method-assign]
        with pytest.raises(StoreError, match="no answer"):
            zoe.rebind("acme", "mallory")
        for user in ["mallory", "zoe"]:
            with pytest.raises(SignInRequired):
                clients.user("acme", user).token()


def test_a_session_does_not_stay_half_way(simulator: Simulator) -> None:
    async def main() -> None:
        clients = AsyncClients(simulator.config(), Slow())
        visitor = clients.user("", "cookie")
        await (await visitor.client()).adopt(simulator.issue())
        rebinding = asyncio.ensure_future(visitor.rebind("acme", "zoe"))
        await asyncio.sleep(0.25)
        rebinding.cancel()
        with suppress(asyncio.CancelledError):
            await rebinding
        await asyncio.sleep(1.0)
        assert await clients.user("acme", "zoe").token()
        await clients.close()

    asyncio.run(main())


class Slow(Rows):
    def save(self, key: Any, put: Any) -> Any:
        time.sleep(0.2)
        return super().save(key, put)
