"""`Client` against the simulated Webex: grants, refreshes, failures, waiting."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import webex_oauth
from conftest import SCOPE, Clock, Simulator, eventually, sign_in
from webex_oauth import Client, ClientEvent, Config, Event

Make = Callable[..., Client]


def test_the_code_grant_ends_in_a_token(simulator: Simulator, make_client: Make) -> None:
    client = make_client()
    event = sign_in(simulator, client, state={"return_to": "/rooms"})
    assert event.via == "code"
    assert event.state == {"return_to": "/rooms"}
    assert event.cleaned_url is not None and "code=" not in event.cleaned_url
    assert client.authorization_header() == f"Bearer {client.token()}"
    assert str(client.status().scope) == SCOPE
    [entry] = simulator.log(endpoint="access_token")
    assert "code_verifier" in entry["fields"]


def test_what_stays_on_this_machine_goes_through_no_proxy(
    simulator: Simulator, signed_in: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in()
    with monkeypatch.context() as environment:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            environment.setenv(name, "http://127.0.0.1:1")
        for name in ("no_proxy", "NO_PROXY"):
            environment.delenv(name, raising=False)
        client.refresh()
        assert client.call(simulator.url()).status == 200


def test_login_uses_the_browser_and_a_listener_on_loopback(simulator: Simulator, make_client: Make) -> None:
    import urllib.request

    def browse(url: str) -> None:
        def visit() -> None:
            with urllib.request.urlopen(simulator.approve(url)) as page:
                pages.append(page.read().decode())

        browser.append(threading.Thread(target=visit))
        browser[0].start()

    pages: list[str] = []
    browser: list[threading.Thread] = []
    client = make_client()
    assert client.login(open_browser=browse, timeout=20).via == "code"
    browser[0].join()
    assert "signed in" in pages[0]


def test_a_browser_in_the_terminal_is_served_while_it_waits(
    simulator: Simulator, make_client: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    import urllib.request

    def text_browser(url: str) -> bool:
        with urllib.request.urlopen(simulator.approve(url), timeout=10) as page:
            pages.append(page.read().decode())
        return True

    pages: list[str] = []
    monkeypatch.setattr("webbrowser.open", text_browser)
    assert make_client().login(timeout=20).via == "code"
    eventually(lambda: bool(pages))
    assert "signed in" in pages[0]


def test_a_declined_login_says_so_and_leaves_the_session_alone(simulator: Simulator, signed_in: Make) -> None:
    client = signed_in()
    with pytest.raises(webex_oauth.LoginFailed) as caught:
        client.complete_login(simulator.approve(client.begin_login(), "decline"))
    assert caught.value.fault.code == "access_denied"
    assert caught.value.fault.advice == "sign_in_again"
    assert client.token()


def test_a_foreign_callback_is_ignored_and_the_login_still_waits(simulator: Simulator, make_client: Make) -> None:
    client = make_client()
    url = client.begin_login()
    with pytest.raises(webex_oauth.CallbackIgnored) as caught:
        client.complete_login("http://127.0.0.1/callback?code=x&state=evil")
    assert caught.value.reason == "wrong_state"
    assert client.complete_login(simulator.approve(url))


def test_the_device_grant_shows_a_code_and_waits(simulator: Simulator, make_client: Make) -> None:
    simulator.options(device_interval_ms=1000)
    client = make_client()

    def show(prompt: webex_oauth.DevicePrompt) -> None:
        simulator.control("/device", {"user_code": prompt.user_code.expose()})

    assert client.device_login(show=show, timeout=20).via == "device"
    assert client.token()


def test_guests_sign_in_with_a_jwt(simulator: Simulator, make_client: Make) -> None:
    issuer = simulator.info["guest_issuers"][0]
    jwt = webex_oauth.guest_jwt(
        issuer=issuer["id"], secret=issuer["secret"], lifetime="12h", subject="guest-1", display_name="A Guest"
    )
    client = make_client()
    assert client.guest(jwt).via == "jwt"
    assert client.token()


def test_client_credentials_and_guests_of_a_service_app(simulator: Simulator, make_client: Make) -> None:
    app = simulator.info["clients"][2]
    config = Config(
        app["id"],
        client_secret=app["secret"],
        scope="guest-issuer:read guest-issuer:write",
        provider=simulator.provider,
    )
    with Client(config) as service:
        assert service.client_credentials().via == "client_credentials"
        guest = make_client()
        assert guest.service_guest(service.token(), "subject-1", "A Guest").via == "guest"
        assert guest.token()


def test_a_bare_refresh_token_is_enough(simulator: Simulator, make_client: Make) -> None:
    client = make_client()
    client.adopt({"refresh_token": simulator.issue()["refresh_token"]})
    assert client.token()
    assert simulator.counters()["refreshes_succeeded"] == 1


def test_a_user_token_has_less_scope(simulator: Simulator, signed_in: Make) -> None:
    client = signed_in()
    token = client.user_token("spark:people_read")
    assert token != client.token()
    assert client.user_token("spark:people_read") == token
    with pytest.raises(webex_oauth.SignInRequired) as caught:
        client.user_token("spark:all")
    assert "spark:all" in repr(caught.value.reason)


def test_an_expired_token_is_refreshed(simulator: Simulator, signed_in: Make, clock: Clock) -> None:
    client = signed_in(clock=clock)
    before = client.token()
    clock.advance(15 * 86_400)
    assert client.token() != before
    assert simulator.counters()["refreshes_succeeded"] == 1


def test_sixty_four_threads_on_one_expired_token_cause_one_refresh(
    simulator: Simulator, signed_in: Make, clock: Clock
) -> None:
    client = signed_in(clock=clock)
    simulator.options(rotate=True)
    simulator.refresh_fault("slow", ms=200)
    clock.advance(15 * 86_400)
    barrier = threading.Barrier(64)

    def ask(_: int) -> str:
        barrier.wait()
        return client.token()

    with ThreadPoolExecutor(64) as pool:
        assert len(set(pool.map(ask, range(64)))) == 1
    assert simulator.counters()["refreshes_attempted"] == 1


def test_a_valid_token_never_waits_for_a_refresh_in_the_background(
    simulator: Simulator, signed_in: Make, clock: Clock
) -> None:
    client = signed_in(clock=clock)
    before = client.token()
    simulator.refresh_fault("hold")
    clock.advance(13.5 * 86_400)
    assert client.token() == before
    eventually(lambda: simulator.counters()["refreshes_attempted"] == 1)
    assert client.token() == before and client.status().is_refreshing
    simulator.control("/release", {})
    eventually(lambda: client.token() != before)


def test_a_failed_background_refresh_does_not_fail_the_caller(
    simulator: Simulator, signed_in: Make, clock: Clock
) -> None:
    events: list[Any] = []
    client = signed_in(clock=clock, on_event=events.append)
    before = client.token()
    simulator.refresh_fault("status", status=503, times=None)
    clock.advance(13.5 * 86_400)
    assert client.token() == before
    eventually(lambda: any(isinstance(event, Event.RefreshFailed) for event in events))
    assert client.token() == before


def test_a_refresh_that_fails_is_typed_and_keeps_the_tokens(
    simulator: Simulator, signed_in: Make, clock: Clock
) -> None:
    client = signed_in(clock=clock)
    simulator.refresh_fault("status", status=503, retry_after="30")
    clock.advance(15 * 86_400)
    with pytest.raises(webex_oauth.RefreshFailed) as caught:
        client.token()
    fault = caught.value.fault
    assert (fault.status, fault.is_transient, fault.advice) == (503, True, "wait_and_retry")
    assert fault.tracking_id and caught.value.retry_at is not None
    clock.advance(31)
    assert client.token()


def test_a_lost_answer_is_asked_for_again(simulator: Simulator, signed_in: Make, clock: Clock) -> None:
    client = signed_in(clock=clock)
    simulator.options(rotate=True, reuse_grace_ms=60_000)
    simulator.refresh_fault("cut", after=True)
    clock.advance(15 * 86_400)
    with pytest.raises(webex_oauth.RefreshFailed) as caught:
        client.token()
    assert caught.value.fault.send == "lost"
    assert isinstance(caught.value.__cause__, webex_oauth.TransportError)
    clock.advance(10)
    assert client.token()


def test_a_revoked_grant_needs_a_new_sign_in(simulator: Simulator, signed_in: Make, clock: Clock) -> None:
    events: list[Any] = []
    client = signed_in(clock=clock, on_event=events.append)
    simulator.control("/revoke", {"all": True})
    simulator.options(error_style="oauth")
    clock.advance(15 * 86_400)
    with pytest.raises(webex_oauth.SignInRequired) as caught:
        client.token()
    assert repr(caught.value.reason) == "SignInReason.SignedOut(reason='grant_ended')"
    eventually(lambda: any(event.name == "client:InvalidRequestError" for event in events))


def test_a_caller_may_give_up_without_harm(simulator: Simulator, signed_in: Make, clock: Clock) -> None:
    client = signed_in(clock=clock)
    simulator.refresh_fault("hold")
    clock.advance(15 * 86_400)
    with pytest.raises(webex_oauth.TimedOut) as caught:
        client.token(timeout=0.05)
    assert isinstance(caught.value, TimeoutError)
    eventually(lambda: simulator.counters()["refreshes_attempted"] == 1)
    simulator.control("/release", {})
    assert client.token(timeout=10)
    assert simulator.counters()["refreshes_attempted"] == 1


def test_the_second_login_supersedes_the_first(simulator: Simulator, make_client: Make) -> None:
    issuer = simulator.info["guest_issuers"][0]
    first, second = (
        webex_oauth.guest_jwt(issuer=issuer["id"], secret=issuer["secret"], subject=subject)
        for subject in ("guest-1", "guest-2")
    )
    simulator.fault("hold", endpoint="jwt_login")
    client = make_client()
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(client.guest, first)
        eventually(lambda: simulator.log(endpoint="jwt_login"))
        two = pool.submit(client.guest, second)
        with pytest.raises(webex_oauth.LoginSuperseded):
            one.result(10)
        # One grant request at a time: the second goes out when the first has its answer.
        simulator.control("/release", {})
        assert two.result(10).via == "jwt"


def test_sign_out_is_immediate_and_revokes(simulator: Simulator, signed_in: Make) -> None:
    client = signed_in()
    url = client.sign_out(logout="browser", goto="https://example.com/bye")
    assert url is not None and "goto=" in url
    with pytest.raises(webex_oauth.SignInRequired):
        client.token()
    eventually(lambda: simulator.counters()["live_refresh_tokens"] == 0)


def test_a_closed_client_says_so(signed_in: Make) -> None:
    with signed_in() as client:
        assert client.token()
    for call in (client.token, client.authorization_header, client.begin_login, client.refresh, client.sign_out):
        with pytest.raises(webex_oauth.Closed):
            call()


def test_close_waits_for_the_refresh_under_way(simulator: Simulator, signed_in: Make, clock: Clock) -> None:
    client = signed_in(clock=clock)
    before = client.token()
    simulator.refresh_fault("slow", ms=300)
    clock.advance(13.5 * 86_400)
    assert client.token() == before
    eventually(lambda: client.status().is_refreshing)
    client.close()
    tokens = client.tokens()
    assert tokens is not None and tokens.access_token is not None and tokens.access_token.expose() != before


def test_events_are_told_in_order_and_may_use_the_client(simulator: Simulator, make_client: Make) -> None:
    told: list[str] = []

    def listen(event: webex_oauth.ClientEvent) -> None:
        told.append(event.name)
        assert client.status() and client.token()

    client = make_client(on_event=listen)
    sign_in(simulator, client)
    client.refresh()
    eventually(lambda: told == ["ready", "token:refresh"])


def test_a_callback_that_raises_harms_nobody(
    simulator: Simulator, make_client: Make, caplog: pytest.LogCaptureFixture
) -> None:
    def listen(event: webex_oauth.ClientEvent) -> None:
        raise KeyError("a listener's own trouble")

    client = make_client(on_event=listen)
    sign_in(simulator, client)
    assert client.token()
    eventually(lambda: "the callback for events raised KeyError" in caplog.text)


def test_a_client_that_nobody_holds_is_gone_at_once(simulator: Simulator) -> None:
    class Listener:
        def __call__(self, event: ClientEvent) -> None: ...

    listener = Listener()
    gone = weakref.ref(listener)
    client = Client(simulator.config(), on_event=listener)
    client.adopt(simulator.issue())  # From now on a thread keeps the session.
    gc.disable()
    try:
        del client, listener
        eventually(lambda: gone() is None)
    finally:
        gc.enable()


def test_clients_that_are_dropped_leave_no_thread(simulator: Simulator) -> None:
    tokens = simulator.issue()
    before = threading.active_count()
    for _ in range(500):
        Client(simulator.config()).adopt(tokens)
    names = [thread.name for thread in threading.enumerate()]
    assert threading.active_count() <= before + 1, names
    assert names.count("webex-oauth-timer") == 1


def test_five_hundred_clients_share_a_thread(simulator: Simulator) -> None:
    tokens = simulator.issue()
    before = threading.active_count()
    clients = [Client(simulator.config()) for _ in range(500)]
    for client in clients:
        client.adopt(tokens)
    assert threading.active_count() <= before + 1
    for client in clients:
        client.close()


def test_a_transport_that_never_ends_is_not_waited_for(
    simulator: Simulator, make_client: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def transport(request: Any) -> webex_oauth.HttpResponse:
        forever.wait(20)
        raise AssertionError

    forever = threading.Event()
    monkeypatch.setattr("webex_oauth._in_time._GRACE", 0.0)
    client = make_client(transport=transport, config={"request_timeout": 0.3})
    client.adopt({"refresh_token": simulator.issue()["refresh_token"]})
    with pytest.raises(webex_oauth.RefreshFailed) as caught:
        client.token(timeout=10)
    assert caught.value.fault.send == "lost"
    client.close()
    forever.set()


def test_a_callback_of_the_host_that_never_ends_is_not_waited_for(make_client: Make) -> None:
    forever = threading.Event()
    client = make_client(config={"renewal": "host_token"}, refresh_callback=lambda ask: forever.wait(20))
    with pytest.raises(webex_oauth.TimedOut):
        client.token(timeout=0.2)
    client.close(timeout=0.2)
    forever.set()
