"""`auth=client` for requests and httpx, and the middleware for aiohttp: header, replay, and restraint."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Callable, Coroutine, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest
import requests
import webex_oauth
import webex_oauth.aiohttp
from conftest import Simulator
from webex_oauth import AsyncClient, Client
from webex_oauth.httpx import Auth

Make = Callable[..., Client]
#: One call: method, URL, headers, body; answers status, text, and the headers that were sent last.
Call = Callable[..., tuple[int, str]]


def with_requests(client: Client, method: str, url: str, **more: Any) -> tuple[int, str]:
    response = requests.request(method, url, auth=client, timeout=20, **more)
    return response.status_code, response.text


def with_httpx(client: Client, method: str, url: str, *, data: Any = None, **more: Any) -> tuple[int, str]:
    response = httpx.request(method, url, auth=Auth(client), content=data, timeout=20, follow_redirects=True, **more)
    return response.status_code, response.text


def with_httpx_async(client: Client, method: str, url: str, *, data: Any = None, **more: Any) -> tuple[int, str]:
    async def main() -> tuple[int, str]:
        async with httpx.AsyncClient(auth=Auth(client), follow_redirects=True) as http:
            response = await http.request(method, url, content=data, timeout=20, **more)
            return response.status_code, response.text

    return asyncio.run(main())


def as_async(client: Client, work: Callable[[AsyncClient], Coroutine[Any, Any, tuple[int, str]]]) -> tuple[int, str]:
    """The session of a blocking client, in an asyncio one."""

    async def main() -> tuple[int, str]:
        store = webex_oauth.MemoryStore()
        store.save(client.session.snapshot(), client.session.revision, 0)
        async with AsyncClient(client.config, store=store) as other:
            return await work(other)

    return asyncio.run(main())


def with_async_client(client: Client, method: str, url: str, *, data: Any = None, **more: Any) -> tuple[int, str]:
    async def work(client: AsyncClient) -> tuple[int, str]:
        async with httpx.AsyncClient(auth=Auth(client), follow_redirects=True) as http:
            response = await http.request(method, url, content=data, timeout=20, **more)
            return response.status_code, response.text

    return as_async(client, work)


def with_aiohttp(client: Client, method: str, url: str, **more: Any) -> tuple[int, str]:
    async def work(client: AsyncClient) -> tuple[int, str]:
        sign = webex_oauth.aiohttp.middleware(client)
        async with aiohttp.ClientSession(middlewares=(sign,)) as http, http.request(method, url, **more) as response:
            return response.status, await response.text()

    return as_async(client, work)


def with_call(client: Client, method: str, url: str, *, data: Any = None, **more: Any) -> tuple[int, str]:
    response = client.call(url, method=method, body=data, **more)
    return response.status, response.text


STACKS = [with_requests, with_httpx, with_httpx_async, with_async_client, with_aiohttp, with_call]


@pytest.fixture(params=STACKS, ids=lambda stack: stack.__name__)
def call(request: pytest.FixtureRequest) -> Call:
    stack: Call = request.param
    return stack


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str | None]]]:
    """Another host, and the Authorization of the requests that it got."""
    seen: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization"))
            self.send_response(401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", seen
    server.shutdown()
    server.server_close()


def test_the_token_is_sent(simulator: Simulator, signed_in: Make, call: Call) -> None:
    status, body = call(signed_in(), "GET", simulator.url())
    assert status == 200 and "Ada" in body


def test_a_401_is_answered_by_one_refresh_and_one_replay(simulator: Simulator, signed_in: Make, call: Call) -> None:
    client = signed_in()
    simulator.expire()
    status, body = call(client, "POST", simulator.url("/v1/echo"), data=b"the body")
    assert status == 200 and '"body":"the body"' in body
    assert simulator.counters()["refreshes_attempted"] == 1
    assert [entry["status"] for entry in simulator.log(endpoint="echo")] == [401, 200]


def test_the_original_401_is_the_answer_when_the_refresh_fails(
    simulator: Simulator, signed_in: Make, call: Call
) -> None:
    client = signed_in()
    simulator.expire()
    simulator.refresh_fault("status", status=503)
    assert call(client, "GET", simulator.url())[0] == 401
    assert len(simulator.log(endpoint="people_me")) == 1


def test_a_fresh_token_that_is_refused_is_not_tried_for_ever(simulator: Simulator, signed_in: Make, call: Call) -> None:
    client = signed_in()
    simulator.fault("status", endpoint="people_me", status=401, times=None)
    assert call(client, "GET", simulator.url())[0] == 401
    assert len(simulator.log(endpoint="people_me")) == 2


def test_a_header_of_the_caller_stays(simulator: Simulator, signed_in: Make, call: Call) -> None:
    status, _ = call(signed_in(), "GET", simulator.url(), headers={"authorization": "Bearer of-the-caller"})
    assert status == 401
    assert simulator.counters()["refreshes_attempted"] == 0


def test_another_host_never_sees_the_token(
    signed_in: Make, call: Call, elsewhere: tuple[str, list[str | None]], simulator: Simulator
) -> None:
    client = signed_in()
    assert call(client, "GET", elsewhere[0])[0] == 401
    assert elsewhere[1] == [None]
    assert simulator.counters()["refreshes_attempted"] == 0


def test_a_redirect_elsewhere_does_not_take_the_token_along(
    signed_in: Make, call: Call, elsewhere: tuple[str, list[str | None]], simulator: Simulator
) -> None:
    if call is with_call:
        return  # It follows no redirect at all.
    client = signed_in()
    location = elsewhere[0].replace("127.0.0.1", "localhost")
    simulator.fault("redirect", endpoint="people_me", location=location)
    assert call(client, "GET", simulator.url())[0] == 401
    assert elsewhere[1] == [None]
    assert simulator.counters()["refreshes_attempted"] == 0


def test_a_451_ends_the_session(simulator: Simulator, signed_in: Make) -> None:
    client = signed_in()
    simulator.fault("status", endpoint="people_me", status=451)
    assert with_requests(client, "GET", simulator.url())[0] == 451
    with pytest.raises(webex_oauth.SignInRequired):
        client.token()


def test_a_stream_is_not_sent_twice(simulator: Simulator, signed_in: Make) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"only once"

    client = signed_in()
    simulator.expire()
    assert requests.post(simulator.url("/v1/echo"), data=chunks(), auth=client, timeout=20).status_code == 401
    simulator.expire()
    assert httpx.post(simulator.url("/v1/echo"), content=chunks(), auth=Auth(client)).status_code == 401


def test_a_file_is_sent_again_from_where_it_was(simulator: Simulator, signed_in: Make) -> None:
    client = signed_in()
    simulator.expire()
    file = io.BytesIO(b"skipped, sent")
    file.seek(9)
    response = requests.post(simulator.url("/v1/echo"), data=file, auth=client, timeout=20)
    assert response.status_code == 200 and response.json()["body"] == "sent"


def test_a_client_is_what_it_says_and_httpx_is_told_what_to_take(simulator: Simulator, signed_in: Make) -> None:
    client = signed_in()
    assert not isinstance(client, httpx.Auth) and client.__class__ is Client
    with pytest.raises(webex_oauth.InvalidArgument, match=r"webex_oauth\.httpx\.Auth"):
        httpx.get(simulator.url(), auth=client)
    with pytest.raises(webex_oauth.InvalidArgument, match=r"webex_oauth\.httpx\.Auth"):
        httpx.get(simulator.url(), auth=AsyncClient(simulator.config()))
    with pytest.raises(webex_oauth.InvalidArgument, match="no webex_oauth.Client"):
        Auth(httpx)  # type: ignore[arg-type]


def test_a_blocking_httpx_client_refuses_an_asyncio_one(simulator: Simulator) -> None:
    with pytest.raises(webex_oauth.InvalidArgument):
        httpx.get(simulator.url(), auth=Auth(AsyncClient(simulator.config())))


def test_the_sdk_for_webex_takes_the_token(simulator: Simulator, signed_in: Make) -> None:
    webexpythonsdk = pytest.importorskip("webexpythonsdk")
    api = webexpythonsdk.WebexAPI(access_token=signed_in().token(), base_url=simulator.url("/v1/"))
    assert api.people.me().displayName == "Ada Lovelace"


def test_a_pipe_is_not_sent_twice(simulator: Simulator, signed_in: Make) -> None:
    client = signed_in()
    simulator.expire()
    reading, writing = os.pipe()
    with open(reading, "rb") as pipe:
        with open(writing, "wb") as file:
            file.write(b"only once")
        assert requests.post(simulator.url("/v1/echo"), data=pipe, auth=client, timeout=20).status_code == 401
    assert [entry["status"] for entry in simulator.log(endpoint="echo")] == [401]


SPELLINGS = [
    "http://127.0.0.1:{own}\\@127.0.0.1:{other}/x",
    "http://127.0.0.1:{own}@127.0.0.1:{other}/x",
    "http://127.0.0.1:{own}#@127.0.0.1:{other}/x",
    "http://127.0.0.1:{own}?@127.0.0.1:{other}/x",
    "http://127.0.0.1:{own}%5C@127.0.0.1:{other}/x",
    "http://127.0.0.1:{own}%2F@127.0.0.1:{other}/x",
    "http:\\\\127.0.0.1:{own}\\@127.0.0.1:{other}/x",
    "http:///127.0.0.1:{own}@127.0.0.1:{other}/x",
    "http://127.0.0.1:{other}\\.127.0.0.1:{own}/x",
    "http://127.1:{other}/x",
    "http://0x7f000001:{other}/x",
    "http://2130706433:{other}/x",
    "http://0177.0.0.1:{other}/x",
    "http://127.0.0.1\t:{other}/x",
    "http://127.0.0.1:{own}\r\n@127.0.0.1:{other}/x",
    "http://１２７.0.0.1:{other}/x",
    "http://127。0。0。1:{other}/x",
    "http://[::ffff:127.0.0.1]:{other}/x",
    "http://localhost:{other}/x",
    "http://user:pass@127.0.0.1:{other}/x",
    " http://127.0.0.1:{other}/x",
]


def test_no_spelling_of_a_url_leads_the_token_astray(
    simulator: Simulator, signed_in: Make, call: Call, elsewhere: tuple[str, list[str | None]]
) -> None:
    own, other = (urlsplit(url).port for url in (simulator.base, elsewhere[0]))
    client = signed_in()
    for spelling in SPELLINGS:
        try:
            call(client, "GET", spelling.format(own=own, other=other))
        except Exception as error:
            assert "Bearer" not in str(error)
        # Credentials of the URL are the caller's own; our token is nobody else's.
        assert not any((header or "").startswith("Bearer") for header in elsewhere[1]), spelling
