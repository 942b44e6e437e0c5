"""Vectors of kind `transcript`: inputs in order, and after each what the session answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from print import show, show_effect, show_error, show_session
from read import (
    Json,
    Unknown,
    config,
    entropy,
    instant,
    login_options,
    response,
    same,
    scope,
    secret,
    seed,
    some,
    text,
    variant,
)
from webex_oauth import Config, Effect, Misuse, Output, RestoreError, Secret, Session


def steps(test: Json, group: Json | None) -> list[Json]:
    stage = Stage(config(group or {}), seed(test.get("seed", 0)))
    return [stage.step(step) for step in test["steps"]]


class Stage:
    """The sessions of one test, and what each of them stored."""

    def __init__(self, config: Config, first: bytes) -> None:
        self.config = config
        self.sessions = {"a": Session(config, first)}
        self.stored: dict[str, list[tuple[int, Secret]]] = {}

    def step(self, step: Json) -> Json:
        now, name, result = instant(step["at"]), step.get("session", "a"), {}
        if "new" in step:
            self.sessions[name] = Session(self.config, seed(step["new"]["seed"]))
        if "restore" in step:
            try:
                self.sessions[name] = Session.restore(self.config, self.snapshot(step["restore"]["snapshot"]))
            except RestoreError as error:
                result["error"] = show_error(error)
        if "input" in step:
            try:
                output = self.give(self.sessions[name], now, *variant(step["input"]))
            except Misuse as error:
                result["error"] = show_error(error)
            else:
                self.keep(name, output)
                result["effects"] = [show_effect(effect) for effect in output.effects]
        session = self.sessions[name]
        result |= show_session(session, now)
        if "ask" in step:
            result["answers"] = self.answers(session, now, step["ask"])
        return result

    def keep(self, name: str, output: Output) -> None:
        for effect in output.effects:
            match effect:
                case Effect.Persist(snapshot=snapshot, revision=revision):
                    self.stored.setdefault(name, []).append((revision, snapshot))
                case _:
                    pass

    def snapshot(self, value: Any) -> Secret:
        if not (isinstance(value, dict) and "of" in value):
            return secret(value)
        for revision, snapshot in reversed(self.stored.get(value["of"], [])):
            if revision == value.get("revision", revision):
                return snapshot
        raise Unknown(f"{value['of']} did not store that")

    def give(self, session: Session, now: datetime | int, name: str, fields: Json) -> Output:
        match name:
            case "begin_login":
                return session.begin_login(now, login_options(fields.get("options", {})), entropy(fields["entropy"]))
            case "complete_login":
                return session.complete_login(now, secret(fields["callback"]))
            case "redeem_code":
                return session.redeem_code(now, secret(fields["code"]), **some(fields, verifier=secret))
            case "begin_device_login" | "sign_in_with_client_credentials":
                given: Output = getattr(session, name)(now, **some(fields, scope=scope))
                return given
            case "sign_in_with_jwt":
                return session.sign_in_with_jwt(now, secret(fields["jwt"]))
            case "sign_in_as_guest":
                return session.sign_in_as_guest(
                    now, secret(fields["service_token"]), text(fields["subject"]), text(fields["display_name"])
                )
            case "adopt":
                return session.adopt(now, secret(fields["tokens"]))
            case "reload":
                return session.reload(now, self.snapshot(fields["snapshot"]))
            case "token_rejected":
                return session.token_rejected(now, fields["generation"])
            case "called_without_token":
                return session.called_without_token(now, text(fields["url"]))
            case "downscope":
                return session.downscope(now, scope(fields["scope"]))
            case "provide_token":
                return session.provide_token(now, fields["id"], secret(fields["tokens"]))
            case "provide_jwt":
                return session.provide_jwt(now, fields["id"], secret(fields["jwt"]))
            case "host_failed":
                return session.host_failed(now, fields["id"], text(fields["reason"]))
            case "sign_out":
                return session.sign_out(now, **some(fields.get("options", {}), revoke=same, logout=same, goto=text))
            case "response":
                return session.response(now, fields["id"], response(fields["response"]))
            case "send_failed":
                return session.send_failed(now, fields["id"], fields["fault"])
            case "cancel_login":
                return session.cancel_login(now, **some(fields, of=text, under_way=same))
            case "ensure_fresh" | "refresh" | "embargoed" | "tick":
                given = getattr(session, name)(now)
                return given
            case _:
                raise Unknown(f"unknown input {name}")

    def answers(self, session: Session, now: datetime | int, asked: Json) -> Json:
        answers: Json = {}
        if "access_for" in asked:
            answers["access_for"] = show(session.access_for(now, scope(asked["access_for"])))
        if "awaits" in asked:
            answers["awaits"] = session.awaits(asked["awaits"])
        if "logout_url" in asked:
            answers["logout_url"] = show(session.logout_url(**some(asked["logout_url"], goto=text)))
        return {name: answer for name, answer in answers.items() if answer is not None}
