"""Proxies of the environment (docs/operations.md): never gone around in silence, never asked about this machine."""

from __future__ import annotations

import base64
import os
import socket
import ssl

import pytest
import trustme
from transports import Caller
from webex_oauth import CallFailed, Client, Config, LoginFailed, Provider, RefreshFailed, TransportError
from webex_oauth._proxies import Proxy, proxy_for
from wire import Script, Wire, ok, says


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("variables", "scheme", "through"),
    [
        ({}, "https", None),
        ({"https_proxy": "http://p:3128"}, "https", "http://p:3128"),
        ({"HTTPS_PROXY": "http://p:3128"}, "https", "http://p:3128"),
        ({"https_proxy": "http://a:1", "HTTPS_PROXY": "http://b:2"}, "https", "http://a:1"),
        ({"http_proxy": "http://p:3128"}, "http", "http://p:3128"),
        ({"HTTP_PROXY": "http://p:3128"}, "http", None),
        ({"http_proxy": "http://p:3128"}, "https", None),
        ({"all_proxy": "http://p:3128"}, "http", "http://p:3128"),
        ({"ALL_PROXY": "http://p:3128"}, "https", "http://p:3128"),
        ({"ALL_PROXY": "http://a:1", "https_proxy": "http://b:2"}, "https", "http://b:2"),
        ({"https_proxy": "", "ALL_PROXY": "http://a:1"}, "https", "http://a:1"),
        ({"https_proxy": "p:3128"}, "https", "http://p:3128"),
        ({"https_proxy": "10.0.0.1:3128"}, "https", "http://10.0.0.1:3128"),
        ({"https_proxy": "p"}, "https", "http://p:1080"),
        ({"https_proxy": "https://p"}, "https", "https://p:443"),
        ({"https_proxy": "HTTP://[::1]:8080/"}, "https", "http://::1:8080"),
        ({"https_proxy": "socks5h://p"}, "https", "socks5h://p:1080"),
    ],
)
def test_which_variable_counts(variables: dict[str, str], scheme: str, through: str | None) -> None:
    proxy = proxy_for(scheme, "api.example.com", 443, variables)
    assert (None if proxy is None else f"{proxy.scheme}://{proxy.host}:{proxy.port}") == through


@pytest.mark.parametrize(
    ("no_proxy", "host", "port", "is_direct"),
    [
        ("*", "api.example.com", 443, True),
        ("api.example.com", "api.example.com", 443, True),
        ("example.com", "api.example.com", 443, True),
        (".example.com", "api.example.com", 443, True),
        (".example.com", "example.com", 443, True),
        ("EXAMPLE.com.", "api.example.com", 443, True),
        ("other.org, example.com", "api.example.com", 443, True),
        ("other.org example.com", "api.example.com", 443, True),
        ("example.com:443", "api.example.com", 443, True),
        ("example.com:80", "api.example.com", 443, False),
        ("ample.com", "api.example.com", 443, False),
        ("*.example.com", "api.example.com", 443, False),
        ("api.example.com.evil.org", "api.example.com", 443, False),
        ("10.0.0.0/8", "10.1.2.3", 443, True),
        ("10.0.0.0/8", "11.1.2.3", 443, False),
        ("10.1.2.3", "10.1.2.3", 443, True),
        ("10.1.2.3:8443", "10.1.2.3", 443, False),
        ("fd00::/8", "fd00::1", 443, True),
        ("[fd00::1]:443", "fd00::1", 443, True),
        ("10.0.0.0/8", "api.example.com", 443, False),
        ("", "api.example.com", 443, False),
    ],
)
def test_what_goes_directly(no_proxy: str, host: str, port: int, is_direct: bool) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        found = proxy_for("https", host, port, {"https_proxy": "p:1", name: no_proxy})
        assert (found is None) == is_direct


@pytest.mark.parametrize("text", ["ftp://p:1", "http://", "p:port", "http://p:99999", "socks:p", "quic://p:1", "://"])
def test_a_proxy_that_cannot_be_used_is_an_error(
    caller: type[Caller], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("http_proxy", text)
    with caller(Config("C1")) as client, pytest.raises(CallFailed) as caught:
        client.call("http://api.example/", timeout=5)
    cause = caught.value.__cause__
    assert isinstance(cause, TransportError) and cause.fault == "not_sent"
    assert "http_proxy" in str(caught.value)


def test_a_grant_that_its_proxy_kept_back_says_which_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "quic://user:secret@p:1")
    config = Config("C1", client_secret="s", provider=Provider.webex_at("https://api.example"))
    with Client(config) as client:
        client.adopt({"refresh_token": "rt"})
        for failed, attempt in ((RefreshFailed, client.token), (LoginFailed, client.client_credentials)):
            with pytest.raises(failed, match="could not be sent: the variable https_proxy cannot be used") as caught:
                attempt()
            assert "secret" not in str(caught.value)


def test_socks_without_its_package_is_an_error(caller: type[Caller], monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    import httpcore  # noqa: F401  # It looks for socksio once.

    monkeypatch.setitem(sys.modules, "socks", None)
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    with caller(Config("C1")) as client, pytest.raises(CallFailed, match="PySocks|socksio"):
        client.call("http://api.example/", timeout=5)


def test_plain_http_is_forwarded(caller: type[Caller], monkeypatch: pytest.MonkeyPatch) -> None:
    with Wire(says(*ok(b"hello"))) as proxy, caller(Config("C1")) as client:
        monkeypatch.setenv("http_proxy", f"user:p%40ss@127.0.0.1:{proxy.port}")
        assert client.call("http://api.example:8080/a%2Fb?c=d", timeout=5).body == b"hello"
    [head] = proxy.heads
    assert head.startswith("GET http://api.example:8080/a%2Fb?c=d HTTP/1.1\r\n")
    assert "\r\nHost: api.example:8080\r\n" in head
    assert f"\r\nProxy-Authorization: Basic {base64.b64encode(b'user:p@ss').decode()}\r\n" in head


def tunnel(wire: list[Wire], tls: ssl.SSLContext, then: Script) -> Script:
    def script(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with tls.wrap_socket(connection, server_side=True) as inside:
            wire[0].read_head(inside)
            then(inside)

    return script


def test_https_goes_through_a_tunnel_that_does_not_see_it(
    caller: type[Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    inner = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("api.example").configure_cert(inner)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    wire: list[Wire] = []
    with Wire(tunnel(wire, inner, says(*ok(b"hello")))) as proxy:
        wire.append(proxy)
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:pass@127.0.0.1:{proxy.port}")
        with caller(Config("C1"), tls=context) as client:
            assert client.call("https://api.example/x", timeout=5).body == b"hello"
    outside, inside = proxy.heads
    assert outside.startswith("CONNECT api.example:443 HTTP/1.")
    assert "Proxy-Authorization: Basic dXNlcjpwYXNz\r\n" in outside
    assert inside.startswith("GET /x HTTP/1.1\r\n") and "Host: api.example\r\n" in inside
    assert "Proxy-Authorization" not in inside


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", b"HTTP/1.1 502 No\r\n\r\n", b""]
)
def test_a_proxy_that_refuses_is_no_answer_of_the_server(
    caller: type[Caller], monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    with Wire(says(answer)) as proxy, caller(Config("C1")) as client:
        monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{proxy.port}")
        with pytest.raises(CallFailed) as caught:
            client.call("https://api.example/", timeout=5)
    cause = caught.value.__cause__
    assert isinstance(cause, TransportError) and cause.fault == "not_sent"


def test_socks_is_spoken_as_socks(caller: type[Caller], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    def script(connection: socket.socket) -> None:
        seen.append(connection.recv(64))
        connection.sendall(b"\x05\x00")
        seen.append(connection.recv(64))
        connection.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50")
        connection.recv(4096)
        says(*ok(b"hello"))(connection)

    with Wire(script, reads=False) as proxy, caller(Config("C1")) as client:
        monkeypatch.setenv("all_proxy", f"socks5h://127.0.0.1:{proxy.port}")
        assert client.call("http://api.example/", timeout=5).body == b"hello"
    assert seen[0][:1] == b"\x05" and b"api.example" in seen[1]


def test_what_stays_on_this_machine_goes_through_none(caller: type[Caller], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with Wire(says(*ok(b"hello"))) as wire, caller(Config("C1")) as client:
        for host in ("127.0.0.1", "localhost"):
            assert client.call(wire.url.replace("127.0.0.1", host), timeout=5).body == b"hello"


def test_credentials_of_a_proxy_are_not_shown() -> None:
    assert "pass" not in repr(Proxy.parse("user:pass@p:1", "https_proxy"))
