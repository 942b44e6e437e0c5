"""Stores that fail, hold what cannot be read, or were begun anew."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import webex_oauth
from conftest import Clock, Simulator, eventually
from webex_oauth import Client, FileStore, MemoryStore, Secret, StoreFailed, StoreRecovered

Make = Callable[..., Client]


class FailingStore(MemoryStore):
    """A store whose disk fills up."""

    broken = False

    def save(self, snapshot: Secret, revision: int, replaces: int) -> Secret | None:
        if self.broken:
            raise OSError(28, "No space left on device")
        return super().save(snapshot, revision, replaces)


def test_a_store_that_fails_loses_nothing(simulator: Simulator, signed_in: Make, clock: Clock) -> None:
    events: list[Any] = []
    store = FailingStore()
    client = signed_in(store=store, clock=clock, on_event=events.append)
    store.broken = True
    clock.advance(15 * 86_400)
    token = client.token()
    eventually(lambda: any(isinstance(event, StoreFailed) for event in events))
    [failed] = [event for event in events if isinstance(event, StoreFailed)]
    assert isinstance(failed.error, webex_oauth.StoreError) and isinstance(failed.error.__cause__, OSError)
    with pytest.raises(webex_oauth.StoreError, match="in memory only") as unstored:
        client.flush()
    assert unstored.value.kind == "full"
    store.broken = False
    client.flush()
    eventually(lambda: any(isinstance(event, StoreRecovered) for event in events))
    stored = store.load()
    assert stored is not None and token in stored.expose()


@pytest.mark.parametrize("what", ["what was to be replaced", "nothing that can be read"])
def test_a_store_whose_conflicts_make_no_sense_has_failed(
    simulator: Simulator, signed_in: Make, clock: Clock, what: str
) -> None:
    class Confused(FailingStore):
        def save(self, snapshot: Secret, revision: int, replaces: int) -> Secret | None:
            if not self.broken:
                return super().save(snapshot, revision, replaces)
            return self.load() if what == "what was to be replaced" else Secret("not a session")

    events: list[Any] = []
    store = Confused()
    client = signed_in(store=store, clock=clock, on_event=events.append)
    store.broken = True
    clock.advance(15 * 86_400)
    assert client.token()
    eventually(lambda: any(isinstance(event, StoreFailed) for event in events))
    store.broken = False
    client.flush()


def test_a_store_works_again_also_where_another_process_has_stored_since(
    simulator: Simulator, signed_in: Make, make_client: Make, clock: Clock
) -> None:
    events: list[Any] = []
    store = FailingStore()
    client = signed_in(store=store, clock=clock, on_event=events.append)
    other = make_client(store=store, clock=clock)
    store.broken = True
    client.adopt(simulator.issue())
    store.broken = False
    for _ in range(3):
        clock.advance(1)
        other.adopt(simulator.issue())
    client.flush()
    client.reload()
    eventually(lambda: any(isinstance(event, StoreRecovered) for event in events))
    assert client.token() == other.token()


def test_a_failed_save_is_tried_again_also_where_the_clock_was_set_back(signed_in: Make, clock: Clock) -> None:
    store = FailingStore()
    client = signed_in(store=store, clock=clock)
    store.broken = True
    client.begin_login()
    before = store.load()
    clock.advance(-7200)
    store.broken = False
    eventually(lambda: store.load() != before)


def test_a_sign_in_to_a_store_that_was_begun_anew_is_noticed(
    simulator: Simulator, signed_in: Make, clock: Clock
) -> None:
    store = MemoryStore()
    client = signed_in(store=store, clock=clock)
    for _ in range(3):
        clock.advance(60)
        client.refresh()
    client.sign_out()
    store.delete()
    clock.advance(60)
    other = signed_in(store=store, clock=clock)
    assert client.token() == other.token()


@pytest.mark.parametrize("member", [{"webex_oauth": 99}, {"client_id": "other"}])
def test_what_another_version_or_client_has_stored_is_left_alone(
    signed_in: Make, clock: Clock, member: dict[str, Any]
) -> None:
    events: list[Any] = []
    store = MemoryStore()
    client = signed_in(store=store, clock=clock, on_event=events.append)
    stored = store.load()
    assert stored is not None
    theirs = Secret(json.dumps({**json.loads(stored.expose()), **member, "revision": 70}))
    store.delete()
    assert store.save(theirs, 70, 0) is None
    for _ in range(2):
        clock.advance(15 * 86_400)
        assert client.token()
        assert store.load() == theirs
    eventually(lambda: any(isinstance(event, StoreFailed) for event in events))
    store.delete()
    client.flush()
    # What was deleted is not brought back by who still has it in memory.
    assert store.load() is None
    with pytest.raises(webex_oauth.SignInRequired):
        client.token()


def test_a_store_that_cannot_be_read_is_told_at_once(simulator: Simulator) -> None:
    class Unreadable(MemoryStore):
        def load(self) -> Secret | None:
            raise PermissionError(13, "Permission denied")

    with pytest.raises(webex_oauth.StoreError) as caught:
        Client(simulator.config(), store=Unreadable())
    assert isinstance(caught.value.__cause__, PermissionError)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b'{"webex_oauth":99,"revision":4}'])
def test_what_is_not_a_session_is_refused_and_left_alone(
    simulator: Simulator, store_path: Path, content: bytes
) -> None:
    store_path.parent.mkdir(parents=True)
    store_path.write_bytes(content)
    with pytest.raises((webex_oauth.RestoreError, webex_oauth.StoreError)):
        Client(simulator.config(), store=FileStore(store_path))
    assert store_path.read_bytes() == content


def test_nothing_is_spent_where_the_answer_cannot_be_kept(simulator: Simulator, signed_in: Make, clock: Clock) -> None:
    events: list[Any] = []
    store = FailingStore()
    client = signed_in(store=store, clock=clock, on_event=events.append)
    before = client.token()
    store.broken = True
    clock.advance(13.5 * 86_400)
    assert client.token() == before
    eventually(lambda: any(isinstance(event, StoreFailed) for event in events))
    eventually(lambda: not client.status().is_refreshing)
    assert client.token() == before
    assert simulator.counters()["refreshes_attempted"] == 0


def test_closing_tells_that_tokens_could_not_be_stored(simulator: Simulator, signed_in: Make, clock: Clock) -> None:
    events: list[Any] = []
    store = FailingStore()
    client = signed_in(store=store, clock=clock, on_event=events.append)
    store.broken = True
    clock.advance(15 * 86_400)
    assert client.token()
    with pytest.raises(webex_oauth.StoreError, match="not stored"):
        client.close()
    with pytest.raises(webex_oauth.Closed):
        client.token()
    assert any(isinstance(event, StoreFailed) for event in events)
    store.broken = False
    client.close()
    stored, tokens = store.load(), client.tokens()
    assert stored is not None and tokens is not None and tokens.access_token is not None
    assert tokens.access_token.expose() in stored.expose()


def test_what_ends_a_block_is_told_before_a_store_that_failed(signed_in: Make, clock: Clock) -> None:
    store = FailingStore()
    with pytest.raises(KeyError), signed_in(store=store, clock=clock) as client:
        store.broken = True
        clock.advance(15 * 86_400)
        assert client.token()
        raise KeyError("the application's own")


def test_the_browser_is_told_where_a_sign_in_could_not_be_stored(simulator: Simulator, make_client: Make) -> None:
    store = FailingStore()
    client = make_client(store=store)
    pages: list[bytes] = []

    def browse(url: str) -> None:
        store.broken = True
        callback = simulator.approve(url)
        threading.Thread(target=lambda: pages.append(urllib.request.urlopen(callback).read())).start()

    client.login(open_browser=browse, timeout=20)
    eventually(lambda: bool(pages))
    assert b"was not kept" in pages[0] and b"You are signed in" not in pages[0]
    with pytest.raises(webex_oauth.StoreError):
        client.close()


def test_what_is_no_text_is_no_token_and_nothing_has_changed(signed_in: Make) -> None:
    client = signed_in()
    token = client.token()
    unusable: list[dict[str, object]] = [{"access_token": object()}, {"access_token": "AT", "refresh_token": 7}]
    for tokens in unusable:
        with pytest.raises(webex_oauth.InvalidArgument, match="token is no text"):
            client.adopt(tokens)
    assert client.token() == token
    client.adopt({"access_token": b"AT-of-bytes"})
    assert client.token() == "AT-of-bytes"
