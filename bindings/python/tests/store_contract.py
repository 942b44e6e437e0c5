"""What every store promises, on every engine: the same as `adapters/stores/tests/engines/suite.rs`.

A test file has a fixture `nodes`: two nodes that have one store open.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest
import webex_oauth
from webex_oauth import Secret, StoreError
from webex_oauth.stores import AsyncRecords, Key, Keys, Put, Records

SECRET = "AT-secret"
U1 = Key("acme", "u1")


class Loop:
    """An event loop on a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, function: Callable[..., Any], *arguments: object) -> Any:
        async def work() -> Any:
            result = function(*arguments)
            return await result if inspect.isawaitable(result) else result

        return asyncio.run_coroutine_threadsafe(work(), self.loop).result(30)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


class Node:
    """A store of either face, for a test that blocks."""

    def __init__(self, store: Records | AsyncRecords, loop: Loop) -> None:
        self.store, self._loop = store, loop

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = getattr(self.store, name)
        if isinstance(self.store, Records):
            return function  # type: ignore[no-any-return]
        return lambda *arguments: self._loop.run(function, *arguments)

    def __repr__(self) -> str:
        return repr(self.store)


class Nodes(NamedTuple):
    """Two that have one store open, and a tenant that no other test has."""

    a: Any
    b: Any
    tenant: str = "acme"


def body(revision: int) -> Secret:
    """A snapshot as stores see it."""
    return Secret(f'{{"webex_oauth":2,"revision":{revision},"access_token":"{SECRET}"}}')


def put(revision: int, replaces: int, due_at: int | None = None) -> Put:
    return Put(body(revision), revision, replaces, due_at)


def fails(kind: str, call: Callable[[], object], says: str = "") -> StoreError:
    """The one clear error, with nothing secret in it, nor in its traceback with all variables of all frames."""
    with pytest.raises(StoreError) as caught:
        call()
    error = caught.value
    assert error.kind == kind, (error.kind, str(error))
    assert says in str(error), str(error)
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    frames = [frame for frame in told.stack if "/webex_oauth/" in frame.filename]
    text = "".join(traceback.StackSummary.from_list(frames).format())
    assert frames and error.__cause__ is None and error.__context__ is None
    for secret in (SECRET, "hunter2"):
        assert secret not in str(error) and secret not in repr(error) and secret not in text, text
    return error


def test_what_is_saved_is_loaded_by_every_node(nodes: Nodes) -> None:
    a, b, tenant = nodes
    u1 = Key(tenant, "u1")
    assert a.load(u1) is None
    assert a.save(u1, put(1, 0)) is None
    assert b.load(u1) == body(1)
    assert b.save(u1, put(2, 1)) is None
    assert a.load(u1) == body(2)
    assert a.load(Key(tenant, "u2")) is None
    assert a.load(Key(f"{tenant}u", "1")) is None


def test_a_save_replaces_what_it_says_and_nothing_else(nodes: Nodes) -> None:
    a, b, tenant = nodes
    u1 = Key(tenant, "u1")
    assert a.save(u1, put(10, 0)) is None
    assert b.save(u1, put(12, 10)) is None
    for stale in (10, 11, 13):
        assert a.save(u1, put(20, stale)) == body(12)
    assert a.load(u1) == body(12)
    # The greatest that there is, and back: revisions need not grow.
    greatest = (1 << 48) - 1
    assert a.save(u1, put(greatest, 12)) is None
    assert a.save(u1, put(3, greatest)) is None
    assert b.load(u1) == body(3)


def test_of_many_saves_at_once_one_is_stored(nodes: Nodes) -> None:
    a, b, tenant = nodes
    u1 = Key(tenant, "u1")
    stored = 1
    assert a.save(u1, put(stored, 0)) is None
    for round in range(5):
        replaced = stored
        offers = [round * 100 + number + 2 for number in range(16)]
        with ThreadPoolExecutor(16) as pool:
            nodes_of = [a if number % 2 else b for number in range(16)]
            results = list(
                pool.map(lambda node, revision: node.save(u1, put(revision, replaced)), nodes_of, offers)  # noqa: B023
            )
        [stored] = [offer for offer, result in zip(offers, results, strict=True) if result is None]
        assert a.load(u1) == body(stored)
        assert all(result == body(stored) for result in results if result is not None)


def test_an_insert_needs_that_there_is_nothing(nodes: Nodes) -> None:
    a, b, tenant = nodes
    u1, u2 = Key(tenant, "u1"), Key(tenant, "u2")
    assert a.save(u1, put(1, 0)) is None
    assert b.save(u1, put(5, 0)) == body(1)
    # And the other way round: a save that replaces something does not insert.
    assert a.save(u2, put(5, 4)) == Secret("")
    assert b.load(u2) is None


def test_what_was_deleted_stays_deleted(nodes: Nodes) -> None:
    a, b, tenant = nodes
    u1 = Key(tenant, "u1")
    assert a.save(u1, put(1, 0, 1)) is None
    b.delete(u1)
    assert a.load(u1) is None
    assert a.save(u1, put(2, 1)) == Secret("")
    assert b.load(u1) is None
    b.delete(u1)
    b.delete(Key(tenant, "u2"))


def test_a_deleted_record_may_be_followed_by_another(nodes: Nodes) -> None:
    a, b, tenant = nodes
    u1, following = Key(tenant, "u1"), 77 << 24 | 1
    assert a.save(u1, put(5 << 24 | 9, 0)) is None
    a.delete(u1)
    # Another session, whose upper half was drawn anew, be it lower or higher.
    assert b.save(u1, put(following, 0)) is None
    assert a.load(u1) == body(following)
    a.delete(u1)
    assert b.save(u1, put(3 << 24 | 1, 0)) is None
    # Who has the one before it in memory does not take this one for it.
    assert a.save(u1, put(following + 1, following)) == body(3 << 24 | 1)


def test_revisions_are_not_used_again(nodes: Nodes) -> None:
    a, b, tenant = nodes
    u1, draw = Key(tenant, "u1"), 5 << 24
    assert a.save(u1, put(draw | 7, 0)) is None
    a.delete(u1)
    for used in (draw | 7, draw | 6, draw | 1):
        fails("refused", lambda: b.save(u1, put(used, 0)), "deleted")  # noqa: B023
    assert b.load(u1) is None
    assert b.save(u1, put(draw | 8, 0)) is None, "the session itself goes on"


def test_long_sessions_come_back_whole(nodes: Nodes) -> None:
    a, b, tenant = nodes
    u1 = Key(tenant, "u1")
    # A megabyte: of one byte each, of four, and of what has a meaning in SQL and Lua.
    for number, text in enumerate(("abcd", "🔑", r"'\\$", "%s%(x)s")):
        long = Secret(json.dumps({"webex_oauth": 2, "revision": number + 1, "x": text * (1 << 18)}, ensure_ascii=False))
        assert a.save(u1, Put(long, number + 1, number)) is None
        assert b.load(u1) == long


NAMES = [
    "", " ", "u1", "U1", "u1 ", "it's", '"', "'; DROP TABLE webex_oauth_session; --", "%", "%s", "%(tenant)s", ":user",
    "_", "*", "{u}", "a:b", "Zoë", "Zoe\u0308", "用户", "🔑", "\u202eu", "\r\n\t\x01", "\ufeff", "\\", "$1", "NULL",
    "k" * Key.MAX_LEN,
    # An incompressible one, which is as long in an index as it is here.
    "".join(chr(ord("!") + at * at * 7 % 94) for at in range(Key.MAX_LEN)),
]  # fmt: skip


def test_keys_may_be_anything(nodes: Nodes) -> None:
    a, b, tenant = nodes
    for revision, name in enumerate(NAMES, 1):
        assert a.save(Key(tenant, name), put(revision, 0)) is None, name
        if len(name) < 900:
            other = Key(f"{tenant}/{name}", name)
            assert a.save(other, put(1000 + revision, 0, 5)) is None, name
            assert b.load(other) == body(1000 + revision), name
            b.delete(other)
    for revision, name in enumerate(NAMES, 1):
        assert b.load(Key(tenant, name)) == body(revision), name


def test_what_is_no_revision_or_too_long_is_refused(nodes: Nodes) -> None:
    a, _, tenant = nodes
    u1 = Key(tenant, "u1")
    fails("refused", lambda: a.save(u1, Put(Secret("x" * ((4 << 20) + 1)), 1, 0)), "bytes")
    fails("refused", lambda: a.save(u1, put(1 << 63, 0)), "revision")
    fails("refused", lambda: a.save(u1, put(-1, 0)), "revision")
    assert a.load(u1) is None


def test_what_is_not_encrypted_does_not_take_the_place_of_what_is(nodes: Nodes) -> None:
    a, b, tenant = nodes
    if "sealed" in repr(a):
        return  # What it saves always is.
    u1 = Key(tenant, "u1")
    sealed = Keys("k1:uwfbCQ1BTdJOgfP6C8F4AHzmHRXBbEFUWCzcmHIl0xs").seal(tenant, "u1", body(7), b"123456789012")
    assert a.save(u1, Put(sealed, 7, 0)) is None
    for replaces in (7, 6, 0):
        assert fails("sealed", lambda: b.save(u1, put(9, replaces))).key_id == "k1"  # noqa: B023
    assert b.load(u1) == sealed
    # Another that is sealed may.
    assert b.save(u1, Put(sealed, 8, 7, None, "k1")) is None


def test_a_time_beyond_all_calendars_is_kept(nodes: Nodes) -> None:
    a, b, tenant = nodes
    for number, due_at in enumerate((2**63 - 1, -(2**63), 0)):
        key = Key(tenant, str(number))
        assert a.save(key, put(1, 0, due_at)) is None
        assert b.load(key) == body(1)


def test_what_is_over_is_deleted_for_good(nodes: Nodes) -> None:
    a, b, tenant = nodes
    over, stays, completed = (Key(tenant, user) for user in ("over", "stays", "completed"))
    now, later = 0, 33_000_000_000_000

    def of(revision: int, replaces: int, kept_for: int) -> Put:
        return Put(body(revision), revision, replaces, kept_for=kept_for)

    for key in (stays, completed, over):
        assert a.save(key, of(7, 0, later)) is None
    # Somebody has signed in meanwhile: that has no end.
    assert b.save(completed, put(8, 7)) is None
    assert b.delete_expired() == 0
    for number in range(5):
        assert a.save(Key(tenant, f"over {number}"), of(7, 0, now)) is None
    assert a.save(over, of(8, 7, now)) is None
    deleted = [b.delete_expired(3) for _ in range(4)]
    assert deleted == ([0, 0, 0, 0] if repr(b).startswith("Redis") else [3, 3, 0, 0])  # Redis does it by itself.
    assert a.load(over) is None
    assert a.save(over, put(9, 8)) == Secret("")
    # No mark is left: any revision may follow.
    assert a.save(over, put(7, 0)) is None
    # The mark of what was deleted a moment ago stays.
    a.delete(stays)
    assert b.delete_expired() == 0
    fails("refused", lambda: a.save(stays, put(7, 0)))
    assert b.load(completed) == body(8)


def test_a_login_stays_for_its_week_whatever_time_it_is_where_it_was_begun(nodes: Nodes) -> None:
    """By the clock of the store, and not by that of the client, which is behind by years here."""
    a, b, tenant = nodes
    key, begun = Key(tenant, "u1"), 1_000_000

    def login(revision: int) -> Secret:
        logins = [{"expires_at": begun + 600_000}]
        return Secret(json.dumps({"webex_oauth": 2, "revision": revision, "saved_at": begun, "logins": logins}))

    for revision, replaces in ((7, 0), (8, 7)):
        assert a.save(key, Put(login(revision), revision, replaces)) is None
        assert b.delete_expired() == 0
        assert b.load(key) == login(revision)


def test_nothing_that_is_printed_names_a_user(nodes: Nodes) -> None:
    a, _, _ = nodes
    zoe = Key("the-tenant", "zoe@example.com")
    assert a.save(zoe, put(7, 0)) is None
    conflict = a.save(zoe, put(9, 8))
    a.delete(zoe)
    refused = fails("refused", lambda: a.save(zoe, put(7, 0)))
    user = a.store.user(zoe.tenant, zoe.user)
    printed = f"{a!r} {zoe!r} {conflict!r} {refused!r} {refused} {user!r} {put(7, 0)!r}"
    for secret in ("the-tenant", "zoe", SECRET):
        assert secret not in printed, printed


def test_a_record_is_the_store_of_a_client(nodes: Nodes) -> None:
    a, b, tenant = nodes
    one, other = (node.store.user(tenant, "u1") for node in (a, b))
    run = one.save if isinstance(a.store, Records) else None
    if run is None:
        loop = a._loop
        assert loop.run(one.save, body(1), 1, 0) is None
        assert loop.run(other.load) == body(1)
        loop.run(other.delete)
        assert loop.run(one.load) is None
    else:
        assert one.save(body(1), 1, 0) is None
        assert other.load() == body(1)
        other.delete()
        assert one.load() is None
    assert webex_oauth.Store in type(one).__mro__ or isinstance(one, webex_oauth.Store)


def a_child_goes_on_and_so_does_its_parent(store: Records) -> None:
    """After a fork, with connections of their own. ``U1`` is stored, as ``body(1)``; afterwards it is ``body(2)``."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if store.load(U1) == body(1) and store.save(U1, put(2, 1)) is None else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert store.load(U1) == body(2)
