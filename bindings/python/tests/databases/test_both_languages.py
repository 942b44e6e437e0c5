"""One database, two languages: what Rust writes Python reads, and the other way round.

`conformance/store-peer` is Rust.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import webex_oauth
from store_contract import NAMES, body, fails, put
from webex_oauth import Secret
from webex_oauth.stores import Key, Keys, PostgresStore, Put, Records, RedisStore, Sealed, SqliteStore

from databases.conftest import Redis, setting

K1, K2 = "k1:uwfbCQ1BTdJOgfP6C8F4AHzmHRXBbEFUWCzcmHIl0xs", "k2:MDEyMzQ1Njc4OTo7PD0-P0BBQkNERUZHSElKS0xNTk8"


class Peer:
    """A store of Rust."""

    def __init__(self, url: str, keys: str | None) -> None:
        command = [setting("WEBEX_OAUTH_STORE_PEER"), url, *([] if keys is None else [keys])]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, what: str, key: Key | None = None, **members: object) -> Any:
        names = {} if key is None else {"tenant": key.tenant, "user": key.user}
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": what, **names, **members}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def load(self, key: Key) -> Any:
        return self("load", key)

    def save(self, key: Key, revision: int, replaces: int, due_at: int | None = None) -> Any:
        text = body(revision).expose()
        return self("save", key, body=text, revision=revision, replaces=replaces, due_at=due_at)

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        assert self._process.wait(20) == 0
        self._process.stdout.close()


@pytest.fixture(params=["sqlite", "postgres", "redis"])
def engine(
    request: pytest.FixtureRequest, tmp_path: Path, schema: str, redis_server: Callable[..., Redis]
) -> Iterator[Callable[..., tuple[Any, Peer]]]:
    """Two nodes on one database, one in Python and one in Rust; which of them makes the tables is for the test."""
    opened: list[Any] = []

    def start(keys: str | None = None, *, python_first: bool = False, rust_keys: str | None = None) -> Any:
        url = {"sqlite": f"sqlite:{tmp_path / 's.db'}", "postgres": schema}.get(request.param) or redis_server().url

        def make() -> Any:
            match request.param:
                case "sqlite":
                    return SqliteStore(tmp_path / "s.db")
                case "postgres":
                    return PostgresStore(url)
                case _:
                    return RedisStore(url)

        store: Any = None
        if python_first:
            store = make()
            store.migrate()
        peer = Peer(url, rust_keys or keys)
        assert "found" in peer.load(Key("", "nobody"))
        if store is None:
            store = make()
            store.migrate()
        opened.extend([store, peer])
        records: Records = store if keys is None else Sealed(store, Keys(keys))
        return records, peer

    yield start
    for one in opened:
        one.close()


@pytest.mark.parametrize("python_first", [True, False])
def test_what_one_language_writes_the_other_one_reads(engine: Any, python_first: bool) -> None:
    python, rust = engine(python_first=python_first)
    for number, name in enumerate(NAMES):
        key, first = Key(f"tenant {number}", name), 5 << 24 | 1
        assert python.save(key, put(first, 0)) is None
        assert rust.load(key) == {"found": body(first).expose()}
        assert rust.save(key, first + 1, first) == {"stored": True}
        assert python.load(key) == body(first + 1)
        # Who is late learns what there is.
        assert python.save(key, put(first + 9, first)) == body(first + 1)
        assert rust.save(key, first + 9, first) == {"stored": False, "found": body(first + 1).expose()}


def test_what_one_language_deletes_stays_deleted_in_the_other(engine: Any) -> None:
    python, rust = engine()
    u1, u2, drawn = Key("acme", "u1"), Key("acme", "u2"), 7 << 24
    assert python.save(u1, put(drawn | 3, 0)) is None
    assert rust.save(u2, drawn | 3, 0) == {"stored": True}
    assert rust("delete", u1) == {}
    python.delete(u2)
    assert python.load(u1) is None and rust.load(u2) == {"found": None}
    assert python.save(u1, put(drawn | 4, drawn | 3)) == Secret("")
    assert rust.save(u2, drawn | 4, drawn | 3) == {"stored": False, "found": None}
    # A revision that the deleted one may have had.
    fails("refused", lambda: python.save(u1, put(drawn | 2, 0)), "deleted")
    assert rust.save(u2, drawn | 2, 0) == {"error": "refused"}
    assert python.save(u1, put(9 << 24 | 1, 0)) is None
    assert rust.save(u2, 9 << 24 | 1, 0) == {"stored": True}
    assert python.load(u2) == rust_text(rust, u1)


def rust_text(rust: Peer, key: Key) -> Secret:
    return Secret(rust.load(key)["found"])


def test_what_python_saves_is_due_for_a_fleet_in_rust(engine: Any) -> None:
    python, rust = engine()
    for number in range(20):
        assert python.save(Key("acme", f"u{number:02}"), put(1, 0, 1_000 + number)) is None
    claimed = rust("claim", client="", now=1_009, until=5_000, most=100)["claimed"]
    assert sorted(claimed) == [["acme", f"u{number:02}", body(1).expose()] for number in range(10)]
    # What Python saves then says when it is due next, and nothing is due of what was deleted.
    assert python.save(Key("acme", "u00"), put(2, 1, 1_005)) is None
    python.delete(Key("acme", "u15"))
    claimed = rust("claim", client="", now=1_016, until=5_000, most=100)["claimed"]
    assert [one[1] for one in sorted(claimed)] == ["u00", "u10", "u11", "u12", "u13", "u14", "u16"]


def test_what_python_saves_is_claimed_by_a_fleet_of_the_same_client_alone(engine: Any) -> None:
    for keys in (None, K1):
        python, rust = engine(keys)
        for number in range(6):
            client = {"client_id": f"C{number % 2}", "token_endpoint": "https://h/token"}
            session = {"webex_oauth": 2, "revision": 1, **client}
            key = Key("acme" if keys is None else "sealed", f"u{number}")
            assert python.save(key, Put(Secret(json.dumps(session)), 1, 0, 1_000)) is None
        tag = webex_oauth.snapshot_client_tag(json.dumps({"client_id": "C1", "token_endpoint": "https://h/token"}))
        assert rust("claim", client="", now=2_000, until=5_000, most=100) == {"claimed": []}
        claimed = rust("claim", client=tag, now=2_000, until=5_000, most=100)["claimed"]
        assert sorted(one[1] for one in claimed) == ["u1", "u3", "u5"]
        assert all(json.loads(one[2])["client_id"] == "C1" for one in claimed)


def test_what_one_language_seals_the_other_one_opens(engine: Any) -> None:
    python, rust = engine(f"{K1} {K2}", rust_keys=f"{K2} {K1}")
    zoe = Key("acme", "zoë")
    assert python.save(zoe, put(7, 0, 5)) is None
    assert rust.load(zoe) == {"found": body(7).expose()}
    assert rust.save(zoe, 8, 7, 5) == {"stored": True}
    assert python.load(zoe) == body(8)
    assert python.save(zoe, put(9, 7)) == body(8)
    assert rust("claim", client="", now=9, until=99, most=5) == {"claimed": [["acme", "zoë", body(8).expose()]]}
    plain = python.store
    record = plain.load(zoe)
    assert record is not None and "AT-secret" not in record.expose()
    # Of another user: neither opens it.
    assert plain.save(Key("acme", "bob"), Put(record, 8, 0)) is None
    assert rust.load(Key("acme", "bob")) == {"error": "sealed"}
    fails("sealed", lambda: python.load(Key("acme", "bob")))


def test_many_saves_of_both_at_once_are_one_after_the_other(engine: Any) -> None:
    from concurrent.futures import ThreadPoolExecutor

    python, rust = engine()
    u1 = Key("acme", "u1")
    assert python.save(u1, put(1, 0)) is None
    stored = {"python": 0, "rust": 0}

    def by_python() -> None:
        for _ in range(150):
            number = json.loads(python.load(u1).expose())["revision"]
            if python.save(u1, put(number + 1, number)) is None:
                stored["python"] += 1

    def by_rust() -> None:
        for _ in range(150):
            number = json.loads(rust.load(u1)["found"])["revision"]
            if rust.save(u1, number + 1, number)["stored"]:
                stored["rust"] += 1

    with ThreadPoolExecutor(2) as pool:
        for work in [pool.submit(by_python), pool.submit(by_rust)]:
            work.result()
    assert python.load(u1) == body(1 + stored["python"] + stored["rust"])
    assert min(stored.values()) > 0 and os.getpid() > 0
