"""Sessions of many users in Redis: a server of its own for each test."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
from conftest import Clock, Simulator
from store_contract import *  # noqa: F403
from store_contract import (
    U1,
    Loop,
    Node,
    Nodes,
    body,
    fails,
    put,
)
from webex_oauth import AsyncClient, Client
from webex_oauth.stores import AsyncRedisStore, Key, Put, RedisStore

from databases.conftest import Proxy, Redis, free_port, told_and_back

Open = Callable[..., Node]
Start = Callable[..., Redis]


@pytest.fixture(params=["blocking", "asyncio"])
def open_store(request: pytest.FixtureRequest, loop: Loop) -> Iterator[Open]:
    """Either face, opened: what cannot be opened is told by `open_store` itself."""
    opened: list[Node] = []

    def make(url: str, **options: Any) -> Node:
        if request.param == "blocking":
            node = Node(RedisStore(url, **options), loop)
        else:
            node = Node(AsyncRedisStore(url, **options), loop)
            opened.append(node)
            node.__aenter__()
        opened.append(node)
        return node

    yield make
    for node in opened:
        node.close()


@pytest.fixture
def server(redis_server: Start) -> Redis:
    return redis_server()


@pytest.fixture
def nodes(server: Redis, open_store: Open) -> Nodes:
    a, b = open_store(server.url), open_store(server.url, pool_size=2)
    a.migrate()
    return Nodes(a, b)


@pytest.fixture
def admin(server: Redis) -> Iterator[Any]:
    """To look behind the scenes with."""
    client: Any = redis.Redis(port=server.port, decode_responses=True)
    yield client
    client.close()


def test_a_server_that_may_lose_sessions_is_refused_unless_that_is_accepted(
    redis_server: Start, open_store: Open
) -> None:
    evicts = ("--appendonly", "yes", "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
    for settings, why in ((evicts, "maxmemory-policy"), (("--appendonly", "no"), "appendonly")):
        server = redis_server(*settings)
        fails("refused", lambda: open_store(server.url), why)  # noqa: B023
        assert open_store(server.url, accept_loss=True).save(U1, put(1, 0)) is None
    # A policy for what has a time to live: sessions have none.
    open_store(redis_server("--appendonly", "yes", "--maxmemory-policy", "volatile-lru").url)


def test_a_node_of_a_cluster_is_refused(redis_server: Start, open_store: Open) -> None:
    server = redis_server("--appendonly", "yes", "--cluster-enabled", "yes")
    fails("refused", lambda: open_store(server.url), "cluster")
    fails("refused", lambda: open_store(server.url, accept_loss=True), "cluster")


def test_a_wrong_password_is_denied_and_not_told(redis_server: Start, open_store: Open) -> None:
    server = redis_server("--appendonly", "yes", "--requirepass", "right")
    for url in (
        f"redis://:hunter2@127.0.0.1:{server.port}",
        server.url,
        f"redis://zoe:hunter2@127.0.0.1:{server.port}",
    ):
        error = fails("denied", lambda: open_store(url), "password")  # noqa: B023
        assert str(server.port) in str(error) and "zoe" not in str(error)
    assert open_store(f"redis://:right@127.0.0.1:{server.port}").load(U1) is None


def test_where_nobody_listens_it_is_not_available(open_store: Open) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    fails("unavailable", lambda: open_store(f"redis://:hunter2@{nobody}"), nobody)


@pytest.mark.parametrize("wrong", ["", "http://zoe:hunter2@h/", "redis://zoe:hunter2@h:port", "zoe:hunter2@h"])
def test_what_is_no_url_is_refused_and_nothing_of_it_is_told(open_store: Open, wrong: str) -> None:
    assert "zoe" not in str(fails("refused", lambda: open_store(wrong)))


def test_records_from_before_the_first_release_are_told(
    nodes: Nodes, open_store: Open, server: Redis, admin: Any
) -> None:
    admin.set("webex_oauth:schema", 1)
    told = "version 1, this library reads 2: they are from before the first release"
    fails("refused", lambda: open_store(server.url), told)
    fails("refused", nodes.a.migrate, told)


def test_records_of_a_newer_version_are_left_alone(nodes: Nodes, open_store: Open, server: Redis, admin: Any) -> None:
    assert admin.get("webex_oauth:schema") == "2"
    admin.set("webex_oauth:schema", 99)
    fails("refused", lambda: open_store(server.url), "99")
    fails("refused", nodes.a.migrate, "99")
    assert admin.get("webex_oauth:schema") == "99"


def test_a_value_of_another_type_under_the_key_is_damaged_and_left_alone(nodes: Nodes, admin: Any) -> None:
    assert nodes.a.save(U1, put(1, 0, 5)) is None
    [name] = admin.keys("webex_oauth:*:session:*")
    admin.set(name, "something else")
    for call in (lambda: nodes.a.load(U1), lambda: nodes.a.save(U1, put(2, 1)), lambda: nodes.a.delete(U1)):
        error = fails("damaged", call)
        assert "u1" not in str(error) and "acme" not in str(error)
    assert admin.get(name) == "something else"


def test_bytes_that_are_no_text_are_damaged_and_left_alone(nodes: Nodes, server: Redis, admin: Any) -> None:
    assert nodes.a.save(U1, put(1, 0)) is None
    [name] = admin.keys("webex_oauth:*:session:*")
    admin.hset(name, "body", b"\xff\xfe")
    fails("damaged", lambda: nodes.a.load(U1))
    fails("damaged", lambda: nodes.a.save(U1, put(9, 8)))
    admin.connection_pool.connection_kwargs["decode_responses"] = False
    with redis.Redis(port=server.port) as raw:
        assert raw.hget(name, "body") == b"\xff\xfe"


def test_where_things_are_is_where_the_rust_crate_looks(nodes: Nodes, admin: Any) -> None:
    zoe = Key("acmé", "zoe")
    assert nodes.a.save(zoe, put(7, 0, 1_700_000_000_123)) is None
    shard = f"{zoe.digest()[0]:02x}"
    name = f"webex_oauth:{{{shard}}}:session:5:acmézoe"
    assert admin.hgetall(name) == {"revision": "7", "body": body(7).expose(), "key_id": "", "client": ""}
    assert admin.zrange(f"webex_oauth:{{{shard}}}:due:", 0, -1, withscores=True) == [("5:acmézoe", 1_700_000_000_123)]
    assert nodes.a.save(zoe, put(8, 7)) is None
    assert admin.zcard(f"webex_oauth:{{{shard}}}:due:") == 0
    assert nodes.a.save(zoe, Put(body(9), 9, 8, 5, client="one")) is None
    assert nodes.a.save(zoe, Put(body(10), 10, 9, 6, client="another")) is None
    assert admin.keys(f"webex_oauth:{{{shard}}}:due:*") == [f"webex_oauth:{{{shard}}}:due:another"]
    nodes.a.delete(zoe)
    assert admin.hgetall(name) == {"revision": "10"}
    assert admin.keys("webex_oauth:*:due:*") == []


def test_a_replica_and_a_full_server_say_what_they_are(redis_server: Start, open_store: Open) -> None:
    replica = open_store(redis_server("--appendonly", "yes", "--replicaof", "127.0.0.1", str(free_port())).url)
    assert replica.load(U1) is None
    fails("denied", lambda: replica.save(U1, put(1, 0)))
    fails("denied", lambda: replica.delete(U1))
    full = open_store(redis_server("--appendonly", "yes", "--maxmemory", "1").url)
    fails("full", lambda: full.save(U1, put(1, 0)))


def test_a_user_who_may_not_is_denied(nodes: Nodes, open_store: Open, server: Redis, admin: Any) -> None:
    admin.execute_command("ACL", "SETUSER", "low", "on", ">hunter2", "+info", "+get", "~webex_oauth:schema")
    store = open_store(f"redis://low:hunter2@127.0.0.1:{server.port}")
    fails("denied", lambda: store.load(U1))
    fails("denied", lambda: store.save(U1, put(1, 0)))


def test_a_line_that_is_cut_or_hangs_is_told_and_comes_back(
    nodes: Nodes, open_store: Open, server: Redis, proxy: Callable[[str, int], Proxy]
) -> None:
    line = proxy("127.0.0.1", server.port)
    node = open_store(f"redis://127.0.0.1:{line.port}", time_limit=0.6)
    assert node.save(U1, put(1, 0)) is None
    told_and_back(node, line, told_within=3, back_within=10)


def test_what_was_saved_is_there_after_the_server_was_killed(nodes: Nodes, server: Redis) -> None:
    assert nodes.a.save(U1, put(1, 0)) is None
    server.kill()
    fails("unavailable", lambda: nodes.a.load(U1))
    server.start()
    assert nodes.a.load(U1) == body(1)
    assert nodes.a.save(U1, put(2, 1)) is None, "the scripts are there again, too"


def test_more_calls_than_connections_wait_for_one(nodes: Nodes) -> None:
    assert nodes.b.save(U1, put(1, 0)) is None
    with ThreadPoolExecutor(16) as pool:
        assert set(found.expose() for found in pool.map(lambda _: nodes.b.load(U1), range(200))) == {body(1).expose()}


def test_tls_is_checked_against_the_roots_that_are_given(redis_server: Start, open_store: Open, tmp_path: Path) -> None:
    certificate, private, port = tmp_path / "c.pem", tmp_path / "k.pem", free_port()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", str(private), "-out", str(certificate)],
        check=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    redis_server(
        *Redis.SAFE, "--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(private),
        "--tls-auth-clients", "no",
    )  # fmt: skip
    store = open_store(f"rediss://localhost:{port}", roots=certificate)
    assert store.save(U1, put(1, 0)) is None
    fails("unavailable", lambda: open_store(f"rediss://localhost:{port}", time_limit=2), "TLS")
    # A URL does not switch the check off.
    off = f"rediss://localhost:{port}?ssl_cert_reqs=none&ssl_check_hostname=false"
    fails("unavailable", lambda: open_store(off, time_limit=2), "TLS")
    fails("unavailable", lambda: open_store(f"rediss://127.0.0.1:{port}", roots=certificate, time_limit=2), "TLS")
    (tmp_path / "no.pem").write_text("hello")
    for wrong in (tmp_path / "no.pem", tmp_path / "none.pem"):
        fails("refused", lambda: open_store(f"rediss://localhost:{port}", roots=wrong), "roots")  # noqa: B023


def test_one_store_on_two_event_loops_after_each_other_and_at_once(server: Redis) -> None:
    store = AsyncRedisStore(server.url)

    async def first() -> None:
        await store.migrate()
        assert await store.save(U1, put(1, 0)) is None
        await store.close()

    async def second() -> None:
        assert await store.load(U1) == body(1)
        found = await asyncio.to_thread(lambda: asyncio.run(store.load(U1)))
        assert found == body(1)
        assert await store.load(U1) == body(1)
        await store.close()

    asyncio.run(first())
    asyncio.run(second())


def test_clients_of_one_user_share_a_session_and_renew_it_once(
    simulator: Simulator, clock: Clock, server: Redis
) -> None:
    simulator.options(rotate=True)

    async def elsewhere() -> str:
        async with AsyncRedisStore(server.url) as records:
            async with AsyncClient(simulator.config(), store=records.user("acme", "zoe"), clock=clock) as client:
                return await client.token(timeout=20)

    with RedisStore(server.url) as store:
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
