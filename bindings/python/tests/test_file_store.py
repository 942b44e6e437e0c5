"""Where sessions are kept on a machine: files, their locks, key rings."""

from __future__ import annotations

import base64
import hashlib
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import webex_oauth
from conftest import Simulator
from webex_oauth import Client, FileStore, MemoryStore, Secret

Make = Callable[..., Client]


def test_compare_and_swap(tmp_path: Path) -> None:
    for store in (MemoryStore(), FileStore(tmp_path / "s")):
        one, two = (Secret(f'{{"webex_oauth":1,"revision":{revision}}}') for revision in (1, 2))
        assert store.load() is None
        assert store.save(one, 1, 0) is None
        assert store.save(two, 2, 7) == one
        assert store.save(two, 2, 1) is None
        assert store.load() == two
        store.delete()
        store.delete()
        assert store.load() is None


SEALED = Secret(
    base64.urlsafe_b64encode(b'{"alg":"dir","enc":"A256GCM","kid":"2026-11","typ":"webex-oauth","rev":7}')
    .decode()
    .rstrip("=")
    + "..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA"
)


def test_what_is_sealed_is_not_replaced_by_what_is_not(tmp_path: Path) -> None:
    for store in (MemoryStore(), FileStore(tmp_path / "s")):
        plain = Secret('{"webex_oauth":1,"revision":8}')
        assert store.save(SEALED, 7, 0) is None
        for replaces in (0, 6, 7, 8):
            with pytest.raises(webex_oauth.StoreError, match='sealed with key "2026-11"'):
                store.save(plain, 8, replaces)
            assert store.load() == SEALED
        assert store.save(SEALED, 7, 7) is None


def test_who_opens_a_sealed_session_without_a_key_is_told_so(simulator: Simulator, store_path: Path) -> None:
    assert webex_oauth.snapshot_key_id(SEALED) == "2026-11"
    assert webex_oauth.snapshot_key_id('{"webex_oauth":1}') is None
    assert webex_oauth.snapshot_client_tag(SEALED) is None
    plain = '{"webex_oauth":2,"client_id":"C1","token_endpoint":"https://h/token"}'
    assert webex_oauth.snapshot_client_tag(plain) == "5e08321fa971f8f6"
    FileStore(store_path).save(SEALED, 7, 0)
    with pytest.raises(webex_oauth.RestoreError, match='sealed with key "2026-11"') as caught:
        Client(simulator.config(), store=FileStore(store_path))
    assert (caught.value.kind, caught.value.key_id) == ("sealed", "2026-11")
    assert FileStore(store_path).load() == SEALED


def test_the_lock_of_a_file_is_exclusive_also_between_threads(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "s")
    with store.lock(1):
        with pytest.raises(webex_oauth.StoreError) as caught:
            store.lock(0.05)
        assert caught.value.is_busy
    with store.lock(0.05):
        pass


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders")
@pytest.mark.parametrize("what", ["pipe", "device", "folder", "socket", "link to a pipe"])
def test_what_is_no_file_is_refused_and_left_alone(simulator: Simulator, tmp_path: Path, what: str) -> None:
    path = tmp_path / "session"
    match what:
        case "pipe":
            os.mkfifo(path)
        case "device":
            path = Path("/dev/null")
        case "folder":
            path.mkdir()
        case "socket":
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(str(path))
        case _:
            os.mkfifo(tmp_path / "pipe")
            path.symlink_to(tmp_path / "pipe")
    before = os.stat(path)
    store = FileStore(path)
    for call in (store.load, lambda: store.save(Secret('{"webex_oauth":1,"revision":1}'), 1, 0), store.delete):
        with pytest.raises(webex_oauth.StoreError) as caught:
            call()
        told = f"{store.path}: a {what.rsplit(maxsplit=1)[-1]}, not a file that a session could be kept in"
        assert (str(caught.value), caught.value.kind) == (told, "refused")
    with pytest.raises(webex_oauth.StoreError):
        Client(simulator.config(), store=store)
    after = os.stat(path)
    assert (before.st_mode, before.st_ino) == (after.st_mode, after.st_ino)
    for ending in (".lock", ".new"):
        Path(f"{store.path}{ending}").unlink(missing_ok=True)


KILLED = """
import os, sys, signal
import webex_oauth
from webex_oauth import FileStore, Secret
store, text = FileStore(sys.argv[1]), '{"webex_oauth":1,"revision":%d,"x":"the-secret-token"}'
os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
found = store.load()
number = 0 if found is None else webex_oauth.snapshot_revision(found)
store.save(Secret(text % (number + 1)), number + 1, number)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_killed_saves_leave_nothing_that_the_next_one_or_a_delete_does_not_take_away(tmp_path: Path) -> None:
    path, text = tmp_path / "session", '{{"webex_oauth":1,"revision":{}}}'
    store = FileStore(path)
    store.save(Secret(text.format(1)), 1, 0)
    for _ in range(5):
        assert subprocess.run([sys.executable, "-c", KILLED, str(path)], timeout=30).returncode == -signal.SIGKILL
    assert {file.name for file in tmp_path.iterdir()} == {"session", "session.lock", "session.new"}
    store.save(Secret(text.format(2)), 2, 1)
    assert {file.name for file in tmp_path.iterdir()} == {"session", "session.lock"}
    subprocess.run([sys.executable, "-c", KILLED, str(path)], timeout=30)
    store.delete()
    assert {file.name for file in tmp_path.iterdir()} == {"session.lock"}


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_a_link_in_the_place_of_the_draft_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("theirs")
    (tmp_path / "session.new").symlink_to(tmp_path / "elsewhere")
    store = FileStore(tmp_path / "session")
    store.save(Secret('{"webex_oauth":1,"revision":1}'), 1, 0)
    assert (tmp_path / "elsewhere").read_text() == "theirs"
    assert store.load() is not None


def test_the_locks_of_a_key_ring_are_in_the_users_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    store = webex_oauth.KeyringStore()
    with store.lock(1):
        # As in the other languages.
        lock = tmp_path / "state/webex-oauth/locks/62deea35b7b33e5f21891cb4224d8cac.refresh-lock"
        assert lock.is_file()
        assert all(stat.S_IMODE(folder.stat().st_mode) == 0o700 for folder in list(lock.parents)[:3])
        with pytest.raises(webex_oauth.StoreError) as caught:
            webex_oauth.KeyringStore().lock(0.05)
        assert caught.value.is_busy


def test_a_key_ring(
    simulator: Simulator, signed_in: Make, make_client: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import keyring

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    ring: dict[tuple[str, str], str] = {}
    monkeypatch.setattr(keyring, "get_password", lambda service, name: ring.get((service, name)))
    monkeypatch.setattr(keyring, "set_password", lambda service, name, value: ring.update({(service, name): value}))
    monkeypatch.setattr(keyring, "delete_password", lambda service, name: ring.pop((service, name)))
    store = webex_oauth.KeyringStore(f"test-{os.getpid()}")
    token = signed_in(store=store).token()
    assert make_client(store=webex_oauth.KeyringStore(f"test-{os.getpid()}")).token() == token
    store.delete()
    assert not ring and store.load() is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="where the machine has a name")
def test_the_lock_of_a_file_is_named_by_machine_and_place_as_in_rust(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    boot = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    expected = hashlib.sha256(boot + b"\0" + os.fsencode(tmp_path.resolve() / "real/s")).hexdigest()[:24]
    assert FileStore(tmp_path / "real/s").lock_domain() == FileStore(tmp_path / "link/s").lock_domain() == expected
    assert FileStore(tmp_path / "real/t").lock_domain() != expected
    assert MemoryStore().lock_domain() != MemoryStore().lock_domain()


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_what_was_deleted_is_not_brought_back(tmp_path: Path, kind: str) -> None:
    store = MemoryStore() if kind == "memory" else FileStore(tmp_path / "s")
    one, two = (Secret(f'{{"webex_oauth":1,"revision":{revision}}}') for revision in (1, 2))
    assert store.save(one, 1, 0) is None
    store.delete()
    assert store.save(two, 2, 1) == Secret("")
    assert store.load() is None
