"""The drivers' side of conformance/scenarios, for `Client` and `AsyncClient`: lines in, calls, lines out.

usage: harness.py client|async-client|httpx-client

It decides nothing and checks nothing. The commands are written once; what a command waits for is a coroutine for the
one client and a blocking call for the other.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import webex_oauth
from read import Json, bounds, refresh_policy, same, some, span
from webex_oauth import (
    AsyncClient,
    Client,
    ClientEvent,
    Config,
    Error,
    FileStore,
    MemoryStore,
    Phase,
    Provider,
    StoreError,
)

_stdout = threading.Lock()


def say(line: Json) -> None:
    with _stdout:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


async def result_of(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


class Opened:
    """A client and what it was opened with."""

    def __init__(self, client: Any, events: list[ClientEvent], limits: Json) -> None:
        self.client, self.events, self.limits = client, events, limits

    @property
    def timeout(self) -> Json:
        return {"timeout": self.limits.get("patience", 60.0)}


class Harness:
    """What the commands share."""

    def __init__(self, kind: Callable[..., Client | AsyncClient], name: str) -> None:
        self.kind, self.name = kind, name
        self.clients: dict[str, Opened] = {}
        self.memories: dict[str, MemoryStore] = {}
        self.running: dict[int, asyncio.Task[None]] = {}
        self.ahead = 0

    def now(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead

    # ------------------------------------------------------------------------------------------------------- commands

    async def run(self, command: Json) -> None:
        id = command["id"]
        try:
            say({"id": id, "ok": await self.answer(command)})
        except NotImplementedError:
            say({"id": id, "error": {"kind": "unsupported", "text": command["do"]}})
        except asyncio.CancelledError:
            say({"id": id, "error": {"kind": "cancelled", "text": "cancelled"}})
        except Exception as error:
            say({"id": id, "error": self.error(error)})

    async def answer(self, command: Json) -> Json:
        match command["do"]:
            case "hello":
                return {"driver": self.name, "protocol": 1}
            case "clock":
                self.ahead += command["advance"]
                return {}
            case "open":
                self.clients[command["client"]] = self.open(command)
                return {}
            case "cancel":
                return self.cancel(command["of"])
            case name:
                return await self.use(name, self.clients[command["client"]], command)

    async def use(self, name: str, opened: Opened, command: Json) -> Json:
        client, timeout = opened.client, opened.timeout
        match name:
            case "close":
                await result_of(client.close())
            case "status":
                return self.status(client)
            case "events":
                told, opened.events[:] = opened.events[:], []
                return {"events": [{"name": event.name, "text": repr(event)} for event in told]}
            case "adopt":
                await result_of(client.adopt(command["tokens"]))
            case "begin_login":
                options = some(command, flow=same, redirect_uri=same, scope=same)
                return {"url": await result_of(client.begin_login(**options))}
            case "complete_login":
                await result_of(client.complete_login(command["callback"], **timeout))
            case "cancel_login":
                await result_of(client.cancel_login(**some(command, of=same, under_way=same)))
            case "login_device":
                await result_of(client.device_login(command.get("scope"), show=lambda prompt: None))
            case "login_jwt":
                await result_of(client.guest(command["jwt"], **timeout))
            case "login_client_credentials":
                await result_of(client.client_credentials(command.get("scope"), **timeout))
            case "login_guest":
                guest = (command["service_token"], command["subject"], command["display_name"])
                await result_of(client.service_guest(*guest, **timeout))
            case "login_browser":
                await result_of(self.login_browser(client, command))
            case "token":
                return await self.many(command, lambda: client.token(**timeout), lambda token: {"token": token})
            case "user_token":
                scope = command["scope"]
                return await self.many(
                    command, lambda: client.user_token(scope, **timeout), lambda token: {"token": token}
                )
            case "call":
                return await self.many(command, lambda: self.call(opened, command), self.answered)
            case "refresh":
                await result_of(client.refresh(**timeout))
            case "services":
                found = await result_of(client.services(max_age=command["max_age"] / 1000))
                return {"services": {name: found.url(name) for name in found.names()}}
            case "sign_out":
                url = await result_of(client.sign_out(**some(command, revoke=same, logout=same)))
                return {} if url is None else {"url": url}
            case _:
                raise ValueError(f"no such command: {name}")
        return {}

    def open(self, command: Json) -> Opened:
        given, store = command["config"], command.get("store") or {}
        settings = some(
            given,
            client_secret=same,
            redirect_uri=same,
            scope=same,
            renewal=same,
            request_timeout=span,
            login_lifetime=span,
            refresh=refresh_policy,
            retry_after=bounds,
        )
        config = Config(given["client_id"], provider=Provider.webex_at(given["base_url"]), **settings)
        kept: FileStore | MemoryStore | None = None
        if "file" in store:
            kept = FileStore(store["file"])
        elif "memory" in store:
            kept = self.memories.setdefault(store["memory"], MemoryStore())
        events: list[ClientEvent] = []
        host = answers(command.get("host") or [])
        client = self.kind(
            config,
            store=kept,
            on_event=events.append,
            refresh_callback=lambda ask: host(),
            jwt_callback=host,
            clock=self.now,
        )
        return Opened(client, events, some(command, patience=lambda ms: ms / 1000, max_wait=lambda ms: ms / 1000))

    def login_browser(self, client: Any, command: Json) -> Any:
        return client.login(
            open_browser=lambda url: say({"id": command["id"], "url": url}),
            timeout=span(command.get("limit", 20_000)),
            redirect_uri=command.get("redirect_uri"),
        )

    def call(self, opened: Opened, command: Json) -> Any:
        return opened.client.call(
            command["url"],
            **some(command, method=same, headers=same, body=same),
            **opened.timeout,
            **some(opened.limits, max_wait=same),
        )

    def answered(self, response: webex_oauth.ApiResponse) -> Json:
        line: Json = {"status": response.status, "body": response.text, "headers": response.headers}
        if response.refresh_error is not None:
            line["refresh_error"] = self.error(response.refresh_error)
        return line

    async def many(self, command: Json, ask: Callable[[], Any], show: Callable[[Any], Json]) -> Json:
        """So many callers at the same time."""
        return {"results": await self.all_of(command.get("times", 1), lambda: self.one(ask, show))}

    async def one(self, ask: Callable[[], Any], show: Callable[[Any], Json]) -> Json:
        try:
            return show(await result_of(ask()))
        except Error as error:
            return {"error": self.error(error)}

    async def all_of(self, times: int, one: Callable[[], Coroutine[Any, Any, Json]]) -> list[Json]:
        raise NotImplementedError

    def cancel(self, of: int) -> Json:
        raise NotImplementedError

    # --------------------------------------------------------------------------------------------------------- results

    def status(self, client: Any) -> Json:
        status = client.status()
        phases = {Phase.SignedOut: "signed_out", Phase.SigningIn: "signing_in", Phase.SignedIn: "signed_in"}
        return {
            "phase": phases[type(status.phase)],
            "can_authorize": status.can_authorize,
            "can_refresh": status.can_refresh,
            "generation": status.generation,
        }

    def error(self, error: Exception) -> Json:
        text = str(error) if isinstance(error, Error) else repr(error)
        for kind, name in KINDS:
            if isinstance(error, kind):
                return {"kind": name, "text": text, **self.more(error)}
        return {"kind": "other", "text": text}

    def more(self, error: Exception) -> Json:
        match error:
            case webex_oauth.RefreshFailed(retry_at=at) | webex_oauth.DownscopeFailed(retry_at=at) if at is not None:
                return {"retry_in": int(at.timestamp() * 1000) - self.now()}
            case webex_oauth.LoginFailed(fault=fault):
                return {} if fault.code is None else {"code": fault.code}
            case webex_oauth.CallbackIgnored(reason=reason):
                return {"reason": reason}
            case webex_oauth.CallFailed(__cause__=webex_oauth.TransportError(fault=fault)):
                return {"fault": fault}
            case _:
                return {}


KINDS: list[tuple[type[Exception], str]] = [
    (webex_oauth.SignInRequired, "sign_in_required"),
    (webex_oauth.RefreshFailed, "unavailable"),
    (webex_oauth.DownscopeFailed, "unavailable"),
    (webex_oauth.LoginFailed, "login_failed"),
    (webex_oauth.CallbackIgnored, "callback_ignored"),
    (webex_oauth.LoginCancelled, "login_cancelled"),
    (webex_oauth.LoginSuperseded, "login_superseded"),
    (webex_oauth.TimedOut, "timeout"),
    (webex_oauth.Closed, "closed"),
    (webex_oauth.ConfigError, "config"),
    (webex_oauth.Misuse, "misuse"),
    (webex_oauth.StoreError, "store"),
    (webex_oauth.RestoreError, "store"),
    (webex_oauth.CallFailed, "call"),
]


def answers(left: list[str | None]) -> Callable[[], str]:
    """The host's answers, one after the other, the last one again and again."""

    def answer() -> str:
        found = left.pop(0) if len(left) > 1 else next(iter(left), None)
        if found is None:
            raise LookupError("the host has none")
        return found

    return answer


class ThreadHarness(Harness):
    """Every command on a thread of its own."""

    async def all_of(self, times: int, one: Callable[[], Coroutine[Any, Any, Json]]) -> list[Json]:
        with ThreadPoolExecutor(times) as pool:
            return list(pool.map(lambda _: step(one()), range(times)))


class TaskHarness(Harness):
    """Every command in a task of its own."""

    async def all_of(self, times: int, one: Callable[[], Coroutine[Any, Any, Json]]) -> list[Json]:
        return list(await asyncio.gather(*(one() for _ in range(times))))

    def cancel(self, of: int) -> Json:
        self.running[of].cancel()
        return {}


def step(work: Coroutine[Any, Any, Any]) -> Any:
    """A coroutine that waits for nothing but blocking calls."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("a blocking client must not suspend")


def main_threads() -> None:
    harness = ThreadHarness(Client, "python")
    threads = []
    for line in sys.stdin:
        threads.append(threading.Thread(target=lambda command: step(harness.run(command)), args=(json.loads(line),)))
        threads[-1].start()
    for opened in list(harness.clients.values()):
        with suppress(StoreError):
            opened.client.close()
    for thread in threads:
        thread.join()


def over_httpx(config: Config, **settings: Any) -> AsyncClient:
    import webex_oauth.httpx

    return AsyncClient(config, transport=webex_oauth.httpx.Transport(), **settings)


async def main_tasks(harness: TaskHarness) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        command = json.loads(line)
        task = asyncio.ensure_future(harness.run(command))
        harness.running[command["id"]] = task
    for opened in list(harness.clients.values()):
        with suppress(StoreError):
            await opened.client.close()


if __name__ == "__main__":
    match sys.argv[1]:
        case "client":
            main_threads()
        case "async-client":
            asyncio.run(main_tasks(TaskHarness(AsyncClient, "python-async")))
        case "httpx-client":
            asyncio.run(main_tasks(TaskHarness(over_httpx, "python-httpx")))
