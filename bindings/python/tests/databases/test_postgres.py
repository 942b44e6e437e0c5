"""Sessions of many users in PostgreSQL: two pools on one schema, which is each test's own."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from conftest import Clock, Simulator
from store_contract import *  # noqa: F403
from store_contract import (
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
from webex_oauth.stores import AsyncPostgresStore, PostgresStore

from databases.conftest import Proxy, free_port, setting, told_and_back

Open = Callable[..., Node]


@pytest.fixture(params=["blocking", "asyncio"])
def open_store(request: pytest.FixtureRequest, loop: Loop) -> Iterator[Open]:
    """Either face, opened: what cannot be opened is told by `open_store` itself."""
    opened: list[Node] = []

    def make(url: str, **options: Any) -> Node:
        if request.param == "blocking":
            node = Node(PostgresStore(url, **options), loop)
        else:
            node = Node(AsyncPostgresStore(url, **options), loop)
            node._use(_nothing)
        opened.append(node)
        return node

    yield make
    for node in opened:
        node.close()


async def _nothing(connection: object) -> None:
    pass


@pytest.fixture
def nodes(schema: str, open_store: Open) -> Nodes:
    a, b = open_store(schema), open_store(schema, pool_size=3)
    a.migrate()
    return Nodes(a, b)


@pytest.fixture
def admin(schema: str) -> Iterator[psycopg.Connection[Any]]:
    """To look behind the scenes with."""
    with psycopg.connect(schema, autocommit=True) as connection:
        yield connection


def url() -> str:
    return setting("WEBEX_OAUTH_POSTGRES")


def password() -> str:
    return url().split("webex:")[1].split("@")[0]


def changed(url: str, part: str, by: str) -> str:
    assert part in url
    return url.replace(part, by, 1)


def test_a_wrong_password_is_denied_and_not_told(open_store: Open) -> None:
    error = fails("denied", lambda: open_store(changed(url(), password(), "hunter2")), "password")
    assert "localhost" in str(error)


def test_a_database_that_is_not_there_is_refused(open_store: Open) -> None:
    fails("refused", lambda: open_store(changed(url(), "/postgres", "/nothing")), "no such database")


def test_where_nobody_listens_it_is_not_available(open_store: Open) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    error = fails("unavailable", lambda: open_store(f"postgres://webex:hunter2@{nobody}/postgres"), nobody)
    assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    "wrong", ["mysql://zoe:hunter2@h/db", "postgres://zoe:hunter2@h:port/db", "host='hunter2", "postgres://h?hunter2=1"]
)
def test_what_is_no_url_is_refused_and_nothing_of_it_is_told(open_store: Open, wrong: str) -> None:
    error = fails("refused", lambda: open_store(wrong))
    assert "zoe" not in str(error)


def test_without_tables_it_says_what_to_do(open_store: Open, schema: str) -> None:
    store = open_store(schema)
    fails("refused", lambda: store.load(U1), "migrate")
    fails("refused", lambda: store.save(U1, put(1, 0)), "migrate")
    store.migrate()
    assert store.save(U1, put(1, 0)) is None
    store.migrate()
    assert store.load(U1) == body(1)


def test_many_nodes_may_migrate_at_once(open_store: Open, schema: str, admin: psycopg.Connection[Any]) -> None:
    stores = [open_store(schema) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda store: store.migrate(), stores))
    assert admin.execute("SELECT version FROM webex_oauth_schema").fetchall() == [(2,)]


def test_tables_of_a_newer_version_are_left_alone(nodes: Nodes, open_store: Open, schema: str, admin: Any) -> None:
    admin.execute("INSERT INTO webex_oauth_schema VALUES (99)")
    fails("refused", lambda: open_store(schema), "99")
    fails("refused", nodes.a.migrate, "99")


def test_tables_from_before_the_first_release_are_told(open_store: Open, schema: str, admin: Any) -> None:
    store = open_store(schema)
    admin.execute("CREATE TABLE webex_oauth_schema (version integer NOT NULL)")
    admin.execute("INSERT INTO webex_oauth_schema VALUES (1)")
    told = "version 1, this library reads 2: they are from before the first release"
    fails("refused", lambda: open_store(schema), told)
    fails("refused", store.migrate, told)


def test_a_replica_can_be_read_and_not_written(nodes: Nodes, open_store: Open, schema: str) -> None:
    assert nodes.a.save(U1, put(1, 0)) is None
    replica = open_store(f"{schema}%20-c%20default_transaction_read_only%3Don")
    assert replica.load(U1) == body(1)
    fails("denied", lambda: replica.save(U1, put(2, 1)))
    fails("denied", lambda: replica.delete(U1))
    assert nodes.a.load(U1) == body(1)


def test_a_user_who_may_not_is_denied(nodes: Nodes, open_store: Open, schema: str, admin: Any) -> None:
    name = f"low{os.getpid()}_{time.monotonic_ns()}"
    schema_name = schema.rsplit("%3D", 1)[1]
    admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'hunter2'")
    admin.execute(f"GRANT USAGE ON SCHEMA {schema_name} TO {name}")
    admin.execute(f"GRANT SELECT ON webex_oauth_schema TO {name}")
    store = open_store(changed(changed(schema, "webex:", f"{name}:"), password(), "hunter2"))
    fails("denied", lambda: store.load(U1))


def test_a_text_that_cannot_be_stored_is_refused(nodes: Nodes) -> None:
    long = put(1, 0)
    fails("refused", lambda: nodes.a.save(U1, type(long)(type(long.snapshot)("a\0b"), 1, 0)), "value")
    assert nodes.a.load(U1) is None


def test_a_pool_that_is_exhausted_says_so_and_recovers(
    nodes: Nodes, open_store: Open, schema: str, admin: psycopg.Connection[Any]
) -> None:
    assert nodes.a.save(U1, put(1, 0)) is None
    small = open_store(schema, pool_size=1, time_limit=1.0)
    begun = time.monotonic()
    with admin.transaction(), ThreadPoolExecutor(2) as pool:
        admin.execute("LOCK TABLE webex_oauth_session")
        calls = [pool.submit(fails, "unavailable", lambda: small.load(U1)) for _ in range(2)]
        for call in calls:
            call.result()
        assert time.monotonic() - begun < 3.5
    assert small.load(U1) == body(1), "and the connection that hung is not used again"


def test_a_server_that_is_gone_in_the_middle_is_told_and_comes_back(
    nodes: Nodes, open_store: Open, schema: str, proxy: Callable[[str, int], Proxy]
) -> None:
    host, port = url().split("@")[1].split("/")[0].split(":")
    line = proxy("127.0.0.1", int(port))
    node = open_store(changed(schema, f"{host}:{port}", f"localhost:{line.port}"), pool_size=2, time_limit=1.0)
    assert node.save(U1, put(1, 0)) is None
    told_and_back(node, line, told_within=4, back_within=15)


def test_a_restart_of_the_server_breaks_no_call(nodes: Nodes, admin: psycopg.Connection[Any]) -> None:
    assert nodes.a.save(U1, put(1, 0)) is None
    ended = admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'webex-oauth'"
        " AND query LIKE '%webex_oauth_session%' AND pid <> pg_backend_pid()"
    ).fetchall()
    assert ended
    time.sleep(0.05)
    assert nodes.a.load(U1) == body(1)


def test_tls_is_checked_against_the_roots_that_are_given(
    open_store: Open, schema: str, tmp_path: Path, admin: psycopg.Connection[Any]
) -> None:
    roots, encrypted = setting("WEBEX_OAUTH_DATABASE_CA"), f"{schema}&sslmode=require"
    store = open_store(encrypted, roots=roots)
    store.migrate()
    assert store.load(U1) is None
    used = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name = %s"
    assert admin.execute(used, ("webex-oauth",)).fetchone() != (0,)
    fails("unavailable", lambda: open_store(encrypted), "TLS")
    fails("unavailable", lambda: open_store(changed(encrypted, "localhost", "127.0.0.1"), roots=roots), "TLS")
    (tmp_path / "no.pem").write_text("hello")
    for wrong in (tmp_path / "no.pem", tmp_path / "none.pem"):
        fails("refused", lambda: open_store(encrypted, roots=wrong), "roots")  # noqa: B023


@pytest.mark.parametrize(
    ("place", "mode"),
    [
        ("postgres://u@db.example/x", "verify-full"),
        ("postgres://u@db.example/x?sslmode=require", "verify-full"),
        ("postgres://u@localhost,db.example/x", "verify-full"),
        ("host=localhost hostaddr=10.0.0.1", "verify-full"),
        ("postgres://u@db.example/x?sslmode=disable", "disable"),
        ("postgres://u@localhost/x", "disable"),
        ("postgres://u@[::1]/x", "disable"),
        ("host=/run/postgresql", "disable"),
        ("postgres://u@localhost/x?sslmode=require", "verify-full"),
    ],
)
def test_only_what_stays_on_this_machine_may_be_in_the_clear(place: str, mode: str) -> None:
    found = psycopg.conninfo.conninfo_to_dict(AsyncPostgresStore(place)._options.conninfo.expose())
    assert found["sslmode"] == mode
    assert found.get("sslrootcert") == ("system" if mode == "verify-full" else None)


def test_when_a_session_is_due_is_beside_it(nodes: Nodes, admin: psycopg.Connection[Any]) -> None:
    assert nodes.a.save(U1, put(1, 0, 1_700_000_000_123)) is None
    row = "SELECT (extract(epoch FROM due_at) * 1000)::bigint, key_id, deleted_at FROM webex_oauth_session"
    assert admin.execute(row).fetchall() == [(1_700_000_000_123, "", None)]
    nodes.a.delete(U1)
    assert admin.execute("SELECT due_at, body, deleted_at IS NULL FROM webex_oauth_session").fetchall() == [
        (None, "", False)
    ]


def test_after_it_was_closed_it_says_so(nodes: Nodes) -> None:
    nodes.b.close()
    fails("unavailable", lambda: nodes.b.load(U1), "closed")


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_after_a_fork_both_go_on_with_connections_of_their_own(schema: str) -> None:
    with PostgresStore(schema) as store:
        store.migrate()
        assert store.save(U1, put(1, 0)) is None
        a_child_goes_on_and_so_does_its_parent(store)


def test_the_event_loop_waits_for_nothing(schema: str, admin: psycopg.Connection[Any]) -> None:
    """A table that is locked: a timer of the same loop is on time."""

    async def main() -> float:
        worst = 0.0
        async with AsyncPostgresStore(schema, time_limit=2.0) as store:
            await store.migrate()
            with admin.transaction():
                admin.execute("LOCK TABLE webex_oauth_session")
                loading = asyncio.ensure_future(store.load(U1))
                while not loading.done():
                    before = time.monotonic()
                    await asyncio.sleep(0.001)
                    worst = max(worst, time.monotonic() - before)
                assert isinstance(loading.exception(), StoreError)
        return worst

    assert asyncio.run(main()) < 0.25


def test_one_store_on_two_event_loops_after_each_other_and_at_once(schema: str) -> None:
    store = AsyncPostgresStore(schema)

    async def first() -> None:
        await store.migrate()
        assert await store.save(U1, put(1, 0)) is None

    async def second() -> None:
        assert await store.load(U1) == body(1)
        elsewhere = threading.Thread(target=lambda: found.append(asyncio.run(store.load(U1))))
        elsewhere.start()
        await asyncio.to_thread(elsewhere.join)
        assert await store.load(U1) == body(1)
        await store.close()

    found: list[object] = []
    asyncio.run(first())
    asyncio.run(second())
    assert found == [body(1)]


def test_a_descriptor_of_somebody_else_is_never_shut_down(schema: str) -> None:
    """The limit of a call that has ended does nothing to whoever has its number now."""
    with PostgresStore(schema, time_limit=0.5) as store:
        store.migrate()
        store.load(U1)
    one, other = socket.socketpair()
    time.sleep(0.7)
    one.sendall(b"x")
    assert other.recv(1) == b"x"
    one.close()
    other.close()


def test_a_process_that_closes_nothing_ends_at_once(schema: str) -> None:
    program = "import sys; from webex_oauth.stores import PostgresStore; PostgresStore(sys.argv[1]).migrate()"
    kept = program.replace("PostgresStore(sys.argv[1])", "store = PostgresStore(sys.argv[1]); store")
    for text in (program, kept):
        command = [sys.executable, "-c", f"{text}; print(flush=True)", schema]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None and process.stdout.readline() == "\n"
            done = time.monotonic()
            assert process.communicate(timeout=60) == ("", "")
            # It would be ten seconds.
            assert process.returncode == 0 and time.monotonic() - done < 8


# ------------------------------------------------------------------------------------------------------------- clients


def test_clients_of_one_user_share_a_session_and_renew_it_once(simulator: Simulator, clock: Clock, schema: str) -> None:
    simulator.options(rotate=True)

    async def elsewhere() -> str:
        async with AsyncPostgresStore(schema) as records:
            async with AsyncClient(simulator.config(), store=records.user("acme", "zoe"), clock=clock) as client:
                return await client.token(timeout=20)

    with PostgresStore(schema) as store:
        store.migrate()
        clients = [Client(simulator.config(), store=store.user("acme", "zoe"), clock=clock) for _ in range(3)]
        clients[0].adopt(simulator.issue())
        clients[0].flush()
        clock.advance(15 * 86_400)
        with ThreadPoolExecutor(4) as pool:
            tokens = [pool.submit(client.token, timeout=20) for client in clients]
            tokens.append(pool.submit(lambda: asyncio.run(elsewhere())))
            assert len({token.result() for token in tokens}) == 1
        for client in clients:
            client.close()
    assert simulator.counters()["refreshes_attempted"] == 1
    assert simulator.counters()["reuse_detected"] == 0
