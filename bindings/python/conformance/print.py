"""From the values that the API returns to JSON."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

from read import Json
from webex_oauth import (
    AccessToken,
    Config,
    ConfigError,
    Effect,
    Error,
    Fault,
    InvalidArgument,
    Misuse,
    Provider,
    ReadTokens,
    RestoreError,
    Scope,
    Secret,
    Session,
    SignInReason,
    Status,
    TokenSet,
)

ABSENT = object()


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
        # What the advice is made of is not printed beside it, in any column.
        return [name for name in readable if not callable(getattr(value, name)) and name != "secret_was_encoded"]
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
            if isinstance(error, ConfigError) and kind not in ("invalid", "unanswered"):
                del fields["problem"]
            return {kind: fields} if fields else kind
        case InvalidArgument(kind=str() as kind):
            fields = {name: value for name, value in vars(error).items() if name not in ("kind", "argument", "problem")}
            return {kind: fields} if fields else kind
        case Misuse():
            return {snake(type(error).__name__): vars(error)}
        case _:
            raise error


def show_session(session: Session, now: datetime | int) -> Json:
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
