"""The clients of many users, for programs that block."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from ._client import Client
from ._errors import Closed, Error, RestoreError, StoreError
from ._events import Outbox
from ._in_time import no_coroutines
from ._jobs import Jobs
from ._many import Ear, Kept, Moving, Shared, is_of_a_record_nobody_can_open
from ._operations import run
from ._options import seconds, secret
from ._waiting import ThreadMailbox

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Literal

    from typing_extensions import Self, Unpack

    from ._calls import ApiResponse
    from ._clocks import Clock
    from ._core import Config, HttpRequest, HttpResponse, Secret, Status
    from ._events import ClientEvent
    from ._options import LoginSettings
    from ._signed_in import SignedIn
    from .stores import Key, Records

__all__ = ["Clients", "User"]


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
        no_coroutines(transport)
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

    def rebind(self, key: Key, to: Key) -> None:
        """Gives a session another key, and takes the place of whatever is there: call it when a login is completed, so
        that nobody who knew the key before it has the session after it.

        While another node renews it this waits, also for one that is no more: then it is renewed here. Whoever uses the
        user's client meanwhile is not disturbed.

        Raises :class:`SignInRequired` where nobody is signed in under ``key``, or another node was faster: of all that
        rebind a session at the same moment one does. A :class:`StoreError` of kind ``busy`` says that a renewal does
        not end: nothing has changed, try again. Where the store fails half way the session is gone, and the user signs
        in again. To its own key it stays where it is.
        """
        client = self.client(key)
        client.token()
        if key == to:
            return
        client.flush()  # What is newest is stored, and nothing of our own is under way.
        del client
        try:
            self._move(key, to)
        except StoreError as error:
            if not error.is_busy:
                raise
            client = self.client(key)
            with suppress(Error):  # Whatever it comes to: what the store holds then is what counts.
                client.refresh()
            client.flush()
            del client
            self._move(key, to)

    def _move(self, key: Key, to: Key) -> None:
        self._kept.take(key)
        moving = Moving(self.config, key, to)
        try:
            while (step := moving.step()) is not None:
                name, arguments = step
                try:
                    answer = getattr(self.store, name)(*arguments)
                except Exception as error:
                    moving.failed(error)
                else:
                    moving.done(answer)
        finally:
            # Somebody may have asked under the old key in between, and somebody else may have been there under the new
            # one. Whoever waits for what was there is told, or given what is there now.
            for client in [self._kept.take(key), self._kept.take(to)]:
                with suppress(Error):
                    if client is not None:
                        run(client._operations.glance())

    def delete(self, key: Key) -> None:
        """Removes a user for good: signs out, revokes the tokens, waits a few seconds for that, and deletes the record.
        What cannot be opened, for it is encrypted, damaged or of a newer version, is deleted without that, and its
        tokens live until they end. Other nodes notice when they look again. Nobody there is a success. A success says
        that the record is deleted, not that the server has taken the tokens back. For a user who comes back
        :meth:`User.sign_out` is enough.

        Raises :class:`RestoreError` where the record is another client's, which is left as it is; :class:`StoreError`
        where it is not known to be deleted: do it again. The tokens may be revoked already.
        """
        try:
            client = self.client(key)
        except (RestoreError, StoreError) as error:
            if not is_of_a_record_nobody_can_open(error):
                raise
        else:
            # What the store says to that does not matter: the record goes next, and nothing of our own comes after it.
            with suppress(Error):
                client.sign_out()
            with suppress(Error):
                client.flush()
            del client
        self._kept.take(key)
        try:
            self.store.delete(key)
        finally:
            # Who came in between learns of it.
            with suppress(Error):
                if (late := self._kept.take(key)) is not None:
                    run(late._operations.glance())

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

    def token(self, *, timeout: timedelta | float | None = None) -> str:
        """See :meth:`Client.token`."""
        return self.client.token(timeout=timeout)

    def authorization_header(self, *, timeout: timedelta | float | None = None) -> str:
        """See :meth:`Client.authorization_header`."""
        return self.client.authorization_header(timeout=timeout)

    def begin_login(self, **options: Unpack[LoginSettings]) -> str:
        """See :meth:`Client.begin_login`. Any node completes it."""
        return self.client.begin_login(**options)

    def complete_login(self, callback: str | Secret, *, timeout: timedelta | float | None = None) -> SignedIn:
        """See :meth:`Client.complete_login`. Any node may have begun it. Then :meth:`rebind`."""
        callback = secret(callback)
        # Another node may have completed it a moment ago, and given the session another key: then its code is spent.
        self._clients.forget(self.key)
        return self.client.complete_login(callback, timeout=timeout)

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
        return self.client.sign_out(revoke=revoke, logout=logout, goto=goto)

    def delete(self) -> None:
        """See :meth:`Clients.delete`: the user is removed for good."""
        self._clients.delete(self.key)

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
        return self.client.call(
            url, method=method, headers=headers, body=body, json=json, timeout=timeout, max_wait=max_wait
        )

    def status(self) -> Status:
        """See :meth:`Client.status`."""
        return self.client.status()

    def __repr__(self) -> str:
        return f"<webex_oauth.User {self.key!r}>"
