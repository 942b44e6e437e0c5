"""Vectors of every other kind: one call of one function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from print import compact, show, show_error, show_read, show_session
from read import (
    Json,
    Unknown,
    bounds,
    config,
    entropy,
    instant,
    lifetime,
    login_options,
    parts,
    response,
    same,
    scope,
    secret,
    settings,
    some,
    text,
    variant,
)
from webex_oauth import (
    Config,
    Error,
    Fault,
    InvalidArgument,
    Provider,
    Scope,
    ScopeDelta,
    Secret,
    Services,
    Session,
    TargetUri,
    protocol,
    snapshot_revision,
)


class Refused:
    """A mistake, as the core names it where the API has one exception for all of them."""

    def __init__(self, error: Any) -> None:
        self.error = error


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


def show_services(services: Services) -> Json:
    all_of_them = [
        {"name": name, "url": services.url(name), "hosts": services.hosts(name)} for name in services.names()
    ]
    return {"read_at": services.read_at_ms, "services": all_of_them}


def metadata_answer(answer: Json) -> Any:
    kind, fields = variant(answer)
    if kind == "failed":
        return fields
    got = response(fields)
    return (got.status, got.expose_body())


def metadata_step(given: Json) -> Json:
    step = protocol.metadata_step(text(given["issuer"]), [metadata_answer(answer) for answer in given["answers"]])
    if isinstance(step, str):
        return {"fetch": {"url": step}}
    return {"found": {"provider": show(step)}}


def from_variables(given: Json, **keywords: Any) -> Config:
    variables = {key: text(value) for key, value in given["variables"].items()}
    if "metadata" in given:
        source = protocol.MetadataSource.from_variables(variables)
        assert source is not None
        keywords["server"] = source.read_file(text(given["metadata"]).encode())
    return Config.from_variables(variables, **some(given, legacy=same), **keywords)


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
            made = from_variables(given, **keywords)
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
    ("api", "target_uri"): lambda given: TargetUri.parse(text(given["text"])),
    ("device", "webex_qr_url"): lambda given: protocol.webex_qr_url(
        secret(given["verification_uri_complete"]), text(given["oauth_helper"])
    ),
    ("device", "shown_url"): lambda given: protocol.shown_url(text(given["text"])),
    ("device", "clean_text"): lambda given: protocol.clean_text(
        text(given["text"]), [secret(part) for part in given.get("secrets", [])]
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
            case "config", "metadata_step":
                return {"value": metadata_step(fields)}
            case "config", _:
                value: Any = configs(name, fields)
            case "snapshot", "restore":
                session = Session.restore(config(group or {}), secret(fields["snapshot"]))
                value = show_session(session, instant(fields["now"]))
            case "api", "judge":
                session = Session(config(group or {}), entropy(0))
                value = session.judge(instant(fields["now"]), fields["status"], **some(fields, retry_after=text))
            case "api", "read_services":
                value = show_services(
                    Services.read(instant(fields["now"]), fields.get("status", 200), text(fields["body"]))
                )
            case "api", "catalog_url":
                value = config(group or {}).catalog_url()
            case "api", "services_may_carry_token":
                known = config(group or {}).with_services(Services.read(0, 200, text(fields["body"])))
                value = known.may_carry_token(text(fields["url"]))
            case "api", "may_carry_token":
                value = config(group or {}).may_carry_token(text(fields["url"]))
            case "api", "judge_url":
                value = config(group or {}).judge_url(text(fields["url"]))
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
