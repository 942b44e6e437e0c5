"""Which proxy a request goes through: the variables of the environment, by the rule of docs/operations.md, which is
curl's but for the ports in ``no_proxy``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ._errors import TransportError

if TYPE_CHECKING:
    from ._core import TargetUri

__all__ = ["Proxy", "proxy_for", "proxy_to", "unusable"]

#: Where a proxy listens that names no port.
_PORTS = {"http": 1080, "https": 443, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}


class Proxy:
    """A proxy. Its credentials are for the proxy alone."""

    def __init__(self, scheme: str, host: str, port: int, userinfo: tuple[str, str] | None, variable: str) -> None:
        self.scheme, self.host, self.port, self.userinfo = scheme, host, port, userinfo
        #: Where it was read.
        self.variable = variable

    @classmethod
    def parse(cls, text: str, variable: str) -> Proxy:
        """From the value of a variable; without a scheme it is http. What cannot be used is an error, for a request
        that went out directly instead would go where nobody wanted it."""
        try:
            parts = urlsplit(text if "://" in text else f"http://{text}")
            scheme, host, port = parts.scheme.lower(), parts.hostname, parts.port
        except ValueError:
            raise unusable(variable, "it is not the address of a proxy") from None
        if scheme not in _PORTS:
            raise unusable(variable, "a proxy is http, https, or socks")
        if not host:
            raise unusable(variable, "it names no host")
        userinfo = None
        if parts.username is not None:
            userinfo = (unquote(parts.username), unquote(parts.password or ""))
        return cls(scheme, host, _PORTS[scheme] if port is None else port, userinfo, variable)

    @property
    def is_socks(self) -> bool:
        return self.scheme.startswith("socks")

    @property
    def key(self) -> tuple[object, ...]:
        """What tells connections through it from others."""
        return (self.scheme, self.host, self.port, self.userinfo)

    def __repr__(self) -> str:
        return f"Proxy({self.scheme}://{self.host}:{self.port})"


def unusable(variable: str, problem: str) -> TransportError:
    return TransportError(f"the variable {variable} cannot be used: {problem}", fault="not_sent")


def proxy_to(target: TargetUri) -> Proxy | None:
    """The proxy for a request. What stays on this machine goes through none."""
    return None if target.is_loopback else proxy_for(target.scheme, target.host, target.port)


def proxy_for(scheme: str, host: str, port: int, environ: Mapping[str, str] | None = None) -> Proxy | None:
    """The proxy for requests to this host; None where they go there directly.

    ``HTTP_PROXY`` in capitals is not read: in a CGI program it is a header of the request.
    """
    variables = os.environ if environ is None else environ
    names = [f"{scheme}_proxy", *(["HTTPS_PROXY"] if scheme == "https" else []), "all_proxy", "ALL_PROXY"]
    for name in names:
        if text := variables.get(name, "").strip():
            if _is_excluded(host, port, variables):
                return None
            return Proxy.parse(text, name)
    return None


def _is_excluded(host: str, port: int, variables: Mapping[str, str]) -> bool:
    """Whether ``no_proxy`` names this host: itself, a domain above it, a network that it is in, or ``*`` for all.

    An entry with a port speaks of that port alone.
    """
    text = variables.get("no_proxy") or variables.get("NO_PROXY") or ""
    if text.strip() == "*":
        return True
    return any(_names(entry, host, port) for entry in text.replace(",", " ").split())


def _names(entry: str, host: str, port: int) -> bool:
    host = host.rstrip(".").lower()
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    name, wanted = _split_port(entry)
    if wanted is not None and wanted != port:
        return False
    if address is not None:
        try:
            return address in ip_network(name, strict=False)
        except (ValueError, TypeError):
            return False
    name = name.strip(".").lower()
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _split_port(entry: str) -> tuple[str, int | None]:
    """``host``, ``host:port``, ``[address]``, ``[address]:port``, ``address``."""
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        return name, int(rest[1:]) if rest[:1] == ":" and rest[1:].isdecimal() else None
    name, colon, port = entry.rpartition(":")
    if colon and ":" not in name and port.isdecimal():
        return name, int(port)
    return entry, None
