"""The listener of a login in the browser (RFC 8252 section 7.3): loopback only, one login, no trace left behind."""

from __future__ import annotations

import queue
import secrets
import socket
import threading
import webbrowser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ._core import Secret
from ._errors import InvalidArgument, LoginFailed, NotConfigured

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Callback", "Loopback", "open_in_browser"]

_HOSTS = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "::1": "::1"}
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
    "declined": (200, "You declined", "Nothing was granted. You can close this window, or go back and try again."),
    "failed": (200, "The sign-in did not work", "The application knows more. You can close this window."),
    "ignored": (400, "Nothing to do here", "This is not the answer that is waited for."),
    "missing": (404, "Not found", "Nothing is here."),
    "too_long": (413, "Too long", "This is not an answer."),
}


def open_in_browser(url: str) -> None:
    """The user's browser; where there is none, the URL is printed.

    One in the terminal is not waited for: it waits itself, for the listener's page.
    """

    def work() -> None:
        if not webbrowser.open(url):
            print(f"Open this page in a browser:\n{url}", flush=True)

    threading.Thread(target=work, name="webex-oauth-browser", daemon=True).start()


class Callback:
    """What the browser brought. It waits for the answer."""

    def __init__(self, text: str) -> None:
        self.text = Secret(text)
        #: How it ended; one of the keys of `_ENDS`.
        self.outcome = "failed"
        self._answered = threading.Event()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._answered.set()

    def end(self) -> str:
        """Waits for it."""
        self._answered.wait(120)
        return self.outcome


class Loopback:
    """Listens on the redirect URI; on a free port where it names none."""

    def __init__(self, redirect_uri: str | None) -> None:
        if redirect_uri is None:
            raise NotConfigured(
                "the configuration lacks redirect_uri, which login needs", what="redirect_uri", needed_by="login"
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
        self._path = parts.path or "/"
        self._received: queue.Queue[Callback] = queue.Queue()
        try:
            self._server = _Server((_HOSTS[host], parts.port or 0), self)
        except OSError as error:
            raise LoginFailed(f"cannot listen on {host}:{parts.port}: {error.strerror}", via="code") from error
        port = self._server.server_address[1]
        shown = f"[{host}]" if ":" in host else host
        self.redirect_uri = redirect_uri if parts.port else f"http://{shown}:{port}{parts.path}"
        self._origin = f"http://{shown}:{port}"

    def __enter__(self) -> Loopback:
        threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="webex-oauth-loopback", daemon=True
        ).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def receive(self, timeout: float) -> Callback | None:
        """The next callback, or None."""
        try:
            return self._received.get(timeout=max(timeout, 0.001))
        except queue.Empty:
            return None

    def take(self, target: str, body: str | None) -> str:
        """A request of the browser, and how it ended: one of the keys of `_ENDS`, or `relay`."""
        path, _, query = target.partition("?")
        if path != self._path:
            return "missing"
        if body is None and not query:
            return "relay"
        callback = Callback(f"{self._origin}{target}" if body is None else body)
        self._received.put(callback)
        return callback.end()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], loopback: Loopback) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.loopback = loopback
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away is nobody's error."""


class _Handler(BaseHTTPRequestHandler):
    timeout = 30
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._answer(self.server.loopback.take(self.path, None))

    def do_POST(self) -> None:
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = 0
        if not 0 < length <= _MAX_BYTES:
            self._answer("too_long")
            return
        body = self.rfile.read(length).decode("ascii", "replace")
        self._answer(self.server.loopback.take(self.path, body))

    def _answer(self, end: str) -> None:
        nonce = secrets.token_urlsafe(12)
        if end == "relay":
            status, page = 200, _RELAY.format(nonce=nonce)
        else:
            status, title, text = _ENDS[end]
            page = _PAGE.format(title=title, text=text, nonce=nonce)
        content = page.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", _POLICY.format(nonce=nonce))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = True

    def log_message(self, format: str, *arguments: object) -> None:
        """The request line has the code in it: it is not logged."""
