"""What was given as ``state`` when a login began comes back as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import webex_oauth
from conftest import Simulator, sign_in
from webex_oauth import AsyncClient, Client, Event, FileStore, InvalidArgument, LoginFailed, SignedIn

Make = Callable[..., Client]

STATES: list[dict[str, Any] | str] = [
    {"return_to": "/rooms"},
    {"n": 1.5, "deep": {"list": [1, None, True, "ü"]}, "": "empty"},
    {"text": "a member, not a text"},
    "/rooms?x=1",
    '{"json": 1, "spaces": [ ]}',
    "",
    "ü \U0001f600 \n\0 \\u0041",
]


@pytest.mark.parametrize("state", STATES)
def test_it_comes_back_as_it_was(simulator: Simulator, make_client: Make, state: dict[str, Any] | str) -> None:
    done = sign_in(simulator, make_client(), state=state)
    assert isinstance(done, SignedIn)
    assert done.state == state
    assert type(done.state) is type(state)


@pytest.mark.parametrize("state", STATES)
def test_another_process_completes_it(
    simulator: Simulator, make_client: Make, tmp_path: Path, state: dict[str, Any] | str
) -> None:
    url = make_client(store=FileStore(tmp_path / "session")).begin_login(state=state)
    assert make_client(store=FileStore(tmp_path / "session")).complete_login(simulator.approve(url)).state == state


@pytest.mark.parametrize("state", STATES)
def test_it_comes_back_from_asyncio_and_beside_an_email(simulator: Simulator, state: dict[str, Any] | str) -> None:
    async def signed_in() -> SignedIn:
        async with AsyncClient(simulator.config()) as client:
            url = await client.begin_login(state=state, email="ada@example.com")
            return await client.complete_login(simulator.approve(url))

    assert asyncio.run(signed_in()).state == state


@pytest.mark.parametrize("state", STATES)
def test_it_comes_back_where_the_user_declines(
    simulator: Simulator, make_client: Make, state: dict[str, Any] | str
) -> None:
    client = make_client()
    with pytest.raises(LoginFailed) as failed:
        client.complete_login(simulator.approve(client.begin_login(state=state), decision="decline"))
    assert failed.value.state == state


def test_where_there_was_none_there_is_none(simulator: Simulator, make_client: Make) -> None:
    client = make_client()
    assert sign_in(simulator, client).state is None
    assert sign_in(simulator, client, state={}).state is None
    assert sign_in(simulator, client, opaque_state="my own").state is None
    callback = simulator.approve(client.begin_login(state="once"))
    assert [client.complete_login(callback).state for _ in range(2)] == ["once", None]


def test_what_the_session_tells_is_its_json(simulator: Simulator, make_client: Make) -> None:
    told: list[webex_oauth.ClientEvent] = []
    client = make_client(on_event=told.append)
    done = sign_in(simulator, client, state={"page": 7})
    client.close()
    [event] = [event for event in told if isinstance(event, Event.SignedIn)]
    assert event.state == '{"page":7}'
    assert (event.via, event.generation, event.login, event.cleaned_url) == (
        done.via,
        done.generation,
        done.login,
        done.cleaned_url,
    )


def test_it_is_not_printed(simulator: Simulator, make_client: Make) -> None:
    done = sign_in(simulator, make_client(), state="of the application")
    assert "of the application" not in repr(done)
    assert "via='code'" in repr(done)


@pytest.mark.parametrize(
    "state", [{"webex_oauth_text": "x"}, {"csrf_token": "x"}, {"set": {1}}, {"not a number": float("nan")}, 5, b"x"]
)
def test_what_cannot_come_back_does_not_go(make_client: Make, state: Any) -> None:
    with pytest.raises(InvalidArgument, match="state"):
        make_client().begin_login(state=state)
