"""Our transports against servers that say anything: what is an answer, what is lost."""

from __future__ import annotations

import gc
import gzip
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
import webex_oauth
from transports import TRANSPORTS, Caller
from webex_oauth import CallFailed, Client, Config, TransportError
from wire import Script, Wire, drips, ok, resets, says

HERE = Path(__file__).parent
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
SIZED = HEAD + b"Content-Length: 5\r\n\r\n"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def client(caller: type[Caller]) -> Iterator[Caller]:
    with caller(Config("C1")) as client:
        yield client


def fault_of(caught: pytest.ExceptionInfo[CallFailed]) -> str:
    cause = caught.value.__cause__
    assert isinstance(cause, TransportError)
    return cause.fault


WHOLE: dict[str, tuple[bytes, int, bytes]] = {
    "sized": (SIZED + b"hello", 200, b"hello"),
    "until the end": (HEAD + b"\r\nhello", 200, b"hello"),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\n\r\nhello", 200, b"hello"),
    "chunks": (CHUNKED + b"3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", 200, b"hello"),
    "trailers": (CHUNKED + b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n", 200, b"hello"),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello"),
    "bare line feeds": (b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", 200, b"hello"),
    "more than was announced": (SIZED + b"hello world", 200, b"hello"),
    "100 Continue": (b"HTTP/1.1 100 Continue\r\n\r\n" + SIZED + b"hello", 200, b"hello"),
    "103 Early Hints": (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 3 + SIZED + b"hello", 200, b"hello"),
    "a redirect is an answer": (b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n", 302, b""),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    "gzip": (b"".join(ok(gzip.compress(b"hello"), b"Content-Encoding: gzip")), 200, b"hello"),
    "the same length twice": (HEAD + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello"),
    "Latin-1 in a header": (HEAD + b"X-Name: Andr\xe9\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_an_answer(client: Caller, name: str) -> None:
    answer, status, body = WHOLE[name]
    with Wire(says(answer)) as wire:
        response = client.call(wire.url, timeout=5)
    assert (response.status, response.body) == (status, body)


LOST: dict[str, Script] = {
    "nothing": says(b""),
    "a cut status line": says(b"HTTP/1.1 20"),
    "a cut head": says(HEAD + b"Content-Type: appl"),
    "a head without its end": says(HEAD + b"Content-Type: text/plain\r\n"),
    "a cut body": says(SIZED + b"hel"),
    "a cut chunk": says(CHUNKED + b"5\r\nhel"),
    "chunks without their end": says(CHUNKED + b"5\r\nhello\r\n"),
    "chunks whose trailer has no end": says(CHUNKED + b"5\r\nhello\r\n0\r\n"),
    "a chunk of no size": says(CHUNKED + b"five\r\nhello\r\n0\r\n\r\n"),
    "a cut gzip": says(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" + gzip.compress(b"hello")[:20]),
    "no gzip": says(*ok(b"hello", b"Content-Encoding: gzip")),
    "lengths that differ": says(HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
    "a negative length": says(HEAD + b"Content-Length: -1\r\n\r\nhello"),
    "a length that is no number": says(HEAD + b"Content-Length: 5_0\r\n\r\nhello"),
    "a cut body after a line that is no header": says(HEAD + b"garbage\r\nContent-Length: 5\r\n\r\nhel"),
    "not HTTP": says(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "an endless header": says(HEAD + b"X: " + b"x" * 100_000),
    "headers without number": says(HEAD + b"X: y\r\n" * 5_000 + b"\r\n"),
    "a reset": resets(),
    "a reset in the body": resets(SIZED + b"he"),
    "only interim answers": says(b"HTTP/1.1 103 Early Hints\r\n\r\n"),
}


@pytest.mark.parametrize("name", LOST)
def test_what_is_lost(client: Caller, name: str) -> None:
    with Wire(LOST[name]) as wire, pytest.raises(CallFailed) as caught:
        client.call(wire.url, timeout=5)
    assert fault_of(caught) == "lost"


DRIPS: dict[str, Script] = {
    "silence": drips(b"", b""),
    "the status line": drips(b"HTTP/1.1 2", b"0"),
    "the head": drips(HEAD, b"X: y\r\n"),
    "one header": drips(HEAD + b"X: ", b"y"),
    "interim answers": drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "early hints": drips(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "a sized body": drips(HEAD + b"Content-Length: 100000\r\n\r\n", b"x"),
    "a body until the end": drips(HEAD + b"\r\n", b"x"),
    "chunks": drips(CHUNKED, b"1\r\nx\r\n"),
    "the size of a chunk": drips(CHUNKED, b"0"),
    "a trailer": drips(CHUNKED + b"1\r\nx\r\n0\r\nX: ", b"y"),
    "trailers": drips(CHUNKED + b"1\r\nx\r\n0\r\n", b"X: y\r\n"),
}


@pytest.mark.parametrize("name", DRIPS)
def test_a_drip_ends_at_the_deadline(client: Caller, name: str) -> None:
    with Wire(DRIPS[name]) as wire:
        begun = time.monotonic()
        with pytest.raises(CallFailed) as caught:
            client.call(wire.url, timeout=0.5)
        assert 0.4 < time.monotonic() - begun < 1.5
    assert fault_of(caught) == "lost"


def test_the_request_timeout_of_the_configuration_is_one_of_calls_too(caller: type[Caller]) -> None:
    with Wire(DRIPS["silence"]) as wire, caller(Config("C1", request_timeout=1)) as client:
        begun = time.monotonic()
        with pytest.raises(CallFailed):
            client.call(wire.url)
        assert time.monotonic() - begun < 3


def test_a_request_that_nobody_reads_ends_at_the_deadline(client: Caller) -> None:
    with Wire(lambda connection: time.sleep(30), reads=False) as wire:
        begun = time.monotonic()
        with pytest.raises(CallFailed) as caught:
            client.call(wire.url, method="POST", body=b"x" * 50_000_000, timeout=0.5)
        assert time.monotonic() - begun < 2
    assert fault_of(caught) == "lost"


def test_a_name_that_is_looked_up_for_ever_ends_at_the_deadline(
    client: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    forever = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: forever.wait(20))
    begun = time.monotonic()
    with pytest.raises(CallFailed) as caught:
        client.call("http://slow.example/", timeout=0.3)
    assert time.monotonic() - begun < 1
    assert fault_of(caught) == "not_sent"
    forever.set()


def test_what_cannot_be_reached_was_not_sent(client: Caller) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(CallFailed) as caught:
        client.call(f"http://127.0.0.1:{port}/", timeout=5)
    assert fault_of(caught) == "not_sent"


def test_the_limit_of_an_answer_counts_what_is_unpacked(client: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webex_oauth._calls.CallHints.max_response_bytes", 1_000_000)
    for bomb in (
        ok(gzip.compress(b"\0" * 500_000_000, 1), b"Content-Encoding: gzip"),
        ok(b"x" * 1_000_001),
        [HEAD + b"\r\n" + b"x" * 1_000_001],
    ):
        with Wire(says(*bomb)) as wire, pytest.raises(CallFailed) as caught:
            client.call(wire.url, timeout=20)
        assert fault_of(caught) == "too_large"
    with Wire(says(*ok(gzip.compress(b"\0" * 1_000_000), b"Content-Encoding: gzip"))) as wire:
        assert len(client.call(wire.url, timeout=5).body) == 1_000_000


def answering(count: int, answer: bytes) -> Callable[[Wire], Script]:
    def make(wire: Wire) -> Script:
        def script(connection: socket.socket) -> None:
            for number in range(count):
                connection.sendall(answer)
                if number + 1 < count and not wire.read_head(connection):
                    return

        return script

    return make


def test_calls_share_a_connection_and_what_must_not_be_sent_twice_has_its_own(client: Caller) -> None:
    wire = Wire(lambda connection: script(connection))
    script = answering(10, b"".join(ok(b"hello")))(wire)
    with wire:
        for _ in range(5):
            assert client.call(wire.url, timeout=5).status == 200
        assert wire.accepted == 1
        for _ in range(3):
            assert client.call(wire.url, method="POST", body=b"", timeout=5).status == 200
        assert wire.accepted == 4


def test_a_kept_connection_that_the_server_has_left_costs_nothing(client: Caller) -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(b"".join(ok(b"hello")))
        # The next request is read, and not answered.
        connection.recv(4096)

    with Wire(script) as wire:
        for _ in range(4):
            assert client.call(wire.url, timeout=5).body == b"hello"


def test_a_request_that_cannot_be_written_down_is_not_sent(client: Caller) -> None:
    bad: list[dict[str, Any]] = [
        *({"headers": {"X": value}} for value in ("a\r\nEvil: 1", "a\nb", "\0", "\u2028", 1)),
        *({"headers": {name: "1"}} for name in ("X y", "", "X:", "Host", "content-length", "Transfer-Encoding")),
        *({"method": method} for method in ("GET /x", "", "G\r\nET")),
    ]
    with Wire(says(*ok(b""))) as wire:
        for more in bad:
            with pytest.raises(webex_oauth.InvalidArgument):
                client.call(wire.url, timeout=5, **more)
    assert wire.accepted == 0


# -------------------------------------------------------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "api.example").configure_cert(context)
    return context


@pytest.fixture
def trusting(caller: type[Caller], authority: trustme.CA) -> Iterator[Caller]:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with caller(Config("C1"), tls=context) as client:
        yield client


@pytest.mark.parametrize("name", ["the head", "a sized body", "chunks"])
def test_tls_changes_nothing(trusting: Caller, server_tls: ssl.SSLContext, name: str) -> None:
    with Wire(says(SIZED, b"hello"), tls=server_tls) as wire:
        assert trusting.call(wire.url, timeout=5).body == b"hello"
    with Wire(says(SIZED, b"hel"), tls=server_tls) as wire, pytest.raises(CallFailed):
        trusting.call(wire.url, timeout=5)
    with Wire(DRIPS[name], tls=server_tls) as wire:
        begun = time.monotonic()
        with pytest.raises(CallFailed) as caught:
            trusting.call(wire.url, timeout=0.5)
        assert time.monotonic() - begun < 1.5
    assert fault_of(caught) == "lost"


def test_a_handshake_that_drips_ends_at_the_deadline(trusting: Caller) -> None:
    with Wire(drips(b"\x16\x03\x03\x40\x00\x02", b"\0"), reads=False) as wire:
        begun = time.monotonic()
        with pytest.raises(CallFailed) as caught:
            trusting.call(wire.url.replace("http:", "https:"), timeout=0.5)
        assert time.monotonic() - begun < 1.5
    assert fault_of(caught) == "not_sent"


def test_a_certificate_of_nobody_or_for_another_host_is_refused(
    client: Caller, trusting: Caller, authority: trustme.CA, server_tls: ssl.SSLContext
) -> None:
    other = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("other.example").configure_cert(other)
    for of, context in ((client, server_tls), (trusting, other)):
        with Wire(says(*ok(b"")), tls=context) as wire, pytest.raises(CallFailed) as caught:
            of.call(wire.url, timeout=5)
        assert fault_of(caught) == "untrusted" and wire.heads == []
        assert "the certificate of 127.0.0.1 is not trusted" in str(caught.value)


# ---------------------------------------------------------------------------------------------------- a stopped process

STOPPED = """
import sys
from transports import TRANSPORTS
from webex_oauth import Config
with TRANSPORTS[sys.argv[1]](Config("C1")) as client:
    print(client.call(sys.argv[2], timeout=1).body)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="there is no SIGSTOP")
@pytest.mark.parametrize("name", TRANSPORTS)
@pytest.mark.parametrize("framing", [SIZED, CHUNKED + b"5\r\n"])
def test_what_has_arrived_is_read_before_the_clock_is_looked_at(framing: bytes, name: str) -> None:
    child: list[subprocess.Popen[bytes]] = []

    def script(connection: socket.socket) -> None:
        os.kill(child[0].pid, signal.SIGSTOP)
        connection.sendall(framing + b"hello" + (b"\r\n0\r\n\r\n" if framing is not SIZED else b""))
        time.sleep(2)
        os.kill(child[0].pid, signal.SIGCONT)
        connection.recv(1)

    with Wire(script) as wire:
        command = [sys.executable, "-c", STOPPED, name, wire.url]
        with subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            child.append(process)
            out, errors = process.communicate(timeout=20)
    assert out.strip() == b"b'hello'", errors.decode()


# -------------------------------------------------------------------------------------------------------------- errors


def test_no_part_of_an_incomplete_answer_is_in_what_is_raised(client: Caller) -> None:
    secret = b"the-secret-token"
    for answer in (HEAD + b"Content-Length: 999\r\n\r\n" + secret, HEAD + b"X: " + secret, secret + b"\r\n"):
        with Wire(says(answer)) as wire, pytest.raises(CallFailed) as caught:
            client.call(wire.url, timeout=5)
        error: BaseException | None = caught.value
        while error is not None:
            assert secret.decode() not in repr(error) + str(vars(error))
            error = error.__cause__ or error.__context__


def test_a_callable_of_ones_own_is_a_transport() -> None:
    def transport(request: Any) -> webex_oauth.HttpResponse:
        seen.append((request.method, request.url))
        return webex_oauth.HttpResponse(200, {}, b"mine")

    seen: list[tuple[str, str]] = []
    with Client(Config("C1"), transport=transport) as own:
        assert own.call("https://api.example/").body == b"mine"
    assert seen == [("GET", "https://api.example/")]


def test_connections_that_are_kept_are_closed_before_they_end_with_their_transport() -> None:
    """Also as parts of a circle, in which they are the older ones: an open socket complains when it ends."""
    from webex_oauth._connections import Kept

    were_closed: list[bool] = []

    class Line:
        is_closed = False

        def hang_up(self) -> None:
            self.is_closed = True

        def __del__(self) -> None:
            were_closed.append(self.is_closed)

    def make() -> None:
        line: Any = Line()
        kept = Kept()
        kept.keep(("https", "api.example", 443), line)
        circle: list[Any] = [kept]
        circle.append(circle)

    gc.collect()
    make()
    gc.collect()
    assert were_closed == [True]
