"""One HTTP request, fully prepared except for its authentication."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import quote

from .errors import BadEndpoint, NotSent
from .secret import NeverPickled

# No user info, path, query or trailing dot can match, and a port is digits only: some HTTP libraries take
# port 99999 and connect to 99999 - 65536.
_ORIGIN = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9a-f:]+\]|[a-z0-9-]+(?:\.[a-z0-9-]+)*)"
    r"(?::(?P<port>[0-9]{1,5}))?",
    re.IGNORECASE,
)
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_OWN_HEADERS = frozenset({"host", "connection", "content-length", "transfer-encoding"})  # the transport's
_DEFAULT_PORTS = {"http": "80", "https": "443"}

JSON_HEADERS: Mapping[str, str] = MappingProxyType({"Content-Type": "application/json"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds. `total` is a deadline for everything from DNS to the last byte of the answer."""

    connect: float = 5.0
    read: float = 30.0
    total: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(NeverPickled):
    """One request. Headers and body stay out of its repr: they may hold a token or a password."""

    service: str
    method: str
    origin: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=lambda: JSON_HEADERS, repr=False)
    body: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        check_origin(self.origin)
        if not _PATH.fullmatch(self.path) or "/.." in self.path or "/./" in self.path:
            raise BadEndpoint("The path of a request is not valid; a configured id may be missing.")
        for name, value in self.headers.items():
            well_formed = _HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)
            if not well_formed or name.lower() in _OWN_HEADERS:
                raise NotSent("A header of a request is not valid.")
        object.__setattr__(self, "headers", MappingProxyType(dict(self.headers)))

    @property
    def secure(self) -> bool:
        return self.origin.lower().startswith("https:")

    @property
    def host(self) -> str:
        """The Host header: without the port when that is the scheme's own."""
        scheme, _, netloc = self.origin.lower().partition("://")
        return netloc.removesuffix(f":{_DEFAULT_PORTS[scheme]}")

    @property
    def target(self) -> str:
        """Path and query as they go over the wire."""
        pairs = "&".join(f"{quote(key, safe='~')}={quote(value, safe='~')}" for key, value in self.query)
        return f"{self.path}?{pairs}" if pairs else self.path

    @property
    def url(self) -> str:
        return f"{self.origin}{self.target}"


def check_origin(origin: str) -> None:
    """Raise BadEndpoint unless this is scheme://host[:port], https unless the host is this machine."""
    match = _ORIGIN.fullmatch(origin)
    if match is None:
        raise BadEndpoint("An endpoint must look like https://host or https://host:port, and nothing more.")
    if match["port"] is not None and not 1 <= int(match["port"]) <= 65535:
        raise BadEndpoint("The port of an endpoint must be between 1 and 65535.")
    if match["scheme"].lower() != "https" and not is_loopback(match["host"]):
        raise BadEndpoint("An endpoint must use https unless it is on this machine.")


def is_loopback(host: str) -> bool:
    """Whether a host, as written in an origin, is this machine. Names other than localhost never are."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
