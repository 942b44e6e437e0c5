"""The listener of a login in the browser: both addresses of localhost, and browsers and neighbours of every kind."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
import webex_oauth
from conftest import Simulator, eventually
from webex_oauth import Client
from webex_oauth._loopback import Callback, Loopback

Make = Callable[..., Client]


@pytest.fixture
def answered() -> Iterator[Callable[..., Loopback]]:
    """Listeners whose callbacks are answered as soon as they come."""
    with ExitStack() as stack:

        def make(redirect_uri: str, outcome: str = "signed_in") -> Loopback:
            loopback = stack.enter_context(Loopback(redirect_uri))

            def answer() -> None:
                while not over.is_set():
                    callback = loopback.receive(0.05)
                    if callback is not None:
                        got.append(callback)
                        with callback:
                            callback.outcome = outcome

            thread = threading.Thread(target=answer)
            thread.start()
            stack.callback(thread.join)
            stack.callback(over.set)
            return loopback

        over = threading.Event()
        yield make


got: list[Callback] = []


@pytest.fixture(autouse=True)
def _forget() -> None:
    got.clear()


def port_of(loopback: Loopback) -> int:
    port = urlsplit(loopback.redirect_uri).port
    assert port is not None
    return port


def ask(port: int, request: bytes, address: str = "127.0.0.1") -> tuple[int, str]:
    with socket.create_connection((address, port), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while more := connection.recv(4096):
            answer += more
    head, _, body = answer.decode().partition("\r\n\r\n")
    return int(head.split()[1]), head + body


def get(target: str, *headers: bytes) -> bytes:
    return b"\r\n".join([f"GET {target} HTTP/1.1".encode(), b"Host: x", *headers, b"", b""])


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
def test_localhost_is_both_of_its_addresses(answered: Callable[..., Loopback]) -> None:
    port = port_of(answered("http://localhost/cb"))
    assert ask(port, get("/cb?code=a"))[0] == 200
    assert ask(port, get("/cb?code=b"), "::1")[0] == 200


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
def test_another_program_at_one_of_them_is_a_reason_not_to_begin(simulator: Simulator, make_client: Make) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as other:
        port = other.getsockname()[1]
        client = make_client(config={"redirect_uri": f"http://localhost:{port}/cb"})
        with pytest.raises(webex_oauth.LoginFailed, match="cannot listen"):
            client.login(open_browser=lambda url: pytest.fail("the browser was opened"), timeout=5)


@pytest.mark.parametrize(
    ("configured", "announced"),
    [
        ("http://127.0.0.1/cb", "http://127.0.0.1:PORT/cb"),
        ("http://localhost:0/cb", "http://localhost:PORT/cb"),
        ("http://127.0.0.1/cb?tenant=7&x=%20", "http://127.0.0.1:PORT/cb?tenant=7&x=%20"),
        ("http://127.0.0.1:0?tenant=7", "http://127.0.0.1:PORT?tenant=7"),
        ("http://127.0.0.1", "http://127.0.0.1:PORT"),
    ],
)
def test_the_port_that_was_bound_is_announced_and_the_rest_stays(configured: str, announced: str) -> None:
    with Loopback(configured) as loopback:
        port = port_of(loopback)
        assert port and loopback.redirect_uri == announced.replace("PORT", str(port))


def test_a_login_keeps_the_query_of_its_redirect_uri(simulator: Simulator, make_client: Make) -> None:
    def browse(url: str) -> None:
        visitor.append(threading.Thread(target=lambda: urllib.request.urlopen(simulator.approve(url)).read()))
        visitor[0].start()

    simulator.options(allow_any_redirect_uri=True)
    visitor: list[threading.Thread] = []
    client = make_client(config={"redirect_uri": "http://localhost/cb?tenant=7"})
    assert client.login(open_browser=browse, timeout=20).via == "code"
    visitor[0].join()


def test_idle_connections_of_a_neighbour_do_not_keep_the_browser_out(answered: Callable[..., Loopback]) -> None:
    port = port_of(answered("http://127.0.0.1/cb"))
    with ExitStack() as stack:
        for number in range(100):
            idle = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            idle.sendall(b"GET /cb HTTP/1.1\r\n" if number % 2 else b"")
        begun = time.monotonic()
        assert ask(port, get("/cb?code=a"))[0] == 200
        assert time.monotonic() - begun < 2


def test_a_head_that_drips_ends(answered: Callable[..., Loopback], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webex_oauth._loopback._PATIENCE", 0.5)
    port = port_of(answered("http://127.0.0.1/cb"))
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        with pytest.raises(OSError):
            while time.monotonic() - begun < 5:
                connection.sendall(b"X")
                time.sleep(0.05)
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    "header", [b"Cookie: name=Andr\xe9", b"Cookie: \xff\xfe\x80", b"X-\xc3\xbc: 1", b"Cookie: " + b"x" * 30_000]
)
def test_headers_may_hold_any_bytes(answered: Callable[..., Loopback], header: bytes) -> None:
    port = port_of(answered("http://127.0.0.1/cb"))
    assert ask(port, get("/cb?code=a", header))[0] == 200
    assert len(got) == 1


@pytest.mark.parametrize("header", [b"Sec-Purpose: prefetch;prerender", b"Purpose: prefetch", b"X-Purpose: preview"])
def test_a_browser_that_asks_ahead_does_not_use_the_callback_up(
    answered: Callable[..., Loopback], header: bytes
) -> None:
    port = port_of(answered("http://127.0.0.1/cb"))
    assert ask(port, get("/cb?code=a", header))[0] == 204
    assert got == []
    assert ask(port, get("/cb?code=a"))[0] == 200
    assert len(got) == 1


def test_the_same_callback_gets_the_same_page_for_a_moment(simulator: Simulator, make_client: Make) -> None:
    def browse(url: str) -> None:
        def visit() -> None:
            redirect = simulator.approve(url)
            for _ in range(2):
                pages.append(urllib.request.urlopen(redirect).read().decode())

        visitor.append(threading.Thread(target=visit))
        visitor[0].start()

    pages: list[str] = []
    visitor: list[threading.Thread] = []
    client = make_client()
    assert client.login(open_browser=browse, timeout=20).via == "code"
    visitor[0].join()
    assert len(pages) == 2 and all("signed in" in page for page in pages)
    assert len(simulator.log(endpoint="access_token")) == 1


def test_a_second_login_may_have_the_port_at_once(simulator: Simulator, make_client: Make) -> None:
    def browse(url: str) -> None:
        visitors.append(threading.Thread(target=lambda: urllib.request.urlopen(simulator.approve(url)).read()))
        visitors[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    simulator.options(allow_any_redirect_uri=True)
    visitors: list[threading.Thread] = []
    client = make_client(config={"redirect_uri": f"http://localhost:{port}/cb"})
    for _ in range(2):
        assert client.login(open_browser=browse, timeout=20).via == "code"
    for visitor in visitors:
        visitor.join()


def test_nothing_listens_any_longer_after_a_moment(
    answered: Callable[..., Loopback], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webex_oauth._loopback._LINGER", 0.2)
    with Loopback("http://127.0.0.1/cb") as loopback:
        port = port_of(loopback)

        def answer() -> None:
            callback = loopback.receive(5)
            assert callback is not None
            with callback:
                callback.outcome = "signed_in"

        thread = threading.Thread(target=answer)
        thread.start()
        assert ask(port, get("/cb?code=a"))[0] == 200
        thread.join()
    assert ask(port, get("/cb?code=a"))[0] == 200

    def is_closed() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return True
        return False

    eventually(is_closed)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (get("/favicon.ico"), 404),
        (get("/c%62?code=a"), 200),
        (b"POST /cb HTTP/1.1\r\nContent-Length: 6\r\n\r\ncode=a", 200),
        (b"POST /cb HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"POST /cb HTTP/1.1\r\nContent-Length: x\r\n\r\n", 413),
        (b"GET /cb?code=a b HTTP/1.1\r\n\r\n", 400),
    ],
)
def test_other_requests(answered: Callable[..., Loopback], request_: bytes, status: int) -> None:
    found: Any = ask(port_of(answered("http://127.0.0.1/cb")), request_)
    assert found[0] == status
