"""The clients of many users, for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from ._async_client import AsyncClient
from ._core import snapshot_revision
from ._errors import Closed, StoreError
from ._loop import LoopMailbox, LoopOutbox
from ._loop_jobs import LoopJobs
from ._many import ROUNDS, Ear, Kept, Move, Shared, contended
from ._options import seconds, secret

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Literal

    from typing_extensions import Self, Unpack

    from ._calls import ApiResponse
    from ._clocks import Clock
    from ._core import Config, Event, HttpRequest, HttpResponse, Secret, Status
    from ._events import ClientEvent
    from ._options import LoginSettings
    from .stores import AsyncRecords, Key, Put, Records

__all__ = ["AsyncClients", "AsyncUser"]

T = TypeVar("T")


class AsyncClients:
    """:class:`Clients` for asyncio, with the same options. The store is one whose name begins with ``Async``; any other
    one is used on the threads."""

    def __init__(
        self,
        config: Config,
        store: AsyncRecords | Records,
        *,
        capacity: int = 10_000,
        stale_after: timedelta | float = 5.0,
        threads: int = 2,
        transport: Callable[[HttpRequest], HttpResponse | Awaitable[HttpResponse]] | None = None,
        on_event: Callable[[Key, ClientEvent], object] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.config, self.store = config, store
        self._shared = Shared(lambda listener, crew: LoopOutbox(listener), on_event, transport, clock, threads)
        self._kept: Kept[AsyncClient] = Kept(capacity, seconds(stale_after) or 0.0)
        self._is_closed = False

    def user(self, tenant: str, user: str) -> AsyncUser:
        """One user. Raises StoreError for names that no store could keep."""
        from .stores import Key

        return AsyncUser(self, Key(tenant, user))

    async def client(self, key: Key) -> AsyncClient:
        """The client of a user, which knows what the store held some seconds ago, or now."""
        if self._is_closed:
            raise Closed("the clients are closed")
        client, is_stale = self._kept.find(key)
        if client is None:
            return self._kept.keep(key, _Member(self.config, key, self.store, self._shared))
        if is_stale:
            try:
                await (await client._enter()).glance()
            except StoreError:
                pass  # Told by an event. A token that lives is good, whatever the store does.
        return client

    async def _on(self, key: Key, work: Callable[[AsyncClient], Awaitable[T]]) -> T:
        """See :meth:`Clients._on`."""
        for _ in range(ROUNDS):
            try:
                return await work(await self.client(key))
            except Closed:
                if self._is_closed:
                    raise
        raise Closed("a client was closed again and again")

    async def rebind(self, key: Key, to: Key) -> None:
        """See :meth:`Clients.rebind`."""
        await self._on(key, lambda client: client.token())  # What is newest is stored, and good.
        if key == to:
            return
        await self._drop(key)
        found, there = await self._at_store("load", key), await self._at_store("load", to)
        for _ in range(ROUNDS):
            move = Move(self.config, found)
            if (found := await self._at_store("save", key, move.leaves)) is None:
                break
        else:
            raise contended()
        try:
            await self._arrive(move, to, there)
        finally:
            # Who asked under the old key in between, and who was there before: nothing of theirs is handed out.
            await self._drop(key)
            await self._drop(to)
        await self._clear(key, move.leaves)

    async def _arrive(self, move: Move, to: Key, there: Secret | None) -> None:
        for _ in range(ROUNDS):
            put = move.arrives(there)
            try:
                there = await self._at_store("save", to, put)
            except StoreError:
                # It may have been stored: nobody is to have a session whose key nobody was given.
                await self._clear(to, put)
                raise
            if there is None:
                return
        raise contended()

    async def _clear(self, key: Key, put: Put) -> None:
        """Deletes what was stored, unless it is another's by now. Where that fails it stays: there is nobody's session
        in it."""
        with suppress(StoreError):
            found = await self._at_store("load", key)
            if found is not None and snapshot_revision(found) == put.revision:
                await self._at_store("delete", key)

    async def _drop(self, key: Key) -> None:
        if (client := self._kept.take(key)) is not None:
            await client.close()

    async def _at_store(self, operation: str, *arguments: Any) -> Any:
        """Of one that blocks, on a thread."""
        from .stores import AsyncRecords

        call = getattr(self.store, operation)
        if isinstance(self.store, AsyncRecords):
            return await call(*arguments)
        return await asyncio.to_thread(call, *arguments)

    def forget(self, key: Key) -> None:
        """See :meth:`Clients.forget`."""
        self._kept.take(key, at_rest=True)

    async def close(self, *, timeout: timedelta | float | None = None) -> None:
        """Waits for what is under way, so that no renewed token is lost. The store is left open."""
        self._is_closed = True
        failed: StoreError | None = None
        for client in self._kept.take_all():
            try:
                await client.close(timeout=timeout)
            except StoreError as error:
                failed = error
        self._shared.close()
        if failed is not None:
            raise failed

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<webex_oauth.AsyncClients {self.config.client_id}, {len(self._kept)} kept, {self.store!r}>"


class _Member(AsyncClient):
    """A client that shares what a client needs with others."""

    def __init__(self, config: Config, key: Key, store: AsyncRecords | Records, shared: Shared) -> None:
        self._loop, self._has_begun, self._arrival = None, False, None
        self._calling = shared.transport
        self._outbox = ear = Ear(key, shared)  # type: ignore[assignment]
        self._set_up(
            config,
            LoopJobs,
            ear,
            LoopMailbox,
            store=store.user(key.tenant, key.user),
            transport=shared.transport,
            refresh_callback=None,
            jwt_callback=None,
            clock=shared.clock,
            start=shared.crew.start,
            start_at_store=shared.store_crew.start,
        )


class AsyncUser:
    """One of many users. What is not here is done by its :meth:`client`."""

    __slots__ = ("_clients", "key")

    def __init__(self, clients: AsyncClients, key: Key) -> None:
        self._clients, self.key = clients, key

    async def client(self) -> AsyncClient:
        """An :class:`AsyncClient` for the moment: ``httpx.AsyncClient(auth=await user.client())``. Do not keep it."""
        return await self._clients.client(self.key)

    async def _on(self, work: Callable[[AsyncClient], Awaitable[T]]) -> T:
        return await self._clients._on(self.key, work)

    async def token(self, *, timeout: timedelta | float | None = None) -> str:
        """See :meth:`Client.token`."""
        return await self._on(lambda client: client.token(timeout=timeout))

    async def authorization_header(self, *, timeout: timedelta | float | None = None) -> str:
        """See :meth:`Client.authorization_header`."""
        return await self._on(lambda client: client.authorization_header(timeout=timeout))

    async def begin_login(self, **options: Unpack[LoginSettings]) -> str:
        """See :meth:`Client.begin_login`. Any node completes it."""
        return await self._on(lambda client: client.begin_login(**options))

    async def complete_login(
        self, callback: str | Secret, *, timeout: timedelta | float | None = None
    ) -> Event.SignedIn:
        """See :meth:`Client.complete_login`. Any node may have begun it. Then :meth:`rebind`."""
        callback = secret(callback)
        # Another node may have completed it a moment ago, and given the session another key: then its code is spent.
        self._clients.forget(self.key)
        return await self._on(lambda client: client.complete_login(callback, timeout=timeout))

    async def rebind(self, tenant: str, user: str) -> AsyncUser:
        """See :meth:`Clients.rebind`. Returns the user under the new key."""
        moved = self._clients.user(tenant, user)
        await self._clients.rebind(self.key, moved.key)
        return moved

    async def sign_out(
        self,
        *,
        revoke: bool = True,
        logout: Literal["nothing", "browser", "post"] = "nothing",
        goto: str | None = None,
    ) -> str | None:
        """See :meth:`Client.sign_out`. The other nodes notice within ``stale_after``."""
        return await self._on(lambda client: client.sign_out(revoke=revoke, logout=logout, goto=goto))

    async def call(
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
        return await self._on(
            lambda client: client.call(
                url, method=method, headers=headers, body=body, json=json, timeout=timeout, max_wait=max_wait
            )
        )

    async def status(self) -> Status:
        """See :meth:`Client.status`."""
        client = await self.client()
        await client._enter()
        return client.status()

    def __repr__(self) -> str:
        return f"<webex_oauth.AsyncUser {self.key!r}>"
