"""Several logins at once: each ends by itself."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import webex_oauth
from conftest import Simulator, eventually
from webex_oauth import Client, protocol

Make = Callable[..., Client]


def test_logins_side_by_side_end_each_by_itself(simulator: Simulator, make_client: Make) -> None:
    client = make_client()
    one, two = client.begin_login(), client.begin_login()
    with ThreadPoolExecutor(1) as pool:
        device = pool.submit(client.device_login, show=lambda prompt: None)
        eventually(lambda: simulator.log(endpoint="device_authorize"))
        client.cancel_login(under_way=True)
        with pytest.raises(webex_oauth.LoginCancelled):
            device.result(10)
    client.cancel_login(one)
    with pytest.raises(webex_oauth.CallbackIgnored):
        client.complete_login(simulator.approve(one))
    callback = simulator.approve(two)
    event = client.complete_login(callback)
    assert event.login == protocol.login_id(callback)
    # A browser sends the address again: that is done already.
    assert client.complete_login(callback).login == event.login
    assert simulator.counters()["grants_succeeded"] == 1
