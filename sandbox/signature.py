"""SDK-HMAC-SHA256 as the cloud computes it from the bytes it received (contract D.2; vectors in D.5)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from sandbox.messages import Request

ALGORITHM = "SDK-HMAC-SHA256"
AUTHORIZATION = re.compile(
    ALGORITHM + r" Access=(?P<ak>[^,\s]+),"
    r"\s*SignedHeaders=(?P<headers>[^,\s]+),"
    r"\s*Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Authorization:
    ak: str
    signed_headers: tuple[str, ...]
    signature: str


def parse(header: str) -> Authorization | None:
    match = AUTHORIZATION.fullmatch(header.strip())
    if match is None:
        return None
    return Authorization(match["ak"], tuple(match["headers"].split(";")), match["signature"])


def canonical_request(request: Request, signed_headers: Sequence[str]) -> str:
    """★ Always hashes the body received: `UNSIGNED-PAYLOAD` is for content that is not JSON."""
    headers = "".join(f"{name}:{request.header(name).strip()}\n" for name in signed_headers)
    return "\n".join(
        [
            request.method.upper(),
            _canonical_path(request.path),
            _canonical_query(request.query),
            headers,
            ";".join(signed_headers),
            hashlib.sha256(request.body).hexdigest(),
        ]
    )


def sign(request: Request, signed_headers: Sequence[str], secret_key: str) -> str:
    digest = hashlib.sha256(canonical_request(request, signed_headers).encode()).hexdigest()
    string_to_sign = f"{ALGORITHM}\n{request.header('x-sdk-date')}\n{digest}"
    return hmac.new(secret_key.encode(), string_to_sign.encode(), hashlib.sha256).hexdigest()


def _canonical_path(path: str) -> str:
    """Decoded, encoded again segment by segment, and always ending in `/` (only here, never on the wire)."""
    encoded = "/".join(quote(segment, safe="~") for segment in unquote(path).split("/"))
    return encoded if encoded.endswith("/") else encoded + "/"


def _canonical_query(query: Iterable[tuple[str, str]]) -> str:
    return "&".join(f"{quote(key, safe='~')}={quote(value, safe='~')}" for key, value in sorted(query))
