"""Prints the name of whoever signs in: `python whoami.py`, with `WEBEX_CLIENT_ID` and its relatives set."""

from __future__ import annotations

import sys

import webex_oauth


def main() -> int:
    try:
        with webex_oauth.Client.from_env() as client:
            if not client.status().can_authorize:
                client.login()
            base = client.config.provider.api_base or "https://webexapis.com/v1"
            answer = client.call(f"{base}/people/me")
    except webex_oauth.Error as error:
        print(f"{error}.", file=sys.stderr)
        return 1
    if answer.status != 200:
        print(f"The API answered {answer.status}.", file=sys.stderr)
        return 1
    print(answer.json()["displayName"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
