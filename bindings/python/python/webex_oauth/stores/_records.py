"""What a store for many users is, and the session of one of them."""

from __future__ import annotations

from abc import ABC, abstractmethod

from .._core import Secret, snapshot_client_tag, snapshot_kept_for, snapshot_key_id
from .._errors import StoreError
from ..coordinator._plain import Plain
from ._keys import Key

__all__ = ["AsyncRecords", "AsyncUserStore", "Put", "Records", "UserStore"]


class Put(Plain):
    """What is saved, and what it replaces: the record of that revision, or nothing where that is 0."""

    snapshot: Secret
    revision: int
    replaces: int
    #: Milliseconds since 1970: when somebody should open this session next.
    due_at: int | None = None
    #: The name of the key that it is encrypted with, where whoever has encrypted it says so.
    key_id: str = ""
    #: The client whose session it is, where whoever has encrypted it says so.
    client: str = ""
    #: How many milliseconds after this save the store may delete it, where whoever has encrypted it says so.
    kept_for: int | None = None

    @property
    def sealed_with(self) -> str:
        """The name of the key that it is encrypted with; empty where it is not."""
        return self.key_id or snapshot_key_id(self.snapshot) or ""

    @property
    def client_tag(self) -> str:
        """The client whose session it is, as :func:`webex_oauth.snapshot_client_tag` names it; empty where the snapshot
        does not say it. A fleet of the Rust crate searches by it for what is due."""
        return self.client or snapshot_client_tag(self.snapshot) or ""

    @property
    def may_go_after(self) -> int | None:
        """How many milliseconds after this save, by its own clock, the store may delete it, as
        :func:`webex_oauth.snapshot_kept_for` says; None: it stays, as somebody is signed in."""
        return self.kept_for if self.kept_for is not None else snapshot_kept_for(self.snapshot)

    def conflict(self, found: Secret | None) -> Secret:
        """What there is in place of what is to be replaced. What is encrypted is nothing that a session without a key
        could take in, nor may it take its place: that is a failure."""
        key_id = None if found is None else snapshot_key_id(found)
        if key_id is not None and not self.sealed_with:
            problem = f'the stored session is sealed with key "{key_id}", and no key was given'
            raise StoreError(problem, kind="sealed", key_id=key_id, why="unknown_key")
        return found or Secret("")


class Records(ABC):
    """A store of sessions, one record for each key. Its calls block.

    It has no clock, takes no lock and does not look into the bytes. Whoever has the same store open, on this machine or
    another one, sees the same records.
    """

    @abstractmethod
    def load(self, key: Key) -> Secret | None:
        """What is stored, exactly as it was saved last; None where there is nothing."""

    @abstractmethod
    def save(self, key: Key, put: Put) -> Secret | None:
        """Stores durably and returns None, if the record is what ``put.replaces`` says. Otherwise changes nothing and
        returns what there is, an empty ``Secret("")`` where there is nothing. Comparing and storing is one step.

        Where ``replaces`` is a revision, nothing is inserted: what was deleted stays deleted. Where it is 0, a revision
        that the deleted record may have had is refused. After an error it may be stored all the same: load, and look.
        """

    @abstractmethod
    def delete(self, key: Key) -> None:
        """Deletes the record and leaves a mark in its place, for a week: whoever has the session open finds that it is
        over. Nothing there is a success."""

    def delete_expired(self, most: int = 1000) -> int:
        """Deletes so many at most of what nobody needs any longer, for good, and returns how many there were: marks of
        what was deleted a week ago, and records whose time has come (:attr:`Put.may_go_after`). Call it once a day or
        so, until it returns less, unless a fleet runs, which does it. Where the database does it by itself it is 0."""
        return 0

    def user(self, tenant: str, user: str) -> UserStore:
        """The session of one user, for a :class:`webex_oauth.Client`. It costs nothing and keeps nothing."""
        return UserStore(self, Key(tenant, user))


class AsyncRecords(ABC):
    """:class:`Records` for asyncio: the same promises. A call that is cancelled may have done its work or not."""

    @abstractmethod
    async def load(self, key: Key) -> Secret | None:
        """See :meth:`Records.load`."""

    @abstractmethod
    async def save(self, key: Key, put: Put) -> Secret | None:
        """See :meth:`Records.save`."""

    @abstractmethod
    async def delete(self, key: Key) -> None:
        """See :meth:`Records.delete`."""

    async def delete_expired(self, most: int = 1000) -> int:
        """See :meth:`Records.delete_expired`."""
        return 0

    def user(self, tenant: str, user: str) -> AsyncUserStore:
        """The session of one user, for a :class:`webex_oauth.AsyncClient`. It costs nothing and keeps nothing."""
        return AsyncUserStore(self, Key(tenant, user))


class UserStore:
    """One record of a store, as a :class:`webex_oauth.Client` takes it."""

    def __init__(self, records: Records, key: Key) -> None:
        self.records, self.key = records, key

    def load(self) -> Secret | None:
        return self.records.load(self.key)

    def save(self, snapshot: Secret, revision: int, replaces: int, due_at: int | None = None) -> Secret | None:
        return self.records.save(self.key, Put(snapshot, revision, replaces, due_at))

    def delete(self) -> None:
        self.records.delete(self.key)

    def __repr__(self) -> str:
        return f"{self.key!r} in {self.records!r}"


class AsyncUserStore:
    """One record of a store, as a :class:`webex_oauth.AsyncClient` takes it."""

    def __init__(self, records: AsyncRecords, key: Key) -> None:
        self.records, self.key = records, key

    async def load(self) -> Secret | None:
        return await self.records.load(self.key)

    async def save(self, snapshot: Secret, revision: int, replaces: int, due_at: int | None = None) -> Secret | None:
        return await self.records.save(self.key, Put(snapshot, revision, replaces, due_at))

    async def delete(self) -> None:
        await self.records.delete(self.key)

    def __repr__(self) -> str:
        return f"{self.key!r} in {self.records!r}"
