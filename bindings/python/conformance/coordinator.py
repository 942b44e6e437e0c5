"""Vectors of kind `coordinator`: calls, results of jobs and time in order, and after each what is to be done."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from print import millis, show, show_effect, show_error, show_object, show_tokens, snake
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
    span,
    text,
    variant,
)
from webex_oauth import Config, Effect, Event, InvalidArgument, Misuse, RestoreError, Secret, coordinator
from webex_oauth.coordinator import Coordinator, Do, Fresh, Output, Publish, Save

CLASSES = {"client": "ClientCredentials"}
#: What is called otherwise in Python.
WORDS = {"ready": "token", "finished": "done", "misused": "misuse"}
#: Classes with one unnamed value in the core.
UNNAMED = ("Url", "Failed", "Store", "StoreFailed")


def steps(test: Json, group: Json | None) -> list[Json]:
    stage = Stage(config(group or {}))
    return [stage.step(step) for step in test["steps"]]


class Stage:
    """The coordinators of one test, what each of them asked to save, and what it published last."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.coordinators: dict[str, Coordinator] = {}
        self.saved: dict[str, list[tuple[int, Secret]]] = {}
        self.published: dict[str, Fresh | None] = {}

    def step(self, step: Json) -> Json:
        name, result = step.get("coordinator", "a"), {}
        wall = instant(step["at"]["wall"])
        now = (wall, step["at"]["mono"])
        outputs: list[Output] = []
        try:
            if "open" in step:
                self.coordinators[name] = self.open(step["open"])
                self.published[name] = None
            outputs = self.act(self.coordinators[name], now, step)
        except RestoreError as error:
            return {"error": show_error(error)}
        except Misuse as error:
            is_ticket = isinstance(error, InvalidArgument) and error.argument == "ticket"
            outputs = vars(error).pop("outputs")
            result["error"] = "ticket_in_use" if is_ticket else {"misuse": show_error(error)}
        for output in outputs:
            match output:
                case Publish(fresh=fresh):
                    self.published[name] = fresh
                case Do(op=Save(snapshot=snapshot, revision=revision)):
                    self.saved.setdefault(name, []).append((revision, snapshot))
        driven = self.coordinators[name]
        answers = {
            "outputs": [show_output(output) for output in outputs],
            "published": show_fresh(self.published[name]),
            "wake_at": {
                clock: at for clock, at in zip(("wall", "mono"), driven.wake_at, strict=True) if at is not None
            },
            "store_fault": show_plain(driven.store_fault),
            "status": show(driven.status(wall)),
            "tokens": show_tokens(driven.tokens),
            "revision": driven.revision,
        }
        return result | {name: answer for name, answer in answers.items() if answer is not None}

    def open(self, given: Json) -> Coordinator:
        options = some(given, rotates=same, patience=span, host_limit=span, farewell=span)
        if "store" in given:
            options |= {"store": True, **some(given["store"], lock_domain=text)}
        if "times" in given:
            options["times"] = tuple(span(given["times"][name]) for name in ("request", "margin", "poll_gap", "resave"))
        stored = self.snapshot(given["stored"]) if "stored" in given else None
        return Coordinator(self.config, seed(given["seed"]), stored, **options)

    def act(self, driven: Coordinator, now: tuple[datetime | int, int], step: Json) -> list[Output]:
        if "call" in step:
            return driven.call(now, step["call"]["ticket"], call(step["call"]["call"]))
        if "done" in step:
            return driven.done(now, step["done"]["job"], self.done(step["done"]["result"]))
        if "wake" in step:
            return driven.wake(now)
        if "restarted" in step:
            return driven.restarted(now, entropy(step["restarted"]["seed"]))
        if "give_up" in step:
            driven.give_up(step["give_up"])
        return []

    def snapshot(self, value: Any) -> Secret:
        if not (isinstance(value, dict) and "of" in value):
            return secret(value)
        for revision, snapshot in reversed(self.saved.get(value["of"], [])):
            if revision == value.get("revision", revision):
                return snapshot
        raise Unknown(f"{value['of']} did not save that")

    def done(self, value: Any) -> coordinator.Done:
        name, fields = variant(value)
        match name:
            case "loaded" | "conflict":
                made: coordinator.Done = named(name)(self.snapshot(fields) if fields else None)
            case "store_failed":
                made = coordinator.StoreFailed(coordinator.StoreFault(fields["kind"], text(fields["problem"])))
            case "response":
                made = coordinator.Response(response(fields))
            case "send_failed":
                made = coordinator.SendFailed(fields)
            case "answer" | "host_failed":
                made = named(name)(text(fields))
            case _:
                made = named(name)()
        return made


def named(name: str) -> Any:
    """The class of this name."""
    class_name = CLASSES.get(name, "".join(word.capitalize() for word in name.split("_")))
    try:
        return getattr(coordinator, class_name)
    except AttributeError:
        raise Unknown(f"unknown {name}") from None


def call(value: Any) -> coordinator.Call:
    name, fields = variant(value)
    given = some(
        fields,
        within=span,
        generation=same,
        status=same,
        retry_after=text,
        spent=lambda spent: coordinator.Spent(**some(spent, replays=same, waited=span, limit=span)),
        credential=credential,
        callback=text,
    )
    if name == "token":
        kind, user_scope = variant(fields["of"])
        given["of"] = scope(user_scope) if kind == "user" else kind
    if name in ("cancel_login", "await_login"):
        given |= some(fields, of=same, login=same)
    if name == "sign_out":
        given |= some(fields.get("options", {}), revoke=same, logout=same, goto=text)
    made: coordinator.Call = named(name)(**given)
    return made


def credential(value: Any) -> coordinator.Credential:
    name, fields = variant(value)
    made: coordinator.Credential = named(name)(
        **some(
            fields,
            options=login_options,
            entropy=entropy,
            code=secret,
            verifier=secret,
            scope=scope,
            jwt=secret,
            service_token=secret,
            subject=text,
            display_name=text,
            tokens=secret,
        )
    )
    return made


def show_plain(value: Any) -> Any:
    """A plain class as an object of its members; those in them as variants."""
    if value is None:
        return None
    shown = {name.rstrip("_"): show_member(getattr(value, name)) for name in value.__match_args__}
    return {name: member for name, member in shown.items() if member is not None}


def show_member(value: Any) -> Any:
    match value:
        case Event():
            return {"session": show_object(value)}
        case Misuse():
            return show_error(value)
        case coordinator.Spent() | coordinator.StoreFault() | Fresh():
            return show_plain(value)
        case timedelta():
            return millis(value)
        case _ if type(value).__module__.startswith(coordinator.__name__):
            return show_variant(value)
        case _:
            return show(value)


def show_variant(value: Any) -> Any:
    name = snake(type(value).__name__)
    name = WORDS.get(name, name)
    fields = show_plain(value)
    match value:
        case coordinator.Send(request=request):
            fields["request"] = show_effect(Effect.Send(request))["send"]["request"]
        case coordinator.Misused():
            return {name: fields["mistake"]}
        case coordinator.Return() | coordinator.Again():
            return {"api": {name: fields}}
        case _ if type(value).__name__ in UNNAMED:
            return {name: next(iter(fields.values()))}
        case _:
            pass
    return {name: fields} if type(value).__match_args__ else name


def show_output(output: Output) -> Json:
    match output:
        case coordinator.Show(ticket=ticket, prompt=prompt):
            return {"show": {"ticket": ticket, "what": {"device_code": show(prompt)}}}
        case _:
            shown: Json = show_variant(output)
            return shown


def show_fresh(fresh: Fresh | None) -> Json | None:
    shown: Json | None = show_plain(fresh)
    return shown
