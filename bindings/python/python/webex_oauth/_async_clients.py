"""The clients of many users, for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ._async_client import AsyncClient
from ._errors import Closed, Error, RestoreError, StoreError
from ._loop import LoopMailbox, LoopOutbox
from ._loop_jobs import LoopJobs
from ._many import Ear, Kept, Moving, Shared, is_of_a_record_nobody_can_open
from ._options import seconds, secret
from ._transport import release

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
    from .stores import AsyncRecords, Key, Records

__all__ = ["AsyncClients", "AsyncUser"]


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
        self._moving: set[asyncio.Task[None]] = set()

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

    async def rebind(self, key: Key, to: Key) -> None:
        """See :meth:`Clients.rebind`."""
        client = await self.client(key)
        await client.token()
        if key == to:
            return
        await client.flush()  # What is newest is stored, and nothing of our own is under way.
        del client
        try:
            await self._in_full(self._move(key, to))
        except StoreError as error:
            if not error.is_busy:
                raise
            client = await self.client(key)
            with suppress(Error):  # Whatever it comes to: what the store holds then is what counts.
                await client.refresh()
            await client.flush()
            del client
            await self._in_full(self._move(key, to))

    async def _in_full(self, work: Coroutine[Any, Any, None]) -> None:
        """Whoever has asked for it may be cancelled, as where a browser hangs up; a session does not stay half way."""
        task = asyncio.ensure_future(work)
        # The loop keeps no hold of its tasks.
        self._moving.add(task)
        task.add_done_callback(self._moving.discard)
        await asyncio.shield(task)

    async def _move(self, key: Key, to: Key) -> None:
        self._kept.take(key)
        moving = Moving(self.config, key, to)
        try:
            while (step := moving.step()) is not None:
                name, arguments = step
                try:
                    answer = await self._at_store(name, *arguments)
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
                        await (await client._enter()).glance()

    async def _at_store(self, operation: str, *arguments: Any) -> Any:
        """Of one that blocks, on a thread."""
        from .stores import AsyncRecords

        call = getattr(self.store, operation)
        if isinstance(self.store, AsyncRecords):
            return await call(*arguments)
        return await asyncio.to_thread(call, *arguments)

    async def delete(self, key: Key) -> None:
        """See :meth:`Clients.delete`."""
        await self._in_full(self._delete(key))

    async def _delete(self, key: Key) -> None:
        try:
            client = await self.client(key)
            await client._enter()
        except (RestoreError, StoreError) as error:
            if not is_of_a_record_nobody_can_open(error):
                raise
        else:
            # What the store says to that does not matter: the record goes next, and nothing of our own comes after it.
            with suppress(Error):
                await client.sign_out()
            with suppress(Error):
                await client.flush()
            del client
        self._kept.take(key)
        try:
            await self._at_store("delete", key)
        finally:
            # Who came in between learns of it.
            with suppress(Error):
                if (late := self._kept.take(key)) is not None:
                    await (await late._enter()).glance()

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
        await release(self._shared.transport)
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

    async def token(self, *, timeout: timedelta | float | None = None) -> str:
        """See :meth:`Client.token`."""
        return await (await self.client()).token(timeout=timeout)

    async def authorization_header(self, *, timeout: timedelta | float | None = None) -> str:
        """See :meth:`Client.authorization_header`."""
        return await (await self.client()).authorization_header(timeout=timeout)

    async def begin_login(self, **options: Unpack[LoginSettings]) -> str:
        """See :meth:`Client.begin_login`. Any node completes it."""
        return await (await self.client()).begin_login(**options)

    async def complete_login(self, callback: str | Secret, *, timeout: timedelta | float | None = None) -> SignedIn:
        """See :meth:`Client.complete_login`. Any node may have begun it. Then :meth:`rebind`."""
        callback = secret(callback)
        # Another node may have completed it a moment ago, and given the session another key: then its code is spent.
        self._clients.forget(self.key)
        return await (await self.client()).complete_login(callback, timeout=timeout)

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
        return await (await self.client()).sign_out(revoke=revoke, logout=logout, goto=goto)

    async def delete(self) -> None:
        """See :meth:`Clients.delete`: the user is removed for good."""
        await self._clients.delete(self.key)

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
        return await (await self.client()).call(
            url, method=method, headers=headers, body=body, json=json, timeout=timeout, max_wait=max_wait
        )

    async def status(self) -> Status:
        """See :meth:`Client.status`."""
        client = await self.client()
        await client._enter()
        return client.status()

    def __repr__(self) -> str:
        return f"<webex_oauth.AsyncUser {self.key!r}>"
