"""Redis: how things are called there, the scripts, where it is, and what it says. For both faces of the store."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from typing import Any

from redis import exceptions
from redis.connection import UnixDomainSocketConnection, parse_url

from .._core import SNAPSHOT_KEPT_FOR_MS, Secret
from .._errors import StoreError
from .._options import Hidden, secret
from ._failures import Place, instant, refused, reused, span
from ._keys import Key
from ._records import Put

__all__ = ["DELETE", "SAVE", "SCHEMA", "Options", "delete_arguments", "read_saved", "record", "save_arguments"]

SCHEMA = "webex_oauth:schema"

#: A record without `body` is one that was deleted. Answers a number, and what was found where it is 1. Of a revision
#: the upper half is drawn for each session, and the lower one, 24 bits, is counted. What is not encrypted does not take
#: the place of what is. `KEYS[2]` and the name of a client are what is due of that client.
SAVE = """
    local found = redis.call('HMGET', KEYS[1], 'revision', 'body', 'key_id', 'client')
    if found[2] and found[3] and found[3] ~= '' and ARGV[4] == '' then return {1, found[2]} end
    if ARGV[1] == '' then
        if found[2] then return {1, found[2]} end
        if found[1] then
            local new, old, counted = tonumber(ARGV[2]), tonumber(found[1]), 16777216
            if new <= old and math.floor(new / counted) == math.floor(old / counted) then return {2} end
        end
    elseif not found[2] or found[1] ~= ARGV[1] then
        return {1, found[2]}
    end
    redis.call('HSET', KEYS[1], 'revision', ARGV[2], 'body', ARGV[3], 'key_id', ARGV[4], 'client', ARGV[7])
    if ARGV[8] == '' then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[8]) end
    if found[4] and (found[4] ~= ARGV[7] or ARGV[5] == '') then redis.call('ZREM', KEYS[2] .. found[4], ARGV[6]) end
    if ARGV[5] ~= '' then redis.call('ZADD', KEYS[2] .. ARGV[7], ARGV[5], ARGV[6]) end
    return {0}
"""

DELETE = """
    local client = redis.call('HGET', KEYS[1], 'client')
    if redis.call('HDEL', KEYS[1], 'body', 'key_id', 'client') > 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
    if client then redis.call('ZREM', KEYS[2] .. client, ARGV[1]) end
"""


def _shard(key: Key) -> str:
    """What a script touches is in one shard, whose number is the hash tag: it is on one node of a cluster."""
    return f"webex_oauth:{{{key.digest()[0]:02x}}}"


def _member(key: Key) -> str:
    """A key as a text: the length of the tenant says where it ends."""
    return f"{len(key.tenant.encode())}:{key.tenant}{key.user}"


def record(key: Key) -> str:
    """A record: a hash."""
    return f"{_shard(key)}:session:{_member(key)}"


def _due(key: Key) -> str:
    """What is in front of the names of what is due in a shard, of a client each: sorted sets of members, by Unix
    milliseconds."""
    return f"{_shard(key)}:due:"


def save_arguments(key: Key, put: Put) -> tuple[list[str], list[str]]:
    replaces = "" if put.replaces == 0 else str(put.replaces)
    due_at = instant(put.due_at)
    due = "" if due_at is None else str(due_at)
    kept_for = span(put.may_go_after)
    expires = "" if kept_for is None else str(kept_for)
    values = [replaces, str(put.revision), put.snapshot.expose(), put.sealed_with, due, _member(key)]
    return [record(key), _due(key)], [*values, put.client_tag, expires]


def delete_arguments(key: Key) -> tuple[list[str], list[str]]:
    return [record(key), _due(key)], [_member(key), str(SNAPSHOT_KEPT_FOR_MS)]


def read_saved(answer: Any, put: Put, place: Place) -> Secret | None:
    """What a save has found."""
    match answer:
        case [0]:
            return None
        case [1]:
            return put.conflict(None)
        case [1, str() | None]:
            return put.conflict(Secret(answer[1]) if answer[1] else None)
        case [2]:
            raise reused()
        case _:
            raise place.damaged()


class Options:
    """How a Redis is reached, without its password in sight."""

    def __init__(
        self,
        url: str | Secret,
        pool_size: int,
        time_limit: float,
        roots: str | os.PathLike[str] | None,
        accept_loss: bool,
    ) -> None:
        self.pool_size, self.limit, self.accept_loss = max(pool_size, 1), time_limit, accept_loss
        found = _parsed(secret(url))
        self.place = Place(_place(found.expose()))
        #: Whether it is spoken to through a socket of this machine, and by TLS.
        self.is_socket = "path" in found.expose()
        self.is_tls = secret(url).expose().startswith("rediss:")
        # What else a URL may say of the client, certificates that are not checked for one, is not taken from it.
        names = ("host", "port", "path", "username", "password", "db")
        others = self._others(roots)
        self.settings = Hidden({**{name: found.expose()[name] for name in names if name in found.expose()}, **others})

    def _others(self, roots: str | os.PathLike[str] | None) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "socket_timeout": self.limit,
            "socket_connect_timeout": self.limit,
            "decode_responses": True,
            "protocol": 2,
        }
        if self.is_tls:
            self.place.check_roots(roots)
            settings["ssl_cert_reqs"], settings["ssl_check_hostname"] = "required", True
            settings["ssl_ca_certs"] = None if roots is None else os.fspath(roots)
        return settings

    def check_server(self, info: Mapping[str, Any]) -> None:
        """One that may throw records away, or forgets everything when it ends, signs users out and tells nobody."""
        if str(info.get("cluster_enabled")) == "1":
            raise self.place.refused("it is a node of a cluster")
        if self.accept_loss:
            return
        if str(info.get("maxmemory_policy", "")).startswith("allkeys"):
            raise self.place.refused("its maxmemory-policy may throw sessions away: noeviction does not")
        if str(info.get("aof_enabled")) != "1":
            raise self.place.refused("it does not write what it is given to the disk: appendonly yes does")

    def check_version(self, found: str | None) -> None:
        if found is None:
            return
        if not found.isdecimal():
            raise self.place.damaged()
        self.place.check_version(int(found), "records", "all that begins with webex_oauth:")

    def failure(self, error: Exception) -> StoreError:
        """Redis' own texts name keys, so none of them is passed on."""
        place, text = self.place, str(error)
        for kind, failure in _KINDS:
            if isinstance(error, kind):
                return failure(place)
        for code, failure in _CODES.items():
            # In scripts older servers have the code within the text.
            if text.startswith(code) or f" {code} " in text or f"-{code} " in text:
                return failure(place)
        if isinstance(error, (exceptions.TimeoutError, TimeoutError)):
            return place.late()
        if isinstance(error, ssl.SSLError) or "certificate" in text or "SSL" in text:
            return place.unavailable("TLS: its certificate is not trusted, or TLS is not spoken there")
        if isinstance(error, (exceptions.ConnectionError, OSError)):
            is_full = "No connection available" in text or "Too many connections" in text
            how = "all connections of the pool are in use" if is_full else "it cannot be reached"
            return place.unavailable(how)
        return place.other(f"it failed ({type(error).__name__})")


_Failure = Callable[[Place], StoreError]

_KINDS: list[tuple[type[Exception], _Failure]] = [
    (exceptions.AuthenticationError, lambda place: place.denied("user or password")),
    (exceptions.AuthenticationWrongNumberOfArgsError, lambda place: place.denied("user or password")),
    (exceptions.NoPermissionError, Place.denied),
    (exceptions.ReadOnlyError, Place.denied),
    (exceptions.OutOfMemoryError, lambda place: place.full("no memory is left")),
    (exceptions.BusyLoadingError, lambda place: place.unavailable("LOADING")),
    (UnicodeDecodeError, Place.damaged),
    (exceptions.InvalidResponse, Place.damaged),
]
_CODES: dict[str, _Failure] = {
    "WRONGTYPE": Place.damaged,
    "OOM": lambda place: place.full("no memory is left"),
    "WRONGPASS": lambda place: place.denied("user or password"),
    "NOAUTH": lambda place: place.denied("user or password"),
    "NOPERM": Place.denied,
    "READONLY": Place.denied,
    "MISCONF": lambda place: place.unavailable("it cannot write to its disk"),
    "MOVED": lambda place: place.refused("it is a node of a cluster"),
    "ASK": lambda place: place.refused("it is a node of a cluster"),
    "CROSSSLOT": lambda place: place.refused("it is a node of a cluster"),
    "CLUSTERDOWN": lambda place: place.unavailable("CLUSTERDOWN"),
    "MASTERDOWN": lambda place: place.unavailable("MASTERDOWN"),
    "TRYAGAIN": lambda place: place.unavailable("TRYAGAIN"),
    "LOADING": lambda place: place.unavailable("LOADING"),
}


def _parsed(url: Secret) -> Hidden:
    """What is wrong with it is not quoted: the password is in there."""
    try:
        parse: Callable[[str], Mapping[str, Any]] = parse_url
        return Hidden(dict(parse(url.expose())))
    except Exception:
        problem = refused("this is no URL of a Redis")
    raise problem


def _place(found: Mapping[str, Any]) -> str:
    if found.get("connection_class") is UnixDomainSocketConnection:
        return f"Redis at {found.get('path')}"
    return f"Redis at {found.get('host', 'localhost')}:{found.get('port', 6379)}"
