"""``python -m webex_oauth login|token|whoami|status|logout``: a session in a file, from the terminal.

export WEBEX_CLIENT_ID=... WEBEX_CLIENT_SECRET=... WEBEX_REDIRECT_URI=http://localhost:8080/oauth WEBEX_SCOPE=...
python -m webex_oauth login
curl -H "Authorization: Bearer $(python -m webex_oauth token)" https://webexapis.com/v1/people/me
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from unicodedata import category

from ._client import Client
from ._core import DevicePrompt, clean_text
from ._errors import AuthError, Error, RestoreError, SignInRequired, StoreError
from ._options import SESSION_FILE, Hidden, store_of

#: Exit status: what went wrong.
_FAILED, _USAGE, _SIGN_IN = 1, 2, 3
#: What no key and no newer version opens: the session of another client or server, or a damaged one.
_SPENT = ("other_config", "unreadable")


def default_file() -> Path:
    """Where the session is kept unless ``WEBEX_SESSION_FILE`` or ``--session`` says otherwise."""
    if sys.platform == "win32":
        roaming = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
        return roaming / "webex-oauth" / "webex-oauth" / "data" / "default.session"
    data = os.environ.get("XDG_DATA_HOME") or ""
    base = Path(data) if os.path.isabs(data) else Path.home() / ".local" / "share"
    return base / "webex-oauth" / "default.session"


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m webex_oauth", description="Signs in to Webex and keeps the token fresh."
    )
    parser.add_argument("--session", type=Path, metavar="FILE", help=f"where the session is kept [${SESSION_FILE}]")
    commands = parser.add_subparsers(dest="command", required=True, metavar="login|token|whoami|status|logout")
    login = commands.add_parser("login", help="sign in through the browser")
    login.add_argument("--scope", help="ask for this scope")
    way = login.add_mutually_exclusive_group()
    way.add_argument("--device", action="store_true", help="show a code to enter on another device")
    way.add_argument("--paste", action="store_true", help="copy two addresses, where no browser can reach this machine")
    way.add_argument("--no-browser", action="store_true", help="print the URL in place of opening it")
    token = commands.add_parser("token", help="print a valid access token")
    token.add_argument("--json", action="store_true", help="with the instant when it ends, and its scope")
    whoami = commands.add_parser("whoami", help="ask the server who is signed in")
    whoami.add_argument("--json", action="store_true", help="all that it says, in one line")
    status = commands.add_parser("status", help="show how the session stands")
    status.add_argument("--json", action="store_true", help="for programs")
    commands.add_parser("logout", help="sign out and revoke the tokens")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; the result is the exit status."""
    options = parser().parse_args(arguments)
    path = options.session or Path(os.environ.get(SESSION_FILE) or default_file())
    try:
        with Client.from_env(store=store_of(Hidden(os.environ), path)) as client:
            return run(client, options)
    except SignInRequired as error:
        print(f"webex_oauth: {error}; run: python -m webex_oauth login", file=sys.stderr)
        return _SIGN_IN
    except RestoreError as error:
        print(f"webex_oauth: {error}; it is in {path}: give another one with --session", end="", file=sys.stderr)
        print(", or delete that file and sign in again" if error.kind in _SPENT else "", file=sys.stderr)
        return _FAILED
    except Error as error:
        print(f"webex_oauth: {error}{advice(error)}", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        return 130


def advice(error: Error) -> str:
    """What to do about a server that refused, or could not be reached."""
    fault = getattr(error, "fault", None) if isinstance(error, AuthError) else None
    if fault is None:
        return ""
    match fault.advice:
        case "fix_configuration" if fault.code == "invalid_scope":
            return "; correct WEBEX_SCOPE, or give --scope"
        case "fix_configuration":
            return "; check WEBEX_CLIENT_ID and WEBEX_CLIENT_SECRET, and that the integration still exists"
        case "try_basic_raw":
            return "; set WEBEX_CLIENT_AUTH=basic_raw"
        case "wait_and_retry":
            return "; check the network, and try again"
        case _:
            return ""


def run(client: Client, options: argparse.Namespace) -> int:
    match options.command:
        case "login" if options.device:
            client.device_login(options.scope, show=show_prompt)
            say_who(client)
        case "login" if options.paste:
            show_url(client.begin_login(scope=options.scope))
            print("Paste the address where it ends:", file=sys.stderr, flush=True)
            client.complete_login(unquoted(sys.stdin.readline()))
            say_who(client)
        case "login":
            shown = show_url if options.no_browser else None
            client.login(open_browser=shown, scope=options.scope)
            say_who(client)
        case "token" if options.json:
            print(json.dumps({"access_token": client.token(), **summary(client, "expires_at", "scope")}))
        case "token":
            print(client.token())
        case "whoami":
            person = ask_who(client)
            print(json.dumps(person) if options.json else describe(person))
        case "status":
            show_status(client, as_json=options.json)
        case "logout":
            return sign_out(client)
    return 0


def sign_out(client: Client) -> int:
    try:
        client.sign_out()
    except StoreError as error:
        print(
            "webex_oauth: the server was asked to take the tokens back, but what is stored could not be changed: "
            f"delete it by hand ({error})",
            file=sys.stderr,
        )
        return _FAILED
    print("Signed out.")
    return 0


def unquoted(text: str) -> str:
    """What was pasted with the quotes in which it stood somewhere, or with space around it."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1].strip()
    return text


def show_url(url: str) -> None:
    print(f"Open this page in a browser:\n{url}", file=sys.stderr, flush=True)


def show_prompt(prompt: DevicePrompt) -> None:
    print(f"Open {prompt.verification_uri} and enter {prompt.user_code.expose()}", file=sys.stderr, flush=True)


def ask_who(client: Client) -> dict[str, object]:
    """The person behind the token, by the server's word."""
    provider = client.config.provider
    url = f"{provider.api_base}/people/me" if provider.api_base else provider.userinfo_endpoint
    if url is None:
        raise Error("this server does not say where to ask: it has no Webex API and no userinfo_endpoint")
    answer = client.call(url)
    if answer.refresh_error is not None:
        raise answer.refresh_error
    if answer.status != 200:
        raise Error(f"the server answered {answer.status} to {url}")
    try:
        person = answer.json()
    except ValueError:
        person = None
    if not isinstance(person, dict) or not any(
        isinstance(person.get(name), str) for name in ("id", "displayName", "sub")
    ):
        raise Error("the server's answer is not about a person")
    # Whatever a server puts there: no secret, and nothing that steers a terminal.
    secrets = (
        []
        if (tokens := client.tokens()) is None
        else [secret for secret in (tokens.access_token, tokens.refresh_token) if secret is not None]
    )
    cleaned: dict[str, object] = cleaned_json(person, secrets)
    return cleaned


def cleaned_json(value: Any, secrets: list[Any]) -> Any:
    match value:
        case str():
            return shown_text(value, secrets)
        case list():
            return [cleaned_json(item, secrets) for item in value]
        case dict():
            return {shown_text(name, secrets): cleaned_json(item, secrets) for name, item in value.items()}
        case _:
            return value


def shown_text(text: str, secrets: list[Any]) -> str:
    """An id is whole although it looks like a secret, unless it is one. What cannot be seen, or steers, is left out."""
    if any(secret.expose() in text for secret in secrets):
        return clean_text(text, [secret.expose() for secret in secrets])
    return "".join(mark for mark in text if category(mark) not in ("Cc", "Cf"))


def describe(person: dict[str, object]) -> str:
    names = (person.get(name) for name in ("displayName", "name", "preferred_username", "sub", "id"))
    name = next(str(name) for name in names if name)
    emails = person.get("emails")
    email = emails[0] if isinstance(emails, list) and emails else person.get("email")
    return f"{name} ({email})" if email else name


def say_who(client: Client) -> None:
    """Who signed in, where the scope lets us ask."""
    try:
        print(f"Signed in as {describe(ask_who(client))}.")
    except Error:
        print("Signed in.")


def summary(client: Client, *names: str) -> dict[str, object]:
    """How the session stands, in plain values: all of it, or some of its members."""
    status = client.status()

    def instant(at: datetime | None) -> str | None:
        return None if at is None else at.isoformat(timespec="seconds")

    lines = {
        "phase": type(status.phase).__qualname__.removeprefix("Phase."),
        "can_authorize": status.can_authorize,
        "via": status.via,
        "scope": None if status.scope is None else str(status.scope),
        "expires_at": instant(status.expires_at),
        "refresh_at": instant(status.refresh_at),
        "sign_in_again_by": instant(status.sign_in_again_by),
        "org_id": status.org_id,
    }
    return {name: value for name, value in lines.items() if not names or name in names}


def show_status(client: Client, *, as_json: bool) -> None:
    lines = summary(client)
    if as_json:
        print(json.dumps(lines))
        return
    for name, value in lines.items():
        if value is not None:
            print(f"{name.replace('_', ' '):<17} {value}")


if __name__ == "__main__":
    sys.exit(main())
