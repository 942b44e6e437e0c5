"""PostgreSQL: the tables, the statements, where the database is, and what it says. For both faces of the store."""

from __future__ import annotations

import ipaddress
import os
import select
import socket
from typing import TYPE_CHECKING, Any

import psycopg
import psycopg_pool
from psycopg import conninfo, pq

from .._core import SNAPSHOT_KEPT_FOR_MS, Secret
from .._errors import StoreError
from .._options import Hidden, secret
from .._timer import Later, call_later
from ._failures import VERSION, Place, instant, refused, span
from ._keys import Key
from ._records import Put

if TYPE_CHECKING:
    from types import TracebackType

    from psycopg import AsyncConnection, Connection

__all__ = [
    "DELETE", "DELETE_EXPIRED", "INSERT", "IS_THERE", "LOAD", "MAX_VERSION", "ONE_AT_A_TIME", "REPLACE", "TABLES",
    "HungUp", "Options", "has_news", "names", "values",
]  # fmt: skip

TABLES = f"""
    CREATE TABLE webex_oauth_schema (version integer NOT NULL);
    CREATE TABLE webex_oauth_session (
        tenant text NOT NULL, user_key text NOT NULL,
        revision bigint NOT NULL, body text NOT NULL, key_id text NOT NULL, client text NOT NULL,
        due_at timestamptz, expires_at timestamptz, deleted_at timestamptz,
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (tenant, user_key)) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01);
    CREATE INDEX webex_oauth_session_due ON webex_oauth_session (client, due_at)
        WHERE due_at IS NOT NULL AND deleted_at IS NULL;
    CREATE INDEX webex_oauth_session_key ON webex_oauth_session (key_id);
    CREATE INDEX webex_oauth_session_expires ON webex_oauth_session (expires_at) WHERE expires_at IS NOT NULL;
    INSERT INTO webex_oauth_schema VALUES ({VERSION});
"""
#: Any number; the same for all that make these tables.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(7305513812)"
#: Not `to_regclass`: that answers from a cache, which may still say what was so before the lock was waited for.
IS_THERE = """SELECT EXISTS (SELECT FROM pg_catalog.pg_class
    WHERE relname = 'webex_oauth_schema' AND pg_catalog.pg_table_is_visible(oid))"""
MAX_VERSION = "SELECT max(version) FROM webex_oauth_schema"

LOAD = """SELECT body FROM webex_oauth_session
    WHERE tenant = %(tenant)s AND user_key = %(user)s AND deleted_at IS NULL"""

_DUE = "'epoch'::timestamptz + %(due_at)s::bigint * interval '1 millisecond'"
#: By the clock of the database.
_EXPIRES = "now() + %(kept_for)s::bigint * interval '1 millisecond'"

#: What is not encrypted does not take the place of what is.
REPLACE = f"""UPDATE webex_oauth_session
    SET revision = %(revision)s::bigint, body = %(body)s, key_id = %(key_id)s, client = %(client)s,
        due_at = {_DUE}, expires_at = {_EXPIRES}, updated_at = now()
    WHERE tenant = %(tenant)s AND user_key = %(user)s AND revision = %(replaces)s::bigint AND deleted_at IS NULL
        AND (key_id = '' OR %(key_id)s::text <> '')"""

#: Of a revision the upper half is drawn for each session, and the lower one, 24 bits, is counted.
INSERT = f"""INSERT INTO webex_oauth_session AS found (
        tenant, user_key, revision, body, key_id, client, due_at, expires_at)
    VALUES (%(tenant)s, %(user)s, %(revision)s::bigint, %(body)s, %(key_id)s, %(client)s, {_DUE}, {_EXPIRES})
    ON CONFLICT (tenant, user_key) DO UPDATE
    SET revision = excluded.revision, body = excluded.body, key_id = excluded.key_id, client = excluded.client,
        due_at = excluded.due_at, expires_at = excluded.expires_at, updated_at = now(), deleted_at = NULL
    WHERE found.deleted_at IS NOT NULL
        AND (excluded.revision > found.revision OR excluded.revision >> 24 <> found.revision >> 24)"""

DELETE = f"""UPDATE webex_oauth_session
    SET body = '', key_id = '', due_at = NULL, deleted_at = now(), updated_at = now(),
        expires_at = now() + {SNAPSHOT_KEPT_FOR_MS} * interval '1 millisecond'
    WHERE tenant = %(tenant)s AND user_key = %(user)s AND deleted_at IS NULL"""

#: What is locked is being saved: it stays for the next time.
DELETE_EXPIRED = """DELETE FROM webex_oauth_session WHERE (tenant, user_key) IN (
    SELECT tenant, user_key FROM webex_oauth_session WHERE expires_at <= now()
    LIMIT %(most)s::bigint FOR UPDATE SKIP LOCKED)"""


def names(key: Key) -> dict[str, object]:
    return {"tenant": key.tenant, "user": key.user}


def values(key: Key, put: Put) -> dict[str, object]:
    return {
        **names(key),
        "revision": put.revision,
        "replaces": put.replaces,
        "body": put.snapshot.expose(),
        "key_id": put.sealed_with,
        "client": put.client_tag,
        "due_at": instant(put.due_at),
        "kept_for": span(put.may_go_after),
    }


class Options:
    """How a database is reached, without its password in sight."""

    def __init__(
        self, url: str | Secret, pool_size: int, time_limit: float, roots: str | os.PathLike[str] | None
    ) -> None:
        self.limit = time_limit
        #: What the pools of both kinds of connections are made with.
        self.pool: dict[str, Any] = {
            "kwargs": {"autocommit": True},
            "min_size": 0,
            "max_size": max(pool_size, 1),
            "timeout": time_limit,
            "name": "webex-oauth",
        }
        parameters = _parameters(secret(url))
        self.place = Place(_place(parameters.expose()))
        parameters.expose().setdefault("application_name", "webex-oauth")
        parameters.expose()["connect_timeout"] = str(max(round(time_limit), 2))
        # What is encrypted is encrypted by TLS.
        parameters.expose()["gssencmode"] = "disable"
        parameters.expose().update(self._tls(parameters, roots))
        self.conninfo = Secret(conninfo.make_conninfo(**parameters.expose()))

    def _tls(self, parameters: Hidden, roots: str | os.PathLike[str] | None) -> dict[str, str]:
        """Connections to other machines are encrypted and the certificate is checked, unless the URL says
        `sslmode=disable`; those that stay on this machine where it says so, or PGSSLMODE does."""
        mode = parameters.expose().get("sslmode")
        if mode is None:
            # What is around the process may ask for more, not for less.
            around = _around().get("sslmode")
            mode = around if around in ("require", "verify-ca", "verify-full") else "prefer"
        # `prefer` would go on in the clear where somebody in between says that the server has no TLS; and a server for
        # this machine alone has a certificate that nobody has signed.
        if mode == "disable" or (mode in ("prefer", "allow") and _is_here(parameters.expose())):
            return {"sslmode": "disable"}
        if roots is not None:
            self.place.check_roots(roots)
        return {
            "sslmode": "verify-full",
            "sslrootcert": parameters.expose().get("sslrootcert", "system") if roots is None else os.fspath(roots),
        }

    def failure(self, error: Exception) -> StoreError:
        """PostgreSQL's own texts quote values, so none of them is passed on."""
        place = self.place
        if isinstance(error, psycopg_pool.PoolTimeout):
            return place.unavailable("no connection in time: it cannot be reached, or all of the pool are in use")
        if isinstance(error, psycopg_pool.TooManyRequests):
            return place.unavailable("all connections of the pool are in use")
        if isinstance(error, psycopg_pool.PoolClosed):
            return place.unavailable("it is closed")
        state = getattr(error, "sqlstate", None) or _state_of_connecting(error)
        if state is None:
            # Values that cannot be sent, a NUL for one, never get there.
            is_value = isinstance(error, psycopg.DataError)
            return place.refused("a value cannot be stored there") if is_value else place.unavailable(_how(error))
        # The first two characters are the class (PostgreSQL, appendix A).
        match state[:2], state:
            case "28", _:
                return place.denied("user or password")
            case (("3D" | "3F"), _):
                return place.refused("there is no such database or schema")
            case _, ("25006" | "42501"):
                return place.denied()
            case _, "42P01":
                return place.not_migrated()
            case _, "42703":
                return place.refused("its tables are not those of this library")
            case _, "53100":
                return place.full()
            case "22", _:
                return place.refused("a value cannot be stored there")
            case "XX", _:
                return place.damaged()
            case (("08" | "53" | "55" | "57" | "40"), _):
                return place.unavailable(f"SQLSTATE {state}")
            case _:
                return place.other(f"SQLSTATE {state}")


def _is_misread(url: Secret) -> bool:
    """Part of a password would be taken for the host, and be told."""
    user, *others = url.expose().partition("://")[2].split("@")
    return len(others) > 1 or (len(others) == 1 and any(mark in user for mark in "/?#"))


def _parameters(url: Secret) -> Hidden:
    """What is wrong with it is not quoted: the password is in there."""
    if _is_misread(url):
        raise refused(
            "the URL of the PostgreSQL database has a character that is to be escaped: in user and password, "
            "@ is %40, / is %2F, ? is %3F"
        )
    try:
        found = Hidden(conninfo.conninfo_to_dict(url.expose()))
    except Exception:
        found = Hidden({"port": "none"})
    ports = str(found.expose().get("port") or 5432).split(",")
    if not all(port.isdecimal() or not port for port in ports):
        raise refused("this is no URL of a PostgreSQL database")
    # What libpq would fill in later is filled in now: where it leads is judged, and does not change any more.
    around = _around()
    for name in ("host", "hostaddr", "port"):
        if name in around:
            found.expose().setdefault(name, around[name])
    return found


def _around() -> dict[str, str]:
    """What libpq takes from the environment, and from the service that is named there, where the URL says nothing."""
    names = ("host", "hostaddr", "port", "sslmode")
    return {
        option.keyword.decode(): option.val.decode(errors="replace")
        for option in pq.Conninfo.get_defaults()
        if option.val and option.keyword.decode() in names
    }


def _place(parameters: dict[str, Any]) -> str:
    elsewhere = f"the service {parameters['service']}" if "service" in parameters else "localhost"
    host = str(parameters.get("host") or parameters.get("hostaddr") or elsewhere).split(",")[0]
    port = str(parameters.get("port") or 5432).split(",")[0]
    where = host if host.startswith("/") else f"{host}:{port}"
    return f"PostgreSQL at {where}/{parameters.get('dbname') or ''}"


def _is_here(parameters: dict[str, Any]) -> bool:
    """All of it stays on this machine. What the URL calls a service is looked up by libpq, and may be anywhere."""
    if "service" in parameters:
        return False
    found = [str(parameters.get(name) or "").split(",") for name in ("host", "hostaddr")]
    return all(_is_local(host) for hosts in found for host in hosts)


def _is_local(host: str) -> bool:
    if host in ("", "localhost") or host.startswith(("/", "@")):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


#: A connection that is refused has no SQLSTATE in libpq's words, only the server's sentence.
_CONNECTING = {
    "password authentication failed": "28P01",
    "no pg_hba.conf entry": "28000",
    "no password supplied": "28000",
    "does not exist": "3D000",
    "too many clients": "53300",
    "remaining connection slots": "53300",
    "the database system is": "57P03",
}


def _state_of_connecting(error: Exception) -> str | None:
    text = str(error)
    for part, state in _CONNECTING.items():
        if isinstance(error, psycopg.OperationalError) and part in text:
            return "28000" if state == "3D000" and "role" in text else state
    return None


def _how(error: Exception) -> str:
    if isinstance(error, (psycopg.errors.ConnectionTimeout, TimeoutError)):
        return "no answer in time"
    text = str(error)
    if "certificate" in text or "SSL" in text or "sslrootcert" in text:
        return "TLS: its certificate is not trusted, or TLS is not spoken there"
    return "it cannot be reached"


def has_news(connection: Connection[Any] | AsyncConnection[Any]) -> bool:
    """Whether something has arrived on a connection that nobody uses: the news that it is at an end, nearly always."""
    descriptor = connection.fileno()
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([descriptor], [], [], 0)[0])


class HungUp:
    """Around what is asked on a connection: it is cut off after so many seconds, whatever the server does. The pool
    then throws it away."""

    def __init__(self, connection: Connection[Any] | AsyncConnection[Any], limit: float, place: Place) -> None:
        self._place, self.is_over = place, False
        # Of its own: the number may be somebody else's when the time is over.
        self._line = socket.socket(fileno=os.dup(connection.fileno()))
        self._later: Later = call_later(limit, self._hang_up)

    def _hang_up(self) -> None:
        self.is_over = True
        try:
            self._line.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._later.cancel()
        self._line.close()
        if self.is_over and error is not None:
            raise self._place.late() from None
