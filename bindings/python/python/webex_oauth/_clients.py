"""The clients of many users, for programs that block."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from ._client import Client
from ._core import snapshot_revision
from ._errors import Closed, StoreError
from ._events import Outbox
from ._jobs import Jobs
from ._many import ROUNDS, Ear, Kept, Move, Shared, contended
from ._operations import run
from ._options import seconds, secret
from ._waiting import ThreadMailbox

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Literal

    from typing_extensions import Self, Unpack

    from ._calls import ApiResponse
    from ._clocks import Clock
    from ._core import Config, Event, HttpRequest, HttpResponse, Secret, Status
    from ._events import ClientEvent
    from ._options import LoginSettings
    from .stores import Key, Put, Records

__all__ = ["Clients", "User"]

T = TypeVar("T")


class Clients:
    """Authorization for a service: the sessions of any number of users in one store (:mod:`webex_oauth.stores`).

    :meth:`user` costs nothing and keeps nothing. The clients of the ``capacity`` users that were active last are kept
    in memory; each looks into the store again after ``stale_after`` seconds, so that a sign-out on another node is
    noticed. All of them together have ``threads`` threads, two at least, for requests, which may have another one each
    while they connect, as many for the store and for the listener, and one that keeps the time; each only while there
    is something to do. Where requests hang, or the store does, a few more are begun. Safe to share between threads.

    ``on_event(key, event)`` is called with every event of any of them.
    """

    def __init__(
        self,
        config: Config,
        store: Records,
        *,
        capacity: int = 10_000,
        stale_after: timedelta | float = 5.0,
        threads: int = 2,
        transport: Callable[[HttpRequest], HttpResponse] | None = None,
        on_event: Callable[[Key, ClientEvent], object] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.config, self.store = config, store
        # The listener is told on one of the threads: it may use the clients, as there is another one.
        self._shared = Shared(lambda listener, crew: Outbox(listener, crew.start), on_event, transport, clock, threads)
        self._kept: Kept[Client] = Kept(capacity, seconds(stale_after) or 0.0)
        self._is_closed = False

    def user(self, tenant: str, user: str) -> User:
        """One user. Raises StoreError for names that no store could keep."""
        from .stores import Key

        return User(self, Key(tenant, user))

    def client(self, key: Key) -> Client:
        """The client of a user, which knows what the store held some seconds ago, or now."""
        if self._is_closed:
            raise Closed("the clients are closed")
        client, is_stale = self._kept.find(key)
        if client is None:
            return self._kept.keep(key, _Member(self.config, key, self.store, self._shared))
        if is_stale:
            try:
                run(client._operations.glance())
            except StoreError:
                pass  # Told by an event. A token that lives is good, whatever the store does.
        return client

    def _on(self, key: Key, work: Callable[[Client], T]) -> T:
        """With the client of a user. One that is closed, as its session got another key at this moment, does
        nothing more: the next one knows what the store holds now."""
        for _ in range(ROUNDS):
            try:
                return work(self.client(key))
            except Closed:
                if self._is_closed:
                    raise
        raise Closed("a client was closed again and again")

    def rebind(self, key: Key, to: Key) -> None:
        """Gives a session another key, and takes the place of whatever is there: call it when a login is completed, so
        that nobody who knew the key before it has the session after it.

        Raises :class:`SignInRequired` where nobody is signed in under ``key``, or another node was faster: of all that
        rebind a session at the same moment one does. A :class:`StoreError` of kind ``busy`` says that another node
        renews it now: nothing has changed, try again. Where the store fails half way the session is gone, and the user
        signs in again. To its own key it stays where it is.
        """
        self._on(key, Client.token)  # What is newest is stored, and good.
        if key == to:
            return
        self._drop(key)
        found, there = self.store.load(key), self.store.load(to)
        for _ in range(ROUNDS):
            move = Move(self.config, found)
            if (found := self.store.save(key, move.leaves)) is None:
                break
        else:
            raise contended()
        try:
            self._arrive(move, to, there)
        finally:
            # Who asked under the old key in between, and who was there before: nothing of theirs is handed out.
            self._drop(key)
            self._drop(to)
        self._clear(key, move.leaves)

    def _arrive(self, move: Move, to: Key, there: Secret | None) -> None:
        for _ in range(ROUNDS):
            put = move.arrives(there)
            try:
                there = self.store.save(to, put)
            except StoreError:
                # It may have been stored: nobody is to have a session whose key nobody was given.
                self._clear(to, put)
                raise
            if there is None:
                return
        raise contended()

    def _clear(self, key: Key, put: Put) -> None:
        """Deletes what was stored, unless it is another's by now. Where that fails it stays: there is nobody's session
        in it."""
        with suppress(StoreError):
            found = self.store.load(key)
            if found is not None and snapshot_revision(found) == put.revision:
                self.store.delete(key)

    def _drop(self, key: Key) -> None:
        if (client := self._kept.take(key)) is not None:
            client.close()

    def forget(self, key: Key) -> None:
        """Takes a user out of memory: whoever comes next finds what the store holds then. Who has something under way
        is kept."""
        self._kept.take(key, at_rest=True)

    def close(self, *, timeout: timedelta | float | None = None) -> None:
        """Waits for what is under way, so that no renewed token is lost. The store is left open."""
        self._is_closed = True
        failed: StoreError | None = None
        for client in self._kept.take_all():
            try:
                client.close(timeout=timeout)
            except StoreError as error:
                failed = error
        self._shared.close()
        if failed is not None:
            raise failed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<webex_oauth.Clients {self.config.client_id}, {len(self._kept)} kept, {self.store!r}>"


class _Member(Client):
    """A client that shares what a client needs with others."""

    def __init__(self, config: Config, key: Key, store: Records, shared: Shared) -> None:
        self._calling = shared.transport
        self._set_up(
            config,
            Jobs,
            Ear(key, shared),
            ThreadMailbox,
            store=store.user(key.tenant, key.user),
            transport=shared.transport,
            refresh_callback=None,
            jwt_callback=None,
            clock=shared.clock,
            start=shared.crew.start,
            start_at_store=shared.store_crew.start,
        )
        self._executor.wake()


class User:
    """One of many users. What is not here is done by its :attr:`client`."""

    __slots__ = ("_clients", "key")

    def __init__(self, clients: Clients, key: Key) -> None:
        self._clients, self.key = clients, key

    @property
    def client(self) -> Client:
        """A :class:`Client` for the moment: ``requests.get(url, auth=user.client)``. Do not keep it."""
        return self._clients.client(self.key)

    def _on(self, work: Callable[[Client], T]) -> T:
        return self._clients._on(self.key, work)

    def token(self, *, timeout: timedelta | float | None = None) -> str:
        """See :meth:`Client.token`."""
        return self._on(lambda client: client.token(timeout=timeout))

    def authorization_header(self, *, timeout: timedelta | float | None = None) -> str:
        """See :meth:`Client.authorization_header`."""
        return self._on(lambda client: client.authorization_header(timeout=timeout))

    def begin_login(self, **options: Unpack[LoginSettings]) -> str:
        """See :meth:`Client.begin_login`. Any node completes it."""
        return self._on(lambda client: client.begin_login(**options))

    def complete_login(self, callback: str | Secret, *, timeout: timedelta | float | None = None) -> Event.SignedIn:
        """See :meth:`Client.complete_login`. Any node may have begun it. Then :meth:`rebind`."""
        callback = secret(callback)
        # Another node may have completed it a moment ago, and given the session another key: then its code is spent.
        self._clients.forget(self.key)
        return self._on(lambda client: client.complete_login(callback, timeout=timeout))

    def rebind(self, tenant: str, user: str) -> User:
        """See :meth:`Clients.rebind`. Returns the user under the new key."""
        moved = self._clients.user(tenant, user)
        self._clients.rebind(self.key, moved.key)
        return moved

    def sign_out(
        self,
        *,
        revoke: bool = True,
        logout: Literal["nothing", "browser", "post"] = "nothing",
        goto: str | None = None,
    ) -> str | None:
        """See :meth:`Client.sign_out`. The other nodes notice within ``stale_after``."""
        return self._on(lambda client: client.sign_out(revoke=revoke, logout=logout, goto=goto))

    def call(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
        json: object = None,
        timeout: timedelta | float = 60.0,
        max_wait: timedelta | float = 60.0,
    ) -> ApiResponse:
        """See :meth:`Client.call`."""
        return self._on(
            lambda client: client.call(
                url, method=method, headers=headers, body=body, json=json, timeout=timeout, max_wait=max_wait
            )
        )

    def status(self) -> Status:
        """See :meth:`Client.status`."""
        return self.client.status()

    def __repr__(self) -> str:
        return f"<webex_oauth.User {self.key!r}>"
