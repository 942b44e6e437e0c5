"""Stores: several clients, several processes, and what happens when they fail."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import webex_oauth
from conftest import Clock, Simulator, eventually, sign_in
from webex_oauth import Client, FileStore, MemoryStore, Secret, StoreFailed, StoreRecovered

Make = Callable[..., Client]


def test_a_session_survives_in_a_file_that_only_its_owner_reads(
    simulator: Simulator, signed_in: Make, make_client: Make, store_path: Path
) -> None:
    token = signed_in(store=FileStore(store_path)).token()
    assert stat.S_IMODE(store_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store_path.parent.stat().st_mode) == 0o700
    assert make_client(store=FileStore(store_path)).token() == token
    assert simulator.counters()["refreshes_attempted"] == 0


def test_a_login_that_another_process_began_can_be_completed(
    simulator: Simulator, make_client: Make, store_path: Path
) -> None:
    url = make_client(store=FileStore(store_path)).begin_login(state={"n": 1})
    assert make_client(store=FileStore(store_path)).complete_login(simulator.approve(url)).state == '{"n":1}'


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_clients_that_share_a_store_refresh_once(
    simulator: Simulator, make_client: Make, clock: Clock, store_path: Path, kind: str
) -> None:
    memory = MemoryStore()
    simulator.options(rotate=True)
    clients = []
    for _ in range(4):
        clients.append(make_client(store=memory if kind == "memory" else FileStore(store_path), clock=clock))
        if len(clients) == 1:
            sign_in(simulator, clients[0])
    clock.advance(15 * 86_400)
    with ThreadPoolExecutor(16) as pool:
        tokens = set(pool.map(lambda at: clients[at % 4].token(), range(16)))
    assert len(tokens) == 1
    assert simulator.counters()["refreshes_attempted"] == 1
    assert simulator.counters()["reuse_detected"] == 0


def test_a_sign_in_elsewhere_is_found(simulator: Simulator, make_client: Make, store_path: Path) -> None:
    early = make_client(store=FileStore(store_path))
    with pytest.raises(webex_oauth.SignInRequired):
        early.token()
    late = make_client(store=FileStore(store_path))
    sign_in(simulator, late)
    assert early.token() == late.token()


WORKER = """
import os, signal, sys
import webex_oauth
from webex_oauth import *

base, client_id, secret, path, boundary, ahead = sys.argv[1:]
config = Config(client_id, client_secret=secret, provider=Provider.webex_at(base))
class Dying(FileStore):
    def save(self, *arguments):
        if boundary == "before_persist":
            os.kill(os.getpid(), signal.SIGKILL)
        found = super().save(*arguments)
        if boundary == "after_persist":
            os.kill(os.getpid(), signal.SIGKILL)
        return found
class Transport(HttpTransport):
    def __call__(self, request):
        if boundary == "before_send":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = super().__call__(request)
        if boundary == "after_send":
            os.kill(os.getpid(), signal.SIGKILL)
        return answer
def told(event):
    if boundary == "notify":
        os.kill(os.getpid(), signal.SIGKILL)
import time
clock = lambda: time.time_ns() // 1_000_000 + int(ahead)
Client(config, store=Dying(path), transport=Transport(), on_event=told, clock=clock).token()
time.sleep(5)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("boundary", ["before_send", "after_send", "before_persist", "after_persist", "notify"])
def test_killed_at_any_boundary_of_a_refresh_a_second_process_goes_on(
    simulator: Simulator, signed_in: Make, make_client: Make, store_path: Path, clock: Clock, boundary: str
) -> None:
    simulator.options(rotate=True, reuse_grace_ms=60_000)
    signed_in(store=FileStore(store_path)).close()
    ahead = 15 * 86_400_000
    info = simulator.info
    command = [
        sys.executable, "-c", WORKER,
        simulator.base, info["client_id"], info["client_secret"], str(store_path), boundary, str(ahead),
    ]  # fmt: skip
    assert subprocess.run(command, timeout=30).returncode == -signal.SIGKILL
    clock.advance(ahead / 1000)
    client = make_client(store=FileStore(store_path), clock=clock, config={"redirect_uri": None})
    assert client.token()
    assert client.call(simulator.url()).status == 200
    assert simulator.counters()["reuse_detected"] == 0


def token_after_all(client: Client) -> str:
    """A token, as soon as one can be had again."""
    end = time.monotonic() + 10
    while True:
        try:
            return client.token(timeout=10)
        except webex_oauth.RefreshFailed:
            assert time.monotonic() < end
            time.sleep(0.1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_goes_on_by_itself(
    simulator: Simulator, signed_in: Make, clock: Clock, store_path: Path
) -> None:
    simulator.options(rotate=True)
    client = signed_in(store=FileStore(store_path), clock=clock)
    clock.advance(15 * 86_400)
    simulator.refresh_fault("slow", ms=300)
    waiting = threading.Thread(target=client.token)
    waiting.start()
    eventually(lambda: simulator.counters()["refreshes_attempted"] == 1)
    child = os.fork()
    if child == 0:
        # What came of the parent's request is not known here, until the new tokens are in the store.
        status = 1
        try:
            status = 0 if token_after_all(client) else 2
        finally:
            os._exit(status)
    waiting.join()
    assert os.waitpid(child, 0)[1] == 0
    assert simulator.counters()["refreshes_attempted"] == 1
    assert simulator.counters()["reuse_detected"] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_listener_may_fork(simulator: Simulator, make_client: Make) -> None:
    children: list[int] = []

    def listener(event: webex_oauth.ClientEvent) -> None:
        if children:
            return
        child = os.fork()
        if child != 0:
            children.append(child)
            return
        status = 1
        try:
            status = 0 if client.token() else 2
        finally:
            os._exit(status)

    client = make_client(on_event=listener)
    client.adopt(simulator.issue())
    eventually(lambda: children)
    assert client.token()
    assert os.waitpid(children[0], 0)[1] == 0


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
    with pytest.raises(webex_oauth.StoreError):
        client.flush()
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
