"""Many users: threads are counted, not timed."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import webex_oauth
from conftest import Clock, Simulator, eventually
from webex_oauth import AsyncClient, AsyncClients, Client, Clients, MemoryStore, Secret, StoreError
from webex_oauth.stores import AsyncRecords, AsyncSqliteStore, Key, Put, Records, SqliteStore

#: 167 for each one that will renew its tokens. Of all interpreters one has so many.
USERS = 167 * int(os.environ.get("RENEWING_USERS", "60"))


class Rows(Records):
    """In memory, for tests that are not about the disk."""

    def __init__(self) -> None:
        self.rows: dict[Key, Secret] = {}
        self.loads = 0
        self.is_down = False
        self._lock = threading.Lock()

    def load(self, key: Key) -> Secret | None:
        if self.is_down:
            raise StoreError("it is down", kind="unavailable")
        self.loads += 1
        return self.rows.get(key)

    def save(self, key: Key, put: Put) -> Secret | None:
        if self.is_down:
            raise StoreError("it is down", kind="unavailable")
        with self._lock:
            found = self.rows.get(key)
            known = 0 if found is None else webex_oauth.snapshot_revision(found)
            if known != put.replaces:
                return found or Secret("")
            self.rows[key] = put.snapshot
            return None

    def delete(self, key: Key) -> None:
        self.rows.pop(key, None)


#: Threads of clients that other tests have left to themselves.
_others: set[threading.Thread] = set()


def ours() -> list[str]:
    found = [thread for thread in threading.enumerate() if thread not in _others]
    return [thread.name for thread in found if thread.name.startswith("webex-oauth")]


class Watch:
    """The most threads of ours that there were at once."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._is_over = False
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._is_over:
            self.names = max(self.names, sorted(ours()), key=len)
            time.sleep(0.001)

    def stop(self) -> list[str]:
        self._is_over = True
        self._thread.join()
        return self.names


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Threads of the tests before do not count."""
    gc.collect()
    _others.clear()
    _others.update(threading.enumerate())
    yield


def test_any_number_of_users_have_seven_threads_at_most(simulator: Simulator, clock: Clock) -> None:
    simulator.options(rotate=True)
    told: list[Key] = []
    store, watch = Rows(), Watch()
    with Clients(simulator.config(), store, clock=clock, on_event=lambda key, event: told.append(key)) as clients:
        users = [clients.user("acme", f"u{number}") for number in range(USERS)]
        with ThreadPoolExecutor(8) as pool:
            for number, user in enumerate(users):
                # Some of them have tokens of the server, and will renew them.
                tokens = simulator.issue() if number % 167 == 0 else {"access_token": f"AT{number}", "expires_in": 3600}
                user.client.adopt(tokens)
            assert len(set(pool.map(lambda user: user.token(), users))) == USERS
            clock.advance(15 * 86_400)
            simulator.refresh_fault("slow", ms=50)
            renewing = users[::167]
            assert len(set(pool.map(lambda user: user.token(timeout=30), renewing))) == len(renewing)
        assert simulator.counters()["refreshes_succeeded"] == len(renewing)
        eventually(lambda: len(told) >= USERS + len(renewing))
        assert len(set(told)) == USERS
        assert 2 <= len(watch.stop()) <= 7, watch.names
    eventually(lambda: not ours(), within=60)


def test_a_thousand_dropped_clients_leave_no_thread_after_a_second(simulator: Simulator) -> None:
    for number in range(1000):
        client = Client(simulator.config(), store=MemoryStore())
        client.adopt({"access_token": f"AT{number}", "refresh_token": f"RT{number}", "expires_in": 3600})
        assert client.token() == f"AT{number}"
    del client
    # A second; and some more, on a machine that has much to do.
    eventually(lambda: not ours(), within=30)


def test_dropped_clients_of_many_users_leave_no_thread_after_a_second(simulator: Simulator) -> None:
    for _ in range(20):
        clients = Clients(simulator.config(), Rows())
        for number in range(50):
            clients.user("acme", f"u{number}").client.adopt({"access_token": f"AT{number}", "expires_in": 3600})
    del clients
    # A second; and some more, on a machine that has much to do.
    eventually(lambda: not ours(), within=30)


def test_a_user_costs_nothing_and_no_more_are_kept_than_there_is_room_for(simulator: Simulator) -> None:
    store = Rows()
    with Clients(simulator.config(), store, capacity=5) as clients:
        users = [clients.user("acme", f"u{number}") for number in range(50)]
        assert store.loads == 0 and "0 kept" in repr(clients)
        for user in users:
            user.client.adopt({"access_token": f"AT-{user.key.user}", "expires_in": 3600})
        assert "5 kept" in repr(clients)
        # Who is not kept is found in the store.
        assert [user.token() for user in users] == [f"AT-{user.key.user}" for user in users]
        assert "5 kept" in repr(clients) and "u1" not in repr(clients)


def test_in_memory_the_store_is_not_asked(simulator: Simulator) -> None:
    store = Rows()
    with Clients(simulator.config(), store, stale_after=3600) as clients:
        user = clients.user("acme", "zoe")
        user.client.adopt({"access_token": "AT1", "expires_in": 3600})
        before = store.loads
        for _ in range(100):
            assert clients.user("acme", "zoe").token() == "AT1"
        assert store.loads == before


def test_a_sign_out_on_another_node_is_noticed(simulator: Simulator) -> None:
    store = Rows()
    with Clients(simulator.config(), store) as a, Clients(simulator.config(), store, stale_after=0.2) as b:
        a.user("acme", "zoe").client.adopt(simulator.issue())
        assert b.user("acme", "zoe").token() == a.user("acme", "zoe").token()
        a.user("acme", "zoe").sign_out()
        time.sleep(0.25)
        with pytest.raises(webex_oauth.SignInRequired):
            b.user("acme", "zoe").token()


def test_who_is_deleted_is_gone_on_every_node_and_at_the_server(simulator: Simulator) -> None:
    store = Rows()
    with Clients(simulator.config(), store, stale_after=0) as a, Clients(simulator.config(), store, stale_after=0) as b:
        zoe, key = a.user("acme", "zoe"), Key("acme", "zoe")
        for _ in range(2):
            zoe.client.adopt(simulator.issue())
            token = b.user("acme", "zoe").token()
            zoe.delete()
            assert store.rows == {}
            # The server knows it no longer.
            with Client(simulator.config()) as other:
                other.adopt({"access_token": token, "expires_in": 60})
                assert other.call(simulator.url()).status == 401
            with pytest.raises(webex_oauth.SignInRequired):
                b.user("acme", "zoe").token()
            assert store.rows == {}
            b.delete(key)  # Nobody is there.
        for stored in ('{"webex_oauth":99,"revision":7}', "no session"):
            store.rows[key] = Secret(stored)
            zoe.delete()
            assert store.rows == {}
        zoe.client.adopt(simulator.issue())
        with Clients(webex_oauth.Config("C2"), store) as others, pytest.raises(webex_oauth.RestoreError):
            others.delete(key)
        assert key in store.rows
        zoe.delete()
        store.is_down = True
        with pytest.raises(StoreError):
            zoe.delete()


def test_the_same_of_asyncio(simulator: Simulator) -> None:
    async def main() -> None:
        rows = AsyncRows()
        async with AsyncClients(simulator.config(), rows, stale_after=0) as clients:
            zoe = clients.user("acme", "zoe")
            await (await zoe.client()).adopt(simulator.issue())
            token = await zoe.token()
            await zoe.delete()
            assert rows.blocking.rows == {}
            async with AsyncClient(simulator.config()) as other:
                await other.adopt({"access_token": token, "expires_in": 60})
                assert (await other.call(simulator.url())).status == 401
            with pytest.raises(webex_oauth.SignInRequired):
                await zoe.token()
            for stored in ('{"webex_oauth":99,"revision":7}', "no session"):
                rows.blocking.rows[Key("acme", "zoe")] = Secret(stored)
                await clients.delete(Key("acme", "zoe"))
                assert rows.blocking.rows == {}

    asyncio.run(main())


def test_while_the_store_is_down_living_tokens_are_served(simulator: Simulator) -> None:
    store = Rows()
    with Clients(simulator.config(), store, stale_after=0) as clients:
        zoe = clients.user("acme", "zoe")
        zoe.client.adopt(simulator.issue())
        token = zoe.token()
        store.is_down = True
        assert zoe.token() == token
        with pytest.raises(StoreError):
            clients.user("acme", "bob").token()
        store.is_down = False
        assert zoe.token() == token
        with pytest.raises(webex_oauth.SignInRequired):
            clients.user("acme", "bob").token()


def test_a_login_that_one_node_began_another_one_completes_in_any_tab(simulator: Simulator, tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "s.db") as one, SqliteStore(tmp_path / "s.db") as other:
        one.migrate()
        with Clients(simulator.config(), one) as a, Clients(simulator.config(), other) as b:
            # Both know the user before.
            for node in (a, b):
                assert not node.user("", "visitor").status().can_authorize
            tabs = [node.user("", "visitor").begin_login(state={"tab": tab}) for tab, node in enumerate((a, a, b))]
            done = b.user("", "visitor").complete_login(simulator.approve(tabs[0]))
            assert done.state == {"tab": 0}
            done = a.user("", "visitor").complete_login(simulator.approve(tabs[2]))
            assert done.state == {"tab": 2}
            b.user("", "visitor").client.reload()
            assert a.user("", "visitor").token() == b.user("", "visitor").token()


def test_the_key_of_a_login_is_worth_nothing_when_it_is_done(simulator: Simulator) -> None:
    simulator.options(rotate=True)
    store = Rows()
    with Clients(simulator.config(), store) as a, Clients(simulator.config(), store) as b:
        for number in (1, 2):
            callback = simulator.approve(a.user("", "cookie").begin_login())
            visitor = b.user("", "cookie")
            visitor.complete_login(callback)
            zoe = visitor.rebind("acme", "zoe")
            assert zoe.key == Key("acme", "zoe") and store.rows.keys() == {zoe.key}
            a.user("acme", "zoe").client.reload()
            # Where somebody was signed in under that key, the newer one counts.
            assert a.user("acme", "zoe").token() == zoe.token(), number
            for node in (a, b):
                with pytest.raises(webex_oauth.SignInRequired):
                    node.user("", "cookie").rebind("acme", "mallory")
                with pytest.raises(webex_oauth.CallbackIgnored):
                    node.user("", "cookie").complete_login(callback)
        assert store.rows.keys() == {Key("acme", "zoe")}
    assert simulator.counters()["code_replays"] == 0


def test_the_same_for_asyncio_on_stores_that_block_and_others(simulator: Simulator, tmp_path: Path) -> None:
    async def main() -> None:
        with SqliteStore(tmp_path / "async.db") as table:
            table.migrate()
        for store in (Rows(), AsyncSqliteStore(tmp_path / "async.db")):
            async with AsyncClients(simulator.config(), store) as clients:
                visitor = clients.user("", "cookie")
                await visitor.complete_login(simulator.approve(await visitor.begin_login()))
                token = await visitor.token()
                zoe = await visitor.rebind("acme", "zoe")
                assert await zoe.token() == token
                with pytest.raises(webex_oauth.SignInRequired):
                    await visitor.token()
            if isinstance(store, AsyncSqliteStore):
                await store.close()

    asyncio.run(main())


def test_one_users_token_is_never_anothers(simulator: Simulator, clock: Clock) -> None:
    store = Rows()
    with Clients(simulator.config(), store, capacity=7, clock=clock, stale_after=0.05) as clients:
        for number in range(40):
            clients.user("acme", f"u{number}").client.adopt({"access_token": f"AT-{number}", "expires_in": 3600})

        def ask(number: int) -> bool:
            return all(clients.user("acme", f"u{n % 40}").token() == f"AT-{n % 40}" for n in range(number, number + 60))

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(ask, range(8)))


def test_closed_clients_say_so_and_the_store_stays_open(simulator: Simulator) -> None:
    store = Rows()
    clients = Clients(simulator.config(), store)
    zoe = clients.user("acme", "zoe")
    zoe.client.adopt({"access_token": "AT1", "expires_in": 3600})
    clients.close()
    with pytest.raises(webex_oauth.Closed):
        zoe.token()
    assert store.load(zoe.key) is not None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_worker_that_was_forked_goes_on(simulator: Simulator, clock: Clock, tmp_path: Path) -> None:
    simulator.options(rotate=True)
    with SqliteStore(tmp_path / "s.db") as store:
        store.migrate()
        with Clients(simulator.config(), store, clock=clock, on_event=lambda key, event: None) as clients:
            zoe = clients.user("acme", "zoe")
            zoe.client.adopt(simulator.issue())
            clock.advance(15 * 86_400)
            children = []
            for _ in range(3):
                child = os.fork()
                if child == 0:
                    status = 1
                    try:
                        status = 0 if zoe.token(timeout=20) else 2
                    finally:
                        os._exit(status)
                children.append(child)
            assert zoe.token(timeout=20)
            assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert simulator.counters()["refreshes_attempted"] == 1
    assert simulator.counters()["reuse_detected"] == 0


def test_what_is_told_names_the_user_by_a_hash_in_the_log(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "webex_oauth")
    with Clients(simulator.config(), Rows()) as clients:
        clients.user("the-tenant", "zoe").client.adopt(simulator.issue())
        eventually(lambda: "SignedIn" in caplog.text)
    assert "zoe" not in caplog.text and "the-tenant" not in caplog.text and "Key(" in caplog.text


def test_a_crew_that_gets_no_thread_says_so(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with Clients(simulator.config(), Rows()) as clients:
        zoe: Any = clients.user("acme", "zoe")
        assert not zoe.status().can_authorize
        eventually(lambda: not ours())
        with monkeypatch.context() as system:
            system.setattr(threading.Thread, "start", start)
            with pytest.raises(webex_oauth.Error):
                zoe.token(timeout=0.5)
        with pytest.raises(webex_oauth.SignInRequired):
            zoe.token(timeout=10)


# ------------------------------------------------------------------------------------------------------------- asyncio


class AsyncRows(AsyncRecords):
    """The same for asyncio."""

    def __init__(self) -> None:
        self.blocking = Rows()

    async def load(self, key: Key) -> Secret | None:
        await asyncio.sleep(0)
        return self.blocking.load(key)

    async def save(self, key: Key, put: Put) -> Secret | None:
        await asyncio.sleep(0)
        return self.blocking.save(key, put)

    async def delete(self, key: Key) -> None:
        self.blocking.delete(key)


def test_any_number_of_users_of_one_loop_have_seven_threads_at_most(simulator: Simulator, clock: Clock) -> None:
    simulator.options(rotate=True)

    async def main() -> None:
        told: list[Key] = []

        async def listen(key: Key, event: webex_oauth.ClientEvent) -> None:
            told.append(key)

        store, watch = AsyncRows(), Watch()
        async with AsyncClients(simulator.config(), store, clock=clock, on_event=listen) as clients:
            users = [clients.user("acme", f"u{number}") for number in range(USERS)]

            async def adopt(number: int) -> None:
                own = number % 167 == 0
                tokens = simulator.issue() if own else {"access_token": f"AT{number}", "expires_in": 3600}
                await (await users[number].client()).adopt(tokens)

            for begin in range(0, USERS, 500):
                await asyncio.gather(*(adopt(number) for number in range(begin, min(begin + 500, USERS))))
            assert len(set(await asyncio.gather(*(user.token() for user in users)))) == USERS
            clock.advance(15 * 86_400)
            simulator.refresh_fault("slow", ms=50)
            renewing = users[::167]
            assert len(set(await asyncio.gather(*(user.token(timeout=30) for user in renewing)))) == len(renewing)
            assert simulator.counters()["refreshes_succeeded"] == len(renewing)
            while len(told) < USERS + len(renewing):
                await asyncio.sleep(0.01)
            assert len(set(told)) == USERS
            assert len(watch.stop()) <= 7, watch.names

    asyncio.run(main())
    eventually(lambda: not ours(), within=60)


@pytest.mark.parametrize("kind", ["sqlite", "sqlite on threads", "rows"])
def test_the_users_of_two_nodes_of_asyncio(simulator: Simulator, clock: Clock, tmp_path: Path, kind: str) -> None:
    simulator.options(rotate=True)

    async def main() -> None:
        rows = AsyncRows()
        stores: list[Any] = [rows, rows]
        if kind != "rows":
            stores = [(AsyncSqliteStore if kind == "sqlite" else SqliteStore)(tmp_path / "s.db") for _ in range(2)]
            migrated = stores[0].migrate()
            if kind == "sqlite":
                await migrated
        nodes = [AsyncClients(simulator.config(), store, clock=clock, stale_after=0.2) for store in stores]
        a, b = (node.user("acme", "zoe") for node in nodes)
        assert not (await a.status()).can_authorize and not (await b.status()).can_authorize
        url = await a.begin_login(state={"tab": 1})
        assert (await b.complete_login(simulator.approve(url))).state == {"tab": 1}
        assert (await b.status()).can_authorize
        assert await a.token() == await b.token()
        assert (await a.call(simulator.url())).status == 200
        clock.advance(15 * 86_400)
        tokens = await asyncio.gather(*(user.token(timeout=20) for user in (a, b) for _ in range(20)))
        assert len(set(tokens)) == 1
        assert simulator.counters()["refreshes_attempted"] == 1
        assert (await a.authorization_header()) == f"Bearer {tokens[0]}"
        await a.sign_out()
        await asyncio.sleep(0.25)
        with pytest.raises(webex_oauth.SignInRequired):
            await b.token()
        for node in nodes:
            await node.close()
        with pytest.raises(webex_oauth.Closed):
            await a.token()
        for store in stores if kind != "rows" else []:
            closed = store.close()
            if kind == "sqlite":
                await closed

    asyncio.run(main())
    assert simulator.counters()["reuse_detected"] == 0


def test_of_a_loop_that_ends_in_the_middle_of_a_save_nothing_is_lost(simulator: Simulator, clock: Clock) -> None:
    """Tasks that are cancelled before they have begun, too."""
    # Short, so that the clock need not jump beyond a request's time: what is out then is taken for lost.
    simulator.options(rotate=True, access_lifetime_ms=4000)
    store = AsyncRows()

    async def sign_in(clients: AsyncClients) -> str:
        zoe = clients.user("acme", "zoe")
        await (await zoe.client()).adopt(simulator.issue())
        return await zoe.token()

    async def leave(clients: AsyncClients, pauses: int) -> None:
        renewing = asyncio.ensure_future(clients.user("acme", "zoe").token())
        for _ in range(pauses):
            await asyncio.sleep(0)
        renewing.cancel()

    async def end(clients: AsyncClients) -> str:
        token = await clients.user("acme", "zoe").token(timeout=20)
        await clients.close()
        return token

    clients = AsyncClients(simulator.config(), store, clock=clock)
    asyncio.run(sign_in(clients))
    for pauses in (0, 1, 2, 4, 8):
        clock.advance(5)
        asyncio.run(leave(clients, pauses))
    token = asyncio.run(end(clients))
    other = AsyncClients(simulator.config(), store, clock=clock)
    assert asyncio.run(end(other)) == token
    assert simulator.counters()["reuse_detected"] == 0
