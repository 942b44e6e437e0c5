"""The Python column of the conformance suite: reads vectors, calls the typed API, prints what it answers.

usage: runner.py PATH...     files or folders; one JSON line per test on standard output

It judges nothing, and hands no JSON through: every input is read into the values that the API takes, every answer is
printed from the values that it returns.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from webex_oauth import (
    AccessToken,
    Config,
    ConfigError,
    Effect,
    Error,
    Fault,
    HttpResponse,
    InvalidArgument,
    LoginOptions,
    Misuse,
    Output,
    Provider,
    ReadTokens,
    RefreshPolicy,
    RestoreError,
    RetryAfterBounds,
    Scope,
    ScopeDelta,
    Secret,
    Session,
    SignInReason,
    Status,
    TokenSet,
    protocol,
    snapshot_revision,
)

Json = dict[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
ABSENT = object()


class Unknown(Exception):
    """The vector asks for something that this runner does not understand."""


# ------------------------------------------------------------------------------------------------ from JSON to the API


def variant(value: Any) -> tuple[str, Any]:
    if isinstance(value, str):
        return value, {}
    if isinstance(value, dict) and len(value) == 1:
        return next(iter(value.items()))
    raise Unknown(f"not a variant: {value!r}")


def text(value: Any) -> str:
    if isinstance(value, str):
        return value
    repeat = value["repeat"]
    times: int = repeat["times"]
    before, after = (text(repeat[name]) if name in repeat else "" for name in ("before", "after"))
    return before + text(repeat["text"]) * times + after


def secret(value: Any) -> Secret:
    return Secret(text(value))


def instant(value: int) -> datetime | int:
    """A datetime, as people have it; milliseconds where no calendar reaches."""
    try:
        return EPOCH + timedelta(milliseconds=value)
    except OverflowError:
        return value


def span(value: int) -> timedelta:
    return timedelta(milliseconds=value)


def scope(value: Any) -> Scope:
    return Scope(text(value))


def entropy(value: Any) -> bytes:
    if isinstance(value, int):
        return bytes((value + at) % 256 for at in range(64))
    return bytes.fromhex(text(value))


def response(value: Json) -> HttpResponse:
    body = value.get("body", "")
    content = bytes.fromhex(body["hex"]) if isinstance(body, dict) and "hex" in body else text(body).encode()
    return HttpResponse(
        value["status"], {name: text(header) for name, header in value.get("headers", {}).items()}, content
    )


def some(fields: Json, **readers: Callable[[Any], Any]) -> Json:
    """Those of the members that are there, each by its reader."""
    return {name: read(fields[name]) for name, read in readers.items() if name in fields}


def same(value: Any) -> Any:
    return value


def login_options(fields: Json) -> LoginOptions:
    settings = some(
        fields,
        flow=same,
        scope=scope,
        prompt=text,
        login_hint=text,
        email=text,
        redirect_uri=text,
        response_mode=same,
        extra=lambda pairs: [(text(name), text(value)) for name, value in pairs],
    )
    if "state" in fields:
        kind, value = variant(fields["state"])
        settings.update(state=text(value)) if kind == "json" else settings.update(opaque_state=secret(value))
    return LoginOptions(**settings)


def provider(value: Any) -> Provider:
    name, fields = variant(value)
    match name:
        case "webex" | "ciscospark" | "webex_fedramp" | "webex_idbroker":
            made: Provider = getattr(Provider, name)()
            return made
        case "idbroker_at":
            return Provider.idbroker_at(text(fields["base"]))
        case "webex_at":
            return Provider.webex_at(text(fields["base"]))
        case "custom":
            return Provider.custom(text(fields["authorization_endpoint"]), text(fields["token_endpoint"]))
        case "from_metadata":
            return Provider.from_metadata(text(fields["document"]), text(fields["issuer"]))
        case _:
            raise Unknown(f"unknown provider {name}")


def bounds(fields: Json) -> RetryAfterBounds:
    return RetryAfterBounds(**some(fields, missing=span, zero=span, minimum=span, maximum=span))


def refresh_policy(fields: Json) -> RefreshPolicy:
    return RefreshPolicy(
        **some(
            fields,
            soon_permille=tuple,
            margin=span,
            min_interval=span,
            backoff=span,
            max_backoff=span,
            proactive=same,
            revoke_superseded=same,
            warn_before_relogin=span,
        )
    )


def settings(fields: Json) -> Json:
    """Keywords of `Config`; `client_id` and the provider are the caller's."""
    return some(
        fields,
        client_secret=secret,
        redirect_uri=text,
        scope=scope,
        client_auth=same,
        renewal=same,
        refresh=refresh_policy,
        downscope_failure=same,
        login_lifetime=span,
        request_timeout=span,
        retry_after=bounds,
        token_hosts=lambda hosts: [text(host) for host in hosts],
        access_token=secret,
    )


def parts(fields: Json) -> tuple[str, Json]:
    made = provider(fields["provider"])
    if "provider_fields" in fields:
        made = made.replace(**fields["provider_fields"])
    return text(fields.get("client_id", "")), {"provider": made, **settings(fields)}


def config(fields: Json) -> Config:
    client_id, keywords = parts(fields)
    return Config(client_id, **keywords)


def lifetime(value: Any) -> str | int:
    kind, given = variant(value)
    return text(given) if kind == "text" else int(given)


# ------------------------------------------------------------------------------------------------ from the API to JSON


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def millis(value: timedelta) -> int:
    return value // timedelta(milliseconds=1)


def show(value: Any) -> Any:
    """Regular: what a value looks like follows from its class."""
    match value:
        case None | bool() | int() | str():
            return value
        case Secret():
            return value.expose()
        case AccessToken():
            return value.expose_header()
        case Scope():
            return str(value)
        case timedelta():
            return millis(value)
        case list() | tuple():
            return [show(item) for item in value]
        case SignInReason.SignedOut(reason=reason):
            return {"signed_out": reason}
        case _:
            return show_object(value)


def show_object(value: Any) -> Any:
    fields = {name: member(value, name) for name in names_of(value)}
    shown: Json = {name: field for name, field in fields.items() if field is not None}
    class_names = type(value).__qualname__.split(".")
    if len(class_names) == 1:
        return shown
    return {snake(class_names[1]): shown} if fields else snake(class_names[1])


def names_of(value: Any) -> list[str]:
    """The members of a class: those that `match` names, or all that can be read where it names none or not all."""
    if isinstance(value, (Fault, TokenSet, Status, Provider, Config)) or type(value).__name__ == "HttpRequest":
        readable = [name for name in dir(type(value)) if not name.startswith("_") and not name.endswith("_ms")]
        return [name for name in readable if not callable(getattr(value, name))]
    return list(type(value).__match_args__)


def member(value: Any, name: str) -> Any:
    found = getattr(value, name)
    if isinstance(found, datetime):
        # The exact number, also where the calendar had to give in.
        exact = getattr(value, f"{name}_ms", ABSENT)
        return value.at_ms if exact is ABSENT else exact
    return show(found)


def show_tokens(tokens: TokenSet | None) -> Json | None:
    if tokens is None:
        return None
    shown: Json = show(tokens)
    return {**shown, "custom": compact(tokens.expose_custom())}


def compact(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def show_read(read: ReadTokens) -> Json:
    return {"tokens": show_tokens(read.tokens), "deviations": list(read.deviations)}


def show_effect(effect: Effect) -> Json:
    shown: Json = show(effect)
    match effect:
        case Effect.Notify(event=event):
            shown["notify"]["name"] = event.name
        case Effect.Send(request=request):
            out = shown["send"]["request"]
            out["headers"] = request.expose_headers()
            del out["header_names"]
        case _:
            pass
    return shown


def show_error(error: Error) -> Any:
    """The core's own name for a mistake, and its fields."""
    match error:
        case RestoreError() | ConfigError():
            kind = error.kind
            fields = {name: value for name, value in vars(error).items() if name != "kind"}
            if isinstance(error, ConfigError) and kind != "invalid":
                del fields["problem"]
            return {kind: fields} if fields else kind
        case InvalidArgument(kind=str() as kind):
            fields = {name: value for name, value in vars(error).items() if name not in ("kind", "argument", "problem")}
            return {kind: fields} if fields else kind
        case Misuse():
            return {snake(type(error).__name__): vars(error)}
        case _:
            raise error


# ------------------------------------------------------------------------------------------------------------ sessions


def queries(session: Session, now: datetime | int) -> Json:
    answers = {
        "phase": show(session.phase),
        "access": show(session.access(now)),
        "status": show(session.status(now)),
        "wake_at": session.wake_at_ms,
        "revision": session.revision,
        "tokens": show_tokens(session.tokens),
        "user_scope": show(session.user_scope()),
        "user_tokens": session.user_tokens,
        "snapshot": session.snapshot().expose(),
    }
    return {name: answer for name, answer in answers.items() if answer is not None}


class Stage:
    """The sessions of one test, and what each of them stored."""

    def __init__(self, config: Config, seed: Any) -> None:
        self.config = config
        self.sessions = {"a": Session(config, entropy(seed))}
        self.stored: dict[str, list[tuple[int, Secret]]] = {}

    def step(self, step: Json) -> Json:
        now, name, result = instant(step["at"]), step.get("session", "a"), {}
        if "new" in step:
            self.sessions[name] = Session(self.config, entropy(step["new"]["seed"]))
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
        result |= queries(session, now)
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
            case "cancel_login" | "ensure_fresh" | "refresh" | "embargoed" | "tick":
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


# ----------------------------------------------------------------------------------------------------------- functions


def read_callback(given: Json) -> Json:
    expected = given["expected"]
    read = protocol.read_callback(
        secret(given["text"]),
        instant(given["now"]),
        redirect_uri=text(expected["redirect_uri"]),
        state=secret(expected["state"]),
        flow=expected["flow"],
        **some(expected, issuer=text, issuer_required=same),
    )
    if read.ignored is not None:
        return {"error": read.ignored}
    outcome: Json = {}
    if read.code is not None:
        outcome["code"] = read.code.expose()
    if read.tokens is not None:
        outcome["tokens"] = show_read(read.tokens)
    if read.fault is not None:
        outcome["failed"] = show(read.fault)
    value: Json = {"outcome": outcome}
    if read.cleaned_url is not None:
        value["cleaned_url"] = read.cleaned_url
    return {"value": value}


def read_answer(given: Json) -> Json:
    read = protocol.read_token_response(response(given["response"]), instant(given["now"]), **some(given, strict=same))
    return {"error": show(read)} if isinstance(read, Fault) else {"value": show_read(read)}


def encode_state(given: Json) -> Any:
    try:
        return protocol.encode_state(text(given["json"]))
    except InvalidArgument:
        return Refused("not_a_json_object")


class Refused:
    def __init__(self, error: Any) -> None:
        self.error = error


def guest_jwt(given: Json) -> Secret:
    guest = given["guest"]
    return protocol.guest_jwt(
        instant(given["now"]),
        entropy(given["entropy"]),
        issuer=text(guest["issuer"]),
        secret=secret(guest["secret"]),
        lifetime=lifetime(guest["lifetime"]),
        **some(guest, subject=text, display_name=text),
    )


def configs(name: str, given: Json) -> Config:
    laid_over = given.get("with", {})
    keywords = settings(laid_over)
    match name:
        case "build":
            return config(given["config"])
        case "from_authorization_url":
            keywords |= some(laid_over, client_id=text)
            made = Config.from_authorization_url(text(given["text"]), **keywords)
        case "apply_authorization_url":
            client_id, own = parts(given["config"])
            made = Config(client_id, **own, authorization_url=text(given["text"]))
            made = made.replace(**keywords, **some(laid_over, client_id=text))
        case "from_variables":
            keywords |= some(laid_over, client_id=text)
            variables = {key: text(value) for key, value in given["variables"].items()}
            made = Config.from_variables(variables, **some(given, legacy=same), **keywords)
        case "from_metadata":
            server = Provider.from_metadata(text(given["document"]), text(given["issuer"]))
            made = Config(text(laid_over.get("client_id", "")), provider=server, **keywords)
        case _:
            raise Unknown(f"unknown function {name} of kind config")
    if "provider_fields" in laid_over:
        made = made.replace(provider=made.provider.replace(**laid_over["provider_fields"]))
    return made


def new_entropy(given: Json) -> str:
    Session(
        Config("any", provider=Provider.custom("https://a.example/a", "https://a.example/t")), entropy(given["bytes"])
    )
    return "ok"


def adopt(given: Json) -> Any:
    try:
        return show_read(protocol.adopt_tokens(secret(given["text"]), instant(given["now"])))
    except InvalidArgument as error:
        return Refused(error.problem)


def handoff(name: str, given: Json) -> Any:
    tokens = protocol.adopt_tokens(secret(given["text"]), instant(given["received_at"])).tokens
    write = tokens.to_handoff_json if name == "to_handoff_json" else tokens.to_handoff_query
    return write(instant(given["now"]), with_refresh_token=given["with_refresh_token"])


def claims(given: Json) -> str | None:
    found = protocol.jwt_claims(secret(given["jwt"]))
    return None if found is None else compact(found)


def two(given: Json, other: str = "other") -> tuple[Scope, Scope]:
    return scope(given["scope"]), scope(given[other])


def authorize_url(given: Json) -> str:
    return protocol.authorize_url(
        text(given["endpoint"]),
        client_id=text(given["client_id"]),
        redirect_uri=text(given["redirect_uri"]),
        **some(given, scope=text, state=text, code_challenge=text, email_hash=text, options=login_options),
    )


FUNCTIONS: dict[tuple[str, str], Callable[[Json], Any]] = {
    ("authorize_url", "authorize_url"): authorize_url,
    ("authorize_url", "email_hash"): lambda given: protocol.email_hash(text(given["email"])),
    ("authorize_url", "encode_state"): encode_state,
    ("authorize_url", "caller_part"): lambda given: protocol.read_state(secret(given["state"])),
    ("callback", "clean_url"): lambda given: protocol.clean_url(secret(given["url"])),
    ("pkce", "challenge"): lambda given: protocol.pkce_challenge(secret(given["verifier"])),
    ("pkce", "is_verifier"): lambda given: protocol.is_pkce_verifier(secret(given["verifier"])),
    ("entropy", "new"): new_entropy,
    ("jwt", "guest_jwt"): guest_jwt,
    ("jwt", "lifetime_seconds"): lambda given: protocol.lifetime_seconds(lifetime(given["lifetime"])),
    ("scope", "parse"): lambda given: scope(given["text"]),
    ("scope", "contains"): lambda given: text(given["token"]) in scope(given["scope"]),
    ("scope", "is_subset_of"): lambda given: two(given)[0] <= two(given)[1],
    ("scope", "minus"): lambda given: two(given)[0] - two(given)[1],
    ("scope", "intersection"): lambda given: two(given)[0] & two(given)[1],
    ("scope", "union"): lambda given: two(given)[0] | two(given)[1],
    ("scope", "between"): lambda given: ScopeDelta.between(scope(given["requested"]), scope(given["granted"])),
    ("retry_after", "retry_after"): lambda given: protocol.retry_after(
        text(given["header"]) if "header" in given else None, instant(given["now"]), **some(given, bounds=bounds)
    ),
    ("snapshot", "snapshot_revision"): lambda given: snapshot_revision(secret(given["snapshot"])),
    ("org", "org_id_of_token"): lambda given: protocol.org_id_of_token(secret(given["token"])),
    ("org", "org_id_of_code"): lambda given: protocol.org_id_of_code(secret(given["code"])),
    ("org", "is_guest"): lambda given: protocol.is_guest(secret(given["token"])),
    ("org", "claims"): claims,
    ("adopt", "read"): adopt,
    ("adopt", "to_handoff_json"): lambda given: handoff("to_handoff_json", given),
    ("adopt", "to_handoff_query"): lambda given: handoff("to_handoff_query", given),
    ("device", "webex_qr_url"): lambda given: protocol.webex_qr_url(
        secret(given["verification_uri_complete"]), text(given["oauth_helper"])
    ),
}


def call(kind: str, given: Any, group: Json | None) -> Json:
    name, fields = variant(given)
    try:
        match kind, name:
            case "callback", "read":
                return read_callback(fields)
            case "token_response", "read_answer":
                return read_answer(fields)
            case "config", _:
                value: Any = configs(name, fields)
            case "snapshot", "restore":
                session = Session.restore(config(group or {}), secret(fields["snapshot"]))
                value = queries(session, instant(fields["now"]))
            case "api", "judge":
                session = Session(config(group or {}), entropy(0))
                value = session.judge(instant(fields["now"]), fields["status"], **some(fields, retry_after=text))
            case "api", "may_carry_token":
                value = config(group or {}).may_carry_token(text(fields["url"]))
            case _:
                if (kind, name) not in FUNCTIONS:
                    raise Unknown(f"unknown function {name} of kind {kind}")
                value = FUNCTIONS[kind, name](fields)
    except Error as error:
        return {"error": show_error(error)}
    if isinstance(value, Refused):
        return {"error": value.error}
    if value is None:
        return {}
    return {"value": value if isinstance(value, dict) else show(value)}


# ----------------------------------------------------------------------------------------------------------------- run


def answer(kind: str, test: Json, group: Json | None) -> Json:
    try:
        if kind == "transcript":
            stage = Stage(config(group or {}), test.get("seed", 0))
            return {"id": test["id"], "result": {"steps": [stage.step(step) for step in test["steps"]]}}
        return {"id": test["id"], "result": call(kind, test["input"], group)}
    except (Unknown, KeyError) as problem:
        return {"id": test["id"], "skipped": f"{type(problem).__name__}: {problem}"}


def files(paths: list[str]) -> Iterator[Path]:
    for path in map(Path, paths):
        yield from sorted(path.rglob("*.json")) if path.is_dir() else [path]


def main() -> None:
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    for path in files(sys.argv[1:]):
        file = json.loads(path.read_text(encoding="utf-8"))
        for group in file["groups"]:
            for test in group["tests"]:
                print(json.dumps(answer(file["kind"], test, group.get("config")), ensure_ascii=False))


if __name__ == "__main__":
    main()
