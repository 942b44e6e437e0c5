"""Sessions of many users in SQLite."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Clock, Simulator, eventually
from store_contract import *  # noqa: F403
from store_contract import (
    SECRET,
    U1,
    Loop,
    Node,
    Nodes,
    a_child_goes_on_and_so_does_its_parent,
    body,
    fails,
    put,
)
from webex_oauth import AsyncClient, Client, StoreError
from webex_oauth.stores import AsyncSqliteStore, Key, SqliteStore


def migrated(path: Path) -> SqliteStore:
    store = SqliteStore(path)
    store.migrate()
    return store


@pytest.fixture(params=["blocking", "asyncio"])
def nodes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Nodes]:
    path, loop = tmp_path / "sessions.db", Loop()
    migrated(path).close()
    stores = [SqliteStore(path) if request.param == "blocking" else AsyncSqliteStore(path) for _ in range(2)]
    a, b = (Node(store, loop) for store in stores)
    yield Nodes(a, b)
    a.close()
    b.close()
    loop.stop()


def test_without_tables_it_says_what_to_do_and_migrating_twice_is_fine(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "s.db") as store:
        fails("refused", lambda: store.load(U1), "migrate")
        fails("refused", lambda: store.save(U1, put(1, 0)), "migrate")
        store.migrate()
        assert store.save(U1, put(1, 0)) is None
        store.migrate()
        assert store.load(U1) == body(1)


def test_tables_of_a_newer_version_are_left_alone(tmp_path: Path) -> None:
    with migrated(tmp_path / "s.db") as store:
        other = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
        other.execute("INSERT INTO webex_oauth_schema VALUES (99)")
        other.close()
        fails("refused", lambda: SqliteStore(tmp_path / "s.db"), "99")
        fails("refused", store.migrate, "99")


def test_tables_from_before_the_first_release_are_told(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "s.db") as store:
        other = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
        other.execute("CREATE TABLE webex_oauth_schema (version INTEGER NOT NULL)")
        other.execute("INSERT INTO webex_oauth_schema VALUES (1)")
        other.close()
        told = "version 1, this library reads 2: they are from before the first release"
        fails("refused", lambda: SqliteStore(tmp_path / "s.db"), told)
        fails("refused", store.migrate, told)


def test_what_is_no_database_is_damaged_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.write_text("not a database, but long enough to be looked at" * 50)
    before = path.read_bytes()
    fails("damaged", lambda: SqliteStore(path), str(path))
    assert path.read_bytes() == before


def test_a_folder_that_is_not_there_is_an_error_with_a_path(tmp_path: Path) -> None:
    fails("other", lambda: SqliteStore(tmp_path / "none" / "s.db"), str(tmp_path / "none" / "s.db"))


def test_a_database_that_another_process_holds_is_busy(tmp_path: Path) -> None:
    migrated(tmp_path / "s.db").close()
    other = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    with SqliteStore(tmp_path / "s.db", patience=0.03) as store:
        other.execute("BEGIN IMMEDIATE")
        assert fails("busy", lambda: store.save(U1, put(1, 0))).is_busy
        assert store.load(U1) is None, "reading goes on"
        other.execute("COMMIT")
        assert store.save(U1, put(1, 0)) is None
    other.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such permissions")
def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    with migrated(tmp_path / "s.db") as store:
        assert store.save(U1, put(1, 0)) is None
        files = list(tmp_path.iterdir())
        assert len(files) == 3
        for file in files:
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_cannot_be_written_is_denied(tmp_path: Path) -> None:
    migrated(tmp_path / "s.db").close()
    (tmp_path / "s.db").chmod(0o400)
    fails("denied", lambda: SqliteStore(tmp_path / "s.db"))


def test_a_database_that_may_only_be_read_is_denied_and_still_read(tmp_path: Path) -> None:
    with migrated(tmp_path / "s.db") as store:
        assert store.save(U1, put(1, 0)) is None
        store._writer.connection.execute("PRAGMA query_only = ON")
        fails("denied", lambda: store.save(U1, put(2, 1)))
        assert store.load(U1) == body(1)


def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    with migrated(tmp_path / "s.db") as store:
        assert store.save(U1, put(1, 0)) is None
        connection = store._writer.connection
        [(pages,)] = connection.execute("PRAGMA page_count").fetchall()
        connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()
        long = put(2, 1)
        fails("full", lambda: store.save(U1, type(long)(type(long.snapshot)(SECRET + "x" * 100_000), 2, 1)))
        assert store.load(U1) == body(1)


def test_what_was_deleted_is_not_left_in_the_file(tmp_path: Path) -> None:
    with migrated(tmp_path / "s.db") as store:
        assert store.save(U1, put(1, 0)) is None
        store.delete(U1)
    content = (tmp_path / "s.db").read_bytes()
    assert b"webex_oauth_session" in content and SECRET.encode() not in content


def test_when_a_session_is_due_is_beside_it(tmp_path: Path) -> None:
    with migrated(tmp_path / "s.db") as store:
        assert store.save(U1, put(1, 0, 1_700_000_000_123)) is None
        other = sqlite3.connect(tmp_path / "s.db")
        row = other.execute("SELECT due_at, key_id, deleted_at, updated_at > 1700000000000 FROM webex_oauth_session")
        assert row.fetchall() == [(1_700_000_000_123, "", None, 1)]
        store.delete(U1)
        row = other.execute("SELECT due_at, body, deleted_at > 1700000000000 FROM webex_oauth_session")
        assert row.fetchall() == [(None, "", 1)]
        other.close()


def test_after_it_was_closed_it_says_so(tmp_path: Path) -> None:
    store = migrated(tmp_path / "s.db")
    store.close()
    store.close()
    fails("unavailable", lambda: store.load(U1), "closed")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_child_closes_what_a_thread_of_its_parent_is_using(tmp_path: Path) -> None:
    store, held, over = migrated(tmp_path / "s.db"), threading.Event(), threading.Event()

    def hold() -> None:
        with store._writer.lock:
            held.set()
            over.wait(30)

    thread = threading.Thread(target=hold, daemon=True)
    thread.start()
    assert held.wait(5)
    child = os.fork()
    if child == 0:
        store.close()
        os._exit(7)
    found, end = (0, 0), time.monotonic() + 10
    while found[0] == 0 and time.monotonic() < end:
        time.sleep(0.01)
        found = os.waitpid(child, os.WNOHANG)
    if found[0] == 0:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    over.set()
    thread.join()
    assert found[0] == child and os.waitstatus_to_exitcode(found[1]) == 7
    # The parent's is open.
    assert store.load(U1) is None
    store.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_after_a_fork_both_go_on_with_connections_of_their_own(tmp_path: Path) -> None:
    store = migrated(tmp_path / "s.db")
    assert store.save(U1, put(1, 0)) is None
    a_child_goes_on_and_so_does_its_parent(store)
    assert store.save(U1, put(3, 2)) is None
    store.close()


@pytest.mark.parametrize(
    ("tenant", "user"), [("acme", "u" * 10_000), ("a\0cme", "u1"), ("acme", "\ud800"), ("acme", 1)]
)
def test_a_name_that_no_database_could_keep_is_refused_and_not_quoted(tenant: str, user: str) -> None:
    with pytest.raises(StoreError) as caught:
        Key(tenant, user)
    assert caught.value.kind == "refused"
    assert "uuu" not in str(caught.value) and "cme" not in str(caught.value)


def test_a_key_is_printed_as_its_hash_and_names_do_not_run_into_one_another() -> None:
    # As the Rust crate prints it.
    assert repr(Key("acme", "zoe")) == "Key(d3574bdffb4b)"
    assert Key("acme", "u1").digest() != Key("acmeu", "1").digest()
    assert Key("", "") == Key("", "") and len({Key("a", "b"), Key("a", "b")}) == 1


# ------------------------------------------------------------------------------------------------------------- clients


def test_clients_of_one_user_share_a_session_and_renew_it_once(
    simulator: Simulator, clock: Clock, tmp_path: Path
) -> None:
    simulator.options(rotate=True)
    stores = [migrated(tmp_path / "s.db") for _ in range(3)]
    clients = [Client(simulator.config(), store=store.user("acme", "zoe"), clock=clock) for store in stores]
    clients[0].adopt(simulator.issue())
    clock.advance(15 * 86_400)
    assert len({client.token(timeout=20) for client in clients}) == 1
    assert simulator.counters()["refreshes_attempted"] == 1
    assert simulator.counters()["reuse_detected"] == 0
    clients[0].sign_out()
    for client in clients[1:]:
        client.reload()
        assert not client.status().can_authorize
    for client, store in zip(clients, stores, strict=True):
        client.close()
        store.close()


def test_what_a_client_saves_says_when_it_is_due(simulator: Simulator, clock: Clock, tmp_path: Path) -> None:
    store = migrated(tmp_path / "s.db")
    with Client(simulator.config(), store=store.user("acme", "zoe"), clock=clock) as client:
        client.adopt(simulator.issue())
        client.flush()
    other = sqlite3.connect(tmp_path / "s.db")
    [(due_at,)] = other.execute("SELECT due_at FROM webex_oauth_session").fetchall()
    other.close()
    store.close()
    # Between 60 and 90 percent of a fortnight.
    assert 0.5 * 14 * 86_400_000 < due_at - clock() < 0.95 * 14 * 86_400_000


def test_a_renewal_whose_event_loop_has_ended_is_stored(simulator: Simulator, clock: Clock, tmp_path: Path) -> None:
    simulator.options(rotate=True)
    migrated(tmp_path / "s.db").close()
    store = AsyncSqliteStore(tmp_path / "s.db")
    client = AsyncClient(simulator.config(), store=store.user("acme", "zoe"), clock=clock)

    async def sign_in() -> None:
        await client.adopt(simulator.issue())

    async def leave() -> None:
        renewal = asyncio.ensure_future(client.refresh())
        while not client.status().is_refreshing or simulator.counters()["refreshes_attempted"] == 0:
            await asyncio.sleep(0.005)
        renewal.cancel()

    asyncio.run(sign_in())
    with SqliteStore(tmp_path / "s.db") as other:
        key = Key("acme", "zoe")
        before = other.load(key)
        simulator.refresh_fault("slow", ms=500)
        asyncio.run(leave())
        # The intent is stored already. What follows it is the result, with no event loop there.
        intent = other.load(key)
        assert intent != before
        eventually(lambda: other.load(key) != intent)
        with Client(simulator.config(), store=other.user("acme", "zoe"), clock=clock) as again:
            assert again.call(simulator.url()).status == 200
            assert again.status().generation == client.status().generation
    assert simulator.counters()["refreshes_attempted"] == 1
    asyncio.run(client.close())
    asyncio.run(store.close())
