"""`webex_oauth.httpx.Transport`: what it takes from an application's client, and where it is accepted. What all
transports have to do is in `test_transport.py` and `test_proxies.py`."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import ssl
from collections.abc import Coroutine
from typing import Any

import httpcore
import httpx
import pytest
import trustme
import webex_oauth
from conftest import Simulator
from test_discover import server  # noqa: F401
from test_transport import _no_proxies, answering, fault_of  # noqa: F401
from webex_oauth import AsyncClient, AsyncClients, CallFailed, Client, Clients, Config, InvalidArgument, TransportError
from webex_oauth.httpx import Transport
from webex_oauth.stores import AsyncSqliteStore, SqliteStore
from wire import Wire, ok, says


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 30))


async def call(url: str, transport: Transport, **more: Any) -> webex_oauth.ApiResponse:
    async with AsyncClient(Config("C1"), transport=transport) as client:
        return await client.call(url, timeout=5, **more)


# ------------------------------------------------------------------------------------- a client of the application


class Signing(httpx.Auth):
    def auth_flow(self, request: httpx.Request) -> Any:
        request.headers["Authorization"] = "Basic of the application"
        yield request


def test_nothing_of_an_applications_client_changes_what_goes_out() -> None:
    async def hook(what: Any) -> None:
        raise AssertionError("a hook was told")

    async def main(wire: Wire) -> httpx.AsyncClient:
        async with httpx.AsyncClient(
            auth=Signing(),
            headers={"X-Default": "1", "User-Agent": "app"},
            cookies={"session": "of-the-application"},
            params={"key": "value"},
            base_url="http://127.0.0.1:1/base",
            event_hooks={"request": [hook], "response": [hook]},
            follow_redirects=True,
            timeout=0.0001,
        ) as http:
            found = await call(wire.url + "a%2Fb?c", Transport(http), headers={"Authorization": "mine"})
            assert (found.status, found.headers["location"]) == (302, "/other")
            assert not http.is_closed and dict(http.cookies) == {"session": "of-the-application"}
            assert http.event_hooks == {"request": [hook], "response": [hook]}
            return http

    answer = b"HTTP/1.1 302 Found\r\nLocation: /other\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    with Wire(says(answer)) as wire:
        http = run(main(wire))
        with pytest.raises(CallFailed, match="is closed") as caught:
            run(call(wire.url, Transport(http)))
    assert fault_of(caught) == "not_sent"
    [head] = wire.heads
    lines = head.removesuffix("\r\n\r\n").split("\r\n")
    assert lines[0] == "GET /a%2Fb?c HTTP/1.1"
    assert dict(line.split(": ") for line in lines[1:]) == {
        "Accept-Encoding": "gzip",
        "User-Agent": "webex-oauth-python",
        "Host": f"127.0.0.1:{wire.port}",
        "Authorization": "mine",
    }


def test_an_applications_client_carries_grants_too(simulator: Simulator) -> None:
    async def main() -> None:
        async def note(request: httpx.Request) -> httpx.Response:
            seen.append(request.url.path)
            return await inner.handle_async_request(request)

        seen: list[str] = []
        inner = httpx.AsyncHTTPTransport()
        async with inner, httpx.AsyncClient(transport=httpx.MockTransport(note)) as http:
            async with AsyncClient(simulator.config(), transport=Transport(http)) as client:
                await client.complete_login(simulator.approve(await client.begin_login()))
                assert (await client.call(simulator.url())).status == 200
        assert seen == ["/v1/access_token", "/v1/people/me"]

    run(main())


@pytest.mark.parametrize(
    ("error", "fault"),
    [(httpx.ConnectError, "not_sent"), (httpx.ReadError, "lost"), (OSError, "lost"), (httpx.ReadTimeout, "lost")],
)
def test_of_a_transport_that_does_not_tell_what_it_does_the_worst_is_thought(
    error: type[Exception], fault: str
) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("with at-secret in it")

    async def main() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(fail)) as http:
            with pytest.raises(CallFailed) as caught:
                await call("http://127.0.0.1/", Transport(http))
        assert fault_of(caught) == fault and "at-secret" not in str(caught.value)
        assert caught.value.__cause__ is not None and caught.value.__cause__.__context__ is None

    run(main())


@pytest.mark.parametrize(
    ("events", "fault"),
    [
        (["http2.send_request_headers.started"], "lost"),
        (["http11.send_request_headers.started", "http11.send_request_headers.failed"], "not_sent"),
        (["connection.connect_tcp.started"], "not_sent"),
        ([], "lost"),
    ],
)
def test_what_cannot_be_written_down_was_not_sent_where_nothing_was_before(events: list[str], fault: str) -> None:
    """HTTP/2 may find out late."""

    async def fail(request: httpx.Request) -> httpx.Response:
        error = httpcore.LocalProtocolError()
        for event in events:
            info = {"request": httpcore.Request("GET", "http://127.0.0.1/"), "exception": error}
            await request.extensions["trace"](event, info)
        raise httpx.LocalProtocolError("no") from error

    async def main() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(fail)) as http:
            with pytest.raises(CallFailed) as caught:
                await call("http://127.0.0.1/", Transport(http))
        assert fault_of(caught) == fault

    run(main())


# ------------------------------------------------------------------------------------------- connections and loops


def test_one_transport_has_connections_of_each_loop_and_grants_have_their_own(simulator: Simulator) -> None:
    transport = Transport()

    async def main(wire: Wire) -> None:
        async with AsyncClient(Config("C1"), transport=transport) as client:
            for _ in range(3):
                assert (await client.call(wire.url, timeout=5)).body == b"hello"

    for times in (1, 2):
        wire = Wire(lambda connection: script(connection))  # noqa: B023
        script = answering(10, b"".join(ok(b"hello")))(wire)
        with wire:
            run(main(wire))
        assert wire.accepted == 1, times
    gc.collect()


def test_closing_one_client_leaves_the_calls_of_another_alone() -> None:
    async def main() -> None:
        transport, released = Transport(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def script(connection: socket.socket) -> None:
            asyncio.run_coroutine_threadsafe(released.wait(), loop).result(10)
            says(*ok(b"hello"))(connection)

        with Wire(script) as wire:
            first, second = (AsyncClient(Config("C1"), transport=transport) for _ in range(2))
            under_way = asyncio.ensure_future(first.call(wire.url, timeout=10))
            while not wire.heads:
                await asyncio.sleep(0.01)
            await second.close()
            released.set()
            assert (await under_way).body == b"hello"
            assert (await first.call(wire.url, timeout=10)).body == b"hello"
            await first.close()

    run(main())


def test_a_call_that_is_cancelled_leaves_no_connection_and_no_task() -> None:
    async def main() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()

        def script(connection: socket.socket) -> None:
            assert connection.recv(1) == b""
            loop.call_soon_threadsafe(ended.set)

        with Wire(script) as wire:
            async with AsyncClient(Config("C1"), transport=Transport()) as client:
                before = len(asyncio.all_tasks())
                task = asyncio.ensure_future(client.call(wire.url, timeout=10))
                while not wire.heads:
                    await asyncio.sleep(0.01)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                await asyncio.wait_for(ended.wait(), 5)
                assert len(asyncio.all_tasks()) == before

    run(main())


def test_what_is_too_late_is_not_sent(simulator: Simulator) -> None:
    [request] = [
        effect.request
        for effect in session_that_sends(simulator).effects
        if isinstance(effect, webex_oauth.Effect.Send)
    ]
    with pytest.raises(TransportError) as caught:
        Transport().sender(request, 0)
    assert caught.value.fault == "not_sent" and simulator.log(path="/v1/access_token") == []


def session_that_sends(simulator: Simulator) -> webex_oauth.Output:
    session = webex_oauth.Session(simulator.config(), os.urandom(webex_oauth.ENTROPY_LEN))
    return session.sign_in_with_client_credentials(0)


# ------------------------------------------------------------------------------------------------------------ proxies


def test_a_proxy_that_httpx_does_not_know_is_an_error_that_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks4://127.0.0.1:1")
    with pytest.raises(CallFailed, match="all_proxy") as caught:
        run(call("http://api.example/", Transport()))
    assert fault_of(caught) == "not_sent"


def test_a_certificate_of_the_proxy_says_nothing_about_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    with Wire(says(*ok(b"")), tls=tls) as proxy, pytest.raises(CallFailed) as caught:
        monkeypatch.setenv("https_proxy", f"https://127.0.0.1:{proxy.port}")
        run(call("https://api.example/", Transport()))
    assert fault_of(caught) == "not_sent" and proxy.heads == []


# ------------------------------------------------------------------------------------------------- where it is accepted


def test_it_is_accepted_wherever_a_coroutine_function_is(simulator: Simulator, tmp_path: Any) -> None:
    async def main() -> None:
        info = simulator.info
        environ = {
            "WEBEX_CLIENT_ID": info["client_id"],
            "WEBEX_CLIENT_SECRET": info["client_secret"],
            "WEBEX_SERVER": simulator.base,
        }
        async with Transport() as transport:
            async with AsyncClient.from_env(environ, transport=transport) as client:
                await client.adopt(simulator.issue())
                await client.refresh()
                assert (await client.call(simulator.url())).status == 200
            async with AsyncSqliteStore(tmp_path / "rows") as rows:
                await rows.migrate()
                async with AsyncClients(simulator.config(), rows, transport=transport) as clients:
                    user = clients.user("t", "u")
                    await user.complete_login(simulator.approve(await user.begin_login()))
                    assert (await user.call(simulator.url())).status == 200

    run(main())


def test_blocking_clients_refuse_it(tmp_path: Any) -> None:
    with pytest.raises(InvalidArgument, match="HttpTransport"):
        Client(Config("C1"), transport=Transport())  # type: ignore[arg-type]
    with SqliteStore(tmp_path / "rows") as rows, pytest.raises(InvalidArgument, match="HttpTransport"):
        Clients(Config("C1"), rows, transport=Transport())  # type: ignore[arg-type]


def test_metadata_are_fetched_by_it(server: str) -> None:  # noqa: F811
    def find(transport: Transport) -> str:
        return webex_oauth.discover_provider(f"{server}/t", transport=transport).token_endpoint or ""

    async def main() -> str:
        return find(Transport())

    assert find(Transport()) == run(main()) == f"{server}/token"
    with pytest.raises(InvalidArgument, match="AsyncClient"):
        find(Transport(httpx.AsyncClient()))


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        Transport(httpx.Client())  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument):
        Transport(httpx.AsyncClient(), tls=ssl.create_default_context())
