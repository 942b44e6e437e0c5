"""The listener of a login in the browser (RFC 8252 section 7.3): loopback only, one login, no trace left behind."""

from __future__ import annotations

import errno
import hashlib
import queue
import secrets
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ._core import Secret
from ._errors import InvalidArgument, LoginFailed, NotConfigured
from ._timer import Later, call_later

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Callback", "Loopback", "open_in_browser"]

#: Where to listen; at all of them, for a browser may try either.
_HOSTS = {"127.0.0.1": ("127.0.0.1",), "localhost": ("127.0.0.1", "::1"), "::1": ("::1",)}
#: So many free ports are tried for ``localhost``, which has two addresses.
_TRIES = 8
#: So many connections at a time; a browser needs two or three. One more, and the oldest that has asked nothing goes.
_MOST = 32
#: For a whole request, however slowly it comes, and for a connection that says nothing, in seconds.
_PATIENCE, _SILENCE = 10.0, 5.0
#: A browser that asks for its page once more gets it, for so many seconds after the login.
_LINGER = 2.0
#: No callback is longer.
_MAX_BYTES = 64 * 1024
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style nonce="{nonce}">body{{font:1rem system-ui;margin:15vh auto;max-width:30rem;text-align:center}}</style>
<h1>{title}</h1><p>{text}</p></html>
"""
#: In the implicit flow the answer is in the fragment, which browsers keep to themselves: the page sends it back.
_RELAY = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Signing in</title><p>One moment.</p>
<script nonce="{nonce}">
const body = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
if (body) fetch(location.pathname, {{method: "POST", body}}).then(r => r.text()).then(t => {{
  document.open(); document.write(t); document.close();
}});
</script></html>
"""
#: Nothing from elsewhere, and of the page's own only what has its nonce.
_POLICY = (
    "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
_ENDS = {
    "signed_in": (200, "You are signed in", "You can close this window."),
    "not_stored": (200, "Your sign-in was not kept", "The tokens could not be stored. The application knows more."),
    "declined": (200, "You declined", "Nothing was granted. You can close this window, or go back and try again."),
    "failed": (200, "The sign-in did not work", "The application knows more. You can close this window."),
    "ignored": (400, "Nothing to do here", "This is not the answer that is waited for."),
    "missing": (404, "Not found", "Nothing is here."),
    "too_long": (413, "Too long", "This is not an answer."),
}


def open_in_browser(url: str) -> None:
    """The user's browser; where there is none, the URL is printed on standard error.

    One in the terminal is not waited for: it waits itself, for the listener's page.
    """

    def work() -> None:
        if not webbrowser.open(url):
            print(f"Open this page in a browser:\n{url}", file=sys.stderr, flush=True)

    threading.Thread(target=work, name="webex-oauth-browser", daemon=True).start()


class Callback:
    """What the browser brought. It waits for the answer."""

    def __init__(self, text: Secret) -> None:
        self.text = text
        #: How it ended; one of the keys of `_ENDS`.
        self.outcome = "failed"
        self._answered = threading.Event()
        self._shown = threading.Event()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._answered.set()
        # A program that ends with its login does not take the page along.
        self._shown.wait(1)

    def end(self) -> str:
        """Waits for it."""
        self._answered.wait(120)
        return self.outcome

    def shown(self) -> None:
        """The browser has its page."""
        self._shown.set()


class Loopback:
    """Listens on the redirect URI; on a free port where it names none."""

    def __init__(self, redirect_uri: str | None) -> None:
        if redirect_uri is None:
            raise NotConfigured(
                "the configuration lacks redirect_uri, which login needs: set it, or the variable WEBEX_REDIRECT_URI",
                what="redirect_uri",
                needed_by="login",
            )
        parts = urlsplit(redirect_uri)
        host = parts.hostname or ""
        if parts.scheme != "http" or host not in _HOSTS:
            raise InvalidArgument(
                "redirect_uri: login() listens on http://127.0.0.1 or http://localhost only; "
                "use begin_login() and complete_login() for others",
                argument="redirect_uri",
                problem="not on loopback",
            )
        self._path, self._query = parts.path or "/", parts.query
        self._received: queue.Queue[Callback] = queue.Queue()
        #: By the digest of their text, which is secret: the same once more gets the same page.
        self._callbacks: dict[bytes, Callback] = {}
        self._lock = threading.Lock()
        _stop_lingering()
        try:
            self._servers = _listen(_HOSTS[host], parts.port or 0, self)
        except OSError as error:
            raise LoginFailed(f"cannot listen on {redirect_uri}: {_why_not(error)}", via="code") from error
        port = self._servers[0].server_address[1]
        self._origin = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        query = f"?{parts.query}" if parts.query else ""
        #: The port in it is the one that was bound.
        self.redirect_uri = redirect_uri if parts.port else f"{self._origin}{parts.path}{query}"

    def __enter__(self) -> Loopback:
        for server in self._servers:
            threading.Thread(
                target=server.serve_forever, args=(0.05,), name="webex-oauth-loopback", daemon=True
            ).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._callbacks:
            _linger(self)
        else:
            self.stop()

    def stop(self) -> None:
        """Nothing is answered any longer."""
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def receive(self, timeout: float) -> Callback | None:
        """The next callback, or None."""
        try:
            return self._received.get(timeout=max(timeout, 0.001))
        except queue.Empty:
            return None

    def take(self, target: str, body: str | None) -> str | Callback:
        """A request of the browser: a callback, or how it ended: one of the keys of `_ENDS`, or `relay`."""
        path, _, query = target.partition("?")
        if unquote(path) != unquote(self._path):
            return "missing"  # However it is spelled: the session looks at it once more.
        if body is None and query == self._query:
            return "relay"
        callback = Callback(Secret(f"{self._origin}{target}" if body is None else body))
        digest = hashlib.sha256(callback.text.expose().encode()).digest()
        with self._lock:
            known = self._callbacks.get(digest)
            if known is not None:
                return known
            if len(self._callbacks) < _MOST:
                self._callbacks[digest] = callback
            self._received.put(callback)
        return callback


#: Listeners whose login is over.
_lingering: list[Loopback] = []


def _linger(loopback: Loopback) -> None:
    _lingering.append(loopback)
    try:
        call_later(_LINGER, lambda: threading.Thread(target=_stop_lingering, daemon=True).start())
    except RuntimeError:
        _stop_lingering()


def _stop_lingering() -> None:
    """The next login may want the same port."""
    while _lingering:
        with suppress(IndexError):
            _lingering.pop().stop()


def _listen(addresses: tuple[str, ...], port: int, loopback: Loopback) -> list[_Server]:
    """At each of the addresses on one port, on a free one where it is 0. Another program at one of them would get the
    code of a browser that tries that address first."""
    for tries in range(_TRIES):
        servers: list[_Server] = []
        try:
            for address in addresses:
                try:
                    servers.append(_Server((address, servers[0].server_address[1] if servers else port), loopback))
                except OSError as error:
                    # Not every machine has both.
                    if not servers or error.errno == errno.EADDRINUSE:
                        raise
            return servers
        except OSError as error:
            for server in servers:
                server.server_close()
            if port or error.errno != errno.EADDRINUSE or tries + 1 == _TRIES:
                raise
    raise AssertionError("unreachable")


def _why_not(error: OSError) -> str:
    """Why there is no listener, and what to do."""
    match error.errno:
        case errno.EADDRINUSE:
            return "its port is in use; stop the program that has it, or register a redirect URI with another port"
        case errno.EACCES:
            return "its port is reserved by the system; register a redirect URI with a port above 1023"
        case _:
            return str(error.strerror)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    # On Windows this would let another program have the port, too.
    allow_reuse_address = sys.platform != "win32"
    allow_reuse_port = False

    def __init__(self, address: tuple[str, int], loopback: Loopback) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.loopback = loopback
        self._asking: dict[Any, Later] = {}
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        for oldest in list(self._asking)[: max(0, len(self._asking) + 1 - _MOST)]:
            self.asked(oldest, shut=True)
        try:
            self._asking[request] = call_later(_PATIENCE, lambda: _shut(request))
            super().process_request(request, client_address)
        except RuntimeError:
            self.shutdown_request(request)  # No thread for it: the browser may try again.

    def asked(self, request: Any, *, shut: bool = False) -> None:
        """Its request has come, or never will."""
        later = self._asking.pop(request, None)
        if later is not None:
            later.cancel()
            if shut:
                _shut(request)

    def shutdown_request(self, request: Any) -> None:
        self.asked(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away is nobody's error."""


def _shut(request: socket.socket) -> None:
    with suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    timeout = _SILENCE
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._respond(lambda: None)

    def do_POST(self) -> None:
        self._respond(self._body)

    def _respond(self, read: Callable[[], str | None]) -> None:
        words = (self.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz", "X-Purpose"))
        if any(word in text for text in words for word in ("prefetch", "prerender", "preview")):
            # The browser asks ahead of its user: that must not use the callback up.
            self._head(204)
            return
        try:
            body = read()
        except ValueError:
            self._page("too_long")
            return
        self.server.asked(self.connection)
        found = self.server.loopback.take(self.path, body)
        if isinstance(found, str):
            self._page(found)
            return
        try:
            self._page(found.end())
        finally:
            found.shown()

    def _body(self) -> str:
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= _MAX_BYTES:
            raise ValueError
        return self.rfile.read(length).decode("ascii", "replace")

    def _page(self, end: str) -> None:
        nonce = secrets.token_urlsafe(12)
        if end == "relay":
            status, page = 200, _RELAY.format(nonce=nonce)
        else:
            status, title, text = _ENDS[end]
            page = _PAGE.format(title=title, text=text, nonce=nonce)
        self._head(status, page.encode(), _POLICY.format(nonce=nonce))

    def _head(self, status: int, content: bytes = b"", policy: str = "default-src 'none'") -> None:
        self.send_response(status)
        if content:
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", policy)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = True

    def log_message(self, format: str, *arguments: object) -> None:
        """The request line has the code in it: it is not logged."""
