"""The sans-IO session and its types, and what becomes of bad input."""

from __future__ import annotations

import logging
import os
import pickle
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import webex_oauth
from conftest import Clock, Simulator, sign_in
from webex_oauth import (
    ENTROPY_LEN,
    Access,
    Client,
    Config,
    Effect,
    Error,
    Event,
    HttpRequest,
    HttpResponse,
    InvalidArgument,
    LoginOptions,
    Phase,
    Provider,
    Scope,
    Secret,
    Session,
    Verdict,
    protocol,
)

Make = Callable[..., Client]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def config(**settings: Any) -> Config:
    return Config("C1", **{"client_secret": "the-client-secret", "redirect_uri": "http://127.0.0.1/cb", **settings})


def entropy() -> bytes:
    return os.urandom(ENTROPY_LEN)


def test_the_code_grant_by_hand() -> None:
    session = Session(config(), entropy())
    output = session.begin_login(NOW, LoginOptions(scope="a b"), entropy())
    match output.effects:
        case (Effect.Persist(revision=revision, replaces=0), Effect.OpenBrowser(url=url)):
            assert (revision, revision % 2**24) == (session.revision, 1)
            state = url.expose().split("state=")[1].split("&")[0]
        case other:
            pytest.fail(repr(other))
    assert session.phase == Phase.SigningIn("code", "signed_out")
    output = session.complete_login(NOW, f"http://127.0.0.1/cb?code=the-code&state={state}")
    match output.effects:
        case (Effect.Persist(), Effect.Send(request=request)):
            assert request.method == "POST" and request.purpose == "redeem_code" and request.is_grant
            assert b"code=the-code" in request.expose_body()
            assert request.hints.timeout == timedelta(seconds=30) and not request.hints.follow_redirects
        case other:
            pytest.fail(repr(other))
    answer = HttpResponse(200, {"Content-Type": "application/json"}, b'{"access_token":"AT","expires_in":3600}')
    output = session.response(NOW, request.id, answer)
    assert isinstance(output.effects[-1], Effect.Notify)
    match session.access(NOW):
        case Access.Ready(token=token, generation=1, expires_at=expires_at, refresh_soon=False):
            assert token.expose_header() == "Bearer AT"
            assert expires_at == NOW + timedelta(hours=1)
        case wrong:
            pytest.fail(repr(wrong))
    assert session.judge(NOW, 429, "7") == Verdict.Wait(7)
    assert Session.restore(session.config, session.snapshot()).snapshot() == session.snapshot()


def test_instants_are_datetimes_and_exact_milliseconds() -> None:
    session = Session(config(), entropy())
    session.adopt(NOW, '{"access_token":"AT","expires_in":9223372036854775807}')
    status = session.status(NOW)
    assert status.expires_at == datetime.max.replace(microsecond=999_000, tzinfo=timezone.utc)
    assert status.expires_at_ms == 2**63 - 1
    other_zone = NOW.astimezone(timezone(timedelta(hours=9)))
    assert session.status(other_zone) == session.status(NOW) == session.status(int(NOW.timestamp() * 1000))


@pytest.mark.parametrize(
    "now", [datetime(2026, 1, 1), "2026-01-01", 1.5, True, None], ids=["naive", "text", "float", "bool", "none"]
)
def test_an_instant_that_could_mean_anything_is_refused(now: Any) -> None:
    session = Session(config(), entropy())
    with pytest.raises(InvalidArgument):
        session.tick(now)


@pytest.mark.parametrize("seed", [b"", b"short", bytes(64), "text", None])
def test_entropy_has_to_be_filled(seed: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Session(config(), seed)
    assert caught.value.argument == "entropy"


#: For calls that a type checker refuses.
untyped: Any = webex_oauth


@pytest.mark.parametrize(
    ("mistake", "kind"),
    [
        (
            lambda session: session.begin_login(NOW, untyped.LoginOptions(extra=[("client_id", "x")]), entropy()),
            "Invalid",
        ),
        (lambda session: session.refresh(NOW), "NotSignedIn"),
        (lambda session: session.downscope(NOW, "a"), "NotSignedIn"),
        (lambda session: session.complete_login(NOW, 7), "InvalidArgument"),
        (lambda session: session.adopt(NOW, ""), "InvalidArgument"),
        (lambda session: session.send_failed(NOW, 1, "gone"), "InvalidArgument"),
        (lambda session: untyped.LoginOptions(flow="password"), "InvalidArgument"),
        (lambda session: untyped.LoginOptions(scope=7), "InvalidArgument"),
        (lambda session: untyped.HttpResponse(99), "InvalidArgument"),
        (lambda session: untyped.HttpResponse(200, {"a": 1}), "InvalidArgument"),
        (lambda session: untyped.HttpResponse(200, {}, "text"), "InvalidArgument"),
        (lambda session: Config("", provider=Provider.webex()), "ConfigError"),
        (lambda session: Config("C1", redirect_uri="http://example.com/"), "ConfigError"),
        (lambda session: untyped.Config("C1", colour="blue"), "InvalidArgument"),
        (lambda session: Config("C1", request_timeout=-1), "InvalidArgument"),
        (lambda session: Session.restore(config(), "{}"), "RestoreError"),
        (lambda session: protocol.lifetime_seconds("soon"), "InvalidArgument"),
        (lambda session: protocol.org_id_of_token("opaque"), "InvalidArgument"),
    ],
)
def test_mistakes_are_typed_and_change_nothing(mistake: Callable[[Session], object], kind: str) -> None:
    session = Session(config(), entropy())
    before = session.snapshot()
    with pytest.raises(Error) as caught:
        mistake(session)
    assert kind in [parent.__name__ for parent in type(caught.value).__mro__] or type(caught.value).__name__.startswith(
        kind
    )
    assert session.snapshot() == before
    assert pickle.loads(pickle.dumps(caught.value)).args == caught.value.args


def test_a_scope_is_a_set() -> None:
    scope = Scope("b a b")
    assert str(scope) == "a b" and list(scope) == ["a", "b"] and len(scope) == 2
    assert scope == Scope(["b", "a"]) and hash(scope) == hash(Scope("a b"))
    assert "a" in scope and "c" not in scope
    assert scope <= Scope("a b c") and not scope <= Scope("a")
    assert (str(scope | Scope("c")), str(scope - Scope("a")), str(scope & Scope("a"))) == ("a b c", "b", "a")


def test_a_session_can_be_recorded_without_secrets() -> None:
    session = Session(config(), entropy())
    session.start_recording()
    session.adopt(NOW, "a-very-secret-token")
    transcript = session.transcript()
    assert transcript is not None and "a-very-secret-token" not in transcript and "the-client-secret" not in transcript
    (step,) = webex_oauth.replay(transcript)
    assert step.is_faithful and (step.at, step.input, step.phase) == (NOW, "adopt", Phase.SignedIn())
    assert step.recorded == step.replayed and "adopt" in repr(step)
    (step,) = webex_oauth.replay(transcript.replace("generation 1", "generation 2"))
    assert not step.is_faithful


@pytest.mark.parametrize("text", ["", "{}", "null", '{"webex_oauth_transcript":99}', "\0"])
def test_a_damaged_transcript_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        webex_oauth.replay(text)


# ----------------------------------------------------------------------------------------------------- secrets


def test_secrets_are_not_printed_pickled_or_hashed() -> None:
    secret = Secret("hush")
    assert repr(secret) == str(secret) == f"{secret}" == "Secret(redacted)"
    assert secret == Secret("hush") and secret != Secret("other") and secret != "hush"
    assert secret.expose() == "hush" and secret and not Secret("")
    for forbidden in (lambda: pickle.dumps(secret), lambda: hash(secret), lambda: Secret(7)):  # type: ignore[arg-type]
        with pytest.raises((TypeError, InvalidArgument)):
            forbidden()


def test_nothing_prints_a_secret(
    simulator: Simulator, make_client: Make, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Everything that a client hands out or raises, printed in every way, while all kinds of things go wrong."""
    caplog.set_level(logging.DEBUG)
    printed: list[str] = []
    secrets = {simulator.info["client_secret"]}

    def note(thing: object) -> None:
        printed.extend([repr(thing), str(thing), f"{thing}"])
        for name in getattr(type(thing), "__match_args__", ()):
            note(getattr(thing, name))

    def transport(request: HttpRequest) -> HttpResponse:
        note(request)
        secrets.update(value.split()[-1] for value in request.expose_headers().values() if " " in value)
        answer = webex_oauth.HttpTransport()(request)
        note(answer)
        if b"access_token" in answer.expose_body():
            import json

            told = json.loads(answer.expose_body())
            secrets.update(told[name] for name in ("access_token", "refresh_token") if name in told)
        if failing:
            raise ValueError(failing.pop())
        return answer

    failing: list[str] = []
    client = make_client(on_event=note, transport=transport, clock=clock)
    url = client.begin_login()
    callback = simulator.approve(url)
    secrets.add(callback.split("code=")[1].split("&")[0])
    note(client.complete_login(callback))
    for thing in (client, client.config, client.session, client.status(), client.tokens(), client.access()):
        note(thing)

    def fails(call: Callable[[], object]) -> None:
        try:
            call()
        except Error as error:
            note(error)
            printed.extend(traceback.format_exception(error))
            printed.extend(traceback.TracebackException.from_exception(error, capture_locals=True).format())

    again = [Secret(callback.replace("state=", "state=x"))]
    fails(lambda: client.complete_login(again[0].expose()))
    fails(lambda: client.user_token("spark:all"))
    clock.advance(15 * 86_400)
    failing.append("a transport's own trouble")
    fails(client.token)
    clock.advance(60)
    simulator.refresh_fault("status", status=400, body={"error": "invalid_grant"}, after=True)
    fails(client.token)
    fails(client.token)
    text = "\n".join([*printed, caplog.text])
    assert len(secrets) >= 4 and len(printed) > 50
    assert [secret for secret in secrets if secret in text] == []


def test_a_transport_that_returns_nonsense_is_a_lost_answer(
    simulator: Simulator, make_client: Make, clock: Clock
) -> None:
    client = make_client(transport=lambda request: "nonsense", clock=clock)
    with pytest.raises(webex_oauth.LoginFailed) as caught:
        client.guest(webex_oauth.guest_jwt(issuer="i", secret="c2VjcmV0"), timeout=0.5)
    assert caught.value.fault.send == "lost"
    assert isinstance(caught.value.__cause__, webex_oauth.TransportError)


def test_a_host_that_delivers_renews_the_tokens(simulator: Simulator, make_client: Make, clock: Clock) -> None:
    asked: list[object] = []

    def deliver(ask: webex_oauth.TokenAsk) -> dict[str, object]:
        asked.append(ask)
        return simulator.issue()

    client = make_client(config={"renewal": "host_token"}, refresh_callback=deliver, clock=clock)
    assert client.token() and asked


def test_a_host_that_fails_says_which_callback(simulator: Simulator, make_client: Make, clock: Clock) -> None:
    def deliver(ask: webex_oauth.TokenAsk) -> str:
        raise LookupError("the backend knows why")

    client = make_client(config={"renewal": "host_token"}, refresh_callback=deliver, clock=clock)
    sign_in(simulator, client)
    clock.advance(15 * 86_400)
    with pytest.raises(webex_oauth.RefreshFailed) as caught:
        client.token()
    assert caught.value.fault.kind == "host"
    assert isinstance(caught.value.__cause__, LookupError)


def test_events_have_the_names_of_the_webex_world() -> None:
    assert Event.TokensRefreshed(1, False, True).name == "token:refresh"
    assert Event.SignedOut("grant_ended", None).name == "client:InvalidRequestError"
    assert Event.SignedOut("by_user", None).name == "client:logout"
