"""Requests of one user while another one gives the session another key: none is told that a client is closed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from conftest import Clock, Simulator, eventually
from test_clients import Rows
from webex_oauth import (
    AsyncClients,
    CallbackIgnored,
    Clients,
    LoginCancelled,
    LoginSuperseded,
    SignInRequired,
    StoreError,
)

#: What the second one of two clicks is told.
OVER = (CallbackIgnored, LoginCancelled, LoginSuperseded, SignInRequired)


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
    with pytest.raises(OVER):
        second.result()
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
        with pytest.raises(StoreError) as busy:
            a.user("", "cookie").rebind("acme", "zoe")
        assert busy.value.kind == "busy"
        simulator.control("/release", {})
        refresh.result()
        zoe = a.user("", "cookie").rebind("acme", "zoe")
        assert zoe.call(simulator.url()).status == 200
        assert simulator.counters()["refreshes_succeeded"] == 1


def test_a_key_that_is_both_keeps_its_session(simulator: Simulator) -> None:
    with Clients(simulator.config(), Rows()) as clients:
        zoe = clients.user("acme", "zoe")
        zoe.client.adopt(simulator.issue())
        token = zoe.token()
        assert zoe.rebind("acme", "zoe").token() == token
