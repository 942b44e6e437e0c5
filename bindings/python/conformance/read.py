"""From JSON to the values that the API takes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from webex_oauth import Config, HttpResponse, LoginOptions, Provider, RefreshPolicy, RetryAfterBounds, Scope, Secret

Json = dict[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Unknown(Exception):
    """The vector asks for something that this runner does not understand."""


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


def seed(value: Any) -> bytes:
    """With zeros at the end where it is a number: then revisions begin with 1."""
    return entropy(value)[:60] + bytes(4) if isinstance(value, int) else entropy(value)


def response(value: Json) -> HttpResponse:
    body = value.get("body", "")
    content = bytes.fromhex(body["hex"]) if isinstance(body, dict) and "hex" in body else text(body).encode()
    return HttpResponse(
        value["status"], {name: text(header) for name, header in value.get("headers", {}).items()}, content
    )


def some(fields: Json, **readers: Callable[[Any], Any]) -> Json:
    """Those of the members that are there, each by its reader."""
    return {name: read(fields[name]) for name, read in readers.items() if fields.get(name) is not None}


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
        resource=lambda resources: [text(resource) for resource in resources],
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
