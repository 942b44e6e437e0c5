"""Whose session it is."""

from __future__ import annotations

import hashlib

from ._failures import refused

__all__ = ["Key"]


class Key:
    """The names of one session: tenant (the empty one where there are none) and user, as the host calls them.

    Nothing is read into them. Refused where a name is longer than 1,024 bytes or has a NUL in it, as not every database
    could keep it. Printed as a hash: names may be those of people.
    """

    #: Bytes that each of the names may have: an index of PostgreSQL takes both.
    MAX_LEN = 1024

    __slots__ = ("tenant", "user")

    def __init__(self, tenant: str, user: str) -> None:
        for what, name in (("tenant", tenant), ("user", user)):
            if not isinstance(name, str):
                raise refused(f"the name of the {what} is a {type(name).__name__}, not a str")
            try:
                length = len(name.encode())
            except UnicodeEncodeError:
                length = -1
            if length < 0:
                raise refused(f"the name of the {what} is not valid Unicode")
            if length > self.MAX_LEN:
                raise refused(f"the name of the {what} has more than {self.MAX_LEN} bytes")
            if "\0" in name:
                raise refused(f"the name of the {what} has a NUL in it")
        self.tenant, self.user = tenant, user

    def digest(self) -> bytes:
        """SHA-256 of both, each with its length: for logs, and to spread the keys over shards."""
        digest = hashlib.sha256()
        for name in (self.tenant.encode(), self.user.encode()):
            digest.update(len(name).to_bytes(8, "big") + name)
        return digest.digest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and (self.tenant, self.user) == (other.tenant, other.user)

    def __hash__(self) -> int:
        return hash((self.tenant, self.user))

    def __repr__(self) -> str:
        return f"Key({self.digest()[:6].hex()})"
