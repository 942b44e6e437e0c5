"""Encryption at rest: the vectors, and what stands in front of a store."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import webex_oauth
from conftest import Simulator
from store_contract import *  # noqa: F403
from store_contract import Loop, Node, Nodes, body, fails, put
from webex_oauth import Client, FileStore, InvalidArgument, Secret, StoreError
from webex_oauth.stores import (
    AsyncSealed,
    AsyncSqliteStore,
    Key,
    Keys,
    Put,
    Sealed,
    SealedUser,
    SqliteStore,
    read_key_file,
)

K1 = "k1:uwfbCQ1BTdJOgfP6C8F4AHzmHRXBbEFUWCzcmHIl0xs"
K2 = "k2:MDEyMzQ1Njc4OTo7PD0-P0BBQkNERUZHSElKS0xNTk8"
#: Another one of the same name.
OTHER_K1 = "k1:MDEyMzQ1Njc4OTo7PD0-P0BBQkNERUZHSElKS0xNTk8"
U1, U2 = Key("acme", "u1"), Key("acme", "u2")


def vectors() -> list[Any]:
    sources = os.environ.get("WEBEX_OAUTH_SOURCES")
    if not sources:
        return []
    file = json.loads((Path(sources) / "conformance/sealed/sealed.json").read_text(encoding="utf-8"))
    tests = [test for group in file["groups"] for test in group["tests"]]
    assert len(tests) > 40
    return [pytest.param(test, id=test["id"]) for test in tests]


@pytest.mark.parametrize("test", vectors())
def test_every_vector_holds(test: Any) -> None:
    [(function, given)] = test["input"].items()
    assert call(function, given) == test["expect"]


def call(function: str, given: Any) -> Any:
    try:
        match function:
            case "seal":
                nonce = bytes.fromhex(given["nonce"])
                sealed = Keys(given["keys"]).seal(given["tenant"], given["user"], given["snapshot"], nonce)
                return {"value": sealed.expose()}
            case "open":
                opened = Keys(given["keys"]).open(given["tenant"], given["user"], given["record"])
                return {"value": opened.expose()}
            case "snapshot_revision":
                return {"value": webex_oauth.snapshot_revision(given["record"])}
            case "header":
                key_id = key_id_of(given["record"])
                revision = webex_oauth.snapshot_revision(given["record"])
                return {} if key_id is None else {"value": {"key_id": key_id, "revision": revision}}
            case "content_key":
                key = Keys(given["key"]).expose_content_key(given["tenant"], given["user"])
                return {"value": key.hex()}
            case "read_keys":
                keys = Keys(given["text"])
                assert keys.first == "k1"
                return {"value": [name for name in ("k1", "k2") if name in keys]}
            case _:
                raise AssertionError(f"unknown function {function}")
    except StoreError as error:
        if error.kind == "refused":
            return {"error": "not_sealed"}
        return {"error": {"sealed": {"key_id": error.key_id, "why": error.why}}}
    except InvalidArgument as error:
        if error.argument == "snapshot":
            return {"error": "not_a_snapshot"}
        assert error.kind is not None
        return {
            "error": error.kind if error.kind in ("none", "name") else {error.kind: {"id": str(error).split('"')[1]}}
        }


def key_id_of(record: str | Secret) -> str | None:
    """The key that a record names, which is told to whoever has another one."""
    with pytest.raises(StoreError) as caught:
        Keys("none:MDEyMzQ1Njc4OTo7PD0-P0BBQkNERUZHSElKS0xNTk8").open("", "", record)
    return caught.value.key_id


def plain_and_sealed(path: Path, keys: str = K1) -> tuple[SqliteStore, Sealed]:
    plain = SqliteStore(path)
    plain.migrate()
    return plain, Sealed(plain, Keys(keys))


@pytest.fixture(params=["blocking", "asyncio"])
def nodes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Nodes]:
    """The contract holds for what is sealed as for what is not."""
    path, loop = tmp_path / "sessions.db", Loop()
    plain_and_sealed(path)[0].close()
    stores: list[Any] = [SqliteStore(path) if request.param == "blocking" else AsyncSqliteStore(path) for _ in range(2)]
    seal: Any = Sealed if request.param == "blocking" else AsyncSealed
    yield Nodes(Node(seal(stores[0], Keys(f"{K1} {K2}")), loop), Node(seal(stores[1], Keys(f"{K2} {K1}")), loop))
    for store in stores:
        Node(store, loop).close()
    loop.stop()


def test_what_is_no_revision_or_too_long_is_refused(nodes: Nodes) -> None:  # type: ignore[no-redef]
    """What is too long is no session as well: it is not sealed to begin with."""
    fails("refused", lambda: nodes.a.save(U1, Put(Secret("x" * ((4 << 20) + 1)), 1, 0)), "session")
    long = Secret(json.dumps({"webex_oauth": 2, "revision": 1, "x": "x" * (4 << 20)}))
    fails("refused", lambda: nodes.a.save(U1, Put(long, 1, 0)), "bytes")
    assert nodes.a.load(U1) is None


def test_what_is_stored_is_sealed_with_the_first_key_which_is_in_its_column(tmp_path: Path) -> None:
    plain, store = plain_and_sealed(tmp_path / "s.db", f"{K2} {K1}")
    with plain:
        assert store.save(U1, put(7, 0, 5)) is None
        record = plain.load(U1)
        assert record is not None and "AT-secret" not in record.expose()
        assert webex_oauth.snapshot_revision(record) == 7
        assert key_id_of(record) == "k2"
        other = sqlite3.connect(tmp_path / "s.db")
        assert other.execute("SELECT key_id, due_at FROM webex_oauth_session").fetchall() == [("k2", 5)]
        other.close()
        # The same session again is another text: nothing shows that it is the same.
        assert store.save(U1, put(7, 7)) is None
        assert plain.load(U1) != record


@pytest.mark.parametrize("wrong", [K2, OTHER_K1])
def test_a_wrong_or_missing_key_is_told_as_such_and_nothing_is_saved_over(
    simulator: Simulator, tmp_path: Path, wrong: str
) -> None:
    plain, store = plain_and_sealed(tmp_path / "s.db")
    with plain:
        assert store.save(U1, put(7, 0)) is None
        record = plain.load(U1)
        other = Sealed(plain, Keys(wrong))
        for call in (
            lambda: other.load(U1),
            lambda: other.save(U1, put(9, 0)),
            lambda: other.save(U1, put(9, 8)),
            # Never "nobody is signed in", and never a new session.
            lambda: Client(simulator.config(), store=other.user("acme", "u1")),
        ):
            error = fails("sealed", call, "k1")
            assert error.key_id == "k1" and error.why == ("unknown_key" if wrong == K2 else "refused")
        assert plain.load(U1) == record


def test_a_client_whose_session_was_sealed_anew_by_others_says_so_and_keeps_its_token(
    simulator: Simulator, tmp_path: Path
) -> None:
    plain, store = plain_and_sealed(tmp_path / "s.db")
    with plain, Client(simulator.config(), store=store.user("acme", "u1")) as client:
        client.adopt(simulator.issue())
        token = client.token()
        known = store.load(U1)
        assert known is not None
        revision = webex_oauth.snapshot_revision(known)
        moved = Sealed(plain, Keys(K2)).keys.seal("acme", "u1", known, os.urandom(12))
        assert plain.save(U1, Put(moved, revision, revision)) is None
        with pytest.raises(StoreError) as caught:
            client.reload()
        assert (caught.value.kind, caught.value.key_id) == ("sealed", "k2")
        assert client.token() == token
        assert plain.load(U1) == moved


def test_a_record_of_another_user_does_not_open(tmp_path: Path) -> None:
    plain, store = plain_and_sealed(tmp_path / "s.db")
    with plain:
        assert store.save(U2, put(7, 0)) is None
        record = plain.load(U2)
        assert record is not None and plain.save(U1, Put(record, 7, 0)) is None
        assert fails("sealed", lambda: store.load(U1)).why == "refused"


def test_what_is_not_sealed_is_refused(tmp_path: Path) -> None:
    plain, store = plain_and_sealed(tmp_path / "s.db")
    with plain:
        assert plain.save(U1, put(7, 0)) is None
        fails("refused", lambda: store.load(U1), "not a sealed session")
        fails("refused", lambda: store.save(U2, Put(Secret("hello"), 1, 0)), "not a session")
        assert plain.load(U2) is None


def test_a_file_is_sealed_too_and_saved_again_and_again(simulator: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "session"

    def sealed(*keys: str) -> SealedUser:
        return SealedUser(FileStore(path), Keys(" ".join(keys)), user="me")

    store = sealed(K1)
    assert store.save(body(1), 1, 0) is None
    assert store.save(body(2), 2, 1) is None
    assert store.save(body(9), 9, 1) == body(2)
    # A new key: it opens what is there, and seals with its own from now on.
    assert sealed(K2, K1).load() == body(2)
    assert sealed(K2, K1).save(body(3), 3, 2) is None
    assert fails("sealed", store.load).key_id == "k2"
    assert "AT-secret" not in path.read_text()
    store.delete()
    with Client(simulator.config(), store=sealed(K1)) as client:
        client.adopt(simulator.issue())
        token = client.token()
        client.refresh()
        assert client.token() != token
    assert SealedUser(FileStore(path), Keys(K1), user="me").load() is not None
    assert client._executor.jobs.lock_domain == FileStore(path).lock_domain()


def test_keys_are_read_from_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"{K1}\n{K2}\n")
    path.chmod(0o600)
    keys = read_key_file(path)
    assert keys.first == "k1" and "k2" in keys and "k3" not in keys and keys == Keys(f"{K1},{K2}")
    for mode in (0o640, 0o604):
        path.chmod(mode)
        fails("refused", lambda: read_key_file(path), "chmod 600")
    path.chmod(0o600)
    for content in (b"", b"hunter2", b"k1:hunter2", b"\xff", f"{K1} {OTHER_K1}".encode()):
        path.write_bytes(content)
        fails("refused", lambda: read_key_file(path), str(path))
    for wrong in (tmp_path / "none", tmp_path):
        fails("refused", lambda: read_key_file(wrong), str(wrong))  # noqa: B023
    os.mkfifo(tmp_path / "pipe", 0o600)
    fails("refused", lambda: read_key_file(tmp_path / "pipe"), "not a file of keys")


def test_nothing_that_is_printed_has_a_key_or_a_user(tmp_path: Path) -> None:
    plain, store = plain_and_sealed(tmp_path / "s.db")
    plain.close()
    user = SealedUser(FileStore("/s"), Keys(K2), tenant="acme", user="zoe")
    printed = f"{store!r} {Keys(K1)!r} {Keys(K1)} {user!r} {store.user('acme', 'zoe')!r}"
    for secret in ("uwfbCQ1", "MDEyMzQ1", "acme", "zoe"):
        assert secret not in printed, printed
    with pytest.raises(InvalidArgument):
        Sealed(plain, K1)  # type: ignore[arg-type]


def test_what_is_no_nonce_is_refused() -> None:
    for nonce in (b"", b"1" * 11, b"1" * 13):
        with pytest.raises(InvalidArgument):
            Keys(K1).seal("", "", body(1), nonce)
