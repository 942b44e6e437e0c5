"""Webex guests."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta

from . import _core
from ._core import ENTROPY_LEN, Secret
from ._options import secret as wrapped

__all__ = ["guest_jwt"]


def guest_jwt(
    *,
    issuer: str,
    secret: str | Secret,
    lifetime: str | int | timedelta = "90m",
    subject: str | None = None,
    display_name: str | None = None,
    now: datetime | int | None = None,
) -> Secret:
    """A JWT for :meth:`Client.guest` (HS256; claims sub, name, iss, iat, exp).

    ``issuer`` and ``secret`` (base64) are the guest issuer's from the developer portal; ``lifetime`` is seconds, a
    ``timedelta``, or a text such as ``12h``. Without ``subject`` a random one is drawn. Raises
    :class:`InvalidArgument`.
    """
    secret = wrapped(secret)
    return _core.guest_jwt(
        time.time_ns() // 1_000_000 if now is None else now,
        os.urandom(ENTROPY_LEN),
        issuer=issuer,
        secret=secret,
        lifetime=lifetime,
        subject=subject,
        display_name=display_name,
    )
