"""Servers by the metadata that they publish."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from webex_oauth import Client, ConfigError, discover_provider


class Publisher(BaseHTTPRequestHandler):
    """Publishes the metadata of the issuer `/t` where OpenID Connect has it, and nothing else."""

    def do_GET(self) -> None:
        base = f"http://127.0.0.1:{self.server.server_port}"  # type: ignore[attr-defined]
        found = self.path == "/t/.well-known/openid-configuration"
        metadata = {"issuer": f"{base}/t", "authorization_endpoint": f"{base}/a", "token_endpoint": f"{base}/token"}
        body = json.dumps(metadata).encode() if found else b"nothing"
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Publisher) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_server_is_found_by_its_issuer(server: str) -> None:
    provider = discover_provider(f"{server}/t")
    assert provider.token_endpoint == f"{server}/token"
    assert provider.token_hosts == [server.removeprefix("http://")]


def test_where_nothing_is_published_every_place_is_named(server: str) -> None:
    with pytest.raises(ConfigError, match=r"oauth-authorization-server: HTTP 404.*openid-configuration: HTTP 404"):
        discover_provider(server)


def test_the_environment_names_an_issuer(server: str) -> None:
    with Client.from_env({"WEBEX_CLIENT_ID": "C1", "WEBEX_ISSUER": f"{server}/t"}) as client:
        assert client.config.provider.issuer == f"{server}/t"


def test_the_environment_names_a_file(tmp_path: Path) -> None:
    file = tmp_path / "as.json"
    file.write_text(json.dumps({"issuer": "https://as.example", "token_endpoint": "https://as.example/token"}))
    with Client.from_env({"WEBEX_CLIENT_ID": "C1", "WEBEX_METADATA": str(file)}) as client:
        assert client.config.provider.token_endpoint == "https://as.example/token"
    with pytest.raises(ConfigError) as refused:
        Client.from_env({"WEBEX_CLIENT_ID": "C1", "WEBEX_METADATA": str(tmp_path / "none")})
    assert refused.value.variable == "WEBEX_METADATA"
