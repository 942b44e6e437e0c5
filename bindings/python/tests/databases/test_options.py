"""How databases are reached: what is around the process counts, and nothing shows the password. No server is needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import conninfo
from test_errors import shown
from webex_oauth import Secret, StoreError
from webex_oauth.stores import AsyncPostgresStore, AsyncRedisStore, PostgresStore, RedisStore
from webex_oauth.stores._postgres_words import Options

PASSWORD = "MARKED-SECRET"


@pytest.fixture(autouse=True)
def nothing_around(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE", "PGSERVICEFILE", "PGSSLMODE"):
        monkeypatch.delenv(name, raising=False)
    yield


def reached(url: str) -> dict[str, Any]:
    return conninfo.conninfo_to_dict(Options(Secret(url), 1, 5.0, None).conninfo.expose())


HERE = ["dbname=webex", "postgresql:///webex", "postgresql://localhost/webex", "host=/run/postgresql dbname=webex"]


@pytest.mark.parametrize("url", HERE)
def test_what_stays_on_this_machine_needs_no_tls(url: str) -> None:
    assert reached(url)["sslmode"] == "disable"


@pytest.mark.parametrize("url", HERE[:2])
@pytest.mark.parametrize("name", ["PGHOST", "PGHOSTADDR"])
def test_a_host_of_the_environment_is_another_machine(url: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "192.0.2.1")
    found = reached(url)
    assert found["sslmode"] == "verify-full" and found["sslrootcert"] == "system"
    # What was judged is what is used, whatever the environment says later.
    monkeypatch.delenv(name)
    assert found[name[2:].lower()] == "192.0.2.1"
    monkeypatch.setenv(name, "127.0.0.1")
    assert reached(url)["sslmode"] == "disable"


def test_an_address_of_the_environment_counts_beside_the_host_of_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOSTADDR", "192.0.2.1")
    assert reached("postgresql://localhost/webex")["sslmode"] == "verify-full"


def test_the_place_is_the_one_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example.com")
    monkeypatch.setenv("PGPORT", "6543")
    assert str(Options("dbname=webex", 1, 5.0, None).place) == "PostgreSQL at db.example.com:6543/webex"


@pytest.mark.parametrize("how", ["url", "environment"])
def test_a_service_may_be_another_machine(how: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "services").write_text("[prod]\nhost=db.example.com\nsslmode=disable\n")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    if how == "environment":
        monkeypatch.setenv("PGSERVICE", "prod")
    found = reached("postgresql:///webex" + ("?service=prod" if how == "url" else ""))
    assert found["sslmode"] == "verify-full"


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_an_environment_that_asks_for_more_gets_it(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", mode)
    assert reached("postgresql://localhost/webex")["sslmode"] == "verify-full"
    assert reached("postgresql://localhost/webex?sslmode=disable")["sslmode"] == "disable"


def test_an_environment_that_asks_for_less_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "disable")
    assert reached("postgresql://db.example.com/webex")["sslmode"] == "verify-full"
    assert reached("postgresql://db.example.com/webex?sslmode=disable")["sslmode"] == "disable"


@pytest.mark.parametrize("store", [PostgresStore, AsyncPostgresStore])
@pytest.mark.parametrize("password", ["a@SECRET", "12/SECRET", "a?SECRET", "a#SECRET"])
def test_a_password_that_is_not_escaped_is_refused_and_not_told(store: type[Any], password: str) -> None:
    with pytest.raises(StoreError, match="@ is %40") as caught:
        store(f"postgres://webex:{password}@localhost:9/x")
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("wrong", ["roots", "url"])
@pytest.mark.parametrize(
    "store, url",
    [
        (PostgresStore, "postgres://u:{}@db.example.com{}/x"),
        (AsyncPostgresStore, "postgres://u:{}@db.example.com{}/x"),
        (RedisStore, "rediss://u:{}@db.example.com{}/0"),
        (AsyncRedisStore, "rediss://u:{}@db.example.com{}/0"),
    ],
)
def test_no_frame_shows_the_password_of_a_store_that_cannot_be_opened(
    store: type[Any], url: str, wrong: str, tmp_path: Path
) -> None:
    roots = tmp_path / "roots.pem"
    roots.write_text("no certificates")
    port = ":5432" if wrong == "roots" else ":nonsense"
    with pytest.raises(StoreError) as caught:
        store(url.format(PASSWORD, port), roots=roots)
    looked_at = 0
    for where, text in shown(caught.value):
        looked_at += 1
        assert PASSWORD not in text, where
    assert looked_at > 3
