"""End to end with oidc-provider, a server that nobody here wrote: code with PKCE, rotation, device, revocation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import webex_oauth
from webex_oauth import Client, Config, Provider

SOURCES = Path(os.environ.get("WEBEX_OAUTH_SOURCES", ""))
START = SOURCES / "conformance/servers/start"
pytestmark = pytest.mark.skipif(not START.is_file(), reason="WEBEX_OAUTH_SOURCES is not the repository")


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    command = [str(START), "oidc-provider"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None and server.stdin is not None
        line = server.stdout.readline()
        if not line and server.wait() == 69:
            pytest.skip("oidc-provider needs Node, which is not here")
        started = json.loads(line)
        with urllib.request.urlopen(started["metadata"], timeout=20) as answer:
            yield Provider.from_metadata(answer.read(), started["issuer"])
        server.stdin.close()


def approve(url: str, *options: str) -> str:
    command = [sys.executable, str(SOURCES / "conformance/servers/approve"), *options, url]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()[0]


def test_code_rotation_and_revocation(provider: Provider) -> None:
    hosts = [provider.token_endpoint.split("/")[2]]
    config = Config(
        "basic",
        client_secret=webex_oauth.Secret("test only: 100%/+&="),
        redirect_uri="http://127.0.0.1:9/callback",
        scope="read",
        provider=provider,
        token_hosts=hosts,
        # A server may end the whole grant when an access token is revoked (RFC 7009 section 2.1); this one does.
        refresh=webex_oauth.RefreshPolicy(revoke_superseded=False),
    )
    with Client(config) as client:
        assert client.complete_login(approve(client.begin_login())).via == "code"
        me = provider.token_endpoint.rsplit("/", 1)[0] + "/api/me"
        assert client.call(me).json()["client_id"] == "basic"
        before = client.token()
        client.refresh()
        client.refresh()
        assert client.token() != before and client.call(me).status == 200
        after = client.token()
        client.sign_out()
        assert client.call(me, headers={"Authorization": f"Bearer {after}"}).status == 401


def test_a_user_may_decline(provider: Provider) -> None:
    config = Config("public", redirect_uri="http://127.0.0.1:9/callback", scope="read", provider=provider)
    with Client(config) as client, pytest.raises(webex_oauth.LoginFailed) as caught:
        client.complete_login(approve(client.begin_login(), "--deny"))
    assert caught.value.fault.code == "access_denied"


def test_the_device_grant(provider: Provider) -> None:
    def show(prompt: webex_oauth.DevicePrompt) -> None:
        assert prompt.verification_uri_complete is not None
        approve(prompt.verification_uri_complete.expose())

    with Client(Config("device", scope="read", provider=provider)) as client:
        assert client.device_login(show=show, timeout=40).via == "device"
