"""Many users, some of whom hang: nobody else notices, and nothing of theirs is lost."""

from __future__ import annotations

import gc
import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import webex_oauth
from conftest import Simulator, eventually
from test_clients import Rows
from webex_oauth import Clients, HttpRequest, HttpResponse, StoreError
from webex_oauth._crew import Crew
from webex_oauth._in_time import MOST_LEFT, in_time

LIVING = {"access_token": "AT1", "expires_in": 36_000, "refresh_token": "RT1"}


class Hung:
    """A transport that never returns, until the test is over."""

    def __init__(self) -> None:
        self.over, self.count = threading.Event(), 0

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.count += 1
        self.over.wait(120)
        raise OSError


@pytest.fixture
def hung() -> Any:
    transport = Hung()
    yield transport
    transport.over.set()


def in_thread(work: Callable[[], object]) -> threading.Thread:
    def attempt() -> None:
        with suppress(webex_oauth.Error):
            work()

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    return thread


def hang(clients: Clients, hung: Hung, count: int) -> list[threading.Thread]:
    """So many users wait for a token that does not come."""
    users = [clients.user("acme", f"hung{number}") for number in range(count)]
    for user in users:
        user.client.adopt({"refresh_token": f"RT-{user.key.user}"})
    threads = [in_thread(user.token) for user in users]
    eventually(lambda: hung.count >= 2)
    return threads


def within(limit: float, work: Callable[[], Any]) -> Any:
    begun = time.monotonic()
    found = work()
    assert time.monotonic() - begun < limit
    return found


def test_who_has_a_token_does_not_wait_for_requests_of_others_that_hang(simulator: Simulator, hung: Hung) -> None:
    clients = Clients(simulator.config(request_timeout=30), Rows(), stale_after=0, transport=hung)
    zoe = clients.user("acme", "zoe")
    zoe.client.adopt(LIVING)
    hang(clients, hung, 2)
    for _ in range(5):
        assert within(1, zoe.token) == "AT1"


def test_a_sign_in_is_stored_while_requests_of_others_hang(simulator: Simulator, hung: Hung) -> None:
    store = Rows()
    clients = Clients(simulator.config(request_timeout=30), store, transport=hung)
    hang(clients, hung, 2)
    zoe = clients.user("acme", "zoe")
    within(2, lambda: zoe.client.adopt(LIVING))
    within(2, zoe.client.flush)
    assert "AT1" in store.rows[zoe.key].expose()


def test_who_has_a_token_does_not_wait_for_a_store_that_hangs(simulator: Simulator, hung: Hung) -> None:
    class Hanging(Rows):
        is_hung = False

        def load(self, key: webex_oauth.stores.Key) -> webex_oauth.Secret | None:
            if self.is_hung:
                hung.over.wait(120)
            return super().load(key)

    store = Hanging()
    clients = Clients(simulator.config(request_timeout=30), store, stale_after=0, transport=hung)
    zoe = clients.user("acme", "zoe")
    zoe.client.adopt(LIVING)
    store.is_hung = True
    assert within(2, zoe.token) == "AT1"


def test_a_request_that_hangs_ends_at_its_limit(
    simulator: Simulator, hung: Hung, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webex_oauth._in_time._GRACE", 0.0)
    clients = Clients(simulator.config(request_timeout=1), Rows(), transport=hung)
    for thread in hang(clients, hung, 2):
        thread.join(15)
        assert not thread.is_alive()
    crew = clients._shared.crew
    # The threads of the crew are free again.
    eventually(lambda: crew._count == 0, within=30)


def test_all_that_hang_leave_a_bounded_number_of_threads(simulator: Simulator, hung: Hung) -> None:
    clients = Clients(simulator.config(request_timeout=30), Rows(), transport=hung)
    hang(clients, hung, 30)
    # Another one is begun after a while, and so the third user gets on: sent, or told that it is too late for that.
    eventually(lambda: clients._shared.crew._begun >= 3, within=30)
    assert clients._shared.crew._count <= 10


def test_of_a_transport_that_hangs_no_more_than_so_many_threads_are_left(
    hung: Hung, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webex_oauth._in_time._limit", lambda request: 0.001)
    send, faults = in_time(hung), []
    for _ in range(MOST_LEFT + 3):
        with pytest.raises(webex_oauth.TransportError) as caught:
            send(None)
        faults.append(caught.value.fault)
    assert faults == ["lost"] * MOST_LEFT + ["not_sent"] * 3 and hung.count == MOST_LEFT
    hung.over.set()
    # They have come back: it is tried again.
    eventually(lambda: not isinstance(_raised(lambda: send(None)), webex_oauth.TransportError))


def _raised(work: Callable[[], object]) -> BaseException | None:
    try:
        work()
    except Exception as error:
        return error
    return None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_an_exception_ends_leaves_its_place_to_another_one() -> None:
    crew, done = Crew(2), threading.Event()

    def fail() -> None:
        raise SystemExit

    for _ in range(10):
        crew.start(fail)
    crew.start(done.set)
    assert done.wait(5)
    eventually(lambda: crew._count == 0, within=30)


def test_crews_with_all_threads_hung_begin_another_one() -> None:
    crew, over, done = Crew(2), threading.Event(), threading.Event()
    for _ in range(2):
        crew.start(lambda: over.wait(60))
    crew.start(done.set)
    assert done.wait(10)
    for _ in range(40):
        crew.start(lambda: over.wait(60))
    assert crew._count <= 10
    over.set()
    eventually(lambda: crew._count == 0, within=30)


# ------------------------------------------------------------------------------------------------------- who is evicted


def renewing_once_the_store_is_down(store: Rows) -> Callable[[HttpRequest], HttpResponse]:
    """The store fails between the intent to renew and the new tokens."""

    def send(request: HttpRequest) -> HttpResponse:
        store.is_down = True
        tokens = {"access_token": "NEW", "expires_in": 36_000, "refresh_token": "ROTATED", "token_type": "Bearer"}
        return HttpResponse(200, [("content-type", "application/json")], json.dumps(tokens).encode())

    return send


def test_who_could_not_be_stored_is_kept_until_that_has_been_done(simulator: Simulator) -> None:
    store = Rows()
    clients = Clients(
        simulator.config(), store, capacity=1, stale_after=100, transport=renewing_once_the_store_is_down(store)
    )
    zoe = clients.user("acme", "zoe")
    zoe.client.adopt({"refresh_token": "OLD"})
    assert zoe.token() == "NEW"
    save, store.is_down = store.save, False

    def refuse(*put: object) -> None:
        raise StoreError("it is down", kind="unavailable")

    store.save = refuse  # type: ignore[method-assign, assignment]
    for number in range(20):
        # Of these nothing is to be stored.
        assert not clients.user("acme", f"u{number}").status().can_authorize
    gc.collect()
    assert "2 kept" in repr(clients)
    assert zoe.token() == "NEW"
    store.save = save  # type: ignore[method-assign]
    eventually(lambda: "ROTATED" in store.rows[zoe.key].expose(), within=60)
    # Then it goes as all others do.
    for number in range(3):
        assert not clients.user("acme", f"v{number}").status().can_authorize
    assert "1 kept" in repr(clients)


def test_of_many_that_cannot_go_the_others_still_go(simulator: Simulator, hung: Hung) -> None:
    clients = Clients(simulator.config(request_timeout=30), Rows(), capacity=2, transport=hung)
    hang(clients, hung, 6)
    for number in range(100):
        clients.user("acme", f"u{number}").client.adopt({"access_token": f"AT{number}", "expires_in": 3600})
    # The six that wait, and those that were looked at last.
    assert 7 <= len(clients._kept) <= 8
