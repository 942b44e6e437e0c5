"""What variables may be, and which of them count."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import webex_oauth
from conftest import SCOPE, Simulator
from webex_oauth import AsyncClient, Client
from webex_oauth.stores import SealedUser, read_key_file

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there variables are Unicode")

#: Latin-1, as Python has it in os.environ.
NOT_UTF_8 = b"caf\xe9"
KEY = "first:uwfbCQ1BTdJOgfP6C8F4AHzmHRXBbEFUWCzcmHIl0xs\n"


def environment(simulator: Simulator, **more: str) -> dict[str, str]:
    return {
        "WEBEX_SERVER": simulator.base,
        "WEBEX_CLIENT_ID": simulator.info["client_id"],
        "WEBEX_CLIENT_SECRET": simulator.info["client_secret"],
        "WEBEX_SCOPE": SCOPE,
        **more,
    }


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    path.write_text(KEY)
    path.chmod(0o600)
    return path


def test_a_token_that_is_there_already_needs_any_client_id() -> None:
    with Client.from_env({"WEBEX_ACCESS_TOKEN": "x", "WEBEX_CLIENT_ID": "any"}) as client:
        assert client.token() == "x"
    with pytest.raises(webex_oauth.ConfigError, match="set WEBEX_CLIENT_ID"):
        Client.from_env({"WEBEX_ACCESS_TOKEN": "x"})


def open_it(environ: dict[str, str]) -> None:
    """As both clients do it, each to its end."""
    Client.from_env(environ).close()

    async def asynchronous() -> None:
        await AsyncClient.from_env(environ).close()

    asyncio.run(asynchronous())


@pytest.mark.parametrize("name", ["WEBEX_SERVER", "WEBEX_CLIENT_ID", "WEBEX_SCOPE", "WEBEX_ISSUER", "WEBEX_PROFILE"])
def test_a_text_that_is_not_utf_8_is_named(simulator: Simulator, name: str) -> None:
    environ = {**environment(simulator), name: os.fsdecode(NOT_UTF_8)}
    if name == "WEBEX_PROFILE":
        del environ["WEBEX_SERVER"]  # Else nobody looks there.
    for kind in (Client, AsyncClient):
        with pytest.raises(webex_oauth.ConfigError, match=f"{name} is not UTF-8") as caught:
            kind.from_env(environ)
        assert "caf" not in str(caught.value)


def test_what_nobody_reads_may_be_anything(simulator: Simulator, tmp_path: Path) -> None:
    unrelated = {"LESSOPEN": os.fsdecode(NOT_UTF_8), os.fsdecode(b"n\xe9"): "x", "CISCOSPARK_SCOPE": "\udce9"}
    open_it({**environment(simulator), **unrelated})
    # The environment of the process, as it comes.
    program = "import webex_oauth; print(webex_oauth.Client.from_env().config.client_id)"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environb, **{k.encode(): v.encode() for k, v in environment(simulator).items()}, b"X": NOT_UTF_8},
        capture_output=True,
        timeout=60,
    )
    assert ran.stdout.decode().strip() == simulator.info["client_id"], ran.stderr


def test_a_path_may_be_any_bytes(simulator: Simulator, tmp_path: Path, keys: Path) -> None:
    def path(name: bytes) -> str:
        return os.fsdecode(os.fsencode(tmp_path) + b"/" + name)

    metadata, sealed, session = path(b"m\xe9ta"), path(b"k\xe9ys"), path(b"s\xe9ssion")
    document = {"issuer": simulator.base, "token_endpoint": f"{simulator.base}/v1/access_token"}
    Path(metadata).write_text(json.dumps(document))
    os.rename(keys, sealed)
    environ = environment(simulator, WEBEX_METADATA=metadata, WEBEX_KEY_FILE=sealed, WEBEX_SESSION_FILE=session)
    del environ["WEBEX_SERVER"]
    with Client.from_env(environ) as client:
        client.client_credentials()
    assert Path(session).read_text().startswith("ey")
    os.unlink(metadata)
    with pytest.raises(webex_oauth.ConfigError, match="cannot be read"):
        Client.from_env(environ)


def test_the_profile_of_a_sealed_session_is_a_text(simulator: Simulator, tmp_path: Path, keys: Path) -> None:
    environ = environment(simulator, WEBEX_SESSION_FILE=str(tmp_path / "session"), WEBEX_KEY_FILE=str(keys))
    environ["WEBEX_PROFILE"] = os.fsdecode(NOT_UTF_8)
    for kind in (Client, AsyncClient):
        with pytest.raises(webex_oauth.ConfigError, match="environment: WEBEX_PROFILE is not UTF-8") as caught:
            kind.from_env(environ)
        assert (caught.value.field, caught.value.kind) == ("environment", "invalid")
    assert not (tmp_path / "session").exists()


def test_a_tilde_is_the_home_folder(
    simulator: Simulator, tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the command: where a variable comes from no shell has put it in its place."""
    monkeypatch.setenv("HOME", str(tmp_path))
    document = {"issuer": simulator.base, "token_endpoint": f"{simulator.base}/v1/access_token"}
    (tmp_path / "metadata").write_text(json.dumps(document))
    environ = environment(
        simulator, WEBEX_METADATA="~/metadata", WEBEX_KEY_FILE=f"~/{keys.name}", WEBEX_SESSION_FILE="~/in/session"
    )
    del environ["WEBEX_SERVER"]
    with Client.from_env(environ) as client:
        client.client_credentials()
    assert (tmp_path / "in" / "session").read_text().startswith("ey")


def test_the_session_is_sealed_where_a_key_file_is_named(simulator: Simulator, tmp_path: Path, keys: Path) -> None:
    session = tmp_path / "session"
    environ = environment(simulator, WEBEX_SESSION_FILE=str(session), WEBEX_KEY_FILE=str(keys))
    with Client.from_env(environ) as client:
        client.client_credentials()
        token = client.token()
    assert session.read_text().startswith("ey") and token not in session.read_text()

    async def again() -> str:
        async with AsyncClient.from_env(environ) as client:
            return await client.token()

    assert asyncio.run(again()) == token
    # As the command seals it: the profile is its user.
    store = SealedUser(webex_oauth.FileStore(session), read_key_file(keys), user="default")
    opened = store.load()
    assert opened is not None and token in opened.expose()
    with pytest.raises(webex_oauth.StoreError, match="sealed with key"):
        Client.from_env({**environ, "WEBEX_PROFILE": "work"})
    # A store of one's own is one's own.
    with Client.from_env(environ, store=webex_oauth.MemoryStore()) as client:
        assert not client.status().can_authorize


def test_keys_that_cannot_be_had_write_nothing(simulator: Simulator, tmp_path: Path, keys: Path) -> None:
    session = tmp_path / "session"
    environ = environment(simulator, WEBEX_SESSION_FILE=str(session), WEBEX_KEY_FILE=str(tmp_path / "none"))
    for kind in (Client, AsyncClient):
        with pytest.raises(webex_oauth.StoreError, match="none: the keys cannot be read"):
            kind.from_env(environ)
    keys.chmod(0o644)
    environ["WEBEX_KEY_FILE"] = str(keys)
    with pytest.raises(webex_oauth.StoreError, match="chmod 600"):
        Client.from_env(environ)
    assert not session.exists()


def test_the_command_seals_as_well(simulator: Simulator, tmp_path: Path, keys: Path) -> None:
    session = tmp_path / "session"
    simulator.options(device_interval_ms=1000, auto_decision="accept")
    environ = {**os.environ, **environment(simulator, WEBEX_KEY_FILE=str(keys))}
    line = [sys.executable, "-m", "webex_oauth", "--session", str(session)]
    for command in (["login", "--device"], ["token"]):
        ran = subprocess.run([*line, *command], env=environ, capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, ran.stderr
    assert session.read_text().startswith("ey")
    # Without the key it stays closed, and as it is.
    del environ["WEBEX_KEY_FILE"]
    before = session.read_bytes()
    ran = subprocess.run([*line, "token"], env=environ, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1 and "sealed with key" in ran.stderr
    assert session.read_bytes() == before


def test_a_session_file_stays_whose_it_was(simulator: Simulator, tmp_path: Path) -> None:
    """Root may do something for a user, who goes on having the session."""
    session = tmp_path / "session"
    with Client.from_env(environment(simulator, WEBEX_SESSION_FILE=str(session))) as client:
        client.client_credentials()
        # Where we are not root it is ours, before and after.
        with contextlib.suppress(PermissionError):
            os.chown(session, 12345, 54321)
        session.chmod(0o666)
        before = session.stat()
        client.client_credentials()
    after = session.stat()
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
    assert after.st_mode & 0o777 == 0o600 and after.st_ino != before.st_ino


def test_a_lock_file_is_whose_the_session_is(tmp_path: Path) -> None:
    """A link in a lock's place is the user's to set: what it leads to stays whose it is."""
    session, victim = tmp_path / "session", tmp_path / "victim"
    session.write_text("")
    victim.write_text("mine")
    before = victim.stat()
    with contextlib.suppress(PermissionError):
        os.chown(session, 12345, 54321)
    store, wanted = webex_oauth.FileStore(session), session.stat()
    lock = tmp_path / "session.refresh-lock"
    with store.lock(0):
        assert (lock.stat().st_uid, lock.stat().st_gid) == (wanted.st_uid, wanted.st_gid)
    lock.unlink()
    lock.symlink_to(victim)
    with store.lock(0):
        pass
    assert (victim.stat().st_uid, victim.stat().st_gid) == (before.st_uid, before.st_gid)
